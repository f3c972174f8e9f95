//! `AWS::IAM::OIDCProvider`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{
    super::{At, Kind, Naming, Outcome, Properties, shape},
    found, gone, made, retag, texts,
};

pub(in super::super) struct OidcProvider;

const ARN: &str = "OpenIDConnectProviderArn";

/// The ARN of the one with this address.
fn arn(at: &At, url: &str) -> String {
    let host = url.trim_start_matches("https://").trim_end_matches('/');
    format!("arn:aws:iam::{}:oidc-provider/{host}", at.caller.account)
}

fn told(arn: &str) -> Made {
    made(arn, json!({ "Arn": arn }))
}

async fn described(at: &At, arn: &str) -> Outcome<Option<Value>> {
    found(at.call("iam", "GetOpenIDConnectProvider", json!({ ARN: arn })).await)
}

#[async_trait]
impl Kind for OidcProvider {
    fn name(&self) -> &'static str {
        "AWS::IAM::OIDCProvider"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("ClientIdList", Never), ("Tags", Never), ("ThumbprintList", Never), ("Url", Always)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Url"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Url", longest: 255, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let arn = arn(at, name);
        Ok(described(at, &arn).await?.map(|_| told(&arn)))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = shape::only(&Value::Object(properties.clone()), &["ThumbprintList", "Tags"]);
        input.insert("Url".to_owned(), name.into());
        input.insert("ClientIDList".to_owned(), json!(texts(properties.get("ClientIdList"))));
        let answer = at.call("iam", "CreateOpenIDConnectProvider", input.into()).await?;
        Ok(told(answer[ARN].as_str().unwrap_or_default()))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let (had, has) = (texts(old.get("ClientIdList")), texts(new.get("ClientIdList")));
        for client in has.iter().filter(|client| !had.contains(client)) {
            let input = json!({ ARN: physical, "ClientID": client });
            at.call("iam", "AddClientIDToOpenIDConnectProvider", input).await?;
        }
        for client in had.iter().filter(|client| !has.contains(client)) {
            let input = json!({ ARN: physical, "ClientID": client });
            at.call("iam", "RemoveClientIDFromOpenIDConnectProvider", input).await?;
        }
        if old.get("ThumbprintList") != new.get("ThumbprintList") {
            let input = json!({ ARN: physical, "ThumbprintList": texts(new.get("ThumbprintList")) });
            at.call("iam", "UpdateOpenIDConnectProviderThumbprint", input).await?;
        }
        let (old, new) = (old.get("Tags"), new.get("Tags"));
        retag(at, "OpenIDConnectProvider", ARN, physical, old, new).await?;
        Ok(told(physical))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        gone(at.call("iam", "DeleteOpenIDConnectProvider", json!({ ARN: physical })).await)
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(there) = described(at, physical).await? else { return Ok(None) };
        let url = format!("https://{}", there["Url"].as_str().unwrap_or_default());
        let mut found = shape::only(&there, &["ThumbprintList", "Tags"]);
        found.insert("Url".to_owned(), url.into());
        found.insert("ClientIdList".to_owned(), there["ClientIDList"].clone());
        Ok(Some(found))
    }
}
