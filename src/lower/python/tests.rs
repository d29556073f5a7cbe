//! Source in, printed facts out. Every text lowered here is also asked to keep what the facts promise.

mod declarations;
mod expressions;
mod robustness;
mod scopes;
mod statements;

use crate::facts::print::print;
use crate::facts::{Block, Body, Case, Expr, ExprId, FileFacts, MAX_DEPTH, Pat, PatId, Stmt, StmtId};

fn check(source: &str, expected: &str) {
    let printed = print(&lowered(source));
    assert_eq!(printed.trim(), expected.trim(), "\n{printed}");
}

fn lowered(source: &str) -> FileFacts {
    let facts = super::lower(source);
    for function in &facts.functions {
        keeps_its_promises(&function.body, source);
        for capture in &function.captures {
            let parent = function.parent.expect("only the file has no parent");
            let outer = &facts.functions[parent.0 as usize].body.slots;
            assert!((capture.outer.0 as usize) < outer.len());
            assert!((capture.inner.0 as usize) < function.body.slots.len());
        }
    }
    for gap in &facts.gaps {
        assert!(gap.range.start <= gap.range.end && gap.range.end as usize <= source.len());
    }
    facts
}

/// Children stand before parents, nothing nests too deeply, attributes end with their names.
fn keeps_its_promises(body: &Body, source: &str) {
    let mut depths = Vec::new();
    for (at, expr) in body.exprs.iter().enumerate() {
        let mut depth = 0;
        for child in expr_children(body, expr) {
            assert!((child.0 as usize) < at, "{expr:?}");
            depth = depth.max(depths[child.0 as usize]);
        }
        depths.push(depth + 1);
        if let Expr::Local(slot) = expr {
            assert!((slot.0 as usize) < body.slots.len());
        }
        if let Expr::Attr { name, .. } = expr {
            let range = body.ranges[at];
            let text = &source[range.start as usize..range.end as usize];
            assert!(text.ends_with(name.as_str()), "{text:?} {name}");
        }
    }
    let mut levels = Vec::new();
    for (at, stmt) in body.stmts.iter().enumerate() {
        let (exprs, stmts) = stmt_children(body, stmt);
        let mut level = 0;
        for child in stmts {
            assert!((child.0 as usize) < at, "{stmt:?}");
            level = level.max(levels[child.0 as usize]);
        }
        for expr in exprs {
            level = level.max(depths[expr.0 as usize]);
        }
        levels.push(level + 1);
    }
    let deepest = depths.iter().chain(&levels).max().copied().unwrap_or(0);
    assert!(deepest <= MAX_DEPTH + 4, "{deepest} levels");
}

fn pat_children(body: &Body, pat: PatId, found: &mut Vec<ExprId>) {
    match body.pat(pat) {
        Pat::Local(_) | Pat::Global(_) => (),
        Pat::Attr { base, .. } => found.push(*base),
        Pat::Index { base, index } => found.extend([*base].into_iter().chain(*index)),
        Pat::Seq(items) => items.iter().filter_map(|item| item.0).for_each(|pat| pat_children(body, pat, found)),
        Pat::Keyed(items) => {
            for (key, pat) in items {
                found.push(*key);
                pat_children(body, *pat, found);
            }
        }
        Pat::Other(expr) => found.push(*expr),
    }
}

fn expr_children(body: &Body, expr: &Expr) -> Vec<ExprId> {
    let mut found = Vec::new();
    match expr {
        Expr::Attr { base, .. } => found.push(*base),
        Expr::Index { base, index } => found.extend([*base].into_iter().chain(*index)),
        Expr::Slice { base, lower, upper } => {
            found.extend([*base].into_iter().chain(*lower).chain(*upper));
        }
        Expr::Call { callee, args } => {
            found.push(*callee);
            found.extend(args.iter().map(|arg| arg.value));
        }
        Expr::Assign { target, value } => {
            pat_children(body, *target, &mut found);
            found.push(*value);
        }
        Expr::Augment { target, current, value, .. } => {
            pat_children(body, *target, &mut found);
            found.extend([*current, *value]);
        }
        Expr::Binary { left, right, .. } | Expr::And(left, right) | Expr::Or(left, right) => {
            found.extend([*left, *right]);
        }
        Expr::Not(inner) | Expr::Same(inner) | Expr::Await(inner) | Expr::YieldFrom(inner) => {
            found.push(*inner);
        }
        Expr::Scalar(inner) | Expr::Yield(inner) => found.extend(*inner),
        Expr::Ternary { cond, then, otherwise } => found.extend([*cond, *otherwise].into_iter().chain(*then)),
        Expr::Interpolated(parts) | Expr::Sequence(parts) | Expr::Gap(_, parts) => {
            found.extend(parts);
        }
        Expr::Seq { items, .. } => found.extend(items.iter().map(|arg| arg.value)),
        Expr::Map(items) => {
            for (key, value) in items {
                found.extend(key.iter().chain([&value.value]));
            }
        }
        Expr::Comprehension { element, key, clauses, .. } => {
            found.extend([*element].into_iter().chain(*key));
            for clause in clauses {
                pat_children(body, clause.target, &mut found);
                found.push(clause.iter);
                found.extend(&clause.conditions);
            }
        }
        Expr::Local(_)
        | Expr::Name(_)
        | Expr::Closure(_)
        | Expr::Str(_)
        | Expr::Int(_)
        | Expr::Bool(_)
        | Expr::Null
        | Expr::Literal => (),
        other => panic!("not an expression of this language: {other:?}"),
    }
    found
}

fn case_children(cases: &[Case], exprs: &mut Vec<ExprId>, stmts: &mut Block) {
    for case in cases {
        exprs.extend(case.tests.iter().chain(&case.guard));
        stmts.extend(&case.body);
    }
}

fn stmt_children(body: &Body, stmt: &Stmt) -> (Vec<ExprId>, Vec<StmtId>) {
    let (mut exprs, mut stmts) = (Vec::new(), Vec::new());
    match stmt {
        Stmt::Expr(expr) | Stmt::Assert(expr) => exprs.push(*expr),
        Stmt::Return(expr) | Stmt::Raise(expr) => exprs.extend(*expr),
        Stmt::If { cond, then, otherwise } => {
            exprs.push(*cond);
            stmts.extend(then.iter().chain(otherwise));
        }
        Stmt::Loop(each) => {
            exprs.extend(each.iter.iter().chain(&each.cond));
            if let Some(target) = each.target {
                pat_children(body, target, &mut exprs);
            }
            stmts.extend(each.body.iter().chain(&each.otherwise));
        }
        Stmt::Switch { subject, cases } => {
            exprs.push(*subject);
            case_children(cases, &mut exprs, &mut stmts);
        }
        Stmt::Try { body, handlers, otherwise, finally } => {
            stmts.extend(body.iter().chain(otherwise).chain(finally));
            case_children(handlers, &mut exprs, &mut stmts);
        }
        Stmt::With { items, body, .. } => {
            exprs.extend(items.iter().map(|item| item.0));
            stmts.extend(body);
        }
        Stmt::Delete(pats) => pats.iter().for_each(|pat| pat_children(body, *pat, &mut exprs)),
        Stmt::Gap(_, inner) => stmts.extend(inner),
        Stmt::Break(_)
        | Stmt::Continue(_)
        | Stmt::Function(..)
        | Stmt::Class(..)
        | Stmt::Import { .. }
        | Stmt::Declare { .. } => (),
        other => panic!("not a statement of this language: {other:?}"),
    }
    (exprs, stmts)
}
