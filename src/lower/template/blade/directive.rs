//! What does each directive stand for?

use super::php_text::PhpText;
use super::scan;
use super::translate::{Block, BlockKind, RESERVED, Translator};
use crate::base::Range;
use crate::facts::Why;

/// Directives that test something with a meaning of its own and have arms.
const TESTS: &[&str] = &[
    "auth",
    "guest",
    "can",
    "cannot",
    "canany",
    "env",
    "production",
    "error",
    "session",
    "context",
    "hasSection",
    "sectionMissing",
    "hasStack",
];

/// Blocks whose content simply runs where it stands.
const PLAIN: &[(&str, &str)] = &[
    ("push", "push"),
    ("pushOnce", "push"),
    ("prepend", "prepend"),
    ("prependOnce", "prepend"),
    ("once", "once"),
    ("fragment", "fragment"),
];

/// At-rules of style sheets, which look like directives.
const STYLE_RULES: &[&str] = &[
    "media",
    "import",
    "supports",
    "layer",
    "container",
    "keyframes",
    "page",
    "charset",
    "namespace",
    "property",
    "font",
    "screen",
    "apply",
    "tailwind",
    "variants",
    "include-media",
    "scope",
    "document",
    "viewport",
];

impl<'t> Translator<'t> {
    /// Translates a directive; gives where to go on.
    pub fn directive(&mut self, name_range: Range, args: Option<Range>) -> usize {
        let name = self.part(name_range);
        let at = name_range.start as usize - 1;
        let end = args.map_or(name_range.end, |a| a.end) as usize;
        let whole = Range::new(at, end);
        match name {
            "verbatim" => {
                let after = name_range.end as usize;
                return self
                    .find("@endverbatim", after)
                    .map_or(after, |i| i + "@endverbatim".len());
            }
            "php" => return self.php(whole, name_range.end as usize, args),
            _ => {}
        }
        if self.control(name, whole, args) || self.layout(name, whole, args) {
            return end;
        }
        match self.other(name, whole, args) {
            true => end,
            false => name_range.end as usize,
        }
    }

    fn php(&mut self, whole: Range, after_name: usize, args: Option<Range>) -> usize {
        if let Some(args) = args {
            let inner = self.inside(args);
            if scan::is_closed(self.bytes, inner) {
                self.statements(whole.start as usize, inner);
            }
            return args.end as usize;
        }
        let Some(end) = self.find("@endphp", after_name) else {
            return after_name;
        };
        self.statements(whole.start as usize, Range::new(after_name, end));
        end + "@endphp".len()
    }

