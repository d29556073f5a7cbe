//! What do the calls of our own functions mean, once they are facts?
//!
//! In: the facts of the PHP that a template stands for. Out: the facts of the template. Expressions are replaced where they
//! stand, so children still come before their parents.

use super::translate::RESERVED;
use crate::base::{Name, Range};
use crate::facts::{Arg, Block, Body, Expr, ExprId, FileFacts, FnKind, Language, Render, RenderKind, Spread, Stmt, StmtId, Why};

/// Turns the facts of the PHP text into those of the template.
pub fn convert(facts: &mut FileFacts, length: usize) {
    facts.language = Language::Blade;
    if let Some(file) = facts.functions.first_mut() {
        file.kind = FnKind::Template;
        file.range = Range::new(0, length);
        file.name_range = file.range;
    }
    for function in &mut facts.functions {
        statements(&mut function.body);
        expressions(&mut function.body);
    }
}

/// The name of our own function that an expression calls, and with what.
fn reserved(body: &Body, id: ExprId) -> Option<(&'static str, Vec<Arg>)> {
    let Expr::Call { callee, args } = body.expr(id) else {
        return None;
    };
    let Expr::Function { fallback, .. } = body.expr(*callee) else {
        return None;
    };
    let name = fallback.as_str().strip_prefix(RESERVED)?;
    Some((name, args.clone()))
}

/// Blocks are written as `if` on one of our own functions.
fn statements(body: &mut Body) {
    for at in 0..body.stmts.len() {
        let id = StmtId(at as u32);
        let Stmt::If { cond, then, otherwise } = body.stmt(id) else {
            continue;
        };
        let cond = *cond;
        let Some((name, args)) = reserved(body, cond) else {
            continue;
        };
        let then = then.clone();
        let otherwise = otherwise.clone();
        let stmt = match name {
            "section" => Stmt::TemplateBlock { name: args.first().map_or(Name::empty(), |a| text(body, a.value)), body: then },
            "forelse" => forelse(body, then, otherwise),
            "component" | "live" | "view_component" => {
                render(body, cond, name, &args, then);
                Stmt::Expr(cond)
            }
            _ => continue,
        };
        if name != "component" && name != "live" && name != "view_component" {
            forget_call(body, cond);
        }
        body.stmts[at] = stmt;
    }
}

/// The loop of a `@forelse`, with what runs for no elements.
fn forelse(body: &mut Body, then: Block, otherwise: Block) -> Stmt {
    if let [only] = then[..]
        && let Stmt::Loop(inner) = body.stmt(only)
    {
        let mut inner = inner.clone();
        inner.otherwise = otherwise;
        // The inner statement stays in the arena without a parent; it must not be met twice.
        body.stmts[only.0 as usize] = Stmt::Gap(Why::NotLowered("moved"), Vec::new());
        return Stmt::Loop(inner);
    }
    let mut all = then;
    all.extend(otherwise);
    Stmt::Gap(Why::NotLowered("forelse"), all)
}

fn expressions(body: &mut Body) {
    for at in 0..body.exprs.len() {
        let id = ExprId(at as u32);
        if let Expr::Function { name, fallback } = &mut body.exprs[at]
            && let Some(directive) = fallback.as_str().strip_prefix(RESERVED)
            && let Some(directive) = directive.strip_prefix("at_")
        {
            *fallback = Name::new(&format!("@{directive}"));
            *name = *fallback;
        }
        let Some((name, args)) = reserved(body, id) else {
            continue;
        };
        render(body, id, name, &args, Vec::new());
    }
}

/// Replaces a call by what it renders.
fn render(body: &mut Body, call: ExprId, name: &str, args: &[Arg], inner: Block) {
    let (kind, inherits) = match name {
        "include" => (RenderKind::Include, true),
        "include_only" | "each" | "view_component" => (RenderKind::Include, false),
        "extends" => (RenderKind::Extends, true),
        "component" => (RenderKind::Component, false),
        "live" => (RenderKind::LiveComponent, false),
        _ => return,
    };
    let Some(template) = args.first().map(|a| a.value) else {
        forget_call(body, call);
        return;
    };
    let mut render = Render { template, kind, args: Vec::new(), context: None, inherits, each: None, inner };
    if name == "each" {
        if let [_, items, variable, ..] = args {
            render.each = Some((items.value, text(body, variable.value)));
        }
    } else if let Some(data) = args.get(1) {
        match named(body, data.value) {
            Some(args) => render.args = args,
            None => render.context = Some(data.value),
        }
    }
    forget_callee(body, call);
    body.exprs[call.0 as usize] = Expr::Render(Box::new(render));
}

/// The variables that an array literal with constant keys gives.
fn named(body: &mut Body, data: ExprId) -> Option<Vec<Arg>> {
    let args = match body.expr(data) {
        Expr::Seq { items, .. } if items.is_empty() => Vec::new(),
        Expr::Map(items) => {
            let mut args = Vec::new();
            for (key, value) in items {
                let Expr::Str(name) = body.expr((*key)?) else {
                    return None;
                };
                if value.spread != Spread::No {
                    return None;
                }
                args.push(Arg { name: Some(*name), value: value.value, spread: Spread::No });
            }
            args
        }
        _ => return None,
    };
    body.exprs[data.0 as usize] = Expr::Literal;
    Some(args)
}

fn text(body: &Body, id: ExprId) -> Name {
    match body.expr(id) {
        Expr::Str(name) => *name,
        _ => Name::empty(),
    }
}

/// Leaves nothing of a call that has become something else.
fn forget_call(body: &mut Body, call: ExprId) {
    forget_callee(body, call);
    body.exprs[call.0 as usize] = Expr::Literal;
}

fn forget_callee(body: &mut Body, call: ExprId) {
    if let Expr::Call { callee, .. } = body.expr(call) {
        let callee = callee.0 as usize;
        body.exprs[callee] = Expr::Literal;
    }
}
