//! How does the application keep its tenants apart? The tenant, the models that belong to it, and what limits each.
//!
//! In: the linked index and the project's own words. Out: [`Tenancy`]. What is said rests on code that adds a condition on a
//! column, on libraries of tenancy, or on the configuration; a name alone says nothing.

mod candidates;
mod children;
mod schema;
mod scopes;
mod users;

use std::collections::{BTreeMap, BTreeSet};

pub use candidates::{Candidate, candidates};

use super::models::{singular, snake};
use super::{ModelId, ProjectIndex};
use crate::base::{Name, Span};
use crate::facts::Expr;

/// What the project's configuration says.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Models that are the tenant, by name.
    pub models: Vec<String>,
    /// Columns that say whose a row is.
    pub columns: Vec<String>,
    /// Scopes, managers or bases that limit to the tenant.
    pub scopes: Vec<String>,
}

/// Why the application is believed to have tenants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// The configuration says so.
    Configured,
    /// A scope or manager adds a condition on the tenant's column.
    Scope(Name, Span),
    /// A library of tenancy.
    Library(Name, Option<Span>),
    /// Conditions that compare the column with what the current user has.
    Conditions {
        /// Statements that have a condition.
        limited: usize,
        /// All statements on those models.
        all: usize,
    },
}

/// How a model belongs to the tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Belongs {
    /// By a column of its own.
    Column(Name),
    /// By a library's base.
    Base(Name),
    /// By the row that it is part of.
    Parent(Name, ModelId),
}

/// What limits the queries of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Name of the scope, manager or base.
    pub name: Name,
    /// Where it is given to the model.
    pub span: Option<Span>,
    /// What it is.
    pub kind: LimitKind,
}

/// What kind of limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitKind {
    /// On every query of the model.
    Scope,
    /// On every query after code that some requests run, such as a middleware, was there.
    Later,
    /// On queries that start from this manager.
    Manager,
    /// On every query, by a library.
    Library,
    /// By a hook of the session.
    Session,
}

/// A model that belongs to the tenant.
#[derive(Clone, Debug)]
pub struct Owned {
    /// How.
    pub belongs: Belongs,
    /// What limits its queries.
    pub limits: Vec<Limit>,
}

/// What is known of the tenants of an application.
#[derive(Clone, Debug, Default)]
pub struct Tenancy {
    /// Why; empty: the application has no tenants that the analysis knows of.
    pub evidence: Vec<Evidence>,
    /// Models that are a tenant.
    pub tenants: Vec<ModelId>,
    /// Columns and relations that lead to it.
    pub columns: BTreeSet<Name>,
    /// Models that belong to it.
    pub models: BTreeMap<ModelId, Owned>,
    /// Tables that belong to it, and their models.
    pub tables: BTreeMap<Name, Option<ModelId>>,
    /// Columns by table, as far as migrations tell.
    pub schema: BTreeMap<Name, BTreeSet<Name>>,
    /// Where the database itself is told to limit rows to the tenant.
    pub row_security: Option<Span>,
    /// Models that belong to it only because their rows are part of others that do: what is asked of them may be checked there.
    pub derived: BTreeSet<ModelId>,
    /// Only a few conditions tell of them, by members or by what is kept for a request: what has none may be meant.
    pub is_faint: bool,
    /// Models that rows name as they would a tenant, though nothing ties them to the current user or request.
    pub labels: Vec<ModelId>,
}

