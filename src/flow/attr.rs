//! What does reading an attribute give? Fields of instances, attributes of classes, members of modules.

use std::rc::Rc;

use super::call::Args;
use super::value::{Data, NULL, Row, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId, FunctionDecl, Language, Pat, Stmt};
use crate::index::{ClassId, FnRef, ModelId};

impl<'a> Engine<'a> {
    /// Does the class of a row compute an attribute by a property?
    pub(super) fn is_property_of_row(&self, row: Row, name: Name) -> bool {
        let class = self.ix.model(row.model).class;
        class.and_then(|class| self.ix.find_method(class, name)).is_some_and(|(_, f)| self.is_property(f))
    }

    /// Reads an attribute.
    pub(super) fn attr(&mut self, fr: &mut Frame<'a>, object: Val, name: Name, range: Range) -> Val {
        self.trace(fr, object, name, range);
        match self.data(object).clone() {
            Data::Row(row) => self.row_attr(fr, object, row, name, range),
            Data::Object { class, .. } => {
                if let Some((_, f)) = self.ix.find_method(class, name)
                    && self.field_known(object, name).is_none()
                {
                    if self.is_property(f) {
                        return self.call_function(fr, f, object, Args::default(), range).0;
                    }
                    if self.ix.file(f.file).language == Language::Python {
                        return self.v.of(Data::Method(object, name));
                    }
                }
                if let Some(val) = self.form_attr(fr, object, name, range) {
                    return val;
                }
                if self.field_known(object, name).is_none()
                    && let Some(f) = self.hook(class, name)
                {
                    return self.call_function(fr, f, object, Args::default(), range).0;
                }
                if self.field_known(object, name).is_none()
                    && let Some(val) = self.computed_first(fr, object, class, name, range)
                {
                    return val;
                }
                let val = self.field(fr, object, name);
                if val != UNKNOWN {
                    return self.described(fr, class, object, val, range);
                }
                let val = self.forwarded_attr(fr, object, class, name, range);
                if val != UNKNOWN {
                    return val;
                }
                let val = self.inherited_attr(fr, object, class, name, range);
                if val != UNKNOWN {
                    return val;
                }
                match self.stood_for(object) {
                    Some(rows) => self.attr(fr, rows, name, range),
                    None => self.given_request(class, name),
                }
            }
            Data::Class(class) => {
                if let Some(model) = self.ix.class(class).model
                    && let Some(val) = self.model_class_attr(fr, class, model, name, range)
                {
                    return val;
                }
                if name.as_str() == "class" {
                    return object;
                }
                let val = self.class_attr(class, name);
                if val != UNKNOWN {
                    return val;
                }
                if self.ix.find_method(class, name).is_some() {
                    return self.v.of(Data::Method(object, name));
                }
                self.enum_list(fr, class, name).unwrap_or(UNKNOWN)
            }
            Data::ModelClass(model) => self.library_model_attr(fr, model, name, range),
            Data::Module(file) => {
                if let Some(part) = self.template_member(file, name) {
                    return part;
                }
                if self.ix.file(file).language.is_template() {
                    return self.v.of(Data::Method(object, name));
                }
                let symbol = self.ix.member(file, name);
                self.symbol(symbol)
            }
            Data::External(base) => {
                let full = Name::new(&format!("{base}.{name}"));
                if let Some(model) = self.library_model(base) {
                    return self.library_model_attr(fr, model, name, range);
                }
                if let Some(val) = self.library_object_attr(fr, base, name, range) {
                    return val;
                }
                self.v.of(Data::External(full))
            }
            Data::Instance(class) => self.instance_attr(fr, class, name, range),
            Data::Record(keys, rest) => match keys.iter().find(|(k, _)| *k == name) {
                Some((_, v)) => *v,
                None => match rest {
                    Some(r) if fr.language != Language::Python => r,
                    _ => self.v.of(Data::Method(object, name)),
                },
            },
            Data::Query(query) => self.query_attr(fr, object, query, name, range),
            Data::Many(..) => match self.form_set_attr(fr, object, name, range) {
                Some(val) => val,
                None => self.many_attr(fr, object, name, range),
            },
            Data::Tuple(items) => {
                // A row of a result set: its entities by name.
                for item in items.iter() {
                    if let Data::Row(row) = self.data(*item)
                        && self.ix.model(row.model).name.last_segment() == name.as_str()
                    {
                        return *item;
                    }
                }
                self.v.of(Data::Method(object, name))
            }
            Data::Proxy(many, method) => self.proxy_attr(fr, many, method, name, range),
            Data::Super(this, class) => {
                let own = match self.data(this) {
                    Data::Object { class, .. } | Data::Class(class) => *class,
                    _ => class,
                };
                match self.ix.find_method_after(own, class, name) {
                    Some((_, f)) if self.is_property(f) => self.call_function(fr, f, this, Args::default(), range).0,
                    Some(_) => self.v.of(Data::Method(object, name)),
                    None => match self.stood_for(this) {
                        Some(rows) => self.attr(fr, rows, name, range),
                        None => UNKNOWN,
                    },
                }
            }
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.attr(fr, *v, name, range)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            Data::Attribute(..) | Data::Condition(_) => SCALAR,
            Data::Closure(..) | Data::Function(_) => self.v.of(Data::Method(object, name)),
            Data::Unknown
            | Data::Unset
            | Data::Null
            | Data::Scalar
            | Data::Bool(_)
            | Data::Str(_)
            | Data::Int(_)
            | Data::Method(..)
            | Data::View { .. }
            | Data::Shown(..)
            | Data::Load(_) => UNKNOWN,
        }
    }

