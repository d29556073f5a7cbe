//! Which scopes, managers and bases limit a model to the tenant?

use std::collections::{BTreeMap, BTreeSet};

use super::{Limit, LimitKind, Words};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Body, Expr, FnId, Language};
use crate::index::models::snake;
use crate::index::{ClassId, FnRef, ModelId, ProjectIndex, Symbol, classes};

/// A limit of a model, with the columns that it compares.
pub(super) struct Found {
    pub(super) model: ModelId,
    pub(super) limit: Limit,
    pub(super) columns: BTreeSet<Name>,
}

/// The work of this module.
pub(super) struct Reader<'i, 'a> {
    pub(super) index: &'i ProjectIndex<'a>,
    pub(super) schema: &'i BTreeMap<Name, BTreeSet<Name>>,
    pub(super) words: &'i Words,
}

impl Reader<'_, '_> {
    /// All limits of all models.
    pub(super) fn limits(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (i, model) in self.index.models.iter().enumerate() {
            let id = ModelId(i as u32);
            if model.is_abstract || model.class.is_none() {
                continue;
            }
            self.global_scopes(id, &mut found);
            self.managers(id, &mut found);
            self.bases(id, &mut found);
        }
        self.hooks(&mut found);
        // One model alone may be limited by a column for other reasons.
        let mut models: BTreeMap<Name, BTreeSet<ModelId>> = BTreeMap::new();
        for one in &found {
            for column in &one.columns {
                models.entry(*column).or_default().insert(one.model);
            }
        }
        self.leave_parts(&mut found);
        found.retain(|one| {
            let is_sure = matches!(one.limit.kind, LimitKind::Library) || self.is_configured(one.limit.name);
            is_sure
                || one.columns.iter().any(|c| {
                    models.get(c).is_some_and(|m| m.len() > 1) || self.is_tenant_name(c.as_str()) || self.tables_with(*c) > 1
                })
        });
        found
    }

    /// A scope may narrow rows of the tenant further: by what belongs to the tenant itself, or by who may see them. Such columns
    /// say nothing of whose the rows are.
    fn leave_parts(&self, found: &mut Vec<Found>) {
        let all: BTreeSet<Name> = found.iter().flat_map(|one| one.columns.iter().copied()).collect();
        let targets: BTreeMap<Name, ModelId> = all.iter().filter_map(|c| Some((*c, super::target_of(self.index, *c)?))).collect();
        let columns: BTreeMap<ModelId, BTreeSet<Name>> =
            targets.values().map(|t| (*t, super::columns_to(self.index, *t))).collect();
        let is_part = |part: ModelId| {
            let belongs = |to: ModelId| super::column_of(self.index, self.schema, part, &columns[&to]).is_some();
            // Of two that name each other, neither is known to be a part.
            let names = |a: ModelId, b: ModelId| super::column_of(self.index, self.schema, a, &columns[&b]).is_some();
            targets.values().any(|t| *t != part && belongs(*t) && !names(*t, part))
        };
        let visible = &self.index.packs.tenancy().visibility_names;
        let says_who = |c: &Name| {
            let stem = c.as_str().strip_suffix("_id").unwrap_or(c.as_str());
            visible.iter().any(|v| v == stem)
        };
        for one in found.iter_mut() {
            one.columns.retain(|c| !says_who(c) && !targets.get(c).is_some_and(|t| is_part(*t)));
        }
        found.retain(|one| !one.columns.is_empty() || one.limit.kind == LimitKind::Library || self.is_configured(one.limit.name));
    }

    fn is_configured(&self, name: Name) -> bool {
        let short = name.last_segment();
        self.words.scopes.iter().any(|s| s == name.as_str() || s.rsplit(['.', '\\']).next() == Some(short))
    }

    fn is_tenant_name(&self, column: &str) -> bool {
        let stem = column.strip_suffix("_id").unwrap_or(column);
        self.index.packs.tenancy().tenant_names.iter().any(|n| n == stem)
    }

    fn tables_with(&self, column: Name) -> usize {
        let models = self.index.models.iter().filter(|m| !m.is_abstract && m.columns.contains_key(&column)).count();
        let tables = self.schema.values().filter(|c| c.contains(&column)).count();
        models.max(tables)
    }

