//! Which queries can see or change another tenant's rows?

mod alternative;
mod area;
mod backends;
mod binding;
mod calls;
mod condition;
mod cost;
mod disabled;
mod evidence;
mod field;
mod guard;
mod origin;
mod page;
mod public;
mod raw;
mod reach;
mod removed;
mod rules;
mod service;
mod staff;
mod sweep;
mod unscoped;
mod write;

use std::collections::BTreeMap;

use super::{CheckContext, TenantWords, step};
use crate::base::{Name, Span};
use crate::facts::{FnId, FnKind};
use crate::findings::{Finding, Level};
use crate::flow::value::{Mark, Source, flag};
use crate::flow::{Execution, Statement};
use crate::index::tenants::{Candidate, Evidence, LimitKind, Tenancy, Words, candidates};
use crate::index::{FnRef, ModelId};
use crate::source::Origin;

pub(crate) use page::page;

/// So many folders make a part of the program.
const PART: usize = 3;
/// More places with one cause than this are one finding.
const SINGLE: usize = 3;
/// A group shows so many of its places.
const SHOWN: usize = 8;
/// Of the statements on the models of a tenant that no scope names, so many must have a condition.
const MOST: f64 = 0.5;
/// What only a role of users has is a tenant if so many statements go by it.
const MANY_STATEMENTS: usize = 20;

/// What the checks of tenants ask.
pub(super) struct View<'c, 'a> {
    cx: &'c CheckContext<'a>,
    words: &'c TenantWords,
    tenancy: &'c Tenancy,
    calls: &'c calls::Calls,
    guards: &'c guard::Guards,
    reach: &'c reach::Reach,
    services: &'c service::Services,
}

/// What was asked of the program itself, whoever its tenants are.
#[derive(Default)]
struct Asked {
    calls: calls::Calls,
    guards: guard::Guards,
    reach: reach::Reach,
    services: service::Services,
}

impl Asked {
    fn view<'c, 'a>(&'c self, cx: &'c CheckContext<'a>, words: &'c TenantWords, tenancy: &'c Tenancy) -> View<'c, 'a> {
        View { cx, words, tenancy, calls: &self.calls, guards: &self.guards, reach: &self.reach, services: &self.services }
    }
}

/// A fault before it is grouped.
struct Fault {
    finding: Finding,
    /// Faults of one cause have the same.
    cause: String,
}

pub(super) fn check(cx: &CheckContext<'_>, words: &TenantWords, findings: &mut Vec<Finding>) {
    let asked = Asked::default();
    let tenancy = understand(cx, words, &asked);
    let view = asked.view(cx, words, &tenancy);
    let mut faults = Vec::new();
    cost::check(&view, &mut faults);
    if tenancy.is_known() {
        removed::check(&view, &mut faults);
        unscoped::check(&view, &mut faults);
        binding::check(&view, &mut faults);
        disabled::check(&view, &mut faults);
        raw::check(&view, &mut faults);
        rules::check(&view, &mut faults);
        alternative::check(&view, &mut faults);
        write::check(&view, &mut faults);
    }
    // What lacks the condition here may be limited there.
    if let Some(at) = tenancy.row_security {
        for fault in faults.iter_mut().filter(|f| f.finding.rule.as_str() == "unscoped-tenant-query") {
            fault.finding.level = Level::Note;
            step(&mut fault.finding.steps, at, "the database has row-level security".to_owned());
        }
    }
    findings.extend(grouped(faults));
}

/// What the application's code says about its tenants.
fn understand(cx: &CheckContext<'_>, words: &TenantWords, asked: &Asked) -> Tenancy {
    let mut tenancy = read(cx, words, asked);
    if tenancy.is_known() {
        let view = asked.view(cx, words, &tenancy);
        for (part, relation, parent) in view.parts() {
            tenancy.accept_part(part, relation, parent);
        }
        tenancy.accept_children(cx.ix);
    }
    tenancy
}

