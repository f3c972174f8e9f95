//! `pave check`: a fresh project is clean, each rule can be broken and is then the only one that is, and nothing in a tree can stop it.

mod cases;
mod project;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cases::{ALL, Case, DOCKER, FILES, IMAGE, LOCKS, MIGRATIONS, PLACEHOLDERS, SECRETS, WORKFLOWS};
use pave::check::RULES;
use project::{Broken, SPEC, clean};
use serde_json::Value;
use support::Place;

/// Breaks a project in each way; the rule is broken, and no other.
fn each(cases: &[Case]) {
    for (index, (rule, severity, breaks)) in cases.iter().enumerate() {
        let place = Place::new();
        let project = clean(&place, "python");
        breaks(&project);
        let (mut rules, code, findings) = project.found(&[]);
        // Who edits a merged file is told so, whatever the edit.
        if *rule != "merged-file-changed" {
            rules.remove("merged-file-changed");
        }
        // A record that is gone or wrong cannot say that it is.
        let only = BTreeMap::from([((*rule).to_owned(), (*severity).to_owned())]);
        assert_eq!(rules, only, "case {index}: {findings:#?}");
        assert_eq!(code, if *severity == "error" { 3 } else { 0 }, "case {index}: {findings:#?}");
        let strict = project.found(&["--strict"]).1;
        assert_eq!(strict, if *severity == "info" { 0 } else { 3 }, "case {index}: {findings:#?}");
    }
}

#[test]
fn each_rule_about_generated_files_can_be_broken_alone() {
    each(FILES);
}

#[test]
fn each_rule_about_migrations_can_be_broken_alone() {
    each(MIGRATIONS);
}

#[test]
fn each_rule_about_the_image_can_be_broken_alone() {
    each(DOCKER);
}

#[test]
fn each_rule_about_workflows_can_be_broken_alone() {
    each(WORKFLOWS);
}

#[test]
fn each_rule_about_secrets_can_be_broken_alone() {
    each(SECRETS);
}

#[test]
fn each_rule_about_placeholders_and_lock_files_can_be_broken_alone() {
    each(PLACEHOLDERS);
    each(LOCKS);
}

#[test]
fn every_rule_has_a_project_that_breaks_it() {
    let broken: BTreeSet<&str> =
        ALL.iter().flat_map(|cases| cases.iter().map(|(rule, _, _)| *rule)).collect();
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(broken, known);
}

