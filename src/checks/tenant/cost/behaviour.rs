//! What does a scope do besides its condition: ask for the user, give up, keep the first request's value?

use super::super::{Fault, View};
use crate::base::{FileId, Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, FnId, Language, Pat, Stmt, StmtId};
use crate::index::tenants::is_user;
use crate::index::{FnRef, ModelId};
use crate::source::Origin;

/// What a function of a scope does each time.
pub(super) fn check(view: &View<'_, '_>, f: FnRef, model: ModelId, name: Name, faults: &mut Vec<Fault>) {
    if view.cx.ix.sources.file(f.file).origin != Origin::Ours {
        return;
    }
    let body = &view.cx.ix.function(f).body;
    let owner = view.name(model);
    let is_guarded = calls(body).any(|(_, called, _)| called.as_str() == "hasUser");
    if view.cx.ix.file(f.file).language == Language::Php {
        if is_user(view.cx.ix, model)
            && !is_guarded
            && let Some((_, _, at)) = calls(body).find(|(_, called, _)| called.as_str() == "user")
        {
            let message =
                format!("this scope of `{owner}` asks for the current user, and loading that user applies the scope again");
            faults.push(fault(view, f, at, message, "ask first whether the user is loaded already", name, model));
        }
        if let Some(at) = query_of_user(view, body) {
            let message = format!("this scope sends a query each time it is applied to `{owner}`");
            faults.push(fault(view, f, at, message, "compute the value once per request and let the scope read it", name, model));
        }
    }
    let is_tenants = view.tenancy.models.get(&model).is_some_and(|o| o.limits.iter().any(|l| l.name == name));
    if is_tenants && let Some(at) = gives_up(view, body) {
        let message = format!("without a tenant this scope of `{owner}` adds no condition, and every query sees all rows");
        faults.push(fault(view, f, at, message, "without a tenant, select nothing or fail", name, model));
    }
}

/// Calls of methods: the call, the name, and where the name stands.
fn calls(body: &Body) -> impl Iterator<Item = (ExprId, Name, Range)> + '_ {
    body.exprs.iter().enumerate().filter_map(|(i, e)| {
        let Expr::Call { callee, .. } = e else {
            return None;
        };
        let Expr::Attr { name, .. } = body.expr(*callee) else {
            return None;
        };
        let end = body.range(*callee).end;
        Some((ExprId(i as u32), *name, Range { start: end.saturating_sub(name.as_str().len() as u32), end }))
    })
}

/// A chain from the current user by way of a relation to a method that sends a query.
fn query_of_user(view: &View<'_, '_>, body: &Body) -> Option<Range> {
    let query = Name::new("query");
    let language = Name::new("php");
    calls(body).find_map(|(call, name, at)| {
        let op = view.cx.ix.packs.op_in_language(language, query, name)?;
        if !op.executes {
            return None;
        }
        let mut names = Vec::new();
        let mut place = call;
        for _ in 0..16 {
            let Expr::Call { callee, .. } = body.expr(place) else {
                break;
            };
            let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                break;
            };
            names.push(name.as_str());
            place = *base;
        }
        let user = names.iter().position(|n| *n == "user")?;
        (user > 1).then_some(at)
    })
}

/// The condition under which the function ends without a word.
fn gives_up(view: &View<'_, '_>, body: &Body) -> Option<Range> {
    body.root.iter().find_map(|s| {
        let Stmt::If { cond, then, otherwise } = body.stmt(*s) else {
            return None;
        };
        let leaves = matches!(then.as_slice(), [only] if matches!(body.stmt(*only), Stmt::Return(None)));
        let asked = body.range(*cond);
        (asks_who(view, body, asked) && (leaves || otherwise.is_empty() && is_all_there(body, *s))).then_some(asked)
    })
}

