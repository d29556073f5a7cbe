//! Is a client built only where none was handed in, and does whoever calls hand one in?
//!
//! `if client is None: client = Client()` is for callers that have none: on the way of a caller that has one it never runs.

use crate::base::{Range, Span};
use crate::checks::CheckContext;
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, FnKind, Language, Pat, PatId, Slot, Spread, Stmt};
use crate::flow::Event;
use crate::index::{FnRef, Symbol};

/// Values and callers are followed this far.
const MAX_STEPS: usize = 6;

/// Does a call on the way hand in what is built only where it lacks?
pub(super) fn is_handed_in(cx: &CheckContext<'_>, event: &Event) -> bool {
    (0..=event.path.len()).any(|level| {
        let (f, inner) = match level.checked_sub(1) {
            None => (event.owner, event.site),
            Some(i) => match cx.function_at(event.path[i]) {
                Some(f) => (f, event.path[i]),
                None => return false,
            },
        };
        lacking(cx, f, inner.range).into_iter().any(|param| match event.path.get(level) {
            Some(call) => cx.function_at(*call).is_some_and(|caller| gives(cx, event, level, caller, f, param, *call)),
            None => is_given_by_all(cx, f, param, 0),
        })
    })
}

/// The parameters of a function that a place in it needs to be null.
fn lacking(cx: &CheckContext<'_>, f: FnRef, at: Range) -> Vec<usize> {
    let decl = cx.ix.function(f);
    let body = &decl.body;
    let mut found = Vec::new();
    let mut note = |cond: ExprId, holds: bool| {
        let mut slots = Vec::new();
        absent(cx, f, cond, holds, &mut slots, 0);
        for slot in slots {
            let is_kept = !is_assigned_before(body, slot, body.range(cond).start);
            if let Some(i) = decl.params.iter().position(|p| p.slot == slot).filter(|_| is_kept) {
                found.push(i);
            }
        }
    };
    for (s, range) in body.stmts.iter().zip(&body.stmt_ranges) {
        let Stmt::If { cond, then, otherwise } = s else { continue };
        let is_after = || range.end <= at.start && otherwise.is_empty() && ends(body, then) && is_beside(body, *range, at);
        if super::turns::holds(body, then, at) {
            note(*cond, true);
        } else if super::turns::holds(body, otherwise, at) || is_after() {
            note(*cond, false);
        }
    }
    for e in &body.exprs {
        match e {
            Expr::Or(a, b) | Expr::Coalesce(a, b) if body.range(*b).contains(at) => note(*a, false),
            Expr::Ternary { cond, then, otherwise } => {
                if then.is_some_and(|t| body.range(t).contains(at)) {
                    note(*cond, true);
                } else if body.range(*otherwise).contains(at) {
                    note(*cond, false);
                }
            }
            _ => (),
        }
    }
    found
}

/// Variables that are null or empty where a condition holds, or does not.
fn absent(cx: &CheckContext<'_>, f: FnRef, cond: ExprId, holds: bool, out: &mut Vec<Slot>, depth: usize) {
    if depth > MAX_STEPS {
        return;
    }
    let decl = cx.ix.function(f);
    let body = &decl.body;
    match body.expr(cond) {
        Expr::Same(inner) => absent(cx, f, *inner, holds, out, depth + 1),
        Expr::Not(inner) => absent(cx, f, *inner, !holds, out, depth + 1),
        Expr::And(a, b) if holds => {
            absent(cx, f, *a, true, out, depth + 1);
            absent(cx, f, *b, true, out, depth + 1);
        }
        Expr::Or(a, b) if !holds => {
            absent(cx, f, *a, false, out, depth + 1);
            absent(cx, f, *b, false, out, depth + 1);
        }
        Expr::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right } if *body.expr(*right) == Expr::Null => {
            if let Expr::Local(slot) = body.expr(*left)
                && holds == (*op == BinaryOp::Equal)
            {
                out.push(*slot);
            }
        }
        Expr::Local(slot) if decl.params.iter().any(|p| p.slot == *slot) => out.extend((!holds).then_some(*slot)),
        // `is_own = client is None`
        Expr::Local(slot) => {
            if let Some(value) = decl.only_value(*slot) {
                absent(cx, f, value, holds, out, depth + 1);
            }
        }
        _ => (),
    }
}

