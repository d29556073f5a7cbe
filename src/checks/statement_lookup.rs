//! By what does a statement look up its rows? Reads the chain of calls that made it.
//!
//! In: the place of a statement and what changes there from turn to turn. Out: the columns that are compared, in the words of the
//! pack; what is not understood makes the lookup open.

use super::CheckContext;
use super::statement_turn::Turn;
use crate::base::{Name, Span};
use crate::facts::{Arg, BinaryOp, Body, Expr, ExprId, Language, Spread};
use crate::index::ModelId;
use crate::packs::{Op, Result as OpResult};

/// What a statement asks for.
#[derive(Default, Debug)]
pub(super) struct Lookup {
    /// Columns that must equal something that changes with the loop.
    pub columns: Vec<Name>,
    /// One of them is the primary key.
    pub has_key: bool,
    /// The attribute of a variable that is compared with it.
    pub key_from: Option<Name>,
    /// The variable of the caller whose key that is.
    pub key_of: Option<Name>,
    /// Which column or table is asked changes.
    pub is_dynamic: bool,
    /// There is a condition that is not an equality, or not understood.
    pub is_open: bool,
    /// The rows are ordered before some are taken.
    pub is_ordered: bool,
    /// The query loads relations of its rows.
    pub is_shaped: bool,
    /// One row is asked for.
    pub is_one: bool,
    /// Every call on the way from the loop was understood.
    pub is_sure: bool,
    /// Nothing of it changes with the loop.
    pub is_constant: bool,
    /// It gives something else each time by itself: the next number of a sequence, a row at random.
    pub draws_anew: bool,
    /// The row whose relation is asked changes with the loop.
    pub parent_changes: bool,
    /// It starts from a field of the object whose method asks, which knows the model, or from the object itself.
    pub is_general: bool,
    /// Something that is compared below the row changes with the loop.
    pub is_narrowed_anew: bool,
    /// Rows are put together in groups or numbers before they come.
    pub is_grouped: bool,
    /// There is a condition on what the rows themselves, once they are loaded, do not tell.
    pub asks_elsewhere: bool,
    /// The variable that gets the result.
    pub held_by: Option<crate::facts::Slot>,
}

/// Reads the statement at a place.
///
/// `is_anew`: the query is a new one of the model, which ignores the row that it was asked on.
pub(super) fn read(cx: &CheckContext<'_>, turn: &Turn<'_>, site: Span, model: Option<ModelId>, is_anew: bool) -> Option<Lookup> {
    let body = turn.body;
    let at = expr_at(body, site)?;
    let dialect = model.map(|m| cx.ix.model(m).dialect);
    let language = Name::new(if cx.ix.file(site.file).language == Language::Python { "python" } else { "php" });
    let kinds = [Name::new(if model.is_some() { "query" } else { "table" }), Name::new("session")];
    let op = |name: Name| -> Option<&Op> {
        kinds.iter().find_map(|kind| match dialect {
            Some(d) => cx.ix.packs.op(d, *kind, name),
            None => cx.ix.packs.op_in_language(language, *kind, name),
        })
    };
    let mut reader = Reader { cx, turn, model, dialect, language, found: Lookup::default() };
    reader.found.is_sure = turn.is_sure;
    let is_same = turn.is_sure && !turn.changes(at);
    reader.found.draws_anew = is_same && draws_anew(cx, body, at);
    reader.found.is_constant = is_same && !reader.found.draws_anew;
    let (links, root) = links(turn, at);
    reader.found.parent_changes = turn.changes(root);
    reader.found.is_general = match body.expr(root) {
        Expr::This => true,
        Expr::Attr { base, .. } => matches!(body.expr(*base), Expr::This),
        _ => false,
    };
    let mut links = links;
    // `session.execute(select(…).where(…))`
    if let Some((name, args)) = links.last().copied()
        && dialect.is_some_and(|d| cx.ix.packs.op(d, Name::new("session"), name).is_some())
        && let Some(arg) = args.first()
    {
        let is_get = op(name).is_some_and(|o| o.keyed);
        if is_get {
            if let Some(key) = args.get(1) {
                reader.key(key.value);
            }
            reader.found.is_one = true;
            return Some(reader.finish(body, at));
        }
        reader.found.is_one = above(body, at).into_iter().chain(std::iter::once(name)).any(is_first);
        links = self::links(turn, arg.value).0;
    }
    if let Expr::Call { callee, args } = body.expr(at)
        && !matches!(body.expr(*callee), Expr::Attr { .. })
    {
        // A function that looks up: `get_or_fail(Model, slug=slug)`.
        for arg in args.iter().filter(|a| a.name.is_some()) {
            reader.named(arg);
        }
        reader.found.is_open |= args.iter().skip(1).any(|a| a.name.is_none());
        reader.found.is_one = true;
        return Some(reader.finish(body, at));
    }
    if is_anew {
        let is_same = |(_, args): &(Name, &[Arg])| !args.iter().any(|a| turn.changes(a.value));
        reader.found.is_constant |= turn.is_sure && links.iter().all(is_same) && !reader.found.draws_anew;
    }
    for (name, args) in links.into_iter().rev() {
        reader.link(name, args, op(name));
    }
    Some(reader.finish(body, at))
}

