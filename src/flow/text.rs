//! What text comes of parts that are known, and what does a text of several possible ones lead to?

use super::call::Args;
use super::value::{Data, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};

/// A text with more possible values is not known.
const MAX_TEXTS: usize = 4;

/// A longer text is no name of anything.
const MAX_LENGTH: usize = 80;

impl<'a> Engine<'a> {
    /// The text that known parts make; a scalar if one of them is not known.
    pub(super) fn joined_text(&mut self, parts: &[Val]) -> Val {
        let mut texts = vec![String::new()];
        for part in parts {
            let mut next = Vec::new();
            for one in self.v.alternatives(*part) {
                let Data::Str(text) = self.data(one) else { return SCALAR };
                for before in &texts {
                    if before.len() + text.as_str().len() > MAX_LENGTH {
                        return SCALAR;
                    }
                    next.push(format!("{before}{text}"));
                }
            }
            if next.len() > MAX_TEXTS {
                return SCALAR;
            }
            texts = next;
        }
        let vals: Vec<Val> = texts.iter().map(|t| self.v.str(Name::new(t))).collect();
        vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(SCALAR)
    }

    /// Reads each of the dotted paths that a value may be.
    pub(super) fn read_paths(&mut self, fr: &mut Frame<'a>, object: Val, paths: Val, at: Range) -> Val {
        let mut result: Option<Val> = None;
        for path in self.v.alternatives(paths) {
            let Data::Str(path) = *self.data(path) else { return result.unwrap_or(UNKNOWN) };
            let val = self.read_path(fr, object, path, at);
            result = Some(match result {
                Some(old) => self.v.join(old, val),
                None => val,
            });
        }
        result.unwrap_or(UNKNOWN)
    }

    /// The texts among values and in the lists among them.
    pub(super) fn texts_of(&self, vals: &[Val]) -> Vec<Name> {
        let mut texts = Vec::new();
        for val in vals {
            match self.data(*val) {
                Data::Str(text) => texts.push(*text),
                Data::Tuple(items) => texts.extend(items.iter().filter_map(|v| match self.data(*v) {
                    Data::Str(text) => Some(*text),
                    _ => None,
                })),
                _ => (),
            }
        }
        texts
    }

    /// `'emails/%s.html' % name`
    pub(super) fn filled_text(&mut self, pattern: Val, given: Val) -> Val {
        let Data::Str(pattern) = *self.data(pattern) else { return SCALAR };
        let items = match self.data(given) {
            Data::Str(_) => vec![given],
            Data::Tuple(items) => items.to_vec(),
            _ => return SCALAR,
        };
        let mut items = items.into_iter();
        let mut text = String::new();
        let mut pieces = pattern.as_str().split('%');
        text.push_str(pieces.next().unwrap_or(""));
        for piece in pieces {
            let (Some(rest), Some(item)) = (piece.strip_prefix('s'), items.next()) else { return SCALAR };
            let Data::Str(item) = self.data(item) else { return SCALAR };
            text.push_str(item.as_str());
            text.push_str(rest);
        }
        self.known_text(&text)
    }

    /// `'emails/{}.html'.format(name)`
    pub(super) fn formatted_text(&mut self, pattern: Val, args: &Args) -> Val {
        let Data::Str(pattern) = *self.data(pattern) else { return SCALAR };
        let mut next = 0;
        let mut text = String::new();
        let mut pieces = pattern.as_str().split('{');
        text.push_str(pieces.next().unwrap_or(""));
        for piece in pieces {
            let Some((key, rest)) = piece.split_once('}') else { return SCALAR };
            let val = match key.parse::<usize>() {
                Ok(i) => args.positional.get(i).copied(),
                Err(_) if key.is_empty() => {
                    next += 1;
                    args.positional.get(next - 1).copied()
                }
                Err(_) => args.named.iter().find(|(n, _)| n.as_str() == key).map(|(_, v)| *v),
            };
            let Some(Data::Str(val)) = val.map(|v| self.data(v)) else { return SCALAR };
            text.push_str(val.as_str());
            text.push_str(rest);
        }
        self.known_text(&text)
    }

    fn known_text(&mut self, text: &str) -> Val {
        if text.len() > MAX_LENGTH || text.contains("}}") { SCALAR } else { self.v.str(Name::new(text)) }
    }
}
