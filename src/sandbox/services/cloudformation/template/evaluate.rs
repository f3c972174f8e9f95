//! Values of a template: conditions and functions, against what is known of a stack.
//!
//! Invariant: a value is bounded, however often a short name stands for a long text.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Map, Value};

use super::{
    Template, TemplateError,
    functions::{self, Part, wrong},
    parameters::text_of,
};

/// Stands for what is only known when the resource is made. It is how change sets show it.
pub const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// Most bytes that one value may come to: far more than any service takes.
pub(super) const LARGEST: usize = 8 * 1024 * 1024;

/// What is known of a resource that was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    /// What `Ref` gives.
    pub physical: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
}

/// What a template is evaluated against.
#[derive(Debug, Default)]
pub struct Context<'a> {
    pub(super) template: Option<&'a Template>,
    parameters: BTreeMap<String, Value>,
    pub(super) conditions: BTreeMap<String, bool>,
    /// Resources that were made, by logical id.
    pub made: BTreeMap<String, Made>,
    /// Values that stacks export, by name.
    pub exports: BTreeMap<String, String>,
    /// Whether what is not known yet is told as [`UNKNOWN`], and not an error.
    pub foresee: bool,
    /// Names of the exports that were read.
    pub imported: RefCell<BTreeSet<String>>,
    pub(super) left: Cell<usize>,
}

fn text(value: Option<Value>, what: &str) -> Result<String, TemplateError> {
    value.as_ref().and_then(text_of).ok_or_else(|| wrong(format!("{what} must be a string")))
}

impl<'a> Context<'a> {
    /// `parameters` holds the text of each parameter that is given, and `pseudo` the value of each pseudo parameter.
    ///
    /// # Errors
    /// For a parameter that is missing, not the template's or refused by it, and for conditions that have no value.
    pub fn new(
        template: &'a Template,
        given: &BTreeMap<String, String>,
        pseudo: BTreeMap<String, Value>,
    ) -> Result<Self, TemplateError> {
        let declared: BTreeSet<&str> =
            template.parameters.iter().map(|parameter| parameter.id.as_str()).collect();
        let strange: Vec<&str> =
            given.keys().map(String::as_str).filter(|name| !declared.contains(name)).collect();
        if !strange.is_empty() {
            return Err(TemplateError(format!(
                "Parameters: [{}] do not exist in the template",
                strange.join(", ")
            )));
        }
        let (mut parameters, mut missing) = (pseudo, Vec::new());
        for parameter in &template.parameters {
            match given.get(&parameter.id).or(parameter.default.as_ref()) {
                None => missing.push(parameter.id.as_str()),
                Some(value) => {
                    parameter.check(value)?;
                    parameters.insert(parameter.id.clone(), parameter.value(value));
                }
            }
        }
        if !missing.is_empty() {
            return Err(TemplateError(format!("Parameters: [{}] must have values", missing.join(", "))));
        }
        let mut context = Self { template: Some(template), parameters, ..Self::default() };
        for name in template.conditions.keys() {
            context.named(name)?;
        }
        Ok(context)
    }

    /// The template.
    pub fn template(&self) -> Option<&'a Template> {
        self.template
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }

    /// Evaluates a value; nothing stands for `AWS::NoValue`.
    ///
    /// # Errors
    /// In CloudFormation's own words.
    pub fn evaluate(&self, value: &Value) -> Result<Option<Value>, TemplateError> {
        self.left.set(LARGEST);
        self.value(value)
    }

    fn weighed(&self, value: Value) -> Result<Option<Value>, TemplateError> {
        let weight = 1 + value.as_str().map_or(0, str::len);
        let left = self.left.get().checked_sub(weight);
        self.left.set(left.ok_or_else(|| wrong(format!("a value may not exceed {LARGEST} bytes")))?);
        Ok(Some(value))
    }

    pub(super) fn value(&self, value: &Value) -> Result<Option<Value>, TemplateError> {
        if let Some((name, argument)) = functions::call(value) {
            return self.call(name, argument);
        }
        match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.value(item).transpose());
                Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)))
            }
            Value::Object(map) => {
                let mut made = Map::new();
                for (key, value) in map {
                    if let Some(value) = self.value(value)? {
                        made.insert(key.clone(), value);
                    }
                }
                Ok(Some(made.into()))
            }
            other => self.weighed(other.clone()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, TemplateError> {
        match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default()),
            "Fn::GetAtt" => {
                let malformed = || {
                    wrong(
                        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
                    )
                };
                let (thing, attribute) = functions::attribute(argument).ok_or_else(malformed)?;
                let attribute = text(self.value(&attribute)?, "the attribute of Fn::GetAtt")?;
                self.attribute(&thing, &attribute)
            }
            "Fn::Sub" => self.substituted(argument),
            "Fn::If" => self.chosen(argument).and_then(|chosen| self.value(chosen)),
            "Fn::ImportValue" => {
                let name = text(self.value(argument)?, "the name of an export")?;
                let found = self.exports.get(&name).cloned();
                self.imported.borrow_mut().insert(name.clone());
                match found {
                    Some(value) => self.weighed(value.into()),
                    None => Err(TemplateError(format!("No export named {name} found."))),
                }
            }
            name => {
                let argument = self.value(argument)?.unwrap_or_default();
                let none = Map::new();
                let mappings = self.template.map_or(&none, |template| &template.mappings);
                // A list that is not known yet has no items to choose from.
                if name == "Fn::Select" && argument[1] == UNKNOWN {
                    return Ok(Some(UNKNOWN.into()));
                }
                if name == "Fn::Join" && argument[1] == UNKNOWN {
                    return Ok(Some(UNKNOWN.into()));
                }
                self.weighed(functions::apply(name, &argument, mappings)?)
            }
        }
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(name) {
            return self.weighed(value.clone());
        }
        match self.made.get(name) {
            Some(made) => self.weighed(made.physical.clone().into()),
            None if self.foresee => Ok(Some(UNKNOWN.into())),
            None => Err(TemplateError(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            ))),
        }
    }

    fn attribute(&self, thing: &str, attribute: &str) -> Result<Option<Value>, TemplateError> {
        let Some(made) = self.made.get(thing) else {
            if self.foresee {
                return Ok(Some(UNKNOWN.into()));
            }
            return Err(TemplateError(format!(
                "Template format error: Unresolved resource dependencies [{thing}] in the Resources block of the template"
            )));
        };
        match made.attributes.get(attribute) {
            Some(value) => self.weighed(value.clone()),
            None => Err(wrong(format!(
                "resource {thing} does not support attribute type {attribute} in Fn::GetAtt"
            ))),
        }
    }

    fn substituted(&self, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let malformed = || {
            wrong(
                "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
            )
        };
        let none = Map::new();
        let (source, own) = match argument {
            Value::String(source) => (source, &none),
            Value::Array(items) => match items.as_slice() {
                [Value::String(source), Value::Object(own)] => (source, own),
                [Value::String(source)] => (source, &none),
                _ => return Err(malformed()),
            },
            _ => return Err(malformed()),
        };
        let mut out = String::new();
        for part in functions::parts(source) {
            let value = match part {
                Part::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::Literal(text) => {
                    out.push_str(&format!("${{{text}}}"));
                    continue;
                }
                Part::Name(name) => match (own.get(name), name.split_once('.')) {
                    (Some(value), _) => self.value(value)?,
                    (None, Some((thing, attribute))) => self.attribute(thing, attribute)?,
                    (None, None) => self.reference(name)?,
                },
            };
            out.push_str(&text(value, "a value in Fn::Sub")?);
        }
        self.weighed(out.into())
    }
}
