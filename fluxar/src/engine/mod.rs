//! The protocol as one state machine: no clock, no socket, no task, no lock, no randomness.
//!
//! Four families of methods:
//! - what happened: `handle_link_up`, `handle_bytes`, `handle_link_down`, `handle_timeout`;
//! - what the application wants: `call`, `respond`, `open_stream`, `publish`, … ([`commands`]);
//! - what to do next: [`Engine::poll_transmit`], [`Engine::poll_event`], [`Engine::poll_timeout`];
//! - what it tells of itself, in `getters.rs`.
//!
//! Time is handed in and never goes backwards. After anything of the first two families (and after
//! `poll_transmit`, which makes room), drain the events before waiting. The same inputs give the
//! same outputs, byte for byte. Nothing is held beyond [`Limits`](crate::config::Limits).

pub mod commands;
mod config;
pub mod event;
pub mod frame;
mod getters;
mod inbound;
pub mod items;
pub mod message;
mod outbox;
pub mod pattern;
mod relink;
mod replay;
pub mod sealing;
pub mod session;
#[cfg(feature = "testing")]
pub(crate) mod snapshot;
pub mod time;
pub mod violation;
pub mod wire;

#[cfg(test)]
mod tests;

pub use config::{Compression, EngineConfig, Role, WireConfig};
pub use inbound::Turn;

use crate::engine::event::Event;
use crate::engine::frame::Assembler;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::outbox::{Effects, Outbox};
use crate::engine::pattern::pubsub::Subscriptions;
use crate::engine::pattern::rpc::Calls;
use crate::engine::pattern::stream::Streams;
use crate::engine::relink::{Answered, Offered, Resumable};
use crate::engine::replay::Replay;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::budget::Budget;
use crate::engine::session::challenge::{LinkBinding, Transcript};
use crate::engine::session::handshake::{HelloBody, PeerInfo};
use crate::engine::session::heartbeat::{Heartbeat, LinkUse, Tick};
use crate::engine::session::limits::PeerLimits;
use crate::engine::session::phase::Phase;
use crate::engine::session::receipts::Receipts;
use crate::engine::session::resume::{Ephemeral, LinkFacts};
use crate::engine::time::Time;
use crate::engine::violation::Violation;
use crate::engine::wire::compress::{Codec, Contexts};
use crate::engine::wire::seal::Seal;
use crate::error::{Code, Origin, Status};
use bytes::BytesMut;
use std::collections::VecDeque;

/// Which HELLO is due.
#[derive(Debug)]
enum Handshake {
    Idle,
    AwaitOffer,
    AwaitDecision {
        offer: u64,
        body: Box<HelloBody>,
    },
    AwaitAnswer {
        offer: u64,
        ephemeral: Option<Box<Ephemeral>>,
    },
    AwaitConfirm {
        offer: u64,
        answer: u64,
        body: Box<HelloBody>,
    },
    /// Of a link that is sealed.
    AwaitWelcome {
        offer: u64,
        body: Box<HelloBody>,
    },
    /// The same for another link of a session.
    AwaitResumed(Box<Offered>),
    AwaitProof(Box<Answered>),
    Done,
}

/// One session of one peer. See the module.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    role: Role,
    now: Time,
    phase: Phase,
    handshake: Handshake,
    handshake_deadline: Option<Time>,
    drain_deadline: Option<Time>,
    /// A goodbye is to be said, as soon as everything that we opened has left.
    goodbye_due: bool,
    goodbye_sent: bool,
    goodbye_heard: bool,
    next_id: u64,
    highest_remote_id: u64,
    identity: Identity,
    /// Who the peer will be when it has confirmed; only while it authenticates again.
    next_identity: Option<Identity>,
    /// When the identity ends, and whether it has.
    expires: Option<Time>,
    is_expired: bool,
    transcript: Transcript,
    peer: PeerInfo,
    peer_limits: PeerLimits,
    numbered_keys: bool,
    session: [u8; 16],
    facts: LinkFacts,
    /// Both sides want to go on over another link when this one is lost.
    resumable: Option<Box<Resumable>>,
    receipts: Receipts,
    fx: Effects,
    assembler: Assembler,
    heartbeat: Heartbeat,
    budget: Budget,
    calls: Calls,
    streams: Streams,
    subscriptions: Subscriptions,
    /// A command was refused for want of room in the outbox, or of a slot at the peer.
    wants_room: bool,
    wants_small_room: bool,
    wants_slot: bool,
    notifications_dropped: u64,
    /// Bytes of the frame at the front that has not all come.
    partial_bytes: usize,
    /// Bytes of frames and messages that were not whole when they came.
    received_bytes: u64,
    /// The link belongs to another engine by now, and so does what has come over it.
    handed_over: bool,
    /// The present link's.
    seal: Option<Seal>,
    /// The session is sealed, on each of its links, by a peer with this key if it has one.
    sealed_with: Option<Option<[u8; 32]>>,
    /// Frames of a record that are not read yet.
    opened: BytesMut,
    /// The last batch before it was sealed.
    plain_batch: Vec<u8>,
    /// What messages may be compressed by, both ways.
    codecs: Vec<Codec>,
    contexts: Contexts,
}

