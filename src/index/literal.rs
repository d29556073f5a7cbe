//! What do literals in class bodies and calls say?

use super::{ClassId, FnRef, ProjectIndex, Symbol};
use crate::base::Name;
use crate::facts::{Arg, Body, Expr, ExprId, Spread, Stmt};

/// Names are followed through this many assignments.
const MAX_STEPS: usize = 8;

/// A call, as written.
#[derive(Clone, Copy)]
pub(super) struct CallView<'a> {
    /// Function whose body it stands in.
    pub at: FnRef,
    /// That body.
    pub body: &'a Body,
    /// What is called.
    pub callee: ExprId,
    /// With what.
    pub args: &'a [Arg],
}

impl CallView<'_> {
    /// The argument at a position.
    pub fn positional(&self, at: usize) -> Option<ExprId> {
        let arg = self.args.iter().take_while(|a| a.spread == Spread::No).filter(|a| a.name.is_none()).nth(at)?;
        Some(arg.value)
    }

    /// The argument of a name.
    pub fn keyword(&self, name: &str) -> Option<ExprId> {
        self.args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == name)).map(|a| a.value)
    }

    /// The argument of a name, else the one at a position.
    pub fn argument(&self, at: Option<usize>, keyword: Option<&str>) -> Option<ExprId> {
        keyword.and_then(|k| self.keyword(k)).or_else(|| at.and_then(|i| self.positional(i)))
    }
}

impl<'a> ProjectIndex<'a> {
    /// The call that an expression is.
    pub(super) fn call_at(&self, at: FnRef, expr: ExprId) -> Option<CallView<'a>> {
        let body = &self.function(at).body;
        match body.expr(expr) {
            Expr::Call { callee, args } => Some(CallView { at, body, callee: *callee, args }),
            Expr::New { class, args } => Some(CallView { at, body, callee: *class, args }),
            Expr::Same(inner) => self.call_at(at, *inner),
            _ => None,
        }
    }

    /// A literal as text: strings as they are, `True`, `False` and `None` in Python's words. Follows names.
    pub(super) fn literal_text(&self, at: FnRef, expr: ExprId) -> Option<Name> {
        self.literal_at(at, expr, MAX_STEPS)
    }

    fn literal_at(&self, at: FnRef, expr: ExprId, steps: usize) -> Option<Name> {
        if steps == 0 {
            return None;
        }
        let body = &self.function(at).body;
        match body.expr(expr) {
            Expr::Str(text) => Some(*text),
            Expr::Bool(true) => Some(Name::new("True")),
            Expr::Bool(false) => Some(Name::new("False")),
            Expr::Null => Some(Name::new("None")),
            Expr::Int(n) => Some(Name::new(&n.to_string())),
            Expr::Same(inner) => self.literal_at(at, *inner, steps - 1),
            Expr::Interpolated(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(self.literal_at(at, *part, steps - 1)?.as_str());
                }
                Some(Name::new(&text))
            }
            Expr::Name(name) => self.literal_of_symbol(self.resolve_name(at.file, at.id, *name), steps),
            Expr::Local(slot) => {
                let name = body.slots[slot.0 as usize];
                if let Some((place, value)) = self.class_variable_value(at.file, at.id, name) {
                    return self.literal_at(place, value, steps - 1);
                }
                self.literal_of_symbol(self.resolve_name(at.file, at.id, name), steps)
            }
            Expr::Attr { base, name, .. } => match self.symbol_of(at, *base) {
                Symbol::Module(module) => self.literal_of_symbol(self.member(module, *name), steps),
                Symbol::Class(class) => {
                    let (owner, i) = self.find_attr(class, *name)?;
                    let decl = self.class_decl(owner);
                    let place = FnRef { file: self.class(owner).file, id: decl.scope };
                    self.literal_at(place, decl.attrs[i].value?, steps - 1)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What `cls.name` says for a class, in a function that is given the class first.
    pub(super) fn own_text(&self, class: ClassId, at: FnRef, expr: ExprId) -> Option<Name> {
        let function = self.function(at);
        let Expr::Attr { base, name, .. } = function.body.expr(expr) else { return None };
        let receiver = function.params.first()?.slot;
        if !matches!(function.body.expr(*base), Expr::Local(slot) if *slot == receiver) {
            return None;
        }
        let (owner, i) = self.find_attr(class, *name)?;
        let decl = self.class_decl(owner);
        let place = FnRef { file: self.class(owner).file, id: decl.scope };
        self.literal_at(place, decl.attrs[i].value?, MAX_STEPS)
    }

    fn literal_of_symbol(&self, symbol: Symbol, steps: usize) -> Option<Name> {
        let Symbol::Variable(file, name) = symbol else {
            return None;
        };
        let (place, value) = self.variable_value(file, name)?;
        self.literal_at(place, value, steps - 1)
    }

    /// Is the literal true?
    pub(super) fn is_true(&self, at: FnRef, expr: ExprId) -> bool {
        matches!(self.function(at).body.expr(expr), Expr::Bool(true))
    }

    /// The strings of a literal list, or the keys of a literal record and its elements without key. Names of classes stand
    /// for themselves.
    pub(super) fn literal_list(&self, at: FnRef, expr: ExprId) -> Vec<Name> {
        let body = &self.function(at).body;
        match body.expr(expr) {
            Expr::Seq { items, .. } => items
                .iter()
                .flat_map(|item| match item.spread {
                    Spread::No => self.literal_text(at, item.value).into_iter().collect(),
                    Spread::Elements | Spread::Keywords => self.literal_list(at, item.value),
                })
                .collect(),
            Expr::Map(entries) => {
                entries.iter().filter_map(|(key, item)| self.literal_text(at, key.unwrap_or(item.value))).collect()
            }
            Expr::Same(inner) => self.literal_list(at, *inner),
            Expr::Binary { left, right, .. } => {
                let mut both = self.literal_list(at, *left);
                both.extend(self.literal_list(at, *right));
                both
            }
            _ => self.literal_text(at, expr).into_iter().collect(),
        }
    }

    /// The expressions that a function returns, wherever the `return` stands.
    pub fn returned(&self, at: FnRef) -> Vec<ExprId> {
        let body = &self.function(at).body;
        let mut found: Vec<ExprId> = Vec::new();
        for stmt in &body.stmts {
            if let Stmt::Return(Some(value)) = stmt {
                found.push(*value);
            }
        }
        // A branch gives what either side gives.
        let mut next = 0;
        while next < found.len() && found.len() < 64 {
            match body.expr(found[next]) {
                Expr::Ternary { cond, then, otherwise } => {
                    found.push(then.unwrap_or(*cond));
                    found.push(*otherwise);
                }
                Expr::Coalesce(left, right) => found.extend([*left, *right]),
                Expr::Match { arms, .. } => found.extend(arms.iter().map(|(_, value)| *value)),
                Expr::Same(inner) => found.push(*inner),
                _ => {}
            }
            next += 1;
        }
        found
    }

    /// The value that a local first gets in a function.
    pub fn local_of(&self, at: FnRef, slot: crate::facts::Slot) -> Option<ExprId> {
        self.local_value(at, slot)
    }

    /// The value that a local first gets in a function.
    pub(super) fn local_value(&self, at: FnRef, slot: crate::facts::Slot) -> Option<ExprId> {
        let body = &self.function(at).body;
        body.exprs.iter().find_map(|e| match e {
            Expr::Assign { target, value } if *body.pat(*target) == crate::facts::Pat::Local(slot) => Some(*value),
            _ => None,
        })
    }
}
