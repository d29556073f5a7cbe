//! Which model does a reference mean: a class, a string, a setting, an annotation?

use super::Linker;
use crate::base::Name;
use crate::facts::{Expr, ExprId, FnId, Type};
use crate::index::{ClassId, FnRef, ModelId, Symbol};
use crate::packs::model::LoadingWord;

/// What an annotation says of a relation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Annotated {
    /// It is wrapped in a word that speaks of mapped attributes.
    pub is_wrapped: bool,
    /// Collection or not.
    pub many: bool,
    /// The model named.
    pub target: Option<ModelId>,
    /// How it loads, if the wrapper says so.
    pub loading: Option<LoadingWord>,
}

impl Linker<'_, '_, '_> {
    /// The model that an expression refers to, seen from the model that ends up with the relation.
    pub(super) fn referred_model(&self, owner: ModelId, at: FnRef, expr: ExprId) -> Option<ModelId> {
        let index = self.index;
        let body = &index.function(at).body;
        match body.expr(expr) {
            Expr::Str(text) => return self.named_model(owner, *text),
            Expr::Closure(function) => {
                let inner = FnRef { file: at.file, id: *function };
                let value = index.returned(inner).first().copied()?;
                return self.referred_model(owner, inner, value);
            }
            Expr::This => return Some(owner),
            Expr::Class(name) if matches!(name.as_str(), "static" | "self") => return Some(owner),
            Expr::Attr { base, name, .. } if name.as_str() == "class" => {
                let is_own = matches!(body.expr(*base), Expr::This)
                    || matches!(body.expr(*base), Expr::Class(n) if matches!(n.as_str(), "static" | "self"));
                if is_own {
                    return Some(owner);
                }
            }
            Expr::Call { callee, .. } => {
                if let Some(model) = self.stand_in(owner, at, *callee) {
                    return Some(model);
                }
            }
            _ => {}
        }
        let symbol = match body.expr(expr) {
            Expr::Name(name) => index.resolve_name(at.file, at.id, *name),
            _ => index.symbol_of(at, expr),
        };
        // A variable may hold the reference: a string, a class, a call of the setting.
        let symbol = match symbol {
            Symbol::Variable(file, name) => {
                let (place, value) = index.variable_value(file, name)?;
                if (place, value) != (at, expr) && matches!(index.function(place).body.expr(value), Expr::Str(_)) {
                    return self.referred_model(owner, place, value);
                }
                index.followed(Symbol::Variable(file, name))
            }
            other => other,
        };
        if let Some(model) = self.model_of_symbol(owner, symbol) {
            return Some(model);
        }
        index.literal_text(at, expr).and_then(|text| self.named_model(owner, text))
    }

    /// `PostProxy::modelClass()`: the model that a class of a library leads to by its name. `Post::modelClass()`: that model.
    fn stand_in(&self, owner: ModelId, at: FnRef, callee: ExprId) -> Option<ModelId> {
        let rules = self.dialect_of(owner).pack.relation_methods.as_ref()?.stand_in.as_ref()?;
        let body = &self.index.function(at).body;
        let Expr::Attr { base, name, .. } = body.expr(callee) else { return None };
        if name.as_str() != rules.method {
            return None;
        }
        let Symbol::Class(class) = self.index.symbol_of(at, *base) else { return None };
        // A model that may be extended says itself which class stands for it.
        if let Some(model) = self.of_class[class.0 as usize] {
            return Some(model);
        }
        let class = self.index.class(class);
        let is_one = class.external.iter().any(|n| n.as_str().eq_ignore_ascii_case(&rules.base));
        let named = class.name.as_str().strip_suffix(rules.suffix.as_str()).filter(|_| is_one)?;
        self.named_model(owner, Name::new(named))
    }

    /// The model that a symbol is.
    pub(super) fn model_of_symbol(&self, owner: ModelId, symbol: Symbol) -> Option<ModelId> {
        match symbol {
            Symbol::Class(class) => self.of_class[class.0 as usize],
            Symbol::External(name) => {
                let dialect = self.dialect_of(owner);
                if dialect.pack.swapped.as_ref().is_some_and(|s| s.names.iter().any(|n| n == name.as_str())) {
                    return self.swapped;
                }
                self.library.get(&dialect.key(name)).copied()
            }
            _ => None,
        }
    }

    /// The model that a string names: itself, a label and a class, a class of the same label, a full or short name.
    pub(super) fn named_model(&self, owner: ModelId, text: Name) -> Option<ModelId> {
        let dialect = self.dialect_of(owner);
        let written = text.as_str();
        if written == "self" {
            return Some(owner);
        }
        if dialect.is_php {
            let key = dialect.key(Name::new(written.trim_start_matches('\\')));
            let own = self.index.class_names.get(&key).and_then(|c| self.of_class[c.0 as usize]);
            return own.or_else(|| self.library.get(&key).copied());
        }
        if dialect.pack.labels.is_some() {
            let key = match self.model(owner).label {
                _ if written.contains('.') => written.to_lowercase(),
                Some(label) => format!("{label}.{written}").to_lowercase(),
                None => written.to_lowercase(),
            };
            if let Some(model) = self.labels.get(&Name::new(&key)) {
                return Some(*model);
            }
        }
        if let Some(model) = self.library.get(&text) {
            return Some(*model);
        }
        let short = written.rsplit('.').next().unwrap_or(written);
        let known = self.short_names.get(&(self.info[owner.0 as usize].dialect, Name::new(short)))?;
        if let [only] = known.as_slice() {
            return Some(*only);
        }
        if written.contains('.') {
            let fits = |m: &&ModelId| {
                let name = self.model(**m).name.as_str();
                name == written || name.ends_with(&format!(".{written}"))
            };
            let mut fitting = known.iter().filter(fits);
            return fitting.next().copied().filter(|_| fitting.next().is_none());
        }
        // Of several, the one that shares the longest path with the owner, if only one does.
        let home = self.model(owner).class.map(|c| self.index.sources.file(self.index.class(c).file).path.as_str())?;
        let shared = |m: &ModelId| {
            let path = self.model(*m).class.map_or("", |c| self.index.sources.file(self.index.class(c).file).path.as_str());
            path.bytes().zip(home.bytes()).take_while(|(a, b)| a == b).count()
        };
        let best = known.iter().copied().max_by_key(shared)?;
        let ties = known.iter().filter(|m| shared(m) == shared(&best)).count();
        (ties == 1).then_some(best)
    }

    /// What an annotation says.
    pub(super) fn annotated(&self, owner: ModelId, class: ClassId, ty: &Type) -> Annotated {
        let mut found = Annotated::default();
        self.read_annotation(owner, class, ty, &mut found, 0);
        found
    }

    fn read_annotation(&self, owner: ModelId, class: ClassId, ty: &Type, found: &mut Annotated, depth: usize) {
        if depth > 8 {
            return;
        }
        let annotations = &self.pack_of(owner).annotations;
        match ty {
            Type::Named(name) => {
                let file = self.index.class(class).file;
                let scope = self.index.class_decl(class).scope;
                let scope = self.index.file(file).functions[scope.0 as usize].parent.unwrap_or(FnId(0));
                let model = self.index.type_to_class(file, scope, ty).and_then(|c| self.of_class[c.0 as usize]);
                let model = model.or_else(|| {
                    let is_known = self.short_names.contains_key(&(self.info[owner.0 as usize].dialect, *name));
                    is_known.then(|| self.named_model(owner, *name)).flatten()
                });
                found.target = found.target.or(model);
            }
            Type::Apply(name, args) => {
                let short = name.last_segment();
                if annotations.wrappers.iter().any(|w| w == short) {
                    found.is_wrapped = true;
                    if let Some(word) = annotations.loading.get(short) {
                        found.loading = Some(*word);
                        found.many = true;
                    }
                } else if annotations.collections.iter().any(|c| c == short) {
                    found.many = true;
                } else if found.is_wrapped && !annotations.single.iter().any(|c| c == short) {
                    // A class of collections, of a library or one's own.
                    found.many = true;
                }
                if let Some(last) = args.last() {
                    self.read_annotation(owner, class, last, found, depth + 1);
                }
            }
            Type::Union(members) => {
                for member in members {
                    self.read_annotation(owner, class, member, found, depth + 1);
                }
            }
            Type::Unknown => {}
        }
    }
}
