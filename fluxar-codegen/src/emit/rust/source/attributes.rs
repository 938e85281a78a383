//! `#[fluxar(…)]`, `#[doc]` and literals.

use super::names;
use crate::model::{
    Annotation, Constraints, Contract, Docs, ErrorCode, Field, Lifecycle, Name, Number, Retired,
    TypeRef, Value,
};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::time::Duration;

/// The options of an item: nothing when there are none.
pub(super) fn options(options: Vec<TokenStream>) -> TokenStream {
    if options.is_empty() { TokenStream::new() } else { quote!(#[fluxar(#(#options),*)]) }
}

/// Documentation, as comments.
pub(super) fn docs(docs: &Docs) -> TokenStream {
    super::super::doc_attributes(docs)
}

/// `id = 1`
pub(super) fn id(id: Option<u32>) -> Option<TokenStream> {
    id.map(|id| {
        let id = Literal::u32_unsuffixed(id);
        quote!(id = #id)
    })
}

/// `rename = "…"`, where Rust has another name.
pub(super) fn rename(ident: &proc_macro2::Ident, name: &Name) -> Vec<TokenStream> {
    let Name { source, wire, .. } = name;
    let rename = (names::source(ident) != *wire).then(|| quote!(rename = #wire));
    // The macros take the last part of the name on the wire for that of the contract.
    let is_said = wire.rsplit('.').next() == Some(source);
    let called = (!is_said).then(|| quote!(called = #source));
    rename.into_iter().chain(called).collect()
}

/// `since = 2, removed = 3, was = "old"`
pub(super) fn lifecycle(life: &Lifecycle) -> Vec<TokenStream> {
    let level = |name: TokenStream, level: Option<u32>| {
        level.map(|level| {
            let level = Literal::u32_unsuffixed(level);
            quote!(#name = #level)
        })
    };
    let was = life.was.iter().map(|old| quote!(was = #old));
    let deprecated = life.deprecated.as_ref();
    let note = deprecated.and_then(|deprecated| deprecated.note.as_ref());
    let levels = [
        level(quote!(since), life.since),
        level(quote!(removed), life.removed),
        deprecated.map(|_| match note {
            Some(note) => quote!(deprecated = #note),
            None => quote!(deprecated),
        }),
        level(quote!(deprecated_since), deprecated.and_then(|deprecated| deprecated.since)),
    ];
    levels.into_iter().flatten().chain(was).collect()
}

/// `annotation(scope, name = "users")`
pub(super) fn annotations(annotations: &[Annotation]) -> Vec<TokenStream> {
    let one = |annotation: &Annotation| {
        let name = word(&annotation.name);
        let arguments = annotation.arguments.iter().map(|(name, value)| {
            let (name, value) = (word(name), literal(value));
            quote!(#name = #value)
        });
        quote!(annotation(#name #(, #arguments)*))
    };
    annotations.iter().map(one).collect()
}

/// `retired(7, phone: String, removed = 3)`
pub(super) fn retired(
    retired: &[Retired<Contract>],
    spelled: impl Fn(&TypeRef) -> TokenStream,
) -> Vec<TokenStream> {
    let one = |retired: &Retired<Contract>| {
        let number = |number: &u32| Literal::u32_unsuffixed(*number);
        let first = number(retired.ids.start());
        let last = (retired.ids.start() != retired.ids.end()).then(|| {
            let last = number(retired.ids.end());
            quote!(..= #last)
        });
        let name = retired.name.as_ref().map(|name| {
            let name = word(name);
            let ty = retired.ty.as_ref().map(|ty| {
                let ty = spelled(ty);
                quote!(: #ty)
            });
            quote!(, #name #ty)
        });
        let removed = retired.removed.as_ref().map(|level| {
            let level = number(level);
            quote!(, removed = #level)
        });
        quote!(retired(#first #last #name #removed))
    };
    retired.iter().map(one).collect()
}

/// Any word of a contract, where attributes take any.
fn word(name: &str) -> proc_macro2::Ident {
    proc_macro2::Ident::new(name, proc_macro2::Span::call_site())
}

/// `min = 1, max = 5, len = "1..=9", format = "email", pattern = "…"`
pub(super) fn constraints(of: &Constraints) -> Vec<TokenStream> {
    let number = |number: &Number| match number {
        Number::Int(value) => int(*value),
        Number::Float(value) => float(*value),
    };
    let min = of.min.as_ref().map(number).map(|min| quote!(min = #min));
    let max = of.max.as_ref().map(number).map(|max| quote!(max = #max));
    let end = |end: Option<u64>| end.map_or_else(String::new, |end| end.to_string());
    let len = (of.len_min.is_some() || of.len_max.is_some()).then(|| {
        let range = format!("{}..={}", end(of.len_min), end(of.len_max));
        quote!(len = #range)
    });
    let format = of.format.map(|format| {
        let name = format.name();
        quote!(format = #name)
    });
    let pattern = of.pattern.as_ref().map(|pattern| quote!(pattern = #pattern));
    [min, max, len, format, pattern].into_iter().flatten().collect()
}

fn int(value: i128) -> TokenStream {
    let digits = Literal::u128_unsuffixed(value.unsigned_abs());
    if value < 0 { quote!(-#digits) } else { quote!(#digits) }
}

fn float(value: f64) -> TokenStream {
    let digits = Literal::f64_unsuffixed(value.abs());
    if value.is_sign_negative() { quote!(-#digits) } else { quote!(#digits) }
}

/// A literal.
pub(super) fn literal(value: &Value) -> TokenStream {
    match value {
        Value::Null => quote!(null),
        Value::Bool(value) => quote!(#value),
        Value::Int(value) => int(*value),
        Value::Float(value) => float(*value),
        Value::Text(text) => quote!(#text),
        Value::Bytes(bytes) => {
            let bytes = Literal::byte_string(bytes);
            quote!(#bytes)
        }
        Value::Name(name) => match syn::parse_str::<proc_macro2::Ident>(name) {
            Ok(ident) if !matches!(name.as_str(), "null" | "map" | "member") => quote!(#ident),
            _ => quote!(member(#name)),
        },
        Value::List(items) => {
            let items = items.iter().map(literal);
            quote!([#(#items),*])
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let value = literal(value);
                quote!(#key: #value)
            });
            quote!(map { #(#entries),* })
        }
        Value::Record(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let value = literal(value);
                quote!(#name: #value)
            });
            quote!({ #(#fields),* })
        }
    }
}

/// The options of a field or parameter, whose identifier is `ident`.
pub(super) fn of_field(field: &Field<Contract>, ident: &proc_macro2::Ident) -> TokenStream {
    let default = field.default.as_ref().map(|value| {
        let value = literal(value);
        quote!(default = #value)
    });
    let mut all: Vec<TokenStream> = id(field.id).into_iter().collect();
    all.extend(rename(ident, &field.name));
    all.extend(default);
    all.extend(constraints(&field.constraints));
    all.extend(lifecycle(&field.lifecycle));
    all.extend(annotations(&field.annotations));
    options(all)
}

/// `code = "not_found", message = "…", retry`
pub(super) fn code(code: Option<&ErrorCode>) -> Vec<TokenStream> {
    let Some(code) = code else { return Vec::new() };
    let name = code.code.as_ref().map(|name| quote!(code = #name));
    let message = code.message.as_ref().map(|message| quote!(message = #message));
    let retry = code.retry.then(|| quote!(retry));
    [name, message, retry].into_iter().flatten().collect()
}

/// `2s`, `1500ms`; what is finer than a millisecond is lost to the macro's unit.
pub(super) fn duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}
