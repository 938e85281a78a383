//! The parameters of a method as one record, which both sides use.

use super::record::{self, Record};
use super::service::Scope;
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
    let generics = syn::Generics::default();
    let record = Record {
        ty: &name,
        generics: &generics,
        wire: &method.name.wire,
        fields: &fields,
        reader: quote!(#rt::read_parameters),
    };
    let codec = [record::serialize(&record, rt), record::deserialize(&record, rt)];
    let codec = codec.into_iter().map(|item| quote!(#conditions #item));
    let collect = record::collect(&record, None, rt);
    quote! {
        #conditions
        #[allow(non_camel_case_types, reason = "named after the method")]
        struct #name {
            #(#names: #types,)*
        }
        #(#codec)*
        #conditions
        #collect
    }
}

/// An expression that makes the record from variables of the parameters' names.
pub(super) fn from_variables<S: RustSpelling>(method: &Method<S>) -> TokenStream {
    let name = record_name(method);
    let fields = method.params().map(|field| ident(&field.name));
    quote!(#name { #(#fields),* })
}
