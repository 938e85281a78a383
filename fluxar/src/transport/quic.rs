//! `quic://host:port`: one connection is one link, and its one bidirectional stream carries the
//! frames of the session, as a byte stream.
//!
//! The dialer opens the stream and begins it with a byte that says what it is for, since a QUIC
//! stream does not exist at the other end before something is sent on it. No 0-RTT, no datagrams,
//! no further streams. A dialer whose address changes keeps its link (connection migration).

use super::byte_stream::StreamReader;
use super::error::listen_error;
use super::tls::{self, ALPN, TlsServer};
use super::{
    Accept, AcceptError, Address, Batch, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    LinkSecurity, LinkWriter, ListenOptions, Listener, PeerCertificate, TransportError,
};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, RecvStream,
    SendStream, ServerConfig, TransportConfig, TransportErrorCode, VarInt,
};
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};

/// The first byte of the stream of a session.
const SESSION_STREAM: u8 = 1;
/// Bytes that the other end may send ahead of our reading; and that we keep until it has them.
const WINDOW_BYTES: u32 = 2 << 20;
/// Silence after which a connection is lost. Keep-alives come three times as often, whatever the
/// heartbeat of the session.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Handshakes that wait to be taken up, and bytes that come with them: one, and all together.
const INCOMING_MAX: usize = 1024;
const INCOMING_BYTES_MAX: u64 = 16 << 10;
const INCOMING_BYTES_ALL_MAX: u64 = 4 << 20;
/// Alerts of TLS are these codes of QUIC: 0x100 and the alert's number.
const ALERTS: std::ops::Range<u64> = 0x100..0x200;

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(WINDOW_BYTES))
        .receive_window(VarInt::from_u32(WINDOW_BYTES))
        .send_window(u64::from(WINDOW_BYTES))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IdleTimeout::try_from(IDLE_TIMEOUT).ok())
        .keep_alive_interval(Some(KEEP_ALIVE));
    Arc::new(config)
}

fn dial<'a>(
    address: &'a Address,
    options: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let named = || address.to_string();
        let broken = |reason: String| TransportError::Handshake { peer: named(), reason };
        let config = tls::client_config(address, options, ALPN)?;
        let config = QuicClientConfig::try_from(config).map_err(|e| broken(e.to_string()))?;
        let mut config = ClientConfig::new(Arc::new(config));
        config.transport_config(transport());
        let failed = |source| TransportError::Connect { address: named(), source };
        let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let found = tokio::net::lookup_host((address.host(), address.port())).await;
        for to in found.map_err(failed)? {
            match connect(&config, to, address).await? {
                Ok(connection) => {
                    return open(connection, named()).await.map_err(|e| broken(e.to_string()));
                }
                Err(source) => error = source,
            }
        }
        Err(failed(error))
    })
}

/// A connection to one of the host's addresses; the inner error is worth another one.
async fn connect(
    config: &ClientConfig,
    to: SocketAddr,
    address: &Address,
) -> Result<io::Result<Connection>, TransportError> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // One socket a link. It lives as long as its connection has something to say.
    let endpoint = match Endpoint::client(any) {
        Ok(endpoint) => endpoint,
        Err(error) => return Ok(Err(error)),
    };
    let refused = |reason: String| TransportError::Refused { address: address.to_string(), reason };
    let connecting = endpoint.connect_with(config.clone(), to, address.host());
    let connecting = connecting.map_err(|error| refused(error.to_string()))?;
    match connecting.await {
        Ok(connection) => Ok(Ok(connection)),
        Err(ConnectionError::TransportError(error)) if alert(error.code).is_some() => {
            Err(refused(explain(&error.code, &error.reason)))
        }
        Err(error) => Ok(Err(io_error(error))),
    }
}

async fn open(connection: Connection, peer: String) -> io::Result<Link> {
    let (mut send, receive) = connection.open_bi().await.map_err(io_error)?;
    send.write_all(&[SESSION_STREAM]).await?;
    Ok(link(&connection, send, receive, peer))
}

fn listen<'a>(
    address: &'a Address,
    options: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let failed = |source: io::Error| listen_error(address, source);
        let settings = tls::server_settings(address, options)?.clone();
        let bound = tokio::net::UdpSocket::bind((address.host(), address.port())).await;
        let socket = bound.and_then(tokio::net::UdpSocket::into_std).map_err(failed)?;
        let address = address.with_port(socket.local_addr().map_err(failed)?.port());
        let config = server_config(&settings).map_err(failed)?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let endpoint = EndpointConfig::default();
        let endpoint = Endpoint::new(endpoint, Some(config), socket, runtime).map_err(failed)?;
        let timeout = options.handshake_timeout;
        Ok(Listener::new(Quic { endpoint, settings, timeout, next: None }, address))
    })
}

fn server_config(settings: &TlsServer) -> io::Result<ServerConfig> {
    let crypto = QuicServerConfig::try_from(settings.config(ALPN)).map_err(io::Error::other)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(transport())
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_ALL_MAX);
    Ok(config)
}

struct Quic {
    endpoint: Endpoint,
    settings: TlsServer,
    timeout: Duration,
    /// The wait for the next one, kept between polls.
    next: Option<BoxFuture<'static, Option<quinn::Incoming>>>,
}

