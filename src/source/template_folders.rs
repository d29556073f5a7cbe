//! Which folders does the code itself name as folders of templates?
//!
//! In: the texts of Python files that assign to a variable that lists such folders, or records with a key that does. Their
//! paths are computed from the file's own, as the code does; what starts from something unknown is looked for in the
//! folders around the file.

use rustc_hash::FxHashMap;

use super::conventions::CONVENTIONS;

/// Expressions nest at most this deep, variables included.
const MAX_DEPTH: usize = 32;
/// At most so many tokens of a value are read.
const MAX_TOKENS: usize = 4000;
/// The path of the file that the code stands in.
const OWN_FILE: &str = "__file__";

/// The folders that these files name, sorted. `candidates` are the files that may be templates.
pub(super) fn told<'a>(files: impl Iterator<Item = (&'a str, &'a str)>, candidates: &[&str]) -> Vec<String> {
    let listed = &CONVENTIONS.templates.listed_in;
    let variables: Vec<(&str, Option<&str>)> =
        listed.iter().map(|l| l.split_once('.').map_or((l.as_str(), None), |(v, k)| (v, Some(k)))).collect();
    let holds_any = |folder: &str| candidates.iter().any(|c| below(c, folder).is_some());
    let mut found = Vec::new();
    for (path, text) in files.filter(|(path, _)| path.ends_with(".py")) {
        let is_read = |(variable, key): &(&str, Option<&str>)| text.contains(variable) && key.is_none_or(|k| text.contains(k));
        if !variables.iter().any(is_read) {
            continue;
        }
        let reader = Reader { path, values: assignments(text) };
        for (variable, key) in &variables {
            for value in reader.values.get(*variable).into_iter().flatten() {
                let mut folders = Vec::new();
                collect(reader.value(value, 0), *key, &mut folders);
                found.extend(folders.into_iter().filter_map(|folder| folder.place(path, holds_any)));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The part of a path below a folder.
pub(super) fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// May a file be a template by its ending, and by the folders that it stands in below this one?
pub(super) fn may_be_template(path: &str, folder: &str) -> bool {
    let names = &CONVENTIONS.templates;
    let Some(rest) = below(path, folder) else { return false };
    has_ending(path) && !rest.split('/').any(|part| names.not_under.iter().any(|n| n == part))
}

/// Has a file the ending of a template?
pub(super) fn has_ending(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| CONVENTIONS.templates.endings.contains(&ending))
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Name(String),
    Text(String),
    Int(usize),
    Sign(char),
}

/// A folder or file: from the root of the project, or from somewhere.
#[derive(Clone, PartialEq, Debug)]
struct Place {
    is_rooted: bool,
    parts: Vec<String>,
}

impl Place {
    fn up(mut self, times: usize) -> Option<Place> {
        for _ in 0..times {
            self.parts.pop()?;
        }
        Some(self)
    }

    fn join(mut self, text: &str) -> Option<Place> {
        // An absolute path starts anew, outside of the project.
        if text.starts_with('/') {
            return None;
        }
        for part in text.split('/') {
            match part {
                "" | "." => (),
                ".." => {
                    self.parts.pop()?;
                }
                part => self.parts.push(part.to_owned()),
            }
        }
        Some(self)
    }

    /// The folder from the root of the project.
    fn place(self, file: &str, holds_any: impl Fn(&str) -> bool) -> Option<String> {
        let folder = self.parts.join("/");
        if folder.is_empty() || self.is_rooted {
            return Some(folder).filter(|f| !f.is_empty() && holds_any(f));
        }
        let mut around = file;
        while let Some((outer, _)) = around.rsplit_once('/') {
            around = outer;
            let inside = format!("{around}/{folder}");
            if holds_any(&inside) {
                return Some(inside);
            }
        }
        holds_any(&folder).then_some(folder)
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Value {
    Unknown,
    Text(String),
    Int(usize),
    Place(Place),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    fn into_place(self) -> Option<Place> {
        match self {
            Value::Place(place) => Some(place),
            Value::Text(text) => Place { is_rooted: false, parts: Vec::new() }.join(&text),
            _ => None,
        }
    }

    /// What a path becomes by these further parts.
    fn joined(self, rest: &[Value]) -> Value {
        let mut place = self.into_place().unwrap_or(Place { is_rooted: false, parts: Vec::new() });
        for part in rest {
            match part {
                Value::Text(text) => match place.join(text) {
                    Some(next) => place = next,
                    None => return Value::Unknown,
                },
                _ => return Value::Unknown,
            }
        }
        Value::Place(place)
    }

    fn up(self, times: usize) -> Value {
        self.into_place().and_then(|p| p.up(times)).map_or(Value::Unknown, Value::Place)
    }
}

/// The folders of a value: of the key's value in each of its records, where a key is given.
fn collect(value: Value, key: Option<&str>, out: &mut Vec<Place>) {
    match (value, key) {
        (Value::List(items), _) => items.into_iter().for_each(|item| collect(item, key, out)),
        (Value::Map(entries), Some(key)) => {
            entries.into_iter().filter(|(k, _)| k == key).for_each(|(_, value)| collect(value, None, out));
        }
        (value, None) => out.extend(value.into_place()),
        _ => (),
    }
}

struct Reader<'a> {
    path: &'a str,
    /// What each variable is assigned, in order.
    values: FxHashMap<String, Vec<Vec<Token>>>,
}

impl Reader<'_> {
    fn value(&self, tokens: &[Token], depth: usize) -> Value {
        Parser { reader: self, tokens, at: 0 }.expression(depth)
    }

    fn variable(&self, name: &str, depth: usize) -> Value {
        if name == OWN_FILE {
            return Value::Place(Place { is_rooted: true, parts: self.path.split('/').map(str::to_owned).collect() });
        }
        match self.values.get(name).and_then(|values| values.first()) {
            Some(tokens) if depth < MAX_DEPTH => self.value(tokens, depth + 1),
            _ => Value::Unknown,
        }
    }
}

struct Parser<'r> {
    reader: &'r Reader<'r>,
    tokens: &'r [Token],
    at: usize,
}

impl Parser<'_> {
    fn sign(&mut self, sign: char) -> bool {
        let is_it = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is_it);
        is_it
    }

    /// `a / b`, `a + b`, `a - 2`. What follows another operator is not read.
    fn expression(&mut self, depth: usize) -> Value {
        let mut left = self.operand(depth);
        loop {
            let Some(Token::Sign(op @ ('/' | '+' | '-'))) = self.tokens.get(self.at).cloned() else { return left };
            self.at += 1;
            let right = self.operand(depth);
            left = match (op, left, right) {
                ('/', left, right) => left.joined(&[right]),
                ('+', Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
                // The text goes on where the path ends.
                ('+', Value::Place(place), Value::Text(b)) if b.starts_with('/') => {
                    place.join(b.trim_start_matches('/')).map_or(Value::Unknown, Value::Place)
                }
                ('+', Value::Unknown, Value::Text(b)) if b.starts_with('/') => {
                    Value::Unknown.joined(&[Value::Text(b.trim_start_matches('/').to_owned())])
                }
                ('+', Value::List(mut a), Value::List(b)) => {
                    a.extend(b);
                    Value::List(a)
                }
                ('+', a @ Value::List(_), _) | ('+', _, a @ Value::List(_)) => a,
                ('-', left, Value::Int(n)) => left.up(n),
                _ => Value::Unknown,
            };
        }
    }

    fn operand(&mut self, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            self.at = self.tokens.len();
            return Value::Unknown;
        }
        let Some(token) = self.tokens.get(self.at).cloned() else { return Value::Unknown };
        self.at += 1;
        let mut value = match token {
            Token::Text(mut text) => {
                while let Some(Token::Text(more)) = self.tokens.get(self.at) {
                    text.push_str(more);
                    self.at += 1;
                }
                Value::Text(text)
            }
            Token::Int(n) => Value::Int(n),
            Token::Sign('*') => self.operand(depth + 1),
            Token::Sign('[') => Value::List(self.items(']', depth).0),
            Token::Sign('(') => {
                let (mut items, is_tuple) = self.items(')', depth);
                if is_tuple || items.len() != 1 { Value::List(items) } else { items.remove(0) }
            }
            Token::Sign('{') => self.record(depth),
            Token::Name(name) => {
                // A call by its bare name.
                if self.sign('(') {
                    let args = self.items(')', depth).0;
                    let own = self.reader.variable(&name, depth);
                    called(&name, own, args, false)
                } else {
                    self.reader.variable(&name, depth)
                }
            }
            Token::Sign(_) => return Value::Unknown,
        };
        loop {
            if self.sign('.') {
                let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { return Value::Unknown };
                self.at += 1;
                if self.sign('(') {
                    let args = self.items(')', depth).0;
                    value = called(&name, value, args, true);
                } else if name == "parent" {
                    value = value.up(1);
                } else if name == "parents" && self.sign('[') {
                    let n = self.items(']', depth).0;
                    value = match n.as_slice() {
                        [Value::Int(n)] => value.up(n.saturating_add(1)),
                        _ => Value::Unknown,
                    };
                } else {
                    value = Value::Unknown;
                }
            } else if self.sign('[') {
                self.items(']', depth);
                value = Value::Unknown;
            } else if self.sign('(') {
                let args = self.items(')', depth).0;
                value = value.joined(&args);
            } else {
                return value;
            }
        }
    }

    /// Values up to the closing sign, and whether there is a comma. Names of arguments are left out.
    fn items(&mut self, close: char, depth: usize) -> (Vec<Value>, bool) {
        let mut items = Vec::new();
        let mut has_comma = false;
        while self.at < self.tokens.len() && !self.sign(close) {
            if let (Some(Token::Name(_)), Some(Token::Sign('='))) = (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                self.at += 2;
                self.expression(depth + 1);
                self.skip_to_comma(close);
            } else {
                items.push(self.expression(depth + 1));
                if self.skip_to_comma(close)
                    && let Some(last) = items.last_mut()
                {
                    *last = Value::Unknown;
                }
            }
            has_comma |= self.sign(',');
        }
        (items, has_comma)
    }

    /// Leaves what was not understood before a comma or the closing sign. Was there something?
    fn skip_to_comma(&mut self, close: char) -> bool {
        let mut open = 0usize;
        let from = self.at;
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Sign(c) if open == 0 && (*c == ',' || *c == close) => break,
                Token::Sign('(' | '[' | '{') => open += 1,
                Token::Sign(')' | ']' | '}') => open = open.saturating_sub(1),
                _ => (),
            }
            self.at += 1;
        }
        self.at > from
    }

    fn record(&mut self, depth: usize) -> Value {
        let mut entries = Vec::new();
        while self.at < self.tokens.len() && !self.sign('}') {
            let key = self.expression(depth + 1);
            if self.sign(':') {
                let value = self.expression(depth + 1);
                let is_more = self.skip_to_comma('}');
                if let (Value::Text(key), false) = (key, is_more && !matches!(value, Value::List(_))) {
                    entries.push((key, value));
                }
            } else {
                self.skip_to_comma('}');
            }
            self.sign(',');
        }
        Value::Map(entries)
    }
}

