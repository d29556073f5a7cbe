//! How is a string kept once and compared as a number?
//!
//! Interning is global and grows only: a run reads one application and ends. Ids depend on the order in which
//! worker threads meet the names, so nothing may be *ordered* by id; `Ord` compares the text.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};

use hashbrown::HashTable;
use rustc_hash::{FxHashSet, FxHasher};

/// An interned string. Copy, one word, equal if and only if the text is equal.
#[derive(Clone, Copy)]
pub struct Name(&'static Entry);

struct Entry {
    text: &'static str,
    hash: u64,
    /// The text in lower case, once it is asked for.
    folded: OnceLock<Name>,
    /// The words of the text, once it is asked for one.
    words: OnceLock<Box<FxHashSet<&'static str>>>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

/// Enough shards that worker threads seldom wait for each other.
const SHARDS: usize = 64;

type Shard = RwLock<HashTable<&'static Entry>>;

static TABLE: LazyLock<Vec<Shard>> = LazyLock::new(|| (0..SHARDS).map(|_| RwLock::default()).collect());
static EMPTY: LazyLock<Name> = LazyLock::new(|| Name::new(""));

impl Name {
    /// The name for this text; the same text always gives an equal name.
    pub fn new(text: &str) -> Name {
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(text);
        // The table uses the bits at both ends.
        let shard = &TABLE[(hash >> 32) as usize % SHARDS];
        let is_it = |entry: &&'static Entry| entry.text == text;
        if let Some(entry) = shard.read().unwrap_or_else(PoisonError::into_inner).find(hash, is_it) {
            return Name(entry);
        }
        let mut table = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = table.find(hash, is_it) {
            return Name(entry);
        }
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let entry: &'static Entry = Box::leak(Box::new(Entry { text, hash, folded: OnceLock::new(), words: OnceLock::new() }));
        table.insert_unique(hash, entry, |entry| entry.hash);
        Name(entry)
    }

    /// The empty name.
    pub fn empty() -> Name {
        *EMPTY
    }

    /// The name in lower case, as names are compared where case does not count.
    pub fn folded(self) -> Name {
        *self.0.folded.get_or_init(|| {
            let is_lower = !self.0.text.bytes().any(|b| b.is_ascii_uppercase());
            if is_lower { self } else { Name::new(&self.0.text.to_ascii_lowercase()) }
        })
    }

    /// The text.
    pub fn as_str(self) -> &'static str {
        self.0.text
    }

    /// Is this one of the words of the text, as blanks part them?
    pub fn has_word(self, word: &str) -> bool {
        self.0.words.get_or_init(|| Box::new(self.0.text.split_whitespace().collect())).contains(word)
    }

    /// Is the text empty?
    pub fn is_empty(self) -> bool {
        self.0.text.is_empty()
    }

    /// The part after the last `\` or `.`: the short name of a class, function or module.
    pub fn last_segment(self) -> &'static str {
        self.0.text.rsplit(['\\', '.']).next().unwrap_or(self.0.text)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.0.text.cmp(other.0.text) }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn the_same_text_is_the_same_name_and_order_is_by_text() {
        assert_eq!(Name::new("author"), Name::new(&["au", "thor"].concat()));
        assert_ne!(Name::new("author"), Name::new("authors"));
        assert!(Name::new("a") < Name::new("b"));
        assert_eq!(Name::new("App\\Models\\Post").last_segment(), "Post");
    }

    #[test]
    fn words_of_a_text_are_whole_words() {
        let words = Name::new(" get  first ");
        assert!(words.has_word("get") && words.has_word("first"));
        assert!(!words.has_word("ge") && !words.has_word(""));
    }
}
