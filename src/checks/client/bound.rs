//! Can a client that is built here be shared at all: is it bound to one address, one conversation or one identity?

use crate::base::Name;
use crate::checks::CheckContext;
use crate::facts::{Body, Expr, ExprId, Pat};
use crate::flow::Event;
use crate::index::{FnRef, Symbol};
use crate::packs::ClientEntry;

/// Values are followed this far.
const MAX_STEPS: usize = 6;

/// Do the calls say for which host name a connection is, so that nobody else may use it?
pub(super) fn is_pinned(cx: &CheckContext<'_>, event: &Event) -> bool {
    let words = cx.ix.packs.word_list("pinning-keys");
    let is_key = |name: Name| words.iter().any(|w| w == name.as_str());
    let body = &cx.ix.function(event.owner).body;
    body.exprs.iter().any(|e| match e {
        Expr::Map(entries) => {
            entries.iter().any(|(key, _)| key.is_some_and(|k| matches!(body.expr(k), Expr::Str(s) if is_key(*s))))
        }
        Expr::Call { args, .. } => args.iter().any(|a| a.name.is_some_and(is_key)),
        Expr::Assign { target, .. } => match body.pat(*target) {
            Pat::Index { index: Some(key), .. } => matches!(body.expr(*key), Expr::Str(s) if is_key(*s)),
            _ => false,
        },
        _ => false,
    })
}

/// Does the function build the same thing, here or on another way, over connections that are made for this one purpose?
pub(super) fn has_bound_arm(cx: &CheckContext<'_>, event: &Event, client: Name, entry: &ClientEntry) -> bool {
    let f = event.owner;
    let body = &cx.ix.function(f).body;
    entry.addressed
        && body.exprs.iter().any(|e| match e {
            Expr::Call { callee, args } => {
                let is_connection = |name: Name| entry.shared.iter().any(|s| s == name.as_str());
                args.iter().any(|a| a.name.is_some_and(is_connection) && is_made_for(cx, f, a.value, 0))
                    && matches!(cx.named(f, *callee), Symbol::External(name) if name == client)
            }
            _ => false,
        })
}

/// Is a value made of what is not the same for all?
fn is_made_for(cx: &CheckContext<'_>, f: FnRef, e: ExprId, depth: usize) -> bool {
    let decl = cx.ix.function(f);
    match decl.body.expr(e) {
        Expr::Call { args, .. } | Expr::New { args, .. } => args.iter().any(|a| !is_written_down(cx, f, a.value, 0)),
        Expr::Local(slot) if depth < MAX_STEPS => {
            decl.only_value(*slot).is_some_and(|value| is_made_for(cx, f, value, depth + 1))
        }
        _ => false,
    }
}

/// Is what is built used for nothing but conversations that have a connection of their own?
pub(super) fn is_for_conversations(cx: &CheckContext<'_>, event: &Event) -> bool {
    let words = cx.ix.packs.word_list("conversations");
    super::turns::is_used_only_for(cx, event, &words, true)
}

/// The argument by which a construction is given what belongs to one caller: `headers`.
pub(super) fn of_one_caller(cx: &CheckContext<'_>, event: &Event) -> Option<Name> {
    let words = cx.ix.packs.word_list("arguments-of-requests");
    let body = &cx.ix.function(event.owner).body;
    let (_, args) = super::given::call_at(body, event.site.range)?;
    args.iter().find_map(|a| {
        let name = a.name.filter(|n| words.iter().any(|w| w == n.as_str()))?;
        (!is_written_down(cx, event.owner, a.value, 0)).then_some(name)
    })
}

/// Is a value made of texts and of what the process alone holds?
fn is_written_down(cx: &CheckContext<'_>, f: FnRef, e: ExprId, depth: usize) -> bool {
    if depth > MAX_STEPS {
        return false;
    }
    let decl = cx.ix.function(f);
    let body = &decl.body;
    let next = |e: ExprId| is_written_down(cx, f, e, depth + 1);
    match body.expr(e) {
        Expr::Str(_) | Expr::Int(_) | Expr::Bool(_) | Expr::Null | Expr::Name(_) => true,
        Expr::Attr { base, .. } | Expr::Same(base) => next(*base),
        Expr::Map(entries) => entries.iter().all(|(_, value)| next(value.value)),
        Expr::Seq { items, .. } => items.iter().all(|i| next(i.value)),
        Expr::Interpolated(parts) => parts.iter().all(|p| next(*p)),
        Expr::Binary { left, right, .. } | Expr::Or(left, right) | Expr::Coalesce(left, right) => next(*left) && next(*right),
        Expr::Index { base, index } => next(*base) && index.is_none_or(next),
        Expr::Call { callee, args } => next(*callee) && args.iter().all(|a| next(a.value)),
        Expr::Local(slot) => match decl.only_value(*slot) {
            Some(value) => next(value),
            None => is_import(body, *slot),
        },
        _ => false,
    }
}

fn is_import(body: &Body, slot: crate::facts::Slot) -> bool {
    body.stmts.iter().any(|s| matches!(s, crate::facts::Stmt::Import { slot: s, .. } if *s == slot))
}

/// Parts of a cure that only fit an application of another kind, replaced.
pub(super) fn cure_here(cx: &CheckContext<'_>, event: &Event, cure: &str) -> String {
    const IN_LIFESPAN: &str = ", in the lifespan";
    if !cure.contains(IN_LIFESPAN) {
        return cure.to_owned();
    }
    let words = cx.ix.packs.word_list("lifespan-applications");
    let others = cx.ix.packs.word_list("other-servers");
    let is_of_other = event.entry.is_some_and(|f| {
        let facts = cx.ix.file(f.file);
        let is_other = |module: &str| others.iter().any(|o| module == o || module.starts_with(&format!("{o}.")));
        facts.imports.iter().any(|i| i.level == 0 && is_other(i.target.as_str()))
    });
    if is_of_other {
        return cure.replace(IN_LIFESPAN, ", when the application starts");
    }
    let builds = |f: FnRef| {
        let body = &cx.ix.function(f).body;
        body.exprs.iter().any(|e| match e {
            Expr::Call { callee, .. } => {
                let Some(last) = body.last_name(*callee) else { return false };
                words.iter().any(|w| w.rsplit('.').next() == Some(last.as_str()))
                    && match cx.named(f, *callee) {
                        Symbol::External(name) => words.iter().any(|w| w == name.as_str()),
                        Symbol::Class(class) => {
                            cx.ix.class(class).external.iter().any(|name| words.iter().any(|w| w == name.as_str()))
                        }
                        _ => false,
                    }
            }
            _ => false,
        })
    };
    // A library is built into applications that it does not know, and what no request leads to runs elsewhere than they do.
    let has_application = event.entry.is_some() && cx.functions().iter().any(|f| builds(*f));
    if has_application { cure.to_owned() } else { cure.replace(IN_LIFESPAN, "") }
}
