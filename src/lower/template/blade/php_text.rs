//! Which place of the template does a place of the PHP text made from it come from?

use crate::base::Range;

/// PHP text made from parts of a template, and where the parts come from.
#[derive(Default)]
pub struct PhpText {
    /// The text.
    pub text: String,
    segments: Vec<Segment>,
}

/// From `php` on, `len` bytes are those at `origin`; what follows up to the next segment belongs to the end of them.
struct Segment {
    php: usize,
    origin: usize,
    len: usize,
}

impl PhpText {
    /// Adds text that stands for what is at `origin`, on a line of its own.
    pub fn anchor(&mut self, origin: usize, text: &str) {
        self.text.push('\n');
        self.at(origin, text);
    }

    /// Adds text that stands for what is at `origin`.
    pub fn at(&mut self, origin: usize, text: &str) {
        self.separate();
        self.segments.push(Segment { php: self.text.len(), origin, len: 0 });
        self.text.push_str(text);
    }

    /// Adds text that belongs to what was added last.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Copies a part of the template.
    pub fn copy(&mut self, template: &str, range: Range) {
        self.separate();
        let part = &template[range.start as usize..range.end as usize];
        self.segments.push(Segment { php: self.text.len(), origin: range.start as usize, len: part.len() });
        self.text.push_str(part);
    }

    /// The end of a part and the start of the next must not be the same place.
    fn separate(&mut self) {
        if let Some(last) = self.segments.last()
            && last.php + last.len == self.text.len()
        {
            self.text.push(' ');
        }
    }

    /// Adds another text with its places.
    pub fn append(&mut self, other: PhpText) {
        let shift = self.text.len();
        self.text.push_str(&other.text);
        self.segments.extend(other.segments.into_iter().map(|s| Segment { php: s.php + shift, ..s }));
    }

    /// The place in the template for a place in the text.
    pub fn origin(&self, at: u32) -> u32 {
        let at = at as usize;
        let found = self.segments.partition_point(|s| s.php <= at);
        match found.checked_sub(1).and_then(|i| self.segments.get(i)) {
            Some(s) => (s.origin + (at - s.php).min(s.len)) as u32,
            None => self.segments.first().map_or(0, |s| s.origin as u32),
        }
    }
}
