//! The program as it is started: what a terminal sees of it.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Longer than any of these runs takes, milliseconds.
const LIMIT: u64 = 60_000;

/// A long file of Python, with nothing to be told.
fn source(file: usize) -> String {
    (0..400).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "def f{i}(a, b):\n    for x in a:\n        b.append(x.y({file}) + g(x, b)[{i}])\n    return b\n");
        text
    })
}

/// What a terminal shows of a run on a folder.
fn shown(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ormlint"));
    command.arg("check").arg(folder).env("TERM", "xterm");
    let mut session = rexpect::session::spawn_command(command, Some(LIMIT)).expect("a terminal can be opened");
    session.exp_eof().expect("the program ends")
}

#[test]
fn a_long_run_shows_on_a_terminal_that_it_goes_on_and_ends() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long-run");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    let (mut files, mut text) = (0, String::new());
    // How much takes its time depends on the machine.
    for goal in [20, 200, 900] {
        for file in files..goal {
            fs::write(folder.join(format!("module{file}.py")), source(file)).expect("a file can be written");
        }
        files = goal;
        text = shown(&folder);
        if text.contains("ormlint: checking") {
            break;
        }
    }
    let _ = fs::remove_dir_all(&folder);
    assert!(text.contains(&format!("ormlint: checking {files} files, ")), "{text}");
    // The line is gone before the report stands there.
    let (_, report) = text.rsplit_once("\r\u{1b}[K").expect("the line is taken away");
    assert!(report.contains(&format!("in {files} files")), "{text}");
}
