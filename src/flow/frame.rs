//! What is known while one function is evaluated.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::event::Event;
use super::tree::Tree;
use super::value::{LoopId, Src, UNKNOWN, UNSET, Val};
use super::{Engine, template};
use crate::base::{FileId, Name};
use crate::facts::{Body, FnKind, FunctionDecl, Language, PatId, Slot};
use crate::index::{ClassId, FnRef};

/// A loop or a switch that runs, and what variables hold where it was left before its end.
pub(super) struct Exit {
    pub(super) is_switch: bool,
    pub(super) left_with: Option<Vec<Val>>,
}

/// The evaluation of one function.
pub(crate) struct Frame<'a> {
    pub(super) f: FnRef,
    pub(super) file: FileId,
    pub(super) decl: &'a FunctionDecl,
    pub(super) body: &'a Body,
    pub(super) language: Language,
    pub(super) locals: Vec<Val>,
    pub(super) this: Val,
    pub(super) class: Option<ClassId>,
    pub(super) loops: Vec<LoopId>,
    pub(super) ret: Option<Val>,
    pub(super) yields: Option<Val>,
    pub(super) buffer: Vec<Event>,
    pub(super) seen: FxHashSet<u64>,
    pub(super) loads: Vec<(Src, Tree)>,
    /// First sources of the rows that the function was given.
    pub(super) given: SmallVec<[Src; 4]>,
    /// Relations known to be loaded here because a condition says so.
    pub(super) guards: Vec<(Src, Name)>,
    /// Relations that are loaded and were looked through first.
    pub(super) answered: Vec<(Src, Name)>,
    /// Blocks that a child template replaces.
    pub(super) overridden: Vec<Name>,
    /// The child templates, the one that is rendered first.
    pub(super) children: Vec<FileId>,
    /// All that a template is rendered with is known.
    pub(super) knows_context: bool,
    /// Variables of a template that only the templates it renders use.
    pub(super) passed: Vec<(Name, Val)>,
    /// A switch of the configuration stands otherwise than what is evaluated needs.
    pub(super) is_switched_off: bool,
    /// Conditions around the statement that is evaluated.
    pub(super) conditions: usize,
    /// How many of them were around where the ways that made a query, or its rows, went on as one, by their source.
    pub(super) joined: FxHashMap<Src, usize>,
    /// How many of them are around each of the running loops.
    pub(super) conditions_of_loops: Vec<usize>,
    /// Those that hold, by their text.
    pub(super) holding: Vec<u64>,
    /// What loops under conditions loaded: it is there wherever the same conditions hold again.
    pub(super) loaded_under: Vec<(Vec<u64>, Src, Tree)>,
    /// What follows runs once per key of a cache that this function keeps, whatever the turns of so many loops around it.
    pub(super) remembered: Option<usize>,
    /// What follows is made once per key of a cache that outlives the request.
    pub(super) keeps_made: bool,
    /// What follows is made once for the object whose method runs.
    pub(super) object_keeps: bool,
    /// Relations that each turn of a loop reads or sets, whatever happens in it: the loop, the source of its rows, what is there.
    pub(super) read_each: Vec<(LoopId, Src, Name, Tree)>,
    /// Relations that the function always reads of rows that are new in each turn of a loop around its call.
    pub(super) reads_given: Vec<(LoopId, Src, Name)>,
    /// How many loops are running, those that are no data included.
    pub(super) turning: usize,
    /// How often a turn of the innermost loop was cut short for the next.
    pub(super) skips: usize,
    /// The running loops and switches.
    pub(super) exits: Vec<Exit>,
    /// What the running loops give to their variables.
    pub(super) turns: Vec<(LoopId, [Option<PatId>; 2])>,
    /// Queries that variables held when a loop began: they run once for all its turns.
    pub(super) held: Vec<(LoopId, Vec<Val>)>,
    /// Rows that a loop over something else filled by hand.
    pub(super) filled: Vec<(Src, Tree)>,
    /// Queries that ran and keep their rows, held by variables.
    pub(super) evaluated: Vec<Val>,
    /// How many constructions and blocking calls were noted.
    pub(super) asides: usize,
    /// Views made here that are rendered when the function ends: until then they may be given more.
    pub(super) views: Vec<template::Pending>,
}

impl Frame<'_> {
    /// Variables of a function that are neither given nor taken from around it hold nothing at first.
    pub(super) fn begin_unset(&mut self) {
        if !matches!(self.decl.kind, FnKind::Function | FnKind::Method) {
            return;
        }
        let decl = self.decl;
        for (i, held) in self.locals.iter_mut().enumerate().filter(|(_, held)| **held == UNKNOWN) {
            let slot = Slot(i as u32);
            let is_given = decl.params.iter().any(|p| p.slot == slot) || decl.captures.iter().any(|c| c.inner == slot);
            if !is_given {
                *held = UNSET;
            }
        }
    }
}

impl<'a> Engine<'a> {
    /// The evaluation of a function that has not begun.
    pub(super) fn frame(&self, f: FnRef, this: Val) -> Frame<'a> {
        let decl = self.ix.function(f);
        let facts = self.ix.file(f.file);
        Frame {
            f,
            file: f.file,
            decl,
            body: &decl.body,
            language: facts.language,
            locals: vec![UNKNOWN; decl.body.slots.len()],
            this,
            class: self.ix.class_of_function(f),
            loops: Vec::new(),
            ret: None,
            yields: None,
            buffer: Vec::new(),
            seen: FxHashSet::default(),
            loads: Vec::new(),
            given: SmallVec::new(),
            guards: Vec::new(),
            answered: Vec::new(),
            overridden: Vec::new(),
            children: Vec::new(),
            knows_context: false,
            passed: Vec::new(),
            is_switched_off: false,
            conditions: 0,
            joined: FxHashMap::default(),
            conditions_of_loops: Vec::new(),
            holding: Vec::new(),
            loaded_under: Vec::new(),
            remembered: None,
            keeps_made: false,
            object_keeps: false,
            read_each: Vec::new(),
            reads_given: Vec::new(),
            turning: 0,
            skips: 0,
            exits: Vec::new(),
            turns: Vec::new(),
            held: Vec::new(),
            filled: Vec::new(),
            evaluated: Vec::new(),
            asides: 0,
            views: Vec::new(),
        }
    }
}
