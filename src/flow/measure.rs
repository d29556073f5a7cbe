//! Which expressions fetch many rows, and where is nothing of such rows used but how many there are?
//!
//! Keeps what happened at each place, in every call that led there; which of it is a fault is for a check to say.

use rustc_hash::{FxHashMap, FxHashSet};

use super::call::Args;
use super::tree::State;
use super::value::{Data, Marks, Query, Row, Source, Src, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range, Span};
use crate::facts::{ExprId, FnId, Language};
use crate::index::{FnRef, ModelId, Relation};
use crate::packs::{Measures, Op, Result};

/// Is what was fetched in memory already?
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Loaded {
    /// A statement is sent.
    No,
    /// Nothing is sent.
    Yes,
    /// Not known.
    Unknown,
}

/// Many rows, fetched by an expression or by the query that it gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Fetch {
    /// Model of the rows; `None` for bare tables.
    pub model: Option<ModelId>,
    /// The relation that was read, with the model that has it.
    pub relation: Option<(ModelId, Name)>,
    /// Source of the query, or of the row whose relation it is.
    pub src: Src,
    /// See [`super::value::flag`].
    pub flags: u32,
    /// Was it there before?
    pub loaded: Loaded,
    /// Comes from a loop that gives a new row each turn.
    pub is_renewed: bool,
}

/// A place that asks how many rows there are, or whether there is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Measure {
    /// The name of the method or function that asks, or the condition.
    pub site: Span,
    /// What is asked about.
    pub operand: Range,
    /// The whole question: what an answer of the database replaces.
    pub whole: Range,
    /// The function around it.
    pub owner: FnRef,
    /// What is asked.
    pub asks: Measures,
    /// The operand is a query that runs for this; else rows that an expression fetched.
    pub query: Option<Fetch>,
}

/// A query got conditions, whether it is sent or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Search {
    /// The method that adds the conditions.
    pub site: Span,
    /// The function around it.
    pub owner: FnRef,
    /// Model of its rows.
    pub model: ModelId,
    /// Source of the query.
    pub src: Src,
    /// See [`super::value::flag`].
    pub flags: u32,
    /// The conditions so far, among others.
    pub marks: Marks,
}

/// Everything seen about rows that are fetched and measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// Rows that calls and reads of relations gave, by the place of the whole expression.
    pub fetches: FxHashMap<Span, Vec<Fetch>>,
    /// Questions, in order of discovery, without twins.
    pub measures: Vec<Measure>,
    /// Where relations to many are read: on which rows.
    pub reads: FxHashMap<(ModelId, Name), FxHashSet<(Src, Span)>>,
    /// Conditions of queries of models, in order of discovery, without twins.
    pub searches: Vec<Search>,
    /// Sources of rows that a method for one row gave many of: it was given a list of keys.
    pub found_lists: FxHashSet<Src>,
    known: FxHashSet<Measure>,
    known_searches: FxHashSet<Search>,
}

impl<'a> Engine<'a> {
    fn note_fetch(&mut self, at: Span, fetch: Fetch) {
        let all = self.measured.fetches.entry(at).or_default();
        if !all.contains(&fetch) {
            all.push(fetch);
        }
    }

    /// A query got conditions.
    pub(super) fn searched(&mut self, fr: &Frame<'a>, query: &Query, at: Range) {
        let (Some(model), None, Source::Query(_)) = (query.model, query.via, self.v.source_of(query.src)) else { return };
        let site = self.span(fr, at);
        let search = Search { site, owner: fr.f, model, src: query.src, flags: query.flags, marks: query.marks };
        if self.measured.known_searches.insert(search) {
            self.measured.searches.push(search);
        }
    }

    /// A call sent a query and gave its rows.
    pub(super) fn fetched(&mut self, fr: &Frame<'a>, query: &Query, op: &Op, args: &Args, whole: Range) {
        let is_many = matches!(op.result, Result::Rows | Result::Scalars | Result::FirstColumn | Result::ResultSet);
        if !is_many || op.keyed || op.writes || args.positional.len() > 1 {
            return;
        }
        let fetch = plain_fetch(query);
        self.note_fetch(self.span(fr, whole), fetch);
    }

