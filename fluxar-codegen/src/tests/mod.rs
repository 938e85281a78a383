//! What goes in and what comes out, without a compiler in between.
//!
//! Expected output lies in `expected/`; `FLUXAR_BLESS=1 cargo test -p fluxar-codegen` rewrites it.

pub(crate) mod contracts;
mod errors;
pub(crate) mod shop;
mod snapshots;

use proc_macro2::TokenStream;

/// Emitted code as a person would write it; it must parse.
fn pretty(code: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(code).expect("the emitted code parses"))
}
