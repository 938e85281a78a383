//! Sessions that outlive their links, with the whole peer on top.

use super::{LONG, soon};
use crate::error::{Code, Status};
use crate::peer::{
    AuthAttempt, Backoff, Client, Context, NodeLimits, Server, Sink, State, Streaming,
};
use crate::testing::{Direction, FaultyLink, LinkControl};
use crate::transport::{DialOptions, mem};
use crate::{Identity, Limits, Rights};
use std::future::pending;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Links on demand: each with its script, and each in the test's hand.
#[derive(Clone, Default)]
pub(super) struct Cable {
    server: Arc<Mutex<Option<Server>>>,
    links: Arc<Mutex<Vec<LinkControl>>>,
}

impl Cable {
    pub(super) fn to(server: &Server) -> Self {
        let cable = Self::default();
        cable.plug(server);
        cable
    }

    fn plug(&self, server: &Server) {
        *self.server.lock().unwrap() = Some(server.clone());
    }

    pub(super) async fn client(
        &self,
        script: impl Fn(usize) -> FaultyLink + Send + Sync + 'static,
    ) -> Client {
        self.client_with(script, |builder| builder).await
    }

    pub(super) async fn client_with(
        &self,
        script: impl Fn(usize) -> FaultyLink + Send + Sync + 'static,
        change: impl FnOnce(crate::ClientBuilder) -> crate::ClientBuilder,
    ) -> Client {
        let cable = self.clone();
        let dial = move |attempt| {
            let (dialed, accepted) = mem::pair_with_capacity(64 << 10);
            let (dialed, control) = script(attempt).wrap(dialed);
            cable.links.lock().unwrap().push(control);
            if let Some(server) = &*cable.server.lock().unwrap() {
                server.accept_link(accepted);
            }
            async move { Ok(dialed) }
        };
        let builder = change(Client::connect("mem://cable"));
        soon(builder.build_with(dial)).await.unwrap()
    }

    pub(super) fn count(&self) -> usize {
        self.links.lock().unwrap().len()
    }

    pub(super) fn cut(&self) {
        self.links.lock().unwrap().last().unwrap().cut();
    }
}

async fn server() -> Server {
    Server::unbound().build().await.unwrap()
}

/// How often the handler of each call ran.
fn count_calls(server: &Server, runs: &Arc<Vec<AtomicU64>>) {
    let runs = Arc::clone(runs);
    server.handle("work.square", move |n: u64| {
        runs[n as usize].fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, Status>((n * n, vec![7_u8; 400])) }
    });
}

fn serve_numbers(server: &Server) {
    let count = |_: Context, to: u64, mut input: Streaming<u64>, out: Sink<u64>| async move {
        let mut sum = 0;
        for n in 1..=to {
            out.send(n).await?;
        }
        while let Some(n) = input.next().await {
            sum += n?;
        }
        Ok::<_, Status>(sum)
    };
    server.handle_stream("work.count", count);
}

const CALLS: u64 = 256;

fn call_often(client: &Client, rounds: u64, work: &mut JoinSet<()>) {
    for n in 0..CALLS {
        let client = client.clone();
        work.spawn(async move {
            for round in 0..rounds {
                let n = n * rounds + round;
                let (square, _) =
                    client.call::<_, (u64, Vec<u8>)>("work.square", &n).await.unwrap();
                assert_eq!(square, n * n);
            }
        });
    }
}

fn stream_both_ways(client: &Client, rounds: u64, work: &mut JoinSet<()>) {
    for at in 0..64_u64 {
        let client = client.clone();
        work.spawn(async move {
            let to = 36 * rounds + at;
            let (out, mut numbers) = client
                .open::<_, u64, u64, u64, std::convert::Infallible>("work.count", &to)
                .unwrap();
            let sending = async {
                for n in 1..=100 {
                    out.send(n).await.unwrap();
                }
                out.finish().unwrap();
            };
            let receiving = async {
                for n in 1..=to {
                    assert_eq!(numbers.next().await.unwrap().unwrap(), n);
                }
                assert_eq!(numbers.finish().await.unwrap(), 5_050);
            };
            tokio::join!(sending, receiving);
        });
    }
}

/// The figure (`FLUXAR_CUTS=1000` for all of it): links are cut again and again under 64 streams, 256 calls and 16
/// subscriptions. Each call runs and ends once, each item and event comes once and in order.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_over_many_cuts() {
    let asked = std::env::var("FLUXAR_CUTS").ok().and_then(|cuts| cuts.parse().ok());
    survive(asked.unwrap_or(200)).await;
}

