//! Which code runs for a template whenever it is rendered, and what does it add to the context?

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{FileId, Name, Range};
use crate::facts::{Expr, ExprId, FnId, Language};
use crate::index::{FnRef, ProjectIndex};
use rustc_hash::FxHashMap;

/// By template: the function that registers something for it, and the expression that is registered.
pub(in super::super) type Composers = FxHashMap<Name, Vec<(FnRef, ExprId)>>;

/// Registrations of code for templates by name.
pub(in super::super) fn composers(ix: &ProjectIndex<'_>) -> Composers {
    let mut found = Composers::default();
    let Some(word) = ix.packs.word_in_language(Name::new("php"), "composer") else {
        return found;
    };
    for (i, facts) in ix.facts.iter().enumerate() {
        if facts.language != Language::Php {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate() {
            let body = &decl.body;
            for e in &body.exprs {
                let Expr::Call { callee, args } = e else {
                    continue;
                };
                if args.len() != 2 || !matches!(body.expr(*callee), Expr::Attr { name, .. } if *name == word) {
                    continue;
                }
                let names: Vec<Name> = match body.expr(args[0].value) {
                    Expr::Str(name) => vec![*name],
                    Expr::Seq { items, .. } => items
                        .iter()
                        .filter_map(|i| match body.expr(i.value) {
                            Expr::Str(name) => Some(*name),
                            _ => None,
                        })
                        .collect(),
                    _ => Vec::new(),
                };
                let owner = FnRef { file: FileId(i as u32), id: FnId(j as u32) };
                for name in names {
                    found.entry(Name::new(&name.as_str().replace('/', "."))).or_default().push((owner, args[1].value));
                }
            }
        }
    }
    found
}

impl<'a> Engine<'a> {
    /// Runs what is registered for a template and gives the context with what it adds.
    pub(in super::super) fn composed(&mut self, fr: &mut Frame<'a>, template: Name, context: Val) -> Val {
        let Some(all) = self.composers.get(&template).cloned() else {
            return context;
        };
        let mut context = context;
        for (owner, callback) in all {
            let decl = self.ix.function(owner);
            let at = decl.body.range(callback);
            let this = self.receiver_of(owner);
            let mut inner = self.frame(owner, this);
            let target = self.expr(&mut inner, callback);
            inner.buffer.clear();
            let view = self.composer_view(&inner, at);
            let outer = self.composing.replace(view);
            let method = self.word(&inner, "composer-method");
            match self.data(target).clone() {
                Data::Class(class) => {
                    let object = self.object(class, Vec::new());
                    if self.ix.find_method(class, method).is_some() {
                        self.call_method(&mut inner, object, method, Args::positional(vec![view]), at);
                    }
                }
                Data::Closure(..) => {
                    self.call_value(&mut inner, target, Args::positional(vec![view]), at);
                }
                _ => (),
            }
            let after = std::mem::replace(&mut self.composing, outer).unwrap_or(view);
            // A second rendering repeats an evaluation that is kept: what it added is kept, too.
            let after = match self.composed_views.get(&(owner, callback)) {
                Some(kept) if after == view => *kept,
                _ => {
                    self.composed_views.insert((owner, callback), after);
                    after
                }
            };
            let summary = self.finish(inner);
            for event in summary.pending {
                let mut event = event;
                event.loops.extend(fr.loops.iter().rev().copied());
                self.note(fr, event);
            }
            if let (Data::View { context: more, .. }, Data::Record(own, open)) =
                (self.data(after).clone(), self.data(context).clone())
                && let Data::Record(more, _) = self.data(more).clone()
            {
                let mut keys = own.to_vec();
                keys.extend(more.iter().filter(|(n, _)| !own.iter().any(|(m, _)| m == n)).copied());
                context = self.v.record(keys, open);
            }
        }
        context
    }

    fn composer_view(&mut self, fr: &Frame<'a>, at: Range) -> Val {
        let context = self.v.record(Vec::new(), None);
        let at = self.span(fr, at);
        self.v.of(Data::View { names: Box::default(), context, at })
    }

    /// A view that is being composed was given more.
    pub(in super::super) fn composed_more(&mut self, changed: Val) {
        let Data::View { at, .. } = *self.data(changed) else {
            return;
        };
        if let Some(now) = self.composing
            && matches!(self.data(now), Data::View { at: other, .. } if *other == at)
        {
            self.composing = Some(changed);
        }
    }

    /// What a template that imports another sees of it.
    pub(in super::super) fn template_module(&mut self, file: Option<FileId>) -> Val {
        match file {
            Some(file) => self.v.of(Data::Module(file)),
            None => UNKNOWN,
        }
    }

    /// A part of a template with a name and parameters of its own.
    pub(in super::super) fn template_member(&mut self, file: FileId, name: Name) -> Option<Val> {
        let facts = self.ix.file(file);
        if !matches!(facts.language, Language::Jinja | Language::Blade | Language::DjangoTemplate) {
            return None;
        }
        let at = facts.functions.iter().position(|f| f.kind == crate::facts::FnKind::Macro && f.name == name)?;
        Some(self.v.of(Data::Function(FnRef { file, id: FnId(at as u32) })))
    }
}
