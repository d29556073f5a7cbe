//! From what do queries of a model start, and of which classes are its queries and collections?

use super::Linker;
use crate::base::Name;
use crate::facts::{Expr, ExprId};
use crate::index::{ClassId, FnRef, Manager, ModelId, Symbol};
use crate::packs::model::{ClassChoice, Managers};

impl<'a> Linker<'_, 'a, '_> {
    /// Reads the managers of all models.
    pub(super) fn read_managers(&mut self) {
        for (id, class) in self.own_models() {
            let pack = self.pack_of(id);
            let Some(rules) = &pack.managers else {
                continue;
            };
            let mut found: Vec<Manager> = Vec::new();
            for contributor in self.contributors(id, class) {
                let attrs = self.own_attrs(id, contributor);
                for attr in attrs.iter() {
                    let Some((at, value)) = attr.value else {
                        continue;
                    };
                    if found.iter().any(|m| m.name == attr.name) {
                        continue;
                    }
                    if let Some((manager, query)) = self.manager_of(rules, at, value) {
                        found.push(Manager { name: attr.name, class: manager, query_class: query });
                    }
                }
            }
            let inherited = self.library_managers(id);
            for manager in inherited {
                if !found.iter().any(|m| m.name == manager.name) {
                    found.push(manager);
                }
            }
            if found.is_empty() {
                found.push(Manager { name: Name::new(&rules.default), class: None, query_class: None });
            }
            // The default manager stands first.
            let default = pack.options.as_ref().and_then(|o| o.default_manager.as_deref());
            let named = default.and_then(|o| self.option(class, o)).and_then(|(at, value)| self.index.literal_text(at, value));
            if let Some(name) = named
                && let Some(i) = found.iter().position(|m| m.name == name)
            {
                let manager = found.remove(i);
                found.insert(0, manager);
            }
            self.models[id.0 as usize].managers = found;
        }
    }

    /// The manager that a value is: its class and the class of its queries, as far as they are the program's own.
    fn manager_of(&self, rules: &Managers, at: FnRef, value: ExprId) -> Option<(Option<ClassId>, Option<ClassId>)> {
        let index = self.index;
        let call = index.call_at(at, value)?;
        // `Query.as_manager()`.
        if let Expr::Attr { base, name, .. } = call.body.expr(call.callee)
            && rules.as_manager.iter().any(|n| n == name.as_str())
        {
            return match index.symbol_of(at, *base) {
                Symbol::Class(query) => Some((None, Some(query))),
                _ => Some((None, None)),
            };
        }
        // `Manager.from_queryset(Query)()`, also by way of a variable.
        if let Some(found) = self.made_from_query(rules, at, call.callee) {
            return Some(found);
        }
        match index.symbol_of(at, call.callee) {
            Symbol::Class(class) if self.is_manager(rules, class) => Some((Some(class), self.query_of_manager(rules, class))),
            Symbol::External(name) => {
                let short = name.last_segment();
                let is_manager =
                    rules.bases.iter().any(|b| b == name.as_str()) || rules.endings.iter().any(|e| short.ends_with(e.as_str()));
                let is_relation = self.dialects.list.iter().any(|d| d.call(&[name]).is_some());
                (is_manager && !is_relation).then_some((None, None))
            }
            _ => None,
        }
    }

    fn made_from_query(&self, rules: &Managers, at: FnRef, callee: ExprId) -> Option<(Option<ClassId>, Option<ClassId>)> {
        let index = self.index;
        let (at, callee) = match index.function(at).body.expr(callee) {
            Expr::Name(name) => match index.resolve_name(at.file, at.id, *name) {
                Symbol::Variable(file, name) => index.variable_value(file, name)?,
                _ => return None,
            },
            _ => (at, callee),
        };
        let call = index.call_at(at, callee)?;
        let Expr::Attr { base, name, .. } = call.body.expr(call.callee) else {
            return None;
        };
        if !rules.from_query.iter().any(|n| n == name.as_str()) {
            return None;
        }
        let class = |symbol: Symbol| match symbol {
            Symbol::Class(class) => Some(class),
            _ => None,
        };
        let manager = class(index.symbol_of(at, *base));
        let query = call.positional(0).and_then(|q| class(index.symbol_of(at, q)));
        Some((manager, query))
    }

