//! What to do about a statement in a loop? The advice follows from what the statement looks up and what changes from turn to turn.

use super::CheckContext;
use super::statement_lookup::{self, Lookup};
use super::statement_turn::{self, Turn};
use super::wording::{eager_code, model_name, path_text};
use crate::base::{Name, Span};
use crate::facts::{Expr, Pat, Slot};
use crate::flow::value::{Source, flag};
use crate::flow::{Event, Statement, What};
use crate::index::{FnRef, ModelId, Symbol};
use crate::packs::Gets;

/// What is known of a statement in a loop beyond that it is one.
pub(super) struct Advice {
    /// The sentence for the reader.
    pub help: String,
    /// The row is read to be changed, or the statement guards a change: it belongs to its turn.
    pub is_per_row: bool,
    /// Speaks of this statement only: where a call sends several, it is no cure.
    pub is_narrow: bool,
    /// The session most likely holds the row that is asked for by its key.
    pub is_held: bool,
    /// Nothing in the query changes from turn to turn.
    pub is_constant: bool,
}

/// The advice for one statement.
pub(super) fn of(cx: &CheckContext<'_>, rule: &str, event: &Event) -> Advice {
    let What::Statement { kind, via, model, method, flags, .. } = &event.what else {
        return Advice { help: String::new(), is_per_row: false, is_narrow: false, is_constant: false, is_held: false };
    };
    let header = event.loops.first().and_then(|l| cx.flow.values.loop_span(*l));
    let turn = header.and_then(|at| statement_turn::follow(cx, at, &event.path, event.site));
    let lookup = turn.as_ref().and_then(|t| statement_lookup::read(cx, t, event.site, *model, flags & flag::ANEW != 0));
    let held = turn.as_ref().zip(lookup.as_ref()).and_then(|(t, l)| l.held_by.map(|slot| (t, slot)));
    let is_read = matches!(kind, Statement::Read | Statement::Aggregate) && rule != "defeated-eager-load";
    // The row of the loop that is read once more is better handed over, whatever is done to it.
    let is_own_row = lookup.as_ref().is_some_and(|l| l.key_of.is_some() && !l.is_open && l.columns.is_empty());
    // What runs as a job of its own reads its row itself: that is all it is given.
    let is_job = is_own_row && cx.flow.tasks.contains(&event.owner);
    let word = |key: &str| model.and_then(|m| cx.ix.packs.word(cx.ix.model(m).dialect, key));
    let asks_session = word("identity-gets").is_some_and(|w| w.has_word(method.as_str()));
    // The session gives the row of one key again without a query, as long as somebody holds it.
    let is_remembered = lookup.as_ref().is_some_and(|l| l.is_constant) && (asks_session || is_remembered(cx, event));
    let is_per_row = is_remembered
        || is_job
        || lookup.as_ref().is_some_and(|l| l.draws_anew)
        || is_read && comes_in_parts(cx, event)
        || is_read
            && !is_own_row
            && (is_written_back(cx, event)
                || guards_insert(cx, event)
                || is_in_write_method(cx, event)
                || held.is_some_and(|(t, slot)| is_changed(cx, t, slot, *model)));
    let words = Words { cx, model: via.map(|(m, _)| m).or(*model), target: *model, site: event.site };
    let help = match (rule, kind, via) {
        ("defeated-eager-load", _, Some((_, relation))) => {
            format!("use the rows of `{relation}` that are loaded already, or load them with the condition")
        }
        ("write-in-loop", Statement::Upsert, _) => words
            .word("upsert-help")
            .unwrap_or_else(|| "collect the rows and write them with one statement after the loop".to_owned()),
        ("write-in-loop", ..) => "collect the rows and write them with one statement after the loop".to_owned(),
        (_, Statement::Load, _) => "load the relations once for the whole collection, before the loop".to_owned(),
        (_, _, Some((holder, relation))) => of_relation(cx, event, &words, *kind, *holder, *relation, lookup.as_ref()),
        _ => of_query(cx, event, &words, *kind, lookup.as_ref()),
    };
    let help = match via {
        Some((_, relation)) if is_read && help.contains("and read the loaded rows") && hides_relation(cx, event, *relation) => {
            format!("{help}; put the result under another name, as `{relation}` then means the loaded rows")
        }
        _ => help,
    };
    let is_constant = lookup.as_ref().is_some_and(|l| l.is_constant);
    let is_narrow = via.is_none() && !lookup.is_some_and(|l| l.is_constant || l.key_of.is_some());
    Advice { help, is_per_row, is_narrow, is_constant, is_held: is_own_row && asks_session }
}

