//! What do serializers, resources, response models and other classes of libraries read of the rows they are given?
//!
//! The loop is the framework's: it stands where the rows are handed over, and what is read inside is found there. Names of
//! methods and attributes come from the packs; this module knows the kinds of classes only.

mod admin;
mod columns;
mod composer;
mod data_object;
mod dispatch;
mod field;
mod form;
mod graph;
mod listing;
mod live;
mod marshal;
mod message;
mod model;
mod page_record;
mod resource;
mod row_list;
mod schema;
mod table;
mod transformer;
mod view;
mod viewset;

pub(super) use composer::{Composers, composers};
pub(super) use field::Field;
pub(super) use form::ChoiceField;
pub(super) use listing::Listing;
pub(super) use message::Listeners;
pub(super) use table::Table;

use rustc_hash::FxHashSet;

use super::call::Args;
use super::many::NO_ELEMENT;
use super::value::{Data, ManyKind, NULL, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, Language};
use crate::index::{ClassId, FnRef};
use crate::source::Origin;

/// Serializers nest at most this deep.
const MAX_NESTING: usize = 6;

/// Roles of classes whose methods this module knows, the most telling first.
const ROLES: &[&str] = &[
    "resource-collection",
    "resource",
    "live-component",
    "table-resource",
    "table-service",
    "listing",
    "mail",
    "notification",
    "event",
    "job",
    "serializer",
    "viewset",
    "admin",
    "list-view",
    "detail-view",
    "template-view",
    "feed",
    "sitemap",
    "schema",
    "response-model-base",
    "data-object",
    "column-table",
    "row-list",
];

impl<'a> Engine<'a> {
    /// Has a class of the program a role that a pack gives to one of its library ancestors?
    pub(super) fn has_role(&self, class: ClassId, role: &str) -> bool {
        self.ix.class(class).external.iter().any(|e| self.ix.packs.roles(*e).iter().any(|r| r.as_str() == role))
    }

    /// A class shows a row of which the model is known.
    fn serves(&mut self, class: ClassId, row: Val) {
        let rows = self.v.alternatives(row);
        if rows.into_iter().any(|v| matches!(self.data(v), Data::Row(_))) {
            self.served.insert(class);
        }
    }

    /// Classes of the application that show rows, in order.
    pub(super) fn servers(&self) -> Vec<ClassId> {
        let is_ours = |c: &ClassId| self.ix.sources.file(self.ix.class(*c).file).origin == Origin::Ours;
        let shows = |c: &ClassId| matches!(self.role(*c), Some("serializer" | "resource" | "resource-collection" | "schema"));
        let is_leaf = |c: &ClassId| self.ix.class(*c).descendants.is_empty();
        (0..self.ix.classes.len() as u32).map(ClassId).filter(|c| is_ours(c) && shows(c) && is_leaf(c)).collect()
    }

