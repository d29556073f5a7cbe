//! What do chains of member reads, calls and subscripts mean?
//!
//! A chain is walked to its first link with a loop and built from there, so that its length needs no stack.

use smallvec::SmallVec;
use tree_sitter::Node;

use super::{Lowering, Nodes};
use crate::base::Name;
use crate::facts::{Arg, Expr, ExprId, MAX_DEPTH, Spread, Why};
use crate::syntax::php::{self, Field, Kind};

/// Arguments, or the `...` that makes a closure of a callable.
pub(super) enum Arguments {
    Values(Vec<Arg>),
    Placeholder,
}

impl<'t> Lowering<'t> {
    pub(super) fn chain(&mut self, node: Node<'t>) -> ExprId {
        let mut links: Nodes<'t> = SmallVec::new();
        let mut at = node;
        while let Some(base) = self.base_of(at) {
            if php::kind(at) != Kind::ParenthesizedExpression {
                links.push(at);
            }
            at = base;
        }
        if self.depth + links.len() > MAX_DEPTH {
            return self.gap(node, Why::TooDeep, Vec::new());
        }
        let Some(first) = links.last() else {
            return match php::kind(at) {
                Kind::FunctionCallExpression => self.named_call(at),
                _ => self.gap(node, Why::SyntaxError, Vec::new()),
            };
        };
        let depth = self.depth;
        self.depth += links.len();
        let is_scoped = matches!(
            php::kind(*first),
            Kind::ScopedCallExpression | Kind::ScopedPropertyAccessExpression | Kind::ClassConstantAccessExpression
        );
        let mut value = match php::kind(at) {
            _ if is_scoped => self.class_or_expr(at),
            Kind::FunctionCallExpression => self.named_call(at),
            _ => self.expr(at),
        };
        for link in links.into_iter().rev() {
            value = self.link(link, value);
            self.depth -= 1;
        }
        self.depth = depth;
        value
    }

    /// What a link of a chain stands on; `None` where the chain begins.
    fn base_of(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        match php::kind(node) {
            Kind::MemberAccessExpression
            | Kind::NullsafeMemberAccessExpression
            | Kind::MemberCallExpression
            | Kind::NullsafeMemberCallExpression => php::field(node, Field::Object),
            Kind::ScopedCallExpression | Kind::ScopedPropertyAccessExpression => php::field(node, Field::Scope),
            Kind::ClassConstantAccessExpression | Kind::SubscriptExpression | Kind::ParenthesizedExpression => self.first(node),
            Kind::FunctionCallExpression => php::field(node, Field::Function).filter(|n| !is_name(php::kind(*n))),
            _ => None,
        }
    }

    fn link(&mut self, node: Node<'t>, base: ExprId) -> ExprId {
        match php::kind(node) {
            Kind::SubscriptExpression => {
                let index = self.named(node).get(1).copied();
                let index = index.map(|index| self.expr(index));
                self.push(Expr::Index { base, index }, node)
            }
            Kind::FunctionCallExpression => self.call(node, base),
            Kind::ClassConstantAccessExpression => self.constant(node, base),
            Kind::MemberAccessExpression => self.attr(node, base, false),
            Kind::NullsafeMemberAccessExpression => self.attr(node, base, true),
            Kind::ScopedPropertyAccessExpression => self.attr(node, base, false),
            Kind::NullsafeMemberCallExpression => {
                let callee = self.attr(node, base, true);
                self.call(node, callee)
            }
            _ => {
                let callee = self.attr(node, base, false);
                self.call(node, callee)
            }
        }
    }

    /// The member that a link names. Its range ends with the name, even if a call follows.
    fn attr(&mut self, node: Node<'t>, base: ExprId, nullsafe: bool) -> ExprId {
        let name = php::field(node, Field::Name);
        let end = name.map_or(node.end_byte(), |n| n.end_byte());
        let range = self.bytes(node.start_byte(), end);
        let is_static = php::kind(node) == Kind::ScopedPropertyAccessExpression;
        let written = match name.map(|n| (n, php::kind(n))) {
            Some((name, Kind::Name)) => self.text_of(name),
            Some((name, Kind::VariableName)) if is_static => self.variable_text(name),
            None => "",
            Some((name, _)) => {
                let name = self.expr(name);
                return self.frame.body.push(Expr::DynamicAttr { base, name }, range);
            }
        };
        let name = Name::new(written);
        let attr = Expr::Attr { base, name, nullsafe };
        self.frame.body.push(attr, range)
    }

    /// `A::B`, `A::class`, `A::{$name}`.
    fn constant(&mut self, node: Node<'t>, base: ExprId) -> ExprId {
        let name = self.named(node).get(1).copied();
        let Some(name) = name else {
            return self.nameless_attr(node, base);
        };
        let text = self.text_of(name);
        if self.first(name).is_some() || text.starts_with(['$', '\'', '"']) {
            // Between braces the grammar calls any expression a name.
            return self.gap(node, Why::Dynamic, vec![base]);
        }
        if text.eq_ignore_ascii_case("class") && matches!(self.frame.body.expr(base), Expr::Class(_)) {
            return base;
        }
        let attr = Expr::Attr { base, name: Name::new(text), nullsafe: false };
        self.push(attr, node)
    }

