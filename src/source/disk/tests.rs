//! What is read from a folder, and what is left out for which reason?

use super::*;
use crate::source::Origin;

/// A folder that goes away with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Folder {
        let folder = std::env::temp_dir().join(format!("ormlint-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for (path, bytes) in files {
            let full = folder.join(path);
            fs::create_dir_all(full.parent().expect("a file has a folder")).expect("made");
            fs::write(full, bytes).expect("written");
        }
        fs::create_dir_all(&folder).expect("made");
        Folder(fs::canonicalize(folder).expect("just made"))
    }

    fn discover(&self, options: &DiscoverOptions) -> SourceSet {
        discover(std::slice::from_ref(&self.0), options)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn paths(set: &SourceSet) -> Vec<&str> {
    set.files.iter().map(|file| file.path.as_str()).collect()
}

fn skipped(set: &SourceSet) -> Vec<String> {
    let mark = |s: &Skipped| if s.is_failure { "!" } else { "" };
    set.skipped.iter().map(|s| format!("{}: {}{}", s.path, s.reason, mark(s))).collect()
}

#[test]
fn ignore_files_and_conventions_decide_what_is_read() {
    let folder = Folder::new(
        "ignore",
        &[
            (".gitignore", b"ignored/\n"),
            (".ormlintignore", b"legacy.php\n"),
            ("ignored/a.py", b""),
            ("legacy.php", b""),
            ("excluded/a.php", b""),
            ("vendor/x/a.php", b""),
            ("env/pyvenv.cfg", b""),
            ("env/a.py", b""),
            ("libs/requests/__init__.py", b""),
            ("libs/requests-2.32.3.dist-info/RECORD", b""),
            ("shop/vendor/models.py", b""),
            ("tests/ATest.php", b""),
            ("app/été/A b.php", b"<?php"),
            ("app/Gen.php", b"<?php // @generated"),
            ("_ide_helper.php", b""),
            ("database/migrations/2020_01_01_000000_a.php", b""),
            ("composer.json", b"{}"),
        ],
    );
    let options = DiscoverOptions { exclude: vec!["excluded/".to_owned()], ..DiscoverOptions::default() };
    let set = folder.discover(&options);
    assert_eq!(paths(&set), ["app/été/A b.php", "database/migrations/2020_01_01_000000_a.php", "shop/vendor/models.py"]);
    assert_eq!(set.files[1].origin, Origin::Migration);
    assert_eq!(
        skipped(&set),
        [
            "_ide_helper.php: generated",
            "app/Gen.php: generated",
            "env: virtual environment",
            "excluded: excluded",
            "libs: third-party code",
            "tests: tests are left out",
            "vendor: third-party code",
        ]
    );
    let set = folder.discover(&DiscoverOptions { include_tests: true, ..options });
    assert!(set.files.iter().any(|file| file.path == "tests/ATest.php" && file.origin == Origin::Test));
}

#[test]
fn odd_bytes_large_files_and_empty_files_are_withstood() {
    let large = vec![b'#'; MAX_FILE_BYTES as usize + 1];
    let folder = Folder::new(
        "odd",
        &[
            ("bom.php", b"\xef\xbb\xbf<?php"),
            ("empty.py", b""),
            ("large.py", &large),
            ("latin.py", b"# caf\xe9\n"),
            ("nul.php", b"<?php\0a"),
            ("templates/nul.html", b"a\0"),
        ],
    );
    let set = folder.discover(&DiscoverOptions::default());
    assert_eq!(paths(&set), ["bom.php", "empty.py", "latin.py", "nul.php"]);
    let texts: Vec<_> = set.files.iter().map(|file| file.text.as_str()).collect();
    assert_eq!(texts, ["<?php", "", "# café\n", "<?php a"]);
    assert_eq!(skipped(&set), ["large.py: larger than 4 MB", "templates/nul.html: binary"]);
    assert_eq!(set.encodings.len(), 2);
}

#[test]
fn files_and_several_folders_can_be_named() {
    let folder = Folder::new("roots", &[("a/x.py", b""), ("b/tests/y.py", b""), ("c/z.py", b""), ("n.md", b"")]);
    let roots = ["a", "b/tests/y.py", "a/x.py", "n.md"].map(|root| folder.0.join(root));
    let set = discover(&roots, &DiscoverOptions::default());
    assert_eq!(paths(&set), ["a/x.py", "b/tests/y.py"]);
    assert_eq!(skipped(&set), ["n.md: no known language"]);
    let set = discover(&[folder.0.join("missing")], &DiscoverOptions::default());
    assert!(skipped(&set)[0].ends_with("missing: no such file or folder!"));
}

#[test]
fn manifests_are_found_below_and_above() {
    let folder = Folder::new(
        "manifests",
        &[
            (".gitignore", b"composer.lock\n"),
            ("composer.json", br#"{"autoload": {"psr-4": {"App\\": "app/"}}}"#),
            ("composer.lock", br#"{"packages": [{"name": "a/b", "version": "v1.2"}]}"#),
            ("app/Http/A.php", b"<?php"),
        ],
    );
    let set = folder.discover(&DiscoverOptions::default());
    assert_eq!(set.manifest.packages["a/b"].as_deref(), Some("1.2"));
    assert_eq!(set.manifest.psr4, [("App\\".to_owned(), "app/".to_owned())]);
    let set = discover(&[folder.0.join("app/Http")], &DiscoverOptions::default());
    assert_eq!(set.manifest.packages["a/b"].as_deref(), Some("1.2"));
    assert_eq!(set.manifest.psr4, [("App\\Http\\".to_owned(), String::new())]);
}

#[cfg(unix)]
#[test]
fn links_lead_neither_out_of_the_tree_nor_in_circles() {
    use std::os::unix::fs::symlink;
    let outside = Folder::new("outside", &[("secret.py", b"")]);
    let folder = Folder::new("links", &[("a/x.py", b"")]);
    symlink(&outside.0, folder.0.join("out")).expect("linked");
    symlink(&folder.0, folder.0.join("a/circle")).expect("linked");
    symlink(folder.0.join("self"), folder.0.join("self")).expect("linked");
    let set = folder.discover(&DiscoverOptions::default());
    assert_eq!(paths(&set), ["a/x.py"]);
    assert_eq!(skipped(&set), ["out: link out of the folder"]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_a_failure() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("closed", &[("a/x.py", b""), ("b.py", b"")]);
    for path in ["a", "b.py"] {
        let closed = fs::Permissions::from_mode(0o000);
        fs::set_permissions(folder.0.join(path), closed).expect("closed");
    }
    // A privileged user reads everything: then there is nothing to see here.
    let can_read_all = fs::read(folder.0.join("b.py")).is_ok();
    let set = folder.discover(&DiscoverOptions::default());
    fs::set_permissions(folder.0.join("a"), fs::Permissions::from_mode(0o755)).expect("opened");
    if !can_read_all {
        let expected = ["a: no permission to read it!", "b.py: no permission to read it!"];
        assert_eq!(skipped(&set), expected);
    }
}
