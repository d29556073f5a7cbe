//! What decides which rows a statement reaches: the values in the chain of calls that makes its query.

use std::collections::BTreeSet;

use super::View;
use super::origin::{Origin, values_of};
use crate::base::Span;
use crate::facts::{Arg, Body, Expr, ExprId, FnKind, Language, Pat, Slot, Stmt};
use crate::flow::Execution;
use crate::flow::value::Source;
use crate::index::{FnRef, Symbol};

/// Chains and what is given to them nest at most this deep.
const MAX_NESTING: usize = 6;

/// What limits a statement.
#[derive(Clone, Default, Debug)]
pub(super) struct Conditions {
    /// Where the values come from that rows are compared with.
    pub(super) origin: Origin,
    /// How many there are.
    pub(super) count: usize,
    /// The query starts from a row, or from whoever is signed in.
    pub(super) is_rooted: bool,
    /// It starts somewhere that was not followed.
    pub(super) is_open: bool,
    /// The values themselves.
    pub(super) values: Vec<(FnRef, ExprId)>,
}

/// The walk over one function.
struct Walk<'t> {
    seen: BTreeSet<(FnRef, ExprId)>,
    found: Conditions,
    /// Where one of these calls the function, only it is asked what it hands over.
    through: &'t [FnRef],
}

impl View<'_, '_> {
    /// The conditions of a statement.
    pub(super) fn conditions(&self, execution: &Execution) -> Conditions {
        self.conditions_through(execution, &[])
    }

    /// The same, as far as some of the functions that lead there decide them.
    pub(super) fn conditions_through(&self, execution: &Execution, through: &[FnRef]) -> Conditions {
        let mut walk = Walk { seen: BTreeSet::new(), found: Conditions::default(), through };
        let f = execution.owner;
        match self.expr_at(f, execution.site) {
            Some(e) => self.chain(f, e, MAX_NESTING, &mut walk),
            None => walk.found.is_open = true,
        }
        // Where the query was written, if that is elsewhere.
        if let Source::Query(at) = self.cx.flow.values.source_of(execution.src)
            && let Some(home) = self.function_at(at)
            && let Some(e) = self.around(home, at)
        {
            self.chain(home, e, MAX_NESTING, &mut walk);
        }
        walk.found
    }

    /// The conditions that a closure adds to the query that it is given.
    pub(super) fn conditions_in(&self, closure: FnRef) -> Conditions {
        let mut walk = Walk { seen: BTreeSet::new(), found: Conditions::default(), through: &[] };
        self.inside(closure, MAX_NESTING, &mut walk);
        walk.found
    }

    /// The variable that gets the value of an expression, if one does.
    pub(super) fn held_by(&self, f: FnRef, value: ExprId) -> Option<Slot> {
        let body = &self.cx.ix.function(f).body;
        body.exprs.iter().find_map(|e| match e {
            Expr::Assign { target, value: v } if *v == value => match body.pat(*target) {
                Pat::Local(slot) => Some(*slot),
                _ => None,
            },
            _ => None,
        })
    }

    /// The call whose method's name stands at a place, or else the expression that ends there.
    pub(super) fn expr_at(&self, f: FnRef, site: Span) -> Option<ExprId> {
        if site.file != f.file {
            return None;
        }
        let body = &self.cx.ix.function(f).body;
        let ids = || (0..body.exprs.len()).map(|i| ExprId(i as u32));
        let call = ids().find(|id| match body.expr(*id) {
            Expr::Call { callee, .. } => {
                body.range(*callee).end == site.range.end && body.range(*callee).start <= site.range.start
            }
            _ => false,
        });
        call.or_else(|| {
            let ends = ids().filter(|id| body.range(*id).end == site.range.end && body.range(*id).start <= site.range.start);
            ends.max_by_key(|id| site.range.end - body.range(*id).start)
        })
    }

    /// The last link of the chain that makes a query: where its method's name stands.
    pub(super) fn written_at(&self, execution: &Execution, at: Span) -> Option<Span> {
        let body = &self.cx.ix.function(execution.owner).body;
        let call = self.around(execution.owner, at)?;
        let Expr::Call { callee, .. } = body.expr(call) else { return None };
        let Expr::Attr { name, .. } = body.expr(*callee) else { return None };
        let end = body.range(*callee).end;
        let range = crate::base::Range { start: end.saturating_sub(name.as_str().len() as u32), end };
        Some(Span { file: execution.owner.file, range })
    }

