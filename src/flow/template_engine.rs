//! What do templates give that code holds as objects, and functions that the program registers for its templates?
//!
//! `env.get_template("a.html").render(rows=rows)`; a template as a module: its macros are called by name.

use rustc_hash::FxHashMap;

use super::call::Args;
use super::value::{Data, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name, Range};
use crate::facts::{Expr, FnId, Language};
use crate::index::{FnRef, ProjectIndex};

impl<'a> Engine<'a> {
    /// The template that a call names, as an object.
    pub(super) fn template_object(&mut self, named: Val) -> Val {
        let names = match self.data(named) {
            // The first of a list that exists.
            Data::Tuple(all) => all.clone().iter().flat_map(|v| self.template_names(*v)).collect(),
            _ => self.template_names(named),
        };
        let file = names.into_iter().find_map(|n| self.template_files(n).first().copied());
        self.template_module(file)
    }

    /// A method of a template as an object: it is rendered, or given again with its macros.
    pub(super) fn template_method(
        &mut self,
        fr: &mut Frame<'a>,
        file: FileId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if !self.ix.file(file).language.is_template() {
            return None;
        }
        let is_one_of = |key: &str| {
            let words = self.ix.packs.word_in_language(self.names.python, key);
            words.is_some_and(|w| w.has_word(name.as_str()))
        };
        if is_one_of("template-modules") {
            return Some(self.template_module(Some(file)));
        }
        if !is_one_of("template-renders") {
            return None;
        }
        let mut keys = args.named.clone();
        let mut rest = args.open.then_some(UNKNOWN);
        if let Some(first) = args.positional.first() {
            match self.data(*first).clone() {
                Data::Record(more, open) => {
                    keys.extend(more.iter().filter(|(n, _)| !args.named.iter().any(|(m, _)| m == n)).copied());
                    rest = rest.or(open);
                }
                _ => rest = Some(UNKNOWN),
            }
        }
        let context = self.v.record(keys, rest);
        self.render_file(fr, file, context, UNKNOWN, range, &[]);
        Some(SCALAR)
    }
}

/// Functions that the program registers for its templates, by the name that templates use.
pub(super) fn template_tags(ix: &ProjectIndex<'_>) -> FxHashMap<Name, (FnRef, Option<Name>)> {
    let mut tags = FxHashMap::default();
    let Some(words) = ix.packs.word_in_language(Name::new("python"), "template-tags") else {
        return tags;
    };
    let known: Vec<&str> = words.as_str().split_whitespace().collect();
    for (i, facts) in ix.facts.iter().enumerate() {
        if facts.language != Language::Python {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate() {
            let Some(parent) = decl.parent else { continue };
            let outer = &facts.functions[parent.0 as usize].body;
            for decorator in &decl.decorators {
                let (callee, args) = match outer.expr(*decorator) {
                    Expr::Call { callee, args } => (*callee, args.as_slice()),
                    _ => (*decorator, &[][..]),
                };
                let Expr::Attr { name, .. } = outer.expr(callee) else {
                    continue;
                };
                if !known.contains(&name.as_str()) {
                    continue;
                }
                let text = |arg: &crate::facts::Arg| match outer.expr(arg.value) {
                    Expr::Str(s) => Some(*s),
                    _ => None,
                };
                let renamed = args.iter().filter(|a| a.name.is_some_and(|n| n.as_str() == "name")).find_map(text);
                let first = args.iter().filter(|a| a.name.is_none()).find_map(text);
                let file_like = |n: &Name| n.as_str().contains('.');
                let tag = renamed.or(first.filter(|n| !file_like(n))).unwrap_or(decl.name);
                let f = FnRef { file: FileId(i as u32), id: FnId(j as u32) };
                tags.insert(tag, (f, first.filter(file_like)));
            }
        }
    }
    tags
}
