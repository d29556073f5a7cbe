//! Which node kinds and fields of the Python grammar does lowering rely on?
//!
//! Every name of the grammar is written here once. Lowering compares [`Kind`]s and [`Field`]s, which are numbers looked up
//! when the grammar is first used, so a match over them costs no string comparison.

use std::cell::RefCell;
use std::sync::LazyLock;

use tree_sitter::{Language, Node, Parser, Tree};

macro_rules! kinds {
    ($($variant:ident = $text:literal,)*) => {
        /// A named node of the grammar that lowering knows.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Kind {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// What the parser could not read.
            Error,
            /// A named node that lowering has no word for.
            Unknown,
            /// Punctuation, keyword or operator.
            Token,
        }

        /// All named node kinds that lowering relies on.
        pub const KINDS: &[&str] = &[$($text,)*];

        const VARIANTS: &[Kind] = &[$(Kind::$variant,)*];
    };
}

macro_rules! fields {
    ($($variant:ident = $text:literal,)*) => {
        /// A field of the grammar that lowering asks for.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Field {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        /// All fields that lowering relies on, in the order of [`Field`].
        pub const FIELDS: &[&str] = &[$($text,)*];
    };
}

kinds! {
    AliasedImport = "aliased_import",
    ArgumentList = "argument_list",
    AsPattern = "as_pattern",
    AsPatternTarget = "as_pattern_target",
    Assert = "assert_statement",
    Assignment = "assignment",
    Attribute = "attribute",
    AugmentedAssignment = "augmented_assignment",
    Await = "await",
    BinaryOperator = "binary_operator",
    Block = "block",
    BooleanOperator = "boolean_operator",
    Break = "break_statement",
    Call = "call",
    CaseClause = "case_clause",
    CasePattern = "case_pattern",
    Chevron = "chevron",
    ClassDefinition = "class_definition",
    ClassPattern = "class_pattern",
    Comment = "comment",
    ComparisonOperator = "comparison_operator",
    ComplexPattern = "complex_pattern",
    ConcatenatedString = "concatenated_string",
    ConditionalExpression = "conditional_expression",
    ConstrainedType = "constrained_type",
    Continue = "continue_statement",
    DecoratedDefinition = "decorated_definition",
    Decorator = "decorator",
    DefaultParameter = "default_parameter",
    Delete = "delete_statement",
    DictPattern = "dict_pattern",
    Dictionary = "dictionary",
    DictionaryComprehension = "dictionary_comprehension",
    DictionarySplat = "dictionary_splat",
    DictionarySplatPattern = "dictionary_splat_pattern",
    DottedName = "dotted_name",
    ElifClause = "elif_clause",
    Ellipsis = "ellipsis",
    ElseClause = "else_clause",
    ExceptClause = "except_clause",
    Exec = "exec_statement",
    ExpressionList = "expression_list",
    ExpressionStatement = "expression_statement",
    False = "false",
    FinallyClause = "finally_clause",
    Float = "float",
    For = "for_statement",
    ForInClause = "for_in_clause",
    FormatExpression = "format_expression",
    FormatSpecifier = "format_specifier",
    FunctionDefinition = "function_definition",
    FutureImport = "future_import_statement",
    GeneratorExpression = "generator_expression",
    GenericType = "generic_type",
    Global = "global_statement",
    Identifier = "identifier",
    If = "if_statement",
    IfClause = "if_clause",
    Import = "import_statement",
    ImportFrom = "import_from_statement",
    ImportPrefix = "import_prefix",
    Integer = "integer",
    Interpolation = "interpolation",
    KeywordArgument = "keyword_argument",
    KeywordPattern = "keyword_pattern",
    KeywordSeparator = "keyword_separator",
    Lambda = "lambda",
    LambdaParameters = "lambda_parameters",
    LineContinuation = "line_continuation",
    List = "list",
    ListComprehension = "list_comprehension",
    ListPattern = "list_pattern",
    ListSplat = "list_splat",
    ListSplatPattern = "list_splat_pattern",
    Match = "match_statement",
    MemberType = "member_type",
    Module = "module",
    NamedExpression = "named_expression",
    None = "none",
    Nonlocal = "nonlocal_statement",
    NotOperator = "not_operator",
    Pair = "pair",
    Parameters = "parameters",
    ParenthesizedExpression = "parenthesized_expression",
    ParenthesizedListSplat = "parenthesized_list_splat",
    Pass = "pass_statement",
    PatternList = "pattern_list",
    PositionalSeparator = "positional_separator",
    Print = "print_statement",
    Raise = "raise_statement",
    RelativeImport = "relative_import",
    Return = "return_statement",
    Set = "set",
    SetComprehension = "set_comprehension",
    Slice = "slice",
    SplatPattern = "splat_pattern",
    SplatType = "splat_type",
    String = "string",
    StringContent = "string_content",
    StringEnd = "string_end",
    StringStart = "string_start",
    Subscript = "subscript",
    True = "true",
    Try = "try_statement",
    Tuple = "tuple",
    TuplePattern = "tuple_pattern",
    Type = "type",
    TypeAlias = "type_alias_statement",
    TypeParameter = "type_parameter",
    TypedDefaultParameter = "typed_default_parameter",
    TypedParameter = "typed_parameter",
    UnaryOperator = "unary_operator",
    UnionPattern = "union_pattern",
    UnionType = "union_type",
    While = "while_statement",
    WildcardImport = "wildcard_import",
    With = "with_statement",
    WithClause = "with_clause",
    WithItem = "with_item",
    Yield = "yield",
}

