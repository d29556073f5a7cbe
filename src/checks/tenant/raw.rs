//! Which texts of SQL name a tenant's table without its column?

use super::area::Area;
use super::{Fault, View};
use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, FnId, FnKind, Language};
use crate::findings::Level;
use crate::index::FnRef;
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
