//! What did the project look like before? Reads a git repository through a library; runs no program and changes nothing in it.
//!
//! In: a folder and a revision. Out: the root of the repository, the tree at the merge base, texts of files in it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use git2::{ObjectType, Oid, TreeWalkMode, TreeWalkResult};

/// A repository with files on the disk.
pub struct Repository {
    /// The library's handle is for one thread at a time.
    repository: Mutex<git2::Repository>,
    root: PathBuf,
}

/// The tree of a revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tree(Oid);

impl Repository {
    /// The repository around a folder; `None` if there is none.
    ///
    /// # Errors
    /// There is one and it cannot be read.
    pub fn around(folder: &Path) -> Result<Option<Repository>, String> {
        match git2::Repository::discover(folder) {
            Ok(repository) => {
                let root = repository.workdir().map(|root| fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf()));
                Ok(root.map(|root| Repository { repository: Mutex::new(repository), root }))
            }
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }

    fn open(&self) -> MutexGuard<'_, git2::Repository> {
        self.repository.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of the files.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The tree at the merge base of a revision and what is checked out.
    ///
    /// # Errors
    /// There is no such revision, or nothing that both come from.
    pub fn merge_base(&self, revision: &str) -> Result<Tree, String> {
        let repository = self.open();
        let commit = |name: &str| {
            let object = repository.revparse_single(name);
            object.and_then(|object| object.peel_to_commit())
        };
        let theirs = commit(revision).map_err(|error| format!("there is no revision `{revision}`: {}", reason(&error)))?;
        let ours = commit("HEAD").map_err(|error| format!("nothing is committed yet: {}", reason(&error)))?;
        let base = repository.merge_base(theirs.id(), ours.id()).map_err(|_| {
            format!(
                "`{revision}` and what is checked out have no common commit here; \
                     in a shallow clone, fetch more of the history"
            )
        })?;
        let commit = repository.find_commit(base);
        let tree = commit.and_then(|commit| commit.tree());
        tree.map(|tree| Tree(tree.id())).map_err(|error| reason(&error))
    }

    /// The bytes of a file of a tree, by its path from the root; `None` if it is not there.
    pub fn bytes_at(&self, tree: Tree, path: &str) -> Option<Vec<u8>> {
        let repository = self.open();
        let tree = repository.find_tree(tree.0).ok()?;
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = repository.find_blob(entry.id()).ok()?;
        Some(blob.content().to_vec())
    }

    /// Writes the files of a tree that `wanted` names by their path from the root into a folder.
    ///
    /// # Errors
    /// The tree cannot be read or a file cannot be written.
    pub fn write_tree(&self, tree: Tree, wanted: &dyn Fn(&str) -> bool, folder: &Path) -> Result<(), String> {
        let repository = self.open();
        let tree = repository.find_tree(tree.0).map_err(|error| reason(&error))?;
        let mut paths: Vec<(String, Oid)> = Vec::new();
        let walked = tree.walk(TreeWalkMode::PreOrder, |above, entry| {
            // Links are no files of their own: what they lead to is in the tree as well.
            let is_file = entry.kind() == Some(ObjectType::Blob) && entry.filemode() & 0o170_000 == 0o100_000;
            if let (true, Ok(name)) = (is_file, entry.name()) {
                let path = format!("{above}{name}");
                let is_inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
                if is_inside && wanted(&path) {
                    paths.push((path, entry.id()));
                }
            }
            TreeWalkResult::Ok
        });
        walked.map_err(|error| reason(&error))?;
        for (path, id) in paths {
            let blob = repository.find_blob(id).map_err(|error| format!("{path}: {}", reason(&error)))?;
            let full = folder.join(&path);
            write(&full, blob.content()).map_err(|error| format!("{}: {error}", full.display()))?;
        }
        Ok(())
    }
}

fn write(full: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(above) = full.parent() {
        fs::create_dir_all(above)?;
    }
    fs::write(full, bytes)
}

fn reason(error: &git2::Error) -> String {
    error.message().to_owned()
}

/// A new folder that goes away with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

static SCRATCHES: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> io::Result<Scratch> {
        let (process, mut number) = (std::process::id(), 0);
        loop {
            number += SCRATCHES.fetch_add(1, Ordering::Relaxed) + 1;
            let folder = std::env::temp_dir().join(format!("ormlint-{process}-{number}"));
            // A folder that is there already may be somebody else's.
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Scratch(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
                Err(error) => return Err(error),
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
