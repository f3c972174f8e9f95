//! Errors, headers and what wrong input gets.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Service, problem};

#[tokio::test]
async fn wrong_input_is_a_problem_that_names_the_field_and_not_the_value() {
    let service = Service::start(&[]).await;
    let long = "x".repeat(201);
    for (body, field) in [
        (json!({}), "body.title"),
        (json!([]), "body"),
        (json!({ "title": " " }), "body.title"),
        (json!({ "title": long }), "body.title"),
        (json!({ "title": ["hunter2"] }), "body.title"),
        (json!({ "title": "x", "text": "a\0b" }), "body.text"),
        (json!({ "title": "x", "colour": "hunter2" }), "body.colour"),
    ] {
        let said = problem(
            service
                .post("/v1/notes")
                .json(&body)
                .send()
                .await
                .expect("answers"),
            422,
        )
        .await;
        assert_eq!(said["errors"][0]["field"], field);
        assert!(!said.to_string().contains("hunter2"), "{said}");
    }
    let json = ("content-type", "application/json");
    let send = |body: &'static str, kind: (&'static str, &'static str)| {
        service
            .post("/v1/notes")
            .header(kind.0, kind.1)
            .body(body)
            .send()
    };
    problem(send("{", json).await.expect("answers"), 400).await;
    problem(
        send("title=x", ("content-type", "text/plain"))
            .await
            .expect("answers"),
        415,
    )
    .await;
    let said = problem(service.get("/v1/notes?limit=0").await, 422).await;
    assert_eq!(said["errors"][0]["field"], "query.limit");
    problem(service.get("/v1/notes?cursor=nonsense").await, 400).await;
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let service = Service::start(&[]).await;
    problem(service.get("/nowhere").await, 404).await;
    let response = service
        .http
        .delete(format!("{}/v1/notes", service.base))
        .send()
        .await
        .expect("answers");
    assert!(response.headers().contains_key("allow"));
    problem(response, 405).await;
}

#[tokio::test]
async fn every_answer_has_its_id_and_the_security_headers() {
    let service = Service::start(&[]).await;
    for path in ["/livez", "/readyz", "/openapi.json", "/nowhere"] {
        let answer = service.get(path).await;
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert!(!headers.contains_key("server") && !headers.contains_key("x-powered-by"));
        assert_eq!(headers["x-request-id"].len(), 32);
    }
    let with_id = |id: &'static str| {
        service
            .http
            .get(format!("{}/livez", service.base))
            .header("x-request-id", id)
    };
    let answer = with_id("caller-1").send().await.expect("answers");
    assert_eq!(answer.headers()["x-request-id"], "caller-1");
    let answer = with_id("not sane").send().await.expect("answers");
    assert_ne!(answer.headers()["x-request-id"], "not sane");
}

#[tokio::test]
async fn the_description_names_what_there_is() {
    let service = Service::start(&[]).await;
    let description: Value = service
        .get("/openapi.json")
        .await
        .json()
        .await
        .expect("is JSON");
    assert!(
        description["openapi"]
            .as_str()
            .expect("a version")
            .starts_with("3.1")
    );
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let problem = &operation["responses"]["503"]["content"]["application/problem+json"];
            assert!(problem.is_object(), "{method} {path}");
        }
    }
    let create = &description["paths"]["/v1/notes"]["post"]["responses"];
    for status in ["201", "409", "415", "422"] {
        assert!(create[status].is_object(), "{status}");
    }
    for status in ["409", "503"] {
        let headers = &create[status]["headers"];
        assert!(headers["Retry-After"].is_object(), "{status}");
    }
    assert_eq!(service.get("/livez").await.status(), StatusCode::OK);
}
