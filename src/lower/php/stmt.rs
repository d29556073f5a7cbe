//! What do statements do?

use tree_sitter::Node;

use super::{Lowering, Nodes, doc};
use crate::base::Name;
use crate::facts::{Block, Case, Expr, ExprId, Loop, LoopKind, MAX_DEPTH, Pat, Stmt, StmtId, Why};
use crate::syntax::php::{self, Field, Kind};

impl<'t> Lowering<'t> {
    /// The statements in a node, with the docblocks between them.
    pub(super) fn block_of(&mut self, node: Node<'t>, out: &mut Block) {
        let nodes = self.with_comments(node);
        self.statements(nodes, out);
    }

    pub(super) fn statements(&mut self, nodes: Vec<Node<'t>>, out: &mut Block) {
        let mut doc: Option<Node<'t>> = None;
        for node in nodes {
            if php::kind(node) == Kind::Comment {
                let unused = doc.take();
                self.stray_doc(unused, out);
                doc = doc::is_doc(self.text_of(node)).then_some(node);
            } else {
                self.stmt(node, doc.take(), out);
            }
        }
        self.stray_doc(doc, out);
    }

    /// A docblock that stands before no statement.
    fn stray_doc(&mut self, doc: Option<Node<'t>>, out: &mut Block) {
        if let Some(node) = doc {
            let made = self.declares(self.text_of(node), node, None);
            out.extend(made.into_iter().map(|(_, stmt)| stmt));
        }
    }

    fn push_stmt(&mut self, stmt: Stmt, node: Node, out: &mut Block) {
        let range = self.range(node);
        out.push(self.frame.body.push_stmt(stmt, range));
    }

    fn stmt(&mut self, node: Node<'t>, doc: Option<Node<'t>>, out: &mut Block) {
        if self.is_too_deep() {
            self.note(node, Why::TooDeep);
            self.push_stmt(Stmt::Gap(Why::TooDeep, Vec::new()), node, out);
            return;
        }
        self.depth += 1;
        match doc {
            Some(doc) if !is_declaration(php::kind(node)) => self.documented(node, doc, out),
            doc => self.stmt_of(node, doc, out),
        }
        self.depth -= 1;
    }

    /// `@var` before a statement that assigns the variable holds after it, in a loop over it inside, else from here on.
    fn documented(&mut self, node: Node<'t>, doc: Node<'t>, out: &mut Block) {
        let assigned = self.assigned_variable(node);
        let made = self.declares(self.text_of(doc), doc, assigned);
        let is_loop = php::kind(node) == Kind::ForeachStatement;
        let mut targets: Vec<&'t str> = assigned.into_iter().collect();
        if is_loop {
            targets = self.loop_variables(node);
        }
        let (later, before): (Vec<_>, Vec<_>) = made.into_iter().partition(|(name, _)| targets.contains(name));
        out.extend(before.into_iter().map(|(_, stmt)| stmt));
        let later: Vec<StmtId> = later.into_iter().map(|(_, stmt)| stmt).collect();
        if is_loop {
            self.for_each(node, later, out);
        } else {
            self.stmt_of(node, None, out);
            out.extend(later);
        }
    }

