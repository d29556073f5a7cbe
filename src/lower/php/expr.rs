//! What does an expression compute?

use tree_sitter::Node;

use super::chain::Arguments;
use super::operators::binary_op;
use super::{Lowering, Nodes};
use crate::base::Name;
use crate::facts::{Arg, BinaryOp, Expr, ExprId, Pat, SeqKind, Spread, Why};
use crate::syntax::php::{self, Field, Kind};

impl<'t> Lowering<'t> {
    pub(super) fn expr(&mut self, node: Node<'t>) -> ExprId {
        if self.is_too_deep() {
            return self.gap(node, Why::TooDeep, Vec::new());
        }
        self.depth += 1;
        let expr = self.expr_of(node);
        self.depth -= 1;
        expr
    }

    /// Each arm is one call: this frame stands on the stack once per level of nesting.
    fn expr_of(&mut self, node: Node<'t>) -> ExprId {
        match php::kind(node) {
            Kind::VariableName => {
                let name = self.variable_text(node);
                self.variable(name, node)
            }
            Kind::MemberAccessExpression
            | Kind::NullsafeMemberAccessExpression
            | Kind::MemberCallExpression
            | Kind::NullsafeMemberCallExpression
            | Kind::ScopedCallExpression
            | Kind::ScopedPropertyAccessExpression
            | Kind::ClassConstantAccessExpression
            | Kind::SubscriptExpression
            | Kind::FunctionCallExpression => self.chain(node),
            Kind::String => self.plain_string(node),
            Kind::EncapsedString | Kind::Heredoc | Kind::ShellCommandExpression => self.interpolated(node),
            Kind::Nowdoc => self.nowdoc(node),
            Kind::ArrayCreationExpression => self.array(node),
            Kind::Integer | Kind::Float | Kind::Boolean | Kind::Null => self.literal(node),
            Kind::Name | Kind::QualifiedName | Kind::RelativeName => self.constant_name(node),
            Kind::RelativeScope => self.class_or_expr(node),
            Kind::ParenthesizedExpression => self.parenthesized(node),
            Kind::AssignmentExpression | Kind::ReferenceAssignmentExpression => self.assign(node),
            Kind::AugmentedAssignmentExpression => self.augment(node),
            Kind::UpdateExpression => self.update(node),
            Kind::BinaryExpression => self.binary(node),
            Kind::UnaryOpExpression => self.unary(node),
            Kind::ConditionalExpression => self.ternary(node),
            Kind::MatchExpression => self.match_(node),
            Kind::AnonymousFunction | Kind::ArrowFunction => self.closure(node),
            Kind::ObjectCreationExpression => self.new_object(node),
            Kind::CastExpression => self.cast(node),
            Kind::CloneExpression => self.clone_(node),
            Kind::ErrorSuppressionExpression => self.inner(node, Expr::Same),
            Kind::ThrowExpression => self.inner(node, Expr::Throw),
            Kind::PrintIntrinsic => self.inner(node, |e| Expr::Scalar(Some(e))),
            Kind::IncludeExpression | Kind::IncludeOnceExpression | Kind::RequireExpression | Kind::RequireOnceExpression => {
                self.inner(node, Expr::Include)
            }
            Kind::YieldExpression => self.yield_(node),
            Kind::SequenceExpression => self.sequence(node),
            Kind::ByRef | Kind::VariadicUnpacking => self.inner(node, Expr::Same),
            Kind::ListLiteral => self.stray_list(node),
            Kind::DynamicVariableName => self.parts_gap(node, Why::Dynamic),
            Kind::ArgumentPlaceholder => self.gap(node, Why::NotLowered("argument_placeholder"), Vec::new()),
            Kind::Error => self.parts_gap(node, Why::SyntaxError),
            _ => self.gap(node, Why::NotLowered(node.kind()), Vec::new()),
        }
    }

    /// An expression around one other.
    fn inner(&mut self, node: Node<'t>, make: impl FnOnce(ExprId) -> Expr) -> ExprId {
        match self.first(node) {
            Some(inner) => {
                let inner = self.expr(inner);
                self.push(make(inner), node)
            }
            None => self.gap(node, Why::SyntaxError, Vec::new()),
        }
    }

