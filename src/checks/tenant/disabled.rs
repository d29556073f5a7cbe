//! Where are all scopes switched off, or all rows offered by the declaration of a class?

use super::area::Area;
use super::{Fault, View};
use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, FnId, Language, Stmt};
use crate::findings::Level;
use crate::flow::value::flag;
use crate::index::tenants::{Evidence, LimitKind, is_user};
use crate::index::{ClassId, FnRef, ModelId, Symbol};
use crate::source::Origin;

/// A declaration is followed through this many calls.
const MAX_CHAIN: usize = 12;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let lists = view.cx.ix.packs.tenancy();
    let may_switch = !lists.disabling.is_empty() || !lists.disabling_with_null.is_empty();
    for (i, facts) in view.cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if !may_switch || facts.language != Language::Python || view.cx.ix.sources.file(file).origin != Origin::Ours {
            continue;
        }
        for j in 0..facts.functions.len() {
            switched_off(view, FnRef { file, id: FnId(j as u32) }, faults);
        }
    }
    for model in view.tenancy.models.keys() {
        other_default(view, *model, faults);
    }
    for i in 0..view.cx.ix.classes.len() {
        declared(view, ClassId(i as u32), faults);
    }
}

/// Calls that switch the scopes off.
fn switched_off(view: &View<'_, '_>, at: FnRef, faults: &mut Vec<Fault>) {
    let lists = view.cx.ix.packs.tenancy();
    let body = &view.cx.ix.function(at).body;
    for (i, expr) in body.exprs.iter().enumerate() {
        let Expr::Call { callee, args } = expr else {
            continue;
        };
        if !matches!(body.expr(*callee), Expr::Name(_) | Expr::Attr { .. }) {
            continue;
        }
        let Symbol::External(full) = view.cx.ix.symbol_of(at, *callee) else {
            continue;
        };
        let is_off = lists.disabling.iter().any(|d| d == full.as_str())
            || lists.disabling_with_null.iter().any(|d| d == full.as_str())
                && args.first().is_some_and(|a| matches!(body.expr(a.value), Expr::Null));
        if !is_off {
            continue;
        }
        let area = view.area(at);
        if matches!(area, Area::Global | Area::Early) {
            continue;
        }
        let span = Span { file: at.file, range: body.range(ExprId(i as u32)) };
        if let Some(block) = block_of(view, at, ExprId(i as u32)) {
            inside(view, block, span, full, faults);
            continue;
        }
        // What is handed on runs elsewhere.
        if is_argument(body, ExprId(i as u32)) {
            continue;
        }
        let message = format!(
            "`{}` switches the tenant's scopes off: what runs from here on sees the rows of every tenant",
            full.last_segment()
        );
        let mut finding = view.cx.finding("tenant-scope-removed", span, at, message);
        finding.help = "open the scope of the tenant that is meant, or say with a reason that all are".to_owned();
        finding.subject.method = Some(full.last_segment().to_owned());
        finding.level = match area {
            Area::Background => Level::Note,
            _ => Level::Warning,
        };
        faults.push(Fault { finding, cause: format!("off {full}") });
    }
}

fn is_argument(body: &Body, expr: ExprId) -> bool {
    body.exprs.iter().any(|e| matches!(e, Expr::Call { args, .. } if args.iter().any(|a| a.value == expr)))
}

/// The code that runs without scopes, where that has an end: the block, or the function that is decorated.
fn block_of(view: &View<'_, '_>, at: FnRef, call: ExprId) -> Option<Span> {
    let body = &view.cx.ix.function(at).body;
    let block = body.stmts.iter().enumerate().find_map(|(i, s)| match s {
        Stmt::With { items, .. } if items.iter().any(|(e, _)| *e == call) => Some(body.stmt_ranges[i]),
        _ => None,
    });
    let decorated = || {
        let functions = &view.cx.ix.file(at.file).functions;
        functions.iter().find(|f| f.parent == Some(at.id) && f.decorators.contains(&call)).map(|f| f.range)
    };
    block.or_else(decorated).map(|range| Span { file: at.file, range })
}

/// The statements in a block without scopes that nothing else limits.
fn inside(view: &View<'_, '_>, block: Span, off: Span, full: Name, faults: &mut Vec<Fault>) {
    for execution in &view.cx.flow.executions {
        let Some(model) = execution.model else { continue };
        let site = execution.site;
        let is_inside = site.file == block.file && block.range.start <= site.range.start && site.range.end <= block.range.end;
        let has_limit = view.tenancy.models.get(&model).is_some_and(|o| !o.limits.is_empty());
        if !is_inside || !has_limit || execution.via.is_some() || execution.flags & flag::SCOPED != 0 || !view.is_ours(execution)
        {
            continue;
        }
        let conditions = view.conditions(execution);
        let origin = &conditions.origin;
        let area = view.area(execution.owner);
        if matches!(area, Area::Global | Area::Early | Area::Background)
            || view.has_condition(execution, model)
            || view.compares(execution.owner)
            || view.asks_permission(execution.owner)
            || origin.row
            || origin.user
            || origin.unknown
            || conditions.is_rooted
            || conditions.is_open
            || view.is_only_tested(execution)
        {
            continue;
        }
        let name = view.name(model);
        let message = format!(
            "`{}` asks for rows of `{name}` of every tenant: `{}` has switched the scopes off",
            execution.method,
            full.last_segment()
        );
        let mut finding = view.cx.finding("tenant-scope-removed", site, execution.owner, message);
        super::step(&mut finding.steps, off, "the scopes are switched off here");
        finding.help = "open the scope of the tenant that is meant, or say with a reason that all are".to_owned();
        finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
        finding.subject.method = Some(execution.method.to_string());
        finding.level = Level::Warning;
        faults.push(Fault { finding, cause: format!("off {full}") });
    }
}

