//! Which events are faults? Checks filter what the flow saw and say it in the reader's words.
//!
//! In: the index and the flow's events. Out: findings, one per cause, not yet sorted or silenced.

mod blocking;
mod by_hand;
mod cached;
mod client;
mod count;
mod ending;
mod fix;
mod guard;
mod index;
mod load;
mod load_barren;
mod load_help;
mod load_merge;
mod one_place;
mod reading;
mod session;
mod statement;
mod statement_batch;
mod statement_help;
mod statement_lookup;
mod statement_merge;
mod statement_turn;
mod tenant;
mod timeout;
mod unbounded;
mod unused;
mod uses;
mod wording;
mod wrapped;

use std::cell::{OnceCell, RefCell};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::base::{Name, Span};
use crate::facts::ExprId;
use crate::findings::{Confidence, Finding, Step, Subject};
use crate::flow::value::{LoopId, Source};
use crate::flow::{Event, FlowFacts, Statement, What};
use crate::index::{FnRef, ModelId, ProjectIndex};
use crate::packs::rule;

/// What every check may ask.
pub struct CheckContext<'a> {
    /// The program.
    pub ix: &'a ProjectIndex<'a>,
    /// What the flow saw.
    pub flow: &'a FlowFacts,
    /// Which events write rows in a loop, by the loop, once it is asked.
    writes: OnceCell<FxHashMap<LoopId, Vec<usize>>>,
    /// Places of queries that ask for rows of several models, once it is asked.
    for_any_model: OnceCell<FxHashSet<Span>>,
    /// Who runs what, as far as it was asked.
    by_hand: RefCell<by_hand::ByHand>,
    /// The functions of the application in a language that runs on event loops, once it is asked.
    functions: OnceCell<Vec<FnRef>>,
    /// Where calls name each function, once it is asked.
    calls_of: OnceCell<FxHashMap<FnRef, Vec<(FnRef, ExprId)>>>,
    /// The names that the program speaks of.
    mentions: unused::Mentions,
    /// Where each name is spoken of, once it is asked.
    spoken: OnceCell<FxHashMap<Name, Vec<(FnRef, ExprId)>>>,
}

impl<'a> CheckContext<'a> {
    /// What checks may ask about a program.
    pub fn new(ix: &'a ProjectIndex<'a>, flow: &'a FlowFacts) -> CheckContext<'a> {
        CheckContext {
            ix,
            flow,
            writes: OnceCell::new(),
            for_any_model: OnceCell::new(),
            by_hand: RefCell::default(),
            functions: OnceCell::new(),
            calls_of: OnceCell::new(),
            mentions: unused::Mentions::default(),
            spoken: OnceCell::new(),
        }
    }

    /// Does a query ask for rows of whatever model it is called on?
    fn is_for_any_model(&self, query: Span) -> bool {
        let places = self.for_any_model.get_or_init(|| {
            let mut known: FxHashMap<Span, ModelId> = FxHashMap::default();
            let asked = self.flow.executions.iter().filter_map(|e| match (self.flow.values.source_of(e.src), e.model) {
                (Source::Query(at), Some(model)) => Some((at, model)),
                _ => None,
            });
            asked.filter(|(at, model)| *known.entry(*at).or_insert(*model) != *model).map(|(at, _)| at).collect()
        });
        places.contains(&query)
    }

    /// Events that write rows in a loop, in order.
    fn writes_in(&self, id: LoopId) -> impl Iterator<Item = &'a Event> {
        let by_loop = self.writes.get_or_init(|| {
            let mut by_loop: FxHashMap<LoopId, Vec<usize>> = FxHashMap::default();
            for (i, event) in self.flow.events.iter().enumerate() {
                if matches!(event.what, What::Statement { kind: Statement::Write | Statement::Upsert, .. }) {
                    event.loops.iter().for_each(|l| by_loop.entry(*l).or_default().push(i));
                }
            }
            by_loop
        });
        let flow = self.flow;
        by_loop.get(&id).cloned().unwrap_or_default().into_iter().map(move |i| &flow.events[i])
    }
}

