//! What can the terminal show?

use std::env;
use std::io::{IsTerminal, stderr, stdout};

use crate::report::Style;

/// Lines of this length where the width is not known.
const DEFAULT_WIDTH: usize = 100;

/// Wider than this, drawings do not get easier to read.
const MAX_WIDTH: usize = 160;

/// What the surroundings allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terminal {
    /// How text for people looks.
    pub style: Style,
    /// Tell how long the run took.
    pub tells_time: bool,
    /// Standard error is a terminal: a line there may change while the run goes on.
    pub shows_progress: bool,
}

impl Terminal {
    /// Nothing but text, the same everywhere.
    pub fn none() -> Terminal {
        Terminal { style: Style::default(), tells_time: false, shows_progress: false }
    }

    /// What standard output and the environment say.
    pub fn detect() -> Terminal {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_forced = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_terminal = stdout().is_terminal();
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let forced = is_forced("FORCE_COLOR") || is_forced("CLICOLOR_FORCE");
        let width = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = width.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
        let width = if is_terminal { width.unwrap_or(DEFAULT_WIDTH) } else { DEFAULT_WIDTH };
        Terminal {
            style: Style {
                width: width.min(MAX_WIDTH),
                color: !is_set("NO_COLOR") && (forced || is_terminal && !is_dumb),
                unicode: !is_dumb && speaks_unicode(),
                narrated: is_set("NO_GRAPHICS"),
            },
            tells_time: true,
            shows_progress: stderr().is_terminal() && !is_dumb,
        }
    }
}

/// The first of the locale's variables that is set decides; without any, the terminal is taken to be of our time.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| env::var(name).ok()).find(|v| !v.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
