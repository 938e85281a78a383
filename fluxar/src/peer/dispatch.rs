//! What follows from the engine's events once the lock is released.

use crate::engine::Engine;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::error::{Code, Status};
use crate::peer::context::Context;
use crate::peer::core::{Asks, InboundCall, InboundStream, Later, Ring};
use crate::peer::handler::unimplemented;
use crate::peer::hub::Published;
use crate::peer::idempotency::{Begun, KeyName, Waiter};
use crate::peer::job::{self, Duty, Guarded};
use crate::peer::node::{AuthAttempt, Authenticator, NodeInner};
use crate::peer::raw::{Channel, RawSink, RawStreaming};
use crate::peer::router::{Outcome, Params, Route, RouteCache, UnaryFn};
use crate::peer::server::foreign_status;
use crate::peer::shared::Shared;
use crate::peer::state::State;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

/// Answers held back for one lock, in bytes; beyond it they are handed over early.
const ANSWERS_BYTES: usize = 64 << 10;

/// The reserved method that answers with the descriptor of all that is served.
const DESCRIBE: &str = "fluxar.describe";

/// What a reader keeps between two reads.
#[derive(Default)]
pub(crate) struct Scratch {
    routes: RouteCache,
    work: Work,
    next: Vec<Later>,
}

/// Room that a reader keeps in each of its lists when little comes.
const IDLE_ITEMS: usize = 16;

impl Scratch {
    /// Gives back what a burst left behind, in these lists and in `later`.
    pub(crate) fn shrink(&mut self, later: &mut Vec<Later>) {
        later.shrink_to(IDLE_ITEMS);
        self.next.shrink_to(IDLE_ITEMS);
        self.work.answers.shrink_to(IDLE_ITEMS);
        self.work.started.shrink_to(IDLE_ITEMS);
        self.work.published.shrink_to(IDLE_ITEMS);
    }
}

/// Handlers started and answers found while the lock was free, to be handed over under it.
#[derive(Default)]
struct Work {
    answers: Vec<(Duty, Outcome)>,
    answer_bytes: usize,
    started: Vec<(Duty, Guarded)>,
    published: Vec<Published>,
    /// Handlers get one look on the spot.
    is_reader: bool,
}

/// Does all that `later` says, and what follows from that. The reader hands in what it keeps: it
/// gives each handler one poll on the spot, anybody else leaves handlers to tasks.
pub(crate) fn perform(shared: &Arc<Shared>, later: &mut Vec<Later>, reader: Option<&mut Scratch>) {
    let mut own = Scratch::default();
    let is_reader = reader.is_some();
    let Scratch { routes, work, next } = reader.unwrap_or(&mut own);
    work.is_reader = is_reader;
    // The reader flushes by itself.
    let ring = if is_reader { Ring::No } else { Ring::Writer };
    while !later.is_empty() {
        routes.refresh(&shared.routes, &shared.node.routes);
        for item in later.drain(..) {
            if matches!(item, Later::Call(_) | Later::Stream(_) | Later::Subscribe(..)) {
                // What the peer published before is to be found by then.
                work.publish(shared);
            }
            match item {
                Later::Call(call) => work.call(shared, call, routes),
                Later::Stream(stream) => work.stream(shared, stream, routes),
                Later::Unstarted(id, status) => work.answer(Duty::Call(id), Err(status)),
                Later::Publish(topic, payload, options) => {
                    work.published.push((topic, payload, options));
                }
                other => simple(shared, other),
            }
            if work.answer_bytes > ANSWERS_BYTES {
                work.flush(shared, next, ring);
            }
        }
        work.flush(shared, next, ring);
        work.publish(shared);
        std::mem::swap(later, next);
    }
}

