//! Which clients are built for every request, message or turn of a loop?

mod arms;
mod bound;
mod given;
mod handed;
mod hosts;
mod rare;
mod turns;

use std::collections::BTreeMap;

use given::{Reads, given};
use turns::{Turns, turns};

use super::unused::stands_in;
use super::{CheckContext, step};
use crate::base::{Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, Language};
use crate::findings::{Confidence, Finding, Level};
use crate::flow::{EntryKind, Event, What};
use crate::index::FnRef;
use crate::packs::ClientEntry;
use crate::source::Origin;

/// Steps of a finding on the way from the entry point; more would not be read.
const MAX_STEPS: usize = 8;

/// Further below its loop, a construction whose arguments were not followed to the end is a note.
const MAX_SURE: usize = 4;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut sites: BTreeMap<(Span, Name), Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        if let What::Construct { client } = &event.what {
            sites.entry((event.site, *client)).or_default().push(event);
        }
    }
    let reads = Reads::new(cx);
    let choices = arms::Choices::new(cx, sites.keys().map(|(site, _)| site));
    // Arms of one function that build the same thing for the same caller are one decision, and so is what one entry point
    // builds in several places.
    let mut decisions: BTreeMap<Decision, Merged> = BTreeMap::new();
    let mut order: Vec<Decision> = Vec::new();
    let mut same: BTreeMap<Decision, Decision> = BTreeMap::new();
    for ((site, client), events) in sites {
        let Some((finding, event)) = report(cx, site, client, events, &reads) else { continue };
        let what = cx.ix.packs.client(client).map_or(String::new(), |e| e.what.clone());
        let turn = loop_of(cx, event);
        let entry = event.entry.filter(|_| turn.is_none());
        let owner = Some(event.owner).filter(|_| turn.is_none() && entry.is_none());
        let decision = |built: Built| (owner, built, entry, turn, finding.level);
        // The same thing, or another arm of a choice of which one is told already.
        let keys: Vec<Decision> =
            std::iter::once(Built::Thing(what)).chain(choices.of(site).map(Built::Arm)).map(decision).collect();
        let known = keys.iter().find_map(|key| same.get(key)).cloned();
        let decision = known.unwrap_or_else(|| keys[0].clone());
        same.extend(keys.into_iter().map(|key| (key, decision.clone())));
        match decisions.get_mut(&decision) {
            Some(first) => {
                let is_arm = first.owner == event.owner || turn.is_some() && first.finding.span.file == site.file;
                first.more += usize::from(!is_arm);
                step(&mut first.finding.steps, site, if is_arm { "or here" } else { "another is built here" });
            }
            None => {
                order.push(decision.clone());
                decisions.insert(decision, Merged { finding, owner: event.owner, in_loop: turn.is_some(), more: 0 });
            }
        }
    }
    for merged in order.iter().filter_map(|d| decisions.remove(d)) {
        let mut finding = merged.finding;
        let place = if merged.in_loop { "in the same loop" } else { "on the same way in" };
        match merged.more {
            0 => (),
            1 => finding.message.push_str(&format!(", and another {place}")),
            n => finding.message.push_str(&format!(", and {n} others {place}")),
        }
        findings.push(finding);
    }
    bindings(cx, findings);
}

/// A finding of several constructions.
struct Merged {
    finding: Finding,
    /// Function of the first.
    owner: FnRef,
    in_loop: bool,
    /// How many stand in other functions.
    more: usize,
}

/// What is built, as far as two constructions are one decision.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Built {
    /// Whatever one of the arms of this choice builds.
    Arm(Span),
    /// This.
    Thing(String),
}

/// The function that builds where neither loop nor entry point is known, what it builds, for which entry point or loop, and
/// how bad that is.
type Decision = (Option<FnRef>, Built, Option<FnRef>, Option<Span>, Level);

