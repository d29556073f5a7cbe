//! Which files does a page hold? Several named files, and several tests, in one Markdown text.

use super::annotations::{Item, items};

/// One file of a test, and where its text came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestFile {
    /// Path inside the imagined application.
    pub path: String,
    /// The whole text, as analyzed.
    pub text: String,
    /// File it is written in, relative to the repository.
    pub host: String,
    /// Line of `host`, from 1, that holds the first written line of the text.
    pub host_line: usize,
    /// Lines of `text` that were put before the written ones.
    pub prefix_lines: usize,
    /// Belongs to several tests: may hold no annotations.
    pub is_shared: bool,
}

/// A claim about a place that cannot hold a comment: `<!-- expect: app/models.py:12 rule -->`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlaceClaim {
    /// The claim.
    pub item: Item,
    /// File of the test.
    pub path: String,
    /// Line as written in its block, from 1.
    pub line: usize,
    /// Line of the page, from 1.
    pub at: usize,
}

/// One test: files that make up an application.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TestCase {
    /// The heading.
    pub name: String,
    /// File it is written in, relative to the repository.
    pub host: String,
    /// Line of the heading.
    pub host_line: usize,
    /// The files.
    pub files: Vec<TestFile>,
    /// Claims about places that hold no comment.
    pub claims: Vec<PlaceClaim>,
    /// Rules selected besides those on by default.
    pub rules: Vec<String>,
    /// What is wrong with the page itself.
    pub problems: Vec<String>,
}

struct Block {
    path: String,
    is_shared: bool,
    start: usize,
    lines: Vec<String>,
}

/// Reads the tests of a page. `host` is its name in reports, `own_rule` the rule it documents, if it documents one.
pub fn read_page(host: &str, text: &str, own_rule: Option<&str>) -> Vec<TestCase> {
    let mut reader = Reader {
        host,
        rules: own_rule.map(str::to_owned).into_iter().collect(),
        page_shared: Vec::new(),
        section_shared: Vec::new(),
        current: TestCase { name: "introduction".to_owned(), host: host.to_owned(), host_line: 1, ..TestCase::default() },
        is_in_section: false,
        done: Vec::new(),
    };
    reader.read(text);
    reader.done
}

struct Reader<'a> {
    host: &'a str,
    rules: Vec<String>,
    page_shared: Vec<TestFile>,
    section_shared: Vec<TestFile>,
    current: TestCase,
    is_in_section: bool,
    done: Vec<TestCase>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut block: Option<Option<Block>> = None;
        let mut named: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if let Some(open) = &mut block {
                if line.trim_end() == "```" {
                    if let Some(block) = block.take().flatten() {
                        self.add(block);
                    }
                } else if let Some(open) = open {
                    open.lines.push(line.to_owned());
                }
                continue;
            }
            if let Some(info) = line.strip_prefix("```") {
                block = Some(open_block(info, named.take(), number + 1));
            } else if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
                self.finish();
                if line.starts_with("## ") {
                    self.section_shared.clear();
                    self.is_in_section = true;
                }
                self.current = TestCase {
                    name: heading.trim().to_owned(),
                    host: self.host.to_owned(),
                    host_line: number,
                    ..TestCase::default()
                };
            } else if let Some(comment) = line.strip_prefix("<!--").and_then(|l| l.trim_end().strip_suffix("-->")) {
                self.comment(comment.trim(), number);
            } else if !line.trim().is_empty() {
                named = path_of_line(line);
            }
        }
        if block.is_some() {
            self.current.problems.push("a code block is not closed".to_owned());
        }
        self.finish();
    }

    fn comment(&mut self, comment: &str, number: usize) {
        if let Some(rules) = comment.strip_prefix("rules:") {
            self.rules.extend(rules.split(',').map(|r| r.trim().to_owned()));
            return;
        }
        let Some((word, rest)) = super::annotations::Word::split(comment) else {
            return;
        };
        let Some((place, rule)) = rest.trim().split_once(' ') else {
            return;
        };
        let parsed = place.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)));
        match (parsed, items(&format!("{word}: {rule}")).pop()) {
            (Some((path, line)), Some(item)) => {
                self.current.claims.push(PlaceClaim { item, path: path.to_owned(), line, at: number });
            }
            _ => self.current.problems.push(format!("line {number}: expected `{word}: path:line rule`")),
        }
    }

    fn add(&mut self, block: Block) {
        let mut text = block.lines.join("\n") + "\n";
        let mut prefix_lines = 0;
        let is_php = block.path.ends_with(".php") && !block.path.ends_with(".blade.php");
        if is_php && !text.trim_start().starts_with("<?php") {
            text.insert_str(0, "<?php\n");
            prefix_lines = 1;
        }
        let file = TestFile {
            path: block.path,
            text,
            host: self.host.to_owned(),
            host_line: block.start,
            prefix_lines,
            is_shared: block.is_shared,
        };
        if file.is_shared {
            let shared = if self.is_in_section { &mut self.section_shared } else { &mut self.page_shared };
            shared.retain(|f| f.path != file.path);
            shared.push(file);
        } else if self.current.files.iter().any(|f| f.path == file.path) {
            self.current.problems.push(format!("two files named {}", file.path));
        } else {
            self.current.files.push(file);
        }
    }

    fn finish(&mut self) {
        let mut case = std::mem::take(&mut self.current);
        if case.files.is_empty() && case.problems.is_empty() {
            return;
        }
        for shared in self.section_shared.iter().chain(&self.page_shared) {
            if case.files.iter().all(|f| f.path != shared.path) {
                case.files.push(shared.clone());
            }
        }
        case.files.sort_by(|a, b| a.path.cmp(&b.path));
        case.rules.clone_from(&self.rules);
        self.done.push(case);
    }
}

