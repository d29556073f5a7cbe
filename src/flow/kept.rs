//! Is what a function makes kept, so that it is made once for many uses?
//!
//! Caches are read from their shape: a decorator, a name tested before it is filled, an entry looked up before it is stored.

use rustc_hash::{FxHashMap, FxHashSet};

use super::filled::Place;
use super::value::Data;
use super::{Engine, Frame, What};
use crate::base::{FileId, Name};
use crate::facts::{BinaryOp, Expr, ExprId, FnId, FnKind, Language, ParamKind, Pat, Slot, StmtId};
use crate::index::{ClassId, FnRef, Symbol};
use crate::source::Origin;

/// Factories that call factories are followed so far.
const MAX_STEPS: usize = 3;

/// Where a class of the program is instantiated.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Made {
    at_import: bool,
    in_function: bool,
}

/// Who keeps what is made, so that it is not made again?
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Keeper {
    Nobody,
    /// The object whose method runs.
    Object,
    /// The process.
    Process,
}

impl Frame<'_> {
    /// From here on, what is asked is asked once per key of a cache: in no turn of the loops around this place.
    pub(super) fn remember(&mut self) {
        let depth = self.loops.len();
        self.remembered = Some(self.remembered.map_or(depth, |known| known.min(depth)));
    }

    /// What was made since the mark is made once for its keeper.
    fn keep_since(&mut self, mark: usize, keeper: Keeper) {
        match keeper {
            Keeper::Process => self.forget_constructions(mark),
            Keeper::Object => {
                for event in self.buffer.iter_mut().skip(mark).filter(|e| matches!(e.what, What::Construct { .. })) {
                    event.by_object = true;
                    event.loops.clear();
                }
            }
            Keeper::Nobody => (),
        }
    }
}

impl<'a> Engine<'a> {
    /// Is the result of a function kept, so that its body runs once for many calls?
    pub(super) fn is_kept_result(&mut self, f: FnRef) -> bool {
        if !self.marks(f).is_once {
            return false;
        }
        let decl = self.ix.function(f);
        // What is kept of a coroutine function is a coroutine, which can be awaited once.
        if decl.is_async {
            return false;
        }
        match self.ix.class_of_function(f) {
            Some(class) if self.takes_receiver(f) && !decl.is_classmethod => self.outlives_requests(class),
            _ => true,
        }
    }

    /// Does a decorator of the program call what it decorates only where a cache holds nothing, and store what that gives?
    pub(super) fn memoises(&self, decorator: FnRef) -> bool {
        let functions = &self.ix.file(decorator.file).functions;
        let word = |key: &str, name: Name| {
            self.ix.packs.word_in_language(self.names.python, key).is_some_and(|w| w.has_word(name.as_str()))
        };
        functions.iter().enumerate().filter(|(i, f)| self.is_within(decorator, FnId(*i as u32)) && !f.captures.is_empty()).any(
            |(_, f)| {
                let body = &f.body;
                let is_captured =
                    |e: ExprId| matches!(body.expr(e), Expr::Local(slot) if f.captures.iter().any(|c| c.inner == *slot));
                // `kwargs` is of one call: what is put there is not kept.
                let is_of_call = |e: ExprId| {
                    let given = |slot: Slot| {
                        f.params.iter().any(|p| p.slot == slot && matches!(p.kind, ParamKind::Rest | ParamKind::KeywordRest))
                    };
                    matches!(body.expr(e), Expr::Local(slot) if given(*slot))
                };
                let (mut calls, mut looks, mut stores) = (false, false, false);
                for expr in &body.exprs {
                    match expr {
                        Expr::Call { callee, args } => match body.expr(*callee) {
                            Expr::Local(_) => calls |= is_captured(*callee),
                            Expr::Name(name) => {
                                looks |= matches!(name.as_str(), "getattr" | "hasattr") && args.len() > 1;
                                stores |= name.as_str() == "setattr";
                            }
                            Expr::Attr { base, name, .. } if !is_of_call(*base) => {
                                looks |= word("cache-reads", *name);
                                stores |= word("cache-stores", *name) && args.len() > 1;
                            }
                            _ => (),
                        },
                        Expr::Binary { op: BinaryOp::In | BinaryOp::NotIn, right, .. } => looks |= !is_of_call(*right),
                        Expr::Assign { target, .. } => {
                            stores |= matches!(body.pat(*target), Pat::Index { base, .. } if !is_of_call(*base));
                        }
                        _ => (),
                    }
                }
                calls && looks && stores
            },
        )
    }

