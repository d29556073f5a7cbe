//! What do models and mixins of libraries bring along?

use super::recognise::new_model;
use super::{Info, Linker, plain_relation};
use crate::base::Name;
use crate::index::{Access, Column, Manager, ModelId, Relation};
use crate::packs::model::Library;

impl Linker<'_, '_, '_> {
    /// Adds the models of libraries after those of the program.
    pub(super) fn add_library(&mut self) {
        for (d, dialect) in self.dialects.list.iter().enumerate() {
            for library in dialect.pack.library.iter().filter(|l| !l.mixin) {
                let Some(usual) = library.names.first() else {
                    continue;
                };
                let id = ModelId(self.models.len() as u32);
                let mut model = new_model(None, Name::new(usual), dialect.name);
                model.is_abstract = library.is_abstract;
                model.table = library.table.as_deref().map(Name::new);
                if let Some(label) = &library.label {
                    model.label = label.split('.').next().map(Name::new);
                    self.labels.insert(Name::new(&label.to_lowercase()), id);
                }
                for name in &library.names {
                    self.library.insert(dialect.key(Name::new(name)), id);
                }
                self.models.push(model);
                self.info.push(Info { dialect: d, ..Info::default() });
                self.take_library(id, library);
            }
        }
    }

    /// Gives a model the columns, managers and scopes of a library's model or mixin.
    fn take_library(&mut self, id: ModelId, library: &Library) {
        let model = &mut self.models[id.0 as usize];
        for column in &library.columns {
            let name = Name::new(column);
            let is_indexed = library.indexed.contains(column);
            let is_primary = column == "id";
            let column = Column { name, is_deferred: false, is_indexed: is_indexed || is_primary, is_primary, span: None };
            model.columns.entry(name).or_insert(column);
        }
        for manager in &library.managers {
            let name = Name::new(manager);
            if !model.managers.iter().any(|m| m.name == name) {
                model.managers.push(Manager { name, class: None, query_class: None });
            }
        }
    }

    /// The library models and mixins above a model of the program.
    fn library_above(&self, id: ModelId) -> Vec<&'_ Library> {
        let Some(class) = self.model(id).class else {
            return Vec::new();
        };
        let dialect = self.dialect_of(id);
        let names = &self.index.class(class).external;
        let mut seen = Vec::new();
        for name in names {
            let known =
                dialect.library.get(&dialect.key(*name)).or_else(|| dialect.library.get(&dialect.key(dialect.unaliased(*name))));
            if let Some(i) = known
                && !seen.contains(i)
            {
                seen.push(*i);
            }
        }
        seen.into_iter().map(|i| &dialect.pack.library[i]).collect()
    }

    /// Columns that library ancestors bring.
    pub(super) fn inherit_library_columns(&mut self, id: ModelId) {
        let above: Vec<Library> = self.library_above(id).into_iter().cloned().collect();
        let span = self.model(id).span;
        for library in &above {
            self.take_library_columns(id, library);
            if let Some(span) = span {
                let scopes = library.scopes.iter().map(|s| (Name::new(s), span));
                self.models[id.0 as usize].scopes.extend(scopes);
            }
        }
    }

    fn take_library_columns(&mut self, id: ModelId, library: &Library) {
        let has_managers = !self.model(id).managers.is_empty();
        let kept = self.models[id.0 as usize].managers.clone();
        self.take_library(id, library);
        if has_managers {
            self.models[id.0 as usize].managers = kept;
        }
    }

    /// Managers that library ancestors bring.
    pub(super) fn library_managers(&self, id: ModelId) -> Vec<Manager> {
        let mut found: Vec<Manager> = Vec::new();
        for library in self.library_above(id) {
            for manager in &library.managers {
                let name = Name::new(manager);
                if !found.iter().any(|m| m.name == name) {
                    found.push(Manager { name, class: None, query_class: None });
                }
            }
        }
        found
    }

    /// Relations of library models, and those that models of the program inherit from library ancestors.
    pub(super) fn inherit_library(&mut self) {
        for i in 0..self.models.len() {
            let id = ModelId(i as u32);
            let dialect = self.dialect_of(id);
            let above: Vec<Library> = match self.model(id).class {
                Some(_) => self.library_above(id).into_iter().cloned().collect(),
                None => {
                    let name = dialect.key(self.model(id).name);
                    dialect.library.get(&name).map(|i| dialect.pack.library[*i].clone()).into_iter().collect()
                }
            };
            for library in &above {
                for declared in &library.relations {
                    let name = Name::new(&declared.name);
                    let taken = self.model(id).relations.contains_key(&name);
                    let hidden = self.model(id).class.is_some_and(|c| self.index.find_method(c, name).is_some());
                    if taken || hidden {
                        continue;
                    }
                    let target = declared.target.as_deref().and_then(|t| self.named_model(id, Name::new(t)));
                    let relation = Relation {
                        target,
                        polymorphic: declared.polymorphic,
                        access: if declared.many && dialect.pack.many_is_query { Access::Query } else { Access::Rows },
                        key_column: declared.key.as_deref().map(Name::new),
                        is_method: dialect.pack.relation_methods.is_some(),
                        span: self.model(id).span,
                        ..plain_relation(name, declared.many)
                    };
                    let is_swapped_out = self.is_swapped_out(id);
                    if let Some(reverse) = &declared.reverse
                        && let Some(target) = target
                        && !self.model(id).is_abstract
                        && !is_swapped_out
                    {
                        let query_name = declared.reverse_query_name.as_deref().unwrap_or(reverse);
                        let back = Relation {
                            target: Some(id),
                            access: if dialect.pack.many_is_query { Access::Query } else { Access::Rows },
                            inverse: (!declared.many).then_some(name),
                            query_name: Name::new(query_name),
                            ..plain_relation(Name::new(reverse), true)
                        };
                        self.models[target.0 as usize].relations.entry(back.name).or_insert(back);
                    }
                    self.models[id.0 as usize].relations.insert(name, relation);
                }
            }
        }
    }
}
