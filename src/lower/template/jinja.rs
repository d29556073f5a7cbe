//! What does a Jinja template do?
//!
//! In: the text. Out: facts whose first function is the template; macros are functions inside it. Tags that the language
//! lacks are kept as tags of the project, what stands between them stays where it is.

use super::jinja_expr::Reader;
use super::jinja_token::tokens;
use super::lexer::{Flavor, Piece, PieceKind, pieces};
use super::tree::{FrameKind, Tree};
use crate::base::{Name, Range};
use crate::facts::{Arg, Expr, ExprId, FileFacts, Language, Param, ParamKind, Pat, PatId, Render, RenderKind, Spread, Stmt, Why};

/// Facts of a Jinja template. Never fails: what could not be read is a gap.
pub fn lower_jinja(text: &str) -> FileFacts {
    let mut tree = Tree::new(Language::Jinja, text);
    for piece in &pieces(text, Flavor::Jinja) {
        let range = piece.inner;
        if piece.kind == PieceKind::Comment {
            tree.comment(piece.range, &text[range.start as usize..range.end as usize]);
            continue;
        }
        let tokens = tokens(text, range.start as usize, range.end as usize);
        let Some(first) = tokens.first() else {
            continue;
        };
        if piece.kind == PieceKind::Output {
            if tree.is_dead() {
                continue;
            }
            let mut reader = Reader::new(&mut tree, &tokens, range.end as usize);
            let value = reader.tuple(true);
            reader.expect_done();
            tree.stmt(Stmt::Output(value), piece.range);
            continue;
        }
        if let Some(ended) = first.text.strip_prefix("end") {
            tree.close(ended, piece.range.end as usize);
            continue;
        }
        if tree.is_dead() {
            let is_inline = first.text == "set" && tokens.iter().any(|t| t.text == "=");
            if BLOCKS.contains(&first.text) && !is_inline {
                tree.open(first.text, piece.range, FrameKind::Dead);
            }
            continue;
        }
        let name = first.text;
        let mut reader = Reader::new(&mut tree, &tokens, range.end as usize);
        reader.skip();
        let mut tag = Tag { piece, reader };
        tag.lower(name);
    }
    tree.finish()
}

/// Tags that an `end…` tag ends.
const BLOCKS: &[&str] = &["for", "if", "block", "macro", "call", "filter", "set", "with", "autoescape", "trans"];

struct Tag<'a, 't> {
    piece: &'a Piece,
    reader: Reader<'a, 't>,
}

