//! Which alternatives stand beside the tenant's condition instead of below it?

use super::area::Area;
use super::calls::own_functions;
use super::{Fault, View};
use crate::base::{Name, Span};
use crate::facts::{Arg, Expr, ExprId, FnKind, Language, Pat, Slot, Spread};
use crate::findings::Level;
use crate::flow::Execution;
use crate::flow::value::Mark;
use crate::index::tenants::LimitKind;
use crate::index::{ClassId, FnRef, ModelId};

/// A chain has at most so many links.
const MAX_CHAIN: usize = 64;

/// One condition of a chain of calls.
struct Arm<'b> {
    /// The call's method.
    name: Name,
    /// Where that name stands.
    at: Span,
    args: &'b [Arg],
    /// An alternative on the outermost level.
    is_or: bool,
}

/// What a chain of calls starts with.
#[derive(PartialEq, Eq)]
enum Start {
    Local(Slot),
    /// A field of the own object.
    Field(Name),
    Other(ExprId),
}

/// What of an alternative's condition is known.
enum Reading {
    /// Reaches what the condition beside it reaches, too, or rows at hand.
    Harmless,
    /// It has no value, so it means that there is none.
    Missing(Name),
    /// It may reach anything.
    Open,
}

/// Alternatives that are added, in other methods, to the query that a field of the object holds.
pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    for (f, decl) in own_functions(view.cx.ix) {
        let is_method = decl.kind == FnKind::Method && view.cx.ix.file(f.file).language == Language::Php;
        if !is_method || view.area(f) == Area::Global {
            continue;
        }
        for i in 0..decl.body.exprs.len() {
            on_field(view, f, ExprId(i as u32), faults);
        }
    }
}

fn on_field(view: &View<'_, '_>, f: FnRef, call: ExprId, faults: &mut Vec<Fault>) {
    let body = &view.cx.ix.function(f).body;
    let Some(arm) = view.arm(f, call).filter(|a| a.is_or) else { return };
    let Expr::Call { callee, .. } = body.expr(call) else { return };
    let Expr::Attr { base, .. } = body.expr(*callee) else { return };
    let Expr::Attr { base: object, name: field, .. } = body.expr(*base) else { return };
    if !view.is_self(f, *object) || assigned_in(view, f, *field).next().is_some() {
        return;
    }
    let Some(class) = view.cx.ix.class_of_function(f) else { return };
    let Some(model) = held_query(view, class, *field) else { return };
    let reading = view.read(f, &arm, None);
    // What is compared for equality may be rows of the same tenant, found before.
    let is_wide = matches!(reading, Reading::Missing(_)) || arm.args.len() > 2;
    if matches!(reading, Reading::Harmless) || !is_wide {
        return;
    }
    let name = view.name(model);
    let message = format!(
        "this alternative stands beside the conditions that `{field}` has already, so rows of `{name}` of other tenants are found, too"
    );
    let mut finding = view.cx.finding("unscoped-tenant-query", arm.at, f, message);
    finding.help = "put it into one group with the condition before it: one closure around both".to_owned();
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    finding.subject.method = Some(arm.name.to_string());
    finding.level = Level::Error;
    faults.push(Fault { finding, cause: format!("or {name} {:?}", arm.at) });
}

/// The values that a field of the own object gets in a function.
fn assigned_in<'v>(view: &'v View<'_, '_>, f: FnRef, field: Name) -> impl Iterator<Item = ExprId> + 'v {
    let body = &view.cx.ix.function(f).body;
    body.exprs.iter().filter_map(move |e| match e {
        Expr::Assign { target, value } => match body.pat(*target) {
            Pat::Attr { base, name } if *name == field && view.is_self(f, *base) => Some(*value),
            _ => None,
        },
        _ => None,
    })
}