/// Does nothing stand beside this statement but what fills variables?
fn is_all_there(body: &Body, only: StmtId) -> bool {
    let fills = |s: &StmtId| match body.stmt(*s) {
        Stmt::Expr(e) => matches!(body.expr(*e), Expr::Assign { .. }),
        _ => false,
    };
    body.root.iter().all(|s| *s == only || fills(s))
}

/// Does an expression ask whether somebody is signed in?
fn asks_who(view: &View<'_, '_>, body: &Body, range: Range) -> bool {
    let words = &view.cx.ix.packs.tenancy().signed_in_names;
    calls(body).any(|(_, name, at)| at.start >= range.start && at.end <= range.end && words.iter().any(|w| w == name.as_str()))
}

/// Scopes that are added with the value of the first request, or only if it has one.
pub(super) fn boot(view: &View<'_, '_>, faults: &mut Vec<Fault>) {
    let adders = &view.cx.ix.packs.tenancy().scope_adders;
    for (i, facts) in view.cx.ix.facts.iter().enumerate() {
        let file = FileId(i as u32);
        if facts.language != Language::Php || view.cx.ix.sources.file(file).origin != Origin::Ours {
            continue;
        }
        for (j, function) in facts.functions.iter().enumerate() {
            let f = FnRef { file, id: FnId(j as u32) };
            let Some(class) = view.cx.ix.class_of_function(f) else {
                continue;
            };
            let body = &function.body;
            let added: Vec<(ExprId, Range)> =
                calls(body).filter(|(_, n, _)| adders.iter().any(|a| a == n.as_str())).map(|(e, _, at)| (e, at)).collect();
            if added.is_empty() || !function.is_static {
                continue;
            }
            let models = || {
                let users = view.cx.ix.class(class).descendants.iter().chain([&class]);
                users.filter_map(|c| view.cx.ix.class(*c).model).next()
            };
            let Some(model) = models() else { continue };
            let owner = view.name(model);
            for stmt in &body.stmts {
                let Stmt::If { cond, then, .. } = stmt else {
                    continue;
                };
                let inside = then.iter().any(|s| {
                    let range = body.stmt_ranges[s.0 as usize];
                    added.iter().any(|(_, at)| at.start >= range.start && at.end <= range.end)
                });
                if inside && asks_who(view, body, body.range(*cond)) {
                    let message = format!(
                        "whether `{owner}` has this scope is decided once, when the model boots, by who is signed in then"
                    );
                    faults.push(fault(
                        view,
                        f,
                        body.range(*cond),
                        message,
                        "always add the scope, and ask inside it",
                        owner_name(&owner),
                        model,
                    ));
                }
            }
            for (call, _) in &added {
                let Expr::Call { args, .. } = body.expr(*call) else {
                    continue;
                };
                for arg in args {
                    let Expr::Closure(inner) = body.expr(arg.value) else {
                        continue;
                    };
                    for capture in &facts.functions[inner.0 as usize].captures {
                        let assigned = body.exprs.iter().find_map(|e| match e {
                            Expr::Assign { target, value } if *body.pat(*target) == Pat::Local(capture.outer) => Some(*value),
                            _ => None,
                        });
                        let Some(value) = assigned else { continue };
                        let range = body.range(value);
                        if asks_who(view, body, range) {
                            let message = format!("the scope of `{owner}` keeps the value of the request that boots the model");
                            faults.push(fault(
                                view,
                                f,
                                range,
                                message,
                                "read the value inside the scope",
                                owner_name(&owner),
                                model,
                            ));
                        }
                    }
                }
            }
        }
    }
}

fn owner_name(owner: &str) -> Name {
    Name::new(owner)
}

fn fault(view: &View<'_, '_>, f: FnRef, at: Range, message: String, help: &str, name: Name, model: ModelId) -> Fault {
    let mut finding = view.cx.finding("tenant-scope-cost", Span { file: f.file, range: at }, f, message);
    finding.help = help.to_owned();
    finding.subject.model = Some(view.cx.ix.model(model).name.to_string());
    Fault { finding, cause: format!("{name} {}", at.start) }
}
