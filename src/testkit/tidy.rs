//! Are the rules of this house kept? Layers, module headers, no framework in the code, files of a readable size.

use std::collections::BTreeMap;
use std::io::Write;

use super::annotations::{Word, read};
use super::{catalog, files_below, read_text, root, rule_ids};

/// Which top-level module may use which others.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("facts", &["base"]),
    ("findings", &["base", "source", "facts"]),
    ("source", &["base", "facts"]),
    ("packs", &["base", "findings"]),
    ("vcs", &[]),
    ("syntax", &["base", "source", "facts"]),
    ("lower", &["base", "source", "syntax", "facts"]),
    ("index", &["base", "facts", "packs", "source"]),
    // Whose a file is decides what is evaluated.
    ("flow", &["base", "facts", "packs", "index", "source"]),
    ("checks", &["base", "facts", "index", "flow", "packs", "findings", "source"]),
    ("report", &["base", "source", "packs", "findings", "pipeline"]),
    ("cache", &["base", "source", "facts"]),
    ("config", &["base", "findings", "packs"]),
    (
        "pipeline",
        &["base", "facts", "findings", "source", "packs", "syntax", "lower", "index", "flow", "checks", "cache", "config"],
    ),
];

/// Modules that may use everything; nobody uses them.
const TOP: &[&str] = &["cli", "main", "lib", "testkit"];

/// Framework names that belong in `rules/`, not in the code.
const FRAMEWORKS: &[&str] =
    &["laravel", "eloquent", "django", "sqlalchemy", "flask", "fastapi", "supabase", "livewire", "filament", "inertia"];

/// Where the name of a template language is no framework: which files hold it, and what reads it.
const LANGUAGE_NAMES: &[&str] = &["django", "livewire"];
const NAME_LANGUAGES: &[&str] =
    &["lower/mod.rs", "lower/template", "source/language.rs", "source/conventions.rs", "index/templates"];
const VARIANT: &str = "DjangoTemplate";

/// Rules about the tool itself: they need no example.
const OF_THE_TOOL: &[&str] = &["internal-error"];

/// Lines above which a file is listed, and above which the test fails.
const LONG: usize = 600;
const TOO_LONG: usize = 900;

struct Source {
    path: String,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let files = files_below(&root().join("src")).into_iter().filter(|(name, _)| name.ends_with(".rs"));
    files
        .map(|(path, file)| {
            let module = path.split('/').next().unwrap_or("").trim_end_matches(".rs").to_owned();
            Source { path, module, text: read_text(&file) }
        })
        .collect()
}

impl Source {
    /// Is the whole file tests?
    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }
}

/// The code lines before the tests of the file, numbered from 1, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().take_while(|l| l.trim() != "#[cfg(test)]");
    lines.enumerate().map(|(i, l)| (i + 1, l)).filter_map(|(i, l)| {
        let code = l.find("//").map_or(l, |at| if l[..at].matches('"').count() % 2 == 0 { &l[..at] } else { l });
        (!code.trim().is_empty()).then_some((i, code))
    })
}

fn fail_with(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}\n", found.join("\n"));
}

#[test]
fn every_module_uses_only_the_layers_below_it() {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| !TOP.contains(&s.module.as_str()) && !s.is_test()) {
        let Some(allowed) = layers.get(source.module.as_str()) else {
            found.push(format!("src/{}: module `{}` has no place in the table", source.path, source.module));
            continue;
        };
        for (number, line) in code_lines(&source.text) {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_module = layers.contains_key(name.as_str()) || TOP.contains(&name.as_str());
                if is_module && name != source.module && !allowed.contains(&name.as_str()) {
                    found.push(format!("src/{}:{number}: `{}` may not use `{name}`", source.path, source.module));
                }
            }
        }
    }
    fail_with("layers", &found);
}

#[test]
fn trees_are_read_only_where_text_becomes_facts() {
    let is_allowed = |module: &str| ["syntax", "lower", "testkit"].contains(&module);
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| !is_allowed(&s.module)) {
        let used = code_lines(&source.text).filter(|(_, l)| l.contains("tree_sitter"));
        found.extend(used.map(|(n, _)| format!("src/{}:{n}: tree_sitter outside `syntax` and `lower`", source.path)));
    }
    fail_with("trees", &found);
}

#[test]
fn every_file_says_first_what_it_answers() {
    let silent = sources().into_iter().filter(|s| !s.is_test() && !s.text.starts_with("//!"));
    let found: Vec<String> = silent.map(|s| format!("src/{}: must start with `//!`", s.path)).collect();
    fail_with("headers", &found);
}

#[test]
fn no_framework_is_named_in_the_code() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| !s.is_test() && s.module != "testkit") {
        for (number, line) in code_lines(&source.text) {
            let line = line.replace(VARIANT, "").to_lowercase();
            let may_say =
                |word: &str| LANGUAGE_NAMES.contains(&word) && NAME_LANGUAGES.iter().any(|p| source.path.starts_with(p));
            let named = FRAMEWORKS.iter().filter(|w| line.contains(**w) && !may_say(w));
            found.extend(named.map(|w| format!("src/{}:{number}: names `{w}`", source.path)));
        }
    }
    fail_with("frameworks belong in rules/", &found);
}

#[test]
fn files_have_a_readable_size() {
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > TOO_LONG && !source.is_test() {
            found.push(format!("src/{}: {lines} lines", source.path));
        } else if lines > LONG {
            let _ = writeln!(std::io::stderr(), "long: src/{}: {lines} lines", source.path);
        }
    }
    fail_with("split by subject", &found);
}

#[test]
fn every_rule_has_an_executed_example() {
    let mut shown: Vec<String> = Vec::new();
    for case in catalog::pages("rules/catalog", true).iter().chain(&catalog::pages("fixtures/cases", false)) {
        let items = case.files.iter().flat_map(|f| read(&f.text)).map(|a| a.item);
        shown.extend(items.filter(|i| matches!(i.word, Word::Expect | Word::Missed)).map(|i| i.rule));
    }
    let bare = rule_ids().into_iter().filter(|id| !shown.contains(id) && !OF_THE_TOOL.contains(&id.as_str()));
    let found: Vec<String> = bare.map(|id| format!("rules/catalog/{id}.md: no example expects the rule")).collect();
    fail_with("rules without example", &found);
}
