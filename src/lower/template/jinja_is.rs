//! What do Jinja's tests mean: `x is defined`, `x is not none`, `x is divisibleby 3`?

use super::jinja_expr::{MAX_NESTING, RESERVED, Reader};
use super::jinja_token::TokenKind;
use crate::base::Range;
use crate::facts::{BinaryOp, Expr, ExprId, Why};

impl Reader<'_, '_> {
    /// A test, from its `is` on.
    pub fn test(&mut self, start: usize, value: ExprId) -> ExprId {
        self.skip();
        let is_negated = self.take("not");
        let Some(name) = self.dotted() else {
            return self.error(Why::SyntaxError, vec![value]);
        };
        let args = self.test_arguments();
        let range = self.since(start);
        let expr = match (name.as_str(), args.as_slice()) {
            ("defined", []) => Expr::Isset(vec![value]),
            ("undefined", []) => {
                let set = self.tree.node(Expr::Isset(vec![value]), range, &[value]);
                return self.negated(set, !is_negated, range);
            }
            ("none" | "true" | "false", []) => {
                let right = match name.as_str() {
                    "none" => Expr::Null,
                    other => Expr::Bool(other == "true"),
                };
                let at = self.last_end();
                let right = self.tree.leaf(right, Range::new(at - name.as_str().len(), at));
                return self.compared(BinaryOp::Equal, value, right, is_negated, range);
            }
            ("eq" | "equalto" | "sameas", [right]) => {
                return self.compared(BinaryOp::Equal, value, *right, is_negated, range);
            }
            ("ne", [right]) => {
                return self.compared(BinaryOp::NotEqual, value, *right, is_negated, range);
            }
            ("in", [right]) => {
                return self.compared(BinaryOp::In, value, *right, is_negated, range);
            }
            (_, []) => Expr::Scalar(Some(value)),
            _ => {
                let mut all = vec![value];
                all.extend(args);
                let children = all.clone();
                let all = self.tree.node(Expr::Sequence(all), range, &children);
                Expr::Scalar(Some(all))
            }
        };
        let child = match expr {
            Expr::Scalar(Some(inner)) => inner,
            _ => value,
        };
        let tested = self.tree.node(expr, range, &[child]);
        self.negated(tested, is_negated, range)
    }

    /// Arguments of a test: in brackets, or one bare operand (`is divisibleby 3`).
    fn test_arguments(&mut self) -> Vec<ExprId> {
        if self.peek() == "(" {
            return self.arguments().1;
        }
        let Some(token) = self.token() else {
            return Vec::new();
        };
        let starts_operand = match token.kind {
            TokenKind::Name => !RESERVED.contains(&token.text),
            TokenKind::Str | TokenKind::Int | TokenKind::Float => true,
            TokenKind::Op => matches!(token.text, "[" | "{"),
            TokenKind::Unknown => false,
        };
        if !starts_operand || self.nesting >= MAX_NESTING {
            return Vec::new();
        }
        let start = token.start;
        let mut arg = self.primary();
        loop {
            arg = match self.peek() {
                "." => self.attribute(start, arg),
                "[" => self.subscript(start, arg),
                _ => return vec![arg],
            };
        }
    }

    fn negated(&mut self, value: ExprId, is_negated: bool, range: Range) -> ExprId {
        match is_negated {
            true => self.tree.node(Expr::Not(value), range, &[value]),
            false => value,
        }
    }

    fn compared(&mut self, op: BinaryOp, left: ExprId, right: ExprId, is_negated: bool, range: Range) -> ExprId {
        let op = match (op, is_negated) {
            (BinaryOp::Equal, true) => BinaryOp::NotEqual,
            (BinaryOp::NotEqual, true) => BinaryOp::Equal,
            (BinaryOp::In, true) => BinaryOp::NotIn,
            (op, _) => op,
        };
        let expr = Expr::Binary { op, left, right };
        self.tree.node(expr, range, &[left, right])
    }
}