/// The model of the query that a field holds, if that starts from the tenant's own relation wherever it is assigned.
fn held_query(view: &View<'_, '_>, class: ClassId, field: Name) -> Option<ModelId> {
    let ix = view.cx.ix;
    let mut classes = vec![class];
    classes.extend(ix.class(class).descendants.iter().copied());
    classes.extend(ix.class(class).mro.iter().copied());
    let mut found = None;
    for owner in classes {
        let file = ix.class(owner).file;
        for method in &ix.class_decl(owner).methods {
            let f = FnRef { file, id: *method };
            for value in assigned_in(view, f, field) {
                let body = &ix.function(f).body;
                if matches!(body.expr(value), Expr::Null) {
                    continue;
                }
                let model = relation_at_start(view, f, value)?;
                if found.is_some_and(|m| m != model) {
                    return None;
                }
                found = Some(model);
            }
        }
    }
    found
}

/// The model of a relation of the tenant or of whoever is signed in, if a chain of calls starts from one.
fn relation_at_start(view: &View<'_, '_>, f: FnRef, value: ExprId) -> Option<ModelId> {
    let body = &view.cx.ix.function(f).body;
    let mut at = value;
    for _ in 0..MAX_CHAIN {
        let Expr::Call { callee, .. } = body.expr(at) else { return None };
        let Expr::Attr { base, name, .. } = body.expr(*callee) else { return None };
        if !matches!(body.expr(*base), Expr::Call { .. }) {
            let origin = view.origin(f, *base);
            let owners = view.cx.ix.models.iter().enumerate().filter(|(i, m)| {
                let id = ModelId(*i as u32);
                !m.is_abstract && (view.tenancy.tenants.contains(&id) || crate::index::tenants::is_user(view.cx.ix, id))
            });
            let mut targets: Vec<ModelId> = owners
                .filter_map(|(_, m)| m.relations.get(name))
                .filter(|r| r.many)
                .filter_map(|r| r.target)
                .filter(|t| view.tenancy.models.contains_key(t))
                .collect();
            targets.dedup();
            return match targets.as_slice() {
                [one] if origin.row || origin.user => Some(*one),
                _ => None,
            };
        }
        at = *base;
    }
    None
}

impl View<'_, '_> {
    /// Does the condition whose method stands here name its column without the table?
    fn is_bare(&self, at: Span) -> bool {
        let Some(f) = self.cx.function_at(at) else { return false };
        let body = &self.cx.ix.function(f).body;
        (0..body.exprs.len() as u32).map(ExprId).any(|call| match body.expr(call) {
            Expr::Call { args, .. } => {
                let is_here = self.arm(f, call).is_some_and(|arm| arm.at == at || body.range(call) == at.range);
                is_here && matches!(args.first().map(|a| body.expr(a.value)), Some(Expr::Str(c)) if !c.as_str().contains('.'))
            }
            _ => false,
        })
    }

