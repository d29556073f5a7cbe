//! What do operators compute, in rows of any length?

use tree_sitter::Node;

use super::expr::{arg, integer};
use super::{Lowering, Nodes};
use crate::facts::{BinaryOp, Expr, ExprId, MAX_DEPTH, Spread, Why};
use crate::syntax::php::{self, Field, Kind};

/// Operators in a row are nested to the left as PHP does up to this length; longer rows become balanced trees, which
/// compute the same and stay shallow.
const LONG_ROW: usize = 24;

impl<'t> Lowering<'t> {
    pub(super) fn unary(&mut self, node: Node<'t>) -> ExprId {
        let Some(argument) = php::field(node, Field::Argument).or_else(|| self.first(node)) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let operator = self.field_text(node, Field::Operator);
        if php::kind(argument) == Kind::Integer
            && operator != "!"
            && operator != "~"
            && let Some(n) = integer(self.text_of(argument))
        {
            let n = if operator == "+" { n } else { -n };
            return self.push(Expr::Int(n), node);
        }
        let value = self.expr(argument);
        let expr = if operator == "!" { Expr::Not(value) } else { Expr::Scalar(Some(value)) };
        self.push(expr, node)
    }

    pub(super) fn binary(&mut self, node: Node<'t>) -> ExprId {
        // From the last operator to the first.
        let mut row: Nodes<'t> = Nodes::new();
        let mut at = node;
        while php::kind(at) == Kind::BinaryExpression
            && let Some(left) = php::field(at, Field::Left)
            && (row.is_empty() || !is_right_associative(self.field_text(at, Field::Operator)))
        {
            row.push(at);
            at = left;
        }
        if row.is_empty() {
            return self.parts_gap(node, Why::SyntaxError);
        }
        if row.len() > LONG_ROW {
            return self.long_row(&row, at);
        }
        let depth = self.depth;
        self.depth = (depth + row.len()).min(MAX_DEPTH);
        let mut left = self.expr(at);
        for node in row.into_iter().rev() {
            let operator = self.field_text(node, Field::Operator);
            left = self.operator(node, operator, left);
            self.depth = (self.depth - 1).max(depth);
        }
        self.depth = depth;
        left
    }

    fn operator(&mut self, node: Node<'t>, operator: &str, left: ExprId) -> ExprId {
        let Some(right) = php::field(node, Field::Right) else {
            return self.gap(node, Why::SyntaxError, vec![left]);
        };
        if operator.eq_ignore_ascii_case("instanceof") {
            let class = self.class_or_expr(right);
            return self.push(Expr::InstanceOf { value: left, class }, node);
        }
        let right = self.expr(right);
        let expr = self.combine(operator, left, right);
        self.push(expr, node)
    }

    fn combine(&mut self, operator: &str, left: ExprId, right: ExprId) -> Expr {
        match operator {
            "&&" => Expr::And(left, right),
            "||" => Expr::Or(left, right),
            "??" => Expr::Coalesce(left, right),
            "|>" => {
                let callee = match self.frame.body.expr(right) {
                    Expr::CallableOf(callee) => *callee,
                    _ => right,
                };
                let args = vec![arg(left, Spread::No)];
                Expr::Call { callee, args }
            }
            _ if operator.eq_ignore_ascii_case("and") => Expr::And(left, right),
            _ if operator.eq_ignore_ascii_case("or") => Expr::Or(left, right),
            _ => Expr::Binary { op: binary_op(operator), left, right },
        }
    }

    /// A long row of operators as a shallow tree: each run of one operator is halved again and again.
    fn long_row(&mut self, row: &[Node<'t>], first: Node<'t>) -> ExprId {
        let depth = self.depth;
        let levels = row.len().ilog2() as usize + 1;
        self.depth = (depth + levels).min(MAX_DEPTH);
        let mut run = vec![self.expr(first)];
        let mut runs = 0;
        let mut current = "";
        for node in row.iter().rev() {
            let operator = self.field_text(*node, Field::Operator);
            if operator != current && run.len() > 1 {
                let whole = self.balanced(current, &run);
                run = vec![whole];
                runs += 1;
            }
            current = operator;
            match php::field(*node, Field::Right) {
                Some(right) if operator == "instanceof" => run.push(self.class_or_expr(right)),
                Some(right) => run.push(self.expr(right)),
                None => (),
            }
            if runs > LONG_ROW {
                // Mixed without end: only scalars come out of that.
                self.depth = depth;
                return self.gap(row[0], Why::TooDeep, run);
            }
        }
        self.depth = depth;
        self.balanced(current, &run)
    }

    fn balanced(&mut self, operator: &str, operands: &[ExprId]) -> ExprId {
        let mut level = operands.to_vec();
        while level.len() > 1 {
            let mut next = Vec::with_capacity(level.len().div_ceil(2));
            for pair in level.chunks(2) {
                next.push(match pair {
                    [left, right] => {
                        let mut range = self.frame.body.range(*left);
                        range.end = self.frame.body.range(*right).end;
                        let expr = self.combine(operator, *left, *right);
                        self.frame.body.push(expr, range)
                    }
                    _ => pair[0],
                });
            }
            level = next;
        }
        level[0]
    }
}

fn is_right_associative(operator: &str) -> bool {
    matches!(operator, "??" | "**")
}

pub(super) fn binary_op(operator: &str) -> BinaryOp {
    match operator {
        "==" | "===" => BinaryOp::Equal,
        "!=" | "!==" | "<>" => BinaryOp::NotEqual,
        "<" | ">" | "<=" | ">=" | "<=>" => BinaryOp::Order,
        "+" => BinaryOp::Add,
        "." => BinaryOp::Concat,
        "|" => BinaryOp::BitOr,
        "&" => BinaryOp::BitAnd,
        "%" => BinaryOp::Mod,
        _ => BinaryOp::Other,
    }
}
