//! One secret: its versions, and the rules by which staging labels move between them.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::sandbox::{
    call::ServiceError,
    hidden::Hidden,
    protocol::input::{broken, within},
    tags::Tag,
};

use super::{invalid_parameter, not_found};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const PENDING: &str = "AWSPENDING";

/// Longest value, in bytes. This and what follows: Secrets Manager user guide, "Quotas".
const VALUE_BYTES: usize = 65_536;
/// Most versions of a secret.
const VERSIONS: usize = 100;
/// Most staging labels on all versions of a secret together.
const STAGES: usize = 20;

/// How long a version without labels stays in any case. Source: API reference, PutSecretValue (24 hours).
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// What a version holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    Text(Hidden),
    /// As base64.
    Binary(Hidden),
}

impl Content {
    /// What a caller gives: one of the two, or none.
    pub fn of(text: Option<Hidden>, binary: Option<Hidden>) -> Result<Option<Self>, ServiceError> {
        let sized = |member, bytes: usize| within(member, "have length", bytes, 1, VALUE_BYTES);
        match (text, binary) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )),
            (Some(text), None) => {
                sized("secretString", text.0.len())?;
                Ok(Some(Self::Text(text)))
            }
            (None, Some(binary)) => {
                let bytes = STANDARD.decode(&binary.0).map_err(|_| broken("secretBinary", "be base64"))?;
                sized("secretBinary", bytes.len())?;
                // As every writer of base64 writes these bytes, so that equal values are equal texts.
                Ok(Some(Self::Binary(Hidden(STANDARD.encode(bytes)))))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub id: String,
    pub content: Content,
    /// Milliseconds since the epoch, as all times here.
    pub created: i64,
    /// The day of the last read.
    pub accessed: Option<i64>,
    pub stages: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Secret {
    pub arn: String,
    pub name: String,
    /// The service of AWS that keeps it for a resource of its own.
    #[serde(default)]
    pub owner: Option<String>,
    pub description: Option<String>,
    /// `None` for a secret that never had any.
    pub tags: Option<Vec<Tag>>,
    pub policy: Option<String>,
    pub created: i64,
    pub changed: i64,
    pub accessed: Option<i64>,
    /// When a secret that is to be deleted goes for good.
    pub goes: Option<i64>,
    /// Oldest first.
    pub versions: Vec<Version>,
}

impl Secret {
    pub fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The version a staging label is on.
    pub fn holder(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    /// The version that a reader means by an id, a label, both or neither.
    pub fn wanted(&self, id: Option<&str>, stage: Option<&str>) -> Result<&Version, ServiceError> {
        let missing = |by: &str, what: &str| {
            not_found(&format!("Secrets Manager can't find the specified secret value for {by}: {what}"))
        };
        let Some(id) = id else {
            let stage = stage.unwrap_or(CURRENT);
            return self.holder(stage).ok_or_else(|| missing("staging label", stage));
        };
        let version = self.version(id).ok_or_else(|| missing("VersionId", id))?;
        if stage.is_some_and(|stage| !version.stages.contains(stage)) {
            let text = "You provided a VersionStage that is not associated to the provided VersionId.";
            return Err(super::invalid_request(text));
        }
        Ok(version)
    }

    fn stages_of(&mut self, id: &str) -> Option<&mut BTreeSet<String>> {
        self.versions.iter_mut().find(|version| version.id == id).map(|version| &mut version.stages)
    }

    pub fn detach(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    /// Puts a label on a version, taking it from the one that has it. A version that `AWSCURRENT` leaves becomes
    /// `AWSPREVIOUS`; it loses `AWSPENDING`, as an account shows (recorded in LocalStack's test suite,
    /// `test_update_secret_version_stages_current_pending`).
    pub fn attach(&mut self, stage: &str, id: &str) -> Result<(), ServiceError> {
        let holder = self.holder(stage).map(|version| version.id.clone());
        if holder.as_deref() == Some(id) {
            return Ok(());
        }
        self.detach(stage);
        if let Some(stages) = self.stages_of(id) {
            stages.insert(stage.to_owned());
        }
        if let Some(former) = holder.filter(|_| stage == CURRENT) {
            if let Some(stages) = self.stages_of(&former) {
                stages.remove(PENDING);
            }
            self.attach(PREVIOUS, &former)?;
        }
        let all: usize = self.versions.iter().map(|version| version.stages.len()).sum();
        if all > STAGES {
            let text = format!("A secret has at most {STAGES} staging labels on all its versions.");
            return Err(ServiceError::client("LimitExceededException", text));
        }
        Ok(())
    }

    /// Adds a version with these labels. The first one is `AWSCURRENT` in any case.
    pub fn add(
        &mut self,
        id: &str,
        content: Content,
        stages: &[String],
        now: i64,
    ) -> Result<(), ServiceError> {
        self.forget_old(now);
        if self.versions.len() >= VERSIONS {
            let text =
                format!("A secret has at most {VERSIONS} versions, and none of these may be removed yet.");
            return Err(ServiceError::client("LimitExceededException", text));
        }
        let first = self.versions.is_empty();
        let new =
            Version { id: id.to_owned(), content, created: now, accessed: None, stages: BTreeSet::new() };
        self.versions.push(new);
        if first {
            self.attach(CURRENT, id)?;
        }
        for stage in stages {
            self.attach(stage, id)?;
        }
        self.changed = now;
        Ok(())
    }

    /// Removes the oldest versions without labels that nobody was promised any more, until there is room for one.
    fn forget_old(&mut self, now: i64) {
        while self.versions.len() >= VERSIONS {
            let old = |version: &Version| version.stages.is_empty() && version.created <= now - KEPT_MS;
            let Some(at) = self.versions.iter().position(old) else { return };
            self.versions.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret {
            arn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf".to_owned(),
            name: "s".to_owned(),
            owner: None,
            description: None,
            tags: None,
            policy: None,
            created: 0,
            changed: 0,
            accessed: None,
            goes: None,
            versions: Vec::new(),
        }
    }

    fn add(secret: &mut Secret, id: &str, stages: &[&str], now: i64) -> Result<(), ServiceError> {
        let stages: Vec<String> = stages.iter().map(|stage| (*stage).to_owned()).collect();
        secret.add(id, Content::Text(Hidden("hunter2".to_owned())), &stages, now)
    }

    fn stages(secret: &Secret, id: &str) -> Vec<String> {
        secret.version(id).expect("is there").stages.iter().cloned().collect()
    }

    #[test]
    fn labels_move_as_documented() {
        let mut secret = secret();
        add(&mut secret, "1", &["mine"], 0).expect("adds");
        assert_eq!(stages(&secret, "1"), [CURRENT, "mine"]);
        add(&mut secret, "2", &[PENDING], 0).expect("adds");
        secret.attach(CURRENT, "2").expect("moves");
        assert_eq!(stages(&secret, "1"), [PREVIOUS, "mine"]);
        assert_eq!(stages(&secret, "2"), [CURRENT, PENDING]);
        add(&mut secret, "3", &[CURRENT], 0).expect("adds");
        assert_eq!(stages(&secret, "1"), ["mine"]);
        assert_eq!(stages(&secret, "2"), [PREVIOUS]);
        secret.attach(CURRENT, "2").expect("moves back");
        assert_eq!(
            (stages(&secret, "2"), stages(&secret, "3")),
            (vec![CURRENT.into()], vec![PREVIOUS.into()])
        );
    }

    #[test]
    fn of_more_than_a_hundred_versions_the_oldest_unlabelled_one_goes_after_a_day() {
        let mut secret = secret();
        add(&mut secret, "kept", &["mine"], 0).expect("adds");
        for number in 1..100 {
            add(&mut secret, &number.to_string(), &[CURRENT], 0).expect("adds");
        }
        let error = add(&mut secret, "100", &[CURRENT], KEPT_MS - 1).expect_err("there is no room yet");
        assert_eq!(error.code, "LimitExceededException");
        add(&mut secret, "100", &[CURRENT], KEPT_MS).expect("adds");
        assert_eq!(secret.versions.len(), 100);
        assert!(secret.version("kept").is_some() && secret.version("1").is_none());
    }

    #[test]
    fn there_are_at_most_twenty_labels() {
        let mut secret = secret();
        let many: Vec<String> = (0..19).map(|number| format!("l{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        add(&mut secret, "1", &many, 0).expect("twenty with AWSCURRENT");
        let error = add(&mut secret, "2", &["more"], 0).expect_err("is one too many");
        assert_eq!(error.code, "LimitExceededException");
    }

    #[test]
    fn a_value_is_not_printed() {
        let mut secret = secret();
        add(&mut secret, "1", &[], 0).expect("adds");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
