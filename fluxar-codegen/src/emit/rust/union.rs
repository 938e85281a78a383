//! Enums: a text for a variant without content, a map of one entry for the others.

use super::record::{self, Record};
use super::types::{Typed, whole_codec};
use super::{RustSpelling, ident, local};
use crate::model::{Field, Variant, VariantBody};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Serialize, Deserialize, and the table between names and variants.
pub(super) fn codec<S: RustSpelling>(typed: &Typed<'_, S>, variants: &[Variant<S>]) -> TokenStream {
    let Typed { name, generics, rt, .. } = typed;
    let from = local("from");
    let write = write(typed, variants);
    let read = quote!(#rt::read_union(#from));
    let codec = whole_codec(name, generics, [write, read], rt);
    let table = table(typed, variants);
    let contents = variants.iter().filter_map(|variant| match &variant.body {
        VariantBody::Record(fields) => Some(content(typed, variant, fields)),
        _ => None,
    });
    quote!(#codec #table #(#contents)*)
}

fn write<S: RustSpelling>(typed: &Typed<'_, S>, variants: &[Variant<S>]) -> TokenStream {
    let Typed { def, rt, .. } = typed;
    let (to, value) = (local("to"), local("value"));
    let ty = &def.name.wire;
    let serializer = quote!(#rt::serde::ser::Serializer);
    let arms = (0_u32..).zip(variants).map(|(index, variant)| {
        let (name, wire) = (ident(&variant.name), &variant.name.wire);
        match &variant.body {
            VariantBody::Unit => quote! {
                Self::#name => #serializer::serialize_unit_variant(#to, #ty, #index, #wire),
            },
            VariantBody::Newtype(_) => quote! {
                Self::#name(#value) => {
                    #serializer::serialize_newtype_variant(#to, #ty, #index, #wire, #value)
                }
            },
            VariantBody::Record(fields) => {
                let fields: Vec<_> = fields.iter().collect();
                let names: Vec<Ident> = fields.iter().map(|field| ident(&field.name)).collect();
                let locals: Vec<Ident> =
                    (0..fields.len()).map(|i| local(&format!("field_{i}"))).collect();
                let values: Vec<TokenStream> = locals.iter().map(|l| quote!(#l)).collect();
                let begin = |length: TokenStream| {
                    quote! {
                        #serializer::serialize_struct_variant(#to, #ty, #index, #wire, #length)?
                    }
                };
                let kind = quote!(#rt::serde::ser::SerializeStructVariant);
                let body = record::write_fields(&fields, &values, begin, &kind, rt);
                quote!(Self::#name { #(#names: #locals),* } => { #body })
            }
        }
    });
    quote!(match self { #(#arms)* })
}

/// `impl Union`: which name is which variant.
fn table<S: RustSpelling>(typed: &Typed<'_, S>, variants: &[Variant<S>]) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let with_bounds = record::decoding(generics, rt);
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let wire = &def.name.wire;
    let names = variants.iter().map(|variant| &variant.name.wire);
    let ids = variants.iter().map(|variant| variant.id.unwrap_or(0));
    let (index, content, value) = (local("index"), local("content"), local("value"));
    let bare = variants.iter().enumerate().filter_map(|(place, variant)| {
        let name = ident(&variant.name);
        let some = quote!(::core::option::Option::Some(Self::#name));
        matches!(variant.body, VariantBody::Unit).then(|| quote!(#place => #some,))
    });
    let with_content = variants.iter().enumerate().filter_map(|(place, variant)| {
        let name = ident(&variant.name);
        let made = match &variant.body {
            VariantBody::Unit => return None,
            VariantBody::Newtype(_) => quote!(Self::#name(#content.value()?)),
            VariantBody::Record(fields) => {
                let record = content_name(variant);
                let fields = fields.iter().map(|field| {
                    let field = ident(&field.name);
                    quote!(#field: #value.#field)
                });
                let arguments = arguments.as_turbofish();
                quote!({
                    let #value = #content.value::<#record #arguments>()?;
                    Self::#name { #(#fields),* }
                })
            }
        };
        Some(quote!(#place => ::core::result::Result::Ok(#made),))
    });
    quote! {
        #[automatically_derived]
        #[doc(hidden)]
        impl #with_bounds #rt::Union<'__fx_de> for #name #arguments #clause {
            const NAME: &'static ::core::primitive::str = #wire;
            const NAMES: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            const IDS: &'static [::core::primitive::u32] = &[#(#ids),*];

            fn bare(#index: ::core::primitive::usize) -> ::core::option::Option<Self> {
                match #index {
                    #(#bare)*
                    _ => ::core::option::Option::None,
                }
            }

            fn with_content<__FxMap: #rt::serde::de::MapAccess<'__fx_de>>(
                #index: ::core::primitive::usize,
                #content: #rt::Content<'_, __FxMap>,
            ) -> ::core::result::Result<Self, __FxMap::Error> {
                match #index {
                    #(#with_content)*
                    _ => #content.none::<Self>(#index),
                }
            }
        }
    }
}

/// The name of the hidden record that a variant's fields are decoded as.
fn content_name<S: RustSpelling>(variant: &Variant<S>) -> Ident {
    format_ident!("__FxContent_{}", variant.name.source)
}

/// The hidden record of a variant's fields.
fn content<S: RustSpelling>(
    typed: &Typed<'_, S>,
    variant: &Variant<S>,
    fields: &[Field<S>],
) -> TokenStream {
    let Typed { name: owner, generics, rt, .. } = typed;
    let name = content_name(variant);
    let fields: Vec<_> = fields.iter().collect();
    let names = fields.iter().map(|field| ident(&field.name));
    let types = fields.iter().map(|field| S::ty(&field.ty, rt));
    let (definition, arguments, clause) = generics.split_for_impl();
    let record = Record {
        ty: &name,
        generics,
        wire: &variant.name.wire,
        fields: &fields,
        reader: quote!(#rt::read_record),
    };
    let deserialize = record::deserialize(&record, rt);
    let marker = quote!(__fx_marker: ::core::marker::PhantomData,);
    let collect = record::collect(&record, Some(marker), rt);
    quote! {
        #[allow(non_camel_case_types, reason = "named after the variant")]
        struct #name #definition #clause {
            #(#names: #types,)*
            __fx_marker: ::core::marker::PhantomData<fn() -> #owner #arguments>,
        }
        #deserialize
        #collect
    }
}
