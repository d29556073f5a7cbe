//! Which row does a page show or edit that is told only which list its rows are from?

use super::super::value::{Data, Source, UNKNOWN, Val};
use super::super::{Engine, FnRef};
use crate::base::{Name, Span};
use crate::index::ClassId;

impl<'a> Engine<'a> {
    /// The row that a page keeps in a field of this name, or gives by a method of this name.
    pub(in super::super) fn page_record(&mut self, class: ClassId, name: Name) -> Option<Val> {
        let php = self.names.php;
        let word = |key: &str| self.ix.packs.word_in_language(php, key);
        let (names, list, model, query) = (word("page-record")?, word("page-list")?, word("table-model")?, word("table-query")?);
        if !names.has_word(name.as_str()) || !self.has_role(class, "record-page") {
            return None;
        }
        let list = self.class_attr(class, list);
        let Data::Class(list) = *self.data(list) else { return None };
        let shown = self.class_attr(list, model);
        let Data::Class(shown) = *self.data(shown) else { return None };
        let model = self.ix.class(shown).model?;
        let decl = self.ix.class_decl(class);
        let at = FnRef { file: self.ix.class(class).file, id: decl.scope };
        let span = Span { file: at.file, range: decl.name_range };
        // A list that says itself how its rows are read may load more.
        if self.ix.find_method(list, query).is_some() {
            return Some(self.open_row(model, span));
        }
        let row = self.declared_row(model, Source::Declared(span));
        (row != UNKNOWN).then_some(row)
    }
}
