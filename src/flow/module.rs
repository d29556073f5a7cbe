//! What do the names of a module stand for?

use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, Pat, Slot, Stmt};
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
        for expr in &body.exprs {
            let Expr::Assign { target, value } = expr else {
                continue;
            };
            let Pat::Local(slot) = body.pat(*target) else {
                continue;
            };
            if body.slots.get(slot.0 as usize) != Some(&name) {
                continue;
            }
            let mut fr = self.frame(f, UNKNOWN);
            self.module_scope(&mut fr);
            self.variables_before(&mut fr, *value, *slot);
            let val = self.expr(&mut fr, *value);
            result = Some(match result {
                Some(old) => self.v.join(old, val),
                None => val,
            });
        }
        let val = result.unwrap_or(UNKNOWN);
        let val = match self.declared_var(file, name) {
            // What stands for it while the program runs answers for all its names.
            declared if declared != UNKNOWN && (self.v.is_plain(val) || self.is_proxy(val)) => declared,
            _ => val,
        };
        self.module_vars.insert((file, name), val);
        val
    }

    /// What a module declares a variable to be, apart from any value: `app: App`.
    fn declared_var(&mut self, file: FileId, name: Name) -> Val {
        let body = &self.ix.file(file).functions[0].body;
        let declared = body.stmts.iter().find_map(|s| match s {
            Stmt::Declare { slot, ty } if body.slots.get(slot.0 as usize) == Some(&name) => Some(ty),
            _ => None,
        });
        declared.map_or(UNKNOWN, |ty| self.value_of_type(file, FnId(0), ty))
    }

    /// Is a value an object that hands every name on to something else?
    fn is_proxy(&self, val: Val) -> bool {
        match self.data(val) {
            Data::Object { class, .. } => self.ix.find_method(*class, Name::new("__getattr__")).is_some(),
            _ => false,
        }
    }

    /// The other variables of the module that an expression of it reads.
    fn variables_before(&mut self, fr: &mut Frame<'a>, value: ExprId, own: Slot) {
        let body = fr.body;
        let within = body.range(value);
        for (expr, range) in body.exprs.iter().zip(&body.ranges) {
            let Expr::Local(slot) = expr else { continue };
            let Some(name) = body.slots.get(slot.0 as usize).copied() else { continue };
            if *slot != own
                && within.contains(*range)
                && fr.locals[slot.0 as usize] == UNKNOWN
                && matches!(self.ix.member(fr.file, name), Symbol::Variable(..))
            {
                fr.locals[slot.0 as usize] = self.module_var(fr.file, name);
            }
        }
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
