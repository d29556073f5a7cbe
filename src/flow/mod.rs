//! What is a value, at each place? Follows values through the whole program.
//!
//! In: the linked index. Out: [`FlowFacts`]: events, each with the loops around it and the calls that led there. Functions are
//! evaluated with the values they are given; a result is kept per function and arguments. Knows nothing of rules.

mod asked;
mod assign;
mod attr;
mod bind;
mod call;
mod chain;
mod closed;
mod container;
mod decorated;
mod eager;
mod element;
mod entry;
mod event;
mod execute;
mod expr;
mod facts;
mod few;
mod filled;
mod fixed;
mod forget;
mod frame;
mod generic;
mod identity;
mod inherited;
mod inject;
mod kept;
mod keyed;
mod known;
mod later;
mod library;
mod lookup;
mod make;
mod manager;
mod many;
mod mapping;
mod measure;
mod module;
mod nested;
mod one_row;
mod options;
mod orm;
mod overridden;
mod owned;
mod print;
mod protocol;
mod reach;
mod receiver;
mod relation;
mod renderer;
mod repeated;
mod resource;
mod roots;
mod row;
mod scope;
mod select;
mod serialize;
mod serving;
mod session;
mod settle;
mod signal;
mod state;
mod stmt;
mod switch;
mod template;
mod template_engine;
mod terms;
mod text;
mod told;
pub mod tree;
mod types;
mod unset;
pub mod value;
mod walk;

use std::rc::Rc;

use smallvec::SmallVec;

pub use entry::{Entry, EntryKind};
pub use event::{Event, Execution, Statement, What};
use event::{hash_of, is_met};
pub use facts::FlowFacts;
pub use few::counted;
use frame::Frame;
pub use measure::{Fetch, Loaded, Measure, Measured, Search};
use state::{Engine, engine};
pub use terms::leaves_one_out;

use crate::base::{FileId, Name, Range, Span};
use crate::index::{ClassId, FnRef, ModelId, ProjectIndex};
use tree::Tree;
use value::{Data, LoopId, NO_LOOP, Row, Src, UNKNOWN, Val, Values};

/// Calls are followed this deep; deeper chains leave a gap.
const MAX_CALL_DEPTH: usize = 40;
/// A function is evaluated with at most so many different arguments; further calls see its declared types only.
const MAX_CONTEXTS: u16 = 96;
/// The same for a method that many classes inherit, all of them together.
const MAX_INHERITED_CONTEXTS: u16 = 192;
/// A small function may have more of them: so many expressions in all, and so many contexts at most.
const MAX_CONTEXT_WORK: usize = 20000;
const MAX_THIN_CONTEXTS: usize = 512;
/// So many objects on which a method is called are told apart.
const MAX_RECEIVERS: u16 = 800;
/// At most so many events of one call travel to the caller.
const MAX_PENDING: usize = 64;
/// At most so many constructions and blocking calls are kept per function.
const MAX_ASIDES: usize = 60;
/// How a nullable type writes null.
const NULL_TYPE: &str = "null";
/// A fault further than this many calls below its loop is not reported.
const MAX_PATH: usize = 7;
/// Work per expression of the program on average before contexts are given up.
const FUEL_PER_EXPR: u64 = 60;

/// Result of evaluating a function with given arguments.
#[derive(Debug)]
struct Summary {
    ret: Val,
    /// `$this`/`self` as it is afterwards.
    this: Val,
    /// The first argument as it is afterwards.
    first: Val,
    /// What was loaded on rows that came from outside.
    loads: Vec<(Src, Tree)>,
    /// Relations that it always reads of rows that are new in each turn of a loop around it.
    reads: Vec<(LoopId, Src, Name)>,
    pending: Vec<Event>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    f: FnRef,
    this: Val,
    args: Box<[Val]>,
}

