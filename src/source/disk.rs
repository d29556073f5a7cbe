//! Which files are on the disk? The only place that walks folders.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;
use ignore::gitignore::Gitignore;
use rayon::prelude::*;

use super::conventions::{CONVENTIONS, globs};
use super::decode::decode;
use super::language::{Guess, guess};
use super::memory::{Text, assemble};
use super::{Skipped, SourceSet, manifest, template_folders};
use crate::facts::Language;

/// Larger files are data, not code: parsing one would cost more than the rest of an application.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Lock files of large applications are larger than any source.
const MAX_MANIFEST_BYTES: u64 = 32 * 1024 * 1024;

/// Name of the project's own file of patterns to leave out.
const IGNORE_FILE: &str = ".ormlintignore";

/// What is read and what is left out.
#[derive(Clone, Debug, Default)]
pub struct DiscoverOptions {
    /// Read tests, factories, seeders and stubs as well.
    pub include_tests: bool,
    /// Patterns to leave out, as in `.gitignore` files.
    pub exclude: Vec<String>,
    /// The folder that these patterns are relative to; without it, the folder checked.
    pub exclude_from: Option<PathBuf>,
}

/// Reads the sources under these folders, and these files. Never fails: what cannot be read is told in the set.
///
/// Paths are relative to the folder checked; with several roots, to the folder that holds them all.
pub fn discover(roots: &[PathBuf], options: &DiscoverOptions) -> SourceSet {
    let mut walk = Walk { base: base_folder(roots), ..Walk::default() };
    for root in roots {
        match fs::metadata(root) {
            Ok(data) if data.is_dir() => walk.folder(&absolute(root), options),
            Ok(_) => walk.single_file(&absolute(root)),
            Err(error) => walk.fail(root.display().to_string(), &error),
        }
    }
    walk.read()
}

