//! Does the application tie a model to whoever is at work, or is its key only a label of rows?

use super::View;
use crate::base::Name;
use crate::facts::{BinaryOp, Expr, ExprId, FnKind};
use crate::flow::value::Mark;
use crate::index::models::snake;
use crate::index::tenants::{Candidate, is_user};
use crate::index::{FnRef, ModelId, Symbol};

use super::calls::own_functions;

impl View<'_, '_> {
    /// Does a condition compare the candidate's column with what the current user or request has, does a query start from the
    /// user's own, or is there a table of members that is asked for the user?
    pub(super) fn is_tied(&self, candidate: &Candidate) -> bool {
        self.has_members(candidate)
            && (self.compares_with_user(candidate) || self.asks_membership(candidate) || self.starts_from_user(candidate))
    }

    /// Does a condition go by the users that a candidate has, or by those of it that whoever is at work has? Then it is theirs,
    /// however many statements lack the condition.
    pub(super) fn is_tied_by_members(&self, candidate: &Candidate) -> bool {
        own_functions(self.cx.ix)
            .filter(|(_, f)| f.kind != FnKind::Template)
            .any(|(at, _)| self.function_goes_by_members(at, candidate))
    }

    fn function_goes_by_members(&self, at: FnRef, candidate: &Candidate) -> bool {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        let shaping = &ix.packs.tenancy().shaping_names;
        let data = ix.model(candidate.model);
        let to_users = |n: &str| {
            data.relations.values().any(|r| {
                r.many && (r.name.as_str() == n || r.query_name.as_str() == n) && r.target.is_some_and(|t| is_user(ix, t))
            })
        };
        body.exprs.iter().any(|expr| {
            let Expr::Call { callee, args } = expr else { return false };
            if args.iter().all(|arg| arg.name.is_none()) {
                return false;
            }
            let is_condition = match body.expr(*callee) {
                Expr::Attr { name, .. } => !shaping.iter().any(|s| s == name.as_str()),
                Expr::Name(_) => true,
                _ => false,
            };
            is_condition
                && args.iter().any(|arg| {
                    let Some(path) = arg.name else { return false };
                    let parts: Vec<&str> = path.as_str().split("__").collect();
                    let Some(i) = parts.iter().position(|p| candidate.columns.contains(&Name::new(p))) else { return false };
                    let by_users = parts.get(i + 1).is_some_and(|p| to_users(p));
                    (by_users || self.names_many(at, arg.value, candidate)) && self.origin(at, arg.value).user
                })
        })
    }

    /// Does an expression read a relation to many of the candidate, or what is named after many of it?
    fn names_many(&self, at: FnRef, expr: ExprId, candidate: &Candidate) -> bool {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        let short = snake(ix.model(candidate.model).name.last_segment());
        let mut e = expr;
        for _ in 0..12 {
            e = match body.expr(e) {
                Expr::Call { callee, .. } => *callee,
                Expr::Attr { base, name, .. } => {
                    let is_relation = ix
                        .models
                        .iter()
                        .any(|m| m.relations.get(name).is_some_and(|r| r.many && r.target == Some(candidate.model)));
                    if is_relation || name.as_str().starts_with(&format!("{short}s")) {
                        return true;
                    }
                    *base
                }
                Expr::Await(inner) | Expr::Same(inner) => *inner,
                Expr::Local(slot) => match super::origin::values_of(body, *slot).as_slice() {
                    [only] => *only,
                    _ => return false,
                },
                _ => return false,
            };
        }
        false
    }

    /// Can users belong to it: by a key of theirs, as many users of one, or by a table between? What belongs to one user
    /// (`cart.user_id`) is that user's own. Where no model is the user's, nothing is known.
    fn has_members(&self, candidate: &Candidate) -> bool {
        let ix = self.cx.ix;
        let dialect = ix.model(candidate.model).dialect;
        let all = || (0..ix.models.len() as u32).map(ModelId);
        let users: Vec<ModelId> = all().filter(|m| is_user(ix, *m) && ix.model(*m).dialect == dialect).collect();
        let leads = |from: ModelId, to: &dyn Fn(ModelId) -> bool, many: bool| {
            ix.model(from)
                .relations
                .values()
                .any(|r| r.target.is_some_and(to) && (if many { r.many } else { r.key_column.is_some() }))
        };
        let is_candidate = |m: ModelId| m == candidate.model;
        let is_user = |m: ModelId| users.contains(&m);
        let has_key = |m: ModelId| candidate.columns.iter().any(|c| ix.model(m).columns.contains_key(c));
        users.is_empty()
            || users.iter().any(|u| leads(*u, &is_candidate, false) || has_key(*u))
            || leads(candidate.model, &is_user, true)
            || candidate.is_kept
            || users.iter().any(|u| leads(*u, &|role| leads(role, &is_candidate, true), false))
            || all().any(|m| self.is_membership(candidate, m) && leads(m, &is_candidate, false))
    }

    /// Is a model by its name and relations the table between users and the candidate?
    fn is_membership(&self, candidate: &Candidate, id: ModelId) -> bool {
        let ix = self.cx.ix;
        let short = snake(ix.model(candidate.model).name.last_segment());
        let model = ix.model(id);
        let name = snake(model.name.last_segment());
        let to_one = |is_it: &dyn Fn(ModelId) -> bool| model.relations.values().any(|r| !r.many && r.target.is_some_and(is_it));
        let joins = to_one(&|t| is_user(ix, t));
        // What is not called so may be the row of a user: then users have many of it, or one, and it names the candidate.
        let is_called = name.contains(&short) || name.contains("member");
        joins && (is_called || self.stands_for_users(id) && to_one(&|t| t == candidate.model))
    }

