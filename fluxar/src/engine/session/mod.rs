//! L4: who is there, what it may do, and whether it still lives.

pub mod auth;
pub(crate) mod budget;
pub mod challenge;
pub mod handshake;
pub(crate) mod heartbeat;
pub mod limits;
pub mod phase;
pub(crate) mod receipts;
pub mod resume;
