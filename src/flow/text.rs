//! What text comes of parts that are known, and what does a text of several possible ones lead to?

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
}
