//! What do the expressions of a Jinja template mean?
//!
//! A reader over the tokens of one tag. Whatever it cannot read ends the expression with a gap; it never goes back.

use super::jinja_token::{Token, TokenKind, unquoted};
use super::tree::Tree;
use crate::base::{Name, Range};
use crate::facts::{Arg, BinaryOp, Expr, ExprId, SeqKind, Spread, Why};

/// Brackets and prefix operators nest at most this deep in one expression. What people write stays below ten; the reader
/// recurses on them.
pub const MAX_NESTING: usize = 64;

/// Words that cannot be variables.
pub const RESERVED: &[&str] = &["and", "or", "not", "if", "else", "in", "is"];

/// Reads expressions from the tokens of a tag.
pub struct Reader<'a, 't> {
    /// Where expressions go.
    pub tree: &'a mut Tree,
    tokens: &'a [Token<'t>],
    at: usize,
    /// How many brackets are open here.
    pub nesting: usize,
    has_failed: bool,
    /// Where the tag's content ends: place of errors at the end.
    end: usize,
}

/// How strongly operators bind; an operand is read with the operators after it that bind more strongly than some level.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Strength {
    Lowest,
    Conditional,
    Or,
    And,
    Not,
    Compare,
    Sum,
    Concat,
    Product,
    Power,
}

enum Infix {
    Or,
    And,
    Op(BinaryOp),
}

impl<'a, 't> Reader<'a, 't> {
    /// A reader at the first token; `end` is where the content of the tag ends.
    pub fn new(tree: &'a mut Tree, tokens: &'a [Token<'t>], end: usize) -> Reader<'a, 't> {
        Reader { tree, tokens, at: 0, nesting: 0, has_failed: false, end }
    }

    /// The text of the next token; empty at the end.
    pub fn peek(&self) -> &'t str {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> &'t str {
        match self.tokens.get(self.at + n) {
            Some(t) if t.kind != TokenKind::Str => t.text,
            _ => "",
        }
    }

    /// The next token.
    pub fn token(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    /// Is nothing left?
    pub fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Takes the next token if it is this one.
    pub fn take(&mut self, text: &str) -> bool {
        let is_it = self.peek() == text;
        self.at += usize::from(is_it);
        is_it
    }

    /// Takes the next token if it is a name.
    pub fn take_name(&mut self) -> Option<Token<'t>> {
        let token = self.token().filter(|t| t.kind == TokenKind::Name)?;
        self.at += 1;
        Some(token)
    }

    /// Takes `name =`.
    pub fn take_keyword(&mut self) -> Option<Token<'t>> {
        if self.ahead(1) != "=" {
            return None;
        }
        let name = self.take_name()?;
        self.take("=");
        Some(name)
    }

    /// Goes past the next token.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    /// Where the next token starts.
    pub fn place(&self) -> usize {
        self.token().map_or(self.end, |t| t.start)
    }

    /// Where the last token taken ends.
    pub fn last_end(&self) -> usize {
        match self.at.checked_sub(1).and_then(|i| self.tokens.get(i)) {
            Some(t) => t.end(),
            None => self.place(),
        }
    }

    /// What has been read since `start`.
    pub fn since(&self, start: usize) -> Range {
        Range::new(start, self.last_end().max(start))
    }

    /// An error here: the rest of the tag is given up.
    pub fn error(&mut self, why: Why, parts: Vec<ExprId>) -> ExprId {
        let range = Range::new(self.place(), self.end);
        self.at = self.tokens.len();
        if self.has_failed {
            // Brackets left open by the same error are no errors of their own.
            let children = parts.clone();
            return self.tree.node(Expr::Gap(why, parts), range, &children);
        }
        self.has_failed = true;
        self.tree.gap_node(why, range, parts)
    }

    /// Counts what is left of the tag, if anything is, as an error.
    pub fn expect_done(&mut self) {
        if !self.is_done() {
            self.error(Why::SyntaxError, Vec::new());
        }
    }

