//! What changes from one turn of a loop to the next? Follows variables from the loop through the calls to a statement.
//!
//! In: the loop and the calls that lead from it to a place. Out: the function of the place, and which of its variables change.
//! What is not understood changes.

use std::collections::{BTreeMap, BTreeSet};

use super::CheckContext;
use crate::base::{Name, Range, Span};
use crate::facts::{
    Arg, BinaryOp, Body, Expr, ExprId, FnKind, FunctionDecl, Language, ParamKind, Pat, PatId, Slot, Spread, Stmt, StmtId,
};
use crate::index::FnRef;

/// Calls whose names start so give something else each time.
const NEVER_THE_SAME: [&str; 15] = [
    "rand",
    "mt_rand",
    "random",
    "choice",
    "next",
    "pop",
    "shift",
    "array_pop",
    "array_shift",
    "fetch",
    "read",
    "uuid",
    "fake",
    "ask",
    "now",
];

/// The variables of a function that differ from turn to turn.
pub(super) struct Turn<'a> {
    /// The function.
    pub f: FnRef,
    /// Its declaration.
    pub decl: &'a FunctionDecl,
    /// Its code.
    pub body: &'a Body,
    slots: BTreeSet<u32>,
    fields: BTreeSet<Name>,
    this: bool,
    /// Parameters that hold the key of what the caller has in this variable.
    pub keys: BTreeMap<u32, Name>,
    /// Nothing on the way was guessed.
    pub is_sure: bool,
    cx: &'a CheckContext<'a>,
}

/// Follows the calls from a loop to a place; the calls come innermost first.
pub(super) fn follow<'a>(cx: &'a CheckContext<'a>, header: Span, path: &[Span], site: Span) -> Option<Turn<'a>> {
    let first = path.last().copied().unwrap_or(site);
    let mut turn = in_loop(cx, header, first)?;
    for i in (0..path.len()).rev() {
        let next = if i == 0 { site } else { path[i - 1] };
        let g = cx.function_at(next)?;
        turn = turn.called(path[i], g, path[i] == header);
    }
    Some(turn)
}

/// Does a loop come to a call in those turns alone in which its row is of one sort, and does nothing in the call depend on the
/// row? Then the sort decides, not the number of rows: `if ($part->kind === 'notes') { notes($contact); }`
pub(super) fn is_chosen_by_sort(cx: &CheckContext<'_>, header: Span, call: Span) -> bool {
    let Some(turn) = in_loop(cx, header, call) else { return false };
    let body = turn.body;
    let called = body.exprs.iter().zip(&body.ranges).find_map(|(expr, range)| match expr {
        Expr::Call { callee, args } if *range == call.range => Some((*callee, args)),
        _ => None,
    });
    let Some((callee, args)) = called else { return false };
    if turn.changes(callee) || args.iter().any(|a| turn.changes(a.value)) {
        return false;
    }
    let is_constant = |e: ExprId| match body.expr(e) {
        Expr::Str(_) | Expr::Int(_) => true,
        Expr::Attr { base, .. } => matches!(body.expr(*base), Expr::Class(_)),
        _ => false,
    };
    let is_sort = |e: ExprId| matches!(body.expr(e), Expr::Attr { .. } | Expr::Index { .. }) && turn.changes(e);
    let holds = |block: &[StmtId]| block.iter().any(|s| body.stmt_ranges[s.0 as usize].contains(call.range));
    body.stmts.iter().any(|stmt| match stmt {
        Stmt::If { cond, then, .. } => match body.expr(*cond) {
            Expr::Binary { op: BinaryOp::Equal, left, right } => {
                holds(then) && (is_sort(*left) && is_constant(*right) || is_sort(*right) && is_constant(*left))
            }
            _ => false,
        },
        Stmt::Switch { subject, cases } => {
            let is_arm = |case: &crate::facts::Case| !case.tests.is_empty() && case.tests.iter().all(|t| is_constant(*t));
            is_sort(*subject) && cases.iter().any(|case| is_arm(case) && holds(&case.body))
        }
        _ => false,
    })
}

