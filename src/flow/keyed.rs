//! Does a condition hold in a few turns of a loop only: `if ($key === 'tags')` in `foreach ($filters as $key => $value)`?
//!
//! Keys come once each. What runs for one key that the code names is not paid once per turn.

use smallvec::SmallVec;

use super::value::{LoopId, NO_LOOP};
use super::{Engine, Frame, What};
use crate::base::Name;
use crate::facts::{BinaryOp, Case, Expr, ExprId, Language, Pat, Slot, Stmt};

/// So many keys named together are still few turns.
const FEW_KEYS: usize = 4;
/// Conditions nest at most so deep.
const MAX_NESTING: usize = 12;

/// What templates ask the turn of a loop for that holds in one only.
const ENDS: [&str; 2] = ["first", "last"];
/// What it counts.
const COUNTS: [&str; 5] = ["counter", "counter0", "index", "index0", "iteration"];

type Loops = SmallVec<[LoopId; 2]>;

impl<'a> Engine<'a> {
    /// What was noted since a mark stands under a condition that holds (or does not): in loops by whose key it asks, it runs
    /// for few turns.
    pub(super) fn for_named_keys(&self, fr: &mut Frame<'a>, cond: ExprId, holds: bool, mark: usize) {
        if fr.turns.is_empty() || fr.buffer.len() <= mark {
            return;
        }
        let few = self.named(fr, cond, holds, MAX_NESTING);
        drop_loops(fr, &few, mark);
    }

    /// What was noted since a mark stands in the handler of an error: turns that fail are few. Errors that only say that
    /// there is no such thing are answers like others.
    pub(super) fn for_failures(&self, fr: &mut Frame<'a>, case: &'a Case, mark: usize) {
        let Some(words) = self.ix.packs.word_in_language(self.language(fr), "absence-errors") else { return };
        let is_absence = |e: &ExprId| match fr.body.expr(*e) {
            Expr::Name(name) | Expr::Attr { name, .. } | Expr::Class(name) => {
                words.as_str().split_whitespace().any(|w| name.last_segment().ends_with(w))
            }
            _ => true,
        };
        if case.tests.is_empty() || case.tests.iter().any(is_absence) {
            return;
        }
        let around = fr.loops.clone();
        drop_loops(fr, &around, mark);
        let mut at = 0;
        fr.buffer.retain(|event| {
            at += 1;
            let is_asked = matches!(event.what, What::Read { .. } | What::Column { .. } | What::Statement { .. });
            at <= mark || !is_asked || !event.loops.is_empty()
        });
    }

    /// The loops of which only a few turns meet the condition.
    fn named(&self, fr: &Frame<'_>, cond: ExprId, holds: bool, depth: usize) -> Loops {
        let Some(depth) = depth.checked_sub(1) else { return Loops::new() };
        let body = fr.body;
        match body.expr(cond) {
            Expr::Not(inner) => self.named(fr, *inner, !holds, depth),
            Expr::Same(inner) => self.named(fr, *inner, holds, depth),
            Expr::And(a, b) if holds => both(self.named(fr, *a, true, depth), self.named(fr, *b, true, depth)),
            Expr::Or(a, b) if !holds => both(self.named(fr, *a, false, depth), self.named(fr, *b, false, depth)),
            Expr::Or(a, b) | Expr::And(a, b) => {
                let first = self.named(fr, *a, holds, depth);
                let second = self.named(fr, *b, holds, depth);
                first.into_iter().filter(|l| second.contains(l)).collect()
            }
            Expr::Attr { base, name, .. } | Expr::Lookup { base, name, .. } if holds && ENDS.contains(&name.as_str()) => {
                drawn_loop(fr, *base)
            }
            Expr::Binary { op, left, right } if (*op == BinaryOp::Equal && holds) || (*op == BinaryOp::NotEqual && !holds) => {
                if is_written(fr, *right) {
                    keyed_loop(fr, *left)
                } else if is_written(fr, *left) {
                    keyed_loop(fr, *right)
                } else {
                    let mut loops = both(self.identified_loop(fr, *left, *right), self.identified_loop(fr, *right, *left));
                    loops.extend(self.converted_loop(fr, *left, *right));
                    loops.extend(self.converted_loop(fr, *right, *left));
                    loops
                }
            }
            Expr::Binary { op, left, right } if (*op == BinaryOp::In && holds) || (*op == BinaryOp::NotIn && !holds) => {
                if is_short_list(fr, *right) {
                    keyed_loop(fr, *left)
                } else {
                    Loops::new()
                }
            }
            Expr::Call { callee, args } if holds => match body.expr(*callee) {
                Expr::Function { fallback, .. } if fallback.as_str() == "in_array" && args.len() >= 2 => {
                    if is_short_list(fr, args[1].value) { keyed_loop(fr, args[0].value) } else { Loops::new() }
                }
                // `$day->isToday()`
                Expr::Attr { base, name, .. } if self.says(fr, "one-turn-tests", *name) => {
                    if args.iter().all(|a| is_fixed(fr, a.value)) { keyed_loop(fr, *base) } else { Loops::new() }
                }
                _ => Loops::new(),
            },
            _ => Loops::new(),
        }
    }