    /// May an instance of the class live longer than a request? Only if it is seen to be made in functions alone it does not.
    pub(super) fn outlives_requests(&mut self, class: ClassId) -> bool {
        if self.has_role(class, "request-class") {
            return self.is_kept(class);
        }
        if self.made.is_none() {
            let made = self.read_made();
            self.made = Some(made);
        }
        let made = self.made.as_ref().and_then(|m| m.get(&class)).copied().unwrap_or_default();
        // What describes a request is made by the framework, for each.
        made.at_import || !made.in_function && !self.has_role(class, "response-model-base")
    }

    fn read_made(&mut self) -> FxHashMap<ClassId, Made> {
        let mut made: FxHashMap<ClassId, Made> = FxHashMap::default();
        let factories = self.run_at_import();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            for (j, decl) in facts.functions.iter().enumerate() {
                let f = FnRef { file: FileId(i as u32), id: FnId(j as u32) };
                let at_import =
                    matches!(decl.kind, FnKind::File | FnKind::ClassBody) || factories.contains(&f) || self.marks(f).is_once;
                // `global client; client = Client()`
                let is_global = |value: ExprId| {
                    decl.body.exprs.iter().any(|e| {
                        matches!(e, Expr::Assign { target, value: v }
                            if *v == value && matches!(decl.body.pat(*target), Pat::Global(_)))
                    })
                };
                for (e_at, e) in decl.body.exprs.iter().enumerate() {
                    let Expr::Call { callee, .. } = e else {
                        continue;
                    };
                    let name = match decl.body.expr(*callee) {
                        Expr::Name(n) => *n,
                        Expr::Local(slot) => match decl.body.slots.get(slot.0 as usize) {
                            Some(n) => *n,
                            None => continue,
                        },
                        Expr::Attr { name, .. } => *name,
                        _ => continue,
                    };
                    if !name.as_str().starts_with(|c: char| c.is_uppercase() || c == '_') {
                        continue;
                    }
                    let file = FileId(i as u32);
                    let symbol = match decl.body.expr(*callee) {
                        Expr::Attr { base, .. } => match decl.body.expr(*base) {
                            Expr::Name(b) => self.ix.resolve_dotted(file, FnId(j as u32), &format!("{b}.{name}")),
                            _ => continue,
                        },
                        _ => self.ix.resolve_name(file, FnId(j as u32), name),
                    };
                    if let Symbol::Class(class) = symbol {
                        let lasts = at_import || is_global(ExprId(e_at as u32));
                        let entry = made.entry(class).or_default();
                        entry.at_import |= lasts;
                        entry.in_function |= !lasts;
                    }
                }
            }
        }
        made
    }

    /// Functions that run when a module is imported, once, and never else: what its top level calls outside of loops, and what
    /// that calls so.
    fn run_at_import(&self) -> FxHashSet<FnRef> {
        let mut found = FxHashSet::default();
        let mut open: Vec<(FnRef, usize)> = Vec::new();
        for (i, facts) in self.ix.facts.iter().enumerate().filter(|(_, facts)| facts.language == Language::Python) {
            let is_top = |d: &crate::facts::FunctionDecl| matches!(d.kind, FnKind::File | FnKind::ClassBody);
            let tops = facts.functions.iter().enumerate().filter(|(_, d)| is_top(d));
            open.extend(tops.map(|(j, _)| (FnRef { file: FileId(i as u32), id: FnId(j as u32) }, 0)));
        }
        while let Some((f, depth)) = open.pop() {
            let body = &self.ix.function(f).body;
            for (e, range) in body.exprs.iter().zip(&body.ranges) {
                let Expr::Call { callee, .. } = e else { continue };
                let Symbol::Function(g) = self.ix.symbol_of(f, *callee) else { continue };
                let turns = body.loops().any(|(_, r)| r.contains(*range));
                let decl = self.ix.function(g);
                if !turns && decl.kind == FnKind::Function && !decl.is_generator && depth < MAX_STEPS && found.insert(g) {
                    open.push((g, depth + 1));
                }
            }
        }
        self.without_other_callers(&mut found);
        found
    }

    /// Takes out of functions that run at import those that others call, too.
    fn without_other_callers(&self, found: &mut FxHashSet<FnRef>) {
        let mut calls: Vec<(FnRef, FnRef)> = Vec::new();
        for (i, facts) in self.ix.facts.iter().enumerate().filter(|(_, facts)| facts.language == Language::Python) {
            let file = FileId(i as u32);
            if self.ix.sources.file(file).origin == Origin::Test {
                continue;
            }
            for (j, decl) in
                facts.functions.iter().enumerate().filter(|(_, d)| !matches!(d.kind, FnKind::File | FnKind::ClassBody))
            {
                let f = FnRef { file, id: FnId(j as u32) };
                for e in &decl.body.exprs {
                    if let Expr::Call { callee, .. } = e
                        && let Symbol::Function(g) = self.ix.symbol_of(f, *callee)
                        && found.contains(&g)
                    {
                        calls.push((f, g));
                    }
                }
            }
        }
        crate::base::close(found, &calls);
    }

    /// A value is assigned: if its place is tested before, what was made since the mark is made once per place.
    pub(super) fn keep_made(&mut self, fr: &mut Frame<'a>, mark: usize, target: crate::facts::PatId, value: ExprId) {
        let keeper = self.kept_place(fr, target, value);
        fr.keep_since(mark, keeper);
    }

    /// `if place is None: place = make()`: all that the block makes is made once for the place, not only what is assigned.
    pub(super) fn keep_filled(&mut self, fr: &mut Frame<'a>, cond: ExprId, then: &'a [StmtId], absent: &[Place], mark: usize) {
        let keeper = absent.iter().map(|p| self.keeper_filled(fr, cond, then, *p)).max().unwrap_or(Keeper::Nobody);
        fr.keep_since(mark, keeper);
    }

    /// Who keeps what a block puts into a place that was tested to be empty before.
    fn keeper_filled(&mut self, fr: &Frame<'a>, cond: ExprId, then: &'a [StmtId], at: Place) -> Keeper {
        match at {
            Place::Field(_) if self.assigns(fr, then, at) => self.keeper(fr, cond),
            Place::Field(_) => Keeper::Nobody,
            // `client = entry.client`, and the block stores the new one in `entry.client`.
            Place::Local(slot) => {
                let body = fr.body;
                let sources = body.exprs.iter().filter_map(|e| match e {
                    Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(slot) => Some(*value),
                    _ => None,
                });
                let stored = |e: &ExprId| match body.expr(*e) {
                    Expr::Attr { name, .. } => self.assigns(fr, then, Place::Field(*name)),
                    _ => false,
                };
                let sources: Vec<ExprId> = sources.filter(stored).collect();
                sources.into_iter().map(|e| self.keeper(fr, e)).max().unwrap_or(Keeper::Nobody)
            }
        }
    }

    fn kept_place(&mut self, fr: &Frame<'a>, target: crate::facts::PatId, value: ExprId) -> Keeper {
        let body = fr.body;
        if !makes_something(body, value, 0) {
            return Keeper::Nobody;
        }
        match body.pat(target) {
            Pat::Local(slot) => self.kept_from(fr, target, *slot, 0),
            _ => self.keeps(fr, target),
        }
    }

    /// Who keeps what a variable holds: where is it stored, itself, in a tuple, or by way of another variable?
    fn kept_from(&mut self, fr: &Frame<'a>, from: crate::facts::PatId, slot: Slot, steps: usize) -> Keeper {
        let body = fr.body;
        let holds = |value: ExprId| match body.expr(value) {
            Expr::Local(held) => *held == slot,
            Expr::Seq { items, .. } => items.iter().any(|i| *body.expr(i.value) == Expr::Local(slot)),
            _ => false,
        };
        let stored: Vec<crate::facts::PatId> = body
            .exprs
            .iter()
            .filter_map(|e| match e {
                Expr::Assign { target, value } if *target != from && holds(*value) => Some(*target),
                _ => None,
            })
            .collect();
        let keeper = |e: &mut Self, target| match body.pat(target) {
            Pat::Local(next) if *next != slot && steps < MAX_STEPS => e.kept_from(fr, target, *next, steps + 1),
            Pat::Local(_) => Keeper::Nobody,
            _ => e.keeps(fr, target),
        };
        stored.into_iter().map(|target| keeper(self, target)).max().unwrap_or(Keeper::Nobody)
    }

    fn keeps(&mut self, fr: &Frame<'a>, target: crate::facts::PatId) -> Keeper {
        let body = fr.body;
        match body.pat(target) {
            Pat::Global(_) => Keeper::Process,
            Pat::Attr { base, name } => {
                let class = self.ix.class_of_function(fr.f);
                let own = class.filter(|_| self.is_receiver(fr, *base) && !fr.decl.is_classmethod);
                if !is_tested(body, *name) {
                    // What the constructor fills by the same method is only renewed later.
                    return if own.is_some_and(|class| self.is_part_of_making(class, fr.f)) {
                        Keeper::Object
                    } else {
                        Keeper::Nobody
                    };
                }
                match own.or_else(|| self.class_held(fr, *base)) {
                    Some(class) => self.object_or_process(class),
                    None => Keeper::Process,
                }
            }
            Pat::Index { base, .. } => match body.expr(*base) {
                Expr::Local(slot) if !is_membership_tested(body, *slot) => Keeper::Nobody,
                _ => Keeper::Process,
            },
            _ => Keeper::Nobody,
        }
    }

    /// `if key in cache: return cache[key]`: how long does live what is looked up?
    pub(super) fn keeper(&mut self, fr: &Frame<'a>, cond: ExprId) -> Keeper {
        let body = fr.body;
        let mut bases = Vec::new();
        looked_up(body, cond, &mut bases, 0);
        let own = |e: &ExprId| matches!(body.expr(*e), Expr::Attr { base, .. } if self.is_receiver(fr, *base));
        let is_local = |e: &ExprId| matches!(body.expr(*e), Expr::Local(_));
        let held = bases.iter().find_map(|e| match body.expr(*e) {
            Expr::Attr { base, .. } if !own(e) => self.class_held(fr, *base),
            _ => None,
        });
        match self.ix.class_of_function(fr.f) {
            _ if let Some(class) = held => self.object_or_process(class),
            Some(class) if bases.iter().any(own) => self.object_or_process(class),
            _ if !bases.is_empty() && !bases.iter().any(is_local) => Keeper::Process,
            _ => Keeper::Nobody,
        }
    }

    /// The class of an object that a variable holds: it says how long the object lives.
    fn class_held(&self, fr: &Frame<'a>, e: ExprId) -> Option<ClassId> {
        let Expr::Local(slot) = fr.body.expr(e) else { return None };
        match self.data(*fr.locals.get(slot.0 as usize)?) {
            Data::Object { class, .. } => Some(*class),
            _ => None,
        }
    }

    /// Does the constructor of a class call a method of its own, which is not the constructor?
    fn is_part_of_making(&self, class: ClassId, f: FnRef) -> bool {
        let Some(constructor) = self.constructor(class).filter(|c| *c != f) else { return false };
        let name = self.ix.function(f).name;
        let body = &self.ix.function(constructor).body;
        body.exprs.iter().any(|e| match e {
            Expr::Call { callee, .. } => matches!(body.expr(*callee), Expr::Attr { name: called, .. } if *called == name),
            _ => false,
        })
    }

    fn object_or_process(&mut self, class: ClassId) -> Keeper {
        if self.outlives_requests(class) { Keeper::Process } else { Keeper::Object }
    }

    /// `cached = cache.get(key); if cached: return cached`, where the function also stores what it makes.
    pub(super) fn is_cache_hit(&self, fr: &Frame<'a>, cond: ExprId) -> bool {
        let body = fr.body;
        let mut tested = Vec::new();
        looked_up(body, cond, &mut tested, 0);
        let words = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let (Some(reads), Some(stores)) = (words("cache-reads"), words("cache-stores")) else {
            return false;
        };
        let called_on = |e: ExprId, words: Name| {
            let e = match body.expr(e) {
                Expr::Await(inner) => *inner,
                _ => e,
            };
            match body.expr(e) {
                Expr::Call { callee, .. } => match body.expr(*callee) {
                    Expr::Attr { base, name, .. } if words.has_word(name.as_str()) => Some(*base),
                    _ => None,
                },
                _ => None,
            }
        };
        tested.iter().any(|e| {
            let Expr::Local(slot) = body.expr(*e) else { return false };
            let from = body.exprs.iter().find_map(|e| match e {
                Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(*slot) => called_on(*value, reads),
                _ => None,
            });
            from.is_some_and(|base| {
                let calls = (0..body.exprs.len() as u32).map(ExprId);
                calls.into_iter().any(|e| called_on(e, stores).is_some_and(|b| body.expr(b) == body.expr(base)))
            })
        })
    }

    /// Is what a closure given here makes kept by whoever is given it?
    pub(super) fn is_remembering(&self, fr: &Frame<'a>, name: Name, args: &super::call::Args) -> bool {
        use super::value::Data;
        let Some(words) = self.ix.packs.word_in_language(self.language(fr), "remembering-methods") else {
            return false;
        };
        let runs = |v: &super::value::Val| matches!(self.data(*v), Data::Closure(..) | Data::Function(_));
        words.has_word(name.as_str()) && args.positional.iter().chain(args.named.iter().map(|(_, v)| v)).any(runs)
    }
}

