//! What reaches a dependency that is in trouble: retries must not make it worse.

use pave::verify::Fault;

use super::{
    figures::table,
    load::{Barrage, Shot, fire},
    stand::{CHECK, Failed, Language},
};

const REQUESTS: u64 = 1000;
const RATE: f64 = 100.0;

/// A tenth of the calls, and the reserve that lets rare calls be retried.
const MOST_RETRIES: u64 = REQUESTS / 10 + 5;

const TROUBLES: [(&str, Fault); 5] = [
    ("none", Fault::None),
    ("answers 503", Fault::Status { code: 503, every: 1 }),
    ("every second call 503", Fault::Status { code: 503, every: 2 }),
    ("connections reset", Fault::Down),
    ("hangs", Fault::Hang),
];

/// Measures every language and prints the table.
pub async fn measure(languages: &[Language]) -> Result<(), Failed> {
    let mut rows = Vec::new();
    for language in languages {
        for (name, fault) in TROUBLES {
            rows.push(troubled(language, name, fault).await?);
        }
    }
    let head = [
        "language",
        "trouble",
        "let through by the circuit",
        "calls",
        "retries",
        "retries at most",
        "2xx",
        "502",
        "504",
        "503, circuit open",
        "503, service busy",
    ];
    let title = format!("Calls that reach a dependency in trouble, per {REQUESTS} requests at {RATE}/s");
    table(&title, &head, &rows);
    Ok(())
}

async fn troubled(language: &Language, name: &str, fault: Fault) -> Result<Vec<String>, Failed> {
    let service = language.paved(Fault::None).await?;
    service.prices.set(fault);
    let hits = fire(&service.running.base, Barrage::of(RATE, REQUESTS), |_| Shot::get(CHECK)).await?;
    let count = |status: u16, blamed: bool| {
        hits.iter().filter(|hit| hit.status == Ok(status) && hit.culprit.is_some() == blamed).count() as u64
    };
    let good = hits.iter().filter(|hit| hit.ok()).count() as u64;
    // 503 that blames the dependency: its circuit was open and it was not called. Else the service was too busy to serve at all.
    let (open, shed) = (count(503, true), count(503, false));
    let [failed, late] = [502, 504].map(|status| count(status, true));
    if good + failed + open + late + shed != REQUESTS {
        let other = hits.iter().find(|hit| !(hit.ok() || hit.culprit.is_some() || hit.status == Ok(503)));
        return Err(format!("{} {name}: {:?}", language.name, other.map(|hit| &hit.status)).into());
    }
    let through = REQUESTS - open - shed;
    let calls = if fault == Fault::Down { service.prices.connections() } else { service.prices.calls() };
    let cells = [through, calls, calls.saturating_sub(through), MOST_RETRIES, good, failed, late, open, shed];
    let mut row = vec![language.name.clone(), name.to_owned()];
    row.extend(cells.map(|cell| cell.to_string()));
    Ok(row)
}
