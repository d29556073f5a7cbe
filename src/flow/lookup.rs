//! Is what follows looked up first, and kept where it was looked up? Then it runs once per key.

use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::{Arg, Body, Expr, ExprId, Pat, Stmt, StmtId};

/// Expressions are searched this deep.
const MAX_DEPTH: usize = 6;

/// A method call: what it is called on, its name, its arguments.
type MethodCall<'a> = (ExprId, Name, &'a [Arg]);

impl<'a> Engine<'a> {
    /// `if ($store->has($key)) return $store->get($key);`, or `if ($known) return $known;` of a value that was asked of a store
    /// which the function fills under the same key further down.
    pub(super) fn is_lookup(&self, fr: &Frame<'a>, cond: ExprId, then: &'a [StmtId]) -> bool {
        let body = fr.body;
        let Some(Stmt::Return(Some(given))) = then.last().map(|s| body.stmt(*s)) else { return false };
        let words = |key: &str| {
            let text = self.ix.packs.word_in_language(self.language(fr), key);
            text.map_or("", Name::as_str)
        };
        let is_word = |text: &'static str, name: Name| text.split_whitespace().any(|w| w == name.as_str());
        let mut calls = Vec::new();
        calls_in(body, cond, &mut calls, 0);
        let tested = calls.iter().filter(|(_, name, _)| is_word(words("store-tests"), *name)).map(|c| c.0);
        let mut read = Vec::new();
        calls_in(body, *given, &mut read, 0);
        for store in tested {
            let is_read = read.iter().any(|(base, name, _)| same(body, *base, store) && is_word(words("store-reads"), *name));
            let is_shared = matches!(body.expr(store), Expr::Class(class) if is_word(words("store-classes"), *class));
            let is_filled =
                || self.method_calls(body).any(|(base, name, _)| same(body, base, store) && is_word(words("store-writes"), name));
            if is_read && (is_shared || is_filled()) {
                return true;
            }
        }
        // What is given may be a part of what was found.
        let mut found = *given;
        while let Expr::Attr { base, .. } = body.expr(found) {
            found = *base;
        }
        let Expr::Local(slot) = body.expr(found) else { return false };
        let tests =
            body.exprs.iter().enumerate().any(|(i, e)| {
                matches!(e, Expr::Local(s) if s == slot) && body.range(cond).contains(body.range(ExprId(i as u32)))
            });
        let asked = body.exprs.iter().find_map(|e| match e {
            Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(*slot) => method_call(body, *value),
            _ => None,
        });
        let (true, Some((store, method, [key, ..]))) = (tests, asked) else { return false };
        let is_place = matches!(body.expr(store), Expr::Local(_) | Expr::Class(_) | Expr::This | Expr::Attr { .. });
        let is_kept = |e: &Expr| match e {
            Expr::Assign { target, .. } => match body.pat(*target) {
                Pat::Index { base, index: Some(at) } => same(body, *base, store) && same(body, *at, key.value),
                _ => false,
            },
            _ => false,
        };
        is_place && method.as_str() == "get" && body.exprs.iter().any(is_kept)
            || is_place
                && self.method_calls(body).any(|(base, name, args)| {
                    let writes = words("store-writes").split_whitespace().any(|w| name.as_str().starts_with(w));
                    name != method && writes && args.len() > 1 && same(body, base, store) && same(body, args[0].value, key.value)
                })
    }

    fn method_calls(&self, body: &'a Body) -> impl Iterator<Item = MethodCall<'a>> {
        (0..body.exprs.len() as u32).filter_map(|i| method_call(body, ExprId(i)))
    }

    /// `$this->load('tags')`: does a method of a row load the relation of this name?
    pub(super) fn loads_field(&self, fr: &Frame<'a>, method: Name, args: &[Arg], field: Name) -> bool {
        let loads =
            self.ix.packs.op_in_language(self.language(fr), Name::new("row"), method).is_some_and(|op| op.loads.is_some());
        loads && args.first().is_some_and(|a| *fr.body.expr(a.value) == Expr::Str(field))
    }

    /// Is it the object whose method runs?
    pub(super) fn is_receiver(&self, fr: &Frame<'a>, e: ExprId) -> bool {
        match fr.body.expr(e) {
            Expr::This => true,
            Expr::Local(slot) => self.takes_receiver(fr.f) && fr.decl.params.first().is_some_and(|p| p.slot == *slot),
            _ => false,
        }
    }

    /// Does a method of the object itself put something into a field of it?
    pub(super) fn fills_field(&self, fr: &Frame<'a>, method: Name, field: Name) -> bool {
        let Some((_, f)) = fr.class.and_then(|c| self.ix.find_method(c, method)) else { return false };
        let body = &self.ix.function(f).body;
        body.exprs.iter().any(|e| match e {
            Expr::Assign { target, .. } | Expr::AssignIfNull { target, .. } => match body.pat(*target) {
                Pat::Attr { name, .. } => *name == field,
                Pat::Index { base, .. } => matches!(body.expr(*base), Expr::Attr { name, .. } if *name == field),
                _ => false,
            },
            _ => false,
        })
    }
}

fn method_call(body: &Body, e: ExprId) -> Option<MethodCall<'_>> {
    let Expr::Call { callee, args } = body.expr(e) else { return None };
    match body.expr(*callee) {
        Expr::Attr { base, name, .. } => Some((*base, *name, args)),
        _ => None,
    }
}

/// The method calls that an expression is made of.
fn calls_in<'a>(body: &'a Body, e: ExprId, found: &mut Vec<MethodCall<'a>>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(call) = method_call(body, e) {
        found.push(call);
        calls_in(body, call.0, found, depth + 1);
        return;
    }
    match body.expr(e) {
        Expr::Not(inner)
        | Expr::Same(inner)
        | Expr::Await(inner)
        | Expr::Attr { base: inner, .. }
        | Expr::Scalar(Some(inner)) => {
            calls_in(body, *inner, found, depth + 1);
        }
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Coalesce(a, b) => {
            calls_in(body, *a, found, depth + 1);
            calls_in(body, *b, found, depth + 1);
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| calls_in(body, arg.value, found, depth + 1)),
        _ => (),
    }
}

/// Do two expressions write the same simple thing?
fn same(body: &Body, a: ExprId, b: ExprId) -> bool {
    match (body.expr(a), body.expr(b)) {
        (Expr::Attr { base: x, name: n, .. }, Expr::Attr { base: y, name: m, .. }) => n == m && same(body, *x, *y),
        (Expr::Local(x), Expr::Local(y)) => x == y,
        (Expr::Class(x), Expr::Class(y)) => x == y,
        (Expr::Str(x), Expr::Str(y)) => x == y,
        (Expr::This, Expr::This) => true,
        _ => false,
    }
}
