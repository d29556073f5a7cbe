//! What cures reads of a relation per row? An eager load where it takes effect; else what stands in its way.
//!
//! In: the reads of one path, in their order. Out: a sentence in the reader's names, and edits where they are certain.

use std::collections::BTreeSet;

use super::load_barren::{misnamed, of_own_row, of_single_row};
use super::wording::{eager_code, late_code, model_name, path_text};
use super::{CheckContext, fix};
use crate::base::{Name, Span};
use crate::facts::{Expr, Stmt};
use crate::findings::Fix;
use crate::flow::value::Source;
use crate::flow::{Event, What};
use crate::index::{Access, ClassId, FnRef, ModelId, Symbol};

/// The reads of one path of relations, of rows from one place.
pub(super) struct Reads<'e> {
    /// Where the rows come from.
    pub origin: Source,
    /// Their model.
    pub root: ModelId,
    /// The model that has the last relation.
    pub model: ModelId,
    /// The relations.
    pub path: &'e [Name],
    /// The model of the rows that the loop runs over.
    pub near: ModelId,
    /// How many of the relations lead to them.
    pub from: usize,
    /// Is nothing of where the rows come from seen near the loop?
    pub is_far: bool,
    /// Reads of any of them that loads something.
    pub events: &'e [&'e Event],
}

/// Members of a class are followed this far from its constructor.
const MAX_MEMBERS: usize = 2;

/// What to do, and the edits that do it.
pub(super) fn cure(cx: &CheckContext<'_>, reads: &Reads<'_>) -> (String, Option<Fix>) {
    if let Some(cure) = key_reads(cx, reads) {
        return cure;
    }
    if let Some((scope, code)) = lost_in_scope(cx, reads) {
        let help =
            format!("`{scope}` starts a query of its own and drops the caller's: build on the query it is given, then {code}");
        return (help, None);
    }
    if let Some(help) = read_by_constructor(cx, reads) {
        return (help, None);
    }
    if let Some(help) = named_by_class(cx, reads.origin) {
        let code = eager_code(cx.ix, reads.root, reads.path).unwrap_or_default();
        return (help.as_str().replace("{path}", &path_text(reads.path)).replace("{code}", &code), None);
    }
    if let Some(help) = back_again(cx, reads) {
        return (help, None);
    }
    let code = load_code(cx, reads, reads.path);
    if let Some(help) = misnamed(cx, reads, &code).or_else(|| of_own_row(cx, reads)).or_else(|| of_single_row(cx, reads)) {
        return (help, None);
    }
    if let Source::Query(at) = reads.origin
        && let Some(method) = cx.flow.unloaded_by.get(&at)
        && let Some(help) = {
            // What reads in parts counts for itself: the limit of the query would be lost.
            let key = if is_limited(cx, at) { "ignores-eager-help-limited" } else { "ignores-eager-help" };
            cx.ix.packs.word(cx.ix.model(reads.root).dialect, key)
        }
    {
        return (format!("{}{code}", help.as_str().replace("{method}", method.as_str())), None);
    }
    if let Some(help) = of_search(cx, reads) {
        return (help, None);
    }
    if let Some((attr, names)) = in_administration(cx, reads) {
        return (joins_help(attr, &names), None);
    }
    if let Some(help) = within_closure(cx, reads) {
        return (help, None);
    }
    if let Some(method) = forgets_rows(cx, reads) {
        let help = format!("`{method}` in this loop makes the session forget the rows: call it once after the loop, and {code}");
        return (help, None);
    }
    if let Some((method, decorator, called)) = super::wrapped::forgets_rows(cx, reads) {
        let help = format!(
            "`{decorator}` around `{called}` calls `{method}` in every turn, and the session forgets the rows: \
             call it once after the loop, and {code}"
        );
        return (help, None);
    }
    if let Some(hint) = shared_query(cx, reads) {
        return (format!("{code}{hint}"), None);
    }
    // Of a tree, a query loads so many levels as are written: which is for the developer to say.
    let is_tree = reads.path.windows(2).any(|pair| pair[0] == pair[1]);
    let is_plain = !is_tree && eager_code(cx.ix, reads.root, reads.path).is_some_and(|plain| code.contains(&plain));
    let fix = match reads.origin {
        Source::Query(at) if is_plain => fix::eager(cx, at, reads.root, reads.path),
        _ => None,
    };
    (code, fix)
}

