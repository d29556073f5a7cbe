//! What does a docblock declare?

use super::Lowering;
use super::names::Names;
use super::types::DocReader;
use crate::base::Name;
use crate::facts::{Magic, Stmt, Type};

/// What a docblock says.
#[derive(Default)]
pub(super) struct Doc<'t> {
    /// `@var T $x`, or without a name.
    pub(super) vars: Vec<(Option<&'t str>, Type)>,
    pub(super) params: Vec<(&'t str, Type)>,
    pub(super) ret: Option<Type>,
    /// `@property`, `@method`, `@mixin`, `@template`.
    pub(super) magic: Vec<Magic>,
    /// `@extends`, `@implements`.
    pub(super) bases: Vec<Type>,
}

impl<'t> Doc<'t> {
    pub(super) fn param(&self, name: &str) -> Option<Type> {
        // A later tag is usually the more exact one of some tool.
        let found = self.params.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, ty)| ty.clone())
    }

    /// The type of a `@var` that belongs to a declaration of this name.
    pub(super) fn var(&self, name: &str) -> Option<Type> {
        let mut found = self.vars.iter().rev();
        found.find(|(known, _)| known.is_none_or(|known| known == name)).map(|(_, ty)| ty.clone())
    }
}

/// Is this comment a docblock with something to say? Editors read `/* @var T $x */`, too.
pub(super) fn is_doc(comment: &str) -> bool {
    comment.starts_with("/*") && comment.contains('@')
}

/// The type variables that a docblock declares.
fn templates(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    if !text.contains("template") {
        return found;
    }
    for (tag, at) in tags(text) {
        if is_template(tag) {
            let rest = text[at..].trim_start_matches([' ', '\t']);
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            found.extend(name.filter(|n| !n.is_empty()));
        }
    }
    found
}

fn is_template(tag: &str) -> bool {
    matches!(tag, "template" | "template-covariant" | "template-contravariant")
}

/// The tags that begin lines of a docblock: name, without the prefix of a tool, and where its text begins.
fn tags(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let tag = line.trim_start_matches([' ', '\t', '*', '/']).strip_prefix('@')?;
        let length = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(tag.len());
        let offset = start + (line.len() - tag.len()) + length;
        let name = &tag[..length];
        let name = name.strip_prefix("phpstan-").unwrap_or(name);
        Some((name.strip_prefix("psalm-").unwrap_or(name), offset))
    })
}

/// Reads a docblock. Its type variables stay in force: whoever asks ends them.
fn read<'t>(text: &'t str, names: &mut Names<'t>) -> Doc<'t> {
    let mut doc = Doc::default();
    names.templates.extend(templates(text));
    for (tag, at) in tags(text) {
        let mut reader = DocReader::new(text, at, names);
        match tag {
            "var" => {
                if let Some(ty) = reader.ty() {
                    doc.vars.push((reader.variable(), ty));
                } else if let Some(name) = reader.variable()
                    && let Some(ty) = reader.ty()
                {
                    doc.vars.push((Some(name), ty));
                }
            }
            "param" => {
                if let Some(ty) = reader.ty()
                    && let Some(name) = reader.variable()
                {
                    doc.params.push((name, ty));
                }
            }
            "return" => doc.ret = reader.ty().or(doc.ret),
            "property" | "property-read" | "property-write" => {
                let ty = reader.ty().unwrap_or(Type::Unknown);
                if let Some(name) = reader.variable() {
                    doc.magic.push(member(Name::new(name), ty));
                }
            }
            "method" => doc.magic.extend(method(&mut reader)),
            "mixin" => {
                if let Some(ty) = reader.ty() {
                    doc.magic.push(member(Name::new("@mixin"), ty));
                }
            }
            "extends" | "template-extends" | "implements" | "template-implements" => {
                doc.bases.extend(reader.ty());
            }
            _ if is_template(tag) => doc.magic.extend(template(&mut reader)),
            _ => (),
        }
    }
    doc
}

fn member(name: Name, ty: Type) -> Magic {
    Magic { name, ty, is_method: false, is_static: false }
}

/// `static T name(…)`, each of the first two optional.
fn method(reader: &mut DocReader) -> Option<Magic> {
    reader.blanks();
    let start = reader.at;
    let is_static = reader.word() == "static" && matches!(reader.peek(), b' ' | b'\t');
    if !is_static {
        reader.at = start;
    }
    reader.blanks();
    let at = reader.at;
    let name = reader.word();
    let (name, ty) = if !name.is_empty() && reader.peek() == b'(' {
        let alone = if is_static { Type::Named(Name::new("static")) } else { Type::Unknown };
        (name, alone)
    } else {
        reader.at = at;
        let ty = reader.ty()?;
        reader.blanks();
        (reader.word(), ty)
    };
    if name.is_empty() {
        return None;
    }
    Some(Magic { name: Name::new(name), ty, is_method: true, is_static })
}

/// `T of Bound`: kept as the member `@template`, `T<Bound>`.
fn template(reader: &mut DocReader) -> Option<Magic> {
    reader.blanks();
    let name = Name::new(reader.word());
    reader.blanks();
    let bound = match reader.word() {
        "of" | "as" => reader.ty(),
        _ => None,
    };
    if name.is_empty() {
        return None;
    }
    let ty = match bound {
        Some(bound) => Type::Apply(name, vec![bound]),
        None => Type::Named(name),
    };
    Some(member(Name::new("@template"), ty))
}

impl<'t> Lowering<'t> {
    /// What the docblock before a declaration says. Its type variables stay in force until
    /// [`Lowering::end_templates`] is given the number that this returns.
    pub(super) fn doc(&mut self, comment: Option<&'t str>) -> (Doc<'t>, usize) {
        let before = self.names.templates.len();
        let doc = match comment {
            Some(text) => read(text, &mut self.names),
            None => Doc::default(),
        };
        (doc, before)
    }

    pub(super) fn end_templates(&mut self, before: usize) {
        self.names.templates.truncate(before);
    }

    /// Statements for the `@var` tags of a comment. A tag without name belongs to `target`.
    pub(super) fn declares(
        &mut self,
        comment: &'t str,
        node: tree_sitter::Node<'t>,
        target: Option<&'t str>,
    ) -> Vec<(&'t str, crate::facts::StmtId)> {
        let (doc, before) = self.doc(Some(comment));
        self.end_templates(before);
        let mut made = Vec::new();
        for (name, ty) in doc.vars {
            let Some(name) = name.or(target) else {
                continue;
            };
            if name == "this" || name.is_empty() {
                continue;
            }
            let slot = self.slot(name);
            let range = self.range(node);
            let stmt = self.frame.body.push_stmt(Stmt::Declare { slot, ty }, range);
            made.push((name, stmt));
        }
        made
    }
}
