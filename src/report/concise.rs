//! One line for each finding: `path:line:column: level[rule] message`.

use std::io::{self, Write};

use super::{Report, level_word, place};

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let at = place::place(finding.span, report.sources);
        let (line, column) = (at.start.line, at.start.column);
        let level = level_word(finding.level);
        writeln!(
            out,
            "{}:{line}:{column}: {level}[{}] {}",
            at.path, finding.rule, finding.message
        )?;
    }
    Ok(())
}
