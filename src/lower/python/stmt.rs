//! What does a statement do?

use tree_sitter::Node;

use crate::base::{Name, Range};
use crate::facts::{Arg, Block, Expr, ExprId, Gap, Loop, LoopKind, MAX_DEPTH, SeqKind, Spread, Stmt, Why};
use crate::syntax::python::{Field, Kind};

use super::strings::has_values;
use super::{Lowering, has_token, range};

impl<'t> Lowering<'t> {
    /// The statements of a node, in order.
    pub(super) fn block(&mut self, node: Node<'t>) -> Block {
        let mut out = Block::new();
        self.block_into(node, &mut out);
        out
    }

    pub(super) fn block_into(&mut self, node: Node<'t>, out: &mut Block) {
        let kids = self.kids(node);
        let start = kids.start;
        for i in kids {
            self.stmt(self.kids[i], out);
        }
        self.kids.truncate(start);
    }

    pub(super) fn field_block(&mut self, node: Node<'t>, field: Field) -> Block {
        field.of(node).map_or_else(Block::new, |block| self.block(block))
    }

    pub(super) fn add(&mut self, stmt: Stmt, at: Range, out: &mut Block) {
        out.push(self.top.body.push_stmt(stmt, at));
    }

    pub(super) fn stmt(&mut self, node: Node<'t>, out: &mut Block) {
        if self.depth >= MAX_DEPTH {
            self.gap(node, Why::TooDeep);
            self.add(Stmt::Gap(Why::TooDeep, Block::new()), range(node), out);
            return;
        }
        self.depth += 1;
        let mark = self.kids.len();
        match Kind::of(node) {
            Kind::ExpressionStatement => self.expression_statement(node, out),
            Kind::If => self.branch(node, out),
            Kind::For => {
                self.for_each(node, out);
                self.unread_kids(node, out);
            }
            Kind::While => {
                self.while_loop(node, out);
                self.unread_kids(node, out);
            }
            Kind::Try => self.try_block(node, out),
            Kind::With => {
                self.with(node, out);
                self.unread_kids(node, out);
            }
            Kind::Match => {
                self.switch(node, out);
                self.unread_kids(node, out);
            }
            Kind::FunctionDefinition => self.function(node, &[], range(node), out),
            Kind::ClassDefinition => self.class(node, &[], range(node), out),
            Kind::DecoratedDefinition => self.decorated(node, out),
            Kind::Error => self.unread_statements(node, out),
            Kind::Block => self.block_into(node, out),
            _ => self.simple(node, out),
        }
        self.kids.truncate(mark);
        self.depth -= 1;
    }

    /// Statements on one line.
    fn simple(&mut self, node: Node<'t>, out: &mut Block) {
        let at = range(node);
        match Kind::of(node) {
            Kind::Return => {
                let value = self.first(node).map(|value| self.value(value));
                self.add(Stmt::Return(value), at, out);
            }
            Kind::Import => self.import(node, out),
            Kind::ImportFrom => self.import_from(node, out),
            Kind::Raise => self.raise(node, out),
            Kind::Assert => {
                if let Some(cond) = self.first(node) {
                    let cond = self.expr(cond);
                    self.add(Stmt::Assert(cond), at, out);
                }
            }
            Kind::Delete => {
                let mut pats = Vec::new();
                for i in self.kids(node) {
                    let kid = self.kids[i];
                    if Kind::of(kid) != Kind::ExpressionList {
                        pats.push(self.pattern(kid));
                        continue;
                    }
                    for i in self.kids(kid) {
                        pats.push(self.pattern(self.kids[i]));
                    }
                }
                self.add(Stmt::Delete(pats), at, out);
            }
            Kind::Break => self.add(Stmt::Break(1), at, out),
            Kind::Continue => self.add(Stmt::Continue(1), at, out),
            Kind::Global | Kind::Nonlocal => {
                for i in self.kids(node) {
                    let name = self.name(self.kids[i]);
                    if Kind::of(node) == Kind::Global {
                        self.declare_global(name);
                    } else {
                        self.declare_nonlocal(name);
                    }
                }
            }
            Kind::Print | Kind::Exec => self.print(node, out),
            Kind::TypeAlias => self.type_alias(node, out),
            Kind::Pass | Kind::FutureImport => (),
            kind if kind.is_expression() => {
                let value = self.expr(node);
                self.add(Stmt::Expr(value), at, out);
            }
            _ => {
                self.gap(node, Why::NotLowered(node.kind()));
                let mut inner = Block::new();
                self.block_into(node, &mut inner);
                self.add(Stmt::Gap(Why::NotLowered(node.kind()), inner), at, out);
            }
        }
    }

