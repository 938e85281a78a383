//! Model → Rust, for the macros now and for contract files later: generic over how types are
//! spelled, so that both get the same code.
//!
//! What is emitted names everything by absolute path, and its own locals and hidden items start
//! with `__fx`: it works beside any names that the surrounding module has.

mod checks;
mod client;
mod constant;
mod describe;
mod failure;
mod holes;
mod parameters;
mod record;
mod server;
mod service;
mod source;
mod spelling;
mod topic;
mod types;
mod union;

pub use service::service;
pub use source::{contract, type_ident};
pub use spelling::{Rust, RustExtra, RustSpelling};
pub use topic::topic;
pub use types::type_def;

use crate::model::{Docs, Name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Visibility;

/// How the emitted code sits in its crate.
#[derive(Clone, Debug)]
pub struct Settings {
    krate: TokenStream,
    vis: Visibility,
}

impl Settings {
    /// The path of fluxar (`::fluxar` when absent), and the visibility of what is emitted.
    #[must_use]
    pub fn new(krate: Option<syn::Path>, vis: Visibility) -> Self {
        let krate = krate.map_or_else(|| quote!(::fluxar), |path| quote!(#path));
        Self { krate, vis }
    }

    /// The path of what generated code calls.
    fn rt(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__rt)
    }
}

/// The identifier of a name, raw where Rust has a keyword of that name.
fn ident(name: &Name) -> Ident {
    match syn::parse_str::<Ident>(&name.source) {
        Ok(_) => Ident::new(&name.source, name.span),
        Err(_) => Ident::new_raw(&name.source, name.span),
    }
}

/// A local of the emitted code, which no name of the author's can meet.
fn local(name: &str) -> Ident {
    format_ident!("__fx_{}", name, span = Span::mixed_site())
}

/// The author's place for the compiler's messages, with the names of the emitted code.
fn placed(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Documentation as attributes.
fn doc_attributes(docs: &Docs) -> TokenStream {
    let lines = &docs.lines;
    quote!(#(#[doc = #lines])*)
}

/// `Option::Some(1)` or `Option::None`, by path.
fn option<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// `Result<T, E>` by path.
fn result(span: Span, ok: &TokenStream, error: &TokenStream) -> TokenStream {
    quote_spanned!(span=> ::core::result::Result<#ok, #error>)
}
