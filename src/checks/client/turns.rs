//! Do the turns of a loop reach a construction, and are they many?

use crate::base::{Name, Range, Span};
use crate::checks::CheckContext;
use crate::facts::{Body, Expr, ExprId, Language, Pat, Slot, Stmt};
use crate::flow::Event;
use crate::index::{ClassId, FnRef};

/// Values are followed this far.
const MAX_STEPS: usize = 8;

/// So many elements of a list that the code writes down are few.
const MAX_WRITTEN: usize = 8;
/// A number of turns so small that a loop is none.
const MAX_SMALL: i64 = 5;

/// How many turns a loop takes, by what it runs over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Turns {
    /// A handful, whatever the data.
    Few,
    /// As many as one row has related rows.
    OfOneRow,
    /// What a process does before it begins to serve.
    AtStart,
    /// Not known to be few.
    Many,
}

/// How many turns the innermost loop around an event takes.
pub(super) fn turns(cx: &CheckContext<'_>, event: &Event) -> Turns {
    let Some(at) = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l)) else { return Turns::Many };
    let Some(f) = cx.function_at(at) else { return Turns::Many };
    let body = &cx.ix.function(f).body;
    let statement = body.loop_at(at.range).and_then(|(l, _)| l.iter);
    let clause = || {
        body.exprs.iter().find_map(|e| match e {
            Expr::Comprehension { clauses, .. } => clauses.iter().find(|c| c.range == at.range).map(|c| c.iter),
            _ => None,
        })
    };
    let Some(iter) = statement.or_else(clause) else { return Turns::Many };
    if is_few(cx, f, iter, 0) {
        return Turns::Few;
    }
    if is_at_start(cx, f, at.range) {
        return Turns::AtStart;
    }
    let over = Span { file: f.file, range: body.range(iter) };
    let of_row = cx.flow.executions.iter().any(|e| {
        e.via.is_some()
            && e.site.file == over.file
            && over.range.start <= e.site.range.start
            && e.site.range.end <= over.range.end
    });
    let of_row = of_row || is_of_one_row(cx, body, iter);
    if of_row && event.loops.len() == 1 { Turns::OfOneRow } else { Turns::Many }
}

/// Does a loop stand in the coroutine that the process is started with, before that begins to serve?
fn is_at_start(cx: &CheckContext<'_>, f: FnRef, header: Range) -> bool {
    let decl = cx.ix.function(f);
    let body = &decl.body;
    if !decl.is_async {
        return false;
    }
    let Some((turns, whole)) = body.loop_at(header) else { return false };
    if turns.is_async || body.loops().any(|(_, r)| r.start < whole.start && whole.end <= r.end) {
        return false;
    }
    let named = |callee: ExprId, words: &[String]| match body.expr(callee) {
        Expr::Attr { name, .. } | Expr::Name(name) => words.iter().any(|w| w == name.as_str()),
        _ => false,
    };
    let serving = cx.ix.packs.word_list("serving-calls");
    let serves = body.exprs.iter().zip(&body.ranges).any(|(e, range)| match e {
        Expr::Call { callee, .. } => range.start >= whole.end && named(*callee, &serving),
        _ => false,
    });
    serves && is_handed_to_loop(cx, f)
}

/// Is a coroutine called only to be handed to a new event loop, `asyncio.run(main())`?
fn is_handed_to_loop(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let words = cx.ix.packs.word_list("loop-starting");
    let mut is_any = false;
    for (caller, call) in cx.calls_of(f) {
        let body = &cx.ix.function(*caller).body;
        let is_started = body.exprs.iter().any(|outer| match outer {
            Expr::Call { callee, args } => {
                let takes = args.first().is_some_and(|a| a.value == *call);
                let name = match body.expr(*callee) {
                    Expr::Attr { name, .. } | Expr::Name(name) => name.as_str(),
                    _ => "",
                };
                takes && words.iter().any(|w| w == name)
            }
            _ => false,
        });
        if !is_started {
            return false;
        }
        is_any = true;
    }
    is_any
}

