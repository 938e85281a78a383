//! Work that notices what is lost, comes twice, or comes out of order.

use fluxar::testing::snapshot;
use fluxar::{Client, Context, Server, Sink, Status, Streaming};
use fluxar_tests::proxy::TcpProxy;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Items of one stream; then the next is opened.
const STREAM_ITEMS: u64 = 400;
/// Nothing may take longer than this once the path is back; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// After so long without anything that moves it is said why. A dead link is given up after 25 s.
const ROUND: Duration = Duration::from_secs(40);
/// However loaded the machine is, the breaks end within so many rounds.
const ROUNDS_MAX: u32 = 15;

/// A server that echoes numbers, counts, and remembers what it was asked.
pub(crate) async fn serve() -> Server {
    let server = Server::bind("tcp://127.0.0.1:0").build().await.expect("a port");
    let seen = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    server.handle("load.once", move |number: u64| {
        let is_new = seen.lock().expect("no panic").insert(number);
        async move {
            // Some answers come late, so that links break between a call and its answer.
            for _ in 0..number % 5 {
                tokio::task::yield_now().await;
            }
            if is_new { Ok(number) } else { Err(Status::new(fluxar::Code::DataLoss, "twice")) }
        }
    });
    server.handle_stream(
        "load.count",
        |_: Context, from: u64, _: Streaming<()>, out: Sink<(u64, Vec<u8>)>| async move {
            for number in from..from + STREAM_ITEMS {
                out.send((number, vec![7; (number % 97) as usize])).await?;
            }
            Ok::<_, Status>(from)
        },
    );
    let running = server.clone();
    tokio::spawn(async move { running.run().await });
    server
}

pub(crate) fn socket(server: &Server) -> SocketAddr {
    let address = server.addresses()[0].to_string();
    address.trim_start_matches("tcp://").parse().expect("an address")
}

pub(crate) async fn connect(address: SocketAddr) -> Client {
    Client::connect(format!("tcp://{address}")).build().await.expect("a session")
}

/// What was done, all of it well.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) calls: u64,
    pub(crate) items: u64,
    pub(crate) events: u64,
}

#[derive(Default)]
struct Counters {
    stop: AtomicBool,
    next: AtomicU64,
    calls: AtomicU64,
    items: AtomicU64,
    events: AtomicU64,
}

impl Counters {
    fn total(&self) -> u64 {
        [&self.calls, &self.items, &self.events].map(|n| n.load(Ordering::Relaxed)).iter().sum()
    }
}

/// Both ends of the session that is looked at when nothing moves.
pub(crate) struct Ends<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client: &'a Client,
}

impl Ends<'_> {
    fn describe(&self, proxy: &TcpProxy, counters: &Counters) -> String {
        let Counters { calls, items, events, .. } = counters;
        let mut text = format!(
            "{} breaks made, {} left; {calls:?} calls, {items:?} items, {events:?} events\n\n\
             dialer: {}\n",
            proxy.faults(),
            proxy.faults_left(),
            snapshot(self.client.peer()),
        );
        for peer in self.server.peers() {
            let _fits = write!(text, "\nacceptor: {}\n", snapshot(&peer));
        }
        text
    }
}

pub(crate) struct Load {
    counters: Arc<Counters>,
    tasks: JoinSet<()>,
    listeners: JoinSet<()>,
}

impl Load {
    pub(crate) async fn start(
        server: &Server,
        client: &Client,
        callers: u64,
        streams: u64,
        subscriptions: u64,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let (mut tasks, mut listeners) = (JoinSet::new(), JoinSet::new());
        for _ in 0..callers {
            tasks.spawn(call(client.clone(), Arc::clone(&counters)));
        }
        for number in 0..streams {
            tasks.spawn(count(client.clone(), number << 32, Arc::clone(&counters)));
        }
        for number in 0..subscriptions {
            let topic = format!("load.events.{number}");
            let events = client.events(&topic).await.expect("granted");
            listeners.spawn(listen(events, Arc::clone(&counters)));
            tasks.spawn(publish(server.clone(), topic, Arc::clone(&counters)));
        }
        Self { counters, tasks, listeners }
    }

