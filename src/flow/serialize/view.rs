//! What do generic views hand to their templates?

use super::super::call::Args;
use super::super::value::{Data, Query, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::{ClassId, ModelId};

impl<'a> Engine<'a> {
    /// A view class that renders rows of a model, or what its methods give.
    pub(super) fn generic_view(&mut self, fr: &mut Frame<'a>, class: ClassId, role: &str, range: Range) {
        let mut fields = Vec::new();
        let many = self.word(fr, "view-rows");
        let one = self.word(fr, "view-row");
        let bare = self.object(class, Vec::new());
        let mut model = None;
        if role != "template-view" {
            let rows = self.view_rows(fr, bare, class, range);
            let queries = self.queries_of(rows);
            model = queries.first().and_then(|query| query.model);
            if queries.is_empty() {
                // Whatever the view shows, it is no rows of a query.
            } else if role == "list-view" {
                fields.push((many, rows));
            } else {
                let getter = self.word(fr, "view-row-method");
                let row = match self.ix.find_method(class, getter) {
                    Some((_, f)) => self.call_function(fr, f, bare, Args::default(), range).0,
                    None => self.row_of_one(&queries),
                };
                fields.push((one, row));
            }
        }
        let Some(template) = self.view_template(fr, class, role, model) else {
            return;
        };
        if !self.ix.templates.contains_key(&template) {
            return;
        }
        let object = self.object(class, fields);
        let method = self.word(fr, "view-context-method");
        let context = match self.ix.find_method(class, method) {
            Some((_, f)) => self.call_function(fr, f, object, Args::default(), range).0,
            None => self.view_context(fr, object, class, &Args::default()),
        };
        self.render_with(fr, template, context, UNKNOWN, range);
    }

    /// The queries that a value may be.
    pub(super) fn queries_of(&self, rows: Val) -> Vec<Query> {
        let of = |v: Val| if let Data::Query(query) = self.data(v) { Some(query.clone()) } else { None };
        self.v.alternatives(rows).into_iter().filter_map(of).collect()
    }

    /// A row of one of several queries.
    pub(super) fn row_of_one(&mut self, queries: &[Query]) -> Val {
        let rows: Vec<Val> = queries.iter().map(|query| self.row_of(query)).collect();
        rows.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
    }

    /// The rows of a view, as its method or attributes say; what is not known on one way is left out.
    pub(super) fn view_rows(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, range: Range) -> Val {
        let method = self.word(fr, "viewset-query-method");
        match self.ix.find_method(class, method) {
            Some((_, f)) => {
                let rows = self.call_function(fr, f, object, Args::default(), range).0;
                self.v.without_unknown(rows)
            }
            None => self.declared_rows(fr, class),
        }
    }

    fn declared_rows(&mut self, fr: &mut Frame<'a>, class: ClassId) -> Val {
        let attr = self.word(fr, "viewset-query");
        let rows = self.class_attr(class, attr);
        if let Data::Query(_) = self.data(rows) {
            return rows;
        }
        let attr = self.word(fr, "admin-model");
        let Some((owner, i)) = self.ix.find_attr(class, attr) else {
            return UNKNOWN;
        };
        let target = self.class_attr(class, attr);
        let Data::Class(target) = *self.data(target) else {
            return UNKNOWN;
        };
        let Some(model) = self.ix.class(target).model else {
            return UNKNOWN;
        };
        let inner = self.class_frame(owner);
        let at = self.ix.class_decl(owner).attrs[i].name_range;
        let query = self.start_query(model, self.span(&inner, at));
        self.v.of(Data::Query(query))
    }

    fn view_template(&mut self, fr: &Frame<'a>, class: ClassId, role: &str, model: Option<ModelId>) -> Option<Name> {
        let attr = self.word(fr, "view-template");
        let declared = self.class_attr(class, attr);
        if let Data::Str(name) = *self.data(declared) {
            return Some(name);
        }
        let pattern = self.word(fr, &format!("template-of-{role}"));
        let model = self.ix.model(model?);
        let name = model.name.last_segment().to_ascii_lowercase();
        let text = pattern.as_str().replace("{label}", model.label?.as_str()).replace("{model}", &name);
        (!text.is_empty()).then(|| Name::new(&text))
    }

    /// What a view gives its template before the program adds to it.
    fn view_context(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, args: &Args) -> Val {
        let mut keys: Vec<(Name, Val)> = args.named.clone();
        let many = self.word(fr, "view-rows");
        let one = self.word(fr, "view-row");
        let named = self.word(fr, "view-name");
        let own = self.class_attr(class, named);
        let fields = match self.data(object).clone() {
            Data::Object { fields, .. } => fields.to_vec(),
            _ => Vec::new(),
        };
        for (name, val) in fields {
            if name != many && name != one {
                continue;
            }
            keys.push((name, val));
            if let Data::Str(alias) = *self.data(own) {
                keys.push((alias, val));
            }
            let model = match self.data(val) {
                Data::Query(query) => query.model,
                Data::Row(row) => Some(row.model),
                _ => None,
            };
            if let Some(model) = model {
                let text = self.ix.model(model).name.last_segment().to_ascii_lowercase();
                let suffix = if name == many { "_list" } else { "" };
                keys.push((Name::new(&format!("{text}{suffix}")), val));
            }
            if name == many {
                for page in self.words(fr, "view-pages") {
                    keys.push((page, val));
                }
            }
        }
        let (declared, form) = (self.word(fr, "view-form-class"), self.word(fr, "view-form"));
        let declared = self.class_attr(class, declared);
        if let Data::Class(declared) = *self.data(declared)
            && !keys.iter().any(|(n, _)| *n == form)
        {
            let made = self.object(declared, Vec::new());
            keys.push((form, made));
        }
        for flag in self.words(fr, "view-flags") {
            keys.push((flag, SCALAR));
        }
        let view = self.word(fr, "view-self");
        keys.push((view, object));
        self.v.record(keys, None)
    }

    /// A method that a view class inherits.
    pub(super) fn view_call(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if name == self.word(fr, "view-context-method") {
            return Some(self.view_context(fr, recv, class, args));
        }
        if name == self.word(fr, "viewset-query-method") {
            return Some(self.declared_rows(fr, class));
        }
        if name == self.word(fr, "view-row-method") {
            // Where none are handed on, the view asks itself.
            let given = args.positional.first().or(args.named.first().map(|(_, rows)| rows));
            let mut queries = given.map(|rows| self.queries_of(*rows)).unwrap_or_default();
            if queries.is_empty() && given.is_none_or(|rows| self.v.is_plain(*rows)) {
                let rows = self.view_rows(fr, recv, class, range);
                queries = self.queries_of(rows);
            }
            return (!queries.is_empty()).then(|| self.row_of_one(&queries));
        }
        None
    }
}
