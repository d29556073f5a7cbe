//! Which handlers are given a tenant's row by the address alone, where those beside them ask whose it is?
//!
//! A framework that binds rows to the address finds them by their key: without a scope on the model, those of any tenant. Whether
//! that matters is the program's own habit: a handler is a fault only where most of those that are given such a row ask.

use std::collections::{BTreeMap, BTreeSet};

use super::area::Area;
use super::calls::own_functions;
use super::origin::Key;
use super::{Fault, View};
use crate::base::{Name, Span};
use crate::facts::{Expr, FnKind, Language, Param};
use crate::findings::{Confidence, Level};
use crate::index::tenants::is_user;
use crate::index::{ClassId, FnRef, ModelId};

/// So many handlers that ask make a habit.
const HABIT: usize = 2;

/// A row that a handler is given.
struct Bound<'a> {
    handler: FnRef,
    param: &'a Param,
    model: ModelId,
}

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let mut asked: BTreeMap<ModelId, Vec<FnRef>> = BTreeMap::new();
    let mut open: BTreeMap<ModelId, Vec<Bound<'_>>> = BTreeMap::new();
    for bound in bound_rows(view) {
        if view.asks_whose(&bound) {
            asked.entry(bound.model).or_default().push(bound.handler);
        } else {
            open.entry(bound.model).or_default().push(bound);
        }
    }
    for (model, open) in open {
        let Some(asked) = asked.get(&model).filter(|all| all.len() >= HABIT && all.len() >= open.len()) else {
            continue;
        };
        for bound in &open {
            let name = view.name(model);
            let span = Span { file: bound.handler.file, range: bound.param.range };
            let message = format!("the address gives this handler a `{name}` of any tenant, and nothing asks whose it is");
            let mut finding = view.cx.finding("unscoped-tenant-query", span, bound.handler, message);
            let other = view.cx.ix.function(asked[0]);
            super::step(
                &mut finding.steps,
                Span { file: asked[0].file, range: other.name_range },
                format!("this handler asks ({} of {} do)", asked.len(), asked.len() + open.len()),
            );
            finding.help = format!(
                "ask whether whoever is signed in may use the row, or find it by a query with a condition on {}",
                view.column(Some(model))
            );
            finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
            finding.level = Level::Warning;
            finding.confidence = Confidence::Medium;
            faults.push(Fault { finding, cause: format!("bound {name}") });
        }
    }
}

/// The rows of tenants that handlers are given by the address and that nothing limits.
fn bound_rows<'a>(view: &View<'_, 'a>) -> Vec<Bound<'a>> {
    let ix = view.cx.ix;
    let lists = ix.packs.tenancy();
    let mut found = Vec::new();
    let by_hand = ByHand::read(view);
    for (handler, decl) in own_functions(ix) {
        let is_handler = decl.kind == FnKind::Method && view.cx.flow.handlers.contains(&handler);
        if !is_handler || ix.file(handler.file).language != Language::Php || view.area(handler) != Area::Request {
            continue;
        }
        let row = |param: &Param| -> Option<(ModelId, ClassId)> {
            let class = ix.type_to_class(handler.file, handler.id, param.ty.as_ref()?)?;
            Some((ix.class(class).model?, class))
        };
        let rows: Vec<(&Param, ModelId, ClassId)> =
            decl.params.iter().filter_map(|p| row(p).map(|(model, class)| (p, model, class))).collect();
        // Of two rows, one may be found through the other.
        let [(param, model, class)] = rows.as_slice() else { continue };
        let is_open = view.tenancy.models.get(model).is_some_and(|owned| owned.limits.is_empty());
        let finds_itself = lists.binding_hooks.iter().any(|h| ix.find_method(*class, Name::new(h)).is_some());
        if is_open && !is_user(ix, *model) && !finds_itself && !by_hand.names(param.name) {
            found.push(Bound { handler, param, model: *model });
        }
    }
    found
}

/// Parameters of addresses of which the program says itself how they are found.
struct ByHand {
    /// By a function.
    bound: BTreeSet<Name>,
    /// Texts that name a parameter with a column: `/orders/{order:token}`.
    by_column: Vec<Name>,
}

impl ByHand {
    fn read(view: &View<'_, '_>) -> ByHand {
        let binders = &view.cx.ix.packs.tenancy().binders;
        let mut found = ByHand { bound: BTreeSet::new(), by_column: Vec::new() };
        for (_, decl) in own_functions(view.cx.ix).filter(|(at, _)| view.cx.ix.file(at.file).language == Language::Php) {
            let body = &decl.body;
            for expr in &body.exprs {
                match expr {
                    Expr::Str(text) if text.as_str().contains('{') => found.by_column.push(*text),
                    Expr::Call { callee, args } => {
                        let is_binder =
                            matches!(body.expr(*callee), Expr::Attr { name, .. } if binders.iter().any(|b| b == name.as_str()));
                        let named = args.first().filter(|_| is_binder).map(|a| body.expr(a.value));
                        found.bound.extend(named.and_then(|e| if let Expr::Str(text) = e { Some(*text) } else { None }));
                    }
                    _ => (),
                }
            }
        }
        found
    }

    fn names(&self, param: Name) -> bool {
        let by_column = format!("{{{param}:");
        self.bound.contains(&param) || self.by_column.iter().any(|text| text.as_str().contains(&by_column))
    }
}

impl View<'_, '_> {
    /// Does a handler, its route, its request or what it calls ask whose the row is?
    fn asks_whose(&self, bound: &Bound<'_>) -> bool {
        let handler = bound.handler;
        let key = Key { handler, name: bound.param.name, is_address: true };
        self.asks(handler)
            || self.is_guarded_by_route(&key)
            || self.is_authorized(handler)
            || self.cx.flow.called_by(handler).any(|called| self.asks(called))
    }

    fn asks(&self, f: FnRef) -> bool {
        self.compares(f) || self.asks_permission(f) || self.tells_tenant(f)
    }

    /// Is the request of a class of its own that decides whether it may go on?
    fn is_authorized(&self, handler: FnRef) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        ix.function(handler).params.iter().filter_map(|p| ix.type_to_class(handler.file, handler.id, p.ty.as_ref()?)).any(
            |class| {
                let hook = lists.request_gates.iter().find_map(|h| ix.find_method(class, Name::new(h)));
                hook.is_some_and(|(_, f)| {
                    ix.function(f).body.exprs.iter().any(|e| matches!(e, Expr::Call { .. } | Expr::Binary { .. }))
                })
            },
        )
    }
}
