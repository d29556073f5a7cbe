//! What does a Django template do?
//!
//! In: the text. Out: facts whose only function is the template. Which tags and filters a project defines is not known
//! here: a tag that the language itself lacks becomes a [`Render`] of kind `Tag`.

use rustc_hash::FxHashSet;

use super::django_expr::{Word, condition, expression, keyword, word, words};
use super::lexer::{Flavor, Piece, PieceKind, pieces};
use super::tree::{FrameKind, Tree};
use crate::base::{Name, Range};
use crate::facts::{Arg, BinaryOp, Expr, ExprId, FileFacts, Language, Pat, PatId, Render, RenderKind, Spread, Stmt, Why};

/// Facts of a Django template. Never fails: what could not be read is a gap.
pub fn lower_django(text: &str) -> FileFacts {
    let pieces = pieces(text, Flavor::Django);
    let mut lowering = Lowering { text, tree: Tree::new(Language::DjangoTemplate, text), ended: ended(text, &pieces) };
    for piece in &pieces {
        lowering.piece(piece);
    }
    lowering.tree.finish()
}

/// The names of which an `end…` tag occurs.
fn ended<'t>(text: &'t str, pieces: &[Piece]) -> FxHashSet<&'t str> {
    let tags = pieces.iter().filter(|p| p.kind == PieceKind::Tag);
    tags.filter_map(|p| {
        let content = &text[p.inner.start as usize..p.inner.end as usize];
        content.split_whitespace().next()?.strip_prefix("end")
    })
    .collect()
}

struct Lowering<'t> {
    text: &'t str,
    tree: Tree,
    ended: FxHashSet<&'t str>,
}

impl<'t> Lowering<'t> {
    fn piece(&mut self, piece: &Piece) {
        match piece.kind {
            PieceKind::Comment => {
                let text = &self.text[piece.inner.start as usize..piece.inner.end as usize];
                self.tree.comment(piece.range, text);
            }
            PieceKind::Output => {
                if !self.tree.is_dead() && piece.inner.start < piece.inner.end {
                    let expr = expression(&mut self.tree, self.text, piece.inner);
                    self.tree.stmt(Stmt::Output(expr), piece.range);
                }
            }
            PieceKind::Tag => {
                let words = words(self.text, piece.inner);
                if let Some((name, args)) = words.split_first() {
                    self.tag(piece, name.text, args);
                }
            }
        }
    }

