//! Does a loop end after a handful of turns, whatever it runs over?

use super::value::Data;
use super::{Engine, Frame};
use crate::base::Range;
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, FunctionDecl, Loop, Pat, PatId, Slot, Stmt, StmtId};
use crate::index::Symbol;

/// Values are followed to the configuration over at most so many steps.
const MAX_STEPS: usize = 4;

impl<'a> Engine<'a> {
    /// Does a loop over this turn a few times only: is it written down in the configuration, the parts of a path, or the starts
    /// of parts of a list?
    pub(super) fn has_few(&self, fr: &Frame<'a>, e: ExprId) -> bool {
        self.is_configured(fr, e, MAX_STEPS) || self.is_path(fr, e, MAX_STEPS) || goes_in_strides(fr, e)
    }

    /// Does a loop only try something again until it is left: `for _ in range(tries):`, and a way out?
    pub(super) fn is_attempted(&self, fr: &Frame<'a>, l: &'a Loop) -> bool {
        let body = fr.body;
        let Some(slot) = l.target.and_then(|t| if let Pat::Local(slot) = body.pat(t) { Some(*slot) } else { None }) else {
            return false;
        };
        let counts = l.iter.is_some_and(|iter| numbers(fr, iter).is_some());
        let is_within = |at: Range| l.body.iter().any(|s| body.stmt_ranges[s.0 as usize].contains(at));
        let is_read = |(e, at): (&Expr, &Range)| *e == Expr::Local(slot) && is_within(*at);
        let leaves = |(stmt, at): (&Stmt, &Range)| matches!(stmt, Stmt::Return(_) | Stmt::Break(_)) && is_within(*at);
        counts && !body.exprs.iter().zip(&body.ranges).any(is_read) && body.stmts.iter().zip(&body.stmt_ranges).any(leaves)
    }

    /// Is a list written down in the configuration: `settings.HOSTS`, `set(config["HOSTS"])`, `config('app.hosts')`?
    fn is_configured(&self, fr: &Frame<'a>, e: ExprId, steps: usize) -> bool {
        let Some(steps) = steps.checked_sub(1) else { return false };
        let body = fr.body;
        let names = self.ix.packs.word_in_language(self.language(fr), "configuration-names");
        let is_known = |name: &str| names.is_some_and(|w| w.has_word(name));
        match body.expr(e) {
            Expr::Call { callee, args } => match body.expr(*callee) {
                Expr::Function { fallback, .. } => is_known(fallback.as_str()),
                Expr::Name(name) if matches!(name.as_str(), "set" | "list" | "tuple" | "sorted") => {
                    args.first().is_some_and(|a| self.is_configured(fr, a.value, steps))
                }
                _ => false,
            },
            Expr::Attr { base, .. } | Expr::Index { base, .. } => match self.ix.symbol_of(fr.f, *base) {
                Symbol::External(name) => is_known(name.last_segment()),
                _ => false,
            },
            Expr::Local(slot) => fr.decl.only_value(*slot).is_some_and(|value| self.is_configured(fr, value, steps)),
            _ => false,
        }
    }

    /// Is a list the parts of a path: `path.split("/")`, `explode('/', $path)`?
    fn is_path(&self, fr: &Frame<'a>, e: ExprId, steps: usize) -> bool {
        let Some(steps) = steps.checked_sub(1) else { return false };
        let body = fr.body;
        let is_slash = |e: ExprId| matches!(body.expr(e), Expr::Str(s) if matches!(s.as_str(), "/" | "\\"));
        match body.expr(e) {
            Expr::Call { callee, args } => match (body.expr(*callee), args.as_slice()) {
                (Expr::Attr { name, .. }, [by, ..]) => matches!(name.as_str(), "split" | "rsplit") && is_slash(by.value),
                (Expr::Function { fallback, .. }, [by, ..]) if fallback.as_str() == "explode" => is_slash(by.value),
                (Expr::Name(name), [list, ..]) if matches!(name.as_str(), "enumerate" | "reversed" | "list") => {
                    self.is_path(fr, list.value, steps)
                }
                _ => false,
            },
            Expr::Index { base, .. } => self.is_path(fr, *base, steps),
            Expr::Local(slot) => fr.decl.only_value(*slot).is_some_and(|value| self.is_path(fr, value, steps)),
            _ => false,
        }
    }

