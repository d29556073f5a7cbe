//! What does a component tag stand for?

use super::php_text::PhpText;
use super::scan;
use super::translate::{BlockKind, RESERVED, Translator};
use crate::base::Range;
use crate::facts::Why;
use crate::lower::template::lexer::{find_byte, trimmed};

/// Beginnings of tags that are components, and whether their components are live ones.
const PREFIXES: &[(&str, bool)] = &[("x-", false), ("x:", false), ("livewire:", true), ("flux:", false)];

/// A part of a tag.
enum Part {
    /// `:name="expr"`
    Bound(Range, Range),
    /// `:$name`
    Short(Range),
    /// `name="text"`, `name`
    Text(Range, Option<Range>),
    /// `{{ expr }}`
    Echo(Range),
    /// `@class(…)`: its name and arguments.
    Call(Range, Range),
}

impl<'t> Translator<'t> {
    /// Translates what may be a component tag; gives where to go on.
    pub fn component_tag(&mut self, at: usize) -> usize {
        let is_end = self.bytes.get(at + 1) == Some(&b'/');
        let from = at + 1 + usize::from(is_end);
        let rest = &self.text.as_bytes()[from..];
        let prefix = PREFIXES.iter().find(|(prefix, _)| rest.starts_with(prefix.as_bytes()));
        let Some(&(prefix, is_live)) = prefix else {
            return at + 1;
        };
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':')).count();
        let full = Range::new(from, from + length);
        let name_end = from + length;
        if is_end {
            let end = find_byte(self.bytes, b'>', name_end).filter(|end| self.text[name_end..*end].trim().is_empty());
            let Some(end) = end else { return at + 1 };
            let key = slot_key(self.part(full));
            self.close(key, end + 1);
            return end + 1;
        }
        if length <= prefix.len() {
            return at + 1;
        }
        let mut furthest = name_end;
        let Some((parts, end, is_closed)) = self.tag_parts(name_end, &mut furthest) else {
            self.spend(furthest - name_end);
            return at + 1;
        };
        let name = match prefix {
            "flux:" => full,
            _ => Range::new(from + prefix.len(), name_end),
        };
        let whole = Range::new(at, end);
        let key = slot_key(self.part(full));
        self.effects(at, &parts);
        if key == "x-slot" {
            self.attribute_effects(&parts);
            if !is_closed {
                self.open(key, BlockKind::Other, "", whole);
            }
            return end;
        }
        let function = if is_live { "live" } else { "component" };
        let head = |out: &mut PhpText, text: &str| {
            out.push(RESERVED);
            out.push(function);
            out.push("(");
            component_name(out, text, name, &parts);
            out.push(", [");
            for part in &parts {
                write_part(out, text, part);
            }
            out.push("]\n");
        };
        if is_closed {
            self.emit(|out, text| {
                out.anchor(at, "");
                head(out, text);
                out.at(end, ");");
            });
        } else {
            self.block(key, BlockKind::Other, "}", whole, |out, text| {
                out.anchor(at, "if (");
                head(out, text);
                out.at(end, ")");
                out.push(") {");
            });
        }
        end
    }

    /// Expressions in a tag that are no attributes run before it.
    fn effects(&mut self, at: usize, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Echo(expr) => {
                    let expr = *expr;
                    self.emit(|out, text| {
                        out.anchor(expr.start as usize, "");
                        out.copy(text, expr);
                        out.push("\n;");
                    });
                }
                Part::Call(name, args) => {
                    let whole = Range::new(at, args.end as usize);
                    let name = self.part(*name);
                    self.test_call(name, whole, Some(*args));
                }
                _ => {}
            }
        }
    }

    /// Attributes of a slot are expressions of the template around it.
    fn attribute_effects(&mut self, parts: &[Part]) {
        let mut values = Vec::new();
        for part in parts {
            match part {
                Part::Bound(_, value) | Part::Short(value) => values.push(*value),
                Part::Text(_, Some(value)) => values.extend(echoes(self.text, *value)),
                Part::Text(_, None) | Part::Echo(_) | Part::Call(..) => {}
            }
        }
        for value in values {
            self.statements(value.start as usize, value);
        }
    }

    /// The parts of a tag after its name, where it ends, and whether it closes itself. `None` if this is no tag.
    fn tag_parts(&mut self, from: usize, furthest: &mut usize) -> Option<(Vec<Part>, usize, bool)> {
        let mut parts = Vec::new();
        let mut at = from;
        loop {
            at = self.skip_space(at);
            *furthest = at;
            if at - from > self.reach() {
                return None;
            }
            let rest = &self.bytes[at.min(self.bytes.len())..];
            match rest {
                [b'>', ..] => return Some((parts, at + 1, false)),
                [b'/', b'>', ..] => return Some((parts, at + 2, true)),
                [b'/', ..] => at += 1,
                [b'{', b'{', b'-', b'-', ..] => at = self.find("--}}", at + 4)? + 4,
                [b'{', b'{', ..] => {
                    let end = self.find("}}", at + 2)?;
                    self.echo_part(at + 2, end, &mut parts);
                    at = end + 2;
                }
                [b'{', b'!', b'!', ..] => {
                    let end = self.find("!!}", at + 3)?;
                    self.echo_part(at + 3, end, &mut parts);
                    at = end + 3;
                }
                [b'@', ..] if self.is_call(at) => {
                    let name = super::translate::name_length(&self.text[at + 1..]);
                    let open = at + 1 + name;
                    let end = self.closing(open)?;
                    let args = Range::new(open, end);
                    if scan::is_code(self.text, self.inside(args)) {
                        parts.push(Part::Call(Range::new(at + 1, open), args));
                    } else {
                        self.gap(args, Why::SyntaxError);
                    }
                    at = end;
                }
                [b':', b'$', ..] => {
                    let name = super::translate::name_length(&self.text[at + 2..]);
                    parts.push(Part::Short(Range::new(at + 1, at + 2 + name)));
                    at += 2 + name;
                }
                [] | [b'<' | b'"' | b'\'' | b'=', ..] => return None,
                _ => at = self.attribute(at, &mut parts)?,
            }
        }
    }

    fn is_call(&self, at: usize) -> bool {
        let name = super::translate::name_length(&self.text[at + 1..]);
        name > 0 && self.bytes.get(at + 1 + name) == Some(&b'(')
    }

    fn echo_part(&mut self, from: usize, to: usize, parts: &mut Vec<Part>) {
        let expr = trimmed(self.bytes, from, to);
        if scan::is_code(self.text, expr) {
            parts.push(Part::Echo(expr));
        } else if expr.start < expr.end {
            self.gap(expr, Why::SyntaxError);
        }
    }

    fn attribute(&mut self, start: usize, parts: &mut Vec<Part>) -> Option<usize> {
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'<' | b'"' | b'\'');
        let mut end = start;
        while end < self.bytes.len() && !ends(&self.bytes[end]) {
            // `<x-a b/>`
            if self.bytes[end..].starts_with(b"/>") {
                break;
            }
            end += 1;
        }
        let name = Range::new(start, end);
        let equals = self.skip_space(end);
        if self.bytes.get(equals) != Some(&b'=') {
            parts.push(Part::Text(name, None));
            return Some(end);
        }
        let from = self.skip_space(equals + 1);
        let (value, after) = match self.bytes.get(from)? {
            quote @ (b'"' | b'\'') => {
                let needle = if *quote == b'"' { "\"" } else { "'" };
                let end = self.find(needle, from + 1)?;
                (Range::new(from + 1, end), end + 1)
            }
            _ => {
                let mut end = from;
                while end < self.bytes.len() && !ends(&self.bytes[end]) {
                    end += 1;
                }
                (Range::new(from, end), end)
            }
        };
        let text = self.part(name);
        match text.strip_prefix(':') {
            Some(rest) if !rest.starts_with(':') => {
                let name = Range::new(start + 1, end);
                let value = trimmed(self.bytes, value.start as usize, value.end as usize);
                if scan::is_code(self.text, value) {
                    parts.push(Part::Bound(name, value));
                } else if value.start < value.end {
                    self.gap(value, Why::SyntaxError);
                }
            }
            Some(_) => {}
            None => parts.push(Part::Text(name, Some(value))),
        }
        Some(after)
    }
}

