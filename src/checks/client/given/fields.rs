//! What do fields of the object whose method builds a client hold?

use super::{Given, MAX_STEPS, Walk, Way, root_of};
use crate::base::Name;
use crate::facts::{Expr, ExprId, Pat};
use crate::index::{ClassId, FnRef, Symbol};

impl Walk<'_, '_> {
    /// The object on which a method runs.
    pub(super) fn receiver(&mut self, way: usize, f: FnRef, depth: usize) {
        if depth > MAX_STEPS {
            return;
        }
        let Some((next, caller, callee, _)) = self.call_of(way) else { return };
        let body = &self.cx.ix.function(caller).body;
        if let Expr::Attr { base, .. } = body.expr(callee)
            && !matches!(self.cx.ix.function(f).name.as_str(), "__init__" | "__construct")
        {
            match body.expr(*base) {
                Expr::Call { callee: inner, .. } if matches!(body.expr(*inner), Expr::Name(n) if n.as_str() == "super") => {
                    self.receiver(next, caller, depth + 1);
                }
                _ => self.expr(next, caller, *base, depth + 1),
            }
        }
    }

    pub(super) fn is_receiver(&self, f: FnRef, e: ExprId) -> bool {
        let decl = self.cx.ix.function(f);
        match decl.body.expr(e) {
            Expr::This => true,
            Expr::Local(slot) => self.takes_receiver(f) && decl.params.first().is_some_and(|p| p.slot == *slot),
            Expr::Class(name) => matches!(name.as_str(), "self" | "static" | "parent"),
            _ => false,
        }
    }

    pub(super) fn attr(&mut self, way: usize, f: FnRef, e: ExprId, base: ExprId, name: Name, depth: usize) {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        if self.is_receiver(f, base)
            && let Some(class) = ix.class_of_function(f)
        {
            self.field(way, f, class, name, depth);
            // Of the object itself only one thing matters: is it another at each turn?
            let before = self.given;
            self.receiver(way, f, depth);
            self.given = Given { turn: self.given.turn, ..before };
            return;
        }
        match self.cx.named(f, e) {
            Symbol::Unknown => {}
            Symbol::External(full) => {
                if self.is_request(full) {
                    self.given.unknown = true;
                }
                // A local variable is not what it may be called after.
                if !matches!(root_of(body, base), Expr::Local(_)) {
                    return;
                }
            }
            Symbol::Class(class) => return self.class(class),
            _ => return,
        }
        self.expr(way, f, base, depth);
    }

    /// A field of the object itself.
    pub(super) fn field(&mut self, way: usize, f: FnRef, class: ClassId, name: Name, depth: usize) {
        let ix = self.cx.ix;
        if ix.class(class).model.is_some() {
            self.given.data = true;
            return;
        }
        if let Some((_, g)) = ix.find_method(class, name) {
            // A property, on the same object.
            return self.returned(way, g, depth + 1);
        }
        let mut found = ix.find_attr(class, name).is_some_and(|(owner, i)| ix.class_decl(owner).attrs[i].value.is_some());
        let own: Vec<ClassId> = ix.class(class).mro.clone();
        for c in own {
            let file = ix.class(c).file;
            for m in &ix.class_decl(c).methods {
                let m = FnRef { file, id: *m };
                let decl = ix.function(m);
                let promoted = decl.params.iter().position(|p| p.promoted && p.name == name);
                let stored: Vec<ExprId> = decl
                    .body
                    .exprs
                    .iter()
                    .filter_map(|e| match e {
                        Expr::Assign { target, value } | Expr::AssignIfNull { target, value, .. } => {
                            matches!(decl.body.pat(*target), Pat::Attr { base, name: n } if *n == name && self.is_receiver(m, *base))
                                .then_some(*value)
                        }
                        _ => None,
                    })
                    .collect();
                if stored.is_empty() && promoted.is_none() {
                    continue;
                }
                found = true;
                let at = self.way_of_method(way, f, m);
                for value in stored {
                    self.expr(at, m, value, depth + 1);
                }
                if let Some(i) = promoted {
                    self.param(at, m, i, depth + 1);
                }
            }
        }
        if !found {
            self.given.unknown = true;
        }
    }

    /// How another method of the same object was called: on the way itself, or where the object was made.
    pub(super) fn way_of_method(&mut self, way: usize, f: FnRef, method: FnRef) -> usize {
        if f == method {
            return way;
        }
        let on_path = self.level_of(method);
        if on_path != 1 {
            return on_path;
        }
        if !matches!(self.cx.ix.function(method).name.as_str(), "__init__" | "__construct") {
            return 1;
        }
        let Some((mut next, mut caller, mut callee, _)) = self.call_of(way) else { return 1 };
        for _ in 0..MAX_STEPS {
            let body = &self.cx.ix.function(caller).body;
            let Expr::Attr { base, .. } = body.expr(callee) else { return 1 };
            if self.is_receiver(caller, *base) {
                match self.call_of(next) {
                    Some((n, c, e, _)) => (next, caller, callee) = (n, c, e),
                    None => return 1,
                }
                continue;
            }
            let made = |e: ExprId| matches!(body.expr(e), Expr::Call { .. } | Expr::New { .. }).then_some(e);
            let call = match body.expr(*base) {
                Expr::Local(slot) => body.exprs.iter().find_map(|e| match e {
                    Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(*slot) => made(*value),
                    _ => None,
                }),
                _ => made(*base),
            };
            return match call {
                Some(call) => self.way(Way::Called { way: next, caller, call }),
                None => 1,
            };
        }
        1
    }
}
