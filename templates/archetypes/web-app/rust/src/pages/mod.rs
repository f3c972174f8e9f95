//! Pages rendered here: they work without JavaScript.

pub mod errors;
mod origin;
mod style;

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    notes::{
        model::{NewNote, Note},
        store::NoteStore as _,
    },
    request::{extract::Checked as _, problem::Problem},
    service::App,
};

const SHOWN: usize = 50;
/// What pages may load: nothing but what this service serves.
const PAGE_POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(list))
        .route("/notes", post(create))
        .route("/notes/{id}", get(show))
        .route(style::ROUTE, get(style::serve))
}

/// What is typed into the form. The key makes sending it twice the same as once.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    title: String,
    text: String,
    key: String,
}

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    style: &'static str,
    notes: Vec<Note>,
    typed: Typed,
    wrong: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "note.html")]
struct Single {
    style: &'static str,
    note: Note,
}

/// The newest notes and a form for another.
async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    page_of_notes(
        &app,
        Typed {
            key: new_key(),
            ..Typed::default()
        },
        Vec::new(),
        StatusCode::OK,
    )
    .await
}

async fn page_of_notes(
    app: &App,
    typed: Typed,
    wrong: Vec<(String, String)>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let notes = app.notes.newest(SHOWN).await?;
    page(
        status,
        &List {
            style: style::path(),
            notes,
            typed,
            wrong,
        },
    )
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let note = app.notes.get(&id).await?;
    page(
        StatusCode::OK,
        &Single {
            style: style::path(),
            note,
        },
    )
}

/// Makes a note and shows it; a form that is not right comes back as it was typed, with what is wrong.
async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    origin::check(&headers)?;
    let new = NewNote {
        title: typed.title.clone(),
        text: typed.text.clone(),
    };
    let new = match new.checked() {
        Ok(new) => new,
        Err(wrong) => {
            return page_of_notes(&app, typed, wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let key = (1..=255)
        .contains(&typed.key.len())
        .then(|| typed.key.clone());
    let made = app.notes.create(new, key).await?;
    Ok(Redirect::to(&format!("/notes/{}", made.note.id)).into_response())
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A rendered page with the headers of one.
fn page(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        Problem::internal()
    })?;
    let headers: [(HeaderName, HeaderValue); 3] = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PAGE_POLICY),
        ),
        // Without a referrer a browser would send `Origin: null` with a form, which is refused.
        // https://fetch.spec.whatwg.org/#append-a-request-origin-header
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ];
    Ok((status, headers, html).into_response())
}
