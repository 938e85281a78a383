//! Who is trusted over TLS and QUIC, and what everybody else is told.

use crate::certs::certs;
use crate::rig::{address, dial_to, listen_at, listen_secured, trusting};
use bytes::BytesMut;
use fluxar::transport::{
    Address, DialOptions, Link, ListenOptions, Listener, TlsClient, TlsServer, TransportError,
    dial, listen,
};
use fluxar_tests::links::{read, read_exactly, write};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const SECURED: [&str; 3] = ["tls", "wss", "quic"];

async fn listen_with(scheme: &str, settings: TlsServer) -> Listener {
    let at = address(&format!("{scheme}://localhost:0"));
    listen(&at, &ListenOptions::default().tls(settings)).await.expect(scheme)
}

async fn establish(listener: &mut Listener) -> Result<Link, TransportError> {
    listener.accept().await.expect("somebody comes").establish().await
}

async fn dial_with(to: &Address, settings: TlsClient) -> Result<Link, TransportError> {
    dial(to, &DialOptions::default().tls(settings)).await
}

/// Both ends, whatever became of them.
async fn meet(
    listener: &mut Listener,
    settings: TlsClient,
) -> (Result<Link, TransportError>, Result<Link, TransportError>) {
    let to = listener.address().clone();
    tokio::join!(dial_with(&to, settings), establish(listener))
}

/// [L0.tls.1], [L0.tls.2], [L0.tls.7]
#[tokio::test]
async fn a_link_tells_what_its_handshake_has_proved() {
    for scheme in SECURED {
        let mut listener = listen_with(scheme, certs().server("localhost")).await;
        let (dialed, accepted) = meet(&mut listener, certs().client()).await;
        let (dialed, accepted) = (dialed.expect(scheme), accepted.expect(scheme));
        assert_eq!((dialed.info.transport, accepted.info.transport), (scheme, scheme));
        let ours = dialed.info.security.expect("secured");
        let theirs = accepted.info.security.expect("secured");
        assert!(ours.protocol.contains("TLS 1.3"));
        assert_eq!(ours.cipher.is_empty(), scheme == "quic");
        assert!(ours.exporter.is_some_and(|secret| secret != [0; 32]));
        assert_eq!(ours.exporter, theirs.exporter, "both ends derive the same");
        let shown = ours.peer_certificate.as_ref().expect("a server always shows one");
        assert_eq!(shown.fingerprint, certs().fingerprint("localhost"));
        assert_eq!(shown.names, ["localhost"]);
        assert!(shown.not_after.ends_with('Z') && shown.not_after.len() == 15, "{shown:?}");
        assert!(theirs.peer_certificate.is_none());
        let text = format!("{ours:?}");
        assert!(!text.contains("exporter"), "{text}");
        let (again, _) = meet(&mut listener, certs().client()).await;
        let again = again.expect(scheme).info.security.expect("secured");
        assert_ne!(again.exporter, ours.exporter, "every link has its own");
    }
}

/// [L0.tls.3]: each refusal names the fault and the next step, and is not tried again.
#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused_with_the_reason() {
    let pinned = |name| TlsClient::new().pin(certs().fingerprint(name));
    let stranger = || TlsClient::new().ca(certs().path("stranger.pem")).expect("good").only();
    for scheme in SECURED {
        for (shown, settings, must_say) in [
            ("expired", certs().client(), "has expired: renew it"),
            ("elsewhere", certs().client(), "for another name: dial by one"),
            ("localhost", stranger(), "--ca FILE"),
            ("localhost", TlsClient::new(), "--ca FILE"),
            ("localhost", pinned("client"), "none of those pinned"),
        ] {
            let mut listener = listen_with(scheme, certs().server(shown)).await;
            let (dialed, accepted) = meet(&mut listener, settings).await;
            let error = dialed.expect_err(must_say);
            assert!(error.to_string().contains(must_say) || no_roots(&error), "{scheme}: {error}");
            assert!(matches!(error, TransportError::Refused { .. }), "{scheme}: {error:?}");
            assert!(!error.is_retryable());
            assert!(accepted.is_err(), "{scheme} {shown}");
        }
        for shown in ["localhost", "expired", "elsewhere"] {
            let mut listener = listen_with(scheme, certs().server(shown)).await;
            let (dialed, accepted) = meet(&mut listener, pinned(shown)).await;
            assert!(dialed.is_ok() && accepted.is_ok(), "a pin says it all: {scheme} {shown}");
        }
    }
}

