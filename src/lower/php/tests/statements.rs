//! What statements become.

use super::{check, check_lines, facts};
use crate::facts::Stmt;
use crate::lower::php::lower;

#[test]
fn branches() {
    check(
        "if ($a) f(); elseif ($b) { g(); } else if ($c) { } else { h(); }",
        "if $a\n  fn f()\nelse\n  if $b\n    fn g()\n  else\n    if $c\n    else\n      fn h()",
    );
    check("if ($a): f(); elseif ($b): g(); else: h(); endif;", "if $a\n  fn f()\nelse\n  if $b\n    fn g()\n  else\n    fn h()");
    check(
        "switch ($a) { case 1: f(); break; case 2: default: g(); }",
        "switch $a\n  case 1\n    fn f()\n    break 1\n  case 2\n  default\n    fn g()",
    );
    check("switch ($a): case A::B: f(); endswitch;", "switch $a\n  case <A>.B\n    fn f()");
}

#[test]
fn each_loops() {
    check("foreach ($a as $b) f($b);", "each $a as $b\n  fn f($b)");
    check("foreach ($a->b() as $k => $v): g(); endforeach;", "each $a.b() as $k => $v\n  fn g()");
    check("foreach ($a as &$b) {}", "each $a as $b");
    check("foreach ($a as $k => &$b) {}", "each $a as $k => $b");
    check("foreach ($a as [$b, [$c]]) {}", "each $a as [$b, [$c]]");
    check("foreach ($a as $k => ['x' => $b]) {}", "each $a as $k => {\"x\": $b}");
    check("foreach ($a as list(, $b)) {}", "each $a as [_, $b]");
    check("foreach ($a as $this->b) {}", "each $a as this.b");
    check("foreach ([1, 2] as $b);", "each [1, 2] as $b");
}

#[test]
fn the_header_of_a_loop_is_its_label() {
    let text = "<?php foreach ($a as $b /* ) */ ) { f(); }";
    let facts = lower(text);
    let body = &facts.functions[0].body;
    let Stmt::Loop(each) = body.stmt(body.root[0]) else {
        panic!("no loop");
    };
    let header = &text[each.header.start as usize..each.header.end as usize];
    assert_eq!(header, "foreach ($a as $b /* ) */ )");
}

#[test]
fn other_loops() {
    check(
        "for ($i = 0, $j = 1; $i < 9; $i++) f();",
        "for before sequence(($i = 0), ($j = 1)) while ($i < 9) step ($i += 1)\n  fn f()",
    );
    check("for (;;): f(); g(); endfor;", "for\n  fn f()\n  fn g()");
    check("while ($a) { f(); continue 2; }", "while while $a\n  fn f()\n  continue 2");
    check("while ($a): f(); endwhile;", "while while $a\n  fn f()");
    check("do { f(); } while ($a);", "do-while while $a\n  fn f()");
}

#[test]
fn errors_are_caught_and_raised() {
    check(
        "try { f(); } catch (A | \\B $e) { g(); } catch (C) { } finally { h(); }",
        "try\n  fn f()\ncatch <A>, <B> bind $e\n  fn g()\ncatch <C>\nfinally\n  fn h()",
    );
    check("throw $e; exit; exit(1); die('x');", "raise $e\nraise\nraise 1\nraise \"x\"");
}

#[test]
fn output_is_one_statement_per_value() {
    check("echo $a, $b->c; print $d;", "output $a\noutput $b.c\noutput $d");
    check("?> <p><?= $a->b ?></p> <?php f(); ?> <?= g() ?>", "output $a.b\nfn f()\noutput fn g()");
    let facts = lower("<ul><?php foreach ($a as $b): ?><li><?= $b->c ?></li><?php endforeach ?></ul>");
    assert_eq!(crate::facts::print::print_one(&facts, crate::facts::FnId(0)), "fn 0 file\n  each $a as $b\n    output $b.c\n");
}

#[test]
fn variables_of_other_scopes() {
    check_lines(
        "function f() { global $g; $g->a = 1; $g = 2; static $s = 3, $t; return $s; }",
        &["($g.a = 1)", "(global $g = 2)", "($s ??= 3)", "return $s"],
    );
    check("unset($a, $b->c, $d['e']);", "delete $a $b.c $d[\"e\"]");
    check("const A = 1, B = 2;", "(global A = 1)\n(global B = 2)");
}

#[test]
fn declarations_of_the_file_itself() {
    check("declare(strict_types=1); f();", "fn f()");
    check("namespace A { f(); } namespace B { g(); }", "fn A\\f|f()\nfn B\\g|g()");
    check("{ { f(); } ; }", "fn f()");
    assert_eq!(facts("goto a; a: f();").gaps.len(), 1);
}

#[test]
fn comments_to_the_tool_are_kept() {
    let facts = facts("f(); // expect: some-rule\n# ormlint: ignore\n/* step: a */ g(); // other\n");
    let texts: Vec<&str> = facts.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["expect: some-rule", "ormlint: ignore", "step: a"]);
}
