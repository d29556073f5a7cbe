//! Does a loop end the life of the rows it runs over? Then what it asks of each is asked for the last time.

use super::CheckContext;
use crate::base::Span;
use crate::facts::{Expr, ExprId, Pat, Stmt};

/// Does the loop delete each row in its own turn, one by one, so that whatever belongs to the row goes with it?
pub(super) fn ends_its_rows(cx: &CheckContext<'_>, header: Span) -> bool {
    let Some(f) = cx.function_at(header) else { return false };
    let body = &cx.ix.function(f).body;
    let found = body.stmts.iter().zip(&body.stmt_ranges).find_map(|(stmt, range)| match stmt {
        Stmt::Loop(l) if l.header == header.range => Some((l.target?, *range)),
        _ => None,
    });
    let Some((target, whole)) = found else { return false };
    let Pat::Local(row) = body.pat(target) else { return false };
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
