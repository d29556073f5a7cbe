//! What expressions become.

use super::{check, check_lines, printed};

#[test]
fn member_reads_calls_and_subscripts() {
    check("$a->b->c();", "$a.b.c()");
    check("$a?->b()?->c;", "$a?.b()?.c");
    check("$a['k'][0][];", "$a[\"k\"][0][]");
    check("$a->$name; $a->{'x' . $y}();", "$a.{$name}\n$a.{(\"x\" . $y)}()");
    check("($a)->b; (new A)->b()->c;", "$a.b\nnew <A>().b().c");
    check("$this->a->b();", "this.a.b()");
    check("$f($x)($y);", "$f($x)($y)");
    check("[$a, 'b']();", "[$a, \"b\"]()");
}

#[test]
fn static_members_and_class_names() {
    check("A::b();", "<A>.b()");
    check("A::B; A::$c; A::$c->d;", "<A>.B\n<A>.c\n<A>.c.d");
    check("A::class; $a::class;", "<A>\n$a.class");
    check("$class::query()->get();", "$class.query().get()");
    check("A::$method(); A::{$m}();", "<A>.{$method}()\n<A>.{$m}()");
    check("self::a(); STATIC::b(); Parent::c();", "<self>.a()\n<static>.b()\n<parent>.c()");
    check("static::$cache['k'] = 1;", "(<static>.cache[\"k\"] = 1)");
}

#[test]
fn calls_with_named_spread_and_placeholder_arguments() {
    check("f($a, ...$b, c: 1);", "fn f($a, ...$b, c: 1)");
    check("f(...); $a->b(...); A::c(...);", "fn f(...)\n$a.b(...)\n<A>.c(...)");
    check("$x |> f(...);", "fn f($x)");
    check("f(/* none */); f($a /* one */, );", "fn f()\nfn f($a)");
}

#[test]
fn construction() {
    check("new A; new A(1); new \\A\\B(x: $y);", "new <A>()\nnew <A>(1)\nnew <A\\B>(x: $y)");
    check("new $class($x); new ($a . 'b'); new static;", "new $class($x)\nnew ($a . \"b\")()\nnew <static>()");
    check("clone $a->b; clone($a);", "same($a.b)\nsame($a)");
}

#[test]
fn operators() {
    check("$a && $b || !$c;", "(($a && $b) || !$c)");
    check("$a and $b or die('x');", "(($a && $b) || throw(\"x\"))");
    check("$a === 1; $a <> 2; $a <=> 3;", "($a == 1)\n($a != 2)\n($a < 3)");
    check("$a ? $b : $c; $a ?: $c;", "($a ? $b : $c)\n($a ? : $c)");
    check("$a instanceof B; $a instanceof $b;", "($a instanceof <B>)\n($a instanceof $b)");
    check("(int) $a; (array) $b; @$c; -$d; -5;", "scalar($a)\nsame($b)\nsame($c)\nscalar($d)\n-5");
    check("isset($a->b, $c['d']); empty($x);", "isset($a.b, $c[\"d\"])\nempty($x)");
}

#[test]
fn assignments() {
    check("$a = $b = 1;", "($a = ($b = 1))");
    check("$a->b = 1; A::$b = 2; $a['k'] = 3; $a[] = 4;", "($a.b = 1)\n(<A>.b = 2)\n($a[\"k\"] = 3)\n($a[] = 4)");
    check("$a .= 'x'; $a->b += 1; $a['k'] ??= f();", "($a .= \"x\")\n($a.b += 1)\n($a[\"k\"] ??= fn f())");
    check("$i++; --$a->b;", "($i += 1)\n($a.b op= 1)");
    check("$a = &$b; $a = &$b->c;", "($a = $b)\n($a = $b.c)");
}

#[test]
fn destructuring() {
    check("[$a, , $b] = f();", "([$a, _, $b] = fn f())");
    check("list($a, list(, $b)) = $c;", "([$a, [_, $b]] = $c)");
    check("['k' => $a, 'l' => [$b]] = $c;", "({\"k\": $a, \"l\": [$b]} = $c)");
    check("[$a->b, $c[]] = $d;", "([$a.b, $c[]] = $d)");
    check("[$a, $b,] = $c;", "([$a, $b] = $c)");
}

