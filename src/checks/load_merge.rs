//! Which findings have one place to mend? Several queries may feed one read; what a serializer reads of the rows of one query
//! may be many relations.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::step;
use crate::base::{Name, Range, Span};
use crate::findings::{Confidence, Edit, Finding, Fix};
use crate::index::ModelId;

/// At most so many relations of one query are written out.
const MAX_PATHS: usize = 8;
/// At most so many further queries are named.
const MAX_QUERIES: usize = 6;

/// A finding with what it is about.
pub(super) struct Reported {
    /// The finding.
    pub finding: Finding,
    /// Where the relation is first read, its model and its name; nothing where the finding stands at the query itself.
    pub read: Option<(Span, ModelId, Name)>,
    /// Where the rows come from.
    pub origin: Option<Span>,
    /// Is that a query?
    pub is_query: bool,
    /// Relations that a framework reads of the rows of a query, from its rows on, and the code that loads them.
    pub served: Option<Served>,
}

/// What a serializer, a list or a response reads of each row of a query.
pub(super) struct Served {
    /// The relations from the rows of the query on.
    pub path: String,
    /// The model of those rows.
    pub root: &'static str,
    /// The code that loads them with the query, if the pack says it.
    pub code: Option<String>,
    /// The attribute of a class, and what it names, where that decides what is loaded.
    pub joins: Option<(Name, Vec<String>)>,
}