impl Tenancy {
    /// Reads what scopes, libraries and the configuration say.
    pub fn read(index: &ProjectIndex<'_>, words: &Words) -> Tenancy {
        let row_security = schema::row_security(index);
        let mut tenancy = Tenancy { schema: schema::read(index), row_security, ..Tenancy::default() };
        let reader = scopes::Reader { index, schema: &tenancy.schema, words };
        let mut columns: BTreeSet<Name> = words.columns.iter().map(|c| Name::new(c)).collect();
        let mut tenants: BTreeSet<ModelId> = BTreeSet::new();
        let mut evidence = Vec::new();
        if !(words.columns.is_empty() && words.models.is_empty() && words.scopes.is_empty()) {
            evidence.push(Evidence::Configured);
        }
        for (i, model) in index.models.iter().enumerate() {
            let is_named =
                |w: &String| model.name.as_str() == w || model.name.last_segment() == w.rsplit(['.', '\\']).next().unwrap_or(w);
            // A library's model is meant only where the program has none of the name.
            let short = model.name.last_segment();
            let has_own = || index.models.iter().any(|m| m.class.is_some() && m.name.last_segment() == short);
            if words.models.iter().any(is_named) && !model.is_abstract && (model.class.is_some() || !has_own()) {
                tenants.insert(ModelId(i as u32));
            }
            if let Some(base) = tenant_base(index, ModelId(i as u32)).filter(|_| !model.is_abstract) {
                tenants.insert(ModelId(i as u32));
                evidence.push(Evidence::Library(base, model.span));
            }
        }
        for (tenant, span) in panel_tenants(index) {
            tenants.insert(tenant);
            evidence.push(Evidence::Library(index.model(tenant).name, Some(span)));
        }
        let found = reader.limits();
        for limit in &found {
            match &limit.limit.kind {
                LimitKind::Library => evidence.push(Evidence::Library(limit.limit.name, limit.limit.span)),
                _ => {
                    if let Some(span) = limit.limit.span {
                        evidence.push(Evidence::Scope(limit.limit.name, span));
                    }
                }
            }
            columns.extend(limit.columns.iter().copied());
        }
        evidence.dedup_by(|a, b| match (a, b) {
            (Evidence::Scope(x, _), Evidence::Scope(y, _)) | (Evidence::Library(x, _), Evidence::Library(y, _)) => x == y,
            (a, b) => a == b,
        });
        tenancy.evidence = evidence;
        if tenancy.evidence.is_empty() {
            return tenancy;
        }
        for tenant in &tenants {
            columns.extend(columns_to(index, *tenant));
        }
        for column in columns.clone() {
            if let Some(target) = target_of(index, column) {
                tenants.insert(target);
                columns.extend(columns_to(index, target));
            }
        }
        tenancy.tenants = tenants.into_iter().collect();
        tenancy.columns = columns;
        tenancy.fill(index);
        for limit in found {
            let owned = tenancy
                .models
                .entry(limit.model)
                .or_insert_with(|| Owned { belongs: Belongs::Base(limit.limit.name), limits: Vec::new() });
            if !owned.limits.contains(&limit.limit) {
                owned.limits.push(limit.limit);
            }
        }
        let tenants = tenancy.tenants.clone();
        tenancy.models.retain(|model, _| !tenants.contains(model));
        tenancy.children(index);
        tenancy
    }

    /// Takes a candidate for the tenant.
    pub fn accept(&mut self, index: &ProjectIndex<'_>, candidate: &Candidate, evidence: Evidence) {
        self.evidence.push(evidence);
        self.tenants.push(candidate.model);
        self.columns.extend(candidate.columns.iter().copied());
        self.fill(index);
        let tenants = self.tenants.clone();
        self.models.retain(|model, _| !tenants.contains(model));
    }

    /// Takes a model whose rows are the tenant's because they are part of a row of another that is.
    pub fn accept_part(&mut self, part: ModelId, relation: Name, parent: ModelId) {
        self.models.entry(part).or_insert_with(|| Owned { belongs: Belongs::Parent(relation, parent), limits: Vec::new() });
    }

    /// Is there anything to say?
    pub fn is_known(&self) -> bool {
        !self.evidence.is_empty()
    }

    /// Finds the models and tables with a tenant's column.
    fn fill(&mut self, index: &ProjectIndex<'_>) {
        for (i, model) in index.models.iter().enumerate() {
            let id = ModelId(i as u32);
            if model.is_abstract || model.class.is_none() || self.tenants.contains(&id) {
                continue;
            }
            if let Some(column) = column_of(index, &self.schema, id, &self.columns) {
                self.models.entry(id).or_insert_with(|| Owned { belongs: Belongs::Column(column), limits: Vec::new() });
                if let Some(table) = model.table {
                    self.tables.insert(table, Some(id));
                }
            }
        }
        for (table, columns) in &self.schema {
            if columns.iter().any(|c| self.columns.contains(c)) {
                self.tables.entry(*table).or_insert(None);
            }
        }
        for tenant in &self.tenants {
            if let Some(table) = index.model(*tenant).table {
                self.tables.remove(&table);
            }
        }
    }

