//! Row 29: handlers that panic, in every place where one can.

use super::{Node, check, measured, soon, tasks, until};
use crate::memory::MIB;
use fluxar::{Code, Context, Limits, Sink, Status, Streaming};
use futures_util::future::join_all;

const CALLS: usize = 10_000;
const AT_ONCE: usize = 1_000;

/// Keeps 20,000 backtraces off the terminal while it lives.
struct Quiet;

impl Quiet {
    fn now() -> Self {
        std::panic::set_hook(Box::new(|info| {
            if !info.to_string().contains("planned") {
                eprintln!("{info}");
            }
        }));
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::panic::take_hook());
        }
    }
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "planned: in drop");
    }
}

fn serve(node: &Node) {
    let server = &node.server;
    server.handle("at_once", |n: u32| async move {
        assert!(n == u32::MAX, "planned: at once");
        Ok::<_, Status>(())
    });
    server.handle("before", |n: u32| {
        assert!(n == u32::MAX, "planned: before there is a future");
        async move { Ok::<_, Status>(()) }
    });
    server.handle("later", |_: Context, n: u32| async move {
        tokio::task::yield_now().await;
        assert!(n == u32::MAX, "planned: in a task");
        Ok::<_, Status>(())
    });
    server.handle("in_drop", |_: u32| async move {
        let _held = PanicsOnDrop;
        tokio::task::yield_now().await;
        Ok::<_, Status>(())
    });
    server.handle_stream(
        "stream",
        |_: Context, n: u32, _: Streaming<()>, out: Sink<u32>| async move {
            out.send(n).await?;
            assert!(n == u32::MAX, "planned: in a stream");
            Ok::<_, Status>(())
        },
    );
}

#[test]
fn row_29_ten_thousand_panics_at_a_thousand_at_once() {
    measured(async |watch| {
        let _quiet = Quiet::now();
        let node = Node::start(Limits::default()).await;
        serve(&node);
        let (good, reckless) = (node.good_client().await, node.good_client().await);
        check(&good).await;
        check(&reckless).await;
        let before = tasks();
        watch.restart();
        let targets = ["at_once", "before", "later", "in_drop"];
        for round in 0..CALLS / AT_ONCE {
            let calls = (0..AT_ONCE).map(|n| {
                let target = targets[(n + round) % targets.len()];
                let call = reckless.request::<_, ()>(target, &(n as u32)).send();
                async move { (target, call.await) }
            });
            for (target, outcome) in soon("all answers", join_all(calls)).await {
                let status = outcome.expect_err("it panicked");
                assert_eq!(status.code(), Code::Internal, "{target}: {status}");
                assert!(!status.message().contains("planned"), "the panic's text stays here");
            }
            check(&good).await;
        }
        for n in 0..100_u32 {
            let mut stream: Streaming<u32> = reckless.stream("stream", &n).expect("opened");
            assert!(matches!(soon("an item", stream.next()).await, Some(Ok(item)) if item == n));
            let end = soon("the end", stream.next()).await;
            assert!(matches!(end, Some(Err(_))), "{end:?}");
            assert_eq!(stream.status().map(Status::code), Some(Code::Internal));
        }
        check(&reckless).await;
        until("no task is left", || tasks() <= before).await;
        assert!(watch.held() <= 4 * MIB, "{} bytes left", watch.held());
        assert!(watch.peak() <= 32 * MIB, "{} bytes", watch.peak());
        node.stop().await;
    });
}
