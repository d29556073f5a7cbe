//! Where are the tags, outputs and comments of a template, and what lies in each?
//!
//! In: the text. Out: pieces in source order; plain text between them is left out. Total and linear: what is not closed is
//! text. Shared by the two languages that write `{{ … }}`, `{% … %}` and `{# … #}`.

use rustc_hash::FxHashSet;

use crate::base::Range;

/// Which of the two languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavor {
    /// Tags end on their own line; strings hold no meaning for where they end.
    Django,
    /// Tags span lines, strings and brackets hide delimiters, `-` and `+` beside delimiters control whitespace.
    Jinja,
}

/// What a piece is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceKind {
    /// `{{ … }}`
    Output,
    /// `{% … %}`
    Tag,
    /// `{# … #}` or a comment block.
    Comment,
}

/// One construct of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// The construct with its delimiters.
    pub range: Range,
    /// What lies between the delimiters, trimmed.
    pub inner: Range,
}

/// Scans that look for the end of a tag and fail may read this many times the length of the text in all; then only the
/// plain search is tried. Keeps a file of unclosed brackets linear.
const SCAN_BUDGET: usize = 8;

/// The pieces of a template.
pub fn pieces(text: &str, flavor: Flavor) -> Vec<Piece> {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        flavor,
        budget: text.len().saturating_mul(SCAN_BUDGET).max(4096),
        exhausted: FxHashSet::default(),
        line_end: 0,
        closed_until: [0; 3],
        pieces: Vec::new(),
    };
    lexer.run();
    lexer.pieces
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    flavor: Flavor,
    budget: usize,
    /// Needles that do not occur in what is left of the text.
    exhausted: FxHashSet<&'t str>,
    /// End of the line that was looked at last.
    line_end: usize,
    /// Up to where it is known that no `}}`, `%}`, `#}` follows what was looked at.
    closed_until: [usize; 3],
    pieces: Vec<Piece>,
}

