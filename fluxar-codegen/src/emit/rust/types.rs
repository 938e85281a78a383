//! A type that travels: its codec, its description, and the status of an error.

use super::record::{self, Record};
use super::{RustSpelling, Settings, describe, failure, ident, local, union};
use crate::model::{Body, Field, TypeDef};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
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
    let codec = match &def.body {
        Body::Record(fields) => record_codec(&typed, fields),
        Body::Newtype(_) => newtype_codec(&typed),
        Body::Unit => unit_codec(&typed),
        Body::Enum(variants) | Body::Union(variants) => union::codec(&typed, variants),
    };
    let description = describe::describe(&typed);
    let failure = def.is_error.then(|| failure::app_error(&typed));
    quote! {
        const _: () = {
            #codec
            #description
            #failure
        };
    }
}

fn record_codec<S: RustSpelling>(typed: &Typed<'_, S>, fields: &[Field<S>]) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let fields: Vec<_> = fields.iter().collect();
    let record = Record {
        ty: name,
        generics,
        wire: &def.name.wire,
        fields: &fields,
        reader: quote!(#rt::read_record),
    };
    let serialize = record::serialize(&record, rt);
    let deserialize = record::deserialize(&record, rt);
    let collect = record::collect(&record, None, rt);
    quote!(#serialize #deserialize #collect)
}

fn newtype_codec<S: RustSpelling>(typed: &Typed<'_, S>) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let wire = &def.name.wire;
    let (to, from) = (local("to"), local("from"));
    let serialize = quote! {
        #rt::serde::ser::Serializer::serialize_newtype_struct(#to, #wire, &self.0)
    };
    let read = quote! {
        ::core::result::Result::Ok(Self(#rt::serde::de::Deserialize::deserialize(#from)?))
    };
    whole_codec(name, generics, [serialize, read], rt)
}

fn unit_codec<S: RustSpelling>(typed: &Typed<'_, S>) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let wire = &def.name.wire;
    let (to, from) = (local("to"), local("from"));
    let serialize = quote!(#rt::serde::ser::Serializer::serialize_unit_struct(#to, #wire));
    let read = quote! {
        #rt::read_unit(#from)?;
        ::core::result::Result::Ok(Self)
    };
    whole_codec(name, generics, [serialize, read], rt)
}

/// Both implementations, from the expressions that write `self` to `to` and read it `from`.
pub(super) fn whole_codec(
    name: &Ident,
    generics: &Generics,
    [write, read]: [TokenStream; 2],
    rt: &TokenStream,
) -> TokenStream {
    let writing = record::bounded(generics, &quote!(#rt::serde::ser::Serialize));
    let (writing, _, _) = writing.split_for_impl();
    let reading = record::decoding(generics, rt);
    let (reading, _, _) = reading.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let (to, from) = (local("to"), local("from"));
    quote! {
        #[automatically_derived]
        impl #writing #rt::serde::ser::Serialize for #name #arguments #clause {
            fn serialize<__FxTo: #rt::serde::ser::Serializer>(
                &self,
                #to: __FxTo,
            ) -> ::core::result::Result<__FxTo::Ok, __FxTo::Error> {
                #write
            }
        }

        #[automatically_derived]
        impl #reading #rt::serde::de::Deserialize<'__fx_de> for #name #arguments #clause {
            fn deserialize<__FxFrom: #rt::serde::de::Deserializer<'__fx_de>>(
                #from: __FxFrom,
            ) -> ::core::result::Result<Self, __FxFrom::Error> {
                #read
            }
        }
    }
}
