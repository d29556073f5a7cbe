//! What does each parameter of a function get from the arguments of a call?

use super::Engine;
use super::call::Args;
use super::value::{Data, ManyKind, NULL, SCALAR, UNKNOWN, Val};
use crate::base::Name;
use crate::facts::{Expr, ExprId, ParamKind};
use crate::index::FnRef;

impl<'a> Engine<'a> {
    /// What the name at a place takes of known elements: `(*columns, count) = row`.
    pub(super) fn part_of_known(&mut self, vals: &[Val], at: usize, names: usize, star: Option<usize>) -> Val {
        let last = |from_end: usize| vals.len().checked_sub(from_end).and_then(|i| vals.get(i)).copied().unwrap_or(UNKNOWN);
        match star {
            Some(star) if at == star => {
                let rest = vals.len().saturating_sub(names - 1 - star).max(star.min(vals.len()));
                let middle: Vec<Val> = vals.get(star..rest).unwrap_or_default().to_vec();
                self.v.of(Data::Tuple(middle.into_boxed_slice()))
            }
            Some(star) if at > star => last(names - at),
            _ => vals.get(at).copied().unwrap_or(UNKNOWN),
        }
    }

    /// One value per parameter.
    pub(super) fn bind(&mut self, f: FnRef, this: Val, args: &Args) -> Vec<Val> {
        let decl = self.ix.function(f);
        let mut positional = args.positional.iter().copied();
        let mut vals = Vec::with_capacity(decl.params.len());
        let mut used: Vec<Name> = Vec::new();
        for (i, param) in decl.params.iter().enumerate() {
            if i == 0 && self.takes_receiver(f) {
                vals.push(this);
                continue;
            }
            let val = match param.kind {
                ParamKind::Normal => {
                    if let Some((_, v)) = args.named.iter().find(|(n, _)| *n == param.name) {
                        used.push(param.name);
                        Some(*v)
                    } else {
                        positional.next()
                    }
                }
                ParamKind::Keyword => args.named.iter().find(|(n, _)| *n == param.name).map(|(_, v)| {
                    used.push(param.name);
                    *v
                }),
                ParamKind::Rest => {
                    let rest: Vec<Val> = positional.by_ref().collect();
                    Some(if args.open {
                        let e = rest.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
                        self.v.many(e, ManyKind::Held)
                    } else {
                        self.v.of(Data::Tuple(rest.into_boxed_slice()))
                    })
                }
                ParamKind::KeywordRest => {
                    let keys: Vec<(Name, Val)> = args.named.iter().filter(|(n, _)| !used.contains(n)).copied().collect();
                    Some(self.v.record(keys, args.open.then_some(UNKNOWN)))
                }
            };
            let val = match val {
                Some(v) if v != UNKNOWN => self.canonical(v),
                Some(_) => self.declared_param(f, param, false),
                None if args.open => self.declared_param(f, param, false),
                None => match param.default {
                    // A decorator may give what the caller leaves out.
                    Some(d) if !decl.decorators.is_empty() && *decl.body.expr(d) == Expr::Null => {
                        match self.declared_param(f, param, false) {
                            UNKNOWN => NULL,
                            declared => declared,
                        }
                    }
                    Some(d) => self.default_value(f, d),
                    None => self.declared_param(f, param, false),
                },
            };
            vals.push(val);
        }
        vals
    }

    /// What an argument is worth distinguishing calls by: long texts are not, and numbers only where they may bound something.
    fn canonical(&mut self, val: Val) -> Val {
        match self.data(val) {
            Data::Int(_) if !self.is_few(val) => SCALAR,
            Data::Str(s) if s.as_str().len() > 80 => SCALAR,
            _ => val,
        }
    }

    fn default_value(&mut self, f: FnRef, default: ExprId) -> Val {
        let decl = self.ix.function(f);
        match decl.body.expr(default) {
            Expr::Null => NULL,
            Expr::Str(s) => self.v.str(*s),
            Expr::Bool(b) => self.v.of(Data::Bool(*b)),
            Expr::Int(_) | Expr::Literal => SCALAR,
            Expr::Gap(..) => UNKNOWN,
            _ => {
                let mut fr = self.frame(f, UNKNOWN);
                self.expr(&mut fr, default)
            }
        }
    }
}
