//! The command `fluxar`, run as a person runs it: its data, its talk, its exit codes.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on from ends it")]

mod bench;
mod call;
#[cfg(unix)]
mod config;
mod contracts;
#[cfg(unix)]
mod ctx;
mod demo;
mod doctor;
mod examples;
mod key;
mod reflect;
mod resume;
mod rig;
mod serve;
mod shop;
mod talk;
#[cfg(unix)]
mod tls;
mod topics;
#[cfg(unix)]
mod ways;
