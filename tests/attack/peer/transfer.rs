//! Row 32: something large under way, and something small that must not wait for it.

use super::{Node, check, measured_in_turns, soon};
use crate::memory::MIB;
use fluxar::{Client, Limits, Server, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The largest text that a message of 16 MiB takes.
const TEXT_BYTES: usize = 16 * MIB - 1024;

fn serve(server: &Server) {
    server.handle("len", |text: String| async move { Ok::<_, Status>(text.len()) });
    server.handle("echo", |text: String| async move { Ok::<_, Status>(text) });
    server.handle("large", |bytes: usize| async move { Ok::<_, Status>("x".repeat(bytes)) });
}

async fn up(client: &Client) {
    let text = "x".repeat(TEXT_BYTES);
    assert_eq!(client.call::<_, usize>("len", &text).await, Ok(TEXT_BYTES));
}

async fn down(client: &Client) {
    let text = client.call::<_, String>("large", &TEXT_BYTES).await;
    assert_eq!(text.map(|text| text.len()), Ok(TEXT_BYTES));
}

/// Pings and small calls that were answered before `transfer` was over. They run as a task: the
/// future that a runtime blocks on gets its turn only after many others.
async fn meanwhile(client: &Client, transfer: impl Future<Output = ()>) -> (usize, usize) {
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let (client, seen) = (client.clone(), Arc::clone(&counts));
    let small = tokio::spawn(async move {
        loop {
            client.ping().await.expect("a ping is answered");
            seen[0].fetch_add(1, Ordering::Relaxed);
            check(&client).await;
            seen[1].fetch_add(1, Ordering::Relaxed);
        }
    });
    transfer.await;
    small.abort();
    // Aborted, or panicked: a panic is a failure.
    assert!(small.await.expect_err("it never ends").is_cancelled());
    (counts[0].load(Ordering::Relaxed), counts[1].load(Ordering::Relaxed))
}

#[test]
fn row_32_pings_and_calls_go_on_during_a_transfer_of_16_mib() {
    measured_in_turns(async |watch| {
        // A link of 64 KiB: what waits, waits in the peer and not in a kernel's buffers.
        let pair = soon("two peers", fluxar::testing::pair().build()).await.expect("connected");
        serve(&pair.server);
        check(&pair.client).await;
        watch.restart();
        let (pings, calls) = soon("up", meanwhile(&pair.client, up(&pair.client))).await;
        // Cut into 1,024 fragments; a link that sent it whole would let none pass.
        assert!(pings >= 20 && calls >= 20, "up: {pings} pings and {calls} calls meanwhile");
        let (pings, calls) = soon("down", meanwhile(&pair.client, down(&pair.client))).await;
        assert!(pings >= 20 && calls >= 20, "down: {pings} pings and {calls} calls meanwhile");
        // Text, its CBOR, the outbox, the assembly (doubling) and the text again.
        assert!(watch.peak() <= 8 * TEXT_BYTES, "{} bytes", watch.peak());
    });
}

#[test]
fn row_32_a_transfer_over_a_socket_spares_the_other_sessions() {
    measured_in_turns(async |_| {
        let node = Node::start(Limits::default()).await;
        serve(&node.server);
        let (client, other) = (node.good_client().await, node.good_client().await);
        let (pings, calls) = soon("up", meanwhile(&other, up(&client))).await;
        assert!(pings >= 20 && calls >= 20, "up: {pings} pings and {calls} calls beside it");
        let (pings, calls) = soon("down", meanwhile(&other, down(&client))).await;
        assert!(pings >= 20 && calls >= 20, "down: {pings} pings and {calls} calls beside it");
        // The session itself lives on.
        soon("a ping", client.ping()).await.expect("an answer");
        assert!(
            soon("a ping", client.ping()).await.is_ok_and(|took| took < Duration::from_secs(5))
        );
        node.stop().await;
    });
}
