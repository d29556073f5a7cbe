//! What does a template do? Each template language has its own lowering; all give a template as a function whose free
//! variables the renderer fills by name.

pub mod blade;
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

pub use blade::lower_blade;
pub use django::lower_django;
pub use jinja::lower_jinja;

use crate::facts::{FileFacts, Language};

/// Facts of a template in this language. Files in other languages are no templates: nothing is read.
pub fn lower_template(language: Language, text: &str) -> FileFacts {
    match language {
        Language::Blade => lower_blade(text),
        Language::DjangoTemplate => lower_django(text),
        Language::Jinja => lower_jinja(text),
        Language::Php | Language::Python => lower_django(""),
    }
}