/// The variables of the function of a loop that its turns change.
fn in_loop<'a>(cx: &'a CheckContext<'a>, header: Span, first: Span) -> Option<Turn<'a>> {
    let f = cx.function_at(header)?;
    let decl = cx.ix.function(f);
    let body = &decl.body;
    let mut turn = Turn {
        f,
        decl,
        body,
        slots: BTreeSet::new(),
        fields: BTreeSet::new(),
        this: false,
        keys: BTreeMap::new(),
        is_sure: true,
        cx,
    };
    if first.file != f.file || cx.function_at(first) != Some(f) {
        return None;
    }
    let mut region = body.loop_at(header.range).map(|(_, whole)| whole);
    for (i, expr) in body.exprs.iter().enumerate() {
        if let Expr::Comprehension { clauses, .. } = expr
            && let Some(at) = clauses.iter().position(|c| c.range == header.range)
        {
            region = Some(body.ranges[i]);
            clauses[at..].iter().for_each(|c| turn.bind(c.target));
        }
    }
    match region {
        Some(region) => {
            turn.assigned_in(region);
            turn.spread(Some(region));
        }
        // The loop of a call that is given a function: only what that is given changes.
        None if header == first => (),
        None => return None,
    }
    Some(turn)
}

impl<'a> Turn<'a> {
    fn bind(&mut self, pat: PatId) {
        let mut todo = vec![pat];
        while let Some(pat) = todo.pop() {
            match self.body.pat(pat) {
                Pat::Local(slot) => {
                    self.slots.insert(slot.0);
                }
                Pat::Global(name) | Pat::Attr { name, .. } => {
                    self.fields.insert(*name);
                }
                Pat::Index { base, .. } => match self.body.expr(*base) {
                    Expr::Local(slot) => {
                        self.slots.insert(slot.0);
                    }
                    Expr::Attr { name, .. } => {
                        self.fields.insert(*name);
                    }
                    _ => (),
                },
                Pat::Seq(items) => todo.extend(items.iter().filter_map(|(item, _)| *item)),
                Pat::Keyed(items) => todo.extend(items.iter().map(|(_, item)| *item)),
                Pat::Other(_) => (),
            }
        }
    }

    /// Whatever is assigned between the ends of a loop, or called for its effect there.
    fn assigned_in(&mut self, region: Range) {
        let body = self.body;
        for (i, expr) in body.exprs.iter().enumerate() {
            if !region.contains(body.ranges[i]) {
                continue;
            }
            match expr {
                Expr::Assign { target, .. } | Expr::Augment { target, .. } | Expr::AssignIfNull { target, .. } => {
                    self.bind(*target)
                }
                Expr::Comprehension { clauses, .. } => clauses.iter().for_each(|c| self.bind(c.target)),
                _ => (),
            }
        }
        for (i, stmt) in body.stmts.iter().enumerate() {
            if !region.contains(body.stmt_ranges[i]) {
                continue;
            }
            match stmt {
                Stmt::Loop(l) => l.target.into_iter().chain(l.key).for_each(|p| self.bind(p)),
                Stmt::With { items, .. } => items.iter().filter_map(|(_, p)| *p).for_each(|p| self.bind(p)),
                Stmt::Try { handlers: cases, .. } | Stmt::Switch { cases, .. } => {
                    self.slots.extend(cases.iter().flat_map(|c| &c.binds).map(|s| s.0));
                }
                Stmt::Expr(e) => {
                    if let Expr::Call { callee, .. } = body.expr(*e)
                        && let Expr::Attr { base, .. } = body.expr(*callee)
                        && let Expr::Local(slot) = body.expr(*base)
                    {
                        self.slots.insert(slot.0);
                    }
                }
                _ => (),
            }
        }
    }

