//! How does a tree become facts? One folder per language; never asks a pack.

pub mod php;
pub mod python;
pub mod template;
