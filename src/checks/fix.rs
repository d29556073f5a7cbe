//! Which edits cure a lazy load? The relation joins the eager loads of the query that gives the rows, or a read of a key reads
//! the column that holds it.
//!
//! In: the place where the query starts, and the path that is missing. Out: edits, or nothing where the query is not one
//! expression of a form that is understood in full.

use super::CheckContext;
use super::wording::{eager_code, path_text};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Arg, Body, Expr, ExprId, FnId, Language, Spread};
use crate::findings::{Edit, Fix};
use crate::flow::Event;
use crate::index::ModelId;
use crate::packs::{Op, Result as OpResult};

/// A call in the chain of a query.
struct Link<'a> {
    name: Name,
    /// The attribute read: ends with the name.
    attr: ExprId,
    call: ExprId,
    args: &'a [Arg],
}

/// The expression that gives the rows.
struct Chain<'a> {
    file: FileId,
    body: &'a Body,
    text: &'a str,
    /// Where the query starts: a manager, a class, or the first call.
    start: ExprId,
    /// The calls on it, in their order; the first is part of the start where that is a call on a class.
    links: Vec<Link<'a>>,
    /// The first link is a call on the class itself.
    is_static: bool,
}

impl Chain<'_> {
    /// Is one of these texts, or code, among the arguments?
    fn names_any(&self, args: &[Arg], words: &[String]) -> bool {
        let is_named = |value: ExprId| {
            let range = self.body.range(value);
            let code = self.text.get(range.start as usize..range.end as usize);
            let code = code.unwrap_or_default().replace(['\'', '"'], "");
            words.contains(&code)
        };
        args.iter().any(|arg| match self.body.expr(arg.value) {
            Expr::Seq { items, .. } => items.iter().any(|item| is_named(item.value)),
            _ => is_named(arg.value),
        })
    }
}

/// The change of reads that need no more of a relation than the key that the row holds itself.
pub(super) struct KeyRead {
    pub fix: Fix,
    /// Nothing but whether there is a row is asked.
    pub is_tested: bool,
}

/// Every read of a relation only asks for the key, which the row holds itself, or whether there is one.
pub(super) fn key_read(cx: &CheckContext<'_>, root: ModelId, name: Name, events: &[&Event]) -> Option<KeyRead> {
    let relation = cx.ix.model(root).relations.get(&name)?;
    let column = relation.key_column?;
    let target = cx.ix.model(relation.target?);
    let mut keys = target.columns.values().filter(|c| c.is_primary);
    let key = keys.next().map_or("id", |column| column.name.as_str());
    // `author_id` holds the `id` of the author; a column by another name may hold another key.
    if !column.as_str().ends_with(&format!("_{key}")) {
        return None;
    }
    let others = cx.ix.packs.word(target.dialect, "key-names").map_or("", Name::as_str);
    let is_key = |name: &Name| name.as_str() == key || others.split(' ').any(|other| other == name.as_str());
    let mut edits: Vec<Edit> = Vec::new();
    let mut is_safe = true;
    let mut asks_key = false;
    for event in events {
        let file = cx.ix.file(event.site.file);
        let bodies = file.functions.iter().map(|function| &function.body);
        let read = bodies.into_iter().find_map(|body| {
            let is_here = |e: ExprId| {
                let inner = body.range(e);
                inner.end == event.site.range.end && inner.contains(event.site.range)
            };
            let keyed = body.exprs.iter().zip(&body.ranges).find_map(|(expr, range)| {
                let (Expr::Attr { base, name, .. } | Expr::Lookup { base, name, .. }) = expr else {
                    return None;
                };
                (is_here(*base) && is_key(name)).then_some((body.range(*base).end, range.end, name.as_str()))
            });
            keyed.or_else(|| {
                let read = body.exprs.iter().enumerate().find_map(|(i, expr)| match expr {
                    Expr::Attr { name: n, .. } | Expr::Lookup { name: n, .. } => {
                        let id = ExprId(i as u32);
                        (*n == name && is_here(id)).then_some(id)
                    }
                    _ => None,
                })?;
                let end = body.range(read).end;
                let compares = compares_rows(cx, root, body, read);
                asks_key |= compares;
                (compares || is_only_tested(body, read)).then_some((end, end, ""))
            })
        });
        let (start, end, key) = read?;
        let text = &cx.ix.sources.file(event.site.file).text;
        // Only the separator and the key may stand between: nothing that a range does not show.
        let between = text.get(start as usize..end as usize)?;
        if between.trim_start_matches(['-', '>', '?', '.']) != key {
            return None;
        }
        is_safe &= !key.is_empty();
        asks_key |= !key.is_empty();
        let edit = Edit {
            span: Span { file: event.site.file, range: Range { start: event.site.range.start, end } },
            text: column.to_string(),
        };
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    // Of a row that a scope hides, the key is still there.
    if !is_safe && !target.scopes.is_empty() {
        return None;
    }
    // A key that the database checks is there if and only if its row is.
    let is_telling = cx.ix.packs.word(target.dialect, "keys-are-checked").is_some();
    let what = if asks_key { "read" } else { "test" };
    let fix = || Fix { title: format!("{what} `{column}`"), edits, is_safe };
    (asks_key || is_telling).then(|| KeyRead { fix: fix(), is_tested: !asks_key })
}

/// Is a row only given to a condition of a query, which compares its key: `filter(author=post.author)`?
fn compares_rows(cx: &CheckContext<'_>, model: ModelId, body: &Body, read: ExprId) -> bool {
    let dialect = cx.ix.model(model).dialect;
    // Not every library takes a key where it takes the row.
    let Some(separator) = cx.ix.packs.word(dialect, "keys-for-rows") else { return false };
    body.exprs.iter().any(|expr| {
        let Expr::Call { callee, args } = expr else { return false };
        let Expr::Attr { name: method, .. } = body.expr(*callee) else { return false };
        let is_equal = |name: Name| !name.as_str().contains(separator.as_str());
        let by_name = args.iter().any(|a| a.value == read && a.name.is_some_and(is_equal));
        by_name && cx.ix.packs.op(dialect, Name::new("query"), *method).is_some_and(|op| op.terms && !op.writes)
    })
}

/// Is a value only asked whether there is one?
fn is_only_tested(body: &Body, read: ExprId) -> bool {
    use crate::facts::{BinaryOp, Stmt};
    let is_null = |e: ExprId| matches!(body.expr(e), Expr::Null);
    let by_expr = body.exprs.iter().any(|expr| match expr {
        Expr::Ternary { cond, then: Some(_), .. } => *cond == read,
        Expr::And(left, _) => *left == read,
        Expr::Not(inner) => *inner == read,
        Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } => {
            (*left == read && is_null(*right)) || (*right == read && is_null(*left))
        }
        _ => false,
    });
    by_expr || body.stmts.iter().any(|stmt| matches!(stmt, Stmt::If { cond, .. } if *cond == read))
}

