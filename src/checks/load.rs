//! Which relations and columns are loaded once per row?

use std::collections::BTreeMap;

use super::ending::{ends_its_rows, leaves_at_first};
use super::load_barren::of_own_row;
use super::load_help::{Reads, cure, in_administration, is_hinted, named_by_class, shared_query};
use super::load_merge::{RAISES, Reported, Served, merge};
use super::wording::{eager_code, model_name, path_text};
use super::{CheckContext, step};
use crate::base::{FileId, Name, Span};
use crate::facts::Expr;
use crate::findings::{Confidence, Finding, Level, Step};
use crate::flow::value::{LoopId, Source};
use crate::flow::{Event, What};
use crate::index::{FnRef, ModelId};

/// What a framework reads at the end of a longer chain of relations is not worth a word of its own.
const MAX_CHAIN: usize = 3;
/// At most so many further reads of a relation are listed.
const MAX_OTHERS: usize = 6;

/// Reads of one relation in one loop, of rows from one place.
struct Group<'e> {
    model: ModelId,
    path: Vec<Name>,
    origin: Source,
    /// In the order in which they happen.
    events: Vec<(usize, &'e Event)>,
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
    for (order, event) in cx.flow.events.iter().enumerate() {
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
        // What a framework reads of the rows of a query is one fault of that query, wherever it is read; once a turn of a loop
        // has loaded a relation, the others of the turn find it in memory.
        let site = match origin {
            Source::Query(_) if framework && !column => Site::Anywhere,
            _ if framework => Site::At(event.owner, event.path.last().copied()),
            _ if column => Site::At(event.owner, None),
            _ => Site::In(event.needs),
        };
        let key = (origin_span(origin), site, path.clone(), column, cx.flow.values.root_model(src));
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
            // Rows of several models may come from one query.
            root: cx.flow.values.root_model(src).filter(|m| from > 0 || cx.ix.model(*m).relations.contains_key(&name)),
        });
        group.events.push((order, event));
    }
    merge_prefixes(&mut groups);
    let reported = groups.into_values().map(|group| report(cx, group)).collect();
    findings.extend(super::one_place::same_rows(
        super::one_place::same_place(merge(reported), "missing-eager-load"),
        "lazy-load-in-loop",
    ));
}

/// Where reads count as the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    Anywhere,
    In(LoopId),
    At(FnRef, Option<Span>),
}

type Key = (Option<Span>, Site, Vec<Name>, bool, Option<ModelId>);

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
        let Some(short) = groups.get(key).filter(|_| !key.3) else { continue };
        let owners: Vec<FnRef> = short.events.iter().map(|(_, e)| e.owner).collect();
        // The longer one may be read in a loop over what the shorter one loads.
        let is_beside = |k: &Key, group: &Group<'_>| {
            k.1 == key.1
                || matches!((k.1, key.1), (Site::In(_), Site::In(_)))
                    && group.events.iter().any(|(_, e)| owners.contains(&e.owner))
        };
        let longer = keys.iter().find(|k| {
            k.0 == key.0
                && k.3 == key.3
                && k.4 == key.4
                && k.2.len() > key.2.len()
                && k.2.starts_with(&key.2)
                && groups.get(*k).is_some_and(|group| is_beside(k, group))
        });
        if let Some(longer) = longer.cloned()
            && let Some(short) = groups.remove(key)
            && let Some(long) = groups.get_mut(&longer)
        {
            long.events.extend(short.events);
            long.from = long.from.min(short.from);
        }
    }
}