/// Does a method give its rows in parts, as for so many that they are not held at once?
fn comes_in_parts(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { method, model, via, .. } = &event.what else { return false };
    let Some(model) = via.map(|(m, _)| m).or(*model) else { return false };
    let op = cx.ix.packs.op(cx.ix.model(model).dialect, Name::new("query"), *method);
    op.is_some_and(|op| op.gets == Gets::Chunk)
}

/// Sentences of a pack, with the names of the reader in them.
struct Words<'a> {
    cx: &'a CheckContext<'a>,
    model: Option<ModelId>,
    target: Option<ModelId>,
    site: Span,
}

impl Words<'_> {
    fn name(&self, key: &str) -> Option<Name> {
        let packs = self.cx.ix.packs;
        match self.model {
            Some(m) => packs.word(self.cx.ix.model(m).dialect, key),
            None => {
                let python = self.cx.ix.file(self.site.file).language == crate::facts::Language::Python;
                packs.word_in_language(Name::new(if python { "python" } else { "php" }), key)
            }
        }
    }

    fn word(&self, key: &str) -> Option<String> {
        self.name(key).map(|w| w.as_str().to_owned())
    }

    fn has(&self, key: &str, name: &str) -> bool {
        self.name(key).is_some_and(|w| w.has_word(name))
    }

    fn filled(&self, key: &str, column: Name) -> Option<String> {
        let model = self.target.map_or("", |m| model_name(self.cx.ix, m));
        // Lists hold keys, not rows.
        let relation = self.target.and_then(|m| self.cx.ix.model(m).relations.get(&column)).filter(|r| !r.many);
        let column = relation.and_then(|r| r.key_column).unwrap_or(column);
        self.word(key).map(|text| text.replace("{column}", column.as_str()).replace("{model}", model))
    }
}

const ONCE: &str = "nothing in this query changes from turn to turn: run it once before the loop";
const ONCE_BELOW: &str =
    "nothing in this query changes from turn to turn: run it once before the loop, and hand down what it gives";
const BETWEEN: &str =
    "nothing in this query changes from turn to turn: where what the loop writes does not matter to it, run it once before";
/// The advice where nothing better is known of what a call sends.
pub(super) const DOWN: &str = "fetch what it needs for all turns before the loop, and hand it down";
/// Advice on a lookup is not given further than this many calls below the loop.
const MAX_DEPTH: usize = 2;

/// What to do about a query that is the same in every turn.
fn once(cx: &CheckContext<'_>, event: &Event) -> String {
    match (is_model_written(cx, event), event.path.is_empty()) {
        (true, _) => BETWEEN,
        (false, true) => ONCE,
        (false, false) => ONCE_BELOW,
    }
    .to_owned()
}
const TOGETHER: &str = "fetch what all turns need with one query before the loop, and look it up in memory";

