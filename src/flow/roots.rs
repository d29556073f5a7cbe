//! What is evaluated although nothing seen calls it, and with what?

use std::cell::LazyCell;

use super::value::{Data, UNKNOWN, Val};
use super::{Engine, call};
use crate::base::{FileId, Name};
use crate::facts::{ClassKind, FnId, FnKind, Language};
use crate::index::FnRef;
use crate::source::Origin;

/// How methods are called whose names are values.
const CALLS_BY_VALUE: &[&str] = &["$this->{", "$this->$", "self::$", "static::$", "[$this, $", "call_user_func"];

impl Engine<'_> {
    /// Evaluates every function of the application with what its declaration tells.
    pub(super) fn roots(&mut self) {
        let files: Vec<FileId> = (0..self.ix.facts.len() as u32).map(FileId).collect();
        // File bodies first: they register routes and bind module variables.
        for pass in 0..2 {
            for file in &files {
                if self.is_history(*file) {
                    continue;
                }
                let facts = self.ix.file(*file);
                let template = facts.language.is_template();
                let text = &self.ix.sources.file(*file).text;
                let calls_by_value = LazyCell::new(|| CALLS_BY_VALUE.iter().any(|call| text.contains(call)));
                for (i, decl) in facts.functions.iter().enumerate() {
                    let first = decl.kind == FnKind::File;
                    if first != (pass == 0) || decl.is_abstract || (template && pass == 0) {
                        continue;
                    }
                    if matches!(decl.kind, FnKind::ClassBody | FnKind::Closure | FnKind::Macro) {
                        continue;
                    }
                    // A method that only its class can call, and that is named nowhere else there.
                    let in_class = decl.class.is_some_and(|c| facts.classes[c.0 as usize].kind == ClassKind::Class);
                    if decl.is_private && in_class && is_named_once(text, decl.name) && !*calls_by_value {
                        continue;
                    }
                    let f = FnRef { file: *file, id: FnId(i as u32) };
                    self.root(f);
                }
            }
        }
    }

    /// Does a file only say how tables came to be?
    pub(super) fn is_history(&self, file: FileId) -> bool {
        self.ix.sources.file(file).origin == Origin::Migration
    }

    fn root(&mut self, f: FnRef) {
        let this = self.receiver_of(f);
        self.root_on(f, this);
    }

    /// Evaluates a function on an object, with what its parameters are by their declaration.
    pub(super) fn root_on(&mut self, f: FnRef, this: Val) {
        let decl = self.ix.function(f);
        let mut args = Vec::with_capacity(decl.params.len());
        let handler = self.handlers.contains(&f);
        for (i, param) in decl.params.iter().enumerate() {
            let receives = self.takes_receiver(f);
            let mut val = if i == 0 && receives { this } else { self.declared_param(f, param, handler) };
            // The first thing that a handler is given is the request.
            if (handler || self.is_given_request(f)) && val == UNKNOWN && i == usize::from(receives) {
                let language = if self.ix.file(f.file).language == Language::Python { self.names.python } else { self.names.php };
                if let Some(class) = self.ix.packs.word_in_language(language, "request-class") {
                    val = self.v.of(Data::Instance(class));
                }
            }
            args.push(val);
        }
        let summary = self.evaluate(f, this, args);
        self.respond(f, summary.ret);
    }

    /// What a function gives may know itself how it becomes the response: the framework asks it.
    fn respond(&mut self, f: FnRef, returned: Val) {
        let language = if self.ix.file(f.file).language == Language::Php { self.names.php } else { return };
        let Some(method) = self.ix.packs.word_in_language(language, "response-method") else { return };
        for val in self.v.alternatives(returned) {
            let Data::Object { class, .. } = *self.data(val) else { continue };
            if self.ix.find_method(class, method).is_none() {
                continue;
            }
            let request = self.ix.packs.word_in_language(language, "request-class");
            let request = request.map_or(UNKNOWN, |class| self.v.of(Data::Instance(class)));
            let mut fr = self.frame(f, UNKNOWN);
            let at = fr.decl.name_range;
            self.call_method(&mut fr, val, method, call::Args::positional(vec![request]), at);
            self.finish(fr);
        }
    }
}

/// Is a method's name written in its declaration only? What the language calls by itself has no other place.
fn is_named_once(text: &str, name: Name) -> bool {
    !name.as_str().starts_with("__") && text.matches(name.as_str()).nth(1).is_none()
}
