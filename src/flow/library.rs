//! What do functions and instances of libraries do with the values they get, as packs say?

use super::call::Args;
use super::event::Statement;
use super::value::{Data, ManyKind, NULL, Query, SCALAR, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Language;
use crate::index::ModelId;
use crate::packs::{Gets, Op, Result};

impl<'a> Engine<'a> {
    /// Runs what a pack says of a function.
    pub(super) fn function_op(&mut self, fr: &mut Frame<'a>, name: Name, op: &Op, args: Args, range: Range) -> Val {
        if self.is_handing_over(op, &args) {
            return self.dispatched(fr, op, None, Name::new(name.last_segment()), &args, range);
        }
        if let Some(template) = op.template
            && (op.instance.is_none() || !args.positional.is_empty())
        {
            if op.dispatches {
                self.run_callbacks(fr, &args, range);
            }
            return self.render_call(fr, op, template, &args, range);
        }
        match op.result {
            Result::LoadPath
            | Result::LoadWay
            | Result::LoadNone
            | Result::LoadColumns
            | Result::LoadBelow
            | Result::Prefetch => {
                return self.load_op(NULL, op, &args);
            }
            Result::User => return self.current_user(),
            Result::ModelNamed => return self.model_named(&args),
            Result::TemplateNamed => {
                let named = self.subject(op, &args);
                return self.template_object(named);
            }
            Result::Accessor => {
                let getter = op.callback.and_then(|c| args.get(c));
                return self.v.record(getter.map(|g| (Name::new("get"), g)).into_iter().collect(), None);
            }
            Result::Condition => return self.condition_of(&args.positional, &args.named, op.alternative),
            Result::Route => {
                self.route(fr, &args, range);
                return UNKNOWN;
            }
            Result::Chain => return self.chained(fr, &args.positional, range),
            Result::Zip => {
                let mut items = Vec::new();
                for v in &args.positional {
                    items.push(self.element_of(fr, *v, range));
                }
                let tuple = self.v.of(Data::Tuple(items.into_boxed_slice()));
                let made = self.v.many(tuple, ManyKind::Held);
                return self.few_of(&args.positional, made);
            }
            Result::InstanceOf => return self.asked_container(fr, op, &args, range),
            _ => (),
        }
        if op.tables
            && let Some(val) = self.table_query(fr, &args, range)
        {
            return val;
        }
        if op.authorizes {
            let user = self.current_user();
            return self.ask_policy(fr, user, &args, range);
        }
        if let (Some(instance), true) = (op.instance, op.serializes) {
            let val = self.subject(op, &args);
            self.serialize(fr, val, range, 0);
            return self.v.of(Data::Instance(instance));
        }
        // Given a query, a function may be about that; without, it gives what is asked for more.
        if let Some(instance) = op.instance.filter(|_| op.result != Result::Same || args.positional.is_empty()) {
            return self.v.of(Data::Instance(instance));
        }
        if op.serializes {
            let val = self.subject(op, &args);
            self.serialize(fr, val, range, 0);
            return SCALAR;
        }
        let subject = self.subject(op, &args);
        if let Some(grammar) = op.loads {
            let mut rest = args.clone();
            if !rest.positional.is_empty() {
                rest.positional.remove(0);
            }
            for (src, model) in self.v.sources_in(subject) {
                self.statement(fr, Statement::Load, Name::new(name.last_segment()), Some(model), None, false, src, 0, range);
                let more = self.eager_tree(fr, super::tree::NOTHING, model, grammar, &rest);
                self.mark_loaded(fr, src, more);
            }
            return subject;
        }
        if let Some(path) = op.path
            && op.result == Result::Unknown
        {
            return match args.get(path) {
                Some(paths) => self.read_paths(fr, subject, paths, range),
                None => UNKNOWN,
            };
        }
        if op.executes {
            let method = Name::new(name.last_segment());
            return match self.as_query(fr, subject, range) {
                Some(mut query) => {
                    if op.terms {
                        // What follows the receiver are conditions.
                        let mut rest = args.clone();
                        if !rest.positional.is_empty() {
                            rest.positional.remove(0);
                        }
                        self.mark(fr, &mut query, op, method, &rest, range);
                    }
                    self.apply(fr, query, op, method, Args::default(), range, range)
                }
                None => {
                    if op.arg.is_none() {
                        let src = self.v.source(Source::Query(super::Span { file: fr.file, range }));
                        let kind = if op.writes { Statement::Write } else { Statement::Read };
                        let bare = Query { flags: flag::RAW, ..Query::new(None, super::tree::OPEN, src) };
                        self.executed(fr, &bare, kind, method, range, false);
                        self.statement(fr, kind, method, None, None, false, src, flag::RAW, range);
                    }
                    match op.result {
                        Result::Scalars => self.v.many(UNKNOWN, ManyKind::Held),
                        Result::Scalar => SCALAR,
                        _ => UNKNOWN,
                    }
                }
            };
        }
        if op.result == Result::Query {
            return self.select(fr, &args, range);
        }
        if let Some(given) = op.runs_after {
            return self.run_after(fr, given, &args, range);
        }
        if op.offloads {
            // What runs there blocks nobody; it still queries.
            let mark = fr.buffer.len();
            return match args.positional.first() {
                Some(f) if op.result == Result::Same => {
                    let f = *f;
                    self.offloaded(f)
                }
                Some(f) => {
                    let f = *f;
                    let mut rest = args.clone();
                    rest.positional.remove(0);
                    let val = self.call_value(fr, f, rest, range);
                    fr.forget_blocking(mark);
                    val
                }
                None => UNKNOWN,
            };
        }
        if op.result == Result::Callback && op.gets == Gets::Nothing {
            let mark = fr.buffer.len();
            let val = match op.callback.and_then(|c| args.get(c)) {
                Some(f) => self.call_value(fr, f, Args::default(), range),
                None => UNKNOWN,
            };
            if op.memoises {
                fr.forget_cached(mark);
            }
            return val;
        }
        if let Some(known) = self.written_down(name, &args) {
            return known;
        }
        if op.converts_to_text {
            for v in args.positional.clone() {
                self.as_text(fr, v, range);
            }
        }
        if op.arg.is_some() {
            if matches!(op.result, Result::Scalar) && !op.iterates && op.callback.is_none() {
                return SCALAR;
            }
            // `tap($rows, fn ($rows) => $rows->load('author'))`
            if let (Gets::Receiver, Some(f)) = (op.gets, op.callback.and_then(|c| args.get(c))) {
                return self.tapped(fr, subject, f, range);
            }
            let method = Name::new(name.last_segment());
            // `min(a, b)`: not a collection.
            if op.result == Result::Element && args.positional.len() > 1 && op.callback.is_none() {
                return UNKNOWN;
            }
            if !matches!(
                self.data(subject),
                Data::Query(_) | Data::Many(..) | Data::Tuple(_) | Data::Record(..) | Data::OneOf(_) | Data::Object { .. }
            ) {
                if let Some(f) = op.callback.and_then(|c| args.get(c)) {
                    // The collection is not known, but what is done per element is still a loop.
                    let counts = self.is_callable(f);
                    let result = self.per_element(fr, UNKNOWN, f, op, range, counts);
                    return self.many_result(fr, subject, op, UNKNOWN, result, range);
                }
                return match op.result {
                    // `collect()`: filled later.
                    Result::Same if args.positional.is_empty() && !args.open && fr.language == Language::Php => {
                        self.v.many(UNKNOWN, ManyKind::Held)
                    }
                    Result::Same => subject,
                    Result::Scalar => SCALAR,
                    Result::Mapped | Result::Enumerated | Result::Groups => {
                        self.many_result(fr, subject, op, UNKNOWN, UNKNOWN, range)
                    }
                    _ => UNKNOWN,
                };
            }
            // Building a page of a query sends nothing by itself.
            if op.result == Result::Same && !op.iterates && op.callback.is_none() {
                return subject;
            }
            return self.many_op(fr, subject, op, method, &args, range);
        }
        match op.result {
            Result::Scalar => SCALAR,
            Result::Scalars => {
                let made = self.v.many(SCALAR, ManyKind::Held);
                self.few_of(&args.positional[..args.positional.len().min(1)], made)
            }
            _ => UNKNOWN,
        }
    }

    /// A method of an instance of a library class.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn instance_op(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        op: &Op,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        let is_async =
            matches!(self.data(recv), Data::Instance(c) if self.ix.packs.roles(*c).iter().any(|r| r.as_str() == "async-session"));
        let was_async = self.is_async_work;
        self.is_async_work |= is_async;
        let mark = fr.buffer.len();
        let val = self.instance_op_now(fr, recv, op, name, args, at, whole);
        self.is_async_work = was_async;
        if op.offloads {
            fr.forget_blocking(mark);
        }
        val
    }

    #[allow(clippy::too_many_arguments)]
    fn instance_op_now(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        op: &Op,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> Val {
        if self.is_handing_over(op, &args) {
            return self.dispatched(fr, op, None, name, &args, whole);
        }
        if let Some(given) = op.runs_after {
            return self.run_after(fr, given, &args, whole);
        }
        if let Some(template) = op.template {
            if op.dispatches {
                self.run_callbacks(fr, &args, whole);
            }
            return self.render_call(fr, op, template, &args, whole);
        }
        if op.serializes {
            let val = self.subject(op, &args);
            self.serialize(fr, val, whole, 0);
            return SCALAR;
        }
        // A method that runs a function on each of what it is given.
        if op.arg.is_some() && op.callback.is_some() && !op.executes {
            let subject = self.subject(op, &args);
            if matches!(self.data(subject), Data::Int(_) | Data::Scalar) {
                self.run_callbacks(fr, &args, whole);
                return UNKNOWN;
            }
            return self.many_op(fr, subject, op, name, &args, at);
        }
        if op.authorizes {
            let user = self.current_user();
            return self.ask_policy(fr, user, &args, whole);
        }
        if op.converts_to_text {
            for v in args.positional.clone() {
                self.as_text(fr, v, whole);
            }
        }
        if op.resets_eager && args.positional.len() <= 1 {
            let subject = args.positional.first().copied().unwrap_or(UNKNOWN);
            for (src, _) in self.v.sources_in(subject) {
                self.mark_loaded(fr, src, super::tree::OPEN);
            }
        }
        match op.result {
            Result::User => return self.current_user(),
            Result::Route => {
                self.route(fr, &args, whole);
                return UNKNOWN;
            }
            Result::Same if !op.executes => return recv,
            Result::InstanceOf => return self.asked_container(fr, op, &args, whole),
            Result::Query => return self.select(fr, &args, whole),
            Result::Callback => {
                let mark = fr.buffer.len();
                let val = match op.callback.and_then(|c| args.get(c)) {
                    Some(f) => {
                        let given = if op.gets == Gets::Receiver { vec![recv] } else { Vec::new() };
                        self.call_value(fr, f, Args::positional(given), whole)
                    }
                    None => UNKNOWN,
                };
                if op.memoises {
                    fr.forget_cached(mark);
                }
                return val;
            }
            _ => (),
        }
        if op.tables
            && let Some(val) = self.table_query(fr, &args, whole)
        {
            return val;
        }
        if let Some(instance) = op.instance {
            return self.v.of(Data::Instance(instance));
        }
        if op.executes {
            let subject = self.subject(op, &args);
            let Some(query) = self.as_query(fr, subject, whole) else {
                let src = self.v.source(Source::Query(super::Span { file: fr.file, range: whole }));
                let kind = if op.writes { Statement::Write } else { Statement::Read };
                if op.arg.is_none() || !op.writes && self.data(subject) != &Data::Unknown {
                    self.statement(fr, kind, name, None, None, false, src, flag::RAW, at);
                } else {
                    // Whatever it is, its thread waits for it.
                    self.waits(fr, name, None, at);
                }
                return match op.result {
                    Result::Scalars => self.v.many(UNKNOWN, ManyKind::Held),
                    Result::Scalar => SCALAR,
                    _ => UNKNOWN,
                };
            };
            if let (true, Source::Query(written)) = (self.is_async_work, self.v.source_of(query.src)) {
                self.async_queries.insert(written);
            }
            let mut query = query;
            if let (Some(m), Some((_, v))) = (query.model, args.named.iter().find(|(n, _)| n.as_str() == "options")) {
                let loads = Args::positional(vec![*v]);
                query.tree = self.eager_tree(fr, query.tree, m, crate::packs::Grammar::Options, &loads);
            }
            self.execute(fr, &query, op, name, at, true);
            self.fetched(fr, &query, op, &Args::default(), whole);
            let row = self.row_of(&query);
            return match op.result {
                Result::Row => match self.data(row) {
                    Data::Tuple(items) => items.first().copied().unwrap_or(UNKNOWN),
                    _ => row,
                },
                Result::FirstColumn => {
                    let first = match self.data(row) {
                        Data::Tuple(items) => items.first().copied().unwrap_or(UNKNOWN),
                        _ => row,
                    };
                    self.v.many(first, ManyKind::Held)
                }
                Result::ResultSet => {
                    let tuple = match self.data(row) {
                        Data::Tuple(_) => row,
                        _ => self.v.of(Data::Tuple(Box::new([row]))),
                    };
                    self.v.many(tuple, ManyKind::Held)
                }
                Result::Scalar => SCALAR,
                _ => UNKNOWN,
            };
        }
        match op.result {
            Result::Scalar => SCALAR,
            Result::Null => NULL,
            _ => {
                self.run_callbacks(fr, &args, whole);
                UNKNOWN
            }
        }
    }

    /// The object that stands for whoever is logged in: one row, the same all through a request.
    pub(super) fn current_user(&mut self) -> Val {
        let mut found = None;
        for (i, model) in self.ix.models.iter().enumerate() {
            if model.is_abstract {
                continue;
            }
            let Some(class) = model.class else { continue };
            let is_user = self
                .ix
                .class(class)
                .external
                .iter()
                .any(|e| self.ix.packs.roles(*e).iter().any(|r| r.as_str() == "authenticatable"));
            if is_user && (found.is_none() || model.name.last_segment() == "User") {
                found = Some(ModelId(i as u32));
            }
        }
        match found.or(self.ix.swapped) {
            Some(model) => self.declared_row(model, Source::Ambient),
            None => UNKNOWN,
        }
    }
}
