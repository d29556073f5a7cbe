//! What does a legacy project live through? Each step with exactly the findings that it must have.

use std::fs;

use super::tests::{Folder, Ran, ran};

const COMPOSER: &str = r#"{"require": {"laravel/framework": "^11.0"}, "autoload": {"psr-4": {"App\\": "app/"}}}"#;

const POST: &str = r#"<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Post extends Model
{
    public function author()
    {
        return $this->belongsTo(User::class);
    }

    public function tags()
    {
        return $this->hasMany(Tag::class);
    }
}
"#;

const USER: &str = r#"<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class User extends Model
{
}
"#;

const TAG: &str = r#"<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Tag extends Model
{
}
"#;

/// A service that reads a relation of each post.
fn service(class: &str, query: &str, read: &str) -> String {
    format!(
        r#"<?php

namespace App\Services;

use App\Models\Post;

class {class}
{{
    public function lines(): array
    {{
        $lines = [];
        foreach ({query} as $post) {{
            $lines[] = {read};
        }}

        return $lines;
    }}
}}
"#
    )
}

struct Project {
    folder: Folder,
    repository: git2::Repository,
}

impl Project {
    fn new(name: &str) -> Project {
        let digest = service("Digest", "Post::latest()->get()", "$post->author->name");
        let cloud = service("Cloud", "Post::latest()->get()", "$post->tags->all()");
        let folder = Folder::new(
            name,
            &[
                ("site/composer.json", COMPOSER),
                ("site/app/Models/Post.php", POST),
                ("site/app/Models/User.php", USER),
                ("site/app/Models/Tag.php", TAG),
                ("site/app/Services/Digest.php", &digest),
                ("site/app/Services/Cloud.php", &cloud),
                ("notes.md", "nothing\n"),
            ],
        );
        let repository = git2::Repository::init(folder.path()).expect("made");
        let project = Project { folder, repository };
        project.commit("first");
        project
    }

    fn commit(&self, message: &str) {
        let git = &self.repository;
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
        index.update_all(["*"], None).expect("updated");
        index.write().expect("written");
        let tree = index.write_tree().expect("a tree");
        let tree = git.find_tree(tree).expect("the tree");
        let who = git2::Signature::now("Someone", "someone@example.org").expect("a name");
        let parent = git.head().and_then(|head| head.peel_to_commit()).ok();
        let parents: Vec<_> = parent.iter().collect();
        git.commit(Some("HEAD"), &who, &who, message, &tree, &parents).expect("committed");
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.folder.file(path), text).expect("written");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder.file(path)).expect("there")
    }

    /// Runs a command on the site.
    fn run(&self, command: &[&str], options: &[&str]) -> Ran {
        let site = self.folder.file("site");
        let args = [command, options, &[site.as_str()]].concat();
        ran(&args)
    }

    /// The findings of a check, `path:line rule`, and the status.
    fn found(&self, options: &[&str]) -> (u8, Vec<String>) {
        let options = [&["--format", "concise"], options].concat();
        let run = self.run(&["check"], &options);
        let findings = run.out.lines().map(|line| {
            let mut parts = line.splitn(4, ':');
            let (path, line) = (parts.next(), parts.next());
            let rest = parts.nth(1).unwrap_or_default();
            let rule = rest.split(['[', ']']).nth(1).unwrap_or(rest);
            let (path, line) = (path.unwrap_or_default(), line.unwrap_or_default());
            format!("{path}:{line} {rule}")
        });
        (run.status, findings.collect())
    }

    fn fingerprints(&self) -> Vec<String> {
        let run = self.run(&["check"], &["--no-baseline", "--format", "sarif"]);
        let log: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        let mut prints: Vec<String> = results
            .iter()
            .map(|result| {
                let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
                assert!(uri.as_str().is_some_and(|uri| uri.starts_with("site/app/")), "{uri}");
                result["partialFingerprints"]["ormlint/v1"].to_string()
            })
            .collect();
        prints.sort();
        prints
    }
}

