//! Which statements are sent once per turn of a loop?

use std::collections::BTreeMap;

use super::cached::{is_kept_by_decorator, runs_for_cache, stands_in_cached};
use super::ending::{ends_its_rows, leaves_at_first, waits_for_more};
use super::statement_batch::is_batch;
use super::statement_help::{self, Advice};
use super::statement_merge::{Reported, merge};
use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::facts::Language;
use crate::findings::{Confidence, Finding, Level};
use crate::flow::value::Source;
use crate::flow::value::flag;
use crate::flow::{Event, Statement, What};
use crate::index::ModelId;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&'static str, Span, Option<Name>), Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        let What::Statement { kind, method, via, defeats, flags, model, .. } = &event.what else {
            continue;
        };
        if flags & flag::LOCKED != 0 || is_refresh(cx, event, *method, *model) || is_batch(cx, event) {
            continue;
        }
        let rule = match kind {
            Statement::Write | Statement::Upsert => "write-in-loop",
            Statement::Read | Statement::Aggregate if *defeats => "defeated-eager-load",
            Statement::Read | Statement::Aggregate | Statement::Load => "query-in-loop",
        };
        // What is reached by a call stands at the call in the loop; the statement is a step.
        // What the framework loops over has no call in a loop: the statement itself is the place.
        let framework = event.loops.last().is_some_and(|l| cx.flow.framework_loops.contains(l));
        let place = event.path.last().copied().filter(|_| !framework).unwrap_or(event.site);
        // One place may ask for rows of whatever model it is given; for two relations it asks twice.
        let what = via.filter(|_| place == event.site).map(|(_, relation)| relation);
        let key = (rule, place, what);
        groups.entry(key).or_default().push(event);
    }
    let reports = groups.into_iter().filter_map(|((rule, place, _), events)| report(cx, rule, place, events));
    findings.extend(super::one_place::same_question(merge(reports.collect())));
}

/// Is a row read anew on purpose? What is handed over to be read anew belongs to the turn that wrote it: no query before the
/// loop knows what it will say.
fn is_refresh(cx: &CheckContext<'_>, event: &Event, method: Name, model: Option<ModelId>) -> bool {
    match model {
        Some(m) => {
            let word = cx.ix.packs.word(cx.ix.model(m).dialect, "refreshes");
            word.is_some_and(|w| w.has_word(method.as_str()))
        }
        None => {
            let is_python = cx.ix.file(event.site.file).language == Language::Python;
            is_python
                && cx.ix.packs.word_list("refreshes").iter().any(|w| w == method.as_str())
                && statement_help::turn_writes(cx, event)
        }
    }
}