/// The block that an opening fence starts; `None` inside if it is not a file of a test.
fn open_block(info: &str, named: Option<String>, start: usize) -> Option<Block> {
    let mut words = info.split_whitespace();
    let language = words.next().unwrap_or("");
    let rest: Vec<&str> = words.collect();
    let default = match language {
        "php" => "app/Example.php",
        "python" => "app/example.py",
        "blade" => "resources/views/example.blade.php",
        "html+django" | "django" | "jinja" | "jinja2" | "html+jinja" => "templates/example.html",
        _ => "",
    };
    let path = named.unwrap_or_else(|| default.to_owned());
    (!path.is_empty()).then(|| Block { path, is_shared: rest.contains(&"shared"), start, lines: Vec::new() })
}

/// The path that a line of prose gives to the next block: the last backticked word before a final colon.
fn path_of_line(line: &str) -> Option<String> {
    let quoted = line.trim_end().strip_suffix("`:")?;
    let path = quoted.rsplit('`').next()?;
    let looks_like_a_path = (path.contains('/') || path.contains('.')) && !path.contains([' ', '(', '$', '>']);
    looks_like_a_path.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::read_page;

    const PAGE: &str = "# Page\n\n<!-- rules: extra -->\n\n```python shared\nclass M: pass\n```\n\n## First\n\n```php\n$a;\n```\n\n\
        The view `resources/views/a.blade.php`:\n\n```blade\n{{ $a }}\n```\n\n## Second\n<!-- wrong: app/example.py:1 some-rule -->\n\
        `app/models.py`:\n```python\npass\n```\n```sh\nls\n```\n";

    #[test]
    fn a_heading_starts_a_test_and_shared_files_join_all_later_ones() {
        let cases = read_page("p.md", PAGE, Some("own"));
        let paths = |n: usize| cases[n].files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>();
        assert_eq!(cases.len(), 2);
        assert_eq!(paths(0), ["app/Example.php", "app/example.py", "resources/views/a.blade.php"]);
        assert_eq!(paths(1), ["app/example.py", "app/models.py"]);
        assert_eq!(cases[0].rules, ["own", "extra"]);
        assert_eq!(cases[0].files[0].text, "<?php\n$a;\n");
        assert_eq!((cases[0].files[0].host_line, cases[0].files[0].prefix_lines), (12, 1));
        assert_eq!((cases[1].claims[0].path.as_str(), cases[1].claims[0].line), ("app/example.py", 1));
        assert!(cases.iter().all(|c| c.problems.is_empty()));
    }

    #[test]
    fn two_blocks_of_one_name_are_a_problem_of_the_page() {
        let cases = read_page("p.md", "## A\n```php\n1;\n```\n```php\n2;\n```\n", None);
        assert_eq!(cases[0].problems.len(), 1);
    }
}
