//! Which columns does a model declare, which have an index, which are loaded late?

use super::attributes::OwnAttr;
use super::dialect::CallKind;
use super::{KeyTarget, Linker};
use crate::base::{Name, Span};
use crate::facts::{ClassKind, Expr, ExprId, Pat, Type};
use crate::index::literal::CallView;
use crate::index::{ClassId, Column, FnRef, ModelId, Symbol};
use crate::packs::model::{ColumnAttr, Lists};

impl<'a> Linker<'_, 'a, '_> {
    /// Reads the columns of all models.
    pub(super) fn read_columns(&mut self) {
        for (id, class) in self.own_models() {
            for contributor in self.contributors(id, class) {
                let attrs = self.own_attrs(id, contributor);
                for attr in attrs.iter() {
                    self.read_column(id, contributor, attr);
                }
            }
            self.read_lists(id, class);
            self.inherit_library_columns(id);
            self.add_primary(id, class);
            self.read_indexes(id, class);
        }
    }

    fn add_column(&mut self, id: ModelId, column: Column) {
        self.models[id.0 as usize].columns.entry(column.name).or_insert(column);
    }

    fn read_column(&mut self, id: ModelId, class: ClassId, attr: &OwnAttr<'a>) {
        if self.model(id).columns.contains_key(&attr.name) {
            return;
        }
        let span = Some(Span { file: attr.file, range: attr.range });
        let plain = Column { name: attr.name, is_deferred: false, is_indexed: false, is_primary: false, span };
        let pack = self.pack_of(id);
        let has_call = attr.value.is_some_and(|(at, value)| self.index.call_at(at, value).is_some());
        if has_call {
            match attr.value.and_then(|(at, value)| self.declaring_call(id, at, value)) {
                Some((CallKind::Column(kind), call)) => {
                    let mut column = plain;
                    self.read_column_call(id, &pack.column_attr[kind], &call, &mut column);
                    self.add_column(id, column);
                }
                Some((CallKind::Relation(kind), call)) => {
                    let relation = &pack.relation_attr[kind];
                    let Some(suffix) = &relation.key_suffix else {
                        return;
                    };
                    let is_true = |k: &Option<String>| {
                        k.as_ref().and_then(|k| call.keyword(k)).is_some_and(|v| self.index.is_true(call.at, v))
                    };
                    let unless = relation.key_indexed_unless.as_ref().and_then(|k| call.keyword(k));
                    let is_primary = is_true(&relation.primary_keyword);
                    let column = Column {
                        name: Name::new(&format!("{}{suffix}", attr.name)),
                        is_indexed: unless.is_none_or(|v| !matches!(call.body.expr(v), Expr::Bool(false))),
                        is_primary,
                        ..plain
                    };
                    self.add_column(id, column);
                }
                _ => {}
            }
            return;
        }
        let Some(ty) = attr.ty else { return };
        let annotations = &pack.annotations;
        if annotations.bare_is_column
            && let Type::Apply(name, _) = ty
            && annotations.wrappers.iter().any(|w| w == name.last_segment())
        {
            if !self.annotated(id, class, ty).many && self.annotated(id, class, ty).target.is_none() {
                self.add_column(id, plain);
            }
            return;
        }
        let is_plain =
            self.index.class(class).external.iter().any(|n| annotations.plain_columns_below.iter().any(|p| p == n.as_str()));
        if is_plain && !matches!(ty, Type::Apply(n, _) if n.last_segment() == "ClassVar") {
            self.add_column(id, plain);
        }
    }

    fn read_column_call(&mut self, id: ModelId, kind: &ColumnAttr, call: &CallView<'a>, column: &mut Column) {
        let index = self.index;
        let is_true = |keyword: &String| call.keyword(keyword).is_some_and(|v| index.is_true(call.at, v));
        column.is_primary |= kind.primary_keywords.iter().any(is_true);
        column.is_indexed |= kind.indexed || column.is_primary || kind.index_keywords.iter().any(is_true);
        column.is_deferred |= kind.deferred || kind.deferred_keywords.iter().any(is_true);
        for keyword in &kind.key_keywords {
            if let Some(text) = call.keyword(keyword).and_then(|v| index.literal_text(call.at, v)) {
                self.add_key(id, column.name, text);
            }
        }
        for arg in call.args {
            let Some(inner) = index.call_at(call.at, arg.value) else {
                continue;
            };
            let names = self.call_names(&inner);
            let is_key = names.iter().any(|n| kind.key_calls.iter().any(|k| k == n.last_segment()));
            if is_key && let Some(target) = inner.positional(0) {
                match index.literal_text(inner.at, target) {
                    Some(text) => self.add_key(id, column.name, text),
                    None => self.add_key_of_attr(id, column.name, &inner),
                }
            } else if (kind.wraps || arg.name.is_some())
                && let Some(CallKind::Column(inner_kind)) = self.dialect_of(id).call(&names)
            {
                let inner_kind = &self.pack_of(id).column_attr[inner_kind];
                if !std::ptr::eq(inner_kind, kind) || arg.name.is_some() {
                    self.read_column_call(id, inner_kind, &inner, column);
                }
            }
        }
    }