impl Accept for Quic {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let next = self.next.get_or_insert_with(|| {
            let endpoint = self.endpoint.clone();
            Box::pin(async move { endpoint.accept().await })
        });
        let incoming = ready!(next.as_mut().poll(cx));
        self.next = None;
        let Some(incoming) = incoming else {
            let error = io::Error::other("the socket is closed");
            return Poll::Ready(Err(AcceptError::new(error)));
        };
        let peer = format!("quic://{}", incoming.remote_address());
        let (named, settings, after) = (peer.clone(), self.settings.clone(), self.timeout);
        let establish = async move {
            let accepted = accept(incoming, &settings, named.clone()).await;
            accepted.map_err(|error| TransportError::Handshake {
                peer: named,
                reason: error.to_string(),
            })
        };
        Poll::Ready(Ok(Incoming::within(after, peer, establish)))
    }
}

impl Drop for Quic {
    fn drop(&mut self) {
        // Links that live go on; nobody else gets one.
        self.endpoint.set_server_config(None);
    }
}

async fn accept(incoming: quinn::Incoming, settings: &TlsServer, peer: String) -> io::Result<Link> {
    let config = Arc::new(server_config(settings)?);
    let connection = incoming.accept_with(config).map_err(io_error)?.await.map_err(io_error)?;
    let (send, mut receive) = connection.accept_bi().await.map_err(io_error)?;
    let mut kind = [0];
    receive.read_exact(&mut kind).await.map_err(io::Error::other)?;
    if kind != [SESSION_STREAM] {
        let text = "its stream does not begin with the byte 1 of a session";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(link(&connection, send, receive, peer))
}

fn link(connection: &Connection, send: SendStream, receive: RecvStream, peer: String) -> Link {
    let local = connection.local_ip().map_or_else(|| "?".to_owned(), |ip| ip.to_string());
    let info = LinkInfo::new("quic", format!("quic://{local}"), peer);
    let reader = StreamReader::new(Receive(receive));
    let writer = QuicWriter { stream: send, acknowledged: None, is_closed: false };
    Link::new(reader, writer, info.secured(security(connection)))
}

fn security(connection: &Connection) -> LinkSecurity {
    let mut exporter = [0; 32];
    let exported =
        connection.export_keying_material(&mut exporter, tls::EXPORTER_LABEL, &[]).is_ok();
    let identity = connection.peer_identity();
    let chain = identity.and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
    LinkSecurity {
        protocol: "QUIC, TLS 1.3",
        cipher: String::new(),
        exporter: exported.then_some(exporter),
        peer_certificate: chain.and_then(|chain| chain.first().map(PeerCertificate::read)),
    }
}

fn alert(code: TransportErrorCode) -> Option<u8> {
    let code = u64::from(code);
    ALERTS.contains(&code).then(|| (code - ALERTS.start) as u8)
}

/// An alert says who is at fault; which side sent it, only its text tells.
fn explain(code: &TransportErrorCode, reason: &str) -> String {
    let Some(number) = alert(*code) else { return reason.to_owned() };
    tls::explain_quic(number, reason)
}

fn io_error(error: ConnectionError) -> io::Error {
    use io::ErrorKind;
    let (kind, text) = match &error {
        ConnectionError::TransportError(error) => {
            (ErrorKind::InvalidData, explain(&error.code, &error.reason))
        }
        ConnectionError::ConnectionClosed(close) => {
            let text = alert(close.error_code).map(tls::explain_alert);
            (ErrorKind::ConnectionReset, text.unwrap_or_else(|| error.to_string()))
        }
        ConnectionError::ApplicationClosed(_) | ConnectionError::Reset => {
            (ErrorKind::ConnectionReset, "the peer closed the connection".to_owned())
        }
        ConnectionError::TimedOut => {
            let text = "nothing came from the peer for 30 s: is UDP let through?";
            (ErrorKind::TimedOut, text.to_owned())
        }
        ConnectionError::LocallyClosed => (ErrorKind::BrokenPipe, error.to_string()),
        _ => (ErrorKind::ConnectionAborted, error.to_string()),
    };
    io::Error::new(kind, text)
}

/// The receiving half, with errors of ours.
struct Receive(RecvStream);

impl AsyncRead for Receive {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read_buf(cx, into).map_err(|error| match error {
            quinn::ReadError::ConnectionLost(error) => io_error(error),
            quinn::ReadError::Reset(_) => {
                io::Error::new(io::ErrorKind::ConnectionReset, "the peer gave its stream up")
            }
            error => io::Error::other(error),
        })
    }
}

/// The sending half. Its end is said, and then waited for until the other side has everything:
/// the connection goes with the link, and what is under way would go with it.
struct QuicWriter {
    stream: SendStream,
    acknowledged: Option<BoxFuture<'static, io::Result<()>>>,
    is_closed: bool,
}

fn write_error(error: quinn::WriteError) -> io::Error {
    match error {
        quinn::WriteError::ConnectionLost(error) => io_error(error),
        quinn::WriteError::Stopped(_) => {
            io::Error::new(io::ErrorKind::BrokenPipe, "the peer takes nothing any more")
        }
        error => io::Error::new(io::ErrorKind::BrokenPipe, error),
    }
}

impl LinkWriter for QuicWriter {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.is_empty() {
            let stream = Pin::new(&mut self.stream);
            batch.sent += ready!(stream.poll_write(cx, batch.rest())).map_err(write_error)?;
        }
        batch.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        let stream = &mut self.stream;
        let acknowledged = self.acknowledged.get_or_insert_with(|| {
            // Closed twice is closed.
            let _again = stream.finish();
            let stopped = stream.stopped();
            Box::pin(async move {
                match stopped.await {
                    // Whoever has gone by now wanted no more.
                    Ok(_) | Err(_) => Ok(()),
                }
            })
        });
        let done = ready!(acknowledged.as_mut().poll(cx));
        (self.acknowledged, self.is_closed) = (None, true);
        Poll::Ready(done)
    }
}