    /// Models without a column whose rows are part of a row of a model that has a scope.
    fn children(&mut self, index: &ProjectIndex<'_>) {
        for _ in 0..2 {
            let mut more = Vec::new();
            for (i, model) in index.models.iter().enumerate() {
                let id = ModelId(i as u32);
                if model.is_abstract || model.class.is_none() || self.models.contains_key(&id) || self.tenants.contains(&id) {
                    continue;
                }
                let mut parents: Vec<(Name, ModelId)> = Vec::new();
                #[allow(clippy::iter_over_hash_type)]
                for relation in model.relations.values() {
                    if let (Some(target), false, Some(_)) = (relation.target, relation.many, relation.key_column) {
                        parents.push((relation.name, target));
                    }
                }
                parents.sort();
                // A row that belongs to several others may be shared; only one parent is certain.
                let owned: Vec<&(Name, ModelId)> = parents
                    .iter()
                    .filter(|(_, p)| {
                        self.models.get(p).is_some_and(|o| !o.limits.is_empty() && o.limits[0].kind != LimitKind::Later)
                    })
                    .collect();
                // Who made or changed a row does not own it: what only names a user is shared.
                if parents.len() == 1 && owned.len() == 1 && !is_user(index, parents[0].1) {
                    more.push((id, Owned { belongs: Belongs::Parent(parents[0].0, parents[0].1), limits: Vec::new() }));
                }
            }
            if more.is_empty() {
                return;
            }
            self.models.extend(more);
        }
    }

    /// The functions that every global scope of every model runs, with the model and the scope.
    pub fn scope_functions(&self, index: &ProjectIndex<'_>) -> Vec<(super::FnRef, ModelId, Name)> {
        let words = Words::default();
        let reader = scopes::Reader { index, schema: &self.schema, words: &words };
        let mut out = Vec::new();
        for (i, model) in index.models.iter().enumerate() {
            let first = index.packs.word(model.dialect, "initial-query");
            for manager in model.managers.iter().filter(|_| !model.is_abstract) {
                for class in [manager.class, manager.query_class].into_iter().flatten() {
                    let found = first.and_then(|first| index.find_method(class, first));
                    out.extend(found.map(|(_, f)| (f, ModelId(i as u32), index.class(class).name)));
                }
            }
            for (name, span) in &model.scopes {
                out.extend(reader.scope_functions(*name, *span).into_iter().map(|f| (f, ModelId(i as u32), *name)));
            }
        }
        out
    }

