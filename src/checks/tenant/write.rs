//! Which rows are inserted without their tenant, where nothing fills it in?

use super::area::Area;
use super::{Fault, View};
use crate::base::{Name, Range};
use crate::facts::{Arg, Body, Expr, ExprId, Spread};
use crate::flow::Execution;
use crate::index::FnRef;
use crate::index::tenants::Belongs;

/// Literals nest at most this deep.
const MAX_NESTING: usize = 4;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let quiet = &view.cx.ix.packs.tenancy().quiet_writes;
    for execution in &view.cx.flow.executions {
        if !quiet.iter().any(|q| q == execution.method.as_str()) || !view.is_ours(execution) || execution.via.is_some() {
            continue;
        }
        let (table, belongs) = match execution.model {
            Some(model) => match view.tenancy.models.get(&model) {
                Some(owned) => (view.name(model), &owned.belongs),
                None => continue,
            },
            None => continue,
        };
        if !matches!(belongs, Belongs::Column(..))
            || view.area(execution.owner) == Area::Global
            || view.has_condition_of(execution)
        {
            continue;
        }
        let Some(keys) = keys_written(view, execution) else {
            continue;
        };
        if keys.iter().any(|k| view.tenancy.columns.contains(k)) {
            continue;
        }
        let method = execution.method;
        let message = format!("`{method}` writes `{table}` without its tenant, and fires no event that could fill it in");
        let mut finding = view.cx.finding("tenant-write-without-owner", execution.site, execution.owner, message);
        finding.help = format!("set {} on every row that is written", view.column(execution.model));
        finding.subject.model = execution.model.map(|m| view.cx.ix.model(m).name.to_string());
        finding.subject.method = Some(method.to_string());
        faults.push(Fault { finding, cause: format!("{table} {method}") });
    }
}

impl View<'_, '_> {
    fn has_condition_of(&self, execution: &Execution) -> bool {
        execution.model.is_some_and(|m| self.has_condition(execution, m))
    }
}

/// The columns that the call sets, if all of them are known.
fn keys_written(view: &View<'_, '_>, execution: &Execution) -> Option<Vec<Name>> {
    let body = &view.cx.ix.function(execution.owner).body;
    let args = call_at(body, execution.site.range)?;
    let first = args.first().filter(|a| a.spread == Spread::No)?;
    let mut keys = Vec::new();
    let known = keys_of(view, execution.owner, body, first.value, &mut keys, MAX_NESTING);
    (known && !keys.is_empty()).then_some(keys)
}

/// The call whose method's name stands there.
fn call_at(body: &Body, at: Range) -> Option<&[Arg]> {
    body.exprs.iter().find_map(|e| match e {
        Expr::Call { callee, args } if body.range(*callee).end == at.end => Some(args.as_slice()),
        _ => None,
    })
}

/// Collects the keys of literal rows; false if something is not literal.
fn keys_of(view: &View<'_, '_>, at: FnRef, body: &Body, expr: ExprId, keys: &mut Vec<Name>, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match body.expr(expr) {
        Expr::Seq { items, .. } => {
            items.iter().all(|i| i.spread == Spread::No && keys_of(view, at, body, i.value, keys, depth - 1))
        }
        Expr::Comprehension { element, .. } => keys_of(view, at, body, *element, keys, depth - 1),
        Expr::Map(entries) => entries.iter().all(|(key, item)| match key {
            Some(key) => match body.expr(*key) {
                Expr::Str(name) => {
                    keys.push(*name);
                    true
                }
                Expr::Int(_) => keys_of(view, at, body, item.value, keys, depth - 1),
                _ => false,
            },
            None => item.spread == Spread::No && keys_of(view, at, body, item.value, keys, depth - 1),
        }),
        // A row made by its class.
        Expr::Call { args, .. } | Expr::New { args, .. } => {
            if args.is_empty() || args.iter().any(|a| a.spread != Spread::No || a.name.is_none()) {
                return false;
            }
            keys.extend(args.iter().filter_map(|a| a.name));
            true
        }
        Expr::Local(slot) => match view.cx.ix.local_of(at, *slot) {
            Some(value) if value != expr => keys_of(view, at, body, value, keys, depth - 1),
            _ => false,
        },
        _ => false,
    }
}
