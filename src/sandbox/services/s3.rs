//! S3 over files.

use std::{io, path::Path, sync::Arc};

use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

/// State of the service.
pub struct S3 {}

impl S3 {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(_dir: &Path) -> io::Result<Self> {
        Ok(Self {})
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(_world: &Arc<World>, operation: &str, _input: Value, _caller: &Caller) -> Answer {
    Err(ServiceError::not_in_sandbox("s3", operation))
}
