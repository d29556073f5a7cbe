//! `--fix`: mends, looks again, and mends what has become possible, until nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::Streams;
use crate::base::{FileId, LineIndex};
use crate::findings::Finding;
use crate::findings::edit::{self, Wanted};
use crate::pipeline::Outcome;
use crate::source::{Encoding, SourceSet};

/// Cures that wait for others get so many turns.
const MAX_ROUNDS: usize = 24;

/// What was mended; nothing of it is on the disk yet.
#[derive(Default)]
pub(super) struct Mended {
    /// The texts before.
    before: BTreeMap<FileId, String>,
    /// How many findings are gone.
    pub(super) count: usize,
}

/// Changes the texts of the sources. `look` analyses them anew.
pub(super) fn mend(
    sources: &mut SourceSet,
    mut outcome: Outcome,
    all: bool,
    look: &mut dyn FnMut(&SourceSet) -> Outcome,
) -> Mended {
    let wanted = if all { Wanted::All } else { Wanted::Safe };
    let mut mended = Mended::default();
    let mut tried: BTreeSet<String> = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let skip = |finding: &Finding| {
            let is_foreign = finding.fix.iter().flat_map(|fix| &fix.edits).any(|edit| {
                let encoding = sources.encodings.get(&edit.span.file);
                !matches!(encoding, None | Some(Encoding::Utf8 | Encoding::Utf8Marked))
            });
            is_foreign || tried.contains(&finding.fingerprint)
        };
        let round = edit::mend(&outcome.findings, wanted, &skip, sources);
        if round.cured.is_empty() {
            break;
        }
        let before = replace(sources, round.texts);
        let next = look(sources);
        let useless = useless(&round.cured, &outcome, &next);
        if useless.is_empty() {
            mended.count += round.cured.len();
            tried.extend(round.cured);
            outcome = next;
            for (id, text) in before {
                mended.before.entry(id).or_insert(text);
            }
        } else {
            // A cure that does not help must not stay: once more, without it.
            replace(sources, before);
            look(sources);
            tried.extend(useless);
        }
    }
    mended.before.retain(|id, before| sources.file(*id).text != *before);
    mended
}

/// Puts texts in the place of others, and gives those.
fn replace(sources: &mut SourceSet, texts: BTreeMap<FileId, String>) -> BTreeMap<FileId, String> {
    let files = texts.into_iter().map(|(id, text)| {
        let file = &mut sources.files[id.0 as usize];
        file.lines = LineIndex::new(text.as_bytes());
        (id, std::mem::replace(&mut file.text, text))
    });
    files.collect()
}

/// The fixes that were applied and did not cure: as many findings of their sort as before, or more, are left.
fn useless(cured: &[String], before: &Outcome, after: &Outcome) -> Vec<String> {
    let sort_of = |finding: &Finding| (finding.rule, finding.owner.clone(), finding.subject.clone());
    let count = |outcome: &Outcome| {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for finding in &outcome.findings {
            *counts.entry(sort_of(finding)).or_insert(0) += 1;
        }
        counts
    };
    let (was, is) = (count(before), count(after));
    let applied = before.findings.iter().filter(|f| cured.contains(&f.fingerprint));
    applied
        .filter(|finding| {
            let sort = sort_of(finding);
            is.get(&sort).unwrap_or(&0) >= was.get(&sort).unwrap_or(&0)
        })
        .map(|finding| finding.fingerprint.clone())
        .collect()
}

impl Mended {
    /// The change as a patch; `place` is the folder checked, seen from the root.
    pub(super) fn patch(&self, sources: &SourceSet, place: &str) -> String {
        let files = self.before.iter();
        files
            .map(|(id, before)| {
                let file = sources.file(*id);
                edit::patch(&format!("{place}{}", file.path), before, &file.text)
            })
            .collect()
    }

    /// Writes the changed files. False if one could not be written, or was changed by somebody else meanwhile.
    ///
    /// # Errors
    /// Standard error cannot be written to.
    pub(super) fn write(&self, sources: &SourceSet, base: &Path, streams: &mut Streams<'_>) -> io::Result<bool> {
        let mut could = true;
        for (id, before) in &self.before {
            let file = sources.file(*id);
            let is_marked = sources.encodings.get(id) == Some(&Encoding::Utf8Marked);
            let mark = if is_marked { "\u{feff}" } else { "" };
            let full = base.join(&file.path);
            let is_same = fs::read(&full).is_ok_and(|bytes| bytes == format!("{mark}{before}").into_bytes());
            let written = if is_same {
                fs::write(&full, format!("{mark}{}", file.text)).map_err(|e| e.to_string())
            } else {
                Err("is not what was read".to_owned())
            };
            if let Err(reason) = written {
                could = false;
                writeln!(streams.err, "ormlint: {}: not mended: {reason}", file.path)?;
            }
        }
        Ok(could)
    }
}
