//! A typed topic: its paths, its publisher, its subscriptions.

use super::{RustSpelling, Settings, ident, local};
use crate::model::{Segment, Topic};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Emits what `#[fluxar::topic]` adds to a struct that exists.
#[must_use]
pub fn topic<S: RustSpelling>(topic: &Topic<S>, settings: &Settings) -> TokenStream {
    let rt = settings.rt();
    let name = ident(&topic.name);
    let implementation = path_and_back(topic, &name, &rt);
    let description = super::describe::topic(topic, &name, &rt);
    let filter = format_ident!("{}Filter", topic.name.source, span = topic.name.span);
    let vis = &settings.vis;
    let subscription = filter_type(topic, &filter, settings);
    let about = format!(" Publishes on `{}` at this peer.", topic.name.wire);
    let peer = local("peer");
    quote! {
        #subscription

        impl #name {
            #[doc = #about]
            #[must_use]
            #vis fn publisher(#peer: &#rt::Peer) -> #rt::Publisher<Self> {
                #rt::Publisher::new(#peer)
            }

            /// A subscription at this peer: narrow it down, and await it.
            #vis fn subscribe(#peer: &#rt::Peer) -> #filter {
                #filter::__fx_new(#peer)
            }
        }

        #implementation
        #description
    }
}

fn path_and_back<S: RustSpelling>(topic: &Topic<S>, name: &Ident, rt: &TokenStream) -> TokenStream {
    let value = S::ty(&topic.payload, rt);
    let retain = topic.retain.is_some_and(|values| values > 0);
    let (path, segments) = (local("path"), local("segments"));
    let pushes = topic.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote!(#rt::push_literal(&mut #path, #text);),
        Segment::Param { name, .. } => {
            let (field, wire) = (ident(name), &name.wire);
            quote!(#rt::push_segment(&mut #path, #wire, &self.#field)?;)
        }
    });
    let takes = topic.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote! {
            if #segments.next() != ::core::option::Option::Some(#text) {
                return ::core::result::Result::Err(#rt::foreign_path(#path));
            }
        },
        Segment::Param { name, .. } => {
            let field = ident(name);
            let slot = local(&format!("part_{}", field.to_string().trim_start_matches("r#")));
            quote!(let #slot = #rt::take_segment(#segments.next(), #path)?;)
        }
    });
    let fields = topic.params().map(|(name, _)| {
        let field = ident(name);
        let slot = local(&format!("part_{}", field.to_string().trim_start_matches("r#")));
        quote!(#field: #slot)
    });
    quote! {
        #[automatically_derived]
        impl #rt::Topic for #name {
            type Value = #value;

            const RETAIN: ::core::primitive::bool = #retain;

            fn path(&self) -> ::core::result::Result<::std::string::String, #rt::Status> {
                let mut #path = ::std::string::String::new();
                #(#pushes)*
                ::core::result::Result::Ok(#path)
            }

            fn of_path(
                #path: &::core::primitive::str,
            ) -> ::core::result::Result<Self, #rt::Status> {
                let mut #segments = #path.split('.');
                #(#takes)*
                match #segments.next() {
                    ::core::option::Option::None => {
                        ::core::result::Result::Ok(Self { #(#fields),* })
                    }
                    ::core::option::Option::Some(_) => {
                        ::core::result::Result::Err(#rt::foreign_path(#path))
                    }
                }
            }
        }
    }
}

/// The subscription that is being put together: a segment each, `*` until it is named.
fn filter_type<S: RustSpelling>(
    topic: &Topic<S>,
    filter: &Ident,
    settings: &Settings,
) -> TokenStream {
    let (rt, vis) = (settings.rt(), &settings.vis);
    let about =
        format!(" A subscription to `{}`: each method narrows it down; await it.", topic.name.wire);
    let setters = topic.params().enumerate().map(|(place, (param, ty))| {
        let (method, ty, wire) = (ident(param), S::ty(ty, &rt), &param.wire);
        let about = format!(" Only where `{wire}` is this.");
        let value = local("value");
        quote! {
            #[doc = #about]
            #vis fn #method(mut self, #value: #ty) -> Self {
                self.__fx_narrow(#place, #wire, &#value);
                self
            }
        }
    });
    let params = topic.params().count();
    let awaited = awaited(topic, filter, &rt);
    quote! {
        #[doc = #about]
        #[derive(::core::fmt::Debug)]
        #[must_use = "a subscription begins when it is awaited"]
        #vis struct #filter {
            __fx_peer: #rt::Peer,
            __fx_parts: [::std::string::String; #params],
            __fx_with: #rt::SubscribeWith,
            __fx_wrong: ::core::option::Option<#rt::Status>,
        }

        #[allow(dead_code, reason = "a topic may have no parameters")]
        impl #filter {
            fn __fx_new(__fx_peer: &#rt::Peer) -> Self {
                Self {
                    __fx_peer: ::core::clone::Clone::clone(__fx_peer),
                    __fx_parts: ::core::array::from_fn(|_| {
                        ::std::string::String::from(#rt::ANY)
                    }),
                    __fx_with: #rt::SubscribeWith::new(),
                    __fx_wrong: ::core::option::Option::None,
                }
            }

            fn __fx_narrow<__FxPart: #rt::Segment>(
                &mut self,
                __fx_place: ::core::primitive::usize,
                __fx_name: &::core::primitive::str,
                __fx_value: &__FxPart,
            ) {
                let mut __fx_part = ::std::string::String::new();
                match #rt::push_segment(&mut __fx_part, __fx_name, __fx_value) {
                    ::core::result::Result::Ok(()) => self.__fx_parts[__fx_place] = __fx_part,
                    ::core::result::Result::Err(__fx_status) => {
                        self.__fx_wrong = ::core::option::Option::Some(__fx_status);
                    }
                }
            }

            #(#setters)*

            /// How to subscribe, beside the paths.
            #vis fn with(mut self, __fx_with: #rt::SubscribeWith) -> Self {
                self.__fx_with = __fx_with;
                self
            }
        }

        #awaited
    }
}

