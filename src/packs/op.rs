//! What does a call mean? The words that packs describe methods and functions with, and their compiled form.

use super::file::PackError;
use crate::base::Name;

/// What a call gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Result {
    /// Nothing that matters.
    Unknown,
    /// No rows at all.
    Nothing,
    /// A scalar.
    Scalar,
    /// Null or nothing.
    Null,
    /// The receiver (or the argument named by `arg`) itself.
    Same,
    /// The query, narrowed as the flags say.
    Query,
    /// Rows of the query.
    Rows,
    /// One row of the query.
    Row,
    /// A row made here.
    New,
    /// Rows made here.
    NewRows,
    /// A pair of a row and a scalar.
    Pair,
    /// Many scalars.
    Scalars,
    /// One element of the many.
    Element,
    /// Many groups of the elements.
    Groups,
    /// What the callback gives, for each element.
    Mapped,
    /// The elements of what the callback gives for each element.
    Flat,
    /// What the callback gives.
    Callback,
    /// The elements of all arguments in turn.
    Chain,
    /// Tuples of one element of each argument.
    Zip,
    /// Pairs of a number and an element.
    Enumerated,
    /// Pairs of key and element.
    Items,
    /// A result set whose rows are tuples of what the statement selects.
    ResultSet,
    /// The first column of each row of a result set.
    FirstColumn,
    /// The current user.
    User,
    /// An instance of the class given as argument.
    InstanceOf,
    /// Eager loads: the attributes given, loaded.
    LoadPath,
    /// Eager loads: the attributes given as a way, not loaded themselves.
    LoadWay,
    /// Eager loads: nothing.
    LoadNone,
    /// Eager loads: only these columns.
    LoadColumns,
    /// Eager loads below the receiver.
    LoadBelow,
    /// Eager load of a path (argument 0), with a query (`queryset`) and an attribute (`to_attr`).
    Prefetch,
    /// A condition on the columns that the arguments speak of.
    Condition,
    /// Declares that requests are handled by what the arguments name.
    Route,
    /// Names the class that handles the routes declared in the closure that follows.
    RouteGroup,
    /// How an attribute is computed: the callback, when it is read.
    Accessor,
    /// The class of the model that the first arguments name by its label.
    ModelNamed,
    /// The template that the argument names, as an object.
    TemplateNamed,
}

/// What the callback is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gets {
    /// One element after the other.
    Element,
    /// All rows, once per chunk.
    Chunk,
    /// The receiver.
    Receiver,
    /// Nothing that is known; runs at most once.
    Nothing,
}

/// How eager loads are written in the arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grammar {
    /// `'a.b'`, lists and maps of them, closures that narrow; `:columns` after a colon.
    Dotted,
    /// `'a__b'`.
    Dunder,
    /// `'a__b'`, and objects that carry a path, a query and an attribute name.
    Prefetch,
    /// Objects that load a chain of attributes.
    Options,
}

/// When does what is registered or decorated so run?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runs {
    /// For every request, on the event loop where it is a coroutine.
    Request,
    /// For every request, a coroutine on a loop of its own.
    RequestAlone,
    /// For every message or job.
    Task,
    /// For every message or job, a coroutine on a loop of its own.
    TaskAlone,
    /// When its time has come.
    Scheduled,
    /// When the process starts or ends.
    Startup,
    /// Once per process, or once per distinct arguments: the result is kept.
    Once,
    /// By hand.
    Command,
}

/// What is asked about a number of rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Measures {
    /// How many there are.
    Number,
    /// Whether there is one.
    Some,
    /// Whether there is none.
    None,
}

/// Which argument: by position, by name, or either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArgRef {
    /// Position from 0.
    pub index: Option<usize>,
    /// Keyword.
    pub name: Option<Name>,
}

