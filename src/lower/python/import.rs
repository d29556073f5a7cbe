//! Which names does an import bind?

use tree_sitter::Node;

use crate::base::Name;
use crate::facts::{Block, FnId, Import, ImportKind, Stmt};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, range};

impl<'t> Lowering<'t> {
    /// `import a.b, c as d`.
    pub(super) fn import(&mut self, node: Node<'t>, out: &mut Block) {
        for i in self.kids(node) {
            let kid = self.kids[i];
            match Kind::of(kid) {
                Kind::DottedName => {
                    let target = self.text(kid).split('.').next().unwrap_or("").trim();
                    self.import_one(kid, Name::new(target), Name::new(target), 0, false, out);
                }
                Kind::AliasedImport => {
                    let (alias, _) = self.field_name(kid, Field::Alias);
                    let target = Field::Name.of(kid).map_or_else(Name::empty, |n| self.dotted(n));
                    self.import_one(kid, alias, target, 0, false, out);
                }
                _ => (),
            }
        }
    }

    /// `from ..a import b as c, d`.
    pub(super) fn import_from(&mut self, node: Node<'t>, out: &mut Block) {
        let Some(module) = Field::ModuleName.of(node) else {
            return;
        };
        let mut level = 0;
        let mut from = String::new();
        if Kind::of(module) == Kind::RelativeImport {
            for i in self.kids(module) {
                let part = self.kids[i];
                match Kind::of(part) {
                    Kind::ImportPrefix => level = self.text(part).bytes().filter(|b| *b == b'.').count() as u32,
                    Kind::DottedName => from.push_str(self.dotted(part).as_str()),
                    _ => (),
                }
            }
        } else {
            from.push_str(self.dotted(module).as_str());
        }
        for i in self.kids(node) {
            let kid = self.kids[i];
            if kid == module {
                continue;
            }
            let (local, member) = match Kind::of(kid) {
                Kind::WildcardImport => (Name::new("*"), None),
                Kind::DottedName => (self.dotted(kid), Some(self.dotted(kid))),
                Kind::AliasedImport => {
                    let (alias, _) = self.field_name(kid, Field::Alias);
                    (alias, Field::Name.of(kid).map(|n| self.dotted(n)))
                }
                _ => continue,
            };
            let target = match member {
                Some(member) if from.is_empty() => member,
                Some(member) => Name::new(&format!("{from}.{member}")),
                None => Name::new(&from),
            };
            self.import_one(kid, local, target, level, member.is_some(), out);
        }
    }

    fn import_one(&mut self, node: Node<'t>, local: Name, target: Name, level: u32, member: bool, out: &mut Block) {
        let star = local.as_str() == "*";
        let slot = if star { None } else { self.bind(local) };
        let scope = if star || slot.is_some() { self.top.id } else { FnId(0) };
        let import = self.imports.len() as u32;
        self.imports.push(Import { local, target, level, member, kind: ImportKind::Any, scope, range: range(node) });
        if let Some(slot) = slot {
            out.push(self.top.body.push_stmt(Stmt::Import { import, slot }, range(node)));
        }
    }

    /// A dotted name without the blanks that may stand around its dots.
    pub(super) fn dotted(&self, node: Node<'t>) -> Name {
        let text = self.text(node);
        if text.bytes().any(|b| b.is_ascii_whitespace() || b == b'\\') {
            return Name::new(&text.replace(|c: char| c.is_whitespace() || c == '\\', ""));
        }
        Name::new(text)
    }
}