/// Findings in order, those of one read as one: the shortest way leads, the other queries are named.
pub(super) fn merge(reported: Vec<Reported>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reads: BTreeMap<(Span, ModelId, Name), Vec<Reported>> = BTreeMap::new();
    let mut served: BTreeMap<(Span, &'static str), Vec<Reported>> = BTreeMap::new();
    for one in reported {
        match (one.read, one.origin, one.served.as_ref().map(|s| s.root)) {
            (Some(read), ..) => reads.entry(read).or_default().push(one),
            (None, Some(at), Some(root)) if one.finding.confidence > Confidence::Low => {
                served.entry((at, root)).or_default().push(one);
            }
            _ => findings.push(one.finding),
        }
    }
    findings.extend(served.into_values().filter_map(together));
    for (_, mut ways) in reads {
        // The sort is stable: ways of one length stay in the order in which they were found.
        ways.sort_by_key(|way| (Reverse(way.finding.level), !way.is_query, way.finding.steps.len()));
        let mut ways = ways.into_iter();
        let Some(first) = ways.next() else { continue };
        let mut named: Vec<Span> = first.origin.into_iter().collect();
        let mut finding = first.finding;
        let mut more = 0;
        for way in ways {
            finding.confidence = finding.confidence.max(way.finding.confidence);
            let Some(at) = way.origin.filter(|at| way.is_query && !named.contains(at)) else { continue };
            named.push(at);
            more += 1;
            finding.fix = both(finding.fix.take(), way.finding.fix);
            if more <= MAX_QUERIES && at != finding.span {
                step(&mut finding.steps, at, "rows of this query come here, too");
            }
        }
        match more {
            0 => (),
            1 => finding.help.push_str("; likewise at the other query whose rows come here"),
            n => finding.help.push_str(&format!("; likewise at the {n} other queries whose rows come here")),
        }
        findings.push(finding);
    }
    findings
}

/// Relations that one query leaves out and one framework reads of each row, as one finding.
fn together(mut all: Vec<Reported>) -> Option<Finding> {
    let path_of = |one: &Reported| one.served.as_ref().map(|s| s.path.clone()).unwrap_or_default();
    all.sort_by_key(|one| (Reverse(one.finding.level), path_of(one).matches('.').count(), path_of(one)));
    all.dedup_by_key(|one| path_of(one));
    let paths: Vec<String> = all.iter().map(path_of).collect();
    let is_deepest = |path: &str| !paths.iter().any(|p| p.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
    let root = all.first()?.served.as_ref()?.root;
    if all.len() < 2 {
        return all.pop().map(|one| one.finding);
    }
    let place = if all.first()?.is_query { "with the query" } else { "with the query that gives these rows" };
    let codes: Vec<&str> = all
        .iter()
        .filter_map(|one| one.served.as_ref())
        .filter(|s| is_deepest(&s.path))
        .filter_map(|s| s.code.as_deref())
        .collect();
    let code = one_call(&codes);
    let mut joins: Option<(Name, Vec<String>)> = None;
    for (attr, names) in all.iter().filter_map(|one| one.served.as_ref()?.joins.as_ref()) {
        let (_, known) = joins.get_or_insert_with(|| (*attr, Vec::new()));
        names.iter().for_each(|n| {
            if !known.contains(n) {
                known.push(n.clone())
            }
        });
    }
    let mut listed: Vec<String> = paths.iter().take(MAX_PATHS).map(|p| format!("`{p}`")).collect();
    if paths.len() > MAX_PATHS {
        listed.push(format!("{} more", paths.len() - MAX_PATHS));
    }
    let last = listed.pop()?;
    let mut ways = all.into_iter();
    let mut finding = ways.next()?.finding;
    let raises = finding.message.split_once("; ").map(|(_, raises)| format!("; {raises}")).unwrap_or_default();
    finding.message =
        format!("{} and {last} are loaded once per row when these rows of `{root}` are serialized{raises}", listed.join(", "));
    finding.help = match code {
        _ if joins.is_some() => joins.map(|(attr, names)| super::load_help::joins_help(attr, &names)).unwrap_or_default(),
        Some(code) => format!("load them {place}: `{code}`"),
        None => format!("load them {place}"),
    };
    finding.subject.relation = Some(paths.join(", "));
    finding.cost = format!("1 + {} × N queries, N = rows of `{root}`", paths.len());
    for (i, way) in ways.enumerate() {
        finding.confidence = finding.confidence.max(way.finding.confidence);
        finding.fix = both(finding.fix.take(), way.finding.fix);
        if i < MAX_PATHS {
            let read = way.finding.steps.into_iter().rfind(|s| s.message.ends_with("is read here"));
            if let Some(read) = read {
                step(&mut finding.steps, read.span, read.message);
            }
        }
    }
    // Edits at one place get in each other's way.
    let is_tangled = finding.fix.as_ref().is_some_and(|fix| {
        fix.edits
            .iter()
            .enumerate()
            .any(|(i, a)| fix.edits[..i].iter().any(|b| a.span.file == b.span.file && touch(a.span.range, b.span.range)))
    });
    if is_tangled {
        finding.fix = None;
    }
    Some(finding)
}

fn touch(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

/// `with('a')` and `with('b')` as `with('a', 'b')`; calls of several names one after the other.
fn one_call(codes: &[&str]) -> Option<String> {
    let mut calls: Vec<(&str, Vec<&str>)> = Vec::new();
    for code in codes.iter().take(MAX_PATHS) {
        let (method, rest) = code.split_once('(')?;
        let args = rest.strip_suffix(')')?;
        match calls.iter_mut().find(|(m, _)| *m == method) {
            Some((_, all)) => all.push(args),
            None => calls.push((method, vec![args])),
        }
    }
    let mut text: Vec<String> = calls.iter().map(|(method, args)| format!("{method}({})", args.join(", "))).collect();
    if codes.len() > MAX_PATHS {
        text.push("…".to_owned());
    }
    (!text.is_empty()).then(|| text.join("."))
}

/// The cure of both: one of them alone leaves the other query as it is.
fn both(one: Option<Fix>, other: Option<Fix>) -> Option<Fix> {
    let (mut one, other) = (one?, other?);
    let new: Vec<Edit> = other.edits.into_iter().filter(|edit| !one.edits.contains(edit)).collect();
    one.edits.extend(new);
    one.is_safe &= other.is_safe;
    Some(one)
}
