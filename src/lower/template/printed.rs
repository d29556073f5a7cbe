//! Facts of a template as short text, for tests: one statement a line, source text instead of ranges.

use crate::facts::*;

/// Prints every function of the facts.
pub fn printed(facts: &FileFacts) -> String {
    let mut out = String::new();
    for (i, f) in facts.functions.iter().enumerate() {
        if i > 0 {
            let params: Vec<String> = f
                .params
                .iter()
                .map(|p| match p.default {
                    Some(d) => format!("{}={}", p.name, expr(&f.body, d)),
                    None => p.name.to_string(),
                })
                .collect();
            let captures: Vec<String> = f
                .captures
                .iter()
                .map(|c| f.body.slots[c.inner.0 as usize].to_string())
                .collect();
            out.push_str(&format!("fn#{i} {}({})", f.name, params.join(", ")));
            if !captures.is_empty() {
                out.push_str(&format!(" uses {}", captures.join(", ")));
            }
            out.push('\n');
        }
        block(&f.body, &f.body.root, usize::from(i > 0), &mut out);
    }
    out
}

/// Every lookup, attribute and call with the source text at its range.
pub fn places<'t>(facts: &FileFacts, text: &'t str) -> Vec<&'t str> {
    let mut out = Vec::new();
    for f in &facts.functions {
        for (e, r) in f.body.exprs.iter().zip(&f.body.ranges) {
            if matches!(
                e,
                Expr::Lookup { .. } | Expr::Attr { .. } | Expr::Call { .. }
            ) {
                out.push(&text[r.start as usize..r.end as usize]);
            }
        }
    }
    out
}

fn block(body: &Body, stmts: &[StmtId], depth: usize, out: &mut String) {
    for s in stmts {
        stmt(body, *s, depth, out);
    }
}

fn stmt(body: &Body, id: StmtId, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let mut line = |text: String| {
        out.push_str(&pad);
        out.push_str(&text);
        out.push('\n');
    };
    match body.stmt(id) {
        Stmt::Expr(e) => {
            line(expr(body, *e));
            let render = match body.expr(*e) {
                Expr::Render(r) => Some(r),
                _ => None,
            };
            if let Some(r) = render {
                block(body, &r.inner, depth + 1, out);
            }
        }
        Stmt::Output(e) => line(format!("out {}", expr(body, *e))),
        Stmt::If {
            cond,
            then,
            otherwise,
        } => {
            line(format!("if {}", expr(body, *cond)));
            block(body, then, depth + 1, out);
            if !otherwise.is_empty() {
                out.push_str(&format!("{pad}else\n"));
                block(body, otherwise, depth + 1, out);
            }
        }
        Stmt::Loop(l) => {
            let target = l.target.map_or(String::new(), |p| pat(body, p));
            let key = l.key.map_or(String::new(), |p| pat(body, p) + " => ");
            let iter = l.iter.map_or(String::new(), |e| expr(body, e));
            let cond = l
                .cond
                .map_or(String::new(), |e| format!(" while {}", expr(body, e)));
            line(format!("for {key}{target} in {iter}{cond}"));
            block(body, &l.body, depth + 1, out);
            if !l.otherwise.is_empty() {
                out.push_str(&format!("{pad}else\n"));
                block(body, &l.otherwise, depth + 1, out);
            }
        }
        Stmt::With { items, body: b, .. } => {
            let items: Vec<String> = items
                .iter()
                .map(|(e, p)| match p {
                    Some(p) => format!("{}={}", pat(body, *p), expr(body, *e)),
                    None => expr(body, *e),
                })
                .collect();
            line(format!("with {}", items.join(", ")));
            block(body, b, depth + 1, out);
        }
        Stmt::TemplateBlock { name, body: b } => {
            line(format!("block {name}"));
            block(body, b, depth + 1, out);
        }
        Stmt::Function(f, slot) => {
            let slot = slot.map_or("-".into(), |s| body.slots[s.0 as usize].to_string());
            line(format!("{slot} = fn#{}", f.0));
        }
        Stmt::Switch { subject, cases } => {
            line(format!("switch {}", expr(body, *subject)));
            for case in cases {
                let tests: Vec<String> = case.tests.iter().map(|t| expr(body, *t)).collect();
                out.push_str(&format!("{pad}  case {}\n", tests.join(", ")));
                block(body, &case.body, depth + 2, out);
            }
        }
        Stmt::Gap(why, b) => {
            line(format!("gap {}", why.text()));
            block(body, b, depth + 1, out);
        }
        other => line(format!("{other:?}")),
    }
}