    /// The rows of a relation were read on a row.
    pub(super) fn relation_read(&mut self, fr: &Frame<'a>, row: Row, relation: &Relation, state: State, range: Range) {
        if !relation.many {
            return;
        }
        // A loop that keeps the row finds it loaded from its second turn on.
        let is_kept = fr.loops.last().is_some_and(|innermost| *innermost != row.renewed_by);
        let at = self.span(fr, range);
        self.measured.reads.entry((row.model, relation.name)).or_default().insert((row.src, at));
        let fetch = Fetch {
            model: relation.target,
            relation: Some((row.model, relation.name)),
            src: row.src,
            flags: 0,
            loaded: if is_kept { Loaded::Yes } else { loaded(state) },
            is_renewed: row.renewed_by != super::NO_LOOP,
        };
        self.note_fetch(at, fetch);
    }

    /// A method or function asks how many there are of what it is called on or given.
    pub(super) fn measured_by(&mut self, fr: &mut Frame<'a>, val: Val, asks: Measures, operand: ExprId, at: Range, whole: Range) {
        let operand = fr.body.range(operand);
        let site = self.span(fr, at);
        for one in self.v.alternatives(val) {
            let query = match self.data(one).clone() {
                Data::Query(query) if fr.language == Language::Python => Some(self.fetch_of(fr, &query)),
                Data::Many(..) => None,
                _ => continue,
            };
            let measure = Measure { site, operand, whole, owner: fr.f, asks, query };
            if self.measured.known.insert(measure) {
                self.measured.measures.push(measure);
            }
        }
    }

    /// A value is only tested for truth: an empty list is false where lists are values of the language.
    pub(super) fn tested(&mut self, fr: &mut Frame<'a>, val: Val, cond: ExprId, asks: Measures) {
        if fr.language == Language::Python {
            let at = fr.body.range(cond);
            self.measured_by(fr, val, asks, cond, at, at);
        }
    }

    /// What a method of rows asks about them.
    pub(super) fn asked_by_method(&self, fr: &Frame<'a>, name: Name) -> Option<Measures> {
        self.ix.packs.op_in_language(self.language(fr), self.names.rows, name)?.measures
    }

    /// What a function asks about its argument.
    pub(super) fn asked_by_function(&self, target: Val) -> Option<Measures> {
        match self.data(target) {
            Data::External(name) => self.ix.packs.function(*name)?.measures,
            _ => None,
        }
    }

    /// The functions that handle requests and hold a query.
    pub(super) fn request_functions(&mut self) -> FxHashSet<FnRef> {
        let sources: FxHashSet<Src> = self.executions.iter().map(|e| e.src).collect();
        let mut found = FxHashSet::default();
        // Each is asked alone: the order reaches nothing.
        #[allow(clippy::iter_over_hash_type)]
        for src in sources {
            let Source::Query(at) = self.v.source_of(src) else { continue };
            let holds = |r: Range| r.start <= at.range.start && at.range.end <= r.end;
            let functions = self.ix.file(at.file).functions.iter().enumerate();
            let inner = functions.filter(|(_, f)| holds(f.range)).min_by_key(|(_, f)| f.range.end - f.range.start);
            let Some((i, _)) = inner else { continue };
            let f = FnRef { file: at.file, id: FnId(i as u32) };
            if self.entry_of(f).is_some_and(|e| e.kind == super::EntryKind::Request) {
                found.insert(f);
            }
        }
        found
    }

    /// What running a query here fetches.
    fn fetch_of(&mut self, fr: &Frame<'a>, query: &Query) -> Fetch {
        let mut fetch = plain_fetch(query);
        let Some((object, name)) = query.via else { return fetch };
        let Data::Row(row) = *self.data(object) else { return fetch };
        fetch.is_renewed = row.renewed_by != super::NO_LOOP;
        let Some(relation) = self.relation(row.model, name) else { return fetch };
        if query.flags & flag::FILTERED == 0 && self.answers_from_memory(row.model) {
            fetch.relation = Some((row.model, name));
            fetch.src = row.src;
            fetch.loaded = loaded(self.state(fr, row, relation));
        }
        fetch
    }
}

fn loaded(state: State) -> Loaded {
    match state {
        State::Loaded(_) => Loaded::Yes,
        State::Missing => Loaded::No,
        State::Maybe | State::Unknown => Loaded::Unknown,
    }
}

/// What a query fetches that was reached through no relation.
fn plain_fetch(query: &Query) -> Fetch {
    Fetch { model: query.model, relation: None, src: query.src, flags: query.flags, loaded: Loaded::No, is_renewed: false }
}
