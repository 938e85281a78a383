//! What the spec says, against what the engine does: the vectors of `tests/vectors`, whole
//! sessions byte by byte, and a client in another language that was written from the spec alone.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it fails")]

mod bodies;
mod client;
mod envelopes;
mod exchanges;
mod formats;
mod receiver;
mod resume;
mod rules;
mod scripts;
mod vectors;
