//! What was not understood, and why?

use crate::base::Range;

/// A place that the analysis could not follow. Counted by reason in the report, never silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Where.
    pub range: Range,
    /// The reason.
    pub why: Why,
}

/// Why something was not understood.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
    /// The parser reported an error or a missing token here.
    SyntaxError,
    /// The grammar has a node here that lowering has no meaning for.
    NotLowered(&'static str),
    /// Nested deeper than lowering goes.
    TooDeep,
    /// A string that would have to be known is computed at run time.
    Dynamic,
    /// A template tag or directive that is neither built in nor defined by the project.
    UnknownTag,
}

impl Why {
    /// The reason as it stands in reports.
    pub fn text(self) -> String {
        match self {
            Why::SyntaxError => "syntax error".to_owned(),
            Why::NotLowered(kind) => format!("not understood: {kind}"),
            Why::TooDeep => "nested too deeply".to_owned(),
            Why::Dynamic => "computed name".to_owned(),
            Why::UnknownTag => "unknown template tag".to_owned(),
        }
    }
}
