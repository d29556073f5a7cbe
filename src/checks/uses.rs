//! Where in a function is a variable or an expression used?

use crate::base::{Name, Range};
use crate::facts::{Body, Expr, ExprId, FileFacts, FnId, FnKind, Language, Pat, Slot};
use crate::index::FnRef;

/// The outermost expression of exactly this range.
pub(super) fn expr_at(body: &Body, range: Range) -> Option<ExprId> {
    body.ranges.iter().rposition(|r| *r == range).map(|i| ExprId(i as u32))
}

/// The expression that a variable gets, if it gets one only and nothing else may give it another.
pub(super) fn only_value(file: &FileFacts, f: FnRef, slot: Slot) -> Option<ExprId> {
    let decl = &file.functions[f.id.0 as usize];
    let body = &decl.body;
    if decl.params.iter().any(|p| p.slot == slot) || decl.captures.iter().any(|c| c.inner == slot) {
        return None;
    }
    // The variables of a module are seen from everywhere.
    if decl.kind == FnKind::File && file.language == Language::Python {
        return None;
    }
    let bindings = body.pats.iter().filter(|p| matches!(p, Pat::Local(s) if *s == slot)).count();
    if bindings != 1 {
        return None;
    }
    let value = body.exprs.iter().find_map(|e| match e {
        Expr::Assign { target, value } => matches!(body.pat(*target), Pat::Local(s) if *s == slot).then_some(*value),
        _ => None,
    })?;
    // A closure, or code that reads variables by their names, may do anything with it.
    let name = body.slots.get(slot.0 as usize)?;
    let is_captured = file.functions.iter().any(|g| g.parent == Some(f.id) && g.captures.iter().any(|c| c.outer == slot));
    let is_text = |e: ExprId| match body.expr(e) {
        Expr::Str(text) => text == name,
        Expr::Seq { items, .. } => items.iter().any(|i| *body.expr(i.value) == Expr::Str(*name)),
        _ => false,
    };
    let is_named = body.exprs.iter().any(|e| match e {
        Expr::Call { callee, args } => {
            matches!(body.expr(*callee), Expr::Function { fallback, .. } if fallback.as_str() == "compact")
                && args.iter().any(|a| is_text(a.value))
        }
        Expr::Name(n) => n.as_str() == "locals",
        Expr::Function { fallback, .. } => fallback.as_str() == "get_defined_vars",
        Expr::Include(_) | Expr::Render(_) => true,
        _ => false,
    });
    (!is_captured && !is_named).then_some(value)
}

/// Every place where a variable is read.
pub(super) fn reads(body: &Body, slot: Slot) -> Vec<ExprId> {
    let is_read = |(i, e): (usize, &Expr)| (*e == Expr::Local(slot)).then_some(ExprId(i as u32));
    body.exprs.iter().enumerate().filter_map(is_read).collect()
}

/// The method that is called on an expression.
pub(super) fn called_on(body: &Body, e: ExprId) -> Option<Name> {
    body.exprs.iter().enumerate().find_map(|(i, attr)| match attr {
        Expr::Attr { base, name, .. } if *base == e => {
            let is_called = |c: &Expr| matches!(c, Expr::Call { callee, .. } if callee.0 as usize == i);
            body.exprs.iter().any(is_called).then_some(*name)
        }
        _ => None,
    })
}

/// The functions inside the outermost named function around this one, with itself; for the code of a file, all of the file.
pub(super) fn around(file: &FileFacts, f: FnId) -> Vec<FnId> {
    let mut at = f;
    for _ in 0..32 {
        let decl = &file.functions[at.0 as usize];
        match decl.parent {
            Some(parent) if !matches!(file.functions[parent.0 as usize].kind, FnKind::File | FnKind::ClassBody) => at = parent,
            Some(parent) if decl.kind == FnKind::Closure => at = parent,
            _ => break,
        }
    }
    let outer = &file.functions[at.0 as usize];
    let is_inside = |range: Range| outer.range.start <= range.start && range.end <= outer.range.end;
    let all = file.functions.iter().enumerate();
    all.filter(|(i, d)| *i == at.0 as usize || outer.kind == FnKind::File || is_inside(d.range))
        .map(|(i, _)| FnId(i as u32))
        .collect()
}
