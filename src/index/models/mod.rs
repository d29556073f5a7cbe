//! Which classes are models, and what does each have: table, columns, relations, managers, scopes?
//!
//! In: the linked classes and the `[model]` tables of the packs. Out: [`Model`]s. What a word means stands in the packs; how
//! classes, attributes and methods hang together stands here.

mod attributes;
mod columns;
mod dialect;
mod labels;
mod library;
mod managers;
mod methods;
mod plural;
mod recognise;
mod registered;
mod relations;
mod reverse;
mod scopes;
mod tables;
mod targets;

use rustc_hash::FxHashMap;

use super::literal::CallView;
use super::{Access, ClassId, FnRef, Loading, Model, ModelId, ProjectIndex, Relation};
use crate::base::{Name, Range, Span};
use crate::facts::ExprId;
use crate::packs::model::ModelPack;

use attributes::OwnAttr;
use dialect::Dialect;
pub(crate) use dialect::Dialects;
pub(crate) use plural::singular;
pub(crate) use tables::snake;

/// Compiles the `[model]` tables.
pub(crate) fn dialects(packs: &[ModelPack]) -> Dialects<'_> {
    Dialects::new(packs)
}

/// What is known of a model beside what it shows.
#[derive(Clone, Debug, Default)]
struct Info {
    /// Index of its dialect.
    dialect: usize,
    /// Index of the base that made it one.
    base: usize,
    /// Its fields make it a model: its base is not known.
    is_guessed: bool,
    /// Shares the table and the fields of its parent.
    is_proxy: bool,
    /// Columns that are keys to other tables: column, and the table or class named.
    keys: Vec<(Name, KeyTarget)>,
}

/// What a key column points at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyTarget {
    /// A table, as written.
    Table(Name),
    /// A model.
    Model(ModelId),
}

/// A relation written as an attribute, for the second look from the other side.
#[derive(Clone)]
struct Declared<'a> {
    owner: ModelId,
    name: Name,
    /// Index in the pack's `relation-attr`.
    kind: usize,
    /// The call.
    call: CallView<'a>,
    /// A table stands between.
    is_between: bool,
    /// Declared by a parent that is a model of its own: that one has the relation that leads back.
    is_inherited: bool,
}

/// A relation whose end is known only when all others are.
#[derive(Clone, Debug)]
struct Late {
    owner: ModelId,
    name: Name,
    what: LateLink,
}

/// What is left to find out.
#[derive(Clone, Debug)]
enum LateLink {
    /// The end of a path of two relations.
    Path(Name, Name),
    /// The relation on the target that is filled; empty: to be guessed.
    Inverse(Name),
}

/// The work of this module.
struct Linker<'i, 'a, 'p> {
    index: &'i ProjectIndex<'a>,
    dialects: &'p Dialects<'p>,
    of_class: Vec<Option<ModelId>>,
    models: Vec<Model>,
    info: Vec<Info>,
    labels: FxHashMap<Name, ModelId>,
    library: FxHashMap<Name, ModelId>,
    swapped: Option<ModelId>,
    /// Models by dialect and short name.
    short_names: FxHashMap<(usize, Name), Vec<ModelId>>,
    /// Attributes of classes that matter, once read.
    attrs: FxHashMap<ClassId, std::rc::Rc<Vec<OwnAttr<'a>>>>,
    /// Attributes that are given to a class outside its body.
    added: FxHashMap<ClassId, Vec<(Name, Range, FnRef, ExprId)>>,
    declared: Vec<Declared<'a>>,
    late: Vec<Late>,
    drafts: methods::Drafts,
}

/// Finds all models and links them with each other.
pub(crate) fn link(index: &mut ProjectIndex<'_>, dialects: &Dialects<'_>) {
    recognise::add_decorated(index, dialects);
    let mut linker = Linker {
        index,
        dialects,
        of_class: vec![None; index.classes.len()],
        models: Vec::new(),
        info: Vec::new(),
        labels: FxHashMap::default(),
        library: FxHashMap::default(),
        swapped: None,
        short_names: FxHashMap::default(),
        attrs: FxHashMap::default(),
        added: FxHashMap::default(),
        declared: Vec::new(),
        late: Vec::new(),
        drafts: methods::Drafts::default(),
    };
    linker.recognise();
    linker.add_library();
    linker.read_added();
    linker.find_labels();
    linker.read_tables();
    linker.read_columns();
    linker.read_managers();
    linker.read_choices();
    linker.read_scopes();
    linker.read_method_relations();
    linker.drop_listed_relations();
    linker.read_attr_relations();
    linker.inherit_library();
    linker.link_reverse();
    linker.link_late();
    let Linker { of_class, models, labels, library, swapped, .. } = linker;
    for (class, model) in index.classes.iter_mut().zip(of_class) {
        class.model = model;
    }
    index.models = models;
    index.model_labels = labels;
    index.library_models = library;
    index.swapped = swapped;
    let swaps = dialects.list.iter().filter_map(|d| d.pack.swapped.as_ref());
    index.tables.swapped_names = swaps.flat_map(|s| &s.names).map(|n| Name::new(n)).collect();
}

impl<'a, 'p> Linker<'_, 'a, 'p> {
    fn dialect_of(&self, model: ModelId) -> &'p Dialect<'p> {
        &self.dialects.list[self.info[model.0 as usize].dialect]
    }

    fn pack_of(&self, model: ModelId) -> &'p ModelPack {
        self.dialect_of(model).pack
    }

    fn model(&self, id: ModelId) -> &Model {
        &self.models[id.0 as usize]
    }

    /// Models with a class, in order.
    fn own_models(&self) -> impl Iterator<Item = (ModelId, ClassId)> + use<> {
        let pairs: Vec<(ModelId, ClassId)> =
            self.models.iter().enumerate().filter_map(|(i, m)| Some((ModelId(i as u32), m.class?))).collect();
        pairs.into_iter()
    }

    /// The classes whose attributes count for a model, nearest first.
    fn contributors(&self, model: ModelId, class: ClassId) -> Vec<ClassId> {
        let all_count = self.pack_of(model).mixins_count;
        let mro = &self.index.class(class).mro;
        mro.iter().copied().filter(|c| all_count || self.of_class[c.0 as usize].is_some()).collect()
    }

    /// Is a member that `declared_by` declares already a member of a concrete ancestor of the model?
    fn is_inherited(&self, model: ModelId, class: ClassId, declared_by: ClassId) -> bool {
        self.index.class(class).mro.iter().skip(1).any(|ancestor| {
            self.of_class[ancestor.0 as usize].is_some_and(|m| m != model && !self.model(m).is_abstract)
                && self.index.class(*ancestor).mro.contains(&declared_by)
        })
    }

    fn span_of_class(&self, class: ClassId) -> Span {
        Span { file: self.index.class(class).file, range: self.index.class_decl(class).name_range }
    }
}

/// A relation with nothing special about it.
fn plain_relation(name: Name, many: bool) -> Relation {
    Relation {
        name,
        many,
        target: None,
        polymorphic: false,
        access: Access::Rows,
        loading: Loading::Lazy,
        inverse: None,
        key_column: None,
        is_method: false,
        eager: Vec::new(),
        query_name: name,
        span: None,
    }
}
