//! Who runs a file or a function: only a person at a prompt, nobody, or others? What costs there costs once.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::CheckContext;
use crate::base::{FileId, Name, Range, Span, close};
use crate::facts::{BinaryOp, Body, Expr, ExprId, FnId, FnKind, Language, LoopKind, Stmt};
use crate::flow::EntryKind;
use crate::index::{FnRef, Symbol};
use crate::source::Origin;

/// What is known of who runs what, as far as it was asked.
#[derive(Default)]
pub(super) struct ByHand {
    files: BTreeMap<FileId, bool>,
    mentions: Option<Mentions>,
    functions: BTreeMap<FnRef, Runs>,
    programs: Option<FxHashSet<FileId>>,
    said: Option<FxHashMap<Name, Vec<Said>>>,
    callers: Option<FxHashMap<FnRef, Vec<FnRef>>>,
}

/// Who runs a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// Commands and programs that a person starts.
    ByHand,
    /// Nobody, on one way at least.
    Never,
    /// Somebody else, or it is not known.
    ByOthers,
}

/// Where the program says a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    In(FnRef),
    /// Where a file runs by itself: `if __name__ == "__main__":`.
    AtStart(FileId),
}

/// The files that name something, as far as they are few.
type Mentions = FxHashMap<&'static str, Vec<FileId>>;

/// More callers of a function than these are not followed.
const MAX_CALLERS: usize = 60;
/// A name that so many functions say may mean anything.
const MAX_SAID: usize = 12;
/// Longer texts name nothing.
const MAX_NAME: usize = 200;
/// The name of the module that a program is started with.
const MAIN: &str = "__main__";
/// The name of the module that runs.
const OWN_NAME: &str = "__name__";
/// More files than these are not looked into.
const MAX_FILES: usize = 6;
/// A command that runs commands that run commands is followed so far.
const MAX_STEPS: usize = 3;

impl CheckContext<'_> {
    /// Does this place run only because somebody starts it by hand: in a command that a function is, or in a script or
    /// command that nothing else of the program names?
    pub(super) fn is_run_by_hand(&self, at: Span) -> bool {
        let mut known = self.by_hand.borrow_mut();
        known.is_file(self, at.file) || self.function_at(at).is_some_and(|f| known.runs(self, f) == Runs::ByHand)
    }

    /// Does nothing run the function around a place, or only what a person starts by hand? Nothing: in an application, not in a
    /// library that others call.
    pub(super) fn is_never_run_by_others(&self, at: Span) -> bool {
        let Some(f) = self.function_at(at) else { return false };
        match self.by_hand.borrow_mut().runs(self, f) {
            Runs::ByHand => true,
            // Elsewhere, frameworks find what they run by its place and name.
            Runs::Never => {
                self.ix.file(f.file).language == Language::Python
                    && self.flow.entries.values().any(|e| e.kind == EntryKind::Request)
            }
            Runs::ByOthers => false,
        }
    }
}

impl ByHand {
    fn runs(&mut self, cx: &CheckContext<'_>, f: FnRef) -> Runs {
        if cx.flow.only_by_command.contains(&f) {
            return Runs::ByHand;
        }
        if let Some(known) = self.functions.get(&f) {
            return *known;
        }
        let found = self.followed(cx, f);
        self.functions.insert(f, found);
        found
    }