const CLOUD: &str = "app/Services/Cloud.php:13 lazy-load-in-loop";
const DIGEST: &str = "app/Services/Digest.php:13 lazy-load-in-loop";
const FEED: &str = "app/Services/Feed.php:13 lazy-load-in-loop";

#[test]
fn a_legacy_project_adopts_it_and_keeps_it() {
    let project = Project::new("life");

    // The first run, and a baseline.
    let first = project.fingerprints();
    assert_eq!(project.found(&[]), (1, vec![CLOUD.to_owned(), DIGEST.to_owned()]));
    let made = project.run(&["baseline", "create"], &["--reason", "legacy"]);
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(project.text("site/ormlint-baseline.json").contains("legacy"));
    assert_eq!(project.found(&[]), (0, vec![]));
    assert_eq!(project.found(&["--no-baseline"]).1, [CLOUD.to_owned(), DIGEST.to_owned()]);
    let again = project.run(&["baseline", "create"], &[]);
    assert_eq!(again.status, 2);
    project.commit("baseline");
    // What it lists is still there.
    let run = project.run(&["check"], &["--since", "HEAD"]);
    assert!(run.out.contains("2 in the baseline"), "{}", run.out);
    assert!(!run.out.contains("mended"), "{}", run.out);

    // One fault is mended, another one comes in.
    let mended = service("Cloud", "Post::with('tags')->latest()->get()", "$post->tags->all()");
    project.write("site/app/Services/Cloud.php", &mended);
    let feed = service("Feed", "Post::latest()->get()", "$post->tags->all()");
    project.write("site/app/Services/Feed.php", &feed);
    project.commit("a feed");
    let run = project.run(&["check"], &["--format", "concise"]);
    assert!(run.err.contains("1 entry of ormlint-baseline.json is mended"), "{}", run.err);
    assert_eq!(project.found(&[]), (1, vec![FEED.to_owned()]));
    let since = ["--no-baseline", "--since", "HEAD~1"];
    assert_eq!(project.found(&since), (1, vec![FEED.to_owned()]));
    let run = project.run(&["check"], &since);
    assert!(run.out.contains("1 mended since HEAD~1"), "{}", run.out);
    // The baseline lists one of the two that were there.
    let run = project.run(&["check"], &["--since", "HEAD~1"]);
    assert!(run.out.contains("1 in the baseline, 1 mended since HEAD~1"), "{}", run.out);
    let run = project.run(&["check"], &["--no-baseline", "--since", "HEAD~1", "--format", "markdown"]);
    assert!(run.out.contains("| Queries per row in | `HEAD~1` | now |"), "{}", run.out);
    assert!(run.out.contains("| `App\\Services\\Cloud.lines` (`site/app/Services/Cloud.php`) | 1 | 0 |"), "{}", run.out);
    assert!(run.out.contains("| `App\\Services\\Feed.lines` (`site/app/Services/Feed.php`) | 0 | 1 |"), "{}", run.out);
    assert!(run.out.contains("<summary>1 finding mended</summary>"), "{}", run.out);
    // The file is new: its lines are in the diff.
    let suggestion = "```suggestion\n        foreach (Post::with('tags')->latest()->get() as $post) {\n```";
    assert!(run.out.contains(suggestion), "{}", run.out);
    assert!(!project.run(&["check"], &["--no-baseline", "--format", "markdown"]).out.contains("suggestion"));
    assert_eq!(project.found(&["--since", "HEAD"]), (0, vec![]));
    assert_eq!(project.run(&["check"], &["--since", "nowhere"]).status, 2);
    let pruned = project.run(&["baseline", "prune"], &[]);
    assert!(pruned.out.ends_with(": 1 removed\n"), "{}", pruned.out);
    assert!(project.run(&["check"], &[]).err.is_empty());

    // What moves and is written differently is the same finding.
    let digest = project.text("site/app/Services/Digest.php");
    let moved = digest
        .replace("class Digest", "/* The weekly mail. */\n\nclass Digest")
        .replace("Post::latest()->get() as $post", "\n            Post::latest()\n                ->get() as $post\n        ");
    project.write("site/app/Services/Digest.php", &moved);
    assert_eq!(project.found(&[]), (1, vec![FEED.to_owned()]));
    let now = project.fingerprints();
    assert_eq!(first.iter().filter(|print| now.contains(print)).count(), 1);
    project.write("site/app/Services/Digest.php", &digest);

    // Lines that changed.
    assert_eq!(project.found(&["--changed-lines", "--no-baseline"]), (0, vec![]));
    project.write("site/app/Services/Feed.php", &feed.replace("$lines = [];", "$lines = ['x'];"));
    assert_eq!(project.found(&["--changed-lines", "--no-baseline"]), (0, vec![]));
    project.write("site/app/Services/Feed.php", &feed.replace("latest()->", "oldest()->"));
    assert_eq!(project.found(&["--changed-lines", "--no-baseline"]), (1, vec![FEED.to_owned()]));

    // A suppression with a reason.
    let silenced = feed.replace(
        "            $lines[]",
        "            // ormlint: ignore[lazy-load-in-loop] three posts at most\n            $lines[]",
    );
    project.write("site/app/Services/Feed.php", &silenced);
    assert_eq!(project.found(&[]), (0, vec![]));
    project.write("site/app/Services/Feed.php", &feed);

    // The patch, and the fix.
    let diff = project.run(&["check"], &["--diff"]);
    assert_eq!(diff.status, 1, "{}", diff.err);
    assert!(diff.out.starts_with("--- a/site/app/Services/Feed.php\n"), "{}", diff.out);
    assert!(diff.out.contains("+        foreach (Post::with('tags')->latest()->get() as $post) {\n"));
    assert_eq!(project.text("site/app/Services/Feed.php"), feed);
    let fixed = project.run(&["check"], &["--fix"]);
    assert_eq!(fixed.status, 0, "{}{}", fixed.out, fixed.err);
    assert!(fixed.out.contains("1 fixed"), "{}", fixed.out);
    assert!(project.text("site/app/Services/Feed.php").contains("Post::with('tags')->latest()"));
    assert_eq!(project.text("site/app/Services/Digest.php"), digest, "the baseline holds it");
    project.commit("fixed");

    // A file gets another name, and so does its class.
    fs::rename(project.folder.file("site/app/Services/Digest.php"), project.folder.file("site/app/Services/Weekly.php"))
        .expect("renamed");
    assert_eq!(project.found(&[]), (0, vec![]));
    fs::create_dir(project.folder.file("site/app/Mail")).expect("made");
    fs::rename(project.folder.file("site/app/Services/Weekly.php"), project.folder.file("site/app/Mail/Digest.php"))
        .expect("renamed");
    project.write("site/app/Mail/Digest.php", &digest.replace("namespace App\\Services", "namespace App\\Mail"));
    assert_eq!(project.found(&[]), (0, vec![]));
    assert_eq!(project.found(&["--no-baseline", "--since", "HEAD"]), (0, vec![]));
    let updated = project.run(&["baseline", "update"], &[]);
    assert!(updated.out.ends_with(": 0 added, 0 removed\n"), "{}", updated.out);
    let baseline = project.text("site/ormlint-baseline.json");
    assert!(baseline.contains("site/app/Mail/Digest.php") && baseline.contains("legacy"));
    let shown = project.run(&["baseline", "show"], &[]);
    assert!(shown.out.contains("1 finding, 1 with a reason, 0 mended, 0 not listed"), "{}", shown.out);
}

