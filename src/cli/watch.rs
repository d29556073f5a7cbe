//! `--watch`: checks again whenever a file that is read changes, appears or goes.

use std::thread;
use std::time::Duration;

use super::check::once;
use super::project::Project;
use super::{CheckArgs, Stop, Streams};
use crate::pipeline;
use crate::source::SourceSet;

/// How long it takes at most until a change is seen.
const PAUSE: Duration = Duration::from_millis(700);

/// Clears the screen and puts the cursor at its start.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Runs until the reader goes away or the program is ended.
pub(super) fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let workers = pipeline::pool(args.project.threads);
    loop {
        if streams.terminal.style.color {
            write!(streams.out, "{CLEAR}")?;
        }
        let seen = match once(args, streams) {
            Ok((_, sources)) => sources,
            Err(Stop::Pipe) => return Err(Stop::Pipe),
            // A configuration that is being edited is wrong for a while.
            Err(Stop::Failed(reason)) => {
                writeln!(streams.err, "ormlint: {reason}")?;
                SourceSet::default()
            }
        };
        writeln!(streams.err, "ormlint: waiting for changes")?;
        streams.err.flush()?;
        loop {
            thread::sleep(PAUSE);
            let Ok(project) = Project::open(&args.project) else {
                continue;
            };
            let now = workers.install(|| project.read());
            if is_different(&seen, &now) {
                break;
            }
        }
    }
}

fn is_different(before: &SourceSet, now: &SourceSet) -> bool {
    let same = |(a, b): (&crate::source::SourceFile, &crate::source::SourceFile)| a.path == b.path && a.text == b.text;
    before.files.len() != now.files.len() || !before.files.iter().zip(&now.files).all(same)
}

#[cfg(test)]
mod tests {
    use super::is_different;
    use crate::source::memory::source_set;

    #[test]
    fn texts_and_names_count() {
        let set = |files: &[(&str, &str)]| source_set(files);
        let before = set(&[("a.py", "1")]);
        assert!(!is_different(&before, &set(&[("a.py", "1")])));
        assert!(is_different(&before, &set(&[("a.py", "2")])));
        assert!(is_different(&before, &set(&[("b.py", "1")])));
        assert!(is_different(&before, &set(&[("a.py", "1"), ("b.py", "")])));
    }
}