    /// A key to `table.column`.
    fn add_key(&mut self, id: ModelId, column: Name, text: Name) {
        if let Some((table, _)) = text.as_str().rsplit_once('.') {
            self.info[id.0 as usize].keys.push((column, KeyTarget::Table(Name::new(table))));
        }
    }

    /// A key to `Class.column` or `Class.__table__.c.column`.
    fn add_key_of_attr(&mut self, id: ModelId, column: Name, call: &CallView<'a>) {
        let Some(mut at) = call.positional(0) else {
            return;
        };
        for _ in 0..8 {
            if let Symbol::Class(class) = self.index.symbol_of(call.at, at)
                && let Some(model) = self.of_class[class.0 as usize]
            {
                self.info[id.0 as usize].keys.push((column, KeyTarget::Model(model)));
                return;
            }
            let Expr::Attr { base, .. } = call.body.expr(at) else {
                return;
            };
            at = *base;
        }
    }

    /// A list of columns may name a relation by mistake: the column is the one of its key, which the list does not name.
    pub(super) fn drop_listed_relations(&mut self) {
        for model in &mut self.models {
            let is_listed = |name: &Name| model.columns.get(name).is_some_and(|c| c.span == model.span);
            let by_key = model.relations.values().filter(|r| r.is_method && !r.many && !r.polymorphic);
            let mistaken: Vec<Name> = by_key
                .filter(|r| r.key_column.is_some_and(|k| k != r.name && !model.columns.contains_key(&k)) && is_listed(&r.name))
                .map(|r| r.name)
                .collect();
            for name in mistaken {
                model.columns.remove(&name);
            }
        }
    }

    /// Columns named by literal lists, and what the other lists say.
    fn read_lists(&mut self, id: ModelId, class: ClassId) {
        let lists = &self.pack_of(id).lists;
        let span = self.model(id).span;
        for name in &lists.columns {
            for column in self.list_of(class, name) {
                let column = Column { name: column, is_deferred: false, is_indexed: false, is_primary: false, span };
                self.add_column(id, column);
            }
        }
        for name in &lists.default_eager {
            let mut eager = self.list_of(class, name);
            eager.extend(self.added_to_list(class, Name::new(name), lists));
            let paths = eager.iter().map(|p| without_columns(*p)).collect();
            self.models[id.0 as usize].default_eager = paths;
        }
        for name in &lists.appends {
            let appends = self.list_of(class, name);
            self.models[id.0 as usize].appends.extend(appends);
        }
        let decl = self.index.class_decl(class);
        let at = FnRef { file: self.index.class(class).file, id: decl.scope };
        for decorator in &decl.decorators {
            let Some(call) = self.index.call_at(at, *decorator) else {
                continue;
            };
            let is_wanted = self
                .call_names(&call)
                .iter()
                .any(|n| lists.appends_decorators.iter().any(|d| d.eq_ignore_ascii_case(n.as_str())));
            if is_wanted {
                let names: Vec<Name> = call.args.iter().flat_map(|a| self.index.literal_list(at, a.value)).collect();
                self.models[id.0 as usize].appends.extend(names);
            }
        }
    }

    /// What the initializers of a class and its traits add to a list: `$this->with[] = 'team'`.
    fn added_to_list(&self, class: ClassId, attr: Name, lists: &Lists) -> Vec<Name> {
        let index = self.index;
        let mut found = Vec::new();
        for ancestor in &index.class(class).mro {
            let decl = index.class_decl(*ancestor);
            let hook = match (decl.kind, &lists.trait_initializer) {
                (ClassKind::Trait, Some(prefix)) => Some(format!("{prefix}{}", decl.name.last_segment())),
                _ => None,
            };
            let file = index.class(*ancestor).file;
            for method in &decl.methods {
                let at = FnRef { file, id: *method };
                let name = index.function(at).name;
                let runs =
                    hook.as_ref().is_some_and(|h| h == name.as_str()) || lists.initializers.iter().any(|i| i == name.as_str());
                if runs {
                    self.read_additions(at, attr, &mut found);
                }
            }
        }
        found
    }

