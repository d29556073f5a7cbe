//! What does a chain of calls, attributes and subscripts read?
//!
//! Chains are walked with loops: their length is no nesting of ours, though each link counts as one level for whoever
//! walks the facts.

use tree_sitter::Node;

use crate::facts::{Arg, Expr, ExprId, SeqKind, Spread, Why};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, range};

impl<'t> Lowering<'t> {
    /// Calls, attributes and subscripts, innermost first.
    pub(super) fn chain(&mut self, node: Node<'t>) -> ExprId {
        let mark = self.links.len();
        let depth = self.depth;
        let mut inner = node;
        loop {
            let next = match Kind::of(inner) {
                Kind::Call => Field::Function.of(inner),
                Kind::Attribute => Field::Object.of(inner),
                Kind::Subscript => Field::Value.of(inner),
                Kind::ParenthesizedExpression => {
                    let unwrapped = self.unwrap(inner);
                    if unwrapped == inner {
                        break;
                    }
                    inner = unwrapped;
                    continue;
                }
                _ => break,
            };
            let Some(next) = next else { break };
            self.links.push(inner);
            inner = next;
        }
        let room = self.room();
        let count = self.links.len() - mark;
        let (mut value, kept) = if count > room {
            let cut = self.links[mark + room];
            (self.too_deep(cut), room)
        } else {
            self.depth = depth + count;
            let value = if count == 0 { self.gap_expr(inner, Why::SyntaxError, Vec::new()) } else { self.expr(inner) };
            (value, count)
        };
        for i in (0..kept).rev() {
            self.depth = depth + i;
            let link = self.links[mark + i];
            let kids = self.kids.len();
            value = self.link(link, value);
            self.kids.truncate(kids);
        }
        self.depth = depth;
        self.links.truncate(mark);
        value
    }

    /// One link of a chain on the value of what stands before it.
    fn link(&mut self, node: Node<'t>, base: ExprId) -> ExprId {
        let expr = match Kind::of(node) {
            Kind::Call => {
                let args = Field::Arguments.of(node).map_or_else(Vec::new, |args| self.arguments(args));
                Expr::Call { callee: base, args }
            }
            Kind::Attribute => {
                let (name, end) = self.field_name(node, Field::Attribute);
                let mut whole = range(node);
                whole.end = end.end;
                return self.push(Expr::Attr { base, name, nullsafe: false }, whole);
            }
            _ => self.subscript(node, base),
        };
        self.push(expr, range(node))
    }

    /// Arguments of a call.
    pub(super) fn arguments(&mut self, node: Node<'t>) -> Vec<Arg> {
        if Kind::of(node) == Kind::GeneratorExpression {
            return vec![Arg { name: None, value: self.expr(node), spread: Spread::No }];
        }
        let kids = self.kids(node);
        let mut args = Vec::with_capacity(kids.len());
        for i in kids {
            args.push(self.argument(self.kids[i]));
        }
        args
    }

    /// An argument or an element of a container.
    pub(super) fn argument(&mut self, node: Node<'t>) -> Arg {
        let (name, value, spread) = match Kind::of(node) {
            Kind::KeywordArgument => (Some(self.field_name(node, Field::Name).0), Field::Value.of(node), Spread::No),
            Kind::ListSplat | Kind::ListSplatPattern => (None, self.first(node), Spread::Elements),
            Kind::DictionarySplat => (None, self.first(node), Spread::Keywords),
            Kind::ParenthesizedExpression | Kind::ParenthesizedListSplat => {
                let inner = self.splat_in_parentheses(node);
                if let Some(inner) = inner { (None, self.first(inner), Spread::Elements) } else { (None, Some(node), Spread::No) }
            }
            _ => (None, Some(node), Spread::No),
        };
        let value = match value {
            Some(value) => self.expr(value),
            None => self.gap_expr(node, Why::SyntaxError, Vec::new()),
        };
        Arg { name, value, spread }
    }

    fn splat_in_parentheses(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        let mut node = node;
        while matches!(Kind::of(node), Kind::ParenthesizedExpression | Kind::ParenthesizedListSplat) {
            node = self.first(node)?;
        }
        (Kind::of(node) == Kind::ListSplat).then_some(node)
    }

    fn subscript(&mut self, node: Node<'t>, base: ExprId) -> Expr {
        let kids = self.kids(node);
        let value = Field::Value.of(node);
        let first = kids.start + 1;
        match kids.end.saturating_sub(first) {
            0 => Expr::Index { base, index: None },
            1 if value == Some(self.kids[kids.start]) => {
                let index = self.kids[first];
                if Kind::of(index) == Kind::Slice {
                    let (lower, upper) = self.bounds(index);
                    return Expr::Slice { base, lower, upper };
                }
                Expr::Index { base, index: Some(self.expr(index)) }
            }
            _ => {
                let mut items = Vec::new();
                for i in first..kids.end {
                    items.push(self.argument(self.kids[i]));
                }
                let mut whole = range(node);
                whole.start = self.kids.get(first).map_or(whole.start, |n| n.start_byte() as u32);
                let index = self.push(Expr::Seq { kind: SeqKind::Tuple, items }, whole);
                Expr::Index { base, index: Some(index) }
            }
        }
    }

    fn bounds(&mut self, slice: Node<'t>) -> (Option<ExprId>, Option<ExprId>) {
        let mut colons = 0;
        let (mut lower, mut upper) = (None, None);
        for i in self.kids_and_tokens(slice) {
            let kid = self.kids[i];
            match (Kind::of(kid), colons) {
                (Kind::Token, _) => colons += usize::from(kid.kind() == ":"),
                (_, 0) => lower = Some(self.expr(kid)),
                (_, 1) => upper = Some(self.expr(kid)),
                _ => (),
            }
        }
        (lower, upper)
    }
}
