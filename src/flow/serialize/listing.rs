//! What does the list of a class that shows the rows of its model read of each: the fields that it declares?
//!
//! Such a class wraps one row at a time, as a resource does, and is asked for its fields anew for each. Nobody writes the query:
//! an attribute of the class says what is loaded with it, a method may change it.

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame, What};
use crate::base::{Name, Range};
use crate::index::{ClassId, ModelId};
use crate::packs::Grammar;

/// The parameter that holds the row while fields are declared; no program can spell it.
const ROW: &str = "<row>";

/// The fields of the list that is being drawn.
#[derive(Debug, Default)]
pub(in super::super) struct Listing {
    fields: Vec<ListField>,
}

/// A field of such a list.
#[derive(Debug)]
struct ListField {
    /// What it reads of the row.
    path: Option<Name>,
    /// Does it stand for a related row, titled by a class of lists?
    titled_by: Option<Option<ClassId>>,
    /// What is called with the row.
    computes: Option<Val>,
    /// What is called with the value, and the row.
    shows: Vec<Val>,
    is_hidden: bool,
    range: Range,
}

impl<'a> Engine<'a> {
    /// The list of the rows of a model, as its class shows it.
    pub(super) fn listing_class(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        let Some(model) = self.listed_model(fr, class) else {
            return;
        };
        let Some((owner, f)) = self.words(fr, "list-fields").into_iter().find_map(|name| self.ix.find_method(class, name)) else {
            return;
        };
        // What every class of lists inherits from one without a model is not told by any of them.
        if self.listed_model(fr, owner).is_none() {
            return;
        }
        let request = self.library_object(fr, "resource-request");
        let Some(row) = self.listed_row(fr, class, model, request, range) else {
            return;
        };
        let at = self.ix.function(f).name_range;
        let outside = std::mem::replace(&mut fr.file, f.file);
        let mark = fr.buffer.len();
        let id = self.enter_loop(fr, at);
        self.framework_loops.insert(id);
        let row = self.v.renew(row, id);
        let wrapped = self.word(fr, "resource-wrapped");
        let object = self.object(class, vec![(wrapped, row)]);
        let ambient = std::mem::replace(&mut self.ambient, vec![(Name::new(ROW), row)]);
        let before = self.listing.replace(Listing::default());
        self.call_function(fr, f, object, Args::positional(vec![request]), at);
        let drawn = std::mem::replace(&mut self.listing, before).unwrap_or_default();
        self.ambient = ambient;
        // What a field is made of is no matter of the row: only what the row leads to counts.
        let is_of_row = |what: &What| !matches!(what, What::Statement { via: None, .. });
        let mut i = 0;
        fr.buffer.retain(|event| {
            i += 1;
            i <= mark || is_of_row(&event.what)
        });
        for field in drawn.fields.iter().filter(|field| !field.is_hidden) {
            self.list_field(fr, class, field, row);
        }
        let user = self.current_user();
        for ability in self.words(fr, "list-asks") {
            let ability = self.v.str(ability);
            self.ask_policy(fr, user, &Args::positional(vec![ability, row]), at);
        }
        self.leave_loop(fr, mark, false);
        fr.file = outside;
    }

    fn listed_model(&mut self, fr: &Frame<'a>, class: ClassId) -> Option<ModelId> {
        let attr = self.word(fr, "list-model");
        let named = self.class_attr(class, attr);
        let named = match *self.data(named) {
            Data::Str(name) => self.class_text(name),
            _ => named,
        };
        match *self.data(named) {
            Data::Class(model) => self.ix.class(model).model,
            _ => None,
        }
    }

    /// One row of the list, with what the class says is loaded.
    fn listed_row(&mut self, fr: &mut Frame<'a>, class: ClassId, model: ModelId, request: Val, range: Range) -> Option<Val> {
        let loads = self.word(fr, "list-loads");
        let own = self.ix.class_decl(class).attrs.iter().find(|attr| attr.name == loads);
        let at = self.span(fr, own.map_or(range, |attr| attr.name_range));
        let mut query = self.start_query(model, at);
        let loaded = self.class_attr(class, loads);
        if loaded != UNKNOWN {
            query.tree = self.eager_tree(fr, query.tree, model, Grammar::Dotted, &Args::positional(vec![loaded]));
        }
        let mut rows = self.v.of(Data::Query(query));
        let changes = self.word(fr, "list-query");
        if let Some((_, f)) = self.ix.find_method(class, changes) {
            let this = self.v.of(Data::Class(class));
            let mark = fr.buffer.len();
            rows = self.call_function(fr, f, this, Args::positional(vec![request, rows]), range).0;
            fr.buffer.truncate(mark);
        }
        let Data::Query(query) = self.data(rows).clone() else {
            return None;
        };
        let help = self.word(fr, "list-eager-help");
        self.listed_by_class.insert(at, help);
        Some(self.row_of(&query))
    }

