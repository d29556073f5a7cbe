//! Is a file run by hand only? What costs there costs once.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::CheckContext;
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{BinaryOp, Body, Expr, ExprId, FnId, FnKind, Language};
use crate::index::{FnRef, Symbol};
use crate::source::Origin;

/// Which files are run by hand only, as far as it was asked.
#[derive(Default)]
pub(super) struct ByHand {
    known: BTreeMap<FileId, bool>,
    mentions: Option<Mentions>,
    functions: BTreeMap<FnRef, bool>,
    programs: Option<BTreeSet<FileId>>,
    named_in: Option<FxHashMap<Name, Vec<FnRef>>>,
}

/// The files that name something, as far as they are few.
type Mentions = FxHashMap<&'static str, Vec<FileId>>;

/// More callers of a function than these are not followed.
const MAX_CALLERS: usize = 60;
/// A name that so many functions say may mean anything.
const MAX_NAMED: usize = 12;
/// The name of the module that a program is started with.
const MAIN: &str = "__main__";
/// The name of the module that runs.
const OWN_NAME: &str = "__name__";
/// More files than these are not looked into.
const MAX_FILES: usize = 6;
/// A command that runs commands that run commands is followed so far.
const MAX_STEPS: usize = 3;

impl ByHand {
    /// Does this place run only because somebody starts it by hand: in a command that a function is, or in a script or
    /// command that nothing else of the program names?
    pub(super) fn is(&mut self, cx: &CheckContext<'_>, at: Span) -> bool {
        if self.is_file(cx, at.file) {
            return true;
        }
        let Some(f) = cx.function_at(at) else { return false };
        cx.flow.only_by_command.contains(&f) || self.is_function(cx, f)
    }

    /// Do only functions that run by hand call a function, and is it named nowhere else?
    fn is_function(&mut self, cx: &CheckContext<'_>, f: FnRef) -> bool {
        if cx.ix.file(f.file).language != Language::Python {
            return false;
        }
        if let Some(known) = self.functions.get(&f) {
            return *known;
        }
        let is_so = self.is_called_by_hand(cx, f).is_some();
        self.functions.insert(f, is_so);
        is_so
    }

    /// Follows the callers of a function up to commands and programs.
    fn is_called_by_hand(&mut self, cx: &CheckContext<'_>, f: FnRef) -> Option<()> {
        let mut waiting = vec![f];
        let mut seen: BTreeSet<FnRef> = BTreeSet::new();
        let mut is_started = false;
        while let Some(f) = waiting.pop() {
            if !seen.insert(f) {
                continue;
            }
            if cx.flow.only_by_command.contains(&f) || self.is_file(cx, f.file) {
                is_started = true;
                continue;
            }
            let decl = cx.ix.function(f);
            let is_served = runs_for_others(cx, f) || decl.kind == FnKind::File || !decl.decorators.is_empty();
            if is_served || seen.len() > MAX_CALLERS {
                return None;
            }
            if let (FnKind::Closure, Some(parent)) = (decl.kind, decl.parent) {
                waiting.push(FnRef { file: f.file, id: parent });
                continue;
            }
            let callers: Vec<FnRef> =
                cx.flow.calls.iter().filter(|(_, called)| *called == f).map(|(caller, _)| *caller).collect();
            if callers.is_empty() || is_special(decl.name.as_str()) {
                return None;
            }
            let named_in = self.named_in.get_or_insert_with(|| named_in(cx));
            let others = named_in.get(&decl.name).map_or(&[] as &[FnRef], Vec::as_slice);
            if others.len() >= MAX_NAMED {
                return None;
            }
            waiting.extend(callers);
            // Whoever says its name may call it, too.
            waiting.extend(others.iter().filter(|other| **other != f));
        }
        is_started.then_some(())
    }