    /// What is made of something that changes changes; what is made outside of the loop is made once.
    fn spread(&mut self, region: Option<Range>) {
        let body = self.body;
        let is_inside = |range: Range| region.is_none_or(|region| region.contains(range));
        loop {
            let before = self.slots.len() + self.fields.len();
            for (expr, range) in body.exprs.iter().zip(&body.ranges) {
                if !is_inside(*range) {
                    continue;
                }
                match expr {
                    Expr::Assign { target, value }
                    | Expr::AssignIfNull { target, value, .. }
                    | Expr::Augment { target, value, .. }
                        if self.changes(*value) =>
                    {
                        self.bind(*target);
                    }
                    Expr::Comprehension { clauses, .. } => {
                        for clause in clauses.iter().filter(|c| self.changes(c.iter)).map(|c| c.target).collect::<Vec<_>>() {
                            self.bind(clause);
                        }
                    }
                    _ => (),
                }
            }
            for (stmt, range) in body.stmts.iter().zip(&body.stmt_ranges) {
                if !is_inside(*range) {
                    continue;
                }
                match stmt {
                    Stmt::Loop(l) if l.iter.is_some_and(|e| self.changes(e)) => {
                        l.target.into_iter().chain(l.key).for_each(|p| self.bind(p));
                    }
                    // `ids.append(row.id)`
                    Stmt::Expr(e) => {
                        if let Expr::Call { callee, args } = body.expr(*e)
                            && let Expr::Attr { base, .. } = body.expr(*callee)
                            && let Expr::Local(slot) = body.expr(*base)
                            && args.iter().any(|a| self.changes(a.value))
                        {
                            self.slots.insert(slot.0);
                        }
                    }
                    Stmt::With { items, .. } => {
                        for (e, pat) in items {
                            if let (true, Some(pat)) = (self.changes(*e), pat) {
                                self.bind(*pat);
                            }
                        }
                    }
                    _ => (),
                }
            }
            if self.slots.len() + self.fields.len() == before {
                return;
            }
        }
    }

    /// May the value of an expression be another one in the next turn?
    pub(super) fn changes(&self, e: ExprId) -> bool {
        let mut todo = vec![e];
        while let Some(e) = todo.pop() {
            let expr = self.body.expr(e);
            match expr {
                Expr::Local(slot) if self.slots.contains(&slot.0) => return true,
                Expr::This if self.this => return true,
                Expr::Attr { name, .. } if self.fields.contains(name) => return true,
                // How a random order is asked for.
                Expr::Str(text) if text.as_str() == "?" => return true,
                Expr::Gap(..) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::DynamicAttr { .. } => return true,
                Expr::Closure(id) => {
                    let decl = self.cx.ix.function(FnRef { file: self.f.file, id: *id });
                    if self.this || decl.captures.iter().any(|c| self.slots.contains(&c.outer.0)) {
                        return true;
                    }
                }
                Expr::Call { callee, .. } => {
                    let name = match self.body.expr(*callee) {
                        Expr::Attr { name, .. } | Expr::Name(name) | Expr::Function { fallback: name, .. } => name.as_str(),
                        _ => "",
                    };
                    if NEVER_THE_SAME.iter().any(|n| name.starts_with(n)) {
                        return true;
                    }
                }
                _ => (),
            }
            parts(expr, &mut todo);
        }
        false
    }

