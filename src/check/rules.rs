//! Every rule there is.

use super::Severity::{self, Error, Info, Warning};

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its id, in kebab-case; stable, because comments in projects name it.
    pub id: &'static str,
    /// The promise of the contract that it belongs to.
    pub contract: Option<&'static str>,
    /// How much a finding matters, unless it says otherwise.
    pub severity: Severity,
    /// What it asks for.
    pub asks: &'static str,
}

/// Declares each rule as a constant and all of them as a table.
macro_rules! rules {
    ($($name:ident = $id:literal, $contract:expr, $severity:expr, $asks:literal;)*) => {
        $(pub(super) const $name: Rule = Rule { id: $id, contract: $contract, severity: $severity, asks: $asks };)*
        /// Every rule, in the order of what it looks at.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

const C10: Option<&str> = Some("C10");
const C14: Option<&str> = Some("C14");
const NONE: Option<&str> = None;

rules! {
    FILE_UNREAD = "file-unread", NONE, Warning, "every file can be read";
    MANIFEST = "manifest", NONE, Warning, "what was generated is on record";
    SPEC_NOT_APPLIED = "spec-not-applied", NONE, Warning, "the files were generated from pave.toml as it is now";
    MANAGED_FILE_CHANGED = "managed-file-changed", NONE, Error, "files that pave answers for are as generated";
    MERGED_FILE_CHANGED = "merged-file-changed", NONE, Info, "whoever changes a merged file merges the next one too";
    NEW_VERSION_WAITS = "new-version-waits", NONE, Warning, "what pave.toml brought is merged into files that were changed";
    GENERATED_FILE_MISSING = "generated-file-missing", NONE, Warning, "what was generated is there";

    MIGRATION_NAME = "migration-name", C10, Error, "migrations are called NNNN_<name>.up.sql and .down.sql";
    MIGRATION_PAIR = "migration-pair", C10, Error, "each migration has its way back";
    MIGRATION_NUMBER = "migration-number", C10, Error, "migrations are numbered without gaps or doubles";
    MIGRATION_UNREAD = "migration-unread", C10, Warning, "each statement can be understood before it runs";
    DROP_TABLE = "drop-table", C10, Error, "what the release before uses stays";
    DROP_COLUMN = "drop-column", C10, Error, "what the release before uses stays";
    RENAME_TABLE = "rename-table", C10, Error, "what the release before uses keeps its name";
    RENAME_COLUMN = "rename-column", C10, Error, "what the release before uses keeps its name";
    ADD_REQUIRED_COLUMN = "add-required-column", C10, Error, "a new column is optional or has a default";
    VOLATILE_DEFAULT = "volatile-default", C10, Error, "a new column does not rewrite the table";
    CHANGE_COLUMN_TYPE = "change-column-type", C10, Error, "a column keeps its type";
    SET_NOT_NULL = "set-not-null", C10, Error, "no scan of a whole table under its strongest lock";
    INDEX_NOT_CONCURRENT = "index-not-concurrent", C10, Error, "an index on a table in use is built beside its writes";
    CONCURRENTLY_NOT_ALONE = "concurrently-not-alone", C10, Error, "CONCURRENTLY is the only statement of its file";
    CONCURRENTLY_IN_TRANSACTION = "concurrently-in-transaction", C10, Error, "CONCURRENTLY is run outside of a transaction";
    CONSTRAINT_NOT_VALID = "constraint-without-not-valid", C10, Error, "a constraint is added first and validated later";
    VALIDATE_IN_SAME_MIGRATION = "validate-in-same-migration", C10, Error, "a constraint is validated after its lock is gone";
    UNIQUE_WITHOUT_INDEX = "unique-without-index", C10, Error, "a unique constraint takes an index that is there";
    NO_LOCK_TIMEOUT = "no-lock-timeout", C10, Warning, "who waits for a lock on a table in use gives up soon";
    TRUNCATE = "truncate", C10, Error, "a migration deletes no data";
    UNBOUNDED_CHANGE = "unbounded-change", C10, Warning, "data is changed in small steps";

    DOCKER_UNREAD = "docker-unread", C14, Error, "the Dockerfile can be parsed";
    DOCKER_USER = "docker-user", C14, Error, "the image runs as a numeric user that is not root";
    DOCKER_IMAGE = "docker-image-unpinned", C14, Error, "base images have an exact tag or digest";
    DOCKER_HEALTHCHECK = "docker-healthcheck", C14, Warning, "the image says how to tell that it works";
    DOCKER_ADD_URL = "docker-add-url", C14, Error, "nothing unverified is downloaded into the image";
    DOCKER_ONE_STAGE = "docker-one-stage", C14, Warning, "what builds is apart from what runs";
    DOCKER_SECRET = "docker-secret", C14, Error, "no secret is baked into the image";
    DOCKER_CACHE = "docker-package-cache", C14, Warning, "no package manager leaves its cache in the image";

    WORKFLOW_UNREAD = "workflow-unread", NONE, Error, "workflows are YAML";
    ACTION_UNPINNED = "action-unpinned", NONE, Error, "an action cannot change under a workflow";
    WORKFLOW_PERMISSIONS = "workflow-permissions", NONE, Error, "a workflow may do what it needs and no more";
    WORKFLOW_TARGET = "workflow-pull-request-target", NONE, Error, "a stranger's code does not run with our rights";
    WORKFLOW_SECRET = "workflow-secret-echoed", NONE, Error, "no secret is printed";
    WORKFLOW_INJECTION = "workflow-injection", NONE, Error, "a stranger's words are not part of a script";

    SECRET_FILE = "secret-file", NONE, Error, "files of keys and passwords are ignored";
    SECRET_AWS = "secret-aws-key", NONE, Error, "no AWS key in the tree";
    SECRET_PRIVATE_KEY = "secret-private-key", NONE, Error, "no private key in the tree";
    SECRET_GITHUB = "secret-github-token", NONE, Error, "no GitHub token in the tree";
    SECRET_SLACK = "secret-slack-token", NONE, Error, "no Slack token in the tree";
    SECRET_STRIPE = "secret-stripe-key", NONE, Error, "no live Stripe key in the tree";
    SECRET_TOKEN = "secret-service-token", NONE, Error, "no token of another known service in the tree";
    SECRET_URL = "secret-in-url", NONE, Error, "no password in an address";
    SECRET_ASSIGNED = "secret-assigned", NONE, Error, "no random-looking value under a secret's name";

    NO_ON_CALL = "placeholder-on-call", NONE, Warning, "somebody is called when it breaks";
    NO_DESCRIPTION = "placeholder-description", NONE, Warning, "one sentence says what the service does";
    NO_CODEOWNERS = "placeholder-codeowners", NONE, Warning, "changes are reviewed by somebody";
    TODO_LEFT = "placeholder-todo", NONE, Warning, "nothing is left to be done";
    EXAMPLE_DOMAIN = "placeholder-example-domain", NONE, Warning, "no address is a stand-in";
    CHANGE_ME = "placeholder-changeme", NONE, Warning, "what was to be changed is changed";

    LOCK_MISSING = "lock-missing", NONE, Error, "the versions of all libraries are on record";
    LOCK_STALE = "lock-stale", NONE, Error, "the lock file is of this manifest";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_kebab_case_words() {
        let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for id in ids {
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !id.ends_with('-'), "{id}");
        }
    }
}
