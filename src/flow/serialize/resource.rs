//! What does a resource, a class that wraps a row and tells which of its attributes are shown, read of it?

use super::super::call::Args;
use super::super::tree::State;
use super::super::value::{Data, NULL, Row, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ClassId;
use crate::packs::Result;

impl<'a> Engine<'a> {
    /// What an instance wraps.
    pub(in crate::flow) fn wrapped(&mut self, fr: &mut Frame<'a>, object: Val) -> Val {
        let field = self.word(fr, "resource-wrapped");
        match self.data(object) {
            Data::Object { fields, .. } => fields.iter().find(|(n, _)| *n == field).map_or(UNKNOWN, |(_, v)| *v),
            _ => UNKNOWN,
        }
    }

    fn resource_of(&mut self, fr: &mut Frame<'a>, class: ClassId, row: Val) -> Val {
        let field = self.word(fr, "resource-wrapped");
        self.object(class, vec![(field, row)])
    }

    /// `new PostResource($post)`: shown where it is made, since hardly any is made for nothing.
    pub(super) fn resource_made(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, args: &Args, range: Range) -> Val {
        let mut object = object;
        if self.wrapped(fr, object) == UNKNOWN {
            let Some(row) = args.positional.first().copied().or_else(|| args.named.first().map(|(_, v)| *v)) else {
                return object;
            };
            let field = self.word(fr, "resource-wrapped");
            object = self.with_field(object, field, row);
        }
        self.show(fr, object, class, range);
        object
    }

    /// Evaluates what a resource shows of what it wraps.
    fn show(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) {
        let wrapped = self.wrapped(fr, object);
        if !matches!(self.data(wrapped), Data::Row(_) | Data::Object { .. } | Data::OneOf(_) | Data::Record(..) | Data::Tuple(_))
        {
            return;
        }
        self.serves(class, wrapped);
        let method = self.word(fr, "resource-method");
        if self.ix.find_method(class, method).is_none() {
            self.serialize(fr, wrapped, range, 1);
            return;
        }
        let request = self.library_object(fr, "resource-request");
        let shown = self.call_method(fr, object, method, Args::positional(vec![request]), range);
        self.serialize(fr, shown, range, 1);
        for extra in self.words(fr, "resource-extras") {
            if self.ix.find_method(class, extra).is_some() {
                self.call_method(fr, object, extra, Args::positional(vec![request]), range);
            }
        }
    }

    /// Shows each of many rows.
    fn show_each(&mut self, fr: &mut Frame<'a>, class: ClassId, rows: Val, range: Range) -> Val {
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            let object = e.resource_of(fr, class, row);
            let object = e.with_defaults(object, class);
            e.show(fr, object, class, range);
            object
        })
    }

    /// An object on which nobody has called anything yet: what its class keeps to itself is as it is declared.
    fn with_defaults(&mut self, object: Val, class: ClassId) -> Val {
        let mut object = object;
        let constructor = self.constructor(class);
        for owner in self.ix.class(class).mro.clone() {
            for attr in &self.ix.class_decl(owner).attrs {
                let is_set = constructor.is_some_and(|f| self.assigned_fields(f).contains(&attr.name));
                if attr.is_static || attr.promoted || !attr.is_hidden || attr.value.is_none() || is_set {
                    continue;
                }
                let declared = self.class_attr(class, attr.name);
                if matches!(self.data(declared), Data::Bool(_)) && self.known_field(object, attr.name).is_none() {
                    object = self.with_field(object, attr.name, declared);
                }
            }
        }
        object
    }

    /// `PostResource::collection($posts)`, `PostResource::make($post)`.
    pub(super) fn resource_static(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        role: &str,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        let rows = args.positional.first().copied();
        if name == self.word(fr, "resource-many") {
            let rows = rows?;
            // A class of the program's own for many of them.
            return Some(self.show_each(fr, class, rows, range));
        }
        if name == self.word(fr, "resource-make") {
            let object = self.v.of(Data::Object { class, fields: Box::default(), exact: true });
            return Some(if role == "resource" {
                self.resource_made(fr, object, class, args, range)
            } else {
                self.resource_collection(fr, object, class, args, range)
            });
        }
        None
    }

    /// `new PostCollection($posts)`: each row is shown by the resource that belongs to the collection.
    pub(super) fn resource_collection(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        args: &Args,
        range: Range,
    ) -> Val {
        let wrapped = self.wrapped(fr, object);
        let rows = if wrapped == UNKNOWN { args.positional.first().copied().unwrap_or(UNKNOWN) } else { wrapped };
        // A collection without a name of its own is told which resource shows its elements.
        let told = args.positional.get(1).and_then(|v| match self.data(*v) {
            Data::Class(single) => Some(*single),
            _ => None,
        });
        let shown = match told.or_else(|| self.collected(fr, class)) {
            Some(single) => self.show_each(fr, single, rows, range),
            None => rows,
        };
        let (collection, field) = (self.word(fr, "resource-collected"), self.word(fr, "resource-wrapped"));
        let object = self.with_field(object, collection, shown);
        let object = self.with_field(object, field, rows);
        let method = self.word(fr, "resource-method");
        if self.ix.find_method(class, method).is_some() {
            let request = self.library_object(fr, "resource-request");
            self.call_method(fr, object, method, Args::positional(vec![request]), range);
        }
        object
    }

    /// The resource that shows one element of a collection: declared, or found by name.
    fn collected(&mut self, fr: &mut Frame<'a>, class: ClassId) -> Option<ClassId> {
        let declared = self.word(fr, "resource-collects");
        let val = self.class_attr(class, declared);
        if let Data::Class(single) = *self.data(val) {
            return Some(single);
        }
        let suffix = self.word(fr, "resource-collection-suffix");
        let name = self.ix.class(class).name;
        let stem = name.as_str().strip_suffix(suffix.as_str())?;
        let one = self.word(fr, "resource-suffix");
        [format!("{stem}{one}"), stem.to_owned()]
            .iter()
            .find_map(|n| self.ix.class_names.get(&Name::new(&n.to_ascii_lowercase())).copied())
            .filter(|c| *c != class)
    }

    /// A method that a resource inherits: conditions on what is shown; all else goes to what it wraps.
    pub(super) fn resource_method(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Val {
        let wrapped = self.wrapped(fr, recv);
        if name.as_str() == "__construct" {
            let field = self.word(fr, "resource-wrapped");
            if let Some(row) = args.positional.first() {
                let changed = self.with_field(recv, field, *row);
                if fr.this == recv {
                    fr.this = changed;
                }
            }
            return UNKNOWN;
        }
        if name == self.word(fr, "resource-method") {
            self.serialize(fr, wrapped, range, 1);
            return SCALAR;
        }
        let kind = Name::new("resource");
        let Some(op) = self.ix.packs.op_in_language(self.language(fr), kind, name).cloned() else {
            if let Some(val) = self.resource_static(fr, class, "resource", name, args, range) {
                return val;
            }
            if self.v.is_plain(wrapped) {
                self.run_callbacks(fr, args, range);
                return UNKNOWN;
            }
            return self.call_method(fr, wrapped, name, args.clone(), range);
        };
        if op.guards {
            return self.shown_if_loaded(fr, wrapped, args, range);
        }
        let mut last = UNKNOWN;
        for val in &args.positional {
            if self.is_function(*val) {
                last = self.call_value(fr, *val, Args::positional(vec![wrapped]), range);
            } else if op.callback.is_some() && !self.v.is_plain(*val) {
                last = *val;
            }
        }
        match op.result {
            Result::Scalar => SCALAR,
            Result::Same => args.positional.first().copied().unwrap_or(UNKNOWN),
            _ => last,
        }
    }

    pub(super) fn is_function(&self, val: Val) -> bool {
        matches!(self.data(val), Data::Closure(..) | Data::Function(_) | Data::Method(..))
    }

    /// `whenLoaded('author', fn () => …)`
    fn shown_if_loaded(&mut self, fr: &mut Frame<'a>, wrapped: Val, args: &Args, range: Range) -> Val {
        let rows: Vec<(Val, Row)> =
            self.v.alternatives(wrapped).into_iter().filter_map(|v| self.bare_row(v).map(|row| (v, row))).collect();
        let Some(Data::Str(path)) = args.positional.first().map(|v| self.data(*v).clone()) else {
            return UNKNOWN;
        };
        let first = Name::new(path.as_str().split('.').next().unwrap_or_default());
        let mut result: Option<Val> = None;
        for (val, row) in rows {
            let state = match self.relation(row.model, first) {
                Some(relation) => self.state(fr, row, relation),
                None => self.v.trees.state(row.tree, first),
            };
            let shown = if matches!(state, State::Missing) {
                match args.positional.get(2) {
                    Some(other) if self.is_function(*other) => self.call_value(fr, *other, Args::default(), range),
                    Some(other) => *other,
                    None => NULL,
                }
            } else {
                let guards = fr.guards.len();
                fr.guards.push((row.src, first));
                let related = self.attr(fr, val, first, range);
                let shown = match args.positional.get(1) {
                    Some(f) if self.is_function(*f) => self.call_value(fr, *f, Args::positional(vec![related]), range),
                    Some(v) if *v != NULL => *v,
                    _ => related,
                };
                fr.guards.truncate(guards);
                shown
            };
            result = Some(match result {
                Some(old) => self.v.join(old, shown),
                None => shown,
            });
        }
        result.unwrap_or(UNKNOWN)
    }

    /// Would serializing the element of a sequence read anything?
    pub(super) fn adds_something(&mut self, element: Val) -> bool {
        self.v.alternatives(element).into_iter().any(|v| match self.data(v).clone() {
            Data::Row(row) => {
                if !self.computed_columns(row.model).is_empty() {
                    return true;
                }
                let model = self.ix.model(row.model);
                let parts = self.ix.packs.word(model.dialect, "serialize-parts").map_or("", Name::as_str);
                let has = |part: &str| model.class.is_some_and(|class| self.ix.find_method(class, Name::new(part)).is_some());
                !model.appends.is_empty()
                    || self.own_serializer(&row).is_some()
                    || row.tree.0 > 1
                    || parts.split_whitespace().any(has)
            }
            Data::Record(keys, rest) => keys.iter().map(|(_, v)| *v).chain(rest).any(|v| !self.v.is_plain(v)),
            _ => false,
        })
    }

    /// The method of a model's class that says what is serialized.
    fn own_serializer(&self, row: &Row) -> Option<(ClassId, Name)> {
        let model = self.ix.model(row.model);
        let class = model.class?;
        let method = self.ix.packs.word(model.dialect, "serialize-method")?;
        self.ix.find_method(class, method).map(|_| (class, method))
    }

    /// A row is serialized: its own method says what is shown, or its columns, what is loaded, and what its class appends.
    pub(super) fn serialize_row(&mut self, fr: &mut Frame<'a>, val: Val, row: Row, at: Range, depth: usize) {
        if let Some((_, method)) = self.own_serializer(&row) {
            self.call_method(fr, val, method, Args::default(), at);
            return;
        }
        let model = self.ix.model(row.model);
        let parts = self.ix.packs.word(model.dialect, "serialize-parts").map_or("", Name::as_str);
        for part in parts.split_whitespace().map(Name::new) {
            if model.class.is_some_and(|class| self.ix.find_method(class, part).is_some()) {
                self.call_method(fr, val, part, Args::default(), at);
            }
        }
        let mut names = self.ix.model(row.model).appends.clone();
        let computed = self.computed_columns(row.model);
        names.extend(computed.iter().filter(|name| !self.v.trees.is_column_missing(row.tree, **name)));
        names.sort();
        names.dedup();
        for name in names {
            self.attr(fr, val, name, at);
        }
        let mut relations: Vec<Name> = self
            .ix
            .model(row.model)
            .relations
            .keys()
            .copied()
            .filter(|r| matches!(self.v.trees.state(row.tree, *r), State::Loaded(t) if t != super::super::tree::OPEN))
            .collect();
        relations.sort();
        for name in relations {
            let related = self.attr(fr, val, name, at);
            self.serialize(fr, related, at, depth + 1);
        }
    }
}
