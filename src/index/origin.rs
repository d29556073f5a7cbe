//! What does an expression name, when names alone decide it?
//!
//! `db.Model` with `db = Library()` is neither a class of the program nor an imported name. Its meaning is written as a
//! path from the library: the imported name of what was called, `()`, and the rest.

use super::{ClassId, FnRef, ProjectIndex, Symbol};
use crate::base::{FileId, Name};
use crate::facts::{Expr, ExprId, FnId, Language, Stmt, Type};

/// Variables, calls and attributes are followed through this many steps.
const MAX_STEPS: usize = 12;

/// Python's function that binds arguments of another.
const PARTIAL: &str = "functools.partial";

impl ProjectIndex<'_> {
    /// What an expression names: a class, function or module, or the path of something outside (`lib.make().Thing`).
    pub fn symbol_of(&self, function: FnRef, expr: ExprId) -> Symbol {
        self.symbol_at(function, expr, MAX_STEPS)
    }

    /// The symbol itself, or what the value of the variable names.
    pub fn followed(&self, symbol: Symbol) -> Symbol {
        self.follow(symbol, MAX_STEPS)
    }

    fn follow(&self, symbol: Symbol, steps: usize) -> Symbol {
        let Symbol::Variable(file, name) = symbol else {
            return symbol;
        };
        if steps == 0 {
            return Symbol::Unknown;
        }
        let value = match self.variable_value(file, name) {
            Some((function, value)) => self.symbol_at(function, value, steps - 1),
            None => Symbol::Unknown,
        };
        if value == Symbol::Unknown { self.annotated(file, name).unwrap_or(value) } else { value }
    }

    /// The class that a module says a variable of it holds: `Base: models.Model = load(…)`, `Base: type[Model] = load(…)`.
    fn annotated(&self, file: FileId, name: Name) -> Option<Symbol> {
        let body = &self.file(file).functions.first()?.body;
        let declared = body.stmts.iter().find_map(|stmt| match stmt {
            Stmt::Declare { slot, ty } if body.slots[slot.0 as usize] == name => Some(ty),
            _ => None,
        })?;
        let class = match declared {
            Type::Named(class) => class,
            Type::Apply(outer, inner) if outer.as_str().eq_ignore_ascii_case("type") => match inner.first()? {
                Type::Named(class) => class,
                _ => return None,
            },
            _ => return None,
        };
        match self.resolve_dotted(file, FnId(0), class.as_str()) {
            symbol @ (Symbol::Class(_) | Symbol::External(_)) => Some(symbol),
            _ => None,
        }
    }

    fn symbol_at(&self, function: FnRef, expr: ExprId, steps: usize) -> Symbol {
        if steps == 0 {
            return Symbol::Unknown;
        }
        let body = &self.function(function).body;
        match body.expr(expr) {
            Expr::Name(name) => self.follow(self.resolve_name(function.file, function.id, *name), steps - 1),
            Expr::Local(slot) if self.file(function.file).language == Language::Python => {
                let name = body.slots[slot.0 as usize];
                if let Some((at, value)) = self.class_variable_value(function.file, function.id, name)
                    && value != expr
                {
                    return self.symbol_at(at, value, steps - 1);
                }
                self.follow(self.resolve_name(function.file, function.id, name), steps - 1)
            }
            Expr::Class(name) => match name.as_str() {
                "self" | "static" => self.class_of_function(function).map_or(Symbol::Unknown, Symbol::Class),
                "parent" => Symbol::Unknown,
                _ => self.resolve_dotted(function.file, function.id, name.as_str()),
            },
            Expr::ClassDef(ix) => self.class_places.get(&(function.file, *ix)).map_or(Symbol::Unknown, |c| Symbol::Class(*c)),
            Expr::Attr { base, name, .. } => match self.symbol_at(function, *base, steps - 1) {
                // PHP `A::class` names A itself.
                class @ (Symbol::Class(_) | Symbol::External(_)) if self.is_class_constant(function.file, *name) => class,
                Symbol::Unknown => Symbol::Unknown,
                base => self.follow(self.extend(function.file, base, *name), steps - 1),
            },
            Expr::Call { callee, args } => {
                match (self.symbol_at(function, *callee, steps - 1), args.first()) {
                    // Calling what `partial` gives is calling its first argument.
                    (Symbol::External(name), Some(first)) if name.as_str() == PARTIAL => {
                        self.symbol_at(function, first.value, steps - 1)
                    }
                    (made, _) => self.made_by(made),
                }
            }
            Expr::New { class, .. } => self.made_by(self.symbol_at(function, *class, steps - 1)),
            // `Base: Any = declarative_base()`, `Generic[T]`.
            Expr::Index { base, .. } => self.symbol_at(function, *base, steps - 1),
            Expr::Same(inner) | Expr::Await(inner) => self.symbol_at(function, *inner, steps - 1),
            Expr::Or(left, _) => self.symbol_at(function, *left, steps - 1),
            _ => Symbol::Unknown,
        }
    }

    fn is_class_constant(&self, file: FileId, name: Name) -> bool {
        name.as_str() == "class" && self.file(file).language != Language::Python
    }

    /// The path of what calling something outside gives. A class of the program stands for the library class it extends.
    fn made_by(&self, callee: Symbol) -> Symbol {
        let path = match callee {
            Symbol::External(name) => Some(name),
            Symbol::Class(class) => self.nearest_outside(class),
            _ => None,
        };
        path.map_or(Symbol::Unknown, |name| Symbol::External(Name::new(&format!("{name}()"))))
    }

    /// The first library class above a class of the program. Works before lookup orders are known.
    fn nearest_outside(&self, class: ClassId) -> Option<Name> {
        let mut at = class;
        for _ in 0..MAX_STEPS {
            let place = self.class(at).file;
            let decl = self.class_decl(at);
            let scope = self.file(place).functions[decl.scope.0 as usize].parent.unwrap_or(FnId(0));
            let mut inner = None;
            for base in &decl.bases {
                let (Type::Named(name) | Type::Apply(name, _)) = base else {
                    continue;
                };
                match self.resolve_dotted(place, scope, name.as_str()) {
                    Symbol::External(name) => return Some(name),
                    Symbol::Class(parent) if parent != at => inner = inner.or(Some(parent)),
                    _ => {}
                }
            }
            at = inner?;
        }
        None
    }
}