    /// Does a condition on this column, relation or path limit the rows of a model to a tenant, or to less?
    pub fn limits(&self, index: &ProjectIndex<'_>, model: Option<ModelId>, term: Name) -> bool {
        let text = term.as_str();
        let is_path = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'`' | b'"' | b'-' | b'>'));
        if !is_path {
            return self.columns.iter().any(|c| text.contains(c.as_str()));
        }
        let segments: Vec<Name> =
            text.split('.').flat_map(|p| p.split("__")).flat_map(|p| p.split("->")).map(Name::new).collect();
        if segments.iter().any(|s| self.columns.contains(s)) {
            return true;
        }
        let Some(mut at) = model else {
            // A bare table: a key to a row of a tenant, or to the user.
            return segments.last().is_some_and(|s| self.is_key(index, s.as_str()));
        };
        for segment in &segments {
            let data = index.model(at);
            #[allow(clippy::iter_over_hash_type)]
            let found = data.relations.get(segment).or_else(|| {
                data.relations
                    .values()
                    .filter(|r| r.key_column == Some(*segment) || r.query_name == *segment)
                    .min_by_key(|r| r.name)
            });
            let Some(relation) = found else {
                // A key that is named after the model itself (`Client.client_id`) names one row of it, whosever that is.
                return !is_own_key(index, at, segment.as_str()) && self.is_key(index, segment.as_str());
            };
            if relation.polymorphic {
                return true;
            }
            let Some(target) = relation.target else {
                return true;
            };
            if self.tenants.contains(&target) || self.models.contains_key(&target) || is_user(index, target) {
                return true;
            }
            at = target;
        }
        false
    }

    /// Is a column named like the key of a tenant, a user, or a row of one?
    pub fn is_key(&self, index: &ProjectIndex<'_>, column: &str) -> bool {
        let Some(stem) =
            column.strip_suffix("_id").or_else(|| column.strip_suffix("_uuid")).or_else(|| column.strip_suffix("_ids"))
        else {
            return false;
        };
        if index.packs.tenancy().key_names.iter().any(|k| k == column) {
            return false;
        }
        let is_named = |id: &ModelId| snake(index.model(*id).name.last_segment()).ends_with(stem);
        let known = index.models.iter().any(|m| !m.is_abstract && m.class.is_some() && snake(m.name.last_segment()) == stem);
        // A key of something that is no model by that name may be that of a row of the tenant.
        !known
            || stem.ends_with("able")
            || self.tenants.iter().any(is_named)
            || self.models.keys().any(is_named)
            || stem == "user"
            || index.models.iter().enumerate().any(|(i, _)| is_user(index, ModelId(i as u32)) && is_named(&ModelId(i as u32)))
    }
}

/// Is a column the key of the very model that has it, going by the names of both?
fn is_own_key(index: &ProjectIndex<'_>, model: ModelId, column: &str) -> bool {
    let stem = column.strip_suffix("_id").or_else(|| column.strip_suffix("_uuid"));
    stem.is_some_and(|stem| stems(index, model).iter().any(|own| own == stem))
}

/// Is a model one whose rows sign in?
pub fn is_user(index: &ProjectIndex<'_>, model: ModelId) -> bool {
    let is_external = |n: &Name| index.packs.roles(*n).iter().any(|r| r.as_str() == "authenticatable");
    let signs_in = |class| index.class(class).external.iter().any(is_external);
    is_main_user(index, model) || index.model(model).class.is_some_and(signs_in)
}

/// Is a model the one of users by the setting or by its name, not only one that may sign in?
pub fn is_main_user(index: &ProjectIndex<'_>, model: ModelId) -> bool {
    let own = index.model(model);
    let lists = index.packs.tenancy();
    index.swapped == Some(model)
        || lists.user_models.iter().any(|name| name == own.name.last_segment())
        || own.table.is_some_and(|t| lists.user_tables.iter().any(|table| table == t.as_str()))
}

/// What a model stands for, in lower case: by its own name, and by its table (`ProjectDB` of `projects`).
pub fn stems(index: &ProjectIndex<'_>, model: ModelId) -> Vec<String> {
    let own = index.model(model);
    let mut found = vec![snake(own.name.last_segment())];
    let by_table = own.table.and_then(|t| singular(t.as_str()));
    found.extend(by_table.filter(|stem| *stem != found[0]));
    found
}

/// Models that a panel of a library is told to be its tenant, and where.
fn panel_tenants(index: &ProjectIndex<'_>) -> Vec<(ModelId, Span)> {
    let words = index.packs.tenancy();
    let is_panel = |class: &&super::Class| class.external.iter().any(|n| words.panel_classes.iter().any(|p| p == n.as_str()));
    let mut found = Vec::new();
    for class in index.classes.iter().filter(is_panel) {
        for method in &index.file(class.file).classes[class.ix.0 as usize].methods {
            let at = super::FnRef { file: class.file, id: *method };
            let body = &index.function(at).body;
            for expr in &body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let Expr::Attr { name, .. } = body.expr(*callee) else { continue };
                let Some(first) = args.first().filter(|_| words.panel_tenant_calls.iter().any(|c| c == name.as_str())) else {
                    continue;
                };
                if let super::Symbol::Class(named) = index.symbol_of(at, first.value)
                    && let Some(model) = index.class(named).model
                {
                    found.push((model, Span { file: class.file, range: body.range(first.value) }));
                }
            }
        }
    }
    found
}

