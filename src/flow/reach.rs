//! Which functions run on an event loop that serves others, too; which run because their time has come?
//!
//! Calls are noted where values are called, and where functions are handed on to be run. From the entry points of a server
//! everything is reached that they call; what is only queued for a worker is not.

use rustc_hash::FxHashSet;

use super::call::Args;
use super::value::Data;
use super::{Engine, Entry, EntryKind, Frame};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, Language};
use crate::index::{FnRef, Symbol};

/// Who calls whom.
#[derive(Debug, Default)]
pub(super) struct Calls {
    known: FxHashSet<(FnRef, FnRef)>,
    list: Vec<(FnRef, FnRef)>,
    queued: FxHashSet<(FnRef, FnRef)>,
}

impl Calls {
    /// One function calls another, or hands it on.
    pub(super) fn note(&mut self, caller: FnRef, called: FnRef) {
        if self.known.insert((caller, called)) {
            self.list.push((caller, called));
        }
    }
}

impl<'a> Engine<'a> {
    /// Functions given as arguments: whoever gets them runs them, unless it is a queue.
    pub(super) fn handed_on(&mut self, fr: &Frame<'a>, method: Name, args: &Args) {
        if fr.language != Language::Python {
            return;
        }
        for val in args.positional.iter().chain(args.named.iter().map(|(_, v)| v)) {
            let given = match *self.data(*val) {
                Data::Function(f) | Data::Closure(f, ..) => f,
                Data::Method(recv, name) => match *self.data(recv) {
                    Data::Object { class, .. } => match self.ix.find_method(class, name) {
                        Some((_, f)) => f,
                        None => continue,
                    },
                    _ => continue,
                },
                _ => continue,
            };
            let queues = self.ix.packs.word_in_language(self.names.python, "queueing-methods");
            if queues.is_some_and(|w| w.has_word(method.as_str())) {
                self.calls.queued.insert((fr.f, given));
            } else {
                self.calls.note(fr.f, given);
            }
        }
    }

