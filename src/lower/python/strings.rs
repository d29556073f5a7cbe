//! What text does a string literal give?

use tree_sitter::Node;

use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, range};

/// Longer literals are data, not names: they are not kept.
const MAX_TEXT: usize = 16 * 1024;

/// What the letters before the quote say.
#[derive(Clone, Copy, Default)]
struct Prefix {
    is_raw: bool,
    is_bytes: bool,
    is_format: bool,
}

impl<'t> Lowering<'t> {
    /// A string literal, or several that stand side by side.
    pub(super) fn string(&mut self, node: Node<'t>) -> ExprId {
        let whole = range(node);
        let mut known = String::new();
        let mut parts = Vec::new();
        let mut is_bytes = false;
        if Kind::of(node) == Kind::ConcatenatedString {
            for i in self.kids(node) {
                let part = self.kids[i];
                is_bytes |= self.string_part(part, &mut known, &mut parts);
            }
        } else {
            is_bytes = self.string_part(node, &mut known, &mut parts);
        }
        if is_bytes || (parts.is_empty() && known.len() > MAX_TEXT) {
            return self.push(Expr::Literal, whole);
        }
        if parts.is_empty() {
            return self.push(Expr::Str(Name::new(&known)), whole);
        }
        self.end_text(&mut known, &mut parts, whole.end);
        self.push(Expr::Interpolated(parts), whole)
    }

    /// Adds one literal; true for bytes.
    fn string_part(&mut self, node: Node<'t>, known: &mut String, parts: &mut Vec<ExprId>) -> bool {
        if Kind::of(node) != Kind::String {
            return false;
        }
        let text = self.text(node);
        let (prefix, quote) = opening(text);
        if prefix.is_bytes {
            return true;
        }
        if !prefix.is_format {
            let inner = text.get(quote.1..).unwrap_or("");
            decode(inner.strip_suffix(quote.0).unwrap_or(inner), prefix, known);
            return false;
        }
        for i in self.kids(node) {
            let kid = self.kids[i];
            match Kind::of(kid) {
                Kind::StringContent => decode(self.text(kid), prefix, known),
                Kind::Interpolation => {
                    self.end_text(known, parts, kid.start_byte() as u32);
                    self.interpolation(kid, parts);
                }
                _ => (),
            }
        }
        false
    }

    fn end_text(&mut self, known: &mut String, parts: &mut Vec<ExprId>, end: u32) {
        if !known.is_empty() {
            let start = end.saturating_sub(known.len() as u32);
            parts.push(self.push(Expr::Str(Name::new(known)), Range { start, end }));
            known.clear();
        }
    }

    /// `{value!r:{width}}`: the value, then what its format specification computes.
    fn interpolation(&mut self, node: Node<'t>, parts: &mut Vec<ExprId>) {
        if let Some(value) = Field::Expression.of(node) {
            parts.push(self.value(value));
        }
        let Some(spec) = Field::FormatSpecifier.of(node) else {
            return;
        };
        for i in self.kids(spec) {
            let kid = self.kids[i];
            if Kind::of(kid) == Kind::FormatExpression
                && let Some(value) = Field::Expression.of(kid)
            {
                parts.push(self.value(value));
            }
        }
    }
}

/// May the literal with this text hold expressions?
pub(super) fn has_values(text: &str) -> bool {
    opening(text).0.is_format
}

/// The prefix of a literal, its quotes, and how long both are.
fn opening(text: &str) -> (Prefix, (&str, usize)) {
    let mut prefix = Prefix::default();
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    for letter in text[..letters].bytes() {
        match letter {
            b'r' | b'R' => prefix.is_raw = true,
            b'b' | b'B' => prefix.is_bytes = true,
            b'f' | b'F' | b't' | b'T' => prefix.is_format = true,
            _ => (),
        }
    }
    let rest = &text[letters..];
    let quotes = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { 3 } else { rest.len().min(1) };
    let quotes = rest.get(..quotes).unwrap_or("");
    (prefix, (quotes, letters + quotes.len()))
}

/// Adds the text that the source between the quotes stands for.
fn decode(source: &str, prefix: Prefix, known: &mut String) {
    let is_plain = |b: u8| !(b == b'\\' && !prefix.is_raw || (b == b'{' || b == b'}') && prefix.is_format);
    if source.bytes().all(is_plain) {
        known.push_str(source);
        return;
    }
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        if prefix.is_format && (c == '{' || c == '}') {
            known.push(c);
            if chars.peek() == Some(&c) {
                chars.next();
            }
            continue;
        }
        if c != '\\' || prefix.is_raw {
            known.push(c);
            continue;
        }
        let Some(escaped) = chars.next() else {
            known.push('\\');
            return;
        };
        match escaped {
            '\n' => (),
            '\r' => {
                if chars.peek() == Some(&'\n') {
                    chars.next();
                }
            }
            'n' => known.push('\n'),
            't' => known.push('\t'),
            'r' => known.push('\r'),
            'a' => known.push('\u{7}'),
            'b' => known.push('\u{8}'),
            'f' => known.push('\u{c}'),
            'v' => known.push('\u{b}'),
            '\\' | '\'' | '"' => known.push(escaped),
            'x' => known.push(number(&mut chars, 16, 2, 0)),
            'u' => known.push(number(&mut chars, 16, 4, 0)),
            'U' => known.push(number(&mut chars, 16, 8, 0)),
            '0'..='7' => known.push(number(&mut chars, 8, 2, escaped.to_digit(8).unwrap_or(0))),
            _ => {
                known.push('\\');
                known.push(escaped);
            }
        }
    }
}

/// The character that up to so many digits name.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, digits: usize, start: u32) -> char {
    let mut value = start;
    for _ in 0..digits {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        chars.next();
    }
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}
