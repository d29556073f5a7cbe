//! One fixed list of findings, for all formats.

use super::{Report, Style};
use crate::base::{FileId, Name, Range, Span};
use crate::findings::coverage::{Coverage, Failure};
use crate::findings::{Confidence, Edit, Finding, Fix, Level, Step, Subject, fingerprint};
use crate::packs::rule::{Rule, catalog};
use crate::source::memory::source_set;
use crate::source::{Skipped, SourceSet};

const CONTROLLER: &str = "<?php
class PostController
{
    public function index()
    {
        $posts = Post::query()
            ->latest()
            ->get();
        return view('posts', ['posts' => $posts]);
    }
}
";

const VIEW: &str = "<ul>
@foreach ($posts as $post)
    <li>😀 {{ $post->author->name }}</li>
@endforeach
</ul>
";

const VIEWS: &str = "def report(request):
    orders = Order.objects.filter(paid=True)
    for order in orders:
        print(order.customer.name)
    client = Client(KEY)
    return client.send(orders)  # ormlint: ignore[query-in-loop]
";

/// What a report is made of.
pub(super) struct Sample {
    pub(super) sources: SourceSet,
    pub(super) findings: Vec<Finding>,
    pub(super) coverage: Coverage,
    pub(super) failures: Vec<Failure>,
    pub(super) rules: Vec<(&'static Rule, Level)>,
}

impl Sample {
    pub(super) fn report(&self, style: Style) -> Report<'_> {
        Report {
            sources: &self.sources,
            findings: &self.findings,
            suppressed: &[],
            coverage: &self.coverage,
            failures: &self.failures,
            rules: &self.rules,
            notes: &[],
            seconds: Some(0.42),
            home: "https://example.org/ormlint",
            change: None,
            style,
        }
    }
}

/// The place of the n-th (from 0) occurrence of a text in a file.
pub(super) fn find(sources: &SourceSet, path: &str, text: &str) -> Span {
    let at = sources.files.iter().position(|file| file.path == path).expect("the file is there");
    let start = sources.files[at].text.find(text).expect("the text is there");
    Span { file: FileId(at as u32), range: Range::new(start, start + text.len()) }
}

fn finding(rule: &str, level: Level, message: &str, help: &str, span: Span) -> Finding {
    Finding {
        rule: Name::new(rule),
        level,
        confidence: Confidence::High,
        message: message.to_owned(),
        help: help.to_owned(),
        cost: String::new(),
        span,
        label: "",
        steps: Vec::new(),
        subject: Subject::default(),
        owner: String::new(),
        fix: None,
        fingerprint: String::new(),
    }
}

/// Three findings in three languages: across files, within one, and without a way.
pub(super) fn sample() -> Sample {
    let mut sources = source_set(&[
        ("app/Post Controller.php", CONTROLLER),
        ("resources/views/posts.blade.php", VIEW),
        ("shop/views.py", VIEWS),
    ]);
    sources.skipped.push(Skipped { path: "tests".to_owned(), reason: "tests are left out".to_owned(), is_failure: false });
    sources.skipped.push(Skipped { path: "x.py".to_owned(), reason: "no permission to read it".to_owned(), is_failure: true });
    let at = |path: &str, text: &str| find(&sources, path, text);
    let step = |path: &str, text: &str, message: &str| Step { span: at(path, text), message: message.to_owned() };
    let (controller, view, views) = ("app/Post Controller.php", "resources/views/posts.blade.php", "shop/views.py");

    let mut across = finding(
        "lazy-load-in-loop",
        Level::Warning,
        "`author` is loaded once per `Post` in this loop",
        "load it with the query: `Post::query()->with('author')`",
        at(view, "author"),
    );
    across.cost = "1 + N queries, N = rows of `Post`".to_owned();
    across.steps = vec![
        step(controller, "Post::query()\n            ->latest()\n            ->get()", "the rows come from this query"),
        step(controller, "['posts' => $posts]", "given to the view as `posts`"),
        step(view, "@foreach ($posts as $post)", "looped over here"),
    ];
    across.subject =
        Subject { model: Some("App\\Models\\Post".to_owned()), relation: Some("author".to_owned()), ..Subject::default() };
    across.owner = "posts".to_owned();
    let insert = at(controller, "Post::query()");
    let insert = Span { range: Range { start: insert.range.end, end: insert.range.end }, ..insert };
    across.fix = Some(Fix {
        title: "load `author` with the query".to_owned(),
        edits: vec![Edit { span: insert, text: "->with('author')".to_owned() }],
        is_safe: true,
    });

    let mut within = finding(
        "lazy-load-in-loop",
        Level::Warning,
        "`customer` is loaded once per `Order` in this loop",
        "load it with the query: `Order.objects.filter(paid=True).select_related(\"customer\")`",
        at(views, "order.customer"),
    );
    within.cost = "1 + N queries, N = rows of `Order`".to_owned();
    within.steps = vec![
        step(views, "Order.objects.filter(paid=True)", "the rows come from this query"),
        step(views, "for order in orders:", "looped over here"),
    ];
    within.subject =
        Subject { model: Some("shop.models.Order".to_owned()), relation: Some("customer".to_owned()), ..Subject::default() };
    within.owner = "shop.views.report".to_owned();

    let mut client = finding(
        "client-per-request",
        Level::Error,
        "a new `Client` is built for every request",
        "build it once per process and share it",
        at(views, "Client(KEY)"),
    );
    client.confidence = Confidence::Medium;
    client.subject.client = Some("acme.Client".to_owned());
    client.owner = "shop.views.report".to_owned();

    let mut findings = vec![across, within, client];
    fingerprint::assign(&mut findings, &sources, "");
    let bytes = sources.files.iter().map(|file| file.text.len() as u64).sum();
    let mut coverage = Coverage { files: 3, bytes, ..Coverage::default() };
    coverage.gaps.insert("computed name".to_owned(), 2);
    let ids = ["client-per-request", "internal-error", "lazy-load-in-loop", "unscoped-tenant-query"];
    let rules = catalog().iter().filter(|rule| ids.contains(&rule.id.as_str())).map(|rule| (rule, rule.level)).collect();
    Sample { sources, findings, coverage, failures: Vec::new(), rules }
}