impl Engine {
    /// An engine without a link.
    #[must_use]
    pub fn new(config: EngineConfig, role: Role, now: Time) -> Self {
        let limits = &config.limits;
        let replay = Replay::new(limits.replay_bytes_max, limits.replay_messages_max);
        Self {
            role,
            now,
            phase: Phase::Idle,
            handshake: Handshake::Idle,
            handshake_deadline: None,
            drain_deadline: None,
            goodbye_due: false,
            goodbye_sent: false,
            goodbye_heard: false,
            next_id: if role == Role::Dialer { 1 } else { 2 },
            highest_remote_id: 0,
            identity: Identity::new("", Rights::none()),
            next_identity: None,
            expires: None,
            is_expired: false,
            transcript: Transcript::default(),
            peer: PeerInfo::default(),
            peer_limits: PeerLimits::of(limits),
            numbered_keys: false,
            session: config.session,
            facts: LinkFacts::default(),
            resumable: None,
            receipts: Receipts::default(),
            fx: Effects {
                out: Outbox::new(limits.fragment_bytes, replay),
                events: VecDeque::new(),
            },
            assembler: Assembler::new(
                limits.groups_max,
                limits.reassembly_bytes_max,
                limits.message_bytes_max,
            ),
            heartbeat: Heartbeat::new(
                limits.heartbeat,
                limits.silence_heartbeats_tenths,
                limits.stall_timeout,
                now,
            ),
            budget: Budget::new(
                limits.budget_burst,
                limits.budget_per_second,
                limits.unknown_refs_max,
                now,
            ),
            calls: Calls::default(),
            streams: Streams::default(),
            subscriptions: Subscriptions::new(
                limits.subscription_bytes_max,
                limits.session_queue_bytes_max,
            ),
            wants_room: false,
            wants_small_room: false,
            wants_slot: false,
            notifications_dropped: 0,
            partial_bytes: 0,
            received_bytes: 0,
            handed_over: false,
            seal: None,
            sealed_with: None,
            opened: BytesMut::new(),
            plain_batch: Vec::new(),
            codecs: Vec::new(),
            contexts: Contexts::default(),
            config,
        }
    }

    // ---- what happened

    /// Says what is special about the link, before it is up: without it there is no challenge.
    pub fn bind_link(&mut self, binding: LinkBinding) {
        self.transcript.binding = Some(binding);
    }

    /// The link is there, and nothing is known about it: its session cannot be resumed.
    pub fn handle_link_up(&mut self, now: Time) {
        self.handle_link_up_with(now, LinkFacts::default());
    }

    /// The link is there. A dialer offers at once: a session, or to go on with the one it has.
    pub fn handle_link_up_with(&mut self, now: Time, facts: LinkFacts) {
        self.advance(now);
        if self.phase == Phase::Detached {
            return self.offer_resume(facts);
        }
        if self.phase != Phase::Idle {
            return;
        }
        self.facts = facts;
        self.phase = Phase::Handshaking;
        self.handshake_deadline = Some(now + self.config.limits.handshake_timeout);
        if self.role == Role::Acceptor {
            self.handshake = Handshake::AwaitOffer;
            return;
        }
        let ephemeral = self.ephemeral();
        let resume = ephemeral.as_ref().map(|drawn| drawn.hello(self.facts.binding.is_some()));
        let offer = self.mint();
        match self.offer(offer, resume) {
            Ok(body) => self.put_offer(offer, &body, ephemeral),
            Err(violation) => self.fail(violation),
        }
    }

    fn put_offer(&mut self, offer: u64, body: &HelloBody, ephemeral: Option<Box<Ephemeral>>) {
        let body = body.encode();
        self.transcript.offered(&body);
        self.put_hello_bytes(offer, 0, Some(&body));
        self.handshake = Handshake::AwaitAnswer { offer, ephemeral };
    }

