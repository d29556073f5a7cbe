//! How do tags that open and close become statements that hold others?
//!
//! Keeps the function being written, the open tags and what was written inside each. Ends that match nothing are ignored,
//! tags left open end with the tag around them, and what nests too deeply is left out with one gap.

use rustc_hash::FxHashMap;

use super::scope::Scope;
use crate::base::{Name, Range};
use crate::facts::{
    Block, Capture, Comment, Expr, ExprId, FileFacts, FnId, FnKind, FunctionDecl, Gap, Language, Loop, LoopKind, MAX_DEPTH,
    Param, Pat, PatId, Render, Slot, Stmt, Why,
};

/// Tags nest at most this deep, so that expressions inside them still have room below [`MAX_DEPTH`].
const MAX_TAGS: usize = MAX_DEPTH - 80;

/// Words in a comment that make it one for the tool or for a test of it.
pub const COMMENT_WORDS: &[&str] = &["ormlint", "expect:", "step:", "missed:", "wrong:"];

/// The facts of a template under construction.
pub struct Tree {
    language: Language,
    length: usize,
    functions: Vec<Option<FunctionDecl>>,
    scopes: Vec<Scope>,
    frames: Vec<Frame>,
    open: FxHashMap<Name, usize>,
    dead: usize,
    comments: Vec<Comment>,
    gaps: Vec<Gap>,
}

/// An open tag.
struct Frame {
    /// What its end tag names.
    key: Name,
    start: usize,
    /// Where its statements begin among the pending ones.
    first: usize,
    level: usize,
    kind: FrameKind,
}

/// What an open tag becomes when it ends.
pub enum FrameKind {
    /// A branch: the arms that are complete, and the condition of the current one (`None`: else).
    If {
        /// Condition, body and start of each complete arm.
        done: Vec<(ExprId, Block, usize)>,
        /// Condition of the arm being written.
        cond: Option<ExprId>,
        /// Start of the arm being written.
        at: usize,
    },
    /// A loop, the condition that elements must meet, and its body once `else` or `empty` has begun.
    Loop(Box<Loop>, Option<ExprId>, Option<Block>),
    /// Variables for the statements inside.
    With(Vec<(ExprId, Option<PatId>)>),
    /// A part that children replace.
    Block(Name),
    /// Something rendered with the statements inside; its range.
    Render(Box<Render>, Range),
    /// A function of its own, to be bound to a slot.
    Macro(FnId, Slot),
    /// A part of which the output is kept.
    Cached,
    /// No meaning of its own; at the end this statement follows.
    Transparent(Option<(Expr, Range)>),
    /// Too deep: everything inside is left out.
    Dead,
}

