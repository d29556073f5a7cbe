//! What does a statement do to the variables?

use super::value::{Data, LoopId, ManyKind, NULL, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Range;
use crate::facts::{Case, ExprId, Loop, LoopKind, Pat, PatId, StmtId, Stmt};

/// Does control reach the end of a block?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Yes.
    On,
    /// No: it returns, raises, breaks or continues.
    Left,
}

impl<'a> Engine<'a> {
    pub(super) fn block(&mut self, fr: &mut Frame<'a>, block: &'a [StmtId]) -> Flow {
        let guards = fr.guards.len();
        let mut flow = Flow::On;
        for stmt in block {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            if self.stmt(fr, *stmt) == Flow::Left {
                flow = Flow::Left;
                break;
            }
        }
        fr.guards.truncate(guards);
        flow
    }

    fn stmt(&mut self, fr: &mut Frame<'a>, id: StmtId) -> Flow {
        let body = fr.body;
        match body.stmt(id) {
            Stmt::Expr(e) => {
                self.expr(fr, *e);
                if matches!(body.expr(*e), crate::facts::Expr::Throw(_)) {
                    return Flow::Left;
                }
            }
            Stmt::Output(e) => {
                let val = self.expr(fr, *e);
                self.as_text(fr, val, body.range(*e));
            }
            Stmt::If { cond, then, otherwise } => return self.branch(fr, *cond, then, otherwise),
            Stmt::Loop(l) => return self.each(fr, l),
            Stmt::Switch { subject, cases } => {
                self.expr(fr, *subject);
                return self.cases(fr, cases, true);
            }
            Stmt::Try { body, handlers, otherwise, finally } => {
                let before = fr.locals.clone();
                let mut flow = self.block(fr, body);
                if flow == Flow::On && !otherwise.is_empty() {
                    flow = self.block(fr, otherwise);
                }
                let after = std::mem::replace(&mut fr.locals, before);
                let mut joined = (flow == Flow::On).then(|| after.clone());
                if flow == Flow::Left {
                    // What ran before the exit is still known to the handlers.
                    fr.locals = self.join_locals(fr.locals.clone(), &after);
                }
                let entry = fr.locals.clone();
                for case in handlers {
                    fr.locals = entry.clone();
                    if self.case(fr, case) == Flow::On {
                        joined = Some(match joined {
                            Some(j) => self.join_locals(j, &fr.locals.clone()),
                            None => fr.locals.clone(),
                        });
                    }
                }
                let left = joined.is_none();
                fr.locals = joined.unwrap_or(after);
                if self.block(fr, finally) == Flow::Left || left {
                    return Flow::Left;
                }
            }
            Stmt::With { items, body, is_async: _ } => {
                for (e, pat) in items {
                    let val = self.expr(fr, *e);
                    let val = self.entered(fr, val, fr.body.range(*e));
                    if let Some(p) = pat {
                        self.assign(fr, *p, val);
                    }
                }
                return self.block(fr, body);
            }
            Stmt::TemplateBlock { name, body } => {
                if !fr.overridden.contains(name) {
                    return self.block(fr, body);
                }
            }
            Stmt::Return(e) => {
                let val = match e {
                    Some(e) => self.expr(fr, *e),
                    None => NULL,
                };
                fr.ret = Some(match fr.ret {
                    Some(old) => self.v.join(old, val),
                    None => val,
                });
                return Flow::Left;
            }
            Stmt::Raise(e) => {
                if let Some(e) = e {
                    self.expr(fr, *e);
                }
                return Flow::Left;
            }
            Stmt::Break(_) | Stmt::Continue(_) => return Flow::Left,
            Stmt::Function(id, slot) => {
                if let Some(slot) = slot {
                    let val = self.closure(fr, *id);
                    fr.locals[slot.0 as usize] = val;
                }
            }
            Stmt::Class(ix, slot) => {
                if let (Some(slot), Some(class)) = (slot, self.ix.class_places.get(&(fr.file, *ix))) {
                    fr.locals[slot.0 as usize] = self.v.of(Data::Class(*class));
                }
            }
            Stmt::Import { import, slot } => {
                let file = self.ix.file(fr.file);
                if let Some(import) = file.imports.get(*import as usize) {
                    let symbol = self.ix.resolve_name(fr.file, fr.f.id, import.local);
                    fr.locals[slot.0 as usize] = self.symbol(symbol);
                }
            }
            Stmt::Delete(pats) => {
                for p in pats {
                    if let Pat::Local(slot) = body.pat(*p) {
                        fr.locals[slot.0 as usize] = UNKNOWN;
                    }
                }
            }
            Stmt::Declare { slot, ty } => {
                let now = fr.locals[slot.0 as usize];
                if self.v.is_plain(now) {
                    let val = self.value_of_type(fr.file, fr.f.id, ty, true);
                    if val != UNKNOWN {
                        fr.locals[slot.0 as usize] = val;
                    }
                }
            }
            Stmt::Assert(e) => {
                self.expr(fr, *e);
            }
            Stmt::Gap(_, inner) => {
                return self.block(fr, inner);
            }
        }
        Flow::On
    }

