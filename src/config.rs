//! What does the project want? `ormlint.toml` or `[tool.ormlint]` of `pyproject.toml`, read once and checked in full.
//!
//! In: a folder, or a file named by the user. Out: [`Config`], what the file says; [`Settings`], what a run does. An unknown key,
//! a wrong type and an unknown rule are errors that name the file and the nearest word that would be right.

mod schema;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::findings::Level;
use crate::packs::rule::catalog;

pub use schema::schema;
pub use settings::{Overrides, Settings};

/// Name of the configuration file.
pub const FILE_NAME: &str = "ormlint.toml";

/// A configuration that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct ConfigError {
    /// The file, or the option of the command line.
    pub file: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// What a configuration file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// The file; `None` if there is none.
    pub file: Option<PathBuf>,
    /// The rules that run, instead of those that are on by default.
    pub select: Option<Vec<String>>,
    /// More rules that run.
    pub extend_select: Vec<String>,
    /// Rules that do not run.
    pub ignore: Vec<String>,
    /// Patterns of paths that are not read.
    pub exclude: Vec<String>,
    /// Rules that are silent in the files that match a pattern.
    pub per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Levels of rules; `None` switches the rule off.
    pub levels: BTreeMap<String, Option<Level>>,
    /// What "the tenant" is.
    pub tenant: Tenant,
    /// Pack files of the project, relative to the configuration.
    pub packs: Vec<PathBuf>,
    /// Read tests as well.
    pub include_tests: bool,
    /// Suppression comments must give a reason.
    pub require_reason: bool,
}

/// What the project says about tenants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tenant {
    /// Models that are a tenant.
    pub models: Vec<String>,
    /// Columns that hold the tenant's key.
    pub columns: Vec<String>,
    /// Scopes, managers or classes that limit rows to the tenant.
    pub scopes: Vec<String>,
    /// Patterns of paths that are meant to see all tenants, each with the reason.
    pub global_paths: BTreeMap<String, String>,
}

impl Config {
    /// The configuration of a folder: the nearest file upwards.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn find(folder: &Path) -> Result<Config, ConfigError> {
        for above in folder.ancestors() {
            let own = above.join(FILE_NAME);
            if own.is_file() {
                return Config::load(&own);
            }
            let project = above.join("pyproject.toml");
            if project.is_file() && read(&project)?.contains("[tool.ormlint") {
                return Config::load(&project);
            }
        }
        Ok(Config::default())
    }

    /// The configuration of this file.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        Config::parse(file, &read(file)?)
    }

    /// The configuration of this text; the name of the file says of which sort it is.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        let name = file.display().to_string();
        let wrong = |what: String| ConfigError { file: name.clone(), what };
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| wrong(syntax_error(text, &error)))?;
        let mut section = String::new();
        if file.file_name().is_some_and(|file| file == "pyproject.toml") {
            let own = table.remove("tool").and_then(|tool| tool.get("ormlint").cloned());
            table = match own {
                Some(Value::Table(own)) => own,
                Some(_) => return Err(wrong("`tool.ormlint` must be a table".to_owned())),
                None => Table::new(),
            };
            section = "tool.ormlint.".to_owned();
        }
        let mut config = Config { file: Some(file.to_path_buf()), ..Config::default() };
        let reader = Reader { file: &name, section };
        config.fill(&reader, table)?;
        Ok(config)
    }

    fn fill(&mut self, reader: &Reader<'_>, table: Table) -> Result<(), ConfigError> {
        reader.known(&table, KEYS)?;
        if let Some(required) = table.get("required-version") {
            required_version(reader, &reader.text("required-version", required)?)?;
        }
        for (key, value) in table {
            match key.as_str() {
                "select" => self.select = Some(reader.rules(&key, &value)?),
                "extend-select" => self.extend_select = reader.rules(&key, &value)?,
                "ignore" => self.ignore = reader.rules(&key, &value)?,
                "exclude" => self.exclude = reader.texts(&key, &value)?,
                "include-tests" => self.include_tests = reader.flag(&key, &value)?,
                "require-reason" => self.require_reason = reader.flag(&key, &value)?,
                "packs" => self.packs = reader.texts(&key, &value)?.into_iter().map(PathBuf::from).collect(),
                "per-file-ignores" => {
                    for (pattern, rules) in reader.table(&key, value)? {
                        let rules = reader.rules(&format!("{key}.{pattern:?}"), &rules)?;
                        self.per_file_ignores.insert(pattern, rules);
                    }
                }
                "levels" => {
                    for (rule, level) in reader.table(&key, value)? {
                        let place = format!("{key}.{rule}");
                        reader.rule(&place, &rule)?;
                        let level = reader.text(&place, &level)?;
                        self.levels.insert(rule, reader.level(&place, &level)?);
                    }
                }
                "tenant" => self.tenant = Tenant::read(&reader.inside(&key), reader.table(&key, value)?)?,
                _ => (),
            }
        }
        Ok(())
    }
}

