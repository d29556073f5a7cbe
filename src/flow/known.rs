//! Which way does a condition go, where the values given or the rows at hand already say it?
//!
//! Looks at expressions without running them: what they cost was counted when they were evaluated.

use super::tree::State;
use super::value::{Data, NULL, Row, Source, Src, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{AttrDecl, BinaryOp, Case, ClassKind, Expr, ExprId, Language, Type};
use crate::index::ClassId;

/// Conditions nest at most so deep.
pub(super) const MAX_NESTING: usize = 12;

/// A value as far as comparisons can tell it from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Null,
    Text(Name),
    Number(i64),
    Truth(bool),
    /// A case of an enumeration.
    Case(ClassId, Name),
    /// Not null, and that is all.
    Something,
}

impl<'a> Engine<'a> {
    /// What a condition gives, where that is known: from its value or from how it is written.
    pub(super) fn settled(&mut self, fr: &mut Frame<'a>, cond: ExprId, val: Val) -> Option<bool> {
        match self.data(val) {
            Data::Bool(b) => Some(*b),
            // Nobody takes eager loads out of the list that a class declares.
            Data::Tuple(all) if all.iter().any(|v| matches!(self.data(*v), Data::Load(_))) => Some(true),
            Data::Tuple(all)
                if matches!(fr.body.expr(cond), Expr::Attr { .. })
                    && !all.is_empty()
                    && all.iter().all(|v| matches!(self.data(*v), Data::Str(_))) =>
            {
                Some(true)
            }
            _ => self.decide(fr, cond, MAX_NESTING),
        }
    }

    /// What a condition gives, from how it is written.
    pub(super) fn decided(&mut self, fr: &mut Frame<'a>, cond: ExprId) -> Option<bool> {
        self.decide(fr, cond, MAX_NESTING)
    }

