//! Records: named fields to and from a map whose keys are names, or numbers where they are declared.

use super::{RustSpelling, checks, constant, ident, local, placed};
use crate::cbor;
use crate::model::{Field, Lifecycle};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::Generics;

/// `generics` with a bound on every type parameter.
pub(super) fn bounded(generics: &Generics, bound: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(#bound));
    }
    generics
}

/// A key in both forms: CBOR of the number (the name where none is declared), and of the name.
fn forms(id: Option<u32>, wire: &str) -> [Vec<u8>; 2] {
    let name = cbor::text(wire);
    [id.map_or_else(|| name.clone(), |id| cbor::head(0, u64::from(id))), name]
}

/// A key as code.
pub(super) fn keys(id: Option<u32>, wire: &str) -> [Literal; 2] {
    forms(id, wire).map(|key| Literal::byte_string(&key))
}

/// The same behind the head of a map of one entry: a variant with content in one piece.
pub(super) fn entry_keys(id: Option<u32>, wire: &str) -> [Literal; 2] {
    forms(id, wire).map(|key| Literal::byte_string(&[cbor::head(5, 1), key].concat()))
}

/// The table of names and numbers that decoding searches.
pub(super) fn table<'m>(
    name: &str,
    entries: impl Iterator<Item = (&'m str, Option<u32>, &'m Lifecycle)> + Clone,
    rt: &TokenStream,
) -> TokenStream {
    let names = entries.clone().map(|(name, ..)| name);
    let ids = entries.clone().map(|(_, id, _)| id.unwrap_or(0));
    let keys = entries.clone().map(|(name, id, _)| {
        let [number, name] = keys(id, name);
        quote!([#number, #name])
    });
    let was = entries
        .enumerate()
        .flat_map(|(place, (.., life))| life.was.iter().map(move |old| quote!((#old, #place))));
    quote! {
        const __FX_TABLE: &#rt::Table = &#rt::Table {
            name: #name,
            names: &[#(#names),*],
            ids: &[#(#ids),*],
            keys: &[#(#keys),*],
            was: &[#(#was),*],
        };
    }
}

/// The table of a record's fields.
fn field_table<S: RustSpelling>(name: &str, fields: &[&Field<S>], rt: &TokenStream) -> TokenStream {
    let entries = fields.iter().map(|f| (f.name.wire.as_str(), f.id, &f.lifecycle));
    table(name, entries, rt)
}

/// The traits that the emitted code calls methods of.
pub(super) fn encode_traits(rt: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports, reason = "a type without fields asks nothing")]
        use #rt::{EncodeAny as _, EncodeKnown as _, EncodeNone as _};
    }
}

/// The traits that the emitted code calls methods of.
pub(super) fn decode_traits(rt: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports, reason = "a type without fields asks nothing")]
        use #rt::{DecodeAny as _, DecodeKnown as _, DecodeNone as _};
    }
}

/// A probe of a type.
pub(super) fn probe(ty: &TokenStream, rt: &TokenStream) -> TokenStream {
    quote!((&&#rt::Probe::<#ty>::new()))
}

/// An expression that writes a value of a type, by reference.
pub(super) fn write(ty: &TokenStream, value: &TokenStream, rt: &TokenStream) -> TokenStream {
    let to = local("to");
    let probe = probe(ty, rt);
    quote!({
        #rt::writes::<#ty>();
        #probe.write(#value, #to)
    })
}

/// An expression that reads a value of a type.
pub(super) fn read(ty: &TokenStream, rt: &TokenStream) -> TokenStream {
    let from = local("from");
    let probe = probe(ty, rt);
    quote!({
        #rt::reads::<#ty>();
        #probe.read(#from)
    })
}

/// Statements that write the fields as a record; `values` are references to them.
pub(super) fn write_fields<S: RustSpelling>(
    fields: &[&Field<S>],
    values: &[TokenStream],
    rt: &TokenStream,
) -> TokenStream {
    let (to, record) = (local("to"), local("record"));
    let writes = fields.iter().zip(values).map(|(field, value)| {
        let span = placed(field.name.span);
        let ty = S::ty(&field.ty, rt);
        let wire = &field.name.wire;
        let [number, name] = keys(field.id, wire);
        let written = checks::written(&field.constraints, write(&ty, value, rt), rt);
        let at = quote!(.map_err(|__fx_mismatch| __fx_mismatch.at(#wire))?);
        let probe = probe(&ty, rt);
        let field_written = quote! {
            #to.field(&mut #record, [#number, #name], |#to| #written) #at;
        };
        let statement = match (&field.default, field.optional) {
            (Some(default), _) => {
                let bytes = Literal::byte_string(&constant::value(default, &ty));
                let is_plain = constant::is_plain(default);
                quote! {
                    #to.field_unless(
                        &mut #record,
                        [#number, #name],
                        (#bytes, #is_plain),
                        |#to| #written,
                    ) #at;
                }
            }
            (None, true) => quote!(if !#probe.is_absent(#value) { #field_written }),
            (None, false) => field_written,
        };
        quote_spanned!(span=> #statement)
    });
    let mutable = (!fields.is_empty()).then(|| quote!(mut));
    quote! {
        let #mutable #record = #to.open_record();
        #(#writes)*
        #to.close_record(#record);
    }
}

/// An expression that reads the record `name` and makes `make` of its fields.
pub(super) fn read_fields<S: RustSpelling>(
    name: &str,
    fields: &[&Field<S>],
    make: &TokenStream,
    rt: &TokenStream,
) -> TokenStream {
    let (from, open) = (local("from"), local("open"));
    let (index, expected) = (local("index"), local("expected"));
    let table = field_table(name, fields, rt);
    let slots: Vec<Ident> = (0..fields.len()).map(|i| local(&format!("slot_{i}"))).collect();
    let types: Vec<TokenStream> = fields.iter().map(|field| S::ty(&field.ty, rt)).collect();
    let fills = fields.iter().zip(&slots).zip(&types).enumerate().map(|(place, entry)| {
        let ((field, slot), ty) = entry;
        let wire = &field.name.wire;
        let read = checks::read(&field.constraints, read(ty, rt), rt);
        quote_spanned! {placed(field.name.span)=>
            #place => #rt::fill(&mut #slot, #from, #wire, |#from| #read)?,
        }
    });
    let values = fields.iter().zip(&slots).zip(&types).map(|((field, slot), ty)| {
        let (name, wire) = (ident(&field.name), &field.name.wire);
        let probe = probe(ty, rt);
        let value = match (&field.default, field.defaulted) {
            (Some(default), _) => {
                let bytes = Literal::byte_string(&constant::value(default, ty));
                let read = read(ty, rt);
                quote! {
                    match #slot {
                        ::core::option::Option::Some(__fx_value) => __fx_value,
                        ::core::option::Option::None => #rt::constant(#bytes, |#from| #read)?,
                    }
                }
            }
            (None, true) => quote!(#slot.unwrap_or_default()),
            (None, false) => quote!(#rt::need(#slot, #wire, || #probe.absent())?),
        };
        quote_spanned!(placed(field.name.span)=> #name: #value)
    });
    quote! {{
        #table
        #(let mut #slots: ::core::option::Option<#types> = ::core::option::Option::None;)*
        let mut #open = #from.open_record(__FX_TABLE)?;
        let mut #expected = 0;
        while let ::core::option::Option::Some(#index) =
            #from.field(&mut #open, __FX_TABLE, &mut #expected)?
        {
            match #index {
                #(#fills)*
                _ => {}
            }
        }
        #make { #(#values),* }
    }}
}
