//! The description of a type, which is made at run time: a macro sees tokens, not types.

use super::record::bounded;
use super::types::Typed;
use super::{RustSpelling, local};
use crate::model::{Body, Docs, Field, VariantBody};
use proc_macro2::TokenStream;
use quote::quote;

/// `impl Type`.
pub(super) fn describe<S: RustSpelling>(typed: &Typed<'_, S>) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let with_bounds = bounded(generics, &quote!(#rt::Type));
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let registry = local("registry");
    let wire = &def.name.wire;
    let docs = joined(&def.docs);
    let is_error = def.is_error;
    let body = match &def.body {
        Body::Unit => quote!(#rt::TypeBody::unit()),
        Body::Newtype(ty) => {
            let ty = reference::<S>(ty, rt);
            quote!(#rt::TypeBody::newtype(#ty))
        }
        Body::Record(fields) => {
            let fields = fields.iter().map(|field| field_def::<S>(field, rt));
            quote!(#rt::TypeBody::record([#(#fields),*]))
        }
        Body::Enum(variants) | Body::Union(variants) => {
            let variants = variants.iter().map(|variant| {
                let name = &variant.name.wire;
                let (id, docs) = (variant.id.unwrap_or(0), joined(&variant.docs));
                let body = match &variant.body {
                    VariantBody::Unit => quote!(#rt::TypeBody::unit()),
                    VariantBody::Newtype(ty) => {
                        let ty = reference::<S>(ty, rt);
                        quote!(#rt::TypeBody::newtype(#ty))
                    }
                    VariantBody::Record(fields) => {
                        let fields = fields.iter().map(|field| field_def::<S>(field, rt));
                        quote!(#rt::TypeBody::record([#(#fields),*]))
                    }
                };
                quote!(#rt::VariantDef::new(#name, #body).id(#id).docs(#docs))
            });
            quote!(#rt::TypeBody::union([#(#variants),*]))
        }
    };
    quote! {
        #[automatically_derived]
        impl #with_bounds #rt::Type for #name #arguments #clause {
            fn describe(#registry: &mut #rt::Registry) -> #rt::TypeRef {
                #[allow(unused_imports, reason = "a type without fields asks nothing")]
                use #rt::{DescribeAny as _, DescribeKnown as _};
                #registry.define::<Self>(#wire, #docs, #is_error, |#registry| #body)
            }
        }
    }
}

/// The reference to a field's type: described when it implements `Type`, `any` when it does not.
fn reference<S: RustSpelling>(ty: &S::Type, rt: &TokenStream) -> TokenStream {
    let registry = local("registry");
    let ty = S::ty(ty, rt);
    quote!((&#rt::Probe::<#ty>::new()).describe(#registry))
}

fn field_def<S: RustSpelling>(field: &Field<S>, rt: &TokenStream) -> TokenStream {
    let wire = &field.name.wire;
    let ty = reference::<S>(&field.ty, rt);
    let (id, docs, defaulted) = (field.id.unwrap_or(0), joined(&field.docs), field.defaulted);
    quote!(#rt::FieldDef::new(#wire, #ty).id(#id).docs(#docs).defaulted(#defaulted))
}

fn joined(docs: &Docs) -> String {
    let lines = docs.lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}