    /// Follows the callers of a function, and whoever else says its name, up to commands and programs.
    fn followed(&mut self, cx: &CheckContext<'_>, f: FnRef) -> Runs {
        // Each with whether it surely runs what is asked for: whoever says a name may mean something else of that name.
        let mut waiting = vec![(f, true)];
        let mut seen: BTreeSet<FnRef> = BTreeSet::new();
        let (mut is_started, mut is_dead) = (false, false);
        while let Some((f, is_sure)) = waiting.pop() {
            if !seen.insert(f) {
                continue;
            }
            if cx.flow.only_by_command.contains(&f) || self.is_file(cx, f.file) {
                is_started |= is_sure;
                continue;
            }
            if seen.len() > MAX_CALLERS || may_be_run_by_others(cx, f) {
                return Runs::ByOthers;
            }
            let decl = cx.ix.function(f);
            if let (FnKind::Closure, Some(parent)) = (decl.kind, decl.parent) {
                waiting.push((FnRef { file: f.file, id: parent }, is_sure));
                continue;
            }
            let before = waiting.len();
            let said = self.said.get_or_insert_with(|| said(cx)).get(&decl.name).map_or(&[] as &[Said], Vec::as_slice);
            if said.len() >= MAX_SAID {
                return Runs::ByOthers;
            }
            waiting.extend(said.iter().filter_map(|s| match s {
                Said::In(other) if *other != f => Some((*other, is_sure && other.file == f.file)),
                _ => None,
            }));
            let callers = self.callers.get_or_insert_with(|| callers(cx)).get(&f);
            waiting.extend(callers.into_iter().flatten().map(|caller| (*caller, is_sure)));
            let is_at_start = said.contains(&Said::AtStart(f.file));
            is_started |= is_sure && is_at_start;
            is_dead |= waiting.len() == before && !is_at_start;
        }
        // What only calls itself never begins.
        if is_started && !is_dead { Runs::ByHand } else { Runs::Never }
    }

