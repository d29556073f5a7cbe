use super::lower_blade;
use crate::facts::print::print;
use crate::lower::template::printed::{places, printed};

fn check(source: &str, expected: &str) {
    let facts = lower_blade(source);
    assert_eq!(printed(&facts).trim(), expected.trim(), "\n{source}\n{}", super::translate::translate(source).php.text);
    assert_eq!(facts.gaps, [], "{source}");
}

#[test]
fn output_in_all_its_forms() {
    check(
        "<p>{{ $a->b }}{!! $c->d; !!}{{{ $e }}}<?= $f ?>{{ /* no */ }}{{ $g // why\n }}</p>{{ $h ?? 'x' }}",
        r#"output $a.b
output $c.d
output $e
output $f
output $g
output ($h ?? "x")"#,
    );
}

#[test]
fn text_is_no_code() {
    check(
        "me@example.com @{{ post.author }} @{!! x !!} @@if($a) {{-- {{ $b }} --}} @verbatim {{ $c }} @if(d) @endverbatim\n\
         @media (max-width: 600px) { } @media print { } @font-face {} @import url('x.css'); @click=\"go(1)\" @keydown.enter=\"x\"\n\
         @supports (display: grid) {} @someone (who is it) @layer(base) {\"@context\": \"x\"} @Component({a: b}) what @if says, @foreach one {{ $z }}",
        r#"output $z"#,
    );
}

#[test]
fn branches() {
    check(
        "@if ($a->b && !$c) {{ $d }} @elseif(f(')')) {{ $e }} @else {{ $f }} @endif\n\
         @unless($a) {{ $b }} @endunless @isset($a->b) {{ $c }} @endisset @empty($a) {{ $d }} @endempty\n\
         @auth {{ $a }} @elseguest {{ $b }} @endauth @auth('admin') {{ $c }} @else {{ $d }} @endauth\n\
         @can('update', $post) {{ $a }} @elsecan('view', $post) {{ $b }} @endcan @cannot('x') {{ $c }} @endcannot @error('n') {{ $message }} @enderror\n\
         @hasSection('a') {{ $h }} @endif @admin($x) {{ $y }} @else {{ $z }} @endadmin @beta {{ $w }} @endbeta",
        r#"if ($a.b && !$c)
  output $d
else
  if fn f(")")
    output $e
  else
    output $f
if !$a
  output $b
if isset($a.b)
  output $c
if empty($a)
  output $d
if fn @auth()
  output $a
else
  if fn @guest()
    output $b
if fn @auth("admin")
  output $c
else
  output $d
if fn @can("update", $post)
  output $a
else
  if fn @can("view", $post)
    output $b
if fn @cannot("x")
  output $c
if fn @error("n")
  output $message
if fn @hasSection("a")
  output $h
if fn @admin($x)
  output $y
else
  output $z
if fn @beta()
  output $w"#,
    );
}

#[test]
fn loops() {
    check(
        "@foreach ($posts->all() as $i => $post) @continue($post->a) @break {{ $loop->index }} @break(2) @endforeach\n\
         @forelse($user->posts as $post) {{ $post->t }} @empty {{ $none }} @endforelse @forelse($a as $b) {{ $b }} @endforelse\n\
         @for ($i = 0; $i < 3; $i++) {{ $i }} @endfor @while ($x->next()) {{ $x }} @endwhile\n\
         @forEach ($a as ['x' => $b, 'y' => $c]) {{ $b }} @endForeach",
        r#"each $posts.all() as $i => $post
  if $post.a
    continue 1
  break 1
  output $loop.index
  break 2
each $user.posts as $post
  output $post.t
else
  output $none
each $a as $b
  output $b
for before ($i = 0) while ($i < 3) step ($i += 1)
  output $i
while while $x.next()
  output $x
each $a as {"x": $b, "y": $c}
  output $b"#,
    );
}

