//! What others ask of IAM: what a role may do, and who may take it.

use crate::sandbox::policy::{Context, Identity, Kind, Policy, Request, Stance};

use super::{Iam, model::Account};

/// What the policies of a role give.
#[derive(Debug)]
pub struct Grants {
    /// All of its policies.
    pub policies: Vec<Policy>,
    /// What they are limited to.
    pub boundary: Option<Vec<Policy>>,
    /// ARN of the role; nothing for the account itself.
    pub arn: Option<String>,
    /// Its tags, as key and value.
    pub tags: Vec<(String, String)>,
}

/// A role as STS sees it.
#[derive(Debug)]
pub struct Trusted {
    /// Its unique id.
    pub id: String,
    /// As it is written.
    pub name: String,
    /// Seconds that a session may last.
    pub longest_session: i64,
    /// What its trust policy says of whoever asked.
    pub stance: Option<Stance>,
}

/// A document that was read when it was taken. One that cannot be read any more gives nothing.
fn read(document: &str, kind: Kind) -> Option<Policy> {
    Policy::read(document, kind).ok()
}

impl Account {
    /// The documents of managed policies, as they are in force.
    fn managed(&self, arns: &[String]) -> Vec<Policy> {
        arns.iter().filter_map(|arn| read(&self.document(arn)?, Kind::Identity)).collect()
    }
}

impl Grants {
    /// Those of the account itself: everything.
    pub fn everything() -> Self {
        const ALL: &str =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let policies = read(ALL, Kind::Identity).into_iter().collect();
        Self { policies, boundary: None, arn: None, tags: Vec::new() }
    }
}

impl Iam {
    /// What the role with this unique id gives; nothing where it is gone.
    pub fn grants(&self, id: &str) -> Option<Grants> {
        self.account.read(|account| {
            let role = account.roles.values().find(|role| role.id == id)?;
            let inline = role.inline.values().filter_map(|document| read(document, Kind::Identity));
            let mut policies: Vec<Policy> = inline.collect();
            policies.extend(account.managed(&role.attached));
            // A boundary that is gone leaves nothing.
            let boundary = role.boundary.as_ref().map(|arn| account.managed(std::slice::from_ref(arn)));
            let tags = role.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
            Some(Grants { policies, boundary, arn: Some(role.arn.clone()), tags })
        })
    }

    /// The role with this ARN, and whether it trusts whoever asks.
    pub fn trusted(&self, arn: &str, action: &str, who: &Identity, context: &Context) -> Option<Trusted> {
        self.account.read(|account| {
            let role = account.roles.values().find(|role| role.arn == arn)?;
            let policy = read(&role.trust, Kind::Trust);
            let request = Request { action, resource: arn, context };
            let stance = policy.and_then(|policy| policy.stance(&request, Some(who)));
            Some(Trusted {
                id: role.id.clone(),
                name: role.name.clone(),
                longest_session: role.longest_session,
                stance,
            })
        })
    }

    /// The ARN of the role with this name.
    pub fn role_arn(&self, name: &str) -> Option<String> {
        self.account.read(|account| account.role(name).ok().map(|role| role.arn.clone()))
    }

    /// The documents of managed policies; nothing where one of them is not there.
    pub fn documents(&self, arns: &[String]) -> Option<Vec<String>> {
        self.account.read(|account| arns.iter().map(|arn| account.document(arn)).collect())
    }
}
