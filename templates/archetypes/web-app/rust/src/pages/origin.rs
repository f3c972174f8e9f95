//! Forms count only when they were sent from a page of this site.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::request::problem::Problem;

/// Browsers say where a form comes from; callers that say nothing are no browsers.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("unreadable"))
    };
    let ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin
                .parse::<Uri>()
                .ok()
                .and_then(|uri| uri.authority().map(ToString::to_string));
            host.is_some() && host.as_deref() == text(header::HOST.as_str())
        }
        (None, None) => true,
    };
    if ours {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this form was sent from another site",
        ))
    }
}
