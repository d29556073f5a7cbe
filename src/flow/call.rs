//! Which function runs, with what, and what comes back?

use super::value::{Data, Query, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Arg, Expr, ExprId, Language, Spread};
use crate::index::FnRef;
use crate::packs::{ArgRef, Op};

/// Arguments of a call, evaluated.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    /// By position.
    pub(super) positional: Vec<Val>,
    /// By name.
    pub(super) named: Vec<(Name, Val)>,
    /// More may follow that are not known.
    pub(super) open: bool,
    /// Ranges of the positional arguments.
    pub(super) ranges: Vec<Range>,
    /// Some argument is a variable that may hold a list of keys: its position or name.
    pub(super) variables: Vec<Result<usize, Name>>,
}

impl Args {
    pub(super) fn positional(vals: Vec<Val>) -> Args {
        Args { positional: vals, ..Args::default() }
    }

    /// The argument that a pack refers to.
    pub(super) fn get(&self, arg: ArgRef) -> Option<Val> {
        if let Some(name) = arg.name
            && let Some((_, v)) = self.named.iter().find(|(n, _)| *n == name)
        {
            return Some(*v);
        }
        arg.index.and_then(|i| self.positional.get(i)).copied()
    }
}

impl<'a> Engine<'a> {
    pub(super) fn args(&mut self, fr: &mut Frame<'a>, args: &'a [Arg]) -> Args {
        let mut out = Args::default();
        for arg in args {
            let val = self.expr(fr, arg.value);
            if arg.spread == Spread::No
                && matches!(fr.body.expr(arg.value), Expr::Local(_))
                && matches!(self.data(val), Data::Unknown | Data::Many(..) | Data::Scalar | Data::Tuple(_))
            {
                out.variables.push(arg.name.map_or(Ok(out.positional.len()), Err));
            }
            match (arg.spread, arg.name) {
                (Spread::No, None) => {
                    out.positional.push(val);
                    out.ranges.push(fr.body.range(arg.value));
                }
                (Spread::No, Some(name)) => out.named.push((name, val)),
                (Spread::Elements, _) => match self.data(val).clone() {
                    Data::Tuple(items) => {
                        out.positional.extend(items.iter().copied());
                        out.ranges.extend(items.iter().map(|_| fr.body.range(arg.value)));
                    }
                    _ => out.open = true,
                },
                (Spread::Keywords, _) => match self.data(val).clone() {
                    Data::Record(keys, None) => out.named.extend(keys.iter().copied()),
                    Data::Record(keys, Some(_)) => {
                        out.named.extend(keys.iter().copied());
                        out.open = true;
                    }
                    _ => out.open = true,
                },
            }
        }
        out
    }

