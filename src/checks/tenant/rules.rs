//! Which rules of validation accept the key of any tenant's row, though the row is then used?
//!
//! Such a rule asks the table itself. That matters only where nothing beside it or behind it asks for the tenant: another rule of
//! the same list, or a lookup by the same key with the condition.

use std::collections::BTreeSet;

use super::area::Area;
use super::calls::own_functions;
use super::{Fault, View};
use crate::base::{FileId, Name, Span};
use crate::facts::{Body, Expr, ExprId, FnId, FnKind, Language, Pat, Slot, Stmt};
use crate::findings::{Confidence, Level};
use crate::flow::Execution;
use crate::index::{ClassId, FnRef, ModelId, Symbol};
use crate::source::Origin;

pub(super) fn check(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    for (i, facts) in view.cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if view.cx.ix.sources.file(file).origin != Origin::Ours || facts.language != Language::Php {
            continue;
        }
        for (f, function) in facts.functions.iter().enumerate() {
            if !matches!(function.kind, FnKind::File | FnKind::ClassBody | FnKind::Template | FnKind::Macro) {
                rules(view, FnRef { file, id: FnId(f as u32) }, faults);
            }
        }
    }
}

/// Rules of validation that look up a tenant's table.
fn rules(view: &View<'_, '_>, at: FnRef, faults: &mut Vec<Fault>) {
    let lists = view.cx.ix.packs.tenancy();
    let body = &view.cx.ix.function(at).body;
    for (i, expr) in body.exprs.iter().enumerate() {
        let range = body.ranges[i];
        let (table, place) = match expr {
            Expr::Str(text) => {
                let Some(rule) = text
                    .as_str()
                    .split('|')
                    .find_map(|r| lists.validation_prefixes.iter().find_map(|p| r.strip_prefix(p.as_str())))
                else {
                    continue;
                };
                let mut parts = rule.split(',');
                let first = parts.next().unwrap_or_default().trim();
                // More parts are conditions of their own.
                if parts.clone().any(|p| view.tenancy.columns.contains(&Name::new(p.trim()))) {
                    continue;
                }
                (table_named(view, first), range)
            }
            Expr::Call { callee, args } => {
                let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                    continue;
                };
                let Symbol::External(class) = view.cx.ix.symbol_of(at, *base) else {
                    continue;
                };
                let full = format!("{class}.{name}");
                if !lists.validation_functions.contains(&full) || is_continued(view, at, ExprId(i as u32)) {
                    continue;
                }
                let table = match args.first().map(|a| body.expr(a.value)) {
                    Some(Expr::Str(text)) => table_named(view, text.as_str()),
                    Some(Expr::Attr { base, .. }) => match view.cx.ix.symbol_of(at, *base) {
                        Symbol::Class(class) => view.cx.ix.class(class).model.and_then(|m| view.cx.ix.model(m).table),
                        _ => None,
                    },
                    Some(_) => match args.first().map(|a| view.cx.ix.symbol_of(at, a.value)) {
                        Some(Symbol::Class(class)) => view.cx.ix.class(class).model.and_then(|m| view.cx.ix.model(m).table),
                        _ => None,
                    },
                    None => None,
                };
                let end = body.range(*callee).end;
                (table, crate::base::Range { start: end.saturating_sub(name.as_str().len() as u32), end })
            }
            _ => continue,
        };
        let Some(table) = table.filter(|t| view.tenancy.tables.contains_key(t)) else {
            continue;
        };
        let model = view.tenancy.tables.get(&table).copied().flatten();
        if model.is_some_and(|m| crate::index::tenants::is_user(view.cx.ix, m)) || view.area(at) == Area::Global {
            continue;
        }
        if view.area(at) != Area::Request || speaks_of_tenant(view, at) || view.compares(at) {
            continue;
        }
        let Some(field) = field_of(body, ExprId(i as u32)) else {
            continue;
        };
        if view.is_checked_beside(at, &field) || !view.is_used_unchecked(at, field.name, model, table) {
            continue;
        }
        let span = Span { file: at.file, range: place };
        let message = format!("this rule accepts a key of any tenant's row of `{table}`");
        let mut finding = view.cx.finding("unscoped-tenant-query", span, at, message);
        finding.help = format!("the rule asks the table itself, without scopes: add a condition on {}", view.column(model));
        finding.subject.table = Some(table.to_string());
        finding.confidence = Confidence::Medium;
        finding.level = Level::Warning;
        faults.push(Fault { finding, cause: "rule".to_owned() });
    }
}

