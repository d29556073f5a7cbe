//! What does a check say? One finding type for all rules; renderers only read it.

pub mod baseline;
pub mod compare;
pub mod coverage;
pub mod edit;
pub mod fingerprint;
pub mod suppress;

use crate::base::{Name, Span};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Costs queries, time or connections.
    Warning,
    /// Wrong: leaks, crashes, or stops the event loop.
    Error,
}

/// How sure the analysis is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Hidden unless asked for.
    Low,
    /// Something on the way was inferred.
    Medium,
    /// Every step was seen.
    High,
}

/// One place on the way that the data takes to the fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Where.
    pub span: Span,
    /// What happens there: lower case, no full stop.
    pub message: String,
}

/// What the finding is about: whatever applies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Subject {
    /// Model, as its fully qualified or dotted name.
    pub model: Option<String>,
    /// Relation or path of relations.
    pub relation: Option<String>,
    /// Table.
    pub table: Option<String>,
    /// Method or function called.
    pub method: Option<String>,
    /// Client or resource constructed.
    pub client: Option<String>,
}

/// Replacement of a range of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// The new text.
    pub text: String,
}

/// A change that cures a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, as an imperative: "load `author` with the query".
    pub title: String,
    /// The edits.
    pub edits: Vec<Edit>,
    /// Keeps the meaning in every case that the analysis can think of.
    pub is_safe: bool,
}

/// What a check says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Rule id.
    pub rule: Name,
    /// Level, settled.
    pub level: Level,
    /// Confidence.
    pub confidence: Confidence,
    /// Headline: lower case start, no full stop, one line, true on its own.
    pub message: String,
    /// What to do, with the reader's own identifiers; may hold code in backticks.
    pub help: String,
    /// Cost in words: "1 + N queries, N = rows of `Post`"; empty if it has none.
    pub cost: String,
    /// Where the reader should look first.
    pub span: Span,
    /// What stands under that place; empty where the subject says it.
    pub label: &'static str,
    /// The way there, in the order in which data moves; the last is not the primary place.
    pub steps: Vec<Step>,
    /// What it is about.
    pub subject: Subject,
    /// Qualified name of the function, class or template that holds the primary place.
    pub owner: String,
    /// A change that cures it, if there is one.
    pub fix: Option<Fix>,
    /// Identity that survives edits nearby; set by [`fingerprint::assign`].
    pub fingerprint: String,
}
