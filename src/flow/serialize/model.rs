//! What does a serializer that belongs to a model read of each row?

use super::super::call::Args;
use super::super::value::{Data, NULL, Row, SCALAR, Source, UNKNOWN, Val};
use super::super::{Engine, Frame, Statement};
use super::MAX_NESTING;
use super::field::{Field, Listed};
use crate::base::{Name, Range};
use crate::facts::Expr;
use crate::index::{ClassId, FnRef, ModelId, Relation};

impl<'a> Engine<'a> {
    /// Keeps what a serializer was made with: what it serializes, and whether that is many.
    pub(super) fn serializer_made(&mut self, fr: &mut Frame<'a>, object: Val, args: &Args) -> Val {
        let instance = self.word(fr, "serializer-instance");
        let many = self.word(fr, "serializer-many");
        let given = args.positional.first().copied().or_else(|| args.named.iter().find(|(n, _)| *n == instance).map(|(_, v)| *v));
        let mut object = object;
        if let Some(val) = given {
            object = self.with_field(object, instance, val);
        }
        for (name, val) in &args.named {
            if *name != instance && (*name == many || self.words(fr, "serializer-options").contains(name)) {
                object = self.with_field(object, *name, *val);
            }
        }
        object
    }

    /// What is known of a field of this very object.
    pub(super) fn known_field(&self, object: Val, name: Name) -> Option<Val> {
        match self.data(object) {
            Data::Object { fields, .. } => fields.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            _ => None,
        }
    }