fn report(cx: &CheckContext<'_>, group: Group<'_>) -> Reported {
    let mut events = group.events;
    events.sort_by_key(|(order, _)| *order);
    let events: Vec<&Event> = events.into_iter().map(|(_, event)| event).collect();
    let ix = cx.ix;
    let models = models_on(cx, &group.path, group.root, group.model);
    // What is read per row begins after the last relation to many that stands above the loop.
    let many = |i: usize| models[i].and_then(|m| ix.model(m).relations.get(&group.path[i])).is_some_and(|r| r.many);
    let from = (group.from..group.path.len() - 1).rev().find(|i| many(*i)).map_or(group.from, |i| i + 1);
    let from = if events.len() == 1 { group.path.len() - 1 } else { from };
    // The first read of what the message names.
    let first = events.iter().copied().find(|e| above(cx, e) >= from).unwrap_or(events[0]);
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
    // A session that knows its rows asks for each of the rows at the other end once.
    let shared = models.last().copied().flatten().filter(|_| !group.column && !group.never).and_then(|m| {
        let relation = ix.model(m).relations.get(&last).filter(|r| !r.many && r.key_column.is_some())?;
        ix.packs.word(ix.model(m).dialect, "identity-map")?;
        relation.target
    });
    let message = match shared {
        Some(target) if group.framework => {
            format!("`{read}` is loaded when these rows are serialized, once for each `{}`", model_name(ix, target))
        }
        Some(target) => {
            format!("`{read}` is loaded in this loop, once for each `{}` that its rows lead to", model_name(ix, target))
        }
        None => message,
    };
    let raises = !group.never && matches!(group.origin, Source::Query(at) if cx.flow.async_queries.contains(&at));
    let message = if raises { format!("{message}{RAISES}") } else { message };
    let origin = origin_span(group.origin);
    let mut span = first.site;
    if group.framework
        && let Source::Query(at) = group.origin
    {
        span = at;
    }
    let mut finding = cx.finding(rule, span, first.owner, message);
    if span != first.site {
        finding.label = "the rows come from this query";
    }
    match group.origin {
        Source::Query(at) => step(&mut finding.steps, at, "the rows come from this query"),
        Source::Declared(at) => step(&mut finding.steps, at, "the row comes in here"),
        _ => (),
    }
    let header = cx.flow.values.loop_span(first.needs);
    for call in first.path.iter().rev().filter(|call| Some(**call) != header) {
        step(&mut finding.steps, *call, "handed on here");
    }
    if let Some(at) = header {
        let message = if group.framework { "each row is serialized here" } else { "looped over here" };
        step(&mut finding.steps, at, message);
    }
    let read_here = format!("`{last}` is read here");
    if group.framework {
        step(&mut finding.steps, first.site, read_here.clone());
    }
    let mut lines = vec![line(cx, first.site)];
    for event in &events {
        let at = line(cx, event.site);
        if lines.len() <= MAX_OTHERS && !lines.contains(&at) {
            lines.push(at);
            step(&mut finding.steps, event.site, "also read here");
        }
    }
    finding.steps.retain(|s| s.span != span);
    finding.subject.model = Some(ix.model(group.model).name.to_string());
    finding.subject.relation = Some(if group.column { last.to_string() } else { relation.clone() });
    finding.cost = format!("1 + N queries, N = rows of `{reader}`");
    // In a template, or where the rows came in, the whole way is known by name; far from there only what the loop runs over.
    let is_far = header.is_some_and(|at| {
        let ways = first.path.iter().chain([&at]).map(|at| cx.function_at(*at));
        let origin = origin.and_then(|at| cx.function_at(at));
        !ix.file(at.file).language.is_template() && !ways.into_iter().any(|f| f == origin)
    });
    let near = models[from].unwrap_or(group.model);
    let reads = Reads { origin: group.origin, root, model: group.model, path: &group.path, events: &events, near, from, is_far };
    if group.column {
        finding.help = format!("add `{last}` to the columns that the query loads");
    } else {
        (finding.help, finding.fix) = cure(cx, &reads);
    }
    // A template that a command fills is looped over elsewhere than where its rows are asked for.
    let is_by_hand = matches!(group.origin, Source::Query(at) if cx.is_run_by_hand(at));
    let is_idle = header.is_some_and(|at| cx.mentions.is_never_turned(cx, at));
    if is_by_hand || is_idle || header.is_some_and(|at| cx.is_run_by_hand(at) || ends_its_rows(cx, at) || leaves_at_first(cx, at))
    {
        finding.level = Level::Note;
    }
    if events.iter().all(|e| e.is_switched_off) {
        finding.level = Level::Note;
    }
    if deletes_before(cx, first, models.last().copied().flatten(), last) {
        finding.level = Level::Note;
    }
    // Far away, there are few of them more often than not.
    if shared.is_some() && group.framework && !raises {
        match group.path.len() {
            1 => (),
            2 => finding.level = Level::Note,
            _ => finding.confidence = Confidence::Low,
        }
    }
    // A chain that comes back to a model is read by serializers that name each other.
    let comes_back = models.iter().enumerate().any(|(i, m)| models[..i].contains(m));
    let is_long = group.path.len() > MAX_CHAIN && (comes_back || group.path.len() - group.from > MAX_CHAIN);
    if group.framework && !raises && is_long {
        finding.confidence = Confidence::Low;
    }
    if first.path.len() > 3 || origin.is_none() {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    let read = (!group.framework).then_some((first.site, group.model, last));
    let is_query = matches!(group.origin, Source::Query(_));
    let is_served = group.framework && origin.is_some() && !group.column && !group.never;
    // One that no query can load has a cure of its own.
    let served = (is_served && of_own_row(cx, &reads).is_none()).then(|| Served {
        path: relation,
        root: model_name(ix, root),
        code: eager_code(ix, root, &group.path),
        joins: in_administration(cx, &reads),
        is_hinted: is_hinted(cx, group.origin),
        named_by_class: named_by_class(cx, group.origin),
        read: Step { span: first.site, message: read_here },
        has_query: is_query,
        raises,
        hint: shared_query(cx, &reads),
        place: origin.map_or(span, |at| choice_around(cx, at)),
    });
    let way = (root, group.path);
    Reported { finding, read, origin, is_query, way, served }
}

/// The choice between two values of which a place is one, or the place: `a.query if … else session.query(a)`.
fn choice_around(cx: &CheckContext<'_>, at: Span) -> Span {
    let Some(f) = cx.function_at(at) else { return at };
    let body = &cx.ix.function(f).body;
    let choices = body.exprs.iter().zip(&body.ranges).filter(|(e, r)| matches!(e, Expr::Ternary { .. }) && r.contains(at.range));
    choices.map(|(_, range)| Span { file: at.file, range: *range }).next().unwrap_or(at)
}

/// Are rows of the model that a relation leads to deleted before it is read? Loaded ahead, they would be in it.
fn deletes_before(cx: &CheckContext<'_>, read: &Event, model: Option<ModelId>, relation: Name) -> bool {
    let Some(model) = model else { return false };
    let data = cx.ix.model(model);
    let Some(deletes) = cx.ix.packs.word(data.dialect, "row-deletes") else { return false };
    let Some(target) = data.relations.get(&relation).and_then(|r| r.target) else { return false };
    cx.flow.events.iter().any(|event| match &event.what {
        What::Statement { method, model, .. } => {
            event.owner == read.owner
                && *model == Some(target)
                && deletes.has_word(method.as_str())
                && event.site.range.end <= read.site.range.start
        }
        _ => false,
    })
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

/// How many relations stand above what an event reads.
fn above(cx: &CheckContext<'_>, event: &Event) -> usize {
    match &event.what {
        What::Read { src, .. } | What::Column { src, .. } => cx.flow.values.root_source(*src).1.len(),
        _ => 0,
    }
}

/// The line of a place: reads on one line are one place to a reader.
fn line(cx: &CheckContext<'_>, at: Span) -> (FileId, usize) {
    (at.file, cx.ix.sources.file(at.file).lines.line(at.range.start))
}
