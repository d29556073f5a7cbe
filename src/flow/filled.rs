//! What fills places and rows by hand: places that a condition finds empty, relations that are assigned to?

use super::tree::Tree;
use super::value::{Data, Source, Src, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{BinaryOp, Expr, ExprId, Pat, PatId, Slot, Stmt, StmtId};

/// A place that code tests and fills: a variable, or a field by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Local(Slot),
    Field(Name),
}

impl<'a> Engine<'a> {
    /// From here on, rows of this source have this much more loaded, whatever variable they are in.
    pub(super) fn mark_loaded(&mut self, fr: &mut Frame<'a>, src: Src, tree: Tree) {
        for i in 0..fr.locals.len() {
            fr.locals[i] = self.v.with_loaded(fr.locals[i], src, tree);
        }
        fr.this = self.v.with_loaded(fr.this, src, tree);
        let root = self.v.root(src);
        let is_given = fr.given.contains(&root) || self.v.source_of(root) == Source::Ambient;
        if is_given && !fr.loads.contains(&(src, tree)) {
            fr.loads.push((src, tree));
        }
    }

    /// `by_key[tick.owner_id].tick = tick`: rows are filled through another way to them.
    pub(super) fn fill_by_hand(&mut self, fr: &mut Frame<'a>, base: ExprId, changed: Val) {
        if let (Expr::Index { .. }, Data::Row(row)) = (fr.body.expr(base), self.data(changed)) {
            let (src, tree) = (row.src, row.tree);
            self.mark_loaded(fr, src, tree);
            fr.filled.push((src, tree));
        }
    }

    /// After a loop: whoever fills rows one by one fills those that are there.
    pub(super) fn filled_by_loop(&mut self, fr: &mut Frame<'a>, from: usize) {
        for at in from..fr.filled.len() {
            let (src, tree) = fr.filled[at];
            self.mark_loaded(fr, src, tree);
        }
    }

    /// `if ($row->relationLoaded('parts')) { … return $found; }`: who asks the database afterwards has not found it in the rows.
    pub(super) fn answered_by_rows(&mut self, fr: &mut Frame<'a>, cond: ExprId, holds: bool, block: &'a [StmtId]) {
        let body = fr.body;
        let within = |range: Range| block.iter().any(|s| body.stmt_ranges[s.0 as usize].contains(range));
        let returns = body.stmts.iter().zip(&body.stmt_ranges).any(|(s, range)| matches!(s, Stmt::Return(_)) && within(*range));
        if !returns {
            return;
        }
        let (when_true, when_false) = self.guarded(fr, cond);
        fr.answered.extend(if holds { when_true } else { when_false });
    }

