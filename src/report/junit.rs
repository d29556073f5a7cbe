//! JUnit XML: each file is a suite, each finding a case that failed.

use std::io::{self, Write};

use super::place::place;
use super::{Report, TOOL, level_word};
use crate::base::FileId;
use crate::findings::Finding;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let total = report.findings.len();
    let (tests, failures) = (total.max(1), total);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{TOOL}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">")?;
    if report.findings.is_empty() {
        writeln!(out, "  <testsuite name=\"{TOOL}\" tests=\"1\" failures=\"0\" errors=\"0\">")?;
        writeln!(out, "    <testcase name=\"no findings\" classname=\"{TOOL}\"/>")?;
        writeln!(out, "  </testsuite>")?;
    }
    for group in report.findings.chunk_by(|a, b| a.span.file == b.span.file) {
        suite(group[0].span.file, group, report, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(file: FileId, findings: &[Finding], report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let path = escape(&report.sources.file(file).path);
    let count = findings.len();
    writeln!(out, "  <testsuite name=\"{path}\" tests=\"{count}\" failures=\"{count}\" errors=\"0\">")?;
    for finding in findings {
        let at = place(finding.span, report.sources);
        let (line, column) = (at.start.line, at.start.column);
        let name = escape(&format!("{}:{line}:{column}", finding.rule));
        writeln!(out, "    <testcase name=\"{name}\" classname=\"{path}\" file=\"{path}\" line=\"{line}\">")?;
        let message = escape(&finding.message);
        let level = level_word(finding.level);
        let mut text = format!("{}:{line}:{column}: {}", at.path, finding.message);
        for (what, extra) in [("cost", &finding.cost), ("help", &finding.help)] {
            if !extra.is_empty() {
                text += &format!("\n{what}: {extra}");
            }
        }
        writeln!(out, "      <failure type=\"{level}\" message=\"{message}\">{}</failure>", escape(&text))?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// Text for attributes and elements. What XML cannot hold at all becomes a replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' | '\r' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
