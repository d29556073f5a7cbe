//! What do attributes and methods of one row give?

use super::call::Args;
use super::event::{Statement, What};
use super::tree::{NOTHING, OPEN, State};
use super::value::{Data, ManyKind, NO_LOOP, Query, Row, SCALAR, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range, Span};
use crate::facts::Language;
use crate::index::ModelId;
use crate::packs::Result;

impl<'a> Engine<'a> {
    pub(super) fn fresh_row(&mut self, model: ModelId, at: Span) -> Val {
        let src = self.v.source(Source::Fresh(at));
        self.v.row(Row { model, tree: OPEN, src, renewed_by: NO_LOOP })
    }

    /// One element of a query's result.
    pub(super) fn row_of(&mut self, query: &Query) -> Val {
        if query.flags & flag::PROJECTED != 0 {
            return SCALAR;
        }
        if !query.columns.is_empty() {
            let mut columns: Vec<Val> = query.columns.iter().map(|c| self.selected(*c, query)).collect();
            self.answer_each_other(&mut columns);
            if columns.len() == 1 && query.flags & flag::WRAPPED == 0 {
                return columns[0];
            }
            return self.v.of(Data::Tuple(columns.into_boxed_slice()));
        }
        let Some(model) = query.model else {
            return UNKNOWN;
        };
        let tree = if query.flags & flag::NO_EAGER != 0 { NOTHING } else { query.tree };
        self.v.row(Row { model, tree, src: query.src, renewed_by: NO_LOOP })
    }

    /// Reads an attribute of a row.
    pub(super) fn row_attr(&mut self, fr: &mut Frame<'a>, object: Val, row: Row, name: Name, range: Range) -> Val {
        let model = self.ix.model(row.model);
        let dialect = model.dialect;
        if let Some(class) = model.class {
            if let Some((_, f)) = self.ix.find_method(class, name) {
                if self.is_property(f) {
                    // Something else was put in its place.
                    let is_hidden = self.v.trees.is_hidden(row.tree, name);
                    return if is_hidden { UNKNOWN } else { self.call_function(fr, f, object, Args::default(), range).0 };
                }
                if !model.relations.contains_key(&name) && self.ix.file(f.file).language == Language::Python {
                    return self.v.of(Data::Method(object, name));
                }
            }
            if let Some(val) = self.accessor(fr, object, class, dialect, name, range) {
                return val;
            }
        }
        if let Some(relation) = self.relation(row.model, name) {
            // Where relations are methods, a column of the same name answers first.
            if relation.is_method && model.columns.contains_key(&name) {
                return SCALAR;
            }
            return self.read_relation(fr, object, row, relation, range);
        }
        if self.v.trees.is_column_missing(row.tree, name) && model.columns.contains_key(&name) && row.renewed_by != NO_LOOP {
            let at = super::call::method_range(range, name);
            self.emit(fr, What::Column { model: row.model, column: name, src: row.src }, at, row.renewed_by);
        }
        if model.columns.contains_key(&name) {
            return SCALAR;
        }
        if let Some(val) = self.through_relation(fr, object, row, name, range) {
            return val;
        }
        // An attribute that the query computed, or that a prefetch filled under a name of its own.
        if let State::Loaded(tree) = self.v.trees.state(row.tree, name) {
            if let Some(rows) = self.rows_filled(row, name) {
                return rows;
            }
            return if tree == OPEN { SCALAR } else { self.v.many(UNKNOWN, ManyKind::Held) };
        }
        if let Some(class) = model.class {
            let val = self.class_attr(class, name);
            let val = self.described(fr, class, object, val, range);
            // A property that the class declares is no column.
            if fr.language == Language::Php && matches!(self.data(val), Data::Tuple(_)) {
                return val;
            }
            if !self.v.is_plain(val)
                && !matches!(
                    self.data(val),
                    Data::Instance(_) | Data::Str(_) | Data::Tuple(_) | Data::External(_) | Data::Record(..)
                )
            {
                return val;
            }
        }
        UNKNOWN
    }

