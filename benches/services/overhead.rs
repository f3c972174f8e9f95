//! What the paved road costs a request: the generated service beside the bare framework, in turn, at a rate neither minds.

use std::time::Duration;

use pave::verify::{Fault, Running};

use super::{
    figures::{mean, median, quantile, table},
    load::{Barrage, Hit, Shot, fire},
    process,
    stand::{Failed, Language},
};

/// Lets runtimes compile and pools fill.
const WARM: Duration = Duration::from_secs(5);

const METHODS: [&str; 2] = ["GET", "POST"];

/// One service asked for one round.
struct Turn {
    /// Median and 99th percentile of each method, in ms.
    latency: [[f64; 2]; 2],
    processor_ms: f64,
}

/// Measures every language and prints both tables.
pub async fn measure(languages: &[Language], rate: f64, rounds: usize, seconds: u64) -> Result<(), Failed> {
    let (mut latency, mut processor) = (Vec::new(), Vec::new());
    for language in languages {
        let paved = language.paved(Fault::None).await?;
        let bare = [language.bare().await?, language.bare().await?];
        let services = [&bare[0], &bare[1], &paved.running];
        for service in services {
            turn(service, rate, WARM).await?;
        }
        let mut turns: [Vec<Turn>; 3] = Default::default();
        for round in 0..rounds {
            for place in 0..services.len() {
                let one = (round + place) % services.len();
                turns[one].push(turn(services[one], rate, Duration::from_secs(seconds)).await?);
            }
            eprintln!("{}: round {} of {rounds}", language.name, round + 1);
        }
        latency.extend(latencies(&language.name, &turns));
        processor.push(processor_time(&language.name, &turns));
    }
    let head = [
        "language",
        "request",
        "figure",
        "bare, ms",
        "generated, ms",
        "difference, ms",
        "least to most",
        "ratio",
        "noise, ms",
    ];
    table(
        &format!("Latency at {rate} requests/s, {rounds} rounds of {seconds} s, medians of rounds"),
        &head,
        &latency,
    );
    let head = ["language", "bare, ms", "generated, ms", "difference, ms", "ratio", "noise, ms"];
    table("Processor time of the service per request", &head, &processor);
    Ok(())
}

async fn turn(service: &Running, rate: f64, time: Duration) -> Result<Turn, Failed> {
    let id = service.id().ok_or("the service has ended")?;
    let before = process::processor_ms(id).ok_or("the service has ended")?;
    let hits = fire(&service.base, Barrage::lasting(rate, time), Shot::notes).await?;
    let after = process::processor_ms(id).ok_or("the service has ended")?;
    if let Some(hit) = hits.iter().find(|hit| !hit.ok()) {
        return Err(format!("{} {} while all is well: {:?}", hit.method, hit.path, hit.status).into());
    }
    let latency = METHODS.map(|method| {
        let of_method = |hit: &&Hit| hit.method == method;
        let ms: Vec<f64> =
            hits.iter().filter(of_method).map(|hit| hit.latency.as_secs_f64() * 1000.0).collect();
        [quantile(&ms, 0.5), quantile(&ms, 0.99)]
    });
    Ok(Turn { latency, processor_ms: (after - before) / hits.len() as f64 })
}

/// The bare service's two copies and the generated one, compared round by round.
struct Compared {
    bare: f64,
    paved: f64,
    differences: Vec<f64>,
    noise: f64,
}

fn compared(turns: &[Vec<Turn>; 3], figure: impl Fn(&Turn) -> f64) -> Compared {
    let of = |service: usize| turns[service].iter().map(&figure).collect::<Vec<_>>();
    let (first, second, paved) = (of(0), of(1), of(2));
    let bare: Vec<f64> = first.iter().zip(&second).map(|(a, b)| mean(&[*a, *b])).collect();
    let noise: Vec<f64> = first.iter().zip(&second).map(|(a, b)| (a - b).abs()).collect();
    let differences = paved.iter().zip(&bare).map(|(paved, bare)| paved - bare).collect();
    Compared { bare: median(&bare), paved: median(&paved), differences, noise: median(&noise) }
}

fn latencies(language: &str, turns: &[Vec<Turn>; 3]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (method, name) in METHODS.into_iter().enumerate() {
        for (figure, of) in ["p50", "p99"].into_iter().enumerate() {
            let found = compared(turns, |turn| turn.latency[method][figure]);
            rows.push(vec![
                language.to_owned(),
                name.to_owned(),
                of.to_owned(),
                format!("{:.2}", found.bare),
                format!("{:.2}", found.paved),
                format!("{:+.2}", median(&found.differences)),
                format!(
                    "{:+.2} to {:+.2}",
                    quantile(&found.differences, 0.0),
                    quantile(&found.differences, 1.0)
                ),
                format!("{:.2}", found.paved / found.bare),
                format!("{:.2}", found.noise),
            ]);
        }
    }
    rows
}

fn processor_time(language: &str, turns: &[Vec<Turn>; 3]) -> Vec<String> {
    let found = compared(turns, |turn| turn.processor_ms);
    vec![
        language.to_owned(),
        format!("{:.2}", found.bare),
        format!("{:.2}", found.paved),
        format!("{:+.2}", median(&found.differences)),
        format!("{:.2}", found.paved / found.bare),
        format!("{:.2}", found.noise),
    ]
}
