//! Which comments silence what, and which are told to do nothing?

use super::*;
use crate::facts::{Body, FnId, FunctionDecl, Language, Stmt};
use crate::findings::Step;
use crate::source::memory::source_set;

/// Facts of a Python file, as far as comments need them: comments, functions by `def`, statements that a mark `<<…>>` encloses.
fn facts(text: &str) -> FileFacts {
    let mut comments = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(at) = line.find("# ormlint") {
            let comment = line[at..].trim_end();
            let range = Range::new(offset + at, offset + at + comment.len());
            comments.push(Comment { range, text: Name::new(comment.trim_start_matches(['#', ' '])) });
        }
        offset += line.len();
    }
    let mut file = function("", Range::new(0, text.len()), FnKind::File);
    for (at, _) in text.match_indices("first(") {
        let end = at + text[at..].find("\n\n").unwrap_or(text.len() - at);
        file.body.push_stmt(Stmt::Break(1), Range::new(at, end));
    }
    let mut functions = vec![file];
    for (at, _) in text.match_indices("def ") {
        let end = text[at..].find("\n\n").map_or(text.len(), |length| at + length);
        let name = text[at + 4..].split('(').next().unwrap_or_default();
        functions.push(function(name, Range::new(at, end), FnKind::Function));
    }
    FileFacts {
        language: Language::Python,
        namespace: Name::empty(),
        imports: Vec::new(),
        classes: Vec::new(),
        functions,
        exports: None,
        comments,
        gaps: Vec::new(),
    }
}

fn function(name: &str, range: Range, kind: FnKind) -> FunctionDecl {
    FunctionDecl {
        name: Name::new(name),
        name_range: range,
        range,
        kind,
        class: None,
        parent: (kind != FnKind::File).then_some(FnId(0)),
        params: Vec::new(),
        ret: None,
        is_static: false,
        is_classmethod: false,
        is_abstract: false,
        is_private: false,
        is_async: false,
        is_generator: false,
        decorators: Vec::new(),
        captures: Vec::new(),
        body: Body::default(),
    }
}

/// A finding at each `bad`, with a step at the first `query`, if there is one.
fn findings(text: &str) -> Vec<Finding> {
    let span = |at: usize, length: usize| Span { file: FileId(0), range: Range::new(at, at + length) };
    let found = text.match_indices("bad").map(|(at, _)| Finding {
        rule: Name::new("query-in-loop"),
        level: Level::Warning,
        confidence: Confidence::High,
        message: "m".to_owned(),
        help: String::new(),
        cost: String::new(),
        span: span(at, 3),
        label: "",
        steps: text.find("query()").map(|at| Step { span: span(at, 7), message: "s".to_owned() }).into_iter().collect(),
        subject: Subject::default(),
        owner: String::new(),
        fix: None,
        fingerprint: "f".to_owned(),
    });
    found.collect()
}

/// What remains and what is said, one a line: line, rule, message.
fn applied_with(text: &str, require_reason: bool) -> String {
    let sources = source_set(&[("a.py", text)]);
    let rules = Rules {
        is_known: &|name| ["query-in-loop", "loading", "load-to-count", UNUSED].contains(&name),
        is_on: &|name| name != "load-to-count",
        family: &|rule| (rule == "query-in-loop").then_some("loading"),
        require_reason,
        level: Level::Note,
    };
    let applied = apply(findings(text), &[facts(text)], &sources, &rules);
    let line = |finding: &Finding| {
        let line = sources.files[0].lines.line(finding.span.range.start) + 1;
        format!("{line} {} {}", finding.rule, finding.message)
    };
    let left = applied.findings.iter().map(line);
    let silenced = applied.suppressed.iter().map(|s| format!("silenced {} ({})", line(&s.finding), s.reason));
    left.chain(silenced).collect::<Vec<_>>().join("\n")
}

fn applied(text: &str) -> String {
    applied_with(text, false)
}