fn is_assigned_before(body: &Body, slot: Slot, end: u32) -> bool {
    body.exprs.iter().zip(&body.ranges).any(|(e, r)| match e {
        Expr::Assign { target, .. } | Expr::AssignIfNull { target, .. } | Expr::Augment { target, .. } => {
            r.start < end && body.binds(*target, slot)
        }
        _ => false,
    })
}

/// Does a block leave the function at its end?
fn ends(body: &Body, block: &[crate::facts::StmtId]) -> bool {
    block.last().is_some_and(|s| matches!(body.stmt(*s), Stmt::Return(_) | Stmt::Raise(_)))
}

/// Does a statement stand in a block that also holds a place, and not deeper?
fn is_beside(body: &Body, stmt: Range, at: Range) -> bool {
    let around = |r: &Range| r.contains(stmt) && *r != stmt;
    // Whatever holds the statement holds the place.
    body.stmts.iter().zip(&body.stmt_ranges).filter(|(_, r)| around(r)).all(|(s, r)| {
        r.contains(at)
            && match s {
                Stmt::If { then, otherwise, .. } => {
                    [then, otherwise].into_iter().any(|b| super::turns::holds(body, b, stmt) && super::turns::holds(body, b, at))
                }
                _ => true,
            }
    })
}

/// Does a call give a parameter something that is not null?
fn gives(cx: &CheckContext<'_>, event: &Event, level: usize, caller: FnRef, f: FnRef, param: usize, call: Span) -> bool {
    let body = &cx.ix.function(caller).body;
    let Some((_, args)) = super::given::call_at(body, call.range) else { return false };
    argument(cx, f, param, args).is_some_and(|value| is_there(cx, Some((event, level + 1)), caller, value, call.range, 0))
}

/// Do all calls of a function give a parameter something that is not null?
fn is_given_by_all(cx: &CheckContext<'_>, f: FnRef, param: usize, depth: usize) -> bool {
    depth <= MAX_STEPS && at_all_calls(cx, f, param, &mut |caller, value, at| is_there(cx, None, caller, value, at, depth + 1))
}

/// Does something hold of what every call of a function gives a parameter, if all calls are known?
pub(super) fn at_all_calls(
    cx: &CheckContext<'_>,
    f: FnRef,
    param: usize,
    holds: &mut dyn FnMut(FnRef, ExprId, Range) -> bool,
) -> bool {
    // The library calls it with what nobody sees.
    if cx.flow.entries.contains_key(&f) {
        return false;
    }
    let name = cx.ix.function(f).name;
    let mut is_any = false;
    for (caller, id) in cx.spoken_at(name) {
        let body = &cx.ix.function(*caller).body;
        let called = body.exprs.iter().zip(&body.ranges).find_map(|(c, r)| match c {
            Expr::Call { callee, args } if callee == id => Some((args, *r)),
            _ => None,
        });
        // Whoever names it otherwise than by calling it may call it with anything.
        let Some((args, range)) = called else { return false };
        if !argument(cx, f, param, args).is_some_and(|value| holds(*caller, value, range)) {
            return false;
        }
        is_any = true;
    }
    is_any
}

/// The argument that a parameter is given.
fn argument(cx: &CheckContext<'_>, f: FnRef, param: usize, args: &[Arg]) -> Option<ExprId> {
    let decl = cx.ix.function(f);
    let receives = decl.kind == FnKind::Method && !decl.is_static && cx.ix.file(f.file).language == Language::Python;
    let named = args.iter().find(|a| a.name == Some(decl.params[param].name));
    let at = param.checked_sub(usize::from(receives));
    let placed = || {
        let is_plain = args.iter().all(|a| a.spread == Spread::No || a.name.is_some());
        at.filter(|_| is_plain).and_then(|at| args.iter().filter(|a| a.name.is_none()).nth(at))
    };
    named.or_else(placed).filter(|a| a.spread == Spread::No).map(|a| a.value)
}

