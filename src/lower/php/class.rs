//! Which classes does a file declare, and what is in them?

use tree_sitter::Node;

use super::doc::{Doc, is_doc};
use super::{Lowering, empty_function};
use crate::base::{Name, Range};
use crate::facts::{AttrDecl, ClassDecl, ClassIx, ClassKind, ExprId, FnId, FnKind, FunctionDecl, Param, ParamKind, Stmt, Type};
use crate::syntax::php::{self, Field, Kind};

/// What the members of a class declare, gathered while its body is lowered.
#[derive(Default)]
struct Members {
    attrs: Vec<AttrDecl>,
    methods: Vec<FnId>,
    traits: Vec<Name>,
}

impl<'t> Lowering<'t> {
    pub(super) fn named_class(&mut self, node: Node<'t>, doc: Option<Node<'t>>) -> ClassIx {
        let written = self.field_text(node, Field::Name);
        let name = self.names.declared(written);
        let name_range = php::field(node, Field::Name).map(|n| self.range(n));
        self.class(node, doc, name, name_range)
    }

    pub(super) fn anonymous_class(&mut self, node: Node<'t>) -> ClassIx {
        let at = self.range(node);
        let name = Name::new(&format!("class@{}", at.start));
        let mut keyword = None;
        for token in self.tokens(node) {
            if php::kind(token) == Kind::Token && self.text_of(token).eq_ignore_ascii_case("class") {
                keyword = Some(self.range(token));
                break;
            }
        }
        self.class(node, None, name, keyword)
    }

    fn class(&mut self, node: Node<'t>, doc: Option<Node<'t>>, name: Name, name_range: Option<Range>) -> ClassIx {
        let range = self.range(node);
        let name_range = name_range.unwrap_or(range);
        let ix = ClassIx(self.facts.classes.len() as u32);
        let kind = match php::kind(node) {
            Kind::InterfaceDeclaration => ClassKind::Interface,
            Kind::TraitDeclaration => ClassKind::Trait,
            Kind::EnumDeclaration => ClassKind::Enum,
            _ => ClassKind::Class,
        };
        let scope = self.open(FunctionDecl { name_range, class: Some(ix), ..empty_function(FnKind::ClassBody, range) }, false);
        self.facts.classes.push(ClassDecl {
            name,
            name_range,
            range,
            kind,
            is_abstract: false,
            bases: Vec::new(),
            extends: 0,
            traits: Vec::new(),
            decorators: Vec::new(),
            keywords: Vec::new(),
            scope,
            attrs: Vec::new(),
            methods: Vec::new(),
            nested: Vec::new(),
            magic: Vec::new(),
        });
        let around = self.class.replace(ix);
        let (doc, templates) = self.doc(doc.map(|n| self.text_of(n)));
        let decorators = self.attributes(node);
        let is_abstract = self.child_of_kind(node, Kind::AbstractModifier).is_some();
        let mut bases = self.base_types(node, Kind::BaseClause, &doc);
        let extends = bases.len();
        bases.extend(self.base_types(node, Kind::ClassInterfaceClause, &doc));
        let mut members = Members::default();
        if let Some(body) = php::field(node, Field::Body) {
            self.members(body, &mut members);
        }
        self.end_templates(templates);
        let class = &mut self.facts.classes[ix.0 as usize];
        class.is_abstract = is_abstract;
        class.bases = bases;
        class.extends = extends;
        class.traits = members.traits;
        class.decorators = decorators;
        class.attrs = members.attrs;
        class.methods = members.methods;
        class.magic = doc.magic;
        self.class = around;
        self.close();
        ix
    }

    /// Base classes, with the type arguments that the docblock gives them.
    fn base_types(&mut self, node: Node<'t>, clause: Kind, doc: &Doc<'t>) -> Vec<Type> {
        let Some(clause) = self.child_of_kind(node, clause) else {
            return Vec::new();
        };
        let mut types = Vec::new();
        for base in self.named(clause) {
            let name = self.class_name(base);
            let applied = doc.bases.iter().find(|ty| match ty {
                Type::Apply(known, _) => *known == name,
                _ => false,
            });
            types.push(applied.cloned().unwrap_or(Type::Named(name)));
        }
        types
    }

