//! What do expressions become?

use super::check;

#[test]
fn operators_keep_their_meaning() {
    check(
        r#"
a is None and b is not c or not d
a == b != c
a in b, a not in b, a < b <= c
a + b + c, a | b & c, "%s" % x, a ** -b, ~q, +a
-5, 1_000, 0x1F, 1.5, 3j, 99999999999999999999
a if b else c
a += 1; b.c |= 2; d[0] &= 3
"#,
        r#"
Python
fn 0 file
  ((($a == null) && (b != c)) || !d)
  (($a == b) != c)
  tuple(($a in b), ($a not-in b), (($a < b) < c))
  tuple((($a + b) + c), ($a | (b & c)), ("%s" % x), ($a op scalar(b)), same(q), scalar($a))
  tuple(-5, 1000, 31, literal, literal, literal)
  (b ? $a : c)
  ($a += 1)
  (b.c |= 2)
  (d[0] &= 3)
"#,
    );
}

#[test]
fn strings_are_decoded_and_joined() {
    check(
        r#"
a = 'a' "b\n\x41\u00e9\101" r'\d'
b = b'x'
c = f"hi {name!r:>{width}} {{}} {x.y}" "tail" rf"\d{a}"
d = """two
lines \
joined"""
e = u''
"#,
        r#"
Python
fn 0 file
  ($a = "ab\nAéA\\d")
  ($b = literal)
  ($c = text("hi ", name, width, " {} ", x.y, "tail\\d", $a))
  ($d = "two\nlines joined")
  ($e = "")
"#,
    );
}

#[test]
fn containers_and_arguments_may_be_spread() {
    check(
        r#"
f(a, *b, k=1, **kw)
f(x for x in y)
[1, *x, (2,), {3, *y}, {**z, 'k': 1}, ()]
*a, b = c
first, = c
return_ = *a, b
"#,
        r#"
Python
fn 0 file
  f($a, ...$b, k: 1, **kw)
  f(generator($x for $x in y))
  [1, ...x, tuple(2), set(3, ...y), {**z, "k": 1}, tuple()]
  ([*$a, $b] = c)
  ([$first] = c)
  ($return_ = tuple(...$a, $b))
"#,
    );
}

#[test]
fn subscripts_and_slices() {
    check(
        r"
x[1], x[1:2], x[:, 1], x[::2], x[a:], x[a, *b]
x[1:2] = y
",
        r"
Python
fn 0 file
  tuple(x[1], x[1:2], x[tuple(literal, 1)], x[:], x[a:], x[tuple(a, ...b)])
  (other(x[1:2]) = y)
",
    );
}
