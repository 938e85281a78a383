//! Contracts: both ends of a connection, with everything that each may say to the other.

use super::attributes as attribute;
use super::names::{Names, ident, snake};
use crate::model::{Contract, ContractDef, Package};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A service that one side offers.
struct Offer {
    /// `users`
    field: Ident,
    /// `Users`
    service: Ident,
    client: Ident,
    server: Ident,
    generic: Ident,
}

impl Offer {
    fn new(name: &str) -> Self {
        Self {
            field: ident(&snake(name)),
            service: ident(name),
            client: format_ident!("{}Client", name),
            server: format_ident!("{}Server", name),
            generic: format_ident!("__Fx{}", name),
        }
    }

    /// `users: __FxUsers`
    fn argument(&self) -> TokenStream {
        let Self { field, generic, .. } = self;
        quote!(#field: #generic)
    }

    /// `__FxUsers: Users`
    fn bound(&self) -> TokenStream {
        let Self { generic, service, .. } = self;
        quote!(#generic: #service)
    }
}

/// The two ends of a contract.
pub(super) fn contract(
    def: &ContractDef,
    _package: &Package<Contract>,
    _names: &Names,
) -> TokenStream {
    let name = ident(&def.name.source);
    let caller = format_ident!("{}Caller", def.name.source);
    let docs = attribute::docs(&def.docs);
    let servers: Vec<Offer> = def.server.iter().map(|name| Offer::new(name)).collect();
    let clients: Vec<Offer> = def.client.iter().map(|name| Offer::new(name)).collect();
    let topics: Vec<TokenStream> = def.topics.iter().map(|name| topic(name)).collect();
    let fields = |offers: &[Offer]| {
        let fields = offers.iter().map(|Offer { field, client, service, .. }| {
            let about = format!(" Calls `{service}` of the other side.");
            quote!(#[doc = #about] pub #field: #client,)
        });
        quote!(#(#fields)*)
    };
    let made = |offers: &[Offer]| {
        let made = offers
            .iter()
            .map(|Offer { field, client, .. }| quote!(#field: #client::new(__fx_peer),));
        quote!(#(#made)*)
    };
    let (dialer_fields, dialer_made) = (fields(&servers), made(&servers));
    let (caller_fields, caller_made) = (fields(&clients), made(&clients));
    let connecting = connecting(&clients);
    let serving = serving(&servers);
    let about_dialer = format!(" The side of `{}` that dials.", def.name.source);
    let about_caller = format!(" What the side of `{}` that listens may call.", def.name.source);
    quote! {
        #docs
        #[doc = #about_dialer]
        #[derive(Clone, Debug)]
        pub struct #name {
            __fx_client: ::fluxar::Client,
            #dialer_fields
        }

        impl #name {
            #connecting

            /// With a session that exists.
            #[must_use]
            pub fn of(__fx_client: ::fluxar::Client) -> Self {
                let __fx_peer = __fx_client.peer();
                Self { #dialer_made __fx_client }
            }

            /// The session.
            #[must_use]
            pub fn client(&self) -> &::fluxar::Client {
                &self.__fx_client
            }

            /// The other side.
            #[must_use]
            pub fn peer(&self) -> &::fluxar::Peer {
                self.__fx_client.peer()
            }

            #serving

            #(#topics)*
        }

        #[doc = #about_caller]
        #[derive(Clone, Debug)]
        pub struct #caller {
            __fx_peer: ::fluxar::Peer,
            #caller_fields
        }

        impl #caller {
            /// Calls this peer.
            #[must_use]
            pub fn of(__fx_peer: &::fluxar::Peer) -> Self {
                Self { #caller_made __fx_peer: ::core::clone::Clone::clone(__fx_peer) }
            }

            /// The other side.
            #[must_use]
            pub fn peer(&self) -> &::fluxar::Peer {
                &self.__fx_peer
            }

            #(#topics)*
        }
    }
}

fn topic(name: &str) -> TokenStream {
    let (method, topic) = (ident(&snake(name)), ident(name));
    let about = format!(" Publishes `{name}` at the other side.");
    quote! {
        #[doc = #about]
        #[must_use]
        pub fn #method(&self) -> ::fluxar::Publisher<#topic> {
            #topic::publisher(self.peer())
        }
    }
}

/// `connect` and `build`, with what this side offers.
fn connecting(clients: &[Offer]) -> TokenStream {
    let arguments: Vec<TokenStream> = clients.iter().map(Offer::argument).collect();
    let bounds: Vec<TokenStream> = clients.iter().map(Offer::bound).collect();
    let fields: Vec<&Ident> = clients.iter().map(|offer| &offer.field).collect();
    let serves =
        clients.iter().map(|Offer { field, server, .. }| quote!(.serve(#server::new(#field))));
    let describes = (!clients.is_empty()).then(|| quote!(.describe(describe)));
    quote! {
        /// Dials, and serves what this side offers.
        ///
        /// # Errors
        /// The address is none, nobody listens there, or the other side refused.
        pub async fn connect<#(#bounds),*>(
            __fx_address: impl ::core::convert::Into<::std::string::String>,
            #(#arguments),*
        ) -> ::core::result::Result<Self, ::fluxar::ConnectError> {
            Self::build(::fluxar::Client::connect(__fx_address), #(#fields),*).await
        }

        /// As `connect`, with options of the client.
        ///
        /// # Errors
        /// As `connect`.
        pub async fn build<#(#bounds),*>(
            __fx_builder: ::fluxar::ClientBuilder,
            #(#arguments),*
        ) -> ::core::result::Result<Self, ::fluxar::ConnectError> {
            let __fx_client = __fx_builder #(#serves)* #describes .build().await?;
            ::core::result::Result::Ok(Self::of(__fx_client))
        }
    }
}

/// `serve`, for the side that listens.
fn serving(servers: &[Offer]) -> TokenStream {
    let arguments = servers.iter().map(Offer::argument);
    let bounds = servers.iter().map(Offer::bound);
    let serves = servers
        .iter()
        .map(|Offer { field, server, .. }| quote!(__fx_server.serve(#server::new(#field));));
    quote! {
        /// Serves what the side that listens offers.
        pub fn serve<#(#bounds),*>(__fx_server: &::fluxar::Server, #(#arguments),*) {
            #(#serves)*
            __fx_server.describe(describe);
        }
    }
}
