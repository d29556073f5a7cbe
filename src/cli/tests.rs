//! Do the commands do what they say, with the right exit status?

use std::fs;
use std::io;

use super::*;

pub(super) struct Ran {
    pub(super) status: u8,
    pub(super) out: String,
    pub(super) err: String,
}

fn run_with(args: &[&str], stdin: &str) -> Ran {
    let args = std::iter::once("ormlint").chain(args.iter().copied()).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = run_in(args, Terminal::none(), &mut stdin.as_bytes(), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { status, out: text(out), err: text(err) }
}

pub(super) fn ran(args: &[&str]) -> Ran {
    run_with(args, "")
}

/// A folder that goes away with the value.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("ormlint-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for (path, text) in files {
            let full = folder.join(path);
            fs::create_dir_all(full.parent().expect("a file has a folder")).expect("made");
            fs::write(full, text).expect("written");
        }
        fs::create_dir_all(&folder).expect("made");
        Folder(folder)
    }

    pub(super) fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    pub(super) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_clean_folder_ends_with_zero() {
    let folder = Folder::new("clean", &[("a.py", "x = 1\n")]);
    let run = ran(&["check", folder.path()]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(run.out, "no findings in 1 file\n");
    assert_eq!(ran(&["check", "--quiet", folder.path()]).out, "");
}

#[test]
fn usage_configuration_and_missing_paths_end_with_two() {
    let folder = Folder::new("wrong", &[("a.py", ""), ("ormlint.toml", "selct = []")]);
    for args in [
        vec!["check", "--no-such-option"],
        vec!["check", folder.path()],
        vec!["check", "--isolated", "/no/such/folder"],
        vec!["check", "--isolated", "--output", "jsn", folder.path()],
        vec!["check", "--isolated", "--select", "nothing", folder.path()],
        vec!["check", "--config", "/no/such.toml", folder.path()],
        vec!["explain", "lazy-load-in-lop"],
        vec![],
    ] {
        let run = ran(&args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.out);
        assert!(!run.err.is_empty(), "{args:?}");
    }
    let run = ran(&["check", folder.path()]);
    assert!(run.err.contains("`selct` is not a key; the nearest is `select`"), "{}", run.err);
    let run = ran(&["explain", "lazy-load-in-lop"]);
    assert_eq!(run.err, "ormlint: there is no rule `lazy-load-in-lop`; the nearest is `lazy-load-in-loop`\n");
    let run = ran(&["check", "--isolated", "/no/such/folder"]);
    assert!(run.err.contains("/no/such/folder: no such file or folder"), "{}", run.err);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let run = ran(&["--version"]);
    assert_eq!((run.status, run.out.as_str()), (0, concat!("ormlint ", env!("CARGO_PKG_VERSION"), "\n")));
    assert_eq!(ran(&["check", "--help"]).status, 0);
}

#[test]
fn several_reports_come_from_one_run() {
    let folder = Folder::new("outputs", &[("app/a.py", "")]);
    let (json, sarif) = (folder.file("a.json"), folder.file("a.sarif"));
    let (to_json, to_sarif) = (format!("json={json}"), format!("sarif={sarif}"));
    let run = ran(&["check", "--output", &to_json, "--output", &to_sarif, &folder.file("app")]);
    assert_eq!((run.status, run.out.as_str()), (0, "no findings in 1 file\n"));
    for file in [json, sarif] {
        let text = fs::read_to_string(&file).expect("written");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{file}");
    }
    let run = ran(&["check", "--output", "json", &folder.file("app")]);
    assert!(run.out.starts_with("{\n  \"version\": 1,"), "{}", run.out);
    let run = ran(&["check", "--output", "json=/no/such/folder/x", &folder.file("app")]);
    assert_eq!(run.status, 2);
}

#[test]
fn files_and_settings_are_shown() {
    let folder = Folder::new(
        "shown",
        &[
            ("ormlint.toml", "exclude = [\"app/old/\"]\n[levels]\nquery-in-loop = \"error\"\n"),
            ("app/b.py", ""),
            ("app/a.py", ""),
            ("app/old/c.py", ""),
            ("app/tests/test_a.py", ""),
        ],
    );
    let run = ran(&["check", "--show-files", &folder.file("app")]);
    assert_eq!(run.out, "a.py\nb.py\n");
    let run = ran(&["check", "--show-files", "--include-tests", folder.path()]);
    assert_eq!(run.out, "app/a.py\napp/b.py\napp/tests/test_a.py\n");
    let run = ran(&["check", "--show-settings", "--ignore", "loading", "--extend-select", "query-in-loop", folder.path()]);
    assert!(run.out.contains("ormlint.toml\n") && run.out.contains("exclude: app/old/\n"), "{}", run.out);
    assert!(!run.out.contains("query-in-loop"), "what is ignored last stays ignored: {}", run.out);
    let run = ran(&["check", "--coverage", folder.path()]);
    assert!(run.out.contains("coverage: 2 files, 0 bytes\n"), "{}", run.out);
    assert!(run.out.contains("       1  excluded\n       1  tests are left out\n"), "{}", run.out);
}

#[test]
fn standard_input_takes_the_place_of_a_file() {
    let folder = Folder::new("stdin", &[("a.py", "x = 1\n"), ("b.py", "")]);
    let run = run_with(&["check", "--coverage", "--stdin-filename", &folder.file("a.py"), folder.path()], "longer = 12\n");
    assert!(run.out.contains("coverage: 2 files, 12 bytes"), "{}", run.out);
    let run = run_with(&["check", "--coverage", "--stdin-filename", &folder.file("c.py"), folder.path()], "new");
    assert!(run.out.contains("coverage: 3 files, 9 bytes"), "{}", run.out);
}

#[test]
fn rules_are_listed_and_explained() {
    let run = ran(&["rules"]);
    assert!(run.out.lines().any(|line| line.starts_with("lazy-load-in-loop ") && line.contains(" warning ")), "{}", run.out);
    assert!(run.out.lines().any(|line| line.starts_with("write-in-loop ") && line.contains(" off ")), "{}", run.out);
    let run = ran(&["rules", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(rule::catalog().len()));
    let run = ran(&["explain", "query-in-loop"]);
    assert!(run.out.starts_with("# query-in-loop\n") && run.out.contains("## How to fix it"), "{}", run.out);
}

#[test]
fn init_writes_a_configuration_that_is_valid() {
    let folder = Folder::new("init", &[("a.py", "")]);
    assert_eq!(ran(&["init", folder.path()]).status, 0);
    assert_eq!(ran(&["check", folder.path()]).status, 0);
    assert_eq!(ran(&["init", folder.path()]).status, 2);
    assert_eq!(ran(&["init", "--force", folder.path()]).status, 0);
    // Every key that it shows is a real one.
    let text = fs::read_to_string(folder.file("ormlint.toml")).expect("written");
    let shown = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(code) if code.contains(" = ") || code.starts_with('[') => code,
        _ => line,
    });
    let shown = shown.collect::<Vec<_>>().join("\n");
    crate::config::Config::parse(Path::new("ormlint.toml"), &shown).expect("valid");
}

