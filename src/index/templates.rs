//! Under which names may each template be rendered?
//!
//! In: paths, and the folders that the settings name. A component stands under `component:` and its tag name.

use rustc_hash::FxHashMap;

use super::ProjectIndex;
use crate::base::{FileId, Name};
use crate::facts::{Expr, FileFacts, Language};
use crate::packs::Packs;
use crate::source::SourceSet;

/// Folders below which a template is named by its path.
const TEMPLATE_FOLDERS: &[&str] = &["templates", "jinja2"];

/// Folders whose children are packages or modules of their own.
const PACKAGE_FOLDERS: &[&str] = &["app-modules", "packages", "Modules", "modules", "plugins", "domains"];

/// Templates by every name that code may use.
pub(crate) fn read(sources: &SourceSet, facts: &[FileFacts], packs: &Packs) -> FxHashMap<Name, Vec<FileId>> {
    let mut templates: FxHashMap<Name, Vec<FileId>> = FxHashMap::default();
    let mut add = |name: &str, file: FileId| {
        if name.is_empty() {
            return;
        }
        let files = templates.entry(Name::new(name)).or_default();
        if !files.contains(&file) {
            files.push(file);
        }
    };
    let registered = super::view_namespaces::read(sources, facts, packs);
    // Views in folders of other names, by every end of their path.
    let mut elsewhere: FxHashMap<String, Option<FileId>> = FxHashMap::default();
    for (at, facts) in facts.iter().enumerate() {
        let file = FileId(at as u32);
        let path = sources.files[at].path.as_str();
        match facts.language {
            Language::Blade => {
                for name in path_ends(path) {
                    elsewhere.entry(name).and_modify(|known| *known = None).or_insert(Some(file));
                }
                for name in blade_names(path) {
                    add(&name, file);
                }
                for (folder, space) in &registered {
                    for name in registered_names(path, folder, space.as_str()) {
                        add(&name, file);
                    }
                }
            }
            Language::DjangoTemplate | Language::Jinja => {
                for name in path_names(path) {
                    add(name, file);
                }
                for folder in &sources.template_folders {
                    if let Some(name) = path.strip_prefix(folder.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                        add(name, file);
                    }
                }
            }
            Language::Php => {
                // A view may be plain PHP.
                if path.contains("/views/") || path.starts_with("views/") {
                    for name in blade_names(path) {
                        add(&name, file);
                    }
                }
            }
            Language::Python => {}
        }
    }
    // An end that only one path has, and that names no view, can mean nothing else.
    let mut only: Vec<(String, FileId)> = elsewhere.into_iter().filter_map(|(name, file)| Some((name, file?))).collect();
    only.sort_unstable();
    for (name, file) in only {
        templates.entry(Name::new(&name)).or_insert_with(|| vec![file]);
    }
    templates
}

impl ProjectIndex<'_> {
    /// The only template of a package that a loader of its own must mean by a name that no folder of templates has.
    ///
    /// `shop/orders/list.html` is `list.html` in the templates of a folder that ends with `shop/orders`, or of one whose code
    /// says that text.
    pub fn template_of_package(&self, name: Name) -> Option<FileId> {
        let mut found: Option<FileId> = None;
        let text = name.as_str();
        for (at, _) in text.match_indices('/') {
            let (prefix, rest) = (&text[..at], &text[at + 1..]);
            let Some(files) = self.templates.get(&Name::new(rest)) else { continue };
            for file in files {
                let path = self.sources.files[file.0 as usize].path.as_str();
                let folder = TEMPLATE_FOLDERS.iter().find_map(|f| path.strip_suffix(rest)?.strip_suffix(&format!("/{f}/")));
                let Some(folder) = folder else { continue };
                let is_named = folder == prefix || folder.ends_with(&format!("/{prefix}")) || self.says(folder, prefix);
                if is_named && found.is_some_and(|other| other != *file) {
                    return None;
                }
                if is_named {
                    found = Some(*file);
                }
            }
        }
        found
    }

    /// Does a Python file that stands in this folder itself say this text?
    fn says(&self, folder: &str, text: &str) -> bool {
        self.facts.iter().enumerate().any(|(i, facts)| {
            facts.language == Language::Python
                && self.sources.files[i].path.strip_prefix(folder).is_some_and(|p| p.starts_with('/') && !p[1..].contains('/'))
                && facts.functions.iter().any(|f| {
                    let is_it = |s: &Name| s.as_str().trim_end_matches('/') == text;
                    f.body.exprs.iter().any(|e| matches!(e, Expr::Str(s) if is_it(s)))
                })
        })
    }

    /// Templates that code (not another template) names by a text, in order.
    pub fn named_templates(&self) -> Vec<FileId> {
        let mut named: Vec<FileId> = Vec::new();
        let is_code = |facts: &&FileFacts| matches!(facts.language, Language::Php | Language::Python);
        for expr in self.facts.iter().filter(is_code).flat_map(|f| &f.functions).flat_map(|f| &f.body.exprs) {
            // A single word may mean anything.
            let Expr::Str(text) = expr else { continue };
            if text.as_str().contains(['.', '/'])
                && let Some(files) = self.templates.get(text)
            {
                named.extend(files);
            }
        }
        named.sort_unstable();
        named.dedup();
        named
    }
}

