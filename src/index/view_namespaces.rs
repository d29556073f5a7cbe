//! Under which name does a package register its folder of views?
//!
//! In: calls like `register(__DIR__ . '/../views', 'shop')`, by the methods that a pack names.

use crate::base::Name;
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, FileFacts, Language};
use crate::packs::Packs;
use crate::source::SourceSet;

/// The folder that the code's own file stands in.
const OWN_FOLDER: &str = "__DIR__";

/// Folders of views from the root of the project, and the names that they are registered under.
pub(super) fn read(sources: &SourceSet, facts: &[FileFacts], packs: &Packs) -> Vec<(String, Name)> {
    let Some(methods) = packs.word_in_language(Name::new("php"), "view-namespaces") else { return Vec::new() };
    let methods: Vec<&str> = methods.as_str().split_whitespace().collect();
    let mut found = Vec::new();
    for (at, file) in facts.iter().enumerate().filter(|(_, f)| f.language == Language::Php) {
        let path = sources.files[at].path.as_str();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for body in file.functions.iter().map(|f| &f.body) {
            for expr in &body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let Expr::Attr { name, .. } = body.expr(*callee) else { continue };
                if methods.contains(&name.as_str())
                    && let Some(registered) = registered(body, folder, args)
                {
                    found.push(registered);
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The folder and its name, whichever comes first.
fn registered(body: &Body, folder: &str, args: &[Arg]) -> Option<(String, Name)> {
    let [first, second, ..] = args else { return None };
    for (path, name) in [(first, second), (second, first)] {
        if let Expr::Str(name) = body.expr(name.value)
            && let Some(path) = folder_of(body, folder, path.value)
        {
            return Some((path, *name));
        }
    }
    None
}

/// `__DIR__ . '/../views'`, `dirname(__DIR__, 2) . '/views'`
fn folder_of(body: &Body, folder: &str, e: ExprId) -> Option<String> {
    let Expr::Binary { op: BinaryOp::Concat, left, right } = body.expr(e) else { return None };
    let Expr::Str(rest) = body.expr(*right) else { return None };
    let up = match body.expr(*left) {
        Expr::Call { callee, args } => {
            let Expr::Function { fallback, .. } = body.expr(*callee) else { return None };
            if fallback.as_str() != "dirname" || !is_own_folder(body, args.first()?.value) {
                return None;
            }
            match args.get(1).map(|a| body.expr(a.value)) {
                Some(Expr::Int(n)) => usize::try_from(*n).ok()?,
                Some(_) => return None,
                None => 1,
            }
        }
        _ if is_own_folder(body, *left) => 0,
        _ => return None,
    };
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for _ in 0..up {
        parts.pop()?;
    }
    for part in rest.as_str().split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn is_own_folder(body: &Body, e: ExprId) -> bool {
    matches!(body.expr(e), Expr::Name(name) if name.as_str() == OWN_FOLDER)
}
