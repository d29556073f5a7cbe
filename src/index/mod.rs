//! What is the whole program? One linked index out of all facts: names, classes, models, relations, templates.
//!
//! In: the facts of every file and the packs. Out: [`ProjectIndex`]. Knows nothing of values or rules.

pub mod classes;
mod given;
mod literal;
pub mod models;
pub mod modules;
mod names;
mod origin;
pub mod print;
pub mod templates;
pub mod tenants;
#[cfg(test)]
mod tests;
mod view_namespaces;

use rustc_hash::FxHashMap;

use crate::base::{FileId, Name, Span};
use crate::facts::{ClassDecl, ClassIx, FileFacts, FnId, FunctionDecl};
use crate::packs::Packs;
use crate::packs::model::ModelPack;
use crate::source::SourceSet;

/// A class of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassId(pub u32);

/// A model: a class whose instances are rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ModelId(pub u32);

/// A function of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FnRef {
    /// Its file.
    pub file: FileId,
    /// Its number there.
    pub id: FnId,
}

/// What a name means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Symbol {
    /// A class of the program.
    Class(ClassId),
    /// A function of the program.
    Function(FnRef),
    /// A Python module of the program.
    Module(FileId),
    /// A module-level variable of the program.
    Variable(FileId, Name),
    /// Something outside: its dotted (Python) or qualified (PHP) name.
    External(Name),
    /// No such name here.
    Unknown,
}

/// A class, linked.
#[derive(Clone, Debug)]
pub struct Class {
    /// File that declares it.
    pub file: FileId,
    /// Number there.
    pub ix: ClassIx,
    /// PHP: fully qualified. Python: module path and name, dotted.
    pub name: Name,
    /// Itself, then ancestors and traits in the order in which members are looked up.
    pub mro: Vec<ClassId>,
    /// Ancestors and traits outside the program, by full name, in lookup order.
    pub external: Vec<Name>,
    /// Direct and transitive subclasses, implementors and users, in order of id.
    pub descendants: Vec<ClassId>,
    /// The model it is, if it is one.
    pub model: Option<ModelId>,
}

/// How reading a relation's name on a row behaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// The read itself gives the row or rows, loading them if need be.
    Rows,
    /// The read gives a query that runs when it is used (Django's related managers, dynamic relationships).
    Query,
}

/// What loads a relation when no query says anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Loading {
    /// Loaded when read.
    Lazy,
    /// Loaded with the row.
    Eager,
    /// Never loaded by reading: raises or stays empty.
    Never,
    /// Not known: silent.
    Unknown,
}

/// A relation of a model.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Name it is read and eager-loaded by.
    pub name: Name,
    /// Many rows, else at most one.
    pub many: bool,
    /// The model at the other end; `None` for polymorphic or unknown.
    pub target: Option<ModelId>,
    /// Polymorphic: the target differs per row.
    pub polymorphic: bool,
    /// What a read gives.
    pub access: Access,
    /// Who loads it by default.
    pub loading: Loading,
    /// The relation on the target that leads back and is filled when this one is loaded through its parent.
    pub inverse: Option<Name>,
    /// Column on the row's own table that holds the key (to-one relations that own the key).
    pub key_column: Option<Name>,
    /// Is also callable as a method that gives a query, even when it is loaded (Eloquent).
    pub is_method: bool,
    /// Relations that its definition always loads with it (`return $this->hasMany(…)->with('x')`), as dotted paths.
    pub eager: Vec<Name>,
    /// The name under which queries filter by it, if another (`related_query_name`).
    pub query_name: Name,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A column of a model.