/// The project's own words about tenants.
#[derive(Clone, Debug, Default)]
pub struct TenantWords {
    /// Models that are the tenant, by name.
    pub models: Vec<String>,
    /// Columns that say whose a row is.
    pub columns: Vec<String>,
    /// Scopes that limit to the tenant.
    pub scopes: Vec<String>,
    /// Files that are meant to see all tenants.
    pub global_files: std::collections::BTreeSet<crate::base::FileId>,
}

/// What the code says about tenants, as a page.
pub fn tenants(cx: &CheckContext<'_>, words: &TenantWords) -> String {
    tenant::page(cx, words)
}

/// Runs all checks, each behind the guard: what it found before a failure is kept.
pub fn run(
    cx: &CheckContext<'_>,
    tenant: &TenantWords,
    is_on: &dyn Fn(&str) -> bool,
    findings: &mut Vec<Finding>,
    guard: &mut dyn FnMut(&mut dyn FnMut()),
) {
    guard(&mut || load::check(cx, findings));
    guard(&mut || statement::check(cx, findings));
    guard(&mut || one_place::same_expression(findings));
    guard(&mut || tenant::check(cx, tenant, findings));
    guard(&mut || client::check(cx, findings));
    guard(&mut || blocking::check(cx, findings));
    guard(&mut || session::check(cx, findings));
    guard(&mut || timeout::check(cx, findings));
    guard(&mut || count::check(cx, findings));
    // Off unless asked for, and not for nothing.
    if is_on(unbounded::RULE) {
        guard(&mut || unbounded::check(cx, findings));
    }
    if is_on(index::RULE) {
        guard(&mut || index::check(cx, findings));
    }
}

impl CheckContext<'_> {
    /// A finding of a rule, its level and confidence as the catalogue says.
    fn finding(&self, id: &str, span: Span, owner: FnRef, message: String) -> Finding {
        let rule = rule::find(id);
        Finding {
            rule: Name::new(id),
            level: rule.map_or(crate::findings::Level::Warning, |r| r.level),
            confidence: rule.map_or(Confidence::Medium, |r| r.precision.confidence()),
            message,
            help: String::new(),
            cost: String::new(),
            span,
            label: "",
            steps: Vec::new(),
            subject: Subject::default(),
            owner: self.owner(owner),
            fix: None,
            fingerprint: String::new(),
        }
    }

    /// The innermost function around a place.
    fn function_at(&self, at: Span) -> Option<FnRef> {
        let functions = &self.ix.file(at.file).functions;
        let holds = |f: &crate::facts::FunctionDecl| f.range.start <= at.range.start && at.range.end <= f.range.end;
        let inner = functions.iter().enumerate().filter(|(_, f)| holds(f)).min_by_key(|(_, f)| f.range.end - f.range.start)?;
        Some(FnRef { file: at.file, id: crate::facts::FnId(inner.0 as u32) })
    }

    /// The qualified name of a function.
    fn owner(&self, f: FnRef) -> String {
        let decl = self.ix.function(f);
        let class = self.ix.class_of_function(f).map(|c| self.ix.class(c).name);
        match (class, decl.name.is_empty()) {
            (Some(class), false) => format!("{class}.{}", decl.name),
            (Some(class), true) => class.to_string(),
            (None, false) => decl.name.to_string(),
            (None, true) => match decl.parent {
                Some(parent) if parent.0 != 0 => self.owner(FnRef { file: f.file, id: parent }),
                _ => String::new(),
            },
        }
    }
}

/// Adds a step unless its place is already one.
fn step(steps: &mut Vec<Step>, span: Span, message: impl Into<String>) {
    if !steps.iter().any(|s| s.span == span) {
        steps.push(Step { span, message: message.into() });
    }
}