/// The folder that paths are relative to.
pub fn base_folder(roots: &[PathBuf]) -> PathBuf {
    let mut base: Option<PathBuf> = None;
    for root in roots {
        let full = absolute(root);
        let folder = if full.is_dir() { full } else { full.parent().map_or_else(PathBuf::new, Path::to_path_buf) };
        base = Some(match base {
            None => folder,
            Some(base) => {
                let both = base.components().zip(folder.components());
                both.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
        });
    }
    base.unwrap_or_default()
}

#[derive(Default)]
struct Walk {
    /// What paths are relative to.
    base: PathBuf,
    /// Files to read, by their path relative to the base.
    files: BTreeMap<String, (PathBuf, Guess)>,
    manifests: BTreeMap<String, PathBuf>,
    /// Files that are templates if the code says so of their folder.
    candidates: BTreeMap<String, PathBuf>,
    skipped: Vec<Skipped>,
}

impl Walk {
    fn folder(&mut self, root: &Path, options: &DiscoverOptions) {
        let left_out: Arc<Mutex<Vec<Skipped>>> = Arc::default();
        let filter = Filter {
            base: self.base.clone(),
            root: root.to_path_buf(),
            exclude: globs(&options.exclude),
            exclude_from: options.exclude_from.as_deref().map_or_else(|| self.base.clone(), absolute),
            include_tests: options.include_tests,
            left_out: Arc::clone(&left_out),
        };
        let walk = WalkBuilder::new(root)
            .standard_filters(false)
            .hidden(true)
            .git_ignore(true)
            .git_exclude(true)
            .require_git(false)
            .parents(is_in_repository(root))
            .add_custom_ignore_filename(IGNORE_FILE)
            .follow_links(false)
            .filter_entry(move |entry| filter.keeps(entry))
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => self.entry(root, &entry),
                Err(error) => self.walk_error(&error),
            }
        }
        let mut left_out = left_out.lock().unwrap_or_else(PoisonError::into_inner);
        self.skipped.append(&mut left_out);
    }

    fn entry(&mut self, root: &Path, entry: &ignore::DirEntry) {
        let Some(kind) = entry.file_type() else {
            return;
        };
        let path = relative(entry.path(), &self.base);
        if kind.is_symlink() {
            self.link(entry.path(), path);
        } else if kind.is_file() {
            if manifest::is_manifest(&path) {
                self.manifests.insert(path.clone(), entry.path().to_path_buf());
            }
            if let Some(guess) = guess(&named_with_root(entry.path(), root)) {
                self.files.insert(path, (entry.path().to_path_buf(), guess));
            } else if template_folders::has_ending(&path) {
                self.candidates.insert(path, entry.path().to_path_buf());
            }
        }
    }

    /// Links are not followed: what they lead to inside the folder is reached by its own name.
    fn link(&mut self, full: &Path, path: String) {
        let Ok(target) = fs::canonicalize(full) else {
            return;
        };
        let matters = target.is_dir() || guess(&path).is_some();
        if matters && !target.starts_with(&self.base) {
            self.skipped.push(Skipped { path, reason: "link out of the folder".to_owned(), is_failure: false });
        }
    }

    fn single_file(&mut self, file: &Path) {
        let path = relative(file, &self.base);
        match guess(&relative(file, Path::new("/"))) {
            Some(guess) => {
                self.files.insert(path, (file.to_path_buf(), guess));
            }
            None => self.skipped.push(Skipped { path, reason: "no known language".to_owned(), is_failure: false }),
        }
    }

    fn fail(&mut self, path: String, error: &io::Error) {
        self.skipped.push(Skipped { path, reason: plain_reason(error), is_failure: true });
    }

    fn walk_error(&mut self, error: &ignore::Error) {
        let Some(io) = error.io_error() else { return };
        let path = path_of(error).map_or_else(|| ".".to_owned(), |path| relative(path, &self.base));
        self.skipped.push(Skipped { path, reason: plain_reason(io), is_failure: true });
    }

    fn read(mut self) -> SourceSet {
        let files: Vec<(String, (PathBuf, Guess))> = std::mem::take(&mut self.files).into_iter().collect();
        // Lock files are long, and nothing of theirs is needed yet.
        let (read, (manifest, broken)): (Vec<Result<Text, Skipped>>, _) = rayon::join(
            || files.into_par_iter().map(|(path, (full, guess))| read_file(path, &full, guess)).collect(),
            || self.manifest(),
        );
        let mut texts = Vec::with_capacity(read.len());
        for result in read {
            match result {
                Ok(text) => texts.push(text),
                Err(skipped) => self.skipped.push(skipped),
            }
        }
        let folders = self.told_templates(&mut texts);
        self.skipped.extend(broken.into_iter().map(|(path, reason)| Skipped { path, reason, is_failure: false }));
        let set = assemble(texts, manifest, self.skipped);
        SourceSet { template_folders: folders, ..set }
    }

    /// Reads the templates in the folders that the code names, and gives the folders.
    fn told_templates(&mut self, texts: &mut Vec<Text>) -> Vec<String> {
        let known = texts.iter().filter(|t| t.guess == Some(Guess::Template)).map(|t| t.path.as_str());
        let candidates: Vec<&str> = self.candidates.keys().map(String::as_str).chain(known).collect();
        let folders = template_folders::told(texts.iter().map(|t| (t.path.as_str(), t.text.as_str())), &candidates);
        let is_template = |path: &str| folders.iter().any(|folder| template_folders::may_be_template(path, folder));
        for (path, full) in std::mem::take(&mut self.candidates) {
            if !is_template(&path) {
                continue;
            }
            match read_file(path, &full, Guess::Template) {
                Ok(text) => texts.push(text),
                Err(skipped) => self.skipped.push(skipped),
            }
        }
        folders
    }

    /// The manifests under the base, their lock files even if ignored; without any, those of the folders above.
    fn manifest(&mut self) -> (manifest::Manifest, Vec<(String, String)>) {
        if self.manifests.is_empty() {
            let base = self.base.clone();
            for above in base.ancestors().skip(1) {
                let found = beside(above, MANIFESTS);
                if !found.is_empty() {
                    let files = self.texts(found, above);
                    let (mut manifest, broken) = manifest::read(&files);
                    manifest.rebase(&(relative(&base, above) + "/"));
                    return (manifest, broken);
                }
                if above.join(".git").exists() {
                    break;
                }
            }
        }
        let folders: Vec<PathBuf> = self.manifests.values().filter_map(|full| full.parent().map(Path::to_path_buf)).collect();
        for folder in folders {
            for full in beside(&folder, LOCKS) {
                self.manifests.insert(relative(&full, &self.base), full);
            }
        }
        let found = self.manifests.values().cloned().collect();
        let base = self.base.clone();
        let files = self.texts(found, &base);
        manifest::read(&files)
    }

    fn texts(&mut self, paths: Vec<PathBuf>, base: &Path) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for full in paths {
            let path = relative(&full, base);
            let small = fs::metadata(&full).is_ok_and(|data| data.len() <= MAX_MANIFEST_BYTES);
            match fs::read(&full) {
                Ok(bytes) if small => texts.push((path, decode(bytes).0)),
                Ok(_) => self.skipped.push(Skipped { path, reason: too_large(MAX_MANIFEST_BYTES), is_failure: false }),
                Err(error) => {
                    self.skipped.push(Skipped { path, reason: plain_reason(&error), is_failure: false });
                }
            }
        }
        texts
    }
}

