//! In which order do the stages run? The only file that knows, and the only one that catches a panic.
//!
//! In: sources and settings. Out: findings, settled and sorted, and what was covered. The same sources give the same outcome
//! at any number of threads.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::base::{FileId, Name, Range, Span};
use crate::checks::{self, CheckContext, TenantWords};
use crate::config::Settings;
use crate::facts::{self, FileFacts, FnKind};
pub use crate::findings::coverage::{Coverage, Failure};
use crate::findings::suppress::{self, Suppressed};
use crate::findings::{Confidence, Finding, Level, Subject, fingerprint};
use crate::flow;
use crate::index;
use crate::lower;
use crate::packs::{PackError, Packs, rule};
use crate::source::{SourceFile, SourceSet};

/// Deep trees are walked with bounded recursion; this is room for the bound.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// The rule that reports a fault of the tool itself.
pub const INTERNAL_ERROR: &str = "internal-error";

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Findings to show, sorted by path, place and rule.
    pub findings: Vec<Finding>,
    /// Findings that a comment silenced, in the same order.
    pub suppressed: Vec<Suppressed>,
    /// What was covered.
    pub coverage: Coverage,
    /// Files on which the tool failed; the run ends with status 2.
    pub failures: Vec<Failure>,
}

/// A pool of worker threads with large stacks. Zero threads means as many as the machine has.
pub fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES).build().expect("worker threads can be started")
}

/// Analyses the sources. To be called inside [`pool`].
pub fn check(sources: &SourceSet, settings: &Settings) -> Outcome {
    let mut outcome = Outcome { coverage: covered(sources), ..Outcome::default() };
    let lowered: Vec<Result<FileFacts, Failure>> = sources
        .files
        .par_iter()
        .enumerate()
        .map(|(at, file)| {
            let id = FileId(at as u32);
            fence(Some(id), || lower::lower(file.language, &file.text))
        })
        .collect();
    let mut facts: Vec<FileFacts> = Vec::with_capacity(lowered.len());
    for (at, result) in lowered.into_iter().enumerate() {
        match result {
            Ok(file) => {
                for gap in &file.gaps {
                    *outcome.coverage.gaps.entry(gap.why.text()).or_insert(0) += 1;
                }
                facts.push(file);
            }
            Err(failure) => {
                facts.push(lower::empty(sources.files[at].language));
                outcome.failures.push(failure);
            }
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut failed = Vec::new();
    let analysis = fence(None, || {
        analyze(sources, &facts, settings, &mut outcome.coverage, &mut findings, &mut failed);
    });
    outcome.failures.append(&mut failed);
    outcome.failures.extend(analysis.err());
    findings.extend(outcome.failures.iter().filter_map(internal_error));
    settle(findings, &facts, sources, settings, &mut outcome);
    outcome
}

/// The packs that come with the tool and those that the settings add.
///
/// # Errors
/// A file cannot be read or is no pack; the error names it.
pub fn packs_of(settings: &Settings) -> Result<Cow<'static, Packs>, PackError> {
    let mut packs = Cow::Borrowed(Packs::builtin()?);
    for path in &settings.packs {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => packs.to_mut().add(&file, &text)?,
            Err(error) => {
                return Err(PackError::Form { file, message: error.to_string() });
            }
        }
    }
    Ok(packs)
}

/// Links, follows values, and checks. What one check finds stands, whatever happens in the others.
fn analyze(
    sources: &SourceSet,
    facts: &[FileFacts],
    settings: &Settings,
    coverage: &mut Coverage,
    findings: &mut Vec<Finding>,
    failures: &mut Vec<Failure>,
) {
    let packs = match packs_of(settings) {
        Ok(packs) => packs,
        // Those of the tool are loaded by a test, those of the settings were read before.
        Err(error) => panic!("{error}"),
    };
    let index = index::link(sources, facts, &packs);
    let flow = flow::analyze(&index);
    for (why, count) in &flow.gap_counts() {
        *coverage.gaps.entry((*why).to_owned()).or_insert(0) += count;
    }
    let templates = facts.iter().filter(|f| f.functions.first().is_some_and(|f| f.kind == FnKind::Template)).count();
    coverage.counts.insert("templates".to_owned(), templates as u64);
    coverage.counts.insert("templates rendered from code".to_owned(), flow.rendered.len() as u64);
    coverage.counts.insert("serializers and resources".to_owned(), flow.servers.0 as u64);
    coverage.counts.insert("serializers and resources given a known row".to_owned(), flow.servers.1 as u64);
    let named = index.named_templates();
    let reached = named.iter().filter(|file| flow.rendered.contains(file)).count();
    coverage.counts.insert("templates named by a literal".to_owned(), named.len() as u64);
    coverage.counts.insert("templates named by a literal and reached".to_owned(), reached as u64);
    coverage.counts.insert("models".to_owned(), index.models.iter().filter(|m| m.class.is_some()).count() as u64);
    let words = tenant_words(sources, settings);
    let mut guard = |check: &mut dyn FnMut()| failures.extend(fence(None, check).err());
    checks::run(&CheckContext::new(&index, &flow), &words, &|rule| settings.is_on(rule), findings, &mut guard);
}

