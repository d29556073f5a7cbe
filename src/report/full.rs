//! Each finding with the code that it is about, drawn or told.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity, SourceCode,
    SourceSpan, SpanContents,
};

use super::place::{clamp, first_line, place};
use super::{Report, Style, level_word};
use crate::base::{FileId, Span};
use crate::findings::{Finding, Level};
use crate::source::{SourceFile, SourceSet};

/// Writes the report.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(report.style);
    for finding in report.findings {
        if report.style.narrated {
            narrate(finding, report.sources, out)?;
        } else {
            let shown = Shown::new(finding, report.sources);
            let mut text = String::new();
            if handler.render_report(&mut text, &shown).is_err() {
                narrate(finding, report.sources, out)?;
                continue;
            }
            for line in text.lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", report.summary())
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = match (style.unicode, style.color) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, color) => {
            let mut theme = GraphicalTheme::none();
            if color {
                theme.styles = miette::ThemeStyles::ansi();
            }
            theme
        }
    };
    GraphicalReportHandler::new_themed(theme).with_width(style.width.max(40)).with_context_lines(1).with_links(false)
}

/// A finding, or the part of its way that lies in another file, as the drawing library wants it.
#[derive(Debug)]
struct Shown<'a> {
    level: Level,
    rule: Option<&'a str>,
    headline: String,
    help: Option<String>,
    source: Excerpts<'a>,
    labels: Vec<LabeledSpan>,
    others: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding, sources: &'a SourceSet) -> Shown<'a> {
        let here = finding.span.file;
        let mut labels = vec![(finding.span, String::new())];
        let mut others: Vec<(FileId, Vec<(Span, String)>)> = Vec::new();
        let is_way = finding.steps.len() > 1 || finding.steps.iter().any(|step| step.span.file != here);
        for (at, step) in finding.steps.iter().enumerate() {
            let text = if is_way { format!("{}. {}", at + 1, step.message) } else { step.message.clone() };
            if step.span.file == here {
                labels.push((step.span, text));
            } else if let Some((_, list)) = others.iter_mut().find(|(file, _)| *file == step.span.file) {
                list.push((step.span, text));
            } else {
                others.push((step.span.file, vec![(step.span, text)]));
            }
        }
        labels[0].1 = primary_label(finding);
        let mut help = finding.help.clone();
        if !finding.cost.is_empty() {
            help = format!("{help}\ncost: {}", finding.cost);
        }
        Shown {
            level: finding.level,
            rule: Some(finding.rule.as_str()),
            headline: finding.message.clone(),
            help: Some(help).filter(|help| !help.trim().is_empty()),
            source: source(here, sources),
            labels: draw(labels, sources),
            others: others.into_iter().map(|(file, labels)| Shown::other(file, labels, sources)).collect(),
        }
    }

    fn other(file: FileId, labels: Vec<(Span, String)>, sources: &'a SourceSet) -> Shown<'a> {
        Shown {
            level: Level::Note,
            rule: None,
            headline: "on the way there".to_owned(),
            help: None,
            source: source(file, sources),
            labels: draw(labels, sources),
            others: Vec::new(),
        }
    }
}

/// What stands under the primary place: what it is about, since the headline says the rest.
fn primary_label(finding: &Finding) -> String {
    let subject = &finding.subject;
    if !finding.label.is_empty() {
        return finding.label.to_owned();
    }
    match (&subject.relation, &subject.client) {
        (Some(relation), _) => format!("`{relation}` is read here"),
        (None, Some(client)) => format!("`{client}` is built here"),
        (None, None) => "here".to_owned(),
    }
}

fn source(file: FileId, sources: &SourceSet) -> Excerpts<'_> {
    Excerpts(sources.file(file))
}

/// A file from which only the lines around a place are read, however long it is.
#[derive(Debug)]
struct Excerpts<'a>(&'a SourceFile);

impl SourceCode for Excerpts<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let SourceFile { path, text, lines, .. } = self.0;
        let line = |offset: usize| lines.line(offset.min(text.len()) as u32);
        let first = line(span.offset()).saturating_sub(lines_before + 1);
        let last = line(span.offset() + span.len()) + lines_after + 2;
        let start = lines.start(first) as usize;
        let end = if last < lines.len() { lines.start(last) as usize } else { text.len() };
        let inside = SourceSpan::from((span.offset() - start, span.len()));
        let window = &text.as_bytes()[start..end];
        let read = <[u8] as SourceCode>::read_span(window, &inside, lines_before, lines_after)?;
        let line_start = lines.start(read.line() + first) as usize;
        let column = text.get(line_start..line_start + read.column()).map_or(0, |before| before.chars().count());
        let whole = SourceSpan::from((read.span().offset() + start, read.span().len()));
        Ok(Box::new(MietteSpanContents::new_named(
            path.clone(),
            read.data(),
            whole,
            read.line() + first,
            column,
            read.line_count(),
        )))
    }
}

/// Labels of one file: the first is the primary one. Each covers one line only.
fn draw(labels: Vec<(Span, String)>, sources: &SourceSet) -> Vec<LabeledSpan> {
    let mut seen: Vec<Span> = Vec::new();
    let mut drawn = Vec::new();
    for (at, (span, text)) in labels.into_iter().enumerate() {
        let span = first_line(span, sources);
        if seen.contains(&span) {
            continue;
        }
        seen.push(span);
        let range = clamp(span.range, sources.file(span.file));
        let span = SourceSpan::from((range.start as usize, (range.end - range.start) as usize));
        let text = Some(text).filter(|text| !text.is_empty());
        drawn.push(match at {
            0 => LabeledSpan::new_primary_with_span(text, span),
            _ => LabeledSpan::new_with_span(text, span),
        });
    }
    drawn
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.rule.map(|rule| Box::new(format!("{}[{rule}]", level_word(self.level))) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Note => Severity::Advice,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn Diagnostic> + 'b>> {
        if self.others.is_empty() {
            return None;
        }
        Some(Box::new(self.others.iter().map(|other| other as &dyn Diagnostic)))
    }
}

/// The finding in sentences: for screen readers, and where nothing can be drawn.
fn narrate(finding: &Finding, sources: &SourceSet, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", level_word(finding.level), finding.message)?;
    writeln!(out, "  rule: {}", finding.rule)?;
    writeln!(out, "  place: {}: {}", told(finding.span, sources), primary_label(finding))?;
    for (at, step) in finding.steps.iter().enumerate() {
        writeln!(out, "  step {}: {}: {}", at + 1, told(step.span, sources), step.message)?;
    }
    if !finding.cost.is_empty() {
        writeln!(out, "  cost: {}", finding.cost)?;
    }
    if !finding.help.is_empty() {
        writeln!(out, "  help: {}", finding.help.replace('\n', "\n        "))?;
    }
    Ok(())
}

fn told(span: Span, sources: &SourceSet) -> String {
    let at = place(first_line(span, sources), sources);
    let last = at.end.column.saturating_sub(1).max(at.start.column);
    let columns = match at.start.column {
        first if first == last => format!("column {first}"),
        first => format!("columns {first} to {last}"),
    };
    format!("{}, line {}, {columns}", at.path, at.start.line)
}
