//! Two ends of one link, over each transport.

use crate::certs::certs;
use fluxar::transport::{
    Address, DialOptions, Link, ListenOptions, Listener, TransportError, dial, listen, mem,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Two ends of one link, and what has to outlive them.
pub(crate) struct Ends {
    pub(crate) dialed: Link,
    pub(crate) accepted: Link,
    _listener: Option<Listener>,
    _directory: Option<TempDir>,
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) async fn listen_at(text: &str) -> Listener {
    listen(&address(text), &ListenOptions::default()).await.expect(text)
}

pub(crate) async fn dial_to(to: &Address) -> Result<Link, TransportError> {
    dial(to, &DialOptions::default()).await
}

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A directory that does not exist yet, in one that is removed afterwards.
pub(crate) fn fresh_directory() -> (TempDir, PathBuf) {
    let outer = TempDir::new().expect("a temporary directory");
    let inner = outer.path().join("private");
    (outer, inner)
}

/// As `listen_at`, for any transport: those with TLS show the certificate of the rig.
pub(crate) async fn listen_secured(text: &str) -> Listener {
    let options = ListenOptions::default().tls(certs().server("localhost"));
    listen(&address(text), &options).await.expect(text)
}

pub(crate) fn trusting() -> DialOptions {
    DialOptions::default().tls(certs().client())
}

async fn join(mut listener: Listener, directory: Option<TempDir>) -> Ends {
    let to = listener.address().clone();
    let accept = async {
        let incoming = listener.accept().await.expect("somebody comes");
        incoming.establish().await.expect("the handshake works")
    };
    let options = trusting();
    let (dialed, accepted) = tokio::join!(dial(&to, &options), accept);
    let dialed = dialed.expect("the listener is there");
    Ends { dialed, accepted, _listener: Some(listener), _directory: directory }
}

pub(crate) async fn mem() -> Ends {
    join(listen_at(&format!("mem://{}", fresh_name())).await, None).await
}

pub(crate) async fn mem_pair() -> Ends {
    let (dialed, accepted) = mem::pair();
    Ends { dialed, accepted, _listener: None, _directory: None }
}

pub(crate) async fn tcp() -> Ends {
    join(listen_at("tcp://127.0.0.1:0").await, None).await
}

pub(crate) async fn ws() -> Ends {
    join(listen_at("ws://127.0.0.1:0").await, None).await
}

pub(crate) async fn tls() -> Ends {
    join(listen_secured("tls://localhost:0").await, None).await
}

pub(crate) async fn wss() -> Ends {
    join(listen_secured("wss://localhost:0").await, None).await
}

pub(crate) async fn quic() -> Ends {
    join(listen_secured("quic://localhost:0").await, None).await
}

pub(crate) async fn unix() -> Ends {
    let (outer, inner) = fresh_directory();
    let listener = listen_at(&format!("unix://{}/a.sock", inner.display())).await;
    join(listener, Some(outer)).await
}

/// A child that speaks `stdio:` on its side and carries everything on to the test over TCP.
pub(crate) async fn stdio() -> Ends {
    child("bridge").await
}

pub(crate) async fn child(mode: &str) -> Ends {
    let mut listener = listen_at("tcp://127.0.0.1:0").await;
    let exec = exec(mode, &listener);
    let dialed = dial_to(&exec).await.expect("the child starts");
    let incoming = listener.accept().await.expect("the child calls");
    let accepted = incoming.establish().await.expect("tcp has no handshake");
    Ends { dialed, accepted, _listener: Some(listener), _directory: None }
}

pub(crate) fn exec(mode: &str, listener: &Listener) -> Address {
    let program = env!("CARGO_BIN_EXE_stdio-child");
    address(&format!("exec:{program}?arg={mode}&arg={}", listener.address()))
}
