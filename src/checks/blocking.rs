//! What blocks the event loop?
//!
//! One finding per cause. What a coroutine waits for in one way is one finding; where many coroutines wait below the same
//! synchronous helper, or many of a file for the same thing, they are one finding with a step at each.

use std::collections::BTreeMap;

use super::unused::stands_in;
use super::{CheckContext, step};
use crate::base::{FileId, Name, Span};
use crate::facts::{Expr, ExprId, FnKind, LoopKind, Stmt};
use crate::findings::{Confidence, Finding, Level};
use crate::flow::{EntryKind, Event, What};
use crate::index::{ClassId, FnRef};

/// Steps on the way to the work, and of further calls in the coroutine; more would not be read.
const MAX_STEPS: usize = 8;
/// So many coroutines that wait for the same reason are one finding.
const MANY: usize = 3;
/// Coroutines that a finding lists.
const MAX_LISTED: usize = 120;

/// Why a coroutine waits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Cause {
    /// A class of the program, by its outermost ancestor, waits below.
    Class(String, ClassId),
    /// A function of the program waits below.
    Function(String, FnRef),
    /// Coroutines of a file wait themselves.
    Itself(String, FileId),
}

/// What one coroutine waits for in one way: the places in it, each with the events that say so.
#[derive(Clone)]
struct Unit<'e> {
    coroutine: FnRef,
    is_served: bool,
    places: Vec<(Span, Vec<&'e Event>)>,
}

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut places: BTreeMap<Span, Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        if matches!(event.what, What::Block { .. }) {
            places.entry(place_of(event)).or_default().push(event);
        }
    }
    let mentions = &cx.mentions;
    let mut causes: BTreeMap<Cause, BTreeMap<FnRef, Unit<'_>>> = BTreeMap::new();
    for (place, mut events) in places {
        sort(cx, &mut events);
        let Some(coroutine) = cx.function_at(place) else { continue };
        let Some(cause) = events.first().and_then(|e| cause_of(cx, e)) else { continue };
        let is_served = events.iter().any(|e| e.entry.is_some()) || cx.flow.on_server.contains(&coroutine);
        let is_served = is_served && !stands_in(cx, coroutine) && !mentions.is_of_unused_class(cx, coroutine);
        let unit = Unit { coroutine, is_served, places: Vec::new() };
        causes.entry(cause).or_default().entry(coroutine).or_insert(unit).places.push((place, events));
    }
    for units in causes.into_values() {
        let mut units: Vec<Unit<'_>> = units.into_values().collect();
        units.sort_by_key(|u| (!u.is_served, u.places.first().map(|p| p.0)));
        let served = units.iter().filter(|u| u.is_served).count();
        let (served, others) = units.split_at(served);
        if served.len() >= MANY {
            // Whoever mends the cause mends it for the others, too.
            findings.extend(of_units(cx, served));
            continue;
        }
        findings.extend(served.iter().filter_map(|u| of_units(cx, std::slice::from_ref(u))));
        let others: Vec<Unit<'_>> = others.iter().filter(|u| !cx.flow.on_own_loop.contains(&u.coroutine)).cloned().collect();
        if others.len() >= MANY {
            findings.extend(of_units(cx, &others));
        } else {
            findings.extend(others.iter().filter_map(|u| of_units(cx, std::slice::from_ref(u))));
        }
    }
}