    pub(super) fn call_expr(&mut self, fr: &mut Frame<'a>, id: ExprId, callee: ExprId, args: &'a [Arg]) -> Val {
        let range = fr.body.range(id);
        match fr.body.expr(callee) {
            Expr::Attr { base, name, .. } => {
                let mark = fr.buffer.len();
                let recv = self.expr(fr, *base);
                self.forget_proxied(fr, *base, *name, mark);
                let key = args.first().map(|arg| arg.value);
                let args = self.args(fr, args);
                self.handed_on(fr, *name, &args);
                let at = method_range(fr.body.range(callee), *name);
                let before = recv;
                let mark = fr.buffer.len();
                let keeps = self.is_remembering(fr, *name, &args);
                if let Some(asks) = self.asked_by_method(fr, *name)
                    && args.positional.is_empty()
                {
                    self.measured_by(fr, recv, asks, *base, at, range);
                }
                let result = self.call_method_in(fr, recv, *name, args, at, range);
                self.options_in_place(fr, *base, recv, result.0);
                if keeps {
                    fr.forget_constructions(mark);
                }
                // What the method changed on its receiver is seen in the variable that holds it.
                if let Some(after) = result.1
                    && after != before
                {
                    self.write_place(fr, *base, after);
                    if matches!(fr.body.expr(*base), Expr::Call { .. }) {
                        self.changed_in_place(fr, *base, after);
                    }
                }
                match key {
                    Some(key) => self.by_turn(fr, before, key, result.0),
                    None => result.0,
                }
            }
            Expr::DynamicAttr { base, name } => {
                let recv = self.expr(fr, *base);
                let name = self.expr(fr, *name);
                let args = self.args(fr, args);
                let mut result: Option<Val> = None;
                for one in self.v.alternatives(name) {
                    let Data::Str(method) = *self.data(one) else { continue };
                    let val = self.call_method(fr, recv, method, args.clone(), range);
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
                result.unwrap_or(UNKNOWN)
            }
            Expr::Name(name) if name.as_str() == "super" && fr.language == Language::Python => match fr.class {
                Some(class) => {
                    let this = fr.decl.params.first().and_then(|p| fr.locals.get(p.slot.0 as usize)).copied().unwrap_or(fr.this);
                    self.v.of(Data::Super(this, class))
                }
                None => UNKNOWN,
            },
            Expr::Name(name) if matches!(name.as_str(), "getattr" | "setattr") => {
                let args = self.args(fr, args);
                match (args.positional.first(), args.positional.get(1).map(|v| self.data(*v).clone())) {
                    (Some(object), Some(Data::Str(attr))) if name.as_str() == "getattr" => {
                        let object = *object;
                        self.attr(fr, object, attr, range)
                    }
                    _ => UNKNOWN,
                }
            }
            Expr::Function { fallback, .. } if fallback.as_str() == "compact" => {
                let args = self.args(fr, args);
                let mut keys = Vec::new();
                for arg in args.positional {
                    let names = match self.data(arg) {
                        Data::Str(s) => vec![*s],
                        Data::Tuple(items) => items
                            .iter()
                            .filter_map(|v| match self.data(*v) {
                                Data::Str(s) => Some(*s),
                                _ => None,
                            })
                            .collect(),
                        _ => Vec::new(),
                    };
                    for name in names {
                        if let Some(slot) = fr.body.slots.iter().position(|n| *n == name) {
                            keys.push((name, fr.locals[slot]));
                        }
                    }
                }
                self.v.record(keys, None)
            }
            Expr::Function { fallback, .. } if matches!(fallback.as_str(), "get_defined_vars" | "func_get_args") => {
                let keys: Vec<(Name, Val)> = fr.body.slots.iter().copied().zip(fr.locals.iter().copied()).collect();
                self.v.record(keys, None)
            }
            Expr::Name(name) if matches!(name.as_str(), "locals" | "dict") => {
                if name.as_str() == "locals" {
                    let keys: Vec<(Name, Val)> = fr.body.slots.iter().copied().zip(fr.locals.iter().copied()).collect();
                    return self.v.record(keys, None);
                }
                let args = self.args(fr, args);
                match args.positional.first() {
                    Some(v) if matches!(self.data(*v), Data::Record(..)) => self.merged(*v, &args),
                    Some(v) => {
                        let v = *v;
                        let item = self.element_of(fr, v, range);
                        let val = match self.data(item) {
                            Data::Tuple(items) => items.get(1).copied().unwrap_or(UNKNOWN),
                            _ => UNKNOWN,
                        };
                        self.v.of(Data::Record(Box::default(), Some(val)))
                    }
                    None => self.v.record(args.named, None),
                }
            }
            _ => {
                let target = self.expr(fr, callee);
                let operand = args.first().map(|arg| arg.value);
                let fields = args.get(1).map(|arg| arg.value);
                let args = self.args(fr, args);
                self.marshal_call(fr, target, &args, fields, range);
                if let (Some(asks), Some(operand), [val]) = (self.asked_by_function(target), operand, &*args.positional) {
                    let at = fr.body.range(callee);
                    self.measured_by(fr, *val, asks, operand, at, range);
                }
                self.handed_on(fr, Name::empty(), &args);
                self.call_value(fr, target, args, range)
            }
        }
    }

    /// `dict(a, **b)`: what is given by name stands over what is in the first.
    fn merged(&mut self, first: Val, args: &Args) -> Val {
        match self.data(first).clone() {
            Data::Record(own, rest) if !args.named.is_empty() || args.open => {
                let mut keys = args.named.clone();
                keys.extend(own.iter().filter(|(n, _)| !args.named.iter().any(|(m, _)| m == n)).copied());
                self.v.record(keys, rest.or(args.open.then_some(UNKNOWN)))
            }
            _ => first,
        }
    }

    /// Calls a value.
    pub(super) fn call_value(&mut self, fr: &mut Frame<'a>, target: Val, args: Args, range: Range) -> Val {
        match self.data(target).clone() {
            // A method as a plain function: its first argument is the object.
            Data::Function(f) if self.takes_receiver(f) && !self.ix.function(f).is_classmethod => {
                let mut args = args;
                let this = if args.positional.is_empty() { self.receiver_of(f) } else { args.positional.remove(0) };
                self.call_function(fr, f, this, args, range).0
            }
            Data::Function(f) => self.call_function(fr, f, UNKNOWN, args, range).0,
            Data::Closure(f, env, this) => self.call_closure(fr, f, &env, this, args, range),
            Data::Method(recv, name) if self.is_offloaded_call(name) => {
                let mark = fr.buffer.len();
                let val = self.call_value(fr, recv, args, range);
                fr.forget_blocking(mark);
                val
            }
            Data::Method(recv, name) => match self.made_forms(fr, recv, name, &args) {
                Some(forms) => forms,
                None => self.call_method(fr, recv, name, args, range),
            },
            Data::Class(_) | Data::ModelClass(_) => self.construct(fr, target, args, range),
            Data::External(name) => self.call_external(fr, name, args, range),
            Data::Instance(class) => {
                // Calling a session factory gives a session, calling a wrapped function runs it.
                if self.ix.packs.instance_kind(class).is_some() {
                    self.opened_by_factory(fr, class, range);
                    target
                } else {
                    UNKNOWN
                }
            }
            Data::Object { class, .. } => {
                for name in ["__invoke", "__call__"] {
                    let name = Name::new(name);
                    if self.ix.find_method(class, name).is_some() {
                        return self.call_method(fr, target, name, args, range);
                    }
                }
                UNKNOWN
            }
            // Calling a manager or a query gives it again (a prefetched related manager is called with options).
            Data::Query(_) => target,
            Data::OneOf(all) => {
                let mut result: Option<Val> = None;
                for v in all.iter() {
                    let val = self.call_value(fr, *v, args.clone(), range);
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
                result.unwrap_or(UNKNOWN)
            }
            Data::Tuple(items) if items.len() == 2 => {
                // PHP callable `[$object, 'method']`.
                match self.data(items[1]) {
                    Data::Str(name) => {
                        let name = *name;
                        self.call_method(fr, items[0], name, args, range)
                    }
                    _ => UNKNOWN,
                }
            }
            Data::Str(name) if fr.language == Language::Php => {
                let lower = name.folded();
                match self.ix.function_names.get(&lower) {
                    Some(f) => {
                        let f = *f;
                        self.call_function(fr, f, UNKNOWN, args, range).0
                    }
                    None => self.call_external(fr, name, args, range),
                }
            }
            _ => UNKNOWN,
        }
    }

    /// Binds arguments to the parameters of a function and evaluates it.
    pub(super) fn call_function(&mut self, fr: &mut Frame<'a>, f: FnRef, this: Val, args: Args, range: Range) -> (Val, Val) {
        let decl = self.ix.function(f);
        if decl.is_abstract {
            let ret = match &decl.ret {
                Some(ty) => self.value_of_type(f.file, f.id, ty),
                None => UNKNOWN,
            };
            return (ret, this);
        }
        self.calls.note(fr.f, f);
        let args = self.with_put_in(fr, f, args);
        let vals = self.bind(f, this, &args);
        let is_same_each_turn = self.marks(f).is_once && !vals.iter().any(|v| self.v.is_renewed(*v));
        let summary = self.evaluate(f, this, vals);
        self.hold_kept(fr, f, summary.ret, this, is_same_each_turn);
        if self.quiet == Some(f) {
            return (summary.ret, summary.this);
        }
        let mark = fr.buffer.len();
        self.absorb(fr, &summary, range);
        self.on_own_loop(fr, f, mark, range);
        if is_same_each_turn {
            fr.forget_queries(mark);
        }
        self.after_call(fr, f, mark, range);
        self.changed_argument(fr, &args, summary.first);
        (summary.ret, summary.this)
    }

    /// A query that changes in place was changed by what it was given to: whoever holds it holds the changed one.
    fn changed_argument(&mut self, fr: &mut Frame<'a>, args: &Args, after: Val) {
        let Some(before) = args.positional.first().copied() else { return };
        let (Data::Query(old), Data::Query(new)) = (self.data(before), self.data(after)) else { return };
        if before == after || old.src != new.src || self.language(fr) != self.names.php {
            return;
        }
        for held in &mut fr.locals {
            if *held == before {
                *held = after;
            }
        }
    }

    /// The same, for functions that change their first argument in place.
    pub(super) fn call_for_first(&mut self, fr: &mut Frame<'a>, f: FnRef, this: Val, args: Args, range: Range) -> (Val, Val) {
        let vals = self.bind(f, this, &args);
        let summary = self.evaluate(f, this, vals);
        self.absorb(fr, &summary, range);
        (summary.ret, summary.first)
    }

    pub(super) fn call_closure(&mut self, fr: &mut Frame<'a>, f: FnRef, env: &[Val], this: Val, args: Args, range: Range) -> Val {
        self.call_closure_for_first(fr, f, env, this, args, range).0
    }

    /// Calls a closure; also gives its first argument as it is afterwards.
    pub(super) fn call_closure_for_first(
        &mut self,
        fr: &mut Frame<'a>,
        f: FnRef,
        env: &[Val],
        this: Val,
        args: Args,
        range: Range,
    ) -> (Val, Val) {
        self.calls.note(fr.f, f);
        let decl = self.ix.function(f);
        let mut vals = self.bind(f, this, &args);
        let params = vals.len();
        vals.extend(env.iter().copied());
        let key = self.key(f, this, &vals);
        let summary = if let Some(s) = self.memo.get(&key) {
            s.clone()
        } else if self.running.contains(&key) || self.depth >= super::MAX_CALL_DEPTH || self.fuel == 0 {
            return (UNKNOWN, UNKNOWN);
        } else if self.has_enough_contexts((f, None)) {
            self.gap("too many contexts of a function");
            return (UNKNOWN, UNKNOWN);
        } else {
            self.count_context((f, None));
            self.running.insert(key.clone());
            self.depth += 1;
            let mut inner = self.frame(f, this);
            if inner.class.is_none() {
                inner.class = fr.class;
            }
            for (param, val) in decl.params.iter().zip(&vals[..params]) {
                inner.locals[param.slot.0 as usize] = *val;
            }
            for (capture, val) in decl.captures.iter().zip(&vals[params..]) {
                inner.locals[capture.inner.0 as usize] = *val;
            }
            inner.guards.extend(fr.guards.iter().copied());
            self.run_frame(&mut inner);
            let finished = std::rc::Rc::new(self.finish(inner));
            self.depth -= 1;
            self.running.remove(&key);
            self.memo.insert(key, finished.clone());
            finished
        };
        let mark = fr.buffer.len();
        self.absorb(fr, &summary, range);
        self.on_own_loop(fr, f, mark, range);
        self.after_call(fr, f, mark, range);
        self.changed_argument(fr, &args, summary.first);
        (summary.ret, summary.first)
    }

    /// A value after a callback was run on it for what it does to it.
    pub(super) fn tapped(&mut self, fr: &mut Frame<'a>, val: Val, callback: Val, range: Range) -> Val {
        let args = Args::positional(vec![val]);
        if let Data::Closure(f, env, this) = self.data(callback).clone() {
            return self.call_closure_for_first(fr, f, &env, this, args, range).1;
        }
        self.call_value(fr, callback, args, range);
        val
    }

    pub(super) fn call_method(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: Args, range: Range) -> Val {
        let at = range;
        self.call_method_in(fr, recv, name, args, at, range).0
    }

    /// Calls a method; also gives the receiver as it is afterwards, if it may have changed.
    pub(super) fn call_method_in(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        name: Name,
        args: Args,
        at: Range,
        whole: Range,
    ) -> (Val, Option<Val>) {
        self.trace(fr, recv, name, at);
        match self.data(recv).clone() {
            Data::OneOf(all) => {
                let mut result: Option<Val> = None;
                let mut after: Option<Val> = None;
                let mut marks = Vec::new();
                for v in all.iter() {
                    marks.push(fr.buffer.len());
                    let (val, changed) = self.call_method_in(fr, *v, name, args.clone(), at, whole);
                    let changed = changed.unwrap_or(*v);
                    after = Some(match after {
                        Some(old) => self.v.join(old, changed),
                        None => changed,
                    });
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
                if self.are_several_classes(&all) {
                    self.one_of_many(fr, &marks, whole);
                }
                (result.unwrap_or(UNKNOWN), after)
            }
            Data::Object { class, exact, .. } => self.call_on_object(fr, recv, class, exact, name, args, whole),
            Data::Class(class) => (self.call_on_class(fr, class, name, args, at, whole), None),
            Data::ModelClass(model) => {
                let query = self.start_query(model, self.span(fr, whole));
                (self.query_method(fr, query, name, args, at, whole), None)
            }
            Data::Super(this, class) => self.call_super(fr, this, class, name, args, at, whole),
            Data::Row(row) => self.call_on_row(fr, recv, row, name, args, at, whole),
            Data::Query(query) => {
                let src = query.src;
                let val = self.query_method(fr, query, name, args, at, whole);
                // A builder that changes in place: the variable that holds it holds the narrowed query now.
                let changed = self.ix.packs.word_in_language(self.language(fr), "queries-change").is_some()
                    && matches!(self.data(val), Data::Query(q) if q.src == src);
                (val, changed.then_some(val))
            }
            Data::Many(..) | Data::Tuple(_) | Data::Record(..) => self.many_method(fr, recv, name, args, at, whole),
            Data::Proxy(many, method) => (self.proxy_call(fr, many, method, name, args, at), None),
            Data::Module(file) => {
                if let Some(val) = self.template_method(fr, file, name, &args, whole) {
                    return (val, None);
                }
                let target = match self.template_member(file, name) {
                    Some(part) => part,
                    None => {
                        let symbol = self.ix.member(file, name);
                        self.symbol(symbol)
                    }
                };
                (self.call_value(fr, target, args, whole), None)
            }
            Data::External(base) => {
                let full = Name::new(&format!("{base}.{name}"));
                // An attribute of a library's object: whatever the program put there.
                let is_unknown = base.as_str().contains('.') && self.ix.packs.function(full).is_none();
                if is_unknown && let Some(val) = self.as_session(fr, name, &args, at, whole) {
                    return (val, None);
                }
                (self.call_external(fr, full, args, whole), None)
            }
            Data::Instance(class) => {
                if !self.ambient.is_empty() {
                    self.table_call(fr, name, &args, at);
                }
                (self.call_on_instance(fr, recv, class, name, args, at, whole), None)
            }
            Data::Load(_) => {
                let op = self.ix.packs.op_in_language(self.language(fr), self.names.load, name).cloned();
                match op {
                    Some(op) => (self.load_op(recv, &op, &args), None),
                    None => (recv, None),
                }
            }
            Data::Closure(..) | Data::Function(_) | Data::Method(..) => match name.as_str() {
                "call" | "bindTo" | "__invoke" | "__call__" => (self.call_value(fr, recv, args, whole), None),
                _ => {
                    let how = Name::new("task");
                    let runs = self.ix.packs.op_in_language(self.language(fr), how, name).is_some();
                    if runs { (self.call_value(fr, recv, args, whole), None) } else { (UNKNOWN, None) }
                }
            },
            // A method of an attribute compares it, or gives an expression of it.
            Data::Attribute(..) if self.is_same_relation(fr, name) => (recv, None),
            Data::Attribute(..) | Data::Condition(_) => {
                let mut vals = vec![recv];
                vals.extend(args.positional.iter().copied().filter(|v| self.is_condition(*v)));
                // The keys of a list mostly are those of rows at hand.
                let lists = self.ix.packs.word_in_language(self.language(fr), "narrowing-lists");
                let is_list = lists == Some(name);
                let condition = self.condition_of(&vals, &args.named, !is_list);
                (if is_list { self.with_list(condition, args.variables.contains(&Ok(0))) } else { condition }, None)
            }
            Data::View { .. } => {
                let changed = self.view_method(fr, recv, name, &args);
                (changed, Some(changed))
            }
            Data::Shown(..) => (self.shown_method(fr, recv, name, &args, whole), None),
            Data::Str(class) if fr.language != Language::Python => {
                let target = self.class_text(class);
                if target == UNKNOWN { (UNKNOWN, None) } else { self.call_method_in(fr, target, name, args, at, whole) }
            }
            Data::Str(_) if name.as_str() == "format" && fr.language == Language::Python => {
                (self.formatted_text(recv, &args), None)
            }
            Data::Str(_) | Data::Scalar => {
                if name.as_str() == "join"
                    && let Some(v) = args.positional.first()
                {
                    let v = *v;
                    let (e, _, counts) = self.iterate(fr, v, at);
                    if e != super::many::NO_ELEMENT && counts {
                        self.per_turn(fr, e, true, at, |this, fr, e| this.as_text(fr, e, at));
                    }
                }
                (SCALAR, None)
            }
            Data::Unknown | Data::Unset if !self.ambient.is_empty() => {
                self.table_call(fr, name, &args, at);
                (UNKNOWN, None)
            }
            Data::Unknown | Data::Unset => {
                if let Some(val) = self.as_session(fr, name, &args, at, whole) {
                    return (val, None);
                }
                // What is given to something unknown may run.
                self.run_callbacks(fr, &args, whole);
                (UNKNOWN, None)
            }
            // What is called is not null any more: it was put there elsewhere.
            Data::Null => (self.as_session(fr, name, &args, at, whole).unwrap_or(UNKNOWN), None),
            Data::Bool(_) | Data::Int(_) => (UNKNOWN, None),
        }
    }

    /// A class named by a text at run time.
    pub(super) fn class_text(&mut self, name: Name) -> Val {
        let lower = Name::new(&name.as_str().trim_start_matches('\\').to_ascii_lowercase());
        match self.ix.class_names.get(&lower) {
            Some(class) => self.v.of(Data::Class(*class)),
            None => UNKNOWN,
        }
    }

    /// Is a method read like an attribute?
    pub(super) fn is_property(&self, f: FnRef) -> bool {
        let decl = self.ix.function(f);
        let Some(parent) = decl.parent else {
            return false;
        };
        if decl.decorators.is_empty() || self.ix.file(f.file).language != Language::Python {
            return false;
        }
        let outer = &self.ix.file(f.file).functions[parent.0 as usize].body;
        decl.decorators.iter().any(|d| match outer.expr(*d) {
            Expr::Name(n) => matches!(
                n.as_str(),
                "property" | "cached_property" | "hybrid_property" | "locked_cached_property" | "cache_property"
            ),
            Expr::Local(s) => outer.slots.get(s.0 as usize).is_some_and(|n| n.as_str().ends_with("property")),
            Expr::Attr { name, .. } => {
                matches!(name.as_str(), "property" | "cached_property" | "getter" | "hybrid_property" | "abstractproperty")
            }
            Expr::Call { callee, .. } => match outer.expr(*callee) {
                Expr::Name(n) => n.as_str().ends_with("property"),
                Expr::Attr { name, .. } => name.as_str().ends_with("property"),
                _ => false,
            },
            _ => false,
        })
    }

    /// Closures given to something unknown may run once; what they do outside loops is seen by their own evaluation.
    pub(super) fn run_callbacks(&mut self, fr: &mut Frame<'a>, args: &Args, range: Range) {
        if !self.ambient.is_empty() {
            return;
        }
        let mark = fr.buffer.len();
        for val in args.positional.iter().chain(args.named.iter().map(|(_, v)| v)) {
            if let Data::Closure(f, env, this) = self.data(*val).clone() {
                self.call_closure(fr, f, &env, this, Args::default(), range);
            }
        }
        // Nobody knows on which thread.
        fr.forget_blocking(mark);
    }

    /// Does a query belong to what an operation may apply to?
    pub(super) fn as_query(&mut self, fr: &mut Frame<'a>, val: Val, range: Range) -> Option<Query> {
        match self.data(val).clone() {
            Data::Query(q) => Some(q),
            Data::Class(class) => {
                let model = self.ix.class(class).model.or_else(|| self.stands_for(class))?;
                let at = self.span(fr, range);
                Some(self.start_query(model, at))
            }
            Data::ModelClass(model) => {
                let at = self.span(fr, range);
                Some(self.start_query(model, at))
            }
            Data::External(name) => {
                let model = self.library_model(name)?;
                let at = self.span(fr, range);
                Some(self.start_query(model, at))
            }
            _ => None,
        }
    }

    /// An operation's argument that stands for its receiver.
    pub(super) fn subject(&self, op: &Op, args: &Args) -> Val {
        match op.arg {
            Some(arg) => args.get(arg).unwrap_or(UNKNOWN),
            None => UNKNOWN,
        }
    }
}

impl Frame<'_> {
    /// The object whose method runs was changed by a method of an ancestor.
    pub(super) fn keep_receiver(&mut self, this: Val, after: Val) {
        if this == self.this {
            self.this = after;
        }
        if let Some(p) = self.decl.params.first()
            && let Some(held) = self.locals.get_mut(p.slot.0 as usize).filter(|held| **held == this)
        {
            *held = after;
        }
    }
}

/// The range of a method's name at the end of its attribute read.
pub(super) fn method_range(attr: Range, name: Name) -> Range {
    Range { start: attr.end.saturating_sub(name.as_str().len() as u32).max(attr.start), end: attr.end }
}
