//! GitLab's Code Quality report.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Report;
use super::place::place;
use crate::findings::Level;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let entries: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let at = place(finding.span, report.sources);
            let severity = match finding.level {
                Level::Error => "major",
                Level::Warning => "minor",
                Level::Note => "info",
            };
            json!({
                // The name of the check is not shown, so the text starts with it.
                "description": format!("{}: {}", finding.rule, finding.message),
                "check_name": finding.rule.as_str(),
                "fingerprint": finding.fingerprint,
                "severity": severity,
                "location": {
                    "path": at.path,
                    "positions": {
                        "begin": { "line": at.start.line, "column": at.start.column },
                        "end": { "line": at.end.line, "column": at.end.column },
                    },
                },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &entries)?;
    writeln!(out)
}
