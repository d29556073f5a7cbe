//! What does a call answer that a condition asks: of what class a value is, what it has, what a hook of its class says?

use super::known::{Known, MAX_NESTING, PLAIN_TYPES};
use super::tree::State;
use super::value::{Data, ManyKind, Row, Src, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::base::Name;
use crate::facts::{Arg, ClassKind, Expr, ExprId, Language, Stmt};
use crate::index::ClassId;

impl<'a> Engine<'a> {
    /// What a method of the object itself answers that says the same for every object of its class: a hook for those below it.
    fn constant_answer(&self, fr: &Frame<'a>, callee: ExprId) -> Option<bool> {
        let Expr::Attr { base, name, .. } = fr.body.expr(callee) else { return None };
        if !self.is_receiver(fr, *base) {
            return None;
        }
        let this = match fr.body.expr(*base) {
            Expr::Local(slot) => *fr.locals.get(slot.0 as usize)?,
            _ => fr.this,
        };
        let (class, exact) = match self.data(this) {
            Data::Object { class, exact, .. } => (*class, *exact),
            Data::Class(class) => (*class, true),
            _ => return None,
        };
        let (_, f) = self.ix.find_method(class, *name)?;
        let is_replaced = || self.ix.class(class).descendants.iter().any(|below| self.ix.own_method(*below, *name).is_some());
        if !exact && is_replaced() {
            return None;
        }
        let body = &self.ix.function(f).body;
        match body.root.as_slice() {
            [only] => match body.stmt(*only) {
                Stmt::Return(Some(e)) => match body.expr(*e) {
                    Expr::Bool(answer) => Some(*answer),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn decided_call(&mut self, fr: &mut Frame<'a>, callee: ExprId, args: &'a [Arg]) -> Option<bool> {
        if let Some(answer) = self.constant_answer(fr, callee) {
            return Some(answer);
        }
        let body = fr.body;
        if let (Expr::Name(name) | Expr::Attr { name, .. }, [asked]) = (body.expr(callee), args)
            && name.as_str() == self.word(fr, "coroutine-function-test").as_str()
        {
            let asked = self.expr(fr, asked.value);
            return self.is_coroutine_function(asked);
        }
        match body.expr(callee) {
            Expr::Function { fallback, .. } if fallback.as_str() == "is_null" => {
                let known = self.known(fr, args.first()?.value)?;
                Some(known == Known::Null)
            }
            Expr::Function { fallback, .. } if fallback.as_str() == "array_key_exists" && args.len() == 2 => {
                let Expr::Str(key) = body.expr(args[0].value) else { return None };
                let key = *key;
                // What the query may have put into the row is there when it did: the other side is for other rows.
                if let Some(row) = self.row_of_attributes(fr, args[1].value) {
                    let model = self.ix.model(row.model);
                    return (!model.relations.contains_key(&key)).then_some(true);
                }
                self.lacks_key(fr, args[1].value, key).then_some(false)
            }
            Expr::Name(n) if n.as_str() == "bool" && args.len() == 1 => self.decide(fr, args[0].value, 1),
            Expr::Name(n) if n.as_str() == "isinstance" && args.len() == 2 => {
                let classes = match body.expr(args[1].value) {
                    Expr::Seq { items, .. } => items.iter().map(|i| i.value).collect(),
                    _ => vec![args[1].value],
                };
                let all: Vec<Option<bool>> = classes.into_iter().map(|c| self.is_instance(fr, args[0].value, c)).collect();
                if all.contains(&Some(true)) {
                    return Some(true);
                }
                all.iter().all(|one| *one == Some(false)).then_some(false)
            }
            Expr::Name(n) if n.as_str() == "hasattr" && args.len() == 2 => {
                let Expr::Str(cache) = body.expr(args[1].value) else { return None };
                if self.has_by_class(fr, args[0].value, *cache) {
                    return Some(true);
                }
                let row = self.row_at(fr, args[0].value)?;
                if self.is_computed(row, *cache) {
                    return Some(true);
                }
                let caches = self.ix.packs.word(self.dialect(row.model), "loaded-caches")?;
                // The cache of prefetched rows is there as soon as one relation is in it.
                if !caches.has_word(cache.as_str()) {
                    return None;
                }
                if row.tree == super::tree::NOTHING {
                    return Some(false);
                }
                let mut relations = self.ix.model(row.model).relations.values().filter(|r| r.many);
                relations.any(|r| matches!(self.v.trees.state(row.tree, r.name), State::Loaded(_))).then_some(true)
            }
            Expr::Attr { base, name, .. } => {
                let (base, name) = (*base, *name);
                let Expr::Str(relation) = body.expr(args.first()?.value) else { return None };
                let rows = match self.rows_at(fr, base) {
                    Some(rows) => rows,
                    None => vec![self.row_behind(fr, base, MAX_NESTING)?],
                };
                let mut answer = None;
                for row in rows {
                    let guards = self.ix.packs.op(self.dialect(row.model), self.names.row, name).is_some_and(|op| op.guards);
                    let loaded = self.is_loaded(fr, row, *relation).filter(|_| guards)?;
                    if answer.is_some_and(|known| known != loaded) {
                        return None;
                    }
                    answer = Some(loaded);
                }
                answer
            }
            _ => None,
        }
    }

    /// Is a value a function that is a coroutine, whichever of several it is?
    fn is_coroutine_function(&self, val: Val) -> Option<bool> {
        let one = |v: Val| match *self.data(v) {
            Data::Function(f) | Data::Closure(f, ..) => Some(self.ix.function(f).is_async),
            Data::Method(object, name) => {
                let Data::Object { class, exact, .. } = *self.data(object) else { return None };
                let (owner, f) = self.ix.find_method(class, name)?;
                let is_replaced = |c: &ClassId| self.ix.find_method(*c, name).is_some_and(|(o, _)| o != owner);
                let is_known = exact || !self.ix.class(class).descendants.iter().any(is_replaced);
                is_known.then(|| self.ix.function(f).is_async)
            }
            _ => None,
        };
        let answers: Vec<Option<bool>> = self.v.alternatives(val).into_iter().map(one).collect();
        let first = *answers.first()?;
        answers.iter().all(|a| *a == first).then_some(first)?
    }

    /// `Post.author.is_cached(post)`: the field of a class is asked whether a row has it loaded.
    pub(super) fn guarded_by_field(&self, fr: &Frame<'a>, field: ExprId, method: Name, args: &[Arg]) -> Option<(Src, Name)> {
        let Expr::Attr { name: relation, .. } = fr.body.expr(field) else { return None };
        let row = self.row_at(fr, args.first()?.value)?;
        self.has_word(row, "field-guards", method).then_some((row.src, *relation))
    }

    /// Is a value an object of a class, or the class, that has a member of this name, whichever of several it is?
    fn has_by_class(&self, fr: &Frame<'a>, e: ExprId, name: Name) -> bool {
        let Expr::Local(slot) = fr.body.expr(e) else { return false };
        let Some(val) = fr.locals.get(slot.0 as usize).copied() else { return false };
        self.v.alternatives(val).into_iter().all(|v| match self.data(v) {
            Data::Object { class, .. } | Data::Class(class) => {
                let has_value = |(owner, i): (ClassId, usize)| self.ix.class_decl(owner).attrs[i].value.is_some();
                self.ix.find_method(*class, name).is_some() || self.ix.find_attr(*class, name).is_some_and(has_value)
            }
            _ => false,
        })
    }

    /// Is a value a query, where an expression names a class of queries?
    fn is_query(&mut self, fr: &mut Frame<'a>, value: ExprId, class: ExprId) -> Option<bool> {
        let Expr::Local(slot) = fr.body.expr(value) else { return None };
        let val = *fr.locals.get(slot.0 as usize)?;
        let of_query = |e: &Engine<'a>, v: Val| match e.data(v) {
            // The manager of a relation is no query yet.
            Data::Query(query) => query.via.is_none().then_some(true),
            Data::Tuple(_) | Data::Many(_, ManyKind::Held | ManyKind::Literal) | Data::Record(..) => Some(false),
            _ => None,
        };
        let mut answers = self.v.alternatives(val).into_iter().map(|v| of_query(self, v));
        let first = answers.next()??;
        if !answers.all(|a| a == Some(first)) {
            return None;
        }
        let asked = self.expr(fr, class);
        let Data::External(asked) = *self.data(asked) else { return None };
        let is_asked = |base: Name| base.has_word(asked.as_str());
        let language = self.language(fr);
        self.ix.packs.word_in_language(language, "query-types").is_some_and(is_asked).then_some(first)
    }

    /// The row of which an expression gives all attributes.
    fn row_of_attributes(&self, fr: &Frame<'a>, e: ExprId) -> Option<Row> {
        let (base, name) = match fr.body.expr(e) {
            Expr::Call { callee, args } if args.is_empty() => match fr.body.expr(*callee) {
                Expr::Attr { base, name, .. } => (*base, *name),
                _ => return None,
            },
            Expr::Attr { base, name, .. } => (*base, *name),
            _ => return None,
        };
        let row = self.row_at(fr, base)?;
        self.has_word(row, "all-attributes", name).then_some(row)
    }

    /// Is a parameter an array of which all keys are known, and this is none of them?
    pub(super) fn lacks_key(&self, fr: &Frame<'a>, e: ExprId, key: Name) -> bool {
        let Expr::Local(slot) = fr.body.expr(e) else { return false };
        // Another variable may be filled by whatever takes it by reference.
        let is_given = fr.decl.params.iter().any(|p| p.slot == *slot);
        let val = fr.locals.get(slot.0 as usize).copied().unwrap_or(UNKNOWN);
        is_given
            && match self.data(val) {
                Data::Record(keys, None) => !keys.iter().any(|(k, _)| *k == key),
                Data::Tuple(items) => items.is_empty(),
                _ => false,
            }
    }

    /// Is a row an instance of a class? Told for models and for the types of plain values.
    pub(super) fn is_instance(&mut self, fr: &mut Frame<'a>, value: ExprId, class: ExprId) -> Option<bool> {
        if let (Expr::Local(slot), Expr::Name(name)) = (fr.body.expr(value), fr.body.expr(class))
            && matches!(name.as_str(), "list" | "dict" | "tuple" | "set")
            && fr.locals.get(slot.0 as usize).is_some_and(|v| matches!(self.data(*v), Data::Str(_) | Data::Scalar))
        {
            return Some(false);
        }
        if let (Expr::Local(slot), Expr::Name(name)) = (fr.body.expr(value), fr.body.expr(class))
            && matches!(name.as_str(), "str" | "basestring")
            && fr.locals.get(slot.0 as usize).is_some_and(|v| matches!(self.data(*v), Data::Str(_)))
        {
            return Some(true);
        }
        if self.known(fr, value) == Some(Known::Null) {
            return Some(false);
        }
        if let Some(answer) = self.is_query(fr, value, class) {
            return Some(answer);
        }
        if let Some(answer) = self.is_object_of(fr, value, class) {
            return Some(answer);
        }
        let rows = self.rows_at(fr, value)?;
        if let Expr::Name(name) = fr.body.expr(class)
            && PLAIN_TYPES.contains(&name.as_str())
        {
            return Some(false);
        }
        let class = self.expr(fr, class);
        let Data::Class(class) = *self.data(class) else { return None };
        let mut answers = rows.into_iter().map(|row| self.is_row_of(row, class));
        let first = answers.next()?;
        if answers.all(|a| a == first) { first } else { None }
    }

    /// The same for an object of a class of the program.
    fn is_object_of(&mut self, fr: &mut Frame<'a>, value: ExprId, class: ExprId) -> Option<bool> {
        let Expr::Local(slot) = fr.body.expr(value) else { return None };
        let Data::Object { class: own, exact, .. } = *self.data(*fr.locals.get(slot.0 as usize)?) else { return None };
        let asked = self.expr(fr, class);
        let Data::Class(asked) = *self.data(asked) else { return None };
        let is_a = |a: ClassId, b: ClassId| self.ix.class(a).mro.contains(&b);
        if is_a(own, asked) {
            return Some(true);
        }
        // An object of two classes of which neither is below the other needs a class that has several parents.
        let is_single =
            fr.language == Language::Php && [own, asked].iter().all(|c| self.ix.class_decl(*c).kind == ClassKind::Class);
        (exact || is_single && !is_a(asked, own)).then_some(false)
    }

    fn is_row_of(&self, row: Row, class: ClassId) -> Option<bool> {
        let own = self.ix.model(row.model).class?;
        if self.ix.class(own).mro.contains(&class) {
            return Some(true);
        }
        // A row of the class may be one of a class below it.
        let is_below = self.ix.class(class).mro.contains(&own);
        (self.ix.class(class).model.is_some() && !is_below).then_some(false)
    }
}
