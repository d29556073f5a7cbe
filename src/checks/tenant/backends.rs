//! What do classes of views leave to others: filters that the settings name for all of them, and permissions that are asked for
//! each row that is fetched?

use std::cell::OnceCell;

use super::View;
use super::calls::own_functions;
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnKind, Language, Pat, Stmt};
use crate::flow::Execution;
use crate::index::models::snake;
use crate::index::{ClassId, FnRef, Symbol};

/// The classes that settings name as filters of all views. Filled when first asked.
#[derive(Default)]
pub(super) struct Backends {
    global: OnceCell<Vec<ClassId>>,
}

impl View<'_, '_> {
    /// Does the query of a class of views pass filters that limit it to the tenant?
    pub(super) fn is_filtered_by_backend(&self, execution: &Execution) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let outer = self.outermost(execution.owner);
        let Some(class) = ix.class_of_function(outer).filter(|c| self.has_limiting_backend(*c)) else {
            return false;
        };
        let is_handed_in = |f: FnRef| {
            ix.function(f).body.exprs.iter().any(|e| match e {
                Expr::Call { callee, .. } => match ix.function(f).body.expr(*callee) {
                    Expr::Attr { base, name, .. } => {
                        self.is_self(f, *base)
                            && (lists.filter_hooks.iter().any(|h| h == name.as_str())
                                || lists.checked_fetches.iter().any(|h| h == name.as_str()))
                    }
                    _ => false,
                },
                _ => false,
            })
        };
        let narrows = ix.packs.word_in_language(Name::new("python"), "viewset-narrows-by");
        let name = ix.function(outer).name;
        // What gives the query to the class is sent by the class's own methods, or by those that call it.
        lists.checked_fetches.iter().any(|m| m == execution.method.as_str())
            || narrows.is_some_and(|names| names.has_word(name.as_str()))
                && !self
                    .callers(outer)
                    .iter()
                    .any(|(at, _)| ix.class_of_function(*at) == Some(class) && !is_handed_in(self.outermost(*at)))
            || is_handed_in(outer)
    }

    /// Has a class of views a filter that names the tenant: one of its own, or of the settings?
    pub(super) fn has_limiting_backend(&self, class: ClassId) -> bool {
        let ix = self.cx.ix;
        let is_view = ix.class(class).external.iter().any(|n| {
            ix.packs.roles(*n).iter().any(|r| matches!(r.as_str(), "viewset" | "list-view" | "detail-view" | "viewset-list"))
        });
        if !is_view {
            return false;
        }
        for name in &ix.packs.tenancy().filter_attributes {
            if let Some((owner, at)) = ix.find_attr(class, Name::new(name)) {
                let decl = ix.class_decl(owner);
                let scope = FnRef { file: ix.class(owner).file, id: decl.scope };
                let Some(value) = decl.attrs[at].value else { return false };
                return self.classes_in(scope, value).into_iter().any(|c| self.limits_to_tenant(c));
            }
        }
        self.services.backends.global.get_or_init(|| self.read_backends()).iter().any(|c| self.limits_to_tenant(*c))
    }

    /// The classes that an expression names.
    pub(super) fn classes_in(&self, at: FnRef, value: ExprId) -> Vec<ClassId> {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        let range = body.range(value);
        let inside = |i: &usize| range.contains(body.ranges[*i]);
        let named = (0..body.exprs.len()).filter(inside).filter_map(|i| match &body.exprs[i] {
            Expr::Str(text) => Some(ix.resolve_absolute(at.file, text.as_str())),
            Expr::Name(_) | Expr::Attr { .. } | Expr::Local(_) => Some(ix.symbol_of(at, ExprId(i as u32))),
            _ => None,
        });
        named.filter_map(|s| if let Symbol::Class(c) = s { Some(c) } else { None }).collect()
    }

    fn read_backends(&self) -> Vec<ClassId> {
        let ix = self.cx.ix;
        let settings = &ix.packs.tenancy().filter_settings;
        let mut found = Vec::new();
        for (at, decl) in own_functions(ix) {
            if decl.kind != FnKind::File || ix.file(at.file).language != Language::Python {
                continue;
            }
            for expr in &decl.body.exprs {
                let Expr::Map(entries) = expr else { continue };
                for (key, item) in entries {
                    if let Some(Expr::Str(text)) = key.map(|k| decl.body.expr(k))
                        && settings.iter().any(|s| s == text.as_str())
                    {
                        found.extend(self.classes_in(at, item.value));
                    }
                }
            }
        }
        found
    }

    /// Does a class of filters add a condition, and name the tenant or whoever is signed in?
    fn limits_to_tenant(&self, class: ClassId) -> bool {
        let ix = self.cx.ix;
        let tenants: Vec<String> = self.tenancy.tenants.iter().map(|t| snake(ix.model(*t).name.last_segment())).collect();
        let speaks = |name: &str| {
            self.is_identity(name)
                || name.split("__").any(|p| self.tenancy.columns.contains(&Name::new(p)))
                || tenants.iter().any(|t| name.to_lowercase().contains(t.as_str()))
        };
        ix.packs.tenancy().filter_hooks.iter().filter_map(|h| ix.find_method(class, Name::new(h))).any(|(_, f)| {
            let exprs = &ix.function(f).body.exprs;
            exprs.iter().any(|e| match e {
                Expr::Attr { name, .. } | Expr::Name(name) => speaks(name.as_str()),
                Expr::Call { args, .. } => args.iter().any(|a| a.name.is_some_and(|n| speaks(n.as_str()))),
                _ => false,
            })
        })
    }

    /// Are rows that a class of views fetches shown to a permission of the program's own?
    pub(super) fn is_shown_to_permission(&self, execution: &Execution) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let outer = self.outermost(execution.owner);
        let Some(class) = ix.class_of_function(outer) else {
            return false;
        };
        let fetches = lists.checked_fetches.iter().any(|m| m == execution.method.as_str());
        let is_source = ix
            .packs
            .word_in_language(Name::new("python"), "viewset-narrows-by")
            .is_some_and(|names| names.has_word(ix.function(outer).name.as_str()));
        if !fetches && !is_source {
            return false;
        }
        self.asks_for_rows(class)
    }

    /// Has a class of views a permission of the program's own that is asked for each row?
    pub(super) fn asks_for_rows(&self, class: ClassId) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        lists.permission_attributes.iter().any(|name| {
            let Some((owner, at)) = ix.find_attr(class, Name::new(name)) else { return false };
            let decl = ix.class_decl(owner);
            let scope = FnRef { file: ix.class(owner).file, id: decl.scope };
            let Some(value) = decl.attrs[at].value else { return false };
            self.classes_in(scope, value)
                .into_iter()
                .any(|c| lists.row_hooks.iter().any(|h| ix.find_method(c, Name::new(h)).is_some()))
        })
    }

    /// Does a statement stand in what decides whether a request goes on? What it finds is asked there.
    pub(super) fn is_in_permission(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let name = ix.function(self.outermost(f)).name;
        let is_hook = |list: &[String]| list.iter().any(|h| h == name.as_str());
        ix.class_of_function(f).is_some() && (is_hook(&lists.entry_hooks) || is_hook(&lists.row_hooks))
    }

    /// Is the row that a statement finds given to what whoever is signed in may do, to refuse it or go on?
    pub(super) fn is_judged(&self, execution: &Execution) -> bool {
        let f = execution.owner;
        let body = &self.cx.ix.function(f).body;
        let Some(call) = self.expr_at(f, execution.site) else {
            return false;
        };
        let held = match body.expr(call) {
            Expr::Assign { target, .. } => match body.pat(*target) {
                Pat::Local(slot) => Some(*slot),
                _ => None,
            },
            _ => self.held_by(f, call),
        };
        let Some(slot) = held else {
            return false;
        };
        let asks = |cond: ExprId| {
            let range = body.range(cond);
            body.exprs.iter().enumerate().any(|(i, e)| {
                let place = body.ranges[i];
                let Expr::Call { callee, args } = e else { return false };
                let base = match body.expr(*callee) {
                    Expr::Attr { base, .. } => Some(*base),
                    _ => None,
                };
                range.contains(place)
                    && args.iter().any(|a| *body.expr(a.value) == Expr::Local(slot))
                    && (base.is_some_and(|b| self.origin(f, b).user) || args.iter().any(|a| self.origin(f, a.value).user))
            })
        };
        body.stmts.iter().any(|s| matches!(s, Stmt::If { cond, .. } if asks(*cond)))
    }

    /// Does a class answer with one row that is named by a secret?
    pub(super) fn finds_by_secret(&self, class: ClassId) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let lists_rows = ix
            .class(class)
            .external
            .iter()
            .any(|n| ix.packs.roles(*n).iter().any(|r| matches!(r.as_str(), "viewset-list" | "list-view")));
        !lists_rows
            && lists.lookup_attributes.iter().any(|name| {
                let Some((owner, at)) = ix.find_attr(class, Name::new(name)) else { return false };
                let decl = ix.class_decl(owner);
                let body = &ix.function(FnRef { file: ix.class(owner).file, id: decl.scope }).body;
                match decl.attrs[at].value.map(|v| body.expr(v)) {
                    Some(Expr::Str(text)) => {
                        let last = text.as_str().rsplit('_').next().unwrap_or_default();
                        lists.secret_names.iter().any(|s| s == last)
                    }
                    _ => false,
                }
            })
    }

    /// Is a class of views named nowhere, so that no route leads to it?
    pub(super) fn is_unnamed_view(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        let Some(class) = ix.class_of_function(outer) else {
            return false;
        };
        let data = ix.class(class);
        let is_view = data.external.iter().any(|n| {
            ix.packs.roles(*n).iter().any(|r| matches!(r.as_str(), "viewset" | "list-view" | "detail-view" | "view-class"))
        });
        is_view
            && ix.file(f.file).language == Language::Python
            && data.descendants.is_empty()
            && !self.cx.flow.handlers.contains(&outer)
            && self.has_routes(f.file)
            && self.mentioned(Name::new(data.name.last_segment())) == 0
    }

    /// Does another file than this name paths of routes?
    fn has_routes(&self, here: FileId) -> bool {
        let ix = self.cx.ix;
        let calls = &ix.packs.tenancy().route_calls;
        own_functions(ix).any(|(at, decl)| {
            at.file != here
                && decl.kind == FnKind::File
                && decl.body.exprs.iter().any(|e| match e {
                    Expr::Call { callee, .. } => {
                        matches!(decl.body.expr(*callee), Expr::Name(n) if calls.iter().any(|c| c == n.as_str()))
                    }
                    _ => false,
                })
        })
    }
}
