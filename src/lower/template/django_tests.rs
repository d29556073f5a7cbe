use super::lower_django;
use super::printed::{places, printed};

fn check(source: &str, expected: &str) {
    let facts = lower_django(source);
    assert_eq!(
        printed(&facts).trim(),
        expected.trim(),
        "\n{source}\n{:?}",
        facts.gaps
    );
    assert_eq!(facts.gaps, [], "{source}");
}

#[test]
fn a_loop_binds_its_targets_and_reads_are_called_lookups() {
    check(
        "{% for b in books reversed %}{{ b.author.name }}{% empty %}none {{ x }}{% endfor %}\n\
         {% for k, v in d.items %}{{ v.0|length }}{% endfor %}",
        "for b in books
  out b.author?.name?
else
  out x
for (k, v) in d.items?
  out v.0?|length()",
    );
}

#[test]
fn places_end_with_the_name() {
    let text = "<p>{{ b.author.name|default:c.d }}</p>{% if a.b %}{% endif %}";
    assert_eq!(
        places(&lower_django(text), text),
        ["b.author", "b.author.name", "c.d", "a.b"]
    );
}

#[test]
fn conditions_follow_the_precedence_of_the_language() {
    check(
        "{% if a and not b.c or d|length > 3 %}1{% elif x not in y %}{{ q }}{% else %}{{ z }}{% endif %}\
         {% if a is not None and b == 'x y' %}{{ k }}{% endif %}{% ifequal a b %}{{ c }}{% else %}{{ d }}{% endifequal %}",
        "if ((a and not b.c?) or (d|length() Order 3))
else
  if (x NotIn y)
    out q
  else
    out z
if ((a NotEqual null) and (b Equal 'x y'))
  out k
if (a Equal b)
  out c
else
  out d",
    );
}

#[test]
fn filters_take_strings_numbers_and_variables() {
    check(
        r#"{{ books|join:", " }}{{ a|default:"}"|add:-3|x:y.z }}{{ _("hi")|upper }}{{ "a\"b" }}{{ 1.5 }}{{ True }}{{ 2fa_on.x }}"#,
        r#"out books|join(', ')
out a|default('}')|add(-3)|x(y.z?)
out 'hi'|upper()
out 'a"b'
out literal
out true
out 2fa_on.x?"#,
    );
}

#[test]
fn variables_are_bound_by_with_in_both_forms() {
    check(
        "{% with rs=b.reviews.all n=3 %}{{ rs|length }}{% endwith %}{% with a.b as c and d as e %}{{ c }}{% endwith %}",
        "with rs=b.reviews?.all?, n=3
  out rs|length()
with c=a.b?, e=d
  out c",
    );
}

#[test]
fn templates_are_rendered_by_name() {
    check(
        r#"{% extends "base.html" %}{% block main %}{% include "row.html" with b=x.y only %}{% include name %}{{ block.super }}{% endblock main %}"#,
        "Extends 'base.html' +
block main
  Include 'row.html' with b=x.y?
  Include name +
  out block.super?",
    );
}

#[test]
fn regroup_names_the_path() {
    let text = "{% regroup books.all by author.name as groups %}{% for g in groups %}{{ g.list }}{% endfor %}";
    check(
        text,
        "groups = regroup(books.all?, 'author.name')
for g in groups
  out g.list?",
    );
}

#[test]
fn built_in_tags_evaluate_their_arguments() {
    check(
        "{% url 'x' b.author.pk q=c.d as u %}{% firstof a b.c %}{% cycle 'odd' 'even' as cls silent %}\
         {% widthratio a b 100 %}{% cache 500 side b.pk %}{{ x }}{% endcache %}{% autoescape off %}{{ y }}{% endautoescape %}\
         {% blocktranslate with n=b.name count c=xs|length %}{{ n }}{% plural %}{{ c }}{% endblocktranslate %}\
         {% ifchanged b.day %}{{ d }}{% else %}{{ e }}{% endifchanged %}{% now 'Y' as year %}{% load i18n %}{% csrf_token %}",
        "out 'x'
out b.author?.pk?
out c.d?
u = literal
out (a or b.c?)
cls = ('odd' or 'even')
out a
out b
out 100
500
side
b.pk?
out x
out y
with n=b.name?, c=xs|length()
  out n
  out c
if scalar(b.day?)
  out d
else
  out e
out 'Y'
year = literal",
    );
}

