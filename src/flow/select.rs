//! What does a query select? One model, several beside each other, or columns.

use super::call::Args;
use super::tree::{OPEN, State};
use super::value::{Data, NO_LOOP, Query, Row, SCALAR, Source, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ModelId;
use crate::packs::Grammar;

impl<'a> Engine<'a> {
    /// Selects more beside what a query selects: its rows become tuples.
    pub(super) fn add_columns(&mut self, query: &mut Query, args: &Args) {
        let Some(model) = query.model else { return };
        let mut columns = query.columns.to_vec();
        if columns.is_empty() {
            columns.push(self.v.of(Data::ModelClass(model)));
        }
        for column in &args.positional {
            columns.push(self.loaded_before(query, model, *column));
        }
        query.columns = columns.into_boxed_slice();
        query.flags |= flag::WRAPPED;
    }

    /// Selects other things than a query selects: rows of models among them stay rows.
    pub(super) fn select_instead(&mut self, query: &mut Query, args: &Args) {
        let Some(model) = query.model else { return };
        let is_class = |v: &Val| matches!(self.data(*v), Data::Class(_) | Data::ModelClass(_));
        if !args.positional.iter().any(|v| is_class(v) && self.model_selected(*v) == Some(model)) {
            return;
        }
        query.flags &= !flag::PROJECTED;
        query.columns = if args.positional.len() > 1 { args.positional.clone().into_boxed_slice() } else { Box::default() };
        if args.positional.len() > 1 {
            query.flags |= flag::WRAPPED;
        }
    }

    /// A column with what earlier options of the query load on its model: their order does not matter.
    fn loaded_before(&mut self, query: &Query, first: ModelId, column: Val) -> Val {
        let Some(model) = self.model_selected(column).filter(|m| *m != first) else { return column };
        let ix = self.ix;
        let own = &ix.model(first).relations;
        let mut names: Vec<Name> = ix.model(model).relations.keys().copied().filter(|n| !own.contains_key(n)).collect();
        names.sort_unstable();
        let mut tree = self.default_tree(model);
        for name in names {
            if let State::Loaded(child) = self.v.trees.state(query.tree, name) {
                tree = self.v.trees.with(tree, name, child);
            }
        }
        self.v.row(Row { model, tree, src: query.src, renewed_by: NO_LOOP })
    }

    /// A statement in the making: `select(A, B)`, `session.query(A)`.
    pub(super) fn select(&mut self, fr: &mut Frame<'a>, args: &Args, range: Range) -> Val {
        let mut model: Option<ModelId> = None;
        let mut columns = Vec::new();
        for v in &args.positional {
            let m = match self.data(*v).clone() {
                Data::Class(class) => self.ix.class(class).model,
                Data::ModelClass(m) => Some(m),
                _ => None,
            };
            model = model.or(m);
            columns.push(*v);
        }
        let at = self.span(fr, range);
        match model {
            Some(m) => {
                let mut query = self.start_query(m, at);
                if columns.len() > 1 {
                    query.columns = columns.into_boxed_slice();
                    query.flags |= flag::WRAPPED;
                }
                self.v.of(Data::Query(query))
            }
            None => {
                let src = self.v.source(Source::Query(at));
                let owner = args.positional.first().and_then(|v| match self.data(*v) {
                    Data::Attribute(m, _) => Some(*m),
                    _ => None,
                });
                let query = Query { flags: flag::PROJECTED | flag::SELECTED, ..Query::new(owner, super::tree::NOTHING, src) };
                self.v.of(Data::Query(query))
            }
        }
    }

    /// Rows that are selected together are known to each other: a to-one relation to one of them costs nothing.
    pub(super) fn answer_each_other(&mut self, columns: &mut [Val]) {
        let models: Vec<ModelId> = columns.iter().filter_map(|c| self.bare_row(*c).map(|r| r.model)).collect();
        if models.len() < 2 {
            return;
        }
        for column in columns.iter_mut() {
            let Some(row) = self.bare_row(*column) else {
                continue;
            };
            let data = self.ix.model(row.model);
            let mut known: Vec<Name> = data
                .relations
                .values()
                .filter(|r| !r.many && r.target.is_some_and(|t| t != row.model && models.contains(&t)))
                .map(|r| r.name)
                .collect();
            known.sort();
            let tree = known.into_iter().fold(row.tree, |t, name| self.v.trees.with(t, name, OPEN));
            *column = self.v.row(Row { tree, ..row });
        }
    }

    /// What a selected column gives in each row.
    pub(super) fn selected(&mut self, column: Val, query: &Query) -> Val {
        if let Data::Row(row) = *self.data(column) {
            return self.v.row(Row { src: query.src, ..row });
        }
        match self.model_selected(column) {
            Some(model) if Some(model) == query.model => {
                self.v.row(Row { model, tree: query.tree, src: query.src, renewed_by: NO_LOOP })
            }
            Some(model) => {
                let tree = self.default_tree(model);
                self.v.row(Row { model, tree, src: query.src, renewed_by: NO_LOOP })
            }
            None => SCALAR,
        }
    }

    pub(super) fn model_selected(&self, column: Val) -> Option<ModelId> {
        match self.data(column) {
            Data::Class(class) => self.ix.class(*class).model,
            Data::ModelClass(model) => Some(*model),
            _ => None,
        }
    }

    /// Eager loads of the other models that a query selects.
    pub(super) fn load_beside(&mut self, fr: &mut Frame<'a>, query: &mut Query, grammar: Grammar, args: &Args) {
        for i in 0..query.columns.len() {
            let (model, tree) = match *self.data(query.columns[i]) {
                Data::Row(row) => (row.model, row.tree),
                _ => match self.model_selected(query.columns[i]) {
                    Some(model) if Some(model) != query.model => (model, self.default_tree(model)),
                    _ => continue,
                },
            };
            let tree = self.eager_tree(fr, tree, model, grammar, args);
            query.columns[i] = self.v.row(Row { model, tree, src: query.src, renewed_by: NO_LOOP });
        }
    }
}
