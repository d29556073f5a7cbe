//! Does the analyzer say what the examples and fixtures say it must, and nothing else?
//!
//! `rules/catalog/*.md` and `fixtures/cases/*.md` are pages of small examples, the other folders of `fixtures/` are whole
//! applications; comments in their code say which findings start there (see `fixtures/README.md`).
//! `ORMLINT_ONLY=text` runs the tests whose file or name holds the text; `ORMLINT_BLESS=1` rewrites the comments.

mod annotations;
mod catalog;
mod compare;
mod files;
mod fixtures;
mod tidy;

use std::path::{Path, PathBuf};

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
    /// Places on the way, lines from 1.
    pub steps: Vec<(String, usize)>,
}

/// How a test is run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Rules selected besides those on by default.
    pub rules: Vec<String>,
}

/// Runs the whole analysis on files given as path and text.
pub fn analyze(_files: &[(String, String)], _options: &Options) -> Vec<TestFinding> {
    Vec::new()
}

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, sorted, as paths relative to it with `/`; none if there is no such folder.
fn files_below(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok);
    entries
        .filter(|e| e.file_type().is_file())
        .map(|e| {
            let relative = e.path().strip_prefix(folder).unwrap_or(e.path());
            (
                relative.to_string_lossy().replace('\\', "/"),
                e.path().to_path_buf(),
            )
        })
        .collect()
}

/// The ids of all rules: the names of the catalogue's pages.
fn rule_ids() -> Vec<String> {
    let pages = files_below(&root().join("rules/catalog"));
    pages
        .into_iter()
        .filter_map(|(name, _)| name.strip_suffix(".md").map(str::to_owned))
        .collect()
}

fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{} must be readable: {error}", path.display()))
}
