//! `AWS::SecretsManager::Secret` and `AWS::SecretsManager::SecretTargetAttachment`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    server::uuid,
    services::cloudformation::{
        diff::Recreation::{self, Always, Never},
        template::Made,
    },
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct Secret;
pub(super) struct SecretTargetAttachment;

const FLAGS: [&str; 6] = [
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "RequireEachIncludedType",
];

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequest", text)
}

/// What a secret is to hold: what the template says, or a password that is made, alone or within a structure.
async fn value(at: &At, properties: &Properties) -> Outcome<Option<String>> {
    let (given, made) = (properties.get("SecretString"), properties.get("GenerateSecretString"));
    let wanted = match (given, made) {
        (Some(_), Some(_)) => {
            return Err(invalid("You can't specify both SecretString and GenerateSecretString."));
        }
        (Some(text), None) => return Ok(text.as_str().map(str::to_owned)),
        (None, None) => return Ok(None),
        (None, Some(wanted)) => wanted,
    };
    let mut rules = shape::typed(wanted, &["PasswordLength"], &FLAGS);
    let (template, key) = match rules.as_object_mut() {
        Some(map) => (map.remove("SecretStringTemplate"), map.remove("GenerateStringKey")),
        None => return Err(invalid("GenerateSecretString is a structure.")),
    };
    let answer = at.call("secretsmanager", "GetRandomPassword", rules).await?;
    let password = answer["RandomPassword"].clone();
    match (template, key) {
        (None, None) => Ok(password.as_str().map(str::to_owned)),
        (Some(Value::String(template)), Some(Value::String(key))) => {
            let whole: Option<Properties> = serde_json::from_str(&template).ok();
            let mut whole = whole.ok_or_else(|| invalid("SecretStringTemplate is not a JSON object."))?;
            whole.insert(key, password);
            Ok(Some(Value::Object(whole).to_string()))
        }
        _ => Err(invalid("SecretStringTemplate and GenerateStringKey are given together.")),
    }
}

async fn described(at: &At, id: &str) -> Outcome<Option<Value>> {
    match at.call("secretsmanager", "DescribeSecret", json!({ "SecretId": id })).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn made(arn: &Value) -> Made {
    let attributes = json!({ "Id": arn });
    let physical = arn.as_str().unwrap_or_default().to_owned();
    Made { physical, attributes: attributes.as_object().cloned().unwrap_or_default() }
}

#[async_trait]
impl Kind for Secret {
    fn name(&self) -> &'static str {
        "AWS::SecretsManager::Secret"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("Name", Always),
            ("Description", Never),
            ("GenerateSecretString", Never),
            ("KmsKeyId", Never),
            ("SecretString", Never),
            ("Tags", Never),
        ]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Id"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Name", longest: 512, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.map(|secret| made(&secret["ARN"])))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let kept = shape::only(&properties.clone().into(), &["Description", "KmsKeyId", "Tags"]);
        let mut input = shape::with(&kept, "Name", name);
        if let Some(value) = value(at, properties).await? {
            input["SecretString"] = value.into();
            input["ClientRequestToken"] = uuid().into();
        }
        let answer = at.call("secretsmanager", "CreateSecret", input).await?;
        Ok(made(&answer["ARN"]))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let mut input = json!({ "SecretId": physical });
        input["Description"] = new.get("Description").cloned().unwrap_or_else(|| "".into());
        if let Some(key) = new.get("KmsKeyId") {
            input["KmsKeyId"] = key.clone();
        }
        let changed =
            ["SecretString", "GenerateSecretString"].iter().any(|name| old.get(*name) != new.get(*name));
        if changed && let Some(value) = value(at, new).await? {
            input["SecretString"] = value.into();
            input["ClientRequestToken"] = uuid().into();
        }
        at.call("secretsmanager", "UpdateSecret", input).await?;
        if old.get("Tags") != new.get("Tags") {
            let keys = old.get("Tags").and_then(Value::as_array).into_iter().flatten();
            let keys: Vec<Value> = keys.map(|tag| tag["Key"].clone()).collect();
            if !keys.is_empty() {
                let input = json!({ "SecretId": physical, "TagKeys": keys });
                at.call("secretsmanager", "UntagResource", input).await?;
            }
            if let Some(tags) = new.get("Tags") {
                let input = json!({ "SecretId": physical, "Tags": tags });
                at.call("secretsmanager", "TagResource", input).await?;
            }
        }
        Ok(made(&physical.into()))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let input = json!({ "SecretId": physical, "ForceDeleteWithoutRecovery": true });
        match at.call("secretsmanager", "DeleteSecret", input).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let found = described(at, physical).await?;
        Ok(found.map(|secret| shape::only(&secret, &["Name", "Description", "Tags"])))
    }
}

#[async_trait]
impl Kind for SecretTargetAttachment {
    fn name(&self) -> &'static str {
        "AWS::SecretsManager::SecretTargetAttachment"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("SecretId", Always), ("TargetId", Never), ("TargetType", Never)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["SecretId", "TargetId", "TargetType"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Id"]
    }

    fn naming(&self) -> Option<Naming> {
        None
    }

    async fn find(&self, _: &At, _: &str) -> Outcome<Option<Made>> {
        Ok(None)
    }

    /// Writes how the database is reached into the secret. Doing it again comes to the same.
    async fn create(&self, at: &At, _: &str, properties: &Properties) -> Outcome<Made> {
        let text = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("TargetType") != "AWS::RDS::DBInstance" {
            return Err(invalid(format!("TargetType {} is not in the sandbox.", text("TargetType"))));
        }
        let input = json!({ "DBInstanceIdentifier": text("TargetId") });
        let answer = at.call("rds", "DescribeDBInstances", input).await?;
        let one = &answer["DBInstances"][0];
        let id = text("SecretId");
        let answer = at.call("secretsmanager", "GetSecretValue", json!({ "SecretId": id })).await?;
        let whole: Option<Properties> =
            answer["SecretString"].as_str().and_then(|text| serde_json::from_str(text).ok());
        let mut whole = whole.ok_or_else(|| invalid("The secret's value is not a JSON object."))?;
        let before = whole.clone();
        for (name, value) in [
            ("engine", &one["Engine"]),
            ("host", &one["Endpoint"]["Address"]),
            ("port", &one["Endpoint"]["Port"]),
            ("dbInstanceIdentifier", &one["DBInstanceIdentifier"]),
            ("dbname", &one["DBName"]),
        ] {
            if !value.is_null() {
                whole.insert(name.to_owned(), value.clone());
            }
        }
        if whole != before {
            let value = Value::Object(whole).to_string();
            let input = json!({ "SecretId": id, "SecretString": value, "ClientRequestToken": uuid() });
            at.call("secretsmanager", "PutSecretValue", input).await?;
        }
        Ok(made(&answer["ARN"]))
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        self.create(at, physical, new).await
    }

    /// The secret keeps what it says; it is the stack's, and goes with it, or somebody else's.
    async fn delete(&self, _: &At, _: &str, _: &Properties) -> Outcome<()> {
        Ok(())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let found = described(at, physical).await?;
        Ok(found.map(|secret| {
            let id = json!({ "SecretId": secret["ARN"] });
            id.as_object().cloned().unwrap_or_default()
        }))
    }
}
