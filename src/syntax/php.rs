//! Which node kinds and fields of the PHP grammar does lowering rely on?
//!
//! Kinds and fields are enums, looked up by the grammar's own numbers through tables made once from [`KINDS`] and [`FIELDS`];
//! the grammar tests ask the grammar for every name in those two lists.

use std::sync::LazyLock;

use tree_sitter::{Language, Node, Tree};

/// The grammar: PHP with HTML around it.
pub fn language() -> Language {
    tree_sitter_php::LANGUAGE_PHP.into()
}

/// The tree of a PHP file. `None` only if the parser gives up, which it does not without a time limit.
pub fn parse(text: &str) -> Option<Tree> {
    super::with_parser(&TABLES.language, |parser| parser.parse(text, None))
}

/// A named node kind that lowering knows, named as in the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A token without a name.
    Token,
    /// A named kind that lowering does not know.
    Other,
    /// What the parser could not read.
    Error,
    Program,
    PhpTag,
    Text,
    TextInterpolation,
    Comment,
    NamespaceDefinition,
    NamespaceName,
    NamespaceUseDeclaration,
    NamespaceUseClause,
    NamespaceUseGroup,
    QualifiedName,
    RelativeName,
    Name,
    RelativeScope,
    ClassDeclaration,
    InterfaceDeclaration,
    TraitDeclaration,
    EnumDeclaration,
    DeclarationList,
    EnumDeclarationList,
    EnumCase,
    AnonymousClass,
    BaseClause,
    ClassInterfaceClause,
    UseDeclaration,
    UseList,
    ConstDeclaration,
    ConstElement,
    PropertyDeclaration,
    PropertyElement,
    PropertyHookList,
    PropertyHook,
    MethodDeclaration,
    FunctionDefinition,
    AnonymousFunction,
    AnonymousFunctionUseClause,
    ArrowFunction,
    FormalParameters,
    SimpleParameter,
    VariadicParameter,
    PropertyPromotionParameter,
    AbstractModifier,
    StaticModifier,
    AttributeList,
    AttributeGroup,
    Attribute,
    NamedType,
    OptionalType,
    PrimitiveType,
    BottomType,
    UnionType,
    IntersectionType,
    DisjunctiveNormalFormType,
    CompoundStatement,
    ColonBlock,
    EmptyStatement,
    ExpressionStatement,
    EchoStatement,
    ExitStatement,
    UnsetStatement,
    ReturnStatement,
    IfStatement,
    ElseIfClause,
    ElseClause,
    SwitchStatement,
    SwitchBlock,
    CaseStatement,
    DefaultStatement,
    WhileStatement,
    DoStatement,
    ForStatement,
    ForeachStatement,
    Pair,
    BreakStatement,
    ContinueStatement,
    TryStatement,
    CatchClause,
    FinallyClause,
    TypeList,
    DeclareStatement,
    DeclareDirective,
    GlobalDeclaration,
    FunctionStaticDeclaration,
    StaticVariableDeclaration,
    GotoStatement,
    NamedLabelStatement,
    VariableName,
    DynamicVariableName,
    ByRef,
    ListLiteral,
    MemberAccessExpression,
    NullsafeMemberAccessExpression,
    MemberCallExpression,
    NullsafeMemberCallExpression,
    ScopedCallExpression,
    ScopedPropertyAccessExpression,
    ClassConstantAccessExpression,
    SubscriptExpression,
    FunctionCallExpression,
    Arguments,
    Argument,
    ArgumentPlaceholder,
    VariadicPlaceholder,
    VariadicUnpacking,
    ObjectCreationExpression,
    ArrayCreationExpression,
    ArrayElementInitializer,
    AssignmentExpression,
    ReferenceAssignmentExpression,
    AugmentedAssignmentExpression,
    UpdateExpression,
    BinaryExpression,
    UnaryOpExpression,
    ConditionalExpression,
    CastExpression,
    CastType,
    CloneExpression,
    ErrorSuppressionExpression,
    ParenthesizedExpression,
    SequenceExpression,
    PrintIntrinsic,
    ThrowExpression,
    YieldExpression,
    IncludeExpression,
    IncludeOnceExpression,
    RequireExpression,
    RequireOnceExpression,
    MatchExpression,
    MatchBlock,
    MatchConditionalExpression,
    MatchConditionList,
    MatchDefaultExpression,
    String,
    EncapsedString,
    StringContent,
    EscapeSequence,
    Heredoc,
    HeredocBody,
    Nowdoc,
    NowdocBody,
    NowdocString,
    ShellCommandExpression,
    Integer,
    Float,
    Boolean,
    Null,
}

