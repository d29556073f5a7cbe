//! Where do the arguments of a constructor come from: from the process, from the turn of a loop, from data?
//!
//! Walks backward from the construction: through variables, fields and returned values, and up the calls that led there. What
//! it cannot follow is unknown, never constant.

mod fields;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{FileId, Name, Range, Span};
use crate::checks::CheckContext;
use crate::facts::{Arg, Body, Expr, ExprId, FnKind, Language, LoopKind, ParamKind, Pat, PatId, Slot, Spread, Stmt};
use crate::flow::{Event, Statement};
use crate::index::{ClassId, FnRef, Symbol};

/// Values are followed this far.
const MAX_STEPS: usize = 24;
/// Work per construction.
const MAX_WORK: usize = 4000;

/// What the arguments of a construction depend on; nothing: on the process alone.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Given {
    /// The turn of the innermost loop.
    pub(super) turn: bool,
    /// Rows of the database, secrets made readable, functions made for this one use.
    pub(super) data: bool,
    /// Something that was not followed.
    pub(super) unknown: bool,
}

/// Places of statements that read rows, by file.
pub(super) struct Reads(BTreeMap<FileId, Vec<Range>>);

impl Reads {
    pub(super) fn new(cx: &CheckContext<'_>) -> Reads {
        let mut reads: BTreeMap<FileId, Vec<Range>> = BTreeMap::new();
        for e in cx.flow.executions.iter().filter(|e| e.kind != Statement::Write) {
            reads.entry(e.site.file).or_default().push(e.site.range);
        }
        Reads(reads)
    }

    fn within(&self, file: FileId, range: Range) -> bool {
        self.0.get(&file).is_some_and(|all| all.iter().any(|r| range.start <= r.start && r.end <= range.end))
    }
}

/// How a function came to be evaluated.
#[derive(Clone, Copy)]
enum Way {
    /// It is this many calls above the construction; its caller is the next one.
    Path(usize),
    /// By a call in another function.
    Called { way: usize, caller: FnRef, call: ExprId },
    /// Not known.
    Free,
}

struct Walk<'c, 'a> {
    cx: &'c CheckContext<'a>,
    event: &'c Event,
    reads: &'c Reads,
    turn: Option<Span>,
    ways: Vec<Way>,
    seen: BTreeSet<(usize, FnRef, ExprId)>,
    seen_slots: BTreeSet<(usize, FnRef, Slot)>,
    work: usize,
    given: Given,
}

/// What the arguments of an event's construction depend on.
pub(super) fn given(cx: &CheckContext<'_>, event: &Event, reads: &Reads) -> Given {
    let turn = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l));
    let mut walk = Walk {
        cx,
        event,
        reads,
        turn,
        ways: vec![Way::Path(0), Way::Free],
        seen: BTreeSet::new(),
        seen_slots: BTreeSet::new(),
        work: 0,
        given: Given::default(),
    };
    let f = event.owner;
    let body = &cx.ix.function(f).body;
    match call_at(body, event.site.range) {
        Some((callee, args)) => {
            if let Expr::Attr { base, .. } = body.expr(callee)
                && !matches!(body.expr(*base), Expr::Name(_) | Expr::Class(_))
            {
                walk.expr(0, f, *base, 0);
            }
            // How long it waits and how often it tries again may be said with each call.
            let tuning = cx.ix.packs.word_list("tuning-arguments");
            let is_tuning = |a: &&Arg| a.name.is_some_and(|n| tuning.iter().any(|w| w == n.as_str()));
            let args: Vec<Arg> = args.iter().filter(|a| !is_tuning(a)).cloned().collect();
            walk.args(0, f, &args, 0);
        }
        None => walk.given.unknown = true,
    }
    walk.given
}

/// The call or construction with exactly this range.
pub(super) fn call_at(body: &Body, range: Range) -> Option<(ExprId, &[Arg])> {
    body.exprs.iter().zip(&body.ranges).rev().filter(|(_, r)| **r == range).find_map(|(e, _)| match e {
        Expr::Call { callee, args } => Some((*callee, args.as_slice())),
        Expr::New { class, args } => Some((*class, args.as_slice())),
        _ => None,
    })
}

