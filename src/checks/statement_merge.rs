//! Which findings name one statement? A helper that is called from many loops is one place to mend.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::step;
use crate::base::Span;
use crate::findings::Finding;

/// A statement reached from at least so many loops is reported where it is sent.
const MANY: usize = 3;
/// At most so many loops are named.
const MAX_LOOPS: usize = 6;

/// A finding with the statement that it is about.
pub(super) struct Reported {
    /// The finding, at the call in the loop or at the statement.
    pub finding: Finding,
    /// Where the statement is sent.
    pub site: Span,
    /// The function that sends it.
    pub owner: String,
    /// What is asked, for the message.
    pub asked: String,
    /// Does the finding stand at the statement?
    pub is_direct: bool,
    /// The loop.
    pub header: Option<Span>,
}

/// Findings in order, those of one statement reached from many loops as one.
pub(super) fn merge(reported: Vec<Reported>) -> Vec<Finding> {
    // A repository's method asks for rows of many models: each is another thing to mend.
    let mut by_site: BTreeMap<(crate::base::Name, Span, String), Vec<Reported>> = BTreeMap::new();
    let mut findings = Vec::new();
    for one in reported {
        if one.is_direct {
            findings.push(one.finding);
        } else {
            by_site.entry((one.finding.rule, one.site, one.asked.clone())).or_default().push(one);
        }
    }
    for ((_, site, _), mut ways) in by_site {
        ways.sort_by_key(|way| (Reverse(way.finding.level), Reverse(way.finding.confidence), way.finding.steps.len()));
        // A loop that comes here on several ways is one loop.
        let count = ways.iter().map(|way| way.header.unwrap_or(way.finding.span)).collect::<BTreeSet<Span>>().len();
        if count < MANY {
            findings.extend(by_loop(ways));
            continue;
        }
        let mut ways = ways.into_iter();
        let Some(first) = ways.next() else { continue };
        let mut finding = first.finding;
        finding.message = format!("{} is asked once per turn of {count} loops that come here", first.asked);
        let steps = std::mem::take(&mut finding.steps);
        step(&mut finding.steps, finding.span, "called in a loop here");
        finding.steps.extend(steps.into_iter().filter(|s| s.span != site));
        for way in ways.take(MAX_LOOPS) {
            step(&mut finding.steps, way.finding.span, "and here");
        }
        finding.span = site;
        finding.owner = first.owner;
        finding.fix = None;
        findings.push(finding);
    }
    findings
}

/// One finding for each loop: the first way leads, the others are named.
fn by_loop(ways: Vec<Reported>) -> Vec<Finding> {
    let mut found: Vec<(Option<Span>, Finding)> = Vec::new();
    for way in ways {
        match found.iter_mut().find(|(header, _)| header.is_some() && *header == way.header) {
            Some((_, finding)) => step(&mut finding.steps, way.finding.span, "and here"),
            None => found.push((way.header, way.finding)),
        }
    }
    found.into_iter().map(|(_, finding)| finding).collect()
}