/// What looks like a mistake and is none.
#[test]
fn what_is_fine_is_not_found() {
    let place = Place::new();
    let project = clean(&place, "python");
    project.migrate(
        "ALTER TABLE things ADD COLUMN size int NOT NULL DEFAULT 0;\n\
         ALTER TABLE things ADD COLUMN \"drop\" text; -- DROP TABLE things;\n\
         ALTER TABLE things ADD CONSTRAINT long CHECK (length(name) > 3) NOT VALID;\n\
         ALTER TABLE things ALTER COLUMN name SET DEFAULT 'DROP TABLE things; TRUNCATE things';\n\
         CREATE TABLE parts (thing bigint NOT NULL REFERENCES things (id), name text UNIQUE);\n\
         CREATE INDEX parts_thing ON parts (thing);\n\
         ALTER TABLE parts ADD CONSTRAINT one UNIQUE (thing);\n\
         UPDATE things SET name = 'x' WHERE id = 1;\n\
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN TRUNCATE things; RETURN NEW; END $f$;",
    );
    project.write(
        "migrations/0003_index.up.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON things (name);\n",
    );
    project
        .write("migrations/0003_index.down.sql", "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS i;\n");
    project.write("migrations/0004_unique.up.sql", "SELECT set_config('lock_timeout', '2s', true);\nALTER TABLE things ADD CONSTRAINT one UNIQUE USING INDEX i;\n");
    project.write("migrations/0004_unique.down.sql", "ALTER TABLE things DROP CONSTRAINT one;\n");
    project.write(
        "migrations/0005_valid.up.sql",
        "SET LOCAL lock_timeout = '2s';\nALTER TABLE things VALIDATE CONSTRAINT long;\n",
    );
    project.write("migrations/0005_valid.down.sql", "SELECT 1;\n");
    project.write("Dockerfile", IMAGE);
    project.workflow(
        "permissions: {}\n",
        "      - uses: ./.github/actions/own\n\
        \x20     - uses: somebody/something@0123456789012345678901234567890123456789 # v1\n\
        \x20     - run: echo \"$TOKEN\" | docker login --password-stdin\n\
        \x20       env:\n\
        \x20         TOKEN: ${{ secrets.TOKEN }}\n",
    );
    let aws = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    project.write(
        "src/words.py",
        format!(
            "# pave: allow is only a word here\nKEY = '{aws}'\nPASSWORD = \"correct-horse-battery-staple\"\n\
             TOKEN = \"${{TOKEN_FROM_THE_ENVIRONMENT_42}}\"\nTODOS = 'postgres://app:app@localhost/app'\n\
             secret_name = \"orders/prod/database-url\"\n"
        ),
    );
    // What deploys read by themselves needs no file made again.
    project.append("pave.toml", "# more\n[environments.prod]\naccount = \"222222222222\"\nregion = \"us-east-1\"\nvariables = { LOG_LEVEL = \"debug\" }\n");
    project.append(".gitignore", "private/\n");
    project.write("private/.env", "SECRET=1");
    project.write("private/key.pem", ["-----BEGIN PRIV", "ATE KEY-----\nMIIEowIBAAKCAQEAx8yq\n"].concat());
    let (mut rules, code, findings) = project.found(&["--strict"]);
    rules.remove("merged-file-changed");
    assert_eq!((rules, code), (BTreeMap::new(), 0), "{findings:#?}");
}

#[test]
fn a_comment_with_a_reason_allows_what_a_rule_forbids() {
    let place = Place::new();
    let project = clean(&place, "python");
    project.migrate(
        "SELECT 1; -- pave: allow drop-table because this belongs to the statement before\n\n\
         -- pave: allow drop-column because nothing has read it since release 7\n\
         ALTER TABLE things\n  DROP COLUMN name;\nDROP TABLE things; -- pave: allow drop-table\n",
    );
    let (rules, code, findings) = project.found(&[]);
    let expected = [("drop-column", "info"), ("drop-table", "error")];
    assert_eq!(rules, expected.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect());
    assert_eq!(code, 3);
    let of = |rule: &str| findings.iter().find(|found| found["rule"] == rule).expect("found").clone();
    assert_eq!(of("drop-column")["waived"], "nothing has read it since release 7");
    assert_eq!(of("drop-column")["line"], 5);
    assert_eq!(of("drop-table")["line"], 7);
    assert!(of("drop-table")["what"].as_str().expect("text").contains("line 7 says no `because"));
    let root = project.root.to_str().expect("UTF-8");
    let run = place.pave(&["check", "-v", root]).expect(3);
    run.says("note: drop-column (C10)  migrations/0002_next.up.sql:5");
    run.says("allowed: nothing has read it since release 7");
    run.says("1 error, no warnings, 1 note");
}

/// The project of a spec; none for a combination that the catalogue lacks, which is refused by name.
fn made<'a>(place: &'a Place, dir: &str, spec: &str) -> Option<Broken<'a>> {
    fs::write(place.path().join("spec.toml"), spec).expect("writes");
    let run = place.pave(&["new", "--spec", "spec.toml", "--dir", dir]);
    assert!(run.code == 0 || (run.code == 3 && run.err.contains("blueprint")), "{run:#?}");
    (run.code == 0).then(|| Broken { place, root: place.path().join(dir) })
}

/// Without a dependency, with one of each kind, with all.
fn choices() -> Vec<Vec<&'static str>> {
    let all = ["postgres", "redis", "s3", "dynamodb", "sqs", "bedrock", "http"];
    [vec![]].into_iter().chain(all.into_iter().map(|kind| vec![kind])).chain([all.to_vec()]).collect()
}

