//! Which findings does a comment silence?
//!
//! In: findings, and the comments of each file. Out: what remains, what was silenced and why, and a note for each comment that
//! silences nothing. A comment silences a finding by the line of its place, of one of its steps, or of the statement that the
//! place is in.

use super::{Confidence, Edit, Finding, Fix, Level, Subject};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Comment, FileFacts, FnKind};
use crate::source::{SourceFile, SourceSet};

/// The rule that reports comments without an effect.
pub const UNUSED: &str = "unused-suppression";

/// What the run knows of rules.
pub struct Rules<'a> {
    /// Is there such a rule or family?
    pub is_known: &'a dyn Fn(&str) -> bool,
    /// Is the rule on in this run?
    pub is_on: &'a dyn Fn(&str) -> bool,
    /// The family of a rule.
    pub family: &'a dyn Fn(&str) -> Option<&'static str>,
    /// Comments must give a reason.
    pub require_reason: bool,
    /// Level of notes about comments.
    pub level: Level,
}

/// A finding that a comment silenced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// The reason that the comment gives; may be empty.
    pub reason: String,
    /// The comment.
    pub comment: Span,
}

/// The findings after comments were heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// What remains, with notes about comments at the end.
    pub findings: Vec<Finding>,
    /// What was silenced.
    pub suppressed: Vec<Suppressed>,
}

/// Silences findings. `facts` holds the facts of each file by its id; files without facts have no comments.
pub fn apply(findings: Vec<Finding>, facts: &[FileFacts], sources: &SourceSet, rules: &Rules<'_>) -> Applied {
    let mut directives = Vec::new();
    for (at, facts) in facts.iter().enumerate() {
        let Some(file) = sources.files.get(at) else {
            continue;
        };
        for comment in &facts.comments {
            directives.extend(Directive::read(comment, FileId(at as u32), file, facts));
        }
    }
    let mut applied = Applied::default();
    for finding in findings {
        let lines = lines_of(&finding, facts, sources);
        let mut by = None;
        for directive in &mut directives {
            if directive.is_valid(rules) && directive.covers(&finding, &lines) {
                let names = directive.names.iter_mut().filter(|name| name.matches(&finding, rules));
                for name in names {
                    name.is_used = true;
                    by.get_or_insert((directive.reason.clone(), directive.span));
                }
            }
        }
        match by {
            Some((reason, comment)) => applied.suppressed.push(Suppressed { finding, reason, comment }),
            None => applied.findings.push(finding),
        }
    }
    if (rules.is_on)(UNUSED) {
        let notes = directives.iter().filter_map(|directive| directive.note(rules, facts, sources));
        applied.findings.extend(notes);
    }
    applied
}

/// What a comment asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Ignore,
    Expect,
    Function,
    File,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Ignore => "ignore",
            Kind::Expect => "expect",
            Kind::Function => "ignore-function",
            Kind::File => "ignore-file",
        }
    }
}

struct RuleName {
    name: String,
    is_used: bool,
}

impl RuleName {
    fn matches(&self, finding: &Finding, rules: &Rules<'_>) -> bool {
        let rule = finding.rule.as_str();
        self.name == rule || (rules.family)(rule).is_some_and(|family| family == self.name)
    }
}

/// Where a comment has its effect.
enum Reach {
    /// The whole file.
    File,
    /// A function.
    Range(Range),
    /// A line, from 0.
    Line(usize),
}

struct Directive {
    kind: Kind,
    names: Vec<RuleName>,
    reason: String,
    span: Span,
    reach: Reach,
}