/// `customer.orders.filter(…)`, on whatever the variable holds.
fn is_of_one_row(cx: &CheckContext<'_>, body: &Body, iter: ExprId) -> bool {
    // `user.accounts`, where the model of that name relates to many.
    if let Expr::Attr { base, name, .. } = body.expr(iter)
        && let Expr::Local(slot) = body.expr(*base)
    {
        let Some(variable) = body.slots.get(slot.0 as usize) else { return false };
        let variable = variable.as_str().replace('_', "");
        return cx.ix.models.iter().any(|m| {
            m.relations.get(name).is_some_and(|r| r.many)
                && m.class.is_some_and(|c| {
                    let class = cx.ix.class(c).name;
                    class.as_str().rsplit(['.', '\\']).next().is_some_and(|n| n.eq_ignore_ascii_case(&variable))
                })
        });
    }
    let Expr::Call { callee, .. } = body.expr(iter) else { return false };
    let Expr::Attr { base, name, .. } = body.expr(*callee) else { return false };
    let Expr::Attr { base: row, .. } = body.expr(*base) else { return false };
    let asks = cx.ix.packs.word_list("related-rows");
    matches!(body.expr(*row), Expr::Local(_)) && asks.iter().any(|w| w == name.as_str())
}

/// Does a client stay with the event loop that it was first used in, by its name?
fn is_bound_to_loop(words: &[String], client: Name) -> bool {
    let name = client.as_str().to_ascii_lowercase();
    words.iter().any(|w| name.contains(w.as_str()))
}

/// Does each request have an event loop of its own, as a coroutine that a synchronous server runs, and is the client bound to it?
pub(super) fn has_loop_of_request(cx: &CheckContext<'_>, event: &Event, words: &[String], client: Name) -> bool {
    let Some(f) = event.entry.filter(|_| is_bound_to_loop(words, client)) else { return false };
    let is_shared = cx.flow.entries.get(&f).is_some_and(|entry| entry.is_on_shared_loop);
    cx.ix.function(f).is_async && !is_shared
}

/// Is a coroutine called from plain functions alone, so that each call has an event loop of its own?
pub(super) fn is_run_alone(cx: &CheckContext<'_>, event: &Event, words: &[String], client: Name) -> bool {
    if !is_bound_to_loop(words, client) {
        return false;
    }
    let top = event.path.last().copied().unwrap_or(event.site);
    let Some(f) = cx.function_at(top) else { return false };
    if !cx.ix.function(f).is_async {
        return false;
    }
    let is_method = cx.ix.function(f).kind == crate::facts::FnKind::Method;
    let name = cx.ix.function(f).name;
    let is_callee = |(caller, id): &&(FnRef, ExprId)| {
        let body = &cx.ix.function(*caller).body;
        matches!(body.expr(*id), Expr::Attr { .. })
            && body.exprs.iter().any(|e| matches!(e, Expr::Call { callee, .. } if callee == id))
    };
    let by_name = is_method.then(|| cx.spoken_at(name).iter().filter(is_callee)).into_iter().flatten();
    let mut callers = by_name.chain(cx.calls_of(f)).map(|(caller, _)| *caller).peekable();
    callers.peek().is_some() && callers.all(|caller| !cx.ix.function(caller).is_async)
}

/// Does the loop only make coroutines, which are then run all at once? Each needs a connection of its own then.
pub(super) fn is_gathered(cx: &CheckContext<'_>, event: &Event) -> bool {
    let Some(at) = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l)) else { return false };
    let Some(f) = cx.function_at(at) else { return false };
    let body = &cx.ix.function(f).body;
    let ways = std::iter::once(event.site).chain(event.path.iter().copied());
    let Some(call) = ways.into_iter().find(|s| cx.function_at(*s) == Some(f)) else { return false };
    let is_awaited = body.exprs.iter().any(|e| matches!(e, Expr::Await(inner) if body.range(*inner) == call.range));
    let gathers = body.exprs.iter().any(|e| match e {
        Expr::Call { callee, .. } => match body.expr(*callee) {
            Expr::Attr { name, .. } | Expr::Name(name) => is_word(cx, "gathering-calls", *name),
            _ => false,
        },
        _ => false,
    });
    gathers && !is_awaited
}