/// The same on threads that really run at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_by_threads() {
    survive(100).await;
}

async fn survive(cuts: usize) {
    let rounds = cuts as u64 / 8;
    let server = server().await;
    let runs: Arc<Vec<AtomicU64>> =
        Arc::new((0..CALLS * rounds).map(|_| AtomicU64::new(0)).collect());
    count_calls(&server, &runs);
    serve_numbers(&server);
    let cable = Cable::to(&server);
    let script = move |attempt: usize| {
        if attempt >= cuts {
            return FaultyLink::new();
        }
        // Anywhere: within the HELLOs, within a frame, within a replay.
        let bytes = (attempt as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let cut = Direction::new().cut_after(1_000 * u64::from(attempt == 0) + bytes);
        let link = FaultyLink::new();
        if attempt.is_multiple_of(2) { link.sending(cut) } else { link.receiving(cut) }
    };
    let backoff = Backoff::default().first(Duration::from_millis(1));
    let client = cable.client_with(script, |builder| builder.reconnect(backoff)).await;
    let mut work = JoinSet::new();
    for at in 0..16_u64 {
        let mut events = soon(client.events(&format!("news.{at}"))).await.unwrap();
        let (server, topic) = (server.clone(), format!("news.{at}"));
        work.spawn(async move {
            for n in 0..8 * rounds {
                server.publish(&topic, &n).unwrap();
                let event = events.next().await.unwrap();
                assert_eq!(event.payload::<u64>().unwrap(), n);
                assert_eq!(event.dropped(), 0);
            }
        });
    }
    call_often(&client, rounds, &mut work);
    stream_both_ways(&client, rounds, &mut work);
    let all = async {
        while let Some(done) = work.join_next().await {
            done.unwrap();
        }
    };
    tokio::time::timeout(LONG * 20, all).await.expect("something hangs");
    assert!(cable.count() > cuts, "{} links", cable.count());
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "a call ran twice");
    assert_eq!(server.peers().len(), 1, "it was one session all along");
    soon(client.close()).await;
    soon(server.shutdown()).await;
}

/// The application sees a lost link as a state, and calls wait for the next one.
#[tokio::test(start_paused = true)]
async fn a_lost_link_is_a_state_and_nothing_else() {
    let server = server().await;
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, gate) = (Arc::clone(&entered), Arc::clone(&go));
    server.handle("slow.double", move |n: u64| {
        let (told, gate) = (Arc::clone(&told), Arc::clone(&gate));
        async move {
            told.notify_one();
            gate.notified().await;
            Ok::<_, Status>(n * 2)
        }
    });
    server.handle("fast.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let caller = client.clone();
    let slow = tokio::spawn(async move { caller.call::<_, u64>("slow.double", &4).await });
    soon(entered.notified()).await;
    // Nobody accepts for a while.
    *cable.server.lock().unwrap() = None;
    cable.cut();
    assert_eq!(soon(client.state_changed(State::Ready)).await, State::Detached);
    let caller = client.clone();
    let queued = tokio::spawn(async move { caller.call::<_, u64>("fast.double", &5).await });
    let late = client.request::<_, u64>("fast.double", &6).timeout(Duration::from_secs(1)).send();
    assert_eq!(soon(late).await.unwrap_err().code(), Code::DeadlineExceeded);
    cable.plug(&server);
    assert_eq!(soon(client.state_changed(State::Detached)).await, State::Ready);
    assert_eq!(soon(queued).await.unwrap().unwrap(), 10);
    go.notify_one();
    assert_eq!(soon(slow).await.unwrap().unwrap(), 8);
}

