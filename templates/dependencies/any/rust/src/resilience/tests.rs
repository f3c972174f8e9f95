//! Time limit, retries, budget and circuit, on a clock that the tests turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::IntoResponse as _;

use super::*;
use crate::request::context::Context;

const OPEN_FOR: Duration = Duration::from_secs(10);

fn guard(attempts: usize) -> Arc<Guard> {
    let (timeout, fallback) = (Duration::from_secs(2), Fallback::Fail);
    let policy = Policy {
        name: "other",
        kind: "test",
        timeout,
        attempts,
        fallback,
        critical: true,
    };
    Guard::new(
        policy,
        OPEN_FOR,
        &Telemetry::new("test", None, 0).expect("no exporter can be wrong"),
    )
}

fn broken() -> Result<(), AttemptError> {
    Err(AttemptError::Transient("broken".to_owned()))
}

/// Makes a call that fails and counts its attempts.
async fn failing(guard: &Guard, idempotent: bool) -> (usize, Failure) {
    let made = AtomicUsize::new(0);
    let attempt = || {
        made.fetch_add(1, Ordering::Relaxed);
        std::future::ready(broken())
    };
    let failure = guard.call(idempotent, attempt).await.expect_err("fails");
    (made.into_inner(), failure)
}

async fn working(guard: &Guard) -> Result<(), Failure> {
    guard.call(true, || std::future::ready(Ok(()))).await
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_tried_again_and_a_write_is_not() {
    let guard = guard(3);
    assert_eq!(failing(&guard, true).await.0, 3);
    assert_eq!(failing(&guard, false).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn our_own_mistake_is_neither_retried_nor_counted() {
    let guard = guard(3);
    for _ in 0..10 {
        let made = AtomicUsize::new(0);
        let attempt = || {
            made.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err::<(), _>(AttemptError::Rejected(
                "answered 404".to_owned(),
            )))
        };
        let failure = guard.call(true, attempt).await.expect_err("fails");
        assert_eq!((made.into_inner(), failure.cause), (1, Cause::Rejected));
    }
    assert_eq!(guard.circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_never_answers_costs_its_time_and_no_more() {
    let guard = guard(3);
    let began = tokio::time::Instant::now();
    let failure = guard
        .call(true, std::future::pending::<Result<(), AttemptError>>)
        .await
        .expect_err("fails");
    assert_eq!(
        (failure.cause, began.elapsed()),
        (Cause::Timeout, Duration::from_secs(2))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_the_request_is_less_than_the_dependency_may_take() {
    let guard = guard(3);
    let began = tokio::time::Instant::now();
    let left = Duration::from_millis(300);
    let call = guard.call(true, std::future::pending::<Result<(), AttemptError>>);
    let failure = Context::new("id".to_owned(), began + left)
        .scope(call)
        .await
        .expect_err("fails");
    assert_eq!((failure.cause, began.elapsed()), (Cause::Timeout, left));
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_the_circuit_and_one_success_closes_it() {
    let guard = guard(1);
    for _ in 0..4 {
        failing(&guard, true).await;
    }
    working(&guard).await.expect("still closed");
    for _ in 0..5 {
        assert_eq!(failing(&guard, true).await.0, 1);
    }
    let (made, failure) = failing(&guard, true).await;
    assert_eq!(
        (made, failure.cause, guard.circuit()),
        (0, Cause::Open, CircuitState::Open)
    );
    assert_eq!(failure.wait, Some(OPEN_FOR));
    tokio::time::advance(OPEN_FOR).await;
    assert_eq!(guard.circuit(), CircuitState::HalfOpen);
    assert_eq!(failing(&guard, true).await.0, 1);
    assert_eq!(guard.circuit(), CircuitState::Open);
    tokio::time::advance(OPEN_FOR).await;
    working(&guard).await.expect("the trial succeeds");
    assert_eq!(guard.circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn only_one_call_may_try_whether_it_works_again() {
    let circuit = Circuit::new(OPEN_FOR);
    for _ in 0..5 {
        circuit.enter().expect("closed").failed();
    }
    tokio::time::advance(OPEN_FOR).await;
    let trial = circuit.enter().expect("the trial");
    assert!(circuit.enter().is_err());
    trial.succeeded();
    assert!(circuit.enter().is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_says_in_whole_seconds_when_it_is_tried_again() {
    let guard = guard(1);
    for _ in 0..5 {
        failing(&guard, true).await;
    }
    // 10 s, 8.5 s and, with a trial that is running, none at all.
    let mut said = Vec::new();
    for passed in [Duration::ZERO, Duration::from_millis(1500), OPEN_FOR] {
        tokio::time::advance(passed).await;
        let _trial = guard.circuit.enter();
        let problem = Problem::from(failing(&guard, true).await.1);
        let answer = problem.into_response();
        said.push(answer.headers()[header::RETRY_AFTER].clone());
    }
    assert_eq!(said, ["10", "9", "1"]);
}

#[tokio::test(start_paused = true)]
async fn retries_are_at_most_a_tenth_of_calls() {
    let budget = RetryBudget::default();
    let mut retries = 0;
    for _ in 0..1000 {
        budget.call_made();
        retries += Retries::new(&budget, 3).count();
    }
    assert!((95..=105).contains(&retries), "{retries}");
}

#[test]
fn waits_grow_and_are_spread_over_their_whole_length() {
    for (retry, most) in [50, 100, 200, 400, 800].into_iter().enumerate() {
        let waits: Vec<u128> = (0..200)
            .filter_map(|_| Retries::new(&RetryBudget::default(), 6).nth(retry))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits.len(), 200);
        assert!(waits.iter().all(|wait| *wait <= most));
        assert!(
            waits.iter().any(|wait| *wait < most / 3)
                && waits.iter().any(|wait| *wait > most * 2 / 3)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn callers_in_a_hurry_do_not_open_the_circuit_for_others() {
    let guard = guard(1);
    for _ in 0..10 {
        let soon = tokio::time::Instant::now() + Duration::from_millis(5);
        let call = guard.call(true, std::future::pending::<Result<(), AttemptError>>);
        let call = Context::new("id".to_owned(), soon).scope(call);
        assert_eq!(call.await.expect_err("fails").cause, Cause::Timeout);
    }
    assert_eq!(guard.circuit(), CircuitState::Closed);
}
