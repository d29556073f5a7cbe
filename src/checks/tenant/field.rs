//! Where does what a field holds come from: what constructors and methods put there, or the client between two requests?

use super::View;
use super::origin::{MAX_VALUES, Origin, Steps};
use crate::base::Name;
use crate::facts::{Expr, ExprId, Pat};
use crate::index::{ClassId, FnRef};

/// What a field is given: a parameter of the constructor, by its number, or a value.
#[derive(Clone, Copy)]
pub(super) enum FieldValue {
    Param(usize),
    Assigned(ExprId),
}

impl View<'_, '_> {
    /// What a field of the object whose method runs may hold.
    pub(super) fn of_field(&self, f: FnRef, name: Name, left: Steps<'_>) -> Origin {
        let ix = self.cx.ix;
        let Some(class) = ix.class_of_function(f) else {
            return Origin::unknown();
        };
        if ix.class(class).model.is_some() {
            return Origin::row();
        }
        if self.is_open_field(f, class, name) {
            return Origin::client(self.outermost(f), name, false);
        }
        if left.calls == 0 {
            return Origin::unknown();
        }
        let less = left.in_call();
        let given = self.given_to_field(class, name);
        if given.is_empty() {
            return self.of_typed_field(class, name);
        }
        let mut origin = Origin::default();
        for (at, value) in given.into_iter().take(MAX_VALUES) {
            origin.add(match value {
                FieldValue::Param(i) => self.of_param(at, ix.function(at).params[i].slot, less),
                FieldValue::Assigned(value) => self.origin_at(at, value, less),
            });
        }
        origin
    }

    /// What the methods of a class and its ancestors put into a field, with the method that does.
    pub(super) fn given_to_field(&self, class: ClassId, name: Name) -> Vec<(FnRef, FieldValue)> {
        let ix = self.cx.ix;
        let mut given = Vec::new();
        for owner in &ix.class(class).mro {
            let file = ix.class(*owner).file;
            for method in &ix.class_decl(*owner).methods {
                let at = FnRef { file, id: *method };
                let decl = ix.function(at);
                let promoted = decl.params.iter().enumerate().filter(|(_, p)| p.promoted && p.name == name);
                given.extend(promoted.map(|(i, _)| (at, FieldValue::Param(i))));
                let assigned = decl.body.exprs.iter().filter_map(|expr| match expr {
                    Expr::Assign { target, value } => match decl.body.pat(*target) {
                        Pat::Attr { base, name: field } if *field == name && self.is_self(at, *base) => Some(*value),
                        _ => None,
                    },
                    _ => None,
                });
                given.extend(assigned.map(|value| (at, FieldValue::Assigned(value))));
            }
        }
        given
    }

    /// Is a field of a live component one that the client may set between two requests?
    fn is_open_field(&self, f: FnRef, class: ClassId, name: Name) -> bool {
        let ix = self.cx.ix;
        let lists = ix.packs.tenancy();
        let is_live = ix.class(class).external.iter().any(|n| ix.packs.roles(*n).iter().any(|r| r.as_str() == "live-component"));
        // The page that shows the component gives it its first values.
        let is_first = lists.first_hooks.iter().any(|h| h == ix.function(self.outermost(f)).name.as_str());
        if !is_live || is_first {
            return false;
        }
        let Some((owner, at)) = ix.find_attr(class, name) else {
            return false;
        };
        let attr = &ix.class_decl(owner).attrs[at];
        let file = ix.class(owner).file;
        // What comments say of a key's type means the row that it leads to.
        let is_key = name.as_str().ends_with("_id");
        let holds_object =
            !is_key && attr.ty.as_ref().and_then(|ty| ix.type_to_class(file, ix.class_decl(owner).scope, ty)).is_some();
        let before = ix.sources.file(file).text.get(..attr.name_range.start as usize).unwrap_or_default();
        let declared = &before[before.rfind([';', '{', '}']).map_or(0, |i| i + 1)..];
        let is_locked =
            lists.locked_attributes.iter().any(|l| declared.contains(&format!("[{l}]")) || declared.contains(&format!("\\{l}]")));
        !attr.is_hidden && !attr.is_static && !holds_object && !is_locked
    }

    /// A field that is never assigned: its type may say that it holds a row.
    fn of_typed_field(&self, class: ClassId, name: Name) -> Origin {
        let ix = self.cx.ix;
        let Some((owner, at)) = ix.find_attr(class, name) else {
            return Origin::unknown();
        };
        let decl = ix.class_decl(owner);
        let typed = decl.attrs[at].ty.as_ref().and_then(|ty| ix.type_to_class(ix.class(owner).file, decl.scope, ty));
        if typed.is_some_and(|c| ix.class(c).model.is_some()) { Origin::row() } else { Origin::unknown() }
    }
}
