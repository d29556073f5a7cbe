//! What do inherited methods do with what a class below says, as a view whose rows and serializer its class names?
//!
//! A method is evaluated for the class that declares it. Where it reads attributes to which a class below gives a value
//! (`model = Post`), or calls methods that this class has of its own, it is evaluated for that class, too.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::value::Data;
use crate::base::Name;
use crate::facts::{ClassKind, FnKind};
use crate::index::{ClassId, FnRef};
use crate::source::Origin;

/// Methods that are evaluated for one class below.
const MAX_METHODS: usize = 16;

impl Engine<'_> {
    /// Evaluates inherited methods for the classes that say what they read.
    pub(super) fn inherited_roots(&mut self) {
        let mut read: BTreeMap<ClassId, BTreeMap<Name, Vec<Name>>> = BTreeMap::new();
        for at in 0..self.ix.classes.len() {
            let class = ClassId(at as u32);
            if !self.says_for_inherited(class) {
                continue;
            }
            for f in self.inherited_readers(class, &mut read) {
                let this = self.v.of(Data::Object { class, fields: Box::default(), exact: false });
                self.root_on(f, this);
            }
        }
    }

    fn says_for_inherited(&self, class: ClassId) -> bool {
        let (info, decl) = (self.ix.class(class), self.ix.class_decl(class));
        let is_plain = info.model.is_none() && decl.kind == ClassKind::Class && !decl.is_abstract && info.mro.len() > 1;
        let is_ours = self.ix.sources.file(info.file).origin == Origin::Ours;
        is_plain && is_ours
    }

    /// The methods that a class inherits in the program and that read, or call others that read, what it says anew; those that
    /// no other of them calls.
    fn inherited_readers(&self, class: ClassId, read: &mut BTreeMap<ClassId, BTreeMap<Name, Vec<Name>>>) -> Vec<FnRef> {
        let ancestors = &self.ix.class(class).mro[1..];
        let decl = self.ix.class_decl(class);
        let file = self.ix.class(class).file;
        let attrs = decl.attrs.iter().filter(|attr| attr.value.is_some()).map(|attr| attr.name);
        let attrs = attrs.filter(|n| ancestors.iter().any(|a| self.ix.own_attr(*a, *n).is_some()));
        let methods = decl.methods.iter().map(|id| self.ix.function(FnRef { file, id: *id }));
        let methods = methods.filter(|m| !m.name.as_str().starts_with("__") && !m.is_abstract).map(|m| m.name);
        let methods = methods.filter(|n| ancestors.iter().any(|a| self.ix.own_method(*a, *n).is_some()));
        let said: BTreeSet<Name> = attrs.chain(methods).collect();
        if said.is_empty() {
            return Vec::new();
        }
        // What each method that answers for the class reads of its own object; the nearest one answers.
        let mut reads: BTreeMap<Name, (FnRef, &[Name])> = BTreeMap::new();
        for owner in ancestors {
            if !read.contains_key(owner) {
                read.insert(*owner, self.own_reads(*owner));
            }
        }
        for owner in ancestors {
            for (method, names) in &read[owner] {
                let answers = self.ix.find_method(class, *method);
                if let Some((_, f)) = answers.filter(|(by, _)| by == owner) {
                    reads.insert(*method, (f, names));
                }
            }
        }
        let mut found: BTreeSet<Name> = BTreeSet::new();
        loop {
            let before = found.len();
            let is_reader = |names: &[Name]| names.iter().any(|n| said.contains(n) || found.contains(n));
            let more: Vec<Name> = reads.iter().filter(|(_, (_, names))| is_reader(names)).map(|(method, _)| *method).collect();
            found.extend(more);
            if found.len() == before {
                break;
            }
        }
        let is_called = |method: &Name| found.iter().any(|other| other != method && reads[other].1.contains(method));
        found.iter().filter(|method| !is_called(method)).map(|method| reads[method].0).take(MAX_METHODS).collect()
    }

    /// The names that each method of a class reads of its own object.
    fn own_reads(&self, class: ClassId) -> BTreeMap<Name, Vec<Name>> {
        let file = self.ix.class(class).file;
        let methods = self.ix.class_decl(class).methods.iter().map(|id| FnRef { file, id: *id });
        let plain = methods.filter(|f| {
            let decl = self.ix.function(*f);
            decl.kind == FnKind::Method && !decl.is_abstract && !decl.is_static && !decl.is_classmethod
        });
        plain
            .map(|f| {
                let decl = self.ix.function(f);
                let receiver = decl.params.first().filter(|_| self.takes_receiver(f)).map(|p| p.slot);
                (decl.name, decl.body.own_attrs(receiver).map(|(_, name)| name).collect())
            })
            .collect()
    }
}
