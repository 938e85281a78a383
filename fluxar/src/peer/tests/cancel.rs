//! Giving up: dropped futures, cooperative cancellation, cascades.

use super::{DropFlag, connected, settle, soon};
use crate::{Code, Context, Sink, Status, Streaming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A handler that hangs, and tells when it started and when it is dropped.
fn hang(pair: &crate::testing::Pair, target: &str) -> (Arc<Notify>, Arc<Notify>) {
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (start, drops) = (Arc::clone(&started), Arc::clone(&dropped));
    pair.server.handle(target, move |(): ()| {
        start.notify_one();
        let held = DropFlag(Arc::clone(&drops));
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Status>(())
        }
    });
    (started, dropped)
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_drops_its_handler() {
    let pair = connected().await;
    let (started, dropped) = hang(&pair, "hang");
    let client = pair.client.clone();
    let call = tokio::spawn(async move { client.call::<_, ()>("hang", &()).await });
    soon(started.notified()).await;
    call.abort();
    soon(dropped.notified()).await;
    settle().await;
    for peer in [&pair.peer, pair.client.peer()] {
        let core = peer.shared.lock();
        assert_eq!(core.engine.as_ref().unwrap().open_items(), 0);
        assert!(core.book.calls.is_empty() && core.book.jobs.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn cancellation_cascades_to_what_the_handler_called() {
    let pair = connected().await;
    let (_, dropped) = hang(&pair, "hang");
    let inner = Arc::new(Notify::new());
    let inner_dropped = Arc::clone(&inner);
    pair.client.handle("inner", move |(): ()| {
        let held = DropFlag(Arc::clone(&inner));
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Status>(())
        }
    });
    let (entered, waiting) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let enter = Arc::clone(&entered);
    pair.server.handle("outer", move |ctx: Context, (): ()| {
        enter.notify_one();
        async move { ctx.peer().call::<_, ()>("inner", &()).await }
    });
    let _unused = (dropped, waiting);
    let call = pair.client.request::<_, ()>("outer", &()).send();
    let call = tokio::spawn(call);
    soon(entered.notified()).await;
    settle().await;
    call.abort();
    soon(inner_dropped.notified()).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_watches_may_finish() {
    let pair = connected().await;
    let started = Arc::new(Notify::new());
    let start = Arc::clone(&started);
    pair.server.handle_stream(
        "count",
        move |ctx: Context, (): (), _: Streaming<()>, out: Sink<u32>| {
            start.notify_one();
            async move {
                let mut sent = 0;
                let cancelled = ctx.cancelled();
                tokio::pin!(cancelled);
                loop {
                    tokio::select! {
                        () = &mut cancelled => return Ok::<_, Status>(sent),
                        () = tokio::time::sleep(Duration::from_millis(1)) => {}
                    }
                    out.send(sent).await?;
                    sent += 1;
                }
            }
        },
    );
    let mut stream: Streaming<u32, u32> = pair.client.stream("count", &()).unwrap();
    for n in 0..5 {
        assert_eq!(soon(stream.next()).await, Some(Ok(n)));
    }
    stream.cancel();
    let sent = soon(stream.finish()).await.unwrap();
    assert!(sent >= 5);
}

#[tokio::test(start_paused = true)]
async fn grace_ends() {
    let pair = connected().await;
    let dropped = Arc::new(Notify::new());
    let drops = Arc::clone(&dropped);
    pair.server.handle("stubborn", move |ctx: Context, (): ()| {
        let held = DropFlag(Arc::clone(&drops));
        async move {
            ctx.cancelled().await;
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Status>(())
        }
    });
    let before = tokio::time::Instant::now();
    let call = pair.client.request::<_, ()>("stubborn", &()).timeout(Duration::from_millis(10));
    assert_eq!(call.send().await.unwrap_err().code(), Code::DeadlineExceeded);
    soon(dropped.notified()).await;
    let grace = pair.peer.shared.limits.cancel_grace;
    assert!(before.elapsed() >= grace && before.elapsed() < grace * 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_cancels_its_handler() {
    let pair = connected().await;
    let dropped = Arc::new(Notify::new());
    let drops = Arc::clone(&dropped);
    pair.server.handle_stream(
        "flood",
        move |_: Context, (): (), _: Streaming<()>, out: Sink<String>| {
            let held = DropFlag(Arc::clone(&drops));
            async move {
                let _held = held;
                loop {
                    out.send("x".repeat(1000)).await?;
                }
                #[allow(unreachable_code, reason = "names the type")]
                Ok::<(), Status>(())
            }
        },
    );
    let mut stream: Streaming<String> = pair.client.stream("flood", &()).unwrap();
    assert!(soon(stream.next()).await.is_some());
    drop(stream);
    soon(dropped.notified()).await;
    settle().await;
    for peer in [&pair.peer, pair.client.peer()] {
        let core = peer.shared.lock();
        assert_eq!(core.engine.as_ref().unwrap().open_items(), 0);
        assert!(core.book.streams.is_empty() && core.book.jobs.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn opening_and_dropping_at_once_leaves_nothing() {
    let pair = connected().await;
    hang(&pair, "hang");
    for _ in 0..200 {
        let call = pair.client.call::<_, ()>("hang", &());
        let gone = tokio::time::timeout(Duration::ZERO, call).await;
        assert!(gone.is_err());
    }
    settle().await;
    let core = pair.peer.shared.lock();
    assert_eq!(core.engine.as_ref().unwrap().open_items(), 0);
    assert!(core.book.jobs.is_empty() && core.book.cancelled_early.is_empty());
}
