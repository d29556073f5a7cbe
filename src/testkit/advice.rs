//! Do findings say what pages claim beyond rule and line? `expect: rule (help: text)` names words that the help must hold,
//! `expect: rule (help lacks: text)` words that it must not, `expect: rule (message: text)` words of the headline,
//! `expect: rule (level: note)` the level.

use super::catalog::pages;
use super::files::TestCase;
use super::{Options, TestFinding, analyze};
use crate::pipeline;

/// Does a claim hold of a finding?
type Holds = fn(&TestFinding, &str) -> bool;

/// What a page claims of a finding, and how it is asked for.
const CLAIMS: [(&str, Holds); 4] = [
    ("help: ", |finding, text| finding.help.contains(text)),
    ("help lacks: ", |finding, text| !finding.help.contains(text)),
    ("message: ", |finding, text| finding.message.contains(text)),
    ("level: ", |finding, text| finding.level == text),
];

/// What is wrong with what one test claims, and how many claims it makes.
fn read(case: &TestCase) -> (usize, Vec<String>) {
    let mut claimed = Vec::new();
    for file in &case.files {
        for annotation in super::annotations::read(&file.text) {
            let reason = annotation.item.reason.unwrap_or_default();
            let claim = CLAIMS.iter().find_map(|(word, holds)| Some((reason.strip_prefix(word)?.to_owned(), holds)));
            if let Some((text, holds)) = claim {
                claimed.push((annotation.item.rule, file.path.clone(), annotation.line, text, holds));
            }
        }
    }
    if claimed.is_empty() {
        return (0, Vec::new());
    }
    let files: Vec<(String, String)> = case.files.iter().map(|f| (f.path.clone(), f.text.clone())).collect();
    let findings = analyze(&files, &Options { rules: case.rules.clone() });
    let wrong = claimed.iter().filter_map(|(rule, path, line, text, holds)| {
        let here: Vec<&TestFinding> = findings.iter().filter(|f| f.rule == *rule && f.path == *path && f.line == *line).collect();
        let said: Vec<(&str, &str, &str)> =
            here.iter().map(|f| (f.level.as_str(), f.message.as_str(), f.help.as_str())).collect();
        let is_held = here.iter().any(|f| holds(f, text));
        (!is_held).then(|| format!("{}: {}: {text:?} is not in {said:?}", case.host, case.name))
    });
    (claimed.len(), wrong.collect())
}

#[test]
fn findings_are_what_the_pages_claim() {
    let cases = pages("fixtures/cases", false);
    let results: Vec<(usize, Vec<String>)> = pipeline::pool(0).install(|| cases.iter().map(read).collect());
    let claims: usize = results.iter().map(|(claims, _)| claims).sum();
    let wrong: Vec<String> = results.into_iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(claims > 20, "only {claims} claims");
}
