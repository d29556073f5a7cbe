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
        b'<' if code[at..].starts_with(b"<<<") => Some(heredoc_end(code, at).unwrap_or(at + 3)),
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

/// Words after which another operand may follow.
const JOINING: &[&str] = &[
    "new",
    "fn",
    "function",
    "static",
    "instanceof",
    "and",
    "or",
    "xor",
    "as",
    "clone",
    "match",
    "print",
    "yield",
    "throw",
    "use",
    "return",
    "abstract",
    "readonly",
    "final",
    "extends",
    "implements",
    "include",
    "require",
    "insteadof",
    "class",
    "in",
    "echo",
    "from",
];

/// Does an argument list read like PHP rather than like prose or a style sheet? Operands never stand side by side.
pub fn reads_like_code(text: &str, range: Range) -> bool {
    let bytes = text.as_bytes();
    let (mut at, end) = (range.start as usize, range.end as usize);
    let mut after_operand = false;
    while at < end {
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let starts_operand = byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'$' | b'\\' | b'\'' | b'"' | 0x80..);
        if !starts_operand {
            // A colon needs a name or a question before it; style sheets have `max-width: 3px`.
            after_operand = matches!(byte, b')' | b']' | b'}');
            at = match byte {
                b'(' | b'[' | b'{' => match closing(bytes, at, end) {
                    Ok(next) => {
                        after_operand = true;
                        next
                    }
                    Err(_) => return false,
                },
                _ => match past_token(bytes, at, end) {
                    Some(next) => next,
                    None => return false,
                },
            };
            continue;
        }
        if after_operand {
            return false;
        }
        if matches!(byte, b'\'' | b'"') {
            match string_end(&bytes[..end], at) {
                Some(next) => at = next,
                None => return false,
            }
            after_operand = true;
            continue;
        }
        let start = at;
        let is_number = byte.is_ascii_digit();
        let in_word = |b: u8| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'$' | b'\\' | 0x80..)
                || is_number && b == b'.'
        };
        while at < end && in_word(bytes[at]) {
            at += 1;
        }
        let word = &text[start..at];
        if is_number && word.ends_with(|c: char| c.is_ascii_alphabetic()) && !word.starts_with("0x")
        {
            return false;
        }
        after_operand = !JOINING.contains(&word);
    }
    true
}
