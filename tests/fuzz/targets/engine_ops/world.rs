//! Two engines, what their applications remember of them, and what must always hold.

use crate::{Op, Side};
use bytes::Bytes;
use fluxar::engine::Role;
use fluxar::engine::event::{Event, Overflow, PublishOptions, Refusal, Request, SubscribeOptions};
use fluxar::engine::session::phase::Phase;
use fluxar::engine::session::resume::LinkFacts;
use fluxar::engine::time::Time;
use fluxar::{Code, Limits, Status};
use fluxar_fuzz::{End, START, ready, resumable};
use std::collections::HashMap;
use std::time::Duration;

const TARGETS: [&str; 8] = ["a", "a.b", "a.*", ">", "*.b", "a..b", "x y", "a.b.c.d"];
const PAYLOAD_BYTES_MAX: usize = 40_000;
static PAYLOAD: [u8; PAYLOAD_BYTES_MAX] = [0x18; PAYLOAD_BYTES_MAX];

fn payload(len: u16) -> &'static [u8] {
    &PAYLOAD[..usize::from(len) % PAYLOAD_BYTES_MAX]
}

fn target(number: u8) -> &'static str {
    TARGETS[usize::from(number) % TARGETS.len()]
}

fn status(code: u8) -> Status {
    Status::new(Code::from_number(code), "made up by the fuzzer")
}

/// What an application knows of something that it opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    /// Open, and a subscription: it cannot be abandoned, only ended.
    Subscribed,
    Abandoned,
    Ended,
}

impl Fate {
    fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Subscribed)
    }
}

struct Party {
    end: End,
    /// Every id it has seen, its own and the peer's.
    ids: Vec<u64>,
    opened: HashMap<u64, Fate>,
    closed: bool,
}

impl Party {
    fn new(end: End) -> Self {
        Self { end, ids: Vec::new(), opened: HashMap::new(), closed: false }
    }

    fn pick(&self, pick: u8) -> u64 {
        self.ids.get(usize::from(pick) % self.ids.len().max(1)).copied().unwrap_or(u64::from(pick))
    }

    fn opened(&mut self, id: Result<u64, Refusal>, fate: Fate) {
        if let Ok(id) = id {
            self.ids.push(id);
            assert!(self.opened.insert(id, fate).is_none(), "ids are not used twice");
        }
    }

    fn ended(&mut self, id: u64) {
        if let Some(fate) = self.opened.get_mut(&id) {
            assert!(fate.is_open(), "{id} ended twice, or after it was abandoned");
            *fate = Fate::Ended;
        }
    }

    /// Takes the events; gives the reason of a close.
    fn drain(&mut self) -> Option<Status> {
        let mut why = None;
        while let Some(event) = self.end.engine.poll_event() {
            assert!(!self.closed, "{event:?} after Closed");
            match event {
                Event::Response { id, .. } | Event::SubscriptionEnd { id, .. } => self.ended(id),
                Event::StreamEnd { id, .. } => self.ended(id),
                Event::Call { id: Some(id), .. }
                | Event::Stream { id, .. }
                | Event::Subscribe { id, .. } => self.ids.push(id),
                Event::Closed { reason } => {
                    self.closed = true;
                    why = reason;
                }
                _ => {}
            }
        }
        why
    }
}

pub(crate) struct World {
    dialer: Party,
    acceptor: Party,
    limits: Limits,
    now: Time,
    /// Nobody but the two engines has spoken so far.
    honest: bool,
}

fn small_limits() -> Limits {
    let mut limits = Limits::default();
    limits.frame_bytes_max = 2048;
    limits.fragment_bytes = 1024;
    limits.message_bytes_max = 20_000;
    limits.groups_max = 2;
    limits.reassembly_bytes_max = 24_000;
    limits.calls_max = 3;
    limits.streams_max = 3;
    limits.subscriptions_max = 3;
    limits.wildcards_max = 1;
    limits.initial_credit = 100;
    limits.subscription_bytes_max = 2_000;
    limits.outbox_soft_bytes = 8_000;
    limits
}

