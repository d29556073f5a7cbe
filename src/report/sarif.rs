//! SARIF 2.1.0, as code-scanning services and editors read it.
//!
//! Places are one line, paths relative and percent-encoded, columns in Unicode code points. Findings that comments silenced are
//! left out: consumers show them as open.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::place::{first_line, place};
use super::{Report, TOOL, VERSION, level_word};
use crate::base::{FileId, Span};
use crate::findings::{Finding, Fix, Level};
use crate::packs::rule::Rule;
use crate::source::{Encoding, SourceSet};

/// Services keep this many results and cut the rest.
const MAX_RESULTS: usize = 5_000;

/// Some services drop a result with a longer text.
const MAX_TEXT: usize = 1_024;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(report, MAX_RESULTS))?;
    writeln!(out)
}

pub(super) fn log(report: &Report<'_>, limit: usize) -> Value {
    let weaknesses: Vec<u32> = {
        let mut all: Vec<u32> = report.rules.iter().flat_map(|(rule, _)| rule.cwe.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let ranked = report.ranked();
    let mut hashes = BTreeMap::new();
    let results: Vec<Value> = ranked.iter().take(limit).map(|finding| result(finding, report, &mut hashes)).collect();
    let mut driver = json!({
        "name": TOOL,
        "fullName": format!("{TOOL} {VERSION}"),
        "version": VERSION,
        "semanticVersion": VERSION,
        "rules": report.rules.iter().map(|(rule, level)| descriptor(rule, *level, &weaknesses, report)).collect::<Vec<_>>(),
    });
    let mut run = json!({
        "automationDetails": { "id": format!("{TOOL}/") },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The root of the repository, or of the folder that was checked if it is in none." } } },
        "invocations": [invocation(report, ranked.len(), limit)],
        "results": results,
    });
    if !report.home.is_empty() {
        driver["informationUri"] = json!(report.home);
    }
    if !weaknesses.is_empty() {
        driver["supportedTaxonomies"] = json!([{ "name": "CWE", "index": 0 }]);
        run["taxonomies"] = json!([taxonomy(&weaknesses)]);
    }
    run["tool"] = json!({ "driver": driver });
    json!({ "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run] })
}

fn invocation(report: &Report<'_>, found: usize, limit: usize) -> Value {
    let mut notes: Vec<Value> = Vec::new();
    if found > limit {
        let text = format!("{found} findings, of which the {limit} that matter most are in this file.");
        notes.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    for skipped in report.sources.skipped.iter().filter(|skipped| skipped.is_failure) {
        let text = sentence(&format!("{}: {}", skipped.path, skipped.reason));
        notes.push(json!({ "level": "error", "message": { "text": text } }));
    }
    for failure in report.failures {
        let text = sentence(&format!("The analysis failed: {}", failure.message));
        let mut note = json!({ "level": "error", "message": { "text": text } });
        if let Some(file) = failure.file {
            let path = &report.sources.file(file).path;
            note["locations"] = json!([{ "physicalLocation": { "artifactLocation": artifact(path) } }]);
        }
        notes.push(note);
    }
    json!({ "executionSuccessful": report.failures.is_empty(), "toolExecutionNotifications": notes })
}

fn descriptor(rule: &Rule, level: Level, weaknesses: &[u32], report: &Report<'_>) -> Value {
    let mut tags = vec![rule.family.clone()];
    if rule.security_severity.is_some() {
        tags.push("security".to_owned());
    }
    for number in &rule.cwe {
        tags.push(format!("external/cwe/cwe-{number}"));
        tags.push(format!("cwe-{number}"));
    }
    tags.truncate(10);
    let problem = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "recommendation",
    };
    let mut properties = json!({ "tags": tags, "precision": rule.precision.as_str(), "problem.severity": problem });
    if let Some(severity) = &rule.security_severity {
        properties["security-severity"] = json!(severity);
    }
    let relationships: Vec<Value> = rule
        .cwe
        .iter()
        .filter_map(|number| {
            let index = weaknesses.binary_search(number).ok()?;
            let component = json!({ "name": "CWE", "index": 0 });
            let target = json!({ "id": format!("CWE-{number}"), "index": index, "toolComponent": component });
            Some(json!({ "kinds": ["superset"], "target": target }))
        })
        .collect();
    let mut descriptor = json!({
        "id": rule.id,
        "name": rule.pascal_case(),
        "shortDescription": { "text": sentence(&rule.title) },
        "fullDescription": { "text": sentence(&rule.summary()) },
        "help": { "text": sentence(&rule.summary()), "markdown": rule.page },
        "defaultConfiguration": { "level": level_word(level) },
        "properties": properties,
    });
    if let Some(page) = report.page_of(&rule.id) {
        descriptor["helpUri"] = json!(page);
    }
    if !relationships.is_empty() {
        descriptor["relationships"] = json!(relationships);
    }
    descriptor
}

fn taxonomy(weaknesses: &[u32]) -> Value {
    let taxa: Vec<Value> = weaknesses
        .iter()
        .map(|number| {
            let title = weakness_title(*number);
            json!({
                "id": format!("CWE-{number}"),
                "name": title,
                "helpUri": format!("https://cwe.mitre.org/data/definitions/{number}.html"),
                "shortDescription": { "text": sentence(title) },
            })
        })
        .collect();
    json!({
        "name": "CWE",
        "version": "4.16",
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": { "text": "The MITRE Common Weakness Enumeration." },
        "taxa": taxa,
    })
}

/// Titles of the weaknesses that rules name; a test sees to it that none is missing.
fn weakness_title(number: u32) -> &'static str {
    match number {
        460 => "Improper Cleanup on Thrown Exception",
        566 => "Authorization Bypass Through User-Controlled SQL Primary Key",
        639 => "Authorization Bypass Through User-Controlled Key",
        770 => "Allocation of Resources Without Limits or Throttling",
        772 => "Missing Release of Resource after Effective Lifetime",
        863 => "Incorrect Authorization",
        1050 => "Excessive Platform Resource Consumption within a Loop",
        1067 => "Excessive Execution of Sequential Searches of Data Resource",
        1072 => "Data Resource Access without Use of Connection Pooling",
        1073 => "Non-SQL Invokable Control Element with Excessive Number of Data Resource Accesses",
        1322 => "Use of Blocking Code in Single-threaded, Non-blocking Context",
        _ => "Weakness",
    }
}

fn result(finding: &Finding, report: &Report<'_>, hashes: &mut BTreeMap<FileId, Vec<String>>) -> Value {
    let sources = report.sources;
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(finding.rule.as_str()));
    if let Some(index) = report.rules.iter().position(|(rule, _)| rule.id == finding.rule.as_str()) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result.insert("level".to_owned(), json!(level_word(finding.level)));
    result.insert("message".to_owned(), json!({ "text": message(finding) }));
    let mut location = json!({ "physicalLocation": physical(finding.span, sources) });
    if !finding.owner.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": finding.owner }]);
    }
    result.insert("locations".to_owned(), json!([location]));
    if !finding.steps.is_empty() {
        let related: Vec<Value> = finding
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| {
                let text = sentence(&capital(&step.message));
                json!({ "id": at + 1, "physicalLocation": physical(step.span, sources), "message": { "text": text } })
            })
            .collect();
        result.insert("relatedLocations".to_owned(), json!(related));
        let way = finding.steps.iter().map(|step| (step.span, step.message.as_str()));
        let way: Vec<Value> = way
            .chain([(finding.span, finding.message.as_str())])
            .map(|(span, text)| {
                let text = sentence(&capital(text));
                json!({ "location": { "physicalLocation": physical(span, sources), "message": { "text": text } } })
            })
            .collect();
        result.insert("codeFlows".to_owned(), json!([{ "threadFlows": [{ "locations": way }] }]));
    }
    let line = place(finding.span, sources).start.line;
    let of_file = hashes.entry(finding.span.file).or_insert_with(|| {
        let encoding = sources.encodings.get(&finding.span.file).copied().unwrap_or(Encoding::Utf8);
        line_hashes(&encoding.as_read_for_utf8(&sources.file(finding.span.file).text))
    });
    let mut fingerprints = json!({ "ormlint/v1": finding.fingerprint });
    if let Some(hash) = of_file.get(line - 1) {
        fingerprints["primaryLocationLineHash"] = json!(hash);
    }
    result.insert("partialFingerprints".to_owned(), fingerprints);
    if let Some(fix) = &finding.fix {
        result.insert("fixes".to_owned(), json!([change(fix, sources)]));
    }
    Value::Object(result)
}

