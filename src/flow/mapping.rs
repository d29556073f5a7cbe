//! What do methods of a mapping give, and what do they change?

use super::call::Args;
use super::value::{Data, ManyKind, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::Language;

impl<'a> Engine<'a> {
    /// What a method of a mapping gives, and the mapping after it if it changed; `None` for other methods and other values.
    pub(super) fn mapping_method(&mut self, fr: &Frame<'a>, recv: Val, name: Name, args: &Args) -> Option<(Val, Option<Val>)> {
        let name = name.as_str();
        if !matches!(name, "get" | "pop" | "setdefault" | "values" | "update" | "merge") {
            return None;
        }
        let Data::Record(keys, rest) = self.data(recv).clone() else { return None };
        let own = keys.iter().map(|(_, v)| *v);
        match (name, args.positional.as_slice()) {
            ("update" | "merge", given) => {
                let mut keys = keys.to_vec();
                let mut rest = rest;
                if let Some(Data::Record(more, r)) = given.first().map(|v| self.data(*v).clone()) {
                    keys.extend(more.iter().copied());
                    rest = rest.or(r);
                }
                keys.extend(args.named.iter().copied());
                let changed = self.v.record(keys, rest);
                Some((changed, Some(changed)))
            }
            ("values", _) if fr.language == Language::Python => {
                let all: Vec<Val> = own.chain(rest).collect();
                let val = if rest.is_some() {
                    let element = all.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                    self.v.many(element, ManyKind::Held)
                } else {
                    self.v.of(Data::Tuple(all.into_boxed_slice()))
                };
                Some((val, None))
            }
            ("get" | "pop" | "setdefault", [key, missing @ ..]) => {
                let val = match *self.data(*key) {
                    // A key that is not there gives what stands in for it.
                    Data::Str(key) => keys
                        .iter()
                        .find(|(k, _)| *k == key)
                        .map(|(_, v)| *v)
                        .or(rest)
                        .or(missing.first().copied())
                        .unwrap_or(UNKNOWN),
                    // Under a key that is not known stands what any key has, or what is given for one that is missing.
                    _ if name == "setdefault" && !missing.is_empty() => {
                        let all = own.chain(rest).chain(missing.first().copied());
                        all.reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
                    }
                    _ => return None,
                };
                Some((val, None))
            }
            _ => None,
        }
    }
}