/// May evaluating this make an object: does it call anything?
fn makes_something(body: &crate::facts::Body, e: ExprId, depth: usize) -> bool {
    if depth > 8 {
        return false;
    }
    match body.expr(e) {
        Expr::Call { .. } | Expr::New { .. } => true,
        Expr::Await(inner) | Expr::Same(inner) => makes_something(body, *inner, depth + 1),
        Expr::Attr { base, .. } | Expr::Index { base, .. } => makes_something(body, *base, depth + 1),
        Expr::Or(a, b) | Expr::And(a, b) | Expr::Coalesce(a, b) => {
            makes_something(body, *a, depth + 1) || makes_something(body, *b, depth + 1)
        }
        Expr::Ternary { then, otherwise, .. } => {
            then.is_some_and(|t| makes_something(body, t, depth + 1)) || makes_something(body, *otherwise, depth + 1)
        }
        _ => false,
    }
}

/// Does a condition of the body ask for an attribute of this name?
fn is_tested(body: &crate::facts::Body, name: Name) -> bool {
    let reads = |e: &ExprId| match body.expr(*e) {
        Expr::Attr { name: n, .. } => *n == name,
        _ => false,
    };
    body.exprs.iter().any(|e| match e {
        // `"client" not in g`
        Expr::Binary { op: BinaryOp::In | BinaryOp::NotIn, left, .. } if *body.expr(*left) == Expr::Str(name) => true,
        Expr::Binary { left, right, .. } => reads(left) || reads(right),
        Expr::Not(inner) | Expr::Empty(inner) => reads(inner),
        Expr::Isset(items) => items.iter().any(reads),
        Expr::Or(a, b) | Expr::And(a, b) | Expr::Coalesce(a, b) => reads(a) || reads(b),
        Expr::Ternary { cond, .. } => reads(cond),
        // `hasattr(local, "client")`, `getattr(self, "client", None)`
        Expr::Call { args, .. } => args.get(1).is_some_and(|a| *body.expr(a.value) == Expr::Str(name)),
        _ => false,
    }) || body.stmts.iter().any(|s| match s {
        crate::facts::Stmt::If { cond, .. } => reads(cond),
        _ => false,
    })
}

