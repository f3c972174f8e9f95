//! What unit tests share: how often a reader is tried, an account, and the world of its sandbox.

use std::{path::Path, sync::Arc};

use proptest::test_runner::Config;

use super::{
    call::Caller,
    world::{Addresses, Identity, World},
};

/// The account of every test.
pub(in crate::sandbox) const ACCOUNT: &str = "123456789012";

/// How often a reader is tried: so often that it takes a moment, or `PAVE_TEST_WHOLE` times as thoroughly.
pub(in crate::sandbox) fn cases() -> Config {
    let whole = std::env::var_os("PAVE_TEST_WHOLE").is_some();
    Config { cases: if whole { 20_000 } else { 512 }, failure_persistence: None, ..Config::default() }
}

/// Who a sandbox is.
pub(in crate::sandbox) fn identity() -> Identity {
    Identity {
        account: ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
        access_key_id: "AKIAKNOWN".to_owned(),
        secret_access_key: "secret".to_owned(),
    }
}

/// Its own account, as a caller.
pub(in crate::sandbox) fn caller() -> Caller {
    let identity = identity();
    identity.caller(&identity.access_key_id, identity.key())
}

/// What a directory holds of it. Nobody serves.
pub(in crate::sandbox) fn world(dir: &Path) -> Arc<World> {
    let address = ([127, 0, 0, 1], 1).into();
    let world = World::open(dir.to_owned(), identity(), Addresses { api: address, edge: address });
    Arc::new(world.expect("opens"))
}
