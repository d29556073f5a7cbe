//! What does a template read of what it is given? A template is a function: its parameters are its context.

use std::rc::Rc;

use super::call::Args;
use super::many::NO_ELEMENT;
use super::value::{Data, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame, Key, Summary};
use crate::base::{FileId, Name, Range};
use crate::facts::{Expr, FnId, FnKind, Language, Render, RenderKind, Stmt};
use crate::index::FnRef;
use crate::packs::{ArgRef, Op};

/// A view that a function has made.
pub(super) struct Pending {
    view: Val,
    loops: Vec<super::value::LoopId>,
    guards: Vec<(super::value::Src, Name)>,
}

impl<'a> Engine<'a> {
    /// A call that renders a template: `view('posts.index', […])`.
    pub(super) fn render_call(&mut self, fr: &mut Frame<'a>, op: &Op, template: ArgRef, args: &Args, range: Range) -> Val {
        let mut names = args.get(template).map(|v| self.template_names(v)).unwrap_or_default();
        let mut shifted = false;
        if names.is_empty() {
            // Some signatures changed their order over time: the first text is the name.
            let Some(text) = args.positional.iter().find(|v| matches!(self.data(**v), Data::Str(_))) else {
                return UNKNOWN;
            };
            names = self.template_names(*text);
            shifted = true;
        }
        let mut context = match op.context {
            Some(arg) if arg.name.is_some_and(|n| n.as_str() == "keywords") => {
                self.v.record(args.named.clone(), args.open.then_some(UNKNOWN))
            }
            Some(_) if shifted => {
                args.positional.iter().copied().find(|v| matches!(self.data(*v), Data::Record(..))).unwrap_or(UNKNOWN)
            }
            Some(arg) => args.get(arg).unwrap_or(UNKNOWN),
            None => UNKNOWN,
        };
        if context == UNKNOWN {
            context = self.v.record(Vec::new(), None);
        }
        if matches!(self.data(context), Data::Tuple(items) if items.is_empty()) {
            context = self.v.record(Vec::new(), None);
        }
        let at = self.span(fr, range);
        let view = self.v.of(Data::View { names: names.into_boxed_slice(), context, at });
        fr.views.push(Pending { view, loops: fr.loops.clone(), guards: fr.guards.clone() });
        view
    }

    /// A method of a view that is not rendered yet: most give it more.
    pub(super) fn view_method(&mut self, fr: &mut Frame<'a>, view: Val, method: Name, args: &Args) -> Val {
        let Data::View { names, context, at } = self.data(view).clone() else {
            return view;
        };
        let Some(with) = self.ix.packs.word_in_language(self.names.php, "view-with") else {
            return view;
        };
        let Some(rest) = method.as_str().strip_prefix(with.as_str()) else {
            return view;
        };
        let given = args.positional.first().copied();
        let more: Vec<(Name, Val)> = match (rest, given.map(|v| self.data(v).clone())) {
            ("", Some(Data::Str(key))) => {
                vec![(key, args.positional.get(1).copied().unwrap_or(UNKNOWN))]
            }
            ("", Some(Data::Record(keys, _))) => keys.to_vec(),
            ("", _) => Vec::new(),
            (name, _) => vec![(Name::new(&super::orm::fill("{camel}", name)), given.unwrap_or(UNKNOWN))],
        };
        let context = match self.data(context).clone() {
            Data::Record(keys, open) => {
                let mut keys = keys.to_vec();
                keys.retain(|(n, _)| !more.iter().any(|(m, _)| m == n));
                keys.extend(more);
                self.v.record(keys, open)
            }
            _ => self.v.record(more, Some(UNKNOWN)),
        };
        let changed = self.v.of(Data::View { names, context, at });
        self.composed_more(changed);
        for pending in &mut fr.views {
            if matches!(self.v.get(pending.view), Data::View { at: other, .. } if *other == at) {
                pending.view = changed;
            }
        }
        changed
    }

    /// Renders the views that a function made and has not given away to a component.
    pub(super) fn flush_views(&mut self, fr: &mut Frame<'a>) {
        self.render_by_decorators(fr);
        if fr.views.is_empty() {
            return;
        }
        let returned = fr.ret.map(|r| self.v.alternatives(r)).unwrap_or_default();
        let keeps = fr.class.is_some_and(|c| self.has_role(c, "live-component") || self.has_role(c, "view-component"));
        for pending in std::mem::take(&mut fr.views) {
            let Data::View { at, .. } = *self.data(pending.view) else {
                continue;
            };
            let last = returned.iter().copied().find(|v| matches!(self.data(*v), Data::View { at: other, .. } if *other == at));
            if keeps && last.is_some() {
                continue;
            }
            let view = last.unwrap_or(pending.view);
            let loops = std::mem::replace(&mut fr.loops, pending.loops);
            let guards = std::mem::replace(&mut fr.guards, pending.guards);
            self.render_view(fr, view, &[], UNKNOWN, at.range);
            fr.loops = loops;
            fr.guards = guards;
        }
    }

