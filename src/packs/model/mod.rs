//! What does a library say about models: which bases make them, how relations, columns, managers and scopes are written?
//!
//! The table `[model]` of a pack. Names with a dot or a `\` are full names; short names match the last part of a name from
//! outside the program (`TreeForeignKey` of whatever library).

mod relation;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

pub use relation::{AccessWord, Annotations, LoadingWord, Proxies, RelationAttr, RelationConstructor, RelationMethods, Reverse};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules/packs");

/// The file form: other tables of a pack belong to others.
#[derive(Deserialize)]
struct PackFile {
    model: Option<ModelPack>,
}

/// The table `[model]` of one pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelPack {
    /// Name that models of this pack carry.
    pub dialect: String,
    /// `php` or `python`.
    pub language: PackLanguage,
    /// Bases that make models.
    #[serde(default)]
    pub base: Vec<Base>,
    /// Bases behind which a class of the program stands that the library is given.
    #[serde(default)]
    pub given_base: Vec<GivenBase>,
    /// Other names of outside things: full name, or a prefix ending in `.`, to what it stands for.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Models and mixins of libraries.
    #[serde(default)]
    pub library: Vec<Library>,
    /// How a model without a known base is recognised.
    pub guess: Option<Guess>,
    /// How a class says that it is no model itself but a base for others.
    #[serde(default)]
    pub abstract_if: AbstractIf,
    /// Do attributes of classes that are no models count for the models below them?
    #[serde(default)]
    pub mixins_count: bool,
    /// The nested class with options (`Meta`).
    pub options: Option<Options>,
    /// Where the table's name is written.
    #[serde(default)]
    pub table: TableNames,
    /// Key of a row.
    #[serde(default)]
    pub primary: Primary,
    /// Relations declared by a method that returns a call on its own object.
    pub relation_methods: Option<RelationMethods>,
    /// Relations declared by an attribute whose value is a call.
    #[serde(default)]
    pub relation_attr: Vec<RelationAttr>,
    /// What `lazy=` values mean.
    #[serde(default)]
    pub loading: BTreeMap<String, LoadingWord>,
    /// How annotations speak of relations and columns.
    #[serde(default)]
    pub annotations: Annotations,
    /// Attributes that reach through a relation.
    pub proxies: Option<Proxies>,
    /// Columns declared by an attribute whose value is a call.
    #[serde(default)]
    pub column_attr: Vec<ColumnAttr>,
    /// A decorator whose function gives the value of an attribute (`declared_attr`), by short name.
    #[serde(default)]
    pub value_methods: Vec<String>,
    /// Calls on a class that give it an attribute: name and value.
    #[serde(default)]
    pub add_calls: Vec<String>,
    /// Literal lists of the class.
    #[serde(default)]
    pub lists: Lists,
    /// Class of queries.
    #[serde(default)]
    pub query_class: ClassChoice,
    /// Class of collections.
    #[serde(default)]
    pub collection_class: ClassChoice,
    /// Global scopes.
    pub scopes: Option<Scopes>,
    /// Managers.
    pub managers: Option<Managers>,
    /// The model that a setting chooses.
    pub swapped: Option<Swapped>,
    /// A child of a model with rows of its own has rows of its own, too: ending of the relation to its parent's row.
    pub parent_link_ending: Option<String>,
    /// Is a model's full key `<label>.<Class>`, the label coming from its folder?
    pub labels: Option<Labels>,
    /// To-many relations give a query when read.
    #[serde(default)]
    pub many_is_query: bool,
}

/// Language of a pack.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PackLanguage {
    /// PHP.
    Php,
    /// Python.
    Python,
}

/// Bases that make models.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Base {
    /// Full names.
    pub names: Vec<String>,
    /// How tables of models below are named if they do not say.
    #[serde(default)]
    pub table: TableStyle,
    /// A class that names this base directly is a base itself, not a model.
    #[serde(default)]
    pub makes_bases: bool,
    /// Class keyword that must be true (`table=True`).
    pub keyword: Option<String>,
    /// The name is a trait or mixin: the class is a model only if it uses it itself or through ancestors.
    #[serde(default)]
    pub decorators: Vec<String>,
}

/// A base of a library behind which a class of the program stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GivenBase {
    /// Full name of the base.
    pub base: String,
    /// What the constructor makes that is given the class.
    pub made: String,
    /// Keyword with the class, or with a call that makes it the base of all.
    pub keyword: String,
    /// Keyword of that call.
    pub inner_keyword: Option<String>,
    /// Full names outside that the program may replace by its class.
    #[serde(default)]
    pub assigned: Vec<String>,
    /// What files say that replace one.
    pub text: Option<String>,
}

