//! Does a statement in a loop ask for many rows at once by a list of keys, as the mended form of a loop does?
//!
//! It does where the list is another one in each turn: a chunk of the keys. It does not where the list was there before the loop,
//! so that something else makes the turns differ, nor where it is made of what one row of the loop says.

use super::CheckContext;
use super::statement_lookup::{expr_at, links};
use super::statement_turn::{Turn, follow};
use crate::base::Name;
use crate::facts::{Expr, ExprId, Pat, Slot, Spread};
use crate::flow::value::flag;
use crate::flow::{Event, What};
use crate::packs::Result;

/// Is a statement such a batch, as far as its list can be read?
pub(super) fn is_batch(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { flags, .. } = &event.what else { return false };
    if flags & flag::BATCH == 0 {
        return false;
    }
    let header = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l));
    let Some(turn) = header.and_then(|at| follow(cx, at, &event.path, event.site)).filter(|turn| turn.is_sure) else {
        return true;
    };
    let lists = lists(cx, &turn, event);
    lists.is_empty() || lists.into_iter().all(|list| turn.changes(list) && !is_of_one_row(&turn, list))
}

/// The variables that hold the lists.
fn lists(cx: &CheckContext<'_>, turn: &Turn<'_>, event: &Event) -> Vec<ExprId> {
    let What::Statement { model, .. } = &event.what else { return Vec::new() };
    let body = turn.body;
    let Some(at) = expr_at(body, event.site) else { return Vec::new() };
    let dialect = model.map(|m| cx.ix.model(m).dialect);
    let is_keyed = |name: Name| {
        let op = dialect.and_then(|d| cx.ix.packs.op(d, Name::new("query"), name));
        op.is_some_and(|op| op.keyed && op.result == Result::Query)
    };
    let narrowing = cx.ix.packs.word_list("narrowing-lists");
    let mut found = Vec::new();
    let mut todo = links(turn, at).0;
    // `list(Paper.objects.filter(…))`
    if let (true, Expr::Call { args, .. }) = (todo.is_empty(), body.expr(at)) {
        todo.extend(args.iter().flat_map(|a| links(turn, a.value).0));
    }
    // `session.execute(select(…).where(…))`
    let inner: Vec<ExprId> = todo.iter().flat_map(|(_, args)| args.iter().map(|a| a.value)).collect();
    todo.extend(inner.into_iter().flat_map(|e| links(turn, e).0));
    for (name, args) in todo {
        for (i, arg) in args.iter().enumerate().filter(|(_, a)| a.spread == Spread::No) {
            let is_named = arg.name.is_some_and(|n| cx.ix.packs.listed_column(n.as_str()).is_some());
            if is_named || i == 1 && arg.name.is_none() && is_keyed(name) {
                found.push(arg.value);
            }
            let range = body.range(arg.value);
            let inside = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| range.contains(**r));
            found.extend(inside.filter_map(|(e, _)| match e {
                Expr::Call { callee, args } => {
                    let is_list = body.last_name(*callee).is_some_and(|n| narrowing.iter().any(|w| w == n.as_str()));
                    args.first().filter(|_| is_list).map(|a| a.value)
                }
                _ => None,
            }));
        }
    }
    found.retain(|e| matches!(body.expr(*e), Expr::Local(_)));
    found
}

/// Is a list made of what a row of the turn says: of its attribute, not of many rows?
fn is_of_one_row(turn: &Turn<'_>, list: ExprId) -> bool {
    let body = turn.body;
    let Expr::Local(slot) = body.expr(list) else { return false };
    let is_filled = |e: &Expr| match e {
        Expr::Assign { target, .. } | Expr::Augment { target, .. } => match body.pat(*target) {
            Pat::Index { base, .. } => *body.expr(*base) == Expr::Local(*slot),
            Pat::Local(held) => held == slot,
            _ => false,
        },
        Expr::Call { callee, .. } => {
            matches!(body.expr(*callee), Expr::Attr { base, .. } if *body.expr(*base) == Expr::Local(*slot))
        }
        _ => false,
    };
    let given = body.exprs.iter().filter_map(|e| match e {
        Expr::Assign { target, value } if body.binds(*target, *slot) => Some(*value),
        _ => None,
    });
    // What a loop within the turn fills it with.
    let gathered = body.loops().filter_map(|(l, range)| {
        let mut inside = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| range.contains(**r));
        l.iter.filter(|_| inside.any(|(e, _)| is_filled(e)))
    });
    given.chain(gathered).any(|value| reads_row(turn, value))
}

/// Does an expression read an attribute of what the turn changes?
fn reads_row(turn: &Turn<'_>, value: ExprId) -> bool {
    let body = turn.body;
    let range = body.range(value);
    let inside: Vec<ExprId> = (0..body.exprs.len() as u32).map(ExprId).filter(|e| range.contains(body.range(*e))).collect();
    let is_bound_inside = |slot: Slot| {
        inside.iter().any(|e| match body.expr(*e) {
            Expr::Comprehension { clauses, .. } => clauses.iter().any(|c| body.binds(c.target, slot)),
            _ => false,
        })
    };
    let is_called = |attr: ExprId| inside.iter().any(|e| matches!(body.expr(*e), Expr::Call { callee, .. } if *callee == attr));
    inside.iter().any(|e| match body.expr(*e) {
        Expr::Attr { base, .. } => {
            let is_held = match body.expr(*base) {
                Expr::Local(slot) => !is_bound_inside(*slot),
                other => *other == Expr::This,
            };
            is_held && turn.changes(*base) && !is_called(*e)
        }
        _ => false,
    })
}
