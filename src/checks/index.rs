//! By which columns are tables searched that no index covers?

use std::collections::{BTreeMap, BTreeSet};

use super::wording::model_name;
use super::{CheckContext, step};
use crate::base::{Name, Span};
use crate::facts::Expr;
use crate::findings::Finding;
use crate::flow::value::{Mark, flag};
use crate::index::{Access, Column, FnRef, Model, ModelId};
use crate::source::Origin;

const RULE: &str = "missing-index";
/// At most so many queries of one column are listed.
const MAX_OTHERS: usize = 6;
/// What finds the rows otherwise, or is not known.
const FOUND_OTHERWISE: u16 = flag::KEYED | flag::BATCH | flag::SCOPED | flag::RAW | flag::GROUPED;

pub(super) fn check(cx: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let made = Made::read(cx);
    let mut found: BTreeMap<(ModelId, Name), BTreeSet<(Span, FnRef)>> = BTreeMap::new();
    for execution in &cx.flow.executions {
        let Some(model) = execution.model else { continue };
        let origin = cx.ix.sources.file(execution.site.file).origin;
        if execution.via.is_some() || execution.flags & FOUND_OTHERWISE != 0 || origin != Origin::Ours {
            continue;
        }
        for column in searched(cx, &made, model, cx.flow.values.marks_of(execution.marks)) {
            found.entry((model, column)).or_default().insert((execution.site, execution.owner));
        }
    }
    for ((model, column), sites) in found {
        let Some((site, owner)) = sites.first().copied() else { continue };
        let name = model_name(cx.ix, model);
        let mut finding = cx.finding(RULE, site, owner, format!("`{name}` is searched by `{column}`, which has no index"));
        finding.help = format!("add an index to `{column}` in a migration, if there are many rows of `{name}`");
        if let Some(at) = cx.ix.model(model).columns.get(&column).and_then(|c| c.span) {
            step(&mut finding.steps, at, format!("`{column}` is declared here"));
        }
        for (other, _) in sites.iter().skip(1).take(MAX_OTHERS) {
            step(&mut finding.steps, *other, "also searched here");
        }
        subject(cx, &mut finding, model, column);
        findings.push(finding);
    }
    keys(cx, &made, findings);
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
            Mark::Manager(..) => continue,
            Mark::Or(_) | Mark::Removed(..) | Mark::Table(_) => return Vec::new(),
        };
        let Some(column) = column_of(cx, data, term) else { return Vec::new() };
        if column.is_indexed || column.is_primary || made.covers(column.name) || is_unselective(cx, data, column) {
            return Vec::new();
        }
        columns.push(column.name);
    }
    columns
}

/// Are all columns and indexes of a model declared with it?
fn is_known(cx: &CheckContext<'_>, data: &Model) -> bool {
    data.class.is_some() && cx.ix.packs.word(data.dialect, "declares-indexes").is_some()
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
    let declared = from.lines().take(2).collect::<String>();
    let words = cx.ix.packs.word(data.dialect, "unselective-columns").map_or("", Name::as_str);
    words.split(' ').any(|w| declared.contains(w))
}

/// Foreign keys that the database makes no index for, and by which the rows of a relation are searched.
fn keys(cx: &CheckContext<'_>, made: &Made, findings: &mut Vec<Finding>) {
    let mut found: BTreeMap<(Span, Name), (ModelId, ModelId, Name)> = BTreeMap::new();
    for (i, parent) in cx.ix.models.iter().enumerate() {
        let Some(drivers) = cx.ix.packs.word(parent.dialect, "keys-unindexed-with") else { continue };
        if !drivers.as_str().split(' ').any(|d| cx.ix.sources.manifest.packages.contains_key(d)) {
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
            if !is_known(cx, child) || column.is_indexed || column.is_primary || made.covers(column.name) || child.is_abstract {
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
        let (of, name) = (model_name(cx.ix, parent), model_name(cx.ix, target));
        let message = format!("`{name}` is searched by the foreign key `{column}`, which has no index");
        let mut finding = cx.finding(RULE, at, owner, message);
        finding.help = format!("add an index to `{column}` in a migration: each load of `{of}.{relation}` reads the whole table");
        subject(cx, &mut finding, target, column);
        findings.push(finding);
    }
}

/// Columns that indexes made by migrations, or by statements as text, name.
struct Made {
    columns: BTreeSet<String>,
}

impl Made {
    fn read(cx: &CheckContext<'_>) -> Made {
        let mut columns = BTreeSet::new();
        let calls: Vec<&str> =
            cx.ix.packs.scopes().filter_map(|s| cx.ix.packs.word(s, "index-calls")).flat_map(|w| w.as_str().split(' ')).collect();
        for (i, facts) in cx.ix.facts.iter().enumerate() {
            let is_migration = cx.ix.sources.file(crate::base::FileId(i as u32)).origin == Origin::Migration;
            for body in facts.functions.iter().map(|f| &f.body) {
                let mut ranges = Vec::new();
                for (expr, range) in body.exprs.iter().zip(&body.ranges) {
                    if let Expr::Call { callee, .. } = expr
                        && let Expr::Attr { name, .. } | Expr::Name(name) = body.expr(*callee)
                        && calls.contains(&name.as_str())
                    {
                        ranges.push(*range);
                    }
                }
                for (expr, range) in body.exprs.iter().zip(&body.ranges) {
                    let Expr::Str(text) = expr else { continue };
                    let is_statement =
                        (is_migration || text.as_str().contains(' ')) && text.as_str().to_uppercase().contains("INDEX ");
                    if is_statement || ranges.iter().any(|r| r.start <= range.start && range.end <= r.end) {
                        let words = text.as_str().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                        columns.extend(words.filter(|w| !w.is_empty()).map(str::to_owned));
                    }
                }
            }
        }
        Made { columns }
    }

    fn covers(&self, column: Name) -> bool {
        self.columns.contains(column.as_str())
    }
}
