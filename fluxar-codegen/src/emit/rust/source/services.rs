//! Services and topics.

use super::attributes as attribute;
use super::names::{Names, ident};
use super::types::spelled;
use crate::model::{
    Answer, Argument, Contract, Delivery, Failure, Method, Segment, Service, Topic, TypeRef,
};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

fn ty(of: &TypeRef, names: &Names) -> TokenStream {
    spelled(of, names)
}

/// The trait of a service.
pub(super) fn service(service: &Service<Contract>, names: &Names) -> TokenStream {
    let name = ident(&service.name.source);
    let docs = attribute::docs(&service.docs);
    let wire = &service.name.wire;
    let package = service.package.as_ref().map(|package| quote!(package = #package,));
    let mut life = attribute::lifecycle(&service.lifecycle);
    life.extend(attribute::annotations(&service.annotations));
    let methods = service.methods.iter().map(|method| self::method(method, names));
    quote! {
        #docs
        #[::fluxar::service(#package name = #wire #(, #life)*)]
        pub trait #name {
            #(#methods)*
        }
    }
}

/// The name of a method: the client has `new` for itself.
fn method_name(name: &str) -> Ident {
    if name == "new" { ident("new_") } else { ident(name) }
}

fn method(method: &Method<Contract>, names: &Names) -> TokenStream {
    let name = method_name(&method.name.source);
    let docs = attribute::docs(&method.docs);
    let mut options = attribute::rename(&name, &method.name);
    if matches!(method.answer, Answer::Nothing) {
        options.push(quote!(notification));
    }
    if let Some(timeout) = method.timeout {
        let timeout = attribute::duration(timeout);
        options.push(quote!(timeout = #timeout));
    }
    if let Some(cache) = method.options.cache {
        let cache = attribute::duration(cache);
        options.push(quote!(cache = #cache));
    }
    if let Some(bytes) = method.options.bytes_max {
        let bytes = Literal::u64_unsuffixed(bytes);
        options.push(quote!(bytes_max = #bytes));
    }
    options.extend(method.options.idempotent.then(|| quote!(idempotent)));
    options.extend(method.options.resumable.then(|| quote!(resumable)));
    options.extend(attribute::lifecycle(&method.lifecycle));
    options.extend(attribute::annotations(&method.annotations));
    let options = attribute::options(options);
    let arguments = method.arguments.iter().map(|argument| argument_of(argument, names));
    let fallible = |ok: TokenStream| match &method.failure {
        Failure::Never => ok,
        Failure::Status => quote!(::core::result::Result<#ok, ::fluxar::Status>),
        Failure::App(error) => {
            let error = ty(error, names);
            quote!(::core::result::Result<#ok, #error>)
        }
    };
    let (asyncness, output) = match &method.answer {
        Answer::Nothing => (quote!(async), TokenStream::new()),
        Answer::Value(value) => {
            let value = fallible(ty(value, names));
            (quote!(async), quote!(-> #value))
        }
        Answer::Items(item) => {
            let item = fallible(ty(item, names));
            (TokenStream::new(), quote!(-> impl ::fluxar::Stream<Item = #item>))
        }
    };
    quote!(#docs #options #asyncness fn #name(&self, #(#arguments),*) #output;)
}

fn argument_of(argument: &Argument<Contract>, names: &Names) -> TokenStream {
    let name = ident(&argument.name().source);
    match argument {
        Argument::Context { .. } => quote!(#name: ::fluxar::Context),
        Argument::Value(field) => {
            let options = attribute::of_field(field, &name);
            let docs = attribute::docs(&field.docs);
            let ty = ty(&field.ty, names);
            quote!(#docs #options #name: #ty)
        }
        Argument::Input { item, .. } => {
            let item = ty(item, names);
            quote!(#name: ::fluxar::Streaming<#item>)
        }
        Argument::Output { item, .. } => {
            let item = ty(item, names);
            quote!(#name: ::fluxar::Sink<#item>)
        }
    }
}

/// The struct of a topic.
pub(super) fn topic(topic: &Topic<Contract>, names: &Names) -> TokenStream {
    let name = ident(&topic.name.source);
    let docs = attribute::docs(&topic.docs);
    let path: Vec<String> = topic
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Param { name, .. } => {
                format!("{{{}}}", super::names::source(&ident(&name.source)))
            }
        })
        .collect();
    let path = path.join(".");
    let payload = ty(&topic.payload, names);
    let retain = topic.retain.map(|values| {
        let values = Literal::u32_unsuffixed(values);
        quote!(, retain = #values)
    });
    let replay = topic.replay.map(|replay| {
        let replay = attribute::duration(replay);
        quote!(, replay = #replay)
    });
    let delivery = (topic.delivery != Delivery::default()).then(|| {
        let delivery = topic.delivery.name();
        quote!(, delivery = #delivery)
    });
    let key = topic.key.as_ref().map(|key| quote!(, key = #key));
    let mut life = attribute::lifecycle(&topic.lifecycle);
    life.extend(attribute::annotations(&topic.annotations));
    let fields = topic.params().map(|(name, param)| {
        let (ident, param) = (ident(&name.source), ty(param, names));
        let options = attribute::options(attribute::rename(&ident, name));
        quote!(#options pub #ident: #param)
    });
    quote! {
        #docs
        #[::fluxar::topic(#path, value = #payload #retain #replay #delivery #key #(, #life)*)]
        #[derive(Clone, Debug, PartialEq)]
        pub struct #name { #(#fields),* }
    }
}
