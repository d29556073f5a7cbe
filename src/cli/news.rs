//! Which findings are new? Those that neither the baseline lists nor the merge base has, on lines that changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::project::{Project, below, options};
use super::{CheckArgs, Stop, relative};
use crate::base::{FileId, Span};
use crate::config::FILE_NAME;
use crate::findings::baseline::{Baseline, Entry};
use crate::findings::compare::{Change, Known, compare};
use crate::findings::edit::changed_lines;
use crate::packs::rule;
use crate::pipeline::{self, Outcome};
use crate::report::place::place;
use crate::report::plural;
use crate::source::disk::base_folder;
use crate::source::language::guess;
use crate::source::{SourceSet, discover, manifest};
use crate::vcs::{Scratch, Tree};

/// Files that decide what is read.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".ormlintignore"];

/// What findings are measured against.
#[derive(Default)]
pub(super) struct News {
    baseline: Option<(PathBuf, Vec<Known>)>,
    earlier: Option<(String, Tree, Vec<Known>)>,
    changed: Option<Tree>,
}

/// What was left out, and what is known besides.
#[derive(Default)]
pub(super) struct Told {
    /// Words for the summary.
    pub(super) notes: Vec<String>,
    /// Words for standard error.
    pub(super) warnings: Vec<String>,
    /// What became of the findings of an earlier revision.
    pub(super) change: Option<Change>,
}

impl News {
    /// Reads what the arguments ask to compare with. To be called inside the pool of workers.
    ///
    /// # Errors
    /// The baseline or the revision cannot be read.
    pub(super) fn read(args: &CheckArgs, project: &Project) -> Result<News, Stop> {
        let mut news = News::default();
        if !args.no_baseline {
            let file = args.baseline.clone().unwrap_or_else(|| project.baseline_file());
            match Baseline::read(&file).map_err(Stop::Failed)? {
                Some(baseline) => {
                    let known = baseline.findings.into_iter().map(|entry| entry.known);
                    news.baseline = Some((file, known.collect()));
                }
                None if args.baseline.is_some() => {
                    return Err(Stop::Failed(format!("{}: no such file", file.display())));
                }
                None => (),
            }
        }
        if args.since.is_none() && !args.changed_lines {
            return Ok(news);
        }
        let repository = project.repository()?;
        let revision = args.since.as_deref().unwrap_or("HEAD");
        let tree = repository.merge_base(revision).map_err(Stop::Failed)?;
        if args.changed_lines {
            news.changed = Some(tree);
        }
        if args.since.is_some() {
            news.earlier = Some((revision.to_owned(), tree, earlier(project, tree)?));
        }
        Ok(news)
    }

    /// Leaves out what is not new.
    pub(super) fn filter(&self, outcome: &mut Outcome, sources: &SourceSet, project: &Project) -> Told {
        let mut told = Told::default();
        let is_there = |path: &str| project.anchor.join(path).exists();
        // What the baseline lists is left out, not mended.
        let mut listed: Vec<Known> = Vec::new();
        if let Some((file, known)) = &self.baseline {
            let now = remember(outcome, sources, project);
            let compared = compare(known, &now, &is_there);
            keep_unknown(outcome, &compared.known_as);
            listed.extend(now.into_iter().zip(&compared.known_as).filter_map(|(finding, as_known)| as_known.map(|_| finding)));
            if !listed.is_empty() {
                told.notes.push(format!("{} in the baseline", listed.len()));
            }
            let stale = compared.gone.iter().filter(|at| {
                let entry = &known[**at];
                project.settings.is_on(&entry.rule) && (project.judges(&entry.path) || !is_there(&entry.path))
            });
            let stale = stale.count();
            if stale > 0 {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let entries = plural(stale, "entry").replace("entrys", "entries");
                let is_are = if stale == 1 { "is" } else { "are" };
                told.warnings.push(format!("{entries} of {name} {is_are} mended; `ormlint baseline prune` removes them"));
            }
        }
        if let Some((revision, tree, known)) = &self.earlier {
            let mut now = remember_all(outcome, sources, project);
            now.extend(listed);
            let compared = compare(known, &now, &is_there);
            let mut change = Change::between(known, &now, &compared, revision, &is_per_row);
            let shown = outcome.findings.len();
            keep_unknown(outcome, &compared.known_as[..shown]);
            for edit in outcome.findings.iter().filter_map(|f| f.fix.as_ref()).flat_map(|fix| &fix.edits) {
                let file = edit.span.file;
                change.hunks.entry(file).or_insert_with(|| lines_since(project, *tree, sources, file));
            }
            told.change = Some(change);
            if !compared.gone.is_empty() {
                let count = compared.gone.len();
                told.notes.push(format!("{count} mended since {revision}"));
            }
        }
        if let Some(tree) = self.changed {
            let mut lines: BTreeMap<FileId, Vec<(usize, usize)>> = BTreeMap::new();
            let mut touches = |span: Span| {
                let changed = lines.entry(span.file).or_insert_with(|| lines_since(project, tree, sources, span.file));
                let at = place(span, sources);
                changed.iter().any(|(first, last)| at.start.line <= *last && *first <= at.end.line)
            };
            outcome.findings.retain(|finding| touches(finding.span) || finding.steps.iter().any(|step| touches(step.span)));
        }
        told
    }
}

