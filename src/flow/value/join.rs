//! What does a place hold after two ways meet, and how is a value rebuilt from the inside?

use super::{Data, LoopId, ManyKind, NO_LOOP, Name, Query, Row, SCALAR, Src, Tree, UNKNOWN, UNSET, Val, Values, flag};
use crate::index::ModelId;

/// At most so many alternatives are kept; more are unknown.
const MAX_ALTERNATIVES: usize = 6;

/// An object in a field that holds more than so many others in each other is told by its class alone.
const MAX_FIELD_DEPTH: u8 = 5;

impl Values {
    /// The alternatives of a value.
    pub fn alternatives(&self, val: Val) -> Vec<Val> {
        match self.get(val) {
            Data::OneOf(vals) => vals.to_vec(),
            _ => vec![val],
        }
    }

    /// A value as a field holds it: objects that know of each other are not followed without end.
    pub fn as_field(&mut self, val: Val) -> Val {
        if self.depths[val.0 as usize] <= MAX_FIELD_DEPTH {
            return val;
        }
        match *self.get(val) {
            Data::Object { class, .. } => self.of(Data::Object { class, fields: Box::default(), exact: false }),
            Data::Method(recv, name) => {
                let recv = self.as_field(recv);
                self.of(Data::Method(recv, name))
            }
            _ => val,
        }
    }

    /// A value without the ways on which it is not known.
    pub fn without_unknown(&mut self, val: Val) -> Val {
        match self.get(val) {
            Data::OneOf(all) if all.contains(&UNKNOWN) => {
                let known: Vec<Val> = all.iter().copied().filter(|v| *v != UNKNOWN).collect();
                match known.as_slice() {
                    [only] => *only,
                    _ => self.of(Data::OneOf(known.into_boxed_slice())),
                }
            }
            _ => val,
        }
    }

    /// What a place holds after two ways meet.
    pub fn join(&mut self, a: Val, b: Val) -> Val {
        if a == b || b == UNSET {
            return a;
        }
        if a == UNSET {
            return b;
        }
        if a == UNKNOWN || b == UNKNOWN {
            return self.join_unknown(if a == UNKNOWN { b } else { a });
        }
        let mut all = self.alternatives(a);
        for next in self.alternatives(b) {
            let mut merged = false;
            for slot in &mut all {
                if let Some(both) = self.merge(*slot, next) {
                    *slot = both;
                    merged = true;
                    break;
                }
            }
            if !merged {
                all.push(next);
            }
        }
        all.sort();
        all.dedup();
        if all.len() == 1 {
            return all[0];
        }
        if all.len() > MAX_ALTERNATIVES {
            return UNKNOWN;
        }
        self.of(Data::OneOf(all.into_boxed_slice()))
    }

    /// A known value on one way and an unknown one on the other: both stay possible, so that what is known is still
    /// followed; only scalars drown.
    fn join_unknown(&mut self, known: Val) -> Val {
        let mut all = self.alternatives(known);
        all.retain(|v| !matches!(self.get(*v), Data::Scalar | Data::Str(_) | Data::Int(_) | Data::Bool(_) | Data::Null));
        if all.is_empty() {
            return UNKNOWN;
        }
        if !all.contains(&UNKNOWN) {
            all.push(UNKNOWN);
        }
        all.sort();
        if all.len() > MAX_ALTERNATIVES {
            return UNKNOWN;
        }
        self.of(Data::OneOf(all.into_boxed_slice()))
    }

