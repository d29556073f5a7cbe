//! Who calls a function, and is it named anywhere at all?

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::View;
use super::area::Area;
use crate::base::{FileId, Name};
use crate::facts::{Arg, Expr, ExprId, FnId, FnKind};
use crate::index::{FnRef, ProjectIndex, Symbol};
use crate::source::Origin;

/// A function with more callers than this is not followed into them.
const MAX_CALLERS: usize = 12;
/// Ways that lead to a function are looked for through so many calls.
const MAX_WAY: usize = 3;
/// And so many of them.
const MAX_WAYS: usize = 40;

/// The calls of the program by the last name of what is called. Filled when first asked.
#[derive(Default)]
pub(super) struct Calls {
    by_name: OnceCell<FxHashMap<Name, Vec<(FnRef, ExprId)>>>,
    mentions: OnceCell<FxHashMap<Name, usize>>,
    declared: OnceCell<FxHashMap<Name, usize>>,
}

impl Calls {
    fn of(&self, index: &ProjectIndex<'_>, name: Name) -> &[(FnRef, ExprId)] {
        let calls = self.by_name.get_or_init(|| {
            let mut calls: FxHashMap<Name, Vec<(FnRef, ExprId)>> = FxHashMap::default();
            for (at, function) in own_functions(index) {
                let body = &function.body;
                for (i, expr) in body.exprs.iter().enumerate() {
                    let Expr::Call { callee, .. } = expr else { continue };
                    let name = match body.expr(*callee) {
                        Expr::Attr { name, .. } | Expr::Name(name) => *name,
                        Expr::Local(slot) => body.slots[slot.0 as usize],
                        Expr::Function { fallback, .. } => *fallback,
                        _ => continue,
                    };
                    calls.entry(name).or_default().push((at, ExprId(i as u32)));
                }
            }
            calls
        });
        calls.get(&name).map_or(&[], Vec::as_slice)
    }

    /// How often a name is written as an attribute, a name or a text, templates included.
    fn mentions(&self, index: &ProjectIndex<'_>, name: Name) -> usize {
        let mentions = self.mentions.get_or_init(|| {
            let mut mentions: FxHashMap<Name, usize> = FxHashMap::default();
            for facts in index.facts {
                for function in &facts.functions {
                    for expr in &function.body.exprs {
                        match expr {
                            Expr::Attr { name, .. } | Expr::Name(name) | Expr::Lookup { name, .. } => {
                                *mentions.entry(*name).or_default() += 1;
                            }
                            Expr::Function { fallback, .. } => *mentions.entry(*fallback).or_default() += 1,
                            Expr::Str(text) if text.as_str().len() < 120 => {
                                let words = text.as_str().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                                for word in words.filter(|w| !w.is_empty()) {
                                    *mentions.entry(Name::new(word)).or_default() += 1;
                                }
                            }
                            _ => (),
                        }
                    }
                }
            }
            mentions
        });
        mentions.get(&name).copied().unwrap_or_default()
    }

    /// How many functions of the program have that name.
    fn declared(&self, index: &ProjectIndex<'_>, name: Name) -> usize {
        let declared = self.declared.get_or_init(|| {
            let mut declared: FxHashMap<Name, usize> = FxHashMap::default();
            for (_, function) in own_functions(index) {
                *declared.entry(function.name).or_default() += 1;
            }
            declared
        });
        declared.get(&name).copied().unwrap_or_default()
    }
}

