//! Sealing: Noise beside public vectors and another implementation.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it fails")]

mod oracle;
mod public;
mod wycheproof;