/// All slots are ended alike.
fn slot_key(tag: &str) -> &str {
    match tag == "x-slot" || tag.starts_with("x-slot:") {
        true => "x-slot",
        false => tag,
    }
}

/// The component: the name of the tag, or what a dynamic component is told to be.
fn component_name(out: &mut PhpText, text: &str, name: Range, parts: &[Part]) {
    let tag = &text[name.start as usize..name.end as usize];
    if matches!(tag, "dynamic-component" | "dynamic-component.") {
        for part in parts {
            match part {
                Part::Bound(attribute, value) if is_target(text, *attribute) => {
                    out.copy(text, *value);
                    return;
                }
                Part::Text(attribute, Some(value)) if is_target(text, *attribute) => {
                    quoted(out, text, *value);
                    return;
                }
                _ => {}
            }
        }
    }
    quoted(out, text, name);
}

fn is_target(text: &str, name: Range) -> bool {
    matches!(&text[name.start as usize..name.end as usize], "component" | "is")
}

/// A string literal with this text.
fn quoted(out: &mut PhpText, text: &str, range: Range) {
    let part = &text[range.start as usize..range.end as usize];
    out.at(range.start as usize, "'");
    if part.contains(['\'', '\\']) {
        out.push(&part.replace('\\', "\\\\").replace('\'', "\\'"));
    } else {
        out.copy(text, range);
    }
    out.push("'");
}

