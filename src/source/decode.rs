//! Which text do the bytes of a file stand for?

use std::borrow::Cow;

/// How the bytes of a file were turned into text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 after a byte-order mark.
    Utf8Marked,
    /// UTF-16, low byte first, after a byte-order mark.
    Utf16Little,
    /// UTF-16, high byte first, after a byte-order mark.
    Utf16Big,
    /// Neither: every byte is the character of that number.
    Latin1,
}

impl Encoding {
    /// The text as a program sees it that takes the file's bytes for UTF-8, byte-order mark included.
    pub fn as_read_for_utf8(self, text: &str) -> Cow<'_, str> {
        let bytes: Vec<u8> = match self {
            Encoding::Utf8 => return Cow::Borrowed(text),
            Encoding::Utf8Marked => return Cow::Owned(format!("\u{feff}{text}")),
            Encoding::Utf16Little => std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Big => std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
            Encoding::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        };
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The text of the bytes, and how it was found. Never fails: what is not Unicode is read as Latin-1.
pub(super) fn decode(bytes: Vec<u8>) -> (String, Encoding) {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => match std::str::from_utf8(rest) {
            Ok(text) => (text.to_owned(), Encoding::Utf8Marked),
            Err(_) => (latin1(&bytes), Encoding::Latin1),
        },
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), Encoding::Utf16Little),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), Encoding::Utf16Big),
        _ => match String::from_utf8(bytes) {
            Ok(text) => (text, Encoding::Utf8),
            Err(error) => (latin1(error.as_bytes()), Encoding::Latin1),
        },
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::{Encoding, decode};

    #[test]
    fn every_encoding_is_read_and_known() {
        assert_eq!(decode(b"caf\xc3\xa9".to_vec()), ("café".to_owned(), Encoding::Utf8));
        assert_eq!(decode(b"\xef\xbb\xbfcaf\xc3\xa9".to_vec()), ("café".to_owned(), Encoding::Utf8Marked));
        assert_eq!(decode(b"caf\xe9".to_vec()), ("café".to_owned(), Encoding::Latin1));
        assert_eq!(decode(b"\xff\xfea\0\xe9\0".to_vec()), ("aé".to_owned(), Encoding::Utf16Little));
        assert_eq!(decode(b"\xfe\xff\0a\0\xe9".to_vec()), ("aé".to_owned(), Encoding::Utf16Big));
        assert_eq!(Encoding::Latin1.as_read_for_utf8("café"), "caf\u{fffd}");
        assert_eq!(Encoding::Utf8Marked.as_read_for_utf8("a"), "\u{feff}a");
    }
}
