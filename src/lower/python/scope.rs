//! Which variable does a name mean?
//!
//! A name that a function binds anywhere is its local. Reads that come before the binding are remembered and settled when
//! the function ends; what is still free then is asked of the functions around it when *they* end, and taken as a capture
//! through every function between. Class bodies and the file give no captures.

use rustc_hash::FxHashMap;

use crate::base::{Name, Range};
use crate::facts::{Body, Capture, ClassIx, Expr, ExprId, FnId, FnKind, FunctionDecl, Slot};

use super::Lowering;

/// A function while its body is lowered.
pub(super) struct Frame {
    /// Its number.
    pub id: FnId,
    /// Its name, for the names of classes in it.
    pub name: Name,
    /// What it is.
    pub kind: FnKind,
    /// The class whose body or method it is.
    pub class: Option<ClassIx>,
    /// What was lowered so far.
    pub body: Body,
    /// Saw `yield`.
    pub is_generator: bool,
    /// Reads now stand outside of the function (defaults, decorators): its own names are not seen.
    pub is_outside: bool,
    /// Names bound now are targets of a comprehension.
    pub binds_comprehension: bool,
    /// First parameter, if it is a method.
    pub receiver: Option<Name>,
    names: FxHashMap<Name, Slot>,
    globals: Vec<Name>,
    comprehensions: Vec<(Name, Slot)>,
    pending: Vec<(Name, ExprId)>,
    around: Vec<(Name, ExprId)>,
    nonlocals: Vec<(Name, Slot)>,
    children: Vec<(Name, FnId)>,
    children_around: Vec<(Name, FnId)>,
    is_in_function: bool,
}

/// A name that a finished function needs from the functions around it.
pub(super) struct Need {
    name: Name,
    reads: Vec<ExprId>,
    children: Vec<FnId>,
    slot: Option<Slot>,
    by_ref: bool,
}

/// Length of the stack of comprehension targets, to be given back when the comprehension ends.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Frame {
    /// A function of which nothing was read yet.
    pub fn new(id: FnId, name: Name, kind: FnKind, class: Option<ClassIx>) -> Frame {
        Frame {
            id,
            name,
            kind,
            class,
            body: Body::default(),
            is_generator: false,
            is_outside: false,
            binds_comprehension: false,
            receiver: None,
            names: FxHashMap::default(),
            globals: Vec::new(),
            comprehensions: Vec::new(),
            pending: Vec::new(),
            around: Vec::new(),
            nonlocals: Vec::new(),
            children: Vec::new(),
            children_around: Vec::new(),
            is_in_function: false,
        }
    }

    fn gives_captures(&self) -> bool {
        matches!(self.kind, FnKind::Function | FnKind::Method | FnKind::Closure)
    }

    fn comprehension_slot(&self, name: Name) -> Option<Slot> {
        self.comprehensions.iter().rev().find(|(n, _)| *n == name).map(|(_, slot)| *slot)
    }
}

/// What a function that ends needs, by name, in the order of first use.
#[derive(Default)]
struct Needs {
    list: Vec<Need>,
    index: FxHashMap<Name, usize>,
}

impl Needs {
    fn of(&mut self, name: Name) -> &mut Need {
        let at = *self.index.entry(name).or_insert(self.list.len());
        if at == self.list.len() {
            self.list.push(Need { name, reads: Vec::new(), children: Vec::new(), slot: None, by_ref: false });
        }
        &mut self.list[at]
    }
}

