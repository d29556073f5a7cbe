//! What is handed over to run later, and not in the loops around the call?

use super::call::Args;
use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::packs::ArgRef;

impl<'a> Engine<'a> {
    /// Does a function keep the closure that it is given, to run it when nothing around the call runs any more?
    pub(super) fn is_deferring(&self, name: Name) -> bool {
        self.ix.packs.roles(name).iter().any(|r| r.as_str() == "deferring")
    }

    /// Calls a function that is handed over with its arguments to run after the answer: a coroutine function on the event loop,
    /// a plain one in a thread.
    pub(super) fn run_after(&mut self, fr: &mut Frame<'a>, given: ArgRef, args: &Args, range: Range) -> Val {
        let Some(target) = args.get(given) else { return UNKNOWN };
        let mut rest = args.clone();
        let is_placed = given.index.is_some_and(|i| rest.positional.get(i) == Some(&target));
        if let (true, Some(i)) = (is_placed, given.index) {
            rest.positional.drain(..=i);
            rest.ranges.drain(..=i.min(rest.ranges.len().saturating_sub(1)));
            rest.variables.clear();
        }
        rest.named.retain(|(name, _)| Some(*name) != given.name);
        let function = match *self.data(target) {
            Data::Function(f) | Data::Closure(f, ..) => Some(f),
            Data::Method(recv, name) => match *self.data(recv) {
                Data::Object { class, .. } | Data::Class(class) => self.ix.find_method(class, name).map(|(_, f)| f),
                _ => None,
            },
            _ => None,
        };
        let mark = fr.buffer.len();
        self.call_value(fr, target, rest, range);
        if !function.is_some_and(|f| self.ix.function(f).is_async) {
            fr.forget_blocking(mark);
        }
        UNKNOWN
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
