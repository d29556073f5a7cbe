//! Which rows does the session hold already, so that reading them again costs nothing?

use rustc_hash::FxHashMap;

use super::call::Args;
use super::tree::{OPEN, State};
use super::value::{Data, ManyKind, Mark, Query, Row, Source, Src, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId};
use crate::index::{Loading, ModelId, Relation};

/// What a query loads with its rows is followed this far.
const MAX_HELD_DEPTH: usize = 4;
/// So many sources are looked at on the way up.
const MAX_STARTS: usize = 12;

/// Which rows do queries lead back to?
#[derive(Default)]
pub(super) struct Anchors {
    /// Models of the rows that a query is held to: each of its rows leads to the same one.
    pub(super) models: FxHashMap<Src, Vec<ModelId>>,
    /// Sources of the rows whose relations queries ask, and the relations.
    starts: FxHashMap<Src, Vec<(Src, Name)>>,
}

impl<'a> Engine<'a> {
    /// Does the session give the same object for the same key, without a query?
    fn keeps_identity(&self, model: ModelId) -> bool {
        self.ix.packs.word(self.dialect(model), "identity-map").is_some()
    }

    fn same_model(&self, a: ModelId, b: ModelId) -> bool {
        if a == b {
            return true;
        }
        match (self.ix.model(a).class, self.ix.model(b).class) {
            (Some(x), Some(y)) => self.ix.class(x).mro.contains(&y) || self.ix.class(y).mro.contains(&x),
            _ => false,
        }
    }

    /// Does a relation lead from the rows of a parent back to it?
    pub(super) fn is_parent_again(&self, row: Row, relation: &Relation) -> bool {
        let starts = match self.v.source_of(row.src) {
            Source::Relation(parent, via) => vec![(parent, via)],
            _ => self.anchors.starts.get(&row.src).cloned().unwrap_or_default(),
        };
        let leads_back = |(parent, via): &(Src, Name)| {
            let (Some(model), Some(target)) = (self.v.model_of(*parent), relation.target) else { return false };
            let inverse = self.relation(model, *via).filter(|r| r.many).map(|r| r.inverse);
            let is_inverse = inverse.is_some_and(|name| name.is_none_or(|name| name == relation.name));
            self.same_model(model, target) && is_inverse
        };
        !relation.many && !starts.is_empty() && starts.iter().all(leads_back)
    }

    /// Does a to-one relation that is not loaded lead to nothing that a query would be needed for, as far as anyone knows?
    pub(super) fn leads_back(&self, row: Row, relation: &Relation) -> bool {
        let Some(target) = relation.target else { return false };
        if relation.many {
            return self.is_walked(row, relation) || self.keeps_identity(row.model) && self.shared_steps(row.src) >= 2;
        }
        // The parent of a parent: mostly there is none.
        if target == row.model && matches!(self.v.source_of(row.src), Source::Relation(_, name) if name == relation.name) {
            return true;
        }
        if !self.keeps_identity(row.model) || !self.is_by_primary_key(row.model, relation, target) {
            return self.is_walked(row, relation);
        }
        // What many rows share, their session loads once: few of it, and nothing that grows with the rows.
        let is_shared = self.shared_steps(row.src);
        if is_shared >= 2 || is_shared == 1 && self.same_model(target, row.model) {
            return true;
        }
        let mut at = row.src;
        let mut is_first = true;
        while let Source::Relation(parent, via) = self.v.source_of(at) {
            if let Some(model) = self.v.model_of(parent)
                && self.same_model(model, target)
            {
                // What leads back is known by name: another relation to the same model gives another row.
                let back = self.relation(model, via).filter(|r| r.many).and_then(|r| r.inverse);
                if !(is_first && back.is_some_and(|b| b != relation.name)) {
                    return true;
                }
            }
            if self.anchors.models.get(&parent).is_some_and(|models| models.iter().any(|m| self.same_model(*m, target))) {
                return true;
            }
            is_first = false;
            at = parent;
        }
        false
    }

    /// The relations that a column of a row is the key of: where it holds nothing, nothing is loaded.
    pub(super) fn without_key(&self, fr: &Frame<'a>, base: ExprId, column: Name) -> Vec<(Src, Name)> {
        let held = match fr.body.expr(base) {
            Expr::Local(slot) => fr.locals[slot.0 as usize],
            Expr::This => fr.this,
            _ => return Vec::new(),
        };
        let Data::Row(row) = *self.data(held) else { return Vec::new() };
        let relations = self.ix.model(row.model).relations.values();
        let mut names: Vec<Name> =
            relations.filter(|r| !r.many && !r.polymorphic && r.key_column == Some(column)).map(|r| r.name).collect();
        names.sort();
        names.into_iter().map(|name| (row.src, name)).collect()
    }