    /// The variable that a statement `$x = …;` assigns.
    fn assigned_variable(&mut self, node: Node<'t>) -> Option<&'t str> {
        if php::kind(node) != Kind::ExpressionStatement {
            return None;
        }
        let assignment = self.first(node)?;
        if !matches!(
            php::kind(assignment),
            Kind::AssignmentExpression | Kind::ReferenceAssignmentExpression | Kind::AugmentedAssignmentExpression
        ) {
            return None;
        }
        let left = php::field(assignment, Field::Left)?;
        (php::kind(left) == Kind::VariableName).then(|| self.variable_text(left))
    }

    /// The plain variables in the header of a `foreach`.
    fn loop_variables(&mut self, node: Node<'t>) -> Vec<&'t str> {
        let Some(target) = self.named(node).get(1).copied() else {
            return Vec::new();
        };
        let nodes = match php::kind(target) {
            Kind::Pair | Kind::ListLiteral | Kind::ByRef => self.named(target),
            _ => Nodes::from_slice(&[target]),
        };
        let variables = nodes.into_iter().filter(|n| php::kind(*n) == Kind::VariableName);
        variables.map(|n| self.variable_text(n)).collect()
    }

    /// Each arm is one call: this frame stands on the stack once per level of nesting.
    fn stmt_of(&mut self, node: Node<'t>, doc: Option<Node<'t>>, out: &mut Block) {
        match php::kind(node) {
            Kind::ExpressionStatement => self.expression_statement(node, out),
            Kind::CompoundStatement | Kind::ColonBlock => self.block_of(node, out),
            Kind::ReturnStatement => {
                let value = self.first(node).map(|n| self.expr(n));
                self.push_stmt(Stmt::Return(value), node, out);
            }
            Kind::IfStatement => self.if_(node, out),
            Kind::ForeachStatement => self.for_each(node, Vec::new(), out),
            Kind::ForStatement => self.for_(node, out),
            Kind::WhileStatement => self.while_(node, LoopKind::While, out),
            Kind::DoStatement => self.while_(node, LoopKind::DoWhile, out),
            Kind::SwitchStatement => self.switch(node, out),
            Kind::TryStatement => self.try_(node, out),
            Kind::EchoStatement => self.echo(node, out),
            Kind::BreakStatement => {
                let levels = self.levels(node);
                self.push_stmt(Stmt::Break(levels), node, out);
            }
            Kind::ContinueStatement => {
                let levels = self.levels(node);
                self.push_stmt(Stmt::Continue(levels), node, out);
            }
            Kind::UnsetStatement => {
                let parts = self.named(node);
                let pats = parts.into_iter().map(|n| self.pat(n)).collect();
                self.push_stmt(Stmt::Delete(pats), node, out);
            }
            Kind::ExitStatement => {
                let value = self.first(node).map(|n| self.expr(n));
                self.push_stmt(Stmt::Raise(value), node, out);
            }
            Kind::GlobalDeclaration => self.global(node),
            Kind::FunctionStaticDeclaration => self.static_variables(node, out),
            Kind::ConstDeclaration => self.constants(node, out),
            Kind::DeclareStatement => self.declare(node, out),
            Kind::NamespaceDefinition => self.namespace(node, out),
            Kind::NamespaceUseDeclaration => self.use_imports(node),
            Kind::FunctionDefinition => {
                let id = self.named_function(node, doc);
                self.push_stmt(Stmt::Function(id, None), node, out);
            }
            Kind::ClassDeclaration | Kind::InterfaceDeclaration | Kind::TraitDeclaration | Kind::EnumDeclaration => {
                let ix = self.named_class(node, doc);
                self.push_stmt(Stmt::Class(ix, None), node, out);
            }
            Kind::EmptyStatement | Kind::PhpTag | Kind::Text | Kind::NamedLabelStatement | Kind::Name => (),
            Kind::GotoStatement => {
                self.note(node, Why::NotLowered("goto_statement"));
                let gap = Stmt::Gap(Why::NotLowered("goto_statement"), Vec::new());
                self.push_stmt(gap, node, out);
            }
            Kind::Error => {
                let mut block = Vec::new();
                self.block_of(node, &mut block);
                self.push_stmt(Stmt::Gap(Why::SyntaxError, block), node, out);
            }
            kind if super::expr::is_expression(kind) => {
                let value = self.expr(node);
                self.push_stmt(Stmt::Expr(value), node, out);
            }
            kind => self.stray(node, kind, out),
        }
    }

    /// A piece of something else in the debris of an error: what it holds may still be whole.
    fn stray(&mut self, node: Node<'t>, kind: Kind, out: &mut Block) {
        match kind {
            Kind::DeclarationList | Kind::EnumDeclarationList => self.block_of(node, out),
            Kind::MethodDeclaration => {
                let id = self.stray_method(node);
                self.push_stmt(Stmt::Function(id, None), node, out);
            }
            Kind::ElseClause
            | Kind::ElseIfClause
            | Kind::CatchClause
            | Kind::FinallyClause
            | Kind::SwitchBlock
            | Kind::CaseStatement
            | Kind::DefaultStatement => self.block_of(node, out),
            _ => (),
        }
    }

    fn expression_statement(&mut self, node: Node<'t>, out: &mut Block) {
        let Some(expr) = self.first(node) else {
            return;
        };
        let is_output = self.is_echo_tag(node);
        match php::kind(expr) {
            Kind::PrintIntrinsic => {
                let Some(value) = self.first(expr) else {
                    return;
                };
                let value = self.expr(value);
                self.push_stmt(Stmt::Output(value), node, out);
            }
            Kind::ThrowExpression => {
                let value = self.first(expr).map(|n| self.expr(n));
                self.push_stmt(Stmt::Raise(value), node, out);
            }
            _ => {
                let value = self.expr(expr);
                let stmt = match self.frame.body.expr(value) {
                    _ if is_output => Stmt::Output(value),
                    Expr::Throw(inner) => Stmt::Raise(Some(*inner)),
                    _ => Stmt::Expr(value),
                };
                self.push_stmt(stmt, node, out);
            }
        }
    }

    /// Does `<?=` stand right before this? The grammar has no node of its own for it.
    fn is_echo_tag(&self, node: Node) -> bool {
        let before = self.text.get(..node.start_byte()).unwrap_or("");
        before.trim_end().ends_with("<?=")
    }

    fn echo(&mut self, node: Node<'t>, out: &mut Block) {
        let Some(value) = self.first(node) else {
            return;
        };
        for item in self.sequence_nodes(value) {
            let value = self.expr(item);
            self.push_stmt(Stmt::Output(value), item, out);
        }
    }

    fn levels(&mut self, node: Node<'t>) -> u32 {
        let levels = self.first(node).map(|n| self.text_of(n));
        levels.and_then(|text| text.parse().ok()).unwrap_or(1)
    }

    fn body_block(&mut self, node: Option<Node<'t>>) -> Block {
        let mut block = Vec::new();
        if let Some(node) = node {
            self.stmt(node, None, &mut block);
        }
        block
    }

    /// `if`, with every `elseif` and `else if` after it, by a loop.
    fn if_(&mut self, node: Node<'t>, out: &mut Block) {
        let mut arms: Vec<(ExprId, Block, Node<'t>)> = Vec::new();
        let mut otherwise: Block = Vec::new();
        let mut clauses: Vec<Node<'t>> = vec![node];
        let depth = self.depth;
        let mut next = 0;
        while let Some(clause) = clauses.get(next).copied() {
            next += 1;
            if php::kind(clause) == Kind::ElseClause {
                let body = php::field(clause, Field::Body);
                match body {
                    Some(inner) if php::kind(inner) == Kind::IfStatement => clauses.push(inner),
                    _ => otherwise = self.body_block(body),
                }
                continue;
            }
            if self.is_too_deep() {
                self.note(clause, Why::TooDeep);
                let gap = Stmt::Gap(Why::TooDeep, Vec::new());
                self.push_stmt(gap, clause, &mut otherwise);
                break;
            }
            let cond = match php::field(clause, Field::Condition) {
                Some(cond) => self.expr(cond),
                None => self.gap(clause, Why::SyntaxError, Vec::new()),
            };
            let then = self.body_block(php::field(clause, Field::Body));
            arms.push((cond, then, clause));
            self.depth = (self.depth + 1).min(MAX_DEPTH);
            if php::kind(clause) == Kind::IfStatement {
                self.each_child(clause, |child, kind| {
                    if matches!(kind, Kind::ElseIfClause | Kind::ElseClause) {
                        clauses.push(child);
                    }
                });
            }
        }
        self.depth = depth;
        while let Some((cond, then, clause)) = arms.pop() {
            let stmt = Stmt::If { cond, then, otherwise: std::mem::take(&mut otherwise) };
            self.push_stmt(stmt, clause, &mut otherwise);
        }
        out.append(&mut otherwise);
    }

    fn for_each(&mut self, node: Node<'t>, declares: Vec<StmtId>, out: &mut Block) {
        let mut parts = Nodes::new();
        let mut header = node.end_byte();
        for token in self.tokens(node) {
            match php::kind(token) {
                Kind::Token => {
                    if self.text_of(token) == ")" {
                        header = token.end_byte();
                    }
                }
                _ => parts.push(token),
            }
        }
        let header = self.bytes(node.start_byte(), header);
        let iter = parts.first().map(|n| self.expr(*n));
        let mut key = None;
        let mut target = None;
        if let Some(written) = parts.get(1).copied() {
            if php::kind(written) == Kind::Pair {
                let pair = self.named(written);
                key = pair.first().map(|n| self.pat(*n));
                target = pair.get(1).map(|n| self.pat(*n));
            } else {
                target = Some(self.pat(written));
            }
        }
        let mut body = declares;
        body.extend(self.body_block(php::field(node, Field::Body)));
        let each = Loop {
            kind: LoopKind::Each,
            target,
            key,
            iter,
            before: None,
            cond: None,
            step: None,
            body,
            otherwise: Vec::new(),
            is_async: false,
            header,
        };
        self.push_stmt(Stmt::Loop(Box::new(each)), node, out);
    }

    /// Header parts by the semicolons between them; what follows the parenthesis is the body.
    fn for_(&mut self, node: Node<'t>, out: &mut Block) {
        let mut parts: [Option<ExprId>; 3] = [None; 3];
        let mut part = 0;
        let mut is_header = true;
        let mut header = node.end_byte();
        let mut statements = Vec::new();
        for token in self.tokens(node) {
            if php::kind(token) != Kind::Token {
                if !is_header {
                    statements.push(token);
                } else if part < 3 {
                    parts[part] = Some(self.expr(token));
                }
                continue;
            }
            match self.text_of(token) {
                ";" if is_header => part += 1,
                ")" => {
                    is_header = false;
                    header = token.end_byte();
                }
                _ => (),
            }
        }
        let mut body = Vec::new();
        self.statements(statements, &mut body);
        let [before, cond, step] = parts;
        let each = Loop {
            kind: LoopKind::For,
            target: None,
            key: None,
            iter: None,
            before,
            cond,
            step,
            body,
            otherwise: Vec::new(),
            is_async: false,
            header: self.bytes(node.start_byte(), header),
        };
        self.push_stmt(Stmt::Loop(Box::new(each)), node, out);
    }

    fn while_(&mut self, node: Node<'t>, kind: LoopKind, out: &mut Block) {
        let condition = php::field(node, Field::Condition);
        let body_node = php::field(node, Field::Body);
        let mut body = Vec::new();
        if kind == LoopKind::DoWhile {
            body = self.body_block(body_node);
        }
        let cond = condition.map(|n| self.expr(n));
        if kind == LoopKind::While {
            body = self.body_block(body_node);
        }
        let header = match (kind, condition) {
            (LoopKind::While, Some(cond)) => self.bytes(node.start_byte(), cond.end_byte()),
            _ => self.bytes(node.start_byte(), node.start_byte() + 2),
        };
        let each = Loop {
            kind,
            target: None,
            key: None,
            iter: None,
            before: None,
            cond,
            step: None,
            body,
            otherwise: Vec::new(),
            is_async: false,
            header,
        };
        self.push_stmt(Stmt::Loop(Box::new(each)), node, out);
    }

    fn switch(&mut self, node: Node<'t>, out: &mut Block) {
        let subject = match php::field(node, Field::Condition) {
            Some(subject) => self.expr(subject),
            None => self.gap(node, Why::SyntaxError, Vec::new()),
        };
        let block = php::field(node, Field::Body);
        let mut cases = Vec::new();
        for case in block.map(|b| self.named(b)).unwrap_or_default() {
            let mut statements = self.with_comments(case);
            let mut tests = Vec::new();
            if php::kind(case) == Kind::CaseStatement
                && let Some(value) = php::field(case, Field::Value)
            {
                statements.retain(|n| n.id() != value.id());
                tests.push(self.expr(value));
            }
            let mut body = Vec::new();
            self.statements(statements, &mut body);
            cases.push(Case { tests, binds: Vec::new(), guard: None, body });
        }
        self.push_stmt(Stmt::Switch { subject, cases }, node, out);
    }

    fn try_(&mut self, node: Node<'t>, out: &mut Block) {
        let body = self.body_block(php::field(node, Field::Body));
        let mut handlers = Vec::new();
        let mut finally = Vec::new();
        for clause in self.named(node) {
            match php::kind(clause) {
                Kind::CatchClause => handlers.push(self.catch(clause)),
                Kind::FinallyClause => {
                    finally = self.body_block(php::field(clause, Field::Body));
                }
                _ => (),
            }
        }
        let stmt = Stmt::Try { body, handlers, otherwise: Vec::new(), finally };
        self.push_stmt(stmt, node, out);
    }

    fn catch(&mut self, node: Node<'t>) -> Case {
        let mut tests = Vec::new();
        if let Some(types) = php::field(node, Field::Type) {
            for ty in self.named(types) {
                let name = self.class_name(ty);
                tests.push(self.push(Expr::Class(name), ty));
            }
        }
        let name = php::field(node, Field::Name).map(|n| self.variable_text(n));
        let binds = name.map(|name| self.slot(name)).into_iter().collect();
        Case { tests, binds, guard: None, body: self.body_block(php::field(node, Field::Body)) }
    }

    /// From here on these names are the file's variables.
    fn global(&mut self, node: Node<'t>) {
        for name in self.named(node) {
            if php::kind(name) == Kind::VariableName {
                let name = self.variable_text(name);
                self.frame.globals.push(name);
            } else {
                self.note(name, Why::Dynamic);
            }
        }
    }

    /// `static $x = e;` sets it once: as if it were `$x ??= e;`.
    fn static_variables(&mut self, node: Node<'t>, out: &mut Block) {
        for declaration in self.named(node) {
            let (Some(name), Some(value)) = (php::field(declaration, Field::Name), php::field(declaration, Field::Value)) else {
                continue;
            };
            let current = self.expr(name);
            let target = self.pat_of_expr(current);
            let value = self.expr(value);
            let expr = Expr::AssignIfNull { target, current, value };
            let expr = self.push(expr, declaration);
            self.push_stmt(Stmt::Expr(expr), declaration, out);
        }
    }

    /// `const A = 1;` of a namespace.
    fn constants(&mut self, node: Node<'t>, out: &mut Block) {
        for element in self.named(node) {
            if php::kind(element) != Kind::ConstElement {
                continue;
            }
            let parts = self.named(element);
            let [name, value] = parts.as_slice() else {
                continue;
            };
            let target = Pat::Global(Name::new(self.text_of(*name)));
            let value = self.expr(*value);
            let assign = self.assignment(target, value, element);
            self.push_stmt(Stmt::Expr(assign), element, out);
        }
    }

    fn declare(&mut self, node: Node<'t>, out: &mut Block) {
        let mut statements = self.with_comments(node);
        statements.retain(|n| php::kind(*n) != Kind::DeclareDirective);
        self.statements(statements, out);
    }
}

/// Does a docblock before this describe the thing declared, not variables around?
fn is_declaration(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FunctionDefinition
            | Kind::ClassDeclaration
            | Kind::InterfaceDeclaration
            | Kind::TraitDeclaration
            | Kind::EnumDeclaration
    )
}