    /// An expression with a conditional, without commas.
    pub fn expression(&mut self) -> ExprId {
        self.above(Strength::Lowest)
    }

    /// An expression in which `if` is not part.
    pub fn unconditional(&mut self) -> ExprId {
        self.above(Strength::Conditional)
    }

    /// Expressions separated by commas: a tuple if there is a comma.
    pub fn tuple(&mut self, with_condition: bool) -> ExprId {
        let start = self.place();
        let read = |reader: &mut Self| match with_condition {
            true => reader.expression(),
            false => reader.unconditional(),
        };
        let first = read(self);
        if self.peek() != "," {
            return first;
        }
        let mut items = vec![first];
        while self.take(",") {
            if self.is_done() || matches!(self.peek(), ")" | "]" | "if" | "recursive" | "=") {
                break;
            }
            items.push(read(self));
        }
        let range = self.since(start);
        self.seq(SeqKind::Tuple, items, range)
    }

    fn seq(&mut self, kind: SeqKind, values: Vec<ExprId>, range: Range) -> ExprId {
        let items = values.iter().map(|v| positional(*v)).collect();
        self.tree.node(Expr::Seq { kind, items }, range, &values)
    }

    fn above(&mut self, strength: Strength) -> ExprId {
        if self.nesting >= MAX_NESTING {
            return self.error(Why::TooDeep, Vec::new());
        }
        self.nesting += 1;
        let expr = self.operators(strength);
        self.nesting -= 1;
        expr
    }

    fn operators(&mut self, strength: Strength) -> ExprId {
        let start = self.place();
        let mut left = self.prefixed();
        loop {
            if strength < Strength::Conditional && self.peek() == "if" {
                left = self.conditional(start, left);
                continue;
            }
            let Some((infix, binds, words)) = self.infix() else {
                return left;
            };
            if binds <= strength {
                return left;
            }
            self.at += words;
            let right = self.above(binds);
            let range = self.since(start);
            let expr = match infix {
                Infix::Or => Expr::Or(left, right),
                Infix::And => Expr::And(left, right),
                Infix::Op(op) => Expr::Binary { op, left, right },
            };
            left = self.tree.node(expr, range, &[left, right]);
        }
    }

    fn infix(&self) -> Option<(Infix, Strength, usize)> {
        use Strength::{And, Compare, Concat, Or, Power, Product, Sum};
        let op = |op, strength| Some((Infix::Op(op), strength, 1));
        match self.peek() {
            "or" => Some((Infix::Or, Or, 1)),
            "and" => Some((Infix::And, And, 1)),
            "==" => op(BinaryOp::Equal, Compare),
            "!=" => op(BinaryOp::NotEqual, Compare),
            "<" | "<=" | ">" | ">=" => op(BinaryOp::Order, Compare),
            "in" => op(BinaryOp::In, Compare),
            "not" if self.ahead(1) == "in" => Some((Infix::Op(BinaryOp::NotIn), Compare, 2)),
            "+" => op(BinaryOp::Add, Sum),
            "-" => op(BinaryOp::Other, Sum),
            "~" => op(BinaryOp::Concat, Concat),
            "%" => op(BinaryOp::Mod, Product),
            "*" | "/" | "//" => op(BinaryOp::Other, Product),
            "**" => op(BinaryOp::Other, Power),
            _ => None,
        }
    }

    fn conditional(&mut self, start: usize, value: ExprId) -> ExprId {
        self.at += 1;
        let cond = self.above(Strength::Conditional);
        let otherwise = match self.take("else") {
            true => self.expression(),
            false => {
                let at = self.last_end();
                self.tree.leaf(Expr::Null, Range::new(at, at))
            }
        };
        let range = self.since(start);
        let expr = Expr::Ternary { cond, then: Some(value), otherwise };
        self.tree.node(expr, range, &[cond, value, otherwise])
    }

