//! What does a table class read of each row that it shows?
//!
//! Source: `django_tables2.rows.BoundRow`: the accessor of each column is read, `render_NAME` is called with what it asks for.

use super::super::call::Args;
use super::super::value::{Data, NULL, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::field::{Field, Listed};
use crate::base::{Name, Range};
use crate::facts::Expr;
use crate::index::ClassId;

impl<'a> Engine<'a> {
    /// A table was made of rows: it draws them once.
    pub(super) fn column_table(&mut self, fr: &mut Frame<'a>, table: Val, class: ClassId, args: &Args, range: Range) {
        let data = self.word(fr, "column-data");
        let given = args.positional.first().copied().or_else(|| args.named.iter().find(|(n, _)| *n == data).map(|(_, v)| *v));
        if let Some(rows) = given {
            self.draw_columns(fr, table, class, rows, range);
        }
    }

    /// A view that shows its rows in a table.
    pub(super) fn table_view(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let object = self.object(class, Vec::new());
        let getter = self.word(fr, "table-class-method");
        let table = match self.ix.find_method(class, getter) {
            Some((_, f)) => self.call_function(fr, f, object, Args::default(), range).0,
            None => {
                let attr = self.word(fr, "table-class");
                self.class_attr(class, attr)
            }
        };
        let Data::Class(table) = *self.data(table) else {
            return;
        };
        if !self.has_role(table, "column-table") {
            return;
        }
        let getter = self.word(fr, "table-data-method");
        let rows = match self.ix.find_method(class, getter) {
            Some((_, f)) => self.call_function(fr, f, object, Args::default(), range).0,
            None => self.view_rows(fr, object, class, range),
        };
        let made = self.object(table, Vec::new());
        self.draw_columns(fr, made, table, rows, range);
    }

    fn draw_columns(&mut self, fr: &mut Frame<'a>, table: Val, class: ClassId, rows: Val, range: Range) {
        if self.loads_by_itself(class) {
            return;
        }
        let columns = self.fields_of(class);
        let named = self.columns_by_name(fr, class, &columns);
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            for column in columns.iter() {
                e.in_class(fr, column.owner, range, |e, fr| e.draw_column(fr, table, class, column, row));
            }
            for column in &named {
                e.in_class(fr, column.owner, range, |e, fr| e.draw_named(fr, table, class, *column, row));
            }
            UNKNOWN
        });
    }

    /// Does a method of the class load something on rows that are not followed? Then nobody knows what they have.
    fn loads_by_itself(&self, class: ClassId) -> bool {
        self.ix.class(class).mro.iter().any(|owner| {
            let file = self.ix.class(*owner).file;
            self.ix.class_decl(*owner).methods.iter().any(|m| {
                let body = &self.ix.file(file).functions[m.0 as usize].body;
                body.exprs.iter().any(|e| match e {
                    Expr::Call { callee, .. } => match body.expr(*callee) {
                        Expr::Attr { name, .. } => self
                            .ix
                            .packs
                            .op_in_language(self.names.python, Name::new("query"), *name)
                            .is_some_and(|op| op.eager.is_some()),
                        _ => false,
                    },
                    _ => false,
                })
            })
        })
    }

    /// Columns that only the list of the inner class names.
    fn columns_by_name(&mut self, fr: &Frame<'a>, class: ClassId, declared: &[Field<'a>]) -> Vec<Listed> {
        let meta = self.word(fr, "serializer-meta");
        let Some(meta) = self.nested_class(class, meta) else {
            return Vec::new();
        };
        let attr = self.word(fr, "serializer-fields");
        let mut listed = self.listed(meta, attr).unwrap_or_default();
        listed.retain(|l| match self.data(l.val) {
            Data::Str(name) => !declared.iter().any(|f| f.name == *name),
            _ => false,
        });
        listed
    }

    fn draw_named(&mut self, fr: &mut Frame<'a>, table: Val, class: ClassId, column: Listed, row: Val) {
        if let Data::Str(name) = *self.data(column.val) {
            let val = self.read_column(fr, row, name, column.range);
            self.draw_value(fr, table, class, name, row, val, column.range);
        }
    }

    fn draw_column(&mut self, fr: &mut Frame<'a>, table: Val, class: ClassId, column: &Field<'a>, row: Val) {
        if !self.declares_column(column.callee) {
            return;
        }
        let visible = self.word(fr, "column-visible");
        if column.named(visible).is_some_and(|v| *self.data(v) == Data::Bool(false)) {
            return;
        }
        let accessor = self.word(fr, "column-accessor");
        let path = match column.named(accessor).map(|v| self.data(v).clone()) {
            Some(Data::Str(path)) => path,
            Some(_) => return,
            None => column.name,
        };
        let at = column.named_range(accessor).unwrap_or(column.range);
        let val = self.read_column(fr, row, path, at);
        for word in self.words(fr, "column-callbacks") {
            if let Some(callback) = column.named(word) {
                let given = self.column_given(fr, row, val);
                self.call_value(fr, callback, given, column.range);
            }
        }
        let template = self.word(fr, "column-template");
        if let Some(Data::Str(name)) = column.named(template).map(|v| self.data(v).clone()) {
            let given = self.column_given(fr, row, val);
            let context = self.v.record(given.named, None);
            self.render_with(fr, name, context, UNKNOWN, column.range);
            return;
        }
        if let Data::Class(own) = *self.data(column.callee)
            && let Some((_, f)) = self.ix.find_method(own, self.word(fr, "column-render-any"))
        {
            let object = self.object(own, Vec::new());
            self.render_column(fr, f, object, row, val, column.range);
            return;
        }
        self.draw_value(fr, table, class, column.name, row, val, at);
    }

    /// Is what a class body calls a column, of the library or derived from one?
    fn declares_column(&self, callee: Val) -> bool {
        match self.data(callee) {
            Data::External(name) => self.ix.packs.roles(*name).iter().any(|r| r.as_str() == "column"),
            Data::Class(class) => self.has_role(*class, "column"),
            _ => false,
        }
    }

    fn read_column(&mut self, fr: &mut Frame<'a>, row: Val, path: Name, at: Range) -> Val {
        let path = path.as_str().replace("__", ".");
        self.read_called(fr, row, &path, at)
    }

    /// A cell: by the method that the table has for it, else as text.
    #[allow(clippy::too_many_arguments)]
    fn draw_value(&mut self, fr: &mut Frame<'a>, table: Val, class: ClassId, name: Name, row: Val, val: Val, at: Range) {
        let pattern = self.word(fr, "column-render");
        let method = Name::new(&pattern.as_str().replace("{name}", name.as_str()));
        match self.ix.find_method(class, method) {
            Some((_, f)) => self.render_column(fr, f, table, row, val, at),
            None => {
                let val = if matches!(self.data(val), Data::Query(_)) { self.element_of(fr, val, at) } else { val };
                self.as_text(fr, val, at);
            }
        }
    }

    /// Calls a method that asks for the row, the value or neither, by name.
    fn render_column(&mut self, fr: &mut Frame<'a>, f: crate::index::FnRef, this: Val, row: Val, val: Val, at: Range) {
        if val == NULL {
            return;
        }
        let given = self.column_given(fr, row, val);
        let drawn = self.call_function(fr, f, this, given, at).0;
        if let Data::Query(_) = self.data(drawn) {
            self.iterate(fr, drawn, at);
        }
    }

    /// What the code of a cell may ask for, by name.
    fn column_given(&self, fr: &Frame<'a>, row: Val, val: Val) -> Args {
        let named = self.words(fr, "column-given").into_iter().zip([row, val]).collect();
        Args { named, ..Args::default() }
    }
}