/// The same, without the models whose rows are part of others.
fn read(cx: &CheckContext<'_>, words: &TenantWords, asked: &Asked) -> Tenancy {
    let own = Words { models: words.models.clone(), columns: words.columns.clone(), scopes: words.scopes.clone() };
    let mut tenancy = Tenancy::read(cx.ix, &own);
    if tenancy.is_known() {
        return tenancy;
    }
    // No scope and no library: do the queries themselves tell?
    let mut best: Option<(Candidate, usize, usize)> = None;
    let mut tied: Vec<Candidate> = Vec::new();
    for candidate in candidates(cx.ix, &tenancy.schema) {
        let is_certain = {
            let short = cx.ix.model(candidate.model).name.last_segment().to_lowercase();
            cx.ix.packs.tenancy().certain_names.contains(&short)
        };
        let is_many = candidate.owned.len() + parts_of(cx, &candidate) > 2;
        let is_told = is_certain || candidate.user_conditions > 0 || (candidate.is_named_so || candidate.is_kept) && is_many;
        // Users have favourites, groups and employees, too: what none of the usual names has is no tenant for that.
        let may_have_members = candidate.is_named_so || candidate.is_by_role;
        if !is_told && !may_have_members {
            continue;
        }
        let mut trial = tenancy.clone();
        trial.accept(cx.ix, &candidate, Evidence::Configured);
        let view = asked.view(cx, words, &trial);
        let has_members = may_have_members && view.is_tied_by_members(&candidate);
        if !is_told && !has_members {
            continue;
        }
        let (mut limited, mut all, mut named) = (0, 0, 0);
        for execution in &cx.flow.executions {
            let Some(model) = execution.model.filter(|m| candidate.owned.contains_key(m)) else {
                continue;
            };
            if !view.is_ours(execution)
                || execution.flags & flag::SCOPED != 0
                || matches!(execution.kind, Statement::Write) && is_insert(cx, execution)
            {
                continue;
            }
            all += 1;
            if execution.via.is_some() || view.has_condition(execution, model) {
                limited += 1;
            }
            named += usize::from(view.names_tenant(execution));
        }
        // Rows below those of few models count where the conditions name the tenant itself.
        if candidate.owned.len() < 3 && is_told && !is_certain && candidate.user_conditions == 0 && named * 3 < all {
            continue;
        }
        // What a role has many of may be what it may see, not whose the rows are: then few statements go by it.
        let is_role_only = candidate.is_by_role && !candidate.is_named_so;
        let enough = if is_role_only {
            MANY_STATEMENTS
        } else if is_certain || has_members || candidate.user_conditions > 0 && candidate.owned.len() < 3 {
            1
        } else {
            4
        };
        let is_most = (limited as f64) >= MOST * all as f64 || has_members;
        if limited < enough || !is_most {
            if candidate.is_named_so && view.is_tied(&candidate) {
                tied.push(candidate);
            }
            continue;
        }
        // A key alone may be a label; the tenant is what users and requests are limited to.
        if !view.is_tied(&candidate) {
            tenancy.labels.push(candidate.model);
            continue;
        }
        let is_better = best.as_ref().is_none_or(|(b, n, _)| (candidate.owned.len(), limited) > (b.owned.len(), *n));
        if is_better {
            best = Some((candidate, limited, all));
        }
    }
    if let Some((candidate, limited, all)) = best {
        // What is itself owned, by what owns more, is part of a tenant that is not understood.
        let is_below = |t: &Candidate| t.owned.contains_key(&candidate.model) && t.owned.len() > candidate.owned.len();
        if tied.iter().any(is_below) || candidate.is_part && candidate.user_conditions == 0 {
            tenancy.labels.push(candidate.model);
            return tenancy;
        }
        tenancy.is_faint = candidate.user_conditions == 0 && !candidate.is_named_so || candidate.is_by_role;
        tenancy.accept(cx.ix, &candidate, Evidence::Conditions { limited, all });
    }
    tenancy
}

/// How many models have no column of a candidate, but lead to a model that has?
fn parts_of(cx: &CheckContext<'_>, candidate: &Candidate) -> usize {
    let leads = |model: &crate::index::Model| {
        model.relations.values().any(|r| {
            let target = r.target.filter(|t| *t != candidate.model && !crate::index::tenants::is_user(cx.ix, *t));
            !r.many && r.key_column.is_some() && target.is_some_and(|t| candidate.owned.contains_key(&t))
        })
    };
    let models = cx.ix.models.iter().enumerate().filter(|(_, m)| m.class.is_some() && !m.is_abstract);
    models.filter(|(i, m)| !candidate.owned.contains_key(&ModelId(*i as u32)) && leads(m)).count()
}

/// Does a statement write rows that are new or at hand?
fn is_insert(cx: &CheckContext<'_>, execution: &Execution) -> bool {
    let method = execution.method.as_str();
    cx.ix.packs.tenancy().row_writes.iter().any(|w| method.starts_with(w.as_str()))
}

impl View<'_, '_> {
    /// Does the statement stand in the application's own code, and was its query written there?
    fn is_ours(&self, execution: &Execution) -> bool {
        let origin = self.cx.ix.sources.file(execution.site.file).origin;
        origin == Origin::Ours
            && (execution.flags & flag::ANEW != 0
                || !matches!(self.cx.flow.values.root_source(execution.src).0, Source::Fresh(_)))
            && !self.is_of_query_class(execution)
            && !self.is_declared(execution)
    }

