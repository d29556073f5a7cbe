//! What does a key, an index, a slice or a lookup of a template give?

use super::value::{Data, ManyKind, Row, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};

/// At most so many rows are few.
const FEW: i64 = 5;

impl<'a> Engine<'a> {
    pub(super) fn index(&mut self, fr: &mut Frame<'a>, object: Val, key: Option<Val>, range: Range) -> Val {
        let name = key.and_then(|k| match self.data(k) {
            Data::Str(s) => Some(*s),
            _ => None,
        });
        let number = key.and_then(|k| match self.data(k) {
            Data::Int(i) => Some(*i),
            _ => None,
        });
        match self.data(object).clone() {
            Data::Record(keys, rest) => match name {
                Some(n) => match keys.iter().find(|(k, _)| *k == n) {
                    Some((_, v)) => *v,
                    None => rest.unwrap_or(UNKNOWN),
                },
                None => {
                    let mut all: Vec<Val> = keys.iter().map(|(_, v)| *v).collect();
                    all.extend(rest);
                    all.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
                }
            },
            Data::Tuple(items) => match number.and_then(|n| usize::try_from(n).ok()).and_then(|n| items.get(n)) {
                Some(v) => *v,
                None => items.iter().copied().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN),
            },
            Data::Many(e, ManyKind::Groups) => e,
            // `Paper::paginate()->toArray()['data']`
            Data::Many(..) if name.is_some() && name == self.ix.packs.word_in_language(self.language(fr), "page-rows-key") => {
                object
            }
            Data::Many(e, _) => e,
            Data::Row(_) => match name {
                Some(n) => self.attr(fr, object, n, range),
                // One of several columns that are written down.
                None => {
                    let named = key.map(|k| self.v.alternatives(k)).unwrap_or_default();
                    let names = named.into_iter().map(|k| if let Data::Str(n) = *self.data(k) { Some(n) } else { None });
                    let names: Option<Vec<Name>> = names.collect();
                    let vals: Vec<Val> = names.unwrap_or_default().into_iter().map(|n| self.attr(fr, object, n, range)).collect();
                    vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
                }
            },
            Data::Query(query) => {
                self.execute_index(fr, &query, range);
                self.row_of(&query)
            }
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.index(fr, *v, key, range)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            Data::Object { class, .. } => {
                let getter = Name::new("__getitem__");
                match self.ix.find_method(class, getter) {
                    Some(_) => {
                        let args = super::call::Args::positional(key.into_iter().collect());
                        self.call_method(fr, object, getter, args, range)
                    }
                    None => UNKNOWN,
                }
            }
            Data::Class(_) | Data::External(_) => object,
            Data::Instance(class) if self.ix.packs.instance_kind(class).is_some_and(|k| k.as_str() == "container") => {
                key.map_or(UNKNOWN, |k| self.container_gives(fr, k, range))
            }
            Data::Instance(class) => self.given_by(class, "__getitem__"),
            _ => UNKNOWN,
        }
    }

    /// What an object of a library gives for any name or key: the special method that answers says it.
    pub(super) fn given_by(&mut self, class: Name, method: &str) -> Val {
        let full = Name::new(&format!("{class}.{method}"));
        match self.ix.packs.function(full).and_then(|op| op.instance) {
            Some(instance) => self.v.of(Data::Instance(instance)),
            None => UNKNOWN,
        }
    }

    pub(super) fn slice(&mut self, object: Val, few: bool) -> Val {
        match self.data(object).clone() {
            Data::Query(mut query) => {
                query.flags |= super::value::flag::LIMITED | super::value::flag::FILTERED;
                if few {
                    query.flags |= super::value::flag::FEW;
                }
                self.v.of(Data::Query(query))
            }
            Data::Tuple(items) => {
                let e = items.iter().copied().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                self.v.many(e, ManyKind::Held)
            }
            Data::Many(e, _) if few => self.v.many(e, ManyKind::Literal),
            Data::Many(..) => object,
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.slice(*v, few)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            _ => SCALAR,
        }
    }

    /// A number of rows so small that a loop over them is none.
    pub(super) fn is_few(&self, val: Val) -> bool {
        matches!(self.data(val), Data::Int(n) if (0..=FEW).contains(n))
    }

    /// Template lookup: attribute, key or index, called if it can be.
    pub(super) fn lookup(&mut self, fr: &mut Frame<'a>, object: Val, name: Name, call: bool, range: Range) -> Val {
        let val = match self.data(object).clone() {
            // Under keys that nobody knows, `items` is more likely the method.
            Data::Record(keys, _) if call && !keys.iter().any(|(k, _)| *k == name) && is_of_mapping(name) => {
                return self.call_method(fr, object, name, super::call::Args::default(), range);
            }
            Data::Record(..) => {
                let key = self.v.str(name);
                let found = self.index(fr, object, Some(key), range);
                if found == UNKNOWN { self.attr(fr, object, name, range) } else { found }
            }
            Data::Tuple(_) | Data::Many(..) if name.as_str().bytes().all(|b| b.is_ascii_digit()) => {
                let i = name.as_str().parse().unwrap_or(0);
                let key = self.v.of(Data::Int(i));
                self.index(fr, object, Some(key), range)
            }
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.lookup(fr, *v, name, call, range)).collect();
                return vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
            }
            _ => self.attr(fr, object, name, range),
        };
        if call && matches!(self.data(val), Data::Method(..) | Data::Closure(..) | Data::Function(_)) {
            return self.call_value(fr, val, super::call::Args::default(), range);
        }
        val
    }

    /// A row of its source without the row itself: used where a value was an element before.
    pub(super) fn bare_row(&self, val: Val) -> Option<Row> {
        match self.data(val) {
            Data::Row(row) => Some(*row),
            _ => None,
        }
    }
}

/// Is it a method of every mapping?
fn is_of_mapping(name: Name) -> bool {
    matches!(name.as_str(), "items" | "values" | "keys")
}
