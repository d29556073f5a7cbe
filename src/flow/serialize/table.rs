//! What does a table builder read of each row it draws: columns, links, actions that are shown or not?

use rustc_hash::FxHashSet;

use super::super::call::Args;
use super::super::relation::DEFAULT_DEPTH;
use super::super::tree::NOTHING;
use super::super::value::{Data, NULL, Query, UNKNOWN, Val};
use super::super::{Engine, Frame, What};
use crate::base::{Name, Range, Span};
use crate::facts::Expr;
use crate::index::{ClassId, FnRef, ModelId};

/// The table that is being built.
#[derive(Debug, Default)]
pub(in super::super) struct Table {
    /// Its rows, as far as they are known.
    rows: Option<Val>,
    /// What titles a row.
    title: Option<Val>,
    /// An action offers all rows that could be added, and how it changes their query.
    offers: Option<Val>,
    /// Paths with dots that columns are named after: the table loads their relations with its query.
    paths: Vec<Name>,
    /// Where statements are sent for the row that is drawn, whether or not the row says what they ask for.
    per_row: FxHashSet<Span>,
}

impl<'a> Engine<'a> {
    /// A list of rows that a table builder draws.
    pub(super) fn table_resource(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let object = self.v.of(Data::Class(class));
        let query = self.word(fr, "table-query");
        let tables = self.words(fr, "table-methods");
        let asked = self.list_of_page(fr, class).unwrap_or(class);
        // Nobody wrote the query: it stands where the table is built, which is where it can be changed.
        let own = tables.iter().find_map(|t| self.ix.own_method(class, *t));
        let range = own.map_or(range, |f| self.ix.function(f).name_range);
        let rows = match self.ix.find_method(asked, query) {
            Some((_, f)) => {
                let list = self.v.of(Data::Class(asked));
                self.call_function(fr, f, list, Args::default(), range).0
            }
            None => self.listed_query(fr, asked, query, range).unwrap_or(UNKNOWN),
        };
        self.tables_of(fr, class, object, &tables, rows);
        self.search_results(fr, class, object, range);
    }

    /// What a list shows of the rows that a search over all lists finds.
    fn search_results(&mut self, fr: &mut Frame<'a>, class: ClassId, object: Val, range: Range) {
        let shown: Vec<FnRef> =
            self.words(fr, "search-shows").iter().filter_map(|m| self.ix.find_method(class, *m)).map(|(_, f)| f).collect();
        let query = self.word(fr, "search-query");
        if shown.is_empty() {
            return;
        }
        let rows = match self.ix.find_method(class, query) {
            Some((_, f)) => self.call_function(fr, f, object, Args::default(), range).0,
            None => self.listed_query(fr, class, query, range).unwrap_or(UNKNOWN),
        };
        if !self.are_queries(rows) {
            return;
        }
        self.per_row(fr, rows, range, &mut |e, fr, row| {
            for f in &shown {
                e.call_function(fr, *f, object, Args::positional(vec![row]), range);
            }
            UNKNOWN
        });
    }

    /// The list that a page shows, where the page builds the table itself.
    fn list_of_page(&mut self, fr: &Frame<'a>, page: ClassId) -> Option<ClassId> {
        let attr = self.word(fr, "page-list");
        let list = self.class_attr(page, attr);
        if let Data::Class(list) = *self.data(list) { self.has_role(list, "table-resource").then_some(list) } else { None }
    }

    /// A table whose class gives the query in one method and is handed it in another.
    pub(super) fn table_service(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let (asks, draws) = (self.word(fr, "table-service-query"), self.word(fr, "table-service-draws"));
        let (Some((_, asks)), Some((_, draws))) = (self.ix.find_method(class, asks), self.ix.find_method(class, draws)) else {
            return;
        };
        let object = self.object(class, Vec::new());
        let given = self.ix.function(asks).params.iter().map(|param| self.declared_param(asks, param, true)).collect();
        let (rows, _) = self.call_function(fr, asks, object, Args::positional(given), range);
        // What the container calls is given each parameter by its name.
        let named = self.word(fr, "table-rows");
        let params = &self.ix.function(draws).params;
        let is_named = params.iter().any(|p| p.name == named);
        let mut given: Vec<Val> = Vec::with_capacity(params.len());
        for (i, param) in params.iter().enumerate() {
            let is_rows = if is_named { param.name == named } else { i == 0 };
            given.push(if is_rows { rows } else { self.declared_param(draws, param, true) });
        }
        self.call_function(fr, draws, object, Args::positional(given), range);
    }

