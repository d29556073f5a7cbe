//! Which comments speak to the tool, and where could the parser not go on?

use tree_sitter::{Node, TreeCursor};

use super::Lowering;
use crate::base::Name;
use crate::facts::{Comment, Gap, Why};
use crate::syntax::php::{self, Kind};

/// A comment with one of these is kept.
const WORDS: &[&str] = &["ormlint", "expect:", "step:", "missed:", "wrong:"];

/// Errors are counted up to here; a file with more is not PHP.
const MAX_ERRORS: usize = 1000;

impl<'t> Lowering<'t> {
    pub(super) fn read_comments(&mut self, root: Node<'t>) {
        if !WORDS.iter().any(|word| self.text.contains(word)) {
            return;
        }
        walk(&mut root.walk(), |node| {
            if php::kind(node) != Kind::Comment {
                return true;
            }
            let text = self.text_of(node);
            if WORDS.iter().any(|word| text.contains(word)) {
                let range = self.range(node);
                let text = Name::new(without_markers(text));
                self.facts.comments.push(Comment { range, text });
            }
            false
        });
    }

    /// A gap for each piece that the parser skipped or made up.
    pub(super) fn read_errors(&mut self, root: Node<'t>) {
        if !root.has_error() {
            return;
        }
        let mut count = 0;
        walk(&mut root.walk(), |node| {
            if (node.is_error() || node.is_missing()) && count < MAX_ERRORS {
                count += 1;
                let range = self.range(node);
                self.facts.gaps.push(Gap { range, why: Why::SyntaxError });
            }
            node.has_error() && !node.is_error()
        });
    }
}

fn without_markers(comment: &str) -> &str {
    if let Some(text) = comment.strip_prefix("/*") {
        let text = text.strip_suffix("*/").unwrap_or(text);
        return text.trim_start_matches('*').trim();
    }
    comment.trim_start_matches(['/', '#']).trim()
}

/// Visits nodes in source order, going into those for which the visitor says so.
fn walk<'t>(cursor: &mut TreeCursor<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    loop {
        if visit(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
