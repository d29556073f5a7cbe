//! What does a form read when it is shown: the choices of its fields, and the text of each?
//!
//! A field whose choices are rows fetches them anew for every form that shows it. A form of a model has such a field for each
//! relation that it lists, with all rows of the related model.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::super::call::Args;
use super::super::many::{NO_ELEMENT, SMALL};
use super::super::value::{Data, ManyKind, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use super::field::Listed;
use crate::base::{Name, Range, Span};
use crate::facts::{Body, Expr, ExprId, FnId, Language, Pat};
use crate::index::{ClassId, FnRef, ModelId};

/// Fields of the objects that stand for forms and their parts; no program can spell them.
const SHOWN_FIELD: &str = "<field>";
const FORM_OF: &str = "<form of>";
/// The method by which a class of many forms makes them; no program can spell it.
const MANY_FORMS: &str = "<forms>";
/// Stands for every field of a form.
const EVERY_FIELD: &str = "*";

/// A field whose choices are rows.
#[derive(Clone, Debug)]
pub(in super::super) struct ChoiceField {
    name: Name,
    /// The rows.
    rows: Val,
    /// The class that says how a row is titled, if that is one of the program's.
    titles: Option<ClassId>,
    /// The rows are those that a model's form takes when nobody says which: where that is, and of what.
    by_default: Option<(Span, ModelId)>,
}

impl<'a> Engine<'a> {
    /// Is it a form, or a field of one?
    fn is_form(&self, val: Val) -> bool {
        match self.data(val) {
            Data::Object { class, fields, .. } => {
                fields.iter().any(|(n, _)| n.as_str() == FORM_OF) || self.has_role(*class, "form")
            }
            _ => false,
        }
    }

    fn in_template(&self, fr: &Frame<'a>) -> bool {
        self.ix.file(fr.file).language.is_template() && self.language(fr) == self.names.python
    }

    /// An attribute of a form in a template: all of it, or a field, which is shown where it is written.
    pub(in super::super) fn form_attr(&mut self, fr: &mut Frame<'a>, form: Val, name: Name, range: Range) -> Option<Val> {
        if !self.in_template(fr) || !self.is_form(form) {
            return None;
        }
        let is_field = self.known_field(form, Name::new(SHOWN_FIELD)).is_some();
        if self.words(fr, "form-shown").contains(&name) {
            self.show_form(fr, form, range);
            return Some(SCALAR);
        }
        if is_field {
            return Some(SCALAR);
        }
        if self.words(fr, "form-parts").contains(&name) {
            let every = self.form_part(form, Name::new(EVERY_FIELD));
            return Some(self.v.many(every, ManyKind::Literal));
        }
        let fields = self.choice_fields(fr, form);
        fields.iter().any(|field| field.name == name).then(|| self.form_part(form, name))
    }

    fn form_part(&mut self, form: Val, name: Name) -> Val {
        let name = self.v.str(name);
        self.with_field(form, Name::new(SHOWN_FIELD), name)
    }

    /// A form or a field of one is written out; anything else is not.
    pub(in super::super) fn show_form(&mut self, fr: &mut Frame<'a>, form: Val, at: Range) {
        // Of a class that nobody is seen to make an object of it is not known that it is ever shown.
        if !self.in_template(fr) || !self.is_form(form) || !matches!(self.data(form), Data::Object { exact: true, .. }) {
            return;
        }
        let only = match self.known_field(form, Name::new(SHOWN_FIELD)).map(|v| self.data(v).clone()) {
            Some(Data::Str(name)) if name.as_str() != EVERY_FIELD => Some(name),
            _ => None,
        };
        let fields = self.choice_fields(fr, form);
        for field in fields.iter().filter(|field| only.is_none_or(|name| field.name == name)) {
            self.choice_sites.insert(self.span(fr, at));
            self.per_row(fr, field.rows, at, &mut |e, fr, row| {
                let method = e.word(fr, "choice-label");
                let label = field.titles.and_then(|class| e.ix.find_method(class, method).map(|(_, f)| (class, f)));
                match label {
                    Some((class, f)) => {
                        let object = e.object(class, Vec::new());
                        e.call_function(fr, f, object, Args::positional(vec![row]), at);
                    }
                    None => e.as_text(fr, row, at),
                }
                UNKNOWN
            });
        }
    }

    /// What a loop over a form gives: its fields, which are few.
    pub(in super::super) fn form_elements(&mut self, fr: &mut Frame<'a>, form: Val, at: Range) -> Option<Val> {
        if !self.in_template(fr) || !self.is_form(form) {
            return None;
        }
        if self.known_field(form, Name::new(SHOWN_FIELD)).is_some() {
            self.show_form(fr, form, at);
            return Some(SCALAR);
        }
        Some(self.form_part(form, Name::new(EVERY_FIELD)))
    }

    /// An attribute of many forms in a template: they are shown, or given again.
    pub(in super::super) fn form_set_attr(&mut self, fr: &mut Frame<'a>, forms: Val, name: Name, range: Range) -> Option<Val> {
        let Data::Many(form, _) = *self.data(forms) else {
            return None;
        };
        if !self.in_template(fr) || !self.is_form(form) {
            return None;
        }
        if self.words(fr, "form-shown").contains(&name) {
            self.show_forms(fr, forms, range);
            return Some(SCALAR);
        }
        Some(if self.words(fr, "form-sets").contains(&name) { forms } else { SCALAR })
    }

    /// Many forms are written out one after the other.
    pub(in super::super) fn show_forms(&mut self, fr: &mut Frame<'a>, forms: Val, at: Range) {
        let (form, _, counts) = self.iterate(fr, forms, at);
        if form != NO_ELEMENT && self.is_form(form) {
            self.per_turn(fr, form, counts, at, |e, fr, form| e.show_form(fr, form, at));
        }
    }

    /// A tag of a library in a template: it writes the forms out that it is given.
    pub(in super::super) fn form_tag(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) {
        if !self.words(fr, "form-tags").contains(&name) {
            return;
        }
        for val in &args.positional {
            match self.data(*val) {
                Data::Many(..) => self.show_forms(fr, *val, range),
                _ => self.show_form(fr, *val, range),
            }
        }
    }

    /// A function of a library that makes a class of many forms.
    pub(in super::super) fn form_set_class(&mut self, fr: &Frame<'a>, name: Name, args: &Args, range: Range) -> Option<Val> {
        let roles = self.ix.packs.roles(name);
        let has = |role: &str| roles.iter().any(|r| r.as_str() == role);
        let (of_forms, of_rows, of_parent) = (has("form-set"), has("row-form-set"), has("child-form-set"));
        if !of_forms && !of_rows && !of_parent {
            return None;
        }
        let named = |e: &Engine<'a>, key: &str| {
            let name = e.word(fr, key);
            args.named.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
        };
        let limit = named(self, "form-limit").map(|v| self.data(v).clone());
        let is_few = matches!(limit, Some(Data::Int(n)) if n <= SMALL as i64);
        let form = if of_forms { args.positional.first().copied() } else { named(self, "form-class") };
        let form = match form.map(|v| self.data(v).clone()) {
            Some(Data::Class(class)) => self.object(class, Vec::new()),
            Some(_) => return None,
            None => {
                let model = args.positional.get(usize::from(of_parent)).copied()?;
                let Data::Class(class) = *self.data(model) else { return None };
                let fields = named(self, "serializer-fields")?;
                let form = self.object(class, vec![(Name::new(FORM_OF), fields)]);
                let at = self.span(fr, range);
                self.form_places.entry((class, fields)).or_insert(at);
                form
            }
        };
        // Only a number that is written down makes many forms of nothing.
        let extra = named(self, "form-extra").map(|v| self.data(v).clone());
        let is_many = !of_forms || matches!(extra, Some(Data::Int(n)) if n > SMALL as i64);
        let kind = if is_few {
            Data::Bool(false)
        } else if is_many {
            Data::Bool(true)
        } else {
            Data::Null
        };
        let kind = self.v.of(kind);
        let made = self.v.of(Data::Tuple(Box::new([form, kind])));
        Some(self.v.of(Data::Method(made, Name::new(MANY_FORMS))))
    }

    /// A class of many forms is called: gives the forms.
    pub(in super::super) fn made_forms(&mut self, fr: &Frame<'a>, made: Val, name: Name, args: &Args) -> Option<Val> {
        if name.as_str() != MANY_FORMS {
            return None;
        }
        let Data::Tuple(parts) = self.data(made).clone() else {
            return None;
        };
        let form = parts.first().copied()?;
        let initial = self.word(fr, "form-initial");
        let is_many = match parts.get(1).map(|v| self.data(*v)) {
            Some(Data::Bool(many)) => *many,
            _ => args.named.iter().any(|(n, v)| *n == initial && !matches!(self.data(*v), Data::Tuple(_))),
        };
        Some(self.v.many(form, if is_many { ManyKind::Held } else { ManyKind::Literal }))
    }

    /// The fields of a form whose choices are rows.
    fn choice_fields(&mut self, fr: &Frame<'a>, form: Val) -> Rc<Vec<ChoiceField>> {
        let Data::Object { class, .. } = *self.data(form) else {
            return Rc::default();
        };
        if let Some(listed) = self.known_field(form, Name::new(FORM_OF)) {
            let Some(model) = self.ix.class(class).model else { return Rc::default() };
            let names: Vec<Name> = match self.data(listed) {
                Data::Tuple(items) => {
                    items.iter().filter_map(|v| if let Data::Str(s) = self.data(*v) { Some(*s) } else { None }).collect()
                }
                _ => Vec::new(),
            };
            // Where the form is made nobody wrote a query.
            let Some(at) = self.form_places.get(&(class, listed)).copied() else { return Rc::default() };
            let fields: Vec<ChoiceField> =
                names.into_iter().filter_map(|name| self.default_choices(fr, model, name, at)).collect();
            self.note_defaults(fr, &fields);
            return Rc::new(fields);
        }
        if let Some(known) = self.choice_fields.get(&class) {
            return known.clone();
        }
        self.choice_fields.insert(class, Rc::default());
        let fields = Rc::new(self.all_choice_fields(fr, class));
        self.choice_fields.insert(class, fields.clone());
        self.note_defaults(fr, &fields);
        fields
    }

    /// Where nobody wrote the query of the choices, the form has to say what they load.
    fn note_defaults(&mut self, fr: &Frame<'a>, fields: &[ChoiceField]) {
        for field in fields {
            let Some((at, model)) = field.by_default else { continue };
            let model = self.ix.model(model).name.last_segment();
            let help = self.word(fr, "choice-eager-help");
            let help = help.as_str().replace("{field}", field.name.as_str()).replace("{model}", model);
            self.listed_by_class.insert(at, Name::new(&help));
        }
    }

    fn all_choice_fields(&mut self, fr: &Frame<'a>, class: ClassId) -> Vec<ChoiceField> {
        let set = self.set_elsewhere(fr, class);
        let Some(set) = set else { return Vec::new() };
        let mut found = Vec::new();
        let mut declared = Vec::new();
        let (rows, widget) = (self.word(fr, "choice-rows"), self.word(fr, "choice-widget"));
        for field in self.fields_of(class).iter() {
            declared.push(field.name);
            let titles = match self.data(field.callee) {
                Data::Class(own) if self.has_role(*own, "choice-field") && self.only_titles(fr, *own) => Some(*own),
                Data::External(name) if self.ix.packs.roles(*name).iter().any(|r| r.as_str() == "choice-field") => None,
                _ => continue,
            };
            let rows = field.named(rows).or_else(|| field.args.positional.first().copied()).unwrap_or(UNKNOWN);
            if set.contains(&field.name) || !matches!(self.data(rows), Data::Query(_)) || !self.lists_all(field.named(widget)) {
                continue;
            }
            found.push(ChoiceField { name: field.name, rows, titles, by_default: None });
        }
        let names = ["serializer-meta", "admin-model", "serializer-fields", "form-widgets"].map(|key| self.word(fr, key));
        let Some(meta) = self.nested_class(class, names[0]) else {
            return found;
        };
        let target = self.class_attr(meta, names[1]);
        let Data::Class(target) = *self.data(target) else { return found };
        let Some(model) = self.ix.class(target).model else { return found };
        let widgets = self.class_attr(meta, names[3]);
        let (all, excluded) = (self.word(fr, "serializer-all"), self.word(fr, "serializer-exclude"));
        let hidden = self.listed(meta, excluded);
        let listed = self.listed(meta, names[2]).unwrap_or_default();
        let is = |e: &Engine<'a>, entry: &Listed, name: Name| *e.data(entry.val) == Data::Str(name);
        let every = listed.iter().find(|entry| is(self, entry, all)).or(hidden.iter().flatten().next()).copied();
        let mut entries: Vec<(Name, Listed)> = Vec::new();
        match every {
            Some(place) => {
                for name in self.own_relations(model) {
                    if !hidden.iter().flatten().any(|entry| is(self, entry, name)) && self.is_editable(fr, model, name) {
                        entries.push((name, place));
                    }
                }
            }
            None => {
                for entry in listed {
                    if let Data::Str(name) = *self.data(entry.val) {
                        entries.push((name, entry));
                    }
                }
            }
        }
        for (name, entry) in entries {
            if declared.contains(&name) || set.contains(&name) {
                continue;
            }
            let widget = match self.data(widgets) {
                Data::Record(keys, _) => keys.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
                Data::Unknown => None,
                _ => Some(UNKNOWN),
            };
            let at = Span { file: self.ix.class(entry.owner).file, range: entry.range };
            if self.lists_all(widget) {
                found.extend(self.default_choices(fr, model, name, at));
            }
        }
        found
    }

    /// The choices of a field for a relation, if nobody says which: all rows.
    fn default_choices(&mut self, fr: &Frame<'a>, model: ModelId, name: Name, at: Span) -> Option<ChoiceField> {
        let relation = self.relation(model, name)?;
        let target = relation.target?;
        let many = self.word(fr, "model-many-field");
        if relation.many && !self.is_plain_field(model, name, many) || !relation.many && relation.key_column.is_none() {
            return None;
        }
        let manager = self.ix.packs.word(self.ix.model(target).dialect, "default-manager")?;
        let mut there = self.frame(FnRef { file: at.file, id: FnId(0) }, UNKNOWN);
        let rows = self.manager(&mut there, target, manager, at.range)?;
        Some(ChoiceField { name, rows, titles: None, by_default: Some((at, target)) })
    }

    /// Does a class of fields change nothing but how a row is titled: neither which rows there are, nor how they are shown?
    fn only_titles(&self, fr: &Frame<'a>, class: ClassId) -> bool {
        let label = self.word(fr, "choice-label");
        let (changes, methods) = (self.words(fr, "choice-changes"), self.words(fr, "choice-methods"));
        let data = self.ix.class(class);
        data.external.iter().all(|name| self.ix.packs.roles(*name).iter().any(|r| r.as_str() == "choice-field"))
            && data.mro.iter().all(|owner| {
                let decl = self.ix.class_decl(*owner);
                let file = self.ix.class(*owner).file;
                let names = |id: &FnId| self.ix.function(FnRef { file, id: *id }).name;
                !decl.attrs.iter().any(|attr| changes.contains(&attr.name))
                    && !decl.methods.iter().map(names).any(|name| name != label && methods.contains(&name))
            })
    }

    /// Does a model leave a relation to its forms?
    fn is_editable(&self, fr: &Frame<'a>, model: ModelId, relation: Name) -> bool {
        let word = self.word(fr, "form-editable");
        let Some((owner, i)) = self.ix.model(model).class.and_then(|c| self.ix.find_attr(c, relation)) else {
            return false;
        };
        let decl = self.ix.class_decl(owner);
        let body = &self.ix.function(FnRef { file: self.ix.class(owner).file, id: decl.scope }).body;
        match decl.attrs[i].value.map(|v| body.expr(v)) {
            Some(Expr::Call { args, .. }) => {
                !args.iter().any(|a| a.name == Some(word) && matches!(body.expr(a.value), Expr::Bool(false)))
            }
            _ => false,
        }
    }

    /// Does a widget write out every choice?
    fn lists_all(&self, widget: Option<Val>) -> bool {
        let Some(widget) = widget else { return true };
        match self.data(widget) {
            Data::External(name) | Data::Instance(name) => self.ix.packs.roles(*name).iter().any(|r| r.as_str() == "choice-list"),
            _ => false,
        }
    }

    /// The fields of a form whose choices or widgets code changes; nothing if nobody knows which.
    fn set_elsewhere(&mut self, fr: &Frame<'a>, class: ClassId) -> Option<FxHashSet<Name>> {
        let (holders, changes) = (self.words(fr, "form-field-maps"), self.words(fr, "choice-changes"));
        let mut found = FxHashSet::default();
        // Whatever its own methods do with a field may change what it shows.
        for owner in &self.ix.class(class).mro {
            let file = self.ix.class(*owner).file;
            for method in &self.ix.class_decl(*owner).methods {
                let body = &self.ix.function(FnRef { file, id: *method }).body;
                for expr in &body.exprs {
                    match expr {
                        Expr::Index { base, index: Some(index) } if is_map(body, *base, &holders) => match body.expr(*index) {
                            Expr::Str(name) => found.insert(*name),
                            _ => return None,
                        },
                        Expr::Assign { target, .. } => match body.pat(*target) {
                            Pat::Attr { base, name } if changes.contains(name) && field_of(body, *base, &holders).is_none() => {
                                return None;
                            }
                            _ => false,
                        },
                        _ => false,
                    };
                }
            }
        }
        if self.changed_fields.is_none() {
            let python = self.ix.facts.iter().filter(|file| file.language == Language::Python);
            let bodies = python.flat_map(|file| &file.functions).map(|function| &function.body);
            let changed = bodies.flat_map(|body| {
                body.exprs.iter().filter_map(|expr| match expr {
                    Expr::Assign { target, .. } => match body.pat(*target) {
                        Pat::Attr { base, name } if changes.contains(name) => field_of(body, *base, &holders),
                        _ => None,
                    },
                    _ => None,
                })
            });
            self.changed_fields = Some(changed.collect());
        }
        found.extend(self.changed_fields.iter().flatten().copied());
        Some(found)
    }
}

/// `form.fields["author"]`
fn field_of(body: &Body, e: ExprId, holders: &[Name]) -> Option<Name> {
    match body.expr(e) {
        Expr::Index { base, index: Some(index) } if is_map(body, *base, holders) => match body.expr(*index) {
            Expr::Str(name) => Some(*name),
            _ => None,
        },
        _ => None,
    }
}

/// `self.fields`, `form.base_fields`
fn is_map(body: &Body, e: ExprId, holders: &[Name]) -> bool {
    matches!(body.expr(e), Expr::Attr { name, .. } if holders.contains(name))
}
