//! What do transformers and option lists of libraries read of the rows that they show?
//!
//! A transformer is a class with one method for a row and one for each part that is included. Rows and transformer meet in a
//! call, or in a chain of calls.

use super::super::call::Args;
use super::super::value::{Data, ManyKind, NULL, Query, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ClassId;

/// Rows that wait for what shows them.
const TRANSFORMED: &str = "transformed";
/// A transformer that waits for the rows.
const TRANSFORMER: &str = "transformer";
/// A list of options that waits for what labels each row.
const OPTIONS: &str = "options";

impl<'a> Engine<'a> {
    /// A function or constructor outside the program is called: does it show rows, or begin to?
    pub(in super::super) fn shows_rows(&mut self, fr: &mut Frame<'a>, name: Name, args: &Args, range: Range) -> Option<Val> {
        let packs = self.ix.packs;
        if packs.roles(name).iter().any(|r| r.as_str() == TRANSFORMED) {
            return Some(self.transformed(fr, args, range));
        }
        let (class, method) = name.as_str().rsplit_once('.')?;
        let class = Name::new(class);
        if packs.instance_kind(class).is_some_and(|k| k.as_str() == TRANSFORMED) {
            let begun = self.v.of(Data::Shown(UNKNOWN, Name::new(TRANSFORMED)));
            return Some(self.shown_method(fr, begun, Name::new(method), args, range));
        }
        packs
            .roles(class)
            .iter()
            .any(|r| r.as_str() == "option-list")
            .then(|| self.v.of(Data::Shown(UNKNOWN, Name::new(OPTIONS))))
    }

    /// Rows and, perhaps, what shows them.
    fn transformed(&mut self, fr: &mut Frame<'a>, args: &Args, range: Range) -> Val {
        let rows = args.positional.first().copied().unwrap_or(UNKNOWN);
        if let Some(by) = args.positional.get(1).copied() {
            self.transform(fr, rows, by, range);
        }
        self.v.of(Data::Shown(rows, Name::new(TRANSFORMED)))
    }

    /// A method of what is about to show rows.
    pub(in super::super) fn shown_method(&mut self, fr: &mut Frame<'a>, recv: Val, name: Name, args: &Args, range: Range) -> Val {
        let (rows, kind) = match *self.data(recv) {
            Data::Shown(rows, kind) => (rows, kind),
            _ => (UNKNOWN, Name::new(TRANSFORMED)),
        };
        if kind.as_str() == OPTIONS {
            return self.option_method(fr, recv, rows, name, args, range);
        }
        let waiting = (kind.as_str() == TRANSFORMER).then_some(rows);
        if self.words(fr, "transform-rows").contains(&name) {
            let shown = self.transformed(fr, args, range);
            if let (Some(by), Data::Shown(rows, _)) = (waiting, self.data(shown)) {
                self.transform(fr, *rows, by, range);
            }
            return shown;
        }
        if self.words(fr, "transform-by").contains(&name)
            && let Some(by) = args.positional.first().copied()
        {
            if rows == UNKNOWN || waiting.is_some() {
                return self.v.of(Data::Shown(by, Name::new(TRANSFORMER)));
            }
            self.transform(fr, rows, by, range);
        }
        recv
    }

    /// Each row is shown by a transformer: an object, its class, or a function.
    fn transform(&mut self, fr: &mut Frame<'a>, rows: Val, by: Val, range: Range) {
        if rows == UNKNOWN || rows == NULL {
            return;
        }
        let by = match *self.data(by) {
            Data::Class(_) => self.construct(fr, by, Args::default(), range),
            _ => by,
        };
        match *self.data(by) {
            Data::Object { class, .. } => {
                self.per_row(fr, rows, range, &mut |e, fr, row| e.transform_row(fr, by, class, row, range));
            }
            Data::Closure(..) => {
                self.per_row(fr, rows, range, &mut |e, fr, row| e.call_value(fr, by, Args::positional(vec![row]), range));
            }
            _ => (),
        }
    }

    /// What a transformer reads of a row: in its method, and for each part that it always includes.
    fn transform_row(&mut self, fr: &mut Frame<'a>, by: Val, class: ClassId, row: Val, range: Range) -> Val {
        self.serves(class, row);
        let method = self.word(fr, "transform-method");
        let shown = match self.ix.find_method(class, method) {
            Some(_) => self.call_method(fr, by, method, Args::positional(vec![row]), range),
            None => return UNKNOWN,
        };
        let always = self.word(fr, "transform-always");
        let listed = self.class_attr(class, always);
        let parts = match self.data(listed) {
            Data::Tuple(parts) => parts.to_vec(),
            _ => return shown,
        };
        let pattern = self.word(fr, "transform-part");
        for part in parts {
            let Data::Str(part) = *self.data(part) else { continue };
            let method = Name::new(&super::super::orm::fill(pattern.as_str(), part.as_str()));
            if self.ix.find_method(class, method).is_some() {
                self.call_method(fr, by, method, Args::positional(vec![row]), range);
            }
        }
        shown
    }

    /// A list of options: which rows it takes, and what it reads of each for its label.
    fn option_method(&mut self, fr: &mut Frame<'a>, recv: Val, change: Val, name: Name, args: &Args, range: Range) -> Val {
        if name == self.word(fr, "table-relation") {
            let named = args.named.iter().find(|(n, _)| self.words(fr, "table-modify").contains(n)).map(|(_, v)| *v);
            let change = named.or_else(|| args.positional.get(2).copied()).unwrap_or(NULL);
            return self.v.of(Data::Shown(change, Name::new(OPTIONS)));
        }
        if name == self.word(fr, "option-label")
            && change != UNKNOWN
            && let Some(label) = args.positional.first().copied()
            && let Data::Closure(f, ..) = *self.data(label)
            && let Some(param) = self.ix.function(f).params.first()
        {
            let declared = self.declared_param(f, param, false);
            if let Some(row) = self.bare_row(declared) {
                let at = self.span(fr, range);
                let query = self.start_query(row.model, at);
                let rows = self.v.of(Data::Query(query));
                let rows = self.changed_rows(fr, rows, change, range);
                self.label_each(fr, rows, label, range);
            }
            return recv;
        }
        self.run_callbacks(fr, args, range);
        recv
    }

    /// The rows of a query after a function changed it; what it loads is not known if the function does not say it.
    pub(super) fn changed_rows(&mut self, fr: &mut Frame<'a>, rows: Val, change: Val, range: Range) -> Val {
        if change == NULL {
            return rows;
        }
        let mark = fr.buffer.len();
        let changed = self.call_value(fr, change, Args::positional(vec![rows]), range);
        fr.buffer.truncate(mark);
        match (self.data(changed).clone(), self.data(rows).clone()) {
            (Data::Query(_), _) => changed,
            (_, Data::Query(query)) => {
                let tree = self.v.trees.opened(query.tree);
                self.v.of(Data::Query(Query { tree, ..query }))
            }
            _ => rows,
        }
    }

    /// A function labels each row of a query.
    pub(super) fn label_each(&mut self, fr: &mut Frame<'a>, rows: Val, label: Val, range: Range) {
        let Data::Query(query) = self.data(rows).clone() else { return };
        let row = self.row_of(&query);
        let rows = self.v.many(row, ManyKind::Held);
        self.per_row(fr, rows, range, &mut |e, fr, row| e.call_value(fr, label, Args::positional(vec![row]), range));
    }
}
