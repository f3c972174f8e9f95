//! Which slot a viewer goes to. The CloudFront Function in `templates/edge/router.js` says the same in JavaScript, and a
//! test holds the two equal.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// A route as it stands in the KeyValueStore.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RouteSpec {
    /// Host of the blue slot.
    #[serde(default)]
    pub blue: Option<String>,
    /// Host of the green slot.
    #[serde(default)]
    pub green: Option<String>,
    /// `blue` or `green`.
    pub stable: String,
    /// The canary's share in hundredths of a percent.
    #[serde(default)]
    pub weight: i64,
    /// Mixed into every viewer's hash.
    #[serde(default)]
    pub salt: String,
}

/// Which of the two a viewer is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The slot everybody else is on.
    Stable,
    /// The slot under trial.
    Canary,
}

impl Arm {
    /// As in the response header.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}

/// The viewer's place in 0..10000: the first 32 bits of SHA-256 over salt, a colon and the viewer's id. It does not depend on
/// the weight, so a viewer whose place is below it stays below it while it grows.
fn place(salt: &str, viewer: &str) -> i64 {
    let hash = Sha256::digest(format!("{salt}:{viewer}"));
    i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) % 10_000
}

/// The slot, its host and the arm of a viewer; `None` where not even stable has a host.
pub fn assign<'a>(route: &'a RouteSpec, viewer: &str) -> Option<(&'static str, &'a str, Arm)> {
    let blue = ("blue", route.blue.as_deref().filter(|host| !host.is_empty()));
    let green = ("green", route.green.as_deref().filter(|host| !host.is_empty()));
    let (stable, canary) = match route.stable.as_str() {
        "blue" => (blue, green),
        "green" => (green, blue),
        _ => return None,
    };
    if let (name, Some(host)) = canary
        && (0..=10_000).contains(&route.weight)
        && place(&route.salt, viewer) < route.weight
    {
        return Some((name, host, Arm::Canary));
    }
    stable.1.map(|host| (stable.0, host, Arm::Stable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(weight: i64) -> RouteSpec {
        RouteSpec {
            blue: Some("b".into()),
            green: Some("g".into()),
            stable: "blue".into(),
            weight,
            salt: "s".into(),
        }
    }

    #[test]
    fn the_share_of_viewers_is_the_weight_and_only_grows() {
        let viewers: Vec<String> = (0..20_000).map(|i| format!("viewer-{i}")).collect();
        let on = |weight| -> Vec<bool> {
            viewers.iter().map(|v| assign(&route(weight), v).expect("routed").2 == Arm::Canary).collect()
        };
        let (five, quarter) = (on(500), on(2500));
        let share = five.iter().filter(|c| **c).count() as f64 / 20_000.0;
        // Standard deviation is 0.0015.
        assert!((share - 0.05).abs() < 0.0075, "{share}");
        assert!(five.iter().zip(&quarter).all(|(small, large)| !small || *large), "a viewer was sent back");
        assert!(on(0).iter().all(|c| !c) && on(10_000).iter().all(|c| *c));
    }

    #[test]
    fn what_is_wrong_with_a_route_goes_to_stable() {
        for weight in [-1, 10_001, i64::MAX] {
            assert_eq!(assign(&route(weight), "v").expect("routed").2, Arm::Stable);
        }
        let lonely = RouteSpec { green: None, ..route(10_000) };
        assert_eq!(assign(&lonely, "v"), Some(("blue", "b", Arm::Stable)));
        assert_eq!(assign(&RouteSpec { blue: None, ..route(0) }, "v"), None);
        assert_eq!(assign(&RouteSpec { stable: "red".into(), ..route(0) }, "v"), None);
    }
}
