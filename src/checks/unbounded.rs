//! Which handlers fetch all rows of a table that grows?
//!
//! Only what is evident: the query is written in a handler of requests, nothing narrows or limits it, and its rows belong to
//! rows of another model, and no others to them, so that there are more of them with time.

use std::collections::BTreeMap;

use super::uses::{called_on, expr_at};
use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::facts::{Expr, ExprId, FnKind};
use crate::findings::Finding;
use crate::flow::value::{Source, flag};
use crate::flow::{Execution, Statement};
use crate::index::{ClassId, FnRef, ModelId, Relation};
use crate::packs::Result as OpResult;
use crate::source::Origin;

pub(super) const RULE: &str = "unbounded-query";
/// What bounds a query, or what is not known about it.
const BOUNDED: u32 = flag::NARROWED
    | flag::LIMITED
    | flag::FEW
    | flag::KEYED
    | flag::BATCH
    | flag::SCOPED
    | flag::RAW
    | flag::LOCKED
    | flag::GROUPED
    | flag::PROJECTED;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut found: BTreeMap<Span, (Span, FnRef, ModelId)> = BTreeMap::new();
    for execution in &cx.flow.executions {
        let Some(model) = execution.model else { continue };
        let Source::Query(at) = cx.flow.values.source_of(execution.src) else { continue };
        let is_plain = execution.kind == Statement::Read && execution.via.is_none() && execution.flags & BOUNDED == 0;
        if !is_plain || !gives_all(cx, execution, model) || !grows(cx, model) {
            continue;
        }
        let Some(f) = cx.function_at(at).filter(|f| answers_requests(cx, *f)) else { continue };
        // Where the query stands in the handler, unless that sends it elsewhere.
        let is_class = cx.ix.function(f).kind == FnKind::ClassBody;
        let site = if execution.owner == f && !is_class { execution.site } else { at };
        found.entry(at).or_insert((site, f, model));
    }
    for (at, (site, f, model)) in found {
        let is_counted =
            |o: &Finding| o.rule.as_str() == "load-to-count" && o.span.file == at.file && cx.function_at(o.span) == Some(f);
        if findings.iter().any(is_counted) {
            continue;
        }
        let name = model_name(cx.ix, model);
        let mut finding = cx.finding(RULE, site, f, format!("all rows of `{name}` are loaded for each request"));
        finding.help = format!("page the query, or limit it; the cost of the request grows with every new `{name}`");
        finding.subject.model = Some(cx.ix.model(model).name.to_string());
        if at.range.start > site.range.start || at.range.end < site.range.end {
            step(&mut finding.steps, at, "the query starts here");
        }
        findings.push(finding);
    }
}

/// Does the execution read all rows, not one?
fn gives_all(cx: &CheckContext<'_>, execution: &Execution, model: ModelId) -> bool {
    let name = execution.method;
    if name.as_str() == "iteration" {
        return true;
    }
    let dialect = cx.ix.model(model).dialect;
    if cx.ix.packs.op(dialect, Name::new("query"), name).is_some_and(|op| op.result == OpResult::Rows && !op.lazy) {
        return true;
    }
    let is_result = |op: &crate::packs::Op| matches!(op.result, OpResult::FirstColumn | OpResult::ResultSet);
    if !cx.ix.packs.op(dialect, Name::new("session"), name).is_some_and(is_result) {
        return false;
    }
    // `session.scalars(…).first()` reads one row.
    let body = &cx.ix.function(execution.owner).body;
    let call = body.exprs.iter().enumerate().find_map(|(i, e)| match e {
        Expr::Call { callee, .. } if body.range(*callee).end == execution.site.range.end => Some(ExprId(i as u32)),
        _ => None,
    });
    let mut at = call.or_else(|| expr_at(body, execution.site.range));
    for _ in 0..4 {
        let Some(e) = at else { return false };
        let waits = |(i, w): (usize, &Expr)| matches!(w, Expr::Await(inner) if *inner == e).then_some(ExprId(i as u32));
        if let Some(waited) = body.exprs.iter().enumerate().find_map(waits) {
            at = Some(waited);
            continue;
        }
        let Some(next) = called_on(body, e) else { return true };
        let keeps = cx.ix.packs.word(dialect, "keeps-all").is_some_and(|w| w.has_word(next.as_str()));
        return keeps;
    }
    false
}

/// Are there more rows of a model with time? Those that belong to others are made by use; those that others belong to are often
/// few: categories, settings, roles.
fn grows(cx: &CheckContext<'_>, model: ModelId) -> bool {
    let data = cx.ix.model(model);
    let belongs = |r: &Relation, to: &dyn Fn(ModelId) -> bool| !r.many && r.key_column.is_some() && r.target.is_some_and(to);
    let has_key = data.columns.values().any(|c| !c.is_primary && c.name.as_str().ends_with("_id"));
    let has_parent = has_key || data.relations.values().any(|r| belongs(r, &|t| t != model));
    let others = cx.ix.models.iter().enumerate().filter(|(i, _)| *i != model.0 as usize);
    let has_children = others.flat_map(|(_, m)| m.relations.values()).any(|r| belongs(r, &|t| t == model));
    data.scopes.is_empty() && has_parent && !has_children
}

/// Does a function, or the class whose body this is, answer requests with what it fetches?
fn answers_requests(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let file = cx.ix.sources.file(f.file);
    if file.origin != Origin::Ours {
        return false;
    }
    if cx.ix.function(f).kind == FnKind::ClassBody {
        return lists_without_pages(cx, f);
    }
    cx.flow.request_functions.contains(&f)
}

/// Is this the body of a class that lists all rows of its query, page by page only if somebody says so?
fn lists_without_pages(cx: &CheckContext<'_>, body: FnRef) -> bool {
    let ix = cx.ix;
    let range = ix.function(body).range;
    let is_it = |c: &crate::index::Class| {
        let decl = &ix.file(c.file).classes[c.ix.0 as usize];
        c.file == body.file && decl.scope != body.id && decl.range == range
    };
    let Some(i) = ix.classes.iter().position(is_it).or_else(|| {
        ix.classes.iter().position(|c| c.file == body.file && ix.file(c.file).classes[c.ix.0 as usize].scope == body.id)
    }) else {
        return false;
    };
    let class = ClassId(i as u32);
    let lists = ix.class(class).external.iter().any(|e| ix.packs.roles(*e).iter().any(|r| r.as_str() == "viewset-list"));
    if !lists {
        return false;
    }
    let words = |key: &str| ix.packs.word_in_language(Name::new("python"), key).map_or("", Name::as_str).split(' ');
    if words("list-changes").any(|m| ix.find_method(class, Name::new(m)).is_some() || ix.find_attr(class, Name::new(m)).is_some())
    {
        return false;
    }
    // Named by the class or by a setting: whatever it is, somebody has thought of it.
    let settings: Vec<&str> = words("list-settings").collect();
    let is_set = |e: &Expr| matches!(e, Expr::Str(s) if settings.contains(&s.as_str()));
    !ix.facts.iter().flat_map(|f| &f.functions).any(|f| f.body.exprs.iter().any(is_set))
}
