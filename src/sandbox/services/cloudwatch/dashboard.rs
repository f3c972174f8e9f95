//! Dashboards: kept and told, not drawn.
//!
//! Source: CloudWatch API reference, `PutDashboard`, and "Dashboard body structure and syntax".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, Caller, ServiceError};

use super::{
    CloudWatch,
    input::{self, missing},
    tags::{self, Tags},
};

/// Dashboards on a page. Source: CloudWatch API reference, `ListDashboards`.
const PAGE: usize = 1000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dashboard {
    body: String,
    modified: f64,
    #[serde(default)]
    pub tags: Tags,
}

fn wrong(message: impl Into<String>) -> ServiceError {
    ServiceError::client("DashboardInvalidInputError", message)
}

fn not_there(name: &str) -> ServiceError {
    let message = format!("Dashboard {name} does not exist");
    ServiceError { status: 404, code: "DashboardNotFoundError", message }
}

/// Warnings about a body; a body that is no dashboard is an error.
fn check(body: &str) -> Result<Vec<Value>, ServiceError> {
    let value: Value = serde_json::from_str(body)
        .map_err(|error| wrong(format!("The field DashboardBody must be a valid JSON object: {error}")))?;
    let object =
        value.as_object().ok_or_else(|| wrong("The field DashboardBody must be a valid JSON object"))?;
    let widgets = match object.get("widgets") {
        None => return Err(wrong("The dashboard body is invalid: it should have the property widgets")),
        Some(widgets) => {
            widgets.as_array().ok_or_else(|| wrong("The property widgets should be an array"))?
        }
    };
    let mut messages = Vec::new();
    for (at, widget) in widgets.iter().enumerate() {
        match widget["type"].as_str() {
            None => return Err(wrong(format!("The widget /widgets/{at} should have the property type"))),
            Some("metric" | "text" | "log" | "alarm" | "explorer" | "custom") => {}
            Some(other) => messages.push(json!({
                "DataPath": format!("/widgets/{at}/type"),
                "Message": format!("There is no type of widgets {other}"),
            })),
        }
    }
    Ok(messages)
}

/// Answers one operation.
pub(super) fn handle(state: &CloudWatch, operation: &str, input: &Value, caller: &Caller) -> Answer {
    let arn = |name: &str| format!("arn:aws:cloudwatch::{}:dashboard/{name}", caller.account);
    match operation {
        "PutDashboard" => {
            let name =
                input::text(input, "DashboardName").ok_or_else(|| wrong("DashboardName is required"))?;
            if name.len() > 255 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                return Err(wrong("A dashboard's name has up to 255 letters, digits, - and _"));
            }
            let body =
                input::text(input, "DashboardBody").ok_or_else(|| wrong("DashboardBody is required"))?;
            let messages = check(body)?;
            let tags = tags::read(input::list(input, "Tags"))?;
            state.dashboards.update(|all| {
                let tags = all.get(name).map_or(tags, |known| known.tags.clone());
                let made = Dashboard { body: body.to_owned(), modified: input::now(), tags };
                all.insert(name.to_owned(), made);
                Ok::<_, ServiceError>(())
            })?;
            Ok(json!({ "DashboardValidationMessages": messages }))
        }
        "GetDashboard" => {
            let name = input::required(input, "DashboardName")?;
            let body = state.dashboards.read(|all| all.get(name).map(|one| one.body.clone()));
            let body = body.ok_or_else(|| not_there(name))?;
            Ok(json!({ "DashboardArn": arn(name), "DashboardBody": body, "DashboardName": name }))
        }
        "ListDashboards" => {
            let prefix = input::text(input, "DashboardNamePrefix").unwrap_or_default();
            let found: Vec<Value> = state.dashboards.read(|all| {
                let wanted = all.iter().filter(|(name, _)| name.starts_with(prefix));
                wanted
                    .map(|(name, one)| {
                        json!({
                            "DashboardName": name,
                            "DashboardArn": arn(name),
                            "LastModified": one.modified,
                            "Size": one.body.len(),
                        })
                    })
                    .collect()
            });
            let (entries, next) =
                input::page(found, input::text(input, "NextToken"), PAGE).map_err(|mut error| {
                    error.code = "InvalidParameterValueException";
                    error
                })?;
            let mut answer = json!({ "DashboardEntries": entries });
            if let Some(next) = next {
                answer["NextToken"] = json!(next);
            }
            Ok(answer)
        }
        _ => {
            let names = input::texts(input, "DashboardNames");
            if names.is_empty() {
                return Err(missing("DashboardNames"));
            }
            state.dashboards.update(|all| {
                for name in &names {
                    all.remove(name).ok_or_else(|| not_there(name))?;
                }
                Ok::<_, ServiceError>(())
            })?;
            Ok(json!({}))
        }
    }
}
