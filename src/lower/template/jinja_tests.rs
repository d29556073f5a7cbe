use super::lower_jinja;
use super::printed::{places, printed};

fn check(source: &str, expected: &str) {
    let facts = lower_jinja(source);
    assert_eq!(
        printed(&facts).trim(),
        expected.trim(),
        "\n{source}\n{:?}",
        facts.gaps
    );
    assert_eq!(facts.gaps, [], "{source}");
}

#[test]
fn attributes_items_and_calls() {
    check(
        "{{ a.b.c }}{{ a['b'] }}{{ a[b] }}{{ a[0].x }}{{ a.0 }}{{ f(x, k=y.z, *p, **q) }}{{ a.b(1).c }}{{ a[1:n] }}{{ a[:2] }}",
        "out a.b.c
out a.b
out a[b]
out a[0].x
out a.0
out f(x, k=y.z, *p, **q)
out a.b(1).c
out a[1:n]
out a[:2]",
    );
}

#[test]
fn places_end_with_the_name() {
    let text = "<p>{{- b.author['name'].x (1).y|f -}}</p>";
    assert_eq!(
        places(&lower_jinja(text), text),
        [
            "b.author",
            "b.author['name",
            "b.author['name'].x",
            "b.author['name'].x (1)",
            "b.author['name'].x (1).y"
        ]
    );
}

#[test]
fn operators_bind_as_in_the_language() {
    check(
        "{{ a or b and not c == d ~ 'x' + 1 }}{{ a if b else c if d else e }}{{ a if b }}{{ 2 ** 3 * -x }}{{ a not in b }}{{ a // b % c }}",
        "out (a or (b and not (c Equal ((d Concat 'x') Add 1))))
out (b ? a : (d ? c : e))
out (b ? a : null)
out ((2 Other 3) Other scalar(x))
out (a NotIn b)
out ((a Other b) Mod c)",
    );
}

#[test]
fn filters_and_tests() {
    check(
        "{{ xs|map(attribute='a.b')|join(', ') }}{{ x is defined }}{{ x.y is not none }}{{ x is divisibleby 3 }}{{ x is string }}{{ a is sameas b.c }}{{ x is undefined }}{{ x is not in y and z }}",
        "out xs|map(attribute='a.b')|join(', ')
out isset(x)
out (x.y NotEqual null)
out scalar((x, 3))
out scalar(x)
out (a Equal b.c)
out not isset(x)
out ((x NotIn y) and z)",
    );
}

#[test]
fn literals() {
    check(
        "{{ [1, 'a' 'b', 2.5] }}{{ (a, b) }}{{ () }}{{ {'k': v, 'n': {'m': 1}} }}{{ a, b }}{{ true }}{{ None }}{{ \"}}\" }}",
        "out [1, 'ab', literal]
out [a, b]
out []
out {'k': v, 'n': {'m': 1}}
out [a, b]
out true
out null
out '}}'",
    );
}

#[test]
fn loops_branches_and_bindings() {
    check(
        "{%- for a, b in d.items() if b.ok recursive -%}{{ loop.index }}{{ a.x }}{% else %}{{ n }}{% endfor %}\
         {% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}\
         {% set x, y = 1, z %}{% set ns.v = 2 %}{% set w %}{{ q }}{% endset %}{% with a = b.c, d = 1 %}{{ a }}{% endwith %}{% do l.append(1) %}\
         {% for (a, b), c in p %}{% break %}{% endfor %}",
        "for (a, b) in d.items()
  if b.ok
    out loop.index
    out a.x
else
  out n
if a
  out b
else
  if c
    out d
  else
    out e
(x, y) = [1, z]
ns.v = 2
out q
w = literal
with a=b.c, d=1
  out a
l.append(1)
for ((a, b), c) in p
  Break(1)",
    );
}

#[test]
fn macros_are_functions_that_see_the_template() {
    check(
        "{% macro row(p, n=p.x) %}{{ p.author }}{{ site }}{{ caller() }}{% set t = 1 %}{{ t }}{% endmacro row %}{{ row(post) }}\
         {% call(item) row(post) %}{{ item.a }}{% endcall %}{% call row(1) %}{{ b }}{% endcall %}",
        "row = fn#1
out row(post)
out row(post)
with item=gap[not understood: template value]()
  out item.a
out row(1)
out b
fn#1 row(p, n=p.x) uses site
  out p.author
  out site
  out caller()
  t = 1
  out t",
    );
}

