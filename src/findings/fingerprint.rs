//! Which finding is the same as yesterday's? Identity from meaning: never the line, the wording or the confidence.
//!
//! In: findings with rule, owner and subject. Out: the same with a fingerprint. What moves, is reformatted or reworded keeps
//! it; twins (the same fault on the same subject in the same function) are told apart by their order in the source.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Finding;
use crate::source::SourceSet;

/// Changes with what goes into the hash; part of it.
const VERSION: &str = "ormlint/v1";

/// How many bytes of the hash are kept.
const BYTES: usize = 16;

/// Sets the fingerprint of each finding. The order of the findings does not matter. `place` is the folder checked, seen from the
/// root of the repository: what is known by its path has the same fingerprint whichever folder is checked.
pub fn assign(findings: &mut [Finding], sources: &SourceSet, place: &str) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|&at| {
        let finding = &findings[at];
        (finding.span, finding.rule, finding.message.clone())
    });
    let mut twins: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for at in order {
        let identity = identity(&findings[at], sources, place);
        let twin = twins.entry(identity.clone()).or_insert(0);
        let hash = Sha256::new().chain_update(&identity).chain_update(twin.to_be_bytes()).finalize();
        *twin += 1;
        findings[at].fingerprint = hash.iter().take(BYTES).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    }
}

/// What the finding is about, as bytes. The path counts only for code that has no name.
fn identity(finding: &Finding, sources: &SourceSet, place: &str) -> Vec<u8> {
    let subject = &finding.subject;
    let place = if finding.owner.is_empty() {
        let file = sources.files.get(finding.span.file.0 as usize);
        format!("{place}{}", file.map_or("", |file| file.path.as_str()))
    } else {
        finding.owner.clone()
    };
    let fields = [
        ("version", Some(VERSION)),
        ("rule", Some(finding.rule.as_str())),
        (if finding.owner.is_empty() { "path" } else { "owner" }, Some(place.as_str())),
        ("model", subject.model.as_deref()),
        ("relation", subject.relation.as_deref()),
        ("table", subject.table.as_deref()),
        ("method", subject.method.as_deref()),
        ("client", subject.client.as_deref()),
    ];
    let mut bytes = Vec::new();
    for (name, value) in fields {
        if let Some(value) = value {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FileId, Name, Range, Span};
    use crate::findings::{Confidence, Level, Subject};
    use crate::source::memory::source_set;

    fn finding(file: u32, start: usize, owner: &str, relation: &str) -> Finding {
        Finding {
            rule: Name::new("lazy-load-in-loop"),
            level: Level::Warning,
            confidence: Confidence::High,
            message: format!("at {start}"),
            help: String::new(),
            cost: String::new(),
            span: Span { file: FileId(file), range: Range::new(start, start + 1) },
            label: "",
            steps: Vec::new(),
            subject: Subject { relation: Some(relation.to_owned()), ..Subject::default() },
            owner: owner.to_owned(),
            fix: None,
            fingerprint: String::new(),
        }
    }

    fn prints(mut findings: Vec<Finding>) -> Vec<String> {
        let sources = source_set(&[("a.py", ""), ("b.py", "")]);
        assign(&mut findings, &sources, "");
        findings.into_iter().map(|f| f.fingerprint).collect()
    }

    #[test]
    fn it_survives_moving_and_rewording_and_tells_twins_apart() {
        let before =
            prints(vec![finding(0, 10, "a.f", "author"), finding(0, 20, "a.f", "author"), finding(0, 15, "a.f", "tags")]);
        assert!(before.iter().all(|print| print.len() == 32), "{before:?}");
        assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        let mut moved = finding(1, 500, "a.f", "author");
        moved.level = Level::Error;
        moved.confidence = Confidence::Low;
        let after = prints(vec![finding(1, 700, "a.f", "author"), moved, finding(1, 1, "a.f", "tags")]);
        assert_eq!(after, [before[1].clone(), before[0].clone(), before[2].clone()]);
    }

    #[test]
    fn code_without_a_name_is_known_by_its_file() {
        let both = prints(vec![finding(0, 1, "", "author"), finding(1, 1, "", "author")]);
        assert_ne!(both[0], both[1]);
    }

    /// Values that could be mistaken for each other when joined without a mark between them.
    #[test]
    fn fields_do_not_run_into_each_other() {
        let mut table = finding(0, 1, "f", "author");
        table.subject.table = table.subject.relation.take();
        let both = prints(vec![finding(0, 1, "f", "author"), table]);
        assert_ne!(both[0], both[1]);
    }
}
