//! By which columns are tables searched that no index covers?

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{Name, Range, Span};
use crate::facts::{Body, Expr};
use crate::findings::Finding;
use crate::flow::Search;
use crate::flow::value::{Mark, Source, Src, flag};
use crate::index::{Access, Column, FnRef, Model, ModelId};
use crate::source::Origin;

pub(super) const RULE: &str = "missing-index";
/// At most so many queries of one column are listed.
const MAX_OTHERS: usize = 6;
/// What finds the rows otherwise, or is not known.
const FOUND_OTHERWISE: u32 = flag::KEYED | flag::BATCH | flag::SCOPED | flag::RAW | flag::GROUPED | flag::OTHERWISE;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let made = Made::read(cx);
    // A column that many models inherit is declared once.
    let mut found: BTreeMap<(Span, Vec<Name>), Searched> = BTreeMap::new();
    for query in queries(cx).into_values() {
        let Some(last) = query.searches.last().copied() else { continue };
        let origin = cx.ix.sources.file(last.site.file).origin;
        if query.flags & FOUND_OTHERWISE != 0 || origin != Origin::Ours {
            continue;
        }
        let model = last.model;
        let marks: Vec<Mark> = query.marks.into_iter().collect();
        let columns = searched(cx, &made, model, &marks);
        let declared = columns.first().and_then(|c| cx.ix.model(model).columns.get(c)).and_then(|c| c.span);
        let Some(declared) = declared.filter(|_| !is_unserved(cx, &last)) else { continue };
        let all = found.entry((declared, columns)).or_insert_with(|| Searched { model, sites: BTreeSet::new() });
        all.sites.insert((last.site, last.owner));
    }
    for ((declared, columns), Searched { model, sites }) in found {
        let Some((site, owner)) = sites.first().copied() else { continue };
        let name = model_name(cx.ix, model);
        let list = columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(" and ");
        let (which, one) =
            if columns.len() == 1 { ("which has no index", "an index") } else { ("without an index", "one index") };
        let mut finding = cx.finding(RULE, site, owner, format!("`{name}` is searched by {list}, {which}"));
        finding.help = format!("add {one} over {list} in a migration, if there are many rows of `{name}`");
        step(&mut finding.steps, declared, format!("`{}` is declared here", columns[0]));
        for (other, _) in sites.iter().skip(1).take(MAX_OTHERS) {
            step(&mut finding.steps, *other, "also searched here");
        }
        subject(cx, &mut finding, model, columns[0]);
        findings.push(finding);
    }
    keys(cx, &made, findings);
}

/// What is known of a query, wherever it goes.
#[derive(Default)]
struct Query {
    /// In order of discovery.
    searches: Vec<Search>,
    marks: BTreeSet<Mark>,
    flags: u32,
}

/// Queries with all conditions that they ever get: one with an index is enough.
fn queries(cx: &CheckContext<'_>) -> BTreeMap<Src, Query> {
    let mut queries: BTreeMap<Src, Query> = BTreeMap::new();
    for search in &cx.flow.measured.searches {
        let query = queries.entry(search.src).or_default();
        query.searches.push(*search);
        query.marks.extend(cx.flow.values.marks_of(search.marks).iter().copied());
        query.flags |= search.flags;
    }
    let mut known = FxHashSet::default();
    for execution in &cx.flow.executions {
        if known.insert((execution.src, execution.marks, execution.flags))
            && let Some(query) = queries.get_mut(&execution.src)
        {
            query.marks.extend(cx.flow.values.marks_of(execution.marks).iter().copied());
            query.flags |= execution.flags;
        }
    }
    queries
}

/// Queries that search by the same columns.
struct Searched {
    model: ModelId,
    sites: BTreeSet<(Span, FnRef)>,
}

/// Are there comparisons in the function around a query, or where it is sent, that no plain index serves?
fn is_unserved(cx: &CheckContext<'_>, search: &Search) -> bool {
    let Some(words) = cx.ix.packs.word(cx.ix.model(search.model).dialect, "index-unserved") else { return false };
    let has = |f: FnRef| {
        let range = cx.ix.function(f).range;
        let text = cx.ix.sources.file(f.file).text.get(range.start as usize..range.end as usize).unwrap_or_default();
        words.as_str().split(' ').any(|w| text.contains(w))
    };
    let written = match cx.flow.values.source_of(search.src) {
        Source::Query(at) => cx.function_at(at),
        _ => None,
    };
    has(search.owner) || written.is_some_and(has)
}

/// Is one of the packages that a word of the dialect lists installed?
fn installs(cx: &CheckContext<'_>, data: &Model, key: &str) -> bool {
    let drivers = cx.ix.packs.word(data.dialect, key).map_or("", Name::as_str);
    drivers.split(' ').any(|d| cx.ix.sources.manifest.packages.contains_key(d))
}

