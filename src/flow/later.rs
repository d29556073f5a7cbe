//! What is handed over to run later, and not in the loops around the call?

use super::call::Args;
use super::{Engine, Frame};
use crate::base::{Name, Range};

impl<'a> Engine<'a> {
    /// Does a function keep the closure that it is given, to run it when nothing around the call runs any more?
    pub(super) fn is_deferring(&self, name: Name) -> bool {
        self.ix.packs.roles(name).iter().any(|r| r.as_str() == "deferring")
    }

    /// Evaluates closures that run later: what they do costs only what their own loops make of it.
    pub(super) fn run_later(&mut self, fr: &mut Frame<'a>, args: &Args, range: Range) {
        let loops = std::mem::take(&mut fr.loops);
        let mark = fr.buffer.len();
        self.run_callbacks(fr, args, range);
        fr.buffer.truncate(mark);
        fr.loops = loops;
    }
}