#[test]
fn a_fresh_project_of_each_language_and_kind_lacks_only_what_its_spec_leaves_open() {
    let place = Place::new();
    let mut cells = BTreeSet::new();
    for language in ["python", "typescript", "rust"] {
        for blueprint in ["http-api", "web-app", "ai-api"] {
            for mut kinds in choices() {
                if blueprint == "ai-api" && !kinds.contains(&"bedrock") {
                    kinds.push("bedrock");
                }
                let mut spec = format!("{SPEC}blueprint = \"{blueprint}\"\nlanguage = \"{language}\"\n");
                for kind in &kinds {
                    let url = if *kind == "http" { "url = \"https://api.shop.test\"\n" } else { "" };
                    spec += &format!("[[dependencies]]\nname = \"my-{kind}\"\nkind = \"{kind}\"\n{url}");
                }
                let cell = format!("{language} {blueprint} {}", kinds.join(" "));
                if cells.contains(&cell) {
                    continue;
                }
                let Some(project) = made(&place, &cell.replace(' ', "-"), &spec) else { continue };
                let (rules, code, findings) = project.found(&[]);
                let rules: Vec<&str> = rules.keys().map(String::as_str).collect();
                assert_eq!((rules, code), (vec!["placeholder-codeowners"], 0), "{cell}{findings:#?}");
                cells.insert(cell);
            }
        }
    }
    for known in
        ["python http-api ", "python http-api http", "typescript http-api ", "typescript http-api http"]
    {
        assert!(cells.contains(known), "{cells:?}");
    }
}

#[test]
fn what_a_spec_leaves_open_is_named() {
    let place = Place::new();
    let open = "[service]\nname = \"orders\"\nowner = \"@shop/payments\"\nlanguage = \"python\"\n";
    let project = made(&place, "orders", open).expect("is in the catalogue");
    let (rules, code, findings) = project.found(&[]);
    let rules: Vec<String> = rules.into_keys().collect();
    assert_eq!(
        (rules.join(" ").as_str(), code),
        ("placeholder-description placeholder-on-call", 0),
        "{findings:#?}"
    );
}

#[test]
fn a_lock_file_of_another_package_json_is_found() {
    let place = Place::new();
    let project = clean(&place, "typescript");
    assert_eq!(project.found(&[]).0, BTreeMap::new());
    project.edit("package.json", "\"fastify\": \"", "\"fastify\": \"^");
    let (rules, _, findings) = project.found(&[]);
    assert_eq!(rules.into_keys().collect::<Vec<_>>(), ["lock-stale"], "{findings:#?}");
    project.remove("package-lock.json");
    assert!(project.found(&[]).0.contains_key("lock-missing"));
}

