//! How does a PHP file become facts?
//!
//! In: the text. Out: [`FileFacts`]. Each syntax node is visited once, with a bounded depth; what is deeper, unreadable or
//! computed at run time leaves a gap. Knows no library: a call is a call, whatever its name.

mod chain;
mod class;
mod comments;
mod decl;
mod doc;
mod expr;
mod frame;
mod names;
mod operators;
mod pattern;
mod stmt;
mod string;
mod types;

#[cfg(test)]
mod tests;

use smallvec::SmallVec;
use tree_sitter::{Node, TreeCursor};

use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId, FileFacts, FnId, FnKind, FunctionDecl, Gap, Language, MAX_DEPTH, Slot, Why};
use crate::syntax::php::{self, Field, Kind};
use frame::Frame;
use names::Names;

/// Facts of a PHP file. Never fails: what could not be read is a gap.
pub fn lower(text: &str) -> FileFacts {
    lower_text(text, None)
}

/// Facts of a PHP text that was made from another text: every place goes through the map, which turns byte offsets of the
/// PHP text into byte offsets of the original.
pub fn lower_with_map(text: &str, map: &dyn Fn(u32) -> u32) -> FileFacts {
    lower_text(text, Some(map))
}

fn lower_text(text: &str, map: Option<&dyn Fn(u32) -> u32>) -> FileFacts {
    let Some(tree) = php::parse(text) else {
        return unread(text);
    };
    let root = tree.root_node();
    let mut lowering = Lowering {
        text,
        map,
        cursor: tree.walk(),
        names: Names::default(),
        facts: no_facts(),
        frame: Frame::new(FnId(0), false),
        outer: Vec::new(),
        class: None,
        depth: 0,
    };
    let range = lowering.range(root);
    lowering.facts.functions.push(empty_function(FnKind::File, range));
    let mut block = Vec::new();
    lowering.block_of(root, &mut block);
    lowering.frame.body.root = block;
    lowering.finish_frame();
    lowering.read_comments(root);
    lowering.read_errors(root);
    lowering.facts
}

fn no_facts() -> FileFacts {
    FileFacts {
        language: Language::Php,
        namespace: Name::empty(),
        imports: Vec::new(),
        classes: Vec::new(),
        functions: Vec::new(),
        exports: None,
        comments: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Facts of a file that the parser gave up on.
fn unread(text: &str) -> FileFacts {
    let range = Range::new(0, text.len());
    let mut facts = no_facts();
    facts.functions.push(empty_function(FnKind::File, range));
    facts.gaps.push(Gap { range, why: Why::SyntaxError });
    facts
}

fn empty_function(kind: FnKind, range: Range) -> FunctionDecl {
    FunctionDecl {
        name: Name::empty(),
        name_range: range,
        range,
        kind,
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
        body: crate::facts::Body::default(),
    }
}

/// Lists of children; small, for one stands on the stack per level of nesting.
type Nodes<'t> = SmallVec<[Node<'t>; 2]>;

struct Lowering<'t> {
    text: &'t str,
    map: Option<&'t dyn Fn(u32) -> u32>,
    /// One cursor for all lists of children: it is at rest between them.
    cursor: TreeCursor<'t>,
    names: Names<'t>,
    facts: FileFacts,
    /// The function being lowered.
    frame: Frame<'t>,
    /// The functions around it, outermost first.
    outer: Vec<Frame<'t>>,
    /// The class being lowered.
    class: Option<crate::facts::ClassIx>,
    depth: usize,
}

impl<'t> Lowering<'t> {
    /// The only way from nodes to ranges.
    fn range(&self, node: Node) -> Range {
        self.bytes(node.start_byte(), node.end_byte())
    }

    fn bytes(&self, start: usize, end: usize) -> Range {
        match self.map {
            None => Range::new(start, end),
            Some(map) => Range { start: map(start as u32), end: map(end as u32) },
        }
    }

