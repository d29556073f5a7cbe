//! PHP in, printed facts out.

mod declarations;
mod docblocks;
mod expressions;
mod robustness;
mod statements;

use super::lower;
use crate::facts::print::{print, print_one};
use crate::facts::{FileFacts, FnId};

/// The facts of PHP code, without `<?php` before it.
fn facts(code: &str) -> FileFacts {
    lower(&format!("<?php\n{code}"))
}

/// The whole file's facts, printed.
fn printed(code: &str) -> String {
    print(&facts(code))
}

/// The printed statements of the file, without the line of the function.
fn body(code: &str) -> String {
    let all = print_one(&facts(code), FnId(0));
    let lines: Vec<&str> = all.lines().skip(1).map(|l| l.strip_prefix("  ").unwrap_or(l)).collect();
    lines.join("\n")
}

#[track_caller]
fn check(code: &str, expected: &str) {
    assert_eq!(body(code), expected, "\n{code}");
}

/// Every line stands in the printed facts.
#[track_caller]
fn check_lines(code: &str, expected: &[&str]) {
    let all = printed(code);
    for line in expected {
        let found = all.lines().any(|l| l.trim() == *line);
        assert!(found, "no line `{line}` in\n{all}");
    }
}