    /// Places that a condition tells to be empty or missing when it holds (or does not).
    pub(super) fn absent_when(&self, fr: &Frame<'a>, cond: ExprId, holds: bool) -> Vec<Place> {
        let body = fr.body;
        match body.expr(cond) {
            Expr::Not(inner) => self.absent_when(fr, *inner, !holds),
            Expr::And(a, b) | Expr::Or(a, b) => {
                let mut all = self.absent_when(fr, *a, holds);
                all.extend(self.absent_when(fr, *b, holds));
                all
            }
            // `if self.connected is True:`
            Expr::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right }
                if matches!(body.expr(*right), Expr::Bool(_))
                    && matches!(body.expr(*left), Expr::Name(_) | Expr::Attr { .. }) =>
            {
                let is_empty = *body.expr(*right) == Expr::Bool(*op == BinaryOp::NotEqual);
                if holds == is_empty { place(fr, *left).into_iter().collect() } else { Vec::new() }
            }
            // `count($this->rates) === 0`; `count($this->rates) > 0`
            Expr::Binary { op: BinaryOp::Equal, left, right } if holds && *body.expr(*right) == Expr::Int(0) => {
                counted(fr, *left).into_iter().collect()
            }
            Expr::Binary { op: BinaryOp::Order | BinaryOp::NotEqual, left, right }
                if !holds && *body.expr(*right) == Expr::Int(0) =>
            {
                counted(fr, *left).into_iter().collect()
            }
            Expr::Binary { op: BinaryOp::Equal, left, right } if holds => {
                if matches!(body.expr(*right), Expr::Null) {
                    place(fr, *left).into_iter().collect()
                } else if matches!(body.expr(*left), Expr::Null) {
                    place(fr, *right).into_iter().collect()
                } else {
                    Vec::new()
                }
            }
            Expr::Binary { op: BinaryOp::NotEqual, left, right } if !holds && matches!(body.expr(*right), Expr::Null) => {
                place(fr, *left).into_iter().collect()
            }
            Expr::Binary { op: BinaryOp::NotIn, right, .. } if holds => place(fr, *right).into_iter().collect(),
            Expr::Binary { op: BinaryOp::In, right, .. } if !holds => place(fr, *right).into_iter().collect(),
            Expr::Isset(items) if !holds => items.iter().filter_map(|e| place(fr, *e)).collect(),
            Expr::Empty(e) if holds => place(fr, *e).or_else(|| counted(fr, *e)).into_iter().collect(),
            Expr::InstanceOf { value, .. } if !holds => place(fr, *value).into_iter().collect(),
            Expr::Local(_) | Expr::Name(_) | Expr::Attr { .. } | Expr::Index { .. } if !holds => {
                place(fr, cond).into_iter().collect()
            }
            Expr::Call { callee, args } => match body.expr(*callee) {
                // `array_key_exists($key, $map)`, `$map->has($key)`, `hasattr(self, '_x')`
                Expr::Function { fallback, .. } if !holds && fallback.as_str() == "array_key_exists" => {
                    args.get(1).and_then(|a| place(fr, a.value)).into_iter().collect()
                }
                Expr::Function { fallback, .. } if holds && fallback.as_str() == "is_null" => {
                    args.first().and_then(|a| place(fr, a.value)).into_iter().collect()
                }
                // `is_array($this->known[$key] ?? '')`
                Expr::Function { fallback, .. } if !holds && fallback.as_str() == "is_array" => {
                    let tested = args.first().map(|a| match body.expr(a.value) {
                        Expr::Coalesce(first, _) => *first,
                        _ => a.value,
                    });
                    tested.and_then(|e| place(fr, e)).into_iter().collect()
                }
                Expr::Attr { base, name, .. }
                    if !holds && matches!(name.as_str(), "has" | "exists" | "contains" | "offsetExists") =>
                {
                    place(fr, *base).into_iter().collect()
                }
                Expr::Attr { base, name, .. }
                    if matches!(body.expr(*base), Expr::Attr { .. })
                        && name.as_str() == if holds { "isEmpty" } else { "isNotEmpty" } =>
                {
                    place(fr, *base).into_iter().collect()
                }
                Expr::Name(n) if !holds && n.as_str() == "hasattr" => match args.get(1).map(|a| body.expr(a.value)) {
                    Some(Expr::Str(field)) => vec![Place::Field(*field)],
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Does a block put something into a place (or into an element of it)?
    pub(super) fn assigns(&self, fr: &Frame<'a>, block: &'a [StmtId], at: Place) -> bool {
        self.assigns_after(fr, block, at, 0)
    }

    /// The same for what stands behind an offset of the file.
    pub(super) fn assigns_after(&self, fr: &Frame<'a>, block: &'a [StmtId], at: Place, after: u32) -> bool {
        let body = fr.body;
        let target = |pat: PatId| match body.pat(pat) {
            Pat::Local(slot) => Some(Place::Local(*slot)),
            Pat::Attr { name, .. } => Some(Place::Field(*name)),
            Pat::Index { base, .. } => place(fr, *base),
            Pat::Global(name) => Some(Place::Field(*name)),
            _ => None,
        };
        block.iter().any(|s| match body.stmt(*s) {
            Stmt::Expr(e) | Stmt::Return(Some(e)) if body.range(*e).start < after => false,
            Stmt::Expr(e) | Stmt::Return(Some(e)) => {
                // `$a = $map[$k] = query()`
                let mut next = *e;
                loop {
                    match body.expr(next) {
                        Expr::Assign { target: pat, value } => {
                            if target(*pat) == Some(at) {
                                return true;
                            }
                            next = *value;
                        }
                        Expr::AssignIfNull { target: pat, .. } => return target(*pat) == Some(at),
                        Expr::Await(inner) => next = *inner,
                        Expr::Call { callee, args } => {
                            return match body.expr(*callee) {
                                Expr::Attr { base, name, .. } => {
                                    if let Place::Field(field) = at
                                        && self.is_receiver(fr, *base)
                                    {
                                        return self.fills_field(fr, *name, field) || self.loads_field(fr, *name, args, field);
                                    }
                                    matches!(
                                        name.as_str(),
                                        "put" | "set" | "add" | "append" | "push" | "update" | "setdefault" | "offsetSet"
                                    ) && place(fr, *base) == Some(at)
                                }
                                _ => false,
                            };
                        }
                        _ => return false,
                    }
                }
            }
            Stmt::If { then, otherwise, .. } => [then, otherwise].iter().any(|b| self.assigns_after(fr, b, at, after)),
            Stmt::Try { body, .. } | Stmt::With { body, .. } => self.assigns_after(fr, body, at, after),
            _ => false,
        })
    }
}

/// Is a place a parameter, which the caller may have filled?
pub(super) fn is_param(fr: &Frame<'_>, at: Place) -> bool {
    matches!(at, Place::Local(slot) if fr.decl.params.iter().any(|p| p.slot == slot))
}

/// The place that an expression names, or whose element it names.
pub(super) fn place(fr: &Frame<'_>, e: ExprId) -> Option<Place> {
    match fr.body.expr(e) {
        Expr::Local(slot) => Some(Place::Local(*slot)),
        Expr::Attr { name, .. } => Some(Place::Field(*name)),
        Expr::Name(name) => Some(Place::Field(*name)),
        Expr::Index { base, .. } => place(fr, *base),
        Expr::Call { callee, .. } => match fr.body.expr(*callee) {
            Expr::Attr { base, name, .. } if name.as_str() == "get" => place(fr, *base),
            _ => None,
        },
        _ => None,
    }
}

/// The place of which the elements are counted: `count($this->rates)`, `len(self._rates)`, `$this->rates->count()`.
fn counted(fr: &Frame<'_>, e: ExprId) -> Option<Place> {
    let Expr::Call { callee, args } = fr.body.expr(e) else { return None };
    match fr.body.expr(*callee) {
        Expr::Attr { base, name, .. } if name.as_str() == "count" && args.is_empty() => match fr.body.expr(*base) {
            Expr::Attr { .. } => place(fr, *base),
            _ => None,
        },
        Expr::Function { fallback: name, .. } | Expr::Name(name) if matches!(name.as_str(), "count" | "sizeof" | "len") => {
            args.first().and_then(|a| place(fr, a.value))
        }
        _ => None,
    }
}
