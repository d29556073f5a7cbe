//! Which bytes does each format for programs and services write?

use super::samples::{Sample, sample};
use super::*;

fn text(sample: &Sample, format: Format, style: Style) -> String {
    let mut bytes = Vec::new();
    render(&sample.report(style), format, &mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("formats are UTF-8")
}

fn plain(format: Format) -> String {
    text(&sample(), format, Style::default())
}

#[test]
fn sarif() {
    let log: serde_json::Value = serde_json::from_str(&plain(Format::Sarif)).expect("valid JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    let levels: Vec<_> = results.iter().map(|result| result["level"].as_str()).collect();
    assert_eq!(levels, [Some("error"), Some("warning"), Some("warning")]);
    let mut rule = run["tool"]["driver"]["rules"][2].clone();
    let markdown = rule["help"]["markdown"].take();
    assert!(markdown.as_str().is_some_and(|page| page.contains("## How to fix it")));
    let parts = serde_json::json!({
        "rule": rule,
        "result": results[1],
        "invocations": run["invocations"],
        "columnKind": run["columnKind"],
        "automationDetails": run["automationDetails"],
        "taxonomy": run["taxonomies"][0]["taxa"][0],
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&parts).expect("it was JSON"), @r###"
{
  "automationDetails": {
    "id": "ormlint/"
  },
  "columnKind": "unicodeCodePoints",
  "invocations": [
    {
      "executionSuccessful": true,
      "toolExecutionNotifications": [
        {
          "level": "error",
          "message": {
            "text": "x.py: no permission to read it."
          }
        }
      ]
    }
  ],
  "result": {
    "codeFlows": [
      {
        "threadFlows": [
          {
            "locations": [
              {
                "location": {
                  "message": {
                    "text": "The rows come from this query."
                  },
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "app/Post%20Controller.php",
                      "uriBaseId": "%SRCROOT%"
                    },
                    "region": {
                      "endColumn": 31,
                      "endLine": 6,
                      "startColumn": 18,
                      "startLine": 6
                    }
                  }
                }
              },
              {
                "location": {
                  "message": {
                    "text": "Given to the view as `posts`."
                  },
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "app/Post%20Controller.php",
                      "uriBaseId": "%SRCROOT%"
                    },
                    "region": {
                      "endColumn": 49,
                      "endLine": 9,
                      "startColumn": 30,
                      "startLine": 9
                    }
                  }
                }
              },
              {
                "location": {
                  "message": {
                    "text": "Looped over here."
                  },
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "resources/views/posts.blade.php",
                      "uriBaseId": "%SRCROOT%"
                    },
                    "region": {
                      "endColumn": 27,
                      "endLine": 2,
                      "startColumn": 1,
                      "startLine": 2
                    }
                  }
                }
              },
              {
                "location": {
                  "message": {
                    "text": "`author` is loaded once per `Post` in this loop."
                  },
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "resources/views/posts.blade.php",
                      "uriBaseId": "%SRCROOT%"
                    },
                    "region": {
                      "endColumn": 27,
                      "endLine": 3,
                      "startColumn": 21,
                      "startLine": 3
                    }
                  }
                }
              }
            ]
          }
        ]
      }
    ],
    "fixes": [
      {
        "artifactChanges": [
          {
            "artifactLocation": {
              "uri": "app/Post%20Controller.php",
              "uriBaseId": "%SRCROOT%"
            },
            "replacements": [
              {
                "deletedRegion": {
                  "endColumn": 31,
                  "endLine": 6,
                  "startColumn": 31,
                  "startLine": 6
                },
                "insertedContent": {
                  "text": "->with('author')"
                }
              }
            ]
          }
        ],
        "description": {
          "text": "Load `author` with the query."
        }
      }
    ],
    "level": "warning",
    "locations": [
      {
        "logicalLocations": [
          {
            "fullyQualifiedName": "posts"
          }
        ],
        "physicalLocation": {
          "artifactLocation": {
            "uri": "resources/views/posts.blade.php",
            "uriBaseId": "%SRCROOT%"
          },
          "region": {
            "endColumn": 27,
            "endLine": 3,
            "startColumn": 21,
            "startLine": 3
          }
        }
      }
    ],
    "message": {
      "text": "`author` is loaded once per `Post` in this loop. Cost: 1 + N queries, N = rows of `Post`. Load it with the query: `Post::query()->with('author')`. The way: [the rows come from this query](1), [given to the view as `posts`](2), [looped over here](3)."
    },
    "partialFingerprints": {
      "ormlint/v1": "940da5656d2029989678225605956520",
      "primaryLocationLineHash": "eed459207c357f60:1"
    },
    "relatedLocations": [
      {
        "id": 1,
        "message": {
          "text": "The rows come from this query."
        },
        "physicalLocation": {
          "artifactLocation": {
            "uri": "app/Post%20Controller.php",
            "uriBaseId": "%SRCROOT%"
          },
          "region": {
            "endColumn": 31,
            "endLine": 6,
            "startColumn": 18,
            "startLine": 6
          }
        }
      },
      {
        "id": 2,
        "message": {
          "text": "Given to the view as `posts`."
        },
        "physicalLocation": {
          "artifactLocation": {
            "uri": "app/Post%20Controller.php",
            "uriBaseId": "%SRCROOT%"
          },
          "region": {
            "endColumn": 49,
            "endLine": 9,
            "startColumn": 30,
            "startLine": 9
          }
        }
      },
      {
        "id": 3,
        "message": {
          "text": "Looped over here."
        },
        "physicalLocation": {
          "artifactLocation": {
            "uri": "resources/views/posts.blade.php",
            "uriBaseId": "%SRCROOT%"
          },
          "region": {
            "endColumn": 27,
            "endLine": 2,
            "startColumn": 1,
            "startLine": 2
          }
        }
      }
    ],
    "ruleId": "lazy-load-in-loop",
    "ruleIndex": 2
  },
  "rule": {
    "defaultConfiguration": {
      "level": "warning"
    },
    "fullDescription": {
      "text": "Reading a relation that the query did not load asks the database for it, once for every row that the loop visits."
    },
    "help": {
      "markdown": null,
      "text": "Reading a relation that the query did not load asks the database for it, once for every row that the loop visits."
    },
    "helpUri": "https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md",
    "id": "lazy-load-in-loop",
    "name": "LazyLoadInLoop",
    "properties": {
      "precision": "high",
      "problem.severity": "warning",
      "tags": [
        "loading",
        "external/cwe/cwe-1073",
        "cwe-1073",
        "external/cwe/cwe-1050",
        "cwe-1050"
      ]
    },
    "relationships": [
      {
        "kinds": [
          "superset"
        ],
        "target": {
          "id": "CWE-1073",
          "index": 4,
          "toolComponent": {
            "index": 0,
            "name": "CWE"
          }
        }
      },
      {
        "kinds": [
          "superset"
        ],
        "target": {
          "id": "CWE-1050",
          "index": 2,
          "toolComponent": {
            "index": 0,
            "name": "CWE"
          }
        }
      }
    ],
    "shortDescription": {
      "text": "A relation is loaded once per row of a loop."
    }
  },
  "taxonomy": {
    "helpUri": "https://cwe.mitre.org/data/definitions/566.html",
    "id": "CWE-566",
    "name": "Authorization Bypass Through User-Controlled SQL Primary Key",
    "shortDescription": {
      "text": "Authorization Bypass Through User-Controlled SQL Primary Key."
    }
  }
}
"###);
}

