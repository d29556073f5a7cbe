//! Which statements reach rows of every tenant because nothing limits them?

use std::collections::BTreeMap;

use super::alternative::{escaped, opened};
use super::area::Area;
use super::condition::Conditions;
use super::{Fault, View, is_insert};
use crate::base::{Name, Span};
use crate::facts::{Expr, ExprId, Stmt};
use crate::findings::{Confidence, Level};
use crate::flow::value::{Mark, flag};
use crate::flow::{Execution, Statement};
use crate::index::tenants::{Belongs, LimitKind};
use crate::index::{FnRef, ModelId, Symbol};

/// How often a model is asked with and without a condition.
#[derive(Clone, Copy, Default)]
struct Siblings {
    limited: usize,
    /// Limited by the tenant's own column.
    literal: usize,
    /// The same, in what answers requests.
    asked: usize,
    open: usize,
}

/// So many queries with the tenant's own condition show that a key of a row above them is not enough.
const OWN: usize = 2;
/// So many queries in what answers requests make a habit.
const HABIT: usize = 3;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let mut siblings: BTreeMap<ModelId, Siblings> = BTreeMap::new();
    for execution in &view.cx.flow.executions {
        let Some(model) = execution.model.filter(|m| view.tenancy.models.contains_key(m)) else {
            continue;
        };
        if !view.is_ours(execution) || execution.flags & flag::SCOPED != 0 || is_insert(view.cx, execution) {
            continue;
        }
        let count = siblings.entry(model).or_default();
        if execution.via.is_some() || view.has_condition(execution, model) {
            count.limited += 1;
            if view.names_tenant(execution) {
                count.literal += 1;
                count.asked += usize::from(view.area(execution.owner) == Area::Request);
            }
        } else if view.area(execution.owner) != Area::Global {
            count.open += 1;
        }
    }
    // One query that is sent from several places is one fault.
    let mut sources = std::collections::BTreeSet::new();
    for execution in &view.cx.flow.executions {
        if !view.is_ours(execution) || execution.flags & flag::SCOPED != 0 || is_insert(view.cx, execution) {
            continue;
        }
        let before = faults.len();
        match execution.model {
            Some(model) => faults.extend(of_model(view, execution, model, siblings.get(&model).copied().unwrap_or_default())),
            None => faults.extend(of_table(view, execution)),
        }
        let writes = matches!(execution.kind, Statement::Write);
        if faults.len() > before && !sources.insert((execution.src, writes)) {
            faults.truncate(before);
        }
    }
}