impl Lowering<'_> {
    /// Adds a function of which only its kind and name are known.
    pub(super) fn declare(&mut self, kind: FnKind, name: Name, class: Option<ClassIx>, parent: Option<FnId>) -> FnId {
        self.functions.push(FunctionDecl {
            name,
            name_range: Range::default(),
            range: Range::default(),
            kind,
            class,
            parent,
            params: Vec::new(),
            ret: None,
            is_static: false,
            is_classmethod: false,
            is_abstract: false,
            is_private: false,
            is_async: false,
            is_generator: false,
            decorators: Vec::new(),
            captures: Vec::new(),
            body: Body::default(),
        });
        self.needs.push(Vec::new());
        FnId(self.functions.len() as u32 - 1)
    }

    /// Starts a function: reads, bindings and expressions are its own until [`Lowering::leave`].
    pub(super) fn enter(&mut self, kind: FnKind, name: Name, class: Option<ClassIx>) -> FnId {
        let id = self.declare(kind, name, class, Some(self.top.id));
        let mut frame = Frame::new(id, name, kind, class);
        frame.is_in_function = self.top.gives_captures() || self.top.is_in_function || !self.top.comprehensions.is_empty();
        self.outer.push(std::mem::replace(&mut self.top, frame));
        id
    }

    /// Ends the innermost function and stores its body.
    pub(super) fn leave(&mut self) {
        let around = self.outer.pop().unwrap_or_else(|| Frame::new(FnId(0), Name::empty(), FnKind::File, None));
        let mut frame = std::mem::replace(&mut self.top, around);
        let id = frame.id;
        let mut needs = Needs::default();
        for (name, expr) in &frame.pending {
            if let Some(slot) = frame.names.get(name) {
                frame.body.exprs[expr.0 as usize] = Expr::Local(*slot);
            } else if frame.is_in_function && !frame.globals.contains(name) {
                needs.of(*name).reads.push(*expr);
            }
        }
        if frame.is_in_function {
            for (name, expr) in &frame.around {
                needs.of(*name).reads.push(*expr);
            }
            for (name, slot) in &frame.nonlocals {
                let need = needs.of(*name);
                need.slot = Some(*slot);
                need.by_ref = true;
            }
        }
        let decl = &mut self.functions[id.0 as usize];
        decl.is_generator = frame.is_generator;
        decl.body = std::mem::take(&mut frame.body);
        let gives = frame.gives_captures();
        let inside = frame.children.iter().map(|(name, child)| (*name, *child, gives));
        let outside = frame.children_around.iter().map(|(name, child)| (*name, *child, false));
        for (name, child, may_give) in inside.chain(outside) {
            if may_give && frame.globals.contains(&name) {
                continue;
            }
            if let Some(slot) = frame.names.get(&name).filter(|_| may_give) {
                self.capture(child, name, *slot);
            } else if frame.is_in_function {
                let by_ref = self.needs[child.0 as usize].iter().any(|n| n.name == name && n.by_ref);
                let need = needs.of(name);
                need.children.push(child);
                need.by_ref |= by_ref;
            }
        }
        let names: Vec<Name> = needs.list.iter().map(|n| n.name).collect();
        self.needs[id.0 as usize] = needs.list;
        for name in names {
            if let Some(slot) = self.top.comprehension_slot(name) {
                self.capture(id, name, slot);
            } else if self.top.is_outside {
                self.top.children_around.push((name, id));
            } else {
                self.top.children.push((name, id));
            }
        }
    }

    /// Gives a finished function, and through it its own nested functions, the variable of the function around it.
    fn capture(&mut self, id: FnId, name: Name, outer: Slot) {
        let mut work = vec![(id, outer)];
        while let Some((id, outer)) = work.pop() {
            let needs = &mut self.needs[id.0 as usize];
            let Some(at) = needs.iter().position(|n| n.name == name) else {
                continue;
            };
            let need = needs.swap_remove(at);
            let decl = &mut self.functions[id.0 as usize];
            let inner = need.slot.unwrap_or_else(|| {
                decl.body.slots.push(name);
                Slot(decl.body.slots.len() as u32 - 1)
            });
            decl.captures.push(Capture { outer, inner, by_ref: need.by_ref });
            for read in need.reads {
                decl.body.exprs[read.0 as usize] = Expr::Local(inner);
            }
            work.extend(need.children.into_iter().rev().map(|child| (child, inner)));
        }
    }

    /// Reads a name.
    pub(super) fn read(&mut self, name: Name, range: Range) -> ExprId {
        let frame = &mut self.top;
        let mut slot = frame.comprehension_slot(name);
        if slot.is_none() && !frame.is_outside {
            slot = frame.names.get(&name).copied();
        }
        if let Some(slot) = slot {
            return frame.body.push(Expr::Local(slot), range);
        }
        let id = frame.body.push(Expr::Name(name), range);
        if !frame.is_outside {
            frame.pending.push((name, id));
        } else if frame.is_in_function {
            frame.around.push((name, id));
        }
        id
    }

    /// The local that an assignment to a name sets; `None` where it is declared `global`.
    pub(super) fn bind(&mut self, name: Name) -> Option<Slot> {
        let frame = &mut self.top;
        if frame.binds_comprehension {
            let slot = self.fresh(name);
            self.top.comprehensions.push((name, slot));
            return Some(slot);
        }
        if let Some(slot) = frame.names.get(&name) {
            return Some(*slot);
        }
        if frame.globals.contains(&name) {
            return None;
        }
        let slot = self.fresh(name);
        self.top.names.insert(name, slot);
        Some(slot)
    }

    /// A new local that no name finds.
    pub(super) fn fresh(&mut self, name: Name) -> Slot {
        self.top.body.slots.push(name);
        Slot(self.top.body.slots.len() as u32 - 1)
    }

    /// `global x`.
    pub(super) fn declare_global(&mut self, name: Name) {
        if self.top.kind != FnKind::File && !self.top.names.contains_key(&name) {
            self.top.globals.push(name);
        }
    }

    /// `nonlocal x`.
    pub(super) fn declare_nonlocal(&mut self, name: Name) {
        if self.top.gives_captures() && !self.top.names.contains_key(&name) {
            let slot = self.fresh(name);
            self.top.names.insert(name, slot);
            self.top.nonlocals.push((name, slot));
        }
    }

    /// Before the clauses of a comprehension.
    pub(super) fn comprehension_mark(&self) -> Mark {
        Mark(self.top.comprehensions.len())
    }

    /// After its element.
    pub(super) fn end_comprehension(&mut self, mark: Mark) {
        self.top.comprehensions.truncate(mark.0);
    }
}
