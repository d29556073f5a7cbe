//! How are places, relations and cures called? In the reader's own names.

use crate::base::Name;
use crate::index::{Access, ModelId, ProjectIndex};

/// The short name of a model.
pub(super) fn model_name(ix: &ProjectIndex<'_>, model: ModelId) -> &'static str {
    ix.model(model).name.last_segment()
}

/// A path of relations as the reader writes it.
pub(super) fn path_text(path: &[Name]) -> String {
    path.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(".")
}

/// The code that loads a path of relations with a query of a model; nothing if the pack does not say.
pub(super) fn eager_code(ix: &ProjectIndex<'_>, model: ModelId, path: &[Name]) -> Option<String> {
    let dialect = ix.model(model).dialect;
    let mut at = Some(model);
    let mut any_many = false;
    let mut links: Vec<String> = Vec::new();
    for (i, name) in path.iter().enumerate() {
        let relation = at.and_then(|m| ix.model(m).relations.get(name));
        // A relation that is a query whenever it is read cannot be loaded.
        if relation.is_some_and(|r| r.access == Access::Query) && ix.packs.word(dialect, "relation-queries").is_none() {
            return None;
        }
        // A way that goes in circles names what is not there.
        if relation.is_none() && at.is_some() {
            return None;
        }
        let many = relation.is_some_and(|r| r.many || r.polymorphic);
        any_many |= many;
        let word = if many { "link-many" } else { "link-one" };
        if let (Some(pattern), Some(m)) = (ix.packs.word(dialect, word), at) {
            let link = pattern.as_str().replace("{model}", model_name(ix, m)).replace("{relation}", name.as_str());
            links.push(if i == 0 { link } else { format!(".{link}") });
        }
        at = relation.and_then(|r| r.target);
    }
    let word = if any_many { "eager-help-many" } else { "eager-help-one" };
    let pattern = ix.packs.word(dialect, word).or_else(|| ix.packs.word(dialect, "eager-help"))?;
    Some(
        pattern
            .as_str()
            .replace("{path}", &path_text(path))
            .replace("{dunder}", &path.iter().map(|n| n.as_str()).collect::<Vec<_>>().join("__"))
            .replace("{links}", &links.concat()),
    )
}

/// The code that loads a path on rows at hand.
pub(super) fn late_code(ix: &ProjectIndex<'_>, model: ModelId, path: &[Name]) -> Option<String> {
    let dialect = ix.model(model).dialect;
    let pattern = ix.packs.word(dialect, "late-help")?;
    Some(
        pattern
            .as_str()
            .replace("{path}", &path_text(path))
            .replace("{dunder}", &path.iter().map(|n| n.as_str()).collect::<Vec<_>>().join("__")),
    )
}