    /// The outermost call around a place.
    fn around(&self, f: FnRef, at: Span) -> Option<ExprId> {
        let body = &self.cx.ix.function(f).body;
        let ids = (0..body.exprs.len()).map(|i| ExprId(i as u32));
        let holds = |id: &ExprId| {
            let range = body.range(*id);
            matches!(body.expr(*id), Expr::Call { .. }) && range.start <= at.range.start && at.range.end <= range.end
        };
        // Calls of the same chain begin where it begins.
        let inner = ids.clone().filter(holds).min_by_key(|id| body.range(*id).end - body.range(*id).start)?;
        let start = body.range(inner).start;
        ids.filter(holds).filter(|id| body.range(*id).start == start).max_by_key(|id| body.range(*id).end)
    }

    /// Follows a chain of calls to where it starts.
    fn chain(&self, f: FnRef, expr: ExprId, depth: usize, walk: &mut Walk<'_>) {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        let shaping = &ix.packs.tenancy().shaping_names;
        let mut at = expr;
        loop {
            if depth == 0 || !walk.seen.insert((f, at)) {
                return;
            }
            match body.expr(at) {
                Expr::Call { callee, args } => {
                    let (name, next) = match body.expr(*callee) {
                        Expr::Attr { base, name, .. } => (name.as_str(), Some(*base)),
                        Expr::Name(name) | Expr::Function { fallback: name, .. } => (name.as_str(), None),
                        _ => ("", None),
                    };
                    // What leaves one value out says nothing of the rows that are found.
                    let leaves_out = args.len() > 2
                        && matches!(body.expr(args[1].value), Expr::Str(text) if crate::flow::leaves_one_out(text.as_str()));
                    if !shaping.iter().any(|s| s == name) && !leaves_out {
                        for arg in args {
                            self.value(f, arg, depth - 1, walk);
                        }
                    }
                    match next {
                        Some(base) => at = base,
                        None => return,
                    }
                }
                Expr::Attr { base, .. } if !self.names_model(f, at) => {
                    if self.is_self(f, *base) {
                        let origin = self.origin_through(f, at, walk.through);
                        walk.found.is_rooted |= origin.row || origin.user;
                        walk.found.is_open |= !(origin.row || origin.user);
                        return;
                    }
                    at = *base;
                }
                Expr::Same(inner) | Expr::Await(inner) => at = *inner,
                Expr::Local(slot) => {
                    if self.names_model(f, at) {
                        return;
                    }
                    self.local_chain(f, *slot, depth, walk);
                    return;
                }
                Expr::Coalesce(a, b) | Expr::Or(a, b) | Expr::And(a, b) | Expr::Binary { left: a, right: b, .. } => {
                    self.chain(f, *a, depth - 1, walk);
                    self.chain(f, *b, depth - 1, walk);
                    return;
                }
                Expr::Ternary { then, otherwise, .. } => {
                    if let Some(then) = then {
                        self.chain(f, *then, depth - 1, walk);
                    }
                    self.chain(f, *otherwise, depth - 1, walk);
                    return;
                }
                Expr::This => {
                    walk.found.is_open = true;
                    return;
                }
                _ => return,
            }
        }
    }

    /// A variable that holds the query: the chains that it got, and those that change it in place.
    fn local_chain(&self, f: FnRef, slot: crate::facts::Slot, depth: usize, walk: &mut Walk<'_>) {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let body = &decl.body;
        let values = values_of(body, slot);
        for value in &values {
            let makes_query = matches!(
                body.expr(*value),
                Expr::Call { .. } | Expr::Attr { .. } | Expr::Local(_) | Expr::Ternary { .. } | Expr::Same(_) | Expr::Await(_)
            );
            if makes_query {
                self.chain(f, *value, depth - 1, walk);
            }
        }
        if ix.file(f.file).language != Language::Python {
            for (i, e) in body.exprs.iter().enumerate() {
                if let Expr::Call { callee, .. } = e
                    && matches!(body.expr(*callee), Expr::Attr { .. })
                    && matches!(body.expr(self.root(f, ExprId(i as u32))), Expr::Local(s) if *s == slot)
                {
                    self.chain(f, ExprId(i as u32), depth - 1, walk);
                }
            }
        }
        if decl.params.iter().any(|p| p.slot == slot) {
            let origin = self.origin_of_slot(f, slot, walk.through);
            walk.found.is_rooted |= origin.row || origin.user;
            walk.found.is_open |= !(origin.row || origin.user);
        } else if values.is_empty() {
            match (decl.captures.iter().find(|c| c.inner == slot), decl.parent) {
                (Some(capture), Some(parent)) if depth > 1 => {
                    self.local_chain(FnRef { file: f.file, id: parent }, capture.outer, depth - 1, walk);
                }
                _ => walk.found.is_open = true,
            }
        }
    }