impl Tree {
    /// An empty template.
    pub fn new(language: Language, text: &str) -> Tree {
        Tree {
            language,
            length: text.len(),
            functions: vec![None],
            scopes: vec![Scope::new(FnId(0), Name::empty(), Range::new(0, text.len()))],
            frames: Vec::new(),
            open: FxHashMap::default(),
            dead: 0,
            comments: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn scope(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("the template's own scope is never closed")
    }

    /// Is everything here left out?
    pub fn is_dead(&self) -> bool {
        self.dead > 0
    }

    /// How many statements nest around this place?
    fn level(&self) -> usize {
        self.frames.last().map_or(0, Frame::inner_level)
    }

    /// Adds an expression with its children, which must have been added before.
    pub fn node(&mut self, expr: Expr, range: Range, children: &[ExprId]) -> ExprId {
        let limit = MAX_DEPTH - self.level().min(MAX_DEPTH - 1);
        let scope = self.scope();
        let height = 1 + children.iter().map(|c| scope.heights[c.0 as usize] as usize).max().unwrap_or(0);
        if height > limit {
            scope.heights.push(1);
            let id = scope.body.push(Expr::Gap(Why::TooDeep, Vec::new()), range);
            self.gap(range, Why::TooDeep);
            return id;
        }
        scope.heights.push(height as u16);
        scope.body.push(expr, range)
    }

    /// Adds an expression without children.
    pub fn leaf(&mut self, expr: Expr, range: Range) -> ExprId {
        self.node(expr, range, &[])
    }

    /// Adds a string.
    pub fn string(&mut self, text: &str, range: Range) -> ExprId {
        self.leaf(Expr::Str(Name::new(text)), range)
    }

    /// Adds a place that was not understood, with the parts that were.
    pub fn gap_node(&mut self, why: Why, range: Range, parts: Vec<ExprId>) -> ExprId {
        self.gap(range, why);
        let children = parts.clone();
        self.node(Expr::Gap(why, parts), range, &children)
    }

    /// Counts a place that was not understood.
    pub fn gap(&mut self, range: Range, why: Why) {
        self.gaps.push(Gap { range, why });
    }

    /// How many places were not understood so far?
    pub fn gaps(&self) -> usize {
        self.gaps.len()
    }

    /// Forgets the places counted after there were so many.
    pub fn forget_gaps(&mut self, count: usize) {
        self.gaps.truncate(count);
    }

    /// The range of an expression added before.
    pub fn range(&self, expr: ExprId) -> Range {
        self.scopes.last().map_or(Range::default(), |s| s.body.range(expr))
    }

    /// The slot of a variable.
    pub fn slot(&mut self, name: &str) -> Slot {
        let name = Name::new(name);
        let scope = self.scope();
        if let Some(slot) = scope.slots.get(&name) {
            return *slot;
        }
        scope.body.slots.push(name);
        let slot = Slot(scope.body.slots.len() as u32 - 1);
        scope.slots.insert(name, slot);
        slot
    }

    /// Reads a variable.
    pub fn local(&mut self, name: &str, range: Range) -> ExprId {
        let slot = self.slot(name);
        self.leaf(Expr::Local(slot), range)
    }

    /// A target that binds a variable.
    pub fn bind(&mut self, name: &str) -> PatId {
        let slot = self.slot(name);
        let scope = self.scope();
        scope.bound.insert(slot);
        scope.body.push_pat(Pat::Local(slot))
    }

    /// A variable that tags bind here without naming it.
    pub fn mark_bound(&mut self, name: &str) {
        let slot = self.slot(name);
        self.scope().bound.insert(slot);
    }

    /// Adds a target.
    pub fn pat(&mut self, pat: Pat) -> PatId {
        self.scope().body.push_pat(pat)
    }

    /// Adds a statement at this place.
    pub fn stmt(&mut self, stmt: Stmt, range: Range) {
        if self.is_dead() {
            return;
        }
        let scope = self.scope();
        let id = scope.body.push_stmt(stmt, range);
        scope.pending.push(id);
    }

    /// Adds an expression for its effects.
    pub fn effect(&mut self, expr: ExprId, range: Range) {
        self.stmt(Stmt::Expr(expr), range);
    }

    /// Adds `target = value`.
    pub fn assign(&mut self, target: PatId, value: ExprId, range: Range) {
        let expr = self.node(Expr::Assign { target, value }, range, &[value]);
        self.effect(expr, range);
    }

    /// A value that nothing is known of.
    pub fn unknown(&mut self, range: Range) -> ExprId {
        self.leaf(Expr::Gap(Why::NotLowered("template value"), Vec::new()), range)
    }

    /// A loop over `iter`.
    pub fn each(target: PatId, iter: ExprId, header: Range) -> Box<Loop> {
        Box::new(Loop {
            kind: LoopKind::Each,
            target: Some(target),
            key: None,
            iter: Some(iter),
            before: None,
            cond: None,
            step: None,
            body: Vec::new(),
            otherwise: Vec::new(),
            is_async: false,
            header,
        })
    }

    /// Opens a tag that `key` ends.
    pub fn open(&mut self, key: &str, range: Range, kind: FrameKind) {
        let outer = self.level();
        let level = outer
            + match kind {
                FrameKind::Transparent(_) | FrameKind::Dead => 0,
                FrameKind::Render(..) => 2,
                _ => 1,
            };
        // Tags that add no level still are tags: their number is bounded as well.
        let kind = if self.is_dead() || level > MAX_TAGS || self.frames.len() > MAX_TAGS {
            if !self.is_dead() {
                self.gap(range, Why::TooDeep);
            }
            if let FrameKind::Macro(..) = kind {
                self.drop_macro();
            }
            self.dead += 1;
            FrameKind::Dead
        } else {
            kind
        };
        let key = Name::new(key);
        *self.open.entry(key).or_insert(0) += 1;
        let first = self.scope().pending.len();
        self.frames.push(Frame { key, start: range.start as usize, first, level, kind });
    }

    /// Ends the innermost tag with this key, and those left open inside it. False if there is none.
    pub fn close(&mut self, key: &str, end: usize) -> bool {
        let key = Name::new(key);
        if self.open.get(&key).is_none_or(|n| *n == 0) {
            return false;
        }
        while let Some(found) = self.pop(end) {
            if found == key {
                break;
            }
        }
        true
    }

    fn pop(&mut self, end: usize) -> Option<Name> {
        let frame = self.frames.pop()?;
        let key = frame.key;
        if let Some(n) = self.open.get_mut(&key) {
            *n -= 1;
        }
        self.complete(frame, end);
        Some(key)
    }

    fn complete(&mut self, frame: Frame, end: usize) {
        let range = Range::new(frame.start, end);
        let take = |scope: &mut Scope| scope.pending.split_off(frame.first);
        match frame.kind {
            FrameKind::Dead => self.dead -= 1,
            FrameKind::Transparent(last) => {
                if let Some((expr, range)) = last {
                    let children = match &expr {
                        Expr::Assign { value, .. } => vec![*value],
                        _ => Vec::new(),
                    };
                    let expr = self.node(expr, range, &children);
                    self.effect(expr, range);
                }
            }
            FrameKind::If { mut done, cond, at } => {
                let block = take(self.scope());
                let mut otherwise = Vec::new();
                match cond {
                    Some(cond) => done.push((cond, block, at)),
                    None => otherwise = block,
                }
                let scope = self.scope();
                while let Some((cond, then, at)) = done.pop() {
                    let stmt = Stmt::If { cond, then, otherwise: std::mem::take(&mut otherwise) };
                    let id = scope.body.push_stmt(stmt, Range::new(at, end));
                    otherwise = vec![id];
                }
                scope.pending.append(&mut otherwise);
            }
            FrameKind::Loop(mut header, filter, body) => {
                let block = take(self.scope());
                match body {
                    Some(body) => {
                        header.body = body;
                        header.otherwise = block;
                    }
                    None => header.body = block,
                }
                if let Some(cond) = filter {
                    let at = self.range(cond);
                    let stmt = Stmt::If { cond, then: std::mem::take(&mut header.body), otherwise: Vec::new() };
                    header.body = vec![self.scope().body.push_stmt(stmt, at)];
                }
                self.stmt(Stmt::Loop(header), range);
            }
            FrameKind::With(items) => {
                let body = take(self.scope());
                self.stmt(Stmt::With { items, body, is_async: false }, range);
            }
            FrameKind::Cached => {
                let body = take(self.scope());
                self.stmt(Stmt::Cached(body), range);
            }
            FrameKind::Block(name) => {
                let body = take(self.scope());
                self.stmt(Stmt::TemplateBlock { name, body }, range);
            }
            FrameKind::Render(mut render, at) => {
                render.inner = take(self.scope());
                let mut children: Vec<ExprId> = render.args.iter().map(|a| a.value).collect();
                children.push(render.template);
                children.extend(render.context);
                let expr = self.node(Expr::Render(render), at, &children);
                self.effect(expr, range);
            }
            FrameKind::Macro(id, slot) => {
                self.end_macro(range);
                self.stmt(Stmt::Function(id, Some(slot)), range);
            }
        }
    }

    /// Ends tags until the innermost one is a branch that may have another arm; false if there is none.
    pub fn in_branch(&mut self, at: usize) -> bool {
        let takes = |f: &Frame| matches!(f.kind, FrameKind::If { cond: Some(_), .. });
        self.close_down_to(takes, at)
    }

    /// Completes the current arm of the innermost branch and begins one with this condition (`None`: else).
    pub fn next_arm(&mut self, next: Option<ExprId>, start: usize) {
        let Some(Frame { kind: FrameKind::If { done, cond, at }, first, .. }) = self.frames.last_mut() else {
            return;
        };
        let Some(current) = *cond else { return };
        let scope = self.scopes.last_mut().expect("the template's own scope is never closed");
        done.push((current, scope.pending.split_off(*first), *at));
        *cond = next;
        *at = start;
    }

    /// May the innermost branch have another condition, or would it nest too deeply?
    pub fn has_room(&self) -> bool {
        self.level() < MAX_TAGS
    }

    /// Begins the `else` of the branch or loop that this place is in; without one nothing happens.
    pub fn otherwise(&mut self, start: usize) {
        let takes = |f: &Frame| matches!(f.kind, FrameKind::If { cond: Some(_), .. } | FrameKind::Loop(_, _, None));
        if !self.close_down_to(takes, start) {
            return;
        }
        match self.frames.last_mut() {
            Some(Frame { kind: FrameKind::Loop(_, _, body), first, .. }) => {
                let scope = self.scopes.last_mut().expect("the template's own scope is never closed");
                *body = Some(scope.pending.split_off(*first));
            }
            _ => self.next_arm(None, start),
        }
    }

    /// Ends tags until the innermost one is such; does nothing if none is.
    fn close_down_to(&mut self, is_such: impl Fn(&Frame) -> bool, end: usize) -> bool {
        if self.is_dead() {
            return false;
        }
        let stops = |f: &Frame| matches!(f.kind, FrameKind::Macro(..) | FrameKind::Block(_) | FrameKind::Render(..));
        for (above, frame) in self.frames.iter().rev().enumerate() {
            if is_such(frame) {
                for _ in 0..above {
                    self.pop(end);
                }
                return true;
            }
            if stops(frame) {
                return false;
            }
        }
        false
    }

    /// Begins a function inside this one. Its tag must be opened next.
    pub fn begin_macro(&mut self, name: &str, name_range: Range) -> FnId {
        let id = FnId(self.functions.len() as u32);
        self.functions.push(None);
        self.scopes.push(Scope::new(id, Name::new(name), name_range));
        id
    }

    /// Adds a parameter to the function being written.
    pub fn param(&mut self, param: Param) {
        let scope = self.scope();
        scope.bound.insert(param.slot);
        scope.params.push(param);
    }

    /// Takes back a function that was begun too deep.
    fn drop_macro(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
            self.functions.pop();
        }
    }

    fn end_macro(&mut self, range: Range) {
        let Some(mut scope) = self.scopes.pop() else {
            return;
        };
        let mut captures = Vec::new();
        let implicit = ["caller", "varargs", "kwargs", "loop"];
        for (i, name) in scope.body.slots.iter().enumerate() {
            let inner = Slot(i as u32);
            if !scope.bound.contains(&inner) && !implicit.contains(&name.as_str()) {
                let outer = self.slot(name.as_str());
                captures.push(Capture { outer, inner, by_ref: false });
            }
        }
        let parent = self.scope().id;
        scope.body.root = std::mem::take(&mut scope.pending);
        let id = scope.id.0 as usize;
        let mut decl = scope.declaration(FnKind::Macro, range);
        decl.parent = Some(parent);
        decl.captures = captures;
        self.functions[id] = Some(decl);
    }

    /// Keeps a comment if it speaks to the tool.
    pub fn comment(&mut self, range: Range, text: &str) {
        if COMMENT_WORDS.iter().any(|w| text.contains(w)) {
            self.comments.push(Comment { range, text: Name::new(text.trim()) });
        }
    }

    /// The facts, with every tag still open ended where the text ends.
    pub fn finish(mut self) -> FileFacts {
        let end = self.length;
        while self.pop(end).is_some() {}
        let range = Range::new(0, end);
        if let Some(mut scope) = self.scopes.pop() {
            scope.body.root = std::mem::take(&mut scope.pending);
            self.functions[0] = Some(scope.declaration(FnKind::Template, range));
        }
        FileFacts {
            language: self.language,
            namespace: Name::empty(),
            imports: Vec::new(),
            classes: Vec::new(),
            functions: self.functions.into_iter().flatten().collect(),
            exports: None,
            comments: self.comments,
            gaps: self.gaps,
        }
    }
}

impl Frame {
    /// How many statements nest around what is inside?
    fn inner_level(&self) -> usize {
        match &self.kind {
            FrameKind::If { done, .. } => self.level + done.len(),
            _ => self.level,
        }
    }
}
