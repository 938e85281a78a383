//! What is special about QUIC.

use crate::certs::certs;
use crate::rig::{address, listen_secured, trusting};
use fluxar::transport::{Listener, dial};
use fluxar_tests::links::{read_exactly, write};
use fluxar_tests::proxy::{UdpFaults, UdpProxy};
use std::net::SocketAddr;
use std::sync::Arc;

/// In front of a listener: nothing is lost until it is told.
async fn relay(listener: &Listener) -> UdpProxy {
    let found = tokio::net::lookup_host(("localhost", listener.address().port())).await;
    let upstream = found.expect("resolved").next().expect("an address");
    UdpProxy::start(upstream, 0, UdpFaults::default()).await.expect("a port")
}

/// [L0.quic.3]
#[tokio::test]
async fn a_link_survives_that_its_dialer_moves() {
    let mut listener = listen_secured("quic://localhost:0").await;
    let relay = relay(&listener).await;
    let to = address(&format!("quic://{}", relay.address()));
    let options = trusting();
    let accept = async { listener.accept().await.expect("comes").establish().await };
    let (dialed, accepted) = tokio::join!(dial(&to, &options), accept);
    let (mut dialed, mut accepted) = (dialed.expect("dialed"), accepted.expect("accepted"));
    for move_number in 1..=3_u8 {
        let sent = vec![move_number; 200_000];
        let (there, got) = tokio::join!(
            write(dialed.writer.as_mut(), sent.clone()),
            read_exactly(accepted.reader.as_mut(), sent.len()),
        );
        there.expect("sent");
        assert!(got.expect("arrived") == sent);
        let (back, got) = tokio::join!(
            write(accepted.writer.as_mut(), sent.clone()),
            read_exactly(dialed.reader.as_mut(), sent.len()),
        );
        back.expect("answered");
        assert!(got.expect("came back") == sent);
        relay.rebind();
    }
}

/// [L0.quic.5]: in virtual time, as soon as nothing comes from outside.
#[tokio::test]
async fn a_connection_on_which_nothing_comes_is_given_up() {
    let mut listener = listen_secured("quic://localhost:0").await;
    let relay = relay(&listener).await;
    let to = address(&format!("quic://{}", relay.address()));
    let options = trusting();
    let accept = async { listener.accept().await.expect("comes").establish().await };
    let (dialed, accepted) = tokio::join!(dial(&to, &options), accept);
    let (mut dialed, mut accepted) = (dialed.expect("dialed"), accepted.expect("accepted"));
    drop(relay);
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    for link in [&mut dialed, &mut accepted] {
        let error = read_exactly(link.reader.as_mut(), 1).await.expect_err("nothing comes");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    }
    assert!(started.elapsed().as_secs() <= 60, "{:?}", started.elapsed());
}

/// [L0.quic.2]: a stream that is for something else makes no link.
#[tokio::test]
async fn a_stream_of_another_kind_is_refused() {
    let mut listener = listen_secured("quic://localhost:0").await;
    let connection = stranger(&listener).await;
    let accept = listener.accept().await.expect("comes");
    let stranger = async {
        let connection = connection.await.expect("TLS works");
        let (mut send, _receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&[2]).await.expect("sent");
        connection.closed().await
    };
    let (_closed, accepted) = tokio::join!(stranger, accept.establish());
    let error = accepted.expect_err("not a session").to_string();
    assert!(error.contains("the byte 1"), "{error}");
}

/// [L0.quic.1]: one stream, no datagrams.
#[tokio::test]
async fn a_second_stream_does_not_open() {
    let mut listener = listen_secured("quic://localhost:0").await;
    let connection = stranger(&listener).await;
    let accept = listener.accept().await.expect("comes");
    let open = async {
        let connection = connection.await.expect("TLS works");
        let (mut send, receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&[1]).await.expect("sent");
        (connection, send, receive)
    };
    let ((connection, _send, _receive), accepted) = tokio::join!(open, accept.establish());
    let _link = accepted.expect("a session");
    assert_eq!(connection.max_datagram_size(), None);
    tokio::select! {
        biased;
        second = connection.open_bi() => panic!("{second:?}"),
        second = connection.open_uni() => panic!("{second:?}"),
        () = std::future::ready(()) => {}
    }
}

/// [L0.quic.4]: row 26. A client that would speak early has nothing to do it with.
#[tokio::test]
async fn a_first_flight_carries_no_data() {
    let mut listener = listen_secured("quic://localhost:0").await;
    let (endpoint, config, to) = foreign(&listener).await;
    for _ in 0..3 {
        let config = config.clone();
        let connecting = endpoint.connect_with(config, to, "localhost").expect("dialed");
        let Err(connecting) = connecting.into_0rtt() else { panic!("0-RTT is offered") };
        let accept = listener.accept().await.expect("comes");
        let open = async {
            let connection = connecting.await.expect("TLS works");
            let (mut send, receive) = connection.open_bi().await.expect("a stream");
            send.write_all(&[1]).await.expect("sent");
            (connection, send, receive)
        };
        let (_open, accepted) = tokio::join!(open, accept.establish());
        accepted.expect("a session");
    }
}

/// A QUIC client of somebody else's making, which has dialed.
async fn stranger(listener: &Listener) -> quinn::Connecting {
    let (endpoint, config, to) = foreign(listener).await;
    endpoint.connect_with(config, to, "localhost").expect("dialed")
}

async fn foreign(listener: &Listener) -> (quinn::Endpoint, quinn::ClientConfig, SocketAddr) {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(certs().path("ca.pem")).expect("a certificate");
    roots.add(ca).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring speaks it")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"fluxar/1".to_vec()];
    config.enable_early_data = true;
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config).expect("TLS 1.3");
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let found = tokio::net::lookup_host(("localhost", listener.address().port())).await;
    let to = found.expect("resolved").next().expect("an address");
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let endpoint = quinn::Endpoint::client(any.parse().expect("an address")).expect("bound");
    (endpoint, config, to)
}
