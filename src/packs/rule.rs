//! Which rules are there, and what is said about them? The pages of `rules/catalog`, read once.

use std::fmt;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::findings::{Confidence, Level};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules/catalog");

static CATALOG: LazyLock<Result<Vec<Rule>, RuleError>> = LazyLock::new(|| {
    let files = PAGES.files().filter(|file| file.path().extension().is_some_and(|e| e == "md"));
    let mut rules = Vec::new();
    for file in files {
        let name = file.path().display().to_string();
        let text = file.contents_utf8().ok_or_else(|| RuleError::new(&name, "", "is not UTF-8"))?;
        rules.push(Rule::read(&name, text)?);
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rules)
});

/// A rule: the front matter of its page, and the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The name: the fault in words.
    pub id: String,
    /// Rules of one subject.
    pub family: String,
    /// How bad a finding is, if the check says nothing else.
    pub level: Level,
    /// How often a finding is true.
    pub precision: Precision,
    /// What the rule is about, as a headline that stands without a finding.
    pub title: String,
    /// The headline of a finding, with names in braces.
    pub headline: String,
    /// The help of a finding, with names in braces.
    pub help: String,
    /// Numbers of the Common Weakness Enumeration, the nearest first.
    pub cwe: Vec<u32>,
    /// For rules about security only: a number above 0.0 up to 10.0.
    pub security_severity: Option<String>,
    /// Runs unless switched off.
    pub is_on: bool,
    /// How far it is.
    pub status: Status,
    /// The page, in Markdown, without the front matter.
    pub page: String,
}

/// How often a finding of a rule is true.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Precision {
    /// Often wrong.
    Low,
    /// Mostly true.
    Medium,
    /// Nearly always true.
    High,
    /// True by construction.
    VeryHigh,
}

impl Precision {
    /// The word of the front matter and of the report formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Precision::Low => "low",
            Precision::Medium => "medium",
            Precision::High => "high",
            Precision::VeryHigh => "very-high",
        }
    }

    /// The confidence of a finding of such a rule, if the check says nothing else.
    pub fn confidence(self) -> Confidence {
        match self {
            Precision::Low => Confidence::Low,
            Precision::Medium => Confidence::Medium,
            Precision::High | Precision::VeryHigh => Confidence::High,
        }
    }
}

/// How far a rule is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Tried on real applications.
    Stable,
    /// New: may change.
    Preview,
}

/// A page whose front matter is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("rules/catalog/{file}: {}{what}", Key(.key))]
pub struct RuleError {
    /// The page.
    pub file: String,
    /// The key that is wrong; empty if it is the page as a whole.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
}

struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", self.0) }
    }
}

impl RuleError {
    fn new(file: &str, key: &str, what: &str) -> RuleError {
        RuleError { file: file.to_owned(), key: key.to_owned(), what: what.to_owned() }
    }
}

const KEYS: &[&str] =
    &["id", "family", "level", "precision", "title", "headline", "help", "cwe", "security-severity", "default", "status"];

/// All rules, sorted by id. The pages are part of the program and are read in a test: a broken one ends the program.
pub fn catalog() -> &'static [Rule] {
    match &*CATALOG {
        Ok(rules) => rules,
        Err(error) => panic!("{error}"),
    }
}

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    catalog().binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|at| &catalog()[at])
}

