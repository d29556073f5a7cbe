//! Which node kinds and fields of the PHP grammar does lowering rely on?
