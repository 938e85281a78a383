//! The client: one method for each method of the service.

use super::service::{Scope, error_type};
use super::{RustSpelling, doc_attributes, ident, local, option, parameters};
use crate::model::{Argument, Method, Shape};
use proc_macro2::TokenStream;
use quote::quote;

/// The client's type, and its methods.
pub(super) fn client<S: RustSpelling>(scope: &Scope<'_, S>) -> (TokenStream, TokenStream) {
    let Scope { service, settings, rt, client, .. } = scope;
    let vis = &settings.vis;
    let conditions = S::conditions(&service.extra);
    let about = format!(" Calls the service `{}` of a peer.", service.name.source);
    let docs = match service.docs.lines.is_empty() {
        true => TokenStream::new(),
        false => {
            let docs = doc_attributes(&service.docs);
            quote!(#[doc = ""] #docs)
        }
    };
    let definition = quote! {
        #conditions
        #[doc = #about]
        #docs
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client {
            __fx_peer: #rt::Peer,
        }
    };
    let methods = service.methods.iter().map(|method| client_method(scope, method));
    let peer = local("peer");
    let description = super::describe::service(service, client, rt);
    let implementation = quote! {
        #description

        #[allow(clippy::all, clippy::pedantic, reason = "the names are the contract's")]
        impl #client {
            /// A client of the service that this peer offers. Cheap: it keeps a handle.
            #[must_use]
            #vis fn new(#peer: &#rt::Peer) -> Self {
                Self { __fx_peer: ::core::clone::Clone::clone(#peer) }
            }

            #(#methods)*
        }
    };
    (definition, implementation)
}

fn client_method<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    let Scope { service, settings, rt, .. } = scope;
    let vis = &settings.vis;
    let name = ident(&method.name);
    let target = service.target(method);
    let attributes = S::inherited(&method.extra);
    let docs = documentation(method, &target);
    let arguments = method.arguments.iter().filter_map(|argument| match argument {
        Argument::Value(field) => {
            let (name, ty) = (ident(&field.name), S::ty(&field.ty, rt));
            Some(quote!(#name: #ty))
        }
        _ => None,
    });
    let (function, returned) = flow(method, rt);
    let values = local("values");
    let has_parameters = method.params().next().is_some();
    let (make, parameters) = match has_parameters {
        true => {
            let record = parameters::from_variables(method);
            (quote!(let #values = #record;), option(Some(quote!(&#values))))
        }
        false => (TokenStream::new(), quote!(::core::option::Option::None::<&()>)),
    };
    let timeout = method.timeout.map(|timeout| {
        let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        quote!(.timeout(::core::time::Duration::from_millis(#ms)))
    });
    let keyed = method.is_keyed().then(|| quote!(.idempotent()));
    quote! {
        #attributes
        #docs
        #vis fn #name(&self, #(#arguments),*) -> #returned {
            #make
            #rt::#function(&self.__fx_peer, #target, #parameters) #timeout #keyed
        }
    }
}

/// The function that starts the call, and the type of the call.
fn flow<S: RustSpelling>(method: &Method<S>, rt: &TokenStream) -> (TokenStream, TokenStream) {
    let unit = || quote!(());
    let ty = |ty: Option<&S::Type>| ty.map_or_else(unit, |ty| S::ty(ty, rt));
    let input = ty(method.input());
    let items = ty(method.items());
    let result = ty(method.result());
    let error = error_type(&method.failure, rt);
    match method.shape() {
        Shape::Notification => (quote!(notify), quote!(#rt::Notification)),
        Shape::Unary => (quote!(call), quote!(#rt::Call<#result, #error>)),
        Shape::ServerStream | Shape::StreamThen => {
            (quote!(stream), quote!(#rt::StreamCall<#items, #result, #error>))
        }
        Shape::ClientStream | Shape::BothWays | Shape::BothWaysThen => {
            (quote!(duplex), quote!(#rt::DuplexCall<#input, #items, #result, #error>))
        }
    }
}

/// The author's documentation, and what the author cannot see: the target and the deadline.
fn documentation<S: RustSpelling>(method: &Method<S>, target: &str) -> TokenStream {
    let mut docs = method.docs.clone();
    if !docs.lines.is_empty() {
        docs.lines.push(String::new());
    }
    let waits = match method.timeout {
        Some(timeout) => format!(" (waits {timeout:?} unless `timeout` says otherwise)"),
        None => String::new(),
    };
    docs.lines.push(format!(" Target: `{target}`{waits}."));
    if method.is_keyed() {
        docs.lines.push(
            " Sent again should the session be lost, and done once as long as its outcome is kept."
                .to_owned(),
        );
    }
    doc_attributes(&docs)
}
