//! What do the resolvers of a graph of types read of each row?
//!
//! A type of the graph stands for rows of a model. Its resolvers run once per row, with the row as the receiver; a field
//! without one reads the attribute. Sources: `graphene_django.types.DjangoObjectType`, `strawberry_django.type`.

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::field::Listed;
use crate::base::{FileId, Name, Range};
use crate::facts::{Arg, Expr, ExprId, FnId, FunctionDecl, Type};
use crate::index::{ClassId, FnRef, ModelId, Symbol};
use crate::source::Origin;

/// Types nest at most this deep below the rows that a resolver gives: how deep a request asks is its own affair.
const MAX_LEVELS: usize = 2;

/// A type of the graph.
#[derive(Clone, Copy)]
struct GraphType {
    class: ClassId,
    /// The model whose rows it stands for; none for the entry points.
    model: Option<ModelId>,
    /// Decorators make types and resolvers, else base classes and names do.
    decorated: bool,
}

impl<'a> Engine<'a> {
    /// Runs what the entry points of a graph give, and reads it as its types say.
    pub(super) fn graph_roots(&mut self) {
        for i in 0..self.ix.classes.len() {
            let class = ClassId(i as u32);
            if self.ix.sources.file(self.ix.class(class).file).origin != Origin::Ours {
                continue;
            }
            let Some(graph) = self.graph_type(class) else { continue };
            if graph.model.is_some() {
                continue;
            }
            let mut fr = self.class_frame(class);
            if graph.decorated {
                self.decorated_entries(&mut fr, class)
            } else {
                self.named_entries(&mut fr, class)
            }
            self.finish(fr);
        }
    }

    fn graph_type(&mut self, class: ClassId) -> Option<GraphType> {
        if self.has_role(class, "graph-type") {
            let fr = self.class_frame(class);
            let (meta, attr) = (self.word(&fr, "serializer-meta"), self.word(&fr, "admin-model"));
            let named = self.nested_class(class, meta).map_or(UNKNOWN, |meta| self.class_attr(meta, attr));
            let model = match *self.data(named) {
                Data::Class(model) => self.ix.class(model).model,
                _ => None,
            };
            return Some(GraphType { class, model, decorated: false });
        }
        let decl = self.ix.class_decl(class);
        let scope = FnRef { file: self.ix.class(class).file, id: decl.scope };
        if let Some(args) = self.decorated_as(scope, &decl.decorators, "graph-model-decorator") {
            let model = args.first().and_then(|a| self.ix.model_of(self.ix.symbol_of(scope, a.value)));
            return model.map(|model| GraphType { class, model: Some(model), decorated: true });
        }
        self.decorated_as(scope, &decl.decorators, "graph-decorator")?;
        Some(GraphType { class, model: None, decorated: true })
    }

