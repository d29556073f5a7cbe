//! What is the tree of a file? Grammars and the names of their nodes; never meaning.

pub mod php;
pub mod python;

use std::cell::RefCell;

use tree_sitter::{Language, Parser};

thread_local! {
    /// Parsers hold large buffers: one per thread serves every language.
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Runs a function with this thread's parser, set to a language.
pub fn with_parser<T>(language: &Language, run: impl FnOnce(&mut Parser) -> T) -> T {
    PARSER.with(|parser| {
        let mut parser = parser.borrow_mut();
        parser.set_language(language).expect("the grammars are built for this version of the parser");
        run(&mut parser)
    })
}
