//! Reviewdog's formats: one object, or one diagnostic a line. Columns count bytes, ends are exclusive.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::place::{byte_position, clamp, first_line};
use super::{Report, TOOL};
use crate::base::Span;
use crate::findings::{Finding, Level};
use crate::source::SourceSet;

/// Writes the report as one object.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let worst = report.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Note);
    let result = json!({
        "source": source(report),
        "severity": severity(worst),
        "diagnostics": report.findings.iter().map(|finding| diagnostic(finding, report)).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &result)?;
    writeln!(out)
}

/// Writes the report as one diagnostic a line.
pub fn render_lines(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let mut value = diagnostic(finding, report);
        value["source"] = source(report);
        serde_json::to_writer(&mut *out, &value)?;
        writeln!(out)?;
    }
    Ok(())
}

fn source(report: &Report<'_>) -> Value {
    match report.home {
        "" => json!({ "name": TOOL }),
        home => json!({ "name": TOOL, "url": home }),
    }
}

fn diagnostic(finding: &Finding, report: &Report<'_>) -> Value {
    let sources = report.sources;
    let mut message = finding.message.clone();
    for extra in [&finding.cost, &finding.help] {
        if !extra.is_empty() {
            message += "\n";
            message += extra;
        }
    }
    let mut value = json!({
        "message": message,
        "location": location(first_line(finding.span, sources), sources),
        "severity": severity(finding.level),
        "code": { "value": finding.rule.as_str() },
    });
    if let Some(page) = report.page_of(finding.rule.as_str()) {
        value["code"]["url"] = json!(page);
    }
    if !finding.steps.is_empty() {
        let related: Vec<Value> = finding
            .steps
            .iter()
            .map(|step| json!({ "message": step.message, "location": location(first_line(step.span, sources), sources) }))
            .collect();
        value["related_locations"] = json!(related);
    }
    // A suggestion has no path of its own: it must lie in the file of the finding.
    let edits = finding.fix.iter().filter(|fix| fix.edits.iter().all(|edit| edit.span.file == finding.span.file));
    let suggestions: Vec<Value> =
        edits.flat_map(|fix| &fix.edits).map(|edit| json!({ "range": range(edit.span, sources), "text": edit.text })).collect();
    if !suggestions.is_empty() {
        value["suggestions"] = json!(suggestions);
    }
    value
}

fn location(span: Span, sources: &SourceSet) -> Value {
    json!({ "path": sources.file(span.file).path, "range": range(span, sources) })
}

fn range(span: Span, sources: &SourceSet) -> Value {
    let file = sources.file(span.file);
    let inside = clamp(span.range, file);
    json!({ "start": byte_position(inside.start, file), "end": byte_position(inside.end, file) })
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Error => "ERROR",
        Level::Warning => "WARNING",
        Level::Note => "INFO",
    }
}
