//! The HTTP side of notes.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    model::{NewNote, Note, NotePage},
    store::NoteStore as _,
};
use crate::{
    request::{
        extract::{self, IdempotencyKey, Page},
        problem::Problem,
    },
    service::App,
};

/// `/v1/notes`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get))
}

/// Makes a note. With an Idempotency-Key a repeated request gets the first answer again.
#[utoipa::path(
    post,
    path = "/v1/notes",
    request_body = NewNote,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255)),
    responses((status = 201, body = Note)),
)]
async fn create(
    State(app): State<Arc<App>>,
    IdempotencyKey(key): IdempotencyKey,
    extract::Json(new): extract::Json<NewNote>,
) -> Result<(StatusCode, HeaderMap, Json<Note>), Problem> {
    let made = app.notes.create(new, key).await?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/notes/{}", made.note.id)) {
        headers.insert(header::LOCATION, location);
    }
    if made.replayed {
        headers.insert(
            HeaderName::from_static("idempotency-replayed"),
            HeaderValue::from_static("true"),
        );
    }
    Ok((StatusCode::CREATED, headers, Json(made.note)))
}

/// Notes in the order they were made, page by page.
#[utoipa::path(
    get,
    path = "/v1/notes",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = NotePage)),
)]
async fn list(State(app): State<Arc<App>>, page: Page) -> Result<Json<NotePage>, Problem> {
    let limit = page.limit;
    // One more than asked for tells whether there is another page.
    let mut found = app.notes.page(page.after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|(number, _)| extract::cursor(*number));
    Ok(Json(NotePage {
        items: found.into_iter().map(|(_, note)| note).collect(),
        next_cursor,
    }))
}

/// One note.
#[utoipa::path(get, path = "/v1/notes/{id}", responses((status = 200, body = Note), (status = 404)))]
async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Note>, Problem> {
    Ok(Json(app.notes.get(&id).await?))
}
