//! Which place does an assignment set, and to what?

use tree_sitter::Node;

use crate::base::Range;
use crate::facts::{Block, Expr, ExprId, MAX_DEPTH, Pat, PatId, Stmt, Why};
use crate::syntax::python::{Field, Kind};

use super::expr::binary;
use super::{Lowering, range, types};

impl<'t> Lowering<'t> {
    /// `a = b = value`, `a: T = value`, `a: T`, `a += value`.
    pub(super) fn assignment(&mut self, node: Node<'t>, out: &mut Block) {
        let at = range(node);
        if Kind::of(node) == Kind::Assignment && Field::Right.of(node).is_none() {
            return self.declaration(node, out);
        }
        let value = self.assignment_value(node);
        self.add(Stmt::Expr(value), at, out);
        let (Some(target), Some(ty)) = (Field::Left.of(node), Field::Type.of(node)) else {
            return;
        };
        let Expr::Assign { target: pat, .. } = *self.top.body.expr(value) else {
            return;
        };
        self.declare_target(pat, target, ty, out);
    }

    /// `a: T` without value.
    fn declaration(&mut self, node: Node<'t>, out: &mut Block) {
        let (Some(target), Some(ty)) = (Field::Left.of(node), Field::Type.of(node)) else {
            return;
        };
        let pat = self.pattern(target);
        let declared = types::parse(self.text(ty));
        self.attribute(target, None, Some(declared));
        self.declare_target(pat, target, ty, out);
    }

    fn declare_target(&mut self, pat: PatId, target: Node<'t>, ty: Node<'t>, out: &mut Block) {
        let declared = types::parse(self.text(ty));
        let pat = self.top.body.pat(pat).clone();
        if let Pat::Local(slot) = pat {
            self.add(Stmt::Declare { slot, ty: declared }, Range::new(target.start_byte(), ty.end_byte()), out);
        } else {
            self.receiver_attribute(&pat, target, declared);
        }
    }

    /// An assignment as an expression. Targets of a chain are nested from the right.
    pub(super) fn assignment_value(&mut self, node: Node<'t>) -> ExprId {
        if Kind::of(node) == Kind::AugmentedAssignment {
            return self.augmented(node);
        }
        let mark = self.links.len();
        let mut inner = node;
        let right = loop {
            self.links.push(inner);
            match Field::Right.of(inner) {
                Some(next) if Kind::of(next) == Kind::Assignment => inner = next,
                right => break right,
            }
        };
        let room = self.room();
        let depth = self.depth;
        let count = self.links.len() - mark;
        self.depth = (depth + count).min(MAX_DEPTH);
        let value = match right {
            Some(right) => self.value(right),
            None => self.gap_expr(node, Why::SyntaxError, Vec::new()),
        };
        self.depth = depth;
        if count > room {
            self.gap(self.links[mark + room], Why::TooDeep);
        }
        let mut nested = value;
        for i in (0..count).rev() {
            let link = self.links[mark + i];
            let Some(target) = Field::Left.of(link) else {
                continue;
            };
            if i >= room {
                continue;
            }
            let pat = self.pattern(target);
            nested = self.push(Expr::Assign { target: pat, value: nested }, range(link));
        }
        for i in 0..count.min(room) {
            let link = self.links[mark + i];
            if let Some(target) = Field::Left.of(link) {
                let ty = Field::Type.of(link).map(|ty| types::parse(self.text(ty)));
                self.attribute(target, Some(value), ty);
            }
        }
        self.links.truncate(mark);
        nested
    }

    fn augmented(&mut self, node: Node<'t>) -> ExprId {
        let (Some(left), Some(right)) = (Field::Left.of(node), Field::Right.of(node)) else {
            return self.gap_expr(node, Why::SyntaxError, Vec::new());
        };
        let mut left = left;
        while Kind::of(left) == Kind::TuplePattern {
            let Some(inner) = self.first(left) else { break };
            left = inner;
        }
        let op = Field::Operator.of(node).map_or("", |op| op.kind());
        let (current, target) = if Kind::of(left) == Kind::Identifier {
            let target = self.pattern(left);
            (self.expr(left), target)
        } else {
            let current = self.expr(left);
            let pat = self.pattern_from(current);
            (current, self.top.body.push_pat(pat))
        };
        let value = self.value(right);
        self.push(Expr::Augment { target, op: binary(op), current, value }, range(node))
    }

    /// `type X = T`.
    pub(super) fn type_alias(&mut self, node: Node<'t>, out: &mut Block) {
        let (Some(left), Some(right)) = (Field::Left.of(node), Field::Right.of(node)) else {
            return;
        };
        let mut name = left;
        while matches!(Kind::of(name), Kind::Type | Kind::GenericType) {
            match self.first(name) {
                Some(inner) => name = inner,
                None => break,
            }
        }
        let value = self.expr(right);
        let target = self.pattern(name);
        let assign = self.push(Expr::Assign { target, value }, range(node));
        self.add(Stmt::Expr(assign), range(node), out);
    }
}
