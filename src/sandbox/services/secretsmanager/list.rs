//! Lists: of secrets, with filters, and of the versions of one.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    page::page,
    protocol::input::{self, broken, length, within},
};

use super::{
    Call,
    read::{described, seconds},
    secret::Secret,
};

/// What a filter may look at. Source of this and of how each looks: API reference, "Filter".
const KEYS: [&str; 7] =
    ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    key: Option<String>,
    values: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    include_planned_deletion: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
    filters: Option<Vec<Filter>>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Versions {
    secret_id: String,
    max_results: Option<i64>,
    next_token: Option<String>,
    include_deprecated: Option<bool>,
}

pub(super) fn no_page() -> ServiceError {
    ServiceError::client("InvalidNextTokenException", "The NextToken value is invalid.")
}

pub(super) fn check_filters(filters: &[Filter]) -> Result<(), ServiceError> {
    within("filters", "have length", filters.len(), 0, 10)?;
    for filter in filters {
        if !filter.key.as_deref().is_some_and(|key| KEYS.contains(&key)) {
            return Err(broken(
                "filters.member.key",
                &format!("satisfy enum value set: [{}]", KEYS.join(", ")),
            ));
        }
        let values = filter.values.as_deref().unwrap_or_default();
        within("filters.member.values", "have length", values.len(), 1, 10)?;
        values.iter().try_for_each(|value| length("filters.member.values.member", value, 1, 512))?;
    }
    Ok(())
}

impl Filter {
    /// Whether a secret passes: it fits one of the values, and none of those that begin with an exclamation mark.
    pub fn takes(&self, secret: &Secret) -> bool {
        let values = self.values.as_deref().unwrap_or_default();
        let (not, yes): (Vec<&String>, Vec<&String>) =
            values.iter().partition(|value| value.starts_with('!'));
        (yes.is_empty() || yes.iter().any(|value| self.fits(secret, value)))
            && !not.iter().any(|value| self.fits(secret, &value[1..]))
    }

    fn fits(&self, secret: &Secret, value: &str) -> bool {
        let description = secret.description.as_deref().unwrap_or_default();
        let tags = || secret.tags.iter().flatten();
        match self.key.as_deref().unwrap_or_default() {
            "name" => secret.name.starts_with(value),
            "description" => description.to_lowercase().starts_with(&value.to_lowercase()),
            "tag-key" => tags().any(|tag| tag.key.starts_with(value)),
            "tag-value" => tags().any(|tag| tag.value.starts_with(value)),
            "all" => {
                let texts = tags().flat_map(|tag| [tag.key.as_str(), tag.value.as_str()]);
                let texts: Vec<String> =
                    texts.chain([secret.name.as_str(), description]).map(str::to_lowercase).collect();
                let holds = |word: &str| texts.iter().any(|text| text.contains(&word.to_lowercase()));
                value.split_whitespace().all(holds)
            }
            "owning-service" => secret.owner.as_ref().is_some_and(|owner| owner.starts_with(value)),
            // Only a replica has a primary region.
            _ => false,
        }
    }
}

pub(super) fn secrets(call: &Call<'_>, value: Value) -> Answer {
    let wanted: List = input::read(value)?;
    let limit = input::limit(wanted.max_results, 100, 100)?;
    let filters = wanted.filters.unwrap_or_default();
    check_filters(&filters)?;
    let descending = match wanted.sort_order.as_deref() {
        // Which of the two it is when nobody says is not documented.
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(broken("sortOrder", "satisfy enum value set: [asc, desc]")),
    };
    let by: fn(&Secret) -> i64 = match wanted.sort_by.as_deref() {
        None | Some("created-date") => |secret| secret.created,
        Some("last-changed-date") => |secret| secret.changed,
        Some("last-accessed-date") => |secret| secret.accessed.unwrap_or_default(),
        Some("name") => |_| 0,
        Some(_) => {
            let all = "[created-date, last-accessed-date, last-changed-date, name]";
            return Err(broken("sortBy", &format!("satisfy enum value set: {all}")));
        }
    };
    let deleted_too = wanted.include_planned_deletion == Some(true);
    let found: Vec<(String, Value)> = call.secrets.read(|all| {
        all.values()
            .filter(|secret| secret.goes.is_none() || (deleted_too && secret.is_there(call.now)))
            .filter(|secret| filters.iter().all(|filter| filter.takes(secret)))
            .map(|secret| {
                let key = format!("{:020} {}", by(secret), secret.name);
                (key, described(secret, "SecretVersionsToStages"))
            })
            .collect()
    });
    let (shown, next) = page(found, descending, limit, wanted.next_token.as_deref()).ok_or_else(no_page)?;
    let mut answer = json!({ "SecretList": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

pub(super) fn versions(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Versions = input::read(value)?;
    let limit = input::limit(wanted.max_results, 100, 100)?;
    let all = wanted.include_deprecated == Some(true);
    call.look(&wanted.secret_id, |secret| {
        let shown = secret.versions.iter().filter(|version| all || !version.stages.is_empty());
        let entries = shown.map(|version| {
            let mut entry = json!({
                "VersionId": version.id,
                "CreatedDate": seconds(version.created),
                // What is said of a version that no key of one's own encrypts.
                "KmsKeyIds": ["DefaultEncryptionKey"],
            });
            if !version.stages.is_empty() {
                entry["VersionStages"] = json!(version.stages);
            }
            if let Some(day) = version.accessed {
                entry["LastAccessedDate"] = seconds(day);
            }
            (format!("{:020} {}", version.created, version.id), entry)
        });
        let (entries, next) =
            page(entries.collect(), false, limit, wanted.next_token.as_deref()).ok_or_else(no_page)?;
        let mut answer = json!({ "ARN": secret.arn, "Name": secret.name, "Versions": entries });
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    })
}