/// What needs no batch.
fn simple(shared: &Arc<Shared>, item: Later) {
    match item {
        // A receiver that is gone has lost interest, here and below.
        Later::Answer(waiter, outcome) => drop(waiter.send(outcome)),
        Later::Granted(waiter, outcome) => drop(waiter.send(outcome)),
        Later::Reauthenticated(waiter, outcome) => drop(waiter.send(outcome)),
        Later::Identified(identity) => shared.set_identity(identity),
        Later::Pong(waiter) => drop(waiter.send(())),
        Later::Wake(waker) => waker.wake(),
        Later::Writable => shared.ring_writable(),
        Later::Cancel(context, status) => context.cancel.cancel(status),
        Later::Authenticate(credential, peer, asks) => {
            authenticate(shared, credential, peer, asks);
        }
        Later::Subscribe(id, pattern, options) => {
            shared.node.subscribe_session(shared, id, pattern.as_str(), &options);
        }
        Later::Unsubscribed(id) => shared.node.unsubscribe_session(shared.session, id),
        Later::Resume(session, credential, peer) => {
            match credential {
                Some(credential) => authenticate(shared, credential, peer, Asks::Resume(session)),
                // It comes sealed, with the proof: whoever takes the link over asks then.
                None => decide_resume(
                    shared,
                    shared.node.admits(shared.session, true).map(|()| None),
                    session,
                ),
            }
        }
        Later::Handover => shared.ring_over(),
        Later::Detached(reason) => {
            tracing::debug!(target: "fluxar", %reason, "the link is lost");
            shared.show_phase(Some(reason));
            shared.ring_over();
            if !shared.is_dialer {
                shared.node.session_detached(shared);
            }
        }
        Later::Resumed => {
            tracing::debug!(target: "fluxar", "the session goes on");
            shared.show_phase(None);
        }
        Later::Ready(peer) => ready(shared, peer),
        Later::Draining => {
            shared.show_phase(None);
            // Nothing new is taken: whoever waits for room need not wait for the end.
            shared.end_waiting();
        }
        Later::Abort(jobs) => jobs.iter().for_each(|job| job.abort.abort()),
        Later::Closed(reason, reconnects) => {
            shared.node.forget_session(shared.session);
            let state = if reconnects { State::Disconnected } else { State::Closed };
            shared.advance(state, reason);
            shared.ring_over();
            // Whoever waits for room must find out that there will be none.
            shared.end_waiting();
            if !reconnects {
                // Handlers may hold this session in turn.
                shared.routes.clear();
            }
        }
        Later::Call(_) | Later::Stream(_) | Later::Unstarted(..) | Later::Publish(..) => {
            debug_assert!(false, "handled by the batch");
        }
    }
}

impl Work {
    fn answer(&mut self, duty: Duty, outcome: Outcome) {
        self.answer_bytes +=
            outcome.as_ref().map_or(64, |bytes| bytes.as_ref().map_or(0, Vec::len));
        self.answers.push((duty, outcome));
    }

    fn call(&mut self, shared: &Arc<Shared>, call: InboundCall, routes: &RouteCache) {
        let duty = call.id.map_or(Duty::Notification, Duty::Call);
        let Some(Route::Unary(handler)) = routes.find(call.target.as_str()) else {
            if call.target.as_str() == DESCRIBE {
                return self.answer(duty, Ok(Some(routes.describe())));
            }
            let status = refusal(routes, call.target.as_str());
            return self.answer(duty, Err(status));
        };
        if let (Some(id), Some(key)) = (call.id, call.meta.idempotency_key()) {
            return keyed(shared, id, key, call, &**handler);
        }
        let context = Context::new(shared, call.target, call.meta, call.deadline);
        let inner = Arc::clone(&context.inner);
        let params = Params::new(call.payload, shared.keys());
        match Guarded::start(inner, || handler(context, params)) {
            Err(status) => self.answer(duty, Err(status)),
            Ok(mut work) if self.is_reader => match work.poll_at_once() {
                Poll::Ready(outcome) => self.answer(duty, outcome),
                Poll::Pending => self.started.push((duty, work)),
            },
            Ok(work) => self.started.push((duty, work)),
        }
    }

    fn stream(&mut self, shared: &Arc<Shared>, stream: InboundStream, routes: &RouteCache) {
        let duty = Duty::Stream(stream.id.id);
        let Some(Route::Stream(handler)) = routes.find(stream.target.as_str()) else {
            let status = refusal(routes, stream.target.as_str());
            return self.answer(duty, Err(status));
        };
        let context = Context::new(shared, stream.target, stream.meta, stream.deadline);
        let inner = Arc::clone(&context.inner);
        let channel = Channel::open(shared, stream.id, false);
        let lease = match shared.lease_credit() {
            Err(status) if !stream.half_closed => return self.answer(duty, Err(status)),
            lease => lease.ok().filter(|_| !stream.half_closed),
        };
        let input = RawStreaming::new(Arc::clone(&channel), lease);
        let params = Params::new(stream.payload, shared.keys());
        match Guarded::start(inner, || handler(context, params, input, RawSink::new(channel))) {
            Err(status) => self.answer(duty, Err(status)),
            // Never polled on the spot: a stream that has much to say would hold up the reader.
            Ok(work) => self.started.push((duty, work)),
        }
    }

    /// Brings what was published to its subscribers, in one go.
    fn publish(&mut self, shared: &Arc<Shared>) {
        if self.published.is_empty() {
            return;
        }
        // Nobody answers a publication. A topic that is none was refused by the engine, and that no
        // more is kept is told by the hub.
        let _unrouted = shared.node.publish(&self.published);
        self.published.clear();
    }

