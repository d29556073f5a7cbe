//! Which function of a template is being written, and which variables does it have?

use rustc_hash::{FxHashMap, FxHashSet};

use crate::base::{Name, Range};
use crate::facts::{Body, FnId, FnKind, FunctionDecl, Param, Slot, StmtId};

/// A function that is being written.
pub struct Scope {
    /// Its number.
    pub id: FnId,
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_range: Range,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its code.
    pub body: Body,
    /// Its variables by name.
    pub slots: FxHashMap<Name, Slot>,
    /// Variables that it binds itself.
    pub bound: FxHashSet<Slot>,
    /// How deep each expression nests.
    pub heights: Vec<u16>,
    /// Statements of the open blocks, outermost first.
    pub pending: Vec<StmtId>,
}

impl Scope {
    /// A function without code.
    pub fn new(id: FnId, name: Name, name_range: Range) -> Scope {
        Scope {
            id,
            name,
            name_range,
            params: Vec::new(),
            body: Body::default(),
            slots: FxHashMap::default(),
            bound: FxHashSet::default(),
            heights: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// The function, its code complete.
    pub fn declaration(self, kind: FnKind, range: Range) -> FunctionDecl {
        FunctionDecl {
            name: self.name,
            name_range: self.name_range,
            range,
            kind,
            class: None,
            parent: None,
            params: self.params,
            ret: None,
            is_static: false,
            is_classmethod: false,
            is_abstract: false,
            is_private: false,
            is_async: false,
            is_generator: false,
            decorators: Vec::new(),
            captures: Vec::new(),
            body: self.body,
        }
    }
}
