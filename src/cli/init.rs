//! `ormlint init`: a commented configuration, after a look at the project.

use std::fmt::Write as _;
use std::fs;

use super::{CLEAN, InitArgs, Stop, Streams};
use crate::config::FILE_NAME;
use crate::packs::Packs;
use crate::pipeline::pool;
use crate::source::{DiscoverOptions, SourceSet, discover};

/// Runs the command.
pub(super) fn run(args: &InitArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let file = args.folder.join(FILE_NAME);
    let name = file.display();
    if file.exists() && !args.force {
        return Err(Stop::Failed(format!("{name} is there already; --force writes over it")));
    }
    if !args.folder.is_dir() {
        return Err(Stop::Failed(format!("{}: no such folder", args.folder.display())));
    }
    let sources = pool(0).install(|| discover(std::slice::from_ref(&args.folder), &DiscoverOptions::default()));
    fs::write(&file, text(&sources)).map_err(|error| Stop::Failed(format!("{name}: cannot be written: {error}")))?;
    writeln!(streams.out, "{name} is written; next: ormlint check {}", args.folder.display())?;
    Ok(CLEAN)
}

/// The configuration for a project.
fn text(sources: &SourceSet) -> String {
    let mut text = String::from("# Configuration of ormlint. Every key is optional; those with a `#` show what they are for.\n");
    let _ = writeln!(text, "# {} files were found in this project{}.", sources.files.len(), frameworks(sources));
    let tenant = tenant(sources);
    let _ = write!(
        text,
        "\nrequired-version = \">={}\"\n
# Rules, families of rules, or \"all\". `ormlint rules` lists them.
# select = [\"loading\", \"tenancy\"]
# extend-select = [\"write-in-loop\"]
# ignore = [\"load-to-count\"]

# Patterns of paths that are not read, as in .gitignore files.
# exclude = [\"legacy/\"]

# Comments that silence a rule must say why.
# require-reason = true

# Pack files with the clients and models of your own libraries.
# packs = [\"ormlint/own.toml\"]

# [per-file-ignores]
# \"scripts/\" = [\"query-in-loop\"]

# [levels]
# query-in-loop = \"error\"
# missing-eager-load = \"note\"

# What \"the tenant\" is, if it cannot be read from the code.
{tenant}

# Code that is meant to see all tenants, each with the reason.
# [tenant.global-paths]
# \"app/Admin/\" = \"staff only\"
",
        env!("CARGO_PKG_VERSION")
    );
    text
}

/// The libraries that rules know, as the project's manifests name them.
fn frameworks(sources: &SourceSet) -> String {
    let known: Vec<String> = Packs::builtin().map(|packs| packs.word_list("packages")).unwrap_or_default();
    let found: Vec<String> = sources
        .manifest
        .packages
        .iter()
        .filter(|(name, _)| known.contains(name))
        .map(|(name, version)| match version {
            Some(version) => format!("{name} {version}"),
            None => name.clone(),
        })
        .collect();
    if found.is_empty() { String::new() } else { format!(", with {}", found.join(", ")) }
}

/// Names that columns of tenants' keys often have, before `_id`.
const TENANTS: [&str; 9] =
    ["tenant", "organization", "organisation", "workspace", "company", "team", "account", "customer", "site"];

/// Fewer files than this say nothing.
const MIN_FILES: usize = 4;

/// The section about tenants: the column that most files name, as a proposal.
fn tenant(sources: &SourceSet) -> String {
    let count = |word: &str| {
        let column = format!("{word}_id");
        let files = sources.files.iter();
        files.filter(|file| file.text.contains(&column)).count()
    };
    let most =
        TENANTS.iter().map(|word| (count(word), *word)).max_by_key(|(count, _)| *count).filter(|(count, _)| *count >= MIN_FILES);
    match most {
        Some((count, word)) => {
            format!("# [tenant]\n# column = \"{word}_id\"  # {count} files name it")
        }
        None => "# [tenant]\n# model = \"Organization\"\n# column = \"organization_id\"".to_owned(),
    }
}
