//! Does the way to a construction run less often than its entry point: at a sign-in, or behind a test of an age?

use crate::base::Range;
use crate::checks::CheckContext;
use crate::facts::{Body, Expr, ExprId, FunctionDecl, Stmt, StmtId};
use crate::flow::Event;
use crate::index::FnRef;

/// Conditions and values are followed this far.
const MAX_STEPS: usize = 6;
/// So many seconds of waiting are long.
const LONG_WAIT: f64 = 60.0;

/// What a condition says where it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Age {
    /// What is kept may be used.
    Fresh,
    /// What is kept is too old.
    Old,
}

impl Age {
    fn other(self) -> Age {
        match self {
            Age::Fresh => Age::Old,
            Age::Old => Age::Fresh,
        }
    }
}

/// Does the event lie behind a test whether what was fetched before is too old?
pub(super) fn is_renewal(cx: &CheckContext<'_>, event: &Event) -> bool {
    let in_loop = !event.loops.is_empty();
    std::iter::once(event.site).chain(event.path.iter().copied()).any(|at| {
        let f = cx.function_at(at);
        f.is_some_and(|f| Test { cx, f, in_loop }.guards(at.range))
    })
}

/// Is a client told to wait so long for its answer that what it costs to build does not count?
pub(super) fn waits_long(cx: &CheckContext<'_>, event: &Event) -> bool {
    let body = &cx.ix.function(event.owner).body;
    let Some((_, args)) = super::given::call_at(body, event.site.range) else { return false };
    let text = &cx.ix.sources.file(event.site.file).text;
    let seconds = |e: ExprId| {
        let range = body.range(e);
        let said = text.get(range.start as usize..range.end as usize)?;
        let numbers = said.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|n| n.parse::<f64>().ok());
        numbers.reduce(f64::max)
    };
    let words = cx.ix.packs.word_list("waiting-arguments");
    let is_timeout = |a: &&crate::facts::Arg| a.name.is_some_and(|n| words.iter().any(|w| w == n.as_str()));
    args.iter().find(is_timeout).and_then(|a| seconds(a.value)).is_some_and(|s| s >= LONG_WAIT)
}

/// Is the entry point one of signing in or out or of trying something out, or does the way take a right back?
pub(super) fn is_sign_in(cx: &CheckContext<'_>, event: &Event) -> bool {
    let takes_back = cx.ix.packs.word_list("taking-back");
    let has = |words: &[String], name: &str| super::words_of(name).iter().any(|w| words.contains(w));
    let (trying, tried) = (cx.ix.packs.word_list("trying-out"), cx.ix.packs.word_list("tried-out"));
    let is_seldom = |name: &str| has(&takes_back, name) || has(&trying, name) && has(&tried, name);
    if super::on_way(cx, event).into_iter().any(|f| is_seldom(cx.ix.function(f).name.as_str())) {
        return true;
    }
    let Some(entry) = event.entry.filter(|f| cx.flow.entries.get(f).is_some_and(|e| e.kind == crate::flow::EntryKind::Request))
    else {
        return false;
    };
    let words = cx.ix.packs.word_list("sign-in");
    let guards = cx.ix.packs.word_list("sign-in-guards");
    let decl = cx.ix.function(entry);
    let name = decl.name.as_str();
    has(&words, name) && !has(&guards, name) || is_routed_as(cx, entry, decl, &words)
}

/// Does the block that the client is opened for go on for long: does a loop in it wait for the clock between its turns? Then all
/// of the turns share it.
pub(super) fn serves_a_flow(cx: &CheckContext<'_>, event: &Event) -> bool {
    let body = &cx.ix.function(event.owner).body;
    let waits = cx.ix.packs.word_list("waiting-calls");
    let is_wait = |e: &Expr| match e {
        Expr::Call { callee, .. } => match body.expr(*callee) {
            Expr::Attr { name, .. } | Expr::Name(name) => waits.iter().any(|w| w == name.as_str()),
            _ => false,
        },
        _ => false,
    };
    let opened = |(s, at): (&Stmt, &Range)| match s {
        Stmt::With { items, .. } if items.iter().any(|(e, _)| body.range(*e) == event.site.range) => Some(*at),
        _ => None,
    };
    let Some(block) = body.stmts.iter().zip(&body.stmt_ranges).find_map(opened) else { return false };
    let mut loops = body.loops().filter(|(_, whole)| block.contains(*whole) && *whole != block);
    loops.any(|(_, whole)| body.exprs.iter().zip(&body.ranges).any(|(e, at)| whole.contains(*at) && is_wait(e)))
}

/// Is the entry point one that is asked now and then whether the service, and what it needs, is there?
pub(super) fn is_health_check(cx: &CheckContext<'_>, event: &Event) -> bool {
    let Some(entry) = event.entry else { return false };
    let words = cx.ix.packs.word_list("health-checks");
    let decl = cx.ix.function(entry);
    super::words_of(decl.name.as_str()).iter().any(|w| words.contains(w)) || is_routed_as(cx, entry, decl, &words)
}

/// Does the path that a decorator gives name one of these, in the order of a path?
fn is_routed_as(cx: &CheckContext<'_>, f: FnRef, decl: &FunctionDecl, words: &[String]) -> bool {
    let Some(parent) = decl.parent else { return false };
    let outer = &cx.ix.file(f.file).functions[parent.0 as usize].body;
    decl.decorators.iter().any(|d| {
        let Expr::Call { args, .. } = outer.expr(*d) else { return false };
        let Some(Expr::Str(path)) = args.first().map(|a| outer.expr(a.value)) else { return false };
        let parts = path.as_str().split(|c: char| !c.is_alphanumeric());
        parts.into_iter().any(|p| words.iter().any(|w| w.eq_ignore_ascii_case(p)))
    })
}