/// Lines of a file that differ from the tree of an earlier revision, from 1, first and last; all of a new file.
fn lines_since(project: &Project, tree: Tree, sources: &SourceSet, id: FileId) -> Vec<(usize, usize)> {
    let file = sources.file(id);
    let path = format!("{}{}", project.settings.place, file.path);
    match project.repository().ok().and_then(|repository| repository.bytes_at(tree, &path)) {
        Some(bytes) => {
            let before = String::from_utf8_lossy(&bytes).replace('\u{feff}', "");
            changed_lines(&before, &file.text)
        }
        None => vec![(1, usize::MAX)],
    }
}

/// Does a rule find a query that is sent once per row?
fn is_per_row(id: &str) -> bool {
    rule::find(id).is_some_and(|rule| rule.family == "loading") && !matches!(id, "load-to-count" | "unbounded-query")
}

/// The findings of a run, to be remembered.
pub(super) fn remember(outcome: &Outcome, sources: &SourceSet, project: &Project) -> Vec<Known> {
    let findings = outcome.findings.iter();
    findings.map(|finding| Known::of(finding, sources, &project.settings.place)).collect()
}

/// The same with those that comments silence: what is silenced now was not mended.
fn remember_all(outcome: &Outcome, sources: &SourceSet, project: &Project) -> Vec<Known> {
    let mut all = remember(outcome, sources, project);
    let silenced = outcome.suppressed.iter();
    all.extend(silenced.map(|s| Known::of(&s.finding, sources, &project.settings.place)));
    all
}

fn keep_unknown(outcome: &mut Outcome, known_as: &[Option<usize>]) {
    let mut known_as = known_as.iter();
    outcome.findings.retain(|_| known_as.next().is_none_or(Option::is_none));
}

/// The entries of a baseline that are not found any more, and the findings that it does not list.
pub(super) fn against(baseline: &Baseline, now: &[Known], project: &Project) -> (Vec<Entry>, Vec<Entry>, Vec<Known>) {
    let known: Vec<Known> = baseline.findings.iter().map(|e| e.known.clone()).collect();
    let is_there = |path: &str| project.anchor.join(path).exists();
    let compared = compare(&known, now, &is_there);
    let (mut kept, mut stale, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for (finding, known_as) in now.iter().zip(&compared.known_as) {
        match known_as {
            // As it is known now: its file may have another name.
            Some(at) => kept.push(Entry { known: finding.clone(), reason: baseline.findings[*at].reason.clone() }),
            None => new.push(finding.clone()),
        }
    }
    for at in compared.gone {
        let entry = baseline.findings[at].clone();
        let is_judged =
            project.settings.is_on(&entry.known.rule) && (project.judges(&entry.known.path) || !is_there(&entry.known.path));
        if is_judged {
            stale.push(entry);
        } else {
            kept.push(entry);
        }
    }
    (kept, stale, new)
}

/// What is found in the tree of an earlier revision, by the settings of today.
fn earlier(project: &Project, tree: Tree) -> Result<Vec<Known>, Stop> {
    let repository = project.repository()?;
    let root = repository.root();
    let failed = |error: std::io::Error| Stop::Failed(format!("temporary files: {error}"));
    let scratch = Scratch::new().map_err(failed)?;
    // The name of a folder may say what is in it.
    let name = root.file_name().unwrap_or("project".as_ref());
    let folder = scratch.path().join(name);
    // Ignore files of folders above count in a repository only.
    fs::create_dir_all(folder.join(".git")).map_err(failed)?;
    let folder = fs::canonicalize(&folder).map_err(failed)?;
    let inside: Vec<String> = project
        .paths
        .iter()
        .filter_map(|path| {
            let full = fs::canonicalize(path).ok()?;
            full.starts_with(root).then(|| relative(&full, root))
        })
        .collect();
    let wanted = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_checked = inside.iter().any(|root| Path::new(path).starts_with(Path::new(root)));
        IGNORE_FILES.contains(&name) || name == FILE_NAME || manifest::is_manifest(path) || is_checked && guess(path).is_some()
    };
    repository.write_tree(tree, &wanted, &folder).map_err(Stop::Failed)?;
    let roots: Vec<PathBuf> = inside.iter().map(|path| folder.join(path)).filter(|path| path.exists()).collect();
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let base = base_folder(&roots);
    let mut settings = project.settings.clone();
    if let Some(file) = &settings.file
        && let Ok(full) = fs::canonicalize(file)
        && let Ok(path) = full.strip_prefix(root)
    {
        let there = folder.join(path);
        if let Some(above) = there.parent() {
            fs::create_dir_all(above).map_err(failed)?;
        }
        settings.file = Some(there);
    }
    settings.rooted_at(&base);
    settings.place = below(&base, &folder);
    let sources = discover(&roots, &options(&settings));
    let outcome = pipeline::check(&sources, &settings);
    let findings = outcome.findings.iter();
    Ok(findings.map(|finding| Known::of(finding, &sources, &settings.place)).collect())
}
