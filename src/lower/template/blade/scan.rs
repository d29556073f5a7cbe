//! Where does a piece of PHP end: a string, a bracket, an argument?
//!
//! Enough of the lexical grammar to find the end of what a template embeds, no more.

use crate::base::Range;
use crate::lower::template::lexer::{find, find_byte, skip_space, string_end, trimmed};

/// One past the token at `at`: a string, comment or heredoc as a whole, else one byte. `None` if it has no end before
/// `end`, or if PHP ends here (`?>`).
fn past_token(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let code = &bytes[..end];
    match code[at] {
        b'\'' | b'"' | b'`' => string_end(code, at),
        b'#' if code.get(at + 1) != Some(&b'[') => Some(line_end(code, at)),
        b'/' if code.get(at + 1) == Some(&b'/') => Some(line_end(code, at)),
        b'/' if code.get(at + 1) == Some(&b'*') => find(code, b"*/", at + 2).map(|i| i + 2),
        b'?' if code.get(at + 1) == Some(&b'>') => None,
        b'<' if code[at..].starts_with(b"<<<") => heredoc_end(code, at),
        _ => Some(at + 1),
    }
}

fn line_end(code: &[u8], at: usize) -> usize {
    find_byte(code, b'\n', at).unwrap_or(code.len())
}

fn heredoc_end(code: &[u8], at: usize) -> Option<usize> {
    let mut start = at + 3;
    while matches!(code.get(start), Some(b' ' | b'\t' | b'\'' | b'"')) {
        start += 1;
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let len = code[start..].iter().take_while(|b| is_word(b)).count();
    let label = &code[start..start + len];
    if label.is_empty() {
        return None;
    }
    let mut at = start + len;
    while let Some(line) = find_byte(code, b'\n', at) {
        at = skip_space(code, line + 1);
        if code[at..].starts_with(label) && !code.get(at + len).is_some_and(is_word) {
            return Some(at + len);
        }
    }
    None
}

/// Where PHP that starts at `from` ends: at a `?>` that stands in no string. `None` if a string has no end.
pub fn php_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"?>") {
            return Some(at);
        }
        let next = past_token(bytes, at, bytes.len())?;
        let is_line_comment = bytes[at] == b'#' || bytes[at..].starts_with(b"//");
        if is_line_comment && let Some(end) = find(&bytes[..next], b"?>", at) {
            return Some(end);
        }
        at = next;
    }
    Some(at)
}

/// Are the strings and comments of this PHP closed?
pub fn is_lexed(bytes: &[u8], range: Range) -> bool {
    let (mut at, end) = (range.start as usize, range.end as usize);
    while at < end {
        at = match past_token(bytes, at, end) {
            Some(next) => next,
            None if bytes[at] == b'?' => at + 2,
            None => return false,
        };
    }
    true
}

/// One past the bracket that closes the one at `open`; looks no further than `end`. If there is none, the place up to
/// which was read.
pub fn closing(bytes: &[u8], open: usize, end: usize) -> Result<usize, usize> {
    let mut stack = Vec::new();
    let mut at = open;
    while at < end {
        match bytes[at] {
            b'(' => stack.push(b')'),
            b'[' => stack.push(b']'),
            b'{' => stack.push(b'}'),
            b @ (b')' | b']' | b'}') => {
                if stack.pop() != Some(b) {
                    return Err(at);
                }
                if stack.is_empty() {
                    return Ok(at + 1);
                }
            }
            b'?' if bytes[at..end].starts_with(b"?>") => return Err(at),
            _ => {
                at = past_token(bytes, at, end).ok_or(end)?;
                continue;
            }
        }
        at += 1;
    }
    Err(end)
}

