//! Was the key that the client gives checked before: by the route, a decorator, a permission class, or a service?

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::View;
use super::area::Area;
use super::calls::own_functions;
use super::origin::Key;
use crate::base::{FileId, Name, Range};
use crate::facts::{Arg, Body, Expr, ExprId, Language, Slot};
use crate::flow::Execution;
use crate::index::models::snake;
use crate::index::{ClassId, FnRef, ModelId, ProjectIndex, Symbol};

/// An application with more routes than this names its handlers there.
const FEW_ROUTES: usize = 5;

/// Registrations of handlers, by class and method.
type Routes = BTreeMap<(ClassId, Option<Name>), Vec<Route>>;

/// What the places that register handlers say of them.
#[derive(Default)]
pub(super) struct Guards {
    routes: OnceCell<Routes>,
    panel: OnceCell<bool>,
    /// How many statements on rows of tenants each file sends, with the tenant's condition and in all.
    pub(super) asked: OnceCell<BTreeMap<FileId, (usize, usize)>>,
    /// For whom functions run.
    pub(super) areas: RefCell<FxHashMap<FnRef, Area>>,
}

/// What one registration says.
#[derive(Clone, Default)]
struct Route {
    /// Parameters whose row a gate or policy checks.
    checked: BTreeSet<Name>,
    /// Only for those who look after all tenants.
    is_admin: bool,
}

/// A part of a file of routes with what its middleware says.
struct Region {
    range: Range,
    checked: Vec<Name>,
    is_admin: bool,
}

impl View<'_, '_> {
    /// Was one of these keys checked before the statement?
    pub(super) fn is_guarded(&self, execution: &Execution, model: Option<ModelId>, keys: &[Key]) -> bool {
        keys.iter().any(|key| key.is_address && self.is_guarded_by_route(key) || self.is_checked_before(key, model, execution))
    }

    /// Does the route, or what decorates the handler, check the row of a parameter?
    pub(super) fn is_guarded_by_route(&self, key: &Key) -> bool {
        self.route_checks(key) || self.decorators_name(key)
    }

    /// Is a function only for those who look after all tenants?
    pub(super) fn is_for_admins(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        let Some(class) = ix.class_of_function(outer) else {
            return false;
        };
        let is_panel = ix.sources.file(f.file).path.split('/').any(|p| ix.packs.tenancy().panel_folders.iter().any(|w| w == p));
        if is_panel && self.has_closed_panel() {
            return true;
        }
        let name = ix.function(outer).name;
        let routes = self.routes_of(class, name);
        !routes.is_empty() && routes.iter().all(|r| r.is_admin)
    }

    /// Does the class around a function say that anybody may ask it?
    pub(super) fn is_public(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let Some(class) = ix.class_of_function(self.outermost(f)) else {
            return false;
        };
        lists.permission_attributes.iter().any(|name| {
            let Some((owner, at)) = ix.find_attr(class, Name::new(name)) else { return false };
            let decl = ix.class_decl(owner);
            let body = &ix.function(FnRef { file: ix.class(owner).file, id: decl.scope }).body;
            let Some(Expr::Seq { items, .. }) = decl.attrs[at].value.map(|v| body.expr(v)) else { return false };
            items.iter().any(|i| match body.expr(i.value) {
                Expr::Name(n) | Expr::Attr { name: n, .. } => lists.public_permissions.iter().any(|p| p == n.as_str()),
                _ => false,
            })
        })
    }

