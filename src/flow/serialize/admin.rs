//! What does an administration list read of each row it shows, and a feed of each item?

use super::super::call::Args;
use super::super::tree::{State, Tree};
use super::super::value::{Data, Query, Source, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::field::Listed;
use crate::base::{Name, Range};
use crate::facts::{Expr, FnId};
use crate::index::{ClassId, FnRef, ModelId};

/// A join of everything that cannot be null goes this deep.
const JOIN_DEPTH: usize = 3;

impl<'a> Engine<'a> {
    /// A list of the rows of a model, as its administration class shows it.
    pub(super) fn admin(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        for model in self.administered(fr, class) {
            let Some(target) = self.ix.model(model).class else {
                continue;
            };
            let target = self.v.of(Data::Class(target));
            let attr = self.word(fr, "admin-model");
            let object = self.object(class, vec![(attr, target)]);
            self.admin_list(fr, object, class, model, range);
        }
    }

    /// Models that a class administers: its decorators or a registration in its file say so.
    fn administered(&mut self, fr: &mut Frame<'a>, class: ClassId) -> Vec<ModelId> {
        let mut found = Vec::new();
        let register = self.word(fr, "admin-register");
        let decl = self.ix.class_decl(class);
        for decorator in &decl.decorators {
            let Expr::Call { callee, args } = fr.body.expr(*decorator) else {
                continue;
            };
            if matches!(fr.body.expr(*callee), Expr::Attr { name, .. } | Expr::Name(name) if *name == register) {
                for arg in args {
                    let symbol = self.ix.symbol_of(fr.f, arg.value);
                    found.extend(self.ix.model_of(symbol));
                }
            }
        }
        let file = FnRef { file: self.ix.class(class).file, id: FnId(0) };
        let body = &self.ix.function(file).body;
        for e in &body.exprs {
            let Expr::Call { callee, args } = e else {
                continue;
            };
            if args.len() < 2 || !matches!(body.expr(*callee), Expr::Attr { name, .. } if *name == register) {
                continue;
            }
            if self.ix.symbol_of(file, args[1].value) == crate::index::Symbol::Class(class) {
                let models: Vec<crate::facts::ExprId> = match body.expr(args[0].value) {
                    Expr::Seq { items, .. } => items.iter().map(|i| i.value).collect(),
                    _ => vec![args[0].value],
                };
                for m in models {
                    let symbol = self.ix.symbol_of(file, m);
                    found.extend(self.ix.model_of(symbol));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// All rows of the model: a query that nobody wrote.
    pub(super) fn all_rows(&mut self, fr: &Frame<'a>, model: ModelId, range: Range) -> Query {
        let at = self.span(fr, range);
        let mut query = self.start_query(model, at);
        query.src = self.v.source(Source::Declared(at));
        query
    }

    /// A method that an administration class inherits.
    pub(super) fn admin_method(&mut self, fr: &mut Frame<'a>, recv: Val, class: ClassId, name: Name) -> Option<Val> {
        if name != self.word(fr, "viewset-query-method") {
            return None;
        }
        let attr = self.word(fr, "admin-model");
        let target = self.field(fr, recv, attr);
        let Data::Class(target) = *self.data(target) else {
            return None;
        };
        let model = self.ix.class(target).model?;
        let inner = self.class_frame(class);
        let query = self.all_rows(&inner, model, self.ix.class_decl(class).name_range);
        Some(self.v.of(Data::Query(query)))
    }

    fn admin_list(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, model: ModelId, range: Range) {
        let method = self.word(fr, "viewset-query-method");
        let rows = match self.ix.find_method(class, method) {
            Some((_, f)) => {
                let request = self.library_object(fr, "admin-request");
                self.call_function(fr, f, object, Args::positional(vec![request]), range).0
            }
            None => {
                let query = self.all_rows(fr, model, range);
                self.v.of(Data::Query(query))
            }
        };
        let Data::Query(mut query) = self.data(rows).clone() else {
            return;
        };
        let display = self.word(fr, "admin-columns");
        let columns = self.listed(class, display).unwrap_or_default();
        query.tree = self.joined_by_itself(fr, class, model, &query, &columns);
        let rows = self.v.of(Data::Query(query));
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            if columns.is_empty() {
                e.as_text(fr, row, range);
            }
            for column in &columns {
                e.in_class(fr, column.owner, range, |e, fr| e.admin_column(fr, object, class, row, *column));
            }
            UNKNOWN
        });
    }

    fn admin_column(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, row: Val, column: Listed) {
        let at = column.range;
        let Data::Str(name) = *self.data(column.val) else {
            self.call_value(fr, column.val, Args::positional(vec![row]), at);
            return;
        };
        let text = self.ix.packs.word_in_language(self.language(fr), "text-method");
        if text.is_some_and(|t| t.has_word(name.as_str())) {
            self.as_text(fr, row, at);
            return;
        }
        let val = match self.ix.find_method(class, name) {
            Some((_, f)) => self.call_function(fr, f, object, Args::positional(vec![row]), at).0,
            None => {
                let path = name.as_str().replace("__", ".");
                self.read_called(fr, row, &path, at)
            }
        };
        self.as_text(fr, val, at);
    }

    /// What the list joins on its own: what it is told to, else every key that cannot be null if a column shows one.
    fn joined_by_itself(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        model: ModelId,
        query: &Query,
        columns: &[Listed],
    ) -> Tree {
        let own = self
            .ix
            .model(model)
            .relations
            .values()
            .any(|r| r.key_column.is_some() && !r.many && matches!(self.v.trees.state(query.tree, r.name), State::Loaded(_)));
        if own {
            return query.tree;
        }
        let attr = self.word(fr, "admin-joins");
        let declared = self.class_attr(class, attr);
        match self.data(declared).clone() {
            Data::Bool(true) => self.join_required(query.tree, model, JOIN_DEPTH),
            Data::Tuple(_) | Data::Many(..) => {
                let mut tree = query.tree;
                for entry in self.listed(class, attr).unwrap_or_default() {
                    if let Data::Str(path) = *self.data(entry.val) {
                        let names: Vec<Name> = path.as_str().split("__").map(Name::new).collect();
                        tree = self.load_names(tree, model, &names, super::super::tree::NOTHING, 2);
                    }
                }
                tree
            }
            _ => {
                let shows_key = columns.iter().any(|c| match self.data(c.val) {
                    Data::Str(name) => self.relation(model, *name).is_some_and(|r| !r.many && r.key_column.is_some()),
                    _ => false,
                });
                if shows_key { self.join_required(query.tree, model, JOIN_DEPTH) } else { query.tree }
            }
        }
    }

    /// Every relation whose key stands in the row and cannot be null, and theirs.
    fn join_required(&mut self, tree: Tree, model: ModelId, depth: usize) -> Tree {
        let mut names: Vec<(Name, Option<ModelId>)> = self
            .ix
            .model(model)
            .relations
            .values()
            .filter(|r| !r.many && r.key_column.is_some() && !self.may_be_null(model, r.name))
            .map(|r| (r.name, r.target))
            .collect();
        names.sort_by_key(|n| n.0);
        let mut tree = tree;
        for (name, target) in names {
            let below = match target {
                Some(target) if depth > 0 => self.join_required(super::super::tree::NOTHING, target, depth - 1),
                _ => super::super::tree::OPEN,
            };
            tree = self.load_names(tree, model, &[name], below, 1);
        }
        tree
    }

    /// Does the declaration of a key allow null?
    fn may_be_null(&self, model: ModelId, relation: Name) -> bool {
        let Some((owner, i)) = self.ix.model(model).class.and_then(|c| self.ix.find_attr(c, relation)) else {
            return true;
        };
        let decl = self.ix.class_decl(owner);
        let Some(value) = decl.attrs[i].value else {
            return true;
        };
        let body = &self.ix.function(FnRef { file: self.ix.class(owner).file, id: decl.scope }).body;
        match body.expr(value) {
            Expr::Call { args, .. } => args.iter().any(|a| {
                a.name.is_some()
                    && a.name == self.ix.packs.word_in_language(self.names.python, "key-nullable")
                    && !matches!(body.expr(a.value), Expr::Bool(false))
            }),
            _ => true,
        }
    }

    /// A feed: what its methods read of each item.
    pub(super) fn feed(&mut self, fr: &mut Frame<'a>, class: ClassId, role: &str, range: Range) {
        let object = self.object(class, Vec::new());
        let items = self.word(fr, "feed-items");
        let Some((_, f)) = self.ix.find_method(class, items) else {
            return;
        };
        // What the address names comes first; its items are asked of it.
        let getter = self.word(fr, "view-row-method");
        let given = match self.ix.find_method(class, getter) {
            Some((_, getter)) if self.ix.function(f).params.len() > 1 => {
                let request = self.library_object(fr, "admin-request");
                let open = Args { open: true, ..Args::positional(vec![request]) };
                Args::positional(vec![self.call_function(fr, getter, object, open, range).0])
            }
            _ => Args::default(),
        };
        let rows = self.call_function(fr, f, object, given, range).0;
        let methods = self.words(fr, "feed-methods");
        let addressed = self.words(fr, "feed-addresses");
        let address = self.word(fr, "row-address");
        let has = |e: &Self, method: &Name| e.ix.find_method(class, *method).is_some();
        let is_addressed = addressed.iter().any(|method| has(self, method));
        // A list of addresses shows nothing else of its items.
        let is_titled = role != "feed" || methods.first().is_some_and(|method| has(self, method));
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            for method in methods.iter().chain(&addressed) {
                if let Some((_, f)) = e.ix.find_method(class, *method) {
                    e.call_function(fr, f, object, Args::positional(vec![row]), range);
                }
            }
            if !is_titled {
                e.as_text(fr, row, range);
            }
            if !is_addressed {
                e.call_method(fr, row, address, Args::default(), range);
            }
            UNKNOWN
        });
    }
}
