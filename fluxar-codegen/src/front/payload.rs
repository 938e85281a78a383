//! What a type looks like in tokens: the framework's handles, `Result`, and payloads that travel.

use crate::diagnostics::Diagnostics;
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeImplTrait, TypeParamBound};

/// The type without the invisible groups and parentheses around it.
pub(super) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The type arguments of a path that ends in `name`, as in `Sink<Delta>`.
///
/// A macro sees names, not types: this is how the framework's handles are told from payloads.
pub(super) fn arguments_of<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let segment = last_segment(ty)?;
    (segment.ident == name).then(|| type_arguments(segment))
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

fn type_arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The item type of `impl Stream<Item = T>`.
pub(super) fn stream_item(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(TypeImplTrait { bounds, .. }) = bare(ty) else { return None };
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let segment = bound.path.segments.last().filter(|s| s.ident == "Stream")?;
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(pair) if pair.ident == "Item" => Some(&pair.ty),
            _ => None,
        })
    })
}

/// The type with `Self` written out, so that it means the same in a hidden type beside it.
pub(super) fn without_self(ty: &Type, own: &Type) -> Type {
    fn replace(tokens: TokenStream, own: &Type) -> TokenStream {
        let replaced = tokens.into_iter().map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => own.to_token_stream(),
            TokenTree::Group(group) => {
                let inner = replace(group.stream(), own);
                let mut copy = Group::new(group.delimiter(), inner);
                copy.set_span(group.span());
                TokenTree::Group(copy).into()
            }
            other => other.into(),
        });
        replaced.collect()
    }
    // What cannot be written so (`Self::Associated`) is left for the check to refuse.
    syn::parse2(replace(ty.to_token_stream(), own)).unwrap_or_else(|_| ty.clone())
}

/// Reports what in this type cannot travel.
pub(super) fn check(ty: &Type, found: &mut Diagnostics) {
    Check { found }.visit_type(ty);
}

struct Check<'d> {
    found: &'d mut Diagnostics,
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        let problem = match ty {
            Type::Reference(_) => {
                "a reference cannot travel: write an owned type, as `String` for `&str`"
            }
            Type::ImplTrait(_) => "`impl` cannot travel: write the concrete type",
            Type::TraitObject(_) => "a trait object cannot travel: write the concrete type",
            Type::FnPtr(_) => "a function cannot travel: write a service that the caller serves",
            Type::Ptr(_) => "a pointer cannot travel: write an owned type",
            Type::Infer(_) => "both sides must know the type: write it instead of `_`",
            _ => return visit::visit_type(self, ty),
        };
        self.found.report(ty, problem);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.first().is_some_and(|segment| segment.ident == "Self") {
            self.found.report(path, "`Self` differs on the two sides: write a concrete type");
            return;
        }
        visit::visit_path(self, path);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if lifetime.ident != "static" {
            self.found.report(lifetime, "borrowed data cannot travel: write an owned type");
        }
    }
}
