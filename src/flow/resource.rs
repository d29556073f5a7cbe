//! Which constructors and calls of libraries own connections, or make their thread wait?

use super::call::Args;
use super::value::{Data, Row, Source, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::Expr;
use crate::index::{ClassId, FnRef};

impl<'a> Engine<'a> {
    /// A constructor of a library is called; gives the class of what it makes, where the catalogue says it.
    pub(super) fn client(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) -> Option<Name> {
        let entry = self.ix.packs.client(name)?;
        let gives = entry.gives.as_deref().map(Name::new);
        let is_shared = !entry.shared.is_empty() && hands_in(fr.body, range, &entry.shared);
        let stays = !entry.in_process.is_empty() && self.stays_in_process(fr, range, &entry.in_process);
        if !entry.view && !is_shared && !stays {
            self.emit(fr, super::What::Construct { client: name }, range, super::NO_LOOP);
        }
        gives
    }

    /// An object of a class of the program is made whose ancestor owns connections, and its constructor runs the ancestor's.
    pub(super) fn inherited_client(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let packs = self.ix.packs;
        let Some(client) = self.ix.class(class).external.iter().copied().find(|base| packs.client(*base).is_some()) else {
            return;
        };
        let runs_it =
            self.constructor(class).is_none_or(|f| self.asks_above(f, Name::new(self.ix.function(f).name.last_segment())));
        if runs_it {
            self.client(fr, client, range);
        }
    }

    /// Does a method call the one that it overrides?
    fn asks_above(&self, f: FnRef, method: Name) -> bool {
        let body = &self.ix.function(f).body;
        body.exprs.iter().any(|e| {
            let Expr::Call { callee, .. } = e else { return false };
            let Expr::Attr { base, name, .. } = body.expr(*callee) else { return false };
            // `Base.__init__(self)`
            let is_named = matches!(body.expr(*base), Expr::Name(_) | Expr::Class(_) | Expr::Attr { .. });
            *name == method && (is_named || body.is_ancestor(*base))
        })
    }

    /// Is the call at this place given something with which it connects to nothing: a transport that calls a function, `":memory:"`?
    fn stays_in_process(&self, fr: &Frame<'a>, call: Range, known: &[String]) -> bool {
        use crate::facts::{Expr, ExprId, Pat};
        use crate::index::Symbol;
        let body = fr.body;
        let is_known = |name: Name| known.iter().any(|k| k == name.as_str());
        let says = |whole: Range| {
            body.exprs.iter().zip(&body.ranges).any(|(e, r)| {
                whole.contains(*r)
                    && match e {
                        Expr::Str(text) => is_known(*text),
                        Expr::Call { callee, .. } => {
                            matches!(self.ix.symbol_of(fr.f, *callee), Symbol::External(name) if is_known(name))
                        }
                        _ => false,
                    }
            })
        };
        // What a variable among the arguments was given before.
        let arguments = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| call.contains(**r));
        let slots: Vec<_> = arguments.filter_map(|(e, _)| if let Expr::Local(slot) = e { Some(*slot) } else { None }).collect();
        let given = (0..body.exprs.len() as u32).filter_map(|i| match body.expr(ExprId(i)) {
            Expr::Assign { target, value } => match body.pat(*target) {
                Pat::Local(slot) if slots.contains(slot) => Some(body.range(*value)),
                _ => None,
            },
            _ => None,
        });
        says(call) || given.filter(|r| !r.contains(call)).any(says)
    }

    /// A function of a library that may block is called.
    pub(super) fn blocking(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) {
        let Some(entry) = self.ix.packs.blocking(name) else { return };
        let call = self.ix.sources.file(fr.file).text.get(range.start as usize..range.end as usize).unwrap_or_default();
        if !entry.unless.iter().any(|said| call.contains(said.as_str())) {
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
            if words.is_some_and(|w| w.has_word(method.as_str())) {
                return;
            }
        }
        let dialect = model.map_or("database", |m| self.ix.model(m).dialect.as_str());
        let function = Name::new(&format!("{dialect}.statement.{method}"));
        self.blocking(fr, function, at);
    }

    /// A relation of one row that a query gave without it is read: does its thread wait for the statement?
    pub(super) fn waits_for_relation(&mut self, fr: &mut Frame<'a>, row: Row, relation: Name, at: Range) {
        if self.language(fr) == self.names.python
            && row.renewed_by == super::NO_LOOP
            && matches!(self.v.source_of(row.src), Source::Query(_))
        {
            let function = Name::new(&format!("{}.relation.{relation}", self.ix.model(row.model).dialect));
            self.blocking(fr, function, at);
        }
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
