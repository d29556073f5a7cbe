//! Which files are read, whose are they, and in which language?

mod conventions;
mod decode;
pub mod disk;
pub mod language;
pub mod manifest;
pub mod memory;
mod template_folders;

use std::collections::BTreeMap;

use crate::base::{FileId, LineIndex};
use crate::facts::Language;

pub use decode::Encoding;
pub use disk::{DiscoverOptions, discover};
pub use manifest::Manifest;

/// Whose a file is. Decides whether findings may stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// The application's own code.
    Ours,
    /// A database migration: read for the schema only.
    Migration,
    /// A test, factory, seeder or stub: read only with `--include-tests`.
    Test,
    /// A script run by hand or a console command's folder: no request runs it.
    Script,
}

/// One file of a run, decoded.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path relative to the folder checked, with `/`.
    pub path: String,
    /// Language, by content and name.
    pub language: Language,
    /// Whose it is.
    pub origin: Origin,
    /// The text, decoded to UTF-8 (byte-order mark removed; bytes that are not UTF-8 read as Latin-1). All ranges count
    /// bytes of this text.
    pub text: String,
    /// Lines of the text.
    pub lines: LineIndex,
}

/// A file or folder that was not read, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Path relative to the folder checked.
    pub path: String,
    /// The reason, as shown.
    pub reason: String,
    /// Could not be read although it should have been (then the run ends with status 2), rather than left out on purpose.
    pub is_failure: bool,
}

/// The read-only set of files of a run, sorted by path: the index of a file is its [`FileId`].
#[derive(Clone, Debug, Default)]
pub struct SourceSet {
    /// The files.
    pub files: Vec<SourceFile>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// Which libraries the application uses.
    pub manifest: Manifest,
    /// Folders that the code names as folders of templates; a template is named by its path below one.
    pub template_folders: Vec<String>,
    /// How the bytes of a file differ from its text, where they do: for what is computed over bytes.
    pub encodings: BTreeMap<FileId, Encoding>,
}

impl SourceSet {
    /// The file with this id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }
}
