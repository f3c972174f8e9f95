//! Templates, as they were given, and what they say of themselves.

use http::HeaderMap;
use serde_json::{Value, json};

use crate::sandbox::{
    access::{Asked, permit_s3},
    call::{Answer, ServiceError},
};

use super::{
    super::template::{self, Template},
    Request,
    input::capability,
    invalid,
};

impl Request<'_> {
    /// An object of this sandbox's S3, by its address in either style; whoever calls reads it.
    pub(super) fn object(&self, url: &str) -> Result<String, ServiceError> {
        let wrong = || invalid("TemplateURL must be a supported URL.");
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
        let path = path.split('?').next().unwrap_or_default();
        let path = percent_encoding::percent_decode_str(path).decode_utf8().map_err(|_| wrong())?;
        let (bucket, key) = match host.split_once(".s3") {
            Some((bucket, _)) => (bucket.to_owned(), path.into_owned()),
            None => {
                let (bucket, key) = path.split_once('/').ok_or_else(wrong)?;
                (bucket.to_owned(), key.to_owned())
            }
        };
        let asked = Asked {
            operation: "GetObject",
            bucket: Some(&bucket),
            key: Some(&key),
            version: None,
            query: "",
            headers: &HeaderMap::new(),
        };
        permit_s3(&self.at.world, &self.at.caller.access_key_id, asked)
            .map_err(|_| invalid("S3 error: Access Denied"))?;
        let file = self.at.world.s3.object_path(&bucket, &key);
        let file = file.ok_or_else(|| invalid("S3 error: The specified key does not exist."))?;
        if std::fs::metadata(&file)?.len() > template::MOST_BYTES as u64 {
            let most = template::MOST_BYTES;
            return Err(invalid(format!("Template may not exceed {most} bytes in size.")));
        }
        std::fs::read_to_string(file).map_err(|_| invalid("Template format error: the template is no text"))
    }
}

pub(super) fn get(request: &Request<'_>) -> Answer {
    let digest = match request.text("ChangeSetName") {
        Some(_) => request.change_set()?.definition.template,
        None => request.stack()?.definition.template,
    };
    let text = if digest.is_empty() { None } else { Some(request.store().template(&digest)?) };
    Ok(json!({ "TemplateBody": text, "StagesAvailable": ["Original", "Processed"] }))
}

fn read(request: &Request<'_>) -> Result<Template, ServiceError> {
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
