//! What does a string literal say, and which expressions stand in it?

use tree_sitter::Node;

use super::Lowering;
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId, Why};
use crate::syntax::php::{self, Kind};

/// Longer text is data, not a name or a query: it is not kept.
const MAX_TEXT: usize = 4096;

impl<'t> Lowering<'t> {
    /// `'…'`
    pub(super) fn plain_string(&mut self, node: Node<'t>) -> ExprId {
        let text = self.text_of(node);
        let text = text.trim_start_matches(['b', 'B']);
        let text = text.strip_prefix('\'').unwrap_or(text);
        let text = text.strip_suffix('\'').unwrap_or(text);
        let expr = if text.contains('\\') { string(&text.replace("\\'", "'").replace("\\\\", "\\")) } else { string(text) };
        self.push(expr, node)
    }

    /// `<<<'X' … X`
    pub(super) fn nowdoc(&mut self, node: Node<'t>) -> ExprId {
        let body = self.child_of_kind(node, Kind::NowdocBody);
        let text = body.map_or("", |body| self.text_of(body));
        let text = text.strip_prefix('\r').unwrap_or(text);
        let text = text.strip_prefix('\n').unwrap_or(text);
        self.push(string(text), node)
    }

    /// `"…"`, heredocs and shell commands.
    pub(super) fn interpolated(&mut self, node: Node<'t>) -> ExprId {
        let body = match php::kind(node) {
            Kind::Heredoc => self.child_of_kind(node, Kind::HeredocBody),
            _ => Some(node),
        };
        let Some(body) = body else {
            return self.push(string(""), node);
        };
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut text_range: Option<Range> = None;
        let mut braces = false;
        let mut end = body.start_byte();
        for part in self.tokens(body) {
            // Line ends of heredocs are no nodes.
            let between = self.text.get(end..part.start_byte()).unwrap_or("");
            if between.contains('\n') && end > body.start_byte() {
                text.push('\n');
                text_range.get_or_insert(self.bytes(end, part.start_byte()));
            }
            end = part.end_byte();
            match php::kind(part) {
                Kind::Token => braces = self.text_of(part) == "{",
                Kind::StringContent | Kind::EscapeSequence => {
                    let written = self.text_of(part);
                    if php::kind(part) == Kind::EscapeSequence {
                        unescape(written, &mut text);
                    } else {
                        text.push_str(written);
                    }
                    let range = self.range(part);
                    let start = text_range.map_or(range.start, |r| r.start);
                    text_range = Some(Range { start, end: range.end });
                }
                _ => {
                    if let Some(range) = text_range.take() {
                        parts.push(self.frame.body.push(string(&text), range));
                        text.clear();
                    }
                    parts.push(if braces { self.expr(part) } else { self.simple_part(part) });
                }
            }
        }
        if parts.is_empty() {
            return self.push(string(&text), node);
        }
        if let Some(range) = text_range {
            parts.push(self.frame.body.push(string(&text), range));
        }
        self.push(Expr::Interpolated(parts), node)
    }

    /// `$a[key]` without braces: the key is a string. `${a}` is the variable `a`.
    fn simple_part(&mut self, node: Node<'t>) -> ExprId {
        match php::kind(node) {
            Kind::SubscriptExpression => {
                let parts = self.named(node);
                let [base, index] = parts.as_slice() else {
                    return self.expr(node);
                };
                if php::kind(*index) != Kind::Name {
                    return self.expr(node);
                }
                let base = self.expr(*base);
                let key = Name::new(self.text_of(*index));
                let index = Some(self.push(Expr::Str(key), *index));
                self.push(Expr::Index { base, index }, node)
            }
            Kind::DynamicVariableName => match self.first(node) {
                Some(name) if php::kind(name) == Kind::Name => {
                    let name = self.text_of(name);
                    self.variable(name, node)
                }
                _ => self.expr(node),
            },
            Kind::Error => self.gap(node, Why::SyntaxError, Vec::new()),
            _ => self.expr(node),
        }
    }
}

fn string(text: &str) -> Expr {
    if text.len() > MAX_TEXT {
        return Expr::Literal;
    }
    Expr::Str(Name::new(text))
}

fn unescape(escape: &str, out: &mut String) {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let body = escape.strip_prefix('\\').unwrap_or(escape);
    let char = match body.as_bytes().first() {
        Some(b'n') => Some('\n'),
        Some(b'r') => Some('\r'),
        Some(b't') => Some('\t'),
        Some(b'v') => Some('\u{b}'),
        Some(b'e') => Some('\u{1b}'),
        Some(b'f') => Some('\u{c}'),
        Some(b'x') => code(&body[1..], 16),
        Some(b'u') => code(body[1..].trim_matches(['{', '}']), 16),
        Some(b'0'..=b'7') => code(body, 8),
        _ => None,
    };
    match char {
        Some(char) => out.push(char),
        None => out.push_str(body),
    }
}