/// A manager of a model's own that comes before the one with the limit, which an ancestor gives.
fn other_default(view: &View<'_, '_>, id: ModelId, faults: &mut Vec<Fault>) {
    let model = view.cx.ix.model(id);
    let (Some(class), Some(first), Some(owned)) = (model.class, model.managers.first(), view.tenancy.models.get(&id)) else {
        return;
    };
    let Some(limit) = owned.limits.iter().find(|l| l.kind == LimitKind::Manager) else {
        return;
    };
    let is_limited = owned.limits.iter().any(|l| l.name == first.name);
    let Some(at) = view.cx.ix.own_attr(class, first.name) else {
        return;
    };
    if is_limited || view.cx.ix.own_attr(class, limit.name).is_some() {
        return;
    }
    let decl = view.cx.ix.class_decl(class);
    let f = FnRef { file: view.cx.ix.class(class).file, id: decl.scope };
    let name = view.name(id);
    let span = Span { file: f.file, range: decl.attrs[at].name_range };
    let message = format!(
        "`{}` becomes the default manager of `{name}` in place of `{}`, which limits it to the tenant",
        first.name, limit.name
    );
    let mut finding = view.cx.finding("tenant-scope-removed", span, f, message);
    finding.help = format!("name `{}` as the default manager, or give it to `{name}` once more before this one", limit.name);
    finding.subject.model = Some(model.name.to_string());
    faults.push(Fault { finding, cause: format!("default {name}") });
}

/// A class of the framework that answers with all rows of an attribute.
fn declared(view: &View<'_, '_>, class: ClassId, faults: &mut Vec<Fault>) {
    let ix = view.cx.ix;
    let data = ix.class(class);
    let has_role =
        |wanted: &[&str]| data.external.iter().any(|n| ix.packs.roles(*n).iter().any(|r| wanted.contains(&r.as_str())));
    if !has_role(&["viewset", "list-view", "detail-view"]) {
        return;
    }
    let word = |key: &str| ix.packs.word_in_language(Name::new("python"), key);
    let Some(at) = word("viewset-query").and_then(|attr| ix.own_attr(class, attr)) else {
        return;
    };
    let is_own = |name: &str| ix.find_method(class, Name::new(name)).is_some() || ix.find_attr(class, Name::new(name)).is_some();
    if word("viewset-narrows-by").is_some_and(|names| names.as_str().split(' ').any(is_own)) {
        return;
    }
    let decl = ix.class_decl(class);
    let f = FnRef { file: data.file, id: decl.scope };
    let attr = &decl.attrs[at];
    let Some(model) = attr.value.and_then(|v| all_rows(view, f, v)) else {
        return;
    };
    let Some(owned) = view.tenancy.models.get(&model) else {
        return;
    };
    let has_scopes =
        view.tenancy.models.values().any(|o| !o.limits.is_empty()) || view.tenancy.evidence.contains(&Evidence::Configured);
    let is_limited = owned.limits.iter().any(|l| l.kind != LimitKind::Later);
    if is_limited
        || !has_scopes
        || view.has_limiting_backend(class)
        || view.finds_by_secret(class)
        || is_user(ix, model)
        || view.area(f) == Area::Global
    {
        return;
    }
    let name = view.name(model);
    let span = Span { file: data.file, range: attr.name_range };
    let message = format!("this class answers with the rows of `{name}` of every tenant");
    let mut finding = view.cx.finding("unscoped-tenant-query", span, f, message);
    finding.help = format!("give it a method that limits the query by {}", view.column(Some(model)));
    finding.subject.model = Some(ix.model(model).name.to_string());
    let is_asked = view.tenancy.derived.contains(&model) && view.asks_for_rows(class);
    finding.level = if is_asked { Level::Note } else { Level::Error };
    faults.push(Fault { finding, cause: format!("declared {name}") });
}

/// The model, if an expression is a chain of calls that adds no condition.
fn all_rows(view: &View<'_, '_>, f: FnRef, value: ExprId) -> Option<ModelId> {
    let body = &view.cx.ix.function(f).body;
    let mut at = value;
    for _ in 0..MAX_CHAIN {
        match body.expr(at) {
            Expr::Call { callee, .. } => at = *callee,
            Expr::Attr { base, name, .. } => {
                let narrowing = view.cx.ix.packs.word_in_language(Name::new("python"), "narrowing-methods");
                if narrowing.is_some_and(|names| names.has_word(name.as_str())) {
                    return None;
                }
                if let Symbol::Class(class) = view.cx.ix.symbol_of(f, *base) {
                    return view.cx.ix.class(class).model;
                }
                at = *base;
            }
            _ => return None,
        }
    }
    None
}
