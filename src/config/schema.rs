//! What may stand in a configuration? The JSON schema, for editors that complete and check it.

use serde_json::{Value, json};

use crate::packs::rule::catalog;

/// The schema of `ormlint.toml`, and of `[tool.ormlint]`.
pub fn schema() -> Value {
    let rules: Vec<&str> = catalog().iter().map(|rule| rule.id.as_str()).collect();
    let mut selectors: Vec<&str> =
        catalog().iter().flat_map(|rule| [rule.id.as_str(), rule.family.as_str()]).chain(["all"]).collect();
    selectors.sort_unstable();
    selectors.dedup();
    let texts = |what: &str| json!({ "description": what, "type": "array", "items": { "type": "string" } });
    let text_or_texts = |what: &str| {
        json!({
            "description": what,
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        })
    };
    let chosen = |what: &str| json!({ "description": what, "type": "array", "items": { "$ref": "#/$defs/selector" } });
    let flag = |what: &str| json!({ "description": what, "type": "boolean" });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of ormlint",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "required-version": { "description": "Versions of ormlint that the project accepts, such as `>=0.1,<0.3`.", "type": "string" },
            "select": chosen("The rules that run, instead of those that are on by default."),
            "extend-select": chosen("More rules that run."),
            "ignore": chosen("Rules that do not run."),
            "exclude": texts("Patterns of paths that are not read, as in .gitignore files."),
            "include-tests": flag("Check tests, factories, seeders and stubs as well."),
            "require-reason": flag("Comments that silence a rule must say why."),
            "packs": texts("Pack files with the clients and models of the project's own libraries."),
            "per-file-ignores": {
                "description": "Rules that are silent in the files that match a pattern.",
                "type": "object",
                "additionalProperties": { "type": "array", "items": { "$ref": "#/$defs/selector" } },
            },
            "levels": {
                "description": "Levels of rules.",
                "type": "object",
                "propertyNames": { "enum": rules },
                "additionalProperties": { "enum": ["error", "warning", "note", "off"] },
            },
            "tenant": {
                "description": "What \"the tenant\" is, if it cannot be read from the code.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "model": text_or_texts("Models that are a tenant."),
                    "models": text_or_texts("Models that are a tenant."),
                    "column": text_or_texts("Columns that hold the tenant's key."),
                    "columns": text_or_texts("Columns that hold the tenant's key."),
                    "scope": text_or_texts("Scopes, managers or classes that limit rows to the tenant."),
                    "scopes": text_or_texts("Scopes, managers or classes that limit rows to the tenant."),
                    "global-paths": {
                        "description": "Patterns of paths that are meant to see all tenants, each with the reason.",
                        "type": "object",
                        "additionalProperties": { "type": "string", "minLength": 1 },
                    },
                },
            },
        },
        "$defs": { "selector": { "enum": selectors } },
    })
}

#[cfg(test)]
mod tests {
    use super::schema;
    use crate::config::{KEYS, TENANT_KEYS};

    #[test]
    fn it_has_every_key_and_no_other() {
        let schema = schema();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value["properties"].as_object().expect("an object").keys().cloned().collect();
            keys.sort();
            keys
        };
        let sorted = |keys: &[&str]| {
            let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&schema), sorted(KEYS));
        assert_eq!(keys(&schema["properties"]["tenant"]), sorted(TENANT_KEYS));
    }
}