    /// An attribute that a class of the program inherits from one of a library, as far as the packs know it: `db.session`.
    fn inherited_attr(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, name: Name, range: Range) -> Val {
        let is_php = self.ix.file(self.ix.class(class).file).language == Language::Php;
        for external in self.ix.class(class).external.iter().filter(|_| is_php) {
            let field = self.ix.packs.word_in_language(self.names.php, &format!("model-field.{external}"));
            if field == Some(name)
                && let Some(query) = self.repository_query(fr, object, class, *external, range)
            {
                return self.v.of(Data::Query(query));
            }
        }
        let packs = self.ix.packs;
        let of = |base: &Name| Name::new(&format!("{base}.{name}"));
        let known = self.ix.class(class).external.iter().map(of).find(|full| packs.instance_kind(*full).is_some());
        known.map_or(UNKNOWN, |full| self.v.of(Data::Instance(full)))
    }

    /// An accessor: a method that computes an attribute.
    pub(super) fn accessor(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        dialect: Name,
        name: Name,
        range: Range,
    ) -> Option<Val> {
        let patterns = self.ix.packs.word(dialect, "accessors")?;
        let kind = self.ix.packs.word(dialect, "accessor-type");
        for pattern in patterns.as_str().split_whitespace() {
            let method = self.filled(pattern, name);
            let Some((_, f)) = self.ix.find_method(class, method) else {
                continue;
            };
            let decl = self.ix.function(f);
            if pattern.starts_with('{') {
                let returns = match (&decl.ret, kind) {
                    (Some(crate::facts::Type::Named(n) | crate::facts::Type::Apply(n, _)), Some(kind)) => *n == kind,
                    _ => false,
                };
                if !returns {
                    continue;
                }
                // The method builds the accessor; its getter is what runs.
                let (built, _) = self.call_function(fr, f, object, Args::default(), range);
                return Some(match self.data(built).clone() {
                    Data::Record(keys, _) => match keys.iter().find(|(k, _)| k.as_str() == "get") {
                        Some((_, getter)) => {
                            let getter = *getter;
                            self.call_value(fr, getter, Args::default(), range)
                        }
                        None => SCALAR,
                    },
                    _ => UNKNOWN,
                });
            }
            let mark = fr.buffer.len();
            let (val, _) = self.call_function(fr, f, object, Args::default(), range);
            let is_column = self.ix.class(class).model.is_some_and(|m| self.ix.model(m).columns.contains_key(&name));
            if is_column && answers_with_stored(decl, name) {
                // What it is computed from is read where nothing is stored.
                fr.buffer.iter_mut().skip(mark).for_each(|event| event.is_switched_off = true);
            }
            return Some(val);
        }
        let (caster, reader) = self.caster(class, dialect, name)?;
        let own = self.object(caster, Vec::new());
        let key = self.v.str(name);
        Some(self.call_function(fr, reader, own, Args::positional(vec![object, key]), range).0)
    }