fn tenant_words(sources: &SourceSet, settings: &Settings) -> TenantWords {
    let is_global = |(at, file): (usize, &SourceFile)| settings.is_global(&file.path).then_some(FileId(at as u32));
    let has_global = !settings.tenant.global_paths.is_empty();
    TenantWords {
        models: settings.tenant.models.clone(),
        columns: settings.tenant.columns.clone(),
        scopes: settings.tenant.scopes.clone(),
        global_files: if has_global {
            sources.files.iter().enumerate().filter_map(is_global).collect()
        } else {
            Default::default()
        },
    }
}

/// What the code says about its tenants, as a page. To be called inside [`pool`].
///
/// # Errors
/// A pack of the settings cannot be used.
pub fn tenants(sources: &SourceSet, settings: &Settings) -> Result<String, PackError> {
    let facts: Vec<FileFacts> = sources.files.par_iter().map(|file| lower::lower(file.language, &file.text)).collect();
    let packs = packs_of(settings)?;
    let index = index::link(sources, &facts, &packs);
    let flow = flow::analyze(&index);
    Ok(checks::tenants(&CheckContext::new(&index, &flow), &tenant_words(sources, settings)))
}

/// What is done with the findings of all checks: levels, silence, identity, order.
fn settle(mut findings: Vec<Finding>, facts: &[FileFacts], sources: &SourceSet, settings: &Settings, outcome: &mut Outcome) {
    let is_internal = |finding: &Finding| finding.rule.as_str() == INTERNAL_ERROR;
    findings.retain(|finding| {
        let path = sources.file(finding.span.file).path.as_str();
        let rule = finding.rule.as_str();
        is_internal(finding) || settings.is_on(rule) && !settings.is_ignored_in(rule, path)
    });
    for finding in &mut findings {
        finding.level = settings.level(finding.rule.as_str(), finding.level);
    }
    findings.sort_by(|a, b| a.span.cmp(&b.span).then(a.rule.cmp(&b.rule)).then(a.message.cmp(&b.message)));
    fingerprint::assign(&mut findings, sources, &settings.place);
    let rules = suppress::Rules {
        is_known: &|name| rule::catalog().iter().any(|rule| rule.id == name || rule.family == name),
        is_on: &|name| settings.is_on(name) || rule::catalog().iter().any(|r| r.family == name && settings.is_on(&r.id)),
        family: &|id| rule::find(id).map(|rule| rule.family.as_str()),
        require_reason: settings.require_reason,
        level: settings.level(suppress::UNUSED, Level::Note),
    };
    let mut applied = suppress::apply(findings, facts, sources, &rules);
    applied.findings.retain(|finding| {
        let path = sources.file(finding.span.file).path.as_str();
        let is_shown = finding.level >= settings.min_level && finding.confidence >= settings.min_confidence;
        let is_ignored = settings.is_ignored_in(finding.rule.as_str(), path);
        is_internal(finding) || is_shown && !is_ignored
    });
    let notes = applied.findings.iter().position(|finding| finding.fingerprint.is_empty());
    if let Some(at) = notes {
        fingerprint::assign(&mut applied.findings[at..], sources, &settings.place);
    }
    applied.findings.sort_by(|a, b| a.span.cmp(&b.span).then(a.rule.cmp(&b.rule)).then(a.message.cmp(&b.message)));
    outcome.findings = applied.findings;
    outcome.suppressed = applied.suppressed;
}

