//! Do the findings of a test agree with its annotations? Reports every disagreement, or rewrites the annotations.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::annotations::{self, Item, Word};
use super::files::{TestCase, TestFile};
use super::{Options, TestFinding, analyze, read_text, root, rule_ids};
use crate::pipeline;

/// A claim, the place that it is about, and the line of the host where it stands.
struct Claim {
    item: Item,
    path: String,
    line: usize,
    host: String,
    host_line: usize,
    is_place_comment: bool,
}

/// What a run of a test found out about its annotations.
#[derive(Default)]
struct Outcome {
    failures: Vec<String>,
    edits: Vec<Edit>,
}

/// A change of the annotations of one line of a host file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    host: String,
    host_line: usize,
    path: String,
    change: Change,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// The claim becomes another one, or goes.
    Turn(Item, Option<Word>),
    /// A new claim at the end of the line.
    Add(Item),
    /// The same for a claim that stands in a comment of the page.
    TurnPlace(Option<Word>),
    /// A new comment of the page after this line.
    AddPlace(String),
}

/// Runs the tests and panics with a report of all disagreements; with `ORMLINT_BLESS` set, makes the annotations agree.
pub fn run(what: &str, cases: &[TestCase]) {
    let only = std::env::var("ORMLINT_ONLY").unwrap_or_default();
    let is_blessing = std::env::var_os("ORMLINT_BLESS").is_some();
    let rules: BTreeSet<String> = rule_ids().into_iter().collect();
    let chosen: Vec<&TestCase> = cases.iter().filter(|c| c.host.contains(&only) || c.name.contains(&only)).collect();
    let all = || chosen.par_iter().map(|case| run_one(case, &rules)).collect();
    let outcomes: Vec<Outcome> = pipeline::pool(0).install(all);
    let mut failures: Vec<String> = Vec::new();
    let mut edits: Vec<Edit> = Vec::new();
    for outcome in outcomes {
        if is_blessing && !outcome.edits.is_empty() {
            edits.extend(outcome.edits);
        } else {
            failures.extend(outcome.failures);
        }
    }
    apply(edits);
    let count = failures.len();
    assert!(failures.is_empty(), "{count} disagreements in {} {what}:\n\n{}\n", chosen.len(), failures.join("\n"));
}

/// Compares one test with what the analysis says; the failures only.
#[cfg(test)]
fn failures_of(case: &TestCase, findings: &[TestFinding], rules: &BTreeSet<String>) -> Vec<String> {
    compare(case, findings, rules).failures
}

fn run_one(case: &TestCase, rules: &BTreeSet<String>) -> Outcome {
    let files: Vec<(String, String)> = case.files.iter().map(|f| (f.path.clone(), f.text.clone())).collect();
    let options = Options { rules: case.rules.clone() };
    match catch_unwind(AssertUnwindSafe(|| analyze(&files, &options))) {
        Ok(findings) => compare(case, &findings, rules),
        Err(_) => Outcome { failures: vec![place(case, &case.host, case.host_line, "the analysis panics")], edits: vec![] },
    }
}

fn place(case: &TestCase, host: &str, line: usize, text: &str) -> String {
    format!("{host}:{line}: {text}   [{}]", case.name)
}

fn claims_of(case: &TestCase, outcome: &mut Outcome) -> Vec<Claim> {
    let mut out = Vec::new();
    for file in &case.files {
        let found = annotations::read(&file.text);
        if file.is_shared && !found.is_empty() {
            let text = "a shared block holds an annotation";
            outcome.failures.push(place(case, &file.host, file.host_line, text));
            continue;
        }
        out.extend(found.into_iter().map(|a| Claim {
            host_line: host_line(file, a.at),
            item: a.item,
            path: file.path.clone(),
            line: a.line,
            host: file.host.clone(),
            is_place_comment: false,
        }));
    }
    for claim in &case.claims {
        let prefix = case.files.iter().find(|f| f.path == claim.path).map_or(0, |f| f.prefix_lines);
        out.push(Claim {
            item: claim.item.clone(),
            path: claim.path.clone(),
            line: claim.line + prefix,
            host: case.host.clone(),
            host_line: claim.at,
            is_place_comment: true,
        });
    }
    out
}

