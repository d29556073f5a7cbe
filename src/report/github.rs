//! Workflow commands that GitHub turns into annotations.
//!
//! A step shows ten annotations of each level; the rest would vanish without a word. So those that matter most come first, and
//! the others are plain lines of the log, with a last annotation that says how many they are.

use std::io::{self, Write};

use super::place::{first_line, place};
use super::{Report, TOOL, concise, plural};
use crate::findings::{Finding, Level};

/// How many annotations of one level a step shows.
const SHOWN: usize = 10;

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let ranked = report.ranked();
    let total = ranked.len();
    let fits = |level: Level, limit: usize| ranked.iter().filter(|f| f.level == level).count() <= limit;
    let all_fit = fits(Level::Error, SHOWN) && fits(Level::Warning, SHOWN) && fits(Level::Note, SHOWN);
    let mut left = [(Level::Error, SHOWN), (Level::Warning, SHOWN), (Level::Note, if all_fit { SHOWN } else { SHOWN - 1 })];
    let mut rest: Vec<&Finding> = Vec::new();
    for finding in ranked {
        let room = left.iter_mut().find(|(level, _)| *level == finding.level);
        match room {
            Some((_, room)) if *room > 0 => {
                *room -= 1;
                annotation(finding, report, out)?;
            }
            _ => rest.push(finding),
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    for finding in &rest {
        concise::line(finding, report.sources, out)?;
    }
    let text = format!("{} of {total} are not shown as annotations: see the log of this step", plural(rest.len(), "finding"));
    writeln!(out, "::notice title={TOOL}::{}", data(&text))
}

fn annotation(finding: &Finding, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let at = place(first_line(finding.span, report.sources), report.sources);
    let command = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let (line, column, end) = (at.start.line, at.start.column, at.end.column.max(at.start.column));
    let title = property(&format!("{TOOL} ({})", finding.rule));
    let mut text = finding.message.clone();
    for extra in [&finding.cost, &finding.help] {
        if !extra.is_empty() {
            text += "\n";
            text += extra;
        }
    }
    let file = property(at.path);
    let text = data(&text);
    writeln!(out, "::{command} title={title},file={file},line={line},col={column},endLine={line},endColumn={end}::{text}")
}

/// The text of a command on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value among the properties of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
