//! Which columns does each table have, as far as migrations tell?

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Name;
use crate::facts::{Expr, Language};
use crate::index::ProjectIndex;
use crate::index::models::snake;

/// Columns by table.
pub(super) fn read(index: &ProjectIndex<'_>) -> BTreeMap<Name, BTreeSet<Name>> {
    let calls = &index.packs.tenancy().schema_calls;
    let mut tables: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for facts in index.facts {
        if facts.language != Language::Php {
            continue;
        }
        for function in &facts.functions {
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
                    if !matches!(inner.expr(*base), Expr::Local(_)) || name.as_str().starts_with("drop") {
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
