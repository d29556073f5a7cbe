//! The contract for programs, version 1. A field is never renamed or removed within a version; new ones may come.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::place::{Position, place};
use super::{Report, TOOL, VERSION, level_word};
use crate::base::Span;
use crate::findings::{Confidence, Finding};
use crate::source::SourceSet;

/// Version of the form.
const FORM: u32 = 1;

/// The whole report.
#[derive(Serialize)]
struct File<'a> {
    version: u32,
    tool: Tool,
    findings: Vec<Entry<'a>>,
    coverage: Covered<'a>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// One finding.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    rule: &'a str,
    level: &'static str,
    confidence: &'static str,
    message: &'a str,
    help: &'a str,
    path: &'a str,
    range: Extent,
    subject: About<'a>,
    steps: Vec<Way<'a>>,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct Extent {
    start: Position,
    end: Position,
}

/// What applies of these.
#[derive(Serialize)]
struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
}

#[derive(Serialize)]
struct Way<'a> {
    path: &'a str,
    range: Extent,
    message: &'a str,
}

#[derive(Serialize)]
struct Covered<'a> {
    files: u64,
    bytes: u64,
    skipped: Vec<LeftOut<'a>>,
    gaps: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counts: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failed<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    message: &'a str,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    path: &'a str,
    reason: &'a str,
}

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let skipped = report.sources.skipped.iter();
    let file = File {
        version: FORM,
        tool: Tool { name: TOOL, version: VERSION },
        findings: report.findings.iter().map(|finding| entry(finding, report.sources)).collect(),
        coverage: Covered {
            files: report.coverage.files,
            bytes: report.coverage.bytes,
            skipped: skipped.map(|s| LeftOut { path: &s.path, reason: &s.reason }).collect(),
            gaps: &report.coverage.gaps,
            counts: &report.coverage.counts,
            failures: report
                .failures
                .iter()
                .map(|failure| Failed {
                    path: failure.file.map(|file| report.sources.file(file).path.as_str()),
                    message: &failure.message,
                })
                .collect(),
        },
    };
    serde_json::to_writer_pretty(&mut *out, &file)?;
    writeln!(out)
}

/// The form of one finding.
pub(super) fn entry<'a>(finding: &'a Finding, sources: &'a SourceSet) -> Entry<'a> {
    let subject = &finding.subject;
    let (path, range) = extent(finding.span, sources);
    Entry {
        rule: finding.rule.as_str(),
        level: level_word(finding.level),
        confidence: confidence_word(finding.confidence),
        message: &finding.message,
        help: &finding.help,
        path,
        range,
        subject: About {
            model: subject.model.as_deref(),
            relation: subject.relation.as_deref(),
            table: subject.table.as_deref(),
            method: subject.method.as_deref(),
            client: subject.client.as_deref(),
        },
        steps: finding
            .steps
            .iter()
            .map(|step| {
                let (path, range) = extent(step.span, sources);
                Way { path, range, message: &step.message }
            })
            .collect(),
        fingerprint: &finding.fingerprint,
    }
}

fn extent(span: Span, sources: &SourceSet) -> (&str, Extent) {
    let place = place(span, sources);
    (place.path, Extent { start: place.start, end: place.end })
}

fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}
