//! Which classes, functions and imports does a file declare?

use super::body::{Body, Expr, ExprId, Pat, Slot};
use super::gap::Gap;
use crate::base::{Name, Range};

/// The language that a body is written in. Decides scoping and the meaning of attribute reads, nothing about frameworks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// PHP source.
    Php,
    /// Python source.
    Python,
    /// A Blade template: PHP expressions.
    Blade,
    /// A Django template.
    DjangoTemplate,
    /// A Jinja2 template.
    Jinja,
}

impl Language {
    /// The variable by which a template asks for the turn of its innermost loop.
    pub fn turn_variable(self) -> Option<&'static str> {
        match self {
            Language::Php | Language::Python => None,
            Language::Blade | Language::Jinja => Some("loop"),
            Language::DjangoTemplate => Some("forloop"),
        }
    }

    /// Does it write pages with code in them?
    pub fn is_template(self) -> bool {
        matches!(self, Language::Blade | Language::DjangoTemplate | Language::Jinja)
    }
}

/// Index of a function in [`FileFacts::functions`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FnId(pub u32);

/// Index of a class in [`FileFacts::classes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassIx(pub u32);

/// Everything later stages will ever know of one file.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The language of the file.
    pub language: Language,
    /// PHP: the first namespace of the file without leading `\`, else empty. Python: empty (the path decides).
    pub namespace: Name,
    /// Imports of every scope, in source order.
    pub imports: Vec<Import>,
    /// Classes, interfaces, traits and enums, nested ones included, in source order.
    pub classes: Vec<ClassDecl>,
    /// All functions: index 0 is the body of the file itself (top-level statements, or the whole template).
    pub functions: Vec<FunctionDecl>,
    /// Python `__all__`, where it is a literal.
    pub exports: Option<Vec<Name>>,
    /// Comments that speak to this tool (contain `ormlint`), or that a test reads (`expect:` and so on).
    pub comments: Vec<Comment>,
    /// What was not understood.
    pub gaps: Vec<Gap>,
}

/// A comment addressed to the tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment {
    /// Where the comment stands, its markers included.
    pub range: Range,
    /// The text without comment markers, trimmed.
    pub text: Name,
}

/// One imported name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Import {
    /// The name that it binds here. For `from x import *` the name `*`.
    pub local: Name,
    /// What it names. PHP: fully qualified without leading `\`. Python: dotted; for relative imports without the dots.
    pub target: Name,
    /// Python: number of leading dots of a relative import.
    pub level: u32,
    /// Python: `import a.b.c` binds `a` to the package `a` (then `local` is `a` and `target` is `a`), while
    /// `from a.b import c` binds `c` to the member `a.b.c`: true for the latter.
    pub member: bool,
    /// PHP: what kind of symbol.
    pub kind: ImportKind,
    /// Function whose scope it is in; `FnId(0)` for the file itself.
    pub scope: FnId,
    /// Where.
    pub range: Range,
}

/// What a PHP `use` imports. Python imports are always `Any`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportKind {
    /// Class, interface, trait, enum or namespace; anything in Python.
    Any,
    /// `use function`.
    Function,
    /// `use const`.
    Const,
}

/// Class, interface, trait or enum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClassKind {
    /// Class, also Python's.
    Class,
    /// PHP interface.
    Interface,
    /// PHP trait.
    Trait,
    /// PHP enum.
    Enum,
}

/// A declared class.
#[derive(Clone, Debug)]
pub struct ClassDecl {
    /// PHP: fully qualified without leading `\` (anonymous classes: `class@` and the byte offset).
    /// Python: name within the module, dotted for nested classes (`Post.Meta`).
    pub name: Name,
    /// Range of the name token (of the keyword for anonymous classes).
    pub name_range: Range,
    /// Whole declaration.
    pub range: Range,
    /// What it is.
    pub kind: ClassKind,
    /// PHP `abstract`.
    pub is_abstract: bool,
    /// Base classes and implemented interfaces, in order, as types. PHP names are fully qualified, Python names as written.
    /// PHP: `extends` first, then `implements`.
    pub bases: Vec<Type>,
    /// How many of `bases` are `extends` (all of them in Python).
    pub extends: usize,
    /// PHP traits used, fully qualified.
    pub traits: Vec<Name>,
    /// Attributes (PHP) or decorators (Python), as expressions in the body of [`ClassDecl::scope`].
    pub decorators: Vec<ExprId>,
    /// Python class keywords (`metaclass=`, `table=True`), expressions in the body of [`ClassDecl::scope`]. Bases that are
    /// calls (`Manager.from_queryset(X)`) stand here, too, under the empty name.
    pub keywords: Vec<(Name, ExprId)>,
    /// The function whose body is the class body: attribute values and, in Python, its statements are expressions there.
    /// Its parent is the function in which the class stands.
    pub scope: FnId,
    /// Properties, constants, class attributes and enum cases, in source order. Constructor promotion included.
    pub attrs: Vec<AttrDecl>,
    /// Methods, in source order.
    pub methods: Vec<FnId>,
    /// Classes declared in this class's body.
    pub nested: Vec<ClassIx>,
    /// Docblock `@property`, `@property-read`, `@method` and `@mixin` of the class.
    pub magic: Vec<Magic>,
}