#[test]
fn hostile_files_neither_stop_it_nor_keep_it_waiting() {
    let place = Place::new();
    let project = clean(&place, "python");
    let long = "x".repeat(10 * 1024 * 1024);
    let places = [
        "notes.md",
        "migrations/0001_a.up.sql",
        "Dockerfile",
        ".github/workflows/a.yml",
        "CODEOWNERS",
        "requirements.lock",
    ];
    let nested = format!("ALTER TABLE a ADD CHECK ({}1{});", "(".repeat(100_000), ")".repeat(100_000));
    let sum = format!("ALTER TABLE a ADD CHECK (1{} > 0);", " + 1".repeat(100_000));
    let bomb = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)
    });
    let deep = "[".repeat(100_000);
    let json = format!("{{\"schema\":1,\"files\":{deep}");
    let contents: Vec<(&str, Vec<u8>)> = vec![
        ("one long line", long.clone().into_bytes()),
        ("a long secret-like line", format!("password = \"{}\"", "aB3".repeat(3_000_000)).into_bytes()),
        ("not UTF-8", b"FROM \xff\xfe\xfd:1\n-- \xc3\x28\nALTER TABLE \xf0\x28 DROP COLUMN x;\n".to_vec()),
        ("binary", (0..=255u8).cycle().take(100_000).collect()),
        ("nested parentheses", nested.into_bytes()),
        ("a long sum", sum.into_bytes()),
        ("YAML that grows", bomb.into_bytes()),
        ("nested brackets", deep.clone().into_bytes()),
        ("nothing", Vec::new()),
    ];
    for (name, bytes) in contents {
        for path in places {
            project.write(path, &bytes);
        }
        let began = Instant::now();
        let (_, code, _) = project.found(&[]);
        assert!([0, 3].contains(&code), "{name}: {code}");
        assert!(began.elapsed() < Duration::from_secs(60), "{name}: {:?}", began.elapsed());
    }
    for path in places {
        project.remove(path);
        symlink(Path::new(path).file_name().expect("a name"), project.root.join(path)).expect("links");
    }
    symlink("..", project.root.join("src/up")).expect("links");
    symlink(".", project.root.join("again")).expect("links");
    symlink("/", project.root.join("migrations/root.sql")).expect("links");
    let pipe = project.root.join("migrations/0009_pipe.up.sql");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).expect("makes");
    project.write(".pave/manifest.json", json);
    let (rules, code, _) = project.found(&[]);
    assert_eq!((rules.get("manifest").map(String::as_str), code), (Some("error"), 3));
    let escape = "ALTER TABLE \"\u{1b}[2J\" DROP COLUMN x;";
    project.write("migrations/0002_b.up.sql", escape);
    let run = place.pave(&["check", project.root.to_str().expect("UTF-8")]).expect(3);
    assert!(!run.out.contains('\u{1b}'), "the terminal is steered by {:?}", run.out);
}

#[test]
fn what_squawk_finds_is_added_where_it_is_installed() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let project = clean(&place, "python");
    project.migrate("SELECT 1; -- pave: allow squawk-prefer-text-field because it came from elsewhere");
    let tools = place.path().join("tools");
    fs::create_dir(&tools).expect("dir");
    // As version 2.70 prints it.
    let script = r#"#!/bin/sh
[ "$1 $2" = "--reporter json" ] || exit 2
for file in "$@"; do :; done
echo "[{\"file\":\"$file\",\"line\":1,\"column\":18,\"level\":\"Warning\",\"message\":\"Too short\",\"help\":null,\"rule_name\":\"prefer-text-field\",\"column_end\":43,\"line_end\":1},
{\"file\":\"$file\",\"line\":0,\"column\":18,\"level\":\"Error\",\"message\":\"Odd\",\"help\":\"Do not\",\"rule_name\":\"syntax-error\",\"column_end\":43,\"line_end\":1},
{\"file\":\"$file\",\"line\":0,\"column\":18,\"level\":\"Warning\",\"message\":\"Twice\",\"help\":null,\"rule_name\":\"ban-drop-table\",\"column_end\":43,\"line_end\":1}]"
exit 1
"#;
    fs::write(tools.join("squawk"), script).expect("writes");
    fs::set_permissions(tools.join("squawk"), fs::Permissions::from_mode(0o755)).expect("executable");
    let mut command = place.command(&["check", "-o", "json", project.root.to_str().expect("UTF-8")]);
    let path =
        std::env::join_paths([tools, PathBuf::from("/usr/bin"), PathBuf::from("/bin")]).expect("a PATH");
    let run = support::Background::start({
        command.env("PATH", path);
        command
    })
    .end();
    let found: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let squawk: Vec<_> = found
        .iter()
        .filter(|f| f["rule"].as_str().is_some_and(|rule| rule.starts_with("squawk-")))
        .map(|f| {
            (f["rule"].as_str().expect("text"), f["severity"].as_str().expect("text"), f["line"].as_u64())
        })
        .collect();
    let expected = [("squawk-syntax-error", "error", Some(1)), ("squawk-prefer-text-field", "info", Some(2))];
    assert_eq!(squawk, expected, "{run:#?}");
}
