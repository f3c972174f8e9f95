//! What the paved road costs and what it holds, in figures: each language's generated service beside its bare framework.
//!
//! ```sh
//! cargo bench --bench services                                  # everything, every language of the blueprint
//! cargo bench --bench services -- --languages python --only overhead,leaving
//! cargo bench --bench services -- --memory-seconds 300 --rounds 9 --seconds 20
//! cargo bench --bench services -- --project python=../orders    # a project of your own instead of a fresh one
//! ```
//!
//! Each service is generated, made runnable by its own `prepare` commands and run as a process of this machine, among fault
//! proxies and before a live OpenTelemetry collector. Load is open-loop: a request is due when the clock says so, whatever became of
//! those before it, and its latency counts from that moment. `overhead` alternates between the generated service and two copies
//! of the bare one in one run; the difference of the two copies is the noise. The tables on standard output are Markdown.
//! For figures worth keeping: an idle machine, and `--prepare-only` before, so that nothing is built in between. On a machine that
//! others use too, `chrt -r 1 cargo bench …` (as root) lets the services and their load go before other work; without it the
//! noise, which every row states, is larger than what is measured.

mod figures;
mod leaving;
mod load;
mod memory;
mod overhead;
mod process;
mod retries;
mod stand;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use stand::{Failed, Language};

/// Figures of the paved road under load.
#[derive(Parser)]
struct Arguments {
    /// Languages, all of the blueprint by default.
    #[arg(long, value_delimiter = ',')]
    languages: Vec<String>,
    /// Only these measurements.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// A project that is there already, instead of a generated one.
    #[arg(long, value_name = "LANGUAGE=FOLDER", value_parser = project)]
    project: Vec<(String, PathBuf)>,
    /// Stop when everything is ready to run.
    #[arg(long)]
    prepare_only: bool,
    /// overhead: requests per second.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// overhead: rounds, each with every service once.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// overhead: how long each service is asked in a round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// leaving: how often each service is sent SIGTERM.
    #[arg(long, default_value_t = 20)]
    repetitions: usize,
    /// memory: how long resident memory is watched.
    #[arg(long, default_value_t = 60)]
    memory_seconds: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    Overhead,
    Leaving,
    Memory,
    Retries,
}

impl Measurement {
    fn chosen(self, arguments: &Arguments) -> bool {
        arguments.only.is_empty() || arguments.only.contains(&self)
    }
}

fn project(text: &str) -> Result<(String, PathBuf), String> {
    let (language, folder) = text.split_once('=').ok_or("not of the form LANGUAGE=FOLDER")?;
    Ok((language.to_owned(), PathBuf::from(folder)))
}

#[tokio::main]
async fn main() -> ExitCode {
    match measured(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measured(arguments: &Arguments) -> Result<(), Failed> {
    let given: BTreeMap<String, PathBuf> = arguments.project.iter().cloned().collect();
    let names = if arguments.languages.is_empty() { stand::languages() } else { arguments.languages.clone() };
    let mut languages = Vec::new();
    for name in &names {
        languages.push(Language::prepared(name, given.get(name)).await?);
    }
    if arguments.prepare_only {
        return Ok(());
    }
    println!("{}\n", process::machine());
    for language in &languages {
        println!("- {}: {}", language.name, language.versions);
    }
    if Measurement::Overhead.chosen(arguments) {
        overhead::measure(&languages, arguments.rate, arguments.rounds, arguments.seconds).await?;
    }
    if Measurement::Leaving.chosen(arguments) {
        leaving::measure(&languages, arguments.repetitions).await?;
    }
    if Measurement::Memory.chosen(arguments) {
        memory::measure(&languages, arguments.memory_seconds).await?;
    }
    if Measurement::Retries.chosen(arguments) {
        retries::measure(&languages).await?;
    }
    println!("\nLoad average at the end: {}", process::load_average());
    Ok(())
}
