//! Which rows does a view list, and through which serializer?

use super::super::call::Args;
use super::super::value::{Data, NULL, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Stmt;
use crate::index::{ClassId, FnRef};

impl<'a> Engine<'a> {
    /// A method that a view of rows inherits.
    pub(super) fn viewset_method(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if name == self.word(fr, "viewset-list") {
            let object = self.acting(fr, recv, name);
            self.list_rows(fr, object, class, range);
            return Some(UNKNOWN);
        }
        if name == self.word(fr, "viewset-retrieve") {
            let object = self.acting(fr, recv, name);
            self.show_row(fr, object, class, range);
            return Some(UNKNOWN);
        }
        let op = self.ix.packs.op_in_language(self.language(fr), Name::new("viewset"), name)?.clone();
        use crate::packs::Result;
        Some(match op.result {
            Result::Query => {
                let attr = self.word(fr, "viewset-query");
                self.field(fr, recv, attr)
            }
            Result::Same => self.subject(&op, args),
            Result::Row => {
                let rows = self.viewset_rows(fr, recv, class, range);
                let queries = self.queries_of(rows);
                self.row_of_one(&queries)
            }
            // The library's own answer, whatever the class makes of it.
            Result::InstanceOf if op.callback.is_none() => {
                let attr = self.word(fr, "viewset-serializer");
                self.field(fr, recv, attr)
            }
            Result::InstanceOf => {
                let serializer = self.viewset_serializer(fr, recv, class, range);
                let mut rest = args.clone();
                rest.ranges.clear();
                self.construct(fr, serializer, rest, range)
            }
            _ => UNKNOWN,
        })
    }

    /// The query of a view, as its own method or attribute says.
    pub(super) fn viewset_rows(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) -> Val {
        let method = self.word(fr, "viewset-query-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            let rows = self.call_function(fr, f, object, Args::default(), range).0;
            return self.v.without_unknown(rows);
        }
        let attr = self.word(fr, "viewset-query");
        self.class_attr(class, attr)
    }

    fn viewset_serializer(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) -> Val {
        let method = self.word(fr, "viewset-serializer-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            return self.call_function(fr, f, object, Args::default(), range).0;
        }
        let attr = self.word(fr, "viewset-serializer");
        self.class_attr(class, attr)
    }

    /// A view that shows rows through a serializer: all of them in a list, or one.
    pub(super) fn viewset(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        for role in ["viewset-list", "viewset-retrieve"] {
            if !self.has_role(class, role) {
                continue;
            }
            let action = self.word(fr, role);
            let object = self.object(class, Vec::new());
            let object = self.acting(fr, object, action);
            match self.ix.find_method(class, action) {
                Some((_, f)) => {
                    self.call_function(fr, f, object, Args::default(), range);
                }
                None if role == "viewset-list" => self.list_rows(fr, object, class, range),
                None => self.show_row(fr, object, class, range),
            }
        }
    }

    /// Shows one row of a view as its library does.
    fn show_row(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) {
        let finds = self.word(fr, "view-row-method");
        let row = self.call_method(fr, object, finds, Args::default(), range);
        let maker = self.word(fr, "viewset-serializer-maker");
        if let Some((_, f)) = self.ix.find_method(class, maker) {
            let made = self.call_function(fr, f, object, Args::positional(vec![row]), range).0;
            for data in self.words(fr, "serializer-data") {
                self.attr(fr, made, data, range);
            }
            return;
        }
        let serializer = self.viewset_serializer(fr, object, class, range);
        for target in self.v.alternatives(serializer) {
            if let Data::Class(target) = *self.data(target) {
                let inner = self.object(target, Vec::new());
                self.serialize_with(fr, inner, target, row, range, 0);
            }
        }
    }

    /// A view as it is while it answers with the method of this name, unless more is known of it.
    fn acting(&mut self, fr: &Frame<'a>, object: Val, method: Name) -> Val {
        let action = self.word(fr, "viewset-action");
        match self.known_field(object, action) {
            Some(_) => object,
            None => {
                let text = self.v.str(method);
                self.with_field(object, action, text)
            }
        }
    }

    /// The library filters and pages the rows of a view: where they are those of a relation, they are asked for anew, and what
    /// the parent's query loads does not reach them.
    fn filtered_anew(&mut self, fr: &mut Frame<'a>, class: ClassId, rows: Val) -> Val {
        let Data::Query(mut query) = self.data(rows).clone() else { return rows };
        if query.via.is_none() {
            return rows;
        }
        let method = self.word(fr, "viewset-query-method");
        let Some((_, f)) = self.ix.find_method(class, method) else { return rows };
        let decl = self.ix.function(f);
        let returned = decl.body.stmts.iter().rev().find_map(|s| match s {
            Stmt::Return(Some(e)) => Some(decl.body.range(*e)),
            _ => None,
        });
        let Some(at) = returned else { return rows };
        let owner = self.frame(f, UNKNOWN);
        self.cut_from_parent(&owner, &mut query, at);
        self.v.of(Data::Query(query))
    }

    /// Lists the rows of a view as its library does.
    fn list_rows(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) {
        let maker = self.word(fr, "viewset-serializer-maker");
        if let Some((_, f)) = self.ix.find_method(class, maker) {
            self.list_with(fr, object, class, f, range);
            return;
        }
        let serializer = self.viewset_serializer(fr, object, class, range);
        for class_val in self.v.alternatives(serializer) {
            let Data::Class(target) = *self.data(class_val) else {
                continue;
            };
            let inner = self.object(target, Vec::new());
            let rows = self.listed_rows(fr, object, class, range);
            self.serialize_with(fr, inner, target, rows, range, 0);
        }
    }

    /// Rows of a view's list, as its own method narrows them.
    fn listed_rows(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) -> Val {
        let mut rows = self.viewset_rows(fr, object, class, range);
        let narrow = self.word(fr, "viewset-filter-method");
        if let Some((_, f)) = self.ix.find_method(class, narrow) {
            let args = Args::positional(vec![rows]);
            let narrowed = self.call_function(fr, f, object, args, range).0;
            if matches!(self.data(narrowed), Data::Query(_)) {
                rows = narrowed;
            }
        } else {
            rows = self.filtered_by_backends(fr, object, class, rows, range);
        }
        let rows = self.filtered_anew(fr, class, rows);
        let page = self.word(fr, "viewset-page-method");
        match self.ix.find_method(class, page) {
            // `None` stands for a list that is not paged.
            Some((_, f)) => match self.call_function(fr, f, object, Args::positional(vec![rows]), range).0 {
                UNKNOWN | NULL => rows,
                paged => paged,
            },
            None => rows,
        }
    }

    /// Rows as the filters of the program that a view names leave them: a filter may give a query of its own.
    fn filtered_by_backends(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, rows: Val, range: Range) -> Val {
        let (filters, narrow) = (self.word(fr, "viewset-filters"), self.word(fr, "viewset-filter-method"));
        let named = self.class_attr(class, filters);
        let Data::Tuple(named) = self.data(named).clone() else { return rows };
        let mut rows = rows;
        for filter in named.iter() {
            let Data::Class(filter) = *self.data(*filter) else { continue };
            let Some((_, f)) = self.ix.find_method(filter, narrow) else { continue };
            let own = self.object(filter, Vec::new());
            let narrowed = self.call_function(fr, f, own, Args::positional(vec![UNKNOWN, rows, object]), range).0;
            if matches!(self.data(narrowed), Data::Query(_)) {
                rows = narrowed;
            }
        }
        rows
    }

    /// The class makes its serializer itself: it is called with the rows as the library would call it.
    fn list_with(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, maker: FnRef, range: Range) {
        let rows = self.listed_rows(fr, object, class, range);
        let many = (self.word(fr, "serializer-many"), self.v.of(Data::Bool(true)));
        let args = Args { named: vec![many], ..Args::positional(vec![rows]) };
        let made = self.call_function(fr, maker, object, args, range).0;
        for data in self.words(fr, "serializer-data") {
            self.attr(fr, made, data, range);
        }
    }
}
