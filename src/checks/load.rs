//! Which relations and columns are loaded once per row?

use std::collections::BTreeMap;

use super::wording::{eager_code, late_code, model_name, path_text};
use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::facts::FnId;
use crate::findings::{Confidence, Finding};
use crate::flow::value::Source;
use crate::flow::{Event, What};
use crate::index::{FnRef, ModelId};

/// Reads of one relation in one function, of rows from one place.
struct Group<'e> {
    model: ModelId,
    path: Vec<Name>,
    origin: Source,
    events: Vec<&'e Event>,
    never: bool,
    column: bool,
    framework: bool,
    /// How much of the path is loaded: what is missing begins here.
    from: usize,
    /// The model of the rows that the path starts from.
    root: Option<ModelId>,
}

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<Key, Group<'_>> = BTreeMap::new();
    for event in &cx.flow.events {
        let (model, name, src, never, column) = match &event.what {
            What::Read { model, relation, src, never } => (*model, *relation, *src, *never, false),
            What::Column { model, column, src } => (*model, *column, *src, false, true),
            _ => continue,
        };
        // A relation read on a row loads it for all its peers.
        if !column && !never && cx.flow.autoloads.contains(&cx.ix.model(model).dialect) {
            continue;
        }
        let (origin, mut path) = cx.flow.values.root_source(src);
        path.push(name);
        let framework = event.loops.iter().any(|l| *l == event.needs && cx.flow.framework_loops.contains(l));
        // What a framework reads of the rows of a query is one fault of that query, wherever it is read.
        let (owner, site) = match origin {
            Source::Query(at) if framework && !column => (FnRef { file: at.file, id: FnId(0) }, None),
            _ => (event.owner, framework.then_some(event.path.last().copied()).flatten()),
        };
        let key = (owner, origin_span(origin), path.clone(), column, site);
        let from = path.len() - 1;
        let group = groups.entry(key).or_insert_with(|| Group {
            model,
            path,
            origin,
            events: Vec::new(),
            never,
            column,
            framework,
            from,
            root: cx.flow.values.root_model(src),
        });
        group.events.push(event);
    }
    merge_prefixes(&mut groups);
    findings.extend(groups.into_values().map(|group| report(cx, group)));
}

type Key = (FnRef, Option<Span>, Vec<Name>, bool, Option<Span>);

fn origin_span(origin: Source) -> Option<Span> {
    match origin {
        Source::Query(span) | Source::Declared(span) | Source::Fresh(span) => Some(span),
        Source::Relation(..) | Source::Ambient => None,
    }
}

/// `row.a.b` with nothing loaded is one fault: the longer path says it all.
fn merge_prefixes(groups: &mut BTreeMap<Key, Group<'_>>) {
    let keys: Vec<Key> = groups.keys().cloned().collect();
    for key in &keys {
        if key.3 {
            continue;
        }
        let longer = keys.iter().find(|k| {
            k.0 == key.0
                && k.1 == key.1
                && k.4 == key.4
                && k.2.len() > key.2.len()
                && k.2.starts_with(&key.2)
                && groups.contains_key(*k)
        });
        if let Some(longer) = longer.cloned()
            && let Some(short) = groups.remove(key)
            && let Some(long) = groups.get_mut(&longer)
        {
            let mut events = short.events;
            events.append(&mut long.events);
            long.events = events;
            long.from = long.from.min(short.from);
        }
    }
}

