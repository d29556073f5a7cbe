//! Which code answers only other services of the same installation, which all show one key?

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::View;
use super::calls::own_functions;
use crate::base::{FileId, Name};
use crate::facts::{BinaryOp, Body, Expr, ExprId, FnId, FnKind, Language, Slot};
use crate::index::{ClassId, FnRef, Symbol};

/// Modules of routes lead to others through so many steps.
const MAX_STEPS: usize = 400;

/// What answers other services. Filled when first asked.
#[derive(Default)]
pub(super) struct Services {
    handlers: OnceCell<Handlers>,
    /// Filters of all classes of views.
    pub(super) backends: super::backends::Backends,
}

/// Handlers that only routes behind one key name.
#[derive(Default)]
struct Handlers {
    classes: FxHashSet<ClassId>,
    functions: FxHashSet<FnRef>,
    files: FxHashSet<FileId>,
}

impl View<'_, '_> {
    /// Does a function answer only services that show the installation's own key?
    pub(super) fn is_for_services(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let handlers = self.services.handlers.get_or_init(|| self.read_services());
        if handlers.files.is_empty() {
            return false;
        }
        let is_one = |f: FnRef| {
            let outer = self.outermost(f);
            handlers.functions.contains(&outer) || ix.class_of_function(outer).is_some_and(|c| handlers.classes.contains(&c))
        };
        let outer = self.outermost(f);
        if is_one(outer) {
            return true;
        }
        let callers = self.callers(outer);
        !callers.is_empty() && callers.iter().all(|(at, _)| is_one(*at))
    }