    /// The condition that a call adds, if it adds one.
    fn arm(&self, f: FnRef, call: ExprId) -> Option<Arm<'_>> {
        let ix = self.cx.ix;
        let body = &ix.function(f).body;
        let Expr::Call { callee, args } = body.expr(call) else { return None };
        let Expr::Attr { name, .. } = body.expr(*callee) else { return None };
        let op = ix.packs.op_in_language(Name::new("php"), Name::new("query"), *name)?;
        if !op.terms {
            return None;
        }
        let end = body.range(*callee).end;
        let range = crate::base::Range { start: end.saturating_sub(name.as_str().len() as u32), end };
        Some(Arm { name: *name, at: Span { file: f.file, range }, args, is_or: op.alternative })
    }

    /// What a chain of calls starts with.
    fn start_of(&self, f: FnRef, expr: ExprId) -> Start {
        let body = &self.cx.ix.function(f).body;
        let mut at = expr;
        for _ in 0..MAX_CHAIN {
            at = match body.expr(at) {
                Expr::Call { callee, .. } => *callee,
                Expr::Attr { base, name, .. } if self.is_self(f, *base) && !self.names_model(f, at) => {
                    let is_method = body.exprs.iter().any(|e| matches!(e, Expr::Call { callee, .. } if *callee == at));
                    return if is_method { Start::Other(at) } else { Start::Field(*name) };
                }
                Expr::Attr { base, .. } if !self.names_model(f, at) => *base,
                Expr::Same(inner) | Expr::Await(inner) => *inner,
                Expr::Local(slot) if !self.names_model(f, at) => return Start::Local(*slot),
                _ => break,
            };
        }
        Start::Other(at)
    }

    /// The conditions of the chain that sends a statement, first to last; with those that a variable got before.
    fn arms(&self, execution: &Execution) -> Vec<Arm<'_>> {
        let f = execution.owner;
        let body = &self.cx.ix.function(f).body;
        let Some(sent) = self.expr_at(f, execution.site) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let start = self.start_of(f, sent);
        for i in 0..body.exprs.len() {
            let call = ExprId(i as u32);
            let is_made = match start {
                Start::Local(slot) => super::origin::values_of(body, slot).iter().any(|v| {
                    let (whole, part) = (body.range(*v), body.range(call));
                    self.root(f, *v) == self.root(f, call) && whole.start <= part.start && part.end <= whole.end
                }),
                _ => false,
            };
            if is_made || self.start_of(f, call) == start {
                found.extend(self.arm(f, call));
            }
        }
        found.sort_by_key(|a| a.at.range.start);
        found
    }

    /// The column that a condition compares.
    fn column_of_arm(&self, f: FnRef, arm: &Arm<'_>) -> Option<Name> {
        let body = &self.cx.ix.function(f).body;
        match arm.args.first().map(|a| body.expr(a.value)) {
            Some(Expr::Str(column)) if !column.as_str().contains(' ') => Some(Name::new(column.last_segment())),
            _ => self.cx.ix.dynamic_column(arm.name),
        }
    }

    /// The text of the value that a condition compares with.
    fn value_text(&self, f: FnRef, arm: &Arm<'_>) -> Option<(&str, ExprId)> {
        let last = arm.args.last().filter(|a| a.spread == Spread::No)?;
        let range = self.cx.ix.function(f).body.range(last.value);
        let text = self.cx.ix.sources.file(f.file).text.get(range.start as usize..range.end as usize)?;
        Some((text, last.value))
    }

    fn read(&self, f: FnRef, arm: &Arm<'_>, beside: Option<&str>) -> Reading {
        let body = &self.cx.ix.function(f).body;
        let lists = self.cx.ix.packs.tenancy();
        let is_valued = lists.valued_alternatives.iter().any(|n| n == arm.name.as_str());
        if let (true, [only]) = (is_valued, arm.args)
            && let Expr::Str(column) = body.expr(only.value)
        {
            return Reading::Missing(*column);
        }
        let Some((text, value)) = self.value_text(f, arm) else {
            return Reading::Open;
        };
        let column = self.column_of_arm(f, arm);
        // The other end of the same row: whoever owns the one is meant by the other.
        if beside == Some(text) && column.is_some_and(|c| c.as_str().ends_with("_id")) {
            return Reading::Harmless;
        }
        // What is for everybody is no secret of a tenant.
        if column.is_some_and(|c| lists.visibility_names.iter().any(|v| v == c.as_str())) {
            return Reading::Harmless;
        }
        // Rows of a relation, of one at hand.
        if let (Expr::Closure(id), true) = (body.expr(value), arm.args.len() > 1) {
            let inner = FnRef { file: f.file, id: *id };
            let calls = 0..self.cx.ix.function(inner).body.exprs.len() as u32;
            let mut arms = calls.filter_map(|i| self.arm(inner, ExprId(i)));
            let origin = self.conditions_in(inner).origin;
            if origin.row && !origin.is_client() && !origin.unknown && arms.all(|a| !a.is_or) {
                return Reading::Harmless;
            }
        }
        let is_equal = arm.args.len() <= 2 && !matches!(body.expr(value), Expr::Closure(_));
        let origin = self.origin(f, value);
        let is_list = lists.list_conditions.iter().any(|n| n == arm.name.as_str());
        let at_hand = (origin.row || origin.user || is_list && origin.unknown) && !origin.is_client();
        if is_equal && at_hand { Reading::Harmless } else { Reading::Open }
    }

    /// Does an alternative compare the tenant's column itself, so that it adds rows that all tenants share?
    fn is_of_tenant(&self, f: FnRef, arm: &Arm<'_>) -> bool {
        self.column_of_arm(f, arm).is_some_and(|c| self.tenancy.columns.contains(&c))
    }
}