/// How a table is named when nobody names it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum TableStyle {
    /// Not at all.
    #[default]
    None,
    /// `UserProfile` gives `user_profiles`.
    PluralSnake,
    /// `RoleUser` gives `role_user`.
    SingularSnake,
    /// `shop_userprofile` with the label `shop`.
    LabelModel,
    /// `userprofile`.
    Lower,
    /// `HTTPServerLog` gives `http_server_log`.
    Words,
}

/// A model or mixin of a library.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Library {
    /// Full names, the usual one first.
    pub names: Vec<String>,
    /// Its own bases, full names.
    #[serde(default)]
    pub extends: Vec<String>,
    /// A mixin or trait: no model itself.
    #[serde(default)]
    pub mixin: bool,
    /// An abstract model.
    #[serde(default, rename = "abstract")]
    pub is_abstract: bool,
    /// Its label (`auth.User`).
    pub label: Option<String>,
    /// Its table.
    pub table: Option<String>,
    /// Relations.
    #[serde(default)]
    pub relations: Vec<LibraryRelation>,
    /// Columns.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Columns with an index.
    #[serde(default)]
    pub indexed: Vec<String>,
    /// Managers.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Global scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A relation of a library's model or mixin.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LibraryRelation {
    /// Name.
    pub name: String,
    /// Many rows.
    #[serde(default)]
    pub many: bool,
    /// Target: full name or label.
    pub target: Option<String>,
    /// Differs per row.
    #[serde(default)]
    pub polymorphic: bool,
    /// Key column.
    pub key: Option<String>,
    /// Name of the relation that leads back.
    pub reverse: Option<String>,
    /// Name in queries of the relation that leads back.
    pub reverse_query_name: Option<String>,
}

/// How a class that names an unknown base is taken for a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Guess {
    /// Segment of the class's namespace, if one is asked for.
    pub namespace: Option<String>,
    /// Attributes of which one must be declared.
    #[serde(default)]
    pub attrs: Vec<String>,
    /// Traits of which one must be used.
    #[serde(default)]
    pub traits: Vec<String>,
    /// An attribute's value is a call of something outside whose full name starts so.
    #[serde(default)]
    pub field_prefixes: Vec<String>,
}

/// How a class says that it is abstract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AbstractIf {
    /// The language's own word.
    #[serde(default)]
    pub keyword: bool,
    /// Class attribute that is true.
    pub attr: Option<String>,
    /// Option that is true.
    pub option: Option<String>,
    /// Has no table: neither it nor an ancestor that is a model of its own names one.
    #[serde(default)]
    pub no_table: bool,
}

/// The nested class with options.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Its name.
    pub class: String,
    /// Option: same table as its parent.
    pub proxy: Option<String>,
    /// Option: label.
    pub label: Option<String>,
    /// Option: reverse name of all its relations.
    pub reverse_name: Option<String>,
    /// Option: name of the default manager.
    pub default_manager: Option<String>,
    /// Options with groups of columns, of which each first one has an index.
    #[serde(default)]
    pub index_groups: Vec<String>,
    /// Options with lists of index objects (first of `fields=`, or of the strings given).
    #[serde(default)]
    pub indexes: Vec<String>,
    /// Keyword of an index object with its columns.
    pub index_fields: Option<String>,
}

/// Where the table's name is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TableNames {
    /// Class attributes with the name.
    #[serde(default)]
    pub attrs: Vec<String>,
    /// Option with the name.
    pub option: Option<String>,
    /// Method that returns the name.
    pub method: Option<String>,
    /// Decorators whose first argument is the name.
    #[serde(default)]
    pub decorators: Vec<String>,
    /// A value of a class attribute that stands for the table (`__table__`), whose first string is the name.
    pub object: Option<String>,
    /// Class attribute with arguments of the table: index objects in it name columns.
    pub args: Option<String>,
    /// Index objects in it, by short name; strings after the first `skip` are columns.
    #[serde(default)]
    pub index_calls: BTreeMap<String, usize>,
}

/// Key of a row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Primary {
    /// Name of the key column where none is declared.
    pub default: Option<String>,
    /// Class attribute with its name.
    pub attr: Option<String>,
}

