//! What do data objects read of the rows that they are made from: at once, and in parts that somebody asks for by name?

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::MAX_NESTING;
use crate::base::{Name, Range};
use crate::index::{ClassId, FnRef};

impl<'a> Engine<'a> {
    /// A static call that a data object inherits: made of one value, or of each of many.
    pub(super) fn data_static(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        let given = args.positional.first().copied()?;
        if self.words(fr, "data-one").contains(&name) {
            return Some(self.data_from(fr, class, given, range));
        }
        if self.words(fr, "data-many").contains(&name) {
            return Some(self.per_row(fr, given, range, &mut |e, fr, row| e.data_from(fr, class, row, range)));
        }
        None
    }

    /// The object's own method that takes a value of this kind makes it.
    fn data_from(&mut self, fr: &mut Frame<'a>, class: ClassId, given: Val, range: Range) -> Val {
        match self.maker_for(fr, class, given) {
            Some(f) => {
                let this = self.v.of(Data::Class(class));
                self.call_function(fr, f, this, Args::positional(vec![given]), range).0
            }
            None => self.v.of(Data::Object { class, fields: Box::default(), exact: true }),
        }
    }

    fn maker_for(&mut self, fr: &Frame<'a>, class: ClassId, given: Val) -> Option<FnRef> {
        let row = self.bare_row(given)?;
        let prefix = self.word(fr, "data-maker");
        let file = self.ix.class(class).file;
        for id in &self.ix.class_decl(class).methods {
            let f = FnRef { file, id: *id };
            let decl = self.ix.function(f);
            let is_maker = decl.is_static && decl.name != prefix && decl.name.as_str().starts_with(prefix.as_str());
            let (true, Some(param)) = (is_maker, decl.params.first()) else { continue };
            let declared = self.declared_param(f, param, false);
            if self.bare_row(declared).is_some_and(|r| r.model == row.model) {
                return Some(f);
            }
        }
        None
    }

    /// Parts of a data object are asked for by name: what makes them runs now.
    pub(super) fn data_method(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: &Args, range: Range) -> Val {
        if self.words(fr, "data-include").contains(&name) {
            for val in &args.positional {
                for path in self.v.alternatives(*val) {
                    if let Data::Str(path) = *self.data(path) {
                        self.data_part(fr, recv, path.as_str(), range, 0);
                    }
                }
            }
        }
        recv
    }

    fn data_part(&mut self, fr: &mut Frame<'a>, object: Val, path: &str, range: Range, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        for one in self.v.alternatives(object) {
            let part = match self.data(one) {
                Data::Object { fields, .. } => fields.iter().find(|(n, _)| n.as_str() == first).map(|(_, v)| *v),
                _ => None,
            };
            let Some(part) = part else { continue };
            let mut made = part;
            for maker in self.v.alternatives(part) {
                if let Data::Closure(f, env, this) = self.data(maker).clone() {
                    made = self.call_closure(fr, f, &env, this, Args::default(), range);
                }
            }
            if rest.is_empty() || made == UNKNOWN {
                continue;
            }
            match self.data(made) {
                Data::Many(..) | Data::Tuple(_) => {
                    self.per_row(fr, made, range, &mut |e, fr, each| {
                        e.data_part(fr, each, rest, range, depth + 1);
                        UNKNOWN
                    });
                }
                _ => self.data_part(fr, made, rest, range, depth + 1),
            }
        }
    }
}
