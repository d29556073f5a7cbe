//! What do the directives stand for that render other templates, name parts of this one, or bring in names?

use super::php_text::PhpText;
use super::scan;
use super::translate::{BlockKind, RESERVED, Translator};
use crate::base::Range;
use crate::facts::Why;

/// Blocks whose content simply runs where it stands.
pub const PLAIN: &[(&str, &str)] = &[
    ("push", "push"),
    ("pushOnce", "pushOnce"),
    ("prepend", "prepend"),
    ("prependOnce", "prependOnce"),
    ("once", "once"),
    ("fragment", "fragment"),
];

/// Those whose content runs once, however often it is come by.
const ONCE: &[&str] = &["pushOnce", "prependOnce", "once"];

impl<'t> Translator<'t> {
    /// Directives that render other templates or name parts of this one.
    pub fn layout(&mut self, name: &'t str, whole: Range, args: Option<Range>) -> bool {
        let start = whole.start as usize;
        let end = whole.end as usize;
        if let Some((_, key)) = PLAIN.iter().find(|(opening, _)| *opening == name) {
            if !ONCE.contains(key) {
                self.open(key, BlockKind::Other, "", whole);
                return true;
            }
            // A place of its own that is tested, and filled at once.
            let place = format!("${RESERVED}once{start}");
            self.block(key, BlockKind::Other, "}", whole, |out, _| {
                out.anchor(start, "if (empty(");
                out.push(&place);
                out.push(")) { ");
                out.push(&place);
                out.push(" = true;");
            });
            return true;
        }
        let known = [
            "include",
            "includeIf",
            "includeFirst",
            "includeIsolated",
            "includeWhen",
            "includeUnless",
            "each",
            "extends",
            "extendsFirst",
            "section",
            "yield",
            "component",
            "componentFirst",
            "slot",
            "livewire",
            "pushIf",
            "inject",
            "use",
            "props",
            "aware",
            "stack",
            "parent",
        ];
        if !known.contains(&name) {
            return false;
        }
        let Some(args) = args else {
            if name == "slot" {
                self.open("slot", BlockKind::Other, "", whole);
            }
            return true;
        };
        let inner = self.inside(args);
        if !scan::is_code(self.text, inner) {
            self.gap(whole, Why::SyntaxError);
            return true;
        }
        let parts = scan::arguments(self.bytes, inner);
        match name {
            "include" | "includeIf" | "includeFirst" => self.call("include", whole, args),
            "includeIsolated" => self.call("include_only", whole, args),
            "each" => self.call("each", whole, args),
            "props" | "aware" => self.test_call(name, whole, Some(args)),
            "livewire" => self.call("live", whole, args),
            "extends" | "extendsFirst" => {
                let text = self.text;
                self.footer.anchor(start, RESERVED);
                self.footer.push("extends");
                self.footer.copy(text, args);
                self.footer.at(end, ";");
            }
            "includeWhen" | "includeUnless" => {
                let [cond, view, ..] = parts[..] else {
                    return true;
                };
                let rest = Range::new(view.start as usize, inner.end as usize);
                let head = match name {
                    "includeWhen" => "if ((",
                    _ => "if (!(",
                };
                self.emit(|out, text| {
                    out.anchor(start, head);
                    out.copy(text, cond);
                    out.push(")) {");
                    out.anchor(start, RESERVED);
                    out.push("include(");
                    out.copy(text, rest);
                    out.push("\n");
                    out.at(end, "); }");
                });
            }
            "section" | "yield" => self.section(name, whole, &parts),
            "component" | "componentFirst" => {
                self.block("component", BlockKind::Other, "}", whole, |out, text| {
                    out.anchor(start, "if (");
                    out.push(RESERVED);
                    out.push("view_component");
                    out.copy(text, args);
                    out.push(") {");
                });
            }
            "slot" => match parts[..] {
                [_, value, ..] => self.echo(whole, value),
                _ => self.open("slot", BlockKind::Other, "", whole),
            },
            "pushIf" => {
                let Some(cond) = parts.first().copied() else {
                    return true;
                };
                self.block("push", BlockKind::If, "}", whole, |out, text| {
                    out.anchor(start, "if (");
                    out.copy(text, cond);
                    out.push(") {");
                });
            }
            "inject" => self.inject(whole, &parts),
            "use" => self.import(whole, &parts),
            _ => {}
        }
        true
    }

    /// A call of one of our own functions with the arguments as they stand.
    fn call(&mut self, name: &str, whole: Range, args: Range) {
        self.emit(|out, text| {
            out.anchor(whole.start as usize, RESERVED);
            out.push(name);
            out.copy(text, args);
            out.at(whole.end as usize, ";");
        });
    }

    fn section(&mut self, name: &'t str, whole: Range, parts: &[Range]) {
        let start = whole.start as usize;
        let end = whole.end as usize;
        let Some(label) = parts.first().copied() else {
            return;
        };
        let head = |out: &mut PhpText, text: &str| {
            out.anchor(start, "if (");
            out.push(RESERVED);
            out.push("section(");
            out.copy(text, label);
            out.push(")) {");
        };
        match (name, parts.get(1).copied()) {
            ("section", None) => {
                self.block("section", BlockKind::Other, "}", whole, head);
            }
            (_, value) => self.emit(|out, text| {
                head(out, text);
                if let Some(value) = value {
                    out.anchor(value.start as usize, "echo ");
                    out.copy(text, value);
                    out.push("\n;");
                }
                out.at(end, " }");
            }),
        }
    }

    /// `@inject('name', 'Class')`
    fn inject(&mut self, whole: Range, parts: &[Range]) {
        let [name, class] = parts else { return };
        let variable = self.part(*name).trim_matches(['"', '\'']);
        let is_name = !variable.is_empty()
            && !variable.starts_with(|c: char| c.is_ascii_digit())
            && variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name {
            return;
        }
        let class = *class;
        self.emit(|out, text| {
            out.anchor(whole.start as usize, "$");
            out.push(variable);
            out.push(" = ");
            out.push(RESERVED);
            out.push("at_inject(");
            out.copy(text, class);
            out.push("\n");
            out.at(whole.end as usize, ");");
        });
    }

    /// `@use('Class', 'alias')`
    fn import(&mut self, whole: Range, parts: &[Range]) {
        let quotes = ['"', '\''];
        let Some(path) = parts.first().map(|p| self.part(*p).trim_matches(quotes)) else {
            return;
        };
        let alias = parts.get(1).map(|p| self.part(*p).trim_matches(quotes));
        let is_path = |s: &str| s.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '\\' | '{' | '}' | ',' | ' '));
        if !is_path(path) || !alias.is_none_or(is_path) {
            return;
        }
        self.prelude.anchor(whole.start as usize, "use ");
        self.prelude.push(path.trim_start_matches('\\'));
        if let Some(alias) = alias {
            self.prelude.push(" as ");
            self.prelude.push(alias);
        }
        self.prelude.at(whole.end as usize, ";");
    }
}
