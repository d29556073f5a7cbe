//! The form of a pack as a TOML file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What is wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not TOML, or not of the form.
    #[error("{file}: {message}")]
    Form {
        /// The file.
        file: String,
        /// What the parser says, with the line.
        message: String,
    },
    /// A word of an operation that does not exist.
    #[error("{file}: `{word}` is no word of an operation; the nearest is `{nearest}`")]
    Word {
        /// The file.
        file: String,
        /// The word.
        word: String,
        /// The nearest that exists.
        nearest: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) id: String,
    pub(super) language: String,
}

/// A constructor that is costly to run for every request.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ClientEntry {
    /// Full names of the classes or functions that construct it.
    pub names: Vec<String>,
    /// What it is, with its article: "an HTTP connection pool".
    pub what: String,
    /// Why it is costly.
    pub why: String,
    /// What to do instead.
    pub cure: String,
    /// Class of what the constructors give, where their names do not say.
    #[serde(default)]
    pub gives: Option<String>,
    /// Arguments that hand in shared connections: with one of them the object is cheap.
    #[serde(default)]
    pub shared: Vec<String>,
    /// Cheap enough once per request: only loops are faults.
    #[serde(default)]
    pub loops_only: bool,
    /// How sure it is that it should be shared: `high` or `medium`.
    #[serde(default)]
    pub confidence: Option<String>,
}

/// A call that blocks the thread it runs on.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct BlockingEntry {
    /// Full names of the functions; a trailing `*` for all names that begin so.
    pub names: Vec<String>,
    /// What it waits for: "the network", "the disk".
    pub what: String,
    /// What to use in asynchronous code.
    pub instead: String,
    /// Names that the pattern covers but that do not wait.
    #[serde(default)]
    pub except: Vec<String>,
    /// Short as a rule: worth a note.
    #[serde(default)]
    pub short: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pub(super) pack: Meta,
    #[serde(default)]
    pub(super) on: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    pub(super) functions: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) instances: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) words: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) client: Vec<ClientEntry>,
    #[serde(default)]
    pub(super) blocking: Vec<BlockingEntry>,
}

impl PackFile {
    pub(super) fn parse(path: &str, text: &str) -> Result<PackFile, PackError> {
        toml::from_str(text).map_err(|e| PackError::Form { file: path.to_owned(), message: e.to_string() })
    }
}
