//! Is a file run by hand only? What costs there costs once.

use std::collections::BTreeMap;

use super::CheckContext;
use crate::base::FileId;
use crate::facts::{Expr, FnKind, Language};
use crate::source::Origin;

/// Which files are run by hand only, as far as it was asked.
#[derive(Default)]
pub(super) struct ByHand {
    known: BTreeMap<FileId, bool>,
}

impl ByHand {
    /// Is this a script or command that nothing else of the program names?
    pub(super) fn is(&mut self, cx: &CheckContext<'_>, file: FileId) -> bool {
        *self.known.entry(file).or_insert_with(|| is_by_hand(cx, file))
    }
}

fn is_by_hand(cx: &CheckContext<'_>, file: FileId) -> bool {
    if cx.ix.sources.file(file).origin != Origin::Script {
        return false;
    }
    let names = names_of(cx, file);
    !cx.ix.facts.iter().enumerate().any(|(i, facts)| {
        let source = &cx.ix.sources.files[i];
        if i == file.0 as usize || source.origin == Origin::Test {
            return false;
        }
        // What a class lists is registered, not run.
        let bodies = facts.functions.iter().filter(|function| function.kind != FnKind::ClassBody);
        bodies.flat_map(|function| &function.body.exprs).any(|expr| match expr {
            Expr::Str(text) => {
                let text = text.as_str();
                names
                    .iter()
                    .any(|n| text == n.as_str() || text.strip_prefix(n.as_str()).is_some_and(|rest| rest.starts_with(' ')))
            }
            Expr::Class(name) | Expr::Name(name) => names.contains(&name.as_str().to_owned()),
            _ => false,
        })
    })
}

/// The names under which a file's code may be run: its stem, its classes, and what they call themselves.
fn names_of(cx: &CheckContext<'_>, file: FileId) -> Vec<String> {
    let path = &cx.ix.sources.file(file).path;
    let stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    let facts = cx.ix.file(file);
    let mut names = Vec::new();
    if facts.language == Language::Python {
        names.push(stem.to_owned());
    }
    for class in &facts.classes {
        let full = class.name.as_str();
        // Every command of some frameworks has the same class name.
        if class.name.last_segment() == stem {
            names.push(full.to_owned());
        }
        let texts = class.attrs.iter().filter(|a| matches!(a.name.as_str(), "signature" | "name"));
        for value in texts.filter_map(|a| a.value) {
            let body = facts.functions.get(class.scope.0 as usize).map(|f| &f.body);
            if let Some(Expr::Str(text)) = body.map(|b| b.expr(value))
                && let Some(word) = text.as_str().split_whitespace().next()
            {
                names.push(word.to_owned());
            }
        }
    }
    names
}