    fn is_file(&mut self, cx: &CheckContext<'_>, file: FileId) -> bool {
        if self.programs.get_or_insert_with(|| programs(cx)).contains(&file) {
            return true;
        }
        if !is_script(cx, file) {
            return false;
        }
        if let Some(known) = self.files.get(&file) {
            return *known;
        }
        let mentions = self.mentions.get_or_insert_with(|| mentions(cx));
        let known = is_by_hand(cx, mentions, &[file]);
        self.files.insert(file, known);
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
        // What a module is named for is run where it is imported.
        let imported = facts.imports.iter().filter(|_| facts.language == Language::Python).map(|import| &import.target);
        for segment in imported.flat_map(|target| target.as_str().split('.')) {
            let files = found.entry(segment).or_default();
            if files.len() <= MAX_FILES && files.last() != Some(&file) {
                files.push(file);
            }
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
    // `#[Signature('sync:all')]`
    let marks = cx.ix.packs.word_list("command-name-marks");
    for class in &facts.classes {
        let Some(body) = facts.functions.get(class.scope.0 as usize).map(|f| &f.body) else { continue };
        for mark in &class.decorators {
            let Expr::New { class, args } = body.expr(*mark) else { continue };
            let is_name = |n: &Name| marks.iter().any(|m| m == n.last_segment());
            if matches!(body.expr(*class), Expr::Class(n) if is_name(n))
                && let Some(Expr::Str(text)) = args.first().map(|a| body.expr(a.value))
                && let Some(word) = text.as_str().split_whitespace().next()
            {
                names.push(word.to_owned());
            }
        }
    }
    names
}

/// Does a function run for requests, messages or the clock, or may something that is not seen here run it?
fn may_be_run_by_others(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let decl = cx.ix.function(f);
    // What a library derives from may be called by it; rows are only kept.
    let is_of_library = cx.ix.class_of_function(f).is_some_and(|c| {
        let class = cx.ix.class(c);
        class.model.is_none() && !class.external.is_empty()
    });
    // A closure has no name; the language itself calls functions of such a name.
    let is_special = decl.kind != FnKind::Closure && (decl.name.is_empty() || decl.name.as_str().starts_with("__"));
    let is_top = matches!(decl.kind, FnKind::File | FnKind::ClassBody);
    is_top || is_special || !decl.decorators.is_empty() || is_of_library || serves(cx, f)
}

fn serves(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let flow = cx.flow;
    flow.entries.contains_key(&f)
        || flow.handlers.contains(&f)
        || flow.on_server.contains(&f)
        || flow.request_functions.contains(&f)
        || flow.tasks.contains(&f)
}

/// Python files that do something when they are started as a program, that none but such files import, and that serve nobody.
fn programs(cx: &CheckContext<'_>) -> FxHashSet<FileId> {
    let mut found: FxHashSet<FileId> = FxHashSet::default();
    for (i, facts) in cx.ix.facts.iter().enumerate().filter(|(_, f)| f.language == Language::Python) {
        let file = FileId(i as u32);
        let body = facts.functions.first().map(|f| &f.body);
        let is_program = body.is_some_and(|body| body.exprs.iter().any(|e| asks_if_program(body, e)));
        let serves = || {
            (0..facts.functions.len()).any(|j| serves(cx, FnRef { file, id: FnId(j as u32) }))
                || facts.functions.iter().any(|f| f.decorators.is_empty() && runs_for_ever(&f.body))
        };
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
    let imported: Vec<(FileId, FileId)> = imported.into_iter().collect();
    close(&mut found, &imported);
    found
}

/// Is there a loop without an end, as in a service that somebody keeps running? (A decorated one is a command among others.)
fn runs_for_ever(body: &Body) -> bool {
    body.stmts.iter().zip(&body.stmt_ranges).any(|(stmt, range)| {
        let Stmt::Loop(turns) = stmt else { return false };
        turns.kind == LoopKind::While
            && turns.cond.is_some_and(|c| matches!(body.expr(c), Expr::Bool(true)))
            && !body
                .stmts
                .iter()
                .zip(&body.stmt_ranges)
                .any(|(inner, at)| range.contains(*at) && matches!(inner, Stmt::Break { .. } | Stmt::Return { .. }))
    })
}

/// `__name__ == "__main__"`
fn asks_if_program(body: &Body, expr: &Expr) -> bool {
    let Expr::Binary { op: BinaryOp::Equal, left, right } = expr else { return false };
    let is_own = |e: ExprId| matches!(body.expr(e), Expr::Name(n) if n.as_str() == OWN_NAME);
    let is_main = |e: ExprId| matches!(body.expr(e), Expr::Str(n) if n.as_str() == MAIN);
    is_own(*left) && is_main(*right) || is_own(*right) && is_main(*left)
}

/// Where each name is said outside of tests: as a name, an attribute or a text. The first few places of each.
fn said(cx: &CheckContext<'_>) -> FxHashMap<Name, Vec<Said>> {
    let mut found: FxHashMap<Name, Vec<Said>> = FxHashMap::default();
    for (i, facts) in cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if cx.ix.sources.file(file).origin == Origin::Test {
            continue;
        }
        for (j, decl) in facts.functions.iter().enumerate() {
            let body = &decl.body;
            let started: Vec<Range> = if decl.kind == FnKind::File { started(body) } else { Vec::new() };
            for (expr, range) in body.exprs.iter().zip(&body.ranges) {
                let name = match expr {
                    Expr::Attr { name, .. } | Expr::Lookup { name, .. } | Expr::Name(name) => *name,
                    Expr::Local(slot) => body.slots[slot.0 as usize],
                    // `"jobs.nightly.run"`
                    Expr::Str(text) if text.as_str().len() < MAX_NAME => {
                        Name::new(text.as_str().rsplit(['.', ':', '/', '@']).next().unwrap_or_default())
                    }
                    _ => continue,
                };
                let is_started = started.iter().any(|block| block.contains(*range));
                let place = if is_started { Said::AtStart(file) } else { Said::In(FnRef { file, id: FnId(j as u32) }) };
                let places = found.entry(name).or_default();
                if places.len() < MAX_SAID && places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
    }
    found
}

/// Who calls each function, as far as values told.
fn callers(cx: &CheckContext<'_>) -> FxHashMap<FnRef, Vec<FnRef>> {
    let mut found: FxHashMap<FnRef, Vec<FnRef>> = FxHashMap::default();
    for (caller, called) in &cx.flow.calls {
        found.entry(*called).or_default().push(*caller);
    }
    found
}

/// The parts of a module that run only where its file is the one that is started.
fn started(body: &Body) -> Vec<Range> {
    let blocks = body.stmts.iter().filter_map(|s| match s {
        Stmt::If { cond, then, .. } if asks_if_program(body, body.expr(*cond)) => Some(then),
        _ => None,
    });
    blocks.flatten().map(|s| body.stmt_ranges[s.0 as usize]).collect()
}
