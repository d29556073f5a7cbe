//! What does a name mean at a place: which class, function, module or variable, here or outside?
//!
//! In: what files bind and import. Follows imports, re-exports and star imports, with a bound.

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::modules::{MAX_HOPS, Member, folder, join};
use super::{FnRef, ProjectIndex, Symbol};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, FnKind, Import, ImportKind, Language};

/// Names that Python defines itself: a star import from outside does not explain them.
const BUILTINS: &[&str] = &[
    "abs",
    "all",
    "any",
    "bool",
    "bytes",
    "callable",
    "dict",
    "dir",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "hasattr",
    "hash",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "object",
    "open",
    "ord",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
    "Exception",
    "ValueError",
    "KeyError",
    "classmethod",
    "delattr",
    "divmod",
    "chr",
    "pow",
    "slice",
    "NotImplementedError",
    "TypeError",
    "RuntimeError",
];

/// What names were found to mean: the same few are asked for again and again.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    members: Mutex<FxHashMap<(FileId, Name), Symbol>>,
    absolute: Mutex<FxHashMap<(FileId, Name, bool), Symbol>>,
}

thread_local! {
    static STARS: RefCell<Stars> = RefCell::default();
}

/// What star imports were asked for since the outermost question: modules that import each other's names ask the same again and
/// again, twice as often at each step.
#[derive(Default)]
struct Stars {
    depth: usize,
    known: FxHashMap<(FileId, Name), Symbol>,
}

impl Stars {
    /// What is known of a name; while it is looked for, that is nothing. `None`: it is to be looked for, [`Inside`] the question.
    fn seen(&mut self, module: FileId, name: Name) -> Option<Symbol> {
        if self.depth == 0 {
            self.known.clear();
        }
        if let Some(symbol) = self.known.get(&(module, name)) {
            return Some(*symbol);
        }
        self.known.insert((module, name), Symbol::Unknown);
        self.depth += 1;
        None
    }
}

/// Stands for a question that is being answered.
struct Inside;

impl Drop for Inside {
    fn drop(&mut self) {
        STARS.with(|stars| stars.borrow_mut().depth -= 1);
    }
}

impl Resolved {
    fn get<K: Eq + Hash>(known: &Mutex<FxHashMap<K, Symbol>>, key: &K) -> Option<Symbol> {
        known.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn put<K: Eq + Hash>(known: &Mutex<FxHashMap<K, Symbol>>, key: K, symbol: Symbol) {
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, symbol);
    }
}

