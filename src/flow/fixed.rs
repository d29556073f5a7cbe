//! Is a value that is not known at least the same in every turn of the loops around it?

use super::call::Args;
use super::{Engine, Frame};
use crate::facts::{BinaryOp, Expr, ExprId, Pat};

/// Expressions nest at most so deep.
const MAX_NESTING: usize = 6;

impl<'a> Engine<'a> {
    /// Is the first argument made of what does not change: literals, constants, settings, fields of the object itself?
    pub(super) fn is_fixed_argument(&self, fr: &Frame<'a>, args: &Args) -> bool {
        let Some(range) = args.ranges.first() else { return false };
        let found = fr.body.ranges.iter().rposition(|r| r == range);
        found.is_some_and(|at| is_fixed(fr, ExprId(at as u32), MAX_NESTING))
    }
}

fn is_fixed(fr: &Frame<'_>, e: ExprId, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let body = fr.body;
    match body.expr(e) {
        Expr::Str(_) | Expr::Int(_) | Expr::This | Expr::Class(_) => true,
        Expr::Same(inner) => is_fixed(fr, *inner, depth),
        Expr::Attr { base, .. } => matches!(body.expr(*base), Expr::This | Expr::Class(_)),
        Expr::Binary { op: BinaryOp::Concat, left, right } | Expr::Coalesce(left, right) => {
            is_fixed(fr, *left, depth) && is_fixed(fr, *right, depth)
        }
        Expr::Interpolated(parts) => parts.iter().all(|p| is_fixed(fr, *p, depth)),
        Expr::Call { callee, args } => {
            let is_plain = match body.expr(*callee) {
                Expr::Function { .. } => true,
                Expr::Attr { base, .. } => is_fixed(fr, *base, depth),
                _ => false,
            };
            is_plain && args.iter().all(|a| is_fixed(fr, a.value, depth))
        }
        Expr::New { args, .. } => args.is_empty(),
        Expr::Local(slot) => {
            let is_turned = fr.turns.iter().any(|(_, t)| t.iter().flatten().any(|p| *body.pat(*p) == Pat::Local(*slot)));
            !is_turned && fr.decl.only_value(*slot).is_some_and(|value| is_fixed(fr, value, depth))
        }
        _ => false,
    }
}