impl Directive {
    /// Reads `ormlint: ignore[rule, rule] reason`; other words after `ormlint:` are not for us.
    fn read(comment: &Comment, id: FileId, file: &SourceFile, facts: &FileFacts) -> Option<Directive> {
        let text = comment.text.as_str();
        let text = text[text.find("ormlint:")? + "ormlint:".len()..].trim_start();
        let kinds = [Kind::Function, Kind::File, Kind::Ignore, Kind::Expect];
        let (kind, rest) = kinds.into_iter().find_map(|kind| text.strip_prefix(kind.word()).map(|rest| (kind, rest)))?;
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '-') {
            return None;
        }
        let (names, reason) = match rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((names, reason)) => (names, reason),
            None => ("", rest),
        };
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let target = target_line(comment.range, file);
        let reach = match kind {
            Kind::File => Reach::File,
            Kind::Function => function_around(comment.range, target, file, facts).map_or(Reach::Line(target), Reach::Range),
            Kind::Ignore | Kind::Expect => Reach::Line(target),
        };
        Some(Directive {
            kind,
            names: names.map(|name| RuleName { name: name.to_owned(), is_used: false }).collect(),
            reason: reason.trim_start_matches([':', '-', '–', '—', ' ']).trim().to_owned(),
            span: Span { file: id, range: comment.range },
            reach,
        })
    }

    fn is_valid(&self, rules: &Rules<'_>) -> bool {
        self.kind == Kind::Expect || !rules.require_reason || !self.reason.is_empty()
    }

    fn covers(&self, finding: &Finding, lines: &[(FileId, usize)]) -> bool {
        let file = self.span.file;
        match self.reach {
            Reach::File => finding.span.file == file,
            Reach::Range(range) => finding.span.file == file && range.contains(finding.span.range),
            Reach::Line(line) => lines.contains(&(file, line)),
        }
    }

    /// What is wrong with the comment, if something is.
    fn note(&self, rules: &Rules<'_>, facts: &[FileFacts], sources: &SourceSet) -> Option<Finding> {
        let word = self.kind.word();
        let (message, help, is_all) = if self.names.is_empty() {
            (format!("`ormlint: {word}` names no rule"), format!("name the rules: `ormlint: {word}[rule] reason`"), false)
        } else if !self.is_valid(rules) {
            (format!("`ormlint: {word}` gives no reason"), "write the reason after the bracket".to_owned(), false)
        } else {
            let idle = self.names.iter().filter(|name| !name.is_used);
            let idle: Vec<&str> = idle
                .filter(|name| !(rules.is_known)(&name.name) || (rules.is_on)(&name.name))
                .map(|name| name.name.as_str())
                .collect();
            let quoted = idle.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let unknown = idle.iter().any(|name| !(rules.is_known)(name));
            let message = match (idle.len(), unknown, self.kind) {
                (0, ..) => return None,
                (1, true, _) => format!("there is no rule {quoted}"),
                (_, _, Kind::Expect) => format!("{quoted} was expected here and did not come"),
                _ => format!("this comment silences nothing: {quoted}"),
            };
            (message, "remove the comment".to_owned(), idle.len() == self.names.len())
        };
        let file = sources.file(self.span.file);
        let fix = is_all.then(|| Fix {
            title: "remove the comment".to_owned(),
            edits: vec![Edit { span: Span { range: removal(self.span.range, file), ..self.span }, text: String::new() }],
            is_safe: true,
        });
        let owner = facts.get(self.span.file.0 as usize).map(|facts| owner(self.span.range, facts));
        Some(Finding {
            rule: Name::new(UNUSED),
            level: rules.level,
            confidence: Confidence::High,
            message,
            help,
            cost: String::new(),
            span: self.span,
            label: "",
            steps: Vec::new(),
            subject: Subject {
                method: Some(self.names.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(",")),
                ..Subject::default()
            },
            owner: owner.unwrap_or_default(),
            fix,
            fingerprint: String::new(),
        })
    }
}

