//! Does the analyzer say what the examples and fixtures say it must, and nothing else?
//!
//! `rules/catalog/*.md` and `fixtures/cases/*.md` are pages of small examples, the other folders of `fixtures/` are whole
//! applications; comments in their code say which findings start there (see `fixtures/README.md`).
//! `ORMLINT_ONLY=text` runs the tests whose file or name holds the text; `ORMLINT_BLESS=1` rewrites the comments.

mod advice;
mod annotations;
mod catalog;
mod compare;
mod files;
mod fixes;
mod fixtures;
mod stress;
mod tidy;

use std::path::{Path, PathBuf};

use crate::base::Span;
use crate::config::{Config, FILE_NAME, Overrides, Settings};
use crate::pipeline;
use crate::source::Origin;
use crate::source::memory::source_set;

/// What the kit compares: a finding with lines instead of byte ranges.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TestFinding {
    /// Rule id.
    pub rule: String,
    /// File.
    pub path: String,
    /// Line of the primary place, from 1.
    pub line: usize,
    /// Headline.
    pub message: String,
    /// How bad it is, as reports write it.
    pub level: String,
    /// What to do.
    pub help: String,
    /// Places on the way, lines from 1.
    pub steps: Vec<(String, usize)>,
}

/// How a test is run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Rules selected besides those on by default.
    pub rules: Vec<String>,
}

/// Runs the whole analysis on files given as path and text. To be called inside [`pool`].
pub fn analyze(files: &[(String, String)], options: &Options) -> Vec<TestFinding> {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut sources = source_set(&files);
    sources.files.retain(|file| file.origin != Origin::Test);
    let named = files.iter().find(|(path, _)| *path == FILE_NAME);
    let config = named.map_or_else(Config::default, |(path, text)| {
        Config::parse(Path::new(path), text).unwrap_or_else(|error| panic!("{error}"))
    });
    let overrides = Overrides { extend_select: options.rules.clone(), ..Overrides::default() };
    let settings = Settings::new(&config, &overrides).unwrap_or_else(|error| panic!("{error}"));
    let place = |span: Span| {
        let file = sources.file(span.file);
        (file.path.clone(), file.lines.line(span.range.start) + 1)
    };
    let outcome = pipeline::check(&sources, &settings);
    let findings = outcome.findings.into_iter();
    findings
        .map(|finding| {
            let (path, line) = place(finding.span);
            let steps = finding.steps.iter().map(|step| place(step.span)).collect();
            let level = format!("{:?}", finding.level).to_lowercase();
            TestFinding { rule: finding.rule.to_string(), path, line, message: finding.message, level, help: finding.help, steps }
        })
        .collect()
}

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, sorted, as paths relative to it with `/`; none if there is no such folder.
fn files_below(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok);
    entries
        .filter(|e| e.file_type().is_file())
        .map(|e| {
            let relative = e.path().strip_prefix(folder).unwrap_or(e.path());
            (relative.to_string_lossy().replace('\\', "/"), e.path().to_path_buf())
        })
        .collect()
}

/// The ids of all rules: the names of the catalogue's pages.
fn rule_ids() -> Vec<String> {
    let pages = files_below(&root().join("rules/catalog"));
    pages.into_iter().filter_map(|(name, _)| name.strip_suffix(".md").map(str::to_owned)).collect()
}

fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{} must be readable: {error}", path.display()))
}