fn host_line(file: &TestFile, line: usize) -> usize {
    (file.host_line + line).saturating_sub(1 + file.prefix_lines)
}

fn compare(case: &TestCase, findings: &[TestFinding], rules: &BTreeSet<String>) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.failures.extend(case.problems.iter().map(|p| place(case, &case.host, case.host_line, p)));
    let claims = claims_of(case, &mut outcome);
    let mut left: BTreeMap<(&str, usize, &str), Vec<&TestFinding>> = BTreeMap::new();
    for finding in findings {
        left.entry((&finding.path, finding.line, &finding.rule)).or_default().push(finding);
    }
    let steps: BTreeSet<(&str, &str, usize)> =
        findings.iter().flat_map(|f| f.steps.iter().map(|(p, l)| (f.rule.as_str(), p.as_str(), *l))).collect();
    let mut ordered: Vec<&Claim> = claims.iter().collect();
    ordered.sort_by_key(|c| match c.item.word {
        Word::Expect => 0,
        Word::Wrong => 1,
        _ => 2,
    });
    for claim in ordered {
        let rule = claim.item.rule.as_str();
        if !rules.contains(rule) {
            outcome.failures.push(place(case, &claim.host, claim.host_line, &format!("there is no rule `{rule}`")));
            continue;
        }
        let key = (claim.path.as_str(), claim.line, rule);
        let is_step = steps.contains(&(rule, claim.path.as_str(), claim.line));
        let is_found = match claim.item.word {
            Word::Step | Word::MissedStep => is_step,
            _ => left.get_mut(&key).and_then(Vec::pop).is_some(),
        };
        let (text, turn) = match (claim.item.word, is_found) {
            (Word::Expect, false) => ("expected, but not found", Some(Word::Missed)),
            (Word::Missed, true) => ("marked as missed, but found: make it `expect`", Some(Word::Expect)),
            (Word::Wrong, false) => ("marked as wrong, but gone: delete the mark", None),
            (Word::Step, false) => ("no finding has a step here", Some(Word::MissedStep)),
            (Word::MissedStep, true) => ("marked as a missed step, but there: make it `step`", Some(Word::Step)),
            _ => continue,
        };
        outcome.failures.push(place(case, &claim.host, claim.host_line, &format!("{rule}: {text}")));
        let change = if claim.is_place_comment { Change::TurnPlace(turn) } else { Change::Turn(claim.item.clone(), turn) };
        let (host, host_line, path) = (claim.host.clone(), claim.host_line, claim.path.clone());
        outcome.edits.push(Edit { host, host_line, path, change });
    }
    for finding in left.into_values().flatten() {
        unexpected(case, finding, &mut outcome);
    }
    outcome
}

fn unexpected(case: &TestCase, finding: &TestFinding, outcome: &mut Outcome) {
    let item = Item { word: Word::Wrong, rule: finding.rule.clone(), reason: None };
    let text = format!("unexpected {}: {}", finding.rule, finding.message);
    match case.files.iter().find(|f| f.path == finding.path) {
        Some(file) if !file.is_shared => {
            let line = host_line(file, finding.line);
            outcome.failures.push(place(case, &file.host, line, &text));
            let (host, path) = (file.host.clone(), file.path.clone());
            outcome.edits.push(Edit { host, host_line: line, path, change: Change::Add(item) });
        }
        file => {
            let line = finding.line - file.map_or(0, |f| f.prefix_lines);
            let text = format!("{text} (at {}:{line})", finding.path);
            outcome.failures.push(place(case, &case.host, case.host_line, &text));
            let change = Change::AddPlace(format!("<!-- wrong: {}:{line} {} -->", finding.path, finding.rule));
            let (host, host_line, path) = (case.host.clone(), case.host_line, finding.path.clone());
            outcome.edits.push(Edit { host, host_line, path, change });
        }
    }
}

