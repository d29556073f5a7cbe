//! One line for each finding, below the name of its file.

use std::io::{self, Write};

use super::{Report, level_word, place};

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut file = None;
    for finding in report.findings {
        let at = place::place(finding.span, report.sources);
        if file != Some(finding.span.file) {
            writeln!(out, "{}{}", if file.is_some() { "\n" } else { "" }, at.path)?;
            file = Some(finding.span.file);
        }
        let spot = format!("{}:{}", at.start.line, at.start.column);
        writeln!(out, "  {spot:8} {:7}  {}  {}", level_word(finding.level), finding.message, finding.rule)?;
        if !finding.help.is_empty() {
            writeln!(out, "  {:8} {:7}  {}", "", "help", finding.help.replace('\n', "\n                    "))?;
        }
    }
    if file.is_some() {
        writeln!(out)?;
    }
    writeln!(out, "{}", report.summary())
}
