//! Does the Python grammar still have the names that lowering asks for, and the shapes it reads?
//!
//! A shape is a source and its tree: named nodes one a line, indented, with the field each stands in.

use std::fs;
use std::path::Path;

use ormlint::syntax::python;
use tree_sitter::TreeCursor;

#[test]
fn every_name_is_in_the_grammar() {
    let language = python::language();
    for kind in python::KINDS {
        assert_ne!(language.id_for_node_kind(kind, true), 0, "no kind `{kind}`");
    }
    for field in python::FIELDS {
        assert!(language.field_id_for_name(field).is_some(), "no field `{field}`");
    }
    for token in python::TOKENS {
        assert_ne!(language.id_for_node_kind(token, false), 0, "no token `{token}`");
    }
}

#[test]
fn every_kind_of_the_grammar_is_known() {
    let language = python::language();
    let mut unknown = Vec::new();
    for id in 0..language.node_kind_count() as u16 {
        let is_shown = language.node_kind_is_visible(id) && language.node_kind_is_named(id);
        let kind = language.node_kind_for_id(id).unwrap_or_default();
        if is_shown && !language.node_kind_is_supertype(id) && !python::KINDS.contains(&kind) {
            unknown.push(kind);
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    assert_eq!(unknown, WITHOUT_MEANING);
}

/// Parts of tokens, whose text lowering reads itself.
const WITHOUT_MEANING: &[&str] = &["escape_interpolation", "escape_sequence", "type_conversion"];

#[test]
fn trees_have_the_shapes_that_lowering_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars-tests/shapes/python");
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the shapes lie there").flatten().map(|e| e.path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let update = std::env::var_os("UPDATE_SHAPES").is_some();
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a shape is text");
        let (source, expected) = text.split_once(SEPARATOR).unwrap_or((&text, ""));
        let found = shape(source);
        if update {
            fs::write(&file, format!("{source}{SEPARATOR}{found}")).expect("a shape can be written");
        } else if found != expected {
            wrong.push(format!("{}:\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const SEPARATOR: &str = "----\n";

fn shape(source: &str) -> String {
    let tree = python::parse(source).expect("the grammar fits the parser");
    let mut cursor = tree.walk();
    let mut out = String::new();
    line(&cursor, 0, &mut out);
    let mut depth = 0;
    loop {
        if cursor.goto_first_child() {
            depth += 1;
        } else {
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return out;
                }
                depth -= 1;
            }
        }
        line(&cursor, depth, &mut out);
    }
}

fn line(cursor: &TreeCursor<'_>, depth: usize, out: &mut String) {
    let node = cursor.node();
    if !node.is_named() && cursor.field_name().is_none() {
        return;
    }
    out.push_str(&"  ".repeat(depth));
    if let Some(field) = cursor.field_name() {
        out.push_str(field);
        out.push_str(": ");
    }
    out.push_str(node.kind());
    out.push('\n');
}
