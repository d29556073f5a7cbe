//! What is in a list that is put together from several?

use super::many::NO_ELEMENT;
use super::value::{ManyKind, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Range;

/// Rows of so many sources are followed together.
const MAX_SORTS: usize = 2;

impl<'a> Engine<'a> {
    /// The elements of all parts, one after the other.
    pub(super) fn chained(&mut self, fr: &mut Frame<'a>, parts: &[Val], at: Range) -> Val {
        let mut element: Option<Val> = None;
        for part in parts {
            let (e, _, _) = self.iterate(fr, *part, at);
            if e == NO_ELEMENT {
                continue;
            }
            let Some(old) = element else {
                element = Some(e);
                continue;
            };
            let is_rows = |engine: &mut Self, val: Val| !engine.v.sources_in(val).is_empty();
            element = Some(if e == UNKNOWN && is_rows(self, old) {
                old
            } else if old == UNKNOWN && is_rows(self, e) {
                e
            } else {
                // Too many sorts of rows to tell apart: those of the first parts stand for all.
                let both = self.v.join(old, e);
                let is_wide = self.v.sources_in(both).len() > MAX_SORTS || both == UNKNOWN;
                if is_wide && is_rows(self, old) { old } else { both }
            });
        }
        let made = self.v.many(element.unwrap_or(UNKNOWN), ManyKind::Held);
        self.few_of(parts, made)
    }
}
