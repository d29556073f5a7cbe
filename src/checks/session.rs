//! Which sessions and connections stay open, which engines have no pool?

use std::collections::BTreeMap;

use super::reading::keyword;
use super::{CheckContext, step};
use crate::base::{Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, FnKind, Pat, Slot, Stmt, StmtId};
use crate::findings::{Finding, Level};
use crate::flow::What;
use crate::index::{FnRef, Symbol};

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    leaks(cx, findings);
    pools(cx, findings);
}

/// Engines whose pool is switched off, in a server.
fn pools(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let word = |key: &str| cx.ix.packs.word_in_language(Name::new("python"), key);
    let Some(servers) = word("server-packages") else {
        return;
    };
    let packages = &cx.ix.sources.manifest.packages;
    let imports = |package: &str| {
        let roots = cx.ix.facts.iter().flat_map(|f| &f.imports).filter(|i| i.level == 0);
        roots.into_iter().any(|i| i.target.as_str().split('.').next() == Some(package))
    };
    let server = servers.as_str().split_whitespace().find(|p| packages.contains_key(*p) || imports(p));
    for f in cx.functions().iter().copied() {
        let decl = cx.ix.function(f);
        if decl.kind != FnKind::File {
            continue;
        }
        let text = &cx.ix.sources.file(f.file).text;
        let is_pooled_outside = || {
            let lower = text.to_lowercase();
            word("pooler-words").is_some_and(|w| w.as_str().split_whitespace().any(|p| lower.contains(p)))
        };
        for (e, range) in decl.body.exprs.iter().zip(&decl.body.ranges) {
            let Expr::Call { callee, args } = e else {
                continue;
            };
            let Symbol::External(name) = cx.named(f, *callee) else {
                continue;
            };
            let has_role = |n: Name, role: &str| cx.ix.packs.roles(n).iter().any(|r| r.as_str() == role);
            if !has_role(name, "engine-constructor") || is_pooled_outside() {
                continue;
            }
            let Some(pool) = keyword(args, "poolclass") else {
                continue;
            };
            let Symbol::External(class) = cx.named(f, pool) else {
                continue;
            };
            let Some(server) = server.filter(|_| has_role(class, "no-pool")) else {
                continue;
            };
            let span = Span { file: f.file, range: *range };
            let message = format!("this engine opens a connection for every use: `poolclass={}`", class.last_segment());
            let mut finding = cx.finding("engine-without-pool", span, f, message);
            step(&mut finding.steps, Span { file: f.file, range: decl.body.range(pool) }, "the pool is switched off here");
            finding.help = format!(
                "leave `poolclass` away: the application is a server (it uses `{server}`) and would reuse its connections"
            );
            finding.cost = "1 connection per use".to_owned();
            finding.subject.client = Some(name.to_string());
            findings.push(finding);
        }
    }
}

/// How an opened thing is left.
enum End {
    /// Closed, or somebody else's.
    Fine,
    /// Never closed.
    Open,
    /// Closed, but not where an exception passes.
    Skipped(Range),
}

fn leaks(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut opened: BTreeMap<Span, (Name, FnRef)> = BTreeMap::new();
    for event in &cx.flow.events {
        if let What::Open { resource } = &event.what {
            opened.insert(event.site, (*resource, event.owner));
        }
    }
    let openers: Vec<FnRef> = opened.values().map(|(_, f)| *f).collect();
    for (site, (resource, f)) in &opened {
        let source = cx.ix.sources.file(site.file);
        let decl = cx.ix.function(*f);
        if source.origin != crate::source::Origin::Ours || matches!(decl.kind, FnKind::File | FnKind::ClassBody) {
            continue;
        }
        if ends_with_process(cx, *f) {
            continue;
        }
        findings.extend(leak(cx, *f, *site, *resource));
    }
    // `next(generator())`: the generator is never resumed, so its end never runs in time.
    for f in cx.functions().iter().copied() {
        let decl = cx.ix.function(f);
        if decl.kind == FnKind::File {
            continue;
        }
        for (e, range) in decl.body.exprs.iter().zip(&decl.body.ranges) {
            let Expr::Call { callee, args } = e else {
                continue;
            };
            if !cx.names_role(f, *callee, "takes-one") {
                continue;
            }
            let Some(Expr::Call { callee: inner, .. }) = args.first().map(|a| decl.body.expr(a.value)) else {
                continue;
            };
            let Symbol::Function(g) = cx.named(f, *inner) else {
                continue;
            };
            if !cx.ix.function(g).is_generator || !openers.contains(&g) {
                continue;
            }
            if ends_with_process(cx, f) {
                continue;
            }
            let span = Span { file: f.file, range: *range };
            let Some(end) = end_of(&decl.body, *range, decl.is_generator) else {
                continue;
            };
            if matches!(end, End::Fine) {
                continue;
            }
            let name = cx.ix.function(g).name;
            let message = format!("what `{name}` opens is not closed: the generator is never resumed");
            let mut finding = cx.finding("leaked-session", span, f, message);
            finding.help = format!("open it in a block that closes it, or wrap `{name}` in a context manager");
            findings.push(finding);
        }
    }
}

fn leak(cx: &CheckContext<'_>, f: FnRef, site: Span, resource: Name) -> Option<Finding> {
    let decl = cx.ix.function(f);
    let end = end_of(&decl.body, site.range, decl.is_generator)?;
    let what = word_for(resource);
    let (message, at) = match end {
        End::Fine => return None,
        End::Open => (format!("the {what} opened here is never closed"), None),
        End::Skipped(at) if decl.is_generator => {
            (format!("the {what} opened here stays open when whoever uses it raises"), Some(at))
        }
        End::Skipped(at) => (format!("the {what} opened here stays open when something raises before it is closed"), Some(at)),
    };
    let mut finding = cx.finding("leaked-session", site, f, message);
    if let Some(range) = at {
        step(&mut finding.steps, Span { file: site.file, range }, "this is skipped then");
        if !decl.is_generator {
            finding.level = Level::Note;
        }
    }
    finding.help = "open it in a `with` block, or close it in `finally`".to_owned();
    finding.subject.client = Some(resource.to_string());
    Some(finding)
}