fn report<'e>(
    cx: &CheckContext<'_>,
    site: Span,
    client: Name,
    mut events: Vec<&'e Event>,
    reads: &Reads,
) -> Option<(Finding, &'e Event)> {
    let entry = cx.ix.packs.client(client)?;
    let source = cx.ix.sources.file(site.file);
    if source.origin == Origin::Test || is_beside_the_application(cx, site) || !is_version_meant(cx, entry) {
        return None;
    }
    // The shortest way is the easiest to believe. A loop below a request says more than the request, that says more than a
    // loop of which nobody knows who turns it, and a task says least.
    let turning: Vec<FnRef> = events.iter().filter_map(|e| cx.function_at(loop_of(cx, e)?)).collect();
    events.sort_by_key(|e| {
        let passes_loop = || on_way(cx, e).iter().any(|f| turning.contains(f));
        let told = match (e.loops.is_empty(), kind_of(cx, e)) {
            (false, Some(EntryKind::Request)) => 0,
            (true, Some(EntryKind::Request)) if !entry.loops_only && !passes_loop() => 1,
            (false, _) => 2,
            (true, _) => 3,
        };
        (told, rank(kind_of(cx, e)), e.path.len(), e.site, e.path.to_vec())
    });
    let is_php = cx.ix.file(site.file).language == Language::Php;
    let stays = !is_php || process_stays(cx);
    let accepted = events.into_iter().filter_map(|e| {
        let in_loop = !e.loops.is_empty();
        let kind = kind_of(cx, e);
        let once = kind == Some(EntryKind::Task) && (is_php || is_long(cx, e));
        if !in_loop && (entry.loops_only || !stays || once || e.alone) || is_one_off(cx, e, in_loop) {
            return None;
        }
        if turns::is_probe(cx, e) || turns::is_put_aside(cx, e) || turns::is_excluded(cx, e) || handed::is_handed_in(cx, e) {
            return None;
        }
        if in_loop && turns(cx, e) == Turns::Few {
            return None;
        }
        if !in_loop && entry.addressed && hosts::are_told(cx, e) {
            return None;
        }
        if entry.addressed && (bound::is_pinned(cx, e) || bound::is_for_conversations(cx, e)) {
            return None;
        }
        if e.entry.is_some_and(|f| cx.mentions.is_of_unused_class(cx, f)) {
            return None;
        }
        let given = given(cx, e, reads);
        let is_other =
            given.turn && !entry.per_call || !in_loop && (given.data || given.unknown && kind == Some(EntryKind::Task));
        (!is_other).then(|| {
            let mut finding = describe(cx, site, client, entry, e, given);
            // A loop of which nobody knows who turns it.
            if kind.is_none() && loop_of(cx, e).is_some_and(|at| cx.mentions.is_never_turned(cx, at)) {
                finding.level = Level::Note;
            }
            (finding, e)
        })
    });
    // What is certain on one way is not made less so by another.
    let mut first = None;
    for (finding, event) in accepted {
        if finding.level != Level::Note {
            return Some((finding, event));
        }
        first = first.or(Some((finding, event)));
    }
    first
}

/// The innermost loop around an event.
fn loop_of(cx: &CheckContext<'_>, event: &Event) -> Option<Span> {
    event.loops.first().and_then(|l| cx.flow.values.loop_span(*l))
}

/// Is the version that the program asks for one of those of which the catalogue speaks?
fn is_version_meant(cx: &CheckContext<'_>, entry: &ClientEntry) -> bool {
    entry.below.as_deref().is_none_or(|below| cx.ix.sources.manifest.is_below(below) == Some(true))
}

