//! What does a pack say of a name? The `[model]` tables compiled for lookup.

use rustc_hash::FxHashMap;

use crate::base::Name;
use crate::index::classes::folded;
use crate::packs::model::{ModelPack, PackLanguage};

/// What a call in a class body declares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallKind {
    /// A relation: index in `relation-attr`.
    Relation(usize),
    /// A column: index in `column-attr`.
    Column(usize),
    /// A way through a relation.
    Proxy,
}

/// One pack, compiled.
#[derive(Debug)]
pub(super) struct Dialect<'p> {
    pub pack: &'p ModelPack,
    pub name: Name,
    pub is_php: bool,
    /// Bases that make models: index in `base`.
    pub bases: FxHashMap<Name, usize>,
    /// Decorators that make bases: index in `base`.
    pub decorators: FxHashMap<Name, usize>,
    /// Models and mixins of libraries: index in `library`.
    pub library: FxHashMap<Name, usize>,
    /// Calls by short or full name.
    calls: FxHashMap<Name, CallKind>,
}

/// All packs, compiled.
#[derive(Debug)]
pub(crate) struct Dialects<'p> {
    pub(super) list: Vec<Dialect<'p>>,
    ancestry: FxHashMap<Name, Vec<Name>>,
}

impl<'p> Dialects<'p> {
    pub(super) fn new(packs: &'p [ModelPack]) -> Dialects<'p> {
        let list: Vec<Dialect<'p>> = packs.iter().map(Dialect::new).collect();
        let mut ancestry: FxHashMap<Name, Vec<Name>> = FxHashMap::default();
        for dialect in &list {
            for library in &dialect.pack.library {
                for name in &library.names {
                    let extends = ancestry.entry(dialect.key(Name::new(name))).or_default();
                    extends.extend(library.extends.iter().map(|n| Name::new(n)));
                    // All names of a thing lead to the usual one.
                    if let Some(usual) = library.names.first().filter(|usual| *usual != name) {
                        extends.push(Name::new(usual));
                    }
                }
            }
            for (alias, name) in &dialect.pack.aliases {
                if !alias.ends_with('.') {
                    ancestry.entry(dialect.key(Name::new(alias))).or_default().push(Name::new(name));
                }
            }
        }
        Dialects { list, ancestry }
    }

    /// Known ancestors of a name outside the program.
    pub(crate) fn ancestry(&self, name: Name) -> Vec<Name> {
        let known = self.ancestry.get(&name).or_else(|| self.ancestry.get(&folded(name)));
        known.cloned().unwrap_or_default()
    }
}

impl<'p> Dialect<'p> {
    fn new(pack: &'p ModelPack) -> Dialect<'p> {
        let mut dialect = Dialect {
            pack,
            name: Name::new(&pack.dialect),
            is_php: pack.language == PackLanguage::Php,
            bases: FxHashMap::default(),
            decorators: FxHashMap::default(),
            library: FxHashMap::default(),
            calls: FxHashMap::default(),
        };
        for (i, base) in pack.base.iter().enumerate() {
            for name in &base.names {
                dialect.bases.insert(dialect.key(Name::new(name)), i);
            }
            for name in &base.decorators {
                dialect.decorators.insert(Name::new(name), i);
            }
        }
        for (i, library) in pack.library.iter().enumerate() {
            for name in &library.names {
                dialect.library.insert(dialect.key(Name::new(name)), i);
            }
        }
        for (i, column) in pack.column_attr.iter().enumerate() {
            for name in &column.names {
                dialect.calls.insert(Name::new(name), CallKind::Column(i));
            }
        }
        for (i, relation) in pack.relation_attr.iter().enumerate() {
            for name in &relation.names {
                dialect.calls.insert(Name::new(name), CallKind::Relation(i));
            }
        }
        for name in pack.proxies.iter().flat_map(|p| &p.names) {
            dialect.calls.insert(Name::new(name), CallKind::Proxy);
        }
        dialect
    }

    /// The key of a name from outside: PHP names regardless of case.
    pub fn key(&self, name: Name) -> Name {
        if self.is_php { folded(name) } else { name }
    }

    /// A name with its aliased prefix replaced.
    pub fn unaliased(&self, name: Name) -> Name {
        let text = name.as_str();
        let longest = self
            .pack
            .aliases
            .iter()
            .filter(|(alias, _)| alias.as_str() == text || (alias.ends_with('.') && text.starts_with(alias.as_str())))
            .max_by_key(|(alias, _)| alias.len());
        longest.map_or(name, |(alias, to)| Name::new(&format!("{to}{}", &text[alias.len()..])))
    }

    /// The base that a name outside is.
    pub fn base(&self, name: Name) -> Option<usize> {
        self.bases.get(&self.key(name)).or_else(|| self.bases.get(&self.key(self.unaliased(name)))).copied()
    }

    /// What a call of one of these names declares.
    pub fn call(&self, names: &[Name]) -> Option<CallKind> {
        for name in names {
            if let Some(kind) = self.calls.get(name) {
                return Some(*kind);
            }
        }
        for name in names {
            if let Some(kind) = self.calls.get(&Name::new(name.last_segment())) {
                return Some(*kind);
            }
        }
        for (i, column) in self.pack.column_attr.iter().enumerate() {
            let ends = |name: &Name| column.endings.iter().any(|e| name.last_segment().ends_with(e.as_str()));
            if names.iter().any(ends) {
                return Some(CallKind::Column(i));
            }
        }
        None
    }
}