/// What a function or method of paths gives.
fn called(name: &str, receiver: Value, mut args: Vec<Value>, is_method: bool) -> Value {
    let first = || args.first().cloned().unwrap_or(Value::Unknown);
    match name {
        "dirname" => first().up(1),
        // Of a module of paths, or of a string, which joins nothing here.
        "join" if !args.is_empty() => {
            let first = args.remove(0);
            if matches!(receiver, Value::Text(_)) { Value::Unknown } else { first.joined(&args) }
        }
        "joinpath" | "path" => receiver.joined(&args),
        "resolve" | "absolute" | "expanduser" | "as_posix" if is_method && matches!(receiver, Value::Place(_)) => receiver,
        "abspath" | "realpath" | "normpath" | "fspath" | "str" => first(),
        "Path" | "PurePath" | "PosixPath" => match args.len() {
            0 => Value::Unknown,
            _ => {
                let first = args.remove(0);
                first.joined(&args)
            }
        },
        "list" | "tuple" => first(),
        // An object that joins when it is called.
        _ if matches!(receiver, Value::Place(_)) && !is_method => receiver.joined(&args),
        _ => Value::Unknown,
    }
}

/// What each name is assigned in a text, wherever it stands.
fn assignments(text: &str) -> FxHashMap<String, Vec<Vec<Token>>> {
    let mut found: FxHashMap<String, Vec<Vec<Token>>> = FxHashMap::default();
    for line in logical_lines(text) {
        if let [Token::Name(name), Token::Sign('='), value @ ..] = line.as_slice()
            && !value.is_empty()
            && value.first() != Some(&Token::Sign('='))
        {
            found.entry(name.clone()).or_default().push(value.to_vec());
        }
    }
    found
}

