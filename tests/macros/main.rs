//! The macros as an author meets them: what they make, what it does on a wire, what they refuse.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test, and says where")]
#![allow(unreachable_pub, missing_docs, reason = "the modules in `pass` are as authors write them")]

mod assert;
#[allow(dead_code, non_snake_case, reason = "no test uses all of every contract, nor its names")]
mod compiled;
mod contract;
mod describe;
mod idempotent;
#[path = "pass/lints.rs"]
pub mod lints;
#[path = "pass/no_prelude.rs"]
mod no_prelude;
#[path = "pass/odd_names.rs"]
mod odd_names;
mod shapes;
#[rustfmt::skip]
#[path = "pass/shop.rs"]
pub mod shop;
mod shop_contract;
mod topics;
mod values;

/// Refusals as the author sees them.
///
/// `TRYBUILD=overwrite cargo test -p fluxar-tests --test macros` rewrites the expected messages.
#[test]
fn refusals_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("macros/fail/*.rs");
}
