//! Which text do people read, and are the limits kept?

use super::samples::{Sample, sample};
use super::*;
use crate::findings::fingerprint;

fn text(sample: &Sample, format: Format, style: Style) -> String {
    let mut bytes = Vec::new();
    render(&sample.report(style), format, &mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("formats are UTF-8")
}

fn plain(format: Format) -> String {
    text(&sample(), format, Style::default())
}

#[test]
fn concise() {
    insta::assert_snapshot!(plain(Format::Concise), @r###"
resources/views/posts.blade.php:3:21: warning[lazy-load-in-loop] `author` is loaded once per `Post` in this loop
shop/views.py:4:15: warning[lazy-load-in-loop] `customer` is loaded once per `Order` in this loop
shop/views.py:5:14: error[client-per-request] a new `Client` is built for every request
"###);
}

#[test]
fn json() {
    insta::assert_snapshot!(plain(Format::Json), @r###"
{
  "version": 1,
  "tool": {
    "name": "ormlint",
    "version": "0.1.0"
  },
  "findings": [
    {
      "rule": "lazy-load-in-loop",
      "level": "warning",
      "confidence": "high",
      "message": "`author` is loaded once per `Post` in this loop",
      "help": "load it with the query: `Post::query()->with('author')`",
      "path": "resources/views/posts.blade.php",
      "range": {
        "start": {
          "line": 3,
          "column": 21
        },
        "end": {
          "line": 3,
          "column": 27
        }
      },
      "subject": {
        "model": "App\\Models\\Post",
        "relation": "author"
      },
      "steps": [
        {
          "path": "app/Post Controller.php",
          "range": {
            "start": {
              "line": 6,
              "column": 18
            },
            "end": {
              "line": 8,
              "column": 20
            }
          },
          "message": "the rows come from this query"
        },
        {
          "path": "app/Post Controller.php",
          "range": {
            "start": {
              "line": 9,
              "column": 30
            },
            "end": {
              "line": 9,
              "column": 49
            }
          },
          "message": "given to the view as `posts`"
        },
        {
          "path": "resources/views/posts.blade.php",
          "range": {
            "start": {
              "line": 2,
              "column": 1
            },
            "end": {
              "line": 2,
              "column": 27
            }
          },
          "message": "looped over here"
        }
      ],
      "fingerprint": "940da5656d2029989678225605956520"
    },
    {
      "rule": "lazy-load-in-loop",
      "level": "warning",
      "confidence": "high",
      "message": "`customer` is loaded once per `Order` in this loop",
      "help": "load it with the query: `Order.objects.filter(paid=True).select_related(\"customer\")`",
      "path": "shop/views.py",
      "range": {
        "start": {
          "line": 4,
          "column": 15
        },
        "end": {
          "line": 4,
          "column": 29
        }
      },
      "subject": {
        "model": "shop.models.Order",
        "relation": "customer"
      },
      "steps": [
        {
          "path": "shop/views.py",
          "range": {
            "start": {
              "line": 2,
              "column": 14
            },
            "end": {
              "line": 2,
              "column": 45
            }
          },
          "message": "the rows come from this query"
        },
        {
          "path": "shop/views.py",
          "range": {
            "start": {
              "line": 3,
              "column": 5
            },
            "end": {
              "line": 3,
              "column": 25
            }
          },
          "message": "looped over here"
        }
      ],
      "fingerprint": "e530bba1cbdb0c6e7c25bd98e5d5034d"
    },
    {
      "rule": "client-per-request",
      "level": "error",
      "confidence": "medium",
      "message": "a new `Client` is built for every request",
      "help": "build it once per process and share it",
      "path": "shop/views.py",
      "range": {
        "start": {
          "line": 5,
          "column": 14
        },
        "end": {
          "line": 5,
          "column": 25
        }
      },
      "subject": {
        "client": "acme.Client"
      },
      "steps": [],
      "fingerprint": "fd7b5acbcea1c6951c04bdace0de1688"
    }
  ],
  "coverage": {
    "files": 3,
    "bytes": 507,
    "skipped": [
      {
        "path": "tests",
        "reason": "tests are left out"
      },
      {
        "path": "x.py",
        "reason": "no permission to read it"
      }
    ],
    "gaps": {
      "computed name": 2
    }
  }
}
"###);
}

#[test]
fn full() {
    insta::assert_snapshot!(plain(Format::Full), @r###"
warning[lazy-load-in-loop]

  ⚠ `author` is loaded once per `Post` in this loop
   ╭─[resources/views/posts.blade.php:3:21]
 1 │ <ul>
 2 │ @foreach ($posts as $post)
   · ─────────────┬────────────
   ·              ╰── 3. looped over here
 3 │     <li>😀 {{ $post->author->name }}</li>
   ·                      ───┬──
   ·                         ╰── `author` is read here
 4 │ @endforeach
   ╰────
  help: load it with the query: `Post::query()->with('author')`
        cost: 1 + N queries, N = rows of `Post`

Advice:
  ☞ on the way there
    ╭─[app/Post Controller.php:6:18]
  5 │     {
  6 │         $posts = Post::query()
    ·                  ──────┬──────
    ·                        ╰── 1. the rows come from this query
  7 │             ->latest()
  8 │             ->get();
  9 │         return view('posts', ['posts' => $posts]);
    ·                              ─────────┬─────────
    ·                                       ╰── 2. given to the view as `posts`
 10 │     }
    ╰────

warning[lazy-load-in-loop]

  ⚠ `customer` is loaded once per `Order` in this loop
   ╭─[shop/views.py:4:15]
 1 │ def report(request):
 2 │     orders = Order.objects.filter(paid=True)
   ·              ───────────────┬───────────────
   ·                             ╰── 1. the rows come from this query
 3 │     for order in orders:
   ·     ──────────┬─────────
   ·               ╰── 2. looped over here
 4 │         print(order.customer.name)
   ·               ───────┬──────
   ·                      ╰── `customer` is read here
 5 │     client = Client(KEY)
   ╰────
  help: load it with the query: `Order.objects.filter(paid=True).select_related("customer")`
        cost: 1 + N queries, N = rows of `Order`

error[client-per-request]

  × a new `Client` is built for every request
   ╭─[shop/views.py:5:14]
 4 │         print(order.customer.name)
 5 │     client = Client(KEY)
   ·              ─────┬─────
   ·                   ╰── `acme.Client` is built here
 6 │     return client.send(orders)  # ormlint: ignore[query-in-loop]
   ╰────
  help: build it once per process and share it

3 findings (1 error, 2 warnings) in 2 of 3 files, 0.4 s
"###);
}

#[test]
fn full_narrow_without_unicode() {
    let style = Style { width: 60, unicode: false, ..Style::default() };
    insta::assert_snapshot!(text(&sample(), Format::Full, style), @r###"
warning[lazy-load-in-loop]

  ! `author` is loaded once per `Post` in this loop
   ,-[resources/views/posts.blade.php:3:21]
 1 | <ul>
 2 | @foreach ($posts as $post)
   : ^^^^^^^^^^^^^|^^^^^^^^^^^^
   :              `-- 3. looped over here
 3 |     <li>😀 {{ $post->author->name }}</li>
   :                      ^^^|^^
   :                         `-- `author` is read here
 4 | @endforeach
   `----
  help: load it with the query:
        `Post::query()->with('author')`
        cost: 1 + N queries, N = rows of `Post`

Advice:
  > on the way there
    ,-[app/Post Controller.php:6:18]
  5 |     {
  6 |         $posts = Post::query()
    :                  ^^^^^^|^^^^^^
    :                        `-- 1. the rows come from this query
  7 |             ->latest()
  8 |             ->get();
  9 |         return view('posts', ['posts' => $posts]);
    :                              ^^^^^^^^^|^^^^^^^^^
    :                                       `-- 2. given to the view as `posts`
 10 |     }
    `----

warning[lazy-load-in-loop]

  ! `customer` is loaded once per `Order` in this loop
   ,-[shop/views.py:4:15]
 1 | def report(request):
 2 |     orders = Order.objects.filter(paid=True)
   :              ^^^^^^^^^^^^^^^|^^^^^^^^^^^^^^^
   :                             `-- 1. the rows come from this query
 3 |     for order in orders:
   :     ^^^^^^^^^^|^^^^^^^^^
   :               `-- 2. looped over here
 4 |         print(order.customer.name)
   :               ^^^^^^^|^^^^^^
   :                      `-- `customer` is read here
 5 |     client = Client(KEY)
   `----
  help: load it with the query:
        `Order.objects.filter(paid=True).select_related("c
        ustomer")`
        cost: 1 + N queries, N = rows of `Order`

error[client-per-request]

  x a new `Client` is built for every request
   ,-[shop/views.py:5:14]
 4 |         print(order.customer.name)
 5 |     client = Client(KEY)
   :              ^^^^^|^^^^^
   :                   `-- `acme.Client` is built here
 6 |     return client.send(orders)  # ormlint: ignore[query-in-loop]
   `----
  help: build it once per process and share it

3 findings (1 error, 2 warnings) in 2 of 3 files, 0.4 s
"###);
}

#[test]
fn full_narrated() {
    let style = Style { narrated: true, ..Style::default() };
    insta::assert_snapshot!(text(&sample(), Format::Full, style), @r###"
warning: `author` is loaded once per `Post` in this loop
  rule: lazy-load-in-loop
  place: resources/views/posts.blade.php, line 3, columns 21 to 26: `author` is read here
  step 1: app/Post Controller.php, line 6, columns 18 to 30: the rows come from this query
  step 2: app/Post Controller.php, line 9, columns 30 to 48: given to the view as `posts`
  step 3: resources/views/posts.blade.php, line 2, columns 1 to 26: looped over here
  cost: 1 + N queries, N = rows of `Post`
  help: load it with the query: `Post::query()->with('author')`

warning: `customer` is loaded once per `Order` in this loop
  rule: lazy-load-in-loop
  place: shop/views.py, line 4, columns 15 to 28: `customer` is read here
  step 1: shop/views.py, line 2, columns 14 to 44: the rows come from this query
  step 2: shop/views.py, line 3, columns 5 to 24: looped over here
  cost: 1 + N queries, N = rows of `Order`
  help: load it with the query: `Order.objects.filter(paid=True).select_related("customer")`

error: a new `Client` is built for every request
  rule: client-per-request
  place: shop/views.py, line 5, columns 14 to 24: `acme.Client` is built here
  help: build it once per process and share it

3 findings (1 error, 2 warnings) in 2 of 3 files, 0.4 s
"###);
}

#[test]
fn colours_only_when_allowed() {
    let style = Style { color: true, ..Style::default() };
    assert!(text(&sample(), Format::Full, style).contains("\u{1b}["));
    assert!(!plain(Format::Full).contains('\u{1b}'));
}

#[test]
fn line_hashes_agree_with_the_published_values() {
    assert_eq!(sarif::line_hashes(""), ["c129715d7a2bc9a3:1"]);
    assert_eq!(
        sarif::line_hashes(" a\nb\n  \t\tc\n d"),
        ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]
    );
    assert_eq!(sarif::line_hashes("a\r\nb"), sarif::line_hashes("a\nb"));
    assert_eq!(sarif::line_hashes("x\nx\n")[0].rsplit(':').next(), Some("1"));
}

#[test]
fn many_findings_are_ranked_and_cut_and_long_texts_shortened() {
    let mut sample = sample();
    let mut one = sample.findings[0].clone();
    one.help = "é".repeat(600);
    let error = sample.findings[2].clone();
    sample.findings = vec![one; 40];
    sample.findings.push(error);
    fingerprint::assign(&mut sample.findings, &sample.sources, "");
    let log = sarif::log(&sample.report(Style::default()), 30);
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 30);
    assert_eq!(results[0]["level"], "error");
    assert!(results.iter().all(|r| { r["message"]["text"].as_str().is_some_and(|t| t.len() <= 1_024) }));
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("41 findings, of which the 30"), "{notes}");
    let annotations = text(&sample, Format::Github, Style::default());
    let lines: Vec<&str> = annotations.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("::warning")).count(), 10);
    assert!(lines[0].starts_with("::error") && lines[11].starts_with("resources/views/posts.blade.php:3:21: warning"));
    assert_eq!(lines[41], "::notice title=ormlint::30 findings of 41 are not shown as annotations: see the log of this step");
    sample.findings[0].help = "x\n".repeat(100_000);
    let comment = text(&sample, Format::Markdown, Style::default());
    assert!(comment.len() < 65_000 && comment.contains("The details of 40 findings are left out"), "{}", comment.len());
}

#[test]
fn a_clean_run_has_empty_results() {
    let mut sample = sample();
    sample.findings.clear();
    let log: serde_json::Value = serde_json::from_str(&text(&sample, Format::Sarif, Style::default())).expect("JSON");
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    assert_eq!(text(&sample, Format::Concise, Style::default()), "");
    assert_eq!(text(&sample, Format::Full, Style::default()), "no findings in 3 files, 0.4 s\n");
}

#[test]
fn every_rule_is_described_within_the_limits() {
    let mut sample = sample();
    sample.rules = crate::packs::rule::catalog().iter().map(|rule| (rule, rule.level)).collect();
    let log: serde_json::Value = serde_json::from_str(&text(&sample, Format::Sarif, Style::default())).expect("JSON");
    let driver = &log["runs"][0]["tool"]["driver"];
    for rule in driver["rules"].as_array().expect("rules") {
        for field in ["shortDescription", "fullDescription", "help"] {
            let text = rule[field]["text"].as_str().expect("text");
            assert!(!text.is_empty() && text.len() <= 1_024 && text.ends_with('.'), "{rule}");
        }
        assert_ne!(rule["id"], rule["name"]);
        assert!(rule["properties"]["tags"].as_array().is_some_and(|tags| tags.len() <= 10));
        assert!(rule["helpUri"].as_str().is_some_and(|uri| uri.len() < 2_048));
        let secret = [798, 259, 321, 522, 312, 319, 256, 257, 540].map(|n| format!("cwe-{n}\""));
        assert!(!secret.iter().any(|tag| rule.to_string().contains(tag)), "{rule}");
    }
    assert!(!log["runs"][0]["taxonomies"].to_string().contains("\"Weakness\""), "a title is missing");
}
