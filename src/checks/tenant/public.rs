//! Which rows are for everybody: by a column that says so, by being counted only, or by being kept for the whole site?

use super::View;
use crate::base::Name;
use crate::facts::{Body, Expr, ExprId};
use crate::flow::value::flag;
use crate::flow::{Execution, Statement};
use crate::index::models::snake;
use crate::index::tenants::Evidence;
use crate::index::{FnRef, ModelId};

impl View<'_, '_> {
    /// The column that says who may see a row.
    pub(super) fn visibility_of(&self, model: Option<ModelId>, table: Option<Name>) -> Option<Name> {
        let ix = self.cx.ix;
        let names = ix.packs.tenancy().visibility_names.iter().map(|n| Name::new(n));
        let table = table.or_else(|| ix.model(model?).table);
        let migrated = table.and_then(|t| self.tenancy.schema.get(&t));
        let mut names = names.filter(|n| {
            model.is_some_and(|m| ix.model(m).columns.contains_key(n)) || migrated.is_some_and(|columns| columns.contains(n))
        });
        names.next()
    }

    /// Does the function read the column that says who may see a row?
    pub(super) fn reads_visibility(&self, f: FnRef) -> bool {
        let names = &self.cx.ix.packs.tenancy().visibility_names;
        let is_one = |n: &Name| names.iter().any(|v| v == n.as_str());
        self.bodies(f).into_iter().any(|f| {
            let body = &self.cx.ix.function(f).body;
            body.exprs.iter().any(|e| match e {
                Expr::Attr { name, .. } => is_one(name),
                Expr::Index { index: Some(i), .. } => matches!(body.expr(*i), Expr::Str(n) if is_one(n)),
                _ => false,
            })
        })
    }

    /// Is the query narrowed to rows that everybody may see?
    pub(super) fn asks_for_public(&self, execution: &Execution) -> bool {
        let lists = self.cx.ix.packs.tenancy();
        let is_column = |text: &str| {
            let last = text.rsplit(['.', ' ']).next().unwrap_or(text);
            lists.visibility_names.iter().any(|v| v == last)
        };
        let outer = self.outermost(execution.owner);
        self.bodies(outer).into_iter().any(|f| {
            let body = &self.cx.ix.function(f).body;
            body.exprs.iter().any(|e| {
                let Expr::Call { callee, args } = e else { return false };
                let dynamic = match body.expr(*callee) {
                    Expr::Attr { name, .. } => self.cx.ix.dynamic_column(*name),
                    _ => None,
                };
                let value = |at: usize| args.get(at).is_some_and(|a| self.is_public_value(body, a.value));
                dynamic.is_some_and(|d| is_column(d.as_str()) && value(0))
                    || args.iter().any(|a| {
                        a.name.is_some_and(|n| is_column(n.as_str().split("__").next().unwrap_or_default()))
                            && self.is_public_value(body, a.value)
                    })
                    || matches!(args.first().map(|a| body.expr(a.value)), Some(Expr::Str(s)) if is_column(s.as_str()))
                        && args.len() > 1
                        && value(args.len() - 1)
            })
        })
    }

    fn is_public_value(&self, body: &Body, expr: ExprId) -> bool {
        let is_word = |text: &str| self.cx.ix.packs.tenancy().public_values.iter().any(|v| v.eq_ignore_ascii_case(text));
        match body.expr(expr) {
            Expr::Str(text) => is_word(text.as_str()),
            Expr::Bool(is) => *is,
            Expr::Int(n) => *n == 1,
            // An enumeration's case: `Visibility.PUBLIC`, `Visibility::Public`.
            Expr::Attr { name, .. } => is_word(name.as_str()),
            Expr::Seq { items, .. } => !items.is_empty() && items.iter().all(|i| self.is_public_value(body, i.value)),
            _ => false,
        }
    }

    /// Are rows only counted or summed up, where no scope says that even this is the tenant's own?
    pub(super) fn is_statistic(&self, execution: &Execution) -> bool {
        let only_conditions = self.tenancy.evidence.iter().all(|e| matches!(e, Evidence::Conditions { .. }));
        only_conditions
            && !self.reads_one(execution)
            && (execution.kind == Statement::Aggregate || execution.flags & flag::GROUPED != 0)
    }

    /// Is a statement sent only to fill a cache under a key that names nobody?
    pub(super) fn is_kept_for_all(&self, execution: &Execution) -> bool {
        let ix = self.cx.ix;
        let mut at = execution.owner;
        for _ in 0..8 {
            let decl = ix.function(at);
            let Some(parent) = decl.parent.filter(|_| decl.kind == crate::facts::FnKind::Closure) else {
                return false;
            };
            let outer = FnRef { file: at.file, id: parent };
            let body = &ix.function(outer).body;
            let keeps = body.exprs.iter().any(|e| {
                let Expr::Call { callee, args } = e else { return false };
                let is_given = args.iter().any(|a| *body.expr(a.value) == Expr::Closure(at.id));
                let keeper = match body.expr(*callee) {
                    Expr::Attr { base, .. } => self.origin(outer, *base).user || self.names_keeper(outer, *base),
                    _ => false,
                };
                is_given && keeper && matches!(args.first().map(|a| body.expr(a.value)), Some(Expr::Str(_)))
            });
            if keeps {
                return true;
            }
            at = outer;
        }
        false
    }

    /// Does what is read here say itself which tenant is at work: one row by a value that only one has, of which the tenant is taken?
    pub(super) fn determines_tenant(&self, execution: &Execution) -> bool {
        if !self.reads_one(execution) {
            return false;
        }
        let f = execution.owner;
        let body = &self.cx.ix.function(f).body;
        let Some(call) = self.expr_at(f, execution.site) else {
            return false;
        };
        let Some(slot) = self.held_by(f, call) else {
            return false;
        };
        body.exprs.iter().any(|e| match e {
            Expr::Attr { base, name, .. } => {
                *body.expr(*base) == Expr::Local(slot)
                    && (self.tenancy.columns.contains(name)
                        || self.tenancy.columns.contains(&Name::new(&format!("{}_id", snake(name.as_str())))))
            }
            _ => false,
        })
    }
}