fn report(cx: &CheckContext<'_>, group: Group<'_>) -> Finding {
    let mut events = group.events;
    events.sort_by_key(|e| (e.path.len(), e.site, e.path.to_vec()));
    let first = events[0];
    let ix = cx.ix;
    let models = models_on(cx, &group.path, group.root, group.model);
    // What is read per row begins after the last relation to many that stands above the loop.
    let many = |i: usize| models[i].and_then(|m| ix.model(m).relations.get(&group.path[i])).is_some_and(|r| r.many);
    let from = (group.from..group.path.len() - 1).rev().find(|i| many(*i)).map_or(group.from, |i| i + 1);
    let from = if events.len() == 1 { group.path.len() - 1 } else { from };
    let relation = path_text(&group.path);
    let read = path_text(&group.path[from..]);
    let reader = models[from].map_or_else(|| model_name(ix, group.model), |m| model_name(ix, m));
    let last = group.path.last().copied().unwrap_or_else(Name::empty);
    let root = models[0].unwrap_or(group.model);
    let rule = match (group.column, group.framework) {
        (true, _) => "deferred-column-in-loop",
        (false, true) => "missing-eager-load",
        (false, false) => "lazy-load-in-loop",
    };
    let holder = model_name(ix, group.model);
    let message = match (group.column, group.framework, group.never) {
        (true, _, _) => format!("the column `{last}` is loaded once per `{holder}` in this loop: the query left it out"),
        (false, _, true) => format!("`{last}` of `{holder}` is read here, but the query does not load it and reading never does"),
        (false, true, _) => {
            format!("`{read}` is loaded once per `{reader}` when these rows are serialized")
        }
        (false, false, _) => format!("`{read}` is loaded once per `{reader}` in this loop"),
    };
    let raises = !group.never && matches!(group.origin, Source::Query(at) if cx.flow.async_queries.contains(&at));
    let message = if raises { format!("{message}; in an asynchronous session that read raises") } else { message };
    let origin = origin_span(group.origin);
    let mut span = first.site;
    if group.framework
        && let Source::Query(at) = group.origin
    {
        span = at;
    }
    let mut finding = cx.finding(rule, span, first.owner, message);
    match group.origin {
        Source::Query(at) => step(&mut finding.steps, at, "the rows come from this query"),
        Source::Declared(at) => step(&mut finding.steps, at, "the row comes in here"),
        _ => (),
    }
    for call in first.path.iter().rev() {
        step(&mut finding.steps, *call, "handed on here");
    }
    if let Some(at) = cx.flow.values.loop_span(first.needs) {
        let message = if group.framework { "each row is serialized here" } else { "looped over here" };
        step(&mut finding.steps, at, message);
    }
    if group.framework {
        step(&mut finding.steps, first.site, format!("`{last}` is read here"));
    }
    let mut others: Vec<Span> = events.iter().map(|e| e.site).filter(|s| *s != first.site).collect();
    others.sort();
    others.dedup();
    for at in others.iter().take(6) {
        step(&mut finding.steps, *at, "also read here");
    }
    finding.steps.retain(|s| s.span != span);
    finding.subject.model = Some(ix.model(group.model).name.to_string());
    finding.subject.relation = Some(if group.column { last.to_string() } else { relation.clone() });
    finding.cost = format!("1 + N queries, N = rows of `{reader}`");
    finding.help = help(cx, &group.origin, root, &group.path, group.column, last);
    finding.fix = super::fix::of_load(cx, group.origin, root, &group.path, group.column, &events);
    if first.path.len() > 3 || origin.is_none() {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    finding
}

/// The model that has each relation of a path, from the first one on.
fn models_on(cx: &CheckContext<'_>, path: &[Name], first: Option<ModelId>, last: ModelId) -> Vec<Option<ModelId>> {
    let mut models = vec![first];
    for name in &path[..path.len() - 1] {
        let at = models.last().copied().flatten();
        models.push(at.and_then(|m| cx.ix.model(m).relations.get(name)).and_then(|r| r.target));
    }
    if let Some(end) = models.last_mut() {
        *end = Some(last);
    }
    models
}

fn help(cx: &CheckContext<'_>, origin: &Source, root: ModelId, path: &[Name], column: bool, last: Name) -> String {
    if column {
        return format!("add `{last}` to the columns that the query loads");
    }
    match origin {
        Source::Query(_) => match eager_code(cx.ix, root, path) {
            Some(code) => format!("load it with the query: `{code}`"),
            None => "load it with the query".to_owned(),
        },
        _ => match late_code(cx.ix, root, path).or_else(|| eager_code(cx.ix, root, path)) {
            Some(code) => format!("load it before the loop: `{code}`"),
            None => "load it before the loop".to_owned(),
        },
    }
}
