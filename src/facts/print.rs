//! Facts as text, for dumps and tests.
//!
//! One line per declaration and statement, expressions on one line, fully parenthesized. Locals carry `$` in every language,
//! class names stand in `<…>`, function names after `fn`, so that no two kinds of expression look alike.

mod body;

use std::fmt::Write;

use super::body::*;
use super::decl::*;
use body::{Printer, slot_name};

/// The facts of a file, readable.
pub fn print(facts: &FileFacts) -> String {
    let mut out = String::new();
    print_head(facts, &mut out);
    for (ix, class) in facts.classes.iter().enumerate() {
        print_class(facts, ix, class, &mut out);
    }
    for (id, function) in facts.functions.iter().enumerate() {
        print_function(facts, id, function, &mut out);
    }
    for comment in &facts.comments {
        let _ = writeln!(out, "comment {}", comment.text);
    }
    for gap in &facts.gaps {
        let _ = writeln!(out, "gap {}..{} {}", gap.range.start, gap.range.end, gap.why.text());
    }
    out
}

/// One function and its body, readable.
pub fn print_one(facts: &FileFacts, id: FnId) -> String {
    let mut out = String::new();
    print_function(facts, id.0 as usize, &facts.functions[id.0 as usize], &mut out);
    out
}

/// An expression, readable.
pub fn print_expr(body: &Body, expr: ExprId) -> String {
    let mut printer = Printer { body, out: String::new() };
    printer.expr(expr);
    printer.out
}

/// A type, readable.
pub fn print_type(ty: &Type) -> String {
    match ty {
        Type::Named(name) => name.to_string(),
        Type::Apply(name, args) => {
            let args: Vec<String> = args.iter().map(print_type).collect();
            format!("{name}<{}>", args.join(", "))
        }
        Type::Union(parts) => {
            let parts: Vec<String> = parts.iter().map(print_type).collect();
            parts.join("|")
        }
        Type::Unknown => "?".to_owned(),
    }
}

fn print_head(facts: &FileFacts, out: &mut String) {
    let _ = write!(out, "{:?}", facts.language);
    if !facts.namespace.is_empty() {
        let _ = write!(out, " namespace {}", facts.namespace);
    }
    out.push('\n');
    for import in &facts.imports {
        let kind = match import.kind {
            ImportKind::Any => "",
            ImportKind::Function => "function ",
            ImportKind::Const => "const ",
        };
        let dots = ".".repeat(import.level as usize);
        let member = if import.member { " (member)" } else { "" };
        let scope = if import.scope == FnId(0) { String::new() } else { format!(" in fn {}", import.scope.0) };
        let _ = writeln!(out, "import {kind}{dots}{} as {}{member}{scope}", import.target, import.local);
    }
    if let Some(exports) = &facts.exports {
        let names: Vec<&str> = exports.iter().map(|n| n.as_str()).collect();
        let _ = writeln!(out, "exports {}", names.join(", "));
    }
}

fn print_class(facts: &FileFacts, ix: usize, class: &ClassDecl, out: &mut String) {
    let scope = &facts.functions[class.scope.0 as usize].body;
    for decorator in &class.decorators {
        let _ = writeln!(out, "@{}", print_expr(scope, *decorator));
    }
    let kind = match class.kind {
        ClassKind::Class => "class",
        ClassKind::Interface => "interface",
        ClassKind::Trait => "trait",
        ClassKind::Enum => "enum",
    };
    let abstract_ = if class.is_abstract { "abstract " } else { "" };
    let _ = write!(out, "{abstract_}{kind} {} #{ix}", class.name);
    let (extends, implements) = class.bases.split_at(class.extends.min(class.bases.len()));
    for (word, types) in [("extends", extends), ("implements", implements)] {
        if !types.is_empty() {
            let types: Vec<String> = types.iter().map(print_type).collect();
            let _ = write!(out, " {word} {}", types.join(", "));
        }
    }
    if !class.traits.is_empty() {
        let names: Vec<&str> = class.traits.iter().map(|n| n.as_str()).collect();
        let _ = write!(out, " uses {}", names.join(", "));
    }
    for (name, value) in &class.keywords {
        let _ = write!(out, " {name}={}", print_expr(scope, *value));
    }
    let _ = writeln!(out, " scope fn {}", class.scope.0);
    for attr in &class.attrs {
        let static_ = if attr.is_static { "static " } else { "" };
        let promoted = if attr.promoted { "promoted " } else { "" };
        let _ = write!(out, "  {static_}{promoted}{}", attr.name);
        if let Some(ty) = &attr.ty {
            let _ = write!(out, ": {}", print_type(ty));
        }
        if let Some(value) = attr.value {
            let _ = write!(out, " = {}", print_expr(scope, value));
        }
        out.push('\n');
    }
    for magic in &class.magic {
        let static_ = if magic.is_static { "static " } else { "" };
        let kind = if magic.is_method { "method" } else { "property" };
        let _ = writeln!(out, "  magic {static_}{kind} {}: {}", magic.name, print_type(&magic.ty));
    }
    for method in &class.methods {
        let _ = writeln!(out, "  method fn {}", method.0);
    }
    for nested in &class.nested {
        let _ = writeln!(out, "  nested #{}", nested.0);
    }
}