    fn origin_of_slot(&self, f: FnRef, slot: crate::facts::Slot, through: &[FnRef]) -> Origin {
        let body = &self.cx.ix.function(f).body;
        let at = body.exprs.iter().position(|e| *e == Expr::Local(slot));
        at.map_or(Origin::unknown(), |i| self.origin_through(f, ExprId(i as u32), through))
    }

    /// A value that is given to a call of the chain.
    fn value(&self, f: FnRef, arg: &Arg, depth: usize, walk: &mut Walk<'_>) {
        self.compared(f, arg.value, depth, walk);
    }

    fn compared(&self, f: FnRef, expr: ExprId, depth: usize, walk: &mut Walk<'_>) {
        if depth == 0 {
            return;
        }
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        match body.expr(expr) {
            _ if self.is_column(f, expr) => (),
            Expr::Binary { left, right, .. } | Expr::And(left, right) | Expr::Or(left, right) => {
                self.compared(f, *left, depth - 1, walk);
                self.compared(f, *right, depth - 1, walk);
            }
            Expr::Not(inner) | Expr::Same(inner) | Expr::Await(inner) => self.compared(f, *inner, depth - 1, walk),
            Expr::Seq { items, .. } if items.iter().any(|i| !self.is_plain(body, i.value)) => {
                for item in items {
                    self.compared(f, item.value, depth - 1, walk);
                }
            }
            Expr::Map(entries) => {
                for (_, item) in entries {
                    self.compared(f, item.value, depth - 1, walk);
                }
            }
            Expr::Closure(inner) => self.inside(FnRef { file: f.file, id: *inner }, depth - 1, walk),
            // A query in a query, and functions of conditions.
            Expr::Call { .. } => {
                let root = self.root(f, expr);
                let is_query = self.names_model(f, root) || self.is_about_columns(f, expr);
                if is_query {
                    self.chain(f, expr, depth, walk);
                } else {
                    self.take(f, expr, walk);
                }
            }
            Expr::Local(slot) => {
                // A condition or a query that a variable holds.
                let values = values_of(body, *slot);
                let is_query = values.iter().any(|v| {
                    matches!(body.expr(*v), Expr::Call { .. } | Expr::Binary { .. }) && self.is_about_columns(f, *v)
                        || matches!(body.expr(*v), Expr::Call { .. }) && self.names_model(f, self.root(f, *v))
                });
                // A row that was found is at hand.
                let reads = &ix.packs.tenancy().single_reads;
                let is_row = values.iter().any(|v| {
                    matches!(body.expr(*v), Expr::Call { callee, .. } if body.last_name(*callee).is_some_and(|n| reads.iter().any(|r| r == n.as_str())))
                });
                if is_query && !is_row {
                    for value in values {
                        self.compared(f, value, depth - 1, walk);
                    }
                } else {
                    self.take(f, expr, walk);
                }
            }
            _ => self.take(f, expr, walk),
        }
    }

    fn take(&self, f: FnRef, expr: ExprId, walk: &mut Walk<'_>) {
        walk.found.count += 1;
        walk.found.values.push((f, expr));
        walk.found.origin.add(self.origin_through(f, expr, walk.through));
    }

    fn is_plain(&self, body: &Body, expr: ExprId) -> bool {
        matches!(body.expr(expr), Expr::Str(_) | Expr::Int(_) | Expr::Bool(_) | Expr::Null | Expr::Literal)
    }

    /// Is an expression a class of rows, or a column of one?
    fn is_column(&self, f: FnRef, expr: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        match body.expr(expr) {
            Expr::Attr { base, .. } => self.names_model(f, *base) || self.names_model(f, expr),
            Expr::Class(_) | Expr::Name(_) | Expr::Local(_) => self.names_model(f, expr),
            _ => false,
        }
    }

    /// Does an expression hold conditions on columns: `Q(a=1)`, `and_(A.x == 1)`, `A.x.in_(ids)`, `select(A).where(…)`?
    fn is_about_columns(&self, f: FnRef, expr: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        let range = body.range(expr);
        let makes_condition = |callee: ExprId, args: &[Arg]| {
            args.iter().any(|a| a.name.is_some())
                && matches!(body.expr(callee), Expr::Name(_) | Expr::Attr { .. })
                && matches!(self.cx.ix.symbol_of(f, callee), Symbol::External(_))
        };
        body.exprs.iter().enumerate().any(|(i, e)| {
            let at = body.ranges[i];
            at.start >= range.start
                && at.end <= range.end
                && match e {
                    Expr::Attr { .. } | Expr::Name(_) => self.is_column(f, ExprId(i as u32)),
                    Expr::Call { callee, args } => i == expr.0 as usize && makes_condition(*callee, args),
                    _ => false,
                }
        })
    }

