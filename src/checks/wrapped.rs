//! What do decorators of the program do around the functions that a loop calls?

use super::CheckContext;
use super::load_help::{Reads, is_given_false};
use crate::base::Name;
use crate::facts::{Expr, FnId, Language};
use crate::index::{FnRef, Symbol};

/// What makes the session forget its rows after each turn, the decorator that calls it, and the function that is decorated.
pub(super) fn forgets_rows(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<(Name, Name, Name)> {
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let (method, keeps) = (word("forgets-rows")?, word("keeps-rows")?);
    let header = cx.flow.values.loop_span(reads.events.first()?.needs)?;
    let f = cx.function_at(header)?;
    if cx.ix.file(f.file).language != Language::Python {
        return None;
    }
    let body = &cx.ix.function(f).body;
    let (_, whole) = body.loop_at(header.range)?;
    let names: Vec<Name> = body
        .exprs
        .iter()
        .zip(&body.ranges)
        .filter_map(|(expr, range)| match expr {
            Expr::Call { callee, .. } if whole.contains(*range) => match body.expr(*callee) {
                Expr::Name(name) | Expr::Attr { name, .. } => Some(*name),
                Expr::Local(slot) => body.slots.get(slot.0 as usize).copied(),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let found = cx.flow.called_by(f).filter(|g| names.contains(&cx.ix.function(*g).name)).find_map(|g| {
        let own = cx.decorators(g).into_iter().filter_map(|symbol| if let Symbol::Function(d) = symbol { Some(d) } else { None });
        let decorator = own.into_iter().find(|d| calls_method(cx, *d, method))?;
        Some((method, cx.ix.function(decorator).name, cx.ix.function(g).name))
    })?;
    (!is_given_false(cx, keeps)).then_some(found)
}

/// Does a function, or one inside of it, call a method of this name?
fn calls_method(cx: &CheckContext<'_>, f: FnRef, method: Name) -> bool {
    let functions = &cx.ix.file(f.file).functions;
    functions.iter().enumerate().any(|(i, decl)| {
        let mut at = Some(FnId(i as u32));
        while let Some(id) = at.filter(|id| *id != f.id) {
            at = functions[id.0 as usize].parent;
        }
        let body = &decl.body;
        at.is_some()
            && body.exprs.iter().any(|expr| match expr {
                Expr::Call { callee, .. } => matches!(body.expr(*callee), Expr::Attr { name, .. } if *name == method),
                _ => false,
            })
    })
}
