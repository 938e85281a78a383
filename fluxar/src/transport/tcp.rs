//! `tcp://host:port`.

use super::byte_stream::{StreamReader, StreamWriter};
use super::error::listen_error;
use super::{
    Accept, AcceptError, Address, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    ListenOptions, Listener, TransportError,
};
use std::io;
use std::task::{Context, Poll, ready};
use tokio::net::{TcpListener, TcpStream};

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

fn dial<'a>(
    address: &'a Address,
    _: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let stream = connect(address).await?;
        link(stream, address.to_string()).map_err(|source| connect_error(address, source))
    })
}

/// A connected socket that sends small writes at once.
pub(super) async fn connect(address: &Address) -> Result<TcpStream, TransportError> {
    let attempt = async { prompt(TcpStream::connect((address.host(), address.port())).await?) };
    attempt.await.map_err(|source| connect_error(address, source))
}

/// Has the socket send small writes at once: batches are gathered above, never here.
pub(super) fn prompt(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn connect_error(address: &Address, source: io::Error) -> TransportError {
    TransportError::Connect { address: address.to_string(), source }
}

fn listen<'a>(
    address: &'a Address,
    _: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let (listener, address) = bind(address).await?;
        Ok(Listener::new(Tcp { listener }, address))
    })
}

/// A listening socket, and its address with the port that was taken.
pub(super) async fn bind(address: &Address) -> Result<(TcpListener, Address), TransportError> {
    let attempt = async {
        let listener = TcpListener::bind((address.host(), address.port())).await?;
        let port = listener.local_addr()?.port();
        Ok((listener, address.with_port(port)))
    };
    attempt.await.map_err(|source: io::Error| listen_error(address, source))
}

struct Tcp {
    listener: TcpListener,
}

impl Accept for Tcp {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let (stream, from) = ready!(self.listener.poll_accept(cx)).map_err(AcceptError::new)?;
        let peer = format!("tcp://{from}");
        let establish = async move {
            let named = format!("tcp://{from}");
            let linked = prompt(stream).and_then(|stream| link(stream, named.clone()));
            linked.map_err(|error| TransportError::Handshake {
                peer: named,
                reason: error.to_string(),
            })
        };
        Poll::Ready(Ok(Incoming::new(peer, establish)))
    }
}

fn link(stream: TcpStream, peer: String) -> io::Result<Link> {
    let local = format!("tcp://{}", stream.local_addr()?);
    let (reader, writer) = stream.into_split();
    let info = LinkInfo::new("tcp", local, peer);
    Ok(Link::new(StreamReader::new(reader), StreamWriter::new(writer), info))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [L0.tcp.1]
    #[tokio::test]
    async fn small_writes_leave_at_once() {
        let any = "tcp://127.0.0.1:0".parse().expect("an address");
        let (listener, address) = bind(&any).await.expect("bound");
        let dialed = connect(&address).await.expect("connected");
        assert!(dialed.nodelay().expect("a live socket"));
        let (accepted, _) = listener.accept().await.expect("accepted");
        assert!(prompt(accepted).expect("a live socket").nodelay().expect("a live socket"));
    }
}
