//! What may a place hold? Values are interned: one word each, equal if and only if they are the same.
//!
//! A value never changes. Loading later (`load`, `prefetch_related_objects`) replaces, in all variables, the rows of that
//! source by rows that know more; see [`Values::with_loaded`].

mod join;

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use super::tree::{Tree, Trees};
use crate::base::{FileId, Name, Span};
use crate::index::{ClassId, FnRef, ModelId};

/// An interned value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Val(pub u32);

/// An interned source of rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Src(pub u32);

/// A loop, by the place of its header; `LoopId(0)` is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LoopId(pub u32);

/// No loop.
pub const NO_LOOP: LoopId = LoopId(0);

/// Where rows come from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A query written here.
    Query(Span),
    /// A relation followed from rows of another source.
    Relation(Src, Name),
    /// A parameter or variable known only by its type, declared here.
    Declared(Span),
    /// Rows made here and not yet read back.
    Fresh(Span),
    /// The current user or another object that lives once per request.
    Ambient,
}

/// One row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Row {
    /// Its model.
    pub model: ModelId,
    /// What is loaded on it.
    pub tree: Tree,
    /// Where it comes from.
    pub src: Src,
    /// The loop that gives a new row each turn.
    pub renewed_by: LoopId,
}

/// How a query was narrowed or shaped; bits of [`Query::flags`].
pub mod flag {
    /// Not the plain relation or table any more: has conditions, order or other clauses.
    pub const FILTERED: u32 = 1;
    /// Has a limit or gives one page.
    pub const LIMITED: u32 = 2;
    /// Rows are no models: columns, dictionaries, scalars.
    pub const PROJECTED: u32 = 4;
    /// Eager loads do not take effect.
    pub const NO_EAGER: u32 = 8;
    /// Limited to the tenant, or narrowed by something unknown.
    pub const SCOPED: u32 = 16;
    /// A scope was removed.
    pub const UNSCOPED: u32 = 32;
    /// Rows are tuples of the selected entities even if there is only one.
    pub const WRAPPED: u32 = 64;
    /// Ordered.
    pub const ORDERED: u32 = 128;
    /// Locks the rows it reads.
    pub const LOCKED: u32 = 256;
    /// Written for one key: narrowed by the primary key or a list of keys.
    pub const KEYED: u32 = 512;
    /// Narrowed to a list of keys that a variable holds: one statement for many keys.
    pub const BATCH: u32 = 4096;
    /// Gives so few rows that a loop over them is none.
    pub const FEW: u32 = 2048;
    /// Written by a raw statement or on a bare table: no model's scopes apply.
    pub const RAW: u32 = 1024;
    /// Rows are groups, or put together from several queries: counting them is another question.
    pub const GROUPED: u32 = 8192;
    /// Has a condition, a join, or something else that decides which rows it gives.
    pub const NARROWED: u32 = 16384;
    /// Has a condition of which the columns are not known.
    pub const OTHERWISE: u32 = 32768;
    /// A new query of the model of the row that it was asked on: the row does not narrow it.
    pub const ANEW: u32 = 65536;
    /// Selects what is not known of a session: its methods run it as queries of sessions do.
    pub const SELECTED: u32 = 131_072;
}

/// An interned set of [`Mark`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Marks(pub u32);

/// No marks.
pub const NO_MARKS: Marks = Marks(0);

/// What was done to a query that decides which rows it can reach.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Mark {
    /// A condition on this column, relation or path of them, as written.
    Term(Name),
    /// A scope was removed here: its name, or all of them.
    Removed(Option<Name>, Span),
    /// Started from this manager.
    Manager(Name, Span),
    /// An alternative on the outermost level was added here.
    Or(Span),
    /// An alternative was added when there was this condition already.
    Beside(Name),
    /// Holds a column to the values of a list.
    Several,
    /// The list is one of keys that a variable holds.
    Keys,
    /// Rows of another table stand beside its own: a column needs its table's name.
    Joined,
    /// Reads this bare table.
    Table(Name),
    /// The terms beside it need not all hold, or do not hold a column to one value.
    Loose,
}

/// A query in the making, or a relation of a row as a query.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Query {
    /// Model of its rows, if it has one.
    pub model: Option<ModelId>,
    /// What its rows will have loaded.
    pub tree: Tree,
    /// Where it was written.
    pub src: Src,
    /// The row and relation through which it was reached.
    pub via: Option<(Val, Name)>,
    /// What is selected, where that is not just the model: values of the columns of a row.
    pub columns: Box<[Val]>,
    /// Class of the program with methods of its own for this query (manager, queryset, builder).
    pub class: Option<ClassId>,
    /// See [`flag`].
    pub flags: u32,
    /// What decides which rows it can reach.
    pub marks: Marks,
}