/// Is a column a foreign key, for which the database may have made an index by itself?
fn is_key(cx: &CheckContext<'_>, data: &Model, column: Name) -> bool {
    if installs(cx, data, "keys-unindexed-with") && !installs(cx, data, "keys-indexed-with") {
        return false;
    }
    column.as_str().ends_with("_id") || data.relations.values().any(|r| r.key_column == Some(column))
}

fn subject(cx: &CheckContext<'_>, finding: &mut Finding, model: ModelId, column: Name) {
    let data = cx.ix.model(model);
    finding.subject.model = Some(data.name.to_string());
    finding.subject.relation = Some(column.to_string());
    finding.subject.table = data.table.map(|t| t.to_string());
}

/// The columns by which a query searches, if none of them has an index.
fn searched(cx: &CheckContext<'_>, made: &Made, model: ModelId, marks: &[Mark]) -> Vec<Name> {
    let data = cx.ix.model(model);
    if !is_known(cx, data) {
        return Vec::new();
    }
    let mut columns = Vec::new();
    for mark in marks {
        let term = match mark {
            Mark::Term(term) => *term,
            Mark::Manager(..) | Mark::Several => continue,
            Mark::Or(..) | Mark::Removed(..) | Mark::Table(_) | Mark::Beside(_) | Mark::Keys | Mark::Joined | Mark::Loose => {
                return Vec::new();
            }
        };
        let Some(column) = column_of(cx, data, term) else { return Vec::new() };
        if is_indexed(cx, data, column)
            || made.covers(data, column.name)
            || is_unselective(cx, data, column)
            || is_key(cx, data, column.name)
        {
            return Vec::new();
        }
        if !columns.contains(&column.name) {
            columns.push(column.name);
        }
    }
    columns
}

/// Are all columns and indexes of a model declared with it?
fn is_known(cx: &CheckContext<'_>, data: &Model) -> bool {
    let Some(class) = data.class else { return false };
    let Some(words) = cx.ix.packs.word(data.dialect, "declares-indexes") else { return false };
    // What is computed is not read: it may add any index.
    cx.ix.class(class).mro.iter().all(|c| {
        let decl = cx.ix.class_decl(*c);
        let body = &cx.ix.function(FnRef { file: cx.ix.class(*c).file, id: decl.scope }).body;
        let is_table = |name: &Name| words.as_str().split(' ').any(|w| name.as_str().ends_with(w));
        let is_computed =
            |value: Option<crate::facts::ExprId>| value.is_none_or(|v| !matches!(body.expr(v), Expr::Seq { .. } | Expr::Map(_)));
        let methods = decl.methods.iter().map(|m| cx.ix.function(FnRef { file: cx.ix.class(*c).file, id: *m }).name);
        !methods.into_iter().any(|m| is_table(&m)) && !decl.attrs.iter().any(|a| is_table(&a.name) && is_computed(a.value))
    })
}

/// Does a model, or one that it extends and shares the table with, say that a column has an index?
fn is_indexed(cx: &CheckContext<'_>, data: &Model, column: &Column) -> bool {
    let Some(class) = data.class else { return true };
    let above = cx.ix.class(class).mro.iter().filter_map(|c| cx.ix.class(*c).model);
    let says = |m: ModelId| cx.ix.model(m).columns.get(&column.name).is_some_and(|c| c.is_indexed || c.is_primary);
    column.is_indexed || column.is_primary || above.into_iter().any(says)
}

/// The column that a condition compares in a way that an index would serve.
fn column_of<'m>(cx: &CheckContext<'_>, data: &'m Model, term: Name) -> Option<&'m Column> {
    let (name, how) = match term.as_str().split_once("__") {
        Some((name, how)) => (Name::new(name), Some(how)),
        None => (term, None),
    };
    if let Some(how) = how {
        let served = cx.ix.packs.word(data.dialect, "index-comparisons")?;
        served.as_str().split(' ').find(|w| *w == how)?;
    }
    data.columns.get(&name).or_else(|| data.relations.get(&name)?.key_column.and_then(|key| data.columns.get(&key)))
}

/// Has a column so few values that an index on it alone finds half of the table?
fn is_unselective(cx: &CheckContext<'_>, data: &Model, column: &Column) -> bool {
    let Some(at) = column.span else { return true };
    let text = &cx.ix.sources.file(at.file).text;
    let from = text.get(at.range.start as usize..).unwrap_or_default();
    let declared = from.lines().take(4).collect::<String>();
    let words = cx.ix.packs.word(data.dialect, "unselective-columns").map_or("", Name::as_str);
    words.split(' ').any(|w| declared.contains(w))
}

