//! To which part of the application does a model belong, and which model does a setting choose?

use rustc_hash::FxHashMap;

use super::Linker;
use crate::base::{FileId, Name};
use crate::facts::Language;
use crate::index::{ClassId, FnRef, ModelId};
use crate::packs::model::Labels;

impl Linker<'_, '_, '_> {
    /// Gives each model its label, and finds the model of the setting.
    pub(super) fn find_labels(&mut self) {
        for d in 0..self.dialects.list.len() {
            let pack = self.dialects.list[d].pack;
            let Some(labels) = &pack.labels else { continue };
            let configured = self.configured_folders(labels);
            for (id, class) in self.own_models().filter(|(id, _)| self.info[id.0 as usize].dialect == d).collect::<Vec<_>>() {
                let option = pack.options.as_ref().and_then(|o| o.label.as_deref());
                let written =
                    option.and_then(|o| self.option(class, o)).and_then(|(at, value)| self.index.literal_text(at, value));
                let label = written.or_else(|| self.label_of_file(self.index.class(class).file, labels, &configured));
                let Some(label) = label else { continue };
                self.models[id.0 as usize].label = Some(label);
                let short = self.index.class_decl(class).name.last_segment();
                let key = Name::new(&format!("{label}.{short}").to_lowercase());
                self.labels.entry(key).or_insert(id);
            }
            if let Some(swapped) = &pack.swapped {
                let setting = self.setting(&swapped.setting).unwrap_or_else(|| Name::new(&swapped.default));
                self.swapped = self.labels.get(&Name::new(&setting.as_str().to_lowercase())).copied();
            }
        }
    }

    /// Is it the library's model in whose place a setting puts another?
    pub(super) fn is_swapped_out(&self, id: ModelId) -> bool {
        let Some(swapped) = &self.pack_of(id).swapped else {
            return false;
        };
        let default = self.labels.get(&Name::new(&swapped.default.to_lowercase()));
        default == Some(&id) && self.swapped.is_some_and(|s| s != id)
    }

    /// The literal that any module sets a variable to. Modules that speak of settings come first.
    fn setting(&self, name: &str) -> Option<Name> {
        let name = Name::new(name);
        let mut found = None;
        for (i, facts) in self.index.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            let Some((at, value)) = self.index.variable_value(FileId(i as u32), name) else {
                continue;
            };
            let Some(text) = self.index.literal_text(at, value) else {
                continue;
            };
            if self.index.sources.files[i].path.contains("settings") {
                return Some(text);
            }
            found = found.or(Some(text));
        }
        found
    }

    /// Folders that a class configures, and their labels.
    fn configured_folders(&self, labels: &Labels) -> FxHashMap<String, Name> {
        let mut folders = FxHashMap::default();
        for (i, class) in self.index.classes.iter().enumerate() {
            let is_config = class.external.iter().any(|n| labels.config_bases.iter().any(|b| b == n.as_str()));
            if !is_config {
                continue;
            }
            let path = self.index.sources.file(class.file).path.as_str();
            let folder = path.rfind('/').map_or("", |at| &path[..at]);
            let text = |attr: &str| self.attr_text(ClassId(i as u32), attr);
            let label = text(&labels.label_attr)
                .or_else(|| text(&labels.name_attr).map(|n| Name::new(n.last_segment())))
                .unwrap_or_else(|| Name::new(folder.rsplit('/').next().unwrap_or(folder)));
            folders.entry(folder.to_owned()).or_insert(label);
        }
        folders
    }

    /// The literal value of an attribute of a class.
    pub(super) fn attr_text(&self, class: ClassId, attr: &str) -> Option<Name> {
        let (owner, i) = self.index.find_attr(class, Name::new(attr))?;
        let decl = self.index.class_decl(owner);
        let at = FnRef { file: self.index.class(owner).file, id: decl.scope };
        self.index.literal_text(at, decl.attrs[i].value?)
    }

    /// The label of the innermost configured folder around a file, else the name of the folder that holds its models.
    fn label_of_file(&self, file: FileId, labels: &Labels, configured: &FxHashMap<String, Name>) -> Option<Name> {
        let path = self.index.sources.file(file).path.as_str();
        let mut folder = path;
        while let Some(at) = folder.rfind('/') {
            folder = &folder[..at];
            if let Some(label) = configured.get(folder) {
                return Some(*label);
            }
        }
        let parts: Vec<&str> = path.strip_suffix(".py").unwrap_or(path).split('/').collect();
        let models = parts.iter().rposition(|p| labels.modules.iter().any(|m| m == p));
        let at = models.unwrap_or(parts.len() - 1).checked_sub(1)?;
        Some(Name::new(parts[at]))
    }
}
