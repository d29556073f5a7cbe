//! Which libraries does the application use, in which version?

use std::collections::BTreeMap;

/// Libraries named by `composer.json`/`composer.lock`, `pyproject.toml`, `requirements*.txt` and the like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Package name (lower case; Python names with `-` for `_`) to the version installed or the lowest allowed, if stated.
    pub packages: BTreeMap<String, Option<String>>,
    /// PSR-4 prefixes of `composer.json` (`App\` to `app/`), relative to the folder checked.
    pub psr4: Vec<(String, String)>,
}
