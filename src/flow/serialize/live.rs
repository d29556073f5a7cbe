//! What do components and table builders that live between requests read when they are drawn?

use super::super::call::Args;
use super::super::tree::NOTHING;
use super::super::value::{Data, Row, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ClassId;

impl<'a> Engine<'a> {
    /// A component is drawn: its properties are the variables of its view.
    pub(in super::super) fn live_component(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        given: &[(Name, Val)],
        range: Range,
    ) {
        let mut fields: Vec<(Name, Val)> = Vec::new();
        for owner in self.ix.class(class).mro.clone() {
            for attr in &self.ix.class_decl(owner).attrs {
                if attr.is_static || fields.iter().any(|(n, _)| *n == attr.name) {
                    continue;
                }
                let val = match given.iter().find(|(n, _)| *n == attr.name) {
                    Some((_, v)) => *v,
                    None => {
                        let val = self.class_field(class, attr.name);
                        self.hydrated(val)
                    }
                };
                if val != UNKNOWN {
                    fields.push((attr.name, val));
                }
            }
        }
        let mut object = self.object(class, fields);
        let mount = self.word(fr, "component-mount");
        if !given.is_empty()
            && let Some((_, f)) = self.ix.find_method(class, mount)
        {
            let args = Args {
                named: given.to_vec(),
                ..Args::default()
            };
            let (_, after) = self.call_function(fr, f, object, args, range);
            if matches!(self.data(after), Data::Object { .. }) {
                object = after;
            }
        }
        let around = match self.data(object).clone() {
            Data::Object { fields, .. } => fields.to_vec(),
            _ => Vec::new(),
        };
        let method = self.word(fr, "component-method");
        let mut rendered = false;
        if let Some((_, f)) = self.ix.find_method(class, method) {
            let (view, _) = self.call_function(fr, f, object, Args::default(), range);
            rendered = self.render_view(fr, view, &around, object, range);
        }
        if !rendered {
            self.component_view(fr, class, object, around, range);
        }
        let tables = self.words(fr, "table-methods");
        if tables
            .iter()
            .any(|t| self.ix.find_method(class, *t).is_some())
        {
            self.tables_of(fr, class, object, &tables, UNKNOWN, range);
        }
    }

    /// The view that belongs to a component by name.
    fn component_view(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        object: Val,
        around: Vec<(Name, Val)>,
        range: Range,
    ) {
        let name = self.ix.class(class).name;
        for root in self.words(fr, "component-roots") {
            let Some(rest) = name.as_str().strip_prefix(root.as_str()) else {
                continue;
            };
            let parts: Vec<String> = rest.split('\\').map(kebab).collect();
            let view = Name::new(&format!(
                "{}{}",
                self.word(fr, "component-views"),
                parts.join(".")
            ));
            if self.ix.templates.contains_key(&view) {
                let context = self.v.record(around, None);
                self.render_with(fr, view, context, object, range);
                return;
            }
        }
    }

    /// Rows kept between requests are read back one way or the other: nothing but the defaults is loaded on them.
    fn hydrated(&mut self, val: Val) -> Val {
        let mut models: Vec<crate::index::ModelId> =
            self.v.sources_in(val).into_iter().map(|(_, m)| m).collect();
        models.dedup();
        let trees: Vec<_> = models.iter().map(|m| (*m, self.default_tree(*m))).collect();
        self.v
            .map_inside(val, 4, &mut |values, val| match values.get(val) {
                Data::Row(row) => {
                    let row = *row;
                    let tree = trees
                        .iter()
                        .find(|(m, _)| *m == row.model)
                        .map_or(NOTHING, |(_, t)| *t);
                    Some(values.row(Row { tree, ..row }))
                }
                _ => None,
            })
    }

    /// A property that a method computes, once per request.
    pub(super) fn computed_property(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        name: Name,
        range: Range,
    ) -> Val {
        for pattern in self.words(fr, "component-computed") {
            let method = Name::new(&super::super::orm::fill(pattern.as_str(), name.as_str()));
            let Some((_, f)) = self.ix.find_method(class, method) else {
                continue;
            };
            if pattern.as_str().starts_with('{') && self.ix.function(f).decorators.is_empty() {
                continue;
            }
            let loops = std::mem::take(&mut fr.loops);
            let (val, _) = self.call_function(fr, f, object, Args::default(), range);
            fr.loops = loops;
            return val;
        }
        UNKNOWN
    }

    /// A list of rows that a table builder draws: columns may compute what they show of each row.
    pub(super) fn table_resource(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let object = self.v.of(Data::Class(class));
        let query = self.word(fr, "table-query");
        let rows = match self.ix.find_method(class, query) {
            Some((_, f)) => self.call_function(fr, f, object, Args::default(), range).0,
            None => self.listed_query(fr, class, query, range).unwrap_or(UNKNOWN),
        };
        let tables = self.words(fr, "table-methods");
        self.tables_of(fr, class, object, &tables, rows, range);
    }

    /// The query that a table builder starts from: all rows of the model that the class names.
    pub(super) fn listed_query(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        name: Name,
        range: Range,
    ) -> Option<Val> {
        if name != self.word(fr, "table-query") {
            return None;
        }
        let attr = self.word(fr, "table-model");
        let model = self.class_attr(class, attr);
        let Data::Class(model) = *self.data(model) else {
            return None;
        };
        let model = self.ix.class(model).model?;
        let at = self.span(fr, range);
        let query = self.start_query(model, at);
        Some(self.v.of(Data::Query(query)))
    }

    fn tables_of(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        object: Val,
        tables: &[Name],
        rows: Val,
        range: Range,
    ) {
        if let Data::Query(query) = self.data(rows).clone() {
            let record = self.row_of(&query);
            let parameter = self.word(fr, "table-record");
            for method in tables {
                let Some((_, f)) = self.ix.find_method(class, *method) else {
                    continue;
                };
                let mark = fr.buffer.len();
                let id = self.enter_loop(fr, range);
                self.framework_loops.insert(id);
                let record = self.v.renew(record, id);
                let before = std::mem::replace(&mut self.ambient, vec![(parameter, record)]);
                // The table itself is built once: what counts is what its closures read.
                self.call_function(fr, f, object, Args::default(), range);
                self.ambient = before;
                self.forget_own_statements(fr, mark);
                self.leave_loop(fr, mark, false);
            }
        }
    }

    /// Statements noted since a mark that no row of the loop leads to are sent once.
    fn forget_own_statements(&mut self, fr: &mut Frame<'a>, mark: usize) {
        let mut i = 0;
        fr.buffer.retain(|e| {
            i += 1;
            i <= mark || !matches!(e.what, super::super::What::Statement { via: None, .. })
        });
    }
}

/// `ShowPosts` as a view is called: `show-posts`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}
