//! When does a function run: for every request or message, once per process, or only when it is called?
//!
//! Decorators are read through module variables (`router = APIRouter()`, `@router.get(…)`), classes through their library
//! ancestors, routes through [`Engine::handlers`]. Which names mean what is the packs' matter.

use super::value::{Data, UNKNOWN, Val};
use super::{Engine, Frame, Values};
use crate::base::{Name, Range};
use crate::facts::{Arg, Expr, ExprId, FnId, FnKind, Language, Pat, Slot, Type};
use crate::index::{ClassId, FnRef, Symbol};
use crate::packs::Runs;
use crate::source::Origin;

/// Name of a decorator of the program that keeps results; no program can spell it.
const MEMOISED: &str = "<kept>";

/// How an object is called.
const CALLED: &str = "__call__";

/// Why a function runs without being called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// For what it runs.
    pub kind: EntryKind,
    /// Its coroutines run on a loop that serves others, too.
    pub is_on_shared_loop: bool,
    /// As a plain function it would run in a thread.
    pub may_be_plain: bool,
}

/// For what an entry point runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntryKind {
    /// Each request.
    Request,
    /// Each message or job.
    Task,
    /// The clock.
    Scheduled,
    /// The start or end of the process.
    Startup,
    /// A person or a timer.
    Command,
}

/// What decorators and registrations say of a function.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Marks {
    entry: Option<Entry>,
    pub(super) is_once: bool,
    pub(super) is_offloaded: bool,
    /// A generator that is run where it is entered: `@contextmanager`.
    pub(super) is_entered: bool,
}

impl<'a> Engine<'a> {
    /// The entry point that a function is, if it is one.
    pub(super) fn entry_of(&mut self, f: FnRef) -> Option<Entry> {
        let origin = self.ix.sources.file(f.file).origin;
        if matches!(origin, Origin::Test | Origin::Script | Origin::Migration) {
            return None;
        }
        if self.startups.contains(&f) {
            return Some(Entry { kind: EntryKind::Startup, is_on_shared_loop: false, may_be_plain: false });
        }
        let marked = self.marks(f).entry;
        if marked.is_some() {
            return marked;
        }
        let request = Entry { kind: EntryKind::Request, is_on_shared_loop: true, may_be_plain: false };
        self.handlers.contains(&f).then_some(request)
    }

    /// What decorators, classes and parameters say of a function.
    pub(super) fn marks(&mut self, f: FnRef) -> Marks {
        if let Some(marks) = self.marks.get(&f) {
            return *marks;
        }
        self.marks.insert(f, Marks::default());
        let marks = self.read_marks(f);
        self.marks.insert(f, marks);
        marks
    }

    fn read_marks(&mut self, f: FnRef) -> Marks {
        let mut marks = Marks::default();
        let decl = self.ix.function(f);
        if !matches!(decl.kind, FnKind::Function | FnKind::Method) {
            return marks;
        }
        let language = self.ix.file(f.file).language;
        if let (Some(parent), Language::Python) = (decl.parent, language) {
            let outer = FnRef { file: f.file, id: parent };
            for decorator in &decl.decorators {
                for name in self.decorator_names(outer, *decorator) {
                    if self.ix.packs.function(name).is_some_and(|op| op.offloads) {
                        marks.is_offloaded = true;
                    }
                    marks.is_entered |= self.ix.packs.roles(name).iter().any(|r| r.as_str() == "context-manager");
                    self.apply_runs(&mut marks, name);
                }
                if marks.entry.is_none() && self.looks_like_route(outer, *decorator) {
                    marks.entry = Some(Entry { kind: EntryKind::Request, is_on_shared_loop: true, may_be_plain: false });
                }
            }
            if let Some(entry) = &mut marks.entry
                && entry.may_be_plain
            {
                entry.may_be_plain = decl.decorators.iter().all(|d| self.leaves_plain(outer, *d));
            }
            if let Some(entry) = &mut marks.entry
                && matches!(entry.kind, EntryKind::Task | EntryKind::Scheduled)
            {
                // A worker runs a plain function in no event loop: what that starts is its own.
                entry.is_on_shared_loop &= decl.is_async;
                if self.is_scheduled(f) {
                    entry.kind = EntryKind::Scheduled;
                }
            }
        }
        if marks.entry.is_none() && !marks.is_once && decl.kind == FnKind::Method {
            marks.entry = self.entry_by_class(f);
        }
        if marks.entry.is_none() && !marks.is_once && self.takes_request(f) {
            marks.entry = Some(Entry { kind: EntryKind::Request, is_on_shared_loop: true, may_be_plain: false });
        }
        marks
    }

