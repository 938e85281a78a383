//! Many things at once, on two threads and real time.

use super::User;
use crate::testing::{Pair, pair};
use crate::{Context, Limits, Sink, Status, Streaming};
use futures_util::stream;
use std::time::Duration;

async fn busy_pair() -> Pair {
    let tight = || Limits {
        outbox_soft_bytes: 2048,
        initial_credit: 1024,
        calls_max: 16,
        streams_max: 4,
        ..Limits::default()
    };
    let pair = pair().server(|s| s.limits(tight())).client(|c| c.limits(tight()));
    let pair = pair.capacity_bytes(512).build().await.unwrap();
    pair.server.handle("ready", |user: User| async move { Ok::<_, Status>(user) });
    pair.server.handle("later", |n: u32| async move {
        tokio::task::yield_now().await;
        Ok::<_, Status>(n)
    });
    pair.server.handle("hang", |(): ()| std::future::pending::<Result<(), Status>>());
    pair.server.handle_stream(
        "echo",
        |_: Context, (): (), mut input: Streaming<u32>, out: Sink<u32>| async move {
            let mut sum = 0u64;
            while let Some(item) = input.next().await {
                let item = item?;
                sum += u64::from(item);
                out.send(item).await?;
            }
            Ok::<_, Status>(sum)
        },
    );
    pair
}

async fn call_a_lot(client: crate::Client) {
    for n in 0..100 {
        let user = User { name: "x".repeat(n), age: n as u32 };
        assert_eq!(client.call::<_, User>("ready", &user).await, Ok(user));
        assert_eq!(client.call::<_, u32>("later", &7).await, Ok(7));
    }
}

async fn stream_a_lot(client: crate::Client) {
    for n in 1..20u64 {
        let (sink, mut items) =
            client.open::<_, u32, u32, u64, Status>("echo", &()).expect("within the limits");
        let sending = tokio::spawn(async move {
            for i in 0..n as u32 {
                sink.send(i).await.unwrap();
            }
            sink.finish().unwrap();
        });
        for i in 0..n as u32 {
            assert_eq!(items.next().await, Some(Ok(i)));
        }
        assert_eq!(items.finish().await, Ok(n * (n - 1) / 2));
        sending.await.unwrap();
        let upload = client.duplex_request::<_, u32, (), u64, Status>("echo", &());
        assert_eq!(upload.send_all(stream::iter(0..n as u32)).await, Ok(n * (n - 1) / 2));
    }
}

async fn give_up_a_lot(client: crate::Client) {
    for n in 0..50u64 {
        let call = client.call::<_, ()>("hang", &());
        tokio::time::timeout(Duration::from_micros(50 * n), call).await.unwrap_err();
        let items = client.stream::<_, u32, u64, Status>("echo", &()).unwrap();
        drop(items);
    }
}

async fn publish_a_lot(pair: Pair) {
    let mut events = pair.client.events("n.*").await.unwrap();
    let server = pair.server.clone();
    let publishing = tokio::spawn(async move {
        for n in 0..200u32 {
            server.publish("n.s", &n).unwrap();
            tokio::task::yield_now().await;
        }
    });
    let (mut seen, mut dropped) = (0, 0);
    while seen + dropped < 200 {
        let message = events.next().await.unwrap();
        seen += 1;
        dropped += message.dropped();
    }
    publishing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_ends_and_leaves_nothing() {
    let pair = busy_pair().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(call_a_lot(pair.client.clone()));
    }
    for _ in 0..4 {
        tasks.spawn(stream_a_lot(pair.client.clone()));
        tasks.spawn(give_up_a_lot(pair.client.clone()));
    }
    tasks.spawn(publish_a_lot(pair.clone()));
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    };
    tokio::time::timeout(super::LONG, all).await.expect("something hangs");
    for peer in [pair.peer.clone(), pair.client.peer().clone()] {
        let is_clean = || {
            let core = peer.shared.lock();
            let open = core.engine.as_ref().map_or(0, crate::engine::Engine::open_items);
            open == 0 && core.book.calls.is_empty() && core.book.jobs.is_empty()
        };
        let clean = async {
            while !is_clean() {
                peer.ping().await.unwrap();
            }
        };
        tokio::time::timeout(super::LONG, clean).await.expect("something is left");
        assert!(peer.shared.lock().book.streams.is_empty());
        assert!(peer.shared.lock().book.cancelled_early.is_empty());
    }
    pair.server.shutdown().await;
}

/// Calls and streams that compete for few places, some of them given up while they wait.
async fn compete(client: crate::Client, seed: u64) {
    for n in 0..200u64 {
        let steps = (seed * 7 + n * 13) % 11;
        if n % 3 == 0 {
            let stream = client.stream_request::<_, u32, u64, Status>("echo", &()).open();
            // Above the bound of those that wait, or dropped before it was opened.
            drop(stream);
        } else if n % 3 == 1 {
            let mut call = std::pin::pin!(client.call::<_, u32>("later", &1));
            for _ in 0..steps {
                let poll =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
                if poll.await.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        } else {
            let call = client.request::<_, u32>("later", &7).timeout(super::LONG);
            assert_eq!(call.send().await, Ok(7));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_waits_for_a_place_is_forgotten() {
    let pair = busy_pair().await;
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..64 {
        tasks.spawn(compete(pair.client.clone(), seed));
    }
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    };
    tokio::time::timeout(super::LONG, all).await.expect("somebody waits for ever");
    pair.server.shutdown().await;
}
