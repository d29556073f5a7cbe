//! Does a query give one row at most, although it is asked for many? Then a loop over them is none.

use super::Engine;
use super::call::Args;
use super::value::{Data, Mark, Query, Val};
use crate::base::Name;
use crate::packs::Op;

impl<'a> Engine<'a> {
    /// Is a query held to one value of the primary key?
    pub(super) fn is_one_row(&self, query: &Query, op: &Op, method: Name, args: &Args) -> bool {
        let Some(model) = query.model else { return false };
        let has = |key: &str, name: Name| {
            let words = self.ix.packs.word(self.dialect(model), key);
            words.is_some_and(|w| w.has_word(name.as_str()))
        };
        let is_key = |name: Name| has("key-names", name) || self.ix.model(model).columns.get(&name).is_some_and(|c| c.is_primary);
        let is_one = |val: Val| !matches!(self.data(val), Data::Many(..) | Data::Query(_));
        if has("narrowing-equalities", method) && args.named.iter().any(|(name, val)| is_key(*name) && is_one(*val)) {
            return true;
        }
        if op.alternative || self.v.marks_of(query.marks).contains(&Mark::Joined) || !has("key-equalities", method) {
            return false;
        }
        let text = |val: Val| match self.data(val) {
            Data::Str(text) => Some(*text),
            _ => None,
        };
        match args.positional.as_slice() {
            [column, value] => text(*column).is_some_and(is_key) && is_one(*value),
            [column, operator, value] => {
                text(*column).is_some_and(is_key) && text(*operator).is_some_and(|o| o.as_str() == "=") && is_one(*value)
            }
            [map] => match self.data(*map) {
                Data::Record(keys, None) => keys.iter().any(|(name, val)| is_key(*name) && is_one(*val)),
                _ => false,
            },
            _ => false,
        }
    }

    /// Does a method give a row that is not stored yet where it finds none?
    pub(super) fn may_be_new(&self, query: &Query, method: Name) -> bool {
        let words = query.model.and_then(|m| self.ix.packs.word(self.dialect(m), "may-be-new"));
        words.is_some_and(|w| w.has_word(method.as_str()))
    }

    /// Is a list of keys written with one key?
    pub(super) fn is_list_of_one(&self, keys: Val) -> bool {
        match self.data(keys) {
            Data::Tuple(keys) => keys.len() <= 1,
            Data::Record(keys, None) => keys.len() <= 1,
            _ => false,
        }
    }
}
