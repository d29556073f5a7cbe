//! What does a run do? Configuration and command line together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{Config, ConfigError, Reader, Tenant};
use crate::findings::{Confidence, Level};
use crate::packs::rule::catalog;

/// What the command line adds to the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overrides {
    /// Rules to run, instead of all that the configuration selects.
    pub select: Vec<String>,
    /// More rules to run.
    pub extend_select: Vec<String>,
    /// Rules not to run.
    pub ignore: Vec<String>,
    /// Read tests as well.
    pub include_tests: bool,
    /// The lowest level that is shown.
    pub level: Option<Level>,
    /// The lowest confidence that is shown.
    pub confidence: Option<Confidence>,
}

/// How a run goes: configuration and command line together.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules that run, with their levels, by id.
    pub rules: BTreeMap<&'static str, Level>,
    /// Levels that the project sets: these win over what a check says.
    pub set_levels: BTreeMap<String, Level>,
    /// What "the tenant" is.
    pub tenant: Tenant,
    /// Pack files of the project.
    pub packs: Vec<PathBuf>,
    /// Rules that are silent in files, by patterns.
    pub per_file_ignores: Vec<(Gitignore, BTreeSet<&'static str>)>,
    /// Patterns of paths that are not read.
    pub exclude: Vec<String>,
    /// Read tests as well.
    pub include_tests: bool,
    /// Suppression comments must give a reason.
    pub require_reason: bool,
    /// The lowest level that is shown.
    pub min_level: Level,
    /// The lowest confidence that is shown.
    pub min_confidence: Confidence,
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The folder checked as seen from the configuration's folder, with `/` at its end: patterns are relative to the latter.
    pub prefix: String,
    /// The folder checked as seen from the root of the repository, with `/` at its end: services know files by that path.
    pub place: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new(&Config::default(), &Overrides::default()).expect("nothing is named that could be wrong")
    }
}

impl Settings {
    /// Joins configuration and command line.
    ///
    /// # Errors
    /// The command line names a rule that does not exist.
    pub fn new(config: &Config, overrides: &Overrides) -> Result<Settings, ConfigError> {
        for (option, names) in
            [("--select", &overrides.select), ("--extend-select", &overrides.extend_select), ("--ignore", &overrides.ignore)]
        {
            let reader = Reader { file: "command line", section: String::new() };
            names.iter().try_for_each(|name| reader.selector(option, name))?;
        }
        let mut ids: BTreeSet<&'static str> = match (&config.select, overrides.select.is_empty()) {
            (_, false) => chosen(&overrides.select),
            (Some(names), true) => chosen(names),
            (None, true) => catalog().iter().filter(|rule| rule.is_on).map(|rule| rule.id.as_str()).collect(),
        };
        if overrides.select.is_empty() {
            ids.extend(chosen(&config.extend_select));
            for id in chosen(&config.ignore) {
                ids.remove(id);
            }
            for (rule, level) in &config.levels {
                if level.is_none() {
                    ids.remove(rule.as_str());
                }
            }
        }
        ids.extend(chosen(&overrides.extend_select));
        for id in chosen(&overrides.ignore) {
            ids.remove(id);
        }
        ids.insert("internal-error");
        let set_levels: BTreeMap<String, Level> =
            config.levels.iter().filter_map(|(rule, level)| Some((rule.clone(), (*level)?))).collect();
        let rules = catalog().iter().filter(|rule| ids.contains(rule.id.as_str())).map(|rule| {
            let level = set_levels.get(&rule.id).copied().unwrap_or(rule.level);
            (rule.id.as_str(), level)
        });
        let folder = config.file.as_deref().and_then(Path::parent);
        Ok(Settings {
            rules: rules.collect(),
            set_levels,
            tenant: config.tenant.clone(),
            packs: config.packs.iter().map(|pack| folder.map_or_else(|| pack.clone(), |f| f.join(pack))).collect(),
            per_file_ignores: config.per_file_ignores.iter().map(|(p, names)| (pattern(p), chosen(names))).collect(),
            exclude: config.exclude.clone(),
            include_tests: config.include_tests || overrides.include_tests,
            require_reason: config.require_reason,
            min_level: overrides.level.unwrap_or(Level::Note),
            min_confidence: overrides.confidence.unwrap_or(Confidence::Medium),
            file: config.file.clone(),
            prefix: String::new(),
            place: String::new(),
        })
    }

    /// Does this rule run?
    pub fn is_on(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    /// The level of a finding: what the project sets, else what the check says.
    pub fn level(&self, rule: &str, said: Level) -> Level {
        self.set_levels.get(rule).copied().unwrap_or(said)
    }

    /// Makes patterns fit paths that are relative to this folder.
    pub fn rooted_at(&mut self, base: &Path) {
        let folder = self.file.as_deref().and_then(Path::parent);
        let folder = folder.map(|folder| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()));
        let inside = folder.as_deref().and_then(|folder| base.strip_prefix(folder).ok());
        let parts = inside.into_iter().flat_map(Path::components);
        self.prefix = parts.map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect();
    }

    /// Is the rule silent in this file?
    pub fn is_ignored_in(&self, rule: &str, path: &str) -> bool {
        let path = format!("{}{path}", self.prefix);
        let matches = |patterns: &Gitignore| patterns.matched_path_or_any_parents(&path, false).is_ignore();
        self.per_file_ignores.iter().any(|(patterns, rules)| rules.contains(rule) && matches(patterns))
    }

    /// Do the project's words say that a file, as seen from the folder checked, is meant to see all tenants?
    pub fn is_global(&self, path: &str) -> bool {
        let path = format!("{}{path}", self.prefix);
        self.tenant.global_paths.keys().any(|text| pattern(text).matched_path_or_any_parents(&path, false).is_ignore())
    }
}

/// The ids that names of rules, of families and `all` stand for.
fn chosen(names: &[String]) -> BTreeSet<&'static str> {
    let is_named = |word: &str| names.iter().any(|name| name == word);
    let rules = catalog().iter().filter(|rule| is_named(&rule.id) || is_named(&rule.family) || is_named("all"));
    rules.map(|rule| rule.id.as_str()).collect()
}

fn pattern(text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    let _ = builder.add_line(None, text);
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
