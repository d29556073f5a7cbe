//! What does the flow tell the checks?

use rustc_hash::{FxHashMap, FxHashSet};

use super::value::{LoopId, Src, Values};
use super::{Entry, Event, Execution, Measured};
use crate::base::{FileId, Name, Span};
use crate::index::FnRef;

/// What the flow found out.
#[derive(Debug)]
pub struct FlowFacts {
    /// Events that cost N, in order of discovery, without twins.
    pub events: Vec<Event>,
    /// Statements on models and tables, in loops or not, in order of discovery, without twins.
    pub executions: Vec<Execution>,
    /// Where rows are fetched, and where nothing of them is used but their number.
    pub measured: Measured,
    /// Values, for what the events name.
    pub values: Values,
    /// Reasons why something was not followed, counted.
    pub gaps: FxHashMap<&'static str, u64>,
    /// Templates that were rendered with a known context.
    pub rendered: FxHashSet<FileId>,
    /// How many serializers, resources and schemas there are, and how many of them were given a known row.
    pub servers: (usize, usize),
    /// Handlers of requests.
    pub handlers: FxHashSet<FnRef>,
    /// Bare tables that queries read.
    pub table_names: FxHashMap<Src, Name>,
    /// Queries whose rows come by a method that ignores what they load, by their place.
    pub unloaded_by: FxHashMap<Span, Name>,
    /// Functions that run as jobs of their own, of those that statements were seen in.
    pub tasks: FxHashSet<FnRef>,
    /// Packs whose rows load relations for all their peers at once, because the application says so.
    pub autoloads: FxHashSet<Name>,
    /// Loops that no code of the program writes: serializers, response models, admin lists.
    pub framework_loops: FxHashSet<LoopId>,
    /// Where fields of a graph give all rows of a type; what is read of them is told by hints of the fields that read it.
    pub hinted_rows: FxHashSet<Span>,
    /// Where rows come from that a class lists without a query of its own, and how it says what is loaded with them.
    pub listed_by_class: FxHashMap<Span, Name>,
    /// Queries whose rows are kept between requests by their keys alone.
    pub kept_keys: FxHashSet<Span>,
    /// Functions that a framework calls for what other functions are given.
    pub injected: FxHashSet<FnRef>,
    /// Where fields of forms are shown whose choices are rows.
    pub choice_sites: FxHashSet<Span>,
    /// Queries whose rows belong to an asynchronous session: reading more of them raises.
    pub async_queries: FxHashSet<Span>,
    /// Functions with queries that run for each request.
    pub request_functions: FxHashSet<FnRef>,
    /// Entry points that events reached.
    pub entries: FxHashMap<FnRef, Entry>,
    /// Functions that run, by what is known, on an event loop that serves others, too.
    pub on_server: FxHashSet<FnRef>,
    /// Functions that commands, the start of the process, and workers that run one job at a time run.
    pub on_own_loop: FxHashSet<FnRef>,
    /// Functions that run only because somebody types a command.
    pub only_by_command: FxHashSet<FnRef>,
    /// Which functions call which, or hand them on to be run; sorted.
    pub calls: Vec<(FnRef, FnRef)>,
}

impl FlowFacts {
    /// Reasons why something was not followed, counted, in order.
    pub fn gap_counts(&self) -> std::collections::BTreeMap<&'static str, u64> {
        #[allow(clippy::iter_over_hash_type)]
        self.gaps.iter().map(|(why, count)| (*why, *count)).collect()
    }

    /// The functions that a function calls, or hands on to be run.
    pub fn called_by(&self, f: FnRef) -> impl Iterator<Item = FnRef> {
        let from = self.calls.partition_point(|(caller, _)| *caller < f);
        self.calls[from..].iter().take_while(move |(caller, _)| *caller == f).map(|(_, called)| *called)
    }
}
