//! For each rule, what breaks it and nothing else.

use std::{fs, path::Path, process::Command};

use crate::project::Broken;

pub type Break = fn(&Broken<'_>);

/// A rule, how much its finding matters here, and what breaks it.
pub type Case = (&'static str, &'static str, Break);

pub const FILES: &[Case] = &[
    ("manifest", "warning", |p| p.remove(".pave/manifest.json")),
    ("manifest", "error", |p| p.write(".pave/manifest.json", "{")),
    ("manifest", "error", |p| p.edit(".pave/manifest.json", "\"SLO.md\"", "\"../../etc/passwd\"")),
    ("spec-not-applied", "warning", |p| p.append("pave.toml", "[slo]\nlatency_p99 = \"200ms\"\n")),
    ("managed-file-changed", "error", |p| p.append(".pave/process/buildspec.yml", "# mine\n")),
    ("merged-file-changed", "info", |p| p.append("RUNBOOK.md", "mine\n")),
    ("new-version-waits", "warning", |p| p.write("RUNBOOK.md.new", "theirs\n")),
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

pub const MIGRATIONS: &[Case] = &[
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
    ("drop-table", "error", |p| p.migrate("CREATE TABLE IF NOT EXISTS things (); DROP TABLE things;")),
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
    ("concurrently-in-transaction", "error", |p| {
        p.migrate_alone("CREATE INDEX CONCURRENTLY i ON things (name);\n");
    }),
    ("concurrently-in-transaction", "error", |p| {
        p.migrate("");
        p.write("migrations/0002_next.down.sql", "DROP INDEX CONCURRENTLY i;\n");
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
    ("no-lock-timeout", "warning", |p| {
        p.migrate_alone(
            "SELECT set_config('lock_timeout', '0', true);\nALTER TABLE things ADD COLUMN size int;",
        );
    }),
    ("no-lock-timeout", "warning", |p| {
        p.migrate_alone("SET lock_timeout TO 0;\nALTER TABLE things ADD COLUMN size int;");
    }),
    ("truncate", "error", |p| p.migrate("TRUNCATE TABLE things;")),
    ("unbounded-change", "warning", |p| p.migrate("UPDATE things SET name = 'x';")),
];

/// An image with nothing to find, whatever the templates make of theirs.
pub const IMAGE: &str = "\
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

pub const DOCKER: &[Case] = &[
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

pub const WORKFLOWS: &[Case] = &[
    ("workflow-unread", "error", |p| p.write(".github/workflows/extra.yml", "a: [\n")),
    ("workflow-unread", "error", |p| p.write(".github/workflows/extra.yaml", "- a\n")),
    ("action-unpinned", "error", |p| p.workflow(READ, "      - uses: actions/checkout@main\n")),
    ("action-unpinned", "warning", |p| {
        p.workflow(READ, "      - uses: \"somebody/something@v1.2\" # fine\n")
    }),
    ("action-unpinned", "error", |p| p.workflow(READ, "      - {name: a, uses: actions/checkout}\n")),
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

pub const READ: &str = "permissions:\n  contents: read\n";

/// Secrets are put together here, so that no scanner takes this file for one that holds them.
pub const SECRETS: &[Case] = &[
    ("secret-file", "error", |p| p.write("deploy/server.pem", "x")),
    ("secret-file", "error", |p| {
        p.write(".env", "x");
        let git = p.with_git();
        for arguments in [&["init", "--quiet"][..], &["add", "--force", ".env"]] {
            let git = Command::new(&git).args(arguments).current_dir(&p.root).status();
            assert!(git.expect("git runs").success());
        }
    }),
    ("secret-aws-key", "error", |p| p.write("notes.md", ["the key is AK", "IAQ3EGXQZ5TB7YPLRD."].concat())),
    ("secret-assigned", "error", |p| {
        p.write(
            "keys.ini",
            ["aws_secret_access", "_key = wJa7rXUtnFEMIK7MDENGbPxRfiCYEXq9zKEYaB3c\n"].concat(),
        );
    }),
    ("secret-in-url", "error", |p| {
        p.write("notes.md", ["redis://:Zx9", "qLm2Tr7wKp@cache\n"].concat());
    }),
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

pub const PLACEHOLDERS: &[Case] = &[
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

pub const LOCKS: &[Case] = &[
    ("lock-missing", "error", |p| p.write("requirements-more.in", "rich>=14\n")),
    ("lock-stale", "error", |p| {
        p.edit("pyproject.toml", "dependencies = [\n", "dependencies = [\n  \"rich>=14\",\n")
    }),
    ("lock-stale", "error", |p| p.edit("pyproject.toml", "\"fastapi>=", "\"fastapi>=1000.")),
];

pub const ALL: [&[Case]; 7] = [FILES, MIGRATIONS, DOCKER, WORKFLOWS, SECRETS, PLACEHOLDERS, LOCKS];
