//! Which names of a template does a page not set at all? Templates take them for nothing.

use rustc_hash::FxHashSet;

use super::Engine;
use super::value::{NULL, UNKNOWN, Val};
use crate::base::Name;
use crate::facts::{Body, Expr, Language, Pat};

/// Names that pages set, without those that every page has.
#[derive(Debug)]
pub(super) struct PageNames(FxHashSet<Name>);

impl Engine<'_> {
    /// What a name is in a template whose context, all known, does not have it: nothing, if it is one that other pages set.
    /// Others may be put there by code that is not in the program.
    pub(super) fn unset(&mut self, language: Language, name: Name) -> Val {
        if !matches!(language, Language::DjangoTemplate | Language::Jinja) {
            return UNKNOWN;
        }
        if self.page_names.is_none() {
            self.page_names = Some(self.read_page_names());
        }
        match &self.page_names {
            Some(PageNames(names)) if names.contains(&name) => NULL,
            _ => UNKNOWN,
        }
    }

    fn read_page_names(&self) -> PageNames {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let words = word("page-globals");
        let processor = word("context-processors").map_or("", Name::as_str);
        let globals = word("environment-globals");
        let mut names: FxHashSet<Name> = FxHashSet::default();
        let mut everywhere: FxHashSet<Name> = FxHashSet::default();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            let path = &self.ix.sources.files[i].path;
            let is_template = facts.language.is_template();
            if !is_template && facts.language != Language::Python {
                continue;
            }
            for function in &facts.functions {
                let body = &function.body;
                // Code that runs for every page: a processor of contexts, by its file or by how it is registered.
                let registered = function.decorators.iter().filter_map(|d| {
                    let outer = &facts.functions[function.parent?.0 as usize].body;
                    match outer.expr(*d) {
                        Expr::Attr { name, .. } | Expr::Name(name) => Some(*name),
                        _ => None,
                    }
                });
                let is_for_all = !processor.is_empty()
                    && (path.contains(processor) || registered.into_iter().any(|n| n.as_str().contains(processor)));
                names_in(body, if is_for_all { &mut everywhere } else { &mut names }, is_template);
                everywhere.extend(body.exprs.iter().flat_map(|e| set_for_all(body, e, globals)));
            }
        }
        names.retain(|name| !everywhere.contains(name) && !words.is_some_and(|w| w.has_word(name.as_str())));
        PageNames(names)
    }
}

/// Keys, names of arguments and, in templates, variables that a body sets.
fn names_in(body: &Body, names: &mut FxHashSet<Name>, is_template: bool) {
    for expr in &body.exprs {
        match expr {
            Expr::Map(entries) => {
                names.extend(entries.iter().filter_map(|(key, _)| match body.expr((*key)?) {
                    Expr::Str(name) => Some(*name),
                    _ => None,
                }));
            }
            Expr::Call { args, .. } => names.extend(args.iter().filter_map(|a| a.name)),
            Expr::Render(render) => names.extend(render.args.iter().filter_map(|a| a.name)),
            _ => (),
        }
    }
    for pat in &body.pats {
        match pat {
            Pat::Index { index: Some(key), .. } => {
                if let Expr::Str(name) = body.expr(*key) {
                    names.insert(*name);
                }
            }
            Pat::Local(slot) if is_template => {
                names.insert(body.slots[slot.0 as usize]);
            }
            _ => (),
        }
    }
}

/// `environment.globals.update(now=now)`, `environment.globals["now"] = now`: the names that all templates have from then on.
fn set_for_all(body: &Body, expr: &Expr, globals: Option<Name>) -> Vec<Name> {
    let is_globals = |e: crate::facts::ExprId| matches!(body.expr(e), Expr::Attr { name, .. } if Some(*name) == globals);
    match expr {
        Expr::Call { callee, args } => match body.expr(*callee) {
            Expr::Attr { base, .. } if is_globals(*base) => {
                let mut names: Vec<Name> = args.iter().filter_map(|a| a.name).collect();
                for arg in args {
                    if let Expr::Map(entries) = body.expr(arg.value) {
                        names.extend(entries.iter().filter_map(|(key, _)| match body.expr((*key)?) {
                            Expr::Str(name) => Some(*name),
                            _ => None,
                        }));
                    }
                }
                names
            }
            _ => Vec::new(),
        },
        Expr::Assign { target, .. } => match body.pat(*target) {
            Pat::Index { base, index: Some(key) } if is_globals(*base) => match body.expr(*key) {
                Expr::Str(name) => vec![*name],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