    /// Branches, loops and what leaves them.
    fn control(&mut self, name: &'t str, whole: Range, args: Option<Range>) -> bool {
        let start = whole.start as usize;
        let end = whole.end as usize;
        // An argument list that is not closed code cannot be copied.
        let args = args.filter(|a| {
            let inner = self.inside(*a);
            inner.start == inner.end || scan::is_closed(self.bytes, inner)
        });
        let code = args.filter(|a| {
            let inner = self.inside(*a);
            inner.start < inner.end
        });
        match name {
            "if" | "unless" | "isset" => self.branch("if", name, whole, code),
            "empty" => match code {
                Some(_) => self.branch("if", name, whole, code),
                None => self.forelse_empty(start),
            },
            _ if TESTS.contains(&name) => self.branch("if", name, whole, args),
            "elseif" => self.arm("if", whole, code),
            "else" => self.otherwise(start),
            "foreach" | "forelse" => self.for_each(name, whole, code),
            "for" | "while" => {
                let head = if name == "for" { "for " } else { "while " };
                self.block(name, BlockKind::Other, "}", whole, |out, text| {
                    out.anchor(start, head);
                    match code {
                        Some(args) => out.copy(text, args),
                        None => out.push("(;false;)"),
                    }
                    out.push(" {");
                });
            }
            "switch" => {
                self.block(name, BlockKind::Switch, "}", whole, |out, text| {
                    out.anchor(start, "switch ");
                    match code {
                        Some(args) => out.copy(text, args),
                        None => out.push("(null)"),
                    }
                    out.push(" {");
                });
            }
            "case" | "default" => self.case(name, whole, code),
            "break" | "continue" => {
                let word = if name == "break" { "break" } else { "continue" };
                let inner = code.map(|a| self.inside(a));
                let count = inner.filter(|i| self.part(*i).bytes().all(|b| b.is_ascii_digit()));
                self.emit(|out, text| match (count, code) {
                    (Some(count), _) => {
                        out.anchor(start, word);
                        out.push(" ");
                        out.copy(text, count);
                        out.at(end, ";");
                    }
                    (None, Some(cond)) => {
                        out.anchor(start, "if ");
                        out.copy(text, cond);
                        out.push(" { ");
                        out.at(start, word);
                        out.push(";");
                        out.at(end, " }");
                    }
                    (None, None) => {
                        out.anchor(start, word);
                        out.at(end, ";");
                    }
                });
            }
            "endif" | "endunless" | "endisset" | "endempty" => {
                self.close("if", end);
            }
            "stop" | "show" | "append" | "overwrite" => {
                self.close("section", end);
            }
            _ => return self.named_end(name, end) || self.named_arm(name, whole, args),
        }
        true
    }

    /// `@end…`
    fn named_end(&mut self, name: &'t str, end: usize) -> bool {
        let Some(ended) = name.strip_prefix("end") else {
            return false;
        };
        let plain = PLAIN.iter().find(|(opening, _)| *opening == ended);
        let key = match plain {
            Some((_, key)) => key,
            None if TESTS.contains(&ended) => "if",
            None if ended == "pushIf" => "push",
            None if ended == "componentFirst" => "component",
            None => ended,
        };
        self.close(key, end);
        true
    }

    /// `@else…` of a test.
    fn named_arm(&mut self, name: &'t str, whole: Range, args: Option<Range>) -> bool {
        let Some(test) = name.strip_prefix("else") else {
            return false;
        };
        let is_known = TESTS.contains(&test);
        if !is_known && !self.ended.contains(test) {
            return false;
        }
        self.arm(test, whole, args);
        true
    }

    fn branch(&mut self, key: &'t str, test: &'t str, whole: Range, args: Option<Range>) {
        let end = whole.end as usize;
        self.block(key, BlockKind::If, "}", whole, |out, text| {
            out.anchor(whole.start as usize, "if (");
            condition(out, text, test, end, args);
            out.push(") {");
        });
    }

    fn arm(&mut self, test: &'t str, whole: Range, args: Option<Range>) {
        let start = whole.start as usize;
        let is_branch = |b: &Block<'_>| b.kind == BlockKind::If;
        if !self.close_down_to(is_branch, start) {
            return;
        }
        let end = whole.end as usize;
        self.emit(|out, text| {
            out.anchor(start, "} elseif (");
            condition(out, text, test, end, args);
            out.push(") {");
        });
    }

    fn otherwise(&mut self, start: usize) {
        let is_branch = |b: &Block<'_>| b.kind == BlockKind::If;
        if !self.close_down_to(is_branch, start) {
            return;
        }
        if let Some(block) = self.blocks.last_mut() {
            block.kind = BlockKind::Else;
        }
        self.emit(|out, _| out.anchor(start, "} else {"));
    }

    fn for_each(&mut self, name: &'t str, whole: Range, args: Option<Range>) {
        let args = args.filter(|a| {
            let code = self.part(*a);
            code.contains(" as ") || code.split_whitespace().any(|w| w == "as")
        });
        let Some(args) = args else {
            self.gap(whole, Why::SyntaxError);
            self.open(name, BlockKind::Other, "", whole);
            return;
        };
        let is_forelse = name == "forelse";
        let (kind, close) = match is_forelse {
            true => (BlockKind::Forelse, "} }"),
            false => (BlockKind::Other, "}"),
        };
        self.block(name, kind, close, whole, |out, text| {
            if is_forelse {
                out.anchor(whole.start as usize, "if (");
                out.push(RESERVED);
                out.push("forelse()) {");
            }
            out.anchor(whole.start as usize, "foreach ");
            out.copy(text, args);
            out.push(" {");
        });
    }

