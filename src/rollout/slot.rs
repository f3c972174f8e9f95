//! The two slots of an environment and which share of users each of them answers.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// One of the two services an environment consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    Blue,
    /// The second.
    Green,
}

impl Slot {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Blue, Self::Green];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blue => "blue",
            Self::Green => "green",
        })
    }
}

/// The canary's share of users in hundredths of a percent, 0 to 10000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

impl Weight {
    /// Nobody.
    pub const ZERO: Self = Self(0);
    /// Everybody.
    pub const FULL: Self = Self(10_000);

    /// From whole percent; more than 100 is 100.
    pub fn percent(percent: u8) -> Self {
        Self(u16::from(percent.min(100)) * 100)
    }

    /// In hundredths of a percent.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// As a share, 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = String;

    fn try_from(hundredths: u16) -> Result<Self, String> {
        if hundredths <= 10_000 {
            Ok(Self(hundredths))
        } else {
            Err(format!("a weight is 0 to 10000 hundredths of a percent, not {hundredths}"))
        }
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> u16 {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

/// What the edge reads at every request: where the slots are and who goes where.
/// Its JSON is the value of the key `route` in the KeyValueStore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Host name (with a port where it is not 443) of the blue slot, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue: Option<String>,
    /// Host name (with a port where it is not 443) of the green slot, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub green: Option<String>,
    /// The slot of everybody who is not on the canary.
    pub stable: Slot,
    /// Share of users on the other slot.
    pub weight: Weight,
    /// Mixed into the hash of a viewer, so that different rollouts pick different viewers first.
    pub salt: String,
}

impl Route {
    /// Host name of one slot.
    pub fn origin(&self, slot: Slot) -> Option<&str> {
        match slot {
            Slot::Blue => self.blue.as_deref(),
            Slot::Green => self.green.as_deref(),
        }
    }

    /// The slot that the weight counts for.
    pub fn canary(&self) -> Slot {
        self.stable.other()
    }
}

/// What a slot runs. Everything of it goes into the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotConfig {
    /// Pinned image, `repository@sha256:…`.
    pub image: String,
    /// Port inside the container.
    pub port: u16,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Environment variables filled from secrets: name to ARN.
    pub secrets: BTreeMap<String, String>,
    /// CPU units, 1024 per vCPU.
    pub cpu: u32,
    /// Memory in MB.
    pub memory: u32,
    /// Health check path.
    pub health_path: String,
    /// Fewest instances.
    pub min: u8,
    /// Most instances.
    pub max: u8,
    /// Requests one instance serves at a time.
    pub concurrency: u16,
}

/// Status of a slot's service, in the runtime's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotStatus {
    /// It serves.
    Running,
    /// It costs nothing and answers nothing.
    Paused,
    /// An operation is under way.
    Busy,
    /// It never came up; an update builds it anew.
    Failed,
}

impl fmt::Display for SlotStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Busy => "busy",
            Self::Failed => "failed",
        })
    }
}

/// A slot as its service reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotState {
    /// Which slot.
    pub slot: Slot,
    /// Name of its service.
    pub name: String,
    /// ARN of its service.
    pub arn: String,
    /// Its own host name (with a port where it is not 443), not users' address.
    pub host: String,
    /// Status.
    pub status: SlotStatus,
    /// What it runs.
    pub config: SlotConfig,
}
