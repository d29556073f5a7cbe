//! Which methods of a model are relations?
//!
//! A method that returns, perhaps at the end of a chain, a relation constructor called on its own object; or whose declared
//! type says so.

use rustc_hash::{FxHashMap, FxHashSet};

use super::tables::snake;
use super::{Late, LateLink, Linker, plain_relation};
use crate::base::{Name, Span};
use crate::facts::{Arg, Expr, ExprId, ParamKind, Type};
use crate::index::literal::CallView;
use crate::index::{ClassId, FnRef, ModelId, Relation, Symbol};
use crate::packs::model::RelationMethods;

/// Chains of calls are read this far.
pub(super) const MAX_CHAIN: usize = 200;

/// A relation may be built on another relation of the same object, this deep.
const MAX_NESTING: usize = 4;

/// What a method says of the relation it gives, whichever model asks.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub many: bool,
    pub polymorphic: bool,
    pub target: DraftTarget,
    /// Owns the key: column named, or by convention.
    pub owns_key: bool,
    pub key: Option<Name>,
    pub eager: Vec<Name>,
    /// Fills the inverse: its name, or empty if it is to be guessed.
    pub inverse: Option<Name>,
}

/// The other end as far as the method shows it.
#[derive(Clone, Debug)]
pub(super) enum DraftTarget {
    Unknown,
    /// An expression, read from the model's side.
    Expr(FnRef, ExprId),
    /// A declared type.
    Type(FnRef, Type),
    /// The end of a path of two relations.
    Path(Name, Name),
}

/// Methods read so far.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    known: FxHashMap<FnRef, Option<Draft>>,
}

/// One link of a chain of calls.
pub(super) type ChainLink<'a> = (Name, &'a [Arg]);