#[test]
fn literals() {
    check("1; 0x1F; 0b11; 0o17; 017; 1_000; 1.5; TRUE; null;", "1\n31\n3\n15\n15\n1000\nliteral\ntrue\nnull");
    check(r#"'a\'b\\c\n'; "a\n\x41\u{e9}\101";"#, "\"a'b\\\\c\\\\n\"\n\"a\\nA\u{e9}A\"");
    check("[1, 'a' => 2, ...$c, &$d]; [1, 2]; array();", "{1, \"a\": 2, ...$c, $d}\n[1, 2]\n[]");
    check("FOO; \\FOO; PHP_EOL;", "FOO\nFOO\nPHP_EOL");
}

#[test]
fn interpolation() {
    check(r#""a $b c";"#, r#"text("a ", $b, " c")"#);
    check(r#""$a->b->c $a[k] $a[0] $a[$i]";"#, r#"text($a.b, "->c ", $a["k"], " ", $a[0], " ", $a[$i])"#);
    check(r#""{$a->b->c} {$a['k']['l']} {$a->b()} ${c}";"#, r#"text($a.b.c, " ", $a["k"]["l"], " ", $a.b(), " ", $c)"#);
    check("<<<T\nsome {$a->b}\n  more\nT;", "text(\"some \", $a.b, \"\\n  more\")");
    check("<<<'T'\nsome $a\nT;", "\"some $a\"");
    check("<<<T\nplain\ntext\nT;", "\"plain\\ntext\"");
    check("`ls $dir`;", "text(\"ls \", $dir)");
}

#[test]
fn closures_take_what_they_use() {
    check_lines(
        "$f = function (int $a) use ($b, &$c): ?int { return $a + $b; };",
        &["($f = closure(1))", "fn 1 closure($a: int) -> int|null", "capture $b as $b", "capture &$c as $c"],
    );
    check_lines("static function () {};", &["fn 1 static closure()"]);
}

#[test]
fn arrow_functions_take_every_variable_they_read_and_no_parameter() {
    let all = printed("fn($x) => fn($y) => $x + $y + $z;");
    assert!(all.contains("fn 1 closure($x)\n  capture $z as $z\n  return closure(2)\n"), "{all}");
    assert!(all.contains("fn 2 closure($y) in fn 1\n  capture $x as $x\n  capture $z as $z\n"), "{all}");
}

#[test]
fn match_yield_throw_and_include() {
    check(
        "$a = match(true) { $x > 1, $y => f(), default => throw new E };",
        "($a = match true { ($x < 1), $y => fn f(); default => throw(new <E>()); })",
    );
    check_lines(
        "function f() { $a = yield; yield 1; yield $k => $v; yield from g(); }",
        &["fn 1 generator function f()", "($a = yield)", "yield(1)", "yield(sequence($k, $v))", "yield-from(fn g())"],
    );
    check("$a ?? throw new E; include 'a.php'; require_once $b;", "($a ?? throw(new <E>()))\ninclude(\"a.php\")\ninclude($b)");
}

#[test]
fn computed_names_are_gaps() {
    check_lines("$$a; ${'b'}; eval($c);", &["gap(computed name: $a)", "gap(computed name)", "gap(computed name: $c)"]);
}

#[test]
fn names_are_resolved_by_namespace_and_imports() {
    let code = "namespace A\\B;
use C\\D, E\\F as G;
use H\\{I, J\\K, function l};
use function M\\n as o;
use const P\\Q;
new D; new G\\X; new I; new K; new L; new \\L; new namespace\\N; new d;
l(); o(); p(); \\q(); namespace\\r(); G\\s();
Q; R; \\S;";
    check_lines(
        code,
        &[
            "Php namespace A\\B",
            "import C\\D as D",
            "import function H\\l as l",
            "import const P\\Q as Q",
            "new <C\\D>()",
            "new <E\\F\\X>()",
            "new <H\\I>()",
            "new <H\\J\\K>()",
            "new <A\\B\\L>()",
            "new <L>()",
            "new <A\\B\\N>()",
            "fn H\\l()",
            "fn M\\n()",
            "fn A\\B\\p|p()",
            "fn q()",
            "fn A\\B\\r()",
            "fn E\\F\\s()",
            "P\\Q",
            "R",
            "S",
        ],
    );
}