/// Rows of one user or, as an alternative, what is shared: with whom, only the tenant's condition says, and there is none.
pub(super) fn opened(view: &View<'_, '_>, execution: &Execution, model: ModelId) -> Option<Fault> {
    if view.cx.ix.file(execution.owner.file).language != Language::Php
        || execution.via.is_some()
        || view.area(execution.owner) != Area::Request
        || view.names_tenant(execution)
        || !view.tenancy.models.get(&model)?.limits.is_empty()
        || view.compares(execution.owner)
    {
        return None;
    }
    let outer = execution.owner;
    let body = &view.cx.ix.function(outer).body;
    let sent = view.expr_at(outer, execution.site)?;
    let whole = body.range(sent);
    let functions = view.bodies(outer);
    let inside = |f: &FnRef| {
        let range = view.cx.ix.function(*f).range;
        *f == outer || whole.start <= range.start && range.end <= whole.end
    };
    for f in functions.into_iter().filter(inside).chain([outer]) {
        let body = &view.cx.ix.function(f).body;
        let arms: Vec<Arm<'_>> = (0..body.exprs.len() as u32)
            .map(ExprId)
            .filter(|c| whole.start <= body.range(*c).start && body.range(*c).end <= whole.end)
            .filter_map(|call| view.arm(f, call))
            .collect();
        let is_mine = |a: &&Arm<'_>| view.value_text(f, a).is_some_and(|(_, value)| view.origin(f, value).user);
        let sharing = &view.cx.ix.packs.tenancy().sharing_names;
        let is_shared = |a: &&Arm<'_>| {
            a.is_or
                && view.column_of_arm(f, a).is_some_and(|c| sharing.iter().any(|s| s == c.as_str()))
                && view.value_text(f, a).is_some_and(|(_, v)| matches!(body.expr(v), Expr::Bool(true) | Expr::Int(1)))
        };
        let Some(arm) = arms.iter().find(is_shared).filter(|_| arms.iter().filter(|a| !a.is_or).any(|a| is_mine(&a))) else {
            continue;
        };
        let name = view.name(model);
        let message = format!("this alternative finds what every tenant shares of `{name}`, not only the one at work");
        let mut finding = view.cx.finding("unscoped-tenant-query", arm.at, f, message);
        super::step(&mut finding.steps, execution.site, format!("`{}` sends the query", execution.method));
        finding.help = format!("add a condition on {} beside the group", view.column(Some(model)));
        finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
        finding.subject.method = Some(execution.method.to_string());
        finding.level = Level::Warning;
        return Some(Fault { finding, cause: format!("or {name} {:?}", arm.at) });
    }
    None
}

/// A condition after an alternative that adds what all tenants share.
fn unasked(view: &View<'_, '_>, execution: &Execution, at: Span, what: &str, after: &Arm<'_>) -> Fault {
    let f = execution.owner;
    let name = execution.model.map_or(String::new(), |m| view.name(m));
    let condition = view.column_of_arm(f, after).map_or("this condition".to_owned(), |c| format!("the condition on `{c}`"));
    let message = format!("{condition} belongs to this alternative alone: {what} finds rows of `{name}` without it");
    let mut finding = view.cx.finding("unscoped-tenant-query", at, f, message);
    super::step(&mut finding.steps, execution.site, format!("`{}` sends the query", execution.method));
    finding.help = "put the alternatives into a group of their own: one closure around all of them".to_owned();
    finding.subject.model = execution.model.map(|m| view.cx.ix.model(m).name.to_string());
    finding.subject.method = Some(execution.method.to_string());
    finding.level = Level::Warning;
    Fault { finding, cause: format!("or {name} {at:?}") }
}

