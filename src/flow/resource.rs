//! Which constructors and calls of libraries own connections, or make their thread wait?

use super::{Engine, Frame};
use crate::base::{Name, Range};

impl<'a> Engine<'a> {
    /// A constructor of a library is called; gives the class of what it makes, where the catalogue says it.
    pub(super) fn client(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) -> Option<Name> {
        let entry = self.ix.packs.client(name)?;
        let gives = entry.gives.as_deref().map(Name::new);
        let is_shared = !entry.shared.is_empty() && hands_in(fr.body, range, &entry.shared);
        if !is_shared {
            self.emit(fr, super::What::Construct { client: name }, range, super::NO_LOOP);
        }
        gives
    }

    /// A function of a library that may block is called.
    pub(super) fn blocking(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) {
        if self.ix.packs.blocking(name).is_some() {
            self.emit(fr, super::What::Block { function: name }, range, super::NO_LOOP);
        }
    }

    /// A statement was sent: does its thread wait for it?
    pub(super) fn waits(&mut self, fr: &mut Frame<'a>, method: Name, model: Option<crate::index::ModelId>, at: Range) {
        if self.is_async_work || fr.language != crate::facts::Language::Python {
            return;
        }
        if let Some(model) = model {
            let words = self.ix.packs.word(self.ix.model(model).dialect, "async-methods");
            if words.is_some_and(|w| w.as_str().split_whitespace().any(|m| m == method.as_str())) {
                return;
            }
        }
        let dialect = model.map_or("database", |m| self.ix.model(m).dialect.as_str());
        let function = Name::new(&format!("{dialect}.statement.{method}"));
        self.blocking(fr, function, at);
    }

    /// A session or connection was opened by calling its factory.
    pub(super) fn opened(&mut self, _fr: &mut Frame<'a>, _class: Name, _range: Range) {}
}

/// Does the call at this place get one of these arguments, itself or in a part of it?
fn hands_in(body: &crate::facts::Body, call: Range, names: &[String]) -> bool {
    use crate::facts::Expr;
    body.exprs.iter().zip(&body.ranges).any(|(e, r)| {
        let inside = r.start >= call.start && r.end <= call.end;
        let args = match e {
            Expr::Call { args, .. } | Expr::New { args, .. } if inside => args,
            _ => return false,
        };
        args.iter().any(|a| a.name.is_some_and(|n| names.iter().any(|known| known == n.as_str())))
    })
}
