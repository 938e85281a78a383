//! A type that travels: its codec, its description, and the status of an error.

use super::record::{self, bounded};
use super::{RustSpelling, Settings, checks, describe, failure, ident, local, placed, union};
use crate::model::{Body, Field, TypeDef};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Generics;

/// A type definition with what its parts are emitted with.
pub(super) struct Typed<'m, S: RustSpelling> {
    pub(super) def: &'m TypeDef<S>,
    pub(super) name: Ident,
    pub(super) generics: Generics,
    pub(super) rt: TokenStream,
}

/// Emits what `#[derive(fluxar::Type)]` adds to a type that exists.
#[must_use]
pub fn type_def<S: RustSpelling>(def: &TypeDef<S>, settings: &Settings) -> TokenStream {
    let rt = settings.rt();
    let name = ident(&def.name);
    let typed = Typed { def, name, generics: S::generics(&def.extra), rt };
    let [write, read] = match &def.body {
        Body::Record(fields) => record_codec(&typed, fields),
        Body::Newtype(ty) => newtype_codec(&typed, ty),
        Body::Unit => unit_codec(),
        Body::Enum(variants) | Body::Union(variants) => union::codec(&typed, variants),
    };
    let Typed { name, generics, rt, .. } = &typed;
    let codec = codec(name, generics, [write, read], rt);
    let serde = serde(name, generics, rt);
    let description = describe::describe(&typed);
    let segment = super::topic::segment(&typed);
    let failure = def.is_error.then(|| failure::app_error(&typed));
    quote! {
        const _: () = {
            #codec
            #serde
            #description
            #segment
            #failure
        };
    }
}

fn record_codec<S: RustSpelling>(typed: &Typed<'_, S>, fields: &[Field<S>]) -> [TokenStream; 2] {
    let Typed { def, rt, .. } = typed;
    let fields: Vec<_> = fields.iter().collect();
    record_bodies(&def.name.wire, &fields, rt)
}

/// The bodies of the codec of a struct with these fields.
pub(super) fn record_bodies<S: RustSpelling>(
    wire: &str,
    fields: &[&Field<S>],
    rt: &TokenStream,
) -> [TokenStream; 2] {
    let values: Vec<TokenStream> = fields
        .iter()
        .map(|field| {
            let name = ident(&field.name);
            quote_spanned!(placed(field.name.span)=> &self.#name)
        })
        .collect();
    let write = record::write_fields(fields, &values, rt);
    let read = record::read_fields(wire, fields, &quote!(Self), rt);
    [quote!(#write ::core::result::Result::Ok(())), quote!(::core::result::Result::Ok(#read))]
}

fn newtype_codec<S: RustSpelling>(typed: &Typed<'_, S>, ty: &S::Type) -> [TokenStream; 2] {
    let Typed { def, rt, .. } = typed;
    let ty = S::ty(ty, rt);
    let write = record::write(&ty, &quote!(&self.0), rt);
    let write = checks::written(&def.constraints, write, rt);
    let read = checks::read(&def.constraints, record::read(&ty, rt), rt);
    [write, quote!(#read.map(Self))]
}

fn unit_codec() -> [TokenStream; 2] {
    let (to, from) = (local("to"), local("from"));
    [
        quote! {
            #to.null();
            ::core::result::Result::Ok(())
        },
        quote! {
            #from.nothing()?;
            ::core::result::Result::Ok(Self)
        },
    ]
}

/// Both implementations, from the bodies that write `self` and read it.
pub(super) fn codec(
    name: &Ident,
    generics: &Generics,
    [write, read]: [TokenStream; 2],
    rt: &TokenStream,
) -> TokenStream {
    let writing = bounded(generics, &quote!(#rt::serde::ser::Serialize));
    let (writing, _, _) = writing.split_for_impl();
    let reading = bounded(generics, &quote!(#rt::serde::de::DeserializeOwned));
    let (reading, _, _) = reading.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let (to, from) = (local("to"), local("from"));
    let (encode_traits, decode_traits) = (record::encode_traits(rt), record::decode_traits(rt));
    quote! {
        #[automatically_derived]
        impl #writing #rt::Encode for #name #arguments #clause {
            fn encode(
                &self,
                #to: &mut #rt::Writer,
            ) -> ::core::result::Result<(), #rt::Mismatch> {
                #encode_traits
                #write
            }
        }

        #[automatically_derived]
        impl #reading #rt::Decode for #name #arguments #clause {
            fn decode(
                #from: &mut #rt::Reader<'_>,
            ) -> ::core::result::Result<Self, #rt::Mismatch> {
                #decode_traits
                #read
            }
        }
    }
}

/// serde's traits: the bounds of the API, and the way into other formats.
fn serde(name: &Ident, generics: &Generics, rt: &TokenStream) -> TokenStream {
    let writing = bounded(generics, &quote!(#rt::serde::ser::Serialize));
    let (writing, _, _) = writing.split_for_impl();
    let mut reading = bounded(generics, &quote!(#rt::serde::de::DeserializeOwned));
    reading.params.insert(0, syn::parse_quote!('__fx_de));
    let (reading, _, _) = reading.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let (to, from) = (local("to"), local("from"));
    quote! {
        #[automatically_derived]
        impl #writing #rt::serde::ser::Serialize for #name #arguments #clause {
            #[inline]
            fn serialize<__FxTo: #rt::serde::ser::Serializer>(
                &self,
                #to: __FxTo,
            ) -> ::core::result::Result<__FxTo::Ok, __FxTo::Error> {
                #rt::serialize(self, #to)
            }
        }

        #[automatically_derived]
        impl #reading #rt::serde::de::Deserialize<'__fx_de> for #name #arguments #clause {
            #[inline]
            fn deserialize<__FxFrom: #rt::serde::de::Deserializer<'__fx_de>>(
                #from: __FxFrom,
            ) -> ::core::result::Result<Self, __FxFrom::Error> {
                #rt::deserialize(#from)
            }
        }
    }
}