impl Rule {
    /// Reads a page.
    pub fn read(file: &str, text: &str) -> Result<Rule, RuleError> {
        let (front, page) = split(text).ok_or_else(|| RuleError::new(file, "", "has no front matter between `+++` lines"))?;
        let table: toml::Table = front
            .parse()
            .map_err(|error: toml::de::Error| RuleError::new(file, "", &format!("is not TOML: {}", error.message())))?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(RuleError::new(file, key, "is not a key of a rule"));
        }
        let front = Front { file, table: &table };
        let id = front.text("id")?;
        if file.trim_end_matches(".md").rsplit('/').next() != Some(id.as_str()) {
            return Err(front.wrong("id", "is not the name of the file"));
        }
        let rule = Rule {
            id,
            family: front.text("family")?,
            level: front.choice("level", &[("note", Level::Note), ("warning", Level::Warning), ("error", Level::Error)])?,
            precision: front.choice(
                "precision",
                &[
                    ("low", Precision::Low),
                    ("medium", Precision::Medium),
                    ("high", Precision::High),
                    ("very-high", Precision::VeryHigh),
                ],
            )?,
            title: front.text("title")?,
            headline: front.text("headline")?,
            help: front.text("help")?,
            cwe: front.numbers("cwe")?,
            security_severity: front.severity("security-severity")?,
            is_on: front.choice("default", &[("on", true), ("off", false)])?,
            status: front.choice("status", &[("stable", Status::Stable), ("preview", Status::Preview)])?,
            page: page.trim().to_owned(),
        };
        if rule.page.is_empty() {
            return Err(RuleError::new(file, "", "has no text below the front matter"));
        }
        Ok(rule)
    }

    /// The first paragraph of the page, on one line.
    pub fn summary(&self) -> String {
        let paragraph = self.page.split("\n\n").find(|p| !p.starts_with('#')).unwrap_or_default();
        paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The id as one word: `LazyLoadInLoop`.
    pub fn pascal_case(&self) -> String {
        let word = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        };
        self.id.split('-').map(word).collect()
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start_matches('\u{feff}').strip_prefix("+++")?;
    let (front, page) = rest.split_once("\n+++")?;
    Some((front, page.trim_start_matches(|c| c != '\n')))
}

struct Front<'a> {
    file: &'a str,
    table: &'a toml::Table,
}

impl Front<'_> {
    fn wrong(&self, key: &str, what: &str) -> RuleError {
        RuleError::new(self.file, key, what)
    }

    fn text(&self, key: &str) -> Result<String, RuleError> {
        match self.table.get(key).map(toml::Value::as_str) {
            Some(Some(text)) if !text.trim().is_empty() => Ok(text.to_owned()),
            Some(_) => Err(self.wrong(key, "must be a text that is not empty")),
            None => Err(self.wrong(key, "is missing")),
        }
    }

    fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T, RuleError> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.wrong(key, &format!("must be one of {}", names.join(", ")))
        })
    }

    fn numbers(&self, key: &str) -> Result<Vec<u32>, RuleError> {
        let Some(value) = self.table.get(key) else {
            return Ok(Vec::new());
        };
        let number = |value: &toml::Value| value.as_integer().and_then(|n| u32::try_from(n).ok());
        let list = value.as_array().and_then(|list| list.iter().map(number).collect::<Option<Vec<u32>>>());
        list.ok_or_else(|| self.wrong(key, "must be a list of numbers"))
    }

    fn severity(&self, key: &str) -> Result<Option<String>, RuleError> {
        if !self.table.contains_key(key) {
            return Ok(None);
        }
        let text = self.text(key)?;
        match text.parse::<f64>() {
            Ok(number) if number > 0.0 && number <= 10.0 => Ok(Some(text)),
            _ => Err(self.wrong(key, "must be a number above 0.0 up to 10.0, as text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_read() {
        assert_eq!(catalog().len(), PAGES.files().count());
        assert!(catalog().len() >= 20);
        for rule in catalog() {
            assert_eq!(find(&rule.id), Some(rule));
            assert!(rule.title.len() < 255 && !rule.title.ends_with('.'), "{}", rule.id);
            assert!(rule.summary().len() < 1024 && rule.summary().ends_with('.'), "{}", rule.id);
            assert_eq!(rule.security_severity.is_some(), rule.family == "tenancy" && rule.cwe != [1073, 1050], "{}", rule.id);
        }
        assert_eq!(find("lazy-load-in-loop").map(Rule::pascal_case).as_deref(), Some("LazyLoadInLoop"));
        assert_eq!(find("no-such-rule"), None);
    }

    #[test]
    fn a_broken_page_names_file_and_key() {
        let page = "+++\nid = \"a\"\nfamily = \"f\"\nlevel = \"bad\"\n+++\nText.\n";
        let message = |page: &str| Rule::read("a.md", page).expect_err("broken").to_string();
        assert_eq!(message(page), "rules/catalog/a.md: `level` must be one of `note`, `warning`, `error`");
        assert_eq!(message(&page.replace("bad", "note")), "rules/catalog/a.md: `precision` is missing");
        assert_eq!(message(&page.replace("family", "famly")), "rules/catalog/a.md: `famly` is not a key of a rule");
        assert_eq!(message("text"), "rules/catalog/a.md: has no front matter between `+++` lines");
    }
}