/// Is it a list from the configuration, or the accounts of one address?
fn is_few(cx: &CheckContext<'_>, f: FnRef, e: ExprId, depth: usize) -> bool {
    if depth > MAX_STEPS {
        return false;
    }
    let body = &cx.ix.function(f).body;
    match body.expr(e) {
        Expr::Local(slot) => is_few_in(cx, f, *slot, depth),
        Expr::Await(inner) | Expr::Same(inner) => is_few(cx, f, *inner, depth + 1),
        Expr::Comprehension { clauses, .. } => clauses.len() == 1 && is_few(cx, f, clauses[0].iter, depth + 1),
        Expr::Seq { items, .. } => {
            (2..=MAX_WRITTEN).contains(&items.len()) && items.iter().all(|i| i.spread == crate::facts::Spread::No)
        }
        Expr::Slice { lower: None, upper: Some(upper), .. } => is_small(cx, f, *upper, depth + 1),
        // `random.sample(rows, k=min(3, len(rows)))`
        Expr::Call { callee, args } if is_sampling(cx, body, *callee) => args.iter().any(|a| is_small(cx, f, a.value, depth + 1)),
        Expr::Call { callee, args } => {
            let by_address = |e: ExprId| match body.expr(e) {
                Expr::Map(entries) => {
                    let is_address = |k: ExprId| matches!(body.expr(k), Expr::Str(s) if is_word(cx, "address-columns", *s));
                    entries.iter().any(|(k, _)| k.is_some_and(is_address))
                }
                _ => false,
            };
            if args.iter().any(|a| a.name.is_some_and(|n| is_word(cx, "address-columns", n)) || by_address(a.value)) {
                return true;
            }
            match body.expr(*callee) {
                Expr::Attr { base, name, .. } if name.as_str() == "split" => is_configured(cx, body, *base, 0),
                Expr::Attr { base, name, .. } if is_word(cx, "keeping-methods", *name) => is_few(cx, f, *base, depth + 1),
                Expr::Name(n) if matches!(n.as_str(), "list" | "set" | "tuple" | "sorted" | "enumerate" | "reversed") => {
                    args.first().is_some_and(|a| is_few(cx, f, a.value, depth + 1))
                }
                Expr::Name(n) if matches!(n.as_str(), "map" | "filter") => {
                    args.get(1).is_some_and(|a| is_few(cx, f, a.value, depth + 1))
                }
                Expr::Function { fallback, .. } => match fallback.as_str() {
                    "explode" => args.get(1).is_some_and(|a| is_configured(cx, body, a.value, 0)),
                    "array_map" => args.get(1).is_some_and(|a| is_few(cx, f, a.value, depth + 1)),
                    "array_filter" | "array_unique" | "array_values" => {
                        args.first().is_some_and(|a| is_few(cx, f, a.value, depth + 1))
                    }
                    _ => false,
                },
                _ => false,
            }
        }
        _ => false,
    }
}

/// Does a function of the language give at most as many elements as one of its arguments says?
fn is_sampling(cx: &CheckContext<'_>, body: &Body, callee: ExprId) -> bool {
    match body.expr(callee) {
        Expr::Attr { name, .. } | Expr::Name(name) => is_word(cx, "sampling-calls", *name),
        _ => false,
    }
}

/// Is a number small, whatever the data: `3`, `min(3, len(rows))`?
fn is_small(cx: &CheckContext<'_>, f: FnRef, e: ExprId, depth: usize) -> bool {
    if depth > MAX_STEPS {
        return false;
    }
    let decl = cx.ix.function(f);
    let body = &decl.body;
    match body.expr(e) {
        Expr::Int(n) => (1..=MAX_SMALL).contains(n),
        Expr::Call { callee, args } if matches!(body.expr(*callee), Expr::Name(n) if n.as_str() == "min") => {
            args.iter().any(|a| is_small(cx, f, a.value, depth + 1))
        }
        Expr::Local(slot) => decl.only_value(*slot).is_some_and(|value| is_small(cx, f, value, depth + 1)),
        _ => false,
    }
}

/// A variable whose every value is few, or that is filled in loops over few.
fn is_few_in(cx: &CheckContext<'_>, f: FnRef, slot: Slot, depth: usize) -> bool {
    let decl = cx.ix.function(f);
    let body = &decl.body;
    if let Some(param) = decl.params.iter().position(|p| p.slot == slot) {
        let is_kept = !body.exprs.iter().any(|e| match e {
            Expr::Assign { target, .. } | Expr::Augment { target, .. } | Expr::AssignIfNull { target, .. } => {
                *body.pat(*target) == Pat::Local(slot)
            }
            _ => false,
        });
        let is_written = |caller: FnRef, value: ExprId| match cx.ix.function(caller).body.expr(value) {
            Expr::Seq { items, .. } => items.len() <= MAX_WRITTEN && items.iter().all(|i| i.spread == crate::facts::Spread::No),
            _ => is_few(cx, caller, value, depth + 1),
        };
        return is_kept && super::handed::at_all_calls(cx, f, param, &mut |caller, value, _| is_written(caller, value));
    }
    let mut is_any = false;
    for e in &body.exprs {
        match e {
            Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(slot) => {
                let is_empty = matches!(body.expr(*value), Expr::Seq { items, .. } if items.len() <= 1);
                if !is_empty && !is_few(cx, f, *value, depth + 1) {
                    return false;
                }
                is_any |= !is_empty;
            }
            _ => (),
        }
    }
    for (e, range) in body.exprs.iter().zip(&body.ranges) {
        let Expr::Call { callee, .. } = e else { continue };
        let Expr::Attr { base, name, .. } = body.expr(*callee) else { continue };
        if *body.expr(*base) != Expr::Local(slot) || !matches!(name.as_str(), "append" | "add" | "extend" | "push") {
            continue;
        }
        let around = body.stmts.iter().zip(&body.stmt_ranges).filter_map(|(s, r)| match s {
            Stmt::Loop(l) if r.start <= range.start && range.end <= r.end => l.iter,
            _ => None,
        });
        for iter in around {
            if !is_few(cx, f, iter, depth + 1) {
                return false;
            }
            is_any = true;
        }
    }
    is_any
}

