//! What do the names of frameworks and libraries mean? `rules/packs` read, checked and compiled.

pub mod model;

/// All packs that apply.
#[derive(Debug, Default)]
pub struct Packs {}