    /// The query that a table builder starts from: all rows of the model that the class names, or of a relation of it.
    pub(super) fn listed_query(&mut self, fr: &mut Frame<'a>, class: ClassId, name: Name, range: Range) -> Option<Val> {
        let own = self.word(fr, "table-query");
        if name == self.word(fr, "search-query") {
            let list = self.v.of(Data::Class(class));
            return Some(self.call_method(fr, list, own, Args::default(), range));
        }
        if name != own {
            return None;
        }
        let at = self.span(fr, range);
        let model = self.table_model(fr, class)?;
        let query = self.start_query(model, at);
        Some(self.v.of(Data::Query(query)))
    }

    fn table_model(&mut self, fr: &Frame<'a>, class: ClassId) -> Option<ModelId> {
        let attr = self.word(fr, "table-model");
        let model = self.class_attr(class, attr);
        if let Data::Class(model) = *self.data(model) {
            return self.ix.class(model).model;
        }
        // A table of a relation: the class that owns it is named by the namespace.
        let attr = self.word(fr, "table-relation");
        let relation = self.class_attr(class, attr);
        let Data::Str(relation) = *self.data(relation) else {
            return None;
        };
        let full = self.ix.class(class).name.as_str().to_ascii_lowercase();
        let mut above = full.as_str();
        while let Some((outer, _)) = above.rsplit_once('\\') {
            // Or it stands in that namespace, and lists this table.
            if let Some(owner) = self.lister_in(outer, class) {
                let model = self.table_model(fr, owner)?;
                return self.relation(model, relation)?.target;
            }
            if let Some(owner) = self.ix.class_names.get(&Name::new(outer)).copied()
                && owner != class
            {
                let model = self.table_model(fr, owner)?;
                return self.relation(model, relation)?.target;
            }
            above = outer;
        }
        None
    }

    /// The class in a namespace that builds tables itself and names another in its code.
    fn lister_in(&self, namespace: &str, listed: ClassId) -> Option<ClassId> {
        let full = self.ix.class(listed).name;
        (0..self.ix.classes.len() as u32).map(ClassId).find(|c| {
            let class = self.ix.class(*c);
            let name = class.name.folded();
            let stands_there = name.as_str().rsplit_once('\\').is_some_and(|(outer, _)| outer == namespace);
            stands_there
                && *c != listed
                && self.has_role(*c, "table-resource")
                && self.ix.class_decl(*c).methods.iter().any(|m| {
                    let body = &self.ix.file(class.file).functions[m.0 as usize].body;
                    body.exprs.iter().any(|e| matches!(e, Expr::Class(name) if *name == full))
                })
        })
    }

    /// Builds the tables of a class, with one row for what runs per row.
    pub(super) fn tables_of(&mut self, fr: &mut Frame<'a>, class: ClassId, object: Val, tables: &[Name], rows: Val) {
        let known = self.are_queries(rows);
        for method in tables {
            let Some((_, f)) = self.ix.find_method(class, *method) else {
                continue;
            };
            let at = self.ix.function(f).name_range;
            // First: which rows does it take, and what does it load on them?
            let first = self.table.replace(Table { rows: known.then_some(rows), ..Table::default() });
            let mut scratch = self.class_frame(class);
            self.built(&mut scratch, f, object, UNKNOWN, at);
            scratch.buffer.clear();
            self.finish(scratch);
            let table = std::mem::replace(&mut self.table, first).unwrap_or_default();
            for rows in table.rows.map(|v| self.v.alternatives(v)).unwrap_or_default() {
                if let Data::Query(mut query) = self.data(rows).clone() {
                    self.load_columns(&mut query, &table.paths);
                    self.drawn(fr, f, object, &query);
                }
            }
        }
    }

