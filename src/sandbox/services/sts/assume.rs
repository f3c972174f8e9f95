//! AssumeRole: credentials that are those of a role of this account until they expire.
//!
//! A role is taken as its trust policy says, and acts as its policies say.
//!
//! Source: STS API reference, AssumeRole.

use std::sync::Arc;

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{
    access,
    call::{Answer, Caller, ServiceError},
    policy::{Kind, Policy},
    world::World,
};

use super::Order;

/// Seconds that a session may last, and lasts unless it is said; how long one may that a session began.
const SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
const USUAL_SECONDS: i64 = 3_600;
const CHAINED_SECONDS: i64 = 3_600;

/// Characters of a session's own policy, managed policies of a session, tags of one.
const LONGEST_POLICY: usize = 2048;
const MOST_POLICIES: usize = 10;
const MOST_TAGS: usize = 50;

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationError", message)
}

pub(super) fn assume(world: &Arc<World>, input: &Value, caller: &Caller) -> Answer {
    let text = |name: &str| input[name].as_str().filter(|text| !text.is_empty());
    let arn = text("RoleArn").ok_or_else(|| invalid("RoleArn is required"))?;
    // Source: AWS STS API reference, AssumeRole: a role's ARN has 20 characters at least.
    if arn.len() < 20 || !arn.starts_with("arn:") {
        return Err(invalid(format!("{arn} is invalid")));
    }
    let prefix = format!("arn:aws:iam::{}:role/", caller.account);
    if !arn.starts_with(&prefix) {
        let message =
            format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}", caller.arn);
        return Err(ServiceError { status: 403, code: "AccessDenied", message });
    }
    let session = text("RoleSessionName").ok_or_else(|| invalid("RoleSessionName is required"))?;
    let plain = session.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if !plain || !(2..=64).contains(&session.len()) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have a length of 2 to 64"
        )));
    }
    let seconds = match text("DurationSeconds") {
        None => None,
        Some(text) => {
            let seconds = text.parse().ok().filter(|seconds| SECONDS.contains(seconds));
            Some(seconds.ok_or_else(|| {
                invalid(format!("DurationSeconds must be from {} to {}", SECONDS.start(), SECONDS.end()))
            })?)
        }
    };
    let (policies, tags) = (policies(world, input)?, tags(input)?);
    let keys = [("sts:RoleSessionName", Some(session)), ("sts:ExternalId", text("ExternalId"))];
    let taken = access::take(world, caller, access::TAKE, arn, &keys)?;
    if !tags.is_empty() {
        access::take(world, caller, "sts:TagSession", arn, &keys)?;
    }
    let asked = seconds.unwrap_or(USUAL_SECONDS);
    if asked > taken.longest_session {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    if taken.chained && asked > CHAINED_SECONDS {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let expires = OffsetDateTime::now_utc() + time::Duration::seconds(asked);
    let made = world.sts.sessions.begin(Order {
        account: &caller.account,
        role: &taken.name,
        id: taken.id,
        name: session,
        expires,
        policies,
        tags,
    })?;
    let expiration = expires.replace_nanosecond(0).ok().and_then(|at| at.format(&Rfc3339).ok());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.key.secret,
            "SessionToken": made.key.token,
            "Expiration": expiration,
        },
        "AssumedRoleUser": { "AssumedRoleId": made.key.user_id, "Arn": made.key.arn },
    }))
}

/// What limits the session: the policy that is given, and managed ones as they are now.
fn policies(world: &World, input: &Value) -> Result<Vec<String>, ServiceError> {
    let malformed = |text: String| ServiceError::client("MalformedPolicyDocument", text);
    let arns: Vec<String> = input["PolicyArns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["arn"].as_str().map(str::to_owned))
        .collect();
    if arns.len() > MOST_POLICIES {
        return Err(invalid(format!("PolicyArns has at most {MOST_POLICIES} entries")));
    }
    let missing = || malformed("a policy of PolicyArns is not there".to_owned());
    let mut documents = world.iam.documents(&arns).ok_or_else(missing)?;
    if let Some(document) = input["Policy"].as_str().filter(|text| !text.is_empty()) {
        if document.chars().count() > LONGEST_POLICY {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to {LONGEST_POLICY}"
            )));
        }
        Policy::read(document, Kind::Identity).map_err(|error| malformed(error.to_string()))?;
        documents.push(document.to_owned());
    }
    Ok(documents)
}

fn tags(input: &Value) -> Result<Vec<(String, String)>, ServiceError> {
    let list = input["Tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pair = |tag: &Value| {
        let key = tag["Key"].as_str().filter(|key| (1..=128).contains(&key.len()))?;
        let value = tag["Value"].as_str().filter(|value| value.len() <= 256)?;
        Some((key.to_owned(), value.to_owned()))
    };
    let tags: Option<Vec<_>> = list.iter().map(pair).collect();
    tags.filter(|tags| tags.len() <= MOST_TAGS).ok_or_else(|| {
        invalid(format!(
            "Tags has at most {MOST_TAGS} pairs of a Key and a Value of 1 to 128 and 0 to 256 characters"
        ))
    })
}
