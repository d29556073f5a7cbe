//! What does a serializer that belongs to a model read of each row?

use super::super::call::Args;
use super::super::value::{Data, NULL, Row, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::MAX_NESTING;
use super::field::{Field, Listed};
use crate::base::{Name, Range};
use crate::index::{ClassId, ModelId, Relation};

impl<'a> Engine<'a> {
    /// Keeps what a serializer was made with: what it serializes, and whether that is many.
    pub(super) fn serializer_made(&mut self, fr: &mut Frame<'a>, object: Val, args: &Args) -> Val {
        let instance = self.word(fr, "serializer-instance");
        let many = self.word(fr, "serializer-many");
        let given = args.positional.first().copied().or_else(|| {
            args.named
                .iter()
                .find(|(n, _)| *n == instance)
                .map(|(_, v)| *v)
        });
        let mut object = object;
        if let Some(val) = given {
            object = self.with_field(object, instance, val);
        }
        for (name, val) in &args.named {
            if *name != instance
                && (*name == many || self.words(fr, "serializer-options").contains(name))
            {
                object = self.with_field(object, *name, *val);
            }
        }
        object
    }

    fn known_field(&self, object: Val, name: Name) -> Option<Val> {
        match self.data(object) {
            Data::Object { fields, .. } => fields.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            _ => None,
        }
    }

    /// An attribute that a serializer inherits: its data, or what it was made with.
    pub(super) fn serializer_attr(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        name: Name,
        range: Range,
    ) -> Val {
        if !self.words(fr, "serializer-data").contains(&name) {
            return UNKNOWN;
        }
        let instance = self.word(fr, "serializer-instance");
        let Some(rows) = self.known_field(object, instance) else {
            return UNKNOWN;
        };
        self.serialize_with(fr, object, class, rows, range, 0)
    }

    /// Serializes one row or many with a serializer.
    pub(super) fn serialize_with(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        rows: Val,
        range: Range,
        depth: usize,
    ) -> Val {
        let method = self.word(fr, "serializer-method");
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            match e.ix.find_method(class, method) {
                Some((_, f)) => {
                    e.call_function(fr, f, object, Args::positional(vec![row]), range);
                }
                None => e.represent(fr, object, class, row, range, depth),
            }
            UNKNOWN
        })
    }

    /// Reads the fields of a serializer on one row.
    pub(super) fn represent(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        row: Val,
        range: Range,
        depth: usize,
    ) {
        if depth > MAX_NESTING || self.v.is_plain(row) {
            return;
        }
        let fields = self.fields_of(class);
        let meta_name = self.word(fr, "serializer-meta");
        let names = [
            self.word(fr, "serializer-fields"),
            self.word(fr, "serializer-exclude"),
        ];
        let all = self.word(fr, "serializer-all");
        let meta = self.nested_class(class, meta_name);
        let listed = meta.and_then(|m| self.listed(m, names[0]));
        let hidden = meta
            .and_then(|m| self.listed(m, names[1]))
            .unwrap_or_default();
        let is_listed = |e: &Engine<'a>, list: &[Listed], name: Name| {
            list.iter().any(|l| *e.data(l.val) == Data::Str(name))
        };
        let every = listed.as_ref().is_some_and(|l| {
            l.iter()
                .any(|x| matches!(self.data(x.val), Data::Str(s) if *s == all))
        });
        for field in fields.iter() {
            // A declared field that the list leaves out is not read.
            if let Some(list) = &listed
                && !every
                && !list.is_empty()
                && !is_listed(self, list, field.name)
            {
                continue;
            }
            self.in_class(fr, field.owner, range, |e, fr| {
                e.read_field(fr, object, field, row, depth)
            });
        }
        let Some(meta) = meta else { return };
        let depth_name = self.word(fr, "serializer-depth");
        let declared: Vec<Name> = fields.iter().map(|f| f.name).collect();
        let nests = self.ix.find_attr(meta, depth_name).is_some();
        let alternatives: Vec<Row> = self
            .v
            .alternatives(row)
            .into_iter()
            .filter_map(|v| self.bare_row(v))
            .collect();
        let mut names: Vec<Listed> = Vec::new();
        match listed {
            Some(list) if !every => names = list,
            other => {
                let at = other.and_then(|l| l.first().copied());
                let Some(place) = at.or_else(|| hidden.first().copied()) else {
                    return;
                };
                let Some(one) = alternatives.first() else {
                    return;
                };
                for name in self.own_relations(one.model) {
                    let val = self.v.str(name);
                    if !is_listed(self, &hidden, name) {
                        names.push(Listed { val, ..place });
                    }
                }
            }
        }
        for entry in names {
            let Data::Str(name) = *self.data(entry.val) else {
                continue;
            };
            if declared.contains(&name) {
                continue;
            }
            self.in_class(fr, entry.owner, range, |e, fr| {
                e.read_named(fr, row, name, nests, entry.range)
            });
        }
    }

    /// Relations that the class of a model declares itself, in order of name.
    fn own_relations(&self, model: ModelId) -> Vec<Name> {
        let data = self.ix.model(model);
        let Some(class) = data.class else {
            return Vec::new();
        };
        #[allow(clippy::iter_over_hash_type)]
        let mut names: Vec<Name> = data
            .relations
            .keys()
            .copied()
            .filter(|n| self.ix.find_attr(class, *n).is_some())
            .collect();
        names.sort();
        names
    }

    /// A field that only the list names: keys of relations, columns, properties, methods.
    fn read_named(&mut self, fr: &mut Frame<'a>, row: Val, name: Name, nests: bool, at: Range) {
        for one in self.v.alternatives(row) {
            let Data::Row(data) = *self.data(one) else {
                continue;
            };
            match self.relation(data.model, name) {
                Some(relation) => {
                    let val = self.read_keys(fr, one, relation, nests, at);
                    if nests {
                        self.per_row(fr, val, at, &mut |_, _, _| UNKNOWN);
                    }
                }
                None => {
                    let val = self.lookup(fr, one, name, true, at);
                    if let Data::Query(_) = self.data(val) {
                        self.iterate(fr, val, at);
                    }
                }
            }
        }
    }

    /// Reads the keys of a relation: free where the row has the key itself.
    fn read_keys(
        &mut self,
        fr: &mut Frame<'a>,
        row: Val,
        relation: &Relation,
        whole: bool,
        at: Range,
    ) -> Val {
        if !relation.many && relation.key_column.is_some() && !whole {
            return SCALAR;
        }
        let val = self.attr(fr, row, relation.name, at);
        if relation.many {
            self.iterate(fr, val, at);
        }
        val
    }

    /// Reads a declared field on a row, in the frame of the class that declares it.
    fn read_field(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        field: &Field<'a>,
        row: Val,
        depth: usize,
    ) {
        let hidden = self.word(fr, "serializer-hidden");
        if field
            .named(hidden)
            .is_some_and(|v| *self.data(v) == Data::Bool(true))
        {
            return;
        }
        let source_name = self.word(fr, "serializer-source");
        let source = match field.named(source_name).map(|v| self.data(v).clone()) {
            Some(Data::Str(s)) => s,
            _ => field.name,
        };
        let at = field.named_range(source_name).unwrap_or(field.range);
        let whole = source == self.word(fr, "serializer-whole");
        let read = |e: &mut Self, fr: &mut Frame<'a>, path: &str| {
            if whole {
                row
            } else {
                e.read_called(fr, row, path, at)
            }
        };
        let kind = self.field_kind(field.callee);
        match kind {
            Kind::Method => {
                let named = field
                    .named(self.word(fr, "serializer-getter-name"))
                    .or_else(|| field.args.positional.first().copied());
                let method = match named.map(|v| self.data(v).clone()) {
                    Some(Data::Str(s)) => s,
                    _ => {
                        let pattern = self.word(fr, "serializer-getter");
                        Name::new(&pattern.as_str().replace("{name}", field.name.as_str()))
                    }
                };
                let Data::Object { class, .. } = *self.data(object) else {
                    return;
                };
                if let Some((_, f)) = self.ix.find_method(class, method) {
                    let val = self
                        .call_function(fr, f, object, Args::positional(vec![row]), field.range)
                        .0;
                    if let Data::Query(_) = self.data(val) {
                        self.iterate(fr, val, field.range);
                    }
                }
            }
            Kind::Text => {
                let val = read(self, fr, source.as_str());
                let mark = fr.loops.len();
                self.per_row(fr, val, at, &mut |e, fr, related| {
                    e.as_text(fr, related, at);
                    UNKNOWN
                });
                debug_assert_eq!(mark, fr.loops.len());
            }
            Kind::Slug => {
                let slug = match field
                    .named(self.word(fr, "serializer-slug"))
                    .or_else(|| field.args.positional.first().copied())
                    .map(|v| self.data(v).clone())
                {
                    Some(Data::Str(s)) => s,
                    _ => return,
                };
                let val = read(self, fr, source.as_str());
                self.per_row(fr, val, at, &mut |e, fr, related| {
                    e.read_called(fr, related, slug.as_str(), at);
                    UNKNOWN
                });
            }
            Kind::Key => {
                let (way, last) = source
                    .as_str()
                    .rsplit_once('.')
                    .map_or(("", source.as_str()), |(a, b)| (a, b));
                let holder = if way.is_empty() {
                    row
                } else {
                    self.read_called(fr, row, way, at)
                };
                for one in self.v.alternatives(holder) {
                    let Data::Row(data) = *self.data(one) else {
                        continue;
                    };
                    match self.relation(data.model, Name::new(last)) {
                        Some(relation) => {
                            self.read_keys(fr, one, relation, false, at);
                        }
                        None => {
                            let val = self.read_called(fr, one, last, at);
                            if let Data::Query(_) = self.data(val) {
                                self.iterate(fr, val, at);
                            }
                        }
                    }
                }
            }
            Kind::Nested(class) => {
                let val = read(self, fr, source.as_str());
                if val == NULL || self.v.is_plain(val) {
                    return;
                }
                let inner = self.object(class, Vec::new());
                self.serialize_with(fr, inner, class, val, at, depth + 1);
            }
            Kind::Nothing => (),
            Kind::Plain => {
                let val = read(self, fr, source.as_str());
                match self.data(val) {
                    Data::Query(_) => {
                        self.iterate(fr, val, at);
                    }
                    Data::Row(_) => self.as_text(fr, val, at),
                    _ => (),
                }
            }
        }
    }

    fn field_kind(&self, callee: Val) -> Kind {
        let names: Vec<Name> = match self.data(callee) {
            Data::External(name) => vec![*name],
            Data::Class(class) if self.role(*class) == Some("serializer") => {
                return Kind::Nested(*class);
            }
            Data::Class(class) => self.ix.class(*class).external.clone(),
            _ => return Kind::Nothing,
        };
        for name in names {
            for role in self.ix.packs.roles(name) {
                match role.as_str() {
                    "field-method" => return Kind::Method,
                    "field-text" => return Kind::Text,
                    "field-slug" => return Kind::Slug,
                    "field-key" => return Kind::Key,
                    "field-nothing" => return Kind::Nothing,
                    _ => (),
                }
            }
        }
        match self.data(callee) {
            Data::Class(_) => Kind::Nothing,
            _ => Kind::Plain,
        }
    }

    /// A method that a serializer inherits.
    pub(super) fn serializer_call(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if name == self.word(fr, "serializer-method") {
            let row = args.positional.first().copied()?;
            self.represent(fr, recv, class, row, range, 1);
            return Some(self.v.of(Data::Record(Box::default(), Some(UNKNOWN))));
        }
        if name.as_str() == "__init__" {
            let made = self.serializer_made(fr, recv, args);
            if let Some(p) = fr.decl.params.first()
                && fr.locals.get(p.slot.0 as usize) == Some(&recv)
            {
                fr.locals[p.slot.0 as usize] = made;
            }
            return Some(NULL);
        }
        None
    }

    /// A method that a view of rows inherits.
    pub(super) fn viewset_method(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        let op = self
            .ix
            .packs
            .op_in_language(self.language(fr), Name::new("viewset"), name)?
            .clone();
        use crate::packs::Result;
        Some(match op.result {
            Result::Query => {
                let attr = self.word(fr, "viewset-query");
                self.field(fr, recv, attr)
            }
            Result::Same => self.subject(&op, args),
            Result::Row => {
                let rows = self.viewset_rows(fr, recv, class, range);
                match self.data(rows).clone() {
                    Data::Query(query) => self.row_of(&query),
                    _ => UNKNOWN,
                }
            }
            Result::InstanceOf => {
                let serializer = self.viewset_serializer(fr, recv, class, range);
                if op.callback.is_some() {
                    let mut rest = args.clone();
                    rest.ranges.clear();
                    return Some(self.construct(fr, serializer, rest, range));
                }
                serializer
            }
            _ => UNKNOWN,
        })
    }

    /// The query of a view, as its own method or attribute says.
    pub(super) fn viewset_rows(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        range: Range,
    ) -> Val {
        let method = self.word(fr, "viewset-query-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            return self.call_function(fr, f, object, Args::default(), range).0;
        }
        let attr = self.word(fr, "viewset-query");
        self.class_attr(class, attr)
    }

    fn viewset_serializer(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        range: Range,
    ) -> Val {
        let method = self.word(fr, "viewset-serializer-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            return self.call_function(fr, f, object, Args::default(), range).0;
        }
        let attr = self.word(fr, "viewset-serializer");
        self.class_attr(class, attr)
    }

    /// A view that lists rows through a serializer.
    pub(super) fn viewset(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let list = self.word(fr, "viewset-list");
        if !self.has_role(class, "viewset-list") || self.ix.find_method(class, list).is_some() {
            return;
        }
        let action = self.word(fr, "viewset-action");
        let text = self.v.str(list);
        let object = self.object(class, vec![(action, text)]);
        let serializer = self.viewset_serializer(fr, object, class, range);
        let narrow = self.word(fr, "viewset-filter-method");
        for class_val in self.v.alternatives(serializer) {
            let Data::Class(target) = *self.data(class_val) else {
                continue;
            };
            let mut rows = self.viewset_rows(fr, object, class, range);
            if let Some((_, f)) = self.ix.find_method(class, narrow) {
                let narrowed = self
                    .call_function(fr, f, object, Args::positional(vec![rows]), range)
                    .0;
                if matches!(self.data(narrowed), Data::Query(_)) {
                    rows = narrowed;
                }
            }
            let inner = self.object(target, Vec::new());
            self.serialize_with(fr, inner, target, rows, range, 0);
        }
    }
}

/// How a declared field gets its value.
#[derive(Clone, Copy)]
enum Kind {
    /// A method of the serializer.
    Method,
    /// The text of a related row.
    Text,
    /// An attribute of a related row.
    Slug,
    /// The key of a related row.
    Key,
    /// Another serializer.
    Nested(ClassId),
    /// The attribute itself.
    Plain,
    /// Reads nothing of the row.
    Nothing,
}
