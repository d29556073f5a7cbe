//! Which rows does code pick anew in each turn of a loop, though no loop gives them?

use super::value::{Data, ManyKind, Val};
use super::{Engine, Frame};
use crate::facts::{Expr, ExprId};

impl<'a> Engine<'a> {
    /// What a loop's own variable picks out of many is another row in each turn: `members[user.id]`.
    pub(super) fn by_turn(&mut self, fr: &Frame<'a>, object: Val, key: ExprId, val: Val) -> Val {
        // What an earlier loop put there was new in each of its turns, not in those of this one.
        let is_one_row = |e: &Self, v: Val| matches!(e.data(v), Data::Row(row) if !fr.loops.contains(&row.renewed_by));
        let is_one_row = self.v.alternatives(val).into_iter().any(|v| is_one_row(self, v));
        let is_many = match self.data(object) {
            Data::Many(_, kind) => *kind == ManyKind::Held,
            Data::Record(keys, rest) => keys.is_empty() && rest.is_some(),
            _ => false,
        };
        if !is_one_row || !is_many {
            return val;
        }
        let body = fr.body;
        let mut at = key;
        let slot = loop {
            match body.expr(at) {
                Expr::Local(slot) => break *slot,
                Expr::Attr { base, .. } | Expr::Index { base, .. } => at = *base,
                _ => return val,
            }
        };
        let turns = fr.turns.iter().rev().find(|(_, pats)| pats.iter().flatten().any(|p| super::owned::binds(body, *p, slot, 0)));
        match turns {
            Some((id, _)) => self.v.renew(val, *id),
            None => val,
        }
    }
}
