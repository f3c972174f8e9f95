//! The sections of a template, and which members each may have.
//!
//! Source: CloudFormation user guide, "Template sections", "Resource attributes" and "CloudFormation quotas".

use serde_json::{Map, Value};

use super::{Parameter, Template, TemplateError, parameters};

const MOST_RESOURCES: usize = 500;
const MOST_PARAMETERS: usize = 200;
const MOST_MAPPINGS: usize = 200;
const MOST_OUTPUTS: usize = 200;

/// What becomes of a resource that is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Policy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays, and is no longer the stack's.
    Retain,
    /// It stays, unless it was made by the very operation that failed.
    RetainExceptOnCreate,
    /// A snapshot is taken, and it is deleted.
    Snapshot,
}

/// A resource of a template.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// Its type, as `AWS::S3::Bucket`.
    pub kind: String,
    /// Its properties, not evaluated.
    pub properties: Map<String, Value>,
    /// Logical ids that it names in `DependsOn`.
    pub depends_on: Vec<String>,
    /// The condition without which it is not made.
    pub condition: Option<String>,
    /// What becomes of it when the stack no longer has it; none where the template does not say.
    pub deletion: Option<Policy>,
    /// What becomes of it when another takes its place.
    pub replacement: Option<Policy>,
    /// As it was written.
    pub metadata: Option<Value>,
}

/// An output of a template.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub id: String,
    /// For people.
    pub description: Option<String>,
    /// Not evaluated.
    pub value: Value,
    /// The name under which other stacks read it, not evaluated.
    pub export: Option<Value>,
    /// The condition without which it is not told.
    pub condition: Option<String>,
}

fn error(text: impl Into<String>) -> TemplateError {
    TemplateError(text.into())
}

fn format_error(text: impl std::fmt::Display) -> TemplateError {
    error(format!("Template format error: {text}"))
}

/// A section that is a table of named things.
fn table(
    root: &mut Map<String, Value>,
    name: &str,
    most: usize,
) -> Result<Map<String, Value>, TemplateError> {
    let found = match root.remove(name) {
        None => return Ok(Map::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format_error(format!("[/{name}] '{name}' section must be an object"))),
    };
    for id in found.keys() {
        if id.is_empty() || id.len() > 255 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let one = name.trim_end_matches('s');
            return Err(format_error(format!("{one} name {id} is non alphanumeric.")));
        }
    }
    if found.len() > most {
        let one = name.trim_end_matches('s').to_lowercase();
        return Err(format_error(format!(
            "Number of {one}s, {}, is greater than maximum allowed, {most}",
            found.len()
        )));
    }
    Ok(found)
}

fn members(value: Value, place: &str, known: &[&str]) -> Result<Map<String, Value>, TemplateError> {
    let Value::Object(map) = value else {
        return Err(format_error(format!("[{place}] expects an object")));
    };
    let unknown: Vec<&str> = map.keys().map(String::as_str).filter(|key| !known.contains(key)).collect();
    if unknown.is_empty() {
        return Ok(map);
    }
    Err(error(format!("Invalid template property or properties [{}]", unknown.join(", "))).within(place))
}

impl TemplateError {
    /// Says where in the template, for what has no place in its words.
    fn within(self, place: &str) -> Self {
        Self(format!("Template format error: [{place}] {}", self.0))
    }
}

fn word(map: &mut Map<String, Value>, name: &str, place: &str) -> Result<Option<String>, TemplateError> {
    match map.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format_error(format!("[{place}/{name}] every {name} member must be a string."))),
    }
}

/// Reads the sections; which names lead where is checked later.
pub(super) fn read(value: Value) -> Result<Template, TemplateError> {
    let Value::Object(mut root) = value else {
        return Err(format_error("unsupported structure."));
    };
    if let Some(version) = root.remove("AWSTemplateFormatVersion")
        && version != "2010-09-09"
    {
        return Err(format_error("unsupported value for AWSTemplateFormatVersion.".to_owned()));
    }
    let description = match root.remove("Description") {
        None => None,
        Some(Value::String(text)) if text.len() <= 1024 => Some(text),
        Some(Value::String(_)) => {
            return Err(format_error("'Description' length is greater than 1024."));
        }
        Some(_) => return Err(format_error("every Description member must be a string.")),
    };
    let metadata = root.remove("Metadata");
    let mut resources = Vec::new();
    if !root.contains_key("Resources") {
        return Err(format_error("At least one Resources member must be defined."));
    }
    for (id, value) in table(&mut root, "Resources", MOST_RESOURCES)? {
        resources.push(resource(id, value)?);
    }
    if resources.is_empty() {
        return Err(format_error("At least one Resources member must be defined."));
    }
    let parameters: Vec<Parameter> = table(&mut root, "Parameters", MOST_PARAMETERS)?
        .into_iter()
        .map(|(id, value)| parameters::read(id, value))
        .collect::<Result<_, _>>()?;
    let mut outputs = Vec::new();
    for (id, value) in table(&mut root, "Outputs", MOST_OUTPUTS)? {
        outputs.push(output(id, value)?);
    }
    let mappings = table(&mut root, "Mappings", MOST_MAPPINGS)?;
    mappings.iter().try_for_each(|(name, map)| mapping(name, map))?;
    let conditions = table(&mut root, "Conditions", usize::MAX)?;
    for (refused, words) in [("Transform", "transforms"), ("Rules", "rules"), ("Hooks", "hooks")] {
        if root.contains_key(refused) {
            return Err(error(format!("Template error: {words} are not in the sandbox")));
        }
    }
    if !root.is_empty() {
        let names = root.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(error(format!("Invalid template property or properties [{names}]")));
    }
    Ok(Template { description, metadata, parameters, mappings, conditions, resources, outputs })
}