/// The headline as a sentence, the help, and links to the steps: only linked places are shown beside the alert.
fn message(finding: &Finding) -> String {
    let mut text = sentence(&capital(&finding.message));
    if !finding.cost.is_empty() {
        text += &format!(" Cost: {}", sentence(&finding.cost));
    }
    if !finding.help.is_empty() {
        text += &format!(" {}", sentence(&capital(&finding.help)));
    }
    if !finding.steps.is_empty() {
        let link = |(at, step): (usize, &crate::findings::Step)| format!("[{}]({})", escape(&step.message), at + 1);
        let mut links = String::new();
        for part in finding.steps.iter().enumerate().map(link) {
            let joint = if links.is_empty() { "" } else { ", " };
            if text.len() + links.len() + part.len() + 16 > MAX_TEXT {
                break;
            }
            let _ = write!(links, "{joint}{part}");
        }
        if !links.is_empty() {
            text += &format!(" The way: {links}.");
        }
    }
    shorten(&text)
}

/// The text of a link: brackets would end it.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn sentence(text: &str) -> String {
    let text = shorten(text.trim());
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}

/// At most as many bytes as every consumer takes, the full stop included.
fn shorten(text: &str) -> String {
    if text.len() < MAX_TEXT {
        return text.to_owned();
    }
    let mut end = MAX_TEXT - 5;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

fn physical(span: Span, sources: &SourceSet) -> Value {
    let at = place(first_line(span, sources), sources);
    let end = at.end.column.max(at.start.column);
    json!({
        "artifactLocation": artifact(at.path),
        "region": {
            "startLine": at.start.line, "startColumn": at.start.column, "endLine": at.end.line, "endColumn": end,
        },
    })
}

fn artifact(path: &str) -> Value {
    json!({ "uri": uri(path), "uriBaseId": "%SRCROOT%" })
}

/// A relative reference: everything but unreserved characters and `/` is percent-encoded.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

fn change(fix: &Fix, sources: &SourceSet) -> Value {
    let mut files: BTreeMap<FileId, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let at = place(edit.span, sources);
        files.entry(edit.span.file).or_default().push(json!({
            "deletedRegion": {
                "startLine": at.start.line, "startColumn": at.start.column,
                "endLine": at.end.line, "endColumn": at.end.column,
            },
            "insertedContent": { "text": edit.text },
        }));
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(file, edits)| json!({ "artifactLocation": artifact(&sources.file(file).path), "replacements": edits }))
        .collect();
    json!({ "description": { "text": sentence(&capital(&fix.title)) }, "artifactChanges": changes })
}

