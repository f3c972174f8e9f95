//! One deploy at a time: a record with an expiry, taken and given back by conditional writes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    EngineError,
    clock::rfc3339,
    ports::{Expect, PortError, Ports},
};

const KEY: &str = "lease.json";

/// How long a lease holds without being renewed: longer than a pause of the machine, shorter than a person's patience.
const LENGTH: Duration = Duration::from_secs(60);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(15);

/// Who may change an environment now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Version of this record's shape.
    pub schema: u32,
    /// Who, for people.
    pub holder: String,
    /// Rises with every holder.
    pub fencing: u64,
    /// Seconds since the epoch.
    pub since: f64,
    /// Seconds since the epoch.
    pub expires: f64,
}

/// Makes sure that nobody is changing the environment, before anything is said of what is found there: a release that has
/// no end may be under way.
///
/// # Errors
/// [`EngineError::Leased`] while somebody is.
pub async fn unheld(ports: &Ports) -> Result<(), EngineError> {
    let Some(stored) = ports.state.get(KEY).await? else { return Ok(()) };
    let lease = read(&stored.body)?;
    if lease.is_held(ports.clock.now()) { Err(leased(&lease)) } else { Ok(()) }
}

fn read(body: &[u8]) -> Result<Lease, EngineError> {
    serde_json::from_slice(body)
        .map_err(|error| EngineError::Record { key: KEY.to_owned(), reason: error.to_string() })
}

/// A lease that is held.
pub(super) struct Held<'a> {
    ports: &'a Ports,
    lease: Lease,
    version: String,
}

/// This process, for people: user, host and process id.
fn holder() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}, process {}", std::process::id())
}

impl Lease {
    /// Whether somebody still holds it: it has not run out, and its holder is not a process of this machine that is no more.
    pub fn is_held(&self, now: f64) -> bool {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let gone = self.holder.rsplit_once(", process ").is_some_and(|(who, pid)| {
            who.ends_with(&format!("@{host}")) && !std::path::Path::new("/proc").join(pid).exists()
        });
        self.expires > now && !gone
    }
}

impl<'a> Held<'a> {
    /// Takes the lease: where nobody has it, where it ran out, and where its holder on this machine is gone.
    pub async fn take(ports: &'a Ports) -> Result<Self, EngineError> {
        let now = ports.clock.now();
        let mut lease = Lease {
            schema: 1,
            holder: holder(),
            fencing: 1,
            since: now,
            expires: now + LENGTH.as_secs_f64(),
        };
        let expect = match ports.state.get(KEY).await? {
            None => Expect::Absent,
            Some(stored) => {
                let other = read(&stored.body)?;
                if other.is_held(now) {
                    return Err(leased(&other));
                }
                lease.fencing = other.fencing + 1;
                Expect::Version(stored.version)
            }
        };
        match ports.state.put(KEY, bytes(&lease), expect).await {
            Ok(version) => Ok(Self { ports, lease, version }),
            Err(PortError::Conflict { .. }) => match ports.state.get(KEY).await? {
                Some(stored) => Err(leased(&read(&stored.body)?)),
                None => Err(PortError::Conflict { what: "the lease".to_owned() }.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Does something while renewing the lease.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            let renew_at = self.lease.expires - LENGTH.as_secs_f64() + RENEW.as_secs_f64();
            let wait = Duration::from_secs_f64((renew_at - self.ports.clock.now()).max(0.5));
            tokio::select! {
                result = &mut work => return result,
                () = self.ports.clock.sleep(wait) => {
                    let renewed = Lease { expires: self.ports.clock.now() + LENGTH.as_secs_f64(), ..self.lease.clone() };
                    let expect = Expect::Version(self.version.clone());
                    // A renewal that fails is tried again; if the lease was lost, the next conditional write says so.
                    if let Ok(version) = self.ports.state.put(KEY, bytes(&renewed), expect).await {
                        self.version = version;
                        self.lease = renewed;
                    }
                }
            }
        }
    }

    /// Gives the lease back.
    pub async fn give_back(self) {
        // If this fails the lease runs out by itself.
        let _ = self.ports.state.delete(KEY, &self.version).await;
    }
}

fn bytes(lease: &Lease) -> Vec<u8> {
    serde_json::to_vec(lease).expect("strings and numbers always serialise")
}

fn leased(lease: &Lease) -> EngineError {
    EngineError::Leased {
        holder: lease.holder.clone(),
        since: rfc3339(lease.since),
        expires: rfc3339(lease.expires),
    }
}
