//! Everything needed to bring back the state before a release, and how live state differs from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Route, Slot, SlotState, SlotStatus};

/// Live state of one environment as its services report it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The route, if there is one.
    pub route: Option<Route>,
    /// The blue slot, if it exists.
    pub blue: Option<SlotState>,
    /// The green slot, if it exists.
    pub green: Option<SlotState>,
}

impl Live {
    /// One slot.
    pub fn slot(&self, slot: Slot) -> Option<&SlotState> {
        match slot {
            Slot::Blue => self.blue.as_ref(),
            Slot::Green => self.green.as_ref(),
        }
    }
}

/// A sealed record of live state, taken before a release touches anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of this record's shape.
    pub schema: u32,
    /// Its name.
    pub id: String,
    /// The release users were on; 0 before the first.
    pub release: u64,
    /// When it was taken, RFC 3339.
    pub taken_at: String,
    /// What was live.
    pub live: Live,
    /// SHA-256 over all the rest as JSON, in hex.
    pub digest: String,
}

/// A snapshot that cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Its content is not what was sealed.
    #[error("snapshot {id} was changed after it was taken: its digest is {found}, its content has {real}")]
    Changed {
        /// Its name.
        id: String,
        /// The digest it carries.
        found: String,
        /// The digest of what it holds.
        real: String,
    },
    /// It has a shape this version does not know.
    #[error("snapshot {id} has schema {schema}; this pave knows 1")]
    Schema {
        /// Its name.
        id: String,
        /// Its schema.
        schema: u32,
    },
}

impl Snapshot {
    /// Seals live state.
    pub fn seal(id: String, release: u64, taken_at: String, live: Live) -> Self {
        let mut snapshot = Self { schema: 1, id, release, taken_at, live, digest: String::new() };
        snapshot.digest = snapshot.real_digest();
        snapshot
    }

    fn real_digest(&self) -> String {
        let bare = Self { digest: String::new(), ..self.clone() };
        let bytes = serde_json::to_vec(&bare).expect("strings and numbers always serialise");
        hex::encode(Sha256::digest(bytes))
    }

    /// Whether it is what was sealed.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn verify(&self) -> Result<(), SnapshotError> {
        if self.schema != 1 {
            return Err(SnapshotError::Schema { id: self.id.clone(), schema: self.schema });
        }
        let real = self.real_digest();
        if real == self.digest {
            Ok(())
        } else {
            Err(SnapshotError::Changed { id: self.id.clone(), found: self.digest.clone(), real })
        }
    }
}

/// One field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Path of the field, as `blue.config.image`.
    pub field: String,
    /// What it should be; `(absent)` where there should be none.
    pub expected: String,
    /// What it is.
    pub live: String,
}

