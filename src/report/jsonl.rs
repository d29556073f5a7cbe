//! The entries of the JSON report, one a line.

use std::io::{self, Write};

use super::{Report, json};

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        serde_json::to_writer(&mut *out, &json::entry(finding, report.sources))?;
        writeln!(out)?;
    }
    Ok(())
}