    /// Renders a view with more variables around its own.
    pub(super) fn render_view(&mut self, fr: &mut Frame<'a>, view: Val, around: &[(Name, Val)], this: Val, range: Range) -> bool {
        let mut rendered = false;
        for view in self.v.alternatives(view) {
            let Data::View { names, context, .. } = self.data(view).clone() else {
                continue;
            };
            let context = match self.data(context).clone() {
                Data::Record(own, open) => {
                    let mut keys = around.to_vec();
                    keys.retain(|(n, _)| !own.iter().any(|(m, _)| m == n));
                    keys.extend(own.iter().copied());
                    self.v.record(keys, open)
                }
                _ => self.v.record(around.to_vec(), Some(UNKNOWN)),
            };
            for name in names.iter() {
                self.render_with(fr, *name, context, this, range);
                rendered = true;
            }
        }
        rendered
    }

    pub(super) fn template_names(&self, val: Val) -> Vec<Name> {
        match self.data(val) {
            Data::Str(s) => vec![*s],
            Data::OneOf(all) => all.iter().flat_map(|v| self.template_names(*v)).collect(),
            Data::Tuple(all) => all.iter().take(1).flat_map(|v| self.template_names(*v)).collect(),
            Data::Many(one, _) => self.template_names(*one),
            _ => Vec::new(),
        }
    }

    pub(super) fn template_files(&mut self, name: Name) -> Vec<FileId> {
        if let Some(files) = self.ix.templates.get(&name) {
            return files.clone();
        }
        let dotted = Name::new(&name.as_str().replace('/', "."));
        if let Some(files) = self.ix.templates.get(&dotted) {
            return files.clone();
        }
        let ix = self.ix;
        self.package_templates.entry(name).or_insert_with(|| ix.template_of_package(name)).iter().copied().collect()
    }

    /// Renders the templates of a name with a context.
    pub(super) fn render_named(&mut self, fr: &mut Frame<'a>, name: Name, context: Val, range: Range) {
        let this = if fr.decl.kind == FnKind::Template { fr.this } else { UNKNOWN };
        self.render_with(fr, name, context, this, range);
    }

    /// Renders the templates of a name with a context and the component that they belong to.
    pub(super) fn render_with(&mut self, fr: &mut Frame<'a>, name: Name, context: Val, this: Val, range: Range) {
        let context = self.composed(fr, name, context);
        let files = self.template_files(name);
        if files.is_empty() {
            self.gap("template not found");
            return;
        }
        for file in files.into_iter().take(2) {
            self.render_file(fr, file, context, this, range, &[]);
        }
    }

