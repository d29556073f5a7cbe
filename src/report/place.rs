//! At which line and column is a span? Lines and columns from 1, ends exclusive; three units for columns.

use serde::Serialize;

use crate::base::{Range, Span};
use crate::source::{SourceFile, SourceSet};

/// A line and a column, both from 1; columns in Unicode code points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A span for people and formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// Path of the file.
    pub path: &'a str,
    /// First character.
    pub start: Position,
    /// One past the last character.
    pub end: Position,
}

/// The place of a span.
pub fn place(span: Span, sources: &SourceSet) -> Place<'_> {
    let file = sources.file(span.file);
    let range = clamp(span.range, file);
    Place { path: &file.path, start: position(range.start, file), end: position(range.end, file) }
}

/// The span cut off at the end of its first line: what a reader looks at first.
pub fn first_line(span: Span, sources: &SourceSet) -> Span {
    let file = sources.file(span.file);
    let range = clamp(span.range, file);
    let text = &file.text[range.start as usize..range.end as usize];
    let line = text.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    Span { range: Range { start: range.start, end: range.start + line.trim_end().len() as u32 }, ..span }
}

/// The column of an offset in bytes of UTF-8, from 1, with its line.
pub fn byte_position(offset: u32, file: &SourceFile) -> Position {
    let offset = boundary(offset, file);
    let line = file.lines.line(offset);
    Position { line: line + 1, column: (offset - file.lines.start(line)) as usize + 1 }
}

/// The text of the line, from 1, without its end.
pub fn line_text(line: usize, file: &SourceFile) -> &str {
    let start = file.lines.start(line.saturating_sub(1)) as usize;
    let text = file.text[start..].split('\n').next().unwrap_or_default();
    text.strip_suffix('\r').unwrap_or(text)
}

fn position(offset: u32, file: &SourceFile) -> Position {
    let line = file.lines.line(offset);
    let before = &file.text[file.lines.start(line) as usize..offset as usize];
    Position { line: line + 1, column: before.chars().count() + 1 }
}

/// The range inside the text and between characters, whatever it was.
pub fn clamp(range: Range, file: &SourceFile) -> Range {
    let start = boundary(range.start, file);
    Range { start, end: boundary(range.end, file).max(start) }
}

fn boundary(offset: u32, file: &SourceFile) -> u32 {
    let mut offset = (offset as usize).min(file.text.len());
    while !file.text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::source::memory::source_set;

    #[test]
    fn columns_count_characters_and_bad_ranges_do_no_harm() {
        let sources = source_set(&[("a.py", "x = '😀é'; read\r\nnext\n")]);
        let span = |start, end| Span { file: FileId(0), range: Range::new(start, end) };
        let at = |start, end| {
            let place = place(span(start, end), &sources);
            (place.start.line, place.start.column, place.end.line, place.end.column)
        };
        assert_eq!(at(14, 18), (1, 11, 1, 15));
        assert_eq!(at(20, 24), (2, 1, 2, 5));
        assert_eq!(at(6, 7), (1, 6, 1, 6));
        assert_eq!(at(900, 1), (3, 1, 3, 1));
        assert_eq!(first_line(span(14, 24), &sources).range, Range::new(14, 18));
        assert_eq!(byte_position(14, sources.file(FileId(0))), Position { line: 1, column: 15 });
        assert_eq!(line_text(1, sources.file(FileId(0))), "x = '😀é'; read");
    }
}
