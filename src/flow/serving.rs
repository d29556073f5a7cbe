//! Which loops wait for messages for as long as the process runs, and which coroutines run beside others on their event loop?

use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Body, Expr, Loop, LoopKind};
use crate::index::FnRef;

impl<'a> Engine<'a> {
    /// Does each turn of a loop without an end take one message: `while True: handle(await queue.get())`?
    pub(super) fn is_serving(&self, fr: &Frame<'a>, l: &Loop) -> bool {
        let Some(words) = self.ix.packs.word_in_language(self.language(fr), "receiving-calls") else { return false };
        is_endless(fr.body, l) && awaits(fr.body, l, |name| words.has_word(name.as_str()))
    }

    /// Does a coroutine function go on for ever on an event loop that it gives way to others on?
    pub(super) fn goes_on_for_ever(&self, f: FnRef) -> bool {
        let decl = self.ix.function(f);
        decl.is_async && decl.body.loops().any(|(l, _)| is_endless(&decl.body, l) && awaits(&decl.body, l, |_| true))
    }

    /// Is a coroutine function started by another beside itself: `create_task(work())`, `group.start_soon(work)`?
    pub(super) fn is_started_beside(&self, caller: FnRef, called: FnRef) -> bool {
        let Some(words) = self.ix.packs.word_in_language(self.names.python, "task-starting") else { return false };
        let body = &self.ix.function(caller).body;
        let name = self.ix.function(called).name;
        body.exprs.iter().any(|e| {
            let Expr::Call { callee, args } = e else { return false };
            let starts = body.last_name(*callee).is_some_and(|n| words.has_word(n.as_str()));
            let given = args.first().map(|a| match body.expr(a.value) {
                Expr::Call { callee, .. } => *callee,
                _ => a.value,
            });
            starts && given.and_then(|g| body.last_name(g)) == Some(name)
        })
    }
}

/// `while True:`
fn is_endless(body: &Body, l: &Loop) -> bool {
    l.kind == LoopKind::While && l.cond.is_some_and(|c| matches!(body.expr(c), Expr::Bool(true) | Expr::Int(1)))
}

/// Does a loop itself, not another in it, await a call of which the name fits?
fn awaits(body: &Body, l: &Loop, fits: impl Fn(Name) -> bool) -> bool {
    let (Some(first), Some(last)) = (l.body.first(), l.body.last()) else { return false };
    let range = |s: &crate::facts::StmtId| body.stmt_ranges[s.0 as usize];
    let inside = Range { start: range(first).start, end: range(last).end };
    let is_of_inner = |at: Range| body.loops().any(|(_, inner)| inside.contains(inner) && inner.contains(at));
    body.exprs.iter().zip(&body.ranges).any(|(e, at)| {
        let Expr::Await(awaited) = e else { return false };
        inside.contains(*at)
            && !is_of_inner(*at)
            && match body.expr(*awaited) {
                Expr::Call { callee, .. } => body.last_name(*callee).is_some_and(&fits),
                _ => false,
            }
    })
}