    pub(super) fn render_file(
        &mut self,
        fr: &mut Frame<'a>,
        file: FileId,
        context: Val,
        this: Val,
        range: Range,
        overridden: &[Name],
    ) {
        let f = FnRef { file, id: FnId(0) };
        self.rendered.insert(file);
        let context = match self.data(context) {
            Data::Record(..) => context,
            Data::OneOf(all) => {
                let records: Vec<Val> = all.iter().copied().filter(|v| matches!(self.data(*v), Data::Record(..))).collect();
                records.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(UNKNOWN)
            }
            _ => UNKNOWN,
        };
        // Only what the template names matters: other keys of the context make no new case.
        let decl = self.ix.function(f);
        let language = self.ix.file(file).language;
        let mut args = Vec::with_capacity(decl.body.slots.len());
        let known = self.data(context).clone();
        for slot in &decl.body.slots {
            let val = match &known {
                Data::Record(keys, rest) => match keys.iter().find(|(k, _)| k == slot) {
                    Some((_, v)) => *v,
                    None => rest.unwrap_or_else(|| self.unset(language, *slot)),
                },
                _ => UNKNOWN,
            };
            args.push(val);
        }
        // What only the templates that it renders name goes through it.
        let mut passed = Vec::new();
        if let Data::Record(keys, _) = self.data(context).clone() {
            let wanted = self.wanted(file);
            passed.extend(keys.iter().filter(|(k, v)| *v != UNKNOWN && wanted.binary_search(k).is_ok()).copied());
        }
        let mut marks: Vec<Val> = overridden.iter().map(|n| self.v.str(*n)).collect();
        marks.push(this);
        marks.push(self.v.record(passed.clone(), None));
        // A part that is only shown under a condition reads what a query loads under the same condition.
        let is_part = fr.conditions > 0 && matches!(fr.decl.kind, FnKind::Template | FnKind::Macro);
        marks.push(self.v.of(Data::Bool(is_part)));
        let children = if overridden.is_empty() || !self.repeats_blocks(file) {
            Vec::new()
        } else {
            fr.children.iter().copied().chain([fr.file]).collect()
        };
        for child in &children {
            marks.push(self.v.of(Data::Int(i64::from(child.0))));
        }
        let case = self.v.of(Data::Tuple(marks.into_boxed_slice()));
        let key = Key { f, this: case, args: args.clone().into_boxed_slice() };
        let summary = if let Some(s) = self.memo.get(&key) {
            s.clone()
        } else if self.running.contains(&key) || self.depth >= super::MAX_CALL_DEPTH || self.fuel == 0 {
            return;
        } else if self.has_enough_contexts((f, None)) {
            self.gap("too many contexts of a template");
            return;
        } else {
            self.count_context((f, None));
            self.running.insert(key.clone());
            self.depth += 1;
            let mut inner = self.frame(f, this);
            inner.locals = args;
            inner.overridden = overridden.to_vec();
            inner.children = children;
            inner.knows_context = matches!(known, Data::Record(_, None));
            inner.passed = passed;
            inner.conditions = usize::from(is_part);
            self.run_frame(&mut inner);
            let finished: std::rc::Rc<Summary> = std::rc::Rc::new(self.finish(inner));
            self.depth -= 1;
            self.running.remove(&key);
            self.memo.insert(key, finished.clone());
            finished
        };
        self.absorb(fr, &summary, range);
    }

    /// Names that a template does not use itself, but those that it renders with its variables do; sorted.
    fn wanted(&mut self, file: FileId) -> Rc<[Name]> {
        if let Some(known) = self.wanted.get(&file) {
            return known.clone();
        }
        let mut seen = vec![file];
        let mut names = Vec::new();
        let mut next = 0;
        while let Some(at) = seen.get(next).copied() {
            next += 1;
            for f in &self.ix.file(at).functions {
                names.extend(f.body.slots.iter().copied());
                for expr in &f.body.exprs {
                    if let Expr::Render(render) = expr
                        && render.inherits
                        && let Expr::Str(name) = f.body.expr(render.template)
                    {
                        for file in self.template_files(*name) {
                            if !seen.contains(&file) {
                                seen.push(file);
                            }
                        }
                    }
                }
            }
        }
        let own = &self.ix.function(FnRef { file, id: FnId(0) }).body.slots;
        names.retain(|name| !own.contains(name));
        names.sort_unstable();
        names.dedup();
        let names: Rc<[Name]> = names.into();
        self.wanted.insert(file, names.clone());
        names
    }

    /// The variables around a place, as a context.
    fn surroundings(&mut self, fr: &Frame<'a>) -> Vec<(Name, Val)> {
        let own = fr.body.slots.iter().copied().zip(fr.locals.iter().copied()).filter(|(_, v)| *v != UNKNOWN);
        fr.passed.iter().copied().chain(own).collect()
    }

