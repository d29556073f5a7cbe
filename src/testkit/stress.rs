//! Do programs with deep, wide and cyclic call graphs end soon, and is what is near still found?

use std::time::{Duration, Instant};

use super::{Options, analyze};
use crate::pipeline::pool;

/// Generous for a build without optimisation on a busy machine; without bounds, none of these programs ends in a day.
const LIMIT: Duration = Duration::from_secs(60);

const MODELS: &str = "\
from django.db import models

class Author(models.Model):
    name = models.CharField(max_length=80)

class Post(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
";

/// What each program must still show: a fault beside the graph, and one that goes through its entrance.
const LOOP: &str = "
def near():
    for post in Post.objects.all():
        print(post.author.name)

def through():
    for post in Post.objects.all():
        enter(post)
";

/// Lines of the findings in the generated module.
fn lines(graph: &str) -> Vec<usize> {
    lines_with(graph, &[])
}

/// The same, with more modules beside it.
fn lines_with(graph: &str, beside: &[(&str, &str)]) -> Vec<usize> {
    let code = format!("from app.models import Author, Post\n{LOOP}\n{graph}");
    let files: Vec<(String, String)> =
        [("requirements.txt", "Django==5.2\n"), ("app/models.py", MODELS), ("app/graph.py", &code)]
            .iter()
            .chain(beside)
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
    let start = Instant::now();
    let findings = pool(1).install(|| analyze(&files, &Options::default()));
    assert!(start.elapsed() < LIMIT, "took {:?}", start.elapsed());
    assert!(findings.iter().all(|f| f.rule != "internal-error"), "{findings:?}");
    findings.iter().filter(|f| f.rule == "lazy-load-in-loop" || f.rule == "query-in-loop").map(|f| f.line).collect()
}

/// The line of a text in the generated module.
fn line_of(graph: &str, text: &str) -> usize {
    let code = format!("from app.models import Author, Post\n{LOOP}\n{graph}");
    code.lines().position(|line| line.contains(text)).map_or(0, |at| at + 1)
}

#[test]
fn a_chain_of_ten_thousand_calls_ends() {
    let mut graph = "def enter(p):\n    f0(p)\n    return p.author.name\n\n".to_owned();
    for i in 0..10_000 {
        graph.push_str(&format!("def f{i}(p):\n    return f{}(p)\n\n", i + 1));
    }
    graph.push_str("def f10000(p):\n    return p.author.name\n");
    let lines = lines(&graph);
    assert!(lines.contains(&line_of(&graph, "print(post.author.name)")), "{lines:?}");
    assert!(lines.contains(&line_of(&graph, "return p.author.name")), "{lines:?}");
}

#[test]
fn a_clique_of_three_hundred_functions_ends() {
    let calls: String = (0..300).map(|i| format!("    f{i}(p, n)\n")).collect();
    let mut graph = "def enter(p):\n    name = p.author.name\n    f0(p, name)\n\n".to_owned();
    for i in 0..300 {
        graph.push_str(&format!("def f{i}(p, n):\n{calls}\n"));
    }
    let lines = lines(&graph);
    assert!(lines.contains(&line_of(&graph, "print(post.author.name)")), "{lines:?}");
    assert!(lines.contains(&line_of(&graph, "name = p.author.name")), "{lines:?}");
}

#[test]
fn mutual_recursion_with_growing_arguments_ends() {
    let graph = "\
def enter(p):
    even(p, 0, [])
    return p.author.name

def even(p, n, seen):
    if n > 1000:
        return seen
    return odd(p, n + 1, [seen, {n: seen}])

def odd(p, n, seen):
    return even(p, n + 1, (seen, [p, seen]))
";
    let lines = lines(graph);
    assert!(lines.contains(&line_of(graph, "return p.author.name")), "{lines:?}");
}

#[test]
fn five_hundred_overrides_of_a_method_end() {
    let mut graph = "\
class Base:
    def enter(self, p):
        return self.work(p)

    def work(self, p):
        return None

"
    .to_owned();
    for i in 0..500 {
        graph.push_str(&format!("class C{i}(Base):\n    def work(self, p):\n        return C{}().enter(p)\n\n", (i + 1) % 500));
    }
    graph.push_str("def enter(p):\n    name = p.author.name\n    return C0().enter(p), name\n");
    let lines = lines(&graph);
    assert!(lines.contains(&line_of(&graph, "print(post.author.name)")), "{lines:?}");
    assert!(lines.contains(&line_of(&graph, "name = p.author.name")), "{lines:?}");
}

#[test]
fn a_function_called_from_ten_thousand_places_ends() {
    let mut graph = "def enter(p):\n    return p.author.name\n\ndef all_of_them(p):\n".to_owned();
    for i in 0..10_000 {
        graph.push_str(&format!("    enter([p, {i}])\n"));
    }
    let lines = lines(&graph);
    assert!(lines.contains(&line_of(&graph, "return p.author.name")), "{lines:?}");
}

/// Each of them may bring the package that the others name.
#[test]
fn star_imports_of_modules_that_are_not_there_end() {
    let stars: String = (0..14).map(|i| format!("from .parts.part{i} import *\n")).collect();
    let graph = "from conf import NAME\n\ndef enter(p):\n    return NAME, p.author.name\n";
    let lines = lines_with(graph, &[("conf/__init__.py", &stars)]);
    assert!(lines.contains(&line_of(graph, "return NAME, p.author.name")), "{lines:?}");
}

#[test]
fn a_module_named_like_the_package_that_it_imports_from_ends() {
    let module = "from celery import Celery\n\n\ndef create() -> Celery:\n    app = Celery('x')\n    app.config_from_object('conf')\n    return app\n\n\napp: Celery = create()\n";
    let graph = "from celery import app\n\n\ndef enter(p):\n    return app.conf, p.author.name\n";
    let lines =
        lines_with(graph, &[("celery.py", module), ("parts/celery/celery.py", module), ("parts/celery/tasks/work.py", "")]);
    assert!(lines.contains(&line_of(graph, "return app.conf, p.author.name")), "{lines:?}");
}
