//! `tls://host:port`, and what `wss` and `quic` share with it: TLS 1.3, no resumption, no 0-RTT.

mod certificate;
mod settings;

pub use settings::{TlsClient, TlsError, TlsServer};

use super::byte_stream::{StreamReader, StreamWriter};
use super::{
    Accept, AcceptError, Address, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    LinkSecurity, ListenOptions, Listener, PeerCertificate, TransportError, tcp,
};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, CommonState};
pub(super) use settings::ALPN;
#[cfg(feature = "ws")]
pub(super) use settings::ALPN_WEB;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

/// The label of RFC 9266, whose context is empty.
pub(super) const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

fn dial<'a>(
    address: &'a Address,
    options: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move { link(connect(address, options, ALPN).await?, address.to_string()) })
}

const NO_ALPN: &str = "the other end speaks TLS but not fluxar (ALPN fluxar/1): check the port, or \
                       use wss:// for one behind a web server";

/// TCP and a handshake, in which the server must be one that we trust.
pub(super) async fn connect(
    address: &Address,
    options: &DialOptions,
    alpn: &[u8],
) -> Result<TlsStream<TcpStream>, TransportError> {
    let config = client_config(address, options, alpn)?;
    let name = server_name(address)?;
    let stream = tcp::connect(address).await?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map(TlsStream::Client).map_err(|error| dial_error(address, &error))
}

/// The settings of the options, or the usual ones.
pub(super) fn client_config(
    address: &Address,
    options: &DialOptions,
    alpn: &[u8],
) -> Result<rustls::ClientConfig, TransportError> {
    let config = match &options.tls {
        Some(settings) => settings.config(alpn, false),
        None => TlsClient::new().config(alpn, false),
    };
    config.map_err(|error| TransportError::Refused {
        address: address.to_string(),
        reason: error.to_string(),
    })
}

fn server_name(address: &Address) -> Result<ServerName<'static>, TransportError> {
    ServerName::try_from(address.host().to_owned()).map_err(|_| TransportError::Refused {
        address: address.to_string(),
        reason: "a certificate cannot name this host: dial by a DNS name or an IP".to_owned(),
    })
}

/// Our own mistrust does not go away by trying again; a broken connection may.
fn dial_error(address: &Address, error: &io::Error) -> TransportError {
    let address = address.to_string();
    match tls_error(error) {
        Some(error) => TransportError::Refused { address, reason: explain(error) },
        None => TransportError::Handshake {
            peer: address,
            reason: format!("{error}: does a TLS server listen there? (plain: tcp://, ws://)"),
        },
    }
}

/// What rustls said, when it was rustls.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What is wrong, and what to do.
pub(super) fn explain(error: &rustls::Error) -> String {
    let next = match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the peer's certificate has expired: renew it, and check the clock here"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the peer's certificate is not valid yet: check the clocks"
            }
            CertificateError::UnknownIssuer => {
                "nobody whom we trust signed the peer's certificate: name its authority \
                 (TlsClient::ca, --ca FILE), or pin its fingerprint"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the peer's certificate is for another name: dial by one that it has"
            }
            CertificateError::ApplicationVerificationFailure => {
                "the peer's certificate is none of those pinned: if it was renewed, pin the new one"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the peer's certificate is not meant for this side of a connection"
            }
            _ => "the peer's certificate is no good",
        },
        rustls::Error::NoCertificatesPresented => {
            "the peer showed no certificate: it must present one (TlsClient::identity)"
        }
        rustls::Error::AlertReceived(alert) => return explain_alert(u8::from(*alert)),
        rustls::Error::PeerIncompatible(_) => {
            "the other end does not speak TLS 1.3 with ciphers that we know"
        }
        rustls::Error::InvalidMessage(_) => {
            "the other end does not speak TLS: for plain links use tcp:// or ws://"
        }
        rustls::Error::NoApplicationProtocol => NO_ALPN,
        _ => return error.to_string(),
    };
    format!("{next} ({error})")
}

/// What the other end has against us, by the number of its alert.
pub(super) fn explain_alert(number: u8) -> String {
    let alert = AlertDescription::from(number);
    let next = match alert {
        AlertDescription::CertificateRequired => {
            "the peer wants a certificate of ours: present one (TlsClient::identity, --cert, --key)"
        }
        AlertDescription::UnknownCA => {
            "the peer does not trust who signed our certificate: use one of an authority it knows"
        }
        AlertDescription::CertificateExpired => "our certificate has expired: renew it",
        AlertDescription::NoApplicationProtocol => NO_ALPN,
        AlertDescription::ProtocolVersion => {
            "the other end does not speak TLS 1.3: upgrade it, or end its TLS in a proxy"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError => "the peer refuses our certificate",
        _ => "the peer broke the handshake off",
    };
    format!("{next} (alert {alert:?})")
}

/// The settings of a listener, which must have some.
pub(super) fn server_settings<'a>(
    address: &Address,
    options: &'a ListenOptions,
) -> Result<&'a TlsServer, TransportError> {
    options.tls.as_ref().ok_or_else(|| TransportError::Listen {
        address: address.to_string(),
        source: io::Error::new(
            io::ErrorKind::InvalidInput,
            "a certificate is needed: give one with ServerBuilder::tls (command: --tls-cert and \
             --tls-key; `fluxar cert dev` makes one for localhost)",
        ),
    })
}