#[test]
fn switches() {
    check(
        "@switch($a->b)\n {{-- c --}} {{ $lost }} @case(1)\n {{ $c }} @break\n @case('x') @if($y) {{ $d }} @endif @default {{ $e }} @endswitch {{ $z }}",
        r#"switch $a.b
  case 1
    output $c
    break 1
  case "x"
    if $y
      output $d
  default
    output $e
output $z"#,
    );
}

#[test]
fn statements() {
    check(
        "<?php echo '<?xml version=\"1.0\"?>' // x ?> @php $a = $b->c; $d = 1 @endphp @php($e = $f->g) <?php $h = 1; ?> <?php if ($i) { ?> {{ $j }} <?php } else { ?> {{ $k }} <?php } ?>\n\
         <?php foreach ($l as $m): ?> {{ $m }} <?php endforeach ?> @use('App\\Models\\Post') {{ Post::count() }} @inject('n', 'App\\Metrics') @php $q = match (1) { default => 2 } @endphp {{ $n }}",
        r#"import App\Models\Post as Post
output "<?xml version=\"1.0\"?>"
($a = $b.c)
($d = 1)
($e = $f.g)
($h = 1)
if $i
  output $j
else
  output $k
each $l as $m
  output $m
output <App\Models\Post>.count()
($n = fn @inject("App\\Metrics"))
($q = match 1 { default => 2; })
output $n"#,
    );
}

#[test]
fn templates_rendered_here() {
    check(
        "@extends('layout', ['t' => $t]) @include('a') @include('b.c', ['x' => $y->z, 'n' => 1]) @include($v, $data) @includeIf('d') @includeWhen($a->b, 'e', ['f' => $g])\n\
         @includeUnless($a, 'e') @includeFirst(['h', 'i'], ['j' => 1]) @each('row', $items->all(), 'item', 'none') @includeIsolated('k', []) @livewire('chat', ['room' => $room], key($room->id))",
        r#"render-include("a", inherits)
render-include("b.c", x: $y.z, n: 1, inherits)
render-include($v, context $data, inherits)
render-include("d", inherits)
if $a.b
  render-include("e", f: $g, inherits)
if !$a
  render-include("e", inherits)
render-include(["h", "i"], j: 1, inherits)
render-include("row", each $items.all() as $item)
render-include("k")
render-live("chat", room: $room)
render-extends("layout", t: $t, inherits)"#,
    );
}

#[test]
fn sections_and_stacks() {
    check(
        "@section('title', $post->title) @section('body') {{ $a }} @parent @endsection @section('side') {{ $b }} @show @yield('foot', $c->d) @yield('x')\n\
         @push('js') {{ $e }} @endpush @pushIf($f, 'js') {{ $g }} @endPushIf @once {{ $h }} @endonce @prepend('js') {{ $i }} @endprepend @stack('js')",
        r#"block title
  output $post.title
block body
  output $a
block side
  output $b
block foot
  output $c.d
block x
output $e
if $f
  output $g
if empty($__ormlint_once212)
  ($__ormlint_once212 = true)
  output $h
output $i"#,
    );
}

#[test]
fn components() {
    check(
        "<x-foo.bar-baz :user-name=\"$post->user\" :$count title=\"a {{ $t->u }} b\" class='x' disabled ::js=\"y\" {{ $attributes->merge(['a' => 1]) }} @class(['b' => $on]) wire:model=\"q\" x-on:click=\"{{ $w }}\" />\n\
         <x-card :post=\"$p\"> {{ $in }} <x-slot:head class=\"{{ $hc }}\"> {{ $h }} </x-slot> <x-slot name=\"foot\"> {{ $f }} </x-slot:foot> </x-card> {{ $after }}\n\
         <livewire:show-posts :posts=\"$posts->all()\" lazy /> <x-dynamic-component :component=\"$name\" :a=\"1\" /> <x-dynamic-component component=\"it's\" /> <x-ns::a.b/> < x-not > <x- > <b x-data=\"{}\">\n\
         @component('mail::button', ['url' => $url]) {{ $s }} @slot('t') {{ $u }} @endslot @slot('v', $w) @endcomponent",
        r#"$attributes.merge({"a": 1})
fn @class({"b": $on})
render-component("foo.bar-baz", userName: $post.user, count: $count, title: ("" . $t.u), class: "x", disabled: true, xOn:click: ("" . $w))
render-component("card", post: $p) {
    output $in
    $hc
    output $h
    output $f
}
output $after
render-live("show-posts", posts: $posts.all(), lazy: true)
render-component($name, component: $name, a: 1)
render-component("it's", component: "it's")
render-component("ns::a.b")
render-include("mail::button", url: $url) {
    output $s
    output $u
    output $w
}"#,
    );
}

