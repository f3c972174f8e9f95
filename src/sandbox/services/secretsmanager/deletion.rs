//! Deleting secrets, at once or after a time in which they can be restored.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    protocol::input,
};

use super::{
    Call,
    find::{missing, name_in},
    invalid_parameter, invalid_request,
    read::seconds,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Days in which a deleted secret can be restored, and how many where nobody says. Source: API reference, DeleteSecret.
const WINDOW: std::ops::RangeInclusive<i64> = 7..=30;
const USUAL_WINDOW: i64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    force_delete_without_recovery: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Restore {
    secret_id: String,
}

pub(super) fn delete(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Delete = input::read(value)?;
    let id = wanted.secret_id.as_str();
    let force = wanted.force_delete_without_recovery == Some(true);
    if force && wanted.recovery_window_in_days.is_some() {
        let text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
        return Err(invalid_parameter(text));
    }
    let days = wanted.recovery_window_in_days.unwrap_or(USUAL_WINDOW);
    if !WINDOW.contains(&days) {
        return Err(invalid_parameter(
            "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let arn = match call.look(id, |secret| Ok(secret.arn.clone())) {
        // That it is not there is what was wanted.
        Err(error) if force && error.code == "ResourceNotFoundException" => {
            return Ok(json!({ "Name": name_in(id), "DeletionDate": seconds(call.now) }));
        }
        found => found?,
    };
    call.secrets.update(name_in(&arn), |there| {
        let secret = there.as_mut().filter(|secret| secret.arn == arn).ok_or_else(missing)?;
        secret.not_managed()?;
        if secret.goes.is_some() && !force {
            let text = "You can't perform this operation on the secret because it was already scheduled for deletion.";
            return Err(invalid_request(text));
        }
        let goes = if force { call.now } else { call.now + days * DAY_MS };
        secret.goes = Some(goes);
        let answer = json!({ "ARN": secret.arn, "Name": secret.name, "DeletionDate": seconds(goes) });
        if force {
            *there = None;
        }
        Ok::<_, ServiceError>(answer)
    })
}

pub(super) fn restore(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Restore = input::read(value)?;
    let arn = call.look(&wanted.secret_id, |secret| Ok(secret.arn.clone()))?;
    call.secrets.update(name_in(&arn), |there| {
        let secret = there.as_mut().filter(|secret| secret.arn == arn).ok_or_else(missing)?;
        secret.goes = None;
        Ok::<_, ServiceError>(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}

#[cfg(test)]
mod tests {
    use crate::sandbox::{folder::Folder, testing::caller};

    use super::{
        super::{SecretsManager, answer},
        *,
    };

    #[test]
    fn after_its_window_a_secret_is_gone_and_so_is_its_file() {
        let dir = tempfile::tempdir().expect("dir");
        let files = || std::fs::read_dir(dir.path()).expect("reads").count();
        let secrets = Folder::open(dir.path()).expect("opens");
        let caller = caller();
        let at = |now: i64, operation: &str, input: Value| {
            let call = Call { secrets: &secrets, caller: &caller, now, may_read: &|_| Ok(()) };
            answer(&call, operation, input)
        };
        let make = || {
            let token = "0123456789abcdef0123456789abcdef";
            json!({ "Name": "s", "SecretString": "hunter2", "ClientRequestToken": token })
        };
        let named = || json!({ "SecretId": "s" });
        let (first, day) = (at(0, "CreateSecret", make()).expect("makes"), DAY_MS);
        at(0, "DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).expect("deletes");
        at(7 * day - 1, "RestoreSecret", named()).expect("restores");
        at(7 * day, "GetSecretValue", named()).expect("is there");
        at(0, "DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).expect("deletes");
        for operation in ["RestoreSecret", "DescribeSecret", "DeleteSecret"] {
            let error = at(7 * day, operation, named()).expect_err("is gone");
            assert_eq!(error.code, "ResourceNotFoundException");
        }
        let second = at(7 * day, "CreateSecret", make()).expect("makes another");
        assert_ne!(first["ARN"], second["ARN"]);
        at(7 * day, "DeleteSecret", named()).expect("deletes");
        assert_eq!(files(), 1);
        SecretsManager::open(dir.path()).expect("opens, long after");
        assert_eq!(files(), 0);
    }
}