/// An alternative beside a condition that was written by hand, or that a relation adds.
pub(super) fn escaped(view: &View<'_, '_>, execution: &Execution, model: ModelId) -> Option<Fault> {
    let marks = view.marks(execution);
    let at = marks.iter().find_map(|m| match m {
        Mark::Or(at) => Some(*at),
        _ => None,
    })?;
    // A bare column beside a join is an error of the database.
    if marks.contains(&Mark::Joined) && view.is_bare(at) {
        return None;
    }
    // The library groups what is written before it adds a scope.
    if view.scope_of(model).is_some_and(|l| l.kind == LimitKind::Scope) {
        return None;
    }
    // What comes first is no alternative to what comes after it.
    let by_hand = marks.iter().find_map(|m| match m {
        Mark::Beside(t) if view.tenancy.columns.contains(&Name::new(t.last_segment())) => Some(*t),
        _ => None,
    });
    let what = match (by_hand, execution.via) {
        (Some(term), _) => format!("the condition on `{term}`"),
        (None, Some((_, relation))) => format!("the condition of the relation `{relation}`"),
        (None, None) => return None,
    };
    if view.area(execution.owner) == Area::Global {
        return None;
    }
    let name = view.name(model);
    let f = execution.owner;
    let arms = view.arms(execution);
    let tenants = arms.iter().find(|a| !a.is_or && view.column_of_arm(f, a).is_some_and(|c| view.tenancy.columns.contains(&c)));
    let beside = tenants.and_then(|a| view.value_text(f, a)).map(|(text, _)| text);
    let (mut missing, mut shared, mut others) = (None, None, false);
    let mut open = arms.iter().enumerate().filter(|(_, a)| a.is_or).peekable();
    if open.peek().is_some() {
        let mut any = false;
        for (place, arm) in open {
            match view.read(f, arm, beside) {
                Reading::Missing(column) => {
                    missing = Some((column, arm.at, arm.name));
                    any = true;
                }
                Reading::Open if view.is_of_tenant(f, arm) => shared = arms[place + 1..].iter().find(|a| !a.is_or).or(shared),
                Reading::Open => others = true,
                Reading::Harmless => (),
            }
        }
        if !any && !others && shared.is_none() {
            return None;
        }
    }
    // Rows that all tenants share are no other tenant's; but what is asked after them is asked of them alone.
    if let (Some(after), None, false) = (shared, missing, others) {
        return Some(unasked(view, execution, at, &what, after));
    }
    let plain = arms.iter().filter(|a| !a.is_or).count() + usize::from(execution.via.is_some());
    let message = match missing {
        Some((column, _, method)) => {
            format!("`{method}` without a value means that `{column}` is null: all such rows of `{name}` are found beside {what}")
        }
        None => format!("this alternative stands beside {what}, so rows of `{name}` of other tenants are found, too"),
    };
    let place = missing.map_or(at, |(_, at, _)| at);
    let mut finding = view.cx.finding("unscoped-tenant-query", place, execution.owner, message);
    super::step(&mut finding.steps, execution.site, format!("`{}` sends the query", execution.method));
    finding.help = match missing {
        Some((column, ..)) => format!("give the value that `{column}` is compared with"),
        None if plain <= 1 && !arms.is_empty() => "give the alternative the tenant's condition, too".to_owned(),
        None => "put the alternatives into a group of their own: one closure around all of them".to_owned(),
    };
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    finding.subject.method = Some(execution.method.to_string());
    finding.level = Level::Error;
    Some(Fault { finding, cause: format!("or {name} {at:?}") })
}