#[test]
fn other_directives_evaluate_their_arguments() {
    check(
        "@json($a->b) @js($c) @class(['x' => $d->e]) @checked(old('f', $g->h)) @lang('k') @props(['a' => 1, 'b']) @money($i->j, 'EUR') @csrf @vite(['x.js']) @method('PUT') @auth",
        r#"fn @json($a.b)
fn @js($c)
fn @class({"x": $d.e})
fn @checked(fn old("f", $g.h))
fn @lang("k")
fn @props({"a": 1, "b"})
fn @money($i.j, "EUR")
fn @vite(["x.js"])
fn @method("PUT")
if fn @auth()"#,
    );
}

#[test]
fn places_lead_back_to_the_template() {
    let text =
        "é {{ $a->b->c }} @foreach($x->ys as $y) <x-p :q=\"$r?->s\" t=\"{{ $u->v }}\" /> @if($w->f(1)->g) @endif @endforeach";
    let facts = lower_blade(text);
    assert_eq!(places(&facts, text), ["$a->b", "$a->b->c", "$x->ys", "$r?->s", "$u->v", "$w->f", "$w->f(1)", "$w->f(1)->g"]);
    let body = &facts.functions[0].body;
    let of = |stmt: usize| {
        let range = body.stmt_ranges[body.root[stmt].0 as usize];
        &text[range.start as usize..range.end as usize]
    };
    assert!(of(1).starts_with("@foreach") && of(1).ends_with("@endforeach"), "{}", of(1));
    let crate::facts::Stmt::Loop(found) = body.stmt(body.root[1]) else { panic!("a loop") };
    let header = found.header;
    assert_eq!(&text[header.start as usize..header.end as usize], "@foreach($x->ys as $y)");
}

