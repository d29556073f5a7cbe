//! Under which name does a package register its folder of views?
//!
//! In: calls like `register(__DIR__ . '/../views', 'shop')`, by the methods that a pack names.

use crate::base::Name;
use crate::facts::{Arg, BinaryOp, Expr, ExprId, FileFacts, FunctionDecl, Language};
use crate::packs::Packs;
use crate::source::SourceSet;

/// The folder that the code's own file stands in.
const OWN_FOLDER: &str = "__DIR__";
/// Paths are put together over at most so many steps.
const MAX_STEPS: usize = 6;

/// Folders of views from the root of the project, and the names that they are registered under.
pub(super) fn read(sources: &SourceSet, facts: &[FileFacts], packs: &Packs) -> Vec<(String, Name)> {
    let Some(methods) = packs.word_in_language(Name::new("php"), "view-namespaces") else { return Vec::new() };
    let methods: Vec<&str> = methods.as_str().split_whitespace().collect();
    let mut found = Vec::new();
    for (at, file) in facts.iter().enumerate().filter(|(_, f)| f.language == Language::Php) {
        let path = sources.files[at].path.as_str();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for function in &file.functions {
            let place = Place { file, function, folder };
            for expr in &function.body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let Expr::Attr { name, .. } = function.body.expr(*callee) else { continue };
                if methods.contains(&name.as_str())
                    && let Some(registered) = place.registered(args)
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

/// A function, and where its file stands.
#[derive(Clone, Copy)]
struct Place<'f> {
    file: &'f FileFacts,
    function: &'f FunctionDecl,
    folder: &'f str,
}

impl<'f> Place<'f> {
    /// The folder and its name, whichever comes first.
    fn registered(self, args: &[Arg]) -> Option<(String, Name)> {
        let [first, second, ..] = args else { return None };
        for (path, name) in [(first, second), (second, first)] {
            if let Expr::Str(name) = self.function.body.expr(name.value)
                && let Some(parts) = self.parts(path.value, MAX_STEPS).filter(|parts| !parts.is_empty())
            {
                return Some((parts.join("/"), *name));
            }
        }
        None
    }

    /// `__DIR__ . '/../views'`, `dirname(__DIR__, 2) . '/views'`, `$this->root . '/views'`: the folders of the path.
    fn parts(self, e: ExprId, steps: usize) -> Option<Vec<&'f str>> {
        let steps = steps.checked_sub(1)?;
        let body = &self.function.body;
        match body.expr(e) {
            Expr::Name(name) if name.as_str() == OWN_FOLDER => Some(self.folder.split('/').filter(|p| !p.is_empty()).collect()),
            Expr::Binary { op: BinaryOp::Concat, left, right } => {
                let Expr::Str(rest) = body.expr(*right) else { return None };
                let mut parts = self.parts(*left, steps)?;
                for part in rest.as_str().split('/') {
                    match part {
                        "" | "." => (),
                        ".." => {
                            parts.pop()?;
                        }
                        part => parts.push(part),
                    }
                }
                Some(parts)
            }
            Expr::Call { callee, args } => {
                let Expr::Function { fallback, .. } = body.expr(*callee) else { return None };
                if fallback.as_str() != "dirname" {
                    return None;
                }
                let up = match args.get(1).map(|a| body.expr(a.value)) {
                    Some(Expr::Int(n)) => usize::try_from(*n).ok()?,
                    Some(_) => return None,
                    None => 1,
                };
                let mut parts = self.parts(args.first()?.value, steps)?;
                parts.truncate(parts.len().checked_sub(up)?);
                Some(parts)
            }
            // What the class says of itself, if nothing says otherwise.
            Expr::Attr { base, name, .. } if matches!(body.expr(*base), Expr::This) => {
                let class = &self.file.classes[self.function.class?.0 as usize];
                let value = class.attrs.iter().find(|attr| attr.name == *name)?.value?;
                let scope = &self.file.functions[class.scope.0 as usize];
                Place { function: scope, ..self }.parts(value, steps)
            }
            _ => None,
        }
    }
}