#[test]
fn tags_of_the_project_keep_their_arguments_and_content() {
    check(
        "{% show_books author.books limit=3 as shown %}{% plain x %}{% box b.title %}{{ b.author }}{% else %}{{ c }}{% endbox %}\
         {% if a %}{% thumb im '1x1' as t %}{{ t }}{% endthumb %}{% endif %}{% endstray %}",
        "shown = Tag 'show_books' with author.books?, limit=3 +
Tag 'plain' with x +
Tag 'box' with b.title? +
  out b.author?
  out c
if a
  t = Tag 'thumb' with im, '1x1' +
  out t",
    );
}

#[test]
fn text_comments_and_verbatim_hold_no_code() {
    let text = "{# ormlint-ignore: x #}{# plain #}{% comment 'why' %}{{ a }} expect: y{% endcomment %}{% verbatim v %}{{ b }}{% endverbatim %}{{ c }}{% endverbatim v %}{{ d }}{{\n e }} {{ }} {% %} {";
    check(text, "out d");
    let facts = lower_django(text);
    let comments: Vec<&str> = facts.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(comments, ["ormlint-ignore: x", "{{ a }} expect: y"]);
    assert_eq!(facts.comments[0].range.start, 0);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stays() {
    let facts = lower_django(
        "{{ a b }}{{ a| }}{% if %}{{ x }}{% endif %}{% for %}{{ y }}{% endfor %}{{ 'open }}{{ a..b }}{{ z }}",
    );
    let text = printed(&facts);
    assert!(text.ends_with("out z\n"), "{text}");
    assert!(text.contains("out x") && text.contains("out y"), "{text}");
    assert_eq!(facts.gaps.len(), 6, "{:?}", facts.gaps);
}

#[test]
fn unbalanced_tags_end_with_what_is_around_them() {
    check(
        "{% for a in b %}{% if a %}{{ a.c }}{% endfor %}{{ d }}{% endif %}{% if x %}{{ y }}",
        "for a in b
  if a
    out a.c?
out d
if x
  out y",
    );
}

#[test]
fn deep_and_long_input_ends_in_time() {
    let n = 100_000;
    let deep = format!(
        "{}{{{{ x }}}}{}{{{{ y }}}}",
        "{% if a %}".repeat(n),
        "{% endif %}".repeat(n)
    );
    let facts = lower_django(&deep);
    assert!(printed(&facts).ends_with("out y\n"));
    assert_eq!(facts.gaps.len(), 1);
    let chain = format!(
        "{{% if a %}}{}{{% endif %}}{{{{ y }}}}",
        "{% elif b %}{{ c }}".repeat(n)
    );
    assert!(printed(&lower_django(&chain)).ends_with("out y\n"));
    let dots = format!("{{{{ a{} }}}}{{{{ y }}}}", ".b".repeat(n));
    assert!(printed(&lower_django(&dots)).ends_with("out y\n"));
    for piece in [
        "{{ ",
        "{% ",
        "{# ",
        "{% endif %}",
        "{% else %}",
        "{{ 'a",
        "{% x \\\"",
        "{% verbatim %}",
        "{% comment %}",
        "{% for a in b %}{% x",
    ] {
        let facts = lower_django(&piece.repeat(1_000_000 / piece.len()));
        assert!(facts.functions.len() == 1, "{piece}");
        assert!(
            lower_django(&format!("{}\n{{{{ y }}}}", piece.repeat(1000)))
                .functions
                .len()
                == 1
        );
    }
}

#[test]
fn ten_megabytes_are_read_once() {
    let text = "<p>{{ a.b|f }}</p>{% if a %}x{% endif %} {{ ( {% ".repeat(200_000);
    let facts = lower_django(&text);
    assert!(facts.functions[0].body.root.len() >= 200_000);
}

#[test]
fn junk_is_no_reason_to_panic() {
    let mut state = 7u32;
    let parts = [
        "{{", "}}", "{%", "%}", "{#", "#}", " ", "'", "\"", ".", "|", ":", "=", "é", "\u{0}",
        "for ", "in ", "if ", "as ", "end", "with ", "\n", "a", "9", "block ",
    ];
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..30 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(parts[(state >> 16) as usize % parts.len()]);
        }
        printed(&lower_django(&text));
    }
}
