//! What do components and table builders that live between requests read when they are drawn?

use super::super::call::Args;
use super::super::tree::NOTHING;
use super::super::value::{Data, Row, Source, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, ExprId};
use crate::index::{ClassId, FnRef};

/// Methods that set a property are looked for over at most so many calls.
const MAX_STEPS: usize = 3;

impl<'a> Engine<'a> {
    /// A component is drawn: its properties are the variables of its view.
    pub(in super::super) fn live_component(&mut self, fr: &mut Frame<'a>, class: ClassId, given: &[(Name, Val)], range: Range) {
        let mut fields: Vec<(Name, Val)> = Vec::new();
        let mut named: Vec<Name> = Vec::new();
        let file = self.ix.class(class).file;
        let own = &self.ix.class_decl(class).methods;
        let is_page = given.is_empty() && own.iter().any(|id| self.handlers.contains(&FnRef { file, id: *id }));
        for owner in self.ix.class(class).mro.clone() {
            for attr in &self.ix.class_decl(owner).attrs {
                if attr.is_static || fields.iter().any(|(n, _)| *n == attr.name) {
                    continue;
                }
                let val = match given.iter().find(|(n, _)| *n == attr.name) {
                    Some((_, v)) => *v,
                    // Computed by a hook whenever it is read.
                    None if self.hook(class, attr.name).is_some() => continue,
                    None => {
                        let mut val = self.class_field(class, attr.name);
                        // The row that the address names was just fetched.
                        if is_page
                            && let Data::Row(row) = *self.data(val)
                            && !matches!(self.v.source_of(row.src), Source::Query(_))
                        {
                            let tree = self.default_tree(row.model);
                            val = self.v.row(Row { tree, ..row });
                            named.push(attr.name);
                        }
                        // Only what is public is kept between requests: the rest holds what this one put there.
                        if attr.is_hidden || self.is_set_by_each_action(class, attr.name) { val } else { self.hydrated(val) }
                    }
                };
                if val != UNKNOWN {
                    fields.push((attr.name, val));
                }
            }
        }
        let mut object = self.object(class, fields);
        let mount = self.word(fr, "component-mount");
        if (is_page || !given.is_empty())
            && let Some((_, f)) = self.ix.find_method(class, mount)
        {
            let mut args = Args { named: given.to_vec(), ..Args::default() };
            if is_page {
                let params = &self.ix.function(f).params;
                args.positional = params.iter().map(|param| self.declared_param(f, param, true)).collect();
            }
            let (_, after) = self.call_function(fr, f, object, args, range);
            match self.data(after).clone() {
                // All else is read back anew by later requests.
                Data::Object { fields: set, .. } if is_page => {
                    for (name, val) in set.iter().filter(|(name, _)| named.contains(name)) {
                        object = self.with_field(object, *name, *val);
                    }
                }
                Data::Object { .. } => object = after,
                _ => (),
            }
        }
        let around = match self.data(object).clone() {
            Data::Object { fields, .. } => fields.to_vec(),
            _ => Vec::new(),
        };
        let method = self.word(fr, "component-method");
        let mut rendered = false;
        if let Some((_, f)) = self.ix.find_method(class, method) {
            let (view, _) = self.call_function(fr, f, object, Args::default(), range);
            rendered = self.render_view(fr, view, &around, object, range);
        }
        if !rendered {
            self.component_view(fr, class, object, around, range);
        }
        let tables = self.words(fr, "table-methods");
        if tables.iter().any(|t| self.ix.find_method(class, *t).is_some()) {
            self.tables_of(fr, class, object, &tables, UNKNOWN);
        }
        // The same by parts: one method gives the query, another the columns.
        let (parts, query) = (self.words(fr, "table-parts"), self.word(fr, "table-parts-query"));
        if parts.iter().any(|t| self.ix.find_method(class, *t).is_some())
            && let Some((_, f)) = self.ix.find_method(class, query)
        {
            let (rows, _) = self.call_function(fr, f, object, Args::default(), range);
            self.tables_of(fr, class, object, &parts, rows);
        }
    }

    /// Is a component only a placeholder at first: by an attribute of its class or of its tag?
    pub(in super::super) fn is_put_off(&self, fr: &Frame<'a>, class: ClassId, keys: &[(Name, Val)]) -> bool {
        let tags = self.words(fr, "component-put-off");
        let is_tagged = keys.iter().any(|(key, _)| tags.contains(key));
        let marks = self.words(fr, "component-put-off-by");
        let decl = self.ix.class_decl(class);
        let at = FnRef { file: self.ix.class(class).file, id: decl.scope };
        let body = &self.ix.function(at).body;
        let is_mark = |e: &ExprId| {
            let Expr::New { class, .. } = body.expr(*e) else { return false };
            matches!(body.expr(*class), Expr::Class(name) if marks.contains(name))
        };
        is_tagged || decl.decorators.iter().any(is_mark)
    }

