//! The parameters of a method as one record, which both sides use.

use super::service::Scope;
use super::types::{codec, record_bodies};
use super::{RustSpelling, ident};
use crate::model::{Field, Method};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The record's name. It lives in an anonymous constant, so only the methods of one service meet.
pub(super) fn record_name<S: RustSpelling>(method: &Method<S>) -> Ident {
    format_ident!("__FxParameters_{}", method.name.source)
}

/// The record with its codec; nothing for a method without parameters.
pub(super) fn definition<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    if method.params().next().is_none() {
        return TokenStream::new();
    }
    let rt = &scope.rt;
    let name = record_name(method);
    let conditions = S::conditions(&method.extra);
    let names = method.params().map(|field| ident(&field.name));
    let types = method.params().map(|field| S::ty(&field.ty, rt));
    let fields: Vec<_> = method.params().collect();
    let [write, _] = record_bodies(&method.name.wire, &fields, rt);
    // What has no number is written by name, and read by its place too: contract files and the
    // other languages count parameters.
    let numbered: Vec<_> =
        (1..).zip(&fields).map(|(place, field)| numbered(field, place)).collect();
    let [_, read] = record_bodies(&method.name.wire, &numbered.iter().collect::<Vec<_>>(), rt);
    let bodies = [write, read];
    let codec = codec(&name, &syn::Generics::default(), bodies, rt);
    quote! {
        #conditions
        #[allow(non_camel_case_types, reason = "named after the method")]
        struct #name {
            #(#names: #types,)*
        }
        #conditions
        const _: () = { #codec };
    }
}

fn numbered<S: RustSpelling>(field: &Field<S>, place: u32) -> Field<S> {
    Field { id: field.id.or(Some(place)), ..field.clone() }
}

/// An expression that makes the record from variables of the parameters' names.
pub(super) fn from_variables<S: RustSpelling>(method: &Method<S>) -> TokenStream {
    let name = record_name(method);
    let fields = method.params().map(|field| ident(&field.name));
    quote!(#name { #(#fields),* })
}