    fn global_scopes(&self, id: ModelId, found: &mut Vec<Found>) {
        let model = self.index.model(id);
        for (name, span) in &model.scopes {
            let is_library = self.index.packs.tenancy().scopes.iter().any(|s| s.eq_ignore_ascii_case(name.as_str()));
            let columns = self.columns_in(id, &self.scope_functions(*name, *span), *name);
            if columns.is_empty() && !is_library && !self.is_configured(*name) {
                continue;
            }
            let kind = if self.is_own_place(id, *span) { LimitKind::Scope } else { LimitKind::Later };
            found.push(Found { model: id, limit: Limit { name: *name, span: Some(*span), kind }, columns });
        }
    }

    /// Is a scope added by the model, its traits, or a provider, and not by code that only some requests run?
    fn is_own_place(&self, id: ModelId, span: Span) -> bool {
        let Some(class) = self.index.model(id).class else {
            return true;
        };
        self.index.class(class).mro.iter().any(|c| self.index.class(*c).file == span.file)
            || self.index.classes.iter().any(|c| {
                c.file == span.file
                    && c.external.iter().any(|n| self.index.packs.roles(*n).iter().any(|r| r.as_str() == "provider"))
            })
    }

    /// The functions of a scope: the closures at its place, and the methods of its class.
    pub(super) fn scope_functions(&self, name: Name, span: Span) -> Vec<FnRef> {
        let mut functions = Vec::new();
        for (i, function) in self.index.file(span.file).functions.iter().enumerate() {
            let inside = function.range.start >= span.range.start && function.range.end <= span.range.end;
            if inside {
                functions.push(FnRef { file: span.file, id: FnId(i as u32) });
            }
        }
        if let Some(class) = self.index.class_names.get(&classes::folded(name)) {
            functions.extend(self.methods(*class));
        }
        functions
    }

    fn methods(&self, class: ClassId) -> Vec<FnRef> {
        let mut functions = Vec::new();
        for owner in &self.index.class(class).mro {
            let file = self.index.class(*owner).file;
            let decl = self.index.class_decl(*owner);
            functions.extend(decl.methods.iter().map(|m| FnRef { file, id: *m }));
            // Closures made in them.
            for (i, function) in self.index.file(file).functions.iter().enumerate() {
                if function.kind == crate::facts::FnKind::Closure
                    && function.range.start >= decl.range.start
                    && function.range.end <= decl.range.end
                {
                    functions.push(FnRef { file, id: FnId(i as u32) });
                }
            }
        }
        functions
    }

    /// Columns of the model that lead to another model and are named in these functions.
    fn columns_in(&self, id: ModelId, functions: &[FnRef], name: Name) -> BTreeSet<Name> {
        let mut texts: BTreeSet<Name> = BTreeSet::new();
        for function in functions {
            let body = &self.index.function(*function).body;
            // What is given to calls that order rows or load others with them compares nothing.
            let shaping: Vec<Range> = body.exprs.iter().flat_map(|e| self.shaped(body, e)).collect();
            for (i, expr) in body.exprs.iter().enumerate() {
                let place = body.ranges[i];
                if shaping.iter().any(|s| s.contains(place)) {
                    continue;
                }
                match expr {
                    Expr::Str(text) => {
                        texts.insert(Name::new(
                            text.as_str().rsplit(['.', '(']).next().unwrap_or(text.as_str()).trim_matches(['`', '"', ' ', '=']),
                        ));
                    }
                    Expr::Call { args, .. } if self.shaped(body, expr).is_empty() => {
                        texts.extend(args.iter().filter_map(|a| a.name));
                    }
                    Expr::Attr { name, .. } if self.index.file(function.file).language == Language::Python => {
                        texts.insert(*name);
                    }
                    _ => (),
                }
            }
        }
        let mut columns: BTreeSet<Name> = texts.into_iter().filter(|t| self.is_key_column(id, *t)).collect();
        // What asks nothing of the query limits nothing, whatever it is called.
        let asks = |f: &FnRef| {
            let exprs = &self.index.function(*f).body.exprs;
            exprs.iter().any(|e| matches!(e, Expr::Call { args, .. } if !args.is_empty()))
        };
        if columns.is_empty() && (functions.is_empty() || functions.iter().any(asks)) {
            let lower = name.last_segment().to_lowercase();
            let by_name = self.index.packs.tenancy().tenant_names.iter().filter(|n| lower.contains(n.as_str()));
            columns.extend(by_name.map(|n| Name::new(&format!("{n}_id"))).filter(|c| self.is_key_column(id, *c)));
        }
        columns
    }