fn print_function(facts: &FileFacts, id: usize, function: &FunctionDecl, out: &mut String) {
    if let Some(parent) = function.parent {
        let body = &facts.functions[parent.0 as usize].body;
        for decorator in &function.decorators {
            let _ = writeln!(out, "@{}", print_expr(body, *decorator));
        }
    }
    let _ = write!(out, "fn {id} ");
    for (flag, word) in [
        (function.is_static, "static "),
        (function.is_classmethod, "classmethod "),
        (function.is_abstract, "abstract "),
        (function.is_private, "private "),
        (function.is_async, "async "),
        (function.is_generator, "generator "),
    ] {
        if flag {
            out.push_str(word);
        }
    }
    out.push_str(match function.kind {
        FnKind::File => "file",
        FnKind::ClassBody => "class-body",
        FnKind::Function => "function",
        FnKind::Method => "method",
        FnKind::Closure => "closure",
        FnKind::Template => "template",
        FnKind::Macro => "macro",
    });
    if let Some(class) = function.class {
        let _ = write!(out, " {}", facts.classes[class.0 as usize].name);
        if !function.name.is_empty() {
            let _ = write!(out, "::{}", function.name);
        }
    } else if !function.name.is_empty() {
        let _ = write!(out, " {}", function.name);
    }
    if !matches!(function.kind, FnKind::File | FnKind::ClassBody) {
        print_params(function, out);
    }
    if let Some(ret) = &function.ret {
        let _ = write!(out, " -> {}", print_type(ret));
    }
    if let Some(parent) = function.parent
        && parent != FnId(0)
    {
        let _ = write!(out, " in fn {}", parent.0);
    }
    out.push('\n');
    for capture in &function.captures {
        let outer = function.parent.map(|p| &facts.functions[p.0 as usize].body.slots);
        let outer = outer.and_then(|slots| slots.get(capture.outer.0 as usize)).map_or("?", |n| n.as_str());
        let by_ref = if capture.by_ref { "&" } else { "" };
        let inner = slot_name(&function.body, capture.inner);
        let _ = writeln!(out, "  capture {by_ref}${outer} as ${inner}");
    }
    let mut printer = Printer { body: &function.body, out: String::new() };
    printer.block(&function.body.root, 1);
    out.push_str(&printer.out);
}

fn print_params(function: &FunctionDecl, out: &mut String) {
    out.push('(');
    for (i, param) in function.params.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        for decorator in &param.decorators {
            let _ = write!(out, "@{} ", print_expr(&function.body, *decorator));
        }
        if param.promoted {
            out.push_str("promoted ");
        }
        out.push_str(match param.kind {
            ParamKind::Normal => "",
            ParamKind::Keyword => "keyword ",
            ParamKind::Rest => "...",
            ParamKind::KeywordRest => "**",
        });
        let _ = write!(out, "${}", param.name);
        if let Some(ty) = &param.ty {
            let _ = write!(out, ": {}", print_type(ty));
        }
        if let Some(default) = param.default {
            let _ = write!(out, " = {}", print_expr(&function.body, default));
        }
    }
    out.push(')');
}

fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not-in",
        BinaryOp::Order => "<",
        BinaryOp::Add => "+",
        BinaryOp::Concat => ".",
        BinaryOp::BitOr => "|",
        BinaryOp::BitAnd => "&",
        BinaryOp::Mod => "%",
        BinaryOp::Other => "op",
    }
}