impl Query {
    /// A query that starts here, with nothing done to it yet.
    pub fn new(model: Option<ModelId>, tree: Tree, src: Src) -> Query {
        Query { model, tree, src, via: None, columns: Box::default(), class: None, flags: 0, marks: NO_MARKS }
    }
}

/// Eager loads as a value: paths of relations, and perhaps a query and a name of its own for the last.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Load {
    /// Where the next link of the chain goes.
    pub prefix: Box<[Name]>,
    /// Paths that are loaded.
    pub paths: Box<[Box<[Name]>]>,
    /// The query that loads the last relation, if given.
    pub query: Option<Val>,
    /// The attribute that takes the rows instead of the relation.
    pub attr: Option<Name>,
    /// Columns of the row at `prefix` that are the only ones loaded.
    pub columns: Option<Box<[Name]>>,
    /// Something in it is not known.
    pub open: bool,
}

/// What kind of sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ManyKind {
    /// List, collection, result set held in memory.
    Held,
    /// Runs when it is iterated (generator, cursor).
    Lazy,
    /// A literal of known, small size.
    Literal,
    /// Groups or chunks of rows: each element is itself many.
    Groups,
}

/// A value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Data {
    /// A variable before anything was assigned to it.
    Unset,
    /// Bound, but not known to what.
    Unknown,
    /// Null.
    Null,
    /// A number, truth value, text or date that is not known.
    Scalar,
    /// A known truth value.
    Bool(bool),
    /// A known text.
    Str(Name),
    /// A known number.
    Int(i64),
    /// A class of the program.
    Class(ClassId),
    /// A model without a class in the program, as a class.
    ModelClass(ModelId),
    /// A class, function or module outside the program, by full name.
    External(Name),
    /// An instance of a class outside the program.
    Instance(Name),
    /// A module of the program.
    Module(FileId),
    /// A function of the program.
    Function(FnRef),
    /// A closure: function, captured values in order of its captures, and `$this`.
    Closure(FnRef, Box<[Val]>, Val),
    /// A method bound to a receiver.
    Method(Val, Name),
    /// `super()` of a receiver, seen from a class.
    Super(Val, ClassId),
    /// An instance of a class of the program that is no model: known fields. Not exact: may be of a subclass.
    Object {
        /// Its class.
        class: ClassId,
        /// Fields known on this instance, sorted by name.
        fields: Box<[(Name, Val)]>,
        /// The class itself, not a subclass.
        exact: bool,
    },
    /// One row.
    Row(Row),
    /// A query in the making.
    Query(Query),
    /// Many elements, described by one.
    Many(Val, ManyKind),
    /// Known elements in order.
    Tuple(Box<[Val]>),
    /// Known keys, sorted by name, and the value of any other key.
    Record(Box<[(Name, Val)]>, Option<Val>),
    /// An attribute of a model as such: `Post.author`.
    Attribute(ModelId, Name),
    /// Eager loads.
    Load(Load),
    /// A condition as a value, on the columns of these marks.
    Condition(Marks),
    /// A higher-order proxy of many elements, named by its method.
    Proxy(Val, Name),
    /// Rows on their way to what shows each of them, or how such rows are to be changed first; and what kind of list it is.
    Shown(Val, Name),
    /// A template that is rendered with a context when the function that names it ends.
    View {
        /// Names under which it is looked for.
        names: Box<[Name]>,
        /// A record.
        context: Val,
        /// Where it was named.
        at: Span,
    },
    /// One of several.
    OneOf(Box<[Val]>),
}

/// Values nested deeper are unknown: what a recursion wraps again and again has no use.
const MAX_VALUE_DEPTH: u8 = 12;

/// A query carries at most so many marks.
const MAX_MARKS: usize = 24;

/// Sources nest at most this deep (`a.b.c.d…` of lazily followed relations).
const MAX_SOURCE_DEPTH: u32 = 8;

