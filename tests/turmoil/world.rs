//! One run: a server, a client with work on all patterns, and a path between them that is cut,
//! held and slowed down.

use crate::net::{PORT, dial, link};
use fluxar::{Backoff, Client, Context, Limits, Server, Sink, Status, Streaming};
use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use turmoil::Sim;
use turmoil::net::TcpListener;

/// What there is to do.
const CALLERS: u64 = 8;
const CALLS: u64 = 150;
const ITEMS: u64 = 1_500;
/// Between two calls, so that the work lasts as long as the trouble.
const PAUSE: Duration = Duration::from_millis(40);
/// However bad the path is, the work ends within this, by the clock of the simulation.
const PATIENCE: Duration = Duration::from_secs(600);

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What a run came to. Two runs of one seed come to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) resumes: u64,
    /// Of everything that the client saw, and when.
    pub(crate) trace: u64,
}

/// Everything that happens, in order.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<DefaultHasher>>);

impl Trace {
    fn note(&self, what: impl Hash) {
        let mut hasher = self.0.lock().expect("no panic");
        (turmoil::elapsed(), what).hash(&mut *hasher);
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.heartbeat = Duration::from_secs(1);
    limits
}

pub(crate) fn run(seed: u64) -> Report {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(seed)
        .simulation_duration(PATIENCE)
        .tick_duration(Duration::from_millis(1))
        .min_message_latency(Duration::from_millis(rng.u64(0..3)))
        .max_message_latency(Duration::from_millis(rng.u64(3..40)))
        .enable_random_order();
    let mut sim = builder.build();
    sim.host("server", || async { serve().await });
    let (trace, resumes) = (Trace::default(), Arc::new(AtomicU64::new(0)));
    sim.client("client", work(trace.clone(), Arc::clone(&resumes)));
    let mut trouble = Trouble { rng, next: Duration::from_millis(300), is_on: false };
    while !sim.step().expect("the work goes well, and ends in time") {
        trouble.make(&sim);
    }
    let trace = trace.0.lock().expect("no panic").finish();
    Report { resumes: resumes.load(Ordering::Relaxed), trace }
}

/// What happens to the path, and when next.
struct Trouble {
    rng: fastrand::Rng,
    next: Duration,
    is_on: bool,
}

impl Trouble {
    fn make(&mut self, sim: &Sim<'_>) {
        if sim.elapsed() < self.next {
            return;
        }
        let lasts = match self.is_on {
            true => {
                sim.repair("client", "server");
                sim.release("client", "server");
                self.rng.u64(50..1_500)
            }
            false => {
                match self.rng.u32(..6) {
                    0 => sim.partition("client", "server"),
                    1 => sim.partition_oneway("client", "server"),
                    2 => sim.partition_oneway("server", "client"),
                    3 | 4 => sim.hold("client", "server"),
                    _ => {
                        let latency = Duration::from_millis(self.rng.u64(3..200));
                        sim.set_link_max_message_latency("client", "server", latency);
                    }
                }
                // Shorter and longer than what silence is noticed by.
                self.rng.u64(5..4_000)
            }
        };
        self.is_on = !self.is_on;
        self.next = sim.elapsed() + Duration::from_millis(lasts);
    }
}

async fn serve() -> Outcome {
    let server = Server::unbound().limits(limits()).build().await?;
    let seen = Mutex::new(HashSet::new());
    server.handle("work.once", move |number: u64| {
        let is_new = seen.lock().expect("no panic").insert(number);
        async move {
            if number.is_multiple_of(7) {
                let soon = tokio::time::Instant::now() + Duration::from_millis(number % 90);
                tokio::time::sleep_until(soon).await;
            }
            if is_new { Ok(number) } else { Err(Status::new(fluxar::Code::DataLoss, "twice")) }
        }
    });
    server.handle_stream(
        "work.both",
        |_: Context, to: u64, mut input: Streaming<u64>, out: Sink<(u64, Vec<u8>)>| async move {
            for n in 0..to {
                out.send((n, vec![7; (n * 31 % 500) as usize])).await?;
            }
            let mut expected = 0;
            while let Some(n) = input.next().await {
                if n? != expected {
                    return Err(Status::new(fluxar::Code::DataLoss, "out of order"));
                }
                expected += 1;
            }
            Ok(expected)
        },
    );
    let publishing = server.clone();
    tokio::spawn(async move {
        let mut clock = tokio::time::interval(Duration::from_millis(30));
        for n in 0_u64.. {
            clock.tick().await;
            publishing.publish("work.clock", &n).expect("a topic");
        }
    });
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        server.accept_link(link(stream));
    }
}

async fn work(trace: Trace, resumes: Arc<AtomicU64>) -> Outcome {
    // A pause of 0 has no jitter.
    let backoff = Backoff::default().first(Duration::ZERO);
    let client = Client::connect("mem://turmoil").limits(limits()).reconnect(backoff);
    let client = client.build_with(dial).await?;
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        tasks.spawn(call(client.clone(), caller * CALLS, trace.clone()));
    }
    for _ in 0..2 {
        tasks.spawn(stream(client.clone(), trace.clone()));
    }
    let events = tokio::spawn(listen(client.clone(), trace.clone()));
    while let Some(done) = tasks.join_next().await {
        done?;
    }
    events.abort();
    assert!(events.await.is_err_and(|ended| ended.is_cancelled()), "events are in order");
    resumes.store(client.resumes(), Ordering::Relaxed);
    client.close().await;
    Ok(())
}

async fn call(client: Client, from: u64, trace: Trace) {
    let mut clock = tokio::time::interval(PAUSE);
    for number in from..from + CALLS {
        clock.tick().await;
        let answer: u64 = client.call("work.once", &number).await.expect("the call survives");
        assert_eq!(answer, number);
        trace.note(number);
    }
}

async fn stream(client: Client, trace: Trace) {
    let opened = client.open::<_, u64, (u64, Vec<u8>), u64, Infallible>("work.both", &ITEMS);
    let (out, mut items) = opened.expect("open");
    let sending = tokio::spawn(async move {
        let mut clock = tokio::time::interval(PAUSE / 10);
        for n in 0..ITEMS {
            clock.tick().await;
            out.send(n).await.expect("taken");
        }
        out.finish().expect("said");
    });
    let mut expected = 0;
    while let Some(item) = items.next().await {
        let (n, filler) = item.expect("the stream survives");
        assert_eq!((n, filler.len() as u64), (expected, expected * 31 % 500), "in order, once");
        expected += 1;
        trace.note(n);
    }
    assert_eq!(expected, ITEMS);
    assert_eq!(items.finish().await.expect("the result"), ITEMS);
    sending.await.expect("sent");
}

/// Events of qos 0 may be missed while the link is away; they never come twice or out of order.
async fn listen(client: Client, trace: Trace) {
    let mut events = client.events("work.clock").await.expect("granted");
    let mut next = 0_u64;
    while let Some(event) = events.next().await {
        let number: u64 = event.payload().expect("a number");
        assert!(number >= next, "{number} after {next}");
        next = number + 1;
        trace.note(number);
    }
}
