//! What does each directive stand for?

use super::layout::PLAIN;
use super::php_text::PhpText;
use super::scan;
use super::translate::{Block, BlockKind, RESERVED, Translator};
use crate::base::Range;
use crate::facts::Why;

/// Without arguments these are words in a text.
const NEED_ARGUMENTS: &[&str] = &["if", "elseif", "unless", "isset", "foreach", "forelse", "for", "while", "switch", "case"];

/// Where arguments are copied: if they are no code, something is lost.
const COPIED: &[&str] = &["if", "elseif", "unless", "isset", "empty", "for", "while", "switch", "case", "break", "continue"];

/// Tests that need no arguments.
const BARE_TESTS: &[&str] = &["auth", "guest", "production"];

/// Directives that test something with a meaning of its own and have arms.
const TESTS: &[&str] = &[
    "auth",
    "guest",
    "production",
    "can",
    "cannot",
    "canany",
    "env",
    "error",
    "session",
    "context",
    "hasSection",
    "sectionMissing",
    "hasStack",
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

/// Directives are found without regard to case: these are the ones that people write in their own.
const SPELLED: &[&str] = &[
    "if",
    "elseif",
    "else",
    "endif",
    "unless",
    "endunless",
    "isset",
    "endisset",
    "empty",
    "endempty",
    "foreach",
    "endforeach",
    "forelse",
    "endforelse",
    "for",
    "endfor",
    "while",
    "endwhile",
    "switch",
    "case",
    "default",
    "endswitch",
    "include",
    "includeIf",
    "includeWhen",
    "includeUnless",
    "extends",
    "section",
    "endsection",
    "yield",
    "endcan",
    "endauth",
    "endguest",
    "endpush",
    "endcomponent",
    "endslot",
];

/// The directive as the tables here spell it.
fn canonical(name: &str) -> &str {
    let same = SPELLED.iter().find(|s| s.eq_ignore_ascii_case(name));
    same.copied().unwrap_or(name)
}

impl<'t> Translator<'t> {
    /// Translates a directive; gives where to go on.
    pub fn directive(&mut self, name_range: Range, args: Option<Range>) -> usize {
        let name = canonical(self.part(name_range));
        let at = name_range.start as usize - 1;
        let end = args.map_or(name_range.end, |a| a.end) as usize;
        let whole = Range::new(at, end);
        match name {
            "verbatim" => {
                let after = name_range.end as usize;
                return self.find("@endverbatim", after).map_or(after, |i| i + "@endverbatim".len());
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
            if scan::is_code(self.text, inner) {
                self.statements(whole.start as usize, inner);
            } else {
                self.gap(whole, Why::SyntaxError);
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
        let given = args;
        let args = args.filter(|a| {
            let inner = self.inside(*a);
            inner.start == inner.end || scan::is_code(self.text, inner)
        });
        if given.is_some() && args.is_none() && COPIED.contains(&name) {
            self.gap(whole, Why::SyntaxError);
        }
        let code = args.filter(|a| {
            let inner = self.inside(*a);
            inner.start < inner.end
        });
        if args.is_none() && NEED_ARGUMENTS.contains(&name) && !self.has_bracket(end) {
            return true;
        }
        match name {
            "if" | "unless" | "isset" => self.branch("if", name, whole, code),
            "empty" => match code {
                Some(_) => self.branch("if", name, whole, code),
                None => self.forelse_empty(start),
            },
            // `"@context": "https://…"` is data.
            _ if TESTS.contains(&name) && (code.is_some() || BARE_TESTS.contains(&name)) => {
                self.branch("if", name, whole, args);
            }
            _ if TESTS.contains(&name) => return true,
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

    /// Does a bracket follow, even if it is never closed?
    fn has_bracket(&self, at: usize) -> bool {
        self.bytes.get(self.skip_space(at)) == Some(&b'(')
    }

    /// `@end…`
    fn named_end(&mut self, name: &'t str, end: usize) -> bool {
        let Some(ended) = name.strip_prefix("end") else {
            return false;
        };
        // `@endPushOnce` ends `@pushOnce`.
        let plain = PLAIN.iter().find(|(opening, _)| opening.eq_ignore_ascii_case(ended));
        let key = match plain {
            Some((_, key)) => key,
            None if TESTS.contains(&ended) => "if",
            None if ended.starts_with("Push") || ended == "pushIf" => "push",
            None if ended.starts_with("Prepend") => "prepend",
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
            self.spend(args.map_or(0, |a| (a.end - a.start) as usize));
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