/// The finding of a construction on one of the ways to it.
fn describe(cx: &CheckContext<'_>, site: Span, client: Name, entry: &ClientEntry, event: &Event, given: given::Given) -> Finding {
    let is_php = cx.ix.file(site.file).language == Language::Php;
    let name = shown(client);
    let in_loop = !event.loops.is_empty();
    let kind = kind_of(cx, event);
    let per = match (in_loop, kind) {
        (true, _) => "in every turn of this loop",
        (false, Some(EntryKind::Task)) => "for every task",
        (false, _) => "for every request",
    };
    let message = match loops_word(entry, client) {
        true => format!("`{name}` builds {} {per}", entry.what),
        false => format!("a new `{name}` is built {per}"),
    };
    let mut finding = cx.finding("client-per-request", site, event.owner, message);
    if let Some(f) = event.entry.filter(|_| !matches!(kind, Some(EntryKind::Command | EntryKind::Startup | EntryKind::Scheduled)))
    {
        let what = match kind {
            Some(EntryKind::Task) => "each task starts here",
            _ => "each request comes in here",
        };
        let decl = cx.ix.function(f);
        step(&mut finding.steps, Span { file: f.file, range: decl.name_range }, what);
    }
    if let Some(at) = loop_of(cx, event) {
        step(&mut finding.steps, at, "the loop is here");
    }
    for call in event.path.iter().rev().take(MAX_STEPS) {
        step(&mut finding.steps, *call, "which calls this");
    }
    finding.steps.retain(|s| s.span != site);
    // Only what the process alone decides can be shared by all of it.
    finding.help = match (in_loop, given.data || given.unknown) {
        (false, false) => bound::cure_here(cx, event, &entry.cure),
        (true, false) if !is_php || entry.loops_only => bound::cure_here(cx, event, &entry.cure),
        (true, true) => {
            "build it before the loop if all turns share its arguments, else keep it in a cache whose keys they are".to_owned()
        }
        (true, _) => "build it before the loop and use it for all turns".to_owned(),
        (false, true) => "if requests share its arguments, keep it in a cache whose keys they are".to_owned(),
    };
    if let Some(argument) = bound::of_one_caller(cx, event).filter(|_| entry.addressed && !in_loop) {
        finding.help = format!("build it once per process, share it, and give `{argument}` with each request");
    }
    let is_alone = event.alone || turns::is_run_alone(cx, event, &cx.ix.packs.word_list("loop-bound"), client);
    if in_loop && is_alone {
        finding.help = "build it at the top of the coroutine that the event loop is started with, and hand it in".to_owned();
    }
    let is_at_once = in_loop && is_alone && turns::is_gathered(cx, event);
    let dies_with_request = !in_loop && turns::has_loop_of_request(cx, event, &cx.ix.packs.word_list("loop-bound"), client);
    if dies_with_request {
        finding.help =
            "each request has an event loop of its own here, which this cannot outlive: build the synchronous client, \
                        once per process"
                .to_owned();
    }
    finding.cost = entry.why.clone();
    finding.subject.client = Some(client.to_string());
    if entry.confidence.as_deref() == Some("high") && event.path.len() < 3 {
        finding.confidence = Confidence::High;
    }
    let secrets = cx.ix.packs.word_in_language(Name::new("python"), "personal-values");
    let personal = !in_loop && secrets.is_some_and(|w| is_personal(cx, event.owner, site.range, w));
    if personal {
        finding.help = bound::cure_here(cx, event, &entry.cure);
    }
    if entry.minor || personal || !in_loop && (is_php || given.unknown || kind == Some(EntryKind::Task)) {
        finding.level = Level::Note;
    }
    // Whoever runs a command waits for it anyway.
    let is_command = matches!(kind, Some(EntryKind::Command | EntryKind::Scheduled));
    if in_loop && (is_command || kind.is_none() && is_in_command(cx, event)) {
        finding.level = Level::Note;
    }
    // Far above it may still be the turn that decides what it is built with.
    let is_unsure = event.path.len() > MAX_SURE && (given.data || given.unknown);
    if in_loop && (is_unsure || turns(cx, event) != Turns::Many || is_import(cx, event)) {
        finding.level = Level::Note;
    }
    let is_rare = rare::is_renewal(cx, event)
        || rare::serves_a_flow(cx, event)
        || !in_loop && rare::is_health_check(cx, event)
        || entry.addressed && rare::is_sign_in(cx, event)
        || entry.addressed && !in_loop && rare::waits_long(cx, event);
    let is_unused = || event.entry.is_none() && cx.is_never_run_by_others(top_of(event));
    if is_at_once
        || dies_with_request
        || is_rare
        || is_unused()
        || bound::has_bound_arm(cx, event, client, entry)
        || stands_in(cx, event.owner)
    {
        finding.level = Level::Note;
    }
    finding
}

/// Does a task do so much that one client more does not count: does it loop, or is the construction far below it?
fn is_long(cx: &CheckContext<'_>, event: &Event) -> bool {
    let loops = |f: FnRef| {
        let body = &cx.ix.function(f).body;
        body.stmts.iter().any(|s| matches!(s, crate::facts::Stmt::Loop(_)))
    };
    event.path.len() > 2 || event.entry.is_some_and(loops)
}

/// Is the file one of tools around the application: load tests, tools of developers?
fn is_beside_the_application(cx: &CheckContext<'_>, site: Span) -> bool {
    let path = &cx.ix.sources.file(site.file).path;
    let words = cx.ix.packs.word_list("tool-folders");
    let first = path.split_once('/').map_or("", |(first, _)| first).to_ascii_lowercase();
    path.split('/').any(|part| words.iter().any(|w| w == &part.to_ascii_lowercase()))
        || cx.ix.packs.word_list("outer-tool-folders").contains(&first)
}

