//! Rows that need sockets and tasks: a node on the loopback, raw attackers, and a good client
//! beside them that must not notice.

mod attacker;
mod connect;
mod flood;
mod leaks;
mod mutual;
mod panics;
mod slow;
mod transfer;

use crate::memory::{self, Watch};
use fluxar::{Client, Context, Limits, Server, Sink, Status, Streaming};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// Longer than any of this takes; only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node on a port of its own that serves what the attacks need.
pub(crate) struct Node {
    pub(crate) server: Server,
    pub(crate) address: String,
    /// Calls of `large` so far.
    pub(crate) large: Arc<AtomicUsize>,
    run: tokio::task::JoinHandle<()>,
}

impl Node {
    pub(crate) async fn start(limits: Limits) -> Self {
        let builder = Server::bind("tcp://127.0.0.1:0").limits(limits);
        let server = builder.build().await.expect("a free port");
        server.handle("echo", |text: String| async move { Ok::<_, Status>(text) });
        server.handle("hang", |_: Context, (): ()| std::future::pending::<Result<(), Status>>());
        let large = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&large);
        server.handle("large", move |bytes: usize| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Status>("x".repeat(bytes)) }
        });
        server.handle_stream(
            "sink",
            |_: Context, (): (), mut items: Streaming<String>, _: Sink<()>| async move {
                let mut bytes = 0_usize;
                while let Some(Ok(item)) = items.next().await {
                    bytes += item.len();
                }
                Ok::<_, Status>(bytes)
            },
        );
        let address = server.addresses()[0].to_string();
        let running = server.clone();
        let run = tokio::spawn(async move { running.run().await });
        Self { server, address, large, run }
    }

    /// A client that does nothing wrong.
    pub(crate) async fn good_client(&self) -> Client {
        let connecting = Client::connect(self.address.clone()).no_reconnect().build();
        soon("a good client connects", connecting).await.expect("a good client is welcome")
    }

    /// Ends it, and waits until it is gone.
    pub(crate) async fn stop(self) {
        self.run.abort();
        soon("the server shuts down", self.server.shutdown()).await;
    }
}

/// The good client's proof of life.
pub(crate) async fn check(client: &Client) {
    let call = client.call::<_, String>("echo", "still there?");
    let answer = soon("a good client's call", call).await;
    assert_eq!(answer.as_deref(), Ok("still there?"));
}

/// Waits for something that must come.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what}: never happened"),
    }
}

/// Waits until something that tasks and sockets do in their own time is so.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    soon(what, waiting).await;
}

/// Runs a test alone, in a runtime of its own, and counts from before that runtime is made until
/// after it is gone.
pub(crate) fn measured(test: impl AsyncFnOnce(&mut Watch)) {
    let mut watch = memory::alone();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test(&mut watch));
}

/// As `measured`, on one thread: tasks take turns, whatever else the machine does, so that what one
/// of them gets done beside another can be counted.
pub(crate) fn measured_in_turns(test: impl AsyncFnOnce(&mut Watch)) {
    let mut watch = memory::alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test(&mut watch));
}

/// Tasks that live in this test's runtime.
pub(crate) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
