//! Which timeouts cannot take effect?

use super::reading::{keyword, positional};
use super::{CheckContext, step};
use crate::base::{Range, Span};
use crate::facts::{Arg, Body, Expr, ExprId, Pat, PatId, Stmt};
use crate::findings::Finding;
use crate::flow::What;
use crate::index::{FnRef, Symbol};

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let blocked = blocked_places(cx);
    for f in cx.functions().iter().copied() {
        let body = &cx.ix.function(f).body;
        for (e, range) in body.exprs.iter().zip(&body.ranges) {
            if let Expr::Call { callee, args } = e
                && cx.names_role(f, *callee, "timeout-wait")
            {
                findings.extend(wait(cx, f, args, *range, &blocked));
            }
        }
        for (s, range) in body.stmts.iter().zip(&body.stmt_ranges) {
            let Stmt::With { items, .. } = s else {
                continue;
            };
            for (manager, target) in items {
                let Expr::Call { callee, args } = body.expr(*manager) else {
                    continue;
                };
                if cx.names_role(f, *callee, "timeout-scope") {
                    let asked = target.is_some_and(|t| asks_whether_over(cx, body, t));
                    findings.extend(scope(cx, f, args, body.range(*manager), *range, asked, &blocked));
                }
            }
        }
    }
}

/// Places in coroutines that block.
fn blocked_places(cx: &CheckContext<'_>) -> Vec<(Span, String)> {
    let mut places: Vec<(Span, String)> = cx
        .flow
        .events
        .iter()
        .filter_map(|e| match &e.what {
            What::Block { function } => Some((e.path.last().copied().unwrap_or(e.site), function.to_string())),
            _ => None,
        })
        .collect();
    places.sort();
    places.dedup_by(|a, b| a.0 == b.0);
    places
}

fn inside(blocked: &[(Span, String)], at: Span) -> Option<&(Span, String)> {
    let holds = |r: Range| r.start >= at.range.start && r.end <= at.range.end;
    blocked.iter().find(|(s, _)| s.file == at.file && holds(s.range))
}

/// `wait_for(what, limit)`.
fn wait(cx: &CheckContext<'_>, f: FnRef, args: &[Arg], range: Range, blocked: &[(Span, String)]) -> Option<Finding> {
    let body = &cx.ix.function(f).body;
    let what = positional(args, 0).or_else(|| keyword(args, "fut"))?;
    let limit = positional(args, 1).or_else(|| keyword(args, "timeout"));
    let limit = limit.and_then(|l| cx.number(f, l));
    let span = Span { file: f.file, range };
    let at = Span { file: f.file, range: body.range(what) };
    let say = |message: String, help: &str| {
        let mut finding = cx.finding("ineffective-timeout", span, f, message);
        finding.help = help.to_owned();
        Some(finding)
    };
    if let Some((place, method)) = inside(blocked, at) {
        let message = format!("`{}` has run to its end before this timeout starts", short(method));
        let mut finding =
            say(message, "hand the function to a thread, `asyncio.to_thread(f, …)`, and give the call a timeout of its own")?;
        step(&mut finding.steps, *place, "it runs here, as the argument");
        return Some(finding);
    }
    let Expr::Call { callee, args: inner } = body.expr(what) else {
        return None;
    };
    if cx.names_role(f, *callee, "shield") {
        // Whoever keeps what is shielded waits for it elsewhere, or asks it later: only this wait is to end.
        let is_made_here = inner.first().is_some_and(|a| match body.expr(a.value) {
            // What is only wrapped is waited for where it was made.
            Expr::Call { callee, args } if cx.names_role(f, *callee, "wraps-future") => {
                args.first().is_some_and(|a| matches!(body.expr(a.value), Expr::Call { .. }))
            }
            Expr::Call { .. } => true,
            _ => false,
        });
        if !is_made_here {
            return None;
        }
        return say(
            "this timeout ends the wait, not the work: what is shielded goes on".to_owned(),
            "leave the shield away, or cancel the work where the timeout is handled",
        );
    }
    if leaves_loop(cx, f, *callee) {
        let work = positional(inner, 0)?;
        let (bound, method) = work_limit(cx, f, work, inner)?;
        let too_long = match (bound, limit) {
            (Limit::None, _) => true,
            (Limit::Seconds(s), Some(l)) => s >= l,
            _ => false,
        };
        return if too_long {
            say(
                format!("the thread goes on after this timeout: `{}` has no shorter limit of its own", short(&method)),
                "give the call itself a timeout below this one",
            )
        } else {
            None
        };
    }
    if let Symbol::Function(g) = cx.named(f, *callee)
        && let Some(finding) = never_yields(cx, f, g, span, blocked)
    {
        return Some(finding);
    }
    let own = seconds(cx, f, *callee, inner)?;
    if own >= limit? && !(is_same(own, limit?) && is_expiry_handled(cx, body, range)) {
        return say(
            format!("the timeout inside, {own} s, never fires: this one ends the wait after {} s", limit?),
            "let the inner timeout be the shorter one",
        );
    }
    None
}