/// Does the loop stand in a file of commands?
fn is_in_command(cx: &CheckContext<'_>, event: &Event) -> bool {
    let Some(at) = loop_of(cx, event) else { return false };
    let path = &cx.ix.sources.file(at.file).path;
    let (files, folders) = (cx.ix.packs.word_list("command-files"), cx.ix.packs.word_list("command-folders"));
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    files.iter().any(|f| f == file) || folder.split('/').any(|part| folders.iter().any(|f| f == part))
}

/// Is it work that an application does once in a while: setting up, restoring, importing, migrating?
fn is_one_off(cx: &CheckContext<'_>, event: &Event, in_loop: bool) -> bool {
    let rare = cx.ix.packs.word_list("rare-work");
    let calls = cx.ix.packs.word_list("migrating-calls");
    if !in_loop && is_import(cx, event) {
        return true;
    }
    on_way(cx, event).into_iter().any(|f| {
        let decl = cx.ix.function(f);
        if names_of(cx, f).iter().any(|w| rare.contains(w)) {
            return true;
        }
        let file = cx.ix.file(f.file);
        let in_class = |other: &crate::facts::FunctionDecl| decl.class.is_some() && other.class == decl.class;
        let near = file.functions.iter().filter(|other| std::ptr::eq(*other, decl) || in_class(other));
        near.flat_map(|d| d.body.exprs.iter().map(move |e| (d, e))).any(|(d, e)| match e {
            Expr::Call { callee, .. } => {
                matches!(d.body.expr(*callee), Expr::Attr { name, .. } if calls.iter().any(|c| c == name.as_str()))
            }
            _ => false,
        })
    })
}

/// Is it a job that imports what a person hands in?
fn is_import(cx: &CheckContext<'_>, event: &Event) -> bool {
    let imports = cx.ix.packs.word_list("import-work");
    on_way(cx, event).into_iter().any(|f| names_of(cx, f).iter().any(|w| imports.contains(w)))
}

/// The place in the function that all the others on the way were called from.
fn top_of(event: &Event) -> Span {
    event.path.last().copied().unwrap_or(event.site)
}

/// The functions that led to an event.
fn on_way(cx: &CheckContext<'_>, event: &Event) -> Vec<FnRef> {
    let mut all = vec![event.owner];
    all.extend(event.path.iter().filter_map(|at| cx.function_at(*at)));
    all.extend(event.entry);
    all
}

/// The words of the names of a function and its class.
fn names_of(cx: &CheckContext<'_>, f: FnRef) -> Vec<String> {
    let class = cx.ix.class_of_function(f).map(|c| cx.ix.class(c).name.last_segment()).unwrap_or_default();
    let class = class.rsplit('\\').next().unwrap_or_default();
    words_of(cx.ix.function(f).name.as_str()).into_iter().chain(words_of(class)).collect()
}

/// The words of a name, in lower case: `importAll`, `import_all`.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let (true, Some(last)) = (c.is_alphanumeric(), words.last_mut()) {
            last.extend(c.to_lowercase());
        }
    }
    words
}

/// Which of several ways to a construction is told first.
fn rank(kind: Option<EntryKind>) -> u8 {
    match kind {
        Some(EntryKind::Request) => 0,
        Some(EntryKind::Task) => 1,
        None => 2,
        Some(EntryKind::Scheduled) => 3,
        Some(EntryKind::Startup | EntryKind::Command) => 4,
    }
}

fn kind_of(cx: &CheckContext<'_>, event: &Event) -> Option<EntryKind> {
    event.entry.and_then(|f| cx.flow.entries.get(&f)).map(|e| e.kind)
}

/// Is the constructor a function that does its work and throws the client away?
fn loops_word(entry: &ClientEntry, client: Name) -> bool {
    entry.loops_only && client.last_segment().starts_with(|c: char| c.is_lowercase())
}

/// The name as the reader writes it: the last two segments of a module's function, the class otherwise.
fn shown(client: Name) -> String {
    let text = client.as_str();
    let last = client.last_segment();
    if text.contains('\\') || last.starts_with(|c: char| c.is_uppercase()) {
        let class = text.rsplit('\\').next().unwrap_or(text);
        return if text.contains('\\') { class.replace('.', "::") } else { last.to_owned() };
    }
    let mut parts: Vec<&str> = text.rsplit('.').collect();
    // `redis.asyncio.from_url`: the middle says which of two libraries it is.
    let is_part = parts.get(1).is_some_and(|p| matches!(*p, "asyncio" | "aio"));
    parts.truncate(if is_part { 3 } else { 2 });
    parts.reverse();
    parts.join(".")
}