    /// The class of the program that turns what a column stores into what is read, and the method that does so.
    /// Source: `Illuminate\Database\Eloquent\Concerns\HasAttributes::getClassCastableAttributeValue`.
    fn caster(&mut self, class: ClassId, dialect: Name, name: Name) -> Option<(ClassId, FnRef)> {
        let casts = self.ix.packs.word(dialect, "casts")?;
        let reader = self.ix.packs.word(dialect, "cast-reader")?;
        let mut declared = self.class_attr(class, casts);
        if let Some((_, f)) = self.ix.find_method(class, casts) {
            let row = self.v.of(Data::Object { class, fields: Box::default(), exact: false });
            declared = self.evaluate(f, row, Vec::new()).ret;
        }
        let Data::Record(keys, _) = self.data(declared) else { return None };
        let (_, cast) = *keys.iter().find(|(n, _)| *n == name)?;
        let Data::Class(caster) = *self.data(cast) else { return None };
        let (_, f) = self.ix.find_method(caster, reader)?;
        Some((caster, f))
    }

    /// Columns of a model that are computed when a row is shown: what it takes to show them is paid for each row.
    pub(super) fn computed_columns(&mut self, model: ModelId) -> Rc<[Name]> {
        if let Some(known) = self.computed.get(&model) {
            return known.clone();
        }
        let data = self.ix.model(model);
        let mut computed: Vec<Name> = Vec::new();
        if let (Some(class), Some(patterns)) = (data.class, self.ix.packs.word(data.dialect, "accessors")) {
            let hidden = self.ix.packs.word(data.dialect, "hidden-columns").map(|attr| self.class_attr(class, attr));
            let is_hidden = |e: &Self, name: Name| {
                hidden
                    .is_some_and(|h| matches!(e.data(h), Data::Tuple(all) if all.iter().any(|v| *e.data(*v) == Data::Str(name))))
            };
            #[allow(clippy::iter_over_hash_type)]
            let mut names: Vec<Name> = data.columns.keys().copied().collect();
            names.sort();
            for name in names {
                let has_accessor = patterns.as_str().split_whitespace().any(|pattern| {
                    let method = self.filled(pattern, name);
                    self.ix.find_method(class, method).is_some() && !data.relations.contains_key(&method)
                });
                if (has_accessor || self.caster(class, data.dialect, name).is_some()) && !is_hidden(self, name) {
                    computed.push(name);
                }
            }
        }
        let computed: Rc<[Name]> = computed.into();
        self.computed.insert(model, computed.clone());
        computed
    }

    /// The method name that a pattern gives for an attribute, remembered.
    pub(super) fn filled(&mut self, pattern: &'static str, name: Name) -> Name {
        *self.filled.entry((pattern, name)).or_insert_with(|| Name::new(&super::orm::fill(pattern, name.as_str())))
    }

    /// The hook that computes a property when it is read.
    pub(super) fn hook(&self, class: ClassId, name: Name) -> Option<FnRef> {
        self.ix.find_method(class, Name::new(&format!("${name}::get"))).map(|(_, f)| f)
    }

    fn field_known(&self, object: Val, name: Name) -> Option<Val> {
        match self.data(object) {
            Data::Object { fields, .. } => fields.binary_search_by(|(n, _)| n.cmp(&name)).ok().map(|i| fields[i].1),
            _ => None,
        }
    }

    /// A field of an instance: what is known of this instance, else what its class ever assigns.
    pub(super) fn field(&mut self, _fr: &mut Frame<'a>, object: Val, name: Name) -> Val {
        if let Some(val) = self.field_known(object, name) {
            return val;
        }
        match *self.data(object) {
            Data::Object { class, exact, .. } => {
                let val = self.class_field(class, name);
                // What such a class declares stands only where nobody gave another value: the request, or the environment.
                let is_given = !exact && self.has_role(class, "response-model-base") || self.has_role(class, "settings-model");
                match self.data(val) {
                    Data::Str(_) | Data::Int(_) | Data::Bool(_) if is_given => SCALAR,
                    _ => val,
                }
            }
            _ => UNKNOWN,
        }
    }

