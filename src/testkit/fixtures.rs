//! Is the analyzer right about whole applications? Runs the folders of `fixtures`.

use super::files::{TestCase, TestFile};
use super::{compare, files_below, read_text, root};

/// One test per folder of `fixtures`, except the case pages.
pub(super) fn applications() -> Vec<TestCase> {
    let mut cases: Vec<TestCase> = Vec::new();
    for (name, path) in files_below(&root().join("fixtures")) {
        let Some((folder, file)) = name.split_once('/') else {
            continue;
        };
        if folder == "cases" {
            continue;
        }
        if cases.last().is_none_or(|c| c.name != folder) {
            let host = format!("fixtures/{folder}/README.md");
            cases.push(TestCase { name: folder.to_owned(), host, host_line: 1, ..TestCase::default() });
        }
        let Some(case) = cases.last_mut() else {
            continue;
        };
        let text = read_text(&path);
        if file == "README.md" {
            case.rules = selected_rules(&text);
            continue;
        }
        case.files.push(TestFile {
            path: file.to_owned(),
            text,
            host: format!("fixtures/{name}"),
            host_line: 1,
            prefix_lines: 0,
            is_shared: false,
        });
    }
    cases
}

/// The rules of a `<!-- rules: a, b -->` line of a fixture's README.
fn selected_rules(readme: &str) -> Vec<String> {
    let lists = readme.lines().filter_map(|l| l.strip_prefix("<!-- rules:")?.strip_suffix("-->"));
    lists.flat_map(|l| l.split(',')).map(|r| r.trim().to_owned()).collect()
}

#[test]
fn the_applications_hold() {
    compare::run("applications", &applications());
}
