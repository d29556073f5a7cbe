//! Do the examples of the documentation hold? Runs the pages of `rules/catalog` and `fixtures/cases`.

use super::files::{TestCase, read_page};
use super::{compare, files_below, fixtures, read_text, root};

/// The tests of all Markdown pages of a folder; in the catalogue a page's own rule is selected in its examples.
pub(super) fn pages(folder: &str, is_catalog: bool) -> Vec<TestCase> {
    let mut out = Vec::new();
    for (name, path) in files_below(&root().join(folder)) {
        let Some(id) = name.strip_suffix(".md") else {
            continue;
        };
        let own_rule = is_catalog.then_some(id);
        out.extend(read_page(&format!("{folder}/{name}"), &read_text(&path), own_rule));
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

/// What parses a file, if a grammar alone can tell whether it is well-formed.
fn grammar(path: &str) -> Option<tree_sitter::Language> {
    match path {
        p if p.ends_with(".blade.php") => None,
        p if p.ends_with(".php") => Some(tree_sitter_php::LANGUAGE_PHP.into()),
        p if p.ends_with(".py") => Some(tree_sitter_python::LANGUAGE.into()),
        _ => None,
    }
}

#[test]
fn every_example_is_well_formed() {
    let cases = [pages("rules/catalog", true), pages("fixtures/cases", false), fixtures::applications()].concat();
    let mut found = Vec::new();
    for file in cases.iter().flat_map(|c| &c.files) {
        let Some(language) = grammar(&file.path) else {
            continue;
        };
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(&language).expect("the grammar fits the library");
        let tree = parser.parse(&file.text, None).expect("no time limit is set");
        if tree.root_node().has_error() {
            found.push(format!("{}:{}: {} does not parse", file.host, file.host_line, file.path));
        }
    }
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
