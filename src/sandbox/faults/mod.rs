//! Faults made on purpose: what can go wrong with a cloud, asked for with `pave sandbox fault add`.
//!
//! Invariants: a fault strikes only calls whose signature was good; one that was asked for so many times strikes exactly so often.

mod store;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::call::ServiceError;

pub use store::{Faults, FaultsError};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A call is refused because there are too many.
    Throttle,
    /// A call is refused because the service has a fault.
    Error,
    /// A call takes longer.
    Delay,
    /// A call has its effect, and the connection breaks before the answer.
    LostResponse,
    /// A health check of an instance fails.
    Unhealthy,
    /// An instance is killed.
    Kill,
    /// A build fails.
    BuildFailure,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Throttle,
        Self::Error,
        Self::Delay,
        Self::LostResponse,
        Self::Unhealthy,
        Self::Kill,
        Self::BuildFailure,
    ];

    /// Whether it strikes calls, and not what runs.
    pub const fn is_of_calls(self) -> bool {
        matches!(self, Self::Throttle | Self::Error | Self::Delay | Self::LostResponse)
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::Delay => "delay",
            Self::LostResponse => "lost-response",
            Self::Unhealthy => "unhealthy",
            Self::Kill => "kill",
            Self::BuildFailure => "build-failure",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Names it.
    pub id: u32,
    /// What happens.
    pub kind: Kind,
    /// For calls the service that they are signed for, else the App Runner service or CodeBuild project; any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The operation that is struck; any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Probability that it strikes, 0 to 1.
    pub share: f64,
    /// How often it will strike yet; for ever unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
    /// Of a delay, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
}

impl Fault {
    fn fits(&self, place: &Place<'_>) -> bool {
        let (service, operation) = match *place {
            Place::Call { service, operation } => (service, operation),
            Place::Check { service } => (service, ""),
            Place::Build { project } => (project, ""),
        };
        let of_place = match place {
            Place::Call { .. } => self.kind.is_of_calls(),
            Place::Check { .. } => matches!(self.kind, Kind::Unhealthy | Kind::Kill),
            Place::Build { .. } => self.kind == Kind::BuildFailure,
        };
        let fits =
            |wanted: &Option<String>, there: &str| wanted.as_deref().is_none_or(|wanted| wanted == there);
        of_place && self.left != Some(0) && fits(&self.service, service) && fits(&self.operation, operation)
    }
}

/// Where a fault may strike.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A call.
    Call {
        /// Name that it is signed for.
        service: &'a str,
        /// Operation.
        operation: &'a str,
    },
    /// A health check of an instance.
    Check {
        /// Name of the App Runner service.
        service: &'a str,
    },
    /// A build.
    Build {
        /// Name of the project.
        project: &'a str,
    },
}

/// What is to happen at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strike {
    /// Wait so long first.
    pub delay: Duration,
    /// Then this.
    pub then: Option<Kind>,
}

/// The refusal of a call, in the words of its service.
pub fn refusal(kind: Kind, service: &str) -> Option<ServiceError> {
    let (throttled, failed) = match service {
        "s3" => ((503, "SlowDown"), "InternalError"),
        "cloudformation" | "iam" | "rds" | "sts" | "cloudfront" => ((400, "Throttling"), "InternalFailure"),
        _ => ((400, "ThrottlingException"), "InternalFailure"),
    };
    match kind {
        Kind::Throttle => {
            Some(ServiceError { status: throttled.0, code: throttled.1, message: "Rate exceeded".to_owned() })
        }
        Kind::Error => {
            let message = "We encountered an internal error. Please try again.".to_owned();
            Some(ServiceError { status: 500, code: failed, message })
        }
        _ => None,
    }
}
