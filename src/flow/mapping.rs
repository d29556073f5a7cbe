//! What do methods of a mapping give, and what do they change?

use super::call::Args;
use super::value::{Data, ManyKind, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::Language;

impl<'a> Engine<'a> {
    /// What a method of a mapping gives, and the mapping after it if it changed; `None` for other methods and other values.
    pub(super) fn mapping_method(&mut self, fr: &Frame<'a>, recv: Val, name: Name, args: &Args) -> Option<(Val, Option<Val>)> {
        if let (Data::Record(keys, rest), "get" | "pop" | "setdefault") = (self.data(recv).clone(), name.as_str())
            && let Some(Data::Str(key)) = args.positional.first().map(|v| self.data(*v).clone())
        {
            return Some(match (keys.iter().find(|(k, _)| *k == key), rest) {
                (Some((_, v)), _) => (*v, None),
                (None, Some(rest)) => (rest, None),
                // A key that is not there gives what stands in for it.
                (None, None) => (args.positional.get(1).copied().unwrap_or(UNKNOWN), None),
            });
        }
        // Under a key that is not known stands what any key has, or what is given for one that is missing.
        if let (Data::Record(keys, rest), "setdefault", [_, missing]) =
            (self.data(recv).clone(), name.as_str(), args.positional.as_slice())
        {
            let all = keys.iter().map(|(_, v)| *v).chain(rest).chain([*missing]);
            let val = all.reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
            return Some((val, None));
        }
        if let (Data::Record(keys, rest), "values", Language::Python) = (self.data(recv).clone(), name.as_str(), fr.language) {
            let all: Vec<Val> = keys.iter().map(|(_, v)| *v).chain(rest).collect();
            let val = match rest {
                Some(_) => {
                    let element = all.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                    self.v.many(element, ManyKind::Held)
                }
                None => self.v.of(Data::Tuple(all.into_boxed_slice())),
            };
            return Some((val, None));
        }
        if let (Data::Record(keys, rest), "update" | "merge") = (self.data(recv).clone(), name.as_str()) {
            let mut keys = keys.to_vec();
            let mut rest = rest;
            if let Some(Data::Record(more, r)) = args.positional.first().map(|v| self.data(*v).clone()) {
                keys.extend(more.iter().copied());
                rest = rest.or(r);
            }
            keys.extend(args.named.iter().copied());
            let changed = self.v.record(keys, rest);
            return Some((changed, Some(changed)));
        }
        None
    }
}