/// A statement on a model.
fn of_model(view: &View<'_, '_>, execution: &Execution, model: ModelId, siblings: Siblings) -> Option<Fault> {
    let owned = view.tenancy.models.get(&model)?;
    if let Some(fault) = escaped(view, execution, model) {
        return Some(fault);
    }
    if siblings.literal > 0
        && let Some(fault) = opened(view, execution, model)
    {
        return Some(fault);
    }
    let parent = (siblings.literal >= OWN).then(|| only_by_parent(view, execution, model)).flatten();
    let is_limited = execution.via.is_some() || view.has_condition(execution, model);
    if is_limited && parent.is_none() || is_member(view, model) {
        return None;
    }
    let (place, owner) = view.home(execution);
    let area = view.area(owner);
    if matches!(area, Area::Global | Area::Early) || view.is_in_base_of_models(owner, model) {
        return None;
    }
    let limit = owned.limits.first();
    let mut is_later = false;
    match limit.map(|l| l.kind) {
        Some(LimitKind::Scope | LimitKind::Session) => return None,
        Some(LimitKind::Library | LimitKind::Manager) => return None,
        // The scope exists only where requests have passed the code that adds it.
        Some(LimitKind::Later) => is_later = true,
        None => (),
    }
    if is_later && area == Area::Request {
        return None;
    }
    let lists = view.cx.ix.packs.tenancy();
    let is_secret = |t: &Name| lists.secret_names.iter().any(|k| k == t.as_str().rsplit(['.', '_']).next().unwrap_or_default());
    if view.terms(execution).any(|t| is_secret(&t)) {
        return None;
    }
    let by_key = parent.is_some() || view.is_by_key(execution);
    let visibility = view.visibility_of(Some(model), None);
    if !by_key && (visibility.is_some() || view.is_statistic(execution) || view.is_kept_for_all(execution))
        || visibility.is_some() && (view.asks_for_public(execution) || view.reads_visibility(owner))
        || !by_key && view.determines_tenant(execution)
    {
        return None;
    }
    let writes = matches!(execution.kind, Statement::Write | Statement::Upsert);
    let is_child = matches!(owned.belongs, Belongs::Parent(..));
    let mostly_limited = siblings.limited > 0 && siblings.limited >= siblings.open;
    let has_evidence_of_scopes = view.tenancy.models.values().any(|o| !o.limits.is_empty())
        || view.tenancy.evidence.contains(&crate::index::tenants::Evidence::Configured);
    let asks_elsewhere =
        area == Area::Other || area == Area::Request && !view.is_certain_handler(view.outermost(execution.owner));
    let asked = (by_key && asks_elsewhere).then(|| handler_that_asks(view, execution)).flatten();
    let is_fault = if is_later {
        matches!(area, Area::Other | Area::Background)
    } else if by_key {
        // A key from the client reaches any tenant's row; keys inside the application come from rows at hand.
        (area == Area::Request || asked.is_some())
            && (mostly_limited || has_evidence_of_scopes || is_habit(view, model, siblings))
    } else if area == Area::Background {
        false
    } else if is_child {
        area == Area::Request && (mostly_limited || has_evidence_of_scopes)
    } else {
        // Where no scope says whose the rows are, the other queries have to.
        mostly_limited && siblings.literal > 0 || has_evidence_of_scopes && area == Area::Request
    };
    if !is_fault
        || view.compares(owner)
        || view.compares(execution.owner)
        || view.tells_tenant(owner)
        || (by_key || writes) && view.asks_with_condition(execution)
        || area != Area::Request && view.is_dead(owner)
        || view.is_unrouted(owner)
        || view.is_unnamed_view(execution.owner)
        || view.is_filtered_by_backend(execution)
        || !is_later && !view.is_reached(owner)
    {
        return None;
    }
    let (asker, conditions) = match asked {
        Some((handler, conditions)) => (Some(handler).filter(|h| *h != view.outermost(owner)), conditions),
        None => (None, view.conditions(execution)),
    };
    if (!is_later || by_key) && !reaches_others(view, execution, &conditions, by_key) {
        return None;
    }
    let name = view.name(model);
    let method = execution.method;
    let message = match (is_later, by_key, writes) {
        (true, ..) => format!(
            "this query on `{name}` is limited to the tenant only where `{}` ran before",
            limit.map(|l| l.name.last_segment()).unwrap_or_default()
        ),
        (_, _, true) => format!("`{method}` changes rows of `{name}` of every tenant"),
        _ if parent.is_some() => format!("this query finds the rows of `{name}` of any tenant, by a key that the client names"),
        (_, true, _) => format!("this lookup finds a `{name}` of any tenant"),
        _ => format!("this query on `{name}` can reach the rows of every tenant"),
    };
    let mut finding = view.cx.finding("unscoped-tenant-query", place, owner, message);
    if place != execution.site {
        super::step(&mut finding.steps, execution.site, sending(method));
    }
    if let Some(handler) = asker {
        let span = Span { file: handler.file, range: view.cx.ix.function(handler).name_range };
        super::step(&mut finding.steps, span, "the client names the key here".to_owned());
    }
    finding.help = match (&owned.belongs, visibility) {
        (_, Some(column)) => format!("check that whoever asks may see the row: by `{column}`, or by a condition on whose it is"),
        // No scope limits the row that it is part of: reaching it that way proves nothing.
        (Belongs::Parent(relation, parent), _) if !view.is_scoped(*parent) => {
            format!(
                "add a condition that leads to the tenant through `{relation}`, or find the `{}` under the tenant first",
                view.name(*parent)
            )
        }
        (Belongs::Parent(relation, parent), _) => {
            format!(
                "reach it through `{relation}`, as `{}` is limited to the tenant, or add a condition on it",
                view.name(*parent)
            )
        }
        _ => {
            let column = view.narrowest(execution, model).unwrap_or_else(|| view.column(Some(model)));
            format!("restrict it to the tenant: add a condition on {column}, or start from the tenant's own relation")
        }
    };
    if let Some(key) = view.unproven(&conditions) {
        finding.help.push_str(&format!("; `{key}` is part of the address: check that whoever asks is a member"));
    }
    if siblings.literal > 0 && !is_later && visibility.is_none() {
        let other = view.cx.flow.executions.iter().find(|e| {
            e.model == Some(model) && e.site != execution.site && view.is_ours(e) && e.via.is_none() && view.names_tenant(e)
        });
        if let Some(other) = other {
            super::step(
                &mut finding.steps,
                other.site,
                format!(
                    "here a query on `{name}` has the condition ({} of {} have it)",
                    siblings.literal,
                    siblings.limited + siblings.open
                ),
            );
        }
    }
    if let Some(span) = limit.and_then(|l| l.span).filter(|_| is_later) {
        super::step(&mut finding.steps, span, "the scope is added here, while a request is handled");
    }
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    finding.subject.method = Some(method.to_string());
    let is_worst = area == Area::Request && (by_key || writes) && parent.is_none();
    finding.level = if is_worst { Level::Error } else { Level::Warning };
    if is_later {
        finding.level = Level::Note;
    }
    finding.confidence = Confidence::Medium;
    if view.asks_permission(owner) || view.is_validated(owner) {
        finding.level = Level::Note;
        finding.confidence = Confidence::Low;
    }
    let is_sweep = !by_key && view.is_sweep(execution, &conditions);
    if is_sweep
        || view.tenancy.is_faint
        || view.tenancy.derived.contains(&model)
        || view.is_for_services(execution.owner)
        || view.is_for_services(owner)
    {
        finding.level = Level::Note;
    }
    let is_asked = [owner, execution.owner].into_iter().any(|f| view.is_in_permission(f));
    let is_asked = is_asked || view.is_shown_to_permission(execution) || view.is_judged(execution);
    if is_asked {
        finding.level = Level::Note;
        finding.confidence = Confidence::Low;
    }
    let cause = match view.match_around(execution) {
        Some(place) => format!("match {place:?}"),
        None if is_later => format!("later {name}"),
        // What a permission looks at is no place like those that nobody asks about.
        None => format!("{name} {by_key} {writes} {is_asked}"),
    };
    Some(Fault { finding, cause })
}

