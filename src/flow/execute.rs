//! What does it cost when a query runs? Nothing, if the relation it stands for is loaded; else a statement.

use super::event::{Statement, What};
use super::tree::{HIDDEN, NOTHING, State, Tree};
use super::value::{Data, NO_LOOP, Query, Source, Src, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range, Span};
use crate::index::{Access, FnRef, ModelId};
use crate::packs::{Op, Result};

impl<'a> Engine<'a> {
    /// Are the plain queries of a model's relations answered by rows that are loaded already?
    pub(super) fn answers_from_memory(&self, model: ModelId) -> bool {
        self.ix.packs.word(self.dialect(model), "relation-queries").is_some_and(|w| w.as_str() == "from memory")
    }

    /// Do queries of a model keep their rows once they ran, and run to say whether there are any?
    pub(super) fn keeps_rows(&self, model: ModelId) -> bool {
        self.ix.packs.word(self.dialect(model), "queries-keep-rows").is_some()
    }

    /// From here on, a query that started from a relation is one of its own: what its parent's query loads does not reach it.
    pub(super) fn cut_from_parent(&mut self, fr: &Frame<'a>, query: &mut Query, whole: Range) {
        if query.via.is_some() && matches!(self.v.source_of(query.src), Source::Relation(..)) {
            let is_fresh = matches!(self.v.root_source(query.src).0, Source::Fresh(_));
            if !is_fresh {
                query.src = self.v.source(Source::Query(self.span(fr, whole)));
                if let Some((row, via)) = query.via.and_then(|(object, via)| Some((self.bare_row(object)?, via))) {
                    self.anchor(query.src, row, via);
                }
            }
            query.flags |= flag::FILTERED;
        }
    }

    /// A query runs: what does that mean for the relation through which it was reached?
    pub(super) fn execute(&mut self, fr: &mut Frame<'a>, query: &Query, op: &Op, name: Name, at: Range, narrowed: bool) {
        let plain = query.flags & flag::FILTERED == 0 && !narrowed;
        if op.free_if_loaded && !fr.evaluated.is_empty() {
            let val = self.v.of(Data::Query(query.clone()));
            if fr.evaluated.contains(&val) {
                return;
            }
        }
        let kind = match (op.writes, op.result) {
            (true, Result::Row | Result::Pair) => Statement::Upsert,
            (true, _) => Statement::Write,
            (false, Result::Scalar) => Statement::Aggregate,
            _ => Statement::Read,
        };
        self.executed(fr, query, kind, name, at, op.unscopes);
        self.run_query(fr, query, kind, op.free_if_loaded && plain, name, at);
    }

    fn run_query(&mut self, fr: &mut Frame<'a>, query: &Query, kind: Statement, free_if_loaded: bool, name: Name, at: Range) {
        let Some((object, relation)) = query.via else {
            self.statement(fr, kind, name, query.model, None, false, query.src, query.flags, at);
            return;
        };
        let Data::Row(row) = *self.data(object) else {
            self.statement(fr, kind, name, query.model, None, false, query.src, query.flags, at);
            return;
        };
        let Some(data) = self.relation(row.model, relation) else {
            return;
        };
        let state = self.state(fr, row, data);
        let loaded = matches!(state, State::Loaded(_));
        if loaded && fr.answered.contains(&(row.src, relation)) {
            return;
        }
        if free_if_loaded && data.access == Access::Query {
            match state {
                State::Loaded(_) | State::Unknown | State::Maybe => return,
                State::Missing => (),
            }
        }
        if kind == Statement::Read && free_if_loaded && self.answers_from_memory(row.model) && row.renewed_by != NO_LOOP {
            // The plain relation, not loaded: an eager load cures it. On the same row, each turn sends the same statement.
            let what = What::Read { model: row.model, relation, src: row.src, never: false };
            self.emit(fr, what, at, row.renewed_by);
            return;
        }
        self.statement(fr, kind, name, query.model, Some((row.model, relation)), loaded, query.src, query.flags, at);
    }

    /// A query is iterated, tested or measured: it runs, and gives its rows.
    pub(super) fn iterate_query(&mut self, fr: &mut Frame<'a>, query: &Query, val: Val, at: Range) -> Val {
        let keeps = query.model.is_some_and(|m| self.keeps_rows(m));
        let held: Vec<super::value::LoopId> =
            if keeps { fr.held.iter().filter(|(_, vals)| vals.contains(&val)).map(|(id, _)| *id).collect() } else { Vec::new() };
        if keeps && fr.evaluated.contains(&val) {
            return self.row_of(query);
        }
        if keeps {
            fr.evaluated.push(val);
        }
        let mark = fr.buffer.len();
        let row = self.iterate_now(fr, query, at);
        if keeps {
            for event in fr.buffer.iter_mut().skip(mark) {
                event.loops.retain(|l| !held.contains(l));
                event.query = Some(val);
            }
        }
        row
    }

