//! Which PHP does a Blade template stand for?
//!
//! In: the template. Out: PHP text with the same meaning, where what PHP lacks is a call to a function of our own
//! ([`RESERVED`]); the places it came from; and what could not be translated. Reads once, from left to right; blocks that
//! are never closed end with the block around them, ends that close nothing are left out.

use rustc_hash::{FxHashMap, FxHashSet};

use super::php_text::PhpText;
use super::scan;
use crate::base::{Name, Range};
use crate::facts::{Comment, Gap, Why};
use crate::lower::template::lexer::{find, skip_space, trimmed};

/// Names that begin so are ours; [`super::convert`] replaces the calls.
pub const RESERVED: &str = "__ormlint_";

/// Blocks nest at most this deep; what is deeper is left out.
const MAX_BLOCKS: usize = 150;

/// Searches for the end of a bracket, tag or string that find none may read this many times the length of the template in all.
const SCAN_BUDGET: usize = 8;

/// Once that is spent, brackets still may be so long.
const MIN_REACH: usize = 200;

/// A template as PHP.
pub struct Translation {
    /// The PHP.
    pub php: PhpText,
    /// Comments of the template that speak to the tool.
    pub comments: Vec<Comment>,
    /// Constructs that were left out.
    pub gaps: Vec<Gap>,
}

/// Translates a template.
pub fn translate(text: &str) -> Translation {
    let mut translator = Translator {
        text,
        bytes: text.as_bytes(),
        prelude: PhpText::default(),
        out: PhpText::default(),
        footer: PhpText::default(),
        blocks: Vec::new(),
        open: FxHashMap::default(),
        dead: 0,
        ended: ended(text),
        absent: FxHashSet::default(),
        budget: text.len().saturating_mul(SCAN_BUDGET).max(4096),
        comments: Vec::new(),
        gaps: Vec::new(),
    };
    translator.run();
    translator.finish()
}

/// The names of which an `@end…` occurs.
fn ended(text: &str) -> FxHashSet<&str> {
    let parts = text.split("@end").skip(1);
    parts.map(|rest| &rest[..name_length(rest)]).collect()
}

/// How long is the name of letters, digits and `_` at the start?
pub fn name_length(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

pub struct Translator<'t> {
    pub text: &'t str,
    pub bytes: &'t [u8],
    /// `use` statements, which PHP wants first.
    pub prelude: PhpText,
    pub out: PhpText,
    /// Layouts, which are rendered last.
    pub footer: PhpText,
    pub blocks: Vec<Block<'t>>,
    open: FxHashMap<&'t str, usize>,
    dead: usize,
    pub ended: FxHashSet<&'t str>,
    /// Delimiters that do not occur in what is left of the template.
    absent: FxHashSet<&'static str>,
    budget: usize,
    comments: Vec<Comment>,
    gaps: Vec<Gap>,
}

/// An open block.
pub struct Block<'t> {
    /// What ends it: the name of its directive, of its kind, or of its component tag.
    pub key: &'t str,
    pub kind: BlockKind,
    /// What ends it in PHP.
    pub close: &'static str,
}

/// What matters of an open block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// A branch that may have another arm.
    If,
    /// A branch after its `else`.
    Else,
    /// A loop with an alternative for no elements.
    Forelse,
    /// A switch before its first case: nothing may be written.
    Switch,
    /// Anything else.
    Other,
    /// Too deep.
    Dead,
}