impl Walk<'_, '_> {
    fn args(&mut self, way: usize, f: FnRef, args: &[Arg], depth: usize) {
        for arg in args {
            self.expr(way, f, arg.value, depth + 1);
        }
    }

    fn way(&mut self, way: Way) -> usize {
        self.ways.push(way);
        self.ways.len() - 1
    }

    fn expr(&mut self, way: usize, f: FnRef, e: ExprId, depth: usize) {
        self.work += 1;
        if depth > MAX_STEPS || self.work > MAX_WORK {
            self.given.unknown = true;
            return;
        }
        if self.given.turn || !self.seen.insert((way, f, e)) {
            return;
        }
        let body = &self.cx.ix.function(f).body;
        let each = |walk: &mut Self, parts: &[ExprId]| {
            for part in parts {
                walk.expr(way, f, *part, depth + 1);
            }
        };
        match body.expr(e) {
            Expr::Local(slot) => self.slot(way, f, *slot, depth + 1),
            Expr::This => self.receiver(way, f, depth + 1),
            Expr::Closure(_) => self.given.data = true,
            Expr::Attr { base, name, .. } | Expr::Lookup { base, name, .. } => self.attr(way, f, e, *base, *name, depth + 1),
            Expr::Call { callee, args } => self.call(way, f, e, *callee, args, depth + 1),
            Expr::New { class, args } => {
                if let Expr::Class(name) = body.expr(*class) {
                    self.class_text(*name);
                } else {
                    each(self, &[*class]);
                }
                self.args(way, f, args, depth);
            }
            Expr::Name(_) => self.named(f, e),
            Expr::Index { base, index } => {
                each(self, &[*base]);
                each(self, index.as_slice());
            }
            Expr::DynamicAttr { base, name } => each(self, &[*base, *name]),
            Expr::Slice { base, .. } | Expr::Filter { base, .. } => each(self, &[*base]),
            Expr::Binary { left, right, .. } => each(self, &[*left, *right]),
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Coalesce(a, b) => each(self, &[*a, *b]),
            Expr::Ternary { cond, then, otherwise } => each(self, &[then.unwrap_or(*cond), *otherwise]),
            Expr::Not(a) | Expr::Same(a) | Expr::Await(a) | Expr::Scalar(Some(a)) => each(self, &[*a]),
            Expr::Assign { value, .. } | Expr::AssignIfNull { value, .. } => each(self, &[*value]),
            Expr::Interpolated(parts) | Expr::Sequence(parts) | Expr::Gap(_, parts) => each(self, parts),
            Expr::Match { arms, .. } => {
                for (_, value) in arms {
                    each(self, &[*value]);
                }
            }
            Expr::Seq { items, .. } => self.args(way, f, items, depth),
            Expr::Map(entries) => {
                for (_, value) in entries {
                    each(self, &[value.value]);
                }
            }
            Expr::Comprehension { element, clauses, .. } => {
                each(self, &[*element]);
                for clause in clauses {
                    each(self, &[clause.iter]);
                }
            }
            _ => (),
        }
    }

    /// A name of the module: its value is the process's own, unless it stands for the request.
    fn named(&mut self, f: FnRef, e: ExprId) {
        match self.cx.named(f, e) {
            Symbol::External(name) if self.is_request(name) => self.given.unknown = true,
            Symbol::Class(class) => self.class(class),
            _ => (),
        }
    }

    fn is_request(&self, name: Name) -> bool {
        let words = self.cx.ix.packs.word_list("request-objects");
        words
            .iter()
            .any(|w| name.as_str() == w || name.as_str().strip_prefix(w.as_str()).is_some_and(|rest| rest.starts_with('.')))
    }

    /// What a class gives: rows, if it is a model or reads the database itself.
    fn class(&mut self, class: ClassId) {
        let ix = self.cx.ix;
        let reads = |c: &ClassId| {
            let file = ix.class(*c).file;
            ix.class_decl(*c).methods.iter().any(|m| {
                let decl = ix.function(FnRef { file, id: *m });
                self.reads.within(file, decl.range)
            })
        };
        let class = ix.class(class);
        if class.model.is_some() || class.mro.iter().any(reads) {
            self.given.data = true;
        }
    }