    fn text_of(&self, node: Node) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// Named children, without comments and HTML.
    fn named(&mut self, node: Node<'t>) -> Nodes<'t> {
        let mut nodes = Nodes::new();
        self.each_child(node, |child, kind| {
            if !matches!(kind, Kind::Token | Kind::Comment | Kind::TextInterpolation) {
                nodes.push(child);
            }
        });
        nodes
    }

    /// All children, without comments and HTML.
    fn tokens(&mut self, node: Node<'t>) -> Nodes<'t> {
        let mut nodes = Nodes::new();
        self.each_child(node, |child, kind| {
            if !matches!(kind, Kind::Comment | Kind::TextInterpolation) {
                nodes.push(child);
            }
        });
        nodes
    }

    /// Named children and comments.
    fn with_comments(&mut self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut nodes = Vec::new();
        self.each_child(node, |child, kind| {
            if !matches!(kind, Kind::Token | Kind::TextInterpolation) {
                nodes.push(child);
            }
        });
        nodes
    }

    fn each_child(&mut self, node: Node<'t>, mut visit: impl FnMut(Node<'t>, Kind)) {
        self.cursor.reset(node);
        if !self.cursor.goto_first_child() {
            return;
        }
        loop {
            let child = self.cursor.node();
            visit(child, php::kind(child));
            if !self.cursor.goto_next_sibling() {
                return;
            }
        }
    }

    /// The first named child that is no comment.
    fn first(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        self.cursor.reset(node);
        if !self.cursor.goto_first_child() {
            return None;
        }
        loop {
            let child = self.cursor.node();
            if !matches!(php::kind(child), Kind::Token | Kind::Comment | Kind::TextInterpolation) {
                return Some(child);
            }
            if !self.cursor.goto_next_sibling() {
                return None;
            }
        }
    }

    fn child_of_kind(&mut self, node: Node<'t>, wanted: Kind) -> Option<Node<'t>> {
        let mut found = None;
        self.each_child(node, |child, kind| {
            if found.is_none() && kind == wanted {
                found = Some(child);
            }
        });
        found
    }

    fn push(&mut self, expr: Expr, node: Node) -> ExprId {
        let range = self.range(node);
        self.frame.body.push(expr, range)
    }

    fn note(&mut self, node: Node, why: Why) {
        let range = self.range(node);
        self.facts.gaps.push(Gap { range, why });
    }

    /// An expression that was not understood. Errors of syntax are counted by [`Lowering::read_errors`].
    fn gap(&mut self, node: Node, why: Why, parts: Vec<ExprId>) -> ExprId {
        if why != Why::SyntaxError {
            self.note(node, why);
        }
        self.push(Expr::Gap(why, parts), node)
    }

    /// Runs something that takes more of the stack than one level of nesting does.
    fn deeper<T>(&mut self, levels: usize, run: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += levels;
        let result = run(self);
        self.depth -= levels;
        result
    }

    fn is_too_deep(&self) -> bool {
        self.depth >= MAX_DEPTH
    }

    /// The local variable of this name in the current function.
    fn slot(&mut self, name: &'t str) -> Slot {
        if let Some(slot) = self.frame.find(name) {
            return slot;
        }
        self.slot_at(self.outer.len(), name)
    }

    /// The same in the function at a level; the current one is at `outer.len()`. Arrow functions take what they do not
    /// have from the function around them.
    fn slot_at(&mut self, level: usize, name: &'t str) -> Slot {
        let frame = match self.outer.get_mut(level) {
            Some(frame) => frame,
            None => &mut self.frame,
        };
        if let Some(slot) = frame.find(name) {
            return slot;
        }
        let inner = frame.add(name);
        if frame.is_arrow && level > 0 {
            let outer = self.slot_at(level - 1, name);
            let frame = match self.outer.get_mut(level) {
                Some(frame) => frame,
                None => &mut self.frame,
            };
            frame.captures.push(crate::facts::Capture { outer, inner, by_ref: false });
        }
        inner
    }

    /// Starts a function: what follows is lowered into it.
    fn open(&mut self, function: FunctionDecl, is_arrow: bool) -> FnId {
        let id = FnId(self.facts.functions.len() as u32);
        let parent = self.frame.id;
        self.facts.functions.push(FunctionDecl { parent: Some(parent), ..function });
        let outer = std::mem::replace(&mut self.frame, Frame::new(id, is_arrow));
        self.outer.push(outer);
        id
    }

    /// Ends the function that was opened last.
    fn close(&mut self) {
        self.finish_frame();
        if let Some(outer) = self.outer.pop() {
            self.frame = outer;
        }
    }

    fn finish_frame(&mut self) {
        let function = &mut self.facts.functions[self.frame.id.0 as usize];
        function.body = std::mem::take(&mut self.frame.body);
        function.captures = std::mem::take(&mut self.frame.captures);
        function.is_generator = self.frame.is_generator;
    }

    fn field_text(&self, node: Node<'t>, field: Field) -> &'t str {
        php::field(node, field).map_or("", |n| self.text_of(n))
    }
}
