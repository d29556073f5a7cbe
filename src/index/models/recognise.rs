//! Which classes are models, of which dialect, and which of them only serve as bases?

use rustc_hash::FxHashMap;

use super::{Info, Linker};
use crate::base::Name;
use crate::facts::{ClassKind, Expr, FnId, Language};
use crate::index::models::Dialects;
use crate::index::{ClassId, FnRef, Model, ModelId, ProjectIndex, Symbol};
use crate::source::Origin;

/// Gives classes with a decorator that makes bases, and all below them, the base's name as an ancestor.
pub(super) fn add_decorated(index: &mut ProjectIndex<'_>, dialects: &Dialects<'_>) {
    let mut found: Vec<(ClassId, Name)> = Vec::new();
    for (i, class) in index.classes.iter().enumerate() {
        let facts = index.file(class.file);
        let decl = &facts.classes[class.ix.0 as usize];
        if facts.language != Language::Python || decl.decorators.is_empty() {
            continue;
        }
        let at = FnRef { file: class.file, id: decl.scope };
        for decorator in &decl.decorators {
            let named = match index.function(at).body.expr(*decorator) {
                Expr::Call { callee, .. } => index.symbol_of(at, *callee),
                _ => Symbol::Unknown,
            };
            // `@admin.register(Paper)`: what it registers is one of its kind, whoever its bases are.
            if let Symbol::External(name) = named
                && let Some(base) = index.packs.word_in_language(Name::new("python"), &format!("registers.{name}"))
            {
                found.push((ClassId(i as u32), base));
            }
            let Symbol::External(name) = index.symbol_of(at, *decorator) else {
                continue;
            };
            for dialect in &dialects.list {
                if let Some(base) = dialect.decorators.get(&name)
                    && let Some(usual) = dialect.pack.base[*base].names.first()
                {
                    found.push((ClassId(i as u32), Name::new(usual)));
                }
            }
        }
    }
    for (class, name) in found {
        let mut below = index.class(class).descendants.clone();
        below.push(class);
        for id in below {
            let external = &mut index.classes[id.0 as usize].external;
            if !external.contains(&name) {
                external.push(name);
            }
        }
    }
}

impl<'a> Linker<'_, 'a, '_> {
    /// Makes a model of every class that is one.
    pub(super) fn recognise(&mut self) {
        for i in 0..self.index.classes.len() {
            let class = ClassId(i as u32);
            // A migration may declare the tables as they were: those are not the models of the program.
            if self.index.sources.file(self.index.class(class).file).origin == Origin::Migration {
                continue;
            }
            // What the library is given as the base of all is no model itself.
            #[allow(clippy::iter_over_hash_type)]
            if self.index.tables.given_bases.values().any(|given| *given == class) {
                continue;
            }
            let Some((dialect, base, is_guessed)) = self.base_of(class) else {
                continue;
            };
            let id = ModelId(self.models.len() as u32);
            self.of_class[i] = Some(id);
            let linked = self.index.class(class);
            let short = self.index.class_decl(class).name.last_segment();
            self.short_names.entry((dialect, Name::new(short))).or_default().push(id);
            self.models.push(new_model(Some(class), linked.name, self.dialects.list[dialect].name));
            self.models[id.0 as usize].span = Some(self.span_of_class(class));
            self.info.push(Info { dialect, base, is_guessed, ..Info::default() });
        }
        // Whether a class is abstract may depend on its parents.
        for (id, class) in self.own_models() {
            let is_abstract = self.is_abstract(id, class);
            let is_proxy = self.is_proxy(id, class);
            self.models[id.0 as usize].is_abstract = is_abstract;
            self.info[id.0 as usize].is_proxy = is_proxy;
        }
    }

    /// The dialect and base that make a class a model, and whether its fields alone say so.
    fn base_of(&self, class: ClassId) -> Option<(usize, usize, bool)> {
        let linked = self.index.class(class);
        let decl = self.index.class_decl(class);
        if decl.kind != ClassKind::Class {
            return None;
        }
        let is_php = self.index.file(linked.file).language != Language::Python;
        for (d, dialect) in self.dialects.list.iter().enumerate().filter(|(_, d)| d.is_php == is_php) {
            // The nearest base that says something of tables wins over a plainer one.
            let bases: Vec<usize> = linked.external.iter().filter_map(|name| dialect.base(*name)).collect();
            if let Some(base) = bases.first() {
                let is_wanted = dialect.pack.base[*base].keyword.as_ref().is_none_or(|keyword| {
                    let at = FnRef { file: linked.file, id: decl.scope };
                    decl.keywords.iter().any(|(n, v)| n.as_str() == keyword && self.index.is_true(at, *v))
                });
                return is_wanted.then_some((d, *base, false));
            }
        }
        for (d, dialect) in self.dialects.list.iter().enumerate().filter(|(_, d)| d.is_php == is_php) {
            if self.is_guessed(class, dialect) {
                return Some((d, 0, true));
            }
        }
        None
    }

