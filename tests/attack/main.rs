//! Attacks: each test drives one row of the list to its limit, then looks at what it cost.
//!
//! Rows are those of the catalogue that the limits of `docs/spec/limits.md` come from; the name of
//! a test begins with its row. Costs are counted in bytes (a global allocator that keeps the peak)
//! and in tasks (the runtime's own metrics), never in time, so that a slow machine changes nothing.

mod bombs;
mod engine;
mod memory;
mod peer;
mod victim;
mod wire;