/// What a call means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Op {
    /// What it gives.
    pub result: Result,
    /// Sends a statement.
    pub executes: bool,
    /// The statement changes rows.
    pub writes: bool,
    /// Narrows or shapes the query.
    pub filters: bool,
    /// Limits the rows.
    pub limits: bool,
    /// The first argument is the number of rows it gives at most.
    pub few: bool,
    /// Orders the rows.
    pub orders: bool,
    /// Groups the rows, or puts them together from several queries.
    pub groups: bool,
    /// Uses nothing of many rows but how many there are.
    pub measures: Option<Measures>,
    /// Rows are no models afterwards.
    pub projects: bool,
    /// The arguments are selected beside what is selected already: rows become tuples.
    pub adds_columns: bool,
    /// Values are computed beside each row: the names of the arguments become attributes of the rows.
    pub adds_attributes: bool,
    /// Rows come one by one when iterated.
    pub lazy: bool,
    /// Eager loads do not take effect.
    pub no_eager: bool,
    /// Eager loads so far are dropped first.
    pub resets_eager: bool,
    /// Answered from memory if the plain relation is loaded.
    pub free_if_loaded: bool,
    /// Iterates its argument or receiver.
    pub iterates: bool,
    /// Removes scopes.
    pub unscopes: bool,
    /// Locks rows.
    pub locks: bool,
    /// Narrows by key.
    pub keyed: bool,
    /// Argument 0 may be a list: then the result is many.
    pub many_if_list: bool,
    /// Tells whether a relation is loaded; the argument names it.
    pub guards: bool,
    /// The arguments name what the value is given by hand: relation, value.
    pub sets_relation: bool,
    /// Columns named by the arguments are the only ones loaded.
    pub only_columns: bool,
    /// Columns named by the arguments are loaded when read.
    pub defers_columns: bool,
    /// Adds columns to what is loaded.
    pub converts_to_text: bool,
    /// Serializes its receiver or argument.
    pub serializes: bool,
    /// Runs the method named by the second word on the argument later, as a job.
    pub dispatches: bool,
    /// Leaves the event loop's thread: what runs below blocks nobody.
    pub offloads: bool,
    /// The argument is remembered by key: at most once per key.
    pub memoises: bool,
    /// The arguments are conditions on columns.
    pub terms: bool,
    /// Puts rows of another table beside those of the query.
    pub joins: bool,
    /// Adds an alternative on the outermost level.
    pub alternative: bool,
    /// Leaves the scopes behind, but not the relation that the query started from.
    pub to_base: bool,
    /// Closures given run for every query of the receiver's model.
    pub scope_hook: bool,
    /// Loads what the analysis does not know.
    pub opens: bool,
    /// Has no rows.
    pub empties: bool,
    /// The first argument names the table that is read.
    pub tables: bool,
    /// Asks a policy: the arguments are the ability and the row.
    pub authorizes: bool,
    /// What is loaded comes in these arguments.
    pub eager: Option<Grammar>,
    /// What is loaded now on the receiver (or argument named by `arg`) comes in these arguments.
    pub loads: Option<Grammar>,
    /// The callback.
    pub callback: Option<ArgRef>,
    /// A mapping of attributes that the row has afterwards, found or made.
    pub sets: Option<ArgRef>,
    /// What it is given.
    pub gets: Gets,
    /// Which of its parameters takes the element.
    pub element: usize,
    /// The arguments that name attributes read on each element.
    pub path: Option<ArgRef>,
    /// The argument that stands for the receiver, in functions.
    pub arg: Option<ArgRef>,
    /// Template name, for calls that render.
    pub template: Option<ArgRef>,
    /// Context of the template.
    pub context: Option<ArgRef>,
    /// Who gets what is dispatched, each in a turn of its own.
    pub to: Option<ArgRef>,
    /// The argument names a relation.
    pub relation: Option<ArgRef>,
    /// What runs after the answer, with the other arguments.
    pub runs_after: Option<ArgRef>,
    /// What is called with the other arguments.
    pub calls: Option<ArgRef>,
    /// What an instance of a library class the call gives.
    pub instance: Option<Name>,
    /// When what it decorates or registers runs.
    pub runs: Option<Runs>,
    /// Of tuples, their first column is meant.
    pub of_first_column: bool,
    /// As the default of a parameter: the argument is called for each request and gives the value.
    pub injects: bool,
}

pub(super) const WORDS: &[&str] = &[
    "unknown",
    "nothing",
    "scalar",
    "null",
    "same",
    "query",
    "rows",
    "row",
    "new",
    "new-rows",
    "pair",
    "scalars",
    "element",
    "groups",
    "mapped",
    "flat",
    "callback-result",
    "chain",
    "zip",
    "enumerated",
    "items",
    "result-set",
    "first-column",
    "of-first-column",
    "user",
    "instance-of",
    "load-path",
    "load-way",
    "load-none",
    "load-columns",
    "load-below",
    "prefetch-object",
    "route",
    "route-group",
    "accessor",
    "model-named",
    "template-named",
    "exec",
    "write",
    "filter",
    "limit",
    "at-most",
    "order",
    "group",
    "project",
    "add-columns",
    "add-attributes",
    "lazy",
    "no-eager",
    "reset-eager",
    "free-if-loaded",
    "iterates",
    "unscope",
    "lock",
    "keyed",
    "many-if-list",
    "guard",
    "set-relation",
    "only-columns",
    "defer-columns",
    "text",
    "serialize",
    "dispatch",
    "offload",
    "memoise",
    "terms",
    "joins",
    "or",
    "to-base",
    "table",
    "scope-hook",
    "empty",
    "opens",
    "condition",
    "inject",
    "policy",
];

