//! The form of a pack as a TOML file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What is wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not TOML, or not of the form.
    #[error("{file}: {message}")]
    Form {
        /// The file.
        file: String,
        /// What the parser says, with the line.
        message: String,
    },
    /// A word of an operation that does not exist.
    #[error("{file}: `{word}` is no word of an operation; the nearest is `{nearest}`")]
    Word {
        /// The file.
        file: String,
        /// The word.
        word: String,
        /// The nearest that exists.
        nearest: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) id: String,
    pub(super) language: String,
}

/// A constructor that is costly to run for every request.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ClientEntry {
    /// Full names of the classes or functions that construct it.
    pub names: Vec<String>,
    /// What it is, with its article: "an HTTP connection pool".
    pub what: String,
    /// Why it is costly.
    pub why: String,
    /// What to do instead.
    pub cure: String,
    /// Class of what the constructors give, where their names do not say.
    #[serde(default)]
    pub gives: Option<String>,
    /// Arguments that hand in shared connections: with one of them the object is cheap.
    #[serde(default)]
    pub shared: Vec<String>,
    /// Constructors of arguments, or texts among them, with which it stays in the process and connects to nothing.
    #[serde(default)]
    pub in_process: Vec<String>,
    /// Only a view on something that the library itself keeps and shares: making it costs nothing.
    #[serde(default)]
    pub view: bool,
    /// Cheap enough once per request: only loops are faults.
    #[serde(default)]
    pub loops_only: bool,
    /// Costs little beside what a request does anyway: worth a note.
    #[serde(default)]
    pub minor: bool,
    /// Its arguments are those of one call, not those of the client that the call builds.
    #[serde(default)]
    pub per_call: bool,
    /// Its methods are given the address that they ask, first or after the name of a verb.
    #[serde(default)]
    pub addressed: bool,
    /// A package and a version, `acme 3`: costly only where the program asks for an older one.
    #[serde(default)]
    pub below: Option<String>,
    /// How sure it is that it should be shared: `high` or `medium`.
    #[serde(default)]
    pub confidence: Option<String>,
}

/// A call that blocks the thread it runs on.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct BlockingEntry {
    /// Full names of the functions; a trailing `*` for all names that begin so.
    pub names: Vec<String>,
    /// What it waits for: "the network", "the disk".
    pub what: String,
    /// What to use in asynchronous code.
    pub instead: String,
    /// Names that the pattern covers but that do not wait.
    #[serde(default)]
    pub except: Vec<String>,
    /// What a call says with which it does not wait: `block=False`.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Short as a rule: worth a note.
    #[serde(default)]
    pub short: bool,
    /// What it gives goes on waiting while it is read: a thread for the call alone does not help.
    #[serde(default)]
    pub streams: bool,
    /// What the library raises instead of waiting, when a coroutine calls it.
    #[serde(default)]
    pub raises: Option<String>,
}