fn report(cx: &CheckContext<'_>, rule: &'static str, place: Span, events: Vec<&Event>) -> Option<Reported> {
    // In the order in which they are sent; what belongs to its turn speaks only if nothing else does.
    let advice: Vec<Advice> = events.iter().map(|e| statement_help::of(cx, rule, e)).collect();
    let is_known = |i: usize| matches!(&events[i].what, What::Statement { model: Some(_), .. });
    let leads = |sure: bool| (0..events.len()).find(|i| !advice[*i].is_per_row && (!sure || is_known(*i)));
    let at = leads(true).or_else(|| leads(false)).unwrap_or(0);
    // Of two sends of one query, the one that changes with the turn is the harder to mend.
    let source = |i: usize| if let What::Statement { src, .. } = &events[i].what { Some(*src) } else { None };
    let varies = |i: &usize| !advice[*i].is_constant && !advice[*i].is_per_row && source(*i) == source(at);
    let at = if advice.get(at)?.is_constant { (0..events.len()).find(varies).unwrap_or(at) } else { at };
    let first = *events.get(at)?;
    let advice = advice.into_iter().nth(at)?;
    let What::Statement { kind, method, model, via, src, .. } = &first.what else {
        return None;
    };
    let is_read = matches!(rule, "query-in-loop" | "defeated-eager-load");
    let header = first.loops.first().and_then(|l| cx.flow.values.loop_span(*l));
    if is_read && header.is_some_and(|header| super::statement_turn::is_chosen_by_sort(cx, header, place)) {
        return None;
    }
    let table = cx.flow.table_names.get(src);
    let direct = first.path.is_empty() || place == first.site;
    let holder = via.map(|(m, _)| model_name(cx.ix, m));
    let target = model.map(|m| model_name(cx.ix, m));
    let subject = match (via, target) {
        (Some((_, relation)), _) => format!("`{relation}` of `{}`", holder.unwrap_or_default()),
        (None, Some(target)) => format!("`{target}`"),
        (None, None) => table.map_or_else(|| "the database".to_owned(), |t| format!("the table `{t}`")),
    };
    let others = {
        let of = |e: &&Event| match &e.what {
            What::Statement { model: Some(m), via: None, .. } if e.site == first.site && Some(*m) != *model => Some(*m),
            _ => None,
        };
        let mut models: Vec<ModelId> = events.iter().filter_map(of).collect();
        models.sort();
        models.dedup();
        models.len()
    };
    let subject = match others {
        0 => subject,
        1 => format!("{subject} and another model"),
        n => format!("{subject} and {n} more models"),
    };
    let distinct = {
        let mut sites: Vec<Span> = events.iter().map(|e| e.site).collect();
        sites.sort();
        sites.dedup();
        sites.len()
    };
    let message = match (rule, kind, direct) {
        ("defeated-eager-load", _, true) => {
            format!("{subject} is loaded already, but `{method}` asks the database again in every turn of this loop")
        }
        ("defeated-eager-load", _, false) => {
            format!("this call asks the database again for {subject}, which is loaded already, in every turn of the loop")
        }
        ("write-in-loop", _, true) => {
            format!("`{method}` writes {subject} once per turn of this loop")
        }
        ("write-in-loop", _, false) => {
            format!("this call writes {subject} once per turn of the loop")
        }
        (_, Statement::Load, true) => {
            format!("`{method}` loads relations of {subject} once per turn of this loop")
        }
        (_, _, true) => format!("`{method}` queries {subject} once per turn of this loop"),
        (_, _, false) if distinct > 1 => {
            let more = if distinct == 2 { "one more place".to_owned() } else { format!("{} more places", distinct - 1) };
            format!("this call queries {subject} once per turn of the loop, and {more} below it may query as well")
        }
        (_, _, false) => format!("this call queries {subject} once per turn of the loop"),
    };
    let mut finding = cx.finding(rule, place, owner_of(first), message);
    if let Some(at) = header {
        step(&mut finding.steps, at, "the loop is here");
    }
    for call in first.path.iter().rev().skip(1) {
        step(&mut finding.steps, *call, "which calls this");
    }
    // What is handed on as a query and runs where it is looped over is mended where it is written.
    if let Source::Query(at) = cx.flow.values.source_of(*src)
        && cx.function_at(at) != cx.function_at(first.site)
    {
        step(&mut finding.steps, at, "the query is built here");
    }
    for event in events.iter().take(6) {
        if event.site != place {
            let What::Statement { method, .. } = &event.what else {
                continue;
            };
            step(&mut finding.steps, event.site, format!("`{method}` sends the query here"));
        }
    }
    finding.steps.retain(|s| s.span != place);
    finding.subject.model = via.map(|(m, _)| m).or(*model).map(|m| cx.ix.model(m).name.to_string());
    finding.subject.table = table.map(|t| t.to_string());
    finding.subject.relation = via.map(|(_, r)| r.to_string());
    finding.subject.method = Some(method.to_string());
    finding.cost = "1 query per turn of the loop".to_owned();
    finding.help = match (distinct > 1 && !direct, advice.is_narrow) {
        (true, true) if rule == "query-in-loop" => statement_help::DOWN.replacen("it needs", "they need", 1),
        (true, _) => format!("for {subject}: {}", advice.help),
        (false, _) => advice.help,
    };
    // Every form fetches the choices of its fields for itself.
    if cx.flow.choice_sites.contains(&first.site)
        && let Some(help) = cx.ix.packs.word_in_language(Name::new("python"), "choice-batch-help")
    {
        finding.help = help.to_string();
    }
    let is_once = header
        .is_some_and(|at| cx.is_run_by_hand(at) || ends_its_rows(cx, at) || waits_for_more(cx, at) || leaves_at_first(cx, at));
    let is_once = is_once || header.is_some_and(|at| cx.mentions.is_never_turned(cx, at));
    let is_per_row = advice.is_per_row;
    let is_held = advice.is_held;
    // What a service does for one row, changes included, is not taken apart for the sake of one query.
    let is_service = !direct && first.path.len() > 1 && statement_help::turn_writes(cx, first);
    // What one turn writes the next one has to see.
    let is_service = rule == "query-in-loop" && (is_service || statement_help::writes_what_it_asks(cx, first));
    let is_guard = is_read && statement_help::turn_writes(cx, first) && super::guard::guards_row(cx, first);
    let is_kept = is_read && (runs_for_cache(cx, first) || stands_in_cached(cx, place) || is_kept_by_decorator(cx, first));
    let is_switched_off = events.iter().all(|e| e.is_switched_off);
    let is_once = is_once || is_switched_off;
    if is_once || is_guard || is_service || is_held || is_kept || *kind == Statement::Upsert || is_per_row {
        finding.level = Level::Note;
    }
    if is_per_row {
        finding.confidence = Confidence::Low;
        finding.help = "this belongs to the turn: where it matters, fetch the rows of several turns at once".to_owned();
    }
    let depth = first.path.len();
    if depth > 2 {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    Some(Reported { finding, site: first.site, owner: cx.owner(first.owner), asked: subject, is_direct: direct, header })
}

fn owner_of(event: &Event) -> crate::index::FnRef {
    event.owner
}
