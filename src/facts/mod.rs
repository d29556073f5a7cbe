//! What does one file say, in words that no language owns?
//!
//! Facts depend on the bytes of that file alone. They hold no source text: names are interned, places are byte ranges.
//! Everything after `lower` reads facts and nothing else.

pub mod body;
pub mod decl;
pub mod gap;
pub mod print;

pub use body::*;
pub use decl::*;
pub use gap::{Gap, Why};