struct Test<'c, 'a> {
    cx: &'c CheckContext<'a>,
    f: FnRef,
    in_loop: bool,
}

impl Test<'_, '_> {
    /// Is a place of the function reached only where a test of an age says so?
    fn guards(&self, at: Range) -> bool {
        let body = &self.cx.ix.function(self.f).body;
        body.stmts.iter().zip(&body.stmt_ranges).any(|(s, range)| {
            let Stmt::If { cond, then, otherwise } = s else { return false };
            if super::turns::holds(body, then, at) {
                return self.age(body, *cond, 0) == Some(Age::Old);
            }
            if super::turns::holds(body, otherwise, at) {
                return self.age(body, *cond, 0) == Some(Age::Fresh);
            }
            range.end <= at.start && gives(body, then) && self.age(body, *cond, 0) == Some(Age::Fresh)
        })
    }

    fn age(&self, body: &Body, cond: ExprId, depth: usize) -> Option<Age> {
        if depth > MAX_STEPS {
            return None;
        }
        let next = |e: ExprId| self.age(body, e, depth + 1);
        match body.expr(cond) {
            Expr::And(a, b) => next(*a).or_else(|| next(*b)),
            // `if not token or now() > token.expires:`
            Expr::Or(a, b) => next(*a).or_else(|| next(*b)).filter(|age| *age == Age::Old),
            Expr::Not(inner) => next(*inner).map(Age::other),
            Expr::Same(inner) | Expr::Await(inner) => next(*inner),
            Expr::Binary { op: crate::facts::BinaryOp::Order, left, right } => self.compared(body, cond, *left, *right),
            Expr::Call { callee, .. } => next(*callee),
            Expr::Attr { name, .. } | Expr::Name(name) => self.is_worn(name.as_str()).then_some(Age::Old),
            Expr::Local(slot) => {
                let value = self.cx.ix.function(self.f).only_value(*slot);
                value.and_then(next)
            }
            _ => None,
        }
    }

    /// `is_expired`, `expired`.
    fn is_worn(&self, name: &str) -> bool {
        let words = self.cx.ix.packs.word_list("worn-out");
        super::words_of(name).iter().any(|w| words.contains(w))
    }

    /// `now() > row.expires_at`, `time() - self.fetched_at < LIFETIME`.
    fn compared(&self, body: &Body, whole: ExprId, left: ExprId, right: ExprId) -> Option<Age> {
        let text = |range: Range| self.cx.text(crate::base::Span { file: self.f.file, range });
        // A loop over what is due now is one over much.
        let ages = self.cx.ix.packs.word_list("ages");
        let lower = text(body.range(whole)).to_ascii_lowercase();
        if self.in_loop && !ages.iter().any(|w| lower.contains(w.as_str())) {
            return None;
        }
        let passed = self.clock(body, left, 0) - self.clock(body, right, 0);
        let (from, to) = (body.range(left).end, body.range(right).start);
        let between = if from < to { text(Range { start: from, end: to }) } else { "" };
        let is_more = match (between.contains('>'), between.contains('<')) {
            (true, false) => true,
            (false, true) => false,
            _ => return None,
        };
        match passed {
            0 => None,
            n => Some(if (n > 0) == is_more { Age::Old } else { Age::Fresh }),
        }
    }

    /// How a value moves with the clock: up, down, or not at all.
    fn clock(&self, body: &Body, e: ExprId, depth: usize) -> i32 {
        if depth > MAX_STEPS {
            return 0;
        }
        let next = |e: ExprId| self.clock(body, e, depth + 1);
        match body.expr(e) {
            Expr::Call { callee, args } => {
                let name = match body.expr(*callee) {
                    Expr::Attr { name, .. } | Expr::Name(name) => *name,
                    _ => return 0,
                };
                if self.cx.ix.packs.word_list("clock-calls").iter().any(|w| w == name.as_str()) {
                    return 1;
                }
                match body.expr(*callee) {
                    // `int(time())`
                    Expr::Name(_) => args.first().map_or(0, |a| next(a.value)),
                    // `(expires - now).total_seconds()`
                    Expr::Attr { base, .. } => next(*base),
                    _ => 0,
                }
            }
            Expr::Attr { base, .. } => match body.expr(*base) {
                Expr::Binary { .. } => next(*base),
                _ => 0,
            },
            Expr::Binary { op: crate::facts::BinaryOp::Add, left, right } => next(*left) + next(*right),
            Expr::Binary { op: crate::facts::BinaryOp::Other, left, right } => {
                let (from, to) = (body.range(*left).end, body.range(*right).start);
                let is_minus = from < to
                    && self.cx.text(crate::base::Span { file: self.f.file, range: Range { start: from, end: to } }).contains('-');
                if is_minus { next(*left) - next(*right) } else { 0 }
            }
            Expr::Same(inner) | Expr::Await(inner) => next(*inner),
            Expr::Local(slot) => self.cx.ix.function(self.f).only_value(*slot).map_or(0, next),
            _ => 0,
        }
    }
}

/// Does a block end with a result?
fn gives(body: &Body, block: &[StmtId]) -> bool {
    block.last().is_some_and(|s| match body.stmt(*s) {
        Stmt::Return(Some(e)) => !matches!(body.expr(*e), Expr::Null | Expr::Bool(_)),
        _ => false,
    })
}
