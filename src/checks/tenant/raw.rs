//! Which texts of SQL and rules of validation name a tenant's table without its column?

use super::area::Area;
use super::{Fault, View};
use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, FnId, FnKind, Language};
use crate::findings::{Confidence, Level};
use crate::index::{FnRef, Symbol};
use crate::source::Origin;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    for (i, facts) in view.cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if view.cx.ix.sources.file(file).origin != Origin::Ours || !matches!(facts.language, Language::Php | Language::Python) {
            continue;
        }
        for (f, function) in facts.functions.iter().enumerate() {
            if matches!(function.kind, FnKind::File | FnKind::ClassBody | FnKind::Template | FnKind::Macro) {
                continue;
            }
            let at = FnRef { file, id: FnId(f as u32) };
            statements(view, at, faults);
            rules(view, at, faults);
        }
    }
}

/// Texts of SQL that are given to a call.
fn statements(view: &View<'_, '_>, at: FnRef, faults: &mut Vec<Fault>) {
    let body = &view.cx.ix.function(at).body;
    for (i, expr) in body.exprs.iter().enumerate() {
        let text = match expr {
            Expr::Str(text) => *text,
            _ => continue,
        };
        let Some(table) = table_of(view, text.as_str()) else {
            continue;
        };
        let Some((call, method)) = call_of(body, ExprId(i as u32)) else {
            continue;
        };
        let speaks = view.tenancy.columns.iter().any(|c| text.as_str().contains(c.as_str()));
        let area = view.area(at);
        if speaks || matches!(area, Area::Global | Area::Early | Area::Background) || limited_by_key(view, text.as_str()) {
            continue;
        }
        let span = Span { file: at.file, range: call };
        let message = format!("this statement on the table `{table}` has no condition on the tenant");
        let mut finding = view.cx.finding("unscoped-tenant-query", span, at, message);
        finding.help = format!(
            "no scope applies to a statement written by hand: add a condition on {}",
            view.column(view.tenancy.tables.get(&table).copied().flatten())
        );
        finding.subject.table = Some(table.to_string());
        finding.subject.method = Some(method.to_string());
        finding.level = if area == Area::Request { Level::Error } else { Level::Warning };
        faults.push(Fault { finding, cause: format!("sql {table}") });
    }
}

/// The first tenant's table that a statement reads or writes.
fn table_of(view: &View<'_, '_>, text: &str) -> Option<Name> {
    let lower = text.trim_start().to_lowercase();
    let is_statement = ["select ", "update ", "delete ", "with ", "select\n"].iter().any(|w| lower.starts_with(w));
    if !is_statement {
        return None;
    }
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '`' | '"' | ';' | '[' | ']'))
        .filter(|w| !w.is_empty())
        .collect();
    words.windows(2).find_map(|pair| {
        let is_place = matches!(pair[0], "from" | "join" | "update" | "into");
        let name = Name::new(pair[1].rsplit('.').next().unwrap_or(pair[1]));
        (is_place && view.tenancy.tables.contains_key(&name)).then_some(name)
    })
}

/// Does the statement name a key to a tenant's row or to the user?
fn limited_by_key(view: &View<'_, '_>, text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|w| w.ends_with("_id") && view.tenancy.limits(view.cx.ix, None, Name::new(w)))
}

/// The call that is given an expression, past functions that only wrap it: where its method's name stands, and that name.
fn call_of(body: &Body, expr: ExprId) -> Option<(crate::base::Range, Name)> {
    let mut inner = expr;
    let mut found = None;
    for (i, e) in body.exprs.iter().enumerate().skip(expr.0 as usize) {
        let Expr::Call { callee, args } = e else {
            continue;
        };
        if !args.iter().any(|a| a.value == inner) {
            continue;
        }
        match body.expr(*callee) {
            Expr::Attr { name, .. } => {
                let range = body.range(*callee);
                let start = range.end.saturating_sub(name.as_str().len() as u32);
                return Some((crate::base::Range { start, end: range.end }, *name));
            }
            Expr::Name(name) => {
                found = Some((body.range(*callee), *name));
                inner = ExprId(i as u32);
            }
            _ => return found,
        }
    }
    found.filter(|(_, name)| name.as_str() != "text")
}

