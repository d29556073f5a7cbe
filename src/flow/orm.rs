//! What do methods of queries do when they are called, or run?

use super::call::Args;
use super::event::{Statement, What};
use super::tree::{NOTHING, OPEN};
use super::value::{Data, ManyKind, Mark, NO_LOOP, Query, Row, SCALAR, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range, Span};
use crate::facts::Language;
use crate::index::{ClassId, ModelId, Relation};
use crate::packs::{Gets, Op, Result};

impl<'a> Engine<'a> {
    pub(super) fn language(&self, fr: &Frame<'a>) -> Name {
        match fr.language {
            Language::Php | Language::Blade => self.names.php,
            Language::Python | Language::DjangoTemplate | Language::Jinja => self.names.python,
        }
    }

    pub(super) fn dialect(&self, model: ModelId) -> Name {
        self.ix.model(model).dialect
    }

    pub(super) fn relation(&self, model: ModelId, name: Name) -> Option<&'a Relation> {
        self.ix.model(model).relations.get(&name)
    }

    /// Is a list one of words and numbers, each of which is written down?
    fn is_written_list(&self, val: Val) -> bool {
        let is_literal = |v: &Val| matches!(self.data(*v), Data::Str(_) | Data::Int(_) | Data::Bool(_));
        matches!(self.data(val), Data::Tuple(items) if !items.is_empty() && items.iter().all(is_literal))
    }

    /// A query of a model, written here.
    pub(super) fn start_query(&mut self, model: ModelId, at: Span) -> Query {
        let tree = self.default_tree(model);
        let src = self.v.source_of_model(Source::Query(at), model);
        let data = self.ix.model(model);
        Query { class: data.query_class, ..Query::new(Some(model), tree, src) }
    }

    /// A statement is sent.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn statement(
        &mut self,
        fr: &mut Frame<'a>,
        kind: Statement,
        method: Name,
        model: Option<ModelId>,
        via: Option<(ModelId, Name)>,
        defeats: bool,
        src: super::value::Src,
        flags: u32,
        at: Range,
    ) {
        self.emit(fr, What::Statement { kind, method, model, via, defeats, src, flags }, at, NO_LOOP);
        self.waits(fr, method, model, at);
    }

    /// Calls a method of a query: the program's own, a scope of its model, or the library's.
    pub(super) fn query_method(
        &mut self,
        fr: &mut Frame<'a>,
        query: Query,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        let mut this = self.v.of(Data::Query(query.clone()));
        let dialect = query.model.map(|m| self.dialect(m));
        for class in self.query_classes(&query) {
            if let Some((_, f)) = self.ix.find_method(class, name) {
                let is_plain =
                    dialect.and_then(|d| self.ix.packs.op(d, self.names.query, name)).is_some_and(|op| op.free_if_loaded);
                if !is_plain {
                    let mut own = query.clone();
                    self.cut_from_parent(fr, &mut own, whole);
                    own.flags = query.flags;
                    this = self.v.of(Data::Query(own));
                }
                if self.is_property(f) {
                    let (val, _) = self.call_function(fr, f, this, Args::default(), whole);
                    return self.call_value(fr, val, args, whole);
                }
                return self.call_function(fr, f, this, args, whole).0;
            }
        }
        if let (Some(model), Some(dialect)) = (query.model, dialect) {
            let exact = self.ix.packs.op(dialect, self.names.query, name).is_some();
            if let (Some(class), Some(pattern)) = (self.ix.model(model).class, self.ix.packs.word(dialect, "scope-method"))
                && (!exact || name.as_str().starts_with("where"))
            {
                let scope = self.filled(pattern.as_str(), name);
                let found = self.ix.find_method(class, scope).or_else(|| {
                    let own = self.ix.find_method(class, name)?;
                    (!exact && !self.ix.model(model).relations.contains_key(&name)).then_some(own)
                });
                if let Some((_, f)) = found {
                    let decl = self.ix.function(f);
                    let mut with_query = Args { positional: vec![this], ..Args::default() };
                    with_query.positional.extend(args.positional.iter().copied());
                    with_query.named.extend(args.named.iter().copied());
                    with_query.open = args.open;
                    let span = Span { file: f.file, range: decl.name_range };
                    let receiver = self.open_row(model, span);
                    let (val, first) = self.call_for_first(fr, f, receiver, with_query, whole);
                    let [val, first] = [val, first].map(|v| self.grouped_by_scope(v, this, f, dialect));
                    return match self.data(val) {
                        // A query of which only the type is known: whatever was done to it, it is one of this model.
                        Data::Query(given) if given.model.is_some() || given.flags & flag::RAW != 0 => val,
                        Data::Many(..) | Data::Row(_) | Data::OneOf(_) => val,
                        _ if val == super::value::NULL && matches!(self.data(first), Data::Query(_)) => first,
                        _ => {
                            let mut narrowed = query;
                            narrowed.flags |= flag::FILTERED | flag::SCOPED;
                            narrowed.tree = self.v.trees.opened(narrowed.tree);
                            self.v.of(Data::Query(narrowed))
                        }
                    };
                }
            }
        }
        self.query_op(fr, query, name, args, at, whole)
    }

    fn query_classes(&self, query: &Query) -> Vec<ClassId> {
        let mut classes: Vec<ClassId> = query.class.into_iter().collect();
        if let Some(model) = query.model {
            let data = self.ix.model(model);
            let own = query.class;
            for m in &data.managers {
                if own.is_none() || m.class == own || m.query_class == own {
                    classes.extend(m.class);
                    classes.extend(m.query_class);
                }
            }
            classes.extend(data.query_class);
        }
        classes.dedup();
        classes
    }

    /// Is a query of a class that has methods of a library of which nothing is known?
    fn has_unknown_methods(&self, query: &Query) -> bool {
        let packs = self.ix.packs;
        let is_known = |name: &Name| {
            let root = name.as_str().split('.').next().unwrap_or_default();
            packs.instance_kind(*name).is_some()
                || !packs.roles(*name).is_empty()
                || packs.word_in_language(self.names.python, "plain-libraries").is_some_and(|w| w.has_word(root))
        };
        self.query_classes(query).into_iter().any(|class| self.ix.class(class).external.iter().any(|n| !is_known(n)))
    }

    /// A method of a query that the library defines.
    pub(super) fn query_op(&mut self, fr: &mut Frame<'a>, query: Query, name: Name, args: Args, at: Range, whole: Range) -> Val {
        let op = match query.model {
            Some(model) => self.ix.packs.op(self.dialect(model), self.names.query, name).cloned(),
            None if query.flags & flag::RAW != 0 => {
                self.ix.packs.op_in_language(self.language(fr), self.names.table, name).cloned()
            }
            None if query.flags & flag::SELECTED != 0 => {
                self.ix.packs.started_op_in_language(self.language(fr), self.names.query, name).cloned()
            }
            None => self.ix.packs.cautious_op_in_language(self.language(fr), self.names.query, name).cloned(),
        };
        match op {
            Some(op) => self.apply(fr, query, &op, name, args, at, whole),
            None => {
                self.run_callbacks(fr, &args, whole);
                // A scope or macro of a package narrows; that one would also load what is read later is rare. An object of
                // the program that it is given may do so.
                let mut query = query;
                if args.positional.iter().any(|v| matches!(self.data(*v), Data::Object { .. })) {
                    query.tree = self.v.trees.opened(query.tree);
                }
                let is_narrowing = self.ix.packs.word_in_language(self.language(fr), "scope-method").is_some();
                if is_narrowing || self.has_unknown_methods(&query) {
                    query.flags |= flag::FILTERED | flag::SCOPED;
                    return self.v.of(Data::Query(query));
                }
                UNKNOWN
            }
        }
    }

    /// Applies an operation to a query.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn apply(
        &mut self,
        fr: &mut Frame<'a>,
        mut query: Query,
        op: &Op,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        if !op.free_if_loaded && (op.result != Result::Scalar || op.callback.is_some()) {
            self.cut_from_parent(fr, &mut query, whole);
        }
        if op.resets_eager {
            query.tree = NOTHING;
        }
        if op.opens {
            query.tree = self.v.trees.opened(query.tree);
        }
        if op.only_columns || op.defers_columns {
            self.columns(&mut query, op, &args);
        }
        if op.adds_columns {
            self.add_columns(&mut query, &args);
        }
        if op.terms {
            self.without_partner(&mut query, &args);
        }
        if op.adds_attributes {
            for (name, _) in &args.named {
                if query.model.is_some_and(|m| self.relation(m, *name).is_none()) {
                    query.tree = self.v.trees.with(query.tree, *name, OPEN);
                }
            }
        }
        if let Some(grammar) = op.eager {
            query.tree = match query.model {
                Some(model) => self.eager_tree(fr, query.tree, model, grammar, &args),
                None => self.v.trees.opened(query.tree),
            };
            self.load_beside(fr, &mut query, grammar, &args);
        }
        for (on, bit) in [
            (op.filters, flag::FILTERED),
            (op.limits, flag::LIMITED),
            (op.projects, flag::PROJECTED),
            (op.no_eager, flag::NO_EAGER),
            (op.unscopes, flag::UNSCOPED),
            (op.orders, flag::ORDERED),
            (op.locks, flag::LOCKED),
            (op.keyed, flag::KEYED),
            (op.groups, flag::GROUPED),
            (op.narrows(), flag::NARROWED),
        ] {
            if on {
                query.flags |= bit;
            }
        }
        if op.projects {
            self.select_instead(&mut query, &args);
        }
        if op.few && args.positional.first().is_some_and(|v| self.is_few(*v)) {
            query.flags |= flag::FEW;
        }
        if query.model.is_some_and(|m| self.ix.packs.word(self.dialect(m), "loading-mode") == Some(name)) {
            query.tree = self.v.trees.opened(query.tree);
        }
        if op.no_eager
            && op.executes
            && let Source::Query(at) = self.v.source_of(query.src)
        {
            self.unloaded_by.insert(at, name);
        }
        self.mark(fr, &mut query, op, name, &args, at);
        if op.terms {
            self.held_to_one(fr, &mut query, name, &args);
            if self.is_one_row(&query, op, name, &args) {
                query.flags |= flag::FEW;
            }
        }
        // Rows of another table may stand beside the one row more than once.
        if (op.joins || op.alternative) && query.flags & flag::LIMITED == 0 {
            query.flags &= !flag::FEW;
        }
        if matches!(op.result, Result::Row | Result::Pair) && (op.writes || self.may_be_new(&query, name)) {
            self.unsure_rows.insert(query.src);
        }
        // A list that the code writes down is no batch of keys.
        let is_list = |val: Option<Val>| val.is_none_or(|val| !self.is_written_list(val));
        let named = |name: Name| args.named.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let by_keys =
            op.keyed && op.result == Result::Query && args.variables.contains(&Ok(1)) && is_list(args.positional.get(1).copied())
                || args.variables.iter().any(
                    |v| matches!(v, Err(name) if self.ix.packs.listed_column(name.as_str()).is_some() && is_list(named(*name))),
                );
        if by_keys || self.v.marks_of(query.marks).contains(&Mark::Keys) {
            query.flags |= flag::BATCH;
        }
        if op.executes && !op.lazy {
            let narrowed = op.limits || op.filters || (op.keyed && !args.positional.is_empty());
            self.execute(fr, &query, op, name, at, narrowed);
            self.fetched(fr, &query, op, &args, whole);
        }
        if let Some(callback) = op.callback {
            // `when(fn ($query) => …)`: the condition is asked of the query itself.
            let alone = || args.positional.first().copied().filter(|v| args.positional.len() == 1 && self.is_callable(*v));
            let asked = (callback.index == Some(1) && op.result == Result::Query).then(alone).flatten();
            if let Some(f) = asked {
                let before = self.v.of(Data::Query(query));
                return self.changed_by(fr, before, f, at).unwrap_or(UNKNOWN);
            }
            if let Some(f) = args.get(callback) {
                let next = callback.index.map(|i| i + 1);
                let otherwise =
                    next.and_then(|i| args.positional.get(i)).copied().filter(|v| matches!(self.data(*v), Data::Closure(..)));
                return self.query_callback(fr, query, op, f, otherwise, at);
            }
            if op.result == Result::Query && op.gets == Gets::Receiver {
                return self.v.of(Data::Query(query));
            }
        }
        let is_list = |e: &Engine<'a>, v: Option<&Val>| {
            v.is_some_and(|v| matches!(e.data(*v), Data::Many(..) | Data::Tuple(_) | Data::Record(..)))
        };
        match op.result {
            Result::Nothing => self.v.of(Data::Tuple(Box::default())),
            Result::Query | Result::Same => self.v.of(Data::Query(query)),
            Result::Rows if op.lazy => {
                let row = self.row_of(&query);
                let is_few = query.flags & flag::FEW != 0;
                self.v.many(row, if is_few { ManyKind::Literal } else { ManyKind::Lazy })
            }
            Result::Rows => {
                let row = self.row_of(&query);
                let few = query.flags & flag::FEW != 0;
                self.v.many(row, if few { ManyKind::Literal } else { ManyKind::Held })
            }
            Result::Row if op.many_if_list && is_list(self, args.positional.first()) => {
                let row = self.row_of(&query);
                let is_one = args.positional.first().is_some_and(|v| self.is_list_of_one(*v));
                self.measured.found_lists.insert(query.src);
                self.v.many(row, if is_one { ManyKind::Literal } else { ManyKind::Held })
            }
            Result::Row => {
                if op.many_if_list && args.positional.first().is_some_and(|v| *self.data(*v) == Data::Unknown) {
                    self.found_by_unknown.insert(query.src);
                }
                let row = self.row_of(&query);
                self.asked_by_row(&query, row)
            }
            Result::Pair => {
                let set = op.sets.and_then(|a| args.get(a)).map(|v| self.data(v).clone());
                if let Some(Data::Record(keys, _)) = set {
                    query.tree = keys.iter().fold(query.tree, |tree, (key, _)| self.v.trees.with(tree, *key, OPEN));
                }
                let row = self.row_of(&query);
                self.v.of(Data::Tuple(Box::new([row, SCALAR])))
            }
            Result::New => match query.model {
                Some(model) => self.fresh_row(model, self.span(fr, whole)),
                None => UNKNOWN,
            },
            Result::NewRows => match query.model {
                Some(model) => {
                    let row = self.fresh_row(model, self.span(fr, whole));
                    self.v.many(row, ManyKind::Held)
                }
                None => UNKNOWN,
            },
            Result::Scalars => self.v.many(SCALAR, ManyKind::Held),
            Result::Scalar => SCALAR,
            _ => UNKNOWN,
        }
    }

    /// One row that a query of another row's relation gave: a new one for each turn that gives a new holder.
    fn asked_by_row(&mut self, query: &Query, row: Val) -> Val {
        let turn = query.via.and_then(|(holder, _)| self.bare_row(holder)).map(|holder| holder.renewed_by);
        match (turn, self.bare_row(row)) {
            (Some(turn), Some(found)) if found.renewed_by == NO_LOOP => self.v.row(Row { renewed_by: turn, ..found }),
            _ => row,
        }
    }

    /// A query after a callback got it: what the callback returns, or the query changed in place.
    fn changed_by(&mut self, fr: &mut Frame<'a>, before: Val, f: Val, at: Range) -> Option<Val> {
        let (returned, first) = match self.data(f).clone() {
            Data::Closure(g, env, this) => self.call_closure_for_first(fr, g, &env, this, Args::positional(vec![before]), at),
            _ => (self.call_value(fr, f, Args::positional(vec![before]), at), UNKNOWN),
        };
        [returned, first].into_iter().find(|v| matches!(self.data(*v), Data::Query(_)))
    }

    fn query_callback(&mut self, fr: &mut Frame<'a>, query: Query, op: &Op, f: Val, otherwise: Option<Val>, at: Range) -> Val {
        match op.gets {
            Gets::Receiver => {
                let before = self.v.of(Data::Query(query.clone()));
                let Some(after) = self.changed_by(fr, before, f, at) else {
                    let mut query = query;
                    query.tree = self.v.trees.opened(query.tree);
                    query.flags |= flag::FILTERED | flag::SCOPED;
                    return self.v.of(Data::Query(query));
                };
                // Without a condition before it, the callback always runs.
                if op.callback.is_some_and(|c| c.index == Some(0)) {
                    return after;
                }
                // The other way is the second callback, where there is one.
                let other = otherwise.and_then(|g| self.changed_by(fr, before, g, at)).unwrap_or(before);
                self.v.join(other, after)
            }
            Gets::Element => {
                let row = self.row_of(&query);
                let val = self.per_turn(fr, row, true, at, |e, fr, row| e.call_value(fr, f, Args::positional(vec![row]), at));
                match op.result {
                    Result::Mapped => self.v.many(val, ManyKind::Held),
                    Result::Rows => self.v.many(row, ManyKind::Held),
                    _ => SCALAR,
                }
            }
            Gets::Chunk => {
                let row = self.row_of(&query);
                let rows = self.v.many(row, ManyKind::Held);
                self.call_value(fr, f, Args::positional(vec![rows]), at);
                SCALAR
            }
            Gets::Nothing => self.call_value(fr, f, Args::default(), at),
        }
    }

    /// An attribute of a query: a method, or what its class of the program defines.
    pub(super) fn query_attr(&mut self, fr: &mut Frame<'a>, object: Val, query: Query, name: Name, range: Range) -> Val {
        for class in self.query_classes(&query) {
            if let Some((_, f)) = self.ix.find_method(class, name)
                && self.is_property(f)
            {
                return self.call_function(fr, f, object, Args::default(), range).0;
            }
        }
        if self.is_page_rows(fr, name) {
            return object;
        }
        if name.as_str() == "model"
            && let Some(model) = query.model
        {
            return self.class_of_model(model);
        }
        self.v.of(Data::Method(object, name))
    }

    fn class_of_model(&mut self, model: ModelId) -> Val {
        match self.ix.model(model).class {
            Some(class) => self.v.of(Data::Class(class)),
            None => self.v.of(Data::ModelClass(model)),
        }
    }

    /// The class of the model that the first arguments name: `label.Model` in one text, or label and name in two.
    pub(super) fn model_named(&mut self, args: &Args) -> Val {
        let text = |at: usize| match args.positional.get(at).map(|v| self.data(*v)) {
            Some(Data::Str(text)) => Some(*text),
            _ => None,
        };
        let label = match (text(0), args.positional.len()) {
            (Some(whole), 1) => whole,
            (Some(label), _) => match text(1) {
                Some(name) => Name::new(&format!("{label}.{name}")),
                None => return UNKNOWN,
            },
            (None, _) => return UNKNOWN,
        };
        match self.ix.model_labelled(label.as_str()) {
            Some(model) => self.class_of_model(model),
            None => UNKNOWN,
        }
    }
}

/// Fills `{studly}`, `{camel}` and `{snake}` of a pattern of method names with an attribute's name.
pub(super) fn fill(pattern: &str, name: &str) -> String {
    let studly: String = name
        .split(['_', '-'])
        .map(|part| {
            let mut chars = part.chars();
            match chars.next() {
                Some(first) => first.to_uppercase().chain(chars).collect::<String>(),
                None => String::new(),
            }
        })
        .collect();
    let mut chars = studly.chars();
    let camel: String = match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    };
    pattern.replace("{studly}", &studly).replace("{camel}", &camel).replace("{name}", name)
}