    fn merge(&mut self, a: Val, b: Val) -> Option<Val> {
        if a == b {
            return Some(a);
        }
        match (self.get(a).clone(), self.get(b).clone()) {
            (
                Data::Scalar | Data::Str(_) | Data::Int(_) | Data::Bool(_),
                Data::Scalar | Data::Str(_) | Data::Int(_) | Data::Bool(_),
            ) => {
                // Known texts stay apart: they may name relations, templates or classes.
                match (self.get(a), self.get(b)) {
                    (Data::Str(_), Data::Str(_)) => None,
                    _ => Some(SCALAR),
                }
            }
            (Data::Row(x), Data::Row(y)) if x.model == y.model && x.src == y.src && x.renewed_by == y.renewed_by => {
                let tree = self.trees.meet(x.tree, y.tree);
                Some(self.row(Row { tree, ..x }))
            }
            (Data::Query(x), Data::Query(y))
                if x.model == y.model && x.src == y.src && x.via == y.via && x.columns == y.columns =>
            {
                let tree = self.trees.meet(x.tree, y.tree);
                let keep = flag::KEYED | flag::LIMITED | flag::FEW;
                let flags = (x.flags & y.flags & keep) | ((x.flags | y.flags) & !keep);
                let more = self.marks_of(y.marks).to_vec();
                let marks = self.marked(x.marks, &more);
                Some(self.of(Data::Query(Query { tree, flags, marks, ..x })))
            }
            (Data::Many(x, k), Data::Many(y, l)) => {
                if matches!(self.get(x), Data::OneOf(_)) || matches!(self.get(y), Data::OneOf(_)) || self.merge(x, y).is_some() {
                    let elem = self.join(x, y);
                    return Some(self.many(elem, if k == l { k } else { ManyKind::Held }));
                }
                let empty = |v: &Values, e: Val| *v.get(e) == Data::Null;
                if empty(self, x) {
                    return Some(b);
                }
                if empty(self, y) {
                    return Some(a);
                }
                None
            }
            // An empty literal and a list grown in a loop.
            (Data::Tuple(x), Data::Many(..)) if x.is_empty() => Some(b),
            (Data::Many(..), Data::Tuple(y)) if y.is_empty() => Some(a),
            (Data::Tuple(x), Data::Record(..)) if x.is_empty() => Some(b),
            (Data::Record(..), Data::Tuple(y)) if y.is_empty() => Some(a),
            (Data::Tuple(x), Data::Tuple(y)) if x.len() == y.len() => {
                let items: Vec<Val> = x.iter().zip(y.iter()).map(|(p, q)| self.join(*p, *q)).collect();
                Some(self.of(Data::Tuple(items.into_boxed_slice())))
            }
            (Data::Record(x, xr), Data::Record(y, yr)) => {
                let mut keys: Vec<(Name, Val)> = x.to_vec();
                for (k, v) in y.iter() {
                    match keys.iter_mut().find(|(n, _)| n == k) {
                        Some(slot) => slot.1 = self.join(slot.1, *v),
                        None => keys.push((*k, *v)),
                    }
                }
                let rest = match (xr, yr) {
                    (Some(p), Some(q)) => Some(self.join(p, q)),
                    (p, q) => p.or(q),
                };
                Some(self.record(keys, rest))
            }
            (Data::Object { class: c, fields: x, exact: e }, Data::Object { class: d, fields: y, exact: f }) if c == d => {
                let mut keys: Vec<(Name, Val)> = Vec::new();
                for (k, v) in x.iter() {
                    if let Some((_, w)) = y.iter().find(|(n, _)| n == k) {
                        let both = self.join(*v, *w);
                        keys.push((*k, both));
                    }
                }
                Some(self.of(Data::Object { class: c, fields: keys.into_boxed_slice(), exact: e && f }))
            }
            _ => None,
        }
    }

    /// Applies a function to the parts of a value that are rows, queries or many; rebuilt from the inside.
    pub(in crate::flow) fn map_inside(
        &mut self,
        val: Val,
        depth: usize,
        f: &mut dyn FnMut(&mut Values, Val) -> Option<Val>,
    ) -> Val {
        if depth == 0 {
            return val;
        }
        if let Some(done) = f(self, val) {
            return done;
        }
        match self.get(val).clone() {
            Data::Many(e, k) => {
                let e2 = self.map_inside(e, depth - 1, f);
                if e2 == e { val } else { self.many(e2, k) }
            }
            Data::Tuple(items) => {
                let new: Vec<Val> = items.iter().map(|v| self.map_inside(*v, depth - 1, f)).collect();
                self.of(Data::Tuple(new.into_boxed_slice()))
            }
            Data::Record(keys, rest) => {
                let new: Vec<(Name, Val)> = keys.iter().map(|(n, v)| (*n, self.map_inside(*v, depth - 1, f))).collect();
                let rest = rest.map(|r| self.map_inside(r, depth - 1, f));
                self.of(Data::Record(new.into_boxed_slice(), rest))
            }
            Data::OneOf(items) => {
                let new: Vec<Val> = items.iter().map(|v| self.map_inside(*v, depth - 1, f)).collect();
                new.into_iter().reduce(|a, b| self.join(a, b)).unwrap_or(UNKNOWN)
            }
            Data::Object { class, fields, exact } => {
                let new: Vec<(Name, Val)> = fields.iter().map(|(n, v)| (*n, self.map_inside(*v, depth - 1, f))).collect();
                self.of(Data::Object { class, fields: new.into_boxed_slice(), exact })
            }
            Data::View { names, context, at } => {
                let context = self.map_inside(context, depth - 1, f);
                self.of(Data::View { names, context, at })
            }
            Data::Proxy(v, n) => {
                let new = self.map_inside(v, depth - 1, f);
                self.of(Data::Proxy(new, n))
            }
            _ => val,
        }
    }

