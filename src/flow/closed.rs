//! Which relations does the program ever load before they are read?
//!
//! Of a row whose query is not known, a relation that no code of the program loads cannot be loaded: whoever made the row,
//! reading it sends a query. The collection errs on the side of silence: a name counts as loaded wherever it is written in the
//! arguments of an eager load, for every model that has a relation of that name, unless the query's model stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::Engine;
use super::tree::State;
use super::value::{Row, Source};
use crate::base::{FileId, Name};
use crate::facts::{Arg, Body, Expr, ExprId, FnId, FnKind, Language, Pat, Spread};
use crate::index::{FnRef, ModelId, ProjectIndex, Symbol};

/// Relations that some code of the program loads or sets.
#[derive(Debug, Default)]
pub(super) struct EverLoaded {
    /// Of any model.
    names: FxHashSet<Name>,
    /// Of these models.
    pairs: FxHashSet<(ModelId, Name)>,
    /// Packs in which some query loads all to-one relations.
    all_to_one: FxHashSet<Name>,
}

impl<'a> Engine<'a> {
    /// Can a relation be loaded on a row about whose query nothing is known?
    pub(super) fn may_be_loaded(&mut self, row: Row, relation: Name) -> bool {
        if !self.is_from_outside(row) {
            return true;
        }
        let ix = self.ix;
        let known = self.ever_loaded.get_or_insert_with(|| collect(ix));
        if known.names.contains(&relation) || known.pairs.contains(&(row.model, relation)) {
            return true;
        }
        let model = ix.model(row.model);
        let many = model.relations.get(&relation).is_none_or(|r| r.many);
        if !many && known.all_to_one.contains(&model.dialect) {
            return true;
        }
        let tree = self.default_tree(row.model);
        self.v.trees.state(tree, relation) != State::Missing
    }

    /// Is the row one that a function was given, or reached from such a row without turning back?
    fn is_from_outside(&self, row: Row) -> bool {
        let mut at = row.src;
        while let Source::Relation(parent, _) = self.v.source_of(at) {
            if self.v.model_of(parent).is_none_or(|m| m == row.model) {
                return false;
            }
            at = parent;
        }
        matches!(self.v.source_of(at), Source::Declared(_) | Source::Ambient)
    }
}

impl EverLoaded {
    /// A path as eager loads write it: segments between dots or double underscores, columns after a colon.
    fn add_path(&mut self, ix: &ProjectIndex<'_>, model: Option<ModelId>, text: &str) {
        let path = text.split([':', ' ']).next().unwrap_or(text);
        let mut at: Vec<ModelId> = model.into_iter().collect();
        for segment in path.split('.').flat_map(|part| part.split("__")) {
            let name = Name::new(segment);
            let of_any = || (0..ix.models.len() as u32).map(ModelId);
            let holds = |m: &ModelId| ix.model(*m).relations.contains_key(&name);
            let mut owners: Vec<ModelId> = at.iter().copied().filter(holds).collect();
            if owners.is_empty() {
                owners = of_any().filter(holds).collect();
            }
            at = owners.iter().filter_map(|m| ix.model(*m).relations.get(&name)?.target).collect();
            self.pairs.extend(owners.into_iter().map(|m| (m, name)));
        }
    }
}

/// A body, and where it stands.
struct Place<'a> {
    ix: &'a ProjectIndex<'a>,
    f: FnRef,
    body: &'a Body,
}

impl Place<'_> {
    /// The texts and attribute names that the arguments hold.
    fn texts(&self, args: &[Arg], each: &mut dyn FnMut(&str)) {
        let ranges: Vec<_> = args.iter().map(|arg| self.body.range(arg.value)).collect();
        for (i, expr) in self.body.exprs.iter().enumerate() {
            let (Expr::Str(name) | Expr::Attr { name, .. }) = expr else { continue };
            let range = self.body.range(ExprId(i as u32));
            if ranges.iter().any(|r| r.start <= range.start && range.end <= r.end) {
                each(name.as_str());
            }
        }
    }

    /// The model whose query a chain of calls started, if a class stands at its start and no relation on the way.
    fn root_model(&self, callee: ExprId) -> Option<ModelId> {
        let mut links = Vec::new();
        let mut at = callee;
        let class = loop {
            match self.body.expr(at) {
                Expr::Attr { base, name, .. } => {
                    links.push(*name);
                    at = *base;
                }
                Expr::Call { callee, .. } => at = *callee,
                Expr::Class(name) => break self.ix.class_names.get(&name.folded()).copied(),
                Expr::Name(name) => match self.ix.resolve_name(self.f.file, self.f.id, *name) {
                    Symbol::Class(class) => break Some(class),
                    _ => break None,
                },
                _ => break None,
            }
        };
        let model = self.ix.class(class?).model?;
        let relations = &self.ix.model(model).relations;
        links.iter().all(|link| !relations.contains_key(link)).then_some(model)
    }

    /// Is something given to a page by name: `view('posts')->with('author', $author)`?
    fn is_of_a_page(&self, callee: ExprId, args: &[Arg]) -> bool {
        let mut at = callee;
        let starts_at_function = loop {
            match self.body.expr(at) {
                Expr::Attr { base, .. } => at = *base,
                Expr::Call { callee, .. } => at = *callee,
                // A function of the program may give a query.
                Expr::Function { fallback, .. } => break !self.ix.function_names.contains_key(&fallback.folded()),
                _ => break false,
            }
        };
        let is_named = match args {
            [name, given] => {
                matches!(self.body.expr(name.value), Expr::Str(_))
                    && matches!(self.body.expr(given.value), Expr::Local(_) | Expr::Call { .. } | Expr::Int(_) | Expr::Bool(_))
            }
            _ => false,
        };
        starts_at_function || is_named
    }

    /// The function around and the parameters, by number and name, if all that is loaded is what it was given: what its callers
    /// write is all that it may be.
    fn handed_on(&self, args: &[Arg]) -> Option<(Name, Vec<(usize, Name)>)> {
        let decl = self.ix.function(self.f);
        let is_method = decl.kind == FnKind::Method && !decl.is_static;
        let receives = usize::from(is_method && self.ix.file(self.f.file).language == Language::Python);
        let param = |arg: &Arg| match self.body.expr(arg.value) {
            Expr::Local(slot) if !self.body.pats.contains(&Pat::Local(*slot)) => {
                let at = decl.params.iter().position(|p| p.slot == *slot)?;
                Some((at.checked_sub(receives)?, decl.params[at].name))
            }
            _ => None,
        };
        let is_named = matches!(decl.kind, FnKind::Function | FnKind::Method) && !decl.name.as_str().starts_with("__");
        let params: Option<Vec<(usize, Name)>> = args.iter().map(param).collect();
        Some((decl.name, params.filter(|_| is_named)?))
    }

    fn is_receiver(&self, base: ExprId) -> bool {
        match self.body.expr(base) {
            Expr::This => true,
            Expr::Local(slot) => {
                let decl = self.ix.function(self.f);
                self.ix.file(self.f.file).language == Language::Python && decl.params.first().is_some_and(|p| p.slot == *slot)
            }
            _ => false,
        }
    }
}