/// Loads a path with the query that starts at a place.
pub(super) fn eager(cx: &CheckContext<'_>, at: Span, root: ModelId, path: &[Name]) -> Option<Fix> {
    let chain = chain(cx, at)?;
    let dialect = cx.ix.model(root).dialect;
    let word = |key: &str| cx.ix.packs.word(dialect, key).map_or("", Name::as_str);
    let query = Name::new("query");
    let op = |name: Name| cx.ix.packs.op(dialect, query, name);
    let code = eager_code(cx.ix, root, path)?;
    let (method, argument) = code.split_once('(')?;
    let argument = argument.strip_suffix(')')?;
    let mut edits: Vec<Edit> = Vec::new();
    let argument = match word("link-import") {
        "" => argument.to_owned(),
        module => imported(cx, &chain, root, path, argument, module, &mut edits)?,
    };
    // The part of the chain that is still the query: up to and including the call that sends it.
    let end = chain.links.iter().position(|link| op(link.name).is_some_and(|op| op.executes));
    let links = &chain.links[..end.map_or(chain.links.len(), |at| at + 1)];
    let narrows: Vec<&str> = word("narrows-columns").split(' ').collect();
    let is_odd = links.iter().any(|link| {
        narrows.contains(&link.name.as_str()) || op(link.name).is_some_and(|op| op.projects || op.resets_eager || op.no_eager)
    });
    if is_odd {
        return None;
    }
    // What is loaded already and missing all the same is lost on the way: loading it once more cures nothing.
    let path_words = [path_text(path), argument.replace(['\'', '"'], "")];
    let is_loaded = chain
        .links
        .iter()
        .any(|link| op(link.name).is_some_and(|op| op.eager.is_some()) && chain.names_any(link.args, &path_words));
    if is_loaded {
        return None;
    }
    let there = links.iter().find(|link| link.name.as_str() == method);
    let joined = there.and_then(|link| joined(&chain, link, &argument));
    let edit = match joined {
        Some(edit) => edit,
        None => {
            let load = format!("{method}({argument})");
            inserted(cx, root, &chain, links, &op, &load, &word)?
        }
    };
    edits.insert(0, Edit { span: Span { file: chain.file, range: edit.0 }, text: edit.1 });
    if let Some(class_only) = class_only(&chain, word("class-only")) {
        edits.push(class_only);
    }
    Some(Fix { title: format!("load `{}` with the query", path_text(path)), edits, is_safe: true })
}