/// What libraries and conventions say about tenants.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TenancyWords {
    /// Conditions that compare with a list.
    #[serde(default)]
    pub list_conditions: Vec<String>,
    /// Short names of the model of users, where no library says which it is.
    #[serde(default)]
    pub user_models: Vec<String>,
    /// Tables of users, whatever their model is called.
    pub user_tables: Vec<String>,
    /// Calls that narrow a rule of validation.
    #[serde(default)]
    pub rule_conditions: Vec<String>,
    /// Models that often are the tenant, by short name.
    #[serde(default)]
    pub tenant_names: Vec<String>,
    /// Such names that need no further proof.
    #[serde(default)]
    pub certain_names: Vec<String>,
    /// Bases that limit every query of a model to the tenant.
    #[serde(default)]
    pub scoping_bases: Vec<String>,
    /// Bases of the tenant itself.
    #[serde(default)]
    pub tenant_bases: Vec<String>,
    /// Managers that limit queries to the tenant.
    #[serde(default)]
    pub scoping_managers: Vec<String>,
    /// Scopes of libraries.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Functions that switch all scopes off.
    #[serde(default)]
    pub disabling: Vec<String>,
    /// Functions that do so when they are given nothing.
    #[serde(default)]
    pub disabling_with_null: Vec<String>,
    /// Functions of hooks that add a condition to every statement of a session.
    #[serde(default)]
    pub session_criteria: Vec<String>,
    /// How code names whoever is signed in.
    #[serde(default)]
    pub user_names: Vec<String>,
    /// Columns that name one row.
    #[serde(default)]
    pub key_names: Vec<String>,
    /// Words of paths whose code is meant to see all tenants.
    #[serde(default)]
    pub global_words: Vec<String>,
    /// Words of an administration, be it that of all tenants or of each.
    #[serde(default)]
    pub office_words: Vec<String>,
    /// Words of code that runs before the tenant is known.
    #[serde(default)]
    pub early_words: Vec<String>,
    /// Words of code that runs in the background.
    #[serde(default)]
    pub background_words: Vec<String>,
    /// Words of paths whose code answers requests.
    #[serde(default)]
    pub request_words: Vec<String>,
    /// Parts of names of calls that ask whether something is allowed.
    #[serde(default)]
    pub permission_words: Vec<String>,
    /// Functions that name a table and its columns.
    #[serde(default)]
    pub schema_calls: Vec<String>,
    /// Functions of a schema that take columns away.
    #[serde(default)]
    pub schema_drops: Vec<String>,
    /// Methods of a migration that take it back.
    #[serde(default)]
    pub schema_undoes: Vec<String>,
    /// Beginnings of validation rules that look up a table.
    #[serde(default)]
    pub validation_prefixes: Vec<String>,
    /// Functions that make such rules.
    #[serde(default)]
    pub validation_functions: Vec<String>,
    /// Columns whose value is a secret.
    #[serde(default)]
    pub secret_names: Vec<String>,
    /// Calls that ask whether somebody is signed in, or who.
    #[serde(default)]
    pub signed_in_names: Vec<String>,
    /// Calls that add a scope to every query of a model.
    #[serde(default)]
    pub scope_adders: Vec<String>,
    /// Beginnings of writes whose rows are at hand or new.
    #[serde(default)]
    pub row_writes: Vec<String>,
    /// Writes that fire no events.
    #[serde(default)]
    pub quiet_writes: Vec<String>,
    /// Names and classes of the request that is at work.
    #[serde(default)]
    pub client_objects: Vec<String>,
    /// What of a request the client fills.
    #[serde(default)]
    pub client_containers: Vec<String>,
    /// Variables that hold what the client gave.
    #[serde(default)]
    pub client_names: Vec<String>,
    /// Names of whoever is signed in, or of what keeps that.
    #[serde(default)]
    pub identity_names: Vec<String>,
    /// Parameters and attributes that hold a loaded row.
    #[serde(default)]
    pub row_names: Vec<String>,
    /// Functions, classes and module variables that keep who is signed in.
    #[serde(default)]
    pub keeper_names: Vec<String>,
    /// Objects on which code keeps what belongs to the request that is handled.
    #[serde(default)]
    pub request_keepers: Vec<String>,
    /// Methods of views that answer requests.
    #[serde(default)]
    pub handler_methods: Vec<String>,
    /// Calls of a query whose arguments are no conditions.
    #[serde(default)]
    pub shaping_names: Vec<String>,
    /// Beginnings of middleware that checks the rows of named parameters.
    #[serde(default)]
    pub gate_prefixes: Vec<String>,
    /// Words of middleware for those who look after all tenants.
    #[serde(default)]
    pub admin_words: Vec<String>,
    /// Attributes of a view that name its permission classes.
    #[serde(default)]
    pub permission_attributes: Vec<String>,
    /// Folders whose classes make an administration panel.
    #[serde(default)]
    pub panel_folders: Vec<String>,
    /// Methods of the user that say who may enter the panel.
    #[serde(default)]
    pub panel_access: Vec<String>,
    /// Methods of the user that give the panel tenants.
    #[serde(default)]
    pub panel_tenants: Vec<String>,
    /// How classes end whose methods only routes run.
    #[serde(default)]
    pub handler_suffix: String,
    /// Permission classes that let anybody in.
    #[serde(default)]
    pub public_permissions: Vec<String>,
    /// Methods of live components that run before the client has any say.
    #[serde(default)]
    pub first_hooks: Vec<String>,
    /// Alternatives that compare a column with a value.
    #[serde(default)]
    pub valued_alternatives: Vec<String>,
    /// Calls that give a rule of validation its name.
    #[serde(default)]
    pub rule_adders: Vec<String>,
    /// Columns that say that a row is shared, within its tenant.
    #[serde(default)]
    pub sharing_names: Vec<String>,
    /// Reads that give one row.
    #[serde(default)]
    pub single_reads: Vec<String>,
    /// Methods of classes of requests that the library knows by name.
    #[serde(default)]
    pub request_hooks: Vec<String>,
    /// Methods of rules of validation that are given what the client sent.
    #[serde(default)]
    pub input_rules: Vec<String>,
    /// Attributes of fields that the client cannot change.
    #[serde(default)]
    pub locked_attributes: Vec<String>,
    /// Columns that say who may see a row.
    #[serde(default)]
    pub visibility_names: Vec<String>,
    /// Values of such columns that let everybody see it.
    #[serde(default)]
    pub public_values: Vec<String>,
    /// Reads that fail where nothing is found.
    #[serde(default)]
    pub failing_reads: Vec<String>,
    /// Calls that write what they are given.
    #[serde(default)]
    pub storing_names: Vec<String>,
    /// Calls that give all that the client sent.
    #[serde(default)]
    pub whole_input: Vec<String>,
    /// Methods of a class of views that give its permissions.
    #[serde(default)]
    pub permission_methods: Vec<String>,
    /// What a key says where rows end with the row that they name.
    #[serde(default)]
    pub owning_deletes: Vec<String>,
    /// Settings that name the filters of all classes of views.
    #[serde(default)]
    pub filter_settings: Vec<String>,
    /// Attributes of such a class that name its own.
    #[serde(default)]
    pub filter_attributes: Vec<String>,
    /// Methods of filters, and of what calls them.
    #[serde(default)]
    pub filter_hooks: Vec<String>,
    /// Methods of a class of views that fetch a row through its filters and show it to its permissions.
    #[serde(default)]
    pub checked_fetches: Vec<String>,
    /// Methods of permissions that are asked for one row.
    #[serde(default)]
    pub row_hooks: Vec<String>,
    /// Calls that name only classes and ask for each row that a handler is given.
    #[serde(default)]
    pub row_permissions: Vec<String>,
    /// Methods of a class of rows that find the row that an address names.
    #[serde(default)]
    pub binding_hooks: Vec<String>,
    /// Classes that describe a panel.
    #[serde(default)]
    pub panel_classes: Vec<String>,
    /// Calls there that name its tenant.
    #[serde(default)]
    pub panel_tenant_calls: Vec<String>,
    /// Calls that say how a parameter of addresses is found.
    #[serde(default)]
    pub binders: Vec<String>,
    /// Methods of a class of requests that decide whether one goes on.
    #[serde(default)]
    pub request_gates: Vec<String>,
    /// Attributes of a class of views that name the column of the key.
    #[serde(default)]
    pub lookup_attributes: Vec<String>,
    /// Decorators, permission classes and bases that let in only the staff of the installation.
    #[serde(default)]
    pub staff_guards: Vec<String>,
    /// What of a user says that.
    #[serde(default)]
    pub staff_attributes: Vec<String>,
    /// What of a user says that somebody is signed in.
    #[serde(default)]
    pub signed_in_attributes: Vec<String>,
    /// Methods of a class that decide whether a request goes on.
    #[serde(default)]
    pub entry_hooks: Vec<String>,
    /// Names that keep what the installation was set up with.
    #[serde(default)]
    pub settings_names: Vec<String>,
    /// Calls that put a path before the routes of another module.
    #[serde(default)]
    pub route_calls: Vec<String>,
    /// Ends of columns that say when something was.
    #[serde(default)]
    pub age_names: Vec<String>,
}

