//! Notes with axum and nothing else: what a generated service is measured against.

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use uuid::Uuid;

type Notes = Arc<Mutex<Vec<Note>>>;

#[derive(Deserialize)]
struct NewNote {
    title: String,
    #[serde(default)]
    text: String,
}

#[derive(Clone, Serialize)]
struct Note {
    id: String,
    title: String,
    text: String,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct PageQuery {
    #[serde(default = "twenty")]
    limit: usize,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Note>,
}

fn twenty() -> usize {
    20
}

async fn create(State(notes): State<Notes>, Json(new): Json<NewNote>) -> impl IntoResponse {
    let id = Uuid::new_v4().simple().to_string();
    let note = Note { id, title: new.title, text: new.text, created_at: OffsetDateTime::now_utc() };
    notes.lock().unwrap_or_else(PoisonError::into_inner).push(note.clone());
    (StatusCode::CREATED, [(header::LOCATION, format!("/v1/notes/{}", note.id))], Json(note))
}

async fn page(State(notes): State<Notes>, Query(query): Query<PageQuery>) -> Json<Page> {
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    Json(Page { items: notes.iter().take(query.limit).cloned().collect() })
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let router = Router::new().route("/v1/notes", get(page).post(create)).with_state(Notes::default());
    let listener = tokio::net::TcpListener::bind(format!("{host}:{port}")).await?;
    axum::serve(listener, router).await
}