impl World {
    pub(crate) fn new(small: bool, resumes: bool) -> Self {
        let limits = if small { small_limits() } else { Limits::default() };
        let (dialer, acceptor) = if resumes { resumable(&limits) } else { ready(&limits) };
        Self {
            dialer: Party::new(dialer),
            acceptor: Party::new(acceptor),
            limits,
            now: START,
            honest: true,
        }
    }

    fn side(&mut self, side: Side) -> &mut Party {
        if side { &mut self.dialer } else { &mut self.acceptor }
    }

    pub(crate) fn step(&mut self, op: &Op) {
        let now = self.now;
        match op.clone() {
            Op::Pass { ms } => self.pass(ms),
            Op::Carry { side, cut } => self.carry(side, usize::from(cut)),
            Op::LinkDown { side } => {
                let lost = Status::new(Code::Unavailable, "cut");
                self.side(side).end.engine.handle_link_down(now, &lost);
            }
            Op::Resume { stage, random } => self.resume(stage % 5, random),
            Op::Inject { side, bytes } => self.inject(side, &bytes),
            Op::InjectFrame { side, flags, bytes } => {
                let mut frame = (bytes.len() as u32 + 1).to_be_bytes().to_vec();
                frame.push(flags);
                frame.extend_from_slice(&bytes);
                self.inject(side, &frame);
            }
            Op::InjectMessage { side, kind, id, reference, fields } => {
                let message = message(kind, id, reference, fields);
                self.inject(side, &message);
            }
            op => self.command(&op),
        }
    }

