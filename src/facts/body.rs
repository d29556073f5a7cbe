//! What does a function do? A tree of statements over an arena of expressions, the same for every language.
//!
//! Children always stand before their parents in the arena. Nesting is bounded by lowering ([`MAX_DEPTH`]): what is deeper
//! is an [`Expr::Gap`] or an empty block, so whoever walks a body may recurse.

use super::decl::{ClassIx, FnId, Type};
use super::gap::Why;
use crate::base::{Name, Range};

/// Expressions and statements nest at most this deep. Real code stays far below; generated code meets it and leaves a gap.
/// A chain of calls counts one per link.
pub const MAX_DEPTH: usize = 400;

/// Index of an expression in [`Body::exprs`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ExprId(pub u32);

/// Index of a pattern in [`Body::pats`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PatId(pub u32);

/// Index of a statement in [`Body::stmts`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StmtId(pub u32);

/// Index of a local variable in [`Body::slots`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot(pub u32);

/// Statements in order.
pub type Block = Vec<StmtId>;

/// The code of one function.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Names of the local variables, parameters included. PHP names without `$`. In a template every free variable is a
    /// local whose value the renderer gives by name.
    pub slots: Vec<Name>,
    /// Expressions, children before parents.
    pub exprs: Vec<Expr>,
    /// Range of each expression. Attribute reads and calls span the whole chain up to and including their own part, so that
    /// an [`Expr::Attr`] always ends with its name.
    pub ranges: Vec<Range>,
    /// Assignment targets.
    pub pats: Vec<Pat>,
    /// Statements.
    pub stmts: Vec<Stmt>,
    /// Range of each statement.
    pub stmt_ranges: Vec<Range>,
    /// The statements of the function itself.
    pub root: Block,
}

impl Body {
    /// Range of an expression.
    pub fn range(&self, expr: ExprId) -> Range {
        self.ranges[expr.0 as usize]
    }

    /// The expression itself.
    pub fn expr(&self, expr: ExprId) -> &Expr {
        &self.exprs[expr.0 as usize]
    }

    /// The pattern itself.
    pub fn pat(&self, pat: PatId) -> &Pat {
        &self.pats[pat.0 as usize]
    }

    /// Does a pattern give a variable its value, however deep it stands in it?
    pub fn binds(&self, pat: PatId, slot: Slot) -> bool {
        let mut todo = vec![pat];
        while let Some(pat) = todo.pop() {
            match self.pat(pat) {
                Pat::Local(s) if *s == slot => return true,
                Pat::Seq(parts) => todo.extend(parts.iter().filter_map(|(p, _)| *p)),
                Pat::Keyed(parts) => todo.extend(parts.iter().map(|(_, p)| *p)),
                _ => (),
            }
        }
        false
    }

    /// The attributes that are read of the object itself: of `$this`, or of the variable that holds it.
    pub fn own_attrs(&self, receiver: Option<Slot>) -> impl Iterator<Item = (ExprId, Name)> {
        self.exprs.iter().enumerate().filter_map(move |(i, expr)| match expr {
            Expr::Attr { base, name, .. } => match self.expr(*base) {
                Expr::This => Some((ExprId(i as u32), *name)),
                Expr::Local(slot) if Some(*slot) == receiver => Some((ExprId(i as u32), *name)),
                _ => None,
            },
            _ => None,
        })
    }

    /// The loop that a header begins, and the range of the whole of it; none for the clause of a comprehension.
    pub fn loop_at(&self, header: Range) -> Option<(&Loop, Range)> {
        self.loops().find(|(l, _)| l.header == header)
    }

    /// Loops that are statements, each with its whole range.
    pub fn loops(&self) -> impl Iterator<Item = (&Loop, Range)> {
        self.stmts.iter().zip(&self.stmt_ranges).filter_map(|(stmt, range)| match stmt {
            Stmt::Loop(l) => Some((l.as_ref(), *range)),
            _ => None,
        })
    }