/// Follows values through the program.
pub fn analyze<'a>(ix: &'a ProjectIndex<'a>) -> FlowFacts {
    let mut engine = engine(ix);
    engine.roots();
    engine.framework_roots();
    engine.decorated_roots();
    engine.inherited_roots();
    let reached: Vec<FnRef> = engine.events.iter().filter_map(|e| e.entry).collect();
    let entries = reached.into_iter().filter_map(|f| engine.entry_of(f).map(|e| (f, e))).collect();
    let (on_server, on_own_loop) = engine.on_server();
    let request_functions = engine.request_functions();
    let only_by_command = engine.only_by_command();
    let calls = engine.known_calls();
    let servers = engine.servers();
    let owners: std::collections::BTreeSet<FnRef> = engine.events.iter().map(|e| e.owner).collect();
    let is_task = |f: &FnRef| engine.entry_of(*f).is_some_and(|e| e.kind == EntryKind::Task);
    let tasks = owners.into_iter().filter(is_task).collect();
    FlowFacts {
        calls,
        entries,
        on_server,
        on_own_loop,
        only_by_command,
        request_functions,
        events: switch::without_twins(engine.events),
        executions: engine.executions,
        measured: engine.measured,
        values: engine.v,
        gaps: engine.gaps,
        servers: (servers.len(), servers.iter().filter(|c| engine.served.contains(c)).count()),
        rendered: engine.rendered,
        handlers: engine.handlers,
        framework_loops: engine.framework_loops,
        hinted_rows: engine.hinted_rows,
        listed_by_class: engine.listed_by_class,
        kept_keys: engine.kept_keys,
        injected: engine.injected,
        choice_sites: engine.choice_sites,
        async_queries: engine.async_queries,
        table_names: engine.table_names,
        unloaded_by: engine.unloaded_by,
        tasks,
        autoloads: switch::autoloads(ix),
    }
}

/// What each attribute in a file is read on, and what is known to be loaded there.
pub fn trace<'a>(ix: &'a ProjectIndex<'a>, file: FileId) -> Vec<(Range, String)> {
    let mut engine = engine(ix);
    engine.traced = Some(file);
    engine.roots();
    engine.framework_roots();
    engine.decorated_roots();
    engine.trace_lines.into_iter().collect()
}

impl<'a> Engine<'a> {
    /// Was a function evaluated with as many different arguments as it may be, by what it was called on?
    fn has_enough_contexts(&self, counted: (FnRef, Option<ClassId>)) -> bool {
        let (f, class) = counted;
        let count = |key| self.contexts.get(&key).copied().unwrap_or(0);
        // What hands its arguments on costs little, and is called from everywhere.
        let size = self.ix.function(f).body.exprs.len().max(1);
        let own = MAX_CONTEXTS.max((MAX_CONTEXT_WORK / size).min(MAX_THIN_CONTEXTS) as u16);
        count(counted) >= own || class.is_some() && count((f, None)) >= MAX_INHERITED_CONTEXTS.max(own)
    }

    /// One more evaluation of a function, by what it was called on.
    fn count_context(&mut self, counted: (FnRef, Option<ClassId>)) {
        *self.contexts.entry(counted).or_default() += 1;
        if let (f, Some(_)) = counted {
            *self.contexts.entry((f, None)).or_default() += 1;
        }
    }

    /// Evaluates a function with these arguments, one per parameter, or takes the result of an earlier time.
    fn evaluate(&mut self, f: FnRef, mut this: Val, mut args: Vec<Val>) -> Rc<Summary> {
        let decl = self.ix.function(f);
        let counted =
            (f, if let Data::Class(class) | Data::Object { class, .. } = *self.data(this) { Some(class) } else { None });
        if self.fuel == 0 || self.has_enough_contexts(counted) {
            let key = self.key(f, this, &args);
            if let Some(summary) = self.memo.get(&key) {
                return summary.clone();
            }
            self.gap("too many contexts of a function");
            for (i, arg) in args.iter_mut().enumerate() {
                if !(i == 0 && self.takes_receiver(f)) {
                    *arg = decl.params.get(i).map_or(UNKNOWN, |p| self.declared_param(f, p, false));
                }
            }
            // Objects that know of each other are made anew on each way through them.
            if matches!(self.data(this), Data::Object { .. }) && self.contexts.get(&counted).is_some_and(|n| *n >= MAX_RECEIVERS)
            {
                this = self.receiver_of(f);
                if let Some(receiver) = args.first_mut().filter(|_| self.takes_receiver(f)) {
                    *receiver = this;
                }
            }
        }
        let key = self.key(f, this, &args);
        if let Some(summary) = self.memo.get(&key) {
            return summary.clone();
        }
        let nothing =
            |ret| Rc::new(Summary { ret, this, first: UNKNOWN, loads: Vec::new(), reads: Vec::new(), pending: Vec::new() });
        if self.running.contains(&key) {
            return nothing(UNKNOWN);
        }
        if self.depth >= MAX_CALL_DEPTH || self.fuel == 0 {
            self.gap("calls nested too deeply");
            return nothing(UNKNOWN);
        }
        self.count_context(counted);
        self.running.insert(key.clone());
        self.depth += 1;
        let summary = Rc::new(self.run(f, this, args));
        self.depth -= 1;
        self.running.remove(&key);
        self.memo.insert(key, summary.clone());
        summary
    }

