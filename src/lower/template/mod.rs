//! What does a template do? Each template language has its own lowering; all give a template as a function whose free
//! variables the renderer fills by name.

pub mod django;
mod django_expr;
#[cfg(test)]
mod django_tests;
pub mod jinja;
mod jinja_expr;
#[cfg(test)]
mod jinja_tests;
mod jinja_token;
mod lexer;
#[cfg(test)]
mod printed;
mod tree;

pub use django::lower_django;
pub use jinja::lower_jinja;