/// The row of a tenant by whose key alone a query is limited, where nothing but the client says which it is and nothing looked
/// whose that row is.
fn only_by_parent(view: &View<'_, '_>, execution: &Execution, model: ModelId) -> Option<ModelId> {
    if execution.via.is_some() || view.area(execution.owner) != Area::Request {
        return None;
    }
    let data = view.cx.ix.model(model);
    let parent_of = |term: Name| {
        let (first, rest) = term.as_str().split_once("__").unwrap_or((term.as_str(), ""));
        if !rest.is_empty() && !view.cx.ix.packs.tenancy().key_names.iter().any(|k| k == rest) {
            return None;
        }
        let first = Name::new(first);
        let is_it = |r: &&crate::index::Relation| r.name == first || r.key_column == Some(first);
        let to_one = data.relations.values().filter(|r| !r.many && r.key_column.is_some());
        let relation = to_one.filter(is_it).min_by_key(|r| r.name)?;
        let parent = relation.target.filter(|t| view.tenancy.models.contains_key(t))?;
        let is_open = view.tenancy.models.get(&parent).is_some_and(|owned| owned.limits.is_empty());
        (is_open && !crate::index::tenants::is_user(view.cx.ix, parent)).then_some(parent)
    };
    let mut parents = view.terms(execution).filter(|t| view.tenancy.limits(view.cx.ix, Some(model), *t)).map(parent_of);
    let parent = parents.next()??;
    if parents.any(|p| p.is_none()) {
        return None;
    }
    let conditions = view.conditions(execution);
    let origin = &conditions.origin;
    let is_clients = origin.is_client() && !(origin.row || origin.user || origin.unknown) && !conditions.is_rooted;
    (is_clients && !view.is_guarded(execution, Some(parent), &origin.client)).then_some(parent)
}