    /// Hands answers to the engine, and what is not done to tasks.
    fn flush(&mut self, shared: &Arc<Shared>, next: &mut Vec<Later>, ring: Ring) {
        self.answer_bytes = 0;
        if self.answers.is_empty() && self.started.is_empty() {
            return;
        }
        let mut woken = Vec::new();
        let (epoch, has_rest) = shared.locked(next, ring, |core, now| {
            (core.book.epoch, core.answer(now, &mut self.answers, &mut woken))
        });
        next.append(&mut woken);
        let mut jobs = Vec::new();
        if has_rest {
            let mut rest = std::mem::take(&mut self.answers);
            let waiting = Arc::clone(shared);
            let answering = async move { job::answer_all(&waiting, epoch, &mut rest).await };
            jobs.push(shared.start_job(shared.key(), epoch, None, answering));
        }
        for (duty, work) in self.started.drain(..) {
            let key = match duty {
                Duty::Call(id) | Duty::Stream(id) => id,
                Duty::Notification => shared.key(),
            };
            let context = Some(Arc::clone(work.context()));
            let running = job::run(Arc::clone(shared), epoch, duty, work);
            jobs.push(shared.start_job(key, epoch, context, running));
        }
        if jobs.is_empty() {
            return;
        }
        let late = shared.locked(next, ring, |core, _| {
            for (key, job) in &jobs {
                // Between the call's arrival and now.
                let status = core.book.cancelled_early.remove(key);
                let context = job.context.clone();
                woken.extend(context.zip(status).map(|(c, status)| Later::Cancel(c, status)));
            }
            core.register(epoch, jobs)
        });
        late.iter().for_each(|job| job.abort.abort());
        next.append(&mut woken);
    }
}

/// A call that may come more than once. Its handler belongs to the node, and runs to its end
/// whatever becomes of the session: the next attempt finds it, or its outcome.
fn keyed(shared: &Arc<Shared>, id: u64, key: [u8; 16], call: InboundCall, handler: &UnaryFn) {
    let name = KeyName { owner: shared.owner(), target: call.target.to_string(), key };
    let (epoch, cancelled) = shared.lock().book.wait_with_key(id);
    if let Some(status) = cancelled {
        return answer_waiter(Waiter { shared: Arc::clone(shared), epoch, id }, Err(status));
    }
    let waiter = Waiter { shared: Arc::clone(shared), epoch, id };
    let payload = call.payload.clone().unwrap_or_default();
    let now = tokio::time::Instant::now();
    let outcome = match shared.node.keys().begin(name.clone(), &payload, waiter, now) {
        Begun::Attached => return,
        Begun::Run => {
            let context = Context::new(shared, call.target, call.meta, call.deadline);
            let deadline = context.deadline();
            let params = Params::new(call.payload, shared.keys());
            let inner = Arc::clone(&context.inner);
            let started = Guarded::start(inner, || handler(context, params));
            let node = Arc::clone(&shared.node);
            shared.runtime.spawn(async move { finish_keyed(&node, name, started, deadline).await });
            return;
        }
        Begun::Done(outcome) => outcome,
        Begun::Refused(status) => Err(status),
    };
    answer_waiter(Waiter { shared: Arc::clone(shared), epoch, id }, outcome);
}

async fn finish_keyed(
    node: &NodeInner,
    name: KeyName,
    started: Result<Guarded, Status>,
    deadline: Option<tokio::time::Instant>,
) {
    let outcome = match (started, deadline) {
        (Err(status), _) => Err(status),
        (Ok(work), None) => work.await,
        (Ok(work), Some(deadline)) => match tokio::time::timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            // What it came to is not known: the next attempt runs it anew.
            Err(_) => {
                let text = "the deadline passed before the handler came to its end";
                let status = Status::new(Code::DeadlineExceeded, text);
                let waiters = node.keys().forget(&name);
                return waiters.into_iter().for_each(|w| answer_waiter(w, Err(status.clone())));
            }
        },
    };
    let waiters = node.keys().finish(&name, &outcome, tokio::time::Instant::now());
    waiters.into_iter().for_each(|waiter| answer_waiter(waiter, outcome.clone()));
}

/// Answers one of the attempts, if its session still is there.
fn answer_waiter(waiter: Waiter, outcome: Outcome) {
    let Waiter { shared, epoch, id } = waiter;
    let answering = Arc::clone(&shared);
    shared.runtime.spawn(async move {
        job::answer_all(&answering, epoch, &mut vec![(Duty::Call(id), outcome)]).await;
    });
}

/// Why a target is not served that way.
fn refusal(routes: &RouteCache, target: &str) -> Status {
    let text = match routes.find(target) {
        Some(Route::Stream(_)) => "is a stream: open it as one",
        Some(Route::Unary(_)) => "is a plain call: call it",
        None => return unimplemented(target),
    };
    Status::new(Code::Unimplemented, format!("`{target}` {text}"))
}

