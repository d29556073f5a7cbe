//! Which findings are new, and which are gone? Two runs compared by what their findings are about.
//!
//! In: what is remembered of an earlier run, and the findings of this one. The fingerprint decides; what is left over is matched
//! once more where a file has gone, since a file that gets a new name takes its findings along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Finding, Subject};
use crate::base::FileId;
use crate::source::SourceSet;

/// What is remembered of a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Known {
    /// Path from the root of the repository.
    pub path: String,
    /// Rule.
    pub rule: String,
    /// Function, class or template that holds it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is about, in short words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Identity.
    pub fingerprint: String,
}

impl Known {
    /// Remembers a finding; `place` is the folder checked, seen from the root.
    pub fn of(finding: &Finding, sources: &SourceSet, place: &str) -> Known {
        Known {
            path: format!("{place}{}", sources.file(finding.span.file).path),
            rule: finding.rule.to_string(),
            owner: finding.owner.clone(),
            about: about(&finding.subject),
            fingerprint: finding.fingerprint.clone(),
        }
    }

    /// The function, class or template that holds it; those of different files may have one name.
    fn holder(&self) -> (&str, &str) {
        (&self.path, &self.owner)
    }

    /// What stays the same when the file gets another name: its module or namespace is not part of it.
    fn kernel(&self) -> (&str, &str, &str) {
        let owner = self.owner.rsplit(['\\', '/', '.', ':']).next().unwrap_or_default();
        (&self.rule, owner, &self.about)
    }
}

/// The subject in short words.
fn about(subject: &Subject) -> String {
    let short = |name: &str| name.rsplit(['\\', '.']).next().unwrap_or_default().to_owned();
    let parts = [
        subject.model.as_deref().map(short),
        subject.relation.clone(),
        subject.table.clone(),
        subject.method.clone(),
        subject.client.as_deref().map(short),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What became of findings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// For each finding of now: which of the known ones it is.
    pub known_as: Vec<Option<usize>>,
    /// The known ones that are not found any more.
    pub gone: Vec<usize>,
}

/// What a run says of the time since an earlier revision.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// The revision, as it was asked for.
    pub since: String,
    /// Findings that are gone.
    pub mended: Vec<Known>,
    /// Functions and templates that send another number of queries per row than before.
    pub costs: Vec<Cost>,
    /// Lines that changed in the files that fixes touch, from 1, first and last.
    pub hunks: BTreeMap<FileId, Vec<(usize, usize)>>,
}

/// How many faults of a function or template each cost a query per row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Path from the root of the repository.
    pub path: String,
    /// The function, class or template.
    pub owner: String,
    /// At the earlier revision.
    pub before: usize,
    /// Now.
    pub after: usize,
}

impl Change {
    /// What became of the findings of an earlier run; `is_per_row` tells which rules find a query per row.
    pub fn between(
        known: &[Known],
        now: &[Known],
        compared: &Compared,
        since: &str,
        is_per_row: &dyn Fn(&str) -> bool,
    ) -> Change {
        let mended: Vec<Known> = compared.gone.iter().map(|at| known[*at].clone()).collect();
        let mut costs: BTreeMap<(&str, &str), Cost> = BTreeMap::new();
        let count = |entry: &Known| is_per_row(&entry.rule);
        for (entry, known_as) in now.iter().zip(&compared.known_as).filter(|(entry, _)| count(entry)) {
            let cost = costs.entry(entry.holder()).or_insert_with(|| Cost::of(entry));
            cost.after += 1;
            cost.before += usize::from(known_as.is_some());
        }
        for entry in mended.iter().filter(|entry| count(entry)) {
            costs.entry(entry.holder()).or_insert_with(|| Cost::of(entry)).before += 1;
        }
        let costs = costs.into_values().filter(|cost| cost.before != cost.after && !cost.owner.is_empty()).collect();
        Change { since: since.to_owned(), costs, mended, hunks: BTreeMap::new() }
    }
}

impl Cost {
    fn of(entry: &Known) -> Cost {
        Cost { path: entry.path.clone(), owner: entry.owner.clone(), before: 0, after: 0 }
    }
}

/// Compares. `is_there` tells whether a file, by its path from the root, is still there.
pub fn compare(known: &[Known], now: &[Known], is_there: &dyn Fn(&str) -> bool) -> Compared {
    let mut open: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, entry) in known.iter().enumerate().rev() {
        open.entry(&entry.fingerprint).or_default().push(at);
    }
    let mut known_as: Vec<Option<usize>> = now.iter().map(|finding| open.get_mut(finding.fingerprint.as_str())?.pop()).collect();
    let mut left: Vec<usize> = open.into_values().flatten().collect();
    left.sort_unstable();
    let mut moved: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for &at in left.iter().rev() {
        if !is_there(&known[at].path) {
            moved.entry(known[at].kernel()).or_default().push(at);
        }
    }
    for (finding, known_as) in now.iter().zip(&mut known_as) {
        if known_as.is_none() {
            *known_as = moved.get_mut(&finding.kernel()).and_then(Vec::pop);
        }
    }
    left.retain(|at| !known_as.contains(&Some(*at)));
    Compared { known_as, gone: left }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(path: &str, owner: &str, fingerprint: &str) -> Known {
        Known {
            path: path.to_owned(),
            rule: "lazy-load-in-loop".to_owned(),
            owner: owner.to_owned(),
            about: "Post author".to_owned(),
            fingerprint: fingerprint.to_owned(),
        }
    }

    #[test]
    fn the_fingerprint_decides_and_a_new_file_name_takes_findings_along() {
        let before = [known("a.py", "shop.a.f", "1"), known("b.py", "shop.b.g", "2"), known("c.py", "shop.c.h", "3")];
        let now = [known("a.py", "shop.a.f", "1"), known("moved/b.py", "shop.moved.b.g", "4"), known("c.py", "shop.c.h", "5")];
        let compared = compare(&before, &now, &|path| path != "b.py");
        assert_eq!(compared.known_as, [Some(0), Some(1), None]);
        assert_eq!(compared.gone, [2]);
    }
}
