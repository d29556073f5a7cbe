//! Which relations lead back, and which of them does loading the other side fill?

use super::relations::loading;
use super::{Declared, LateLink, Linker, plain_relation};
use crate::base::Name;
use crate::facts::{Expr, ExprId};
use crate::index::{Access, FnRef, Loading, ModelId, Relation};
use crate::packs::model::{RelationAttr, Reverse};

impl<'a> Linker<'_, 'a, '_> {
    /// Adds the relations that lead back, and links both ends.
    pub(super) fn link_reverse(&mut self) {
        let declared = std::mem::take(&mut self.declared);
        for one in &declared {
            let rules = &self.pack_of(one.owner).relation_attr[one.kind];
            if let Some(reverse) = &rules.reverse {
                self.add_reverse(one, rules, reverse);
            }
            if let Some(keyword) = &rules.backref_keyword {
                self.add_backref(one, rules, keyword);
            }
        }
        for one in &declared {
            let rules = &self.pack_of(one.owner).relation_attr[one.kind];
            if !rules.mirror_keywords.is_empty() {
                self.fill_mirror(one, rules);
            }
        }
        self.declared = declared;
    }

    fn relation(&self, owner: ModelId, name: Name) -> Option<&Relation> {
        self.model(owner).relations.get(&name)
    }

    /// Adds a relation to a model and to those that extend it, unless they have one of that name.
    fn add_back(&mut self, target: ModelId, relation: &Relation) {
        let mut owners = vec![target];
        if let Some(class) = self.model(target).class {
            owners.extend(self.index.class(class).descendants.iter().filter_map(|c| self.of_class[c.0 as usize]));
        }
        for owner in owners {
            self.models[owner.0 as usize].relations.entry(relation.name).or_insert_with(|| relation.clone());
        }
    }

    /// The relation that a declared one always has on its target.
    fn add_reverse(&mut self, one: &Declared<'a>, rules: &RelationAttr, reverse: &Reverse) {
        let Some(forward) = self.relation(one.owner, one.name).cloned() else {
            return;
        };
        let Some(target) = forward.target else { return };
        if self.model(one.owner).is_abstract || one.is_inherited || self.is_swapped_out(one.owner) {
            return;
        }
        let call = self.relation_call(rules, one.call);
        let text = |keyword: &str| {
            call.keyword(self, keyword).and_then(|(at, v)| self.index.literal_text(at, v)).filter(|t| t.as_str() != "None")
        };
        if let Some(keyword) = &reverse.symmetrical_keyword
            && self.concrete(target) == self.concrete(one.owner)
            && call.keyword(self, keyword).is_none_or(|(at, v)| self.index.is_true(at, v))
        {
            return;
        }
        let model = self.lower_name(one.owner);
        let owner = self.model(one.owner);
        let label = owner.label.map_or("", Name::as_str).to_lowercase();
        let filled = |name: Name| {
            let by_class = reverse.class_words.iter().fold(name.to_string(), |n, word| n.replace(word, &model));
            Name::new(&reverse.label_words.iter().fold(by_class, |n, word| n.replace(word, &label)))
        };
        let by_option = || {
            let option = self.pack_of(one.owner).options.as_ref()?.reverse_name.as_deref()?;
            let (at, value) = self.option(owner.class?, option)?;
            self.index.literal_text(at, value)
        };
        let written = text(&reverse.keyword).or_else(by_option).map(filled);
        let query_written = reverse.query_keyword.as_deref().and_then(text).map(filled);
        let name = written.unwrap_or_else(|| Name::new(&reverse.default.replace("{model}", &model)));
        let query_name =
            query_written.or(written).unwrap_or_else(|| Name::new(&reverse.query_default.replace("{model}", &model)));
        if reverse.hidden_ending.as_ref().is_some_and(|e| name.as_str().ends_with(e)) {
            return;
        }
        let many_is_query = self.pack_of(one.owner).many_is_query;
        let back = Relation {
            target: Some(one.owner),
            access: if reverse.many && many_is_query { Access::Query } else { Access::Rows },
            inverse: reverse.fills.then_some(one.name),
            query_name,
            span: forward.span,
            ..plain_relation(name, reverse.many)
        };
        // A link to a proxy is put on the model whose table it shares.
        let target = if forward.many { target } else { self.concrete(target) };
        self.add_back(target, &back);
        // One to one: loading either side fills the other.
        if reverse.fills && !reverse.many && !forward.many {
            self.set_inverse(one.owner, one.name, name);
        }
    }

    fn set_inverse(&mut self, owner: ModelId, name: Name, inverse: Name) {
        if let Some(relation) = self.models[owner.0 as usize].relations.get_mut(&name) {
            relation.inverse = Some(inverse);
        }
    }