/// How many units of text go into the hash of a line.
const WINDOW: usize = 100;

/// The hash of each line as GitHub's upload computes it where it is missing, with the number of its kind in the file.
///
/// A rolling hash over the next hundred UTF-16 units from the start of the line, without spaces and tabs; the end of the
/// text is one unit of 65535.
pub fn line_hashes(text: &str) -> Vec<String> {
    const BASE: u64 = 37;
    let first_power = (0..WINDOW).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut window = [0u64; WINDOW];
    let mut starts = [None::<usize>; WINDOW];
    let mut at = 0;
    let mut hash = 0u64;
    let mut line = 0;
    let mut line_start = true;
    let mut previous_return = false;
    let mut lines: Vec<String> = Vec::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut output = |line: usize, hash: u64, lines: &mut Vec<String>| {
        let text = format!("{hash:x}");
        let count = seen.entry(text.clone()).and_modify(|count| *count += 1).or_insert(1);
        debug_assert_eq!(line, lines.len(), "lines are told in order");
        lines.push(format!("{text}:{count}"));
    };
    let mut feed = |unit: u64, start: Option<usize>, lines: &mut Vec<String>| {
        if let Some(line) = starts[at] {
            output(line, hash, lines);
        }
        starts[at] = start;
        let old = window[at];
        window[at] = unit;
        hash = hash.wrapping_mul(BASE).wrapping_add(unit).wrapping_sub(first_power.wrapping_mul(old));
        at = (at + 1) % WINDOW;
    };
    let (space, tab, newline, carriage) = (0x20, 0x09, 0x0a, 0x0d);
    for unit in text.encode_utf16().map(u64::from).chain([65535]) {
        if unit == space || unit == tab || (previous_return && unit == newline) {
            previous_return = false;
            continue;
        }
        previous_return = unit == carriage;
        let unit = if unit == carriage { newline } else { unit };
        let start = line_start.then_some(line);
        line_start = false;
        feed(unit, start, &mut lines);
        if unit == newline {
            line_start = true;
            line += 1;
        }
    }
    for _ in 0..WINDOW {
        feed(0, None, &mut lines);
    }
    lines
}
