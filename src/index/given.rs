//! Which classes of the program does a library take as the base of all models that it is asked for?
//!
//! `db = SQLAlchemy(model_class=Base)`: what extends `db.Model` extends `Base`, too.

use rustc_hash::FxHashMap;

use super::{ClassId, FnRef, ProjectIndex, Symbol};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, FnKind, Language, Pat};
use crate::packs::model::{GivenBase, ModelPack};

/// Classes of the program that stand behind a base of a library, by the full name of that base.
pub(super) type GivenBases = FxHashMap<Name, ClassId>;

/// Finds them. A base for which the program names two classes has none.
pub(super) fn read(index: &ProjectIndex<'_>, packs: &[ModelPack]) -> GivenBases {
    let mut found: FxHashMap<Name, Option<ClassId>> = FxHashMap::default();
    let rules: Vec<&GivenBase> = packs.iter().flat_map(|p| &p.given_base).collect();
    if rules.is_empty() {
        return GivenBases::default();
    }
    let keywords: Vec<String> = rules.iter().map(|r| format!("{}=", r.keyword)).collect();
    for (i, facts) in index.facts.iter().enumerate() {
        if facts.language != Language::Python {
            continue;
        }
        let text = &index.sources.files[i].text;
        if !rules.iter().zip(&keywords).any(|(r, k)| text.contains(k) || r.text.as_ref().is_some_and(|t| text.contains(t))) {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate().filter(|(_, d)| d.kind == FnKind::File) {
            let at = FnRef { file: FileId(i as u32), id: FnId(j as u32) };
            for (e, expr) in decl.body.exprs.iter().enumerate() {
                for rule in &rules {
                    let Some(class) = given_by(index, at, ExprId(e as u32), expr, rule) else { continue };
                    let known = found.entry(Name::new(&rule.base)).or_insert(Some(class));
                    if *known != Some(class) {
                        *known = None;
                    }
                }
            }
        }
    }
    #[allow(clippy::iter_over_hash_type)]
    found.into_iter().filter_map(|(name, class)| Some((name, class?))).collect()
}

fn given_by(index: &ProjectIndex<'_>, at: FnRef, e: ExprId, expr: &Expr, rule: &GivenBase) -> Option<ClassId> {
    let body = &index.function(at).body;
    let class_of = |value: ExprId| {
        // Before it is assigned to, the name of a class is the class.
        let declared = match body.expr(value) {
            Expr::Local(slot) => index.resolve_name(at.file, at.id, body.slots[slot.0 as usize]),
            Expr::Name(name) => index.resolve_name(at.file, at.id, *name),
            _ => Symbol::Unknown,
        };
        match declared {
            Symbol::Class(class) => Some(class),
            _ => match index.symbol_of(at, value) {
                Symbol::Class(class) => Some(class),
                _ => None,
            },
        }
    };
    match expr {
        Expr::Call { args, .. } => {
            let value = args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == rule.keyword))?.value;
            match index.symbol_of(at, e) {
                Symbol::External(made) if made.as_str() == rule.made => (),
                _ => return None,
            }
            if let Some(class) = class_of(value) {
                return Some(class);
            }
            let Expr::Call { args, .. } = body.expr(value) else { return None };
            let keyword = rule.inner_keyword.as_ref()?;
            let inner = args.iter().find(|a| a.name.is_some_and(|n| n.as_str() == keyword))?.value;
            class_of(inner)
        }
        // `library.Model = Base`
        Expr::Assign { target, value } => {
            let Pat::Attr { base, name } = body.pat(*target) else { return None };
            let Symbol::External(module) = index.symbol_of(at, *base) else { return None };
            if !rule.assigned.iter().any(|full| *full == format!("{module}.{name}")) {
                return None;
            }
            class_of(*value)
        }
        _ => None,
    }
}