#[test]
fn completions_name_the_commands() {
    let run = ran(&["completions", "bash"]);
    assert!(run.status == 0 && run.out.contains("ormlint"), "{}", run.err);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    struct Gone;
    impl io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = Folder::new("pipe", &[("a.py", "")]);
    for args in [vec!["ormlint", "check", folder.path()], vec!["ormlint", "rules"], vec!["ormlint", "completions", "zsh"]] {
        let mut err = Vec::new();
        let args = args.into_iter().map(OsString::from);
        assert_eq!(run_in(args, Terminal::none(), &mut io::empty(), &mut Gone, &mut err), 0);
        assert!(err.is_empty());
    }
}

#[test]
fn the_same_bytes_at_any_number_of_threads() {
    let files: Vec<(String, String)> = (0..50).map(|n| (format!("app/m{n}.py"), format!("x = {n}\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = Folder::new("threads", &files);
    let one = ran(&["check", "--format", "json", "--threads", "1", folder.path()]);
    let many = ran(&["check", "--format", "json", "--threads", "7", folder.path()]);
    assert_eq!(one.out, many.out);
}

const OWN_PYTHON: &str = r#"
[pack]
id = "own-python"
language = "python"

[[client]]
names = ["acme.connect"]
what = "an Acme client"
why = "each signs in"
cure = "build it once"
gives = "acme.Client"

[[blocking]]
names = ["acme.Client.*"]
what = "the network"
instead = "`acme.aio`"
"#;

const OWN_PHP: &str = r#"
[pack]
id = "own-php"
language = "php"

[[client]]
names = ["Acme\\Client"]
what = "an Acme client"
why = "each signs in"
cure = "build it once"
"#;

#[test]
fn a_pack_of_the_project_adds_clients_and_calls_that_block() {
    let folder = Folder::new(
        "own-packs",
        &[
            ("ormlint.toml", "packs = [\"own/python.toml\", \"own/php.toml\"]\n"),
            ("own/python.toml", OWN_PYTHON),
            ("own/php.toml", OWN_PHP),
            (
                "api.py",
                "import acme\nfrom fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.get(\"/x\")\nasync def x():\n    client = acme.connect()\n    return client.fetch()\n",
            ),
            ("push.php", "<?php\nforeach ($rows as $row) {\n    (new \\Acme\\Client())->send($row);\n}\n"),
        ],
    );
    let ran = ran(&["check", folder.path(), "--format", "concise"]);
    let found: Vec<String> = ran
        .out
        .lines()
        .filter_map(|line| {
            let rule = ["client-per-request", "blocking-call-in-async"].into_iter().find(|rule| line.contains(rule))?;
            let (place, _) = line.split_once(": ").unwrap_or((line, ""));
            Some(format!("{place} {rule}"))
        })
        .collect();
    let short: Vec<&str> = found.iter().map(|f| f.rsplit('/').next().unwrap_or(f)).collect();
    assert_eq!(
        short,
        ["api.py:9:14 client-per-request", "api.py:10:12 blocking-call-in-async", "push.php:3:6 client-per-request",],
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn a_broken_pack_ends_the_run_and_is_named() {
    let folder = Folder::new(
        "broken-pack",
        &[
            ("ormlint.toml", "packs = [\"own.toml\"]\n"),
            ("own.toml", "[pack]\nid = \"x\"\nlanguage = \"php\"\n[on.query]\nrovs = [\"get\"]\n"),
            ("a.php", "<?php\n"),
        ],
    );
    // Every command that reads the program reads the packs of the project.
    let file = format!("{}/a.php", folder.path());
    for args in
        [vec!["check", folder.path()], vec!["tenants", folder.path()], vec!["dump", "flow", &file, "--root", folder.path()]]
    {
        let ran = ran(&args);
        assert_eq!(ran.status, 2, "{args:?}");
        assert!(ran.err.contains("own.toml"), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("`rovs`"), "{args:?}: {}", ran.err);
    }
}
