//! What does an attribute give that its class hands on to something else?
//!
//! Attributes of a row that read through a relation, descriptors, and objects of a library whose class the program extends.

use rustc_hash::FxHashMap;

use super::call::Args;
use super::event::{Event, What};
use super::filled::Place;
use super::tree::{HIDDEN, OPEN};
use super::value::{Data, ManyKind, NO_LOOP, Row, Source, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId};
use crate::index::ClassId;

/// The method that gives what reading an attribute gives.
const GETTER: &str = "__get__";

impl<'a> Engine<'a> {
    /// An attribute of a row that stands for an attribute of its related rows.
    pub(super) fn through_relation(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        row: Row,
        name: Name,
        range: Range,
    ) -> Option<Val> {
        let (relation, end) = *self.ix.model(row.model).proxies.get(&name)?;
        let related = self.attr(fr, object, relation, range);
        if !matches!(self.data(related), Data::Many(..) | Data::Query(_)) {
            return Some(self.attr(fr, related, end, range));
        }
        let (element, _, counts) = self.iterate(fr, related, range);
        if element == super::many::NO_ELEMENT {
            return Some(self.v.many(UNKNOWN, ManyKind::Held));
        }
        let read = self.per_turn(fr, element, counts, range, |e, fr, element| e.attr(fr, element, end, range));
        Some(self.v.many(read, ManyKind::Held))
    }

    /// Adding to what stands for related rows reads the relation alone, not what is behind each of its rows.
    pub(super) fn forget_proxied(&self, fr: &mut Frame<'a>, collection: ExprId, method: Name, mark: usize) {
        let words = self.ix.packs.word_in_language(self.names.python, "grows-collection");
        if !words.is_some_and(|w| w.has_word(method.as_str())) {
            return;
        }
        let Expr::Attr { base, name, .. } = fr.body.expr(collection) else { return };
        let Some(row) = self.row_at(fr, *base) else { return };
        let Some((_, end)) = self.ix.model(row.model).proxies.get(name).copied() else { return };
        let kept = fr.buffer.split_off(mark.min(fr.buffer.len()));
        fr.buffer.extend(kept.into_iter().filter(|e| !matches!(e.what, What::Read { relation, .. } if relation == end)));
    }

    /// What is set on the row of a loop is set on all of its rows, whatever variable holds them or leads to them afterwards.
    pub(super) fn set_on_each(&mut self, fr: &mut Frame<'a>, changed: Val, name: Name) {
        let Data::Row(row) = *self.data(changed) else { return };
        // `foreach ($tickets as $ticket) foreach ($buyers as $buyer) if (…) { $ticket->buyer = $buyer; }`: the inner loop looks for it.
        let is_searched = fr.loops.last().is_some_and(|inner| *inner != row.renewed_by);
        // `if polls: for poll in polls: poll.thread = …`: each of them has it wherever the condition holds.
        let is_each = fr.conditions == 0 || fr.loops.last() == Some(&row.renewed_by) && fr.runs_each_turn();
        if !is_each && !is_searched || row.renewed_by == NO_LOOP || !fr.loops.contains(&row.renewed_by) {
            return;
        }
        let set = if self.v.trees.is_hidden(row.tree, name) { HIDDEN } else { OPEN };
        let told = fr.loads.len();
        self.mark_below(fr, row.src, name, set);
        if fr.conditions > 0 {
            // Callers know nothing of the condition.
            fr.loads.truncate(told);
        }
        fr.read_each.push((row.renewed_by, row.src, name, set));
    }

    /// Does a method of a relation of a model narrow the relation, which stays itself?
    pub(super) fn is_same_relation(&self, fr: &Frame<'a>, method: Name) -> bool {
        let words = self.ix.packs.word_in_language(self.language(fr), "same-relation");
        words.is_some_and(|w| w.has_word(method.as_str()))
    }

