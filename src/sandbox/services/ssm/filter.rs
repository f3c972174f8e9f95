//! Filters of the operations that look for parameters. Source: API reference, "ParameterStringFilter".

use serde::Deserialize;

use crate::sandbox::{
    call::ServiceError,
    protocol::input::{broken, length, within},
};

use super::{
    name,
    parameter::{KEY, Parameter, TYPES},
    refused,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    pub key: String,
    option: Option<String>,
    values: Option<Vec<String>>,
}

const KEYS: [&str; 7] = ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType"];

/// Checks filters for an operation that has these keys (`tag:` stands for all that begin so).
pub(super) fn check(filters: &[Filter], allowed: &[&str]) -> Result<(), ServiceError> {
    for (at, filter) in filters.iter().enumerate() {
        let key = filter.key.as_str();
        length("parameterFilters.member.key", key, 1, 132)?;
        let is_tag = key.strip_prefix("tag:").is_some_and(|name| !name.is_empty());
        if !is_tag && !KEYS.contains(&key) {
            let pattern = "tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType";
            return Err(broken(
                "parameterFilters.member.key",
                &format!("satisfy regular expression pattern: {pattern}"),
            ));
        }
        if !allowed.contains(&if is_tag { "tag:" } else { key }) {
            let text = format!("The following filter key is not valid: {key}. Valid filter keys include: ");
            return Err(refused("InvalidFilterKey", format!("{text}[{}].", allowed.join(", "))));
        }
        if filters[..at].iter().any(|other| other.key == key) {
            let text = "A request can contain only one occurrence of a specific filter.";
            let text = format!("The following filter is duplicated in the request: {key}. {text}");
            return Err(refused("InvalidFilterKey", text));
        }
        filter.check()?;
    }
    Ok(())
}

impl Filter {
    pub fn option(&self) -> &str {
        self.option.as_deref().unwrap_or(if self.key == "Path" { "OneLevel" } else { "Equals" })
    }

    pub fn values(&self) -> &[String] {
        self.values.as_deref().unwrap_or_default()
    }

    fn check(&self) -> Result<(), ServiceError> {
        let (key, values) = (self.key.as_str(), self.values());
        let options: &[&str] = match key {
            "Path" => &["Recursive", "OneLevel"],
            "Name" => &["BeginsWith", "Equals", "Contains"],
            "Label" => &["Equals"],
            _ => &["BeginsWith", "Equals"],
        };
        if !options.contains(&self.option()) {
            let text = format!("The following filter option is not valid: {}.", self.option());
            let text = format!("{text} Valid options include: [{}].", options.join(", "));
            return Err(refused("InvalidFilterOption", text));
        }
        // Only of a tag it may be asked whether there is one.
        if values.is_empty() && !key.starts_with("tag:") {
            let text = format!("The following filter values are missing : null for filter key {key}");
            return Err(refused("InvalidFilterValue", text));
        }
        within("parameterFilters.member.values", "have length", values.len(), 0, 50)?;
        values
            .iter()
            .try_for_each(|value| length("parameterFilters.member.values.member", value, 1, 1024))?;
        let known: &[&str] = match key {
            "Type" => &TYPES,
            "Tier" => &["Standard", "Advanced", "Intelligent-Tiering"],
            _ => &[],
        };
        for value in values {
            if key == "Path" {
                name::check_path(value)?;
            }
            if !known.is_empty() && !known.contains(&value.as_str()) {
                let text = format!("The following filter value is not valid: {value}.");
                let text = format!("{text} Valid values include: [{}]", known.join(", "));
                return Err(refused("InvalidFilterValue", text));
            }
        }
        Ok(())
    }

    /// Whether a text fits one of the values.
    fn fits(&self, text: &str) -> bool {
        self.values().iter().any(|value| match self.option() {
            "BeginsWith" => text.starts_with(value.as_str()),
            _ => text == value,
        })
    }

    /// Names are compared as if each began with a slash.
    fn fits_name(&self, name: &str) -> bool {
        let rooted = |name: &str| format!("/{}", name.strip_prefix('/').unwrap_or(name));
        let name = rooted(name);
        self.values().iter().any(|value| match self.option() {
            "Contains" => name.contains(value.as_str()),
            "BeginsWith" => name.starts_with(&rooted(value)),
            _ => name == rooted(value),
        })
    }

    /// Whether a parameter passes, as its latest version is.
    pub fn takes(&self, parameter: &Parameter) -> bool {
        match self.key.as_str() {
            "Name" => self.fits_name(&parameter.name),
            "Type" => self.fits(&parameter.kind),
            "KeyId" => parameter.is_secure() && self.fits(KEY),
            "Tier" => self.fits(parameter.latest().tier.name()),
            "DataType" => self.fits("text"),
            "Label" => parameter.versions.iter().any(|v| v.labels.iter().any(|label| self.fits(label))),
            "Path" => {
                let recursive = self.option() == "Recursive";
                self.values().iter().any(|path| name::is_below(&parameter.name, path, recursive))
            }
            key => {
                let name = key.strip_prefix("tag:").unwrap_or_default();
                let mut tags = parameter.tags.iter().filter(|tag| tag.key == name);
                tags.any(|tag| self.values().is_empty() || self.fits(&tag.value))
            }
        }
    }
}
