//! Which findings does the project live with for now? The file that lists them.
//!
//! One finding a line, sorted, so that changes of different people merge. Entries are told apart by the fingerprint, which does
//! not change when code moves; a reason may stand in each.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::compare::Known;

/// Name of the file.
pub const FILE_NAME: &str = "ormlint-baseline.json";

/// Version of the form.
const FORM: u32 = 1;

/// A finding that the project lives with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The finding.
    #[serde(flatten)]
    pub known: Known,
    /// Why it is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of the form.
    version: u32,
    /// The findings.
    pub findings: Vec<Entry>,
}

impl Baseline {
    /// A list of these findings.
    pub fn of(findings: Vec<Entry>) -> Baseline {
        Baseline { version: FORM, findings }
    }

    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read or is no such file.
    pub fn read(file: &Path) -> Result<Option<Baseline>, String> {
        let name = file.display();
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{name}: cannot be read: {error}")),
        };
        let baseline: Baseline = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        if baseline.version != FORM {
            let version = baseline.version;
            return Err(format!("{name}: version {version} is not known to this ormlint"));
        }
        Ok(Some(baseline))
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut entries: Vec<&Entry> = self.findings.iter().collect();
        entries.sort();
        let lines: Vec<String> = entries
            .into_iter()
            .map(|entry| {
                let text = serde_json::to_string(entry).expect("texts can be written");
                format!("    {text}")
            })
            .collect();
        let list = if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n  ]", lines.join(",\n")) };
        format!("{{\n  \"version\": {FORM},\n  \"findings\": {list}\n}}\n")
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        fs::write(file, self.text()).map_err(|error| format!("{}: cannot be written: {error}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let entry = |path: &str, reason: &str| Entry {
            known: Known {
                path: path.to_owned(),
                rule: "query-in-loop".to_owned(),
                owner: "shop.f".to_owned(),
                about: String::new(),
                fingerprint: "0".repeat(32),
            },
            reason: reason.to_owned(),
        };
        let baseline = Baseline::of(vec![entry("b.py", ""), entry("a.py", "legacy \"import\"")]);
        let text = baseline.text();
        assert_eq!(text.lines().count(), 7, "{text}");
        let mut again: Baseline = serde_json::from_str(&text).expect("it is valid");
        again.findings.reverse();
        assert_eq!(again, baseline);
        assert_eq!(Baseline::of(Vec::new()).text(), "{\n  \"version\": 1,\n  \"findings\": []\n}\n");
    }
}