    /// Is the query the value of a class attribute? What runs it may add to it.
    fn is_declared(&self, execution: &Execution) -> bool {
        let Source::Query(at) = self.cx.flow.values.source_of(execution.src) else {
            return false;
        };
        self.function_at(at).is_some_and(|f| self.cx.ix.function(f).kind == FnKind::ClassBody)
    }

    /// Does the statement stand in a class of queries or managers? Those work on whatever query calls them.
    fn is_of_query_class(&self, execution: &Execution) -> bool {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(execution.owner) else {
            return false;
        };
        let query = Name::new("query");
        ix.class(class).external.iter().any(|n| ix.packs.instance_kind(*n) == Some(query))
    }

    /// Does a condition of the query name the tenant's column itself?
    fn names_tenant(&self, execution: &Execution) -> bool {
        let from_tenant = execution.via.is_some_and(|(m, _)| self.tenancy.tenants.contains(&m));
        from_tenant || self.marks(execution).iter().any(|m| matches!(m, Mark::Term(t) if self.is_tenants_column(*t)))
    }

    /// Does a condition on this column or path speak of the tenant's column?
    fn is_tenants_column(&self, term: Name) -> bool {
        let parts = term.as_str().split('.').flat_map(|p| p.split("__"));
        parts.map(Name::new).any(|p| self.tenancy.columns.contains(&p))
    }

    /// The column that other queries on a model in the same part of the program compare more often than the tenant's.
    fn narrowest(&self, execution: &Execution, model: ModelId) -> Option<String> {
        let part = |e: &Execution| {
            let path = &self.cx.ix.sources.file(e.site.file).path;
            path.rsplit_once('/').map_or("", |(folder, _)| folder).split('/').take(PART).collect::<Vec<_>>()
        };
        let here = part(execution);
        let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
        let mut own = 0;
        for other in self.cx.flow.executions.iter().filter(|e| e.model == Some(model) && e.site != execution.site) {
            if part(other) != here || !self.is_ours(other) {
                continue;
            }
            own += usize::from(self.names_tenant(other));
            for mark in self.marks(other) {
                if let Mark::Term(t) = mark
                    && !self.tenancy.columns.contains(t)
                    && t.as_str().ends_with("_id")
                    && self.tenancy.limits(self.cx.ix, Some(model), *t)
                {
                    *counts.entry(*t).or_default() += 1;
                }
            }
        }
        let (column, count) = counts.into_iter().max_by_key(|(_, n)| *n)?;
        (count > 1 && count > own).then(|| format!("`{column}`, as other queries here have"))
    }

    /// A key of the tenant that the address gives, where the handler's class asks nobody for it.
    fn unproven(&self, conditions: &condition::Conditions) -> Option<Name> {
        let handler = conditions.origin.client.iter().find(|k| k.is_address)?.handler;
        let decl = self.cx.ix.function(handler);
        let is_tenants = |n: Name| n.as_str().ends_with("_id") && self.tenancy.columns.contains(&n);
        decl.params.iter().map(|p| p.name).find(|n| is_tenants(*n) && conditions.origin.client.iter().any(|k| k.name == *n))
    }

    /// The innermost choice by value in whose arms a statement stands.
    fn match_around(&self, execution: &Execution) -> Option<Span> {
        let body = &self.cx.ix.function(execution.owner).body;
        let site = execution.site;
        let holds = |e: &crate::facts::ExprId| {
            let range = body.range(*e);
            range.start <= site.range.start && site.range.end <= range.end
        };
        let arms = body.exprs.iter().enumerate().filter_map(|(i, e)| match e {
            crate::facts::Expr::Match { arms, .. } if arms.iter().any(|(_, value)| holds(value)) => Some(body.ranges[i]),
            _ => None,
        });
        let range = arms.min_by_key(|r| r.end - r.start)?;
        Some(Span { file: site.file, range })
    }

    /// Where a reader should look: the statement, or the query if a helper elsewhere sends it.
    fn home(&self, execution: &Execution) -> (Span, FnRef) {
        let here = (execution.site, execution.owner);
        let Source::Query(at) = self.cx.flow.values.source_of(execution.src) else {
            return here;
        };
        let around = self.cx.ix.function(execution.owner).range;
        let is_inside = around.start <= execution.site.range.start && execution.site.range.end <= around.end;
        if at.file == execution.site.file && is_inside {
            // A loop sends what was written before it.
            let written = self.written_at(execution, at).filter(|_| execution.method.as_str() == "iteration");
            return written.map_or(here, |span| (span, execution.owner));
        }
        self.function_at(at).map_or(here, |f| (at, f))
    }

