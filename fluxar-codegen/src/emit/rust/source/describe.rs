//! The function that describes the whole contract.

use super::names::{Names, ident};
use crate::model::descriptor::part;
use crate::model::{Contract, Package};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeSet;

/// `pub fn describe`.
pub(super) fn describe(package: &Package<Contract>, names: &Names) -> TokenStream {
    let types = package.types.iter().map(|def| names.of_type(&def.name.source));
    let clients = package.services.iter().map(|s| format_ident!("{}Client", s.name.source));
    let topics = package.topics.iter().map(|topic| ident(&topic.name.source));
    let described = clients.chain(topics);
    let contracts = package.contracts.iter().map(|contract| {
        let name = &contract.name.source;
        let bytes = Literal::byte_string(&part::contract(contract));
        quote!(__fx_registry.contract(#name, #bytes);)
    });
    let packages = package.services.iter().filter_map(|service| service.package.as_deref());
    let packages: BTreeSet<&str> = packages.collect();
    let packages = packages.into_iter();
    let option = |value: Option<TokenStream>| super::super::option(value);
    let bytes = |bytes: Option<Vec<u8>>| {
        option(bytes.map(|bytes| {
            let bytes = Literal::byte_string(&bytes);
            quote!(#bytes)
        }))
    };
    let head = part::head(package);
    let (declared, annotations, docs) =
        (bytes(head.declared), bytes(head.annotations), bytes(head.docs));
    let name = option(package.name.as_ref().map(|name| quote!(#name)));
    let level = option(package.level.map(|level| {
        let level = Literal::u32_unsuffixed(level);
        quote!(#level)
    }));
    quote! {
        /// Describes the whole contract, as `fluxar.describe` does for those who serve it.
        pub fn describe(__fx_registry: &mut ::fluxar::service::describe::Registry) {
            #(let _ = <#types as ::fluxar::Type>::describe(__fx_registry);)*
            #(<#described as ::fluxar::service::describe::Described>::describe(__fx_registry);)*
            #(#contracts)*
            __fx_registry.head(::fluxar::service::describe::Head {
                name: #name,
                packages: &[#(#packages),*],
                level: #level,
                declared: #declared,
                annotations: #annotations,
                docs: #docs,
            });
        }
    }
}
