//! What does an assignment change: a variable, a field, an element?

use super::value::{Data, ManyKind, SCALAR, UNKNOWN, Val};
use super::{Engine, Frame};
use crate::facts::{ExprId, Pat, PatId};

impl<'a> Engine<'a> {
    pub(super) fn assign(&mut self, fr: &mut Frame<'a>, pat: PatId, val: Val) {
        let body = fr.body;
        match body.pat(pat) {
            Pat::Local(slot) => fr.locals[slot.0 as usize] = val,
            Pat::Global(_) => (),
            Pat::Attr { base, name } => {
                let object = self.expr(fr, *base);
                // `page.object_list = rows`: the page gives these from now on.
                let is_page = |e: &Self, v: Val| matches!(e.data(v), Data::Query(_) | Data::Many(..));
                let changed = if is_page(self, object) && is_page(self, val) && self.is_page_rows(fr, *name) {
                    val
                } else {
                    self.with_field(object, *name, val)
                };
                if changed != object {
                    self.write_place(fr, *base, changed);
                    self.set_on_each(fr, changed, *name);
                    self.fill_by_hand(fr, *base, changed);
                }
            }
            Pat::Index { base, index } => {
                let container = self.expr(fr, *base);
                // `$groups[$post->kind][] = $post`: the inner array may be new.
                let container = if container == UNKNOWN && self.is_element_of_array(fr, *base) {
                    self.v.of(Data::Tuple(Box::default()))
                } else {
                    container
                };
                let key = index.map(|i| self.expr(fr, i));
                let changed = match key {
                    None => self.with_one_more(fr, container, val),
                    key => self.with_element(container, key, val),
                };
                if changed != container {
                    self.write_place(fr, *base, changed);
                }
            }
            Pat::Seq(items) => {
                let known = match self.data(val) {
                    Data::Tuple(vals) => Some(vals.clone()),
                    // There, what has named parts is a tuple of them.
                    Data::Record(keys, None) if fr.language == crate::facts::Language::DjangoTemplate => {
                        Some(keys.iter().map(|(_, val)| *val).collect())
                    }
                    _ => None,
                };
                let starred = items.iter().position(|(_, star)| *star);
                for (i, (item, star)) in items.iter().enumerate() {
                    let Some(item) = item else { continue };
                    let part = match &known {
                        Some(vals) => self.part_of_known(vals, i, items.len(), starred),
                        _ => {
                            let at = fr.decl.range;
                            let e = self.element_of(fr, val, at);
                            if *star { self.v.many(e, ManyKind::Held) } else { e }
                        }
                    };
                    self.assign(fr, *item, part);
                }
            }
            Pat::Keyed(items) => {
                for (key, item) in items {
                    let k = self.expr(fr, *key);
                    let range = body.range(*key);
                    let part = self.index(fr, val, Some(k), range);
                    self.assign(fr, *item, part);
                }
            }
            Pat::Other(e) => {
                self.expr(fr, *e);
            }
        }
    }

    /// Puts a changed value back where an expression found it: a variable, or a field of `$this`.
    pub(super) fn write_place(&mut self, fr: &mut Frame<'a>, place: ExprId, val: Val) {
        use crate::facts::Expr;
        match fr.body.expr(place) {
            Expr::Local(slot) => fr.locals[slot.0 as usize] = val,
            Expr::This => fr.this = val,
            Expr::Attr { base, name, .. } => {
                if matches!(fr.body.expr(*base), Expr::This | Expr::Local(_)) {
                    let object = self.peek(fr, *base);
                    let changed = self.with_field(object, *name, val);
                    if changed != object {
                        self.write_place(fr, *base, changed);
                    }
                }
            }
            Expr::Index { base, index: Some(i) } => {
                if let Expr::Local(_) = fr.body.expr(*base) {
                    let key = match fr.body.expr(*i) {
                        Expr::Str(key) => self.v.str(*key),
                        _ => UNKNOWN,
                    };
                    self.write_element(fr, *base, key, val);
                }
            }
            // `groups.setdefault(post.kind, []).append(post)`
            Expr::Call { callee, args } if args.len() == 2 => {
                if let Expr::Attr { base, name, .. } = fr.body.expr(*callee)
                    && name.as_str() == "setdefault"
                    && let Expr::Local(_) = fr.body.expr(*base)
                {
                    self.write_element(fr, *base, UNKNOWN, val);
                }
            }
            _ => (),
        }
    }

    /// Is a query that was not sent yet somewhere in a value?
    pub(super) fn holds_query(&self, val: Val, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.data(val) {
            Data::Query(_) => true,
            Data::Many(element, _) => self.holds_query(*element, depth),
            Data::Tuple(all) | Data::OneOf(all) => all.iter().any(|v| self.holds_query(*v, depth)),
            Data::Record(keys, rest) => keys.iter().map(|(_, v)| *v).chain(*rest).any(|v| self.holds_query(v, depth)),
            _ => false,
        }
    }

