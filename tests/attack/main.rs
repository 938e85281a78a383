//! Attacks: each test drives one row of the list to its limit, then looks at what it cost.
//!
//! Rows are those of the catalogue that the limits of `docs/spec/limits.md` come from; the name of
//! a test begins with its row. Costs are counted in bytes (a global allocator that keeps the peak)
//! and in tasks (the runtime's own metrics), never in time, so that a slow machine changes nothing.
//!
//! What needs no counter stands beside what it attacks, by row (`engine` and `peer` are folders of
//! `fluxar/src`):
//! - 17, stolen, replayed and made-up resumes: `engine/tests/resume.rs`
//! - 18, 24, 25, capabilities stripped, reflections, crossing offers, splices, keys of others:
//!   `engine/tests/sealed/strip.rs`, `engine/tests/sealed/mod.rs`, `engine/tests/auth.rs`
//! - 19, lengths that tell how well something was compressed: `engine/tests/sealed/mod.rs`
//! - 20, 21, 22, numbers, forged frames, plaintext behind a wrong tag:
//!   `engine/tests/sealed/middle.rs`, `engine/tests/sealed/records.rs`, `engine/wire/seal/`
//! - 23, keys that give a secret of zeros: `tests/seal/wycheproof.rs`
//! - 26, 27, 28, early data, hosts and origins, sockets of others: `tests/transport/`
//! - 33, clocks that jump: deadlines are time left on a clock that only rises; `peer/jwt/tests.rs`
//!   has the one wall clock
//! - 37, secrets in logs: `tests/seal/canary.rs`, `tests/transport/session.rs`

mod bombs;
mod engine;
mod memory;
mod peer;
mod victim;
mod wire;
