//! Which rows are loaded only for their number, or to see whether there are any?

use std::collections::{BTreeMap, BTreeSet};

use super::uses::{around, called_on, expr_at, only_value, reads};
use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, FileFacts, Language};
use crate::findings::{Edit, Finding, Fix};
use crate::flow::value::{Source, Src, flag};
use crate::flow::{Fetch, Loaded, Measure};
use crate::index::models::snake;
use crate::index::{FnRef, ModelId};
use crate::packs::{Measures, Op, Result as OpResult};

const RULE: &str = "load-to-count";
/// A longer replacement is not repeated in the help.
const MAX_CODE: usize = 90;

/// How the rows of a question came to be.
struct Rows {
    /// What was fetched, in each call that led there.
    fetches: Vec<Fetch>,
    /// The expression that fetched them, or gave the query.
    at: ExprId,
    /// The question's operand is that expression itself, not a variable that holds it.
    is_direct: bool,
    /// The expression is a query that has not run.
    is_query: bool,
}

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let measured = &cx.flow.measured;
    let mut by_site: BTreeMap<Span, Vec<&Measure>> = BTreeMap::new();
    for measure in &measured.measures {
        by_site.entry(measure.site).or_default().push(measure);
    }
    let operands = measured.measures.iter().map(|m| Span { file: m.site.file, range: m.operand }).collect();
    let counter = Counter { cx, operands };
    let mut said: BTreeMap<Asked, (usize, usize)> = BTreeMap::new();
    for (site, measures) in by_site {
        let Some(rows) = counter.rows(&measures) else { continue };
        if !counter.is_fetched_for_this(&measures, &rows) {
            continue;
        }
        let measure = measures[0];
        let at = Span { file: site.file, range: counter.body(measure.owner).range(rows.at) };
        if counter.said_by_loop(&measures, &rows, at, findings) {
            continue;
        }
        // Twice about the same rows is one fault.
        let asked = match rows.fetches[0].relation {
            Some((_, relation)) => Asked::Relation(measure.owner, rows.fetches[0].src, relation),
            None => Asked::Rows(measure.owner, rows.at),
        };
        if let Some((i, times)) = said.get_mut(&asked) {
            *times += 1;
            let finding = &mut findings[*i];
            step(&mut finding.steps, site, "asked here, too");
            if *times == 2
                && let Some(help) = counter.once_for_all(&rows)
            {
                finding.help.push_str(&help);
            }
            continue;
        }
        said.insert(asked, (findings.len(), 1));
        findings.push(counter.finding(measure, &rows, at));
    }
}

/// What questions of one function are about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Relation(FnRef, Src, Name),
    Rows(FnRef, ExprId),
}

struct Counter<'a> {
    cx: &'a CheckContext<'a>,
    /// What questions are asked about.
    operands: BTreeSet<Span>,
}

