//! Which way does a condition go if the switches of the configuration stand as the program writes them?
//!
//! An installation may set them otherwise: what lies on the other side is worth a note.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Engine, Event, Frame};
use crate::base::{Name, Span};
use crate::facts::{Expr, ExprId, FnKind, Language, Pat};
use crate::index::{ProjectIndex, Symbol};

/// Switches that are written once, or alike everywhere.
pub(super) type Switches = FxHashMap<Name, bool>;

/// What the program writes for a name in capitals.
struct Written {
    /// None where it does not write one and the same literal everywhere.
    value: Option<bool>,
    /// Is it written in a module of settings, too?
    is_setting: bool,
}

impl<'a> Engine<'a> {
    /// What a condition gives where the switches that it asks for stand as they are written; none if it asks for more.
    pub(super) fn switched(&mut self, fr: &Frame<'a>, cond: ExprId) -> Option<bool> {
        if fr.language != Language::Python {
            return None;
        }
        match fr.body.expr(cond) {
            Expr::Not(inner) => self.switched(fr, *inner).map(|b| !b),
            Expr::And(a, b) => match (self.switched(fr, *a), self.switched(fr, *b)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (a, b) => a.zip(b).map(|_| true),
            },
            Expr::Or(a, b) => match (self.switched(fr, *a), self.switched(fr, *b)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (a, b) => a.zip(b).map(|_| false),
            },
            Expr::Attr { base, name, .. } => {
                let Symbol::External(of) = self.ix.symbol_of(fr.f, *base) else { return None };
                let objects = self.ix.packs.word_in_language(self.names.python, "settings-objects")?;
                if !objects.has_word(of.as_str()) {
                    return None;
                }
                if self.switches.is_none() {
                    self.switches = Some(self.written_switches());
                }
                self.switches.as_ref()?.get(name).copied()
            }
            _ => None,
        }
    }

    fn written_switches(&self) -> Switches {
        let word = |key: &str| self.ix.packs.word_in_language(self.names.python, key);
        let (modules, turned) = (word("settings-modules"), word("switches-of-installations"));
        let mut found: FxHashMap<Name, Written> = FxHashMap::default();
        for (file, facts) in self.ix.sources.files.iter().zip(self.ix.facts) {
            if facts.language != Language::Python {
                continue;
            }
            let mut parts = file.path.split(['/', '.']);
            let is_settings = parts.any(|part| modules.is_some_and(|w| w.has_word(part)));
            for function in &facts.functions {
                let body = &function.body;
                let is_top = matches!(function.kind, FnKind::File | FnKind::ClassBody);
                for expr in &body.exprs {
                    let Expr::Assign { target, value } = expr else { continue };
                    let (name, written) = match body.pat(*target) {
                        Pat::Global(name) if is_top => (*name, body.expr(*value)),
                        Pat::Local(slot) if is_top => (body.slots[slot.0 as usize], body.expr(*value)),
                        // `settings.FLAG = …`: who knows when.
                        Pat::Attr { name, .. } => (*name, &Expr::Null),
                        _ => continue,
                    };
                    let is_constant = name.as_str().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                    if !is_constant || turned.is_some_and(|w| w.has_word(name.as_str())) {
                        continue;
                    }
                    let value = if let Expr::Bool(b) = written { Some(*b) } else { None };
                    let known = found.entry(name).or_insert(Written { value, is_setting: is_settings });
                    known.is_setting |= is_settings;
                    if known.value != value {
                        known.value = None;
                    }
                }
            }
        }
        #[allow(clippy::iter_over_hash_type)]
        found.into_iter().filter(|(_, w)| w.is_setting).filter_map(|(name, w)| Some((name, w.value?))).collect()
    }
}

/// Without events that a switch turns off where the same place has others.
pub(super) fn without_twins(events: Vec<Event>) -> Vec<Event> {
    let alive: FxHashSet<Span> = events.iter().filter(|e| !e.is_switched_off).map(|e| e.site).collect();
    events.into_iter().filter(|e| !e.is_switched_off || !alive.contains(&e.site)).collect()
}

/// Packs that are told, for the whole application, to load relations for all rows of a result when one is read.
pub(super) fn autoloads(ix: &ProjectIndex<'_>) -> FxHashSet<Name> {
    let mut found = FxHashSet::default();
    for scope in ix.packs.scopes() {
        let packages = ix.packs.word(scope, "autoload-packages").map_or("", Name::as_str);
        if packages.split_whitespace().any(|p| ix.sources.manifest.packages.contains_key(p)) {
            found.insert(scope);
        }
        let calls: Vec<&str> = ix.packs.word(scope, "autoload-calls").map_or("", Name::as_str).split_whitespace().collect();
        let apps: Vec<&str> = ix.packs.word(scope, "autoload-apps").map_or("", Name::as_str).split_whitespace().collect();
        if calls.is_empty() && apps.is_empty() {
            continue;
        }
        let said = ix.facts.iter().flat_map(|f| &f.functions).any(|f| {
            f.body.exprs.iter().any(|e| match e {
                Expr::Call { callee, args } => {
                    let off = args.first().is_some_and(|a| matches!(f.body.expr(a.value), Expr::Bool(false)));
                    matches!(f.body.expr(*callee), Expr::Attr { name, .. } if calls.contains(&name.as_str())) && !off
                }
                Expr::Str(s) => f.kind == FnKind::File && apps.contains(&s.as_str()),
                _ => false,
            })
        });
        if said {
            found.insert(scope);
        }
    }
    found
}
