//! ormlint finds ORM misuse in PHP and Python applications without running them.
//!
//! The pipeline, in the order of its stages: [`source`] discovers files, [`syntax`] parses them, [`lower`] turns trees into
//! language-neutral [`facts`], [`index`] links them into one program, [`flow`] follows values through it, [`checks`] turns
//! what flow saw into [`findings`], [`report`] writes them. [`packs`] holds what the names of frameworks mean.

pub mod base;
pub mod checks;
pub mod cli;
pub mod config;
pub mod facts;
pub mod findings;
pub mod flow;
pub mod index;
pub mod lower;
pub mod packs;
pub mod pipeline;
pub mod report;
pub mod source;
pub mod syntax;
pub mod vcs;

#[cfg(test)]
mod testkit;
