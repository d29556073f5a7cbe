//! What happens to input that no one would write?

use super::{check, lowered};
use crate::facts::{Expr, Stmt, Why};

#[test]
fn broken_statements_leave_the_rest_readable() {
    check(
        r"
def f():
    a = Post.objects.filter(
    return a
def g():
    return 1
x = = 2
class A(
    def m(self): return 1
y = 3
",
        r"
Python
fn 0 file
  function fn 1 as $f
  function fn 2 as $g
  ($x = 2)
  gap syntax error
  function fn 3 as $m
  ($y = 3)
fn 1 function f()
  gap syntax error
    Post.objects.filter
  return a
fn 2 function g()
  return 1
fn 3 function m($self)
  return 1
gap 14..38 syntax error
gap 78..79 syntax error
gap 82..90 syntax error
",
    );
}

#[test]
fn an_unfinished_attribute_is_a_gap() {
    check(
        r"
def f(a):
    a.
    return a
",
        r"
Python
fn 0 file
  function fn 1 as $f
fn 1 function f($a)
  $a.a
gap 22..28 syntax error
",
    );
}

#[test]
fn an_empty_file_has_a_body() {
    check("", "Python\nfn 0 file\n");
    check("\n\n# nothing\n", "Python\nfn 0 file\n");
}

#[test]
fn line_ends_do_not_matter() {
    check(
        "def f(a):\r\n    if a:\r\n        return \"x\\\r\ny\"\r\n",
        "Python\nfn 0 file\n  function fn 1 as $f\nfn 1 function f($a)\n  if $a\n    return \"xy\"\n",
    );
}

#[test]
fn a_long_chain_is_cut_at_its_inner_end() {
    let facts = lowered(&format!("x = start{}\n", ".b(c)".repeat(50_000)));
    assert_eq!(facts.gaps.len(), 1);
    assert_eq!(facts.gaps[0].why, Why::TooDeep);
    let body = &facts.functions[0].body;
    let Stmt::Expr(assign) = body.stmt(body.root[0]) else { panic!("{:?}", body.stmts) };
    let Expr::Assign { value, .. } = body.expr(*assign) else { panic!("no assignment") };
    assert!(matches!(body.expr(*value), Expr::Call { args, .. } if args.len() == 1));
}

#[test]
fn a_chain_of_ordinary_length_is_whole() {
    let facts = lowered(&format!("x = start{}\n", ".b(c)".repeat(150)));
    assert!(facts.gaps.is_empty());
}

#[test]
fn long_runs_of_one_operator_are_no_nesting() {
    for operator in ["+", "|", "and", "or", "-"] {
        let facts = lowered(&format!("x = a{}\n", format!(" {operator} b").repeat(50_000)));
        assert!(facts.gaps.is_empty(), "{operator}");
        assert_eq!(facts.functions[0].body.exprs.len(), 2 * 50_000 + 2, "{operator}");
    }
}

#[test]
fn nothing_nested_overflows_the_stack() {
    let n = 100_000;
    let around = |open: &str, close: &str, n: usize| format!("x = {}1{}\n", open.repeat(n), close.repeat(n));
    let sources = [
        around("(", ")", n),
        around("[", "]", n),
        around("{", "}", n),
        around("f(", ")", n / 2),
        around("a[", "]", n / 2),
        around("f([{1: (", ")}])", n / 8),
        around("(a := ", ")", n / 8),
        around("[a for b in ", "]", n / 40),
        around("lambda a: ", "", n / 8),
        around("lambda a=", ": 1", n / 8),
        around("a if b else ", "", n / 8),
        around("not ", "", n / 2),
        around("-", "", n / 2),
        around("await ", "", n / 8),
        around("yield ", "", n / 40),
        around("f\"{", "}\"", n / 40),
        around("b = ", "", n / 4),
        around("a < ", "", n / 4),
        around("a ** ", "", n / 4),
        around("a + b - ", "", n / 4),
        around("a and b or ", "", n / 4),
        format!("{}a{} = b\n", "(".repeat(n / 8), ",)".repeat(n / 8)),
        format!("for {}a{} in b: pass\n", "[".repeat(n / 8), "]".repeat(n / 8)),
        format!("match a:\n  case {}a{}:\n    b\n", "[".repeat(n / 8), "]".repeat(n / 8)),
        format!("x: {}int{} = b\n", "list[".repeat(n / 8), "]".repeat(n / 8)),
        format!("x: '{}'\n", "(".repeat(n)),
        format!("def f(x: {}int{}): pass\n", "Annotated[".repeat(n / 8), ", 1]".repeat(n / 8)),
        format!("if a:\n  b\n{}else:\n  d\n", "elif c:\n  d\n".repeat(n / 4)),
        format!("{}def f(): pass\n", "@a\n".repeat(n / 4)),
        format!("x = {}\n", "[".repeat(n)),
        format!("x = {}\n", "f(".repeat(n / 8)),
        "def f(:\n x = = 1\n".repeat(n / 100),
        "class A(\n".repeat(n / 100),
    ];
    for source in &sources {
        lowered(source);
    }
}

#[test]
fn deep_indentation_does_not_overflow_the_stack() {
    for head in ["if a:", "for a in b:", "def f(a):", "class A:", "with a:", "while a:", "try:", "async def f(a):"] {
        let mut source = String::new();
        for depth in 0..1_000 {
            source.push_str(&" ".repeat(depth));
            source.push_str(head);
            source.push('\n');
        }
        source.push_str(&" ".repeat(1_000));
        source.push_str("x\n");
        lowered(&source);
    }
}

#[test]
fn text_that_is_no_program_is_only_gaps() {
    for source in [
        "\u{0}",
        "€ = 2",
        "<?php echo 1;",
        "{% if a %}\n",
        "\"\"\"never ended",
        "f\"{a",
        "\\\n\\",
        "x = '\\",
        "@",
        "def",
        "class",
        "lambda",
        "é",
    ] {
        lowered(source);
        for end in 0..source.len() {
            if source.is_char_boundary(end) {
                lowered(&source[..end]);
            }
        }
    }
}

#[test]
fn any_prefix_of_a_program_is_read() {
    let source = "@d(1)\nclass A(B[C], k=1):\n    x: int = 1\n    async def m(self, *a, b: Annotated[T, 1] = 2, **k) -> 'T':\n        with a as b, c: yield [i async for i in f\"{a!r:{b}}\" if i]\n        match a:\n            case [B(c=d), *e] | {1: f} if g: del a.b[0]\n        try: raise A from b\n        except (E, F) as g: print(x[1:, 2], *a, **k)\n        finally: return (a := lambda x=1: x if y else not z)\n";
    for end in 0..source.len() {
        lowered(&source[..end]);
    }
    assert!(lowered(source).gaps.is_empty());
}