/// A field that lowering reads, named as in the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Alias,
    Alternative,
    Argument,
    Arguments,
    Attributes,
    Body,
    Condition,
    ConditionalExpressions,
    DefaultValue,
    Function,
    Initialize,
    Left,
    Name,
    Object,
    Operator,
    Parameters,
    Prefix,
    ReturnExpression,
    ReturnType,
    Right,
    Scope,
    StaticModifier,
    Type,
    Update,
    Value,
}

/// Every kind with its name in the grammar.
pub const KINDS: &[(&str, Kind)] = &[
    ("program", Kind::Program),
    ("php_tag", Kind::PhpTag),
    ("text", Kind::Text),
    ("text_interpolation", Kind::TextInterpolation),
    ("comment", Kind::Comment),
    ("namespace_definition", Kind::NamespaceDefinition),
    ("namespace_name", Kind::NamespaceName),
    ("namespace_use_declaration", Kind::NamespaceUseDeclaration),
    ("namespace_use_clause", Kind::NamespaceUseClause),
    ("namespace_use_group", Kind::NamespaceUseGroup),
    ("qualified_name", Kind::QualifiedName),
    ("relative_name", Kind::RelativeName),
    ("name", Kind::Name),
    ("relative_scope", Kind::RelativeScope),
    ("class_declaration", Kind::ClassDeclaration),
    ("interface_declaration", Kind::InterfaceDeclaration),
    ("trait_declaration", Kind::TraitDeclaration),
    ("enum_declaration", Kind::EnumDeclaration),
    ("declaration_list", Kind::DeclarationList),
    ("enum_declaration_list", Kind::EnumDeclarationList),
    ("enum_case", Kind::EnumCase),
    ("anonymous_class", Kind::AnonymousClass),
    ("base_clause", Kind::BaseClause),
    ("class_interface_clause", Kind::ClassInterfaceClause),
    ("use_declaration", Kind::UseDeclaration),
    ("use_list", Kind::UseList),
    ("const_declaration", Kind::ConstDeclaration),
    ("const_element", Kind::ConstElement),
    ("property_declaration", Kind::PropertyDeclaration),
    ("property_element", Kind::PropertyElement),
    ("property_hook_list", Kind::PropertyHookList),
    ("property_hook", Kind::PropertyHook),
    ("method_declaration", Kind::MethodDeclaration),
    ("function_definition", Kind::FunctionDefinition),
    ("anonymous_function", Kind::AnonymousFunction),
    (
        "anonymous_function_use_clause",
        Kind::AnonymousFunctionUseClause,
    ),
    ("arrow_function", Kind::ArrowFunction),
    ("formal_parameters", Kind::FormalParameters),
    ("simple_parameter", Kind::SimpleParameter),
    ("variadic_parameter", Kind::VariadicParameter),
    (
        "property_promotion_parameter",
        Kind::PropertyPromotionParameter,
    ),
    ("abstract_modifier", Kind::AbstractModifier),
    ("static_modifier", Kind::StaticModifier),
    ("attribute_list", Kind::AttributeList),
    ("attribute_group", Kind::AttributeGroup),
    ("attribute", Kind::Attribute),
    ("named_type", Kind::NamedType),
    ("optional_type", Kind::OptionalType),
    ("primitive_type", Kind::PrimitiveType),
    ("bottom_type", Kind::BottomType),
    ("union_type", Kind::UnionType),
    ("intersection_type", Kind::IntersectionType),
    (
        "disjunctive_normal_form_type",
        Kind::DisjunctiveNormalFormType,
    ),
    ("compound_statement", Kind::CompoundStatement),
    ("colon_block", Kind::ColonBlock),
    ("empty_statement", Kind::EmptyStatement),
    ("expression_statement", Kind::ExpressionStatement),
    ("echo_statement", Kind::EchoStatement),
    ("exit_statement", Kind::ExitStatement),
    ("unset_statement", Kind::UnsetStatement),
    ("return_statement", Kind::ReturnStatement),
    ("if_statement", Kind::IfStatement),
    ("else_if_clause", Kind::ElseIfClause),
    ("else_clause", Kind::ElseClause),
    ("switch_statement", Kind::SwitchStatement),
    ("switch_block", Kind::SwitchBlock),
    ("case_statement", Kind::CaseStatement),
    ("default_statement", Kind::DefaultStatement),
    ("while_statement", Kind::WhileStatement),
    ("do_statement", Kind::DoStatement),
    ("for_statement", Kind::ForStatement),
    ("foreach_statement", Kind::ForeachStatement),
    ("pair", Kind::Pair),
    ("break_statement", Kind::BreakStatement),
    ("continue_statement", Kind::ContinueStatement),
    ("try_statement", Kind::TryStatement),
    ("catch_clause", Kind::CatchClause),
    ("finally_clause", Kind::FinallyClause),
    ("type_list", Kind::TypeList),
    ("declare_statement", Kind::DeclareStatement),
    ("declare_directive", Kind::DeclareDirective),
    ("global_declaration", Kind::GlobalDeclaration),
    (
        "function_static_declaration",
        Kind::FunctionStaticDeclaration,
    ),
    (
        "static_variable_declaration",
        Kind::StaticVariableDeclaration,
    ),
    ("goto_statement", Kind::GotoStatement),
    ("named_label_statement", Kind::NamedLabelStatement),
    ("variable_name", Kind::VariableName),
    ("dynamic_variable_name", Kind::DynamicVariableName),
    ("by_ref", Kind::ByRef),
    ("list_literal", Kind::ListLiteral),
    ("member_access_expression", Kind::MemberAccessExpression),
    (
        "nullsafe_member_access_expression",
        Kind::NullsafeMemberAccessExpression,
    ),
    ("member_call_expression", Kind::MemberCallExpression),
    (
        "nullsafe_member_call_expression",
        Kind::NullsafeMemberCallExpression,
    ),
    ("scoped_call_expression", Kind::ScopedCallExpression),
    (
        "scoped_property_access_expression",
        Kind::ScopedPropertyAccessExpression,
    ),
    (
        "class_constant_access_expression",
        Kind::ClassConstantAccessExpression,
    ),
    ("subscript_expression", Kind::SubscriptExpression),
    ("function_call_expression", Kind::FunctionCallExpression),
    ("arguments", Kind::Arguments),
    ("argument", Kind::Argument),
    ("argument_placeholder", Kind::ArgumentPlaceholder),
    ("variadic_placeholder", Kind::VariadicPlaceholder),
    ("variadic_unpacking", Kind::VariadicUnpacking),
    ("object_creation_expression", Kind::ObjectCreationExpression),
    ("array_creation_expression", Kind::ArrayCreationExpression),
    ("array_element_initializer", Kind::ArrayElementInitializer),
    ("assignment_expression", Kind::AssignmentExpression),
    (
        "reference_assignment_expression",
        Kind::ReferenceAssignmentExpression,
    ),
    (
        "augmented_assignment_expression",
        Kind::AugmentedAssignmentExpression,
    ),
    ("update_expression", Kind::UpdateExpression),
    ("binary_expression", Kind::BinaryExpression),
    ("unary_op_expression", Kind::UnaryOpExpression),
    ("conditional_expression", Kind::ConditionalExpression),
    ("cast_expression", Kind::CastExpression),
    ("cast_type", Kind::CastType),
    ("clone_expression", Kind::CloneExpression),
    (
        "error_suppression_expression",
        Kind::ErrorSuppressionExpression,
    ),
    ("parenthesized_expression", Kind::ParenthesizedExpression),
    ("sequence_expression", Kind::SequenceExpression),
    ("print_intrinsic", Kind::PrintIntrinsic),
    ("throw_expression", Kind::ThrowExpression),
    ("yield_expression", Kind::YieldExpression),
    ("include_expression", Kind::IncludeExpression),
    ("include_once_expression", Kind::IncludeOnceExpression),
    ("require_expression", Kind::RequireExpression),
    ("require_once_expression", Kind::RequireOnceExpression),
    ("match_expression", Kind::MatchExpression),
    ("match_block", Kind::MatchBlock),
    (
        "match_conditional_expression",
        Kind::MatchConditionalExpression,
    ),
    ("match_condition_list", Kind::MatchConditionList),
    ("match_default_expression", Kind::MatchDefaultExpression),
    ("string", Kind::String),
    ("encapsed_string", Kind::EncapsedString),
    ("string_content", Kind::StringContent),
    ("escape_sequence", Kind::EscapeSequence),
    ("heredoc", Kind::Heredoc),
    ("heredoc_body", Kind::HeredocBody),
    ("nowdoc", Kind::Nowdoc),
    ("nowdoc_body", Kind::NowdocBody),
    ("nowdoc_string", Kind::NowdocString),
    ("shell_command_expression", Kind::ShellCommandExpression),
    ("integer", Kind::Integer),
    ("float", Kind::Float),
    ("boolean", Kind::Boolean),
    ("null", Kind::Null),
];