    /// What each turn of a loop read is loaded on all of its rows from then on.
    pub(super) fn loaded_by_loop(&mut self, fr: &mut Frame<'a>, id: super::value::LoopId) {
        let read: Vec<_> = fr.read_each.extract_if(.., |(l, ..)| *l == id).collect();
        for (_, src, name, there) in read {
            if there == HIDDEN {
                self.mark_below(fr, src, name, there);
                // What hangs on the row of the loop around this one is there when that ends, too.
                let around = fr.loops.last().copied().filter(|_| fr.conditions == 0);
                if let (Some(around), Source::Relation(..)) = (around, self.v.source_of(src)) {
                    fr.read_each.push((around, src, name, there));
                }
                continue;
            }
            let tree = self.v.trees.with(NOTHING, name, there);
            self.loaded_here(fr, src, tree);
            // The rows hang on the row above them, if that is one.
            if let Source::Relation(parent, via) = self.v.source_of(src) {
                let above = self.v.trees.with(NOTHING, via, tree);
                self.loaded_here(fr, parent, above);
            }
        }
    }

    /// An element after a loop over all of them: what each turn read is loaded on it, and on the rows that variables hold.
    pub(super) fn as_read(&mut self, fr: &mut Frame<'a>, element: Val, header: Range) -> Val {
        let id = self.v.loop_at(Span { file: fr.file, range: header });
        let mut element = element;
        for (_, src, name, there) in fr.read_each.iter().filter(|(l, ..)| *l == id).copied().collect::<Vec<_>>() {
            if there != HIDDEN {
                let tree = self.v.trees.with(NOTHING, name, there);
                element = self.v.with_loaded(element, src, tree);
            }
        }
        self.loaded_by_loop(fr, id);
        element
    }

    /// Rows of a source have this there from now on, also where they hang on the rows above them.
    pub(super) fn mark_below(&mut self, fr: &mut Frame<'a>, src: Src, name: Name, there: Tree) {
        let mut tree = self.v.trees.with(NOTHING, name, there);
        self.mark_loaded(fr, src, tree);
        let mut at = src;
        while let Source::Relation(parent, via) = self.v.source_of(at) {
            tree = self.v.trees.with(NOTHING, via, tree);
            self.mark_loaded(fr, parent, tree);
            at = parent;
        }
    }

    /// A loop begins: what variables hold runs once for all its turns.
    pub(super) fn hold_queries(&self, fr: &mut Frame<'a>, id: super::value::LoopId) {
        let held = fr.locals.iter().copied().filter(|v| matches!(self.data(*v), Data::Query(_))).collect();
        fr.held.push((id, held));
    }

    /// An object keeps a query that a property of it gave: the turns of loops that do not change the object run it once.
    pub(super) fn hold_kept(&mut self, fr: &mut Frame<'a>, f: FnRef, query: Val, object: Val, is_same: bool) {
        if fr.held.is_empty() || !self.marks(f).is_once {
            return;
        }
        let Data::Query(kept) = self.data(query) else { return };
        if !kept.model.is_some_and(|m| self.keeps_rows(m)) {
            return;
        }
        let renewed_by = match self.data(object) {
            _ if is_same => NO_LOOP,
            Data::Row(row) => row.renewed_by,
            // Something of it changes, nobody knows in which loop.
            _ => return,
        };
        let from =
            if renewed_by == NO_LOOP { 0 } else { fr.held.iter().position(|(id, _)| *id == renewed_by).map_or(0, |at| at + 1) };
        for (at, (_, held)) in fr.held.iter_mut().enumerate() {
            if at < from {
                held.retain(|v| *v != query);
            } else if !held.contains(&query) {
                held.push(query);
            }
        }
    }

    fn iterate_now(&mut self, fr: &mut Frame<'a>, query: &Query, at: Range) -> Val {
        // A builder that changes in place gives no rows by itself: something unknown on the way made them of it.
        let unknown = flag::FILTERED | flag::SCOPED;
        let is_unknown = query.via.is_none()
            && query.flags & unknown == unknown
            && query.model.is_some()
            && self.ix.packs.word_in_language(self.language(fr), "queries-change").is_some();
        if query.flags & flag::RAW == 0 && !is_unknown {
            let plain = query.flags & flag::FILTERED == 0;
            let name = match query.via {
                Some((_, relation)) => relation,
                None => Name::new("iteration"),
            };
            if query.via.is_some() || !matches!(self.v.source_of(query.src), Source::Declared(_)) {
                self.executed(fr, query, Statement::Read, name, at, false);
                self.run_query(fr, query, Statement::Read, plain, name, at);
            }
        }
        self.row_of(query)
    }

    /// One element of a query by index: a statement of its own.
    pub(super) fn execute_index(&mut self, fr: &mut Frame<'a>, query: &Query, at: Range) {
        let val = self.v.of(Data::Query(query.clone()));
        if fr.evaluated.contains(&val) {
            return;
        }
        if !matches!(self.v.source_of(query.src), Source::Declared(_)) {
            self.executed(fr, query, Statement::Read, Name::new("[]"), at, false);
            self.run_query(fr, query, Statement::Read, query.flags & flag::FILTERED == 0, Name::new("[]"), at);
        }
    }
}