    fn class_text(&mut self, name: Name) {
        let lower = Name::new(&name.as_str().to_ascii_lowercase());
        if let Some(class) = self.cx.ix.class_names.get(&lower) {
            self.class(*class);
        }
    }

    fn slot(&mut self, way: usize, f: FnRef, slot: Slot, depth: usize) {
        if !self.seen_slots.insert((way, f, slot)) {
            return;
        }
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let body = &decl.body;
        let mut found = false;
        if let Some(i) = decl.params.iter().position(|p| p.slot == slot) {
            self.param(way, f, i, depth);
            found = true;
        }
        if let (Some(capture), Some(parent)) = (decl.captures.iter().find(|c| c.inner == slot), decl.parent) {
            let outer = FnRef { file: f.file, id: parent };
            let level = self.level_of(outer);
            self.slot(level, outer, capture.outer, depth + 1);
            found = true;
        }
        for (e, range) in body.exprs.iter().zip(&body.ranges) {
            match e {
                Expr::Assign { target, value }
                | Expr::AssignIfNull { target, value, .. }
                | Expr::Augment { target, value, .. }
                    if (body.binds(*target, slot) || fills(body, *target, slot)) =>
                {
                    found = true;
                    self.expr(way, f, *value, depth + 1);
                }
                Expr::Comprehension { clauses, .. } => {
                    for clause in clauses.iter().filter(|c| body.binds(c.target, slot)) {
                        found = true;
                        self.turned(f, clause.range, *range);
                        self.expr(way, f, clause.iter, depth + 1);
                    }
                }
                // `options.update(more)`
                Expr::Call { callee, args } => {
                    if let Expr::Attr { base, name, .. } = body.expr(*callee)
                        && *body.expr(*base) == Expr::Local(slot)
                        && matches!(
                            name.as_str(),
                            "update" | "append" | "extend" | "setdefault" | "add" | "merge" | "put" | "push"
                        )
                    {
                        self.args(way, f, args, depth);
                    }
                }
                _ => (),
            }
        }
        for (s, range) in body.stmts.iter().zip(&body.stmt_ranges) {
            match s {
                Stmt::Loop(l) => {
                    let holds = |p: Option<PatId>| p.is_some_and(|p| body.binds(p, slot));
                    if holds(l.target) || holds(l.key) {
                        found = true;
                        self.turned(f, l.header, *range);
                        if let Some(iter) = l.iter {
                            self.expr(way, f, iter, depth + 1);
                        }
                    } else if l.kind != LoopKind::Each && self.turn == Some(Span { file: f.file, range: l.header }) {
                        let counts = l.step.is_some_and(|s| names(body, s, slot));
                        self.given.turn |= counts;
                    }
                }
                Stmt::With { items, .. } => {
                    for (manager, target) in items {
                        if target.is_some_and(|t| body.binds(t, slot)) {
                            found = true;
                            self.expr(way, f, *manager, depth + 1);
                        }
                    }
                }
                Stmt::Import { slot: s, .. } | Stmt::Class(_, Some(s)) if *s == slot => found = true,
                // A function made for this call.
                Stmt::Function(_, Some(s)) if *s == slot && decl.kind != FnKind::File => {
                    found = true;
                    self.given.data = true;
                }
                _ => (),
            }
        }
        if !found && decl.kind != FnKind::File {
            self.given.unknown = true;
        }
    }

    /// A variable takes a new value at each turn of this loop.
    fn turned(&mut self, f: FnRef, header: Range, whole: Range) {
        if let Some(at) = self.turn
            && at.file == f.file
            && (at.range == header || at.range == whole)
        {
            self.given.turn = true;
        }
    }

    /// The way on which a function stands above the construction.
    fn level_of(&mut self, f: FnRef) -> usize {
        let level = (0..=self.event.path.len()).find(|k| self.function_on(*k) == Some(f));
        match level {
            Some(k) => self.way(Way::Path(k)),
            None => 1,
        }
    }

    /// The function that stands so many calls above the construction.
    fn function_on(&self, level: usize) -> Option<FnRef> {
        match level.checked_sub(1) {
            None => Some(self.event.owner),
            Some(i) => self.cx.function_at(*self.event.path.get(i)?),
        }
    }