/// Could this be PHP code on its own: brackets and strings closed, and not empty?
pub fn is_closed(bytes: &[u8], range: Range) -> bool {
    let (mut at, end) = (range.start as usize, range.end as usize);
    let mut is_empty = true;
    while at < end {
        let next = match bytes[at] {
            b'(' | b'[' | b'{' => closing(bytes, at, end).ok(),
            b')' | b']' | b'}' => None,
            _ => past_token(bytes, at, end),
        };
        is_empty &= bytes[at].is_ascii_whitespace() || bytes[at] == b';';
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    !is_empty
}

/// The parts between the commas of an argument list, trimmed; a last empty part is left out.
pub fn arguments(bytes: &[u8], range: Range) -> Vec<Range> {
    let (mut at, end) = (range.start as usize, range.end as usize);
    let mut start = at;
    let mut parts = Vec::new();
    while at < end {
        if bytes[at] == b',' {
            parts.push(trimmed(bytes, start, at));
            at += 1;
            start = at;
            continue;
        }
        let next = match bytes[at] {
            b'(' | b'[' | b'{' => closing(bytes, at, end).ok(),
            _ => past_token(bytes, at, end),
        };
        at = next.unwrap_or(end);
    }
    let last = trimmed(bytes, start, end);
    if last.start < last.end {
        parts.push(last);
    }
    parts
}

/// Could this be an expression, or several with commas or semicolons? What could not would lead the parser astray.
pub fn is_code(text: &str, range: Range) -> bool {
    is_closed(text.as_bytes(), range) && reads_like_code(text, range)
}

/// Words after which an operand follows.
const JOINING: &[&str] = &[
    "new",
    "fn",
    "function",
    "static",
    "clone",
    "match",
    "print",
    "yield",
    "from",
    "throw",
    "return",
    "class",
    "abstract",
    "readonly",
    "final",
    "include",
    "require",
    "instanceof",
    "and",
    "or",
    "xor",
    "as",
    "use",
    "extends",
    "implements",
];

/// Those of them that follow an operand themselves.
const INFIX: &[&str] = &["instanceof", "and", "or", "xor", "as", "use", "extends", "implements", "from"];

/// Types that a value can be cast to.
const CASTS: &[&str] = &["int", "integer", "float", "double", "string", "bool", "boolean", "array", "object"];

/// Does an argument list read like PHP rather than like prose or a style sheet? Operands never stand side by side.
pub fn reads_like_code(text: &str, range: Range) -> bool {
    let bytes = text.as_bytes();
    let (mut at, end) = (range.start as usize, range.end as usize);
    if bytes[at] == b'{' {
        return false;
    }
    let mut after_operand = false;
    while at < end {
        let start = at;
        let byte = bytes[at];
        let next = match byte {
            b'(' | b'[' | b'{' => closing(bytes, at, end).ok(),
            b if b.is_ascii_alphanumeric() || is_name_byte(b) => Some(word_end(bytes, at, end)),
            _ => past_token(bytes, at, end),
        };
        let Some(next) = next else { return false };
        at = next;
        match byte {
            b if b.is_ascii_whitespace() => {}
            b'(' => {
                let inner = text[start + 1..at - 1].trim();
                after_operand = after_operand || !is_one_of(CASTS, inner);
            }
            // `#[…]` stands before what it speaks of.
            b'[' => after_operand = start == 0 || bytes[start - 1] != b'#',
            b'{' => after_operand = true,
            b'\'' | b'"' | b'@' if after_operand => return false,
            b'\'' | b'"' => after_operand = true,
            b if b.is_ascii_alphanumeric() || is_name_byte(b) => {
                let word = &text[start..at];
                if after_operand && !is_one_of(INFIX, word) || is_measure(word) {
                    return false;
                }
                after_operand = !is_one_of(JOINING, word);
            }
            _ => after_operand = false,
        }
    }
    true
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'_' | b'$' | b'\\' | 0x80..)
}

fn word_end(bytes: &[u8], start: usize, end: usize) -> usize {
    let is_number = bytes[start].is_ascii_digit();
    let in_word = |b: u8| b.is_ascii_alphanumeric() || is_name_byte(b) || is_number && b == b'.';
    let rest = &bytes[start..end];
    start + rest.iter().take_while(|b| in_word(**b)).count()
}

/// `600px`
fn is_measure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(|c: char| c.is_ascii_alphabetic())
        && !word.starts_with("0x")
        && !word.ends_with(['e', 'E'])
}
