//! What does the user ask for? Commands, options, and where reports go; the work is done elsewhere.
//!
//! Exit status: 0 without findings, 1 with findings, 2 if the run could not be completed.

mod baseline;
mod check;
mod init;
mod mend;
mod news;
mod progress;
mod project;
mod show;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{nearest, schema};
use crate::findings::{Confidence, Level};
use crate::packs::rule::{self, Rule};
use crate::pipeline::{Dump, dump, pool};
use crate::report::{Format, level_word};
use crate::source::{DiscoverOptions, discover};

pub use terminal::Terminal;

/// Nothing was found.
const CLEAN: u8 = 0;
/// Something was found.
const FOUND: u8 = 1;
/// The run could not be completed.
const FAILED: u8 = 2;

#[derive(Parser)]
#[command(name = "ormlint", version, about = "Finds ORM misuse in PHP and Python applications", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check applications: folders, or single files.
    Check(Box<CheckArgs>),
    /// List the rules.
    Rules(ListArgs),
    /// Print the page of a rule.
    Explain(ExplainArgs),
    /// Show what the analysis believes about a file.
    Dump(DumpArgs),
    /// Show how the application keeps its tenants apart: the tenant, its models, and what limits each.
    Tenants(TenantsArgs),
    /// Write a commented configuration for a project.
    Init(InitArgs),
    /// List the findings that the project lives with for now.
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Print the JSON schema of the configuration.
    Schema,
    /// Print the manual page.
    Man,
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
enum BaselineCommand {
    /// Write a baseline with all findings of now.
    Create(BaselineArgs),
    /// Add what is new and remove what is mended; reasons stay.
    Update(BaselineArgs),
    /// Remove what is mended.
    Prune(BaselineArgs),
    /// Tell what the baseline lists, by rule and by folder.
    Show(BaselineArgs),
}

#[derive(Args)]
struct BaselineArgs {
    #[command(flatten)]
    project: ProjectArgs,

    /// The file [default: ormlint-baseline.json beside the configuration].
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// The reason for entries that are added.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,

    /// Write over a baseline that is there (create).
    #[arg(long)]
    force: bool,
}

/// The form of lists.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Args)]
struct ListArgs {
    /// The form of the list.
    #[arg(long, value_enum, default_value = "text")]
    format: ListFormat,
}

#[derive(Args)]
struct ExplainArgs {
    /// The rule.
    rule: String,
    /// The form of the page.
    #[arg(long, value_enum, default_value = "text")]
    format: ListFormat,
}

#[derive(Args)]
struct DumpArgs {
    /// What to show.
    #[arg(value_enum)]
    what: Dump,
    /// The file.
    file: PathBuf,
    /// The folder of the application.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

#[derive(Args)]
struct InitArgs {
    /// The folder of the project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write over a configuration that is there.
    #[arg(long)]
    force: bool,
}

/// A word for a level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum LevelWord {
    Note,
    Warning,
    Error,
}

impl LevelWord {
    fn level(self) -> Level {
        match self {
            LevelWord::Note => Level::Note,
            LevelWord::Warning => Level::Warning,
            LevelWord::Error => Level::Error,
        }
    }
}

/// A word for a confidence.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConfidenceWord {
    Low,
    Medium,
    High,
}

impl ConfidenceWord {
    fn confidence(self) -> Confidence {
        match self {
            ConfidenceWord::Low => Confidence::Low,
            ConfidenceWord::Medium => Confidence::Medium,
            ConfidenceWord::High => Confidence::High,
        }
    }
}

/// When colours are used.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// One report: its format and where it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Output {
    format: Format,
    path: Option<PathBuf>,
}

fn output(text: &str) -> Result<Output, String> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (name, Some(path)),
        None => (text, None),
    };
    let format = Format::from_str(name, true).map_err(|_| {
        let names: Vec<String> =
            Format::value_variants().iter().filter_map(|f| f.to_possible_value()).map(|v| v.get_name().to_owned()).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        format!("there is no format `{name}`{near} (formats: {})", names.join(", "))
    })?;
    match path {
        Some("") => Err("the path after `=` is empty".to_owned()),
        path => Ok(Output { format, path: path.map(PathBuf::from) }),
    }
}