    /// What applications do.
    fn command(&mut self, op: &Op) {
        let now = self.now;
        match *op {
            Op::Call { side, target: name, len, deadline_ms, hops } => {
                let deadline = deadline_ms.map(|ms| now + Duration::from_millis(ms.into()));
                let hops = u32::from(hops);
                let request = Request {
                    target: target(name),
                    payload: Some(payload(len)),
                    deadline,
                    hops,
                    ..Request::default()
                };
                let side = self.side(side);
                let id = side.end.engine.call(now, &request);
                side.opened(id, Fate::Open);
            }
            Op::Notify { side, target: name, len } => {
                let request = Request {
                    target: target(name),
                    payload: Some(payload(len)),
                    ..Request::default()
                };
                let _ = self.side(side).end.engine.notify(now, &request);
            }
            Op::Respond { side, pick, result } => {
                let side = self.side(side);
                let id = side.pick(pick);
                let why = status(result.err().unwrap_or(1));
                side.end.engine.respond(now, id, result.map(payload).map_err(|_| &why));
            }
            Op::Open { side, target: name, len, half_closed, credit } => {
                let request = Request {
                    target: target(name),
                    payload: Some(payload(len)),
                    ..Request::default()
                };
                let side = self.side(side);
                let credit = credit.map(u32::from);
                let id = side.end.engine.open_stream(now, &request, half_closed, credit);
                side.opened(id, Fate::Open);
            }
            Op::Item { side, pick, len } => {
                let side = self.side(side);
                let id = side.pick(pick);
                let _ = side.end.engine.send_item(now, id, payload(len));
            }
            Op::End { side, pick, result } => {
                let side = self.side(side);
                let id = side.pick(pick);
                let why = status(result.err().unwrap_or(1));
                let outcome = result.map(|len| len.map(payload)).map_err(|_| &why);
                side.end.engine.end_stream(now, id, outcome);
            }
            Op::Consume { side, pick, len } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.consumed(now, id, len.into());
            }
            Op::Cancel { side, pick } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.cancel(now, id);
            }
            Op::Abandon { side, pick } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.abandon(now, id);
                let gone = side.opened.get_mut(&id).filter(|fate| **fate == Fate::Open);
                if let Some(fate) = gone {
                    *fate = Fate::Abandoned;
                }
            }
            ref op => self.topics(op),
        }
    }

    fn topics(&mut self, op: &Op) {
        let now = self.now;
        match *op {
            Op::Subscribe { side, target: name, group, overflow, credit } => {
                let options = SubscribeOptions {
                    group: group.then(|| "workers".to_owned()),
                    overflow: [
                        Overflow::DropOldest,
                        Overflow::DropNewest,
                        Overflow::Latest,
                        Overflow::Disconnect,
                    ][usize::from(overflow) % 4],
                    credit: credit.map(u32::from),
                };
                let side = self.side(side);
                let id = side.end.engine.subscribe(now, target(name), &options);
                side.opened(id, Fate::Subscribed);
            }
            Op::Unsubscribe { side, pick } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.unsubscribe(now, id);
            }
            Op::Grant { side, pick } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.grant(now, id);
            }
            Op::EndSubscription { side, pick, code } => {
                let side = self.side(side);
                let id = side.pick(pick);
                side.end.engine.end_subscription(now, id, &status(code));
            }
            Op::Publish { side, target: name, len, retain } => {
                let options = PublishOptions::new().retain(retain);
                let engine = &mut self.side(side).end.engine;
                let _ = engine.publish(now, target(name), payload(len), &options);
            }
            Op::Deliver { side, pick, target: name, len, retained } => {
                let side = self.side(side);
                let id = side.pick(pick);
                let event = Bytes::from_static(payload(len));
                side.end.engine.deliver(
                    now,
                    id,
                    target(name),
                    &event,
                    &PublishOptions::new().retain(retained),
                );
            }
            Op::NotificationEnded { side } => self.side(side).end.engine.notification_ended(now),
            Op::Ping { side } => {
                self.side(side).end.engine.ping(now);
            }
            Op::Close { side, code } => {
                let why = code.map(status);
                self.side(side).end.engine.close(now, why.as_ref());
            }
            _ => {}
        }
    }

    /// Time passes; timers fire at most a few times, since a heartbeat is never that short.
    fn pass(&mut self, ms: u16) {
        self.now = self.now + Duration::from_millis(ms.into());
        for side in [true, false] {
            let now = self.now;
            let engine = &mut self.side(side).end.engine;
            if engine.poll_timeout().is_some_and(|due| due <= now) {
                engine.handle_timeout(now);
                assert!(
                    engine.poll_timeout().is_none_or(|due| due > now),
                    "a timer that stays due"
                );
            }
        }
    }

    fn carry(&mut self, side: Side, cut: usize) {
        let now = self.now;
        let batch = self.side(side).end.transmit();
        let (first, second) = batch.split_at(cut.min(batch.len()));
        let other = self.side(!side);
        other.end.receive(now, first);
        other.end.receive(now, second);
    }

    /// The HELLOs of another link, as far as `stage`.
    fn resume(&mut self, stage: u8, random: u8) {
        let (now, lost) = (self.now, Status::new(Code::Unavailable, "cut"));
        self.dialer.end.engine.handle_link_down(now, &lost);
        if self.dialer.end.engine.phase() != Phase::Detached {
            return;
        }
        let facts = |number| LinkFacts::random([number; 32]);
        let mut gate = End::linked(self.limits.clone(), Role::Acceptor, now, facts(random ^ 0x80));
        self.dialer.end.engine.handle_link_up_with(now, facts(random));
        let offer = self.dialer.end.transmit();
        gate.receive(now, &offer);
        while let Some(event) = gate.engine.poll_event() {
            if matches!(event, Event::Closed { .. }) {
                // It was refused.
                break;
            }
            assert!(matches!(event, Event::Resume { .. }), "{event:?}");
            match self.acceptor.end.engine.ticket() {
                Some(ticket) if stage > 0 => gate.engine.accept_resume(now, ticket),
                _ => gate.engine.refuse(now, &Status::new(Code::Unavailable, "not now")),
            }
        }
        let answer = gate.transmit();
        if stage > 1 {
            self.dialer.end.receive(now, &answer);
        }
        let confirm = self.dialer.end.transmit();
        if stage > 2 {
            gate.receive(now, &confirm);
        }
        let handover =
            std::iter::from_fn(|| gate.engine.poll_event()).find_map(|event| match event {
                Event::Handover { attachment } => Some(attachment),
                _ => None,
            });
        let acceptor = &mut self.acceptor.end;
        if handover.is_some_and(|attachment| acceptor.engine.attach(now, &attachment)) {
            acceptor.inbox = gate.inbox;
            acceptor.receive(now, &[]);
        } else {
            self.dialer.end.engine.handle_link_down(now, &lost);
        }
    }

    fn inject(&mut self, side: Side, bytes: &[u8]) {
        self.honest = false;
        let now = self.now;
        self.side(side).end.receive(now, bytes);
    }

    pub(crate) fn check(&mut self) {
        for side in [true, false] {
            let honest = self.honest;
            let why = self.side(side).drain();
            if let (true, Some(status)) = (honest, why) {
                let accuses = ["[L1.", "[L3.", "[L5.", "[X.", "[L4.seq", "[L4.rec", "[L4.res"];
                let text = status.message();
                assert!(
                    !accuses.iter().any(|rule| text.starts_with(rule)),
                    "an honest peer: {text}"
                );
            }
            let limits = self.limits.clone();
            let engine = &self.side(side).end.engine;
            let most = 4 * (limits.calls_max + limits.streams_max + limits.subscriptions_max);
            let flood = limits.budget_burst as usize;
            assert!(engine.open_items() <= most as usize + flood, "{}", engine.open_items());
            let room = limits.outbox_bytes_max as usize + PAYLOAD_BYTES_MAX + 1024;
            assert!(engine.outbox_bytes() <= room, "{}", engine.outbox_bytes());
            let kept = 2 * limits.replay_bytes_max as usize + PAYLOAD_BYTES_MAX + 1024;
            assert!(engine.replay_bytes() <= kept, "{}", engine.replay_bytes());
        }
    }

    /// The link is lost: everything that was opened has ended, once.
    pub(crate) fn finish(mut self) {
        let now = self.now;
        let lost = Status::new(Code::Unavailable, "the end of the run");
        for side in [true, false] {
            let side = self.side(side);
            side.end.engine.handle_link_down(now, &lost);
            // A session that could be resumed waits for that, and not for ever.
            side.end.engine.handle_timeout(now + Duration::from_secs(120));
            side.drain();
            assert!(side.closed, "a lost link closes");
            assert_eq!(side.end.engine.phase(), Phase::Closed);
            assert!(side.opened.values().all(|fate| !fate.is_open()), "something never ended");
            assert_eq!(side.end.engine.poll_timeout(), None, "a closed session waits for nothing");
        }
    }
}

/// A whole frame with an envelope whose fields are there or not, as `fields` says.
fn message(kind: u8, id: Option<u8>, reference: Option<u8>, fields: u8) -> Vec<u8> {
    let mut body = vec![0x87, kind % 9];
    for number in [id, reference] {
        match number {
            Some(number @ 0..24) => body.push(number),
            Some(number) => body.extend_from_slice(&[0x18, number]),
            None => body.push(0xf6),
        }
    }
    let optional: [(&[u8], u8); 4] = [
        (b"\x63a.b", 1),
        (if fields & 16 == 0 { b"\xa1\x00\xf5" } else { b"\xa1\x02\x18\x64" }, 2),
        (b"\x43abc", 4),
        (b"\xa2\x00\x05\x01\x62no", 8),
    ];
    for (bytes, bit) in optional {
        if fields & bit == 0 {
            body.push(0xf6);
        } else {
            body.extend_from_slice(bytes);
        }
    }
    let volatile = match kind % 9 {
        1 | 5 => true,
        6 => reference.is_none(),
        _ => false,
    };
    let mut frame = (body.len() as u32 + 1).to_be_bytes().to_vec();
    frame.push(if volatile { 0x40 } else { 0 });
    frame.extend_from_slice(&body);
    frame
}