    /// Works until the proxy has made so many breaks, and fails as soon as any of the work does, or
    /// nothing moves any more: then with all that both sides know of themselves.
    pub(crate) async fn until_broken(&mut self, proxy: &TcpProxy, breaks: u64, ends: &Ends<'_>) {
        let mut before = (u64::MAX, u64::MAX);
        for _ in 0..ROUNDS_MAX {
            tokio::select! {
                ended = self.tasks.join_next() => {
                    ended.expect("there is work").expect("the work goes well");
                    panic!("a task ended before its time");
                }
                round = tokio::time::timeout(ROUND, proxy.broke(breaks)) => if round.is_ok() {
                    return;
                },
            }
            // Work that goes on over a path that does not break any more is no good sign either.
            let now = (self.counters.total(), proxy.faults());
            let moves = now.0 != before.0 && now.1 != before.1;
            assert!(moves, "nothing moves: {}", ends.describe(proxy, &self.counters));
            before = now;
        }
        panic!("the breaks come to no end: {}", ends.describe(proxy, &self.counters));
    }

    /// Lets everything that is under way come to its end.
    pub(crate) async fn finish(mut self, proxy: &TcpProxy, ends: &Ends<'_>) -> Done {
        self.counters.stop.store(true, Ordering::Relaxed);
        let ending = async {
            while let Some(done) = self.tasks.join_next().await {
                done.expect("the work went well");
            }
        };
        let is_late = tokio::time::timeout(PATIENCE, ending).await.is_err();
        assert!(!is_late, "something hangs: {}", ends.describe(proxy, &self.counters));
        self.listeners.abort_all();
        while let Some(ended) = self.listeners.join_next().await {
            assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()), "in order");
        }
        let Counters { calls, items, events, .. } = &*self.counters;
        let [calls, items, events] = [calls, items, events].map(|n| n.load(Ordering::Relaxed));
        Done { calls, items, events }
    }
}

async fn call(client: Client, counters: Arc<Counters>) {
    while !counters.stop.load(Ordering::Relaxed) {
        let number = counters.next.fetch_add(1, Ordering::Relaxed);
        let answer: u64 = client.call("load.once", &number).await.expect("the call survives");
        assert_eq!(answer, number);
        counters.calls.fetch_add(1, Ordering::Relaxed);
    }
}

async fn count(client: Client, mut from: u64, counters: Arc<Counters>) {
    while !counters.stop.load(Ordering::Relaxed) {
        let opened = client.stream("load.count", &from);
        let mut items: Streaming<(u64, Vec<u8>), u64> = opened.expect("the stream opens");
        let mut expected = from;
        while let Some(item) = items.next().await {
            let (number, filler) = item.expect("the stream survives");
            assert_eq!((number, filler.len() as u64), (expected, expected % 97), "in order, once");
            expected += 1;
            counters.items.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(expected, from + STREAM_ITEMS, "no item is missing");
        assert_eq!(items.finish().await.expect("the result arrives"), from);
        from = expected;
    }
}

async fn publish(server: Server, topic: String, counters: Arc<Counters>) {
    let mut number = 0_u64;
    while !counters.stop.load(Ordering::Relaxed) {
        server.publish(&topic, &number).expect("the topic is one");
        number += 1;
        tokio::task::yield_now().await;
    }
}

/// Events of qos 0 may be missed while the link is away; they never come twice or out of order.
async fn listen(mut events: fluxar::Events, counters: Arc<Counters>) {
    let mut next = 0;
    while let Some(event) = events.next().await {
        let number: u64 = event.payload().expect("a number");
        assert!(number >= next, "{number} after {next}");
        next = number + 1;
        counters.events.fetch_add(1, Ordering::Relaxed);
    }
}

/// Descriptors of this process.
pub(crate) fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Waits until what ends in the background has ended.
pub(crate) async fn settle(is_settled: impl Fn() -> bool) {
    let settling = async {
        while !is_settled() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settling).await.expect("everything is given back");
}