/// Reads every body of the program once.
fn collect(ix: &ProjectIndex<'_>) -> EverLoaded {
    let mut found = EverLoaded::default();
    let (loading, setting) = ix.packs.loading_names();
    let mut has_unknown = false;
    // Functions whose parameters are paths to load.
    let mut handed: BTreeMap<Name, BTreeSet<(usize, Name)>> = BTreeMap::new();
    for (i, facts) in ix.facts.iter().enumerate() {
        for (j, f) in facts.functions.iter().enumerate() {
            let place = Place { ix, f: FnRef { file: FileId(i as u32), id: FnId(j as u32) }, body: &f.body };
            for expr in &f.body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let name = match f.body.expr(*callee) {
                    Expr::Attr { name, .. } | Expr::Name(name) => *name,
                    Expr::Function { fallback, .. } => *fallback,
                    _ => continue,
                };
                if setting.contains(&name) {
                    place.texts(args, &mut |text| {
                        found.names.insert(Name::new(text));
                    });
                } else if loading.contains(&name) && !place.is_of_a_page(*callee, args) {
                    let model = place.root_model(*callee);
                    let mut said = args.is_empty();
                    place.texts(args, &mut |text| {
                        said = true;
                        found.add_path(ix, model, text);
                    });
                    if args.is_empty() {
                        found.all_to_one.extend(ix.packs.scopes());
                    }
                    if !said {
                        match place.handed_on(args) {
                            Some((by, params)) => handed.entry(by).or_default().extend(params),
                            None => has_unknown = true,
                        }
                    }
                }
            }
            let is_plain = ix.class_of_function(place.f).is_some_and(|c| ix.class(c).model.is_none());
            for pat in &f.body.pats {
                if let Pat::Attr { base, name } = pat
                    && !(is_plain && place.is_receiver(*base))
                {
                    found.names.insert(*name);
                }
            }
        }
    }
    has_unknown |= !handed.is_empty() && !add_handed(ix, &handed, &mut found);
    if has_unknown {
        // Some eager load takes its paths from a variable: any text in a list may be one.
        for f in ix.facts.iter().flat_map(|facts| &facts.functions) {
            for expr in &f.body.exprs {
                let Expr::Seq { items, .. } = expr else { continue };
                for item in items {
                    if let Expr::Str(text) = f.body.expr(item.value) {
                        found.add_path(ix, None, text.as_str());
                    }
                }
            }
        }
    }
    found
}

/// Adds the paths that are written in calls of functions of these names, for these parameters. False: some call hands on what
/// nobody has written there.
fn add_handed(ix: &ProjectIndex<'_>, handed: &BTreeMap<Name, BTreeSet<(usize, Name)>>, found: &mut EverLoaded) -> bool {
    let mut is_all = true;
    for (i, facts) in ix.facts.iter().enumerate() {
        for (j, f) in facts.functions.iter().enumerate() {
            let place = Place { ix, f: FnRef { file: FileId(i as u32), id: FnId(j as u32) }, body: &f.body };
            for expr in &f.body.exprs {
                let Expr::Call { callee, args } = expr else { continue };
                let (Expr::Attr { name, .. } | Expr::Name(name)) = f.body.expr(*callee) else { continue };
                for (at, param) in handed.get(name).into_iter().flatten() {
                    let by_name = args.iter().find(|a| a.name == Some(*param));
                    // What follows an unpacked list may be any of them.
                    is_all &= !args.iter().any(|a| a.spread != Spread::No);
                    let Some(given) = by_name.or_else(|| args.get(*at).filter(|a| a.name.is_none())) else { continue };
                    place.texts(std::slice::from_ref(given), &mut |text| found.add_path(ix, None, text));
                    is_all &= matches!(f.body.expr(given.value), Expr::Str(_) | Expr::Seq { .. } | Expr::Map(_) | Expr::Null);
                }
            }
            // Where nothing is given.
            for (_, param) in handed.get(&f.name).into_iter().flatten() {
                let default = f.params.iter().find(|p| p.name == *param).and_then(|p| p.default);
                is_all &= default.is_none_or(|e| {
                    matches!(f.body.expr(e), Expr::Seq { items, .. } if items.is_empty()) || *f.body.expr(e) == Expr::Null
                });
            }
        }
    }
    is_all
}