    /// The call by which a function was reached: the way of its caller, the caller, whom it calls with what.
    fn call_of(&mut self, way: usize) -> Option<(usize, FnRef, ExprId, Vec<Arg>)> {
        match self.ways[way] {
            Way::Path(k) => {
                let at = *self.event.path.get(k)?;
                let caller = self.cx.function_at(at)?;
                let (callee, args) = call_at(&self.cx.ix.function(caller).body, at.range)?;
                let args = args.to_vec();
                let next = self.way(Way::Path(k + 1));
                Some((next, caller, callee, args))
            }
            Way::Called { way, caller, call } => match self.cx.ix.function(caller).body.expr(call) {
                Expr::Call { callee, args } => Some((way, caller, *callee, args.clone())),
                Expr::New { class, args } => Some((way, caller, *class, args.clone())),
                _ => None,
            },
            Way::Free => None,
        }
    }

    fn takes_receiver(&self, f: FnRef) -> bool {
        let decl = self.cx.ix.function(f);
        decl.kind == FnKind::Method && !decl.is_static && self.cx.ix.file(f.file).language == Language::Python
    }

    fn param(&mut self, way: usize, f: FnRef, i: usize, depth: usize) {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let receives = self.takes_receiver(f);
        if i == 0 && receives {
            return self.receiver(way, f, depth);
        }
        let param = &decl.params[i];
        if let Some(ty) = &param.ty
            && let Some(class) = ix.type_to_class(f.file, f.id, ty)
            && ix.class(class).model.is_some()
        {
            self.given.data = true;
        }
        // What the framework calls to fill the parameter.
        for e in param.decorators.iter().copied().chain(param.default) {
            if let Expr::Call { callee, args } = decl.body.expr(e)
                && let Symbol::External(name) = self.cx.named(f, *callee)
                && ix.packs.function(name).is_some_and(|op| op.injects)
            {
                for arg in args {
                    match self.cx.named(f, arg.value) {
                        Symbol::Function(g) => self.returned(1, g, depth + 1),
                        Symbol::Class(class) => self.class(class),
                        _ => self.given.unknown = true,
                    }
                }
                return;
            }
        }
        let Some((next, caller, callee, args)) = self.call_of(way) else {
            // The closure's own arguments come from whoever turns it over.
            let turns = decl.kind == FnKind::Closure && self.turn.is_some();
            self.given.turn |= turns;
            self.given.unknown = true;
            return;
        };
        let is_own = match ix.function(caller).body.expr(callee) {
            Expr::Attr { name, .. } => {
                *name == decl.name || matches!(decl.name.as_str(), "__init__" | "__construct" | "__call__" | "__invoke")
            }
            Expr::Name(_) | Expr::Local(_) | Expr::Function { .. } | Expr::Class(_) => true,
            _ => false,
        };
        if !is_own {
            self.given.unknown = true;
            return;
        }
        let position = i - usize::from(receives);
        let plain = |a: &&Arg| a.spread == Spread::No && a.name.is_none();
        let by_name = args.iter().find(|a| a.name == Some(param.name));
        let given: Vec<ExprId> = match param.kind {
            ParamKind::Rest => args.iter().filter(plain).skip(position).map(|a| a.value).collect(),
            ParamKind::KeywordRest => {
                let known = |n: Name| decl.params.iter().any(|p| p.name == n);
                args.iter().filter(|a| a.name.is_some_and(|n| !known(n))).map(|a| a.value).collect()
            }
            ParamKind::Keyword => by_name.map(|a| a.value).into_iter().collect(),
            ParamKind::Normal => {
                by_name.or_else(|| args.iter().filter(plain).nth(position)).map(|a| a.value).into_iter().collect()
            }
        };
        let spread: Vec<ExprId> = args.iter().filter(|a| a.spread != Spread::No).map(|a| a.value).collect();
        if given.is_empty() && spread.is_empty() {
            if let Some(default) = param.default {
                self.expr(way, f, default, depth + 1);
            }
            return;
        }
        let given = if given.is_empty() { spread } else { given };
        for e in given {
            self.expr(next, caller, e, depth + 1);
        }
    }