/// Is a name one of a list of the packs?
fn is_word(cx: &CheckContext<'_>, key: &str, name: Name) -> bool {
    cx.ix.packs.word_list(key).iter().any(|word| word == name.as_str())
}

/// Does a text come from the configuration: `conf.get(key, "")`, `os.environ[key]`, `settings.HOSTS`, `config('key')`?
fn is_configured(cx: &CheckContext<'_>, body: &Body, e: ExprId, depth: usize) -> bool {
    if depth > MAX_STEPS {
        return false;
    }
    let holds = |name: Name| is_word(cx, "configuration-names", name.folded());
    match body.expr(e) {
        Expr::Call { callee, .. } => is_configured(cx, body, *callee, depth + 1),
        Expr::Attr { base, name, .. } => holds(*name) || is_configured(cx, body, *base, depth + 1),
        Expr::Index { base, .. } => is_configured(cx, body, *base, depth + 1),
        Expr::Or(a, _) | Expr::Coalesce(a, _) => is_configured(cx, body, *a, depth + 1),
        Expr::Name(name) | Expr::Function { fallback: name, .. } => holds(*name),
        Expr::Local(slot) => body.slots.get(slot.0 as usize).is_some_and(|n| holds(*n)),
        _ => false,
    }
}

/// The functions on the way of an event, from the one that builds upward.
fn functions_of(cx: &CheckContext<'_>, event: &Event) -> Vec<FnRef> {
    let above = event.path.iter().map_while(|at| cx.function_at(*at));
    std::iter::once(event.owner).chain(above).collect()
}

/// Does the way lead through a method that the class which builds has put aside with one of its own?
pub(super) fn is_put_aside(cx: &CheckContext<'_>, event: &Event) -> bool {
    let way = functions_of(cx, event);
    let class_of = |f: FnRef| cx.ix.class_of_function(f);
    for k in 1..way.len() {
        let (Some(own), Some(base)) = (class_of(way[k - 1]), class_of(way[k])) else { continue };
        if own == base || !cx.ix.class(own).mro.contains(&base) || !is_call_on_itself(cx, way[k], event.path[k - 1]) {
            continue;
        }
        let mut top = k;
        loop {
            if is_replaced(cx, own, way[top]) {
                return true;
            }
            let Some(above) = way.get(top + 1).copied() else { break };
            let same = class_of(above).is_some_and(|c| cx.ix.class(own).mro.contains(&c));
            if !same || !is_call_on_itself(cx, above, event.path[top]) {
                return false;
            }
            top += 1;
        }
        return is_called_from_replaced_only(cx, own, way[top]);
    }
    false
}

/// Has a class a method of its own instead of this one, which it does not call?
fn is_replaced(cx: &CheckContext<'_>, class: ClassId, f: FnRef) -> bool {
    let name = cx.ix.function(f).name;
    let Some((_, own)) = cx.ix.find_method(class, name) else { return false };
    if own == f {
        return false;
    }
    let body = &cx.ix.function(own).body;
    !body.exprs.iter().any(|e| matches!(e, Expr::Attr { base, name: n, .. } if *n == name && body.is_ancestor(*base)))
}

