//! What do the names of a module stand for?

use super::value::{UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name};
use crate::facts::{Expr, FnId, Pat};
use crate::index::{FnRef, Symbol};

impl<'a> Engine<'a> {
    /// A module-level variable: the join of what its module assigns to it.
    pub(super) fn module_var(&mut self, file: FileId, name: Name) -> Val {
        if let Some(val) = self.module_vars.get(&(file, name)) {
            return *val;
        }
        self.module_vars.insert((file, name), UNKNOWN);
        let body = &self.ix.file(file).functions[0].body;
        let f = FnRef { file, id: FnId(0) };
        let mut result: Option<Val> = None;
        for (i, expr) in body.exprs.iter().enumerate() {
            let Expr::Assign { target, value } = expr else {
                continue;
            };
            let Pat::Local(slot) = body.pat(*target) else {
                continue;
            };
            if body.slots.get(slot.0 as usize) != Some(&name) {
                continue;
            }
            let _ = i;
            let mut fr = self.frame(f, UNKNOWN);
            self.module_scope(&mut fr);
            let val = self.expr(&mut fr, *value);
            result = Some(match result {
                Some(old) => self.v.join(old, val),
                None => val,
            });
        }
        let val = match result {
            Some(val) => val,
            None => UNKNOWN,
        };
        self.module_vars.insert((file, name), val);
        val
    }

    /// Names of the file body that are classes, functions or imports, as its locals.
    pub(super) fn module_scope(&mut self, fr: &mut Frame<'a>) {
        for i in 0..fr.body.slots.len() {
            let name = fr.body.slots[i];
            let symbol = self.ix.member(fr.file, name);
            fr.locals[i] = match symbol {
                Symbol::Variable(..) => UNKNOWN,
                other => self.symbol(other),
            };
        }
    }
}
