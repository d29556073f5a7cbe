//! A report that a bot can post on a pull request and keep up to date in place.
//!
//! The first line is a hidden mark by which the bot finds its comment again. The whole stays below the size that hosts accept:
//! details are cut first, then rows of the table, each with a line that says how many.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::place::{line_text, place};
use super::{Report, TOOL, level_word, plural};
use crate::findings::{Finding, Level};

/// Finds the comment again.
const MARK: &str = "<!-- ormlint -->";

/// Comments on pull requests hold 65,536 characters; some room is left for what a bot adds.
const MAX_BYTES: usize = 60_000;

/// Rows of the table of findings.
const MAX_ROWS: usize = 100;

/// Longer lines of code are cut.
const MAX_LINE: usize = 200;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!("{MARK}\n## {TOOL}\n\n");
    if report.findings.is_empty() {
        let _ = writeln!(text, "✅ {}", capital(&report.summary()));
        change(report, &mut text);
        return out.write_all(text.as_bytes());
    }
    let _ = writeln!(text, "{}\n", capital(&report.summary()));
    by_rule(report, &mut text);
    let ranked = report.ranked();
    let _ = writeln!(text, "| | Place | Finding | Cost |\n|---|---|---|---|");
    for finding in ranked.iter().take(MAX_ROWS) {
        row(finding, report, &mut text);
    }
    if ranked.len() > MAX_ROWS {
        let _ = writeln!(text, "\n{} more are not listed here.", plural(ranked.len() - MAX_ROWS, "finding"));
    }
    change(report, &mut text);
    let mut left = ranked.len();
    for finding in &ranked {
        let details = details(finding, report);
        if text.len() + details.len() + 100 > MAX_BYTES {
            break;
        }
        text.push_str(&details);
        left -= 1;
    }
    if left > 0 {
        let _ = writeln!(text, "\nThe details of {} are left out: this comment would be too long.", plural(left, "finding"));
    }
    out.write_all(text.as_bytes())
}

/// What the branch mends, and what its functions cost before and after.
fn change(report: &Report<'_>, text: &mut String) {
    let Some(change) = report.change else { return };
    if !change.costs.is_empty() {
        let _ = writeln!(text, "\n| Queries per row in | {} | now |\n|---|---|---|", inline_code(&change.since));
        for cost in change.costs.iter().take(MAX_ROWS) {
            let cells = format!("{} ({})", inline_code(&cost.owner), inline_code(&cost.path)).replace('|', "\\|");
            let _ = writeln!(text, "| {cells} | {} | {} |", cost.before, cost.after);
        }
    }
    if change.mended.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n<details><summary>{} mended</summary>\n", plural(change.mended.len(), "finding"));
    for entry in change.mended.iter().take(MAX_ROWS) {
        let place = if entry.owner.is_empty() { &entry.path } else { &entry.owner };
        let _ = writeln!(text, "- {} in {}: {}", report.linked(&entry.rule), inline_code(place), inline_code(&entry.about));
    }
    if change.mended.len() > MAX_ROWS {
        let _ = writeln!(text, "- and {} more", change.mended.len() - MAX_ROWS);
    }
    let _ = writeln!(text, "\n</details>");
}

fn by_rule(report: &Report<'_>, text: &mut String) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings {
        *counts.entry(finding.rule.as_str()).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
    let parts: Vec<String> = counts.iter().map(|(rule, count)| format!("{} × {count}", report.linked(rule))).collect();
    let _ = writeln!(text, "{}\n", parts.join(" · "));
}

fn row(finding: &Finding, report: &Report<'_>, text: &mut String) {
    let at = place(finding.span, report.sources);
    let cells = [
        sign(finding.level).to_owned(),
        format!("`{}:{}`", at.path, at.start.line),
        finding.message.clone(),
        finding.cost.clone(),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace(['\n', '\r'], " "));
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// The finding, folded.
fn details(finding: &Finding, report: &Report<'_>) -> String {
    let sources = report.sources;
    let at = place(finding.span, sources);
    let mut text = String::new();
    let title = escape(&format!("{}:{} {}", at.path, at.start.line, finding.message.replace('`', "")));
    let _ = writeln!(text, "\n<details><summary>{} {title}</summary>\n", sign(finding.level));
    let rule = finding.rule.as_str();
    let _ = writeln!(text, "{} · {}\n", report.linked(rule), level_word(finding.level));
    let last = (finding.span, "here");
    let way = finding.steps.iter().map(|step| (step.span, step.message.as_str())).chain([last]);
    for (number, (span, message)) in way.enumerate() {
        let spot = place(span, sources);
        let code = line_text(spot.start.line, sources.file(span.file)).trim();
        let code: String = code.chars().take(MAX_LINE).collect();
        let (path, line) = (spot.path, spot.start.line);
        let _ = writeln!(text, "{}. {message}: `{path}:{line}`\n   {}", number + 1, inline_code(&code));
    }
    for (what, extra) in [("Cost", &finding.cost), ("Help", &finding.help)] {
        if !extra.is_empty() {
            let _ = writeln!(text, "\n**{what}:** {extra}");
        }
    }
    text.push_str(&suggestion(finding, report));
    text.push_str("\n</details>\n");
    text
}

/// The lines that the fix changes, before and after; lines that the branch itself changed can be taken as a suggestion.
fn suggestion(finding: &Finding, report: &Report<'_>) -> String {
    let Some(fix) = &finding.fix else {
        return String::new();
    };
    let mut text = format!("\n**Fix:** {}\n\n", fix.title);
    for edit in &fix.edits {
        let file = report.sources.file(edit.span.file);
        let range = super::place::clamp(edit.span.range, file);
        let at = place(edit.span, report.sources);
        let start = file.lines.start(at.start.line - 1) as usize;
        let end = match file.text[range.end as usize..].find('\n') {
            Some(length) => range.end as usize + length,
            None => file.text.len(),
        };
        let before = &file.text[start..end];
        let after = format!("{}{}{}", &file.text[start..range.start as usize], edit.text, &file.text[range.end as usize..end]);
        let fence = "`".repeat(longest_run(before).max(longest_run(&after)).max(2) + 1);
        let last = report.sources.file(edit.span.file).lines.line(range.end);
        let hunks = report.change.and_then(|change| change.hunks.get(&edit.span.file));
        if hunks.is_some_and(|hunks| hunks.iter().any(|(first, end)| *first <= at.start.line && last < *end)) {
            let _ = writeln!(text, "`{}:{}`\n\n{fence}suggestion\n{after}\n{fence}", file.path, at.start.line);
            continue;
        }
        let mark = |sign: char, lines: &str| lines.lines().map(|line| format!("{sign}{line}\n")).collect::<String>();
        let header = format!("--- {}:{}\n", file.path, at.start.line);
        let _ = writeln!(text, "{fence}diff\n{header}{}{}{fence}", mark('-', before), mark('+', &after));
    }
    text
}

fn sign(level: Level) -> &'static str {
    match level {
        Level::Error => "🔴 error",
        Level::Warning => "🟠 warning",
        Level::Note => "🔵 note",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Code that may hold backticks itself.
fn inline_code(code: &str) -> String {
    if code.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(code) + 1);
    let space = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{code}{space}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
