//! Everything dropped at every moment, and links cut after every few bytes.

use super::{settle, soon};
use crate::testing::{Direction, FaultyLink, pair};
use crate::{Client, Code, Context, Limits, Sink, State, Status, Streaming};
use std::sync::Arc;
use std::time::Duration;

/// Every kind of thing that a client can begin and drop.
const KINDS: [&str; 9] =
    ["call", "request", "notify", "publish", "events", "ping", "stream", "open", "send_all"];

/// Does it, whatever comes of it.
async fn operate(kind: &str, c: Client) -> Result<(), Status> {
    let big = || vec![7u8; 3000];
    match kind {
        "call" => drop(c.call::<_, Vec<u8>>("echo", &big()).await?),
        "request" => {
            let call = c.request::<_, Vec<u8>>("echo", &big()).timeout(Duration::from_secs(9));
            drop(call.send().await?);
        }
        "notify" => c.notify("echo", &big()).await?,
        "publish" => c.publish("a.b", &big()).await?,
        "events" => drop(c.events("a.*").await?.next().await),
        "ping" => drop(c.ping().await?),
        "stream" => {
            let items: Streaming<Vec<u8>, u32, Status> = c.stream("items", &9u32)?;
            items.finish().await?;
        }
        "open" => {
            let (sink, mut items) = c.open::<_, u8, Vec<u8>, u32, Status>("items", &9u32)?;
            while let Some(item) = items.next().await {
                drop(item?);
                sink.send(1).await?;
            }
            sink.finish()?;
            items.finish().await?;
        }
        _ => {
            let call = c.duplex_request::<_, Vec<u8>, (), u32, Status>("sum", &());
            call.send_all(futures_util::stream::iter((0..9).map(|_| big()))).await?;
        }
    }
    Ok(())
}

/// A server and a client on a link that takes little at a time.
async fn narrow() -> crate::testing::Pair {
    let tight = || Limits {
        initial_credit: 4096,
        outbox_soft_bytes: 1024,
        calls_max: 2,
        streams_max: 1,
        ..Limits::default()
    };
    let pair = pair().server(|s| s.limits(tight())).client(|c| c.limits(tight()));
    let pair = pair.capacity_bytes(256).build().await.unwrap();
    pair.server.handle("echo", |bytes: Vec<u8>| async move {
        tokio::task::yield_now().await;
        Ok::<_, Status>(bytes)
    });
    pair.server.handle_stream(
        "items",
        |_: Context, n: u32, _: Streaming<u8>, out: Sink<Vec<u8>>| async move {
            for _ in 0..n {
                out.send(vec![1; 2000]).await?;
            }
            Ok::<_, Status>(n)
        },
    );
    pair.server.handle_stream(
        "sum",
        |_: Context, (): (), mut rows: Streaming<Vec<u8>>, _: Sink<()>| async move {
            let mut sum = 0u32;
            while let Some(row) = rows.next().await {
                sum += row?.len() as u32;
            }
            Ok::<_, Status>(sum)
        },
    );
    pair
}

fn is_clean(peer: &crate::Peer) -> bool {
    let core = peer.shared.lock();
    let book = &core.book;
    core.engine.as_ref().is_some_and(|engine| engine.open_items() == 0)
        && book.calls.is_empty()
        && book.streams.is_empty()
        && book.subscriptions.is_empty()
        && book.subscription_keys.is_empty()
        && book.jobs.is_empty()
        && book.cancelled_early.is_empty()
}

#[tokio::test(start_paused = true)]
async fn whatever_is_dropped_at_whatever_moment_leaves_nothing() {
    for (number, kind) in KINDS.into_iter().enumerate() {
        for moment in (number % 3..60).step_by(3) {
            let pair = narrow().await;
            let mut dropped = Box::pin(operate(kind, pair.client.clone()));
            // Beside others, so that it may have to wait for room or a place.
            let others = KINDS.into_iter().filter(|other| *other != "events");
            let others: Vec<_> =
                others.map(|other| tokio::spawn(operate(other, pair.client.clone()))).collect();
            for _ in 0..moment {
                let poll = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(dropped.as_mut().poll(cx).is_ready())
                });
                if poll.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(dropped);
            for other in others {
                // A stream may end before its sink has sent all.
                let _outcome = soon(other).await.unwrap();
            }
            soon(pair.client.ping()).await.unwrap();
            for _ in 0..4 {
                settle().await;
            }
            for peer in [&pair.peer, pair.client.peer()] {
                assert!(is_clean(peer), "{kind} dropped at {moment}");
            }
            assert_eq!(pair.peer.shared.node.hub.subscriptions(), 0, "{kind} at {moment}");
            assert_eq!(pair.client.state(), State::Ready);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unavailable_says_that_no_handler_ran() {
    let (mut unavailable, mut indeterminate) = (0, 0);
    for cut in (150..45_000).step_by(331) {
        let script = Direction::new().cut_after(cut);
        let link = match cut % 2 {
            0 => FaultyLink::new().sending(script),
            _ => FaultyLink::new().receiving(script),
        };
        let Ok(pair) = pair().link(link).build().await else { continue };
        let runs = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
        let ran = Arc::clone(&runs);
        pair.server.handle("echo", move |(n, bytes): (u32, Vec<u8>)| {
            ran.lock().unwrap().insert(n);
            async move { Ok::<_, Status>(bytes) }
        });
        // Small ones, and one that is cut into fragments.
        let calls: Vec<_> = [10, 20_000, 30, 500]
            .into_iter()
            .enumerate()
            .map(|(n, len)| {
                let client = pair.client.clone();
                let request = (n as u32, vec![0u8; len]);
                tokio::spawn(async move { client.call::<_, Vec<u8>>("echo", &request).await })
            })
            .collect();
        for (n, call) in calls.into_iter().enumerate() {
            let Err(status) = soon(call).await.unwrap() else { continue };
            match status.code() {
                Code::Unavailable => {
                    unavailable += 1;
                    assert!(!runs.lock().unwrap().contains(&(n as u32)), "cut at {cut}: {status}");
                }
                Code::Indeterminate => indeterminate += 1,
                _ => panic!("cut at {cut}: {status}"),
            }
        }
    }
    assert!(unavailable > 0 && indeterminate > 0, "{unavailable} and {indeterminate}");
}