/// What is opened, in the reader's words.
fn word_for(resource: Name) -> &'static str {
    let last = resource.last_segment().to_ascii_lowercase();
    if last.contains("session") { "session" } else { "connection" }
}

/// Does the process end with the function, and close what is open: a command, a migration, a script?
fn ends_with_process(cx: &CheckContext<'_>, f: FnRef) -> bool {
    if cx.flow.on_server.contains(&f) {
        return false;
    }
    let path = cx.ix.sources.file(f.file).path.to_ascii_lowercase();
    let (files, folders) = (cx.ix.packs.word_list("command-files"), cx.ix.packs.word_list("command-folders"));
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    cx.flow.on_own_loop.contains(&f) || files.iter().any(|w| w == name) || parts.iter().any(|p| folders.iter().any(|w| w == p))
}

/// What becomes of what a call opens; nothing if that cannot be told.
fn end_of(body: &Body, call: Range, is_generator: bool) -> Option<End> {
    let is_call = |e: ExprId| body.range(e) == call && matches!(body.expr(e), Expr::Call { .. });
    let slot = body.exprs.iter().find_map(|e| match e {
        Expr::Assign { target, value } => {
            let value = match body.expr(*value) {
                Expr::Await(inner) => *inner,
                _ => *value,
            };
            match body.pat(*target) {
                Pat::Local(slot) if is_call(value) => Some(*slot),
                _ => None,
            }
        }
        _ => None,
    })?;
    // Given again elsewhere: too much for a syntactic look.
    let assigned =
        body.exprs.iter().filter(|e| matches!(e, Expr::Assign { target, .. } if *body.pat(*target) == Pat::Local(slot))).count();
    if assigned > 1 || escapes(body, slot, is_generator) {
        return Some(End::Fine);
    }
    let mut close = None;
    for (e, range) in body.exprs.iter().zip(&body.ranges) {
        if let Expr::Call { callee, .. } = e
            && let Expr::Attr { base, name, .. } = body.expr(*callee)
            && *body.expr(*base) == Expr::Local(slot)
            && matches!(
                name.as_str(),
                "close" | "remove" | "aclose" | "shutdown" | "dispose" | "__exit__" | "terminate" | "release"
            )
        {
            close = Some(*range);
            if in_finally(body, *range) {
                return Some(End::Fine);
            }
        }
    }
    Some(close.map_or(End::Open, End::Skipped))
}

/// Is the variable handed to somebody who may close it?
fn escapes(body: &Body, slot: Slot, is_generator: bool) -> bool {
    let is = |e: ExprId| *body.expr(e) == Expr::Local(slot);
    let in_exprs = body.exprs.iter().any(|e| match e {
        Expr::Assign { target, value } => {
            let moved = is(*value) || matches!(body.expr(*value), Expr::Seq { items, .. } if items.iter().any(|i| is(i.value)));
            moved && *body.pat(*target) != Pat::Local(slot)
        }
        Expr::Yield(Some(v)) => is(*v) && !is_generator,
        Expr::Closure(_) => true,
        Expr::New { args, .. } => args.iter().any(|a| is(a.value)),
        Expr::Call { callee, args } => {
            let name = match body.expr(*callee) {
                Expr::Attr { name, .. } | Expr::Name(name) => *name,
                _ => return args.iter().any(|a| is(a.value)),
            };
            let keeps = name.as_str().starts_with(|c: char| c.is_uppercase())
                || matches!(
                    name.as_str(),
                    "enter_context"
                        | "enter_async_context"
                        | "push"
                        | "callback"
                        | "closing"
                        | "aclosing"
                        | "append"
                        | "add"
                        | "put"
                        | "setattr"
                        | "set"
                        | "register"
                        | "weakref"
                        | "finalize"
                )
                || name.as_str().contains("close");
            keeps && args.iter().any(|a| is(a.value))
        }
        Expr::Seq { items, .. } => items.iter().any(|a| is(a.value)),
        Expr::Map(entries) => entries.iter().any(|(_, a)| is(a.value)),
        _ => false,
    });
    in_exprs
        || body.stmts.iter().any(|s| match s {
            Stmt::Return(Some(e)) => {
                is(*e)
                    || matches!(body.expr(*e), Expr::Call { callee, .. } if matches!(body.expr(*callee),
                        Expr::Attr { base, name, .. } if is(*base) && matches!(name.as_str(), "cursor" | "begin" | "connection" | "execution_options")))
            }
            Stmt::With { items, .. } => items.iter().any(|(e, _)| {
                is(*e) || matches!(body.expr(*e), Expr::Call { callee, args } if args.iter().any(|a| is(a.value))
                    || matches!(body.expr(*callee), Expr::Attr { base, name, .. } if is(*base) && name.as_str() == "begin" ))
            }),
            Stmt::Function(..) | Stmt::Class(..) => true,
            _ => false,
        })
}

/// Does a place stand in a `finally`?
fn in_finally(body: &Body, at: Range) -> bool {
    let holds = |s: &StmtId| {
        let r = body.stmt_ranges[s.0 as usize];
        r.start <= at.start && at.end <= r.end
    };
    body.stmts.iter().any(|s| matches!(s, Stmt::Try { finally, .. } if finally.iter().any(holds)))
}
