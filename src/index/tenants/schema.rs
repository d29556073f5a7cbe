//! Which columns does each table have, as far as migrations tell?

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, Language};
use crate::index::ProjectIndex;
use crate::index::models::snake;

/// How SQL calls it, in lower case.
const ROW_SECURITY: &str = "row level security";

/// Columns by table.
pub(super) fn read(index: &ProjectIndex<'_>) -> BTreeMap<Name, BTreeSet<Name>> {
    let words = index.packs.tenancy();
    let (calls, drops, undoes) = (&words.schema_calls, &words.schema_drops, &words.schema_undoes);
    let mut tables: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for facts in index.facts {
        if facts.language != Language::Php {
            continue;
        }
        // What undoes a migration was not run.
        for function in facts.functions.iter().filter(|f| !undoes.iter().any(|u| u == f.name.as_str())) {
            let body = &function.body;
            for expr in &body.exprs {
                let Expr::Call { callee, args } = expr else {
                    continue;
                };
                let Expr::Attr { name, .. } = body.expr(*callee) else {
                    continue;
                };
                let (Some(first), Some(second)) = (args.first(), args.get(1)) else {
                    continue;
                };
                if !calls.iter().any(|c| c == name.as_str()) {
                    continue;
                }
                let (Expr::Str(table), Expr::Closure(inner)) = (body.expr(first.value), body.expr(second.value)) else {
                    continue;
                };
                let inner = &facts.functions[inner.0 as usize].body;
                let columns = tables.entry(*table).or_default();
                for expr in &inner.exprs {
                    let Expr::Call { callee, args } = expr else {
                        continue;
                    };
                    let Expr::Attr { base, name, .. } = inner.expr(*callee) else {
                        continue;
                    };
                    if !matches!(inner.expr(*base), Expr::Local(_)) {
                        continue;
                    }
                    if name.as_str().starts_with("drop") {
                        if drops.iter().any(|d| d == name.as_str()) {
                            args.iter().for_each(|a| drop_columns(inner, a.value, columns));
                        }
                        continue;
                    }
                    match args.first().map(|a| inner.expr(a.value)) {
                        Some(Expr::Str(column)) => {
                            columns.insert(*column);
                        }
                        // `foreignIdFor(Model::class)`
                        Some(Expr::Class(class)) => {
                            columns.insert(Name::new(&format!("{}_id", snake(class.last_segment()))));
                        }
                        Some(Expr::Attr { base, .. }) => {
                            if let Expr::Class(class) = inner.expr(*base) {
                                columns.insert(Name::new(&format!("{}_id", snake(class.last_segment()))));
                            }
                        }
                        _ => (),
                    }
                }
            }
        }
    }
    tables
}

/// Where a statement tells the database to limit rows by a policy of its own: `ALTER TABLE … ENABLE ROW LEVEL SECURITY`.
pub(super) fn row_security(index: &ProjectIndex<'_>) -> Option<Span> {
    let says = |text: &str| text.len() > ROW_SECURITY.len() && text.to_ascii_lowercase().contains(ROW_SECURITY);
    index.facts.iter().enumerate().find_map(|(i, facts)| {
        facts.functions.iter().find_map(|function| {
            let body = &function.body;
            let at = body.exprs.iter().position(|e| matches!(e, Expr::Str(text) if says(text.as_str())))?;
            Some(Span { file: FileId(i as u32), range: body.ranges[at] })
        })
    })
}

fn drop_columns(body: &Body, e: ExprId, columns: &mut BTreeSet<Name>) {
    match body.expr(e) {
        Expr::Str(column) => {
            columns.remove(column);
        }
        Expr::Seq { items, .. } => items.iter().for_each(|item| drop_columns(body, item.value, columns)),
        _ => (),
    }
}
