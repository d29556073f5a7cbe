//! What does a scope cost each time it is applied?

mod behaviour;

use std::collections::BTreeMap;

use super::{Fault, View};
use crate::flow::value::Source;
use crate::flow::{Execution, Statement};
use crate::index::{FnRef, ModelId};

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let scopes = view.tenancy.scope_functions(view.cx.ix);
    let mut by_function: BTreeMap<FnRef, (ModelId, crate::base::Name)> = BTreeMap::new();
    for (f, model, name) in scopes {
        by_function.entry(f).or_insert((model, name));
    }
    for execution in &view.cx.flow.executions {
        let Some((model, name)) = by_function.get(&execution.owner) else {
            continue;
        };
        faults.push(fault(view, execution, *model, *name));
    }
    for (f, (model, name)) in &by_function {
        behaviour::check(view, *f, *model, *name, faults);
    }
    behaviour::boot(view, faults);
}

fn fault(view: &View<'_, '_>, execution: &Execution, model: ModelId, name: crate::base::Name) -> Fault {
    let owner = view.name(model);
    let itself = execution.model == Some(model) && starts_anew(view, execution);
    let what = match execution.kind {
        Statement::Write | Statement::Upsert => "writes to the database",
        _ => "sends a query",
    };
    let message = if itself {
        format!("this scope of `{owner}` asks `{owner}` itself, which applies the scope again")
    } else {
        format!("this scope {what} each time it is applied to `{owner}`")
    };
    let mut finding = view.cx.finding("tenant-scope-cost", execution.site, execution.owner, message);
    finding.help = if itself {
        "use a sub-query on the bare table, or leave the scope out of the inner query".to_owned()
    } else {
        "compute the value once per request and let the scope read it".to_owned()
    };
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    finding.subject.method = Some(execution.method.to_string());
    Fault { finding, cause: format!("{name} {}", execution.method) }
}

/// Does the query start from the model, and not from what the scope is applied to?
fn starts_anew(view: &View<'_, '_>, execution: &Execution) -> bool {
    match view.cx.flow.values.source_of(execution.src) {
        Source::Query(at) => {
            // A variable holds what the scope was given, and `super` what comes from above.
            let text = view.cx.text(at).trim_start_matches('\\');
            text.starts_with(char::is_uppercase) || text.starts_with("self::") || text.starts_with("static::")
        }
        _ => false,
    }
}