    fn prefixed(&mut self) -> ExprId {
        let start = self.place();
        match self.peek() {
            "not" => {
                self.at += 1;
                let value = self.above(Strength::Not);
                let range = self.since(start);
                self.tree.node(Expr::Not(value), range, &[value])
            }
            "-" | "+" => {
                self.at += 1;
                let value = self.above(Strength::Power);
                let range = self.since(start);
                self.tree.node(Expr::Scalar(Some(value)), range, &[value])
            }
            _ => {
                let primary = self.primary();
                self.trailers(start, primary)
            }
        }
    }

    /// A value without what may follow it.
    pub fn primary(&mut self) -> ExprId {
        let Some(token) = self.token() else {
            return self.error(Why::SyntaxError, Vec::new());
        };
        let range = Range::new(token.start, token.end());
        match (token.kind, token.text) {
            (TokenKind::Name, name) if RESERVED.contains(&name) => self.error(Why::SyntaxError, Vec::new()),
            (TokenKind::Name, name) => {
                self.at += 1;
                match name {
                    "true" | "True" => self.tree.leaf(Expr::Bool(true), range),
                    "false" | "False" => self.tree.leaf(Expr::Bool(false), range),
                    "none" | "None" => self.tree.leaf(Expr::Null, range),
                    _ => self.tree.local(name, range),
                }
            }
            (TokenKind::Int, digits) => {
                self.at += 1;
                let value = digits.parse().map_or(Expr::Literal, Expr::Int);
                self.tree.leaf(value, range)
            }
            (TokenKind::Float, _) => {
                self.at += 1;
                self.tree.leaf(Expr::Literal, range)
            }
            (TokenKind::Str, _) => {
                let mut text = String::new();
                // Adjacent strings are one.
                while let Some(part) = self.token().filter(|t| t.kind == TokenKind::Str) {
                    text.push_str(&unquoted(part.text));
                    self.at += 1;
                }
                let range = self.since(token.start);
                self.tree.string(&text, range)
            }
            (TokenKind::Op, "(") => self.parenthesized(token.start),
            (TokenKind::Op, "[") => {
                self.at += 1;
                let mut items = Vec::new();
                while !self.is_done() && self.peek() != "]" {
                    items.push(self.expression());
                    if !self.take(",") {
                        break;
                    }
                }
                if !self.take("]") {
                    return self.error(Why::SyntaxError, items);
                }
                let range = self.since(token.start);
                self.seq(SeqKind::List, items, range)
            }
            (TokenKind::Op, "{") => self.map(token.start),
            _ => self.error(Why::SyntaxError, Vec::new()),
        }
    }

    fn parenthesized(&mut self, start: usize) -> ExprId {
        self.at += 1;
        if self.take(")") {
            let range = self.since(start);
            return self.seq(SeqKind::Tuple, Vec::new(), range);
        }
        let value = self.tuple(true);
        if !self.take(")") {
            return self.error(Why::SyntaxError, vec![value]);
        }
        value
    }

    fn map(&mut self, start: usize) -> ExprId {
        self.at += 1;
        let mut items = Vec::new();
        let mut children = Vec::new();
        while !self.is_done() && self.peek() != "}" {
            let key = self.expression();
            children.push(key);
            if !self.take(":") {
                return self.error(Why::SyntaxError, children);
            }
            let value = self.expression();
            children.push(value);
            items.push((Some(key), positional(value)));
            if !self.take(",") {
                break;
            }
        }
        if !self.take("}") {
            return self.error(Why::SyntaxError, children);
        }
        let range = self.since(start);
        self.tree.node(Expr::Map(items), range, &children)
    }

    /// Attributes, subscripts, calls, filters and tests after a value.
    fn trailers(&mut self, start: usize, value: ExprId) -> ExprId {
        let mut expr = value;
        loop {
            expr = match self.peek() {
                "." => self.attribute(start, expr),
                "[" => self.subscript(start, expr),
                "(" => {
                    let (args, mut children) = self.arguments();
                    children.push(expr);
                    let range = self.since(start);
                    let call = Expr::Call { callee: expr, args };
                    self.tree.node(call, range, &children)
                }
                "|" => {
                    self.at += 1;
                    self.filter(start, expr)
                }
                "is" => self.test(start, expr),
                _ => return expr,
            };
        }
    }