/// Is a value surely not null at a place: built there, entered, tested, or handed in itself?
fn is_there(cx: &CheckContext<'_>, way: Option<(&Event, usize)>, f: FnRef, e: ExprId, at: Range, depth: usize) -> bool {
    if depth > MAX_STEPS {
        return false;
    }
    let decl = cx.ix.function(f);
    let body = &decl.body;
    match body.expr(e) {
        Expr::Same(inner) | Expr::Await(inner) => is_there(cx, way, f, *inner, at, depth + 1),
        Expr::Or(_, last) | Expr::Coalesce(_, last) => is_there(cx, way, f, *last, at, depth + 1),
        Expr::New { .. } => true,
        Expr::Call { callee, .. } => match cx.named(f, *callee) {
            Symbol::Class(_) => true,
            Symbol::External(name) => {
                cx.ix.packs.client(name).is_some() || name.last_segment().starts_with(|c: char| c.is_uppercase())
            }
            _ => false,
        },
        Expr::Local(slot) => {
            if is_tested(body, *slot, at) {
                return true;
            }
            if let Some(i) = decl.params.iter().position(|p| p.slot == *slot) {
                if let Some((event, level)) = way
                    && let Some(call) = event.path.get(level)
                {
                    return cx.function_at(*call).is_some_and(|caller| gives(cx, event, level, caller, f, i, *call));
                }
                return is_given_by_all(cx, f, i, depth + 1);
            }
            if let (Some(capture), Some(parent)) = (decl.captures.iter().find(|c| c.inner == *slot), decl.parent) {
                let outer = FnRef { file: f.file, id: parent };
                let entered = is_bound_to_something(cx, None, outer, capture.outer, at, depth + 1);
                return entered;
            }
            is_bound_to_something(cx, way, f, *slot, at, depth + 1)
        }
        // A field that every method of its class fills with something.
        Expr::Attr { base, name, .. } => {
            let is_own = matches!(body.expr(*base), Expr::This)
                || matches!(body.expr(*base), Expr::Local(s) if decl.class.is_some() && decl.params.first().is_some_and(|p| p.slot == *s));
            let Some(class) = cx.ix.class_of_function(f).filter(|_| is_own) else { return false };
            let file = cx.ix.class(class).file;
            let mut is_any = false;
            let all = cx.ix.class_decl(class).methods.iter().all(|m| {
                let m = FnRef { file, id: *m };
                let body = &cx.ix.function(m).body;
                body.exprs.iter().zip(&body.ranges).all(|(e, r)| match e {
                    Expr::Assign { target, value } => match body.pat(*target) {
                        Pat::Attr { name: n, .. } if n == name => {
                            is_any = true;
                            is_there(cx, None, m, *value, *r, depth + 1)
                        }
                        _ => true,
                    },
                    _ => true,
                })
            });
            all && is_any
        }
        _ => false,
    }
}

/// Is everything that a variable is bound to surely not null?
fn is_bound_to_something(
    cx: &CheckContext<'_>,
    way: Option<(&Event, usize)>,
    f: FnRef,
    slot: Slot,
    at: Range,
    depth: usize,
) -> bool {
    let body = &cx.ix.function(f).body;
    let is_it = |p: PatId| *body.pat(p) == Pat::Local(slot);
    let mut is_any = false;
    for s in &body.stmts {
        let Stmt::With { items, .. } = s else { continue };
        is_any |= items.iter().any(|(_, p)| p.is_some_and(is_it));
    }
    for e in &body.exprs {
        match e {
            Expr::Assign { target, value } if is_it(*target) => {
                if !is_there(cx, way, f, *value, at, depth + 1) {
                    return false;
                }
                is_any = true;
            }
            Expr::Assign { target, .. } | Expr::AssignIfNull { target, .. } | Expr::Augment { target, .. }
                if body.binds(*target, slot) =>
            {
                return false;
            }
            _ => (),
        }
    }
    is_any
}

/// Does a place run only where a variable is not null?
fn is_tested(body: &Body, slot: Slot, at: Range) -> bool {
    let says = |cond: ExprId, holds: bool| match body.expr(cond) {
        Expr::Local(s) => holds && *s == slot,
        Expr::Not(inner) => !holds && *body.expr(*inner) == Expr::Local(slot),
        Expr::Binary { op, left, right } if *body.expr(*right) == Expr::Null && *body.expr(*left) == Expr::Local(slot) => {
            match op {
                BinaryOp::NotEqual => holds,
                BinaryOp::Equal => !holds,
                _ => false,
            }
        }
        _ => false,
    };
    body.stmts.iter().any(|s| match s {
        Stmt::If { cond, then, otherwise } => {
            super::turns::holds(body, then, at) && says(*cond, true)
                || super::turns::holds(body, otherwise, at) && says(*cond, false)
        }
        _ => false,
    })
}
