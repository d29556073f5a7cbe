//! In which language is a file, by its name and, for templates, by the project and the content?

use super::conventions::CONVENTIONS;
use super::manifest::Manifest;
use crate::facts::Language;

/// What a name alone says of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guess {
    /// This one.
    Known(Language),
    /// A template whose language the project or the content decides.
    Template,
}

/// What the name says; `None` for files that are not read.
pub fn guess(path: &str) -> Option<Guess> {
    let names = &CONVENTIONS.templates;
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())?;
    match ending.as_str() {
        "php" if file.ends_with(".blade.php") => return Some(Guess::Known(Language::Blade)),
        "php" => return Some(Guess::Known(Language::Php)),
        "py" => return Some(Guess::Known(Language::Python)),
        _ => (),
    }
    let has = |list: &[String], word: &str| list.iter().any(|w| w == word);
    let mut found = None;
    for folder in folders.split('/') {
        if has(&names.not_under, folder) {
            return None;
        }
        if has(&names.folders, folder) && found != Some(Language::Jinja) {
            found = Some(if has(&names.jinja_folders, folder) { Language::Jinja } else { Language::DjangoTemplate });
        }
    }
    if has(&names.jinja_endings, &ending) {
        return Some(Guess::Known(Language::Jinja));
    }
    match found {
        Some(language) if has(&names.endings, &ending) => Some(match language {
            Language::Jinja => Guess::Known(Language::Jinja),
            _ => Guess::Template,
        }),
        _ => None,
    }
}

/// Decides the language of templates of one project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TemplateLanguage {
    plain: bool,
    jinja: bool,
}

impl TemplateLanguage {
    /// What the libraries of the project say.
    pub fn of(manifest: &Manifest) -> TemplateLanguage {
        let uses = |list: &[String]| list.iter().any(|name| manifest.packages.contains_key(name));
        let names = &CONVENTIONS.templates;
        TemplateLanguage { plain: uses(&names.plain_packages), jinja: uses(&names.jinja_packages) }
    }

    /// The language of a template with this content.
    pub fn decide(self, text: &str) -> Language {
        match (self.plain, self.jinja) {
            (true, false) => Language::DjangoTemplate,
            (false, true) => Language::Jinja,
            (true, true) | (false, false) => {
                let names = &CONVENTIONS.templates;
                let count = |marks: &[String]| marks.iter().filter(|mark| text.contains(mark.as_str())).count();
                let jinja = count(&names.jinja_marks) + usize::from(calls_something(text));
                let is_jinja = match (jinja, count(&names.plain_marks)) {
                    (0, _) => false,
                    // What only looks like the other language is not enough against what only one can read.
                    (_, 0) => true,
                    (jinja, plain) => jinja > plain + count(&names.plain_hints),
                };
                if is_jinja { Language::Jinja } else { Language::DjangoTemplate }
            }
        }
    }
}

/// Does a `{{ … }}` hold a call of a name? Quoted text and `_("…")` are no calls.
fn calls_something(text: &str) -> bool {
    text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).any(|inside| {
        let (mut quote, mut name) = (None, String::new());
        for c in inside.chars() {
            match (quote, c) {
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => (),
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') if !name.is_empty() && name != "_" => return true,
                (None, c) if c.is_alphanumeric() || c == '_' => name.push(c),
                (None, _) => name.clear(),
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_code_and_where_templates_are() {
        let known = |path| match guess(path) {
            Some(Guess::Known(language)) => format!("{language:?}"),
            Some(Guess::Template) => "template".to_owned(),
            None => "-".to_owned(),
        };
        assert_eq!(known("app/User.php"), "Php");
        assert_eq!(known("resources/views/a.blade.php"), "Blade");
        assert_eq!(known("shop/views.py"), "Python");
        assert_eq!(known("shop/templates/shop/list.html"), "template");
        assert_eq!(known("shop/jinja2/shop/list.html"), "Jinja");
        assert_eq!(known("shop/mail.html.j2"), "Jinja");
        assert_eq!(known("public/templates/a.html"), "-");
        assert_eq!(known("frontend/index.html"), "-");
        assert_eq!(known("templates/app.js"), "-");
        assert_eq!(known("Makefile"), "-");
    }

    #[test]
    fn the_project_decides_and_with_both_the_content() {
        let with = |names: &[&str]| {
            let mut manifest = Manifest::default();
            manifest.packages.extend(names.iter().map(|name| ((*name).to_owned(), None)));
            TemplateLanguage::of(&manifest)
        };
        assert_eq!(with(&["django"]).decide("{{ f(x) }}"), Language::DjangoTemplate);
        assert_eq!(with(&["flask"]).decide("{% load x %}"), Language::Jinja);
        let both = with(&["django", "jinja2"]);
        assert_eq!(both.decide("{% load x %}{{ a }}"), Language::DjangoTemplate);
        assert_eq!(both.decide("{% set x = 1 %}"), Language::Jinja);
        assert_eq!(both.decide("{{ url(x) }}"), Language::Jinja);
        assert_eq!(both.decide("{{ a.b }}"), Language::DjangoTemplate);
        assert_eq!(both.decide("{% csrf_token %}{{ show(a) }}"), Language::Jinja);
        assert_eq!(both.decide("{{ _('Say (so)') }}{{ a|default:'(none)' }}"), Language::DjangoTemplate);
    }
}
