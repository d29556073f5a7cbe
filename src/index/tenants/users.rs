//! What does code say of the tenant of whoever is signed in: which columns does it compare, and what does it keep for a request?

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::base::Name;
use crate::facts::{BinaryOp, Body, Expr, ExprId, FnKind, Language, Pat};
use crate::index::ProjectIndex;

/// Names under which code keeps something on certain objects while a request is handled.
pub(super) fn kept_names(index: &ProjectIndex<'_>, keepers: &[String]) -> BTreeSet<Name> {
    let keeps = |name: &Name| keepers.iter().any(|k| k == name.as_str());
    let mut found = BTreeSet::new();
    for facts in index.facts.iter().filter(|f| f.language == Language::Python) {
        for function in &facts.functions {
            let body = &function.body;
            for pat in &body.pats {
                let Pat::Attr { base, name } = pat else { continue };
                let is_kept = match body.expr(*base) {
                    Expr::Name(n) | Expr::Attr { name: n, .. } => keeps(n),
                    Expr::Local(slot) => keeps(&body.slots[slot.0 as usize]),
                    _ => false,
                };
                if is_kept {
                    found.insert(*name);
                }
            }
        }
    }
    found
}

/// How often a column is compared with the same column of the current user, by column.
pub(super) fn user_conditions(index: &ProjectIndex<'_>) -> BTreeMap<Name, usize> {
    let users: FxHashSet<&str> = index.packs.tenancy().user_names.iter().map(String::as_str).collect();
    let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
    for facts in index.facts {
        for function in &facts.functions {
            if function.kind == FnKind::Template {
                continue;
            }
            let body = &function.body;
            for expr in &body.exprs {
                let compared: Vec<(Name, ExprId)> = match expr {
                    Expr::Call { args, .. } => {
                        let placed = args.iter().enumerate().filter_map(|(at, arg)| {
                            let before = at.checked_sub(1).map(|b| body.expr(args[b].value));
                            let column = arg.name.or_else(|| match before {
                                Some(Expr::Str(column)) => Some(Name::new(column.last_segment())),
                                _ => None,
                            });
                            Some((column?, arg.value))
                        });
                        placed.collect()
                    }
                    // `where(['team_id' => $user->team_id])`
                    Expr::Map(entries) => {
                        let keyed = entries.iter().filter_map(|(key, value)| match body.expr((*key)?) {
                            Expr::Str(column) => Some((Name::new(column.last_segment()), value.value)),
                            _ => None,
                        });
                        keyed.collect()
                    }
                    // `Recipe.team_id == user.team_id`
                    Expr::Binary { op: BinaryOp::Equal, left, right } => {
                        let sides = [(*left, *right), (*right, *left)];
                        let named = sides.into_iter().filter_map(|(column, value)| match body.expr(column) {
                            Expr::Attr { base, name, .. } if matches!(body.expr(*base), Expr::Name(_)) => Some((*name, value)),
                            _ => None,
                        });
                        named.collect()
                    }
                    _ => continue,
                };
                for (column, value) in compared {
                    *counts.entry(column).or_default() += usize::from(is_same_of_user(body, column, value, &users));
                }
            }
        }
    }
    counts.retain(|_, n| *n > 0);
    counts
}

/// Does an expression read the column of this name of the current user, or of what hangs on it?
fn is_same_of_user(body: &Body, column: Name, value: ExprId, users: &FxHashSet<&str>) -> bool {
    let mut value = value;
    for _ in 0..3 {
        let Expr::Attr { base, name, .. } = body.expr(value) else { return false };
        let inner = match body.expr(*base) {
            Expr::Call { callee, .. } => *callee,
            _ => *base,
        };
        let owner = match body.expr(inner) {
            Expr::Attr { name, .. } => Some(*name),
            Expr::Local(slot) => body.slots.get(slot.0 as usize).copied(),
            Expr::Name(name) => Some(*name),
            _ => None,
        };
        let is_same = *name == column || format!("{name}_id") == column.as_str() || name.as_str() == format!("{column}_id");
        if is_same && owner.is_some_and(|o| users.contains(o.as_str())) {
            return true;
        }
        value = *base;
    }
    false
}
