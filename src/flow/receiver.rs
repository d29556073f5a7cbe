//! What does a method give, by what it is called on: an object, a class, the parent, an instance of a library?

use super::call::Args;
use super::types::is_left_open;
use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Language, Type};
use crate::index::{ClassId, FnRef, ProjectIndex};
use crate::source::Origin;

impl<'a> Engine<'a> {
    pub(super) fn call_on_object(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        exact: bool,
        name: Name,
        args: Args,
        range: Range,
    ) -> (Val, Option<Val>) {
        if let Some((owner, f)) = self.ix.find_method(class, name) {
            let decl = self.ix.function(f);
            if self.is_property(f) {
                let (val, _) = self.call_function(fr, f, recv, Args::default(), range);
                return (self.call_value(fr, val, args, range), None);
            }
            let is_abstract = decl.is_abstract || !exact && (is_left_open(decl) || self.is_structural(owner));
            if !is_abstract {
                let this = if decl.is_classmethod { self.v.of(Data::Class(class)) } else { recv };
                let (val, after) = self.call_function(fr, f, this, args, range);
                return (val, Some(after));
            }
            if !exact {
                if let Some(bound) = self.bound_object(fr, class, range) {
                    return (self.call_method(fr, bound, name, args, range), None);
                }
                let mut result: Option<Val> = None;
                let mut marks = Vec::new();
                let mut reached = self.ix.implementations(class, name);
                reached.retain(|(_, g)| !self.ix.function(*g).is_abstract && !is_left_open(self.ix.function(*g)));
                if reached.is_empty() {
                    reached = self.answers_below(class, name);
                }
                if reached.is_empty() {
                    reached.extend(self.fits_structure(class, name));
                }
                for (impl_class, g) in reached.into_iter().take(4) {
                    marks.push(fr.buffer.len());
                    let this = self.v.of(Data::Object { class: impl_class, fields: Box::default(), exact: false });
                    let (val, _) = self.call_function(fr, g, this, args.clone(), range);
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
                self.one_of_many(fr, &marks, range);
                if let Some(val) = result {
                    return (val, None);
                }
            }
            let ret = match &decl.ret {
                Some(ty) if super::types::is_own_type(ty) => recv,
                Some(ty) => self.value_of_type_for(class, f.file, f.id, ty),
                None => UNKNOWN,
            };
            return (ret, None);
        }
        // A field that holds something callable.
        let field = self.field(fr, recv, name);
        if field != UNKNOWN {
            return (self.call_value(fr, field, args, range), None);
        }
        (self.inherited_call(fr, recv, class, name, args, range), None)
    }

    /// Does a class only say what others must have: `class Repository(Protocol)`? What derives from it and is none itself does not.
    fn is_structural(&mut self, class: ClassId) -> bool {
        let ix = self.ix;
        let all = self.structural.get_or_insert_with(|| {
            let classes = (0..ix.classes.len()).map(|i| ClassId(i as u32));
            classes.filter(|class| derives_from_structural(ix, *class)).collect()
        });
        all.contains(&class)
    }

    /// The only class of the program that has all methods of a structural type, and its method of this name.
    fn fits_structure(&mut self, class: ClassId, name: Name) -> Option<(ClassId, FnRef)> {
        if !self.is_structural(class) {
            return None;
        }
        let ix = self.ix;
        let only = (*self.fitting.entry(class).or_insert_with(|| only_fitting(ix, class)))?;
        Some((only, ix.find_method(only, name)?.1))
    }

    /// A method that a class of the program inherits from a library.
    pub(super) fn inherited_call(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: Args,
        range: Range,
    ) -> Val {
        // `settings.model_dump()`: what the class declares, which is never much.
        let as_map = self.ix.packs.word_in_language(self.language(fr), "model-as-map");
        if as_map.is_some_and(|words| words.has_word(name.as_str())) && self.has_role(class, "response-model-base") {
            return self.v.many(UNKNOWN, super::value::ManyKind::Literal);
        }
        let externals: Vec<Name> = self.ix.class(class).external.clone();
        for external in &externals {
            let gives = self.ix.packs.word_in_language(self.language(fr), &format!("model-result.{external}"));
            if gives == Some(name) {
                return args.positional.first().copied().unwrap_or(UNKNOWN);
            }
            if let Some(query) = self.repository_query(fr, recv, class, *external, range) {
                return self.query_method(fr, query, name, args, range, range);
            }
            if self.ix.packs.instance_kind(*external).is_some() {
                let instance = self.v.of(Data::Instance(*external));
                return self.call_method(fr, instance, name, args, range);
            }
        }
        if let Some(rows) = self.stood_for(recv) {
            return self.call_method(fr, rows, name, args, range);
        }
        if let Some(row) = self.page_record(class, name) {
            return row;
        }
        self.serializer_method(fr, recv, class, name, args, range)
    }

    pub(super) fn call_on_class(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        if let Some((_, f)) = self.ix.find_method(class, name) {
            let decl = self.ix.function(f);
            let python = self.ix.file(f.file).language == Language::Python;
            if decl.is_static || decl.is_classmethod {
                let this = self.v.of(Data::Class(class));
                if decl.is_static && python {
                    return self.call_function(fr, f, UNKNOWN, args, whole).0;
                }
                return self.call_function(fr, f, this, args, whole).0;
            }
            if python {
                // `Class.method(instance, …)`
                let mut args = args;
                if args.positional.is_empty() {
                    return UNKNOWN;
                }
                let this = args.positional.remove(0);
                let (val, after) = self.call_function(fr, f, this, args, whole);
                // `Base.__init__(self, …)`: the object that runs is the one that changed.
                fr.keep_receiver(this, after);
                return val;
            }
            if self.ix.class(class).model.is_none() {
                let this = match self.data(fr.this) {
                    Data::Object { class: own, .. } if self.ix.class(*own).mro.contains(&class) => fr.this,
                    _ => self.v.of(Data::Object { class, fields: Box::default(), exact: false }),
                };
                return self.call_function(fr, f, this, args, whole).0;
            }
        }
        self.call_above_class(fr, class, name, args, at, whole)
    }

    /// A call on a class of what no class of the program has.
    #[allow(clippy::too_many_arguments)]
    fn call_above_class(&mut self, fr: &mut Frame<'a>, class: ClassId, name: Name, args: Args, at: Range, whole: Range) -> Val {
        if let Some(model) = self.ix.class(class).model {
            let scope = self.ix.model(model).dialect;
            if name.as_str() == "make" || name.as_str() == "newInstance" {
                return self.fresh_row(model, self.span(fr, whole));
            }
            let query = self.start_query(model, self.span(fr, whole));
            let given = self.options_given(scope, &args);
            let result = self.query_method(fr, query, name, args, at, whole);
            return match (given, self.data(result).clone()) {
                (Some((method, options)), Data::Query(query)) => {
                    self.query_method(fr, query, method, Args::positional(vec![options]), at, whole)
                }
                _ => result,
            };
        }
        if let Some(cases) = self.enum_list(fr, class, name) {
            return cases;
        }
        // Enum cases, static factories of libraries.
        let target = self.class_attr(class, name);
        if target != UNKNOWN {
            return self.call_value(fr, target, args, whole);
        }
        if let Some(behind) = self.behind_facade(fr, class, whole) {
            return self.call_method_in(fr, behind, name, args, at, whole).0;
        }
        if let Some(model) = self.stands_for(class) {
            if self.ix.packs.word_in_language(self.names.php, "model-proxy-class") == Some(name)
                && let Some(class) = self.ix.model(model).class
            {
                return self.v.of(Data::Class(class));
            }
            let query = self.start_query(model, self.span(fr, whole));
            return self.query_method(fr, query, name, args, at, whole);
        }
        self.class_call(fr, class, name, args, whole)
    }

    pub(super) fn call_super(
        &mut self,
        fr: &mut Frame<'a>,
        this: Val,
        class: ClassId,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> (Val, Option<Val>) {
        let own = match self.data(this) {
            Data::Object { class, .. } => *class,
            Data::Class(c) => *c,
            Data::Row(row) => self.ix.model(row.model).class.unwrap_or(class),
            Data::Query(q) => q.class.unwrap_or(class),
            _ => class,
        };
        if let Some((_, f)) = self.ix.find_method_after(own, class, name) {
            let (val, after) = self.call_function(fr, f, this, args, whole);
            fr.keep_receiver(this, after);
            return (val, None);
        }
        match self.data(this).clone() {
            Data::Query(query) => (self.query_op(fr, query, name, args, at, whole), None),
            Data::Object { .. } => (self.inherited_call(fr, this, own, name, args, whole), None),
            Data::Row(row) => {
                let (val, _) = self.row_op(fr, this, row, name, args, at, whole);
                (val, None)
            }
            Data::Class(_) => (self.call_above_class(fr, own, name, args, at, whole), None),
            _ => (UNKNOWN, None),
        }
    }

    pub(super) fn call_on_instance(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: Name,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        let full = Name::new(&format!("{class}.{name}"));
        if self.ix.packs.function(full).is_some() || self.ix.packs.client(full).is_some() {
            return self.call_external(fr, full, args, whole);
        }
        if self.is_deferring(full) {
            self.run_later(fr, &args, whole);
            return UNKNOWN;
        }
        let Some(kind) = self.ix.packs.instance_kind(class) else {
            self.blocking(fr, full, whole);
            self.opened(fr, full, &args, whole);
            self.run_callbacks(fr, &args, whole);
            return UNKNOWN;
        };
        if kind.as_str() == "transformed" {
            return self.shown_method(fr, recv, name, &args, whole);
        }
        if let Some(op) = self.ix.packs.op_in_language(self.language(fr), kind, name).cloned() {
            return self.instance_op(fr, recv, &op, name, args, at, whole);
        }
        self.run_callbacks(fr, &args, whole);
        UNKNOWN
    }
}

/// Does a class itself, not by way of another, derive from what makes it a structural type?
fn derives_from_structural(ix: &ProjectIndex<'_>, class: ClassId) -> bool {
    let is_one = |n: &&Name| ix.packs.roles(**n).iter().any(|r| r.as_str() == "structural-type");
    ix.class(class).external.iter().filter(is_one).any(|name| {
        ix.class_decl(class).bases.iter().any(|base| match base {
            Type::Named(n) | Type::Apply(n, _) => n.last_segment() == name.last_segment(),
            Type::Union(_) | Type::Unknown => false,
        })
    })
}

/// The class that answers all that a structural type asks, if there is just one.
fn only_fitting(ix: &ProjectIndex<'_>, class: ClassId) -> Option<ClassId> {
    let file = ix.class(class).file;
    let methods = ix.class_decl(class).methods.iter().map(|m| ix.function(FnRef { file, id: *m }).name);
    let asked: Vec<Name> = methods.filter(|n| !n.as_str().starts_with('_')).collect();
    let answers = |c: ClassId, method: Name| ix.find_method(c, method).is_some_and(|(_, f)| !is_left_open(ix.function(f)));
    let fits = |c: &ClassId| {
        *c != class
            && !derives_from_structural(ix, *c)
            && ix.sources.file(ix.class(*c).file).origin == Origin::Ours
            && asked.iter().all(|method| answers(*c, *method))
    };
    let mut found = (0..ix.classes.len()).map(|i| ClassId(i as u32)).filter(fits);
    found.next().filter(|_| !asked.is_empty() && found.next().is_none())
}