    /// Is a value a query, whichever of several it is?
    fn are_queries(&self, rows: Val) -> bool {
        self.v.alternatives(rows).into_iter().all(|v| matches!(self.data(v), Data::Query(_)))
    }

    /// Draws each row of a query by the method that builds the table.
    fn drawn(&mut self, fr: &mut Frame<'a>, f: FnRef, object: Val, query: &Query) {
        let at = self.ix.function(f).name_range;
        let found = Some(self.v.of(Data::Query(query.clone())));
        // What is drawn stands in the class's own file, wherever the class is drawn.
        let outside = std::mem::replace(&mut fr.file, f.file);
        let record = self.row_of(query);
        let id = self.enter_loop(fr, at);
        self.framework_loops.insert(id);
        let record = self.v.renew(record, id);
        let mark = fr.buffer.len();
        let before = self.table.replace(Table { rows: found, ..Table::default() });
        self.built(fr, f, object, record, at);
        let built = std::mem::replace(&mut self.table, before).unwrap_or_default();
        // The table itself is built once: what counts is what a row leads to.
        let root = self.v.root_source(query.src).0;
        let mut i = 0;
        fr.buffer.retain(|e| {
            i += 1;
            i <= mark
                || match e.what {
                    What::Statement { via: Some((holder, _)), src, .. } => {
                        Some(holder) == query.model || self.starts_below(src, root)
                    }
                    What::Statement { via: None, .. } => built.per_row.contains(&e.site),
                    _ => true,
                }
        });
        self.leave_loop(fr, mark, false);
        fr.file = outside;
        if let (Some(title), Some(change), Some(model)) = (built.title, built.offers, query.model) {
            let all = self.start_query(model, self.span(fr, at));
            let all = self.v.of(Data::Query(all));
            let all = self.changed_rows(fr, all, change, at);
            self.label_each(fr, all, title, at);
        }
    }

    /// The table loads the relations on the way to what its columns show.
    fn load_columns(&mut self, query: &mut Query, paths: &[Name]) {
        let Some(model) = query.model else { return };
        for path in paths {
            let mut names: Vec<Name> = Vec::new();
            let mut at = model;
            for segment in path.as_str().split('.') {
                let name = Name::new(segment);
                let Some(relation) = self.relation(at, name) else { break };
                names.push(name);
                let Some(target) = relation.target else { break };
                at = target;
            }
            query.tree = self.load_names(query.tree, model, &names, NOTHING, DEFAULT_DEPTH);
        }
    }

    fn built(&mut self, fr: &mut Frame<'a>, f: FnRef, object: Val, record: Val, at: Range) {
        let parameter = self.word(fr, "table-record");
        let before = std::mem::replace(&mut self.ambient, vec![(parameter, record)]);
        self.call_function(fr, f, object, Args::default(), at);
        self.ambient = before;
    }

    /// A method of the builder: closures in its arguments run for each row, unless they wait for a click.
    pub(in super::super) fn table_call(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) {
        if self.is_listing() {
            self.list_call(fr, name, args);
            return;
        }
        let first = args.positional.first().copied();
        if name == self.word(fr, "table-rows")
            && let Some(given) = first
            && self.are_queries(given)
        {
            self.set_rows(given);
            return;
        }
        if name == self.word(fr, "table-title") {
            if let Some(table) = &mut self.table {
                table.title = first;
            }
            return;
        }
        if name == self.word(fr, "table-offer-change") {
            if let Some(table) = &mut self.table
                && table.offers.is_some()
            {
                table.offers = first;
            }
            return;
        }
        if self.words(fr, "table-later").contains(&name) {
            return;
        }
        // What a hidden column would show is not loaded.
        if self.words(fr, "table-hides").contains(&name)
            && first.is_none_or(|v| *self.data(v) == Data::Bool(true))
            && let Some(table) = &mut self.table
        {
            table.paths.pop();
        }
        if self.words(fr, "table-modify").contains(&name) {
            self.table_modified(fr, first, range);
            return;
        }
        let Some((_, record)) = self.ambient.first().copied() else {
            return;
        };
        let model = self.bare_row(record).map(|r| r.model);
        for val in args.positional.iter().chain(args.named.iter().map(|(_, v)| v)) {
            let Data::Closure(f, env, this) = self.data(*val).clone() else {
                continue;
            };
            let mut named = self.ambient.clone();
            // A parameter of the row's own class takes the row, whatever its name.
            for param in &self.ix.function(f).params {
                let declared = self.declared_param(f, param, false);
                let own = self.bare_row(declared).map(|r| r.model);
                if own.is_some() && own == model {
                    named.push((param.name, record));
                }
            }
            // What takes no row may be asked once for the whole table.
            let takes_row = self.ix.function(f).params.iter().any(|p| named.iter().any(|(name, _)| *name == p.name));
            let given = Args { named, ..Args::default() };
            let mark = fr.buffer.len();
            self.call_closure(fr, f, &env, this, given, range);
            if takes_row {
                self.sent_per_row(fr, mark);
            }
        }
    }