const KEYS: &[&str] = &[
    "select",
    "extend-select",
    "ignore",
    "exclude",
    "per-file-ignores",
    "levels",
    "tenant",
    "packs",
    "include-tests",
    "require-reason",
    "required-version",
];

const TENANT_KEYS: &[&str] = &["model", "models", "column", "columns", "scope", "scopes", "global-paths"];

impl Tenant {
    fn read(reader: &Reader<'_>, table: Table) -> Result<Tenant, ConfigError> {
        reader.known(&table, TENANT_KEYS)?;
        let mut tenant = Tenant::default();
        for (key, value) in table {
            match key.as_str() {
                "model" | "models" => tenant.models.extend(reader.text_or_texts(&key, &value)?),
                "column" | "columns" => tenant.columns.extend(reader.text_or_texts(&key, &value)?),
                "scope" | "scopes" => tenant.scopes.extend(reader.text_or_texts(&key, &value)?),
                "global-paths" => {
                    for (pattern, reason) in reader.table(&key, value)? {
                        let place = format!("{key}.{pattern:?}");
                        let reason = reader.text(&place, &reason)?;
                        if reason.trim().is_empty() {
                            return Err(reader.wrong(&place, "must give a reason"));
                        }
                        tenant.global_paths.insert(pattern, reason);
                    }
                }
                _ => (),
            }
        }
        Ok(tenant)
    }
}

fn read(file: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(file).map_err(|error| ConfigError {
        file: file.display().to_string(),
        what: match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            _ => format!("cannot be read: {error}"),
        },
    })
}

fn syntax_error(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

/// Reads values of one file and says what is wrong with them.
struct Reader<'a> {
    file: &'a str,
    section: String,
}