    /// Not understood, but its parts are.
    pub(super) fn parts_gap(&mut self, node: Node<'t>, why: Why) -> ExprId {
        let parts = self.named(node);
        let parts = parts.into_iter().filter(|part| is_expression(php::kind(*part))).map(|part| self.expr(part)).collect();
        self.gap(node, why, parts)
    }

    fn stray_list(&mut self, node: Node<'t>) -> ExprId {
        let parts = self.named(node);
        let parts = parts.into_iter().map(|part| self.expr(part)).collect();
        self.gap(node, Why::NotLowered("list_literal"), parts)
    }

    /// The name of a variable, without `$`.
    pub(super) fn variable_text(&self, node: Node<'t>) -> &'t str {
        let text = self.text_of(node);
        text.strip_prefix('$').unwrap_or(text).trim_start()
    }

    pub(super) fn variable(&mut self, name: &'t str, node: Node<'t>) -> ExprId {
        if name == "this" {
            return self.push(Expr::This, node);
        }
        if name.is_empty() {
            return self.gap(node, Why::SyntaxError, Vec::new());
        }
        if self.frame.is_global(name) {
            let name = Name::new(&format!("${name}"));
            return self.push(Expr::Name(name), node);
        }
        let slot = self.slot(name);
        self.push(Expr::Local(slot), node)
    }

    fn constant_name(&mut self, node: Node<'t>) -> ExprId {
        if node.is_missing() {
            return self.gap(node, Why::SyntaxError, Vec::new());
        }
        let text = self.text_of(node);
        if ["exit", "die"].iter().any(|w| text.eq_ignore_ascii_case(w)) {
            let value = self.push(Expr::Null, node);
            return self.push(Expr::Throw(value), node);
        }
        // What it names in a trait is the class that uses it, as `self` does.
        if text.eq_ignore_ascii_case("__CLASS__") {
            return self.push(Expr::Class(Name::new("self")), node);
        }
        let name = self.names.constant(text);
        self.push(Expr::Name(name), node)
    }

    fn literal(&mut self, node: Node<'t>) -> ExprId {
        let text = self.text_of(node);
        let expr = match php::kind(node) {
            Kind::Integer => integer(text).map_or(Expr::Literal, Expr::Int),
            Kind::Boolean => Expr::Bool(text.eq_ignore_ascii_case("true")),
            Kind::Null => Expr::Null,
            _ => Expr::Literal,
        };
        self.push(expr, node)
    }

    fn parenthesized(&mut self, node: Node<'t>) -> ExprId {
        let mut at = node;
        while php::kind(at) == Kind::ParenthesizedExpression {
            match self.first(at) {
                Some(inner) => at = inner,
                None => return self.gap(node, Why::SyntaxError, Vec::new()),
            }
        }
        self.expr(at)
    }

    fn array(&mut self, node: Node<'t>) -> ExprId {
        let mut items: Vec<(Option<ExprId>, Arg)> = Vec::new();
        let mut has_key = false;
        for element in self.named(node) {
            if php::kind(element) != Kind::ArrayElementInitializer {
                if php::kind(element) == Kind::Error {
                    let value = self.expr(element);
                    items.push((None, arg(value, Spread::No)));
                }
                continue;
            }
            let parts = self.named(element);
            let item = match parts.as_slice() {
                [value] if php::kind(*value) == Kind::VariadicUnpacking => {
                    let Some(inner) = self.first(*value) else {
                        continue;
                    };
                    (None, arg(self.expr(inner), Spread::Elements))
                }
                [value] => (None, arg(self.by_value(*value), Spread::No)),
                [key, value, ..] => {
                    has_key = true;
                    let key = self.expr(*key);
                    (Some(key), arg(self.by_value(*value), Spread::No))
                }
                [] => continue,
            };
            items.push(item);
        }
        let expr = if has_key {
            Expr::Map(items)
        } else {
            Expr::Seq { kind: SeqKind::List, items: items.into_iter().map(|(_, item)| item).collect() }
        };
        self.push(expr, node)
    }

    /// `&$x` as `$x`.
    fn by_value(&mut self, node: Node<'t>) -> ExprId {
        match php::kind(node) {
            Kind::ByRef => match self.first(node) {
                Some(inner) => self.expr(inner),
                None => self.expr(node),
            },
            _ => self.expr(node),
        }
    }

    fn assign(&mut self, node: Node<'t>) -> ExprId {
        let (Some(left), Some(right)) = (php::field(node, Field::Left), php::field(node, Field::Right)) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let target = self.pat(left);
        let value = self.expr(right);
        self.push(Expr::Assign { target, value }, node)
    }

    fn augment(&mut self, node: Node<'t>) -> ExprId {
        let (Some(left), Some(right)) = (php::field(node, Field::Left), php::field(node, Field::Right)) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let operator = self.field_text(node, Field::Operator);
        let current = self.expr(left);
        let target = self.pat_of_expr(current);
        let value = self.expr(right);
        let expr = match operator.strip_suffix('=').unwrap_or(operator) {
            "??" => Expr::AssignIfNull { target, current, value },
            operator => Expr::Augment { target, op: binary_op(operator), current, value },
        };
        self.push(expr, node)
    }

    fn update(&mut self, node: Node<'t>) -> ExprId {
        let Some(argument) = php::field(node, Field::Argument) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let op = match self.field_text(node, Field::Operator) {
            "++" => BinaryOp::Add,
            _ => BinaryOp::Other,
        };
        let current = self.expr(argument);
        let target = self.pat_of_expr(current);
        let value = self.push(Expr::Int(1), node);
        let expr = Expr::Augment { target, op, current, value };
        self.push(expr, node)
    }

    fn ternary(&mut self, node: Node<'t>) -> ExprId {
        let (Some(cond), Some(otherwise)) = (php::field(node, Field::Condition), php::field(node, Field::Alternative)) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let cond = self.expr(cond);
        let then = php::field(node, Field::Body).map(|n| self.expr(n));
        let otherwise = self.expr(otherwise);
        let expr = Expr::Ternary { cond, then, otherwise };
        self.push(expr, node)
    }

    fn match_(&mut self, node: Node<'t>) -> ExprId {
        let (Some(subject), Some(body)) = (php::field(node, Field::Condition), php::field(node, Field::Body)) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let subject = self.expr(subject);
        let mut arms = Vec::new();
        for arm in self.named(body) {
            let Some(value) = php::field(arm, Field::ReturnExpression) else {
                continue;
            };
            let conditions = match php::field(arm, Field::ConditionalExpressions) {
                Some(list) => self.named(list),
                None => Nodes::new(),
            };
            let tests = conditions.into_iter().map(|n| self.expr(n)).collect();
            let value = self.expr(value);
            arms.push((tests, value));
        }
        self.push(Expr::Match { subject, arms }, node)
    }

    fn new_object(&mut self, node: Node<'t>) -> ExprId {
        let parts = self.named(node);
        let Some(class) = parts.first().copied() else {
            return self.gap(node, Why::SyntaxError, Vec::new());
        };
        if php::kind(class) == Kind::AnonymousClass {
            let arguments = self.child_of_kind(class, Kind::Arguments);
            let args = self.new_arguments(arguments);
            let ix = self.anonymous_class(class);
            let class = self.push(Expr::ClassDef(ix), class);
            return self.push(Expr::New { class, args }, node);
        }
        let class = self.class_or_expr(class);
        let arguments = parts.into_iter().find(|part| php::kind(*part) == Kind::Arguments);
        let args = self.new_arguments(arguments);
        self.push(Expr::New { class, args }, node)
    }

    pub(super) fn new_arguments(&mut self, node: Option<Node<'t>>) -> Vec<Arg> {
        match self.arguments(node) {
            Arguments::Values(args) => args,
            Arguments::Placeholder => Vec::new(),
        }
    }

    fn cast(&mut self, node: Node<'t>) -> ExprId {
        let Some(value) = php::field(node, Field::Value) else {
            return self.parts_gap(node, Why::SyntaxError);
        };
        let value = self.expr(value);
        let cast = self.field_text(node, Field::Type).to_ascii_lowercase();
        let expr = match cast.as_str() {
            "array" | "object" => Expr::Same(value),
            _ => Expr::Scalar(Some(value)),
        };
        self.push(expr, node)
    }

    /// `clone $x`, `clone($x, ['a' => 1])`.
    fn clone_(&mut self, node: Node<'t>) -> ExprId {
        let Some(arguments) = php::field(node, Field::Arguments) else {
            return self.inner(node, Expr::Same);
        };
        let args = self.new_arguments(Some(arguments));
        match args.as_slice() {
            [] => self.gap(node, Why::SyntaxError, Vec::new()),
            [only] => self.push(Expr::Same(only.value), node),
            [value, rest @ ..] => {
                let mut parts: Vec<ExprId> = rest.iter().map(|a| a.value).collect();
                parts.push(value.value);
                self.push(Expr::Sequence(parts), node)
            }
        }
    }

    /// The value sent out is the last of the parts: a key is evaluated before it.
    fn yield_(&mut self, node: Node<'t>) -> ExprId {
        self.frame.is_generator = true;
        let Some(inner) = self.first(node) else {
            return self.push(Expr::Yield(None), node);
        };
        if php::kind(inner) != Kind::ArrayElementInitializer {
            let value = self.expr(inner);
            return self.push(Expr::YieldFrom(value), node);
        }
        let parts = self.named(inner);
        let values: Vec<ExprId> = parts.into_iter().map(|n| self.by_value(n)).collect();
        let value = match values.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => Some(self.push(Expr::Sequence(values), inner)),
        };
        self.push(Expr::Yield(value), node)
    }

