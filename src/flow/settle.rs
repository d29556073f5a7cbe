//! What becomes of objects that are made and of calls that wait: are they paid here, by the callers, or by nobody?

use super::entry::{Entry, EntryKind};
use super::value::{Data, Val};
use super::{Engine, Event, Frame, What};
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId, FnKind, Language};
use crate::index::FnRef;
use crate::source::Origin;

/// Method by which a value that leaves the event loop's thread is called; no program can spell it.
const OFFLOADED: &str = "<in another thread>";

impl<'a> Engine<'a> {
    /// What becomes of a construction that a frame saw: a fault here, something for the callers, or nothing.
    pub(super) fn settle_construction(&mut self, fr: &Frame<'a>, mut event: Event, pending: &mut Vec<Event>) {
        let f = fr.f;
        let origin = self.ix.sources.file(f.file).origin;
        if matches!(origin, Origin::Test | Origin::Migration) || self.is_kept_result(f) {
            return;
        }
        let python = fr.language == Language::Python;
        if python && origin == Origin::Script {
            return;
        }
        // Kept by its object, which does not live longer than a request.
        if self.marks(f).is_once && !fr.decl.is_async && self.takes_receiver(f) && !fr.decl.is_classmethod {
            event.by_object = true;
            event.loops.clear();
        }
        let at_import = python && matches!(fr.decl.kind, FnKind::File | FnKind::ClassBody);
        if at_import {
            return;
        }
        let in_loop = !event.loops.is_empty();
        let entry = self.entry_of(f);
        match entry {
            Some(Entry { kind: EntryKind::Request | EntryKind::Task, .. }) => {
                event.entry = Some(f);
                self.confirm(event);
            }
            Some(_) if in_loop => {
                event.entry = Some(f);
                self.confirm(event);
            }
            Some(_) => (),
            None if in_loop && fr.loops.is_empty() => self.confirm(event),
            None => pending.push(event),
        }
    }

    /// What becomes of a blocking call that a frame saw.
    pub(super) fn settle_blocking(&mut self, fr: &Frame<'a>, mut event: Event, pending: &mut Vec<Event>) {
        if !fr.decl.is_async {
            // Short work counts where it stands; what a function does once does not come back.
            let is_short = match event.what {
                What::Block { function } => self.ix.packs.blocking(function).is_some_and(|b| b.short),
                _ => false,
            };
            if !is_short && !self.is_kept_result(fr.f) {
                pending.push(event);
            }
            return;
        }
        let origin = self.ix.sources.file(fr.file).origin;
        if matches!(origin, Origin::Test | Origin::Script | Origin::Migration) {
            return;
        }
        match self.entry_of(fr.f) {
            Some(Entry { kind: EntryKind::Startup | EntryKind::Command, .. }) => (),
            Some(Entry { is_on_shared_loop: false, .. }) => (),
            entry => {
                event.entry = entry.map(|_| fr.f);
                self.confirm(event);
            }
        }
    }

    /// A callable whose calls leave the event loop's thread.
    pub(super) fn offloaded(&mut self, callee: Val) -> Val {
        self.v.of(Data::Method(callee, Name::new(OFFLOADED)))
    }

    /// Is this the method by which [`Engine::offloaded`] values are called?
    pub(super) fn is_offloaded_call(&self, name: Name) -> bool {
        name.as_str() == OFFLOADED
    }

    /// After the call at `range` of a function of the program: what of it does not run here?
    pub(super) fn after_call(&mut self, fr: &mut Frame<'a>, f: FnRef, mark: usize, range: Range) {
        let decl = self.ix.function(f);
        let marks = self.marks(f);
        // `for line in lines(path):` and `with opened(path):` run it here, `StreamingResponse(lines(path))` does not.
        let runs_here = || {
            let is_it = |iter: Option<ExprId>| iter.is_some_and(|e| fr.body.range(e) == range);
            marks.is_entered || fr.body.loops().any(|(l, _)| is_it(l.iter))
        };
        let runs_later = decl.is_generator && !decl.is_async && fr.buffer.len() > mark && !runs_here();
        if runs_later || marks.is_offloaded {
            fr.forget_blocking(mark);
        }
    }

    /// What is awaited does not block, only what it is made of.
    pub(super) fn awaited(&mut self, fr: &mut Frame<'a>, e: ExprId, mark: usize) {
        let range = fr.body.range(e);
        let method = match fr.body.expr(e) {
            Expr::Call { callee, .. } => Some(fr.body.range(*callee).end),
            _ => None,
        };
        let mut i = 0;
        fr.buffer.retain(|event| {
            i += 1;
            let here = event.site.range == range || Some(event.site.range.end) == method;
            i <= mark || !(matches!(event.what, What::Block { .. }) && event.path.is_empty() && here)
        });
    }
}
