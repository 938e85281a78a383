//! Rust syntax → model. The other front end, the contract language, will stand beside this one.

mod attributes;
mod carried;
mod derive;
mod limits;
mod literal;
mod method;
mod names;
mod payload;
mod service;
mod topic;

pub(crate) use names::{TARGET_BYTES_MAX, TARGET_SEGMENTS_MAX, pascal_case, snake_case};

pub use derive::{DerivedType, derived_type};
pub use service::{RustService, rust_service};
pub use topic::{RustTopic, rust_topic};