/// A machine without any authority says that instead.
fn no_roots(error: &TransportError) -> bool {
    error.to_string().contains("ca-certificates")
}

/// [L0.tls.4]
#[tokio::test]
async fn a_client_shows_its_certificate_or_is_refused() {
    let asking = || certs().server("localhost").client_ca(certs().path("ca.pem")).expect("good");
    for scheme in SECURED {
        let mut listener = listen_with(scheme, asking()).await;
        let (dialed, accepted) = meet(&mut listener, certs().client_as("client")).await;
        assert!(dialed.is_ok(), "{scheme}: {dialed:?}");
        let security = accepted.expect(scheme).info.security.expect("secured");
        let shown = security.peer_certificate.as_ref().expect("it was asked for");
        assert_eq!(shown.fingerprint, certs().fingerprint("client"));
        assert_eq!(shown.subject, "client seven");
        assert_eq!(shown.names, ["client-7.example"]);

        for (settings, must_say) in
            [(certs().client(), "present one"), (certs().client_as("stray"), "certificate")]
        {
            let (dialed, accepted) = meet(&mut listener, settings).await;
            let error = accepted.expect_err("nobody we know");
            assert!(matches!(error, TransportError::Handshake { .. }), "{scheme}: {error:?}");
            // The dialer believes that the handshake is done until it hears otherwise.
            let told = match dialed {
                Err(error) => error.to_string(),
                Ok(mut link) => {
                    let heard = read(link.reader.as_mut(), &mut BytesMut::new()).await;
                    heard.expect_err("refused").to_string()
                }
            };
            assert!(told.contains(must_say), "{scheme}: {told}");
        }
    }
}

#[tokio::test]
async fn a_certificate_may_be_optional() {
    let settings = certs().server("localhost").client_ca_optional(certs().path("ca.pem"));
    let mut listener = listen_with("tls", settings.expect("good")).await;
    let (dialed, accepted) = meet(&mut listener, certs().client()).await;
    assert!(dialed.is_ok());
    let security = accepted.expect("let in").info.security.expect("secured");
    assert!(security.peer_certificate.is_none());
    let (_dialed, accepted) = meet(&mut listener, certs().client_as("stray")).await;
    assert!(accepted.is_err(), "one that is shown must be good");
}

/// [L0.tls.5]
#[tokio::test]
async fn files_that_change_are_read_again_and_bad_ones_change_nothing() {
    for scheme in SECURED {
        let directory = TempDir::new().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        for name in ["localhost.pem", "localhost.key"] {
            std::fs::copy(certs().path(name), path(name)).expect("copied");
        }
        let settings = TlsServer::from_pem(path("localhost.pem"), path("localhost.key"));
        let settings = settings.expect("good files");
        let mut listener = listen_with(scheme, settings.clone()).await;
        let (first, kept) = meet(&mut listener, certs().client()).await;
        let (mut first, mut kept) = (first.expect("trusted"), kept.expect("trusted"));

        std::fs::write(path("localhost.pem"), "half of a file").expect("written");
        assert!(settings.reload().is_err(), "asked for, it says what is wrong");
        let (dialed, _) = meet(&mut listener, certs().client()).await;
        assert!(dialed.is_ok(), "{scheme}: the old certificate stays: {dialed:?}");

        certs().renew(directory.path());
        let (dialed, _) = meet(&mut listener, certs().client()).await;
        assert!(dialed.is_err(), "{scheme}: a new authority signed it");
        let renewed = TlsClient::new().ca(path("ca.pem")).expect("good").only();
        let (dialed, accepted) = meet(&mut listener, renewed).await;
        assert!(dialed.is_ok() && accepted.is_ok(), "{scheme}: {dialed:?}");

        write(first.writer.as_mut(), *b"still here").await.expect("sent");
        let got = read_exactly(kept.reader.as_mut(), 10).await.expect("arrived");
        assert_eq!(got, b"still here"[..], "links that live are left alone");
    }
}

