//! Conversations, over HTTP/1.1 and HTTP/2.

use crate::support::{Place, aws::Aws};

#[test]
fn a_conversation_is_answered_as_the_sandbox_and_fails_as_bedrock_does() {
    let Some(aws) = Aws::start() else { return };
    let converse = |model: &'static str, more: &'static [&'static str]| {
        let messages = r#"[{"role":"user","content":[{"text":"Say it in short. The rest is not needed."}]}]"#;
        [&["bedrock-runtime", "converse", "--model-id", model, "--messages", messages], more].concat()
    };
    let answer =
        aws.ok(&converse("amazon.nova-lite-v1:0", &["--inference-config", "maxTokens=256,temperature=0.2"]));
    assert_eq!(answer["output"]["message"]["content"][0]["text"], "[sandbox] Say it in short.");
    assert_eq!(answer["output"]["message"]["role"], "assistant");
    assert_eq!(answer["stopReason"], "end_turn");
    assert_eq!(answer["usage"]["outputTokens"], 6);
    assert!(answer["metrics"]["latencyMs"].is_u64());
    let cut = aws.ok(&converse("amazon.nova-lite-v1:0", &["--inference-config", "maxTokens=2"]));
    assert_eq!(cut["output"]["message"]["content"][0]["text"], "[sandbox] Say");
    assert_eq!(cut["stopReason"], "max_tokens");

    aws.refused(&converse("nova", &[]), &["ValidationException", "model identifier is invalid"]);
    aws.refused(&converse("sandbox.throttled", &[]), &["ThrottlingException"]);
    aws.refused(&converse("sandbox.not-ready", &[]), &["ModelNotReadyException"]);
    let tools = r#"{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{}}}}]}"#;
    let with_tools = [converse("amazon.nova-lite-v1:0", &[]), vec!["--tool-config", tools]].concat();
    aws.refused(&with_tools, &["ValidationException", "toolConfig is not in the sandbox"]);
    aws.refused_with_another_secret(&converse("amazon.nova-lite-v1:0", &[]));
}

/// Signature Version 4 of a request to Bedrock Runtime over HTTP/2, by the rules and apart from the code that verifies it.
fn signed(env: &std::collections::BTreeMap<String, String>, path: &str, body: &str) -> http::Request<String> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::{Digest as _, Sha256};
    let endpoint = &env["AWS_ENDPOINT_URL"];
    let authority = endpoint.strip_prefix("http://").expect("plain HTTP");
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let date = time::OffsetDateTime::now_utc().format(&format).expect("formats");
    let day = &date[..8];
    let hash = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
    let names = ":authority;x-amz-date";
    let canonical = format!(
        "POST\n{}\n\n:authority:{authority}\nx-amz-date:{date}\n\n{names}\n{}",
        path.replace('%', "%25"),
        hash(body)
    );
    let scope = format!("{day}/{}/bedrock/aws4_request", env["AWS_REGION"]);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(&canonical));
    let sign = |key: Vec<u8>, data: &str| -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(data.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{}", env["AWS_SECRET_ACCESS_KEY"]).into_bytes(), sign);
    let header = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        env["AWS_ACCESS_KEY_ID"],
        hex::encode(sign(key, &text))
    );
    let request = http::Request::post(format!("{endpoint}{path}")).version(http::Version::HTTP_2);
    request
        .header("x-amz-date", date)
        .header("authorization", header)
        .body(body.to_owned())
        .expect("a request")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_speaks_http_2_is_understood_and_its_signature_verified() {
    use http_body_util::BodyExt as _;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let mut env = place.aws_env();
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<String>();
    let body = r#"{"messages":[{"role":"user","content":[{"text":"One. Two."}]}]}"#;
    let path = "/model/amazon.nova-lite-v1%3A0/converse";
    let answer = client.request(signed(&env, path, body)).await.expect("an answer");
    let status = answer.status();
    let text = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!((status.as_u16(), text.starts_with(b"{\"output\"")), (200, true), "{text:?}");
    env.insert("AWS_SECRET_ACCESS_KEY".to_owned(), "wrong".to_owned());
    let refused = client.request(signed(&env, path, body)).await.expect("an answer");
    assert_eq!(refused.status(), 403);
    assert!(refused.headers()["x-amzn-errortype"].as_bytes().starts_with(b"InvalidSignatureException"));
}
