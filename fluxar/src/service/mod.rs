//! The vocabulary of typed services. Needs no runtime.

mod absent;
pub mod describe;
mod failure;
mod record;
#[doc(hidden)]
pub mod rt;
mod union;

pub use describe::Type;
pub use failure::{AppError, Error, Failure};
