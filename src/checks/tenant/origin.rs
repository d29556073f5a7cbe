//! Where does a value come from: the client, whoever is signed in, a row at hand, or the code itself?

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::View;
use super::area::Area;
use crate::base::Name;
use crate::facts::{Body, Expr, ExprId, FnKind, Language, Param, Slot, Stmt};
use crate::index::models::snake;
use crate::index::tenants::is_user;
use crate::index::{ClassId, FnRef, Symbol};

/// Values are followed through this many steps.
const MAX_STEPS: usize = 24;
/// And at most so many expressions are read for one.
const MAX_WORK: usize = 1500;
/// And through this many calls.
const MAX_CALLS: usize = 3;
/// Of the assignments to one variable or field, so many are read.
pub(super) const MAX_VALUES: usize = 8;

/// A name under which the client gives a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    /// The function that answers the request.
    pub(super) handler: FnRef,
    /// The name.
    pub(super) name: Name,
    /// A parameter of the handler, so part of the address; else of the query or the content.
    pub(super) is_address: bool,
}

/// All that a value may come from.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    /// The client gives it under these names.
    pub(super) client: Vec<Key>,
    /// Whoever is signed in, or what the request is for.
    pub(super) user: bool,
    /// A row that was loaded.
    pub(super) row: bool,
    /// It stands in the code.
    pub(super) literal: bool,
    /// Not known.
    pub(super) unknown: bool,
}

impl Origin {
    pub(super) fn is_client(&self) -> bool {
        !self.client.is_empty()
    }

    /// Nothing but what stands in the code.
    pub(super) fn is_literal(&self) -> bool {
        self.literal && !self.is_client() && !self.user && !self.row && !self.unknown
    }

    pub(super) fn add(&mut self, other: Origin) {
        for key in other.client {
            if !self.client.contains(&key) {
                self.client.push(key);
            }
        }
        self.user |= other.user;
        self.row |= other.row;
        self.literal |= other.literal;
        self.unknown |= other.unknown;
    }

    pub(super) fn literal() -> Origin {
        Origin { literal: true, ..Origin::default() }
    }

    pub(super) fn unknown() -> Origin {
        Origin { unknown: true, ..Origin::default() }
    }

    fn user() -> Origin {
        Origin { user: true, ..Origin::default() }
    }

    pub(super) fn row() -> Origin {
        Origin { row: true, ..Origin::default() }
    }

    pub(super) fn client(handler: FnRef, name: Name, is_address: bool) -> Origin {
        Origin { client: vec![Key { handler, name, is_address }], ..Origin::default() }
    }
}

/// How far a value may still be followed.
#[derive(Clone, Copy)]
pub(super) struct Steps<'t> {
    steps: usize,
    pub(super) calls: usize,
    trail: &'t Trail,
    /// Where one of these calls a function, only it is asked what it hands over.
    through: &'t [FnRef],
}

/// What was followed for one value.
#[derive(Default)]
struct Trail {
    /// Variables that were read: once more, they add nothing.
    seen: RefCell<BTreeSet<(FnRef, Slot)>>,
    work: Cell<usize>,
}

impl Steps<'_> {
    fn less(self) -> Self {
        Steps { steps: self.steps.saturating_sub(1), ..self }
    }

    pub(super) fn in_call(self) -> Self {
        Steps { calls: self.calls.saturating_sub(1), ..self }
    }
}

impl View<'_, '_> {
    /// Where the value of an expression comes from.
    pub(super) fn origin(&self, f: FnRef, expr: ExprId) -> Origin {
        self.origin_through(f, expr, &[])
    }

    /// The same, where only some of a function's callers are asked.
    pub(super) fn origin_through(&self, f: FnRef, expr: ExprId, through: &[FnRef]) -> Origin {
        let trail = Trail::default();
        self.origin_at(f, expr, Steps { steps: MAX_STEPS, calls: MAX_CALLS, trail: &trail, through })
    }

    fn all(&self, f: FnRef, exprs: impl Iterator<Item = ExprId>, left: Steps<'_>) -> Origin {
        let mut origin = Origin::default();
        for e in exprs.take(MAX_VALUES * 2) {
            origin.add(self.origin_at(f, e, left));
        }
        origin
    }