impl TenancyWords {
    /// Adds the words of another pack.
    pub(super) fn extend(&mut self, more: TenancyWords) {
        self.list_conditions.extend(more.list_conditions);
        self.user_models.extend(more.user_models);
        self.user_tables.extend(more.user_tables);
        self.rule_conditions.extend(more.rule_conditions);
        self.tenant_names.extend(more.tenant_names);
        self.certain_names.extend(more.certain_names);
        self.scoping_bases.extend(more.scoping_bases);
        self.tenant_bases.extend(more.tenant_bases);
        self.scoping_managers.extend(more.scoping_managers);
        self.scopes.extend(more.scopes);
        self.disabling.extend(more.disabling);
        self.disabling_with_null.extend(more.disabling_with_null);
        self.session_criteria.extend(more.session_criteria);
        self.user_names.extend(more.user_names);
        self.key_names.extend(more.key_names);
        self.global_words.extend(more.global_words);
        self.office_words.extend(more.office_words);
        self.early_words.extend(more.early_words);
        self.background_words.extend(more.background_words);
        self.request_words.extend(more.request_words);
        self.permission_words.extend(more.permission_words);
        self.schema_calls.extend(more.schema_calls);
        self.schema_drops.extend(more.schema_drops);
        self.schema_undoes.extend(more.schema_undoes);
        self.validation_prefixes.extend(more.validation_prefixes);
        self.validation_functions.extend(more.validation_functions);
        self.secret_names.extend(more.secret_names);
        self.signed_in_names.extend(more.signed_in_names);
        self.scope_adders.extend(more.scope_adders);
        self.row_writes.extend(more.row_writes);
        self.quiet_writes.extend(more.quiet_writes);
        self.client_objects.extend(more.client_objects);
        self.client_containers.extend(more.client_containers);
        self.client_names.extend(more.client_names);
        self.identity_names.extend(more.identity_names);
        self.row_names.extend(more.row_names);
        self.keeper_names.extend(more.keeper_names);
        self.request_keepers.extend(more.request_keepers);
        self.handler_methods.extend(more.handler_methods);
        self.shaping_names.extend(more.shaping_names);
        self.gate_prefixes.extend(more.gate_prefixes);
        self.admin_words.extend(more.admin_words);
        self.permission_attributes.extend(more.permission_attributes);
        self.panel_folders.extend(more.panel_folders);
        self.panel_access.extend(more.panel_access);
        self.panel_tenants.extend(more.panel_tenants);
        self.public_permissions.extend(more.public_permissions);
        self.single_reads.extend(more.single_reads);
        self.rule_adders.extend(more.rule_adders);
        self.sharing_names.extend(more.sharing_names);
        self.valued_alternatives.extend(more.valued_alternatives);
        self.first_hooks.extend(more.first_hooks);
        self.request_hooks.extend(more.request_hooks);
        self.input_rules.extend(more.input_rules);
        self.locked_attributes.extend(more.locked_attributes);
        self.visibility_names.extend(more.visibility_names);
        self.public_values.extend(more.public_values);
        self.failing_reads.extend(more.failing_reads);
        self.storing_names.extend(more.storing_names);
        self.whole_input.extend(more.whole_input);
        self.permission_methods.extend(more.permission_methods);
        self.owning_deletes.extend(more.owning_deletes);
        self.filter_settings.extend(more.filter_settings);
        self.filter_attributes.extend(more.filter_attributes);
        self.filter_hooks.extend(more.filter_hooks);
        self.checked_fetches.extend(more.checked_fetches);
        self.row_permissions.extend(more.row_permissions);
        self.binding_hooks.extend(more.binding_hooks);
        self.binders.extend(more.binders);
        self.panel_classes.extend(more.panel_classes);
        self.panel_tenant_calls.extend(more.panel_tenant_calls);
        self.request_gates.extend(more.request_gates);
        self.row_hooks.extend(more.row_hooks);
        self.lookup_attributes.extend(more.lookup_attributes);
        self.staff_guards.extend(more.staff_guards);
        self.staff_attributes.extend(more.staff_attributes);
        self.signed_in_attributes.extend(more.signed_in_attributes);
        self.entry_hooks.extend(more.entry_hooks);
        self.settings_names.extend(more.settings_names);
        self.route_calls.extend(more.route_calls);
        self.age_names.extend(more.age_names);
        if !more.handler_suffix.is_empty() {
            self.handler_suffix = more.handler_suffix;
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pub(super) pack: Meta,
    #[serde(default)]
    pub(super) on: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    pub(super) functions: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) instances: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) words: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) client: Vec<ClientEntry>,
    pub(super) tenancy: Option<TenancyWords>,
    #[serde(default)]
    pub(super) blocking: Vec<BlockingEntry>,
}

impl PackFile {
    pub(super) fn parse(path: &str, text: &str) -> Result<PackFile, PackError> {
        toml::from_str(text).map_err(|e| PackError::Form { file: path.to_owned(), message: e.to_string() })
    }
}
