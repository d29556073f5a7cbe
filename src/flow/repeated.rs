//! What did an earlier loop load under a condition that holds here again?

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use super::tree::{OPEN, Tree};
use super::value::{LoopId, Src};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::ExprId;

/// So many reads of one function are told to its callers.
const MAX_READS: usize = 16;

impl Frame<'_> {
    /// Does the statement run in each turn of the innermost loop?
    pub(super) fn runs_each_turn(&self) -> bool {
        self.conditions == self.conditions_of_loops.last().copied().unwrap_or(0)
    }

    /// A relation of a row that is new in each turn of a loop is read here: is it in each of them?
    pub(super) fn always_reads(&mut self, id: LoopId, src: Src, name: Name) {
        if !self.runs_each_turn() {
            return;
        }
        if self.loops.last() == Some(&id) {
            self.read_each.push((id, src, name, OPEN));
        } else if self.turning == 0 && self.loops.is_empty() && self.ret.is_none() && self.reads_given.len() < MAX_READS {
            self.reads_given.push((id, src, name));
        }
    }
}

impl<'a> Engine<'a> {
    /// Rows have this loaded from here on: for good, or, inside a condition, as long as it holds.
    pub(super) fn loaded_here(&mut self, fr: &mut Frame<'a>, src: Src, tree: Tree) {
        let told = fr.loads.len();
        self.mark_loaded(fr, src, tree);
        if fr.conditions > 0 {
            // Callers know nothing of the condition.
            fr.loads.truncate(told);
            if fr.holding.len() == fr.conditions {
                let holding = fr.holding.clone();
                fr.loaded_under.push((holding, src, tree));
            }
        }
    }

    /// A condition begins to hold: what was loaded under it and those around it is there.
    pub(super) fn begin_holding(&mut self, fr: &mut Frame<'a>, cond: ExprId) {
        let range = fr.body.range(cond);
        let text = self.ix.sources.file(fr.file).text.get(range.start as usize..range.end as usize).unwrap_or_default();
        fr.holding.push(FxBuildHasher.hash_one(text.trim()));
        let told = fr.loads.len();
        for i in 0..fr.loaded_under.len() {
            let (under, src, tree) = fr.loaded_under[i].clone();
            if under.iter().all(|c| fr.holding.contains(c)) {
                self.mark_loaded(fr, src, tree);
            }
        }
        fr.loads.truncate(told);
    }
}
