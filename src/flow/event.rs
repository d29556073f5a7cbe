//! What did the flow see that may cost? Events are raw: a check decides whether one is a fault.

use smallvec::SmallVec;

use super::value::{LoopId, Marks, NO_LOOP, Src, Val};
use crate::base::{Name, Span};
use crate::index::{FnRef, ModelId};

/// What kind of statement an execution sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Statement {
    /// Reads rows.
    Read,
    /// Reads an aggregate, a single value or a truth value.
    Aggregate,
    /// Loads relations of rows at hand.
    Load,
    /// Changes rows.
    Write,
    /// Looks up and writes if need be, by intent.
    Upsert,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// A relation that is not loaded was read on a row.
    Read {
        /// Model of the row.
        model: ModelId,
        /// The relation.
        relation: Name,
        /// Source of the row.
        src: Src,
        /// Nothing loads it when read: it raises or stays empty.
        never: bool,
    },
    /// A column that the query left out was read on a row.
    Column {
        /// Model of the row.
        model: ModelId,
        /// The column.
        column: Name,
        /// Source of the row.
        src: Src,
    },
    /// A statement was sent.
    Statement {
        /// Kind.
        kind: Statement,
        /// Method that sends it.
        method: Name,
        /// Model of its rows.
        model: Option<ModelId>,
        /// Relation through which it was reached, with the model that has it.
        via: Option<(ModelId, Name)>,
        /// That relation was loaded: the statement asks again.
        defeats: bool,
        /// Source of the query.
        src: Src,
        /// See [`super::value::flag`].
        flags: u32,
    },
    /// Rows were handed to what serializes or renders each, and a relation was read there.
    Construct {
        /// Full name of the constructor.
        client: Name,
    },
    /// A session or connection was opened that has to be closed.
    Open {
        /// Full name of what was opened.
        resource: Name,
    },
    /// A call that blocks its thread.
    Block {
        /// Full name of the function.
        function: Name,
    },
}

/// One event, on its way up the calls until it meets what makes it a fault.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// Where.
    pub site: Span,
    /// Function in which it happened.
    pub owner: FnRef,
    /// The loop that must be running for it to cost N; `NO_LOOP`: any loop.
    pub needs: LoopId,
    /// Loops around it so far, innermost first; a flag says that a loop is the framework's own.
    pub loops: SmallVec<[LoopId; 3]>,
    /// Calls that led there, innermost first.
    pub path: SmallVec<[Span; 4]>,
    /// The entry point that was reached: what handles the request, message or job.
    pub entry: Option<FnRef>,
    /// Is met only where a switch of the configuration stands otherwise than the program writes it.
    pub is_switched_off: bool,
    /// A construction that the object keeps whose method ran.
    pub by_object: bool,
    /// Some ways that lead here load what is read: under a condition of a caller it may be the one that decided.
    pub on_some_ways: bool,
    /// A construction below an event loop that was started for it alone; the loops are those on it.
    pub alone: bool,
    /// The query that was iterated and keeps its rows: whoever holds it runs it once.
    pub query: Option<Val>,
}

/// A statement on a model or table, wherever it is sent, with what decides which rows it reaches.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Execution {
    /// Where: the method that sends it.
    pub site: Span,
    /// Function in which that stands.
    pub owner: FnRef,
    /// Kind.
    pub kind: Statement,
    /// Method that sends it.
    pub method: Name,
    /// Model of its rows; `None` for bare tables.
    pub model: Option<ModelId>,
    /// Relation through which it was reached, with the model that has it.
    pub via: Option<(ModelId, Name)>,
    /// Source of the query.
    pub src: Src,
    /// See [`super::value::flag`].
    pub flags: u32,
    /// What was done to the query.
    pub marks: Marks,
    /// The method itself never applies scopes.
    pub bare: bool,
}

/// Does the loop run around it that makes it cost more than once?
pub(super) fn is_met(event: &Event) -> bool {
    match event.what {
        What::Construct { .. } | What::Block { .. } => false,
        What::Open { .. } => true,
        _ => {
            if event.needs == NO_LOOP {
                !event.loops.is_empty()
            } else {
                event.loops.contains(&event.needs)
            }
        }
    }
}

/// What tells events apart that are reported once.
pub(super) fn hash_of(event: &Event) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    event.what.hash(&mut hasher);
    event.site.hash(&mut hasher);
    event.needs.hash(&mut hasher);
    event.loops.first().hash(&mut hasher);
    event.path.first().hash(&mut hasher);
    event.path.last().hash(&mut hasher);
    hasher.finish()
}
