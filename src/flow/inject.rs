//! What are parameters given that a framework fills: dependencies by their default or by their type?

use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::facts::{Arg, Expr, Language, Type};
use crate::index::Symbol;

impl<'a> Engine<'a> {
    /// Parameters that the framework fills by calling something for each request: the calls belong to this function.
    pub(super) fn inject(&mut self, fr: &mut Frame<'a>) {
        if fr.language != Language::Python {
            return;
        }
        for (i, param) in fr.decl.params.iter().enumerate() {
            if i == 0 && self.takes_receiver(fr.f) {
                continue;
            }
            let slot = param.slot.0 as usize;
            let mut found = None;
            for e in param.decorators.iter().copied().chain(param.default) {
                if let Expr::Call { callee, args } = fr.body.expr(e) {
                    let callee = self.expr(fr, *callee);
                    if self.is_injection(callee) {
                        found = Some((self.injected(fr, args), fr.body.range(e)));
                    }
                }
            }
            if found.is_none() && param.default.is_none() {
                let aliased = self.aliased_injection(fr, param.ty.as_ref());
                found = aliased.map(|t| (Some(t), param.range));
            }
            let Some((target, range)) = found else {
                continue;
            };
            let declared = self.declared_param(fr.f, param, false);
            let given = fr.locals.get(slot).copied().unwrap_or(UNKNOWN);
            if given != UNKNOWN && given != declared && !matches!(self.data(given), Data::Instance(_) | Data::External(_)) {
                continue;
            }
            let target = match target {
                Some(t) => t,
                // `x: Service = Depends()`: the type is what is called.
                None => match self.data(declared) {
                    Data::Object { class, .. } => {
                        let class = *class;
                        self.v.of(Data::Class(class))
                    }
                    _ => continue,
                },
            };
            let mark = fr.buffer.len();
            let mut val = self.call_value(fr, target, super::call::Args::default(), range);
            let (is_async, is_generator) = match self.data(target).clone() {
                Data::Function(f) => {
                    self.injected.insert(f);
                    let decl = self.ix.function(f);
                    (decl.is_async, decl.is_generator)
                }
                _ => (false, false),
            };
            if !is_async {
                fr.forget_blocking(mark);
            }
            if is_generator {
                let before = fr.buffer.len();
                val = self.element_of(fr, val, range);
                fr.buffer.truncate(before);
            }
            if let Some(local) = fr.locals.get_mut(slot) {
                let is_plain = declared == UNKNOWN || matches!(self.v.get(declared), Data::Object { .. });
                *local = if is_plain && val != UNKNOWN { val } else { declared };
            }
        }
    }

    fn is_injection(&self, callee: Val) -> bool {
        match self.data(callee) {
            Data::External(name) => self.ix.packs.function(*name).is_some_and(|op| op.injects),
            _ => false,
        }
    }

    /// What an injection calls; nothing if the type of the parameter says it.
    fn injected(&mut self, fr: &mut Frame<'a>, args: &'a [Arg]) -> Option<Val> {
        let named = args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == "dependency"));
        let arg = args.iter().find(|a| a.name.is_none()).or(named)?;
        Some(self.expr(fr, arg.value))
    }

    /// `Database = Annotated[Session, Depends(open)]`: the type is an alias that injects.
    fn aliased_injection(&mut self, fr: &Frame<'a>, ty: Option<&Type>) -> Option<Val> {
        let Some(Type::Named(name)) = ty else {
            return None;
        };
        let Symbol::Variable(file, variable) = self.ix.resolve_dotted(fr.file, fr.f.id, name.as_str()) else {
            return None;
        };
        let (f, value) = self.ix.variable_value(file, variable)?;
        let mut outer = self.frame(f, UNKNOWN);
        self.module_scope(&mut outer);
        let Expr::Index { index: Some(index), .. } = outer.body.expr(value) else {
            return None;
        };
        let Expr::Seq { items, .. } = outer.body.expr(*index) else {
            return None;
        };
        for item in items {
            if let Expr::Call { callee, args } = outer.body.expr(item.value) {
                let callee = self.expr(&mut outer, *callee);
                if self.is_injection(callee) {
                    return self.injected(&mut outer, args);
                }
            }
        }
        None
    }
}