    /// How many relations to one row lead to the rows of a source, counted from its end.
    fn shared_steps(&self, src: Src) -> usize {
        let mut at = src;
        let mut steps = 0;
        while let Source::Relation(parent, via) = self.v.source_of(at) {
            let Some(model) = self.v.model_of(parent) else { break };
            let Some(relation) = self.relation(model, via) else { break };
            if relation.many || relation.key_column.is_none() {
                break;
            }
            steps += 1;
            at = parent;
        }
        steps
    }

    /// Does the key of a relation hold the primary key of its target? Other columns are looked up in the database.
    fn is_by_primary_key(&self, model: ModelId, relation: &Relation, target: ModelId) -> bool {
        let Some(key) = relation.key_column else { return false };
        let declared = self.ix.model(model).class.and_then(|c| self.ix.find_attr(c, key));
        let Some((owner, i)) = declared else { return true };
        let decl = self.ix.class_decl(owner);
        let Some(value) = decl.attrs[i].value else { return true };
        let body = &self.ix.file(self.ix.class(owner).file).functions[decl.scope.0 as usize].body;
        let within = body.range(value);
        let columns = &self.ix.model(target).columns;
        !body.exprs.iter().zip(&body.ranges).any(|(e, range)| match e {
            Expr::Str(text) if within.start <= range.start && range.end <= within.end && text.as_str().contains('.') => {
                columns.get(&Name::new(text.last_segment())).is_some_and(|c| !c.is_primary)
            }
            _ => false,
        })
    }

    /// Was the same relation read on the same model on the way here, and did the way lead back to where it came from? Then
    /// code goes in circles: what builds an item builds its owner, which builds its items.
    fn is_walked(&self, row: Row, relation: &Relation) -> bool {
        let mut at = row.src;
        let mut turned_back = false;
        while let Source::Relation(parent, via) = self.v.source_of(at) {
            let Some(model) = self.v.model_of(parent) else { return false };
            if turned_back && via == relation.name && model == row.model {
                return true;
            }
            if let Source::Relation(above, out) = self.v.source_of(parent)
                && let Some(owner) = self.v.model_of(above)
                && let (Some(out), Some(back)) = (self.relation(owner, out), self.relation(model, via))
                && (out.many && !back.many && back.target == Some(owner)
                    || !out.many && back.many && back.inverse == Some(out.name))
            {
                turned_back = true;
            }
            at = parent;
        }
        false
    }

    /// The tree of a query's rows after a condition that holds them to one row at the other end of a relation.
    pub(super) fn held_to_one(&mut self, fr: &Frame<'a>, query: &mut Query, method: Name, args: &Args) {
        let Some(model) = query.model.filter(|m| self.keeps_identity(*m)) else { return };
        let by_parent = self.ix.packs.word(self.dialect(model), "narrows-to-parent") == Some(method);
        let given: Vec<ModelId> = if by_parent {
            args.positional.iter().filter_map(|v| self.bare_row(*v).map(|r| r.model)).collect()
        } else {
            Vec::new()
        };
        let mut named: Vec<Name> = args
            .named
            .iter()
            .filter(|(_, v)| !matches!(self.data(*v), Data::Many(..) | Data::Tuple(_) | Data::Query(_)))
            .map(|(n, _)| *n)
            .collect();
        // A parent of which nothing is known is called like the relation to it.
        if by_parent && given.is_empty() {
            named.extend(args.ranges.first().and_then(|at| called(fr, *at)));
        }
        // `Paper.shelf_id == shelf.id`
        for val in &args.positional {
            if let Data::Condition(marks) = *self.data(*val)
                && !self.v.marks_of(marks).contains(&Mark::Loose)
                && (!self.v.marks_of(marks).contains(&Mark::Several) || self.v.marks_of(marks).contains(&Mark::Keys))
            {
                named.extend(
                    self.v.marks_of(marks).iter().filter_map(|m| if let Mark::Term(term) = m { Some(*term) } else { None }),
                );
            }
        }
        let known = self.to_one(model, |engine, r, target| {
            named.iter().any(|n| *n == r.name || Some(*n) == r.key_column) || given.iter().any(|g| engine.same_model(*g, target))
        });
        // A parent of which nothing is known at all may be at the other end of any.
        let known = match known.is_empty() && by_parent && given.is_empty() {
            true => self.to_one(model, |_, _, _| true),
            false => known,
        };
        for name in known {
            query.tree = self.v.trees.with(query.tree, name, OPEN);
            let target = self.relation(model, name).and_then(|r| r.target);
            self.anchors.models.entry(query.src).or_default().extend(target);
        }
    }

