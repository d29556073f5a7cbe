//! Which models without a key of the tenant belong to it all the same: their rows live and die with a row that does?

use super::{Belongs, Owned, Tenancy, is_user};
use crate::base::Name;
use crate::facts::{Expr, Language};
use crate::index::{FnRef, ModelId, ProjectIndex};

/// Rows are part of rows that are part of rows, so deep.
const MAX_HOPS: usize = 4;

impl Tenancy {
    /// Takes models each of whose rows certainly is part of a row of the tenant. Whom else its rows name does not matter.
    pub fn accept_children(&mut self, index: &ProjectIndex<'_>) {
        for _ in 0..MAX_HOPS {
            let mut more = Vec::new();
            for i in 0..index.models.len() {
                let id = ModelId(i as u32);
                let model = index.model(id);
                let is_known = self.models.contains_key(&id) || self.tenants.contains(&id) || is_user(index, id);
                if model.is_abstract || model.class.is_none() || is_known {
                    continue;
                }
                let mut parents: Vec<(Name, ModelId)> = Vec::new();
                #[allow(clippy::iter_over_hash_type)]
                for relation in model.relations.values() {
                    if let (Some(target), false, Some(_)) = (relation.target, relation.many, relation.key_column)
                        && self.models.contains_key(&target)
                        && target != id
                        && !is_user(index, target)
                        && is_certain(index, id, relation.name)
                    {
                        parents.push((relation.name, target));
                    }
                }
                parents.sort();
                // A row between two of a kind may join two tenants.
                let is_between = parents.iter().enumerate().any(|(i, (_, p))| parents[i + 1..].iter().any(|(_, q)| p == q));
                if let (Some((relation, parent)), false) = (parents.first(), is_between) {
                    more.push((id, Owned { belongs: Belongs::Parent(*relation, *parent), limits: Vec::new() }));
                }
            }
            if more.is_empty() {
                return;
            }
            self.derived.extend(more.iter().map(|(id, _)| *id));
            self.models.extend(more);
        }
    }
}

/// Does every row have such a parent, and end with it?
fn is_certain(index: &ProjectIndex<'_>, model: ModelId, relation: Name) -> bool {
    let Some(class) = index.model(model).class else {
        return false;
    };
    let Some((owner, at)) = index.find_attr(class, relation) else {
        return false;
    };
    let decl = index.class_decl(owner);
    let file = index.class(owner).file;
    if index.file(file).language != Language::Python {
        return false;
    }
    let body = &index.function(FnRef { file, id: decl.scope }).body;
    let Some(Expr::Call { args, .. }) = decl.attrs[at].value.map(|v| body.expr(v)) else {
        return false;
    };
    let lists = index.packs.tenancy();
    let nullable = index.packs.word_in_language(Name::new("python"), "key-nullable");
    let may_lack = args.iter().any(|a| a.name.is_some() && a.name == nullable && *body.expr(a.value) == Expr::Bool(true));
    let ends_with = args.iter().any(|a| match body.expr(a.value) {
        Expr::Attr { name, .. } | Expr::Name(name) => lists.owning_deletes.iter().any(|o| o == name.as_str()),
        _ => false,
    });
    ends_with && !may_lack
}