#[test]
fn the_baseline_stands_beside_the_configuration_and_files_are_judged_alone() {
    let project = Project::new("beside");
    project.write("ormlint.toml", "");
    assert_eq!(project.run(&["baseline", "create"], &[]).status, 0);
    assert!(project.text("ormlint-baseline.json").contains("site/app/Services/Cloud.php"));
    assert_eq!(project.found(&[]), (0, vec![]));
    // A single file: the others are not taken for mended.
    let file = project.folder.file("site/app/Services/Cloud.php");
    let run = ran(&["check", &file]);
    assert!(!run.err.contains("mended"), "{}", run.err);
    // Nothing to compare with.
    let alone = Folder::new("alone", &[("a.py", "x = 1\n")]);
    let run = ran(&["check", "--since", "main", alone.path()]);
    assert!(run.status == 2 && run.err.contains("is in no git repository"), "{}", run.err);
}

/// The commands that a chapter of the README prints, without what is said of them.
fn printed_commands(chapter: &str) -> Vec<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("there");
    let rest = readme.split_once(&format!("\n## {chapter}\n")).expect("the chapter").1;
    let chapter = rest.split_once("\n## ").map_or(rest, |(chapter, _)| chapter);
    let blocks = chapter.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("ormlint "));
    lines.map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned()).collect()
}

