//! Which libraries does the application use, in which version?
//!
//! In: the texts of manifests and lock files, with their paths. Out: one [`Manifest`] for the whole folder; a file that
//! cannot be understood is named and left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::Value as Toml;

/// Libraries named by `composer.json`/`composer.lock`, `pyproject.toml`, `requirements*.txt` and the like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Package name (lower case; Python names with `-` for `_`) to the version installed or the lowest allowed, if stated.
    pub packages: BTreeMap<String, Option<String>>,
    /// PSR-4 prefixes of `composer.json` (`App\` to `app/`), relative to the folder checked.
    pub psr4: Vec<(String, String)>,
    /// Folders below the one checked that hold the file of a Python project of its own: names of modules start anew there.
    pub projects: BTreeSet<String>,
}

impl Manifest {
    /// Is a package used in a version below another, both named as in `sqlalchemy 2`? `None` if its version is not known.
    pub fn is_below(&self, package_and_version: &str) -> Option<bool> {
        let (package, limit) = package_and_version.split_once(' ')?;
        // What follows the numbers (`rc1`, `+cu118`) says less than they do.
        let numbers = |text: &str| -> Vec<u32> { text.split('.').map_while(|n| n.parse().ok()).collect() };
        let mut version = numbers(self.packages.get(package)?.as_deref()?);
        let limit = numbers(limit);
        if version.is_empty() || limit.is_empty() {
            return None;
        }
        version.resize(version.len().max(limit.len()), 0);
        Some(version < limit)
    }

    /// Makes the folders relative to `inside`, a folder (with `/` at its end) below the one that was read.
    pub(super) fn rebase(&mut self, inside: &str) {
        let rebased = self.psr4.iter().filter_map(|(prefix, folder)| {
            if let Some(rest) = folder.strip_prefix(inside) {
                return Some((prefix.clone(), rest.to_owned()));
            }
            let rest = inside.strip_prefix(folder.as_str())?;
            Some((format!("{prefix}{}", rest.replace('/', "\\")), String::new()))
        });
        self.psr4 = rebased.collect();
        let projects = std::mem::take(&mut self.projects);
        self.projects = projects.iter().filter_map(|folder| folder.strip_prefix(inside)).map(str::to_owned).collect();
    }
}

/// Is a file of this path read for the manifest?
pub fn is_manifest(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_requirements = folder == "requirements" || folder.ends_with("/requirements");
    matches!(
        name,
        "composer.json"
            | "composer.lock"
            | "pyproject.toml"
            | "Pipfile"
            | "Pipfile.lock"
            | "setup.cfg"
            | "setup.py"
            | "uv.lock"
            | "poetry.lock"
            | "pdm.lock"
    ) || ((name.starts_with("requirements") || in_requirements) && (name.ends_with(".txt") || name.ends_with(".in")))
}

/// Reads manifests. Files nearer to the folder checked come first; what a lock file says of a version wins.
///
/// `files` holds paths relative to the folder checked and texts. Also gives the files that could not be understood.
pub fn read(files: &[(String, String)]) -> (Manifest, Vec<(String, String)>) {
    let mut sorted: Vec<&(String, String)> = files.iter().collect();
    sorted.sort_by(|a, b| (a.0.matches('/').count(), &a.0).cmp(&(b.0.matches('/').count(), &b.0)));
    let mut reading = Reading::default();
    for (path, text) in sorted {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "pyproject.toml" | "setup.py" | "setup.cfg" | "Pipfile") && !folder.is_empty() {
            reading.projects.insert(folder.to_owned());
        }
        let result = match name {
            "composer.json" => reading.composer(folder, text),
            "composer.lock" => reading.composer_lock(text),
            "pyproject.toml" => reading.pyproject(text),
            "Pipfile" => reading.pipfile(text),
            "Pipfile.lock" => reading.pipfile_lock(text),
            "setup.cfg" => {
                reading.setup_cfg(text);
                Ok(())
            }
            "setup.py" => {
                reading.setup_py(text);
                Ok(())
            }
            "uv.lock" | "poetry.lock" | "pdm.lock" => reading.toml_lock(text),
            _ => {
                reading.requirements(text);
                Ok(())
            }
        };
        if let Err(reason) = result {
            reading.broken.push((path.clone(), reason));
        }
    }
    reading.finish()
}

