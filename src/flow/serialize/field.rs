//! Which fields does a serializer or schema declare, and with what?

use std::rc::Rc;

use super::super::call::Args;
use super::super::value::{Data, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::facts::{Body, Expr, ExprId, Spread};
use crate::index::ClassId;

/// A field that a class body declares by a call.
#[derive(Debug)]
pub(in super::super) struct Field<'a> {
    /// Its name.
    pub(super) name: Name,
    /// Class that declares it.
    pub(super) owner: ClassId,
    /// Where, within the file of the owner.
    pub(super) range: Range,
    /// What is called: a class of a library or of the program.
    pub(super) callee: Val,
    /// With what.
    pub(super) args: Args,
    /// The expressions of the arguments given by name.
    pub(super) named: Vec<(Name, ExprId)>,
    /// The class and first argument of a call that is an argument: the element of a list.
    pub(super) inner: Option<(Name, Option<Val>)>,
    /// Body in which they stand.
    pub(super) body: &'a Body,
}

impl<'a> Field<'a> {
    /// An argument by name.
    pub(super) fn named(&self, name: Name) -> Option<Val> {
        self.args.named.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// Range of an argument by name.
    pub(super) fn named_range(&self, name: Name) -> Option<Range> {
        self.named.iter().find(|(n, _)| *n == name).map(|(_, e)| self.body.range(*e))
    }
}

impl<'a> Engine<'a> {
    /// The fields that a class and its ancestors declare, nearest first.
    pub(super) fn fields_of(&mut self, class: ClassId) -> Rc<Vec<Field<'a>>> {
        if let Some(fields) = self.declared_fields.get(&class) {
            return fields.clone();
        }
        self.declared_fields.insert(class, Rc::new(Vec::new()));
        let mut fields: Vec<Field<'a>> = Vec::new();
        for owner in self.ix.class(class).mro.clone() {
            let decl = self.ix.class_decl(owner);
            for (i, attr) in decl.attrs.iter().enumerate() {
                // Of several in one body the last counts.
                let is_replaced = decl.attrs[i + 1..].iter().any(|later| later.name == attr.name);
                if is_replaced || fields.iter().any(|f| f.name == attr.name) {
                    continue;
                }
                let Some(value) = attr.value else { continue };
                let mut fr = self.class_frame(owner);
                let body = fr.body;
                let Expr::Call { callee, args } = body.expr(value) else {
                    continue;
                };
                self.class_names_in_scope(&mut fr, owner);
                let target = self.expr(&mut fr, *callee);
                let target = self.field_of_instance(target);
                if !matches!(self.data(target), Data::External(_) | Data::Class(_)) {
                    continue;
                }
                let named = args.iter().filter_map(|a| a.name.map(|n| (n, a.value))).collect();
                let given = self.args(&mut fr, args);
                let inner = args.first().and_then(|a| match body.expr(a.value) {
                    Expr::Call { callee, args } => Some((*callee, args.first().map(|a| a.value))),
                    _ => None,
                });
                let inner = inner.and_then(|(callee, first)| {
                    let callee = self.expr(&mut fr, callee);
                    let callee = self.field_of_instance(callee);
                    let first = first.map(|e| self.expr(&mut fr, e));
                    match self.data(callee) {
                        Data::External(name) => Some((*name, first)),
                        _ => None,
                    }
                });
                fields.push(Field {
                    name: attr.name,
                    owner,
                    range: attr.name_range,
                    callee: target,
                    args: given,
                    named,
                    inner,
                    body,
                });
            }
        }
        let fields = Rc::new(fields);
        self.declared_fields.insert(class, fields.clone());
        fields
    }

    /// `ma.Nested`: a class of fields that an object of a library gives.
    fn field_of_instance(&mut self, callee: Val) -> Val {
        match *self.data(callee) {
            Data::Method(recv, name) => match *self.data(recv) {
                Data::Instance(of) => self.v.of(Data::External(Name::new(&format!("{of}.{name}")))),
                _ => callee,
            },
            _ => callee,
        }
    }