    /// What a result depends on.
    fn key(&self, f: FnRef, this: Val, args: &[Val]) -> Key {
        let args = args.iter().copied().chain(self.ambient.iter().map(|(_, v)| *v)).collect();
        Key { f, this, args }
    }

    fn run(&mut self, f: FnRef, this: Val, args: Vec<Val>) -> Summary {
        let mut fr = self.frame(f, this);
        for (param, val) in fr.decl.params.iter().zip(args) {
            if let Some(slot) = fr.locals.get_mut(param.slot.0 as usize) {
                *slot = val;
            }
        }
        self.inject(&mut fr);
        self.fill_captures(&mut fr, 0);
        fr.begin_unset();
        self.run_frame(&mut fr);
        self.finish(fr)
    }

    fn run_frame(&mut self, fr: &mut Frame<'a>) {
        for val in fr.locals.iter().chain([&fr.this]) {
            self.v.roots_in(*val, 5, &mut fr.given);
        }
        let root = &fr.body.root;
        self.block(fr, root);
    }

    fn finish(&mut self, mut fr: Frame<'a>) -> Summary {
        self.flush_views(&mut fr);
        let mut pending = Vec::new();
        let mut asides = Vec::new();
        for event in std::mem::take(&mut fr.buffer) {
            if matches!(event.what, What::Construct { .. }) {
                self.settle_construction(&fr, event, &mut asides);
            } else if matches!(event.what, What::Block { .. }) {
                self.settle_blocking(&fr, event, &mut asides);
            } else if is_met(&event) {
                self.confirm(event);
            } else if pending.len() < MAX_PENDING {
                pending.push(event);
            }
        }
        pending.append(&mut asides);
        let mut ret = match (fr.ret, fr.yields) {
            (_, Some(y)) => self.v.many(y, value::ManyKind::Lazy),
            (Some(r), None) => r,
            (None, None) => value::NULL,
        };
        if let (true, Some(ty)) = (self.v.is_plain(ret), &fr.decl.ret)
            && ret != value::NULL
        {
            let declared = match self.class_of_receiver(&fr) {
                Some(class) => self.value_of_type_for(class, fr.file, fr.f.id, ty),
                None => self.value_of_type(fr.file, fr.f.id, ty),
            };
            if declared != UNKNOWN {
                ret = declared;
            }
        }
        let this = if self.takes_receiver(fr.f) {
            fr.decl.params.first().and_then(|p| fr.locals.get(p.slot.0 as usize)).copied().unwrap_or(fr.this)
        } else {
            fr.this
        };
        let first = fr.decl.params.first().and_then(|p| fr.locals.get(p.slot.0 as usize)).copied().unwrap_or(UNKNOWN);
        Summary { ret, this, first, loads: fr.loads, reads: fr.reads_given, pending }
    }

    fn confirm(&mut self, event: Event) {
        let hash = hash_of(&event);
        if self.known_events.insert(hash) {
            self.events.push(event);
        }
    }

    fn gap(&mut self, why: &'static str) {
        *self.gaps.entry(why).or_default() += 1;
    }

    fn span(&self, fr: &Frame<'a>, range: Range) -> Span {
        Span { file: fr.file, range }
    }

    /// Notes an event in the frame.
    fn emit(&mut self, fr: &mut Frame<'a>, what: What, range: Range, needs: LoopId) {
        let event = Event {
            what,
            site: self.span(fr, range),
            owner: fr.f,
            needs,
            loops: fr.loops.iter().rev().copied().collect(),
            path: SmallVec::new(),
            entry: None,
            is_switched_off: false,
            by_object: false,
            on_some_ways: false,
            alone: false,
            query: None,
        };
        self.note(fr, event);
    }

