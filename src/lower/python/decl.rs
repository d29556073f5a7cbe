//! Which functions and classes are declared, with which parameters and attributes?

use tree_sitter::Node;

use crate::base::{Name, Range};
use crate::facts::{
    AttrDecl, Block, ClassDecl, ClassIx, ClassKind, Expr, ExprId, FnId, FnKind, Param, ParamKind, Pat, Slot, Stmt, Type,
};
use crate::syntax::python::{Field, Kind};

use super::expr::is_called;
use super::{Lowering, has_token, range, types};

impl<'t> Lowering<'t> {
    /// `@decorator` lines and what they decorate.
    pub(super) fn decorated(&mut self, node: Node<'t>, out: &mut Block) {
        let mut decorators = Vec::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            if Kind::of(kid) == Kind::Decorator {
                decorators.extend(self.first(kid));
            }
        }
        let Some(definition) = Field::Definition.of(node) else {
            return;
        };
        match Kind::of(definition) {
            Kind::ClassDefinition => self.class(definition, &decorators, range(node), out),
            Kind::FunctionDefinition => self.function(definition, &decorators, range(node), out),
            _ => (),
        }
    }

    /// `def`, in whatever scope.
    pub(super) fn function(&mut self, node: Node<'t>, decorators: &[Node<'t>], whole: Range, out: &mut Block) {
        let decorators: Vec<ExprId> = decorators.iter().map(|d| self.expr(*d)).collect();
        let (name, name_range) = self.field_name(node, Field::Name);
        let slot = self.bind(name);
        let has = |lowering: &Self, names| decorators.iter().any(|d| is_called(lowering.top.body.expr(*d), names));
        let is_static = has(self, &["staticmethod"]);
        let is_classmethod = has(self, &["classmethod"]) || matches!(name.as_str(), "__init_subclass__" | "__class_getitem__");
        let is_abstract = has(self, &["abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod"]);
        let (kind, class) = match self.top.kind {
            FnKind::ClassBody => (FnKind::Method, self.top.class),
            _ => (FnKind::Function, None),
        };
        let id = self.enter(kind, name, class);
        let mut body = Block::new();
        let params = match Field::Parameters.of(node) {
            Some(parameters) => self.parameters(parameters, &mut body),
            None => Vec::new(),
        };
        if kind == FnKind::Method && !is_static {
            self.top.receiver = params.first().map(|p| p.name);
        }
        let ret = Field::ReturnType.of(node).map(|ty| types::parse(self.text(ty)));
        self.unread_kids(node, &mut body);
        if let Some(block) = Field::Body.of(node) {
            self.block_into(block, &mut body);
        }
        self.top.body.root = body;
        let decl = &mut self.functions[id.0 as usize];
        decl.name_range = name_range;
        decl.range = whole;
        decl.params = params;
        decl.ret = ret;
        decl.is_static = is_static;
        decl.is_classmethod = is_classmethod && class.is_some();
        decl.is_abstract = is_abstract;
        decl.is_async = has_token(node, "async");
        decl.decorators = decorators;
        self.leave();
        if let Some(class) = class {
            self.classes[class.0 as usize].methods.push(id);
        }
        out.push(self.top.body.push_stmt(Stmt::Function(id, slot), whole));
    }

    /// `lambda x: e`.
    pub(super) fn lambda(&mut self, node: Node<'t>) -> ExprId {
        let whole = range(node);
        let id = self.enter(FnKind::Closure, Name::empty(), None);
        let mut body = Block::new();
        let params = match Field::Parameters.of(node) {
            Some(parameters) => self.parameters(parameters, &mut body),
            None => Vec::new(),
        };
        if let Some(value) = Field::Body.of(node) {
            let value = self.expr(value);
            let at = self.top.body.range(value);
            body.push(self.top.body.push_stmt(Stmt::Return(Some(value)), at));
        }
        self.top.body.root = body;
        let decl = &mut self.functions[id.0 as usize];
        decl.name_range = whole;
        decl.range = whole;
        decl.params = params;
        self.leave();
        self.push(Expr::Closure(id), whole)
    }

    /// Parameters; unpacking ones (Python 2) become assignments at the start of the body.
    fn parameters(&mut self, node: Node<'t>, body: &mut Block) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::new();
        let mut kind = ParamKind::Normal;
        for i in self.kids(node) {
            let kid = self.kids[i];
            let ty = Field::Type.of(kid);
            let mut default = None;
            let named = match Kind::of(kid) {
                Kind::KeywordSeparator => {
                    kind = ParamKind::Keyword;
                    continue;
                }
                Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                    default = Field::Value.of(kid);
                    Field::Name.of(kid)
                }
                Kind::TypedParameter => self.first(kid),
                Kind::Identifier | Kind::ListSplatPattern | Kind::DictionarySplatPattern | Kind::TuplePattern => Some(kid),
                _ => None,
            };
            let Some(named) = named else { continue };
            let (this, name) = match Kind::of(named) {
                Kind::ListSplatPattern => {
                    kind = ParamKind::Keyword;
                    (ParamKind::Rest, self.first(named))
                }
                Kind::DictionarySplatPattern => (ParamKind::KeywordRest, self.first(named)),
                _ => (kind, Some(named)),
            };
            let name = name.filter(|n| Kind::of(*n) == Kind::Identifier).map(|n| self.name(n));
            let slot = match name.and_then(|name| self.bind(name)) {
                Some(slot) => slot,
                None => self.fresh(Name::empty()),
            };
            if Kind::of(named) == Kind::TuplePattern {
                self.unpack(named, slot, body);
            }
            let mark = self.kids.len();
            self.top.is_outside = true;
            let default = default.map(|value| self.expr(value));
            let decorators = ty.map_or_else(Vec::new, |ty| self.metadata(ty));
            self.top.is_outside = false;
            self.kids.truncate(mark);
            let ty = ty.map(|ty| types::parse(self.text(ty)));
            let name = name.unwrap_or_else(Name::empty);
            params.push(Param { name, slot, kind: this, ty, default, decorators, promoted: false, range: range(kid) });
        }
        params
    }

    fn unpack(&mut self, node: Node<'t>, slot: Slot, body: &mut Block) {
        let at = range(node);
        let target = self.pattern(node);
        let value = self.push(Expr::Local(slot), at);
        let assign = self.push(Expr::Assign { target, value }, at);
        body.push(self.top.body.push_stmt(Stmt::Expr(assign), at));
    }

    /// The expressions after the type in `Annotated[T, …]`.
    fn metadata(&mut self, ty: Node<'t>) -> Vec<ExprId> {
        let mut found = Vec::new();
        if !self.text(ty).contains("Annotated") {
            return found;
        }
        let mut work = vec![ty];
        while let Some(node) = work.pop() {
            let kids = self.kids(node);
            match Kind::of(node) {
                Kind::Type | Kind::UnionType | Kind::BinaryOperator => work.extend(self.kids[kids].iter().rev()),
                Kind::GenericType | Kind::Subscript if kids.len() > 1 => {
                    let base = self.text(self.kids[kids.start]);
                    let args = match Kind::of(node) {
                        Kind::GenericType => self.kids(self.kids[kids.start + 1]),
                        _ => kids.start + 1..kids.end,
                    };
                    match base.rsplit('.').next() {
                        Some("Annotated") => {
                            for i in args.skip(1) {
                                found.push(self.expr(self.kids[i]));
                            }
                        }
                        Some("Optional" | "Union") => work.extend(self.kids[args].iter().rev()),
                        _ => (),
                    }
                }
                _ => (),
            }
        }
        found
    }

    /// `class`, in whatever scope.
    pub(super) fn class(&mut self, node: Node<'t>, decorators: &[Node<'t>], whole: Range, out: &mut Block) {
        let (short, name_range) = self.field_name(node, Field::Name);
        let slot = self.bind(short);
        let ix = ClassIx(self.classes.len() as u32);
        let name = self.class_name(short);
        let around = if self.top.kind == FnKind::ClassBody { self.top.class } else { None };
        self.classes.push(ClassDecl {
            name,
            name_range,
            range: whole,
            kind: ClassKind::Class,
            is_abstract: false,
            bases: Vec::new(),
            extends: 0,
            traits: Vec::new(),
            decorators: Vec::new(),
            keywords: Vec::new(),
            scope: FnId(0),
            attrs: Vec::new(),
            methods: Vec::new(),
            nested: Vec::new(),
            magic: Vec::new(),
        });
        if let Some(around) = around {
            self.classes[around.0 as usize].nested.push(ix);
        }
        let scope = self.enter(FnKind::ClassBody, short, Some(ix));
        self.top.is_outside = true;
        let decorators = decorators.iter().map(|d| self.expr(*d)).collect();
        let mut bases = Vec::new();
        let mut keywords = Vec::new();
        if let Some(arguments) = Field::Superclasses.of(node) {
            for i in self.kids(arguments) {
                let kid = self.kids[i];
                match Kind::of(kid) {
                    Kind::KeywordArgument => {
                        let (keyword, _) = self.field_name(kid, Field::Name);
                        if let Some(value) = Field::Value.of(kid) {
                            keywords.push((keyword, self.expr(value)));
                        }
                    }
                    Kind::DictionarySplat | Kind::Error => (),
                    Kind::ListSplat => bases.push(Type::Unknown),
                    Kind::Call => {
                        bases.push(Type::Unknown);
                        keywords.push((Name::empty(), self.expr(kid)));
                    }
                    _ => bases.push(types::parse(self.text(kid))),
                }
            }
        }
        self.top.is_outside = false;
        let decl = &mut self.classes[ix.0 as usize];
        decl.extends = bases.len();
        decl.bases = bases;
        decl.keywords = keywords;
        decl.decorators = decorators;
        decl.scope = scope;
        let mut body = Block::new();
        self.unread_kids(node, &mut body);
        if let Some(block) = Field::Body.of(node) {
            self.block_into(block, &mut body);
        }
        self.top.body.root = body;
        let decl = &mut self.functions[scope.0 as usize];
        decl.name_range = name_range;
        decl.range = whole;
        self.leave();
        out.push(self.top.body.push_stmt(Stmt::Class(ix, slot), whole));
    }

    /// The name of a class within the module: `Outer.Inner`, and `make.<locals>.Made` in a function, which no import finds.
    fn class_name(&self, short: Name) -> Name {
        if self.outer.is_empty() {
            return short;
        }
        let mut name = String::new();
        for frame in self.outer.iter().skip(1).chain([&self.top]) {
            let own = if frame.kind == FnKind::Closure { "<lambda>" } else { frame.name.as_str() };
            name.push_str(own);
            name.push_str(if frame.kind == FnKind::ClassBody { "." } else { ".<locals>." });
        }
        name.push_str(short.as_str());
        Name::new(&name)
    }

    /// In a class body, an assignment to a plain name declares an attribute.
    pub(super) fn attribute(&mut self, target: Node<'t>, value: Option<ExprId>, ty: Option<Type>) {
        let Some(class) = self.top.class.filter(|_| self.top.kind == FnKind::ClassBody) else {
            return;
        };
        match Kind::of(target) {
            Kind::Identifier => {
                let is_static = value.is_some();
                let (name, name_range) = (self.name(target), range(target));
                let attr = AttrDecl { name, name_range, value, ty, is_static, promoted: false, is_hidden: false };
                self.classes[class.0 as usize].attrs.push(attr);
            }
            Kind::PatternList | Kind::TuplePattern => {
                for i in self.kids(target) {
                    let kid = self.kids[i];
                    if Kind::of(kid) == Kind::Identifier {
                        let (name, name_range) = (self.name(kid), range(kid));
                        let attr = AttrDecl {
                            name,
                            name_range,
                            value: None,
                            ty: None,
                            is_static: true,
                            promoted: false,
                            is_hidden: false,
                        };
                        self.classes[class.0 as usize].attrs.push(attr);
                    }
                }
            }
            _ => (),
        }
    }

    /// In a method, `self.x: T` declares an attribute of the class.
    pub(super) fn receiver_attribute(&mut self, pat: &Pat, target: Node<'t>, ty: Type) {
        let (FnKind::Method, Some(class), Some(receiver)) = (self.top.kind, self.top.class, self.top.receiver) else {
            return;
        };
        let Pat::Attr { name, .. } = pat else { return };
        let (Some(object), Some(attribute)) = (Field::Object.of(target), Field::Attribute.of(target)) else {
            return;
        };
        if Kind::of(object) != Kind::Identifier || self.text(object) != receiver.as_str() {
            return;
        }
        let attr = AttrDecl {
            name: *name,
            name_range: range(attribute),
            value: None,
            ty: Some(ty),
            is_static: false,
            promoted: false,
            is_hidden: false,
        };
        self.classes[class.0 as usize].attrs.push(attr);
    }
}
