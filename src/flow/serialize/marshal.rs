//! What does a mapping of fields, named by a decorator or a call, read of the rows that it is given?
//!
//! Source: `flask_restful.marshal`, `flask_restx.marshal`: each field reads the attribute of its name or the one that it names,
//! dots walk on.

use super::super::call::Args;
use super::super::generic::dotted;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::MAX_NESTING;
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId};
use crate::index::{FnRef, Symbol};

/// Names are followed to mappings over at most so many steps.
const MAX_HOPS: usize = 6;

impl<'a> Engine<'a> {
    /// What handlers return whose decorator names a mapping of fields.
    pub(super) fn marshalled(&mut self) {
        let word = self.ix.packs.word_in_language(self.names.python, "marshal-decorators").unwrap_or_else(Name::empty);
        let decorators: Vec<&str> = word.as_str().split_whitespace().collect();
        for (f, outer) in self.decorated_functions() {
            let decl = self.ix.function(f);
            let body = &self.ix.function(outer).body;
            let shape = decl.decorators.iter().find_map(|decorator| {
                let Expr::Call { callee, args } = body.expr(*decorator) else { return None };
                let (Expr::Attr { name, .. } | Expr::Name(name)) = body.expr(*callee) else { return None };
                let is_known = decorators.contains(&name.as_str());
                let first = args.first().filter(|_| is_known)?;
                self.mapping(outer, first.value, 0)
            });
            if let Some((at, mapping)) = shape {
                let (mut fr, rows) = self.handler_result(f);
                self.marshal(&mut fr, at, mapping, rows, decl.name_range, 0);
                self.finish(fr);
            }
        }
    }

    /// `marshal(rows, fields)`: what the fields read of each row.
    pub(in crate::flow) fn marshal_call(
        &mut self,
        fr: &mut Frame<'a>,
        target: Val,
        args: &Args,
        fields: Option<ExprId>,
        at: Range,
    ) {
        let (Data::External(name), [rows, ..], Some(fields)) = (self.data(target), &*args.positional, fields) else { return };
        if !self.ix.packs.roles(*name).iter().any(|role| role.as_str() == "marshals") {
            return;
        }
        if let Some((f, mapping)) = self.mapping(fr.f, fields, 0) {
            self.marshal(fr, f, mapping, *rows, at, 0);
        }
    }

    /// The mapping of fields that an expression means: written there, kept in a variable, or given a name by a call.
    fn mapping(&self, f: FnRef, e: ExprId, hops: usize) -> Option<(FnRef, ExprId)> {
        if hops > MAX_HOPS {
            return None;
        }
        let body = &self.ix.function(f).body;
        match body.expr(e) {
            Expr::Map(_) => Some((f, e)),
            Expr::Call { args, .. } => args.iter().find_map(|a| self.mapping(f, a.value, hops + 1)),
            _ => {
                let name = dotted(body, e, MAX_HOPS)?;
                let Symbol::Variable(file, name) = self.ix.resolve_dotted(f.file, f.id, name.as_str()) else { return None };
                let (f, value) = self.ix.variable_value(file, name)?;
                self.mapping(f, value, hops + 1)
            }
        }
    }

    fn marshal(&mut self, fr: &mut Frame<'a>, f: FnRef, mapping: ExprId, rows: Val, at: Range, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        let Expr::Map(entries) = self.ix.function(f).body.expr(mapping) else { return };
        self.per_row(fr, rows, at, &mut |e, fr, row| {
            // The mapping may stand in another file than the handler.
            let mut inner = e.frame(f, UNKNOWN);
            for (key, field) in entries {
                let Some(key) = key else { continue };
                if let Expr::Str(name) = inner.body.expr(*key) {
                    e.marshal_field(&mut inner, f, *name, field.value, row, depth);
                }
            }
            let summary = e.finish(inner);
            e.absorb(fr, &summary, at);
            UNKNOWN
        });
    }

    fn marshal_field(&mut self, fr: &mut Frame<'a>, f: FnRef, name: Name, field: ExprId, row: Val, depth: usize) {
        let body = fr.body;
        let range = body.range(field);
        let (callee, args) = match body.expr(field) {
            Expr::Call { callee, args } => (*callee, args.as_slice()),
            _ => (field, &[][..]),
        };
        let attribute = self.word(fr, "schema-attribute");
        let (path, at) = match args.iter().find(|a| a.name == Some(attribute)) {
            Some(arg) => match body.expr(arg.value) {
                Expr::Str(path) => (*path, body.range(arg.value)),
                _ => return,
            },
            None => (name, range),
        };
        let Symbol::External(class) = self.ix.symbol_of(f, callee) else { return };
        let roles: Vec<Name> = self.ix.packs.roles(class).to_vec();
        let is = |role: &str| roles.iter().any(|r| r.as_str() == role);
        if !is("marshal-field") && !is("schema-nested") && !is("schema-list") {
            return;
        }
        let val = self.read_called(fr, row, path.as_str(), at);
        let nested = if is("schema-nested") {
            args.first().map(|a| a.value)
        } else {
            args.first().filter(|_| is("schema-list")).and_then(|a| match body.expr(a.value) {
                Expr::Call { args, .. } => args.first().map(|a| a.value),
                _ => None,
            })
        };
        match nested.and_then(|e| self.mapping(f, e, 0)) {
            Some((f, mapping)) => self.marshal(fr, f, mapping, val, at, depth + 1),
            None => {
                if let Data::Query(_) = self.data(val) {
                    self.iterate(fr, val, at);
                }
            }
        }
    }
}
