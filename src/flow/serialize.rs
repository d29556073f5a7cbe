//! What do serializers, resources, response models and other classes of libraries read of the rows they are given?

use super::call::Args;
use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::{ClassId, FnRef};
use crate::packs::Op;

impl<'a> Engine<'a> {
    /// Has a class of the program a role that a pack gives to one of its library ancestors?
    pub(super) fn has_role(&self, class: ClassId, role: &str) -> bool {
        self.ix.class(class).external.iter().any(|e| self.ix.packs.roles(*e).iter().any(|r| r.as_str() == role))
    }

    /// A value is serialized: what its class adds is read for each row.
    pub(super) fn serialize(&mut self, _fr: &mut Frame<'a>, _val: Val, _range: Range, _depth: usize) {}

    /// A method that a class of the program inherits from a library class without methods in the packs.
    pub(super) fn serializer_method(&mut self, fr: &mut Frame<'a>, _recv: Val, _class: ClassId, _name: Name, args: Args, range: Range) -> Val {
        self.run_callbacks(fr, &args, range);
        UNKNOWN
    }

    /// A view given to a component is rendered with its properties.
    pub(super) fn rendered_by_class(&mut self, _fr: &mut Frame<'a>, _recv: Val, _class: ClassId, _name: Name, val: Val) -> Val {
        val
    }

    /// Attributes that an object forwards to what it wraps.
    pub(super) fn forwarded_attr(&mut self, _fr: &mut Frame<'a>, _object: Val, _class: ClassId, _name: Name, _range: Range) -> Val {
        UNKNOWN
    }

    /// An instance of a class of the program was made.
    pub(super) fn constructed(&mut self, _fr: &mut Frame<'a>, object: Val, _class: ClassId, _args: Args, _range: Range) -> Val {
        object
    }

    /// A static call on a class of the program that only its library ancestors know.
    pub(super) fn class_call(&mut self, fr: &mut Frame<'a>, class: ClassId, name: Name, args: Args, range: Range) -> Val {
        for external in self.ix.class(class).external.clone() {
            let full = Name::new(&format!("{external}.{name}"));
            if let Some(op) = self.ix.packs.function(full).cloned() {
                return self.function_op(fr, full, &op, args, range);
            }
        }
        self.run_callbacks(fr, &args, range);
        UNKNOWN
    }

    /// Something is handed to a queue or a dispatcher.
    pub(super) fn dispatched(&mut self, _fr: &mut Frame<'a>, _op: &Op, _args: &Args, _range: Range) -> Val {
        UNKNOWN
    }

    /// A route is declared: what it names handles requests.
    pub(super) fn route(&mut self, fr: &mut Frame<'a>, args: &Args, _range: Range) {
        for val in args.positional.iter().chain(args.named.iter().map(|(_, v)| v)).copied().collect::<Vec<_>>() {
            self.handler(fr, val);
        }
    }

    fn handler(&mut self, _fr: &mut Frame<'a>, val: Val) {
        match self.data(val).clone() {
            Data::Function(f) => {
                self.handlers.insert(f);
            }
            Data::Class(class) => self.all_handlers(class),
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

    fn all_handlers(&mut self, class: ClassId) {
        let file = self.ix.class(class).file;
        for m in &self.ix.class_decl(class).methods {
            self.handlers.insert(FnRef { file, id: *m });
        }
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
        self.v.of(Data::Method(object, name))
    }

    /// A constructor of a library is called; gives the class of what it makes, where the catalogue says it.
    pub(super) fn client(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) -> Option<Name> {
        let entry = self.ix.packs.client(name)?;
        let gives = entry.gives.as_deref().map(Name::new);
        let is_shared = !entry.shared.is_empty() && hands_in(fr.body, range, &entry.shared);
        if !is_shared {
            self.emit(fr, super::What::Construct { client: name }, range, super::NO_LOOP);
        }
        gives
    }

    /// A function of a library that may block is called.
    pub(super) fn blocking(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) {
        if self.ix.packs.blocking(name).is_some() {
            self.emit(fr, super::What::Block { function: name }, range, super::NO_LOOP);
        }
    }

    /// A statement was sent: does its thread wait for it?
    pub(super) fn waits(&mut self, fr: &mut Frame<'a>, method: Name, model: Option<crate::index::ModelId>, at: Range) {
        if self.is_async_work || self.language(fr) != self.names.python {
            return;
        }
        if let Some(model) = model {
            let words = self.ix.packs.word(self.ix.model(model).dialect, "async-methods");
            if words.is_some_and(|w| w.as_str().split_whitespace().any(|m| m == method.as_str())) {
                return;
            }
        }
        let dialect = model.map_or("database", |m| self.ix.model(m).dialect.as_str());
        let function = Name::new(&format!("{dialect}.statement.{method}"));
        self.blocking(fr, function, at);
    }

    /// A factory of sessions was called.
    pub(super) fn opened_by_factory(&mut self, fr: &mut Frame<'a>, class: Name, range: Range) {
        if self.ix.packs.roles(class).iter().any(|r| r.as_str() == "session-factory") {
            self.emit(fr, super::What::Open { resource: class }, range, super::NO_LOOP);
        }
    }

    /// A session or connection may have been opened by this call.
    pub(super) fn opened(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) {
        let has = |name: Name, role: &str| self.ix.packs.roles(name).iter().any(|r| r.as_str() == role);
        // On a connection that is open already it holds nothing of its own.
        let bound = args.positional.first().or_else(|| args.named.iter().find(|(n, _)| n.as_str() == "bind").map(|(_, v)| v));
        let is_engine = |v: &Val| matches!(self.data(*v), Data::Instance(class) if has(*class, "engine"));
        if has(name, "opens") && bound.is_none_or(is_engine) {
            self.emit(fr, super::What::Open { resource: name }, range, super::NO_LOOP);
        }
    }
}

/// Does the call at this place get one of these arguments, itself or in a part of it?
fn hands_in(body: &crate::facts::Body, call: Range, names: &[String]) -> bool {
    use crate::facts::{Expr, Pat};
    let calls_inside = |whole: Range| {
        body.exprs.iter().zip(&body.ranges).any(|(e, r)| match e {
            Expr::Call { args, .. } | Expr::New { args, .. } if r.start >= whole.start && r.end <= whole.end => {
                let is_handed = |n: crate::base::Name| names.iter().any(|known| known == n.as_str());
                args.iter().any(|a| a.name.is_some_and(is_handed) && !is_made_here(body, a.value))
            }
            _ => false,
        })
    };
    if calls_inside(call) {
        return true;
    }
    // `options = Options(http=shared)` and then `Client(options)`.
    body.exprs.iter().zip(&body.ranges).any(|(e, r)| {
        let Expr::Local(slot) = e else { return false };
        r.start > call.start
            && r.end <= call.end
            && body.exprs.iter().any(|a| match a {
                Expr::Assign { target, value } => *body.pat(*target) == Pat::Local(*slot) && calls_inside(body.range(*value)),
                _ => false,
            })
    })
}

/// Is a value an object made in this very function, so that nobody shares it?
fn is_made_here(body: &crate::facts::Body, e: crate::facts::ExprId) -> bool {
    use crate::facts::{Expr, Pat};
    let is_made = |value: crate::facts::ExprId| match body.expr(value) {
        Expr::New { .. } => true,
        Expr::Call { callee, .. } => match body.expr(*callee) {
            Expr::Name(n) | Expr::Attr { name: n, .. } => n.as_str().starts_with(|c: char| c.is_uppercase()),
            _ => false,
        },
        Expr::Null => true,
        _ => false,
    };
    match body.expr(e) {
        Expr::Local(slot) => body.exprs.iter().any(|a| match a {
            Expr::Assign { target, value } => *body.pat(*target) == Pat::Local(*slot) && is_made(*value),
            _ => false,
        }),
        _ => is_made(e),
    }
}
