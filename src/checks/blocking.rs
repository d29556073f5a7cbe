//! What blocks the event loop?

use std::collections::BTreeMap;

use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::findings::{Confidence, Finding, Level};
use crate::flow::{Event, What};
use crate::index::FnRef;

/// Steps of a finding; more would not be read.
const MAX_STEPS: usize = 8;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    // One finding per place in the coroutine; one per coroutine for all that its synchronous session does: it has one cure.
    let mut places: BTreeMap<(Option<FnRef>, Span), Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        if let What::Block { function } = event.what {
            let place = place_of(event);
            let session = is_statement(function).then(|| cx.function_at(place)).flatten();
            let key = match session {
                Some(f) => (session, Span { file: f.file, range: cx.ix.function(f).range }),
                None => (None, place),
            };
            places.entry(key).or_default().push(event);
        }
    }
    for events in places.into_values() {
        let first = events.iter().map(|e| place_of(e)).min();
        let Some(first) = first else { continue };
        let (here, mut others): (Vec<&Event>, Vec<&Event>) = events.into_iter().partition(|e| place_of(e) == first);
        others.sort_by_key(|e| place_of(e));
        let Some(mut finding) = report(cx, first, here) else {
            continue;
        };
        let mut also: Vec<Span> = others.iter().map(|e| place_of(e)).collect();
        also.dedup();
        if !also.is_empty() {
            finding.message = format!("{}, and {} more in this coroutine", finding.message, also.len());
        }
        for at in also.into_iter().take(MAX_STEPS) {
            step(&mut finding.steps, at, "also waits");
        }
        findings.push(finding);
    }
}

/// Where the coroutine waits: the call in it that leads to the work, or the work itself.
fn place_of(event: &Event) -> Span {
    event.path.last().copied().unwrap_or(event.site)
}

/// Is this a statement of a session or query rather than a function of the catalogue?
fn is_statement(function: Name) -> bool {
    function.as_str().contains(".statement.")
}

fn report(cx: &CheckContext<'_>, place: Span, mut events: Vec<&Event>) -> Option<Finding> {
    let name_of = |e: &Event| match e.what {
        What::Block { function } => function,
        _ => Name::empty(),
    };
    let is_short = |e: &Event| cx.ix.packs.blocking(name_of(e)).is_none_or(|b| b.short);
    events.sort_by_key(|e| (is_short(e), e.path.len(), e.site, e.path.to_vec()));
    let event = *events.first()?;
    let function = name_of(event);
    let entry = cx.ix.packs.blocking(function)?;
    let short = entry.short;
    let method = function.last_segment();
    let is_statement = is_statement(function);
    let shown = if is_statement { method.to_owned() } else { function.to_string() };
    let message = match (event.path.is_empty(), is_statement) {
        (true, true) if method == "iteration" => "this query runs synchronously and blocks the event loop".to_owned(),
        (true, true) => format!("`{shown}` waits for {} and blocks the event loop", entry.what),
        (true, false) => format!("`{shown}` waits for {} and blocks the event loop", entry.what),
        (false, _) => format!("this call blocks the event loop: below it, `{shown}` waits for {}", entry.what),
    };
    let owner = cx.function_at(place).unwrap_or(event.owner);
    let mut finding = cx.finding("blocking-call-in-async", place, owner, message);
    for call in event.path.iter().rev().skip(1).take(MAX_STEPS) {
        step(&mut finding.steps, *call, "which calls this");
    }
    if !event.path.is_empty() {
        step(&mut finding.steps, event.site, format!("`{shown}` waits here"));
    }
    finding.steps.retain(|s| s.span != place);
    finding.help = format!("use {}, or leave the loop for the call: `await asyncio.to_thread(…)`", entry.instead);
    if entry.instead.contains("thread") {
        finding.help = format!("use {}", entry.instead);
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
