//! `pave check`: a fresh project is clean, each rule can be broken and is then the only one that is, and nothing in a tree can stop it.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pave::check::RULES;
use serde_json::Value;
use support::Place;

/// A project to break.
struct Broken<'a> {
    place: &'a Place,
    root: PathBuf,
}

impl Broken<'_> {
    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let full = self.root.join(path);
        fs::create_dir_all(full.parent().expect("inside")).expect("dirs");
        fs::write(full, bytes).expect("writes");
    }

    #[track_caller]
    fn edit(&self, path: &str, find: &str, replace: &str) {
        let text = fs::read_to_string(self.root.join(path)).expect("reads");
        assert!(text.contains(find), "`{find}` is not in {path}:\n{text}");
        self.write(path, text.replacen(find, replace, 1));
    }

    fn append(&self, path: &str, more: &str) {
        let text = fs::read_to_string(self.root.join(path)).expect("reads");
        self.write(path, text + more);
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("removes");
    }

    /// A first migration that makes a table, and a second one that does `sql` to it.
    fn migrate(&self, sql: &str) {
        self.write(
            "migrations/0001_things.up.sql",
            "CREATE TABLE things (id bigint PRIMARY KEY, name text);\n",
        );
        self.write("migrations/0001_things.down.sql", "DROP TABLE things;\n");
        self.write("migrations/0002_next.up.sql", format!("SET LOCAL lock_timeout = '2s';\n{sql}\n"));
        self.write("migrations/0002_next.down.sql", "SELECT 1;\n");
    }

    /// A migration that may hold nothing but `sql`.
    fn migrate_alone(&self, sql: &str) {
        self.migrate("");
        self.write("migrations/0002_next.up.sql", sql);
    }

    fn workflow(&self, top: &str, steps: &str) {
        let text = format!(
            "name: extra\non: pull_request\n{top}jobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
        );
        self.write(".github/workflows/extra.yml", text);
    }

    fn render(&self) {
        let dir = self.root.to_str().expect("UTF-8");
        let spec = self.root.join("pave.toml");
        self.place.pave(&["new", "--spec", spec.to_str().expect("UTF-8"), "--dir", dir]).expect(0);
    }

    /// Every finding as (severity, rule), and how the command ended.
    fn found(&self, more: &[&str]) -> (BTreeMap<String, String>, i32, Vec<Value>) {
        let dir = self.root.to_str().expect("UTF-8");
        let mut command = self.place.command(&[&["check", "-o", "json", dir], more].concat());
        // Whatever this machine has installed is no part of what is shown here.
        command.env("PATH", self.place.path());
        let run = support::Background::start(command).end();
        let lines: Vec<Value> = run
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {run:#?}")))
            .collect();
        assert_eq!(lines.last().expect("a last line")["type"], "checked", "{run:#?}");
        let findings: Vec<Value> = lines.into_iter().filter(|line| line["type"] == "finding").collect();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let rules = findings.iter().map(|found| (text(&found["rule"]), text(&found["severity"]))).collect();
        (rules, run.code, findings)
    }
}

const SPEC: &str = "[service]\nname = \"orders\"\ndescription = \"Takes orders\"\nowner = \"payments\"\non_call = \"payments@shop.test\"\n";

fn fresh<'a>(place: &'a Place, language: &str, rest: &str) -> Broken<'a> {
    let spec = place.path().join("spec.toml");
    fs::write(&spec, format!("{SPEC}language = \"{language}\"\n{rest}")).expect("writes");
    let root = place.path().join("orders");
    place.pave(&["new", "--spec", "spec.toml", "--dir", "orders"]).expect(0);
    Broken { place, root }
}

/// One with nothing to find.
fn clean<'a>(place: &'a Place, language: &str) -> Broken<'a> {
    let project = fresh(place, language, "");
    project.write("CODEOWNERS", "* @shop/payments\n");
    project
}

