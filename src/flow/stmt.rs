//! What does a statement do to the variables?

use super::filled::{is_param, place};
use super::frame::Exit;
use super::kept::Keeper;
use super::value::{Data, LoopId, ManyKind, NULL, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::{Range, Span};
use crate::facts::{Case, ExprId, Language, Loop, LoopKind, Pat, PatId, Stmt, StmtId};

/// Does control reach the end of a block? Ordered: after two ways meet, the one that comes nearer to the end counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    /// Yes.
    On,
    /// No: the switch ends.
    Done,
    /// No: the next turn of the loop begins.
    Next,
    /// No: the loop ends.
    Break,
    /// No: the function ends.
    Left,
}

impl<'a> Engine<'a> {
    pub(super) fn block(&mut self, fr: &mut Frame<'a>, block: &'a [StmtId]) -> Flow {
        let guards = fr.guards.len();
        let mut mark = fr.buffer.len();
        let mut flow = Flow::On;
        for stmt in block {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            let skips = fr.skips;
            flow = self.stmt(fr, *stmt);
            // Up to here each turn comes that is cut short for the next.
            if fr.skips != skips {
                mark = fr.buffer.len();
            }
            if flow != Flow::On {
                break;
            }
        }
        fr.guards.truncate(guards);
        // What stands in a block that ends the loop runs at most once per loop.
        let ended: &[LoopId] = match flow {
            Flow::On | Flow::Done | Flow::Next => &[],
            Flow::Break => fr.loops.last().map(std::slice::from_ref).unwrap_or_default(),
            Flow::Left => &fr.loops,
        };
        if !ended.is_empty() {
            for event in fr.buffer.iter_mut().skip(mark) {
                event.loops.retain(|l| !ended.contains(l));
            }
        }
        flow
    }