    /// An attribute that a serializer inherits: its data, or what it was made with.
    pub(super) fn serializer_attr(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, name: Name, range: Range) -> Val {
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
    pub(super) fn represent(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, row: Val, range: Range, depth: usize) {
        self.serves(class, row);
        if depth > MAX_NESTING || self.v.is_plain(row) {
            return;
        }
        // One that stands for others: which of them shows a row, the row decides.
        let others = self.word(fr, "serializer-choices");
        let held = self.class_attr(class, others);
        if let Data::Record(known, rest) = self.data(held).clone() {
            for other in known.iter().map(|(_, v)| *v).chain(rest) {
                for one in self.v.alternatives(other) {
                    if let Data::Class(one) = *self.data(one) {
                        let inner = self.object(one, Vec::new());
                        self.represent(fr, inner, one, row, range, depth + 1);
                    }
                }
            }
            return;
        }
        let fields = self.fields_of(class);
        let meta_name = self.word(fr, "serializer-meta");
        let names = [self.word(fr, "serializer-fields"), self.word(fr, "serializer-exclude")];
        let all = self.word(fr, "serializer-all");
        let meta = self.nested_class(class, meta_name);
        let listed = meta.and_then(|m| self.listed(m, names[0]));
        let hidden = meta.and_then(|m| self.listed(m, names[1])).unwrap_or_default();
        let is_listed = |e: &Engine<'a>, list: &[Listed], name: Name| list.iter().any(|l| *e.data(l.val) == Data::Str(name));
        let every = listed.as_ref().is_some_and(|l| l.iter().any(|x| matches!(self.data(x.val), Data::Str(s) if *s == all)));
        for field in fields.iter() {
            // A declared field that the list leaves out is not read.
            if let Some(list) = &listed
                && !every
                && !list.is_empty()
                && !is_listed(self, list, field.name)
            {
                continue;
            }
            self.in_class(fr, field.owner, range, |e, fr| e.read_field(fr, object, field, row, depth));
        }
        let Some(meta) = meta else { return };
        let depth_name = self.word(fr, "serializer-depth");
        let declared: Vec<Name> = fields.iter().map(|f| f.name).collect();
        let deeper = self.ix.find_attr(meta, depth_name).map(|(owner, i)| (owner, self.ix.class_decl(owner).attrs[i].name_range));
        let nests = deeper.is_some();
        let alternatives: Vec<Row> = self.v.alternatives(row).into_iter().filter_map(|v| self.bare_row(v)).collect();
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
                let forward = self.word(fr, "model-many-field");
                for name in self.own_relations(one.model) {
                    let val = self.v.str(name);
                    if !is_listed(self, &hidden, name) && self.is_plain_field(one.model, name, forward) {
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
            let (owner, at) = match deeper {
                Some((owner, at)) if nests && owner != entry.owner => (owner, at),
                _ => (entry.owner, entry.range),
            };
            self.in_class(fr, owner, range, |e, fr| e.read_named(fr, row, name, nests, at));
        }
    }

    /// Is a relation one that a list of all fields means?
    pub(super) fn is_plain_field(&self, model: ModelId, name: Name, many: Name) -> bool {
        let Some(relation) = self.relation(model, name) else {
            return false;
        };
        if !relation.many {
            return relation.key_column.is_some();
        }
        let Some((owner, i)) = self.ix.model(model).class.and_then(|c| self.ix.find_attr(c, name)) else {
            return false;
        };
        let decl = self.ix.class_decl(owner);
        let body = &self.ix.file(self.ix.class(owner).file).functions[decl.scope.0 as usize].body;
        match decl.attrs[i].value.map(|v| body.expr(v)) {
            Some(Expr::Call { callee, .. }) => match body.expr(*callee) {
                Expr::Attr { name, .. } | Expr::Name(name) => name.as_str().ends_with(many.as_str()),
                Expr::Local(slot) => body.slots[slot.0 as usize].as_str().ends_with(many.as_str()),
                _ => false,
            },
            _ => false,
        }
    }

    /// Relations that the class of a model declares itself, in order of name.
    pub(super) fn own_relations(&self, model: ModelId) -> Vec<Name> {
        let data = self.ix.model(model);
        let Some(class) = data.class else {
            return Vec::new();
        };
        #[allow(clippy::iter_over_hash_type)]
        let mut names: Vec<Name> = data.relations.keys().copied().filter(|n| self.ix.find_attr(class, *n).is_some()).collect();
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
                    self.drained(fr, val, at);
                }
            }
        }
    }

    /// Reads the keys of a relation: free where the row has the key itself.
    fn read_keys(&mut self, fr: &mut Frame<'a>, row: Val, relation: &Relation, whole: bool, at: Range) -> Val {
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
    fn read_field(&mut self, fr: &mut Frame<'a>, object: Val, field: &Field<'a>, row: Val, depth: usize) {
        let hidden = self.word(fr, "serializer-hidden");
        if field.named(hidden).is_some_and(|v| *self.data(v) == Data::Bool(true)) {
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
            if whole { row } else { e.read_called(fr, row, path, at) }
        };
        let method = self.word(fr, "serializer-method");
        let kind = self.field_kind(field.callee, method);
        match kind {
            Kind::Method => {
                let named =
                    field.named(self.word(fr, "serializer-getter-name")).or_else(|| field.args.positional.first().copied());
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
                    let val = self.call_function(fr, f, object, Args::positional(vec![row]), field.range).0;
                    self.drained(fr, val, field.range);
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
                let (way, last) = source.as_str().rsplit_once('.').map_or(("", source.as_str()), |(a, b)| (a, b));
                let holder = if way.is_empty() { row } else { self.read_called(fr, row, way, at) };
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
                            self.drained(fr, val, at);
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
            Kind::Own(class, f) => {
                let val = match self.asked_by(fr, field.callee, row, at) {
                    Some(val) => val,
                    None => read(self, fr, source.as_str()),
                };
                if self.v.is_plain(val) {
                    return;
                }
                let own = self.object(class, Vec::new());
                let many = self.word(fr, "serializer-many");
                if field.named(many).is_some_and(|v| *self.data(v) == Data::Bool(true)) {
                    self.per_row(fr, val, at, &mut |e, fr, related| {
                        e.call_function(fr, f, own, Args::positional(vec![related]), at);
                        UNKNOWN
                    });
                } else {
                    self.call_function(fr, f, own, Args::positional(vec![val]), at);
                }
            }
            Kind::Nothing => (),
            Kind::Plain => {
                let val = match self.asked_by(fr, field.callee, row, at) {
                    Some(val) => val,
                    None => read(self, fr, source.as_str()),
                };
                self.drained(fr, val, at);
                if let Data::Row(_) = self.data(val) {
                    self.as_text(fr, val, at);
                }
            }
        }
    }

    /// What is shown may be a query that runs only now.
    fn drained(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) {
        for one in self.v.alternatives(val) {
            if let Data::Query(_) = self.data(one) {
                self.iterate(fr, one, at);
            }
        }
    }

    /// What a field of one's own asks its row for: what its source gives, unless its class says otherwise.
    fn asked_by(&mut self, fr: &mut Frame<'a>, callee: Val, row: Val, at: Range) -> Option<Val> {
        let Data::Class(class) = *self.data(callee) else { return None };
        let method = self.word(fr, "serializer-attribute");
        let (_, f) = self.ix.find_method(class, method)?;
        let own = self.object(class, Vec::new());
        let given = self.call_function(fr, f, own, Args::positional(vec![row]), at).0;
        // What it leaves to the library gives what the source gives.
        (!self.v.is_plain(given)).then_some(given)
    }

    /// Does a class say what model it serializes, and what of it?
    fn describes_model(&mut self, class: ClassId) -> bool {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let (Some(meta), Some(model), Some(fields)) = (word("serializer-meta"), word("admin-model"), word("serializer-fields"))
        else {
            return false;
        };
        self.nested_class(class, meta)
            .is_some_and(|meta| self.ix.find_attr(meta, model).is_some() && self.ix.find_attr(meta, fields).is_some())
    }

    fn field_kind(&mut self, callee: Val, method: Name) -> Kind {
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
        match *self.data(callee) {
            // A field of one's own is asked as the library asks its fields.
            Data::Class(class) => match self.ix.find_method(class, method) {
                Some((_, f)) => Kind::Own(class, f),
                // The base is a package's: what it is shows in what the class says of itself.
                None if self.describes_model(class) => Kind::Nested(class),
                None if !self.ix.class(class).external.is_empty() => Kind::Plain,
                None => Kind::Nothing,
            },
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
        if name == self.word(fr, "serializer-check") {
            self.validate(fr, recv, class, range);
            return Some(SCALAR);
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

    /// Fields that a dictionary of options says are only shown.
    fn read_only_by_options(&mut self, fr: &Frame<'a>, meta: ClassId) -> Vec<Name> {
        let (options, read_only) = (self.word(fr, "serializer-field-options"), self.word(fr, "serializer-read-only-option"));
        let options = self.class_attr(meta, options);
        let Data::Record(fields, _) = self.data(options) else { return Vec::new() };
        let is_set = |v: &Val| {
            matches!(self.data(*v), Data::Record(keys, _)
                if keys.iter().any(|(k, v)| *k == read_only && *self.data(*v) == Data::Bool(true)))
        };
        fields.iter().filter(|(_, v)| is_set(v)).map(|(name, _)| *name).collect()
    }

    /// Many items are validated: each key of a related row is looked up.
    fn validate(&mut self, fr: &mut Frame<'a>, recv: Val, class: ClassId, range: Range) {
        let many = self.word(fr, "serializer-many");
        if self.known_field(recv, many).is_none_or(|v| *self.data(v) != Data::Bool(true)) {
            return;
        }
        let meta_name = self.word(fr, "serializer-meta");
        let Some(meta) = self.nested_class(class, meta_name) else {
            return;
        };
        let attr = self.word(fr, "admin-model");
        let target = self.class_attr(meta, attr);
        let Data::Class(target) = *self.data(target) else {
            return;
        };
        let Some(model) = self.ix.class(target).model else {
            return;
        };
        let names = self.word(fr, "serializer-fields");
        let listed = self.listed(meta, names).unwrap_or_default();
        let declared = self.fields_of(class);
        let shown_only = self.word(fr, "serializer-read-only");
        let by_options = self.read_only_by_options(fr, meta);
        let shown_only: Vec<Name> = self
            .listed(meta, shown_only)
            .unwrap_or_default()
            .iter()
            .filter_map(|l| if let Data::Str(name) = *self.data(l.val) { Some(name) } else { None })
            .chain(by_options)
            .collect();
        let key = listed.iter().find_map(|l| match self.data(l.val) {
            Data::Str(name) if !declared.iter().any(|f| f.name == *name) && !shown_only.contains(name) => {
                self.relation(model, *name).filter(|r| !r.many && r.key_column.is_some())
            }
            _ => None,
        });
        let Some((name, target)) = key.map(|r| (r.name, r.target)) else {
            return;
        };
        let at = self.span(fr, range);
        let src = self.v.source(Source::Query(at));
        let mark = fr.buffer.len();
        let id = self.enter_loop(fr, range);
        self.framework_loops.insert(id);
        self.statement(fr, Statement::Read, name, target, None, false, src, 0, range);
        self.leave_loop(fr, mark, false);
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
    /// What a field class of the program makes of the attribute.
    Own(ClassId, FnRef),
    /// Reads nothing of the row.
    Nothing,
}
