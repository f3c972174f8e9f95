//! The published JSON Schema is the one of the types, and every example is valid by it.

use std::{fs, path::Path};

use pave::{blueprint, scaffold, spec};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_schema_file_is_fresh() {
    let stored: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root().join("schemas/pave.schema.json")).expect("reads"))
            .expect("JSON");
    assert_eq!(
        stored,
        spec::schema(),
        "write it anew: cargo run -- config schema > schemas/pave.schema.json"
    );
}

#[test]
fn every_example_is_valid_resolves_and_renders_the_same_twice() {
    let validator = jsonschema::validator_for(&spec::schema()).expect("a schema");
    let mut seen = 0;
    for entry in fs::read_dir(root().join("examples")).expect("reads") {
        let file = entry.expect("entry").path().join("pave.toml");
        let text = fs::read_to_string(&file).expect("every example has a pave.toml");
        let value: serde_json::Value = toml_edit::de::from_str(&text).expect("TOML");
        assert!(validator.is_valid(&value), "{}", file.display());
        let parsed = spec::parse("pave.toml", &text).expect("parses");
        for name in parsed.spec.environments.keys() {
            spec::resolve(&parsed, name).expect(name);
        }
        spec::resolve(&parsed, spec::SANDBOX).expect("every spec has a sandbox");
        let bound = blueprint::bind(&parsed.spec).expect("binds");
        let plan = scaffold::render(&parsed, &bound).expect("renders");
        assert_eq!(plan, scaffold::render(&parsed, &bound).expect("renders"));
        for path in [
            "README.md",
            "Dockerfile",
            "buildspec.yml",
            "pave.toml",
            ".pave/manifest.json",
            "RUNBOOK.md",
            ".gitignore",
        ] {
            assert!(plan.contains_key(path), "{} has no {path}", file.display());
        }
        seen += 1;
    }
    assert!(seen >= 2);
}