    /// What the methods of a class assign to a field of their instance, or its declaration says.
    pub(super) fn class_field(&mut self, class: ClassId, name: Name) -> Val {
        if let Some(val) = self.fields.get(&(class, name)) {
            return *val;
        }
        self.fields.insert((class, name), UNKNOWN);
        let mut result: Option<Val> = None;
        let classes: Vec<ClassId> = self.ix.class(class).mro.clone();
        'classes: for owner in classes {
            let decl = self.ix.class_decl(owner);
            let file = self.ix.class(owner).file;
            for method in &decl.methods {
                let f = FnRef { file, id: *method };
                if !self.assigned_fields(f).contains(&name) {
                    continue;
                }
                let val = self.assigned_in(f, class, name);
                if val != UNKNOWN {
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
            }
            if let Some(attr) = decl.attrs.iter().find(|a| a.name == name) {
                let declared = match &attr.ty {
                    Some(ty) => self.value_of_type_for(class, file, decl.scope, ty),
                    None => UNKNOWN,
                };
                let value = self.class_attr(class, name);
                for val in [value, declared] {
                    if val != UNKNOWN && val != NULL && result.is_none_or(|r| self.v.is_plain(r)) {
                        result = Some(match result {
                            Some(old) if self.v.is_plain(old) => val,
                            Some(old) => self.v.join(old, val),
                            None => val,
                        });
                    }
                }
            }
            if result.is_some() {
                break 'classes;
            }
        }
        let val = match result {
            Some(val) => val,
            None => match self.page_record(class, name) {
                Some(row) => row,
                None => self.made_with(class, name),
            },
        };
        self.fields.insert((class, name), val);
        val
    }

    /// What the constructor of a class leaves in a field that other methods fill for it.
    fn made_with(&mut self, class: ClassId, name: Name) -> Val {
        if self.ix.file(self.ix.class(class).file).language != Language::Php || self.ix.find_attr(class, name).is_none() {
            return UNKNOWN;
        }
        match self.constructor(class) {
            Some(f) if !self.ix.function(f).body.exprs.is_empty() => self.assigned_in(f, class, name),
            _ => UNKNOWN,
        }
    }

    /// Reads a dotted path from a value, segment by segment.
    pub(super) fn read_path(&mut self, fr: &mut Frame<'a>, object: Val, path: Name, at: Range) -> Val {
        let mut val = object;
        for segment in path.as_str().split('.') {
            if segment == "*" {
                val = self.element_of(fr, val, at);
                continue;
            }
            val = match self.data(val) {
                Data::Row(_) | Data::OneOf(_) | Data::Record(..) | Data::Object { .. } => {
                    let name = Name::new(segment);
                    self.attr(fr, val, name, at)
                }
                _ => return UNKNOWN,
            };
        }
        val
    }

    /// Fields of its own object that a function assigns to.
    pub(super) fn assigned_fields(&mut self, f: FnRef) -> Rc<[Name]> {
        if let Some(known) = self.assigned.get(&f) {
            return known.clone();
        }
        let decl = self.ix.function(f);
        let body = &decl.body;
        let receiver = if self.takes_receiver(f) { decl.params.first().map(|p| p.slot) } else { None };
        let is_own = |base: ExprId| match body.expr(base) {
            Expr::This => true,
            Expr::Local(slot) => receiver == Some(*slot),
            _ => false,
        };
        let target = |e: &Expr| match e {
            Expr::Assign { target, .. } | Expr::AssignIfNull { target, .. } => match body.pat(*target) {
                Pat::Attr { base, name } if is_own(*base) => Some(*name),
                _ => None,
            },
            _ => None,
        };
        let names: Rc<[Name]> = body.exprs.iter().filter_map(target).collect();
        self.assigned.insert(f, names.clone());
        names
    }

