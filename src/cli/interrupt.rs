//! Ctrl-C: once stops what can be stopped safely, twice leaves at once.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::engine::Interrupt;

use super::{code, output::Output};

/// Starts listening.
pub fn listen(output: &Output) -> Interrupt {
    let (count, asked) = watch::channel(0);
    let output = *output;
    tokio::spawn(async move {
        let listen = |kind| signal(kind).ok();
        let (Some(mut terminate), Some(mut hang_up)) =
            (listen(SignalKind::terminate()), listen(SignalKind::hangup()))
        else {
            return;
        };
        loop {
            tokio::select! {
                pressed = tokio::signal::ctrl_c() => if pressed.is_err() { return },
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            count.send_modify(|count| *count += 1);
            if *count.borrow() > 1 {
                output.progress("left at once; `pave status` shows what is live, `pave deploy --resume` or `pave rollback` goes on");
                std::process::exit(i32::from(code::INTERRUPTED));
            }
            output.progress(
                "stopping: what was begun is being undone; a second Ctrl-C or SIGTERM leaves at once",
            );
        }
    });
    Interrupt::new(asked)
}
