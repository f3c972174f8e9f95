//! The database: its migrations, and the service while it is not there.

pub mod database;

use std::time::Duration;

use serde_json::{Value, json};

use self::database::Database;
use crate::running::{DATABASE, Service, problem, program};

async fn migrate(database: &Database, what: &str) -> String {
    // Nothing else must be needed.
    let mut command = program(&[]);
    let command = command.env_clear().env("PORT", "nonsense");
    let out = command
        .env(DATABASE, &database.url)
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
async fn status_does_not_wait_for_a_migration_that_runs() {
    let Some(database) = Database::create().await else {
        return;
    };
    let mut other = database.connect().await;
    sqlx::query("select pg_advisory_lock(7014386229)")
        .execute(&mut other)
        .await
        .expect("locks");
    let asked = tokio::time::timeout(Duration::from_secs(30), status(&database));
    assert_eq!(asked.await.expect("in time")["applied"], json!([]));
}

#[tokio::test]
async fn a_schema_of_a_newer_release_is_worked_with_and_left_alone() {
    let Some(database) = Database::create().await else {
        return;
    };
    migrate(&database, "up").await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
        values (9999, 'newer', true, '', 0)";
    let mut other = database.connect().await;
    sqlx::query(newer).execute(&mut other).await.expect("adds");
    migrate(&database, "up").await;
    let now = status(&database).await;
    assert_eq!(now["pending"], json!([]));
    let applied = now["applied"].as_array().expect("a list");
    assert_eq!(applied.last(), Some(&json!("9999_newer")));
    let mut down = program(&[(DATABASE, &database.url)]);
    let down = down.args(["migrate", "down"]).output().await.expect("runs");
    let said = String::from_utf8_lossy(&down.stdout);
    assert!(
        !down.status.success() && said.contains("9999_newer"),
        "{said}"
    );
    let service = Service::start(&[(DATABASE, &database.url)]).await;
    let said = service.get("/readyz").await.text().await.expect("text");
    assert!(!said.contains("migrations"), "{said}");
    assert_eq!(service.get("/v1/notes").await.status(), 200);
}

#[tokio::test]
async fn a_table_that_is_missing_is_the_databases_trouble() {
    let Some(database) = Database::create().await else {
        return;
    };
    let service = Service::start(&[(DATABASE, &database.url), ("CIRCUIT_OPEN_MS", "60000")]).await;
    for _ in 0..5 {
        problem(service.get("/v1/notes").await, 502).await;
    }
    let refused = service.get("/v1/notes").await;
    let wait = refused.headers()["retry-after"].to_str().expect("text");
    let wait: u32 = wait.parse().expect("a number");
    assert!((30..=60).contains(&wait), "{wait}");
    problem(refused, 503).await;
}

#[tokio::test]
async fn a_key_whose_first_request_runs_is_told_to_come_again() {
    let Some(database) = Database::create().await else {
        return;
    };
    migrate(&database, "up").await;
    let service = Service::start(&[(DATABASE, &database.url)]).await;
    let mut other = database.connect().await;
    sqlx::query("select pg_advisory_lock(hashtextextended('k', 0))")
        .execute(&mut other)
        .await
        .expect("locks");
    let send = service
        .post("/v1/notes")
        .header("idempotency-key", "k")
        .json(&json!({ "title": "one" }));
    let refused = send.send().await.expect("answers");
    assert_eq!(refused.headers()["retry-after"], "1");
    problem(refused, 409).await;
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
