//! What can also be tried from outside (C07, C12, C13, C15), on a service of our own.

use crate::verify::{
    report::Observed,
    stage::{Bench, Setup},
};

use super::{
    Experiment,
    outside::{self, Outside},
};

pub(super) fn experiments() -> Vec<Experiment> {
    // Health is tried more thoroughly where dependencies can be stopped.
    let rest = outside::all().into_iter().filter(|one| one.id.to_string() != "C07");
    rest.map(|one| Experiment::new_at(one.id, one.name, one.expected, move |bench| Box::pin(own(bench, one))))
        .collect()
}

async fn own(bench: &Bench, one: Outside) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    one.run(&scene.caller, &bench.requests).await
}
