//! What does a declared type say about a value?

use super::tree::OPEN;
use super::value::{Data, ManyKind, NO_LOOP, Query, Row, SCALAR, Source, UNKNOWN, Val, flag};
use super::{Engine, NULL_TYPE};
use crate::base::{FileId, Name, Span};
use crate::facts::{Expr, FnId, FnKind, Language, Param, ParamKind, Type};
use crate::index::{ClassId, FnRef, ModelId};

impl<'a> Engine<'a> {
    /// Is the first parameter of a function the receiver?
    pub(super) fn takes_receiver(&self, f: FnRef) -> bool {
        let decl = self.ix.function(f);
        decl.kind == FnKind::Method && !decl.is_static && self.ix.file(f.file).language == Language::Python
    }

    /// `$this` or `self` of a function evaluated on its own.
    pub(super) fn receiver_of(&mut self, f: FnRef) -> Val {
        let decl = self.ix.function(f);
        let Some(class) = self.ix.class_of_function(f) else {
            return UNKNOWN;
        };
        if decl.is_classmethod || (decl.is_static && decl.kind == FnKind::Method) {
            return self.v.of(Data::Class(class));
        }
        let at = Span { file: f.file, range: decl.name_range };
        self.instance_of_class(class, at, false)
    }

    /// An instance of a class of the program about which no more is known.
    pub(super) fn instance_of_class(&mut self, class: ClassId, at: Span, exact: bool) -> Val {
        if let Some(model) = self.ix.class(class).model {
            return self.open_row(model, at);
        }
        if let Some(model) = self.model_of_query_class(class) {
            return self.open_query(Some(model), at, Some(class));
        }
        if !exact
            && self.ix.class_decl(class).kind == crate::facts::ClassKind::Interface
            && let Some(model) = self.stands_for(class)
        {
            return self.open_row(model, at);
        }
        self.v.of(Data::Object { class, fields: Box::default(), exact })
    }

    /// The only model whose queries are instances of this class, if there is exactly one.
    fn model_of_query_class(&self, class: ClassId) -> Option<ModelId> {
        let mut found = None;
        for (i, model) in self.ix.models.iter().enumerate() {
            let uses = model.query_class == Some(class)
                || model.managers.iter().any(|m| m.class == Some(class) || m.query_class == Some(class));
            if uses && !model.is_abstract {
                if found.is_some() {
                    return None;
                }
                found = Some(ModelId(i as u32));
            }
        }
        found
    }

    pub(super) fn open_query(&mut self, model: Option<ModelId>, at: Span, class: Option<ClassId>) -> Val {
        let src = self.v.source(Source::Declared(at));
        let flags = flag::FILTERED | flag::SCOPED;
        self.v.of(Data::Query(Query { class, flags, ..Query::new(model, OPEN, src) }))
    }

    /// What a parameter is known to be from its declaration alone.
    pub(super) fn declared_param(&mut self, f: FnRef, param: &'a Param, handler: bool) -> Val {
        let val = match &param.ty {
            Some(ty) => self.value_of_type_at(f.file, f.id, ty, Span { file: f.file, range: param.range }),
            None => self.heard_row(f, param),
        };
        let val = if val == UNKNOWN { self.default_template(f, param) } else { val };
        let val = match param.kind {
            ParamKind::Rest => self.v.many(val, ManyKind::Held),
            ParamKind::KeywordRest => UNKNOWN,
            _ => val,
        };
        // What the framework hands to a handler was just fetched: nothing is loaded beyond the model's own defaults.
        if handler && let Data::Row(row) = *self.data(val) {
            let tree = self.default_tree(row.model);
            return self.v.row(Row { tree, ..row });
        }
        val
    }

    /// `def index(request, template="posts/list.html")`: the template that is drawn where nobody names another.
    fn default_template(&mut self, f: FnRef, param: &Param) -> Val {
        let default = param.default.map(|e| self.ix.function(f).body.expr(e));
        match default {
            Some(Expr::Str(name)) if self.ix.templates.contains_key(name) => self.v.str(*name),
            _ => UNKNOWN,
        }
    }

    pub(super) fn value_of_type(&mut self, file: FileId, scope: FnId, ty: &Type) -> Val {
        let range = self.ix.file(file).functions[scope.0 as usize].name_range;
        self.value_of_type_at(file, scope, ty, Span { file, range })
    }

