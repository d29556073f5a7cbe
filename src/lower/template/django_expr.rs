//! What do the expressions of a Django template mean: lookups, filters, conditions?

use super::lexer::string_end;
use super::tree::Tree;
use crate::base::{Name, Range};
use crate::facts::{Arg, BinaryOp, Expr, ExprId, Spread, Why};

/// A word of a tag: white space separates words, except in quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word<'t> {
    /// The word.
    pub text: &'t str,
    /// Where it starts.
    pub start: usize,
}

impl Word<'_> {
    /// Where the word stands.
    pub fn range(&self) -> Range {
        Range::new(self.start, self.end())
    }

    /// Where the word ends.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The words of a piece of text.
pub fn words(text: &str, range: Range) -> Vec<Word<'_>> {
    let bytes = &text.as_bytes()[..range.end as usize];
    let mut words = Vec::new();
    let mut at = range.start as usize;
    // After one quote without an end the others are read as they stand: the scan stays linear.
    let mut quotes = true;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            at = match bytes[at] {
                b'"' | b'\'' if quotes => match string_end(bytes, at) {
                    Some(end) => end.min(bytes.len()),
                    None => {
                        quotes = false;
                        at + 1
                    }
                },
                _ => at + 1,
            };
        }
        words.push(Word { text: &text[start..at], start });
    }
    words
}

/// Splits `name=value`.
pub fn keyword<'t>(word: Word<'t>) -> Option<(Word<'t>, Word<'t>)> {
    let at = word.text.find('=')?;
    let (name, value) = (&word.text[..at], &word.text[at + 1..]);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name || value.is_empty() || value.starts_with('=') {
        return None;
    }
    Some((Word { text: name, start: word.start }, Word { text: value, start: word.start + at + 1 }))
}

/// Lowers one filter expression.
pub fn expression(tree: &mut Tree, text: &str, range: Range) -> ExprId {
    let mut reader = Reader { tree, text, at: range.start as usize, end: range.end as usize };
    reader.filtered(range)
}

/// Lowers a word as a filter expression.
pub fn word(tree: &mut Tree, text: &str, word: Word<'_>) -> ExprId {
    expression(tree, text, word.range())
}

struct Reader<'a, 't> {
    tree: &'a mut Tree,
    text: &'t str,
    at: usize,
    end: usize,
}

impl Reader<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn name(&mut self) -> Range {
        let start = self.at;
        let rest = self.rest();
        let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += len;
        Range::new(start, self.at)
    }

    fn filtered(&mut self, whole: Range) -> ExprId {
        self.skip_space();
        let start = self.at;
        let Some(mut expr) = self.operand() else {
            return self.tree.gap_node(Why::SyntaxError, whole, Vec::new());
        };
        loop {
            self.skip_space();
            if !self.rest().starts_with('|') {
                break;
            }
            self.at += 1;
            self.skip_space();
            let name = self.name();
            if name.start == name.end {
                return self.tree.gap_node(Why::SyntaxError, whole, vec![expr]);
            }
            let mut args = Vec::new();
            let mut children = vec![expr];
            if self.rest().starts_with(':') {
                self.at += 1;
                if let Some(value) = self.operand() {
                    children.push(value);
                    args.push(Arg { name: None, value, spread: Spread::No });
                }
            }
            let filter = Expr::Filter { base: expr, name: Name::new(&self.text[name.start as usize..name.end as usize]), args };
            expr = self.tree.node(filter, Range::new(start, self.at), &children);
        }
        if self.at < self.end {
            return self.tree.gap_node(Why::SyntaxError, whole, vec![expr]);
        }
        expr
    }

    /// A string, number, translated string or dotted variable.
    fn operand(&mut self) -> Option<ExprId> {
        let start = self.at;
        let first = self.rest().chars().next()?;
        if first == '"' || first == '\'' {
            let bytes = &self.text.as_bytes()[..self.end];
            let end = string_end(bytes, start)?.min(self.end);
            self.at = end;
            let inner = &self.text[start + 1..end - 1];
            let plain = inner.replace(&format!("\\{first}"), &first.to_string()).replace("\\\\", "\\");
            return Some(self.tree.string(&plain, Range::new(start, end)));
        }
        if self.rest().starts_with("_(") {
            self.at += 2;
            self.skip_space();
            let value = self.operand()?;
            self.skip_space();
            if self.rest().starts_with(')') {
                self.at += 1;
            }
            return Some(value);
        }
        if first.is_ascii_digit() || first == '-' || first == '+' || first == '.' {
            return self.number();
        }
        self.variable()
    }

    fn number(&mut self) -> Option<ExprId> {
        let start = self.at;
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['-', '+']));
        let len = rest[sign..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).map_or(rest.len(), |n| n + sign);
        if len == sign {
            return None;
        }
        let number = &rest[..len];
        if number.parse::<f64>().is_err() && sign == 0 {
            // A name may begin with a digit.
            return self.variable();
        }
        let value = match number.trim_start_matches('+').parse::<i64>() {
            Ok(n) => Expr::Int(n),
            Err(_) => Expr::Literal,
        };
        self.at += len;
        Some(self.tree.leaf(value, Range::new(start, self.at)))
    }

    fn variable(&mut self) -> Option<ExprId> {
        let start = self.at;
        let first = self.name();
        if first.start == first.end {
            return None;
        }
        let name = &self.text[start..self.at];
        let mut expr = match name {
            "True" | "False" => self.tree.leaf(Expr::Bool(name == "True"), first),
            "None" => self.tree.leaf(Expr::Null, first),
            _ => self.tree.local(name, first),
        };
        while self.rest().starts_with('.') {
            let dot = self.at;
            self.at += 1;
            let part = self.name();
            if part.start == part.end {
                self.at = dot;
                break;
            }
            let lookup = Expr::Lookup { base: expr, name: Name::new(&self.text[part.start as usize..self.at]), call: true };
            expr = self.tree.node(lookup, Range::new(start, self.at), &[expr]);
        }
        Some(expr)
    }
}