    /// A template renders another.
    pub(super) fn render(&mut self, fr: &mut Frame<'a>, render: &'a Render, range: Range) -> Val {
        let template = self.expr(fr, render.template);
        let mut keys = if render.inherits { self.surroundings(fr) } else { Vec::new() };
        let mut rest = (render.inherits && !fr.knows_context).then_some(UNKNOWN);
        if let Some(context) = render.context {
            let val = self.expr(fr, context);
            match self.data(val).clone() {
                Data::Record(more, r) => {
                    keys.extend(more.iter().copied());
                    rest = rest.or(r);
                }
                Data::Tuple(_) => (),
                _ => rest = Some(UNKNOWN),
            }
        }
        let args = self.args(fr, &render.args);
        keys.extend(args.named.iter().copied());
        if !render.inner.is_empty() {
            self.block(fr, &render.inner);
        }
        match render.kind {
            RenderKind::Include => {
                for name in self.template_names(template) {
                    match render.each {
                        Some((items, bound)) => {
                            let val = self.expr(fr, items);
                            let (element, _, counts) = self.iterate(fr, val, range);
                            if element == NO_ELEMENT {
                                continue;
                            }
                            let mut with = keys.clone();
                            self.per_turn(fr, element, counts, range, |e, fr, element| {
                                with.push((bound, element));
                                let context = e.v.record(with, rest);
                                e.render_named(fr, name, context, range);
                            });
                        }
                        None => {
                            let context = self.v.record(keys.clone(), rest);
                            self.render_named(fr, name, context, range);
                        }
                    }
                }
                SCALAR
            }
            RenderKind::Extends => {
                let mut overridden = fr.overridden.clone();
                overridden.extend(fr.body.stmts.iter().filter_map(|s| match s {
                    Stmt::TemplateBlock { name, .. } => Some(*name),
                    _ => None,
                }));
                overridden.sort();
                overridden.dedup();
                let context = self.v.record(keys, rest);
                for name in self.template_names(template) {
                    for file in self.template_files(name).into_iter().take(2) {
                        let this = fr.this;
                        self.render_file(fr, file, context, this, range, &overridden);
                    }
                }
                SCALAR
            }
            RenderKind::Component | RenderKind::LiveComponent => {
                for name in self.template_names(template) {
                    let live = render.kind == RenderKind::LiveComponent;
                    self.component(fr, name, &keys, live, range);
                }
                SCALAR
            }
            RenderKind::Import => {
                let file = self.template_names(template);
                let file = file.into_iter().find_map(|n| self.template_files(n).first().copied());
                self.template_module(file)
            }
            RenderKind::Tag => {
                if let Some(name) = self.template_names(template).first() {
                    return self.template_function(fr, *name, args, range);
                }
                UNKNOWN
            }
        }
    }

    /// A component: its class builds the context if it has one, else its attributes are the context.
    fn component(&mut self, fr: &mut Frame<'a>, name: Name, keys: &[(Name, Val)], live: bool, range: Range) {
        // Attribute names are kebab-case, variables are camel or snake.
        let mut props: Vec<(Name, Val)> = Vec::new();
        for (key, val) in keys {
            props.push((*key, *val));
            let text = key.as_str();
            if text.contains('-') {
                props.push((Name::new(&super::orm::fill("{camel}", text)), *val));
                props.push((Name::new(&text.replace('-', "_")), *val));
            }
        }
        let mut rendered = false;
        if let Some(class) = self.component_class(name) {
            if live || self.has_role(class, "live-component") {
                // What is drawn in a request of its own is drawn there.
                if !self.is_put_off(fr, class, keys) {
                    self.live_component(fr, class, &props, range);
                }
                return;
            }
            let target = self.v.of(Data::Class(class));
            let args = Args { named: props.clone(), ..Args::default() };
            let object = self.construct(fr, target, args, range);
            // Public properties of the component are variables of its view.
            if let Data::Object { fields, .. } = self.data(object).clone() {
                let mut with = props.clone();
                with.extend(fields.iter().copied());
                props = with;
            }
            let method = Name::new("render");
            if self.ix.find_method(class, method).is_some() {
                let view = self.call_method(fr, object, method, Args::default(), range);
                rendered = self.render_view(fr, view, &props, object, range);
            }
        }
        if !rendered {
            let context = self.v.record(props, None);
            let key = Name::new(&format!("component:{name}"));
            self.render_named(fr, key, context, range);
        }
    }

    fn component_class(&self, name: Name) -> Option<crate::index::ClassId> {
        let studly: Vec<String> = name.as_str().split('.').map(|part| super::orm::fill("{studly}", part)).collect();
        let path = studly.join("\\").to_ascii_lowercase();
        let roots = self.ix.packs.word_in_language(self.names.php, "component-class-roots")?;
        for root in roots.as_str().split_whitespace() {
            let root = root.to_ascii_lowercase();
            // A folder may have a class of its own for its name.
            let own = format!("{root}{path}");
            let main = format!("{own}\\{}", self.ix.packs.word_in_language(self.names.php, "component-main")?);
            if let Some(class) = [own, main].iter().find_map(|n| self.ix.class_names.get(&Name::new(n))) {
                return Some(*class);
            }
        }
        None
    }