/// The table of values of one analysis.
#[derive(Debug, Default)]
pub struct Values {
    data: Vec<Data>,
    /// Is there a row in the value, however deep?
    rows_inside: Vec<bool>,
    /// How deep the value is nested.
    depths: Vec<u8>,
    /// Hash of each value.
    hashes: Vec<u64>,
    /// The values by their hash: what they hold is kept once.
    ids: HashTable<Val>,
    sources: Vec<(Source, u32)>,
    source_ids: FxHashMap<Source, Src>,
    /// A query whose model its caller decides is a source of its own for each.
    queries_of: FxHashMap<(Source, ModelId), Src>,
    /// Models of the rows that a source gives.
    source_models: FxHashMap<Src, ModelId>,
    loops: Vec<Span>,
    loop_ids: FxHashMap<Span, LoopId>,
    marks: Vec<Box<[Mark]>>,
    mark_ids: FxHashMap<Box<[Mark]>, Marks>,
    /// Loading trees.
    pub trees: Trees,
}

/// Values that a value is made of.
fn parts(data: &Data, each: &mut dyn FnMut(Val)) {
    match data {
        Data::Query(query) => {
            if let Some((object, _)) = query.via {
                each(object);
            }
            query.columns.iter().for_each(|v| each(*v));
        }
        Data::Many(v, _) | Data::Proxy(v, _) | Data::Method(v, _) | Data::Super(v, _) | Data::Shown(v, _) => each(*v),
        Data::View { context, .. } => each(*context),
        Data::Load(load) => load.query.iter().for_each(|v| each(*v)),
        Data::Closure(_, items, this) => {
            items.iter().for_each(|v| each(*v));
            each(*this);
        }
        Data::Tuple(items) | Data::OneOf(items) => items.iter().for_each(|v| each(*v)),
        Data::Record(keys, rest) => {
            keys.iter().for_each(|(_, v)| each(*v));
            rest.iter().for_each(|v| each(*v));
        }
        Data::Object { fields, .. } => fields.iter().for_each(|(_, v)| each(*v)),
        _ => (),
    }
}

/// The unknown value.
pub const UNKNOWN: Val = Val(0);
/// Null.
pub const NULL: Val = Val(1);
/// An unknown scalar.
pub const SCALAR: Val = Val(2);
/// No value yet: of a variable that is filled on one way only, what it holds afterwards is what that way gave.
pub const UNSET: Val = Val(3);

impl Values {
    /// An empty table.
    pub fn new() -> Values {
        let mut values = Values::default();
        values.marked(NO_MARKS, &[]);
        values.of(Data::Unknown);
        values.of(Data::Null);
        values.of(Data::Scalar);
        values.of(Data::Unset);
        values
    }

    /// The value with this content.
    pub fn of(&mut self, data: Data) -> Val {
        let hash = FxBuildHasher.hash_one(&data);
        if let Some(id) = self.ids.find(hash, |id| self.data[id.0 as usize] == data) {
            return *id;
        }
        let depth = self.depth_of(&data);
        if depth > MAX_VALUE_DEPTH {
            return UNKNOWN;
        }
        let id = Val(self.data.len() as u32);
        self.rows_inside.push(self.holds_rows(&data));
        self.depths.push(depth);
        self.data.push(data);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.ids.insert_unique(hash, id, |id| hashes[id.0 as usize]);
        id
    }

    fn holds_rows(&self, data: &Data) -> bool {
        match data {
            Data::Row(_) => true,
            Data::Query(query) => query.via.is_some(),
            // What a closure holds is not changed from outside.
            Data::Closure(..) | Data::Method(..) | Data::Super(..) => false,
            _ => {
                let mut found = false;
                parts(data, &mut |val| found |= self.rows_inside[val.0 as usize]);
                found
            }
        }
    }

    fn depth_of(&self, data: &Data) -> u8 {
        let mut deepest = 0;
        parts(data, &mut |val| deepest = deepest.max(self.depths[val.0 as usize] + 1));
        deepest
    }

    /// The content of a value.
    pub fn get(&self, val: Val) -> &Data {
        &self.data[val.0 as usize]
    }

    /// A source.
    pub fn source(&mut self, source: Source) -> Src {
        if let Some(id) = self.source_ids.get(&source) {
            return *id;
        }
        let depth = match source {
            Source::Relation(parent, _) => self.sources[parent.0 as usize].1 + 1,
            _ => 0,
        };
        // Walking a tree: the same relation again and again is one source.
        if let Source::Relation(parent, name) = source
            && let Source::Relation(_, above) = self.sources[parent.0 as usize].0
            && above == name
        {
            return parent;
        }
        if depth > MAX_SOURCE_DEPTH
            && let Source::Relation(parent, _) = source
        {
            return parent;
        }
        let id = Src(self.sources.len() as u32);
        self.sources.push((source, depth));
        self.source_ids.insert(source, id);
        id
    }