/// The timeout that a call is given.
fn seconds(cx: &CheckContext<'_>, f: FnRef, callee: ExprId, args: &[Arg]) -> Option<f64> {
    let given = keyword(args, "timeout").and_then(|e| cx.number(f, e))?;
    let body = &cx.ix.function(f).body;
    let methods = cx.ix.packs.word_list("millisecond-calls");
    let is_method = matches!(body.expr(callee), Expr::Attr { name, .. } if methods.iter().any(|m| m == name.as_str()));
    let counts_finer = is_method || cx.names_role(f, callee, "timeout-in-milliseconds");
    Some(if counts_finer { given / 1000.0 } else { given })
}

fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() < f64::EPSILON
}

/// Is a scope asked afterwards whether it has ended its block? Then it is meant as the last resort, and says the same.
fn asks_whether_over(cx: &CheckContext<'_>, body: &Body, target: PatId) -> bool {
    let Pat::Local(slot) = body.pat(target) else { return false };
    let words = cx.ix.packs.word_list("expiry-attributes");
    body.exprs.iter().any(|e| match e {
        Expr::Attr { base, name, .. } => *body.expr(*base) == Expr::Local(*slot) && words.iter().any(|w| w == name.as_str()),
        _ => false,
    })
}

/// Is what a timeout raises at a place caught around it?
fn is_expiry_handled(cx: &CheckContext<'_>, body: &Body, at: Range) -> bool {
    let words = cx.ix.packs.word_list("expiry-errors");
    let is_expiry = |e: &ExprId| {
        let parts = match body.expr(*e) {
            Expr::Seq { items, .. } => items.iter().map(|i| i.value).collect(),
            _ => vec![*e],
        };
        parts.into_iter().any(|e| match body.expr(e) {
            Expr::Name(n) | Expr::Attr { name: n, .. } => words.iter().any(|w| w == n.as_str()),
            _ => false,
        })
    };
    body.stmts.iter().any(|s| match s {
        Stmt::Try { body: guarded, handlers, .. } => {
            let holds = guarded.iter().any(|s| body.stmt_ranges[s.0 as usize].contains(at));
            holds && handlers.iter().any(|h| h.tests.is_empty() || h.tests.iter().any(is_expiry))
        }
        _ => false,
    })
}

/// A coroutine that blocks and never waits gives the loop no chance to end it.
fn never_yields(cx: &CheckContext<'_>, _f: FnRef, g: FnRef, span: Span, blocked: &[(Span, String)]) -> Option<Finding> {
    let decl = cx.ix.function(g);
    if !decl.is_async || yields(&decl.body) {
        return None;
    }
    let whole = Span { file: g.file, range: decl.range };
    let (place, method) = inside(blocked, whole)?;
    let message = format!("this timeout cannot interrupt `{}`: it never yields to the event loop", decl.name);
    let owner = cx.function_at(span)?;
    let mut finding = cx.finding("ineffective-timeout", span, owner, message);
    finding.help = "give the call a timeout of its own and take it off the loop".to_owned();
    step(&mut finding.steps, *place, format!("`{}` blocks here", short(method)));
    Some(finding)
}

fn yields(body: &crate::facts::Body) -> bool {
    body.exprs.iter().any(|e| match e {
        Expr::Await(_) => true,
        Expr::Comprehension { clauses, .. } => clauses.iter().any(|c| c.is_async),
        _ => false,
    }) || body.stmts.iter().any(|s| match s {
        Stmt::With { is_async, .. } => *is_async,
        Stmt::Loop(l) => l.is_async,
        _ => false,
    })
}