pub(super) const KEYS: &[&str] = &[
    "eager",
    "load",
    "sets",
    "callback",
    "gets",
    "element-param",
    "path",
    "arg",
    "template",
    "context",
    "relation",
    "to",
    "calls",
    "runs-after",
    "instance",
    "runs",
    "measures",
];

const RUNS: &[&str] = &["request", "request-alone", "task", "task-alone", "scheduled", "startup", "once", "command"];

impl Op {
    fn empty() -> Op {
        Op {
            result: Result::Unknown,
            executes: false,
            writes: false,
            filters: false,
            limits: false,
            few: false,
            orders: false,
            groups: false,
            measures: None,
            projects: false,
            adds_columns: false,
            adds_attributes: false,
            lazy: false,
            no_eager: false,
            resets_eager: false,
            free_if_loaded: false,
            iterates: false,
            unscopes: false,
            locks: false,
            keyed: false,
            many_if_list: false,
            guards: false,
            sets_relation: false,
            only_columns: false,
            defers_columns: false,
            converts_to_text: false,
            serializes: false,
            dispatches: false,
            offloads: false,
            memoises: false,
            terms: false,
            joins: false,
            alternative: false,
            to_base: false,
            scope_hook: false,
            opens: false,
            empties: false,
            tables: false,
            authorizes: false,
            eager: None,
            loads: None,
            callback: None,
            runs_after: None,
            sets: None,
            gets: Gets::Element,
            element: 0,
            path: None,
            arg: None,
            template: None,
            context: None,
            to: None,
            relation: None,
            calls: None,
            instance: None,
            runs: None,
            of_first_column: false,
            injects: false,
        }
    }

    /// Decides which rows a query gives, other than by their number or order.
    pub fn narrows(&self) -> bool {
        let shapes = self.orders || self.projects || self.only_columns || self.defers_columns || self.locks || self.limits;
        self.filters && !shapes && self.eager.is_none()
    }

