//! Is what is asked here kept by a cache, so that it is asked seldom?

use super::CheckContext;
use crate::base::{Name, Span};
use crate::facts::{Arg, Expr, ExprId, FnKind, Language, Slot};
use crate::flow::Event;
use crate::index::{FnRef, Symbol};

/// Does a place stand in a function that is handed to a cache where it is written?
pub(super) fn stands_in_cached(cx: &CheckContext<'_>, place: Span) -> bool {
    let Some(keepers) = keepers(cx, place) else { return false };
    let mut at = cx.function_at(place);
    while let Some(f) = at {
        let decl = cx.ix.function(f);
        let Some(parent) = decl.parent.filter(|_| decl.kind == FnKind::Closure) else { return false };
        let around = FnRef { file: f.file, id: parent };
        let body = &cx.ix.function(around).body;
        let is_given = |args: &[Arg]| args.iter().any(|a| matches!(body.expr(a.value), Expr::Closure(id) if *id == f.id));
        let is_cached = body.exprs.iter().any(|expr| match expr {
            Expr::Call { callee, args } => {
                matches!(body.expr(*callee), Expr::Attr { name, .. } if keepers.has_word(name.as_str())) && is_given(args)
            }
            _ => false,
        });
        if is_cached {
            return true;
        }
        at = Some(around);
    }
    false
}

fn keepers(cx: &CheckContext<'_>, at: Span) -> Option<Name> {
    let language = if cx.ix.file(at.file).language == Language::Python { "python" } else { "php" };
    cx.ix.packs.word_in_language(Name::new(language), "store-makers")
}

/// Does a function that leads there keep what it gives, for whoever asks the same later?
pub(super) fn is_kept_by_decorator(cx: &CheckContext<'_>, event: &Event) -> bool {
    let Some(caches) = cx.ix.packs.word_in_language(Name::new("python"), "call-caches") else { return false };
    // The loop runs in the outermost function: what that keeps is the whole of it.
    let called = event.path.iter().rev().skip(1).copied().chain([event.site]);
    !event.path.is_empty()
        && called.filter_map(|at| cx.function_at(at)).flat_map(|f| cx.decorators(f)).any(|decorator| match decorator {
            Symbol::External(name) => caches.has_word(name.as_str()),
            _ => false,
        })
}

/// Does a method that leads there run a function that it was given, or hand it to a cache that keeps what it gives?
pub(super) fn runs_for_cache(cx: &CheckContext<'_>, event: &Event) -> bool {
    event.path.iter().any(|call| {
        let Some(f) = cx.function_at(*call) else { return false };
        let decl = cx.ix.function(f);
        let body = &decl.body;
        let Some(keepers) = keepers(cx, *call) else { return false };
        let given = |args: &[Arg]| -> Vec<Slot> {
            let slots = args.iter().filter_map(|a| match body.expr(a.value) {
                Expr::Local(slot) if decl.params.iter().any(|p| p.slot == *slot) => Some(*slot),
                _ => None,
            });
            slots.collect()
        };
        let calls = |e: &ExprId| matches!(body.expr(*e), Expr::Local(_));
        let here: Vec<Slot> = body
            .exprs
            .iter()
            .zip(&body.ranges)
            .filter(|(_, range)| **range == call.range)
            .flat_map(|(expr, _)| match expr {
                Expr::Call { callee, .. } if calls(callee) => match body.expr(*callee) {
                    Expr::Local(slot) => vec![*slot],
                    _ => Vec::new(),
                },
                Expr::Call { args, .. } => given(args),
                _ => Vec::new(),
            })
            .collect();
        !here.is_empty()
            && body.exprs.iter().any(|expr| match expr {
                Expr::Call { callee, args } => match body.expr(*callee) {
                    Expr::Attr { name, .. } => keepers.has_word(name.as_str()) && given(args).iter().any(|s| here.contains(s)),
                    _ => false,
                },
                _ => false,
            })
    })
}