/// What answers a request and hands a key of the client, and nothing else, down to a query that stands elsewhere, without looking
/// at what comes back.
fn handler_that_asks(view: &View<'_, '_>, execution: &Execution) -> Option<(FnRef, Conditions)> {
    let is_careless = |f: &FnRef| {
        view.area(*f) == Area::Request
            && !view.compares(*f)
            && !view.tells_tenant(*f)
            && !view.asks_permission(*f)
            && !view.is_validated(*f)
    };
    let asked = |conditions: Conditions| {
        let origin = &conditions.origin;
        let is_known = !(origin.row || origin.unknown || origin.user);
        let handler = origin.client.iter().map(|key| key.handler).filter(|_| is_known).find(is_careless)?;
        Some((handler, conditions))
    };
    // Others may hand down keys of rows at hand: each way is asked on its own.
    asked(view.conditions(execution)).or_else(|| {
        let ways = view.ways_to(execution.owner);
        ways.iter().find_map(|way| asked(view.conditions_through(execution, way)))
    })
}

/// Do at least as many queries in what answers requests have the tenant's condition as there are lookups there without it, by
/// keys that clients give? What the rest of the program asks, by keys at hand, says nothing of this.
fn is_habit(view: &View<'_, '_>, model: ModelId, siblings: Siblings) -> bool {
    if siblings.asked < HABIT {
        return false;
    }
    let is_open = |e: &&Execution| {
        e.model == Some(model)
            && e.via.is_none()
            && e.flags & flag::SCOPED == 0
            && view.is_ours(e)
            && view.is_by_key(e)
            && !view.has_condition(e, model)
            && view.area(e.owner) == Area::Request
            && view.conditions(e).origin.is_client()
    };
    let open: std::collections::BTreeSet<_> = view.cx.flow.executions.iter().filter(is_open).map(|e| e.site).collect();
    siblings.asked >= open.len()
}

fn sending(method: Name) -> String {
    if method.as_str() == "iteration" { "the loop sends it here".to_owned() } else { format!("`{method}` sends it here") }
}

impl View<'_, '_> {
    /// Is a model, or the row that its rows are part of, limited by a scope or manager?
    fn is_scoped(&self, model: ModelId) -> bool {
        let mut at = model;
        for _ in 0..8 {
            match self.tenancy.models.get(&at) {
                Some(owned) if !owned.limits.is_empty() => return true,
                Some(owned) => match &owned.belongs {
                    Belongs::Parent(_, parent) => at = *parent,
                    _ => return false,
                },
                None => return false,
            }
        }
        false
    }

    /// Does a statement read one row, or one value of it?
    pub(super) fn reads_one(&self, execution: &Execution) -> bool {
        let is_named = self.cx.ix.packs.tenancy().single_reads.iter().any(|s| s == execution.method.as_str());
        // What one library calls the read of one row is that of all in another.
        let dialect = execution.model.map(|m| self.cx.ix.model(m).dialect);
        let op = dialect.and_then(|dialect| self.cx.ix.packs.op(dialect, Name::new("query"), execution.method));
        is_named && op.is_none_or(|op| !matches!(op.result, crate::packs::Result::Rows))
    }

    /// The columns and paths that a query compares.
    pub(super) fn terms(&self, execution: &Execution) -> impl Iterator<Item = Name> {
        self.marks(execution).iter().filter_map(|m| match m {
            Mark::Term(t) => Some(*t),
            _ => None,
        })
    }

    /// Does a query name rows by a key of their own?
    pub(super) fn is_by_key(&self, execution: &Execution) -> bool {
        let names = &self.cx.ix.packs.tenancy().key_names;
        let is_key = |t: Name| {
            let column = self.cx.ix.packs.listed_column(t.as_str()).unwrap_or(t.as_str());
            names.iter().any(|k| k == column.rsplit(['.', '_']).next().unwrap_or_default() || k == column)
        };
        execution.flags & flag::KEYED != 0 || self.terms(execution).any(is_key)
    }