    /// Reads the words of an operation: `"exec rows callback=0 gets=chunk"`.
    ///
    /// # Errors
    /// A word that does not exist.
    pub(super) fn parse(file: &str, words: &str) -> std::result::Result<Op, PackError> {
        let mut op = Op::empty();
        for word in words.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => op.key(file, key, value)?,
                None => op.word(file, word)?,
            }
        }
        Ok(op)
    }

    fn word(&mut self, file: &str, word: &str) -> std::result::Result<(), PackError> {
        match word {
            "unknown" => self.result = Result::Unknown,
            "nothing" => self.result = Result::Nothing,
            "scalar" => self.result = Result::Scalar,
            "null" => self.result = Result::Null,
            "same" => self.result = Result::Same,
            "query" => self.result = Result::Query,
            "rows" => self.result = Result::Rows,
            "row" => self.result = Result::Row,
            "new" => self.result = Result::New,
            "new-rows" => self.result = Result::NewRows,
            "pair" => self.result = Result::Pair,
            "scalars" => self.result = Result::Scalars,
            "element" => self.result = Result::Element,
            "groups" => self.result = Result::Groups,
            "mapped" => self.result = Result::Mapped,
            "flat" => self.result = Result::Flat,
            "callback-result" => self.result = Result::Callback,
            "chain" => self.result = Result::Chain,
            "zip" => self.result = Result::Zip,
            "enumerated" => self.result = Result::Enumerated,
            "items" => self.result = Result::Items,
            "result-set" => self.result = Result::ResultSet,
            "first-column" => self.result = Result::FirstColumn,
            "of-first-column" => self.of_first_column = true,
            "user" => self.result = Result::User,
            "instance-of" => self.result = Result::InstanceOf,
            "load-path" => self.result = Result::LoadPath,
            "load-way" => self.result = Result::LoadWay,
            "load-none" => self.result = Result::LoadNone,
            "load-columns" => self.result = Result::LoadColumns,
            "load-below" => self.result = Result::LoadBelow,
            "prefetch-object" => self.result = Result::Prefetch,
            "route" => self.result = Result::Route,
            "route-group" => self.result = Result::RouteGroup,
            "accessor" => self.result = Result::Accessor,
            "model-named" => self.result = Result::ModelNamed,
            "template-named" => self.result = Result::TemplateNamed,
            "exec" => self.executes = true,
            "write" => self.writes = true,
            "filter" => self.filters = true,
            "limit" => self.limits = true,
            "at-most" => self.few = true,
            "order" => self.orders = true,
            "group" => self.groups = true,
            "project" => self.projects = true,
            "add-columns" => self.adds_columns = true,
            "add-attributes" => self.adds_attributes = true,
            "lazy" => self.lazy = true,
            "no-eager" => self.no_eager = true,
            "reset-eager" => self.resets_eager = true,
            "free-if-loaded" => self.free_if_loaded = true,
            "iterates" => self.iterates = true,
            "unscope" => self.unscopes = true,
            "lock" => self.locks = true,
            "keyed" => self.keyed = true,
            "many-if-list" => self.many_if_list = true,
            "guard" => self.guards = true,
            "set-relation" => self.sets_relation = true,
            "only-columns" => self.only_columns = true,
            "defer-columns" => self.defers_columns = true,
            "text" => self.converts_to_text = true,
            "serialize" => self.serializes = true,
            "dispatch" => self.dispatches = true,
            "offload" => self.offloads = true,
            "memoise" => self.memoises = true,
            "terms" => self.terms = true,
            "joins" => self.joins = true,
            "or" => self.alternative = true,
            "to-base" => {
                self.to_base = true;
                self.unscopes = true;
            }
            "opens" => self.opens = true,
            "empty" => self.empties = true,
            "scope-hook" => self.scope_hook = true,
            "table" => self.tables = true,
            "condition" => self.result = Result::Condition,
            "inject" => self.injects = true,
            "policy" => self.authorizes = true,
            other => return Err(unknown(file, other, WORDS)),
        }
        Ok(())
    }

    fn key(&mut self, file: &str, key: &str, value: &str) -> std::result::Result<(), PackError> {
        match key {
            "eager" => self.eager = Some(grammar(file, value)?),
            "load" => self.loads = Some(grammar(file, value)?),
            "callback" => self.callback = Some(arg_ref(value)),
            "sets" => self.sets = Some(arg_ref(value)),
            "gets" => {
                self.gets = match value {
                    "element" => Gets::Element,
                    "chunk" => Gets::Chunk,
                    "receiver" => Gets::Receiver,
                    "nothing" => Gets::Nothing,
                    other => {
                        return Err(unknown(file, other, &["element", "chunk", "receiver", "nothing"]));
                    }
                }
            }
            "element-param" => self.element = value.parse().unwrap_or(0),
            "path" => self.path = Some(arg_ref(value)),
            "arg" => self.arg = Some(arg_ref(value)),
            "template" => self.template = Some(arg_ref(value)),
            "context" => self.context = Some(arg_ref(value)),
            "to" => self.to = Some(arg_ref(value)),
            "relation" => self.relation = Some(arg_ref(value)),
            "calls" => self.calls = Some(arg_ref(value)),
            "runs-after" => self.runs_after = Some(arg_ref(value)),
            "instance" => self.instance = Some(Name::new(value)),
            "measures" => {
                self.measures = Some(match value {
                    "number" => Measures::Number,
                    "some" => Measures::Some,
                    "none" => Measures::None,
                    other => return Err(unknown(file, other, &["number", "some", "none"])),
                });
            }
            "runs" => {
                self.runs = Some(match value {
                    "request" => Runs::Request,
                    "request-alone" => Runs::RequestAlone,
                    "task" => Runs::Task,
                    "task-alone" => Runs::TaskAlone,
                    "scheduled" => Runs::Scheduled,
                    "startup" => Runs::Startup,
                    "once" => Runs::Once,
                    "command" => Runs::Command,
                    other => return Err(unknown(file, other, RUNS)),
                });
            }
            other => return Err(unknown(file, other, KEYS)),
        }
        Ok(())
    }
}

fn grammar(file: &str, value: &str) -> std::result::Result<Grammar, PackError> {
    match value {
        "dotted" => Ok(Grammar::Dotted),
        "dunder" => Ok(Grammar::Dunder),
        "prefetch" => Ok(Grammar::Prefetch),
        "options" => Ok(Grammar::Options),
        other => Err(unknown(file, other, &["dotted", "dunder", "prefetch", "options"])),
    }
}

/// `1`, `key` or `1|key`.
fn arg_ref(text: &str) -> ArgRef {
    let mut arg = ArgRef { index: None, name: None };
    for part in text.split('|') {
        match part.parse() {
            Ok(index) => arg.index = Some(index),
            Err(_) => arg.name = Some(Name::new(part)),
        }
    }
    arg
}

fn unknown(file: &str, word: &str, known: &[&str]) -> PackError {
    let nearest = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)))
        .copied()
        .unwrap_or_default();
    PackError::Word { file: file.to_owned(), word: word.to_owned(), nearest: nearest.to_owned() }
}
