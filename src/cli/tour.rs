//! tour
use super::{Done, args::Tour, output::Output};
pub async fn run(_request: &Tour, _output: &Output) -> Done {
    Ok(0)
}
