//! Which names does a module say it exports?

use crate::base::Name;
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, Pat, Slot, Spread, Stmt};

/// The names of `__all__`, if every statement that sets it gives literals.
pub(super) fn of(body: &Body) -> Option<Vec<Name>> {
    let all = Name::new("__all__");
    let slot = Slot(body.slots.iter().position(|n| *n == all)? as u32);
    let mut names = None;
    for stmt in &body.stmts {
        let Stmt::Expr(expr) = stmt else { continue };
        match body.expr(*expr) {
            Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(slot) => {
                let mut list = Vec::new();
                literals(body, *value, &mut list)?;
                names = Some(list);
            }
            Expr::Augment { target, op: BinaryOp::Add, value, .. } if *body.pat(*target) == Pat::Local(slot) => {
                literals(body, *value, names.get_or_insert_default())?;
            }
            Expr::Call { callee, args } => {
                let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                    continue;
                };
                if *body.expr(*base) != Expr::Local(slot) {
                    continue;
                }
                let [Arg { value, spread: Spread::No, .. }] = args[..] else {
                    return None;
                };
                match name.as_str() {
                    "extend" => literals(body, value, names.get_or_insert_default())?,
                    "append" => names.get_or_insert_default().push(literal(body, value)?),
                    "remove" => {
                        let gone = literal(body, value)?;
                        names.get_or_insert_default().retain(|n| *n != gone);
                    }
                    _ => return None,
                }
            }
            _ => (),
        }
    }
    names
}

fn literals(body: &Body, value: ExprId, names: &mut Vec<Name>) -> Option<()> {
    let mut work = vec![value];
    while let Some(value) = work.pop() {
        match body.expr(value) {
            Expr::Seq { items, .. } => {
                for item in items {
                    if item.spread != Spread::No {
                        return None;
                    }
                    names.push(literal(body, item.value)?);
                }
            }
            Expr::Binary { op: BinaryOp::Add, left, right } => work.extend([*right, *left]),
            _ => return None,
        }
    }
    Some(())
}

fn literal(body: &Body, value: ExprId) -> Option<Name> {
    match body.expr(value) {
        Expr::Str(name) => Some(*name),
        _ => None,
    }
}