fn listen<'a>(
    address: &'a Address,
    options: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let settings = server_settings(address, options)?.clone();
        let (listener, address) = tcp::bind(address).await?;
        let timeout = options.handshake_timeout;
        Ok(Listener::new(Tls { listener, settings, timeout }, address))
    })
}

struct Tls {
    listener: TcpListener,
    settings: TlsServer,
    timeout: Duration,
}

impl Accept for Tls {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let (stream, from) = ready!(self.listener.poll_accept(cx)).map_err(AcceptError::new)?;
        let peer = format!("tls://{from}");
        let (named, settings, after) = (peer.clone(), self.settings.clone(), self.timeout);
        let establish = async move {
            let stream = accept(stream, &settings, ALPN, &named).await?;
            link(stream, named)
        };
        Poll::Ready(Ok(Incoming::within(after, peer, establish)))
    }
}

/// A listener's side of the handshake. The caller bounds the time.
pub(super) async fn accept(
    stream: TcpStream,
    settings: &TlsServer,
    alpn: &[u8],
    peer: &str,
) -> Result<TlsStream<TcpStream>, TransportError> {
    let failed = |error: &io::Error| {
        let reason = tls_error(error).map_or_else(|| error.to_string(), explain);
        TransportError::Handshake { peer: peer.to_owned(), reason }
    };
    let stream = tcp::prompt(stream).map_err(|error| failed(&error))?;
    let shaken = TlsAcceptor::from(settings.config(alpn)).accept(stream).await;
    shaken.map(TlsStream::Server).map_err(|error| failed(&error))
}

/// What the handshake has shown.
pub(super) fn security(stream: &TlsStream<TcpStream>) -> LinkSecurity {
    let (_, state) = stream.get_ref();
    let exporter = match stream {
        TlsStream::Client(stream) => {
            let state = stream.get_ref().1;
            state.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
        }
        TlsStream::Server(stream) => {
            let state = stream.get_ref().1;
            state.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
        }
    };
    LinkSecurity {
        protocol: "TLS 1.3",
        cipher: cipher(state),
        exporter: exporter.ok(),
        peer_certificate: state
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(PeerCertificate::read),
    }
}

/// As [`explain_alert`], for QUIC, where our own mistrust is an alert as well: rustls' text tells
/// what it was about.
#[cfg(feature = "quic")]
pub(super) fn explain_quic(number: u8, reason: &str) -> String {
    let ours = [
        ("UnknownIssuer", CertificateError::UnknownIssuer),
        ("not valid for name", CertificateError::NotValidForName),
        ("NotValidForName", CertificateError::NotValidForName),
        ("expired", CertificateError::Expired),
        ("not valid yet", CertificateError::NotValidYet),
        ("ApplicationVerificationFailure", CertificateError::ApplicationVerificationFailure),
    ];
    let found = ours.into_iter().find(|(text, _)| reason.contains(text));
    match found {
        Some((_, error)) => explain(&rustls::Error::InvalidCertificate(error)),
        None if reason.contains("NoCertificatesPresented")
            || reason.contains("no certificates") =>
        {
            explain(&rustls::Error::NoCertificatesPresented)
        }
        None => explain_alert(number),
    }
}

fn cipher(state: &CommonState) -> String {
    let suite = state.negotiated_cipher_suite();
    suite.map(|suite| format!("{:?}", suite.suite())).unwrap_or_default()
}

/// # Errors
/// The other end speaks something else.
fn link(stream: TlsStream<TcpStream>, peer: String) -> Result<Link, TransportError> {
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(TransportError::Handshake { peer, reason: NO_ALPN.to_owned() });
    }
    let local = match stream.get_ref().0.local_addr() {
        Ok(local) => format!("tls://{local}"),
        Err(error) => return Err(TransportError::Handshake { peer, reason: error.to_string() }),
    };
    let info = LinkInfo::new("tls", local, peer).secured(security(&stream));
    let (reader, writer) = tokio::io::split(stream);
    Ok(Link::new(StreamReader::new(Explained(reader)), StreamWriter::new(Explained(writer)), info))
}

/// A TLS stream that says what its errors mean: who refuses our certificate does so only after we
/// believed that the handshake was done.
pub(super) struct Explained<S>(pub(super) S);

fn explained(error: io::Error) -> io::Error {
    if let Some(error) = tls_error(&error) {
        return io::Error::new(io::ErrorKind::ConnectionReset, explain(error));
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        // An attacker can cut a connection, and must not be able to make that look like an end.
        let text = "the connection was cut: TLS says its end, and this had none";
        return io::Error::new(io::ErrorKind::ConnectionReset, text);
    }
    error
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into).map_err(explained)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes).map_err(explained)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx).map_err(explained)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx).map_err(explained)
    }
}
