//! Which functions, parameters, namespaces and imports does a file declare?

use tree_sitter::Node;

use super::doc::{Doc, is_doc};
use super::{Lowering, empty_function};
use crate::base::Name;
use crate::facts::{
    Block, Capture, ClassIx, Expr, ExprId, FnId, FnKind, FunctionDecl, Import, ImportKind, Param, ParamKind, Pat, Stmt,
};
use crate::syntax::php::{self, Field, Kind};

/// A function in a function counts as so many levels of nesting.
const FUNCTION_LEVELS: usize = 4;

impl<'t> Lowering<'t> {
    /// `namespace A;`, `namespace A { … }`.
    pub(super) fn namespace(&mut self, node: Node<'t>, out: &mut Block) {
        let name = self.field_text(node, Field::Name);
        self.names.enter(name);
        if self.facts.namespace.is_empty() {
            self.facts.namespace = Name::new(name);
        }
        if let Some(body) = php::field(node, Field::Body) {
            self.block_of(body, out);
            self.names.enter("");
        }
    }

    /// `use A\B as C, function A\f;`, `use A\{B, const C}`.
    pub(super) fn use_imports(&mut self, node: Node<'t>) {
        let kind = self.import_kind(node).unwrap_or(ImportKind::Any);
        let Some(group) = php::field(node, Field::Body) else {
            for clause in self.named(node) {
                self.import(clause, "", kind);
            }
            return;
        };
        let prefix = self.child_of_kind(node, Kind::NamespaceName);
        let prefix = prefix.map_or("", |n| self.text_of(n));
        for clause in self.named(group) {
            self.import(clause, prefix, kind);
        }
    }

    fn import_kind(&self, node: Node<'t>) -> Option<ImportKind> {
        let word = php::field(node, Field::Type)?;
        let is_function = self.text_of(word).eq_ignore_ascii_case("function");
        Some(if is_function { ImportKind::Function } else { ImportKind::Const })
    }

    fn import(&mut self, clause: Node<'t>, prefix: &str, kind: ImportKind) {
        if php::kind(clause) != Kind::NamespaceUseClause {
            return;
        }
        let kind = self.import_kind(clause).unwrap_or(kind);
        let Some(name) = self.first(clause) else {
            return;
        };
        let written = self.text_of(name);
        let written = written.strip_prefix('\\').unwrap_or(written);
        let target = if prefix.is_empty() { Name::new(written) } else { Name::new(&format!("{prefix}\\{written}")) };
        let local = match php::field(clause, Field::Alias) {
            Some(alias) => self.text_of(alias),
            None => target.last_segment(),
        };
        self.names.import(kind, local, target);
        let import = Import {
            local: Name::new(local),
            target,
            level: 0,
            member: false,
            kind,
            scope: self.frame.id,
            range: self.range(clause),
        };
        self.facts.imports.push(import);
    }

    pub(super) fn named_function(&mut self, node: Node<'t>, doc: Option<Node<'t>>) -> FnId {
        let written = self.field_text(node, Field::Name);
        let name = self.names.declared(written);
        self.function(node, doc, FnKind::Function, name, None)
    }

    pub(super) fn closure(&mut self, node: Node<'t>) -> ExprId {
        let id = self.function(node, None, FnKind::Closure, Name::empty(), None);
        if php::field(node, Field::StaticModifier).is_some() {
            self.facts.functions[id.0 as usize].is_static = true;
        }
        self.push(Expr::Closure(id), node)
    }

    /// A method that lost its class in an error.
    pub(super) fn stray_method(&mut self, node: Node<'t>) -> FnId {
        let name = Name::new(self.field_text(node, Field::Name));
        self.function(node, None, FnKind::Function, name, None)
    }

    /// Lowers any kind of function.
    pub(super) fn function(
        &mut self,
        node: Node<'t>,
        doc: Option<Node<'t>>,
        kind: FnKind,
        name: Name,
        class: Option<ClassIx>,
    ) -> FnId {
        let decorators = self.attributes(node);
        let name_node = php::field(node, Field::Name);
        let range = self.range(node);
        let (doc, templates) = self.doc(doc.map(|n| self.text_of(n)));
        let is_arrow = php::kind(node) == Kind::ArrowFunction;
        let id = self.open(
            FunctionDecl {
                name,
                name_range: name_node.map_or(range, |n| self.range(n)),
                class,
                decorators,
                ..empty_function(kind, range)
            },
            is_arrow,
        );
        let mut root = Vec::new();
        let params = self.params(php::field(node, Field::Parameters), &doc, &mut root);
        if kind == FnKind::Closure && !is_arrow {
            self.captures(node);
        }
        match php::field(node, Field::Body) {
            Some(body) if php::kind(body) == Kind::CompoundStatement => {
                self.deeper(FUNCTION_LEVELS, |this| this.block_of(body, &mut root));
            }
            Some(body) => {
                let value = self.deeper(FUNCTION_LEVELS, |this| this.expr(body));
                let range = self.range(body);
                let stmt = Stmt::Return(Some(value));
                root.push(self.frame.body.push_stmt(stmt, range));
            }
            None => (),
        }
        self.frame.body.root = root;
        let ret = php::field(node, Field::ReturnType).map(|n| self.ty(n));
        let ret = self.merged(ret, doc.ret);
        self.end_templates(templates);
        let function = &mut self.facts.functions[id.0 as usize];
        function.params = params;
        function.ret = ret;
        self.close();
        id
    }

