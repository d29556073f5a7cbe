//! What do the attributes of a class declare? Values of the body, values that methods give, values added outside.

use std::rc::Rc;

use super::Linker;
use super::dialect::CallKind;
use crate::base::{FileId, Name, Range};
use crate::facts::{Expr, ExprId, FnId, FnKind, Language, Pat, Type};
use crate::index::literal::CallView;
use crate::index::{ClassId, FnRef, ModelId, Symbol};

/// Functions that only wrap a declaration are followed this deep.
const MAX_WRAPPERS: usize = 3;

/// An attribute of a class, from wherever its value comes.
#[derive(Clone, Debug)]
pub(super) struct OwnAttr<'a> {
    pub name: Name,
    pub file: FileId,
    pub range: Range,
    pub value: Option<(FnRef, ExprId)>,
    pub ty: Option<&'a Type>,
}

impl<'a> Linker<'_, 'a, '_> {
    /// Attributes that are assigned to a class outside its body (`Post.tags = relationship(…)`).
    pub(super) fn read_added(&mut self) {
        for (i, facts) in self.index.facts.iter().enumerate() {
            if facts.language != Language::Python {
                continue;
            }
            let at = FnRef { file: FileId(i as u32), id: FnId(0) };
            let Some(function) = facts.functions.first().filter(|f| f.kind == FnKind::File) else {
                continue;
            };
            let body = &function.body;
            for expr in &body.exprs {
                let (base, name, value) = match expr {
                    Expr::Assign { target, value } => match body.pat(*target) {
                        Pat::Attr { base, name } => (*base, *name, *value),
                        _ => continue,
                    },
                    Expr::Call { callee, args } => {
                        let Expr::Attr { base, name, .. } = body.expr(*callee) else {
                            continue;
                        };
                        let is_adding = self.dialects.list.iter().any(|d| d.pack.add_calls.iter().any(|c| c == name.as_str()));
                        let (true, [name, value]) = (is_adding, args.as_slice()) else {
                            continue;
                        };
                        let Some(name) = self.index.literal_text(at, name.value) else {
                            continue;
                        };
                        (*base, name, value.value)
                    }
                    _ => continue,
                };
                if !matches!(body.expr(value), Expr::Call { .. }) {
                    continue;
                }
                if let Symbol::Class(class) = self.index.symbol_of(at, base) {
                    self.added.entry(class).or_default().push((name, body.range(value), at, value));
                }
            }
        }
    }