    fn read_services(&self) -> Handlers {
        let ix = self.cx.ix;
        let prefixes = self.key_prefixes();
        if prefixes.is_empty() {
            return Handlers::default();
        }
        let mut inside: BTreeSet<FileId> = BTreeSet::new();
        let mut outside: BTreeSet<FileId> = BTreeSet::new();
        let mut routes: Vec<(FnRef, ExprId, String)> = Vec::new();
        let calls = &ix.packs.tenancy().route_calls;
        for (at, decl) in own_functions(ix) {
            if decl.kind != FnKind::File || ix.file(at.file).language != Language::Python {
                continue;
            }
            for (i, expr) in decl.body.exprs.iter().enumerate() {
                let Expr::Call { callee, args } = expr else { continue };
                let is_route = matches!(decl.body.expr(*callee), Expr::Name(n) | Expr::Attr { name: n, .. } if calls.iter().any(|c| c == n.as_str()))
                    || matches!(ix.symbol_of(at, *callee), Symbol::External(n) if calls.iter().any(|c| c == n.last_segment()));
                if let (true, Some(Expr::Str(text))) = (is_route, args.first().map(|a| decl.body.expr(a.value))) {
                    let text = text.as_str().trim_matches(['^', '/', '$']).to_owned();
                    routes.push((at, ExprId(i as u32), text));
                }
            }
        }
        let included = |at: FnRef, call: ExprId| -> Option<FileId> {
            let body = &ix.function(at).body;
            let Expr::Call { args, .. } = body.expr(call) else { return None };
            let Expr::Call { args, .. } = body.expr(args.get(1)?.value) else { return None };
            let first = args.first()?.value;
            let symbol = match body.expr(first) {
                Expr::Str(name) => ix.resolve_absolute(at.file, name.as_str()),
                _ => ix.symbol_of(at, first),
            };
            match symbol {
                Symbol::Module(file) => Some(file),
                _ => None,
            }
        };
        let is_behind = |path: &str| {
            prefixes.iter().any(|p| path.strip_prefix(p.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        for (at, call, text) in &routes {
            if let (true, Some(file)) = (is_behind(text), included(*at, *call)) {
                inside.insert(file);
            }
        }
        for _ in 0..MAX_STEPS {
            let more: Vec<FileId> = routes
                .iter()
                .filter(|(at, ..)| inside.contains(&at.file))
                .filter_map(|(at, call, _)| included(*at, *call))
                .filter(|f| !inside.contains(f))
                .collect();
            if more.is_empty() {
                break;
            }
            inside.extend(more);
        }
        for (at, ..) in &routes {
            if !inside.contains(&at.file) {
                outside.insert(at.file);
            }
        }
        // A module that another path leads to, too, is open to others.
        for (at, call, text) in &routes {
            if !inside.contains(&at.file)
                && !is_behind(text)
                && let Some(file) = included(*at, *call)
            {
                inside.remove(&file);
                outside.insert(file);
            }
        }
        let named = |files: &BTreeSet<FileId>| {
            let (mut classes, mut functions) = (FxHashSet::default(), FxHashSet::default());
            for file in files {
                let at = FnRef { file: *file, id: FnId(0) };
                for i in 0..ix.function(at).body.exprs.len() {
                    match ix.symbol_of(at, ExprId(i as u32)) {
                        Symbol::Class(c) => {
                            classes.insert(c);
                        }
                        Symbol::Function(f) => {
                            functions.insert(f);
                        }
                        _ => (),
                    }
                }
            }
            (classes, functions)
        };
        let (mut classes, mut functions) = named(&inside);
        let (other_classes, other_functions) = named(&outside);
        classes.retain(|c| !other_classes.contains(c));
        functions.retain(|f| !other_functions.contains(f));
        Handlers { classes, functions, files: inside.into_iter().collect() }
    }

    /// Beginnings of paths that a class or function before the handlers lets pass only with a key of the installation's settings.
    fn key_prefixes(&self) -> BTreeSet<String> {
        let ix = self.cx.ix;
        let mut found = BTreeSet::new();
        for (at, decl) in own_functions(ix) {
            if !matches!(decl.kind, FnKind::Function | FnKind::Method | FnKind::Closure)
                || ix.file(at.file).language != Language::Python
            {
                continue;
            }
            let prefixes = path_prefixes(&decl.body);
            if prefixes.is_empty() {
                continue;
            }
            let mut around = vec![at];
            if let Some(class) = ix.class_of_function(self.outermost(at)) {
                let file = ix.class(class).file;
                around.extend(ix.class_decl(class).methods.iter().map(|m| FnRef { file, id: *m }));
            }
            if around.iter().any(|f| self.compares_with_settings(*f)) {
                found.extend(prefixes);
            }
        }
        found
    }

    /// Is something compared with what the installation was set up with?
    fn compares_with_settings(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        let lists = ix.packs.tenancy();
        let says = |e: ExprId, is_it: &dyn Fn(&Expr) -> bool| {
            let range = body.range(e);
            body.exprs.iter().zip(&body.ranges).any(|(x, place)| range.contains(*place) && is_it(x))
        };
        let is_settings = |x: &Expr| matches!(x, Expr::Name(n) | Expr::Attr { name: n, .. } if lists.settings_names.iter().any(|s| s == n.as_str()));
        let is_secret = |x: &Expr| match x {
            Expr::Str(n) | Expr::Attr { name: n, .. } => {
                n.as_str().to_lowercase().split('_').any(|w| lists.secret_names.iter().any(|s| s == w))
            }
            _ => false,
        };
        let is_key = |e: ExprId| says(e, &is_settings) && says(e, &is_secret);
        let values = |slot: Slot| super::origin::values_of(body, slot);
        let from_settings = |e: ExprId| match body.expr(e) {
            Expr::Local(slot) => values(*slot).into_iter().any(is_key),
            _ => is_key(e),
        };
        body.exprs.iter().any(|e| match e {
            Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } => {
                let is_null = |e: ExprId| matches!(body.expr(e), Expr::Null | Expr::Str(_) | Expr::Bool(_));
                (from_settings(*left) && !is_null(*right)) || (from_settings(*right) && !is_null(*left))
            }
            Expr::Call { args, .. } if args.len() == 2 => {
                args.iter().filter(|a| from_settings(a.value)).count() == 1
                    && args.iter().any(|a| matches!(body.expr(a.value), Expr::Local(_)) && !from_settings(a.value))
            }
            _ => false,
        })
    }
}

/// The beginnings of paths that a body asks for.
fn path_prefixes(body: &Body) -> Vec<String> {
    let mut found = Vec::new();
    for expr in &body.exprs {
        let Expr::Call { callee, args } = expr else { continue };
        let Expr::Attr { base, name, .. } = body.expr(*callee) else { continue };
        let is_path = |n: &Name| n.as_str().starts_with("path");
        let of_path = match body.expr(*base) {
            Expr::Attr { name, .. } => is_path(name),
            Expr::Local(slot) => is_path(&body.slots[slot.0 as usize]),
            _ => false,
        };
        if let (true, "startswith", Some(Expr::Str(text))) = (of_path, name.as_str(), args.first().map(|a| body.expr(a.value))) {
            let trimmed = text.as_str().trim_matches('/');
            if text.as_str().starts_with('/') && !trimmed.is_empty() {
                found.push(trimmed.to_owned());
            }
        }
    }
    found
}
