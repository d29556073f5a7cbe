//! Does every fix cure its finding, and nothing but it? Applies each fix alone and analyses the result.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::catalog::pages;
use super::files::TestCase;
use super::fixtures;
use crate::base::LineIndex;
use crate::config::{Config, FILE_NAME, Overrides, Settings};
use crate::findings::edit::{Wanted, mend};
use crate::findings::{Finding, suppress};
use crate::lower::lower;
use crate::pipeline;
use crate::source::memory::source_set;
use crate::source::{Origin, SourceSet};

fn settings(case: &TestCase) -> Settings {
    let named = case.files.iter().find(|file| file.path == FILE_NAME);
    let config = named.map_or_else(Config::default, |file| {
        Config::parse(Path::new(&file.path), &file.text).expect("a test's configuration is right")
    });
    let overrides = Overrides { extend_select: case.rules.clone(), ..Overrides::default() };
    Settings::new(&config, &overrides).expect("a test selects rules that exist")
}

/// How many findings there are of each sort: which of two twins is cured does not matter.
fn counted(findings: &[Finding]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.rule.as_str() != suppress::UNUSED) {
        let key = format!("{} in {}: {:?}", finding.rule, finding.owner, finding.subject);
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

fn gaps(sources: &SourceSet) -> usize {
    let files = sources.files.iter();
    files.map(|file| lower(file.language, &file.text).gaps.len()).sum()
}

/// The number of fixes tried, and what is wrong with them.
fn try_fixes(case: &TestCase) -> (usize, Vec<String>) {
    let files: Vec<(&str, &str)> = case.files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
    let mut sources = source_set(&files);
    sources.files.retain(|file| file.origin != Origin::Test);
    let settings = settings(case);
    let before = pipeline::check(&sources, &settings).findings;
    let (mut tried, mut wrong) = (0, Vec::new());
    for finding in before.iter().filter(|f| f.rule.as_str() != suppress::UNUSED) {
        let mended = mend(std::slice::from_ref(finding), Wanted::All, &|_| false, &sources);
        if mended.cured.is_empty() {
            continue;
        }
        tried += 1;
        let mut after = sources.clone();
        for (id, text) in mended.texts {
            let file = &mut after.files[id.0 as usize];
            file.lines = LineIndex::new(text.as_bytes());
            file.text = text;
        }
        let changes = sources.files.iter().zip(&after.files);
        let patch: String = changes.map(|(a, b)| crate::findings::edit::patch(&a.path, &a.text, &b.text)).collect();
        let mut say = |what: &str| wrong.push(format!("{}: {}: {what}\n{patch}", case.host, case.name));
        if gaps(&after) > gaps(&sources) {
            say("is not understood any more");
        }
        let (was, is) = (counted(&before), counted(&pipeline::check(&after, &settings).findings));
        let own = counted(std::slice::from_ref(finding));
        for key in own.keys() {
            if is.get(key).unwrap_or(&0) >= &was[key] {
                say(&format!("is still there: {key}"));
            }
        }
        for (key, count) in &is {
            if count > was.get(key).unwrap_or(&0) {
                say(&format!("is new: {key}"));
            }
        }
    }
    (tried, wrong)
}

#[test]
fn every_fix_cures_its_finding_and_breaks_nothing() {
    let only = std::env::var("ORMLINT_ONLY").unwrap_or_default();
    let mut cases = [pages("rules/catalog", true), pages("fixtures/cases", false), fixtures::applications()].concat();
    cases.retain(|case| case.host.contains(&only) || case.name.contains(&only));
    let results: Vec<(usize, Vec<String>)> = pipeline::pool(0).install(|| cases.par_iter().map(try_fixes).collect());
    let tried: usize = results.iter().map(|(tried, _)| tried).sum();
    let wrong: Vec<String> = results.into_iter().flat_map(|(_, wrong)| wrong).collect();
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} faults of {tried} fixes:\n\n{}", wrong.join("\n"));
    assert!(tried > 100 || !only.is_empty(), "only {tried} fixes were tried");
}
