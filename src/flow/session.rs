//! Is something of which nothing is known a session, because of what it is handed?
//!
//! `request.db.query(Post)`: a method that sessions have, called with a model or with a query that is not sent yet.

use super::call::Args;
use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::packs::Result;

impl<'a> Engine<'a> {
    /// What a method of something unknown gives if that can only be a session.
    pub(super) fn as_session(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, at: Range, whole: Range) -> Option<Val> {
        let class = self.ix.packs.word_in_language(self.names.python, "session-class")?;
        if self.language(fr) != self.names.python {
            return None;
        }
        let kind = self.ix.packs.instance_kind(class)?;
        let op = self.ix.packs.op_in_language(self.names.python, kind, name).filter(|op| op.arg.is_some())?.clone();
        let knows_rows = |model| self.ix.packs.word(self.dialect(model), "identity-map").is_some();
        let subject = self.subject(&op, args);
        let fits = match self.data(subject) {
            Data::Class(class) => self.ix.class(*class).model.is_some_and(knows_rows),
            Data::Query(query) => query.model.is_some_and(knows_rows) && op.result != Result::Query,
            Data::Attribute(model, _) => knows_rows(*model) && op.result == Result::Query,
            _ => false,
        };
        if !fits {
            return None;
        }
        let session = self.v.of(Data::Instance(class));
        let mark = fr.buffer.len();
        let val = self.instance_op(fr, session, &op, name, args.clone(), at, whole);
        // It may as well be an asynchronous one.
        fr.forget_blocking(mark);
        Some(val)
    }
}
