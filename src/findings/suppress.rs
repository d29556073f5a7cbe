//! Which findings does a comment silence?