fn of_query(cx: &CheckContext<'_>, event: &Event, words: &Words<'_>, kind: Statement, lookup: Option<&Lookup>) -> String {
    let Some(lookup) = lookup else { return TOGETHER.to_owned() };
    if lookup.is_dynamic {
        return "which column is asked changes from turn to turn, so each needs a query of its own; keep what was asked before"
            .to_owned();
    }
    if lookup.is_constant {
        return once(cx, event);
    }
    if !lookup.is_sure || event.path.len() > MAX_DEPTH {
        return DOWN.to_owned();
    }
    if lookup.is_open {
        return grouped(event, words).unwrap_or_else(|| TOGETHER.to_owned());
    }
    // Whoever calls a repository has no model to ask: the method asks for whatever it was made for.
    if lookup.is_general && !event.path.is_empty() {
        return TOGETHER.to_owned();
    }
    let counts = |key: &str| words.has(key, method(event));
    let help = match (lookup.has_key, lookup.columns.as_slice()) {
        (true, []) => match lookup.key_of.filter(|_| lookup.is_one) {
            Some(row) => {
                let model = words.target.map_or("", |m| model_name(cx.ix, m));
                let key = if words.target.is_none() { "table-batch-help" } else { "batch-help" };
                let other = words.word(key).map_or_else(String::new, |help| format!("; else {help}"));
                Some(format!("if `{row}` is the `{model}` row, hand it over instead of its key{other}"))
            }
            None if words.target.is_none() => words.word("table-batch-help").or_else(|| words.word("batch-help")),
            None => by_relation(cx, words, lookup).or_else(|| words.word("batch-help")),
        },
        (false, [column]) if counts("exists-methods") => words.filled("exists-help", *column),
        (false, [column]) if counts("count-methods") => words.filled("count-by-help", *column),
        (false, [_]) if kind == Statement::Aggregate && !lookup.is_one => grouped(event, words),
        (false, [column]) if lookup.is_one && lookup.is_ordered => words.filled("newest-help", *column),
        (false, [column]) if lookup.is_one => words.filled("lookup-help", *column),
        (false, [column]) => words.filled("group-help", *column),
        (_, []) => None,
        (has_key, columns) => {
            let mut names: Vec<String> = columns.iter().map(|c| format!("`{c}`")).collect();
            if has_key {
                names.insert(0, "its key".to_owned());
            }
            Some(format!(
                "fetch the rows of all turns with one query before the loop, and look each up by ({})",
                names.join(", ")
            ))
        }
    };
    help.unwrap_or_else(|| TOGETHER.to_owned())
}

/// The key is that of a relation which the row has for it: `User::find($ticket->staff_id)` is `$ticket->staff`.
fn by_relation(cx: &CheckContext<'_>, words: &Words<'_>, lookup: &Lookup) -> Option<String> {
    let (column, target) = (lookup.key_from.filter(|_| lookup.is_one)?, words.target?);
    let mut found = Vec::new();
    for (at, model) in cx.ix.models.iter().enumerate().filter(|(_, model)| !model.is_abstract && model.class.is_some()) {
        #[allow(clippy::iter_over_hash_type)]
        let leading = model.relations.values().filter(|r| !r.many && r.key_column == Some(column) && r.target == Some(target));
        found.extend(leading.map(|r| (ModelId(at as u32), r.name)));
    }
    // Of several the variable may hold a row of any.
    let [(holder, relation)] = found[..] else { return None };
    let code = eager_code(cx.ix, holder, &[relation])?;
    let name = model_name(cx.ix, holder);
    Some(format!("`{column}` of `{name}` is the key of its `{relation}`: load that with the rows, `{code}`, and read it"))
}

/// Numbers of all turns come from one query that groups by what tells the turns apart.
fn grouped(event: &Event, words: &Words<'_>) -> Option<String> {
    words.word("grouped-help").filter(|_| words.has("grouped-methods", method(event)))
}

