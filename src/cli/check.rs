//! `ormlint check`: one run, any number of reports.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use super::{CLEAN, CheckArgs, ColorWhen, FAILED, FOUND, Output, Stop, Streams, relative};
use crate::base::LineIndex;
use crate::config::{Config, Overrides, Settings};
use crate::packs::rule;
use crate::pipeline::{self, Outcome};
use crate::report::{self, Format, Report, Style, level_word, plural};
use crate::source::disk::base_folder;
use crate::source::{DiscoverOptions, SourceSet, discover};

/// Runs the command.
pub(super) fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let started = Instant::now();
    let base = base_folder(&args.paths);
    let settings = settings(args, &base)?;
    if args.show_settings {
        show_settings(&settings, streams.out)?;
        return Ok(CLEAN);
    }
    // A broken pack is the project's mistake: it is told before anything runs.
    pipeline::packs_of(&settings).map_err(|error| Stop::Failed(error.to_string()))?;
    let options = DiscoverOptions {
        include_tests: settings.include_tests,
        exclude: settings.exclude.clone(),
        exclude_from: settings
            .file
            .as_deref()
            .and_then(|file| file.parent())
            .map(PathBuf::from),
    };
    let workers = pipeline::pool(args.threads);
    let mut sources = workers.install(|| discover(&args.paths, &options));
    let only = match &args.stdin_filename {
        Some(name) => Some(overlay(&mut sources, name, &base, streams)?),
        None => None,
    };
    let has_failed = tell_failures(&sources, args, streams)?;
    if args.show_files {
        for file in &sources.files {
            writeln!(streams.out, "{}", file.path)?;
        }
        return Ok(if has_failed { FAILED } else { CLEAN });
    }
    if sources.files.is_empty() && !args.quiet {
        writeln!(streams.err, "ormlint: there are no files to check here")?;
    }
    let mut outcome = workers.install(|| pipeline::check(&sources, &settings));
    if let Some(path) = only {
        outcome
            .findings
            .retain(|finding| sources.file(finding.span.file).path == path);
    }
    let seconds = streams
        .terminal
        .tells_time
        .then(|| started.elapsed().as_secs_f64());
    let written = reports(args, &sources, &settings, &outcome, seconds, streams);
    match written {
        Ok(()) | Err(Stop::Pipe) => (),
        Err(stop) => return Err(stop),
    }
    let fails = outcome
        .findings
        .iter()
        .any(|finding| finding.level >= args.fail_level.level());
    Ok(if has_failed || !outcome.failures.is_empty() {
        FAILED
    } else if fails && !args.exit_zero {
        FOUND
    } else {
        CLEAN
    })
}

fn settings(args: &CheckArgs, base: &std::path::Path) -> Result<Settings, Stop> {
    let config = match &args.config {
        Some(file) => Config::load(file)?,
        None if args.isolated => Config::default(),
        None => Config::find(base)?,
    };
    let overrides = Overrides {
        select: args.select.clone(),
        extend_select: args.extend_select.clone(),
        ignore: args.ignore.clone(),
        include_tests: args.include_tests,
        level: args.level.map(super::LevelWord::level),
        confidence: args.confidence.map(super::ConfidenceWord::confidence),
    };
    let mut settings = Settings::new(&config, &overrides)?;
    settings.rooted_at(base);
    Ok(settings)
}