/// Compares live state with what it should be, field by field, and returns the number of fields looked at
/// with every difference. Where no slot should be, one that is paused or never came up will do: it answers nobody, and
/// what it holds does not matter.
pub fn compare(expected: &Live, live: &Live) -> (usize, Vec<Difference>) {
    let (mut expected, mut live) = (expected.clone(), live.clone());
    for (wanted, found) in [(&mut expected.blue, &mut live.blue), (&mut expected.green, &mut live.green)] {
        wanted.take_if(|slot| slot.status == SlotStatus::Failed);
        if wanted.is_none() {
            found.take_if(|slot| matches!(slot.status, SlotStatus::Paused | SlotStatus::Failed));
        }
    }
    // The route names the origin of a slot that came into being after the snapshot; no user can reach it there.
    if let (Some(wanted), Some(route)) = (&expected.route, &mut live.route) {
        if wanted.blue.is_none() && route.stable != Slot::Blue && route.weight == super::Weight::ZERO {
            route.blue = None;
        }
        if wanted.green.is_none() && route.stable != Slot::Green && route.weight == super::Weight::ZERO {
            route.green = None;
        }
    }
    let (wanted, found) = (leaves(&expected), leaves(&live));
    let mut fields: Vec<&String> = wanted.keys().chain(found.keys()).collect();
    fields.sort();
    fields.dedup();
    let show = |field: &str, value: Option<&Value>| match value {
        None => "(absent)".to_owned(),
        // Values of environment variables may be secret; a digest shows that they differ.
        Some(value) if field.contains(".config.env.") => {
            format!("sha256:{}", &hex::encode(Sha256::digest(value.to_string()))[..12])
        }
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let differences = fields
        .iter()
        .filter(|field| wanted.get(**field) != found.get(**field))
        .map(|field| Difference {
            field: (*field).clone(),
            expected: show(field, wanted.get(*field)),
            live: show(field, found.get(*field)),
        })
        .collect();
    (fields.len(), differences)
}

/// Every leaf of live state by its path.
fn leaves(live: &Live) -> BTreeMap<String, Value> {
    fn walk(value: &Value, path: &str, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (key, inner) in map {
                    let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(inner, &here, out);
                }
            }
            leaf => {
                out.insert(path.to_owned(), leaf.clone());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(&serde_json::to_value(live).expect("strings and numbers always serialise"), "", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{SlotConfig, Weight};

    fn slot(slot: Slot, image: &str) -> SlotState {
        SlotState {
            slot,
            name: format!("orders-prod-{slot}"),
            arn: format!("arn:{slot}"),
            host: format!("{slot}.example"),
            status: SlotStatus::Running,
            config: SlotConfig {
                image: image.into(),
                port: 8080,
                env: BTreeMap::from([("API_KEY".into(), "hunter2".into())]),
                secrets: BTreeMap::new(),
                cpu: 256,
                memory: 512,
                health_path: "/livez".into(),
                min: 1,
                max: 2,
                concurrency: 80,
            },
        }
    }

    fn live() -> Live {
        let route = Route {
            blue: Some("blue.example".into()),
            green: None,
            stable: Slot::Blue,
            weight: Weight::ZERO,
            salt: "s".into(),
        };
        Live { route: Some(route), blue: Some(slot(Slot::Blue, "r@sha256:1")), green: None }
    }

    #[test]
    fn a_changed_snapshot_is_noticed() {
        let mut snapshot = Snapshot::seal("s1".into(), 1, "2026-01-01T00:00:00Z".into(), live());
        let text = serde_json::to_string(&snapshot).expect("serialises");
        assert_eq!(serde_json::from_str::<Snapshot>(&text).expect("reads").verify(), Ok(()));
        snapshot.live.blue.as_mut().expect("there").config.port = 1;
        assert!(matches!(snapshot.verify(), Err(SnapshotError::Changed { .. })));
    }

    #[test]
    fn every_field_counts_and_secrets_are_not_shown() {
        let mut now = live();
        let blue = now.blue.as_mut().expect("there");
        blue.config.env.insert("API_KEY".into(), "changed".into());
        blue.config.env.insert("NEW".into(), "1".into());
        blue.config.min = 2;
        let (fields, differences) = compare(&live(), &now);
        let names: Vec<_> = differences.iter().map(|d| d.field.as_str()).collect();
        assert_eq!(names, ["blue.config.env.API_KEY", "blue.config.env.NEW", "blue.config.min"]);
        assert!(fields > 15);
        assert!(!format!("{differences:?}").contains("hunter2"));
    }

    #[test]
    fn a_slot_that_should_not_exist_may_be_paused_but_not_running() {
        let mut now = live();
        now.green = Some(slot(Slot::Green, "r@sha256:2"));
        assert!(!compare(&live(), &now).1.is_empty());
        now.green.as_mut().expect("there").status = SlotStatus::Paused;
        now.route.as_mut().expect("there").green = Some("green.example".into());
        assert_eq!(compare(&live(), &now).1, []);
    }

    #[test]
    fn users_left_on_the_canary_are_a_difference() {
        let mut now = live();
        now.route.as_mut().expect("there").weight = Weight::percent(5);
        assert_eq!(compare(&live(), &now).1[0].field, "route.weight");
    }
}