#[test]
fn templates_are_rendered_and_imported() {
    check(
        "{% extends 'b.html' %}{% include ['a.html', x] ignore missing without context %}{% include 'r.html' %}\
         {% import 'm.html' as m with context %}{% from 'n.html' import f, g as h %}{% block c scoped %}{{ super() }}{% endblock %}",
        "Extends 'b.html' +
Include ['a.html', x]
Include 'r.html' +
m = Import 'm.html' +
f = Import 'n.html'.f
h = Import 'n.html'.g
block c
  out super()",
    );
}

#[test]
fn other_tags_keep_their_content() {
    check(
        "{% trans count=xs|length, user %}{{ count }}{% pluralize %}{{ user }}{% endtrans %}{% trans %}hi{% endtrans %}\
         {% filter upper %}{{ a }}{% endfilter %}{% autoescape true %}{{ b }}{% endautoescape %}\
         {% cache 300, k=x.y %}{{ c }}{% endcache %}{% raw %}{{ no }}{% endraw %}{# step: x #}{{ d }}",
        "with count=xs|length()
  out count
  out user
literal|upper()
out a
true
out b
Tag 'cache' with 300, k=x.y +
out c
out d",
    );
}

#[test]
fn tags_span_lines() {
    check(
        "{{\n  f(\n a.b,\n c)\n}}{% set x = {\n'a': 1} %}",
        "out f(a.b, c)\nx = {'a': 1}",
    );
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stays() {
    let facts = lower_jinja(
        "{{ a. }}{{ (a }}{{ a b }}{% if %}{{ x }}{% endif %}{% for %}{{ y }}{% endfor %}{{ f(a }}{{ 'op }}{{ {a} }}{{ z }}",
    );
    let text = printed(&facts);
    assert!(text.ends_with("out z\n"), "{text}");
    assert!(text.contains("out x") && text.contains("out y"), "{text}");
}

#[test]
fn unbalanced_tags_end_with_what_is_around_them() {
    check(
        "{% for a in b %}{% if a %}{% macro m() %}{{ a.c }}{% endfor %}{{ d }}{% endif %}{% endmacro %}{% if x %}{{ y }}",
        "for a in b
  if a
    m = fn#1
out d
if x
  out y
fn#1 m() uses a
  out a.c",
    );
}

#[test]
fn deep_and_long_input_ends_in_time() {
    let n = 100_000;
    for (open, close) in [
        ("{% if a %}", "{% endif %}"),
        ("{% macro m() %}", "{% endmacro %}"),
        ("{% for a in b %}", "{% endfor %}"),
    ] {
        let deep = format!(
            "{}{{{{ x }}}}{}{{{{ y }}}}",
            open.repeat(n),
            close.repeat(n)
        );
        let facts = lower_jinja(&deep);
        let body = &facts.functions[0].body;
        let last = *body.root.last().expect("there is a statement");
        assert!(matches!(body.stmt(last), crate::facts::Stmt::Output(_)));
        assert_eq!(facts.gaps.len(), 1);
    }
    for part in [
        "(",
        "[",
        "not ",
        "-",
        "a if b else ",
        "a or ",
        "f(",
        "x|f(",
        "{1:",
        "a.b.",
        "a ~ ",
        "a is b ",
    ] {
        let text = format!("{{{{ {} }}}}{{{{ y }}}}", part.repeat(n));
        let text = printed(&lower_jinja(&text));
        assert!(text.ends_with("out y\n"), "{part}");
    }
    for piece in [
        "{{ ",
        "{% ",
        "{# ",
        "{{ (",
        "{{ '",
        "{% endif %}",
        "{% else %}",
        "{% raw %}",
        "{% if a %}{% x",
        "{{ \"' }}",
        "{% for a in b %}",
    ] {
        let facts = lower_jinja(&piece.repeat(1_000_000 / piece.len()));
        assert!(!facts.functions.is_empty(), "{piece}");
    }
}

#[test]
fn ten_megabytes_are_read_once() {
    let text = "<p>{{ a.b|f }}</p>{% if a %}x{% endif %} {{ ( {% ".repeat(200_000);
    let facts = lower_jinja(&text);
    assert!(facts.functions[0].body.root.len() >= 200_000);
}

#[test]
fn junk_is_no_reason_to_panic() {
    let mut state = 7u32;
    let parts = [
        "{{", "}}", "{%", "-%}", "{#", "#}", " ", "'", "\"", ".", "|", "(", ")", "[", "]", "=",
        "é", "\u{0}", "for ", "in ", "if ", "is ", "end", "macro ", "\n", "a", "9", "call ", ",",
        "set ", "not ",
    ];
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..30 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(parts[(state >> 16) as usize % parts.len()]);
        }
        printed(&lower_jinja(&text));
    }
}