/// The lines by which a finding can be silenced: its place, its steps, and the statements that these are in.
fn lines_of(finding: &Finding, facts: &[FileFacts], sources: &SourceSet) -> Vec<(FileId, usize)> {
    let spans = std::iter::once(finding.span).chain(finding.steps.iter().map(|step| step.span));
    let mut lines = Vec::new();
    for span in spans {
        let Some(file) = sources.files.get(span.file.0 as usize) else {
            continue;
        };
        lines.push((span.file, file.lines.line(span.range.start)));
        let facts = facts.get(span.file.0 as usize);
        if let Some(range) = facts.and_then(|facts| statement_around(span.range, facts)) {
            lines.push((span.file, file.lines.line(range.start)));
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn statement_around(range: Range, facts: &FileFacts) -> Option<Range> {
    let bodies = facts.functions.iter().filter(|function| function.range.contains(range) || function.kind == FnKind::File);
    let statements = bodies.flat_map(|function| function.body.stmt_ranges.iter());
    statements.copied().filter(|statement| statement.contains(range)).min_by_key(|r| (r.end - r.start, r.start))
}

/// The line that a comment speaks about, from 0: its own, or the next line of code if it stands alone.
fn target_line(comment: Range, file: &SourceFile) -> usize {
    let line = file.lines.line(comment.start);
    let last = file.lines.line(comment.end.saturating_sub(1).max(comment.start));
    let before = &file.text[file.lines.start(line) as usize..comment.start as usize];
    let after = file.text.get(comment.end as usize..).unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    if !before.trim().is_empty() || !after.trim().is_empty() {
        return line;
    }
    let is_comment = |line: usize| {
        let start = file.lines.start(line) as usize;
        let text = file.text[start..].split('\n').next().unwrap_or_default().trim();
        let marks = ["//", "# ", "#!", "/*", "*", "{{--", "{#", "<!--", "{% comment"];
        text.is_empty() || text == "#" || marks.iter().any(|mark| text.starts_with(mark))
    };
    (last + 1..file.lines.len()).find(|line| !is_comment(*line)).unwrap_or(line)
}

/// The innermost function around a comment, or the one that starts at the line that the comment speaks about.
fn function_around(comment: Range, target: usize, file: &SourceFile, facts: &FileFacts) -> Option<Range> {
    let functions = || {
        let has_text = |kind| matches!(kind, FnKind::Function | FnKind::Method | FnKind::Closure | FnKind::Macro);
        facts.functions.iter().filter(move |function| has_text(function.kind)).map(|function| function.range)
    };
    let target_start = file.lines.start(target);
    let starts_here = functions().find(|range| {
        let line = file.lines.line(range.start);
        let decorated = file.text[target_start as usize..].trim_start().starts_with(['@', '#']);
        line == target || decorated && range.start >= target_start && is_next(target_start, *range, facts)
    });
    let around = || functions().filter(|range| range.contains(comment)).min_by_key(|range| range.end - range.start);
    starts_here.or_else(around)
}

/// Is this the first function that starts after the offset?
fn is_next(offset: u32, range: Range, facts: &FileFacts) -> bool {
    let starts = facts.functions.iter().map(|function| function.range.start);
    starts.filter(|start| *start >= offset).min() == Some(range.start)
}

/// Qualified name of the innermost function around a place.
fn owner(range: Range, facts: &FileFacts) -> String {
    let around = facts.functions.iter().filter(|f| f.range.contains(range) && !f.name.is_empty());
    let Some(function) = around.min_by_key(|f| f.range.end - f.range.start) else {
        return String::new();
    };
    match function.class.and_then(|class| facts.classes.get(class.0 as usize)) {
        Some(class) => format!("{}::{}", class.name, function.name),
        None => function.name.to_string(),
    }
}

/// What goes when a comment is removed: its line if it stands alone, else it and the space before it.
fn removal(comment: Range, file: &SourceFile) -> Range {
    let line = file.lines.line(comment.start);
    let start = file.lines.start(line);
    let before = &file.text[start as usize..comment.start as usize];
    let after = file.text.get(comment.end as usize..).unwrap_or_default();
    let rest = after.split_inclusive('\n').next().unwrap_or_default();
    if before.trim().is_empty() && rest.trim().is_empty() {
        return Range { start, end: comment.end + rest.len() as u32 };
    }
    Range { start: start + before.trim_end().len() as u32, end: comment.end }
}

#[cfg(test)]
mod tests;
