//! Which events since a mark are not paid after all: what a cache holds, what another thread waits for?

use super::value::LoopId;
use super::{Event, Frame, What, is_met};

impl Frame<'_> {
    /// Drops the events of a sort that were noted since a mark.
    fn forget(&mut self, mark: usize, is_it: impl Fn(&Event) -> bool) {
        let mut i = 0;
        self.buffer.retain(|event| {
            i += 1;
            i <= mark || !is_it(event)
        });
    }

    /// What blocks elsewhere blocks nobody here.
    pub(super) fn forget_blocking(&mut self, mark: usize) {
        self.forget(mark, |e| matches!(e.what, What::Block { .. }));
    }

    /// Statements are not paid per turn of the loops around this place after all; those of loops further in are.
    pub(super) fn forget_statements(&mut self, mark: usize) {
        let around = self.loops.clone();
        let mut i = 0;
        self.buffer.retain_mut(|event| {
            i += 1;
            i <= mark || !matches!(event.what, What::Statement { .. }) || is_of_inner_loop(event, &around)
        });
    }

    /// Objects are not made per turn after all.
    pub(super) fn forget_made(&mut self, mark: usize) {
        self.forget(mark, |e| matches!(e.what, What::Construct { .. }));
    }

    /// The same, with what blocks while they are made.
    pub(super) fn forget_constructions(&mut self, mark: usize) {
        self.forget(mark, |e| matches!(e.what, What::Construct { .. } | What::Block { .. }));
    }

    /// Whatever was asked is asked once for all turns of the loops around it.
    pub(super) fn forget_queries(&mut self, mark: usize) {
        self.forget(mark, |e| matches!(e.what, What::Read { .. } | What::Column { .. } | What::Statement { .. }));
    }

    /// What a cache holds is asked, read and made once per key; loops inside stay what they are for reads.
    pub(super) fn forget_cached(&mut self, mark: usize) {
        self.forget(mark, |e| match e.what {
            What::Read { .. } | What::Column { .. } => !is_met(e),
            What::Statement { .. } | What::Construct { .. } | What::Block { .. } => true,
            What::Open { .. } => false,
        });
    }
}

/// Is an event paid per turn of a loop that none of these is? Then it is paid for that alone.
pub(super) fn is_of_inner_loop(event: &mut Event, around: &[LoopId]) -> bool {
    let is_inner = event.loops.iter().any(|l| !around.contains(l));
    if is_inner {
        event.loops.retain(|l| !around.contains(l));
    }
    is_inner
}
