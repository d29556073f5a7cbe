//! What do response models and schemas read of the rows that they are filled from?

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::MAX_NESTING;
use super::field::Field;
use crate::base::{FileId, Name, Range};
use crate::facts::{Body, Expr, ExprId, FnId, Type};
use crate::index::{ClassId, FnRef, Symbol};

impl<'a> Engine<'a> {
    /// `PostOut.model_validate(post)`
    pub(super) fn model_static(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if !self.words(fr, "model-from-row").contains(&name) {
            return None;
        }
        let rows = args.positional.first().copied().or_else(|| args.named.first().map(|(_, v)| *v))?;
        self.fill(fr, class, rows, range, 0);
        Some(self.object(class, Vec::new()))
    }

    /// `PageOut(items=rows)`: rows given for a field that is a model itself fill it.
    pub(super) fn model_made(&mut self, fr: &mut Frame<'a>, class: ClassId, args: &Args, range: Range) {
        for (name, val) in &args.named {
            if self.v.sources_in(*val).is_empty() && !matches!(self.data(*val), Data::Query(_)) {
                continue;
            }
            let Some((owner, i)) = self.ix.find_attr(class, *name) else {
                continue;
            };
            let decl = self.ix.class_decl(owner);
            let Some(ty) = &decl.attrs[i].ty else {
                continue;
            };
            if let Some(inner) = self.model_in_type(self.ix.class(owner).file, decl.scope, ty) {
                self.fill(fr, inner, *val, range, 0);
            }
        }
    }