    fn members(&mut self, body: Node<'t>, members: &mut Members) {
        let mut doc = None;
        for node in self.with_comments(body) {
            if php::kind(node) == Kind::Comment {
                doc = is_doc(self.text_of(node)).then_some(node);
                continue;
            }
            self.member(node, doc.take(), members);
        }
    }

    fn used_traits(&mut self, node: Node<'t>, members: &mut Members) {
        for name in self.named(node) {
            if php::kind(name) != Kind::UseList {
                members.traits.push(self.class_name(name));
            }
        }
    }

    fn member(&mut self, node: Node<'t>, doc: Option<Node<'t>>, members: &mut Members) {
        match php::kind(node) {
            Kind::MethodDeclaration => self.method(node, doc, members),
            Kind::PropertyDeclaration => self.property(node, doc, members),
            Kind::ConstDeclaration => self.class_constants(node, doc, members),
            Kind::EnumCase => self.enum_case(node, members),
            Kind::UseDeclaration => self.used_traits(node, members),
            Kind::Error if !self.is_too_deep() => {
                self.depth += 1;
                self.members(node, members);
                self.depth -= 1;
            }
            Kind::FunctionDefinition => {
                // A method whose modifiers were lost in an error.
                self.method(node, doc, members);
            }
            kind if super::expr::is_expression(kind) => {
                let value = self.expr(node);
                let range = self.range(node);
                let stmt = self.frame.body.push_stmt(Stmt::Expr(value), range);
                self.frame.body.root.push(stmt);
            }
            _ => (),
        }
    }

    fn method(&mut self, node: Node<'t>, doc: Option<Node<'t>>, members: &mut Members) {
        let name = Name::new(self.field_text(node, Field::Name));
        let id = self.function(node, doc, FnKind::Method, name, self.class);
        let mut is_static = false;
        let mut is_abstract = php::field(node, Field::Body).is_none();
        self.each_child(node, |_, kind| match kind {
            Kind::StaticModifier => is_static = true,
            Kind::AbstractModifier => is_abstract = true,
            _ => (),
        });
        let is_private = self.child_of_kind(node, Kind::VisibilityModifier).is_some_and(|n| self.text_of(n) == "private");
        let function = &mut self.facts.functions[id.0 as usize];
        function.is_static = is_static;
        function.is_abstract = is_abstract;
        function.is_private = is_private;
        members.methods.push(id);
        let promoted: Vec<AttrDecl> = function.params.iter().filter(|param| param.promoted).map(promoted_attr).collect();
        members.attrs.extend(promoted);
        if let Some(params) = php::field(node, Field::Parameters) {
            self.param_places(params, members);
        }
    }

    /// Promoted properties are named where the parameter is, and may have hooks.
    fn param_places(&mut self, params: Node<'t>, members: &mut Members) {
        for param in self.named(params) {
            if php::kind(param) != Kind::PropertyPromotionParameter {
                continue;
            }
            let written = self.param_name(param);
            let range = php::field(param, Field::Name).map(|n| self.range(n));
            let name = Name::new(written);
            let is_hidden = self.child_of_kind(param, Kind::VisibilityModifier).is_some_and(|n| self.text_of(n) != "public");
            let mut attrs = members.attrs.iter_mut().rev();
            if let Some(attr) = attrs.find(|a| a.promoted && a.name == name)
                && let Some(range) = range
            {
                attr.name_range = range;
                attr.is_hidden = is_hidden;
            }
            if let Some(hooks) = self.child_of_kind(param, Kind::PropertyHookList) {
                self.hooks(hooks, written, members);
            }
        }
    }

