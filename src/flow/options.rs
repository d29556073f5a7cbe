//! Which options are given, and do options that were derived from others change those, too?
//!
//! In old versions of a library, the links of a chain of options belong together: adding to one of them, even where nobody
//! keeps what that gives, adds to all.

use super::call::Args;
use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::{Expr, ExprId};

impl<'a> Engine<'a> {
    /// `Model.select(user, options=[…])`: what a method of a base that is not known is given to load, and the method that
    /// queries have for it.
    pub(super) fn options_given(&self, dialect: Name, args: &Args) -> Option<(Name, Val)> {
        let method = self.ix.packs.word(dialect, "options-method")?;
        args.named.iter().find(|(n, _)| *n == method).map(|(_, val)| (method, *val))
    }

    /// `strategy.joinedload('x')`: the variables that hold options of this chain have the new link, too.
    pub(super) fn options_in_place(&mut self, fr: &mut Frame<'a>, base: ExprId, before: Val, after: Val) {
        let (Data::Load(old), Data::Load(new)) = (self.data(before), self.data(after)) else { return };
        if old.paths == new.paths || old.paths.is_empty() || !self.links_belong_together() || !starts_at_variable(fr, base) {
            return;
        }
        let (old, paths, open) = (old.paths.clone(), new.paths.clone(), new.open);
        for slot in 0..fr.locals.len() {
            if let Data::Load(held) = self.data(fr.locals[slot])
                && held.paths == old
            {
                let mut held = held.clone();
                held.paths = paths.clone();
                held.open |= open;
                fr.locals[slot] = self.v.of(Data::Load(held));
            }
        }
    }

    /// Is the library of a version, as far as anyone knows, whose options share their links?
    fn links_belong_together(&self) -> bool {
        let word = self.ix.packs.word_in_language(self.names.python, "links-shared-below");
        word.is_some_and(|word| self.ix.sources.manifest.is_below(word.as_str()) != Some(false))
    }
}

/// Does a chain of calls start at a variable?
fn starts_at_variable(fr: &Frame<'_>, base: ExprId) -> bool {
    let mut at = base;
    loop {
        at = match fr.body.expr(at) {
            Expr::Local(_) => return true,
            Expr::Call { callee, .. } => *callee,
            Expr::Attr { base, .. } => *base,
            _ => return false,
        };
    }
}
