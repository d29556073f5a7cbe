//! What is the tree of a file? Grammars and the names of their nodes; never meaning.

pub mod php;
pub mod python;
