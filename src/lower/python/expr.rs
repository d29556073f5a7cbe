//! What does an expression compute?
//!
//! Runs of one operator are walked with loops: their length is not nesting.

use tree_sitter::Node;

use crate::base::Name;
use crate::facts::{Arg, BinaryOp, CompKind, Expr, ExprId, MAX_DEPTH, Pat, SeqKind, Why};
use crate::syntax::python::{Field, Kind};

use super::{Lowering, has_token, range};

/// A run of one operator longer than this is halved again and again instead of nested, so that it stays shallow.
const LONG_RUN: usize = 32;

impl<'t> Lowering<'t> {
    /// An expression. Parentheses have no meaning of their own.
    pub(super) fn expr(&mut self, node: Node<'t>) -> ExprId {
        let node = self.unwrap(node);
        if self.depth >= MAX_DEPTH {
            return self.too_deep(node);
        }
        self.depth += 1;
        let mark = self.kids.len();
        let id = match Kind::of(node) {
            Kind::Identifier if !node.is_missing() => self.read(self.name(node), range(node)),
            Kind::Attribute | Kind::Call | Kind::Subscript => self.chain(node),
            Kind::String | Kind::ConcatenatedString => self.string(node),
            Kind::BinaryOperator | Kind::BooleanOperator => self.run(node),
            Kind::ComparisonOperator => self.comparison(node),
            Kind::List
            | Kind::Tuple
            | Kind::Set
            | Kind::ExpressionList
            | Kind::PatternList
            | Kind::TuplePattern
            | Kind::ListPattern => self.sequence(node),
            Kind::Dictionary => self.dictionary(node),
            Kind::ListComprehension => self.comprehension(node, CompKind::List),
            Kind::SetComprehension => self.comprehension(node, CompKind::Set),
            Kind::DictionaryComprehension => self.comprehension(node, CompKind::Dict),
            Kind::GeneratorExpression => self.comprehension(node, CompKind::Generator),
            Kind::ConditionalExpression => self.conditional(node),
            Kind::Lambda => self.lambda(node),
            _ => self.small(node),
        };
        self.kids.truncate(mark);
        self.depth -= 1;
        id
    }

    /// An expression, or several with commas between them: a tuple.
    pub(super) fn value(&mut self, node: Node<'t>) -> ExprId {
        self.expr(node)
    }

    /// The field of a node as an expression; a gap if it is missing.
    pub(super) fn field(&mut self, node: Node<'t>, field: Field) -> ExprId {
        match field.of(node) {
            Some(child) => self.expr(child),
            None => self.gap_expr(node, Why::SyntaxError, Vec::new()),
        }
    }

