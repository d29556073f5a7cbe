//! Which findings are one thing said at many places? Who mends one of them mends, or sees, the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::step;
use crate::base::{Name, Span};
use crate::findings::{Finding, Level};

/// So many relations asked the same way by one function are one finding.
const MANY_RELATIONS: usize = 4;
/// At most so many names are written out.
const MAX_NAMES: usize = 8;
/// At most so many further places are named.
const MAX_PLACES: usize = 12;

/// Reads at one place that are reached from rows of several queries, as one finding.
pub(super) fn same_place(findings: Vec<Finding>, rule: &str) -> Vec<Finding> {
    let mut kept = Vec::new();
    let mut places: BTreeMap<(Span, Option<String>), Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        if finding.rule.as_str() == rule {
            let last = finding.subject.model.clone();
            places.entry((finding.span, last)).or_default().push(finding);
        } else {
            kept.push(finding);
        }
    }
    for (_, mut ways) in places {
        // The longest list says most; the sort is stable.
        let listed = |f: &Finding| f.subject.relation.as_deref().map_or(0, |r| r.matches(',').count());
        ways.sort_by_key(|f| (Reverse(f.level), Reverse(f.confidence), Reverse(listed(f))));
        let mut ways = ways.into_iter();
        let Some(mut finding) = ways.next() else { continue };
        let others: Vec<Finding> = ways.collect();
        if !others.is_empty() {
            finding.fix = None;
            match others.len() {
                1 => finding.help.push_str("; likewise at the other place whose rows come here"),
                n => finding.help.push_str(&format!("; likewise at the {n} other places whose rows come here")),
            }
        }
        let mut places: Vec<Span> = Vec::new();
        for other in &others {
            let Some(from) = other.steps.iter().find(|s| !finding.steps.iter().any(|own| own.span == s.span)) else { continue };
            if places.len() < MAX_PLACES && !places.contains(&from.span) && from.span != finding.span {
                places.push(from.span);
            }
        }
        for at in places {
            step(&mut finding.steps, at, "rows come here this way, too");
        }
        kept.push(finding);
    }
    kept
}

/// Reads of one relation that one function makes in several loops over the rows of one query, as one finding: one eager load
/// cures them all.
pub(super) fn same_rows(findings: Vec<Finding>, rule: &str) -> Vec<Finding> {
    type Read = (crate::base::FileId, String, Option<String>, String, Span);
    let mut first: BTreeMap<Read, usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    let mut findings = findings;
    findings.sort_by_key(|f| f.span);
    for finding in findings {
        let origin = finding.steps.first().map(|s| s.span).filter(|at| *at != finding.span);
        let (Some(relation), Some(origin)) = (finding.subject.relation.clone(), origin) else {
            kept.push(finding);
            continue;
        };
        if finding.rule.as_str() != rule {
            kept.push(finding);
            continue;
        }
        let key = (finding.span.file, finding.owner.clone(), finding.subject.model.clone(), relation, origin);
        match first.get(&key).and_then(|at| kept.get_mut(*at)) {
            Some(before) if before.level == finding.level && before.help == finding.help => {
                before.confidence = before.confidence.max(finding.confidence);
                if before.steps.len() < MAX_PLACES {
                    step(&mut before.steps, finding.span, "also read here");
                }
            }
            _ => {
                first.insert(key, kept.len());
                kept.push(finding);
            }
        }
    }
    kept
}

/// What one expression asks of one relation, as one finding: where a method of the program's own stands between, it may load or
/// query, and what it queries is what remains after an eager load.
pub(super) fn same_expression(findings: &mut Vec<Finding>) {
    const ASKS: &[&str] = &["lazy-load-in-loop", "query-in-loop"];
    type Place = (Span, Option<String>, String);
    let place = |f: &Finding| -> Option<Place> {
        let relation = f.subject.relation.clone()?;
        ASKS.contains(&f.rule.as_str()).then(|| (f.span, f.subject.model.clone(), relation))
    };
    let weight = |f: &Finding| (f.level, f.rule.as_str() == ASKS[1], f.confidence, f.steps.len());
    let mut best: BTreeMap<Place, usize> = BTreeMap::new();
    for (i, finding) in findings.iter().enumerate() {
        let Some(at) = place(finding) else { continue };
        let kept = best.entry(at).or_insert(i);
        if weight(finding) > weight(&findings[*kept]) {
            *kept = i;
        }
    }
    let mut at = 0;
    findings.retain(|finding| {
        at += 1;
        place(finding).is_none_or(|p| best.get(&p) == Some(&(at - 1)))
    });
}

/// Relations of one row that one function asks one after the other with the same method, as one finding.
pub(super) fn same_question(findings: Vec<Finding>) -> Vec<Finding> {
    type Asked = (Name, String, String, Option<String>, Level);
    let mut kept = Vec::new();
    let mut asked: BTreeMap<Asked, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        match (&finding.subject.method, &finding.subject.model, &finding.subject.relation) {
            (Some(method), Some(model), Some(_)) if finding.rule.as_str() == "query-in-loop" => {
                let first = finding.steps.first().map(|s| format!("{:?}", s.span));
                let key = (finding.rule, format!("{}:{method}", finding.owner), model.clone(), first, finding.level);
                asked.entry(key).or_default().push(finding);
            }
            _ => kept.push(finding),
        }
    }
    for (_, mut all) in asked {
        all.sort_by_key(|f| f.span);
        let mut names: Vec<String> = all.iter().filter_map(|f| f.subject.relation.clone()).collect();
        names.sort();
        names.dedup();
        if names.len() < MANY_RELATIONS || names.len() < all.len() {
            kept.extend(all);
            continue;
        }
        let mut all = all.into_iter();
        let Some(mut finding) = all.next() else { continue };
        let model = finding.subject.model.as_deref().map_or("", last_part).to_owned();
        let method = finding.subject.method.clone().unwrap_or_default();
        let others: Vec<Finding> = all.collect();
        let mut listed: Vec<String> = std::iter::once(&finding)
            .chain(&others)
            .filter_map(|f| f.subject.relation.as_deref())
            .take(MAX_NAMES)
            .map(|r| format!("`{r}`"))
            .collect();
        let count = others.len() + 1;
        if count > MAX_NAMES {
            listed.push("…".to_owned());
        }
        finding.message =
            format!("`{method}` queries {count} relations of `{model}` ({}) once each per turn of this loop", listed.join(", "));
        finding.help.push_str("; likewise for the others");
        finding.cost = format!("{count} queries per turn of the loop");
        finding.fix = None;
        for other in others.iter().take(MAX_PLACES) {
            step(&mut finding.steps, other.span, "and asked here");
        }
        kept.push(finding);
    }
    kept
}

/// The name of a class without its name space.
fn last_part(name: &str) -> &str {
    name.rsplit(['\\', '.']).next().unwrap_or(name)
}