/// Rows whose constructor reads the relation, itself or by another member: it runs before anything loaded is put into them.
/// Source: `django.db.models.base.Model.from_db`.
fn read_by_constructor(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let data = cx.ix.model(reads.model);
    let constructor = cx.ix.packs.word(data.dialect, "row-constructor")?;
    let (class, relation) = (data.class?, *reads.path.last()?);
    let (_, f) = cx.ix.find_method(class, constructor)?;
    reads_own(cx, class, f, relation, MAX_MEMBERS).then(|| {
        let name = cx.ix.class_decl(class).name.last_segment();
        format!(
            "`{constructor}` of `{name}` reads `{relation}` before a loaded row is put there: take that read out of it, and {}",
            load_code(cx, reads, reads.path)
        )
    })
}

/// Does a method read an attribute of its object, itself or by another member of the class?
fn reads_own(cx: &CheckContext<'_>, class: ClassId, f: FnRef, attr: Name, steps: usize) -> bool {
    let decl = cx.ix.function(f);
    let Some(receiver) = decl.params.first().map(|p| p.slot) else { return false };
    decl.body.exprs.iter().any(|e| match e {
        Expr::Attr { base, name, .. } if *decl.body.expr(*base) == Expr::Local(receiver) => {
            let member = || cx.ix.find_method(class, *name).filter(|(_, g)| steps > 0 && *g != f);
            *name == attr || member().is_some_and(|(_, g)| reads_own(cx, class, g, attr, steps - 1))
        }
        _ => false,
    })
}

/// Does the function around a query bound how many rows it gives?
fn is_limited(cx: &CheckContext<'_>, at: Span) -> bool {
    let words = cx.ix.packs.word_list("limiting-methods");
    let Some(f) = cx.function_at(at) else { return false };
    let body = &cx.ix.function(f).body;
    body.exprs.iter().any(|e| match e {
        Expr::Call { callee, .. } => {
            matches!(body.expr(*callee), Expr::Attr { name, .. } if words.iter().any(|w| w == name.as_str()))
        }
        _ => false,
    })
}

/// Where the query of a function that serves other models, too, is to be given what is to be loaded.
pub(super) fn shared_query(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let f = serves_others(cx, reads)?;
    let name = cx.ix.function(f).name;
    let hook = cx.ix.packs.word_in_language(Name::new("python"), "viewset-query-method");
    let how = match gives_query(cx, f, cx.ix.model(reads.root).dialect) {
        // Nobody but the framework calls it.
        _ if hook == Some(name) => format!("give the class whose rows these are a `{name}` of its own"),
        true => format!("add this to the query that `{name}` gives, where it is called"),
        false => "hand this down to it as an argument".to_owned(),
    };
    Some(format!("; `{name}` serves other models, too: {how}"))
}