    /// The running loop over rows of which an expression reads the primary key, to compare it with what the loop does not set.
    fn identified_loop(&self, fr: &Frame<'_>, key: ExprId, other: ExprId) -> Loops {
        let body = fr.body;
        let (Expr::Attr { base, name, .. } | Expr::Lookup { base, name, .. }) = body.expr(key) else { return Loops::new() };
        let Expr::Local(slot) = body.expr(*base) else { return Loops::new() };
        let Some(row) = fr.locals.get(slot.0 as usize).and_then(|v| self.bare_row(*v)) else { return Loops::new() };
        let model = self.ix.model(row.model);
        let is_alias = || self.ix.packs.word(model.dialect, "key-names").is_some_and(|w| w.has_word(name.as_str()));
        if !model.columns.get(name).map_or_else(is_alias, |c| c.is_primary) {
            return Loops::new();
        }
        let Some((id, pats)) = fr.turns.last() else { return Loops::new() };
        let is_set = |slot: Slot| pats.iter().flatten().any(|p| body.binds(*p, slot));
        let is_fixed = match body.expr(other) {
            Expr::Local(other) => !is_set(*other),
            Expr::Attr { base, .. } | Expr::Lookup { base, .. } => match body.expr(*base) {
                Expr::Local(other) => !is_set(*other),
                Expr::This | Expr::Name(_) => true,
                _ => false,
            },
            // What a page is given, and no part of it sets.
            Expr::Name(_) => fr.language.is_template(),
            _ => false,
        };
        if *id != NO_LOOP && is_set(*slot) && is_fixed { Loops::from_slice(&[*id]) } else { Loops::new() }
    }

    fn says(&self, fr: &Frame<'_>, key: &str, name: Name) -> bool {
        let language = if fr.language == Language::Python { self.names.python } else { self.names.php };
        self.ix.packs.word_in_language(language, key).is_some_and(|w| w.has_word(name.as_str()))
    }

    /// The running loop whose value a conversion that tells values apart is compared with what the loop does not change:
    /// `$day->toDateString() === now()->toDateString()`.
    fn converted_loop(&self, fr: &Frame<'_>, value: ExprId, other: ExprId) -> Loops {
        let body = fr.body;
        let mut e = value;
        let mut steps = 0;
        while let Expr::Call { callee, args } = body.expr(e) {
            let is_constant = |a: &crate::facts::Arg| is_written(fr, a.value);
            e = match body.expr(*callee) {
                Expr::Attr { base, name, .. } if self.says(fr, "conversions", *name) && args.iter().all(is_constant) => *base,
                _ => return Loops::new(),
            };
            steps += 1;
        }
        if steps > 0 && is_fixed(fr, other) { keyed_loop(fr, e) } else { Loops::new() }
    }

    /// The same for a case of a switch, or an arm of a match, over the key.
    pub(super) fn for_named_tests(&self, fr: &mut Frame<'a>, subject: ExprId, tests: &'a [ExprId], mark: usize) {
        if fr.turns.is_empty() || fr.buffer.len() <= mark || tests.is_empty() || tests.len() > FEW_KEYS {
            return;
        }
        if !tests.iter().all(|t| is_written(fr, *t)) {
            return;
        }
        let few = keyed_loop(fr, subject);
        drop_loops(fr, &few, mark);
    }
}

fn drop_loops(fr: &mut Frame<'_>, few: &[LoopId], mark: usize) {
    if few.is_empty() {
        return;
    }
    for event in fr.buffer.iter_mut().skip(mark) {
        event.loops.retain(|l| !few.contains(l));
    }
}

