//! Policies that AWS keeps: those that deployments use, each as AWS has it.
//!
//! Source: AWS managed policy reference guide, the page of each policy. A policy that is not here is refused as one that
//! there is none of.

use serde_json::{Value, json};

use super::model::{Account, date, fresh_id};

/// One of them.
pub(super) struct AwsPolicy {
    pub name: &'static str,
    pub path: &'static str,
    /// Number of the version.
    pub version: u64,
    /// Seconds since the epoch: when this version was made.
    pub updated: i64,
    pub document: &'static str,
}

impl AwsPolicy {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }

    /// Whether it can be given to a role of the account: those of services' own roles cannot.
    pub(super) fn is_attachable(&self) -> bool {
        self.path != "/aws-service-role/"
    }

    pub(super) fn brief(&self, account: &Account) -> Value {
        let arn = self.arn();
        json!({
            "PolicyName": self.name,
            "PolicyId": id(self.name),
            "Arn": arn,
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.version),
            "AttachmentCount": account.attachments(&arn),
            "PermissionsBoundaryUsageCount": account.boundaries(&arn),
            "IsAttachable": self.is_attachable(),
            "CreateDate": date(self.updated),
            "UpdateDate": date(self.updated),
        })
    }
}

/// An id that is the same each time, in the form of those of policies.
fn id(name: &str) -> String {
    use sha2::{Digest as _, Sha256};
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(name);
    let tail = digest[..17].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("ANPA{}", tail.collect::<String>())
}

/// A fresh id of a policy of the account.
pub(super) fn new_id() -> String {
    fresh_id("ANPA")
}

pub(super) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    ALL.iter().find(|policy| policy.arn() == arn)
}

macro_rules! policy {
    ($path:literal, $name:literal, $version:literal, $updated:literal) => {
        AwsPolicy {
            name: $name,
            path: $path,
            version: $version,
            updated: $updated,
            document: include_str!(concat!("managed/", $name, ".json")),
        }
    };
}

/// All of them.
pub(super) const ALL: &[AwsPolicy] = &[
    policy!("/", "AWSAppRunnerFullAccess", 1, 1641873720),
    policy!("/", "AWSAppRunnerReadOnlyAccess", 1, 1645737855),
    policy!("/service-role/", "AWSAppRunnerServicePolicyForECRAccess", 1, 1621019841),
    policy!("/", "AWSDenyAll", 2, 1702917725),
    policy!("/service-role/", "AWSLambdaBasicExecutionRole", 1, 1428591823),
    policy!("/", "AdministratorAccess", 1, 1423247986),
    policy!("/", "AmazonEC2ContainerRegistryPowerUser", 3, 1576010888),
    policy!("/", "AmazonEC2ContainerRegistryReadOnly", 3, 1576011392),
    policy!("/", "AmazonS3FullAccess", 2, 1632773797),
    policy!("/", "AmazonS3ReadOnlyAccess", 3, 1691703099),
    policy!("/", "AmazonSQSFullAccess", 1, 1423248067),
    policy!("/", "AmazonSQSReadOnlyAccess", 3, 1686843455),
    policy!("/", "AmazonSSMReadOnlyAccess", 1, 1432921459),
    policy!("/aws-service-role/", "AppRunnerServiceRolePolicy", 1, 1621019704),
    policy!("/", "CloudWatchLogsFullAccess", 3, 1747760826),
    policy!("/", "CloudWatchLogsReadOnlyAccess", 6, 1701022293),
    policy!("/", "IAMReadOnlyAccess", 4, 1516907487),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::policy::{Kind, Policy};

    #[test]
    fn each_is_a_policy_and_found_by_its_arn() {
        for policy in ALL {
            Policy::read(policy.document, Kind::Identity).unwrap_or_else(|e| panic!("{}: {e}", policy.name));
            assert_eq!(find(&policy.arn()).map(|found| found.name), Some(policy.name));
        }
        let access = "arn:aws:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess";
        assert!(find(access).is_some_and(AwsPolicy::is_attachable));
        assert!(find("arn:aws:iam::aws:policy/Nothing").is_none());
    }
}