    /// The attributes that a class itself declares, in order.
    pub(super) fn own_attrs(&mut self, model: ModelId, class: ClassId) -> Rc<Vec<OwnAttr<'a>>> {
        if let Some(known) = self.attrs.get(&class) {
            return Rc::clone(known);
        }
        let index = self.index;
        let file = index.class(class).file;
        let decl = index.class_decl(class);
        let scope = FnRef { file, id: decl.scope };
        let mut attrs: Vec<OwnAttr<'a>> = decl
            .attrs
            .iter()
            .map(|attr| OwnAttr {
                name: attr.name,
                file,
                range: attr.name_range,
                value: attr.value.map(|v| (scope, v)),
                ty: attr.ty.as_ref(),
            })
            .collect();
        let value_methods = &self.pack_of(model).value_methods;
        if !value_methods.is_empty() {
            for method in &decl.methods {
                let at = FnRef { file, id: *method };
                let function = index.function(at);
                let gives_value = function.decorators.iter().any(|d| {
                    short_name(&index.function(scope).body, *d).is_some_and(|n| value_methods.iter().any(|v| v == n.as_str()))
                });
                if gives_value && let Some(value) = index.returned(at).first() {
                    let ty = function.ret.as_ref();
                    attrs.push(OwnAttr { name: function.name, file, range: function.name_range, value: Some((at, *value)), ty });
                }
            }
        }
        for (name, range, at, value) in self.added.get(&class).into_iter().flatten() {
            attrs.push(OwnAttr { name: *name, file: at.file, range: *range, value: Some((*at, *value)), ty: None });
        }
        let attrs = Rc::new(attrs);
        self.attrs.insert(class, Rc::clone(&attrs));
        attrs
    }

    /// What a value declares in the dialect of a model, and the call that does: the value itself, or what a function of
    /// the program returns in its place (`id = primary_key()`).
    pub(super) fn declaring_call(&self, model: ModelId, at: FnRef, value: ExprId) -> Option<(CallKind, CallView<'a>)> {
        let dialect = self.dialect_of(model);
        let mut call = self.index.call_at(at, value)?;
        for _ in 0..MAX_WRAPPERS {
            let Symbol::Function(function) = self.index.symbol_of(call.at, call.callee) else {
                return Some((dialect.call(&self.call_names(&call))?, call));
            };
            let returned = self.index.returned(function).into_iter().find_map(|value| {
                let value = match self.index.function(function).body.expr(value) {
                    Expr::Local(slot) => self.index.local_value(function, *slot)?,
                    _ => value,
                };
                self.index.call_at(function, value)
            });
            call = returned?;
        }
        None
    }

    /// Names that what is called goes by outside the program: its own, or those of the library classes above it.
    pub(super) fn call_names(&self, call: &CallView<'_>) -> Vec<Name> {
        match self.index.symbol_of(call.at, call.callee) {
            Symbol::External(name) => vec![name],
            Symbol::Class(class) => self.index.class(class).external.clone(),
            Symbol::Function(_) => Vec::new(),
            Symbol::Module(_) | Symbol::Variable(..) | Symbol::Unknown => {
                short_name(call.body, call.callee).into_iter().collect()
            }
        }
    }

    /// An option that a class itself gives in its nested class of options.
    pub(super) fn own_option(&self, class: ClassId, option: &str) -> Option<(FnRef, ExprId)> {
        let options = self.options_class(class)?;
        let decl = self.index.class_decl(options);
        let i = self.index.own_attr(options, Name::new(option))?;
        Some((FnRef { file: self.index.class(options).file, id: decl.scope }, decl.attrs[i].value?))
    }

    /// An option that holds for a class: its own, or that of the first abstract parent if it has no options at all.
    pub(super) fn option(&self, class: ClassId, option: &str) -> Option<(FnRef, ExprId)> {
        for ancestor in &self.index.class(class).mro {
            let is_concrete_parent =
                *ancestor != class && self.of_class[ancestor.0 as usize].is_some_and(|m| !self.model(m).is_abstract);
            if is_concrete_parent {
                return None;
            }
            if let Some(options) = self.options_class(*ancestor) {
                let (owner, i) = self.index.find_attr(options, Name::new(option))?;
                let decl = self.index.class_decl(owner);
                return Some((FnRef { file: self.index.class(owner).file, id: decl.scope }, decl.attrs[i].value?));
            }
        }
        None
    }

    fn options_class(&self, class: ClassId) -> Option<ClassId> {
        let model = self.of_class[class.0 as usize]?;
        let name = &self.pack_of(model).options.as_ref()?.class;
        let file = self.index.class(class).file;
        let facts = self.index.file(file);
        let decl = self.index.class_decl(class);
        let ix = decl.nested.iter().find(|ix| facts.classes[ix.0 as usize].name.last_segment() == name)?;
        self.index.class_places.get(&(file, *ix)).copied()
    }
}

/// The last name of what an expression names: `relationship` of `orm.relationship(…)`.
pub(super) fn short_name(body: &crate::facts::Body, expr: ExprId) -> Option<Name> {
    match body.expr(expr) {
        Expr::Attr { name, .. } | Expr::Name(name) => Some(*name),
        Expr::Class(name) => Some(Name::new(name.last_segment())),
        Expr::Local(slot) => Some(body.slots[slot.0 as usize]),
        Expr::Call { callee, .. } | Expr::New { class: callee, .. } => match body.expr(*callee) {
            Expr::Call { .. } | Expr::New { .. } => None,
            _ => short_name(body, *callee),
        },
        _ => None,
    }
}
