use super::lower_django;
use super::printed::{places, printed};

fn check(source: &str, expected: &str) {
    let facts = lower_django(source);
    assert_eq!(printed(&facts).trim(), expected.trim(), "\n{source}\n{:?}", facts.gaps);
    assert_eq!(facts.gaps, [], "{source}");
}

#[test]
fn a_loop_binds_its_targets_and_reads_are_called_lookups() {
    check(
        "{% for b in books reversed %}{{ b.author.name }}{% empty %}none {{ x }}{% endfor %}\n\
         {% for k, v in d.items %}{{ v.0|length }}{% endfor %}",
        r#"each $books as $b
  output $b~author()~name()
else
  output $x
each $d~items() as [$k, $v]
  output $v~0()|length()"#,
    );
}

#[test]
fn places_end_with_the_name() {
    let text = "<p>{{ b.author.name|default:c.d }}</p>{% if a.b %}{% endif %}";
    assert_eq!(places(&lower_django(text), text), ["b.author", "b.author.name", "c.d", "a.b"]);
}

#[test]
fn conditions_follow_the_precedence_of_the_language() {
    check(
        "{% if a and not b.c or d|length > 3 %}1{% elif x not in y %}{{ q }}{% else %}{{ z }}{% endif %}\
         {% if a is not None and b == 'x y' %}{{ k }}{% endif %}{% ifequal a b %}{{ c }}{% else %}{{ d }}{% endifequal %}",
        r#"if (($a && !$b~c()) || ($d|length() < 3))
else
  if ($x not-in $y)
    output $q
  else
    output $z
if (($a != null) && ($b == "x y"))
  output $k
if ($a == $b)
  output $c
else
  output $d"#,
    );
}

#[test]
fn filters_take_strings_numbers_and_variables() {
    check(
        r#"{{ books|join:", " }}{{ a|default:"}"|add:-3|x:y.z }}{{ _("hi")|upper }}{{ "a\"b" }}{{ 1.5 }}{{ True }}{{ 2fa_on.x }}"#,
        r#"output $books|join(", ")
output $a|default("}")|add(-3)|x($y~z())
output "hi"|upper()
output "a\"b"
output literal
output true
output $2fa_on~x()"#,
    );
}

#[test]
fn variables_are_bound_by_with_in_both_forms() {
    check(
        "{% with rs=b.reviews.all n=3 %}{{ rs|length }}{% endwith %}{% with a.b as c and d as e %}{{ c }}{% endwith %}",
        r#"with $b~reviews()~all() as $rs 3 as $n
  output $rs|length()
with $a~b() as $c $d as $e
  output $c"#,
    );
}

#[test]
fn templates_are_rendered_by_name() {
    check(
        r#"{% extends "base.html" %}{% block main %}{% include "row.html" with b=x.y only %}{% include name %}{{ block.super }}{% endblock main %}"#,
        r#"render-extends("base.html", inherits)
block main
  render-include("row.html", b: $x~y())
  render-include($name, inherits)
  output $block~super()"#,
    );
}

#[test]
fn regroup_names_the_path() {
    let text = "{% regroup books.all by author.name as groups %}{% for g in groups %}{{ g.list }}{% endfor %}";
    check(
        text,
        r#"($groups = regroup($books~all(), "author.name"))
each $groups as $g
  output $g~list()"#,
    );
}

#[test]
fn built_in_tags_evaluate_their_arguments() {
    check(
        "{% url 'x' b.author.pk q=c.d as u %}{% firstof a b.c %}{% cycle 'odd' 'even' as cls silent %}\
         {% widthratio a b 100 %}{% cache 500 side b.pk %}{{ x }}{% endcache %}{% autoescape off %}{{ y }}{% endautoescape %}\
         {% blocktranslate with n=b.name count c=xs|length %}{{ n }}{% plural %}{{ c }}{% endblocktranslate %}\
         {% ifchanged b.day %}{{ d }}{% else %}{{ e }}{% endifchanged %}{% now 'Y' as year %}{% load i18n %}{% csrf_token %}",
        r#"output "x"
output $b~author()~pk()
output $c~d()
($u = literal)
output ($a || $b~c())
($cls = ("odd" || "even"))
output $a
output $b
output 100
500
$side
$b~pk()
cached
  output $x
output $y
with $b~name() as $n $xs|length() as $c
  output $n
  output $c
if scalar($b~day())
  output $d
else
  output $e
output "Y"
($year = literal)"#,
    );
}