/// The function around the query, if it asks for rows of other models there as well: nothing of one model can stand in it.
fn serves_others(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<FnRef> {
    let Source::Query(at) = reads.origin else { return None };
    let f = cx.function_at(at)?;
    let is_named = !cx.ix.function(f).name.is_empty();
    (is_named && (cx.is_for_any_model(at) || names_many_models(cx, f, at))).then_some(f)
}

/// Does a function give a query that nobody has run yet, so that its callers can add to it?
fn gives_query(cx: &CheckContext<'_>, f: FnRef, dialect: Name) -> bool {
    let body = &cx.ix.function(f).body;
    let mut returned = body.stmts.iter().filter_map(|s| if let Stmt::Return(Some(e)) = s { Some(*e) } else { None }).peekable();
    let runs = |name: Name| cx.ix.packs.op(dialect, Name::new("query"), name).is_some_and(|op| op.executes);
    returned.peek().is_some()
        && returned.all(|e| match body.expr(e) {
            Expr::Call { callee, .. } => matches!(body.expr(*callee), Expr::Attr { name, .. } if !runs(*name)),
            _ => false,
        })
}

/// Does a query start from an attribute of its own class for which classes below it name several models?
fn names_many_models(cx: &CheckContext<'_>, f: FnRef, at: Span) -> bool {
    let body = &cx.ix.function(f).body;
    let Some(mut e) = super::uses::expr_at(body, at.range) else { return false };
    let receiver = cx.ix.function(f).params.first().map(|p| p.slot);
    let own = loop {
        e = match body.expr(e) {
            Expr::Call { callee, .. } => *callee,
            Expr::Attr { base, name, .. } => match body.expr(*base) {
                Expr::This => break *name,
                Expr::Local(slot) if Some(*slot) == receiver => break *name,
                _ => *base,
            },
            _ => return false,
        };
    };
    let Some(class) = cx.ix.class_of_function(f) else { return false };
    let below = (0..cx.ix.classes.len()).map(|i| ClassId(i as u32)).filter(|c| cx.ix.is_subclass(*c, class));
    let models = below.filter_map(|c| {
        let (owner, i) = cx.ix.find_attr(c, own)?;
        let decl = cx.ix.class_decl(owner);
        match cx.ix.symbol_of(FnRef { file: cx.ix.class(owner).file, id: decl.scope }, decl.attrs[i].value?) {
            Symbol::Class(named) => cx.ix.class(named).model,
            _ => None,
        }
    });
    let models: BTreeSet<ModelId> = models.collect();
    models.len() > 1
}

/// A relation that leads back to the row whose collection the rows were read from: that row is at hand.
fn back_again(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let mut model = reads.root;
    for (i, pair) in reads.path.windows(2).enumerate() {
        let relation = cx.ix.model(model).relations.get(&pair[0])?;
        let target = relation.target?;
        if relation.many && relation.inverse == Some(pair[1]) {
            let (child, name) = (model_name(cx.ix, target), model_name(cx.ix, model));
            let mut help = format!(
                "`{}` of each `{child}` is the `{name}` whose `{}` it was read from: hand that row down in place of it",
                pair[1], pair[0]
            );
            let rest: Vec<Name> = reads.path[..i].iter().chain(&reads.path[i + 2..]).copied().collect();
            if let Some(code) = eager_code(cx.ix, reads.root, &rest).filter(|_| !rest.is_empty()) {
                help += &format!(", and load `{}` with its query: `{code}`", path_text(&rest));
            }
            return Some(help);
        }
        model = target;
    }
    None
}

/// Code that chains on to the options that the query's function already gives: two kinds of loading for one relation are an error.
fn with_options_there(cx: &CheckContext<'_>, reads: &Reads<'_>, code: String) -> String {
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let (Source::Query(at), Some(kinds)) = (reads.origin, word("link-kinds")) else { return code };
    let Some(f) = cx.function_at(at) else { return code };
    let range = cx.ix.function(f).range;
    let text = cx.ix.sources.file(f.file).text.get(range.start as usize..range.end as usize).unwrap_or_default();
    let mut code = code;
    for kind in kinds.as_str().split(' ') {
        for other in kinds.as_str().split(' ').filter(|other| *other != kind) {
            // `other(Model.relation)` stands there, `kind(Model.relation)` is what the help would say.
            for (at, _) in text.match_indices(&format!("{other}(")) {
                let Some(inner) = text[at + other.len()..].split_inclusive(')').next() else { continue };
                code = code.replace(&format!("{kind}{inner}."), &format!("{other}{inner}."));
            }
        }
    }
    code
}

/// `load it with the query: …`
fn load_code(cx: &CheckContext<'_>, reads: &Reads<'_>, path: &[Name]) -> String {
    if let Source::Query(at) = reads.origin
        && cx.flow.kept_keys.contains(&at)
        && is_looped_in_template(cx, reads)
        && let Some(help) = cx.ix.packs.word_in_language(Name::new("php"), "kept-keys-help")
        && let Some(late) = late_code(cx.ix, reads.root, path)
    {
        return help.as_str().replace("{code}", &format!("`{late}`"));
    }
    let eager = eager_code(cx.ix, reads.root, path).map(|code| with_options_there(cx, reads, code));
    let (near, rest) = match &path[reads.from.min(path.len())..] {
        [] => (reads.root, path),
        rest => (reads.near, rest),
    };
    let (place, code) = match reads.origin {
        // `model = Post` of a view whose template goes on from there.
        Source::Query(at) if is_named_only(cx, at) && is_looped_in_template(cx, reads) => {
            match class_query(cx, reads, eager.as_deref()) {
                Some(query) => ("with a query of the class's own", Some(query)),
                None => ("with the query", eager),
            }
        }
        // `model = Post` of a view: there is no query to write on.
        Source::Query(at) if reads.from > 0 && is_named_only(cx, at) => {
            ("where the rows of the loop are asked for", eager_code(cx.ix, near, rest))
        }
        Source::Query(_) => ("with the query", eager),
        _ => match if reads.is_far { late_code(cx.ix, near, rest) } else { late_code(cx.ix, reads.root, path) } {
            // The row that is known is another than those that lack it.
            Some(late) if reads.is_far && reads.from > 0 => ("on the rows of the loop, before it", Some(late)),
            Some(late) => ("before the loop", Some(late)),
            // What gives the row loads its rows as well.
            None if reads.from > 0 && is_collection(cx, reads) => ("with the query that gives this row", eager),
            // The rows of the loop are those of a query of their own, asked of one row.
            None if reads.from > 0 => ("where the rows of the loop are asked for", eager_code(cx.ix, near, rest)),
            None => ("with the query that gives these rows", eager),
        },
    };
    match code {
        Some(code) if is_hinted(cx, reads.origin) => format!("load it {BY_HINT}: `{}`", as_hints(&code)),
        Some(code) => match put_off(cx, reads, &code) {
            Some(there) => format!("load it {place}, in place of `{there}`: `{code}`"),
            None => format!("load it {place}: `{code}`"),
        },
        None => format!("load it {place}"),
    }
}

/// Does the place of a query only name a model?
fn is_named_only(cx: &CheckContext<'_>, at: Span) -> bool {
    !cx.text(at).contains(['(', '.'])
}

fn is_looped_in_template(cx: &CheckContext<'_>, reads: &Reads<'_>) -> bool {
    let header = reads.events.first().and_then(|e| cx.flow.values.loop_span(e.needs));
    // What the view has asked of the row for itself is no part of its query.
    let goes_on = |at: Span| reads.from == 0 || cx.text(at).contains(&format!(".{}", reads.path[reads.from - 1]));
    header.is_some_and(|at| cx.ix.file(at.file).language.is_template() && goes_on(at))
}

/// What a class that only names its model says to have a query of its own: `queryset = Post.objects.…`.
fn class_query(cx: &CheckContext<'_>, reads: &Reads<'_>, code: Option<&str>) -> Option<String> {
    let form = cx.ix.packs.word(cx.ix.model(reads.root).dialect, "class-query")?;
    Some(form.as_str().replace("{model}", model_name(cx.ix, reads.root)).replace("{code}", code?))
}

/// Is what leads to the rows of the loop read, not asked for by a query of its own?
fn is_collection(cx: &CheckContext<'_>, reads: &Reads<'_>) -> bool {
    let mut model = Some(reads.root);
    reads.path[..reads.from].iter().all(|name| {
        let relation = model.and_then(|m| cx.ix.model(m).relations.get(name));
        model = relation.and_then(|r| r.target);
        relation.is_some_and(|r| r.access == Access::Rows)
    })
}

/// The option in the query's function that puts off what `code` would load: two options for one relation are an error.
fn put_off(cx: &CheckContext<'_>, reads: &Reads<'_>, code: &str) -> Option<String> {
    let Source::Query(at) = reads.origin else { return None };
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let (kind, kinds) = (word("lazy-kind")?, word("link-kinds")?);
    let range = cx.ix.function(cx.function_at(at)?).range;
    let text = cx.ix.sources.file(at.file).text.get(range.start as usize..range.end as usize)?;
    text.match_indices(&format!("{kind}(")).find_map(|(at, start)| {
        let inner = text[at + start.len()..].split_inclusive(')').next()?;
        let is_loaded = kinds.as_str().split(' ').any(|eager| code.contains(&format!("{eager}({inner}")));
        is_loaded.then(|| format!("{start}{inner}"))
    })
}

/// Where rows that a field of a graph gives are told what is read of them.
pub(super) const BY_HINT: &str = "by a hint of the field that reads it";

/// Do the rows come from a field of a graph, for which nobody writes a query?
pub(super) fn is_hinted(cx: &CheckContext<'_>, origin: Source) -> bool {
    matches!(origin, Source::Declared(at) if cx.flow.hinted_rows.contains(&at))
}

/// What an attribute of the class that lists the rows has to name: nobody writes their query.
pub(super) fn named_by_class(cx: &CheckContext<'_>, origin: Source) -> Option<Name> {
    let Source::Query(at) = origin else { return None };
    cx.flow.listed_by_class.get(&at).copied()
}

/// `select_related("a").prefetch_related("b")` as keyword arguments.
pub(super) fn as_hints(code: &str) -> String {
    let calls = code.split_inclusive(").").map(|call| call.strip_suffix('.').unwrap_or(call));
    let hints: Vec<String> = calls.map(|call| call.replacen('(', "=[", 1).replacen(')', "]", 1)).collect();
    hints.join(", ")
}

/// Rows that a search of an index gives: it is no query itself, but lets one be changed.
fn of_search(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let Source::Query(at) = reads.origin else { return None };
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let (start, help) = (word("search-start")?, word("search-help")?);
    let f = cx.function_at(at)?;
    let body = &cx.ix.function(f).body;
    let is_search = body.exprs.iter().zip(&body.ranges).any(|(expr, range)| match expr {
        Expr::Call { callee, .. } if *range == at.range => {
            matches!(body.expr(*callee), Expr::Attr { base, name, .. } if *name == start && !matches!(body.expr(*base), Expr::This))
        }
        _ => false,
    });
    let class = cx.ix.model(reads.root).class?;
    let (first, rest) = start.as_str().split_at_checked(1)?;
    let scope = word("scope-method")?.as_str().replace("{studly}", &format!("{}{rest}", first.to_uppercase()));
    let is_own = [start, Name::new(&scope)].iter().any(|m| cx.ix.find_method(class, *m).is_some());
    let code = eager_code(cx.ix, reads.root, reads.path)?;
    (is_search && !is_own).then(|| help.as_str().replace("{code}", &code))
}

/// All reads of the last relation only ask for the key, which the row holds itself.
fn key_reads(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<(String, Option<Fix>)> {
    let (last, before) = reads.path.split_last()?;
    let is_last =
        |event: &&&Event| matches!(&event.what, What::Read { model, relation, .. } if relation == last && *model == reads.model);
    let of_last: Vec<&Event> = reads.events.iter().filter(is_last).copied().collect();
    let fix::KeyRead { fix, is_tested } = fix::key_read(cx, reads.model, *last, &of_last)?;
    let column = cx.ix.model(reads.model).relations.get(last)?.key_column?;
    let holder = model_name(cx.ix, reads.model);
    let read = if is_tested {
        format!("only whether there is one is asked of `{last}`: test `{column}`, which `{holder}` holds itself")
    } else {
        format!("only the key of `{last}` is asked for: read `{column}`, which `{holder}` holds itself")
    };
    if of_last.len() == reads.events.len() {
        return Some((read, Some(fix)));
    }
    let more = load_code(cx, reads, before).replacen("load it", &format!("load `{}`", path_text(before)), 1);
    Some((format!("{read}, and {more}"), None))
}

/// The scope of a model in which the rows' query starts anew, although it was given one.
fn lost_in_scope(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<(Name, String)> {
    let Source::Query(at) = reads.origin else { return None };
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let prefix = word("scope-method")?.as_str().split('{').next()?;
    let decl = cx.ix.function(cx.function_at(at)?);
    let name = decl.name.as_str().strip_prefix(prefix)?;
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) || decl.class.is_none() {
        return None;
    }
    let body = &decl.body;
    let on_this = body.exprs.iter().zip(&body.ranges).any(|(expr, range)| match expr {
        Expr::Call { callee, .. } if *range == at.range => {
            matches!(body.expr(*callee), Expr::Attr { base, .. } if matches!(body.expr(*base), Expr::This | Expr::Class(_)))
        }
        _ => false,
    });
    on_this.then(|| (decl.name, load_code(cx, reads, reads.path)))
}

/// The list of joins of a class that administers rows: one of its own switches off the one that the library makes by itself, so
/// it names every relation that is shown.
pub(super) fn in_administration(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<(Name, Vec<String>)> {
    let Source::Declared(at) = reads.origin else { return None };
    let word = |key: &str| cx.ix.packs.word_in_language(Name::new("python"), key);
    let joins = word("admin-joins")?;
    let class = cx.ix.classes.iter().find(|class| {
        let decl = &cx.ix.file(class.file).classes[class.ix.0 as usize];
        let has_role = class.external.iter().any(|n| cx.ix.packs.roles(*n).iter().any(|r| r.as_str() == "admin"));
        class.file == at.file && has_role && decl.range.start <= at.range.start && at.range.end <= decl.range.end
    })?;
    let one = |model: ModelId, name: Name| cx.ix.model(model).relations.get(&name).filter(|r| !r.many && !r.polymorphic);
    let mut model = Some(reads.root);
    for name in reads.path {
        model = one(model?, *name)?.target;
    }
    // Rows of a query of its own may join something already: then the list does nothing.
    let method = word("viewset-query-method")?;
    let id = *cx.ix.class_places.get(&(class.file, class.ix))?;
    if cx.ix.find_method(id, method).is_some() {
        return None;
    }
    let decl = &cx.ix.file(class.file).classes[class.ix.0 as usize];
    let attr = decl.attrs.iter().find(|a| Some(a.name) == word("admin-columns"));
    let body = &cx.ix.file(class.file).functions[decl.scope.0 as usize].body;
    let shown = attr.and_then(|a| a.value).map(|value| body.expr(value));
    let mut names: Vec<String> = match shown {
        Some(Expr::Seq { items, .. }) => items
            .iter()
            .filter_map(|item| match body.expr(item.value) {
                Expr::Str(name) => one(reads.root, *name).map(|r| r.name.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let path = reads.path.iter().map(|n| n.as_str()).collect::<Vec<_>>().join("__");
    if !names.contains(&path) {
        names.push(path);
    }
    Some((joins, names))
}

/// How such a list is written.
pub(super) fn joins_help(attr: Name, names: &[String]) -> String {
    let listed: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    format!("name in this class what its list joins: `{attr} = [{}]`", listed.join(", "))
}

/// A relation on the way that the query loads with a closure of its own: what is loaded beneath it belongs into that closure.
fn within_closure(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<String> {
    let Source::Query(at) = reads.origin else { return None };
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let starts: Vec<&str> = word("keyed-closures")?.as_str().split('|').collect();
    let f = cx.function_at(at)?;
    let range = cx.ix.function(f).range;
    let text = cx.ix.sources.file(f.file).text.get(range.start as usize..range.end as usize)?;
    let mut model = Some(reads.root);
    for (i, name) in reads.path.iter().enumerate().take(reads.path.len() - 1) {
        model = model.and_then(|m| cx.ix.model(m).relations.get(name)).and_then(|r| r.target);
        let way = path_text(&reads.path[..=i]);
        let is_closed =
            ["'", "\""].iter().any(|quote| starts.iter().any(|start| text.contains(&format!("{quote}{way}{quote} {start}"))));
        if is_closed {
            let code = eager_code(cx.ix, model?, &reads.path[i + 1..])?;
            return Some(format!("load it in the closure that the query gives for `{way}`: `{code}`"));
        }
    }
    None
}

/// The call in the same loop after which the rows have to be read again.
fn forgets_rows(cx: &CheckContext<'_>, reads: &Reads<'_>) -> Option<Name> {
    let word = |key: &str| cx.ix.packs.word(cx.ix.model(reads.root).dialect, key);
    let method = word("forgets-rows")?;
    let first = reads.events.first()?;
    let in_loop = cx.flow.events.iter().any(|event| {
        matches!(&event.what, What::Statement { method: m, .. } if *m == method) && event.loops.contains(&first.needs)
    });
    let keeps = word("keeps-rows")?;
    (in_loop && !is_given_false(cx, keeps)).then_some(method)
}

/// Is a keyword argument of this name false anywhere?
pub(super) fn is_given_false(cx: &CheckContext<'_>, keyword: Name) -> bool {
    cx.ix.facts.iter().flat_map(|file| &file.functions).any(|function| {
        let body = &function.body;
        body.exprs.iter().any(|expr| match expr {
            Expr::Call { args, .. } => {
                args.iter().any(|arg| arg.name == Some(keyword) && matches!(body.expr(arg.value), Expr::Bool(false)))
            }
            Expr::Map(items) => items.iter().any(|(key, item)| {
                key.is_some_and(|k| *body.expr(k) == Expr::Str(keyword)) && matches!(body.expr(item.value), Expr::Bool(false))
            }),
            _ => false,
        })
    })
}