/// `impl IntoFuture` of the subscription.
fn awaited<S: RustSpelling>(topic: &Topic<S>, filter: &Ident, rt: &TokenStream) -> TokenStream {
    let name = ident(&topic.name);
    let mut params = 0_usize;
    let parts = topic.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote!(#rt::push_literal(&mut __fx_path, #text);),
        Segment::Param { .. } => {
            let place = params;
            params += 1;
            quote!(#rt::push_literal(&mut __fx_path, &self.__fx_parts[#place]);)
        }
    });
    let parts: Vec<TokenStream> = parts.collect();
    quote! {
        #[automatically_derived]
        impl ::core::future::IntoFuture for #filter {
            type Output = ::core::result::Result<#rt::TopicEvents<#name>, #rt::Status>;
            type IntoFuture = ::core::pin::Pin<::std::boxed::Box<
                dyn ::core::future::Future<Output = Self::Output> + ::core::marker::Send,
            >>;

            fn into_future(self) -> Self::IntoFuture {
                ::std::boxed::Box::pin(async move {
                    if let ::core::option::Option::Some(__fx_status) = self.__fx_wrong {
                        return ::core::result::Result::Err(__fx_status);
                    }
                    let mut __fx_path = ::std::string::String::new();
                    #(#parts)*
                    #rt::TopicEvents::open(&self.__fx_peer, &__fx_path, self.__fx_with).await
                })
            }
        }
    }
}

/// `impl Segment` of an enum without content, or of a newtype.
pub(super) fn segment<S: RustSpelling>(typed: &super::types::Typed<'_, S>) -> TokenStream {
    use crate::model::Body;
    let super::types::Typed { def, name, generics, rt } = typed;
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let (value, text) = (local("value"), local("text"));
    let cow = quote!(::std::borrow::Cow);
    let (to, of) = match &def.body {
        Body::Enum(variants) => {
            let names = variants.iter().map(|variant| {
                let (name, wire) = (ident(&variant.name), &variant.name.wire);
                quote!(Self::#name => ::core::option::Option::Some(#cow::Borrowed(#wire)),)
            });
            let unknown = S::unknown(&def.extra).map(|name| {
                quote! {
                    Self::#name(#value) => ::core::option::Option::Some(
                        #cow::Owned(::std::string::ToString::to_string(#value.key())),
                    ),
                }
            });
            let values = variants.iter().map(|variant| {
                let (name, wire) = (ident(&variant.name), &variant.name.wire);
                quote!(#wire => ::core::option::Option::Some(Self::#name),)
            });
            let other = match S::unknown(&def.extra) {
                Some(name) => quote! {
                    ::core::option::Option::Some(Self::#name(#rt::Unknown::named(#text)))
                },
                None => quote!(::core::option::Option::None),
            };
            (
                quote!(match self { #(#names)* #unknown }),
                quote!(match #text { #(#values)* _ => #other }),
            )
        }
        Body::Newtype(ty) => {
            let ty = S::ty(ty, rt);
            let probe = quote!((&#rt::Probe::<#ty>::new()));
            let traits = quote! {
                #[allow(unused_imports, reason = "one of the two is found")]
                use #rt::{SegmentAny as _, SegmentKnown as _};
            };
            (
                quote!(#traits #probe.to_segment(&self.0)),
                quote!(#traits #probe.of_segment(#text).map(Self)),
            )
        }
        _ => return TokenStream::new(),
    };
    quote! {
        #[automatically_derived]
        impl #rt::Segment for #name {
            fn to_segment(
                &self,
            ) -> ::core::option::Option<::std::borrow::Cow<'_, ::core::primitive::str>> {
                #to
            }

            fn of_segment(
                #text: &::core::primitive::str,
            ) -> ::core::option::Option<Self> {
                #of
            }
        }
    }
}
