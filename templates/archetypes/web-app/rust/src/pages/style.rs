//! The style sheet. Its name holds its digest, so that browsers may keep it for a year.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderName, StatusCode, header},
};
use sha2::{Digest as _, Sha256};

use crate::request::problem::Problem;

pub const ROUTE: &str = "/static/{file}";
const STYLE: &str = include_str!("../../static/style.css");

static PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(STYLE);
    let short: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("/static/style.{short}.css")
});

/// Where pages find it.
pub fn path() -> &'static str {
    &PATH
}

pub async fn serve(
    Path(file): Path<String>,
) -> Result<([(HeaderName, &'static str); 2], &'static str), Problem> {
    if PATH.strip_prefix("/static/") != Some(&file) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such file"));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, STYLE))
}
