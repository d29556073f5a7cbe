//! For whom does code run: a user of a tenant, somebody not yet known, nobody, or those who look after all tenants?

use std::collections::{BTreeMap, BTreeSet};

use super::View;
use super::origin::values_of;
use crate::base::{FileId, Name};
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, FnKind, Slot};
use crate::index::models::singular;
use crate::index::tenants::stems;
use crate::index::{FnRef, ModelId};
use crate::source::Origin;

/// So many queries with the tenant's condition show that an administration is that of a tenant.
const OFFICE: usize = 5;

/// For whom code runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Area {
    /// It answers a request of a user.
    Request,
    /// It runs before a tenant is known.
    Early,
    /// It runs in the background.
    Background,
    /// It is meant to see all tenants.
    Global,
    /// Not known.
    Other,
}

impl View<'_, '_> {
    /// For whom a function runs.
    pub(super) fn area(&self, f: FnRef) -> Area {
        if let Some(known) = self.guards.areas.borrow().get(&f) {
            return known.clone();
        }
        let area = self.area_of(f);
        self.guards.areas.borrow_mut().insert(f, area.clone());
        area
    }

    fn area_of(&self, f: FnRef) -> Area {
        let ix = self.cx.ix;
        let source = ix.sources.file(f.file);
        if source.origin != Origin::Ours || self.is_declared_global(f.file) {
            return Area::Global;
        }
        let outer = self.outermost(f);
        let class = ix.class_of_function(outer);
        let roles: Vec<&str> = class
            .map(|c| ix.class(c).external.iter().flat_map(|n| ix.packs.roles(*n)).map(|r| r.as_str()).collect())
            .unwrap_or_default();
        if roles.iter().any(|r| matches!(*r, "command" | "seeder" | "provider" | "admin")) {
            return Area::Global;
        }
        if roles.contains(&"job") {
            return Area::Background;
        }
        let mut words = words_of(&source.path);
        words.extend(words_of(ix.function(outer).name.as_str()));
        if let Some(class) = class {
            words.extend(words_of(ix.class(class).name.last_segment()));
        }
        let lists = ix.packs.tenancy();
        let has = |list: &[String]| words.iter().any(|w| list.iter().any(|l| l == w));
        if has(&lists.global_words) {
            return Area::Global;
        }
        if has(&lists.office_words) && !self.is_office_of_members(f.file, &lists.office_words) {
            return Area::Global;
        }
        if has(&lists.early_words) {
            return Area::Early;
        }
        if self.is_public(f) {
            return Area::Early;
        }
        let decl = ix.function(outer);
        let answers = self.cx.flow.handlers.contains(&outer) || self.has_route_decorator(outer);
        if !answers && self.is_in_background(outer) {
            return Area::Background;
        }
        if self.is_for_admins(f) || self.is_for_staff(f) {
            return Area::Global;
        }
        let is_view = roles.iter().any(|r| {
            matches!(
                *r,
                "view-class"
                    | "list-view"
                    | "detail-view"
                    | "template-view"
                    | "viewset"
                    | "live-component"
                    | "resource"
                    | "request-class"
                    | "serializer"
                    | "view-component"
            )
        });
        let takes_request = decl.params.iter().any(|p| p.name.as_str() == "request");
        if is_view || takes_request || answers || has(&lists.request_words) {
            return Area::Request;
        }
        Area::Other
    }

