//! Do the examples of the documentation hold? Runs the pages of `rules/catalog` and `fixtures/cases`.

use super::files::{TestCase, read_page};
use super::{compare, files_below, read_text, root};

/// The tests of all Markdown pages of a folder; in the catalogue a page's own rule is selected in its examples.
pub(super) fn pages(folder: &str, is_catalog: bool) -> Vec<TestCase> {
    let mut out = Vec::new();
    for (name, path) in files_below(&root().join(folder)) {
        let Some(id) = name.strip_suffix(".md") else {
            continue;
        };
        let own_rule = is_catalog.then_some(id);
        out.extend(read_page(
            &format!("{folder}/{name}"),
            &read_text(&path),
            own_rule,
        ));
    }
    out
}

#[test]
fn the_examples_of_the_catalogue_hold() {
    compare::run("examples", &pages("rules/catalog", true));
}

#[test]
fn the_case_pages_hold() {
    compare::run("cases", &pages("fixtures/cases", false));
}
