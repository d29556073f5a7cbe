//! Which statements look after the rows of the whole installation: by their age, with nothing of a request in the condition?

use super::View;
use super::condition::Conditions;
use crate::base::Name;
use crate::facts::{BinaryOp, Expr, FnKind};
use crate::flow::{Execution, Statement};
use crate::index::FnRef;

impl View<'_, '_> {
    /// Does nothing of a request reach the conditions of a statement, so that it works on rows of a certain age or state?
    pub(super) fn is_sweep(&self, execution: &Execution, conditions: &Conditions) -> bool {
        let origin = &conditions.origin;
        if origin.is_client() || origin.user || origin.row || conditions.is_rooted || self.terms(execution).next().is_none() {
            return false;
        }
        let writes = matches!(execution.kind, Statement::Write | Statement::Upsert);
        let helper = self.outermost(execution.owner);
        self.is_by_age(execution) && (writes || self.takes_nothing(helper)) || writes && self.takes_nothing(helper)
    }

    /// Is a function a helper that is given nothing and asks for nothing of a request?
    fn takes_nothing(&self, f: FnRef) -> bool {
        let ix = self.cx.ix;
        let decl = ix.function(f);
        let names = &ix.packs.tenancy().client_objects;
        let reads = decl.body.exprs.iter().any(|e| match e {
            Expr::Attr { name, .. } | Expr::Name(name) => {
                names.iter().any(|n| n == name.as_str()) || self.is_identity(name.as_str())
            }
            _ => false,
        });
        decl.kind == FnKind::Function
            && decl.decorators.is_empty()
            && decl.params.iter().all(|p| p.default.is_some_and(|d| !matches!(decl.body.expr(d), Expr::Call { .. })))
            && !reads
            && !self.is_certain_handler(f)
            && !self.cx.flow.handlers.contains(&f)
    }

    /// Does a condition ask for rows before a moment?
    fn is_by_age(&self, execution: &Execution) -> bool {
        let ends = &self.cx.ix.packs.tenancy().age_names;
        let is_age = |name: &str| ends.iter().any(|e| name.ends_with(e.as_str()));
        let is_before = |text: &str| {
            let stem = text.strip_suffix("__lt").or_else(|| text.strip_suffix("__lte"));
            stem.is_some_and(|s| is_age(s.rsplit("__").next().unwrap_or(s)))
        };
        if self.terms(execution).any(|t| is_before(t.as_str())) {
            return true;
        }
        let aged: Vec<Name> =
            self.terms(execution).filter(|t| is_age(t.as_str().rsplit('.').next().unwrap_or_default())).collect();
        let body = &self.cx.ix.function(execution.owner).body;
        aged.iter().any(|term| {
            let last = term.as_str().rsplit('.').next().unwrap_or_default();
            body.exprs.iter().any(|e| match e {
                Expr::Binary { op: BinaryOp::Order, left, .. } => {
                    matches!(body.expr(*left), Expr::Attr { name, .. } if name.as_str() == last)
                }
                Expr::Call { args, .. } if args.len() == 3 => {
                    let text = |i: usize| match body.expr(args[i].value) {
                        Expr::Str(s) => s.as_str(),
                        _ => "",
                    };
                    text(0) == last && matches!(text(1), "<" | "<=")
                }
                _ => false,
            })
        })
    }
}
