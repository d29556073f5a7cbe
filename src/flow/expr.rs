//! What is the value of an expression?

use super::many::NO_ELEMENT;
use super::value::{Data, ManyKind, NULL, SCALAR, UNKNOWN, UNSET, Val};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Arg, BinaryOp, CompKind, Expr, ExprId, Language, Spread};
use crate::index::Symbol;

/// Literals with more elements are described by one element.
const MAX_LITERAL: usize = 48;

impl<'a> Engine<'a> {
    pub(super) fn expr(&mut self, fr: &mut Frame<'a>, id: ExprId) -> Val {
        self.fuel = self.fuel.saturating_sub(1);
        let body = fr.body;
        let range = body.range(id);
        match body.expr(id) {
            Expr::Local(slot) => match fr.locals[slot.0 as usize] {
                UNSET => UNKNOWN,
                held => held,
            },
            Expr::This => fr.this,
            Expr::Name(name) => self.name(fr, *name),
            Expr::Class(name) => self.class_named(fr, *name),
            Expr::Function { name, fallback } => self.function_named(*name, *fallback),
            Expr::Closure(f) => self.closure(fr, *f),
            Expr::ClassDef(ix) => match self.ix.class_places.get(&(fr.file, *ix)) {
                Some(class) => self.v.of(Data::Class(*class)),
                None => UNKNOWN,
            },
            Expr::Attr { base, name, .. } => {
                let object = self.expr(fr, *base);
                self.attr(fr, object, *name, range)
            }
            Expr::DynamicAttr { base, name } => {
                let object = self.expr(fr, *base);
                let name = self.expr(fr, *name);
                match self.data(name) {
                    Data::Str(s) => {
                        let s = *s;
                        self.attr(fr, object, s, range)
                    }
                    _ => UNKNOWN,
                }
            }
            Expr::Lookup { base, name, call } => {
                let object = self.expr(fr, *base);
                self.lookup(fr, object, *name, *call, range)
            }
            Expr::Index { base, index } => {
                let object = self.expr(fr, *base);
                // `rows[slice(10, 20)]`
                if let Some(Expr::Call { callee, args }) = index.map(|i| body.expr(i))
                    && matches!(body.expr(*callee), Expr::Name(name) if name.as_str() == "slice")
                {
                    let bounds: Vec<Val> = args.iter().map(|a| self.expr(fr, a.value)).collect();
                    let end = if bounds.len() == 1 { bounds.first() } else { bounds.get(1) };
                    let few = end.is_some_and(|e| self.is_few(*e));
                    return self.slice(object, few);
                }
                let key = index.map(|i| self.expr(fr, i));
                let val = self.index(fr, object, key, range);
                match index {
                    Some(i) => self.by_turn(fr, object, *i, val),
                    None => val,
                }
            }
            Expr::Slice { base, lower, upper } => {
                let object = self.expr(fr, *base);
                if let Some(part) = lower {
                    self.expr(fr, *part);
                }
                let end = upper.map(|u| self.expr(fr, u));
                let few = end.is_some_and(|e| self.is_few(e));
                self.slice(object, few)
            }
            Expr::Call { callee, args } => self.call_expr(fr, id, *callee, args),
            Expr::CallableOf(callee) => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => {
                    let recv = self.expr(fr, *base);
                    self.v.of(Data::Method(recv, *name))
                }
                _ => self.expr(fr, *callee),
            },
            Expr::New { class, args } => {
                let class = self.expr(fr, *class);
                let args = self.args(fr, args);
                self.construct(fr, class, args, range)
            }
            Expr::Filter { base, name, args } => {
                let object = self.expr(fr, *base);
                let args = self.args(fr, args);
                self.filter(fr, object, *name, args, range)
            }
            Expr::Render(render) => self.render(fr, render, range),
            Expr::Assign { target, value } => {
                let mark = fr.buffer.len();
                let val = self.expr(fr, *value);
                if fr.buffer.len() > mark {
                    self.keep_made(fr, mark, *target, *value);
                }
                self.assign(fr, *target, val);
                val
            }
            Expr::Augment { target, op, current, value } => {
                let old = self.expr(fr, *current);
                let new = self.expr(fr, *value);
                let val = self.binary(fr, *op, old, new, range);
                self.assign(fr, *target, val);
                val
            }
            Expr::AssignIfNull { target, current, value } => {
                let old = self.expr(fr, *current);
                let mark = fr.buffer.len();
                let new = self.expr(fr, *value);
                // Remembered by key: at most once per distinct key.
                if matches!(body.expr(*current), Expr::Index { .. } | Expr::Attr { .. }) {
                    fr.forget_statements(mark);
                    fr.forget_constructions(mark);
                }
                let val = self.v.join(old, new);
                self.assign(fr, *target, val);
                val
            }
            Expr::Binary { op, left, right } => {
                let a = self.expr(fr, *left);
                let b = self.expr(fr, *right);
                match self.decided(fr, id) {
                    Some(known) => self.v.of(Data::Bool(known)),
                    None => self.binary(fr, *op, a, b, range),
                }
            }
            Expr::And(a, b) => {
                let left = self.expr(fr, *a);
                let settled = self.settled(fr, *a, left);
                if settled == Some(false) {
                    return left;
                }
                let (when_true, _) = self.guarded(fr, *a);
                let right = self.under(fr, *a, true, when_true, *b);
                if settled == Some(true) { right } else { self.v.join(left, right) }
            }
            Expr::Or(a, b) => {
                let left = self.expr(fr, *a);
                let settled = self.settled(fr, *a, left);
                if settled == Some(true) {
                    return left;
                }
                let (_, when_false) = self.guarded(fr, *a);
                let mark = fr.buffer.len();
                let right = self.under(fr, *a, false, when_false, *b);
                if settled.is_none() && self.is_handed_in(fr, *a) {
                    fr.forget_made(mark);
                }
                self.v.join(left, right)
            }
            Expr::Coalesce(a, b) => {
                let left = self.expr(fr, *a);
                let mark = fr.buffer.len();
                let right = self.expr(fr, *b);
                // What the query may have put into the row is there when it did: the other side is for other rows. A column
                // mostly holds something.
                if left == UNKNOWN && self.is_added(fr, *a) || self.is_column(fr, *a) {
                    fr.buffer.truncate(mark);
                } else if left != NULL && self.is_handed_in(fr, *a) {
                    fr.forget_made(mark);
                }
                if left == UNKNOWN { right } else { self.v.join(left, right) }
            }
            Expr::Not(e) => {
                let val = self.expr(fr, *e);
                self.tested(fr, val, *e, crate::packs::Measures::None);
                self.truth(fr, val, range);
                match self.settled(fr, *e, val) {
                    Some(known) => self.v.of(Data::Bool(!known)),
                    None => SCALAR,
                }
            }
            Expr::Ternary { cond, then, otherwise } => {
                let test = self.expr(fr, *cond);
                if then.is_some() {
                    self.tested(fr, test, *cond, crate::packs::Measures::Some);
                }
                match (self.settled(fr, *cond, test), then) {
                    (Some(true), Some(t)) => return self.expr(fr, *t),
                    (Some(false), _) => return self.expr(fr, *otherwise),
                    _ => (),
                }
                let (when_true, when_false) = self.guarded(fr, *cond);
                let a = match then {
                    Some(t) => self.under(fr, *cond, true, when_true, *t),
                    None => test,
                };
                let b = self.under(fr, *cond, false, when_false, *otherwise);
                self.v.join(a, b)
            }
            Expr::Match { subject, arms } => {
                self.expr(fr, *subject);
                let mut result = None;
                for (tests, value) in arms {
                    let mut verdicts = Vec::with_capacity(tests.len());
                    for test in tests {
                        let val = self.expr(fr, *test);
                        verdicts.push(match body.expr(*subject) {
                            Expr::Bool(b) => self.settled(fr, *test, val).map(|t| t == *b),
                            _ => self.are_same(fr, *subject, *test),
                        });
                    }
                    if !verdicts.is_empty() && verdicts.iter().all(|v| *v == Some(false)) {
                        continue;
                    }
                    let mark = fr.buffer.len();
                    let val = self.expr(fr, *value);
                    self.for_named_tests(fr, *subject, tests, mark);
                    result = Some(match result {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                    if verdicts.contains(&Some(true)) {
                        break;
                    }
                }
                result.unwrap_or(UNKNOWN)
            }
            Expr::Scalar(e) => {
                if let Some(e) = e {
                    let val = self.expr(fr, *e);
                    self.as_text(fr, val, range);
                }
                SCALAR
            }
            Expr::Same(e) => self.expr(fr, *e),
            Expr::Await(e) => {
                let mark = fr.buffer.len();
                let val = self.expr(fr, *e);
                self.awaited(fr, *e, mark);
                val
            }
            Expr::InstanceOf { value, class } => {
                self.expr(fr, *value);
                self.expr(fr, *class);
                SCALAR
            }
            Expr::Isset(items) => {
                for e in items {
                    self.expr(fr, *e);
                }
                self.decided(fr, id).map_or(SCALAR, |known| self.v.of(Data::Bool(known)))
            }
            Expr::Empty(e) => {
                let val = self.expr(fr, *e);
                self.truth(fr, val, range);
                self.decided(fr, id).map_or(SCALAR, |known| self.v.of(Data::Bool(known)))
            }
            Expr::Str(s) => self.v.str(*s),
            Expr::Int(i) => self.v.of(Data::Int(*i)),
            Expr::Bool(b) => self.v.of(Data::Bool(*b)),
            Expr::Null => NULL,
            Expr::Literal => SCALAR,
            Expr::Interpolated(parts) => {
                let mut vals = Vec::with_capacity(parts.len());
                for e in parts {
                    let val = self.expr(fr, *e);
                    self.as_text(fr, val, body.range(*e));
                    vals.push(val);
                }
                self.joined_text(&vals)
            }
            Expr::Seq { items, .. } => self.seq(fr, items),
            Expr::Map(entries) => self.map(fr, entries),
            Expr::Comprehension { kind, element, key, clauses } => self.comprehension(fr, *kind, *element, *key, clauses, 0),
            Expr::Yield(e) => {
                let val = match e {
                    Some(e) => self.expr(fr, *e),
                    None => NULL,
                };
                fr.yields = Some(match fr.yields {
                    Some(old) => self.v.join(old, val),
                    None => val,
                });
                UNKNOWN
            }
            Expr::YieldFrom(e) => {
                let val = self.expr(fr, *e);
                let element = self.element_of(fr, val, range);
                fr.yields = Some(match fr.yields {
                    Some(old) => self.v.join(old, element),
                    None => element,
                });
                UNKNOWN
            }
            Expr::Throw(e) => {
                self.expr(fr, *e);
                UNKNOWN
            }
            Expr::Include(e) => {
                self.expr(fr, *e);
                UNKNOWN
            }
            Expr::Sequence(items) => {
                let mut last = UNKNOWN;
                for e in items {
                    last = self.expr(fr, *e);
                }
                last
            }
            Expr::Gap(_, parts) => {
                for e in parts {
                    self.expr(fr, *e);
                }
                UNKNOWN
            }
        }
    }

    fn name(&mut self, fr: &mut Frame<'a>, name: Name) -> Val {
        if fr.language == Language::Php || fr.language == Language::Blade {
            return SCALAR;
        }
        if matches!(fr.language, Language::DjangoTemplate | Language::Jinja) {
            return self.v.of(Data::External(name));
        }
        let symbol = self.ix.resolve_name(fr.file, fr.f.id, name);
        match symbol {
            Symbol::Unknown => self.v.of(Data::External(name)),
            other => self.symbol(other),
        }
    }

    pub(super) fn symbol(&mut self, symbol: Symbol) -> Val {
        match symbol {
            Symbol::Class(class) => self.v.of(Data::Class(class)),
            Symbol::Function(f) => {
                // A decorated function may be what the decorator makes of it.
                self.v.of(Data::Function(f))
            }
            Symbol::Module(file) => self.v.of(Data::Module(file)),
            Symbol::Variable(file, name) => self.module_var(file, name),
            Symbol::External(name) => {
                let users = self.ix.packs.word_in_language(self.names.python, "user-objects");
                if users.is_some_and(|w| w.has_word(name.as_str())) {
                    let user = self.current_user();
                    if user != UNKNOWN {
                        return user;
                    }
                }
                self.v.of(Data::External(name))
            }
            Symbol::Unknown => UNKNOWN,
        }
    }

    fn class_named(&mut self, fr: &Frame<'a>, name: Name) -> Val {
        match name.as_str() {
            "self" | "static" => match (self.data(fr.this), fr.class) {
                (Data::Object { class, .. }, _) if name.as_str() == "static" => {
                    let class = *class;
                    self.v.of(Data::Class(class))
                }
                (Data::Row(row), Some(own)) => {
                    let class = self.ix.model(row.model).class.unwrap_or(own);
                    let class = if name.as_str() == "static" { class } else { own };
                    self.v.of(Data::Class(class))
                }
                (Data::Class(class), _) if name.as_str() == "static" => {
                    let class = *class;
                    self.v.of(Data::Class(class))
                }
                (_, Some(class)) => self.v.of(Data::Class(class)),
                _ => UNKNOWN,
            },
            "parent" => match fr.class {
                Some(class) => {
                    let this = fr.this;
                    self.v.of(Data::Super(this, class))
                }
                None => UNKNOWN,
            },
            _ => {
                let lower = name.folded();
                match self.ix.class_names.get(&lower) {
                    Some(class) => self.v.of(Data::Class(*class)),
                    None => self.v.of(Data::External(name)),
                }
            }
        }
    }

    fn function_named(&mut self, name: Name, fallback: Name) -> Val {
        for candidate in [name, fallback] {
            let lower = candidate.folded();
            if let Some(f) = self.ix.function_names.get(&lower) {
                return self.v.of(Data::Function(*f));
            }
        }
        self.v.of(Data::External(fallback))
    }

    pub(super) fn closure(&mut self, fr: &mut Frame<'a>, f: crate::facts::FnId) -> Val {
        let decl = &self.ix.file(fr.file).functions[f.0 as usize];
        for capture in decl.captures.iter().filter(|c| c.by_ref) {
            if let Some(slot) = fr.locals.get_mut(capture.outer.0 as usize) {
                *slot = self.forget_shared(*slot);
            }
        }
        let env: Vec<Val> = decl.captures.iter().map(|c| fr.locals.get(c.outer.0 as usize).copied().unwrap_or(UNKNOWN)).collect();
        let this = fr.this;
        self.v.of(Data::Closure(crate::index::FnRef { file: fr.file, id: f }, env.into_boxed_slice(), this))
    }

    fn seq(&mut self, fr: &mut Frame<'a>, items: &'a [Arg]) -> Val {
        let mut vals = Vec::with_capacity(items.len());
        let mut spread = false;
        for item in items {
            let val = self.expr(fr, item.value);
            if item.spread == Spread::No {
                vals.push(val);
            } else if let Data::Tuple(known) = self.data(val).clone() {
                vals.extend(known.iter().copied());
            } else {
                spread = true;
                let range = fr.body.range(item.value);
                let e = self.element_of(fr, val, range);
                vals.push(e);
            }
        }
        if spread || vals.len() > MAX_LITERAL {
            let joined = vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN);
            return self.v.many(joined, ManyKind::Held);
        }
        self.v.of(Data::Tuple(vals.into_boxed_slice()))
    }

