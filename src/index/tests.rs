//! Does linking find what the sources say? Each file in `cases` holds sources and the index printed from them.
//!
//! `//- path` begins a source file, `//= index` or `//= names` (what each import means) the expectation. With `UPDATE_EXPECT=1` expectations are rewritten.

use std::path::Path;

use super::{ProjectIndex, Symbol, link, print};
use crate::base::{FileId, LineIndex};
use crate::facts::{FileFacts, FnId, Language};
use crate::packs::Packs;
use crate::source::{Origin, SourceFile, SourceSet};

fn language(path: &str) -> Language {
    match path.rsplit('.').next() {
        Some("py") => Language::Python,
        Some("html") => Language::DjangoTemplate,
        _ if path.ends_with(".blade.php") => Language::Blade,
        _ => Language::Php,
    }
}

fn facts_of(file: &SourceFile) -> FileFacts {
    match file.language {
        Language::Python => crate::lower::python::lower(&file.text),
        Language::Php => crate::lower::php::lower(&file.text),
        other => FileFacts { language: other, ..crate::lower::php::lower("") },
    }
}

pub(crate) fn sources_of(text: &str) -> SourceSet {
    let mut files = Vec::new();
    for part in text.split("//- ").skip(1) {
        let (path, text) = part.split_once('\n').expect("a path ends its line");
        files.push(SourceFile {
            path: path.trim().to_owned(),
            language: language(path.trim()),
            origin: Origin::Ours,
            text: text.to_owned(),
            lines: LineIndex::new(text.as_bytes()),
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    SourceSet { files, ..SourceSet::default() }
}

fn printed(sources: &SourceSet) -> String {
    let facts: Vec<FileFacts> = sources.files.iter().map(facts_of).collect();
    let packs = Packs::default();
    let index = link(sources, &facts, &packs);
    print::print(&index, None)
}

/// What each imported name means.
fn printed_names(sources: &SourceSet) -> String {
    let facts: Vec<FileFacts> = sources.files.iter().map(facts_of).collect();
    let packs = Packs::default();
    let index = link(sources, &facts, &packs);
    let mut out = String::new();
    for (i, facts) in facts.iter().enumerate() {
        let file = FileId(i as u32);
        for import in facts.imports.iter().filter(|i| i.local.as_str() != "*") {
            let symbol = index.resolve_name(file, import.scope, import.local);
            let text = symbol_text(&index, symbol);
            out.push_str(&format!("{}: {} = {text}\n", sources.files[i].path, import.local));
        }
        for ask in facts.comments.iter().filter_map(|c| c.text.as_str().strip_prefix("ormlint? ")) {
            let text = symbol_text(&index, index.resolve_dotted(file, FnId(0), ask));
            out.push_str(&format!("{}: {ask} = {text}\n", sources.files[i].path));
        }
    }
    out
}

fn symbol_text(index: &ProjectIndex<'_>, symbol: Symbol) -> String {
    let path = |file: FileId| &index.sources.file(file).path;
    match symbol {
        Symbol::Class(class) => format!("class {}", index.class(class).name),
        Symbol::Function(f) => format!("function {} of {}", index.function(f).name, path(f.file)),
        Symbol::Module(file) => format!("module {}", path(file)),
        Symbol::Variable(file, name) => format!("variable {name} of {}", path(file)),
        Symbol::External(name) => format!("outside {name}"),
        Symbol::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn every_case_prints_the_index_that_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/index/cases");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("cases exist").map(|e| e.expect("a readable folder").path()).collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable case");
        let mark = if text.contains("//= names\n") { "//= names\n" } else { "//= index\n" };
        let (source, expected) = text.split_once(mark).unwrap_or((&text, ""));
        let sources = sources_of(source);
        let found = if mark.contains("names") { printed_names(&sources) } else { printed(&sources) };
        if found == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, format!("{source}{mark}{found}")).expect("a writable case");
        }
        wrong.push(format!("{}\n{found}", path.display()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
