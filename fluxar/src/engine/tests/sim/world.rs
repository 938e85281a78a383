//! Two engines on a link, and the applications behind them.

use super::ledger::{Asker, Call, Ledger, OneWay};
use super::link::{Pipe, Sniffer};
use super::rng::Rng;
use crate::config::Limits;
use crate::engine::event::{Event, Overflow};
use crate::engine::session::auth::{Identity, Rights, pattern_matches};
use crate::engine::session::phase::Phase;
use crate::engine::tests::pair::config;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role, WireConfig};
use crate::error::{Code, Origin, Status};
use bytes::{Bytes, BytesMut};
use std::time::Duration;

/// Rounds that a handshake takes at most.
pub(super) const ROUNDS_MAX: u32 = 2_000;

/// How a run may end: decides what a closed session may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nobody has closed anything yet.
    Alive,
    Goodbye,
    Cut,
    Abort,
}

/// One application and its engine.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) engine: Engine,
    pub(super) inbox: BytesMut,
    pub(super) limits: Limits,
    pub(super) ready: bool,
    pub(super) closed: Option<Option<Code>>,
    /// A command was blocked: nothing is opened until the engine says so.
    pub(super) blocked: bool,
    pub(super) notifications: u64,
    pub(super) ping: Option<u64>,
    authenticate_at: Option<Time>,
    pub(super) down: bool,
    /// What it writes goes nowhere, and it may not know that yet.
    pub(super) cut_off: bool,
}

/// Everything of one run.
#[derive(Debug)]
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) now: Time,
    pub(super) sides: [Side; 2],
    /// `pipes[i]` and `sniffers[i]` are the direction that side `i` sends in.
    pub(super) pipes: [Pipe; 2],
    pub(super) sniffers: [Sniffer; 2],
    pub(super) ledger: Ledger,
    pub(super) ending: Ending,
    /// How many of what it has in hand an application finishes in one go, in percent.
    pub(super) diligence: u64,
    /// What was reported as sent, with nobody knowing what became of it.
    pub(super) unknown: Vec<u64>,
    pub(super) trace: bool,
    pub(super) relink: super::relink::Relink,
    /// The acceptor's.
    pub(super) wire: WireConfig,
    /// Grows with everything that happens: tells whether a run moves.
    pub(super) moves: u64,
}

/// How much is handed to a link at once: as in a program, or so little that a few messages make
/// many batches, and others come between them.
fn batch_bytes(rng: &mut Rng) -> Option<usize> {
    let most = if rng.chance(50) { 3_000 } else { 20_000 };
    let bytes = rng.range(300, most) as usize;
    rng.chance(60).then_some(bytes)
}

/// Bytes kept until their receipt: so few that whoever sends soon waits, or more than one batch.
fn replay_bytes(rng: &mut Rng, fragment: u32) -> u32 {
    let (low, high) = match rng.below(4) {
        0 => (1_000, 8_000),
        1 => (8_000, 35_000),
        2 => (35_000, 80_000),
        _ => (80_000, 400_000),
    };
    (2 * fragment).max(rng.range(low, high) as u32)
}

pub(super) fn random_limits(rng: &mut Rng) -> Limits {
    let frame = rng.range(1_024, 40_000) as u32;
    let credit_max = if rng.chance(50) { 20_000 } else { 300 };
    let message_max = if rng.chance(50) { 20_000 } else { 200_000 };
    let message = frame.max(rng.range(1_024, message_max) as u32);
    let fragment_bytes = rng.range(256, 17_000) as u32;
    let soft_max = if rng.chance(30) { 300_000 } else { 60_000 };
    Limits {
        frame_bytes_max: frame,
        message_bytes_max: message,
        fragment_bytes,
        groups_max: rng.range(1, 4) as u32,
        reassembly_bytes_max: message + rng.below(100_000) as u32,
        calls_max: rng.range(1, 8) as u32,
        streams_max: rng.range(1, 6) as u32,
        subscriptions_max: rng.range(1, 5) as u32,
        wildcards_max: rng.range(1, 3) as u32,
        initial_credit: rng.range(1, credit_max) as u32,
        session_credit_max: rng.range(20_000, 150_000),
        subscription_bytes_max: rng.range(100, 20_000) as u32,
        outbox_soft_bytes: rng.range(600, soft_max) as u32,
        heartbeat: Duration::from_millis(rng.range(1_000, 4_000)),
        replay_bytes_max: replay_bytes(rng, fragment_bytes),
        replay_messages_max: rng.range(64, 200) as u32,
        detached_timeout: Duration::from_secs(rng.range(15, 60)),
        ..Limits::default()
    }
}