    fn map(&mut self, fr: &mut Frame<'a>, entries: &'a [(Option<ExprId>, Arg)]) -> Val {
        let mut keys = Vec::new();
        let mut rest: Option<Val> = None;
        for (key, arg) in entries {
            let key = key.map(|k| self.expr(fr, k));
            let val = self.expr(fr, arg.value);
            match (key.map(|k| self.data(k).clone()), arg.spread) {
                (Some(Data::Str(name)), _) => keys.push((name, val)),
                (_, Spread::Keywords | Spread::Elements) => match self.data(val).clone() {
                    Data::Record(more, r) => {
                        keys.extend(more.iter().copied());
                        rest = rest.or(r);
                    }
                    _ => rest = Some(UNKNOWN),
                },
                // An element without a key in a list that has some: its number is the key.
                (None, Spread::No) => keys.push((Name::new(&keys.len().to_string()), val)),
                _ => {
                    rest = Some(match rest {
                        Some(old) => self.v.join(old, val),
                        None => val,
                    });
                }
            }
        }
        self.v.record(keys, rest)
    }

    fn comprehension(
        &mut self,
        fr: &mut Frame<'a>,
        kind: CompKind,
        element: ExprId,
        key: Option<ExprId>,
        clauses: &'a [crate::facts::Clause],
        depth: usize,
    ) -> Val {
        let Some(clause) = clauses.get(depth) else {
            let key = key.map(|k| self.expr(fr, k));
            let val = self.expr(fr, element);
            return match (kind, key) {
                (CompKind::Dict, Some(_)) => self.v.of(Data::Record(Box::default(), Some(val))),
                _ => self.v.many(val, if kind == CompKind::Generator { ManyKind::Lazy } else { ManyKind::Held }),
            };
        };
        let source = self.expr(fr, clause.iter);
        let range = fr.body.range(clause.iter);
        let was_async = self.is_async_work;
        self.is_async_work |= clause.is_async;
        let (item, _, counts) = self.iterate(fr, source, range);
        self.is_async_work = was_async;
        if clause.is_async {
            self.keep_rows(fr, clause.iter, item);
        }
        if item == NO_ELEMENT {
            return self.v.of(Data::Tuple(Box::default()));
        }
        let counts = counts && !self.has_few(fr, clause.iter);
        let id = if counts { self.enter_loop(fr, clause.range) } else { super::NO_LOOP };
        let item = self.met_before(fr, item);
        let item = if counts { self.v.renew(item, id) } else { item };
        self.assign(fr, clause.target, item);
        fr.turns.push((id, [Some(clause.target).filter(|_| counts), None]));
        for cond in &clause.conditions {
            let val = self.expr(fr, *cond);
            self.truth(fr, val, fr.body.range(*cond));
        }
        let val = self.comprehension(fr, kind, element, key, clauses, depth + 1);
        fr.turns.pop();
        if counts {
            self.leave_loop(fr, 0, false);
        }
        val
    }