    /// What stands between the parts of a statement and could not be read.
    pub(super) fn unread_kids(&mut self, node: Node<'t>, out: &mut Block) {
        if !node.has_error() {
            return;
        }
        let kids = self.kids(node);
        let start = kids.start;
        for i in kids {
            if Kind::of(self.kids[i]) == Kind::Error {
                self.stmt(self.kids[i], out);
            }
        }
        self.kids.truncate(start);
    }

    /// Statements and expressions within what the parser could not read.
    pub(super) fn unread_statements(&mut self, node: Node<'t>, out: &mut Block) {
        let mut inner = Block::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            let kind = Kind::of(kid);
            let is_readable = kind.is_statement() || matches!(kind, Kind::Block | Kind::Error);
            if is_readable || (kind.is_expression() && kind != Kind::Identifier) {
                self.stmt(kid, &mut inner);
            } else if matches!(kind, Kind::Assignment | Kind::AugmentedAssignment) {
                self.assignment(kid, &mut inner);
            }
        }
        self.add(Stmt::Gap(Why::SyntaxError, inner), range(node), out);
    }

    fn expression_statement(&mut self, node: Node<'t>, out: &mut Block) {
        let kids = self.kids(node);
        let at = range(node);
        let Some(first) = self.kids[kids.clone()].first().copied() else {
            return;
        };
        if kids.len() > 1 || self.text(node).ends_with(',') {
            let mut items = Vec::with_capacity(kids.len());
            for i in kids {
                items.push(Arg { name: None, value: self.expr(self.kids[i]), spread: Spread::No });
            }
            let tuple = self.push(Expr::Seq { kind: SeqKind::Tuple, items }, at);
            return self.add(Stmt::Expr(tuple), at, out);
        }
        match Kind::of(first) {
            Kind::Assignment | Kind::AugmentedAssignment => self.assignment(first, out),
            Kind::String if !has_values(self.text(first)) => (),
            _ => {
                let value = self.expr(first);
                if !matches!(self.top.body.expr(value), Expr::Str(_)) {
                    self.add(Stmt::Expr(value), at, out);
                }
            }
        }
    }

    /// `if`, `elif` and `else`: each `elif` is an `if` in the `else` before it.
    fn branch(&mut self, node: Node<'t>, out: &mut Block) {
        let depth = self.depth;
        let mut heads: Vec<(ExprId, Block, Range)> = Vec::new();
        let mut otherwise = Block::new();
        let mut rest = Block::new();
        let end = node.end_byte();
        let kids = self.kids(node);
        let clauses: Vec<Node<'t>> = std::iter::once(node).chain(self.kids[kids].iter().copied()).collect();
        for clause in clauses {
            match Kind::of(clause) {
                Kind::If | Kind::ElifClause => {
                    self.depth = (depth + heads.len()).min(MAX_DEPTH);
                    if self.depth == MAX_DEPTH {
                        if rest.is_empty() {
                            let beyond = Range::new(clause.start_byte(), end);
                            self.gaps.push(Gap { range: beyond, why: Why::TooDeep });
                            self.add(Stmt::Gap(Why::TooDeep, Block::new()), beyond, &mut rest);
                        }
                        continue;
                    }
                    let cond = match Field::Condition.of(clause) {
                        Some(cond) => self.expr(cond),
                        None => self.gap_expr(clause, Why::SyntaxError, Vec::new()),
                    };
                    let then = self.field_block(clause, Field::Consequence);
                    heads.push((cond, then, Range::new(clause.start_byte(), end)));
                }
                Kind::ElseClause => otherwise = self.field_block(clause, Field::Body),
                Kind::Error => self.unread_statements(clause, &mut rest),
                _ => (),
            }
        }
        self.depth = depth;
        rest.append(&mut otherwise);
        for (cond, then, at) in heads.into_iter().rev() {
            let mut outer = Block::new();
            self.add(Stmt::If { cond, then, otherwise: rest }, at, &mut outer);
            rest = outer;
        }
        out.append(&mut rest);
    }

    /// The `else` of a loop or a `try`.
    fn else_block(&mut self, node: Node<'t>) -> Block {
        match Field::Alternative.of(node) {
            Some(clause) => self.field_block(clause, Field::Body),
            None => Block::new(),
        }
    }

    fn for_each(&mut self, node: Node<'t>, out: &mut Block) {
        let right = Field::Right.of(node);
        let iter = right.map(|right| self.value(right));
        let target = Field::Left.of(node).map(|left| self.pattern(left));
        let body = self.field_block(node, Field::Body);
        let otherwise = self.else_block(node);
        let header = Range::new(node.start_byte(), right.map_or(node.end_byte(), |r| r.end_byte()));
        let each = Loop {
            kind: LoopKind::Each,
            target,
            key: None,
            iter,
            before: None,
            cond: None,
            step: None,
            body,
            otherwise,
            is_async: has_token(node, "async"),
            header,
        };
        self.add(Stmt::Loop(Box::new(each)), range(node), out);
    }

    fn while_loop(&mut self, node: Node<'t>, out: &mut Block) {
        let condition = Field::Condition.of(node);
        let cond = condition.map(|cond| self.expr(cond));
        let body = self.field_block(node, Field::Body);
        let otherwise = self.else_block(node);
        let header = Range::new(node.start_byte(), condition.map_or(node.end_byte(), |c| c.end_byte()));
        let turns = Loop {
            kind: LoopKind::While,
            target: None,
            key: None,
            iter: None,
            before: None,
            cond,
            step: None,
            body,
            otherwise,
            is_async: false,
            header,
        };
        self.add(Stmt::Loop(Box::new(turns)), range(node), out);
    }

    fn raise(&mut self, node: Node<'t>, out: &mut Block) {
        let cause = Field::Cause.of(node);
        let value = self.first(node).filter(|value| Some(*value) != cause).map(|value| self.value(value));
        let cause = cause.filter(|c| !matches!(Kind::of(*c), Kind::None | Kind::Identifier)).map(|cause| self.expr(cause));
        let value = match (value, cause) {
            (Some(value), Some(cause)) => Some(self.push(Expr::Sequence(vec![cause, value]), range(node))),
            (value, None) => value,
            (None, cause) => cause,
        };
        self.add(Stmt::Raise(value), range(node), out);
    }

    /// Python 2's `print a, b` and `exec code`: calls.
    fn print(&mut self, node: Node<'t>, out: &mut Block) {
        let at = range(node);
        let name = if Kind::of(node) == Kind::Print { "print" } else { "exec" };
        let start = Range::new(node.start_byte(), node.start_byte() + name.len());
        let callee = self.read(Name::new(name), start);
        let mut args = Vec::new();
        for i in self.kids(node) {
            let mut kid = self.kids[i];
            if Kind::of(kid) == Kind::Chevron {
                let Some(inner) = self.first(kid) else {
                    continue;
                };
                kid = inner;
            }
            args.push(Arg { name: None, value: self.expr(kid), spread: Spread::No });
        }
        let call = self.push(Expr::Call { callee, args }, at);
        self.add(Stmt::Expr(call), at, out);
    }
}