    /// Does an expression mean what a class is derived from: `super()`, `parent`?
    pub fn is_ancestor(&self, expr: ExprId) -> bool {
        match self.expr(expr) {
            Expr::Call { callee, .. } => matches!(self.expr(*callee), Expr::Name(n) if n.as_str() == "super"),
            Expr::Class(name) => name.as_str() == "parent",
            _ => false,
        }
    }

    /// The last part of the name that an expression is: a name, an attribute's, a variable's.
    pub fn last_name(&self, e: ExprId) -> Option<Name> {
        match self.expr(e) {
            Expr::Name(name) | Expr::Attr { name, .. } => Some(*name),
            Expr::Local(slot) => self.slots.get(slot.0 as usize).copied(),
            _ => None,
        }
    }

    /// The statement itself.
    pub fn stmt(&self, stmt: StmtId) -> &Stmt {
        &self.stmts[stmt.0 as usize]
    }

    /// Adds an expression.
    pub fn push(&mut self, expr: Expr, range: Range) -> ExprId {
        self.exprs.push(expr);
        self.ranges.push(range);
        ExprId(self.exprs.len() as u32 - 1)
    }

    /// Adds a pattern.
    pub fn push_pat(&mut self, pat: Pat) -> PatId {
        self.pats.push(pat);
        PatId(self.pats.len() as u32 - 1)
    }

    /// Adds a statement.
    pub fn push_stmt(&mut self, stmt: Stmt, range: Range) -> StmtId {
        self.stmts.push(stmt);
        self.stmt_ranges.push(range);
        StmtId(self.stmts.len() as u32 - 1)
    }

    /// The slot of a name, made if it is new.
    pub fn slot(&mut self, name: Name) -> Slot {
        match self.slots.iter().position(|n| *n == name) {
            Some(i) => Slot(i as u32),
            None => {
                self.slots.push(name);
                Slot(self.slots.len() as u32 - 1)
            }
        }
    }
}

/// An argument of a call, or an element of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arg {
    /// Keyword or named argument; `None` by position.
    pub name: Option<Name>,
    /// Value.
    pub value: ExprId,
    /// `...$xs`, `*xs`: elements of the value. With `name` absent and the value a mapping in Python (`**kw`) see `Keywords`.
    pub spread: Spread,
}

/// Is an argument or element one value, or the elements of one?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    /// One value.
    No,
    /// Its elements (`*xs`, `...$xs`).
    Elements,
    /// Its keys and values (`**kw`).
    Keywords,
}

/// Operators that only compute a scalar from operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `==`, `===`, `is`.
    Equal,
    /// `!=`, `!==`, `<>`, `is not`.
    NotEqual,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// `<`, `<=`, `>`, `>=`, `<=>`.
    Order,
    /// `+` (also joins lists).
    Add,
    /// PHP `.`, `~` in Jinja.
    Concat,
    /// `|` (also joins sets, querysets and conditions).
    BitOr,
    /// `&`.
    BitAnd,
    /// `%`: in Python also string formatting.
    Mod,
    /// Any other.
    Other,
}

/// What a container literal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeqKind {
    /// Python list, PHP array without keys.
    List,
    /// Python tuple.
    Tuple,
    /// Python set.
    Set,
}

/// What a comprehension makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompKind {
    /// `[…]`
    List,
    /// `{…}`
    Set,
    /// `{k: v …}`
    Dict,
    /// `(… for …)`: runs when iterated.
    Generator,
}