fn write_part(out: &mut PhpText, text: &str, part: &Part) {
    match part {
        Part::Bound(name, value) => {
            key(out, text, *name);
            out.copy(text, *value);
            out.push("\n, ");
        }
        Part::Short(variable) => {
            let name = Range::new(variable.start as usize + 1, variable.end as usize);
            key(out, text, name);
            out.copy(text, *variable);
            out.push(", ");
        }
        Part::Text(name, value) => write_text(out, text, *name, *value),
        Part::Echo(_) | Part::Call(..) => {}
    }
}

fn write_text(out: &mut PhpText, text: &str, name: Range, value: Option<Range>) {
    let attribute = &text[name.start as usize..name.end as usize];
    let is_plain = attribute.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let Some(value) = value else {
        if is_plain {
            key(out, text, name);
            out.push("true, ");
        }
        return;
    };
    let echoes = echoes(text, value);
    if echoes.is_empty() {
        if is_plain {
            key(out, text, name);
            quoted(out, text, value);
            out.push(", ");
        }
        return;
    }
    key(out, text, name);
    out.push("''");
    for echo in echoes {
        out.push(" . (");
        out.copy(text, echo);
        out.push("\n)");
    }
    out.push(", ");
}

/// The expressions echoed in the value of an attribute.
fn echoes(text: &str, value: Range) -> Vec<Range> {
    let code = &text.as_bytes()[..value.end as usize];
    let mut found = Vec::new();
    let mut at = value.start as usize;
    while let Some(open) = find_byte(code, b'{', at) {
        let (skip, close) = match &code[open..] {
            [b'{', b'{', ..] => (2, &b"}}"[..]),
            [b'{', b'!', b'!', ..] => (3, &b"!!}"[..]),
            _ => {
                at = open + 1;
                continue;
            }
        };
        let Some(end) = crate::lower::template::lexer::find(code, close, open + skip) else {
            break;
        };
        let expr = trimmed(code, open + skip, end);
        let is_escaped = open > 0 && code[open - 1] == b'@';
        if !is_escaped && scan::is_code(text, expr) {
            found.push(expr);
        }
        at = end + close.len();
    }
    found
}

/// `'camelCase' => `
fn key(out: &mut PhpText, text: &str, name: Range) {
    let attribute = &text[name.start as usize..name.end as usize];
    let mut camel = String::new();
    let mut upper = false;
    for c in attribute.chars() {
        match c {
            '-' => upper = !camel.is_empty(),
            '\'' | '\\' => {}
            c if upper => {
                camel.extend(c.to_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    out.at(name.start as usize, "'");
    out.push(&camel);
    out.push("' => ");
}
