//! What the sandbox costs and what it holds, in figures, each beside a peer of the same run.
//!
//! ```sh
//! cargo bench --bench sandbox                                           # everything
//! cargo bench --bench sandbox -- --only edge,objects
//! cargo build --profile dist && cargo bench --bench sandbox -- --binary target/dist/pave   # the binary that is shipped
//! ```
//!
//! The sandbox runs as the process that users have; requests are signed once and sent again and again over connections that stay open,
//! so that the client costs next to nothing. Peers: for objects the same bytes written to the same disk and flushed; for the
//! edge nginx as reverse proxy in front of the same service, on as many cores; for calls nothing comparable is at hand.
//! Cores are assigned with `taskset`: the sandbox has the first ones, load and service the others. The tables are Markdown.

mod calls;
mod daemon;
mod edge;
#[path = "../services/figures.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod figures;
mod load;
mod objects;
#[path = "../services/process.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod process;
mod rest;
mod signed;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Figures of the sandbox.
#[derive(Parser)]
struct Arguments {
    /// Only these measurements.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// The binary to measure.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_pave"))]
    binary: PathBuf,
    /// How often each is measured; medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each load lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// objects: their size in MiB.
    #[arg(long, default_value_t = 1024)]
    mebibytes: usize,
    /// Stands in for a service: answers on this port until it is ended.
    #[arg(long, hide = true)]
    serve: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    Rest,
    Calls,
    Objects,
    Edge,
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let chosen = |one| arguments.only.is_empty() || arguments.only.contains(&one);
    println!("{}", process::machine());
    if chosen(Measurement::Rest) {
        rest::measure(arguments)?;
    }
    if chosen(Measurement::Calls) {
        calls::measure(arguments)?;
    }
    if chosen(Measurement::Objects) {
        objects::measure(arguments)?;
    }
    if chosen(Measurement::Edge) {
        edge::measure(arguments)?;
    }
    println!("\nload average at the end: {}", process::load_average());
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.serve { edge::serve() } else { run(&arguments) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
