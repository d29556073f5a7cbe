//! What do the names of frameworks and libraries mean? `rules/packs` read, checked and compiled.
//!
//! In: TOML files, the built-in ones and those a project adds, through one door. Out: [`Packs`], a set of tables from
//! names to [`Op`]s, roles and catalogue entries. Knows nothing of the program under analysis.

mod file;
pub mod model;
mod op;
pub mod page;
pub mod rule;

use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

pub use file::{BlockingEntry, ClientEntry, PackError, TenancyWords};
pub use op::{ArgRef, Gets, Grammar, Measures, Op, Result, Runs};

use crate::base::Name;
use file::PackFile;

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules/packs");

/// All packs that apply, compiled.
#[derive(Clone, Debug, Default)]
pub struct Packs {
    ops: FxHashMap<(Name, Name), FxHashMap<Name, Op>>,
    prefixes: FxHashMap<(Name, Name), Vec<(&'static str, Op)>>,
    functions: FxHashMap<Name, Op>,
    function_prefixes: Vec<(&'static str, Op)>,
    instances: FxHashMap<Name, Name>,
    roles: FxHashMap<Name, Vec<Name>>,
    words: FxHashMap<Name, FxHashMap<String, Name>>,
    /// The first pack of the language that has the word speaks.
    language_words: FxHashMap<Name, FxHashMap<String, Name>>,
    scopes: Vec<(Name, Name)>,
    clients: FxHashMap<Name, ClientEntry>,
    blocking: FxHashMap<Name, BlockingEntry>,
    client_list: Vec<(Name, ClientEntry)>,
    /// Classes of the catalogue by their library and their last name.
    client_classes: FxHashMap<(&'static str, &'static str), Vec<Name>>,
    blocking_list: Vec<BlockingEntry>,
    /// All names below a prefix, by the first segment of the prefix.
    blocking_modules: FxHashMap<&'static str, Vec<(&'static str, BlockingEntry)>>,
    /// Every name that a name of the catalogue or of a function lies below.
    above: FxHashSet<Name>,
    tenancy: TenancyWords,
}

impl Packs {
    /// The packs that come with the tool.
    ///
    /// # Errors
    /// A built-in pack is broken; a test makes sure that this does not happen.
    pub fn builtin() -> std::result::Result<&'static Packs, PackError> {
        static READ: OnceLock<Packs> = OnceLock::new();
        match READ.get() {
            Some(packs) => Ok(packs),
            None => Packs::read_builtin().map(|packs| READ.get_or_init(|| packs)),
        }
    }

    fn read_builtin() -> std::result::Result<Packs, PackError> {
        let mut files: Vec<(&str, &str)> = BUILTIN
            .files()
            .filter(|f| {
                let name = f.path().to_string_lossy();
                name.ends_with(".toml") && !name.ends_with(".model.toml")
            })
            .map(|f| (f.path().to_str().unwrap_or("pack"), f.contents_utf8().unwrap_or("")))
            .collect();
        files.sort_unstable();
        let parsed: Vec<_> = files.par_iter().map(|(path, text)| PackFile::parse(path, text)).collect();
        let mut packs = Packs::default();
        for ((path, _), file) in files.into_iter().zip(parsed) {
            packs.take(path, file?)?;
        }
        Ok(packs)
    }

    /// Adds one pack.
    ///
    /// # Errors
    /// The text is no pack: the error names the file, the key, and what to do.
    pub fn add(&mut self, path: &str, text: &str) -> std::result::Result<(), PackError> {
        self.take(path, PackFile::parse(path, text)?)
    }

