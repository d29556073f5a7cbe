//! Values as text: for `ormlint dump flow`, where the reader asks why something was or was not reported.

use super::value::{Data, ManyKind, NO_LOOP, Source, Val, flag};
use super::{Engine, Frame};
use crate::base::{Name, Range};

/// How deep values are described.
const DEPTH: usize = 4;

impl<'a> Engine<'a> {
    /// Notes what an attribute was read on, if this file is being traced.
    pub(super) fn trace(&mut self, fr: &Frame<'a>, object: Val, name: Name, range: Range) {
        if self.traced != Some(fr.file) {
            return;
        }
        let mut line = format!("{} on {}", name, self.describe(object, DEPTH));
        if let Data::Row(row) = self.data(object)
            && self.ix.model(row.model).relations.contains_key(&name)
        {
            let state = self.v.trees.state(row.tree, name);
            line.push_str(&format!(": {state:?}"));
            if row.renewed_by == NO_LOOP {
                line.push_str(", the same row in every turn");
            }
        }
        self.trace_lines.insert((range, line));
    }

    /// A value as text.
    pub(super) fn describe(&self, val: Val, depth: usize) -> String {
        if depth == 0 {
            return "…".to_owned();
        }
        match self.data(val) {
            Data::Unknown | Data::Unset => "unknown".to_owned(),
            Data::Null => "null".to_owned(),
            Data::Scalar => "scalar".to_owned(),
            Data::Bool(b) => b.to_string(),
            Data::Str(s) => format!("{:?}", s.as_str()),
            Data::Int(i) => i.to_string(),
            Data::Class(c) => format!("class {}", self.ix.class(*c).name),
            Data::ModelClass(m) => format!("class {}", self.ix.model(*m).name),
            Data::External(n) => format!("external {n}"),
            Data::Instance(n) => format!("instance of {n}"),
            Data::Module(f) => format!("module {}", self.ix.sources.file(*f).path),
            Data::Function(f) => format!("function {}", self.ix.function(*f).name),
            Data::Closure(..) => "closure".to_owned(),
            Data::Method(v, n) => format!("method {n} of {}", self.describe(*v, depth - 1)),
            Data::Super(..) => "super".to_owned(),
            Data::Object { class, fields, .. } => {
                let fields: Vec<String> = fields.iter().map(|(n, v)| format!("{n}: {}", self.describe(*v, depth - 1))).collect();
                format!("object {} {{{}}}", self.ix.class(*class).name, fields.join(", "))
            }
            Data::Row(row) => {
                let from = match self.v.root_source(row.src) {
                    (Source::Query(_), path) if path.is_empty() => String::new(),
                    (Source::Query(_), path) => format!(" by {}", join(&path)),
                    (Source::Declared(_), _) => " declared".to_owned(),
                    (Source::Fresh(_), _) => " fresh".to_owned(),
                    (Source::Ambient, _) => " of the request".to_owned(),
                    (Source::Relation(..), _) => String::new(),
                };
                let each = if row.renewed_by == NO_LOOP { "" } else { " per turn" };
                format!("row of {}{from}{each} [{}]", self.ix.model(row.model).name.last_segment(), self.v.trees.print(row.tree))
            }
            Data::Query(q) => {
                let model = q.model.map_or("?", |m| self.ix.model(m).name.last_segment());
                let filtered = if q.flags & flag::FILTERED == 0 { "" } else { " filtered" };
                format!("query of {model}{filtered} [{}]", self.v.trees.print(q.tree))
            }
            Data::Many(e, kind) => {
                let kind = match kind {
                    ManyKind::Held => "many",
                    ManyKind::Lazy => "many, lazily",
                    ManyKind::Literal => "few",
                    ManyKind::Groups => "groups",
                };
                format!("{kind}: {}", self.describe(*e, depth - 1))
            }
            Data::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|v| self.describe(*v, depth - 1)).collect();
                format!("({})", items.join(", "))
            }
            Data::Record(keys, rest) => {
                let mut parts: Vec<String> = keys.iter().map(|(n, v)| format!("{n}: {}", self.describe(*v, depth - 1))).collect();
                if let Some(r) = rest {
                    parts.push(format!("other: {}", self.describe(*r, depth - 1)));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Data::View { names, .. } => format!("view {}", join(names)),
            Data::Condition(_) => "condition".to_owned(),
            Data::Attribute(m, n) => {
                format!("attribute {}.{n}", self.ix.model(*m).name.last_segment())
            }
            Data::Load(load) => {
                let paths: Vec<String> = load.paths.iter().map(|p| join(p)).collect();
                format!("eager load of {}", paths.join(", "))
            }
            Data::Shown(v, n) => format!("{n} rows of {}", self.describe(*v, depth - 1)),
            Data::Proxy(v, n) => format!("{n} of each of {}", self.describe(*v, depth - 1)),
            Data::OneOf(all) => {
                let all: Vec<String> = all.iter().map(|v| self.describe(*v, depth - 1)).collect();
                all.join(" or ")
            }
        }
    }
}

fn join(path: &[Name]) -> String {
    path.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(".")
}