#[test]
fn comments_for_the_tool_are_kept() {
    let facts = lower_blade("{{-- ormlint-ignore a --}}{{-- b --}}@php\n// expect: c\n@endphp");
    let comments: Vec<&str> = facts.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(comments, ["ormlint-ignore a", "expect: c"]);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stays() {
    let facts = lower_blade(
        "{{ $a[ }} {{ foo('x) }} @if($a {{ $b }} @foreach($c) {{ $d }} @endforeach {!! ?> !!} @include('x'] {{ $z }} <x-b :c=\"d e\"/>",
    );
    let text = print(&facts);
    assert!(text.contains("output $z\n") && text.contains("output $d\n"), "{text}");
    assert_eq!(facts.gaps.len(), 5, "{text}");
}

#[test]
fn unbalanced_blocks_end_with_what_is_around_them() {
    check(
        "@foreach($a as $b) @if($c) <x-d> {{ $e }} @endforeach {{ $f }} @endif </x-d> @endcan @else @case(1) @empty @endnothing @section('g') @if($h) {{ $i }}",
        r#"each $a as $b
  if $c
    render-component("d") {
    output $e
}
output $f
block g
  if $h
    output $i"#,
    );
}

#[test]
fn deep_and_long_input_ends_in_time() {
    let n = 100_000;
    for (open, close) in
        [("@if($a)", "@endif"), ("<x-a>", "</x-a>"), ("@foreach($a as $b)", "@endforeach"), ("@push('a')", "@endpush")]
    {
        let deep = format!("{} {{{{ $x }}}} {} {{{{ $y }}}}", format!("{open} ").repeat(n), format!("{close} ").repeat(n));
        let facts = lower_blade(&deep);
        let body = &facts.functions[0].body;
        let last = *body.root.last().expect("there is a statement");
        assert!(matches!(body.stmt(last), crate::facts::Stmt::Output(_)), "{open}");
        assert_eq!(facts.gaps.len(), 1, "{open}");
    }
    for piece in [
        "{{ ",
        "{!! ",
        "{{-- ",
        "@if(",
        "@if('",
        "@endif ",
        "@else ",
        "<x-a b=\"",
        "<x-a :b=\"",
        "<x-a ",
        "@php ",
        "@verbatim ",
        "<?php ",
        "@media (a b) ",
        "@foo(\"\\",
        "{{ ( }} ",
        "<?php <<<A ?> ",
        "@if(<<<A ",
        "@b(@c d ",
        "<x-a b=\"'\" c='\"' d ",
        "{{ a b c }} ",
        "@php a b @endphp ",
    ] {
        let facts = lower_blade(&piece.repeat(100_000 / piece.len()));
        assert!(!facts.functions.is_empty(), "{piece}");
    }
}

#[test]
fn brackets_in_brackets_are_not_read_again_and_again() {
    let n = 30_000;
    for (open, close) in [("@b(c @d ", ")"), ("@b(", ")"), ("{{ [", "] }}")] {
        let text = format!("{}{} {{{{ $z }}}}", open.repeat(n), close.repeat(n));
        let facts = lower_blade(&text);
        assert!(print(&facts).contains("output $z"), "{open}");
    }
}

#[test]
fn ten_megabytes_are_translated_once() {
    let text = "<p>{{ $a->b }}</p> @if($a) x @endif @foo($c) <x-b :c=\"$d\" ".repeat(180_000);
    let php = super::translate::translate(&text).php;
    assert!(php.text.len() > 1_000_000);
}

#[test]
fn junk_is_no_reason_to_panic() {
    let mut state = 7u32;
    let parts = [
        "{{", "}}", "{!!", "!!}", "{{--", "--}}", "@if", "@foreach", "@end", "@else", "(", ")", "[", "'", "\"", "<x-a", "</x-a>",
        "<x-slot", "/>", ">", ":b=", "$c", "->", " as ", "é", "\u{0}", "@php", "@endphp", "<?php", "?>", "\n", " ", "@case",
        "@section", ",", ";", "//", "<<<A", "\\",
    ];
    for _ in 0..2000 {
        let mut text = String::new();
        for _ in 0..30 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(parts[(state >> 16) as usize % parts.len()]);
        }
        let facts = lower_blade(&text);
        for f in &facts.functions {
            assert!(f.body.ranges.iter().all(|r| r.end as usize <= text.len()), "{text}");
        }
        print(&facts);
    }
}
#[test]
fn code_is_told_from_prose() {
    let reads = |text: &str| super::scan::reads_like_code(text, crate::base::Range::new(0, text.len()));
    for code in [
        "(int) $a, 'b'",
        "function () use ($x) { return 1; }",
        "fn (A $x): B => $x instanceof C",
        "static fn () => new D",
        "$a ? 'x' : 'y', ['k' => 1] + $b[0](2)",
        "match ($x) { 1 => 2 }",
        "\"a $b\" . 'c'",
        "@$a['b']",
        "!empty($x) and A::b(...)",
    ] {
        assert!(reads(code), "{code}");
    }
    for prose in ["who is it", "max-width: 600px", "{a: b}", "it's", "a 'b'", "c @d", "(a"] {
        assert!(!reads(prose), "{prose}");
    }
}
