//! Which variable does each name mean?

use super::check;

#[test]
fn nested_functions_capture_through_functions_between() {
    check(
        r"
def outer(n):
    total = 0
    def inner():
        nonlocal total
        total += n
        return lambda q: q + n + later + unknown
    later = 1
    return inner
",
        r"
Python
fn 0 file
  function fn 1 as $outer
fn 1 function outer($n)
  ($total = 0)
  function fn 2 as $inner
  ($later = 1)
  return $inner
fn 2 function inner() in fn 1
  capture $n as $n
  capture &$total as $total
  capture $later as $later
  ($total += $n)
  return closure(3)
fn 3 closure($q) in fn 2
  capture $n as $n
  capture $later as $later
  return ((($q + $n) + $later) + unknown)
",
    );
}

#[test]
fn class_bodies_give_no_captures() {
    check(
        r"
def outer(n):
    class Local:
        n = n
        own = 1
        def m(self): return n, own
    return Local
",
        r"
Python
class outer.<locals>.Local #0 scope fn 2
  static n = $n
  static own = 1
  method fn 3
fn 0 file
  function fn 1 as $outer
fn 1 function outer($n)
  class #0 as $Local
  return $Local
fn 2 class-body outer.<locals>.Local::Local in fn 1
  capture $n as $n
  ($n = $n)
  ($own = 1)
  function fn 3 as $m
fn 3 method outer.<locals>.Local::m($self) in fn 2
  capture $n as $n
  return tuple($n, own)
",
    );
}

#[test]
fn global_names_are_not_locals() {
    check(
        r"
G = 0
def f():
    global G
    G = G + 1
    def g(): return G
    return H
",
        r"
Python
fn 0 file
  ($G = 0)
  function fn 1 as $f
fn 1 function f()
  (global G = (G + 1))
  function fn 2 as $g
  return H
fn 2 function g() in fn 1
  return G
",
    );
}

#[test]
fn defaults_are_read_around_the_function() {
    check(
        r"
x = 1
def f(n):
    def g(n=n, x=x): return n
    return [lambda i=i: i for i in n]
",
        r"
Python
fn 0 file
  ($x = 1)
  function fn 1 as $f
fn 1 function f($n)
  function fn 2 as $g
  return list(closure(3) for $i in $n)
fn 2 function g($n = $n, $x = x) in fn 1
  capture $n as $n
  return $n
fn 3 closure($i = $i) in fn 1
  capture $i as $i
  return $i
",
    );
}

#[test]
fn comprehension_targets_are_seen_only_inside() {
    check(
        r"
def f(x):
    xs = [x for x in x if x for y in x.z if y]
    d = {k: v for k, v in x.items()}
    s = {k async for k in d}
    g = sum(i.n for i in x if (last := i))
    ls = [lambda: x for x in g]
    return x, k, last
",
        r"
Python
fn 0 file
  function fn 1 as $f
fn 1 function f($x)
  ($xs = list($x for $x in $x if $x for $y in $x.z if $y))
  ($d = dict($k: $v for [$k, $v] in $x.items()))
  ($s = set($k async for $k in $d))
  ($g = sum(generator($i.n for $i in $x if ($last = $i))))
  ($ls = list(closure(2) for $x in $g))
  return tuple($x, k, $last)
fn 2 closure() in fn 1
  capture $x as $x
  return $x
",
    );
}
