//! Sealing: Noise beside public vectors and another implementation, and sealed sessions.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it fails")]

mod canary;
mod oracle;
mod public;
mod session;
mod vectors;
mod wycheproof;