    /// Does a counter of turns end the loop at a small number: `if ($i === 3) break;`?
    pub(super) fn ends_soon(&mut self, fr: &mut Frame<'a>, l: &'a Loop) -> bool {
        let body = fr.body;
        l.body.iter().any(|s| {
            let Stmt::If { cond, then, .. } = body.stmt(*s) else { return false };
            let ends = then.last().is_some_and(|last| matches!(body.stmt(*last), Stmt::Break(_) | Stmt::Return(_)));
            if !ends {
                return false;
            }
            let Expr::Binary { op: BinaryOp::Order | BinaryOp::Equal, left, right } = body.expr(*cond) else { return false };
            let Some(slot) = counter(fr.body, *left) else { return false };
            let limit = match body.expr(*right) {
                Expr::Int(_) | Expr::Name(_) | Expr::Local(_) => self.expr(fr, *right),
                _ => return false,
            };
            matches!(self.data(limit), Data::Int(_)) && self.is_few(limit) && counts_turns(fr, l, slot)
        })
    }

    /// Does a loop run again only when a turn failed: over the attempts of a library, or with a way out at the end of each turn?
    pub(super) fn is_retried(&self, fr: &Frame<'a>, l: &'a Loop, source: super::value::Val) -> bool {
        if let Data::Instance(class) = self.data(source)
            && let Some(words) = self.ix.packs.word_in_language(self.language(fr), "retrying-classes")
            && words.has_word(class.as_str())
        {
            return true;
        }
        let (mut handled, mut goes_on) = (false, false);
        let ends = turn_ends(fr.body, &l.body, &mut handled, &mut goes_on);
        ends && handled && !goes_on
    }
}

/// Does a block always leave the loop where nothing fails? Notes whether failures are handled, and whether a turn may be cut
/// short for the next.
fn turn_ends(body: &crate::facts::Body, block: &[StmtId], handled: &mut bool, goes_on: &mut bool) -> bool {
    let mut ends = false;
    for s in block {
        ends |= match body.stmt(*s) {
            Stmt::Return(_) | Stmt::Break(_) => true,
            Stmt::Continue(_) => {
                *goes_on = true;
                false
            }
            Stmt::Try { body: tried, handlers, otherwise, .. } => {
                *handled |= !handlers.is_empty();
                turn_ends(body, tried, handled, goes_on) | turn_ends(body, otherwise, handled, goes_on)
            }
            Stmt::With { body: inner, .. } | Stmt::TemplateBlock { body: inner, .. } | Stmt::Cached(inner) => {
                turn_ends(body, inner, handled, goes_on)
            }
            Stmt::If { then, otherwise, .. } => {
                let first = turn_ends(body, then, handled, goes_on);
                first & turn_ends(body, otherwise, handled, goes_on)
            }
            _ => false,
        };
    }
    ends
}

/// The arguments of `range(…)`.
fn numbers<'b>(fr: &Frame<'b>, e: ExprId) -> Option<&'b [Arg]> {
    match fr.body.expr(e) {
        Expr::Call { callee, args } if matches!(fr.body.expr(*callee), Expr::Name(n) if n.as_str() == "range") => Some(args),
        _ => None,
    }
}

/// `range(0, len(rows), 1000)`: each turn is about so many rows at once.
fn goes_in_strides(fr: &Frame<'_>, e: ExprId) -> bool {
    match numbers(fr, e) {
        Some([_, _, stride]) => match fr.body.expr(stride.value) {
            Expr::Int(n) => *n > 1,
            // A size that is given a name; `-1` goes backwards, one by one.
            Expr::Name(_) | Expr::Local(_) | Expr::Attr { .. } => true,
            _ => false,
        },
        _ => false,
    }
}

