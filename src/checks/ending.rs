//! Does a turn of a loop do so much for its row that a query more is nothing beside it: end its life, or wait for the network or
//! a file?

use super::CheckContext;
use crate::base::{Name, Span};
use crate::facts::{Expr, ExprId, Language, Pat, Stmt, StmtId};
use crate::index::Symbol;

/// Does the loop delete each row in its own turn, one by one, so that whatever belongs to the row goes with it?
pub(super) fn ends_its_rows(cx: &CheckContext<'_>, header: Span) -> bool {
    let Some(f) = cx.function_at(header) else { return false };
    let body = &cx.ix.function(f).body;
    let Some((turns, whole)) = body.loop_at(header.range) else { return false };
    let Some(Pat::Local(row)) = turns.target.map(|target| body.pat(target)) else { return false };
    let is_row = |e: ExprId| *body.expr(e) == Expr::Local(*row);
    let deletes = cx.ix.packs.word_list("row-deletes");
    body.exprs.iter().zip(&body.ranges).any(|(expr, range)| match expr {
        Expr::Call { callee, args } if whole.contains(*range) => match body.expr(*callee) {
            Expr::Attr { base, name, .. } => {
                let is_gone = |e: ExprId| deletes.iter().any(|d| d == name.as_str()) && is_row(e);
                is_gone(*base) || args.len() == 1 && is_gone(args[0].value)
            }
            _ => false,
        },
        _ => false,
    })
}

/// Does the loop leave for good at the end of its turn, so that only rows that a condition passes over are followed by others?
pub(super) fn leaves_at_first(cx: &CheckContext<'_>, header: Span) -> bool {
    let Some(f) = cx.function_at(header) else { return false };
    let body = &cx.ix.function(f).body;
    let Some((turns, _)) = body.loop_at(header.range) else { return false };
    let leaves = |s: &StmtId| matches!(body.stmt(*s), Stmt::Return(_) | Stmt::Break(_) | Stmt::Raise(_));
    turns.body.last().is_some_and(leaves)
}

/// What is as quick as the query itself, or is one.
const QUICK: [&str; 2] = ["the database", "the cache server"];

/// Does each turn of the loop itself call something that waits for the network or a file?
pub(super) fn waits_for_more(cx: &CheckContext<'_>, header: Span) -> bool {
    let Some(f) = cx.function_at(header) else { return false };
    let body = &cx.ix.function(f).body;
    let Some((_, whole)) = body.loop_at(header.range) else { return false };
    let language = Name::new(if cx.ix.file(f.file).language == Language::Python { "python" } else { "php" });
    let word = |key: &str| cx.ix.packs.word_in_language(language, key);
    let (senders, sends) = (word("slow-senders"), word("slow-methods"));
    body.exprs.iter().zip(&body.ranges).any(|(expr, range)| {
        let Expr::Call { callee, .. } = expr else { return false };
        if !whole.contains(*range) || range.start < header.range.end {
            return false;
        }
        if let Symbol::External(name) = cx.named(f, *callee) {
            let is_slow = cx.ix.packs.blocking(name).is_some_and(|entry| !QUICK.contains(&entry.what.as_str()));
            if is_slow || senders.is_some_and(|w| w.has_word(name.as_str())) {
                return true;
            }
        }
        // `Mail::to($user)->send($mail)`, `$user->notify($news)`
        let Expr::Attr { base, name, .. } = body.expr(*callee) else { return false };
        let mut at = *base;
        while let Expr::Call { callee, .. } | Expr::Attr { base: callee, .. } = body.expr(at) {
            at = *callee;
        }
        let is_sender = matches!(body.expr(at), Expr::Class(class) if senders.is_some_and(|w| w.has_word(class.as_str())));
        is_sender || sends.is_some_and(|w| w.has_word(name.as_str()))
    })
}
