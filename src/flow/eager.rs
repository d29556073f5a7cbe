//! What do eager-load arguments load? Paths, objects that carry them, closures that narrow them.

use super::call::Args;
use super::relation::DEFAULT_DEPTH;
use super::tree::{NOTHING, OPEN, Tree};
use super::value::{Data, Load, ManyKind, Query, Row, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::index::{ModelId, Relation};
use crate::packs::{Grammar, Op, Result};

impl<'a> Engine<'a> {
    /// What eager-load arguments add to a tree.
    pub(super) fn eager_tree(&mut self, fr: &mut Frame<'a>, tree: Tree, model: ModelId, grammar: Grammar, args: &Args) -> Tree {
        let mut tree = tree;
        let vals: Vec<Val> = args.positional.iter().copied().chain(args.named.iter().map(|(_, v)| *v)).collect();
        if vals.is_empty() && grammar == Grammar::Dunder {
            return self.v.trees.opened(tree);
        }
        let mut i = 0;
        while i < vals.len() {
            // `with('author', fn ($q) => …)`
            if let (Data::Str(path), Some(Data::Closure(..))) =
                (self.data(vals[i]).clone(), vals.get(i + 1).map(|v| self.data(*v).clone()))
            {
                tree = self.eager_path(fr, tree, model, grammar, path, Some(vals[i + 1]), &[]);
                i += 2;
                continue;
            }
            tree = self.eager_value(fr, tree, model, grammar, vals[i], &[]);
            i += 1;
        }
        if args.open { self.v.trees.opened(tree) } else { tree }
    }

    fn eager_value(
        &mut self,
        fr: &mut Frame<'a>,
        tree: Tree,
        model: ModelId,
        grammar: Grammar,
        val: Val,
        prefix: &[Name],
    ) -> Tree {
        match self.data(val).clone() {
            Data::Str(path) => self.eager_path(fr, tree, model, grammar, path, None, prefix),
            Data::Null if grammar != Grammar::Dotted => NOTHING,
            Data::Null => tree,
            Data::Tuple(items) => items.iter().fold(tree, |t, v| self.eager_value(fr, t, model, grammar, *v, prefix)),
            Data::Record(keys, rest) => {
                let mut tree = tree;
                for (key, inner) in keys.iter() {
                    match self.data(*inner).clone() {
                        Data::Str(_) if key.as_str().bytes().all(|b| b.is_ascii_digit()) => {
                            tree = self.eager_value(fr, tree, model, grammar, *inner, prefix);
                        }
                        Data::Tuple(_) | Data::Record(..) => {
                            tree = self.eager_path(fr, tree, model, grammar, *key, None, prefix);
                            let mut below = prefix.to_vec();
                            below.extend(segments(*key, grammar));
                            tree = self.eager_value(fr, tree, model, grammar, *inner, &below);
                        }
                        _ => tree = self.eager_path(fr, tree, model, grammar, *key, Some(*inner), prefix),
                    }
                }
                match rest {
                    Some(r) => self.eager_value(fr, tree, model, grammar, r, prefix),
                    None => tree,
                }
            }
            // A list that was filled here and there: whatever is in it is loaded, as far as anyone knows.
            Data::Many(e, _) => {
                let all = self.v.alternatives(e).into_iter().filter(|v| *v != super::value::NULL);
                all.fold(tree, |t, v| self.eager_value(fr, t, model, grammar, v, prefix))
            }
            Data::Load(load) => {
                let mut tree = tree;
                if load.open {
                    tree = self.v.trees.opened(tree);
                }
                for path in load.paths.iter() {
                    let last = match load.query.map(|q| self.data(q).clone()) {
                        Some(Data::Query(q)) => q.tree,
                        Some(_) => OPEN,
                        None => NOTHING,
                    };
                    let mut names = prefix.to_vec();
                    names.extend(path.iter().copied());
                    if let (Some(attr), Some((relation, way))) = (load.attr, names.split_last()) {
                        self.note_filled(model, way, *relation, attr, load.query);
                        let mut own = way.to_vec();
                        own.push(attr);
                        tree = self.v.trees.with_path(tree, &own, OPEN);
                    } else {
                        tree = self.load_names(tree, model, &names, last, DEFAULT_DEPTH);
                    }
                }
                if let (Some(columns), true) = (&load.columns, load.prefix.is_empty()) {
                    let mut columns = columns.to_vec();
                    columns.extend(self.ix.model(model).columns.values().filter(|c| c.is_primary).map(|c| c.name));
                    tree = self.v.trees.with_columns(tree, Some(columns));
                }
                tree
            }
            Data::Attribute(_, name) => self.load_names(tree, model, &[name], NOTHING, DEFAULT_DEPTH),
            Data::OneOf(all) => {
                let trees: Vec<Tree> = all.iter().map(|v| self.eager_value(fr, tree, model, grammar, *v, prefix)).collect();
                trees.into_iter().reduce(|a, b| self.v.trees.meet(a, b)).unwrap_or(tree)
            }
            Data::Bool(_) => tree,
            _ => self.v.trees.opened(tree),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn eager_path(
        &mut self,
        fr: &mut Frame<'a>,
        tree: Tree,
        model: ModelId,
        grammar: Grammar,
        path: Name,
        query: Option<Val>,
        prefix: &[Name],
    ) -> Tree {
        let mut names = prefix.to_vec();
        names.extend(segments(path, grammar));
        // Names under which queries know a reverse relation become the names it is read by.
        if grammar == Grammar::Dunder {
            let mut at = Some(model);
            for name in &mut names {
                let Some(m) = at else { break };
                let found = match self.relation(m, *name) {
                    Some(r) => Some(r),
                    None => self.relation_by_query_name(m, *name),
                };
                match found {
                    Some(r) => {
                        *name = r.name;
                        at = r.target;
                    }
                    None => at = None,
                }
            }
        }
        let last = match query.map(|q| self.data(q).clone()) {
            Some(Data::Query(q)) => q.tree,
            Some(Data::Closure(..)) => {
                // The closure gets the relation's query and may load more below it.
                let target = names.iter().try_fold(model, |m, n| self.relation(m, *n).and_then(|r| r.target));
                match (target, query) {
                    (Some(target), Some(f)) => {
                        let at = fr.decl.name_range;
                        let mut inner = self.start_query(target, self.span(fr, at));
                        inner.tree = NOTHING;
                        let before = self.v.of(Data::Query(inner));
                        let mark = fr.buffer.len();
                        let (returned, first) = match self.data(f).clone() {
                            Data::Closure(g, env, this) => {
                                self.call_closure_for_first(fr, g, &env, this, Args::positional(vec![before]), at)
                            }
                            _ => (self.call_value(fr, f, Args::positional(vec![before]), at), UNKNOWN),
                        };
                        fr.buffer.truncate(mark);
                        let after = if matches!(self.data(returned), Data::Query(_)) { returned } else { first };
                        match self.data(after) {
                            Data::Query(q) => q.tree,
                            _ => OPEN,
                        }
                    }
                    _ => OPEN,
                }
            }
            _ => NOTHING,
        };
        self.load_names(tree, model, &names, last, DEFAULT_DEPTH)
    }

    fn relation_by_query_name(&self, model: ModelId, name: Name) -> Option<&'a Relation> {
        #[allow(clippy::iter_over_hash_type)]
        self.ix.model(model).relations.values().filter(|r| r.query_name == name).min_by_key(|r| r.name)
    }

    /// An operation on eager loads as a value, or a function that makes them.
    pub(super) fn load_op(&mut self, recv: Val, op: &Op, args: &Args) -> Val {
        let mut load = match self.data(recv).clone() {
            Data::Load(load) => load,
            _ => Load { prefix: Box::default(), paths: Box::default(), query: None, attr: None, columns: None, open: false },
        };
        let mut names: Vec<Name> = Vec::new();
        let mut unknown = args.open;
        let mut below: Vec<Load> = Vec::new();
        for val in &args.positional {
            match self.data(*val).clone() {
                Data::Attribute(_, name) => names.push(name),
                Data::Str(path) => names.extend(path.as_str().split('.').map(Name::new)),
                Data::Load(inner) => below.push(inner),
                Data::Class(_) | Data::ModelClass(_) => (),
                _ => unknown = true,
            }
        }
        let mut paths: Vec<Box<[Name]>> = load.paths.to_vec();
        match op.result {
            Result::LoadPath | Result::LoadWay => {
                let mut prefix = load.prefix.to_vec();
                prefix.extend(names);
                if op.result == Result::LoadPath {
                    paths.push(prefix.clone().into_boxed_slice());
                }
                load.prefix = prefix.into_boxed_slice();
                load.open |= unknown;
            }
            Result::LoadBelow => {
                for inner in below {
                    for path in inner.paths.iter() {
                        let mut full = load.prefix.to_vec();
                        full.extend(path.iter().copied());
                        paths.push(full.into_boxed_slice());
                    }
                    load.open |= inner.open;
                }
                load.open |= unknown;
            }
            Result::LoadColumns => load.columns = Some(names.into_boxed_slice()),
            Result::Prefetch => {
                let path = args.positional.first().map(|v| self.data(*v).clone());
                match path {
                    Some(Data::Str(p)) => paths.push(segments(p, Grammar::Prefetch).into_boxed_slice()),
                    _ => load.open = true,
                }
                let python = self.names.python;
                let given = |key: &str| {
                    let keyword = self.ix.packs.word_in_language(python, key)?;
                    args.named.iter().find(|(k, _)| *k == keyword).map(|(_, v)| *v)
                };
                let (query, attr) = (given("prefetch-query"), given("prefetch-attr"));
                load.query = query.or_else(|| args.positional.get(1).copied());
                load.attr = attr.or_else(|| args.positional.get(2).copied()).and_then(|v| match self.data(v) {
                    Data::Str(s) => Some(*s),
                    _ => None,
                });
            }
            _ => (),
        }
        load.paths = paths.into_boxed_slice();
        self.v.of(Data::Load(load))
    }

    /// A query fills an attribute of its own with the rows of a relation: several may do so under one name.
    fn note_filled(&mut self, model: ModelId, way: &[Name], relation: Name, attr: Name, query: Option<Val>) {
        let holder = way.iter().try_fold(model, |at, name| self.relation(at, *name).and_then(|r| r.target));
        let (Some(holder), Some(query)) = (holder, query) else { return };
        let known = self.filled_by.entry((holder, attr)).or_insert((relation, query));
        if *known != (relation, query) {
            known.1 = UNKNOWN;
        }
    }

    /// The rows that a query put into an attribute of a row, where it is known which query.
    pub(super) fn rows_filled(&mut self, row: Row, attr: Name) -> Option<Val> {
        let (relation, query) = *self.filled_by.get(&(row.model, attr))?;
        let Data::Query(query) = self.data(query).clone() else { return None };
        let found = self.row_of(&query);
        let found = self.bare_row(found)?;
        // What leads back to the row is set with it.
        let tree = match self.relation(row.model, relation).and_then(|r| r.inverse) {
            Some(inverse) => self.v.trees.with(found.tree, inverse, OPEN),
            None => found.tree,
        };
        let element = self.v.row(Row { tree, renewed_by: row.renewed_by, ..found });
        Some(self.v.many(element, ManyKind::Held))
    }

    /// Which columns a query leaves out.
    pub(super) fn columns(&mut self, query: &mut Query, op: &Op, args: &Args) {
        let Some(model) = query.model else { return };
        let mut named: Vec<Name> = Vec::new();
        for val in &args.positional {
            match self.data(*val) {
                Data::Str(s) => named.push(*s),
                _ => {
                    query.tree = self.v.trees.opened(query.tree);
                    return;
                }
            }
        }
        if args.open || named.iter().any(|n| n.as_str().contains("__")) {
            return;
        }
        let all = &self.ix.model(model).columns;
        let columns: Vec<Name> = if op.only_columns {
            let mut kept = named;
            let keys: Vec<Name> = kept.iter().filter_map(|n| self.relation(model, *n).and_then(|r| r.key_column)).collect();
            kept.extend(keys);
            kept.extend(all.values().filter(|c| c.is_primary).map(|c| c.name));
            kept
        } else {
            #[allow(clippy::iter_over_hash_type)]
            all.keys().copied().filter(|n| !named.contains(n)).collect()
        };
        query.tree = self.v.trees.with_columns(query.tree, Some(columns));
    }
}

/// The names of a path in an eager load.
fn segments(path: Name, grammar: Grammar) -> Vec<Name> {
    match grammar {
        Grammar::Dotted => path.as_str().split('.').map(|p| Name::new(p.split([':', ' ']).next().unwrap_or(p))).collect(),
        Grammar::Dunder | Grammar::Prefetch => path.as_str().split("__").map(Name::new).collect(),
        Grammar::Options => path.as_str().split('.').map(Name::new).collect(),
    }
}