impl<'a> Counter<'a> {
    fn file(&self, f: FnRef) -> &'a FileFacts {
        self.cx.ix.file(f.file)
    }

    fn body(&self, f: FnRef) -> &'a Body {
        &self.cx.ix.function(f).body
    }

    fn language(&self, file: FileId) -> Name {
        let is_python = self.cx.ix.file(file).language == Language::Python;
        Name::new(if is_python { "python" } else { "php" })
    }

    fn has_word(&self, file: FileId, key: &str, name: Name) -> bool {
        let word = self.cx.ix.packs.word_in_language(self.language(file), key);
        word.is_some_and(|w| w.has_word(name.as_str()))
    }

    fn query_op(&self, fetch: Option<&Fetch>, file: FileId, name: Name) -> Option<&'a Op> {
        let query = Name::new("query");
        match fetch.and_then(|f| f.model) {
            Some(model) => self.cx.ix.packs.op(self.cx.ix.model(model).dialect, query, name),
            None => self.cx.ix.packs.op_in_language(self.language(file), query, name),
        }
    }

    /// The rows that a question is about.
    fn rows(&self, measures: &[&Measure]) -> Option<Rows> {
        let measure = measures.first()?;
        let body = self.body(measure.owner);
        let operand = expr_at(body, measure.operand)?;
        let queries: Vec<Fetch> = measures.iter().filter_map(|m| m.query).collect();
        if !queries.is_empty() && queries.len() < measures.len() {
            return None;
        }
        let (at, is_direct) = match body.expr(operand) {
            Expr::Local(slot) => {
                let value = only_value(self.file(measure.owner), measure.owner, *slot)?;
                let is_unused = reads(body, *slot).into_iter().all(|read| {
                    let span = Span { file: measure.owner.file, range: body.range(read) };
                    self.operands.contains(&span) || !queries.is_empty() && self.is_other_query(&queries, body, read, span)
                });
                (is_unused.then_some(value)?, false)
            }
            _ => (operand, true),
        };
        if !queries.is_empty() {
            let is_new = self.gives_query(measure.owner, &queries, at);
            return is_new.then_some(Rows { fetches: queries, at, is_direct, is_query: true });
        }
        let (fetches, at) = self.fetched_by(measure.owner, at)?;
        Some(Rows { fetches, at, is_direct, is_query: false })
    }

    /// Does an expression end with a method that gives a new query?
    fn gives_query(&self, f: FnRef, queries: &[Fetch], at: ExprId) -> bool {
        let body = self.body(f);
        match body.expr(at) {
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { name, .. } => self
                    .query_op(queries.first(), f.file, *name)
                    .is_some_and(|op| op.result == OpResult::Query && op.callback.is_none()),
                _ => false,
            },
            _ => false,
        }
    }

    /// A method that makes another query, or asks the database anew.
    fn is_other_query(&self, queries: &[Fetch], body: &Body, read: ExprId, at: Span) -> bool {
        let Some(name) = called_on(body, read) else { return false };
        let op = self.query_op(queries.first(), at.file, name);
        op.is_some_and(|op| op.writes || op.executes && op.result == OpResult::Scalar || op.narrows() && !op.executes)
    }

    /// The call or read that fetched what an expression gives.
    fn fetched_by(&self, f: FnRef, from: ExprId) -> Option<(Vec<Fetch>, ExprId)> {
        let body = self.body(f);
        let mut at = from;
        for _ in 0..8 {
            let span = Span { file: f.file, range: body.range(at) };
            if let Some(fetches) = self.cx.flow.measured.fetches.get(&span) {
                return Some((fetches.clone(), at));
            }
            at = match body.expr(at) {
                Expr::Await(inner) | Expr::Same(inner) => *inner,
                Expr::Call { callee, .. } => match body.expr(*callee) {
                    Expr::Attr { base, name, .. } if self.has_word(f.file, "keeps-all", *name) => *base,
                    _ => return None,
                },
                _ => return None,
            };
        }
        None
    }

    /// Were the rows fetched for this question and nothing else?
    fn is_fetched_for_this(&self, measures: &[&Measure], rows: &Rows) -> bool {
        let bounded = flag::LIMITED | flag::FEW | flag::GROUPED | flag::LOCKED;
        let is_plain = |f: &Fetch| f.flags & bounded == 0 && f.loaded != Loaded::Yes;
        if !rows.fetches.iter().all(is_plain) || !rows.fetches.iter().any(|f| f.loaded == Loaded::No) {
            return false;
        }
        let owner = measures[0].owner;
        let body = self.body(owner);
        if let Expr::Call { callee, .. } = body.expr(rows.at)
            && let Expr::Attr { name, .. } = body.expr(*callee)
            && self.has_word(owner.file, "counts-otherwise", *name)
        {
            return false;
        }
        if !rows.is_direct && self.is_kept_in_session(owner, rows) {
            return false;
        }
        rows.fetches.iter().all(|fetch| match fetch.relation {
            Some((model, relation)) => self.is_unused_relation(owner, fetch, model, relation),
            None => true,
        })
    }

    /// Rows that a variable keeps may answer other reads of the same session.
    fn is_kept_in_session(&self, owner: FnRef, rows: &Rows) -> bool {
        let Some(model) = rows.fetches.first().and_then(|f| f.model) else { return false };
        let dialect = self.cx.ix.model(model).dialect;
        let here = self.body(owner).range(rows.at);
        let is_other = |at: Span| at.range.start < here.start || here.end < at.range.end;
        self.cx.ix.packs.word(dialect, "identity-map").is_some()
            && self.cx.flow.executions.iter().any(|e| e.owner == owner && is_other(e.site))
    }

    /// Is a relation read nowhere but for its number, as far as these rows go?
    fn is_unused_relation(&self, owner: FnRef, fetch: &Fetch, model: ModelId, relation: Name) -> bool {
        let ix = self.cx.ix;
        let from_outside = matches!(self.cx.flow.values.root_source(fetch.src).0, Source::Declared(_) | Source::Ambient);
        let is_query = ix.model(model).relations.get(&relation).is_some_and(|r| r.access == crate::index::Access::Query);
        if let Some(all) = self.cx.flow.measured.reads.get(&(model, relation)) {
            let is_use = |(src, at): &(_, Span)| (from_outside || *src == fetch.src) && !self.operands.contains(at);
            if all.iter().any(is_use) {
                return false;
            }
        }
        let file = ix.file(owner.file);
        around(file, owner.id).into_iter().all(|f| {
            let body = &file.functions[f.0 as usize].body;
            body.exprs.iter().enumerate().all(|(i, e)| {
                let id = ExprId(i as u32);
                match e {
                    Expr::Attr { name, .. } | Expr::Lookup { name, .. } if *name == relation => {
                        let range = body.range(id);
                        let is_called =
                            body.exprs[i + 1..].iter().any(|c| matches!(c, Expr::Call { callee, .. } if *callee == id));
                        let is_operand =
                            |o: &Span| o.file == owner.file && o.range.start <= range.start && range.end <= o.range.end;
                        is_called
                            || self.operands.iter().any(is_operand)
                            || is_query && called_on(body, id).is_some_and(|n| self.asks_anew(fetch, owner.file, n))
                    }
                    _ => true,
                }
            })
        })
    }

    /// A method of a relation's query that does not use what the plain relation has loaded.
    fn asks_anew(&self, fetch: &Fetch, file: FileId, name: Name) -> bool {
        self.query_op(Some(fetch), file, name).is_some_and(|op| !op.free_if_loaded && (op.executes || op.narrows()))
    }

    /// In a loop, the rows are a fault of the loop already: its finding says how to count them for all.
    fn said_by_loop(&self, measures: &[&Measure], rows: &Rows, at: Span, findings: &mut [Finding]) -> bool {
        let measure = measures[0];
        let is_here = |s: Span| s.file == at.file && at.range.start <= s.range.start && s.range.end <= at.range.end;
        let Some(found) = findings.iter_mut().find(|f| is_here(f.span) && f.owner == self.cx.owner(measure.owner)) else {
            return rows.fetches.iter().any(|f| f.is_renewed);
        };
        let Some((model, relation)) = rows.fetches.iter().find_map(|f| f.relation) else { return true };
        if found.rule.as_str() != "lazy-load-in-loop" {
            return true;
        }
        let packs = &self.cx.ix.packs;
        let dialect = self.cx.ix.model(model).dialect;
        if let Some(code) = packs.word(dialect, "count-each-help").or_else(|| packs.word(dialect, "count-help")) {
            let origin = found.steps.first().map(|s| s.span);
            let attribute =
                packs.word(dialect, "count-attribute").map(|w| w.as_str().replace("{relation}", &snake(relation.as_str())));
            found.help = match attribute.filter(|_| origin.is_some_and(|o| self.counts_already(o, code, relation))) {
                Some(name) => format!("only their number is used: read `{name}`, which the query counts already"),
                None => {
                    let code = code.as_str().replace("{relation}", relation.as_str());
                    let above = found.subject.relation.as_deref().and_then(|path| path.rsplit_once('.')).map(|(above, _)| above);
                    let nested = above.zip(packs.word(dialect, "count-nested-help"));
                    match (above, nested) {
                        (_, Some((above, nested))) => {
                            let code = nested.as_str().replace("{path}", above).replace("{code}", &code);
                            format!("only their number is used: let the query of the rows count, `{code}`")
                        }
                        (Some(_), None) => {
                            let name = super::wording::model_name(self.cx.ix, model);
                            format!("only their number is used: let the query that loads the `{name}` rows count, `{code}`")
                        }
                        (None, None) => format!("only their number is used: let the query of the rows count, `{code}`"),
                    }
                }
            };
            found.fix = None;
        }
        true
    }

    /// Does the function of the rows' query count the relation already, by the call that the help would name?
    fn counts_already(&self, origin: Span, code: Name, relation: Name) -> bool {
        let Some((call, _)) = code.as_str().split_once('(') else { return false };
        let Some(f) = self.cx.function_at(origin) else { return false };
        let body = &self.cx.ix.function(f).body;
        let is_named = |e: ExprId| matches!(body.expr(e), Expr::Str(name) if *name == relation);
        body.exprs.iter().any(|e| match e {
            Expr::Call { callee, args } => {
                matches!(body.expr(*callee), Expr::Attr { name, .. } if name.as_str() == call)
                    && args.iter().any(|a| match body.expr(a.value) {
                        Expr::Seq { items, .. } => items.iter().any(|i| is_named(i.value)),
                        _ => is_named(a.value),
                    })
            }
            _ => false,
        })
    }

    fn finding(&self, measure: &Measure, rows: &Rows, at: Span) -> Finding {
        let cx = self.cx;
        let fetch = rows.fetches[0];
        let purpose = match measure.asks {
            Measures::Number => "to be counted",
            Measures::Some | Measures::None => "to see whether there are any",
        };
        let what = match (fetch.relation, fetch.model) {
            (Some((model, relation)), _) => format!("all `{relation}` of this `{}`", model_name(cx.ix, model)),
            (None, Some(model)) => format!("all these rows of `{}`", model_name(cx.ix, model)),
            (None, None) => match cx.flow.table_names.get(&fetch.src) {
                Some(table) => format!("all these rows of `{table}`"),
                None => "all these rows".to_owned(),
            },
        };
        let mut finding = cx.finding(RULE, measure.site, measure.owner, format!("{what} are loaded only {purpose}"));
        if !rows.is_direct {
            step(&mut finding.steps, at, "loaded here");
        }
        finding.subject.model = fetch.model.map(|m| cx.ix.model(m).name.to_string());
        finding.subject.relation = fetch.relation.map(|(_, r)| r.to_string());
        let code = self.replacement(measure, rows);
        let question = match measure.asks {
            Measures::Number => "count",
            Measures::Some | Measures::None => "answer",
        };
        let tail = self.tail(measure, rows);
        finding.help = match (&code, tail) {
            (Some(code), _) if code.len() <= MAX_CODE && !code.contains('\n') => format!("let the database {question}: `{code}`"),
            (_, Some(tail)) => format!("let the database {question}: `{tail}`"),
            _ => format!("let the database {question}"),
        };
        if let Some(text) = code.filter(|_| rows.is_direct && !self.is_template(measure.owner)) {
            let span = Span { file: measure.site.file, range: measure.whole };
            let title = format!("let the database {question}");
            finding.fix = Some(Fix { title, edits: vec![Edit { span, text }], is_safe: true });
        }
        finding
    }

    /// How to ask once where several places ask about one relation.
    fn once_for_all(&self, rows: &Rows) -> Option<String> {
        let (model, relation) = rows.fetches.first()?.relation?;
        let code = self.cx.ix.packs.word(self.cx.ix.model(model).dialect, "count-late-help")?;
        let code = code.as_str().replace("{relation}", relation.as_str());
        Some(format!("; once for all places that ask: `{code}`"))
    }

    fn is_template(&self, f: FnRef) -> bool {
        !matches!(self.file(f).language, Language::Python | Language::Php)
    }

    fn word(&self, fetch: &Fetch, file: FileId, key: &str) -> Option<&'static str> {
        let word = match fetch.model {
            Some(model) => self.cx.ix.packs.word(self.cx.ix.model(model).dialect, key),
            None => self.cx.ix.packs.word_in_language(self.language(file), key),
        };
        word.map(|w| w.as_str())
    }

    /// The method that the database answers.
    fn method(&self, measure: &Measure, fetch: &Fetch) -> Option<&'static str> {
        let key = match measure.asks {
            Measures::Number => "measured-number",
            Measures::Some => "measured-some",
            // `not rows` stays: the condition is what follows it.
            Measures::None if measure.whole == measure.operand => "measured-some",
            Measures::None => "measured-none",
        };
        self.word(fetch, measure.site.file, key)
    }

    fn arrow(&self, file: FileId) -> &'static str {
        if self.language(file).as_str() == "python" { "." } else { "->" }
    }

    /// What to write in place of the question, if that is one method more on a query that stands there.
    fn replacement(&self, measure: &Measure, rows: &Rows) -> Option<String> {
        let owner = measure.owner;
        let fetch = rows.fetches.first()?;
        let method = self.method(measure, fetch)?;
        let body = self.body(owner);
        let text = &self.cx.ix.sources.file(owner.file).text;
        let code = |range: Range| text.get(range.start as usize..range.end as usize);
        let arrow = self.arrow(owner.file);
        let operand = expr_at(body, measure.operand)?;
        if rows.is_direct && rows.at != operand {
            return None;
        }
        match body.expr(rows.at) {
            _ if rows.is_query => Some(format!("{}{arrow}{method}", code(measure.operand)?)),
            Expr::Attr { .. } => {
                let (model, relation) = fetch.relation?;
                let is_method = self.cx.ix.model(model).relations.get(&relation).is_some_and(|r| r.is_method);
                is_method.then_some(format!("{}(){arrow}{method}", code(body.range(rows.at))?))
            }
            Expr::Call { callee, args } if args.is_empty() => {
                let Expr::Attr { base, .. } = body.expr(*callee) else { return None };
                let arrow = if matches!(body.expr(*base), Expr::Class(_)) { "::" } else { arrow };
                Some(format!("{}{arrow}{method}", code(body.range(*base))?))
            }
            _ => None,
        }
    }

    /// The end of what to write, where the whole cannot be said.
    fn tail(&self, measure: &Measure, rows: &Rows) -> Option<String> {
        let fetch = rows.fetches.first()?;
        let file = measure.owner.file;
        let is_select = !rows.is_query && fetch.relation.is_none() && self.is_sent_by_session(measure, rows);
        if is_select || fetch.relation.is_some() && !rows.is_query {
            let key = if measure.asks == Measures::Number { "measured-select-number" } else { "measured-select-some" };
            if let Some(code) = self.word(fetch, file, key) {
                return Some(code.to_owned());
            }
        }
        Some(format!("{}{}", self.arrow(file), self.method(measure, fetch)?))
    }

    /// Is the query an argument of the call that sends it?
    fn is_sent_by_session(&self, measure: &Measure, rows: &Rows) -> bool {
        match self.body(measure.owner).expr(rows.at) {
            Expr::Call { args, .. } => !args.is_empty(),
            _ => false,
        }
    }
}