    fn stmt(&mut self, fr: &mut Frame<'a>, id: StmtId) -> Flow {
        let body = fr.body;
        match body.stmt(id) {
            Stmt::Expr(e) => {
                self.expr(fr, *e);
                if matches!(body.expr(*e), crate::facts::Expr::Throw(_)) || self.never_returns(fr, *e) {
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
                return self.cases(fr, *subject, cases);
            }
            Stmt::Try { body, handlers, otherwise, finally } => {
                let before = fr.locals.clone();
                self.looked_up_first(fr, body, handlers);
                let mut flow = self.block(fr, body);
                if flow == Flow::On && !otherwise.is_empty() {
                    flow = self.block(fr, otherwise);
                }
                let after = std::mem::replace(&mut fr.locals, before);
                let mut joined = (flow == Flow::On).then(|| after.clone());
                let mut end = flow;
                if flow != Flow::On {
                    // What ran before the exit is still known to the handlers.
                    fr.locals = self.join_locals(fr.locals.clone(), &after);
                }
                let entry = fr.locals.clone();
                let guarded = span_of(fr.body, body);
                for case in handlers {
                    fr.locals = entry.clone();
                    if guarded.is_some_and(|at| self.is_never_raised(fr, case, at)) {
                        continue;
                    }
                    let mark = fr.buffer.len();
                    let flow = self.case(fr, case);
                    self.for_failures(fr, case, mark);
                    end = end.min(flow);
                    if flow == Flow::On {
                        joined = Some(match joined {
                            Some(j) => self.join_locals(j, &fr.locals.clone()),
                            None => fr.locals.clone(),
                        });
                    }
                }
                fr.locals = joined.unwrap_or(after);
                let last = self.block(fr, finally);
                if last != Flow::On {
                    return last;
                }
                return end;
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
                self.replaced_block(fr, *name, fr.body.stmt_ranges[id.0 as usize]);
            }
            Stmt::Cached(body) => {
                let mark = fr.buffer.len();
                let flow = self.block(fr, body);
                fr.forget_cached(mark);
                return flow;
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
            Stmt::Break(levels) => {
                return self.leave_for(fr, *levels, Flow::Break);
            }
            Stmt::Continue(levels) => {
                let flow = self.leave_for(fr, *levels, Flow::Next);
                fr.skips += usize::from(flow == Flow::Next);
                return flow;
            }
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
                if self.v.is_plain(now) || self.v.alternatives(now).contains(&UNKNOWN) {
                    let mut val = self.value_of_type(fr.file, fr.f.id, ty);
                    // The variable of a loop is another row in each turn, whoever says what it is.
                    let at = body.stmt_ranges[id.0 as usize];
                    let around = body
                        .loops()
                        .filter(|(l, whole)| whole.contains(at) && l.target.is_some_and(|target| body.binds(target, *slot)));
                    let headers: Vec<Range> = around.map(|(l, _)| l.header).collect();
                    for header in headers {
                        let turn = self.v.loop_at(Span { file: fr.file, range: header });
                        if fr.loops.contains(&turn) {
                            val = self.v.renew(val, turn);
                        }
                    }
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

    /// What variables hold where a loop or switch is left early is what they may hold after it.
    fn leave_for(&mut self, fr: &mut Frame<'a>, levels: u32, flow: Flow) -> Flow {
        let Some(at) = fr.exits.len().checked_sub(levels.max(1) as usize) else { return flow };
        let now = fr.locals.clone();
        let left = fr.exits[at].left_with.take();
        fr.exits[at].left_with = Some(match left {
            Some(left) => self.join_locals(left, &now),
            None => now,
        });
        if fr.exits[at].is_switch { Flow::Done } else { flow }
    }

    fn branch(&mut self, fr: &mut Frame<'a>, cond: ExprId, then: &'a [StmtId], otherwise: &'a [StmtId]) -> Flow {
        let test = self.expr(fr, cond);
        self.tested(fr, test, cond, crate::packs::Measures::Some);
        if matches!(fr.body.expr(cond), crate::facts::Expr::Local(_) | crate::facts::Expr::Call { .. }) {
            self.truth(fr, test, fr.body.range(cond));
        }
        if let Some(holds) = self.settled(fr, cond, test) {
            let block = if holds { then } else { otherwise };
            let mark = fr.buffer.len();
            let flow = self.block(fr, block);
            self.answered_by_rows(fr, cond, holds, block);
            let absent = self.absent_when(fr, cond, holds);
            self.keep_first(fr, cond, &absent, mark);
            // `if not ready:`, where the module says that at first it is not.
            self.keep_filled(fr, cond, block, &absent, mark);
            if holds {
                self.spend(fr, cond, then, mark);
            } else if otherwise.is_empty()
                && then.last().is_some_and(|s| matches!(fr.body.stmt(*s), Stmt::Return(_)))
                && self.keeper(fr, cond) != Keeper::Nobody
            {
                // What is empty at first is filled later.
                self.keep_what_follows(fr, cond, then);
            }
            // Looked up only while it is missing, and kept.
            if self.absent_when(fr, cond, holds).iter().any(|p| self.assigns(fr, block, *p)) {
                fr.forget_statements(mark);
            }
            return flow;
        }
        let (when_true, when_false) = self.guarded(fr, cond);
        let absent = self.absent_when(fr, cond, true);
        let switched = self.switched(fr, cond);
        let was_off = fr.is_switched_off;
        fr.is_switched_off |= switched == Some(false);
        let mark = fr.buffer.len();
        fr.conditions += 1;
        let before = fr.locals.clone();
        let guards = fr.guards.len();
        fr.guards.extend(when_true.iter().copied());
        self.narrow(fr, cond, true);
        self.begin_holding(fr, cond);
        let first = self.block(fr, then);
        fr.holding.pop();
        self.for_named_keys(fr, cond, true, mark);
        self.keep_first(fr, cond, &absent, mark);
        let after_then = std::mem::replace(&mut fr.locals, before);
        self.spend(fr, cond, then, mark);
        self.keep_filled(fr, cond, then, &absent, mark);
        if absent.iter().any(|p| self.assigns(fr, then, *p)) {
            fr.forget_statements(mark);
            if absent.iter().any(|p| is_param(fr, *p)) {
                fr.forget_made(mark);
            }
        }
        fr.guards.truncate(guards);
        fr.guards.extend(when_false.iter().copied());
        fr.is_switched_off = was_off || switched == Some(true);
        self.narrow(fr, cond, false);
        let mark = fr.buffer.len();
        let second = self.block(fr, otherwise);
        self.for_named_keys(fr, cond, false, mark);
        if !otherwise.is_empty() && self.absent_when(fr, cond, false).iter().any(|p| self.assigns(fr, otherwise, *p)) {
            fr.forget_statements(mark);
        }
        fr.guards.truncate(guards);
        fr.conditions -= 1;
        // Where one side leaves, what follows is the other one.
        let follows_other = fr.conditions == 0
            && fr.turning == 0
            && (switched == Some(true) && first == Flow::Left || switched == Some(false) && second == Flow::Left);
        fr.is_switched_off = was_off || follows_other;
        // `if key in cache: return cache[key]`: what follows runs once per key.
        if first != Flow::On && otherwise.is_empty() {
            self.keep_what_follows(fr, cond, then);
        }
        match (first, second) {
            (Flow::On, Flow::On) => {
                let now = std::mem::take(&mut fr.locals);
                let differ: Vec<usize> = (0..now.len()).filter(|i| after_then.get(*i) != now.get(*i)).collect();
                fr.locals = self.join_locals(after_then, &now);
                for i in differ {
                    self.note_join(fr, fr.locals[i]);
                }
                Flow::On
            }
            (Flow::On, _) => {
                fr.locals = after_then;
                Flow::On
            }
            // `if (! $post->relationLoaded('author')) return;`: from here on it is loaded.
            (_, Flow::On) => {
                fr.guards.extend(when_false);
                Flow::On
            }
            (a, b) => a.min(b),
        }
    }

    /// A variable has a query or rows of which one of two ways made more: under how many conditions both went on as one.
    fn note_join(&self, fr: &mut Frame<'a>, val: Val) {
        let src = match self.data(val) {
            Data::Query(query) => Some(query.src),
            Data::Row(row) => Some(row.src),
            Data::Many(element, _) => match self.data(*element) {
                Data::Row(row) => Some(row.src),
                _ => None,
            },
            _ => None,
        };
        if let Some(src) = src {
            fr.joined.insert(src, fr.conditions);
        }
    }

    /// After `if place: return place`: what follows runs once, or once per key, if it fills the place.
    fn keep_what_follows(&mut self, fr: &mut Frame<'a>, cond: ExprId, then: &'a [StmtId]) {
        if self.is_lookup(fr, cond, then) {
            fr.remember();
        }
        let kept = self.absent_when(fr, cond, false);
        let tested = fr.body.range(cond).end;
        if kept.iter().any(|p| self.assigns_after(fr, &fr.body.root, *p, tested)) {
            fr.remember();
            match self.keeper(fr, cond) {
                Keeper::Process => fr.keeps_made = true,
                Keeper::Object => fr.object_keeps = true,
                Keeper::Nobody => (),
            }
        }
        fr.keeps_made |= self.is_cache_hit(fr, cond);
    }

    /// `try: return cache[key]`, and further down, or where it is missing, `cache[key] = …`: what follows runs once per key.
    fn looked_up_first(&self, fr: &mut Frame<'a>, block: &'a [StmtId], handlers: &'a [Case]) {
        use crate::facts::Expr;
        let [only] = block else { return };
        let Stmt::Return(Some(e)) = fr.body.stmt(*only) else { return };
        if let Expr::Index { base, .. } = fr.body.expr(*e)
            && let Some(at) = place(fr, *base)
            && (self.assigns(fr, &fr.body.root, at) || handlers.iter().any(|h| self.assigns(fr, &h.body, at)))
        {
            fr.remember();
            fr.keeps_made |= matches!(fr.body.expr(*base), Expr::Name(_));
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

    fn cases(&mut self, fr: &mut Frame<'a>, subject: ExprId, cases: &'a [Case]) -> Flow {
        let before = fr.locals.clone();
        let has_default = cases.iter().any(|c| c.tests.is_empty() && c.guard.is_none());
        let mut joined: Option<Vec<Val>> = (!has_default).then(|| before.clone());
        let mut falls = false;
        let is_left_by_break = matches!(fr.language, Language::Php | Language::Blade);
        if is_left_by_break {
            fr.exits.push(Exit { is_switch: true, left_with: None });
        }
        let mut leaving: Option<Flow> = None;
        for case in cases {
            fr.locals = before.clone();
            let this = fr.this;
            let verdicts: Vec<Option<bool>> = case.tests.iter().map(|t| self.are_same(fr, subject, *t)).collect();
            if !falls && !verdicts.is_empty() && verdicts.iter().all(|v| *v == Some(false)) {
                continue;
            }
            let mark = fr.buffer.len();
            let flow = self.case(fr, case);
            self.for_named_tests(fr, subject, &case.tests, mark);
            fr.this = self.either(this, fr.this);
            falls = is_left_by_break && flow == Flow::On;
            // `break` of a switch leaves the switch, not the function: its variables are seen after it.
            if flow > Flow::Done {
                leaving = Some(leaving.map_or(flow, |f| f.min(flow)));
            } else {
                let now = fr.locals.clone();
                joined = Some(match joined {
                    Some(j) => self.join_locals(j, &now),
                    None => now,
                });
            }
            // The case that is meant: no other runs.
            if !falls && case.guard.is_none() && verdicts.contains(&Some(true)) {
                break;
            }
        }
        if is_left_by_break && let Some(left) = fr.exits.pop().and_then(|exit| exit.left_with) {
            joined = Some(match joined {
                Some(j) => self.join_locals(j, &left),
                None => left,
            });
        }
        match joined {
            Some(locals) => {
                fr.locals = locals;
                Flow::On
            }
            None => {
                fr.locals = before;
                leaving.unwrap_or(Flow::On)
            }
        }
    }

    /// An object after one of two ways: fields that one of them sets are set.
    fn either(&mut self, a: Val, b: Val) -> Val {
        match (self.data(a).clone(), self.data(b).clone()) {
            (Data::Object { class, fields, .. }, Data::Object { class: other, fields: more, .. }) if class == other => {
                let mut both = a;
                for (name, val) in more {
                    let val = match fields.iter().find(|(n, _)| *n == name) {
                        Some((_, old)) => self.v.join(*old, val),
                        None => val,
                    };
                    both = self.with_field(both, name, val);
                }
                both
            }
            _ => b,
        }
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
                let counts = counts && !self.ends_soon(fr, l) && !self.is_retried(fr, l, source);
                let counts = counts && !self.has_few(fr, iter) && !self.is_attempted(fr, l);
                self.turns(fr, l, Some((element, key)), counts, None, None);
                self.block(fr, &l.otherwise);
            }
            LoopKind::While | LoopKind::For | LoopKind::DoWhile => {
                // Paging, draining, retrying and counting loops query as they must: only what is followed through them counts.
                let counter = super::few::counted(fr.decl, l);
                let is_over_list = counter.is_some_and(|(_, is_over_list)| is_over_list);
                let serves = self.is_serving(fr, l);
                let counts =
                    serves || is_over_list || l.kind == LoopKind::For && !l.cond.is_some_and(|c| has_literal_bound(fr, c));
                let mark = fr.buffer.len();
                if serves {
                    let id = self.v.loop_at(Span { file: fr.file, range: l.header });
                    self.serving.insert(id);
                }
                let walk = if counts { None } else { self.begin_walk(fr, l) };
                self.turns(fr, l, None, counts, walk, counter.map(|(pat, _)| pat));
                if let Some(walk) = walk {
                    self.end_walk(fr, walk, mark);
                }
                if !counts {
                    self.built_per_page(fr, l, mark);
                }
                self.block(fr, &l.otherwise);
            }
        }
        Flow::On
    }

    fn turns(
        &mut self,
        fr: &mut Frame<'a>,
        l: &'a Loop,
        element: Option<(Val, Val)>,
        counts: bool,
        walk: Option<super::walk::Walk>,
        counter: Option<PatId>,
    ) {
        let mark = fr.buffer.len();
        let filled = fr.filled.len();
        let id = if counts { self.enter_loop(fr, l.header) } else { LoopId(0) };
        let entry = fr.locals.clone();
        fr.turning += 1;
        fr.conditions_of_loops.push(fr.conditions);
        let skips = fr.skips;
        fr.turns.push((id, [l.target.or(counter), l.key].map(|p| p.filter(|_| counts))));
        for _turn in 0..2 {
            if let Some((element, key)) = element {
                let element = self.met_before(fr, element);
                let element = if counts { self.v.renew(element, id) } else { element };
                if let Some(target) = l.target {
                    self.assign(fr, target, element);
                }
                if let Some(target) = l.key {
                    self.assign(fr, target, key);
                }
            }
            if let Some(walk) = walk {
                self.walk_on(fr, walk);
            }
            if let Some(cond) = l.cond {
                self.expr(fr, cond);
            }
            let start = fr.locals.clone();
            fr.exits.push(Exit { is_switch: false, left_with: None });
            let flow = self.block(fr, &l.body);
            let left = fr.exits.pop().and_then(|exit| exit.left_with);
            if let Some(step) = l.step {
                self.expr(fr, step);
            }
            let after = std::mem::replace(&mut fr.locals, entry.clone());
            let mut joined = self.join_locals(std::mem::take(&mut fr.locals), &after);
            if let Some(left) = left {
                joined = self.join_locals(joined, &left);
            }
            fr.locals = joined;
            let grew = fr
                .locals
                .iter()
                .zip(&start)
                .zip(&entry)
                .any(|((now, s), e)| now != s && (now != e && !self.v.is_plain(*now) || self.decides(*s)));
            if !grew || flow >= Flow::Break {
                break;
            }
        }
        fr.turning -= 1;
        fr.conditions_of_loops.pop();
        fr.skips = skips;
        fr.turns.pop();
        self.filled_by_loop(fr, filled);
        if counts {
            self.leave_loop(fr, mark, false);
            self.loaded_by_loop(fr, id);
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

    /// A call of what ends the request or the program: nothing runs after it.
    fn never_returns(&mut self, fr: &mut Frame<'a>, e: ExprId) -> bool {
        use crate::facts::Expr;
        let body = fr.body;
        let Expr::Call { callee, .. } = body.expr(e) else { return false };
        let name = match body.expr(*callee) {
            Expr::Function { fallback, .. } => *fallback,
            Expr::Name(_) => {
                let target = self.expr(fr, *callee);
                match self.data(target) {
                    Data::External(name) => *name,
                    _ => return false,
                }
            }
            _ => return false,
        };
        self.ix.packs.roles(name).iter().any(|r| r.as_str() == "never-returns")
    }

    /// What `with e as x` binds.
    fn entered(&mut self, fr: &mut Frame<'a>, val: Val, at: Range) -> Val {
        match self.data(val).clone() {
            // A function that yields, as a context manager: it gives what it yields.
            Data::Many(element, ManyKind::Lazy) => element,
            Data::Object { class, .. } => {
                let enters = ["__enter__", "__aenter__"].map(crate::base::Name::new);
                match enters.into_iter().find(|name| self.ix.find_method(class, *name).is_some()) {
                    Some(name) => match self.call_method(fr, val, name, super::call::Args::default(), at) {
                        UNKNOWN => val,
                        given => given,
                    },
                    None => val,
                }
            }
            Data::OneOf(all) => {
                let vals: Vec<Val> = all.iter().map(|v| self.entered(fr, *v, at)).collect();
                vals.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            _ => val,
        }
    }
}

/// `$i < 3`: a loop over a number that the code itself names.
fn has_literal_bound(fr: &Frame<'_>, cond: ExprId) -> bool {
    use crate::facts::{BinaryOp, Expr};
    match fr.body.expr(cond) {
        Expr::Binary { op: BinaryOp::Order | BinaryOp::NotEqual, left, right } => {
            matches!(fr.body.expr(*right), Expr::Int(_)) || matches!(fr.body.expr(*left), Expr::Int(_))
        }
        Expr::Sequence(items) => items.last().is_some_and(|e| has_literal_bound(fr, *e)),
        _ => false,
    }
}

/// From the start of a block to its end.
fn span_of(body: &crate::facts::Body, block: &[StmtId]) -> Option<Range> {
    let (first, last) = (block.first()?, block.last()?);
    Some(Range { start: body.stmt_ranges[first.0 as usize].start, end: body.stmt_ranges[last.0 as usize].end })
}