/// A property, constant, class attribute or enum case.
#[derive(Clone, Debug)]
pub struct AttrDecl {
    /// Name, without `$`.
    pub name: Name,
    /// Range of the name.
    pub name_range: Range,
    /// Initial value, an expression in the body of [`ClassDecl::scope`].
    pub value: Option<ExprId>,
    /// Declared type: native, annotation, or docblock `@var`.
    pub ty: Option<Type>,
    /// PHP `static` or `const`, or a Python class attribute with a value.
    pub is_static: bool,
    /// Constructor promotion: assigned from the parameter of that name.
    pub promoted: bool,
    /// PHP `private` or `protected`.
    pub is_hidden: bool,
}

/// A member that only the docblock of the class declares.
#[derive(Clone, PartialEq, Debug)]
pub struct Magic {
    /// Name, without `$`.
    pub name: Name,
    /// Its type (return type for methods).
    pub ty: Type,
    /// A method, else a property.
    pub is_method: bool,
    /// `static` method.
    pub is_static: bool,
}

/// What a function is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FnKind {
    /// Body of a file: top-level statements.
    File,
    /// Body of a class.
    ClassBody,
    /// Named function, nested ones included.
    Function,
    /// Method of a class.
    Method,
    /// Closure, arrow function, lambda.
    Closure,
    /// A whole template.
    Template,
    /// A named part of a template with parameters of its own: a Jinja macro.
    Macro,
}

/// A function, method, closure, file body, class body or template.
#[derive(Clone, Debug)]
pub struct FunctionDecl {
    /// Name; empty for closures and file bodies. PHP functions are fully qualified, methods and Python functions are not.
    pub name: Name,
    /// Range of the name token; of the whole where there is none.
    pub name_range: Range,
    /// Whole declaration.
    pub range: Range,
    /// What it is.
    pub kind: FnKind,
    /// Class that declares it (methods and class bodies).
    pub class: Option<ClassIx>,
    /// Enclosing function or class body; `None` only for the body of the file.
    pub parent: Option<FnId>,
    /// Parameters in order. In Python methods the receiver (`self`, `cls`) is the first parameter.
    pub params: Vec<Param>,
    /// Declared return type: native, annotation, or docblock (the docblock wins where it says more, e.g. generics).
    pub ret: Option<Type>,
    /// PHP `static`, or Python `@staticmethod`.
    pub is_static: bool,
    /// Python `@classmethod`.
    pub is_classmethod: bool,
    /// `abstract`, or in an interface.
    pub is_abstract: bool,
    /// PHP `private`: only the class that declares it can call it.
    pub is_private: bool,
    /// `async def`.
    pub is_async: bool,
    /// Contains `yield`.
    pub is_generator: bool,
    /// Decorators or PHP attributes, expressions in the body of the parent function.
    pub decorators: Vec<ExprId>,
    /// Values taken from the enclosing function when the closure is made: its slot there, the slot here.
    pub captures: Vec<Capture>,
    /// Code. Abstract methods have an empty body.
    pub body: Body,
}

impl FunctionDecl {
    /// The only value that a variable is assigned, if it is no parameter. What else may bind it (loops, patterns) is not looked at.
    pub fn only_value(&self, slot: Slot) -> Option<ExprId> {
        if self.params.iter().any(|p| p.slot == slot) {
            return None;
        }
        let mut found = None;
        for expr in &self.body.exprs {
            let (Expr::Assign { target, .. } | Expr::Augment { target, .. } | Expr::AssignIfNull { target, .. }) = expr else {
                continue;
            };
            if *self.body.pat(*target) != Pat::Local(slot) {
                continue;
            }
            match expr {
                Expr::Assign { value, .. } if found.is_none() => found = Some(*value),
                _ => return None,
            }
        }
        found
    }
}

/// A variable that a nested function takes from the one around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capture {
    /// Slot in the enclosing function.
    pub outer: Slot,
    /// Slot in this one.
    pub inner: Slot,
    /// PHP `use (&$x)`, Python `nonlocal`: writes reach the enclosing function.
    pub by_ref: bool,
}

/// How arguments reach a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    /// By position or name.
    Normal,
    /// By name only (after `*`).
    Keyword,
    /// `*args`, `...$args`.
    Rest,
    /// `**kwargs`.
    KeywordRest,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name, without `$`.
    pub name: Name,
    /// Local variable that holds it.
    pub slot: Slot,
    /// How arguments reach it.
    pub kind: ParamKind,
    /// Declared type: native, annotation, or docblock `@param`.
    pub ty: Option<Type>,
    /// Default value, an expression in the function's own body.
    pub default: Option<ExprId>,
    /// Attributes of the parameter (PHP), or the metadata of `Annotated[T, …]` (Python): expressions in its own body.
    pub decorators: Vec<ExprId>,
    /// PHP constructor promotion.
    pub promoted: bool,
    /// Where.
    pub range: Range,
}

/// A type as declared. PHP class names are fully qualified without leading `\`; `self`, `static`, `$this`, `parent` and
/// built-in names (`int`, `array`, `iterable`) stay as they are, lower case. Python names are as written, dotted.
/// String annotations (`"Post"`) are read as if unquoted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    /// A named type.
    Named(Name),
    /// Generic application: `Collection<int, Post>`, `list[Post]`; `Post[]` is `array<Post>`.
    Apply(Name, Vec<Type>),
    /// One of several; `?T` and `Optional[T]` are `T | null` (`None` is written `null`).
    Union(Vec<Type>),
    /// Present but not understood.
    Unknown,
}
