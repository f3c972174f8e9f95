//! Bedrock Runtime: Converse, answered without a model.
//!
//! Invariants: what comes back is made from the prompt alone, the same for the same prompt, and begins with
//! `[sandbox]`, so that nobody takes it for a model's; a request that Bedrock would refuse is refused. Tools, structured
//! output, guardrails, streams and anything but text are not here and are refused by name.

mod answer;
mod request;

use std::time::Instant;

use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::sandbox::call::{RawRequest, RawResponse, ServiceError};

use request::Converse;

/// Model ids that fail in a way that a caller has to be ready for, whenever they are asked.
const THROTTLED: &str = "sandbox.throttled";
const NOT_READY: &str = "sandbox.not-ready";

/// What it answers.
pub const OPERATIONS: &[&str] = &["Converse"];

/// An error as this service sends it: the code in a header, with the namespace that clients cut off.
pub fn error(error: &ServiceError) -> RawResponse {
    let kind = format!("{}:http://internal.amazon.com/coral/com.amazon.bedrock/", error.code);
    RawResponse::new(error.status, "application/json", json!({ "message": error.message }).to_string())
        .with("x-amzn-errortype", kind)
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

/// Answers one request.
pub fn http(request: &RawRequest) -> RawResponse {
    converse(request).unwrap_or_else(|refused| error(&refused))
}

fn converse(request: &RawRequest) -> Result<RawResponse, ServiceError> {
    let began = Instant::now();
    let path = request.path.strip_prefix("/model/").and_then(|rest| rest.strip_suffix("/converse"));
    let model = path.filter(|_| request.method == "POST").ok_or_else(|| {
        ServiceError::not_in_sandbox("Bedrock Runtime", &format!("{} {}", request.method, request.path))
    })?;
    let model = percent_decode_str(model).decode_utf8_lossy();
    check_model(&model)?;
    let asked = Converse::read(&request.body)?;
    let (said, usage) = answer::answer(&asked);
    let mut body = json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": said.text }] } },
        "stopReason": said.stop_reason,
        "usage": usage,
    });
    body["metrics"] = json!({ "latencyMs": began.elapsed().as_millis() as u64 });
    Ok(RawResponse::new(200, "application/json", body.to_string()))
}

/// Refuses what is no model's id, and lets two ids fail as models do.
fn check_model(model: &str) -> Result<(), ServiceError> {
    match model {
        THROTTLED => Err(ServiceError {
            status: 429,
            code: "ThrottlingException",
            message: "Too many requests, please wait before trying again.".to_owned(),
        }),
        NOT_READY => Err(ServiceError {
            status: 429,
            code: "ModelNotReadyException",
            message: "The model specified in the request is not ready to serve inference requests."
                .to_owned(),
        }),
        id if is_model(id) => Ok(()),
        _ => Err(invalid("The provided model identifier is invalid.")),
    }
}

