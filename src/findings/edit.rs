//! What do files look like after the cures? Edits that do not touch each other, applied; and the difference as a patch.
//!
//! In: findings with fixes. Out: new texts. Two fixes whose edits overlap, or insert different text at one place, are not applied
//! together: the second waits for the next run, which sees the text as it is then.

use std::collections::BTreeMap;

use similar::TextDiff;

use super::{Edit, Finding};
use crate::base::{FileId, Range};
use crate::source::SourceSet;

/// Lines of context in a patch.
const CONTEXT: usize = 3;

/// Which cures are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Those that keep the meaning.
    Safe,
    /// All.
    All,
}

/// New texts of files, and which findings they cure.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mended {
    /// The new text of each file that changes.
    pub texts: BTreeMap<FileId, String>,
    /// Fingerprints of the findings that are cured, in their order.
    pub cured: Vec<String>,
}

/// Applies the fixes of these findings, first come, first served. Fixes of findings that `skip` names are left out.
pub fn mend(findings: &[Finding], wanted: Wanted, skip: &dyn Fn(&Finding) -> bool, sources: &SourceSet) -> Mended {
    let mut chosen: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    let mut mended = Mended::default();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        if skip(finding) || wanted == Wanted::Safe && !fix.is_safe || !can_edit(&fix.edits, sources) {
            continue;
        }
        let fits = fix.edits.iter().all(|edit| {
            let others = chosen.get(&edit.span.file);
            others.is_none_or(|others| others.iter().all(|other| fits(edit, other)))
        });
        if !fits {
            continue;
        }
        for edit in &fix.edits {
            let edits = chosen.entry(edit.span.file).or_default();
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        mended.cured.push(finding.fingerprint.clone());
    }
    mended.texts = chosen.into_iter().map(|(file, edits)| (file, apply(&sources.file(file).text, edits))).collect();
    mended
}

/// Do the edits name places that are there?
fn can_edit(edits: &[Edit], sources: &SourceSet) -> bool {
    !edits.is_empty()
        && edits.iter().all(|edit| {
            let text = sources.files.get(edit.span.file.0 as usize).map_or("", |file| file.text.as_str());
            let (start, end) = bounds(edit.span.range);
            start <= end && text.is_char_boundary(start) && text.is_char_boundary(end)
        })
}

/// Can both be done? The same edit twice is one; otherwise they must lie apart.
fn fits(a: &Edit, b: &Edit) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (a.span.range, b.span.range);
    let is_insertion = |range: Range| range.start == range.end;
    if a.start == b.start && (is_insertion(a) || is_insertion(b)) {
        return false;
    }
    a.end <= b.start || b.end <= a.start
}

/// The text after edits that fit together.
pub fn apply(text: &str, mut edits: Vec<&Edit>) -> String {
    edits.sort_by_key(|edit| (edit.span.range.start, edit.span.range.end));
    let mut after = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        let (start, end) = bounds(edit.span.range);
        after.push_str(&text[done..start]);
        after.push_str(&edit.text);
        done = end;
    }
    after.push_str(&text[done..]);
    after
}

fn bounds(range: Range) -> (usize, usize) {
    (range.start as usize, range.end as usize)
}

/// The change of a file as a patch that `patch -p1` and `git apply` take; empty if nothing changed.
pub fn patch(path: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

/// The lines of `after`, from 1, that are not in `before`: first and last of each run. Where lines were only removed, the line
/// that now stands at the place.
pub fn changed_lines(before: &str, after: &str) -> Vec<(usize, usize)> {
    let diff = TextDiff::from_lines(before, after);
    let changed = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    changed
        .map(|op| {
            let new = op.new_range();
            (new.start + 1, new.end.max(new.start + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Name, Span};
    use crate::findings::{Confidence, Fix, Level, Subject};
    use crate::source::memory::source_set;

    fn finding(name: &str, is_safe: bool, edits: &[(usize, usize, &str)]) -> Finding {
        let edit = |(start, end, text): &(usize, usize, &str)| Edit {
            span: Span { file: FileId(0), range: Range::new(*start, *end) },
            text: (*text).to_owned(),
        };
        Finding {
            rule: Name::new("lazy-load-in-loop"),
            level: Level::Warning,
            confidence: Confidence::High,
            message: String::new(),
            help: String::new(),
            cost: String::new(),
            span: Span { file: FileId(0), range: Range::new(0, 0) },
            label: "",
            steps: Vec::new(),
            subject: Subject::default(),
            owner: String::new(),
            fix: Some(Fix { title: String::new(), edits: edits.iter().map(edit).collect(), is_safe }),
            fingerprint: name.to_owned(),
        }
    }

    #[test]
    fn edits_apart_are_applied_and_overlapping_ones_wait() {
        let sources = source_set(&[("a.py", "one two three\n")]);
        let findings = [
            finding("a", true, &[(4, 7, "2"), (0, 0, "# \n")]),
            finding("b", true, &[(6, 9, "x")]),
            finding("c", true, &[(8, 13, "3"), (0, 0, "# \n")]),
            finding("d", true, &[(0, 0, "other")]),
            finding("e", false, &[(13, 13, "!")]),
            finding("f", true, &[(90, 91, "!")]),
        ];
        let mended = mend(&findings, Wanted::Safe, &|_| false, &sources);
        assert_eq!(mended.cured, ["a", "c"]);
        assert_eq!(mended.texts[&FileId(0)], "# \none 2 3\n");
        let mended = mend(&findings, Wanted::All, &|f| f.fingerprint == "a", &sources);
        assert_eq!(mended.cured, ["b", "d", "e"]);
        assert_eq!(mended.texts[&FileId(0)], "otherone twxhree!\n");
    }

    #[test]
    fn a_patch_and_the_lines_that_changed() {
        let (before, after) = ("a\nb\nc\nd\n", "a\nB\nd\ne\n");
        assert_eq!(patch("x/a.py", before, after), "--- a/x/a.py\n+++ b/x/a.py\n@@ -1,4 +1,4 @@\n a\n-b\n-c\n+B\n d\n+e\n");
        assert_eq!(patch("a.py", before, before), "");
        assert_eq!(changed_lines(before, after), [(2, 2), (4, 4)]);
        assert_eq!(changed_lines("a\nb\nc\n", "a\nc\n"), [(2, 2)]);
    }
}