#[derive(Default)]
struct Reading {
    declared: BTreeMap<String, Option<String>>,
    locked: BTreeMap<String, Option<String>>,
    psr4: Vec<(String, String)>,
    projects: BTreeSet<String>,
    broken: Vec<(String, String)>,
}

impl Reading {
    fn finish(self) -> (Manifest, Vec<(String, String)>) {
        let mut packages = self.declared;
        for (name, version) in self.locked {
            let known = packages.entry(name).or_default();
            if version.is_some() {
                *known = version;
            }
        }
        (Manifest { packages, psr4: self.psr4, projects: self.projects }, self.broken)
    }

    fn declare(&mut self, name: &str, version: Option<String>) {
        let known = self.declared.entry(name.to_owned()).or_default();
        if known.is_none() {
            *known = version;
        }
    }

    fn lock(&mut self, name: &str, version: Option<&str>) {
        let version = version.map(|v| v.trim_start_matches('v').to_owned());
        self.locked.entry(name.to_owned()).or_insert(version);
    }

    fn composer(&mut self, folder: &str, text: &str) -> Result<(), String> {
        let file = json(text)?;
        for section in ["require", "require-dev"] {
            for (name, constraint) in file[section].as_object().into_iter().flatten() {
                self.declare(&name.to_ascii_lowercase(), constraint.as_str().and_then(lowest_version));
            }
        }
        for section in ["autoload", "autoload-dev"] {
            for (prefix, folders) in file[section]["psr-4"].as_object().into_iter().flatten() {
                let one = folders.as_str().into_iter();
                let many = folders.as_array().into_iter().flatten().filter_map(Json::as_str);
                for target in one.chain(many) {
                    if let Some(target) = join(folder, target) {
                        self.psr4.push((prefix.clone(), target));
                    }
                }
            }
        }
        Ok(())
    }

    fn composer_lock(&mut self, text: &str) -> Result<(), String> {
        let file = json(text)?;
        for section in ["packages", "packages-dev"] {
            for package in file[section].as_array().into_iter().flatten() {
                if let Some(name) = package["name"].as_str() {
                    self.lock(&name.to_ascii_lowercase(), package["version"].as_str());
                }
            }
        }
        Ok(())
    }

    fn pyproject(&mut self, text: &str) -> Result<(), String> {
        let file = toml(text)?;
        let project = file.get("project");
        for line in strings(project.and_then(|p| p.get("dependencies"))) {
            self.requirement(line);
        }
        let groups = [
            project.and_then(|p| p.get("optional-dependencies")),
            file.get("dependency-groups"),
            file.get("tool").and_then(|t| t.get("pdm")).and_then(|t| t.get("dev-dependencies")),
        ];
        for group in groups.into_iter().flatten().filter_map(Toml::as_table) {
            for lines in group.values() {
                for line in strings(Some(lines)) {
                    self.requirement(line);
                }
            }
        }
        let uv = file.get("tool").and_then(|t| t.get("uv"));
        for line in strings(uv.and_then(|t| t.get("dev-dependencies"))) {
            self.requirement(line);
        }
        if let Some(poetry) = file.get("tool").and_then(|t| t.get("poetry")) {
            for section in ["dependencies", "dev-dependencies"] {
                self.table(poetry.get(section));
            }
            for group in poetry.get("group").and_then(Toml::as_table).into_iter().flat_map(toml::Table::values) {
                self.table(group.get("dependencies"));
            }
        }
        Ok(())
    }

    fn pipfile(&mut self, text: &str) -> Result<(), String> {
        let file = toml(text)?;
        for section in ["packages", "dev-packages"] {
            self.table(file.get(section));
        }
        Ok(())
    }

    fn pipfile_lock(&mut self, text: &str) -> Result<(), String> {
        let file = json(text)?;
        for section in ["default", "develop"] {
            for (name, entry) in file[section].as_object().into_iter().flatten() {
                self.lock(&normal(name), entry["version"].as_str().map(|v| v.trim_start_matches('=')));
            }
        }
        Ok(())
    }

