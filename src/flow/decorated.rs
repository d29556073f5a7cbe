//! What do decorators of the program do with what the functions give that they decorate?
//!
//! A decorator that dumps rows through a schema, or pages a query, works on rows of a function that it is given: it is
//! called with the function, and what it makes of it is called as the library would.

use super::call::Args;
use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::facts::{Expr, ExprId, FnId, FnKind, Language, Spread};
use crate::index::FnRef;

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