/// Does the class around a function, or the function itself, speak of the tenant's column? Then the key may be looked up again.
fn speaks_of_tenant(view: &View<'_, '_>, at: FnRef) -> bool {
    let functions = &view.cx.ix.file(at.file).functions;
    let class = functions[at.id.0 as usize].class;
    let inside = |(i, f): &(usize, &crate::facts::FunctionDecl)| *i == at.id.0 as usize || class.is_some() && f.class == class;
    functions.iter().enumerate().filter(inside).any(|(_, f)| {
        f.body.exprs.iter().any(|e| match e {
            Expr::Map(entries) => entries.iter().any(|(key, _)| {
                key.is_some_and(|k| matches!(f.body.expr(k), Expr::Str(name) if view.tenancy.columns.contains(name)))
            }),
            _ => false,
        })
    })
}

/// The table of that name, or of the model of that name.
fn table_named(view: &View<'_, '_>, text: &str) -> Option<Name> {
    let text = text.rsplit('.').next().unwrap_or(text);
    if text.contains('\\') {
        let lower = Name::new(&text.trim_start_matches('\\').to_lowercase());
        let class = view.cx.ix.class_names.get(&lower)?;
        return view.cx.ix.class(*class).model.and_then(|m| view.cx.ix.model(m).table);
    }
    Some(Name::new(text))
}

/// Does a chain of calls continue with conditions?
fn is_continued(view: &View<'_, '_>, at: FnRef, call: ExprId) -> bool {
    let body = &view.cx.ix.function(at).body;
    body.exprs.iter().any(|e| match e {
        Expr::Attr { base, name, .. } => {
            *base == call && view.cx.ix.packs.tenancy().rule_conditions.iter().any(|n| n == name.as_str())
        }
        _ => false,
    })
}

/// The field of the input that a rule is for.
struct Field {
    /// Its name, or that of the innermost of its parts.
    name: Name,
    /// All its rules.
    rules: ExprId,
}

/// The field under which a rule stands: the key of an array, or of an assignment into one.
fn field_of(body: &Body, rule: ExprId) -> Option<Field> {
    let place = body.range(rule);
    let holds = |e: ExprId| body.range(e).start <= place.start && place.end <= body.range(e).end;
    let text = |e: Option<ExprId>| match body.expr(e?) {
        Expr::Str(name) => name.as_str().rsplit('.').find(|p| *p != "*").map(Name::new),
        _ => None,
    };
    let found = body.exprs.iter().filter_map(|e| match e {
        Expr::Map(entries) => {
            let (key, item) = entries.iter().find(|(_, item)| holds(item.value))?;
            Some(Field { name: text(*key)?, rules: item.value })
        }
        Expr::Assign { target, value } if holds(*value) => match body.pat(*target) {
            Pat::Index { index, .. } => Some(Field { name: text(*index)?, rules: *value }),
            _ => None,
        },
        _ => None,
    });
    found.min_by_key(|f| body.range(f.rules).end - body.range(f.rules).start)
}

impl View<'_, '_> {
    /// Does another rule of the same list ask for the tenant or the user?
    fn is_checked_beside(&self, at: FnRef, field: &Field) -> bool {
        let ix = self.cx.ix;
        let body = &ix.function(at).body;
        let whole = body.range(field.rules);
        for (i, expr) in body.exprs.iter().enumerate() {
            let place = body.ranges[i];
            if place.start < whole.start || whole.end < place.end {
                continue;
            }
            let speaks = match expr {
                Expr::Str(text) => text.as_str().split('|').any(|rule| self.named_rule_asks(rule)),
                Expr::New { class, .. } => self.class_speaks(ix.symbol_of(at, *class)),
                Expr::Call { callee, .. } => match body.expr(*callee) {
                    Expr::Attr { base, .. } => self.class_speaks(ix.symbol_of(at, *base)),
                    _ => false,
                },
                Expr::Closure(id) => self.speaks(FnRef { file: at.file, id: *id }),
                _ => false,
            };
            if speaks {
                return true;
            }
        }
        false
    }