fn tenant_base(index: &ProjectIndex<'_>, model: ModelId) -> Option<Name> {
    let class = index.model(model).class?;
    let bases = &index.packs.tenancy().tenant_bases;
    index.class(class).external.iter().copied().find(|n| bases.iter().any(|b| b == n.as_str()))
}

/// The tenant's columns that other models have, by their relations to it and by its name.
fn columns_to(index: &ProjectIndex<'_>, tenant: ModelId) -> BTreeSet<Name> {
    let stems = stems(index, tenant);
    let mut found: BTreeSet<Name> = stems.iter().map(|stem| Name::new(&format!("{stem}_id"))).collect();
    let is_there = |column: &Name| index.models.iter().any(|m| m.columns.contains_key(column));
    if stems.len() > 1 && found.iter().any(is_there) {
        found.retain(is_there);
    }
    for (i, model) in index.models.iter().enumerate() {
        if ModelId(i as u32) == tenant {
            continue;
        }
        #[allow(clippy::iter_over_hash_type)]
        for relation in model.relations.values() {
            if relation.target == Some(tenant)
                && !relation.many
                && let Some(key) = relation.key_column
            {
                // Another part that a tenant may play for a row (`parent_team`, `previous_owner`) is not its owner.
                let stem = key.as_str().strip_suffix("_id").unwrap_or(key.as_str());
                let is_it = |short: &String| short.ends_with(stem) || stem.ends_with(short.as_str()) && !stem.contains("current");
                if stems.iter().any(is_it) {
                    found.insert(key);
                    found.insert(relation.name);
                }
            }
        }
    }
    found
}

/// The model that a column is a key of.
fn target_of(index: &ProjectIndex<'_>, column: Name) -> Option<ModelId> {
    let mut counts: BTreeMap<ModelId, usize> = BTreeMap::new();
    for model in &index.models {
        #[allow(clippy::iter_over_hash_type)]
        for relation in model.relations.values() {
            let is_key = relation.key_column == Some(column) || relation.name == column && relation.key_column.is_some();
            if let (false, true, Some(target)) = (relation.many, is_key, relation.target) {
                *counts.entry(target).or_default() += 1;
            }
        }
    }
    let by_relation = counts.into_iter().max_by_key(|(m, n)| (*n, std::cmp::Reverse(*m))).map(|(m, _)| m);
    by_relation.or_else(|| {
        let stem = column.as_str().strip_suffix("_id")?;
        let at = index.models.iter().position(|m| !m.is_abstract && m.class.is_some() && snake(m.name.last_segment()) == stem)?;
        Some(ModelId(at as u32))
    })
}

/// The column of a model among these.
fn column_of(
    index: &ProjectIndex<'_>,
    schema: &BTreeMap<Name, BTreeSet<Name>>,
    model: ModelId,
    columns: &BTreeSet<Name>,
) -> Option<Name> {
    let data = index.model(model);
    let declared = columns.iter().copied().find(|c| data.columns.contains_key(c));
    // What all models inherit says nothing of a table that the migrations make without such a column.
    let home = data.class.map(|class| index.class(class).file);
    let made = data.table.and_then(|table| schema.get(&table));
    let is_there = |relation: &&crate::index::Relation| {
        let is_own = relation.span.is_none_or(|span| Some(span.file) == home);
        is_own || made.is_none_or(|own| relation.key_column.is_some_and(|key| own.contains(&key)))
    };
    let related = || {
        let to_one = data.relations.values().filter(|r| !r.many).filter(is_there);
        let mut keys: Vec<Name> = to_one.filter_map(|r| r.key_column).collect();
        keys.sort();
        keys.into_iter().find(|k| columns.contains(k))
    };
    let migrated = || {
        let own = schema.get(&data.table?)?;
        own.iter().copied().find(|c| columns.contains(c))
    };
    declared.or_else(related).or_else(migrated)
}