impl ProjectIndex<'_> {
    /// What a name of one segment means in a scope: imports and declarations of the scope and those around it, then the
    /// module. PHP names are qualified already.
    pub fn resolve_name(&self, file: FileId, scope: FnId, name: Name) -> Symbol {
        self.name_in(file, scope, name, 0)
    }

    /// What a dotted name means in a scope.
    pub fn resolve_dotted(&self, file: FileId, scope: FnId, dotted: &str) -> Symbol {
        if self.file(file).language != Language::Python {
            return self.qualified(Name::new(dotted.trim_start_matches('\\')));
        }
        let mut parts = dotted.split('.');
        let mut symbol = self.resolve_name(file, scope, Name::new(parts.next().unwrap_or("")));
        for part in parts {
            symbol = self.extend(file, self.followed(symbol), Name::new(part));
        }
        symbol
    }

    /// The member of a module: what it declares, its submodules, then what its star imports bring.
    pub fn member(&self, module: FileId, name: Name) -> Symbol {
        self.member_of(module, name, 0)
    }

    /// What a dotted name means from the root of the program, asked by a file.
    pub fn resolve_absolute(&self, file: FileId, dotted: &str) -> Symbol {
        self.absolute(file, dotted, true, 0)
    }

    /// `symbol.name`, as far as names decide.
    pub fn extend(&self, file: FileId, symbol: Symbol, name: Name) -> Symbol {
        self.extend_at(file, symbol, name, 0)
    }

    fn extend_at(&self, file: FileId, symbol: Symbol, name: Name, hops: usize) -> Symbol {
        match symbol {
            Symbol::Module(module) => self.member_of(module, name, hops),
            Symbol::External(outer) if outer.is_empty() => Symbol::Unknown,
            Symbol::External(outer) => {
                let dotted = format!("{outer}.{name}");
                if self.file(file).language == Language::Python && !outer.as_str().contains('(') {
                    self.absolute(file, &dotted, false, hops)
                } else {
                    Symbol::External(Name::new(&dotted))
                }
            }
            Symbol::Class(class) => {
                let decl = self.class_decl(class);
                let at = self.class(class).file;
                if let Some(found) = self.tables.modules.scoped.get(&(at, decl.scope, name))
                    && let Member::Class(inner) = found
                {
                    return Symbol::Class(*inner);
                }
                self.find_method(class, name).map_or(Symbol::Unknown, |(_, f)| Symbol::Function(f))
            }
            Symbol::Function(_) | Symbol::Variable(..) | Symbol::Unknown => Symbol::Unknown,
        }
    }

    /// The value that a module-level variable first gets (other than `None`).
    pub fn variable_value(&self, file: FileId, name: Name) -> Option<(FnRef, ExprId)> {
        let value = self.tables.modules.values.get(&(file, FnId(0), name))?;
        Some((FnRef { file, id: FnId(0) }, *value))
    }

    /// The value that a variable of a class body first gets.
    pub fn class_variable_value(&self, file: FileId, scope: FnId, name: Name) -> Option<(FnRef, ExprId)> {
        let value = self.tables.modules.values.get(&(file, scope, name))?;
        Some((FnRef { file, id: scope }, *value))
    }

    /// A PHP name, qualified.
    fn qualified(&self, name: Name) -> Symbol {
        let lower = name.folded();
        if let Some(class) = self.class_names.get(&lower) {
            return Symbol::Class(*class);
        }
        if let Some(function) = self.function_names.get(&lower) {
            return Symbol::Function(*function);
        }
        Symbol::External(name)
    }

    fn name_in(&self, file: FileId, scope: FnId, name: Name, hops: usize) -> Symbol {
        let facts = self.file(file);
        if facts.language != Language::Python {
            return self.qualified(name);
        }
        let mut at = Some(scope);
        while let Some(id) = at.filter(|id| *id != FnId(0)) {
            let Some(function) = facts.functions.get(id.0 as usize) else {
                break;
            };
            // Names of a class body are not seen by the functions in it.
            let is_seen = id == scope || function.kind != FnKind::ClassBody;
            if is_seen && let Some(member) = self.tables.modules.scoped.get(&(file, id, name)) {
                match member {
                    Member::Variable => {}
                    member => return self.symbol_of_member(file, name, *member, hops),
                }
            }
            at = function.parent;
        }
        self.member_of(file, name, hops)
    }

    fn symbol_of_member(&self, file: FileId, name: Name, member: Member, hops: usize) -> Symbol {
        match member {
            Member::Class(class) => Symbol::Class(class),
            Member::Function(function) => Symbol::Function(function),
            Member::Import(i) => self.imported(file, &self.file(file).imports[i as usize], hops + 1),
            Member::Variable => self.alias(file, name, hops).unwrap_or(Symbol::Variable(file, name)),
        }
    }

    /// `Name = other.Thing`: the class or function that a variable only renames.
    fn alias(&self, file: FileId, name: Name, hops: usize) -> Option<Symbol> {
        if hops > MAX_HOPS {
            return None;
        }
        let (function, mut value) = self.variable_value(file, name)?;
        let body = &self.function(function).body;
        let mut parts = Vec::new();
        let first = loop {
            match body.expr(value) {
                Expr::Attr { base, name, .. } if parts.len() < MAX_HOPS => {
                    parts.push(*name);
                    value = *base;
                }
                Expr::Name(first) if *first != name => break *first,
                Expr::Local(slot) if body.slots[slot.0 as usize] != name => {
                    break body.slots[slot.0 as usize];
                }
                _ => return None,
            }
        };
        let mut symbol = self.name_in(file, FnId(0), first, hops + 1);
        for part in parts.iter().rev() {
            symbol = match symbol {
                Symbol::Module(module) => self.member_of(module, *part, hops + 1),
                other => self.extend(file, other, *part),
            };
        }
        matches!(symbol, Symbol::Class(_) | Symbol::Function(_)).then_some(symbol)
    }

    fn member_of(&self, module: FileId, name: Name, hops: usize) -> Symbol {
        let Some(resolved) = self.tables.resolved.as_ref() else {
            return self.find_member(module, name, hops);
        };
        if let Some(symbol) = Resolved::get(&resolved.members, &(module, name)) {
            return symbol;
        }
        let symbol = self.find_member(module, name, hops);
        // What is found on the way may have stopped at the bound.
        if hops == 0 {
            Resolved::put(&resolved.members, (module, name), symbol);
        }
        symbol
    }

    fn find_member(&self, module: FileId, name: Name, hops: usize) -> Symbol {
        if hops > MAX_HOPS {
            return Symbol::Unknown;
        }
        let modules = &self.tables.modules;
        if let Some(member) = modules.members[module.0 as usize].get(&name) {
            let symbol = self.symbol_of_member(module, name, *member, hops);
            if symbol != Symbol::Unknown {
                return symbol;
            }
        }
        if let Some(sub) = self.submodule(module, name) {
            return Symbol::Module(sub);
        }
        if modules.stars[module.0 as usize].is_empty() {
            return Symbol::Unknown;
        }
        STARS.with(|stars| stars.borrow_mut().seen(module, name)).unwrap_or_else(|| {
            let _inside = Inside;
            let symbol = self.starred(module, name, hops);
            STARS.with(|stars| stars.borrow_mut().known.insert((module, name), symbol));
            symbol
        })
    }

    /// A name of a module that one of its star imports brings, if any does.
    fn starred(&self, module: FileId, name: Name, hops: usize) -> Symbol {
        let modules = &self.tables.modules;
        let facts = self.file(module);
        let mut outside = None;
        for star in modules.stars[module.0 as usize].iter().rev() {
            let import = &facts.imports[*star as usize];
            match self.imported_module(module, import, hops + 1) {
                Symbol::Module(source) if source != module => {
                    let is_public = match &self.file(source).exports {
                        Some(exports) => exports.contains(&name),
                        None => !name.as_str().starts_with('_'),
                    };
                    if is_public {
                        let symbol = self.member_of(source, name, hops + 1);
                        if symbol != Symbol::Unknown {
                            return symbol;
                        }
                    }
                }
                Symbol::External(source) => outside = outside.or(Some(source)),
                _ => {}
            }
        }
        match outside {
            Some(source) if !source.is_empty() && !BUILTINS.contains(&name.as_str()) => {
                Symbol::External(Name::new(&format!("{source}.{name}")))
            }
            _ => Symbol::Unknown,
        }
    }

    /// The module `name` in the folder of a package.
    fn submodule(&self, package: FileId, name: Name) -> Option<FileId> {
        let path = self.sources.file(package).path.as_str();
        let dir = path.strip_suffix("__init__.py")?.trim_end_matches('/');
        self.module_in(dir, name.as_str())
    }

    /// The module `name` in a folder: a package, else a file.
    fn module_in(&self, dir: &str, name: &str) -> Option<FileId> {
        let paths = &self.tables.modules.paths;
        let base = join(dir, name);
        paths.get(format!("{base}/__init__.py").as_str()).or_else(|| paths.get(format!("{base}.py").as_str())).copied()
    }

    /// What an import binds its local name to.
    pub fn import_symbol(&self, file: FileId, import: &Import) -> Symbol {
        self.imported(file, import, 0)
    }

    fn imported(&self, file: FileId, import: &Import, hops: usize) -> Symbol {
        if hops > MAX_HOPS {
            return Symbol::Unknown;
        }
        if self.file(file).language != Language::Python {
            return match import.kind {
                ImportKind::Any | ImportKind::Function => self.qualified(import.target),
                ImportKind::Const => Symbol::External(import.target),
            };
        }
        if import.level > 0 {
            self.relative(file, import.level, import.target.as_str(), hops)
        } else {
            self.absolute(file, import.target.as_str(), import.member, hops)
        }
    }

    /// The module that a star import takes its names from.
    fn imported_module(&self, file: FileId, import: &Import, hops: usize) -> Symbol {
        let target = import.target.as_str();
        let target = target.strip_suffix(".*").unwrap_or(if target == "*" { "" } else { target });
        if import.level > 0 { self.relative(file, import.level, target, hops) } else { self.absolute(file, target, false, hops) }
    }

    /// The rest of a dotted name, read as members of a module.
    fn descend(&self, file: FileId, module: FileId, rest: &[&str], hops: usize) -> Symbol {
        let mut symbol = Symbol::Module(module);
        for part in rest {
            let name = Name::new(part);
            symbol = match symbol {
                Symbol::Module(module) => self.member_of(module, name, hops + 1),
                // A file may be named like the package that it imports from.
                other => self.extend_at(file, other, name, hops + 1),
            };
        }
        symbol
    }

    fn relative(&self, file: FileId, level: u32, target: &str, hops: usize) -> Symbol {
        let mut dir = folder(&self.sources.file(file).path).to_owned();
        for _ in 1..level {
            if dir.is_empty() {
                return Symbol::Unknown;
            }
            dir = folder(&dir).to_owned();
        }
        let parts: Vec<&str> = target.split('.').filter(|p| !p.is_empty()).collect();
        let modules = &self.tables.modules;
        for (i, part) in parts.iter().enumerate() {
            let init = modules.paths.get(join(&dir, "__init__.py").as_str()).copied().filter(|init| *init != file);
            let is_last = i + 1 == parts.len();
            if is_last
                && let Some(init) = init
                && modules.members[init.0 as usize].contains_key(&Name::new(part))
            {
                let symbol = self.member_of(init, Name::new(part), hops + 1);
                if symbol != Symbol::Unknown {
                    return symbol;
                }
            }
            let inner = join(&dir, part);
            match self.module_in(&dir, part) {
                Some(module) if !modules.folders.contains(inner.as_str()) => {
                    return self.descend(file, module, &parts[i + 1..], hops);
                }
                Some(module) if is_last => return Symbol::Module(module),
                None if !modules.folders.contains(inner.as_str()) => {
                    return match init {
                        Some(init) => self.descend(file, init, &parts[i..], hops),
                        // `from . import name` in the package's own file: one of its own names.
                        None => modules
                            .paths
                            .get(join(&dir, "__init__.py").as_str())
                            .map_or(Symbol::Unknown, |own| self.own_member(*own, Name::new(part), hops)),
                    };
                }
                _ => dir = inner,
            }
        }
        match modules.paths.get(join(&dir, "__init__.py").as_str()) {
            Some(init) => Symbol::Module(*init),
            None => Symbol::External(Name::new(&dir.replace('/', "."))),
        }
    }

    /// A name that the package's own file declares or takes by a star import, asked by itself.
    fn own_member(&self, package: FileId, name: Name, hops: usize) -> Symbol {
        match self.tables.modules.members[package.0 as usize].get(&name) {
            Some(Member::Import(_)) => Symbol::Unknown,
            Some(member) => self.symbol_of_member(package, name, *member, hops + 1),
            None => self.member_of(package, name, hops + 1),
        }
    }

    fn absolute(&self, file: FileId, dotted: &str, is_member: bool, hops: usize) -> Symbol {
        let Some(resolved) = self.tables.resolved.as_ref().filter(|_| hops == 0) else {
            return self.find_absolute(file, dotted, is_member, hops);
        };
        let key = (file, Name::new(dotted), is_member);
        if let Some(symbol) = Resolved::get(&resolved.absolute, &key) {
            return symbol;
        }
        let symbol = self.find_absolute(file, dotted, is_member, hops);
        Resolved::put(&resolved.absolute, key, symbol);
        symbol
    }

    fn find_absolute(&self, file: FileId, dotted: &str, is_member: bool, hops: usize) -> Symbol {
        if hops > MAX_HOPS {
            return Symbol::Unknown;
        }
        let modules = &self.tables.modules;
        let from = self.sources.file(file).path.as_str();
        let parts: Vec<&str> = dotted.split('.').collect();
        let mut end = dotted.len();
        for taken in (1..=parts.len()).rev() {
            let prefix = &dotted[..end];
            if let Some(module) = modules.module(from, Name::new(prefix)) {
                if taken == parts.len() {
                    // `from a.b import c`: an attribute of the package hides its submodule.
                    let last = Name::new(parts[taken - 1]);
                    if is_member
                        && let Some(at) = prefix.rfind('.')
                        && let Some(package) = modules.module(from, Name::new(&prefix[..at]))
                        && package != file
                        && modules.members[package.0 as usize].contains_key(&last)
                    {
                        let symbol = self.member_of(package, last, hops + 1);
                        if symbol != Symbol::Unknown {
                            return symbol;
                        }
                    }
                    return Symbol::Module(module);
                }
                let rest = &parts[taken..];
                let symbol = if module == file && rest.len() == 1 {
                    self.own_member(module, Name::new(rest[0]), hops)
                } else {
                    self.descend(file, module, rest, hops)
                };
                // A file of ours that only shares the first name with a library does not hide the library.
                if symbol == Symbol::Unknown && taken == 1 && !self.modules.contains_key(&Name::new(dotted)) {
                    // Nor does a package in which the module that is named is not to be found.
                    let is_package = self.sources.file(module).path.ends_with("__init__.py");
                    let has_it = rest.len() < 2 || self.member_of(module, Name::new(rest[0]), hops + 1) != Symbol::Unknown;
                    let is_meant = is_package && has_it;
                    return if is_meant { Symbol::Unknown } else { Symbol::External(Name::new(dotted)) };
                }
                return symbol;
            }
            end = prefix.rfind('.').unwrap_or(0);
        }
        Symbol::External(self.packs.usual_name(Name::new(dotted)))
    }
}
