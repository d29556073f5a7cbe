//! Facts of a template as text, for tests.

use crate::facts::print::print;
use crate::facts::{Expr, FileFacts};

/// Prints the functions of the facts without what every template has: the language, the head and the gaps.
pub fn printed(facts: &FileFacts) -> String {
    let text = print(facts);
    let lines = text.lines().filter(|l| {
        !matches!(*l, "DjangoTemplate" | "Jinja" | "Blade" | "fn 0 template()" | "  ")
            && !l.starts_with("gap ")
            && !l.starts_with("comment ")
    });
    let lines: Vec<&str> = lines.map(|l| l.strip_prefix("  ").unwrap_or(l)).collect();
    lines.join("\n")
}

/// The source text at every lookup, attribute read and call.
pub fn places<'t>(facts: &FileFacts, text: &'t str) -> Vec<&'t str> {
    let mut out = Vec::new();
    for f in &facts.functions {
        for (e, r) in f.body.exprs.iter().zip(&f.body.ranges) {
            if matches!(e, Expr::Lookup { .. } | Expr::Attr { .. } | Expr::Call { .. }) {
                out.push(&text[r.start as usize..r.end as usize]);
            }
        }
    }
    out
}
