//! Sessions over QUIC when the path is bad, and sessions that go on over another transport.

use crate::work::{connect, exchange, serve};
use fluxar::{Limits, Server, State};
use fluxar_tests::proxy::{UdpFaults, UdpProxy};
use std::time::Duration;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A proxy in front of a QUIC server, and the address to dial.
async fn proxy(server: &Server, seed: u64, faults: UdpFaults) -> (UdpProxy, String) {
    let found = tokio::net::lookup_host(("localhost", server.addresses()[0].port())).await;
    let upstream = found.expect("resolved").next().expect("an address");
    let proxy = UdpProxy::start(upstream, seed, faults).await.expect("a port");
    let url = format!("quic://{}", proxy.address());
    (proxy, url)
}

/// [L0.quic.3]: datagrams are lost, doubled and reordered, and the dialer moves; the session has one
/// link all the time, and each item comes once and in order.
#[tokio::test]
async fn a_lossy_path_that_moves_costs_nothing_but_time() {
    let faults = UdpFaults { lost: 4, doubled: 3, swapped: 6 };
    for seed in [1, 2] {
        let (server, _, _) = serve("quic", |server| server).await;
        let (proxy, url) = proxy(&server, seed, faults).await;
        let (client, _) = connect(&[url], |client| client).await;
        let work = exchange(&server, &client, 3, || proxy.rebind());
        tokio::time::timeout(PATIENCE, work).await.expect("nothing hangs");
        assert_eq!((client.resumes(), client.state()), (0, State::Ready), "seed {seed}");
        client.close().await;
        server.shutdown().await;
    }
}

/// [L4.beat.2], [L4.resume.7]: a path on which nothing comes from one side, or from both, is given up
/// as silent, and the session goes on over the next link.
#[tokio::test]
async fn a_half_open_path_is_given_up_and_the_session_goes_on() {
    let mut limits = Limits::default();
    limits.heartbeat = Duration::from_secs(1);
    for mute in [(true, false), (false, true), (true, true)] {
        let short = limits.clone();
        let (server, _, _) = serve("quic", |server| server.limits(short)).await;
        let (proxy, url) = proxy(&server, 3, UdpFaults::default()).await;
        let short = limits.clone();
        let (client, _) = connect(&[url], |client| client.limits(short)).await;
        exchange(&server, &client, 0, || {}).await;
        proxy.mute(mute.0, mute.1);
        let caller = client.clone();
        let call = tokio::spawn(async move {
            caller.call::<_, String>("echo.text", &"through".to_owned()).await
        });
        let lost = async {
            while client.state() != State::Detached {
                client.state_changed(client.state()).await;
            }
        };
        tokio::time::timeout(PATIENCE, lost).await.expect("silence is noticed");
        proxy.mute(false, false);
        let answer = tokio::time::timeout(PATIENCE, call).await.expect("it is sent again");
        assert_eq!(answer.expect("no panic").expect("answered"), "through");
        assert_eq!(server.peers().len(), 1, "the same session");
        assert!(client.resumes() >= 1);
    }
}

/// [L4.resume.3]: a session goes from transport to transport, whatever each of them binds it to.
#[tokio::test]
async fn a_session_goes_on_over_another_transport() {
    let (server, ws, _) = serve("ws", |server| {
        server.also("tcp://localhost:0").also("quic://localhost:0").also("tls://localhost:0")
    })
    .await;
    let others = server.addresses()[1..].iter().map(ToString::to_string);
    let urls: Vec<String> = std::iter::once(ws).chain(others).collect();
    let (client, link) = connect(&urls, |client| client).await;
    let used = || client.link().expect("linked").transport;
    for expected in ["ws", "tcp", "quic", "tls", "ws"] {
        assert_eq!(used(), expected);
        let before = client.resumes();
        let cut = || link.lock().expect("whole").as_ref().expect("a link").cut();
        let work = exchange(&server, &client, 1, cut);
        tokio::time::timeout(PATIENCE, work).await.expect("nothing hangs");
        assert_eq!(client.resumes(), before + 1, "{expected}");
    }
}
