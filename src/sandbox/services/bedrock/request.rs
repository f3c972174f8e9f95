//! What a conversation may be. Source: Amazon Bedrock API reference, Converse.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::sandbox::call::ServiceError;

use super::invalid;

/// Members that the service has and the sandbox does not.
const NOT_HERE: [&str; 6] = [
    "toolConfig",
    "outputConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "promptVariables",
];

/// Longest input in tokens: that of Amazon Nova Lite. Source: Amazon Nova user guide.
const LONGEST: usize = 300_000;

/// A conversation that can be answered.
#[derive(Debug)]
pub(super) struct Converse {
    /// Every text of it, instructions first.
    pub texts: Vec<String>,
    /// The last text that the user said.
    pub last: String,
    pub limits: Limits,
}

/// How an answer ends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Limits {
    pub max_tokens: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    pub stop_sequences: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    system: Vec<Map<String, Value>>,
    #[serde(default)]
    inference_config: Limits,
    /// Neither changes what is answered.
    #[serde(rename = "requestMetadata")]
    _request_metadata: Option<BTreeMap<String, String>>,
    #[serde(rename = "performanceConfig")]
    _performance_config: Option<Value>,
    #[serde(rename = "serviceTier")]
    _service_tier: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: Vec<Map<String, Value>>,
}

impl Limits {
    fn check(&self) -> Result<(), ServiceError> {
        if self.max_tokens.is_some_and(|most| most < 1) {
            return Err(invalid("inferenceConfig.maxTokens must be greater than or equal to 1"));
        }
        for (name, value) in [("temperature", self.temperature), ("topP", self.top_p)] {
            if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return Err(invalid(format!("inferenceConfig.{name} must be between 0 and 1")));
            }
        }
        if self.stop_sequences.iter().any(String::is_empty) {
            return Err(invalid("inferenceConfig.stopSequences must not hold an empty text"));
        }
        Ok(())
    }
}

/// The text of a block; `place` says where it stands.
fn text(block: &Map<String, Value>, place: &str) -> Result<String, ServiceError> {
    match block.iter().collect::<Vec<_>>().as_slice() {
        [(kind, Value::String(text))] if *kind == "text" => {
            if text.trim().is_empty() {
                return Err(invalid(format!(
                    "The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try again."
                )));
            }
            Ok(text.clone())
        }
        [(kind, _)] if *kind != "text" => {
            Err(invalid(format!("content of the kind {kind} is not in the sandbox (at {place})")))
        }
        _ => Err(invalid(format!("the content block at {place} must have exactly one kind of content"))),
    }
}

impl Converse {
    /// Reads a request.
    ///
    /// # Errors
    /// `ValidationException` for one that the service refuses or the sandbox does not understand.
    pub fn read(body: &[u8]) -> Result<Self, ServiceError> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| ServiceError::client("SerializationException", error.to_string()))?;
        let members = value.as_object().ok_or_else(|| invalid("the body must be a JSON object"))?;
        if let Some(name) = NOT_HERE.iter().find(|name| members.get(**name).is_some_and(|v| !v.is_null())) {
            return Err(invalid(format!("{name} is not in the sandbox")));
        }
        let input: Input = serde_json::from_value(value).map_err(|error| invalid(error.to_string()))?;
        input.inference_config.check()?;
        let mut texts = Vec::new();
        for (index, block) in input.system.iter().enumerate() {
            texts.push(text(block, &format!("system.{index}"))?);
        }
        check_turns(&input.messages)?;
        for (index, message) in input.messages.iter().enumerate() {
            if message.content.is_empty() {
                return Err(invalid(format!(
                    "The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the content field and try again."
                )));
            }
            for (at, block) in message.content.iter().enumerate() {
                texts.push(text(block, &format!("messages.{index}.content.{at}"))?);
            }
        }
        if texts.iter().map(|text| super::answer::tokens(text).count()).sum::<usize>() > LONGEST {
            return Err(invalid("Input is too long for requested model."));
        }
        // The conversation ends with the user's turn, and every turn has a text.
        let last = texts.last().cloned().unwrap_or_default();
        Ok(Self { texts, last, limits: input.inference_config })
    }
}

/// The user begins, user and assistant take turns, and the user has the last word.
fn check_turns(messages: &[Message]) -> Result<(), ServiceError> {
    if let Some(message) = messages.iter().find(|m| !matches!(m.role.as_str(), "user" | "assistant")) {
        return Err(invalid(format!("the role {} is not one of user and assistant", message.role)));
    }
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
        return Err(invalid("The conversation must have at least one message."));
    };
    let why = if first.role != "user" {
        "A conversation must start with a user message. Try again with a conversation that starts with a user message."
    } else if messages.windows(2).any(|pair| pair[0].role == pair[1].role) {
        "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again."
    } else if last.role != "user" {
        "A conversation must end with a user message. Try again with a conversation that ends with a user message."
    } else {
        return Ok(());
    };
    Err(invalid(why))
}
