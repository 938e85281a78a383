//! A service: the trait that implementations fill in, with client and server beside it.

use super::{RustSpelling, Settings, client, ident, parameters, placed, server};
use crate::model::{Answer, Argument, Failure, Method, Service};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// Everything that the methods of one service are emitted with.
pub(super) struct Scope<'m, S: RustSpelling> {
    pub(super) service: &'m Service<S>,
    pub(super) settings: &'m Settings,
    pub(super) rt: TokenStream,
    pub(super) name: Ident,
    pub(super) client: Ident,
    pub(super) server: Ident,
}

/// Emits trait, client and server. `supertraits` are bounds that the author wrote.
#[must_use]
pub fn service<S: RustSpelling>(
    service: &Service<S>,
    settings: &Settings,
    supertraits: &[syn::TypeParamBound],
) -> TokenStream {
    let name = ident(&service.name);
    let scope = Scope {
        service,
        settings,
        rt: settings.rt(),
        client: format_ident!("{}Client", service.name.source, span = service.name.span),
        server: format_ident!("{}Server", service.name.source, span = service.name.span),
        name,
    };
    let contract = contract(&scope, supertraits);
    let (client_type, client_impl) = client::client(&scope);
    let (server_type, server_impl) = server::server(&scope);
    let parameters = service.methods.iter().map(|method| parameters::definition(&scope, method));
    let disguised = service.methods.iter().map(|method| disguised_result(&scope, method));
    let conditions = S::conditions(&service.extra);
    quote! {
        #contract
        #client_type
        #server_type
        #conditions
        const _: () = {
            #(#parameters)*
            #(#disguised)*
            #client_impl
            #server_impl
        };
    }
}

fn contract<S: RustSpelling>(
    scope: &Scope<'_, S>,
    supertraits: &[syn::TypeParamBound],
) -> TokenStream {
    let Scope { service, settings, name, .. } = scope;
    let vis = &settings.vis;
    let attributes = S::attributes(&service.docs, &service.extra);
    let methods = service.methods.iter().map(|method| contract_method(scope, method));
    quote! {
        #attributes
        #vis trait #name: #(#supertraits +)*
            ::core::marker::Send + ::core::marker::Sync + 'static
        {
            #(#methods)*
        }
    }
}

fn contract_method<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    let rt = &scope.rt;
    let name = ident(&method.name);
    let attributes = S::attributes(&method.docs, &method.extra);
    let arguments = method.arguments.iter().map(|argument| {
        let name = ident(argument.name());
        let ty = argument_type(argument, rt);
        quote!(#name: #ty)
    });
    let returned = returned_type(method, rt);
    let output = match &method.answer {
        Answer::Items(_) => quote!(#returned + ::core::marker::Send),
        Answer::Value(_) | Answer::Nothing => quote! {
            impl ::core::future::Future<Output = #returned> + ::core::marker::Send
        },
    };
    quote! {
        #attributes
        fn #name(&self, #(#arguments),*) -> #output;
    }
}

/// Refuses a `Result` behind an alias, which would otherwise travel as a value with `Ok` in it.
fn disguised_result<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    let rt = &scope.rt;
    let (Failure::Never, Answer::Value(ty) | Answer::Items(ty)) = (&method.failure, &method.answer)
    else {
        return TokenStream::new();
    };
    let ty = S::ty(ty, rt);
    let conditions = S::conditions(&method.extra);
    let message = "this type is a `Result` under another name: write `Result<T, E>` in the trait";
    quote_spanned! {placed(method.name.span)=>
        #conditions
        const _: () = {
            #[allow(unused_imports, reason = "found only where the type is no `Result`")]
            use #rt::NoResult as _;
            ::core::assert!(!#rt::Probe::<#ty>::IS_RESULT, #message);
        };
    }
}

fn argument_type<S: RustSpelling>(argument: &Argument<S>, rt: &TokenStream) -> TokenStream {
    match argument {
        Argument::Value(field) => S::ty(&field.ty, rt),
        Argument::Context { extra, .. } => {
            S::spelled(extra).unwrap_or_else(|| quote!(#rt::Context))
        }
        Argument::Input { item, extra, .. } => S::spelled(extra).unwrap_or_else(|| {
            let item = S::ty(item, rt);
            quote!(#rt::Streaming<#item>)
        }),
        Argument::Output { item, extra, .. } => S::spelled(extra).unwrap_or_else(|| {
            let item = S::ty(item, rt);
            quote!(#rt::Sink<#item>)
        }),
    }
}

/// What the implementation returns: the author's words, or the same thing by path.
fn returned_type<S: RustSpelling>(method: &Method<S>, rt: &TokenStream) -> TokenStream {
    if let Some(spelled) = S::spelled(&method.extra) {
        return spelled;
    }
    let fallible = |ok: TokenStream| match &method.failure {
        Failure::Never => ok,
        failure => {
            let error = error_type(failure, rt);
            super::result(method.name.span, &ok, &error)
        }
    };
    match &method.answer {
        Answer::Nothing => quote!(()),
        Answer::Value(value) => fallible(S::ty(value, rt)),
        Answer::Items(item) => {
            let item = fallible(S::ty(item, rt));
            quote!(impl #rt::Stream<Item = #item>)
        }
    }
}

/// The `E` of a method.
pub(super) fn error_type<S: RustSpelling>(failure: &Failure<S>, rt: &TokenStream) -> TokenStream {
    match failure {
        Failure::Never => quote!(::core::convert::Infallible),
        Failure::Status => quote!(#rt::Status),
        Failure::App(error) => S::ty(error, rt),
    }
}
