//! Records: named fields to and from a map with text keys, or numbers where they are declared.

use super::{RustSpelling, ident, local, placed};
use crate::model::Field;
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Generics;

/// A struct with named fields.
pub(super) struct Record<'m, S: RustSpelling> {
    pub(super) ty: &'m Ident,
    pub(super) generics: &'m Generics,
    pub(super) wire: &'m str,
    pub(super) fields: &'m [&'m Field<S>],
    /// The function that decodes it.
    pub(super) reader: TokenStream,
}

/// `generics` with a bound on every type parameter.
pub(super) fn bounded(generics: &Generics, bound: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(#bound));
    }
    generics
}

/// `generics` for an implementation that decodes: with the lifetime of the input.
pub(super) fn decoding(generics: &Generics, rt: &TokenStream) -> Generics {
    let mut generics = bounded(generics, &quote!(#rt::serde::de::Deserialize<'__fx_de>));
    generics.params.insert(0, syn::parse_quote!('__fx_de));
    generics
}

/// `impl Serialize`.
pub(super) fn serialize<S: RustSpelling>(record: &Record<'_, S>, rt: &TokenStream) -> TokenStream {
    let Record { ty, generics, wire, fields, .. } = record;
    let with_bounds = bounded(generics, &quote!(#rt::serde::ser::Serialize));
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let to = local("to");
    let values: Vec<TokenStream> = fields
        .iter()
        .map(|field| {
            let name = ident(&field.name);
            quote_spanned!(placed(field.name.span)=> &self.#name)
        })
        .collect();
    let begin = |length: TokenStream| quote!(#rt::serde::ser::Serializer::serialize_struct(#to, #wire, #length)?);
    let kind = quote!(#rt::serde::ser::SerializeStruct);
    let body = write_fields(fields, &values, begin, &kind, rt);
    quote! {
        #[automatically_derived]
        impl #with_bounds #rt::serde::ser::Serialize for #ty #arguments #clause {
            fn serialize<__FxTo: #rt::serde::ser::Serializer>(
                &self,
                #to: __FxTo,
            ) -> ::core::result::Result<__FxTo::Ok, __FxTo::Error> {
                #body
            }
        }
    }
}

/// Statements that write the fields, leaving out those without a value.
pub(super) fn write_fields<S: RustSpelling>(
    fields: &[&Field<S>],
    values: &[TokenStream],
    begin: impl FnOnce(TokenStream) -> TokenStream,
    kind: &TokenStream,
    rt: &TokenStream,
) -> TokenStream {
    let out = local("out");
    let always = fields.iter().filter(|field| !field.optional).count();
    let mut length = quote!(#always);
    let mut before = Vec::new();
    let mut writes = Vec::new();
    for (index, (field, value)) in fields.iter().zip(values).enumerate() {
        let wire = &field.name.wire;
        let write = quote!(#kind::serialize_field(&mut #out, #wire, #value)?;);
        if field.optional {
            let present = local(&format!("present_{index}"));
            before.push(quote!(let #present = !#rt::is_absent(#value);));
            length.extend(quote!(+ if #present { 1 } else { 0 }));
            writes.push(quote!(if #present { #write }));
        } else {
            writes.push(write);
        }
    }
    let begin = begin(length);
    let mutable = (!fields.is_empty()).then(|| quote!(mut));
    quote! {
        #(#before)*
        let #mutable #out = #begin;
        #(#writes)*
        #kind::end(#out)
    }
}

/// `impl Deserialize`, which goes through the record's [`collect`].
pub(super) fn deserialize<S: RustSpelling>(
    record: &Record<'_, S>,
    rt: &TokenStream,
) -> TokenStream {
    let Record { ty, generics, reader, .. } = record;
    deserialize_by(ty, generics, reader, rt)
}

/// `impl Deserialize` that calls `reader` with the deserializer.
pub(super) fn deserialize_by(
    ty: &Ident,
    generics: &Generics,
    reader: &TokenStream,
    rt: &TokenStream,
) -> TokenStream {
    let with_bounds = decoding(generics, rt);
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let from = local("from");
    quote! {
        #[automatically_derived]
        impl #with_bounds #rt::serde::de::Deserialize<'__fx_de> for #ty #arguments #clause {
            fn deserialize<__FxFrom: #rt::serde::de::Deserializer<'__fx_de>>(
                #from: __FxFrom,
            ) -> ::core::result::Result<Self, __FxFrom::Error> {
                #reader(#from)
            }
        }
    }
}

/// `impl Record`: the names, the numbers, and how the fields make the value.
///
/// `rest` is a field that does not travel, with its value.
pub(super) fn collect<S: RustSpelling>(
    record: &Record<'_, S>,
    rest: Option<TokenStream>,
    rt: &TokenStream,
) -> TokenStream {
    let Record { ty, generics, wire, fields, .. } = record;
    let with_bounds = decoding(generics, rt);
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let (entries, index) = (local("entries"), local("index"));
    let slots: Vec<Ident> = (0..fields.len()).map(|i| local(&format!("slot_{i}"))).collect();
    let takes =
        slots.iter().enumerate().map(|(place, slot)| quote!(#place => #entries.take(&mut #slot)?,));
    let values = fields.iter().zip(&slots).map(|(field, slot)| {
        let name = ident(&field.name);
        let wire = &field.name.wire;
        let span = placed(field.name.span);
        match field.defaulted {
            true => quote_spanned!(span=> #name: #rt::or_default(#slot)),
            false => quote_spanned!(span=> #name: #entries.require(#slot, #wire)?),
        }
    });
    let names = fields.iter().map(|field| &field.name.wire);
    let ids = fields.iter().map(|field| field.id.unwrap_or(0));
    quote! {
        #[automatically_derived]
        #[doc(hidden)]
        impl #with_bounds #rt::Record<'__fx_de> for #ty #arguments #clause {
            const NAME: &'static ::core::primitive::str = #wire;
            const NAMES: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            const IDS: &'static [::core::primitive::u32] = &[#(#ids),*];

            fn collect<__FxMap: #rt::serde::de::MapAccess<'__fx_de>>(
                mut #entries: #rt::Entries<__FxMap>,
            ) -> ::core::result::Result<Self, __FxMap::Error> {
                #(let mut #slots = ::core::option::Option::None;)*
                while let ::core::option::Option::Some(#index) = #entries.next_field()? {
                    match #index {
                        #(#takes)*
                        _ => {}
                    }
                }
                ::core::result::Result::Ok(Self { #(#values,)* #rest })
            }
        }
    }
}