/// Asks the authenticator, in a task of the session: one at a time, and the last offer counts.
fn authenticate(shared: &Arc<Shared>, credential: Credential, peer: PeerInfo, asks: Asks) {
    let (resumes, seal_key) = match asks {
        Asks::Session { seal_key, .. } => (false, seal_key),
        Asks::Resume(_) => (true, None),
    };
    if let Err(status) = shared.node.admits(shared.session, resumes) {
        return decide(shared, asks, Err(status));
    }
    let attempt = AuthAttempt::new(credential, peer, shared.link_info(), seal_key);
    let Some(authenticator) = shared.node.authenticator.clone() else {
        return decide(shared, asks, unjudged(&attempt));
    };
    let waiting = Arc::clone(shared);
    let deciding = async move { decide(&waiting, asks, judge(authenticator, attempt).await) };
    let key = shared.spawn_job(deciding);
    let mut core = shared.lock();
    let before = core.book.deciding.replace(key);
    let before = before.and_then(|key| core.book.jobs.remove(&key));
    drop(core);
    before.into_iter().for_each(|job| job.abort.abort());
}

/// What the authenticator says, whatever becomes of it.
pub(crate) async fn judge(
    authenticator: Arc<dyn Authenticator>,
    attempt: AuthAttempt,
) -> Result<Identity, Status> {
    let deciding = AssertUnwindSafe(async move { authenticator.authenticate(attempt).await });
    deciding.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(target: "fluxar", "the authenticator panicked");
        Err(Status::new(Code::Internal, "the authenticator panicked: see the callee's log"))
    })
}

/// What somebody is where there is no authenticator: anybody, who may do everything. But not over a
/// link that has asked for a certificate: nobody has said what that is worth. `[L4.auth.4]`
fn unjudged(attempt: &AuthAttempt) -> Result<Identity, Status> {
    if attempt.certificate().is_none() {
        return Ok(Identity::anonymous());
    }
    let text = "[L4.auth.4] this peer asks for certificates and has no authenticator to judge them: \
                give it one";
    Err(Status::new(Code::Unauthenticated, text))
}

/// The link is for a session that was made before, if that still is there and is the same
/// identity's.
fn decide_resume(
    shared: &Arc<Shared>,
    decision: Result<Option<Identity>, Status>,
    session: [u8; 16],
) {
    let judged = decision.as_ref().ok().and_then(Clone::clone);
    let decision = decision.and_then(|identity| {
        let unknown = || {
            let text = "[L4.resume.5] this session is not known here: make another";
            Status::new(Code::NotFound, text)
        };
        let found = shared.node.resumable(session).ok_or_else(unknown)?;
        if identity.is_some_and(|identity| !found.identity().is_the_same_as(&identity)) {
            return Err(foreign_status());
        }
        let ticket = found.lock().engine.as_ref().and_then(|engine| engine.ticket());
        ticket.ok_or_else(unknown)
    });
    shared.with(|core, now| {
        let Some(engine) = core.engine.as_mut() else { return };
        match decision {
            Ok(ticket) => {
                engine.accept_resume(now, ticket);
                core.judged = judged;
            }
            Err(status) => engine.refuse(now, &status),
        }
    });
}

fn decide(shared: &Arc<Shared>, asks: Asks, decision: Result<Identity, Status>) {
    let offer = match asks {
        Asks::Resume(session) => return decide_resume(shared, decision.map(Some), session),
        Asks::Session { offer, .. } => offer,
    };
    let decision =
        decision.and_then(|identity| shared.node.admit(shared.session).map(|()| identity));
    shared.with(|core, now| {
        let Some(engine) = core.engine.as_mut().filter(|engine| engine.is_asking(offer)) else {
            return;
        };
        match decision {
            Ok(identity) => engine.accept(now, identity),
            Err(status) => engine.refuse(now, &status),
        }
    });
}

fn ready(shared: &Arc<Shared>, peer: PeerInfo) {
    let core = shared.lock();
    let identity = core.engine.as_ref().map(|engine| engine.identity().clone());
    shared.set_numbered(core.engine.as_ref().is_some_and(Engine::numbered_keys));
    drop(core);
    shared.set_peer(peer, identity.unwrap_or_else(|| Identity::new("", Rights::none())));
    shared.node.session_ready(shared);
    if shared.lock().has_ended() {
        // Somebody else has heard of the end first, and forgotten what was not there yet.
        return shared.node.forget_session(shared.session);
    }
    shared.show_phase(None);
    if !shared.lock().book.subscriptions.is_empty() {
        let again = Arc::clone(shared);
        shared.spawn_job(async move { crate::peer::events::resubscribe(&again).await });
    }
}
