//! Do several constructions stand in the arms of one choice: one library or another, by what a setting says?

use std::collections::BTreeMap;

use crate::base::{Range, Span};
use crate::checks::CheckContext;
use crate::facts::{BinaryOp, Block, Body, Expr, ExprId, Stmt};

/// The choices of which several arms build one thing each, with the places in them.
#[derive(Default)]
pub(super) struct Choices(BTreeMap<Span, Span>);

impl Choices {
    /// Reads them from the places of all constructions.
    pub(super) fn new<'s>(cx: &CheckContext<'_>, sites: impl Iterator<Item = &'s Span>) -> Choices {
        let mut arms: BTreeMap<Span, Vec<(usize, Span)>> = BTreeMap::new();
        let mut all: Vec<Span> = sites.copied().collect();
        all.dedup();
        for site in all {
            let Some(f) = cx.function_at(site) else { continue };
            if let Some((choice, arm)) = choice_of(&cx.ix.function(f).body, site.range) {
                arms.entry(Span { file: site.file, range: choice }).or_default().push((arm, site));
            }
        }
        let mut found = BTreeMap::new();
        for (choice, sites) in arms {
            // Two in one arm are two things.
            let alone = |arm: usize| sites.iter().filter(|(a, _)| *a == arm).count() == 1;
            let single: Vec<Span> = sites.iter().filter(|(arm, _)| alone(*arm)).map(|(_, site)| *site).collect();
            if single.len() > 1 {
                found.extend(single.into_iter().map(|site| (site, choice)));
            }
        }
        Choices(found)
    }

    /// The choice of which a construction is one arm.
    pub(super) fn of(&self, site: Span) -> Option<Span> {
        self.0.get(&site).copied()
    }
}

/// The innermost choice around a place, and which of its arms that is.
fn choice_of(body: &Body, at: Range) -> Option<(Range, usize)> {
    let holds = |block: &Block| super::turns::holds(body, block, at);
    let around = body.stmts.iter().zip(&body.stmt_ranges).filter(|(_, r)| r.contains(at));
    let mut found: Option<(Range, usize)> = None;
    for (s, range) in around {
        let arm = match s {
            Stmt::Switch { cases, .. } => cases.iter().position(|c| holds(&c.body)),
            Stmt::If { .. } if !continues(body, *range) => arm_of(body, s, &holds),
            _ => None,
        };
        if let Some(arm) = arm
            && found.is_none_or(|(r, _)| r.contains(*range))
        {
            found = Some((*range, arm));
        }
    }
    found
}

/// Is a statement the `elif` of another one?
fn continues(body: &Body, at: Range) -> bool {
    body.stmts.iter().any(|s| match s {
        Stmt::If { otherwise, .. } => {
            matches!(otherwise.as_slice(), [one] if body.stmt_ranges[one.0 as usize] == at && matches!(body.stmt(*one), Stmt::If { .. }))
        }
        _ => false,
    })
}

/// Which arm of `if kind == "a": … elif kind == "b": … else: …` holds a place?
fn arm_of(body: &Body, first: &Stmt, holds: &dyn Fn(&Block) -> bool) -> Option<usize> {
    let mut at = first;
    let mut arm = 0;
    while let Stmt::If { cond, then, otherwise } = at {
        if !compares(body, *cond) {
            return None;
        }
        if holds(then) {
            return Some(arm);
        }
        arm += 1;
        match otherwise.as_slice() {
            [one] if matches!(body.stmt(*one), Stmt::If { .. }) => at = body.stmt(*one),
            _ => return holds(otherwise).then_some(arm),
        }
    }
    None
}

fn compares(body: &Body, cond: ExprId) -> bool {
    match body.expr(cond) {
        Expr::Binary { op: BinaryOp::Equal | BinaryOp::In, left, right } => {
            let is_written =
                |e: ExprId| matches!(body.expr(e), Expr::Str(_) | Expr::Attr { .. } | Expr::Seq { .. } | Expr::Int(_));
            is_written(*right) || is_written(*left)
        }
        _ => false,
    }
}