/// What is checked, and by which rules.
#[derive(Args)]
struct ProjectArgs {
    /// Folders or files to check.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    /// Rules to check: ids, families, or `all`.
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rules")]
    select: Vec<String>,
    /// Rules to check besides those selected.
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rules")]
    extend_select: Vec<String>,
    /// Rules not to check.
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rules")]
    ignore: Vec<String>,
    /// The lowest level to show.
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Rules")]
    level: Option<LevelWord>,
    /// The lowest confidence to show [default: medium].
    #[arg(long, value_enum, value_name = "CONFIDENCE", help_heading = "Rules")]
    confidence: Option<ConfidenceWord>,

    /// Check tests, factories, seeders and stubs as well.
    #[arg(long, help_heading = "Run")]
    include_tests: bool,
    /// The configuration file.
    #[arg(long, value_name = "FILE", conflicts_with = "isolated", help_heading = "Run")]
    config: Option<PathBuf>,
    /// Read no configuration.
    #[arg(long, help_heading = "Run")]
    isolated: bool,
    /// Worker threads; 0 for as many as the machine has.
    #[arg(long, default_value_t = 0, hide = true)]
    threads: usize,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    project: ProjectArgs,

    /// Report only what is not at the merge base with this revision.
    #[arg(long, value_name = "REVISION", conflicts_with = "stdin_filename", help_heading = "Only what is new")]
    since: Option<String>,

    /// Report only what touches lines that differ from the merge base with the revision of `--since`, or from the last commit.
    #[arg(long, conflicts_with = "stdin_filename", help_heading = "Only what is new")]
    changed_lines: bool,

    /// The baseline [default: ormlint-baseline.json beside the configuration].
    #[arg(long, value_name = "FILE", conflicts_with = "no_baseline", help_heading = "Only what is new")]
    baseline: Option<PathBuf>,

    /// Report what the baseline lists, too.
    #[arg(long, help_heading = "Only what is new")]
    no_baseline: bool,

    /// Mend what can be mended without a change of meaning.
    #[arg(long, conflicts_with = "stdin_filename", help_heading = "Fixes")]
    fix: bool,

    /// Mend what can be mended, even if it may change the meaning.
    #[arg(long, conflicts_with = "stdin_filename", help_heading = "Fixes")]
    unsafe_fixes: bool,

    /// Print what would be mended as a patch, and mend nothing.
    #[arg(long, conflicts_with = "stdin_filename", help_heading = "Fixes")]
    diff: bool,

    /// Check again whenever a file changes.
    #[arg(long, conflicts_with_all = ["stdin_filename", "fix", "unsafe_fixes", "diff"], help_heading = "Run")]
    watch: bool,

    /// Format of the report on standard output [default: full].
    #[arg(long, value_enum, help_heading = "Report")]
    format: Option<Format>,
    /// One more report, to standard output or to a file; may be repeated.
    #[arg(long, value_name = "FORMAT[=PATH]", value_parser = output, help_heading = "Report")]
    output: Vec<Output>,
    /// Print how often each rule was broken instead of the findings.
    #[arg(long, help_heading = "Report")]
    statistics: bool,
    /// Print what was read, skipped and not understood.
    #[arg(long, help_heading = "Report")]
    coverage: bool,
    /// Tell findings in sentences, without drawings.
    #[arg(long, help_heading = "Report")]
    plain: bool,
    /// When to use colours; NO_COLOR and FORCE_COLOR are heard.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = "Report")]
    color: ColorWhen,
    /// Print findings only.
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Report")]
    quiet: bool,
    /// Tell on standard error what was done.
    #[arg(short, long, help_heading = "Report")]
    verbose: bool,

