//! What is written, and where to? Reports, statistics, coverage, settings.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};

use super::{CheckArgs, ColorWhen, Output, Stop, Streams};
use crate::config::Settings;
use crate::findings::compare::Change;
use crate::packs::rule;
use crate::pipeline::Outcome;
use crate::report::{self, Format, Report, Style, level_word, plural};
use crate::source::SourceSet;

/// What a run has to tell.
pub(super) struct Run<'a> {
    pub(super) sources: &'a SourceSet,
    pub(super) settings: &'a Settings,
    pub(super) outcome: &'a Outcome,
    /// What else belongs into the summary.
    pub(super) notes: &'a [String],
    pub(super) seconds: Option<f64>,
    pub(super) change: Option<&'a Change>,
}

/// Writes all reports.
pub(super) fn reports(args: &CheckArgs, run: &Run<'_>, streams: &mut Streams<'_>) -> Result<(), Stop> {
    let rules: Vec<_> =
        rule::catalog().iter().filter_map(|rule| run.settings.rules.get(rule.id.as_str()).map(|level| (rule, *level))).collect();
    let style = Style {
        narrated: args.plain || streams.terminal.style.narrated,
        color: match args.color {
            ColorWhen::Auto => streams.terminal.style.color,
            ColorWhen::Always => true,
            ColorWhen::Never => false,
        },
        ..streams.terminal.style
    };
    let outcome = run.outcome;
    let report = Report {
        sources: run.sources,
        findings: &outcome.findings,
        suppressed: &outcome.suppressed,
        coverage: &outcome.coverage,
        failures: &outcome.failures,
        rules: &rules,
        notes: run.notes,
        seconds: run.seconds,
        home: report::HOME,
        change: run.change,
        style,
    };
    let on_stdout = args.output.iter().filter(|output| output.path.is_none()).map(|output| output.format);
    let mut formats: Vec<Format> = args.format.into_iter().chain(on_stdout).collect();
    let is_asked = |format: &Format| format.is_for_repository();
    let needs_root =
        !run.settings.place.is_empty() && (formats.iter().any(is_asked) || args.output.iter().any(|o| is_asked(&o.format)));
    let from_root = needs_root.then(|| seen_from_root(run.sources, &run.settings.place));
    let fitting = |format: Format| match &from_root {
        Some(sources) if format.is_for_repository() => Report { sources, ..report },
        _ => report,
    };
    for Output { format, path } in &args.output {
        let Some(path) = path else { continue };
        let name = path.display();
        let plain = Report { style: Style { color: false, ..style }, ..fitting(*format) };
        let file = fs::File::create(path).map_err(|error| Stop::Failed(format!("{name}: cannot be written: {error}")))?;
        let mut file = BufWriter::new(file);
        let written = report::render(&plain, *format, &mut file).and_then(|()| file.flush());
        written.map_err(|error| Stop::Failed(format!("{name}: cannot be written: {error}")))?;
    }
    if args.statistics {
        statistics(&report, streams.out)?;
    } else {
        if formats.is_empty() {
            formats.push(Format::Full);
        }
        let is_quiet = args.quiet && outcome.findings.is_empty();
        for format in formats {
            if !(is_quiet && format == Format::Full) {
                report::render(&fitting(format), format, streams.out)?;
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

/// The same files by their paths from the root of the repository.
fn seen_from_root(sources: &SourceSet, place: &str) -> SourceSet {
    let mut sources = sources.clone();
    for file in &mut sources.files {
        file.path.insert_str(0, place);
    }
    for folder in &mut sources.template_folders {
        folder.insert_str(0, place);
    }
    for skipped in &mut sources.skipped {
        skipped.path.insert_str(0, place);
    }
    sources
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
        let level = report.rules.iter().find(|(known, _)| known.id == rule).map_or("", |(_, level)| level_word(*level));
        writeln!(out, "{count:6}  {level:7}  {rule}")?;
    }
    Ok(())
}

/// What was read, skipped and not understood, in words.
fn coverage(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let covered = report.coverage;
    writeln!(out, "coverage: {}, {}", plural(covered.files as usize, "file"), plural(covered.bytes as usize, "byte"))?;
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

pub(super) fn settings(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let file = settings.file.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    writeln!(out, "configuration: {file}")?;
    writeln!(out, "include-tests: {}", settings.include_tests)?;
    writeln!(out, "require-reason: {}", settings.require_reason)?;
    writeln!(out, "exclude: {}", settings.exclude.join(", "))?;
    let packs: Vec<String> = settings.packs.iter().map(|pack| pack.display().to_string()).collect();
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
