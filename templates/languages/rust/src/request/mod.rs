//! What happens around every request, so that handlers hold nothing but the domain.

pub mod context;
pub mod extract;
pub mod frame;
pub mod problem;