/// Every field with its name in the grammar, in the order of [`Field`].
pub const FIELDS: &[(&str, Field)] = &[
    ("alias", Field::Alias),
    ("alternative", Field::Alternative),
    ("argument", Field::Argument),
    ("arguments", Field::Arguments),
    ("attributes", Field::Attributes),
    ("body", Field::Body),
    ("condition", Field::Condition),
    ("conditional_expressions", Field::ConditionalExpressions),
    ("default_value", Field::DefaultValue),
    ("function", Field::Function),
    ("initialize", Field::Initialize),
    ("left", Field::Left),
    ("name", Field::Name),
    ("object", Field::Object),
    ("operator", Field::Operator),
    ("parameters", Field::Parameters),
    ("prefix", Field::Prefix),
    ("return_expression", Field::ReturnExpression),
    ("return_type", Field::ReturnType),
    ("right", Field::Right),
    ("scope", Field::Scope),
    ("static_modifier", Field::StaticModifier),
    ("type", Field::Type),
    ("update", Field::Update),
    ("value", Field::Value),
];

struct Tables {
    language: Language,
    /// Kind by the grammar's number.
    kinds: Vec<Kind>,
    /// The grammar's number by field.
    fields: Vec<u16>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let language = language();
    let kinds = (0..language.node_kind_count())
        .map(|id| kind_of(&language, id as u16))
        .collect();
    let fields = FIELDS
        .iter()
        .map(|(name, _)| language.field_id_for_name(name).map_or(0, |id| id.get()))
        .collect();
    Tables {
        language,
        kinds,
        fields,
    }
});

fn kind_of(language: &Language, id: u16) -> Kind {
    if !language.node_kind_is_named(id) {
        return Kind::Token;
    }
    let name = language.node_kind_for_id(id).unwrap_or("");
    KINDS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Kind::Other, |(_, kind)| *kind)
}

/// The kind of a node.
pub fn kind(node: Node) -> Kind {
    // Errors have the greatest number there is.
    match node.kind_id() {
        u16::MAX => Kind::Error,
        id => TABLES
            .kinds
            .get(usize::from(id))
            .copied()
            .unwrap_or(Kind::Other),
    }
}

/// The first child in a field.
pub fn field<'t>(node: Node<'t>, field: Field) -> Option<Node<'t>> {
    node.child_by_field_id(TABLES.fields[field as usize])
}
