//! Row 31: both sides call each other, deeper and deeper, with room for one at a time.

use super::{measured, soon};
use fluxar::testing::{Pair, pair};
use fluxar::{Client, Code, Context, Limits, Server, Status};
use futures_util::future::join_all;

async fn descend(ctx: Context, left: u32) -> Result<u32, Status> {
    if left == 0 {
        return Ok(0);
    }
    // Back to the caller, which does the same.
    let below: u32 = ctx.peer().call("descend", &(left - 1)).await?;
    Ok(below + 1)
}

/// Producers wait as soon as one byte waits for the link.
fn queues_of_one(hops_max: u32) -> Limits {
    let mut limits = Limits::default();
    limits.outbox_soft_bytes = 1;
    limits.hops_max = hops_max;
    limits
}

async fn narrow(hops_max: u32) -> Pair {
    let pair = pair()
        .server(|server| server.limits(queues_of_one(hops_max)))
        .client(|client| client.limits(queues_of_one(hops_max)).handle("descend", descend))
        .capacity_bytes(1)
        .build();
    let pair = soon("two peers", pair).await.expect("connected");
    pair.server.handle("descend", descend);
    pair
}

#[test]
fn row_31_to_the_nesting_limit_with_queues_of_one() {
    measured(async |_| {
        let pair = narrow(64).await;
        let depth: u32 = soon("64 calls deep", pair.client.call("descend", &64)).await.expect("64");
        assert_eq!(depth, 64);
        let deeper = soon("65 calls deep", pair.client.call::<_, u32>("descend", &65)).await;
        let status = deeper.expect_err("one too deep");
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().starts_with("[L5.hops.1]"), "{status}");
        let depth: u32 = soon("after that", pair.client.call("descend", &64)).await.expect("64");
        assert_eq!(depth, 64);
    });
}

#[test]
fn row_31_a_thousand_deep_when_the_limit_says_so() {
    measured(async |_| {
        let pair = narrow(1_000).await;
        let deep = pair.client.call("descend", &1_000);
        let depth: u32 = soon("1,000 calls deep", deep).await.expect("1,000");
        assert_eq!(depth, 1_000);
    });
}

#[test]
fn row_31_many_at_once_over_sockets_at_full_limits() {
    measured(async |_| {
        let mut limits = queues_of_one(64);
        // Every place is taken: 16 chains of 64, half of the calls on each side.
        limits.calls_max = 16 * 33;
        let server = Server::bind("tcp://127.0.0.1:0").limits(limits.clone()).build().await;
        let server = server.expect("a free port");
        server.handle("descend", descend);
        let running = server.clone();
        let run = tokio::spawn(async move { running.run().await });
        let connecting = Client::connect(server.addresses()[0].to_string())
            .limits(limits)
            .handle("descend", descend)
            .build();
        let client = soon("a client", connecting).await.expect("connected");
        let chains = (0..16).map(|_| client.call::<_, u32>("descend", &64));
        for depth in soon("16 chains", join_all(chains)).await {
            assert_eq!(depth, Ok(64));
        }
        run.abort();
    });
}

#[test]
fn row_31_floods_in_both_directions_do_not_wait_for_each_other() {
    measured(async |_| {
        let pair = narrow(64).await;
        pair.server.handle("echo", |text: String| async move { Ok::<_, Status>(text) });
        pair.client.handle("echo", |text: String| async move { Ok::<_, Status>(text) });
        let text = "x".repeat(1_000);
        let there = (0..50).map(|_| pair.client.call::<_, String>("echo", &text));
        let back = (0..50).map(|_| pair.peer.call::<_, String>("echo", &text));
        let (there, back) = (join_all(there), join_all(back));
        let (there, back) = soon("both", async { tokio::join!(there, back) }).await;
        for outcome in there.iter().chain(&back) {
            assert_eq!(outcome.as_ref().map(String::len), Ok(text.len()));
        }
    });
}
