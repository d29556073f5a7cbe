//! What does a named scope do to the conditions that a query has already?

use super::Engine;
use super::value::{Data, Mark, NO_MARKS, Query, Val};
use crate::base::Name;
use crate::facts::Expr;
use crate::index::FnRef;

impl Engine<'_> {
    /// A query after a named scope: what the scope added stands in a group of its own, unless it begins with an alternative.
    ///
    /// Source: `Illuminate\\Database\\Eloquent\\Builder::callScope`, `groupWhereSliceForScope`.
    pub(super) fn grouped_by_scope(&mut self, after: Val, before: Val, f: FnRef, dialect: Name) -> Val {
        let (Data::Query(given), Data::Query(query)) = (self.data(after), self.data(before)) else { return after };
        let is_alternative = |m: &Mark| matches!(m, Mark::Or(_) | Mark::Beside(_));
        let old = self.v.marks_of(query.marks).to_vec();
        let all = self.v.marks_of(given.marks).to_vec();
        if !all.iter().any(|m| is_alternative(m) && !old.contains(m)) || self.begins_with_alternative(f, dialect) {
            return after;
        }
        let given = given.clone();
        let kept: Vec<Mark> = all.into_iter().filter(|m| !is_alternative(m) || old.contains(m)).collect();
        let marks = self.v.marked(NO_MARKS, &kept);
        self.v.of(Data::Query(Query { marks, ..given }))
    }

    /// Is the first condition that a function adds one of those that begin an alternative?
    fn begins_with_alternative(&self, f: FnRef, dialect: Name) -> bool {
        let body = &self.ix.function(f).body;
        let conditions = body.exprs.iter().filter_map(|e| {
            let Expr::Call { callee, .. } = e else { return None };
            let Expr::Attr { name, .. } = body.expr(*callee) else { return None };
            let op = self.ix.packs.op(dialect, self.names.query, *name)?;
            (op.terms || op.alternative).then_some((body.range(*callee).end, op.alternative))
        });
        conditions.min().is_some_and(|(_, alternative)| alternative)
    }
}
