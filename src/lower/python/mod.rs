//! What does a Python file say?
//!
//! In: the text of a module. Out: its facts. Never fails: what the parser or lowering could not read is a gap, and what
//! stands around it is lowered all the same.

mod assign;
mod chain;
mod clause;
mod collection;
mod decl;
mod exports;
mod expr;
mod import;
mod pattern;
mod scope;
mod stmt;
mod strings;
mod types;

#[cfg(test)]
mod tests;

use tree_sitter::{Node, TreeCursor};

use crate::base::{Name, Range};
use crate::facts::{
    Block, ClassDecl, Comment, Expr, ExprId, FileFacts, FnId, FnKind, FunctionDecl, Gap, Import, Language, MAX_DEPTH, Why,
};
use crate::syntax::python::{self, Field, Kind};

use scope::{Frame, Need};

/// Facts of one module.
pub fn lower(text: &str) -> FileFacts {
    let Some(tree) = python::parse(text) else {
        let mut lowering_gaps = vec![Gap { range: Range::new(0, text.len()), why: Why::SyntaxError }];
        let mut facts = empty();
        facts.gaps.append(&mut lowering_gaps);
        return facts;
    };
    let root = tree.root_node();
    let mut lowering = Lowering::new(text, root);
    lowering.module(root);
    lowering.finish(root)
}

fn empty() -> FileFacts {
    FileFacts {
        language: Language::Python,
        namespace: Name::empty(),
        imports: Vec::new(),
        classes: Vec::new(),
        functions: Vec::new(),
        exports: None,
        comments: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Words that a comment must contain to be kept: those that speak to the tool, and those that its tests read.
const COMMENT_WORDS: &[&str] = &["ormlint", "expect:", "step:", "missed:", "wrong:"];

struct Lowering<'t> {
    text: &'t str,
    /// The function being lowered.
    top: Frame,
    /// The functions around it, the file first.
    outer: Vec<Frame>,
    /// How many expressions and statements are around the current one.
    depth: usize,
    /// One cursor for all looking at children.
    cursor: TreeCursor<'t>,
    /// Children of the nodes being lowered, a stack: whoever adds to it takes away what was added.
    kids: Vec<Node<'t>>,
    /// Links of the chains being lowered, a stack like `kids`.
    links: Vec<Node<'t>>,
    functions: Vec<FunctionDecl>,
    needs: Vec<Vec<Need>>,
    classes: Vec<ClassDecl>,
    imports: Vec<Import>,
    gaps: Vec<Gap>,
}

impl<'t> Lowering<'t> {
    fn new(text: &'t str, root: Node<'t>) -> Lowering<'t> {
        let mut lowering = Lowering {
            text,
            top: Frame::new(FnId(0), Name::empty(), FnKind::File, None),
            outer: Vec::new(),
            depth: 0,
            cursor: root.walk(),
            kids: Vec::new(),
            links: Vec::new(),
            functions: Vec::new(),
            needs: Vec::new(),
            classes: Vec::new(),
            imports: Vec::new(),
            gaps: Vec::new(),
        };
        lowering.declare(FnKind::File, Name::empty(), None, None);
        lowering
    }

    fn module(&mut self, root: Node<'t>) {
        let mut body = Block::new();
        if root.is_error() {
            self.unread_statements(root, &mut body);
        } else {
            self.block_into(root, &mut body);
        }
        self.top.body.root = body;
        let whole = Range::new(0, self.text.len());
        self.functions[0].range = whole;
        self.functions[0].name_range = whole;
    }

    fn finish(mut self, root: Node<'t>) -> FileFacts {
        self.leave();
        if root.has_error() {
            self.syntax_errors(root);
        }
        self.gaps.sort_by_key(|gap| (gap.range, gap.why));
        self.gaps.dedup();
        let mut facts = empty();
        facts.comments = comments(self.text, root);
        facts.exports = exports::of(&self.functions[0].body);
        facts.imports = self.imports;
        facts.classes = self.classes;
        facts.functions = self.functions;
        facts.gaps = self.gaps;
        facts
    }

    /// A gap for every outermost error and every missing token.
    fn syntax_errors(&mut self, root: Node<'t>) {
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            let is_fault = node.is_error() || node.is_missing();
            if is_fault {
                self.gap(node, Why::SyntaxError);
            }
            if !is_fault && node.has_error() && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    /// Adds the named children of a node to `kids`, comments left out, and says where they are.
    fn kids(&mut self, node: Node<'t>) -> std::ops::Range<usize> {
        self.children(node, false)
    }

    /// The same with keywords and operators.
    fn kids_and_tokens(&mut self, node: Node<'t>) -> std::ops::Range<usize> {
        self.children(node, true)
    }

    fn children(&mut self, node: Node<'t>, tokens: bool) -> std::ops::Range<usize> {
        let start = self.kids.len();
        self.cursor.reset(node);
        if self.cursor.goto_first_child() {
            loop {
                let child = self.cursor.node();
                match Kind::of(child) {
                    Kind::Comment | Kind::LineContinuation => (),
                    Kind::Token if !tokens => (),
                    _ => self.kids.push(child),
                }
                if !self.cursor.goto_next_sibling() {
                    break;
                }
            }
        }
        start..self.kids.len()
    }

    /// The first named child that is no comment.
    fn first(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        let kids = self.kids(node);
        let first = self.kids[kids.clone()].first().copied();
        self.kids.truncate(kids.start);
        first
    }

    fn text(&self, node: Node<'t>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn name(&self, node: Node<'t>) -> Name {
        Name::new(self.text(node))
    }

    /// The name in a field of a node, empty if it is missing.
    fn field_name(&self, node: Node<'t>, field: Field) -> (Name, Range) {
        match field.of(node) {
            Some(name) => (self.name(name), range(name)),
            None => (Name::empty(), Range::new(node.end_byte(), node.end_byte())),
        }
    }

    fn gap(&mut self, node: Node<'t>, why: Why) {
        self.gaps.push(Gap { range: range(node), why });
    }

    fn push(&mut self, expr: Expr, range: Range) -> ExprId {
        self.top.body.push(expr, range)
    }

    /// How many more levels may be below this one.
    fn room(&self) -> usize {
        MAX_DEPTH.saturating_sub(self.depth)
    }
}

fn range(node: Node<'_>) -> Range {
    Range::new(node.start_byte(), node.end_byte())
}

/// Does the node start with this keyword, or have it as its second word?
fn has_token(node: Node<'_>, token: &str) -> bool {
    (0..2).filter_map(|i| node.child(i)).any(|child| !child.is_named() && child.kind() == token)
}

/// The comments that are for the tool. Most lines are dismissed without asking the tree.
fn comments(text: &str, root: Node<'_>) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let start = line_start;
        line_start += line.len();
        let Some(mut hash) = line.find('#') else {
            continue;
        };
        if !COMMENT_WORDS.iter().any(|word| line[hash..].contains(word)) {
            continue;
        }
        loop {
            let at = start + hash;
            let node = root.named_descendant_for_byte_range(at, at + 1);
            if let Some(node) = node.filter(|n| Kind::of(*n) == Kind::Comment) {
                let words = text.get(node.byte_range()).unwrap_or("").trim_start_matches('#').trim();
                if COMMENT_WORDS.iter().any(|word| words.contains(word)) {
                    found.push(Comment { range: range(node), text: Name::new(words) });
                }
                break;
            }
            match line[hash + 1..].find('#') {
                Some(next) => hash += 1 + next,
                None => break,
            }
        }
    }
    found
}
