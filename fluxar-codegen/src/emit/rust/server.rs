//! The server: an implementation of the trait as routes.

use super::service::Scope;
use super::{RustSpelling, ident, local, parameters, placed};
use crate::model::{Answer, Argument, Failure, Method, Shape};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// The server's type, and its implementations.
pub(super) fn server<S: RustSpelling>(scope: &Scope<'_, S>) -> (TokenStream, TokenStream) {
    let Scope { service, settings, rt, name, server, client } = scope;
    let vis = &settings.vis;
    let conditions = S::conditions(&service.extra);
    let about = format!(
        " Serves an implementation of [`{}`]. Clones share the implementation.",
        service.name.source
    );
    let generic = type_parameter(scope);
    let definition = quote! {
        #conditions
        #[doc = #about]
        #vis struct #server<#generic> {
            __fx_inner: #rt::Arc<#generic>,
        }
    };
    let inner = local("inner");
    let routes = local("routes");
    let formatter = local("formatter");
    let handlers = service.methods.iter().map(|method| {
        let conditions = S::conditions(&method.extra);
        let handler = handler(scope, method);
        quote!(#conditions { #handler })
    });
    let label = server.to_string();
    let implementation = quote! {
        impl<#generic: #name> #server<#generic> {
            /// Serves this implementation.
            #[must_use]
            #vis fn new(#inner: #generic) -> Self {
                Self { __fx_inner: #rt::Arc::new(#inner) }
            }

            /// Serves an implementation that others hold too.
            #[must_use]
            #vis fn shared(#inner: #rt::Arc<#generic>) -> Self {
                Self { __fx_inner: #inner }
            }
        }

        #[automatically_derived]
        impl<#generic> ::core::clone::Clone for #server<#generic> {
            fn clone(&self) -> Self {
                Self { __fx_inner: ::core::clone::Clone::clone(&self.__fx_inner) }
            }
        }

        #[automatically_derived]
        impl<#generic> ::core::fmt::Debug for #server<#generic> {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #formatter.debug_struct(#label).finish_non_exhaustive()
            }
        }

        #[automatically_derived]
        #[allow(deprecated, reason = "a deprecated method is still served")]
        impl<#generic: #name> #rt::Service for #server<#generic> {
            fn routes(self) -> #rt::Routes {
                let mut #routes = #rt::Routes::new();
                #routes.describe(<#client as #rt::Described>::describe);
                #(#handlers)*
                #routes
            }
        }
    };
    (definition, implementation)
}

/// `S`, unless the service itself has that name.
fn type_parameter<S: RustSpelling>(scope: &Scope<'_, S>) -> Ident {
    let name = if scope.service.name.source == "S" { "T" } else { "S" };
    format_ident!("{}", name)
}

/// The statement that adds the route of one method.
fn handler<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    let Scope { service, rt, .. } = scope;
    let target = service.target(method);
    let (routes, inner) = (local("routes"), local("inner"));
    let (context, raw) = (local("context"), local("raw"));
    let (input, output) = (local("input"), local("output"));
    let call = implementation_call(scope, method);
    let decode = decode(method);
    let outcome = outcome(method, call, rt);
    let unused = |used: bool, name: &Ident| if used { quote!(#name) } else { quote!(_) };
    let uses_context = method.arguments.iter().any(|a| matches!(a, Argument::Context { .. }));
    let context = unused(uses_context, &context);
    let (add, streams) = match method.shape() {
        Shape::Notification => (quote!(notification), TokenStream::new()),
        Shape::Unary => (quote!(unary), TokenStream::new()),
        _ => {
            let input = unused(method.input().is_some(), &input);
            let output = unused(method.items().is_some(), &output);
            (quote!(stream), quote!(, #input: #rt::RawStreaming, #output: #rt::RawSink))
        }
    };
    quote! {
        let #inner = ::core::clone::Clone::clone(&self.__fx_inner);
        #routes.#add(
            #target,
            move |#context: #rt::Context, #raw: #rt::Params #streams| {
                let #inner = ::core::clone::Clone::clone(&#inner);
                async move {
                    #decode
                    #outcome
                }
            },
        );
    }
}

/// Decodes the parameters into `values`.
fn decode<S: RustSpelling>(method: &Method<S>) -> TokenStream {
    let (raw, values) = (local("raw"), local("values"));
    match method.params().next() {
        Some(_) => {
            let record = parameters::record_name(method);
            quote!(let #values = #raw.named::<#record>()?;)
        }
        None => quote!(#raw.none()?;),
    }
}

/// Calls the implementation with everything in the author's order.
fn implementation_call<S: RustSpelling>(scope: &Scope<'_, S>, method: &Method<S>) -> TokenStream {
    let (service, generic) = (&scope.name, type_parameter(scope));
    let name = ident(&method.name);
    let inner = local("inner");
    let arguments = method.arguments.iter().map(|argument| match argument {
        Argument::Context { .. } => {
            let context = local("context");
            quote!(#context)
        }
        Argument::Value(field) => {
            let (values, field) = (local("values"), ident(&field.name));
            quote!(#values.#field)
        }
        Argument::Input { .. } => {
            let input = local("input");
            quote!(#input.typed())
        }
        Argument::Output { .. } => {
            let output = local("output");
            quote!(#output.typed())
        }
    });
    quote!(<#generic as #service>::#name(&*#inner, #(#arguments),*))
}

/// The handler's outcome, from the call of the implementation.
fn outcome<S: RustSpelling>(
    method: &Method<S>,
    call: TokenStream,
    rt: &TokenStream,
) -> TokenStream {
    let (output, raw) = (local("output"), local("raw"));
    let at = placed(method.name.span);
    let fails = !matches!(method.failure, Failure::Never);
    let value = match fails {
        true => quote_spanned!(at=> #call.await),
        false => quote_spanned! {at=>
            ::core::result::Result::<_, ::core::convert::Infallible>::Ok(#call.await)
        },
    };
    match (&method.answer, method.shape()) {
        (Answer::Nothing, _) => quote_spanned!(at=> #call.await; ::core::result::Result::Ok(())),
        (Answer::Items(_), _) if fails => quote_spanned!(at=> #rt::pump(#call, #output).await),
        (Answer::Items(_), _) => quote_spanned!(at=> #rt::pump_all(#call, #output).await),
        (Answer::Value(_), Shape::Unary) => quote_spanned!(at=> #rt::reply(#value, #raw.keys())),
        (Answer::Value(_), _) => quote_spanned!(at=> #rt::outcome(#value, #raw.keys())),
    }
}
