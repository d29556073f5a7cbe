//! Does the PHP grammar still have the names that lowering asks for, and the shapes it reads?
//!
//! Shapes are in the corpus format of tree-sitter itself: a name between two lines of `=`, the source, a line of `-`, the
//! tree. `UPDATE_SHAPES=1` writes the trees anew; read the difference, mend lowering, then commit both.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use ormlint::syntax::php::{self, FIELDS, Field, KINDS, Kind};
use tree_sitter::TreeCursor;

#[test]
fn every_name_is_in_the_grammar() {
    let language = php::language();
    for (kind, _) in KINDS {
        assert_ne!(language.id_for_node_kind(kind, true), 0, "no kind `{kind}`");
    }
    for (place, (field, known)) in FIELDS.iter().enumerate() {
        assert!(language.field_id_for_name(field).is_some(), "no field `{field}`");
        assert_eq!(place, *known as usize, "`{field}` is out of order");
    }
}

#[test]
fn every_kind_of_the_grammar_is_known() {
    let language = php::language();
    let mut unknown = Vec::new();
    for id in 0..language.node_kind_count() as u16 {
        let is_shown = language.node_kind_is_visible(id) && language.node_kind_is_named(id);
        let kind = language.node_kind_for_id(id).unwrap_or_default();
        if is_shown && !language.node_kind_is_supertype(id) && !KINDS.iter().any(|(known, _)| *known == kind) {
            unknown.push(kind);
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    assert_eq!(unknown, WITHOUT_MEANING);
}

/// Kinds that lowering passes over.
const WITHOUT_MEANING: &[&str] = &[
    "final_modifier",
    "heredoc_end",
    "heredoc_start",
    "operation",
    "php_end_tag",
    "readonly_modifier",
    "reference_modifier",
    "sentinel_error",
    "use_as_clause",
    "use_instead_of_clause",
    "var_modifier",
];

#[test]
fn kinds_and_fields_are_found_on_nodes() {
    let tree = php::parse("<?php foreach ($a as $b) {}").expect("the grammar fits the parser");
    let each = tree.root_node().named_child(1).expect("the loop");
    assert_eq!(php::kind(each), Kind::ForeachStatement);
    let body = php::field(each, Field::Body).expect("the body");
    assert_eq!(php::kind(body), Kind::CompoundStatement);
}

#[test]
fn trees_have_the_shapes_that_lowering_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars-tests/shapes/php");
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("the shapes lie there").map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let update = std::env::var_os("UPDATE_SHAPES").is_some();
    let mut wrong = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a shape is text");
        let mut found = String::new();
        for (name, source) in cases(&text) {
            let line = "=".repeat(20);
            let _ = write!(found, "{line}\n{name}\n{line}\n{source}\n---\n{}\n\n", shape(source));
        }
        if update {
            fs::write(&file, found).expect("a shape can be written");
        } else if found != text {
            let _ = writeln!(wrong, "{}:\n{found}", file.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Name and source of each case.
fn cases(text: &str) -> Vec<(&str, &str)> {
    let mut cases = Vec::new();
    let mut parts = text.split("====================\n").skip(1);
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let source = rest.split_once("\n---\n").map_or(rest, |(source, _)| source);
        cases.push((name.trim(), source.trim_end()));
    }
    cases
}

/// The tree as an S-expression, a named node a line.
fn shape(source: &str) -> String {
    let tree = php::parse(source).expect("the grammar fits the parser");
    let mut cursor = tree.walk();
    let mut out = String::new();
    node(&mut cursor, 0, &mut out);
    out
}

fn node(cursor: &mut TreeCursor<'_>, depth: usize, out: &mut String) {
    let at = cursor.node();
    if depth > 0 {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    if let Some(field) = cursor.field_name() {
        let _ = write!(out, "{field}: ");
    }
    let _ = match (at.is_missing(), at.is_named()) {
        (true, _) => write!(out, "(MISSING {}", at.kind()),
        (_, true) => write!(out, "({}", at.kind()),
        (_, false) => write!(out, "({:?}", at.kind()),
    };
    if cursor.goto_first_child() {
        loop {
            let child = cursor.node();
            if child.is_named() || child.is_missing() || cursor.field_name().is_some() {
                node(cursor, depth + 1, out);
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        cursor.goto_parent();
    }
    out.push(')');
}
