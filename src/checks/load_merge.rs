//! Which findings have one place to mend? Several queries may feed one read; what a serializer reads of the rows of one query
//! may be many relations.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::load_help::{BY_HINT, as_hints, joins_help};
use super::step;
use crate::base::{Name, Span};
use crate::findings::{Confidence, Edit, Finding, Fix, Step};
use crate::index::ModelId;

/// What follows where reading is no slow way but no way at all.
pub(super) const RAISES: &str = "; in an asynchronous session that read raises";
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
    /// The model of those rows, and the way from them.
    pub way: (ModelId, Vec<Name>),
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
    /// The rows come from a field of a graph.
    pub is_hinted: bool,
    /// What an attribute of the class that lists the rows has to name, in words.
    pub named_by_class: Option<Name>,
    /// Where the last relation is read, in words.
    pub read: Step,
    /// Is the query known, not only where a row comes in?
    pub has_query: bool,
    /// Does the read raise in the session of these rows?
    pub raises: bool,
    /// Where a query that serves other models, too, is to be given what it lacks.
    pub hint: Option<String>,
    /// The expression of which the query is one way among others, or the query.
    pub place: Span,
}

/// Findings in order, those of one read as one: the shortest way leads, the other queries are named.
pub(super) fn merge(reported: Vec<Reported>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reads: BTreeMap<(Span, ModelId, Name), Vec<Reported>> = BTreeMap::new();
    let mut served: BTreeMap<(Span, &'static str), Vec<(Served, Finding)>> = BTreeMap::new();
    for one in reported {
        match (one.read, one.origin, one.served) {
            (Some(read), _, _) => reads.entry(read).or_default().push(Reported { served: None, ..one }),
            (None, Some(_), Some(part)) if one.finding.confidence > Confidence::Low => {
                served.entry((part.place, part.root)).or_default().push((part, one.finding));
            }
            _ => findings.push(one.finding),
        }
    }
    findings.extend(served.into_iter().filter_map(|((_, root), all)| together(root, all)));
    for (_, mut ways) in reads {
        // The sort is stable: ways of one length stay in the order in which they were found.
        ways.sort_by_key(|way| (Reverse(way.finding.level), !way.is_query, way.finding.steps.len()));
        let mut ways = ways.into_iter();
        let Some(first) = ways.next() else { continue };
        let mut named: Vec<Span> = first.origin.into_iter().collect();
        let lead = first.way;
        let mut finding = first.finding;
        let (mut more, mut elsewhere) = (0, 0);
        for way in ways {
            finding.confidence = finding.confidence.max(way.finding.confidence);
            let Some(at) = way.origin.filter(|at| way.is_query && !named.contains(at)) else { continue };
            named.push(at);
            more += 1;
            // From other rows another way leads to the relation.
            elsewhere += usize::from(way.way != lead);
            finding.fix = both(finding.fix.take(), way.finding.fix);
            if more <= MAX_QUERIES && at != finding.span {
                step(&mut finding.steps, at, "rows of this query come here, too");
            }
        }
        if more > 0 {
            let raises = finding.message.strip_suffix(RAISES).map(str::len);
            finding
                .message
                .insert_str(raises.unwrap_or(finding.message.len()), &format!(", for the rows of {} queries", more + 1));
        }
        match more - elsewhere {
            0 => (),
            1 => finding.help.push_str("; likewise at the other query whose rows come here"),
            n => finding.help.push_str(&format!("; likewise at the {n} other queries whose rows come here")),
        }
        match elsewhere {
            0 => (),
            1 => finding.help.push_str("; at the query of other rows that leads here, too, by the way from those"),
            n => finding.help.push_str(&format!("; at the {n} queries of other rows that lead here, too, by the way from those")),
        }
        findings.push(finding);
    }
    findings
}

/// Relations that one query leaves out and one framework reads of each of its rows, as one finding.
fn together(root: &'static str, mut all: Vec<(Served, Finding)>) -> Option<Finding> {
    all.sort_by_cached_key(|(part, finding)| (Reverse(finding.level), part.path.matches('.').count(), part.path.clone()));
    all.dedup_by(|b, a| a.0.path == b.0.path);
    let (parts, findings): (Vec<Served>, Vec<Finding>) = all.into_iter().unzip();
    let mut findings = findings.into_iter();
    let mut finding = findings.next()?;
    let [first, .., _] = parts.as_slice() else { return Some(finding) };
    let paths: Vec<&str> = parts.iter().map(|part| part.path.as_str()).collect();
    let mut listed: Vec<String> = paths.iter().take(MAX_PATHS).map(|p| format!("`{p}`")).collect();
    if paths.len() > MAX_PATHS {
        listed.push(format!("{} more", paths.len() - MAX_PATHS));
    }
    let last = listed.pop()?;
    let raises = if first.raises { RAISES } else { "" };
    finding.message =
        format!("{} and {last} are loaded once per row when these rows of `{root}` are serialized{raises}", listed.join(", "));
    finding.help = help_of(&parts, first.has_query);
    if let Some(hint) = &first.hint
        && first.joins.is_none()
    {
        finding.help.push_str(hint);
    }
    finding.subject.relation = Some(paths.join(", "));
    finding.cost = format!("1 + {} × N queries, N = rows of `{root}`", paths.len());
    for (i, (part, other)) in parts.iter().skip(1).zip(findings).enumerate() {
        finding.confidence = finding.confidence.max(other.confidence);
        finding.fix = both(finding.fix.take(), other.fix);
        if i < MAX_PATHS && part.read.span != finding.span {
            step(&mut finding.steps, part.read.span, part.read.message.clone());
        }
    }
    // Edits at one place get in each other's way.
    let is_tangled = |fix: &Fix| {
        let touches = |a: &Edit, b: &Edit| {
            a.span.file == b.span.file && a.span.range.start <= b.span.range.end && b.span.range.start <= a.span.range.end
        };
        fix.edits.iter().enumerate().any(|(i, a)| fix.edits[..i].iter().any(|b| touches(a, b)))
    };
    finding.fix = finding.fix.filter(|fix| !is_tangled(fix));
    Some(finding)
}

/// What loads all of them.
fn help_of(parts: &[Served], has_query: bool) -> String {
    let mut joins: Option<(Name, Vec<String>)> = None;
    for (attr, names) in parts.iter().filter_map(|part| part.joins.as_ref()) {
        let (_, known) = joins.get_or_insert_with(|| (*attr, Vec::new()));
        let new: Vec<String> = names.iter().filter(|n| !known.contains(n)).cloned().collect();
        known.extend(new);
    }
    if let Some((attr, names)) = joins {
        return joins_help(attr, &names);
    }
    let is_deepest = |part: &&Served| {
        let is_below = |other: &Served| other.path.strip_prefix(&part.path).is_some_and(|rest| rest.starts_with('.'));
        !parts.iter().any(is_below)
    };
    let codes: Vec<&str> = parts.iter().filter(is_deepest).filter_map(|part| part.code.as_deref()).collect();
    if let Some(help) = parts.iter().find_map(|part| part.named_by_class) {
        let paths: Vec<&str> = parts.iter().filter(is_deepest).take(MAX_PATHS).map(|part| part.path.as_str()).collect();
        return help
            .as_str()
            .replacen("it", "them", 1)
            .replace("{path}", &paths.join("', '"))
            .replace("{code}", &one_call(&codes).unwrap_or_default());
    }
    let place = if has_query { "with the query" } else { "with the query that gives these rows" };
    // What is cut off is no code.
    let more = match codes.len().saturating_sub(MAX_PATHS) {
        0 => String::new(),
        n => format!(", and {n} more in the same way"),
    };
    match one_call(&codes) {
        Some(code) if parts.iter().any(|part| part.is_hinted) => format!("load them {BY_HINT}: `{}`{more}", as_hints(&code)),
        Some(code) => format!("load them {place}: `{code}`{more}"),
        None => format!("load them {place}"),
    }
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
    let text: Vec<String> = calls.iter().map(|(method, args)| format!("{method}({})", args.join(", "))).collect();
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
