//! Do the grammars still have the names and shapes that lowering relies on?

mod php;
mod python;