impl World {
    pub(super) fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let now = Time::from_micros(1_000_000);
        let wires = super::wire::wires(&mut rng);
        let mut side = |role| {
            let limits = random_limits(&mut rng);
            let wire = wires[usize::from(role == Role::Acceptor)].clone();
            let mut engine =
                Engine::new(EngineConfig { wire, ..config(limits.clone()) }, role, now);
            if let Some(bytes) = batch_bytes(&mut rng) {
                engine.fx.out.cut_batches(bytes);
            }
            Side {
                engine,
                inbox: BytesMut::new(),
                limits,
                ready: false,
                closed: None,
                blocked: false,
                notifications: 0,
                ping: None,
                authenticate_at: None,
                down: false,
                cut_off: false,
            }
        };
        let sides = [side(Role::Dialer), side(Role::Acceptor)];
        let pipes = [Pipe::new(&mut rng), Pipe::new(&mut rng)];
        Self {
            now,
            sides,
            pipes,
            sniffers: [Sniffer::default(), Sniffer::default()],
            ledger: Ledger::default(),
            ending: Ending::Alive,
            diligence: rng.range(5, 80),
            unknown: Vec::new(),
            relink: super::relink::Relink::new(&mut rng),
            wire: wires[1].clone(),
            trace,
            moves: 0,
            rng,
        }
    }

    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>9} {}", self.now.as_micros() - 1_000_000, text());
        }
    }

    /// Both links come up, and both sides get ready, unless it takes more rounds than that.
    pub(super) fn connect(&mut self, rounds: u32) {
        for side in 0..2 {
            let facts = self.facts();
            self.sides[side].engine.handle_link_up_with(self.now, facts);
            self.drain(side);
        }
        for _ in 0..rounds {
            if self.sides.iter().all(|side| side.ready) {
                return;
            }
            self.carry();
            self.tick();
        }
        assert!(rounds < ROUNDS_MAX, "the handshake does not end");
    }

    /// What may be written is written, and what has arrived is read.
    pub(super) fn carry(&mut self) {
        self.break_again();
        self.carry_late();
        for side in 0..2 {
            self.transmit(side);
        }
        for side in 0..2 {
            self.receive(side);
        }
    }

    pub(super) fn transmit(&mut self, side: usize) {
        if side == 1 && self.relink.gate.is_some() {
            self.transmit_gate();
        }
        if self.sides[side].cut_off {
            return self.transmit_into_nothing(side);
        }
        let this = &mut self.sides[side];
        if this.down || self.pipes[side].closed || !self.pipes[side].has_room() {
            return;
        }
        let is_closed = this.closed.is_some();
        if let Some(batch) = self.write(side) {
            self.pipes[side].send(self.now, &batch, &mut self.rng);
            self.note(|| format!("{side} writes {} bytes", batch.len()));
        } else if is_closed {
            assert_eq!(self.sides[side].engine.outbox_bytes(), 0, "a closed side keeps nothing");
            self.pipes[side].closed = true;
            self.moves += 1;
        }
        self.drain(side);
    }

    /// The next batch of `side`, seen by its listener.
    pub(super) fn write(&mut self, side: usize) -> Option<Vec<u8>> {
        let this = &mut self.sides[side];
        let mut batch = Vec::new();
        // Whoever says that there is nothing is not asked.
        let has_output = this.engine.has_output();
        if !this.engine.poll_transmit(&mut batch) {
            return None;
        }
        assert!(has_output && !batch.is_empty());
        self.moves += 1;
        let seen = this.engine.before_sealing(&batch).to_vec();
        let there = &self.sides[1 - side].limits;
        self.sniffers[side].count(&batch, there.frame_bytes_max);
        self.sniffers[side].read(&seen, there.frame_bytes_max, there.groups_max);
        self.check_grants(side);
        Some(batch)
    }

    /// `side` reads what has arrived for it.
    pub(super) fn receive(&mut self, side: usize) {
        if side == 1 && self.relink.gate.is_some() {
            return self.receive_gate();
        }
        if self.sides[side].cut_off {
            self.pipes[1 - side].cut(&mut self.rng);
            return;
        }
        let pipe = &mut self.pipes[1 - side];
        let bytes = pipe.receive(self.now, &mut self.rng);
        if !bytes.is_empty() && !self.sides[side].down {
            self.note(|| format!("{side} reads {} bytes", bytes.len()));
            self.moves += 1;
            self.feed(side, &bytes);
        }
        let pipe = &self.pipes[1 - side];
        if pipe.closed && pipe.is_empty() && !self.sides[side].down {
            self.link_down(side);
        }
    }

    pub(super) fn feed(&mut self, side: usize, bytes: &[u8]) {
        let this = &mut self.sides[side];
        this.inbox.extend_from_slice(bytes);
        this.engine.handle_bytes(self.now, &mut this.inbox);
        self.drain(side);
    }

    pub(super) fn link_down(&mut self, side: usize) {
        self.note(|| format!("{side} loses the link"));
        let status = Status::new(Code::Unavailable, "the link was cut").with_origin(Origin::Link);
        self.sides[side].engine.handle_link_down(self.now, &status);
        self.sides[side].down = true;
        self.pipes[side].closed = true;
        self.moves += 1;
        self.drain(side);
        // Only the link is gone, and there will be another.
        let waits = self.sides[side].engine.phase() == Phase::Detached;
        self.sides[side].down = !(waits && self.relink.goes_on());
    }

    /// Time goes on to the next thing that is due, or a little.
    pub(super) fn tick(&mut self) {
        let longest = if self.is_broken() { 100_000 } else { 3_000 };
        let step = Duration::from_micros(self.rng.range(1, longest));
        self.tick_within(step);
    }

    /// Time goes on to the next thing that is due, or so far.
    pub(super) fn tick_within(&mut self, step: Duration) {
        let mut next = self.now + step;
        for side in 0..2 {
            let this = &self.sides[side];
            let due = [this.engine.poll_timeout(), self.pipes[side].next_arrival()];
            let own = [this.authenticate_at, self.relink.due(side)];
            for due in due.into_iter().chain(own).flatten() {
                next = next.min(due.max(self.now));
            }
        }
        self.now = next;
        self.tick_relink();
        for side in 0..2 {
            if self.sides[side].engine.poll_timeout().is_some_and(|due| due <= self.now) {
                self.sides[side].engine.handle_timeout(self.now);
                self.drain(side);
            }
            if self.sides[side].authenticate_at.is_some_and(|at| at <= self.now) {
                self.sides[side].authenticate_at = None;
                let identity = Identity::new("dialer", Rights::all());
                self.sides[side].engine.accept(self.now, identity);
                self.drain(side);
            }
        }
        self.check_deadlines();
    }

    /// Takes all events of a side, and holds its state against the limits.
    pub(super) fn drain(&mut self, side: usize) {
        while let Some(event) = self.sides[side].engine.poll_event() {
            self.note(|| format!("{side} {}", short(&event)));
            self.moves += 1;
            assert!(self.sides[side].closed.is_none(), "{event:?} after the end");
            self.event(side, event);
        }
        self.check_bounds(side);
    }

    fn event(&mut self, side: usize, event: Event) {
        match event {
            Event::Authenticate { .. } => {
                let wait = Duration::from_micros(self.rng.below(50_000));
                self.sides[side].authenticate_at = Some(self.now + wait);
            }
            Event::Ready { .. } => {
                self.sides[side].ready = true;
                self.sniffers[side].is_numbered = self.sides[side].engine.is_resumable();
            }
            Event::Detached { reason } => self.detached(side, &reason),
            Event::Resumed => self.resumed(side),
            Event::Call { id: Some(id), target, payload, deadline, .. } => {
                self.called(side, id, target.as_str(), payload.as_deref(), deadline);
            }
            Event::Call { id: None, target, payload, .. } => {
                self.notified(side, target.as_str(), &payload.unwrap_or_default());
            }
            Event::Response { id, outcome } => self.answered(side, id, outcome),
            Event::Stream { id, target, payload, deadline, half_closed, .. } => {
                let asked = (payload.as_deref(), deadline, half_closed);
                self.stream_opened(side, id, target.as_str(), asked);
            }
            Event::Cancelled { id, status } => self.told_to_stop(side, id, &status),
            Event::Items { id, items } => {
                let stream = self.ledger.stream(id).expect("a stream that was opened");
                let way = 1 - stream.out_of(side);
                items.iter().for_each(|item| stream.ways[way].received(item, id));
            }
            Event::StreamEnd { id, outcome } => self.stream_ended(side, id, outcome),
            Event::StreamWritable { id } => {
                let stream = self.ledger.stream(id).expect("a stream that was opened");
                let way = stream.out_of(side);
                stream.ways[way].waiting = false;
            }
            Event::Writable => self.sides[side].blocked = false,
            Event::Pong { id } => {
                assert_eq!(self.sides[side].ping.take(), Some(id), "the newest ping is answered");
            }
            Event::Publish { topic, payload, options } => {
                self.published(side, topic.as_str(), &payload, options.retain);
            }
            Event::Draining => {
                assert_ne!(self.ending, Ending::Alive);
            }
            Event::Closed { reason } => self.side_closed(side, reason),
            other => self.topic_event(side, other),
        }
    }

    fn topic_event(&mut self, side: usize, event: Event) {
        let closed = self.sides[side].engine.phase() == Phase::Closed;
        match event {
            Event::Subscribe { id, pattern, options } => {
                let open = self.ledger.subscription(id).expect("somebody subscribed");
                assert_eq!((open.by, open.asked), (1 - side, None));
                assert_eq!(open.pattern, pattern.as_str());
                assert_eq!(open.overflow, options.overflow);
                open.asked = Some(false);
            }
            Event::Unsubscribed { id } => {
                let open = self.ledger.subscription(id).expect("somebody subscribed");
                assert!(open.by != side && open.asked.is_some() && !open.over);
                let allowed = open.left || closed || open.overflow == Overflow::Disconnect;
                assert!(allowed, "{id} is given up by nobody");
                open.over = true;
            }
            Event::Granted { id } => {
                let open = self.ledger.subscription(id).expect("we subscribed");
                assert!(open.by == side && !open.granted && !open.end_heard);
                open.granted = true;
            }
            Event::SubscriptionEnd { id, .. } => {
                let open = self.ledger.subscription(id).expect("we subscribed");
                assert!(open.by == side && !open.end_heard, "{id} ended twice");
                open.end_heard = true;
            }
            Event::Delivery { id, topic, payload, dropped, retained, .. } => {
                let open = self.ledger.subscription(id).expect("we subscribed");
                assert_eq!(open.by, side);
                let topic = topic.as_ref().map(|topic| topic.as_str());
                open.delivered(topic, &payload, dropped, retained);
            }
            other => panic!("an event that nobody expects: {other:?}"),
        }
    }

    fn notified(&mut self, side: usize, target: &str, payload: &[u8]) {
        self.sides[side].notifications += 1;
        let sent = &mut self.ledger.oneways[1 - side];
        // Those that came while too many handlers ran were dropped, and counted.
        loop {
            match sent.pop_front().expect("a notification that nobody sent, or out of order") {
                OneWay::Notification { target: wanted, stamp } => {
                    if wanted == target && stamp.is(payload) {
                        return;
                    }
                    self.ledger.skipped[side] += 1;
                }
                // At most once: one that was under way went with its link.
                OneWay::Publication { topic, .. } => {
                    assert!(self.relink.cuts > 0, "{topic} was overtaken");
                }
            }
        }
    }

    fn published(&mut self, side: usize, topic: &str, payload: &Bytes, retain: bool) {
        let sent = &mut self.ledger.oneways[1 - side];
        loop {
            match sent.pop_front().expect("a publication that nobody sent, or out of order") {
                OneWay::Publication { topic: wanted, stamp, retain: wanted_retain } => {
                    if wanted == topic && wanted_retain == retain && stamp.is(payload) {
                        break;
                    }
                    assert!(self.relink.cuts > 0, "{wanted} was overtaken");
                }
                OneWay::Notification { .. } => self.ledger.skipped[side] += 1,
            }
        }
        let matching: Vec<u64> = self
            .ledger
            .subscriptions
            .iter()
            .filter(|open| open.by != side && pattern_matches(&open.pattern, topic))
            .map(|open| open.id)
            .collect();
        for id in matching {
            self.deliver(side, id, topic, payload.len(), retain);
        }
    }

    fn side_closed(&mut self, side: usize, reason: Option<Status>) {
        assert_ne!(self.ending, Ending::Alive, "closed for no reason: {reason:?}");
        self.sides[side].closed = Some(reason.as_ref().map(Status::code));
        for stream in self.ledger.streams.iter_mut().filter(|stream| stream.by != side) {
            stream.orphaned = true;
        }
        for call in self.ledger.calls.iter().filter(|call| call.by == side) {
            assert_ne!(call.asker, Asker::Waits, "{} has no end", call.id);
        }
        for stream in self.ledger.streams.iter().filter(|stream| stream.by == side) {
            assert!(stream.over_for_opener(), "{} has no end", stream.id);
        }
        for open in &mut self.ledger.subscriptions {
            assert!(open.by != side || open.end_heard, "{} has no end", open.id);
            open.over |= open.by != side;
        }
    }

    /// What the callee has in hand.
    pub(super) fn serving(&self, side: usize) -> Vec<u64> {
        let open = |call: &&Call| call.by != side && call.executed && call.answered.is_none();
        if self.sides[side].closed.is_some() {
            return Vec::new();
        }
        self.ledger.calls.iter().filter(open).map(|call| call.id).collect()
    }

    fn check_bounds(&self, side: usize) {
        let this = &self.sides[side];
        let running = self.serving(side).len() as u64 + this.notifications;
        assert!(running <= u64::from(this.limits.calls_max), "too many handlers run");
        let streams = self.ledger.streams.iter();
        let served = streams.filter(|stream| stream.by != side && stream.is_served()).count();
        assert!(served <= this.limits.streams_max as usize, "too many streams are served");
        let engine = &this.engine;
        assert!(engine.outbox_bytes() <= this.limits.outbox_bytes_max as usize);
        let (groups, bytes) = engine.assembler.held();
        assert!(groups <= this.limits.groups_max as usize);
        assert!(bytes <= this.limits.reassembly_bytes_max as usize);
        assert!(engine.subscriptions.inbound_len() <= this.limits.subscriptions_max as usize);
        assert!(engine.subscriptions.wildcards() <= this.limits.wildcards_max as usize);
        let queued = engine.subscriptions.longest_queue();
        assert!(queued <= this.limits.subscription_bytes_max as usize, "a queue is too long");
        let replay_max = 2 * this.limits.replay_bytes_max + 250_000;
        assert!(engine.replay_bytes() <= replay_max as usize, "too much is kept");
        let kept = engine.fx.out.replay.next() - engine.fx.out.replay.oldest();
        assert!(kept <= u64::from(this.limits.replay_messages_max + 4), "{kept} are kept");
        assert!(engine.fx.events.is_empty());
    }

    /// Nobody grants in crumbs: half a window at least.
    pub(super) fn check_grants(&mut self, side: usize) {
        for (id, grant) in std::mem::take(&mut self.sniffers[side].grants) {
            let window = match self.ledger.stream(id) {
                Some(stream) => {
                    let way = 1 - stream.out_of(side);
                    stream.ways[way].window
                }
                None => self.ledger.subscription(id).expect("it was opened").window,
            };
            assert!(grant * 2 >= window, "{id}: granted {grant} of {window}");
        }
    }

    /// Whoever is late has been told.
    fn check_deadlines(&self) {
        let late = |deadline: Option<Time>| deadline.is_some_and(|deadline| deadline <= self.now);
        for call in &self.ledger.calls {
            let waits = call.asker == Asker::Waits && late(call.deadline);
            assert!(!waits, "the caller of {} is not told of its deadline", call.id);
            let runs = call.executed && call.answered.is_none() && late(call.callee_deadline);
            let open = self.sides[1 - call.by].closed.is_none();
            assert!(!(runs && open) || call.told_cancel.is_some(), "{} runs on", call.id);
        }
        for stream in &self.ledger.streams {
            let waits = !stream.over_for_opener() && late(stream.deadline);
            assert!(!waits, "the opener of {} is not told of its deadline", stream.id);
            let runs = stream.is_served() && late(stream.callee_deadline);
            assert!(!runs || stream.told_cancel.is_some(), "{} runs on", stream.id);
        }
    }
}

fn short(event: &Event) -> String {
    let mut text = format!("{event:?}");
    if text.len() > 160 {
        let mut end = 160;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}
