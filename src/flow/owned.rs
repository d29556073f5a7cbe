//! Whose is what was made: the object's whose method ran, an event loop's that ends, a branch's that runs once?
//!
//! Constructions travel up the calls and gather the loops around them. Some of those loops do not count: what an object keeps is
//! made once per object, what an event loop of its own runs cannot outlive it, a branch that clears its flag is not taken again.

use super::value::{Data, LoopId, Val};
use super::{Engine, Event, Frame, What};
use crate::base::{Range, Span};
use crate::facts::{Body, Expr, ExprId, FnKind, Language, Loop, Pat, PatId, Slot, Stmt, StmtId};
use crate::index::{FnRef, Symbol};

/// Blocks are searched this deep.
const MAX_NESTING: usize = 12;

/// Who has the object whose method was called?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// The object whose method runs.
    Itself,
    /// The process, or whoever called: it was there before any turn.
    Before,
    /// A variable of this function.
    Local(Slot),
    /// Nobody: it is made for the call.
    Nobody,
}

impl<'a> Engine<'a> {
    /// Adds the loops around a call to what happened below it; false: it happens once, whatever loops there are.
    pub(super) fn surround(&mut self, fr: &Frame<'a>, event: &mut Event, call: Range) -> bool {
        if event.alone {
            return true;
        }
        let around = fr.loops.iter().rev().copied();
        if !event.by_object {
            event.loops.extend(around);
            return true;
        }
        match self.holder(fr, call) {
            Holder::Itself => true,
            Holder::Before => false,
            Holder::Local(slot) => {
                event.by_object = false;
                let turning: Vec<LoopId> = around.filter(|l| self.is_new_each_turn(fr, *l, slot)).collect();
                event.loops.extend(turning);
                true
            }
            Holder::Nobody => {
                event.by_object = false;
                event.loops.extend(around);
                true
            }
        }
    }

