//! What do collections and iteration do with the values they get?

use super::call::Args;
use super::event::Statement;
use super::value::{Data, ManyKind, SCALAR, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Language;
use crate::index::ClassId;
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
            Data::Instance(class) => {
                self.blocking(fr, Name::new(&format!("{class}.__iter__")), at);
                (UNKNOWN, UNKNOWN, true)
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
    pub(super) fn written_down(&mut self, name: Name, args: &Args) -> Option<Val> {
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
    pub(super) fn per_element(
        &mut self,
        fr: &mut Frame<'a>,
        element: Val,
        callback: Val,
        op: &Op,
        at: Range,
        counts: bool,
    ) -> Val {
        if !matches!(
            self.data(callback),
            Data::Closure(..) | Data::Function(_) | Data::Method(..) | Data::Tuple(_) | Data::Object { .. } | Data::OneOf(_)
        ) {
            return UNKNOWN;
        }
        // Of rows that nobody knows, what they are handed to says what they are.
        let element = match *self.data(callback) {
            Data::Closure(f, ..) if element == UNKNOWN => match self.ix.function(f).params.get(op.element) {
                Some(param) => self.declared_param(f, param, false),
                None => element,
            },
            _ => element,
        };
        self.per_turn(fr, element, counts, at, |e, fr, element| {
            let mut vals = vec![UNKNOWN; op.element];
            vals.push(element);
            if e.language(fr) == e.names.php && op.element == 0 {
                vals.push(SCALAR);
            }
            e.call_value(fr, callback, Args::positional(vals), at)
        })
    }

    pub(super) fn is_callable(&self, val: Val) -> bool {
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
        if let Some(grown) = self.grown(fr, recv, name, &args, at) {
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
    fn grown(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: &Args, at: Range) -> Option<Val> {
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
                let e = self.element_of(fr, val, at);
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
        let mut recv = recv;
        let iterates = op.iterates || op.callback.is_some() || op.path.is_some();
        let (element, counts) = if iterates || matches!(self.data(recv), Data::Query(_)) {
            let (e, _, c) = self.iterate(fr, recv, at);
            (e, c)
        } else {
            (self.peek_element(recv), true)
        };
        let mut element = if element == NO_ELEMENT { UNKNOWN } else { element };
        if op.serializes {
            self.serialize(fr, recv, at, 0);
        }
        let mut result = UNKNOWN;
        let mut levels = 1;
        if let Some(callback) = op.callback {
            match args.get(callback) {
                Some(f) if self.is_callable(f) => {
                    result = match op.gets {
                        Gets::Element | Gets::Chunk => self.per_element(fr, element, f, op, at, counts),
                        Gets::Receiver => self.call_value(fr, f, Args::positional(vec![recv]), at),
                        Gets::Nothing => self.call_value(fr, f, Args::default(), at),
                    };
                    let stops = self.ix.packs.word_in_language(self.language(fr), "stops-at-match");
                    let goes_over_all = counts && !stops.is_some_and(|w| w.has_word(name.as_str()));
                    if op.gets == Gets::Element && goes_over_all && matches!(self.data(recv), Data::Many(_, ManyKind::Held)) {
                        element = self.as_read(fr, element, at);
                        recv = self.v.many(element, ManyKind::Held);
                    }
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
            // Groups by several keys stand in groups.
            levels = texts.len().max(1);
            if !compares {
                for text in texts {
                    result = self.per_turn(fr, element, true, at, |this, fr, e| this.read_path(fr, e, text, at));
                }
                element = self.as_read(fr, element, at);
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
        let mut made = self.many_result(fr, recv, op, element, result, at);
        if op.result == Result::Groups {
            for _ in 1..levels {
                made = self.v.many(made, ManyKind::Groups);
            }
        }
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

    pub(super) fn many_result(&mut self, fr: &mut Frame<'a>, recv: Val, op: &Op, element: Val, result: Val, at: Range) -> Val {
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
                let inner = if self.language(fr) == self.names.python && fr.language == Language::DjangoTemplate {
                    self.v.record(vec![(Name::new("grouper"), result), (Name::new("list"), inner)], None)
                } else if self.language(fr) == self.names.python && op.callback.is_some() {
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
            // What is no row stays what it is when its list becomes an array.
            Result::Scalars if op.serializes => match (self.data(element), self.data(recv)) {
                (Data::Row(_), _) => self.v.many(UNKNOWN, ManyKind::Held),
                (_, Data::Many(..) | Data::Tuple(_) | Data::Record(..)) => recv,
                _ => self.v.many(UNKNOWN, ManyKind::Held),
            },
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
}