/// What to do about a relation of a row that is the same in all turns: only what is looked for among its rows changes.
fn of_one_row(
    cx: &CheckContext<'_>,
    event: &Event,
    words: &Words<'_>,
    holder: ModelId,
    relation: Name,
    lookup: &Lookup,
) -> String {
    let only = match (lookup.is_open || lookup.has_key, lookup.columns.as_slice()) {
        (false, [column]) => Some(*column),
        _ => None,
    };
    if words.has("grouped-methods", method(event)) || lookup.is_grouped {
        let counted = only.filter(|_| words.has("count-methods", method(event)));
        let help = counted.and_then(|column| words.filled("count-by-help", column)).or_else(|| words.word("grouped-help"));
        if let Some(help) = help {
            return help;
        }
    }
    if lookup.asks_elsewhere {
        return TOGETHER.to_owned();
    }
    let by = only.map_or_else(|| " in memory".to_owned(), |column| format!(" by `{column}`"));
    let name = model_name(cx.ix, holder);
    format!("read `{relation}` of this `{name}` once before the loop, and look each row up{by}")
}

fn of_relation(
    cx: &CheckContext<'_>,
    event: &Event,
    words: &Words<'_>,
    kind: Statement,
    holder: ModelId,
    relation: Name,
    lookup: Option<&Lookup>,
) -> String {
    let name = model_name(cx.ix, holder);
    if let Some(lookup) = lookup {
        if lookup.is_constant {
            return once(cx, event);
        }
        if !lookup.parent_changes && lookup.is_sure {
            return of_one_row(cx, event, words, holder, relation, lookup);
        }
    }
    // How the statement comes to its row is not seen: neither is what changes from turn to turn.
    let is_far = event.path.len() > MAX_DEPTH;
    if is_far && lookup.is_none_or(|l| !l.is_sure) {
        return DOWN.to_owned();
    }
    // What a manager of the program asks itself, it asks of rows that are loaded, too.
    if is_in_manager(cx, event, words.target) {
        return format!("fetch the rows of `{relation}` for all `{name}` rows with one query before the loop, and group them");
    }
    // What runs a function on the rows reads them, whatever it gives back.
    let dialect = cx.ix.model(holder).dialect;
    let op = cx.ix.packs.op(dialect, Name::new("query"), Name::new(method(event)));
    let is_aggregate = kind == Statement::Aggregate && op.is_none_or(|op| op.callback.is_none());
    if is_aggregate && let Some(code) = words.word(&format!("count-help.{}", method(event))) {
        let narrowed = words.word("narrowed-relation").filter(|_| is_filtered(event));
        let code = narrowed.map_or(code.clone(), |narrowed| code.replace("'{relation}'", &narrowed));
        return format!("let the query compute it for all rows: `{}`", code.replace("{relation}", relation.as_str()));
    }
    if is_aggregate {
        return "let the query of the rows compute it for all of them".to_owned();
    }
    let told = |key: &str| words.word(key).map(|help| help.replace("{relation}", relation.as_str()).replace("{model}", name));
    if lookup.is_some_and(|l| l.is_grouped)
        && let Some(help) = told("grouped-relation-help")
    {
        return help;
    }
    // What else it is asked by, a relation that is loaded for all rows cannot know.
    if let Some(lookup) = lookup.filter(|l| l.is_one && l.is_ordered && (l.asks_elsewhere || !l.is_narrowed_anew))
        && let Some(help) = told("newest-relation-help")
    {
        let more = if is_conditional(event) || lookup.is_open { "newest-relation-conditions" } else { "" };
        return help + &told(more).unwrap_or_default();
    }
    let is_asked_elsewhere = lookup.is_some_and(|l| l.asks_elsewhere);
    if lookup.is_some_and(|l| l.is_shaped || is_asked_elsewhere && !l.is_narrowed_anew)
        && let Some(help) = told("shaped-relation-help")
    {
        return help;
    }
    if is_asked_elsewhere {
        return format!("fetch the rows of `{relation}` for all `{name}` rows with one query before the loop, and group them");
    }
    let (root, path) = way_to(cx, event, holder, relation);
    let code = eager_code(cx.ix, root, &path);
    let what = if is_filtered(event) { "filter" } else { "read" };
    match code {
        Some(code) => {
            let (rows, path) = (model_name(cx.ix, root), path_text(&path));
            format!("load `{path}` with the query of the `{rows}` rows, `{code}`, and {what} the loaded rows")
        }
        None => format!("fetch the rows of `{relation}` for all `{name}` rows with one query before the loop, and group them"),
    }
}

