//! What do mails, notifications and events that are told to others read of what they are made of?
//!
//! They are drawn where they are handed over: once per turn of the loops around that, and once for each who gets one.

use rustc_hash::FxHashMap;

use super::super::call::Args;
use super::super::many::NO_ELEMENT;
use super::super::value::{Data, NULL, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Expr, Language, Type};
use crate::index::{ClassId, FnRef};

/// Fields for the templates of a mail, and for what they are given; no program can spell them.
const TEMPLATES: &str = "<templates>";
const GIVEN: &str = "<given>";

/// Methods that hear of an event, by its class, with the class they belong to.
pub(in super::super) type Listeners = FxHashMap<ClassId, Vec<(ClassId, FnRef)>>;

impl<'a> Engine<'a> {
    /// A mail is drawn: its templates see its public properties and what it gives them.
    pub(super) fn send_mail(&mut self, fr: &mut Frame<'a>, mail: Val, class: ClassId, range: Range) {
        self.served.insert(class);
        let mut mail = mail;
        let mut shown: Vec<(Name, Val)> = Vec::new();
        for method in self.words(fr, "mail-methods") {
            let Some((_, f)) = self.ix.find_method(class, method) else {
                continue;
            };
            let (val, after) = self.call_function(fr, f, mail, Args::default(), range);
            if let Data::Record(keys, _) = self.data(val) {
                shown.extend(keys.iter().copied());
            }
            let changed =
                [val, after].into_iter().find(|v| matches!(self.data(*v), Data::Object { class: c, .. } if *c == class));
            mail = changed.unwrap_or(mail);
        }
        let templates = self.known_field(mail, Name::new(TEMPLATES)).into_iter();
        let templates: Vec<Val> = templates
            .chain(shown.iter().filter(|(n, _)| self.words(fr, "mail-templates").contains(n)).map(|(_, v)| *v))
            .collect();
        let mut names: Vec<Name> = templates.into_iter().flat_map(|v| self.all_texts(v)).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return;
        }
        let mut keys = self.public_properties(fr, mail, class);
        let with = self.word(fr, "mail-with");
        let given =
            self.known_field(mail, Name::new(GIVEN)).into_iter().chain(shown.iter().filter(|(n, _)| *n == with).map(|(_, v)| *v));
        for given in given.collect::<Vec<_>>() {
            if let Data::Record(more, _) = self.data(given) {
                keys.retain(|(n, _)| !more.iter().any(|(m, _)| m == n));
                keys.extend(more.iter().copied());
            }
        }
        let context = self.v.record(keys, None);
        for name in names {
            self.render_with(fr, name, context, UNKNOWN, range);
        }
    }

    /// A mail that nobody is seen to send: what its class declares is what its templates see.
    pub(super) fn mail_alone(&mut self, fr: &mut Frame<'a>, class: ClassId, range: Range) {
        if !self.served.contains(&class) {
            let mail = self.object(class, Vec::new());
            self.send_mail(fr, mail, class, range);
        }
    }

    /// A method that a mail inherits: its templates, what they are given, or something else of it.
    pub(super) fn mail_method(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: &Args, range: Range) -> Val {
        let with = self.word(fr, "mail-with");
        let mut changed = recv;
        if self.words(fr, "mail-templates").contains(&name) {
            let template = args.positional.first().copied().unwrap_or(UNKNOWN);
            let mut all: Vec<Val> = match self.known_field(recv, Name::new(TEMPLATES)).map(|v| self.data(v).clone()) {
                Some(Data::Tuple(items)) => items.to_vec(),
                other => other.map(|_| UNKNOWN).into_iter().collect(),
            };
            all.push(template);
            let all = self.v.of(Data::Tuple(all.into_boxed_slice()));
            changed = self.with_field(recv, Name::new(TEMPLATES), all);
            if let Some(data) = args.positional.get(1) {
                changed = self.given_more(changed, *data);
            }
        } else if name == with {
            let more = match (args.positional.first().map(|v| self.data(*v).clone()), args.positional.get(1)) {
                (Some(Data::Str(key)), Some(val)) => self.v.record(vec![(key, *val)], None),
                _ => args.positional.first().copied().unwrap_or(UNKNOWN),
            };
            changed = self.given_more(changed, more);
        } else if self.words(fr, "mail-drawn").contains(&name) {
            self.hand_over(fr, recv, name, None, range);
            return SCALAR;
        } else {
            self.run_callbacks(fr, args, range);
        }
        if fr.this == recv {
            fr.this = changed;
        }
        changed
    }

    fn given_more(&mut self, mail: Val, more: Val) -> Val {
        let Data::Record(more, _) = self.data(more).clone() else {
            return mail;
        };
        let mut keys = more.to_vec();
        if let Some(Data::Record(old, _)) = self.known_field(mail, Name::new(GIVEN)).map(|v| self.data(v).clone()) {
            keys.extend(old.iter().filter(|(n, _)| !more.iter().any(|(m, _)| m == n)).copied());
        }
        let given = self.v.record(keys, None);
        self.with_field(mail, Name::new(GIVEN), given)
    }

    /// All texts in a value.
    fn all_texts(&self, val: Val) -> Vec<Name> {
        match self.data(val) {
            Data::Str(text) => vec![*text],
            Data::OneOf(all) | Data::Tuple(all) => all.iter().flat_map(|v| self.all_texts(*v)).collect(),
            Data::Record(keys, _) => keys.iter().flat_map(|(_, v)| self.all_texts(*v)).collect(),
            _ => Vec::new(),
        }
    }

    /// What others see of an object: of this one, else what its class declares.
    fn public_properties(&mut self, fr: &mut Frame<'a>, object: Val, class: ClassId) -> Vec<(Name, Val)> {
        let mut found: Vec<(Name, Val)> = Vec::new();
        for owner in self.ix.class(class).mro.clone() {
            for attr in &self.ix.class_decl(owner).attrs {
                if attr.is_static || attr.is_hidden || found.iter().any(|(n, _)| *n == attr.name) {
                    continue;
                }
                let val = self.field(fr, object, attr.name);
                found.push((attr.name, val));
            }
        }
        found
    }

    /// A notification is drawn for each who gets it, by the channels that it names.
    pub(super) fn notify(&mut self, fr: &mut Frame<'a>, message: Val, class: ClassId, to: Val, range: Range) {
        self.served.insert(class);
        match self.data(to) {
            Data::Query(_) | Data::Many(..) | Data::Tuple(_) => {
                let (one, _, counts) = self.iterate(fr, to, range);
                if one != NO_ELEMENT {
                    self.per_turn(fr, one, counts, range, |e, fr, one| e.notify_one(fr, message, class, one, range));
                }
            }
            _ => self.notify_one(fr, message, class, to, range),
        }
    }

    fn notify_one(&mut self, fr: &mut Frame<'a>, message: Val, class: ClassId, to: Val, range: Range) {
        let via = self.word(fr, "notification-channels");
        let channels = match self.ix.find_method(class, via) {
            Some((_, f)) => self.call_function(fr, f, message, Args::positional(vec![to]), range).0,
            None => UNKNOWN,
        };
        let mut parts = Vec::new();
        let methods = match self.channels_in(channels, &mut parts) {
            true => self.channel_methods(fr, message, class, to, &parts, range),
            false => self.words(fr, "notification-methods"),
        };
        for method in methods {
            let Some((_, f)) = self.ix.find_method(class, method) else {
                continue;
            };
            let drawn = self.call_function(fr, f, message, Args::positional(vec![to]), range).0;
            match *self.data(drawn) {
                Data::Object { class: inner, .. } if self.role(inner) == Some("mail") => {
                    self.send_mail(fr, drawn, inner, range);
                }
                _ => self.serialize(fr, drawn, range, 0),
            }
        }
    }

    /// The channels that a list names; false if it may name others.
    fn channels_in(&self, val: Val, found: &mut Vec<Val>) -> bool {
        match self.data(val) {
            Data::OneOf(all) | Data::Tuple(all) => all.iter().all(|v| self.channels_in(*v, found)),
            Data::Many(one, _) => self.channels_in(*one, found),
            Data::Str(_) | Data::Class(_) | Data::External(_) => {
                if !found.contains(&val) {
                    found.push(val);
                }
                true
            }
            Data::Null => true,
            _ => false,
        }
    }

    /// The methods that channels ask a notification for; a channel of the program is run itself.
    fn channel_methods(
        &mut self,
        fr: &mut Frame<'a>,
        message: Val,
        class: ClassId,
        to: Val,
        channels: &[Val],
        range: Range,
    ) -> Vec<Name> {
        let (send, pattern, suffix) = (
            self.word(fr, "notification-send"),
            self.word(fr, "notification-method"),
            self.word(fr, "notification-channel-suffix"),
        );
        let mut methods = Vec::new();
        for channel in channels {
            let name = match *self.data(*channel) {
                Data::Class(own) => {
                    if let Some((_, f)) = self.ix.find_method(own, send) {
                        let object = self.object(own, Vec::new());
                        self.call_function(fr, f, object, Args::positional(vec![to, message]), range);
                        continue;
                    }
                    self.ix.class(own).name
                }
                Data::Str(name) | Data::External(name) => name,
                _ => continue,
            };
            let known = self.words(fr, &format!("notification-of.{name}"));
            // The first that the notification has.
            if !known.is_empty() {
                methods.extend(known.into_iter().find(|m| self.ix.find_method(class, *m).is_some()));
                continue;
            }
            let short = name.last_segment();
            let short = short.strip_suffix(suffix.as_str()).unwrap_or(short);
            methods.push(Name::new(&super::super::orm::fill(pattern.as_str(), short)));
        }
        methods
    }

    /// An event is told to others: what it says itself, else every public property.
    pub(super) fn broadcast(&mut self, fr: &mut Frame<'a>, event: Val, class: ClassId, range: Range) {
        for method in self.words(fr, "broadcast-asks") {
            if let Some((_, f)) = self.ix.find_method(class, method) {
                self.call_function(fr, f, event, Args::default(), range);
            }
        }
        let method = self.word(fr, "broadcast-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            let told = self.call_function(fr, f, event, Args::default(), range).0;
            self.serialize(fr, told, range, 0);
            return;
        }
        for (_, val) in self.public_properties(fr, event, class) {
            self.serialize(fr, val, range, 1);
        }
    }

    /// What hears of an event of this class.
    pub(super) fn listeners(&mut self, fr: &Frame<'a>, event: ClassId) -> Vec<(ClassId, FnRef)> {
        if self.listeners.is_none() {
            let found = self.all_listeners(fr);
            self.listeners = Some(found);
        }
        self.listeners.as_ref().and_then(|all| all.get(&event)).cloned().unwrap_or_default()
    }

    fn all_listeners(&self, fr: &Frame<'a>) -> Listeners {
        let (methods, folders) = (self.words(fr, "listener-methods"), self.words(fr, "listener-namespaces"));
        let mut named = Vec::new();
        for (i, class) in self.ix.classes.iter().enumerate() {
            if self.has_role(ClassId(i as u32), "provider") {
                let scope = self.ix.class_decl(ClassId(i as u32)).scope;
                let body = &self.ix.file(class.file).functions[scope.0 as usize].body;
                named.extend(body.exprs.iter().filter_map(|e| match e {
                    Expr::Class(name) => self.ix.class_names.get(&name.folded()).copied(),
                    _ => None,
                }));
            }
        }
        let mut found = Listeners::default();
        for i in 0..self.ix.classes.len() as u32 {
            let (id, class) = (ClassId(i), self.ix.class(ClassId(i)));
            let is_listener = self.ix.file(class.file).language == Language::Php
                && (named.contains(&id) || class.name.as_str().split('\\').any(|s| folders.iter().any(|f| f.as_str() == s)));
            if !is_listener || self.ix.class_decl(id).is_abstract {
                continue;
            }
            for method in &methods {
                let Some((_, f)) = self.ix.find_method(id, *method) else {
                    continue;
                };
                let mut heard = Vec::new();
                if let Some(ty) = self.ix.function(f).params.first().and_then(|p| p.ty.as_ref()) {
                    self.named_classes(ty, &mut heard);
                }
                for event in heard {
                    found.entry(event).or_default().push((id, f));
                }
            }
        }
        found
    }

    /// The classes of the program that a type names.
    fn named_classes(&self, ty: &Type, found: &mut Vec<ClassId>) {
        match ty {
            Type::Union(all) => all.iter().for_each(|t| self.named_classes(t, found)),
            Type::Named(name) => found.extend(self.ix.class_names.get(&name.folded()).copied()),
            _ => (),
        }
    }

    /// A constructor of a library whose object is nothing but its arguments, by the names of the parameters.
    pub(in super::super) fn arguments_kept(&mut self, fr: &Frame<'a>, name: Name, args: &Args) -> Option<Val> {
        if !self.ix.packs.roles(name).iter().any(|r| r.as_str() == "argument-record") {
            return None;
        }
        let names = self.words(fr, &format!("arguments-of.{name}"));
        let mut keys: Vec<(Name, Val)> = names.into_iter().zip(args.positional.iter().copied()).collect();
        keys.extend(args.named.iter().copied());
        keys.retain(|(_, v)| *v != NULL);
        Some(self.v.record(keys, args.open.then_some(UNKNOWN)))
    }
}