    fn tag(&mut self, piece: &Piece, name: &'t str, args: &[Word<'t>]) {
        let range = piece.range;
        if let Some(ended) = name.strip_prefix("end") {
            self.tree.close(ended, range.end as usize);
            return;
        }
        if self.tree.is_dead() {
            if self.is_block(name) {
                self.tree.open(name, range, FrameKind::Dead);
            }
            return;
        }
        match name {
            "for" => self.for_loop(piece, args),
            "empty" => self.tree.otherwise(range.start as usize),
            "else" => self.tree.otherwise(range.start as usize),
            "if" => {
                let cond = condition(&mut self.tree, self.text, args, piece.inner);
                self.branch(name, range, cond);
            }
            "elif" => self.elif(piece, args),
            "ifequal" | "ifnotequal" => self.if_equal(piece, name, args),
            "ifchanged" => {
                let values = self.values(args);
                let cond = self.sequence(values, range);
                let cond = self.tree.node(Expr::Scalar(Some(cond)), range, &[cond]);
                self.branch(name, range, cond);
            }
            "with" => self.with(piece, args),
            "include" => self.include(piece, args),
            "extends" => {
                if let Some(first) = args.first() {
                    let template = word(&mut self.tree, self.text, *first);
                    let render = render(template, RenderKind::Extends, Vec::new(), true);
                    self.render(render, range);
                }
            }
            "block" | "partialdef" => {
                let label = args.first().map_or("", |w| w.text);
                let kind = FrameKind::Block(Name::new(label));
                self.tree.open(name, range, kind);
            }
            "regroup" => self.regroup(piece, args),
            "autoescape" | "spaceless" | "localize" | "localtime" => {
                self.tree.open(name, range, FrameKind::Transparent(None));
            }
            "cache" => {
                let values = self.values(args);
                self.effects(values, range);
                self.tree.open(name, range, FrameKind::Cached);
            }
            "language" | "timezone" => {
                let values = self.values(args);
                self.effects(values, range);
                self.tree.open(name, range, FrameKind::Transparent(None));
            }
            "filter" => {
                self.tree.open(name, range, FrameKind::Transparent(None));
            }
            "blocktranslate" | "blocktrans" => self.block_translate(piece, name, args),
            "url" | "static" | "trans" | "translate" | "widthratio" | "now" | "querystring" => {
                self.computed(piece, args);
            }
            "cycle" | "firstof" => self.one_of(piece, args),
            "load" | "csrf_token" | "debug" | "lorem" | "templatetag" | "resetcycle" | "plural" => {}
            "get_current_language"
            | "get_current_language_bidi"
            | "get_available_languages"
            | "get_language_info"
            | "get_language_info_list"
            | "get_current_timezone"
            | "get_static_prefix"
            | "get_media_prefix" => self.computed(piece, &args[args.len().saturating_sub(2)..]),
            _ => self.unknown(piece, name, args),
        }
    }

    /// Does a tag of this name hold others? Asked where nothing is lowered any more.
    fn is_block(&self, name: &str) -> bool {
        self.ended.contains(name)
    }

    fn for_loop(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let is_reversed = args.len() > 3 && args[args.len() - 1].text == "reversed";
        let args = &args[..args.len() - usize::from(is_reversed)];
        let keyword = args.iter().rposition(|w| w.text == "in");
        let (targets, iter) = match keyword {
            Some(at) => (&args[..at], &args[at + 1..]),
            None => (args, &args[args.len()..]),
        };
        let iter = match (iter.first(), iter.last()) {
            (Some(first), Some(last)) => {
                let range = Range::new(first.start, last.end());
                expression(&mut self.tree, self.text, range)
            }
            _ => self.tree.gap_node(Why::SyntaxError, piece.inner, Vec::new()),
        };
        let names: Vec<&str> = targets.iter().flat_map(|w| w.text.split(',')).filter(|n| !n.is_empty()).collect();
        let target = match names.as_slice() {
            [name] => self.tree.bind(name),
            _ => {
                let items = names.iter().map(|n| (Some(self.tree.bind(n)), false));
                let items = items.collect();
                self.tree.pat(Pat::Seq(items))
            }
        };
        if let Some(turn) = Language::DjangoTemplate.turn_variable() {
            self.tree.mark_bound(turn);
        }
        let each = Tree::each(target, iter, piece.inner);
        self.tree.open("for", piece.range, FrameKind::Loop(each, None, None));
    }

    fn branch(&mut self, key: &str, range: Range, cond: ExprId) {
        let kind = FrameKind::If { done: Vec::new(), cond: Some(cond), at: range.start as usize };
        self.tree.open(key, range, kind);
    }

    fn elif(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let start = piece.range.start as usize;
        if !self.tree.in_branch(start) {
            return;
        }
        if !self.tree.has_room() {
            self.tree.gap(piece.range, Why::TooDeep);
            return;
        }
        let cond = condition(&mut self.tree, self.text, args, piece.inner);
        self.tree.next_arm(Some(cond), start);
    }

    fn if_equal(&mut self, piece: &Piece, name: &str, args: &[Word<'t>]) {
        let values = self.values(args);
        let cond = match values[..] {
            [left, right] => {
                let op = match name {
                    "ifequal" => BinaryOp::Equal,
                    _ => BinaryOp::NotEqual,
                };
                let expr = Expr::Binary { op, left, right };
                self.tree.node(expr, piece.inner, &values)
            }
            _ => self.tree.gap_node(Why::SyntaxError, piece.inner, values),
        };
        self.branch(name, piece.range, cond);
    }

    /// `name=value` words and the old `value as name`, up to the first word that is neither.
    fn bindings(&mut self, args: &[Word<'t>]) -> (Vec<(Word<'t>, ExprId)>, usize) {
        let mut bindings = Vec::new();
        let mut at = 0;
        while at < args.len() {
            if let Some((name, value)) = keyword(args[at]) {
                bindings.push((name, word(&mut self.tree, self.text, value)));
                at += 1;
            } else if args.get(at + 1).is_some_and(|w| w.text == "as") && at + 2 < args.len() {
                let value = word(&mut self.tree, self.text, args[at]);
                bindings.push((args[at + 2], value));
                at += 3;
            } else if args[at].text == "and" && !bindings.is_empty() {
                at += 1;
            } else {
                break;
            }
        }
        (bindings, at)
    }

    fn with(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let (bindings, _) = self.bindings(args);
        let items = self.items(bindings);
        self.tree.open("with", piece.range, FrameKind::With(items));
    }

    fn items(&mut self, bindings: Vec<(Word<'t>, ExprId)>) -> Vec<(ExprId, Option<PatId>)> {
        let bind = |(name, value): (Word<'t>, ExprId)| (value, Some(self.tree.bind(name.text)));
        bindings.into_iter().map(bind).collect()
    }

    fn include(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let Some((first, rest)) = args.split_first() else {
            return;
        };
        let template = word(&mut self.tree, self.text, *first);
        let is_isolated = rest.iter().any(|w| w.text == "only");
        let named: Vec<_> = rest.iter().filter_map(|w| keyword(*w)).collect();
        let mut args = Vec::new();
        for (name, value) in named {
            args.push(Arg {
                name: Some(Name::new(name.text)),
                value: word(&mut self.tree, self.text, value),
                spread: Spread::No,
            });
        }
        let render = render(template, RenderKind::Include, args, !is_isolated);
        self.render(render, piece.range);
    }

    fn render(&mut self, render: Render, range: Range) {
        let expr = self.render_node(render, range);
        self.tree.effect(expr, range);
    }

    fn render_node(&mut self, render: Render, range: Range) -> ExprId {
        let mut children: Vec<ExprId> = render.args.iter().map(|a| a.value).collect();
        children.push(render.template);
        self.tree.node(Expr::Render(Box::new(render)), range, &children)
    }

    /// `{% regroup list by path as name %}`
    fn regroup(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let [list, by, path, with, name] = args else {
            self.tree.gap(piece.range, Why::SyntaxError);
            return;
        };
        if by.text != "by" || with.text != "as" {
            self.tree.gap(piece.range, Why::SyntaxError);
            return;
        }
        let value = word(&mut self.tree, self.text, *list);
        let key = path.text.split('|').next().unwrap_or(path.text);
        let key_range = Range::new(path.start, path.start + key.len());
        let key = self.tree.string(key, key_range);
        let callee = self.tree.leaf(Expr::Name(Name::new("regroup")), piece.inner);
        let args = positional(&[value, key]);
        let call = Expr::Call { callee, args };
        let call = self.tree.node(call, piece.inner, &[callee, value, key]);
        let target = self.tree.bind(name.text);
        self.tree.assign(target, call, piece.range);
    }

    fn block_translate(&mut self, piece: &Piece, name: &str, args: &[Word<'t>]) {
        let mut items = Vec::new();
        let mut at = 0;
        while at < args.len() {
            at += 1;
            match args[at - 1].text {
                "with" | "count" | "and" => {
                    let (bindings, used) = self.bindings(&args[at..]);
                    items.extend(self.items(bindings));
                    at += used;
                }
                "asvar" => {
                    if let Some(name) = args.get(at) {
                        let target = self.tree.bind(name.text);
                        let value = self.tree.leaf(Expr::Literal, piece.inner);
                        self.tree.assign(target, value, piece.range);
                    }
                    at += 1;
                }
                "context" => at += 1,
                _ => {}
            }
        }
        let kind = match items.is_empty() {
            true => FrameKind::Transparent(None),
            false => FrameKind::With(items),
        };
        self.tree.open(name, piece.range, kind);
    }

    /// Splits `… as name` off the end.
    fn target<'w>(&mut self, args: &'w [Word<'t>]) -> (&'w [Word<'t>], Option<PatId>) {
        match args {
            [before @ .., with, name] if with.text == "as" => (before, Some(self.tree.bind(name.text))),
            _ => (args, None),
        }
    }

    /// Tags that make a string of their arguments and put it out or bind it.
    fn computed(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let (args, target) = self.target(args);
        for value in self.values(args) {
            self.tree.stmt(Stmt::Output(value), piece.range);
        }
        if let Some(target) = target {
            let value = self.tree.leaf(Expr::Literal, piece.inner);
            self.tree.assign(target, value, piece.range);
        }
    }

    /// `cycle` and `firstof`: one of their arguments.
    fn one_of(&mut self, piece: &Piece, args: &[Word<'t>]) {
        let args = match args {
            [before @ .., last] if last.text == "silent" => before,
            _ => args,
        };
        let (args, target) = self.target(args);
        let mut values = self.values(args).into_iter();
        let Some(mut value) = values.next() else {
            return;
        };
        for other in values {
            value = self.tree.node(Expr::Or(value, other), piece.inner, &[value, other]);
        }
        match target {
            Some(target) => self.tree.assign(target, value, piece.range),
            None => self.tree.stmt(Stmt::Output(value), piece.range),
        }
    }

    fn unknown(&mut self, piece: &Piece, name: &'t str, args: &[Word<'t>]) {
        let (args, target) = self.target(args);
        let mut values = Vec::new();
        let gaps = self.tree.gaps();
        for arg in args {
            let (name, value) = match keyword(*arg) {
                Some((name, value)) => (Some(Name::new(name.text)), value),
                None => (None, *arg),
            };
            if name.is_none() && !starts_value(value.text) {
                continue;
            }
            values.push(Arg { name, value: word(&mut self.tree, self.text, value), spread: Spread::No });
        }
        // Their arguments may have a syntax of their own: no error.
        self.tree.forget_gaps(gaps);
        let at = piece.inner.start as usize;
        let template = self.tree.string(name, Range::new(at, at + name.len()));
        let render = render(template, RenderKind::Tag, values, true);
        let is_block = self.ended.contains(name);
        if let Some(target) = target {
            let value = self.render_node(render, piece.inner);
            self.tree.assign(target, value, piece.range);
            if is_block {
                self.tree.open(name, piece.range, FrameKind::Transparent(None));
            }
        } else if is_block {
            let kind = FrameKind::Render(Box::new(render), piece.inner);
            self.tree.open(name, piece.range, kind);
        } else {
            self.render(render, piece.range);
        }
    }

    /// The values of words, `name=value` included; words that hold no value are left out.
    fn values(&mut self, args: &[Word<'t>]) -> Vec<ExprId> {
        let mut values = Vec::new();
        for arg in args {
            let value = keyword(*arg).map_or(*arg, |(_, value)| value);
            let is_option = matches!(value.text, "noop" | "trimmed" | "context");
            if starts_value(value.text) && !is_option {
                values.push(word(&mut self.tree, self.text, value));
            }
        }
        values
    }

    fn sequence(&mut self, values: Vec<ExprId>, range: Range) -> ExprId {
        match values[..] {
            [value] => value,
            _ => {
                let children = values.clone();
                self.tree.node(Expr::Sequence(values), range, &children)
            }
        }
    }

    fn effects(&mut self, values: Vec<ExprId>, range: Range) {
        for value in values {
            self.tree.effect(value, range);
        }
    }
}

/// Could a filter expression start like this? Tags of projects may have a syntax of their own.
fn starts_value(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '-' | '+')) && text != "-" && text != "+"
}

fn positional(values: &[ExprId]) -> Vec<Arg> {
    let arg = |value: &ExprId| Arg { name: None, value: *value, spread: Spread::No };
    values.iter().map(arg).collect()
}

fn render(template: ExprId, kind: RenderKind, args: Vec<Arg>, inherits: bool) -> Render {
    Render { template, kind, args, context: None, inherits, each: None, inner: Vec::new() }
}
