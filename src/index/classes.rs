//! Who inherits from whom, and which member does a class answer with?
//!
//! In: class declarations and what names mean. Out: lookup orders, ancestors outside the program, members by name.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Class, ClassId, FnRef, ProjectIndex, Symbol};
use crate::base::{FileId, Name};
use crate::facts::{ClassIx, Expr, ExprId, FnId, FnKind, FunctionDecl, Language, Stmt, Type};

/// Inheritance deeper than this is a cycle or generated code.
const MAX_ANCESTRY: usize = 100;

/// Tables of class members.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassTable {
    /// Direct ancestors inside the program, in lookup order.
    parents: Vec<Vec<ClassId>>,
    /// Direct ancestors outside the program.
    outside: Vec<Vec<Name>>,
    /// Methods by class and name; PHP names also in lower case.
    methods: FxHashMap<(ClassId, Name), FnRef>,
    /// Attributes by class and name: index in the declaration.
    attrs: FxHashMap<(ClassId, Name), usize>,
}

/// The lower-case key of a PHP name.
pub(crate) fn folded(name: Name) -> Name {
    name.folded()
}

/// Registers all classes and PHP functions by name and place.
pub(crate) fn register(index: &mut ProjectIndex<'_>) {
    for (at, facts) in index.facts.iter().enumerate() {
        let file = FileId(at as u32);
        let module = index.module_names.get(at).copied().unwrap_or_else(Name::empty);
        for (i, decl) in facts.classes.iter().enumerate() {
            let id = ClassId(index.classes.len() as u32);
            let ix = ClassIx(i as u32);
            let name = if facts.language == Language::Python && !module.is_empty() {
                Name::new(&format!("{module}.{}", decl.name))
            } else {
                decl.name
            };
            let key = if facts.language == Language::Python { name } else { folded(name) };
            index.class_names.entry(key).or_insert(id);
            index.class_places.insert((file, ix), id);
            index.classes.push(Class {
                file,
                ix,
                name,
                mro: Vec::new(),
                external: Vec::new(),
                descendants: Vec::new(),
                model: None,
            });
        }
        if facts.language == Language::Python {
            continue;
        }
        for (i, function) in facts.functions.iter().enumerate() {
            if function.kind == FnKind::Function && !function.name.is_empty() {
                let place = FnRef { file, id: FnId(i as u32) };
                index.function_names.entry(folded(function.name)).or_insert(place);
            }
        }
    }
}

/// Links every class with its ancestors. `outer_ancestry` gives the known ancestors of names outside the program.
pub(crate) fn link(index: &mut ProjectIndex<'_>, outer_ancestry: &dyn Fn(Name) -> Vec<Name>) {
    let count = index.classes.len();
    let mut table = ClassTable { parents: Vec::with_capacity(count), ..ClassTable::default() };
    for at in 0..count {
        let id = ClassId(at as u32);
        let (parents, outside) = direct_ancestors(index, id);
        table.parents.push(parents);
        table.outside.push(outside);
        read_members(index, id, &mut table);
    }
    // `Base = declarative_base(cls=Base)`: whoever names the class means what the library made of it.
    #[allow(clippy::iter_over_hash_type)]
    for (name, class) in &index.tables.given_bases {
        let outside = &mut table.outside[class.0 as usize];
        if !outside.contains(name) {
            outside.push(*name);
            outside.sort_unstable();
        }
    }
    let mut orders: Vec<Option<Vec<ClassId>>> = vec![None; count];
    for at in 0..count {
        order_of(index, &table, ClassId(at as u32), &mut orders, 0);
    }
    for (at, order) in orders.into_iter().enumerate() {
        let id = ClassId(at as u32);
        let mro = order.unwrap_or_else(|| vec![id]);
        let mut external: Vec<Name> = Vec::new();
        let mut seen: FxHashSet<Name> = FxHashSet::default();
        for class in &mro {
            for name in &table.outside[class.0 as usize] {
                if seen.insert(*name) {
                    external.push(*name);
                }
            }
        }
        let mut next = 0;
        while next < external.len() && external.len() < MAX_ANCESTRY {
            for name in outer_ancestry(external[next]) {
                if seen.insert(name) {
                    external.push(name);
                }
            }
            next += 1;
        }
        for ancestor in mro.iter().skip(1) {
            index.classes[ancestor.0 as usize].descendants.push(id);
        }
        let class = &mut index.classes[at];
        class.mro = mro;
        class.external = external;
    }
    index.tables.classes = table;
}

