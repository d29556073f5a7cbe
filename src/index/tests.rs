//! Does linking find what the sources say? Each file in `cases` holds sources and the index printed from them.
//!
//! `//- path` begins a source file, `//= index` the expectation. With `UPDATE_EXPECT=1` expectations are rewritten.

use std::path::Path;

use super::{link, print};
use crate::base::LineIndex;
use crate::facts::{FileFacts, Language};
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

#[test]
fn every_case_prints_the_index_that_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/index/cases");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("cases exist").map(|e| e.expect("a readable folder").path()).collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable case");
        let (source, expected) = text.split_once("//= index\n").unwrap_or((&text, ""));
        let found = printed(&sources_of(source));
        if found == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, format!("{source}//= index\n{found}")).expect("a writable case");
        }
        wrong.push(format!("{}\n{found}", path.display()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tmp_app() {
    let Some(dir) = std::env::var_os("TMP_APP") else { return };
    let dir = std::path::PathBuf::from(dir);
    let mut files = Vec::new();
    let mut stack = vec![dir.clone()];
    while let Some(d) = stack.pop() {
        for e in std::fs::read_dir(&d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() { if !p.ends_with(".git") && !p.ends_with("node_modules") {stack.push(p);} continue; }
            let rel = p.strip_prefix(&dir).unwrap().to_string_lossy().to_string();
            if !(rel.ends_with(".py") || rel.ends_with(".php")) || rel.contains("migrations/") { continue; }
            let Ok(text) = std::fs::read_to_string(&p) else { continue };
            let lines = LineIndex::new(text.as_bytes());
            files.push(SourceFile { language: language(&rel), path: rel, origin: Origin::Ours, text, lines });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let sources = SourceSet { files, ..SourceSet::default() };
    let t = std::time::Instant::now();
    let facts: Vec<FileFacts> = sources.files.iter().map(facts_of).collect();
    let lower = t.elapsed();
    let packs = Packs::default();
    let t = std::time::Instant::now();
    let index = link(&sources, &facts, &packs);
    let linked = t.elapsed();
    let mut out = print::print(&index, None);
    for (i, f) in facts.iter().enumerate() {
        for im in &f.imports {
            if f.language == Language::Python {
                let s = index.import_symbol(crate::base::FileId(i as u32), im);
                if im.local.as_str() == "*" || !matches!(s, super::Symbol::External(_)) { continue; }
                if im.level > 0 { out.push_str(&format!("relative external {} {:?}\n", sources.files[i].path, im.target)); }
                else { out.push_str(&format!("ext {} {} {}\n", im.target.as_str().split('.').next().unwrap(), im.target, sources.files[i].path)); }
            }
        }
        for im in &f.imports {
            if f.language == Language::Python && im.local.as_str() != "*" && index.import_symbol(crate::base::FileId(i as u32), im) == super::Symbol::Unknown {
                out.push_str(&format!("unknown import {} {:?} {}\n", sources.files[i].path, im.target, im.level));
            }
        }
    }
    std::fs::write("/tmp/index_out.txt", out).unwrap();
    eprintln!("files {} lower {lower:?} link {linked:?} models {}", sources.files.len(), index.models.len());
}