    /// Does a decorator leave a plain function one that runs in a thread: does it register it, or only look at it? What awaits
    /// the function, and what is not known, does not.
    fn leaves_plain(&mut self, outer: FnRef, decorator: ExprId) -> bool {
        let mut fr = self.frame(outer, UNKNOWN);
        let callee = if let Expr::Call { callee, .. } = fr.body.expr(decorator) { *callee } else { decorator };
        let own = self.static_value(&mut fr, callee, 0);
        let names = self.decorator_names(outer, decorator);
        if let Data::Function(f) = *self.data(own) {
            let functions = &self.ix.file(f.file).functions;
            let has_coroutine = functions.iter().enumerate().any(|(i, d)| d.is_async && self.is_within(f, FnId(i as u32)));
            let tests = self.ix.packs.word_in_language(self.names.python, "coroutine-tests");
            let asks = names.iter().any(|n| tests.is_some_and(|w| w.has_word(n.last_segment())));
            return !has_coroutine || asks;
        }
        names.iter().any(|name| {
            let mut marks = Marks::default();
            self.apply_runs(&mut marks, *name);
            marks.entry.is_some_and(|e| e.may_be_plain)
        })
    }

    /// Does a function stand in another of the same file, or is it that?
    pub(super) fn is_within(&self, outer: FnRef, inner: FnId) -> bool {
        let functions = &self.ix.file(outer.file).functions;
        let mut at = Some(inner);
        while let Some(id) = at.filter(|id| *id != outer.id) {
            at = functions[id.0 as usize].parent;
        }
        at.is_some()
    }

    /// `@router.get("/path")` on something that was not followed, in a program whose servers run event loops.
    fn looks_like_route(&self, outer: FnRef, decorator: ExprId) -> bool {
        let body = &self.ix.function(outer).body;
        let Expr::Call { callee, args } = body.expr(decorator) else { return false };
        let Expr::Attr { name, .. } = body.expr(*callee) else { return false };
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let is_verb = word("plain-registrations").is_some_and(|w| w.has_word(name.as_str()));
        let is_path = args.first().is_some_and(|a| match body.expr(a.value) {
            Expr::Str(path) => path.as_str().starts_with('/') || path.is_empty(),
            _ => false,
        });
        let packages = &self.ix.sources.manifest.packages;
        let servers = word("loop-packages").map_or("", Name::as_str);
        is_verb && is_path && servers.split_whitespace().any(|p| packages.contains_key(p))
    }

    fn apply_runs(&self, marks: &mut Marks, name: Name) {
        match self.runs_of(name) {
            Some(Runs::Once) => marks.is_once = true,
            Some(runs) if marks.entry.is_none() => {
                marks.entry = entry_for(runs);
                if let (Some(entry), Some((class, method))) = (&mut marks.entry, name.as_str().rsplit_once('.')) {
                    let class_has = self.ix.packs.roles(Name::new(class)).iter().any(|r| r.as_str() == "plain-in-thread");
                    let verbs = self.ix.packs.word_in_language(self.names.python, "plain-registrations");
                    entry.may_be_plain = class_has && verbs.is_some_and(|w| w.has_word(method));
                }
            }
            _ => (),
        }
    }

    /// When what a library's function or method registers runs.
    fn runs_of(&self, name: Name) -> Option<Runs> {
        if name.as_str() == MEMOISED {
            return Some(Runs::Once);
        }
        if let Some(runs) = self.ix.packs.function(name).and_then(|op| op.runs) {
            return Some(runs);
        }
        let (class, method) = name.as_str().rsplit_once('.')?;
        let kind = self.ix.packs.instance_kind(Name::new(class))?;
        self.ix.packs.op_in_language(self.names.python, kind, Name::new(method)).and_then(|op| op.runs)
    }