    /// The arguments of the decorator that has a role; none are given where it is no call.
    fn decorated_as(&self, scope: FnRef, decorators: &[ExprId], role: &str) -> Option<&'a [Arg]> {
        let body = &self.ix.function(scope).body;
        decorators.iter().find_map(|decorator| {
            let (callee, args): (ExprId, &[Arg]) = match body.expr(*decorator) {
                Expr::Call { callee, args } => (*callee, args),
                _ => (*decorator, &[]),
            };
            self.names_role(scope, callee, role).then_some(args)
        })
    }

    fn names_role(&self, scope: FnRef, e: ExprId, role: &str) -> bool {
        match self.ix.symbol_of(scope, e) {
            Symbol::External(name) => self.ix.packs.roles(name).iter().any(|r| r.as_str() == role),
            _ => false,
        }
    }

    /// Fields of an entry point that base classes make: resolvers by name, or all rows of a type.
    fn named_entries(&mut self, fr: &mut Frame<'a>, class: ClassId) {
        let fields = self.fields_of(class);
        for field in fields.iter() {
            let first = field.args.positional.first().copied().or(field.inner.as_ref().and_then(|(_, v)| *v));
            let Some(target) = first.and_then(|v| self.named_graph_type(fr, v, field.range)) else {
                continue;
            };
            let rows = match self.ix.find_method(class, self.resolver_name(fr, field.name)) {
                Some((_, f)) => self.resolve(fr, f, UNKNOWN, field.range),
                None => match (self.data(field.callee).clone(), target.model) {
                    (Data::External(name), Some(model))
                        if self.ix.packs.roles(name).iter().any(|r| r.as_str() == "graph-rows") =>
                    {
                        let query = self.all_rows(fr, model, field.range);
                        self.v.of(Data::Query(query))
                    }
                    _ => continue,
                },
            };
            self.graph_rows(fr, target, rows, field.range, 0);
        }
    }

    /// Fields of an entry point that decorators make.
    fn decorated_entries(&mut self, fr: &mut Frame<'a>, class: ClassId) {
        let decl = self.ix.class_decl(class);
        let file = self.ix.class(class).file;
        let scope = FnRef { file, id: decl.scope };
        for attr in &decl.attrs {
            let (Some(ty), Some(value)) = (&attr.ty, attr.value) else { continue };
            let Expr::Call { callee, .. } = fr.body.expr(value) else { continue };
            if !self.names_role(scope, *callee, "graph-rows") || !matches!(ty, Type::Apply(..)) {
                continue;
            }
            if let Some(target) = self.graph_type_in(file, decl.scope, ty)
                && let Some(model) = target.model
            {
                let query = self.all_rows(fr, model, attr.name_range);
                self.hinted_rows.insert(self.span(fr, attr.name_range));
                let rows = self.v.of(Data::Query(query));
                self.graph_rows(fr, target, rows, attr.name_range, 0);
            }
        }
        for method in &decl.methods {
            let f = FnRef { file, id: *method };
            let decl = self.ix.function(f);
            if let Some((scope, ty)) = self.resolver_type(f, decl)
                && let Some(target) = self.graph_type_in(file, scope, ty)
            {
                let rows = self.resolve(fr, f, UNKNOWN, decl.name_range);
                self.graph_rows(fr, target, rows, decl.name_range, 0);
            }
        }
    }

    /// What a resolver that a decorator makes says that it gives.
    fn resolver_type(&self, f: FnRef, decl: &'a FunctionDecl) -> Option<(FnId, &'a Type)> {
        let parent = decl.parent?;
        self.decorated_as(FnRef { file: f.file, id: parent }, &decl.decorators, "graph-field-decorator")?;
        Some((parent, decl.ret.as_ref()?))
    }

    fn resolver_name(&self, fr: &Frame<'a>, field: Name) -> Name {
        Name::new(&self.word(fr, "graph-resolver").as_str().replace("{name}", field.as_str()))
    }

    /// Runs a resolver for a row: it is the receiver, or the first argument of one without receiver.
    fn resolve(&mut self, fr: &mut Frame<'a>, f: FnRef, row: Val, at: Range) -> Val {
        let given = if self.takes_receiver(f) { vec![UNKNOWN] } else { vec![row, UNKNOWN] };
        self.call_function(fr, f, row, Args::positional(given), at).0
    }

    /// A type of the graph as a class, or as a function that gives it.
    fn named_graph_type(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) -> Option<GraphType> {
        let named = match self.data(val) {
            Data::Closure(..) => self.call_value(fr, val, Args::default(), at),
            _ => val,
        };
        match *self.data(named) {
            Data::Class(class) => self.graph_type(class),
            _ => None,
        }
    }

    /// The type of the graph that an annotation names, alone or as an element.
    fn graph_type_in(&mut self, file: FileId, scope: FnId, ty: &Type) -> Option<GraphType> {
        match ty {
            Type::Unknown => None,
            Type::Union(all) => all.iter().find_map(|t| self.graph_type_in(file, scope, t)),
            Type::Apply(_, args) => args.iter().find_map(|t| self.graph_type_in(file, scope, t)),
            Type::Named(_) => {
                let class = self.ix.type_to_class(file, scope, ty)?;
                self.graph_type(class)
            }
        }
    }

    /// Reads rows as a type of the graph says.
    fn graph_rows(&mut self, fr: &mut Frame<'a>, graph: GraphType, rows: Val, at: Range, level: usize) {
        if level >= MAX_LEVELS || graph.model.is_none() {
            return;
        }
        self.per_row(fr, rows, at, &mut |e, fr, row| {
            if e.bare_row(row).is_some() {
                if graph.decorated {
                    e.decorated_fields(fr, graph, row, level);
                } else {
                    e.named_fields(fr, graph, row, level);
                }
            }
            UNKNOWN
        });
    }

    /// Fields of a row that base classes make: declared ones, and those that the inner class lists.
    fn named_fields(&mut self, fr: &mut Frame<'a>, graph: GraphType, row: Val, level: usize) {
        let fields = self.fields_of(graph.class);
        for field in fields.iter() {
            let resolver = self.ix.find_method(graph.class, self.resolver_name(fr, field.name));
            let Some((owner, f)) = resolver else { continue };
            let val = self.in_class(fr, owner, field.range, |e, fr| e.resolve(fr, f, row, field.range)).unwrap_or(UNKNOWN);
            let first = field.args.positional.first().copied().or(field.inner.as_ref().and_then(|(_, v)| *v));
            match first.and_then(|v| self.named_graph_type(fr, v, field.range)) {
                Some(target) => self.in_class(fr, field.owner, field.range, |e, fr| {
                    e.graph_rows(fr, target, val, field.range, level + 1);
                }),
                None => self.in_class(fr, field.owner, field.range, |e, fr| {
                    if let Data::Query(_) = e.data(val) {
                        e.iterate(fr, val, field.range);
                    }
                }),
            };
        }
        let meta = self.word(fr, "serializer-meta");
        let listed = self.word(fr, "serializer-fields");
        let names = self.nested_class(graph.class, meta).and_then(|m| self.listed(m, listed)).unwrap_or_default();
        for entry in names {
            self.in_class(fr, entry.owner, entry.range, |e, fr| e.listed_field(fr, graph, row, entry));
        }
    }

    fn listed_field(&mut self, fr: &mut Frame<'a>, graph: GraphType, row: Val, entry: Listed) {
        let Data::Str(name) = *self.data(entry.val) else { return };
        let resolver = self.resolver_name(fr, name);
        if let Some((_, f)) = self.ix.find_method(graph.class, resolver) {
            self.resolve(fr, f, row, entry.range);
            return;
        }
        let is_relation = graph.model.is_some_and(|m| self.relation(m, name).is_some());
        if is_relation {
            let val = self.attr(fr, row, name, entry.range);
            if let Data::Query(_) = self.data(val) {
                self.iterate(fr, val, entry.range);
            }
        }
    }

    /// Fields of a row that decorators make. Where an extension of the schema loads what a request asks for, only code of
    /// one's own without hints reads more.
    fn decorated_fields(&mut self, fr: &mut Frame<'a>, graph: GraphType, row: Val, level: usize) {
        let is_loaded = self.graph_is_loaded();
        let hints = self.words(fr, "graph-hints");
        for owner in self.ix.class(graph.class).mro.clone() {
            let decl = self.ix.class_decl(owner);
            let file = self.ix.class(owner).file;
            for attr in &decl.attrs {
                let Some(ty) = &attr.ty else { continue };
                if is_loaded || attr.value.is_some() || graph.model.is_none_or(|m| self.relation(m, attr.name).is_none()) {
                    continue;
                }
                let target = self.graph_type_in(file, decl.scope, ty);
                self.in_class(fr, owner, attr.name_range, |e, fr| {
                    let val = e.attr(fr, row, attr.name, attr.name_range);
                    match target {
                        Some(target) => e.graph_rows(fr, target, val, attr.name_range, level + 1),
                        None => {
                            if let Data::Query(_) = e.data(val) {
                                e.iterate(fr, val, attr.name_range);
                            }
                        }
                    }
                });
            }
            for method in &decl.methods {
                let f = FnRef { file, id: *method };
                let function = self.ix.function(f);
                let Some(parent) = function.parent else { continue };
                let scope = FnRef { file, id: parent };
                let Some(args) = self.decorated_as(scope, &function.decorators, "graph-field-decorator") else {
                    continue;
                };
                if args.iter().any(|a| a.name.is_some_and(|n| hints.contains(&n))) {
                    continue;
                }
                let at = function.name_range;
                let target = function.ret.as_ref().and_then(|ty| self.graph_type_in(file, parent, ty));
                self.in_class(fr, owner, at, |e, fr| {
                    let val = e.resolve(fr, f, row, at);
                    match target {
                        Some(target) => e.graph_rows(fr, target, val, at, level + 1),
                        None => {
                            if let Data::Query(_) = e.data(val) {
                                e.iterate(fr, val, at);
                            }
                        }
                    }
                });
            }
        }
    }

    /// Does a schema load what each request asks for? A file that imports the extension for it says so.
    fn graph_is_loaded(&self) -> bool {
        let loads = |target: Name| self.ix.packs.roles(target).iter().any(|r| r.as_str() == "graph-optimizer");
        self.ix.facts.iter().any(|file| file.imports.iter().any(|import| loads(import.target)))
    }
}