/// Does a statement name, in its text or its calls, what the database makes anew each time?
fn draws_anew(cx: &CheckContext<'_>, body: &Body, at: ExprId) -> bool {
    let words = cx.ix.packs.word_list("drawn-anew");
    let range = body.range(at);
    let is_named = |name: &str| words.iter().any(|w| w == name);
    body.exprs.iter().zip(&body.ranges).filter(|(_, r)| range.contains(**r)).any(|(expr, _)| match expr {
        Expr::Attr { name, .. } => is_named(name.as_str()),
        Expr::Str(text) => {
            let text = text.as_str().to_ascii_lowercase();
            text == "?" && is_named("?") || text.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_named)
        }
        _ => false,
    })
}

/// The expression that sends a statement.
pub(super) fn expr_at(body: &Body, site: Span) -> Option<ExprId> {
    let is_method = |(_, expr): &(usize, &Expr)| match expr {
        Expr::Call { callee, .. } => {
            let range = body.range(*callee);
            matches!(body.expr(*callee), Expr::Attr { name, .. }
                if range.end == site.range.end && range.end - site.range.start == name.as_str().len() as u32)
        }
        _ => false,
    };
    let by_method = body.exprs.iter().enumerate().find(is_method).map(|(i, _)| i);
    let by_range = || body.ranges.iter().rposition(|r| *r == site.range);
    by_method.or_else(by_range).map(|i| ExprId(i as u32))
}

/// The calls of a chain, the last one first, and what it starts from.
pub(super) fn links<'a>(turn: &Turn<'a>, at: ExprId) -> (Vec<(Name, &'a [Arg])>, ExprId) {
    let body = turn.body;
    let mut out: Vec<(Name, &'a [Arg])> = Vec::new();
    let mut e = at;
    for _ in 0..200 {
        match body.expr(e) {
            Expr::Call { callee, args } => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => {
                    out.push((*name, args));
                    e = *base;
                }
                _ => break,
            },
            Expr::Index { base, .. } | Expr::Slice { base, .. } => {
                out.push((Name::new("[]"), &[]));
                e = *base;
            }
            Expr::Await(inner) | Expr::Same(inner) => e = *inner,
            Expr::Local(slot) => match turn.only_value(*slot) {
                Some(value) if value.0 < e.0 => e = value,
                _ => break,
            },
            _ => break,
        }
    }
    (out, e)
}

/// The methods called on the result of a statement in the same expression.
fn above(body: &Body, at: ExprId) -> Vec<Name> {
    let mut names = Vec::new();
    let mut e = at;
    for (i, expr) in body.exprs.iter().enumerate().skip(at.0 as usize + 1) {
        match expr {
            Expr::Await(inner) | Expr::Same(inner) if *inner == e => e = ExprId(i as u32),
            Expr::Attr { base, name, .. } if *base == e => {
                names.push(*name);
                e = ExprId(i as u32);
            }
            Expr::Call { callee, .. } if *callee == e => e = ExprId(i as u32),
            _ => (),
        }
    }
    names
}

fn is_first(name: Name) -> bool {
    let name = name.as_str();
    name.starts_with("first") || name.starts_with("one") || name.starts_with("scalar") && !name.starts_with("scalars")
}

struct Reader<'a> {
    cx: &'a CheckContext<'a>,
    turn: &'a Turn<'a>,
    model: Option<ModelId>,
    dialect: Option<Name>,
    language: Name,
    found: Lookup,
}

