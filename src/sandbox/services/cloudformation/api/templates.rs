//! Templates, as they were given, and what they say of themselves.

use serde_json::{Value, json};

use crate::sandbox::call::Answer;

use super::{super::template::Template, Request, input::capability, invalid};

pub(super) fn get(request: &Request<'_>) -> Answer {
    let digest = match request.text("ChangeSetName") {
        Some(_) => request.change_set()?.definition.template,
        None => request.stack()?.definition.template,
    };
    let text = if digest.is_empty() { None } else { Some(request.store().template(&digest)?) };
    Ok(json!({ "TemplateBody": text, "StagesAvailable": ["Original", "Processed"] }))
}

fn read(request: &Request<'_>) -> Result<Template, crate::sandbox::call::ServiceError> {
    let text = match (request.template()?, request.text("StackName")) {
        (Some(text), _) => text,
        (None, Some(_)) => request.store().template(&request.stack()?.definition.template)?,
        (None, None) => return Err(invalid("Either Template URL or Template Body must be specified.")),
    };
    Template::read(&text).map_err(|error| invalid(error.0))
}

fn capabilities(template: &Template, shown: &mut Value) {
    if let Some((needed, ids)) = capability(template) {
        shown["Capabilities"] = json!([needed]);
        let ids = ids.join(", ");
        shown["CapabilitiesReason"] =
            json!(format!("The following resource(s) require capabilities: [{ids}]"));
    }
}

pub(super) fn validate(request: &Request<'_>) -> Answer {
    let template = read(request)?;
    let parameters: Vec<Value> = template
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "ParameterKey": parameter.id,
                "DefaultValue": parameter.default,
                "NoEcho": parameter.no_echo,
                "Description": parameter.description,
            })
        })
        .collect();
    let mut shown = json!({ "Parameters": parameters, "Description": template.description });
    capabilities(&template, &mut shown);
    Ok(shown)
}

pub(super) fn summary(request: &Request<'_>) -> Answer {
    let template = read(request)?;
    let parameters: Vec<Value> = template
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "ParameterKey": parameter.id,
                "DefaultValue": parameter.default,
                "ParameterType": parameter.kind,
                "NoEcho": parameter.no_echo,
                "Description": parameter.description,
                "ParameterConstraints": parameter.constraints(),
            })
        })
        .collect();
    let mut shown = json!({
        "Parameters": parameters,
        "Description": template.description,
        "ResourceTypes": template.kinds(),
        "Version": "2010-09-09",
        "Metadata": template.metadata.as_ref().map(Value::to_string),
    });
    capabilities(&template, &mut shown);
    Ok(shown)
}