/// One `for`/`if` clause of a comprehension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clause {
    /// Target of the `for`.
    pub target: PatId,
    /// What is iterated.
    pub iter: ExprId,
    /// The `if`s after it.
    pub conditions: Vec<ExprId>,
    /// `async for`.
    pub is_async: bool,
    /// The clause itself, from `for` to the end of its conditions.
    pub range: Range,
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// A local variable.
    Local(Slot),
    /// PHP `$this` (also in closures made in methods). Python's receiver is an ordinary parameter.
    This,
    /// A name that is no local: Python module attribute or builtin (as written, one segment), PHP constant.
    Name(Name),
    /// PHP class name, fully qualified; `self`, `static`, `parent` in lower case.
    Class(Name),
    /// PHP function name: qualified as the namespace says, first candidate, and the global fall-back.
    Function {
        /// Qualified with the namespace or import.
        name: Name,
        /// The bare name that PHP falls back to.
        fallback: Name,
    },
    /// A closure, lambda or nested function made here.
    Closure(FnId),
    /// A class declared here (PHP anonymous class; instantiate it with `New`).
    ClassDef(ClassIx),
    /// Attribute, property, constant or method read: `$a->b`, `A::b`, `A::$b`, `a.b`. As the callee of a call: a method.
    Attr {
        /// The object or class.
        base: ExprId,
        /// The name, without `$`. Empty if missing (then there is a gap).
        name: Name,
        /// `?->`
        nullsafe: bool,
    },
    /// Attribute with a computed name.
    DynamicAttr {
        /// The object.
        base: ExprId,
        /// The expression that gives the name.
        name: ExprId,
    },
    /// Template lookup `a.b`: attribute, key or index, whichever there is; `call` says that the result is called when it
    /// is callable (Django).
    Lookup {
        /// The object.
        base: ExprId,
        /// The name; for numbers the digits.
        name: Name,
        /// Called when callable.
        call: bool,
    },
    /// `a[b]`; without index PHP's `$a[]`.
    Index {
        /// The container.
        base: ExprId,
        /// The index or key.
        index: Option<ExprId>,
    },
    /// `a[b:c]`.
    Slice {
        /// The container.
        base: ExprId,
        /// Lower bound.
        lower: Option<ExprId>,
        /// Upper bound.
        upper: Option<ExprId>,
    },
    /// A call. The callee is often an `Attr`.
    Call {
        /// What is called.
        callee: ExprId,
        /// With what.
        args: Vec<Arg>,
    },
    /// `f(...)`: a closure of the callee (PHP first-class callable).
    CallableOf(ExprId),
    /// `new C(…)`.
    New {
        /// The class: `Class`, `ClassDef` or any expression.
        class: ExprId,
        /// With what.
        args: Vec<Arg>,
    },
    /// Template filter `base|name:args`.
    Filter {
        /// What is filtered.
        base: ExprId,
        /// Name of the filter.
        name: Name,
        /// Arguments.
        args: Vec<Arg>,
    },
    /// Renders another template here: include, extends, component, `@each`; and Jinja imports of macros (as `Import`).
    Render(Box<Render>),
    /// Assignment; its value is the value assigned.
    Assign {
        /// Target.
        target: PatId,
        /// Value.
        value: ExprId,
    },
    /// `a op= b`.
    Augment {
        /// Target.
        target: PatId,
        /// Operator; `??=` is [`Expr::AssignIfNull`].
        op: BinaryOp,
        /// The target read as an expression.
        current: ExprId,
        /// Right side.
        value: ExprId,
    },
    /// `a ??= b`: the right side runs only if the target is null.
    AssignIfNull {
        /// Target.
        target: PatId,
        /// The target read as an expression.
        current: ExprId,
        /// Right side.
        value: ExprId,
    },
    /// Binary operator.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left.
        left: ExprId,
        /// Right.
        right: ExprId,
    },
    /// `a && b`, `a and b`: the right side runs only if the left is true.
    And(ExprId, ExprId),
    /// `a || b`, `a or b`.
    Or(ExprId, ExprId),
    /// `a ?? b`: no error and no query is saved; the left side is read.
    Coalesce(ExprId, ExprId),
    /// `!a`, `not a`.
    Not(ExprId),
    /// `c ? a : b`, `a if c else b`; `c ?: b` has no `then`.
    Ternary {
        /// Condition.
        cond: ExprId,
        /// If true; the condition's value if absent.
        then: Option<ExprId>,
        /// If false.
        otherwise: ExprId,
    },
    /// PHP `match`: arms with their conditions (empty: default).
    Match {
        /// Subject.
        subject: ExprId,
        /// Arms.
        arms: Vec<(Vec<ExprId>, ExprId)>,
    },
    /// Any other unary operator, cast to a scalar, `print`, …: evaluates its operand and gives a scalar.
    Scalar(Option<ExprId>),
    /// Casts that keep the value (`(array)`, `(object)`), `clone`, parentheses with meaning, `@`-silence.
    Same(ExprId),
    /// `a instanceof B`.
    InstanceOf {
        /// Value.
        value: ExprId,
        /// Class expression.
        class: ExprId,
    },
    /// `isset(a, b)`: reads each.
    Isset(Vec<ExprId>),
    /// `empty(a)`.
    Empty(ExprId),
    /// String literal.
    Str(Name),
    /// Integer literal.
    Int(i64),
    /// `true`/`false`.
    Bool(bool),
    /// `null`/`None`.
    Null,
    /// Float, bytes, ellipsis, …
    Literal,
    /// String with expressions in it; parts that are text are `Str`.
    Interpolated(Vec<ExprId>),
    /// Container literal without keys.
    Seq {
        /// List, tuple or set.
        kind: SeqKind,
        /// Elements.
        items: Vec<Arg>,
    },
    /// Container literal with keys; a `None` key is a spread (`**d`, `...$a`) or, in PHP, an element without key.
    Map(Vec<(Option<ExprId>, Arg)>),
    /// Comprehension.
    Comprehension {
        /// What it makes.
        kind: CompKind,
        /// The element; for dicts the value.
        element: ExprId,
        /// The key of a dict comprehension.
        key: Option<ExprId>,
        /// The clauses, outermost first.
        clauses: Vec<Clause>,
    },
    /// `await e`.
    Await(ExprId),
    /// `yield`: value and, in PHP, key.
    Yield(Option<ExprId>),
    /// `yield from e`.
    YieldFrom(ExprId),
    /// `throw` as an expression.
    Throw(ExprId),
    /// PHP `include`/`require` of a file.
    Include(ExprId),
    /// Several expressions in turn; the value is the last one's (PHP `for` headers, sequences in templates).
    Sequence(Vec<ExprId>),
    /// Not understood; parts that were are evaluated for their effects.
    Gap(Why, Vec<ExprId>),
}