/// Whether a text has the form of a model's or inference profile's id (`provider.model`) or ARN.
fn is_model(text: &str) -> bool {
    let id = match text.strip_prefix("arn:") {
        // arn:partition:bedrock:region:account:kind/id
        Some(rest) => match rest.splitn(5, ':').collect::<Vec<_>>().as_slice() {
            [_, "bedrock", _, _, resource] => {
                return resource.split_once('/').is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty());
            }
            _ => return false,
        },
        None => text,
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':');
    let (provider, model) = id.split_once('.').unwrap_or_default();
    !provider.is_empty() && !model.is_empty() && id.len() <= 140 && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn ask(model: &str, body: &Value) -> (RawResponse, Value) {
        let response = http(&RawRequest {
            method: "POST".to_owned(),
            path: format!("/model/{model}/converse"),
            query: String::new(),
            headers: std::collections::BTreeMap::new(),
            body: body.to_string().into(),
        });
        let body = serde_json::from_slice(&response.body).expect("JSON");
        (response, body)
    }

    fn prompt(text: &str) -> Value {
        json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] })
    }

    fn text(body: &Value) -> &str {
        body["output"]["message"]["content"][0]["text"].as_str().expect("text")
    }

    #[test]
    fn the_first_sentence_of_the_last_user_text_comes_back_marked() {
        let asked = json!({ "messages": [
            { "role": "user", "content": [{ "text": "Context." }, { "text": "First question? More." }] },
            { "role": "assistant", "content": [{ "text": "An answer." }] },
            { "role": "user", "content": [{ "text": "Version 2.5 is out. Is it good?" }] },
        ]});
        let (response, body) = ask("amazon.nova-lite-v1%3A0", &asked);
        assert_eq!((response.status, text(&body)), (200, "[sandbox] Version 2.5 is out."));
        assert_eq!(body["stopReason"], "end_turn");
        assert_eq!(
            body["usage"]["totalTokens"].as_u64(),
            Some(
                body["usage"]["inputTokens"].as_u64().expect("a number")
                    + body["usage"]["outputTokens"].as_u64().expect("a number")
            )
        );
        assert!(body["metrics"]["latencyMs"].is_u64());
        assert_eq!(ask("amazon.nova-lite-v1%3A0", &asked).1["output"], body["output"]);
    }

    #[test]
    fn an_answer_ends_at_the_token_limit_and_at_stop_sequences() {
        let mut asked = prompt("One two three four five six seven");
        asked["inferenceConfig"] = json!({ "maxTokens": 3 });
        let (_, body) = ask("amazon.nova-lite-v1:0", &asked);
        assert_eq!((text(&body), &body["stopReason"]), ("[sandbox] One two", &json!("max_tokens")));
        assert_eq!(body["usage"]["outputTokens"], 3);
        asked["inferenceConfig"] = json!({ "maxTokens": 1 });
        assert_eq!(text(&ask("amazon.nova-lite-v1:0", &asked).1), "[sandbox]");
        asked["inferenceConfig"] = json!({ "stopSequences": ["four"] });
        let (_, body) = ask("amazon.nova-lite-v1:0", &asked);
        assert_eq!((text(&body), &body["stopReason"]), ("[sandbox] One two three", &json!("stop_sequence")));
    }

    #[test]
    fn what_bedrock_refuses_and_what_is_not_here_is_refused() {
        let good = prompt("Hello.");
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let says = |role: &str, text: &str| json!({ "role": role, "content": [{ "text": text }] });
        for (body, words) in [
            (json!({}), "at least one message"),
            (json!({ "messages": [] }), "at least one message"),
            (json!({ "messages": [says("assistant", "Hi")] }), "must start with a user message"),
            (json!({ "messages": [says("user", "a"), says("user", "b")] }), "alternate"),
            (
                json!({ "messages": [says("user", "a"), says("assistant", "b")] }),
                "must end with a user message",
            ),
            (json!({ "messages": [says("system", "a")] }), "role"),
            (prompt("  "), "messages.0.content.0 is blank"),
            (json!({ "messages": [{ "role": "user", "content": [] }] }), "messages.0 is empty"),
            (
                json!({ "messages": [{ "role": "user", "content": [{ "image": {} }] }] }),
                "image is not in the sandbox",
            ),
            (with("toolConfig", json!({ "tools": [] })), "toolConfig is not in the sandbox"),
            (with("outputConfig", json!({})), "outputConfig is not in the sandbox"),
            (with("guardrailConfig", json!({})), "guardrailConfig is not in the sandbox"),
            (with("inferenceConfig", json!({ "maxTokens": 0 })), "maxTokens"),
            (with("inferenceConfig", json!({ "temperature": 1.5 })), "temperature"),
            (with("inferenceConfig", json!({ "topP": -0.1 })), "topP"),
            (with("inferenceConfig", json!({ "topK": 1 })), "topK"),
            (with("system", json!([{ "text": "" }])), "system.0 is blank"),
            (json!([]), "object"),
        ] {
            let (response, answer) = ask("amazon.nova-lite-v1:0", &body);
            let message = answer["message"].as_str().expect("a message");
            assert_eq!(response.status, 400, "{body}");
            assert!(message.contains(words), "{body}: {message}");
            let kind = response.headers.iter().find(|(name, _)| name == "x-amzn-errortype").expect("a type");
            assert!(kind.1.starts_with("ValidationException:"), "{kind:?}");
        }
    }

    #[test]
    fn two_model_ids_fail_as_models_do_and_wrong_ones_are_refused() {
        let code = |model: &str| {
            let (response, _) = ask(model, &prompt("Hello."));
            let kind = response.headers.iter().find(|(name, _)| name == "x-amzn-errortype");
            (response.status, kind.map(|(_, kind)| kind.split(':').next().unwrap_or_default().to_owned()))
        };
        assert_eq!(code("sandbox.throttled"), (429, Some("ThrottlingException".to_owned())));
        assert_eq!(code("sandbox.not-ready"), (429, Some("ModelNotReadyException".to_owned())));
        for model in ["nova", "", ".", "Amazon.Nova", "amazon%20.nova", "arn:aws:s3:::bucket/x"] {
            assert_eq!(code(model), (400, Some("ValidationException".to_owned())), "{model}");
        }
        for model in
            ["eu.amazon.nova-lite-v1:0", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"]
        {
            assert_eq!(code(model), (200, None), "{model}");
        }
    }
}