    /// The arguments of a call that gives a query another form.
    fn shaped(&self, body: &Body, expr: &Expr) -> Vec<Range> {
        let Expr::Call { callee, args } = expr else { return Vec::new() };
        let Expr::Attr { name, .. } = body.expr(*callee) else { return Vec::new() };
        let is_shaping = self.index.packs.tenancy().shaping_names.iter().any(|s| s == name.as_str());
        if is_shaping { args.iter().map(|a| body.range(a.value)).collect() } else { Vec::new() }
    }

    /// Does a column (or relation) of the model lead to a model that is no user?
    fn is_key_column(&self, id: ModelId, column: Name) -> bool {
        let model = self.index.model(id);
        #[allow(clippy::iter_over_hash_type)]
        let relation = model
            .relations
            .values()
            .filter(|r| !r.many && (r.key_column == Some(column) || r.name == column && r.key_column.is_some()))
            .min_by_key(|r| r.name);
        if let Some(relation) = relation {
            return relation.target.is_none_or(|t| !super::is_user(self.index, t) && t != id);
        }
        let Some(stem) = column.as_str().strip_suffix("_id") else {
            return false;
        };
        let has = model.columns.contains_key(&column)
            || model.table.and_then(|t| self.schema.get(&t)).is_some_and(|c| c.contains(&column))
            || model.columns.len() < 2;
        let target =
            self.index.models.iter().position(|m| !m.is_abstract && m.class.is_some() && snake(m.name.last_segment()) == stem);
        has && match target {
            Some(target) => !super::is_user(self.index, ModelId(target as u32)) && target != id.0 as usize,
            None => self.is_tenant_name(column.as_str()),
        }
    }

    fn managers(&self, id: ModelId, found: &mut Vec<Found>) {
        let model = self.index.model(id);
        let Some(first) = self.index.packs.word(model.dialect, "initial-query") else { return };
        for manager in &model.managers {
            let mut functions = Vec::new();
            for class in [manager.class, manager.query_class].into_iter().flatten() {
                if let Some((_, f)) = self.index.find_method(class, first) {
                    functions.extend(self.with_called(class, f));
                }
            }
            functions.dedup();
            let name = manager.class.or(manager.query_class).map_or(manager.name, |c| self.index.class(c).name);
            let columns = if functions.is_empty() { BTreeSet::new() } else { self.columns_in(id, &functions, Name::new("")) };
            if !columns.is_empty() || self.is_configured(name) {
                let limit = Limit { name: manager.name, span: model.span, kind: LimitKind::Manager };
                found.push(Found { model: id, limit, columns });
            }
        }
        self.library_managers(id, found);
    }

    /// A method and those of its class that it names, directly or by another. Others that a manager has limit nothing by themselves.
    fn with_called(&self, class: ClassId, first: FnRef) -> Vec<FnRef> {
        let methods = self.methods(class);
        let named = |f: FnRef| {
            let exprs = &self.index.function(f).body.exprs;
            exprs.iter().filter_map(|e| if let Expr::Attr { name, .. } = e { Some(*name) } else { None }).collect::<BTreeSet<_>>()
        };
        let mut found = vec![first];
        let mut at = 0;
        while at < found.len() {
            let (names, range) = (named(found[at]), self.index.function(found[at]).range);
            for method in &methods {
                let decl = self.index.function(*method);
                let is_inside = method.file == found[at].file && range.start <= decl.range.start && decl.range.end <= range.end;
                if (is_inside || names.contains(&decl.name)) && !found.contains(method) {
                    found.push(*method);
                }
            }
            at += 1;
        }
        found
    }