#[test]
fn a_comment_silences_its_line_or_the_next() {
    assert_eq!(applied("bad  # ormlint: ignore[query-in-loop] known\n"), "silenced 1 query-in-loop m (known)");
    assert_eq!(applied("# ormlint: ignore[loading]: known\n# more\n\nbad\n"), "silenced 4 query-in-loop m (known)");
    let wrong_line = applied("# ormlint: ignore[query-in-loop]\nx\nbad\n");
    assert_eq!(wrong_line, "3 query-in-loop m\n1 unused-suppression this comment silences nothing: `query-in-loop`");
}

#[test]
fn a_comment_at_a_step_or_at_the_statement_counts() {
    assert_eq!(applied("query()  # ormlint: ignore[query-in-loop] q\n\nbad\n"), "silenced 3 query-in-loop m (q)");
    assert_eq!(applied("# ormlint: ignore[query-in-loop]\nfirst(\n  second,\n  bad)\n\n"), "silenced 4 query-in-loop m ()");
}

#[test]
fn functions_and_files_can_be_silenced() {
    let text = "# ormlint: ignore-function[query-in-loop]\n@cached\ndef f():\n  bad\n\ndef g():\n  bad\n";
    assert_eq!(applied(text), "7 query-in-loop m\nsilenced 4 query-in-loop m ()");
    let text = "def f():\n  # ormlint: ignore-function[query-in-loop]\n  x\n  bad\n\nbad\n";
    assert_eq!(applied(text), "6 query-in-loop m\nsilenced 4 query-in-loop m ()");
    assert_eq!(applied("x\nbad\n# ormlint: ignore-file[query-in-loop] old\n"), "silenced 2 query-in-loop m (old)");
}

#[test]
fn comments_that_do_nothing_are_told() {
    assert_eq!(
        applied("x  # ormlint: expect[query-in-loop]\n"),
        "1 unused-suppression `query-in-loop` was expected here and did not come"
    );
    assert_eq!(applied("x  # ormlint: ignore[query-in-lop]\n"), "1 unused-suppression there is no rule `query-in-lop`");
    assert_eq!(applied("x  # ormlint: ignore\n"), "1 unused-suppression `ormlint: ignore` names no rule");
    assert_eq!(applied("x  # ormlint: ignore[load-to-count]\n"), "", "the rule is off in this run");
    assert_eq!(applied("x  # ormlint: something else\n"), "");
    assert_eq!(
        applied("bad  # ormlint: ignore[query-in-loop, loading, unused-suppression]\n"),
        "1 unused-suppression this comment silences nothing: `unused-suppression`\nsilenced 1 query-in-loop m ()"
    );
}

#[test]
fn a_reason_can_be_demanded() {
    assert_eq!(
        applied_with("bad  # ormlint: ignore[query-in-loop]\n", true),
        "1 query-in-loop m\n1 unused-suppression `ormlint: ignore` gives no reason"
    );
    assert_eq!(
        applied_with("bad  # ormlint: ignore[query-in-loop] small table\n", true),
        "silenced 1 query-in-loop m (small table)"
    );
}

#[test]
fn the_fix_removes_the_comment_and_nothing_else() {
    let fixed = |text: &str| {
        let sources = source_set(&[("a.py", text)]);
        let rules = Rules { is_known: &|_| true, is_on: &|_| true, family: &|_| None, require_reason: false, level: Level::Note };
        let applied = apply(Vec::new(), &[facts(text)], &sources, &rules);
        let edit = applied.findings[0].fix.as_ref().expect("a fix").edits[0].clone();
        let mut text = text.to_owned();
        text.replace_range(edit.span.range.start as usize..edit.span.range.end as usize, &edit.text);
        text
    };
    assert_eq!(fixed("a\nx = 1  # ormlint: ignore[loading]\nb\n"), "a\nx = 1\nb\n");
    assert_eq!(fixed("a\n  # ormlint: ignore[loading]\nb\n"), "a\nb\n");
}
