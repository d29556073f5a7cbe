//! Does what answers requests lead to a function? Only then can a client reach the rows that it asks for.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::View;
use super::area::Area;
use super::calls::own_functions;
use super::field::FieldValue;
use crate::base::Name;
use crate::facts::{Expr, ExprId, FnKind, Language};
use crate::index::{ClassId, FnRef, Symbol};

/// A call on something unknown may mean so many functions of that name.
const MAX_NAMESAKES: usize = 2;

/// What is reached. Filled when first asked.
#[derive(Default)]
pub(super) struct Reach {
    /// None: the program has nothing that answers requests.
    reached: OnceCell<Option<FxHashSet<FnRef>>>,
}

impl View<'_, '_> {
    /// Does a request lead to a function, as far as calls tell? Where nothing answers requests, all may be.
    pub(super) fn is_reached(&self, f: FnRef) -> bool {
        self.reach.reached.get_or_init(|| self.read_reached()).as_ref().is_none_or(|all| all.contains(&self.outermost(f)))
    }

    fn read_reached(&self) -> Option<FxHashSet<FnRef>> {
        let ix = self.cx.ix;
        let mut named: FxHashMap<Name, Vec<FnRef>> = FxHashMap::default();
        let mut inner: FxHashMap<FnRef, Vec<FnRef>> = FxHashMap::default();
        let mut waiting = Vec::new();
        for (f, decl) in own_functions(ix) {
            match decl.kind {
                FnKind::Closure => {
                    inner.entry(self.outermost(f)).or_default().push(f);
                    continue;
                }
                FnKind::Function | FnKind::Method => named.entry(decl.name).or_default().push(f),
                _ => (),
            }
            if decl.kind == FnKind::Template || !matches!(decl.kind, FnKind::ClassBody) && self.answers(f) {
                waiting.push(f);
            }
        }
        if waiting.iter().all(|f| ix.function(*f).kind == FnKind::Template) {
            return None;
        }
        let mut reached: FxHashSet<FnRef> = waiting.iter().copied().collect();
        while let Some(f) = waiting.pop() {
            let mut found = Vec::new();
            let bodies = inner.get(&f).into_iter().flatten().copied().chain([f]);
            for at in bodies {
                self.called_in(at, &named, &mut found);
                found.extend(self.cx.flow.called_by(at));
            }
            for called in found {
                let called = self.outermost(called);
                if reached.insert(called) {
                    waiting.push(called);
                }
            }
        }
        Some(reached)
    }

    /// Does a function run because of a request, with nothing of the program calling it?
    pub(super) fn answers(&self, f: FnRef) -> bool {
        self.area(f) == Area::Request && !self.is_helper(f)
    }

    /// Is a function of a class of requests none of those that the library knows by name?
    pub(super) fn is_helper(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let Some(class) = ix.class_of_function(f).filter(|_| decl.kind == FnKind::Method) else {
            return false;
        };
        let is_request =
            ix.class(class).external.iter().any(|n| ix.packs.roles(*n).iter().any(|r| r.as_str() == "request-class"));
        is_request
            && ix.file(f.file).language == Language::Php
            && !ix.packs.tenancy().request_hooks.iter().any(|h| h == decl.name.as_str())
    }

    /// The functions that calls in a body may mean.
    fn called_in(&self, at: FnRef, named: &FxHashMap<Name, Vec<FnRef>>, found: &mut Vec<FnRef>) {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        for expr in &body.exprs {
            let callee = match expr {
                Expr::Call { callee, .. } => *callee,
                Expr::CallableOf(callee) => *callee,
                Expr::New { class, .. } => {
                    if let Symbol::Class(class) = ix.symbol_of(at, *class) {
                        found.extend(constructor(self, class));
                    }
                    continue;
                }
                _ => continue,
            };
            match body.expr(callee) {
                Expr::Attr { base, name, .. } => {
                    let class = if self.is_self(at, *base) { ix.class_of_function(at) } else { self.class_made(at, *base) };
                    match class {
                        Some(class) => self.methods_named(class, *name, found),
                        None => {
                            if let Symbol::Function(f) = ix.symbol_of(at, callee) {
                                found.push(f);
                                continue;
                            }
                            let all = named.get(name).map_or(&[][..], Vec::as_slice);
                            if all.len() <= MAX_NAMESAKES {
                                found.extend(all.iter().copied());
                            }
                        }
                    }
                }
                _ => match ix.symbol_of(at, callee) {
                    Symbol::Function(f) => found.push(f),
                    Symbol::Class(class) => found.extend(constructor(self, class)),
                    _ => (),
                },
            }
        }
    }

    /// A method of a class, of what is below it, and of what uses it.
    fn methods_named(&self, class: ClassId, name: Name, found: &mut Vec<FnRef>) {
        let ix = self.cx.ix;
        found.extend(ix.find_method(class, name).map(|(_, f)| f));
        found.extend(ix.implementations(class, name).into_iter().map(|(_, f)| f));
        // A trait may call what its users have from elsewhere.
        for below in &ix.class(class).descendants {
            found.extend(ix.find_method(*below, name).map(|(_, f)| f));
        }
    }

    /// The class whose instance a field of the own object holds: as declared, or as assigned.
    pub(super) fn class_of_field(&self, f: FnRef, name: Name) -> Option<ClassId> {
        let ix = self.cx.ix;
        let class = ix.class_of_function(f)?;
        if let Some((owner, at)) = ix.find_attr(class, name) {
            let decl = ix.class_decl(owner);
            let ty = decl.attrs[at].ty.as_ref();
            if let Some(found) = ty.and_then(|ty| ix.type_to_class(ix.class(owner).file, decl.scope, ty)) {
                return Some(found);
            }
        }
        let made = |(at, value): (FnRef, FieldValue)| match value {
            FieldValue::Param(i) => {
                ix.function(at).params[i].ty.as_ref().and_then(|ty| ix.type_to_class(at.file, at.id, ty)).into_iter().collect()
            }
            FieldValue::Assigned(value) if self.is_own_field(at, value) => Vec::new(),
            FieldValue::Assigned(value) => self.class_made_at(at, value, false).into_iter().collect(),
        };
        let found: BTreeSet<ClassId> = self.given_to_field(class, name).into_iter().flat_map(made).collect();
        if found.len() == 1 { found.into_iter().next() } else { None }
    }

    /// Is an expression a field of the own object?
    fn is_own_field(&self, f: FnRef, expr: ExprId) -> bool {
        matches!(self.cx.ix.function(f).body.expr(expr), Expr::Attr { base, .. } if self.is_self(f, *base))
    }
}

fn constructor(view: &View<'_, '_>, class: ClassId) -> Option<FnRef> {
    let ix = view.cx.ix;
    ["__construct", "__init__"].into_iter().find_map(|n| ix.find_method(class, Name::new(n))).map(|(_, f)| f)
}