    /// The role of a class among those that this module knows.
    fn role(&self, class: ClassId) -> Option<&'static str> {
        let external = &self.ix.class(class).external;
        if external.is_empty() {
            return None;
        }
        ROLES.iter().copied().find(|role| self.has_role(class, role)).or_else(|| self.shows_request(class).then_some("resource"))
    }

    /// Does a class below an unknown one of a package show itself to a request, by the method that only resources have:
    /// `toArray($request)`?
    fn shows_request(&self, class: ClassId) -> bool {
        let info = self.ix.class(class);
        if self.ix.file(info.file).language != Language::Php || info.model.is_some() {
            return false;
        }
        let word = |key: &str| self.ix.packs.word_in_language(self.names.php, key);
        let (Some(method), Some(parameter)) = (word("resource-method"), word("resource-parameter")) else { return false };
        self.ix.find_method(class, method).is_some_and(|(_, f)| {
            let params = &self.ix.function(f).params;
            params.first().is_some_and(|p| p.name == parameter) && params.len() == 1
        })
    }

    /// A name that the packs give to something that this module asks for; empty if no pack knows it.
    pub(in crate::flow) fn word(&self, fr: &Frame<'a>, key: &str) -> Name {
        self.ix.packs.word_in_language(self.language(fr), key).unwrap_or_else(Name::empty)
    }

    /// The names of a word, where it lists several.
    fn words(&self, fr: &Frame<'a>, key: &str) -> Vec<Name> {
        self.word(fr, key).as_str().split_whitespace().map(Name::new).collect()
    }

    /// Runs something for each of what the framework iterates; one value alone is no loop.
    fn per_row(
        &mut self,
        fr: &mut Frame<'a>,
        val: Val,
        at: Range,
        f: &mut dyn FnMut(&mut Self, &mut Frame<'a>, Val) -> Val,
    ) -> Val {
        match self.data(val).clone() {
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.per_row(fr, *v, at, f)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            Data::Query(_) | Data::Many(..) | Data::Tuple(_) => {
                let (element, _, counts) = self.iterate(fr, val, at);
                if element == NO_ELEMENT || self.v.is_plain(element) {
                    return self.v.many(UNKNOWN, ManyKind::Held);
                }
                let result = self.per_turn(fr, element, counts, at, |e, fr, element| {
                    e.framework_loops.extend(fr.loops.last().filter(|_| counts));
                    f(e, fr, element)
                });
                self.v.many(result, ManyKind::Held)
            }
            Data::Row(_) | Data::Object { .. } | Data::Record(..) => f(self, fr, val),
            _ => UNKNOWN,
        }
    }

    /// Evaluates what the body of a class declares, as a function called at a place.
    fn in_class<R>(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        at: Range,
        f: impl FnOnce(&mut Self, &mut Frame<'a>) -> R,
    ) -> Option<R> {
        if self.depth >= super::MAX_CALL_DEPTH || self.fuel == 0 {
            return None;
        }
        let mut inner = self.class_frame(class);
        inner.guards.extend(fr.guards.iter().copied());
        self.depth += 1;
        let out = f(self, &mut inner);
        self.depth -= 1;
        let summary = self.finish(inner);
        self.absorb(fr, &summary, at);
        Some(out)
    }

    fn class_frame(&self, class: ClassId) -> Frame<'a> {
        let scope = FnRef { file: self.ix.class(class).file, id: self.ix.class_decl(class).scope };
        let mut inner = self.frame(scope, UNKNOWN);
        inner.class = Some(class);
        inner
    }

    /// An instance of a class of the program with known fields.
    pub(in crate::flow) fn object(&mut self, class: ClassId, mut fields: Vec<(Name, Val)>) -> Val {
        fields.sort_by_key(|f| f.0);
        fields.dedup_by_key(|f| f.0);
        self.v.of(Data::Object { class, fields: fields.into_boxed_slice(), exact: true })
    }

    /// Something outside the program, as an instance.
    fn library_object(&mut self, fr: &Frame<'a>, key: &str) -> Val {
        let name = self.word(fr, key);
        if name.as_str().is_empty() { UNKNOWN } else { self.v.of(Data::Instance(name)) }
    }

    /// Evaluates what libraries run without a visible caller, and what handlers give to be serialized.
    pub(super) fn framework_roots(&mut self) {
        let mentioned = self.mentioned_names();
        for i in 0..self.ix.classes.len() {
            let class = ClassId(i as u32);
            let file = self.ix.class(class).file;
            if self.is_history(file) {
                continue;
            }
            if self.ix.class(class).external.is_empty() {
                continue;
            }
            let role = self.role(class).unwrap_or_default();
            let decl = self.ix.class_decl(class);
            if decl.is_abstract || self.ix.class(class).model.is_some() || self.is_base_alone(class, &mentioned) {
                continue;
            }
            let mut fr = self.class_frame(class);
            let at = decl.name_range;
            match role {
                "live-component" => self.live_component(&mut fr, class, &[], at),
                "table-resource" => self.table_resource(&mut fr, class, at),
                "table-service" => self.table_service(&mut fr, class, at),
                "viewset" => self.viewset(&mut fr, class, at),
                "admin" => self.admin(&mut fr, class, at),
                "list-view" | "detail-view" | "template-view" => self.generic_view(&mut fr, class, role, at),
                "feed" | "sitemap" => self.feed(&mut fr, class, role, at),
                "mail" => self.mail_alone(&mut fr, class, at),
                "listing" => self.listing_class(&mut fr, class, at),
                _ => (),
            }
            if self.has_role(class, "table-view") {
                self.table_view(&mut fr, class, at);
            }
            self.finish(fr);
        }
        self.graph_roots();
        self.handled();
    }

    /// Is a class only there to be derived from: does no code mention it, but classes below it? What they change of it counts.
    fn is_base_alone(&self, class: ClassId, mentioned: &FxHashSet<Name>) -> bool {
        let data = self.ix.class(class);
        let is_python = self.ix.file(data.file).language == Language::Python;
        let is_registered = !self.ix.class_decl(class).decorators.is_empty();
        is_python && !is_registered && !data.descendants.is_empty() && !mentioned.contains(&Name::new(data.name.last_segment()))
    }

    /// The last segments of all names that code mentions, bases of classes left out.
    fn mentioned_names(&self) -> FxHashSet<Name> {
        let python = self.ix.facts.iter().filter(|file| file.language == Language::Python);
        let bodies = python.flat_map(|file| &file.functions).map(|function| &function.body);
        let mut names = FxHashSet::default();
        for body in bodies {
            names.extend(body.exprs.iter().filter_map(|e| match e {
                Expr::Name(name) | Expr::Attr { name, .. } => Some(*name),
                Expr::Local(slot) => body.slots.get(slot.0 as usize).copied(),
                _ => None,
            }));
        }
        names
    }

    /// What handlers of requests return is serialized.
    fn handled(&mut self) {
        #[allow(clippy::iter_over_hash_type)]
        let mut handlers: Vec<FnRef> = self.handlers.iter().copied().collect();
        handlers.sort();
        for f in handlers {
            let (mut fr, ret) = self.handler_result(f);
            let at = self.ix.function(f).name_range;
            self.serialize(&mut fr, ret, at, 0);
            self.finish(fr);
        }
        self.response_models();
        self.marshalled();
    }

    /// A frame around a handler, and what the handler gives.
    fn handler_result(&mut self, f: FnRef) -> (Frame<'a>, Val) {
        let decl = self.ix.function(f);
        let this = self.receiver_of(f);
        let handler = self.handlers.contains(&f);
        let mut args = Vec::with_capacity(decl.params.len());
        for (i, param) in decl.params.iter().enumerate() {
            args.push(if i == 0 && self.takes_receiver(f) { this } else { self.declared_param(f, param, handler) });
        }
        let ret = self.evaluate(f, this, args).ret;
        (self.frame(f, this), ret)
    }

    /// A value is serialized: what its class adds is read for each row.
    pub(super) fn serialize(&mut self, fr: &mut Frame<'a>, val: Val, at: Range, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        match self.data(val).clone() {
            Data::OneOf(all) => {
                for v in all.iter() {
                    self.serialize(fr, *v, at, depth);
                }
            }
            Data::Record(keys, rest) => {
                for v in keys.iter().map(|(_, v)| *v).chain(rest) {
                    self.serialize(fr, v, at, depth + 1);
                }
            }
            Data::Tuple(items) if items.len() <= 8 => {
                for v in items.iter() {
                    self.serialize(fr, *v, at, depth + 1);
                }
            }
            Data::Many(e, _) if self.adds_something(e) => {
                self.per_row(fr, val, at, &mut |e, fr, row| {
                    e.serialize(fr, row, at, depth + 1);
                    UNKNOWN
                });
            }
            Data::Row(row) => self.serialize_row(fr, val, row, at, depth),
            // A closure beside what is given at once is called where it is wanted.
            Data::Closure(..) if depth > 0 && fr.language == Language::Php => {
                let given = self.call_value(fr, val, Args::default(), at);
                self.serialize(fr, given, at, depth + 1);
            }
            _ => (),
        }
    }

    /// A class of the program is asked what its library ancestors answer: does one of them wait?
    fn waits_above(&mut self, fr: &mut Frame<'a>, class: ClassId, name: Name, range: Range) {
        for external in self.ix.class(class).external.clone() {
            self.blocking(fr, Name::new(&format!("{external}.{name}")), range);
        }
    }

    /// A method that a class of the program inherits from a library class without methods in the packs.
    pub(super) fn serializer_method(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        name: Name,
        args: Args,
        range: Range,
    ) -> Val {
        let known = match self.role(class) {
            Some("resource" | "resource-collection" | "listing") => {
                Some(self.resource_method(fr, recv, class, name, &args, range))
            }
            Some("serializer") => self.serializer_call(fr, recv, class, name, &args, range),
            Some("viewset") => self.viewset_method(fr, recv, class, name, &args, range),
            Some("admin") => self.admin_method(fr, recv, class, name),
            Some("list-view" | "detail-view" | "template-view") => self.view_call(fr, recv, class, name, &args, range),
            Some("schema") => self.schema_call(fr, recv, class, name, &args, range),
            Some("table-resource") => self.listed_query(fr, class, name, range),
            Some("data-object") => Some(self.data_method(fr, recv, name, &args, range)),
            Some("mail") => Some(self.mail_method(fr, recv, name, &args, range)),
            _ => None,
        };
        if let Some(val) = known {
            return val;
        }
        self.waits_above(fr, class, name, range);
        self.run_callbacks(fr, &args, range);
        UNKNOWN
    }

    /// Attributes that an object forwards to what it wraps, or that its library ancestors give it.
    pub(super) fn forwarded_attr(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, name: Name, range: Range) -> Val {
        match self.role(class) {
            Some("resource" | "resource-collection" | "listing") => {
                let wrapped = self.wrapped(fr, object);
                if wrapped == UNKNOWN || wrapped == NULL { UNKNOWN } else { self.attr(fr, wrapped, name, range) }
            }
            Some("live-component") => self.computed_property(fr, object, class, name, range),
            Some("serializer") => self.serializer_attr(fr, object, class, name, range),
            _ => UNKNOWN,
        }
    }

    /// An instance of a class of the program was made.
    pub(super) fn constructed(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, args: Args, range: Range) -> Val {
        match self.role(class) {
            Some("resource") => self.resource_made(fr, object, class, &args, range),
            Some("resource-collection") => self.resource_collection(fr, object, class, &args, range),
            Some("serializer") | Some("schema") => self.serializer_made(fr, object, &args),
            Some("response-model-base") => {
                self.model_made(fr, class, &args, range);
                object
            }
            Some("row-list") => {
                self.row_list(fr, object, class, &args, range);
                object
            }
            Some("column-table") => {
                self.column_table(fr, object, class, &args, range);
                object
            }
            _ => object,
        }
    }

    /// A static call on a class of the program that only its library ancestors know.
    pub(super) fn class_call(&mut self, fr: &mut Frame<'a>, class: ClassId, name: Name, args: Args, range: Range) -> Val {
        match self.role(class) {
            Some(role @ ("resource" | "resource-collection")) => {
                if let Some(val) = self.resource_static(fr, class, role, name, &args, range) {
                    return val;
                }
            }
            Some("response-model-base") => {
                if let Some(val) = self.model_static(fr, class, name, &args, range) {
                    return val;
                }
            }
            Some("table-resource") => {
                if let Some(val) = self.listed_query(fr, class, name, range) {
                    return val;
                }
            }
            Some("data-object") => {
                if let Some(val) = self.data_static(fr, class, name, &args, range) {
                    return val;
                }
            }
            Some("job" | "event") => {
                if let Some(val) = self.job_static(fr, class, name, &args, range) {
                    return val;
                }
            }
            _ => (),
        }
        self.waits_above(fr, class, name, range);
        for external in self.ix.class(class).external.clone() {
            let full = Name::new(&format!("{external}.{name}"));
            if let Some(op) = self.ix.packs.function(full).cloned() {
                return self.function_op(fr, full, &op, args, range);
            }
        }
        self.run_callbacks(fr, &args, range);
        UNKNOWN
    }

    /// A route is declared: what it names handles requests.
    pub(super) fn route(&mut self, fr: &mut Frame<'a>, args: &Args, range: Range) {
        // Handlers named by a method alone belong to the class that the group around them names.
        if let (Some(class), Some(Data::Str(method))) = (self.route_class, args.positional.get(1).map(|v| self.data(*v).clone()))
            && let Some((_, f)) = self.ix.find_method(class, method)
        {
            self.handlers.insert(f);
        }
        for val in args.positional.iter().chain(args.named.iter().map(|(_, v)| v)).copied().collect::<Vec<_>>() {
            self.handler(fr, val, range);
        }
    }

    fn handler(&mut self, fr: &mut Frame<'a>, val: Val, range: Range) {
        match self.data(val).clone() {
            Data::Function(f) => {
                self.handlers.insert(f);
            }
            // `router.add("/posts", self.posts)`
            Data::Method(object, name) => {
                if let Data::Object { class, .. } = *self.data(object)
                    && let Some((_, f)) = self.ix.find_method(class, name)
                {
                    self.handlers.insert(f);
                }
            }
            Data::Closure(f, env, this) => {
                let params = &self.ix.function(f).params;
                let bound = params.iter().map(|param| self.declared_param(f, param, true)).collect();
                let given = self.call_closure(fr, f, &env, this, Args::positional(bound), range);
                self.serialize(fr, given, range, 0);
            }
            Data::Class(class) => self.all_handlers(class),
            // `PostController@show`
            Data::Str(text) => {
                let Some((class, method)) = text.as_str().split_once('@') else {
                    return;
                };
                for found in self.classes_ending(class) {
                    if let Some((_, f)) = self.ix.find_method(found, Name::new(method)) {
                        self.handlers.insert(f);
                    }
                }
            }
            Data::Tuple(items) => {
                if let (Some(first), Some(second)) = (items.first(), items.get(1))
                    && let (Data::Class(class), Data::Str(method)) = (self.data(*first).clone(), self.data(*second).clone())
                    && let Some((_, f)) = self.ix.find_method(class, method)
                {
                    self.handlers.insert(f);
                }
            }
            _ => (),
        }
    }

    /// Classes whose full name ends with these segments.
    fn classes_ending(&self, name: &str) -> Vec<ClassId> {
        let wanted = name.trim_start_matches('\\').to_ascii_lowercase();
        (0..self.ix.classes.len() as u32)
            .map(ClassId)
            .filter(|c| {
                let full = self.ix.class(*c).name.as_str().to_ascii_lowercase();
                full == wanted || full.ends_with(&format!("\\{wanted}"))
            })
            .collect()
    }

    fn all_handlers(&mut self, class: ClassId) {
        let file = self.ix.class(class).file;
        let methods = self.ix.class_decl(class).methods.iter().map(|m| FnRef { file, id: *m });
        self.handlers.extend(methods.filter(|m| !self.ix.function(*m).is_private));
    }

    /// An attribute of an instance of a library class.
    pub(super) fn instance_attr(&mut self, fr: &mut Frame<'a>, class: Name, name: Name, _range: Range) -> Val {
        if let Some(kind) = self.ix.packs.instance_kind(class)
            && let Some(op) = self.ix.packs.op_in_language(self.language(fr), kind, name)
            && op.result == crate::packs::Result::User
        {
            return self.current_user();
        }
        let object = self.v.of(Data::Instance(class));
        let full = Name::new(&format!("{class}.{name}"));
        if self.ix.packs.instance_kind(full).is_some() || self.ix.packs.function(full).is_some() || self.ix.packs.is_above(full) {
            return self.v.of(Data::Instance(full));
        }
        match self.given_by(class, "__getattr__") {
            given if given != UNKNOWN && self.ix.packs.blocking(full).is_none() => given,
            _ => self.v.of(Data::Method(object, name)),
        }
    }
}