fn both(mut a: Loops, b: Loops) -> Loops {
    a.extend(b);
    a
}

/// Does the code write a value down: a literal, a constant of a class, the value of a case?
fn is_written(fr: &Frame<'_>, e: ExprId) -> bool {
    match fr.body.expr(e) {
        Expr::Str(_) | Expr::Int(_) => true,
        Expr::Attr { base, name, .. } => match fr.body.expr(*base) {
            Expr::Class(_) => true,
            Expr::Attr { base, .. } => name.as_str() == "value" && matches!(fr.body.expr(*base), Expr::Class(_)),
            _ => false,
        },
        _ => false,
    }
}

/// Does nothing in an expression come from the variables of the running loops, or of any assignment in this function?
fn is_fixed(fr: &Frame<'_>, e: ExprId) -> bool {
    let mut todo = vec![e];
    while let Some(e) = todo.pop() {
        match fr.body.expr(e) {
            Expr::Local(slot) => {
                let is_set = fr.turns.iter().flat_map(|(_, pats)| pats).flatten().any(|p| fr.body.binds(*p, *slot));
                let is_param = fr.decl.params.iter().any(|p| p.slot == *slot);
                if is_set || !is_param && fr.decl.only_value(*slot).is_none() {
                    return false;
                }
            }
            Expr::Call { callee, args } => {
                todo.push(*callee);
                todo.extend(args.iter().map(|a| a.value));
            }
            Expr::Attr { base, .. } => todo.push(*base),
            Expr::Str(_) | Expr::Int(_) | Expr::This | Expr::Class(_) | Expr::Function { .. } | Expr::Name(_) => (),
            _ => return false,
        }
    }
    true
}

fn is_short_list(fr: &Frame<'_>, e: ExprId) -> bool {
    matches!(fr.body.expr(e), Expr::Seq { items, .. } if items.len() <= FEW_KEYS && items.iter().all(|i| is_written(fr, i.value)))
}

/// The innermost loop of a template, if an expression is the variable that tells its turn.
fn drawn_loop(fr: &Frame<'_>, e: ExprId) -> Loops {
    let name = match fr.body.expr(e) {
        Expr::Local(slot) => fr.body.slots.get(slot.0 as usize),
        Expr::Name(name) => Some(name),
        _ => None,
    };
    let is_turn = name.is_some_and(|n| fr.language.turn_variable() == Some(n.as_str()));
    let innermost = fr.turns.last().map(|(id, _)| *id).filter(|id| is_turn && *id != NO_LOOP);
    innermost.into_iter().collect()
}

/// The running loop whose key an expression reads.
fn keyed_loop(fr: &Frame<'_>, e: ExprId) -> Loops {
    if let Expr::Attr { base, name, .. } | Expr::Lookup { base, name, .. } = fr.body.expr(e)
        && COUNTS.contains(&name.as_str())
    {
        return drawn_loop(fr, *base);
    }
    let Expr::Local(slot) = fr.body.expr(e) else { return Loops::new() };
    // What is compared with a literal is no row: a name, of which a list has each once.
    let is_it = |pat: crate::facts::PatId| *fr.body.pat(pat) == Pat::Local(*slot);
    let is_key = |target: Option<crate::facts::PatId>, key: Option<crate::facts::PatId>| match key {
        Some(key) => is_it(key),
        None => target.is_some_and(|target| is_it(target) || is_first_of_items(fr, target, *slot)),
    };
    fr.turns.iter().filter(|(id, [target, key])| *id != NO_LOOP && is_key(*target, *key)).map(|(id, _)| *id).collect()
}

/// `for key, value in filters.items()`, `for i, row in enumerate(rows)`: the first of a pair that comes once.
fn is_first_of_items(fr: &Frame<'_>, target: crate::facts::PatId, slot: Slot) -> bool {
    if fr.language != Language::Python {
        return false;
    }
    let body = fr.body;
    let Pat::Seq(items) = body.pat(target) else { return false };
    let Some((Some(first), false)) = items.first() else { return false };
    if *body.pat(*first) != Pat::Local(slot) {
        return false;
    }
    body.stmts.iter().any(|s| match s {
        Stmt::Loop(l) if l.target == Some(target) => l.iter.is_some_and(|i| match body.expr(i) {
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { name, .. } => *name == Name::new("items"),
                Expr::Name(name) => *name == Name::new("enumerate"),
                _ => false,
            },
            _ => false,
        }),
        _ => false,
    })
}