    /// Authenticates again, on a session that is ready.
    fn offer_again(&mut self) {
        let mut body = HelloBody::of(&self.config.limits, self.config.peer.clone());
        if matches!(self.config.credential, Credential::Key(_)) {
            body.nonce = self.transcript.draw();
        }
        body.credential = Some(self.config.credential.clone());
        let offer = self.mint();
        self.put_offer(offer, &body, None);
    }

    /// The link is gone. A session that can be resumed waits for another; else everything open
    /// ends: `unavailable` what never left, `indeterminate` what did.
    pub fn handle_link_down(&mut self, now: Time, reason: &Status) {
        self.advance(now);
        if self.phase == Phase::Closed {
            return self.fx.out.clear();
        }
        let reason = reason.clone().with_origin(Origin::Link);
        // The handler of a notification may run on: nobody waits for it.
        let finished = self.calls.is_answered() && self.streams.is_empty();
        let polite = self.is_draining() && finished;
        if self.is_resumable() && !(polite && self.has_parted()) {
            return self.detach(reason);
        }
        self.finish(if polite { None } else { Some(&reason) });
        self.fx.out.clear();
    }

    /// The time that [`Engine::poll_timeout`] named has come (calling early is harmless).
    pub fn handle_timeout(&mut self, now: Time) {
        self.advance(now);
        if self.phase == Phase::Closed {
            return;
        }
        self.calls.sweep(now, &mut self.fx);
        self.streams.sweep(now, &mut self.fx);
        self.receipts.tick(now);
        if self.handshake_deadline.is_some_and(|deadline| deadline <= now) {
            if !matches!(self.phase, Phase::Ready | Phase::Draining) {
                return self.fail(Violation::HandshakeLate);
            }
            self.refuse(now, &Status::new(Code::DeadlineExceeded, "nobody decided in time"));
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            self.expire();
        }
        if self.drain_deadline.is_some_and(|deadline| deadline <= now) {
            let late = Status::new(Code::Cancelled, "the session drained for as long as it may");
            let is_done = self.is_idle() && !self.fx.out.has_flows();
            self.finish(if is_done { None } else { Some(&late) });
            // What was told to be unsent must not be sent now.
            return self.fx.out.clear();
        }
        if self.is_given_up(now) {
            return;
        }
        if self.heartbeat.timeout().is_some_and(|deadline| deadline <= now) {
            let transmitted = std::mem::take(&mut self.fx.out.transmitted);
            if !transmitted {
                self.fx.shrink();
                self.contexts.forget();
                self.plain_batch = Vec::new();
            }
            let incomplete = self.partial_bytes > 0 || self.assembler.is_open();
            let tick = LinkUse {
                transmitted,
                waiting: self.fx.out.bytes() > 0,
                moved: self.fx.out.moved(),
                incomplete,
                received: self.received_bytes,
            };
            match self.heartbeat.tick(now, &tick) {
                Tick::Quiet => {}
                Tick::Send => self.put_receipt(),
                Tick::Lost(Violation::Silent) if self.is_resumable() => {
                    self.detach_for(Violation::Silent);
                }
                Tick::Lost(violation) => self.fail(violation),
            }
        }
    }

    // ---- what to do next

    /// Moves bytes for the link into `batch`, which must be empty: whole frames, at most about
    /// 64 KiB beside the small messages that wait. False when there is nothing. Makes room, so
    /// drain the events afterwards.
    pub fn poll_transmit(&mut self, batch: &mut Vec<u8>) -> bool {
        if let Some(ping) = self.heartbeat.pong_due.take() {
            self.fx.out.put_now(&Outgoing::answering(Kind::Ack, ping));
        }
        if self.receipts.is_due() || (self.receipts.goes_along() && self.fx.out.has_output()) {
            self.put_receipt();
        }
        let any = self.take_batch(batch);
        self.say_goodbye();
        let soft = self.config.limits.outbox_soft_bytes as usize;
        let alive = self.phase != Phase::Closed;
        // What is small has gone by now; what is not waits until little else does.
        let is_room = self.wants_small_room || (self.wants_room && self.fx.out.bytes() < soft);
        if any && alive && is_room {
            self.wants_small_room = false;
            self.wants_room &= self.fx.out.bytes() >= soft;
            self.fx.emit(Event::Writable);
            self.streams.writable(&mut self.fx);
        }
        if any {
            self.flush_subscriptions();
            self.check_drained();
        }
        any
    }