/// The tokens of each statement; brackets join lines.
fn logical_lines(text: &str) -> Vec<Vec<Token>> {
    let mut lines = Vec::new();
    let mut line: Vec<Token> = Vec::new();
    let mut open = 0usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        match c {
            '\n' if open == 0 => lines.push(std::mem::take(&mut line)),
            '#' => len = rest.find('\n').unwrap_or(rest.len()),
            '\\' => len = (1 + rest[1..].chars().next().map_or(0, char::len_utf8)).min(rest.len()),
            '"' | '\'' => {
                let (token, end) = string(rest);
                line.push(token);
                len = end;
            }
            c if c.is_alphabetic() || c == '_' => {
                len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let word = &rest[..len];
                let is_prefix = word.len() <= 2 && word.chars().all(|c| "rRbBuUfF".contains(c));
                if is_prefix && rest[len..].starts_with(['"', '\'']) {
                    let (token, end) = string(&rest[len..]);
                    let is_filled = word.contains(['f', 'F']) && matches!(&token, Token::Text(t) if t.contains('{'));
                    line.push(if is_filled { filled(&token) } else { token });
                    len += end;
                } else {
                    line.push(Token::Name(word.to_owned()));
                }
            }
            c if c.is_ascii_digit() => {
                len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                line.push(rest[..len].parse().map_or(Token::Sign('?'), Token::Int));
            }
            c if c.is_whitespace() => (),
            c => {
                match c {
                    '(' | '[' | '{' => open += 1,
                    ')' | ']' | '}' => open = open.saturating_sub(1),
                    _ => (),
                }
                line.push(Token::Sign(c));
            }
        }
        if line.len() > MAX_TOKENS {
            line.clear();
        }
        rest = &rest[len..];
    }
    lines.push(line);
    lines
}

