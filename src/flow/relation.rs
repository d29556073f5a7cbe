//! What is loaded on rows from the start, and what does reading a relation of one give?

use super::event::What;
use super::tree::{NOTHING, OPEN, State, Tree};
use super::value::{Data, ManyKind, NO_LOOP, Query, Row, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::{Access, ClassId, Loading, ModelId, Relation};

/// Default eager loads of models that load each other are followed this deep.
pub(super) const DEFAULT_DEPTH: usize = 4;

impl<'a> Engine<'a> {
    /// What every query of a model loads.
    pub(super) fn default_tree(&mut self, model: ModelId) -> Tree {
        self.default_tree_at(model, DEFAULT_DEPTH)
    }

    fn default_tree_at(&mut self, model: ModelId, depth: usize) -> Tree {
        let mut tree = NOTHING;
        if depth == 0 {
            return tree;
        }
        let data = self.ix.model(model);
        for path in &data.default_eager {
            let names: Vec<Name> = path.as_str().split('.').map(|p| Name::new(p.split(':').next().unwrap_or(p))).collect();
            tree = self.load_names(tree, model, &names, NOTHING, depth - 1);
        }
        let mut eager: Vec<Name> = data.relations.values().filter(|r| r.loading == Loading::Eager).map(|r| r.name).collect();
        eager.sort();
        for name in eager {
            tree = self.load_names(tree, model, &[name], NOTHING, depth - 1);
        }
        tree
    }

    /// The tree with a path of relation names loaded, with the defaults of each model on the way and the way back.
    pub(super) fn load_names(&mut self, tree: Tree, model: ModelId, names: &[Name], last: Tree, depth: usize) -> Tree {
        let Some((first, rest)) = names.split_first() else {
            return self.v.trees.union(tree, last);
        };
        // All relations, and all that they lead to.
        if first.as_str() == "*" {
            #[allow(clippy::iter_over_hash_type)]
            let mut all: Vec<Name> = self.ix.model(model).relations.keys().copied().collect();
            all.sort();
            return all.into_iter().fold(tree, |tree, name| self.v.trees.with(tree, name, OPEN));
        }
        let relation = self.relation(model, *first);
        let target = relation.and_then(|r| r.target);
        let mut child = match self.v.trees.state(tree, *first) {
            State::Loaded(child) => child,
            _ => match target {
                Some(t) => self.default_tree_at(t, depth),
                None => NOTHING,
            },
        };
        if relation.is_none() || relation.is_some_and(|r| r.polymorphic) {
            child = self.v.trees.opened(child);
        }
        if let Some(r) = relation {
            if let Some(inverse) = r.inverse {
                child = self.v.trees.with(child, inverse, OPEN);
            }
            if let Some(t) = r.target {
                if r.many && r.access == Access::Query && depth > 0 {
                    let managed = self.managed_tree(t);
                    child = self.v.trees.union(child, managed);
                }
                for path in &r.eager {
                    let more: Vec<Name> = path.as_str().split('.').map(Name::new).collect();
                    // A relation that loads itself loads all levels.
                    child = match depth.checked_sub(1) {
                        Some(depth) => self.load_names(child, t, &more, NOTHING, depth),
                        None => self.v.trees.opened(child),
                    };
                }
            }
        }
        child = match target {
            Some(t) => self.load_names(child, t, rest, last, depth),
            None => self.v.trees.with_path(child, rest, last),
        };
        self.v.trees.with(tree, *first, child)
    }

    /// Is a relation loaded on a row?
    pub(super) fn state(&mut self, fr: &Frame<'a>, row: Row, relation: &Relation) -> State {
        match self.v.trees.state(row.tree, relation.name) {
            State::Loaded(tree) => State::Loaded(tree),
            _ if fr.guards.contains(&(row.src, relation.name)) => State::Loaded(OPEN),
            State::Missing if relation.loading == Loading::Unknown => State::Unknown,
            // Loaded on some ways only, and read whatever the way was.
            // Conditions that were around already where the ways became one again say nothing of which it was.
            State::Maybe if relation.access == Access::Rows && fr.conditions <= fr.joined.get(&row.src).copied().unwrap_or(0) => {
                State::Missing
            }
            State::Maybe => State::Unknown,
            State::Unknown if !self.may_be_loaded(row, relation.name) => State::Missing,
            other => other,
        }
    }

    /// The rows or row behind a relation.
    pub(super) fn related(&mut self, row: Row, relation: &Relation, tree: Tree) -> Val {
        let src = self.v.source(Source::Relation(row.src, relation.name));
        let Some(target) = relation.target else {
            return if relation.many { self.v.many(UNKNOWN, ManyKind::Held) } else { UNKNOWN };
        };
        let val = self.v.row(Row { model: target, tree, src, renewed_by: row.renewed_by });
        if relation.many { self.v.many(val, ManyKind::Held) } else { val }
    }

    /// What a lazily loaded relation has loaded itself.
    pub(super) fn lazy_tree(&mut self, relation: &Relation) -> Tree {
        let mut tree = match relation.target {
            Some(t) => self.default_tree(t),
            None => return OPEN,
        };
        if let (Some(t), false) = (relation.target, relation.eager.is_empty()) {
            for path in &relation.eager {
                let names: Vec<Name> = path.as_str().split('.').map(Name::new).collect();
                tree = self.load_names(tree, t, &names, NOTHING, DEFAULT_DEPTH);
            }
        }
        if let Some(target) = relation.target.filter(|_| relation.many && relation.access == Access::Query) {
            let managed = self.managed_tree(target);
            tree = self.v.trees.union(tree, managed);
        }
        match relation.inverse {
            Some(inverse) => self.v.trees.with(tree, inverse, OPEN),
            None => tree,
        }
    }

    /// Reads a relation of a row.
    pub(super) fn read_relation(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        row: Row,
        relation: &'a Relation,
        range: Range,
    ) -> Val {
        match relation.access {
            Access::Query => self.relation_query(fr, object, row, relation, range),
            Access::Rows if self.v.trees.is_hidden(row.tree, relation.name) => UNKNOWN,
            Access::Rows => {
                let at = super::call::method_range(range, relation.name);
                let state = self.state(fr, row, relation);
                self.relation_read(fr, row, relation, state, range);
                match state {
                    // Loaded together, all rows of one parent hold the same one.
                    State::Loaded(tree) if self.is_parent_again(row, relation) => {
                        self.related(Row { renewed_by: NO_LOOP, ..row }, relation, tree)
                    }
                    State::Loaded(tree) => self.related(row, relation, tree),
                    State::Unknown | State::Maybe => self.related(row, relation, OPEN),
                    State::Missing if !self.walks.contains(&row.renewed_by) && self.leads_back(row, relation) => {
                        self.related(row, relation, OPEN)
                    }
                    State::Missing => {
                        if row.renewed_by != NO_LOOP {
                            let never = relation.loading == Loading::Never;
                            let what = What::Read { model: row.model, relation: relation.name, src: row.src, never };
                            self.emit(fr, what, at, row.renewed_by);
                            let site = self.span(fr, at);
                            if let Some(event) = fr.buffer.last_mut().filter(|e| e.site == site) {
                                event.on_some_ways = self.v.trees.state(row.tree, relation.name) == State::Maybe;
                            }
                            fr.always_reads(row.renewed_by, row.src, relation.name);
                        }
                        self.waits_for_relation(fr, row, relation.name, at);
                        // What never loads by itself raises, or stays empty: there is nothing to go on with.
                        if relation.loading == Loading::Never {
                            return UNKNOWN;
                        }
                        let tree = self.lazy_tree(relation);
                        self.related(row, relation, tree)
                    }
                }
            }
        }
    }

    /// A relation of a row as a query that has not run.
    pub(super) fn relation_query(&mut self, fr: &mut Frame<'a>, object: Val, row: Row, relation: &Relation, range: Range) -> Val {
        let tree = match self.state(fr, row, relation) {
            State::Loaded(tree) if relation.access == Access::Query => tree,
            State::Unknown | State::Maybe if relation.access == Access::Query => OPEN,
            _ => self.lazy_tree(relation),
        };
        let is_fresh = matches!(self.v.root_source(row.src).0, Source::Fresh(_));
        let src = if is_fresh || (relation.access == Access::Query && self.answers_from_memory(row.model)) {
            self.v.source(Source::Relation(row.src, relation.name))
        } else {
            self.v.source(Source::Query(self.span(fr, range)))
        };
        self.anchor(src, row, relation.name);
        let class = relation.target.and_then(|t| self.manager_class(t));
        // Of one there is one, whichever method gives it.
        let flags = if relation.many { 0 } else { flag::FEW };
        let query = Query { via: Some((object, relation.name)), class, flags, ..Query::new(relation.target, tree, src) };
        self.v.of(Data::Query(query))
    }

    /// The class of a model's default manager or queries.
    pub(super) fn manager_class(&self, model: ModelId) -> Option<ClassId> {
        let data = self.ix.model(model);
        data.query_class.or_else(|| {
            let default = self.ix.packs.word(data.dialect, "default-manager");
            let manager = data.managers.iter().find(|m| Some(m.name) == default).or_else(|| data.managers.first())?;
            manager.class.or(manager.query_class)
        })
    }
}
