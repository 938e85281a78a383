//! The contract model of fluxar and its emitters.
//!
//! A *front end* reads one way of writing a contract into the [`model`]; an *emitter* writes the
//! model as code. The macros of `fluxar-macros` are one front end and one emitter, joined by the
//! two functions here.

mod assert;
mod build_script;
mod cbor;
pub mod check;
pub mod diagnostics;
pub mod emit;
pub mod evolve;
pub mod front;
pub mod model;
pub mod report;
pub mod sample;
pub mod syntax;
#[cfg(test)]
mod tests;

pub use assert::assert_contract;
pub use build_script::{CompileError, compile};

use proc_macro2::TokenStream;
use quote::quote;

/// `#[fluxar::service(arguments)] item`.
///
/// # Errors
/// Everything that is wrong with the item, each with its place.
pub fn expand_service(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let parsed = match syn::parse2(item)? {
        syn::Item::Trait(parsed) => parsed,
        other => {
            let message = "a service is a trait: write `#[fluxar::service] trait …`";
            return Err(syn::Error::new_spanned(other, message));
        }
    };
    let read = front::rust_service(arguments, &parsed)?;
    Ok(emit::rust::service(&read.service, &read.settings, &read.supertraits))
}

/// The item of a refused service without fluxar's attributes, so that what refers to the trait
/// does not fail as well. Nothing when it is no trait.
#[must_use]
pub fn plain_trait(item: TokenStream) -> TokenStream {
    let Ok(mut item) = syn::parse2::<syn::ItemTrait>(item) else { return TokenStream::new() };
    let ours = |attribute: &syn::Attribute| attribute.path().is_ident("fluxar");
    item.attrs.retain(|attribute| !ours(attribute));
    for item in &mut item.items {
        let syn::TraitItem::Fn(function) = item else { continue };
        function.attrs.retain(|attribute| !ours(attribute));
        for input in &mut function.sig.inputs {
            if let syn::FnArg::Typed(typed) = input {
                typed.attrs.retain(|a| !ours(a) && !a.path().is_ident("doc"));
            }
        }
    }
    quote!(#item)
}

/// `#[fluxar::topic(arguments)] item`.
///
/// # Errors
/// Everything that is wrong with the item, each with its place.
pub fn expand_topic(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let message = "a topic is a struct of the values in its path: write \
                   `#[fluxar::topic(…)] struct …`";
    let mut parsed: syn::ItemStruct = match syn::parse2(item)? {
        syn::Item::Struct(parsed) => parsed,
        other => return Err(syn::Error::new_spanned(other, message)),
    };
    let read = front::rust_topic(arguments, &parsed)?;
    let code = emit::rust::topic(&read.topic, &read.settings);
    for field in &mut parsed.fields {
        field.attrs.retain(|attribute| !attribute.path().is_ident("fluxar"));
    }
    Ok(quote!(#parsed #code))
}

/// `fluxar::assert_idl!("idl/shop.fluxar", Users, Llm)`.
///
/// # Errors
/// Something else is written.
pub fn expand_assert(arguments: TokenStream) -> syn::Result<TokenStream> {
    use syn::parse::Parser;
    let parser = |input: syn::parse::ParseStream<'_>| {
        let path: syn::LitStr = input.parse()?;
        input.parse::<syn::Token![,]>()?;
        let services =
            syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated(input)?;
        Ok((path, services))
    };
    let (path, services) = parser.parse2(arguments)?;
    let clients = services.into_iter().map(|mut service| {
        if let Some(last) = service.segments.last_mut() {
            last.ident = quote::format_ident!("{}Client", last.ident);
        }
        service
    });
    Ok(quote!({
        let mut registry = ::fluxar::service::describe::Registry::new();
        #(<#clients as ::fluxar::service::describe::Described>::describe(&mut registry);)*
        let path = ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path);
        ::fluxar_codegen::assert_contract(path, &registry.descriptor());
    }))
}

/// `#[derive(fluxar::Type)] item`.
///
/// # Errors
/// Everything that is wrong with the item, each with its place.
pub fn expand_type(item: TokenStream) -> syn::Result<TokenStream> {
    let parsed: syn::DeriveInput = syn::parse2(item)?;
    let read = front::derived_type(&parsed)?;
    let code = emit::rust::type_def(&read.def, &read.settings);
    Ok(quote!(#code))
}
