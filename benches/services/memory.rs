//! Resident memory under load while a dependency hangs.

use std::time::Duration;

use futures_util::future::try_join_all;
use pave::verify::Fault;

use super::{
    figures::{mean, slope, table},
    load::{Barrage, Hit, Shot, fill, fire},
    process,
    stand::{CHECK, Failed, Language, READ},
};

const RATE: f64 = 150.0;

/// As many notes as the store keeps, so that what grows afterwards is no note.
const NOTES: u64 = 10_000;

/// Load before the first look, with the dependency hanging already.
const WARM: Duration = Duration::from_secs(15);

/// Measures all languages at the same time and prints the table.
pub async fn measure(languages: &[Language], seconds: u64) -> Result<(), Failed> {
    let rows = try_join_all(languages.iter().map(|language| watched(language, seconds))).await?;
    let head = [
        "language",
        "samples",
        "first quarter, MiB",
        "last quarter, MiB",
        "slope, KiB/min",
        "most, MiB",
        "calls of the dependency",
        "answers",
    ];
    let title = format!(
        "Resident memory each second of {seconds} s at {RATE} requests/s (read, write, call of a dependency that hangs)"
    );
    table(&title, &head, &rows);
    Ok(())
}

/// Reads, writes, and calls of the dependency that hangs.
fn mixed(number: u64) -> Shot {
    match number % 3 {
        0 => Shot::get(CHECK),
        1 => Shot::get(READ),
        _ => Shot::post(number),
    }
}

async fn watched(language: &Language, seconds: u64) -> Result<Vec<String>, Failed> {
    let service = language.paved(Fault::None).await?;
    let id = service.running.id().ok_or("the service has ended")?;
    fill(&service.running.base, NOTES).await?;
    service.prices.set(Fault::Hang);
    fire(&service.running.base, Barrage::lasting(RATE, WARM), mixed).await?;
    let calls = service.prices.calls();
    let load = fire(&service.running.base, Barrage::lasting(RATE, Duration::from_secs(seconds)), mixed);
    let (hits, samples) = tokio::try_join!(load, sampled(id, seconds))?;
    let quarter = samples.len() / 4;
    let mib = |values: &[f64]| format!("{:.1}", mean(values) / 1024.0);
    let most = samples.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        language.name.clone(),
        samples.len().to_string(),
        mib(&samples[..quarter]),
        mib(&samples[samples.len() - quarter..]),
        format!("{:+.0}", slope(&samples) * 60.0),
        mib(&[most]),
        (service.prices.calls() - calls).to_string(),
        answers(&hits),
    ])
}

async fn sampled(id: u32, seconds: u64) -> Result<Vec<f64>, Failed> {
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    let mut samples = Vec::new();
    for _ in 0..seconds {
        clock.tick().await;
        samples.push(process::resident_kib(id).ok_or("the service has ended")?);
    }
    Ok(samples)
}

/// How often each status was the answer, notes apart from the dependency.
fn answers(hits: &[Hit]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for hit in hits {
        let of = if hit.path == CHECK { "dependency" } else { "notes" };
        let status = hit.status.as_ref().map_or_else(|_| "none".to_owned(), u16::to_string);
        *counts.entry(format!("{of} {status}")).or_insert(0_u32) += 1;
    }
    counts.iter().map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join(", ")
}