    fn list_field(&mut self, fr: &mut Frame<'a>, class: ClassId, field: &ListField, row: Val) {
        let at = field.range;
        let value = match field.path {
            Some(path) => self.read_path(fr, row, path, at),
            None => UNKNOWN,
        };
        if let Some(compute) = field.computes {
            self.call_value(fr, compute, Args::positional(vec![row]), at);
        }
        for show in &field.shows {
            self.call_value(fr, *show, Args::positional(vec![value, row]), at);
        }
        // A related row is shown by the title that its own class of lists gives it.
        if let (Some(told), true) = (field.titled_by, field.shows.is_empty())
            && let Some(titles) = told.or_else(|| self.lister_of(fr, class, value))
        {
            let (wrapped, title) = (self.word(fr, "resource-wrapped"), self.word(fr, "list-title"));
            let object = self.object(titles, vec![(wrapped, value)]);
            if let Some((_, f)) = self.ix.find_method(titles, title) {
                self.call_function(fr, f, object, Args::default(), at);
            }
        }
    }

    /// The class beside this one that lists rows of the same model as a row.
    fn lister_of(&mut self, fr: &Frame<'a>, class: ClassId, row: Val) -> Option<ClassId> {
        let model = self.v.alternatives(row).into_iter().find_map(|v| self.bare_row(v)).map(|row| row.model)?;
        let file_of = |e: &Self, c: ClassId| e.ix.class(c).name.as_str().rsplit_once('\\').map(|(folder, _)| folder);
        let folder = file_of(self, class);
        let beside: Vec<ClassId> =
            (0..self.ix.classes.len() as u32).map(ClassId).filter(|c| file_of(self, *c) == folder).collect();
        beside.into_iter().find(|c| self.has_role(*c, "listing") && self.listed_model(fr, *c) == Some(model))
    }

    /// A field is made while the fields of a list are declared.
    pub(super) fn list_part(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) {
        let Some((class, method)) = name.as_str().rsplit_once('.') else {
            return;
        };
        let roles = self.ix.packs.roles(Name::new(class));
        let (is_field, is_related) =
            (roles.iter().any(|r| r.as_str() == "list-field"), roles.iter().any(|r| r.as_str() == "list-relation"));
        if self.word(fr, "list-make").as_str() != method {
            return;
        }
        // Of a field of another library nothing is known, but what follows is said of it and not of the field before.
        if !is_field && !is_related {
            let unknown = ListField { path: None, titled_by: None, computes: None, shows: Vec::new(), is_hidden: true, range };
            if let Some(listing) = &mut self.listing {
                listing.fields.push(unknown);
            }
            return;
        }
        let second = args.positional.get(1).copied();
        let computes = second.filter(|v| self.is_function(*v));
        let told = match (second.map(|v| self.data(v).clone()), args.positional.first().map(|v| self.data(*v).clone())) {
            (Some(Data::Str(attribute)), _) => Some(attribute),
            (Some(_), _) => None,
            (None, Some(Data::Str(label))) if is_related => {
                Some(Name::new(&super::super::orm::fill("{camel}", &label.as_str().to_lowercase().replace(' ', "_"))))
            }
            (None, Some(Data::Str(label))) => Some(Name::new(&label.as_str().to_lowercase().replace(' ', "_"))),
            _ => None,
        };
        let titled_by = is_related.then(|| match args.positional.get(2).map(|v| self.data(*v).clone()) {
            Some(Data::Class(class)) => Some(class),
            _ => None,
        });
        let field = ListField {
            path: told.map(|path| Name::new(&path.as_str().replace("->", "."))),
            titled_by,
            computes,
            shows: Vec::new(),
            is_hidden: false,
            range,
        };
        if let Some(listing) = &mut self.listing {
            listing.fields.push(field);
        }
    }

    /// A method of the field that was made last: it may hide the field from the list, or say how it is shown.
    pub(super) fn list_call(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args) {
        let first = args.positional.first().copied();
        let said = first.map(|v| self.data(v).clone());
        let hides = self.words(fr, "list-hides").contains(&name) && said != Some(Data::Bool(false))
            || self.words(fr, "list-shows").contains(&name) && first.is_some() && said != Some(Data::Bool(true));
        let shows = self.words(fr, "list-displays").contains(&name).then_some(first).flatten();
        if let Some(field) = self.listing.as_mut().and_then(|listing| listing.fields.last_mut()) {
            field.is_hidden |= hides;
            field.shows.extend(shows);
        }
    }

    /// Are the fields of a list being declared?
    pub(super) fn is_listing(&self) -> bool {
        self.listing.is_some()
    }
}