    /// The function that a call runs, seen from here.
    fn called(&self, call: Span, g: FnRef, per_element: bool) -> Turn<'a> {
        let decl = self.cx.ix.function(g);
        let mut next = Turn {
            f: g,
            decl,
            body: &decl.body,
            slots: BTreeSet::new(),
            fields: self.fields.clone(),
            this: self.this,
            keys: BTreeMap::new(),
            is_sure: self.is_sure,
            cx: self.cx,
        };
        if decl.kind == FnKind::Closure {
            next.slots.extend(decl.params.iter().map(|p| p.slot.0));
            let is_inner = g.file == self.f.file && decl.parent == Some(self.f.id);
            next.slots.extend(decl.captures.iter().filter(|c| !is_inner || self.slots.contains(&c.outer.0)).map(|c| c.inner.0));
            next.is_sure &= is_inner && per_element;
        } else if per_element {
            // A method run on each row, or with each.
            next.slots.extend(decl.params.iter().map(|p| p.slot.0));
            next.this = true;
        } else if !next.given(self, call) {
            next.slots.extend(decl.params.iter().map(|p| p.slot.0));
            next.this = true;
            next.is_sure = false;
        }
        next.spread(None);
        next
    }

    /// Binds the arguments of a call; false if it is not the call of this function.
    fn given(&mut self, caller: &Turn<'a>, call: Span) -> bool {
        let decl = self.decl;
        let body = caller.body;
        if call.file != caller.f.file {
            return false;
        }
        let found = body.exprs.iter().zip(&body.ranges).find_map(|(expr, range)| match expr {
            Expr::Call { callee, args } if *range == call.range => Some((*callee, args)),
            _ => None,
        });
        let python = self.cx.ix.file(self.f.file).language == Language::Python;
        let takes_self = python && decl.kind == FnKind::Method && !decl.is_static;
        let Some((callee, args)) = found else {
            // A property: the receiver is all it is given.
            let base = body.exprs.iter().zip(&body.ranges).find_map(|(expr, range)| match expr {
                Expr::Attr { base, .. } | Expr::Lookup { base, .. }
                    if range.end == call.range.end && range.contains(call.range) =>
                {
                    Some(*base)
                }
                _ => None,
            });
            let Some(base) = base else { return false };
            self.receive(caller.changes(base), takes_self);
            return decl.params.len() == usize::from(takes_self);
        };
        let (name, base) = match body.expr(callee) {
            Expr::Attr { base, name, .. } => (*name, Some(*base)),
            Expr::Name(name) | Expr::Function { fallback: name, .. } => (*name, None),
            _ => return false,
        };
        if decl.name.last_segment() != name.last_segment() {
            return false;
        }
        let receiver = base.is_some_and(|b| {
            if body.is_ancestor(b) {
                caller.this || caller.decl.params.first().is_some_and(|p| caller.slots.contains(&p.slot.0))
            } else {
                caller.changes(b)
            }
        });
        self.receive(receiver, takes_self);
        let mut position = 0;
        for param in decl.params.iter().skip(usize::from(takes_self)) {
            let plain = |a: &&Arg| a.spread == Spread::No;
            let named = args.iter().filter(plain).find(|a| a.name == Some(param.name));
            let mut arg = named;
            if arg.is_none() && param.kind == ParamKind::Normal {
                arg = args.iter().filter(|a| a.name.is_none()).nth(position).filter(plain);
                position += 1;
            }
            let rest = matches!(param.kind, ParamKind::Rest | ParamKind::KeywordRest);
            let spread = args.iter().any(|a| a.spread != Spread::No && caller.changes(a.value));
            match arg {
                Some(arg) => {
                    if caller.changes(arg.value) {
                        self.slots.insert(param.slot.0);
                    }
                    if let Some(name) = caller.key_of(arg.value) {
                        self.keys.insert(param.slot.0, name);
                    }
                }
                None if spread || (rest && args.iter().any(|a| caller.changes(a.value))) => {
                    self.slots.insert(param.slot.0);
                }
                None => (),
            }
        }
        true
    }

    fn receive(&mut self, changes: bool, takes_self: bool) {
        self.this = changes;
        if takes_self
            && changes
            && let Some(first) = self.decl.params.first()
        {
            self.slots.insert(first.slot.0);
        }
    }

    /// The variable of a caller whose key a parameter was given.
    pub(super) fn given_key(&self, e: ExprId) -> Option<Name> {
        match self.body.expr(e) {
            Expr::Local(slot) => self.keys.get(&slot.0).copied(),
            _ => None,
        }
    }

    /// The variable whose key an expression reads: `row.id`, or a parameter that was given that.
    fn key_of(&self, e: ExprId) -> Option<Name> {
        match self.body.expr(e) {
            Expr::Attr { base, name, .. } if matches!(name.as_str(), "id" | "pk") => match self.body.expr(*base) {
                Expr::Local(slot) if self.slots.contains(&slot.0) => Some(self.body.slots[slot.0 as usize]),
                Expr::This if self.this => Some(Name::new("$this")),
                _ => None,
            },
            Expr::Local(slot) => self.keys.get(&slot.0).copied(),
            _ => None,
        }
    }

    /// The only value that a variable is given, if it is no parameter.
    pub(super) fn only_value(&self, slot: Slot) -> Option<ExprId> {
        self.decl.only_value(slot)
    }
}

