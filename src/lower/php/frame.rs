//! What does lowering remember of the function that it is in?

use rustc_hash::FxHashMap;

use crate::base::Name;
use crate::facts::{Body, Capture, FnId, Slot};

/// Up to so many locals are found faster by looking at each than by hashing.
const FEW: usize = 12;

pub(super) struct Frame<'t> {
    pub(super) id: FnId,
    pub(super) body: Body,
    pub(super) captures: Vec<Capture>,
    pub(super) is_generator: bool,
    /// Takes the variables that it does not have from the function around it.
    pub(super) is_arrow: bool,
    /// Names that a `global` statement took from the file.
    pub(super) globals: Vec<&'t str>,
    names: Vec<&'t str>,
    by_name: FxHashMap<&'t str, Slot>,
}

impl<'t> Frame<'t> {
    pub(super) fn new(id: FnId, is_arrow: bool) -> Frame<'t> {
        Frame {
            id,
            body: Body::default(),
            captures: Vec::new(),
            is_generator: false,
            is_arrow,
            globals: Vec::new(),
            names: Vec::new(),
            by_name: FxHashMap::default(),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        if self.names.len() <= FEW {
            let i = self.names.iter().position(|known| *known == name)?;
            return Some(Slot(i as u32));
        }
        self.by_name.get(name).copied()
    }

    /// A new local; its name must be new, too.
    pub(super) fn add(&mut self, name: &'t str) -> Slot {
        let slot = Slot(self.names.len() as u32);
        self.names.push(name);
        self.body.slots.push(Name::new(name));
        if self.names.len() == FEW + 1 {
            let all = self.names.iter().enumerate();
            self.by_name = all.map(|(i, n)| (*n, Slot(i as u32))).collect();
        } else if self.names.len() > FEW {
            self.by_name.insert(name, slot);
        }
        slot
    }

    pub(super) fn is_global(&self, name: &str) -> bool {
        self.globals.contains(&name)
    }
}