    /// Is it an element of an array in a variable, of which something is known?
    pub(super) fn is_element_of_array(&self, fr: &Frame<'a>, e: ExprId) -> bool {
        let crate::facts::Expr::Index { base, .. } = fr.body.expr(e) else { return false };
        match self.data(self.peek(fr, *base)) {
            Data::Tuple(_) => true,
            Data::Record(_, rest) => *rest != Some(UNKNOWN),
            _ => false,
        }
    }

    /// Puts a changed element back into the array in a variable. Of what stands under keys that are not known, all is kept.
    pub(super) fn write_element(&mut self, fr: &mut Frame<'a>, base: ExprId, key: Val, val: Val) {
        let container = self.peek(fr, base);
        // A query keeps the rows that it gave once: read again under its key, it sends nothing.
        if matches!(self.data(container), Data::Record(..) | Data::Tuple(_) | Data::Many(..)) && !self.holds_query(val, 4) {
            let changed = self.with_element(container, Some(key), val);
            self.write_place(fr, base, changed);
        }
    }

    /// The value of a variable or `$this`, without effects.
    pub(super) fn peek(&self, fr: &Frame<'a>, e: ExprId) -> Val {
        match fr.body.expr(e) {
            crate::facts::Expr::Local(slot) => fr.locals[slot.0 as usize],
            crate::facts::Expr::This => fr.this,
            _ => UNKNOWN,
        }
    }

    /// The object with a field set; the value itself if it has no fields that are followed.
    pub(super) fn with_field(&mut self, object: Val, name: crate::base::Name, val: Val) -> Val {
        match self.data(object).clone() {
            Data::Object { class, fields, exact } => {
                let val = self.v.as_field(val);
                let mut fields = fields.to_vec();
                match fields.binary_search_by(|(n, _)| n.cmp(&name)) {
                    Ok(i) => fields[i].1 = val,
                    Err(i) => fields.insert(i, (name, val)),
                }
                self.v.of(Data::Object { class, fields: fields.into_boxed_slice(), exact })
            }
            // `post.author = user`: the relation is set by hand, or hidden by what is no row.
            Data::Row(row) => {
                if self.ix.model(row.model).relations.contains_key(&name) {
                    let is_row = matches!(self.data(val), Data::Query(_) | Data::OneOf(_) | Data::Object { .. });
                    let hides = !is_row && self.v.sources_in(val).is_empty();
                    let set = if hides { super::tree::HIDDEN } else { super::tree::OPEN };
                    let tree = self.v.trees.with(row.tree, name, set);
                    self.v.row(super::value::Row { tree, ..row })
                } else if self.is_property_of_row(row, name) {
                    // What is assigned stands in the place of what a cached property computes.
                    let tree = self.v.trees.with(row.tree, name, super::tree::HIDDEN);
                    self.v.row(super::value::Row { tree, ..row })
                } else {
                    object
                }
            }
            _ => object,
        }
    }

    /// The container with an element added: outside loops its elements stay known.
    pub(super) fn with_one_more(&mut self, fr: &Frame<'a>, container: Val, val: Val) -> Val {
        match self.data(container).clone() {
            Data::Tuple(items) if fr.turning == 0 && items.len() < super::many::SMALL => {
                self.v.of(Data::Tuple(items.iter().copied().chain([val]).collect()))
            }
            Data::OneOf(all) if fr.turning == 0 && all.iter().any(|v| matches!(self.data(*v), Data::Tuple(_))) => {
                let grown: Vec<Val> = all.iter().map(|v| self.with_one_more(fr, *v, val)).collect();
                grown.into_iter().reduce(|a, b| self.v.join(a, b)).unwrap_or(container)
            }
            _ => self.with_element(container, None, val),
        }
    }

    /// The container with an element set or added.
    pub(super) fn with_element(&mut self, container: Val, key: Option<Val>, val: Val) -> Val {
        let known_key = key.and_then(|k| match self.data(k) {
            Data::Str(s) => Some(*s),
            _ => None,
        });
        match (self.data(container).clone(), known_key) {
            (Data::Record(keys, rest), Some(name)) => {
                let mut keys = keys.to_vec();
                keys.push((name, val));
                self.v.record(keys, rest)
            }
            (Data::Tuple(items), Some(name)) if items.is_empty() => self.v.record(vec![(name, val)], None),
            (Data::Record(keys, rest), None) => {
                let rest = match rest {
                    Some(r) => self.v.join(r, val),
                    None => val,
                };
                self.v.of(Data::Record(keys, Some(rest)))
            }
            (Data::Tuple(items), _) => {
                let mut element = val;
                for item in items.iter() {
                    element = self.v.join(element, *item);
                }
                if items.is_empty() && key.is_some() {
                    self.v.of(Data::Record(Box::default(), Some(element)))
                } else {
                    self.v.many(element, ManyKind::Held)
                }
            }
            (Data::Many(e, kind), _) => {
                let element = if e == SCALAR || e == UNKNOWN { val } else { self.v.join(e, val) };
                self.v.many(element, kind)
            }
            _ => container,
        }
    }
}
