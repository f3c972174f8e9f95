//! Faults that were asked for strike calls whose signatures are good.

use std::{cell::Cell, io};

use crate::sandbox::{call::ServiceError, faults, world::World};

tokio::task_local! {
    /// Whether the answer to this request is not to arrive.
    static LOST: Cell<bool>;
}

/// Answers a request, unless the answer is not to arrive: an error is how a connection is broken without one.
pub(super) async fn losing<A>(answer: impl Future<Output = A>) -> io::Result<A> {
    LOST.scope(Cell::new(false), async move {
        let answer = answer.await;
        if LOST.with(Cell::get) { Err(io::Error::other("the answer is lost on purpose")) } else { Ok(answer) }
    })
    .await
}

/// Lets the faults that were asked for strike a call whose signature was good.
pub(super) async fn strike(world: &World, service: &str, operation: &str) -> Result<(), ServiceError> {
    let strike = world.faults.strike(faults::Place::Call { service, operation });
    if !strike.delay.is_zero() {
        tokio::time::sleep(strike.delay).await;
    }
    match strike.then {
        Some(faults::Kind::LostResponse) => LOST.with(|lost| lost.set(true)),
        Some(kind) => return faults::refusal(kind, service).map_or(Ok(()), Err),
        None => {}
    }
    Ok(())
}
