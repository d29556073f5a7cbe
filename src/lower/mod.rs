//! How does a tree become facts? One folder per language; never asks a pack.

pub mod php;
pub mod python;
pub mod template;

use crate::base::{Name, Range};
use crate::facts::{Body, FileFacts, FnKind, FunctionDecl, Language};

/// Facts of one file. Never fails: what could not be read is a gap.
pub fn lower(language: Language, text: &str) -> FileFacts {
    let facts = match language {
        Language::Php => php::lower(text),
        Language::Python => python::lower(text),
        Language::Blade => template::lower_blade(text),
        Language::DjangoTemplate => template::lower_django(text),
        Language::Jinja => template::lower_jinja(text),
    };
    // Later stages rely on the body of the file itself.
    if facts.functions.is_empty() { empty(language) } else { facts }
}

/// Facts of a file that says nothing.
pub fn empty(language: Language) -> FileFacts {
    let body = FunctionDecl {
        name: Name::empty(),
        name_range: Range::default(),
        range: Range::default(),
        kind: FnKind::File,
        class: None,
        parent: None,
        params: Vec::new(),
        ret: None,
        is_static: false,
        is_classmethod: false,
        is_abstract: false,
        is_private: false,
        is_async: false,
        is_generator: false,
        decorators: Vec::new(),
        captures: Vec::new(),
        body: Body::default(),
    };
    FileFacts {
        language,
        namespace: Name::empty(),
        imports: Vec::new(),
        classes: Vec::new(),
        functions: vec![body],
        exports: None,
        comments: Vec::new(),
        gaps: Vec::new(),
    }
}