#[derive(Clone, Debug)]
pub struct Column {
    /// Attribute name.
    pub name: Name,
    /// Loaded only when read.
    pub is_deferred: bool,
    /// Has a usable index of its own.
    pub is_indexed: bool,
    /// Is the primary key.
    pub is_primary: bool,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A manager: what `Model.<name>` gives to start queries from.
#[derive(Clone, Debug)]
pub struct Manager {
    /// Attribute name.
    pub name: Name,
    /// Class of the manager, if it is the program's own.
    pub class: Option<ClassId>,
    /// Class of its querysets, if it is the program's own.
    pub query_class: Option<ClassId>,
}

/// A model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its class; `None` for models of libraries.
    pub class: Option<ClassId>,
    /// Full name.
    pub name: Name,
    /// Pack that made it a model: decides what its methods mean.
    pub dialect: Name,
    /// Its table, if known.
    pub table: Option<Name>,
    /// Never instantiated itself: abstract base.
    pub is_abstract: bool,
    /// Relations, inherited ones and reverse ones included.
    pub relations: FxHashMap<Name, Relation>,
    /// Columns, as far as they are declared.
    pub columns: FxHashMap<Name, Column>,
    /// Relations that every query loads (`$with`), as dotted paths.
    pub default_eager: Vec<Name>,
    /// Managers; empty where queries start from the class itself.
    pub managers: Vec<Manager>,
    /// Class with methods of its own queries (custom builder), if any.
    pub query_class: Option<ClassId>,
    /// Class of its collections, if any.
    pub collection_class: Option<ClassId>,
    /// Global scopes that every query gets: name or class, and where each is added.
    pub scopes: Vec<(Name, Span)>,
    /// Attributes added when it is serialized (`$appends`).
    pub appends: Vec<Name>,
    /// Attributes that read through a relation: the relation and the attribute at its other end.
    pub proxies: FxHashMap<Name, (Name, Name)>,
    /// Label of the application part it belongs to, where the dialect has such (`shop` in `shop.Order`).
    pub label: Option<Name>,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// The linked program.
#[derive(Debug)]
pub struct ProjectIndex<'a> {
    /// Facts by file.
    pub facts: &'a [FileFacts],
    /// Sources by file.
    pub sources: &'a SourceSet,
    /// Packs.
    pub packs: &'a Packs,
    /// Classes, in order of file and declaration.
    pub classes: Vec<Class>,
    /// Models, in order of class, library models last.
    pub models: Vec<Model>,
    /// Classes by full name. PHP: lower case.
    pub class_names: FxHashMap<Name, ClassId>,
    /// Classes by place.
    pub class_places: FxHashMap<(FileId, ClassIx), ClassId>,
    /// PHP functions by qualified lower-case name.
    pub function_names: FxHashMap<Name, FnRef>,
    /// Python modules by dotted name; a module is known under every root that could be on the path.
    pub modules: FxHashMap<Name, FileId>,
    /// Dotted name of each Python file's module (empty for other files).
    pub module_names: Vec<Name>,
    /// Templates by the names under which they may be rendered.
    pub templates: FxHashMap<Name, Vec<FileId>>,
    /// Models by `label.class`, lower case, where the dialect has labels.
    pub model_labels: FxHashMap<Name, ModelId>,
    /// Models of libraries by each of their full names (PHP: lower case).
    pub library_models: FxHashMap<Name, ModelId>,
    /// The model that a setting chooses for users, if the program or a library has one.
    pub swapped: Option<ModelId>,
    /// Tables behind the questions that the parts of this module answer.
    tables: Tables,
}

/// Lookup tables that only this module reads.
#[derive(Debug, Default)]
struct Tables {
    modules: modules::ModuleTable,
    classes: classes::ClassTable,
    /// Classes of the program that stand behind bases of libraries.
    given_bases: given::GivenBases,
    /// Outside names that stand for the model of the setting.
    swapped_names: Vec<Name>,
    /// What names were found to mean, once everything is linked.
    resolved: Option<names::Resolved>,
}

/// Links all facts into one program, with the packs that come with the tool.
pub fn link<'a>(sources: &'a SourceSet, facts: &'a [FileFacts], packs: &'a Packs) -> ProjectIndex<'a> {
    link_with(sources, facts, packs, crate::packs::model::builtin())
}