    /// `@empty` without arguments.
    fn forelse_empty(&mut self, start: usize) {
        let is_forelse = |b: &Block<'_>| b.kind == BlockKind::Forelse;
        if !self.close_down_to(is_forelse, start) {
            return;
        }
        if let Some(block) = self.blocks.last_mut() {
            block.kind = BlockKind::Other;
            block.close = "}";
        }
        self.emit(|out, _| out.anchor(start, "} } else {"));
    }

    fn case(&mut self, name: &'t str, whole: Range, args: Option<Range>) {
        let start = whole.start as usize;
        let is_switch = |b: &Block<'_>| b.key == "switch" && b.kind != BlockKind::Dead;
        if !self.close_down_to(is_switch, start) {
            return;
        }
        if let Some(block) = self.blocks.last_mut() {
            block.kind = BlockKind::Other;
        }
        let inner = args.map(|a| self.inside(a));
        self.emit(|out, text| match (name, inner) {
            ("case", Some(value)) => {
                out.anchor(start, "case ");
                out.copy(text, value);
                out.push(":");
            }
            _ => out.anchor(start, "default:"),
        });
    }

    /// Directives that render other templates or name parts of this one.
    fn layout(&mut self, name: &'t str, whole: Range, args: Option<Range>) -> bool {
        let start = whole.start as usize;
        let end = whole.end as usize;
        if let Some((_, key)) = PLAIN.iter().find(|(opening, _)| *opening == name) {
            self.open(key, BlockKind::Other, "", whole);
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
        if !scan::is_closed(self.bytes, inner) {
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
            && variable
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_');
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
        let is_path = |s: &str| {
            s.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '\\' | '{' | '}' | ',' | ' '))
        };
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

    /// Directives without a meaning in the language: their arguments are evaluated. False if this is text.
    fn other(&mut self, name: &'t str, whole: Range, args: Option<Range>) -> bool {
        let readable = args.filter(|a| {
            let inner = self.inside(*a);
            inner.start == inner.end || scan::reads_like_code(self.text, inner)
        });
        if self.ended.contains(name) && (readable.is_some() || args.is_none()) {
            self.branch(name, name, whole, readable);
            return readable.is_some();
        }
        let Some(args) = readable else {
            return false;
        };
        let inner = self.inside(args);
        if inner.start < inner.end && !STYLE_RULES.contains(&name) {
            self.test_call(name, whole, Some(args));
        }
        true
    }

    /// `@name(…)` as a call.
    pub fn test_call(&mut self, name: &'t str, whole: Range, args: Option<Range>) {
        self.emit(|out, text| {
            out.anchor(whole.start as usize, "");
            condition(out, text, name, whole.end as usize, args);
            out.at(whole.end as usize, ";");
        });
    }
}

/// What a test directive tests.
fn condition(out: &mut PhpText, text: &str, test: &str, end: usize, args: Option<Range>) {
    match (test, args) {
        ("if", Some(args)) => out.copy(text, args),
        ("unless", Some(args)) => {
            out.push("!");
            out.copy(text, args);
        }
        ("isset" | "empty", Some(args)) => {
            out.push(test);
            out.copy(text, args);
        }
        ("if" | "unless" | "isset" | "empty", None) => out.push("null"),
        (_, args) => {
            out.push(RESERVED);
            out.push("at_");
            out.push(test);
            match args {
                Some(args) => out.copy(text, args),
                None => {
                    out.push("(");
                    out.at(end, ")");
                }
            }
        }
    }
}
