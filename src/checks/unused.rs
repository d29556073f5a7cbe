//! Which code does not run in production: classes that nothing builds, classes that stand in for others?

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::CheckContext;
use crate::base::{Name, Span};
use crate::facts::{Expr, FnKind, Language, Type};
use crate::index::{ClassId, FnRef};

/// The names that a program speaks of.
#[derive(Default)]
pub(super) struct Mentions(OnceCell<BTreeSet<Name>>);

impl Mentions {
    /// Is a function a method of a class that no code speaks of, nor of those below it?
    pub(super) fn is_of_unused_class(&self, cx: &CheckContext<'_>, f: FnRef) -> bool {
        if cx.ix.file(f.file).language != Language::Python || cx.ix.function(f).kind != FnKind::Method {
            return false;
        }
        let Some(class) = cx.ix.class_of_function(f) else { return false };
        let is_mute = |c: ClassId| {
            let decl = cx.ix.class_decl(c);
            let name = Name::new(decl.name.last_segment());
            cx.ix.class(c).external.is_empty()
                && decl.decorators.is_empty()
                && decl.keywords.is_empty()
                && !self.all(cx).contains(&name)
        };
        // What nobody names may still be found by whatever lists the classes below its base.
        let info = cx.ix.class(class);
        info.mro.iter().chain(&info.descendants).all(|c| is_mute(*c))
    }

    /// Does a loop stand in a function that nothing speaks of?
    pub(super) fn is_never_turned(&self, cx: &CheckContext<'_>, header: Span) -> bool {
        cx.function_at(header).is_some_and(|f| self.is_uncalled(cx, f))
    }

    /// Does nothing speak of a function, neither code nor a decorator, in a program that serves requests?
    pub(super) fn is_uncalled(&self, cx: &CheckContext<'_>, f: FnRef) -> bool {
        let decl = cx.ix.function(f);
        // What a class has from another, that may call by a name put together at run time.
        let is_hook = cx.ix.class_of_function(f).is_some_and(|class| {
            let info = cx.ix.class(class);
            !info.external.is_empty() || info.mro.len() > 1
        });
        !cx.flow.on_server.is_empty()
            && !is_hook
            && cx.ix.file(f.file).language == Language::Python
            && matches!(decl.kind, FnKind::Function | FnKind::Method)
            && decl.decorators.is_empty()
            && !decl.name.as_str().starts_with("__")
            && !self.all(cx).contains(&decl.name)
    }

    fn all(&self, cx: &CheckContext<'_>) -> &BTreeSet<Name> {
        self.0.get_or_init(|| {
            let mut all = BTreeSet::new();
            let is_read = |language: Language| language == Language::Python || language.is_template();
            for facts in cx.ix.facts.iter().filter(|f| is_read(f.language)) {
                for decl in &facts.functions {
                    for e in &decl.body.exprs {
                        match e {
                            Expr::Name(n) | Expr::Attr { name: n, .. } | Expr::Lookup { name: n, .. } => {
                                all.insert(*n);
                            }
                            Expr::Local(slot) => all.extend(decl.body.slots.get(slot.0 as usize).copied()),
                            // A path in the configuration.
                            Expr::Str(s) if s.as_str().len() < 200 => {
                                let last = s.as_str().rsplit(['.', ':', '/']).next().unwrap_or_default();
                                all.insert(Name::new(last));
                            }
                            _ => (),
                        }
                    }
                    let types = decl.params.iter().filter_map(|p| p.ty.as_ref()).chain(decl.ret.as_ref());
                    types.for_each(|ty| mention(ty, &mut all));
                }
                for class in &facts.classes {
                    class.attrs.iter().filter_map(|a| a.ty.as_ref()).for_each(|ty| mention(ty, &mut all));
                }
            }
            all
        })
    }
}

fn mention(ty: &Type, all: &mut BTreeSet<Name>) {
    let mut waiting = vec![ty];
    while let Some(ty) = waiting.pop() {
        match ty {
            Type::Named(n) => {
                all.insert(Name::new(n.last_segment()));
            }
            Type::Apply(n, parts) => {
                all.insert(Name::new(n.last_segment()));
                waiting.extend(parts);
            }
            Type::Union(parts) => waiting.extend(parts),
            Type::Unknown => (),
        }
    }
}

/// Is a function a method of a class that stands in for another one: a mock, a fake?
pub(super) fn stands_in(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let Some(class) = cx.ix.class_of_function(f) else { return false };
    let words = cx.ix.packs.word_list("stand-ins");
    let first = super::client::words_of(cx.ix.class(class).name.last_segment()).into_iter().find(|w| !w.is_empty());
    first.is_some_and(|w| words.contains(&w))
}
