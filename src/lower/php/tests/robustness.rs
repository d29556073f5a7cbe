//! Nothing makes lowering panic, hang or run out of stack.

use super::{check, check_lines, facts};
use crate::facts::{Expr, FileFacts, MAX_DEPTH, Why};
use crate::lower::php::{lower, lower_with_map};

/// Lowers on a thread with the stack that worker threads have.
fn on_worker_stack(code: String) -> FileFacts {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || facts(&code))
        .expect("threads can be started")
        .join()
        .expect("lowering does not panic")
}

fn has_gap(facts: &FileFacts, why: Why) -> bool {
    facts.gaps.iter().any(|gap| gap.why == why)
}

/// The longest path down the expressions of any body: what a recursive reader needs.
fn deepest(facts: &FileFacts) -> usize {
    let mut deepest = 0;
    for function in &facts.functions {
        let body = &function.body;
        let mut depth = vec![0usize; body.exprs.len()];
        for (i, expr) in body.exprs.iter().enumerate() {
            let mut children = Vec::new();
            match expr {
                Expr::Attr { base, .. } => children.push(*base),
                Expr::Call { callee, args } => {
                    children.push(*callee);
                    children.extend(args.iter().map(|arg| arg.value));
                }
                Expr::Binary { left, right, .. } => children.extend([*left, *right]),
                Expr::And(left, right) | Expr::Or(left, right) => {
                    children.extend([*left, *right]);
                }
                Expr::Seq { items, .. } => children.extend(items.iter().map(|arg| arg.value)),
                Expr::Not(inner) => children.push(*inner),
                _ => (),
            }
            let below = children.iter().map(|c| depth[c.0 as usize]).max();
            depth[i] = below.unwrap_or(0) + 1;
            deepest = deepest.max(depth[i]);
        }
    }
    deepest
}

#[test]
fn a_chain_of_fifty_thousand_calls_is_one_gap() {
    let facts = on_worker_stack(format!("$q{};", "->a()->b".repeat(25_000)));
    assert!(has_gap(&facts, Why::TooDeep));
    assert_eq!(facts.gaps.len(), 1);
}

#[test]
fn a_chain_of_two_hundred_calls_is_understood() {
    let facts = on_worker_stack(format!("$q{};", "->where('a', 1)".repeat(200)));
    assert!(facts.gaps.is_empty());
    assert!(deepest(&facts) <= 2 * MAX_DEPTH);
}

#[test]
fn long_rows_of_one_operator_are_understood_and_shallow() {
    for operator in [" . ", " && ", " || ", " + "] {
        let code = format!("$a = $b{};", format!("{operator}$c").repeat(20_000));
        let facts = on_worker_stack(code);
        assert!(facts.gaps.is_empty(), "{operator}");
        assert!(deepest(&facts) < 40, "{operator}");
    }
}

#[test]
fn long_rows_of_mixed_operators_leave_a_gap() {
    let facts = on_worker_stack(format!("$a = $b{};", " - $c + $d".repeat(20_000)));
    assert!(has_gap(&facts, Why::TooDeep));
}

#[test]
fn a_short_row_nests_to_the_left() {
    check("$a . $b . $c;", "(($a . $b) . $c)");
    check("$a - $b + $c;", "(($a op $b) + $c)");
    check("$a ?? $b ?? $c;", "($a ?? ($b ?? $c))");
}

#[test]
fn deep_brackets_blocks_and_closures_do_not_overflow_the_stack() {
    let n = 20_000;
    let most = 50_000;
    let nested = [
        format!("$a = {}1{};", "[".repeat(most), "]".repeat(most)),
        format!("{}$a{};", "if ($a) { ".repeat(most), "}".repeat(most)),
        format!("{}1{};", "(".repeat(n), ")".repeat(n)),
        format!("$a = {}1{};", "f(".repeat(n), ")".repeat(n)),
        format!("{}$a{};", "{".repeat(n), "}".repeat(n)),
        format!("$a = {}$b;", "!".repeat(n)),
        format!("$a = {}$b;", "fn() => ".repeat(20_000)),
        format!("{}$b;", "$a = ".repeat(n)),
        format!("{}$b;", "$a ?? ".repeat(n)),
        format!("$a{};", "[$a".repeat(n) + &"]".repeat(n)),
        format!("$x = {}1{};", "$a ? (".repeat(n), ") : 2".repeat(n)),
        format!("{}$a{};", "foreach ($a as $b) { ".repeat(n), "}".repeat(n)),
        format!("{}{}", "function f() { ".repeat(20_000), "}".repeat(20_000)),
        format!("{}{}", "new class { function f() { ".repeat(20_000), "}};".repeat(20_000)),
        format!("${};", "$".repeat(n) + "a"),
        format!("[{}$a{}] = $b;", "[".repeat(n), "]".repeat(n)),
        format!("$a = \"{}$b{}\";", "{$a[\"".repeat(5000), "\"]}".repeat(5000)),
    ];
    for code in nested {
        let start: String = code.chars().take(40).collect();
        let facts = on_worker_stack(code);
        assert!(deepest(&facts) <= 2 * MAX_DEPTH, "{start}");
    }
}

