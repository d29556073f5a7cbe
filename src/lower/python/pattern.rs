//! What does an assignment, a loop, a `with` or a `case` bind?

use tree_sitter::Node;

use crate::facts::{Case, Expr, ExprId, MAX_DEPTH, Pat, PatId, Slot, Why};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, range};

impl<'t> Lowering<'t> {
    /// An assignment target, written as a pattern or as an expression.
    pub(super) fn pattern(&mut self, node: Node<'t>) -> PatId {
        if self.depth >= MAX_DEPTH {
            let gap = self.too_deep(node);
            return self.top.body.push_pat(Pat::Other(gap));
        }
        self.depth += 1;
        let mark = self.kids.len();
        let pat = self.pattern_of(node);
        self.kids.truncate(mark);
        self.depth -= 1;
        pat
    }

    fn pattern_of(&mut self, node: Node<'t>) -> PatId {
        let pat = match Kind::of(node) {
            Kind::Identifier if !node.is_missing() => {
                let name = self.name(node);
                match self.bind(name) {
                    Some(slot) => Pat::Local(slot),
                    None => Pat::Global(name),
                }
            }
            Kind::TuplePattern | Kind::ListPattern | Kind::PatternList | Kind::Tuple | Kind::List | Kind::ExpressionList => {
                let kids = self.kids(node);
                if Kind::of(node) == Kind::TuplePattern && kids.len() == 1 && !self.text(node).contains(',') {
                    return self.pattern(self.kids[kids.start]);
                }
                let mut items = Vec::with_capacity(kids.len());
                for i in kids {
                    let kid = self.kids[i];
                    items.push(match Kind::of(kid) {
                        Kind::ListSplatPattern | Kind::ListSplat => (self.first(kid).map(|inner| self.pattern(inner)), true),
                        Kind::Error => continue,
                        _ => (Some(self.pattern(kid)), false),
                    });
                }
                Pat::Seq(items)
            }
            Kind::ListSplatPattern | Kind::ListSplat => {
                let inner = self.first(node).map(|inner| self.pattern(inner));
                Pat::Seq(vec![(inner, true)])
            }
            Kind::ParenthesizedExpression | Kind::AsPatternTarget => match self.first(node) {
                Some(inner) => return self.pattern(inner),
                None => Pat::Other(self.gap_expr(node, Why::SyntaxError, Vec::new())),
            },
            _ => {
                let read = self.expr(node);
                self.pattern_from(read)
            }
        };
        self.top.body.push_pat(pat)
    }

    /// The place that an expression reads.
    pub(super) fn pattern_from(&self, read: ExprId) -> Pat {
        match self.top.body.expr(read) {
            Expr::Attr { base, name, .. } => Pat::Attr { base: *base, name: *name },
            Expr::Index { base, index } => Pat::Index { base: *base, index: *index },
            _ => Pat::Other(read),
        }
    }

    /// One `case`, its body left empty.
    pub(super) fn case_head(&mut self, node: Node<'t>) -> Case {
        let mut patterns = Vec::new();
        for i in self.kids(node) {
            if Kind::of(self.kids[i]) == Kind::CasePattern {
                patterns.push(self.kids[i]);
            }
        }
        let mut tests = Vec::new();
        if let [only] = patterns[..] {
            self.case_tests(only, &mut tests);
        } else if let Some(first) = patterns.first() {
            tests.push(self.push(Expr::Literal, range(*first)));
        }
        let binds = self.case_binds(patterns);
        let guard = Field::Guard.of(node).and_then(|guard| self.first(guard)).map(|cond| self.expr(cond));
        Case { tests, binds, guard, body: Vec::new() }
    }

    /// The values and classes that a pattern compares with; what compares a structure is an opaque value.
    fn case_tests(&mut self, pattern: Node<'t>, tests: &mut Vec<ExprId>) {
        let mut work = vec![pattern];
        while let Some(node) = work.pop() {
            let mark = self.kids.len();
            match Kind::of(node) {
                Kind::CasePattern | Kind::AsPattern => work.extend(self.first(node)),
                Kind::TuplePattern if self.kids(node).len() == 1 && !self.text(node).contains(',') => {
                    work.extend(self.first(node));
                }
                Kind::UnionPattern => {
                    let kids = self.kids(node);
                    work.extend(self.kids[kids].iter().rev());
                }
                Kind::ClassPattern => {
                    if let Some(class) = self.first(node) {
                        tests.push(self.dotted_read(class));
                    }
                }
                Kind::DottedName => {
                    if self.text(node).contains('.') {
                        tests.push(self.dotted_read(node));
                    }
                }
                Kind::Error => (),
                kind if kind.is_expression() => tests.push(self.expr(node)),
                _ => tests.push(self.push(Expr::Literal, range(node))),
            }
            self.kids.truncate(mark);
        }
    }

    fn case_binds(&mut self, patterns: Vec<Node<'t>>) -> Vec<Slot> {
        let mut binds = Vec::new();
        let mut work = patterns;
        work.reverse();
        while let Some(node) = work.pop() {
            let kids = self.kids(node);
            let start = kids.start;
            match Kind::of(node) {
                Kind::ClassPattern | Kind::KeywordPattern => work.extend(self.kids[kids].iter().skip(1).rev()),
                Kind::CasePattern
                | Kind::AsPattern
                | Kind::UnionPattern
                | Kind::ListPattern
                | Kind::TuplePattern
                | Kind::DictPattern
                | Kind::SplatPattern => work.extend(self.kids[kids].iter().rev()),
                Kind::DottedName if kids.len() == 1 => binds.extend(self.bind(self.name(node))),
                Kind::Identifier => binds.extend(self.bind(self.name(node))),
                _ => (),
            }
            self.kids.truncate(start);
        }
        binds
    }

    /// `a.b.c` where the grammar has a dotted name: a read of `a`, then attributes.
    fn dotted_read(&mut self, node: Node<'t>) -> ExprId {
        let kids = self.kids(node);
        let Some(first) = self.kids[kids.clone()].first().copied() else {
            return self.expr(node);
        };
        let mut read = self.read(self.name(first), range(first));
        let room = self.room();
        for i in kids.skip(1).take(room) {
            let part = self.kids[i];
            let name = self.name(part);
            let mut whole = range(part);
            whole.start = first.start_byte() as u32;
            read = self.push(Expr::Attr { base: read, name, nullsafe: false }, whole);
        }
        read
    }
}