/// The functions of the application's own code.
pub(super) fn own_functions<'i>(
    index: &'i ProjectIndex<'_>,
) -> impl Iterator<Item = (FnRef, &'i crate::facts::FunctionDecl)> + use<'i> {
    index.facts.iter().enumerate().filter(|(i, _)| index.sources.file(FileId(*i as u32)).origin == Origin::Ours).flat_map(
        |(i, facts)| {
            let file = FileId(i as u32);
            facts.functions.iter().enumerate().map(move |(f, decl)| (FnRef { file, id: FnId(f as u32) }, decl))
        },
    )
}

impl View<'_, '_> {
    /// The calls that certainly mean a function: the caller, and the arguments as they stand there.
    pub(super) fn callers(&self, f: FnRef) -> Vec<(FnRef, &[Arg])> {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        if decl.name.is_empty() {
            return Vec::new();
        }
        let short = Name::new(decl.name.last_segment());
        let class = ix.class_of_function(f).filter(|_| decl.kind == FnKind::Method);
        let is_only = self.calls.declared(ix, decl.name) == 1;
        let mut found = Vec::new();
        for (at, call) in self.calls.of(ix, short) {
            let body = &ix.function(*at).body;
            let Expr::Call { callee, args } = body.expr(*call) else { continue };
            let is_meant = match (body.expr(*callee), class) {
                (Expr::Attr { base, .. }, Some(class)) => {
                    let around = ix.class_of_function(*at);
                    let is_self = self.is_self(*at, *base);
                    let family = |c| ix.class(c).mro.contains(&class) || ix.class(class).mro.contains(&c);
                    match self.class_made(*at, *base) {
                        _ if is_self => around.is_some_and(family),
                        Some(c) => family(c),
                        None => is_only || self.cx.flow.called_by(*at).any(|called| called == f),
                    }
                }
                (_, None) => ix.symbol_of(*at, *callee) == Symbol::Function(f) || is_only,
                _ => false,
            };
            if is_meant {
                found.push((*at, args.as_slice()));
            }
            if found.len() > MAX_CALLERS {
                return found;
            }
        }
        found
    }

    /// The ways by which requests reach a function: for each, the functions that lead there, the nearest first.
    pub(super) fn ways_to(&self, f: FnRef) -> Vec<Vec<FnRef>> {
        let mut found = Vec::new();
        let mut open = vec![Vec::new()];
        while let Some(way) = open.pop() {
            let callers: BTreeSet<FnRef> = self.callers(*way.last().unwrap_or(&f)).into_iter().map(|(at, _)| at).collect();
            for caller in callers.into_iter().filter(|c| *c != f && !way.contains(c)) {
                if found.len() + open.len() >= MAX_WAYS {
                    return found;
                }
                let mut longer = way.clone();
                longer.push(caller);
                if self.area(caller) == Area::Request {
                    found.push(longer);
                } else if longer.len() < MAX_WAY {
                    open.push(longer);
                }
            }
        }
        found
    }

    /// The class that an expression names, or whose new instance it is.
    pub(super) fn class_made(&self, at: FnRef, expr: ExprId) -> Option<crate::index::ClassId> {
        self.class_made_at(at, expr, true)
    }

    /// The same; fields of the own object are looked up only if asked for.
    pub(super) fn class_made_at(&self, at: FnRef, expr: ExprId, fields: bool) -> Option<crate::index::ClassId> {
        let body = &self.cx.ix.function(at).body;
        let mut e = expr;
        for _ in 0..8 {
            match body.expr(e) {
                Expr::New { class, .. } => e = *class,
                Expr::Same(inner) | Expr::Await(inner) => e = *inner,
                Expr::Call { callee, .. } => {
                    return match self.cx.ix.symbol_of(at, *callee) {
                        Symbol::Class(class) => Some(class),
                        // `app(Service::class)`
                        _ => match body.expr(e) {
                            Expr::Call { args, .. } if args.len() == 1 => match self.cx.ix.symbol_of(at, args[0].value) {
                                Symbol::Class(class) => Some(class),
                                _ => None,
                            },
                            _ => None,
                        },
                    };
                }
                Expr::Local(slot) => {
                    let decl = self.cx.ix.function(at);
                    if let Some(param) = decl.params.iter().find(|p| p.slot == *slot) {
                        return param.ty.as_ref().and_then(|ty| self.cx.ix.type_to_class(at.file, at.id, ty));
                    }
                    match self.cx.ix.local_of(at, *slot).filter(|v| *v != e) {
                        Some(value) => e = value,
                        None => break,
                    }
                }
                Expr::Attr { base, name, .. } if fields && self.is_self(at, *base) => return self.class_of_field(at, *name),
                _ => break,
            }
        }
        match self.cx.ix.symbol_of(at, e) {
            Symbol::Class(class) => Some(class),
            _ => None,
        }
    }

    /// How often a name is written, other than in imports.
    pub(super) fn mentioned(&self, name: Name) -> usize {
        self.calls.mentions(self.cx.ix, name)
    }

    /// Is a method named nowhere, so that nothing can run it?
    pub(super) fn is_dead(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        let decl = ix.function(outer);
        let name = decl.name.as_str();
        if decl.kind != FnKind::Method
            || !decl.decorators.is_empty()
            || name.starts_with("__")
            || self.cx.flow.handlers.contains(&outer)
        {
            return false;
        }
        let Some(class) = ix.class_of_function(outer) else {
            return false;
        };
        // A library may call what it knows by name.
        ix.class(class).external.is_empty() && self.calls.mentions(ix, Name::new(decl.name.last_segment())) == 0
    }
}