    pub(super) fn value_of_type_at(&mut self, file: FileId, scope: FnId, ty: &Type, at: Span) -> Val {
        match ty {
            Type::Unknown => UNKNOWN,
            Type::Union(all) => {
                let mut result = None;
                for t in all {
                    if *t == Type::Named(Name::new(NULL_TYPE)) {
                        continue;
                    }
                    let val = self.value_of_type_at(file, scope, t, at);
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
                result.unwrap_or(UNKNOWN)
            }
            Type::Named(name) => self.value_of_named(file, scope, *name, at),
            Type::Apply(name, args) => {
                let text = name.last_segment();
                let inner = args.last();
                let element = match inner {
                    Some(t) => self.value_of_type_at(file, scope, t, at),
                    None => UNKNOWN,
                };
                let outer = self.value_of_named(file, scope, *name, at);
                match self.data(outer).clone() {
                    Data::Many(..) => self.v.many(element, ManyKind::Held),
                    Data::Query(q) => {
                        let model = self.bare_row(element).map(|r| r.model);
                        self.v.of(Data::Query(Query { model, ..q }))
                    }
                    _ => match text {
                        "list" | "List" | "Sequence" | "Iterable" | "Iterator" | "Generator" | "set" | "Set" | "array"
                        | "iterable" | "Collection" | "AsyncIterator" | "AsyncGenerator" | "AsyncIterable" | "frozenset"
                        | "deque" | "non-empty-array" | "non-empty-list" | "Traversable" => {
                            let first = if matches!(text, "Generator" | "AsyncGenerator") { args.first() } else { inner };
                            let element = match first {
                                Some(t) => self.value_of_type_at(file, scope, t, at),
                                None => element,
                            };
                            self.v.many(element, ManyKind::Held)
                        }
                        "AbstractContextManager" | "AbstractAsyncContextManager" | "ContextManager" | "AsyncContextManager" => {
                            let given = match args.first() {
                                Some(t) => self.value_of_type_at(file, scope, t, at),
                                None => UNKNOWN,
                            };
                            self.v.many(given, ManyKind::Lazy)
                        }
                        "dict" | "Dict" | "Mapping" | "defaultdict" => self.v.of(Data::Record(Box::default(), Some(element))),
                        "tuple" | "Tuple" => {
                            let mut items = Vec::new();
                            for t in args {
                                items.push(self.value_of_type_at(file, scope, t, at));
                            }
                            self.v.of(Data::Tuple(items.into_boxed_slice()))
                        }
                        "type" | "Type" | "class-string" => match self.data(element) {
                            Data::Row(row) => match self.ix.model(row.model).class {
                                Some(class) => self.v.of(Data::Class(class)),
                                None => UNKNOWN,
                            },
                            Data::Object { class, .. } => {
                                let class = *class;
                                self.v.of(Data::Class(class))
                            }
                            _ => UNKNOWN,
                        },
                        "Annotated" | "Optional" | "Final" | "ClassVar" | "Awaitable" | "Coroutine" | "Mapped" => {
                            match args.first() {
                                Some(t) => self.value_of_type_at(file, scope, t, at),
                                None => UNKNOWN,
                            }
                        }
                        _ => outer,
                    },
                }
            }
        }
    }

    fn value_of_named(&mut self, file: FileId, scope: FnId, name: Name, at: Span) -> Val {
        match name.as_str() {
            "int" | "float" | "bool" | "string" | "str" | "bytes" | "null" | "void" | "true" | "false" | "datetime" => {
                return SCALAR;
            }
            "self" | "static" | "$this" | "Self" => {
                let f = FnRef { file, id: scope };
                return match self.ix.class_of_function(f) {
                    Some(class) => self.instance_of_class(class, at, false),
                    None => UNKNOWN,
                };
            }
            "array" | "iterable" | "list" | "set" | "mixed" | "object" | "callable" | "dict" | "tuple" | "never" | "None"
            | "Any" => {
                return UNKNOWN;
            }
            _ => (),
        }
        if let Some(class) = self.ix.type_to_class(file, scope, &Type::Named(name)) {
            return self.instance_of_class(class, at, false);
        }
        if let Some(val) = self.type_argument(file, scope, name, at).or_else(|| self.aliased_type(file, scope, name, at)) {
            return val;
        }
        let full = self.full_name(file, scope, name);
        let kind = self.ix.packs.instance_kind(full);
        match kind.map(Name::as_str) {
            Some("rows") => self.v.many(UNKNOWN, ManyKind::Held),
            Some("query") => self.open_query(None, at, None),
            _ => {
                if let Some(model) = self.ix.models.iter().position(|m| m.class.is_none() && m.name == full) {
                    return self.open_row(ModelId(model as u32), at);
                }
                self.v.of(Data::Instance(full))
            }
        }
    }

    /// The full name of something outside the program.
    pub(super) fn full_name(&self, file: FileId, scope: FnId, name: Name) -> Name {
        if self.ix.file(file).language != Language::Python {
            return name;
        }
        match self.ix.resolve_dotted(file, scope, name.as_str()) {
            crate::index::Symbol::External(full) => full,
            _ => name,
        }
    }

    /// One row of a model with nothing loaded beyond its defaults, as a source of its own.
    pub(super) fn declared_row(&mut self, model: ModelId, source: Source) -> Val {
        let src = self.v.source(source);
        let tree = self.default_tree(model);
        self.v.row(Row { model, tree, src, renewed_by: NO_LOOP })
    }
}

/// Does a method declare that it gives the object that it was called on?
pub(super) fn is_own_type(ty: &Type) -> bool {
    matches!(ty, Type::Named(name) if matches!(name.as_str(), "$this" | "static"))
}

/// Is the body of a method nothing but an exception or `...`, so that subclasses must have their own?
pub(super) fn is_left_open(decl: &crate::facts::FunctionDecl) -> bool {
    use crate::facts::{Expr, Stmt, StmtId};
    let body = &decl.body;
    let says = |s: &StmtId, what: fn(&Expr) -> bool| matches!(body.stmt(*s), Stmt::Expr(e) if what(body.expr(*e)));
    match body.root.split_last() {
        Some((last, before)) => {
            let is_open = matches!(body.stmt(*last), Stmt::Raise(_)) || says(last, |e| *e == Expr::Literal);
            is_open && before.iter().all(|s| says(s, |e| matches!(e, Expr::Str(_))))
        }
        None => false,
    }
}
