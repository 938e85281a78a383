//! The house, checked: sizes, the import law, rules and their tests, features and their docs.
//!
//! Each test reads the tree as it stands and lists everything that is wrong at once. What the
//! checks mean is in `fluxar/ARCHITECTURE.md` and `.github/CONTRIBUTING.md`.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it fails")]

mod docs;
mod law;
mod rules;
mod style;
mod tree;
