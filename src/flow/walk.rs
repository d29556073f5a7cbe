//! Does a loop follow a relation from row to row of one model, such as a tree upwards? Each turn then sends a query.

use super::value::{Data, LoopId, Val};
use super::{Engine, Frame, What};
use crate::base::Name;
use crate::facts::{Expr, ExprId, Loop, Pat, Slot, Stmt, StmtId};
use crate::index::Access;

/// Statements nest at most this deep.
const MAX_DEPTH: usize = 6;

/// A variable that goes on to the row behind a relation of the row that it holds.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    slot: Slot,
    relation: Name,
    id: LoopId,
}

impl<'a> Engine<'a> {
    /// Begins a loop that may walk: the row in the variable is another one in each turn.
    pub(super) fn begin_walk(&mut self, fr: &mut Frame<'a>, l: &'a Loop) -> Option<Walk> {
        let mut found = Vec::new();
        if let Some(cond) = l.cond {
            steps_in(fr, cond, &mut found);
        }
        for s in &l.body {
            steps_below(fr, *s, &mut found, 0);
        }
        for (slot, relation) in found {
            let val = fr.locals[slot.0 as usize];
            let is_walk = self.v.alternatives(val).iter().any(|v| match self.data(*v) {
                Data::Row(row) => self
                    .relation(row.model, relation)
                    .is_some_and(|r| !r.many && r.access == Access::Rows && r.target == Some(row.model)),
                _ => false,
            });
            if is_walk {
                let id = self.enter_loop(fr, l.header);
                let walk = Walk { slot, relation, id };
                self.walks.push(id);
                self.walk_on(fr, walk);
                return Some(walk);
            }
        }
        None
    }

    /// The next turn: whatever row the variable holds now, it is new.
    pub(super) fn walk_on(&mut self, fr: &mut Frame<'a>, walk: Walk) {
        let val: Val = fr.locals[walk.slot.0 as usize];
        fr.locals[walk.slot.0 as usize] = self.v.renew(val, walk.id);
    }

    /// Nothing but the step itself is paid per turn.
    pub(super) fn end_walk(&mut self, fr: &mut Frame<'a>, walk: Walk, mark: usize) {
        fr.loops.pop();
        self.walks.retain(|id| *id != walk.id);
        for event in fr.buffer.iter_mut().skip(mark) {
            let is_step =
                matches!(event.what, What::Read { relation, .. } if relation == walk.relation) && event.needs == walk.id;
            if !is_step {
                event.loops.retain(|l| *l != walk.id);
            }
        }
    }
}

fn steps_below(fr: &Frame<'_>, s: StmtId, found: &mut Vec<(Slot, Name)>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match fr.body.stmt(s) {
        Stmt::Expr(e) => steps_in(fr, *e, found),
        Stmt::If { then, otherwise, .. } => then.iter().chain(otherwise).for_each(|s| steps_below(fr, *s, found, depth + 1)),
        Stmt::Try { body, .. } => body.iter().for_each(|s| steps_below(fr, *s, found, depth + 1)),
        _ => (),
    }
}

/// `$row = $row->parent`
fn steps_in(fr: &Frame<'_>, e: ExprId, found: &mut Vec<(Slot, Name)>) {
    let Expr::Assign { target, value } = fr.body.expr(e) else { return };
    let Pat::Local(slot) = fr.body.pat(*target) else { return };
    let mut value = *value;
    while let Expr::Same(inner) | Expr::Coalesce(inner, _) = fr.body.expr(value) {
        value = *inner;
    }
    if let Expr::Attr { base, name, .. } = fr.body.expr(value)
        && *fr.body.expr(*base) == Expr::Local(*slot)
    {
        found.push((*slot, *name));
    }
}