    /// Parameters. Promoted ones are assigned to their properties first of all.
    fn params(&mut self, node: Option<Node<'t>>, doc: &Doc<'t>, root: &mut Block) -> Vec<Param> {
        let mut params = Vec::new();
        let mut comment = None;
        let nodes = match node {
            Some(node) => self.with_comments(node),
            None => return params,
        };
        for node in nodes {
            let kind = match php::kind(node) {
                Kind::Comment => {
                    let text = self.text_of(node);
                    comment = is_doc(text).then_some(text);
                    continue;
                }
                Kind::SimpleParameter | Kind::PropertyPromotionParameter => ParamKind::Normal,
                Kind::VariadicParameter => ParamKind::Rest,
                _ => continue,
            };
            let param = self.param(node, kind, doc, comment.take());
            if param.promoted {
                let base = self.push(Expr::This, node);
                let value = self.push(Expr::Local(param.slot), node);
                let target = Pat::Attr { base, name: param.name };
                let assign = self.assignment(target, value, node);
                let range = self.range(node);
                root.push(self.frame.body.push_stmt(Stmt::Expr(assign), range));
            }
            params.push(param);
        }
        params
    }

    fn param(&mut self, node: Node<'t>, kind: ParamKind, doc: &Doc<'t>, comment: Option<&'t str>) -> Param {
        let written = self.param_name(node);
        let own = comment.and_then(|text| {
            let (own, templates) = self.doc(Some(text));
            self.end_templates(templates);
            own.var(written)
        });
        let native = php::field(node, Field::Type).map(|n| self.ty(n));
        let ty = self.merged(native, own.or_else(|| doc.param(written)));
        let decorators = self.attributes(node);
        let slot = match self.frame.find(written) {
            Some(slot) => slot,
            None => self.frame.add(written),
        };
        let default = php::field(node, Field::DefaultValue).map(|n| self.expr(n));
        Param {
            name: Name::new(written),
            slot,
            kind,
            ty,
            default,
            decorators,
            promoted: php::kind(node) == Kind::PropertyPromotionParameter,
            range: self.range(node),
        }
    }

    pub(super) fn param_name(&mut self, node: Node<'t>) -> &'t str {
        let name = php::field(node, Field::Name);
        let name = match name {
            Some(n) if php::kind(n) == Kind::ByRef => self.first(n),
            name => name,
        };
        name.map_or("", |n| self.variable_text(n))
    }

    /// `use ($a, &$b)`.
    fn captures(&mut self, node: Node<'t>) {
        let Some(clause) = self.child_of_kind(node, Kind::AnonymousFunctionUseClause) else {
            return;
        };
        for written in self.named(clause) {
            let by_ref = php::kind(written) == Kind::ByRef;
            let variable = if by_ref { self.first(written) } else { Some(written) };
            let Some(variable) = variable else {
                continue;
            };
            let name = self.variable_text(variable);
            let outer = self.slot_at(self.outer.len() - 1, name);
            let inner = match self.frame.find(name) {
                Some(slot) => slot,
                None => self.frame.add(name),
            };
            self.frame.captures.push(Capture { outer, inner, by_ref });
        }
    }

    /// `#[A(1), B]` before a declaration: as if each were constructed.
    pub(super) fn attributes(&mut self, node: Node<'t>) -> Vec<ExprId> {
        let mut made = Vec::new();
        let Some(list) = php::field(node, Field::Attributes) else {
            return made;
        };
        for group in self.named(list) {
            for attribute in self.named(group) {
                let Some(name) = self.first(attribute) else {
                    continue;
                };
                let class = self.class_or_expr(name);
                let args = self.new_arguments(php::field(attribute, Field::Parameters));
                made.push(self.push(Expr::New { class, args }, attribute));
            }
        }
        made
    }
}