    fn is_file(&mut self, cx: &CheckContext<'_>, file: FileId) -> bool {
        if self.programs.get_or_insert_with(|| programs(cx)).contains(&file) {
            return true;
        }
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

/// Does a function run for requests, messages or the clock?
fn runs_for_others(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let flow = cx.flow;
    flow.handlers.contains(&f) || flow.on_server.contains(&f) || flow.request_functions.contains(&f) || flow.tasks.contains(&f)
}

/// Does the language itself call functions of such a name?
fn is_special(name: &str) -> bool {
    name.is_empty() || name.starts_with("__") && name.ends_with("__")
}

/// Python files that do something when they are started as a program, that none but such files import, and that serve nobody.
fn programs(cx: &CheckContext<'_>) -> BTreeSet<FileId> {
    let mut found: BTreeSet<FileId> = BTreeSet::new();
    for (i, facts) in cx.ix.facts.iter().enumerate().filter(|(_, f)| f.language == Language::Python) {
        let file = FileId(i as u32);
        let body = facts.functions.first().map(|f| &f.body);
        let is_program = body.is_some_and(|body| body.exprs.iter().any(|e| asks_if_program(body, e)));
        let serves = || (0..facts.functions.len()).any(|j| runs_for_others(cx, FnRef { file, id: FnId(j as u32) }));
        if is_program && cx.ix.sources.file(file).origin == Origin::Ours && !serves() {
            found.insert(file);
        }
    }
    // Each file that imports another.
    let mut imported: BTreeSet<(FileId, FileId)> = BTreeSet::new();
    for (i, facts) in cx.ix.facts.iter().enumerate().filter(|(_, f)| f.language == Language::Python && !found.is_empty()) {
        let file = FileId(i as u32);
        if cx.ix.sources.file(file).origin == Origin::Test {
            continue;
        }
        for import in &facts.imports {
            let meant = match cx.ix.import_symbol(file, import) {
                Symbol::Module(module) | Symbol::Variable(module, _) => Some(module),
                Symbol::Function(f) => Some(f.file),
                Symbol::Class(class) => Some(cx.ix.class(class).file),
                _ => None,
            };
            // `import jobs.nightly` binds the package alone; what a module imports itself has its home elsewhere.
            let text = import.target.as_str();
            let named = if import.member { text.rsplit_once('.').map_or(text, |(module, _)| module) } else { text };
            let module = match cx.ix.resolve_absolute(file, named) {
                Symbol::Module(module) if import.level == 0 => Some(module),
                _ => None,
            };
            imported.extend(meant.into_iter().chain(module).filter(|m| *m != file).map(|m| (file, m)));
        }
    }
    // What a program imports is run by hand, too, if nothing else imports it.
    loop {
        let before = found.len();
        for (importer, module) in &imported {
            if !found.contains(importer) {
                found.remove(module);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// `__name__ == "__main__"`
fn asks_if_program(body: &Body, expr: &Expr) -> bool {
    let Expr::Binary { op: BinaryOp::Equal, left, right } = expr else { return false };
    let is_own = |e: ExprId| matches!(body.expr(e), Expr::Name(n) if n.as_str() == OWN_NAME);
    let is_main = |e: ExprId| matches!(body.expr(e), Expr::Str(n) if n.as_str() == MAIN);
    is_own(*left) && is_main(*right) || is_own(*right) && is_main(*left)
}

/// Which functions say each name, outside of tests: as a name, an attribute or a text. The first few of each.
fn named_in(cx: &CheckContext<'_>) -> FxHashMap<Name, Vec<FnRef>> {
    let mut found: FxHashMap<Name, Vec<FnRef>> = FxHashMap::default();
    for (i, facts) in cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if facts.language == Language::Php || cx.ix.sources.file(file).origin == Origin::Test {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate() {
            let f = FnRef { file, id: FnId(j as u32) };
            let body = &decl.body;
            let used = body.exprs.iter().filter_map(|expr| match expr {
                Expr::Attr { name, .. } | Expr::Lookup { name, .. } | Expr::Name(name) | Expr::Str(name) => Some(*name),
                Expr::Local(slot) => body.slots.get(slot.0 as usize).copied(),
                _ => None,
            });
            for name in used {
                let places = found.entry(name).or_default();
                if places.len() < MAX_NAMED && places.last() != Some(&f) {
                    places.push(f);
                }
            }
        }
    }
    found
}