    /// Does the user's class say who may enter the panel, and know no tenants in it?
    fn has_closed_panel(&self) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        *self.guards.panel.get_or_init(|| {
            let users: Vec<ClassId> =
                (0..ix.classes.len()).map(|i| ClassId(i as u32)).filter(|c| self.is_user_class(*c)).collect();
            let method = |names: &[String], c: ClassId| names.iter().find_map(|n| ix.find_method(c, Name::new(n)));
            let asks = |c: &ClassId| {
                method(&lists.panel_access, *c)
                    .is_some_and(|(_, f)| ix.function(f).body.exprs.iter().any(|e| matches!(e, Expr::Call { .. })))
            };
            users.iter().any(asks) && !users.iter().any(|c| method(&lists.panel_tenants, *c).is_some())
        })
    }

    fn routes_of(&self, class: ClassId, method: Name) -> Vec<&Route> {
        let routes = self.guards.routes.get_or_init(|| self.read_routes());
        let mut found: Vec<&Route> = routes.get(&(class, Some(method))).into_iter().flatten().collect();
        if found.is_empty() {
            found.extend(routes.get(&(class, None)).into_iter().flatten());
        }
        found
    }

    /// Is a method of a class that answers requests named by no route and by no call?
    pub(super) fn is_unrouted(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        let decl = ix.function(outer);
        let (Some(class), Language::Php) = (ix.class_of_function(outer), ix.file(f.file).language) else {
            return false;
        };
        let routes = self.guards.routes.get_or_init(|| self.read_routes());
        let is_file_of_routes = routes.keys().filter(|(_, m)| m.is_some()).count() > FEW_ROUTES;
        let is_controller = decl.kind == crate::facts::FnKind::Method
            && ix.class(class).name.last_segment().ends_with(ix.packs.tenancy().handler_suffix.as_str());
        is_file_of_routes
            && is_controller
            && !ix.packs.tenancy().handler_suffix.is_empty()
            && !self.cx.flow.handlers.contains(&outer)
            && self.routes_of(class, decl.name).is_empty()
            && self.callers(outer).is_empty()
    }

    /// Does every route of the handler check the row of that parameter?
    fn route_checks(&self, key: &Key) -> bool {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(key.handler) else {
            return false;
        };
        let stem = stem_of(key.name);
        let routes = self.routes_of(class, ix.function(key.handler).name);
        !routes.is_empty() && routes.iter().all(|r| r.checked.iter().any(|p| stem_of(*p) == stem))
    }

    /// Registrations of handlers, by class and method.
    fn read_routes(&self) -> Routes {
        let ix = self.cx.ix;
        let mut found = Routes::new();
        for i in 0..ix.facts.len() {
            let file = crate::base::FileId(i as u32);
            if ix.facts[i].language != Language::Php {
                continue;
            }
            let regions = self.regions(file);
            for f in 0..ix.facts[i].functions.len() {
                let at = FnRef { file, id: crate::facts::FnId(f as u32) };
                let body = &ix.function(at).body;
                for (e, expr) in body.exprs.iter().enumerate() {
                    let id = ExprId(e as u32);
                    let (class, method) = match expr {
                        Expr::Seq { items, .. } if items.len() == 2 => match body.expr(items[1].value) {
                            Expr::Str(method) => (ix.symbol_of(at, items[0].value), Some(*method)),
                            _ => continue,
                        },
                        Expr::Attr { name, .. } if name.as_str() == "class" && !is_first_of_pair(body, id) => {
                            (ix.symbol_of(at, id), None)
                        }
                        _ => continue,
                    };
                    let Symbol::Class(class) = class else { continue };
                    let range = body.range(id);
                    let mut route = Route::default();
                    for region in regions.iter().filter(|r| r.range.start <= range.start && range.end <= r.range.end) {
                        route.checked.extend(region.checked.iter().copied());
                        route.is_admin |= region.is_admin;
                    }
                    found.entry((class, method)).or_default().push(route);
                }
            }
        }
        found
    }

    /// Where middleware of a file speaks of gates or of those who look after all tenants.
    fn regions(&self, file: crate::base::FileId) -> Vec<Region> {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let mut regions = Vec::new();
        for function in &ix.file(file).functions {
            let body = &function.body;
            for (i, expr) in body.exprs.iter().enumerate() {
                let Expr::Str(text) = expr else { continue };
                let mut checked = Vec::new();
                for prefix in &lists.gate_prefixes {
                    if let Some(rest) = text.as_str().strip_prefix(prefix.as_str()) {
                        checked.extend(rest.split(',').skip(1).map(|p| Name::new(p.trim())));
                    }
                }
                let words = text.as_str().split([':', '.', ',', '-', '_']).map(str::to_lowercase);
                let is_admin = text.as_str().contains(':') && words.clone().any(|w| lists.admin_words.contains(&w));
                if checked.is_empty() && !is_admin {
                    continue;
                }
                let at = body.ranges[i];
                let around = body.ranges.iter().filter(|r| r.start <= at.start && at.end <= r.end);
                if let Some(range) = around.max_by_key(|r| r.end - r.start) {
                    regions.push(Region { range: *range, checked, is_admin });
                }
            }
        }
        regions
    }

    /// Does what decorates the handler, or a permission class of its class, speak of the parameter?
    fn decorators_name(&self, key: &Key) -> bool {
        let ix = self.cx.ix;
        if ix.packs.tenancy().key_names.iter().any(|k| k == key.name.as_str()) {
            return false;
        }
        let mut asking: Vec<FnRef> = Vec::new();
        // What no route names is run by the other methods of its class.
        let is_own = |f: &FnRef| *f == key.handler || !self.is_certain_handler(key.handler);
        let class = ix.class_of_function(key.handler);
        let methods = class.map(|c| {
            let file = ix.class(c).file;
            ix.class_decl(c).methods.iter().map(move |m| FnRef { file, id: *m }).filter(is_own).collect()
        });
        for handler in methods.unwrap_or_else(|| vec![key.handler]) {
            let decl = ix.function(handler);
            let Some(parent) = decl.parent else { continue };
            let outer = FnRef { file: handler.file, id: parent };
            for decorator in &decl.decorators {
                let callee = match ix.function(outer).body.expr(*decorator) {
                    Expr::Call { callee, .. } => *callee,
                    _ => *decorator,
                };
                match ix.symbol_of(outer, callee) {
                    Symbol::Function(f) => asking.extend(with_nested(ix, f)),
                    Symbol::Class(c) => asking.extend(self.methods_of(c)),
                    _ => (),
                }
                // Classes that it is given.
                asking.extend(self.classes_in(outer, *decorator).into_iter().flat_map(|c| self.methods_of(c)));
            }
        }
        if let Some(class) = class {
            for name in &ix.packs.tenancy().permission_attributes {
                let Some((owner, at)) = ix.find_attr(class, Name::new(name)) else { continue };
                let decl = ix.class_decl(owner);
                let scope = FnRef { file: ix.class(owner).file, id: decl.scope };
                let body = &ix.function(scope).body;
                let Some(value) = decl.attrs[at].value else { continue };
                let range = body.range(value);
                for (i, e) in body.exprs.iter().enumerate() {
                    let place = body.ranges[i];
                    if matches!(e, Expr::Name(_) | Expr::Attr { .. } | Expr::Local(_))
                        && range.start <= place.start
                        && place.end <= range.end
                        && let Symbol::Class(c) = ix.symbol_of(scope, ExprId(i as u32))
                    {
                        asking.extend(self.methods_of(c));
                    }
                }
            }
        }
        // The same, where a method gives them.
        if let Some(class) = class {
            for name in &ix.packs.tenancy().permission_methods {
                let Some((_, f)) = ix.find_method(class, Name::new(name)) else { continue };
                asking.extend(ix.returned(f).into_iter().flat_map(|e| self.classes_in(f, e)).flat_map(|c| self.methods_of(c)));
            }
        }
        asking.into_iter().any(|f| {
            ix.function(f).body.exprs.iter().any(|e| match e {
                Expr::Str(name) | Expr::Attr { name, .. } => *name == key.name,
                _ => false,
            })
        })
    }

    fn methods_of(&self, class: ClassId) -> Vec<FnRef> {
        let ix = self.cx.ix;
        let of = |c: &ClassId| {
            let file = ix.class(*c).file;
            ix.class_decl(*c).methods.iter().map(move |m| FnRef { file, id: *m })
        };
        ix.class(class).mro.iter().flat_map(of).collect()
    }

    /// Was the key given, before, to a function or an object of the program that looks up such a row with the tenant's condition?
    fn is_checked_before(&self, key: &Key, model: Option<ModelId>, execution: &Execution) -> bool {
        let ix = self.cx.ix;
        let f = key.handler;
        let body = &ix.function(f).body;
        let end = if execution.owner.file == f.file { execution.site.range.start } else { u32::MAX };
        let slot = body.slots.iter().position(|n| *n == key.name).map(|i| Slot(i as u32));
        let own: Vec<Slot> = slot.into_iter().collect();
        let holders: Vec<Slot> = body
            .exprs
            .iter()
            .filter_map(|e| match e {
                Expr::Assign { target, value } => match body.pat(*target) {
                    crate::facts::Pat::Local(s) if mentions(body, *value, &own) => Some(*s),
                    _ => None,
                },
                _ => None,
            })
            .chain(slot)
            .collect();
        let reads_key = |other: &Execution| {
            model.is_some() && other.model == model && self.conditions(other).origin.client.iter().any(|k| k.name == key.name)
        };
        // Looked up there with the condition, too.
        let is_twin = |other: &Execution| {
            other.site != execution.site
                && self.outermost(other.owner) == f
                && model.is_some()
                && other.model == model
                && self.is_limited(other)
                && self.conditions(other).origin.client.iter().any(|k| k.name == key.name)
        };
        if slot.is_some() && self.cx.flow.executions.iter().any(is_twin) {
            return true;
        }
        body.exprs.iter().enumerate().any(|(i, e)| {
            let (callee, args): (ExprId, &[Arg]) = match e {
                Expr::Call { callee, args } => (*callee, args),
                Expr::New { class, args } => (*class, args),
                _ => return false,
            };
            let own_method = matches!(body.expr(callee), Expr::Attr { base, .. } if self.is_self(f, *base));
            let is_given = args.iter().any(|a| mentions(body, a.value, &holders));
            if body.ranges[i].end > end || !is_given && !own_method {
                return false;
            }
            let (function, class) = match body.expr(callee) {
                Expr::Attr { base, name, .. } => {
                    let class = if self.is_self(f, *base) { ix.class_of_function(f) } else { self.class_made(f, *base) };
                    (class.and_then(|c| ix.find_method(c, *name)).map(|(_, f)| f), class)
                }
                _ => match ix.symbol_of(f, callee) {
                    Symbol::Function(f) => (Some(f), None),
                    Symbol::Class(c) => (None, Some(c)),
                    _ => (None, None),
                },
            };
            let own = class.filter(|c| ix.class(*c).model.is_none() && ix.class_of_function(f) != Some(*c));
            self.cx.flow.executions.iter().any(|other| {
                let at = self.outermost(other.owner);
                (Some(at) == function
                    || own.is_some_and(|c| ix.class_of_function(at).is_some_and(|o| ix.class(c).mro.contains(&o))))
                    && (model.is_none() || other.model == model)
                    && at != f
                    && self.is_limited(other)
                    // A method that is not given the key reads it itself.
                    && (is_given || Some(at) == function && reads_key(other))
            })
        })
    }
}

/// A function and those made in it.
fn with_nested(index: &ProjectIndex<'_>, f: FnRef) -> Vec<FnRef> {
    let range = index.function(f).range;
    own_functions(index)
        .filter(|(at, decl)| at.file == f.file && range.start <= decl.range.start && decl.range.end <= range.end)
        .map(|(at, _)| at)
        .collect()
}

/// Does an expression read one of these variables?
fn mentions(body: &Body, expr: ExprId, slots: &[Slot]) -> bool {
    let range = body.range(expr);
    body.exprs.iter().enumerate().any(|(i, e)| {
        let at = body.ranges[i];
        matches!(e, Expr::Local(s) if slots.contains(s)) && range.start <= at.start && at.end <= range.end
    })
}

fn is_first_of_pair(body: &Body, expr: ExprId) -> bool {
    body.exprs.iter().any(|e| match e {
        Expr::Seq { items, .. } => items.len() == 2 && items[0].value == expr,
        _ => false,
    })
}

/// The name of a parameter without what says that it is a key.
fn stem_of(name: Name) -> String {
    let lower = snake(name.as_str());
    lower.strip_suffix("_id").or_else(|| lower.strip_suffix("_uuid")).unwrap_or(&lower).to_owned()
}