/// Rules of validation that look up a tenant's table.
fn rules(view: &View<'_, '_>, at: FnRef, faults: &mut Vec<Fault>) {
    let lists = view.cx.ix.packs.tenancy();
    let body = &view.cx.ix.function(at).body;
    for (i, expr) in body.exprs.iter().enumerate() {
        let range = body.ranges[i];
        let (table, place) = match expr {
            Expr::Str(text) => {
                let Some(rule) = text
                    .as_str()
                    .split('|')
                    .find_map(|r| lists.validation_prefixes.iter().find_map(|p| r.strip_prefix(p.as_str())))
                else {
                    continue;
                };
                let mut parts = rule.split(',');
                let first = parts.next().unwrap_or_default().trim();
                // More parts are conditions of their own.
                if parts.clone().any(|p| view.tenancy.columns.contains(&Name::new(p.trim()))) {
                    continue;
                }
                (table_named(view, first), range)
            }
            Expr::Call { callee, args } => {
                let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                    continue;
                };
                let Symbol::External(class) = view.cx.ix.symbol_of(at, *base) else {
                    continue;
                };
                let full = format!("{class}.{name}");
                if !lists.validation_functions.contains(&full) || is_continued(view, at, ExprId(i as u32)) {
                    continue;
                }
                let table = match args.first().map(|a| body.expr(a.value)) {
                    Some(Expr::Str(text)) => table_named(view, text.as_str()),
                    Some(Expr::Attr { base, .. }) => match view.cx.ix.symbol_of(at, *base) {
                        Symbol::Class(class) => view.cx.ix.class(class).model.and_then(|m| view.cx.ix.model(m).table),
                        _ => None,
                    },
                    Some(_) => match args.first().map(|a| view.cx.ix.symbol_of(at, a.value)) {
                        Some(Symbol::Class(class)) => view.cx.ix.class(class).model.and_then(|m| view.cx.ix.model(m).table),
                        _ => None,
                    },
                    None => None,
                };
                let end = body.range(*callee).end;
                (table, crate::base::Range { start: end.saturating_sub(name.as_str().len() as u32), end })
            }
            _ => continue,
        };
        let Some(table) = table.filter(|t| view.tenancy.tables.contains_key(t)) else {
            continue;
        };
        let model = view.tenancy.tables.get(&table).copied().flatten();
        if model.is_some_and(|m| crate::index::tenants::is_user(view.cx.ix, m)) || view.area(at) == Area::Global {
            continue;
        }
        if view.area(at) != Area::Request || speaks_of_tenant(view, at) || view.compares(at) {
            continue;
        }
        let span = Span { file: at.file, range: place };
        let message = format!("this rule accepts a key of any tenant's row of `{table}`");
        let mut finding = view.cx.finding("unscoped-tenant-query", span, at, message);
        finding.help = format!("the rule asks the table itself, without scopes: add a condition on {}", view.column(model));
        finding.subject.table = Some(table.to_string());
        finding.confidence = Confidence::Medium;
        finding.level = Level::Warning;
        faults.push(Fault { finding, cause: "rule".to_owned() });
    }
}

/// Does the class around a function, or the function itself, speak of the tenant's column? Then the key may be looked up again.
fn speaks_of_tenant(view: &View<'_, '_>, at: FnRef) -> bool {
    let functions = &view.cx.ix.file(at.file).functions;
    let class = functions[at.id.0 as usize].class;
    let inside = |(i, f): &(usize, &crate::facts::FunctionDecl)| *i == at.id.0 as usize || class.is_some() && f.class == class;
    functions.iter().enumerate().filter(inside).any(|(_, f)| {
        f.body.exprs.iter().any(|e| match e {
            Expr::Map(entries) => entries.iter().any(|(key, _)| {
                key.is_some_and(|k| matches!(f.body.expr(k), Expr::Str(name) if view.tenancy.columns.contains(name)))
            }),
            _ => false,
        })
    })
}

/// The table of that name, or of the model of that name.
fn table_named(view: &View<'_, '_>, text: &str) -> Option<Name> {
    let text = text.rsplit('.').next().unwrap_or(text);
    if text.contains('\\') {
        let lower = Name::new(&text.trim_start_matches('\\').to_lowercase());
        let class = view.cx.ix.class_names.get(&lower)?;
        return view.cx.ix.class(*class).model.and_then(|m| view.cx.ix.model(m).table);
    }
    Some(Name::new(text))
}

/// Does a chain of calls continue with conditions?
fn is_continued(view: &View<'_, '_>, at: FnRef, call: ExprId) -> bool {
    let body = &view.cx.ix.function(at).body;
    body.exprs.iter().any(|e| match e {
        Expr::Attr { base, name, .. } => {
            *base == call && (name.as_str().starts_with("where") || name.as_str() == "using" || name.as_str() == "query")
        }
        _ => false,
    })
}
