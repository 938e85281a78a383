//! Behaviour of two engines on a link that the test holds in its hands.

mod auth;
mod budget;
mod calls;
mod drain;
mod frames;
mod handshake;
mod heartbeat;
#[cfg(all(feature = "zstd", feature = "gzip"))]
mod packed;
mod pair;
mod properties;
mod raw;
mod receipts;
mod relink;
mod resume;
#[cfg(feature = "seal")]
mod sealed;
mod sim;
mod streams;
mod topics;
mod violations;
