//! Under which dotted names is each Python file known, and which names does it bind?
//!
//! In: paths and declarations. A module is known under every dotted name that some folder on its path could give it; which
//! one counts depends on who asks, so a lookup starts from the importing file.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{ClassId, FnRef, ProjectIndex};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, FnKind, Language, Pat};

/// Re-exports are followed this far; longer chains are cycles in practice.
pub(super) const MAX_HOPS: usize = 16;

/// What a module binds a name to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Member {
    /// Assigned.
    Variable,
    /// Imported: index in the file's imports.
    Import(u32),
    /// A function.
    Function(FnRef),
    /// A class.
    Class(ClassId),
}

impl Member {
    /// Which binding wins when a module binds a name more than once.
    fn rank(self) -> u8 {
        match self {
            Member::Variable => 0,
            Member::Import(_) => 1,
            Member::Function(_) => 2,
            Member::Class(_) => 3,
        }
    }
}

/// A way in which a dotted name may reach a file: the folder that would be on the module search path.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    file: FileId,
    /// Folder from which the dotted name starts, without a closing `/`; empty for the folder checked.
    root: &'static str,
    /// May that folder be on the search path: it is no package itself?
    is_root: bool,
}

/// Tables of Python modules.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModuleTable {
    /// Every file a dotted name may mean.
    candidates: FxHashMap<Name, Vec<Candidate>>,
    /// Folders with a project file of their own.
    projects: BTreeSet<String>,
    /// Packages that the project asks for, in lower case.
    packages: FxHashSet<String>,
    /// Python files by path.
    pub(super) paths: FxHashMap<&'static str, FileId>,
    /// Folders that hold Python files, at any depth.
    pub(super) folders: FxHashSet<&'static str>,
    /// Names that each file binds at its top level.
    pub(super) members: Vec<FxHashMap<Name, Member>>,
    /// Names bound inside functions and class bodies.
    pub(super) scoped: FxHashMap<(FileId, FnId, Name), Member>,
    /// Star imports of each file, in source order.
    pub(super) stars: Vec<Vec<u32>>,
    /// First value that a module-level or class-level variable gets.
    pub(super) values: FxHashMap<(FileId, FnId, Name), ExprId>,
}

/// Folder of a path, without closing `/`.
pub(super) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// A path under a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Is the folder the same or around the other?
fn encloses(outer: &str, inner: &str) -> bool {
    outer.is_empty() || inner == outer || (inner.starts_with(outer) && inner.as_bytes()[outer.len()] == b'/')
}

