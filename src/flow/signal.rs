//! Which row is a function given that hears of what happens to the rows of a model?

use rustc_hash::FxHashMap;

use super::Engine;
use super::value::{Data, Row, Source, UNKNOWN, Val};
use crate::base::{FileId, Name, Span};
use crate::facts::{Arg, Body, Expr, ExprId, FnId, Language, Param};
use crate::index::{FnRef, ModelId, Symbol};

/// Functions that hear of one model's rows alone.
pub(super) type Heard = FxHashMap<FnRef, Option<ModelId>>;

impl<'a> Engine<'a> {
    /// The row that a parameter holds in a function that is registered for the rows of one model.
    pub(super) fn heard_row(&mut self, f: FnRef, param: &Param) -> Val {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let is_row = self.ix.file(f.file).language == Language::Python && word("row-listener-row") == Some(param.name);
        if !is_row {
            return UNKNOWN;
        }
        if self.heard.is_none() {
            let heard = self.all_heard();
            self.heard = Some(heard);
        }
        match self.heard.as_ref().and_then(|heard| heard.get(&f)) {
            Some(Some(model)) => {
                let model = *model;
                let row = self.declared_row(model, Source::Declared(Span { file: f.file, range: param.range }));
                // What was done to it before, nobody knows.
                let Data::Row(row) = *self.data(row) else { return UNKNOWN };
                let tree = self.v.trees.opened(row.tree);
                self.v.row(Row { tree, ..row })
            }
            _ => UNKNOWN,
        }
    }

    fn all_heard(&self) -> Heard {
        let mut heard = Heard::default();
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let (Some(decorators), Some(model), Some(registration)) =
            (word("row-listeners"), word("row-listener-model"), word("row-listener-registration"))
        else {
            return heard;
        };
        let mut note = |f: FnRef, model: Option<ModelId>| {
            heard.entry(f).and_modify(|known| *known = known.filter(|k| Some(*k) == model)).or_insert(model);
        };
        for (i, facts) in self.ix.facts.iter().enumerate().filter(|(_, f)| f.language == Language::Python) {
            let file = FileId(i as u32);
            for (j, decl) in facts.functions.iter().enumerate() {
                let f = FnRef { file, id: FnId(j as u32) };
                if let Some(parent) = decl.parent.filter(|_| !decl.decorators.is_empty()) {
                    let outer = FnRef { file, id: parent };
                    let body = &self.ix.function(outer).body;
                    for decorator in &decl.decorators {
                        let Expr::Call { callee, args } = body.expr(*decorator) else { continue };
                        let is_it =
                            matches!(self.ix.symbol_of(outer, *callee), Symbol::External(n) if decorators.has_word(n.as_str()));
                        if is_it {
                            note(f, self.heard_model(outer, body, args, model));
                        }
                    }
                }
                // `saved.connect(listen, sender=Post)`
                let body = &decl.body;
                for expr in &body.exprs {
                    let Expr::Call { callee, args } = expr else { continue };
                    if !matches!(body.expr(*callee), Expr::Attr { name, .. } if *name == registration) {
                        continue;
                    }
                    let Some(first) = args.first().filter(|a| a.name.is_none() || a.name == word("row-listener-argument")) else {
                        continue;
                    };
                    if let Symbol::Function(listener) = self.ix.symbol_of(f, first.value)
                        && args.iter().any(|a| a.name == Some(model))
                    {
                        note(listener, self.heard_model(f, body, args, model));
                    }
                }
            }
        }
        heard
    }

    /// The model that the argument of a name means.
    fn heard_model(&self, f: FnRef, body: &Body, args: &[Arg], name: Name) -> Option<ModelId> {
        let value: ExprId = args.iter().find(|a| a.name == Some(name))?.value;
        match body.expr(value) {
            Expr::Str(label) => self.ix.model_labelled(label.as_str()),
            _ => match self.ix.symbol_of(f, value) {
                Symbol::Class(class) => self.ix.class(class).model,
                _ => None,
            },
        }
    }
}
