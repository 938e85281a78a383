//! `wss://host:port/path`: the same over TLS.

use super::upgrade::{self, Policy};
use super::{ask, config, link, local_name};
use crate::transport::tls::{self, ALPN_WEB, Explained, TlsServer};
use crate::transport::{
    Accept, AcceptError, Address, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    ListenOptions, Listener, TransportError, tcp,
};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::TcpListener;

pub(in crate::transport) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

fn dial<'a>(
    address: &'a Address,
    options: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let stream = tls::connect(address, options, ALPN_WEB).await?;
        let local = local_name("wss", stream.get_ref().0);
        let info = LinkInfo::new("wss", local, address.to_string()).secured(tls::security(&stream));
        ask(Explained(stream), info, address, options).await
    })
}

fn listen<'a>(
    address: &'a Address,
    options: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let settings = tls::server_settings(address, options)?.clone();
        let (listener, address) = tcp::bind(address).await?;
        let policy = Arc::new(Policy::new(&address, options));
        Ok(Listener::new(Wss { listener, settings, policy, options: options.clone() }, address))
    })
}

struct Wss {
    listener: TcpListener,
    settings: TlsServer,
    policy: Arc<Policy>,
    options: ListenOptions,
}

impl Accept for Wss {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let (stream, from) = ready!(self.listener.poll_accept(cx)).map_err(AcceptError::new)?;
        let peer = format!("wss://{from}");
        let (named, settings) = (peer.clone(), self.settings.clone());
        let policy = Arc::clone(&self.policy);
        let config = config(self.options.message_bytes_max);
        let after = self.options.handshake_timeout;
        let establish = async move {
            let local = local_name("wss", &stream);
            let stream = tls::accept(stream, &settings, ALPN_WEB, &named).await?;
            let info = LinkInfo::new("wss", local, named.clone()).secured(tls::security(&stream));
            let socket = upgrade::accept(Explained(stream), &policy, &named, config).await?;
            Ok(link(socket, info))
        };
        Poll::Ready(Ok(Incoming::within(after, peer, establish)))
    }
}
