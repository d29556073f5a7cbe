//! What does a class that lists the rows of the model it is made with read of each?
//!
//! Source: `flask_admin.contrib.sqla.ModelView`: relations to one that a column shows are joined (`column_auto_select_related`),
//! others are read per row; a formatter gets the view, a context, the row and the name.

use super::super::call::Args;
use super::super::tree::NOTHING;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::{ClassId, ModelId};

impl<'a> Engine<'a> {
    /// An instance was made for a model: it lists its rows.
    pub(super) fn row_list(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, args: &Args, range: Range) {
        let first = args.positional.first().copied().unwrap_or(UNKNOWN);
        let Data::Class(target) = *self.data(first) else { return };
        let Some(model) = self.ix.class(target).model else { return };
        let columns = self.word(fr, "row-list-columns");
        let columns = self.listed(class, columns).unwrap_or_default();
        let mut query = self.all_rows(fr, model, range);
        for column in &columns {
            if let Data::Str(path) = *self.data(column.val) {
                let names: Vec<Name> = path.as_str().split('.').map(Name::new).collect();
                let relations = self.leading_relations(model, &names);
                if !relations.is_empty() {
                    query.tree = self.load_names(query.tree, model, &relations, NOTHING, relations.len());
                }
            }
        }
        let formatters = self.word(fr, "row-list-formatters");
        let formatters = self.class_attr(class, formatters);
        let formatters = match self.data(formatters).clone() {
            Data::Record(keys, _) => keys.to_vec(),
            _ => Vec::new(),
        };
        let rows = self.v.of(Data::Query(query));
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            for column in &columns {
                let Data::Str(path) = *e.data(column.val) else { continue };
                match formatters.iter().find(|(name, _)| *name == path) {
                    Some((_, formatter)) => {
                        let given = Args::positional(vec![object, UNKNOWN, row, column.val]);
                        e.call_value(fr, *formatter, given, range);
                    }
                    None => {
                        e.in_class(fr, column.owner, range, |e, fr| {
                            let val = e.read_called(fr, row, path.as_str(), column.range);
                            e.as_text(fr, val, column.range);
                        });
                    }
                }
            }
            UNKNOWN
        });
    }

    /// The relations to one that a path starts with.
    fn leading_relations(&self, model: ModelId, path: &[Name]) -> Vec<Name> {
        let mut at = Some(model);
        let to_one = |name: &&Name| {
            let relation = at.and_then(|m| self.relation(m, **name)).filter(|r| !r.many);
            at = relation.and_then(|r| r.target);
            relation.is_some()
        };
        path.iter().take_while(to_one).copied().collect()
    }
}
