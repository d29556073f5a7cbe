//! How does a library write relations down?

use std::collections::BTreeMap;

use serde::Deserialize;

/// Relations declared by methods.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelationMethods {
    /// Root class of the objects that such methods return.
    pub root: String,
    /// Constructors on the model itself.
    pub constructor: Vec<RelationConstructor>,
    /// Classes of relations, by full name, to whether they give many rows.
    pub types: BTreeMap<String, bool>,
    /// Classes of relations whose target differs per row.
    #[serde(default)]
    pub polymorphic_types: Vec<String>,
    /// Words in the name of a project's own relation class that speak of many rows.
    #[serde(default)]
    pub many_words: Vec<String>,
    /// Chained calls that make it to-one.
    #[serde(default)]
    pub to_one: Vec<String>,
    /// Chained calls that always load other relations with it.
    #[serde(default)]
    pub eager: Vec<String>,
    /// Chained calls that fill the inverse.
    #[serde(default)]
    pub inverse: Vec<String>,
    /// Chained calls that undo that.
    #[serde(default)]
    pub no_inverse: Vec<String>,
    /// Call on the model that begins a path through another relation.
    pub through: Option<String>,
    /// Call that ends it.
    pub through_end: Option<String>,
    /// Static calls that register a relation: name and closure.
    #[serde(default)]
    pub register: Vec<String>,
    /// Suffix of a key column named after its relation (`_id`); the name is written in snake case.
    #[serde(default)]
    pub key_suffix: String,
    /// Classes that lead to a model by their name.
    pub stand_in: Option<StandIn>,
}

/// Classes of a library that lead to a model: the class's name without a suffix, asked for by a static method.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StandIn {
    /// Class that they extend.
    pub base: String,
    /// Static method that gives the model.
    pub method: String,
    /// Suffix of their names.
    pub suffix: String,
}

/// A call on the model that makes a relation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelationConstructor {
    /// Names of the method.
    pub names: Vec<String>,
    /// Gives many rows.
    #[serde(default)]
    pub many: bool,
    /// Target differs per row.
    #[serde(default)]
    pub polymorphic: bool,
    /// Argument with the target: index.
    pub target: Option<usize>,
    /// Owns the key: index of the argument with the key column.
    pub key: Option<usize>,
    /// Name of that argument.
    pub key_keyword: Option<String>,
    /// The target may also be given by this argument name.
    pub target_keyword: Option<String>,
}

/// Relations declared by an attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelationAttr {
    /// Names of the call, short or full.
    pub names: Vec<String>,
    /// Many rows; absent: decided by annotation, `uselist` and keys.
    pub many: Option<bool>,
    /// Target differs per row.
    #[serde(default)]
    pub polymorphic: bool,
    /// Index of the argument with the target.
    pub target: Option<usize>,
    /// Keywords with the target.
    #[serde(default)]
    pub target_keywords: Vec<String>,
    /// Target where none is written.
    pub target_default: Option<String>,
    /// The row owns the key, in a column named after the relation with this suffix.
    pub key_suffix: Option<String>,
    /// Keyword with the name of the key column on the row's own table.
    pub key_keyword: Option<String>,
    /// Argument with the name of the key column.
    pub key_arg: Option<usize>,
    /// Name of the key column where none is written.
    pub key_default: Option<String>,
    /// Keyword with the key columns of the row's own table, where several lead to the same.
    pub own_keys_keyword: Option<String>,
    /// Keyword that names the far column of a relation of a table with itself: then the row has at most one.
    pub far_keyword: Option<String>,
    /// The key column has an index unless `db_index=False`: name of that keyword.
    pub key_indexed_unless: Option<String>,
    /// The relation that leads back.
    pub reverse: Option<Reverse>,
    /// Keyword with the name of the relation that leads back, declared there (`back_populates`).
    #[serde(default)]
    pub mirror_keywords: Vec<String>,
    /// Keyword that makes the relation that leads back (`backref`): a name, or a call with a name and settings.
    pub backref_keyword: Option<String>,
    /// Keyword that says how it loads.
    pub loading_keyword: Option<String>,
    /// How it loads where nothing is said.
    pub loading_default: Option<LoadingWord>,
    /// Keyword that says whether there are many.
    pub many_keyword: Option<String>,
    /// Keywords with a table between.
    #[serde(default)]
    pub between_keywords: Vec<String>,
    /// Keyword with a record of the keywords (`sa_relationship_kwargs`).
    pub nested_keywords: Option<String>,
    /// Keyword with a whole relation call (`sa_relationship`).
    pub nested_call: Option<String>,
    /// Keyword that marks the link to a parent's row, which is never loaded by a query.
    pub parent_link_keyword: Option<String>,
    /// To-many but read as rows, or the other way round: overrides the pack's rule.
    pub access: Option<AccessWord>,
    /// Filled in the key: is it the primary key when this keyword is true?
    pub primary_keyword: Option<String>,
    /// The name under which queries filter by it is only this keyword (no default).
    pub query_name_keyword: Option<String>,
}

/// How the relation that leads back is named.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reverse {
    /// Gives many rows.
    pub many: bool,
    /// Keyword with its name.
    pub keyword: String,
    /// Keyword with its name in queries.
    pub query_keyword: Option<String>,
    /// Name where none is written: `{model}` is the lower-cased class name.
    pub default: String,
    /// Name in queries where none is written.
    pub query_default: String,
    /// A relation of a model with itself has none unless this keyword is `False`.
    pub symmetrical_keyword: Option<String>,
    /// Reading the other side fills this one.
    #[serde(default)]
    pub fills: bool,
    /// What stands for the class's lower-cased name in a written name.
    #[serde(default)]
    pub class_words: Vec<String>,
    /// What stands for the label in a written name.
    #[serde(default)]
    pub label_words: Vec<String>,
    /// A name that ends so is hidden.
    pub hidden_ending: Option<String>,
}

/// A word for how a relation loads.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LoadingWord {
    /// When read.
    Lazy,
    /// With the row.
    Eager,
    /// Never.
    Never,
    /// The read gives a query.
    Query,
}

/// A word for what a read gives.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AccessWord {
    /// Rows.
    Rows,
    /// A query.
    Query,
}

/// How annotations speak.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Annotations {
    /// Wrappers of what an attribute holds (`Mapped`), short names.
    #[serde(default)]
    pub wrappers: Vec<String>,
    /// Wrappers that also say how it loads.
    #[serde(default)]
    pub loading: BTreeMap<String, LoadingWord>,
    /// Collections, short names.
    #[serde(default)]
    pub collections: Vec<String>,
    /// Types with an argument that hold one of it, not many.
    #[serde(default)]
    pub single: Vec<String>,
    /// A wrapped annotation without a value declares a column.
    #[serde(default)]
    pub bare_is_column: bool,
    /// Any annotation without a value declares a column on classes below these bases.
    #[serde(default)]
    pub plain_columns_below: Vec<String>,
}

/// Attributes that reach through a relation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Proxies {
    /// Names of the call: its first argument is the relation, its second the attribute.
    pub names: Vec<String>,
}
