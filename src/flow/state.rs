//! What is known while the program is followed.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::event::{Event, Execution};
use super::measure::Measured;
use super::value::{LoopId, Src, Val, Values};
use super::{
    FUEL_PER_EXPR, Key, Summary, closed, container, entry, identity, kept, reach, serialize, signal, switch, template_engine,
    tree, unset,
};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::ExprId;
use crate::index::{ClassId, FnRef, ModelId, ProjectIndex};

/// The engine.
pub(crate) struct Engine<'a> {
    pub(super) ix: &'a ProjectIndex<'a>,
    pub(super) v: Values,
    pub(super) memo: FxHashMap<Key, Rc<Summary>>,
    pub(super) running: FxHashSet<Key>,
    /// How often a function was evaluated; what a class inherits and is called on it counts for that class.
    pub(super) contexts: FxHashMap<(FnRef, Option<ClassId>), u16>,
    pub(super) events: Vec<Event>,
    pub(super) executions: Vec<Execution>,
    pub(super) known_executions: FxHashSet<Execution>,
    pub(super) measured: Measured,
    pub(super) known_events: FxHashSet<u64>,
    pub(super) module_vars: FxHashMap<(FileId, Name), Val>,
    pub(super) fields: FxHashMap<(ClassId, Name), Val>,
    pub(super) attrs: FxHashMap<(ClassId, Name), Val>,
    pub(super) gaps: FxHashMap<&'static str, u64>,
    pub(super) fuel: u64,
    pub(super) depth: usize,
    pub(super) rendered: FxHashSet<FileId>,
    /// Serializers, resources and schemas that were given a known row.
    pub(super) served: FxHashSet<ClassId>,
    pub(super) handlers: FxHashSet<FnRef>,
    pub(super) names: Names,
    pub(super) framework_loops: FxHashSet<LoopId>,
    pub(super) hinted_rows: FxHashSet<Span>,
    pub(super) listed_by_class: FxHashMap<Span, Name>,
    pub(super) kept_keys: FxHashSet<Span>,
    /// Functions that the framework calls for what others are given.
    pub(super) injected: FxHashSet<FnRef>,
    pub(super) choice_sites: FxHashSet<Span>,
    pub(super) async_queries: FxHashSet<Span>,
    /// Sources of rows that a statement may just have made.
    pub(super) unsure_rows: FxHashSet<Src>,
    /// Models of the rows that a query is held to: each of its rows leads to the same one.
    pub(super) anchors: identity::Anchors,
    /// The file whose reads are written down, and what was.
    pub(super) traced: Option<FileId>,
    pub(super) trace_lines: std::collections::BTreeSet<(Range, String)>,
    /// What decorators say of functions.
    pub(super) marks: FxHashMap<FnRef, entry::Marks>,
    /// Functions handed over to run when the process starts or ends.
    pub(super) startups: FxHashSet<FnRef>,
    /// Which functions call which, or hand them on to be run.
    pub(super) calls: reach::Calls,
    /// Methods that classes call on themselves, once it is asked.
    pub(super) own_calls: Option<FxHashSet<Name>>,
    /// Which rows functions hear of, once it is asked.
    pub(super) heard: Option<signal::Heard>,
    /// Tasks that a schedule names, once it is asked.
    pub(super) schedules: Option<Vec<Name>>,
    /// Where classes are instantiated, once it is asked.
    pub(super) made: Option<FxHashMap<ClassId, kept::Made>>,
    /// Statements sent now are awaited, not waited for.
    pub(super) is_async_work: bool,
    /// The class of the object whose types are read: it says what the type parameters of its ancestors are.
    pub(super) typed_for: Option<ClassId>,
    /// A function that is called for what it gives alone: what it does is known already.
    pub(super) quiet: Option<FnRef>,
    /// Where decorators put arguments before those of a caller, by function.
    pub(super) put_in: FxHashMap<FnRef, Rc<[(FnRef, usize)]>>,
    /// Names of types that stand for each other on the way to the one that is read.
    pub(super) aliases: Vec<(FileId, Name)>,
    /// The class that handles the routes of the group that is evaluated.
    pub(super) route_class: Option<ClassId>,
    /// Bare tables that queries read.
    pub(super) table_names: FxHashMap<Src, Name>,
    /// Queries whose rows come by a method that ignores what they load, by their place.
    pub(super) unloaded_by: FxHashMap<Span, Name>,
    /// Functions that templates call by name, and the template that one of them renders with its result.
    pub(super) tags: FxHashMap<Name, (FnRef, Option<Name>)>,
    /// Templates that only the folder of their package tells, by name.
    pub(super) package_templates: FxHashMap<Name, Option<FileId>>,
    /// Classes of the program of which objects of libraries are, by the full name of the object.
    pub(super) library_objects: Option<FxHashMap<Name, ClassId>>,
    /// Names that the templates below each template use.
    pub(super) wanted: FxHashMap<FileId, Rc<[Name]>>,
    /// Relations that the program ever loads, once it is asked.
    pub(super) ever_loaded: Option<closed::EverLoaded>,
    /// Fields of its own object that each function assigns to.
    pub(super) assigned: FxHashMap<FnRef, Rc<[Name]>>,
    /// Switches of the configuration as they are written, once it is asked.
    pub(super) switches: Option<switch::Switches>,
    /// Names of methods made from patterns.
    pub(super) filled: FxHashMap<(&'static str, Name), Name>,
    /// What closures given to libraries are called with, by the name of the parameter.
    pub(super) ambient: Vec<(Name, Val)>,
    /// The table that is being built.
    pub(super) table: Option<serialize::Table>,
    /// The list whose fields are being declared.
    pub(super) listing: Option<serialize::Listing>,
    /// Code that runs whenever a template is rendered.
    pub(super) composers: serialize::Composers,
    /// The view that such code is adding to.
    pub(super) composing: Option<Val>,
    /// What such code added.
    pub(super) composed_views: FxHashMap<(FnRef, ExprId), Val>,
    /// What the application's container is told, once it is asked.
    pub(super) bindings: Option<container::Bindings>,
    /// Queries that find one row by one key, or many by a list of them: nobody knows which was given.
    pub(super) found_by_unknown: FxHashSet<Src>,
    /// What hears of which event, once it is asked.
    pub(super) listeners: Option<serialize::Listeners>,
    /// Loops that wait for messages for as long as the process runs.
    pub(super) serving: FxHashSet<LoopId>,
    /// Loops that follow a relation from row to row.
    pub(super) walks: Vec<LoopId>,
    /// Models that other classes stand for.
    pub(super) stand_ins: FxHashMap<ClassId, Option<ModelId>>,
    /// Where forms of models are made without a class of their own.
    pub(super) form_places: FxHashMap<(ClassId, Val), Span>,
    /// Fields of forms that code changes by their name, once it is asked.
    pub(super) changed_fields: Option<FxHashSet<Name>>,
    /// Fields of forms whose choices are rows.
    pub(super) choice_fields: FxHashMap<ClassId, Rc<Vec<serialize::ChoiceField>>>,
    /// Attributes that queries fill with the rows of a relation: the relation, and the query of those rows.
    pub(super) filled_by: FxHashMap<(ModelId, Name), (Name, Val)>,
    /// Columns that are computed when a row of the model is shown, as far as it was asked.
    pub(super) computed: FxHashMap<ModelId, Rc<[Name]>>,
    /// Names that pages set, once it is asked.
    pub(super) page_names: Option<unset::PageNames>,
    /// Templates that repeat a block: those whose loops, or those of what they extend, hold one.
    pub(super) repeating: FxHashMap<FileId, bool>,
    /// What the default manager of each model loads with its rows, as far as it was asked.
    pub(super) managed: FxHashMap<ModelId, tree::Tree>,
    /// Classes that only say what others must have, once it is asked.
    pub(super) structural: Option<FxHashSet<ClassId>>,
    /// The only class of the program that has what each of them asks, as far as it was asked.
    pub(super) fitting: FxHashMap<ClassId, Option<ClassId>>,
    /// Names of what loads relations, once it is asked.
    pub(super) loading_methods: Option<FxHashSet<Name>>,
    /// Fields that serializers and schemas declare.
    pub(super) declared_fields: FxHashMap<ClassId, Rc<Vec<serialize::Field<'a>>>>,
}
/// Names that the engine itself asks for.
pub(super) struct Names {
    pub(super) query: Name,
    pub(super) rows: Name,
    pub(super) row: Name,
    pub(super) load: Name,
    pub(super) table: Name,
    pub(super) php: Name,
    pub(super) python: Name,
}