/// A link that only seems to live is given up after silence; the one that takes over fences it at
/// the other side, where it seemed to live as well.
#[tokio::test(start_paused = true)]
async fn a_half_open_link_is_replaced() {
    let server = server().await;
    server.handle("fast.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    cable.links.lock().unwrap()[0].stall();
    let call = client.call::<_, u64>("fast.double", &4);
    assert_eq!(soon(call).await.unwrap(), 8);
    assert_eq!(cable.count(), 2);
    assert_eq!(server.peers().len(), 1);
}

/// `[L4.lost.1]`: a session that the other side does not know any more is lost: what was sent is
/// indeterminate, and the next session serves the next call.
#[tokio::test(start_paused = true)]
async fn a_restarted_server_knows_no_session() {
    let first = server().await;
    let entered = Arc::new(Notify::new());
    let told = Arc::clone(&entered);
    first.handle("work.hang", move |(): ()| {
        told.notify_one();
        pending::<Result<(), Status>>()
    });
    let cable = Cable::to(&first);
    let client = cable.client(|_| FaultyLink::new()).await;
    let caller = client.clone();
    let sent = tokio::spawn(async move { caller.call::<_, ()>("work.hang", &()).await });
    soon(entered.notified()).await;
    let second = server().await;
    second.handle("fast.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    cable.plug(&second);
    drop(first);
    cable.cut();
    assert_eq!(soon(sent).await.unwrap().unwrap_err().code(), Code::Indeterminate);
    while client.state() != State::Ready {
        soon(client.state_changed(client.state())).await;
    }
    assert_eq!(soon(client.call::<_, u64>("fast.double", &3)).await.unwrap(), 6);
}

/// `[L4.resume.5]`: whoever comes back must be who it was.
#[tokio::test(start_paused = true)]
async fn a_session_belongs_to_its_identity() {
    let asked = Arc::new(AtomicUsize::new(0));
    let authenticator = {
        let asked = Arc::clone(&asked);
        move |_: AuthAttempt| {
            let name = format!("user{}", asked.fetch_add(1, Ordering::Relaxed));
            async move { Ok::<_, Status>(Identity::new(name, Rights::all())) }
        }
    };
    let server = Server::unbound().authenticator(authenticator).build().await.unwrap();
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let before = server.peers()[0].identity().name.clone();
    cable.cut();
    assert_eq!(soon(client.state_changed(State::Ready)).await, State::Detached);
    assert_eq!(soon(client.state_changed(State::Detached)).await, State::Disconnected);
    while client.state() != State::Ready {
        soon(client.state_changed(client.state())).await;
    }
    assert_eq!(before, "user0");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

/// Of one identity's sessions without a link only so many are kept, the newest.
#[tokio::test(start_paused = true)]
async fn detached_sessions_are_bounded() {
    let authenticator =
        |_: AuthAttempt| async { Ok::<_, Status>(Identity::new("one", Rights::all())) };
    let limits = NodeLimits { detached_per_identity_max: 2, ..NodeLimits::default() };
    let builder = Server::unbound().authenticator(authenticator).node_limits(limits);
    let server = builder.build().await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let cable = Cable::to(&server);
        clients.push((cable.client(|_| FaultyLink::new()).await, cable));
    }
    for (client, cable) in &clients {
        *cable.server.lock().unwrap() = None;
        cable.cut();
        soon(client.state_changed(State::Ready)).await;
    }
    while server.peers().len() > 2 {
        tokio::task::yield_now().await;
    }
    assert!(server.peers().iter().all(|peer| peer.state() == State::Detached));
}

/// `[L4.detached.1]`: neither side waits for ever.
#[tokio::test(start_paused = true)]
async fn a_detached_session_has_an_end() {
    let server = server().await;
    let cable = Cable::to(&server);
    let limits = Limits { detached_timeout: Duration::from_secs(7), ..Limits::default() };
    let backoff = Backoff::default().longest(Duration::from_secs(1));
    let change = |builder: crate::ClientBuilder| builder.limits(limits).reconnect(backoff);
    let client = cable.client_with(|_| FaultyLink::new(), change).await;
    *cable.server.lock().unwrap() = None;
    let since = tokio::time::Instant::now();
    cable.cut();
    assert_eq!(soon(client.state_changed(State::Ready)).await, State::Detached);
    assert_eq!(soon(client.state_changed(State::Detached)).await, State::Disconnected);
    assert!((7..9).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    let peers = || server.peers().len();
    assert_eq!(peers(), 1);
    tokio::time::advance(Duration::from_secs(120)).await;
    while peers() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Either side can do without: then a lost link ends what was open, as it always did.
#[tokio::test(start_paused = true)]
async fn resume_can_be_switched_off() {
    for (ours, theirs) in [(false, true), (true, false)] {
        let server = Server::unbound().resume(theirs).build().await.unwrap();
        let cable = Cable::to(&server);
        let client = cable.client_with(|_| FaultyLink::new(), |builder| builder.resume(ours)).await;
        cable.cut();
        assert_eq!(soon(client.state_changed(State::Ready)).await, State::Disconnected);
    }
}

/// Saying goodbye without a link does not wait for one when nothing is open.
#[tokio::test(start_paused = true)]
async fn closing_without_a_link_ends_at_once() {
    let server = server().await;
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    *cable.server.lock().unwrap() = None;
    cable.cut();
    assert_eq!(soon(client.state_changed(State::Ready)).await, State::Detached);
    let since = tokio::time::Instant::now();
    client.close().await;
    assert!(since.elapsed() < Duration::from_millis(200));
    assert_eq!(client.state(), State::Closed);
}

/// The next link may be of another transport: from TCP to WebSocket and back.
#[tokio::test]
async fn a_session_moves_to_another_transport() {
    let server = Server::bind("tcp://127.0.0.1:0").also("ws://127.0.0.1:0").build().await.unwrap();
    server.handle("fast.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
    let addresses = server.addresses().to_vec();
    let running = server.clone();
    let task = tokio::spawn(async move { running.run().await });
    let links: Arc<Mutex<Vec<LinkControl>>> = Arc::default();
    let made = Arc::clone(&links);
    let dial = move |attempt: usize| {
        let (address, made) = (addresses[attempt % 2].clone(), Arc::clone(&made));
        async move {
            let link = crate::transport::dial(&address, &DialOptions::default()).await?;
            let (link, control) = FaultyLink::new().wrap(link);
            made.lock().unwrap().push(control);
            Ok(link)
        }
    };
    let client = Client::connect("tcp://unused").build_with(dial).await.unwrap();
    for times in 0..4 {
        assert_eq!(client.call::<_, u64>("fast.double", &3).await.unwrap(), 6);
        let scheme = client.link().unwrap().transport;
        assert_eq!(scheme, if times % 2 == 0 { "tcp" } else { "ws" });
        assert_eq!(client.resumes(), times);
        links.lock().unwrap().last().unwrap().cut();
        client.state_changed(State::Ready).await;
    }
    client.abort(&Status::new(Code::Cancelled, "done"));
    task.abort();
}

/// The first link is tried over each address in turn.
#[tokio::test]
async fn another_address_serves_as_well() {
    let server = Server::bind("mem://resume-second").build().await.unwrap();
    let running = server.clone();
    let task = tokio::spawn(async move { running.run().await });
    let client = Client::connect("mem://resume-first").or("mem://resume-second").build();
    client.await.unwrap().close().await;
    task.abort();
}

/// `[L5.idempotent.1]`, `[L5.idempotent.2]`: a keyed call is sent again over the next session, and
/// attaches to the handler that the first attempt started.
#[tokio::test(start_paused = true)]
async fn a_keyed_call_outlives_its_session_and_runs_once() {
    let server = Server::unbound().resume(false).build().await.unwrap();
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let runs = Arc::new(AtomicUsize::new(0));
    let (told, gate, count) = (Arc::clone(&entered), Arc::clone(&go), Arc::clone(&runs));
    server.handle("pay.once", move |n: u64| {
        let (told, gate) = (Arc::clone(&told), Arc::clone(&gate));
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            told.notify_one();
            gate.notified().await;
            Ok::<_, Status>(n + 1)
        }
    });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let caller = client.clone();
    let paid =
        tokio::spawn(
            async move { caller.request::<_, u64>("pay.once", &1).idempotent().send().await },
        );
    soon(entered.notified()).await;
    for _ in 0..3 {
        cable.cut();
        assert_eq!(soon(client.state_changed(State::Ready)).await, State::Disconnected);
        while client.state() != State::Ready {
            soon(client.state_changed(client.state())).await;
        }
    }
    // The last attempt has to be there before the handler ends, else it would find the outcome.
    soon(client.ping()).await.unwrap();
    go.notify_one();
    assert_eq!(soon(paid).await.unwrap().unwrap(), 2);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// `[L5.idempotent.3]`, `[L5.idempotent.4]`: a key that was used gives the same outcome, and none
/// for other parameters; without one each attempt is a call of its own.
#[tokio::test(start_paused = true)]
async fn a_key_names_one_intention() {
    let server = server().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    server.handle("pay.once", move |n: u64| {
        let run = count.fetch_add(1, Ordering::Relaxed) as u64;
        async move { Ok::<_, Status>(n * 100 + run) }
    });
    let cable = Cable::to(&server);
    let client = cable.client(|_| FaultyLink::new()).await;
    let pay = |n: u64, key: u8| {
        client.request::<_, u64>("pay.once", &n).idempotency_key([key; 16]).send()
    };
    assert_eq!(soon(pay(1, 1)).await.unwrap(), 100);
    assert_eq!(soon(pay(1, 1)).await.unwrap(), 100);
    let conflict = soon(pay(2, 1)).await.unwrap_err();
    assert_eq!(conflict.code(), Code::FailedPrecondition);
    assert_eq!(soon(pay(2, 2)).await.unwrap(), 201);
    tokio::time::advance(Duration::from_secs(25 * 3600)).await;
    let client = cable.client(|_| FaultyLink::new()).await;
    assert_eq!(soon(client.call::<_, u64>("pay.once", &1)).await.unwrap(), 102);
}
