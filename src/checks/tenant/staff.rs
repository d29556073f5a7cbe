//! Is code only for those who look after the whole installation? Decorators, permission classes, mixins and dependencies say so.

use std::collections::BTreeSet;

use super::View;
use super::calls::own_functions;
use crate::base::{Name, Range};
use crate::facts::{BinaryOp, Expr, ExprId, FnKind, Language, Stmt};
use crate::index::{ClassId, FnRef, Symbol};

impl View<'_, '_> {
    /// Does what stands before a function or its class let in only the staff of the installation?
    pub(super) fn is_for_staff(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        if ix.file(f.file).language != Language::Python {
            return false;
        }
        let decl = ix.function(outer);
        let Some(parent) = decl.parent else {
            return false;
        };
        let around = FnRef { file: outer.file, id: parent };
        if decl.decorators.iter().any(|d| self.lets_in_staff(around, *d, None)) {
            return true;
        }
        let defaults = decl.params.iter().filter_map(|p| p.default);
        if defaults.filter(|d| matches!(decl.body.expr(*d), Expr::Call { .. })).any(|d| self.injects_staff(outer, d)) {
            return true;
        }
        ix.class_of_function(outer).is_some_and(|class| self.is_staff_class(class, decl.name))
    }

    /// Does a class let in only staff to its method of that name?
    fn is_staff_class(&self, class: ClassId, method: Name) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        if ix.class(class).external.iter().any(|n| lists.staff_guards.iter().any(|g| g == n.as_str())) {
            return true;
        }
        for owner in &ix.class(class).mro {
            let decl = ix.class_decl(*owner);
            let scope = FnRef { file: ix.class(*owner).file, id: decl.scope };
            if decl.decorators.iter().any(|d| self.lets_in_staff(scope, *d, Some(method))) {
                return true;
            }
        }
        for name in &lists.permission_attributes {
            let Some((owner, at)) = ix.find_attr(class, Name::new(name)) else { continue };
            let decl = ix.class_decl(owner);
            let scope = FnRef { file: ix.class(owner).file, id: decl.scope };
            let Some(value) = decl.attrs[at].value else { continue };
            let body = &ix.function(scope).body;
            if let Expr::Seq { items, .. } = body.expr(value)
                && items.iter().any(|i| self.names_staff(scope, body.range(i.value)))
            {
                return true;
            }
        }
        let hooks = lists.entry_hooks.iter().filter_map(|h| ix.find_method(class, Name::new(h)));
        hooks.into_iter().any(|(_, f)| self.asks_for_staff(&[f]))
    }

    /// Does a decorator let in only staff? One of a class may be meant for one method only.
    fn lets_in_staff(&self, at: FnRef, decorator: ExprId, method: Option<Name>) -> bool {
        let body = &self.cx.ix.function(at).body;
        if let (Some(method), Expr::Call { args, .. }) = (method, body.expr(decorator)) {
            let hooks = &self.cx.ix.packs.tenancy().entry_hooks;
            let other = args.iter().any(|a| match (a.name.map(|n| n.as_str() == "name"), body.expr(a.value)) {
                (Some(true), Expr::Str(text)) => *text != method && !hooks.iter().any(|h| h == text.as_str()),
                _ => false,
            });
            if other {
                return false;
            }
        }
        self.names_staff(at, body.range(decorator))
    }

    /// Is a default of a parameter a dependency that lets in only staff?
    fn injects_staff(&self, at: FnRef, default: ExprId) -> bool {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        let Expr::Call { callee, args } = body.expr(default) else { return false };
        let Symbol::External(name) = ix.symbol_of(at, *callee) else { return false };
        ix.packs.function(name).is_some_and(|op| op.injects)
            && args.first().is_some_and(|a| self.names_staff(at, body.range(a.value)))
    }

    /// Does one of the names in a range mean what lets in only staff? Beside an alternative it does not.
    fn names_staff(&self, at: FnRef, range: Range) -> bool {
        let ix = self.cx.ix;
        let guards = &ix.packs.tenancy().staff_guards;
        let body = &ix.function(at).body;
        let inside = |r: Range| range.contains(r);
        let alternatives: Vec<Range> = body
            .exprs
            .iter()
            .enumerate()
            .filter(|(i, e)| {
                inside(body.ranges[*i]) && matches!(e, Expr::Or(..) | Expr::Binary { op: BinaryOp::BitOr, .. } | Expr::Not(_))
            })
            .map(|(i, _)| body.ranges[i])
            .collect();
        body.exprs.iter().enumerate().any(|(i, e)| {
            let place = body.ranges[i];
            if !inside(place) || alternatives.iter().any(|a| a.contains(place)) {
                return false;
            }
            match e {
                Expr::Closure(inner) => self.asks_for_staff(&[FnRef { file: at.file, id: *inner }]),
                Expr::Name(_) | Expr::Attr { .. } | Expr::Local(_) => match ix.symbol_of(at, ExprId(i as u32)) {
                    Symbol::External(full) => guards.iter().any(|g| g == full.as_str()),
                    Symbol::Function(f) => self.asks_for_staff(&self.with_inner(f)),
                    Symbol::Class(c) => {
                        let hooks = ix.packs.tenancy().entry_hooks.iter().filter_map(|h| ix.find_method(c, Name::new(h)));
                        let asking: Vec<FnRef> = hooks.map(|(_, f)| f).collect();
                        ix.class(c).external.iter().any(|n| guards.iter().any(|g| g == n.as_str()))
                            || asking.iter().any(|f| self.asks_for_staff(&[*f]))
                    }
                    _ => false,
                },
                _ => false,
            }
        })
    }

    /// A function and those that stand in it.
    fn with_inner(&self, f: FnRef) -> Vec<FnRef> {
        let range = self.cx.ix.function(f).range;
        let inside = |d: &Range| range.start <= d.start && d.end <= range.end;
        own_functions(self.cx.ix).filter(|(at, d)| at.file == f.file && inside(&d.range)).map(|(at, _)| at).collect()
    }

    /// Do functions ask whether somebody is of the staff, and nothing that could let in others?
    fn asks_for_staff(&self, functions: &[FnRef]) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let mut found = false;
        for f in functions {
            let decl = ix.function(*f);
            let body = &decl.body;
            let staff: BTreeSet<ExprId> = (0..body.exprs.len() as u32)
                .map(ExprId)
                .filter(|e| matches!(body.expr(*e), Expr::Attr { name, .. } if lists.staff_attributes.iter().any(|s| s == name.as_str())))
                .collect();
            let speaks = |e: ExprId| staff.iter().any(|s| body.range(e).contains(body.range(*s)));
            let is_plain = |e: ExprId| {
                let names = |n: &Name| lists.signed_in_attributes.iter().any(|s| s == n.as_str());
                body.exprs
                    .iter()
                    .enumerate()
                    .any(|(i, x)| matches!(x, Expr::Attr { name, .. } if names(name)) && body.range(e).contains(body.ranges[i]))
            };
            for expr in &body.exprs {
                // Another way in.
                if let Expr::Or(a, b) = expr
                    && speaks(*a) != speaks(*b)
                    && !is_plain(*a)
                    && !is_plain(*b)
                {
                    return false;
                }
            }
            for stmt in &body.stmts {
                match stmt {
                    Stmt::If { cond, .. } if !speaks(*cond) && !is_plain(*cond) => return false,
                    Stmt::Return(Some(e)) => {
                        let is_constant = matches!(
                            body.expr(*e),
                            Expr::Bool(_) | Expr::Null | Expr::Call { .. } | Expr::Closure(_) | Expr::Local(_)
                        );
                        if !is_constant && !speaks(*e) {
                            return false;
                        }
                    }
                    _ => (),
                }
            }
            found |= !staff.is_empty() && decl.kind != FnKind::File;
        }
        found
    }
}