    pub(super) fn join_locals(&mut self, mut a: Vec<Val>, b: &[Val]) -> Vec<Val> {
        for (x, y) in a.iter_mut().zip(b) {
            if *x != *y {
                *x = self.v.join(*x, *y);
            }
        }
        a
    }

    fn branch(&mut self, fr: &mut Frame<'a>, cond: ExprId, then: &'a [StmtId], otherwise: &'a [StmtId]) -> Flow {
        let test = self.expr(fr, cond);
        match self.data(test) {
            Data::Bool(true) => return self.block(fr, then),
            Data::Bool(false) => return self.block(fr, otherwise),
            _ => (),
        }
        let (when_true, when_false) = self.guarded(fr, cond);
        let before = fr.locals.clone();
        let guards = fr.guards.len();
        fr.guards.extend(when_true.iter().copied());
        self.narrow(fr, cond, true);
        let first = self.block(fr, then);
        let after_then = std::mem::replace(&mut fr.locals, before);
        fr.guards.truncate(guards);
        fr.guards.extend(when_false.iter().copied());
        self.narrow(fr, cond, false);
        let second = self.block(fr, otherwise);
        fr.guards.truncate(guards);
        match (first, second) {
            (Flow::On, Flow::On) => {
                let now = std::mem::take(&mut fr.locals);
                fr.locals = self.join_locals(after_then, &now);
                Flow::On
            }
            (Flow::On, Flow::Left) => {
                fr.locals = after_then;
                Flow::On
            }
            // `if (! $post->relationLoaded('author')) return;`: from here on it is loaded.
            (Flow::Left, Flow::On) => {
                fr.guards.extend(when_false);
                Flow::On
            }
            (Flow::Left, Flow::Left) => Flow::Left,
        }
    }

    fn case(&mut self, fr: &mut Frame<'a>, case: &'a Case) -> Flow {
        for test in &case.tests {
            self.expr(fr, *test);
        }
        for slot in &case.binds {
            fr.locals[slot.0 as usize] = UNKNOWN;
        }
        if let Some(guard) = case.guard {
            self.expr(fr, guard);
        }
        self.block(fr, &case.body)
    }

    fn cases(&mut self, fr: &mut Frame<'a>, cases: &'a [Case], may_skip: bool) -> Flow {
        let before = fr.locals.clone();
        let has_default = cases.iter().any(|c| c.tests.is_empty() && c.guard.is_none());
        let mut joined: Option<Vec<Val>> = (may_skip && !has_default).then(|| before.clone());
        for case in cases {
            fr.locals = before.clone();
            let flow = self.case(fr, case);
            // `break` of a switch leaves the switch, not the function: its variables are seen after it.
            let leaves = flow == Flow::Left && !self.breaks(fr, &case.body);
            if !leaves {
                let now = fr.locals.clone();
                joined = Some(match joined {
                    Some(j) => self.join_locals(j, &now),
                    None => now,
                });
            }
        }
        match joined {
            Some(locals) => {
                fr.locals = locals;
                Flow::On
            }
            None => {
                fr.locals = before;
                Flow::Left
            }
        }
    }

    fn breaks(&self, fr: &Frame<'a>, block: &'a [StmtId]) -> bool {
        block.iter().any(|s| match fr.body.stmt(*s) {
            Stmt::Break(_) => true,
            Stmt::If { then, otherwise, .. } => self.breaks(fr, then) || self.breaks(fr, otherwise),
            _ => false,
        })
    }

    fn each(&mut self, fr: &mut Frame<'a>, l: &'a Loop) -> Flow {
        if let Some(before) = l.before {
            self.expr(fr, before);
        }
        match l.kind {
            LoopKind::Each => {
                let Some(iter) = l.iter else { return Flow::On };
                let source = self.expr(fr, iter);
                let range = fr.body.range(iter);
                let was_async = self.is_async_work;
        self.is_async_work |= l.is_async;
                let (element, key, counts) = self.iterate(fr, source, range);
                self.is_async_work = was_async;
                if l.is_async {
                    self.keep_rows(fr, iter, element);
                }
                if element == super::many::NO_ELEMENT {
                    return self.block(fr, &l.otherwise);
                }
                self.turns(fr, l, Some((element, key)), counts);
                self.block(fr, &l.otherwise);
            }
            LoopKind::While | LoopKind::For | LoopKind::DoWhile => {
                // Paging, draining, retrying and counting loops query as they must: only what is followed through them counts.
                let counts = l.kind == LoopKind::For;
                self.turns(fr, l, None, counts);
                self.block(fr, &l.otherwise);
            }
        }
        Flow::On
    }