    /// The next thing that the application must know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.fx.events.pop_front()
    }

    /// Bytes of whole frames that may leave at once.
    #[must_use]
    pub fn ready_bytes(&self) -> usize {
        self.fx.out.ready_bytes()
    }

    /// Whether `poll_event` has something.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.fx.events.is_empty()
    }

    /// The latest time that was handed in.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// When to call [`Engine::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let timers = [
            self.handshake_deadline,
            self.expires,
            self.drain_deadline,
            self.heartbeat.timeout(),
            self.calls.timeout(),
            self.streams.timeout(),
            self.receipts.timeout(),
            self.detached_until(),
        ];
        timers.into_iter().flatten().min()
    }

    // ---- inside

    fn advance(&mut self, now: Time) {
        // Threads may read the clock in one order and take the lock in another.
        self.now = now.max(self.now);
    }

    fn mint(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 2;
        id
    }

    fn put_hello_bytes(&mut self, id: u64, reference: u64, body: Option<&[u8]>) {
        let mut message = Outgoing::answering(Kind::Hello, reference);
        message.id = id;
        message.payload = body;
        self.fx.out.put_front(&message);
    }

    fn flush_subscriptions(&mut self) {
        let soft = self.config.limits.outbox_soft_bytes as usize;
        for _ in 0..self.subscriptions.flush(soft, &mut self.fx) {
            self.budget.earn();
        }
    }

    fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.streams.is_empty()
    }

    /// A goodbye is small, and must not overtake what was opened before it.
    fn say_goodbye(&mut self) {
        if self.goodbye_due && !self.fx.out.has_opening() {
            self.goodbye_due = false;
            self.goodbye_sent = true;
            self.fx.out.put_now(&Outgoing::new(Kind::Cancel));
        }
    }

    /// After anything ended: a drained session closes, when its last words are on their way.
    fn check_drained(&mut self) {
        let both = self.goodbye_sent && self.goodbye_heard;
        let idle = self.is_idle() && !self.fx.out.has_flows();
        if self.phase == Phase::Draining && both && idle && !self.owes() {
            self.finish(None);
        }
    }

    /// The peer broke a rule: it is told which, and its session is over.
    fn fail(&mut self, violation: Violation) {
        if self.phase == Phase::Detached && self.has_link() {
            // Whoever spoke has not proved that the session is its own, and must not end it.
            return self.detach_for(violation);
        }
        self.abort(&violation.status());
    }

    /// Says goodbye with an error, and is over.
    fn abort(&mut self, status: &Status) {
        if self.phase == Phase::Closed {
            return;
        }
        let linked = !matches!(self.phase, Phase::Idle | Phase::Detached);
        self.finish(Some(status));
        // What was told to be unsent must not be sent now.
        self.fx.out.clear();
        if linked {
            let last_words = brief(status);
            self.fx.out.put_front(&Outgoing::new(Kind::Cancel).with_error(Some(&last_words)));
        }
    }

    /// Ends everything that is open.
    fn finish(&mut self, reason: Option<&Status>) {
        if self.is_resumable() && self.phase == Phase::Draining && reason.is_none() {
            // The last words: the other side may close, too.
            self.put_receipt();
        }
        self.phase = Phase::Closed;
        self.resumable = None;
        self.receipts.stop();
        self.handshake = Handshake::Done;
        self.heartbeat.pong_due = None;
        self.handshake_deadline = None;
        self.expires = None;
        self.drain_deadline = None;
        self.goodbye_due = false;
        self.wants_slot = false;
        self.heartbeat.stop();
        self.assembler.clear();
        let polite = Status::new(Code::Unavailable, "the session was closed");
        let why = reason.unwrap_or(&polite);
        self.calls.close(why, &mut self.fx);
        self.streams.close(why, &mut self.fx);
        self.subscriptions.close(reason, &mut self.fx);
        self.fx.out.replay.stop();
        self.fx.out.clear_flows();
        self.fx.emit(Event::Closed { reason: reason.cloned() });
    }
}

/// Bytes of the message of a status that must fit into one frame of any peer.
const BRIEF_BYTES: usize = 512;

/// A status that fits into one frame of any peer.
fn brief(status: &Status) -> Status {
    Status::new(status.code(), message::envelope::cut(status.message(), BRIEF_BYTES))
}
