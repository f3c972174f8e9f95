//! Pages, as a browser without JavaScript uses them.

use reqwest::Response;

use crate::running::{Service, problem};

async fn send(service: &Service, fields: &str, headers: &[(&'static str, &str)]) -> Response {
    let form = "application/x-www-form-urlencoded";
    let mut request = service
        .post("/notes")
        .header("content-type", form)
        .body(fields.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("answers")
}

/// What stands between two marks.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).expect("has the first mark").1;
    rest.split_once(after).expect("has the second mark").0
}

#[tokio::test]
async fn a_form_makes_one_note_however_often_it_is_sent() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let page = service.get("/").await;
    let policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    assert_eq!(page.headers()["content-security-policy"], policy);
    assert_eq!(page.headers()["referrer-policy"], "same-origin");
    let page = page.text().await.expect("text");
    let key = between(&page, "name=\"key\" value=\"", "\"");
    let fields = format!("title=%3Cb%3Ehello&text=there&key={key}");
    let first = send(&service, &fields, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(first.status(), 303);
    let location = first.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(
        send(&service, &fields, &[]).await.headers()["location"],
        location.as_str()
    );
    let note = service.get(&location).await.text().await.expect("text");
    assert!(
        !note.contains("<b>hello") && note.contains("hello") && note.contains("there"),
        "{note}"
    );
    let list = service.get("/").await.text().await.expect("text");
    assert_eq!(list.matches(&location).count(), 1);
}

#[tokio::test]
async fn a_form_that_is_not_right_comes_back_as_it_was_typed() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let answer = send(&service, "title=+&text=%3Ckeep+me%3E&key=k", &[]).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.expect("text");
    assert!(
        page.contains("title must have")
            && page.contains("keep me&#62;")
            && page.contains("value=\"k\""),
        "{page}"
    );
}

#[tokio::test]
async fn forms_from_other_sites_are_refused() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let other = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
    ];
    for header in other {
        problem(send(&service, "title=x", &[header]).await, 403).await;
    }
    let own = service.base.clone();
    assert_eq!(
        send(&service, "title=x", &[("origin", &own)])
            .await
            .status(),
        303
    );
}

#[tokio::test]
async fn the_style_sheet_is_kept_for_a_year_under_its_digest() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let page = service.get("/").await.text().await.expect("text");
    let path = between(&page, "rel=\"stylesheet\" href=\"", "\"");
    let sheet = service.get(path).await;
    assert_eq!(
        sheet.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert!(sheet.text().await.expect("text").contains("body"));
    problem(service.get("/static/style.css").await, 404).await;
}

#[tokio::test]
async fn errors_are_pages_for_who_prefers_html_and_problems_for_others() {
    let service = Service::start(&[]).await;
    let request = service
        .http
        .get(format!("{}/nowhere", service.base))
        .header("accept", "text/html,*/*;q=0.8");
    let answer = request.send().await.expect("answers");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let id = answer.headers()["x-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(answer.text().await.expect("text").contains(&id));
    problem(service.get("/nowhere").await, 404).await;
}