/// The variable in `$i`, `++$i` or `i + 1`.
fn counter(body: &Body, e: ExprId) -> Option<Slot> {
    match body.expr(e) {
        Expr::Local(slot) => Some(*slot),
        Expr::Augment { current, op: BinaryOp::Add, .. } => counter(body, *current),
        Expr::Binary { op: BinaryOp::Add, left, .. } => counter(body, *left),
        _ => None,
    }
}

/// The variable that counts the turns of a loop with a condition: one that the condition holds below a bound and that each turn
/// makes larger. Is the bound the size of a list?
pub fn counted(decl: &FunctionDecl, l: &Loop) -> Option<(PatId, bool)> {
    let body = &decl.body;
    let mut conds = vec![l.cond?];
    let mut bounds: Vec<(Slot, ExprId)> = Vec::new();
    while let Some(cond) = conds.pop() {
        match body.expr(cond) {
            Expr::Binary { op: BinaryOp::Order | BinaryOp::NotEqual, left, right } => {
                bounds.extend(counter(body, *left).map(|slot| (slot, *right)));
                bounds.extend(counter(body, *right).map(|slot| (slot, *left)));
            }
            Expr::And(left, right) => conds.extend([*left, *right]),
            Expr::Sequence(items) => conds.extend(items.last()),
            _ => (),
        }
    }
    let first = l.body.first().map(|s| body.stmt_ranges[s.0 as usize].start)?;
    let last = l.body.last().map(|s| body.stmt_ranges[s.0 as usize].end)?;
    let is_inside = |e: usize| {
        let at = body.ranges[e];
        first <= at.start && at.end <= last || l.step.is_some_and(|step| body.range(step).contains(at))
    };
    let grows = |slot: Slot| {
        body.exprs.iter().enumerate().find_map(|(i, e)| match e {
            Expr::Augment { target, op: BinaryOp::Add, .. } if is_inside(i) && *body.pat(*target) == Pat::Local(slot) => {
                Some(*target)
            }
            _ => None,
        })
    };
    bounds.into_iter().find_map(|(slot, bound)| Some((grows(slot)?, is_size(decl, bound))))
}

/// `len(rows)`, `count($rows)`, `$rows->count()`, or a variable that only holds that.
fn is_size(decl: &FunctionDecl, e: ExprId) -> bool {
    match decl.body.expr(e) {
        Expr::Call { callee, .. } => match decl.body.expr(*callee) {
            Expr::Name(name) => name.as_str() == "len",
            Expr::Function { fallback, .. } => matches!(fallback.as_str(), "count" | "sizeof"),
            Expr::Attr { name, .. } => name.as_str() == "count",
            _ => false,
        },
        Expr::Local(slot) => decl.only_value(*slot).is_some_and(|value| is_size(decl, value)),
        _ => false,
    }
}

/// Does a variable grow with each turn of a loop: its number in an enumeration, or counted by hand?
fn counts_turns(fr: &Frame<'_>, l: &Loop, slot: Slot) -> bool {
    let body = fr.body;
    let is_slot = |pat| matches!(body.pat(pat), Pat::Local(s) if *s == slot);
    if let Some(Pat::Seq(items)) = l.target.map(|t| body.pat(t))
        && items.first().is_some_and(|(first, _)| first.is_some_and(is_slot))
        && l.iter.is_some_and(|i| matches!(body.expr(i), Expr::Call { callee, .. } if is_enumerate(fr, *callee)))
    {
        return true;
    }
    let grows = |e: ExprId| matches!(body.expr(e), Expr::Augment { current, op: BinaryOp::Add, .. } if counter(body, *current) == Some(slot));
    l.body.iter().any(|s: &StmtId| match body.stmt(*s) {
        Stmt::Expr(e) => grows(*e),
        Stmt::If { cond, .. } => matches!(body.expr(*cond), Expr::Binary { left, .. } if grows(*left)),
        _ => false,
    })
}

fn is_enumerate(fr: &Frame<'_>, callee: ExprId) -> bool {
    matches!(fr.body.expr(callee), Expr::Name(n) if n.as_str() == "enumerate")
}