    /// `.name` after a value.
    pub fn attribute(&mut self, start: usize, base: ExprId) -> ExprId {
        self.at += 1;
        match self.token() {
            Some(t) if matches!(t.kind, TokenKind::Name | TokenKind::Int) => {
                self.at += 1;
                let lookup = Expr::Lookup { base, name: Name::new(t.text), call: false };
                self.tree.node(lookup, Range::new(start, t.end()), &[base])
            }
            _ => self.error(Why::SyntaxError, vec![base]),
        }
    }

    /// `[…]` after a value.
    pub fn subscript(&mut self, start: usize, base: ExprId) -> ExprId {
        self.at += 1;
        if let Some(t) = self.token().filter(|t| t.kind == TokenKind::Str)
            && self.ahead(1) == "]"
        {
            // `a["b"]` finds attributes, too. The place ends with the name, as it does for `a.b`.
            self.at += 2;
            let lookup = Expr::Lookup { base, name: Name::new(&unquoted(t.text)), call: false };
            let range = Range::new(start, t.end() - 1);
            return self.tree.node(lookup, range, &[base]);
        }
        let mut children = vec![base];
        let lower = match self.peek() {
            ":" => None,
            _ => Some(self.tuple(true)),
        };
        children.extend(lower);
        let expr = if self.take(":") {
            let upper = match self.peek() {
                ":" | "]" => None,
                _ => Some(self.expression()),
            };
            children.extend(upper);
            if self.take(":") && self.peek() != "]" {
                self.expression();
            }
            Expr::Slice { base, lower, upper }
        } else {
            Expr::Index { base, index: lower }
        };
        if !self.take("]") {
            return self.error(Why::SyntaxError, children);
        }
        let range = self.since(start);
        self.tree.node(expr, range, &children)
    }

    /// `(…)` after a callee.
    pub fn arguments(&mut self) -> (Vec<Arg>, Vec<ExprId>) {
        self.at += 1;
        let mut args = Vec::new();
        let mut children = Vec::new();
        while !self.is_done() && self.peek() != ")" {
            let spread = match self.peek() {
                "*" => Spread::Elements,
                "**" => Spread::Keywords,
                _ => Spread::No,
            };
            self.at += usize::from(spread != Spread::No);
            let name = self.take_keyword().map(|t| Name::new(t.text));
            let value = self.expression();
            children.push(value);
            args.push(Arg { name, value, spread });
            if !self.take(",") {
                break;
            }
        }
        if !self.take(")") {
            children.push(self.error(Why::SyntaxError, Vec::new()));
        }
        (args, children)
    }

    /// `name` or `a.b`, as filters and tests are called.
    pub fn dotted(&mut self) -> Option<Name> {
        let first = self.take_name()?;
        let mut name = first.text.to_owned();
        while self.peek() == "." {
            self.at += 1;
            name.push('.');
            name.push_str(self.take_name()?.text);
        }
        Some(Name::new(&name))
    }

    /// A filter whose `|` has been read.
    fn filter(&mut self, start: usize, base: ExprId) -> ExprId {
        let Some(name) = self.dotted() else {
            return self.error(Why::SyntaxError, vec![base]);
        };
        let (args, mut children) = match self.peek() {
            "(" => self.arguments(),
            _ => (Vec::new(), Vec::new()),
        };
        children.push(base);
        let range = self.since(start);
        self.tree.node(Expr::Filter { base, name, args }, range, &children)
    }

    /// Filters that stand without a value before them, as in `{% filter upper|trim %}`, applied to nothing known.
    pub fn filters(&mut self, base: ExprId) -> ExprId {
        let start = self.place();
        let expr = self.filter(start, base);
        self.trailers(start, expr)
    }
}

fn positional(value: ExprId) -> Arg {
    Arg { name: None, value, spread: Spread::No }
}
