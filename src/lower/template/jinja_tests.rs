use super::lower_jinja;
use super::printed::{places, printed};

fn check(source: &str, expected: &str) {
    let facts = lower_jinja(source);
    assert_eq!(printed(&facts).trim(), expected.trim(), "\n{source}\n{:?}", facts.gaps);
    assert_eq!(facts.gaps, [], "{source}");
}

#[test]
fn attributes_items_and_calls() {
    check(
        "{{ a.b.c }}{{ a['b'] }}{{ a[b] }}{{ a[0].x }}{{ a.0 }}{{ f(x, k=y.z, *p, **q) }}{{ a.b(1).c }}{{ a[1:n] }}{{ a[:2] }}",
        r#"output $a~b~c
output $a~b
output $a[$b]
output $a[0]~x
output $a~0
output $f($x, k: $y~z, ...$p, **$q)
output $a~b(1)~c
output $a[1:$n]
output $a[:2]"#,
    );
}

#[test]
fn places_end_with_the_name() {
    let text = "<p>{{- b.author['name'].x (1).y|f -}}</p>";
    assert_eq!(
        places(&lower_jinja(text), text),
        ["b.author", "b.author['name", "b.author['name'].x", "b.author['name'].x (1)", "b.author['name'].x (1).y"]
    );
}

#[test]
fn operators_bind_as_in_the_language() {
    check(
        "{{ a or b and not c == d ~ 'x' + 1 }}{{ a if b else c if d else e }}{{ a if b }}{{ 2 ** 3 * -x }}{{ a not in b }}{{ a // b % c }}",
        r#"output ($a || ($b && !($c == (($d . "x") + 1))))
output ($b ? $a : ($d ? $c : $e))
output ($b ? $a : null)
output ((2 op 3) op scalar($x))
output ($a not-in $b)
output (($a op $b) % $c)"#,
    );
}

#[test]
fn filters_and_tests() {
    check(
        "{{ xs|map(attribute='a.b')|join(', ') }}{{ x is defined }}{{ x.y is not none }}{{ x is divisibleby 3 }}{{ x is string }}{{ a is sameas b.c }}{{ x is undefined }}{{ x is not in y and z }}",
        r#"output $xs|map(attribute: "a.b")|join(", ")
output isset($x)
output ($x~y != null)
output scalar(sequence($x, 3))
output scalar($x)
output ($a == $b~c)
output !isset($x)
output (($x not-in $y) && $z)"#,
    );
}

#[test]
fn literals() {
    check(
        "{{ [1, 'a' 'b', 2.5] }}{{ (a, b) }}{{ () }}{{ {'k': v, 'n': {'m': 1}} }}{{ a, b }}{{ true }}{{ None }}{{ \"}}\" }}",
        r#"output [1, "ab", literal]
output tuple($a, $b)
output tuple()
output {"k": $v, "n": {"m": 1}}
output tuple($a, $b)
output true
output null
output "}}""#,
    );
}

#[test]
fn loops_branches_and_bindings() {
    check(
        "{%- for a, b in d.items() if b.ok recursive -%}{{ loop.index }}{{ a.x }}{% else %}{{ n }}{% endfor %}\
         {% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}\
         {% set x, y = 1, z %}{% set ns.v = 2 %}{% set w %}{{ q }}{% endset %}{% with a = b.c, d = 1 %}{{ a }}{% endwith %}{% do l.append(1) %}\
         {% for (a, b), c in p %}{% break %}{% endfor %}",
        r#"each $d~items() as [$a, $b]
  if $b~ok
    output $loop~index
    output $a~x
else
  output $n
if $a
  output $b
else
  if $c
    output $d
  else
    output $e
([$x, $y] = tuple(1, $z))
($ns.v = 2)
output $q
($w = literal)
with $b~c as $a 1 as $d
  output $a
$l~append(1)
each $p as [[$a, $b], $c]
  break 1"#,
    );
}

