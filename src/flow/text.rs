//! Which text do known texts make together? Names of templates and attributes are often put together from two of them.

use super::Engine;
use super::call::Args;
use super::value::{Data, SCALAR, Val};
use crate::base::Name;

/// Texts longer than this are of no interest.
const MAX_TEXT: usize = 80;

impl Engine<'_> {
    /// Texts one after the other.
    pub(super) fn joined_text(&mut self, parts: &[Val]) -> Val {
        let mut text = String::new();
        for part in parts {
            match self.data(*part) {
                Data::Str(s) => text.push_str(s.as_str()),
                _ => return SCALAR,
            }
        }
        self.known_text(&text)
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
        if text.len() > MAX_TEXT || text.contains("}}") { SCALAR } else { self.v.str(Name::new(text)) }
    }
}
