//! What a deploy would do, as a value.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    package::Bundle,
    rollout::{Live, Plan, Release, Slot, SlotConfig, SlotStatus, Weight},
    spec::ResolvedSpec,
};

/// How users come onto a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Step by step, judged.
    Canary,
    /// At once, for a stated reason.
    AllAtOnce {
        /// The reason; it is recorded.
        reason: String,
    },
}

/// Path that tells whether an instance is alive; App Runner asks it.
const HEALTH_PATH: &str = "/livez";

/// Variable that tells a service which release it is.
const RELEASE_VARIABLE: &str = "PAVE_RELEASE";

/// A deploy that has not been driven.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeployPlan {
    /// Number of the release.
    pub number: u64,
    /// The release users are on; 0 before the first.
    pub before: u64,
    /// SHA-256 of the bundle, in hex.
    pub bundle_digest: String,
    /// Size of the bundle in bytes.
    pub bundle_size: u64,
    /// Whether the bundle is in S3 already.
    pub uploaded: bool,
    /// Whether its image is in ECR already.
    pub built: bool,
    /// Whether users are already on exactly this.
    pub unchanged: bool,
    /// Slot and steps.
    pub rollout: Plan,
    /// What will be done, in words.
    pub steps: Vec<String>,
    /// SHA-256 over all of the above, in hex.
    pub digest: String,
}

/// What a slot is to run for a release of this spec.
pub fn slot_config(spec: &ResolvedSpec, image: &str, number: u64) -> SlotConfig {
    let mut env = spec.environment.variables.clone();
    env.extend([
        (RELEASE_VARIABLE.to_owned(), number.to_string()),
        ("PAVE_ENVIRONMENT".to_owned(), spec.environment.name.clone()),
        // What the environment overrides holds in the service, too, and not only for what is in front of it.
        ("REQUEST_TIMEOUT_MS".to_owned(), spec.http.request_timeout.as_millis().to_string()),
        ("MAX_CONCURRENCY".to_owned(), spec.scale.concurrency.to_string()),
    ]);
    SlotConfig {
        image: image.to_owned(),
        port: spec.http.port,
        env,
        secrets: BTreeMap::new(),
        cpu: spec.scale.cpu.0,
        memory: spec.scale.memory.0,
        health_path: HEALTH_PATH.to_owned(),
        min: spec.scale.min,
        max: spec.scale.max,
        concurrency: spec.scale.concurrency,
    }
}

/// Digest of a configuration without the release's number and image, which is by bundle: equal digests and bundles mean that
/// a new release would change nothing.
pub(super) fn config_digest(config: &SlotConfig) -> String {
    let mut bare = config.clone();
    bare.env.remove(RELEASE_VARIABLE);
    bare.image.clear();
    let bytes = serde_json::to_vec(&bare).expect("strings and numbers always serialise");
    hex::encode(Sha256::digest(bytes))
}

/// What is known before a plan is made.
pub(super) struct Facts<'a> {
    pub spec: &'a ResolvedSpec,
    pub bundle: &'a Bundle,
    pub uploaded: bool,
    pub built: bool,
    pub live: &'a Live,
    pub current: Option<&'a Release>,
    pub number: u64,
}

/// Facts -> plan.
pub(super) fn make(facts: &Facts<'_>, mode: &Mode) -> DeployPlan {
    let stable = facts.live.route.as_ref().map(|route| route.stable);
    let canary = stable.map_or(Slot::Blue, Slot::other);
    let steps: Vec<Weight> = match (stable, mode) {
        (Some(_), Mode::Canary) => facts.spec.rollout.steps.iter().copied().map(Weight::percent).collect(),
        _ => Vec::new(),
    };
    let wanted = config_digest(&slot_config(facts.spec, "", facts.number));
    let serving = stable.and_then(|slot| facts.live.slot(slot));
    let unchanged = facts.current.is_some_and(|current| {
        current.bundle_digest == facts.bundle.digest
            && current.config_digest == wanted
            && serving.is_some_and(|slot| slot.status == SlotStatus::Running && slot.config == current.config)
    });
    let mut plan = DeployPlan {
        number: facts.number,
        before: facts.current.map_or(0, |release| release.number),
        bundle_digest: facts.bundle.digest.clone(),
        bundle_size: facts.bundle.size,
        uploaded: facts.uploaded,
        built: facts.built,
        unchanged,
        steps: words(facts, mode, canary, &steps),
        rollout: Plan { canary, steps },
        digest: String::new(),
    };
    let bytes = serde_json::to_vec(&plan).expect("strings and numbers always serialise");
    plan.digest = hex::encode(Sha256::digest(bytes));
    plan
}

fn words(facts: &Facts<'_>, mode: &Mode, canary: Slot, steps: &[Weight]) -> Vec<String> {
    let bundle = &facts.bundle.digest[..12];
    let mut words = Vec::new();
    match (facts.built, facts.uploaded) {
        (true, _) => words.push(format!("use the image that was built from bundle {bundle}")),
        (false, true) => words.push(format!("build bundle {bundle}, which is in S3 already")),
        (false, false) => {
            words.push(format!("upload bundle {bundle} ({} bytes) and build it", facts.bundle.size))
        }
    }
    words.push("store a snapshot of what is live".to_owned());
    let verb = if facts.live.slot(canary).is_some() { "update" } else { "create" };
    words.push(format!("{verb} the slot {canary} and wait until it is ready"));
    match (steps, mode) {
        ([], Mode::AllAtOnce { reason }) => {
            words.push(format!("switch all users over at once, because: {reason}"))
        }
        ([], Mode::Canary) => words.push("give it all users: there is no release before it".to_owned()),
        (steps, _) => {
            let shares: Vec<String> = steps.iter().map(ToString::to_string).collect();
            let bake = facts.spec.rollout.bake;
            let shares = shares.join(", ");
            words.push(format!("raise its share of users to {shares}, judged for up to {bake} at each step"));
        }
    }
    words.push("compare live state with what it should be, field by field".to_owned());
    words
}
