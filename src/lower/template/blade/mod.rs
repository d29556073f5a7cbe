//! What does a Blade template do?
//!
//! Its expressions are PHP: the template is translated to PHP, lowered as PHP, and what the translation had to write in
//! other words is put right in the facts. Every place leads back to the template.

mod component;
mod convert;
mod directive;
mod php_text;
mod scan;
mod translate;

#[cfg(test)]
mod tests;

use crate::facts::FileFacts;
use crate::lower::php;

/// Facts of a Blade template. Never fails: what could not be read is a gap.
pub fn lower_blade(text: &str) -> FileFacts {
    let translation = translate::translate(text);
    let code = &translation.php;
    let mut facts = php::lower_with_map(&code.text, &|at| code.origin(at));
    convert::convert(&mut facts, text.len());
    facts.comments.extend(translation.comments);
    facts.comments.sort_by_key(|c| (c.range.start, c.range.end));
    facts.gaps.extend(translation.gaps);
    facts.gaps.sort_by_key(|g| (g.range.start, g.range.end));
    facts
}
