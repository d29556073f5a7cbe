//! Bodies as text: statements a line each, expressions on one line.

use std::fmt::Write;

use super::{binary_text, print_type};
use crate::base::Name;
use crate::facts::*;

pub(super) fn slot_name(body: &Body, slot: Slot) -> &'static str {
    body.slots.get(slot.0 as usize).map_or("?", |name| name.as_str())
}

pub(super) struct Printer<'a> {
    pub(super) body: &'a Body,
    pub(super) out: String,
}

impl Printer<'_> {
    fn line(&mut self, indent: usize) {
        for _ in 0..indent {
            self.out.push_str("  ");
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn name(&mut self, name: Name) {
        self.out.push_str(name.as_str());
    }

    pub(super) fn block(&mut self, block: &Block, indent: usize) {
        for stmt in block {
            self.stmt(*stmt, indent);
        }
    }

    /// A block after a word on a line of its own; nothing if it is empty.
    fn part(&mut self, word: &str, block: &Block, indent: usize) {
        if !block.is_empty() {
            self.line(indent);
            self.text(word);
            self.text("\n");
            self.block(block, indent + 1);
        }
    }

    fn stmt(&mut self, stmt: StmtId, indent: usize) {
        self.line(indent);
        let body = self.body;
        match body.stmt(stmt) {
            Stmt::Expr(e) => self.word_expr("", Some(*e)),
            Stmt::Output(e) => self.word_expr("output ", Some(*e)),
            Stmt::If { cond, then, otherwise } => {
                self.word_expr("if ", Some(*cond));
                self.block(then, indent + 1);
                self.part("else", otherwise, indent);
            }
            Stmt::Loop(each) => self.loop_(each, indent),
            Stmt::Switch { subject, cases } => {
                self.word_expr("switch ", Some(*subject));
                self.cases("case", cases, indent + 1);
            }
            Stmt::Try { body, handlers, otherwise, finally } => {
                self.text("try\n");
                self.block(body, indent + 1);
                self.cases("catch", handlers, indent);
                self.part("else", otherwise, indent);
                self.part("finally", finally, indent);
            }
            Stmt::With { items, body, is_async } => {
                self.text(if *is_async { "async with" } else { "with" });
                for (value, target) in items {
                    self.text(" ");
                    self.expr(*value);
                    if let Some(target) = target {
                        self.text(" as ");
                        self.pat(*target);
                    }
                }
                self.text("\n");
                self.block(body, indent + 1);
            }
            Stmt::TemplateBlock { name, body } => {
                let _ = writeln!(self.out, "block {name}");
                self.block(body, indent + 1);
            }
            Stmt::Cached(body) => {
                self.text("cached\n");
                self.block(body, indent + 1);
            }
            Stmt::Return(e) => self.word_expr("return ", *e),
            Stmt::Raise(e) => self.word_expr("raise ", *e),
            Stmt::Break(n) => {
                let _ = writeln!(self.out, "break {n}");
            }
            Stmt::Continue(n) => {
                let _ = writeln!(self.out, "continue {n}");
            }
            Stmt::Function(id, slot) => self.declared("function fn ", id.0, *slot),
            Stmt::Class(ix, slot) => self.declared("class #", ix.0, *slot),
            Stmt::Import { import, slot } => self.declared("import ", *import, Some(*slot)),
            Stmt::Delete(pats) => {
                self.text("delete");
                for pat in pats {
                    self.text(" ");
                    self.pat(*pat);
                }
                self.text("\n");
            }
            Stmt::Declare { slot, ty } => {
                let _ = writeln!(self.out, "declare ${}: {}", slot_name(body, *slot), print_type(ty));
            }
            Stmt::Assert(e) => self.word_expr("assert ", Some(*e)),
            Stmt::Gap(why, block) => {
                let _ = writeln!(self.out, "gap {}", why.text());
                self.block(block, indent + 1);
            }
        }
    }

    fn word_expr(&mut self, word: &str, expr: Option<ExprId>) {
        match expr {
            Some(e) => {
                self.text(word);
                self.expr(e);
            }
            None => self.text(word.trim_end()),
        }
        self.text("\n");
    }

    fn declared(&mut self, word: &str, number: u32, slot: Option<Slot>) {
        let _ = write!(self.out, "{word}{number}");
        if let Some(slot) = slot {
            let _ = write!(self.out, " as ${}", slot_name(self.body, slot));
        }
        self.text("\n");
    }

    fn loop_(&mut self, each: &Loop, indent: usize) {
        if each.is_async {
            self.text("async ");
        }
        self.text(match each.kind {
            LoopKind::Each => "each",
            LoopKind::While => "while",
            LoopKind::For => "for",
            LoopKind::DoWhile => "do-while",
        });
        if let Some(iter) = each.iter {
            self.text(" ");
            self.expr(iter);
        }
        if each.key.is_some() || each.target.is_some() {
            self.text(" as ");
        }
        if let Some(key) = each.key {
            self.pat(key);
            self.text(" => ");
        }
        if let Some(target) = each.target {
            self.pat(target);
        }
        for (word, part) in [(" before ", each.before), (" while ", each.cond), (" step ", each.step)] {
            if let Some(e) = part {
                self.text(word);
                self.expr(e);
            }
        }
        self.text("\n");
        self.block(&each.body, indent + 1);
        self.part("else", &each.otherwise, indent);
    }

    fn cases(&mut self, word: &str, cases: &[Case], indent: usize) {
        for case in cases {
            self.line(indent);
            self.text(if case.tests.is_empty() && word == "case" { "default" } else { word });
            for (i, test) in case.tests.iter().enumerate() {
                self.text(if i == 0 { " " } else { ", " });
                self.expr(*test);
            }
            for slot in &case.binds {
                let _ = write!(self.out, " bind ${}", slot_name(self.body, *slot));
            }
            if let Some(guard) = case.guard {
                self.text(" if ");
                self.expr(guard);
            }
            self.text("\n");
            self.block(&case.body, indent + 1);
        }
    }

    fn pat(&mut self, pat: PatId) {
        let body = self.body;
        match body.pat(pat) {
            Pat::Local(slot) => {
                let _ = write!(self.out, "${}", slot_name(body, *slot));
            }
            Pat::Global(name) => {
                let _ = write!(self.out, "global {name}");
            }
            Pat::Attr { base, name } => {
                self.expr(*base);
                let _ = write!(self.out, ".{name}");
            }
            Pat::Index { base, index } => self.index(*base, *index),
            Pat::Seq(items) => {
                self.text("[");
                for (i, (item, starred)) in items.iter().enumerate() {
                    if i > 0 {
                        self.text(", ");
                    }
                    if *starred {
                        self.text("*");
                    }
                    match item {
                        Some(item) => self.pat(*item),
                        None => self.text("_"),
                    }
                }
                self.text("]");
            }
            Pat::Keyed(items) => {
                self.text("{");
                for (i, (key, item)) in items.iter().enumerate() {
                    if i > 0 {
                        self.text(", ");
                    }
                    self.expr(*key);
                    self.text(": ");
                    self.pat(*item);
                }
                self.text("}");
            }
            Pat::Other(e) => self.wrapped("other", &[*e]),
        }
    }

    fn list(&mut self, exprs: &[ExprId]) {
        for (i, e) in exprs.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.expr(*e);
        }
    }

    fn wrapped(&mut self, word: &str, exprs: &[ExprId]) {
        self.text(word);
        self.text("(");
        self.list(exprs);
        self.text(")");
    }

    fn infix(&mut self, left: ExprId, op: &str, right: ExprId) {
        self.text("(");
        self.expr(left);
        let _ = write!(self.out, " {op} ");
        self.expr(right);
        self.text(")");
    }

    fn index(&mut self, base: ExprId, index: Option<ExprId>) {
        self.expr(base);
        self.text("[");
        if let Some(index) = index {
            self.expr(index);
        }
        self.text("]");
    }

    fn arg(&mut self, arg: &Arg) {
        if let Some(name) = arg.name {
            self.name(name);
            self.text(": ");
        }
        self.text(match arg.spread {
            Spread::No => "",
            Spread::Elements => "...",
            Spread::Keywords => "**",
        });
        self.expr(arg.value);
    }

    fn args(&mut self, open: &str, args: &[Arg], close: &str) {
        self.text(open);
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.arg(arg);
        }
        self.text(close);
    }

    fn assign(&mut self, target: PatId, op: &str, value: ExprId) {
        self.text("(");
        self.pat(target);
        let _ = write!(self.out, " {op} ");
        self.expr(value);
        self.text(")");
    }

    pub(super) fn expr(&mut self, expr: ExprId) {
        let body = self.body;
        match body.expr(expr) {
            Expr::Local(slot) => {
                let _ = write!(self.out, "${}", slot_name(body, *slot));
            }
            Expr::This => self.text("this"),
            Expr::Name(name) => self.name(*name),
            Expr::Class(name) => {
                let _ = write!(self.out, "<{name}>");
            }
            Expr::Function { name, fallback } => {
                let _ = write!(self.out, "fn {name}");
                if name != fallback {
                    let _ = write!(self.out, "|{fallback}");
                }
            }
            Expr::Closure(id) => {
                let _ = write!(self.out, "closure({})", id.0);
            }
            Expr::ClassDef(ix) => {
                let _ = write!(self.out, "class(#{})", ix.0);
            }
            Expr::Attr { base, name, nullsafe } => {
                self.expr(*base);
                self.text(if *nullsafe { "?." } else { "." });
                self.name(*name);
            }
            Expr::DynamicAttr { base, name } => {
                self.expr(*base);
                self.text(".{");
                self.expr(*name);
                self.text("}");
            }
            Expr::Lookup { base, name, call } => {
                self.expr(*base);
                let _ = write!(self.out, "~{name}");
                if *call {
                    self.text("()");
                }
            }
            Expr::Index { base, index } => self.index(*base, *index),
            Expr::Slice { base, lower, upper } => {
                self.expr(*base);
                self.text("[");
                if let Some(e) = lower {
                    self.expr(*e);
                }
                self.text(":");
                if let Some(e) = upper {
                    self.expr(*e);
                }
                self.text("]");
            }
            Expr::Call { callee, args } => {
                self.expr(*callee);
                self.args("(", args, ")");
            }
            Expr::CallableOf(callee) => {
                self.expr(*callee);
                self.text("(...)");
            }
            Expr::New { class, args } => {
                self.text("new ");
                self.expr(*class);
                self.args("(", args, ")");
            }
            Expr::Filter { base, name, args } => {
                self.expr(*base);
                let _ = write!(self.out, "|{name}");
                self.args("(", args, ")");
            }
            Expr::Render(render) => self.render(render),
            Expr::Assign { target, value } => self.assign(*target, "=", *value),
            Expr::Augment { target, op, value, .. } => {
                let op = format!("{}=", binary_text(*op));
                self.assign(*target, &op, *value);
            }
            Expr::AssignIfNull { target, value, .. } => self.assign(*target, "??=", *value),
            Expr::Binary { op, left, right } => self.infix(*left, binary_text(*op), *right),
            Expr::And(left, right) => self.infix(*left, "&&", *right),
            Expr::Or(left, right) => self.infix(*left, "||", *right),
            Expr::Coalesce(left, right) => self.infix(*left, "??", *right),
            Expr::Not(e) => {
                self.text("!");
                self.expr(*e);
            }
            Expr::Ternary { cond, then, otherwise } => {
                self.text("(");
                self.expr(*cond);
                self.text(" ? ");
                if let Some(then) = then {
                    self.expr(*then);
                    self.text(" ");
                }
                self.text(": ");
                self.expr(*otherwise);
                self.text(")");
            }
            Expr::Match { subject, arms } => {
                self.text("match ");
                self.expr(*subject);
                self.text(" {");
                for (tests, value) in arms {
                    self.text(" ");
                    if tests.is_empty() {
                        self.text("default");
                    }
                    self.list(tests);
                    self.text(" => ");
                    self.expr(*value);
                    self.text(";");
                }
                self.text(" }");
            }
            Expr::Scalar(Some(e)) => self.wrapped("scalar", &[*e]),
            Expr::Scalar(None) => self.text("scalar"),
            Expr::Same(e) => self.wrapped("same", &[*e]),
            Expr::InstanceOf { value, class } => self.infix(*value, "instanceof", *class),
            Expr::Isset(list) => self.wrapped("isset", list),
            Expr::Empty(e) => self.wrapped("empty", &[*e]),
            Expr::Str(text) => {
                let _ = write!(self.out, "{:?}", text.as_str());
            }
            Expr::Int(n) => {
                let _ = write!(self.out, "{n}");
            }
            Expr::Bool(b) => {
                let _ = write!(self.out, "{b}");
            }
            Expr::Null => self.text("null"),
            Expr::Literal => self.text("literal"),
            Expr::Interpolated(parts) => self.wrapped("text", parts),
            Expr::Seq { kind, items } => match kind {
                SeqKind::List => self.args("[", items, "]"),
                SeqKind::Tuple => self.args("tuple(", items, ")"),
                SeqKind::Set => self.args("set(", items, ")"),
            },
            Expr::Map(items) => self.map(items),
            Expr::Comprehension { kind, element, key, clauses } => self.comprehension(*kind, *element, *key, clauses),
            Expr::Await(e) => self.wrapped("await", &[*e]),
            Expr::Yield(Some(e)) => self.wrapped("yield", &[*e]),
            Expr::Yield(None) => self.text("yield"),
            Expr::YieldFrom(e) => self.wrapped("yield-from", &[*e]),
            Expr::Throw(e) => self.wrapped("throw", &[*e]),
            Expr::Include(e) => self.wrapped("include", &[*e]),
            Expr::Sequence(list) => self.wrapped("sequence", list),
            Expr::Gap(why, parts) => {
                let _ = write!(self.out, "gap({}", why.text());
                if !parts.is_empty() {
                    self.text(": ");
                }
                self.list(parts);
                self.text(")");
            }
        }
    }

    fn map(&mut self, items: &[(Option<ExprId>, Arg)]) {
        self.text("{");
        for (i, (key, value)) in items.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            if let Some(key) = key {
                self.expr(*key);
                self.text(": ");
            }
            self.arg(value);
        }
        self.text("}");
    }

    fn comprehension(&mut self, kind: CompKind, element: ExprId, key: Option<ExprId>, clauses: &[Clause]) {
        self.text(match kind {
            CompKind::List => "list(",
            CompKind::Set => "set(",
            CompKind::Dict => "dict(",
            CompKind::Generator => "generator(",
        });
        if let Some(key) = key {
            self.expr(key);
            self.text(": ");
        }
        self.expr(element);
        for clause in clauses {
            self.text(if clause.is_async { " async for " } else { " for " });
            self.pat(clause.target);
            self.text(" in ");
            self.expr(clause.iter);
            for condition in &clause.conditions {
                self.text(" if ");
                self.expr(*condition);
            }
        }
        self.text(")");
    }

    fn render(&mut self, render: &Render) {
        self.text(match render.kind {
            RenderKind::Include => "render-include(",
            RenderKind::Extends => "render-extends(",
            RenderKind::Component => "render-component(",
            RenderKind::LiveComponent => "render-live(",
            RenderKind::Import => "render-import(",
            RenderKind::Tag => "render-tag(",
        });
        self.expr(render.template);
        for arg in &render.args {
            self.text(", ");
            self.arg(arg);
        }
        if let Some(context) = render.context {
            self.text(", context ");
            self.expr(context);
        }
        if render.inherits {
            self.text(", inherits");
        }
        if let Some((items, name)) = render.each {
            self.text(", each ");
            self.expr(items);
            let _ = write!(self.out, " as ${name}");
        }
        self.text(")");
        if !render.inner.is_empty() {
            self.text(" {\n");
            self.block(&render.inner, 3);
            self.text("  }");
        }
    }
}