    pub(super) fn origin_at(&self, f: FnRef, expr: ExprId, left: Steps<'_>) -> Origin {
        left.trail.work.set(left.trail.work.get() + 1);
        if left.steps == 0 || left.trail.work.get() > MAX_WORK {
            return Origin::unknown();
        }
        let less = left.less();
        let body = &self.cx.ix.function(f).body;
        match body.expr(expr) {
            Expr::Str(_) | Expr::Int(_) | Expr::Bool(_) | Expr::Null | Expr::Literal | Expr::Class(_) => Origin::literal(),
            Expr::Name(name) => match name.as_str() {
                n if self.is_keeper(n) => Origin::user(),
                _ => Origin::literal(),
            },
            Expr::This => self.of_self(f),
            Expr::Local(slot) => self.of_local(f, *slot, less),
            Expr::Attr { base, name, .. } => self.of_attribute(f, *base, *name, less),
            Expr::Index { base, index } => {
                let mut origin = self.origin_at(f, *base, less);
                let key = index.map(|i| body.expr(i));
                if let (true, Some(Expr::Str(key))) = (origin.is_client(), key) {
                    origin.client.iter_mut().for_each(|c| c.name = *key);
                    origin.client.dedup();
                }
                if origin.is_client() { Origin { client: origin.client, ..Origin::default() } } else { origin }
            }
            Expr::Slice { base, .. } => self.origin_at(f, *base, less),
            Expr::Call { callee, args } => self.of_call(f, *callee, args, less),
            Expr::New { args, .. } => {
                let mut origin = self.all(f, args.iter().map(|a| a.value), less);
                origin.unknown |= !origin.is_client();
                origin
            }
            Expr::Same(inner) | Expr::Await(inner) | Expr::Scalar(Some(inner)) => self.origin_at(f, *inner, less),
            Expr::Assign { value, .. } | Expr::AssignIfNull { value, .. } | Expr::Augment { value, .. } => {
                self.origin_at(f, *value, less)
            }
            Expr::Coalesce(a, b) | Expr::Or(a, b) | Expr::And(a, b) | Expr::Binary { left: a, right: b, .. } => {
                self.all(f, [*a, *b].into_iter(), less)
            }
            Expr::Ternary { cond, then, otherwise } => self.all(f, [then.unwrap_or(*cond), *otherwise].into_iter(), less),
            Expr::Match { arms, .. } => self.all(f, arms.iter().map(|(_, v)| *v), less),
            Expr::Interpolated(parts) => self.all(f, parts.iter().copied(), less),
            Expr::Seq { items, .. } => self.all(f, items.iter().map(|i| i.value), less),
            Expr::Map(entries) => self.all(f, entries.iter().map(|(_, a)| a.value), less),
            Expr::Comprehension { element, .. } => self.origin_at(f, *element, less),
            _ => Origin::unknown(),
        }
    }

    fn of_self(&self, f: FnRef) -> Origin {
        let is_row = self.cx.ix.class_of_function(f).is_some_and(|c| self.cx.ix.class(c).model.is_some());
        if is_row { Origin::row() } else { Origin::unknown() }
    }

    /// Is an expression the object whose method runs?
    pub(super) fn is_self(&self, f: FnRef, expr: ExprId) -> bool {
        match self.cx.ix.function(f).body.expr(expr) {
            Expr::This => true,
            Expr::Class(name) => matches!(name.as_str(), "self" | "static"),
            Expr::Local(slot) => self.is_receiver(f, *slot),
            _ => false,
        }
    }

    fn is_receiver(&self, f: FnRef, slot: Slot) -> bool {
        let decl = self.cx.ix.function(f);
        self.cx.ix.file(f.file).language == Language::Python
            && decl.kind == FnKind::Method
            && !decl.is_static
            && decl.params.first().is_some_and(|p| p.slot == slot)
    }

