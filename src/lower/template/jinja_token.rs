//! What are the words of a Jinja expression?

use super::lexer::string_end;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// Identifier or word operator.
    Name,
    /// Integer.
    Int,
    /// Float.
    Float,
    /// String with its quotes.
    Str,
    /// Operator or bracket.
    Op,
    /// A byte that begins no token.
    Unknown,
}

/// A token and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text.
    pub text: &'t str,
    /// Where it starts.
    pub start: usize,
}

impl Token<'_> {
    /// Where it ends.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

const LONG_OPERATORS: [&str; 6] = ["**", "//", "==", "!=", "<=", ">="];

/// The tokens between two places of a text.
pub fn tokens(text: &str, start: usize, end: usize) -> Vec<Token<'_>> {
    let bytes = &text.as_bytes()[..end];
    let mut tokens = Vec::new();
    let mut at = start;
    while at < end {
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let rest = &text[at..end];
        let after_dot = tokens.last().is_some_and(|t: &Token<'_>| t.text == ".");
        let (kind, len) = match byte {
            b'"' | b'\'' => match string_end(bytes, at) {
                Some(to) if to <= end => (TokenKind::Str, to - at),
                // Without an end the string reaches to the end of the tag: what follows would be noise.
                _ => (TokenKind::Unknown, rest.len()),
            },
            b'0'..=b'9' => number(rest, after_dot),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => {
                let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                match len {
                    0 => (TokenKind::Unknown, rest.chars().next().map_or(1, char::len_utf8)),
                    _ => (TokenKind::Name, len),
                }
            }
            _ if LONG_OPERATORS.iter().any(|op| rest.starts_with(op)) => (TokenKind::Op, 2),
            b'+' | b'-' | b'/' | b'*' | b'%' | b'~' | b'[' | b']' | b'(' | b')' | b'{' | b'}' | b'>' | b'<' | b'=' | b'.'
            | b':' | b'|' | b',' | b';' => (TokenKind::Op, 1),
            _ => (TokenKind::Unknown, 1),
        };
        tokens.push(Token { kind, text: &text[at..at + len], start: at });
        at += len;
    }
    tokens
}

fn number(rest: &str, after_dot: bool) -> (TokenKind, usize) {
    let digits = |text: &str| text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let whole = digits(rest);
    let fraction = &rest[whole..];
    let is_float = !after_dot && fraction.starts_with('.') && fraction[1..].starts_with(|c: char| c.is_ascii_digit());
    match is_float {
        true => (TokenKind::Float, whole + 1 + digits(&fraction[1..])),
        false => (TokenKind::Int, whole),
    }
}

/// The value of a string token.
pub fn unquoted(token: &str) -> String {
    let inner = &token[1..token.len() - 1];
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}