/// What is shown of the analysis' beliefs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Dump {
    /// What the file says.
    Facts,
    /// What its names mean in the whole program.
    Index,
    /// What its values are.
    Flow,
}

/// The analysis' beliefs about a file, as text; `None` if there is nothing to show.
///
/// # Errors
/// A pack of the settings cannot be used.
pub fn dump(what: Dump, sources: &SourceSet, settings: &Settings, file: FileId) -> Result<Option<String>, PackError> {
    let lowered = |file: &SourceFile| lower::lower(file.language, &file.text);
    match what {
        Dump::Facts => Ok(Some(facts::print::print(&lowered(sources.file(file))))),
        Dump::Index => {
            let facts: Vec<FileFacts> = sources.files.par_iter().map(lowered).collect();
            let packs = packs_of(settings)?;
            Ok(Some(index::print::print(&index::link(sources, &facts, &packs), Some(file))))
        }
        Dump::Flow => {
            let facts: Vec<FileFacts> = sources.files.par_iter().map(lowered).collect();
            let packs = packs_of(settings)?;
            let index = index::link(sources, &facts, &packs);
            let source = sources.file(file);
            let lines = flow::trace(&index, file).into_iter().map(|(range, text)| {
                let line = source.lines.line(range.end.saturating_sub(1)) + 1;
                format!("{}:{line}: {text}\n", source.path)
            });
            Ok(Some(lines.collect()))
        }
    }
}

fn covered(sources: &SourceSet) -> Coverage {
    Coverage {
        files: sources.files.len() as u64,
        bytes: sources.files.iter().map(|file| file.text.len() as u64).sum(),
        ..Coverage::default()
    }
}

thread_local! {
    /// Does this thread work behind the fence?
    static FENCED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics behind the fence from writing to the terminal: they are reported as findings. Others speak as ever.
pub fn quiet_fence() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !FENCED.get() {
            before(info);
        }
    }));
}

/// Runs the work on one file, or on the program; a panic becomes a failure of it.
pub fn fence<T>(file: Option<FileId>, work: impl FnOnce() -> T) -> Result<T, Failure> {
    let around = FENCED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    FENCED.set(around);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Failure { file, message: text.unwrap_or_else(|| "no message".to_owned()) }
    })
}

/// The finding that tells of a failure; a failure that belongs to no file has no place to stand and is told apart.
fn internal_error(failure: &Failure) -> Option<Finding> {
    Some(Finding {
        rule: Name::new(INTERNAL_ERROR),
        level: Level::Error,
        confidence: Confidence::High,
        message: format!("the analysis of this file failed: {}", failure.message.lines().next().unwrap_or_default()),
        help: rule::find(INTERNAL_ERROR).map(|rule| rule.help.clone()).unwrap_or_default(),
        cost: String::new(),
        span: Span { file: failure.file?, range: Range::new(0, 0) },
        label: "",
        steps: Vec::new(),
        subject: Subject::default(),
        owner: String::new(),
        fix: None,
        fingerprint: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::memory::source_set;

    #[test]
    fn a_panic_on_one_file_is_a_failure_of_that_file() {
        let result: Result<(), Failure> = fence(Some(FileId(3)), || panic!("bad {}", 1));
        assert_eq!(result, Err(Failure { file: Some(FileId(3)), message: "bad 1".to_owned() }));
    }

    /// A failure that belongs to no file is no finding, in particular where there are no files.
    #[test]
    fn a_failure_of_the_whole_analysis_needs_no_file() {
        let failed: Result<(), Failure> = fence(None, || panic!("all of it"));
        let failure = failed.expect_err("it panicked");
        assert_eq!(internal_error(&failure), None);
        let outcome = pool(1).install(|| check(&source_set(&[]), &Settings::default()));
        assert!(outcome.findings.is_empty() && outcome.failures.is_empty());
    }

    #[test]
    fn coverage_counts_files_and_bytes() {
        let sources = source_set(&[("a.py", "x = 1\n"), ("b.php", "<?php\n")]);
        let outcome = pool(1).install(|| check(&sources, &Settings::default()));
        assert_eq!((outcome.coverage.files, outcome.coverage.bytes), (2, 12));
        assert!(outcome.findings.is_empty());
    }
}