    fn of_local(&self, f: FnRef, slot: Slot, left: Steps<'_>) -> Origin {
        if self.is_receiver(f, slot) {
            return self.of_self(f);
        }
        if !left.trail.seen.borrow_mut().insert((f, slot)) {
            return Origin::default();
        }
        let decl = self.cx.ix.function(f);
        let name = decl.body.slots[slot.0 as usize];
        let lists = self.cx.ix.packs.tenancy();
        if lists.client_names.iter().any(|n| n == name.as_str()) {
            return Origin::client(self.outermost(f), name, false);
        }
        let mut origin = Origin::default();
        let is_param = decl.params.iter().any(|p| p.slot == slot);
        if is_param {
            origin.add(self.of_param(f, slot, left));
        }
        let values = values_of(&decl.body, slot);
        origin.add(self.all(f, values.iter().take(MAX_VALUES).copied(), left));
        if !is_param && values.is_empty() {
            if let (Some(capture), Some(parent)) = (decl.captures.iter().find(|c| c.inner == slot), decl.parent) {
                return self.of_local(FnRef { file: f.file, id: parent }, capture.outer, left);
            }
            if self.is_identity(name.as_str()) {
                return Origin::user();
            }
            return Origin::unknown();
        }
        if self.is_identity(name.as_str()) && !origin.is_client() {
            origin.user = true;
        }
        origin
    }