/// One finding of the first coroutine, with a step in each of the others.
fn of_units(cx: &CheckContext<'_>, units: &[Unit<'_>]) -> Option<Finding> {
    let (first, others) = units.split_first()?;
    let (place, events) = first.places.first()?;
    let mut finding = report(cx, *place, first.coroutine, events)?;
    if !first.is_served {
        if finding.level == Level::Note {
            return None;
        }
        finding.level = Level::Note;
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    let plain = units.iter().filter(|u| may_be_plain(cx, u.coroutine)).count();
    finding.help = match (plain, others.is_empty()) {
        (0, _) => finding.help,
        (_, true) => format!("make it a plain `def`, which runs in a thread, or {}", finding.help),
        _ if plain == units.len() => format!("make them plain `def`s, which run in threads, or {}", finding.help),
        _ => format!(
            "make the {plain} of them that await nothing plain `def`s, which run in threads; for the others {}",
            finding.help
        ),
    };
    let also = &first.places[1..];
    let more = |n: usize, what: &str| if n == 1 { format!("{n} more {what}") } else { format!("{n} more {what}s") };
    if !also.is_empty() {
        finding.message = format!("{}, and {} here", finding.message, more(also.len(), "call"));
    }
    if !others.is_empty() {
        let joined = if also.is_empty() { "," } else { ";" };
        finding.message = format!("{}{joined} the same in {}", finding.message, more(others.len(), "coroutine"));
    }
    for (at, _) in also.iter().take(MAX_STEPS) {
        step(&mut finding.steps, *at, "also waits");
    }
    for unit in others.iter().take(MAX_LISTED) {
        if let Some((at, _)) = unit.places.first() {
            let name = cx.ix.function(unit.coroutine).name;
            let calls = unit.places.len();
            let count = if calls > 1 { format!(", {calls} calls") } else { String::new() };
            step(&mut finding.steps, *at, format!("the same in `{name}`{count}"));
        }
    }
    Some(finding)
}

/// The event that explains best comes first.
fn sort(cx: &CheckContext<'_>, events: &mut [&Event]) {
    let is_short = |e: &Event| cx.ix.packs.blocking(name_of(e)).is_none_or(|b| b.short);
    events.sort_by_key(|e| (is_short(e), is_pause(cx, e), e.path.len(), e.site, e.path.to_vec()));
}

/// Is it a pause between two looks at something that may be there at once?
fn is_pause(cx: &CheckContext<'_>, event: &Event) -> bool {
    let body = &cx.ix.function(event.owner).body;
    let turns = |l: &crate::facts::Loop| l.kind != LoopKind::Each;
    cx.ix.packs.roles(name_of(event)).iter().any(|r| r.as_str() == "pause")
        && !event.path.is_empty()
        && body.loops().any(|(l, range)| turns(l) && range.contains(event.site.range))
}

fn name_of(event: &Event) -> Name {
    match event.what {
        What::Block { function } => function,
        _ => Name::empty(),
    }
}

fn cause_of(cx: &CheckContext<'_>, event: &Event) -> Option<Cause> {
    let entry = cx.ix.packs.blocking(name_of(event))?;
    let what = entry.names.first().cloned().unwrap_or_default();
    if event.path.is_empty() {
        return Some(Cause::Itself(what, event.site.file));
    }
    Some(match cx.ix.class_of_function(event.owner) {
        Some(class) => Cause::Class(what, cx.ix.class(class).mro.last().copied().unwrap_or(class)),
        None => Cause::Function(what, event.owner),
    })
}

/// Where the coroutine waits: the call in it that leads to the work, or the work itself.
fn place_of(event: &Event) -> Span {
    event.path.last().copied().unwrap_or(event.site)
}

/// Is this a statement of a session, query or relation rather than a function of the catalogue?
fn is_statement(function: Name) -> bool {
    function.as_str().contains(".statement.") || function.as_str().contains(".relation.")
}

fn report(cx: &CheckContext<'_>, place: Span, coroutine: FnRef, events: &[&Event]) -> Option<Finding> {
    let event = *events.first()?;
    let function = name_of(event);
    let entry = cx.ix.packs.blocking(function)?;
    let short = entry.short;
    let method = function.last_segment();
    let is_statement = is_statement(function);
    let shown = if is_statement { method.to_owned() } else { function.to_string() };
    let message = match (event.path.is_empty(), &entry.raises) {
        (true, Some(error)) => format!("this query waits for {} in a coroutine: `{shown}` raises `{error}`", entry.what),
        (false, Some(error)) => {
            format!("below this call, a query waits for {} in a coroutine: `{shown}` raises `{error}`", entry.what)
        }
        (true, None) if is_statement && method == "iteration" => {
            "this query runs synchronously and blocks the event loop".to_owned()
        }
        (true, None) => format!("`{shown}` waits for {} and blocks the event loop", entry.what),
        (false, None) => format!("this call blocks the event loop: below it, `{shown}` waits for {}", entry.what),
    };
    let mut finding = cx.finding("blocking-call-in-async", place, coroutine, message);
    for call in event.path.iter().rev().skip(1).take(MAX_STEPS) {
        step(&mut finding.steps, *call, "which calls this");
    }
    if !event.path.is_empty() {
        step(&mut finding.steps, event.site, format!("`{shown}` waits here"));
    }
    finding.steps.retain(|s| s.span != place);
    finding.help = format!("use {}, or leave the loop for the call: `await asyncio.to_thread(…)`", entry.instead);
    if entry.streams || entry.instead.contains("thread") {
        finding.help = format!("use {}", entry.instead);
    }
    if let Some(twin) = twin(cx, event) {
        finding.help = format!("call its asynchronous form: `await {twin}(…)`");
    }
    finding.subject.method = Some(function.to_string());
    if short {
        finding.level = Level::Note;
    }
    if event.path.len() > 2 {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    Some(finding)
}

/// The asynchronous form of the function that a coroutine calls, where it stands beside it: `aload` beside `load`.
fn twin(cx: &CheckContext<'_>, event: &Event) -> Option<Name> {
    let called = match event.path.len() {
        0 => return None,
        1 => event.owner,
        n => cx.function_at(event.path[n - 2])?,
    };
    let decl = cx.ix.function(called);
    let name = Name::new(&format!("a{}", decl.name));
    let beside =
        cx.ix.file(called.file).functions.iter().find(|f| f.name == name && f.class == decl.class && f.parent == decl.parent)?;
    // What waits in that form itself is not mended by calling it.
    let is_own = cx.function_at(place_of(event)).is_some_and(|f| std::ptr::eq(cx.ix.function(f), beside));
    (beside.is_async && !is_own).then_some(name)
}

/// Is a function called by the framework alone, for what handlers are given? Who awaits it needs a coroutine.
fn is_only_injected(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let is_awaited = |(caller, callee): &(FnRef, ExprId)| {
        let body = &cx.ix.function(*caller).body;
        let is_call = |e: ExprId| matches!(body.expr(e), Expr::Call { callee: called, .. } if called == callee);
        body.exprs.iter().any(|e| matches!(e, Expr::Await(awaited) if is_call(*awaited)))
    };
    cx.flow.injected.contains(&f) && !cx.spoken_at(cx.ix.function(f).name).iter().any(is_awaited)
}

/// Is a coroutine a handler that nothing needs to be a coroutine, where the framework runs plain functions in threads?
fn may_be_plain(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let decl = cx.ix.function(f);
    let entry = cx.flow.entries.get(&f);
    let is_handler = entry.is_some_and(|e| e.may_be_plain && e.kind == EntryKind::Request);
    if !is_handler && !is_only_injected(cx, f) || decl.is_generator {
        return false;
    }
    let waits = decl.body.exprs.iter().any(|e| match e {
        Expr::Await(_) => true,
        Expr::Comprehension { clauses, .. } => clauses.iter().any(|c| c.is_async),
        _ => false,
    }) || decl.body.stmts.iter().any(|s| match s {
        Stmt::With { is_async, .. } => *is_async,
        Stmt::Loop(l) => l.is_async,
        _ => false,
    });
    let inner = cx.ix.file(f.file).functions.iter().any(|d| d.parent == Some(f.id) && d.is_async);
    // An ancestor that has it as a coroutine says that it is one.
    let inherited = decl.kind == FnKind::Method
        && cx.ix.class_of_function(f).is_some_and(|class| {
            let ancestors = cx.ix.class(class).mro.iter().skip(1);
            ancestors.into_iter().any(|c| cx.ix.own_method(*c, decl.name).is_some_and(|g| cx.ix.function(g).is_async))
        });
    !waits && !inner && !inherited
}
