//! Which words may every layer use? Names, places in source text, and nothing that knows a language or a framework.

mod closed;
pub mod name;
pub mod span;

pub use closed::close;
pub use name::Name;
pub use span::{FileId, LineIndex, Range, Span};