/// Direct ancestors: inside the program, and the names of those outside.
fn direct_ancestors(index: &ProjectIndex<'_>, id: ClassId) -> (Vec<ClassId>, Vec<Name>) {
    let class = index.class(id);
    let decl = index.class_decl(id);
    let facts = index.file(class.file);
    let scope = facts.functions[decl.scope.0 as usize].parent.unwrap_or(FnId(0));
    let mut parents = Vec::new();
    let mut outside = Vec::new();
    let mut add = |symbol: Symbol| match symbol {
        Symbol::Class(parent) if parent != id && !parents.contains(&parent) => parents.push(parent),
        Symbol::External(name) if !outside.contains(&name) => {
            outside.push(name);
            if let Some(given) = index.tables.given_bases.get(&name).filter(|g| **g != id && !parents.contains(g)) {
                parents.push(*given);
            }
        }
        _ => {}
    };
    if facts.language == Language::Python {
        for base in &decl.bases {
            let (Type::Named(name) | Type::Apply(name, _)) = base else {
                continue;
            };
            add(index.followed(index.resolve_dotted(class.file, scope, name.as_str())));
        }
        // Bases that are calls stand among the keywords, without a name.
        for (keyword, value) in &decl.keywords {
            if keyword.is_empty() {
                for symbol in index.bases_of_call(FnRef { file: class.file, id: decl.scope }, *value) {
                    add(symbol);
                }
            }
        }
    } else {
        for name in &decl.traits {
            add(index.resolve_dotted(class.file, scope, name.as_str()));
        }
        for base in &decl.bases {
            let (Type::Named(name) | Type::Apply(name, _)) = base else {
                continue;
            };
            add(index.resolve_dotted(class.file, scope, name.as_str()));
        }
    }
    (parents, outside)
}

/// Methods and attributes of one class.
fn read_members(index: &ProjectIndex<'_>, id: ClassId, table: &mut ClassTable) {
    let class = index.class(id);
    let decl = index.class_decl(id);
    let facts = index.file(class.file);
    let is_python = facts.language == Language::Python;
    for method in &decl.methods {
        let function = &facts.functions[method.0 as usize];
        let place = FnRef { file: class.file, id: *method };
        if is_python {
            let is_known = table.methods.contains_key(&(id, function.name));
            if is_known && is_later_part(index, class.file, function) || is_for_types(index, class.file, function) {
                continue;
            }
            table.methods.insert((id, function.name), place);
        } else {
            table.methods.insert((id, function.name), place);
            table.methods.entry((id, folded(function.name))).or_insert(place);
        }
    }
    for (i, attr) in decl.attrs.iter().enumerate() {
        table.attrs.insert((id, attr.name), i);
    }
}

/// `if TYPE_CHECKING: def live(self) -> Posts: ...`: what the class answers with stands elsewhere.
fn is_for_types(index: &ProjectIndex<'_>, file: FileId, function: &FunctionDecl) -> bool {
    let Some(parent) = function.parent else { return false };
    let body = &index.file(file).functions[parent.0 as usize].body;
    body.stmts.iter().zip(&body.stmt_ranges).any(|(stmt, range)| match stmt {
        Stmt::If { cond, otherwise, .. } => {
            let name = match body.expr(*cond) {
                Expr::Name(name) | Expr::Attr { name, .. } => name.as_str(),
                Expr::Local(slot) => body.slots[slot.0 as usize].as_str(),
                _ => "",
            };
            name == "TYPE_CHECKING" && otherwise.is_empty() && range.contains(function.range)
        }
        _ => false,
    })
}