    /// Calls a method of a row.
    pub(super) fn call_on_row(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        row: Row,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> (Val, Option<Val>) {
        let model = self.ix.model(row.model);
        if let Some(relation) = self.relation(row.model, name) {
            if relation.is_method {
                return (self.relation_query(fr, object, row, relation, whole), None);
            }
            let val = self.read_relation(fr, object, row, relation, whole);
            return (self.call_value(fr, val, args, whole), None);
        }
        if let Some(class) = model.class
            && let Some((_, f)) = self.ix.find_method(class, name)
        {
            let decl = self.ix.function(f);
            if self.is_property(f) {
                let (val, _) = self.call_function(fr, f, object, Args::default(), whole);
                return (self.call_value(fr, val, args, whole), None);
            }
            let python = self.ix.file(f.file).language == Language::Python;
            let this = if decl.is_classmethod || (decl.is_static && !python) { self.v.of(Data::Class(class)) } else { object };
            let (val, after) = self.call_function(fr, f, this, args.clone(), whole);
            // Overridden library methods still do what the library does (`save`, `delete`).
            if decl.is_classmethod || decl.is_static {
                return (val, None);
            }
            return (val, Some(after));
        }
        self.row_op(fr, object, row, name, args, at, whole)
    }

    /// A method of a row that the library defines.
    pub(super) fn row_op(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        row: Row,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> (Val, Option<Val>) {
        let dialect = self.dialect(row.model);
        let Some(op) = self.ix.packs.op(dialect, self.names.row, name).cloned() else {
            // Instances forward what they do not know to a new query, where the library does that.
            if let Some(op) = self.ix.packs.op(dialect, self.names.query, name).cloned()
                && self.ix.packs.word(dialect, "scope-method").is_some()
            {
                let mut query = self.start_query(row.model, self.span(fr, whole));
                // What code does with a row of its own may be meant for that row; a new one says nothing.
                let is_new = matches!(self.v.source_of(row.src), Source::Fresh(_));
                query.flags |= if is_new { flag::ANEW } else { flag::SCOPED | flag::ANEW };
                return (self.apply(fr, query, &op, name, args, at, whole), None);
            }
            let reader = self.ix.packs.word(dialect, &format!("reads.{name}"));
            if let Some(relations) = reader {
                for relation in relations.as_str().split_whitespace() {
                    if let Some(r) = self.relation(row.model, Name::new(relation)) {
                        let here = Range { start: at.start, end: at.end };
                        self.read_relation(fr, object, row, r, here);
                    }
                }
                return (SCALAR, None);
            }
            self.run_callbacks(fr, &args, whole);
            return (UNKNOWN, None);
        };
        // What is shown beside the columns from now on: it is computed when the row is serialized.
        if op.path.is_some() && op.result == Result::Same {
            for name in self.texts_of(&args.positional) {
                self.read_path(fr, object, name, at);
            }
            return (object, None);
        }
        if let Some(path) = op.path
            && let Some(val) = args.get(path)
            && let Data::Str(text) = *self.data(val)
        {
            return (self.read_path(fr, object, text, at), None);
        }
        if op.serializes {
            self.serialize(fr, object, at, 0);
        }
        if op.authorizes {
            return (self.ask_policy(fr, object, &args, whole), None);
        }
        if op.dispatches {
            return (self.dispatched(fr, &op, Some(object), name, &args, whole), None);
        }
        if op.sets_relation {
            if let (Some(Data::Str(relation)), Some(val)) =
                (args.positional.first().map(|v| self.data(*v).clone()), args.positional.get(1))
            {
                let sub = match self.data(*val) {
                    Data::Row(r) => r.tree,
                    _ => OPEN,
                };
                let tree = self.v.trees.with(row.tree, relation, sub);
                self.mark_loaded(fr, row.src, tree);
                // Set on each, it is there on all of them.
                fr.always_reads(row.renewed_by, row.src, relation);
                let changed = self.v.row(Row { tree, ..row });
                return (changed, Some(changed));
            }
            return (object, None);
        }
        if let Some(grammar) = op.loads {
            let loaded = self.eager_tree(fr, row.tree, row.model, grammar, &args);
            // What asks only for what is missing asks for nothing.
            let is_there =
                loaded == row.tree && self.ix.packs.word(dialect, "loads-missing").is_some_and(|w| w.has_word(name.as_str()));
            if !is_there {
                self.statement(fr, Statement::Load, name, Some(row.model), None, false, row.src, 0, at);
            }
            self.mark_loaded(fr, row.src, loaded);
            let changed = self.v.row(Row { tree: loaded, ..row });
            return (changed, Some(changed));
        }
        if op.executes {
            let kind = if op.writes { Statement::Write } else { Statement::Read };
            let kept = self.ix.packs.word(dialect, "remembered").map_or("", Name::as_str);
            let is_about_itself = args.positional.len() <= 1 && args.named.is_empty();
            if is_about_itself && kept.split_whitespace().any(|m| m == name.as_str()) {
                // The row keeps the answer: it is paid once per row.
                if row.renewed_by != NO_LOOP {
                    let what = What::Statement {
                        kind,
                        method: name,
                        model: Some(row.model),
                        via: None,
                        defeats: false,
                        src: row.src,
                        flags: 0,
                    };
                    self.emit(fr, what, at, row.renewed_by);
                }
                self.waits(fr, name, Some(row.model), at);
            } else {
                self.statement(fr, kind, name, Some(row.model), None, false, row.src, 0, at);
            }
        }
        // What was read back anew has lost what was loaded on it, or loads it again, per row where it is done per row.
        if op.resets_eager && (op.opens || row.renewed_by != NO_LOOP) && args.positional.is_empty() && args.named.is_empty() {
            self.mark_loaded(fr, row.src, OPEN);
            let tree = self.v.trees.opened(row.tree);
            let changed = self.v.row(Row { tree, ..row });
            return (changed, Some(changed));
        }
        let val = match op.result {
            Result::Same => object,
            Result::Row => {
                let at = self.span(fr, whole);
                self.declared_row(row.model, Source::Query(at))
            }
            Result::New => self.fresh_row(row.model, self.span(fr, whole)),
            // A relation that is made where it is asked for.
            Result::Query if op.arg.is_some() => {
                let target = self.subject(&op, &args);
                match self.as_query(fr, target, whole) {
                    Some(mut query) => {
                        query.flags |= flag::FILTERED | flag::SCOPED;
                        self.v.of(Data::Query(query))
                    }
                    None => UNKNOWN,
                }
            }
            Result::Query => {
                let mut query = self.start_query(row.model, self.span(fr, whole));
                query.flags |= flag::ANEW;
                self.v.of(Data::Query(query))
            }
            Result::Scalar => SCALAR,
            _ => UNKNOWN,
        };
        (val, None)
    }
}
