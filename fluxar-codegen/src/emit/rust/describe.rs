//! The descriptions of types, services and topics, which are finished at run time: a macro sees
//! tokens, not types.

use super::holes::{Holes, Part, described_methods};
use super::record::bounded;
use super::types::Typed;
use super::{RustSpelling, local};
use crate::model::descriptor::part as descriptor;
use crate::model::{Service, Topic};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// `impl Type`.
pub(super) fn describe<S: RustSpelling>(typed: &Typed<'_, S>) -> TokenStream {
    let Typed { def, name, generics, rt } = typed;
    let with_bounds = bounded(generics, &quote!(#rt::Type));
    let (with_bounds, _, _) = with_bounds.split_for_impl();
    let (_, arguments, clause) = generics.split_for_impl();
    let (registry, own) = (local("registry"), local("name"));
    let mut holes = Holes::<S>::new();
    let mut contract = holes.type_def(def);
    let wire = std::mem::replace(&mut contract.name.source, holes.own_name());
    if contract.name.wire == wire {
        contract.name.wire = holes.own_name();
    }
    let bytes = filled(&holes.parts(&descriptor::type_def(&contract)), &holes, rt);
    let parameters = generics.type_params().map(|parameter| &parameter.ident);
    quote! {
        #[automatically_derived]
        impl #with_bounds #rt::Type for #name #arguments #clause {
            fn describe(#registry: &mut #rt::Registry) -> #rt::TypeRef {
                #[allow(unused_imports, reason = "a type without fields asks nothing")]
                use #rt::{DescribeAny as _, DescribeKnown as _};
                let __fx_arguments: &[#rt::TypeRef] = &[
                    #(<#parameters as #rt::Type>::describe(#registry)),*
                ];
                #registry.define::<Self>(#wire, __fx_arguments, |#registry, #own| #bytes)
            }
        }
    }
}

/// `impl Described` of a service's client.
pub(super) fn service<S: RustSpelling>(
    service: &Service<S>,
    client: &Ident,
    rt: &TokenStream,
) -> TokenStream {
    let registry = local("registry");
    let mut holes = Holes::<S>::new();
    let mut contract = holes.service(service);
    let name = std::mem::replace(&mut contract.name.source, holes.own_name());
    if contract.name.wire == name {
        contract.name.wire = holes.own_name();
    }
    let bytes = filled(&holes.parts(&descriptor::service(&contract)), &holes, rt);
    let package = super::option(service.package.as_ref());
    let own = local("name");
    let targets = described_methods(service).map(|method| service.target(method));
    quote! {
        #[automatically_derived]
        #[allow(deprecated, reason = "what is deprecated is still described")]
        impl #rt::Described for #client {
            fn describe(#registry: &mut #rt::Registry) {
                #[allow(unused_imports, reason = "a service without types asks nothing")]
                use #rt::{DescribeAny as _, DescribeKnown as _};
                #registry.service(
                    #name,
                    #package,
                    &[#(#targets),*],
                    |#registry, #own| #bytes,
                );
            }
        }
    }
}

/// `impl Described` of a topic.
pub(super) fn topic<S: RustSpelling>(
    topic: &Topic<S>,
    name: &Ident,
    rt: &TokenStream,
) -> TokenStream {
    let registry = local("registry");
    let mut holes = Holes::<S>::new();
    let bytes = descriptor::topic(&holes.topic(topic));
    let bytes = filled(&holes.parts(&bytes), &holes, rt);
    let label = &topic.name.source;
    quote! {
        #[automatically_derived]
        impl #rt::Described for #name {
            fn describe(#registry: &mut #rt::Registry) {
                #[allow(unused_imports, reason = "one of the two is found")]
                use #rt::{DescribeAny as _, DescribeKnown as _};
                #registry.topic(#label, |#registry| #bytes);
            }
        }
    }
}

/// An expression that makes the bytes, with what the types say in the holes.
fn filled<S: RustSpelling>(parts: &[Part], holes: &Holes<S>, rt: &TokenStream) -> TokenStream {
    let (registry, own, bytes) = (local("registry"), local("name"), local("bytes"));
    let steps = parts.iter().map(|part| match part {
        Part::Bytes(part) => {
            let part = Literal::byte_string(part);
            quote!(#bytes.extend_from_slice(#part);)
        }
        Part::OwnName => quote!(#rt::put_name(&mut #bytes, #own);),
        Part::Type(number) => match holes.types.get(*number) {
            Some(ty) => {
                let ty = S::ty(ty, rt);
                quote! {
                    #rt::put_type(
                        &mut #bytes,
                        &(&#rt::Probe::<#ty>::new()).describe(#registry),
                    );
                }
            }
            None => TokenStream::new(),
        },
    });
    quote!({
        let mut #bytes = ::std::vec::Vec::new();
        #(#steps)*
        #bytes
    })
}