    /// The innermost function around a place.
    fn function_at(&self, at: Span) -> Option<FnRef> {
        let functions = self.cx.ix.file(at.file).functions.iter().enumerate();
        let inside = functions.filter(|(_, f)| f.range.start <= at.range.start && at.range.end <= f.range.end);
        let innermost = inside.min_by_key(|(_, f)| f.range.end - f.range.start);
        innermost.map(|(i, _)| FnRef { file: at.file, id: FnId(i as u32) })
    }

    fn marks(&self, execution: &Execution) -> &[Mark] {
        self.cx.flow.values.marks_of(execution.marks)
    }

    /// The bare table of a query.
    fn table(&self, execution: &Execution) -> Option<Name> {
        self.marks(execution).iter().find_map(|m| match m {
            Mark::Table(table) => Some(*table),
            _ => None,
        })
    }

    /// Is the query limited to a tenant, or to less?
    fn is_limited(&self, execution: &Execution) -> bool {
        let model = execution.model.or_else(|| self.tenancy.tables.get(&self.table(execution)?).copied().flatten());
        execution.via.is_some()
            || self.marks(execution).iter().any(|m| matches!(m, Mark::Term(t) if self.tenancy.limits(self.cx.ix, model, *t)))
    }

    /// Has the query a condition that limits it to a tenant, or to less?
    fn has_condition(&self, execution: &Execution, model: ModelId) -> bool {
        self.marks(execution).iter().any(|m| matches!(m, Mark::Term(t) if self.tenancy.limits(self.cx.ix, Some(model), *t)))
    }

    fn name(&self, model: ModelId) -> String {
        super::wording::model_name(self.cx.ix, model).to_owned()
    }

    /// The condition to add, in words.
    fn column(&self, model: Option<ModelId>) -> String {
        use crate::index::tenants::Belongs;
        match model.and_then(|m| self.tenancy.models.get(&m)).map(|o| &o.belongs) {
            // A relation may go the long way: the table itself has no such column.
            Some(Belongs::Column(column)) if !self.has_column(model, *column) => "its tenant".to_owned(),
            Some(Belongs::Column(column)) => format!("`{column}`"),
            Some(Belongs::Parent(relation, _)) => format!("`{relation}`"),
            _ => "its tenant".to_owned(),
        }
    }

    /// As far as migrations tell, has a model's table the column?
    fn has_column(&self, model: Option<ModelId>, column: Name) -> bool {
        let table = model.and_then(|m| self.cx.ix.model(m).table);
        table.and_then(|t| self.tenancy.schema.get(&t)).is_none_or(|columns| {
            columns.is_empty() || columns.contains(&column) || columns.contains(&Name::new(&format!("{column}_id")))
        })
    }

    /// The first limit of a model that holds for every query.
    fn scope_of(&self, model: ModelId) -> Option<&crate::index::tenants::Limit> {
        let owned = self.tenancy.models.get(&model)?;
        owned
            .limits
            .iter()
            .find(|l| matches!(l.kind, LimitKind::Scope | LimitKind::Library | LimitKind::Later | LimitKind::Session))
    }
}

/// One finding per cause: the worst place first, the others as steps, the rest counted.
fn grouped(faults: Vec<Fault>) -> Vec<Finding> {
    let mut groups: BTreeMap<(Name, String), Vec<Finding>> = BTreeMap::new();
    for fault in faults {
        let group = groups.entry((fault.finding.rule, fault.cause)).or_default();
        if !group.iter().any(|f| f.span == fault.finding.span) {
            group.push(fault.finding);
        }
    }
    let mut out = Vec::new();
    for ((_, cause), mut group) in groups {
        let is_one_choice = cause.starts_with("match ");
        group.sort_by(|a, b| b.level.cmp(&a.level).then(b.confidence.cmp(&a.confidence)).then(a.span.cmp(&b.span)));
        if group.len() <= if is_one_choice { 1 } else { SINGLE } {
            out.extend(group);
            continue;
        }
        let rest = group.split_off(1);
        let Some(mut first) = group.pop() else {
            continue;
        };
        for other in rest.iter().take(SHOWN) {
            step(&mut first.steps, other.span, format!("also here, in `{}`", other.owner));
        }
        let count = |level: Level| rest.iter().filter(|f| f.level == level).count();
        let errors = count(Level::Error);
        let worst = if errors > 0 && first.level == Level::Error { format!(", {errors} of them as bad") } else { String::new() };
        first.message = format!("{}; the same in {} more places{worst}", first.message, rest.len());
        out.push(first);
    }
    out
}
