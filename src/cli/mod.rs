//! The command line: argv -> request -> engine -> rendering. The composition root, and the only place that prints.

mod args;
mod check;
mod context;
mod deploy;
mod doctor;
mod failure;
mod interrupt;
mod interview;
mod logs;
mod new;
mod output;
mod progress;
mod releases;
mod rollback;
mod sandbox;
mod status;
mod tour;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use args::{Cli, Command, Config};
use failure::{Failure, code};
use output::Output;

/// What a command returns: its exit code.
type Done = Result<u8, Failure>;

/// Parses, runs, and says how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if fine { 0 } else { code::USAGE });
        }
    };
    let output = Output::new(cli.output, cli.quiet, cli.verbose, cli.color);
    if let Some(directory) = &cli.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        let what = format!("{} cannot be entered: {error}", directory.display());
        Failure::new(code::USAGE, what, "name a directory that exists").print(&output);
        return ExitCode::from(code::USAGE);
    }
    match run(cli.command, &output) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print(&output);
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command, output: &Output) -> Done {
    match command {
        Command::New(request) => new::run(&request, output),
        Command::Check(request) => check::check(&request, output),
        Command::Config(Config::Explain(place)) => check::explain(place.env.as_deref(), output),
        Command::Config(Config::Schema) => check::schema(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "pave", &mut std::io::stdout());
            Ok(0)
        }
        Command::Doctor => doctor::run(output),
        Command::Sandbox(command) => sandbox::run(&command, output),
        Command::Deploy(request) => on_runtime(deploy::run(&request, output)),
        Command::Rollback(request) => on_runtime(rollback::run(&request, output)),
        Command::Status(place) => on_runtime(status::run(place.env.as_deref(), output)),
        Command::Releases(request) => on_runtime(releases::run(&request, output)),
        Command::Logs(request) => on_runtime(logs::run(&request, output)),
        Command::Tour(request) => on_runtime(tour::run(&request, output)),
        Command::Verify(request) => on_runtime(verify::run(&request, output)),
    }
}

/// Runs a command that talks to the world.
fn on_runtime(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            code::INTERNAL,
            format!("the runtime cannot be started: {error}"),
            "free some memory or threads",
        )
    })?;
    let result = runtime.block_on(work);
    // Nothing that is still under way may keep the command from ending.
    runtime.shutdown_background();
    result
}