    fn is_manager(&self, rules: &Managers, class: ClassId) -> bool {
        let external = &self.index.class(class).external;
        external.iter().any(|n| {
            rules.bases.iter().any(|b| b == n.as_str()) || rules.endings.iter().any(|e| n.last_segment().ends_with(e.as_str()))
        })
    }

    fn is_query(&self, rules: &Managers, class: ClassId) -> bool {
        self.index.class(class).external.iter().any(|n| rules.query_bases.iter().any(|b| b == n.as_str()))
    }

    /// The class of a manager's queries: among its own bases, or what its method returns.
    fn query_of_manager(&self, rules: &Managers, class: ClassId) -> Option<ClassId> {
        let index = self.index;
        let mro = &index.class(class).mro;
        if let Some(query) = mro.iter().copied().find(|c| {
            let is_own_query = *c != class && self.is_query(rules, *c);
            is_own_query && !index.class(*c).external.iter().any(|n| rules.bases.iter().any(|b| b == n.as_str()))
        }) {
            return Some(query);
        }
        let (_, method) = index.find_method(class, Name::new(rules.query_method.as_deref()?))?;
        index.returned(method).into_iter().find_map(|value| self.query_made(rules, method, value))
    }

    /// The query class whose object begins a chain of calls.
    fn query_made(&self, rules: &Managers, at: FnRef, value: ExprId) -> Option<ClassId> {
        let body = &self.index.function(at).body;
        let mut expr = value;
        for _ in 0..32 {
            match body.expr(expr) {
                Expr::Call { callee, .. } => {
                    if let Symbol::Class(class) = self.index.symbol_of(at, *callee)
                        && self.is_query(rules, class)
                    {
                        return Some(class);
                    }
                    expr = *callee;
                }
                Expr::Attr { base, .. } => expr = *base,
                Expr::Local(slot) => expr = self.index.local_value(at, *slot).filter(|v| *v != expr)?,
                _ => return None,
            }
        }
        None
    }

    /// Reads which classes models choose for their queries and collections.
    pub(super) fn read_choices(&mut self) {
        for (id, class) in self.own_models() {
            let pack = self.pack_of(id);
            let query = self.chosen(id, class, &pack.query_class);
            let collection = self.chosen(id, class, &pack.collection_class);
            self.models[id.0 as usize].query_class = query;
            self.models[id.0 as usize].collection_class = collection;
        }
    }

    fn chosen(&self, id: ModelId, class: ClassId, choice: &ClassChoice) -> Option<ClassId> {
        let index = self.index;
        let as_class = |symbol: Symbol| match symbol {
            Symbol::Class(class) => Some(class),
            _ => None,
        };
        let _ = id;
        let decl = index.class_decl(class);
        let at = FnRef { file: index.class(class).file, id: decl.scope };
        for decorator in &decl.decorators {
            let Some(call) = index.call_at(at, *decorator) else {
                continue;
            };
            let names = self.call_names(&call);
            let is_wanted = choice.decorators.iter().any(|d| names.iter().any(|n| n.as_str().eq_ignore_ascii_case(d)));
            if is_wanted && let Some(value) = call.positional(0) {
                return as_class(index.symbol_of(at, value));
            }
        }
        for attr in &choice.attrs {
            let Some((owner, i)) = index.find_attr(class, Name::new(attr)) else {
                continue;
            };
            let decl = index.class_decl(owner);
            let at = FnRef { file: index.class(owner).file, id: decl.scope };
            if let Some(found) = decl.attrs[i].value.and_then(|v| as_class(index.symbol_of(at, v))) {
                return Some(found);
            }
        }
        for method in &choice.methods {
            let Some((_, function)) = index.find_method(class, Name::new(method)) else {
                continue;
            };
            let made = index.returned(function).into_iter().find_map(|value| {
                let call = index.call_at(function, value)?;
                as_class(index.symbol_of(function, call.callee))
            });
            let declared = || {
                let ty = index.function(function).ret.as_ref()?;
                index.type_to_class(function.file, function.id, ty)
            };
            if let Some(found) = made.or_else(declared) {
                return Some(found);
            }
        }
        None
    }
}