impl<'t> Tag<'_, 't> {
    fn tree(&mut self) -> &mut Tree {
        self.reader.tree
    }

    fn range(&self) -> Range {
        self.piece.range
    }

    fn lower(&mut self, name: &'t str) {
        let range = self.range();
        let start = range.start as usize;
        match name {
            "for" => self.for_loop(),
            "if" => {
                let cond = self.condition();
                let kind = FrameKind::If { done: Vec::new(), cond: Some(cond), at: start };
                self.tree().open("if", range, kind);
            }
            "elif" => {
                if !self.tree().in_branch(start) {
                    return;
                }
                if !self.tree().has_room() {
                    self.tree().gap(range, Why::TooDeep);
                    return;
                }
                let cond = self.condition();
                self.tree().next_arm(Some(cond), start);
            }
            "else" => self.tree().otherwise(start),
            "set" => self.set(),
            "macro" => self.macro_tag(),
            "call" => self.call(),
            "import" => self.import(),
            "from" => self.from(),
            "include" => self.include(),
            "extends" => {
                let template = self.reader.expression();
                self.reader.expect_done();
                let render = render(template, RenderKind::Extends, true);
                let expr = self.render(render, range);
                self.tree().effect(expr, range);
            }
            "block" => {
                let name = self.reader.take_name().map_or("", |t| t.text);
                let kind = FrameKind::Block(Name::new(name));
                self.tree().open("block", range, kind);
            }
            "filter" => {
                let at = Range::new(self.reader.place(), self.reader.place());
                let text = self.tree().leaf(Expr::Literal, at);
                let value = self.reader.filters(text);
                self.tree().effect(value, range);
                self.tree().open("filter", range, FrameKind::Transparent(None));
            }
            "with" => {
                let items = self.bindings();
                self.tree().open("with", range, FrameKind::With(items));
            }
            "autoescape" => {
                let value = self.reader.expression();
                self.tree().effect(value, range);
                self.tree().open("autoescape", range, FrameKind::Transparent(None));
            }
            "trans" => self.translation(),
            "pluralize" | "debug" => {}
            "do" => {
                let value = self.reader.tuple(true);
                self.reader.expect_done();
                self.tree().effect(value, range);
            }
            "break" => self.tree().stmt(Stmt::Break(1), range),
            "continue" => self.tree().stmt(Stmt::Continue(1), range),
            _ => self.unknown(name),
        }
    }

    fn condition(&mut self) -> ExprId {
        let cond = self.reader.tuple(true);
        self.reader.expect_done();
        cond
    }

    /// `a`, `a, b`, `(a, b), c`, `ns.a`.
    fn target(&mut self) -> PatId {
        let mut items = vec![self.target_item()];
        let mut is_tuple = false;
        while self.reader.take(",") {
            is_tuple = true;
            if matches!(self.reader.peek(), "in" | "=" | ")" | "") {
                break;
            }
            items.push(self.target_item());
        }
        if items.len() == 1 && !is_tuple {
            return items[0];
        }
        let items = items.into_iter().map(|p| (Some(p), false)).collect();
        self.tree().pat(Pat::Seq(items))
    }

    fn target_item(&mut self) -> PatId {
        // Brackets around targets nest at most twice in practice; their shape matters only one level deep.
        if self.reader.take("(") {
            let mut items = Vec::new();
            while let Some(name) = self.reader.take_name() {
                items.push((Some(self.tree().bind(name.text)), false));
                if !self.reader.take(",") {
                    break;
                }
            }
            self.reader.take(")");
            return self.tree().pat(Pat::Seq(items));
        }
        let Some(name) = self.reader.take_name() else {
            let range = self.piece.inner;
            let gap = self.tree().gap_node(Why::SyntaxError, range, Vec::new());
            return self.tree().pat(Pat::Other(gap));
        };
        if self.reader.take(".") {
            let range = Range::new(name.start, name.end());
            let base = self.tree().local(name.text, range);
            let name = self.reader.take_name().map_or("", |t| t.text);
            let name = Name::new(name);
            return self.tree().pat(Pat::Attr { base, name });
        }
        self.tree().bind(name.text)
    }

    fn for_loop(&mut self) {
        let target = self.target();
        let iter = match self.reader.take("in") {
            true => self.reader.tuple(false),
            false => {
                let range = self.piece.inner;
                self.tree().gap_node(Why::SyntaxError, range, Vec::new())
            }
        };
        let filter = match self.reader.take("if") {
            true => Some(self.reader.expression()),
            false => None,
        };
        self.reader.take("recursive");
        self.reader.expect_done();
        if let Some(turn) = Language::Jinja.turn_variable() {
            self.tree().mark_bound(turn);
        }
        let each = Tree::each(target, iter, self.piece.inner);
        let range = self.range();
        self.tree().open("for", range, FrameKind::Loop(each, filter, None));
    }

    fn set(&mut self) {
        let range = self.range();
        let target = self.target();
        if self.reader.take("=") {
            let value = self.reader.tuple(true);
            self.reader.expect_done();
            self.tree().assign(target, value, range);
            return;
        }
        let inner = self.piece.inner;
        let value = self.tree().leaf(Expr::Literal, inner);
        let last = Some((Expr::Assign { target, value }, range));
        self.tree().open("set", range, FrameKind::Transparent(last));
    }

    fn macro_tag(&mut self) {
        let range = self.range();
        let (name, name_range) = match self.reader.take_name() {
            Some(t) => (t.text, Range::new(t.start, t.end())),
            None => ("", self.piece.inner),
        };
        let slot = self.tree().slot(name);
        self.tree().mark_bound(name);
        let id = self.tree().begin_macro(name, name_range);
        if self.reader.take("(") {
            while let Some(name) = self.reader.take_name() {
                let slot = self.tree().slot(name.text);
                let default = match self.reader.take("=") {
                    true => Some(self.reader.expression()),
                    false => None,
                };
                let end = self.reader.last_end();
                self.tree().param(Param {
                    name: Name::new(name.text),
                    slot,
                    kind: ParamKind::Normal,
                    ty: None,
                    default,
                    decorators: Vec::new(),
                    promoted: false,
                    range: Range::new(name.start, end),
                });
                if !self.reader.take(",") {
                    break;
                }
            }
            self.reader.take(")");
        }
        self.reader.expect_done();
        self.tree().open("macro", range, FrameKind::Macro(id, slot));
    }

    /// `{% call(a, b) f(x) %}`: `f` may run the block any number of times, with values that are not known.
    fn call(&mut self) {
        let range = self.range();
        let mut names = Vec::new();
        if self.reader.take("(") {
            while let Some(name) = self.reader.take_name() {
                names.push(name);
                if self.reader.take("=") {
                    self.reader.expression();
                }
                if !self.reader.take(",") {
                    break;
                }
            }
            self.reader.take(")");
        }
        let call = self.reader.expression();
        self.reader.expect_done();
        self.tree().stmt(Stmt::Output(call), range);
        let mut items = Vec::new();
        for name in names {
            let value = self.tree().unknown(Range::new(name.start, name.end()));
            items.push((value, Some(self.tree().bind(name.text))));
        }
        let kind = match items.is_empty() {
            true => FrameKind::Transparent(None),
            false => FrameKind::With(items),
        };
        self.tree().open("call", range, kind);
    }

    /// `with context` or `without context`; else the default of the tag.
    fn context(&mut self, default: bool) -> bool {
        match self.reader.peek() {
            word @ ("with" | "without") => {
                self.reader.skip();
                self.reader.take("context");
                word == "with"
            }
            _ => default,
        }
    }

    fn import(&mut self) {
        let range = self.range();
        let template = self.reader.expression();
        let target = match self.reader.take("as") {
            true => self.reader.take_name(),
            false => None,
        };
        let inherits = self.context(false);
        self.reader.expect_done();
        let render = render(template, RenderKind::Import, inherits);
        let value = self.render(render, self.piece.inner);
        match target {
            Some(name) => {
                let target = self.tree().bind(name.text);
                self.tree().assign(target, value, range);
            }
            None => self.tree().effect(value, range),
        }
    }

    fn from(&mut self) {
        let range = self.range();
        let template = self.reader.expression();
        self.reader.take("import");
        let mut names = Vec::new();
        while !matches!(self.reader.peek(), "with" | "without") {
            let Some(name) = self.reader.take_name() else {
                break;
            };
            let alias = match self.reader.take("as") {
                true => self.reader.take_name().unwrap_or(name),
                false => name,
            };
            names.push((name, alias));
            if !self.reader.take(",") {
                break;
            }
        }
        let inherits = self.context(false);
        self.reader.expect_done();
        for (name, alias) in names {
            let import = render(template, RenderKind::Import, inherits);
            let start = self.piece.inner.start as usize;
            let base = self.render(import, self.piece.inner);
            let lookup = Expr::Lookup { base, name: Name::new(name.text), call: false };
            let place = Range::new(start, name.end());
            let value = self.tree().node(lookup, place, &[base]);
            let target = self.tree().bind(alias.text);
            self.tree().assign(target, value, range);
        }
    }

    fn include(&mut self) {
        let range = self.range();
        let template = self.reader.expression();
        if self.reader.take("ignore") {
            self.reader.take("missing");
        }
        let inherits = self.context(true);
        self.reader.expect_done();
        let render = render(template, RenderKind::Include, inherits);
        let expr = self.render(render, range);
        self.tree().effect(expr, range);
    }

    fn render(&mut self, render: Render, range: Range) -> ExprId {
        let mut children: Vec<ExprId> = render.args.iter().map(|a| a.value).collect();
        children.push(render.template);
        self.tree().node(Expr::Render(Box::new(render)), range, &children)
    }

    /// `a = x, b = y`; a bare name keeps its value.
    fn bindings(&mut self) -> Vec<(ExprId, Option<PatId>)> {
        let mut items = Vec::new();
        while !self.reader.is_done() {
            let Some(name) = self.reader.take_name() else {
                break;
            };
            if self.reader.take("=") {
                let value = self.reader.expression();
                items.push((value, Some(self.tree().bind(name.text))));
            }
            if !self.reader.take(",") {
                break;
            }
        }
        self.reader.expect_done();
        items
    }

    fn translation(&mut self) {
        let range = self.range();
        let is_context = |t: super::jinja_token::Token<'_>| t.text.starts_with(['"', '\'']);
        if self.reader.token().is_some_and(is_context) {
            self.reader.skip();
            self.reader.take(",");
        }
        while self.reader.take("trimmed") || self.reader.take("notrimmed") {
            self.reader.take(",");
        }
        let items = self.bindings();
        let kind = match items.is_empty() {
            true => FrameKind::Transparent(None),
            false => FrameKind::With(items),
        };
        self.tree().open("trans", range, kind);
    }

    fn unknown(&mut self, name: &str) {
        let gaps = self.tree().gaps();
        let mut args = Vec::new();
        while !self.reader.is_done() {
            if self.reader.take(",") {
                continue;
            }
            let name = self.reader.take_keyword().map(|t| Name::new(t.text));
            let value = self.reader.expression();
            let arg = Arg { name, value, spread: Spread::No };
            args.push(arg);
        }
        // Their arguments may have a syntax of their own: no error.
        self.tree().forget_gaps(gaps);
        let at = self.piece.inner.start as usize;
        let template = self.tree().string(name, Range::new(at, at + name.len()));
        let mut render = render(template, RenderKind::Tag, true);
        render.args = args;
        let expr = self.render(render, self.piece.inner);
        let range = self.range();
        self.tree().effect(expr, range);
    }
}

fn render(template: ExprId, kind: RenderKind, inherits: bool) -> Render {
    Render { template, kind, args: Vec::new(), context: None, inherits, each: None, inner: Vec::new() }
}