    fn take(&mut self, path: &str, file: PackFile) -> std::result::Result<(), PackError> {
        let scope = Name::new(&file.pack.id);
        self.scopes.push((Name::new(&file.pack.language), scope));
        for (kind, table) in &file.on {
            let key = (scope, Name::new(kind));
            for (words, names) in table {
                let op = Op::parse(path, words)?;
                for name in names {
                    match name.strip_suffix('*') {
                        Some(prefix) => {
                            let prefix = Name::new(prefix).as_str();
                            self.prefixes.entry(key).or_default().push((prefix, op.clone()));
                        }
                        None => {
                            self.ops.entry(key).or_default().insert(Name::new(name), op.clone());
                        }
                    }
                }
            }
        }
        for (words, names) in &file.functions {
            let op = Op::parse(path, words)?;
            for name in names {
                match name.strip_suffix('*') {
                    Some(prefix) => self.function_prefixes.push((Name::new(prefix).as_str(), op.clone())),
                    None => {
                        self.functions.insert(Name::new(name), op.clone());
                    }
                }
            }
        }
        for (kind, names) in &file.instances {
            for name in names {
                self.instances.insert(Name::new(name), Name::new(kind));
            }
        }
        for (role, names) in &file.roles {
            for name in names {
                self.roles.entry(Name::new(name)).or_default().push(Name::new(role));
            }
        }
        for (key, text) in &file.words {
            self.words.entry(scope).or_default().insert(key.clone(), Name::new(text));
            let all = self.language_words.entry(Name::new(&file.pack.language)).or_default();
            all.entry(key.clone()).or_insert_with(|| Name::new(text));
        }
        for entry in file.client {
            self.client_list.push((Name::new(&file.pack.language), entry.clone()));
            for name in &entry.names {
                self.note_above(name);
                let name = Name::new(name);
                let ends = (first_segment(name.as_str()), name.last_segment());
                self.client_classes.entry(ends).or_default().push(name);
                self.clients.insert(name, entry.clone());
            }
        }
        if let Some(words) = file.tenancy {
            self.tenancy.extend(words);
        }
        for entry in file.blocking {
            self.blocking_list.push(entry.clone());
            for name in &entry.names {
                self.note_above(name);
                match name.strip_suffix('*') {
                    Some(prefix) => {
                        let prefix = Name::new(prefix).as_str();
                        self.blocking_modules.entry(first_segment(prefix)).or_default().push((prefix, entry.clone()));
                    }
                    None => {
                        self.blocking.insert(Name::new(name), entry.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// What the word says in each pack that has it, split at spaces, sorted.
    pub fn word_list(&self, key: &str) -> Vec<String> {
        let values = self.scopes.iter().filter_map(|(_, scope)| self.words.get(scope)?.get(key));
        let mut list: Vec<String> = values.flat_map(|text| text.as_str().split(' ')).map(str::to_owned).collect();
        list.sort_unstable();
        list.dedup();
        list
    }

    /// What a method means on a receiver of a kind, in a scope (the id of a pack).
    pub fn op(&self, scope: Name, kind: Name, method: Name) -> Option<&Op> {
        let key = (scope, kind);
        if let Some(op) = self.ops.get(&key).and_then(|t| t.get(&method)) {
            return Some(op);
        }
        let text = method.as_str();
        self.prefixes.get(&key)?.iter().filter(|(p, _)| text.starts_with(p)).max_by_key(|(p, _)| p.len()).map(|(_, op)| op)
    }

    /// The ids of all packs.
    pub fn scopes(&self) -> impl Iterator<Item = Name> + '_ {
        self.scopes.iter().map(|(_, scope)| *scope)
    }

    /// Names of methods and functions whose arguments are eager loads, and of those that set a relation by hand.
    pub fn loading_names(&self) -> (FxHashSet<Name>, FxHashSet<Name>) {
        let methods = self.ops.values().flat_map(|table| table.iter().map(|(name, op)| (*name, op)));
        let functions = self.functions.iter().map(|(name, op)| (Name::new(name.last_segment()), op));
        let (mut loading, mut setting) = (FxHashSet::default(), FxHashSet::default());
        for (name, op) in methods.chain(functions) {
            let is_option = matches!(op.result, Result::LoadPath | Result::LoadWay | Result::LoadBelow | Result::Prefetch);
            if op.loads.is_some() || op.eager.is_some() || is_option {
                loading.insert(name);
            }
            if op.sets_relation {
                setting.insert(name);
            }
        }
        (loading, setting)
    }

    /// What a method means on a receiver of a kind, in any pack of a language.
    pub fn op_in_language(&self, language: Name, kind: Name, method: Name) -> Option<&Op> {
        self.scopes.iter().filter(|(l, _)| *l == language).find_map(|(_, scope)| self.op(*scope, kind, method))
    }

    /// The same for a receiver of which it is not known whose it is: where one library would only build on a query, nothing runs.
    pub fn cautious_op_in_language(&self, language: Name, kind: Name, method: Name) -> Option<&Op> {
        let mut ops =
            self.scopes.iter().filter(|(l, _)| *l == language).filter_map(|(_, scope)| self.op(*scope, kind, method)).peekable();
        let first = ops.peek().copied();
        ops.find(|op| !op.executes).or(first)
    }

    /// The same for a query that was begun with a name that a pack says: it is that pack's, whatever it is of.
    pub fn started_op_in_language(&self, language: Name, kind: Name, method: Name) -> Option<&Op> {
        let starting = self.scopes.iter().filter(|(l, scope)| *l == language && self.word(*scope, "select-start").is_some());
        let mut ops = starting.filter_map(|(_, scope)| self.op(*scope, kind, method));
        ops.next().or_else(|| self.cautious_op_in_language(language, kind, method))
    }

    /// A word of any pack of a language.
    pub fn word_in_language(&self, language: Name, key: &str) -> Option<Name> {
        self.language_words.get(&language)?.get(key).copied()
    }

    fn note_above(&mut self, name: &str) {
        for (at, _) in name.match_indices('.') {
            self.above.insert(Name::new(&name[..at]));
        }
    }

    /// Do names of the catalogue lie below this one?
    pub fn is_above(&self, name: Name) -> bool {
        self.above.contains(&name)
    }

    /// What a function outside the program means, by full name.
    pub fn function(&self, name: Name) -> Option<&Op> {
        self.functions.get(&name).or_else(|| {
            let text = name.as_str();
            self.function_prefixes.iter().filter(|(p, _)| text.starts_with(p)).max_by_key(|(p, _)| p.len()).map(|(_, op)| op)
        })
    }

    /// What kind of receiver an instance of a class outside the program is.
    pub fn instance_kind(&self, class: Name) -> Option<Name> {
        self.instances.get(&class).copied()
    }

    /// Roles of a class, decorator or function outside the program.
    pub fn roles(&self, name: Name) -> &[Name] {
        self.roles.get(&name).map_or(&[], Vec::as_slice)
    }

    /// A word of a pack: patterns of names, texts of help.
    pub fn word(&self, scope: Name, key: &str) -> Option<Name> {
        self.words.get(&scope)?.get(key).copied()
    }

    /// The catalogue entry of a client's constructor.
    pub fn client(&self, name: Name) -> Option<&ClientEntry> {
        self.clients.get(&name)
    }

    /// What the catalogue calls a class that is imported from the module that holds it (`acme.chat_models.Chat` for `acme.Chat`).
    pub fn usual_name(&self, name: Name) -> Name {
        let text = name.as_str();
        let last = name.last_segment();
        let is_known = || {
            self.clients.contains_key(&name)
                || self.instances.contains_key(&name)
                || self.roles.contains_key(&name)
                || self.functions.contains_key(&name)
                || self.above.contains(&name)
        };
        if !last.starts_with(char::is_uppercase) {
            return name;
        }
        let Some(classes) = self.client_classes.get(&(first_segment(text), last)).filter(|_| !is_known()) else {
            return name;
        };
        let is_within = |class: &Name| {
            let mut parts = text.split('.');
            class.as_str().split('.').all(|part| parts.any(|p| p == part))
        };
        classes.iter().copied().filter(is_within).max_by_key(|c| c.as_str().len()).unwrap_or(name)
    }

    /// The catalogue entry of a call that blocks.
    pub fn blocking(&self, name: Name) -> Option<&BlockingEntry> {
        let text = name.as_str();
        let by_prefix = || {
            let fits = self.blocking_modules.get(first_segment(text))?.iter().filter(|(p, _)| text.starts_with(p));
            fits.max_by_key(|(p, _)| p.len()).map(|(_, e)| e)
        };
        let entry = self.blocking.get(&name).or_else(by_prefix)?;
        let last = name.last_segment();
        (!entry.except.iter().any(|e| e == text || e == last)).then_some(entry)
    }

    /// The column of a condition that is named after it and holds it to the values of a list (`id__in`).
    pub fn listed_column<'n>(&self, condition: &'n str) -> Option<&'n str> {
        condition.strip_suffix(self.word_in_language(Name::new("python"), "list-lookup")?.as_str())
    }

    /// What is said about tenants.
    pub fn tenancy(&self) -> &TenancyWords {
        &self.tenancy
    }

    /// All calls of the catalogue that block, in the order of their files.
    pub fn blocking_entries(&self) -> &[BlockingEntry] {
        &self.blocking_list
    }

    /// All clients of the catalogue with their language, in the order of their files.
    pub fn client_entries(&self) -> &[(Name, ClientEntry)] {
        &self.client_list
    }
}

/// The outermost package of a name with dots.
fn first_segment(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::op::{KEYS, WORDS};
    use super::{BUILTIN, Packs};
    use crate::base::Name;

    #[test]
    fn the_built_in_packs_load() {
        let packs = match Packs::builtin() {
            Ok(packs) => packs,
            Err(error) => panic!("{error}"),
        };
        assert!(packs.op(Name::new("eloquent"), Name::new("query"), Name::new("whereFoo")).is_some());
    }

    /// Whoever mistypes a word is told the nearest of the lists: every word that works must stand there.
    #[test]
    fn words_that_packs_use_are_told_to_whoever_mistypes_one() {
        let mut used = 0;
        for file in BUILTIN.files().filter(|f| !f.path().to_string_lossy().ends_with(".model.toml")) {
            let pack: toml::Table = file.contents_utf8().unwrap_or_default().parse().expect("a test loads every pack");
            let on = pack.get("on").and_then(toml::Value::as_table).into_iter().flat_map(|on| on.values());
            let tables = on.chain(pack.get("functions")).filter_map(toml::Value::as_table);
            for word in tables.flat_map(|table| table.keys()).flat_map(|key| key.split_whitespace()) {
                used += 1;
                let (list, name) = word.split_once('=').map_or((WORDS, word), |(key, _)| (KEYS, key));
                assert!(list.contains(&name), "{}: `{name}` works but is in no list", file.path().display());
            }
        }
        assert!(used > 300, "only {used} words");
    }

    #[test]
    fn a_broken_pack_names_the_file_and_the_word() {
        let mut packs = Packs::default();
        let error =
            packs.add("mine.toml", "[pack]\nid='x'\nlanguage='php'\n[on.query]\n\"rovs\" = ['get']\n").map(|()| String::new());
        assert_eq!(
            error.unwrap_or_else(|e| e.to_string()),
            "mine.toml: `rovs` is no word of an operation; the nearest is `rows`"
        );
    }
}
