//! Which clients are built for every request, message or turn of a loop?

use std::collections::BTreeMap;

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

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut sites: BTreeMap<(Span, Name), Vec<&Event>> = BTreeMap::new();
    for event in &cx.flow.events {
        if let What::Construct { client } = &event.what {
            sites.entry((event.site, *client)).or_default().push(event);
        }
    }
    for ((site, client), events) in sites {
        findings.extend(report(cx, site, client, events));
    }
    bindings(cx, findings);
}

fn report(cx: &CheckContext<'_>, site: Span, client: Name, mut events: Vec<&Event>) -> Option<Finding> {
    let entry = cx.ix.packs.client(client)?;
    let source = cx.ix.sources.file(site.file);
    if source.origin == Origin::Test {
        return None;
    }
    // The shortest way is the easiest to believe; a loop says more than a request.
    events.sort_by_key(|e| (e.loops.is_empty(), e.path.len(), e.site, e.path.to_vec()));
    let is_php = cx.ix.file(site.file).language == Language::Php;
    let stays = !is_php || process_stays(cx);
    let usable = |e: &&&Event| {
        let kind = kind_of(cx, e);
        !e.loops.is_empty() || !entry.loops_only && (stays || kind == Some(EntryKind::Task))
    };
    let event = events.iter().find(usable)?;
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
    if let Some(f) = event.entry {
        let what = match kind {
            Some(EntryKind::Task) => "each task starts here",
            _ => "each request comes in here",
        };
        let decl = cx.ix.function(f);
        step(&mut finding.steps, Span { file: f.file, range: decl.name_range }, what);
    }
    if let Some(at) = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l)) {
        step(&mut finding.steps, at, "the loop is here");
    }
    for call in event.path.iter().rev().take(MAX_STEPS) {
        step(&mut finding.steps, *call, "which calls this");
    }
    finding.steps.retain(|s| s.span != site);
    finding.help = entry.cure.clone();
    finding.cost = entry.why.clone();
    finding.subject.client = Some(client.to_string());
    if entry.confidence.as_deref() == Some("high") && event.path.len() < 3 {
        finding.confidence = Confidence::High;
    }
    let secrets = cx.ix.packs.word_in_language(Name::new("python"), "personal-values");
    if !in_loop && secrets.is_some_and(|w| is_personal(cx, event.owner, site.range, w)) {
        finding.level = Level::Note;
    }
    if !in_loop && (is_php || kind == Some(EntryKind::Task)) {
        finding.level = Level::Note;
    }
    Some(finding)
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
    let mut parts: Vec<&str> = text.rsplit('.').take(2).collect();
    parts.reverse();
    parts.join(".")
}

/// Do the processes of the application live longer than a request?
fn process_stays(cx: &CheckContext<'_>) -> bool {
    let word = cx.ix.packs.word_in_language(Name::new("php"), "resident-packages");
    word.is_some_and(|w| w.as_str().split_whitespace().any(|p| cx.ix.sources.manifest.packages.contains_key(p)))
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
                let binds = words.as_str().split_whitespace().any(|w| w == name.as_str());
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
