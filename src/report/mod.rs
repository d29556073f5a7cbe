//! How do findings become bytes? One module per format; by now levels, order and silence are settled.

pub mod concise;
pub mod full;
pub mod github;
pub mod gitlab;
pub mod grouped;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
pub mod place;
pub mod rdjson;
pub mod sarif;

use std::io::{self, Write};

use crate::findings::compare::Change;
use crate::findings::coverage::{Coverage, Failure};
use crate::findings::suppress::Suppressed;
use crate::findings::{Finding, Level};
use crate::packs::rule::{self, Rule};
use crate::source::SourceSet;

/// Name of the tool in every format.
pub const TOOL: &str = "ormlint";

/// Version of the tool in every format.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the project lives, as the package says; empty if it says nothing. Then no format holds a link.
pub const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// All that a format may tell.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The sources, for places and text.
    pub sources: &'a SourceSet,
    /// The findings, sorted.
    pub findings: &'a [Finding],
    /// The findings that comments silenced.
    pub suppressed: &'a [Suppressed],
    /// What was covered.
    pub coverage: &'a Coverage,
    /// Files on which the tool failed.
    pub failures: &'a [Failure],
    /// The rules of this run with their levels, sorted by id.
    pub rules: &'a [(&'static Rule, Level)],
    /// What else is worth a word in the summary: `2 fixed`, `14 in the baseline`.
    pub notes: &'a [String],
    /// How long the run took; not told if none.
    pub seconds: Option<f64>,
    /// Where the project lives: for links to the pages of rules. Empty for no links.
    pub home: &'a str,
    /// What changed since an earlier revision, if the run compares.
    pub change: Option<&'a Change>,
    /// How text for people looks.
    pub style: Style,
}

/// How text for people looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Colours may be used.
    pub color: bool,
    /// Characters beyond ASCII may be drawn with.
    pub unicode: bool,
    /// Sentences instead of drawings.
    pub narrated: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style { width: 100, color: false, unicode: true, narrated: false }
    }
}

/// A format of reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, clap::ValueEnum)]
pub enum Format {
    /// Each finding with its code.
    Full,
    /// One line for each finding.
    Concise,
    /// One line for each finding, by file.
    Grouped,
    /// One object.
    Json,
    /// One object for each finding, one a line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of a workflow on GitHub.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// Reviewdog's format, one object.
    Rdjson,
    /// Reviewdog's format, one diagnostic a line.
    Rdjsonl,
    /// A comment for a pull request.
    Markdown,
}

/// Writes the report.
///
/// # Errors
/// The writer fails.
pub fn render(report: &Report<'_>, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Full => full::render(report, out),
        Format::Concise => concise::render(report, out),
        Format::Grouped => grouped::render(report, out),
        Format::Json => json::render(report, out),
        Format::Jsonl => jsonl::render(report, out),
        Format::Sarif => sarif::render(report, out),
        Format::Github => github::render(report, out),
        Format::Gitlab => gitlab::render(report, out),
        Format::Junit => junit::render(report, out),
        Format::Rdjson => rdjson::render(report, out),
        Format::Rdjsonl => rdjson::render_lines(report, out),
        Format::Markdown => markdown::render(report, out),
    }
}

impl Format {
    /// Do those who read it know files by their path from the root of the repository? Else by the path from the folder checked.
    pub fn is_for_repository(self) -> bool {
        matches!(self, Format::Sarif | Format::Github | Format::Gitlab | Format::Rdjson | Format::Rdjsonl | Format::Markdown)
    }
}

impl Report<'_> {
    /// Where the page of a rule is read.
    pub fn page_of(&self, rule: &str) -> Option<String> {
        let home = self.home.trim_end_matches('/');
        (!home.is_empty()).then(|| format!("{home}/blob/main/rules/catalog/{rule}.md"))
    }

    /// The name of a rule in Markdown, with a link to its page.
    fn linked(&self, rule: &str) -> String {
        self.page_of(rule).map_or_else(|| format!("`{rule}`"), |page| format!("[`{rule}`]({page})"))
    }

    /// Findings that matter most first: by level, confidence, precision of the rule, then as sorted.
    pub fn ranked(&self) -> Vec<&Finding> {
        let mut ranked: Vec<&Finding> = self.findings.iter().collect();
        ranked.sort_by_cached_key(|finding| {
            let precision = rule::find(finding.rule.as_str()).map(|rule| rule.precision);
            std::cmp::Reverse((finding.level, finding.confidence, precision))
        });
        ranked
    }

    /// How many findings have each level: errors, warnings, notes.
    pub fn counts(&self) -> [(Level, usize); 3] {
        let count = |level| (level, self.findings.iter().filter(|finding| finding.level == level).count());
        [count(Level::Error), count(Level::Warning), count(Level::Note)]
    }

    /// The last line for people: `3 findings (2 warnings, 1 note) in 2 of 120 files, 0.4 s`.
    pub fn summary(&self) -> String {
        let mut files: Vec<_> = self.findings.iter().map(|finding| finding.span.file).collect();
        files.dedup();
        let checked = plural(self.coverage.files as usize, "file");
        let mut line = if self.findings.is_empty() {
            format!("no findings in {checked}")
        } else {
            let levels = self.counts().into_iter().filter(|(_, count)| *count > 0);
            let levels: Vec<_> = levels.map(|(level, count)| plural(count, level_word(level))).collect();
            let found = plural(self.findings.len(), "finding");
            format!("{found} ({}) in {} of {checked}", levels.join(", "), files.len())
        };
        if !self.suppressed.is_empty() {
            line += &format!(", {} suppressed", self.suppressed.len());
        }
        for note in self.notes {
            line += &format!(", {note}");
        }
        if let Some(seconds) = self.seconds {
            line += &format!(", {seconds:.1} s");
        }
        line
    }
}

/// The word for a level in every format that has no words of its own.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// `1 file`, `2 files`, `1,204 files`.
pub fn plural(count: usize, word: &str) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
