//! What docblocks declare.

use super::{check, check_lines, printed};

#[test]
fn types_of_properties_parameters_and_returns() {
    check_lines(
        "namespace A; use C\\Post;
class B {
    /** @var Collection<int, Post> */
    public $a;
    /** @var Post[]|null the posts */
    protected ?array $b;
    /**
     * @param  Post[]  $p  some posts
     * @param array<string, Tag> $q
     * @param mixed $r
     * @param int ...$s
     * @return \\X\\Builder<Post>|static
     */
    public function f(array $p, $q, User $r, ...$s): Builder {}
}",
        &[
            "a: A\\Collection<int, C\\Post>",
            "b: array<C\\Post>|null",
            "fn 2 method A\\B::f($p: array<C\\Post>, $q: array<string, A\\Tag>, $r: A\\User, ...$s: int) -> X\\Builder<C\\Post>|static in fn 1",
        ],
    );
}

#[test]
fn members_that_only_the_docblock_knows() {
    check_lines(
        "/**
 * @property-read Collection<int, Post>|Post[] $posts
 * @property string|null $name the name
 * @method static Builder|User query()
 * @method Post find(int $id, array $columns = [])
 * @method static create(array $a)
 * @method bare()
 * @mixin Builder<User>
 */
class User {}",
        &[
            "magic property posts: Collection<int, Post>|array<Post>",
            "magic property name: string|null",
            "magic static method query: Builder|User",
            "magic method find: Post",
            "magic static method create: static",
            "magic method bare: ?",
            "magic property @mixin: Builder<User>",
        ],
    );
}

#[test]
fn type_arguments_of_bases() {
    check_lines(
        "namespace A;
/** @extends Repository<Post>
 * @implements \\IteratorAggregate<int, Post> */
class B extends Repository implements \\IteratorAggregate {}",
        &["class A\\B #0 extends A\\Repository<A\\Post> implements IteratorAggregate<int, A\\Post> scope fn 1"],
    );
}

#[test]
fn type_variables_are_no_classes() {
    check_lines(
        "namespace A;
/** @template TModel of Model
 * @template T */
class B {
    /** @var TModel */ public $m;
    /** @param T $a
     * @return Collection<TModel> */
    function f($a, Model $b) {}
    /** @template K
     * @param K $k
     * @return TModel */
    function g(Model $k): Model {}
}
/** @return T */ function h() {}",
        &[
            "magic property @template: TModel<A\\Model>",
            "magic property @template: T",
            "m: TModel",
            "fn 2 method A\\B::f($a: T, $b: A\\Model) -> A\\Collection<TModel> in fn 1",
            "fn 3 method A\\B::g($k: A\\Model) -> A\\Model in fn 1",
            "fn 4 function A\\h() -> A\\T",
        ],
    );
}

#[test]
fn variables_are_declared_where_the_type_begins_to_hold() {
    check("/** @var A $a */\nf($a);", "declare $a: A\nfn f($a)");
    check("/** @var A $a */\n$a = f();", "($a = fn f())\ndeclare $a: A");
    check("/** @var A */\n$a = f();", "($a = fn f())\ndeclare $a: A");
    check("/** @var A $a */\nforeach ($b as $a) { f(); }", "each $b as $a\n  declare $a: A\n  fn f()");
    check("/** @var A[] $b */\nforeach ($b as $a) { f(); }", "declare $b: array<A>\neach $b as $a\n  fn f()");
    check("/**\n * @var A $a\n * @var B $b\n */\n?><p>", "declare $a: A\ndeclare $b: B");
    check("/** @var $a A */\nf();", "declare $a: A\nfn f()");
}

#[test]
fn shapes_literals_and_callables_are_read_past() {
    for (ty, expected) in [
        ("array{a: int, b?: Post}", "array"),
        ("'a'|'b'|1", "string|string|int"),
        ("callable(Post, int): bool|null", "callable|null"),
        ("(A|B)[]", "array<A|B>"),
        ("?A", "A|null"),
        ("A & B", "A"),
        ("class-string<A>", "class-string<A>"),
        ("non-empty-list<A>", "list<A>"),
        ("int<0, max>", "int"),
        ("self::FOO", "?"),
        ("A<covariant B, *>", "A<B, ?>"),
        ("A | null", "A|null"),
        ("$this", "$this"),
        ("Integer", "int"),
        ("array<\n *   int,\n *   A\n * >", "array<int, A>"),
    ] {
        let all = printed(&format!("/** @return {ty} the thing */ function f() {{}}"));
        let line = format!("fn 1 function f() -> {expected}\n");
        assert!(all.contains(&line), "{ty}: {all}");
    }
}
