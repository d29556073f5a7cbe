//! In which table are a model's rows?

use super::Linker;
use super::plural::plural;
use crate::base::Name;
use crate::facts::{Expr, ExprId};
use crate::index::{ClassId, FnRef, ModelId};
use crate::packs::model::TableStyle;

impl Linker<'_, '_, '_> {
    /// Gives each model its table, parents before children.
    pub(super) fn read_tables(&mut self) {
        let mut order: Vec<(ModelId, ClassId)> = self.own_models().collect();
        order.sort_by_key(|(id, class)| (self.index.class(*class).mro.len(), *id));
        for (id, class) in order {
            let table = self.table_of(id, class);
            self.models[id.0 as usize].table = table;
        }
    }

    fn table_of(&mut self, id: ModelId, class: ClassId) -> Option<Name> {
        if self.model(id).is_abstract {
            return None;
        }
        let index = self.index;
        let pack = self.pack_of(id);
        if self.info[id.0 as usize].is_proxy {
            return self.concrete_parent(class).and_then(|p| self.model(p).table);
        }
        if let Some(option) = &pack.table.option
            && let Some((at, value)) = self.own_option(class, option)
        {
            return index.literal_text(at, value).map(|t| Name::new(t.as_str().trim_matches('"')));
        }
        for ancestor in index.class(class).mro.clone() {
            let attrs = self.own_attrs(id, ancestor);
            for attr in attrs.iter() {
                let is_name = pack.table.attrs.iter().any(|a| a == attr.name.as_str());
                let is_object = pack.table.object.as_deref() == Some(attr.name.as_str());
                let Some((at, value)) = attr.value.filter(|_| is_name || is_object) else {
                    continue;
                };
                if is_object {
                    return index.call_at(at, value).and_then(|c| index.literal_text(at, c.positional(0)?));
                }
                if let Some(text) = index.literal_text(at, value) {
                    return Some(text);
                }
                let is_lower = returns_lower_class_name(&index.function(at).body, value);
                return is_lower.then(|| Name::new(&self.short_name_of(class).to_lowercase()));
            }
            if let Some(method) = &pack.table.method
                && let Some(function) = index.own_method(ancestor, Name::new(method))
            {
                let returned = index.returned(function);
                return returned.first().and_then(|v| index.literal_text(function, *v));
            }
            // A method of the same name computes it in a way that is not understood.
            if pack.table.attrs.iter().any(|a| index.own_method(ancestor, Name::new(a)).is_some()) {
                return None;
            }
        }
        if let Some(table) = self.table_of_decorators(id, class) {
            return Some(table);
        }
        self.table_by_convention(id, class)
    }

    fn table_of_decorators(&self, id: ModelId, class: ClassId) -> Option<Name> {
        let names = &self.pack_of(id).table.decorators;
        let decl = self.index.class_decl(class);
        let at = FnRef { file: self.index.class(class).file, id: decl.scope };
        decl.decorators.iter().find_map(|decorator| {
            let call = self.index.call_at(at, *decorator)?;
            let found = self.call_names(&call);
            names.iter().any(|n| found.iter().any(|f| f.as_str().eq_ignore_ascii_case(n))).then_some(())?;
            self.index.literal_text(at, call.argument(Some(0), Some("name"))?)
        })
    }

    fn table_by_convention(&self, id: ModelId, class: ClassId) -> Option<Name> {
        let pack = self.pack_of(id);
        let short = self.short_name_of(class);
        let style = pack.base.get(self.info[id.0 as usize].base).map_or(TableStyle::None, |b| b.table);
        match style {
            TableStyle::None => self.concrete_parent(class).and_then(|p| self.model(p).table),
            TableStyle::PluralSnake => {
                let snake = snake(short);
                let (head, last) = snake.rsplit_once('_').map_or(("", snake.as_str()), |(h, l)| (h, l));
                let many = plural(last);
                Some(Name::new(&if head.is_empty() { many } else { format!("{head}_{many}") }))
            }
            TableStyle::SingularSnake => Some(Name::new(&snake(short))),
            TableStyle::LabelModel => {
                let label = self.model(id).label?;
                Some(Name::new(&format!("{label}_{}", short.to_lowercase())))
            }
            TableStyle::Lower => Some(Name::new(&short.to_lowercase())),
            TableStyle::Words => match self.concrete_parent(class) {
                // Without a key of its own a child shares its parent's table.
                Some(parent) if !self.has_own_primary(id, class) => self.model(parent).table,
                _ => Some(Name::new(&words(short))),
            },
        }
    }

    fn has_own_primary(&self, id: ModelId, class: ClassId) -> bool {
        let decl = self.index.class_decl(class);
        let at = FnRef { file: self.index.class(class).file, id: decl.scope };
        let pack = self.pack_of(id);
        decl.attrs.iter().filter_map(|a| self.index.call_at(at, a.value?)).any(|call| {
            let keywords = pack.column_attr.iter().flat_map(|c| &c.primary_keywords);
            keywords.filter_map(|k| call.keyword(k)).any(|v| self.index.is_true(at, v))
        })
    }

    /// The nearest ancestor that is a model with rows of its own.
    pub(super) fn concrete_parent(&self, class: ClassId) -> Option<ModelId> {
        let mro = &self.index.class(class).mro;
        mro.iter().skip(1).find_map(|c| self.of_class[c.0 as usize].filter(|m| !self.model(*m).is_abstract))
    }

    /// The class's own name, without module, name space or class around it.
    pub(super) fn short_name_of(&self, class: ClassId) -> &'static str {
        self.index.class_decl(class).name.last_segment()
    }
}

/// Is it `cls.__name__.lower()`?
fn returns_lower_class_name(body: &crate::facts::Body, value: ExprId) -> bool {
    let Expr::Call { callee, args } = body.expr(value) else {
        return false;
    };
    let Expr::Attr { base, name, .. } = body.expr(*callee) else {
        return false;
    };
    let is_name = matches!(body.expr(*base), Expr::Attr { name, .. } if name.as_str() == "__name__");
    args.is_empty() && name.as_str() == "lower" && is_name
}

/// `HTMLPage` as `h_t_m_l_page`: a `_` before every capital but the first.
pub(crate) fn snake(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// `HTTPServerLog` as `http_server_log`.
fn words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_word = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let before_word = i > 0 && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_word || before_word) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{snake, words};

    #[test]
    fn names_become_words() {
        assert_eq!(snake("HTMLPage"), "h_t_m_l_page");
        assert_eq!(snake("OAuthToken"), "o_auth_token");
        assert_eq!(words("HTTPServerLog"), "http_server_log");
        assert_eq!(words("OAuth2Token"), "o_auth2_token");
        assert_eq!(words("UserHTTP"), "user_http");
        assert_eq!(words("User2FA"), "user2_fa");
    }
}