/// Puts the text of standard input in the place of a file, and gives the file's path in the set.
fn overlay(
    sources: &mut SourceSet,
    name: &std::path::Path,
    base: &std::path::Path,
    streams: &mut Streams<'_>,
) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    streams
        .stdin
        .read_to_end(&mut bytes)
        .map_err(|error| Stop::Failed(format!("standard input: {error}")))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let full = fs::canonicalize(name)
        .or_else(|_| std::path::absolute(name))
        .unwrap_or_else(|_| name.to_path_buf());
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
fn tell_failures(
    sources: &SourceSet,
    args: &CheckArgs,
    streams: &mut Streams<'_>,
) -> io::Result<bool> {
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

fn reports(
    args: &CheckArgs,
    sources: &SourceSet,
    settings: &Settings,
    outcome: &Outcome,
    seconds: Option<f64>,
    streams: &mut Streams<'_>,
) -> Result<(), Stop> {
    let rules: Vec<_> = rule::catalog()
        .iter()
        .filter_map(|rule| {
            settings
                .rules
                .get(rule.id.as_str())
                .map(|level| (rule, *level))
        })
        .collect();
    let style = Style {
        narrated: args.plain || streams.terminal.style.narrated,
        color: match args.color {
            ColorWhen::Auto => streams.terminal.style.color,
            ColorWhen::Always => true,
            ColorWhen::Never => false,
        },
        ..streams.terminal.style
    };
    let report = Report {
        sources,
        findings: &outcome.findings,
        suppressed: &outcome.suppressed,
        coverage: &outcome.coverage,
        failures: &outcome.failures,
        rules: &rules,
        seconds,
        home: report::HOME,
        style,
    };
    let plain = Report {
        style: Style {
            color: false,
            ..style
        },
        ..report
    };
    for Output { format, path } in &args.output {
        let Some(path) = path else { continue };
        let name = path.display();
        let file = fs::File::create(path)
            .map_err(|error| Stop::Failed(format!("{name}: cannot be written: {error}")))?;
        let mut file = BufWriter::new(file);
        let written = report::render(&plain, *format, &mut file).and_then(|()| file.flush());
        written.map_err(|error| Stop::Failed(format!("{name}: cannot be written: {error}")))?;
    }
    let on_stdout = args
        .output
        .iter()
        .filter(|output| output.path.is_none())
        .map(|output| output.format);
    let mut formats: Vec<Format> = args.format.into_iter().chain(on_stdout).collect();
    if args.statistics {
        statistics(&report, streams.out)?;
    } else {
        if formats.is_empty() {
            formats.push(Format::Full);
        }
        let is_quiet = args.quiet && outcome.findings.is_empty();
        for format in formats {
            if !(is_quiet && format == Format::Full) {
                report::render(&report, format, streams.out)?;
            }
        }
    }
    if args.coverage {
        coverage(&report, streams.out)?;
    }
    if args.verbose {
        writeln!(streams.err, "{}", report.summary())?;
    }
    streams.out.flush()?;
    Ok(())
}

/// How often each rule was broken, the most often first.
fn statistics(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings {
        *counts.entry(finding.rule.as_str()).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
    for (rule, count) in counts {
        let level = report
            .rules
            .iter()
            .find(|(known, _)| known.id == rule)
            .map_or("", |(_, level)| level_word(*level));
        writeln!(out, "{count:6}  {level:7}  {rule}")?;
    }
    Ok(())
}

/// What was read, skipped and not understood, in words.
fn coverage(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let covered = report.coverage;
    writeln!(
        out,
        "coverage: {}, {}",
        plural(covered.files as usize, "file"),
        plural(covered.bytes as usize, "byte")
    )?;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for skipped in &report.sources.skipped {
        *reasons.entry(&skipped.reason).or_insert(0) += 1;
    }
    for (what, count) in &covered.counts {
        writeln!(out, "{count:8}  {what}")?;
    }
    if !reasons.is_empty() {
        writeln!(out, "skipped:")?;
        for (reason, count) in reasons {
            writeln!(out, "{count:8}  {reason}")?;
        }
    }
    if !covered.gaps.is_empty() {
        writeln!(out, "not understood:")?;
        let mut gaps: Vec<_> = covered.gaps.iter().collect();
        gaps.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
        for (reason, count) in gaps {
            writeln!(out, "{count:8}  {reason}")?;
        }
    }
    Ok(())
}

fn show_settings(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let file = settings
        .file
        .as_ref()
        .map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    writeln!(out, "configuration: {file}")?;
    writeln!(out, "include-tests: {}", settings.include_tests)?;
    writeln!(out, "require-reason: {}", settings.require_reason)?;
    writeln!(out, "exclude: {}", settings.exclude.join(", "))?;
    let packs: Vec<String> = settings
        .packs
        .iter()
        .map(|pack| pack.display().to_string())
        .collect();
    writeln!(out, "packs: {}", packs.join(", "))?;
    let tenant = &settings.tenant;
    writeln!(out, "tenant.models: {}", tenant.models.join(", "))?;
    writeln!(out, "tenant.columns: {}", tenant.columns.join(", "))?;
    writeln!(out, "tenant.scopes: {}", tenant.scopes.join(", "))?;
    for (path, reason) in &tenant.global_paths {
        writeln!(out, "tenant.global-paths: {path} ({reason})")?;
    }
    writeln!(out, "rules:")?;
    for (rule, level) in &settings.rules {
        writeln!(out, "  {rule}: {}", level_word(*level))?;
    }
    Ok(())
}
