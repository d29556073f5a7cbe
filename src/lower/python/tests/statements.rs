//! What do statements become?

use super::check;

#[test]
fn loops_have_else_and_targets() {
    check(
        r"
async def f(rows):
    for i, (a, *b) in enumerate(rows):
        continue
    else:
        a
    while (n := a()) is not None:
        break
    async for r in rows: yield r
    for s.x, t[0] in rows: pass
",
        r"
Python
fn 0 file
  function fn 1 as $f
fn 1 async generator function f($rows)
  each enumerate($rows) as [$i, [$a, *$b]]
    continue 1
  else
    $a
  while while (($n = $a()) != null)
    break 1
  async each $rows as $r
    yield($r)
  each $rows as [s.x, t[0]]
",
    );
}

#[test]
fn with_binds_its_targets() {
    check(
        r"
with open(a) as f, lock, make() as (p, q.r): pass
with (open(a) as f, open(b) as g,): pass
with (yield_ctx()): pass
async def h():
    async with s as t: await t.x
",
        r"
Python
fn 0 file
  with open(a) as $f lock make() as [$p, q.r]
  with open(a) as $f open(b) as $g
  with yield_ctx()
  function fn 1 as $h
fn 1 async function h()
  async with s as $t
    await($t.x)
",
    );
}

#[test]
fn try_has_handlers_else_and_finally() {
    check(
        r"
try:
    a
except (A, B) as e:
    raise X(e) from make(e)
except C:
    raise
except* D: pass
else: 1
finally: 2
",
        r"
Python
fn 0 file
  try
    a
  catch A, B bind $e
    raise sequence(make($e), X($e))
  catch C
    raise
  catch D
  else
    1
  finally
    2
",
    );
}

#[test]
fn match_cases_test_and_bind() {
    check(
        r#"
match cmd.x:
    case Foo(a=b, c=Bar(d)) | Baz() if b: pass
    case [1, *rest]: pass
    case {"k": v, **kw}: pass
    case m.CONST | 1 | "s": pass
    case (Only() as only): pass
    case 1, 2: pass
    case other: pass
match a, b:
    case _: pass
"#,
        r#"
Python
fn 0 file
  switch cmd.x
    case Foo, Baz bind $b bind $d if $b
    case literal bind $rest
    case literal bind $v bind $kw
    case m.CONST, 1, "s"
    case Only bind $only
    case literal
    default bind $other
  switch tuple(a, $b)
    default
"#,
    );
}

#[test]
fn elif_is_an_if_in_the_else_before_it() {
    check(
        r"
if a: 1
elif b: 2
elif c: 3
else: 4
",
        r"
Python
fn 0 file
  if a
    1
  else
    if b
      2
    else
      if c
        3
      else
        4
",
    );
}

#[test]
fn docstrings_leave_no_statement() {
    check(
        r#"
"""Doc."""
def f():
    "doc"
    "doc" "more"
    return 1
"#,
        r#"
Python
fn 0 file
  function fn 1 as $f
fn 1 function f()
  return 1
"#,
    );
}

#[test]
fn deletes_asserts_raises_and_returns() {
    check(
        r#"
def f(a):
    del a, a.b, a[0]
    assert a == 1, "m"
    raise
    return a, 1
"#,
        r#"
Python
fn 0 file
  function fn 1 as $f
fn 1 function f($a)
  delete $a $a.b $a[0]
  assert ($a == 1)
  raise
  return tuple($a, 1)
"#,
    );
}

#[test]
fn generators_yield_and_receive() {
    check(
        r"
def f():
    x = yield
    y = yield x, 1
    yield from y
    z = lambda: (yield)
",
        r"
Python
fn 0 file
  function fn 1 as $f
fn 1 generator function f()
  ($x = yield)
  ($y = yield(tuple($x, 1)))
  yield-from($y)
  ($z = closure(2))
fn 2 generator closure() in fn 1
  return yield
",
    );
}

#[test]
fn python_2_is_read_as_calls() {
    check(
        r#"
print "py2", x
print >>f, x
exec "code" in ns
try:
    raise E, "m"
except E, e:
    print e
def f((a, b), c): return a
x = 0777L
"#,
        r#"
Python
fn 0 file
  print("py2", $x)
  print($f, $x)
  exec("code", ns)
  try
    raise tuple(E, "m")
  catch E bind $e
    print($e)
  function fn 1 as $f
  ($x = 777)
fn 1 function f($, $c)
  ([$a, $b] = $)
  return $a
"#,
    );
}