    fn property(&mut self, node: Node<'t>, doc: Option<Node<'t>>, members: &mut Members) {
        let (doc, templates) = self.doc(doc.map(|n| self.text_of(n)));
        let is_static = self.child_of_kind(node, Kind::StaticModifier).is_some();
        let is_hidden = self.child_of_kind(node, Kind::VisibilityModifier).is_some_and(|n| self.text_of(n) != "public");
        let native = php::field(node, Field::Type).map(|n| self.ty(n));
        let mut last = "";
        for element in self.named(node) {
            match php::kind(element) {
                Kind::PropertyElement => {
                    let Some(name) = php::field(element, Field::Name) else {
                        continue;
                    };
                    last = self.variable_text(name);
                    let value = php::field(element, Field::DefaultValue).map(|n| self.expr(n));
                    let attr = AttrDecl {
                        name: Name::new(last),
                        name_range: self.range(name),
                        value,
                        ty: self.merged(native.clone(), doc.var(last)),
                        is_static,
                        promoted: false,
                        is_hidden,
                    };
                    members.attrs.push(attr);
                }
                Kind::PropertyHookList => self.hooks(element, last, members),
                _ => (),
            }
        }
        self.end_templates(templates);
    }

    /// `{ get => …; set($v) { … } }`: methods named as PHP names them, `$title::get`.
    fn hooks(&mut self, list: Node<'t>, property: &str, members: &mut Members) {
        for hook in self.named(list) {
            let Some(name) = self.child_of_kind(hook, Kind::Name) else {
                continue;
            };
            let word = self.text_of(name).to_ascii_lowercase();
            let name = Name::new(&format!("${property}::{word}"));
            let id = self.function(hook, None, FnKind::Method, name, self.class);
            let function = &mut self.facts.functions[id.0 as usize];
            if word == "set" && function.params.is_empty() {
                let known = function.body.slots.iter();
                let place = known.clone().position(|n| n.as_str() == "value");
                if let Some(place) = place {
                    function.params.push(Param {
                        name: Name::new("value"),
                        slot: crate::facts::Slot(place as u32),
                        kind: ParamKind::Normal,
                        ty: None,
                        default: None,
                        decorators: Vec::new(),
                        promoted: false,
                        range: function.range,
                    });
                }
            }
            members.methods.push(id);
        }
    }

    fn class_constants(&mut self, node: Node<'t>, doc: Option<Node<'t>>, members: &mut Members) {
        let (doc, templates) = self.doc(doc.map(|n| self.text_of(n)));
        let native = php::field(node, Field::Type).map(|n| self.ty(n));
        for element in self.named(node) {
            if php::kind(element) != Kind::ConstElement {
                continue;
            }
            let parts = self.named(element);
            let [name, value] = parts.as_slice() else {
                continue;
            };
            let written = self.text_of(*name);
            let value = self.expr(*value);
            let ty = self.merged(native.clone(), doc.var(written));
            let range = self.range(*name);
            members.attrs.push(static_attr(written, range, Some(value), ty));
        }
        self.end_templates(templates);
    }

    fn enum_case(&mut self, node: Node<'t>, members: &mut Members) {
        let Some(name) = php::field(node, Field::Name) else {
            return;
        };
        let value = php::field(node, Field::Value).map(|n| self.expr(n));
        let ty = self.class.map(|ix| {
            let class = &self.facts.classes[ix.0 as usize];
            Type::Named(class.name)
        });
        let range = self.range(name);
        members.attrs.push(static_attr(self.text_of(name), range, value, ty));
    }
}

fn promoted_attr(param: &Param) -> AttrDecl {
    AttrDecl {
        name: param.name,
        name_range: param.range,
        value: None,
        ty: param.ty.clone(),
        is_static: false,
        promoted: true,
        is_hidden: false,
    }
}

fn static_attr(name: &str, range: Range, value: Option<ExprId>, ty: Option<Type>) -> AttrDecl {
    AttrDecl { name: Name::new(name), name_range: range, value, ty, is_static: true, promoted: false, is_hidden: false }
}
