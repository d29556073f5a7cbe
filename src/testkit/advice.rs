//! Does the help say what the pages of advice claim? `expect: rule (help: text)` names words that the help must hold.

use super::catalog::pages;
use super::files::TestCase;
use super::{Options, analyze};
use crate::pipeline;

/// What is wrong with the advice of one test, and how many claims it made.
fn read(case: &TestCase) -> (usize, Vec<String>) {
    let files: Vec<(String, String)> = case.files.iter().map(|f| (f.path.clone(), f.text.clone())).collect();
    let findings = analyze(&files, &Options { rules: case.rules.clone() });
    let (mut claims, mut wrong) = (0, Vec::new());
    for file in &case.files {
        for annotation in super::annotations::read(&file.text) {
            let reason = annotation.item.reason.unwrap_or_default();
            let Some(text) = reason.strip_prefix("help: ") else {
                continue;
            };
            claims += 1;
            let rule = &annotation.item.rule;
            let here = findings.iter().filter(|f| f.rule == *rule && f.path == file.path && f.line == annotation.line);
            let helps: Vec<&str> = here.map(|f| f.help.as_str()).collect();
            if !helps.iter().any(|help| help.contains(text)) {
                wrong.push(format!("{}: {}: {text:?} is not in {helps:?}", case.host, case.name));
            }
        }
    }
    (claims, wrong)
}

#[test]
fn the_advice_is_what_the_pages_claim() {
    let cases = pages("fixtures/cases", false);
    let results: Vec<(usize, Vec<String>)> =
        pipeline::pool(0).install(|| cases.iter().filter(|c| c.host.contains("advice")).map(read).collect());
    let claims: usize = results.iter().map(|(claims, _)| claims).sum();
    let wrong: Vec<String> = results.into_iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(claims > 20, "only {claims} claims");
}