/// The expression that starts at a place, with the calls on it.
fn chain<'a>(cx: &CheckContext<'a>, at: Span) -> Option<Chain<'a>> {
    let facts = cx.ix.file(at.file);
    let text = cx.ix.sources.file(at.file).text.as_str();
    let is_start =
        |body: &Body, i: usize| body.ranges[i] == at.range && matches!(body.exprs[i], Expr::Call { .. } | Expr::Attr { .. });
    let (body, start) = facts.functions.iter().find_map(|function| {
        let body = &function.body;
        let start = (0..body.exprs.len()).find(|i| is_start(body, *i))?;
        Some((body, ExprId(start as u32)))
    })?;
    let mut chain = Chain { file: at.file, body, text, start, links: Vec::new(), is_static: false };
    if let Expr::Call { callee, args } = body.expr(start)
        && let Expr::Attr { base, name, .. } = body.expr(*callee)
        && matches!(body.expr(*base), Expr::Class(_))
    {
        chain.is_static = true;
        chain.links.push(Link { name: *name, attr: *callee, call: start, args });
    }
    let mut last = start;
    loop {
        // Children stand before their parents.
        let after = last.0 as usize + 1;
        let attr = (after..body.exprs.len()).find(|i| matches!(body.exprs[*i], Expr::Attr { base, .. } if base == last));
        let Some(attr) = attr else { break };
        let call = (attr + 1..body.exprs.len())
            .find(|i| matches!(body.exprs[*i], Expr::Call { callee, .. } if callee.0 as usize == attr));
        let (Some(call), Expr::Attr { name, .. }) = (call, &body.exprs[attr]) else {
            break;
        };
        let Expr::Call { args, .. } = &body.exprs[call] else {
            break;
        };
        last = ExprId(call as u32);
        chain.links.push(Link { name: *name, attr: ExprId(attr as u32), call: last, args });
    }
    Some(chain)
}

/// One more argument for an eager load that is there.
fn joined(chain: &Chain<'_>, link: &Link<'_>, argument: &str) -> Option<(Range, String)> {
    let body = chain.body;
    let is_php = chain.text.get(..5).is_some() && argument.starts_with('\'');
    let after = |value: ExprId| {
        let end = body.range(value).end;
        let quoted = requoted(argument, &chain.text[body.range(value).start as usize..end as usize]);
        (Range { start: end, end }, format!(", {quoted}"))
    };
    // `with(['a', 'b' => …])`
    if let [only] = link.args
        && only.spread == Spread::No
        && only.name.is_none()
    {
        match body.expr(only.value) {
            Expr::Seq { items, .. } if is_php => return items.last().map(|item| after(item.value)),
            Expr::Map(items) if is_php => return items.last().map(|(_, item)| after(item.value)),
            _ => (),
        }
    }
    let is_plain = |arg: &Arg| match body.expr(arg.value) {
        Expr::Str(_) => arg.spread == Spread::No,
        Expr::Call { .. } => !is_php && arg.spread == Spread::No,
        _ => false,
    };
    let all_plain = link.args.iter().all(|arg| arg.name.is_none() && is_plain(arg));
    let last = link.args.last()?;
    all_plain.then(|| after(last.value))
}

/// The argument in the quotes of its neighbour.
fn requoted(argument: &str, neighbour: &str) -> String {
    match neighbour.chars().next() {
        Some(quote @ ('\'' | '"')) if argument.starts_with(['\'', '"']) => argument.replace(['\'', '"'], &quote.to_string()),
        _ => argument.to_owned(),
    }
}

/// A new eager load, as near to the start of the query as it may stand.
fn inserted<'p>(
    cx: &CheckContext<'_>,
    root: ModelId,
    chain: &Chain<'_>,
    links: &[Link<'_>],
    op: &dyn Fn(Name) -> Option<&'p Op>,
    load: &str,
    word: &dyn Fn(&str) -> &'static str,
) -> Option<(Range, String)> {
    let body = chain.body;
    let starts: Vec<&str> = word("query-start").split(' ').collect();
    if chain.is_static {
        let first = links.first()?;
        if starts.contains(&first.name.as_str()) {
            let end = body.range(first.call).end;
            return Some((Range { start: end, end }, format!("->{load}")));
        }
        let range = body.range(first.attr);
        let start = range.end.checked_sub(first.name.as_str().len() as u32)?;
        let is_name = chain.text.get(start as usize..range.end as usize) == Some(first.name.as_str());
        return is_name.then(|| (Range { start, end: start }, format!("{load}->")));
    }
    let is_relation = |name: &Name| cx.ix.models.iter().any(|m| m.relations.get(name).is_some_and(|r| r.target == Some(root)));
    let is_start = match body.expr(chain.start) {
        Expr::Attr { name, .. } => {
            is_relation(name)
                || word("class-query") == name.as_str()
                || word("default-manager") == name.as_str()
                || cx.ix.model(root).managers.iter().any(|m| m.name == *name)
        }
        Expr::Call { callee, .. } => match body.expr(*callee) {
            // The first clause on a relation.
            Expr::Attr { base, name, .. } if matches!(body.expr(*base), Expr::Attr { name, .. } if is_relation(name)) => {
                op(*name).is_some_and(|op| op.result == OpResult::Query && !op.executes)
            }
            Expr::Attr { name, .. } => starts.contains(&name.as_str()) || is_relation(name),
            Expr::Name(name) => starts.contains(&name.as_str()),
            _ => false,
        },
        _ => false,
    };
    if !is_start {
        return None;
    }
    // A project's own methods may be at home on its manager only: they go first, and what they give must be a query.
    let mut after = body.range(chain.start).end;
    for (i, link) in links.iter().enumerate() {
        if op(link.name).is_none() {
            let next = links.get(i + 1)?;
            op(next.name).filter(|op| op.result != OpResult::Unknown)?;
            after = body.range(link.call).end;
        }
    }
    let arrow = match cx.ix.file(chain.file).language {
        Language::Python => ".",
        _ => "->",
    };
    Some((Range { start: after, end: after }, format!("{arrow}{load}")))
}

