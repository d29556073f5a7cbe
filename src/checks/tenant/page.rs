//! What does the application's code say about its tenants, as a page for readers?

use std::fmt::Write as _;

use super::{Asked, CheckContext, TenantWords, understand};
use crate::base::Span;
use crate::flow::value::flag;
use crate::index::tenants::{Belongs, Evidence, LimitKind};

/// The page that `ormlint tenants` prints.
pub(crate) fn page(cx: &CheckContext<'_>, words: &TenantWords) -> String {
    let asked = Asked::default();
    let tenancy = understand(cx, words, &asked);
    let mut out = String::new();
    if !tenancy.is_known() {
        out.push_str("No tenants: no scope, manager, library or configuration says that rows belong to one.\n");
        for label in &tenancy.labels {
            let model = cx.ix.model(*label);
            let _ = writeln!(
                out,
                "Rows name a `{}`{}, but nothing compares it with what the current user or request has: a label.",
                model.name,
                model.span.map_or(String::new(), |s| format!(" ({})", at(cx, s)))
            );
        }
        out.push_str("If there are, name them under `[tenant]` in ormlint.toml.\n");
        return out;
    }
    let view = asked.view(cx, words, &tenancy);
    let place = |span: Option<Span>| span.map_or(String::new(), |s| format!(" ({})", at(cx, s)));
    let names: Vec<String> =
        tenancy.tenants.iter().map(|t| format!("{}{}", cx.ix.model(*t).name, place(cx.ix.model(*t).span))).collect();
    let _ =
        writeln!(out, "Tenant:  {}", if names.is_empty() { "not a model of the program".to_owned() } else { names.join(", ") });
    let columns: Vec<&str> = tenancy.columns.iter().map(|c| c.as_str()).collect();
    let _ = writeln!(out, "Columns: {}", columns.join(", "));
    let _ = writeln!(out, "Because:");
    for evidence in tenancy.evidence.iter().take(12) {
        let _ = match evidence {
            Evidence::Configured => writeln!(out, "  the configuration says so"),
            Evidence::Scope(name, span) => {
                writeln!(out, "  `{name}` adds a condition ({})", at(cx, *span))
            }
            Evidence::Library(name, span) => {
                writeln!(out, "  `{name}` of a library is used{}", place(*span))
            }
            Evidence::Conditions { limited, all } => {
                writeln!(out, "  {limited} of {all} statements on its models have the condition")
            }
        };
    }
    if let Some(security) = tenancy.row_security {
        let _ = writeln!(
            out,
            "Row-level security of the database is switched on ({}): it may limit what has no condition.",
            at(cx, security)
        );
    }
    let _ = writeln!(out, "\nModels ({}):", tenancy.models.len());
    for (model, owned) in &tenancy.models {
        let data = cx.ix.model(*model);
        let how = match &owned.belongs {
            Belongs::Column(column) => format!("by `{column}`"),
            Belongs::Base(base) => format!("by `{}`", base.last_segment()),
            Belongs::Parent(relation, parent) => format!("by its `{relation}` ({})", cx.ix.model(*parent).name.last_segment()),
        };
        let _ = writeln!(out, "  {} {how}{}", data.name, place(data.span));
        for limit in &owned.limits {
            let kind = match limit.kind {
                LimitKind::Scope => "every query is limited by",
                LimitKind::Later => "limited once this ran:",
                LimitKind::Manager => "queries are limited by the manager",
                LimitKind::Library => "every query is limited by the library's",
                LimitKind::Session => "statements of the session are limited by",
            };
            let _ = writeln!(out, "    {kind} `{}`{}", limit.name, place(limit.span));
        }
        if owned.limits.is_empty() {
            let mine =
                cx.flow.executions.iter().filter(|e| e.model == Some(*model) && view.is_ours(e) && e.flags & flag::SCOPED == 0);
            let (mut limited, mut open) = (0, 0);
            for execution in mine {
                if execution.via.is_some() || view.has_condition(execution, *model) {
                    limited += 1;
                } else {
                    open += 1;
                }
            }
            let _ = writeln!(out, "    no scope; {limited} statements with a condition, {open} without");
        }
    }
    let bare: Vec<&str> = tenancy.tables.iter().filter(|(_, m)| m.is_none()).map(|(t, _)| t.as_str()).collect();
    if !bare.is_empty() {
        let _ = writeln!(out, "\nTables without a model: {}", bare.join(", "));
    }
    out
}

fn at(cx: &CheckContext<'_>, span: Span) -> String {
    let file = cx.ix.sources.file(span.file);
    let line = file.text.get(..span.range.start as usize).map_or(1, |t| t.bytes().filter(|b| *b == b'\n').count() + 1);
    format!("{}:{line}", file.path)
}
