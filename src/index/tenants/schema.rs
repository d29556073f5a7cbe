//! Which columns does each table have, as far as migrations tell?

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, FnId, Language, PatId};
use crate::index::models::snake;
use crate::index::{FnRef, ProjectIndex};

/// How SQL calls it, in lower case.
const ROW_SECURITY: &str = "row level security";

/// Columns by table.
pub(super) fn read(index: &ProjectIndex<'_>) -> BTreeMap<Name, BTreeSet<Name>> {
    let words = index.packs.tenancy();
    let (calls, drops, undoes) = (&words.schema_calls, &words.schema_drops, &words.schema_undoes);
    let mut tables: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (i, facts) in index.facts.iter().enumerate() {
        if facts.language != Language::Php {
            continue;
        }
        // What undoes a migration was not run.
        let done = facts.functions.iter().enumerate().filter(|(_, f)| !undoes.iter().any(|u| u == f.name.as_str()));
        for (f, function) in done {
            let at = FnRef { file: FileId(i as u32), id: FnId(f as u32) };
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
                let Expr::Closure(inner) = body.expr(second.value) else {
                    continue;
                };
                let inner = &facts.functions[inner.0 as usize].body;
                for table in texts(index, at, first.value) {
                    change(inner, drops, tables.entry(table).or_default());
                }
            }
        }
    }
    tables
}

/// What a closure says of a table's columns.
fn change(body: &Body, drops: &[String], columns: &mut BTreeSet<Name>) {
    for expr in &body.exprs {
        let Expr::Call { callee, args } = expr else {
            continue;
        };
        let Expr::Attr { base, name, .. } = body.expr(*callee) else {
            continue;
        };
        if !matches!(body.expr(*base), Expr::Local(_)) {
            continue;
        }
        if name.as_str().starts_with("drop") {
            if drops.iter().any(|d| d == name.as_str()) {
                args.iter().for_each(|a| drop_columns(body, a.value, columns));
            }
            continue;
        }
        match args.first().map(|a| body.expr(a.value)) {
            Some(Expr::Str(column)) => {
                columns.insert(*column);
            }
            // `foreignIdFor(Model::class)`
            Some(Expr::Class(class)) => {
                columns.insert(Name::new(&format!("{}_id", snake(class.last_segment()))));
            }
            Some(Expr::Attr { base, .. }) => {
                if let Expr::Class(class) = body.expr(*base) {
                    columns.insert(Name::new(&format!("{}_id", snake(class.last_segment()))));
                }
            }
            _ => (),
        }
    }
}

/// The texts that an expression may be: itself, or what a loop over a written list gives it.
fn texts(index: &ProjectIndex<'_>, at: FnRef, e: ExprId) -> Vec<Name> {
    let body = &index.function(at).body;
    let slot = match body.expr(e) {
        Expr::Str(text) => return vec![*text],
        Expr::Local(slot) => *slot,
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for (each, _) in body.loops() {
        let is_bound = |pat: Option<PatId>| pat.is_some_and(|pat| body.binds(pat, slot));
        if let Some(list) = each.iter.filter(|_| is_bound(each.key) || is_bound(each.target)) {
            found.extend(listed(index, at, list));
        }
    }
    found
}

/// The texts of a list that is written down: in place, in a variable, or in a property of the class.
fn listed(index: &ProjectIndex<'_>, at: FnRef, list: ExprId) -> Vec<Name> {
    match index.function(at).body.expr(list) {
        Expr::Local(slot) => index.local_of(at, *slot).map_or(Vec::new(), |value| index.literal_list(at, value)),
        Expr::Attr { base, name, .. } if matches!(index.function(at).body.expr(*base), Expr::This | Expr::Class(_)) => {
            let attr = index.class_of_function(at).and_then(|class| index.find_attr(class, *name));
            attr.map_or(Vec::new(), |(owner, i)| {
                let decl = index.class_decl(owner);
                let scope = FnRef { file: index.class(owner).file, id: decl.scope };
                decl.attrs[i].value.map_or(Vec::new(), |value| index.literal_list(scope, value))
            })
        }
        _ => index.literal_list(at, list),
    }
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