const LOCKS: &[&str] = &["composer.lock", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"];

const MANIFESTS: &[&str] = &[
    "composer.json",
    "composer.lock",
    "pyproject.toml",
    "requirements.txt",
    "Pipfile",
    "Pipfile.lock",
    "setup.cfg",
    "setup.py",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
];

fn beside(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).filter(|full| full.is_file()).collect()
}

/// What the walk enters. Called for each entry below the root that no ignore file leaves out.
struct Filter {
    base: PathBuf,
    root: PathBuf,
    exclude: Gitignore,
    exclude_from: PathBuf,
    include_tests: bool,
    left_out: Arc<Mutex<Vec<Skipped>>>,
}

/// Does a folder directly hold something whose name ends so?
fn holds_ending(folder: &Path, ending: &str) -> bool {
    std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(ending))))
}

impl Filter {
    fn keeps(&self, entry: &ignore::DirEntry) -> bool {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let path = relative(entry.path(), &self.root);
        if !is_folder && guess(&named_with_root(entry.path(), &self.root)).is_none() {
            return true;
        }
        let holds = |name: &str| match name.strip_prefix('*') {
            Some(ending) => holds_ending(entry.path(), ending),
            None => entry.path().join(name).exists(),
        };
        let excluded = self.exclude.matched_path_or_any_parents(relative(entry.path(), &self.exclude_from), is_folder);
        let reason = if excluded.is_ignore() {
            Some("excluded")
        } else if is_folder {
            CONVENTIONS.skip_folder(&path, holds)
        } else {
            CONVENTIONS.skip_file(&path)
        };
        let reason = reason.or((!self.include_tests && CONVENTIONS.is_test(&path, is_folder)).then_some("tests are left out"));
        let Some(reason) = reason else { return true };
        let path = relative(entry.path(), &self.base);
        let skipped = Skipped { path, reason: reason.to_owned(), is_failure: false };
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).push(skipped);
        false
    }
}

fn read_file(path: String, full: &Path, guess: Guess) -> Result<Text, Skipped> {
    let skip = |reason: String| Skipped { path: path.clone(), reason, is_failure: false };
    let fail = |error: io::Error| Skipped { path: path.clone(), reason: plain_reason(&error), is_failure: true };
    if fs::metadata(full).map_err(fail)?.len() > MAX_FILE_BYTES {
        return Err(skip(too_large(MAX_FILE_BYTES)));
    }
    let (mut text, encoding) = decode(fs::read(full).map_err(fail)?);
    if text.contains('\0') {
        if !matches!(guess, Guess::Known(Language::Php | Language::Python)) {
            return Err(skip("binary".to_owned()));
        }
        text = text.replace('\0', " ");
    }
    if CONVENTIONS.is_generated(&text) {
        return Err(skip("generated".to_owned()));
    }
    Ok(Text { path, guess: Some(guess), text, encoding })
}

fn too_large(limit: u64) -> String {
    format!("larger than {} MB", limit / 1024 / 1024)
}

/// The reason without the operating system's number, which differs between systems.
fn plain_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

fn is_in_repository(folder: &Path) -> bool {
    folder.ancestors().any(|above| above.join(".git").exists())
}

/// A path relative to a folder, with `/`.
fn relative(path: &Path, base: &Path) -> String {
    let inside = path.strip_prefix(base).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// A path that starts with the name of the root, so that a root named `templates` still holds templates.
fn named_with_root(path: &Path, root: &Path) -> String {
    relative(path, root.parent().unwrap_or(root))
}

#[cfg(test)]
mod tests;
