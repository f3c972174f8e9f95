//! What tests of several readers share.

use proptest::test_runner::Config;

/// How often a reader is tried: so often that it takes a moment, or `PAVE_TEST_WHOLE` times as thoroughly.
pub(in crate::sandbox) fn cases() -> Config {
    let whole = std::env::var_os("PAVE_TEST_WHOLE").is_some();
    Config { cases: if whole { 20_000 } else { 512 }, failure_persistence: None, ..Config::default() }
}
