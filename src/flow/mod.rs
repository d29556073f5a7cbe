//! What is a value, at each place? Follows values through the whole program.

pub mod tree;
pub mod value;