    /// The source of the rows of a model: one place may ask for several.
    pub fn source_of_model(&mut self, source: Source, model: ModelId) -> Src {
        if let Some(id) = self.queries_of.get(&(source, model)) {
            return *id;
        }
        let plain = self.source(source);
        let id = match self.source_models.get(&plain) {
            Some(other) if *other != model => {
                let id = Src(self.sources.len() as u32);
                self.sources.push((source, 0));
                id
            }
            _ => plain,
        };
        self.source_models.insert(id, model);
        self.queries_of.insert((source, model), id);
        id
    }

    /// What a source is.
    pub fn source_of(&self, src: Src) -> Source {
        self.sources[src.0 as usize].0
    }

    /// The first source of a chain of relations, and the path from it.
    pub fn root_source(&self, src: Src) -> (Source, Vec<Name>) {
        let mut path = Vec::new();
        let mut at = src;
        loop {
            match self.source_of(at) {
                Source::Relation(parent, name) => {
                    path.push(name);
                    at = parent;
                }
                other => {
                    path.reverse();
                    return (other, path);
                }
            }
        }
    }

    /// The set with more marks.
    pub fn marked(&mut self, marks: Marks, more: &[Mark]) -> Marks {
        let mut all = self.marks_of(marks).to_vec();
        all.extend_from_slice(more);
        all.sort_unstable();
        all.dedup();
        if all.len() > MAX_MARKS {
            return marks;
        }
        let all = all.into_boxed_slice();
        if let Some(id) = self.mark_ids.get(&all) {
            return *id;
        }
        let id = Marks(self.marks.len() as u32);
        self.marks.push(all.clone());
        self.mark_ids.insert(all, id);
        id
    }

    /// The marks of a set, sorted.
    pub fn marks_of(&self, marks: Marks) -> &[Mark] {
        self.marks.get(marks.0 as usize).map_or(&[], |m| &**m)
    }

    /// The model of the rows that a source gives.
    pub fn model_of(&self, src: Src) -> Option<ModelId> {
        self.source_models.get(&src).copied()
    }

    /// The first source of a chain of relations.
    pub fn root(&self, src: Src) -> Src {
        let mut at = src;
        while let Source::Relation(parent, _) = self.source_of(at) {
            at = parent;
        }
        at
    }

    /// Adds the first sources of all rows that can be reached through a value.
    pub fn roots_in(&self, val: Val, depth: usize, roots: &mut SmallVec<[Src; 4]>) {
        if depth == 0 {
            return;
        }
        match self.get(val) {
            Data::Row(row) => {
                let root = self.root(row.src);
                if !roots.contains(&root) {
                    roots.push(root);
                }
            }
            data => parts(data, &mut |part| self.roots_in(part, depth - 1, roots)),
        }
    }

    /// The model of the rows that a chain of relations starts from.
    pub fn root_model(&self, src: Src) -> Option<ModelId> {
        self.source_models.get(&self.root(src)).copied()
    }

    /// The loop with this header.
    pub fn loop_at(&mut self, header: Span) -> LoopId {
        if let Some(id) = self.loop_ids.get(&header) {
            return *id;
        }
        self.loops.push(header);
        let id = LoopId(self.loops.len() as u32);
        self.loop_ids.insert(header, id);
        id
    }

    /// The header of a loop.
    pub fn loop_span(&self, id: LoopId) -> Option<Span> {
        (id.0 as usize).checked_sub(1).and_then(|i| self.loops.get(i)).copied()
    }

    /// A text.
    pub fn str(&mut self, text: Name) -> Val {
        self.of(Data::Str(text))
    }

    /// One row.
    pub fn row(&mut self, row: Row) -> Val {
        self.source_models.entry(row.src).or_insert(row.model);
        self.of(Data::Row(row))
    }

    /// Many of these.
    pub fn many(&mut self, element: Val, kind: ManyKind) -> Val {
        self.of(Data::Many(element, kind))
    }

    /// A record with these keys.
    pub fn record(&mut self, mut keys: Vec<(Name, Val)>, rest: Option<Val>) -> Val {
        keys.sort_by_key(|k| k.0);
        let mut out: Vec<(Name, Val)> = Vec::with_capacity(keys.len());
        for (k, v) in keys {
            match out.last_mut() {
                Some(last) if last.0 == k => last.1 = v,
                _ => out.push((k, v)),
            }
        }
        self.of(Data::Record(out.into_boxed_slice(), rest))
    }
}