#[test]
fn the_chapter_on_ci_works_as_printed() {
    let project = Project::new("readme");
    let head = project.repository.head().and_then(|head| head.peel_to_commit()).expect("a commit").id();
    project.repository.reference("refs/remotes/origin/main", head, true, "the server's").expect("made");
    let feed = service("Feed", "Post::latest()->get()", "$post->tags->all()");
    project.write("site/app/Services/Feed.php", &feed);
    project.commit("a feed");
    let commands = printed_commands("In CI and pull requests");
    assert!(commands.len() > 3, "{commands:?}");
    let mut statuses = Vec::new();
    for command in &commands {
        let (command, file) = command.split_once(" > ").map_or((command.as_str(), None), |(c, f)| (c, Some(f)));
        let args: Vec<&str> = command.split_whitespace().skip(1).collect();
        let (name, options) = args.split_at(if args[0] == "baseline" { 2 } else { 1 });
        let run = project.run(name, options);
        assert!(run.status < 2, "{command}: {}", run.err);
        if file.is_some() {
            let log: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
            assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(3));
        }
        statuses.push((command.to_owned(), run.status));
    }
    let status = |part: &str| statuses.iter().find(|(command, _)| command.contains(part)).map(|(_, status)| *status);
    assert_eq!(status("--format sarif"), Some(1));
    assert_eq!(status("baseline create"), Some(0));
    assert_eq!(status("--since"), Some(0), "the baseline holds it");
}

#[test]
fn the_sample_in_the_readme_is_what_the_first_command_prints() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = fs::read_to_string(format!("{root}/README.md")).expect("there");
    let sample = readme.split("```").find_map(|block| block.strip_prefix("text\n")).expect("a sample");
    let printed = ran(&["check", "--color", "never", &format!("{root}/fixtures/laravel-shop")]).out;
    assert!(sample.contains("help: ") && printed.contains(sample.trim()), "{printed}");
}

#[test]
fn the_files_of_other_systems_use_options_that_exist() {
    let help = ran(&["check", "--help"]).out;
    let exists = |option: &str| help.lines().any(|line| line.trim_start().split([' ', ',']).any(|word| word == option));
    assert!(!exists("--no-such-option"));
    for file in ["action.yml", "templates/ormlint.yml", ".pre-commit-hooks.yaml"] {
        let text = fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect("there");
        let text = text.replace("\\\n", " ");
        let commands = text.lines().filter_map(|line| line.split_once(" check ").map(|(_, rest)| rest));
        let words = commands.flat_map(str::split_whitespace).take_while(|word| *word != "--");
        let options: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
        assert!(!options.is_empty(), "{file}");
        for option in options {
            assert!(exists(option), "{file}: {option}");
        }
    }
}

#[test]
fn the_manual_and_the_schema_are_printed() {
    let page = ran(&["man"]);
    assert!(page.status == 0 && page.out.starts_with(".ie"), "{}", page.out);
    assert!(page.out.contains("changed\\-lines") && page.out.contains("BASELINE"));
    let schema = ran(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).expect("JSON");
    assert_eq!(schema["title"], "Configuration of ormlint");
}