    /// The lowest level that makes the exit status 1.
    #[arg(long, value_enum, default_value = "note", value_name = "LEVEL", help_heading = "Run")]
    fail_level: LevelWord,
    /// Exit with status 0 although there are findings.
    #[arg(long, help_heading = "Run")]
    exit_zero: bool,
    /// Print the files that would be checked.
    #[arg(long, help_heading = "Run")]
    show_files: bool,
    /// Print the settings that would be used.
    #[arg(long, help_heading = "Run")]
    show_settings: bool,
    /// Take the text of this file from standard input, and show findings in it only.
    #[arg(long, value_name = "PATH", help_heading = "Run")]
    stdin_filename: Option<PathBuf>,
}

/// Where a run reads and writes.
struct Streams<'a> {
    terminal: Terminal,
    stdin: &'a mut dyn Read,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

/// Runs the command that the arguments name (the first is the program's name) and gives the exit status.
pub fn run<I>(args: I, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    I: IntoIterator<Item = OsString>,
{
    run_in(args, Terminal::detect(), &mut io::stdin().lock(), out, err)
}

/// The same, with all that the surroundings decide given.
pub fn run_in<I>(args: I, terminal: Terminal, stdin: &mut dyn Read, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    I: IntoIterator<Item = OsString>,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let status = if error.use_stderr() { FAILED } else { CLEAN };
            let text = error.render();
            let _ = if error.use_stderr() { write!(err, "{text}") } else { write!(out, "{text}") };
            return status;
        }
    };
    let mut streams = Streams { terminal, stdin, out, err };
    match cli.command.run(&mut streams) {
        Ok(status) => status,
        Err(Stop::Pipe) => CLEAN,
        Err(Stop::Failed(reason)) => {
            let _ = writeln!(streams.err, "ormlint: {reason}");
            FAILED
        }
    }
}

/// Why a command ends early.
enum Stop {
    /// Whoever read the output has gone.
    Pipe,
    /// It cannot go on.
    Failed(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::Pipe,
            _ => Stop::Failed(format!("cannot write: {error}")),
        }
    }
}

impl From<crate::config::ConfigError> for Stop {
    fn from(error: crate::config::ConfigError) -> Stop {
        Stop::Failed(error.to_string())
    }
}

impl Command {
    fn run(self, streams: &mut Streams<'_>) -> Result<u8, Stop> {
        match self {
            Command::Check(args) => check::run(&args, streams),
            Command::Rules(args) => list(&args, streams),
            Command::Explain(args) => explain(&args, streams),
            Command::Dump(args) => show(&args, streams),
            Command::Tenants(args) => tenants(&args, streams),
            Command::Init(args) => init::run(&args, streams),
            Command::Baseline(command) => baseline::run(&command, streams),
            Command::Schema => {
                let schema = serde_json::to_string_pretty(&schema()).map_err(io::Error::from)?;
                writeln!(streams.out, "{schema}")?;
                Ok(CLEAN)
            }
            Command::Man => {
                let mut page = Vec::new();
                manual(&mut page)?;
                streams.out.write_all(&page)?;
                Ok(CLEAN)
            }
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "ormlint", &mut script);
                streams.out.write_all(&script)?;
                Ok(CLEAN)
            }
        }
    }
}

/// The manual page: the program, then each command with its options.
fn manual(page: &mut Vec<u8>) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(page)?;
    for command in program.get_subcommands() {
        let man = clap_mangen::Man::new(command.clone());
        writeln!(page, ".SH \"ORMLINT {}\"", command.get_name().to_uppercase())?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
    }
    Ok(())
}

fn list(args: &ListArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    if args.format == ListFormat::Json {
        let rules: Vec<_> = rule::catalog().iter().map(|rule| as_json(rule, false)).collect();
        serde_json::to_writer_pretty(&mut *streams.out, &rules).map_err(io::Error::from)?;
        writeln!(streams.out)?;
        return Ok(CLEAN);
    }
    let width = rule::catalog().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rule::catalog() {
        let level = if rule.is_on { level_word(rule.level) } else { "off" };
        writeln!(streams.out, "{:width$}  {level:7}  {:8}  {}", rule.id, rule.family, rule.title)?;
    }
    Ok(CLEAN)
}