    /// The full names of what decorates: the decorator itself and what is handed to it.
    pub(super) fn decorator_names(&mut self, outer: FnRef, decorator: ExprId) -> Vec<Name> {
        let mut fr = self.frame(outer, UNKNOWN);
        let body = fr.body;
        let mut names = Vec::new();
        let (callee, args): (ExprId, &[Arg]) = match body.expr(decorator) {
            Expr::Call { callee, args } => (*callee, args),
            _ => (decorator, &[]),
        };
        self.names_of(&mut fr, callee, &mut names);
        let own = self.static_value(&mut fr, callee, 0);
        match *self.data(own) {
            Data::Function(f) => {
                self.names_within(f, &mut names);
                if self.memoises(f) {
                    names.push(Name::new(MEMOISED));
                }
            }
            // A class that decorates by being called.
            Data::Class(class) => {
                let call = Name::new(CALLED);
                if let Some((_, f)) = self.ix.find_method(class, call) {
                    self.names_within(f, &mut names);
                }
            }
            _ => (),
        }
        for arg in args {
            if matches!(body.expr(arg.value), Expr::Attr { .. }) {
                self.names_of(&mut fr, arg.value, &mut names);
            }
        }
        names
    }

    /// What a decorator of the program hands its function on to.
    fn names_within(&mut self, decorator: FnRef, names: &mut Vec<Name>) {
        let functions = &self.ix.file(decorator.file).functions;
        for (i, decl) in functions.iter().enumerate() {
            if !self.is_within(decorator, FnId(i as u32)) || decl.kind == FnKind::File {
                continue;
            }
            let mut fr = self.frame(FnRef { file: decorator.file, id: FnId(i as u32) }, UNKNOWN);
            for e in &decl.body.exprs {
                if let Expr::Call { callee, .. } = e
                    && matches!(decl.body.expr(*callee), Expr::Name(_) | Expr::Attr { .. })
                {
                    self.names_of(&mut fr, *callee, names);
                }
            }
        }
    }

    fn names_of(&mut self, fr: &mut Frame<'a>, e: ExprId, names: &mut Vec<Name>) {
        match fr.body.expr(e) {
            Expr::Attr { base, name, .. } => {
                let object = self.static_value(fr, *base, 0);
                for val in self.v.alternatives(object) {
                    match self.data(val).clone() {
                        Data::External(n) | Data::Instance(n) => names.push(below(n, *name)),
                        Data::Object { class, .. } => {
                            for n in self.ix.class(class).external.clone() {
                                names.push(below(n, *name));
                            }
                        }
                        Data::Function(f) => self.names_of_decorated(f, *name, names),
                        Data::Module(_) => {
                            let target = self.attr(fr, val, *name, Range::new(0, 0));
                            if let Data::External(n) = self.data(target) {
                                names.push(*n);
                            }
                        }
                        _ => (),
                    }
                }
            }
            _ => {
                let val = self.static_value(fr, e, 0);
                if let Data::External(n) = self.data(val) {
                    names.push(*n);
                }
            }
        }
    }

    /// `@group.command()` below `@click.group() def group()`: a decorator may put an object in the place of its function.
    fn names_of_decorated(&mut self, f: FnRef, name: Name, names: &mut Vec<Name>) {
        let decl = self.ix.function(f);
        let Some(parent) = decl.parent else { return };
        let outer = FnRef { file: f.file, id: parent };
        for decorator in &decl.decorators {
            let body = &self.ix.function(outer).body;
            let callee = if let Expr::Call { callee, .. } = body.expr(*decorator) { *callee } else { *decorator };
            if let Symbol::External(made_by) = self.ix.symbol_of(outer, callee)
                && let Some(class) = self.ix.packs.function(made_by).and_then(|op| op.instance)
            {
                names.push(below(class, name));
            }
        }
    }

    /// The value of a name, attribute or constructor call outside the flow of its function.
    pub(super) fn static_value(&mut self, fr: &mut Frame<'a>, e: ExprId, depth: usize) -> Val {
        if depth > 6 {
            return UNKNOWN;
        }
        match fr.body.expr(e) {
            Expr::Local(slot) => self.static_slot(fr, *slot, depth),
            Expr::Attr { base, name, .. } => {
                let object = self.static_value(fr, *base, depth + 1);
                self.attr(fr, object, *name, Range::new(0, 0))
            }
            Expr::Call { callee, .. } => {
                let target = self.static_value(fr, *callee, depth + 1);
                match self.data(target).clone() {
                    Data::External(n) => match self.ix.packs.function(n).and_then(|op| op.instance) {
                        Some(instance) => self.v.of(Data::Instance(instance)),
                        None => self.v.of(Data::Instance(n)),
                    },
                    Data::Class(class) => self.v.of(Data::Object { class, fields: Box::default(), exact: true }),
                    Data::Function(f) => match &self.ix.function(f).ret {
                        Some(ty) => self.value_of_type(f.file, f.id, ty),
                        None => UNKNOWN,
                    },
                    _ => UNKNOWN,
                }
            }
            Expr::Name(_) | Expr::Null | Expr::Bool(_) | Expr::Str(_) => self.expr(fr, e),
            _ => UNKNOWN,
        }
    }