/// How one template renders another.
#[derive(Clone, PartialEq, Debug)]
pub struct Render {
    /// The name of the template: `Str` where literal. For components the tag's name (`user-tag`, `forms.input`).
    pub template: ExprId,
    /// What kind of name that is.
    pub kind: RenderKind,
    /// Variables given by name, beside those inherited.
    pub args: Vec<Arg>,
    /// A record whose keys become variables.
    pub context: Option<ExprId>,
    /// Does the template see the variables around it, too?
    pub inherits: bool,
    /// `@each($view, $items, 'name')`, or `include … for`: rendered once per element of this, bound to this name.
    pub each: Option<(ExprId, Name)>,
    /// What is rendered inside it (slots, call blocks): statements evaluated where they stand, in the caller's variables.
    pub inner: Block,
}

/// What kind of name a [`Render`] gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RenderKind {
    /// A template by name.
    Include,
    /// The template that this one extends: its blocks are replaced by ours.
    Extends,
    /// A component tag: class or anonymous component.
    Component,
    /// A component with a class of its own that the framework instantiates (`<livewire:…>`).
    LiveComponent,
    /// Macros of another template become visible under a name.
    Import,
    /// A tag that the project defines (Django simple and inclusion tags): the name of the tag.
    Tag,
}

/// A place that is assigned to.
#[derive(Clone, PartialEq, Debug)]
pub enum Pat {
    /// A local variable.
    Local(Slot),
    /// A module-level or `global` name.
    Global(Name),
    /// `$a->b = …`, `a.b = …`, `A::$b = …`.
    Attr {
        /// The object or class.
        base: ExprId,
        /// The name.
        name: Name,
    },
    /// `$a['k'] = …`, `$a[] = …`.
    Index {
        /// The container.
        base: ExprId,
        /// The key.
        index: Option<ExprId>,
    },
    /// `[$a, $b]`, `a, *b`: by position; `None` skips one. The flag marks the starred one.
    Seq(Vec<(Option<PatId>, bool)>),
    /// `['k' => $a]`: by key.
    Keyed(Vec<(ExprId, PatId)>),
    /// Any other expression, evaluated for its effects.
    Other(ExprId),
}