    /// Do names say that a function runs in the background? What a model of the program is called says nothing of that in the
    /// names of functions and classes (`get_task`), nor do things of which there are many (`list_workers`).
    fn is_in_background(&self, outer: FnRef) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let is_word = |w: &String| lists.background_words.contains(w);
        let mut own = words_of(ix.function(outer).name.as_str());
        if let Some(class) = ix.class_of_function(outer) {
            own.extend(words_of(ix.class(class).name.last_segment()));
        }
        let is_model = |w: &str| {
            let is_it = |stem: &str| stem == w || singular(w).is_some_and(|one| one == stem);
            ix.models
                .iter()
                .enumerate()
                .any(|(i, m)| m.class.is_some() && stems(ix, ModelId(i as u32)).iter().any(|stem| is_it(stem)))
        };
        words_of(&ix.sources.file(outer.file).path).iter().any(is_word)
            || own.iter().any(|w| is_word(w) && !w.ends_with('s') && !is_model(w))
    }

    /// Is what is called an administration that of each tenant: do most of the queries in its folder have the tenant's condition?
    fn is_office_of_members(&self, file: FileId, words: &[String]) -> bool {
        let path = &self.cx.ix.sources.file(file).path;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut end = 0;
        let office = folder.split('/').find_map(|part| {
            end += part.len() + 1;
            let is_it = words_of(part).iter().any(|w| words.contains(w));
            is_it.then(|| &folder[..end - 1])
        });
        let office = office.unwrap_or(folder);
        let asked = self.guards.asked.get_or_init(|| self.asked_by_file());
        let (mut with, mut all) = (0, 0);
        for (file, (limited, sent)) in asked {
            let path = &self.cx.ix.sources.file(*file).path;
            if path.strip_prefix(office).is_some_and(|rest| rest.starts_with('/')) {
                with += limited;
                all += sent;
            }
        }
        with >= OFFICE && with * 2 > all
    }

    /// How many statements on rows of tenants each file sends, those with the tenant's condition first.
    fn asked_by_file(&self) -> BTreeMap<FileId, (usize, usize)> {
        let mut asked: BTreeMap<FileId, (usize, usize)> = BTreeMap::new();
        for execution in &self.cx.flow.executions {
            if execution.model.is_none_or(|m| !self.tenancy.models.contains_key(&m)) || super::is_insert(self.cx, execution) {
                continue;
            }
            let count = asked.entry(execution.site.file).or_default();
            count.0 += usize::from(self.names_tenant(execution));
            count.1 += 1;
        }
        asked
    }

    /// Does the configuration say that a file is meant to see all tenants?
    fn is_declared_global(&self, file: FileId) -> bool {
        self.words.global_files.contains(&file)
    }

    /// The named function around a closure.
    pub(super) fn outermost(&self, f: FnRef) -> FnRef {
        let mut at = f;
        for _ in 0..32 {
            let decl = self.cx.ix.function(at);
            let Some(parent) = decl.parent.filter(|_| decl.kind == FnKind::Closure) else {
                return at;
            };
            let outer = FnRef { file: f.file, id: parent };
            if matches!(self.cx.ix.function(outer).kind, FnKind::File | FnKind::ClassBody) {
                return at;
            }
            at = outer;
        }
        at
    }

    pub(super) fn has_route_decorator(&self, f: FnRef) -> bool {
        let decl = self.cx.ix.function(f);
        let Some(parent) = decl.parent else {
            return false;
        };
        let body = &self.cx.ix.file(f.file).functions[parent.0 as usize].body;
        let registers = self.cx.ix.packs.word_list("plain-registrations");
        decl.decorators.iter().any(|d| {
            let callee = match body.expr(*d) {
                Expr::Call { callee, .. } => *callee,
                _ => return false,
            };
            matches!(body.expr(callee), Expr::Attr { name, .. } if registers.iter().any(|n| n == name.as_str()))
        })
    }

    /// The bodies of a function, of the functions around it and of the closures in it.
    pub(super) fn bodies(&self, f: FnRef) -> Vec<FnRef> {
        let outer = self.outermost(f);
        let range = self.cx.ix.function(outer).range;
        let all = &self.cx.ix.file(f.file).functions;
        let inside = all
            .iter()
            .enumerate()
            .filter(|(_, d)| d.kind == FnKind::Closure && d.range.start >= range.start && d.range.end <= range.end);
        let mut out = vec![outer];
        if self.cx.ix.function(outer).kind != FnKind::File {
            out.extend(inside.map(|(i, _)| FnRef { file: f.file, id: crate::facts::FnId(i as u32) }));
        }
        out
    }

    /// Is what was fetched compared with the tenant in the same function?
    pub(super) fn compares(&self, f: FnRef) -> bool {
        self.bodies(f).into_iter().any(|f| {
            let body = &self.cx.ix.function(f).body;
            let speaks = |e: ExprId| match body.expr(e) {
                // What a variable was given before: `wanted = row.level`.
                Expr::Local(slot) => values_of(body, *slot).into_iter().any(|value| self.speaks_of_owner(body, value)),
                _ => self.speaks_of_owner(body, e),
            };
            body.exprs.iter().any(|e| match e {
                Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::In | BinaryOp::NotIn, left, right } => {
                    speaks(*left) || speaks(*right)
                }
                Expr::Call { callee, .. } => match body.expr(*callee) {
                    Expr::Attr { base, name, .. } => matches!(name.as_str(), "is" | "isNot") && speaks(*base),
                    _ => false,
                },
                _ => false,
            })
        })
    }

    /// Does the same function ask for rows of the same model or table with the tenant's condition?
    pub(super) fn asks_with_condition(&self, execution: &crate::flow::Execution) -> bool {
        let outer = self.outermost(execution.owner);
        let table = |e: &crate::flow::Execution| self.table(e);
        self.cx.flow.executions.iter().any(|other| {
            other.site != execution.site
                && other.owner.file == execution.owner.file
                && other.model == execution.model
                && self.outermost(other.owner) == outer
                && self.run_together(other.owner, execution.owner)
                && (execution.model.is_some() || table(other) == table(execution))
                && self.is_limited(other)
                && self.names_a_row(other)
                && !self.asks_of_others(other, execution)
        })
    }

    /// Do two statements of one function go by variables that have nothing to do with each other, nor with what the first found?
    fn asks_of_others(&self, first: &crate::flow::Execution, second: &crate::flow::Execution) -> bool {
        if first.owner != second.owner {
            return false;
        }
        let f = first.owner;
        let body = &self.cx.ix.function(f).body;
        let named = |execution: &crate::flow::Execution| -> BTreeSet<Slot> {
            let values = self.conditions(execution).values;
            values.iter().filter(|(at, _)| *at == f).flat_map(|(_, e)| locals_in(body, *e)).collect()
        };
        let (mut asked, by) = (named(first), named(second));
        if asked.is_empty() || by.is_empty() {
            return false;
        }
        // The variable that holds what was found, whatever is made of it there.
        let holds = |e: &Expr| match e {
            Expr::Assign { target, value } => {
                let range = body.range(*value);
                (range.start <= first.site.range.start && first.site.range.end <= range.end).then_some(*target)
            }
            _ => None,
        };
        let held: Vec<_> = body.exprs.iter().filter_map(holds).collect();
        asked.extend((0..body.slots.len() as u32).map(Slot).filter(|s| held.iter().any(|pat| body.binds(*pat, *s))));
        // What the second goes by, and what that was made of.
        let mut made = by.clone();
        for slot in by {
            made.extend(values_of(body, slot).into_iter().flat_map(|e| locals_in(body, e)));
        }
        asked.is_disjoint(&made)
    }

    /// Does a statement say of a certain row whether it is there? How many rows the tenant has says nothing of any.
    fn names_a_row(&self, execution: &crate::flow::Execution) -> bool {
        execution.kind != crate::flow::Statement::Aggregate || self.terms(execution).any(|t| !self.is_tenants_column(t))
    }

    /// Does one of two functions stand in the other? Closures side by side may be run for different requests.
    fn run_together(&self, a: FnRef, b: FnRef) -> bool {
        let range = |f: FnRef| self.cx.ix.function(f).range;
        let holds = |outer: FnRef, inner: FnRef| range(outer).start <= range(inner).start && range(inner).end <= range(outer).end;
        holds(a, b) || holds(b, a)
    }

    /// Does an expression read the tenant of a row, or a row of a tenant by whose key it belongs there?
    fn speaks_of_owner(&self, body: &Body, e: ExprId) -> bool {
        let ix = self.cx.ix;
        let leads = |name: Name| {
            self.tenancy.models.keys().any(|m| {
                let relation = ix.model(*m).relations.get(&name).filter(|r| !r.many);
                relation.and_then(|r| r.target).is_some_and(|t| self.tenancy.models.contains_key(&t))
            })
        };
        let mut at = e;
        for _ in 0..8 {
            match body.expr(at) {
                Expr::Attr { base, name, .. } => {
                    if self.tenancy.columns.contains(name) || self.tenancy.is_key(ix, name.as_str()) || leads(*name) {
                        return true;
                    }
                    at = *base;
                }
                Expr::Call { callee, .. } => at = *callee,
                Expr::Same(inner) | Expr::Scalar(Some(inner)) | Expr::Await(inner) => at = *inner,
                _ => return false,
            }
        }
        false
    }

    /// Is the request of a class of its own whose rules speak of the tenant?
    pub(super) fn is_validated(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let outer = self.outermost(f);
        ix.function(outer).params.iter().any(|param| {
            let Some(class) = param.ty.as_ref().and_then(|ty| ix.type_to_class(outer.file, outer.id, ty)) else {
                return false;
            };
            let is_request =
                ix.class(class).external.iter().any(|n| ix.packs.roles(*n).iter().any(|r| r.as_str() == "request-class"));
            let file = ix.class(class).file;
            is_request
                && ix.file(file).functions.iter().any(|function| {
                    function.body.exprs.iter().any(|e| match e {
                        Expr::Str(name) | Expr::Attr { name, .. } => {
                            self.tenancy.columns.contains(&crate::base::Name::new(name.last_segment()))
                        }
                        _ => false,
                    })
                })
        })
    }

    /// Does the same function ask whether something is allowed? What names only an ability, or a class, asks of no row.
    pub(super) fn asks_permission(&self, f: FnRef) -> bool {
        let lists = self.cx.ix.packs.tenancy();
        let words = &lists.permission_words;
        let is_asking = |name: &str| {
            let parts = words_of(name);
            words.iter().any(|w| {
                parts.contains(w)
                    || w.contains('_') && name.eq_ignore_ascii_case(w)
                    || w.len() > 5 && name.to_lowercase().contains(w.as_str())
            })
        };
        let mut functions = self.bodies(f);
        // A constructor may ask for all methods.
        if let Some(class) = self.cx.ix.class_of_function(self.outermost(f)) {
            let ctor = self.cx.ix.find_method(class, crate::base::Name::new("__construct"));
            functions.extend(ctor.map(|(_, f)| f));
        }
        functions.into_iter().any(|f| {
            let body = &self.cx.ix.function(f).body;
            body.exprs.iter().any(|e| match e {
                Expr::Call { callee, args } => {
                    let name = match body.expr(*callee) {
                        Expr::Attr { name, .. } | Expr::Name(name) | Expr::Function { fallback: name, .. } => name.as_str(),
                        _ => return false,
                    };
                    lists.row_permissions.iter().any(|p| p == name) || is_asking(name) && !names_no_row(body, args, 0)
                }
                _ => false,
            })
        })
    }
}

