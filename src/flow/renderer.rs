//! Which template shows what a function gives, because a decorator names it?
//!
//! `@view_config(renderer="pkg:templates/users.html")`: the record that the function gives is the context.

use super::value::{Data, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::{Expr, Language};
use crate::index::FnRef;

impl<'a> Engine<'a> {
    /// Renders what a function gives with the templates that its decorators name.
    pub(super) fn render_by_decorators(&mut self, fr: &mut Frame<'a>) {
        if fr.language != Language::Python || fr.decl.decorators.is_empty() {
            return;
        }
        let Some(returned) = fr.ret else { return };
        let contexts: Vec<Val> =
            self.v.alternatives(returned).into_iter().filter(|v| matches!(self.data(*v), Data::Record(..))).collect();
        if contexts.is_empty() {
            return;
        }
        let names = self.templates_of_decorators(fr);
        for name in names {
            for context in &contexts {
                self.render_named(fr, name, *context, fr.decl.name_range);
            }
        }
    }

    fn templates_of_decorators(&mut self, fr: &Frame<'a>) -> Vec<Name> {
        let words = self.ix.packs.word_in_language(self.names.python, "rendering-decorators");
        let (Some(words), Some(parent)) = (words, fr.decl.parent) else { return Vec::new() };
        let outer = FnRef { file: fr.file, id: parent };
        let body = &self.ix.function(outer).body;
        let mut names = Vec::new();
        for decorator in &fr.decl.decorators {
            let Expr::Call { args, .. } = body.expr(*decorator) else { continue };
            let full = self.decorator_names(outer, *decorator);
            // `pyramid.view.view_config=renderer`, `aiohttp_jinja2.template=0`
            let argument = words.as_str().split_whitespace().find_map(|word| {
                let (name, argument) = word.split_once('=')?;
                full.iter().any(|f| f.as_str() == name).then_some(argument)
            });
            let Some(argument) = argument else { continue };
            let given = match argument.parse::<usize>() {
                Ok(at) => args.get(at).filter(|arg| arg.name.is_none()),
                Err(_) => args.iter().find(|arg| arg.name.is_some_and(|n| n.as_str() == argument)),
            };
            if let Some(Expr::Str(text)) = given.map(|arg| body.expr(arg.value)) {
                names.extend(self.asset(*text));
            }
        }
        names
    }

    /// The name of a template within its folder: `pkg:templates/users.html`, `templates/users.html`, `users.html`.
    fn asset(&mut self, text: Name) -> Option<Name> {
        let path = text.as_str().split_once(':').map_or(text.as_str(), |(_, path)| path);
        let parts: Vec<&str> = path.split('/').collect();
        (0..parts.len()).map(|i| Name::new(&parts[i..].join("/"))).find(|name| !self.template_files(*name).is_empty())
    }
}