    /// Has the class around a function a method that gives the tenant of what the object found? What asks it looks whether whoever
    /// is signed in belongs there.
    pub(super) fn tells_tenant(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(self.outermost(f)).filter(|c| ix.class(*c).model.is_none()) else { return false };
        let methods = ix.class(class).mro.iter().flat_map(|c| {
            let file = ix.class(*c).file;
            ix.class_decl(*c).methods.iter().map(move |m| FnRef { file, id: *m })
        });
        let gives = |at: FnRef| {
            let body = &ix.function(at).body;
            body.stmts.iter().any(|s| match s {
                Stmt::Return(Some(e)) => match body.expr(*e) {
                    Expr::Attr { base, name, .. } if self.tenancy.columns.contains(name) => match body.expr(*base) {
                        Expr::Attr { base, .. } => {
                            let mut inner = *base;
                            while let Expr::Attr { base, .. } = body.expr(inner) {
                                inner = *base;
                            }
                            self.is_self(at, inner)
                        }
                        _ => false,
                    },
                    _ => false,
                },
                _ => false,
            })
        };
        // The user's own tenant is that of whoever asks, not of the row.
        methods.into_iter().any(|at| gives(at) && !self.names_identity(at))
    }

    fn names_identity(&self, f: FnRef) -> bool {
        let exprs = &self.cx.ix.function(f).body.exprs;
        exprs
            .iter()
            .any(|e| matches!(e, Expr::Attr { name, .. } if self.is_identity(name.as_str()) || name.as_str() == "request"))
    }

    /// Is a query made where nobody sees of which model: in a class whose children say it? Only what calls it knows.
    fn is_in_base_of_models(&self, f: FnRef, model: ModelId) -> bool {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(f) else { return false };
        let body = &ix.function(f).body;
        let names_it =
            |i: usize| matches!(ix.symbol_of(f, ExprId(i as u32)), Symbol::Class(c) if ix.class(c).model == Some(model));
        let has_models = ix.class(class).model.is_some();
        !has_models && !ix.class(class).descendants.is_empty() && !(0..body.exprs.len()).any(names_it)
    }

    /// Models whose queries the program limits by the tenant's column of the row that theirs are part of.
    pub(super) fn parts(&self) -> Vec<(ModelId, Name, ModelId)> {
        let ix = self.cx.ix;
        let mut counts: BTreeMap<(ModelId, Name, ModelId), std::collections::BTreeSet<crate::base::Span>> = BTreeMap::new();
        for execution in &self.cx.flow.executions {
            let Some(model) =
                execution.model.filter(|m| !self.tenancy.models.contains_key(m) && !self.tenancy.tenants.contains(m))
            else {
                continue;
            };
            let data = ix.model(model);
            if data.is_abstract || data.class.is_none() || crate::index::tenants::is_user(ix, model) || !self.is_ours(execution) {
                continue;
            }
            let segments: Vec<Name> = self
                .terms(execution)
                .flat_map(|t| t.as_str().split('.').flat_map(|p| p.split("__")).map(Name::new).collect::<Vec<_>>())
                .collect();
            if !segments.iter().any(|s| self.tenancy.columns.contains(s)) {
                continue;
            }
            for relation in segments.iter().filter_map(|s| data.relations.get(s)) {
                let parent =
                    relation.target.filter(|t| self.tenancy.models.contains_key(t) && !crate::index::tenants::is_user(ix, *t));
                if let (Some(parent), false, Some(_)) = (parent, relation.many, relation.key_column) {
                    counts.entry((model, relation.name, parent)).or_default().insert(execution.site);
                }
            }
        }
        counts.into_iter().filter(|(_, sites)| sites.len() > 1).map(|(part, _)| part).collect()
    }
}

