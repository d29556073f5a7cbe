//! Where does an assignment, a loop or a destructuring put its values?

use tree_sitter::Node;

use super::Lowering;
use crate::base::Name;
use crate::facts::{Expr, ExprId, Pat, PatId, Why};
use crate::syntax::php::{self, Field, Kind};

impl<'t> Lowering<'t> {
    /// A place that is assigned to.
    pub(super) fn pat(&mut self, node: Node<'t>) -> PatId {
        if self.is_too_deep() {
            let gap = self.gap(node, Why::TooDeep, Vec::new());
            return self.frame.body.push_pat(Pat::Other(gap));
        }
        self.depth += 1;
        let pat = self.pat_of(node);
        self.depth -= 1;
        pat
    }

    fn pat_of(&mut self, node: Node<'t>) -> PatId {
        let pat = match php::kind(node) {
            Kind::ByRef | Kind::ParenthesizedExpression => match self.first(node) {
                Some(inner) => return self.pat(inner),
                None => Pat::Other(self.gap(node, Why::SyntaxError, Vec::new())),
            },
            Kind::VariableName => self.variable_pat(node),
            Kind::ListLiteral | Kind::ArrayCreationExpression => self.destructuring(node),
            Kind::SubscriptExpression => {
                let parts = self.named(node);
                match parts.first() {
                    Some(base) => {
                        let base = self.expr(*base);
                        let index = parts.get(1).map(|index| self.expr(*index));
                        Pat::Index { base, index }
                    }
                    None => Pat::Other(self.expr(node)),
                }
            }
            Kind::MemberAccessExpression => self.member_pat(node, Field::Object),
            Kind::ScopedPropertyAccessExpression => self.member_pat(node, Field::Scope),
            _ => Pat::Other(self.expr(node)),
        };
        self.frame.body.push_pat(pat)
    }

    fn variable_pat(&mut self, node: Node<'t>) -> Pat {
        let name = self.variable_text(node);
        if name == "this" || name.is_empty() {
            return Pat::Other(self.expr(node));
        }
        if self.frame.is_global(name) {
            return Pat::Global(Name::new(self.text_of(node)));
        }
        Pat::Local(self.slot(name))
    }

    fn member_pat(&mut self, node: Node<'t>, base: Field) -> Pat {
        let (Some(object), Some(name)) = (php::field(node, base), php::field(node, Field::Name)) else {
            return Pat::Other(self.expr(node));
        };
        let name = match (base, php::kind(name)) {
            (Field::Scope, Kind::VariableName) => self.variable_text(name),
            (Field::Object, Kind::Name) => self.text_of(name),
            _ => return Pat::Other(self.expr(node)),
        };
        let base = match base {
            Field::Scope => self.class_or_expr(object),
            _ => self.expr(object),
        };
        Pat::Attr { base, name: Name::new(name) }
    }

    /// `[$a, , $b]`, `list('k' => $a)`, also where the grammar sees an array.
    fn destructuring(&mut self, node: Node<'t>) -> Pat {
        let mut by_place: Vec<(Option<PatId>, bool)> = Vec::new();
        let mut by_key = Vec::new();
        let mut before_comma: Option<PatId> = None;
        let mut pending: Option<Node<'t>> = None;
        let mut key: Option<ExprId> = None;
        for token in self.tokens(node) {
            match php::kind(token) {
                Kind::Token => match self.text_of(token) {
                    "=>" => key = pending.take().map(|n| self.expr(n)),
                    "," | "]" | ")" => {
                        if let Some(value) = pending.take() {
                            let pat = self.element_pat(value, &mut key);
                            match key.take() {
                                Some(key) => by_key.push((key, pat)),
                                None => before_comma = Some(pat),
                            }
                        }
                        let is_end = self.text_of(token) != ",";
                        if before_comma.is_some() || !is_end {
                            by_place.push((before_comma.take(), false));
                        }
                    }
                    _ => (),
                },
                _ => pending = Some(token),
            }
        }
        if by_key.is_empty() { Pat::Seq(by_place) } else { Pat::Keyed(by_key) }
    }

    /// An element; one of an array literal may bring its key along.
    fn element_pat(&mut self, node: Node<'t>, key: &mut Option<ExprId>) -> PatId {
        if php::kind(node) != Kind::ArrayElementInitializer {
            return self.pat(node);
        }
        let parts = self.named(node);
        match parts.as_slice() {
            [value] => self.pat(*value),
            [written, value, ..] => {
                *key = Some(self.expr(*written));
                self.pat(*value)
            }
            [] => {
                let gap = self.gap(node, Why::SyntaxError, Vec::new());
                self.frame.body.push_pat(Pat::Other(gap))
            }
        }
    }

    /// The place that an expression reads, for operators that read and write it.
    pub(super) fn pat_of_expr(&mut self, expr: ExprId) -> PatId {
        let pat = match self.frame.body.expr(expr) {
            Expr::Local(slot) => Pat::Local(*slot),
            Expr::Name(name) if name.as_str().starts_with('$') => Pat::Global(*name),
            Expr::Attr { base, name, .. } => Pat::Attr { base: *base, name: *name },
            Expr::Index { base, index } => Pat::Index { base: *base, index: *index },
            _ => Pat::Other(expr),
        };
        self.frame.body.push_pat(pat)
    }
}