    fn holder(&mut self, fr: &Frame<'a>, call: Range) -> Holder {
        let body = fr.body;
        let base = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| **r == call).find_map(|(e, _)| match e {
            Expr::Attr { base, .. } => Some(*base),
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, .. } => Some(*base),
                _ => None,
            },
            _ => None,
        });
        let Some(mut at) = base else { return Holder::Nobody };
        loop {
            match body.expr(at) {
                Expr::Attr { base, .. } | Expr::Index { base, .. } => at = *base,
                Expr::Await(inner) => at = *inner,
                Expr::This => return Holder::Itself,
                Expr::Name(_) | Expr::Class(_) => return Holder::Before,
                Expr::Call { callee, .. } => {
                    let symbol = match body.expr(*callee) {
                        Expr::Name(n) if n.as_str() == "super" => return Holder::Itself,
                        Expr::Name(n) => self.ix.resolve_name(fr.file, fr.f.id, *n),
                        _ => return Holder::Nobody,
                    };
                    let is_once = matches!(symbol, Symbol::Function(f) if self.marks(f).is_once);
                    return if is_once { Holder::Before } else { Holder::Nobody };
                }
                Expr::Local(slot) => {
                    let position = fr.decl.params.iter().position(|p| p.slot == *slot);
                    let is_captured = fr.decl.captures.iter().any(|c| c.inner == *slot);
                    return match position {
                        Some(0) if self.takes_receiver(fr.f) => Holder::Itself,
                        Some(_) => Holder::Before,
                        None if is_captured || fr.decl.kind == FnKind::File => Holder::Before,
                        None => Holder::Local(*slot),
                    };
                }
                _ => return Holder::Nobody,
            }
        }
    }

    /// Does a variable get a new value at each turn of a loop?
    fn is_new_each_turn(&self, fr: &Frame<'a>, id: LoopId, slot: Slot) -> bool {
        let body = fr.body;
        let Some(span) = self.v.loop_span(id) else { return true };
        let statement = body.stmts.iter().zip(&body.stmt_ranges).find_map(|(s, r)| match s {
            Stmt::Loop(l) if l.header == span.range => Some(*r),
            _ => None,
        });
        let clause = || {
            body.exprs.iter().zip(&body.ranges).find_map(|(e, r)| match e {
                Expr::Comprehension { clauses, .. } if clauses.iter().any(|c| c.range == span.range) => Some(*r),
                _ => None,
            })
        };
        let Some(whole) = statement.or_else(clause) else { return true };
        let inside = |r: &Range| whole.start <= r.start && r.end <= whole.end;
        let gets = |pat: PatId| body.binds(pat, slot);
        let in_exprs = body.exprs.iter().zip(&body.ranges).any(|(e, r)| {
            inside(r)
                && match e {
                    Expr::Assign { target, .. } | Expr::AssignIfNull { target, .. } => gets(*target),
                    Expr::Comprehension { clauses, .. } => clauses.iter().any(|c| gets(c.target)),
                    _ => false,
                }
        });
        in_exprs
            || body.stmts.iter().zip(&body.stmt_ranges).any(|(s, r)| {
                inside(r)
                    && match s {
                        Stmt::Loop(l) => l.target.is_some_and(gets) || l.key.is_some_and(gets),
                        Stmt::With { items, .. } => items.iter().any(|(_, p)| p.is_some_and(gets)),
                        _ => false,
                    }
            })
    }

    /// A coroutine that a plain function calls runs on an event loop of its own: what is bound to that loop ends with it.
    pub(super) fn on_own_loop(&self, fr: &mut Frame<'a>, f: FnRef, mark: usize, call: Range) {
        if fr.language != Language::Python || fr.decl.is_async || !self.ix.function(f).is_async || fr.buffer.len() == mark {
            return;
        }
        // `lambda: fetch()`: whoever calls it awaits it.
        let body = fr.body;
        let is_given_on = body.stmts.iter().any(|s| matches!(s, Stmt::Return(Some(e)) if body.range(*e) == call));
        if is_given_on || self.ix.function(f).is_generator {
            return;
        }
        let Some(words) = self.ix.packs.word_in_language(self.names.python, "loop-bound") else { return };
        for event in fr.buffer.iter_mut().skip(mark) {
            let What::Construct { client } = event.what else { continue };
            let name = client.as_str().to_ascii_lowercase();
            if words.as_str().split_whitespace().any(|w| name.contains(w)) {
                event.alone = true;
                event.loops.retain(|l| !fr.loops.contains(l));
            }
        }
    }

    /// A loop that goes from page to page asks as often as it must, but need not build anew what it asks with. One that tries
    /// until it succeeds, or that waits between its turns, builds for another reason.
    pub(super) fn built_per_page(&mut self, fr: &mut Frame<'a>, l: &'a Loop, mark: usize) {
        let Some(range) = l.body.first().zip(l.body.last()).map(|(first, last)| Range {
            start: fr.body.stmt_ranges[first.0 as usize].start,
            end: fr.body.stmt_ranges[last.0 as usize].end,
        }) else {
            return;
        };
        let body = fr.body;
        let tries = body
            .stmts
            .iter()
            .zip(&body.stmt_ranges)
            .any(|(s, r)| range.contains(*r) && matches!(s, Stmt::Try { .. } | Stmt::Return(_)));
        let is_pause = |callee: ExprId| {
            let called = match self.ix.symbol_of(fr.f, callee) {
                Symbol::External(name) => Some(name),
                _ => body.last_name(callee),
            };
            called.is_some_and(|name| self.ix.packs.roles(name).iter().any(|r| r.as_str() == "pause"))
        };
        let waits = body
            .exprs
            .iter()
            .zip(&body.ranges)
            .any(|(e, r)| range.contains(*r) && matches!(e, Expr::Call { callee, .. } if is_pause(*callee)));
        if tries || waits {
            return;
        }
        let id = self.v.loop_at(Span { file: fr.file, range: l.header });
        let around = fr.loops.clone();
        for event in fr.buffer.iter_mut().skip(mark) {
            let is_here = event.path.is_empty() && event.owner == fr.f && !event.by_object;
            if is_here && matches!(event.what, What::Construct { .. }) && event.loops.as_slice() == around.as_slice() {
                event.loops.insert(0, id);
            }
        }
    }

    /// `if pending: …; pending = False`: what stands beside the clearing is not done at each turn.
    pub(super) fn spend(&self, fr: &mut Frame<'a>, cond: ExprId, then: &'a [StmtId], mark: usize) {
        if fr.loops.is_empty() || !fr.buffer.iter().skip(mark).any(|e| matches!(e.what, What::Construct { .. })) {
            return;
        }
        let mut flags = Vec::new();
        tested_flags(fr.body, cond, true, &mut flags, 0);
        for (slot, value) in flags {
            let mut blocks = Vec::new();
            clearing(fr.body, then, slot, value, &mut blocks, 0);
            if blocks.is_empty() {
                continue;
            }
            let spent: Vec<LoopId> = fr.loops.iter().copied().filter(|l| !self.is_set_each_turn(fr, *l, slot)).collect();
            for event in fr.buffer.iter_mut().skip(mark) {
                let at = event.path.last().copied().unwrap_or(event.site);
                let beside = blocks.iter().any(|b| b.start <= at.range.start && at.range.end <= b.end);
                if beside && at.file == fr.file && matches!(event.what, What::Construct { .. }) {
                    event.loops.retain(|l| !spent.contains(l));
                }
            }
        }
    }

    /// Does each turn of a loop begin with a new value of the variable?
    fn is_set_each_turn(&self, fr: &Frame<'a>, id: LoopId, slot: Slot) -> bool {
        let body = fr.body;
        let Some(span) = self.v.loop_span(id) else { return true };
        body.stmts.iter().any(|s| match s {
            Stmt::Loop(l) if l.header == span.range => l.body.iter().any(|s| assigned(body, *s, slot).is_some()),
            _ => false,
        })
    }

    /// `given or build()`, where the caller or the object may have the left side: the right one is for those that have not.
    pub(super) fn is_handed_in(&self, fr: &Frame<'a>, e: ExprId) -> bool {
        match fr.body.expr(e) {
            Expr::Local(slot) => fr.decl.params.iter().any(|p| p.slot == *slot),
            Expr::Attr { base, .. } => match fr.body.expr(*base) {
                Expr::This => true,
                Expr::Local(slot) => self.takes_receiver(fr.f) && fr.decl.params.first().is_some_and(|p| p.slot == *slot),
                _ => false,
            },
            _ => false,
        }
    }

    /// A method was run on one of several classes: if one of them alone makes something, a loop over them makes it once.
    pub(super) fn one_of_many(&self, fr: &mut Frame<'a>, marks: &[usize], call: Range) {
        let ends = marks.iter().skip(1).copied().chain([fr.buffer.len()]);
        let makes = |(from, to): (usize, usize)| {
            fr.buffer.get(from..to).is_some_and(|all| all.iter().any(|e| matches!(e.what, What::Construct { .. })))
        };
        if marks.len() < 2 || marks.iter().copied().zip(ends).filter(|part| makes(*part)).count() != 1 {
            return;
        }
        let body = fr.body;
        let receiver = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| **r == call).find_map(|(e, _)| match e {
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, .. } => match body.expr(*base) {
                    Expr::Local(slot) => Some(*slot),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        let Some(slot) = receiver else { return };
        let over: Vec<LoopId> = fr.loops.iter().copied().filter(|l| self.is_loop_over(fr, *l, slot)).collect();
        for event in fr.buffer.iter_mut().skip(marks[0]) {
            if matches!(event.what, What::Construct { .. }) {
                event.loops.retain(|l| !over.contains(l));
            }
        }
    }

    fn is_loop_over(&self, fr: &Frame<'a>, id: LoopId, slot: Slot) -> bool {
        let body = fr.body;
        let Some(span) = self.v.loop_span(id) else { return false };
        let statement = body.stmts.iter().any(|s| match s {
            Stmt::Loop(l) => l.header == span.range && l.target.is_some_and(|t| body.binds(t, slot)),
            _ => false,
        });
        statement
            || body.exprs.iter().any(|e| match e {
                Expr::Comprehension { clauses, .. } => {
                    clauses.iter().any(|c| c.range == span.range && body.binds(c.target, slot))
                }
                _ => false,
            })
    }

    /// The classes of a value, if they are several.
    pub(super) fn are_several_classes(&self, vals: &[Val]) -> bool {
        let mut classes: Vec<_> = vals
            .iter()
            .filter_map(|v| match self.data(*v) {
                Data::Object { class, .. } | Data::Class(class) => Some(*class),
                _ => None,
            })
            .collect();
        classes.sort_unstable();
        classes.dedup();
        classes.len() > 1
    }
}