/// The rows that a query gave, and the path from them to the rows of a relation that a statement asks for.
fn way_to(cx: &CheckContext<'_>, event: &Event, holder: ModelId, relation: Name) -> (ModelId, Vec<Name>) {
    if let What::Statement { src, .. } = event.what
        && let (Source::Query(_), path) = cx.flow.values.root_source(src)
        && path.len() > 1
        && path.last() == Some(&relation)
        && let Some(root) = cx.flow.values.root_model(src)
    {
        return (root, path);
    }
    (holder, vec![relation])
}

/// Does a method of the model's own manager send the statement?
fn is_in_manager(cx: &CheckContext<'_>, event: &Event, target: Option<ModelId>) -> bool {
    let (Some(target), Some(f)) = (target, cx.function_at(event.site).filter(|_| !event.path.is_empty())) else { return false };
    let Some(class) = cx.ix.class_of_function(f) else { return false };
    cx.ix.model(target).managers.iter().any(|m| m.class.is_some_and(|own| cx.ix.is_subclass(own, class)))
}

/// Is the result of a statement put into an attribute that has the name of the relation?
fn hides_relation(cx: &CheckContext<'_>, event: &Event, relation: Name) -> bool {
    let Some(f) = cx.function_at(event.site) else { return false };
    let body = &cx.ix.function(f).body;
    body.exprs.iter().any(|e| match e {
        Expr::Assign { target, value } => {
            let range = body.range(*value);
            matches!(body.pats.get(target.0 as usize), Some(Pat::Attr { name, .. }) if *name == relation)
                && range.start <= event.site.range.start
                && event.site.range.end <= range.end
        }
        _ => false,
    })
}

fn is_filtered(event: &Event) -> bool {
    matches!(&event.what, What::Statement { flags, .. } if flags & flag::FILTERED != 0)
}

/// Does the query have conditions, beside the relation that it started from and its order?
fn is_conditional(event: &Event) -> bool {
    matches!(&event.what, What::Statement { flags, .. } if flags & (flag::NARROWED | flag::OTHERWISE | flag::SCOPED) != 0)
}

fn method(event: &Event) -> &str {
    match &event.what {
        What::Statement { method, .. } => method.as_str(),
        _ => "",
    }
}

/// Does the row keep the answer?
fn is_remembered(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { model: Some(model), method, .. } = &event.what else { return false };
    let kept = cx.ix.packs.word(cx.ix.model(*model).dialect, "remembered").map_or("", Name::as_str);
    kept.split(' ').any(|m| m == method.as_str())
}

fn same_loop(a: &Event, b: &Event) -> bool {
    a.loops.first().is_some_and(|l| b.loops.contains(l)) || b.loops.first().is_some_and(|l| a.loops.contains(l))
}

fn writes<'c>(
    cx: &'c CheckContext<'_>,
    event: &'c Event,
) -> impl Iterator<Item = (&'c Event, crate::flow::value::Src, Option<ModelId>, Name)> {
    event.loops.iter().flat_map(|l| cx.writes_in(*l)).filter_map(move |other| match &other.what {
        What::Statement { src, model, method, .. } if same_loop(event, other) => Some((other, *src, *model, *method)),
        _ => None,
    })
}

/// Are rows written in the same turn?
pub(super) fn turn_writes(cx: &CheckContext<'_>, event: &Event) -> bool {
    writes(cx, event).next().is_some()
}

/// Are rows of the model that is asked written in the same loop?
pub(super) fn writes_what_it_asks(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { model: Some(model), .. } = &event.what else { return false };
    writes(cx, event).any(|(_, _, written, _)| written == Some(*model)) || is_made_beside(cx, event, *model)
}

