//! Which node kinds and fields of the Python grammar does lowering rely on?
