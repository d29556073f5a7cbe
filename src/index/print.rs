//! What does the index say, as text? For dumps and tests.

use std::fmt::Write;

use super::{Access, ClassId, Column, Loading, Model, ProjectIndex, Relation};
use crate::base::{FileId, Name};

/// Models and classes of one file, or of the whole program.
pub fn print(index: &ProjectIndex<'_>, file: Option<FileId>) -> String {
    let mut out = String::new();
    let is_ours = |r: &Relation| r.span.is_some();
    let shown = |class: Option<ClassId>| match (class, file) {
        (Some(class), Some(file)) => index.class(class).file == file,
        (None, _) => false,
        (Some(_), None) => true,
    };
    // Of library models only those that the program leads back from.
    let is_shown = |m: &&Model| shown(m.class) || (m.class.is_none() && file.is_none() && m.relations.values().any(is_ours));
    for model in index.models.iter().filter(is_shown) {
        print_model(index, model, &mut out);
    }
    for (i, class) in index.classes.iter().enumerate() {
        if class.model.is_none() && shown(Some(ClassId(i as u32))) {
            let _ = writeln!(out, "class {}{}", class.name, ancestry(index, ClassId(i as u32)));
        }
    }
    out
}

/// One model with all it has.
pub fn print_model(index: &ProjectIndex<'_>, model: &Model, out: &mut String) {
    let kind = if model.is_abstract { "abstract model" } else { "model" };
    let ancestors = model.class.map(|c| ancestry(index, c)).unwrap_or_default();
    let _ = write!(out, "{kind} {} [{}]{ancestors}", model.name, model.dialect);
    if let Some(table) = model.table {
        let _ = write!(out, " table {table}");
    }
    if let Some(label) = model.label {
        let _ = write!(out, " label {label}");
    }
    out.push('\n');
    let mut relations: Vec<&Relation> = model.relations.values().collect();
    relations.sort_by_key(|r| r.name);
    for relation in relations {
        print_relation(index, relation, out);
    }
    let mut proxies: Vec<(&Name, &(Name, Name))> = model.proxies.iter().collect();
    proxies.sort();
    for (name, (relation, attr)) in proxies {
        let _ = writeln!(out, "  proxy {name} = {relation}.{attr}");
    }
    let mut columns: Vec<&Column> = model.columns.values().collect();
    columns.sort_by_key(|c| c.name);
    if !columns.is_empty() {
        let words: Vec<String> = columns.iter().map(|c| column_text(c)).collect();
        let _ = writeln!(out, "  columns {}", words.join(", "));
    }
    if !model.default_eager.is_empty() {
        let _ = writeln!(out, "  always loads {}", joined(&model.default_eager));
    }
    if !model.appends.is_empty() {
        let _ = writeln!(out, "  appends {}", joined(&model.appends));
    }
    for manager in &model.managers {
        let _ = write!(out, "  manager {}", manager.name);
        if let Some(class) = manager.class {
            let _ = write!(out, " of {}", index.class(class).name);
        }
        if let Some(class) = manager.query_class {
            let _ = write!(out, " queries {}", index.class(class).name);
        }
        out.push('\n');
    }
    if let Some(class) = model.query_class {
        let _ = writeln!(out, "  queries {}", index.class(class).name);
    }
    if let Some(class) = model.collection_class {
        let _ = writeln!(out, "  collections {}", index.class(class).name);
    }
    for (scope, span) in &model.scopes {
        let _ = writeln!(out, "  scope {scope} from {}", index.sources.file(span.file).path);
    }
}

fn print_relation(index: &ProjectIndex<'_>, relation: &Relation, out: &mut String) {
    let many = if relation.many { "many" } else { "one" };
    let target = match relation.target {
        Some(target) => index.model(target).name.as_str(),
        None if relation.polymorphic => "any",
        None => "?",
    };
    let _ = write!(out, "  {} -> {many} {target}", relation.name);
    match relation.loading {
        Loading::Lazy => {}
        Loading::Eager => out.push_str(" eager"),
        Loading::Never => out.push_str(" never"),
        Loading::Unknown => out.push_str(" unknown"),
    }
    if relation.access == Access::Query {
        out.push_str(" query");
    }
    if let Some(key) = relation.key_column {
        let _ = write!(out, " key {key}");
    }
    if let Some(inverse) = relation.inverse {
        let _ = write!(out, " fills {inverse}");
    }
    if !relation.eager.is_empty() {
        let _ = write!(out, " with {}", joined(&relation.eager));
    }
    if relation.query_name != relation.name {
        let _ = write!(out, " as {}", relation.query_name);
    }
    out.push('\n');
}

fn column_text(column: &Column) -> String {
    let mut text = column.name.to_string();
    if column.is_primary {
        text.push_str(" primary");
    } else if column.is_indexed {
        text.push_str(" indexed");
    }
    if column.is_deferred {
        text.push_str(" deferred");
    }
    text
}

fn ancestry(index: &ProjectIndex<'_>, id: ClassId) -> String {
    let class = index.class(id);
    let mut names: Vec<&str> = class.mro.iter().skip(1).map(|c| index.class(*c).name.as_str()).collect();
    names.extend(class.external.iter().map(|n| n.as_str()));
    if names.is_empty() { String::new() } else { format!(" < {}", names.join(", ")) }
}

fn joined(names: &[Name]) -> String {
    names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
}
