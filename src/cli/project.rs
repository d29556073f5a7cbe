//! What is checked? Folders, settings, and the repository around them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ProjectArgs, Stop, relative};
use crate::config::{Config, Overrides, Settings};
use crate::findings::baseline::FILE_NAME;
use crate::pipeline::packs_of;
use crate::source::disk::base_folder;
use crate::source::{DiscoverOptions, SourceSet, discover, manifest};
use crate::vcs::Repository;

/// One look at a project.
pub(super) struct Project {
    /// Folders and files, as given.
    pub(super) paths: Vec<PathBuf>,
    /// The folder that paths in reports are relative to.
    pub(super) base: PathBuf,
    /// The root of the repository; without one the configuration's folder, or the folder checked.
    pub(super) anchor: PathBuf,
    /// How the run goes.
    pub(super) settings: Settings,
    /// The repository, if the folder is in one.
    pub(super) repository: Option<Repository>,
}

impl Project {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Configuration or command line are wrong.
    pub(super) fn open(args: &ProjectArgs) -> Result<Project, Stop> {
        let base = base_folder(&args.paths);
        let config = match &args.config {
            Some(file) => Config::load(file)?,
            None if args.isolated => Config::default(),
            None => Config::find(&base)?,
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
        settings.rooted_at(&base);
        // A broken pack is the project's mistake: it is told before anything runs.
        packs_of(&settings).map_err(|error| Stop::Failed(error.to_string()))?;
        // A repository that cannot be read matters only to those who ask for its history.
        let repository = Repository::around(&base).ok().flatten();
        let folder = configured_in(&settings);
        let anchor = match &repository {
            Some(repository) => repository.root().to_path_buf(),
            None => folder.filter(|folder| base.starts_with(folder)).unwrap_or_else(|| base.clone()),
        };
        settings.place = below(&base, &anchor);
        Ok(Project { paths: args.paths.clone(), base, anchor, settings, repository })
    }

    /// The sources as they are now.
    pub(super) fn read(&self) -> SourceSet {
        discover(&self.paths, &options(&self.settings))
    }

    /// The repository, for those who cannot do without.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(super) fn repository(&self) -> Result<&Repository, Stop> {
        if let Some(repository) = &self.repository {
            return Ok(repository);
        }
        let folder = self.base.display();
        Err(Stop::Failed(match Repository::around(&self.base) {
            Err(reason) => format!("{folder}: the git repository cannot be read: {reason}"),
            Ok(_) => format!("{folder}: is in no git repository"),
        }))
    }

    /// Where the baseline is, or would be: beside the configuration; without one, the nearest upwards in the repository.
    pub(super) fn baseline_file(&self) -> PathBuf {
        if let Some(folder) = configured_in(&self.settings) {
            return folder.join(FILE_NAME);
        }
        let inside = self.base.ancestors().take_while(|above| above.starts_with(&self.anchor));
        inside.map(|above| above.join(FILE_NAME)).find(|file| file.is_file()).unwrap_or_else(|| self.base.join(FILE_NAME))
    }

    /// Can a run tell that findings of this file, by its path from the anchor, are gone? Only where an application is read as a
    /// whole: what a part of it shows depends on the rest.
    pub(super) fn judges(&self, path: &str) -> bool {
        let full = self.anchor.join(path);
        let configured = configured_in(&self.settings);
        self.paths.iter().any(|root| {
            let root = fs::canonicalize(root).unwrap_or_else(|_| root.clone());
            let is_configured = configured.as_deref().is_some_and(|at| at.starts_with(&root));
            full.starts_with(&root) && root.is_dir() && (root == self.anchor || is_configured || holds_manifest(&root))
        })
    }
}

/// Does an application start here?
fn holds_manifest(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .any(|name| manifest::is_manifest(&name) || name == "manage.py" || name == "artisan")
}

fn configured_in(settings: &Settings) -> Option<PathBuf> {
    let folder = settings.file.as_deref()?.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Some(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()))
}

/// What these settings leave out.
pub(super) fn options(settings: &Settings) -> DiscoverOptions {
    DiscoverOptions {
        include_tests: settings.include_tests,
        exclude: settings.exclude.clone(),
        exclude_from: configured_in(settings),
    }
}

/// A folder as seen from one above, with `/` at its end; empty if they are the same.
pub(super) fn below(folder: &Path, above: &Path) -> String {
    if !folder.starts_with(above) || folder == above {
        return String::new();
    }
    format!("{}/", relative(folder, above))
}
