//! Types.

use super::attributes as attribute;
use super::names::{self, Names, ident};
use crate::model::{
    Body, Contract, Field, Package, Scalar, TypeDef, TypeRef, Variant, VariantBody,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// A type with everything that it holds in place.
pub(super) fn definition(
    def: &TypeDef<Contract>,
    package: &Package<Contract>,
    names: &Names,
) -> TokenStream {
    let name = names.of_type(&def.name.source);
    let emitter = Emitter { def, package, names };
    let docs = attribute::docs(&def.docs);
    let mut options = Vec::new();
    if def.is_error {
        options.push(quote!(error));
    }
    options.extend(attribute::rename(&name, &def.name));
    options.extend(attribute::code(def.code.as_ref()));
    options.extend(attribute::constraints(&def.constraints));
    options.extend(attribute::lifecycle(&def.lifecycle));
    options.extend(attribute::annotations(&def.annotations));
    options.extend(attribute::retired(&def.retired, |ty| spelled(ty, names)));
    let options = attribute::options(options);
    let derives = match emitter.is_key(&TypeRef::Named(def.name.source.clone())) {
        true => quote!(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::fluxar::Type),
        false => quote!(Clone, Debug, PartialEq, ::fluxar::Type),
    };
    let head = quote!(#docs #[derive(#derives)] #options);
    match &def.body {
        Body::Record(fields) => {
            let fields = fields.iter().map(|field| emitter.field(field, &quote!(pub)));
            quote!(#head pub struct #name { #(#fields)* })
        }
        Body::Newtype(ty) => {
            let ty = emitter.ty(ty);
            quote!(#head pub struct #name(pub #ty);)
        }
        Body::Unit => quote!(#head pub struct #name;),
        Body::Enum(variants) | Body::Union(variants) => {
            let idents = names::variants(variants.iter().map(|v| v.name.source.as_str()));
            let variants = variants.iter().zip(&idents).map(|(v, ident)| emitter.variant(v, ident));
            let unknown = (!def.closed).then(|| {
                quote! {
                    /// What a newer peer sends, as it came.
                    #[fluxar(unknown)]
                    Unknown(::fluxar::Unknown),
                }
            });
            quote!(#head pub enum #name { #(#variants)* #unknown })
        }
    }
}

struct Emitter<'m> {
    def: &'m TypeDef<Contract>,
    package: &'m Package<Contract>,
    names: &'m Names,
}

impl Emitter<'_> {
    fn field(&self, field: &Field<Contract>, vis: &TokenStream) -> TokenStream {
        let name = ident(&field.name.source);
        let docs = attribute::docs(&field.docs);
        let options = attribute::of_field(field, &name);
        let ty = self.ty(&field.ty);
        quote!(#docs #options #vis #name: #ty,)
    }

    fn variant(&self, variant: &Variant<Contract>, name: &proc_macro2::Ident) -> TokenStream {
        let docs = attribute::docs(&variant.docs);
        let mut options: Vec<TokenStream> = attribute::id(variant.id).into_iter().collect();
        options.extend(attribute::rename(name, &variant.name));
        options.extend(attribute::code(variant.code.as_ref()));
        options.extend(attribute::lifecycle(&variant.lifecycle));
        options.extend(attribute::annotations(&variant.annotations));
        options.extend(attribute::retired(&variant.retired, |ty| self.ty(ty)));
        let options = attribute::options(options);
        let content = match &variant.body {
            VariantBody::Unit => TokenStream::new(),
            VariantBody::Newtype(ty) => {
                let ty = self.ty(ty);
                quote!((#ty))
            }
            VariantBody::Record(fields) => {
                let fields = fields.iter().map(|field| self.field(field, &TokenStream::new()));
                quote!({ #(#fields)* })
            }
        };
        quote!(#docs #options #name #content,)
    }

    /// The type of a field, in a box where it would contain itself.
    fn ty(&self, ty: &TypeRef) -> TokenStream {
        within(ty, Some(&self.def.name.source), self.names, &|name| {
            self.holds(name, &self.def.name.source, &mut Vec::new())
        })
    }

    /// True when a value of `outer` holds one of `inner` in place, or is one.
    fn holds(&self, outer: &str, inner: &str, seen: &mut Vec<String>) -> bool {
        if outer == inner {
            return true;
        }
        if seen.iter().any(|name| name == outer) {
            return false;
        }
        seen.push(outer.to_owned());
        let Some(def) = self.package.type_named(outer) else { return false };
        in_place(def).into_iter().any(|name| self.holds(name, inner, seen))
    }

    /// True for what may be the key of a map.
    fn is_key(&self, ty: &TypeRef) -> bool {
        match ty {
            TypeRef::Scalar(scalar) => !scalar.is_float() && *scalar != Scalar::Any,
            TypeRef::Named(name) => {
                let def = self.package.type_named(name);
                def.is_some_and(|def| match &def.body {
                    Body::Enum(_) => true,
                    Body::Newtype(ty) => self.is_key(ty),
                    _ => false,
                })
            }
            TypeRef::Optional(_) | TypeRef::List(_) | TypeRef::Array(..) | TypeRef::Map(..) => {
                false
            }
        }
    }
}

/// The types whose values a value of this type holds in place.
fn in_place(def: &TypeDef<Contract>) -> Vec<&str> {
    fn of_type<'t>(ty: &'t TypeRef, found: &mut Vec<&'t str>) {
        match ty {
            TypeRef::Optional(of) | TypeRef::Array(of, _) => of_type(of, found),
            TypeRef::Named(name) => found.push(name),
            TypeRef::Scalar(_) | TypeRef::List(_) | TypeRef::Map(..) => {}
        }
    }
    let mut found = Vec::new();
    def.each_type(&mut |ty| of_type(ty, &mut found));
    found
}

/// A type in Rust.
pub(super) fn spelled(ty: &TypeRef, names: &Names) -> TokenStream {
    within(ty, None, names, &|_| false)
}

/// A type in Rust, within the definition of `own`; named types for which `is_boxed` is true stand
/// in a box.
fn within(
    ty: &TypeRef,
    own: Option<&str>,
    names: &Names,
    is_boxed: &dyn Fn(&str) -> bool,
) -> TokenStream {
    let inner = |ty: &TypeRef| within(ty, own, names, is_boxed);
    let never: &dyn Fn(&str) -> bool = &|_| false;
    match ty {
        TypeRef::Scalar(of) => match of.int_range().is_some() || of.is_float() {
            // Types of contracts begin with a capital letter: these words are free.
            true if *of != Scalar::Int => {
                let name = ident(of.name());
                quote!(#name)
            }
            _ if *of == Scalar::Bool => quote!(bool),
            _ => super::super::spelling::scalar(*of, &quote!(::fluxar)),
        },
        TypeRef::Optional(of) => {
            let of = inner(of);
            quote!(::core::option::Option<#of>)
        }
        TypeRef::List(of) => {
            let of = within(of, own, names, never);
            quote!(::std::vec::Vec<#of>)
        }
        TypeRef::Array(of, length) => {
            let (of, length) = (inner(of), *length as usize);
            let length = proc_macro2::Literal::usize_unsuffixed(length);
            quote!([#of; #length])
        }
        TypeRef::Map(key, value) => {
            let (key, value) = (within(key, own, names, never), within(value, own, names, never));
            quote!(::std::collections::BTreeMap<#key, #value>)
        }
        TypeRef::Named(name) => {
            let ident = match own == Some(name.as_str()) {
                true => quote!(Self),
                false => names.of_type(name).into_token_stream(),
            };
            if is_boxed(name) { quote!(::std::boxed::Box<#ident>) } else { quote!(#ident) }
        }
    }
}
