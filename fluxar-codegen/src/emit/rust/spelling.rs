//! How a type is spelled in Rust, for each front end.

use crate::model::{Contract, Docs, Name, Scalar, Spelling, TypeRef};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Attribute;

/// The spelling of a Rust item: types as the author wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rust;

/// What a Rust item has beside the contract.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RustExtra {
    /// Its attributes, documentation included, without fluxar's own.
    pub attributes: Vec<Attribute>,
    /// The type as written, where the model keeps only a part of it.
    pub spelled: Option<syn::Type>,
    /// The generics of a type.
    pub generics: syn::Generics,
    /// The variant that keeps what is unknown.
    pub unknown: Option<Ident>,
    /// The author of an error implements `Display` and `Error`.
    pub own_display: bool,
}

impl Spelling for Rust {
    type Type = syn::Type;
    type Extra = RustExtra;
}

/// A spelling that the Rust emitter can write.
pub trait RustSpelling: Spelling {
    /// The type, where `rt` is the path of what generated code calls.
    fn ty(ty: &Self::Type, rt: &TokenStream) -> TokenStream;

    /// The type as the author wrote it, where there is an author.
    fn spelled(_extra: &Self::Extra) -> Option<TokenStream> {
        None
    }

    /// The attributes of the item that the author wrote, documentation included.
    fn attributes(docs: &Docs, _extra: &Self::Extra) -> TokenStream {
        super::doc_attributes(docs)
    }

    /// The conditions (`#[cfg(…)]`) under which the item exists.
    fn conditions(_extra: &Self::Extra) -> TokenStream {
        TokenStream::new()
    }

    /// The attributes that what callers see of the item needs too, conditions included.
    fn inherited(_extra: &Self::Extra) -> TokenStream {
        TokenStream::new()
    }

    /// True for fluxar's own status, which is no type of a contract.
    fn is_status(_ty: &Self::Type) -> bool {
        false
    }

    /// The variant that keeps what is unknown.
    fn unknown(_extra: &Self::Extra) -> Option<&Ident> {
        None
    }

    /// True for an error whose author implements `Display` and `Error`.
    fn own_display(_extra: &Self::Extra) -> bool {
        false
    }

    /// The generics of a type.
    fn generics(_extra: &Self::Extra) -> syn::Generics {
        syn::Generics::default()
    }
}

impl RustSpelling for Rust {
    fn ty(ty: &syn::Type, _rt: &TokenStream) -> TokenStream {
        quote!(#ty)
    }

    fn spelled(extra: &RustExtra) -> Option<TokenStream> {
        extra.spelled.as_ref().map(|ty| quote!(#ty))
    }

    fn attributes(_docs: &Docs, extra: &RustExtra) -> TokenStream {
        let attributes = &extra.attributes;
        quote!(#(#attributes)*)
    }

    fn conditions(extra: &RustExtra) -> TokenStream {
        let conditions = extra.attributes.iter().filter(|a| a.path().is_ident("cfg"));
        quote!(#(#conditions)*)
    }

    fn inherited(extra: &RustExtra) -> TokenStream {
        let conditions = Self::conditions(extra);
        let deprecated = extra.attributes.iter().filter(|a| a.path().is_ident("deprecated"));
        quote!(#conditions #(#deprecated)*)
    }

    fn is_status(ty: &syn::Type) -> bool {
        matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|last| {
            last.ident == "Status" || last.ident == "Infallible"
        }))
    }

    fn unknown(extra: &RustExtra) -> Option<&Ident> {
        extra.unknown.as_ref()
    }

    fn own_display(extra: &RustExtra) -> bool {
        extra.own_display
    }

    fn generics(extra: &RustExtra) -> syn::Generics {
        extra.generics.clone()
    }
}

impl RustSpelling for Contract {
    fn ty(ty: &TypeRef, rt: &TokenStream) -> TokenStream {
        let inner = |ty: &TypeRef| Self::ty(ty, rt);
        match ty {
            TypeRef::Scalar(of) => scalar(*of, rt),
            TypeRef::Optional(of) => {
                let of = inner(of);
                quote!(::core::option::Option<#of>)
            }
            TypeRef::List(of) => {
                let of = inner(of);
                quote!(::std::vec::Vec<#of>)
            }
            TypeRef::Array(of, length) => {
                let (of, length) = (inner(of), *length as usize);
                quote!([#of; #length])
            }
            TypeRef::Map(key, value) => {
                let (key, value) = (inner(key), inner(value));
                quote!(::std::collections::BTreeMap<#key, #value>)
            }
            TypeRef::Named(name) => {
                let name = super::ident(&Name::new(name, Span::call_site()));
                quote!(#name)
            }
        }
    }
}

/// The Rust type of a scalar. Scalars that std lacks come from fluxar.
pub(super) fn scalar(of: Scalar, rt: &TokenStream) -> TokenStream {
    let own = |name: &str| {
        let name = Ident::new(name, Span::call_site());
        quote!(#rt::#name)
    };
    match of {
        Scalar::Unit => quote!(()),
        Scalar::String => quote!(::std::string::String),
        Scalar::Bytes => quote!(#rt::bytes::Bytes),
        Scalar::Duration => quote!(::core::time::Duration),
        Scalar::Int => own("Int"),
        Scalar::Uuid => own("Uuid"),
        Scalar::Timestamp => own("Timestamp"),
        Scalar::Decimal => own("Decimal"),
        Scalar::Url => own("Url"),
        Scalar::Any => own("Value"),
        other => {
            let name = Ident::new(other.name(), Span::call_site());
            quote!(::core::primitive::#name)
        }
    }
}