/// Is a call given nothing but what stands in the code, or what such a call answers?
fn names_no_row(body: &Body, args: &[Arg], depth: usize) -> bool {
    let is_fixed = |e: ExprId| match body.expr(e) {
        Expr::Str(_) | Expr::Int(_) | Expr::Bool(_) | Expr::Null | Expr::Literal | Expr::Class(_) => true,
        Expr::Not(inner) => matches!(body.expr(*inner), Expr::Call { args, .. } if names_no_row(body, args, depth + 1)),
        Expr::Call { args, .. } => depth < 2 && names_no_row(body, args, depth + 1),
        _ => false,
    };
    !args.is_empty() && args.iter().all(|a| is_fixed(a.value))
}

/// The variables that an expression names.
fn locals_in(body: &Body, expr: ExprId) -> BTreeSet<Slot> {
    let range = body.range(expr);
    let inside = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| range.start <= r.start && r.end <= range.end);
    inside.filter_map(|(e, _)| if let Expr::Local(slot) = e { Some(*slot) } else { None }).collect()
}

/// The words of a path or name, in lower case.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split(['/', '.', '_', '-', '\\']) {
        let lower = part.to_lowercase();
        let mut word = String::new();
        for c in part.chars() {
            if c.is_uppercase() && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
        words.push(lower);
    }
    words
}
