//! Does a loop end after a handful of turns, whatever it runs over?

use super::value::Data;
use super::{Engine, Frame};
use crate::facts::{BinaryOp, Expr, ExprId, Loop, Pat, Slot, Stmt, StmtId};

impl<'a> Engine<'a> {
    /// Does a counter of turns end the loop at a small number: `if ($i === 3) break;`?
    pub(super) fn ends_soon(&mut self, fr: &mut Frame<'a>, l: &'a Loop) -> bool {
        let body = fr.body;
        l.body.iter().any(|s| {
            let Stmt::If { cond, then, .. } = body.stmt(*s) else { return false };
            let ends = then.last().is_some_and(|last| matches!(body.stmt(*last), Stmt::Break(_) | Stmt::Return(_)));
            if !ends {
                return false;
            }
            let Expr::Binary { op: BinaryOp::Order | BinaryOp::Equal, left, right } = body.expr(*cond) else { return false };
            let Some(slot) = counter(fr, *left) else { return false };
            let limit = match body.expr(*right) {
                Expr::Int(_) | Expr::Name(_) | Expr::Local(_) => self.expr(fr, *right),
                _ => return false,
            };
            matches!(self.data(limit), Data::Int(_)) && self.is_few(limit) && counts_turns(fr, l, slot)
        })
    }
}

/// The variable in `$i`, `++$i` or `i + 1`.
fn counter(fr: &Frame<'_>, e: ExprId) -> Option<Slot> {
    match fr.body.expr(e) {
        Expr::Local(slot) => Some(*slot),
        Expr::Augment { current, op: BinaryOp::Add, .. } => counter(fr, *current),
        Expr::Binary { op: BinaryOp::Add, left, .. } => counter(fr, *left),
        _ => None,
    }
}

/// Does a variable grow with each turn of a loop: its number in an enumeration, or counted by hand?
fn counts_turns(fr: &Frame<'_>, l: &Loop, slot: Slot) -> bool {
    let body = fr.body;
    let is_slot = |pat| matches!(body.pat(pat), Pat::Local(s) if *s == slot);
    if let Some(Pat::Seq(items)) = l.target.map(|t| body.pat(t))
        && items.first().is_some_and(|(first, _)| first.is_some_and(is_slot))
        && l.iter.is_some_and(|i| matches!(body.expr(i), Expr::Call { callee, .. } if is_enumerate(fr, *callee)))
    {
        return true;
    }
    let grows = |e: ExprId| matches!(body.expr(e), Expr::Augment { current, op: BinaryOp::Add, .. } if counter(fr, *current) == Some(slot));
    l.body.iter().any(|s: &StmtId| match body.stmt(*s) {
        Stmt::Expr(e) => grows(*e),
        Stmt::If { cond, .. } => matches!(body.expr(*cond), Expr::Binary { left, .. } if grows(*left)),
        _ => false,
    })
}

fn is_enumerate(fr: &Frame<'_>, callee: ExprId) -> bool {
    matches!(fr.body.expr(callee), Expr::Name(n) if n.as_str() == "enumerate")
}