    fn read_additions(&self, at: FnRef, attr: Name, found: &mut Vec<Name>) {
        let body = &self.index.function(at).body;
        let is_list =
            |e: ExprId| matches!(body.expr(e), Expr::Attr { base, name, .. } if *name == attr && *body.expr(*base) == Expr::This);
        for e in &body.exprs {
            let Expr::Assign { target, value } = e else { continue };
            match body.pat(*target) {
                Pat::Index { base, index: None } if is_list(*base) => found.extend(self.index.literal_list(at, *value)),
                Pat::Attr { base, name } if *name == attr && *body.expr(*base) == Expr::This => match body.expr(*value) {
                    // `array_merge($this->with, ['team'])`
                    Expr::Call { args, .. } => {
                        let more = args.iter().filter(|a| !is_list(a.value));
                        found.extend(more.flat_map(|a| self.index.literal_list(at, a.value)));
                    }
                    _ => found.extend(self.index.literal_list(at, *value)),
                },
                _ => (),
            }
        }
    }

    /// The literal list that an attribute of a class holds.
    fn list_of(&self, class: ClassId, attr: &str) -> Vec<Name> {
        let Some((owner, i)) = self.index.find_attr(class, Name::new(attr)) else {
            return Vec::new();
        };
        let decl = self.index.class_decl(owner);
        let at = FnRef { file: self.index.class(owner).file, id: decl.scope };
        decl.attrs[i].value.map(|v| self.index.literal_list(at, v)).unwrap_or_default()
    }

    /// The key where no column is declared to be it.
    fn add_primary(&mut self, id: ModelId, class: ClassId) {
        let primary = &self.pack_of(id).primary;
        let mut is_declared = false;
        // Order does not matter: any will do.
        #[allow(clippy::iter_over_hash_type)]
        for column in self.model(id).columns.values() {
            is_declared |= column.is_primary;
        }
        if is_declared || self.model(id).is_abstract {
            return;
        }
        let written = primary.attr.as_deref().and_then(|attr| self.attr_text(class, attr));
        let Some(name) = written.or_else(|| primary.default.as_deref().map(Name::new)) else {
            return;
        };
        let span = self.model(id).span;
        if let Some(column) = self.models[id.0 as usize].columns.get_mut(&name) {
            column.is_primary = true;
            column.is_indexed = true;
            return;
        }
        self.add_column(id, Column { name, is_deferred: false, is_indexed: true, is_primary: true, span });
    }

    /// Indexes that options or arguments of the table declare: the first column of each has one.
    fn read_indexes(&mut self, id: ModelId, class: ClassId) {
        let pack = self.pack_of(id);
        let index = self.index;
        let mut first: Vec<Name> = Vec::new();
        if let Some(options) = &pack.options {
            for name in &options.index_groups {
                let Some((at, value)) = self.option(class, name) else {
                    continue;
                };
                let Expr::Seq { items, .. } = index.function(at).body.expr(value) else {
                    continue;
                };
                let groups: Vec<Vec<Name>> = items
                    .iter()
                    .filter(|i| matches!(index.function(at).body.expr(i.value), Expr::Seq { .. }))
                    .map(|i| index.literal_list(at, i.value))
                    .collect();
                // One group may stand without brackets of its own.
                let groups = if groups.is_empty() { vec![index.literal_list(at, value)] } else { groups };
                first.extend(groups.iter().filter_map(|g| g.first()));
            }
            for name in &options.indexes {
                let Some((at, value)) = self.option(class, name) else {
                    continue;
                };
                let Expr::Seq { items, .. } = index.function(at).body.expr(value) else {
                    continue;
                };
                for item in items {
                    let Some(call) = index.call_at(at, item.value) else {
                        continue;
                    };
                    let Some(fields) = options.index_fields.as_deref().and_then(|f| call.keyword(f)) else {
                        continue;
                    };
                    first.extend(index.literal_list(at, fields).first());
                }
            }
        }
        if let Some(args) = &pack.table.args
            && let Some((owner, i)) = index.find_attr(class, Name::new(args))
        {
            let decl = index.class_decl(owner);
            let at = FnRef { file: index.class(owner).file, id: decl.scope };
            if let Some(value) = decl.attrs[i].value
                && let Expr::Seq { items, .. } = index.function(at).body.expr(value)
            {
                for item in items {
                    let Some(call) = index.call_at(at, item.value) else {
                        continue;
                    };
                    let names = self.call_names(&call);
                    let skip = names.iter().find_map(|n| pack.table.index_calls.get(n.last_segment()));
                    let column = skip.and_then(|skip| call.positional(*skip));
                    first.extend(column.and_then(|c| index.literal_text(at, c)));
                }
            }
        }
        for name in first {
            let name = Name::new(name.as_str().trim_start_matches('-'));
            let suffixed = Name::new(&format!("{name}_id"));
            let columns = &mut self.models[id.0 as usize].columns;
            let key = if columns.contains_key(&name) { name } else { suffixed };
            if let Some(column) = columns.get_mut(&key) {
                column.is_indexed = true;
            }
        }
    }
}

/// `author:id,name` as `author`.
pub(super) fn without_columns(path: Name) -> Name {
    match path.as_str().split_once(':') {
        Some((relation, _)) => Name::new(relation),
        None => path,
    }
}