/// Lowers the condition of an `if`.
pub fn condition(tree: &mut Tree, text: &str, words: &[Word<'_>], whole: Range) -> ExprId {
    let mut reader = Condition { tree, text, words, at: 0 };
    let Some(expr) = reader.above(0) else {
        return reader.tree.gap_node(Why::SyntaxError, whole, Vec::new());
    };
    let mut parts = vec![expr];
    while reader.at < words.len() {
        // Words without an operator between them: read what there is.
        match reader.above(0) {
            Some(more) => parts.push(more),
            None => reader.at += 1,
        }
    }
    if parts.len() > 1 {
        return reader.tree.gap_node(Why::SyntaxError, whole, parts);
    }
    expr
}

struct Condition<'a, 't, 'w> {
    tree: &'a mut Tree,
    text: &'t str,
    words: &'w [Word<'t>],
    at: usize,
}

#[derive(Clone, Copy)]
enum Infix {
    Or,
    And,
    Compare(BinaryOp),
}

impl Condition<'_, '_, '_> {
    fn text_at(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |w| w.text)
    }

    /// The operator here: meaning, strength and number of words.
    fn infix(&self) -> Option<(Infix, u8, usize)> {
        let next = self.text_at(self.at + 1);
        Some(match self.text_at(self.at) {
            "or" => (Infix::Or, 1, 1),
            "and" => (Infix::And, 2, 1),
            "in" => (Infix::Compare(BinaryOp::In), 4, 1),
            "not" if next == "in" => (Infix::Compare(BinaryOp::NotIn), 4, 2),
            "is" if next == "not" => (Infix::Compare(BinaryOp::NotEqual), 5, 2),
            "is" | "==" | "=" => (Infix::Compare(BinaryOp::Equal), 5, 1),
            "!=" => (Infix::Compare(BinaryOp::NotEqual), 5, 1),
            "<" | "<=" | ">" | ">=" => (Infix::Compare(BinaryOp::Order), 5, 1),
            _ => return None,
        })
    }

    /// Reads an operand and the operators after it that bind more tightly than `strength`.
    fn above(&mut self, strength: u8) -> Option<ExprId> {
        let mut negations = Vec::new();
        while self.text_at(self.at) == "not" {
            negations.push(self.words[self.at].start);
            self.at += 1;
        }
        let mut left = if negations.is_empty() {
            let word = *self.words.get(self.at)?;
            if self.infix().is_some() {
                return None;
            }
            self.at += 1;
            expression(self.tree, self.text, word.range())
        } else {
            self.above(3)?
        };
        for start in negations.into_iter().rev() {
            let range = Range::new(start, self.tree.range(left).end as usize);
            left = self.tree.node(Expr::Not(left), range, &[left]);
        }
        while let Some((infix, binds, words)) = self.infix() {
            if binds <= strength {
                break;
            }
            self.at += words;
            let Some(right) = self.above(binds) else {
                let range = self.tree.range(left);
                return Some(self.tree.gap_node(Why::SyntaxError, range, vec![left]));
            };
            let range = Range::new(self.tree.range(left).start as usize, self.tree.range(right).end as usize);
            let expr = match infix {
                Infix::Or => Expr::Or(left, right),
                Infix::And => Expr::And(left, right),
                Infix::Compare(op) => Expr::Binary { op, left, right },
            };
            left = self.tree.node(expr, range, &[left, right]);
        }
        Some(left)
    }
}