fn apply(edits: Vec<Edit>) {
    let mut by_host: BTreeMap<String, BTreeMap<usize, Vec<Edit>>> = BTreeMap::new();
    for edit in edits {
        by_host.entry(edit.host.clone()).or_default().entry(edit.host_line).or_default().push(edit);
    }
    for (host, by_line) in by_host {
        let path = root().join(&host);
        let mut lines: Vec<String> = read_text(&path).lines().map(str::to_owned).collect();
        for (number, edits) in by_line.into_iter().rev() {
            let index = number - 1;
            let new = edit_line(&lines[index], &edits);
            lines.splice(index..=index, new);
        }
        std::fs::write(&path, lines.join("\n") + "\n").unwrap_or_else(|e| panic!("{host} must be writable: {e}"));
    }
}

/// The lines that take the place of this one.
fn edit_line(line: &str, edits: &[Edit]) -> Vec<String> {
    let mut items: Vec<Item> = annotations::read(line).into_iter().map(|a| a.item).collect();
    let mut after = Vec::new();
    let mut place: Option<Option<Word>> = None;
    for edit in edits {
        match &edit.change {
            Change::Turn(item, word) => {
                let at = items.iter().position(|i| i == item);
                let old = at.map(|at| items.remove(at));
                if let (Some(old), Some(word)) = (old, word) {
                    items.push(Item { word: *word, ..old });
                }
            }
            Change::Add(item) => items.push(item.clone()),
            Change::TurnPlace(word) => place = Some(*word),
            Change::AddPlace(text) => after.push(text.clone()),
        }
    }
    if let Some(word) = place {
        let rest = line.split_once(':').map_or("", |(_, rest)| rest);
        return word.map(|w| format!("<!-- {w}:{rest}")).into_iter().collect();
    }
    if !after.is_empty() {
        return std::iter::once(line.to_owned()).chain(after).collect();
    }
    let path = edits.first().map_or("", |e| e.path.as_str());
    annotations::rewrite(line, path, &items).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{compare, edit_line, failures_of};
    use crate::testkit::TestFinding;
    use crate::testkit::files::read_page;

    const PAGE: &str = "## A\n```python\na  # expect: r\nb  # missed: r\nc  # wrong: r\nd  # step: r\ne\n```\n";

    fn finding(line: usize, steps: &[usize]) -> TestFinding {
        TestFinding {
            level: "warning".to_owned(),
            help: String::new(),
            rule: "r".to_owned(),
            path: "app/example.py".to_owned(),
            line,
            message: "m".to_owned(),
            steps: steps.iter().map(|l| ("app/example.py".to_owned(), *l)).collect(),
        }
    }

    fn disagreements(findings: &[TestFinding]) -> Vec<String> {
        let rules = BTreeSet::from(["r".to_owned()]);
        let found = failures_of(&read_page("p.md", PAGE, None)[0], findings, &rules);
        found.iter().filter_map(|f| f.split(':').nth(1)).map(str::to_owned).collect()
    }

    #[test]
    fn agreement_is_strict_both_ways() {
        assert_eq!(disagreements(&[finding(1, &[4]), finding(3, &[])]), Vec::<String>::new());
        assert_eq!(disagreements(&[]), ["3", "5", "6"], "not found, no longer wrong, no step");
        assert_eq!(disagreements(&[finding(1, &[4]), finding(2, &[]), finding(3, &[])]), ["4"], "no longer missed");
        assert_eq!(disagreements(&[finding(1, &[4]), finding(1, &[]), finding(3, &[]), finding(5, &[])]), ["3", "7"]);
    }

    #[test]
    fn a_word_with_an_unknown_rule_fails() {
        let case = &read_page("p.md", "## A\n```python\na  # missed: no-such\n```\n", None)[0];
        assert_eq!(failures_of(case, &[], &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn blessing_marks_what_is_so() {
        let rules = BTreeSet::from(["r".to_owned()]);
        let outcome = compare(&read_page("p.md", PAGE, None)[0], &[finding(2, &[]), finding(5, &[])], &rules);
        let mut lines: Vec<String> = PAGE.lines().map(str::to_owned).collect();
        for edit in &outcome.edits {
            let index = edit.host_line - 1;
            lines[index] = edit_line(&lines[index], std::slice::from_ref(edit)).concat();
        }
        assert_eq!(lines[2..7], ["a  # missed: r", "b  # expect: r", "c", "d  # missed-step: r", "e  # wrong: r"]);
    }
}
