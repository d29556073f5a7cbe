//! What do decorators of the program do with what the functions give that they decorate?
//!
//! A decorator that dumps rows through a schema, or pages a query, works on rows of a function that it is given: it is
//! called with the function, and what it makes of it is called as the library would.

use std::rc::Rc;

use super::call::Args;
use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::facts::{Expr, ExprId, FnId, FnKind, Language, Spread};
use crate::index::{FnRef, Symbol};

/// At most so many decorators of one function are followed.
const MAX_DECORATORS: usize = 6;

impl<'a> Engine<'a> {
    /// Runs what decorators of the program make of functions.
    pub(super) fn decorated_roots(&mut self) {
        for (f, _) in self.decorated_functions() {
            let decl = self.ix.function(f);
            let is_plain = matches!(decl.kind, FnKind::Function | FnKind::Method) && !decl.is_abstract;
            if is_plain && !decl.is_static && !decl.is_classmethod {
                self.decorated(f);
            }
        }
    }

    /// Functions of the program with decorators, each with the function in whose body they stand, in order.
    pub(super) fn decorated_functions(&self) -> Vec<(FnRef, FnRef)> {
        let mut found = Vec::new();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            let file = crate::base::FileId(i as u32);
            if facts.language != Language::Python || self.is_history(file) {
                continue;
            }
            let decorated = facts.functions.iter().enumerate().filter(|(_, decl)| !decl.decorators.is_empty());
            found.extend(
                decorated.filter_map(|(j, decl)| Some((FnRef { file, id: FnId(j as u32) }, FnRef { file, id: decl.parent? }))),
            );
        }
        found
    }

    fn decorated(&mut self, f: FnRef) {
        let decl = self.ix.function(f);
        let Some(parent) = decl.parent else { return };
        let mut outer = self.frame(FnRef { file: f.file, id: parent }, super::UNKNOWN);
        if !matches!(outer.decl.kind, FnKind::File | FnKind::ClassBody) {
            return;
        }
        let mut made = self.v.of(Data::Function(f));
        self.quiet = Some(f);
        let mut is_wrapped = false;
        for decorator in decl.decorators.iter().rev().take(MAX_DECORATORS) {
            let Some(wrapper) = self.decorator(&mut outer, *decorator) else { continue };
            let given = self.call_value(&mut outer, wrapper, Args::positional(vec![made]), decl.name_range);
            if matches!(self.data(given), Data::Closure(..)) {
                made = given;
                is_wrapped = true;
            }
        }
        if is_wrapped {
            let receiver = if self.takes_receiver(f) { vec![self.receiver_of(f)] } else { Vec::new() };
            let args = Args { open: true, ..Args::positional(receiver) };
            self.call_value(&mut outer, made, args, decl.name_range);
            self.finish(outer);
        }
        self.quiet = None;
    }

    /// The arguments of a call with those that decorators of the program put before them: `f(session, *args)`.
    pub(super) fn with_put_in(&mut self, fr: &Frame<'a>, f: FnRef, args: Args) -> Args {
        let decl = self.ix.function(f);
        if decl.decorators.is_empty() || self.ix.file(f.file).language != Language::Python || self.quiet == Some(f) {
            return args;
        }
        let put_in = self.put_in(f);
        if put_in.is_empty() || put_in.iter().any(|(by, _)| by.file == fr.file && self.is_within(*by, fr.f.id)) {
            return args;
        }
        let mut args = args;
        for (_, place) in put_in.iter() {
            if *place <= args.positional.len() {
                args.positional.insert(*place, super::UNKNOWN);
                if *place < args.ranges.len() {
                    let range = args.ranges[*place];
                    args.ranges.insert(*place, range);
                }
                for variable in args.variables.iter_mut().flatten() {
                    *variable += usize::from(*variable >= *place);
                }
            }
        }
        args
    }

    /// The places at which decorators put in arguments, each with the decorator.
    fn put_in(&mut self, f: FnRef) -> Rc<[(FnRef, usize)]> {
        if let Some(known) = self.put_in.get(&f) {
            return known.clone();
        }
        let decl = self.ix.function(f);
        let mut found = Vec::new();
        if let Some(parent) = decl.parent {
            let outer = FnRef { file: f.file, id: parent };
            let body = &self.ix.function(outer).body;
            let skipped = usize::from(self.takes_receiver(f));
            for decorator in decl.decorators.iter().take(MAX_DECORATORS) {
                let named = match body.expr(*decorator) {
                    Expr::Call { callee, .. } => *callee,
                    _ => *decorator,
                };
                if let Symbol::Function(by) = self.ix.symbol_of(outer, named) {
                    found.extend(self.places_put_in(by).into_iter().filter_map(|at| Some((by, at.checked_sub(skipped)?))));
                }
            }
        }
        let found: Rc<[(FnRef, usize)]> = found.into();
        self.put_in.insert(f, found.clone());
        found
    }

    /// Where a decorator's wrapper gives more than it is given itself, before the rest that it hands on.
    fn places_put_in(&self, decorator: FnRef) -> Vec<usize> {
        let functions = &self.ix.file(decorator.file).functions;
        let decorated = |at: FnRef| self.ix.function(at).params.first().map(|p| p.name);
        let inside = (0..functions.len()).map(|i| FnRef { file: decorator.file, id: FnId(i as u32) });
        for wrapper in inside.filter(|w| *w != decorator && self.is_within(decorator, w.id)) {
            let decl = self.ix.function(wrapper);
            let outer = decl.parent.map(|id| FnRef { file: wrapper.file, id });
            let Some(wrapped) = outer.and_then(decorated) else { continue };
            for expr in &decl.body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let is_wrapped = matches!(decl.body.expr(*callee), Expr::Local(s) if decl.body.slots[s.0 as usize] == wrapped);
                let Some(rest) = args.iter().position(|a| a.spread == Spread::Elements).filter(|_| is_wrapped) else { continue };
                let is_own = |e: ExprId| matches!(decl.body.expr(e), Expr::Local(s) if decl.params.iter().any(|p| p.slot == *s));
                let added = args[..rest].iter().enumerate().filter(|(_, a)| a.name.is_none() && !is_own(a.value));
                return added.map(|(i, _)| i).collect();
            }
        }
        Vec::new()
    }

    /// A function of the program that decorates, or what one gives that is called for that.
    fn decorator(&mut self, outer: &mut Frame<'a>, e: ExprId) -> Option<Val> {
        let body = outer.body;
        let Expr::Call { callee, args } = body.expr(e) else {
            let own = self.static_value(outer, e, 0);
            return matches!(self.data(own), Data::Function(_)).then_some(own);
        };
        let own = self.static_value(outer, *callee, 0);
        if !matches!(self.data(own), Data::Function(_)) {
            return None;
        }
        let mut given = Args::default();
        for arg in args {
            let val = self.static_value(outer, arg.value, 0);
            match (arg.spread, arg.name) {
                (Spread::No, None) => given.positional.push(val),
                (Spread::No, Some(name)) => given.named.push((name, val)),
                _ => given.open = true,
            }
        }
        given.ranges = args.iter().map(|a| body.range(a.value)).collect();
        let wrapper = self.call_value(outer, own, given, body.range(e));
        matches!(self.data(wrapper), Data::Closure(..)).then_some(wrapper)
    }
}
