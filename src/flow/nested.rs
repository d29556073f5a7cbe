//! What does a nested function see of the functions around it when nobody calls it there, as a route in an application's factory?

use super::value::UNKNOWN;
use super::{Engine, Frame};
use crate::facts::{Body, FnId, Pat, Slot, Stmt};
use crate::index::FnRef;

/// Functions in functions in functions are followed so far.
const MAX_AROUND: usize = 3;

impl<'a> Engine<'a> {
    /// Gives a function that is not called as a closure what it takes from those around it: their functions, and variables that
    /// they assign to once.
    pub(super) fn fill_captures(&mut self, fr: &mut Frame<'a>, depth: usize) {
        let decl = fr.decl;
        let Some(parent) = decl.parent.filter(|_| !decl.captures.is_empty() && depth < MAX_AROUND) else { return };
        let mut outer = self.frame(FnRef { file: fr.file, id: parent }, UNKNOWN);
        self.fill_captures(&mut outer, depth + 1);
        let functions = &self.ix.file(fr.file).functions;
        let nested = outer.body.stmts.iter().filter_map(|stmt| match stmt {
            Stmt::Function(id, Some(slot)) => Some((*id, *slot)),
            _ => None,
        });
        let nested: Vec<(FnId, Slot)> = nested.collect();
        let mut wanted: Vec<Slot> = decl.captures.iter().map(|c| c.outer).collect();
        // What the siblings take themselves is needed, too.
        for (id, _) in nested.iter().filter(|(_, slot)| decl.captures.iter().any(|c| c.outer == *slot)) {
            wanted.extend(functions[id.0 as usize].captures.iter().map(|c| c.outer));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let is_one = |(_, slot): &&(FnId, Slot)| wanted.binary_search(slot).is_ok() && bindings(outer.body, *slot) == 1;
        let siblings: Vec<(FnId, Slot)> = nested.iter().filter(is_one).copied().collect();
        for slot in wanted {
            let is_param = outer.decl.params.iter().any(|p| p.slot == slot);
            if bindings(outer.body, slot) + usize::from(is_param) == 1 && !siblings.iter().any(|(_, s)| *s == slot) {
                let receives = self.takes_receiver(outer.f) && outer.decl.params.first().is_some_and(|p| p.slot == slot);
                outer.locals[slot.0 as usize] =
                    if receives { self.receiver_of(outer.f) } else { self.static_slot(&mut outer, slot, 0) };
            }
        }
        // Twice: each may call those after it.
        for (id, slot) in siblings.iter().chain(&siblings) {
            outer.locals[slot.0 as usize] = self.closure(&mut outer, *id);
        }
        for capture in &decl.captures {
            let given = outer.locals.get(capture.outer.0 as usize).copied().unwrap_or(UNKNOWN);
            if let Some(inner) = fr.locals.get_mut(capture.inner.0 as usize).filter(|inner| **inner == UNKNOWN) {
                *inner = given;
            }
        }
    }
}

/// How often a body says what a variable is.
fn bindings(body: &Body, slot: Slot) -> usize {
    let declared = body.stmts.iter().filter(|stmt| match stmt {
        Stmt::Function(_, bound) | Stmt::Class(_, bound) => *bound == Some(slot),
        Stmt::Import { slot: bound, .. } => *bound == slot,
        _ => false,
    });
    declared.count() + body.pats.iter().filter(|pat| **pat == Pat::Local(slot)).count()
}