    fn turns(&mut self, fr: &mut Frame<'a>, l: &'a Loop, element: Option<(Val, Val)>, counts: bool) {
        let mark = fr.buffer.len();
        let id = if counts { self.enter_loop(fr, l.header) } else { LoopId(0) };
        let entry = fr.locals.clone();
        let mut once = false;
        for turn in 0..2 {
            if let Some((element, key)) = element {
                let element = if counts { self.v.renew(element, id) } else { element };
                if let Some(target) = l.target {
                    self.assign(fr, target, element);
                }
                if let Some(target) = l.key {
                    self.assign(fr, target, key);
                }
            }
            if let Some(cond) = l.cond {
                self.expr(fr, cond);
            }
            let start = fr.locals.clone();
            let flow = self.block(fr, &l.body);
            if flow == Flow::Left {
                once = turn == 0 && self.always_leaves(fr, &l.body);
            }
            if let Some(step) = l.step {
                self.expr(fr, step);
            }
            let after = std::mem::replace(&mut fr.locals, entry.clone());
            let joined = self.join_locals(std::mem::take(&mut fr.locals), &after);
            fr.locals = joined;
            let grew = fr.locals.iter().zip(&start).zip(&entry).any(|((now, s), e)| now != s && now != e && !self.v.is_plain(*now));
            if !grew || once {
                break;
            }
        }
        if counts {
            self.leave_loop(fr, mark, once);
        }
    }

