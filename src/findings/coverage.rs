//! What was covered by a run, and what was not?

use std::collections::BTreeMap;

use crate::base::FileId;

/// A failure of the tool itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The file on which it failed; none if it failed on the program as a whole.
    pub file: Option<FileId>,
    /// What the panic said.
    pub message: String,
}

/// What was covered, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What was not understood or not followed, by reason.
    pub gaps: BTreeMap<String, u64>,
    /// Other counts, by what they count: templates reached and the like.
    pub counts: BTreeMap<String, u64>,
}
