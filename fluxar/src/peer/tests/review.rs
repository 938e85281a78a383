//! What a hostile reading of the peer found.

use super::{connected, settle, soon};
use crate::engine::session::auth::Credential;
use crate::engine::session::handshake::PeerInfo;
use crate::engine::{Engine, EngineConfig, Role, WireConfig};
use crate::peer::core::Later;
use crate::peer::node::{NodeInner, NodeLimits};
use crate::peer::shared::Shared;
use crate::peer::{dispatch, driver};
use crate::testing::pair;
use crate::transport::mem;
use crate::{
    AuthAttempt, Client, Code, Context, Identity, Limits, Rights, Server, Sink, State, Status,
    Streaming,
};
use std::sync::{Arc, Weak};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_sink_that_outlives_its_handler_is_told() {
    let pair = connected().await;
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    pair.server.handle_stream(
        "run.away",
        move |_: Context, (): (), _: Streaming<()>, out: Sink<Vec<u8>>| {
            let tell = tell.clone();
            let sending = async move {
                while out.send(vec![0; 1000]).await.is_ok() {}
                tell.send(()).await.unwrap();
            };
            tokio::spawn(sending);
            async {
                settle().await;
                Ok::<_, Status>(())
            }
        },
    );
    // Nobody reads, so that the sink waits for credit when the handler returns.
    let items: Streaming<Vec<u8>> = pair.client.stream("run.away", &()).unwrap();
    soon(told.recv()).await.unwrap();
    drop(items);
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_hear_of_a_goodbye_at_once() {
    let one = Limits { calls_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle("hang", |(): ()| std::future::pending::<Result<(), Status>>());
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let client = pair.client.clone();
            tokio::spawn(async move { client.call::<_, ()>("hang", &()).await })
        })
        .collect();
    settle().await;
    let before = tokio::time::Instant::now();
    let server = pair.server.clone();
    let down = tokio::spawn(async move { server.shutdown().await });
    soon(pair.client.state_changed(State::Ready)).await;
    settle().await;
    // One of them runs; the others were never sent.
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 2);
    assert!(before.elapsed() < Duration::from_secs(1));
    let mut codes = Vec::new();
    for call in calls {
        codes.push(soon(call).await.unwrap().unwrap_err().code());
    }
    assert_eq!(codes.iter().filter(|code| **code == Code::Unavailable).count(), 2, "{codes:?}");
    soon(down).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_reported_where_it_is() {
    let pair = connected().await;
    let mut events = pair.server.events("flood").unwrap();
    for n in 0..4000u32 {
        pair.server.publish("flood", &(n, "x".repeat(1000))).unwrap();
    }
    let mut expected = 0;
    while expected < 4000 {
        let message = soon(events.next()).await.unwrap();
        let (n, _) = message.payload::<(u32, String)>().unwrap();
        assert_eq!(u64::from(n), expected + message.dropped());
        expected = u64::from(n) + 1;
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_end_of_a_session_leaves_nothing_behind() {
    let pair = connected().await;
    let shared = Arc::clone(&pair.peer.shared);
    pair.server.handle("abort.me", |ctx: Context, (): ()| async move {
        ctx.peer().abort(&Status::new(Code::Aborted, "as asked"));
        Ok::<_, Status>(())
    });
    // Both in one write, so that the call's handler ends the session before the rest is looked at.
    let (call, events) =
        tokio::join!(pair.client.call::<_, ()>("abort.me", &()), pair.client.events("a.b"));
    assert!(call.is_err() && events.is_err());
    soon(pair.peer.closed()).await;
    assert_eq!(shared.node.hub.subscriptions(), 0);
    // As when the writer finds the link broken before the reader has said that it is ready.
    dispatch::perform(&shared, &mut vec![Later::Ready(PeerInfo::default())], None);
    assert!(pair.server.peers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_comes_after_close_is_not_used() {
    let node = NodeInner::new(
        Limits::default(),
        NodeLimits::default(),
        PeerInfo::default(),
        None,
        (true, WireConfig::default()),
    );
    let shared = Shared::new(&node, node.next_key(), Limits::default(), (true, false));
    shared.close(None);
    let config = EngineConfig {
        limits: Limits::default(),
        peer: PeerInfo::default(),
        credential: Credential::None,
        peer_rights: Rights::none(),
        session: [0; 16],
        wire: WireConfig::default(),
    };
    let engine = Engine::new(config, Role::Dialer, shared.now());
    let (ours, mut theirs) = mem::pair();
    let start = driver::Start::Fresh(Box::new(engine));
    soon(driver::run(&shared, ours, start)).await;
    let mut bytes = bytes::BytesMut::new();
    let read = soon(std::future::poll_fn(|cx| theirs.reader.poll_read(cx, &mut bytes))).await;
    assert_eq!(read.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn local_subscriptions_end_with_their_server() {
    let pair = connected().await;
    let mut events = pair.server.events("a.b").unwrap();
    let handled = pair.server.subscribe("a.*", |_| async {}).unwrap();
    pair.server.publish("a.b", &1).unwrap();
    soon(pair.server.shutdown()).await;
    assert_eq!(soon(events.next()).await.unwrap().payload::<u32>(), Ok(1));
    assert!(soon(events.next()).await.is_none());
    assert_eq!(soon(handled.closed()).await, None);
    assert_eq!(pair.server.events("a.b").unwrap_err().code(), Code::Unavailable);
}

/// What is left of a node when its server, which a handler holds, is gone.
async fn node_after(end: impl AsyncFnOnce(&Server)) -> Weak<NodeInner> {
    let pair = connected().await;
    let node = Arc::downgrade(&pair.peer.shared.node);
    let (server, peer) = (pair.server.clone(), pair.client.peer().clone());
    pair.server.handle("tell.all", move |n: u32| {
        let server = server.clone();
        async move { server.publish("all", &n) }
    });
    // And a session that holds itself.
    pair.client.handle("state", move |(): ()| {
        let peer = peer.clone();
        async move { Ok::<_, Status>(format!("{:?}", peer.state())) }
    });
    assert_eq!(pair.client.call::<_, ()>("tell.all", &1).await, Ok(()));
    end(&pair.server).await;
    let session = Arc::downgrade(&pair.client.shared);
    drop(pair);
    settle().await;
    assert_eq!(session.strong_count(), 0);
    node
}

#[tokio::test(start_paused = true)]
async fn handlers_that_hold_their_server_do_not_keep_it() {
    let node = node_after(async |server| soon(server.shutdown()).await).await;
    assert_eq!(node.strong_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_finds_what_was_published_before_it() {
    let pair = connected().await;
    let events = Arc::new(tokio::sync::Mutex::new(pair.server.events("a.b").unwrap()));
    pair.server.handle("is.there", move |(): ()| {
        let events = Arc::clone(&events);
        async move {
            let mut events = events.lock().await;
            Ok::<_, Status>(futures_util::FutureExt::now_or_never(events.next()).is_some())
        }
    });
    for _ in 0..3 {
        let (published, found) = tokio::join!(
            pair.client.publish("a.b", &1),
            pair.client.call::<_, bool>("is.there", &())
        );
        assert_eq!((published, found), (Ok(()), Ok(true)));
    }
}

/// Accepts at a name.
async fn serve(name: &str, limits: Limits) -> Server {
    let server = Server::bind(format!("mem://{name}")).limits(limits).build().await.unwrap();
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    server
}

async fn reached(client: &Client, state: State) {
    soon(async { while client.state_changed(client.state()).await != state {} }).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_next_link_refuses_ends() {
    let server = serve("fewer", Limits::default()).await;
    let client = Client::connect("mem://fewer").build().await.unwrap();
    let mut events = [client.events("a.b").await.unwrap(), client.events("a.c").await.unwrap()];
    soon(server.shutdown()).await;
    drop(server);
    let one = Limits { subscriptions_max: 1, ..Limits::default() };
    let server = serve("fewer", one).await;
    reached(&client, State::Ready).await;
    server.publish("a.b", &1).unwrap();
    server.publish("a.c", &1).unwrap();
    let (first, second) = (soon(events[0].next()).await, soon(events[1].next()).await);
    assert_eq!(first.is_some() as u32 + second.is_some() as u32, 1);
    let ended = events.iter().find_map(|events| events.status()).unwrap();
    assert_eq!(ended.code(), Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn events_that_nobody_reads_do_not_pile_up_over_links() {
    let server = serve("flap", Limits::default()).await;
    let limits =
        Limits { initial_credit: 64 << 10, message_bytes_max: 64 << 10, ..Limits::default() };
    let client = Client::connect("mem://flap").limits(limits).build().await.unwrap();
    let mut events = client.events("a.b").await.unwrap();
    for _ in 0..10 {
        for _ in 0..100 {
            server.publish("a.b", &"x".repeat(1000)).unwrap();
        }
        settle().await;
        server.peers()[0].abort(&Status::new(Code::Aborted, "test"));
        reached(&client, State::Ready).await;
    }
    let (mut bytes, mut dropped) = (0, 0);
    while let Some(Some(message)) = futures_util::FutureExt::now_or_never(events.next()) {
        bytes += message.bytes().len();
        dropped += message.dropped();
    }
    assert!((64 << 10..=3 * (64 << 10)).contains(&bytes), "{bytes}");
    assert!(dropped > 0);
}

#[tokio::test(start_paused = true)]
async fn places_are_not_given_twice_while_authenticators_think() {
    let limits = NodeLimits { sessions_max: 2, ..Default::default() };
    let check = |_: AuthAttempt| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Status>(Identity::anonymous())
    };
    let server = Server::bind("mem://two").node_limits(limits).authenticator(check);
    let server = server.build().await.unwrap();
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    let connecting = (0..5).map(|_| Client::connect("mem://two").build());
    let connected = futures_util::future::join_all(connecting).await;
    assert_eq!(connected.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for refused in connected.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(refused.status().unwrap().code(), Code::ResourceExhausted);
    }
    drop(connected);
    // The places are free again.
    soon(async {
        while !server.peers().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    Client::connect("mem://two").build().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sink_says_how_its_stream_ended() {
    let pair = connected().await;
    pair.server.handle_stream(
        "fussy",
        |_: Context, (): (), mut rows: Streaming<u32>, _: Sink<()>| async move {
            rows.next().await;
            Err::<(), _>(Status::new(Code::FailedPrecondition, "not these rows"))
        },
    );
    let (sink, answer) = pair.client.open::<_, u32, (), (), Status>("fussy", &()).unwrap();
    sink.send(1).await.unwrap();
    settle().await;
    assert_eq!(sink.send(2).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(soon(answer.finish()).await.unwrap_err().code(), Code::FailedPrecondition);
    pair.server.handle_stream("hang.on", |_: Context, (): (), _: Streaming<u32>, _: Sink<()>| {
        std::future::pending::<Result<(), Status>>()
    });
    let (sink, answer) = pair.client.open::<_, u32, (), (), Status>("hang.on", &()).unwrap();
    sink.send(1).await.unwrap();
    settle().await;
    pair.link.cut();
    soon(pair.client.closed()).await;
    assert_eq!(sink.send(2).await.unwrap_err().code(), Code::Indeterminate);
    drop(answer);
    assert_eq!(sink.finish().unwrap_err().code(), Code::Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn streams_that_wait_to_be_opened_are_bounded_and_let_go() {
    let one = Limits { streams_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle_stream("hang.on", |_: Context, (): (), _: Streaming<u8>, _: Sink<u8>| {
        std::future::pending::<Result<(), Status>>()
    });
    let metrics = tokio::runtime::Handle::current().metrics();
    let open = || pair.client.stream::<_, u8, (), Status>("hang.on", &());
    let first = open().unwrap();
    settle().await;
    let before = metrics.num_alive_tasks();
    let mut waiting = Vec::new();
    let refused = loop {
        match open() {
            Ok(stream) => waiting.push(stream),
            Err(status) => break status,
        }
        assert!(waiting.len() < 5000, "without a bound");
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(waiting.len() >= 1000);
    drop(waiting);
    settle().await;
    assert_eq!(metrics.num_alive_tasks(), before);
    drop((open().unwrap(), first));
}

#[tokio::test(start_paused = true)]
async fn senders_that_gave_up_are_forgotten() {
    let pair = connected().await;
    pair.server.handle_stream(
        "hang.on",
        |_: Context, (): (), _: Streaming<Vec<u8>>, _: Sink<u8>| {
            std::future::pending::<Result<(), Status>>()
        },
    );
    let (sink, _answer) = pair.client.open::<_, Vec<u8>, u8, (), Status>("hang.on", &()).unwrap();
    while let Some(sent) = futures_util::FutureExt::now_or_never(sink.send(vec![0; 1000])) {
        sent.unwrap();
        settle().await;
    }
    let sink = Arc::new(sink);
    for _ in 0..100 {
        let sink = Arc::clone(&sink);
        let sending = tokio::spawn(async move { sink.send(vec![0; 1000]).await });
        tokio::task::yield_now().await;
        sending.abort();
    }
    settle().await;
    let core = pair.client.shared.lock();
    let left: usize = core.book.streams.values().map(|slot| slot.waiting_writers()).sum();
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_place_are_woken_one_by_one_and_in_order() {
    let one = Limits { calls_max: 1, ..Limits::default() };
    let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
    pair.server.handle("later", |n: u32| async move {
        tokio::task::yield_now().await;
        Ok::<_, Status>(n)
    });
    let polls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let calls: Vec<_> = (0..1000u32)
        .map(|n| {
            let (client, polls) = (pair.client.clone(), Arc::clone(&polls));
            let order = Arc::clone(&order);
            tokio::spawn(async move {
                let mut call = std::pin::pin!(client.call::<_, u32>("later", &n));
                let answer = std::future::poll_fn(|cx| {
                    polls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    call.as_mut().poll(cx)
                })
                .await;
                assert_eq!(answer, Ok(n));
                order.lock().unwrap().push(n);
            })
        })
        .collect();
    for call in calls {
        soon(call).await.unwrap();
    }
    let polls = polls.load(std::sync::atomic::Ordering::Relaxed);
    assert!(polls < 10_000, "{polls} polls");
    assert!(order.lock().unwrap().is_sorted());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_nobody_takes_goes_to_the_next() {
    // Given up before, at and after every moment at which the turn may come.
    for moment in 0..24 {
        let one = Limits { calls_max: 1, streams_max: 1, ..Limits::default() };
        let pair = pair().server(|s| s.limits(one)).build().await.unwrap();
        let go = Arc::new(tokio::sync::Notify::new());
        let gone = Arc::clone(&go);
        pair.server.handle("wait", move |n: u32| {
            let gone = Arc::clone(&gone);
            async move {
                gone.notified().await;
                Ok::<_, Status>(n)
            }
        });
        let call = |n: u32| {
            let client = pair.client.clone();
            tokio::spawn(async move { client.call::<_, u32>("wait", &n).await })
        };
        let (first, second) = (call(1), call(2));
        settle().await;
        let (third, fourth) = (call(3), call(4));
        settle().await;
        go.notify_one();
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }
        second.abort();
        assert_eq!(soon(first).await.unwrap(), Ok(1));
        for (n, mut call) in [(3, third), (4, fourth)] {
            let answer = async {
                loop {
                    go.notify_one();
                    // Not before the call has come to its handler, nor before the second's has gone.
                    let waiting = tokio::time::timeout(Duration::from_secs(1), &mut call);
                    if let Ok(answer) = waiting.await {
                        return answer.unwrap();
                    }
                }
            };
            assert_eq!(soon(answer).await, Ok(n), "at {moment}");
        }
    }
}