    pub(super) fn unwrap(&mut self, node: Node<'t>) -> Node<'t> {
        let mut node = node;
        while Kind::of(node) == Kind::ParenthesizedExpression {
            let kids = self.kids(node);
            let inner = self.kids[kids.clone()].iter().find(|n| Kind::of(**n) != Kind::Error).copied();
            self.kids.truncate(kids.start);
            match inner {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node
    }

    pub(super) fn too_deep(&mut self, node: Node<'t>) -> ExprId {
        self.gap_expr(node, Why::TooDeep, Vec::new())
    }

    pub(super) fn gap_expr(&mut self, node: Node<'t>, why: Why, parts: Vec<ExprId>) -> ExprId {
        self.gap(node, why);
        self.push(Expr::Gap(why, parts), range(node))
    }

    /// Expressions of few words.
    fn small(&mut self, node: Node<'t>) -> ExprId {
        let whole = range(node);
        let expr = match Kind::of(node) {
            Kind::Integer => self.integer(node),
            Kind::True => Expr::Bool(true),
            Kind::False => Expr::Bool(false),
            Kind::None => Expr::Null,
            Kind::Float | Kind::Ellipsis => Expr::Literal,
            Kind::NotOperator => Expr::Not(self.field(node, Field::Argument)),
            Kind::UnaryOperator => self.unary(node),
            Kind::Await => match self.first(node) {
                Some(inner) => Expr::Await(self.expr(inner)),
                None => Expr::Gap(Why::SyntaxError, Vec::new()),
            },
            Kind::Yield => {
                self.top.is_generator = true;
                let value = self.first(node).map(|inner| self.expr(inner));
                match value {
                    Some(value) if has_token(node, "from") => Expr::YieldFrom(value),
                    Some(_) | None => Expr::Yield(value),
                }
            }
            Kind::NamedExpression => {
                let value = self.field(node, Field::Value);
                let target = match Field::Name.of(node) {
                    Some(name) => self.pattern(name),
                    None => self.top.body.push_pat(Pat::Other(value)),
                };
                Expr::Assign { target, value }
            }
            Kind::Slice => Expr::Literal,
            Kind::Type | Kind::GenericType | Kind::UnionType | Kind::MemberType | Kind::SplatType | Kind::ConstrainedType => {
                return self.type_expr(node);
            }
            Kind::AsPattern | Kind::ListSplat | Kind::ListSplatPattern | Kind::DictionarySplat | Kind::ParenthesizedListSplat => {
                match self.first(node) {
                    Some(inner) => Expr::Same(self.expr(inner)),
                    None => Expr::Gap(Why::SyntaxError, Vec::new()),
                }
            }
            Kind::Error => return self.unread(node),
            Kind::Assignment | Kind::AugmentedAssignment => return self.assignment_value(node),
            Kind::Identifier | Kind::ParenthesizedExpression => {
                return self.gap_expr(node, Why::SyntaxError, Vec::new());
            }
            _ if node.is_missing() => return self.gap_expr(node, Why::SyntaxError, Vec::new()),
            _ => {
                let parts = self.parts(node);
                return self.gap_expr(node, Why::NotLowered(node.kind()), parts);
            }
        };
        self.push(expr, whole)
    }

    /// What the parser could not read, where a value should be.
    fn unread(&mut self, node: Node<'t>) -> ExprId {
        let parts = self.parts(node);
        self.gap_expr(node, Why::SyntaxError, parts)
    }

    /// The expressions directly within a node that has no meaning.
    fn parts(&mut self, node: Node<'t>) -> Vec<ExprId> {
        let mut parts = Vec::new();
        for i in self.kids(node) {
            let kid = self.kids[i];
            if Kind::of(kid).is_expression() {
                parts.push(self.expr(kid));
            }
        }
        parts
    }

    fn integer(&self, node: Node<'t>) -> Expr {
        let text = self.text(node).replace('_', "").to_ascii_lowercase();
        let text = text.trim_end_matches('l');
        let value = match text.get(..2) {
            Some("0x") => i64::from_str_radix(&text[2..], 16),
            Some("0o") => i64::from_str_radix(&text[2..], 8),
            Some("0b") => i64::from_str_radix(&text[2..], 2),
            _ => text.parse(),
        };
        value.map_or(Expr::Literal, Expr::Int)
    }

    fn unary(&mut self, node: Node<'t>) -> Expr {
        let operator = Field::Operator.of(node).map_or("", |op| op.kind());
        let value = self.field(node, Field::Argument);
        match (operator, self.top.body.expr(value)) {
            ("-", Expr::Int(n)) => n.checked_neg().map_or(Expr::Literal, Expr::Int),
            ("-", Expr::Literal) => Expr::Literal,
            ("~", _) => Expr::Same(value),
            _ => Expr::Scalar(Some(value)),
        }
    }

    fn conditional(&mut self, node: Node<'t>) -> ExprId {
        let kids = self.kids(node);
        if kids.len() != 3 {
            let parts = self.parts(node);
            return self.gap_expr(node, Why::SyntaxError, parts);
        }
        let (then, cond, otherwise) = (self.kids[kids.start], self.kids[kids.start + 1], self.kids[kids.start + 2]);
        let cond = self.expr(cond);
        let then = Some(self.expr(then));
        let otherwise = self.expr(otherwise);
        self.push(Expr::Ternary { cond, then, otherwise }, range(node))
    }

    /// `a + b + c` and `a and b and c`: operands of one operator, however many.
    fn run(&mut self, node: Node<'t>) -> ExprId {
        let kind = Kind::of(node);
        let operator = Field::Operator.of(node).map_or("", |op| op.kind());
        let mark = self.links.len();
        let mut left = node;
        loop {
            let same = Kind::of(left) == kind && Field::Operator.of(left).is_some_and(|op| op.kind() == operator);
            let next = if same { Field::Left.of(left) } else { None };
            let Some(next) = next else { break };
            self.links.push(left);
            left = next;
        }
        let count = self.links.len() - mark;
        let depth = self.depth;
        let is_long = count > LONG_RUN;
        let levels = if is_long { usize::BITS as usize - count.leading_zeros() as usize } else { count };
        self.depth = (depth + levels).min(MAX_DEPTH);
        let mut operands = vec![if count == 0 { self.gap_expr(node, Why::SyntaxError, Vec::new()) } else { self.expr(left) }];
        for i in (0..count).rev() {
            operands.push(self.field(self.links[mark + i], Field::Right));
        }
        self.depth = depth;
        let value = if levels > self.room() {
            self.gap_expr(node, Why::TooDeep, operands)
        } else if is_long {
            self.halved(kind, operator, operands)
        } else {
            let mut value = operands[0];
            for (nth, right) in operands[1..].iter().enumerate() {
                let whole = range(self.links[mark + count - 1 - nth]);
                value = self.push(operation(kind, operator, value, *right), whole);
            }
            value
        };
        self.links.truncate(mark);
        value
    }

    /// A long run as a shallow tree, operands in the same order.
    fn halved(&mut self, kind: Kind, operator: &str, operands: Vec<ExprId>) -> ExprId {
        let mut level = operands;
        while level.len() > 1 {
            let mut next = Vec::with_capacity(level.len().div_ceil(2));
            for pair in level.chunks(2) {
                next.push(match *pair {
                    [left, right] => {
                        let mut whole = self.top.body.range(left);
                        whole.end = self.top.body.range(right).end;
                        self.push(operation(kind, operator, left, right), whole)
                    }
                    _ => pair[0],
                });
            }
            level = next;
        }
        level[0]
    }

    /// `a < b <= c`: each operand once, compared from the left.
    fn comparison(&mut self, node: Node<'t>) -> ExprId {
        let kids = self.kids_and_tokens(node);
        let mut value = None;
        let mut operator = BinaryOp::Other;
        let mut links = 0;
        for i in kids {
            let kid = self.kids[i];
            if Kind::of(kid) == Kind::Token {
                operator = match kid.kind() {
                    "==" | "is" => BinaryOp::Equal,
                    "!=" | "<>" | "is not" => BinaryOp::NotEqual,
                    "in" => BinaryOp::In,
                    "not in" => BinaryOp::NotIn,
                    "<" | "<=" | ">" | ">=" => BinaryOp::Order,
                    _ => operator,
                };
                continue;
            }
            let right = self.expr(kid);
            value = Some(match value {
                None => right,
                Some(_) if links >= LONG_RUN => {
                    self.gap(node, Why::TooDeep);
                    right
                }
                Some(left) => {
                    links += 1;
                    let mut whole = range(node);
                    whole.end = kid.end_byte() as u32;
                    self.push(Expr::Binary { op: operator, left, right }, whole)
                }
            });
        }
        value.unwrap_or_else(|| self.gap_expr(node, Why::SyntaxError, Vec::new()))
    }

    /// A type where a value is wanted: the right side of `type X = …`.
    pub(super) fn type_expr(&mut self, node: Node<'t>) -> ExprId {
        let whole = range(node);
        let kids = self.kids(node);
        let first = self.kids[kids.clone()].first().copied();
        match (Kind::of(node), first) {
            (Kind::Type | Kind::ConstrainedType | Kind::SplatType, Some(inner)) => self.expr(inner),
            (Kind::GenericType, Some(base)) => {
                let base = self.expr(base);
                let mut items = Vec::new();
                if kids.len() > 1 {
                    for i in self.kids(self.kids[kids.start + 1]) {
                        items.push(self.argument(self.kids[i]));
                    }
                }
                let index = match items[..] {
                    [Arg { value, .. }] => value,
                    _ => self.push(Expr::Seq { kind: SeqKind::Tuple, items }, whole),
                };
                self.push(Expr::Index { base, index: Some(index) }, whole)
            }
            (Kind::UnionType, Some(left)) if kids.len() == 2 => {
                let left = self.expr(left);
                let right = self.expr(self.kids[kids.start + 1]);
                self.push(Expr::Binary { op: BinaryOp::BitOr, left, right }, whole)
            }
            (Kind::MemberType, Some(base)) if kids.len() == 2 => {
                let base = self.expr(base);
                let name = self.name(self.kids[kids.start + 1]);
                self.push(Expr::Attr { base, name, nullsafe: false }, whole)
            }
            _ => self.push(Expr::Literal, whole),
        }
    }
}

fn operation(kind: Kind, operator: &str, left: ExprId, right: ExprId) -> Expr {
    match (kind, operator) {
        (Kind::BooleanOperator, "or") => Expr::Or(left, right),
        (Kind::BooleanOperator, _) => Expr::And(left, right),
        _ => Expr::Binary { op: binary(operator), left, right },
    }
}

/// The operator of `a + b` and of `a += b`.
pub(super) fn binary(operator: &str) -> BinaryOp {
    match operator.trim_end_matches('=') {
        "+" => BinaryOp::Add,
        "|" => BinaryOp::BitOr,
        "&" => BinaryOp::BitAnd,
        "%" => BinaryOp::Mod,
        _ => BinaryOp::Other,
    }
}

/// Is this a read of one of these names, or of an attribute so called?
pub(super) fn is_called(expr: &Expr, names: &[&str]) -> bool {
    let name: Name = match expr {
        Expr::Name(name) | Expr::Attr { name, .. } => *name,
        _ => return false,
    };
    names.contains(&name.as_str())
}
