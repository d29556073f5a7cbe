//! Which code does not run in production: classes that nothing builds, functions that nothing calls but a person at a prompt,
//! classes that stand in for others?

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::CheckContext;
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Body, Expr, FnId, FnKind, Language, Stmt, Type};
use crate::flow::EntryKind;
use crate::index::{ClassId, FnRef};
use crate::source::Origin;

/// The names that a program speaks of.
#[derive(Default)]
pub(super) struct Mentions(OnceCell<BTreeSet<Name>>, OnceCell<Places>);

/// Where a program speaks of a name.
type Places = BTreeMap<Name, Vec<Place>>;

/// Where in the program a name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a function.
    In(FnRef),
    /// Where a file runs by itself: `if __name__ == "__main__":`.
    Started,
    /// Anywhere else: at the top level of a module, in a text.
    Elsewhere,
}

/// So many places of one name are looked into.
const MAX_PLACES: usize = 8;
/// So many callers of callers.
const MAX_CALLERS: usize = 60;

impl Mentions {
    /// Does nothing run the function around a place, or only what a person starts by hand? Nothing: in an application, not in a
    /// library that others call.
    pub(super) fn is_never_run_by_others(&self, cx: &CheckContext<'_>, at: Span) -> bool {
        let Some(start) = cx.function_at(at) else { return false };
        if cx.ix.file(start.file).language != Language::Python || cx.ix.function(start).kind == FnKind::File {
            return false;
        }
        let places = self.1.get_or_init(|| places(cx));
        let mut seen = BTreeSet::from([start]);
        let mut waiting = vec![start];
        let mut is_started = false;
        while let Some(f) = waiting.pop() {
            if cx.flow.only_by_command.contains(&f) {
                is_started = true;
                continue;
            }
            if seen.len() > MAX_CALLERS || cx.flow.entries.contains_key(&f) || cx.flow.on_server.contains(&f) {
                return false;
            }
            let decl = cx.ix.function(f);
            let class = cx.ix.class_of_function(f);
            // What a library derives from may be called by it, and so may what is registered.
            let is_hook = class.is_some_and(|c| !cx.ix.class(c).external.is_empty()) || decl.name.as_str().starts_with("__");
            if is_hook || decl.name.is_empty() || !decl.decorators.is_empty() && !decl.is_static && !decl.is_classmethod {
                return false;
            }
            for place in places.get(&decl.name).into_iter().flatten() {
                match place {
                    Place::In(g) => {
                        if *g != f && seen.insert(*g) {
                            waiting.push(*g);
                        }
                    }
                    Place::Started => is_started = true,
                    Place::Elsewhere => return false,
                }
            }
            if places.get(&decl.name).is_some_and(|all| all.len() >= MAX_PLACES) {
                return false;
            }
        }
        is_started || cx.flow.entries.values().any(|e| e.kind == EntryKind::Request)
    }

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

    fn all(&self, cx: &CheckContext<'_>) -> &BTreeSet<Name> {
        self.0.get_or_init(|| {
            let mut all = BTreeSet::new();
            for facts in cx.ix.facts.iter().filter(|f| f.language == Language::Python) {
                for decl in &facts.functions {
                    for e in &decl.body.exprs {
                        match e {
                            Expr::Name(n) | Expr::Attr { name: n, .. } => {
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

/// Where names are spoken of, as far as they are few.
fn places(cx: &CheckContext<'_>) -> Places {
    let mut all = Places::new();
    for (i, facts) in cx.ix.facts.iter().enumerate().filter(|(_, f)| f.language == Language::Python) {
        let file = FileId(i as u32);
        if cx.ix.sources.file(file).origin == Origin::Test {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate() {
            let body = &decl.body;
            let own = FnRef { file, id: FnId(j as u32) };
            let is_top = matches!(decl.kind, FnKind::File | FnKind::ClassBody);
            for (e, range) in body.exprs.iter().zip(&body.ranges) {
                let name = match e {
                    Expr::Name(n) | Expr::Attr { name: n, .. } => *n,
                    Expr::Local(slot) => match body.slots.get(slot.0 as usize) {
                        Some(n) => *n,
                        None => continue,
                    },
                    Expr::Str(s) if s.as_str().len() < 200 => {
                        Name::new(s.as_str().rsplit(['.', ':', '/']).next().unwrap_or_default())
                    }
                    _ => continue,
                };
                let place = match is_top {
                    false => Place::In(own),
                    true if is_started_here(body, *range) => Place::Started,
                    true => Place::Elsewhere,
                };
                let known = all.entry(name).or_default();
                if known.len() < MAX_PLACES && !known.contains(&place) {
                    known.push(place);
                }
            }
        }
    }
    all
}

/// Does a place of a module run only where its file is the one that is started?
fn is_started_here(body: &Body, at: Range) -> bool {
    body.stmts.iter().any(|s| match s {
        Stmt::If { cond, then, .. } => {
            let holds = then.iter().any(|s| body.stmt_ranges[s.0 as usize].contains(at));
            holds
                && match body.expr(*cond) {
                    Expr::Binary { left, right, .. } => {
                        [*left, *right].iter().any(|e| matches!(body.expr(*e), Expr::Str(s) if s.as_str() == "__main__"))
                    }
                    _ => false,
                }
        }
        _ => false,
    })
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
