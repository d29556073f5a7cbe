//! From where do queries start? Managers, attributes of model classes, models of libraries.

use super::call::Args;
use super::tree::{NOTHING, Tree};
use super::value::{Data, UNKNOWN, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, Language};
use crate::index::{ClassId, FnRef, ModelId};

impl<'a> Engine<'a> {
    /// An attribute of a model class as such.
    pub(super) fn model_class_attr(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        model: ModelId,
        name: Name,
        range: Range,
    ) -> Option<Val> {
        let data = self.ix.model(model);
        if let Some(val) = self.manager(fr, model, name, range) {
            return Some(val);
        }
        if self.ix.packs.word(data.dialect, "class-query") == Some(name) && self.ix.find_method(class, name).is_none() {
            let query = self.start_query(model, self.span(fr, range));
            return Some(self.v.of(Data::Query(query)));
        }
        if self.ix.file(fr.file).language == Language::Python
            && (data.relations.contains_key(&name) || data.columns.contains_key(&name))
        {
            return Some(self.v.of(Data::Attribute(model, name)));
        }
        None
    }

    /// A manager of a model: a query, shaped as the manager's own methods say.
    pub(super) fn manager(&mut self, fr: &mut Frame<'a>, model: ModelId, name: Name, range: Range) -> Option<Val> {
        let data = self.ix.model(model);
        let default = self.ix.packs.word(data.dialect, "default-manager")?;
        let found = data.managers.iter().find(|m| m.name == name);
        if found.is_none() && (name != default && !name.as_str().starts_with("_default") && !name.as_str().starts_with("_base")) {
            return None;
        }
        let mut query = self.start_query(model, self.span(fr, range));
        let class = found.and_then(|m| m.class.or(m.query_class)).or(query.class);
        let named_at = self.span(fr, super::call::method_range(range, name));
        query.marks = self.v.marked(query.marks, &[super::value::Mark::Manager(name, named_at)]);
        query.class = class;
        let initial = self.ix.packs.word(data.dialect, "initial-query");
        if let Some((_, f)) = class.zip(initial).and_then(|(c, method)| self.ix.find_method(c, method)) {
            let this = self.v.of(Data::Query(query.clone()));
            let mark = fr.buffer.len();
            let (val, _) = self.call_function(fr, f, this, Args::default(), range);
            fr.buffer.truncate(mark);
            if let Data::Query(mut shaped) = self.data(val).clone() {
                shaped.class = class;
                shaped.src = query.src;
                shaped.flags &= !flag::FILTERED;
                return Some(self.v.of(Data::Query(shaped)));
            }
            query.tree = self.v.trees.opened(query.tree);
            query.flags |= flag::SCOPED;
        }
        Some(self.v.of(Data::Query(query)))
    }

    /// What the default manager of a model loads with all its rows: the managers of relations to many derive from it, those that
    /// follow a key to one row do not.
    pub(super) fn managed_tree(&mut self, model: ModelId) -> Tree {
        if let Some(known) = self.managed.get(&model) {
            return *known;
        }
        // Whoever comes back here while it is asked gets nothing more.
        self.managed.insert(model, NOTHING);
        let data = self.ix.model(model);
        let initial = self.ix.packs.word(data.dialect, "initial-query");
        let first = data.managers.first();
        let classes: Vec<ClassId> = first.into_iter().flat_map(|m| [m.class, m.query_class]).flatten().collect();
        let asked = classes.first().zip(initial).and_then(|(class, method)| self.ix.find_method(*class, method));
        let mut tree = NOTHING;
        if let (Some((_, f)), Some(default)) = (asked, first) {
            let mut fr = self.frame(f, UNKNOWN);
            let range = fr.decl.name_range;
            if let Some(Data::Query(query)) = self.manager(&mut fr, model, default.name, range).map(|q| self.data(q).clone()) {
                tree = query.tree;
            }
            // A query that is not understood loads nothing as long as nobody there speaks of loading.
            let plain = self.default_tree(model);
            if tree == self.v.trees.opened(plain) && !classes.iter().any(|class| self.mentions_loading(*class)) {
                tree = NOTHING;
            }
        }
        self.managed.insert(model, tree);
        tree
    }

    /// Does any method of a class or of those it derives from call what loads relations?
    fn mentions_loading(&mut self, class: ClassId) -> bool {
        let packs = self.ix.packs;
        let loading = self.loading_methods.get_or_insert_with(|| packs.loading_names().0);
        self.ix.class(class).mro.iter().any(|c| {
            let file = self.ix.class(*c).file;
            let methods = self.ix.class_decl(*c).methods.iter().map(|id| self.ix.function(FnRef { file, id: *id }));
            methods.into_iter().flat_map(|method| &method.body.exprs).any(|e| match e {
                Expr::Attr { name, .. } => loading.contains(name),
                _ => false,
            })
        })
    }

    /// A model that a library defines, by its full name.
    pub(super) fn library_model(&self, name: Name) -> Option<ModelId> {
        self.ix.models.iter().position(|m| m.class.is_none() && m.name == name).map(|i| ModelId(i as u32))
    }

    pub(super) fn library_model_attr(&mut self, fr: &mut Frame<'a>, model: ModelId, name: Name, range: Range) -> Val {
        if let Some(val) = self.manager(fr, model, name, range) {
            return val;
        }
        UNKNOWN
    }

    /// A static call on a model of a library.
    pub(super) fn library_query(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) -> Option<Val> {
        let (class, method) = name.as_str().rsplit_once('.')?;
        let model = self.library_model(Name::new(class))?;
        if self.is_unheard_of(model, Name::new(method)) {
            return None;
        }
        let query = self.start_query(model, self.span(fr, range));
        Some(self.query_method(fr, query, Name::new(method), Args::default(), range, range))
    }

    /// Is a static method one that no pack knows, of a model that a library defines? It may give anything.
    pub(super) fn is_unheard_of(&self, model: ModelId, name: Name) -> bool {
        let data = self.ix.model(model);
        if self.ix.packs.word(data.dialect, "scope-method").is_none() {
            return false;
        }
        if self.ix.packs.op(data.dialect, self.names.query, name).is_some()
            || self.ix.packs.op(data.dialect, self.names.row, name).is_some()
        {
            return false;
        }
        data.class.is_none()
    }
}