impl Reader<'_> {
    fn has_word(&self, key: &str, name: Name) -> bool {
        let word = match self.dialect {
            Some(d) => self.cx.ix.packs.word(d, key),
            None => self.cx.ix.packs.word_in_language(self.language, key),
        };
        word.is_some_and(|w| w.has_word(name.as_str()))
    }

    fn link(&mut self, name: Name, args: &[Arg], op: Option<&Op>) {
        if name.as_str() == "[]" {
            self.found.is_one = true;
            return;
        }
        self.found.is_narrowed_anew |= args.iter().any(|a| self.turn.changes(a.value));
        self.found.asks_elsewhere |= self.has_word("asks-elsewhere", name);
        self.found.is_grouped |= self.has_word("grouping-reads", name);
        let Some(op) = op else {
            if self.is_relation(name) {
                // What stands before it leads to the row whose relation is asked.
                self.found.is_narrowed_anew = false;
                self.found.asks_elsewhere = false;
            } else {
                self.found.is_open = true;
                self.found.asks_elsewhere = true;
            }
            return;
        };
        self.found.is_shaped |= op.eager.is_some() || op.unscopes;
        self.found.is_ordered |= op.orders || self.has_word("ordering-reads", name);
        self.found.is_one |= matches!(op.result, OpResult::Row | OpResult::Pair) || self.has_word("single-values", name);
        if op.terms {
            self.found.is_open |= op.alternative;
            self.terms(name, args);
        } else if op.keyed && op.executes {
            match args.first() {
                Some(arg) if arg.name.is_none() => self.key(arg.value),
                _ => self.found.is_open = true,
            }
        } else if op.limits {
            self.found.is_open |= !op.executes && args.iter().any(|a| self.turn.changes(a.value));
        } else if op.filters && !op.orders && !op.projects && op.eager.is_none() && !op.only_columns && !op.defers_columns {
            self.found.is_open |= !args.is_empty();
        }
    }

    fn is_relation(&self, name: Name) -> bool {
        self.cx.ix.models.iter().any(|m| m.relations.get(&name).is_some_and(|r| r.target == self.model))
    }

    fn key(&mut self, value: ExprId) {
        if self.turn.changes(value) {
            self.found.has_key = true;
            self.found.key_from = match self.turn.body.expr(value) {
                Expr::Attr { base, name, .. } if matches!(self.turn.body.expr(*base), Expr::Local(_)) => Some(*name),
                _ => None,
            };
            self.found.key_of = self.turn.given_key(value);
        }
    }

    fn is_key(&self, column: Name) -> bool {
        if self.has_word("key-names", column) {
            return true;
        }
        let Some(model) = self.model else { return column.as_str() == "id" };
        let columns = &self.cx.ix.model(model).columns;
        match columns.get(&column) {
            Some(c) => c.is_primary || column.as_str() == "id",
            None => column.as_str() == "id",
        }
    }

    fn equal(&mut self, column: Name, value: ExprId) {
        if !self.turn.changes(value) {
            return;
        }
        let column = Name::new(column.as_str().rsplit('.').next().unwrap_or_default());
        if self.is_key(column) {
            self.key(value);
        } else if !self.found.columns.contains(&column) {
            self.found.columns.push(column);
        }
    }

    fn named(&mut self, arg: &Arg) {
        match arg.name {
            Some(name) if arg.spread == Spread::No && !self.is_comparison(name) => self.equal(name, arg.value),
            _ => self.found.is_open |= arg.spread != Spread::No || self.turn.changes(arg.value),
        }
    }

    /// Does the name of an argument say how to compare, other than for equality?
    fn is_comparison(&self, name: Name) -> bool {
        let how = name.as_str().rsplit_once("__").map(|(_, how)| Name::new(how));
        how.is_some_and(|how| self.has_word("comparisons", how))
    }

    fn terms(&mut self, name: Name, args: &[Arg]) {
        if self.language.as_str() == "php" {
            self.php_terms(name, args);
            return;
        }
        for arg in args {
            if arg.name.is_some() || arg.spread != Spread::No {
                self.named(arg);
                continue;
            }
            match self.turn.body.expr(arg.value) {
                Expr::Binary { op: BinaryOp::Equal, left, right } => match self.turn.body.expr(*left) {
                    Expr::Attr { base, name, .. } if !self.turn.changes(*base) => self.equal(*name, *right),
                    _ => self.found.is_open |= self.turn.changes(arg.value),
                },
                _ => self.found.is_open |= self.turn.changes(arg.value),
            }
        }
    }

    fn php_terms(&mut self, name: Name, args: &[Arg]) {
        let body = self.turn.body;
        let is_plain = self.has_word("equalities", name);
        if let (Some(column), [value]) = (self.cx.ix.dynamic_column(name), args) {
            self.equal(column, value.value);
            return;
        }
        let Some(first) = args.first() else { return };
        match (body.expr(first.value), args) {
            (Expr::Map(items), [_]) => {
                for (key, item) in items {
                    match key.map(|k| body.expr(k)) {
                        Some(Expr::Str(column)) => self.equal(*column, item.value),
                        _ => self.found.is_open = true,
                    }
                }
            }
            (Expr::Str(column), [_, value]) if is_plain => self.equal(*column, value.value),
            (Expr::Str(column), [_, operator, value]) if is_plain && *body.expr(operator.value) == Expr::Str(Name::new("=")) => {
                self.equal(*column, value.value);
            }
            (Expr::Str(_), _) => self.found.is_open |= args.iter().any(|a| self.turn.changes(a.value)),
            _ if self.turn.changes(first.value) && !matches!(body.expr(first.value), Expr::Closure(_)) => {
                self.found.is_dynamic = true;
            }
            _ => self.found.is_open |= args.iter().any(|a| self.turn.changes(a.value)),
        }
    }

    /// Which variable gets the result, if it goes to one.
    fn finish(mut self, body: &Body, at: ExprId) -> Lookup {
        let mut e = at;
        for (i, expr) in body.exprs.iter().enumerate().skip(at.0 as usize + 1) {
            let id = ExprId(i as u32);
            match expr {
                Expr::Await(inner) | Expr::Same(inner) if *inner == e => e = id,
                Expr::Attr { base, name, .. } if *base == e && is_first(*name) => e = id,
                Expr::Attr { base, .. } if *base == e && !self.found.is_one => e = id,
                Expr::Call { callee, .. } if *callee == e => e = id,
                Expr::Assign { target, value } if *value == e => {
                    if let crate::facts::Pat::Local(slot) = body.pat(*target) {
                        self.found.held_by = Some(*slot);
                    }
                    break;
                }
                _ => (),
            }
        }
        self.found
    }
}