#[test]
fn deep_types_and_docblocks_do_not_overflow_the_stack() {
    let n = 50_000;
    on_worker_stack(format!("/** @var {} $x */\n$x = 1;", "array<".repeat(n)));
    on_worker_stack(format!("/** @var {} $x */\n$x = 1;", "(".repeat(n)));
    on_worker_stack(format!("/** @var {} $x */\n$x = 1;", "?".repeat(n)));
}

#[test]
fn ten_thousand_elseifs_leave_a_gap_and_the_first_are_understood() {
    let code = format!("if ($a) {{}}{}", " elseif ($b) { f(); }".repeat(10_000));
    let facts = on_worker_stack(code);
    assert!(has_gap(&facts, Why::TooDeep));
    let code = format!("if ($a) {{}}{}", " else if ($b) { f(); }".repeat(300));
    assert!(!has_gap(&on_worker_stack(code), Why::TooDeep));
}

#[test]
fn what_stands_around_an_error_is_understood() {
    check_lines(
        "function f() { return 1; }\n$a = = 2;\nclass A { public function g() { return $this->x; } }",
        &["class A #0 scope fn 2", "return 1", "return this.x"],
    );
    check_lines("{ $q->; }\n$b = 1;", &["$q.", "($b = 1)"]);
    check_lines("class A { public $x = 1; ??? public function g() { return 2; } }", &["method fn 2", "return 2"]);
}

#[test]
fn every_error_is_a_gap() {
    assert!(has_gap(&facts("$q->;"), Why::SyntaxError));
    assert!(has_gap(&facts("if ($a { f(); }"), Why::SyntaxError));
    assert!(facts("$q->a;").gaps.is_empty());
}

#[test]
fn any_prefix_of_a_file_is_lowered() {
    let code = "<?php namespace A; use B\\{C, D}; /** @property-read Collection<int, C> $x */ \
        #[E(1)] abstract class F extends G<H> implements I { use J; const K = 1; \
        public function __construct(private ?C $c = null, ...$r) { foreach ($c as ['a' => $b]) \
        { echo \"x {$b->c[\"d\"]} $e[f] é\"; } } } enum L: int { case M = 1; } \
        $f = fn($x) => match(true) { $x > 1, default => $x?->y()->{$z}::$q(...) }; <<<T\n a $b\n T; ?>";
    for (i, _) in code.char_indices() {
        lower(&code[..i]);
        lower(&code[i..]);
    }
}

#[test]
fn odd_bytes_and_empty_files_are_lowered() {
    for code in [
        "",
        "<?php",
        "<?",
        "?>",
        "\0\0",
        "<?php $",
        "<?php \u{feff}$é->ü();",
        "<?php /** @",
        "<?php /** @method",
        "<?php /** @var */ $x",
        "<?php \"\\u{110000}\\777\";",
        "<?php 0x; 99999999999999999999; 08; 1_0;",
    ] {
        lower(code);
    }
}

#[test]
fn files_without_php_have_an_empty_body() {
    assert!(lower("<html><p>nothing</p></html>").functions[0].body.root.is_empty());
}

#[test]
fn ranges_go_through_the_map() {
    let facts = lower_with_map("<?php\n$a->bc();", &|at| at + 100);
    let body = &facts.functions[0].body;
    let attr = body.exprs.iter().position(|e| matches!(e, Expr::Attr { .. }));
    let range = body.ranges[attr.expect("there is an attribute")];
    assert_eq!((range.start, range.end), (106, 112));
    assert_eq!(facts.functions[0].range.end, 115);
}

#[test]
fn member_names_end_where_their_range_ends() {
    let code = "$a\n  ->with('x')\n  ->posts /* c */ (1)?->name::KEY; A::make(); A::$list; static::{'x'}();";
    let text = format!("<?php\n{code}");
    let facts = lower(&text);
    let body = &facts.functions[0].body;
    let mut seen = Vec::new();
    for (expr, range) in body.exprs.iter().zip(&body.ranges) {
        if let Expr::Attr { name, .. } = expr {
            let written = &text[range.start as usize..range.end as usize];
            assert!(written.ends_with(name.as_str()), "{written:?} {name}");
            seen.push(name.as_str());
        }
    }
    assert_eq!(seen, ["with", "posts", "name", "KEY", "make", "list"]);
}
