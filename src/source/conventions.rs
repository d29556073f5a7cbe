//! What do the names of files and folders say by convention? `rules/discovery.toml`, compiled.

use std::sync::LazyLock;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Deserialize;

/// The conventions that ship with the tool.
pub static CONVENTIONS: LazyLock<Conventions> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../rules/discovery.toml"))
        .expect("rules/discovery.toml is part of the program and read in a test");
    Conventions::compile(file)
});

/// Bytes at the start of a file in which a mark of generated code is looked for.
const HEAD: usize = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    skip: Vec<SkipGroup>,
    generated: Marks,
    tests: Patterns,
    migrations: MigrationNames,
    scripts: Patterns,
    templates: TemplateNames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SkipGroup {
    reason: String,
    patterns: Vec<String>,
    #[serde(default)]
    unless_contains: Vec<String>,
    #[serde(default)]
    marked_by: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patterns {
    patterns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MigrationNames {
    patterns: Vec<String>,
    /// All of them stand in the head of a migration, wherever it lies.
    marks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    marks: Vec<String>,
}

/// How templates are told from other files, and one template language from another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TemplateNames {
    /// Endings of templates inside the folders.
    pub endings: Vec<String>,
    /// Names of folders that hold templates.
    pub folders: Vec<String>,
    /// Variables that list folders of templates; a dot goes to a key of the records that it holds.
    pub listed_in: Vec<String>,
    /// Names of folders below which nothing is a template.
    pub not_under: Vec<String>,
    /// Endings that are Jinja's everywhere.
    pub jinja_endings: Vec<String>,
    /// Folders whose templates are Jinja's.
    pub jinja_folders: Vec<String>,
    /// Packages whose templates are in the plain language (filters and tags, no calls).
    pub plain_packages: Vec<String>,
    /// Packages whose templates are Jinja's.
    pub jinja_packages: Vec<String>,
    /// Text that only templates in the plain language hold.
    pub plain_marks: Vec<String>,
    /// Text that they hold more often than others.
    pub plain_hints: Vec<String>,
    /// Text that only Jinja templates hold.
    pub jinja_marks: Vec<String>,
}

struct SkipRule {
    reason: String,
    names: Gitignore,
    unless_contains: Vec<String>,
    marked_by: Vec<String>,
}

/// The compiled conventions.
pub struct Conventions {
    skip: Vec<SkipRule>,
    generated: Vec<String>,
    tests: Gitignore,
    migrations: Gitignore,
    migration_marks: Vec<String>,
    scripts: Gitignore,
    /// Templates.
    pub templates: TemplateNames,
}

impl Conventions {
    fn compile(file: File) -> Conventions {
        Conventions {
            skip: file
                .skip
                .into_iter()
                .map(|group| SkipRule {
                    reason: group.reason,
                    names: globs(&group.patterns),
                    unless_contains: group.unless_contains,
                    marked_by: group.marked_by,
                })
                .collect(),
            generated: file.generated.marks,
            tests: globs(&file.tests.patterns),
            migrations: globs(&file.migrations.patterns),
            migration_marks: file.migrations.marks,
            scripts: globs(&file.scripts.patterns),
            templates: file.templates,
        }
    }

    /// Why a folder is left out, if it is. `holds` tells whether the folder directly holds a file of that name.
    pub fn skip_folder(&self, path: &str, holds: impl Fn(&str) -> bool) -> Option<&str> {
        self.skip.iter().find_map(|rule| {
            let by_name = rule.names.matched(path, true).is_ignore() && !rule.unless_contains.iter().any(|name| holds(name));
            let by_mark = || rule.marked_by.iter().any(|name| holds(name));
            (by_name || by_mark()).then_some(rule.reason.as_str())
        })
    }

    /// Why a file is left out by its name, if it is.
    pub fn skip_file(&self, path: &str) -> Option<&str> {
        let found = self.skip.iter().find(|rule| rule.names.matched(path, false).is_ignore());
        found.map(|rule| rule.reason.as_str())
    }

    /// Does the head of the text say that a program wrote it?
    pub fn is_generated(&self, text: &str) -> bool {
        let head = &text.as_bytes()[..text.len().min(HEAD)];
        self.generated.iter().any(|mark| contains(head, mark.as_bytes()))
    }

    /// Is it a test, a factory, a seeder or a stub?
    pub fn is_test(&self, path: &str, is_folder: bool) -> bool {
        self.tests.matched_path_or_any_parents(path, is_folder).is_ignore()
    }

    /// Is it a database migration, by its path or its text?
    pub fn is_migration(&self, path: &str, text: &str) -> bool {
        let head = &text.as_bytes()[..text.len().min(HEAD)];
        self.migrations.matched_path_or_any_parents(path, false).is_ignore()
            || path.ends_with(".py") && self.migration_marks.iter().all(|mark| contains(head, mark.as_bytes()))
    }

    /// Is it a script or a command?
    pub fn is_script(&self, path: &str) -> bool {
        self.scripts.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Patterns of the sort that `.gitignore` files hold, as one matcher. Broken patterns match nothing.
pub(super) fn globs<S: AsRef<str>>(patterns: &[S]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let _ = builder.add_line(None, pattern.as_ref());
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && memchr::memmem::find(text, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::CONVENTIONS;

    #[test]
    fn folders_are_skipped_by_name_unless_they_are_a_part_of_the_application() {
        let none = |_: &str| false;
        assert_eq!(CONVENTIONS.skip_folder("vendor", none), Some("third-party code"));
        assert_eq!(CONVENTIONS.skip_folder("modules/x/vendor", none), Some("third-party code"));
        assert_eq!(CONVENTIONS.skip_folder("shop/vendor", |name| name == "models.py"), None);
        assert_eq!(CONVENTIONS.skip_folder("app/Http/Controllers/Vendor", none), None);
        assert_eq!(CONVENTIONS.skip_folder("resources/views/vendor", none), None);
        assert_eq!(CONVENTIONS.skip_folder("storage/framework", none), Some("cache"));
        assert_eq!(CONVENTIONS.skip_folder("py", |name| name == "pyvenv.cfg"), Some("virtual environment"));
        assert_eq!(CONVENTIONS.skip_folder("libs", |name| name == "*.dist-info"), Some("third-party code"));
        assert_eq!(CONVENTIONS.skip_folder("app", none), None);
        assert_eq!(CONVENTIONS.skip_file("_ide_helper_models.php"), Some("generated"));
    }

    #[test]
    fn tests_migrations_and_scripts_are_told_by_their_paths() {
        let c = &*CONVENTIONS;
        for path in ["shop/tests/test_a.py", "tests/Feature/A.php", "database/factories/UserFactory.php", "a/test_x.py"] {
            assert!(c.is_test(path, false), "{path}");
        }
        for path in ["app/Models/LabTest.php", "app/Models/Test.php", "shop/contest.py", "shop/latest.py", "auth/factories.py"] {
            assert!(!c.is_test(path, false), "{path}");
        }
        for path in ["database/migrations/2020_01_01_0_x.php", "shop/migrations/0001_initial.py", "migrations/versions/ab_x.py"] {
            assert!(c.is_migration(path, ""), "{path}");
        }
        assert!(!c.is_migration("app/Services/Migrations/Runner.php", ""));
        let revision = "\"\"\"Add a column\"\"\"\nrevision = 'a1'\ndown_revision = None\n";
        assert!(c.is_migration("app/database/revisions/a1_add.py", revision));
        assert!(!c.is_migration("app/models.py", "revision = 1\n"));
        assert!(c.is_script("app/Console/Commands/Sync.php"));
        assert!(c.is_script("shop/management/commands/sync.py"));
        assert!(!c.is_script("shop/views.py"));
    }
}
