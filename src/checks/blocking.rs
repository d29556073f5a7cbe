//! What blocks the event loop?

use std::collections::BTreeMap;

use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::findings::{Confidence, Finding, Level};
use crate::flow::{Event, What};

/// Steps of a finding; more would not be read.
const MAX_STEPS: usize = 8;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    // One finding per place in the coroutine.
    let mut places: BTreeMap<Span, Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        if matches!(event.what, What::Block { .. }) {
            let place = event.path.last().copied().unwrap_or(event.site);
            places.entry(place).or_default().push(event);
        }
    }
    for (place, events) in places {
        findings.extend(report(cx, place, events));
    }
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
    let is_statement = function.as_str().contains(".statement.");
    let shown = if is_statement {
        method.to_owned()
    } else {
        function.to_string()
    };
    let message = match (event.path.is_empty(), is_statement) {
        (true, true) if method == "iteration" => {
            "this query runs synchronously and blocks the event loop".to_owned()
        }
        (true, true) => format!(
            "`{shown}` waits for {} and blocks the event loop",
            entry.what
        ),
        (true, false) => format!(
            "`{shown}` waits for {} and blocks the event loop",
            entry.what
        ),
        (false, _) => format!(
            "this call blocks the event loop: below it, `{shown}` waits for {}",
            entry.what
        ),
    };
    let owner = cx.function_at(place).unwrap_or(event.owner);
    let mut finding = cx.finding("blocking-call-in-async", place, owner, message);
    for call in event.path.iter().rev().skip(1).take(MAX_STEPS) {
        step(&mut finding.steps, *call, "which calls this");
    }
    if !event.path.is_empty() {
        step(
            &mut finding.steps,
            event.site,
            format!("`{shown}` waits here"),
        );
    }
    finding.steps.retain(|s| s.span != place);
    finding.help = format!(
        "use {}, or leave the loop for the call: `await asyncio.to_thread(…)`",
        entry.instead
    );
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
