//! What do collections, iteration and functions of libraries do with the values they get?

use super::call::Args;
use super::event::Statement;
use super::value::{Data, ManyKind, NULL, Query, SCALAR, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Language;
use crate::index::{ClassId, ModelId};
use crate::packs::{Gets, Op, Result};

/// Iterating gives nothing at all: the value is known to be empty.
pub(super) const NO_ELEMENT: Val = Val(u32::MAX);

/// A literal of at most so many elements is no loop over data.
pub(super) const SMALL: usize = 8;

/// A range whose ends lie so near is no loop over data.
const MAX_RANGE: u64 = 12;

impl<'a> Engine<'a> {
    /// Iterates a value: its element, its key, and whether a loop over it turns once per row or element of data.
    pub(super) fn iterate(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) -> (Val, Val, bool) {
        match self.data(val).clone() {
            Data::Query(query) => {
                let element = self.iterate_query(fr, &query, val, at);
                (element, SCALAR, query.flags & flag::FEW == 0)
            }
            Data::Many(e, ManyKind::Literal) => (e, SCALAR, false),
            // One statement per group is the way to batch.
            Data::Many(e, ManyKind::Groups) => (e, SCALAR, false),
            Data::Many(e, _) => (e, SCALAR, true),
            Data::Tuple(items) if items.is_empty() => (NO_ELEMENT, UNKNOWN, false),
            Data::Tuple(items) => {
                let e = items.iter().copied().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                (e, SCALAR, items.len() > SMALL)
            }
            Data::Record(keys, rest) => {
                if self.ix.file(fr.file).language == Language::Python {
                    return (SCALAR, SCALAR, rest.is_some());
                }
                let e = keys.iter().map(|(_, v)| *v).chain(rest).reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                (e, SCALAR, rest.is_some())
            }
            Data::OneOf(all) => {
                let mut element: Option<Val> = None;
                let mut counts = false;
                let mut parts = Vec::with_capacity(all.len());
                for v in all.iter() {
                    let (e, _, c) = self.iterate(fr, *v, at);
                    if e != NO_ELEMENT {
                        counts |= c;
                        parts.push((e, c));
                    }
                }
                for (e, c) in parts {
                    // Where the other way gives many rows, the one row of this way is none of theirs.
                    if counts && !c && self.bare_row(e).is_some() {
                        continue;
                    }
                    element = Some(match element {
                        Some(old) => self.v.join(old, e),
                        None => e,
                    });
                }
                (element.unwrap_or(NO_ELEMENT), SCALAR, counts)
            }
            Data::Object { class, .. } => {
                if let Some(part) = self.form_elements(fr, val, at) {
                    return (part, SCALAR, false);
                }
                for name in ["__iter__", "getIterator", "__aiter__"] {
                    let name = Name::new(name);
                    if self.ix.find_method(class, name).is_some() {
                        let inner = self.call_method(fr, val, name, Args::default(), at);
                        if matches!(self.data(inner), Data::Many(..) | Data::Query(_) | Data::Tuple(_)) {
                            return self.iterate(fr, inner, at);
                        }
                    }
                }
                // What a class declares are few.
                (UNKNOWN, UNKNOWN, !self.has_role(class, "response-model-base"))
            }
            Data::Null => (NO_ELEMENT, UNKNOWN, false),
            // What is looped over is no row: what it was found by was a list.
            Data::Row(row) if self.found_by_unknown.contains(&row.src) => {
                self.measured.found_lists.insert(row.src);
                (val, SCALAR, true)
            }
            // The cases of an enumeration.
            Data::Class(class) if self.is_enum(class) => {
                (self.v.of(Data::Object { class, fields: Box::default(), exact: false }), SCALAR, false)
            }
            _ => (UNKNOWN, UNKNOWN, true),
        }
    }

    /// Does the code itself write down what is in a container?
    fn is_short(&self, val: Val) -> bool {
        match self.data(val) {
            Data::Tuple(items) => items.len() <= SMALL,
            Data::Record(_, rest) => rest.is_none(),
            Data::Many(_, ManyKind::Literal) => true,
            Data::OneOf(all) => all.iter().all(|v| self.is_short(*v)),
            Data::Class(class) => self.is_enum(*class),
            _ => false,
        }
    }

    /// What some functions of the languages give for what the code itself writes down: `in_array('a', ['a', 'b'])`, `range(1, 7)`.
    fn written_down(&mut self, name: Name, args: &Args) -> Option<Val> {
        match (name.as_str(), args.positional.as_slice()) {
            ("in_array", [wanted, all, ..]) => {
                let (Data::Str(wanted), Data::Tuple(items)) = (self.data(*wanted), self.data(*all)) else { return None };
                let is_text = |v: &Val| matches!(self.data(*v), Data::Str(_));
                let found = items.iter().any(|v| *self.data(*v) == Data::Str(*wanted));
                items.iter().all(is_text).then(|| self.v.of(Data::Bool(found)))
            }
            ("range", given @ ([_] | [_, _, ..])) => {
                let number = |v: &Val| if let Data::Int(i) = self.data(*v) { Some(*i) } else { None };
                let (start, end) =
                    if given.len() == 1 { (0, number(&given[0])?) } else { (number(&given[0])?, number(&given[1])?) };
                (end.abs_diff(start) <= MAX_RANGE).then(|| self.v.many(SCALAR, ManyKind::Literal))
            }
            _ => None,
        }
    }

    /// What is made of a few elements is few.
    pub(super) fn few_of(&mut self, from: &[Val], made: Val) -> Val {
        match *self.data(made) {
            Data::Many(e, ManyKind::Held | ManyKind::Lazy) if !from.is_empty() && from.iter().all(|v| self.is_short(*v)) => {
                self.v.many(e, ManyKind::Literal)
            }
            _ => made,
        }
    }

    /// The cases of an enumeration as a list, by the name of the method or attribute that gives them.
    pub(super) fn enum_list(&mut self, fr: &Frame<'a>, class: ClassId, name: Name) -> Option<Val> {
        let words = self.ix.packs.word_in_language(self.language(fr), "enum-lists")?;
        let is_list = self.is_enum(class) && words.has_word(name.as_str());
        is_list.then(|| self.v.many(SCALAR, ManyKind::Literal))
    }

    /// The element of a value, for unpacking and joining; runs a query if it is one.
    pub(super) fn element_of(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) -> Val {
        match self.iterate(fr, val, at).0 {
            NO_ELEMENT => UNKNOWN,
            e => e,
        }
    }

    /// A value becomes text: its class may read relations for it.
    pub(super) fn as_text(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) {
        for v in self.v.alternatives(val) {
            match self.data(v).clone() {
                Data::Row(row) => {
                    let Some(class) = self.ix.model(row.model).class else {
                        continue;
                    };
                    let dialect = self.ix.model(row.model).dialect;
                    let Some(methods) = self.ix.packs.word(dialect, "text-method") else {
                        continue;
                    };
                    for method in methods.as_str().split_whitespace() {
                        if let Some((_, f)) = self.ix.find_method(class, Name::new(method)) {
                            self.call_function(fr, f, v, Args::default(), at);
                            break;
                        }
                    }
                }
                Data::Object { class, .. } => {
                    self.show_form(fr, v, at);
                    for method in ["__str__", "__toString"] {
                        if let Some((_, f)) = self.ix.find_method(class, Name::new(method)) {
                            self.call_function(fr, f, v, Args::default(), at);
                        }
                    }
                }
                Data::Many(form, _) if matches!(self.data(form), Data::Object { .. }) => self.show_forms(fr, v, at),
                // A related manager or query printed as such runs; attributes that are methods do not.
                Data::Query(query) if query.via.is_none() && query.model.is_some_and(|m| self.keeps_rows(m)) => {
                    self.iterate(fr, v, at);
                }
                _ => (),
            }
        }
    }

    /// Runs a callback once per element; gives what it gives.
    fn per_element(&mut self, fr: &mut Frame<'a>, element: Val, callback: Val, op: &Op, at: Range, counts: bool) -> Val {
        if !matches!(
            self.data(callback),
            Data::Closure(..) | Data::Function(_) | Data::Method(..) | Data::Tuple(_) | Data::Object { .. } | Data::OneOf(_)
        ) {
            return UNKNOWN;
        }
        self.per_turn(fr, element, counts, at, |e, fr, element| {
            let mut vals = vec![UNKNOWN; op.element];
            vals.push(element);
            if e.language(fr) == e.names.php && op.element == 0 {
                vals.push(SCALAR);
            }
            e.call_value(fr, callback, Args::positional(vals), at)
        })
    }

    fn is_callable(&self, val: Val) -> bool {
        matches!(self.data(val), Data::Closure(..) | Data::Function(_) | Data::Method(..))
    }

    /// A method of something that is many. Gives the receiver as it is afterwards, too.
    pub(super) fn many_method(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> (Val, Option<Val>) {
        if let Some(grown) = self.grown(fr, recv, name, &args) {
            return (SCALAR, Some(grown));
        }
        if let Some(given) = self.mapping_method(fr, recv, name, &args) {
            return given;
        }
        // Collection classes of the program.
        if let Data::Many(e, _) = self.data(recv).clone()
            && let Data::Row(row) = *self.data(e)
            && let Some(class) = self.ix.model(row.model).collection_class
            && let Some((_, f)) = self.ix.find_method(class, name)
        {
            return (self.call_function(fr, f, recv, args, whole).0, None);
        }
        let Some(op) = self.ix.packs.op_in_language(self.language(fr), self.names.rows, name).cloned() else {
            self.run_callbacks(fr, &args, whole);
            return (UNKNOWN, None);
        };
        if op.loads.is_some() {
            return self.load_many(fr, recv, &op, name, &args, at);
        }
        let val = self.many_op(fr, recv, &op, name, &args, at);
        (val, None)
    }

    fn load_many(&mut self, fr: &mut Frame<'a>, recv: Val, op: &Op, name: Name, args: &Args, at: Range) -> (Val, Option<Val>) {
        let Some(grammar) = op.loads else {
            return (recv, None);
        };
        let mut changed = recv;
        for (src, model) in self.v.sources_in(recv) {
            let more = self.eager_tree(fr, super::tree::NOTHING, model, grammar, args);
            let loaded = self.v.with_loaded(changed, src, more);
            // What asks only for what is missing asks for nothing.
            let asks_missing = self.ix.packs.word(self.ix.model(model).dialect, "loads-missing");
            if loaded != changed || !asks_missing.is_some_and(|w| w.has_word(name.as_str())) {
                self.statement(fr, Statement::Load, name, Some(model), None, false, src, 0, at);
            }
            self.mark_loaded(fr, src, more);
            changed = loaded;
        }
        (changed, Some(changed))
    }

    /// A container that an element is added to.
    fn grown(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: &Args) -> Option<Val> {
        match name.as_str() {
            // There, it says what is shown of each row.
            "append" if fr.language == Language::Php || fr.language == Language::Blade => None,
            "append" | "add" | "appendleft" | "push" | "prepend" => {
                let val = *args.positional.first()?;
                if !matches!(self.data(recv), Data::Tuple(_) | Data::Many(..)) {
                    return None;
                }
                Some(if name.as_str() == "prepend" || name.as_str() == "appendleft" {
                    self.with_element(recv, None, val)
                } else {
                    self.with_one_more(fr, recv, val)
                })
            }
            "extend" | "update" => {
                if !matches!(self.data(recv), Data::Tuple(_) | Data::Many(..)) {
                    return None;
                }
                let val = *args.positional.first()?;
                let range = fr.decl.name_range;
                let e = self.element_of(fr, val, range);
                Some(self.with_element(recv, None, e))
            }
            "insert" => {
                let val = *args.positional.get(1)?;
                matches!(self.data(recv), Data::Tuple(_) | Data::Many(..)).then(|| self.with_element(recv, None, val))
            }
            // Others take the place of the rows.
            _ if matches!(self.data(recv), Data::Many(..)) => {
                let replaces = self.ix.packs.word_in_language(self.language(fr), "rows-replaced-by")?;
                args.positional.first().copied().filter(|_| replaces.has_word(name.as_str()))
            }
            _ => None,
        }
    }

    /// Applies an operation to many elements.
    pub(super) fn many_op(&mut self, fr: &mut Frame<'a>, recv: Val, op: &Op, name: Name, args: &Args, at: Range) -> Val {
        let iterates = op.iterates || op.callback.is_some() || op.path.is_some();
        let (element, counts) = if iterates || matches!(self.data(recv), Data::Query(_)) {
            let (e, _, c) = self.iterate(fr, recv, at);
            (e, c)
        } else {
            (self.peek_element(recv), true)
        };
        let element = if element == NO_ELEMENT { UNKNOWN } else { element };
        if op.serializes {
            self.serialize(fr, recv, at, 0);
        }
        let mut result = UNKNOWN;
        if let Some(callback) = op.callback {
            match args.get(callback) {
                Some(f) if self.is_callable(f) => {
                    result = match op.gets {
                        Gets::Element | Gets::Chunk => self.per_element(fr, element, f, op, at, counts),
                        Gets::Receiver => self.call_value(fr, f, Args::positional(vec![recv]), at),
                        Gets::Nothing => self.call_value(fr, f, Args::default(), at),
                    };
                }
                // `map('str', rows)`: a builtin per element.
                Some(f) => {
                    if let Data::External(n) = *self.data(f)
                        && matches!(n.as_str(), "str" | "repr")
                    {
                        self.per_turn(fr, element, true, at, |this, fr, e| this.as_text(fr, e, at));
                        result = SCALAR;
                    }
                }
                None => (),
            }
        }
        if let Some(path) = op.path
            && let Some(val) = args.get(path)
        {
            let texts: Vec<Name> = match self.data(val).clone() {
                Data::Str(s) => vec![s],
                Data::Tuple(items) => {
                    items.iter().filter_map(|v| if let Data::Str(s) = self.data(*v) { Some(*s) } else { None }).collect()
                }
                _ => Vec::new(),
            };
            // One text alone is a value to look for, not a path, in methods that compare.
            let compares = op.result == Result::Scalar
                && args.positional.len() == 1
                && matches!(name.as_str(), "contains" | "doesntContain" | "some" | "search");
            if !compares {
                for text in texts {
                    result = self.per_turn(fr, element, true, at, |this, fr, e| this.read_path(fr, e, text, at));
                }
            }
        }
        if op.result == Result::Chain {
            let parts: Vec<Val> = std::iter::once(recv).chain(args.positional.iter().copied()).collect();
            return self.chained(fr, &parts, at);
        }
        let few = op.few && args.positional.first().is_some_and(|v| self.is_few(*v));
        if few && op.result == Result::Same {
            return self.v.many(element, ManyKind::Literal);
        }
        let made = self.many_result(fr, recv, op, element, result, at);
        self.few_of(&[recv], made)
    }

    fn peek_element(&mut self, recv: Val) -> Val {
        match self.data(recv).clone() {
            Data::Many(e, _) => e,
            Data::Tuple(items) => items.iter().copied().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN),
            Data::Record(keys, rest) => {
                keys.iter().map(|(_, v)| *v).chain(rest).reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            _ => UNKNOWN,
        }
    }

    fn many_result(&mut self, fr: &mut Frame<'a>, recv: Val, op: &Op, element: Val, result: Val, at: Range) -> Val {
        match op.result {
            Result::Same => match self.data(recv) {
                Data::Query(_) => self.v.many(element, ManyKind::Held),
                _ => recv,
            },
            Result::Element if op.of_first_column => match self.data(element) {
                Data::Tuple(items) => items.first().copied().unwrap_or(UNKNOWN),
                _ => element,
            },
            Result::Element => element,
            Result::Groups => {
                let inner = self.v.many(element, ManyKind::Held);
                let inner = if self.language(fr) == self.names.python && op.callback.is_some() {
                    self.v.of(Data::Tuple(Box::new([SCALAR, inner])))
                } else {
                    inner
                };
                self.v.many(inner, ManyKind::Groups)
            }
            Result::Mapped => self.v.many(result, ManyKind::Held),
            Result::Flat => {
                let inner = if op.callback.is_some() && result != UNKNOWN { result } else { element };
                let e = match self.data(inner) {
                    Data::Many(..) | Data::Query(_) | Data::Tuple(_) => self.element_of(fr, inner, at),
                    _ => inner,
                };
                self.v.many(e, ManyKind::Held)
            }
            Result::Callback => result,
            Result::Scalars => self.v.many(SCALAR, ManyKind::Held),
            Result::Scalar => SCALAR,
            Result::Enumerated => {
                let pair = self.v.of(Data::Tuple(Box::new([SCALAR, element])));
                self.v.many(pair, ManyKind::Held)
            }
            Result::Items => {
                let e = match self.data(recv).clone() {
                    Data::Record(..) => self.peek_element(recv),
                    _ => element,
                };
                let pair = self.v.of(Data::Tuple(Box::new([SCALAR, e])));
                self.v.many(pair, ManyKind::Held)
            }
            Result::FirstColumn => {
                let first = match self.data(element) {
                    Data::Tuple(items) => items.first().copied().unwrap_or(UNKNOWN),
                    _ => element,
                };
                self.v.many(first, ManyKind::Held)
            }
            _ => UNKNOWN,
        }
    }

    /// An attribute of many: a method, or a higher-order proxy.
    pub(super) fn many_attr(&mut self, fr: &mut Frame<'a>, object: Val, name: Name, _range: Range) -> Val {
        match self.ix.packs.op_in_language(self.language(fr), self.names.rows, name) {
            _ if self.is_page_rows(fr, name) => object,
            Some(op) if op.callback.is_some() && self.language(fr) == self.names.php => self.v.of(Data::Proxy(object, name)),
            _ => self.v.of(Data::Method(object, name)),
        }
    }

    /// An attribute of a page or group that holds its rows.
    pub(super) fn is_page_rows(&self, fr: &Frame<'a>, name: Name) -> bool {
        let words = self.ix.packs.word_in_language(self.language(fr), "page-rows");
        words.is_some_and(|w| w.has_word(name.as_str()))
    }

    /// `$posts->map->author`
    pub(super) fn proxy_attr(&mut self, fr: &mut Frame<'a>, many: Val, method: Name, name: Name, range: Range) -> Val {
        let Some(op) = self.ix.packs.op_in_language(self.language(fr), self.names.rows, method).cloned() else {
            return UNKNOWN;
        };
        let (element, _, _) = self.iterate(fr, many, range);
        if element == NO_ELEMENT {
            return UNKNOWN;
        }
        let result = self.per_turn(fr, element, true, range, |this, fr, e| this.attr(fr, e, name, range));
        self.many_result(fr, many, &op, element, result, range)
    }

    /// `$posts->each->delete()`
    pub(super) fn proxy_call(&mut self, fr: &mut Frame<'a>, many: Val, method: Name, name: Name, args: Args, at: Range) -> Val {
        let Some(op) = self.ix.packs.op_in_language(self.language(fr), self.names.rows, method).cloned() else {
            return UNKNOWN;
        };
        let (element, _, _) = self.iterate(fr, many, at);
        if element == NO_ELEMENT {
            return UNKNOWN;
        }
        let result = self.per_turn(fr, element, true, at, |this, fr, e| this.call_method(fr, e, name, args, at));
        self.many_result(fr, many, &op, element, result, at)
    }

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
        // `datatables($query)` is about the query, `datatables()` what makes tables.
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