    /// What a loop's own variable picks out of many is another row in each turn: `members[user.id]`.
    pub(super) fn by_turn(&mut self, fr: &Frame<'a>, object: Val, key: ExprId, val: Val) -> Val {
        // What an earlier loop put there was new in each of its turns, not in those of this one.
        let is_one_row = |e: &Self, v: Val| matches!(e.data(v), Data::Row(row) if !fr.loops.contains(&row.renewed_by));
        let is_one_row = self.v.alternatives(val).into_iter().any(|v| is_one_row(self, v));
        let is_many = match self.data(object) {
            Data::Many(_, kind) => *kind == ManyKind::Held,
            Data::Record(keys, rest) => keys.is_empty() && rest.is_some(),
            _ => false,
        };
        if !is_one_row || !is_many {
            return val;
        }
        let body = fr.body;
        let mut at = key;
        let slot = loop {
            match body.expr(at) {
                Expr::Local(slot) => break *slot,
                Expr::Attr { base, .. } | Expr::Index { base, .. } => at = *base,
                _ => return val,
            }
        };
        let turns = fr.turns.iter().rev().find(|(_, pats)| pats.iter().flatten().any(|p| body.binds(*p, slot)));
        match turns {
            Some((id, _)) => self.v.renew(val, *id),
            None => val,
        }
    }