/// `f"{base}/pages"` is a path below something unknown, other patterns are no path at all.
fn filled(token: &Token) -> Token {
    let Token::Text(text) = token else { return Token::Sign('?') };
    match text.strip_prefix('{').and_then(|t| t.split_once("}/")) {
        Some((_, rest)) if !rest.contains('{') => Token::Text(rest.to_owned()),
        _ => Token::Sign('?'),
    }
}

/// A string at the start of a text, and its length.
fn string(text: &str) -> (Token, usize) {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let (mark, start) = if text.starts_with(&triple) { (triple.as_str(), 3) } else { (quote, 1) };
    let mut at = start;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(mark) {
            return (Token::Text(text[start..at].to_owned()), at + mark.len());
        }
        let Some(c) = rest.chars().next() else { break };
        if c == '\n' && mark.len() == 1 {
            break;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    (Token::Sign('?'), at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::told;

    const PAGES: &[&str] = &["shop/pages/list.html", "web/screens/a.html", "other/x.html"];

    fn of(path: &str, text: &str) -> Vec<String> {
        told([(path, text)].into_iter(), PAGES)
    }

    #[test]
    fn folders_are_computed_as_the_code_does() {
        let base = "import os\nBASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n";
        let with = |dirs: &str| {
            of(
                "core/settings.py",
                &format!("{base}TEMPLATES = [\n  {{'BACKEND': 'x.Y',  # one\n   'DIRS': {dirs}, 'APP_DIRS': True}}\n]\n"),
            )
        };
        assert_eq!(with("[os.path.join(BASE_DIR, 'shop/pages')]"), ["shop/pages"]);
        assert_eq!(with("(os.path.join(BASE_DIR, 'shop', \"pages\"),)"), ["shop/pages"]);
        assert_eq!(with("[BASE_DIR + '/web/screens', 'shop/pages']"), ["shop/pages", "web/screens"]);
        assert_eq!(with("[os.path.join(BASE_DIR, 'nowhere')]"), [""; 0]);
        assert_eq!(with("['/etc/pages']"), [""; 0]);
        assert_eq!(with("[os.path.join(OTHER, 'shop/pages') if X else None, BASE_DIR]"), [""; 0]);
    }

    #[test]
    fn paths_are_objects_too_and_lists_stand_in_variables() {
        let text = "ROOT = Path(__file__).resolve().parent.parent\nPAGES = [ROOT / 'web' / 'screens']\n\
                    TEMPLATES = [{'DIRS': PAGES + [str(ROOT.joinpath('other'))]}]\n";
        assert_eq!(of("core/settings.py", text), ["other", "web/screens"]);
        let text = "ROOT = Path(__file__).resolve().parents[2]\nTEMPLATES = [{'DIRS': [ROOT / 'other']}]\n";
        assert_eq!(of("core/settings/base.py", text), ["other"]);
        let text = "root = environ.Path(__file__) - 2\nTEMPLATES = [{'DIRS': [root('web', 'screens'), root.path('other')]}]\n";
        assert_eq!(of("core/settings.py", text), ["other", "web/screens"]);
    }

    #[test]
    fn what_starts_elsewhere_is_looked_for_around_the_file() {
        let text = "from .paths import BASE\nTEMPLATES = [{'DIRS': [BASE / 'pages', f'{BASE}/screens']}]\n";
        assert_eq!(of("shop/core/settings.py", text), ["shop/pages"]);
        assert_eq!(of("web/core/settings.py", text), ["web/screens"]);
    }
}