    /// Fills a response model from one row or many.
    fn fill(&mut self, fr: &mut Frame<'a>, class: ClassId, rows: Val, range: Range, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            e.fill_one(fr, class, row, range, depth);
            UNKNOWN
        });
    }

    fn fill_one(&mut self, fr: &mut Frame<'a>, class: ClassId, row: Val, range: Range, depth: usize) {
        let mut seen: Vec<Name> = Vec::new();
        for owner in self.ix.class(class).mro.clone() {
            let decl = self.ix.class_decl(owner);
            for attr in &decl.attrs {
                let Some(ty) = &attr.ty else { continue };
                if seen.contains(&attr.name) {
                    continue;
                }
                seen.push(attr.name);
                let file = self.ix.class(owner).file;
                let nested = self.model_in_type(file, decl.scope, ty);
                self.in_class(fr, owner, range, |e, fr| {
                    let val = match e.data(row).clone() {
                        Data::Record(keys, _) => keys.iter().find(|(k, _)| *k == attr.name).map_or(UNKNOWN, |(_, v)| *v),
                        Data::Row(_) | Data::OneOf(_) => e.attr(fr, row, attr.name, attr.name_range),
                        _ => UNKNOWN,
                    };
                    match nested {
                        Some(inner) => e.fill(fr, inner, val, attr.name_range, depth + 1),
                        None => {
                            if let Data::Query(_) = e.data(val) {
                                e.iterate(fr, val, attr.name_range);
                            }
                        }
                    }
                });
            }
        }
    }

    /// The response model that a type names, alone or as an element.
    fn model_in_type(&self, file: FileId, scope: FnId, ty: &Type) -> Option<ClassId> {
        match ty {
            Type::Unknown => None,
            Type::Union(all) => all.iter().find_map(|t| self.model_in_type(file, scope, t)),
            Type::Apply(name, args) => self
                .response_model(self.ix.type_to_class(file, scope, &Type::Named(*name)))
                .or_else(|| args.iter().find_map(|t| self.model_in_type(file, scope, t))),
            Type::Named(_) => self.response_model(self.ix.type_to_class(file, scope, ty)),
        }
    }

    fn response_model(&self, class: Option<ClassId>) -> Option<ClassId> {
        let is_table = |c: &ClassId| self.ix.class(*c).model.is_some_and(|m| !self.ix.model(m).is_abstract);
        class.filter(|c| !is_table(c) && self.role(*c) == Some("response-model-base"))
    }

    fn model_in_expr(&self, f: FnRef, body: &Body, e: ExprId, depth: usize) -> Option<ClassId> {
        if depth > 6 {
            return None;
        }
        match body.expr(e) {
            Expr::Index { base, index } => self
                .model_in_expr(f, body, *base, depth + 1)
                .or_else(|| index.and_then(|i| self.model_in_expr(f, body, i, depth + 1))),
            Expr::Binary { left, right, .. } => {
                self.model_in_expr(f, body, *left, depth + 1).or_else(|| self.model_in_expr(f, body, *right, depth + 1))
            }
            Expr::Seq { items, .. } => items.iter().find_map(|i| self.model_in_expr(f, body, i.value, depth + 1)),
            _ => match self.ix.symbol_of(f, e) {
                Symbol::Class(class) => self.response_model(Some(class)),
                _ => None,
            },
        }
    }

    /// Handlers whose decorator or return type names a model: what they return fills it.
    pub(super) fn response_models(&mut self) {
        let python = self.names.python;
        let word = |key: &str| self.ix.packs.word_in_language(python, key).unwrap_or_else(Name::empty);
        let (keyword, verbs) = (word("route-model"), word("route-verbs"));
        for (f, outer) in self.decorated_functions() {
            let decl = self.ix.function(f);
            let body = &self.ix.function(outer).body;
            let mut model = None;
            let mut routed = false;
            for decorator in &decl.decorators {
                let Expr::Call { callee, args } = body.expr(*decorator) else {
                    continue;
                };
                let Expr::Attr { name, .. } = body.expr(*callee) else {
                    continue;
                };
                if !verbs.has_word(name.as_str()) {
                    continue;
                }
                routed = true;
                if let Some(arg) = args.iter().find(|a| a.name.is_some_and(|n| keyword.has_word(n.as_str()))) {
                    model = self.model_in_expr(outer, body, arg.value, 0);
                }
            }
            if !routed {
                continue;
            }
            let model = model.or_else(|| decl.ret.as_ref().and_then(|ty| self.model_in_type(f.file, outer.id, ty)));
            let Some(model) = model else {
                self.walked_whole(f);
                continue;
            };
            let (mut fr, ret) = self.handler_result(f);
            self.fill(&mut fr, model, ret, decl.name_range, 0);
            self.finish(fr);
        }
    }

    /// Without a model, rows of some classes are encoded with all that they have.
    fn walked_whole(&mut self, f: FnRef) {
        let (mut fr, ret) = self.handler_result(f);
        let at = self.ix.function(f).name_range;
        self.per_row(&mut fr, ret, at, &mut |e, fr, row| {
            let Data::Row(data) = *e.data(row) else {
                return UNKNOWN;
            };
            let class = e.ix.model(data.model).class;
            if class.is_some_and(|c| e.has_role(c, "walked-whole")) {
                for name in e.own_relations(data.model) {
                    e.attr(fr, row, name, at);
                }
            }
            UNKNOWN
        });
        self.finish(fr);
    }

    /// A method that a schema inherits.
    pub(super) fn schema_call(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if name.as_str() == "__init__" {
            return self.serializer_call(fr, recv, class, name, args, range);
        }
        if !self.words(fr, "schema-methods").contains(&name) {
            return None;
        }
        let rows = args.positional.first().copied()?;
        self.dump(fr, recv, class, rows, range, 0);
        Some(UNKNOWN)
    }

    fn dump(&mut self, fr: &mut Frame<'a>, schema: Val, class: ClassId, rows: Val, range: Range, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            e.dump_one(fr, schema, class, row, range, depth);
            UNKNOWN
        });
    }

    fn option(&mut self, schema: Val, name: &str) -> Option<Vec<Name>> {
        let Data::Object { fields, .. } = self.data(schema) else {
            return None;
        };
        let val = fields.iter().find(|(n, _)| n.as_str() == name).map(|(_, v)| *v)?;
        match self.data(val) {
            Data::Str(only) => Some(vec![*only]),
            Data::Tuple(items) => Some(
                items
                    .iter()
                    .filter_map(|v| match self.data(*v) {
                        Data::Str(s) => Some(*s),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => None,
        }
    }

    fn dump_one(&mut self, fr: &mut Frame<'a>, schema: Val, class: ClassId, row: Val, range: Range, depth: usize) {
        self.serves(class, row);
        let fields = self.fields_of(class);
        let options = self.words(fr, "schema-options");
        let only = options.first().and_then(|o| self.option(schema, o.as_str()));
        let hidden = options.get(1).and_then(|o| self.option(schema, o.as_str())).unwrap_or_default();
        for field in fields.iter() {
            let named = |n: &Name| *n == field.name || n.as_str().split('.').next() == Some(field.name.as_str());
            if only.as_ref().is_some_and(|o| !o.iter().any(named)) || hidden.contains(&field.name) {
                continue;
            }
            self.in_class(fr, field.owner, range, |e, fr| e.dump_field(fr, schema, field, row, depth));
        }
        if only.is_none() {
            self.dump_relations(fr, class, &fields, &hidden, row, range);
        }
    }

    /// Relations of the model that a schema shows without declaring them.
    fn dump_relations(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        fields: &[Field<'a>],
        hidden: &[Name],
        row: Val,
        range: Range,
    ) {
        let Data::Row(known) = *self.data(row) else { return };
        let settings = self.word(fr, "schema-settings");
        let Some(settings) = self.nested_class(class, settings) else { return };
        let own = |e: &mut Self, fr: &Frame<'a>, word: &str| {
            let name = e.word(fr, word);
            e.ix.find_attr(settings, name).map(|(owner, i)| (owner, i, e.class_attr(settings, name)))
        };
        let Some((place, named, model)) = own(self, fr, "schema-model") else { return };
        let is_own = matches!(self.data(model), Data::Class(c) if self.ix.class(*c).model == Some(known.model));
        let Some((owner, i, _)) = own(self, fr, "schema-relations") else { return };
        let shown = self.ix.class_decl(owner).attrs[i].value;
        let scope = self.ix.function(FnRef { file: self.ix.class(owner).file, id: self.ix.class_decl(owner).scope });
        let is_shown = shown.is_some_and(|e| *scope.body.expr(e) == Expr::Bool(true));
        if !is_own || !is_shown || own(self, fr, "schema-listed").is_some() {
            return;
        }
        let excluded = match own(self, fr, "schema-excluded").map(|(.., val)| self.data(val).clone()) {
            Some(Data::Tuple(items)) => {
                items.iter().map(|v| if let Data::Str(s) = self.data(*v) { Some(*s) } else { None }).collect()
            }
            Some(_) => None,
            None => Some(Vec::new()),
        };
        let Some(excluded): Option<Vec<Name>> = excluded else { return };
        let at = self.ix.class_decl(place).attrs[named].name_range;
        let mut names: Vec<Name> = self.ix.model(known.model).relations.keys().copied().collect();
        names.sort_unstable();
        for name in names {
            if excluded.contains(&name) || hidden.contains(&name) || fields.iter().any(|f| f.name == name) {
                continue;
            }
            self.in_class(fr, place, range, |e, fr| {
                let val = e.read_called(fr, row, name.as_str(), at);
                if let Data::Query(_) = e.data(val) {
                    e.iterate(fr, val, at);
                }
            });
        }
    }

    fn dump_field(&mut self, fr: &mut Frame<'a>, schema: Val, field: &Field<'a>, row: Val, depth: usize) {
        let Data::External(callee) = *self.data(field.callee) else {
            return;
        };
        let write_only = self.word(fr, "schema-write-only");
        if field.named.iter().any(|(name, e)| *name == write_only && *field.body.expr(*e) == Expr::Bool(true)) {
            return;
        }
        let attribute = self.word(fr, "schema-attribute");
        let source = match field.named(attribute).map(|v| self.data(v).clone()) {
            Some(Data::Str(s)) => s,
            _ => field.name,
        };
        let role = |e: &Self, name: Name| e.ix.packs.roles(name).iter().map(|r| r.as_str()).find(|r| r.starts_with("schema-"));
        let first = field.args.positional.first().copied();
        match role(self, callee) {
            Some("schema-call") => {
                let Some(first) = first else { return };
                match self.data(first).clone() {
                    Data::Str(method) => {
                        self.call_method(fr, schema, method, Args::positional(vec![row]), field.range);
                    }
                    _ => {
                        self.call_value(fr, first, Args::positional(vec![row]), field.range);
                    }
                }
            }
            Some("schema-nested") => {
                let val = self.read_called(fr, row, source.as_str(), field.range);
                if let Some((class, inner)) = first.and_then(|v| self.schema_named(fr, v, field.range)) {
                    let inner = self.narrowed(fr, class, inner, field);
                    self.dump(fr, inner, class, val, field.range, depth + 1);
                }
            }
            Some("schema-list") => {
                let val = self.read_called(fr, row, source.as_str(), field.range);
                let nested =
                    field.inner.as_ref().filter(|(name, _)| role(self, *name) == Some("schema-nested")).and_then(|(_, v)| *v);
                if let Some((class, inner)) = nested.and_then(|v| self.schema_named(fr, v, field.range)) {
                    self.dump(fr, inner, class, val, field.range, depth + 1);
                }
            }
            _ => {
                let val = self.read_called(fr, row, source.as_str(), field.range);
                if let Data::Query(_) = self.data(val) {
                    self.iterate(fr, val, field.range);
                }
            }
        }
    }

    /// A schema inside another, with what the field says of which fields it shows.
    fn narrowed(&mut self, fr: &Frame<'a>, class: ClassId, schema: Val, field: &Field<'a>) -> Val {
        let options = self.words(fr, "schema-options");
        let given: Vec<(Name, Val)> = field.args.named.iter().filter(|(name, _)| options.contains(name)).copied().collect();
        if given.is_empty() { schema } else { self.object(class, given) }
    }

    /// A schema as a class, an instance, a function that gives it, or a name.
    fn schema_named(&mut self, fr: &mut Frame<'a>, val: Val, range: Range) -> Option<(ClassId, Val)> {
        match self.data(val).clone() {
            Data::Class(class) => Some((class, self.object(class, Vec::new()))),
            Data::Object { class, .. } => Some((class, val)),
            Data::Closure(..) | Data::Function(_) => {
                let made = self.call_value(fr, val, Args::default(), range);
                match self.data(made) {
                    Data::Class(_) | Data::Object { .. } => self.schema_named(fr, made, range),
                    _ => None,
                }
            }
            Data::Str(name) => {
                let found = (0..self.ix.classes.len() as u32)
                    .map(ClassId)
                    .find(|c| self.ix.class(*c).name.last_segment() == name.as_str() && self.role(*c) == Some("schema"))?;
                Some((found, self.object(found, Vec::new())))
            }
            _ => None,
        }
    }
}
