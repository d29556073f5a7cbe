//! What do container literals and comprehensions hold?

use tree_sitter::Node;

use crate::facts::{Arg, Clause, CompKind, Expr, ExprId, Pat, SeqKind, Spread, Why};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, has_token, range};

impl<'t> Lowering<'t> {
    pub(super) fn sequence(&mut self, node: Node<'t>) -> ExprId {
        let kind = match Kind::of(node) {
            Kind::List => SeqKind::List,
            Kind::Set => SeqKind::Set,
            _ => SeqKind::Tuple,
        };
        let kids = self.kids(node);
        let mut items = Vec::with_capacity(kids.len());
        for i in kids {
            items.push(self.argument(self.kids[i]));
        }
        self.push(Expr::Seq { kind, items }, range(node))
    }

    pub(super) fn dictionary(&mut self, node: Node<'t>) -> ExprId {
        let kids = self.kids(node);
        let mut entries = Vec::with_capacity(kids.len());
        for i in kids {
            let kid = self.kids[i];
            if Kind::of(kid) == Kind::Pair {
                let key = self.field(kid, Field::Key);
                let value = self.field(kid, Field::Value);
                entries.push((Some(key), Arg { name: None, value, spread: Spread::No }));
            } else {
                entries.push((None, self.argument(kid)));
            }
        }
        self.push(Expr::Map(entries), range(node))
    }

    /// The targets are fresh locals that only the comprehension sees.
    pub(super) fn comprehension(&mut self, node: Node<'t>, kind: CompKind) -> ExprId {
        let mark = self.comprehension_mark();
        let mut clauses: Vec<Clause> = Vec::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            match Kind::of(kid) {
                Kind::ForInClause => clauses.push(self.clause(kid)),
                Kind::IfClause => {
                    let Some(cond) = self.first(kid) else {
                        continue;
                    };
                    let cond = self.expr(cond);
                    if let Some(clause) = clauses.last_mut() {
                        clause.conditions.push(cond);
                        clause.range.end = kid.end_byte() as u32;
                    }
                }
                _ => (),
            }
        }
        let (mut key, mut element) = (None, None);
        if let Some(body) = Field::Body.of(node) {
            if Kind::of(body) == Kind::Pair {
                key = Some(self.field(body, Field::Key));
                element = Some(self.field(body, Field::Value));
            } else {
                element = Some(self.expr(body));
            }
        }
        self.end_comprehension(mark);
        let element = element.unwrap_or_else(|| self.gap_expr(node, Why::SyntaxError, Vec::new()));
        self.push(Expr::Comprehension { kind, element, key, clauses }, range(node))
    }

    fn clause(&mut self, node: Node<'t>) -> Clause {
        let left = Field::Left.of(node);
        let mut sources = Vec::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            if Some(kid) != left {
                sources.push(self.argument(kid));
            }
        }
        let iter = match sources[..] {
            [Arg { value, spread: Spread::No, .. }] => value,
            _ => self.push(Expr::Seq { kind: SeqKind::Tuple, items: sources }, range(node)),
        };
        let nested = std::mem::replace(&mut self.top.binds_comprehension, true);
        let target = match left {
            Some(left) => self.pattern(left),
            None => self.top.body.push_pat(Pat::Other(iter)),
        };
        self.top.binds_comprehension = nested;
        Clause { target, iter, conditions: Vec::new(), is_async: has_token(node, "async"), range: range(node) }
    }
}
