//! What is live, read from the services themselves.

use crate::rollout::{Live, Slot};

use super::ports::{PortResult, Ports};

/// Reads the route and both slots.
///
/// # Errors
/// When a service cannot be read: half a picture is none.
pub async fn observe(ports: &Ports) -> PortResult<Live> {
    let (route, blue, green) = tokio::try_join!(
        ports.traffic.route(),
        ports.runtime.observe(Slot::Blue),
        ports.runtime.observe(Slot::Green),
    )?;
    Ok(Live { route, blue, green })
}
