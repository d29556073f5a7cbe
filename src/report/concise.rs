//! One line for each finding: `path:line:column: level[rule] message`.

use std::io::{self, Write};

use super::{Report, level_word, place};
use crate::findings::Finding;
use crate::source::SourceSet;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    report.findings.iter().try_for_each(|finding| line(finding, report.sources, out))
}

/// The line of one finding.
pub(super) fn line(finding: &Finding, sources: &SourceSet, out: &mut dyn Write) -> io::Result<()> {
    let at = place::place(finding.span, sources);
    let (line, column) = (at.start.line, at.start.column);
    let level = level_word(finding.level);
    writeln!(out, "{}:{line}:{column}: {level}[{}] {}", at.path, finding.rule, finding.message)
}
