//! Which relations does a call register with a closure, outside the model?

use rustc_hash::FxHashSet;

use super::Linker;
use super::methods::{ChainLink, Draft, DraftTarget, MAX_CHAIN};
use crate::base::{FileId, Name, Span};
use crate::facts::{Expr, ExprId, FnId, Language};
use crate::index::literal::CallView;
use crate::index::{FnRef, Symbol};
use crate::packs::model::RelationMethods;

impl<'a> Linker<'_, 'a, '_> {
    /// Relations that a static call registers with a closure.
    pub(super) fn read_registered(&mut self) {
        let words: FxHashSet<Name> = self
            .dialects
            .list
            .iter()
            .filter_map(|d| d.pack.relation_methods.as_ref())
            .flat_map(|r| &r.register)
            .map(|n| Name::new(n))
            .collect();
        let mut found = Vec::new();
        for (i, facts) in self.index.facts.iter().enumerate() {
            if facts.language != Language::Php {
                continue;
            }
            for (f, function) in facts.functions.iter().enumerate() {
                let at = FnRef { file: FileId(i as u32), id: FnId(f as u32) };
                let body = &function.body;
                for (e, expr) in body.exprs.iter().enumerate() {
                    let Expr::Call { callee, args } = expr else {
                        continue;
                    };
                    let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                        continue;
                    };
                    if words.contains(name) && matches!(body.expr(*base), Expr::Class(_)) {
                        found.push((at, *base, CallView { at, body, callee: *callee, args }, ExprId(e as u32)));
                    }
                }
            }
        }
        for (at, base, call, expr) in found {
            let Symbol::Class(class) = self.index.symbol_of(at, base) else {
                continue;
            };
            let Some(model) = self.of_class[class.0 as usize] else {
                continue;
            };
            let Some(rules) = &self.pack_of(model).relation_methods else {
                continue;
            };
            let Some(name) = call.positional(0).and_then(|n| self.index.literal_text(at, n)) else {
                continue;
            };
            let Some(Expr::Closure(inner)) = call.positional(1).map(|c| call.body.expr(c)) else {
                continue;
            };
            let inner = FnRef { file: at.file, id: *inner };
            let Some(draft) = self.draft_of_closure(rules, inner) else {
                continue;
            };
            let span = Span { file: at.file, range: call.body.range(expr) };
            let mut owners = vec![model];
            owners.extend(self.index.class(class).descendants.iter().filter_map(|c| self.of_class[c.0 as usize]));
            for owner in owners {
                if !self.model(owner).relations.contains_key(&name) {
                    self.add_method_relation(owner, rules, name, span, &draft);
                }
            }
        }
    }

    /// A closure that is given the model: its first parameter stands for the object itself.
    fn draft_of_closure(&self, rules: &RelationMethods, at: FnRef) -> Option<Draft> {
        let function = self.index.function(at);
        let own = function.params.first()?.slot;
        let body = &function.body;
        let mut expr = *self.index.returned(at).first()?;
        let mut links: Vec<ChainLink<'a>> = Vec::new();
        for _ in 0..MAX_CHAIN {
            let Expr::Call { callee, args } = body.expr(expr) else {
                return None;
            };
            let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                return None;
            };
            if *body.expr(*base) != Expr::Local(own) {
                links.push((*name, args));
                expr = *base;
                continue;
            }
            let made = rules.constructor.iter().find(|c| c.names.iter().any(|n| n == name.as_str()))?;
            let call = CallView { at, body, callee: *callee, args };
            let target = call.argument(made.target, made.target_keyword.as_deref());
            let draft = Draft {
                many: made.many,
                polymorphic: made.polymorphic,
                target: target.map_or(DraftTarget::Unknown, |t| DraftTarget::Expr(at, t)),
                owns_key: made.key.is_some(),
                key: None,
                eager: Vec::new(),
                inverse: None,
            };
            return Some(self.changed(rules, at, draft, &links));
        }
        None
    }
}
