//! Does a query of a turn only ask whether there is a row, so that the turn makes one where there is none?
//!
//! The answer is followed from the query through returns and variables to conditions. If nothing else uses it, and what runs
//! after the condition makes a row of the model that was asked, the query guards the write of its turn.

use std::collections::BTreeSet;

use super::CheckContext;
use super::statement_turn::parts;
use super::uses::reads;
use crate::base::{Range, Span};
use crate::facts::{BinaryOp, Body, Expr, ExprId, Pat, Stmt};
use crate::flow::{Event, What};
use crate::index::{FnRef, ModelId, Symbol};

/// What is made is looked for so many calls below the condition.
const MAX_CALLS: usize = 2;
/// An answer is followed through so many expressions.
const MAX_STEPS: usize = 24;

/// Where an answer goes in a function.
enum Use {
    /// Only conditions ask for it; the first of them starts here.
    Tested(u32),
    /// The caller gets it.
    Returned,
}

/// Does the statement only ask whether the turn has to make a row of the same model?
pub(super) fn guards_row(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { model: Some(model), .. } = &event.what else { return false };
    let places = std::iter::once(event.site).chain(event.path.iter().copied());
    for place in places {
        let Some(f) = cx.function_at(place) else { return false };
        let body = &cx.ix.function(f).body;
        let Some(call) = call_at(body, place) else { return false };
        match used(body, call) {
            Some(Use::Returned) => (),
            Some(Use::Tested(start)) => {
                let mut asked = BTreeSet::new();
                return makes_row(cx, f, start, *model, MAX_CALLS, &mut asked);
            }
            None => return false,
        }
    }
    false
}

/// The call that stands at a place: the whole of it, or the method's name.
fn call_at(body: &Body, place: Span) -> Option<ExprId> {
    let calls = body.exprs.iter().enumerate().filter_map(|(i, expr)| match expr {
        Expr::Call { callee, .. } => Some((ExprId(i as u32), body.range(*callee))),
        _ => None,
    });
    calls
        .into_iter()
        .find(|(call, callee)| body.range(*call) == place.range || callee.end == place.range.end)
        .map(|(call, _)| call)
}

fn used(body: &Body, call: ExprId) -> Option<Use> {
    let mut waiting = vec![call];
    let mut tested: Option<u32> = None;
    let mut is_returned = false;
    let mut slots = BTreeSet::new();
    let mut steps = 0;
    while let Some(e) = waiting.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return None;
        }
        let mut is_used = false;
        for stmt in &body.stmts {
            match stmt {
                Stmt::If { cond, .. } if *cond == e => {
                    let start = body.range(e).end;
                    tested = Some(tested.map_or(start, |t| t.min(start)));
                    is_used = true;
                }
                Stmt::Return(Some(value)) if *value == e => {
                    is_returned = true;
                    is_used = true;
                }
                _ => (),
            }
        }
        for (i, expr) in body.exprs.iter().enumerate() {
            let mut inner = Vec::new();
            parts(expr, &mut inner);
            if !inner.contains(&e) {
                continue;
            }
            is_used = true;
            let own = ExprId(i as u32);
            let is_null = |other: ExprId| *body.expr(other) == Expr::Null;
            match expr {
                Expr::Not(_) | Expr::Same(_) | Expr::Await(_) | Expr::And(..) | Expr::Or(..) | Expr::Scalar(_) => {
                    waiting.push(own)
                }
                Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } if is_null(*left) || is_null(*right) => {
                    waiting.push(own);
                }
                // `.first()` of what was sent.
                Expr::Attr { .. } => waiting.extend(called_bare(body, own)),
                Expr::Call { callee, .. } if *callee == e => (),
                Expr::Ternary { cond, .. } if *cond == e => {
                    tested = Some(tested.map_or(body.range(e).end, |t| t.min(body.range(e).end)));
                }
                Expr::Assign { target, value } if *value == e => {
                    let Pat::Local(slot) = body.pat(*target) else { return None };
                    if slots.insert(slot.0) {
                        waiting.extend(reads(body, *slot));
                    }
                }
                _ => return None,
            }
            if matches!(expr, Expr::Attr { .. }) && called_bare(body, own).is_none() {
                return None;
            }
        }
        if !is_used && e != call && !matches!(body.expr(e), Expr::Call { .. }) {
            return None;
        }
    }
    match (tested, is_returned) {
        (Some(start), false) => Some(Use::Tested(start)),
        (None, true) => Some(Use::Returned),
        _ => None,
    }
}

/// The call of an attribute without arguments.
fn called_bare(body: &Body, attr: ExprId) -> Option<ExprId> {
    let is_call = |expr: &Expr| matches!(expr, Expr::Call { callee, args } if *callee == attr && args.is_empty());
    body.exprs.iter().position(is_call).map(|i| ExprId(i as u32))
}

/// Does a function, from a place on, make a row of a model, or call something that does?
fn makes_row(cx: &CheckContext<'_>, f: FnRef, start: u32, model: ModelId, calls: usize, asked: &mut BTreeSet<FnRef>) -> bool {
    let body = &cx.ix.function(f).body;
    let is_model = |e: ExprId| matches!(cx.named(f, e), Symbol::Class(class) if cx.ix.class(class).model == Some(model));
    let makers = cx.ix.packs.word_list("row-makers");
    let is_after = |range: &Range| range.start >= start;
    let mut named = BTreeSet::new();
    for (expr, _) in body.exprs.iter().zip(&body.ranges).filter(|(_, range)| is_after(range)) {
        let Expr::Call { callee, args } = expr else { continue };
        let name = match body.expr(*callee) {
            Expr::Attr { name, .. } | Expr::Name(name) => *name,
            Expr::Local(slot) => body.slots[slot.0 as usize],
            _ => continue,
        };
        let is_maker = || makers.iter().any(|m| m == name.as_str());
        if is_model(*callee) || args.first().is_some_and(|a| is_maker() && is_model(a.value)) {
            return true;
        }
        named.insert(name);
    }
    if calls == 0 {
        return false;
    }
    cx.flow
        .called_by(f)
        .filter(|g| named.contains(&cx.ix.function(*g).name))
        .any(|g| asked.insert(g) && makes_row(cx, g, 0, model, calls - 1, asked))
}