fields! {
    Alias = "alias",
    Alternative = "alternative",
    Argument = "argument",
    Arguments = "arguments",
    Attribute = "attribute",
    Body = "body",
    Cause = "cause",
    Code = "code",
    Condition = "condition",
    Consequence = "consequence",
    Definition = "definition",
    Expression = "expression",
    FormatSpecifier = "format_specifier",
    Function = "function",
    Guard = "guard",
    Key = "key",
    Left = "left",
    ModuleName = "module_name",
    Name = "name",
    Object = "object",
    Operator = "operator",
    Parameters = "parameters",
    ReturnType = "return_type",
    Right = "right",
    Superclasses = "superclasses",
    Type = "type",
    Value = "value",
}

/// Operators and keywords that lowering tells apart by their text.
pub const TOKENS: &[&str] = &[
    ",", ":", "async", "from", "and", "or", "+", "-", "~", "|", "&", "%", "+=", "|=", "&=", "%=", "==", "!=", "<>", "<", "<=",
    ">", ">=", "in", "not in", "is", "is not",
];

struct Tables {
    kinds: Vec<Kind>,
    fields: Vec<u16>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let language = language();
    let mut kinds = vec![Kind::Token; language.node_kind_count()];
    for (id, slot) in kinds.iter_mut().enumerate() {
        let id = id as u16;
        if !language.node_kind_is_named(id) {
            continue;
        }
        let text = language.node_kind_for_id(id).unwrap_or_default();
        *slot = KINDS.iter().position(|k| *k == text).map_or(Kind::Unknown, |at| VARIANTS[at]);
    }
    let fields = FIELDS.iter().map(|f| language.field_id_for_name(f).map_or(0, std::num::NonZero::get)).collect();
    Tables { kinds, fields }
});

impl Kind {
    /// The kind of a node.
    pub fn of(node: Node<'_>) -> Kind {
        let id = node.kind_id();
        match TABLES.kinds.get(usize::from(id)) {
            Some(kind) => *kind,
            None => Kind::Error,
        }
    }

    /// Is this one statement?
    pub fn is_statement(self) -> bool {
        matches!(
            self,
            Kind::Assert
                | Kind::Break
                | Kind::ClassDefinition
                | Kind::Continue
                | Kind::DecoratedDefinition
                | Kind::Delete
                | Kind::Exec
                | Kind::ExpressionStatement
                | Kind::For
                | Kind::FunctionDefinition
                | Kind::FutureImport
                | Kind::Global
                | Kind::If
                | Kind::Import
                | Kind::ImportFrom
                | Kind::Match
                | Kind::Nonlocal
                | Kind::Pass
                | Kind::Print
                | Kind::Raise
                | Kind::Return
                | Kind::Try
                | Kind::TypeAlias
                | Kind::While
                | Kind::With
        )
    }

    /// Is this an expression?
    pub fn is_expression(self) -> bool {
        matches!(
            self,
            Kind::Attribute
                | Kind::Await
                | Kind::BinaryOperator
                | Kind::BooleanOperator
                | Kind::Call
                | Kind::ComparisonOperator
                | Kind::ConcatenatedString
                | Kind::ConditionalExpression
                | Kind::Dictionary
                | Kind::DictionaryComprehension
                | Kind::Ellipsis
                | Kind::ExpressionList
                | Kind::False
                | Kind::Float
                | Kind::GeneratorExpression
                | Kind::Identifier
                | Kind::Integer
                | Kind::Lambda
                | Kind::List
                | Kind::ListComprehension
                | Kind::NamedExpression
                | Kind::None
                | Kind::NotOperator
                | Kind::ParenthesizedExpression
                | Kind::Set
                | Kind::SetComprehension
                | Kind::String
                | Kind::Subscript
                | Kind::True
                | Kind::Tuple
                | Kind::UnaryOperator
                | Kind::Yield
        )
    }
}

impl Field {
    /// The child of a node in this field; the first if there are several.
    pub fn of(self, node: Node<'_>) -> Option<Node<'_>> {
        node.child_by_field_id(TABLES.fields[self as usize])
    }
}

/// The Python grammar.
pub fn language() -> Language {
    tree_sitter_python::LANGUAGE.into()
}

/// The tree of a text. `None` only if the grammar and the parser library do not fit.
pub fn parse(text: &str) -> Option<Tree> {
    thread_local! {
        static PARSER: RefCell<Option<Parser>> = const { RefCell::new(None) };
    }
    PARSER.with_borrow_mut(|kept| {
        if kept.is_none() {
            let mut parser = Parser::new();
            parser.set_language(&language()).ok()?;
            *kept = Some(parser);
        }
        kept.as_mut()?.parse(text, None)
    })
}
