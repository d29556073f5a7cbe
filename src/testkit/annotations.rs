//! What does a comment in a test file expect? `expect: rule`, `missed: rule`, `wrong: rule`, `step: rule`, in any language.

use std::fmt;

/// What an annotation claims.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Word {
    /// One finding of this rule starts on that line.
    Expect,
    /// One should, but is not found yet.
    Missed,
    /// One is found, but should not be.
    Wrong,
    /// A finding of this rule that starts elsewhere has a step on that line.
    Step,
    /// It should have, but has not yet.
    MissedStep,
}

const WORDS: [(Word, &str); 5] = [
    (Word::Expect, "expect"),
    (Word::Missed, "missed"),
    (Word::Wrong, "wrong"),
    (Word::Step, "step"),
    (Word::MissedStep, "missed-step"),
];

/// Comment openers and their closers; the longer opener first where one starts another.
const COMMENTS: [(&str, &str); 6] = [("{{--", "--}}"), ("{#", "#}"), ("<!--", "-->"), ("/*", "*/"), ("//", ""), ("#", "")];

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORDS.iter().find(|(w, _)| w == self).map_or("", |(_, text)| text))
    }
}

impl Word {
    /// The word at the start of a text that ends in a colon, and what follows.
    pub fn split(text: &str) -> Option<(Word, &str)> {
        let (head, rest) = text.trim_start().split_once(':')?;
        WORDS.iter().find(|(_, t)| *t == head).map(|(w, _)| (*w, rest))
    }
}

/// One claim: a word, a rule and perhaps a reason in parentheses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Item {
    /// The claim.
    pub word: Word,
    /// The rule id.
    pub rule: String,
    /// Text in parentheses after the rule.
    pub reason: Option<String>,
}

/// A claim and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// The claim.
    pub item: Item,
    /// The line that it is about, from 1.
    pub line: usize,
    /// The line of the comment, from 1.
    pub at: usize,
}

struct Comment {
    start: usize,
    end: usize,
    items: Vec<Item>,
}

/// All annotations of a file, in order. An annotation alone on its line is about the next line of code.
pub fn read(text: &str) -> Vec<Annotation> {
    let mut out = Vec::new();
    let mut waiting: Vec<(Item, usize)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let comments = comments(line);
        if is_alone(line, &comments) {
            waiting.extend(comments.into_iter().flat_map(|c| c.items).map(|i| (i, number)));
            continue;
        }
        out.extend(waiting.drain(..).map(|(item, at)| Annotation { item, line: number, at }));
        let here = comments.into_iter().flat_map(|c| c.items);
        out.extend(here.map(|item| Annotation { item, line: number, at: number }));
    }
    out.extend(waiting.into_iter().map(|(item, at)| Annotation { item, line: at, at }));
    out
}

/// The line with its annotations replaced by these; `None` if it held nothing else and nothing is left.
pub fn rewrite(line: &str, path: &str, items: &[Item]) -> Option<String> {
    let comments = comments(line);
    let alone = is_alone(line, &comments);
    let (opener, closer) = comments
        .first()
        .map(|c| &line[c.start..])
        .and_then(|rest| COMMENTS.iter().find(|(o, _)| rest.starts_with(o)).copied())
        .unwrap_or_else(|| comment_syntax(path));
    let mut rest = line.to_owned();
    for comment in comments.iter().rev() {
        rest.replace_range(comment.start..comment.end, "");
    }
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let gap = if path.ends_with(".py") { "  " } else { " " };
    let text = render(items);
    let comment = if closer.is_empty() { format!("{opener} {text}") } else { format!("{opener} {text} {closer}") };
    match (alone, items.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("{indent}{comment}")),
        (false, true) => Some(rest.trim_end().to_owned()),
        (false, false) => Some(format!("{}{gap}{comment}", rest.trim_end())),
    }
}

/// The text of a comment that makes these claims.
pub fn render(items: &[Item]) -> String {
    let mut items = items.to_vec();
    items.sort();
    let mut out = String::new();
    let mut last = None;
    for item in items {
        match last {
            Some(word) if word == item.word => out.push_str(", "),
            Some(_) => out.push_str(&format!("; {}: ", item.word)),
            None => out.push_str(&format!("{}: ", item.word)),
        }
        last = Some(item.word);
        out.push_str(&item.rule);
        if let Some(reason) = item.reason {
            out.push_str(&format!(" ({reason})"));
        }
    }
    out
}