    fn assigned_in(&mut self, f: FnRef, class: ClassId, name: Name) -> Val {
        let this = self.v.of(Data::Object { class, fields: Box::default(), exact: false });
        let decl = self.ix.function(f);
        let mut args = Vec::new();
        for (i, param) in decl.params.iter().enumerate() {
            args.push(if i == 0 && self.takes_receiver(f) { this } else { self.declared_param(f, param, false) });
        }
        let summary = self.evaluate(f, this, args);
        self.field_known(summary.this, name).unwrap_or(UNKNOWN)
    }

    /// The value of a class attribute, static property, constant or enum case.
    pub(super) fn class_attr(&mut self, class: ClassId, name: Name) -> Val {
        if let Some(val) = self.attrs.get(&(class, name)) {
            return *val;
        }
        self.attrs.insert((class, name), UNKNOWN);
        let mut val = UNKNOWN;
        if let Some((owner, i)) = self.ix.find_attr(class, name) {
            let decl = self.ix.class_decl(owner);
            let attr = &decl.attrs[i];
            let file = self.ix.class(owner).file;
            if let Some(value) = attr.value {
                let f = FnRef { file, id: decl.scope };
                let this = self.v.of(Data::Class(class));
                let mut fr = self.frame(f, this);
                fr.class = Some(owner);
                let at = fr.body.range(value).start;
                self.class_scope(&mut fr, owner, at);
                val = self.expr(&mut fr, value);
            }
            val = self.case_of(class, name, attr, val);
        } else {
            let decl = self.ix.class_decl(class);
            let file = self.ix.class(class).file;
            for nested in &decl.nested {
                if let Some(id) = self.ix.class_places.get(&(file, *nested))
                    && self.ix.class(*id).name.last_segment() == name.as_str()
                {
                    val = self.v.of(Data::Class(*id));
                }
            }
        }
        self.attrs.insert((class, name), val);
        val
    }

    /// Names bound earlier in a class body, as locals of it.
    fn class_scope(&mut self, fr: &mut Frame<'a>, class: ClassId, at: u32) {
        let decl = self.ix.class_decl(class);
        let functions = &self.ix.file(fr.file).functions;
        // A method that is declared further down is not bound yet: the name is that of the module.
        let is_later = |name: Name| {
            let mut own = decl.methods.iter().map(|m| &functions[m.0 as usize]).filter(|f| f.name == name).peekable();
            own.peek().is_some() && own.all(|f| f.name_range.start > at) && !decl.attrs.iter().any(|a| a.name == name)
        };
        for i in 0..fr.body.slots.len() {
            let name = fr.body.slots[i];
            if let Some(outer) = fr.decl.parent.filter(|_| is_later(name)) {
                let symbol = self.ix.resolve_name(fr.file, outer, name);
                fr.locals[i] = self.symbol(symbol);
            } else if let Some(m) = decl.methods.iter().find(|m| self.ix.file(fr.file).functions[m.0 as usize].name == name) {
                let f = FnRef { file: fr.file, id: *m };
                fr.locals[i] = self.v.of(Data::Function(f));
            } else if decl.attrs.iter().any(|a| a.name == name) {
                fr.locals[i] = self.class_attr(class, name);
            } else {
                let symbol = self.ix.resolve_name(fr.file, fr.f.id, name);
                fr.locals[i] = self.symbol(symbol);
            }
        }
    }
}

/// Does an accessor give the column of its own name if there is something in it: `if ($this->attributes['kind']) return …;`, or
/// the value it is handed?
fn answers_with_stored(decl: &FunctionDecl, name: Name) -> bool {
    let body = &decl.body;
    let is_own = |e: ExprId| matches!(body.expr(e), Expr::Str(text) if *text == name);
    let given = decl.params.first().map(|param| param.slot);
    body.stmts.iter().any(|stmt| match stmt {
        Stmt::Return(Some(e)) => match body.expr(*e) {
            Expr::Index { base, index: Some(index) } => {
                is_own(*index) && matches!(body.expr(*base), Expr::Attr { base, .. } if *body.expr(*base) == Expr::This)
            }
            Expr::Local(slot) => Some(*slot) == given,
            _ => false,
        },
        _ => false,
    }) && body.root.len() > 1
}