    /// The conditions that a closure adds to the query that it is given.
    fn inside(&self, f: FnRef, depth: usize, walk: &mut Walk<'_>) {
        let decl = self.cx.ix.function(f);
        if depth == 0 || decl.kind != FnKind::Closure {
            return;
        }
        let given = decl.params.first().map(|p| p.slot);
        for (i, e) in decl.body.exprs.iter().enumerate() {
            let Expr::Call { callee, args } = e else { continue };
            let root = self.root(f, ExprId(i as u32));
            if matches!(decl.body.expr(*callee), Expr::Attr { .. })
                && matches!(decl.body.expr(root), Expr::Local(s) if Some(*s) == given)
            {
                for arg in args {
                    self.value(f, arg, depth - 1, walk);
                }
            }
        }
    }

    /// Is what a statement finds only asked whether it is there, and then refused or warned of?
    pub(super) fn is_only_tested(&self, execution: &Execution) -> bool {
        let f = execution.owner;
        let body = &self.cx.ix.function(f).body;
        let Some(call) = self.expr_at(f, execution.site) else {
            return false;
        };
        let tested = tested(body);
        if tested.contains(&call) {
            return !self.is_used_besides(f, call);
        }
        let target = body.exprs.iter().enumerate().find_map(|(i, e)| match e {
            Expr::Assign { target, value } if *value == call => Some((i, *target)),
            _ => None,
        });
        let Some((assign, target)) = target else {
            return false;
        };
        if tested.contains(&ExprId(assign as u32)) {
            return true;
        }
        let crate::facts::Pat::Local(slot) = body.pat(target) else {
            return false;
        };
        if values_of(body, *slot).len() > 1 {
            return false;
        }
        let throws: Vec<crate::base::Range> = body
            .stmts
            .iter()
            .filter_map(|s| match s {
                Stmt::Raise(Some(e)) => Some(body.range(*e)),
                _ => None,
            })
            .chain(body.exprs.iter().enumerate().filter_map(|(i, e)| match e {
                Expr::Throw(e) => Some(body.range(*e)),
                // What a message tells of it.
                Expr::Interpolated(_) => Some(body.ranges[i]),
                _ => None,
            }))
            .collect();
        let mut uses = body.exprs.iter().enumerate().filter(|(_, e)| **e == Expr::Local(*slot)).peekable();
        uses.peek().is_some()
            && uses.all(|(i, _)| {
                let at = body.ranges[i];
                tested.contains(&ExprId(i as u32)) || throws.iter().any(|t| t.start <= at.start && at.end <= t.end)
            })
    }
}

impl View<'_, '_> {
    /// Does a variable hold the query that is tested, and is it handed on, too?
    fn is_used_besides(&self, f: FnRef, call: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        let Expr::Local(slot) = body.expr(self.root(f, call)) else {
            return false;
        };
        if self.cx.ix.file(f.file).language != Language::Python {
            return false;
        }
        let given = |e: &Expr| match e {
            Expr::Call { args, .. } => args.iter().any(|a| *body.expr(a.value) == Expr::Local(*slot)),
            _ => false,
        };
        body.exprs.iter().any(given)
    }
}

/// Expressions of which only the truth, or whether they are null, is asked.
fn tested(body: &Body) -> BTreeSet<ExprId> {
    let mut found = BTreeSet::new();
    for expr in &body.exprs {
        match expr {
            Expr::Not(e) | Expr::Empty(e) => {
                found.insert(*e);
            }
            Expr::And(a, b) => found.extend([*a, *b]),
            Expr::Ternary { cond, then: Some(_), .. } => {
                found.insert(*cond);
            }
            Expr::Isset(all) => found.extend(all.iter().copied()),
            Expr::Binary { left, right, .. } => {
                if *body.expr(*right) == Expr::Null {
                    found.insert(*left);
                }
                if *body.expr(*left) == Expr::Null {
                    found.insert(*right);
                }
            }
            _ => (),
        }
    }
    for stmt in &body.stmts {
        if let Stmt::If { cond, .. } = stmt {
            found.insert(*cond);
        }
    }
    found
}