/// The path after every folder of templates around it; the whole path where there is none.
fn path_names(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut start = 0;
    for part in path.split('/') {
        let next = start + part.len() + 1;
        if TEMPLATE_FOLDERS.contains(&part) && next < path.len() {
            names.push(&path[next..]);
        }
        start = next;
    }
    if names.is_empty() {
        names.push(path);
    }
    names
}

/// The ends of the path of a view that stands in no folder of views, dotted, of two parts or more.
fn path_ends(path: &str) -> Vec<String> {
    let Some(stem) = path.strip_suffix(".blade.php") else { return Vec::new() };
    let parts: Vec<&str> = stem.split('/').collect();
    if parts.iter().any(|p| matches!(*p, "views" | "templates")) {
        return Vec::new();
    }
    (1..parts.len().saturating_sub(1)).map(|from| parts[from..].join(".")).collect()
}

/// Names of a view: dotted path below `views`, with the name space of its package; its tag if it is a component.
fn blade_names(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let Some(stem) = path.strip_suffix(".blade.php").or_else(|| path.strip_suffix(".php")) else {
        return names;
    };
    let parts: Vec<&str> = stem.split('/').collect();
    let Some(views) = parts.iter().position(|p| *p == "views").or_else(|| parts.iter().position(|p| *p == "templates")) else {
        names.push(parts.join("."));
        return names;
    };
    let below = &parts[views + 1..];
    if below.is_empty() {
        return names;
    }
    let dotted = below.join(".");
    names.push(dotted.clone());
    let packages = package_names(&parts[..views]);
    for package in &packages {
        names.push(format!("{package}::{dotted}"));
    }
    // `vendor/<package>/…` overrides the views of a package.
    if below.len() > 2 && below[0] == "vendor" {
        names.push(format!("{}::{}", below[1], below[2..].join(".")));
    }
    if let Some(folder) = below.iter().position(|p| *p == "components") {
        let inner = &below[folder + 1..];
        for tag in tag_names(inner) {
            names.push(format!("component:{tag}"));
            for package in &packages {
                names.push(format!("component:{package}::{tag}"));
            }
        }
    }
    names
}

/// Names of a view, or of a component, below a folder that is registered under a name.
fn registered_names(path: &str, folder: &str, space: &str) -> Vec<String> {
    let below =
        path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.strip_suffix(".blade.php"));
    let Some(below) = below else { return Vec::new() };
    let parts: Vec<&str> = below.split('/').collect();
    let mut names = vec![format!("{space}::{}", parts.join("."))];
    if let ["components", inner @ ..] = parts.as_slice() {
        names.extend(tag_names(inner).iter().map(|tag| format!("component:{space}::{tag}")));
    }
    names
}

/// Tags of a component: its dotted path, and its folder's for `index` or a file named like its folder.
fn tag_names(inner: &[&str]) -> Vec<String> {
    let mut tags = Vec::new();
    let Some(last) = inner.last() else {
        return tags;
    };
    tags.push(inner.join("."));
    if inner.len() > 1 && (*last == "index" || inner[inner.len() - 2] == *last) {
        tags.push(inner[..inner.len() - 1].join("."));
    }
    tags
}

/// Name spaces that a package's views may be registered under: its folder's name and its spelling in kebab case.
fn package_names(before: &[&str]) -> Vec<String> {
    let Some(at) = before.iter().position(|p| PACKAGE_FOLDERS.contains(p)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    // `packages/vendor/name/…` and `Modules/Name/…`.
    for part in before[at + 1..].iter().filter(|p| !matches!(**p, "src" | "resources" | "Resources")) {
        for name in [(*part).to_owned(), part.to_lowercase(), kebab(part)] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// `UserTag` as `user-tag`.
fn kebab(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{blade_names, path_ends, path_names};

    #[test]
    fn a_view_is_named_by_its_path_below_the_views() {
        assert_eq!(blade_names("resources/views/posts/index.blade.php"), ["posts.index"]);
    }

    #[test]
    fn a_component_is_named_by_its_tag_and_its_folder() {
        let names = blade_names("resources/views/components/forms/index.blade.php");
        assert_eq!(names, ["components.forms.index", "component:forms.index", "component:forms"]);
        let names = blade_names("resources/views/components/user-tag.blade.php");
        assert_eq!(names, ["components.user-tag", "component:user-tag"]);
    }

    #[test]
    fn a_module_has_a_name_space() {
        let names = blade_names("Modules/UserArea/Resources/views/home.blade.php");
        assert_eq!(names, ["home", "UserArea::home", "userarea::home", "user-area::home"]);
    }

    #[test]
    fn a_view_in_another_folder_is_found_by_the_end_of_its_path() {
        assert_eq!(
            path_ends("resources/themes/dark/posts/index.blade.php"),
            ["themes.dark.posts.index", "dark.posts.index", "posts.index"]
        );
        assert!(path_ends("resources/views/posts/index.blade.php").is_empty());
    }

    #[test]
    fn a_template_is_named_by_its_path_below_each_folder_of_templates() {
        assert_eq!(path_names("shop/templates/shop/list.html"), ["shop/list.html"]);
        assert_eq!(path_names("pages/a.html"), ["pages/a.html"]);
    }
}