impl ModuleTable {
    /// Registers the modules of all Python files. Gives the dotted name of each file and the public table of names.
    pub(crate) fn read(index: &ProjectIndex<'_>) -> (ModuleTable, Vec<Name>, FxHashMap<Name, FileId>) {
        let manifest = &index.sources.manifest;
        let packages = manifest.packages.keys().cloned().collect();
        let mut table = ModuleTable { projects: manifest.projects.clone(), packages, ..ModuleTable::default() };
        let mut files = Vec::new();
        for (at, facts) in index.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            let path = Name::new(&index.sources.files[at].path).as_str();
            let file = FileId(at as u32);
            table.paths.insert(path, file);
            files.push((file, path));
            let mut around = folder(path);
            while table.folders.insert(around) && !around.is_empty() {
                around = folder(around);
            }
        }
        let packages: FxHashSet<&str> =
            files.iter().filter_map(|(_, path)| path.strip_suffix("__init__.py")).map(|f| f.trim_end_matches('/')).collect();
        let mut likely_roots: FxHashMap<&str, bool> = FxHashMap::default();
        let mut names = vec![Name::empty(); index.facts.len()];
        let mut public: FxHashMap<Name, FileId> = FxHashMap::default();
        let mut clashes: FxHashSet<Name> = FxHashSet::default();
        for (file, path) in &files {
            let module = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")).unwrap_or(path);
            let module = module.strip_suffix("/__init__").unwrap_or(module);
            let mut canonical = Name::empty();
            let mut start = 0;
            loop {
                let root = if start == 0 { "" } else { &path[..start - 1] };
                let rest = module.get(start..).unwrap_or("");
                if rest.is_empty() || rest == "__init__" {
                    break;
                }
                let is_root = !packages.contains(root);
                let dotted = Name::new(&rest.replace('/', "."));
                let is_single = !rest.contains('/');
                let allowed = match (is_root, is_single) {
                    _ if start == 0 => true,
                    (true, true) => *likely_roots.entry(root).or_insert_with(|| table.is_likely_root(root, &packages)),
                    (true, false) => true,
                    // Inside a package names start anew only where programs are started from within it.
                    (false, true) => false,
                    (false, false) => table.is_start(root),
                };
                if allowed {
                    table.candidates.entry(dotted).or_default().push(Candidate { file: *file, root, is_root });
                    if public.insert(dotted, *file).is_some_and(|f| f != *file) {
                        clashes.insert(dotted);
                    }
                }
                // The nearest folder from which a program starts gives the module its own name.
                if start == 0 || (is_root && table.is_start(root)) {
                    canonical = dotted;
                }
                match rest.find('/') {
                    Some(at) => start += at + 1,
                    None => break,
                }
            }
            names[file.0 as usize] = canonical;
        }
        for (file, _) in &files {
            let name = names[file.0 as usize];
            if clashes.contains(&name) {
                public.insert(name, *file);
            }
        }
        (table, names, public)
    }

    /// Does a folder look like the place where a program starts, so that single names mean its files?
    fn is_likely_root(&self, root: &str, packages: &FxHashSet<&str>) -> bool {
        self.is_start(root) || packages.iter().any(|p| folder(p) == root && !p.is_empty())
    }

    /// Does a folder hold a file that programs start from?
    fn is_start(&self, root: &str) -> bool {
        const STARTS: &[&str] = &["manage.py", "main.py", "app.py", "wsgi.py", "asgi.py", "setup.py", "run.py", "conftest.py"];
        root.is_empty()
            || root == "src"
            || root.ends_with("/src")
            || self.projects.contains(root)
            || STARTS.iter().any(|s| self.paths.contains_key(join(root, s).as_str()))
    }

    /// Reads what every file binds at its top level and in its functions.
    pub(crate) fn read_members(&mut self, index: &ProjectIndex<'_>) {
        self.members = vec![FxHashMap::default(); index.facts.len()];
        self.stars = vec![Vec::new(); index.facts.len()];
        for (at, facts) in index.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            let file = FileId(at as u32);
            for (i, import) in facts.imports.iter().enumerate() {
                if import.local.as_str() == "*" {
                    self.stars[at].push(i as u32);
                } else {
                    self.bind(file, import.scope, import.local, Member::Import(i as u32));
                }
            }
            for (i, function) in facts.functions.iter().enumerate() {
                let id = FnId(i as u32);
                if matches!(function.kind, FnKind::Function)
                    && let Some(parent) = function.parent
                {
                    self.bind(file, parent, function.name, Member::Function(FnRef { file, id }));
                }
                if matches!(function.kind, FnKind::File | FnKind::ClassBody) {
                    self.read_variables(file, id, function);
                }
            }
            for (i, class) in facts.classes.iter().enumerate() {
                let Some(&id) = index.class_places.get(&(file, crate::facts::ClassIx(i as u32))) else {
                    continue;
                };
                let short = Name::new(class.name.last_segment());
                if let Some(parent) = facts.functions[class.scope.0 as usize].parent {
                    self.bind(file, parent, short, Member::Class(id));
                }
            }
        }
    }

    fn read_variables(&mut self, file: FileId, id: FnId, function: &crate::facts::FunctionDecl) {
        let body = &function.body;
        for expr in &body.exprs {
            let Expr::Assign { target, value } = expr else {
                continue;
            };
            let name = match body.pat(*target) {
                Pat::Global(name) => *name,
                Pat::Local(slot) => body.slots[slot.0 as usize],
                _ => continue,
            };
            self.bind(file, id, name, Member::Variable);
            if matches!(body.expr(*value), Expr::Null) {
                continue;
            }
            self.values.entry((file, id, name)).or_insert(*value);
        }
        // Names bound in other ways (loops, `with`, patterns) are variables, too.
        for pat in &body.pats {
            if let Pat::Global(name) = pat {
                self.bind(file, FnId(0), *name, Member::Variable);
            }
        }
    }

    fn bind(&mut self, file: FileId, scope: FnId, name: Name, member: Member) {
        let slot = if scope == FnId(0) {
            self.members[file.0 as usize].entry(name).or_insert(member)
        } else {
            self.scoped.entry((file, scope, name)).or_insert(member)
        };
        let replaces = member.rank() > slot.rank() || (member.rank() == slot.rank() && !matches!(member, Member::Import(_)));
        if replaces {
            *slot = member;
        }
    }

    /// The file that a dotted name means when `from` asks, if one is clearly meant.
    pub(super) fn module(&self, from: &str, dotted: Name) -> Option<FileId> {
        let candidates = self.candidates.get(&dotted)?;
        let here = folder(from);
        let around = candidates.iter().filter(|c| c.is_root && encloses(c.root, here)).max_by_key(|c| c.root.len());
        if let Some(found) = around {
            return Some(found.file);
        }
        let around = candidates.iter().filter(|c| encloses(c.root, here)).max_by_key(|c| c.root.len());
        if let Some(found) = around
            && dotted.as_str().contains('.')
        {
            return Some(found.file);
        }
        // A file of another part of the tree: not where a library that the project asks for has the name.
        let first = dotted.as_str().split('.').next().unwrap_or_default();
        if self.packages.contains(first) {
            return None;
        }
        match candidates.as_slice() {
            [only] if dotted.as_str().contains('.') || only.is_root && encloses(folder(only.root), here) => Some(only.file),
            _ => None,
        }
    }
}