/// Columns declared by an attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ColumnAttr {
    /// Names of the call, short or full.
    #[serde(default)]
    pub names: Vec<String>,
    /// Endings of short names.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Keywords that make it the primary key.
    #[serde(default)]
    pub primary_keywords: Vec<String>,
    /// Keywords that give it an index.
    #[serde(default)]
    pub index_keywords: Vec<String>,
    /// Keywords that defer it.
    #[serde(default)]
    pub deferred_keywords: Vec<String>,
    /// Always deferred (`deferred(Column(…))`).
    #[serde(default)]
    pub deferred: bool,
    /// Always indexed.
    #[serde(default)]
    pub indexed: bool,
    /// Calls inside that make it a key to another table: first string is `table.column`.
    #[serde(default)]
    pub key_calls: Vec<String>,
    /// Keywords with such a string.
    #[serde(default)]
    pub key_keywords: Vec<String>,
    /// A column call stands in its first argument or in this keyword.
    #[serde(default)]
    pub wraps: bool,
}

/// Literal lists of a class.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lists {
    /// Attributes with relations that every query loads.
    #[serde(default)]
    pub default_eager: Vec<String>,
    /// What the name of a trait's method begins with that runs for each new object and may add to these lists.
    #[serde(default)]
    pub trait_initializer: Option<String>,
    /// Methods of the class itself that do.
    #[serde(default)]
    pub initializers: Vec<String>,
    /// Attributes with what serialization appends.
    #[serde(default)]
    pub appends: Vec<String>,
    /// Decorators with what serialization appends.
    #[serde(default)]
    pub appends_decorators: Vec<String>,
    /// Attributes that name columns (`$fillable`, `$casts`, `$hidden`).
    #[serde(default)]
    pub columns: Vec<String>,
}

/// How a model chooses a class.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClassChoice {
    /// Attributes with the class.
    #[serde(default)]
    pub attrs: Vec<String>,
    /// Methods that return an object of it.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Decorators with the class.
    #[serde(default)]
    pub decorators: Vec<String>,
}

/// Global scopes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scopes {
    /// Calls that add one: name and scope, or a scope.
    pub add: Vec<String>,
    /// Calls that add a list.
    #[serde(default)]
    pub add_many: Vec<String>,
    /// Static methods in which they stand. A class's own hides the parent's unless it calls it.
    pub hooks: Vec<String>,
    /// Prefix of a trait's own static method (`boot` and the trait's name).
    pub trait_prefix: Option<String>,
    /// Decorators whose arguments are scopes.
    #[serde(default)]
    pub decorators: Vec<String>,
    /// Decorators that make any static method a hook.
    #[serde(default)]
    pub hook_decorators: Vec<String>,
    /// Are decorators of parent classes read?
    #[serde(default)]
    pub decorators_inherited: bool,
}

/// Managers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Managers {
    /// Classes of managers, full names.
    pub bases: Vec<String>,
    /// Endings of short names of library managers.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Classes of queries, full names.
    pub query_bases: Vec<String>,
    /// Name of the manager that a model without one gets.
    pub default: String,
    /// Call on a manager class that makes a manager class of a query class.
    #[serde(default)]
    pub from_query: Vec<String>,
    /// Call on a query class that makes a manager.
    #[serde(default)]
    pub as_manager: Vec<String>,
    /// Method of a manager that gives its query.
    pub query_method: Option<String>,
    /// Attribute of a manager class with its query class.
    pub query_attr: Option<String>,
}

/// The model that a setting chooses.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Swapped {
    /// Module-level variable with its label.
    pub setting: String,
    /// Ways to read it, as paths of names.
    pub names: Vec<String>,
    /// Its value where nobody sets it.
    pub default: String,
}

/// Labels of folders.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Labels {
    /// Classes that configure a folder.
    pub config_bases: Vec<String>,
    /// Its attribute with the label.
    pub label_attr: String,
    /// Its attribute with the package's name, whose last part is the label otherwise.
    pub name_attr: String,
    /// Modules whose folder is the package (`models`).
    pub modules: Vec<String>,
}

/// The model tables of the packs that come with the tool.
///
/// # Panics
/// Never in a build whose tests pass: they read every pack.
pub fn builtin() -> &'static [ModelPack] {
    static READ: LazyLock<Vec<ModelPack>> = LazyLock::new(read_builtin);
    &READ
}

fn read_builtin() -> Vec<ModelPack> {
    let mut files: Vec<_> = BUILTIN.files().filter(|f| f.path().to_string_lossy().ends_with(".model.toml")).collect();
    files.sort_by_key(|f| f.path());
    files
        .iter()
        .filter_map(|f| {
            let text = f.contents_utf8().expect("packs are UTF-8");
            let pack: PackFile = toml::from_str(text)
                .map_err(|e| format!("{}: {e}", f.path().display()))
                .expect("a pack that comes with the tool can be read: the tests read each");
            pack.model
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_packs_that_come_with_the_tool_can_be_read() {
        assert!(!super::builtin().is_empty());
    }
}
