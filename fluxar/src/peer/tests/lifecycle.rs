//! Sessions: how they begin, break, come back and end.

use super::{DropFlag, connected, settle, soon};
use crate::config::Limits;
use crate::testing::{Direction, FaultyLink, pair};
use crate::{
    Auth, AuthAttempt, Backoff, Client, ClientBuilder, Code, ConnectError, Credential, Identity,
    NodeLimits, Rights, Server, State, Status, Streaming,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test(start_paused = true)]
async fn an_authenticator_decides_and_its_rights_hold() {
    let check = |attempt: AuthAttempt| async move {
        match attempt.credential {
            Credential::Bearer(token) if token == "sesame" => {
                Ok(Identity::new("ali", Rights::none().call("open.*").subscribe("open.>")))
            }
            _ => Err(Status::new(Code::Unauthenticated, "no valid token")),
        }
    };
    let refused = pair().server(|s| s.authenticator(check)).build().await.unwrap_err();
    let ConnectError::Refused(status) = refused else { panic!("{refused}") };
    assert_eq!(status.code(), Code::Unauthenticated);
    let auth = Auth::bearer("sesame");
    assert!(!format!("{auth:?}").contains("sesame"));
    // Not the pair's ping: everything is this identity's to do or not.
    let pair = pair().server(|s| s.authenticator(check)).client(|c| c.auth(auth)).build();
    let pair = pair.await.unwrap();
    assert_eq!(pair.peer.identity().name, "ali");
    pair.server.handle("open.door", |(): ()| async { Ok::<_, Status>(()) });
    pair.server.handle("shut.door", |(): ()| async { Ok::<_, Status>(()) });
    assert_eq!(pair.client.call::<_, ()>("open.door", &()).await, Ok(()));
    let denied = pair.client.call::<_, ()>("shut.door", &()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let denied = pair.client.events("shut.*").await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn a_full_node_refuses_with_a_reason() {
    let server = Server::bind("mem://full").node_limits(one_session()).build().await.unwrap();
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let first = Client::connect("mem://full").build().await.unwrap();
    let refused = Client::connect("mem://full").build().await.unwrap_err();
    assert_eq!(refused.status().unwrap().code(), Code::ResourceExhausted);
    first.close().await;
    soon(async {
        while server.peers().len() == 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    Client::connect("mem://full").build().await.unwrap();
}

fn one_session() -> NodeLimits {
    NodeLimits { sessions_max: 1, ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_ends_everything_with_the_right_code() {
    let pair = connected().await;
    let dropped = Arc::new(Notify::new());
    let (drops, started) = (Arc::clone(&dropped), Arc::new(Notify::new()));
    let start = Arc::clone(&started);
    pair.server.handle("hang", move |(): ()| {
        start.notify_one();
        let held = DropFlag(Arc::clone(&drops));
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Status>(())
        }
    });
    let client = pair.client.clone();
    let sent = tokio::spawn(async move { client.call::<_, ()>("hang", &()).await });
    soon(started.notified()).await;
    let mut stream: Streaming<u32> = pair.client.stream("hang", &()).unwrap();
    pair.link.stall();
    settle().await;
    pair.link.cut();
    assert_eq!(soon(sent).await.unwrap().unwrap_err().code(), Code::Indeterminate);
    assert!(soon(stream.next()).await.unwrap().is_err());
    assert!(soon(pair.client.closed()).await.is_some());
    soon(dropped.notified()).await;
    let after = pair.client.call::<_, ()>("hang", &()).await.unwrap_err();
    assert_eq!(after.code(), Code::Unavailable);
    assert!(after.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_cut_within_the_handshake_is_no_session() {
    for bytes in [1, 4, 5, 60] {
        let link = FaultyLink::new().sending(Direction::new().cut_after(bytes));
        assert!(pair().link(link).build().await.is_err());
        let link = FaultyLink::new().receiving(Direction::new().cut_after(bytes));
        assert!(pair().link(link).build().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn latency_is_latency_and_silence_is_noticed() {
    let delay = Direction::new().delay(Duration::from_millis(100));
    let pair = pair().link(FaultyLink::new().receiving(delay).sending(delay)).build();
    let pair = pair.await.unwrap();
    let there_and_back = pair.client.ping().await.unwrap();
    assert!(there_and_back >= Duration::from_millis(200), "{there_and_back:?}");
    assert!(there_and_back < Duration::from_millis(300), "{there_and_back:?}");
    pair.link.stall();
    let before = tokio::time::Instant::now();
    assert!(soon(pair.client.closed()).await.is_some());
    assert!(before.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_cut_when_its_handshake_takes_too_long() {
    let server = Server::bind("mem://silent").build().await.unwrap();
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let address = "mem://silent".parse().unwrap();
    let mut links = Vec::new();
    for _ in 0..100 {
        links.push(crate::transport::dial(&address, &Default::default()).await.unwrap());
    }
    let good = Client::connect("mem://silent").build().await.unwrap();
    assert_eq!(good.state(), State::Ready);
    let before = tokio::time::Instant::now();
    let mut bytes = bytes::BytesMut::new();
    for mut link in links {
        // A goodbye, then the end.
        while let Ok(1..) =
            soon(std::future::poll_fn(|cx| link.reader.poll_read(cx, &mut bytes))).await
        {}
    }
    assert!(before.elapsed() <= Limits::default().handshake_timeout * 2);
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_open_work_finish() {
    let pair = connected().await;
    pair.server.handle("slow.double", |n: u32| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Status>(n * 2)
    });
    let client = pair.client.clone();
    let call = tokio::spawn(async move { client.call::<_, u32>("slow.double", &21).await });
    settle().await;
    let (server, client) = (pair.server.clone(), pair.client.clone());
    let down = tokio::spawn(async move { server.shutdown().await });
    client.state_changed(State::Ready).await;
    let late = client.call::<_, u32>("slow.double", &1).await.unwrap_err();
    assert_eq!(late.code(), Code::Unavailable);
    assert_eq!(soon(call).await.unwrap(), Ok(42));
    soon(down).await.unwrap();
    assert_eq!(soon(client.closed()).await, None);
    assert!(pair.server.peers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_ever() {
    let pair = connected().await;
    pair.server.handle("hang", |(): ()| std::future::pending::<Result<(), Status>>());
    let client = pair.client.clone();
    let call = tokio::spawn(async move { client.call::<_, ()>("hang", &()).await });
    settle().await;
    let before = tokio::time::Instant::now();
    soon(pair.server.shutdown()).await;
    assert!(before.elapsed() < Limits::default().drain_timeout * 2);
    assert!(soon(call).await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_says_goodbye() {
    let pair = connected().await;
    let peer = pair.peer.clone();
    drop(pair.client);
    assert_eq!(soon(peer.closed()).await, None);
}

#[tokio::test(start_paused = true)]
async fn no_task_outlives_its_session() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    {
        let pair = connected().await;
        pair.server.handle("hang", |(): ()| std::future::pending::<Result<(), Status>>());
        let mut calls = Vec::new();
        for _ in 0..10 {
            let client = pair.client.clone();
            calls.push(tokio::spawn(async move { client.call::<_, ()>("hang", &()).await }));
        }
        let _events = pair.client.events("a.b").await.unwrap();
        settle().await;
        assert!(metrics.num_alive_tasks() > before + 10);
        pair.link.cut();
        for call in calls {
            assert!(soon(call).await.unwrap().is_err());
        }
        soon(pair.server.shutdown()).await;
    }
    soon(async {
        while metrics.num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Serves at a name until the guard is dropped.
async fn serve(name: &str) -> Server {
    let server = Server::bind(format!("mem://{name}")).build().await.unwrap();
    server.handle("echo", |n: u32| async move { Ok::<_, Status>(n) });
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    server
}

#[tokio::test(start_paused = true)]
async fn a_client_comes_back_and_subscribes_again() {
    let server = serve("back").await;
    let client = Client::connect("mem://back").build().await.unwrap();
    let mut events = client.events("news").await.unwrap();
    assert_eq!(client.call::<_, u32>("echo", &1).await, Ok(1));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    client.on_state(move |state| tell.send(state).unwrap_or_default());
    // Once by a break, once by a goodbye.
    for round in 0..2 {
        if round == 0 {
            server.peers()[0].abort(&Status::new(Code::Aborted, "test"));
        } else {
            server.peers()[0].close().await;
        }
        soon(client.state_changed(State::Ready)).await;
        let down = client.call::<_, u32>("echo", &1).await.unwrap_err();
        assert_eq!(down.code(), Code::Unavailable);
        soon(async { while client.state_changed(client.state()).await != State::Ready {} }).await;
        assert_eq!(client.call::<_, u32>("echo", &2).await, Ok(2));
        settle().await;
        server.publish("news", &round).unwrap();
        assert_eq!(soon(events.next()).await.unwrap().payload::<u32>(), Ok(round));
    }
    assert_eq!(soon(told.recv()).await, Some(State::Disconnected));
    client.close().await;
    assert_eq!(soon(events.next()).await.map(|_| ()), None);
    assert_eq!(client.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_after_its_attempts() {
    let server = serve("gone").await;
    let backoff = Backoff::default().attempts_max(3);
    let client = Client::connect("mem://gone").reconnect(backoff).build().await.unwrap();
    let events = client.events("news").await.unwrap();
    soon(server.shutdown()).await;
    drop(server);
    soon(client.closed()).await;
    let mut events = events;
    assert!(soon(events.next()).await.is_none());
    // Closing what is closed is fine.
    soon(client.close()).await;
}

#[tokio::test(start_paused = true)]
async fn closing_while_disconnected_ends_at_once() {
    let server = serve("half").await;
    let client = Client::connect("mem://half").build().await.unwrap();
    soon(server.shutdown()).await;
    drop(server);
    soon(async {
        while client.state() != State::Disconnected {
            tokio::task::yield_now().await
        }
    })
    .await;
    let before = tokio::time::Instant::now();
    client.close().await;
    assert!(before.elapsed() < Duration::from_millis(50));
}

/// A peer that is not there and one that is full are passed over; one that refuses a credential has
/// the last word.
#[tokio::test(start_paused = true)]
async fn the_first_address_that_takes_the_session_is_taken() {
    let full = NodeLimits { sessions_max: 0, ..NodeLimits::default() };
    let deny = |_: AuthAttempt| async { Err(Status::new(Code::Unauthenticated, "no")) };
    let mut servers = Vec::new();
    for (name, builder) in [
        ("full", Server::bind("mem://next-full").node_limits(full)),
        ("wary", Server::bind("mem://next-wary").authenticator(deny)),
        ("kind", Server::bind("mem://next-kind")),
    ] {
        let server = builder.name(name).build().await.unwrap();
        let running = server.clone();
        tokio::spawn(async move { running.run().await });
        servers.push(server);
    }
    let over = |names: &[&str]| {
        let mut urls = names.iter().map(|name| format!("mem://next-{name}"));
        let client = Client::connect(urls.next().unwrap()).no_reconnect();
        urls.fold(client, ClientBuilder::or)
    };
    let client = soon(over(&["none", "full", "kind"]).build()).await.unwrap();
    assert_eq!(client.info().name, "kind");
    for (names, code) in [
        (&["none", "full"][..], Code::ResourceExhausted),
        (&["full", "wary", "kind"], Code::Unauthenticated),
    ] {
        let error = soon(over(names).build()).await.unwrap_err();
        assert_eq!(error.status().map(Status::code), Some(code), "{names:?}");
    }
    let error = soon(over(&["full", "none"]).build()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Transport(_)), "{error}");
}
