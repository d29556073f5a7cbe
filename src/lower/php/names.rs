//! Which full name does a written name stand for here?
//!
//! Knows the namespace and the imports that are in force. Class, function and namespace aliases do not mind case;
//! constants do.

use rustc_hash::FxHashMap;

use crate::base::Name;
use crate::facts::ImportKind;

#[derive(Default)]
pub(super) struct Names<'t> {
    namespace: String,
    classes: FxHashMap<String, Name>,
    functions: FxHashMap<String, Name>,
    constants: FxHashMap<String, Name>,
    /// Class names already resolved under these imports.
    resolved: FxHashMap<&'t str, Name>,
    /// Type variables that docblocks around here declare.
    pub(super) templates: Vec<&'t str>,
}

impl<'t> Names<'t> {
    /// Another namespace begins: imports end.
    pub(super) fn enter(&mut self, namespace: &str) {
        self.namespace = namespace.to_owned();
        self.classes.clear();
        self.functions.clear();
        self.constants.clear();
        self.resolved.clear();
    }

    pub(super) fn import(&mut self, kind: ImportKind, local: &str, target: Name) {
        match kind {
            ImportKind::Any => {
                self.classes.insert(local.to_ascii_lowercase(), target);
                self.resolved.clear();
            }
            ImportKind::Function => {
                self.functions.insert(local.to_ascii_lowercase(), target);
            }
            ImportKind::Const => {
                self.constants.insert(local.to_owned(), target);
            }
        }
    }

    /// The name with the namespace before it.
    pub(super) fn declared(&self, name: &str) -> Name {
        if self.namespace.is_empty() { Name::new(name) } else { Name::new(&format!("{}\\{name}", self.namespace)) }
    }

    /// A class name; `self`, `static` and `parent` in lower case.
    pub(super) fn class(&mut self, written: &'t str) -> Name {
        if let Some(name) = self.resolved.get(written) {
            return *name;
        }
        let name = self.resolve_class(written);
        self.resolved.insert(written, name);
        name
    }

    fn resolve_class(&self, written: &str) -> Name {
        for word in ["self", "static", "parent"] {
            if written.eq_ignore_ascii_case(word) {
                return Name::new(word);
            }
        }
        self.qualified(written).unwrap_or_else(|| match self.classes.get(&written.to_ascii_lowercase()) {
            Some(target) => *target,
            None => self.declared(written),
        })
    }

    /// A name that says itself where it belongs: `\A\b`, `namespace\b`, `A\b`.
    fn qualified(&self, written: &str) -> Option<Name> {
        let (first, rest) = written.split_once('\\')?;
        if first.is_empty() {
            return Some(Name::new(rest));
        }
        if first.eq_ignore_ascii_case("namespace") {
            return Some(self.declared(rest));
        }
        Some(match self.classes.get(&first.to_ascii_lowercase()) {
            Some(target) => Name::new(&format!("{target}\\{rest}")),
            None => self.declared(written),
        })
    }

    /// A function name and the one that PHP falls back to.
    pub(super) fn function(&self, written: &str) -> (Name, Name) {
        if let Some(name) = self.qualified(written) {
            return (name, name);
        }
        if !self.functions.is_empty()
            && let Some(target) = self.functions.get(&written.to_ascii_lowercase())
        {
            return (*target, *target);
        }
        (self.declared(written), Name::new(written))
    }

    /// A constant: as written where PHP may fall back to the global one.
    pub(super) fn constant(&self, written: &str) -> Name {
        if let Some(name) = self.qualified(written) {
            return name;
        }
        match self.constants.get(written) {
            Some(target) => *target,
            None => Name::new(written),
        }
    }
}
