//! The rig shared by the test binaries.

pub mod links;
pub mod proxy;
