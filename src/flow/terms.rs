//! Which rows can a query reach? Conditions on columns, scopes removed, managers: the marks of queries.

use super::call::Args;
use super::event::{Execution, Statement};
use super::value::{Data, Mark, NO_MARKS, Query, Source, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{BinaryOp, Body, Expr, ExprId, Language};
use crate::index::ClassId;
use crate::index::models::snake;
use crate::packs::Op;

/// Conditions nest at most this deep.
const MAX_NESTING: usize = 5;

/// Does an operator of SQL hold for all values but one?
pub fn leaves_one_out(operator: &str) -> bool {
    matches!(operator, "!=" | "<>")
}

impl<'a> Engine<'a> {
    /// A condition says that there is nothing behind a relation: reading it on such rows sends nothing.
    pub(super) fn without_partner(&mut self, query: &mut Query, args: &Args) {
        let Some(model) = query.model else { return };
        let suffix = self.ix.packs.word(self.ix.model(model).dialect, "null-condition");
        for (name, val) in &args.named {
            let asked = suffix.and_then(|suffix| name.as_str().strip_suffix(suffix.as_str()));
            let relation = match (asked, self.data(*val)) {
                (Some(relation), Data::Bool(true)) => Name::new(relation),
                (None, Data::Null) => *name,
                _ => continue,
            };
            if self.relation(model, relation).is_some_and(|r| !r.many) {
                query.tree = self.v.trees.with(query.tree, relation, super::tree::NOTHING);
            }
        }
    }

    /// What an operation says about the rows that the query can reach.
    pub(super) fn mark(&mut self, fr: &mut Frame<'a>, query: &mut Query, op: &Op, name: Name, args: &Args, at: Range) {
        let span = self.span(fr, at);
        if op.unscopes && op.result == crate::packs::Result::Query {
            let removed = self.removed(args).into_iter().map(|n| Mark::Removed(n, span)).collect::<Vec<_>>();
            if !(op.to_base && query.via.is_some()) {
                query.marks = self.v.marked(query.marks, &removed);
            }
        }
        if op.empties {
            query.flags |= flag::SCOPED;
        }
        if op.scope_hook {
            self.scope_closures(fr, query, args, at);
        }
        if op.alternative {
            let beside = self.v.marks_of(query.marks).iter().filter_map(|m| match m {
                Mark::Term(term) => Some(Mark::Beside(*term)),
                _ => None,
            });
            let more: Vec<Mark> = beside.chain([Mark::Or(span)]).collect();
            query.marks = self.v.marked(query.marks, &more);
        }
        if op.joins {
            query.marks = self.v.marked(query.marks, &[Mark::Joined]);
        }
        if op.terms {
            self.terms(fr, query, name, args, at);
        }
        if op.tables
            && let Some(Data::Str(table)) = args.positional.first().map(|v| self.data(*v).clone())
        {
            query.marks = self.v.marked(query.marks, &[Mark::Table(table)]);
        }
    }

    /// Scopes given as closures run for every query of the model, wherever it is written.
    fn scope_closures(&mut self, fr: &mut Frame<'a>, query: &Query, args: &Args, at: Range) {
        let closures: Vec<Val> = args.positional.iter().copied().filter(|v| matches!(self.data(*v), Data::Closure(..))).collect();
        for closure in closures {
            let given = self.open_query(query.model, self.span(fr, at), query.class);
            let mark = fr.buffer.len();
            self.call_value(fr, closure, Args::positional(vec![given]), at);
            fr.buffer.truncate(mark);
        }
    }

    fn removed(&self, args: &Args) -> Vec<Option<Name>> {
        let mut out = Vec::new();
        let mut todo: Vec<Val> = args.positional.clone();
        while let Some(val) = todo.pop() {
            match self.data(val) {
                Data::Str(name) | Data::External(name) => out.push(Some(*name)),
                Data::Class(class) => out.push(Some(self.ix.class(*class).name)),
                Data::Object { class, .. } => out.push(Some(self.ix.class(*class).name)),
                Data::Tuple(items) => todo.extend(items.iter().copied()),
                _ => (),
            }
        }
        if out.is_empty() && args.positional.is_empty() { vec![None] } else { out }
    }

    /// The conditions in the arguments of a call that filters.
    fn terms(&mut self, fr: &mut Frame<'a>, query: &mut Query, name: Name, args: &Args, at: Range) {
        let mut marks: Vec<Mark> = args.named.iter().map(|(n, _)| Mark::Term(*n)).collect();
        let mut is_open = args.open;
        let is_php = fr.language == Language::Php || fr.language == Language::Blade;
        if is_php {
            let column = self.ix.dynamic_column(name);
            marks.extend(column.map(Mark::Term));
            // A method named after a column is given the value alone.
            if column.is_none() || args.positional.len() > 1 {
                self.php_terms(fr, query, args, at, &mut marks, &mut is_open);
            }
        } else {
            for val in &args.positional {
                let before = marks.len();
                self.condition(*val, &mut marks, &mut is_open, MAX_NESTING);
                if marks.len() == before {
                    query.flags |= flag::OTHERWISE;
                }
            }
        }
        if is_open {
            query.flags |= flag::SCOPED;
        }
        marks.retain(|m| *m != Mark::Loose);
        query.marks = self.v.marked(query.marks, &marks);
        self.searched(fr, query, at);
    }

    /// The columns of a condition as a value.
    fn condition(&self, val: Val, marks: &mut Vec<Mark>, is_open: &mut bool, depth: usize) {
        if depth == 0 {
            return;
        }
        match self.data(val) {
            Data::Condition(more) => marks.extend_from_slice(self.v.marks_of(*more)),
            Data::Attribute(_, name) => marks.push(Mark::Term(*name)),
            Data::Tuple(items) => items.iter().for_each(|v| self.condition(*v, marks, is_open, depth - 1)),
            Data::OneOf(items) => items.iter().for_each(|v| self.condition(*v, marks, is_open, depth - 1)),
            Data::Many(inner, _) => self.condition(*inner, marks, is_open, depth - 1),
            Data::Unknown | Data::Instance(_) | Data::Object { .. } => *is_open = true,
            _ => (),
        }
    }

    fn php_terms(
        &mut self,
        fr: &mut Frame<'a>,
        query: &mut Query,
        args: &Args,
        at: Range,
        marks: &mut Vec<Mark>,
        is_open: &mut bool,
    ) {
        let first = args.positional.first().map(|v| self.data(*v).clone());
        let mut inner_model = query.model;
        let is_text = matches!(first, Some(Data::Str(_) | Data::Tuple(_) | Data::Record(..) | Data::Row(_) | Data::Closure(..)));
        let built = if is_text { None } else { column_after_table(fr.body, at) };
        match first {
            _ if built.is_some() => marks.extend(built.map(Mark::Term)),
            // All others than the one that is named.
            Some(Data::Str(_)) if args.positional.len() > 2 && self.is_unequal(args.positional[1]) => {
                query.flags |= flag::OTHERWISE;
            }
            Some(Data::Str(text)) => {
                marks.push(Mark::Term(text));
                if let Some(model) = query.model {
                    let path = text.as_str().split('.');
                    inner_model =
                        path.map(Name::new).try_fold(model, |m, n| self.ix.model(m).relations.get(&n).and_then(|r| r.target));
                }
            }
            Some(Data::Tuple(items)) => {
                for item in items.iter() {
                    match self.data(*item) {
                        Data::Str(text) => marks.push(Mark::Term(*text)),
                        Data::Tuple(inner) => match inner.first().map(|v| self.data(*v)) {
                            Some(Data::Str(text)) => marks.push(Mark::Term(*text)),
                            _ => *is_open = true,
                        },
                        Data::Record(keys, rest) => {
                            marks.extend(keys.iter().map(|(k, _)| Mark::Term(*k)));
                            *is_open |= rest.is_some();
                        }
                        _ => *is_open = true,
                    }
                }
            }
            Some(Data::Record(keys, rest)) => {
                marks.extend(keys.iter().map(|(k, _)| Mark::Term(*k)));
                *is_open |= rest.is_some();
            }
            Some(Data::Row(row)) => marks.push(Mark::Term(Name::new(&snake(self.ix.model(row.model).name.last_segment())))),
            Some(Data::Unknown | Data::Many(..) | Data::OneOf(_) | Data::Object { .. }) => *is_open = true,
            _ => (),
        }
        if let Some(Data::Str(text)) = args.positional.get(1).map(|v| self.data(*v))
            && text.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && matches!(args.positional.first().map(|v| self.data(*v)), Some(Data::Row(_)))
        {
            marks.push(Mark::Term(*text));
        }
        let closures: Vec<Val> = args.positional.iter().copied().filter(|v| matches!(self.data(*v), Data::Closure(..))).collect();
        for closure in closures {
            let same = matches!(args.positional.first(), Some(v) if *v == closure);
            let Some(model) = (if same { query.model } else { inner_model }) else {
                *is_open = true;
                continue;
            };
            let inner = Query {
                model: Some(model),
                via: None,
                marks: NO_MARKS,
                class: self.ix.model(model).query_class,
                ..query.clone()
            };
            let given = self.v.of(Data::Query(inner.clone()));
            let mark = fr.buffer.len();
            let (returned, first) = match self.data(closure).clone() {
                Data::Closure(f, env, this) => self.call_closure_for_first(fr, f, &env, this, Args::positional(vec![given]), at),
                _ => (UNKNOWN, UNKNOWN),
            };
            fr.buffer.truncate(mark);
            let after = match (self.data(returned), self.data(first)) {
                (Data::Query(q), _) if q.src == inner.src => q.clone(),
                (_, Data::Query(q)) if q.src == inner.src => q.clone(),
                _ => {
                    *is_open = true;
                    continue;
                }
            };
            query.flags |= after.flags & flag::SCOPED;
            let own = self.v.marks_of(after.marks).iter().filter(|m| matches!(m, Mark::Term(_)));
            marks.extend(own.copied());
        }
    }

    /// Is a value the operator that leaves one value out?
    fn is_unequal(&self, operator: Val) -> bool {
        matches!(self.data(operator), Data::Str(text) if leaves_one_out(text.as_str()))
    }

    /// The condition that a comparison, a method of an attribute, or a function of conditions gives.
    /// It is loose if it does not hold each of its columns to one value.
    pub(super) fn condition_of(&mut self, vals: &[Val], named: &[(Name, Val)], is_loose: bool) -> Val {
        let mut marks: Vec<Mark> = named.iter().map(|(n, _)| Mark::Term(*n)).collect();
        let mut is_open = false;
        for val in vals {
            self.condition(*val, &mut marks, &mut is_open, MAX_NESTING);
        }
        if is_open && marks.is_empty() {
            return UNKNOWN;
        }
        if is_loose {
            marks.push(Mark::Loose);
        }
        let marks = self.v.marked(NO_MARKS, &marks);
        self.v.of(Data::Condition(marks))
    }

    /// The condition, which holds its column to the values of a list; one that a variable holds mostly is of keys at hand.
    pub(super) fn with_list(&mut self, condition: Val, is_variable: bool) -> Val {
        let Data::Condition(marks) = *self.data(condition) else { return condition };
        let more = [Mark::Several, Mark::Keys];
        let marks = self.v.marked(marks, if is_variable { &more } else { &more[..1] });
        self.v.of(Data::Condition(marks))
    }

    /// Does a value speak of columns?
    pub(super) fn is_condition(&self, val: Val) -> bool {
        matches!(self.data(val), Data::Attribute(..) | Data::Condition(_))
    }

    /// Notes a statement, in a loop or not.
    pub(super) fn executed(&mut self, fr: &Frame<'a>, query: &Query, kind: Statement, method: Name, at: Range, bare: bool) {
        if matches!(self.v.source_of(query.src), Source::Declared(_)) && query.via.is_none() {
            return;
        }
        let via = match query.via.map(|(object, relation)| (self.data(object), relation)) {
            Some((Data::Row(row), relation)) => Some((row.model, relation)),
            Some(_) => return,
            None => None,
        };
        let execution = Execution {
            site: self.span(fr, at),
            owner: fr.f,
            kind,
            method,
            model: query.model,
            via,
            src: query.src,
            flags: query.flags,
            marks: query.marks,
            bare,
        };
        if self.known_executions.insert(execution.clone()) {
            self.executions.push(execution);
        }
    }

    /// A query of the program's own class that is made by hand for a model.
    pub(super) fn made_query(&mut self, fr: &Frame<'a>, class: ClassId, args: &Args, range: Range) -> Option<Val> {
        let is_query = self.ix.class(class).external.iter().any(|n| self.ix.packs.instance_kind(*n) == Some(self.names.query));
        let model = args
            .positional
            .first()
            .copied()
            .or_else(|| args.named.iter().find(|(n, _)| n.as_str() == "model").map(|(_, v)| *v))?;
        let model = match self.data(model) {
            Data::Class(model) if is_query => self.ix.class(*model).model?,
            Data::ModelClass(model) if is_query => *model,
            _ => return None,
        };
        let mut query = self.start_query(model, self.span(fr, range));
        query.class = Some(class);
        Some(self.v.of(Data::Query(query)))
    }

    /// A query of the bare table that the first argument names. Which table it is must be known: where it differs from turn
    /// to turn, no single query could serve them all.
    pub(super) fn table_query(&mut self, fr: &Frame<'a>, args: &Args, range: Range) -> Option<Val> {
        let table = *args.positional.first()?;
        let name = match self.data(table) {
            Data::Str(name) => *name,
            Data::Unknown | Data::Scalar | Data::OneOf(_) if !self.is_fixed_argument(fr, args) => {
                self.gap("a table whose name is not known");
                return Some(UNKNOWN);
            }
            _ => return None,
        };
        let name = Name::new(name.as_str().split([' ', ':']).next().unwrap_or(name.as_str()));
        let src = self.v.source(Source::Query(self.span(fr, range)));
        let marks = self.v.marked(NO_MARKS, &[Mark::Table(name)]);
        self.table_names.insert(src, name);
        let query = Query { flags: flag::RAW, marks, ..Query::new(None, super::tree::OPEN, src) };
        Some(self.v.of(Data::Query(query)))
    }

    /// A query that changed in place: the variable at the root of the chain of calls holds it from now on.
    pub(super) fn changed_in_place(&mut self, fr: &mut Frame<'a>, base: ExprId, after: Val) {
        let Data::Query(query) = self.data(after).clone() else {
            return;
        };
        let mut place = base;
        loop {
            match fr.body.expr(place) {
                Expr::Call { callee, .. } => match fr.body.expr(*callee) {
                    Expr::Attr { base, name, .. } if name.as_str() != "clone" => place = *base,
                    _ => return,
                },
                Expr::Local(slot) => {
                    let held = fr.locals[slot.0 as usize];
                    let is_same =
                        |v: &Val| matches!(self.data(*v), Data::Query(q) if q.src == query.src && q.model == query.model);
                    if self.v.alternatives(held).iter().all(is_same) {
                        fr.locals[slot.0 as usize] = after;
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}

/// The column of a text that is put together of the table's name and it: `"{$table}.shop_id"`, `$table . '.shop_id'`.
fn column_after_table(body: &Body, at: Range) -> Option<Name> {
    let args = body.exprs.iter().find_map(|e| match e {
        Expr::Call { callee, args } if body.range(*callee).end == at.end => Some(args),
        _ => None,
    })?;
    let last = match body.expr(args.first()?.value) {
        Expr::Interpolated(parts) => *parts.last()?,
        Expr::Binary { op: BinaryOp::Concat, right, .. } => *right,
        _ => return None,
    };
    let Expr::Str(text) = body.expr(last) else { return None };
    let column = text.as_str().strip_prefix('.')?;
    let is_plain = !column.is_empty() && column.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_plain.then(|| Name::new(column))
}