    fn nameless_attr(&mut self, node: Node<'t>, base: ExprId) -> ExprId {
        let attr = Expr::Attr { base, name: Name::empty(), nullsafe: false };
        self.push(attr, node)
    }

    fn call(&mut self, node: Node<'t>, callee: ExprId) -> ExprId {
        let arguments = php::field(node, Field::Arguments);
        let expr = match self.deeper(1, |this| this.arguments(arguments)) {
            Arguments::Values(args) => Expr::Call { callee, args },
            Arguments::Placeholder => Expr::CallableOf(callee),
        };
        self.push(expr, node)
    }

    pub(super) fn arguments(&mut self, node: Option<Node<'t>>) -> Arguments {
        let mut args = Vec::new();
        let Some(node) = node else {
            return Arguments::Values(args);
        };
        for argument in self.named(node) {
            match php::kind(argument) {
                Kind::VariadicPlaceholder => return Arguments::Placeholder,
                Kind::Argument => args.push(self.argument(argument)),
                _ => {
                    let value = self.expr(argument);
                    args.push(plain(value));
                }
            }
        }
        Arguments::Values(args)
    }

    fn argument(&mut self, node: Node<'t>) -> Arg {
        let name = php::field(node, Field::Name);
        let skip = usize::from(name.is_some());
        let mut parts = self.named(node);
        parts.retain(|part| php::kind(*part) != Kind::Other);
        let Some(value) = parts.get(skip).copied() else {
            let gap = self.gap(node, Why::SyntaxError, Vec::new());
            return plain(gap);
        };
        let name = name.map(|n| Name::new(self.text_of(n)));
        let (value, spread) = match php::kind(value) {
            Kind::VariadicUnpacking => match self.first(value) {
                Some(inner) => (self.expr(inner), Spread::Elements),
                None => (self.gap(value, Why::SyntaxError, Vec::new()), Spread::Elements),
            },
            _ => (self.expr(value), Spread::No),
        };
        Arg { name, value, spread }
    }

    /// A call of a function by its name; some names are not functions but parts of the language.
    fn named_call(&mut self, node: Node<'t>) -> ExprId {
        let Some(function) = php::field(node, Field::Function) else {
            return self.gap(node, Why::SyntaxError, Vec::new());
        };
        let written = self.text_of(function);
        let arguments = php::field(node, Field::Arguments);
        if let Some(expr) = self.language_call(written, arguments) {
            return self.push(expr, node);
        }
        let (name, fallback) = self.names.function(written);
        let callee = self.push(Expr::Function { name, fallback }, function);
        self.call(node, callee)
    }

    fn language_call(&mut self, written: &str, arguments: Option<Node<'t>>) -> Option<Expr> {
        let word = ["isset", "empty", "exit", "die", "eval"].into_iter().find(|word| written.eq_ignore_ascii_case(word))?;
        let Arguments::Values(args) = self.arguments(arguments) else {
            return None;
        };
        let first = args.first().map(|arg| arg.value);
        Some(match word {
            "isset" => Expr::Isset(args.into_iter().map(|arg| arg.value).collect()),
            "empty" => Expr::Empty(first?),
            "eval" => {
                if let Some(arguments) = arguments {
                    self.note(arguments, Why::Dynamic);
                }
                Expr::Gap(Why::Dynamic, first.into_iter().collect())
            }
            _ => {
                let range = arguments.map_or_else(Default::default, |n| self.range(n));
                let value = first.unwrap_or_else(|| self.frame.body.push(Expr::Null, range));
                Expr::Throw(value)
            }
        })
    }

    /// The class that a scope, `new` or `instanceof` names, or the expression that computes it.
    pub(super) fn class_or_expr(&mut self, node: Node<'t>) -> ExprId {
        if is_name(php::kind(node)) || php::kind(node) == Kind::RelativeScope {
            if node.is_missing() {
                return self.gap(node, Why::SyntaxError, Vec::new());
            }
            let class = self.class_name(node);
            return self.push(Expr::Class(class), node);
        }
        self.expr(node)
    }

    /// The full name of the class that a name node names.
    pub(super) fn class_name(&mut self, node: Node<'t>) -> Name {
        let text = self.text_of(node);
        self.names.class(text)
    }
}

fn plain(value: ExprId) -> Arg {
    Arg { name: None, value, spread: Spread::No }
}

pub(super) fn is_name(kind: Kind) -> bool {
    matches!(kind, Kind::Name | Kind::QualifiedName | Kind::RelativeName)
}