/// Do the processes of the application live longer than a request?
fn process_stays(cx: &CheckContext<'_>) -> bool {
    let word = cx.ix.packs.word_in_language(Name::new("php"), "resident-packages");
    let has = |p: &str| cx.ix.sources.manifest.packages.contains_key(p);
    let is_used = word.is_some_and(|w| w.as_str().split_whitespace().any(has));
    let files = cx.ix.packs.word_list("resident-files");
    is_used || cx.ix.sources.files.iter().any(|f| files.iter().any(|name| f.path.ends_with(name.as_str())))
}

/// Is the constructor given a value that belongs to one user?
fn is_personal(cx: &CheckContext<'_>, owner: FnRef, call: Range, words: Name) -> bool {
    let body = &cx.ix.function(owner).body;
    let known: Vec<&str> = words.as_str().split_whitespace().collect();
    let is_known = |name: &str| {
        let lower = name.to_ascii_lowercase();
        known.iter().any(|w| lower == *w || lower.ends_with(&format!("_{w}")))
    };
    body.exprs.iter().zip(&body.ranges).any(|(e, r)| {
        let inside = r.start > call.start && r.end <= call.end;
        inside
            && match e {
                Expr::Local(slot) => body.slots.get(slot.0 as usize).is_some_and(|n| is_known(n.as_str())),
                _ => false,
            }
    })
}

/// Containers that make an object anew for each resolution, with a factory that builds a client.
fn bindings(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let Some(words) = cx.ix.packs.word_in_language(Name::new("php"), "unshared-bindings") else {
        return;
    };
    for (i, facts) in cx.ix.facts.iter().enumerate() {
        if facts.language != Language::Php || !facts.classes.iter().any(|c| !c.bases.is_empty()) {
            continue;
        }
        let file = crate::base::FileId(i as u32);
        for decl in &facts.functions {
            for e in &decl.body.exprs {
                let Expr::Call { callee, args } = e else {
                    continue;
                };
                let Expr::Attr { base, name, .. } = decl.body.expr(*callee) else {
                    continue;
                };
                let binds = words.has_word(name.as_str());
                if !binds || !is_container(&decl.body, *base) {
                    continue;
                }
                for arg in args.iter().skip(1) {
                    if let Expr::Closure(f) = decl.body.expr(arg.value) {
                        let f = FnRef { file, id: *f };
                        findings.extend(built_in(cx, f, Span { file, range: decl.body.range(*callee) }));
                    }
                }
            }
        }
    }
}

/// `$this->app`, `$app`: by name, as providers write it.
fn is_container(body: &Body, base: ExprId) -> bool {
    match body.expr(base) {
        Expr::Attr { name, .. } => name.as_str() == "app",
        Expr::Local(slot) => body.slots.get(slot.0 as usize).is_some_and(|n| matches!(n.as_str(), "app" | "container")),
        Expr::Call { callee, .. } => {
            matches!(body.expr(*callee), Expr::Function { fallback, .. } if fallback.as_str() == "app")
        }
        _ => false,
    }
}

fn built_in(cx: &CheckContext<'_>, f: FnRef, binding: Span) -> Option<Finding> {
    let body = &cx.ix.function(f).body;
    body.exprs.iter().zip(&body.ranges).find_map(|(e, range)| {
        let client = match e {
            Expr::New { class, .. } => match body.expr(*class) {
                Expr::Class(name) => *name,
                _ => return None,
            },
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => match body.expr(*base) {
                    Expr::Class(class) => Name::new(&format!("{class}.{name}")),
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        let entry = cx.ix.packs.client(client)?;
        let site = Span { file: f.file, range: *range };
        let message = format!("a new `{}` is built for every resolution: this binding keeps none", shown(client));
        let mut finding = cx.finding("client-per-request", site, f, message);
        step(&mut finding.steps, binding, "bound here");
        finding.help = format!("bind it as a singleton: {}", entry.cure);
        finding.cost = entry.why.clone();
        finding.subject.client = Some(client.to_string());
        Some(finding)
    })
}