impl<'t> Translator<'t> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            at = match self.bytes[at] {
                b'{' => self.braces(at),
                b'@' => self.at_sign(at),
                b'<' => self.angle(at),
                _ => at + 1,
            };
        }
    }

    fn finish(mut self) -> Translation {
        let end = self.text.len();
        while self.pop(end) {}
        let mut php = PhpText::default();
        php.push("<?php");
        php.append(self.prelude);
        php.append(self.out);
        php.append(self.footer);
        php.push("\n");
        Translation { php, comments: self.comments, gaps: self.gaps }
    }

    /// Is everything here left out?
    pub fn is_silent(&self) -> bool {
        let in_switch = |b: &Block<'_>| b.kind == BlockKind::Switch;
        self.dead > 0 || self.blocks.last().is_some_and(in_switch)
    }

    pub fn gap(&mut self, range: Range, why: Why) {
        self.gaps.push(Gap { range, why });
    }

    /// Finds a delimiter; remembers what does not occur any more.
    pub fn find(&mut self, needle: &'static str, from: usize) -> Option<usize> {
        if self.absent.contains(needle) {
            return None;
        }
        let found = find(self.bytes, needle.as_bytes(), from);
        if found.is_none() {
            self.absent.insert(needle);
        }
        found
    }

    /// One past the bracket that closes the one at `open`.
    pub fn closing(&mut self, open: usize) -> Option<usize> {
        let end = open.saturating_add(self.reach()).min(self.bytes.len());
        match scan::closing(self.bytes, open, end) {
            Ok(after) => Some(after),
            Err(read) => {
                self.spend(read - open);
                None
            }
        }
    }

    /// How far may the end of something be looked for?
    pub fn reach(&self) -> usize {
        self.budget.max(MIN_REACH)
    }

    /// Counts bytes that were read for nothing.
    pub fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    /// Runs `write` unless what is written here is left out.
    pub fn emit(&mut self, write: impl FnOnce(&mut PhpText, &'t str)) {
        if !self.is_silent() {
            write(&mut self.out, self.text);
        }
    }

    fn braces(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at..];
        let (open, close) = if rest.starts_with(b"{{--") {
            return self.comment(at);
        } else if rest.starts_with(b"{{{") {
            (3, "}}}")
        } else if rest.starts_with(b"{{") {
            (2, "}}")
        } else if rest.starts_with(b"{!!") {
            (3, "!!}")
        } else {
            return at + 1;
        };
        let Some(end) = self.find(close, at + open) else {
            return at + open;
        };
        let after = end + close.len();
        self.echo(Range::new(at, after), Range::new(at + open, end));
        after
    }

    /// `echo` of an expression.
    pub fn echo(&mut self, whole: Range, inner: Range) {
        let mut inner = trimmed(self.bytes, inner.start as usize, inner.end as usize);
        while inner.end > inner.start && self.bytes[inner.end as usize - 1] == b';' {
            inner = trimmed(self.bytes, inner.start as usize, inner.end as usize - 1);
        }
        if inner.start == inner.end || self.is_only_comment(inner) {
            return;
        }
        if !scan::is_code(self.text, inner) {
            self.gap(whole, Why::SyntaxError);
            return;
        }
        self.emit(|out, text| {
            out.anchor(whole.start as usize, "echo ");
            out.copy(text, inner);
            out.push("\n");
            out.at(whole.end as usize, ";");
        });
    }

    fn is_only_comment(&self, inner: Range) -> bool {
        let code = &self.text[inner.start as usize..inner.end as usize];
        code.starts_with("/*") && code.find("*/") == Some(code.len() - 2)
    }

    fn comment(&mut self, at: usize) -> usize {
        let Some(end) = self.find("--}}", at + 4) else {
            return at + 4;
        };
        let text = self.text[at + 4..end].trim();
        let words = crate::lower::template::tree::COMMENT_WORDS;
        if words.iter().any(|w| text.contains(w)) {
            self.comments.push(Comment { range: Range::new(at, end + 4), text: Name::new(text) });
        }
        end + 4
    }

    fn at_sign(&mut self, at: usize) -> usize {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let rest = &self.bytes[at + 1..];
        if rest.starts_with(b"@") {
            return at + 2 + name_length(&self.text[at + 2..]);
        }
        let escaped = [(&b"{{{"[..], "}}}"), (b"{{", "}}"), (b"{!!", "!!}")];
        for (open, close) in escaped {
            if rest.starts_with(open) && !rest.starts_with(b"{{--") {
                let from = at + 1 + open.len();
                return self.find(close, from).map_or(from, |i| i + close.len());
            }
        }
        if at > 0 && is_word(&self.bytes[at - 1]) {
            return at + 1;
        }
        let length = name_length(&self.text[at + 1..]);
        if length == 0 {
            return at + 1;
        }
        let name = Range::new(at + 1, at + 1 + length);
        let mut open = name.end as usize;
        while matches!(self.bytes.get(open), Some(b' ' | b'\t')) {
            open += 1;
        }
        let args = match self.bytes.get(open) {
            Some(b'(') => self.closing(open).map(|end| Range::new(open, end)),
            _ => None,
        };
        self.directive(name, args)
    }

    fn angle(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at + 1..];
        if rest.starts_with(b"?php") {
            return self.raw(at, at + 5);
        }
        if rest.starts_with(b"?=") {
            let end = self.find("?>", at + 3).unwrap_or(self.bytes.len());
            let after = (end + 2).min(self.bytes.len());
            self.echo(Range::new(at, after), Range::new(at + 3, end));
            return after;
        }
        self.component_tag(at)
    }

    /// `<?php … ?>`
    fn raw(&mut self, start: usize, from: usize) -> usize {
        let end = match self.budget {
            0 => None,
            _ => scan::php_end(self.bytes, from),
        };
        if end.is_none() {
            self.spend(self.bytes.len() - from);
        }
        let end = end.or_else(|| self.find("?>", from));
        let end = end.unwrap_or(self.bytes.len());
        self.statements(start, Range::new(from, end));
        (end + 2).min(self.bytes.len())
    }

    /// Copies PHP statements.
    pub fn statements(&mut self, start: usize, inner: Range) {
        let inner = trimmed(self.bytes, inner.start as usize, inner.end as usize);
        if inner.start == inner.end {
            return;
        }
        if !scan::is_lexed(self.bytes, inner) {
            self.gap(inner, Why::SyntaxError);
            return;
        }
        // `?>` ends a statement, but `if (…) { ?>` and `} ?>` do not end one.
        let is_ended = match self.bytes[inner.end as usize - 1] {
            b';' | b'{' | b':' => true,
            b'}' => !scan::is_closed(self.bytes, inner),
            _ => false,
        };
        self.emit(|out, text| {
            out.anchor(start, "");
            out.copy(text, inner);
            out.push("\n");
            if !is_ended {
                out.push(";");
            }
        });
    }

    /// Opens a block that `key` ends; its PHP has been written if anything is written here.
    pub fn open(&mut self, key: &'t str, kind: BlockKind, close: &'static str, range: Range) {
        let mut kind = kind;
        if self.must_drop() {
            if self.dead == 0 && self.blocks.len() >= MAX_BLOCKS {
                self.gap(range, Why::TooDeep);
            }
            self.dead += 1;
            kind = BlockKind::Dead;
        }
        *self.open.entry(key).or_insert(0) += 1;
        self.blocks.push(Block { key, kind, close });
    }

    /// Is a block that opens here left out?
    pub fn must_drop(&self) -> bool {
        self.is_silent() || self.blocks.len() >= MAX_BLOCKS
    }

    /// Writes the head of a block and opens it.
    pub fn block(
        &mut self,
        key: &'t str,
        kind: BlockKind,
        close: &'static str,
        range: Range,
        write: impl FnOnce(&mut PhpText, &'t str),
    ) {
        if !self.must_drop() {
            write(&mut self.out, self.text);
        }
        self.open(key, kind, close, range);
    }

    /// Ends the innermost block with this key and those left open inside. False if there is none.
    pub fn close(&mut self, key: &str, end: usize) -> bool {
        if self.open.get(key).is_none_or(|n| *n == 0) {
            return false;
        }
        while let Some(last) = self.blocks.last() {
            let is_it = last.key == key;
            self.pop(end);
            if is_it {
                break;
            }
        }
        true
    }

    fn pop(&mut self, end: usize) -> bool {
        let Some(block) = self.blocks.pop() else {
            return false;
        };
        if let Some(n) = self.open.get_mut(block.key) {
            *n -= 1;
        }
        match block.kind {
            BlockKind::Dead => self.dead -= 1,
            _ if !block.close.is_empty() => self.out.anchor(end, block.close),
            _ => {}
        }
        true
    }

    /// Ends blocks until the innermost one is such; does nothing if none is.
    pub fn close_down_to(&mut self, is_such: impl Fn(&Block<'t>) -> bool, end: usize) -> bool {
        if self.dead > 0 {
            return false;
        }
        let Some(found) = self.blocks.iter().rposition(is_such) else {
            return false;
        };
        while self.blocks.len() > found + 1 {
            self.pop(end);
        }
        true
    }

    /// The trimmed content of an argument list.
    pub fn inside(&self, args: Range) -> Range {
        trimmed(self.bytes, args.start as usize + 1, args.end as usize - 1)
    }

    /// The text of a range.
    pub fn part(&self, range: Range) -> &'t str {
        &self.text[range.start as usize..range.end as usize]
    }

    /// The first place at or after `from` that is no white space.
    pub fn skip_space(&self, from: usize) -> usize {
        skip_space(self.bytes, from)
    }
}
