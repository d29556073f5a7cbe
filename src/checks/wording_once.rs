//! Is a file run by hand only? What costs there costs once.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::CheckContext;
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, FnKind, Language};
use crate::source::Origin;

/// Which files are run by hand only, as far as it was asked.
#[derive(Default)]
pub(super) struct ByHand {
    known: BTreeMap<FileId, bool>,
    mentions: Option<Mentions>,
}

/// The files that name something, as far as they are few.
type Mentions = FxHashMap<&'static str, Vec<FileId>>;

/// More files than these are not looked into.
const MAX_FILES: usize = 6;
/// A command that runs commands that run commands is followed so far.
const MAX_STEPS: usize = 3;

impl ByHand {
    /// Does this place run only because somebody starts it by hand: in a command that a function is, or in a script or
    /// command that nothing else of the program names?
    pub(super) fn is(&mut self, cx: &CheckContext<'_>, at: Span) -> bool {
        let is_command = || cx.function_at(at).is_some_and(|f| cx.flow.only_by_command.contains(&f));
        self.is_file(cx, at.file) || is_command()
    }

    fn is_file(&mut self, cx: &CheckContext<'_>, file: FileId) -> bool {
        if !is_script(cx, file) {
            return false;
        }
        if let Some(known) = self.known.get(&file) {
            return *known;
        }
        let mentions = self.mentions.get_or_insert_with(|| mentions(cx));
        let known = is_by_hand(cx, mentions, &[file]);
        self.known.insert(file, known);
        known
    }
}

/// Is a file a script by its place, or because it holds a command?
fn is_script(cx: &CheckContext<'_>, file: FileId) -> bool {
    let is_command = |class: &crate::index::Class| {
        class.external.iter().any(|n| cx.ix.packs.roles(*n).iter().any(|r| matches!(r.as_str(), "command" | "seeder")))
    };
    let classes = &cx.ix.file(file).classes;
    let id_of = |i: usize| cx.ix.class_places.get(&(file, crate::facts::ClassIx(i as u32)));
    cx.ix.sources.file(file).origin == Origin::Script
        || (0..classes.len()).filter_map(id_of).any(|id| is_command(cx.ix.class(*id)))
}

/// Is the last of these files a script that nothing names but other such scripts? The others are asked already.
fn is_by_hand(cx: &CheckContext<'_>, mentions: &Mentions, asked: &[FileId]) -> bool {
    let Some(file) = asked.last().copied().filter(|file| is_script(cx, *file)) else { return false };
    names_of(cx, file).iter().filter_map(|name| mentions.get(name.as_str())).all(|files| {
        let mut others = files.iter().copied().filter(|f| !asked.contains(f)).peekable();
        others.peek().is_none()
            || asked.len() <= MAX_STEPS
                && files.len() <= MAX_FILES
                && others.all(|f| {
                    let asked: Vec<FileId> = asked.iter().copied().chain([f]).collect();
                    is_by_hand(cx, mentions, &asked)
                })
    })
}

/// What the program names, outside its tests: classes, and texts or their first words.
fn mentions(cx: &CheckContext<'_>) -> Mentions {
    let mut found = Mentions::default();
    let registering = cx.ix.packs.word_list("command-registrations");
    let calling = cx.ix.packs.word_list("command-calls");
    for (i, facts) in cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if cx.ix.sources.file(file).origin == Origin::Test {
            continue;
        }
        // What a class lists is registered, not run.
        let bodies = facts.functions.iter().filter(|function| function.kind != FnKind::ClassBody);
        let named = bodies.flat_map(|function| {
            let body = &function.body;
            // `$this->commands([Prune::class])` registers commands, it does not run them.
            let registered: Vec<Range> = body
                .exprs
                .iter()
                .zip(&body.ranges)
                .filter_map(|(expr, range)| match expr {
                    Expr::Call { callee, .. } => {
                        let is_it = |name: &Name| registering.iter().any(|r| r == name.as_str());
                        matches!(body.expr(*callee), Expr::Attr { name, .. } if is_it(name)).then_some(*range)
                    }
                    _ => None,
                })
                .collect();
            // A command is named like a thing as often as not: in these languages a call says that it is run.
            let is_python = facts.language == Language::Python;
            let run: Vec<ExprId> = body.exprs.iter().filter_map(|expr| run_by(body, expr, &calling)).collect();
            body.exprs
                .iter()
                .zip(&body.ranges)
                .enumerate()
                .filter(move |(at, (expr, range))| {
                    let is_text = is_python && matches!(expr, Expr::Str(_));
                    !registered.iter().any(|r| r.contains(**range)) && (!is_text || run.contains(&ExprId(*at as u32)))
                })
                .map(|(_, (expr, _))| expr)
        });
        for expr in named {
            let name = match expr {
                Expr::Str(text) => text.as_str().split(' ').next().unwrap_or_default(),
                Expr::Class(name) | Expr::Name(name) => name.as_str(),
                _ => continue,
            };
            let files = found.entry(name).or_default();
            if files.len() <= MAX_FILES && files.last() != Some(&file) {
                files.push(file);
            }
        }
    }
    found
}

/// The name of the command that a call runs: `call_command("sync", …)`.
fn run_by(body: &Body, expr: &Expr, calling: &[String]) -> Option<ExprId> {
    let Expr::Call { callee, args } = expr else { return None };
    let (Expr::Name(name) | Expr::Attr { name, .. }) = body.expr(*callee) else { return None };
    calling.iter().any(|c| c == name.as_str()).then(|| args.first().map(|a| a.value)).flatten()
}

/// The names under which a file's code may be run: its stem, its classes, and what they call themselves.
fn names_of(cx: &CheckContext<'_>, file: FileId) -> Vec<String> {
    let path = &cx.ix.sources.file(file).path;
    let stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    let facts = cx.ix.file(file);
    let naming = cx.ix.packs.word_list("command-name-attributes");
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
        let texts = class.attrs.iter().filter(|a| naming.iter().any(|n| n == a.name.as_str()));
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