/// `@x.setter def x`: a part added to a property that a method of this name began.
fn is_later_part(index: &ProjectIndex<'_>, file: FileId, function: &FunctionDecl) -> bool {
    let Some(parent) = function.parent else {
        return false;
    };
    let body = &index.file(file).functions[parent.0 as usize].body;
    function.decorators.iter().any(|decorator| {
        let mut at = *decorator;
        let mut has_attr = false;
        for _ in 0..MAX_ANCESTRY {
            match body.expr(at) {
                Expr::Attr { base, .. } => {
                    has_attr = true;
                    at = *base;
                }
                Expr::Call { callee, .. } => at = *callee,
                Expr::Name(name) => return has_attr && *name == function.name,
                Expr::Local(slot) => {
                    return has_attr && body.slots[slot.0 as usize] == function.name;
                }
                _ => return false,
            }
        }
        false
    })
}

/// Computes the lookup order of a class and of its ancestors.
fn order_of(
    index: &ProjectIndex<'_>,
    table: &ClassTable,
    id: ClassId,
    orders: &mut Vec<Option<Vec<ClassId>>>,
    depth: usize,
) -> Vec<ClassId> {
    if let Some(order) = &orders[id.0 as usize] {
        return order.clone();
    }
    if depth > MAX_ANCESTRY {
        return vec![id];
    }
    // A class met again while its order is being made is its own ancestor: it stands for itself alone.
    orders[id.0 as usize] = Some(vec![id]);
    let parents = &table.parents[id.0 as usize];
    let parent_orders: Vec<Vec<ClassId>> = parents.iter().map(|p| order_of(index, table, *p, orders, depth + 1)).collect();
    let is_python = index.file(index.class(id).file).language == Language::Python;
    let order = if is_python {
        linearize(id, parents, &parent_orders).unwrap_or_else(|| depth_first(id, &parent_orders))
    } else {
        depth_first(id, &parent_orders)
    };
    orders[id.0 as usize] = Some(order.clone());
    order
}

/// Each ancestor with its own order, first come first served.
fn depth_first(id: ClassId, parent_orders: &[Vec<ClassId>]) -> Vec<ClassId> {
    let mut seen: FxHashSet<ClassId> = FxHashSet::default();
    std::iter::once(id).chain(parent_orders.iter().flatten().copied()).filter(|c| seen.insert(*c)).collect()
}

/// Python's own order (C3). `None` where the declarations contradict each other.
fn linearize(id: ClassId, parents: &[ClassId], parent_orders: &[Vec<ClassId>]) -> Option<Vec<ClassId>> {
    let mut lists: Vec<&[ClassId]> = parent_orders.iter().map(Vec::as_slice).collect();
    lists.push(parents);
    let mut order = vec![id];
    loop {
        lists.retain(|l| !l.is_empty());
        if lists.is_empty() {
            return Some(order);
        }
        let head = lists.iter().map(|l| l[0]).find(|head| lists.iter().all(|l| !l[1..].contains(head)))?;
        if head == id {
            return None;
        }
        order.push(head);
        for list in &mut lists {
            if list[0] == head {
                *list = &list[1..];
            }
        }
    }
}