    /// Does the block leave the loop on every way, so that there is no second turn?
    fn always_leaves(&self, fr: &Frame<'a>, block: &'a [StmtId]) -> bool {
        block.iter().any(|s| match fr.body.stmt(*s) {
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) => true,
            Stmt::Expr(e) => matches!(fr.body.expr(*e), crate::facts::Expr::Throw(_)),
            Stmt::If { then, otherwise, .. } => self.always_leaves(fr, then) && self.always_leaves(fr, otherwise),
            Stmt::With { body, .. } => self.always_leaves(fr, body),
            _ => false,
        }) && !block.iter().any(|s| self.may_continue(fr, *s))
    }

    fn may_continue(&self, fr: &Frame<'a>, stmt: StmtId) -> bool {
        match fr.body.stmt(stmt) {
            Stmt::Continue(_) => true,
            Stmt::If { then, otherwise, .. } => then.iter().chain(otherwise).any(|s| self.may_continue(fr, *s)),
            Stmt::Try { .. } | Stmt::Switch { .. } => true,
            Stmt::With { body, .. } => body.iter().any(|s| self.may_continue(fr, *s)),
            _ => false,
        }
    }

    pub(super) fn assign(&mut self, fr: &mut Frame<'a>, pat: PatId, val: Val) {
        let body = fr.body;
        match body.pat(pat) {
            Pat::Local(slot) => fr.locals[slot.0 as usize] = val,
            Pat::Global(_) => (),
            Pat::Attr { base, name } => {
                let object = self.expr(fr, *base);
                let changed = self.with_field(object, *name, val);
                if changed != object {
                    self.write_place(fr, *base, changed);
                }
            }
            Pat::Index { base, index } => {
                let container = self.expr(fr, *base);
                let key = index.map(|i| self.expr(fr, i));
                let changed = self.with_element(container, key, val);
                if changed != container {
                    self.write_place(fr, *base, changed);
                }
            }
            Pat::Seq(items) => {
                let known = match self.data(val) {
                    Data::Tuple(vals) => Some(vals.clone()),
                    _ => None,
                };
                let starred = items.iter().any(|(_, star)| *star);
                for (i, (item, star)) in items.iter().enumerate() {
                    let Some(item) = item else { continue };
                    let part = match &known {
                        Some(vals) if !starred => vals.get(i).copied().unwrap_or(UNKNOWN),
                        _ => {
                            let at = fr.decl.range;
                            let e = self.element_of(fr, val, at);
                            if *star { self.v.many(e, ManyKind::Held) } else { e }
                        }
                    };
                    self.assign(fr, *item, part);
                }
            }
            Pat::Keyed(items) => {
                for (key, item) in items {
                    let k = self.expr(fr, *key);
                    let range = body.range(*key);
                    let part = self.index(fr, val, Some(k), range);
                    self.assign(fr, *item, part);
                }
            }
            Pat::Other(e) => {
                self.expr(fr, *e);
            }
        }
    }

    /// Puts a changed value back where an expression found it: a variable, or a field of `$this`.
    pub(super) fn write_place(&mut self, fr: &mut Frame<'a>, place: ExprId, val: Val) {
        use crate::facts::Expr;
        match fr.body.expr(place) {
            Expr::Local(slot) => fr.locals[slot.0 as usize] = val,
            Expr::This => fr.this = val,
            Expr::Attr { base, name, .. } => {
                if matches!(fr.body.expr(*base), Expr::This | Expr::Local(_)) {
                    let object = self.peek(fr, *base);
                    let changed = self.with_field(object, *name, val);
                    if changed != object {
                        self.write_place(fr, *base, changed);
                    }
                }
            }
            Expr::Index { base, index: Some(i) } => {
                if let (Expr::Local(_), Expr::Str(key)) = (fr.body.expr(*base), fr.body.expr(*i)) {
                    let container = self.peek(fr, *base);
                    let key = self.v.str(*key);
                    let changed = self.with_element(container, Some(key), val);
                    self.write_place(fr, *base, changed);
                }
            }
            _ => (),
        }
    }

    /// The value of a variable or `$this`, without effects.
    fn peek(&self, fr: &Frame<'a>, e: ExprId) -> Val {
        match fr.body.expr(e) {
            crate::facts::Expr::Local(slot) => fr.locals[slot.0 as usize],
            crate::facts::Expr::This => fr.this,
            _ => UNKNOWN,
        }
    }

    /// The object with a field set; the value itself if it has no fields that are followed.
    pub(super) fn with_field(&mut self, object: Val, name: crate::base::Name, val: Val) -> Val {
        match self.data(object).clone() {
            Data::Object { class, fields, exact } => {
                let mut fields = fields.to_vec();
                match fields.binary_search_by(|(n, _)| n.cmp(&name)) {
                    Ok(i) => fields[i].1 = val,
                    Err(i) => fields.insert(i, (name, val)),
                }
                self.v.of(Data::Object { class, fields: fields.into_boxed_slice(), exact })
            }
            // `post.author = user`: the relation is set by hand.
            Data::Row(row) => {
                if self.ix.model(row.model).relations.contains_key(&name) {
                    let tree = self.v.trees.with(row.tree, name, super::tree::OPEN);
                    self.v.row(super::value::Row { tree, ..row })
                } else {
                    object
                }
            }
            _ => object,
        }
    }

    /// The container with an element set or added.
    pub(super) fn with_element(&mut self, container: Val, key: Option<Val>, val: Val) -> Val {
        let known_key = key.and_then(|k| match self.data(k) {
            Data::Str(s) => Some(*s),
            _ => None,
        });
        match (self.data(container).clone(), known_key) {
            (Data::Record(keys, rest), Some(name)) => {
                let mut keys = keys.to_vec();
                keys.push((name, val));
                self.v.record(keys, rest)
            }
            (Data::Tuple(items), Some(name)) if items.is_empty() => self.v.record(vec![(name, val)], None),
            (Data::Record(keys, rest), None) => {
                let rest = match rest {
                    Some(r) => self.v.join(r, val),
                    None => val,
                };
                self.v.of(Data::Record(keys, Some(rest)))
            }
            (Data::Tuple(items), _) => {
                let mut element = val;
                for item in items.iter() {
                    element = self.v.join(element, *item);
                }
                if items.is_empty() && key.is_some() {
                    self.v.of(Data::Record(Box::default(), Some(element)))
                } else {
                    self.v.many(element, ManyKind::Held)
                }
            }
            (Data::Many(e, kind), _) => {
                let element = if e == SCALAR || e == UNKNOWN { val } else { self.v.join(e, val) };
                self.v.many(element, kind)
            }
            _ => container,
        }
    }

    /// A query in a variable that a loop ran holds its rows from then on.
    pub(super) fn keep_rows(&mut self, fr: &mut Frame<'a>, iter: ExprId, element: Val) {
        if let crate::facts::Expr::Local(slot) = fr.body.expr(iter)
            && matches!(self.data(fr.locals[slot.0 as usize]), Data::Query(_))
            && element != super::many::NO_ELEMENT
        {
            fr.locals[slot.0 as usize] = self.v.many(element, ManyKind::Held);
        }
    }

    /// What `with e as x` binds.
    fn entered(&mut self, _fr: &mut Frame<'a>, val: Val, _at: Range) -> Val {
        val
    }
}
