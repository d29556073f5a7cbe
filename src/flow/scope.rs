//! What does a named scope do to the conditions that a query has already?

use super::Engine;
use super::value::{Data, Mark, NO_MARKS, Query, Val};
use crate::base::{Name, Range, Span};
use crate::facts::{Expr, ExprId, Stmt};
use crate::index::FnRef;

impl Engine<'_> {
    /// A query after a named scope: what the scope added stands in a group of its own, unless it begins with an alternative.
    ///
    /// Source: `Illuminate\Database\Eloquent\Builder::callScope`, `groupWhereSliceForScope`.
    pub(super) fn grouped_by_scope(&mut self, after: Val, before: Val, f: FnRef, dialect: Name) -> Val {
        let (Data::Query(given), Data::Query(query)) = (self.data(after), self.data(before)) else { return after };
        let old = self.v.marks_of(query.marks).to_vec();
        let all = self.v.marks_of(given.marks).to_vec();
        let added = |m: &&Mark| !old.contains(m);
        let follows = |m: &Mark| match m {
            Mark::Or(at) => self.follows_condition(f, *at, dialect),
            _ => true,
        };
        let is_any = all.iter().filter(added).any(|m| matches!(m, Mark::Or(_)));
        if !is_any || !all.iter().filter(added).all(follows) {
            return after;
        }
        let given = given.clone();
        let kept: Vec<Mark> =
            all.into_iter().filter(|m| old.contains(m) || !matches!(m, Mark::Or(_) | Mark::Beside(_))).collect();
        let marks = self.v.marked(NO_MARKS, &kept);
        self.v.of(Data::Query(Query { marks, ..given }))
    }

    /// Does a condition that is no alternative surely come before an alternative of a scope: in the same chain of calls, or in a
    /// statement that always runs?
    fn follows_condition(&self, f: FnRef, at: Span, dialect: Name) -> bool {
        let body = &self.ix.function(f).body;
        let is_plain =
            |name: Name| self.ix.packs.op(dialect, self.names.query, name).is_some_and(|op| op.terms && !op.alternative);
        let called = |e: ExprId| match body.expr(e) {
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => Some((*base, *name, body.range(*callee).end)),
                _ => None,
            },
            _ => None,
        };
        let calls = (0..body.exprs.len() as u32).map(ExprId);
        let here = calls.clone().find(|e| at.file == f.file && called(*e).is_some_and(|(_, _, end)| end == at.range.end));
        let mut link = here.and_then(called).map(|(base, ..)| base);
        while let Some(e) = link {
            match called(e) {
                Some((_, name, _)) if is_plain(name) => return true,
                Some((base, ..)) => link = Some(base),
                None => break,
            }
        }
        let before = here.map_or(u32::MAX, |e| body.range(e).start);
        let always = body.root.iter().filter(|s| matches!(body.stmt(**s), Stmt::Expr(_) | Stmt::Return(_)));
        let always: Vec<Range> = always.map(|s| body.stmt_ranges[s.0 as usize]).filter(|at| at.end <= before).collect();
        calls
            .into_iter()
            .any(|e| called(e).is_some_and(|(_, name, _)| is_plain(name)) && always.iter().any(|at| at.contains(body.range(e))))
    }
}
