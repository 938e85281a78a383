//! Enums: a bare key for a variant without content, a map of one entry for the others.

use super::record;
use super::types::Typed;
use super::{RustSpelling, ident, local};
use crate::model::{Variant, VariantBody};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The bodies of the codec.
pub(super) fn codec<S: RustSpelling>(
    typed: &Typed<'_, S>,
    variants: &[Variant<S>],
) -> [TokenStream; 2] {
    [write(typed, variants), read(typed, variants)]
}

fn write<S: RustSpelling>(typed: &Typed<'_, S>, variants: &[Variant<S>]) -> TokenStream {
    let Typed { def, rt, .. } = typed;
    let (to, value) = (local("to"), local("value"));
    let arms = variants.iter().map(|variant| {
        let (name, wire) = (ident(&variant.name), &variant.name.wire);
        let [number, key] = match variant.body {
            VariantBody::Unit => record::keys(variant.id, wire),
            _ => record::entry_keys(variant.id, wire),
        };
        let at = quote!(.map_err(|__fx_mismatch| __fx_mismatch.at(#wire))?);
        match &variant.body {
            VariantBody::Unit => quote!(Self::#name => #to.key(#number, #key),),
            VariantBody::Newtype(ty) => {
                let written = record::write(&S::ty(ty, rt), &quote!(#value), rt);
                quote! {
                    Self::#name(#value) => {
                        #to.key(#number, #key);
                        #written #at;
                    }
                }
            }
            VariantBody::Record(fields) => {
                let fields: Vec<_> = fields.iter().collect();
                let names: Vec<Ident> = fields.iter().map(|field| ident(&field.name)).collect();
                let locals: Vec<Ident> =
                    (0..fields.len()).map(|i| local(&format!("field_{i}"))).collect();
                let values: Vec<TokenStream> = locals.iter().map(|l| quote!(#l)).collect();
                let body = record::write_fields(&fields, &values, rt);
                quote! {
                    Self::#name { #(#names: #locals),* } => {
                        #to.key(#number, #key);
                        #to.apart(|#to| {
                            #body
                            ::core::result::Result::Ok(())
                        })?;
                    }
                }
            }
        }
    });
    let unknown = S::unknown(&def.extra)
        .map(|name| quote!(Self::#name(#value) => #rt::Encode::encode(#value, #to)?,));
    quote! {
        match self {
            #(#arms)*
            #unknown
        }
        ::core::result::Result::Ok(())
    }
}

fn read<S: RustSpelling>(typed: &Typed<'_, S>, variants: &[Variant<S>]) -> TokenStream {
    let Typed { def, rt, .. } = typed;
    let (from, picked, value) = (local("from"), local("picked"), local("value"));
    let entries = variants.iter().map(|v| (v.name.wire.as_str(), v.id, &v.lifecycle));
    let table = record::table(&def.name.wire, entries, rt);
    let arms = variants.iter().enumerate().map(|(place, variant)| {
        let (name, wire) = (ident(&variant.name), &variant.name.wire);
        let at = quote!(.map_err(|__fx_mismatch: #rt::Mismatch| __fx_mismatch.at(#wire))?);
        match &variant.body {
            VariantBody::Unit => quote! {
                #place => {
                    #from.no_content(&#picked) #at;
                    #from.close(#picked, __FX_TABLE)?;
                    ::core::result::Result::Ok(Self::#name)
                }
            },
            VariantBody::Newtype(ty) => {
                let read = record::read(&S::ty(ty, rt), rt);
                quote! {
                    #place => {
                        #from.content(&#picked, __FX_TABLE)?;
                        let #value = #read #at;
                        #from.close(#picked, __FX_TABLE)?;
                        ::core::result::Result::Ok(Self::#name(#value))
                    }
                }
            }
            VariantBody::Record(fields) => {
                let fields: Vec<_> = fields.iter().collect();
                let make = quote!(Self::#name);
                let read = record::read_fields(wire, &fields, &make, rt);
                quote! {
                    #place => {
                        #from.content(&#picked, __FX_TABLE)?;
                        let #value = #from.apart(
                            |#from| ::core::result::Result::Ok(#read)
                        ) #at;
                        #from.close(#picked, __FX_TABLE)?;
                        ::core::result::Result::Ok(#value)
                    }
                }
            }
        }
    });
    let other = match S::unknown(&def.extra) {
        Some(name) => quote!({
            let #value = #from.unknown(&#picked)?;
            #from.close(#picked, __FX_TABLE)?;
            ::core::result::Result::Ok(Self::#name(#value))
        }),
        None => quote!(::core::result::Result::Err(#from.no_variant(&#picked, __FX_TABLE))),
    };
    quote! {
        #table
        let #picked = #from.pick(__FX_TABLE)?;
        match #picked.index() {
            #(#arms)*
            _ => #other,
        }
    }
}