    /// Rows of a query of its own that started from a relation: the row that it started from, and those on the way to it, are known.
    pub(super) fn anchor(&mut self, src: Src, from: Row, via: Name) {
        let starts = self.anchors.starts.entry(src).or_default();
        if !starts.contains(&(from.src, via)) && src != from.src {
            starts.push((from.src, via));
        }
        if !self.keeps_identity(from.model) || matches!(self.v.source_of(src), Source::Relation(..)) {
            return;
        }
        let mut models = vec![from.model];
        let mut at = from.src;
        loop {
            models.extend(self.anchors.models.get(&at).into_iter().flatten());
            let Source::Relation(parent, _) = self.v.source_of(at) else { break };
            models.extend(self.v.model_of(parent));
            at = parent;
        }
        models.sort();
        models.dedup();
        let known = self.anchors.models.entry(src).or_default();
        known.extend(models);
        known.sort();
        known.dedup();
    }

    /// Does a query ask for what rows of a source lead to, by relations or by queries of their own?
    pub(super) fn starts_below(&self, src: Src, root: Source) -> bool {
        let mut todo = vec![src];
        let mut seen: Vec<Src> = Vec::new();
        while let Some(at) = todo.pop() {
            if self.v.root_source(at).0 == root {
                return true;
            }
            let mut up = at;
            while !seen.contains(&up) && seen.len() < MAX_STARTS {
                seen.push(up);
                todo.extend(self.anchors.starts.get(&up).into_iter().flatten().map(|(start, _)| *start));
                let Source::Relation(parent, _) = self.v.source_of(up) else { break };
                up = parent;
            }
        }
        false
    }

    /// Relations of a model to one row by its key that a test accepts, in order.
    fn to_one(&self, model: ModelId, fits: impl Fn(&Self, &Relation, ModelId) -> bool) -> Vec<Name> {
        let relations = self.ix.model(model).relations.values();
        let mut names: Vec<Name> = relations
            .filter(|r| {
                !r.many
                    && r.loading != Loading::Never
                    && r.target.is_some_and(|t| fits(self, r, t) && self.is_by_primary_key(model, r, t))
            })
            .map(|r| r.name)
            .collect();
        names.sort();
        names
    }

    /// The element of a loop, of which rows are known to the session that variables hold: all rows of a query read before.
    pub(super) fn met_before(&mut self, fr: &Frame<'a>, element: Val) -> Val {
        let Data::Row(row) = *self.data(element) else { return element };
        if !self.keeps_identity(row.model) {
            return element;
        }
        let held: Vec<(ModelId, Src)> = fr.locals.iter().flat_map(|v| self.rows_held(*v)).collect();
        // What the same query loads for all its rows by another relation.
        let beside: Vec<ModelId> = self
            .v
            .trees
            .loaded(row.tree)
            .filter_map(|(name, _)| self.relation(row.model, name).filter(|r| r.many).and_then(|r| r.target))
            .collect();
        if held.is_empty() && beside.is_empty() {
            return element;
        }
        let known = self.to_one(row.model, |engine, _, target| {
            held.iter().any(|(m, src)| *src != row.src && *m != row.model && engine.same_model(*m, target))
                || beside.iter().any(|m| engine.same_model(*m, target))
        });
        let mut tree = row.tree;
        for name in known {
            if self.v.trees.state(tree, name) == State::Missing {
                tree = self.v.trees.with(tree, name, OPEN);
            }
        }
        self.v.row(Row { tree, ..row })
    }

    /// The models of the rows that a variable holds, and of those that their query loaded with them.
    fn rows_held(&self, val: Val) -> Vec<(ModelId, Src)> {
        let inner = match self.data(val) {
            Data::Many(e, ManyKind::Held) => *e,
            Data::Record(_, Some(rest)) => *rest,
            _ => return Vec::new(),
        };
        let Some(row) = self.bare_row(inner).filter(|row| matches!(self.v.source_of(row.src), Source::Query(_))) else {
            return Vec::new();
        };
        let mut found = vec![(row.model, row.src)];
        let mut next = vec![(row.model, row.tree)];
        for _ in 0..MAX_HELD_DEPTH {
            let mut below = Vec::new();
            for (model, tree) in next {
                for (name, child) in self.v.trees.loaded(tree) {
                    let Some(target) = self.relation(model, name).and_then(|r| r.target) else { continue };
                    found.push((target, row.src));
                    below.push((target, child));
                }
            }
            next = below;
        }
        found
    }
}

/// The name of the variable or attribute that an argument at this place is.
fn called(fr: &Frame<'_>, at: Range) -> Option<Name> {
    let found = fr.body.ranges.iter().position(|r| *r == at)?;
    match &fr.body.exprs[found] {
        Expr::Local(slot) => fr.body.slots.get(slot.0 as usize).copied(),
        Expr::Attr { name, .. } => Some(*name),
        _ => None,
    }
}