/// `with timeout(limit): …`
fn scope(
    cx: &CheckContext<'_>,
    f: FnRef,
    args: &[Arg],
    head: Range,
    whole: Range,
    asked: bool,
    blocked: &[(Span, String)],
) -> Option<Finding> {
    let body = &cx.ix.function(f).body;
    let limit = positional(args, 0).or_else(|| keyword(args, "delay")).and_then(|l| cx.number(f, l));
    let span = Span { file: f.file, range: head };
    let block = Range { start: head.end, end: whole.end };
    let within = |r: Range| r.start >= block.start && r.end <= block.end;
    let awaits = body.exprs.iter().zip(&body.ranges).any(|(e, r)| matches!(e, Expr::Await(_)) && within(*r));
    if let Some((place, method)) = inside(blocked, Span { file: f.file, range: block })
        && !awaits
    {
        let message = format!("this timeout cannot interrupt `{}`, which never yields to the event loop", short(method));
        let mut finding = cx.finding("ineffective-timeout", span, f, message);
        finding.help = "give the call a timeout of its own and take it off the loop".to_owned();
        step(&mut finding.steps, *place, "it blocks here");
        return Some(finding);
    }
    for (e, r) in body.exprs.iter().zip(&body.ranges) {
        let Expr::Call { callee, args: inner } = e else {
            continue;
        };
        if !within(*r) {
            continue;
        }
        let waits = cx.names_role(f, *callee, "waits-for-thread");
        let abandons = ["abandon_on_cancel", "cancellable"].iter().any(|k| keyword(inner, k).is_some());
        if waits && !abandons {
            let mut finding = cx.finding(
                "ineffective-timeout",
                span,
                f,
                "this timeout waits for the thread to end: it limits nothing".to_owned(),
            );
            finding.help = "let it be abandoned, `abandon_on_cancel=True`, and give the call a timeout of its own".to_owned();
            step(&mut finding.steps, Span { file: f.file, range: *r }, "the thread is started here");
            return Some(finding);
        }
        let own = if cx.names_role(f, *callee, "timeout-scope") {
            positional(inner, 0).and_then(|e| cx.number(f, e))
        } else {
            seconds(cx, f, *callee, inner)
        };
        if let (Some(own), Some(limit)) = (own, limit)
            && own >= limit
            && !(is_same(own, limit) && (asked || is_expiry_handled(cx, body, whole)))
        {
            let message = format!("the timeout inside, {own} s, never fires: this one ends after {limit} s");
            let mut finding = cx.finding("ineffective-timeout", span, f, message);
            finding.help = "let the inner timeout be the shorter one".to_owned();
            step(&mut finding.steps, Span { file: f.file, range: *r }, "the inner timeout");
            return Some(finding);
        }
    }
    None
}

fn leaves_loop(cx: &CheckContext<'_>, f: FnRef, callee: ExprId) -> bool {
    match cx.named(f, callee) {
        Symbol::External(name) => cx.ix.packs.function(name).is_some_and(|op| op.offloads && op.callback.is_some()),
        _ => false,
    }
}

/// How long work may take by its own settings.
enum Limit {
    /// As long as it likes.
    None,
    /// At most so long.
    Seconds(f64),
    /// A limit that is not literal.
    Unknown,
}

/// The limit of what is handed to a thread, and the call that has it.
fn work_limit(cx: &CheckContext<'_>, f: FnRef, work: ExprId, args: &[Arg]) -> Option<(Limit, String)> {
    match cx.named(f, work) {
        Symbol::External(name) => {
            cx.ix.packs.blocking(name)?;
            Some((limit_of(cx, f, args), name.to_string()))
        }
        Symbol::Function(g) => {
            let body = &cx.ix.function(g).body;
            body.exprs.iter().find_map(|e| {
                let Expr::Call { callee, args } = e else {
                    return None;
                };
                let Symbol::External(name) = cx.named(g, *callee) else {
                    return None;
                };
                let entry = cx.ix.packs.blocking(name)?;
                // Disk and clock have no timeout to set.
                (!entry.short && entry.what.contains("network")).then(|| (limit_of(cx, g, args), name.to_string()))
            })
        }
        _ => None,
    }
}

fn limit_of(cx: &CheckContext<'_>, f: FnRef, args: &[Arg]) -> Limit {
    if args.iter().any(|a| a.spread != crate::facts::Spread::No) {
        return Limit::Unknown;
    }
    match keyword(args, "timeout") {
        None => Limit::None,
        Some(e) => cx.number(f, e).map_or(Limit::Unknown, Limit::Seconds),
    }
}

fn short(function: &str) -> String {
    match function.split_once(".statement.") {
        Some((_, method)) => method.to_owned(),
        None => function.to_owned(),
    }
}