/// Is a method called by methods of the same object alone, all of which the class has replaced?
fn is_called_from_replaced_only(cx: &CheckContext<'_>, class: ClassId, f: FnRef) -> bool {
    let name = cx.ix.function(f).name;
    let mut is_any = false;
    for (i, facts) in cx.ix.facts.iter().enumerate() {
        for (j, decl) in facts.functions.iter().enumerate() {
            let g = FnRef { file: crate::base::FileId(i as u32), id: crate::facts::FnId(j as u32) };
            for e in &decl.body.exprs {
                let Expr::Attr { base, name: n, .. } = e else { continue };
                if *n != name {
                    continue;
                }
                let owner = cx.ix.class_of_function(g);
                let is_same = owner.is_some_and(|c| cx.ix.class(class).mro.contains(&c));
                if is_same && is_itself(cx, g, *base) {
                    if !is_replaced(cx, class, g) {
                        return false;
                    }
                    is_any = true;
                } else if !is_itself(cx, g, *base) {
                    return false;
                }
            }
        }
    }
    is_any
}

fn is_itself(cx: &CheckContext<'_>, f: FnRef, e: ExprId) -> bool {
    let decl = cx.ix.function(f);
    let python = cx.ix.file(f.file).language == Language::Python;
    match decl.body.expr(e) {
        Expr::This => true,
        Expr::Local(slot) => python && decl.class.is_some() && decl.params.first().is_some_and(|p| p.slot == *slot),
        _ => false,
    }
}

fn is_call_on_itself(cx: &CheckContext<'_>, f: FnRef, at: Span) -> bool {
    let body = &cx.ix.function(f).body;
    body.exprs.iter().zip(&body.ranges).filter(|(_, r)| **r == at.range).any(|(e, _)| match e {
        Expr::Call { callee, .. } => match body.expr(*callee) {
            Expr::Attr { base, .. } => is_itself(cx, f, *base),
            _ => false,
        },
        _ => false,
    })
}

/// Does the way need an argument to be of a type that the caller has replaced before the call?
pub(super) fn is_excluded(cx: &CheckContext<'_>, event: &Event) -> bool {
    let way = functions_of(cx, event);
    (0..way.len().saturating_sub(1)).any(|k| {
        let inner = if k == 0 { event.site } else { event.path[k - 1] };
        is_excluded_by(cx, way[k], inner, way[k + 1], event.path[k])
    })
}

fn is_excluded_by(cx: &CheckContext<'_>, f: FnRef, inner: Span, caller: FnRef, call: Span) -> bool {
    let decl = cx.ix.function(f);
    let body = &decl.body;
    let text = |f: FnRef, e: ExprId| cx.text(Span { file: f.file, range: cx.ix.function(f).body.range(e) });
    for s in &body.stmts {
        let Stmt::If { cond, then, .. } = s else { continue };
        if !holds(body, then, inner.range) {
            continue;
        }
        let Some((value, class)) = type_test(body, *cond) else { continue };
        let Expr::Local(slot) = body.expr(value) else { continue };
        let Some(i) = decl.params.iter().position(|p| p.slot == *slot) else { continue };
        let outer = &cx.ix.function(caller).body;
        let args = outer.exprs.iter().zip(&outer.ranges).filter(|(_, r)| **r == call.range).find_map(|(e, _)| match e {
            Expr::Call { args, .. } => Some(args),
            _ => None,
        });
        let Some(args) = args else { continue };
        let position = i - usize::from(decl.class.is_some() && !decl.is_static && i > 0);
        let by_name = args.iter().find(|a| a.name == Some(decl.params[i].name));
        let Some(given) = by_name.or_else(|| args.iter().filter(|a| a.name.is_none()).nth(position)) else { continue };
        let place = text(caller, given.value);
        for (s, range) in outer.stmts.iter().zip(&outer.stmt_ranges) {
            let Stmt::If { cond, then, .. } = s else { continue };
            if range.end > call.range.start {
                continue;
            }
            let Some((tested, tested_class)) = type_test(outer, *cond) else { continue };
            let replaces = then.iter().any(|s| {
                let range = outer.stmt_ranges[s.0 as usize];
                let statement = cx.text(Span { file: caller.file, range });
                statement.strip_prefix(place).is_some_and(|rest| rest.trim_start().starts_with('='))
            });
            if text(caller, tested) == place && text(caller, tested_class) == text(f, class) && replaces {
                return true;
            }
        }
    }
    false
}

pub(super) fn holds(body: &Body, block: &[crate::facts::StmtId], at: Range) -> bool {
    block.iter().any(|s| {
        let r = body.stmt_ranges[s.0 as usize];
        r.start <= at.start && at.end <= r.end
    })
}

