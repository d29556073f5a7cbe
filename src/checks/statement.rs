//! Which statements are sent once per turn of a loop?

use std::collections::BTreeMap;

use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::findings::{Confidence, Finding};
use crate::flow::value::flag;
use crate::flow::{Event, Statement, What};

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&'static str, Span, Option<Name>), Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        let What::Statement { kind, via, defeats, flags, model, .. } = &event.what else {
            continue;
        };
        if flags & (flag::LOCKED | flag::BATCH) != 0 {
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
        let what = match (via, model) {
            (Some((_, relation)), _) => Some(*relation),
            (None, Some(m)) => Some(cx.ix.model(*m).name),
            _ => None,
        };
        let key = (rule, place, if place == event.site { what } else { None });
        groups.entry(key).or_default().push(event);
    }
    for ((rule, place, _), events) in groups {
        findings.extend(report(cx, rule, place, events));
    }
}

fn report(cx: &CheckContext<'_>, rule: &'static str, place: Span, mut events: Vec<&Event>) -> Option<Finding> {
    events.sort_by_key(|e| (e.path.len(), e.site));
    let first = *events.first()?;
    let What::Statement { kind, method, model, via, flags, src, .. } = &first.what else {
        return None;
    };
    let table = cx.flow.table_names.get(src);
    let direct = first.path.is_empty() || place == first.site;
    let holder = via.map(|(m, _)| model_name(cx.ix, m));
    let target = model.map(|m| model_name(cx.ix, m));
    let subject = match (via, target) {
        (Some((_, relation)), _) => format!("`{relation}` of `{}`", holder.unwrap_or_default()),
        (None, Some(target)) => format!("`{target}`"),
        (None, None) => table.map_or_else(|| "the database".to_owned(), |t| format!("the table `{t}`")),
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
            format!("this call sends {distinct} queries per turn of the loop, the first on {subject}")
        }
        (_, _, false) => format!("this call queries {subject} once per turn of the loop"),
    };
    let mut finding = cx.finding(rule, place, owner_of(first), message);
    if let Some(at) = first.loops.last().and_then(|l| cx.flow.values.loop_span(*l)).filter(|_| !direct) {
        step(&mut finding.steps, at, "the loop is here");
    }
    if direct && let Some(at) = first.loops.first().and_then(|l| cx.flow.values.loop_span(*l)) {
        step(&mut finding.steps, at, "the loop is here");
    }
    for call in first.path.iter().rev().skip(1) {
        step(&mut finding.steps, *call, "which calls this");
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
    finding.help = help(cx, rule, kind, *via, *model, *flags);
    let depth = first.path.len();
    if depth > 2 {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    Some(finding)
}

fn owner_of(event: &Event) -> crate::index::FnRef {
    event.owner
}

fn help(
    cx: &CheckContext<'_>,
    rule: &str,
    kind: &Statement,
    via: Option<(crate::index::ModelId, Name)>,
    model: Option<crate::index::ModelId>,
    _flags: u16,
) -> String {
    let dialect = via.map(|(m, _)| m).or(model).map(|m| cx.ix.model(m).dialect);
    let word = |key: &str| dialect.and_then(|d| cx.ix.packs.word(d, key)).map(|w| w.as_str().to_owned());
    match (rule, kind, via) {
        ("defeated-eager-load", _, Some((_, relation))) => {
            format!("use the rows of `{relation}` that are loaded already, or load them with the condition")
        }
        ("write-in-loop", ..) => "collect the rows and write them with one statement after the loop".to_owned(),
        (_, Statement::Load, _) => "load the relations once for the whole collection, before the loop".to_owned(),
        (_, Statement::Aggregate, Some((_, relation))) => match word("count-help") {
            Some(code) => format!("let the query compute it for all rows: `{}`", code.replace("{relation}", relation.as_str())),
            None => "let the query compute it for all rows".to_owned(),
        },
        (_, _, Some((m, relation))) => match super::wording::eager_code(cx.ix, m, &[relation]) {
            Some(code) => format!("load it with the query, `{code}`, and filter the loaded rows"),
            None => "load it with the query and filter the loaded rows".to_owned(),
        },
        _ => word("batch-help").unwrap_or_else(|| "collect the keys first and query once, outside the loop".to_owned()),
    }
}
