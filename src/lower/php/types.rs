//! What does a written type say, in the signature or in a docblock?
//!
//! Types of docblocks are read by hand: their grammar is no part of PHP. Of an intersection the first type is kept.

use tree_sitter::Node;

use super::Lowering;
use crate::base::Name;
use crate::facts::Type;
use crate::syntax::php::{self, Kind};

/// Types nest at most this deep; deeper ones are unknown.
const MAX_TYPE_DEPTH: usize = 24;

/// Names of docblock types that are no classes, and what they are called in PHP.
const BUILT_IN: &[(&str, &str)] = &[
    ("$this", "$this"),
    ("array", "array"),
    ("bool", "bool"),
    ("boolean", "bool"),
    ("callable", "callable"),
    ("double", "float"),
    ("false", "false"),
    ("float", "float"),
    ("int", "int"),
    ("integer", "int"),
    ("iterable", "iterable"),
    ("list", "list"),
    ("mixed", "mixed"),
    ("never", "never"),
    ("noreturn", "never"),
    ("null", "null"),
    ("number", "float"),
    ("numeric", "string"),
    ("object", "object"),
    ("parent", "parent"),
    ("resource", "resource"),
    ("scalar", "scalar"),
    ("self", "self"),
    ("static", "static"),
    ("string", "string"),
    ("true", "true"),
    ("void", "void"),
];

impl<'t> Lowering<'t> {
    /// A type of the grammar.
    pub(super) fn ty(&mut self, node: Node<'t>) -> Type {
        match php::kind(node) {
            Kind::NamedType => {
                let text = self.text_of(node);
                Type::Named(self.names.class(text))
            }
            Kind::PrimitiveType | Kind::BottomType => Type::Named(Name::new(&self.text_of(node).to_ascii_lowercase())),
            Kind::OptionalType => {
                let inner = self.first(node).map_or(Type::Unknown, |n| self.ty(n));
                union(vec![inner, Type::Named(Name::new("null"))])
            }
            Kind::UnionType | Kind::DisjunctiveNormalFormType => {
                let parts = self.named(node);
                union(parts.into_iter().map(|part| self.ty(part)).collect())
            }
            Kind::IntersectionType => self.first(node).map_or(Type::Unknown, |n| self.ty(n)),
            _ => Type::Unknown,
        }
    }

    /// The type that is known of something with a native and a docblock type: the docblock's, unless it says less.
    pub(super) fn merged(&self, native: Option<Type>, doc: Option<Type>) -> Option<Type> {
        match (native, doc) {
            (Some(native), Some(doc)) => {
                let doc_wins = if has_class(&native) { has_class(&doc) && !self.is_template(&doc) } else { !is_vague(&doc) };
                Some(if doc_wins { doc } else { native })
            }
            (native, doc) => native.or(doc),
        }
    }

    fn is_template(&self, ty: &Type) -> bool {
        matches!(ty, Type::Named(name) if self.names.templates.contains(&name.as_str()))
    }
}

/// One of these; unions inside are opened.
pub(super) fn union(parts: Vec<Type>) -> Type {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Type::Union(inner) => flat.extend(inner),
            part => flat.push(part),
        }
    }
    match flat.len() {
        1 => flat.swap_remove(0),
        _ => Type::Union(flat),
    }
}

/// Names a class, or says what a container holds.
fn has_class(ty: &Type) -> bool {
    match ty {
        Type::Named(name) => !BUILT_IN.iter().any(|(_, known)| *known == name.as_str()) || is_relative(*name),
        Type::Apply(..) => true,
        Type::Union(parts) => parts.iter().any(has_class),
        Type::Unknown => false,
    }
}

fn is_relative(name: Name) -> bool {
    matches!(name.as_str(), "self" | "static" | "parent" | "$this")
}

fn is_vague(ty: &Type) -> bool {
    match ty {
        Type::Named(name) => name.as_str() == "mixed",
        Type::Unknown => true,
        Type::Union(parts) => parts.iter().all(is_vague),
        Type::Apply(..) => false,
    }
}

/// Reads docblock text from a position on.
pub(super) struct DocReader<'a, 't> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    lowering: &'a mut super::names::Names<'t>,
    depth: usize,
}

impl<'a, 't> DocReader<'a, 't> {
    pub(super) fn new(text: &'t str, at: usize, names: &'a mut super::names::Names<'t>) -> DocReader<'a, 't> {
        DocReader { text, at, lowering: names, depth: 0 }
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Skips blanks of this line.
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
    }