    /// Functions that are reached from what a server's event loop runs, and those that have a loop to themselves: of
    /// commands, and of workers that run one job at a time.
    pub(super) fn on_server(&mut self) -> (FxHashSet<FnRef>, FxHashSet<FnRef>) {
        let mut calls = std::mem::take(&mut self.calls.list);
        // Who queues a function and calls it, too, calls it where there is no worker: in development.
        calls.retain(|call| !self.calls.queued.contains(call));
        calls.sort_unstable();
        #[allow(clippy::iter_over_hash_type)]
        let mut queued: Vec<FnRef> = self.calls.queued.iter().map(|(_, f)| *f).collect();
        queued.sort_unstable();
        // A coroutine for which a plain function starts an event loop has that to itself.
        let (private, mut open): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(f, g)| self.is_started_alone(*f, *g));
        // What goes on for ever beside others keeps their event loop busy, whoever started it.
        let is_beside = |(f, g): &&(FnRef, FnRef)| self.goes_on_for_ever(*g) && self.is_started_beside(*f, *g);
        let beside: Vec<FnRef> = open.iter().filter(is_beside).map(|(_, g)| *g).collect();
        let served = self.reached(&open, &private, beside, |e| {
            e.is_on_shared_loop && matches!(e.kind, EntryKind::Request | EntryKind::Task | EntryKind::Scheduled)
        });
        open.extend(private.iter().copied());
        open.sort_unstable();
        let calls = open;
        let alone = self.reached(&calls, &[], queued, |e| {
            matches!(e.kind, EntryKind::Startup | EntryKind::Command) || e.kind == EntryKind::Task && !e.is_on_shared_loop
        });
        self.calls.list = calls;
        (served, alone)
    }

    /// Does a plain function call a coroutine function only to start an event loop with what it gives: `run(work())`?
    fn is_started_alone(&self, caller: FnRef, called: FnRef) -> bool {
        let (decl, inner) = (self.ix.function(caller), self.ix.function(called));
        let words = self.ix.packs.word_in_language(self.names.python, "loop-starting");
        if decl.is_async || !inner.is_async {
            return false;
        }
        let body = &decl.body;
        let starts = |callee: ExprId| body.last_name(callee).is_some_and(|n| words.is_some_and(|w| w.has_word(n.as_str())));
        let is_started = |at: ExprId| {
            body.exprs.iter().any(|e| match e {
                Expr::Call { callee, args } => args.first().is_some_and(|a| a.value == at) && starts(*callee),
                _ => false,
            })
        };
        let mut is_any = false;
        for (i, e) in body.exprs.iter().enumerate() {
            let Expr::Call { callee, args } = e else { continue };
            if body.last_name(*callee) == Some(inner.name) {
                if !is_started(ExprId(i as u32)) {
                    return false;
                }
                is_any = true;
            }
            // `run(work)`, `async_to_sync(work)()`
            is_any |= args.first().is_some_and(|a| body.last_name(a.value) == Some(inner.name)) && starts(*callee);
        }
        is_any
    }

    /// Functions that run only because somebody types a command: the commands, and what nothing else calls. To be asked once
    /// [`Engine::on_server`] has sorted the calls.
    pub(super) fn only_by_command(&mut self) -> FxHashSet<FnRef> {
        let calls = std::mem::take(&mut self.calls.list);
        let mut found = self.reached(&calls, &[], Vec::new(), |e| e.kind == EntryKind::Command);
        loop {
            let mut others: Vec<FnRef> = Vec::new();
            for (caller, called) in &calls {
                if found.contains(called) && !found.contains(caller) {
                    others.push(*called);
                }
            }
            others.retain(|f| self.entry_of(*f).is_none_or(|e| e.kind != EntryKind::Command));
            if others.is_empty() {
                break;
            }
            for f in others {
                found.remove(&f);
            }
        }
        self.calls.list = calls;
        found
    }

    /// Who calls whom, as far as values told, sorted.
    pub(super) fn known_calls(&mut self) -> Vec<(FnRef, FnRef)> {
        std::mem::take(&mut self.calls.list)
    }

    /// What entry points reach by calls, and by what stands in functions, other than by calls that were left out.
    fn reached(
        &mut self,
        calls: &[(FnRef, FnRef)],
        left_out: &[(FnRef, FnRef)],
        mut waiting: Vec<FnRef>,
        starts: impl Fn(Entry) -> bool,
    ) -> FxHashSet<FnRef> {
        let mut reached: FxHashSet<FnRef> = waiting.iter().copied().collect();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            for j in 0..facts.functions.len() {
                let f = FnRef { file: FileId(i as u32), id: FnId(j as u32) };
                if self.entry_of(f).is_some_and(&starts) && reached.insert(f) {
                    waiting.push(f);
                }
            }
        }
        while let Some(f) = waiting.pop() {
            let start = calls.partition_point(|(caller, _)| *caller < f);
            for (_, called) in calls[start..].iter().take_while(|(caller, _)| *caller == f) {
                if reached.insert(*called) {
                    waiting.push(*called);
                }
            }
            // What stands inside may be run by whoever gets it.
            let functions = &self.ix.file(f.file).functions;
            for (j, decl) in functions.iter().enumerate() {
                let inner = FnRef { file: f.file, id: FnId(j as u32) };
                let is_inside = decl.parent == Some(f.id) && f.id.0 != 0 && decl.class.is_none();
                if is_inside && left_out.binary_search(&(f, inner)).is_err() && reached.insert(inner) {
                    waiting.push(inner);
                }
            }
        }
        reached
    }

    /// Do classes call a method of this name on themselves?
    pub(super) fn is_called_by_its_class(&mut self, name: Name) -> bool {
        if self.own_calls.is_none() {
            let mut found = FxHashSet::default();
            for decl in self.ix.facts.iter().filter(|f| f.language == Language::Python).flat_map(|f| &f.functions) {
                let Some(receiver) = decl.params.first().map(|p| p.slot) else { continue };
                for e in &decl.body.exprs {
                    if let Expr::Call { callee, .. } = e
                        && let Expr::Attr { base, name, .. } = decl.body.expr(*callee)
                        && *decl.body.expr(*base) == Expr::Local(receiver)
                        && *name != decl.name
                    {
                        found.insert(*name);
                    }
                }
            }
            self.own_calls = Some(found);
        }
        self.own_calls.as_ref().is_some_and(|s| s.contains(&name))
    }

    /// Is a task started by the clock: by its decorator, or by a schedule that names it?
    pub(super) fn is_scheduled(&mut self, f: FnRef) -> bool {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let (Some(arguments), Some(calls), Some(keys)) =
            (word("schedule-arguments"), word("schedule-calls"), word("schedule-keys"))
        else {
            return false;
        };
        let decl = self.ix.function(f);
        let mut names = vec![self.module_path(f)];
        if let Some(parent) = decl.parent {
            let outer = &self.ix.file(f.file).functions[parent.0 as usize].body;
            for decorator in &decl.decorators {
                let Expr::Call { args, .. } = outer.expr(*decorator) else { continue };
                for arg in args {
                    if arg.name.is_some_and(|n| arguments.has_word(n.as_str())) && *outer.expr(arg.value) != Expr::Null {
                        return true;
                    }
                    if let Expr::Call { callee, .. } = outer.expr(arg.value)
                        && outer.last_name(*callee).is_some_and(|n| calls.has_word(n.as_str()))
                    {
                        return true;
                    }
                    if let (Some("name"), Expr::Str(s)) = (arg.name.map(Name::as_str), outer.expr(arg.value)) {
                        names.push(s.to_string());
                    }
                }
            }
        }
        if self.schedules.is_none() {
            self.schedules = Some(self.read_schedules(keys, calls));
        }
        let schedules = self.schedules.as_deref().unwrap_or_default();
        let fits = |text: &str| names.iter().any(|n| n == text || n.ends_with(&format!(".{text}")));
        schedules.iter().any(|text| fits(text.as_str()))
    }

    fn module_path(&self, f: FnRef) -> String {
        let path = &self.ix.sources.file(f.file).path;
        let module = path.strip_suffix(".py").unwrap_or(path).trim_end_matches("/__init__");
        format!("{}.{}", module.replace('/', "."), self.ix.function(f).name)
    }

    /// Names of tasks in the values of schedules, and functions that are registered with a time.
    fn read_schedules(&self, keys: Name, calls: Name) -> Vec<Name> {
        let mut found = Vec::new();
        for (i, facts) in self.ix.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            for (j, decl) in facts.functions.iter().enumerate() {
                let body = &decl.body;
                for e in &body.exprs {
                    match e {
                        Expr::Map(entries) => {
                            for (key, value) in entries {
                                let is_key =
                                    key.is_some_and(|k| matches!(body.expr(k), Expr::Str(s) if keys.has_word(s.as_str())));
                                if let (true, Expr::Str(task)) = (is_key, body.expr(value.value)) {
                                    found.push(*task);
                                }
                            }
                        }
                        // `sender.add_periodic_task(crontab(…), task.s())`
                        Expr::Call { callee, args } if body.last_name(*callee).is_some_and(|n| calls.has_word(n.as_str())) => {
                            for arg in args {
                                let mut e = arg.value;
                                while let Expr::Call { callee: inner, .. } = body.expr(e) {
                                    e = *inner;
                                }
                                if let Expr::Attr { base, .. } = body.expr(e) {
                                    e = *base;
                                }
                                let name = match body.expr(e) {
                                    Expr::Name(n) => *n,
                                    Expr::Local(slot) => body.slots[slot.0 as usize],
                                    _ => continue,
                                };
                                let (file, scope) = (FileId(i as u32), FnId(j as u32));
                                if let Symbol::Function(f) = self.ix.resolve_name(file, scope, name) {
                                    found.push(Name::new(&self.module_path(f)));
                                }
                            }
                        }
                        _ => (),
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
