//! How are files made from strings, for tests and standard input? By the same rules as those on the disk.

use rayon::prelude::*;

use super::conventions::CONVENTIONS;
use super::decode::Encoding;
use super::language::{Guess, TemplateLanguage, guess};
use super::{Manifest, Origin, Skipped, SourceFile, SourceSet, manifest, template_folders};
use crate::base::{FileId, LineIndex};

/// The source set of these paths and texts. Manifests among them are read; files in no known language are left out.
/// Tests are kept, with their origin.
pub fn source_set(files: &[(&str, &str)]) -> SourceSet {
    let manifests: Vec<(String, String)> = files
        .iter()
        .filter(|(path, _)| manifest::is_manifest(path))
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let candidates: Vec<&str> = files.iter().map(|(path, _)| *path).filter(|path| template_folders::has_ending(path)).collect();
    let folders = template_folders::told(files.iter().copied(), &candidates);
    let is_template = |path: &str| folders.iter().any(|folder| template_folders::may_be_template(path, folder));
    let texts = files.iter().map(|(path, text)| Text {
        path: (*path).to_owned(),
        guess: guess(path).or_else(|| is_template(path).then_some(Guess::Template)),
        text: (*text).to_owned(),
        encoding: Encoding::Utf8,
    });
    let (manifest, broken) = manifest::read(&manifests);
    let skipped = broken.into_iter().map(|(path, reason)| Skipped { path, reason, is_failure: false });
    let set = assemble(texts.collect(), manifest, skipped.collect());
    SourceSet { template_folders: folders, ..set }
}

/// A file that was read and decoded, before the project is known as a whole.
pub(super) struct Text {
    pub(super) path: String,
    pub(super) guess: Option<Guess>,
    pub(super) text: String,
    pub(super) encoding: Encoding,
}

/// Puts a set together: order, languages, origins.
pub(super) fn assemble(mut texts: Vec<Text>, manifest: Manifest, mut skipped: Vec<Skipped>) -> SourceSet {
    skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    skipped.dedup();
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    texts.dedup_by(|a, b| a.path == b.path);
    let templates = TemplateLanguage::of(&manifest);
    let mut set = SourceSet { manifest, skipped, ..SourceSet::default() };
    let known = |Text { path, guess, text, encoding }: Text| {
        let language = match guess? {
            Guess::Known(language) => language,
            Guess::Template => templates.decide(&text),
        };
        let lines = LineIndex::new(text.as_bytes());
        let origin = origin(&path, &text);
        Some((SourceFile { path, language, origin, text, lines }, encoding))
    };
    let files: Vec<_> = texts.into_par_iter().filter_map(known).collect();
    for (file, encoding) in files {
        if encoding != Encoding::Utf8 {
            set.encodings.insert(FileId(set.files.len() as u32), encoding);
        }
        set.files.push(file);
    }
    set
}

/// Whose a file is, by its path and what its text says.
pub(super) fn origin(path: &str, text: &str) -> Origin {
    let names = &*CONVENTIONS;
    if names.is_test(path, false) {
        Origin::Test
    } else if names.is_migration(path, text) {
        Origin::Migration
    } else if names.is_script(path) {
        Origin::Script
    } else {
        Origin::Ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Language;

    #[test]
    fn files_are_sorted_and_known() {
        let set = source_set(&[
            ("shop/views.py", "a = 1\n"),
            ("shop/templates/a.html", "{{ a }}"),
            ("requirements.txt", "flask==3.0"),
            ("manage.py", ""),
            ("shop/tests/test_a.py", ""),
            ("README.md", ""),
        ]);
        let seen: Vec<_> = set.files.iter().map(|f| (f.path.as_str(), f.language, f.origin)).collect();
        assert_eq!(
            seen,
            [
                ("manage.py", Language::Python, Origin::Script),
                ("shop/templates/a.html", Language::Jinja, Origin::Ours),
                ("shop/tests/test_a.py", Language::Python, Origin::Test),
                ("shop/views.py", Language::Python, Origin::Ours),
            ]
        );
        assert_eq!(set.manifest.packages["flask"].as_deref(), Some("3.0"));
    }
}