    fn toml_lock(&mut self, text: &str) -> Result<(), String> {
        let file = toml(text)?;
        for package in file.get("package").and_then(Toml::as_array).into_iter().flatten() {
            if let Some(name) = package.get("name").and_then(Toml::as_str) {
                self.lock(&normal(name), package.get("version").and_then(Toml::as_str));
            }
        }
        Ok(())
    }

    /// A table of names and constraints, as Poetry and Pipenv write it.
    fn table(&mut self, table: Option<&Toml>) {
        for (name, constraint) in table.and_then(Toml::as_table).into_iter().flatten() {
            if name == "python" {
                continue;
            }
            let text = constraint.as_str().or_else(|| constraint.get("version").and_then(Toml::as_str));
            self.declare(&normal(name), text.and_then(lowest_version));
        }
    }

    fn requirements(&mut self, text: &str) {
        for line in text.lines() {
            self.requirement(line);
        }
    }

    fn setup_cfg(&mut self, text: &str) {
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                if inside {
                    self.requirement(line);
                }
                continue;
            }
            let (key, rest) = line.split_once('=').unwrap_or((line, ""));
            inside = key.trim() == "install_requires";
            if inside {
                self.requirement(rest);
            }
        }
    }

    /// The string literals of the list after `install_requires`.
    fn setup_py(&mut self, text: &str) {
        let Some(list) = text.split_once("install_requires").and_then(|(_, rest)| rest.split_once('[')) else {
            return;
        };
        let list = list.1.split(']').next().unwrap_or_default();
        let mut rest = list;
        while let Some(start) = rest.find(['"', '\'']) {
            let quote = &rest[start..=start];
            let Some(end) = rest[start + 1..].find(quote) else {
                return;
            };
            self.requirement(&rest[start + 1..start + 1 + end]);
            rest = &rest[start + end + 2..];
        }
    }

    /// One line of the form `Name[extra]>=1.2 ; marker  # comment`.
    fn requirement(&mut self, line: &str) {
        let line = line.split(" #").next().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['#', '-', '.', '/']) || line.contains("://") && !line.contains('@') {
            return;
        }
        let end = line.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        if name.is_empty() {
            return;
        }
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let version = if rest.trim_start().starts_with('@') { None } else { lowest_version(rest) };
        self.declare(&normal(name), version);
    }
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

fn toml(text: &str) -> Result<toml::Table, String> {
    text.parse().map_err(|error: toml::de::Error| format!("not valid TOML: {}", error.message()))
}

fn strings(list: Option<&Toml>) -> impl Iterator<Item = &str> {
    list.and_then(Toml::as_array).into_iter().flatten().filter_map(Toml::as_str)
}

/// The one spelling of a Python package's name.
fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', '.'], "-")
}

