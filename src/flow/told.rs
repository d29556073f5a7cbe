//! What does a condition tell of values and rows where it holds, and where it does not?

use super::value::{Data, NULL, Row, Src, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::{BinaryOp, Expr, ExprId};

/// Relations of rows that are known to be loaded.
pub(super) type Guards = Vec<(Src, Name)>;

impl<'a> Engine<'a> {
    /// Evaluates an expression that runs only if a condition holds (or does not).
    pub(super) fn under(&mut self, fr: &mut Frame<'a>, cond: ExprId, holds: bool, guards: Vec<(Src, Name)>, e: ExprId) -> Val {
        let before = fr.guards.len();
        fr.guards.extend(guards);
        fr.conditions += 1;
        let saved = fr.locals.clone();
        self.narrow(fr, cond, holds);
        let mark = fr.buffer.len();
        let val = self.expr(fr, e);
        self.for_named_keys(fr, cond, holds, mark);
        let after = std::mem::replace(&mut fr.locals, saved);
        let joined = self.join_locals(std::mem::take(&mut fr.locals), &after);
        fr.locals = joined;
        fr.guards.truncate(before);
        fr.conditions -= 1;
        val
    }

    /// What a condition says about variables: a value that is tested is not null where it holds.
    pub(super) fn narrow(&mut self, fr: &mut Frame<'a>, cond: ExprId, holds: bool) {
        let body = fr.body;
        match body.expr(cond) {
            Expr::Local(slot) if holds => {
                let slot = slot.0 as usize;
                let kept: Vec<Val> = self.v.alternatives(fr.locals[slot]).into_iter().filter(|v| *v != NULL).collect();
                if let Some(val) = kept.into_iter().reduce(|a, b| self.v.join(a, b)) {
                    fr.locals[slot] = val;
                }
            }
            Expr::Not(inner) => self.narrow(fr, *inner, !holds),
            Expr::And(a, b) if holds => {
                self.narrow(fr, *a, true);
                self.narrow(fr, *b, true);
            }
            // `if isinstance(x, Post)`
            Expr::InstanceOf { value, class } if holds => {
                if let Expr::Local(slot) = body.expr(*value) {
                    let class = self.expr(fr, *class);
                    let now = fr.locals[slot.0 as usize];
                    fr.locals[slot.0 as usize] = self.narrowed_to(fr, now, class);
                }
            }
            Expr::Call { callee, args } if holds && args.len() == 2 => {
                if let (Expr::Name(n), Expr::Local(slot)) = (body.expr(*callee), body.expr(args[0].value))
                    && n.as_str() == "isinstance"
                {
                    let class = self.expr(fr, args[1].value);
                    let now = fr.locals[slot.0 as usize];
                    fr.locals[slot.0 as usize] = self.narrowed_to(fr, now, class);
                }
            }
            _ => (),
        }
    }

    pub(super) fn narrowed_to(&mut self, fr: &Frame<'a>, val: Val, class: Val) -> Val {
        let Data::Class(class) = *self.data(class) else {
            return val;
        };
        match self.data(val) {
            Data::Unknown => {
                let at = self.span(fr, fr.decl.name_range);
                self.instance_of_class(class, at, false)
            }
            Data::OneOf(all) => {
                let all = all.clone();
                let model = self.ix.class(class).model;
                let kept: Vec<Val> = all
                    .iter()
                    .copied()
                    .filter(|v| match self.data(*v) {
                        Data::Row(row) => Some(row.model) == model,
                        Data::Object { class: c, .. } => *c == class,
                        _ => false,
                    })
                    .collect();
                kept.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(val)
            }
            _ => val,
        }
    }

    /// Relations that a condition guarantees to be loaded where it holds, and where it does not.
    pub(super) fn guarded(&mut self, fr: &mut Frame<'a>, cond: ExprId) -> (Guards, Guards) {
        let body = fr.body;
        match body.expr(cond) {
            Expr::Not(inner) => {
                let (a, b) = self.guarded(fr, *inner);
                (b, a)
            }
            Expr::And(a, b) => {
                let (mut x, _) = self.guarded(fr, *a);
                let (y, _) = self.guarded(fr, *b);
                x.extend(y);
                (x, Vec::new())
            }
            Expr::Or(a, b) => {
                let (_, mut x) = self.guarded(fr, *a);
                let (_, y) = self.guarded(fr, *b);
                x.extend(y);
                (Vec::new(), x)
            }
            Expr::Binary { op: op @ (BinaryOp::In | BinaryOp::NotIn), left, right } => {
                match (body.expr(*left), self.loaded_cache(fr, *right)) {
                    (Expr::Str(relation), Some(row)) if *op == BinaryOp::In => (vec![(row.src, *relation)], Vec::new()),
                    (Expr::Str(relation), Some(row)) => (Vec::new(), vec![(row.src, *relation)]),
                    _ => Default::default(),
                }
            }
            Expr::Call { callee, args } => {
                let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                    return Default::default();
                };
                if let Some(guard) = self.guarded_by_field(fr, *base, *name, args) {
                    return (vec![guard], Vec::new());
                }
                // Evaluated once more for its value only.
                let mark = fr.buffer.len();
                let object = self.expr(fr, *base);
                fr.buffer.truncate(mark);
                let object = if let Data::Object { .. } = self.data(object) { self.wrapped(fr, object) } else { object };
                let Some(Expr::Str(relation)) = args.first().map(|a| body.expr(a.value)) else { return Default::default() };
                let guards = |e: &Self, row: &Row| {
                    let dialect = e.ix.model(row.model).dialect;
                    e.ix.packs.op(dialect, e.names.row, *name).is_some_and(|op| op.guards)
                };
                // Whichever of several rows it is, it is that one which is asked.
                let rows: Vec<Row> = self.v.alternatives(object).into_iter().filter_map(|v| self.bare_row(v)).collect();
                let told = rows.iter().filter(|row| guards(self, row)).map(|row| (row.src, *relation)).collect();
                (told, Vec::new())
            }
            Expr::Attr { base, name, .. } => (Vec::new(), self.without_key(fr, *base, *name)),
            _ => Default::default(),
        }
    }
}