/// The claims of the text inside one comment; empty if it is not an annotation.
pub fn items(content: &str) -> Vec<Item> {
    let mut out = Vec::new();
    for part in split_outside_parentheses(content, ';') {
        let Some((word, list)) = Word::split(part) else {
            continue;
        };
        for entry in split_outside_parentheses(list, ',') {
            let (rule, reason) = match entry.split_once('(') {
                Some((rule, reason)) => (rule, Some(reason.trim().trim_end_matches(')').to_owned())),
                None => (entry, None),
            };
            if let Some(rule) = rule.split_whitespace().next() {
                out.push(Item { word, rule: rule.to_owned(), reason });
            }
        }
    }
    out
}

fn split_outside_parentheses(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0usize;
    let mut start = 0;
    let mut out = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 => {
                out.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

fn comments(line: &str) -> Vec<Comment> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let opening = COMMENTS.iter().find(|(o, _)| line.as_bytes()[at..].starts_with(o.as_bytes()));
        let Some((opener, closer)) = opening else {
            at += 1;
            continue;
        };
        let from = at + opener.len();
        let length = if closer.is_empty() { None } else { line[from..].find(closer) };
        let (to, end) = length.map_or((line.len(), line.len()), |n| (from + n, from + n + closer.len()));
        let items = items(&line[from..to]);
        if items.is_empty() {
            at = from;
        } else {
            out.push(Comment { start: at, end, items });
            at = end;
        }
    }
    out
}

fn is_alone(line: &str, comments: &[Comment]) -> bool {
    let mut rest = line.to_owned();
    for comment in comments.iter().rev() {
        rest.replace_range(comment.start..comment.end, "");
    }
    !comments.is_empty() && rest.trim().is_empty()
}

fn comment_syntax(path: &str) -> (&'static str, &'static str) {
    match path {
        p if p.ends_with(".blade.php") => ("{{--", "--}}"),
        p if p.ends_with(".php") => ("//", ""),
        p if p.ends_with(".html") || p.ends_with(".txt") || p.contains(".j2") || p.contains(".jinja") => ("{#", "#}"),
        _ => ("#", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, rewrite};

    fn lines(text: &str) -> Vec<String> {
        read(text).iter().map(|a| format!("{} {}@{}", a.item.word, a.item.rule, a.line)).collect()
    }

    #[test]
    fn a_trailing_comment_is_about_its_line_and_a_comment_alone_about_the_next() {
        assert_eq!(lines("a\nb # expect: x\n"), ["expect x@2"]);
        assert_eq!(lines("// expect: x, y\n// step: z\nfoo();\n"), ["expect x@3", "expect y@3", "step z@3"]);
        assert_eq!(lines("{{ $a }} {{-- expect: x; missed: y (far, away) --}}"), ["expect x@1", "missed y@1"]);
        assert_eq!(lines("{# wrong: x #}\n<li>{{ a }}</li> {# expect: y #}"), ["wrong x@2", "expect y@2"]);
    }

    #[test]
    fn other_comments_and_colons_are_not_annotations() {
        assert_eq!(lines("# expected: x\n// see: y\n'#expect'\n#[Attr] $x = A::class;"), Vec::<String>::new());
    }

    #[test]
    fn rewriting_keeps_the_code_and_the_comment_syntax() {
        let items = |text: &str| super::items(text);
        assert_eq!(rewrite("a(); // expect: x", "a.php", &items("missed: x")).as_deref(), Some("a(); // missed: x"));
        assert_eq!(rewrite("a()", "a.py", &items("wrong: x")).as_deref(), Some("a()  # wrong: x"));
        assert_eq!(rewrite("{{ a }}", "a.html", &items("wrong: x")).as_deref(), Some("{{ a }} {# wrong: x #}"));
        assert_eq!(rewrite("  # wrong: x", "a.py", &[]), None);
        assert_eq!(rewrite("b # wrong: x", "a.py", &[]).as_deref(), Some("b"));
        assert_eq!(
            rewrite("b # expect: x, y (why)", "a.py", &items("expect: y (why); missed: x")).as_deref(),
            Some("b  # expect: y (why); missed: x")
        );
    }
}