    /// A function that templates call by name: a tag or filter of the project.
    fn template_function(&mut self, fr: &mut Frame<'a>, name: Name, args: Args, range: Range) -> Val {
        let Some(f) = self.tags.get(&name).map(|t| t.0) else {
            self.form_tag(fr, name, &args, range);
            return UNKNOWN;
        };
        let decl = self.ix.function(f);
        let mut args = args;
        if decl.params.first().is_some_and(|p| p.name.as_str() == "context") {
            let keys = self.surroundings(fr);
            let context = self.v.record(keys, None);
            args.positional.insert(0, context);
        }
        let (val, _) = self.call_function(fr, f, UNKNOWN, args, range);
        // An inclusion tag renders its template with what the function gives.
        if let Some(template) = self.tags.get(&name).and_then(|t| t.1) {
            self.render_named(fr, template, val, range);
            return SCALAR;
        }
        val
    }

    /// A filter of a template.
    pub(super) fn filter(&mut self, fr: &mut Frame<'a>, object: Val, name: Name, args: Args, range: Range) -> Val {
        let text = |e: &Engine<'a>, i: usize| match args.positional.get(i).map(|v| e.data(*v).clone()) {
            Some(Data::Str(s)) => Some(s),
            _ => None,
        };
        let attribute = args.named.iter().find(|(n, _)| n.as_str() == "attribute").and_then(|(_, v)| match self.data(*v) {
            Data::Str(s) => Some(*s),
            _ => None,
        });
        let per_element = |e: &mut Engine<'a>, fr: &mut Frame<'a>, path: Option<Name>| {
            let (element, _, counts) = e.iterate(fr, object, range);
            if element == NO_ELEMENT {
                return (UNKNOWN, UNKNOWN);
            }
            let Some(path) = path else {
                return (element, element);
            };
            (element, e.per_turn(fr, element, counts, range, |e, fr, item| e.read_path(fr, item, path, range)))
        };
        match (fr.language, name.as_str()) {
            (Language::Jinja, "map") => {
                let (_, read) = per_element(self, fr, attribute);
                self.v.many(read, super::value::ManyKind::Held)
            }
            (Language::Jinja, "selectattr" | "rejectattr") => {
                let path = text(self, 0);
                let (element, _) = per_element(self, fr, path);
                self.v.many(element, super::value::ManyKind::Held)
            }
            (Language::Jinja, "sort" | "unique" | "min" | "max" | "sum") => {
                let (element, _) = per_element(self, fr, attribute);
                match name.as_str() {
                    "sort" | "unique" => self.v.many(element, super::value::ManyKind::Held),
                    "sum" => SCALAR,
                    _ => element,
                }
            }
            (Language::Jinja, "groupby") => {
                let path = text(self, 0).or(attribute);
                let (element, _) = per_element(self, fr, path);
                let inner = self.v.many(element, super::value::ManyKind::Held);
                let pair = self.v.of(Data::Tuple(Box::new([SCALAR, inner])));
                self.v.many(pair, super::value::ManyKind::Groups)
            }
            (_, "dictsort" | "dictsortreversed") => {
                let path = text(self, 0);
                let (element, _) = per_element(self, fr, path);
                self.v.many(element, super::value::ManyKind::Held)
            }
            (_, "first" | "last" | "random") => {
                if let Data::Query(query) = self.data(object).clone() {
                    if query.flags & super::value::flag::FILTERED != 0 {
                        self.execute_index(fr, &query, range);
                    } else {
                        self.iterate(fr, object, range);
                    }
                    return self.row_of(&query);
                }
                let (element, _, _) = self.iterate(fr, object, range);
                if element == NO_ELEMENT { UNKNOWN } else { element }
            }
            (_, "join") => {
                let (element, _, counts) = self.iterate(fr, object, range);
                if element != NO_ELEMENT && counts {
                    self.per_turn(fr, element, true, range, |e, fr, item| {
                        let item = match attribute {
                            Some(path) => e.read_path(fr, item, path, range),
                            None => item,
                        };
                        e.as_text(fr, item, range);
                    });
                }
                SCALAR
            }
            (_, "length" | "count" | "tojson" | "json_script" | "pluralize" | "length_is") => {
                self.iterate(fr, object, range);
                SCALAR
            }
            (_, "safe" | "default" | "default_if_none" | "list" | "reverse" | "slice" | "d" | "batch" | "as_list") => {
                if let Some(other) = args.positional.first() {
                    let other = *other;
                    if name.as_str().starts_with('d') {
                        return self.v.join(object, other);
                    }
                }
                object
            }
            _ => {
                if let Some(f) = self.tags.get(&name).map(|t| t.0) {
                    let mut with = Args { positional: vec![object], ..Args::default() };
                    with.positional.extend(args.positional.iter().copied());
                    return self.call_function(fr, f, UNKNOWN, with, range).0;
                }
                self.as_text(fr, object, range);
                SCALAR
            }
        }
    }
}