/// Foreign keys that the database makes no index for, and by which the rows of a relation are searched.
fn keys(cx: &CheckContext<'_>, made: &Made, findings: &mut Vec<Finding>) {
    let mut found: BTreeMap<(Span, Name), (ModelId, ModelId, Name)> = BTreeMap::new();
    for (i, parent) in cx.ix.models.iter().enumerate() {
        if !installs(cx, parent, "keys-unindexed-with") {
            continue;
        }
        let mut relations: Vec<_> = parent.relations.values().filter(|r| r.many && r.access == Access::Rows).collect();
        relations.sort_by_key(|r| r.name);
        for relation in relations {
            let Some((target, inverse)) = relation.target.zip(relation.inverse) else { continue };
            let child = cx.ix.model(target);
            let key = child.relations.get(&inverse).filter(|r| !r.many).and_then(|r| r.key_column);
            let Some(column) = key.and_then(|key| child.columns.get(&key)) else { continue };
            let Some(at) = column.span else { continue };
            if !is_known(cx, child) || is_indexed(cx, child, column) || made.covers(child, column.name) || child.is_abstract {
                continue;
            }
            found.entry((at, column.name)).or_insert((ModelId(i as u32), target, relation.name));
        }
    }
    for ((at, column), (parent, target, relation)) in found {
        let Some(owner) = cx.function_at(at) else { continue };
        if cx.ix.sources.file(at.file).origin != Origin::Ours {
            continue;
        }
        let is_said = |f: &Finding| f.rule.as_str() == RULE && f.steps.iter().any(|s| s.span == at);
        if findings.iter().any(is_said) {
            continue;
        }
        let (of, name) = (model_name(cx.ix, parent), model_name(cx.ix, target));
        let message = format!("`{name}` is searched by the foreign key `{column}`, which has no index");
        let mut finding = cx.finding(RULE, at, owner, message);
        finding.help = format!("add an index to `{column}` in a migration: each load of `{of}.{relation}` reads the whole table");
        subject(cx, &mut finding, target, column);
        if installs(cx, cx.ix.model(target), "keys-indexed-with") {
            finding.confidence = crate::findings::Confidence::Low;
        }
        findings.push(finding);
    }
}

/// Indexes that migrations make, or statements as text.
struct Made {
    indexes: Vec<MadeIndex>,
}

struct MadeIndex {
    /// The words of the call or statement.
    words: BTreeSet<String>,
    /// The table, where it is an argument; else one of `around`.
    table: Option<Name>,
    /// The words of the function around it.
    around: BTreeSet<String>,
}

impl Made {
    fn read(cx: &CheckContext<'_>) -> Made {
        let mut indexes = Vec::new();
        let calls: Vec<&str> =
            cx.ix.packs.scopes().filter_map(|s| cx.ix.packs.word(s, "index-calls")).flat_map(|w| w.as_str().split(' ')).collect();
        for body in cx.ix.facts.iter().flat_map(|facts| &facts.functions).map(|f| &f.body) {
            let whole = Range { start: 0, end: u32::MAX };
            for (expr, range) in body.exprs.iter().zip(&body.ranges) {
                match expr {
                    Expr::Str(text) if text.as_str().contains(' ') && text.as_str().to_uppercase().contains("INDEX ") => {
                        let words: BTreeSet<String> = words_of(*text).collect();
                        indexes.push(MadeIndex { around: words.clone(), words, table: None });
                    }
                    Expr::Call { callee, args } => {
                        let (Expr::Attr { name, .. } | Expr::Name(name)) = body.expr(*callee) else { continue };
                        if !calls.contains(&name.as_str()) {
                            continue;
                        }
                        let table = match args.get(1).map(|a| body.expr(a.value)) {
                            Some(Expr::Str(table)) => Some(*table),
                            _ => None,
                        };
                        indexes.push(MadeIndex { words: texts_in(body, *range), table, around: texts_in(body, whole) });
                    }
                    _ => (),
                }
            }
        }
        Made { indexes }
    }

    fn covers(&self, data: &Model, column: Name) -> bool {
        let is_of = |index: &MadeIndex| match (data.table, index.table) {
            (Some(table), Some(of)) => table == of,
            (Some(table), None) => index.around.contains(table.as_str()),
            (None, _) => true,
        };
        self.indexes.iter().any(|index| index.words.contains(column.as_str()) && is_of(index))
    }
}

fn words_of(text: Name) -> impl Iterator<Item = String> {
    let words = text.as_str().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|w| !w.is_empty()).map(str::to_owned)
}

fn texts_in(body: &Body, inside: Range) -> BTreeSet<String> {
    let texts = body.exprs.iter().zip(&body.ranges).filter(|(_, r)| inside.start <= r.start && r.end <= inside.end);
    texts.filter_map(|(e, _)| if let Expr::Str(text) = e { Some(*text) } else { None }).flat_map(words_of).collect()
}