fn pat(body: &Body, id: PatId) -> String {
    match body.pat(id) {
        Pat::Local(s) => body.slots[s.0 as usize].to_string(),
        Pat::Attr { base, name } => format!("{}.{name}", expr(body, *base)),
        Pat::Index { base, index } => {
            let index = index.map_or(String::new(), |i| expr(body, i));
            format!("{}[{index}]", expr(body, *base))
        }
        Pat::Seq(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(p, _)| p.map_or("_".into(), |p| pat(body, p)))
                .collect();
            format!("({})", items.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn args(body: &Body, args: &[Arg]) -> String {
    let arg = |a: &Arg| {
        let value = expr(body, a.value);
        let value = match a.spread {
            Spread::No => value,
            Spread::Elements => format!("*{value}"),
            Spread::Keywords => format!("**{value}"),
        };
        match a.name {
            Some(name) => format!("{name}={value}"),
            None => value,
        }
    };
    args.iter().map(arg).collect::<Vec<_>>().join(", ")
}

fn list(body: &Body, ids: &[ExprId]) -> String {
    ids.iter()
        .map(|e| expr(body, *e))
        .collect::<Vec<_>>()
        .join(", ")
}

/// One expression as text.
pub fn expr(body: &Body, id: ExprId) -> String {
    let x = |e: &ExprId| expr(body, *e);
    match body.expr(id) {
        Expr::Local(s) => body.slots[s.0 as usize].to_string(),
        Expr::Name(n) | Expr::Class(n) => n.to_string(),
        Expr::Function { fallback, .. } => fallback.to_string(),
        Expr::This => "this".into(),
        Expr::Attr { base, name, .. } => format!("{}->{name}", x(base)),
        Expr::Lookup { base, name, call } => {
            format!("{}.{name}{}", x(base), if *call { "?" } else { "" })
        }
        Expr::Index { base, index } => {
            format!("{}[{}]", x(base), index.as_ref().map_or(String::new(), x))
        }
        Expr::Slice { base, lower, upper } => format!(
            "{}[{}:{}]",
            x(base),
            lower.as_ref().map_or(String::new(), x),
            upper.as_ref().map_or(String::new(), x)
        ),
        Expr::Call { callee, args: a } => format!("{}({})", x(callee), args(body, a)),
        Expr::Filter {
            base,
            name,
            args: a,
        } => format!("{}|{name}({})", x(base), args(body, a)),
        Expr::Render(r) => {
            let mut text = format!("{:?} {}", r.kind, x(&r.template));
            if !r.args.is_empty() {
                text.push_str(&format!(" with {}", args(body, &r.args)));
            }
            if let Some(c) = &r.context {
                text.push_str(&format!(" from {}", x(c)));
            }
            if r.inherits {
                text.push_str(" +");
            }
            if let Some((e, n)) = &r.each {
                text.push_str(&format!(" each {n} of {}", x(e)));
            }
            text
        }
        Expr::Assign { target, value } => format!("{} = {}", pat(body, *target), x(value)),
        Expr::Binary { op, left, right } => format!("({} {op:?} {})", x(left), x(right)),
        Expr::And(a, b) => format!("({} and {})", x(a), x(b)),
        Expr::Or(a, b) => format!("({} or {})", x(a), x(b)),
        Expr::Not(a) => format!("not {}", x(a)),
        Expr::Ternary {
            cond,
            then,
            otherwise,
        } => format!(
            "({} ? {} : {})",
            x(cond),
            then.as_ref().map_or(String::new(), x),
            x(otherwise)
        ),
        Expr::Scalar(e) => format!("scalar({})", e.as_ref().map_or(String::new(), x)),
        Expr::Isset(e) => format!("isset({})", list(body, e)),
        Expr::Empty(e) => format!("empty({})", x(e)),
        Expr::Str(n) => format!("'{n}'"),
        Expr::Int(n) => n.to_string(),
        Expr::Bool(b) => b.to_string(),
        Expr::Null => "null".into(),
        Expr::Literal => "literal".into(),
        Expr::Seq { items, .. } => format!("[{}]", args(body, items)),
        Expr::Map(items) => {
            let item = |(k, v): &(Option<ExprId>, Arg)| {
                let k = k.as_ref().map_or(String::new(), |k| x(k) + ": ");
                format!("{k}{}", args(body, &[*v]))
            };
            let items: Vec<String> = items.iter().map(item).collect();
            format!("{{{}}}", items.join(", "))
        }
        Expr::Sequence(e) => format!("({})", list(body, e)),
        Expr::Gap(why, e) => format!("gap[{}]({})", why.text(), list(body, e)),
        other => format!("{other:?}"),
    }
}
