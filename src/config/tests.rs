//! Is every key read, and every mistake named?

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("ormlint.toml"), text).map_err(|error| error.to_string())
}

fn error(text: &str) -> String {
    parse(text).expect_err("wrong")
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        select = ["loading", "client-per-request"]
        extend-select = ["missing-index"]
        ignore = ["load-to-count"]
        exclude = ["legacy/"]
        packs = ["packs/own.toml"]
        include-tests = true
        require-reason = true
        required-version = ">=0.1,<100"
        [per-file-ignores]
        "scripts/" = ["query-in-loop"]
        [levels]
        query-in-loop = "error"
        lazy-load-in-loop = "off"
        [tenant]
        model = "App\\Models\\Team"
        columns = ["team_id"]
        scope = "TeamScope"
        [tenant.global-paths]
        "app/Admin/" = "staff only"
        "#,
    )
    .expect("right");
    let settings = Settings::new(&config, &Overrides::default()).expect("right");
    assert!(settings.is_on("query-in-loop") && settings.is_on("missing-index") && settings.is_on("internal-error"));
    assert!(!settings.is_on("load-to-count") && !settings.is_on("lazy-load-in-loop"));
    assert!(!settings.is_on("unscoped-tenant-query"));
    assert_eq!(settings.level("query-in-loop", Level::Note), Level::Error);
    assert_eq!(settings.level("client-per-request", Level::Note), Level::Note);
    assert!(settings.is_ignored_in("query-in-loop", "scripts/a.py"));
    assert!(!settings.is_ignored_in("query-in-loop", "app/a.py"));
    assert!(!settings.is_ignored_in("missing-index", "scripts/a.py"));
    assert_eq!(settings.tenant.models, ["App\\Models\\Team"]);
    assert_eq!(settings.tenant.global_paths["app/Admin/"], "staff only");
    assert!(settings.include_tests && settings.require_reason);
}

#[test]
fn errors_name_file_key_and_the_nearest_word() {
    assert_eq!(error("selct = []"), "ormlint.toml: `selct` is not a key; the nearest is `select`");
    assert_eq!(error("[tenant]\ncolum = 1"), "ormlint.toml: `tenant.colum` is not a key; the nearest is `column`");
    assert_eq!(error("select = 1"), "ormlint.toml: `select` must be a list of texts, not a number");
    assert_eq!(error("select = [1]"), "ormlint.toml: `select` must be a list of texts, not a number");
    assert_eq!(error("include-tests = \"yes\""), "ormlint.toml: `include-tests` must be `true` or `false`, not a text");
    assert_eq!(
        error("ignore = [\"query-in-lop\"]"),
        "ormlint.toml: `ignore` names `query-in-lop`, which is no rule; the nearest is `query-in-loop`"
    );
    assert_eq!(
        error("[levels]\nquery-in-loop = \"fatal\""),
        "ormlint.toml: `levels.query-in-loop` must be `error`, `warning`, `note` or `off`"
    );
    assert_eq!(error("[tenant.global-paths]\n\"a/\" = \"\""), "ormlint.toml: `tenant.global-paths.\"a/\"` must give a reason");
    assert!(error("a = 1\nb = = 2").starts_with("ormlint.toml: line 2: "));
    assert!(error("required-version = \">=99\"").contains("asks for >=99, and this is 0."));
    let file = Path::new("pyproject.toml");
    let text = "[tool.ormlint]\nselct = []\n[tool.other]\nx = 1";
    let error = Config::parse(file, text).expect_err("wrong").to_string();
    assert_eq!(error, "pyproject.toml: `tool.ormlint.selct` is not a key; the nearest is `select`");
}

#[test]
fn the_command_line_wins() {
    let config = parse("ignore = [\"query-in-loop\"]").expect("right");
    let overrides = Overrides { extend_select: vec!["query-in-loop".to_owned()], ..Overrides::default() };
    assert!(Settings::new(&config, &overrides).expect("right").is_on("query-in-loop"));
    let overrides = Overrides { select: vec!["query-in-loop".to_owned()], ..Overrides::default() };
    let settings = Settings::new(&config, &overrides).expect("right");
    assert_eq!(settings.rules.keys().copied().collect::<Vec<_>>(), ["internal-error", "query-in-loop"]);
    let overrides = Overrides { select: vec!["nothing".to_owned()], ..Overrides::default() };
    let error = Settings::new(&config, &overrides).expect_err("wrong").to_string();
    assert!(error.starts_with("command line: `--select` names `nothing`, which is no rule"), "{error}");
}

#[test]
fn versions_are_compared_by_number() {
    let ours = env!("CARGO_PKG_VERSION");
    for right in [ours.to_owned(), format!("=={ours}"), format!("^{ours}"), format!(">={ours}, <=999")] {
        assert!(parse(&format!("required-version = \"{right}\"")).is_ok(), "{right}");
    }
    for wrong in ["<0.0.1", "==999", "~0.0.0.1", "soon"] {
        assert!(parse(&format!("required-version = \"{wrong}\"")).is_err(), "{wrong}");
    }
}