    fn note(&mut self, fr: &mut Frame<'a>, mut event: Event) {
        // What waits for messages queries as it must.
        if !self.serving.is_empty() && !matches!(event.what, What::Construct { .. }) {
            event.loops.retain(|l| !self.serving.contains(l));
        }
        // What is remembered by the key of a parent asks nothing for the other rows of that parent.
        let is_remembered = match event.what {
            What::Statement { .. } => true,
            What::Read { src, .. } | What::Column { src, .. } => matches!(self.v.source_of(src), value::Source::Relation(..)),
            _ => false,
        };
        if let Some(depth) = fr.remembered
            && is_remembered
            && !forget::is_of_inner_loop(&mut event, fr.loops.get(..depth).unwrap_or_default())
        {
            return;
        }
        if matches!(event.what, What::Construct { .. }) {
            if fr.keeps_made {
                return;
            }
            if fr.object_keeps {
                event.by_object = true;
                event.loops.clear();
            }
        }
        event.is_switched_off |= fr.is_switched_off;
        if fr.buffer.len() > 4 * MAX_PENDING && !is_met(&event) {
            return;
        }
        if matches!(event.what, What::Construct { .. } | What::Block { .. }) {
            if fr.asides >= MAX_ASIDES {
                return;
            }
            fr.asides += 1;
        }
        if fr.seen.insert(hash_of(&event)) {
            fr.buffer.push(event);
        }
    }

    /// Takes over what a called function left.
    fn absorb(&mut self, fr: &mut Frame<'a>, summary: &Summary, call: Range) {
        for event in &summary.pending {
            if event.path.len() >= MAX_PATH || event.on_some_ways && fr.conditions > 0 {
                continue;
            }
            // What ran here already keeps its rows, whoever asks it again.
            if event.query.is_some_and(|query| fr.evaluated.contains(&query)) {
                continue;
            }
            let mut event = event.clone();
            event.path.push(Span { file: fr.file, range: call });
            if self.surround(fr, &mut event, call) {
                // A query that is held here and keeps its rows runs once for all turns, wherever it is iterated.
                if let Some(query) = event.query {
                    let held = fr.held.iter().filter(|(_, vals)| vals.contains(&query)).map(|(id, _)| *id);
                    let held: SmallVec<[LoopId; 3]> = held.collect();
                    event.loops.retain(|l| !held.contains(l));
                }
                self.note(fr, event);
            }
        }
        for (src, tree) in &summary.loads {
            self.mark_loaded(fr, *src, *tree);
        }
        for (id, src, name) in &summary.reads {
            fr.always_reads(*id, *src, *name);
        }
    }

    /// Enters a loop: what is evaluated inside is paid once per turn.
    fn enter_loop(&mut self, fr: &mut Frame<'a>, header: Range) -> LoopId {
        let id = self.v.loop_at(Span { file: fr.file, range: header });
        fr.loops.push(id);
        self.hold_queries(fr, id);
        id
    }

    /// Does something with an element, in a loop of its own if it costs once per element.
    fn per_turn<R>(
        &mut self,
        fr: &mut Frame<'a>,
        element: Val,
        counts: bool,
        at: Range,
        f: impl FnOnce(&mut Self, &mut Frame<'a>, Val) -> R,
    ) -> R {
        if !counts {
            return f(self, fr, element);
        }
        let mark = fr.buffer.len();
        let id = self.enter_loop(fr, at);
        let element = self.v.renew(element, id);
        let result = f(self, fr, element);
        self.leave_loop(fr, mark, false);
        result
    }

    /// Leaves the innermost loop; if its body never runs twice, what it saw is not paid more than once.
    fn leave_loop(&mut self, fr: &mut Frame<'a>, mark: usize, once: bool) {
        let Some(id) = fr.loops.pop() else { return };
        fr.held.pop();
        if once {
            for event in fr.buffer.iter_mut().skip(mark) {
                event.loops.retain(|l| *l != id);
            }
        }
    }

    /// A row of a model about whose loading nothing is known.
    fn open_row(&mut self, model: ModelId, at: Span) -> Val {
        let src = self.v.source(value::Source::Declared(at));
        self.v.row(Row { model, tree: tree::OPEN, src, renewed_by: NO_LOOP })
    }

    fn data(&self, val: Val) -> &Data {
        self.v.get(val)
    }
}
