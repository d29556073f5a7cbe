//! What do the type parameters of a class mean for an object of a class derived from it?
//!
//! `class Invoices(Repository[Invoice])`: what a method of `Repository` says it gives as `M` is an `Invoice`.

use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name, Span};
use crate::facts::{FnId, Type};
use crate::index::ClassId;

/// Classes derived from each other with type arguments are followed this deep.
const MAX_DEPTH: usize = 8;
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
        let owner = self.ix.class_of_function(crate::index::FnRef { file, id: scope })?;
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
        all.retain(|n| !seen.contains(n) && { seen.push(*n); true });
        all
    }
}