    pub(super) fn of_param(&self, f: FnRef, slot: Slot, left: Steps<'_>) -> Origin {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let Some((place, param)) = decl.params.iter().enumerate().find(|(_, p)| p.slot == slot) else {
            return Origin::unknown();
        };
        let outer = self.outermost(f);
        let name = param.name;
        if self.is_identity(name.as_str()) {
            return Origin::user();
        }
        if self.is_client_object(f, name.as_str()) {
            return Origin::client(outer, name, false);
        }
        if ix.packs.tenancy().row_names.iter().any(|n| n == name.as_str()) {
            return Origin::row();
        }
        let class = param.ty.as_ref().and_then(|ty| ix.type_to_class(f.file, f.id, ty));
        if class.is_some_and(|c| ix.class(c).model.is_some()) {
            return Origin::row();
        }
        if param.default.is_some_and(|d| matches!(decl.body.expr(d), Expr::Call { .. })) && !param.decorators.is_empty() {
            return Origin::unknown();
        }
        if decl.kind == FnKind::Closure {
            return Origin::unknown();
        }
        let given = |is_address| Origin::client(f, name, is_address);
        if self.is_certain_handler(f) {
            return given(class.is_none());
        }
        if left.calls == 0 {
            return Origin::unknown();
        }
        let mut callers = self.callers(f);
        if callers.iter().any(|(at, _)| left.through.contains(at)) {
            callers.retain(|(at, _)| left.through.contains(at));
        }
        if !callers.is_empty() {
            if callers.len() > MAX_VALUES {
                return Origin::unknown();
            }
            let less = left.in_call();
            let skipped = usize::from(decl.params.first().is_some_and(|p| self.is_receiver(f, p.slot)));
            let mut origin = Origin::default();
            for (at, args) in callers {
                let by_name = args.iter().find(|a| a.name == Some(name));
                let by_place = || args.get(place.checked_sub(skipped)?).filter(|a| a.name.is_none());
                match by_name.or_else(by_place) {
                    Some(arg) if at != f => origin.add(self.origin_at(at, arg.value, less)),
                    _ => origin.literal = true,
                }
            }
            return origin;
        }
        // In Python a method of a view that takes no request and that nothing calls is no answer to one.
        let is_php = ix.file(f.file).language == Language::Php;
        let takes_request = decl.params.iter().any(|p| self.is_client_object(f, p.name.as_str()));
        if decl.kind != FnKind::Closure
            && (takes_request || is_php && decl.kind == FnKind::Method && self.is_view(f) && !self.is_helper(f))
        {
            return given(class.is_none());
        }
        Origin::unknown()
    }

    /// What the framework calls for a parameter and hands in: whoever is signed in, or what the request is for, unless it only
    /// passes on what the client gives.
    fn of_dependency(&self, f: FnRef, param: &Param, left: Steps<'_>) -> Option<Origin> {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        let given = param.default.iter().chain(&param.decorators).find_map(|e| {
            let Expr::Call { callee, args } = body.expr(*e) else { return None };
            let Symbol::External(name) = ix.symbol_of(f, *callee) else { return None };
            ix.packs.function(name).filter(|op| op.injects)?;
            args.first().map(|a| a.value)
        })?;
        match ix.symbol_of(f, given) {
            Symbol::Class(_) => None,
            Symbol::Function(g) if left.calls > 0 => {
                let mut origin = self.all(g, ix.returned(g).into_iter(), left.in_call());
                origin.user |= !origin.is_client();
                Some(origin)
            }
            _ => Some(Origin::user()),
        }
    }

    /// Does a function certainly answer requests, its parameters given by the address or the content?
    pub(super) fn is_certain_handler(&self, f: FnRef) -> bool {
        let decl = self.cx.ix.function(f);
        let verbs = &self.cx.ix.packs.tenancy().handler_methods;
        self.cx.flow.handlers.contains(&f)
            || self.has_route_decorator(f)
            || decl.kind == FnKind::Method && verbs.iter().any(|v| v == decl.name.as_str()) && self.is_view(f)
    }

    /// Does the class around a function answer requests?
    fn is_view(&self, f: FnRef) -> bool {
        let decl = self.cx.ix.function(f);
        !decl.name.as_str().starts_with('_') && self.area(f) == Area::Request
    }

    fn of_attribute(&self, f: FnRef, base: ExprId, name: Name, left: Steps<'_>) -> Origin {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let body = &ix.function(f).body;
        if self.is_identity(name.as_str()) {
            return Origin::user();
        }
        if self.is_request(f, base) {
            let is_container = lists.client_containers.iter().any(|c| c == name.as_str());
            // What code before it put on the request: the tenant, its event, its shop.
            let is_set = ix.file(f.file).language == Language::Python && !is_container || name.as_str() == "attributes";
            return if is_set { Origin::user() } else { Origin::client(self.outermost(f), name, false) };
        }
        if self.is_own_request(f, base, name) {
            return Origin::client(self.outermost(f), name, false);
        }
        if self.is_self(f, base) {
            if ix.file(f.file).language == Language::Python && matches!(name.as_str(), "kwargs" | "args") {
                return Origin::client(self.outermost(f), name, true);
            }
            if ix.packs.tenancy().row_names.iter().any(|n| n == name.as_str()) {
                return Origin::row();
            }
            return self.of_field(f, name, left);
        }
        // The key that a new row gets.
        let is_new = |v: &ExprId| match body.expr(*v) {
            Expr::Call { callee: class, .. } | Expr::New { class, .. } => self.names_model(f, *class),
            _ => false,
        };
        if let Expr::Local(slot) = body.expr(base)
            && lists.key_names.iter().any(|k| k == name.as_str())
            && values_of(body, *slot).iter().any(is_new)
        {
            return Origin::row();
        }
        // What the object that a dependency gives says of the tenant.
        if let Expr::Local(slot) = body.expr(base)
            && let Some(param) = ix.function(f).params.iter().find(|p| p.slot == *slot)
            && (self.tenancy.columns.contains(&name)
                || lists.key_names.iter().any(|k| k == name.as_str()) && self.is_tenant(f, param))
            && let Some(origin) = self.of_dependency(f, param, left)
        {
            return origin;
        }
        if matches!(body.expr(base), Expr::Class(_) | Expr::Name(_)) {
            return match ix.symbol_of(f, base) {
                Symbol::External(full) if self.is_keeper(full.last_segment()) => Origin::user(),
                _ => self.origin_at(f, base, left),
            };
        }
        self.origin_at(f, base, left)
    }

    /// Is a parameter a row of the tenant's own model?
    fn is_tenant(&self, f: FnRef, param: &Param) -> bool {
        let class = param.ty.as_ref().and_then(|ty| self.cx.ix.type_to_class(f.file, f.id, ty));
        class.and_then(|c| self.cx.ix.class(c).model).is_some_and(|m| self.tenancy.tenants.contains(&m))
    }

    fn of_call(&self, f: FnRef, callee: ExprId, args: &[crate::facts::Arg], left: Steps<'_>) -> Origin {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        let first_text = args.first().and_then(|a| match body.expr(a.value) {
            Expr::Str(text) => Some(*text),
            _ => None,
        });
        let gives_rows = || args.iter().any(|a| self.names_model(f, a.value));
        match body.expr(callee) {
            Expr::Attr { base, name, .. } => {
                if self.is_identity(name.as_str()) {
                    return Origin::user();
                }
                if self.names_model(f, self.root(f, *base)) || gives_rows() {
                    return Origin::row();
                }
                if self.is_request(f, *base) || self.is_own_request(f, *base, *name) {
                    return Origin::client(self.outermost(f), first_text.unwrap_or(*name), false);
                }
                if let (Expr::Class(_) | Expr::Name(_), Symbol::External(full)) = (body.expr(*base), ix.symbol_of(f, *base))
                    && self.is_keeper(full.last_segment())
                {
                    return Origin::user();
                }
                if let Some(given) = self.given_by_own(f, *base, *name, left) {
                    return given;
                }
                let mut origin = if self.is_self(f, *base) { Origin::default() } else { self.origin_at(f, *base, left) };
                if origin.is_client() {
                    if let Some(text) = first_text {
                        origin.client.iter_mut().for_each(|c| c.name = text);
                        origin.client.dedup();
                    }
                    return origin;
                }
                if origin.row || origin.user {
                    return origin;
                }
                let given = self.all(f, args.iter().map(|a| a.value), left);
                origin.unknown |= !given.is_client() && !given.row && !given.user;
                origin.add(given);
                origin
            }
            Expr::Name(name) | Expr::Function { fallback: name, .. } => {
                if self.is_keeper(name.as_str()) {
                    return Origin::user();
                }
                if gives_rows() {
                    return Origin::row();
                }
                if ix.packs.tenancy().client_objects.iter().any(|o| o == name.as_str()) {
                    return Origin::client(self.outermost(f), first_text.unwrap_or(*name), false);
                }
                let mut given = self.all(f, args.iter().map(|a| a.value), left);
                given.unknown |= args.is_empty();
                given
            }
            _ => {
                let mut given = self.all(f, args.iter().map(|a| a.value), left);
                given.unknown |= args.is_empty();
                given
            }
        }
    }

    /// What a method of the object whose method runs gives, where that is whoever is signed in, or the tenant at work.
    fn given_by_own(&self, f: FnRef, base: ExprId, name: Name, left: Steps<'_>) -> Option<Origin> {
        if left.calls == 0 || !self.is_self(f, base) {
            return None;
        }
        let (_, g) = self.cx.ix.find_method(self.cx.ix.class_of_function(f)?, name)?;
        let given = self.all(g, self.cx.ix.returned(g).into_iter(), left.in_call());
        (given.user && !given.is_client() && !given.row).then_some(given)
    }

    /// Where a chain of calls and attributes starts.
    pub(super) fn root(&self, f: FnRef, expr: ExprId) -> ExprId {
        let body = &self.cx.ix.function(f).body;
        let mut at = expr;
        loop {
            at = match body.expr(at) {
                Expr::Call { callee, .. } => *callee,
                Expr::Attr { base, .. } if !self.names_model(f, at) => *base,
                Expr::Same(inner) | Expr::Await(inner) => *inner,
                _ => return at,
            };
        }
    }

    /// Does an expression name a class of rows?
    pub(super) fn names_model(&self, f: FnRef, expr: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        matches!(body.expr(expr), Expr::Class(_) | Expr::Name(_) | Expr::Attr { .. } | Expr::Local(_))
            && matches!(self.cx.ix.symbol_of(f, expr), Symbol::Class(c) if self.cx.ix.class(c).model.is_some())
    }

    /// Is an expression the request?
    pub(super) fn is_request(&self, f: FnRef, expr: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        match body.expr(expr) {
            Expr::Local(slot) => self.is_client_object(f, body.slots[slot.0 as usize].as_str()),
            Expr::Name(name) | Expr::Attr { name, .. } => {
                self.cx.ix.packs.tenancy().client_objects.iter().any(|o| o == name.as_str())
            }
            Expr::Class(name) => self.cx.ix.packs.tenancy().client_objects.iter().any(|o| o == name.last_segment()),
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Function { fallback, .. } => {
                    self.cx.ix.packs.tenancy().client_objects.iter().any(|o| o == fallback.as_str())
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Is it the object whose method runs, of a class of requests, asked for something that the class itself does not have?
    fn is_own_request(&self, f: FnRef, base: ExprId, name: Name) -> bool {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(f).filter(|_| ix.file(f.file).language == Language::Php) else { return false };
        let is_request = |n: &Name| ix.packs.roles(*n).iter().any(|r| r.as_str() == "request-class");
        self.is_self(f, base)
            && ix.class(class).external.iter().any(is_request)
            && ix.find_method(class, name).is_none()
            && ix.find_attr(class, name).is_none()
    }

    fn is_client_object(&self, f: FnRef, name: &str) -> bool {
        let ix = self.cx.ix;
        if ix.packs.tenancy().client_objects.iter().any(|o| o == name) {
            return true;
        }
        // A parameter whose class is one of requests.
        let decl = ix.function(f);
        decl.params.iter().filter(|p| p.name.as_str() == name).any(|p| {
            let class = p.ty.as_ref().and_then(|ty| ix.type_to_class(f.file, f.id, ty));
            class.is_some_and(|c| {
                ix.class(c).external.iter().any(|n| ix.packs.roles(*n).iter().any(|r| r.as_str() == "request-class"))
            })
        })
    }

    /// Does a global name mean whoever is signed in, or what keeps that?
    fn is_keeper(&self, name: &str) -> bool {
        self.is_identity(name) || self.cx.ix.packs.tenancy().keeper_names.iter().any(|n| n == name)
    }

    /// Does an expression name what keeps values of the server's own?
    pub(super) fn names_keeper(&self, f: FnRef, expr: ExprId) -> bool {
        match self.cx.ix.function(f).body.expr(expr) {
            Expr::Class(name) | Expr::Name(name) => self.is_keeper(name.last_segment()),
            _ => false,
        }
    }

    /// Does a name mean whoever is signed in, or the tenant that is at work?
    pub(super) fn is_identity(&self, name: &str) -> bool {
        let lists = self.cx.ix.packs.tenancy();
        if lists.user_names.iter().chain(&lists.identity_names).any(|n| n == name) {
            return true;
        }
        let lower = snake(name);
        let of = |t: &crate::index::ModelId| snake(self.cx.ix.model(*t).name.last_segment());
        ["current_", "get_current_", "active_"].iter().any(|prefix| {
            lower.strip_prefix(prefix).is_some_and(|rest| {
                let stem = rest.strip_suffix("_id").unwrap_or(rest);
                stem == "user" || stem == "tenant" || self.tenancy.tenants.iter().any(|t| of(t) == stem)
            })
        })
    }

    /// Is a value a row of the model whose rows sign in?
    pub(super) fn is_user_class(&self, class: ClassId) -> bool {
        self.cx.ix.class(class).model.is_some_and(|m| is_user(self.cx.ix, m))
    }
}

/// The values that a variable gets in a function: by assignments, loops and comprehensions.
pub(super) fn values_of(body: &Body, slot: Slot) -> Vec<ExprId> {
    let mut found = Vec::new();
    for expr in &body.exprs {
        match expr {
            Expr::Assign { target, value } | Expr::AssignIfNull { target, value, .. } | Expr::Augment { target, value, .. }
                if body.binds(*target, slot) =>
            {
                found.push(*value);
            }
            Expr::Comprehension { clauses, .. } => {
                found.extend(clauses.iter().filter(|c| body.binds(c.target, slot)).map(|c| c.iter));
            }
            _ => (),
        }
    }
    for stmt in &body.stmts {
        match stmt {
            Stmt::Loop(l) => {
                if let (Some(target), Some(iter)) = (l.target, l.iter)
                    && body.binds(target, slot)
                {
                    found.push(iter);
                }
                if let (Some(key), Some(iter)) = (l.key, l.iter)
                    && body.binds(key, slot)
                {
                    found.push(iter);
                }
            }
            Stmt::With { items, .. } => {
                found.extend(items.iter().filter(|(_, p)| p.is_some_and(|p| body.binds(p, slot))).map(|(e, _)| *e));
            }
            _ => (),
        }
    }
    found
}