    /// Is a model what users are somewhere, as an employee is: do they have rows of it, found by the user's own key?
    fn stands_for_users(&self, id: ModelId) -> bool {
        let ix = self.cx.ix;
        let is_had = ix
            .models
            .iter()
            .enumerate()
            .any(|(i, user)| is_user(ix, ModelId(i as u32)) && user.relations.values().any(|r| r.target == Some(id)));
        let keys: Vec<_> = ix.model(id).relations.values().filter(|r| r.target.is_some_and(|t| is_user(ix, t))).collect();
        let by_user = |e: &crate::flow::Execution| {
            e.model == Some(id)
                && self
                    .marks(e)
                    .iter()
                    .any(|m| matches!(m, Mark::Term(t) if keys.iter().any(|r| r.key_column == Some(*t) || r.name == *t)))
                && self.conditions(e).origin.user
        };
        is_had && self.cx.flow.executions.iter().any(by_user)
    }

    fn compares_with_user(&self, candidate: &Candidate) -> bool {
        own_functions(self.cx.ix).filter(|(_, f)| f.kind != FnKind::Template).any(|(at, _)| self.function_compares(at, candidate))
    }

    fn function_compares(&self, at: FnRef, candidate: &Candidate) -> bool {
        let body = &self.cx.ix.function(at).body;
        let speaks =
            |text: &str| text.split(['.', ' ']).flat_map(|p| p.split("__")).any(|p| candidate.columns.contains(&Name::new(p)));
        // A function that is given the tenant works for it.
        let is_given = |e: ExprId| {
            let decl = self.cx.ix.function(at);
            let root = self.root(at, e);
            decl.kind == FnKind::Function
                && decl.params.iter().any(|p| {
                    *body.expr(root) == Expr::Local(p.slot)
                        && p.ty
                            .as_ref()
                            .and_then(|ty| self.cx.ix.type_to_class(at.file, at.id, ty))
                            .is_some_and(|c| self.cx.ix.class(c).model == Some(candidate.model))
                })
        };
        let is_users = |e: ExprId| self.origin(at, e).user || is_given(e);
        let shaping = &self.cx.ix.packs.tenancy().shaping_names;
        body.exprs.iter().any(|expr| match expr {
            Expr::Call { callee, args } => {
                let dynamic = match body.expr(*callee) {
                    Expr::Attr { name, .. } => self.cx.ix.dynamic_column(*name),
                    _ => None,
                };
                if dynamic.is_some_and(|c| speaks(c.as_str())) && args.first().is_some_and(|a| is_users(a.value)) {
                    return true;
                }
                // Making or changing rows compares nothing.
                let is_condition = match body.expr(*callee) {
                    Expr::Attr { name, .. } => !shaping.iter().any(|s| s == name.as_str()),
                    Expr::Name(_) => true,
                    _ => false,
                };
                if !is_condition || !matches!(self.cx.ix.symbol_of(at, *callee), Symbol::External(_) | Symbol::Unknown) {
                    return false;
                }
                let is_text = |i: usize| match body.expr(args[i].value) {
                    Expr::Str(text) => speaks(text.as_str()),
                    _ => false,
                };
                // `where(['account_id' => $user->account_id])`
                let is_listed = args.iter().any(|arg| match body.expr(arg.value) {
                    Expr::Map(entries) => entries.iter().any(|(key, value)| {
                        let key = key.map(|k| body.expr(k));
                        matches!(key, Some(Expr::Str(text)) if speaks(text.as_str())) && is_users(value.value)
                    }),
                    _ => false,
                });
                is_listed
                    || args.iter().enumerate().any(|(i, arg)| {
                        let named = arg.name.is_some_and(|n| speaks(n.as_str()));
                        let placed = arg.name.is_none() && (i > 0 && is_text(i - 1) || i == 2 && is_text(0));
                        // Beside the column, another argument may name the user: a member of that tenant.
                        named && args.iter().any(|a| is_users(a.value)) || placed && is_users(arg.value)
                    })
            }
            Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::In | BinaryOp::NotIn, left, right } => {
                let is_column = |e: ExprId| matches!(body.expr(e), Expr::Attr { name, .. } if candidate.columns.contains(name));
                is_column(*left) && is_users(*right) || is_column(*right) && is_users(*left)
            }
            _ => false,
        })
    }

    fn starts_from_user(&self, candidate: &Candidate) -> bool {
        let flow = self.cx.flow;
        flow.executions.iter().filter(|e| e.via.is_some_and(|(m, _)| m == candidate.model)).any(|execution| {
            let conditions = self.conditions(execution);
            conditions.is_rooted && self.is_ours(execution) || self.chain_names_user(execution)
        })
    }

    /// Does a chain of calls name the user on its way?
    fn chain_names_user(&self, execution: &crate::flow::Execution) -> bool {
        let body = &self.cx.ix.function(execution.owner).body;
        let Some(mut at) = self.expr_at(execution.owner, execution.site) else {
            return false;
        };
        for _ in 0..16 {
            at = match body.expr(at) {
                Expr::Call { callee, .. } => *callee,
                Expr::Attr { base, name, .. } => {
                    if self.is_identity(name.as_str()) {
                        return true;
                    }
                    *base
                }
                Expr::Same(inner) | Expr::Await(inner) => *inner,
                _ => return self.origin(execution.owner, at).user,
            };
        }
        false
    }

    /// Is a table that joins users to the candidate asked for the user's rows?
    fn asks_membership(&self, candidate: &Candidate) -> bool {
        let tables: Vec<ModelId> = candidate.owned.keys().copied().filter(|m| self.is_membership(candidate, *m)).collect();
        self.cx
            .flow
            .executions
            .iter()
            .filter(|e| e.model.is_some_and(|m| tables.contains(&m)))
            .any(|execution| self.conditions(execution).origin.user)
    }
}