    pub(super) fn decide(&mut self, fr: &mut Frame<'a>, cond: ExprId, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        let body = fr.body;
        match body.expr(cond) {
            Expr::Bool(b) => Some(*b),
            Expr::Null => Some(false),
            Expr::Same(inner) => self.decide(fr, *inner, depth),
            Expr::Not(inner) => self.decide(fr, *inner, depth).map(|b| !b),
            Expr::And(a, b) => match (self.decide(fr, *a, depth), self.decide(fr, *b, depth)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::Or(a, b) => match (self.decide(fr, *a, depth), self.decide(fr, *b, depth)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::Local(_) => match self.known(fr, cond)? {
                Known::Null => Some(false),
                Known::Text(text) => Some(!matches!(text.as_str(), "" | "0")).filter(|b| *b || text.as_str().is_empty()),
                Known::Number(n) => Some(n != 0),
                Known::Truth(b) => Some(b),
                Known::Case(..) | Known::Something => None,
            },
            Expr::Isset(items) => {
                let absent = items.iter().any(|e| {
                    self.known(fr, *e) == Some(Known::Null)
                        || match body.expr(*e) {
                            Expr::Index { base, index: Some(key) } => {
                                matches!(body.expr(*key), Expr::Str(key) if self.lacks_key(fr, *base, *key))
                            }
                            _ => false,
                        }
                });
                absent.then_some(false)
            }
            Expr::Empty(e) => (self.known(fr, *e) == Some(Known::Null)).then_some(true),
            Expr::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right } => {
                let (left, right) = (*left, *right);
                let same = match (body.expr(left), body.expr(right)) {
                    (_, Expr::Null) if self.is_stored_key(fr, left) => Some(false),
                    (Expr::Null, _) if self.is_stored_key(fr, right) => Some(false),
                    (_, Expr::Bool(b)) if !matches!(body.expr(left), Expr::Local(_)) => {
                        let b = *b;
                        self.decide(fr, left, depth).map(|a| a == b)
                    }
                    _ => {
                        let (a, b) = (self.known(fr, left)?, self.known(fr, right)?);
                        same(a, b)
                    }
                };
                same.map(|s| s == (*op == BinaryOp::Equal))
            }
            Expr::Binary { op: op @ (BinaryOp::In | BinaryOp::NotIn), left, right } => {
                let (left, right) = (*left, *right);
                let found = match (body.expr(left), self.loaded_cache(fr, right)) {
                    (Expr::Str(relation), Some(row)) => self.is_loaded(fr, row, *relation)?,
                    (Expr::Str(key), None) if self.lacks_key(fr, right, *key) => false,
                    _ => {
                        let wanted = self.known(fr, left)?;
                        let mut found = Some(false);
                        for at in self.known_items(fr, right)? {
                            found = match (found, same(wanted, at?)) {
                                (Some(true), _) | (_, Some(true)) => Some(true),
                                (Some(false), Some(false)) => Some(false),
                                _ => None,
                            };
                        }
                        found?
                    }
                };
                Some(found == (*op == BinaryOp::In))
            }
            Expr::InstanceOf { value, class } => self.is_instance(fr, *value, *class),
            Expr::Call { callee, args } => self.decided_call(fr, *callee, args),
            Expr::Attr { .. } => self.decided_attr(fr, cond),
            _ => None,
        }
    }

    /// Does an expression read an attribute of a row that neither its table nor its model has?
    pub(super) fn is_added(&self, fr: &Frame<'a>, at: ExprId) -> bool {
        let Expr::Attr { base, name, .. } = fr.body.expr(at) else { return false };
        let Some(row) = self.row_at(fr, *base) else { return false };
        let model = self.ix.model(row.model);
        !model.columns.contains_key(name) && !model.relations.contains_key(name)
    }

    /// Did the query of a row compute an attribute of this name, or fill it?
    pub(super) fn is_computed(&self, row: Row, name: Name) -> bool {
        self.relation(row.model, name).is_none() && matches!(self.v.trees.state(row.tree, name), State::Loaded(_))
    }

    /// `except AttributeError` around an attribute that the query of the row has computed: nothing comes there.
    pub(super) fn is_never_raised(&self, fr: &Frame<'a>, case: &Case, guarded: Range) -> bool {
        let body = fr.body;
        let is_lacking = |e: &ExprId| matches!(body.expr(*e), Expr::Name(n) if n.as_str() == "AttributeError");
        let within = |i: usize| guarded.start <= body.ranges[i].start && body.ranges[i].end <= guarded.end;
        !case.tests.is_empty()
            && case.tests.iter().all(is_lacking)
            && body.exprs.iter().enumerate().any(|(i, e)| match e {
                Expr::Attr { base, name, .. } if within(i) => {
                    self.row_at(fr, *base).is_some_and(|row| self.is_computed(row, *name))
                }
                _ => false,
            })
    }

    /// Does an expression read a column of a row?
    pub(super) fn is_column(&self, fr: &Frame<'a>, at: ExprId) -> bool {
        let Expr::Attr { base, name, .. } = fr.body.expr(at) else { return false };
        self.row_at(fr, *base).is_some_and(|row| self.ix.model(row.model).columns.contains_key(name))
    }

    /// Is a row new? Rows of queries are not.
    fn decided_attr(&mut self, fr: &mut Frame<'a>, at: ExprId) -> Option<bool> {
        if self.is_stored_key(fr, at) {
            return Some(true);
        }
        let body = fr.body;
        let Expr::Attr { base, name, .. } = body.expr(at) else { return None };
        let (base, path) = match body.expr(*base) {
            Expr::Attr { base: inner, name: first, .. } => (*inner, Name::new(&format!("{first}.{name}"))),
            _ => (*base, *name),
        };
        let row = self.row_at(fr, base)?;
        (self.is_stored(row.src) && self.has_word(row, "new-row", path)).then_some(false)
    }

    /// Does an expression read what only stored rows have, on a row that a query gave?
    fn is_stored_key(&mut self, fr: &Frame<'a>, at: ExprId) -> bool {
        let Expr::Attr { base, name, .. } = fr.body.expr(at) else { return false };
        let Some(row) = self.row_at(fr, *base) else { return false };
        if !self.is_stored(row.src) {
            return false;
        }
        self.has_word(row, "stored-row", *name) || self.ix.model(row.model).columns.get(name).is_some_and(|c| c.is_primary)
    }

    pub(super) fn has_word(&self, row: Row, key: &str, name: Name) -> bool {
        let words = self.ix.packs.word(self.dialect(row.model), key);
        words.is_some_and(|w| w.has_word(name.as_str()))
    }

    /// Do rows of a source surely come from the database?
    fn is_stored(&self, src: Src) -> bool {
        if self.unsure_rows.contains(&src) {
            return false;
        }
        match self.v.source_of(src) {
            Source::Query(_) | Source::Ambient => true,
            Source::Relation(..) => !matches!(self.v.root_source(src).0, Source::Fresh(_)),
            Source::Declared(_) | Source::Fresh(_) => false,
        }
    }

    /// The one row that a variable or `$this` holds.
    pub(super) fn row_at(&self, fr: &Frame<'a>, e: ExprId) -> Option<Row> {
        let val = match fr.body.expr(e) {
            Expr::Local(slot) => *fr.locals.get(slot.0 as usize)?,
            Expr::This => fr.this,
            _ => return None,
        };
        self.bare_row(val)
    }

    /// The rows one of which a variable or `$this` holds, if it can hold nothing else.
    pub(super) fn rows_at(&self, fr: &Frame<'a>, e: ExprId) -> Option<Vec<Row>> {
        let val = match fr.body.expr(e) {
            Expr::Local(slot) => *fr.locals.get(slot.0 as usize)?,
            Expr::This => fr.this,
            _ => return None,
        };
        self.v.alternatives(val).into_iter().map(|v| self.bare_row(v)).collect()
    }

    /// The row that an expression gives without asking for it: a variable, what a resource wraps, a relation that is loaded.
    pub(super) fn row_behind(&mut self, fr: &mut Frame<'a>, e: ExprId, depth: usize) -> Option<Row> {
        let depth = depth.checked_sub(1)?;
        if let Some(row) = self.row_at(fr, e) {
            return Some(row);
        }
        match fr.body.expr(e) {
            Expr::This => {
                let wrapped = self.wrapped(fr, fr.this);
                self.bare_row(wrapped)
            }
            Expr::Same(inner) => self.row_behind(fr, *inner, depth),
            Expr::Attr { base, name, .. } => {
                if matches!(fr.body.expr(*base), Expr::This) && *name == self.word(fr, "resource-wrapped") {
                    return self.row_behind(fr, *base, depth);
                }
                let row = self.row_behind(fr, *base, depth)?;
                let relation = self.relation(row.model, *name).filter(|r| !r.many)?;
                let State::Loaded(tree) = self.v.trees.state(row.tree, relation.name) else { return None };
                let src = self.v.source(Source::Relation(row.src, relation.name));
                Some(Row { model: relation.target?, tree, src, renewed_by: row.renewed_by })
            }
            _ => None,
        }
    }

    /// The row whose cache of loaded relations an expression names: `getattr(self, "_cache", {})`, `self._cache`.
    pub(super) fn loaded_cache(&self, fr: &Frame<'a>, e: ExprId) -> Option<Row> {
        let body = fr.body;
        let (base, path) = match body.expr(e) {
            Expr::Attr { base, name, .. } => match body.expr(*base) {
                Expr::Attr { base: inner, name: first, .. } => (*inner, Name::new(&format!("{first}.{name}"))),
                _ => (*base, *name),
            },
            Expr::Call { callee, args } if args.len() >= 2 => match (body.expr(*callee), body.expr(args[1].value)) {
                (Expr::Name(n), Expr::Str(cache)) if n.as_str() == "getattr" => (args[0].value, *cache),
                _ => return None,
            },
            _ => return None,
        };
        let row = self.row_at(fr, base)?;
        self.has_word(row, "loaded-caches", path).then_some(row)
    }

    /// Is a relation loaded on a row, if that is known?
    pub(super) fn is_loaded(&mut self, fr: &Frame<'a>, row: Row, relation: Name) -> Option<bool> {
        let relation = self.relation(row.model, relation)?;
        match self.v.trees.state(row.tree, relation.name) {
            _ if fr.guards.contains(&(row.src, relation.name)) => Some(true),
            State::Loaded(tree) if tree != super::tree::OPEN => Some(true),
            State::Missing if relation.loading != crate::index::Loading::Unknown => Some(false),
            _ => None,
        }
    }

    /// The elements of a list that is written here, or was written by the caller that hands it in.
    fn known_items(&mut self, fr: &mut Frame<'a>, e: ExprId) -> Option<Vec<Option<Known>>> {
        match fr.body.expr(e) {
            Expr::Seq { items, .. } => Some(items.iter().map(|item| self.known(fr, item.value)).collect()),
            Expr::Local(slot) if fr.decl.params.iter().any(|p| p.slot == *slot) => {
                let Data::Tuple(items) = self.data(*fr.locals.get(slot.0 as usize)?) else { return None };
                Some(items.iter().map(|v| self.known_value(*v)).collect())
            }
            _ => None,
        }
    }

    /// What an expression is, as far as comparisons go.
    pub(super) fn known(&mut self, fr: &mut Frame<'a>, e: ExprId) -> Option<Known> {
        let body = fr.body;
        match body.expr(e) {
            Expr::Null => Some(Known::Null),
            Expr::Str(s) => Some(Known::Text(*s)),
            Expr::Int(i) => Some(Known::Number(*i)),
            Expr::Bool(b) => Some(Known::Truth(*b)),
            Expr::Same(inner) => self.known(fr, *inner),
            Expr::Local(slot) => {
                // Whatever is passed on by reference may come back changed: only what was given counts there.
                let is_php = matches!(fr.language, Language::Php | Language::Blade);
                if is_php && !fr.decl.params.iter().any(|p| p.slot == *slot) {
                    return None;
                }
                let val = *fr.locals.get(slot.0 as usize)?;
                if self.may_be_nothing(fr, *slot, val) {
                    return None;
                }
                self.known_value(val)
            }
            Expr::This => self.known_value(fr.this),
            // `self.shown.__name__`
            Expr::Attr { base, name, .. } if name.as_str() == CLASS_NAME => {
                let base = *base;
                let mark = fr.buffer.len();
                let class = self.expr(fr, base);
                fr.buffer.truncate(mark);
                let Data::Class(class) = *self.data(class) else { return None };
                Some(Known::Text(Name::new(self.ix.class(class).name.last_segment())))
            }
            Expr::Attr { base, .. } if matches!(body.expr(*base), Expr::Class(_) | Expr::Name(_)) => {
                let class = self.expr(fr, *base);
                let Data::Class(class) = *self.data(class) else { return None };
                if !self.is_enum(class) {
                    return None;
                }
                let val = self.expr(fr, e);
                self.known_value(val)
            }
            _ => None,
        }
    }

    /// Is it one row of which it is not known whether there is one: what a query gave here, or what a parameter is declared as?
    /// What a caller found and hands on is there.
    fn may_be_nothing(&self, fr: &Frame<'a>, slot: crate::facts::Slot, val: Val) -> bool {
        let Data::Row(row) = self.data(val) else { return false };
        row.renewed_by == super::NO_LOOP
            && match self.v.source_of(row.src) {
                Source::Declared(_) => true,
                Source::Query(_) => !fr.decl.params.iter().any(|p| p.slot == slot),
                _ => false,
            }
    }

    fn known_value(&self, val: Val) -> Option<Known> {
        match self.data(val) {
            Data::Null => Some(Known::Null),
            Data::Str(s) => Some(Known::Text(*s)),
            Data::Int(i) => Some(Known::Number(*i)),
            Data::Bool(b) => Some(Known::Truth(*b)),
            Data::Object { class, fields, exact: true } if self.is_enum(*class) => {
                let name = fields.iter().find(|(n, _)| n.as_str() == "name").map(|(_, v)| self.data(*v));
                match name {
                    Some(Data::Str(case)) => Some(Known::Case(*class, *case)),
                    _ => Some(Known::Something),
                }
            }
            Data::Object { .. } | Data::Class(_) | Data::Closure(..) | Data::Function(_) | Data::Row(_) => Some(Known::Something),
            Data::Tuple(_) | Data::Many(..) | Data::Record(..) | Data::Query(_) => Some(Known::Something),
            _ => None,
        }
    }

    /// Are two values that were evaluated the same?
    pub(super) fn are_same(&mut self, fr: &mut Frame<'a>, subject: ExprId, test: ExprId) -> Option<bool> {
        let (a, b) = (self.known(fr, subject)?, self.known(fr, test)?);
        same(a, b)
    }

    /// Is a class an enumeration?
    pub(super) fn is_enum(&self, class: ClassId) -> bool {
        self.ix.class_decl(class).kind == ClassKind::Enum
            || self.ix.class(class).external.iter().any(|e| self.ix.packs.roles(*e).iter().any(|r| r.as_str() == "enum"))
    }

    /// The case of an enumeration that an attribute of it is.
    pub(super) fn case_of(&mut self, class: ClassId, name: Name, attr: &AttrDecl, val: Val) -> Val {
        if name.as_str().starts_with('_')
            || !self.is_enum(class)
            || matches!(self.data(val), Data::Object { .. } | Data::Class(_))
        {
            return val;
        }
        // A constant of an enumeration is no case of it.
        let decl = self.ix.class_decl(class);
        if decl.kind == ClassKind::Enum && attr.ty != Some(Type::Named(decl.name)) {
            return val;
        }
        let text = self.v.str(name);
        let mut fields = vec![(Name::new("name"), text), (Name::new("value"), val)];
        fields.sort_by_key(|f| f.0);
        self.v.of(Data::Object { class, fields: fields.into_boxed_slice(), exact: true })
    }

    /// A variable that a closure changes is not known any more.
    pub(super) fn forget_shared(&self, val: Val) -> Val {
        match self.data(val) {
            Data::Bool(_) | Data::Null | Data::Str(_) | Data::Int(_) => UNKNOWN,
            _ => val,
        }
    }

    /// Could a branch have been taken for this value that another turn of a loop does not take?
    pub(super) fn decides(&self, val: Val) -> bool {
        val == NULL || matches!(self.data(val), Data::Bool(_) | Data::Str(_) | Data::Int(_))
    }
}

/// The attribute of a class that holds its name.
const CLASS_NAME: &str = "__name__";
/// Python's types of values that are no rows.
pub(super) const PLAIN_TYPES: &[&str] = &["str", "int", "float", "bool", "bytes", "dict", "list", "tuple", "set", "frozenset"];

fn same(a: Known, b: Known) -> Option<bool> {
    match (a, b) {
        (Known::Null, Known::Null) => Some(true),
        (Known::Null, Known::Text(text)) | (Known::Text(text), Known::Null) => (!text.as_str().is_empty()).then_some(false),
        (Known::Null, Known::Number(n)) | (Known::Number(n), Known::Null) => (n != 0).then_some(false),
        (Known::Null, Known::Case(..) | Known::Something) | (Known::Case(..) | Known::Something, Known::Null) => Some(false),
        (Known::Text(x), Known::Text(y)) => Some(x == y),
        (Known::Number(x), Known::Number(y)) => Some(x == y),
        (Known::Truth(x), Known::Truth(y)) => Some(x == y),
        (Known::Case(c, x), Known::Case(d, y)) if c == d => Some(x == y),
        _ => None,
    }
}