    pub(super) fn static_slot(&mut self, fr: &mut Frame<'a>, slot: Slot, depth: usize) -> Val {
        let body = fr.body;
        let Some(name) = body.slots.get(slot.0 as usize).copied() else {
            return UNKNOWN;
        };
        if fr.decl.kind == FnKind::File {
            let symbol = self.ix.member(fr.file, name);
            return self.symbol(symbol);
        }
        if let Some(param) = fr.decl.params.iter().find(|p| p.slot == slot) {
            return self.declared_param(fr.f, param, false);
        }
        for e in &body.exprs {
            if let Expr::Assign { target, value } = e
                && *body.pat(*target) == Pat::Local(slot)
            {
                return self.static_value(fr, *value, depth + 1);
            }
        }
        let symbol = self.ix.resolve_name(fr.file, fr.f.id, name);
        self.symbol(symbol)
    }

    /// Methods of classes that a library instantiates.
    fn entry_by_class(&mut self, f: FnRef) -> Option<Entry> {
        let class = self.ix.class_of_function(f)?;
        let decl = self.ix.function(f);
        if decl.is_static || decl.is_classmethod {
            return None;
        }
        let is_constructor = matches!(decl.name.as_str(), "__init__" | "__construct" | "__new__" | "__init_subclass__");
        let request = Some(Entry { kind: EntryKind::Request, is_on_shared_loop: true, may_be_plain: false });
        let task = Some(Entry { kind: EntryKind::Task, is_on_shared_loop: true, may_be_plain: false });
        if self.has_role(class, "request-class") {
            if is_constructor {
                return if self.is_kept(class) { None } else { request };
            }
            let verbs = self.ix.packs.word_in_language(self.names.python, "request-methods");
            let is_verb = verbs.is_some_and(|w| w.has_word(decl.name.as_str()));
            // What the program calls itself is on the way, whatever class it is in.
            return if is_verb || !self.is_called_by_its_class(decl.name) { request } else { None };
        }
        if is_constructor {
            return None;
        }
        if self.has_role(class, "request-handler") {
            return request;
        }
        if self.has_role(class, "task-class") || self.has_role(class, "job") && decl.name.as_str() == "handle" {
            return task;
        }
        None
    }

    /// Does an attribute of the class say that one instance serves all requests?
    pub(super) fn is_kept(&self, class: ClassId) -> bool {
        let Some(word) = self.ix.packs.word_in_language(self.names.python, "kept-instance") else {
            return false;
        };
        let Some((owner, i)) = self.ix.find_attr(class, word) else {
            return false;
        };
        let decl = self.ix.class_decl(owner);
        let body = &self.ix.file(self.ix.class(owner).file).functions[decl.scope.0 as usize].body;
        decl.attrs[i].value.is_some_and(|v| *body.expr(v) == Expr::Bool(false))
    }

    /// Whoever is given a request runs once per request; so does a cloud function, by its parameters.
    /// Does the library call a method of a class of views with the request as its first argument?
    pub(super) fn is_given_request(&self, f: FnRef) -> bool {
        let decl = self.ix.function(f);
        if decl.kind != FnKind::Method || decl.is_static || decl.is_classmethod {
            return false;
        }
        if !self.ix.class_of_function(f).is_some_and(|c| self.has_role(c, "given-request")) {
            return false;
        }
        let request = self.ix.packs.word_in_language(self.names.python, "request-parameter");
        decl.params.get(1).is_some_and(|p| request == Some(p.name))
    }

    /// The request as an attribute of an object of a class of views.
    pub(super) fn given_request(&mut self, class: ClassId, name: Name) -> Val {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        if word("request-parameter") != Some(name) || !self.has_role(class, "given-request") {
            return UNKNOWN;
        }
        let request = word("request-class");
        request.map_or(UNKNOWN, |request| self.v.of(Data::Instance(request)))
    }

