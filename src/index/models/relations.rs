//! Which attributes of a model are relations?

use rustc_hash::FxHashSet;

use super::attributes::OwnAttr;
use super::dialect::CallKind;
use super::targets::Annotated;
use super::{Declared, KeyTarget, Linker, plain_relation};
use crate::base::{Name, Span};
use crate::facts::{Expr, ExprId};
use crate::index::literal::CallView;
use crate::index::{Access, ClassId, FnRef, Loading, ModelId, Relation};
use crate::packs::model::{AccessWord, LoadingWord, ModelPack, RelationAttr};

/// A call that declares a relation, with the calls and records inside it that add to it.
pub(super) struct RelationCall<'a> {
    calls: Vec<CallView<'a>>,
    records: Vec<(FnRef, ExprId)>,
}

impl<'a> RelationCall<'a> {
    /// The value of a keyword, wherever it is given.
    pub fn keyword(&self, linker: &Linker<'_, 'a, '_>, name: &str) -> Option<(FnRef, ExprId)> {
        for call in &self.calls {
            if let Some(value) = call.keyword(name) {
                return Some((call.at, value));
            }
        }
        for (at, record) in &self.records {
            let body = &linker.index.function(*at).body;
            match body.expr(*record) {
                Expr::Map(entries) => {
                    for (key, item) in entries {
                        if key.is_some_and(|k| matches!(body.expr(k), Expr::Str(text) if text.as_str() == name)) {
                            return Some((*at, item.value));
                        }
                    }
                }
                // `dict(lazy="joined")`.
                Expr::Call { args, .. } => {
                    if let Some(arg) = args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == name)) {
                        return Some((*at, arg.value));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn positional(&self, at: usize) -> Option<(FnRef, ExprId)> {
        self.calls.iter().rev().find_map(|c| Some((c.at, c.positional(at)?)))
    }
}

impl<'a> Linker<'_, 'a, '_> {
    /// Reads the relations that attributes declare.
    pub(super) fn read_attr_relations(&mut self) {
        for (id, class) in self.own_models() {
            if self.pack_of(id).relation_attr.is_empty() {
                continue;
            }
            let mut seen: FxHashSet<Name> = FxHashSet::default();
            for contributor in self.contributors(id, class) {
                let attrs = self.own_attrs(id, contributor);
                // Of two values for one name in a class the later one counts; a nearer class hides a farther one.
                let mut own: FxHashSet<Name> = FxHashSet::default();
                for attr in attrs.iter() {
                    if seen.contains(&attr.name) {
                        continue;
                    }
                    own.insert(attr.name);
                    self.read_relation(id, class, contributor, attr);
                }
                seen.extend(own);
            }
            self.link_parents(id, class);
        }
    }

    /// The calls and records that together declare a relation.
    pub(super) fn relation_call(&self, kind: &RelationAttr, call: CallView<'a>) -> RelationCall<'a> {
        let at = call.at;
        let mut found = RelationCall { calls: vec![call], records: Vec::new() };
        let nested = kind.nested_call.as_ref().and_then(|k| call.keyword(k));
        found.calls.extend(nested.and_then(|n| self.index.call_at(at, n)));
        found.records.extend(kind.nested_keywords.as_ref().and_then(|k| call.keyword(k)).map(|r| (at, r)));
        found
    }

    fn read_relation(&mut self, id: ModelId, class: ClassId, declared_by: ClassId, attr: &OwnAttr<'a>) {
        let Some((at, value)) = attr.value else {
            return;
        };
        let Some((declared, view)) = self.declaring_call(id, at, value) else {
            return;
        };
        let pack = self.pack_of(id);
        let kind = match declared {
            CallKind::Relation(kind) => kind,
            CallKind::Proxy => {
                let through = view.positional(0).and_then(|v| self.index.literal_text(view.at, v));
                let end = view.positional(1).and_then(|v| self.index.literal_text(view.at, v));
                if let (Some(through), Some(end)) = (through, end) {
                    self.models[id.0 as usize].proxies.insert(attr.name, (through, end));
                }
                return;
            }
            CallKind::Column(_) => return,
        };
        let rules = &pack.relation_attr[kind];
        let call = self.relation_call(rules, view);
        let said = attr.ty.map(|ty| self.annotated(id, declared_by, ty)).unwrap_or_default();
        let target = self.target_of(id, rules, &call).or(said.target);
        let is_between = rules.between_keywords.iter().any(|k| call.keyword(self, k).is_some());
        let many = self.is_many(id, rules, &call, &said, attr.ty.is_some(), target, is_between, attr.name);
        let (loading, access) = self.loading_of(pack, rules, &call, &said, many);
        let key_column = self.key_of(id, rules, &call, attr.name, many, target);
        let relation = Relation {
            target,
            polymorphic: rules.polymorphic,
            access,
            loading,
            key_column,
            span: Some(Span { file: attr.file, range: attr.range }),
            ..plain_relation(attr.name, many)
        };
        self.models[id.0 as usize].relations.insert(attr.name, relation);
        let is_inherited = self.is_inherited(id, class, declared_by);
        self.declared.push(Declared { owner: id, name: attr.name, kind, call: view, is_between, is_inherited });
    }

    fn target_of(&self, id: ModelId, rules: &RelationAttr, call: &RelationCall<'a>) -> Option<ModelId> {
        if rules.polymorphic {
            return None;
        }
        let written = rules
            .target_keywords
            .iter()
            .find_map(|k| call.keyword(self, k))
            .or_else(|| rules.target.and_then(|i| call.positional(i)));
        match written {
            Some((at, expr)) => self.referred_model(id, at, expr),
            None => rules.target_default.as_deref().and_then(|t| self.named_model(id, Name::new(t))),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn is_many(
        &self,
        id: ModelId,
        rules: &RelationAttr,
        call: &RelationCall<'a>,
        said: &Annotated,
        is_annotated: bool,
        target: Option<ModelId>,
        is_between: bool,
        name: Name,
    ) -> bool {
        if let Some(many) = rules.many {
            return many;
        }
        if let Some((at, value)) = rules.many_keyword.as_ref().and_then(|k| call.keyword(self, k))
            && let Expr::Bool(many) = self.index.function(at).body.expr(value)
        {
            return *many;
        }
        if is_annotated && (said.many || said.target.is_some() || said.is_wrapped) {
            return said.many;
        }
        if is_between {
            return true;
        }
        let Some(target) = target else { return true };
        if self.shares_table(id, target) {
            // Of a table with itself: the side that names the far column is to-one.
            return rules.far_keyword.as_ref().is_none_or(|k| call.keyword(self, k).is_none());
        }
        if !self.keys_to(id, target).is_empty() {
            return false;
        }
        // Without any key in sight the row may still have a column of the relation's name.
        let is_known = !self.keys_to(target, id).is_empty();
        is_known || !self.model(id).columns.contains_key(&Name::new(&format!("{name}_id")))
    }

    /// Are two models rows of the same table, or of parent and child?
    fn shares_table(&self, a: ModelId, b: ModelId) -> bool {
        a == b || (self.model(a).table.is_some() && self.model(a).table == self.model(b).table)
    }

    /// Columns of a model that are keys to another.
    pub(super) fn keys_to(&self, id: ModelId, target: ModelId) -> Vec<Name> {
        let lineage = self.model(target).class.map(|c| &self.index.class(c).mro);
        let tables: Vec<Name> = lineage
            .into_iter()
            .flatten()
            .filter_map(|c| self.of_class[c.0 as usize])
            .chain([target])
            .filter_map(|m| self.model(m).table)
            .collect();
        let fits = |to: KeyTarget| match to {
            KeyTarget::Model(model) => model == target,
            KeyTarget::Table(name) => tables.iter().any(|t| *t == name || name.last_segment() == t.as_str()),
        };
        self.info[id.0 as usize].keys.iter().filter(|(_, to)| fits(*to)).map(|(column, _)| *column).collect()
    }

    fn key_of(
        &self,
        id: ModelId,
        rules: &RelationAttr,
        call: &RelationCall<'a>,
        name: Name,
        many: bool,
        target: Option<ModelId>,
    ) -> Option<Name> {
        if let Some(suffix) = &rules.key_suffix {
            return Some(Name::new(&format!("{name}{suffix}")));
        }
        if let Some(keyword) = &rules.key_keyword {
            let given = call.keyword(self, keyword).or_else(|| rules.key_arg.and_then(|i| call.positional(i)));
            let text = given.and_then(|(at, v)| self.index.literal_text(at, v));
            return text.or_else(|| rules.key_default.as_deref().map(Name::new));
        }
        if many || rules.many == Some(true) {
            return None;
        }
        let mut keys = self.keys_to(id, target?);
        keys.sort();
        keys.dedup();
        if let [only] = keys.as_slice() {
            return Some(*only);
        }
        // Tables that are named by code are not known: then the key that is named for the relation.
        if keys.is_empty() && self.model(target?).table.is_none() {
            let named = Name::new(&format!("{name}_id"));
            return self.info[id.0 as usize].keys.iter().map(|(column, _)| *column).find(|column| *column == named);
        }
        // Several keys to one table: the one that is named for the relation, or written in the call.
        let (at, written) = call.keyword(self, rules.own_keys_keyword.as_ref()?)?;
        let body = &self.index.function(at).body;
        let first = match body.expr(written) {
            Expr::Seq { items, .. } => items.first()?.value,
            _ => written,
        };
        let column = match body.expr(first) {
            Expr::Attr { name, .. } => *name,
            Expr::Str(text) => Name::new(text.last_segment().trim_matches(['[', ']'])),
            Expr::Name(name) => *name,
            Expr::Local(slot) => body.slots[slot.0 as usize],
            _ => return None,
        };
        keys.contains(&column).then_some(column)
    }

    /// How a relation loads and what reading it gives.
    pub(super) fn loading_of(
        &self,
        pack: &ModelPack,
        rules: &RelationAttr,
        call: &RelationCall<'a>,
        said: &Annotated,
        many: bool,
    ) -> (Loading, Access) {
        let by_rule = match rules.access {
            Some(AccessWord::Rows) => Access::Rows,
            Some(AccessWord::Query) => Access::Query,
            None if many && pack.many_is_query => Access::Query,
            None => Access::Rows,
        };
        let is_parent_link = rules
            .parent_link_keyword
            .as_ref()
            .and_then(|k| call.keyword(self, k))
            .is_some_and(|(at, v)| self.index.is_true(at, v));
        if is_parent_link {
            return (Loading::Eager, Access::Rows);
        }
        let written = rules.loading_keyword.as_ref().and_then(|k| call.keyword(self, k));
        let word = match (said.loading, written) {
            (Some(word), _) => Some(word),
            (None, Some((at, value))) => match self.index.literal_text(at, value).and_then(|t| pack.loading.get(t.as_str())) {
                Some(word) => Some(*word),
                None => return (Loading::Unknown, by_rule),
            },
            (None, None) => rules.loading_default,
        };
        loading(word, by_rule)
    }

    /// Links a child with the rows of the concrete models it extends, each in a table of its own.
    fn link_parents(&mut self, id: ModelId, class: ClassId) {
        let pack = self.pack_of(id);
        let Some(ending) = &pack.parent_link_ending else {
            return;
        };
        if self.model(id).is_abstract || self.info[id.0 as usize].is_proxy {
            return;
        }
        let mut covered: FxHashSet<ClassId> = FxHashSet::default();
        let mut parents: Vec<ModelId> = Vec::new();
        for ancestor in self.index.class(class).mro.iter().skip(1) {
            let Some(model) = self.of_class[ancestor.0 as usize] else {
                continue;
            };
            if self.model(model).is_abstract || covered.contains(ancestor) {
                continue;
            }
            covered.extend(self.index.class(*ancestor).mro.iter().copied());
            parents.push(self.concrete(model));
        }
        if parents.is_empty() {
            let outside = self.index.class(class).external.iter().filter_map(|n| self.library.get(n).copied());
            parents.extend(outside.filter(|m| !self.model(*m).is_abstract).take(1));
        }
        for parent in parents {
            let parent_name = self.lower_name(parent);
            let name = Name::new(&format!("{parent_name}{ending}"));
            // An explicit link replaces the implied one.
            let mut has_link = false;
            #[allow(clippy::iter_over_hash_type)]
            for relation in self.model(id).relations.values() {
                has_link |= relation.loading == Loading::Eager && relation.target == Some(parent);
            }
            if has_link {
                continue;
            }
            let span = self.model(id).span;
            let key = Name::new(&format!("{name}_id"));
            let link = Relation {
                target: Some(parent),
                loading: Loading::Eager,
                key_column: Some(key),
                span,
                ..plain_relation(name, false)
            };
            self.models[id.0 as usize].relations.entry(name).or_insert(link);
            let back_name = Name::new(&self.lower_name(id));
            let back = Relation { target: Some(id), inverse: Some(name), span, ..plain_relation(back_name, false) };
            self.models[parent.0 as usize].relations.entry(back_name).or_insert(back);
        }
    }

    /// The model whose table a proxy shares, else the model itself.
    pub(super) fn concrete(&self, model: ModelId) -> ModelId {
        let mut at = model;
        for _ in 0..16 {
            if !self.info[at.0 as usize].is_proxy {
                break;
            }
            match self.model(at).class.and_then(|c| self.concrete_parent(c)) {
                Some(parent) if parent != at => at = parent,
                _ => break,
            }
        }
        at
    }

    /// The lower-cased name of a model's class.
    pub(super) fn lower_name(&self, model: ModelId) -> String {
        let short = match self.model(model).class {
            Some(class) => self.short_name_of(class),
            None => self.model(model).name.last_segment(),
        };
        short.to_lowercase()
    }
}

/// What a word means for loading and access.
pub(super) fn loading(word: Option<LoadingWord>, access: Access) -> (Loading, Access) {
    match word {
        None | Some(LoadingWord::Lazy) => (Loading::Lazy, access),
        Some(LoadingWord::Eager) => (Loading::Eager, access),
        Some(LoadingWord::Never) => (Loading::Never, access),
        Some(LoadingWord::Query) => (Loading::Lazy, Access::Query),
    }
}