/// `isinstance(value, Class)`, alone or among conditions that all hold.
fn type_test(body: &Body, mut cond: ExprId) -> Option<(ExprId, ExprId)> {
    for _ in 0..MAX_STEPS {
        match body.expr(cond) {
            Expr::And(a, b) => match type_test_here(body, *b) {
                Some(found) => return Some(found),
                None => cond = *a,
            },
            _ => return type_test_here(body, cond),
        }
    }
    None
}

fn type_test_here(body: &Body, cond: ExprId) -> Option<(ExprId, ExprId)> {
    match body.expr(cond) {
        Expr::Call { callee, args } if args.len() == 2 => match body.expr(*callee) {
            Expr::Name(n) if n.as_str() == "isinstance" => Some((args[0].value, args[1].value)),
            _ => None,
        },
        Expr::InstanceOf { value, class } => Some((*value, *class)),
        _ => None,
    }
}

/// Is what is built only asked whether the server is there?
pub(super) fn is_probe(cx: &CheckContext<'_>, event: &Event) -> bool {
    is_used_only_for(cx, event, &cx.ix.packs.word_list("probe-methods"), false)
}

/// Is nothing done with what is built but calling these methods and closing it? Fields of objects are followed if asked for.
pub(super) fn is_used_only_for(cx: &CheckContext<'_>, event: &Event, asks: &[String], fields: bool) -> bool {
    let body = &cx.ix.function(event.owner).body;
    let is_site = |e: ExprId| body.range(e) == event.site.range;
    let assigned = body.exprs.iter().find_map(|e| match e {
        // `await to_thread(Client, url)`
        Expr::Assign { target, value } if is_site(*value) || matches!(body.expr(*value), Expr::Await(c) if is_site(*c)) => {
            Some(*target)
        }
        _ => None,
    });
    let entered = || {
        body.stmts.iter().find_map(|s| match s {
            Stmt::With { items, .. } => items.iter().find(|(e, _)| is_site(*e)).and_then(|(_, p)| *p),
            _ => None,
        })
    };
    let ends = cx.ix.packs.word_list("closing-methods");
    let mut is_asked = false;
    let mut is_known = |body: &Body, e: usize| {
        let read = body.exprs.iter().find_map(|other| match other {
            Expr::Attr { base, name, .. } if base.0 as usize == e => Some(*name),
            _ => None,
        });
        let Some(name) = read else { return false };
        let is_ask = asks.iter().any(|w| w == name.as_str());
        is_asked |= is_ask;
        is_ask || ends.iter().any(|w| w == name.as_str())
    };
    match assigned.or_else(entered).map(|p| body.pat(p)) {
        Some(Pat::Local(slot)) => {
            let mut uses = body.exprs.iter().enumerate().filter(|(_, e)| **e == Expr::Local(*slot));
            uses.all(|(i, _)| is_known(body, i)) && is_asked
        }
        // A field of the object, in all methods of its class.
        Some(Pat::Attr { base, name }) if fields && is_itself(cx, event.owner, *base) => {
            let Some(class) = cx.ix.class_of_function(event.owner) else { return false };
            if !cx.ix.class(class).descendants.is_empty() {
                return false;
            }
            let file = cx.ix.class(class).file;
            let all = cx.ix.class_decl(class).methods.iter().all(|m| {
                let f = FnRef { file, id: *m };
                let body = &cx.ix.function(f).body;
                let is_tested = |i: usize| is_only_tested(body, ExprId(i as u32));
                let is_target = |object: ExprId| {
                    body.exprs.iter().any(|e| match e {
                        Expr::Assign { target, .. } => matches!(body.pat(*target), Pat::Attr { base, .. } if *base == object),
                        _ => false,
                    })
                };
                body.exprs.iter().enumerate().all(|(i, e)| match e {
                    Expr::Attr { base, name: n, .. } if n == name && is_itself(cx, f, *base) => {
                        is_known(body, i) || is_tested(i) || is_target(*base)
                    }
                    _ => true,
                })
            });
            all && is_asked
        }
        _ => false,
    }
}

/// Is a value only asked whether it is there?
fn is_only_tested(body: &Body, e: ExprId) -> bool {
    body.stmts.iter().any(|s| matches!(s, Stmt::If { cond, .. } if *cond == e))
        || body.exprs.iter().any(|outer| match outer {
            Expr::Not(inner) => *inner == e,
            Expr::And(a, b) | Expr::Or(a, b) => *a == e || *b == e,
            Expr::Binary { left, right, .. } => *left == e && *body.expr(*right) == Expr::Null,
            _ => false,
        })
}
