//! Which findings name one read? Several queries may feed it, from several loops: a reader sees one place to mend.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::step;
use crate::base::{Name, Span};
use crate::findings::{Edit, Finding, Fix};
use crate::index::ModelId;

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
}

/// Findings in order, those of one read as one: the shortest way leads, the other queries are named.
pub(super) fn merge(reported: Vec<Reported>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reads: BTreeMap<(Span, ModelId, Name), Vec<Reported>> = BTreeMap::new();
    for one in reported {
        match one.read {
            Some(read) => reads.entry(read).or_default().push(one),
            None => findings.push(one.finding),
        }
    }
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

/// The cure of both: one of them alone leaves the other query as it is.
fn both(one: Option<Fix>, other: Option<Fix>) -> Option<Fix> {
    let (mut one, other) = (one?, other?);
    let new: Vec<Edit> = other.edits.into_iter().filter(|edit| !one.edits.contains(edit)).collect();
    one.edits.extend(new);
    one.is_safe &= other.is_safe;
    Some(one)
}