/// The expressions right below one.
pub(super) fn parts(expr: &Expr, out: &mut Vec<ExprId>) {
    let values = |args: &[Arg], out: &mut Vec<ExprId>| out.extend(args.iter().map(|a| a.value));
    match expr {
        Expr::Attr { base, .. } | Expr::Lookup { base, .. } => out.push(*base),
        Expr::DynamicAttr { base, name } => out.extend([*base, *name]),
        Expr::Index { base, index } => {
            out.push(*base);
            out.extend(*index);
        }
        Expr::Slice { base, lower, upper } => {
            out.push(*base);
            out.extend(*lower);
            out.extend(*upper);
        }
        Expr::Call { callee: first, args } | Expr::New { class: first, args } | Expr::Filter { base: first, args, .. } => {
            out.push(*first);
            values(args, out);
        }
        Expr::CallableOf(e)
        | Expr::Not(e)
        | Expr::Same(e)
        | Expr::Empty(e)
        | Expr::Await(e)
        | Expr::Throw(e)
        | Expr::Include(e) => {
            out.push(*e);
        }
        Expr::Assign { value, .. } => out.push(*value),
        Expr::Augment { current, value, .. } | Expr::AssignIfNull { current, value, .. } => out.extend([*current, *value]),
        Expr::Binary { left, right, .. } => out.extend([*left, *right]),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Coalesce(a, b) => out.extend([*a, *b]),
        Expr::Ternary { cond, then, otherwise } => {
            out.push(*cond);
            out.extend(*then);
            out.push(*otherwise);
        }
        Expr::Match { subject, arms } => {
            out.push(*subject);
            for (tests, value) in arms {
                out.extend(tests.iter().copied());
                out.push(*value);
            }
        }
        Expr::Scalar(e) | Expr::Yield(e) => out.extend(*e),
        Expr::YieldFrom(e) => out.push(*e),
        Expr::InstanceOf { value, class } => out.extend([*value, *class]),
        Expr::Isset(all) | Expr::Interpolated(all) | Expr::Sequence(all) | Expr::Gap(_, all) => out.extend(all.iter().copied()),
        Expr::Seq { items, .. } => values(items, out),
        Expr::Map(items) => {
            for (key, item) in items {
                out.extend(*key);
                out.push(item.value);
            }
        }
        Expr::Comprehension { element, key, clauses, .. } => {
            out.push(*element);
            out.extend(*key);
            for clause in clauses {
                out.push(clause.iter);
                out.extend(clause.conditions.iter().copied());
            }
        }
        Expr::Local(_)
        | Expr::This
        | Expr::Name(_)
        | Expr::Class(_)
        | Expr::Function { .. }
        | Expr::Closure(_)
        | Expr::ClassDef(_)
        | Expr::Render(_)
        | Expr::Str(_)
        | Expr::Int(_)
        | Expr::Bool(_)
        | Expr::Null
        | Expr::Literal => (),
    }
}