/// What kind of loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopKind {
    /// Over the elements of a value.
    Each,
    /// While a condition holds.
    While,
    /// PHP/C `for`: the header's parts are in `before`, `cond`, `step`.
    For,
    /// The body runs before the condition.
    DoWhile,
}

/// A loop.
#[derive(Clone, PartialEq, Debug)]
pub struct Loop {
    /// Kind.
    pub kind: LoopKind,
    /// Target of the element.
    pub target: Option<PatId>,
    /// Target of the key (`$k => $v`).
    pub key: Option<PatId>,
    /// What is iterated.
    pub iter: Option<ExprId>,
    /// `for` header: run once before.
    pub before: Option<ExprId>,
    /// Condition, evaluated each turn.
    pub cond: Option<ExprId>,
    /// `for` header: run after each turn.
    pub step: Option<ExprId>,
    /// Body.
    pub body: Block,
    /// Python `else`, template `empty`: runs when the loop ends, or when there was no element.
    pub otherwise: Block,
    /// `async for`.
    pub is_async: bool,
    /// The header, for labels: from the keyword to the end of the header.
    pub header: Range,
}

/// One `case` of a switch or `match` statement, or one `except`.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Values or classes compared with; empty: default.
    pub tests: Vec<ExprId>,
    /// What a Python `case` pattern or `except … as e` binds (to unknown values).
    pub binds: Vec<Slot>,
    /// Guard.
    pub guard: Option<ExprId>,
    /// Body. In a PHP `switch` it falls through unless it leaves.
    pub body: Block,
}

/// A statement.
#[derive(Clone, PartialEq, Debug)]
pub enum Stmt {
    /// An expression for its effects.
    Expr(ExprId),
    /// Output of an expression by a template (`{{ e }}`) or `echo`: converted to a string.
    Output(ExprId),
    /// Branch.
    If {
        /// Condition.
        cond: ExprId,
        /// If true.
        then: Block,
        /// If false.
        otherwise: Block,
    },
    /// Loop.
    Loop(Box<Loop>),
    /// Switch or `match` statement.
    Switch {
        /// Subject.
        subject: ExprId,
        /// Cases in order.
        cases: Vec<Case>,
    },
    /// Try.
    Try {
        /// Body.
        body: Block,
        /// `except`/`catch`.
        handlers: Vec<Case>,
        /// Python `else`.
        otherwise: Block,
        /// `finally`.
        finally: Block,
    },
    /// Python `with`; template `with`/`cache`/… blocks that bind.
    With {
        /// Managers and what they bind.
        items: Vec<(ExprId, Option<PatId>)>,
        /// Body.
        body: Block,
        /// `async with`.
        is_async: bool,
    },
    /// Statements of their own scope for blocks of a template that children may replace; elsewhere a plain block.
    TemplateBlock {
        /// Name of the block or section.
        name: Name,
        /// Content.
        body: Block,
    },
    /// A part of a template of which the output is kept: it runs only when the cache does not hold it.
    Cached(Block),
    /// Return.
    Return(Option<ExprId>),
    /// Raise or throw.
    Raise(Option<ExprId>),
    /// `break`; PHP `break 2` leaves that many loops.
    Break(u32),
    /// `continue`.
    Continue(u32),
    /// A nested named function is bound to a local (Python) or becomes global (PHP: then the slot is absent).
    Function(FnId, Option<Slot>),
    /// A nested class is bound to a local (Python).
    Class(ClassIx, Option<Slot>),
    /// An import inside a function binds a local to this dotted name.
    Import {
        /// Index in `FileFacts::imports`.
        import: u32,
        /// The local.
        slot: Slot,
    },
    /// Python `del x`, PHP `unset($x)`.
    Delete(Vec<PatId>),
    /// `/** @var T $x */`, or an annotated declaration without value.
    Declare {
        /// The local.
        slot: Slot,
        /// Its type.
        ty: Type,
    },
    /// Python `assert`.
    Assert(ExprId),
    /// Not understood; nested statements that were are kept.
    Gap(Why, Block),
}
