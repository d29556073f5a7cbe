//! `ormlint check`: one run, any number of reports.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::mend::{Mended, mend};
use super::news::News;
use super::progress::Progress;
use super::project::Project;
use super::show::{self, Run};
use super::{CLEAN, CheckArgs, FAILED, FOUND, Stop, Streams, relative, watch};
use crate::base::LineIndex;
use crate::pipeline::{self, Outcome};
use crate::source::SourceSet;

/// Runs the command.
pub(super) fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    if args.watch {
        return watch::run(args, streams);
    }
    once(args, streams).map(|(status, _)| status)
}

/// One run: its status, and what it read.
pub(super) fn once(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<(u8, SourceSet), Stop> {
    let started = Instant::now();
    let project = Project::open(&args.project)?;
    if args.show_settings {
        show::settings(&project.settings, streams.out)?;
        return Ok((CLEAN, SourceSet::default()));
    }
    let workers = pipeline::pool(args.project.threads);
    let mut sources = workers.install(|| project.read());
    let only = match &args.stdin_filename {
        Some(name) => Some(overlay(&mut sources, name, &project.base, streams)?),
        None => None,
    };
    let has_failed = tell_failures(&sources, args, streams)?;
    if args.show_files {
        for file in &sources.files {
            writeln!(streams.out, "{}", file.path)?;
        }
        return Ok((if has_failed { FAILED } else { CLEAN }, sources));
    }
    if sources.files.is_empty() && !args.quiet {
        writeln!(streams.err, "ormlint: there are no files to check here")?;
    }
    let progress = Progress::start(streams.terminal.shows_progress && !args.quiet, &sources);
    let news = workers.install(|| News::read(args, &project))?;
    // What is shown of a run over these sources, with what is told besides.
    let look = |sources: &SourceSet| {
        let mut outcome = workers.install(|| pipeline::check(sources, &project.settings));
        if let Some(path) = &only {
            outcome.findings.retain(|finding| sources.file(finding.span.file).path == *path);
        }
        let told = news.filter(&mut outcome, sources, &project);
        (outcome, told)
    };
    let (mut outcome, mut told) = look(&sources);
    let mut mended = Mended::default();
    if args.fix || args.unsafe_fixes || args.diff {
        let first = outcome.clone();
        mended = mend(&mut sources, first, args.unsafe_fixes, &mut |sources| {
            (outcome, told) = look(sources);
            outcome.clone()
        });
    }
    drop(progress);
    tell_analysis_failures(&outcome, streams)?;
    if args.diff {
        let patch = mended.patch(&sources, &project.settings.place);
        streams.out.write_all(patch.as_bytes())?;
        streams.out.flush()?;
        let status = match (has_failed || !outcome.failures.is_empty(), patch.is_empty()) {
            (true, _) => FAILED,
            (false, true) => CLEAN,
            (false, false) if args.exit_zero => CLEAN,
            (false, false) => FOUND,
        };
        return Ok((status, sources));
    }
    let could_write = mended.write(&sources, &project.base, streams)?;
    if !args.quiet {
        for warning in &told.warnings {
            writeln!(streams.err, "ormlint: {warning}")?;
        }
    }
    let mut notes = std::mem::take(&mut told.notes);
    if mended.count > 0 {
        notes.push(format!("{} fixed", mended.count));
    }
    let seconds = streams.terminal.tells_time.then(|| started.elapsed().as_secs_f64());
    let change = told.change.as_ref();
    let run = Run { sources: &sources, settings: &project.settings, outcome: &outcome, notes: &notes, seconds, change };
    match show::reports(args, &run, streams) {
        Ok(()) | Err(Stop::Pipe) => (),
        Err(stop) => return Err(stop),
    }
    let fails = outcome.findings.iter().any(|finding| finding.level >= args.fail_level.level());
    let status = if has_failed || !could_write || !outcome.failures.is_empty() {
        FAILED
    } else if fails && !args.exit_zero {
        FOUND
    } else {
        CLEAN
    };
    Ok((status, sources))
}

/// Puts the text of standard input in the place of a file, and gives the file's path in the set.
fn overlay(sources: &mut SourceSet, name: &Path, base: &Path, streams: &mut Streams<'_>) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    streams.stdin.read_to_end(&mut bytes).map_err(|error| Stop::Failed(format!("standard input: {error}")))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let full = fs::canonicalize(name).or_else(|_| std::path::absolute(name)).unwrap_or_else(|_| name.to_path_buf());
    let path = relative(&full, base);
    match sources.files.iter_mut().find(|file| file.path == path) {
        Some(file) => {
            file.lines = LineIndex::new(text.as_bytes());
            file.text = text;
        }
        None => {
            let mut own = crate::source::memory::source_set(&[(&path, &text)]);
            sources.files.append(&mut own.files);
            sources.files.sort_by(|a, b| a.path.cmp(&b.path));
            // Numbers of files have moved: what is known by number is known no more.
            sources.encodings.clear();
        }
    }
    Ok(path)
}

/// Tells what could not be read; true if there was something.
fn tell_failures(sources: &SourceSet, args: &CheckArgs, streams: &mut Streams<'_>) -> io::Result<bool> {
    let mut has_failed = false;
    for skipped in &sources.skipped {
        if skipped.is_failure {
            has_failed = true;
            writeln!(streams.err, "ormlint: {}: {}", skipped.path, skipped.reason)?;
        } else if args.verbose {
            writeln!(streams.err, "skipped {}: {}", skipped.path, skipped.reason)?;
        }
    }
    Ok(has_failed)
}

/// Tells where the analysis as a whole failed: no file can hold a finding that says so.
fn tell_analysis_failures(outcome: &Outcome, streams: &mut Streams<'_>) -> io::Result<()> {
    for failure in outcome.failures.iter().filter(|f| f.file.is_none()) {
        let message = failure.message.lines().next().unwrap_or_default();
        writeln!(streams.err, "ormlint: a part of the analysis failed, findings may be missing: {message}")?;
    }
    Ok(())
}
