//! What declarations become.

use super::{check_lines, facts, printed};
use crate::lower::php::lower;

#[test]
fn classes_with_bases_members_and_traits() {
    check_lines(
        "namespace A;
abstract class B extends C implements D, \\E {
    use F, G { F::x as protected y; G::z insteadof F; }
    const H = 1, I = self::H;
    public int|string $a = 1, $b;
    protected static ?J $c = null;
    private readonly array $d;
    var $e = ['k' => K::class];
    public function f(): static { return $this; }
    abstract protected static function g(self $a);
    final public static function h(int ...$n): void {}
}",
        &[
            "abstract class A\\B #0 extends A\\C implements A\\D, E uses A\\F, A\\G scope fn 1",
            "static H = 1",
            "static I = <self>.H",
            "a: int|string = 1",
            "b: int|string",
            "static c: A\\J|null = null",
            "d: array",
            "e = {\"k\": <A\\K>}",
            "method fn 2",
            "fn 2 method A\\B::f() -> static in fn 1",
            "fn 3 static abstract method A\\B::g($a: self) in fn 1",
            "fn 4 static method A\\B::h(...$n: int) -> void in fn 1",
        ],
    );
}

#[test]
fn interfaces_traits_and_enums() {
    check_lines(
        "interface A extends B, C { const D = 1; public function e(); }
trait F { public $g; public function h() { return parent::h(); } }
enum I: string implements J { case K = 'k'; case L = 'l'; const M = self::K; public static function n(): self { return self::K; } }",
        &[
            "interface A #0 extends B, C scope fn 1",
            "fn 2 abstract method A::e() in fn 1",
            "trait F #1 scope fn 3",
            "return <parent>.h()",
            "enum I #2 implements J scope fn 5",
            "static K: I = \"k\"",
            "static M = <self>.K",
            "fn 6 static method I::n() -> self in fn 5",
        ],
    );
}

#[test]
fn promoted_parameters_are_properties_assigned_first() {
    let all = printed("class A { public function __construct(private readonly B $b, protected ?int $n = 1, $c) { f(); } }");
    assert!(all.contains("  promoted b: B\n  promoted n: int|null\n"), "{all}");
    assert!(
        all.contains(
            "__construct(promoted $b: B, promoted $n: int|null = 1, $c) in fn 1\n  (this.b = $b)\n  (this.n = $n)\n  fn f()\n"
        ),
        "{all}"
    );
}

#[test]
fn anonymous_classes_are_named_by_their_place() {
    check_lines(
        "$a = new class($x) extends B { public function c() {} };",
        &["($a = new class(#0)($x))", "class class@15 #0 extends B scope fn 1", "fn 2 method class@15::c() in fn 1"],
    );
}

#[test]
fn property_hooks_are_methods() {
    check_lines(
        "class A { public string $b { get => $this->c; set { $this->c = $value; } } }",
        &[
            "b: string",
            "fn 2 method A::$b::get() in fn 1",
            "return this.c",
            "fn 3 method A::$b::set($value) in fn 1",
            "(this.c = $value)",
        ],
    );
}

#[test]
fn attributes_are_constructions_around_the_declaration() {
    check_lines(
        "#[A(1), B] class C { #[D('x', y: 2)] public function e(#[F] $g) {} }
#[H] function i() {}",
        &["@new <A>(1)", "@new <B>()", "@new <D>(\"x\", y: 2)", "fn 2 method C::e(@new <F>() $g) in fn 1", "@new <H>()"],
    );
}

#[test]
fn functions_are_named_with_their_namespace_and_nest() {
    check_lines(
        "namespace A; function b(&$c, ?D $d = null) { function e() {} return fn() => 1; }",
        &[
            "function fn 1",
            "fn 1 function A\\b($c, $d: A\\D|null = null)",
            "fn 2 function A\\e() in fn 1",
            "fn 3 closure() in fn 1",
        ],
    );
}

#[test]
fn many_variables_keep_their_names() {
    let code: String = (0..40).map(|i| format!("$v{i} = $v{};", i / 2)).collect();
    let facts = facts(&code);
    let slots = &facts.functions[0].body.slots;
    assert_eq!(slots.len(), 40);
    assert_eq!(slots[39].as_str(), "v39");
}

#[test]
fn name_ranges_are_those_of_the_tokens() {
    let text = "<?php class Post { public $title; const A = 1; function f() {} function __construct(private $x) {} }";
    let facts = lower(text);
    let at = |range: crate::base::Range| &text[range.start as usize..range.end as usize];
    let class = &facts.classes[0];
    assert_eq!(at(class.name_range), "Post");
    let names: Vec<&str> = class.attrs.iter().map(|a| at(a.name_range)).collect();
    assert_eq!(names, ["$title", "A", "$x"]);
    assert_eq!(at(facts.functions[2].name_range), "f");
}
