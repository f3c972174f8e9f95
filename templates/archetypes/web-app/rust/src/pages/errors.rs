//! Errors as pages, for callers that prefer HTML.

use askama::Template;
use axum::{
    http::{HeaderMap, header},
    response::Response,
};

use super::{page, style};
use crate::request::{context::request_id, problem::Problem};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    style: &'static str,
    status: u16,
    title: &'static str,
    detail: String,
    request_id: String,
}

/// The same problem as a page.
pub fn as_page(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let template = ErrorPage {
        style: style::path(),
        status: problem.status.as_u16(),
        title: problem.status.canonical_reason().unwrap_or("Error"),
        detail: problem.detail,
        request_id: request_id().unwrap_or_default(),
    };
    let Ok(page) = page(problem.status, &template) else {
        return response;
    };
    let (page, body) = page.into_parts();
    // What the problem says beside its body (when to come back, for example) holds for the page, too.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(page.headers);
    *response.body_mut() = body;
    response
}

/// Whether the caller asks for HTML more than for JSON.
pub fn preferred(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let weight = |wanted: &str| {
        let quality = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            (parts.next() == Some(wanted)).then(|| {
                let quality = parts.find_map(|part| part.strip_prefix("q="));
                quality
                    .and_then(|quality| quality.parse::<f32>().ok())
                    .unwrap_or(1.0)
            })
        };
        accept.split(',').find_map(quality).unwrap_or(0.0)
    };
    weight("text/html") > weight("application/json").max(weight("application/problem+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_html_first_prefers_it() {
        let prefers = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            preferred(&headers)
        };
        assert!(prefers("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(prefers("application/json;q=0.5, text/html;q=0.9"));
        assert!(!prefers("application/json, text/html;q=0.9"));
        assert!(!prefers("*/*"));
        assert!(!preferred(&HeaderMap::new()));
    }
}
