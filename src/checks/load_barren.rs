//! Where would loading a relation ahead save nothing, or leave it empty? What to do there instead.

use super::CheckContext;
use super::load_help::Reads;
use super::wording::{eager_code, path_text};
use crate::base::{Name, Span};
use crate::facts::{Arg, Expr, ExprId, Loop};
use crate::flow::value::Source;
use crate::flow::{Statement, counted};
use crate::index::FnRef;
use crate::packs::Result as OpResult;

/// Rows that come one at a time: what loads more with each of them sends as many statements as reading it late.
pub(super) fn of_single_row(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let first = reads.events.first()?;
    let is_walk = cx.flow.values.loop_span(first.needs).is_some_and(|at| is_without_rows(cx, at));
    let found_by = match reads.origin {
        Source::Query(at) => Some(found_by(cx, at)?),
        _ if is_walk => None,
        _ => return None,
    };
    if is_walk {
        return word("walk-help").map(|help| help.as_str().replace("{path}", &path_text(reads.path)));
    }
    let (method, is_keyed) = found_by.filter(|_| reads.from == 0)?;
    let help = word(if is_keyed { "one-by-one-help" } else { "one-by-one-help-otherwise" })?;
    let code = eager_code(cx.ix, reads.root, reads.path)?;
    Some(help.as_str().replace("{method}", method.as_str()).replace("{code}", &code))
}

/// The method that gives one row of the query that starts at a place, if all that run it do; and whether it asks by key.
fn found_by(cx: &CheckContext<'_>, at: Span) -> Option<(Name, bool)> {
    let is_there = |src: &crate::flow::value::Src| cx.flow.values.source_of(*src) == Source::Query(at);
    #[allow(clippy::iter_over_hash_type)]
    if cx.flow.measured.found_lists.iter().any(is_there) {
        return None;
    }
    let mut found = None;
    for execution in &cx.flow.executions {
        if cx.flow.values.source_of(execution.src) != Source::Query(at) || execution.kind != Statement::Read {
            continue;
        }
        let dialect = cx.ix.model(execution.model?).dialect;
        let op = cx.ix.packs.op(dialect, Name::new("query"), execution.method)?;
        if !matches!(op.result, OpResult::Row | OpResult::Pair) {
            return None;
        }
        found = Some((execution.method, op.keyed));
    }
    found
}

/// Is a loop one that goes on while something holds, not one over rows?
fn is_without_rows(cx: &CheckContext<'_>, header: Span) -> bool {
    let Some(f) = cx.function_at(header) else { return false };
    let decl = cx.ix.function(f);
    let goes_on = |l: &Loop| l.iter.is_none() && !counted(decl, l).is_some_and(|(_, is_over_list)| is_over_list);
    decl.body.loop_at(header.range).is_some_and(|(l, _)| goes_on(l))
}

/// A relation that says itself under which name its rows are kept, and names another than its method: loaded, it stays empty.
pub(super) fn misnamed(cx: &CheckContext<'_>, reads: &Reads<'_>, code: &str) -> Option<String> {
    let mut model = Some(reads.root);
    for relation in reads.path {
        let data = cx.ix.model(model?);
        let word = |key: &str| cx.ix.packs.word(data.dialect, key);
        let makers = word("names-itself")?;
        let method = data.class.and_then(|class| cx.ix.find_method(class, *relation));
        if let Some((_, f)) = method {
            let body = &cx.ix.function(f).body;
            let text = |args: &[Arg], key: &str, at: usize| {
                let arg = args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == key));
                let arg = arg.or_else(|| args.get(at).filter(|a| a.name.is_none()))?;
                match body.expr(arg.value) {
                    Expr::Str(text) => Some(*text),
                    _ => None,
                }
            };
            let made = body.exprs.iter().find_map(|expr| match expr {
                Expr::Call { callee, args } => match body.expr(*callee) {
                    Expr::Attr { name, .. } if makers.has_word(name.as_str()) => Some((*name, args)),
                    _ => None,
                },
                _ => None,
            });
            if let Some((maker, args)) = made
                && let Some(other) = text(args, "name", 0).filter(|other| other != relation)
            {
                let part = |key: &str, at: usize| {
                    text(args, key, at).map_or_else(|| format!("{other}_{key}"), |column| column.as_str().to_owned())
                };
                let help = word("names-itself-help")?.as_str().replace("{maker}", maker.as_str());
                let help = help.replace("{relation}", relation.as_str()).replace("{name}", other.as_str());
                return Some(help.replace("{type}", &part("type", 1)).replace("{id}", &part("id", 2)) + code);
            }
        }
        model = data.relations.get(relation).and_then(|r| r.target);
        if model.is_none() {
            break;
        }
    }
    None
}

/// A relation whose definition reads what only a row has: loaded ahead, it is defined on an empty one.
pub(super) fn of_own_row(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let mut model = Some(reads.root);
    for relation in reads.path {
        let data = cx.ix.model(model?);
        let help = cx.ix.packs.word(data.dialect, "defined-by-row-help")?;
        let method = data.class.and_then(|class| cx.ix.find_method(class, *relation));
        let is_of_row = |name: &Name| data.columns.contains_key(name) || data.relations.contains_key(name);
        if let Some(read) = method.and_then(|(_, f)| own_reads(cx, f).into_iter().find(is_of_row)) {
            let help = help.as_str().replace("{relation}", relation.as_str());
            return Some(help.replace("{column}", read.as_str()));
        }
        model = data.relations.get(relation).and_then(|r| r.target);
        if model.is_none() {
            break;
        }
    }
    None
}

/// The attributes of its own object that a method reads, closures in it included.
fn own_reads(cx: &CheckContext<'_>, f: FnRef) -> Vec<Name> {
    let range = cx.ix.function(f).range;
    let functions = cx.ix.file(f.file).functions.iter().filter(|inner| range.contains(inner.range));
    let mut found = Vec::new();
    for decl in functions {
        let body = &decl.body;
        let is_called = |e: ExprId| body.exprs.iter().any(|c| matches!(c, Expr::Call { callee, .. } if *callee == e));
        found.extend(body.own_attrs(None).filter(|(e, _)| !is_called(*e)).map(|(_, name)| name));
    }
    found
}