/// Calls that only the class itself understands are called by another name on a query: `all=get`.
fn class_only(chain: &Chain<'_>, pairs: &str) -> Option<Edit> {
    let first = chain.links.first().filter(|_| chain.is_static)?;
    let (name, on_query) =
        pairs.split(' ').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == first.name.as_str())?;
    let end = chain.body.range(first.attr).end;
    let range = Range { start: end.checked_sub(name.len() as u32)?, end };
    Some(Edit { span: Span { file: chain.file, range }, text: on_query.to_owned() })
}

/// The argument in the words of the file, with what must be imported for it; nothing if a model has no name there.
fn imported(
    cx: &CheckContext<'_>,
    chain: &Chain<'_>,
    root: ModelId,
    path: &[Name],
    argument: &str,
    module: &str,
    edits: &mut Vec<Edit>,
) -> Option<String> {
    let facts = cx.ix.file(chain.file);
    let is_global = |name: &str| {
        let is_import = facts.imports.iter().any(|i| i.scope == FnId(0) && i.local.as_str() == name);
        is_import || facts.classes.iter().any(|c| c.name.last_segment() == name)
    };
    let mut at = Some(root);
    for (i, relation) in path.iter().enumerate() {
        let model = cx.ix.model(at?);
        if i > 0 && !is_global(model.name.last_segment()) {
            return None;
        }
        at = model.relations.get(relation).and_then(|r| r.target);
    }
    // The model as the query names it: it may be reached through a module.
    let short = cx.ix.model(root).name.last_segment();
    let named = match chain.body.expr(chain.start) {
        Expr::Attr { base, .. } => Some(*base),
        Expr::Call { args, .. } => args.first().map(|arg| arg.value),
        _ => None,
    };
    let named = named.and_then(|expr| {
        let range = chain.body.range(expr);
        chain.text.get(range.start as usize..range.end as usize)
    });
    let named = match named {
        Some(named) if named.rsplit('.').next() == Some(short) => named,
        _ if is_global(short) => short,
        _ => return None,
    };
    let argument = argument.replacen(&format!("({short}."), &format!("({named}."), 1);
    // A function's name stands before each bracket.
    let heads = argument.match_indices('(').map(|(at, _)| &argument[..at]);
    let mut functions: Vec<&str> = heads
        .filter_map(|head| head.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|name| !name.is_empty())
        .collect();
    functions.sort_unstable();
    functions.dedup();
    for function in functions {
        let full = format!("{module}.{function}");
        if is_global(function) {
            let is_it = facts.imports.iter().any(|i| i.local.as_str() == function && i.target.as_str() == full);
            if !is_it {
                return None;
            }
            continue;
        }
        edits.push(import_line(facts, chain, &format!("from {module} import {function}\n"))?);
    }
    Some(argument)
}

/// A line before the first import of the file that must not come first.
fn import_line(facts: &crate::facts::FileFacts, chain: &Chain<'_>, line: &str) -> Option<Edit> {
    let first = facts
        .imports
        .iter()
        .filter(|i| i.scope == FnId(0) && !i.target.as_str().starts_with("__future__"))
        .map(|i| i.range.start)
        .min()?;
    let start = chain.text.get(..first as usize)?.rfind('\n').map_or(0, |at| at + 1);
    let head = chain.text.get(start..)?;
    let is_plain = head.starts_with("from ") || head.starts_with("import ");
    let range = Range::new(start, start);
    is_plain.then(|| Edit { span: Span { file: chain.file, range }, text: line.to_owned() })
}