    /// Variables that a branch fills only while they are empty, and that nothing else in the loop fills: later turns have
    /// what the first one found.
    pub(super) fn keep_first(&mut self, fr: &mut Frame<'a>, cond: ExprId, absent: &[Place], mark: usize) {
        let Some(turns) = fr.loops.last().copied() else { return };
        let Some(header) = self.v.loop_span(turns).filter(|span| span.file == fr.file) else { return };
        let (body, after) = (fr.body, fr.body.range(cond).end);
        for place in absent {
            let Place::Local(slot) = place else { continue };
            let fills = |e: &Expr| matches!(e, Expr::Assign { target, .. } if body.binds(*target, *slot));
            let mut filled = body.exprs.iter().zip(&body.ranges).filter(|(e, at)| at.start >= header.range.start && fills(e));
            let is_only = filled.next().is_some_and(|(_, at)| at.start > after) && filled.next().is_none();
            let held = fr.locals[slot.0 as usize];
            if is_only && self.v.is_renewed(held) {
                fr.locals[slot.0 as usize] = self.v.renew(held, NO_LOOP);
                let kept = fr.buffer.split_off(mark.min(fr.buffer.len()));
                let is_read = |e: &Event| matches!(e.what, What::Read { .. } | What::Column { .. }) && e.needs == turns;
                fr.buffer.extend(kept.into_iter().filter(|e| !is_read(e)));
            }
        }
    }

    /// What an attribute of a class gives for one of its objects: itself, or what it computes when it is read.
    pub(super) fn described(&mut self, fr: &mut Frame<'a>, class: ClassId, object: Val, val: Val, range: Range) -> Val {
        let Data::Object { class: own, .. } = *self.data(val) else { return val };
        let Some((_, f)) = self.ix.find_method(own, Name::new(GETTER)) else { return val };
        let owner = self.v.of(Data::Class(class));
        self.call_function(fr, f, val, Args::positional(vec![object, owner]), range).0
    }

    /// An attribute of an object of a library whose class the program extends: it lives once per request, and so does
    /// what it gives.
    pub(super) fn library_object_attr(&mut self, fr: &mut Frame<'a>, object: Name, name: Name, range: Range) -> Option<Val> {
        if self.library_objects.is_none() {
            let found = self.find_library_objects();
            self.library_objects = Some(found);
        }
        let class = *self.library_objects.as_ref()?.get(&object)?;
        let (_, f) = self.ix.find_method(class, name)?;
        if !self.is_property(f) {
            return None;
        }
        let this = self.v.of(Data::Object { class, fields: Box::default(), exact: false });
        let mark = fr.buffer.len();
        let val = self.call_function(fr, f, this, Args::default(), range).0;
        fr.buffer.truncate(mark);
        let row = self.v.alternatives(val).into_iter().find_map(|v| match self.data(v) {
            Data::Row(row) => Some(*row),
            _ => None,
        })?;
        let src = self.v.source(Source::Ambient);
        Some(self.v.row(Row { tree: super::tree::OPEN, src, renewed_by: NO_LOOP, ..row }))
    }

    /// The only class of the program, without those below it, for each object of a library.
    fn find_library_objects(&self) -> FxHashMap<Name, ClassId> {
        let mut found = FxHashMap::default();
        let words = self.ix.packs.word_in_language(self.names.python, "library-objects").map_or("", Name::as_str);
        for (object, base) in words.split_whitespace().filter_map(|w| w.split_once('=')) {
            let base = Name::new(base);
            let below = |i: &usize| self.ix.classes[*i].external.contains(&base);
            let all: Vec<ClassId> = (0..self.ix.classes.len()).filter(below).map(|i| ClassId(i as u32)).collect();
            let lowest: Vec<ClassId> = all.iter().copied().filter(|c| self.ix.class(*c).descendants.is_empty()).collect();
            if let [only] = lowest.as_slice() {
                found.insert(Name::new(object), *only);
            }
        }
        found
    }
}
