//! The parameters of a method as one record, which both sides use.

use super::service::Scope;
use super::types::{codec, record_bodies};
use super::{RustSpelling, ident};
use crate::model::Method;
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
    let bodies = record_bodies(&method.name.wire, &fields, rt);
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

/// An expression that makes the record from variables of the parameters' names.
pub(super) fn from_variables<S: RustSpelling>(method: &Method<S>) -> TokenStream {
    let name = record_name(method);
    let fields = method.params().map(|field| ident(&field.name));
    quote!(#name { #(#fields),* })
}