impl<'a, 'p> Linker<'_, 'a, 'p> {
    /// Reads the relations that methods declare.
    pub(super) fn read_method_relations(&mut self) {
        for (id, class) in self.own_models() {
            let Some(rules) = &self.pack_of(id).relation_methods else {
                continue;
            };
            let mut seen: FxHashSet<Name> = FxHashSet::default();
            for ancestor in self.index.class(class).mro.clone() {
                let file = self.index.class(ancestor).file;
                for method in &self.index.class_decl(ancestor).methods {
                    let function = FnRef { file, id: *method };
                    let decl = self.index.function(function);
                    if !seen.insert(decl.name) || decl.is_static || needs_arguments(decl) {
                        continue;
                    }
                    if let Some(draft) = self.draft(rules, class, function, 0) {
                        let span = Span { file, range: decl.name_range };
                        self.add_method_relation(id, rules, decl.name, span, &draft);
                    }
                }
            }
        }
        self.read_registered();
    }

    pub(super) fn add_method_relation(&mut self, id: ModelId, rules: &RelationMethods, name: Name, span: Span, draft: &Draft) {
        let mut late = None;
        let target = match &draft.target {
            DraftTarget::Unknown => None,
            DraftTarget::Expr(at, expr) => self.referred_model(id, *at, *expr),
            DraftTarget::Type(at, ty) => match ty {
                Type::Named(n) if matches!(n.as_str(), "self" | "static" | "$this") => Some(id),
                ty => self.model_of_type(id, *at, ty),
            },
            DraftTarget::Path(first, second) => {
                late = Some(LateLink::Path(*first, *second));
                None
            }
        };
        let primary = || Name::new(self.pack_of(id).primary.default.as_deref().unwrap_or("id"));
        let key_column = draft.owns_key.then(|| {
            draft.key.unwrap_or_else(|| {
                let key = target.and_then(|t| self.primary_of(t)).unwrap_or_else(primary);
                Name::new(&format!("{}{}{key}", snake(name.as_str()), rules.key_suffix))
            })
        });
        let relation = Relation {
            target,
            polymorphic: draft.polymorphic,
            key_column,
            is_method: true,
            eager: draft.eager.clone(),
            span: Some(span),
            ..plain_relation(name, draft.many)
        };
        self.models[id.0 as usize].relations.insert(name, relation);
        if let Some(inverse) = draft.inverse {
            self.late.push(Late { owner: id, name, what: LateLink::Inverse(inverse) });
        }
        if let Some(what) = late {
            self.late.push(Late { owner: id, name, what });
        }
    }

    /// The key column of a model.
    fn primary_of(&self, id: ModelId) -> Option<Name> {
        let mut found: Option<Name> = None;
        // The least name wins, so that order does not matter.
        #[allow(clippy::iter_over_hash_type)]
        for column in self.model(id).columns.values() {
            if column.is_primary && found.is_none_or(|f| column.name < f) {
                found = Some(column.name);
            }
        }
        found
    }

    fn model_of_type(&self, owner: ModelId, at: FnRef, ty: &Type) -> Option<ModelId> {
        match ty {
            Type::Named(name) | Type::Apply(name, _) => {
                self.model_of_symbol(owner, self.index.resolve_dotted(at.file, at.id, name.as_str()))
            }
            Type::Union(members) => members.iter().find_map(|m| match m {
                Type::Union(_) => None,
                other => self.model_of_type(owner, at, other),
            }),
            Type::Unknown => None,
        }
    }

    /// What a method says, seen from a class.
    fn draft(&mut self, rules: &RelationMethods, class: ClassId, function: FnRef, depth: usize) -> Option<Draft> {
        if let Some(known) = self.drafts.known.get(&function) {
            return known.clone();
        }
        if depth > MAX_NESTING {
            return None;
        }
        let mut found = None;
        for value in self.index.returned(function) {
            found = self.draft_of_chain(rules, class, function, value, depth);
            if found.is_some() {
                break;
            }
        }
        let declared = self.index.function(function).ret.as_ref();
        let by_type = declared.and_then(|ty| self.draft_of_type(rules, function, ty));
        let draft = match (found, by_type) {
            (Some(mut draft), Some(ty)) => {
                let is_unknown = match &draft.target {
                    DraftTarget::Unknown => true,
                    DraftTarget::Expr(at, expr) => {
                        self.of_class[class.0 as usize].is_none_or(|id| self.referred_model(id, *at, *expr).is_none())
                    }
                    DraftTarget::Type(..) | DraftTarget::Path(..) => false,
                };
                if is_unknown && !matches!(ty.target, DraftTarget::Unknown) {
                    draft.target = ty.target;
                }
                Some(draft)
            }
            (found, by_type) => found.or(by_type),
        };
        self.drafts.known.insert(function, draft.clone());
        draft
    }

    /// What a declared return type says.
    fn draft_of_type(&self, rules: &RelationMethods, at: FnRef, ty: &Type) -> Option<Draft> {
        let (name, args): (Name, &[Type]) = match ty {
            Type::Named(name) => (*name, &[]),
            Type::Apply(name, args) => (*name, args),
            Type::Union(members) => {
                return members.iter().find_map(|m| match m {
                    Type::Union(_) => None,
                    other => self.draft_of_type(rules, at, other),
                });
            }
            Type::Unknown => return None,
        };
        let (many, polymorphic) = self.relation_class(rules, self.index.resolve_dotted(at.file, at.id, name.as_str()))?;
        let target = match args.first() {
            Some(ty) if !polymorphic => DraftTarget::Type(at, ty.clone()),
            _ => DraftTarget::Unknown,
        };
        Some(Draft { many, polymorphic, target, owns_key: false, key: None, eager: Vec::new(), inverse: None })
    }

    /// Is it a class of relations? Then: many rows, polymorphic.
    fn relation_class(&self, rules: &RelationMethods, symbol: Symbol) -> Option<(bool, bool)> {
        let of_name = |name: Name| {
            let text = name.as_str();
            let many = rules.types.iter().find(|(n, _)| n.eq_ignore_ascii_case(text)).map(|(_, many)| *many)?;
            Some((many, rules.polymorphic_types.iter().any(|n| n.eq_ignore_ascii_case(text))))
        };
        match symbol {
            Symbol::External(name) => of_name(name),
            Symbol::Class(class) => {
                let external = &self.index.class(class).external;
                if let Some(found) = external.iter().find_map(|n| of_name(*n)) {
                    return Some(found);
                }
                let is_relation = external.iter().any(|n| n.as_str().eq_ignore_ascii_case(&rules.root));
                let short = self.index.class_decl(class).name.last_segment();
                is_relation.then(|| (rules.many_words.iter().any(|w| short.contains(w.as_str())), false))
            }
            _ => None,
        }
    }

    /// What a returned expression says: the head of its chain of calls, and what the links change.
    fn draft_of_chain(
        &mut self,
        rules: &RelationMethods,
        class: ClassId,
        at: FnRef,
        value: ExprId,
        depth: usize,
    ) -> Option<Draft> {
        let index = self.index;
        let body = &index.function(at).body;
        let mut links: Vec<ChainLink<'a>> = Vec::new();
        let mut expr = value;
        for _ in 0..MAX_CHAIN {
            match body.expr(expr) {
                Expr::Call { callee, args } => {
                    let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                        return None;
                    };
                    // What sends the query gives rows, not a relation.
                    let dialect = self.of_class[class.0 as usize].map(|id| self.model(id).dialect);
                    let sends = |d: Name| index.packs.op(d, Name::new("query"), *name).is_some_and(|op| op.executes);
                    if dialect.is_some_and(sends) {
                        return None;
                    }
                    match body.expr(*base) {
                        Expr::This => {
                            return self.draft_of_head(rules, class, at, *name, args, &links, depth);
                        }
                        Expr::Class(c) if c.as_str() == "parent" => {
                            let owner = index.class_of_function(at)?;
                            let (_, method) = index.find_method_after(class, owner, *name)?;
                            let draft = self.draft(rules, class, method, depth + 1)?;
                            return Some(self.changed(rules, at, draft, &links));
                        }
                        _ => {
                            links.push((*name, args));
                            expr = *base;
                        }
                    }
                }
                Expr::New { class: made, .. } => {
                    let (many, polymorphic) = self.relation_class(rules, index.symbol_of(at, *made))?;
                    let target = DraftTarget::Unknown;
                    let draft = Draft { many, polymorphic, target, owns_key: false, key: None, eager: Vec::new(), inverse: None };
                    return Some(self.changed(rules, at, draft, &links));
                }
                Expr::Local(slot) => {
                    let assigned = index.local_value(at, *slot)?;
                    if assigned == expr {
                        return None;
                    }
                    expr = assigned;
                }
                Expr::Same(inner) => expr = *inner,
                Expr::Assign { value, .. } => expr = *value,
                _ => return None,
            }
        }
        None
    }

    /// What a call on the object itself says, with the links after it.
    #[allow(clippy::too_many_arguments)]
    fn draft_of_head(
        &mut self,
        rules: &RelationMethods,
        class: ClassId,
        at: FnRef,
        name: Name,
        args: &'a [Arg],
        links: &[ChainLink<'a>],
        depth: usize,
    ) -> Option<Draft> {
        let body = &self.index.function(at).body;
        if let Some(through) = rules.through.as_deref()
            && let Some(first) = self.step_name(at, through, name, args)
        {
            let end = rules.through_end.as_deref()?;
            let second = links.iter().find_map(|(name, args)| self.step_name(at, end, *name, args))?;
            let target = DraftTarget::Path(first, second);
            let draft =
                Draft { many: true, polymorphic: false, target, owns_key: false, key: None, eager: Vec::new(), inverse: None };
            return Some(self.changed(rules, at, draft, links));
        }
        let is_named =
            |c: &&crate::packs::model::RelationConstructor| c.names.iter().any(|n| n.eq_ignore_ascii_case(name.as_str()));
        if let Some(made) = rules.constructor.iter().find(is_named) {
            let call = CallView { at, body, callee: ExprId(0), args };
            let target = call.argument(made.target, made.target_keyword.as_deref());
            let written = call.argument(made.key, made.key_keyword.as_deref());
            let key = written.and_then(|k| self.index.literal_text(at, k));
            let is_computed = written.is_some() && key.is_none();
            let draft = Draft {
                many: made.many,
                polymorphic: made.polymorphic,
                target: target.map_or(DraftTarget::Unknown, |t| DraftTarget::Expr(at, t)),
                owns_key: made.key.is_some() && !is_computed,
                key: key.filter(|k| k.as_str() != "None"),
                eager: Vec::new(),
                inverse: None,
            };
            return Some(self.changed(rules, at, draft, links));
        }
        // `return $this->posts()->latest()`: another relation of the same object.
        let (_, method) = self.index.find_method(class, name)?;
        if method == at {
            return None;
        }
        let draft = self.draft(rules, class, method, depth + 1)?;
        Some(self.changed(rules, at, draft, links))
    }

    /// The relation that a step of a path names: its argument (`through('posts')`), or the rest of the word (`throughPosts()`).
    fn step_name(&self, at: FnRef, word: &str, name: Name, args: &'a [Arg]) -> Option<Name> {
        let rest = name.as_str().strip_prefix(word)?;
        if rest.is_empty() {
            let first = args.first().filter(|a| a.name.is_none())?;
            return self.index.literal_text(at, first.value);
        }
        let first = rest.chars().next().filter(|c| c.is_uppercase() && args.is_empty())?;
        Some(Name::new(&format!("{}{}", first.to_lowercase(), &rest[first.len_utf8()..])))
    }

    /// What the links of a chain change. They stand last first.
    pub(super) fn changed(&self, rules: &RelationMethods, at: FnRef, mut draft: Draft, links: &[ChainLink<'_>]) -> Draft {
        let is_one = |names: &[String], name: &Name| names.iter().any(|n| n == name.as_str());
        let body = &self.index.function(at).body;
        for (name, args) in links.iter().rev() {
            if is_one(&rules.to_one, name) {
                draft.many = false;
            } else if is_one(&rules.eager, name) {
                for arg in *args {
                    let paths = self.index.literal_list(at, arg.value);
                    draft.eager.extend(paths.into_iter().map(super::columns::without_columns));
                }
            } else if is_one(&rules.inverse, name) {
                let given = args.first().and_then(|a| match body.expr(a.value) {
                    Expr::Str(text) => Some(*text),
                    _ => None,
                });
                draft.inverse = Some(given.unwrap_or_else(Name::empty));
            } else if is_one(&rules.no_inverse, name) {
                draft.inverse = None;
            }
        }
        draft
    }
}

/// Must a caller give arguments?
fn needs_arguments(function: &crate::facts::FunctionDecl) -> bool {
    function.params.iter().any(|p| p.kind == ParamKind::Normal && p.default.is_none())
}