#[test]
fn grouped() {
    insta::assert_snapshot!(plain(Format::Grouped), @r###"
resources/views/posts.blade.php
  3:21     warning  `author` is loaded once per `Post` in this loop  lazy-load-in-loop
           help     load it with the query: `Post::query()->with('author')`

shop/views.py
  4:15     warning  `customer` is loaded once per `Order` in this loop  lazy-load-in-loop
           help     load it with the query: `Order.objects.filter(paid=True).select_related("customer")`
  5:14     error    a new `Client` is built for every request  client-per-request
           help     build it once per process and share it

3 findings (1 error, 2 warnings) in 2 of 3 files, 0.4 s
"###);
}

#[test]
fn jsonl() {
    insta::assert_snapshot!(plain(Format::Jsonl), @r###"
{"rule":"lazy-load-in-loop","level":"warning","confidence":"high","message":"`author` is loaded once per `Post` in this loop","help":"load it with the query: `Post::query()->with('author')`","path":"resources/views/posts.blade.php","range":{"start":{"line":3,"column":21},"end":{"line":3,"column":27}},"subject":{"model":"App\\Models\\Post","relation":"author"},"steps":[{"path":"app/Post Controller.php","range":{"start":{"line":6,"column":18},"end":{"line":8,"column":20}},"message":"the rows come from this query"},{"path":"app/Post Controller.php","range":{"start":{"line":9,"column":30},"end":{"line":9,"column":49}},"message":"given to the view as `posts`"},{"path":"resources/views/posts.blade.php","range":{"start":{"line":2,"column":1},"end":{"line":2,"column":27}},"message":"looped over here"}],"fingerprint":"940da5656d2029989678225605956520"}
{"rule":"lazy-load-in-loop","level":"warning","confidence":"high","message":"`customer` is loaded once per `Order` in this loop","help":"load it with the query: `Order.objects.filter(paid=True).select_related(\"customer\")`","path":"shop/views.py","range":{"start":{"line":4,"column":15},"end":{"line":4,"column":29}},"subject":{"model":"shop.models.Order","relation":"customer"},"steps":[{"path":"shop/views.py","range":{"start":{"line":2,"column":14},"end":{"line":2,"column":45}},"message":"the rows come from this query"},{"path":"shop/views.py","range":{"start":{"line":3,"column":5},"end":{"line":3,"column":25}},"message":"looped over here"}],"fingerprint":"e530bba1cbdb0c6e7c25bd98e5d5034d"}
{"rule":"client-per-request","level":"error","confidence":"medium","message":"a new `Client` is built for every request","help":"build it once per process and share it","path":"shop/views.py","range":{"start":{"line":5,"column":14},"end":{"line":5,"column":25}},"subject":{"client":"acme.Client"},"steps":[],"fingerprint":"fd7b5acbcea1c6951c04bdace0de1688"}
"###);
}

#[test]
fn github() {
    insta::assert_snapshot!(plain(Format::Github), @r###"
::error title=ormlint (client-per-request),file=shop/views.py,line=5,col=14,endLine=5,endColumn=25::a new `Client` is built for every request%0Abuild it once per process and share it
::warning title=ormlint (lazy-load-in-loop),file=resources/views/posts.blade.php,line=3,col=21,endLine=3,endColumn=27::`author` is loaded once per `Post` in this loop%0A1 + N queries, N = rows of `Post`%0Aload it with the query: `Post::query()->with('author')`
::warning title=ormlint (lazy-load-in-loop),file=shop/views.py,line=4,col=15,endLine=4,endColumn=29::`customer` is loaded once per `Order` in this loop%0A1 + N queries, N = rows of `Order`%0Aload it with the query: `Order.objects.filter(paid=True).select_related("customer")`
"###);
}

#[test]
fn gitlab() {
    insta::assert_snapshot!(plain(Format::Gitlab), @r###"
[
  {
    "check_name": "lazy-load-in-loop",
    "description": "lazy-load-in-loop: `author` is loaded once per `Post` in this loop",
    "fingerprint": "940da5656d2029989678225605956520",
    "location": {
      "path": "resources/views/posts.blade.php",
      "positions": {
        "begin": {
          "column": 21,
          "line": 3
        },
        "end": {
          "column": 27,
          "line": 3
        }
      }
    },
    "severity": "minor"
  },
  {
    "check_name": "lazy-load-in-loop",
    "description": "lazy-load-in-loop: `customer` is loaded once per `Order` in this loop",
    "fingerprint": "e530bba1cbdb0c6e7c25bd98e5d5034d",
    "location": {
      "path": "shop/views.py",
      "positions": {
        "begin": {
          "column": 15,
          "line": 4
        },
        "end": {
          "column": 29,
          "line": 4
        }
      }
    },
    "severity": "minor"
  },
  {
    "check_name": "client-per-request",
    "description": "client-per-request: a new `Client` is built for every request",
    "fingerprint": "fd7b5acbcea1c6951c04bdace0de1688",
    "location": {
      "path": "shop/views.py",
      "positions": {
        "begin": {
          "column": 14,
          "line": 5
        },
        "end": {
          "column": 25,
          "line": 5
        }
      }
    },
    "severity": "major"
  }
]
"###);
}

#[test]
fn junit() {
    insta::assert_snapshot!(plain(Format::Junit), @r###"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="ormlint" tests="3" failures="3" errors="0">
  <testsuite name="resources/views/posts.blade.php" tests="1" failures="1" errors="0">
    <testcase name="lazy-load-in-loop:3:21" classname="resources/views/posts.blade.php" file="resources/views/posts.blade.php" line="3">
      <failure type="warning" message="`author` is loaded once per `Post` in this loop">resources/views/posts.blade.php:3:21: `author` is loaded once per `Post` in this loop&#10;cost: 1 + N queries, N = rows of `Post`&#10;help: load it with the query: `Post::query()-&gt;with('author')`</failure>
    </testcase>
  </testsuite>
  <testsuite name="shop/views.py" tests="2" failures="2" errors="0">
    <testcase name="lazy-load-in-loop:4:15" classname="shop/views.py" file="shop/views.py" line="4">
      <failure type="warning" message="`customer` is loaded once per `Order` in this loop">shop/views.py:4:15: `customer` is loaded once per `Order` in this loop&#10;cost: 1 + N queries, N = rows of `Order`&#10;help: load it with the query: `Order.objects.filter(paid=True).select_related(&quot;customer&quot;)`</failure>
    </testcase>
    <testcase name="client-per-request:5:14" classname="shop/views.py" file="shop/views.py" line="5">
      <failure type="error" message="a new `Client` is built for every request">shop/views.py:5:14: a new `Client` is built for every request&#10;help: build it once per process and share it</failure>
    </testcase>
  </testsuite>
</testsuites>
"###);
}

#[test]
fn rdjson() {
    insta::assert_snapshot!(plain(Format::Rdjson), @r###"
{
  "diagnostics": [
    {
      "code": {
        "url": "https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md",
        "value": "lazy-load-in-loop"
      },
      "location": {
        "path": "resources/views/posts.blade.php",
        "range": {
          "end": {
            "column": 30,
            "line": 3
          },
          "start": {
            "column": 24,
            "line": 3
          }
        }
      },
      "message": "`author` is loaded once per `Post` in this loop\n1 + N queries, N = rows of `Post`\nload it with the query: `Post::query()->with('author')`",
      "related_locations": [
        {
          "location": {
            "path": "app/Post Controller.php",
            "range": {
              "end": {
                "column": 31,
                "line": 6
              },
              "start": {
                "column": 18,
                "line": 6
              }
            }
          },
          "message": "the rows come from this query"
        },
        {
          "location": {
            "path": "app/Post Controller.php",
            "range": {
              "end": {
                "column": 49,
                "line": 9
              },
              "start": {
                "column": 30,
                "line": 9
              }
            }
          },
          "message": "given to the view as `posts`"
        },
        {
          "location": {
            "path": "resources/views/posts.blade.php",
            "range": {
              "end": {
                "column": 27,
                "line": 2
              },
              "start": {
                "column": 1,
                "line": 2
              }
            }
          },
          "message": "looped over here"
        }
      ],
      "severity": "WARNING"
    },
    {
      "code": {
        "url": "https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md",
        "value": "lazy-load-in-loop"
      },
      "location": {
        "path": "shop/views.py",
        "range": {
          "end": {
            "column": 29,
            "line": 4
          },
          "start": {
            "column": 15,
            "line": 4
          }
        }
      },
      "message": "`customer` is loaded once per `Order` in this loop\n1 + N queries, N = rows of `Order`\nload it with the query: `Order.objects.filter(paid=True).select_related(\"customer\")`",
      "related_locations": [
        {
          "location": {
            "path": "shop/views.py",
            "range": {
              "end": {
                "column": 45,
                "line": 2
              },
              "start": {
                "column": 14,
                "line": 2
              }
            }
          },
          "message": "the rows come from this query"
        },
        {
          "location": {
            "path": "shop/views.py",
            "range": {
              "end": {
                "column": 25,
                "line": 3
              },
              "start": {
                "column": 5,
                "line": 3
              }
            }
          },
          "message": "looped over here"
        }
      ],
      "severity": "WARNING"
    },
    {
      "code": {
        "url": "https://example.org/ormlint/blob/main/rules/catalog/client-per-request.md",
        "value": "client-per-request"
      },
      "location": {
        "path": "shop/views.py",
        "range": {
          "end": {
            "column": 25,
            "line": 5
          },
          "start": {
            "column": 14,
            "line": 5
          }
        }
      },
      "message": "a new `Client` is built for every request\nbuild it once per process and share it",
      "severity": "ERROR"
    }
  ],
  "severity": "ERROR",
  "source": {
    "name": "ormlint",
    "url": "https://example.org/ormlint"
  }
}
"###);
}

#[test]
fn rdjsonl() {
    insta::assert_snapshot!(plain(Format::Rdjsonl), @r###"
{"code":{"url":"https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md","value":"lazy-load-in-loop"},"location":{"path":"resources/views/posts.blade.php","range":{"end":{"column":30,"line":3},"start":{"column":24,"line":3}}},"message":"`author` is loaded once per `Post` in this loop\n1 + N queries, N = rows of `Post`\nload it with the query: `Post::query()->with('author')`","related_locations":[{"location":{"path":"app/Post Controller.php","range":{"end":{"column":31,"line":6},"start":{"column":18,"line":6}}},"message":"the rows come from this query"},{"location":{"path":"app/Post Controller.php","range":{"end":{"column":49,"line":9},"start":{"column":30,"line":9}}},"message":"given to the view as `posts`"},{"location":{"path":"resources/views/posts.blade.php","range":{"end":{"column":27,"line":2},"start":{"column":1,"line":2}}},"message":"looped over here"}],"severity":"WARNING","source":{"name":"ormlint","url":"https://example.org/ormlint"}}
{"code":{"url":"https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md","value":"lazy-load-in-loop"},"location":{"path":"shop/views.py","range":{"end":{"column":29,"line":4},"start":{"column":15,"line":4}}},"message":"`customer` is loaded once per `Order` in this loop\n1 + N queries, N = rows of `Order`\nload it with the query: `Order.objects.filter(paid=True).select_related(\"customer\")`","related_locations":[{"location":{"path":"shop/views.py","range":{"end":{"column":45,"line":2},"start":{"column":14,"line":2}}},"message":"the rows come from this query"},{"location":{"path":"shop/views.py","range":{"end":{"column":25,"line":3},"start":{"column":5,"line":3}}},"message":"looped over here"}],"severity":"WARNING","source":{"name":"ormlint","url":"https://example.org/ormlint"}}
{"code":{"url":"https://example.org/ormlint/blob/main/rules/catalog/client-per-request.md","value":"client-per-request"},"location":{"path":"shop/views.py","range":{"end":{"column":25,"line":5},"start":{"column":14,"line":5}}},"message":"a new `Client` is built for every request\nbuild it once per process and share it","severity":"ERROR","source":{"name":"ormlint","url":"https://example.org/ormlint"}}
"###);
}

#[test]
fn markdown() {
    insta::assert_snapshot!(plain(Format::Markdown), @r###"
<!-- ormlint -->
## ormlint

3 findings (1 error, 2 warnings) in 2 of 3 files, 0.4 s

[`lazy-load-in-loop`](https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md) × 2 · [`client-per-request`](https://example.org/ormlint/blob/main/rules/catalog/client-per-request.md) × 1

| | Place | Finding | Cost |
|---|---|---|---|
| 🔴 error | `shop/views.py:5` | a new `Client` is built for every request |  |
| 🟠 warning | `resources/views/posts.blade.php:3` | `author` is loaded once per `Post` in this loop | 1 + N queries, N = rows of `Post` |
| 🟠 warning | `shop/views.py:4` | `customer` is loaded once per `Order` in this loop | 1 + N queries, N = rows of `Order` |

<details><summary>🔴 error shop/views.py:5 a new Client is built for every request</summary>

[`client-per-request`](https://example.org/ormlint/blob/main/rules/catalog/client-per-request.md) · error

1. here: `shop/views.py:5`
   `client = Client(KEY)`

**Help:** build it once per process and share it

</details>

<details><summary>🟠 warning resources/views/posts.blade.php:3 author is loaded once per Post in this loop</summary>

[`lazy-load-in-loop`](https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md) · warning

1. the rows come from this query: `app/Post Controller.php:6`
   `$posts = Post::query()`
2. given to the view as `posts`: `app/Post Controller.php:9`
   `return view('posts', ['posts' => $posts]);`
3. looped over here: `resources/views/posts.blade.php:2`
   `@foreach ($posts as $post)`
4. here: `resources/views/posts.blade.php:3`
   `<li>😀 {{ $post->author->name }}</li>`

**Cost:** 1 + N queries, N = rows of `Post`

**Help:** load it with the query: `Post::query()->with('author')`

**Fix:** load `author` with the query

```diff
--- app/Post Controller.php:6
-        $posts = Post::query()
+        $posts = Post::query()->with('author')
```

</details>

<details><summary>🟠 warning shop/views.py:4 customer is loaded once per Order in this loop</summary>

[`lazy-load-in-loop`](https://example.org/ormlint/blob/main/rules/catalog/lazy-load-in-loop.md) · warning

1. the rows come from this query: `shop/views.py:2`
   `orders = Order.objects.filter(paid=True)`
2. looped over here: `shop/views.py:3`
   `for order in orders:`
3. here: `shop/views.py:4`
   `print(order.customer.name)`

**Cost:** 1 + N queries, N = rows of `Order`

**Help:** load it with the query: `Order.objects.filter(paid=True).select_related("customer")`

</details>
"###);
}