    /// Names that the module of a class body gives, as locals of it.
    fn class_names_in_scope(&mut self, fr: &mut Frame<'a>, class: ClassId) {
        for i in 0..fr.body.slots.len() {
            let name = fr.body.slots[i];
            fr.locals[i] = if self.ix.find_attr(class, name).is_some() {
                self.class_attr(class, name)
            } else {
                let symbol = self.ix.resolve_name(fr.file, fr.f.id, name);
                self.symbol(symbol)
            };
        }
    }

    /// The class nested in another under a name, its own or inherited.
    pub(super) fn nested_class(&mut self, class: ClassId, name: Name) -> Option<ClassId> {
        for owner in self.ix.class(class).mro.clone() {
            let val = self.class_attr(owner, name);
            if let Data::Class(c) = *self.data(val) {
                return Some(c);
            }
        }
        None
    }

    /// The texts that a class attribute lists, each with the class and place where it stands.
    pub(super) fn listed(&mut self, class: ClassId, attr: Name) -> Option<Vec<Listed>> {
        let (owner, i) = self.ix.find_attr(class, attr)?;
        let decl = self.ix.class_decl(owner);
        let value = decl.attrs[i].value?;
        let mut out = Vec::new();
        let mut fr = self.class_frame(owner);
        self.class_names_in_scope(&mut fr, owner);
        self.list_of(&mut fr, owner, value, &mut out, 0);
        Some(out)
    }

    fn list_of(&mut self, fr: &mut Frame<'a>, owner: ClassId, e: ExprId, out: &mut Vec<Listed>, depth: usize) {
        if depth > 20 {
            return;
        }
        let body = fr.body;
        let range = body.range(e);
        match body.expr(e) {
            Expr::Seq { items, .. } => {
                for item in items {
                    if item.spread == Spread::No && !matches!(body.expr(item.value), Expr::Str(_)) {
                        let val = self.expr(fr, item.value);
                        out.push(Listed { val, owner, range: body.range(item.value) });
                    } else {
                        self.list_of(fr, owner, item.value, out, depth + 1);
                    }
                }
            }
            Expr::Binary { left, right, .. } => {
                self.list_of(fr, owner, *left, out, depth + 1);
                self.list_of(fr, owner, *right, out, depth + 1);
            }
            Expr::Str(s) => {
                let val = self.v.str(*s);
                out.push(Listed { val, owner, range });
            }
            Expr::Attr { base, name, .. } => {
                let object = self.expr(fr, *base);
                if let Data::Class(other) = *self.data(object)
                    && let Some(more) = self.listed(other, *name)
                {
                    out.extend(more);
                }
            }
            Expr::Call { args, .. } if args.len() == 1 => self.list_of(fr, owner, args[0].value, out, depth + 1),
            _ => {
                let val = self.expr(fr, e);
                if let Data::Tuple(items) = self.data(val).clone() {
                    out.extend(items.iter().map(|val| Listed { val: *val, owner, range }));
                }
            }
        }
    }

    /// Reads a dotted path of a row as serializers do: what can be called is called.
    pub(super) fn read_called(&mut self, fr: &mut Frame<'a>, object: Val, path: &str, at: Range) -> Val {
        let mut val = object;
        // Inside the quotes of a text each name has a place of its own.
        let exact = at.end.saturating_sub(at.start) as usize == path.len() + 2;
        let mut start = at.start + 1;
        for part in path.split('.') {
            let name = Name::new(part);
            let here = if exact { Range { start, end: start + part.len() as u32 } } else { at };
            start += part.len() as u32 + 1;
            if !matches!(self.data(val), Data::Row(_) | Data::OneOf(_) | Data::Record(..) | Data::Object { .. } | Data::Query(_))
            {
                return UNKNOWN;
            }
            val = self.lookup(fr, val, name, true, here);
        }
        val
    }
}

/// One entry of a list that a class attribute holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) val: Val,
    pub(super) owner: ClassId,
    pub(super) range: Range,
}
