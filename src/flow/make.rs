//! What do constructors and functions of libraries give?

use super::call::Args;
use super::value::{Data, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Language;
use crate::index::{ClassId, FnRef};

/// The field for what an object stands for; no program can spell it.
const STANDS_FOR: &str = "<stands for>";

impl<'a> Engine<'a> {
    /// The constructor of a class of the program, its own or inherited.
    pub(super) fn constructor(&self, class: ClassId) -> Option<FnRef> {
        let python = self.ix.file(self.ix.class(class).file).language == Language::Python;
        self.ix.find_method(class, Name::new(if python { "__init__" } else { "__construct" })).map(|(_, f)| f)
    }

    /// Makes an instance.
    pub(super) fn construct(&mut self, fr: &mut Frame<'a>, class: Val, args: Args, range: Range) -> Val {
        match self.data(class).clone() {
            Data::Class(class) => {
                if let Some(model) = self.ix.class(class).model {
                    return self.fresh_row(model, self.span(fr, range));
                }
                if let Some(query) = self.made_query(fr, class, &args, range) {
                    return query;
                }
                let mut object = self.v.of(Data::Object { class, fields: Box::default(), exact: true });
                if let Some(f) = self.constructor(class) {
                    let (_, after) = self.call_function(fr, f, object, args.clone(), range);
                    if matches!(self.data(after), Data::Object { .. }) {
                        object = after;
                    }
                }
                self.inherited_client(fr, class, range);
                self.note_overrides(fr, class);
                let object = self.standing_for(object, class, &args);
                self.constructed(fr, object, class, args, range)
            }
            Data::ModelClass(model) => self.fresh_row(model, self.span(fr, range)),
            Data::External(name) => self.construct_external(fr, name, args, range),
            Data::Str(name) => {
                let class = self.class_text(name);
                if class == UNKNOWN { UNKNOWN } else { self.construct(fr, class, args, range) }
            }
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.construct(fr, *v, args.clone(), range)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            _ => {
                self.run_callbacks(fr, &args, range);
                UNKNOWN
            }
        }
    }

    /// An object that stands for what it was made of, as a class of a library that it is derived from does: a filter, a
    /// paginator.
    fn standing_for(&mut self, object: Val, class: ClassId, args: &Args) -> Val {
        let Data::Object { class: own, fields, exact } = self.data(object).clone() else { return object };
        let packs = self.ix.packs;
        let given = self.ix.class(class).external.iter().find_map(|base| {
            let op = packs.function(*base).filter(|op| op.result == crate::packs::Result::Same && !op.iterates)?;
            args.get(op.arg?)
        });
        let rows = match given {
            Some(val) if matches!(self.data(val), Data::Query(_) | Data::Many(..) | Data::OneOf(_)) => val,
            _ => return object,
        };
        let mut fields = fields.to_vec();
        fields.push((Name::new(STANDS_FOR), rows));
        fields.sort_by_key(|f| f.0);
        self.v.of(Data::Object { class: own, fields: fields.into_boxed_slice(), exact })
    }

    /// What an object stands for.
    pub(super) fn stood_for(&self, object: Val) -> Option<Val> {
        let Data::Object { fields, .. } = self.data(object) else { return None };
        fields.iter().find(|(name, _)| name.as_str() == STANDS_FOR).map(|(_, rows)| *rows)
    }

    /// A coroutine makes an object whose class overrides coroutines of a library: the library runs them on the same loop.
    fn note_overrides(&mut self, fr: &Frame<'a>, class: ClassId) {
        if !fr.decl.is_async || self.ix.class(class).external.is_empty() {
            return;
        }
        let file = self.ix.class(class).file;
        for id in &self.ix.class_decl(class).methods {
            let f = FnRef { file, id: *id };
            if self.ix.function(f).is_async {
                self.calls.note(fr.f, f);
            }
        }
    }

    fn construct_external(&mut self, fr: &mut Frame<'a>, name: Name, args: Args, range: Range) -> Val {
        let given = self.client(fr, name, range);
        self.opened(fr, name, &args, range);
        if let Some(op) = self.ix.packs.function(name).cloned() {
            return self.function_op(fr, name, &op, args, range);
        }
        if let Some(shown) = self.shows_rows(fr, name, &args, range).or_else(|| self.arguments_kept(fr, name, &args)) {
            return shown;
        }
        self.run_callbacks(fr, &args, range);
        self.v.of(Data::Instance(given.unwrap_or(name)))
    }

    /// Calls a function or constructor outside the program.
    pub(super) fn call_external(&mut self, fr: &mut Frame<'a>, name: Name, args: Args, range: Range) -> Val {
        if let Some(made) = self.with_default(fr, name, &args, range) {
            return made;
        }
        let given = self.client(fr, name, range);
        self.blocking(fr, name, range);
        if !self.ambient.is_empty() {
            self.table_part(fr, name, &args, range);
        }
        self.opened(fr, name, &args, range);
        self.note_startup(&args);
        if self.is_deferring(name) {
            self.run_later(fr, &args, range);
            return UNKNOWN;
        }
        if let Some(forms) = self.form_set_class(fr, name, &args, range) {
            return forms;
        }
        if let Some(op) = self.ix.packs.function(name).cloned() {
            let group = self.route_class;
            if op.result == crate::packs::Result::RouteGroup {
                self.route_class = args.positional.first().and_then(|v| match self.data(*v) {
                    Data::Class(class) => Some(*class),
                    _ => None,
                });
                return self.v.of(Data::Instance(name));
            }
            let val = self.function_op(fr, name, &op, args, range);
            self.route_class = group;
            return val;
        }
        if let Some(shown) = self.shows_rows(fr, name, &args, range) {
            return shown;
        }
        if let Some(model) = self.ix.chosen_by(name) {
            let model = self.ix.model(model);
            return self.v.of(model.class.map_or(Data::External(model.name), Data::Class));
        }
        if let Some(model) = self.library_model(name) {
            return self.fresh_row(model, self.span(fr, range));
        }
        if let Some(query) = self.library_query(fr, name, range) {
            return query;
        }
        self.run_callbacks(fr, &args, range);
        if let Some(given) = given {
            return self.v.of(Data::Instance(given));
        }
        // What a class of a library is called with gives an instance of it.
        if name.last_segment().starts_with(|c: char| c.is_uppercase()) { self.v.of(Data::Instance(name)) } else { UNKNOWN }
    }

    /// `defaultdict(list)`: a mapping of which each missing key gives what the factory makes.
    fn with_default(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) -> Option<Val> {
        if name.as_str() != "collections.defaultdict" {
            return None;
        }
        let factory = *args.positional.first()?;
        let at = args.ranges.first()?;
        let text = self.ix.sources.file(fr.file).text.get(at.start as usize..at.end as usize).unwrap_or_default();
        let made = match (text, self.data(factory)) {
            (_, Data::Function(_) | Data::Closure(..)) => self.call_value(fr, factory, Args::positional(Vec::new()), range),
            ("list" | "set", _) => self.v.of(Data::Tuple(Box::default())),
            ("dict", _) => self.v.record(Vec::new(), None),
            ("int" | "str" | "float" | "bool", _) => SCALAR,
            _ => UNKNOWN,
        };
        Some(self.v.of(Data::Record(Box::default(), Some(made))))
    }
}