    /// What was noted since the mark is done for each row that the table draws.
    fn sent_per_row(&mut self, fr: &Frame<'a>, mark: usize) {
        if let Some(table) = &mut self.table {
            let sites = fr.buffer.iter().skip(mark).filter(|e| matches!(e.what, What::Statement { .. })).map(|e| e.site);
            table.per_row.extend(sites);
        }
    }

    fn set_rows(&mut self, rows: Val) {
        self.table.get_or_insert_default().rows = Some(rows);
    }

    /// What the rows' query is changed to.
    fn table_modified(&mut self, fr: &mut Frame<'a>, change: Option<Val>, range: Range) {
        let Some(rows) = self.table.as_ref().and_then(|t| t.rows) else {
            return;
        };
        let Some(change) = change else { return };
        let mark = fr.buffer.len();
        let changed = self.call_value(fr, change, Args::positional(vec![rows]), range);
        fr.buffer.truncate(mark);
        let changed = match self.data(changed).clone() {
            Data::Query(_) => changed,
            _ => match self.data(rows).clone() {
                Data::Query(query) => {
                    let tree = self.v.trees.opened(query.tree);
                    self.v.of(Data::Query(Query { tree, ..query }))
                }
                _ => return,
            },
        };
        self.set_rows(changed);
    }

    /// A part of a table is made: a column reads what it is named after, an action asks a policy before it is shown.
    pub(in super::super) fn table_part(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) {
        if self.is_listing() {
            self.list_part(fr, name, args, range);
            return;
        }
        let Some((_, record)) = self.ambient.first().copied() else {
            return;
        };
        let Some(class) = name.as_str().rsplit_once('.').map(|(class, _)| Name::new(class)) else {
            return;
        };
        let roles: Vec<Name> = self.ix.packs.roles(class).to_vec();
        if self.bare_row(record).is_none() {
            if roles.iter().any(|r| r.as_str() == "table-column")
                && let Some(Data::Str(path)) = args.positional.first().map(|v| self.data(*v).clone())
                && let Some(table) = &mut self.table
            {
                table.paths.push(if path.as_str().contains('.') { path } else { Name::empty() });
            }
            return;
        }
        for role in roles {
            let role = role.as_str();
            if role == "table-column" {
                // Paths with dots are loaded with the query.
                if let Some(Data::Str(path)) = args.positional.first().map(|v| self.data(*v).clone())
                    && !path.as_str().contains('.')
                {
                    let mark = fr.buffer.len();
                    self.read_path(fr, record, path, range);
                    self.sent_per_row(fr, mark);
                }
            } else if role == "table-offers" {
                if let Some(table) = &mut self.table {
                    table.offers = Some(NULL);
                }
            } else if let Some(ability) = role.strip_prefix("table-asks-") {
                let ability = self.v.str(Name::new(ability));
                let user = self.current_user();
                let question = Args::positional(vec![ability, record]);
                self.ask_policy(fr, user, &question, range);
            }
        }
    }
}