    /// The relation that a keyword makes on the target: a name, or a call with a name and settings.
    fn add_backref(&mut self, one: &Declared<'a>, rules: &RelationAttr, keyword: &str) {
        let Some(forward) = self.relation(one.owner, one.name).cloned() else {
            return;
        };
        let (Some(target), false) = (forward.target, one.is_inherited) else {
            return;
        };
        let call = self.relation_call(rules, one.call);
        let Some((at, value)) = call.keyword(self, keyword) else {
            return;
        };
        let pack = self.pack_of(one.owner);
        let mut many = if one.is_between {
            true
        } else if self.keys_to(target, one.owner).is_empty() || target == one.owner {
            !forward.many
        } else {
            // The key is on the other side, whatever this side was told to give.
            forward.key_column.is_some() && !forward.many
        };
        let (mut how, mut access) = (Loading::Lazy, Access::Rows);
        let class = self.model(one.owner).class;
        let text = |e: ExprId| self.index.literal_text(at, e).or_else(|| self.index.own_text(class?, at, e));
        let name = match text(value) {
            Some(name) => name,
            None => {
                let Some(settings) = self.index.call_at(at, value) else {
                    return;
                };
                let Some(name) = settings.positional(0).and_then(text) else {
                    return;
                };
                if let Some(list) = rules.many_keyword.as_ref().and_then(|k| settings.keyword(k))
                    && let Expr::Bool(value) = settings.body.expr(list)
                {
                    many = *value;
                }
                if let Some(lazy) = rules.loading_keyword.as_ref().and_then(|k| settings.keyword(k)) {
                    let word = text(lazy).and_then(|t| pack.loading.get(t.as_str()).copied());
                    (how, access) = match word {
                        Some(word) => loading(Some(word), Access::Rows),
                        None => (Loading::Unknown, Access::Rows),
                    };
                }
                name
            }
        };
        let key_column = if many || one.is_between { None } else { self.only_key(target, one.owner) };
        let back = Relation {
            target: Some(one.owner),
            access,
            loading: how,
            key_column,
            span: forward.span,
            ..plain_relation(name, many)
        };
        if name.as_str() == "None" {
            return;
        }
        self.add_back(target, &back);
        self.fill(one.owner, one.name, target, name, one.is_between);
    }

    fn only_key(&self, id: ModelId, target: ModelId) -> Option<Name> {
        let mut keys = self.keys_to(id, target);
        keys.sort();
        keys.dedup();
        match keys.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Both ends of two relations over one key: rows loaded through the one have the other at hand.
    fn fill(&mut self, owner: ModelId, name: Name, target: ModelId, back: Name, is_between: bool) {
        let (Some(forward), Some(backward)) = (self.relation(owner, name), self.relation(target, back)) else {
            return;
        };
        if is_between {
            return;
        }
        let backward_is_one = !backward.many && (backward.key_column.is_some() || forward.many);
        let forward_is_one = !forward.many && (forward.key_column.is_some() || backward.many);
        // Only the side that holds the key is answered from memory.
        if backward_is_one && forward.key_column.is_none() {
            self.set_inverse(owner, name, back);
        }
        if forward_is_one && self.relation(target, back).is_some_and(|b| b.key_column.is_none()) {
            self.set_inverse(target, back, name);
        }
    }

    /// Two declared relations that name each other; or the only relation that leads back over the key.
    fn fill_mirror(&mut self, one: &Declared<'a>, rules: &RelationAttr) {
        let Some(forward) = self.relation(one.owner, one.name) else {
            return;
        };
        let Some(target) = forward.target else { return };
        if forward.inverse.is_some() || one.is_between {
            return;
        }
        let call = self.relation_call(rules, one.call);
        let written = rules.mirror_keywords.iter().find_map(|k| call.keyword(self, k));
        let name = match written.and_then(|(at, v)| self.mirror_name(at, v)) {
            Some(name) => name,
            None if forward.many && written.is_none() => match self.only_way_back(target, one.owner) {
                Some(name) => name,
                None => return,
            },
            None => return,
        };
        self.fill(one.owner, one.name, target, name, one.is_between);
    }

    /// A name, as a string or as an attribute of the class (`"posts"`, `User.posts`).
    fn mirror_name(&self, at: FnRef, value: ExprId) -> Option<Name> {
        if let Some(text) = self.index.literal_text(at, value) {
            return Some(text);
        }
        match self.index.function(at).body.expr(value) {
            Expr::Attr { name, .. } => Some(*name),
            _ => None,
        }
    }

    /// The only to-one relation with a key of a model that leads to another.
    fn only_way_back(&self, from: ModelId, to: ModelId) -> Option<Name> {
        let mut found: Vec<Name> = Vec::new();
        // Only the single one is taken, so that order does not matter.
        #[allow(clippy::iter_over_hash_type)]
        for relation in self.model(from).relations.values() {
            if !relation.many && relation.target == Some(to) && relation.key_column.is_some() {
                found.push(relation.name);
            }
        }
        match found.as_slice() {
            [only] if self.keys_to(from, to).len() == 1 => Some(*only),
            _ => None,
        }
    }

    /// Settles what depended on all relations being known.
    pub(super) fn link_late(&mut self) {
        for late in std::mem::take(&mut self.late) {
            match late.what {
                LateLink::Path(first, second) => {
                    let way = self.relation(late.owner, first).and_then(|r| Some((r.many, r.target?)));
                    let Some((first_many, between)) = way else {
                        continue;
                    };
                    let end = self.relation(between, second).map(|r| (r.many, r.target));
                    let Some((second_many, target)) = end else {
                        continue;
                    };
                    if let Some(relation) = self.models[late.owner.0 as usize].relations.get_mut(&late.name) {
                        relation.many = relation.many && (first_many || second_many);
                        relation.target = target;
                    }
                }
                LateLink::Inverse(name) => {
                    let Some(target) = self.relation(late.owner, late.name).and_then(|r| r.target) else {
                        continue;
                    };
                    let own = match self.model(late.owner).class {
                        Some(class) => self.short_name_of(class),
                        None => continue,
                    };
                    let mut camel = own.to_owned();
                    if let Some(first) = camel.get_mut(..1) {
                        first.make_ascii_lowercase();
                    }
                    let guesses = [Name::new(&camel), Name::new("owner"), Name::new("parent")];
                    let leads_back = |n: &Name| self.relation(target, *n).is_some_and(|r| !r.many);
                    let inverse = if name.is_empty() { guesses.into_iter().find(leads_back) } else { Some(name) };
                    if let Some(inverse) = inverse {
                        self.set_inverse(late.owner, late.name, inverse);
                    }
                }
            }
        }
    }
}
