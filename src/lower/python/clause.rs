//! What do `try`, `with` and `match` run and bind?

use tree_sitter::Node;

use crate::facts::{Arg, Block, Case, Expr, Pat, SeqKind, Spread, Stmt, Why};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, has_token, range};

impl<'t> Lowering<'t> {
    pub(super) fn try_block(&mut self, node: Node<'t>, out: &mut Block) {
        let body = self.field_block(node, Field::Body);
        let mut handlers = Vec::new();
        let (mut otherwise, mut finally) = (Block::new(), Block::new());
        for i in self.kids(node) {
            let kid = self.kids[i];
            match Kind::of(kid) {
                Kind::ExceptClause => handlers.push(self.handler(kid)),
                Kind::ElseClause => otherwise = self.field_block(kid, Field::Body),
                Kind::FinallyClause => {
                    if let Some(block) = self.last_block(kid) {
                        finally = self.block(block);
                    }
                }
                Kind::Error => self.unread_statements(kid, &mut otherwise),
                _ => (),
            }
        }
        self.add(Stmt::Try { body, handlers, otherwise, finally }, range(node), out);
    }

    fn last_block(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        let kids = self.kids(node);
        let found = self.kids[kids.clone()].iter().rev().find(|n| Kind::of(**n) == Kind::Block).copied();
        self.kids.truncate(kids.start);
        found
    }

    /// `except A, except (A, B) as e`, and Python 2's `except A, e`.
    fn handler(&mut self, node: Node<'t>) -> Case {
        let mut case = Case { tests: Vec::new(), binds: Vec::new(), guard: None, body: Block::new() };
        let mut alias = Field::Alias.of(node);
        let mut values = Vec::new();
        let mut block = None;
        for i in self.kids(node) {
            let kid = self.kids[i];
            match Kind::of(kid) {
                Kind::Block => block = Some(kid),
                Kind::Error => (),
                _ if Some(kid) == alias => (),
                _ => values.push(kid),
            }
        }
        if let [_, second] = values[..]
            && Kind::of(second) == Kind::Identifier
            && self.text(second).starts_with(|c: char| c.is_lowercase() || c == '_')
        {
            alias = values.pop();
        }
        for value in values {
            let mut value = value;
            if Kind::of(value) == Kind::AsPattern {
                alias = Field::Alias.of(value);
                let Some(inner) = self.first(value) else {
                    continue;
                };
                value = inner;
            }
            if Kind::of(value) == Kind::Tuple {
                for i in self.kids(value) {
                    case.tests.push(self.expr(self.kids[i]));
                }
            } else {
                case.tests.push(self.expr(value));
            }
        }
        if let Some(alias) = alias {
            let pat = self.pattern(alias);
            if let Pat::Local(slot) = *self.top.body.pat(pat) {
                case.binds.push(slot);
            }
        }
        if let Some(block) = block {
            case.body = self.block(block);
        }
        case
    }

    pub(super) fn with(&mut self, node: Node<'t>, out: &mut Block) {
        let mut managers = Vec::new();
        for i in self.kids(node) {
            if Kind::of(self.kids[i]) != Kind::WithClause {
                continue;
            }
            for i in self.kids(self.kids[i]) {
                if let Some(value) = Field::Value.of(self.kids[i]) {
                    self.managers(value, &mut managers);
                }
            }
        }
        let mut items = Vec::with_capacity(managers.len());
        for manager in managers {
            if Kind::of(manager) != Kind::AsPattern {
                items.push((self.expr(manager), None));
                continue;
            }
            let value = self.first(manager);
            let value = match value {
                Some(value) => self.expr(value),
                None => self.gap_expr(manager, Why::SyntaxError, Vec::new()),
            };
            let target = Field::Alias.of(manager).map(|alias| self.pattern(alias));
            items.push((value, target));
        }
        let body = self.field_block(node, Field::Body);
        self.add(Stmt::With { items, body, is_async: has_token(node, "async") }, range(node), out);
    }

    /// The managers of one item: in parentheses several may have been read as a tuple.
    fn managers(&mut self, value: Node<'t>, managers: &mut Vec<Node<'t>>) {
        let kids = self.kids(value);
        let start = kids.start;
        let has_targets = self.kids[kids.clone()].iter().any(|n| Kind::of(*n) == Kind::AsPattern);
        match Kind::of(value) {
            Kind::Tuple | Kind::ParenthesizedExpression if has_targets => managers.extend(&self.kids[kids]),
            _ => managers.push(value),
        }
        self.kids.truncate(start);
    }

    pub(super) fn switch(&mut self, node: Node<'t>, out: &mut Block) {
        let body = Field::Body.of(node);
        let mut subjects = Vec::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            if Some(kid) != body && Kind::of(kid).is_expression() {
                subjects.push(Arg { name: None, value: self.expr(kid), spread: Spread::No });
            }
        }
        let subject = match subjects[..] {
            [Arg { value, .. }] => value,
            _ => self.push(Expr::Seq { kind: SeqKind::Tuple, items: subjects }, range(node)),
        };
        let mut cases = Vec::new();
        let mut stray = Block::new();
        if let Some(body) = body {
            for i in self.kids(body) {
                let kid = self.kids[i];
                if Kind::of(kid) == Kind::CaseClause {
                    let mut case = self.case_head(kid);
                    case.body = self.field_block(kid, Field::Consequence);
                    cases.push(case);
                } else {
                    self.stmt(kid, &mut stray);
                }
            }
        }
        self.add(Stmt::Switch { subject, cases }, range(node), out);
        out.append(&mut stray);
    }
}