impl Reader<'_> {
    fn inside(&self, key: &str) -> Reader<'_> {
        Reader { file: self.file, section: format!("{}{key}.", self.section) }
    }

    fn error(&self, what: String) -> ConfigError {
        ConfigError { file: self.file.to_owned(), what }
    }

    fn wrong(&self, key: &str, what: &str) -> ConfigError {
        self.error(format!("`{}{key}` {what}", self.section))
    }

    fn must_be(&self, key: &str, what: &str, value: &Value) -> ConfigError {
        self.wrong(key, &format!("must be {what}, not {}", sort_of(value)))
    }

    fn known(&self, table: &Table, keys: &[&str]) -> Result<(), ConfigError> {
        match table.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(self.wrong(key, &format!("is not a key{}", nearest(key, keys.iter().copied())))),
            None => Ok(()),
        }
    }

    fn text(&self, key: &str, value: &Value) -> Result<String, ConfigError> {
        value.as_str().map(str::to_owned).ok_or_else(|| self.must_be(key, "a text", value))
    }

    fn flag(&self, key: &str, value: &Value) -> Result<bool, ConfigError> {
        value.as_bool().ok_or_else(|| self.must_be(key, "`true` or `false`", value))
    }

    fn table(&self, key: &str, value: Value) -> Result<Table, ConfigError> {
        match value {
            Value::Table(table) => Ok(table),
            other => Err(self.must_be(key, "a table", &other)),
        }
    }

    fn texts(&self, key: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
        let list = value.as_array().ok_or_else(|| self.must_be(key, "a list of texts", value))?;
        let text = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| self.must_be(key, "a list of texts", item));
        list.iter().map(text).collect()
    }

    fn text_or_texts(&self, key: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
        match value {
            Value::String(text) => Ok(vec![text.clone()]),
            other => self.texts(key, other),
        }
    }

    fn rules(&self, key: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
        let names = self.texts(key, value)?;
        names.iter().try_for_each(|name| self.selector(key, name))?;
        Ok(names)
    }

    fn rule(&self, key: &str, name: &str) -> Result<(), ConfigError> {
        let rules = || catalog().iter().map(|rule| rule.id.as_str());
        if rules().any(|id| id == name) {
            return Ok(());
        }
        Err(self.wrong(key, &format!("names no rule{}", nearest(name, rules()))))
    }

    /// A rule, a family of rules, or `all`.
    fn selector(&self, key: &str, name: &str) -> Result<(), ConfigError> {
        let names = || catalog().iter().flat_map(|rule| [rule.id.as_str(), rule.family.as_str()]).chain(["all"]);
        if names().any(|known| known == name) {
            return Ok(());
        }
        Err(self.wrong(key, &format!("names `{name}`, which is no rule{}", nearest(name, names()))))
    }

    fn level(&self, key: &str, name: &str) -> Result<Option<Level>, ConfigError> {
        match name {
            "off" => Ok(None),
            "note" => Ok(Some(Level::Note)),
            "warning" => Ok(Some(Level::Warning)),
            "error" => Ok(Some(Level::Error)),
            _ => Err(self.wrong(key, "must be `error`, `warning`, `note` or `off`")),
        }
    }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "`true` or `false`",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// `; the nearest is …`, if one is near.
pub fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> String {
    let words: BTreeSet<&str> = words.collect();
    let scored = words.into_iter().map(|known| (strsim::damerau_levenshtein(word, known), known));
    match scored.min() {
        Some((distance, known)) if distance <= word.len().max(4) / 2 => {
            format!("; the nearest is `{known}`")
        }
        _ => String::new(),
    }
}

/// `0.1`, `>=0.1`, `>=0.1,<0.3`, `==0.1.0`, `^0.1`: what versions of the tool the project accepts.
fn required_version(reader: &Reader<'_>, required: &str) -> Result<(), ConfigError> {
    let numbers = |version: &str| -> Option<Vec<u64>> { version.trim().split('.').map(|part| part.parse().ok()).collect() };
    let ours = numbers(env!("CARGO_PKG_VERSION")).unwrap_or_default();
    for part in required.split(',') {
        let part = part.trim();
        let end = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (sign, version) = (part[..end].trim(), &part[end..]);
        let bad = || reader.wrong("required-version", "must be versions such as `>=0.1,<0.3`");
        let wanted = numbers(version).ok_or_else(bad)?;
        let short = &ours[..wanted.len().min(ours.len())];
        let order = ours.cmp(&wanted);
        let holds = match sign {
            "" | "==" | "=" => short == wanted,
            "^" | "~" | "~=" => {
                let fixed = if sign == "^" && wanted.first() != Some(&0) { 1 } else { 2 };
                order.is_ge() && ours.iter().zip(&wanted).take(fixed).all(|(a, b)| a == b)
            }
            ">=" => order.is_ge(),
            ">" => order.is_gt(),
            "<=" => order.is_le() || short == wanted,
            "<" => order.is_lt(),
            _ => return Err(bad()),
        };
        if !holds {
            let what = format!("asks for {required}, and this is {}", env!("CARGO_PKG_VERSION"));
            return Err(reader.wrong("required-version", &what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