/// Variables that a condition asks for their truth, with what it asks for.
fn tested_flags(body: &Body, cond: ExprId, holds: bool, out: &mut Vec<(Slot, bool)>, depth: usize) {
    if depth > MAX_NESTING {
        return;
    }
    match body.expr(cond) {
        Expr::Local(slot) => out.push((*slot, holds)),
        Expr::Not(inner) => tested_flags(body, *inner, !holds, out, depth + 1),
        Expr::And(a, b) if holds => {
            tested_flags(body, *a, holds, out, depth + 1);
            tested_flags(body, *b, holds, out, depth + 1);
        }
        _ => (),
    }
}

/// What a statement gives a variable, if it is that.
fn assigned(body: &Body, stmt: StmtId, slot: Slot) -> Option<ExprId> {
    match body.stmt(stmt) {
        Stmt::Expr(e) => match body.expr(*e) {
            Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(slot) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// The blocks that give a flag the other value, from their first statement to their last.
fn clearing(body: &Body, block: &[StmtId], slot: Slot, value: bool, out: &mut Vec<Range>, depth: usize) {
    if depth > MAX_NESTING {
        return;
    }
    let other = |e: ExprId| match body.expr(e) {
        Expr::Bool(b) => *b != value,
        Expr::Null => value,
        _ => false,
    };
    if block.iter().any(|s| assigned(body, *s, slot).is_some_and(other))
        && let (Some(first), Some(last)) = (block.first(), block.last())
    {
        let (first, last) = (body.stmt_ranges[first.0 as usize], body.stmt_ranges[last.0 as usize]);
        out.push(Range { start: first.start, end: last.end });
    }
    for stmt in block {
        match body.stmt(*stmt) {
            Stmt::If { then, otherwise, .. } => {
                clearing(body, then, slot, value, out, depth + 1);
                clearing(body, otherwise, slot, value, out, depth + 1);
            }
            Stmt::Try { body: inner, .. } | Stmt::With { body: inner, .. } => {
                clearing(body, inner, slot, value, out, depth + 1);
            }
            _ => (),
        }
    }
}
