//! What do names of types mean that stand for other types: parameters of classes, variables?
//!
//! `class Invoices(Repository[Invoice])`: what a method of `Repository` says it gives as `M` is an `Invoice`.
//! `SessionDep = Annotated[Session, Depends(get_session)]`: a parameter of that type is a `Session`.

use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name, Span};
use crate::facts::{BinaryOp, Body, Expr, ExprId, FnId, Language, Pat, Type};
use crate::index::{ClassId, FnRef, Symbol};

/// Classes derived from each other with type arguments are followed this deep.
const MAX_DEPTH: usize = 8;
/// What makes a type of its own of another.
const NEW_TYPE: &str = "NewType";
/// What a class names to say which its type parameters are.
const DECLARES_PARAMETERS: &[&str] = &["Generic", "Protocol"];

impl<'a> Engine<'a> {
    /// A declared type as it is for an object of this class.
    pub(super) fn value_of_type_for(&mut self, class: ClassId, file: FileId, scope: FnId, ty: &Type) -> Val {
        let before = self.typed_for.replace(class);
        let val = self.value_of_type(file, scope, ty);
        self.typed_for = before;
        val
    }

    /// The class of the object whose method runs.
    pub(super) fn class_of_receiver(&self, fr: &Frame<'a>) -> Option<ClassId> {
        let this = if self.takes_receiver(fr.f) {
            fr.decl.params.first().and_then(|p| fr.locals.get(p.slot.0 as usize)).copied().unwrap_or(fr.this)
        } else {
            fr.this
        };
        match self.data(this) {
            Data::Object { class, .. } | Data::Class(class) => Some(*class),
            _ => None,
        }
    }

    /// What a type parameter of the class around a place is for the object whose types are read.
    pub(super) fn type_argument(&mut self, file: FileId, scope: FnId, name: Name, at: Span) -> Option<Val> {
        let own = self.typed_for?;
        let owner = self.ix.class_of_function(FnRef { file, id: scope })?;
        if own == owner || !self.ix.class(own).mro.contains(&owner) {
            return None;
        }
        let (class, ty) = self.argument_of(own, owner, name, MAX_DEPTH)?;
        if matches!(&ty, Type::Named(n) if *n == name) && self.ix.type_to_class(file, scope, &ty).is_none() {
            let own_file = self.ix.class(class).file;
            let own_scope = self.ix.class_decl(class).scope;
            self.ix.type_to_class(own_file, own_scope, &ty)?;
        }
        let before = self.typed_for.take();
        let val = self.value_of_type_at(self.ix.class(class).file, self.ix.class_decl(class).scope, &ty, at);
        self.typed_for = before;
        Some(val)
    }

    /// The type that stands for a parameter of an ancestor, and the class that names it.
    fn argument_of(&self, class: ClassId, owner: ClassId, name: Name, depth: usize) -> Option<(ClassId, Type)> {
        if depth == 0 {
            return None;
        }
        let file = self.ix.class(class).file;
        let decl = self.ix.class_decl(class);
        for base in &decl.bases {
            let (base_name, args): (Name, &[Type]) = match base {
                Type::Named(n) => (*n, &[]),
                Type::Apply(n, args) => (*n, args),
                _ => continue,
            };
            let Some(parent) = self.ix.type_to_class(file, decl.scope, &Type::Named(base_name)) else { continue };
            let (at, ty) = if parent == owner {
                (parent, Type::Named(name))
            } else if self.ix.class(parent).mro.contains(&owner) {
                match self.argument_of(parent, owner, name, depth - 1) {
                    Some(found) => found,
                    None => continue,
                }
            } else {
                continue;
            };
            // In terms of the parent's own parameters: what this class says they are.
            let position = match &ty {
                Type::Named(n) if at == parent => self.parameters(parent).iter().position(|p| p == n),
                _ => None,
            };
            return match position {
                Some(i) => args.get(i).map(|arg| (class, arg.clone())),
                None if parent == owner => None,
                None => Some((at, ty)),
            };
        }
        None
    }

