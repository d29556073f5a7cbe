//! What do call expressions say literally: whom they call, with which numbers?

use rustc_hash::FxHashMap;

use super::CheckContext;
use crate::base::{Name, Span};
use crate::facts::{Arg, Body, Expr, ExprId, FnKind};
use crate::index::{FnRef, Symbol};

/// The dotted name of what a callee names, as written, if it is a plain chain of names.
fn dotted(body: &Body, mut e: ExprId) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    loop {
        match body.expr(e) {
            Expr::Attr { base, name, .. } => {
                parts.push(name.as_str());
                e = *base;
            }
            Expr::Name(n) => {
                parts.push(n.as_str());
                break;
            }
            Expr::Local(slot) => {
                parts.push(body.slots.get(slot.0 as usize)?.as_str());
                break;
            }
            _ => return None,
        }
    }
    parts.reverse();
    Some(parts.join("."))
}

impl CheckContext<'_> {
    /// What a callee names.
    pub(super) fn named(&self, f: FnRef, callee: ExprId) -> Symbol {
        let decl = self.ix.function(f);
        match dotted(&decl.body, callee) {
            // A builtin that nothing hides.
            Some(name) => match self.ix.resolve_dotted(f.file, f.id, &name) {
                Symbol::Unknown if !name.contains('.') => Symbol::External(Name::new(&name)),
                symbol => symbol,
            },
            None => Symbol::Unknown,
        }
    }

    /// What the decorators of a function name.
    pub(super) fn decorators(&self, f: FnRef) -> Vec<Symbol> {
        let decl = self.ix.function(f);
        let Some(parent) = decl.parent else { return Vec::new() };
        let outer = FnRef { file: f.file, id: parent };
        let body = &self.ix.function(outer).body;
        let callee = |e: ExprId| if let Expr::Call { callee, .. } = body.expr(e) { *callee } else { e };
        decl.decorators.iter().map(|d| self.named(outer, callee(*d))).collect()
    }

    /// Does the callee name something outside the program with this role?
    pub(super) fn names_role(&self, f: FnRef, callee: ExprId, role: &str) -> bool {
        match self.named(f, callee) {
            Symbol::External(name) => self.ix.packs.roles(name).iter().any(|r| r.as_str() == role),
            _ => false,
        }
    }

    /// A number written literally.
    pub(super) fn number(&self, f: FnRef, e: ExprId) -> Option<f64> {
        let body = &self.ix.function(f).body;
        match body.expr(e) {
            #[allow(clippy::cast_precision_loss)]
            Expr::Int(i) => Some(*i as f64),
            Expr::Literal => {
                let range = body.range(e);
                self.text(Span { file: f.file, range }).parse().ok()
            }
            _ => None,
        }
    }

    /// The source text of a place.
    pub(super) fn text(&self, at: Span) -> &str {
        let text = &self.ix.sources.file(at.file).text;
        text.get(at.range.start as usize..at.range.end as usize).unwrap_or_default()
    }

    /// Every function of the application's own files in a language that runs on event loops.
    pub(super) fn functions(&self) -> &[FnRef] {
        self.functions.get_or_init(|| self.read_functions())
    }

    fn read_functions(&self) -> Vec<FnRef> {
        let mut all = Vec::new();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            let file = crate::base::FileId(i as u32);
            let source = self.ix.sources.file(file);
            if source.origin != crate::source::Origin::Ours || facts.language != crate::facts::Language::Python {
                continue;
            }
            for (j, decl) in facts.functions.iter().enumerate() {
                if decl.kind != FnKind::ClassBody {
                    all.push(FnRef { file, id: crate::facts::FnId(j as u32) });
                }
            }
        }
        all
    }

    /// The calls of the application that name a function, with the functions that they stand in.
    pub(super) fn calls_of(&self, f: FnRef) -> &[(FnRef, ExprId)] {
        let all = self.calls_of.get_or_init(|| {
            let mut all: FxHashMap<FnRef, Vec<(FnRef, ExprId)>> = FxHashMap::default();
            for caller in self.functions() {
                let body = &self.ix.function(*caller).body;
                for (i, e) in body.exprs.iter().enumerate() {
                    if let Expr::Call { callee, .. } = e
                        && let Symbol::Function(called) = self.named(*caller, *callee)
                    {
                        all.entry(called).or_default().push((*caller, ExprId(i as u32)));
                    }
                }
            }
            all
        });
        all.get(&f).map_or(&[], Vec::as_slice)
    }

    /// Where the application speaks of a name, or of an attribute of that name.
    pub(super) fn spoken_at(&self, name: Name) -> &[(FnRef, ExprId)] {
        let all = self.spoken.get_or_init(|| {
            let mut all: FxHashMap<Name, Vec<(FnRef, ExprId)>> = FxHashMap::default();
            for f in self.functions() {
                let body = &self.ix.function(*f).body;
                for id in (0..body.exprs.len() as u32).map(ExprId) {
                    if let Some(name) = body.last_name(id) {
                        all.entry(name).or_default().push((*f, id));
                    }
                }
            }
            all
        });
        all.get(&name).map_or(&[], Vec::as_slice)
    }
}

/// A keyword argument.
pub(super) fn keyword(args: &[Arg], name: &str) -> Option<ExprId> {
    args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == name)).map(|a| a.value)
}

/// The n-th positional argument.
pub(super) fn positional(args: &[Arg], n: usize) -> Option<ExprId> {
    args.iter().filter(|a| a.name.is_none()).nth(n).map(|a| a.value)
}
