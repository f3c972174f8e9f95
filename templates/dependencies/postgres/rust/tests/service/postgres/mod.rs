//! The database: its migrations, and the service while it is not there.

pub mod database;

use serde_json::{Value, json};

use self::database::Database;
use crate::running::{DATABASE, Service, problem, program};

async fn migrate(database: &Database, what: &str) -> String {
    let mut command = program(&[(DATABASE, &database.url)]);
    let out = command
        .args(["migrate", what])
        .output()
        .await
        .expect("runs");
    let said = String::from_utf8(out.stdout).expect("is text");
    assert!(out.status.success(), "{said}");
    said
}

async fn status(database: &Database) -> Value {
    serde_json::from_str(&migrate(database, "status").await).expect("is JSON")
}

#[tokio::test]
async fn migrations_go_up_once_and_come_back_down() {
    let Some(database) = Database::create().await else {
        return;
    };
    let before = status(&database).await;
    assert_eq!(before["applied"], json!([]));
    let all = before["pending"].clone();
    assert_eq!(all[0], "0001_notes");
    tokio::join!(
        migrate(&database, "up"),
        migrate(&database, "up"),
        migrate(&database, "up")
    );
    assert_eq!(
        status(&database).await,
        json!({ "applied": all, "pending": [] })
    );
    for _ in all.as_array().expect("a list") {
        migrate(&database, "down").await;
    }
    assert_eq!(status(&database).await, before);
    migrate(&database, "up").await;
    assert_eq!(status(&database).await["applied"], all);
}

#[tokio::test]
async fn readiness_names_what_is_pending() {
    let Some(database) = Database::create().await else {
        return;
    };
    let service = Service::start(&[(DATABASE, &database.url)]).await;
    let said = service.get("/readyz").await.text().await.expect("text");
    assert!(said.contains("1 migrations pending"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_not_there_fails_requests_and_not_the_process() {
    let service = Service::start(&[]).await;
    let answer = service.get("/v1/notes").await;
    // A pool tries to connect for as long as it may: whether its time or the call's ends first is chance.
    let status = answer.status().as_u16();
    assert!(matches!(status, 502 | 504), "{status}");
    let said = problem(answer, status).await;
    assert!(said["dependency"].is_string(), "{said}");
    assert_eq!(service.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_start_and_not_told() {
    for address in ["", "hunter2", "http://hunter2"] {
        let out = program(&[(DATABASE, address)])
            .output()
            .await
            .expect("runs");
        let said = String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(78));
        assert!(
            said.contains(DATABASE) && !said.contains("hunter2"),
            "{said}"
        );
    }
}
