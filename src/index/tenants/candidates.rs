//! Which models could be a tenant although no scope says so?

use std::collections::{BTreeMap, BTreeSet};

use super::{column_of, columns_to, is_user, stems, users};
use crate::base::Name;
use crate::index::{ModelId, ProjectIndex};

/// A model that could be a tenant, and the columns that lead to it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// Its columns.
    pub columns: BTreeSet<Name>,
    /// Models with such a column.
    pub owned: BTreeMap<ModelId, Name>,
    /// Conditions that compare with the current user's column.
    pub user_conditions: usize,
    /// Its name is one that tenants often have.
    pub is_named_so: bool,
    /// What runs before requests keeps its key, or its row, for them.
    pub is_kept: bool,
    /// Users name it only by what they have, such as a role.
    pub is_by_role: bool,
    /// It is itself a row of what tenants are often called, which owns more than it does.
    pub is_part: bool,
}

/// Models that could be a tenant although no scope says so.
pub fn candidates(index: &ProjectIndex<'_>, schema: &BTreeMap<Name, BTreeSet<Name>>) -> Vec<Candidate> {
    let names = &index.packs.tenancy().tenant_names;
    let user_conditions = users::user_conditions(index);
    let kept = users::kept_names(index, &index.packs.tenancy().request_keepers);
    // Much is put on the request itself: that says something only of what is called like a tenant.
    let on_request = users::kept_names(index, &index.packs.tenancy().client_objects);
    let mut found = Vec::new();
    for (i, model) in index.models.iter().enumerate() {
        let id = ModelId(i as u32);
        if model.is_abstract || model.class.is_none() || is_user(index, id) {
            continue;
        }
        let columns = columns_to(index, id);
        let mut owned = BTreeMap::new();
        for (j, other) in index.models.iter().enumerate() {
            let other_id = ModelId(j as u32);
            if other_id == id || other.is_abstract || other.class.is_none() || is_user(index, other_id) {
                continue;
            }
            if let Some(column) = column_of(index, schema, other_id, &columns) {
                owned.insert(other_id, column);
            }
        }
        if owned.is_empty() {
            continue;
        }
        let users = index.models.iter().enumerate().filter(|(j, _)| is_user(index, ModelId(*j as u32)));
        let is_direct = users.clone().any(|(j, user)| {
            column_of(index, schema, ModelId(j as u32), &columns).is_some()
                || user.relations.values().any(|r| r.target == Some(id))
        });
        let has_it = |role: ModelId| is_role(index, role, id);
        let by_role = || users.clone().any(|(_, user)| user.relations.values().any(|r| r.target.is_some_and(has_it)));
        let owners = model.relations.values().filter(|r| !r.many && r.key_column.is_some()).filter_map(|r| r.target);
        let is_part = owners.filter(|o| *o != id && !is_user(index, *o)).any(|owner| {
            let is_tenant = stems(index, owner).iter().any(|stem| names.contains(stem));
            let own = columns_to(index, owner);
            let others = (0..index.models.len() as u32).map(ModelId).filter(|m| !index.model(*m).is_abstract);
            is_tenant && others.filter(|m| column_of(index, schema, *m, &own).is_some()).count() > owned.len() + 1
        });
        let called = stems(index, id).into_iter().chain([model.name.last_segment().to_lowercase()]);
        let called: Vec<String> = called.collect();
        let is_named_so = called.iter().any(|stem| names.contains(stem));
        let is_kept = columns.iter().any(|c| kept.contains(c) || is_named_so && on_request.contains(c));
        let is_users = is_direct || by_role();
        let is_by_role = !is_direct && is_users;
        // Users may be its members by way of a table between.
        let is_users = is_users
            || is_named_so
                && owned
                    .keys()
                    .any(|m| index.model(*m).relations.values().any(|r| !r.many && r.target.is_some_and(|t| is_user(index, t))));
        let is_certain = called.iter().any(|stem| index.packs.tenancy().certain_names.contains(stem));
        // Where nobody signs in by a row of their own, requests come from the tenant itself, by its key.
        let signs_in_itself = is_named_so && !users.clone().any(|(_, user)| user.dialect == model.dialect);
        if !is_users && !is_certain && !is_kept && !signs_in_itself {
            continue;
        }
        let conditions = columns.iter().filter_map(|c| user_conditions.get(c)).sum();
        found.push(Candidate {
            model: id,
            owned,
            user_conditions: conditions,
            is_named_so,
            is_kept,
            is_by_role,
            is_part,
            columns,
        });
    }
    found
}

/// Has what a user has (a role, a profile) many of a model?
fn is_role(index: &ProjectIndex<'_>, role: ModelId, of: ModelId) -> bool {
    !is_user(index, role) && index.model(role).relations.values().any(|r| r.many && r.target == Some(of) && r.inverse.is_none())
}