impl Names {
    fn new() -> Names {
        Names {
            query: Name::new("query"),
            rows: Name::new("rows"),
            row: Name::new("row"),
            load: Name::new("load"),
            table: Name::new("table"),
            php: Name::new("php"),
            python: Name::new("python"),
        }
    }
}

/// An engine that has seen nothing yet.
pub(super) fn engine<'a>(ix: &'a ProjectIndex<'a>) -> Engine<'a> {
    let total: u64 = ix.facts.iter().flat_map(|f| &f.functions).map(|f| f.body.exprs.len() as u64).sum();
    Engine {
        ix,
        v: Values::new(),
        memo: FxHashMap::default(),
        running: FxHashSet::default(),
        contexts: FxHashMap::default(),
        events: Vec::new(),
        executions: Vec::new(),
        known_executions: FxHashSet::default(),
        measured: Measured::default(),
        known_events: FxHashSet::default(),
        module_vars: FxHashMap::default(),
        fields: FxHashMap::default(),
        attrs: FxHashMap::default(),
        gaps: FxHashMap::default(),
        fuel: 200_000 + total * FUEL_PER_EXPR,
        depth: 0,
        rendered: FxHashSet::default(),
        served: FxHashSet::default(),
        handlers: FxHashSet::default(),
        names: Names::new(),
        framework_loops: FxHashSet::default(),
        hinted_rows: FxHashSet::default(),
        listed_by_class: FxHashMap::default(),
        kept_keys: FxHashSet::default(),
        injected: FxHashSet::default(),
        choice_sites: FxHashSet::default(),
        async_queries: FxHashSet::default(),
        unsure_rows: FxHashSet::default(),
        anchors: identity::Anchors::default(),
        traced: None,
        trace_lines: std::collections::BTreeSet::new(),
        marks: FxHashMap::default(),
        startups: FxHashSet::default(),
        calls: reach::Calls::default(),
        own_calls: None,
        heard: None,
        schedules: None,
        made: None,
        is_async_work: false,
        typed_for: None,
        quiet: None,
        put_in: FxHashMap::default(),
        aliases: Vec::new(),
        route_class: None,
        table_names: FxHashMap::default(),
        unloaded_by: FxHashMap::default(),
        tags: template_engine::template_tags(ix),
        package_templates: FxHashMap::default(),
        library_objects: None,
        wanted: FxHashMap::default(),
        ever_loaded: None,
        assigned: FxHashMap::default(),
        switches: None,
        filled: FxHashMap::default(),
        ambient: Vec::new(),
        table: None,
        listing: None,
        composers: serialize::composers(ix),
        composing: None,
        composed_views: FxHashMap::default(),
        bindings: None,
        listeners: None,
        serving: FxHashSet::default(),
        walks: Vec::new(),
        found_by_unknown: FxHashSet::default(),
        stand_ins: FxHashMap::default(),
        form_places: FxHashMap::default(),
        changed_fields: None,
        choice_fields: FxHashMap::default(),
        managed: FxHashMap::default(),
        repeating: FxHashMap::default(),
        computed: FxHashMap::default(),
        page_names: None,
        filled_by: FxHashMap::default(),
        loading_methods: None,
        structural: None,
        fitting: FxHashMap::default(),
        declared_fields: FxHashMap::default(),
    }
}
