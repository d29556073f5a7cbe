//! `ormlint baseline`: the findings that the project lives with for now.

use std::collections::BTreeMap;
use std::path::Path;

use super::news::{against, remember};
use super::project::Project;
use super::{BaselineArgs, BaselineCommand, CLEAN, FAILED, Stop, Streams};
use crate::findings::baseline::{Baseline, Entry};
use crate::findings::compare::Known;
use crate::pipeline;
use crate::report::plural;

/// The longest bar of a chart.
const BAR: usize = 40;

/// Rows of the chart of folders.
const MAX_FOLDERS: usize = 15;

/// Runs the command.
pub(super) fn run(command: &BaselineCommand, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let (BaselineCommand::Create(args)
    | BaselineCommand::Update(args)
    | BaselineCommand::Prune(args)
    | BaselineCommand::Show(args)) = command;
    let project = Project::open(&args.project)?;
    let file = args.baseline.clone().unwrap_or_else(|| project.baseline_file());
    let there = Baseline::read(&file).map_err(Stop::Failed)?;
    let name = file.display();
    if let BaselineCommand::Create(_) = command {
        if there.is_some() && !args.force {
            return Err(Stop::Failed(format!(
                "{name} is there already; `ormlint baseline update` keeps its reasons, --force writes over it"
            )));
        }
        let (now, status) = look(&project, args, streams)?;
        let count = now.len();
        Baseline::of(entries(now, &args.reason)).write(&file).map_err(Stop::Failed)?;
        writeln!(streams.out, "{name}: {} written", plural(count, "finding"))?;
        return Ok(status);
    }
    let Some(there) = there else {
        return Err(Stop::Failed(format!("{name}: no such file; `ormlint baseline create` writes it")));
    };
    let (now, status) = look(&project, args, streams)?;
    let (mut kept, stale, new) = against(&there, &now, &project);
    match command {
        BaselineCommand::Show(_) => show(&there, &stale, &new, &file, streams)?,
        BaselineCommand::Update(_) => {
            let added = new.len();
            kept.extend(entries(new, &args.reason));
            Baseline::of(kept).write(&file).map_err(Stop::Failed)?;
            let removed = stale.len();
            writeln!(streams.out, "{name}: {added} added, {removed} removed")?;
        }
        _ => {
            Baseline::of(kept).write(&file).map_err(Stop::Failed)?;
            writeln!(streams.out, "{name}: {} removed", stale.len())?;
        }
    }
    Ok(status)
}

/// The findings of now.
fn look(project: &Project, args: &BaselineArgs, streams: &mut Streams<'_>) -> Result<(Vec<Known>, u8), Stop> {
    let workers = pipeline::pool(args.project.threads);
    let sources = workers.install(|| project.read());
    let mut status = CLEAN;
    for skipped in sources.skipped.iter().filter(|skipped| skipped.is_failure) {
        writeln!(streams.err, "ormlint: {}: {}", skipped.path, skipped.reason)?;
        status = FAILED;
    }
    let outcome = workers.install(|| pipeline::check(&sources, &project.settings));
    for failure in &outcome.failures {
        writeln!(streams.err, "ormlint: the analysis failed: {}", failure.message)?;
        status = FAILED;
    }
    Ok((remember(&outcome, &sources, project), status))
}

fn entries(known: Vec<Known>, reason: &str) -> Vec<Entry> {
    let entry = |known| Entry { known, reason: reason.to_owned() };
    known.into_iter().map(entry).collect()
}

fn show(baseline: &Baseline, stale: &[Entry], new: &[Known], file: &Path, streams: &mut Streams<'_>) -> Result<(), Stop> {
    let out = &mut *streams.out;
    let all = &baseline.findings;
    let reasons = all.iter().filter(|entry| !entry.reason.is_empty()).count();
    writeln!(
        out,
        "{}: {}, {reasons} with a reason, {} mended, {} not listed",
        file.display(),
        plural(all.len(), "finding"),
        stale.len(),
        new.len()
    )?;
    let folder = |entry: &Entry| {
        let above = entry.known.path.rsplit_once('/');
        above.map_or_else(|| ".".to_owned(), |(folder, _)| folder.to_owned())
    };
    let by_rule = all.iter().map(|entry| entry.known.rule.clone());
    for (title, names) in [("by rule", by_rule.collect::<Vec<_>>()), ("by folder", all.iter().map(folder).collect())] {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for name in names {
            *counts.entry(name).or_insert(0) += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
        let most = counts.first().map_or(1, |(_, count)| *count);
        writeln!(out, "\n{title}:")?;
        for (name, count) in counts.iter().take(MAX_FOLDERS) {
            let bar = "#".repeat((count * BAR).div_ceil(most));
            writeln!(out, "{count:6}  {bar:BAR$}  {name}")?;
        }
        if counts.len() > MAX_FOLDERS {
            writeln!(out, "        and {} more", counts.len() - MAX_FOLDERS)?;
        }
    }
    if !stale.is_empty() {
        writeln!(out, "\nmended (`ormlint baseline prune` removes them):")?;
        for entry in stale {
            writeln!(out, "  {}: {}", entry.known.path, entry.known.rule)?;
        }
    }
    Ok(())
}