#[test]
fn macros_are_functions_that_see_the_template() {
    check(
        "{% macro row(p, n=p.x) %}{{ p.author }}{{ site }}{{ caller() }}{% set t = 1 %}{{ t }}{% endmacro row %}{{ row(post) }}\
         {% call(item) row(post) %}{{ item.a }}{% endcall %}{% call row(1) %}{{ b }}{% endcall %}",
        r#"function fn 1 as $row
output $row($post)
output $row($post)
with gap(not understood: template value) as $item
  output $item~a
output $row(1)
output $b
fn 1 macro row($p, $n = $p~x)
capture $site as $site
output $p~author
output $site
output $caller()
($t = 1)
output $t"#,
    );
}

#[test]
fn templates_are_rendered_and_imported() {
    check(
        "{% extends 'b.html' %}{% include ['a.html', x] ignore missing without context %}{% include 'r.html' %}\
         {% import 'm.html' as m with context %}{% from 'n.html' import f, g as h %}{% block c scoped %}{{ super() }}{% endblock %}",
        r#"render-extends("b.html", inherits)
render-include(["a.html", $x])
render-include("r.html", inherits)
($m = render-import("m.html", inherits))
($f = render-import("n.html")~f)
($h = render-import("n.html")~g)
block c
  output $super()"#,
    );
}

#[test]
fn other_tags_keep_their_content() {
    check(
        "{% trans count=xs|length, user %}{{ count }}{% pluralize %}{{ user }}{% endtrans %}{% trans %}hi{% endtrans %}\
         {% filter upper %}{{ a }}{% endfilter %}{% autoescape true %}{{ b }}{% endautoescape %}\
         {% cache 300, k=x.y %}{{ c }}{% endcache %}{% raw %}{{ no }}{% endraw %}{# step: x #}{{ d }}",
        r#"with $xs|length() as $count
  output $count
  output $user
literal|upper()
output $a
true
output $b
render-tag("cache", 300, k: $x~y, inherits)
output $c
output $d"#,
    );
}

#[test]
fn tags_span_lines() {
    check(
        "{{\n  f(\n a.b,\n c)\n}}{% set x = {\n'a': 1} %}",
        r#"output $f($a~b, $c)
($x = {"a": 1})"#,
    );
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stays() {
    let facts = lower_jinja(
        "{{ a. }}{{ (a }}{{ a b }}{% if %}{{ x }}{% endif %}{% for %}{{ y }}{% endfor %}{{ f(a }}{{ 'op }}{{ {a} }}{{ z }}",
    );
    let text = printed(&facts);
    assert!(text.ends_with("output $z"), "{text}");
    assert!(text.contains("output $x") && text.contains("output $y"), "{text}");
}

#[test]
fn unbalanced_tags_end_with_what_is_around_them() {
    check(
        "{% for a in b %}{% if a %}{% macro m() %}{{ a.c }}{% endfor %}{{ d }}{% endif %}{% endmacro %}{% if x %}{{ y }}",
        r#"each $b as $a
  if $a
    function fn 1 as $m
output $d
if $x
  output $y
fn 1 macro m()
capture $a as $a
output $a~c"#,
    );
}

#[test]
fn deep_and_long_input_ends_in_time() {
    let n = 100_000;
    for (open, close) in
        [("{% if a %}", "{% endif %}"), ("{% macro m() %}", "{% endmacro %}"), ("{% for a in b %}", "{% endfor %}")]
    {
        let deep = format!("{}{{{{ x }}}}{}{{{{ y }}}}", open.repeat(n), close.repeat(n));
        let facts = lower_jinja(&deep);
        let body = &facts.functions[0].body;
        let last = *body.root.last().expect("there is a statement");
        assert!(matches!(body.stmt(last), crate::facts::Stmt::Output(_)));
        assert_eq!(facts.gaps.len(), 1);
    }
    for part in ["(", "[", "not ", "-", "a if b else ", "a or ", "f(", "x|f(", "{1:", "a.b.", "a ~ ", "a is b "] {
        let text = format!("{{{{ {} }}}}{{{{ y }}}}", part.repeat(n));
        let text = printed(&lower_jinja(&text));
        assert!(text.ends_with("output $y"), "{part}");
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
        let facts = lower_jinja(&piece.repeat(200_000 / piece.len()));
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
        "{{", "}}", "{%", "-%}", "{#", "#}", " ", "'", "\"", ".", "|", "(", ")", "[", "]", "=", "é", "\u{0}", "for ", "in ",
        "if ", "is ", "end", "macro ", "\n", "a", "9", "call ", ",", "set ", "not ",
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