/// The lowest version that a constraint allows: `^10.0|^11.0` gives `10.0`, `<3` and `*` give none.
fn lowest_version(constraint: &str) -> Option<String> {
    let parts = constraint.split(['|', ',']).flat_map(|part| part.split(' '));
    let versions = parts.filter_map(|part| {
        let part = part.trim();
        if part.starts_with(['<', '!', '*']) {
            return None;
        }
        let version = part.trim_start_matches(['^', '~', '=', '>', 'v', '(']).trim();
        let version: String = version.chars().take_while(|c| c.is_alphanumeric() || *c == '.').collect();
        let version = version.trim_end_matches(".x").trim_end_matches('.').to_owned();
        version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
    });
    versions.min_by_key(|version| numbers(version))
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// A folder named in a manifest, relative to the folder checked and with `/` at the end; `None` if it lies outside.
fn join(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Some(String::new()) } else { Some(parts.join("/") + "/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(files: &[(&str, &str)]) -> (Manifest, Vec<(String, String)>) {
        let files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&files)
    }

    fn versions(manifest: &Manifest) -> String {
        let line = |(name, version): (&String, &Option<String>)| format!("{name} {}", version.as_deref().unwrap_or("-"));
        manifest.packages.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn versions_compare_by_all_their_numbers() {
        let (manifest, _) = read_all(&[("requirements.txt", "acme==2.3.1\nlater==2.5\nplain\n")]);
        let below = |limit| manifest.is_below(limit);
        assert_eq!([below("acme 3"), below("acme 2.5"), below("acme 2.3.2")], [Some(true); 3]);
        assert_eq!([below("acme 2"), below("acme 2.3"), below("acme 2.3.1"), below("later 2.5.0")], [Some(false); 4]);
        assert_eq!([below("plain 2"), below("missing 2")], [None; 2]);
    }

    #[test]
    fn composer_files_give_packages_and_autoloading() {
        let (manifest, broken) = read_all(&[
            (
                "composer.json",
                r#"{"require": {"php": "^8.2", "Acme/Framework": "^10.0|^11.0", "acme/other": "*"},
                    "autoload": {"psr-4": {"App\\": "app/", "Lib\\": ["lib", "src/lib/"]}}}"#,
            ),
            ("composer.lock", r#"{"packages": [{"name": "acme/framework", "version": "v11.3.1"}]}"#),
            ("modules/shop/composer.json", r#"{"autoload": {"psr-4": {"Shop\\": "./src", "Up\\": "../up"}}}"#),
            ("modules/bad/composer.json", "{"),
        ]);
        assert_eq!(versions(&manifest), "acme/framework 11.3.1\nacme/other -\nphp 8.2");
        let expected = [("App\\", "app/"), ("Lib\\", "lib/"), ("Lib\\", "src/lib/"), ("Shop\\", "modules/shop/src/")];
        let mut expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        expected.push(("Up\\".to_owned(), "modules/up/".to_owned()));
        assert_eq!(manifest.psr4, expected);
        assert_eq!(broken.len(), 1);
        assert!(broken[0].1.starts_with("not valid JSON"), "{}", broken[0].1);
    }

    #[test]
    fn every_python_form_is_read() {
        let (manifest, broken) = read_all(&[
            (
                "pyproject.toml",
                r#"
                [project]
                dependencies = ["Django>=4.2,<5", "psycopg[binary] ~= 3.1 ; python_version > '3.8'"]
                [project.optional-dependencies]
                api = ["django_rest.framework==3.15.1"]
                [dependency-groups]
                dev = ["pytest", {include-group = "x"}]
                [tool.poetry.dependencies]
                python = "^3.11"
                celery = {version = "^5.3", extras = ["redis"]}
                [tool.poetry.group.web.dependencies]
                flask = "*"
                "#,
            ),
            ("requirements.txt", "# c\n-r other.txt\nredis==5.0.1  # cache\nlib @ git+https://x/y\nhttps://x/z.whl\n\n"),
            ("requirements/prod.txt", "gunicorn>=20\n"),
            ("Pipfile", "[packages]\nboto3 = \"==1.34\"\n"),
            ("setup.cfg", "[options]\ninstall_requires =\n    attrs>=22\n    six\nzip_safe = no\n"),
            ("pkg/setup.py", "setup(install_requires=['click>=8', \"rich\"])"),
            ("uv.lock", "[[package]]\nname = \"django\"\nversion = \"4.2.11\"\n"),
            ("bad/pyproject.toml", "["),
        ]);
        assert_eq!(
            versions(&manifest),
            "attrs 22\nboto3 1.34\ncelery 5.3\nclick 8\ndjango 4.2.11\ndjango-rest-framework 3.15.1\nflask -\n\
             gunicorn 20\nlib -\npsycopg 3.1\npytest -\nredis 5.0.1\nrich -\nsix -"
        );
        assert_eq!(broken.len(), 1);
    }

    #[test]
    fn manifests_are_known_by_name() {
        for path in ["composer.json", "a/requirements-dev.txt", "requirements/base.txt", "x/requirements/base.in"] {
            assert!(is_manifest(path), "{path}");
        }
        for path in ["package.json", "notes.txt", "my_requirements/x.txt"] {
            assert!(!is_manifest(path), "{path}");
        }
    }
}