    /// `a, b, c`, nested to the right by the grammar.
    pub(super) fn sequence_nodes(&mut self, node: Node<'t>) -> Nodes<'t> {
        let mut items = Nodes::new();
        let mut at = node;
        while php::kind(at) == Kind::SequenceExpression {
            let parts = self.named(at);
            match parts.as_slice() {
                [first, rest] => {
                    items.push(*first);
                    at = *rest;
                }
                _ => {
                    items.extend(parts);
                    return items;
                }
            }
        }
        items.push(at);
        items
    }

    fn sequence(&mut self, node: Node<'t>) -> ExprId {
        let items = self.sequence_nodes(node);
        let items = items.into_iter().map(|n| self.expr(n)).collect();
        self.push(Expr::Sequence(items), node)
    }

    /// `$target = …` made by lowering itself.
    pub(super) fn assignment(&mut self, target: Pat, value: ExprId, node: Node<'t>) -> ExprId {
        let target = self.frame.body.push_pat(target);
        self.push(Expr::Assign { target, value }, node)
    }
}

pub(super) fn arg(value: ExprId, spread: Spread) -> Arg {
    Arg { name: None, value, spread }
}

/// Can this stand where a value is wanted? Tells the readable parts of an error from its debris.
pub(super) fn is_expression(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        VariableName
            | MemberAccessExpression
            | NullsafeMemberAccessExpression
            | MemberCallExpression
            | NullsafeMemberCallExpression
            | ScopedCallExpression
            | ScopedPropertyAccessExpression
            | ClassConstantAccessExpression
            | SubscriptExpression
            | FunctionCallExpression
            | EncapsedString
            | Heredoc
            | ArrayCreationExpression
            | ParenthesizedExpression
            | AssignmentExpression
            | ReferenceAssignmentExpression
            | AugmentedAssignmentExpression
            | UpdateExpression
            | BinaryExpression
            | UnaryOpExpression
            | ConditionalExpression
            | MatchExpression
            | AnonymousFunction
            | ArrowFunction
            | ObjectCreationExpression
            | CastExpression
            | CloneExpression
            | ErrorSuppressionExpression
            | ThrowExpression
            | PrintIntrinsic
            | IncludeExpression
            | IncludeOnceExpression
            | RequireExpression
            | RequireOnceExpression
            | YieldExpression
            | Error
    )
}

pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (&text[2..], 16),
        [b'0', b'b', ..] => (&text[2..], 2),
        [b'0', b'o', ..] => (&text[2..], 8),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text.as_str(), 10),
    };
    i64::from_str_radix(digits, radix).ok()
}
