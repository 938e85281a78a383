//! The vocabulary of typed services. Needs no runtime.

pub(crate) mod absent;
pub mod describe;
mod failure;
mod probe;
pub mod topic;
#[doc(hidden)]
pub mod rt;

pub use describe::Type;
pub use failure::{AppError, Error, Failure};
