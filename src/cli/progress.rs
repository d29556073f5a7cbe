//! Is it still working? A line on the terminal, for runs that take their time.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::report::plural;
use crate::source::SourceSet;

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the line changes.
const TICK: Duration = Duration::from_millis(500);

/// The line; it goes away with the value.
pub(super) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Starts to count, if it is to be shown at all.
    pub(super) fn start(is_shown: bool, sources: &SourceSet) -> Progress {
        if !is_shown {
            return Progress(None);
        }
        let files = plural(sources.files.len(), "file");
        let (stop, stopped) = mpsc::channel();
        let line = thread::spawn(move || {
            let started = Instant::now();
            let mut wait = PATIENCE;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = TICK;
                let seconds = started.elapsed().as_secs();
                let _ = write!(io::stderr(), "\r\u{1b}[Kormlint: checking {files}, {seconds} s");
            }
            if wait == TICK {
                let _ = write!(io::stderr(), "\r\u{1b}[K");
            }
        });
        Progress(Some((stop, line)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, line)) = self.0.take() {
            drop(stop);
            let _ = line.join();
        }
    }
}