/// Where a session sends what is new by itself: does the function that asks make a row of the model, too?
fn is_made_beside(cx: &CheckContext<'_>, event: &Event, model: ModelId) -> bool {
    if cx.ix.packs.word(cx.ix.model(model).dialect, "identity-map").is_none() {
        return false;
    }
    let makes = |f: FnRef| {
        let body = &cx.ix.function(f).body;
        body.exprs.iter().any(|e| match e {
            Expr::Call { callee, .. } => {
                matches!(cx.named(f, *callee), Symbol::Class(class) if cx.ix.class(class).model == Some(model))
            }
            _ => false,
        })
    };
    let in_loop = || event.loops.first().and_then(|l| cx.flow.values.loop_span(*l)).and_then(|at| cx.function_at(at));
    makes(event.owner) || in_loop().is_some_and(makes)
}

/// Is the row that is read written in the same turn?
fn is_written_back(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { src, .. } = &event.what else { return false };
    writes(cx, event).any(|(_, written, _, _)| written == *src)
}

/// Are rows of the model that is asked written in the same loop, as far as it is known?
fn is_model_written(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { model, .. } = &event.what else { return false };
    writes(cx, event).any(|(_, _, written, _)| written == *model || written.is_none())
}

/// Is a row of the same model made where it is asked whether there is one?
fn guards_insert(cx: &CheckContext<'_>, event: &Event) -> bool {
    let What::Statement { model: Some(model), .. } = &event.what else { return false };
    let makes = |method: Name| {
        let op = cx.ix.packs.op(cx.ix.model(*model).dialect, Name::new("query"), method);
        op.is_some_and(|op| matches!(op.result, crate::packs::Result::New | crate::packs::Result::NewRows))
    };
    writes(cx, event).any(|(other, _, written, method)| written == Some(*model) && other.owner == event.owner && makes(method))
}

/// Does the statement belong to what saving or deleting one row does?
fn is_in_write_method(cx: &CheckContext<'_>, event: &Event) -> bool {
    let places = std::iter::once(event.site).chain(event.path.iter().copied());
    let depth = event.path.len();
    places.take(depth).filter_map(|at| cx.function_at(at)).any(|f| is_write_method(cx, f))
}

fn is_write_method(cx: &CheckContext<'_>, f: FnRef) -> bool {
    let decl = cx.ix.function(f);
    if decl.name.is_empty() {
        return false;
    }
    let Some(model) = cx.ix.class_of_function(f).and_then(|c| cx.ix.class(c).model) else {
        return false;
    };
    let dialect = cx.ix.model(model).dialect;
    let op = cx.ix.packs.op(dialect, Name::new("row"), decl.name);
    let checks = cx.ix.packs.word(dialect, "write-methods").map_or("", Name::as_str);
    op.is_some_and(|op| op.writes) || checks.split(' ').any(|m| m == decl.name.as_str())
}

/// Is the row that a variable holds changed or given to something that writes it?
fn is_changed(cx: &CheckContext<'_>, turn: &Turn<'_>, slot: Slot, model: Option<ModelId>) -> bool {
    let body = turn.body;
    let is_it = |e: crate::facts::ExprId| *body.expr(e) == Expr::Local(slot);
    let dialect = model.map(|m| cx.ix.model(m).dialect);
    let takers = dialect.and_then(|d| cx.ix.packs.word(d, "row-writers")).map_or("", Name::as_str);
    let writes = |name: Name| dialect.and_then(|d| cx.ix.packs.op(d, Name::new("row"), name)).is_some_and(|op| op.writes);
    body.pats.iter().any(|pat| matches!(pat, Pat::Attr { base, .. } if is_it(*base)))
        || body.exprs.iter().any(|expr| match expr {
            Expr::Call { callee, args } => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => {
                    (is_it(*base) && writes(*name))
                        || (takers.split(' ').any(|t| t == name.as_str()) && args.iter().any(|a| is_it(a.value)))
                }
                _ => false,
            },
            _ => false,
        })
}