    fn takes_request(&self, f: FnRef) -> bool {
        let decl = self.ix.function(f);
        if self.ix.file(f.file).language != Language::Python {
            return false;
        }
        let first = decl.params.iter().position(|_| true).map(|_| usize::from(self.takes_receiver(f)));
        let Some(first) = first else { return false };
        let names: Vec<&str> = decl.params.iter().skip(first).map(|p| p.name.as_str()).collect();
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let is = |key: &str| word(key).is_some_and(|w| w.as_str().split_whitespace().eq(names.iter().copied()));
        if is("function-parameters") || is("application-parameters") {
            return true;
        }
        if decl.name.as_str().starts_with("__init") {
            return false;
        }
        let request = word("request-parameter").is_some_and(|w| names.first() == Some(&w.as_str()))
            && !self.is_of_service(f)
            && !decl.params.get(first).is_some_and(|p| self.is_other_request(f, p.ty.as_ref()));
        request
            || decl.params.iter().any(|p| match &p.ty {
                Some(Type::Named(n)) => {
                    let full = self.full_name(f.file, f.id, *n);
                    self.ix.packs.instance_kind(full).is_some_and(|k| k.as_str() == "request")
                }
                _ => false,
            })
    }

    /// Is a function a method of a class that no library asks anything: one that derives from none, and has no hooks of middleware?
    fn is_of_service(&self, f: FnRef) -> bool {
        let Some(class) = self.ix.class_of_function(f).filter(|_| self.ix.function(f).kind == FnKind::Method) else {
            return false;
        };
        let info = self.ix.class(class);
        let hooks = self.ix.packs.word_in_language(self.names.python, "request-hooks");
        let has_hook = info.mro.iter().any(|c| {
            let file = self.ix.class(*c).file;
            let methods = self.ix.class_decl(*c).methods.iter().map(|id| self.ix.function(FnRef { file, id: *id }));
            methods.into_iter().any(|method| hooks.is_some_and(|w| w.has_word(method.name.as_str())))
        });
        info.external.is_empty() && !has_hook
    }

    /// Does the type of a parameter say that it is no request that came in: a library's that is sent, or one of the program's own?
    fn is_other_request(&self, f: FnRef, ty: Option<&Type>) -> bool {
        let Some(Type::Named(n)) = ty else { return false };
        match self.ix.resolve_dotted(f.file, f.id, n.as_str()) {
            Symbol::External(full) => {
                let sent = self.ix.packs.word_in_language(self.names.python, "sent-requests");
                sent.is_some_and(|w| w.has_word(full.as_str()))
            }
            // What the program itself calls a request, as the data of one that is to be carried out.
            Symbol::Class(class) => {
                let is_request = |n: &Name| self.ix.packs.instance_kind(*n).is_some_and(|k| k.as_str() == "request");
                !self.ix.class(class).external.iter().any(is_request)
            }
            _ => false,
        }
    }

    /// Functions handed to a library as what runs when the process starts or ends.
    pub(super) fn note_startup(&mut self, args: &super::call::Args) {
        let Some(words) = self.ix.packs.word_in_language(self.names.python, "startup-arguments") else {
            return;
        };
        for (name, val) in &args.named {
            if words.has_word(name.as_str()) {
                collect_functions(&self.v, *val, &mut self.startups);
            }
        }
    }
}

fn collect_functions(values: &Values, val: Val, out: &mut rustc_hash::FxHashSet<FnRef>) {
    match values.get(val) {
        Data::Function(f) | Data::Closure(f, ..) => {
            out.insert(*f);
        }
        Data::Tuple(items) => {
            for item in items.iter() {
                if let Data::Function(f) | Data::Closure(f, ..) = values.get(*item) {
                    out.insert(*f);
                }
            }
        }
        _ => (),
    }
}

fn entry_for(runs: Runs) -> Option<Entry> {
    let (kind, is_on_shared_loop) = match runs {
        Runs::Request => (EntryKind::Request, true),
        Runs::RequestAlone => (EntryKind::Request, false),
        Runs::Task => (EntryKind::Task, true),
        Runs::TaskAlone => (EntryKind::Task, false),
        Runs::Scheduled => (EntryKind::Scheduled, true),
        Runs::Startup => (EntryKind::Startup, false),
        Runs::Command => (EntryKind::Command, false),
        Runs::Once => return None,
    };
    Some(Entry { kind, is_on_shared_loop, may_be_plain: false })
}

fn below(outer: Name, name: Name) -> Name {
    Name::new(&format!("{outer}.{name}"))
}