fn policy(map: &mut Map<String, Value>, name: &str, id: &str) -> Result<Option<Policy>, TemplateError> {
    let place = format!("/Resources/{id}");
    let Some(text) = word(map, name, &place)? else { return Ok(None) };
    match text.as_str() {
        "Delete" => Ok(Some(Policy::Delete)),
        "Retain" => Ok(Some(Policy::Retain)),
        "RetainExceptOnCreate" if name == "DeletionPolicy" => Ok(Some(Policy::RetainExceptOnCreate)),
        "Snapshot" => Ok(Some(Policy::Snapshot)),
        other => Err(error(format!("Template error: Unrecognized {name} {other} for resource {id}"))),
    }
}

fn resource(id: String, value: Value) -> Result<Resource, TemplateError> {
    const KNOWN: [&str; 10] = [
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Metadata",
        "CreationPolicy",
        "UpdatePolicy",
        "Description",
    ];
    let place = format!("/Resources/{id}");
    let mut map = members(value, &place, &KNOWN)?;
    for refused in ["CreationPolicy", "UpdatePolicy"] {
        if map.contains_key(refused) {
            return Err(format_error(format!("[{place}] {refused} is not in the sandbox")));
        }
    }
    let kind = word(&mut map, "Type", &place)?.filter(|kind| !kind.is_empty());
    let kind = kind.ok_or_else(|| {
        format_error(format!("[{place}] Every Resources object must contain a Type member."))
    })?;
    let properties = match map.remove("Properties") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format_error(format!("[{place}/Properties] 'Properties' must be an object"))),
    };
    let names = |value: Value| match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let depends_on = match map.remove("DependsOn") {
        None => Vec::new(),
        Some(value) => names(value)
            .ok_or_else(|| format_error("Every DependsOn value must be a string or a list of strings."))?,
    };
    Ok(Resource {
        kind,
        properties,
        depends_on,
        condition: word(&mut map, "Condition", &place)?,
        deletion: policy(&mut map, "DeletionPolicy", &id)?,
        replacement: policy(&mut map, "UpdateReplacePolicy", &id)?,
        metadata: map.remove("Metadata"),
        id,
    })
}

fn output(id: String, value: Value) -> Result<Output, TemplateError> {
    let place = format!("/Outputs/{id}");
    let mut map = members(value, &place, &["Description", "Value", "Export", "Condition"])?;
    let missing = || format_error(format!("Output {id} is malformed. The Value member is required."));
    let value = map.remove("Value").filter(|value| !value.is_null()).ok_or_else(missing)?;
    let export = match map.remove("Export") {
        None => None,
        Some(export) => {
            let mut export = members(export, &format!("{place}/Export"), &["Name"])?;
            let name = export.remove("Name");
            Some(name.ok_or_else(|| format_error(format!("[{place}/Export] Name is required")))?)
        }
    };
    Ok(Output {
        description: word(&mut map, "Description", &place)?,
        condition: word(&mut map, "Condition", &place)?,
        value,
        export,
        id,
    })
}

/// A mapping has two levels of keys, and values that are words or lists of words.
fn mapping(name: &str, value: &Value) -> Result<(), TemplateError> {
    let plain = |value: &Value| match value {
        Value::Array(items) => {
            items.iter().all(|item| !item.is_object() && !item.is_array() && !item.is_null())
        }
        Value::Object(_) | Value::Null => false,
        _ => true,
    };
    let second = |value: &Value| value.as_object().is_some_and(|map| map.values().all(plain));
    if value.as_object().is_some_and(|map| map.values().all(second)) {
        return Ok(());
    }
    Err(format_error(format!("Every Mappings attribute must be a String or a List. [/Mappings/{name}]")))
}