    /// Does a class whose base is not known look like a model?
    fn is_guessed(&self, class: ClassId, dialect: &super::Dialect<'_>) -> bool {
        let Some(guess) = &dialect.pack.guess else {
            return false;
        };
        let linked = self.index.class(class);
        // Where a class extends one other, what the topmost one extends is not known; where it may extend several, any of them.
        let has_unknown_base = self.index.file(linked.file).language == Language::Python
            || linked
                .mro
                .iter()
                .rfind(|c| self.index.class_decl(**c).kind == ClassKind::Class)
                .is_some_and(|c| self.index.class_decl(*c).extends > 0);
        if !has_unknown_base || linked.external.is_empty() {
            return false;
        }
        if let Some(segment) = &guess.namespace
            && !linked.name.as_str().split(['\\', '.']).rev().skip(1).any(|s| s == segment)
        {
            return false;
        }
        let index = self.index;
        let has_attr = guess.attrs.iter().any(|a| index.find_attr(class, Name::new(a)).is_some());
        let has_trait = || {
            let uses = |name: &Name| guess.traits.iter().any(|t| t == name.last_segment());
            linked.mro.iter().any(|c| index.class_decl(*c).traits.iter().any(uses))
        };
        let has_field = || linked.mro.iter().any(|c| self.has_field(*c, &guess.field_prefixes));
        has_attr || has_trait() || has_field() || self.makes_relations(class, dialect)
    }

    /// Does a method of a class call a relation constructor on its own object?
    fn makes_relations(&self, class: ClassId, dialect: &super::Dialect<'_>) -> bool {
        let Some(rules) = &dialect.pack.relation_methods else {
            return false;
        };
        let file = self.index.class(class).file;
        self.index.class_decl(class).methods.iter().any(|method| {
            let body = &self.index.function(FnRef { file, id: *method }).body;
            body.exprs.iter().any(|e| match e {
                Expr::Attr { base, name, .. } if matches!(body.expr(*base), Expr::This) => {
                    rules.constructor.iter().any(|c| c.names.iter().any(|n| n == name.as_str()))
                }
                _ => false,
            })
        })
    }

    /// Does an attribute of a class call something outside whose name starts so?
    fn has_field(&self, class: ClassId, prefixes: &[String]) -> bool {
        if prefixes.is_empty() {
            return false;
        }
        let decl = self.index.class_decl(class);
        let at = FnRef { file: self.index.class(class).file, id: decl.scope };
        decl.attrs.iter().filter_map(|a| a.value).any(|value| {
            let Expr::Call { callee, .. } = self.index.function(at).body.expr(value) else {
                return false;
            };
            match self.index.symbol_of(at, *callee) {
                Symbol::External(name) => prefixes.iter().any(|p| name.as_str().starts_with(p.as_str())),
                _ => false,
            }
        })
    }

    fn is_abstract(&self, model: ModelId, class: ClassId) -> bool {
        let pack = self.pack_of(model);
        let index = self.index;
        let decl = index.class_decl(class);
        let at = FnRef { file: index.class(class).file, id: decl.scope };
        let rule = &pack.abstract_if;
        if rule.keyword && decl.is_abstract {
            return true;
        }
        let own_true = |name: &str| {
            let attr = index.own_attr(class, Name::new(name)).and_then(|i| decl.attrs[i].value);
            attr.is_some_and(|v| index.is_true(at, v))
        };
        if rule.attr.as_deref().is_some_and(own_true) {
            return true;
        }
        if let Some(option) = &rule.option
            && let Some((at, value)) = self.own_option(class, option)
            && index.is_true(at, value)
        {
            return true;
        }
        let base = &pack.base[self.info[model.0 as usize].base];
        if base.makes_bases && self.names_base(class, base) {
            return true;
        }
        // A base that is not known may name the tables of all below it.
        rule.no_table
            && !self.info[model.0 as usize].is_guessed
            && base.table == crate::packs::model::TableStyle::None
            && !self.has_table(class, pack)
    }

    /// Does a class name the base itself, or carry a decorator that makes it one?
    fn names_base(&self, class: ClassId, base: &crate::packs::model::Base) -> bool {
        let index = self.index;
        let file = index.class(class).file;
        let decl = index.class_decl(class);
        let scope = index.file(file).functions[decl.scope.0 as usize].parent.unwrap_or(FnId(0));
        let is_base = |symbol: Symbol, names: &[String]| match symbol {
            Symbol::External(name) => names.iter().any(|n| n == name.as_str()),
            _ => false,
        };
        let by_name = decl.bases.iter().any(|ty| match ty {
            crate::facts::Type::Named(name) | crate::facts::Type::Apply(name, _) => {
                is_base(index.followed(index.resolve_dotted(file, scope, name.as_str())), &base.names)
            }
            _ => false,
        });
        let at = FnRef { file, id: decl.scope };
        by_name || decl.decorators.iter().any(|d| is_base(index.symbol_of(at, *d), &base.decorators))
    }

    /// Does a class or an ancestor name a table, by attribute or by a method that computes it?
    fn has_table(&self, class: ClassId, pack: &crate::packs::model::ModelPack) -> bool {
        let names = pack.table.attrs.iter().chain(&pack.table.object);
        let index = self.index;
        names.map(|n| Name::new(n)).any(|n| index.find_attr(class, n).is_some() || index.find_method(class, n).is_some())
    }

    fn is_proxy(&self, model: ModelId, class: ClassId) -> bool {
        let Some(option) = self.pack_of(model).options.as_ref().and_then(|o| o.proxy.as_deref()) else {
            return false;
        };
        self.own_option(class, option).is_some_and(|(at, value)| self.index.is_true(at, value))
    }
}

/// A model of which nothing is known yet.
pub(super) fn new_model(class: Option<ClassId>, name: Name, dialect: Name) -> Model {
    Model {
        class,
        name,
        dialect,
        table: None,
        is_abstract: false,
        relations: FxHashMap::default(),
        columns: FxHashMap::default(),
        default_eager: Vec::new(),
        managers: Vec::new(),
        query_class: None,
        collection_class: None,
        scopes: Vec::new(),
        appends: Vec::new(),
        proxies: FxHashMap::default(),
        label: None,
        span: None,
    }
}