    /// What a function of the program gives back.
    fn returned(&mut self, way: usize, g: FnRef, depth: usize) {
        let decl = self.cx.ix.function(g);
        let mut any = false;
        for s in &decl.body.stmts {
            if let Stmt::Return(Some(e)) = s {
                any = true;
                self.expr(way, g, *e, depth + 1);
            }
        }
        for e in &decl.body.exprs {
            if let Expr::Yield(Some(e)) = e {
                any = true;
                self.expr(way, g, *e, depth + 1);
            }
        }
        if !any {
            self.given.unknown = true;
        }
    }

    fn call(&mut self, way: usize, f: FnRef, e: ExprId, callee: ExprId, args: &[Arg], depth: usize) {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        if self.reads.within(f.file, body.range(e)) {
            self.given.data = true;
        }
        let last = match body.expr(callee) {
            Expr::Attr { name, .. } | Expr::Name(name) => name.as_str(),
            Expr::Function { fallback, .. } => fallback.as_str(),
            _ => "",
        };
        let has = |key: &str| ix.packs.word_list(key).iter().any(|w| w == last);
        if has("secret-calls") {
            self.given.data = true;
        }
        if has("request-calls") {
            self.given.unknown = true;
        }
        if let Expr::Attr { base, name, .. } = body.expr(callee)
            && self.is_receiver(f, *base)
            && let Some((_, g)) = ix.class_of_function(f).and_then(|c| ix.find_method(c, *name))
        {
            let at = self.way(Way::Called { way, caller: f, call: e });
            return self.returned(at, g, depth + 1);
        }
        match self.cx.named(f, callee) {
            Symbol::Function(g) => {
                let at = self.way(Way::Called { way, caller: f, call: e });
                return self.returned(at, g, depth + 1);
            }
            Symbol::Class(class) => {
                self.class(class);
                return self.args(way, f, args, depth);
            }
            _ => (),
        }
        if let Expr::Function { fallback, .. } = body.expr(callee)
            && let Some(g) = ix.function_names.get(&Name::new(&fallback.as_str().to_ascii_lowercase()))
        {
            let at = self.way(Way::Called { way, caller: f, call: e });
            return self.returned(at, *g, depth + 1);
        }
        match body.expr(callee) {
            Expr::Attr { base, name, .. } => {
                // `Service(session).credentials()`
                if let Expr::Call { callee: made, .. } = body.expr(*base)
                    && let Symbol::Class(class) = self.cx.named(f, *made)
                    && let Some((_, g)) = ix.find_method(class, *name)
                {
                    self.class(class);
                    let at = self.way(Way::Called { way, caller: f, call: e });
                    return self.returned(at, g, depth + 1);
                }
                if let Expr::Class(class) = body.expr(*base) {
                    self.class_text(*class);
                    let lower = Name::new(&class.as_str().to_ascii_lowercase());
                    if let Some((_, g)) = ix.class_names.get(&lower).and_then(|c| ix.find_method(*c, *name)) {
                        let at = self.way(Way::Called { way, caller: f, call: e });
                        return self.returned(at, g, depth + 1);
                    }
                } else {
                    self.attr(way, f, callee, *base, *name, depth);
                }
            }
            Expr::Local(_) => self.given.unknown = true,
            _ => (),
        }
        self.args(way, f, args, depth);
    }
}

/// The expression at the start of a chain of reads and calls.
fn root_of(body: &Body, mut e: ExprId) -> &Expr {
    loop {
        match body.expr(e) {
            Expr::Attr { base, .. } | Expr::Index { base, .. } => e = *base,
            Expr::Call { callee, .. } => e = *callee,
            other => return other,
        }
    }
}

/// Does a pattern put something into what a variable holds?
fn fills(body: &Body, pat: PatId, slot: Slot) -> bool {
    match body.pat(pat) {
        Pat::Index { base, .. } | Pat::Attr { base, .. } => *root_of(body, *base) == Expr::Local(slot),
        _ => false,
    }
}

/// Does an expression assign to a variable?
fn names(body: &Body, e: ExprId, slot: Slot) -> bool {
    match body.expr(e) {
        Expr::Augment { target, .. } | Expr::Assign { target, .. } => body.binds(*target, slot),
        Expr::Sequence(parts) => parts.iter().any(|p| names(body, *p, slot)),
        _ => false,
    }
}
