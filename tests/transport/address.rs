//! A listener's address leads back to it, and a wrong one says why.

use crate::rig::{address, dial_to, fresh_directory, fresh_name, listen_at};
use fluxar::transport::{ListenOptions, TransportError, listen};
use tokio::net::TcpSocket;

async fn leads_back(asked: &str) {
    let mut listener = listen_at(asked).await;
    let shown = listener.address().to_string();
    let to = address(&shown);
    assert_eq!(&to, listener.address());
    let accept = async { listener.accept().await.expect("comes").establish().await };
    let (dialed, accepted) = tokio::join!(dial_to(&to), accept);
    let (dialed, accepted) = (dialed.expect("dialed"), accepted.expect("accepted"));
    assert_eq!(dialed.info.peer, shown);
    assert_eq!(dialed.info.transport, accepted.info.transport);
}

#[tokio::test]
async fn an_address_with_the_port_that_was_taken_leads_back() {
    leads_back("tcp://127.0.0.1:0").await;
    leads_back("ws://localhost:0/other/path").await;
    leads_back(&format!("mem://{}", fresh_name())).await;
    let (_outer, inner) = fresh_directory();
    leads_back(&format!("unix://{}/with%20space.sock", inner.display())).await;
}

#[tokio::test]
async fn an_address_is_taken_once_and_free_again_afterwards() {
    let (_outer, inner) = fresh_directory();
    for asked in [
        "tcp://127.0.0.1:0".to_owned(),
        format!("mem://{}", fresh_name()),
        format!("unix://{}/a.sock", inner.display()),
    ] {
        let listener = listen_at(&asked).await;
        let taken = listener.address().clone();
        let second = listen(&taken, &ListenOptions::default()).await;
        assert!(matches!(second, Err(TransportError::InUse { .. })), "{second:?}");
        drop(listener);
        // A port may be somebody else's by now.
        if taken.scheme() != "tcp" {
            listen_at(&taken.to_string()).await;
        }
    }
}

#[tokio::test]
async fn nobody_there_is_told_apart_and_may_be_tried_again() {
    let (_outer, inner) = fresh_directory();
    // Bound, so that nobody else gets the port, and never listened at.
    let idle = TcpSocket::new_v4().expect("a socket");
    idle.bind(([127, 0, 0, 1], 0).into()).expect("bound");
    let free = format!("tcp://{}", idle.local_addr().expect("bound"));
    for nobody in [
        free.clone(),
        free.replace("tcp", "ws"),
        format!("mem://{}", fresh_name()),
        format!("unix://{}/a.sock", inner.display()),
    ] {
        let error = dial_to(&address(&nobody)).await.expect_err("nobody listens there");
        assert!(matches!(error, TransportError::Connect { .. }), "{error}");
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().starts_with("cannot connect to"), "{error}");
    }
}

#[tokio::test]
async fn accepting_loses_nobody_when_it_is_given_up() {
    let (_outer, inner) = fresh_directory();
    for asked in [
        "tcp://127.0.0.1:0".to_owned(),
        format!("mem://{}", fresh_name()),
        format!("unix://{}/a.sock", inner.display()),
    ] {
        let mut listener = listen_at(&asked).await;
        let to = listener.address().clone();
        tokio::select! {
            biased;
            incoming = listener.accept() => panic!("nobody dialled, and {incoming:?} came"),
            () = std::future::ready(()) => {}
        }
        let _dialed = dial_to(&to).await.expect("dialed");
        listener.accept().await.expect("comes").establish().await.expect("established");
    }
}

#[tokio::test]
async fn a_program_cannot_be_listened_at() {
    let error = listen(&address("exec:cat"), &ListenOptions::default()).await;
    let error = error.expect_err("it can only be dialled").to_string();
    assert!(error.contains("serves on `stdio:`"), "{error}");
}