    /// A rule by its name: a method named after it, or what is registered under it.
    fn named_rule_asks(&self, rule: &str) -> bool {
        let ix = self.cx.ix;
        let name = rule.split(':').next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return false;
        }
        let wanted = format!("validate{}", name.replace('_', "")).to_lowercase();
        let adders = &ix.packs.tenancy().rule_adders;
        own_functions(ix).any(|(f, decl)| {
            if decl.name.as_str().to_lowercase() == wanted && self.speaks(f) {
                return true;
            }
            decl.body.exprs.iter().any(|e| {
                let Expr::Call { callee, args } = e else { return false };
                let adds =
                    matches!(decl.body.expr(*callee), Expr::Attr { name, .. } if adders.iter().any(|a| a == name.as_str()));
                let is_named =
                    || matches!(args.first().map(|a| decl.body.expr(a.value)), Some(Expr::Str(n)) if n.as_str() == name);
                adds && is_named()
                    && args.get(1).is_some_and(|a| match decl.body.expr(a.value) {
                        Expr::Closure(id) => self.speaks(FnRef { file: f.file, id: *id }),
                        Expr::Str(text) => {
                            let class = text.as_str().split('@').next().unwrap_or_default();
                            let class = ix.class_names.get(&Name::new(&class.trim_start_matches('\\').to_lowercase()));
                            class.is_some_and(|c| self.class_speaks(Symbol::Class(*c)))
                        }
                        _ => self.class_speaks(ix.symbol_of(f, a.value)),
                    })
            })
        })
    }

    fn class_speaks(&self, symbol: Symbol) -> bool {
        let Symbol::Class(class) = symbol else {
            return false;
        };
        let ix = self.cx.ix;
        let file = ix.class(class).file;
        ix.class(class).model.is_none()
            && ix
                .class_decl(class)
                .methods
                .iter()
                .any(|m| self.bodies(FnRef { file, id: *m }).into_iter().any(|f| self.speaks(f)))
    }

    /// Does a body name the tenant's column or whoever is signed in?
    fn speaks(&self, f: FnRef) -> bool {
        let columns = &self.tenancy.columns;
        self.cx.ix.function(f).body.exprs.iter().any(|e| match e {
            Expr::Str(text) => columns.contains(&Name::new(text.last_segment())),
            Expr::Attr { name, .. } | Expr::Name(name) | Expr::Function { fallback: name, .. } => {
                columns.contains(name) || self.is_identity(name.as_str())
            }
            _ => false,
        })
    }

    /// Does the value of the field reach a write, or a lookup in the same table, with nothing that asks for the tenant?
    fn is_used_unchecked(&self, at: FnRef, field: Name, model: Option<ModelId>, table: Name) -> bool {
        let consumers = self.consumers(at);
        let is_theirs = |e: &&Execution| {
            let is_asked = model.is_some() && e.model == model || e.model.is_none() && self.table(e) == Some(table);
            is_asked && consumers.contains(&self.outermost(e.owner))
        };
        let mut is_looked_up = false;
        for execution in self.cx.flow.executions.iter().filter(is_theirs) {
            if !self.names_input(execution.owner, execution.site, field) {
                continue;
            }
            let has_scope = execution.model.is_some_and(|m| self.scope_of(m).is_some());
            if self.is_limited(execution) || has_scope && execution.flags & crate::flow::value::flag::UNSCOPED == 0 {
                if self.refuses(execution) {
                    return false;
                }
            } else {
                is_looked_up = true;
            }
        }
        is_looked_up || consumers.iter().any(|f| self.stores(*f, field))
    }

    /// Functions that read what the rules let in: the same one, or those that are given the request.
    fn consumers(&self, at: FnRef) -> BTreeSet<FnRef> {
        let ix = self.cx.ix;
        let outer = self.outermost(at);
        let mut found = BTreeSet::from([outer]);
        let Some(class) = ix.class_of_function(outer) else {
            return found;
        };
        let data = ix.class(class);
        if !data
            .external
            .iter()
            .any(|n| ix.packs.roles(*n).iter().any(|r| matches!(r.as_str(), "request-class" | "live-component")))
        {
            return found;
        }
        let family: BTreeSet<ClassId> = data.descendants.iter().copied().chain([class]).collect();
        found.extend(ix.class_decl(class).methods.iter().map(|m| FnRef { file: data.file, id: *m }));
        for (f, decl) in own_functions(ix) {
            let takes = decl.params.iter().any(|p| {
                let ty = p.ty.as_ref().and_then(|ty| ix.type_to_class(f.file, f.id, ty));
                ty.is_some_and(|c| family.contains(&c))
            });
            if takes {
                found.insert(self.outermost(f));
            }
        }
        found
    }

    /// Does the statement at a place name the field, itself or by a variable that holds it?
    fn names_input(&self, f: FnRef, site: Span, field: Name) -> bool {
        let body = &self.cx.ix.function(f).body;
        let Some(call) = self.expr_at(f, site) else {
            return false;
        };
        let range = body.range(call);
        let holders = self.holders(f, field);
        (0..body.exprs.len()).map(|i| ExprId(i as u32)).any(|e| {
            let place = body.range(e);
            let inside = range.start <= place.start && place.end <= range.end;
            inside && (self.is_input(f, e, field) || matches!(body.expr(e), Expr::Local(s) if holders.contains(s)))
        })
    }

    /// Does an expression read the field of the input?
    fn is_input(&self, f: FnRef, expr: ExprId, field: Name) -> bool {
        let body = &self.cx.ix.function(f).body;
        let is_source = |base: ExprId| {
            self.is_request(f, base) || self.is_self(f, base) || self.is_whole_input(f, base) || self.origin(f, base).is_client()
        };
        match body.expr(expr) {
            Expr::Call { callee, args } => match (body.expr(*callee), args.first().map(|a| body.expr(a.value))) {
                (Expr::Attr { base, .. }, Some(Expr::Str(name))) => *name == field && is_source(*base),
                _ => false,
            },
            Expr::Attr { base, name, .. } => *name == field && is_source(*base),
            Expr::Index { base, index: Some(index) } => {
                matches!(body.expr(*index), Expr::Str(name) if *name == field) && is_source(*base)
            }
            _ => false,
        }
    }

    /// Does an expression give all that the client sent?
    fn is_whole_input(&self, f: FnRef, expr: ExprId) -> bool {
        let body = &self.cx.ix.function(f).body;
        let lists = self.cx.ix.packs.tenancy();
        match body.expr(expr) {
            // `input('state')` gives one value.
            Expr::Call { args, .. } if matches!(args.as_slice(), [one] if matches!(body.expr(one.value), Expr::Str(_))) => false,
            Expr::Call { callee, .. } => match body.expr(*callee) {
                Expr::Attr { base, name, .. } => {
                    lists.whole_input.iter().any(|w| w == name.as_str()) && (self.is_request(f, *base) || self.is_self(f, *base))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Variables that hold the field.
    fn holders(&self, f: FnRef, field: Name) -> Vec<Slot> {
        let body = &self.cx.ix.function(f).body;
        let mut found = Vec::new();
        for expr in &body.exprs {
            let Expr::Assign { target, value } = expr else { continue };
            let Pat::Local(slot) = body.pat(*target) else { continue };
            let range = body.range(*value);
            let reads = (0..body.exprs.len()).map(|i| ExprId(i as u32)).any(|e| {
                let place = body.range(e);
                range.start <= place.start && place.end <= range.end && self.is_input(f, e, field)
            });
            // What is found by it is another thing.
            let is_row = self.origin(f, *value).row;
            if reads && !is_row {
                found.push(*slot);
            }
        }
        found
    }

    /// Does a function write the field, or all of the input, into a row?
    fn stores(&self, f: FnRef, field: Name) -> bool {
        self.bodies(f).into_iter().any(|f| self.stores_in(f, field))
    }

    fn stores_in(&self, f: FnRef, field: Name) -> bool {
        let body = &self.cx.ix.function(f).body;
        let lists = self.cx.ix.packs.tenancy();
        let holders = self.holders(f, field);
        let wholes: Vec<Slot> = body
            .exprs
            .iter()
            .filter_map(|e| match e {
                Expr::Assign { target, value } if self.is_whole_input(f, *value) => match body.pat(*target) {
                    Pat::Local(slot) => Some(*slot),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let written: Vec<crate::base::Range> = body
            .exprs
            .iter()
            .filter_map(|e| match e {
                Expr::Call { callee, args } => match body.expr(*callee) {
                    Expr::Attr { base, name, .. }
                        if lists.storing_names.iter().any(|s| s == name.as_str()) && !self.is_request(f, *base) =>
                    {
                        let (first, last) = (args.first()?, args.last()?);
                        let (start, end) = (body.range(first.value).start, body.range(last.value).end);
                        Some(crate::base::Range { start, end })
                    }
                    _ => None,
                },
                Expr::Assign { target, value } => match body.pat(*target) {
                    Pat::Attr { base, .. } if !self.is_self(f, *base) => Some(body.range(*value)),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        (0..body.exprs.len()).map(|i| ExprId(i as u32)).any(|e| {
            let place = body.range(e);
            written.iter().any(|w| w.start <= place.start && place.end <= w.end)
                && match body.expr(e) {
                    Expr::Local(slot) => holders.contains(slot) || wholes.contains(slot),
                    _ => self.is_input(f, e, field) || self.is_whole_input(f, e),
                }
        })
    }

    /// Does code go on only if the statement has found something?
    fn refuses(&self, execution: &Execution) -> bool {
        let lists = self.cx.ix.packs.tenancy();
        if lists.failing_reads.iter().any(|r| r == execution.method.as_str()) {
            return true;
        }
        let f = execution.owner;
        let body = &self.cx.ix.function(f).body;
        let Some(call) = self.expr_at(f, execution.site) else {
            return false;
        };
        let slot = self.held_by(f, call);
        let is_it = |e: ExprId| e == call || slot.is_some_and(|s| *body.expr(e) == Expr::Local(s));
        let in_expr = body.exprs.iter().any(|e| match e {
            Expr::Not(e) | Expr::Empty(e) => is_it(*e),
            Expr::Binary { left, right, .. } => {
                *body.expr(*right) == Expr::Null && is_it(*left) || *body.expr(*left) == Expr::Null && is_it(*right)
            }
            // What is read from nothing fails.
            Expr::Attr { base, nullsafe: false, .. } => slot.is_some() && is_it(*base),
            _ => false,
        });
        in_expr || body.stmts.iter().any(|s| matches!(s, Stmt::If { cond, .. } if is_it(*cond)))
    }
}
