//! Does the request itself name the host that a client is built for?
//!
//! Such a client has no next request to be kept for: a download from an address that a user gives, a test of a connection that
//! is about to be stored. The host is what an address begins with, so only that part is followed.

use crate::checks::CheckContext;
use crate::facts::{Arg, Body, Expr, ExprId, FnKind, Language, Pat, PatId, Slot, Spread, Stmt};
use crate::flow::Event;
use crate::index::FnRef;

/// Values are followed this far.
const MAX_STEPS: usize = 12;

/// Do all calls on the client that an event builds go to addresses that begin with what the request says?
pub(super) fn are_told(cx: &CheckContext<'_>, event: &Event) -> bool {
    let Some(entry) = event.entry else { return false };
    let walk = Walk { cx, event, entry };
    let body = &cx.ix.function(event.owner).body;
    let is_client = |e: ExprId| body.range(e) == event.site.range;
    let Some(slot) = body
        .stmts
        .iter()
        .find_map(|s| match s {
            Stmt::With { items, .. } => items.iter().find(|(e, _)| is_client(*e)).and_then(|(_, target)| local(body, (*target)?)),
            _ => None,
        })
        .or_else(|| {
            body.exprs.iter().find_map(|e| match e {
                Expr::Assign { target, value } if is_client(*value) => local(body, *target),
                _ => None,
            })
        })
    else {
        return false;
    };
    let mut any = false;
    for e in &body.exprs {
        let Expr::Call { callee, args } = e else { continue };
        let Expr::Attr { base, .. } = body.expr(*callee) else { continue };
        if *body.expr(*base) != Expr::Local(slot) {
            continue;
        }
        // `client.request("GET", url)`
        let is_verb = |a: &Arg| matches!(body.expr(a.value), Expr::Str(s) if s.as_str().bytes().all(|b| b.is_ascii_uppercase()));
        let Some(address) = args.iter().find(|a| !is_verb(a)) else { continue };
        if !walk.is_told(0, event.owner, address.value, 0) {
            return false;
        }
        any = true;
    }
    any
}

fn local(body: &Body, pat: PatId) -> Option<Slot> {
    match body.pat(pat) {
        Pat::Local(slot) => Some(*slot),
        _ => None,
    }
}

struct Walk<'c, 'a> {
    cx: &'c CheckContext<'a>,
    event: &'c Event,
    entry: FnRef,
}

impl Walk<'_, '_> {
    /// Does a value come from a parameter of the entry point? The function stands `level` calls above the construction.
    fn is_told(&self, level: usize, f: FnRef, e: ExprId, depth: usize) -> bool {
        if depth > MAX_STEPS {
            return false;
        }
        let body = &self.cx.ix.function(f).body;
        let next = |e: ExprId| self.is_told(level, f, e, depth + 1);
        match body.expr(e) {
            Expr::Local(slot) => self.is_told_in(level, f, *slot, depth),
            Expr::Interpolated(parts) => parts.first().is_some_and(|p| next(*p)),
            Expr::Binary { left, .. } => next(*left),
            Expr::Attr { base, .. } | Expr::Index { base, .. } => next(*base),
            Expr::Same(inner) | Expr::Or(inner, _) | Expr::Coalesce(inner, _) => next(*inner),
            // `url.rstrip("/")`, `data.get("url")`, `str(url)`
            Expr::Call { callee, args } => match body.expr(*callee) {
                Expr::Attr { base, .. } => next(*base),
                Expr::Name(_) if args.len() == 1 => args.first().is_some_and(|a| next(a.value)),
                _ => false,
            },
            _ => false,
        }
    }

    fn is_told_in(&self, level: usize, f: FnRef, slot: Slot, depth: usize) -> bool {
        let decl = self.cx.ix.function(f);
        let body = &decl.body;
        let mut values = body.exprs.iter().filter_map(|e| match e {
            // What is empty at first is no address.
            Expr::Assign { value, .. } if *body.expr(*value) == Expr::Null => None,
            Expr::Assign { value, .. } if matches!(body.expr(*value), Expr::Str(s) if s.as_str().is_empty()) => None,
            Expr::Assign { target, value } if local(body, *target) == Some(slot) => Some(*value),
            _ => None,
        });
        if let Some(first) = values.next() {
            return self.is_told(level, f, first, depth + 1) && values.all(|e| self.is_told(level, f, e, depth + 1));
        }
        let Some(at) = decl.params.iter().position(|p| p.slot == slot) else { return false };
        if f == self.entry {
            let injected = decl.params[at].default.is_some_and(|d| self.is_injected(f, d));
            return !injected && decl.params[at].decorators.is_empty();
        }
        let Some((caller, args)) = self.call_above(level) else { return false };
        let is_method = decl.kind == FnKind::Method && !decl.is_static && self.cx.ix.file(f.file).language == Language::Python;
        let Some(position) = at.checked_sub(usize::from(is_method)) else { return false };
        let named = args.iter().find(|a| a.name == Some(decl.params[at].name));
        let plain = args.iter().filter(|a| a.spread == Spread::No && a.name.is_none()).nth(position);
        named.or(plain).is_some_and(|a| self.is_told(level + 1, caller, a.value, depth + 1))
    }

    /// Does the framework fill the parameter by calling something?
    fn is_injected(&self, f: FnRef, default: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        let Expr::Call { callee, .. } = body.expr(default) else { return false };
        let name = self.cx.named(f, *callee);
        matches!(name, crate::index::Symbol::External(n) if self.cx.ix.packs.function(n).is_some_and(|op| op.injects))
    }

    /// The function that calls the one at this level, and what it gives.
    fn call_above(&self, level: usize) -> Option<(FnRef, &[Arg])> {
        let at = *self.event.path.get(level)?;
        let caller = self.cx.function_at(at)?;
        let (_, args) = super::given::call_at(&self.cx.ix.function(caller).body, at.range)?;
        Some((caller, args))
    }
}
