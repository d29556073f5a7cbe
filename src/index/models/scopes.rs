//! Which global scopes does every query of a model get?

use rustc_hash::FxHashSet;

use super::Linker;
use crate::base::{FileId, Name, Span};
use crate::facts::{ClassKind, Expr, ExprId, FnId, Language};
use crate::index::{ClassId, FnRef, ModelId, Symbol};
use crate::packs::model::Scopes;

/// A scope that a closure gives without a name.
const UNNAMED: &str = "closure";

impl Linker<'_, '_, '_> {
    /// Reads the global scopes of all models.
    pub(super) fn read_scopes(&mut self) {
        for (id, class) in self.own_models() {
            let pack = self.pack_of(id);
            let Some(rules) = &pack.scopes else { continue };
            let mut found = Vec::new();
            let mut seen: FxHashSet<FnRef> = FxHashSet::default();
            for hook in &rules.hooks {
                self.read_hook(class, Name::new(hook), rules, &mut seen, &mut found);
            }
            self.read_trait_hooks(class, rules, &mut seen, &mut found);
            self.read_scope_decorators(class, rules, &mut found);
            for scope in found {
                let scopes = &mut self.models[id.0 as usize].scopes;
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        self.read_outside_scopes();
    }

    /// The scopes that a static method adds, and the parent's method if it calls it.
    fn read_hook(&self, class: ClassId, hook: Name, rules: &Scopes, seen: &mut FxHashSet<FnRef>, found: &mut Vec<(Name, Span)>) {
        let mut next = self.index.find_method(class, hook);
        while let Some((owner, function)) = next {
            if !seen.insert(function) {
                return;
            }
            self.read_calls(function, rules, found);
            next = if self.calls_parent(function, hook) { self.index.find_method_after(class, owner, hook) } else { None };
        }
    }

    fn calls_parent(&self, function: FnRef, name: Name) -> bool {
        let body = &self.index.function(function).body;
        body.exprs.iter().any(|e| match e {
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, name: called, .. } => {
                    *called == name && matches!(body.expr(*base), Expr::Class(c) if c.as_str() == "parent")
                }
                _ => false,
            },
            _ => false,
        })
    }

    /// `boot<Trait>` of every trait, and static methods with a decorator that makes them hooks.
    fn read_trait_hooks(&self, class: ClassId, rules: &Scopes, seen: &mut FxHashSet<FnRef>, found: &mut Vec<(Name, Span)>) {
        let index = self.index;
        for ancestor in &index.class(class).mro {
            let decl = index.class_decl(*ancestor);
            if decl.kind == ClassKind::Trait
                && let Some(prefix) = &rules.trait_prefix
            {
                let hook = Name::new(&format!("{prefix}{}", decl.name.last_segment()));
                if let Some((_, function)) = index.find_method(class, hook)
                    && seen.insert(function)
                {
                    self.read_calls(function, rules, found);
                }
            }
            let file = index.class(*ancestor).file;
            for method in &decl.methods {
                let function = FnRef { file, id: *method };
                if self.has_hook_decorator(function, FnRef { file, id: decl.scope }, rules) && seen.insert(function) {
                    self.read_calls(function, rules, found);
                }
            }
        }
    }

    fn has_hook_decorator(&self, function: FnRef, scope: FnRef, rules: &Scopes) -> bool {
        self.index.function(function).decorators.iter().any(|decorator| {
            let Some(call) = self.index.call_at(scope, *decorator) else {
                return false;
            };
            let names = self.call_names(&call);
            rules.hook_decorators.iter().any(|d| names.iter().any(|n| n.as_str().eq_ignore_ascii_case(d)))
        })
    }

    /// Calls that add scopes to the class itself, in a function and the closures made in it.
    fn read_calls(&self, function: FnRef, rules: &Scopes, found: &mut Vec<(Name, Span)>) {
        let body = &self.index.function(function).body;
        let mut closures = Vec::new();
        for (i, expr) in body.exprs.iter().enumerate() {
            match expr {
                Expr::Closure(inner) => closures.push(*inner),
                Expr::Call { callee, .. } => {
                    let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                        continue;
                    };
                    let is_own = match body.expr(*base) {
                        Expr::This => true,
                        Expr::Class(c) => matches!(c.as_str(), "static" | "self"),
                        _ => false,
                    };
                    if is_own {
                        self.read_call(function, ExprId(i as u32), *name, rules, found);
                    }
                }
                _ => {}
            }
        }
        for inner in closures {
            if inner != function.id {
                self.read_calls(FnRef { file: function.file, id: inner }, rules, found);
            }
        }
    }

    /// The scopes that one call adds.
    fn read_call(&self, at: FnRef, call: ExprId, name: Name, rules: &Scopes, found: &mut Vec<(Name, Span)>) {
        let is_one = rules.add.iter().any(|n| n.eq_ignore_ascii_case(name.as_str()));
        let is_list = rules.add_many.iter().any(|n| n.eq_ignore_ascii_case(name.as_str()));
        if !is_one && !is_list {
            return;
        }
        let Some(view) = self.index.call_at(at, call) else {
            return;
        };
        let span = Span { file: at.file, range: view.body.range(call) };
        let Some(first) = view.positional(0) else {
            return;
        };
        if is_one {
            found.push((self.scope_name(at, first), span));
            return;
        }
        match view.body.expr(first) {
            Expr::Seq { items, .. } => {
                found.extend(items.iter().map(|i| (self.scope_name(at, i.value), span)));
            }
            Expr::Map(entries) => {
                found.extend(entries.iter().map(|(key, item)| (self.scope_name(at, key.unwrap_or(item.value)), span)));
            }
            _ => {}
        }
    }

    /// The name under which a scope can be removed: its own, or that of its class.
    fn scope_name(&self, at: FnRef, expr: ExprId) -> Name {
        if let Some(text) = self.index.literal_text(at, expr) {
            return text;
        }
        let body = &self.index.function(at).body;
        let class = match body.expr(expr) {
            Expr::New { class, .. } => *class,
            _ => expr,
        };
        match self.index.symbol_of(at, class) {
            Symbol::Class(class) => self.index.class(class).name,
            Symbol::External(name) => name,
            _ => Name::new(UNNAMED),
        }
    }

    /// Scopes that decorators of the class and its own traits give.
    fn read_scope_decorators(&self, class: ClassId, rules: &Scopes, found: &mut Vec<(Name, Span)>) {
        let index = self.index;
        let own = index.class_decl(class);
        let own_traits: FxHashSet<ClassId> =
            own.traits.iter().filter_map(|t| index.class_names.get(&crate::index::classes::folded(*t)).copied()).collect();
        for ancestor in &index.class(class).mro {
            let decl = index.class_decl(*ancestor);
            if *ancestor != class && !rules.decorators_inherited && !own_traits.contains(ancestor) {
                continue;
            }
            let at = FnRef { file: index.class(*ancestor).file, id: decl.scope };
            for decorator in &decl.decorators {
                let Some(call) = index.call_at(at, *decorator) else {
                    continue;
                };
                let names = self.call_names(&call);
                if !rules.decorators.iter().any(|d| names.iter().any(|n| n.as_str().eq_ignore_ascii_case(d))) {
                    continue;
                }
                let span = Span { file: at.file, range: call.body.range(*decorator) };
                for arg in call.args {
                    match call.body.expr(arg.value) {
                        Expr::Seq { items, .. } => {
                            found.extend(items.iter().map(|i| (self.scope_name(at, i.value), span)));
                        }
                        _ => found.push((self.scope_name(at, arg.value), span)),
                    }
                }
            }
        }
    }

    /// `Model::addGlobalScope(…)` anywhere in the program: for that class alone.
    fn read_outside_scopes(&mut self) {
        let mut found: Vec<(ModelId, (Name, Span))> = Vec::new();
        let words: FxHashSet<Name> = self
            .dialects
            .list
            .iter()
            .filter_map(|d| d.pack.scopes.as_ref())
            .flat_map(|s| s.add.iter().chain(&s.add_many))
            .map(|n| Name::new(n))
            .collect();
        for (i, facts) in self.index.facts.iter().enumerate() {
            if facts.language != Language::Php {
                continue;
            }
            for (f, function) in facts.functions.iter().enumerate() {
                let at = FnRef { file: FileId(i as u32), id: FnId(f as u32) };
                for (e, expr) in function.body.exprs.iter().enumerate() {
                    let Expr::Call { callee, .. } = expr else {
                        continue;
                    };
                    let Expr::Attr { base, name, .. } = function.body.expr(*callee) else {
                        continue;
                    };
                    if !words.contains(name) || !matches!(function.body.expr(*base), Expr::Class(_)) {
                        continue;
                    }
                    if matches!(function.body.expr(*base), Expr::Class(c) if matches!(c.as_str(), "static" | "self" | "parent")) {
                        continue;
                    }
                    let Symbol::Class(class) = self.index.symbol_of(at, *base) else {
                        continue;
                    };
                    let Some(model) = self.of_class[class.0 as usize] else {
                        continue;
                    };
                    let Some(rules) = &self.pack_of(model).scopes else {
                        continue;
                    };
                    let mut scopes = Vec::new();
                    self.read_call(at, ExprId(e as u32), *name, rules, &mut scopes);
                    found.extend(scopes.into_iter().map(|s| (model, s)));
                }
            }
        }
        for (model, scope) in found {
            self.models[model.0 as usize].scopes.push(scope);
        }
    }
}