/// Links all facts into one program.
pub fn link_with<'a>(
    sources: &'a SourceSet,
    facts: &'a [FileFacts],
    packs: &'a Packs,
    model_packs: &[ModelPack],
) -> ProjectIndex<'a> {
    let mut index = ProjectIndex {
        facts,
        sources,
        packs,
        classes: Vec::new(),
        models: Vec::new(),
        class_names: FxHashMap::default(),
        class_places: FxHashMap::default(),
        function_names: FxHashMap::default(),
        modules: FxHashMap::default(),
        module_names: Vec::new(),
        templates: templates::read(sources, facts, packs),
        model_labels: FxHashMap::default(),
        library_models: FxHashMap::default(),
        swapped: None,
        tables: Tables::default(),
    };
    let (table, names, modules) = modules::ModuleTable::read(&index);
    index.module_names = names;
    index.modules = modules;
    classes::register(&mut index);
    let mut table = table;
    table.read_members(&index);
    index.tables.modules = table;
    let dialects = models::dialects(model_packs);
    index.tables.given_bases = given::read(&index, model_packs);
    classes::link(&mut index, &|name| dialects.ancestry(name));
    models::link(&mut index, &dialects);
    index.tables.resolved = Some(names::Resolved::default());
    index
}

impl<'a> ProjectIndex<'a> {
    /// The declaration of a function.
    pub fn function(&self, f: FnRef) -> &'a FunctionDecl {
        &self.facts[f.file.0 as usize].functions[f.id.0 as usize]
    }

    /// The facts of a file.
    pub fn file(&self, id: FileId) -> &'a FileFacts {
        &self.facts[id.0 as usize]
    }

    /// A class.
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }

    /// The declaration of a class.
    pub fn class_decl(&self, id: ClassId) -> &'a ClassDecl {
        let class = self.class(id);
        &self.facts[class.file.0 as usize].classes[class.ix.0 as usize]
    }

    /// A model.
    pub fn model(&self, id: ModelId) -> &Model {
        &self.models[id.0 as usize]
    }

    /// The model that a setting chooses, if a function of this name gives it.
    pub fn chosen_by(&self, function: Name) -> Option<ModelId> {
        self.swapped.filter(|_| self.tables.swapped_names.contains(&function))
    }

    /// The model that a symbol means: a class, a library's model, a variable that holds either, or the setting's model.
    pub fn model_of(&self, symbol: Symbol) -> Option<ModelId> {
        match self.followed(symbol) {
            Symbol::Class(class) => self.class(class).model,
            Symbol::External(name) if self.tables.swapped_names.contains(&name) => self.swapped,
            Symbol::External(name) => {
                let known = self.library_models.get(&name);
                known.or_else(|| self.library_models.get(&classes::folded(name))).copied()
            }
            Symbol::Function(_) | Symbol::Module(_) | Symbol::Variable(..) | Symbol::Unknown => None,
        }
    }

    /// The column that the name of a method speaks of, where a library takes such names for conditions: `whereOwnerId`.
    pub fn dynamic_column(&self, method: Name) -> Option<Name> {
        let words = |key: &str| self.packs.word_in_language(Name::new("php"), key).map_or("", Name::as_str).split(' ');
        let mut rests = words("dynamic-conditions").filter_map(|prefix| method.as_str().strip_prefix(prefix));
        let rest = rests.find(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))?;
        // What the library itself defines is no column.
        (!words("conditions-by-name").any(|own| own == rest)).then(|| Name::new(&models::snake(rest)))
    }

    /// The model with a label (`shop.Order`, any case), where the dialect has labels.
    pub fn model_labelled(&self, label: &str) -> Option<ModelId> {
        self.model_labels.get(&Name::new(&label.to_lowercase())).copied()
    }
}