type Break = fn(&Broken<'_>);

/// A rule, how much its finding matters here, and what breaks it.
type Case = (&'static str, &'static str, Break);

const FILES: &[Case] = &[
    ("manifest", "warning", |p| p.remove(".pave/manifest.json")),
    ("manifest", "error", |p| p.write(".pave/manifest.json", "{")),
    ("manifest", "error", |p| p.edit(".pave/manifest.json", "\"SLO.md\"", "\"../../etc/passwd\"")),
    ("spec-not-applied", "warning", |p| p.append("pave.toml", "# more\n")),
    ("managed-file-changed", "error", |p| p.append(".pave/process/buildspec.yml", "# mine\n")),
    ("merged-file-changed", "info", |p| p.append("RUNBOOK.md", "mine\n")),
    ("generated-file-missing", "error", |p| p.remove(".pave/process/image.json")),
    ("generated-file-missing", "warning", |p| p.remove("SLO.md")),
    ("generated-file-missing", "info", |p| p.remove("README.md")),
    ("file-unread", "warning", |p| {
        // A folder that the walk can name and not enter: its path is too long for the system.
        let segment = "d".repeat(200);
        let mut here = p.root.clone();
        for _ in 0..30 {
            here.push(&segment);
        }
        deep(&p.root, &segment, 30);
        assert!(fs::read_dir(here).is_err());
    }),
];

/// Makes folders deeper than a path can name, one relative step at a time.
fn deep(root: &Path, segment: &str, depth: usize) {
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    let flags = OFlags::DIRECTORY | OFlags::RDONLY;
    let mut here = rustix::fs::open(root, flags, Mode::empty()).expect("opens");
    for _ in 0..depth {
        mkdirat(&here, segment, Mode::RWXU).expect("makes");
        here = openat(&here, segment, flags, Mode::empty()).expect("opens");
    }
}

const MIGRATIONS: &[Case] = &[
    ("migration-name", "error", |p| p.write("migrations/first.sql", "SELECT 1;")),
    ("migration-pair", "error", |p| p.write("migrations/0001_a.up.sql", "SELECT 1;")),
    ("migration-pair", "error", |p| p.write("migrations/0001_a.down.sql", "SELECT 1;")),
    ("migration-pair", "error", |p| {
        p.migrate("");
        p.write("migrations/0002_next.down.sql", "-- nothing\n");
    }),
    ("migration-number", "error", |p| {
        p.migrate("");
        p.write("migrations/0002_other.up.sql", "SELECT 1;");
        p.write("migrations/0002_other.down.sql", "SELECT 1;");
    }),
    ("migration-number", "error", |p| {
        p.migrate("");
        p.write("migrations/0004_late.up.sql", "SELECT 1;");
        p.write("migrations/0004_late.down.sql", "SELECT 1;");
    }),
    ("migration-unread", "warning", |p| p.migrate("SELECT 'never ends;")),
    ("migration-unread", "warning", |p| p.migrate("ALTER TABLE things FROBNICATE;")),
    ("migration-unread", "warning", |p| p.migrate("DO $$ BEGIN EXECUTE 'DROP TABLE things'; END $$;")),
    ("drop-table", "error", |p| p.migrate("DROP TABLE IF EXISTS public.things CASCADE;")),
    ("drop-column", "error", |p| p.migrate("ALTER TABLE things DROP COLUMN name;")),
    ("rename-table", "error", |p| p.migrate("ALTER TABLE things RENAME TO stuff;")),
    ("rename-column", "error", |p| p.migrate("ALTER TABLE IF EXISTS ONLY things RENAME name TO title;")),
    ("add-required-column", "error", |p| p.migrate("ALTER TABLE things ADD COLUMN size int NOT NULL;")),
    ("volatile-default", "error", |p| {
        p.migrate("ALTER TABLE things ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid();");
    }),
    ("volatile-default", "error", |p| p.migrate("ALTER TABLE things ADD COLUMN number bigserial;")),
    ("change-column-type", "error", |p| p.migrate("ALTER TABLE things ALTER COLUMN name TYPE varchar(20);")),
    ("set-not-null", "error", |p| p.migrate("ALTER TABLE things ALTER name SET NOT NULL;")),
    ("index-not-concurrent", "error", |p| {
        p.migrate("CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY things (name);")
    }),
    ("concurrently-not-alone", "error", |p| p.migrate("CREATE INDEX CONCURRENTLY i ON things (name);")),
    ("constraint-without-not-valid", "error", |p| {
        p.migrate("ALTER TABLE things ADD CONSTRAINT long CHECK (length(name) > 3);");
    }),
    ("constraint-without-not-valid", "error", |p| {
        p.migrate("ALTER TABLE things ADD COLUMN other bigint REFERENCES things (id);");
    }),
    ("validate-in-same-migration", "error", |p| {
        p.migrate(
            "ALTER TABLE things ADD CONSTRAINT long CHECK (length(name) > 3) NOT VALID;\nALTER TABLE things VALIDATE CONSTRAINT long;",
        );
    }),
    ("unique-without-index", "error", |p| {
        p.migrate("ALTER TABLE things ADD CONSTRAINT one UNIQUE (name);");
    }),
    ("no-lock-timeout", "warning", |p| p.migrate_alone("ALTER TABLE things ADD COLUMN size int;")),
    ("no-lock-timeout", "warning", |p| {
        p.migrate_alone("SET lock_timeout TO 0;\nALTER TABLE things ADD COLUMN size int;");
    }),
    ("truncate", "error", |p| p.migrate("TRUNCATE TABLE things;")),
    ("unbounded-change", "warning", |p| p.migrate("UPDATE things SET name = 'x';")),
];

/// An image with nothing to find, whatever the templates make of theirs.
const IMAGE: &str = "\
ARG VERSION=13.2-slim
FROM debian:${VERSION} AS base
FROM base AS build
RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y gcc
FROM base
COPY --from=build /app /app
ARG USER_ID=10001
ENV MODE=fast DB_PASSWORD_FILE=/run/secrets/db MAX_OUTPUT_TOKENS=512
USER ${USER_ID}:10001
HEALTHCHECK CMD [\"/app\", \"--check\"]
ENTRYPOINT [\"/app\"]
";

/// The image with something else instead of `find`.
fn image(p: &Broken<'_>, find: &str, replace: &str) {
    assert!(IMAGE.contains(find));
    p.write("Dockerfile", IMAGE.replacen(find, replace, 1));
}

const DOCKER: &[Case] = &[
    ("docker-unread", "error", |p| image(p, "COPY", "COPI")),
    ("docker-unread", "error", |p| p.write("Dockerfile", [0; 100])),
    ("docker-user", "error", |p| image(p, "USER ${USER_ID}:10001\n", "")),
    ("docker-user", "error", |p| image(p, "USER ${USER_ID}:10001\n", "USER 0:0\n")),
    ("docker-user", "error", |p| image(p, "USER ${USER_ID}:10001\n", "USER app\n")),
    ("docker-user", "error", |p| image(p, "USER ${USER_ID}:10001\n", "USER 10001\nUSER root\n")),
    ("docker-image-unpinned", "error", |p| image(p, "=13.2-slim", "")),
    ("docker-image-unpinned", "error", |p| image(p, "debian:${VERSION}", "localhost:5000/debian")),
    ("docker-image-unpinned", "error", |p| image(p, "13.2-slim", "latest")),
    ("docker-healthcheck", "warning", |p| image(p, "ENTRYPOINT", "HEALTHCHECK NONE\nENTRYPOINT")),
    ("docker-add-url", "error", |p| image(p, "ENV", "ADD https://files.shop.test/tool /tool\nENV")),
    ("docker-one-stage", "warning", |p| {
        p.write(
            "Dockerfile",
            "FROM debian:13.2\nUSER 10001\nHEALTHCHECK CMD [\"/livez\"]\nENTRYPOINT [\"/app\"]\n",
        );
    }),
    ("docker-secret", "error", |p| image(p, "MODE=fast", "MODE=fast API_KEY=\"abc\"")),
    ("docker-secret", "error", |p| image(p, "ENV MODE=fast", "ENV NPM_TOKEN abc\nENV MODE=fast")),
    ("docker-secret", "error", |p| image(p, "FROM base AS build", "FROM base AS build\nARG NPM_TOKEN")),
    ("docker-package-cache", "warning", |p| {
        image(
            p,
            "FROM base AS build",
            "RUN apt-get update && \\\n    apt-get install -y curl\nFROM base AS build",
        );
    }),
];

const WORKFLOWS: &[Case] = &[
    ("workflow-unread", "error", |p| p.write(".github/workflows/extra.yml", "a: [\n")),
    ("workflow-unread", "error", |p| p.write(".github/workflows/extra.yaml", "- a\n")),
    ("action-unpinned", "error", |p| p.workflow(READ, "      - uses: actions/checkout@main\n")),
    ("action-unpinned", "warning", |p| {
        p.workflow(READ, "      - uses: \"somebody/something@v1.2\" # fine\n")
    }),
    ("workflow-permissions", "error", |p| p.workflow("", "      - run: make\n")),
    ("workflow-permissions", "error", |p| p.workflow("permissions: write-all\n", "      - run: make\n")),
    ("workflow-permissions", "warning", |p| {
        p.workflow("permissions:\n  contents: write\n", "      - run: make\n");
    }),
    ("workflow-pull-request-target", "error", |p| {
        p.workflow(READ, "      - uses: actions/checkout@v4\n");
        p.edit(".github/workflows/extra.yml", "pull_request", "[push, pull_request_target]");
    }),
    ("workflow-secret-echoed", "error", |p| {
        p.workflow(READ, "      - run: |\n          make\n          echo ${{ secrets.KEY }}\n");
    }),
    ("workflow-secret-echoed", "error", |p| {
        p.workflow(READ, "      - run: echo \"${KEY}\"\n        env:\n          KEY: ${{ secrets.KEY }}\n");
    }),
    ("workflow-injection", "error", |p| {
        p.workflow(READ, "      - run: make \"${{ github.event.pull_request.title }}\"\n");
    }),
];

const READ: &str = "permissions:\n  contents: read\n";

/// Secrets are put together here, so that no scanner takes this file for one that holds them.
const SECRETS: &[Case] = &[
    ("secret-file", "error", |p| p.write("deploy/server.pem", "x")),
    ("secret-aws-key", "error", |p| p.write("notes.md", ["the key is AK", "IAQ3EGXQZ5TB7YPLRD."].concat())),
    ("secret-private-key", "error", |p| {
        p.write("a.txt", ["-----BEGIN RSA PRIV", "ATE KEY-----\nMIIEowIBAAKCAQEAx8yq\n"].concat());
    }),
    ("secret-github-token", "error", |p| {
        p.write("a.sh", format!("curl -H gh{}_{}", "p", "a1B2c3D4".repeat(5)))
    }),
    ("secret-slack-token", "error", |p| {
        p.write("a.yaml", format!("slack: xo{}-{}", "xb", "1234567890-abcdefghij"))
    }),
    ("secret-stripe-key", "error", |p| {
        p.write("a.py", format!("stripe('sk{}_{}')", "_live", "4eC39HqLyjWDarjtT1zd"))
    }),
    ("secret-service-token", "error", |p| {
        p.write("a.js", format!("x('np{}_{}')", "m", "kJ8v2mQx7PzR4wTn9LbYc3Hd5Fg6Se1UaXqW"))
    }),
    ("secret-in-url", "error", |p| {
        p.write("a.ini", format!("db=postgres://app:{}@db.shop.test/app", "kJ8v2mQx7P"))
    }),
    ("secret-assigned", "error", |p| {
        p.write("a.py", format!("API_{} = \"{}\"\n", "KEY", "kJ8v2mQx7PzR4wTn9LbY"))
    }),
    ("secret-assigned", "error", |p| {
        p.write("a.env", format!("DB_PASS{}={}\n", "WORD", "kJ8v2mQx7PzR4wTn9LbY"))
    }),
];

const PLACEHOLDERS: &[Case] = &[
    ("placeholder-on-call", "warning", |p| {
        p.edit("pave.toml", "on_call = \"payments@shop.test\"\n", "");
        p.render();
    }),
    ("placeholder-description", "warning", |p| {
        p.edit("pave.toml", "description = \"Takes orders\"\n", "");
        p.render();
    }),
    ("placeholder-codeowners", "warning", |p| p.write("CODEOWNERS", "# nobody\n")),
    ("placeholder-todo", "warning", |p| p.append("README.md", "TODO: more\nFIXME\n")),
    ("placeholder-example-domain", "warning", |p| p.append("README.md", "See https://wiki.example.com.\n")),
    ("placeholder-changeme", "warning", |p| p.append(".env.example", "REGION=changeme\n")),
];

const LOCKS: &[Case] = &[
    ("lock-missing", "error", |p| p.write("requirements-more.in", "rich>=14\n")),
    ("lock-stale", "error", |p| {
        p.edit("pyproject.toml", "dependencies = [\n", "dependencies = [\n  \"rich>=14\",\n")
    }),
    ("lock-stale", "error", |p| p.edit("pyproject.toml", "\"fastapi>=", "\"fastapi>=1000.")),
];

const ALL: [&[Case]; 7] = [FILES, MIGRATIONS, DOCKER, WORKFLOWS, SECRETS, PLACEHOLDERS, LOCKS];

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
        "-- alone\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON things (name);\n",
    );
    project.write("migrations/0003_index.down.sql", "DROP INDEX CONCURRENTLY IF EXISTS i;\n");
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

/// Whether this pave can make it; a combination that its catalogue lacks is refused by name.
fn can_make(place: &Place, spec: &str) -> bool {
    fs::write(place.path().join("spec.toml"), spec).expect("writes");
    let run = place.pave(&["new", "--spec", "spec.toml", "--dir", "orders"]);
    assert!(run.code == 0 || (run.code == 3 && run.err.contains("blueprint")), "{run:#?}");
    run.code == 0
}

#[test]
fn a_fresh_project_of_each_language_and_kind_lacks_only_what_its_spec_leaves_open() {
    let mut made = BTreeSet::new();
    let all = ["postgres", "redis", "s3", "dynamodb", "sqs", "bedrock", "http"];
    let choices: Vec<Vec<&str>> =
        [vec![]].into_iter().chain(all.into_iter().map(|kind| vec![kind])).chain([all.to_vec()]).collect();
    for language in ["python", "typescript", "rust"] {
        for blueprint in ["http-api", "web-app", "ai-api"] {
            for kinds in &choices {
                let mut rest = format!("blueprint = \"{blueprint}\"\nlanguage = \"{language}\"\n");
                let mut kinds = kinds.clone();
                if blueprint == "ai-api" && !kinds.contains(&"bedrock") {
                    kinds.push("bedrock");
                }
                for kind in &kinds {
                    let url = if *kind == "http" { "url = \"https://api.shop.test\"\n" } else { "" };
                    rest += &format!("[[dependencies]]\nname = \"my-{kind}\"\nkind = \"{kind}\"\n{url}");
                }
                let open = SPEC
                    .replace("description = \"Takes orders\"\n", "")
                    .replace("on_call = \"payments@shop.test\"\n", "");
                for (spec, expected) in [
                    (SPEC.to_owned(), &["placeholder-codeowners"][..]),
                    (open, &["placeholder-codeowners", "placeholder-description", "placeholder-on-call"]),
                ] {
                    let place = Place::new();
                    if !can_make(&place, &(spec + &rest)) {
                        continue;
                    }
                    let project = Broken { place: &place, root: place.path().join("orders") };
                    let (rules, code, findings) = project.found(&[]);
                    let rules: Vec<&str> = rules.keys().map(String::as_str).collect();
                    assert_eq!((rules.as_slice(), code), (expected, 0), "{rest}{findings:#?}");
                    made.insert(format!("{language} {blueprint} {}", kinds.join(" ")));
                }
            }
        }
    }
    for known in
        ["python http-api ", "python http-api http", "typescript http-api ", "typescript http-api http"]
    {
        assert!(made.contains(known), "{made:?}");
    }
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
