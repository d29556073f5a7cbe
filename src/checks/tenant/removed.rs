//! Where is a tenant's scope removed, or never applied?

use super::area::Area;
use super::{Fault, View, is_insert};
use crate::base::{Name, Span};
use crate::findings::{Confidence, Level};
use crate::flow::value::{Mark, flag};
use crate::flow::{Execution, Statement};
use crate::index::ModelId;
use crate::index::tenants::LimitKind;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    for execution in &view.cx.flow.executions {
        let Some(model) = execution.model else {
            continue;
        };
        if !view.is_ours(execution) || execution.via.is_some() || execution.flags & flag::SCOPED != 0 {
            continue;
        }
        let Some((at, how, scope)) = removal(view, execution, model) else {
            continue;
        };
        // New rows, and such at hand, are limited by no condition that could be removed.
        if execution.kind == Statement::Write && is_insert(view.cx, execution) {
            continue;
        }
        if view.has_condition(execution, model) || view.compares(execution.owner) {
            continue;
        }
        let conditions = view.conditions(execution);
        let origin = &conditions.origin;
        if origin.row || origin.user || conditions.is_rooted || view.is_only_tested(execution) {
            continue;
        }
        // A scope of the program that widens on purpose: what calls it says what for.
        let is_elsewhere = view.function_at(at).is_some_and(|f| view.outermost(f) != view.outermost(execution.owner));
        if is_elsewhere && view.area(execution.owner) != Area::Request {
            continue;
        }
        if matches!(view.area(execution.owner), Area::Other) && !view.is_reached(execution.owner) {
            continue;
        }
        faults.extend(fault(view, execution, model, at, &how, scope));
    }
}

/// Where and how the scope of a model is removed from the query of a statement.
fn removal(view: &View<'_, '_>, execution: &Execution, model: ModelId) -> Option<(Span, String, Name)> {
    let owned = view.tenancy.models.get(&model)?;
    let global: Vec<_> = owned
        .limits
        .iter()
        .filter(|l| l.kind == LimitKind::Scope || l.kind == LimitKind::Library || l.kind == LimitKind::Later)
        .collect();
    if let Some(scope) = global.first() {
        for mark in view.marks(execution) {
            match mark {
                Mark::Removed(None, at) => return Some((*at, text_at(view, *at), scope.name)),
                Mark::Removed(Some(name), at) if global.iter().any(|l| is_same(l.name, *name)) => {
                    return Some((*at, text_at(view, *at), scope.name));
                }
                _ => (),
            }
        }
        if execution.bare {
            return Some((execution.site, execution.method.to_string(), scope.name));
        }
    }
    let managers: Vec<_> = owned
        .limits
        .iter()
        .filter(|l| {
            l.kind == LimitKind::Manager
                || (l.kind == LimitKind::Library && view.cx.ix.model(model).managers.iter().any(|m| m.name == l.name))
        })
        .collect();
    let first = managers.first()?;
    let default = view.cx.ix.model(model).managers.first().map(|m| m.name);
    // Where the limit is only on a manager of its own, starting from another is a choice.
    if !managers.iter().any(|l| Some(l.name) == default || l.kind == LimitKind::Library) {
        return None;
    }
    view.marks(execution).iter().find_map(|mark| match mark {
        Mark::Manager(name, at) if !managers.iter().any(|l| l.name == *name) && !name.as_str().starts_with("_default") => {
            Some((*at, name.to_string(), first.name))
        }
        _ => None,
    })
}

/// The method's name that stands there.
fn text_at(view: &View<'_, '_>, at: Span) -> String {
    let text = &view.cx.ix.sources.file(at.file).text;
    text.get(at.range.start as usize..at.range.end as usize).unwrap_or("this").to_owned()
}

fn is_same(scope: Name, removed: Name) -> bool {
    scope == removed || scope.last_segment().eq_ignore_ascii_case(removed.last_segment())
}

fn fault(view: &View<'_, '_>, execution: &Execution, model: ModelId, at: Span, how: &str, scope: Name) -> Option<Fault> {
    let area = view.area(execution.owner);
    let writes = matches!(execution.kind, Statement::Write | Statement::Upsert);
    let name = view.name(model);
    let what = if writes { "writes" } else { "reads" };
    let message = if at == execution.site {
        format!("`{how}` never applies the tenant's scope of `{name}`: it {what} the rows of every tenant")
    } else {
        format!("`{how}` leaves out the tenant's scope of `{name}`, and `{}` {what} the rows of every tenant", execution.method)
    };
    let mut finding = view.cx.finding("tenant-scope-removed", at, execution.owner, message);
    if execution.site != at {
        super::step(&mut finding.steps, execution.site, format!("`{}` is sent without the scope", execution.method));
    }
    if let Some(span) =
        view.tenancy.models.get(&model).and_then(|o| o.limits.iter().find(|l| l.name == scope)).and_then(|l| l.span)
    {
        super::step(&mut finding.steps, span, format!("the scope `{}` is given to `{name}` here", scope.last_segment()));
    }
    finding.help = format!("keep the scope, or add a condition on {} to this query", view.column(Some(model)));
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    finding.subject.method = Some(execution.method.to_string());
    let is_count = execution.kind == Statement::Aggregate;
    finding.level = match area {
        Area::Global => Level::Note,
        Area::Early if !writes => Level::Note,
        Area::Background => {
            if writes {
                Level::Warning
            } else {
                Level::Note
            }
        }
        // An aggregate over all tenants that names the scope it leaves out is meant so.
        _ if is_count && at != execution.site => Level::Note,
        Area::Request => Level::Error,
        _ => Level::Warning,
    };
    // Keys of rows at hand.
    let at_hand =
        view.marks(execution).iter().any(|m| matches!(m, Mark::Term(t) if view.cx.ix.packs.listed_column(t.as_str()).is_some()));
    if at_hand {
        finding.level = Level::Note;
    }
    let is_sweep = !view.is_by_key(execution) && view.is_sweep(execution, &view.conditions(execution));
    if is_sweep || view.is_for_services(execution.owner) {
        finding.level = Level::Note;
    }
    if view.asks_permission(execution.owner) {
        finding.level = Level::Note;
        finding.confidence = Confidence::Medium;
    }
    if area == Area::Global && execution.kind != Statement::Write {
        finding.confidence = Confidence::Low;
    }
    Some(Fault { finding, cause: format!("{how} {name}") })
}