    /// Managers of libraries, given as a call in the class body: the keywords name the column, or the way to it.
    fn library_managers(&self, id: ModelId, found: &mut Vec<Found>) {
        let Some(class) = self.index.model(id).class else {
            return;
        };
        let names = &self.index.packs.tenancy().scoping_managers;
        for owner in &self.index.class(class).mro {
            let decl = self.index.class_decl(*owner);
            let at = FnRef { file: self.index.class(*owner).file, id: decl.scope };
            for attr in &decl.attrs {
                let Some(value) = attr.value else { continue };
                let Some(call) = self.index.call_at(at, value) else {
                    continue;
                };
                let Symbol::External(full) = self.index.symbol_of(at, call.callee) else {
                    continue;
                };
                if !names.iter().any(|n| n == full.as_str()) {
                    continue;
                }
                let mut columns = BTreeSet::new();
                for arg in call.args {
                    if let Some(dimension) = arg.name.filter(|n| !n.as_str().starts_with('_')) {
                        columns.insert(dimension);
                        columns.insert(Name::new(&format!("{dimension}_id")));
                    }
                }
                let span = Some(Span { file: at.file, range: attr.name_range });
                found.push(Found { model: id, limit: Limit { name: attr.name, span, kind: LimitKind::Library }, columns });
            }
        }
    }

    fn bases(&self, id: ModelId, found: &mut Vec<Found>) {
        let model = self.index.model(id);
        let Some(class) = model.class else { return };
        let bases = &self.index.packs.tenancy().scoping_bases;
        for external in &self.index.class(class).external {
            if bases.iter().any(|b| b == external.as_str()) {
                let mut columns = BTreeSet::new();
                if self.index.file(self.index.class(class).file).language == Language::Php {
                    columns.insert(Name::new("tenant_id"));
                }
                let limit = Limit { name: *external, span: model.span, kind: LimitKind::Library };
                found.push(Found { model: id, limit, columns });
            }
        }
    }

    /// Hooks of the session: a function that is given the class and the condition.
    fn hooks(&self, found: &mut Vec<Found>) {
        let names = &self.index.packs.tenancy().session_criteria;
        for (i, facts) in self.index.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            for (f, function) in facts.functions.iter().enumerate() {
                let at = FnRef { file: FileId(i as u32), id: FnId(f as u32) };
                for expr in &function.body.exprs {
                    let Expr::Call { callee, args } = expr else {
                        continue;
                    };
                    let Symbol::External(full) = self.index.symbol_of(at, *callee) else {
                        continue;
                    };
                    if !names.iter().any(|n| n == full.as_str()) {
                        continue;
                    }
                    let (Some(first), Some(second)) = (args.first(), args.get(1)) else {
                        continue;
                    };
                    let Symbol::Class(class) = self.index.symbol_of(at, first.value) else {
                        continue;
                    };
                    let mut columns = BTreeSet::new();
                    let range = function.body.range(second.value);
                    for inner in &facts.functions {
                        for (e, expr) in inner.body.exprs.iter().enumerate() {
                            let place = inner.body.ranges[e];
                            if let Expr::Attr { name, .. } = expr
                                && place.start >= range.start
                                && place.end <= range.end
                            {
                                columns.insert(*name);
                            }
                        }
                    }
                    let span = Some(Span { file: at.file, range: function.body.range(*callee) });
                    let mut models: Vec<ModelId> = self.index.class(class).model.into_iter().collect();
                    models.extend(self.index.class(class).descendants.iter().filter_map(|d| self.index.class(*d).model));
                    let below: Vec<ModelId> = self
                        .index
                        .models
                        .iter()
                        .enumerate()
                        .filter(|(_, m)| m.class.is_some_and(|c| self.index.class(c).mro.contains(&class)))
                        .map(|(j, _)| ModelId(j as u32))
                        .collect();
                    models.extend(below);
                    models.sort();
                    models.dedup();
                    for model in models {
                        let own: BTreeSet<Name> = columns.iter().copied().filter(|c| self.is_key_column(model, *c)).collect();
                        if own.is_empty() || self.index.model(model).is_abstract {
                            continue;
                        }
                        let limit = Limit { name: Name::new(full.last_segment()), span, kind: LimitKind::Session };
                        found.push(Found { model, limit, columns: own });
                    }
                }
            }
        }
    }
}