fn explain(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let Some(rule) = rule::find(&args.rule) else {
        let near = nearest(&args.rule, rule::catalog().iter().map(|rule| rule.id.as_str()));
        return Err(Stop::Failed(format!("there is no rule `{}`{near}", args.rule)));
    };
    if args.format == ListFormat::Json {
        serde_json::to_writer_pretty(&mut *streams.out, &as_json(rule, true)).map_err(io::Error::from)?;
        writeln!(streams.out)?;
        return Ok(CLEAN);
    }
    let state = if rule.is_on { "on" } else { "off" };
    writeln!(streams.out, "# {}\n\n{}\n", rule.id, rule.title)?;
    let (level, precision) = (level_word(rule.level), rule.precision.as_str());
    writeln!(streams.out, "Family: {} | Level: {level} | Precision: {precision} | Default: {state}", rule.family)?;
    if !rule.cwe.is_empty() {
        let numbers: Vec<String> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
        writeln!(streams.out, "Weaknesses: {}", numbers.join(", "))?;
    }
    writeln!(streams.out, "\n{}", rule.page)?;
    Ok(CLEAN)
}

fn as_json(rule: &Rule, with_page: bool) -> serde_json::Value {
    let mut value = serde_json::json!({
        "id": rule.id,
        "family": rule.family,
        "level": level_word(rule.level),
        "precision": rule.precision.as_str(),
        "title": rule.title,
        "default": rule.is_on,
        "cwe": rule.cwe,
        "security-severity": rule.security_severity,
    });
    if with_page {
        value["page"] = serde_json::json!(rule.page);
    }
    value
}

fn show(args: &DumpArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let name = args.file.display();
    let file = std::fs::canonicalize(&args.file).map_err(|_| Stop::Failed(format!("{name}: no such file")))?;
    let root = std::fs::canonicalize(&args.root).unwrap_or_else(|_| args.root.clone());
    // Facts depend on the file alone; all else needs the program around it.
    let needs_program = args.what != Dump::Facts && file.starts_with(&root);
    let roots = if needs_program { vec![root, file.clone()] } else { vec![file.clone()] };
    let base = crate::source::disk::base_folder(&roots);
    let config = crate::config::Config::find(&base)?;
    let settings = crate::config::Settings::new(&config, &crate::config::Overrides::default())?;
    let text = pool(0).install(|| {
        let sources = discover(&roots, &DiscoverOptions { include_tests: true, ..DiscoverOptions::default() });
        let path = relative(&file, &base);
        match sources.files.iter().position(|file| file.path == path) {
            Some(at) => dump(args.what, &sources, &settings, crate::base::FileId(at as u32)),
            None => Ok(None),
        }
    });
    let text = text.map_err(|error| Stop::Failed(error.to_string()))?;
    let text = text.ok_or_else(|| Stop::Failed(format!("{name}: there is nothing to show")))?;
    streams.out.write_all(text.as_bytes())?;
    Ok(CLEAN)
}

#[derive(Args)]
struct TenantsArgs {
    /// The application's folder.
    #[arg(default_value = ".")]
    path: PathBuf,
}

/// Shows what the code says about its tenants.
fn tenants(args: &TenantsArgs, streams: &mut Streams<'_>) -> Result<u8, Stop> {
    let paths = vec![args.path.clone()];
    let base = crate::source::disk::base_folder(&paths);
    let config = crate::config::Config::find(&base)?;
    let settings = crate::config::Settings::new(&config, &crate::config::Overrides::default())?;
    let text = pool(0).install(|| {
        let sources = discover(&paths, &DiscoverOptions { exclude: settings.exclude.clone(), ..DiscoverOptions::default() });
        crate::pipeline::tenants(&sources, &settings)
    });
    let text = text.map_err(|error| Stop::Failed(error.to_string()))?;
    streams.out.write_all(text.as_bytes())?;
    Ok(CLEAN)
}

fn relative(path: &Path, base: &Path) -> String {
    let inside = path.strip_prefix(base).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod tests;