    /// The view that belongs to a component by name.
    fn component_view(&mut self, fr: &mut Frame<'a>, class: ClassId, object: Val, around: Vec<(Name, Val)>, range: Range) {
        let name = self.ix.class(class).name;
        if self.has_role(class, "view-page") {
            let attr = self.word(fr, "page-view");
            let view = self.class_attr(class, attr);
            if let Data::Str(view) = *self.data(view) {
                let mut around = around;
                // A page of one row shows it by the name that it has in the page.
                let row = self.words(fr, "page-record").first().copied();
                if let Some((name, val)) = row.and_then(|name| Some((name, self.page_record(class, name)?)))
                    && !around.iter().any(|(n, _)| *n == name)
                {
                    around.push((name, val));
                }
                let method = self.word(fr, "page-data");
                if let Some((_, f)) = self.ix.find_method(class, method) {
                    let (data, _) = self.call_function(fr, f, object, Args::default(), range);
                    if let Data::Record(keys, _) = self.data(data) {
                        around.extend(keys.iter().copied());
                    }
                }
                let context = self.v.record(around, None);
                self.render_with(fr, view, context, object, range);
            }
            return;
        }
        for root in self.words(fr, "component-roots") {
            let Some(rest) = name.as_str().strip_prefix(root.as_str()) else {
                continue;
            };
            let parts: Vec<String> = rest.split('\\').map(kebab).collect();
            let view = Name::new(&format!("{}{}", self.word(fr, "component-views"), parts.join(".")));
            if self.ix.templates.contains_key(&view) {
                let context = self.v.record(around, None);
                self.render_with(fr, view, context, object, range);
                return;
            }
        }
    }

    /// Rows kept between requests are read back one way or the other: nothing but the defaults is loaded on them.
    fn hydrated(&mut self, val: Val) -> Val {
        let queries = self.v.sources_in(val).into_iter().filter_map(|(src, _)| match self.v.root_source(src).0 {
            Source::Query(at) => Some(at),
            _ => None,
        });
        let queries: Vec<_> = queries.collect();
        self.kept_keys.extend(queries);
        let mut models: Vec<crate::index::ModelId> = self.v.sources_in(val).into_iter().map(|(_, m)| m).collect();
        models.dedup();
        let trees: Vec<_> = models.iter().map(|m| (*m, self.default_tree(*m))).collect();
        self.v.map_inside(val, 4, &mut |values, val| match values.get(val) {
            Data::Row(row) => {
                let row = *row;
                // Of rows known only by a declaration nobody knows how they are read.
                if !matches!(values.root_source(row.src).0, Source::Query(_)) {
                    return Some(val);
                }
                let tree = trees.iter().find(|(m, _)| *m == row.model).map_or(NOTHING, |(_, t)| *t);
                Some(values.row(Row { tree, ..row }))
            }
            _ => None,
        })
    }

    /// Does each method that a request may run set a property anew, directly or by another method of the class?
    fn is_set_by_each_action(&mut self, class: ClassId, property: Name) -> bool {
        let Some(hooks) = self.ix.packs.word_in_language(self.names.php, "component-hooks") else { return false };
        let mut is_any = false;
        for owner in self.ix.class(class).mro.clone() {
            let file = self.ix.class(owner).file;
            for id in &self.ix.class_decl(owner).methods {
                let f = FnRef { file, id: *id };
                let decl = self.ix.function(f);
                let name = decl.name.as_str();
                let is_hook = hooks.as_str().split_whitespace().any(|h| match h.strip_suffix('*') {
                    Some(start) => name.starts_with(start),
                    None => name == h,
                });
                let text = self.ix.sources.file(file).text.get(decl.range.start as usize..).unwrap_or_default();
                let is_inner = decl.is_private || text.starts_with("protected") || decl.is_static || decl.is_abstract;
                if is_hook || is_inner || !decl.decorators.is_empty() {
                    continue;
                }
                if !self.sets(class, f, property, MAX_STEPS) {
                    return false;
                }
                is_any = true;
            }
        }
        is_any
    }

    fn sets(&mut self, class: ClassId, f: FnRef, property: Name, steps: usize) -> bool {
        if self.assigned_fields(f).contains(&property) {
            return true;
        }
        let Some(steps) = steps.checked_sub(1) else { return false };
        let body = &self.ix.function(f).body;
        body.exprs.iter().any(|expr| {
            let Expr::Call { callee, .. } = expr else { return false };
            let Expr::Attr { base, name, .. } = body.expr(*callee) else { return false };
            matches!(body.expr(*base), Expr::This)
                && self.ix.find_method(class, *name).is_some_and(|(_, g)| g != f && self.sets(class, g, property, steps))
        })
    }

    /// A property that a method computes, whatever the class declares of it.
    pub(in super::super) fn computed_first(
        &mut self,
        fr: &mut Frame<'a>,
        object: Val,
        class: ClassId,
        name: Name,
        range: Range,
    ) -> Option<Val> {
        if !self.has_role(class, "live-component") {
            return None;
        }
        let val = self.computed_property(fr, object, class, name, range);
        (val != UNKNOWN).then_some(val)
    }

    /// A property that a method computes, once per request.
    pub(super) fn computed_property(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId, name: Name, range: Range) -> Val {
        for pattern in self.words(fr, "component-computed") {
            let method = self.filled(pattern.as_str(), name);
            let Some((_, f)) = self.ix.find_method(class, method) else {
                continue;
            };
            if pattern.as_str().starts_with('{') && self.ix.function(f).decorators.is_empty() {
                continue;
            }
            let loops = std::mem::take(&mut fr.loops);
            let (val, _) = self.call_function(fr, f, object, Args::default(), range);
            fr.loops = loops;
            return val;
        }
        UNKNOWN
    }
}

/// `ShowPosts` as a view is called: `show-posts`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}