    fn binary(&mut self, fr: &mut Frame<'a>, op: BinaryOp, a: Val, b: Val, range: Range) -> Val {
        match op {
            BinaryOp::In | BinaryOp::NotIn => {
                if let (Data::Str(text), Data::Tuple(items)) = (self.data(a).clone(), self.data(b).clone())
                    && items.iter().all(|i| matches!(self.data(*i), Data::Str(_)))
                {
                    let found = items.iter().any(|i| *self.data(*i) == Data::Str(text));
                    return self.v.of(Data::Bool(found == (op == BinaryOp::In)));
                }
                self.iterate(fr, b, range);
                SCALAR
            }
            _ if self.is_condition(a) || self.is_condition(b) => {
                let vals: Vec<Val> = [a, b].into_iter().filter(|v| self.is_condition(*v)).collect();
                // `Paper.shelf_id == shelf.id`; two columns that are equal hold no row to one other row.
                let is_firm = op == BinaryOp::BitAnd || op == BinaryOp::Equal && vals.len() == 1;
                self.condition_of(&vals, &[], !is_firm)
            }
            BinaryOp::Add | BinaryOp::BitOr | BinaryOp::BitAnd => {
                if let (BinaryOp::Add, Data::Tuple(x), Data::Tuple(y)) = (op, self.data(a).clone(), self.data(b).clone())
                    && x.len() + y.len() <= MAX_LITERAL
                {
                    let items: Vec<Val> = x.iter().chain(y.iter()).copied().collect();
                    return self.v.of(Data::Tuple(items.into_boxed_slice()));
                }
                let is_rows = |e: &Engine<'a>, v: Val| {
                    matches!(e.data(v), Data::Many(..) | Data::Query(_) | Data::Tuple(_) | Data::Record(..))
                };
                match (is_rows(self, a), is_rows(self, b)) {
                    (true, true) => {
                        if op == BinaryOp::Add {
                            let x = self.element_of(fr, a, range);
                            let y = self.element_of(fr, b, range);
                            if x == UNKNOWN {
                                return b;
                            }
                            let e = self.v.join(x, y);
                            self.v.many(e, ManyKind::Held)
                        } else {
                            self.v.join(a, b)
                        }
                    }
                    (true, false) => a,
                    (false, true) => b,
                    (false, false) if op == BinaryOp::Add => self.joined_text(&[a, b]),
                    (false, false) => SCALAR,
                }
            }
            BinaryOp::Mod => {
                self.as_text(fr, b, range);
                self.filled_text(a, b)
            }
            BinaryOp::Concat => {
                self.as_text(fr, a, range);
                self.as_text(fr, b, range);
                self.joined_text(&[a, b])
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                if let (Data::Str(x), Data::Str(y)) = (self.data(a), self.data(b)) {
                    let same = (x == y) == (op == BinaryOp::Equal);
                    return self.v.of(Data::Bool(same));
                }
                SCALAR
            }
            // A set less another one.
            BinaryOp::Other if matches!(self.data(a), Data::Tuple(_) | Data::Many(_, ManyKind::Literal)) => a,
            BinaryOp::Order | BinaryOp::Other => SCALAR,
        }
    }

    /// A value is tested for truth: a query runs for it.
    pub(super) fn truth(&mut self, fr: &mut Frame<'a>, val: Val, range: Range) {
        if let Data::Query(query) = self.data(val)
            && fr.language != Language::Php
            && fr.language != Language::Blade
            && query.model.is_some_and(|m| self.keeps_rows(m))
        {
            self.iterate(fr, val, range);
        }
    }
}