    /// Skips blanks and line ends with the stars after them: inside brackets a type may go on there.
    fn lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                b'\r' | b'\n' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek() == b'*' && !self.rest().starts_with("*/") {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    pub(super) fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '\\') || !c.is_ascii())).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A variable's name, without `$`; `&` and `...` before it are skipped.
    pub(super) fn variable(&mut self) -> Option<&'t str> {
        self.blanks();
        let start = self.at;
        self.eat("&");
        self.eat("...");
        if !self.eat("$") {
            self.at = start;
            return None;
        }
        Some(self.word())
    }

    /// A type; `None` if none stands here.
    pub(super) fn ty(&mut self) -> Option<Type> {
        self.blanks();
        if self.depth >= MAX_TYPE_DEPTH {
            return None;
        }
        self.depth += 1;
        let ty = self.union();
        self.depth -= 1;
        ty
    }

    fn union(&mut self) -> Option<Type> {
        let mut parts = vec![self.single()?];
        loop {
            let before = self.at;
            self.blanks();
            if self.eat("|") {
                self.lines();
                match self.single() {
                    Some(part) => parts.push(part),
                    None => break,
                }
            } else if self.peek() == b'&' && !self.rest()[1..].trim_start().starts_with(['$', '.']) {
                self.at += 1;
                self.blanks();
                if self.single().is_none() {
                    break;
                }
            } else {
                self.at = before;
                break;
            }
        }
        Some(union(parts))
    }

    fn single(&mut self) -> Option<Type> {
        self.blanks();
        let mut ty = match self.peek() {
            b'?' => {
                self.at += 1;
                self.blanks();
                let inner = self.single_nested()?;
                return Some(union(vec![inner, Type::Named(Name::new("null"))]));
            }
            b'(' => self.group(),
            b'\'' | b'"' => {
                let quote = self.peek() as char;
                let length = self.rest()[1..].find(quote).map_or(1, |i| i + 2);
                self.at += length;
                Type::Named(Name::new("string"))
            }
            b'-' | b'0'..=b'9' => {
                self.at += 1;
                while matches!(self.peek(), b'0'..=b'9' | b'.' | b'_') {
                    self.at += 1;
                }
                Type::Named(Name::new("int"))
            }
            b'*' if !self.rest().starts_with("*/") => {
                self.at += 1;
                Type::Unknown
            }
            _ => self.named()?,
        };
        while self.eat("[]") {
            ty = Type::Apply(Name::new("array"), vec![ty]);
        }
        Some(ty)
    }

    fn single_nested(&mut self) -> Option<Type> {
        if self.depth >= MAX_TYPE_DEPTH {
            return None;
        }
        self.depth += 1;
        let ty = self.single();
        self.depth -= 1;
        ty
    }

    /// `(A|B)`; anything else in parentheses is unknown.
    fn group(&mut self) -> Type {
        let start = self.at;
        self.at += 1;
        self.lines();
        let inner = self.ty();
        self.lines();
        if let Some(inner) = inner
            && self.eat(")")
        {
            return inner;
        }
        self.at = start;
        self.skip_brackets();
        Type::Unknown
    }

    /// From an opening bracket past its closing one.
    fn skip_brackets(&mut self) {
        let mut open = 0usize;
        for (i, c) in self.rest().bytes().enumerate() {
            match c {
                b'(' | b'{' | b'<' | b'[' => open += 1,
                b')' | b'}' | b'>' | b']' => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        self.at += i + 1;
                        return;
                    }
                }
                _ => (),
            }
        }
        self.at = self.text.len();
    }

    fn named(&mut self) -> Option<Type> {
        let start = self.at;
        self.eat("$");
        self.word();
        while self.peek() == b'-' && self.text.as_bytes().get(self.at + 1).is_some_and(u8::is_ascii_alphabetic) {
            self.at += 1;
            self.word();
        }
        let written = &self.text[start..self.at];
        if written.is_empty() || written.starts_with('$') && written != "$this" {
            self.at = start;
            return None;
        }
        if self.eat("::") {
            self.eat("class");
            self.word();
            self.eat("*");
            return Some(Type::Unknown);
        }
        let name = self.name(written);
        match self.peek() {
            b'<' => {
                self.at += 1;
                Some(self.arguments(name))
            }
            b'{' => {
                self.skip_brackets();
                Some(Type::Named(name))
            }
            b'(' if matches!(name.last_segment(), "callable" | "Closure") => {
                self.skip_brackets();
                if self.eat(":") {
                    self.blanks();
                    self.single_nested();
                }
                Some(Type::Named(name))
            }
            _ => Some(Type::Named(name)),
        }
    }

    fn name(&mut self, written: &'t str) -> Name {
        let short = written.strip_prefix("non-empty-").unwrap_or(written);
        for (known, name) in BUILT_IN {
            if short.eq_ignore_ascii_case(known) {
                return Name::new(name);
            }
        }
        match short {
            "class-string" | "interface-string" => return Name::new("class-string"),
            _ if short.ends_with("-string") => return Name::new("string"),
            _ if short.ends_with("-int") => return Name::new("int"),
            _ if short.contains('-') => return Name::new(short),
            _ => (),
        }
        if self.lowering.templates.contains(&written) {
            return Name::new(written);
        }
        self.lowering.class(written)
    }

    fn arguments(&mut self, name: Name) -> Type {
        let mut args = Vec::new();
        loop {
            self.lines();
            for word in ["covariant ", "contravariant "] {
                self.eat(word);
            }
            match self.ty() {
                Some(arg) => args.push(arg),
                None => {
                    // Past the closing bracket, as if it had just been opened.
                    self.skip_to_close();
                    break;
                }
            }
            self.lines();
            if self.eat(",") {
                continue;
            }
            if !self.eat(">") {
                self.skip_to_close();
            }
            break;
        }
        if name.as_str() == "int" || args.is_empty() {
            return Type::Named(name);
        }
        Type::Apply(name, args)
    }

    fn skip_to_close(&mut self) {
        match self.rest().find(['>', '\n']) {
            Some(i) if self.text.as_bytes()[self.at + i] == b'>' => self.at += i + 1,
            Some(i) => self.at += i,
            None => self.at = self.text.len(),
        }
    }
}