impl<'t> Lexer<'t> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(found) = find_byte(self.bytes, b'{', at) {
            at = match self.bytes.get(found + 1) {
                Some(b'{') => self.bracketed(found, PieceKind::Output, "}}"),
                Some(b'%') => self.bracketed(found, PieceKind::Tag, "%}"),
                Some(b'#') => self.comment(found),
                _ => found + 1,
            };
        }
    }

    /// Reads an output or tag that opens at `start`; gives where to go on.
    fn bracketed(&mut self, start: usize, kind: PieceKind, close: &'static str) -> usize {
        let Some(end) = self.end_of(start + 2, close) else {
            return start + 1;
        };
        let mut from = start + 2;
        let mut to = end;
        if self.flavor == Flavor::Jinja {
            if matches!(self.bytes.get(from), Some(b'-' | b'+')) && from < to {
                // `{{ -x }}` has a space before its sign; directly at the delimiter it controls whitespace.
                from += 1;
            }
            if to > from && matches!(self.bytes[to - 1], b'-' | b'+') {
                to -= 1;
            }
        }
        let inner = trimmed(self.bytes, from, to);
        let after = end + close.len();
        let piece = Piece { kind, range: Range::new(start, after), inner };
        if kind == PieceKind::Tag {
            let content = &self.text[inner.start as usize..inner.end as usize];
            let name = content.split_whitespace().next().unwrap_or("");
            match (self.flavor, name) {
                (Flavor::Django, "verbatim") => {
                    let label = content["verbatim".len()..].trim();
                    return self.end_tag("endverbatim", label, after).map_or(after, |(_, next)| next);
                }
                (Flavor::Django, "comment") => {
                    if let Some((end, next)) = self.end_tag("endcomment", "", after) {
                        self.pieces.push(Piece {
                            kind: PieceKind::Comment,
                            range: Range::new(start, next),
                            inner: trimmed(self.bytes, after, end),
                        });
                        return next;
                    }
                    return after;
                }
                (Flavor::Jinja, "raw") => {
                    return self.end_tag("endraw", "", after).map_or(after, |(_, next)| next);
                }
                _ => {}
            }
        }
        self.pieces.push(piece);
        after
    }

    /// Where does the tag whose content starts at `from` end?
    fn end_of(&mut self, from: usize, close: &'static str) -> Option<usize> {
        match self.flavor {
            Flavor::Django => self.end_on_line(from, close),
            Flavor::Jinja => self.balanced_end(from, close).or_else(|| self.find(close, from)),
        }
    }

    /// The end delimiter, if it stands on this line.
    fn end_on_line(&mut self, from: usize, close: &'static str) -> Option<usize> {
        if from > self.line_end || self.line_end == 0 {
            self.line_end = find_byte(self.bytes, b'\n', from).unwrap_or(self.bytes.len());
        }
        let which = match close {
            "}}" => 0,
            "%}" => 1,
            _ => 2,
        };
        if self.closed_until[which] > from {
            return None;
        }
        let found = find(&self.bytes[..self.line_end], close.as_bytes(), from);
        if found.is_none() {
            self.closed_until[which] = self.line_end;
        }
        found
    }

    /// The end delimiter outside strings and brackets.
    fn balanced_end(&mut self, from: usize, close: &'static str) -> Option<usize> {
        let close = close.as_bytes();
        let mut depth = 0usize;
        let mut at = from;
        let limit = from.saturating_add(self.budget).min(self.bytes.len());
        while at < limit {
            let byte = self.bytes[at];
            if depth == 0 && self.bytes[at..].starts_with(close) {
                return Some(at);
            }
            match byte {
                b'\'' | b'"' => match string_end(&self.bytes[..limit], at) {
                    Some(end) => {
                        at = end;
                        continue;
                    }
                    None => {
                        at = limit;
                        break;
                    }
                },
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                // A tag cannot stand inside another: this one was never closed.
                b'%' if self.bytes[at..].starts_with(b"%}") || self.bytes[at - 1] == b'{' => break,
                _ => {}
            }
            at += 1;
        }
        self.budget = self.budget.saturating_sub(limit.min(at + 1) - from);
        None
    }

    fn comment(&mut self, start: usize) -> usize {
        let end = match self.flavor {
            Flavor::Django => self.end_on_line(start + 2, "#}"),
            Flavor::Jinja => self.find("#}", start + 2),
        };
        let Some(end) = end else {
            return start + 1;
        };
        let mut from = start + 2;
        let mut to = end;
        if self.flavor == Flavor::Jinja {
            if matches!(self.bytes.get(from), Some(b'-' | b'+')) && from < to {
                from += 1;
            }
            if to > from && matches!(self.bytes[to - 1], b'-' | b'+') {
                to -= 1;
            }
        }
        self.pieces.push(Piece {
            kind: PieceKind::Comment,
            range: Range::new(start, end + 2),
            inner: trimmed(self.bytes, from, to),
        });
        end + 2
    }

    /// Plain search that remembers what it did not find.
    fn find(&mut self, needle: &'t str, from: usize) -> Option<usize> {
        if self.exhausted.contains(needle) {
            return None;
        }
        let found = find(self.bytes, needle.as_bytes(), from);
        if found.is_none() {
            self.exhausted.insert(needle);
        }
        found
    }

    /// The tag that ends a block whose content is not read: where it starts, and where it ends.
    fn end_tag(&mut self, name: &'t str, label: &'t str, from: usize) -> Option<(usize, usize)> {
        let key = if label.is_empty() { name } else { label };
        if self.exhausted.contains(key) || self.budget == 0 {
            return None;
        }
        let mut at = from;
        while let Some(open) = find(self.bytes, b"{%", at) {
            at = open + 2;
            let mut from = at;
            if matches!(self.bytes.get(from), Some(b'-' | b'+')) {
                from += 1;
            }
            from = skip_space(self.bytes, from);
            if !self.bytes[from..].starts_with(name.as_bytes()) {
                continue;
            }
            from = skip_space(self.bytes, from + name.len());
            if !self.bytes[from..].starts_with(label.as_bytes()) {
                continue;
            }
            from = skip_space(self.bytes, from + label.len());
            if matches!(self.bytes.get(from), Some(b'-' | b'+')) {
                from += 1;
            }
            if self.bytes[from..].starts_with(b"%}") {
                return Some((open, from + 2));
            }
        }
        self.exhausted.insert(key);
        self.budget = self.budget.saturating_sub(self.bytes.len() - from);
        None
    }
}

/// One past the closing quote of the string that starts at `at`.
pub fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut i = at + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b if b == quote => return Some(i + 1),
            _ => i += 1,
        }
    }
    None
}

/// The first place at or after `from` where `needle` stands.
pub fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = find_byte(bytes, needle[0], at) {
        if bytes[found..].starts_with(needle) {
            return Some(found);
        }
        at = found + 1;
    }
    None
}

/// The first place at or after `from` where this byte stands.
pub fn find_byte(bytes: &[u8], byte: u8, from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|b| *b == byte).map(|i| i + from)
}

/// The first place at or after `from` that is no white space.
pub fn skip_space(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at].is_ascii_whitespace() {
        at += 1;
    }
    at
}

/// The range without white space at its ends.
pub fn trimmed(bytes: &[u8], from: usize, to: usize) -> Range {
    let mut start = from;
    let mut end = to.max(from);
    while start < end && bytes[start].is_ascii_whitespace() {
        start += 1;
    }
    while end > start && bytes[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    Range::new(start, end)
}