/// Is a model the one of users? Others that may sign in, such as contacts of customers, are rows of the tenant.
fn is_member(view: &View<'_, '_>, model: ModelId) -> bool {
    let ix = view.cx.ix;
    let is_main = |id: ModelId| crate::index::tenants::is_main_user(ix, id);
    let has_main = (0..ix.models.len()).any(|i| is_main(ModelId(i as u32)));
    if has_main { is_main(model) } else { crate::index::tenants::is_user(ix, model) }
}

/// Can the client decide which row is found, or are rows of all tenants found anyway?
fn reaches_others(view: &View<'_, '_>, execution: &Execution, conditions: &Conditions, by_key: bool) -> bool {
    let origin = &conditions.origin;
    // What a loaded row or the user gives is at hand already.
    if origin.row || origin.user || conditions.is_rooted || view.is_only_tested(execution) {
        return false;
    }
    if by_key {
        return origin.is_client() && !view.is_guarded(execution, execution.model, &origin.client);
    }
    if origin.is_client() && view.is_guarded(execution, execution.model, &origin.client) {
        return false;
    }
    // One row that the code names is there for the whole installation.
    !(view.reads_one(execution) && origin.is_literal() && conditions.count > 0)
}

/// A statement on a bare table.
fn of_table(view: &View<'_, '_>, execution: &Execution) -> Option<Fault> {
    let marks = view.marks(execution);
    let table = marks.iter().find_map(|m| match m {
        Mark::Table(t) if view.tenancy.tables.contains_key(t) => Some(*t),
        _ => None,
    })?;
    let model = view.tenancy.tables.get(&table).copied().flatten();
    let is_limited = marks.iter().any(|m| matches!(m, Mark::Term(t) if view.tenancy.limits(view.cx.ix, model, *t)));
    if is_limited || model.is_some_and(|m| crate::index::tenants::is_user(view.cx.ix, m)) {
        return None;
    }
    let area = view.area(execution.owner);
    if matches!(area, Area::Global | Area::Early | Area::Background) || view.compares(execution.owner) {
        return None;
    }
    let writes = matches!(execution.kind, Statement::Write | Statement::Upsert);
    if writes && view.asks_with_condition(execution)
        || area != Area::Request && view.is_dead(execution.owner)
        || view.is_unrouted(execution.owner)
        || !view.is_reached(execution.owner)
    {
        return None;
    }
    let keys = &view.cx.ix.packs.tenancy().key_names;
    let by_key = execution.flags & flag::KEYED != 0
        || marks.iter().any(|m| match m {
            Mark::Term(t) => keys.iter().any(|k| k == t.as_str().rsplit('.').next().unwrap_or_default()),
            _ => false,
        });
    let visibility = view.visibility_of(model, Some(table));
    if visibility.is_some() && (!by_key || view.asks_for_public(execution) || view.reads_visibility(execution.owner))
        || view.is_statistic(execution)
        || !by_key && (view.is_kept_for_all(execution) || view.determines_tenant(execution))
    {
        return None;
    }
    let conditions = view.conditions(execution);
    if !reaches_others(view, execution, &conditions, by_key) || by_key && !conditions.origin.is_client() {
        return None;
    }
    let message = if writes {
        format!("`{}` writes the table `{table}` without the tenant's condition", execution.method)
    } else {
        format!("the table `{table}` is read without the tenant's condition")
    };
    let mut finding = view.cx.finding("unscoped-tenant-query", execution.site, execution.owner, message);
    finding.help = match model {
        Some(m) if view.scope_of(m).is_some() => {
            format!("ask `{}`, which has the scope, or add a condition on {}", view.name(m), view.column(model))
        }
        _ => format!("add a condition on {}", view.column(model)),
    };
    finding.subject.table = Some(table.to_string());
    finding.subject.method = Some(execution.method.to_string());
    finding.level = if area == Area::Request { Level::Error } else { Level::Warning };
    let is_sweep = !by_key && view.is_sweep(execution, &conditions);
    if view.asks_permission(execution.owner) || is_sweep || view.is_for_services(execution.owner) {
        finding.level = Level::Note;
    }
    Some(Fault { finding, cause: format!("table {table}") })
}
