//! The vocabulary of typed services. Needs no runtime.

pub(crate) mod absent;
pub mod describe;
mod failure;
mod probe;
#[doc(hidden)]
pub mod rt;
pub mod topic;

pub use describe::Type;
pub use failure::{AppError, Error, Failure};