    /// The element of a sequence as one turn of a loop sees it: rows in it are renewed by that loop.
    pub fn renew(&mut self, element: Val, by: LoopId) -> Val {
        if !self.rows_inside[element.0 as usize] {
            return element;
        }
        self.map_inside(element, 4, &mut |values, val| match values.get(val) {
            Data::Row(row) => {
                let row = *row;
                Some(values.row(Row { renewed_by: by, ..row }))
            }
            // What is many inside an element is renewed when it is iterated itself.
            Data::Many(..) => Some(values.mark_parent(val, by)),
            Data::Object { .. } | Data::Query(_) => Some(values.mark_parent(val, by)),
            _ => None,
        })
    }

    /// Rows inside collections of an element depend on the loop as well until they are iterated themselves.
    fn mark_parent(&mut self, val: Val, by: LoopId) -> Val {
        if !self.rows_inside[val.0 as usize] {
            return val;
        }
        self.map_inside(val, 3, &mut |values, val| match values.get(val) {
            Data::Row(row) => {
                let row = *row;
                Some(values.row(Row { renewed_by: by, ..row }))
            }
            Data::Query(query) => {
                let mut query = query.clone();
                if let Some((row, name)) = query.via {
                    let row = values.renew(row, by);
                    query.via = Some((row, name));
                }
                Some(values.of(Data::Query(query)))
            }
            _ => None,
        })
    }

    /// The value in which rows of a source have this much more loaded.
    pub fn with_loaded(&mut self, val: Val, src: Src, more: Tree) -> Val {
        if !self.rows_inside[val.0 as usize] {
            return val;
        }
        self.map_inside(val, 5, &mut |values, val| match values.get(val) {
            Data::Row(row) => {
                let row = *row;
                if row.src == src {
                    let tree = values.trees.union(row.tree, more);
                    Some(values.row(Row { tree, ..row }))
                } else {
                    Some(val)
                }
            }
            Data::Query(query) => {
                let mut query = query.clone();
                if let Some((row, name)) = query.via {
                    let row = values.with_loaded(row, src, more);
                    query.via = Some((row, name));
                    Some(values.of(Data::Query(query)))
                } else {
                    Some(val)
                }
            }
            _ => None,
        })
    }

    /// Is there a row in a value that a loop gives anew each turn?
    pub fn is_renewed(&mut self, val: Val) -> bool {
        let mut found = false;
        if self.rows_inside[val.0 as usize] {
            self.map_inside(val, 5, &mut |values, val| match values.get(val) {
                Data::Row(row) => {
                    found |= row.renewed_by != NO_LOOP;
                    Some(val)
                }
                _ => None,
            });
        }
        found
    }

    /// Sources of the rows in a value.
    pub fn sources_in(&mut self, val: Val) -> Vec<(Src, ModelId)> {
        let mut found = Vec::new();
        if !self.rows_inside[val.0 as usize] {
            return found;
        }
        self.map_inside(val, 5, &mut |values, val| match values.get(val) {
            Data::Row(row) => {
                found.push((row.src, row.model));
                Some(val)
            }
            _ => None,
        });
        found.dedup();
        found
    }

    /// Is anything in the value worth following? Scalars and unknowns are not.
    pub fn is_plain(&self, val: Val) -> bool {
        match self.get(val) {
            Data::Unknown | Data::Unset | Data::Null | Data::Scalar | Data::Bool(_) | Data::Int(_) => true,
            Data::Many(e, _) => self.is_plain(*e),
            _ => false,
        }
    }
}
