//! Application errors: the code and the message that need no type, and std's traits.

use super::types::Typed;
use super::{RustSpelling, ident, local};
use crate::front::pascal_case;
use crate::model::{Body, Docs, ErrorCode, Field, Piece, VariantBody, pieces};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// `impl AppError`, and `Display` and `Error` where the author has none.
pub(super) fn app_error<S: RustSpelling>(typed: &Typed<'_, S>) -> TokenStream {
    let Typed { def, name, rt, .. } = typed;
    let wire = &def.name.wire;
    let (code, message) = match &def.body {
        Body::Enum(variants) | Body::Union(variants) => {
            let codes = variants.iter().map(|variant| {
                let name = ident(&variant.name);
                let code = code_path([&variant.code, &def.code], rt);
                quote!(Self::#name { .. } => #code,)
            });
            let messages = variants.iter().map(|variant| {
                let name = ident(&variant.name);
                let says =
                    Says { code: &variant.code, docs: &variant.docs, name: &variant.name.source };
                let fields = content(&variant.body);
                let (pattern, text) = says.text(&fields);
                quote!(Self::#name { #pattern .. } => #text,)
            });
            let unknown = S::unknown(&def.extra);
            let code = unknown.map(|name| quote!(Self::#name(_) => #rt::Code::Unknown,));
            let message = unknown.map(|name| {
                let value = local("value");
                quote!(Self::#name(#value) => ::std::string::ToString::to_string(#value),)
            });
            (quote!(match self { #(#codes)* #code }), quote!(match self { #(#messages)* #message }))
        }
        body => {
            let says = Says { code: &def.code, docs: &def.docs, name: &def.name.source };
            let (pattern, text) = says.text(&struct_content(body));
            let code = code_path([&def.code, &None], rt);
            (code, quote!({ let Self { #pattern .. } = self; #text }))
        }
    };
    let is_known = S::unknown(&def.extra).map(|name| {
        quote! {
            fn is_known(&self) -> ::core::primitive::bool {
                !::core::matches!(self, Self::#name(_))
            }
        }
    });
    // One text for people and peers: whoever has words of his own says them to both.
    let (message, std) = match S::own_display(&def.extra) {
        true => (quote!(::std::string::ToString::to_string(self)), None),
        false => (message, Some(std_traits(name, rt))),
    };
    quote! {
        #std

        #[automatically_derived]
        impl #rt::AppError for #name {
            const NAME: &'static ::core::primitive::str = #wire;

            fn code(&self) -> #rt::Code {
                #code
            }

            #is_known

            fn message(&self) -> ::std::string::String {
                #message
            }
        }
    }
}

/// What lets an error pass a `?` into any other error type.
fn std_traits(name: &Ident, rt: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Display for #name {
            fn fmt(&self, __fx_to: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __fx_to.write_str(&#rt::AppError::message(self))
            }
        }

        #[automatically_derived]
        impl ::core::error::Error for #name {}
    }
}

/// The first declared code. The front end has seen to it that there is one.
fn code_path(declared: [&Option<ErrorCode>; 2], rt: &TokenStream) -> TokenStream {
    let code = declared.into_iter().flatten().find_map(|code| code.code.as_deref());
    let name = Ident::new(&pascal_case(code.unwrap_or("unknown")), Span::call_site());
    quote!(#rt::Code::#name)
}

/// The members of a variant: the name in a message, and in a pattern.
fn content<S: RustSpelling>(body: &VariantBody<S>) -> Vec<(String, TokenStream)> {
    match body {
        VariantBody::Unit => Vec::new(),
        VariantBody::Newtype(_) => vec![("0".to_owned(), quote!(0))],
        VariantBody::Record(fields) => members(fields),
    }
}

fn struct_content<S: RustSpelling>(body: &Body<S>) -> Vec<(String, TokenStream)> {
    match body {
        Body::Unit | Body::Enum(_) | Body::Union(_) => Vec::new(),
        Body::Newtype(_) => vec![("0".to_owned(), quote!(0))],
        Body::Record(fields) => members(fields),
    }
}

fn members<S: RustSpelling>(fields: &[Field<S>]) -> Vec<(String, TokenStream)> {
    let member = |field: &Field<S>| {
        let name = ident(&field.name);
        (field.name.source.clone(), quote!(#name))
    };
    fields.iter().map(member).collect()
}

/// Where a message comes from: what is declared, else the documentation, else the name.
struct Says<'m> {
    code: &'m Option<ErrorCode>,
    docs: &'m Docs,
    name: &'m str,
}

impl Says<'_> {
    /// A pattern that binds what the message needs, and the message as a `String`.
    fn text(&self, members: &[(String, TokenStream)]) -> (TokenStream, TokenStream) {
        let declared = self.code.as_ref().and_then(|code| code.message.as_deref());
        let Some(declared) = declared else {
            let text = self.docs.summary().map_or_else(|| words(self.name), str::to_owned);
            let text = text.trim_end_matches('.');
            return (TokenStream::new(), quote!(::std::string::ToString::to_string(#text)));
        };
        let mut format = String::new();
        let mut pattern = TokenStream::new();
        let mut values = Vec::new();
        for piece in pieces(declared).unwrap_or_default() {
            match piece {
                Piece::Text(text) => format += &text.replace('{', "{{").replace('}', "}}"),
                Piece::Value { field, debug } => {
                    let index = members.iter().position(|(name, _)| *name == field);
                    let Some((index, (_, member))) = index.and_then(|i| Some((i, members.get(i)?)))
                    else {
                        continue;
                    };
                    let value = local(&format!("member_{index}"));
                    if !values.contains(&value) {
                        pattern.extend(quote!(#member: #value,));
                        values.push(value.clone());
                    }
                    let place = values.iter().position(|v| *v == value).unwrap_or_default();
                    format +=
                        &if debug { format!("{{{place}:?}}") } else { format!("{{{place}}}") };
                }
            }
        }
        (pattern, quote!(::std::format!(#format, #(#values),*)))
    }
}

/// `EmailTaken` → `email taken`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_uppercase() && index > 0 {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