impl ProjectIndex<'_> {
    fn is_php(&self, class: ClassId) -> bool {
        self.file(self.class(class).file).language != Language::Python
    }

    /// The method that a class itself declares.
    pub fn own_method(&self, class: ClassId, name: Name) -> Option<FnRef> {
        let methods = &self.tables.classes.methods;
        let exact = methods.get(&(class, name)).copied();
        if exact.is_some() || !self.is_php(class) {
            return exact;
        }
        methods.get(&(class, folded(name))).copied()
    }

    /// The attribute that a class itself declares: its index in the declaration.
    pub fn own_attr(&self, class: ClassId, name: Name) -> Option<usize> {
        self.tables.classes.attrs.get(&(class, name)).copied()
    }

    /// The method that a class answers with, and the class that declares it.
    pub fn find_method(&self, class: ClassId, name: Name) -> Option<(ClassId, FnRef)> {
        self.class(class).mro.iter().find_map(|c| Some((*c, self.own_method(*c, name)?)))
    }

    /// The method that `super()` or `parent::` in `after` means for an object of `class`.
    pub fn find_method_after(&self, class: ClassId, after: ClassId, name: Name) -> Option<(ClassId, FnRef)> {
        let mro = &self.class(class).mro;
        let from = mro.iter().position(|c| *c == after).map_or(mro.len(), |i| i + 1);
        mro[from..].iter().find_map(|c| Some((*c, self.own_method(*c, name)?)))
    }

    /// The attribute that a class answers with: who declares it, and its index there.
    pub fn find_attr(&self, class: ClassId, name: Name) -> Option<(ClassId, usize)> {
        self.class(class).mro.iter().find_map(|c| Some((*c, self.own_attr(*c, name)?)))
    }

    /// The class in which a function stands: its own for methods and class bodies, else that of the function around it.
    pub fn class_of_function(&self, function: FnRef) -> Option<ClassId> {
        let facts = self.file(function.file);
        let mut at = Some(function.id);
        while let Some(id) = at {
            let decl = facts.functions.get(id.0 as usize)?;
            if let Some(ix) = decl.class {
                return self.class_places.get(&(function.file, ix)).copied();
            }
            at = decl.parent;
        }
        None
    }

    /// Methods of this name in the classes below: what a call may reach beside the one that the class itself answers with.
    pub fn implementations(&self, class: ClassId, method: Name) -> Vec<(ClassId, FnRef)> {
        self.class(class).descendants.iter().filter_map(|c| Some((*c, self.own_method(*c, method)?))).collect()
    }

    /// Does a class have an ancestor of this name outside the program?
    pub fn extends(&self, class: ClassId, external: Name) -> bool {
        let names = &self.class(class).external;
        names.contains(&external)
            || (self.is_php(class) && names.iter().any(|n| n.as_str().eq_ignore_ascii_case(external.as_str())))
    }

    /// Is a class the same as, or below, another of the program?
    pub fn is_subclass(&self, class: ClassId, ancestor: ClassId) -> bool {
        self.class(class).mro.contains(&ancestor)
    }

    /// The class of the program that a declared type means. Of a union, the only member that is one.
    pub fn type_to_class(&self, file: FileId, scope: FnId, ty: &Type) -> Option<ClassId> {
        match ty {
            Type::Named(name) | Type::Apply(name, _) => self.named_class(file, scope, *name),
            Type::Union(members) => {
                let mut classes = members.iter().filter_map(|m| match m {
                    Type::Union(_) => None,
                    other => self.type_to_class(file, scope, other),
                });
                let first = classes.next()?;
                classes.all(|c| c == first).then_some(first)
            }
            Type::Unknown => None,
        }
    }

    fn named_class(&self, file: FileId, scope: FnId, name: Name) -> Option<ClassId> {
        let is_python = self.file(file).language == Language::Python;
        let own = || self.class_of_function(FnRef { file, id: scope });
        match name.as_str() {
            "self" | "static" | "$this" if !is_python => return own(),
            "Self" if is_python => return own(),
            "parent" if !is_python => {
                let class = own()?;
                let is_class = |c: &&ClassId| self.class_decl(**c).kind == crate::facts::ClassKind::Class;
                return self.class(class).mro.iter().skip(1).find(is_class).copied();
            }
            _ => {}
        }
        match self.followed(self.resolve_dotted(file, scope, name.as_str())) {
            Symbol::Class(class) => Some(class),
            _ => None,
        }
    }

    /// The classes that a call in a list of bases stands for: `with_metaclass(Meta, Base)`, `Manager.from_queryset(X)`.
    fn bases_of_call(&self, scope: FnRef, value: ExprId) -> Vec<Symbol> {
        let body = &self.function(scope).body;
        let Expr::Call { callee, args } = body.expr(value) else {
            return vec![self.symbol_of(scope, value)];
        };
        let mut found: Vec<Symbol> = Vec::new();
        if let Expr::Attr { base, .. } = body.expr(*callee) {
            found.push(self.symbol_of(scope, *base));
        }
        found.extend(args.iter().map(|a| self.symbol_of(scope, a.value)));
        found.retain(|s| matches!(s, Symbol::Class(_) | Symbol::External(_)));
        found
    }
}
