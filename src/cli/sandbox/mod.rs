//! `pave sandbox`.

mod fault;

use serde_json::json;

use crate::sandbox::{
    daemon::{self, Daemon},
    services::OPERATIONS,
};

use super::{
    Done, Failure,
    args::{Sandbox, Serving},
    code,
    output::Output,
};

/// Starts, finds, describes or stops the sandbox.
pub fn run(command: &Sandbox, output: &Output) -> Done {
    let dir = daemon::directory()?;
    match command {
        Sandbox::Up(serving) => {
            let program = std::env::current_exe().map_err(|error| {
                Failure::new(
                    code::INTERNAL,
                    format!("pave does not find itself: {error}"),
                    "run it by its full path",
                )
            })?;
            let mut arguments = vec!["sandbox".to_owned(), "serve".to_owned()];
            for (flag, port) in [("--api-port", serving.api_port), ("--edge-port", serving.edge_port)] {
                if let Some(port) = port {
                    arguments.extend([flag.to_owned(), port.to_string()]);
                }
            }
            let (record, started) = daemon::up(&dir, &program, &arguments, serving.runtime)?;
            let what = if started { "started" } else { "runs already" };
            output.json(
                &json!({ "type": "sandbox", "started": started, "api": record.api, "edge": record.edge, "runtime": record.runtime.kind }),
            );
            output.say(&format!(
                "the sandbox {what}: AWS calls on {}, the edge on port {}",
                record.endpoint_url(),
                record.edge
            ));
            output.say(&format!("  {}", record.runtime.words()));
            output.next("eval \"$(pave sandbox env)\" && aws apprunner list-services");
        }
        Sandbox::Down => {
            let ran = daemon::down(&dir)?;
            output.json(&json!({ "type": "sandbox", "stopped": ran }));
            output.say(if ran {
                "the sandbox is stopped; what it holds stays"
            } else {
                "the sandbox was not running"
            });
        }
        Sandbox::Status => {
            let record = daemon::find(&dir);
            let shown = record
                .as_ref()
                .map(|r| json!({ "pid": r.pid, "api": r.api, "edge": r.edge, "account": r.identity.account, "runtime": r.runtime.kind }));
            output.json(&json!({ "type": "sandbox", "directory": dir, "running": shown }));
            match record {
                Some(record) => {
                    output.say(&format!("the sandbox runs (process {}) in {}", record.pid, dir.display()));
                    output.say(&format!("  AWS calls  {}", record.endpoint_url()));
                    output.say(&format!(
                        "  edge       http://<service>.<environment>.localhost:{}",
                        record.edge
                    ));
                    output.say(&format!(
                        "  account    {} in {}",
                        record.identity.account, record.identity.region
                    ));
                    output.say(&format!("  {}", record.runtime.words()));
                }
                None => {
                    output.say(&format!("the sandbox does not run (it lives in {})", dir.display()));
                    output.next("pave sandbox up");
                }
            }
        }
        Sandbox::Env => {
            let Some(record) = daemon::find(&dir) else {
                return Err(Failure::new(
                    code::INVALID,
                    "the sandbox does not run",
                    "start it with `pave sandbox up`",
                ));
            };
            let env: serde_json::Map<_, _> =
                record.env().into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
            output.json(&env);
            for (name, value) in record.env() {
                output.say(&format!("export {name}={value}"));
            }
        }
        Sandbox::Fault(command) => fault::run(&dir, command, output)?,
        Sandbox::Operations => operations(output),
        Sandbox::Reset => {
            daemon::reset(&dir)?;
            output.json(&json!({ "type": "sandbox", "reset": true }));
            output.say("the sandbox and all it held are gone");
        }
        Sandbox::Serve(serving) => return super::on_runtime(serve(*serving, output)),
    }
    Ok(0)
}

/// As a page of the documentation, which is written by this.
fn operations(output: &Output) {
    let services: serde_json::Map<_, _> =
        OPERATIONS.iter().map(|(service, known)| ((*service).to_owned(), json!(known))).collect();
    output.json(&json!({ "type": "operations", "operations": services }));
    let count: usize = OPERATIONS.iter().map(|(_, known)| known.len()).sum();
    output.say("# Operations of the sandbox\n");
    output.say(&format!(
        "{count} operations of {} services, by the names that requests to them are signed for. Every other operation is refused in the\n\
         service's own shape of errors. `pave sandbox operations` writes this page.\n",
        OPERATIONS.len()
    ));
    output.say("| service | operations |\n|---|---|");
    for (service, known) in OPERATIONS {
        output.say(&format!("| {service} | {} |", known.join(", ")));
    }
}

async fn serve(serving: Serving, output: &Output) -> Done {
    use tokio::signal::unix::{SignalKind, signal};
    let wanted = daemon::Ports { api: serving.api_port, edge: serving.edge_port };
    let daemon = Daemon::start(&daemon::directory()?, wanted, serving.runtime).await?;
    output.progress(&format!(
        "serving AWS calls on {}, the edge on port {}",
        daemon.record.endpoint_url(),
        daemon.record.edge
    ));
    let no_signals = |error: std::io::Error| {
        Failure::new(code::INTERNAL, format!("signals cannot be heard: {error}"), "try again")
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    daemon.stop().await;
    Ok(0)
}