    /// The type parameters of a class, in order.
    fn parameters(&self, class: ClassId) -> Vec<Name> {
        let file = self.ix.class(class).file;
        let decl = self.ix.class_decl(class);
        let mut declared = Vec::new();
        let mut used = Vec::new();
        for base in &decl.bases {
            let Type::Apply(name, args) = base else { continue };
            let names = args.iter().filter_map(|a| match a {
                Type::Named(n) => Some(*n),
                _ => None,
            });
            if DECLARES_PARAMETERS.contains(&name.last_segment()) {
                declared.extend(names);
            } else {
                used.extend(names.filter(|n| self.ix.type_to_class(file, decl.scope, &Type::Named(*n)).is_none()));
            }
        }
        let mut all = if declared.is_empty() { used } else { declared };
        let mut seen = Vec::new();
        all.retain(|n| {
            !seen.contains(n) && {
                seen.push(*n);
                true
            }
        });
        all
    }

    /// What a variable of a module that holds a type stands for.
    pub(super) fn aliased_type(&mut self, file: FileId, scope: FnId, name: Name, at: Span) -> Option<Val> {
        if self.aliases.len() >= MAX_DEPTH || self.ix.file(file).language != Language::Python {
            return None;
        }
        let Symbol::Variable(module, variable) = self.ix.resolve_dotted(file, scope, name.as_str()) else { return None };
        // A type that names itself, as those of JSON do.
        if self.aliases.contains(&(module, variable)) {
            return Some(super::value::UNKNOWN);
        }
        let top = FnRef { file: module, id: FnId(0) };
        let body = &self.ix.function(top).body;
        let value = body.exprs.iter().find_map(|e| match e {
            Expr::Assign { target, value } => match body.pat(*target) {
                Pat::Local(slot) if body.slots.get(slot.0 as usize) == Some(&variable) => Some(*value),
                _ => None,
            },
            _ => None,
        })?;
        let ty = written_type(body, value, MAX_DEPTH);
        if ty == Type::Unknown {
            return None;
        }
        self.aliases.push((module, variable));
        let val = self.value_of_type_at(module, top.id, &ty, at);
        self.aliases.pop();
        Some(val)
    }
}

/// An expression as the type that it writes.
fn written_type(body: &Body, e: ExprId, depth: usize) -> Type {
    if depth == 0 {
        return Type::Unknown;
    }
    let inner = |e: ExprId| written_type(body, e, depth - 1);
    match body.expr(e) {
        Expr::Name(_) | Expr::Local(_) | Expr::Attr { .. } => dotted(body, e, depth).map_or(Type::Unknown, Type::Named),
        Expr::Str(text) => Type::Named(*text),
        Expr::Null => Type::Named(Name::new(super::NULL_TYPE)),
        Expr::Binary { op: BinaryOp::BitOr, left, right } => Type::Union(vec![inner(*left), inner(*right)]),
        Expr::Index { base, index: Some(index) } => {
            let Some(name) = dotted(body, *base, depth) else { return Type::Unknown };
            let args = match body.expr(*index) {
                Expr::Seq { items, .. } => items.iter().map(|i| inner(i.value)).collect(),
                _ => vec![inner(*index)],
            };
            Type::Apply(name, args)
        }
        Expr::Call { callee, args } => match dotted(body, *callee, depth) {
            Some(name) if name.last_segment() == NEW_TYPE => args.get(1).map_or(Type::Unknown, |a| inner(a.value)),
            _ => Type::Unknown,
        },
        _ => Type::Unknown,
    }
}

pub(super) fn dotted(body: &Body, e: ExprId, depth: usize) -> Option<Name> {
    match body.expr(e) {
        Expr::Name(name) => Some(*name),
        Expr::Local(slot) => body.slots.get(slot.0 as usize).copied(),
        Expr::Attr { base, name, .. } if depth > 0 => {
            let base = dotted(body, *base, depth - 1)?;
            Some(Name::new(&format!("{base}.{name}")))
        }
        _ => None,
    }
}