/// Does the body ask whether a local container holds a key?
fn is_membership_tested(body: &crate::facts::Body, slot: Slot) -> bool {
    use crate::facts::BinaryOp;
    body.exprs.iter().any(|e| match e {
        Expr::Binary { op: BinaryOp::In | BinaryOp::NotIn, right, .. } => *body.expr(*right) == Expr::Local(slot),
        _ => false,
    })
}

/// What a condition asks for: places whose emptiness decides, containers in which a key is looked up.
fn looked_up(body: &crate::facts::Body, cond: ExprId, out: &mut Vec<ExprId>, depth: usize) {
    use crate::facts::BinaryOp;
    if depth > 8 {
        return;
    }
    match body.expr(cond) {
        Expr::Not(inner) | Expr::Empty(inner) => looked_up(body, *inner, out, depth + 1),
        Expr::And(a, b) | Expr::Or(a, b) => {
            looked_up(body, *a, out, depth + 1);
            looked_up(body, *b, out, depth + 1);
        }
        Expr::Binary { op: BinaryOp::In | BinaryOp::NotIn, right, .. } => out.push(*right),
        Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } => {
            out.extend([*left, *right].into_iter().filter(|e| !matches!(body.expr(*e), Expr::Null | Expr::Bool(_))));
        }
        Expr::Isset(items) => out.extend(items.iter().copied()),
        Expr::Index { base, .. } => out.push(*base),
        Expr::Local(_) | Expr::Attr { .. } | Expr::Name(_) => out.push(cond),
        Expr::Assign { target, value } => {
            // `if (client := cache.get(key)):`
            if let Pat::Local(_) = body.pat(*target) {
                out.push(*value);
            }
        }
        _ => (),
    }
}