#[tokio::test]
async fn files_of_no_use_are_named_with_what_to_do() {
    let bad = |certificate: &str, key: &str| {
        let settings = TlsServer::from_pem(certs().path(certificate), certs().path(key));
        settings.expect_err("bad files").to_string()
    };
    assert!(bad("none.pem", "localhost.key").contains("fluxar cert dev"));
    assert!(bad("localhost.key", "localhost.key").contains("-----BEGIN"));
    assert!(bad("localhost.pem", "localhost.pem").contains("private key"));
    assert!(bad("localhost.pem", "client.key").contains("not the key of this certificate"));
    let error = TlsClient::new().ca(certs().path("none.pem")).expect_err("missing").to_string();
    assert!(error.contains("no such file") && error.contains("none.pem"), "{error}");
    let pair = TlsClient::new().identity(certs().path("client.pem"), certs().path("stray.key"));
    assert!(pair.is_err());
    for scheme in SECURED {
        let at = address(&format!("{scheme}://localhost:0"));
        let error = listen(&at, &ListenOptions::default()).await.expect_err("no certificate");
        assert!(error.to_string().contains("a certificate is needed"), "{error}");
    }
}

/// Whoever says nothing holds nobody up, and is gone when its time is.
#[tokio::test]
async fn a_silent_peer_does_not_hold_up_a_handshake_of_tls() {
    for scheme in ["tls", "wss"] {
        let options = ListenOptions::default().tls(certs().server("localhost"));
        let options = options.handshake_timeout(Duration::from_secs(3600));
        let at = address(&format!("{scheme}://localhost:0"));
        let mut listener = listen(&at, &options).await.expect(scheme);
        let mut silent = Vec::new();
        for _ in 0..50 {
            let mut stream = TcpStream::connect(("localhost", listener.address().port())).await;
            // The beginning of a handshake that never goes on.
            stream.as_mut().expect("there").write_all(&[22, 3, 1]).await.expect("sent");
            let waiting = listener.accept().await.expect("comes").establish();
            silent.push((stream, tokio::spawn(waiting)));
        }
        let (dialed, accepted) = meet(&mut listener, certs().client()).await;
        assert!(dialed.is_ok() && accepted.is_ok(), "{scheme}");
        let (stream, waiting) = silent.pop().expect("one of them");
        assert!(!waiting.is_finished());
        drop(stream);
        let error = waiting.await.expect("no panic").expect_err("it said nothing");
        assert!(matches!(error, TransportError::Handshake { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_of_tls_has_a_deadline_on_both_sides() {
    let options = ListenOptions::default().tls(certs().server("localhost"));
    let at = address("tls://localhost:0");
    let options = options.handshake_timeout(Duration::from_millis(20));
    let mut listener = listen(&at, &options).await.expect("bound");
    let _silent = TcpStream::connect(("localhost", listener.address().port())).await;
    let error = establish(&mut listener).await.expect_err("it said nothing");
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");

    let deaf = listen_at("tcp://localhost:0").await;
    for scheme in ["tls", "wss"] {
        let to = address(&format!("{scheme}://localhost:{}", deaf.address().port()));
        let error = dial(&to, &trusting().timeout(Duration::from_millis(20))).await;
        assert!(matches!(error, Err(TransportError::Timeout { .. })), "{error:?}");
    }
    let to = address(&format!("quic://localhost:{}", deaf.address().port()));
    let error = dial(&to, &trusting().timeout(Duration::from_millis(20))).await;
    assert!(error.is_err(), "nobody listens on UDP there");
}

/// A plain peer and a secured one find out about each other.
#[tokio::test]
async fn plain_and_secured_are_told_apart() {
    let mut plain = listen_at("ws://localhost:0").await;
    let to = address(&format!("tls://localhost:{}", plain.address().port()));
    let (dialed, _) = tokio::join!(dial_with(&to, certs().client()), establish(&mut plain));
    let error = dialed.expect_err("it speaks HTTP").to_string();
    assert!(error.contains("does not speak TLS") || error.contains("TLS server"), "{error}");

    let mut secured = listen_secured("tls://localhost:0").await;
    let to = address(&format!("ws://localhost:{}", secured.address().port()));
    let (dialed, accepted) = tokio::join!(dial_to(&to), establish(&mut secured));
    assert!(dialed.is_err());
    let error = accepted.expect_err("it speaks HTTP").to_string();
    assert!(error.contains("does not speak TLS"), "{error}");
}

/// [L0.tls.2]: an HTTPS client at a port of ours is turned away in the handshake, and so are we
/// at a web server's.
#[tokio::test]
async fn another_protocol_over_tls_is_refused_by_its_name() {
    let mut listener = listen_secured("tls://localhost:0").await;
    let to = address(&format!("wss://localhost:{}", listener.address().port()));
    let (dialed, accepted) =
        tokio::join!(dial_with(&to, certs().client()), establish(&mut listener));
    assert!(accepted.is_err());
    let error = dialed.expect_err("another protocol").to_string();
    assert!(error.contains("ALPN fluxar/1"), "{error}");
    // A client that names nothing at all.
    let to = listener.address().clone();
    let (nameless, accepted) = tokio::join!(nameless(&to), establish(&mut listener));
    drop(nameless);
    assert!(accepted.expect_err("no name").to_string().contains("ALPN fluxar/1"));
}

async fn nameless(to: &Address) -> tokio_rustls::client::TlsStream<TcpStream> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(certs().path("ca.pem")).expect("a certificate");
    roots.add(ca).expect("an authority");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring speaks it")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("localhost", to.port())).await.expect("there");
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    connector.connect("localhost".try_into().expect("a name"), stream).await.expect("TLS works")
}

/// [L0.tls.6]: a cut is no end.
#[tokio::test]
async fn a_cut_connection_is_not_mistaken_for_a_closed_one() {
    let mut listener = listen_secured("tls://localhost:0").await;
    let relay = listen_at("tcp://localhost:0").await;
    let to = address(&format!("tls://localhost:{}", relay.address().port()));
    let secured = address(&format!("tcp://localhost:{}", listener.address().port()));
    let dialing = tokio::spawn(async move { dial(&to, &trusting()).await });
    let mut relay = relay;
    let near = establish(&mut relay).await.expect("plain");
    let (far, accepting) = (dial_to(&secured).await.expect("plain"), establish(&mut listener));
    let (mut near, mut far) = (near, far);
    let carry = async {
        let there = fluxar_tests::links::pump(near.reader.as_mut(), far.writer.as_mut());
        let back = fluxar_tests::links::pump(far.reader.as_mut(), near.writer.as_mut());
        tokio::join!(there, back)
    };
    let (dialed, accepted) = tokio::select! {
        _ = carry => panic!("nobody closed"),
        both = async { tokio::join!(dialing, accepting) } => both,
    };
    let mut dialed = dialed.expect("no panic").expect("through the relay");
    let _accepted = accepted.expect("through the relay");
    // Politely for TCP, and without a word of TLS.
    fluxar_tests::links::close(near.writer.as_mut()).await.expect("closed");
    let error = read(dialed.reader.as_mut(), &mut BytesMut::new()).await.expect_err("cut");
    assert!(error.to_string().contains("was cut"), "{error}");
}
