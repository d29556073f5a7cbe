//! What stands behind a name that the application's container knows: an interface, a word, a facade, a stand-in for a model?

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::call::Args;
use super::value::{Data, Query, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{FileId, Name, Range};
use crate::facts::{ClassKind, Expr, ExprId, FnId, Language};
use crate::index::{ClassId, FnRef, ModelId};
use crate::packs::Op;

/// Names lead to other names at most this often.
const MAX_STEPS: usize = 6;

/// What a name is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    /// A class of the program.
    Class(ClassId),
    /// Another name.
    Name(Name),
    /// A function that makes the object.
    Factory(FnRef),
}

/// What the application binds, by folded name.
pub(super) type Bindings = FxHashMap<Name, SmallVec<[Bound; 2]>>;

impl<'a> Engine<'a> {
    /// What is bound to a name.
    fn bound_to(&mut self, name: Name) -> SmallVec<[Bound; 2]> {
        if self.bindings.is_none() {
            self.bindings = Some(self.read_bindings());
        }
        let key = name.as_str().trim_start_matches('\\');
        let key = if key.len() == name.as_str().len() { name.folded() } else { Name::new(key).folded() };
        self.bindings.as_ref().and_then(|b| b.get(&key)).cloned().unwrap_or_default()
    }

    /// Reads what the classes that register services bind.
    fn read_bindings(&self) -> Bindings {
        let mut found = Bindings::default();
        let words = |key: &str| -> Vec<&'static str> {
            let text = self.ix.packs.word_in_language(self.names.php, key);
            text.map_or("", Name::as_str).split_whitespace().collect()
        };
        let (binds, aliases, lists) = (words("container-binds"), words("container-alias"), words("container-lists"));
        for (i, facts) in self.ix.facts.iter().enumerate() {
            if facts.language != Language::Php || facts.classes.is_empty() {
                continue;
            }
            let file = FileId(i as u32);
            for (j, decl) in facts.functions.iter().enumerate() {
                let f = FnRef { file, id: FnId(j as u32) };
                let Some(class) = self.ix.class_of_function(f) else { continue };
                if !self.has_role(class, "provider") {
                    continue;
                }
                for e in &decl.body.exprs {
                    let Expr::Call { callee, args } = e else { continue };
                    let Expr::Attr { name, .. } = decl.body.expr(*callee) else { continue };
                    let (Some(first), second) = (args.first().map(|a| a.value), args.get(1).map(|a| a.value)) else { continue };
                    if binds.contains(&name.as_str()) {
                        self.bind_one(&mut found, f, first, second);
                    } else if aliases.contains(&name.as_str())
                        && let (Some(target), Some(alias)) = (self.named_at(f, first), second.and_then(|e| self.named_at(f, e)))
                    {
                        note(&mut found, alias, Bound::Name(target));
                    }
                }
            }
            for decl in &facts.classes {
                let scope = FnRef { file, id: decl.scope };
                let is_provider = self.ix.class_of_function(scope).is_some_and(|c| self.has_role(c, "provider"));
                for attr in decl.attrs.iter().filter(|a| is_provider && lists.contains(&a.name.as_str())) {
                    let body = &self.ix.function(scope).body;
                    let Some(Expr::Map(entries)) = attr.value.map(|v| body.expr(v)) else { continue };
                    for (key, item) in entries {
                        if let Some(key) = key {
                            self.bind_one(&mut found, scope, *key, Some(item.value));
                        }
                    }
                }
            }
        }
        found
    }

    fn bind_one(&self, found: &mut Bindings, at: FnRef, key: ExprId, value: Option<ExprId>) {
        let (Some(key), Some(value)) = (self.named_at(at, key), value) else { return };
        let body = &self.ix.function(at).body;
        let bound = match body.expr(value) {
            Expr::Closure(f) => Bound::Factory(FnRef { file: at.file, id: *f }),
            Expr::New { class, .. } => match self.named_at(at, *class).and_then(|n| self.ix.class_names.get(&n.folded())) {
                Some(class) => Bound::Class(*class),
                None => return,
            },
            _ => match self.named_at(at, value) {
                Some(name) => match self.ix.class_names.get(&name.folded()) {
                    Some(class) => Bound::Class(*class),
                    None => Bound::Name(name),
                },
                None => return,
            },
        };
        note(found, key, bound);
    }

    /// The name that a literal of a class or a text is.
    fn named_at(&self, at: FnRef, e: ExprId) -> Option<Name> {
        match self.ix.function(at).body.expr(e) {
            Expr::Class(name) if !matches!(name.as_str(), "self" | "static" | "parent") => Some(*name),
            Expr::Str(text) => Some(Name::new(text.as_str().trim_start_matches('\\'))),
            _ => None,
        }
    }

    /// What the container gives for a name, where the application says it.
    fn resolved(&mut self, fr: &Frame<'a>, name: Name, range: Range, steps: usize) -> Option<Val> {
        if steps == 0 {
            return None;
        }
        let mut result: Option<Val> = None;
        for bound in self.bound_to(name) {
            let val = match bound {
                Bound::Class(class) if self.ix.class(class).name.folded() == name.folded() => continue,
                Bound::Class(class) => self.made_for(fr, class, range, steps - 1),
                Bound::Name(other) => match self.resolved(fr, other, range, steps - 1) {
                    Some(val) => val,
                    None => self.v.of(Data::Instance(other)),
                },
                Bound::Factory(f) => self.factory_result(f),
            };
            if val == UNKNOWN {
                continue;
            }
            result = Some(match result {
                Some(old) => self.v.join(old, val),
                None => val,
            });
        }
        result
    }

    /// An instance of a class as the container makes it.
    fn made_for(&mut self, fr: &Frame<'a>, class: ClassId, range: Range, steps: usize) -> Val {
        let decl = self.ix.class_decl(class);
        let is_open = decl.is_abstract || decl.kind == ClassKind::Interface;
        if let Some(val) = self.resolved(fr, self.ix.class(class).name, range, steps) {
            return val;
        }
        let at = self.span(fr, range);
        self.instance_of_class(class, at, !is_open && self.ix.class(class).descendants.is_empty())
    }

    fn factory_result(&mut self, f: FnRef) -> Val {
        let this = self.receiver_of(f);
        let decl = self.ix.function(f);
        let mut args = vec![UNKNOWN; decl.params.len()];
        if let (Some(first), Some(container)) = (args.first_mut(), self.container()) {
            *first = container;
        }
        self.evaluate(f, this, args).ret
    }

    /// The container itself.
    fn container(&mut self) -> Option<Val> {
        let class = self.ix.packs.word_in_language(self.names.php, "container-class")?;
        Some(self.v.of(Data::Instance(class)))
    }

    /// A call that asks the container for what a class or word names; without a name it gives the container.
    pub(super) fn asked_container(&mut self, fr: &Frame<'a>, op: &Op, args: &Args, range: Range) -> Val {
        if args.positional.is_empty() && args.named.is_empty() {
            return self.container().unwrap_or(UNKNOWN);
        }
        let asked = self.subject(op, args);
        self.container_gives(fr, asked, range)
    }

    /// What the container gives for a class or a word.
    pub(super) fn container_gives(&mut self, fr: &Frame<'a>, asked: Val, range: Range) -> Val {
        match *self.data(asked) {
            Data::Class(class) => self.made_for(fr, class, range, MAX_STEPS),
            Data::External(name) => match self.resolved(fr, name, range, MAX_STEPS) {
                Some(val) => val,
                None => self.v.of(Data::Instance(name)),
            },
            Data::Str(text) => {
                if let Some(val) = self.resolved(fr, text, range, MAX_STEPS) {
                    return val;
                }
                let class = self.class_text(text);
                match *self.data(class) {
                    Data::Class(class) => self.made_for(fr, class, range, MAX_STEPS),
                    _ => self.named_service(text),
                }
            }
            _ => UNKNOWN,
        }
    }

    /// What a library puts into the container under a short name: `app('cache')`.
    fn named_service(&mut self, text: Name) -> Val {
        let names = self.ix.packs.word_in_language(self.names.php, "container-names").map_or("", Name::as_str);
        let named = names.split(' ').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == text.as_str());
        named.map_or(UNKNOWN, |(_, class)| self.v.of(Data::Instance(Name::new(class))))
    }

    /// The object that the container gives for an interface or an abstract class, where the application says which.
    pub(super) fn bound_object(&mut self, fr: &Frame<'a>, class: ClassId, range: Range) -> Option<Val> {
        let val = self.resolved(fr, self.ix.class(class).name, range, MAX_STEPS)?;
        matches!(self.data(val), Data::Object { class: other, .. } if *other != class).then_some(val)
    }

    /// What the static calls of a facade reach.
    pub(super) fn behind_facade(&mut self, fr: &Frame<'a>, class: ClassId, range: Range) -> Option<Val> {
        if !self.has_role(class, "facade") {
            return None;
        }
        let method = self.ix.packs.word_in_language(self.names.php, "facade-accessor")?;
        let (_, f) = self.ix.find_method(class, method)?;
        let this = self.v.of(Data::Class(class));
        let named = self.evaluate(f, this, Vec::new()).ret;
        if let Data::Object { .. } = self.data(named) {
            return Some(named);
        }
        let val = self.container_gives(fr, named, range);
        (val != UNKNOWN && val != this).then_some(val)
    }

    /// What the concrete classes below a class answer with that they inherit or take from a trait.
    pub(super) fn answers_below(&self, class: ClassId, name: Name) -> Vec<(ClassId, FnRef)> {
        let mut found: Vec<(ClassId, FnRef)> = Vec::new();
        for below in &self.ix.class(class).descendants {
            let decl = self.ix.class_decl(*below);
            if decl.is_abstract || decl.kind != ClassKind::Class {
                continue;
            }
            if let Some((_, f)) = self.ix.find_method(*below, name)
                && !self.ix.function(f).is_abstract
                && !found.iter().any(|(_, g)| *g == f)
            {
                found.push((*below, f));
            }
        }
        found
    }

    /// A repository of a library: its method says which model it is of, the rest are queries of that.
    pub(super) fn repository_query(
        &mut self,
        fr: &mut Frame<'a>,
        recv: Val,
        class: ClassId,
        external: Name,
        range: Range,
    ) -> Option<Query> {
        let method = self.ix.packs.word_in_language(self.language(fr), &format!("model-of.{external}"))?;
        let (_, f) = self.ix.find_method(class, method)?;
        let (model, _) = self.call_function(fr, f, recv, Args::default(), range);
        let model = match *self.data(model) {
            Data::Str(text) => self.class_text(text),
            _ => model,
        };
        self.as_query(fr, model, range)
    }

    /// The model that a class stands for that is none itself: an interface that one model alone implements, or a class whose
    /// name leads to the model by the convention of the library that it extends.
    pub(super) fn stands_for(&mut self, class: ClassId) -> Option<ModelId> {
        if let Some(known) = self.stand_ins.get(&class) {
            return *known;
        }
        let found = self.find_stand_in(class);
        self.stand_ins.insert(class, found);
        found
    }

    fn find_stand_in(&self, class: ClassId) -> Option<ModelId> {
        let decl = self.ix.class_decl(class);
        if decl.kind == ClassKind::Interface {
            let is_real = |c: &&ClassId| {
                let decl = self.ix.class_decl(**c);
                decl.kind == ClassKind::Class && !decl.is_abstract
            };
            let mut real = self.ix.class(class).descendants.iter().filter(is_real);
            let only = real.next().filter(|_| real.next().is_none())?;
            return self.ix.class(*only).model;
        }
        if !self.has_role(class, "model-proxy") {
            return None;
        }
        let suffix = self.ix.packs.word_in_language(self.names.php, "model-proxy-suffix")?;
        let name = self.ix.class(class).name.as_str().strip_suffix(suffix.as_str())?;
        let model = self.ix.class_names.get(&Name::new(name).folded())?;
        self.ix.class(*model).model
    }
}

fn note(found: &mut Bindings, key: Name, bound: Bound) {
    let all = found.entry(key.folded()).or_default();
    if !all.contains(&bound) && all.len() < 4 {
        all.push(bound);
    }
}