#[test]
fn tags_of_the_project_keep_their_arguments_and_content() {
    check(
        "{% show_books author.books limit=3 as shown %}{% plain x %}{% box b.title %}{{ b.author }}{% else %}{{ c }}{% endbox %}\
         {% if a %}{% thumb im '1x1' as t %}{{ t }}{% endthumb %}{% endif %}{% endstray %}{% field f.x class+='a b' %}",
        r#"($shown = render-tag("show_books", $author~books(), limit: 3, inherits))
render-tag("plain", $x, inherits)
render-tag("box", $b~title(), inherits) {
    output $b~author()
    output $c
}
if $a
  ($t = render-tag("thumb", $im, "1x1", inherits))
  output $t
render-tag("field", $f~x(), gap(syntax error: $class), inherits)"#,
    );
}

#[test]
fn text_comments_and_verbatim_hold_no_code() {
    let text = "{# ormlint-ignore: x #}{# plain #}{% comment 'why' %}{{ a }} expect: y{% endcomment %}{% verbatim v %}{{ b }}{% endverbatim %}{{ c }}{% endverbatim v %}{{ d }}{{\n e }} {{ }} {% %} {";
    check(text, r#"output $d"#);
    let facts = lower_django(text);
    let comments: Vec<&str> = facts.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(comments, ["ormlint-ignore: x", "{{ a }} expect: y"]);
    assert_eq!(facts.comments[0].range.start, 0);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stays() {
    let facts =
        lower_django("{{ a b }}{{ a| }}{% if %}{{ x }}{% endif %}{% for %}{{ y }}{% endfor %}{{ 'open }}{{ a..b }}{{ z }}");
    let text = printed(&facts);
    assert!(text.ends_with("output $z"), "{text}");
    assert!(text.contains("output $x") && text.contains("output $y"), "{text}");
    assert_eq!(facts.gaps.len(), 6, "{:?}", facts.gaps);
}

#[test]
fn unbalanced_tags_end_with_what_is_around_them() {
    check(
        "{% for a in b %}{% if a %}{{ a.c }}{% endfor %}{{ d }}{% endif %}{% if x %}{{ y }}",
        r#"each $b as $a
  if $a
    output $a~c()
output $d
if $x
  output $y"#,
    );
}

#[test]
fn deep_and_long_input_ends_in_time() {
    let n = 100_000;
    let deep = format!("{}{{{{ x }}}}{}{{{{ y }}}}", "{% if a %}".repeat(n), "{% endif %}".repeat(n));
    let facts = lower_django(&deep);
    assert!(printed(&facts).ends_with("output $y"));
    assert_eq!(facts.gaps.len(), 1);
    let chain = format!("{{% if a %}}{}{{% endif %}}{{{{ y }}}}", "{% elif b %}{{ c }}".repeat(n));
    assert!(printed(&lower_django(&chain)).ends_with("output $y"));
    let dots = format!("{{{{ a{} }}}}{{{{ y }}}}", ".b".repeat(n));
    assert!(printed(&lower_django(&dots)).ends_with("output $y"));
    let labels: Vec<String> = (0..20_000).map(|i| format!("{{% verbatim v{i} %}}")).collect();
    assert!(printed(&lower_django(&format!("{} {{{{ y }}}}", labels.concat()))).ends_with("$y"));
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
        let facts = lower_django(&piece.repeat(200_000 / piece.len()));
        assert!(facts.functions.len() == 1, "{piece}");
        assert!(lower_django(&format!("{}\n{{{{ y }}}}", piece.repeat(1000))).functions.len() == 1);
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
        "{{", "}}", "{%", "%}", "{#", "#}", " ", "'", "\"", ".", "|", ":", "=", "é", "\u{0}", "for ", "in ", "if ", "as ", "end",
        "with ", "\n", "a", "9", "block ",
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
