//! What type does an annotation name?
//!
//! Annotations are read as text, so that a quoted one (`"list[Post]"`) and a plain one are the same.

use crate::base::Name;
use crate::facts::Type;

/// Annotations nest less deeply than this; what is deeper is unknown.
const MAX_NESTING: usize = 40;

/// The type that an annotation or a base class names.
pub(super) fn parse(text: &str) -> Type {
    let mut reader = Reader { text, at: 0 };
    let ty = reader.union(0);
    reader.space();
    if reader.at == text.len() { ty } else { Type::Unknown }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips blanks, comments and line continuations.
    fn space(&mut self) {
        while let Some(b) = self.peek() {
            if b.is_ascii_whitespace() || b == b'\\' {
                self.at += 1;
            } else if b == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.at += 1;
                }
            } else {
                break;
            }
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn union(&mut self, depth: usize) -> Type {
        let mut parts = vec![self.one(depth)];
        while self.eat(b'|') {
            parts.push(self.one(depth));
        }
        join(parts)
    }

    fn one(&mut self, depth: usize) -> Type {
        self.space();
        if depth > MAX_NESTING {
            return self.skip();
        }
        match self.peek() {
            Some(b'"' | b'\'') => self.quoted(depth),
            Some(b'(') => {
                self.at += 1;
                let inner = self.union(depth + 1);
                if self.eat(b')') { inner } else { self.skip() }
            }
            Some(b) if b == b'_' || b.is_ascii_alphabetic() || b >= 0x80 => self.named(depth),
            _ => self.skip(),
        }
    }

    fn quoted(&mut self, depth: usize) -> Type {
        let rest = &self.text[self.at..];
        let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { &rest[..3] } else { &rest[..1] };
        let inner = &rest[quote.len()..];
        let Some(end) = inner.find(quote) else {
            return self.skip();
        };
        let mut reader = Reader { text: &inner[..end], at: 0 };
        let ty = reader.union(depth + 1);
        reader.space();
        let whole = reader.at == end;
        self.at += end + 2 * quote.len();
        if whole { ty } else { Type::Unknown }
    }

    fn word(&mut self) -> &'t str {
        self.space();
        let start = self.at;
        while self.peek().is_some_and(|b| b == b'_' || b.is_ascii_alphanumeric() || b >= 0x80) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn named(&mut self, depth: usize) -> Type {
        let first = self.word();
        let mut dotted = String::new();
        while self.eat(b'.') {
            if dotted.is_empty() {
                dotted.push_str(first);
            }
            dotted.push('.');
            dotted.push_str(self.word());
        }
        let name = if dotted.is_empty() { first } else { &dotted };
        let last = name.rsplit('.').next().unwrap_or(name);
        self.space();
        match self.peek() {
            Some(b'[') if last == "Literal" => {
                self.skip();
                Type::Named(Name::new(name))
            }
            Some(b'[') => {
                self.at += 1;
                let args = self.arguments(depth + 1);
                self.space();
                if matches!(self.peek(), Some(b'[' | b'(' | b'.')) {
                    return self.skip();
                }
                apply(name, last, args)
            }
            Some(b'(') => self.skip(),
            _ if name == "None" => Type::Named(Name::new("null")),
            _ => Type::Named(Name::new(name)),
        }
    }

    /// The arguments up to and including the closing bracket. `...` is no argument.
    fn arguments(&mut self, depth: usize) -> Vec<Type> {
        let mut args = Vec::new();
        loop {
            self.space();
            if self.text[self.at..].starts_with("...") {
                self.at += 3;
            } else if !matches!(self.peek(), None | Some(b']' | b',')) {
                let arg = self.union(depth);
                self.space();
                let ends = matches!(self.peek(), None | Some(b']' | b','));
                args.push(if ends { arg } else { self.skip() });
            }
            if self.eat(b',') {
                continue;
            }
            self.eat(b']');
            return args;
        }
    }

    /// Passes over what is no type, up to the next `,`, `|` or closing bracket of this level.
    fn skip(&mut self) -> Type {
        let mut open = 0usize;
        while let Some(b) = self.peek() {
            match b {
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' if open == 0 => break,
                b')' | b']' | b'}' => open -= 1,
                b',' | b'|' if open == 0 => break,
                b'"' | b'\'' => {
                    let inner = &self.text[self.at + 1..];
                    self.at += inner.find(char::from(b)).unwrap_or(inner.len());
                    self.at += 1;
                }
                _ => (),
            }
            self.at = (self.at + 1).min(self.text.len());
        }
        Type::Unknown
    }
}

fn apply(name: &str, last: &str, mut args: Vec<Type>) -> Type {
    match last {
        "Optional" => {
            args.truncate(1);
            args.push(Type::Named(Name::new("null")));
            join(args)
        }
        "Union" => join(args),
        "Annotated" if !args.is_empty() => args.swap_remove(0),
        _ => Type::Apply(Name::new(name), args),
    }
}

/// One type of several: unions within are flattened, repetitions left out.
fn join(parts: Vec<Type>) -> Type {
    let mut all: Vec<Type> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Type::Union(inner) => inner.into_iter().for_each(|ty| add(&mut all, ty)),
            Type::Named(_) | Type::Apply(..) | Type::Unknown => add(&mut all, part),
        }
    }
    if all.len() == 1 { all.swap_remove(0) } else { Type::Union(all) }
}

fn add(all: &mut Vec<Type>, ty: Type) {
    if !all.contains(&ty) {
        all.push(ty);
    }
}
