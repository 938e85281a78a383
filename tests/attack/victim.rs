//! An acceptor's engine under attack, with an application that behaves as a peer's driver does,
//! and a dialer whose bytes the test writes by hand.

use bytes::{Bytes, BytesMut};
use fluxar::engine::event::Event;
use fluxar::engine::frame;
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::message::kind::Kind;
use fluxar::engine::session::auth::{Credential, Identity, Rights};
use fluxar::engine::session::handshake::PeerInfo;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::time::Time;
use fluxar::engine::{Engine, EngineConfig, Role, WireConfig};
use fluxar::{Code, Limits, Status};
use std::collections::BTreeSet;
use std::time::Duration;

/// Bytes that a driver reads at once.
const READ_BYTES: usize = 64 << 10;

pub(crate) fn config(limits: Limits) -> EngineConfig {
    EngineConfig {
        limits,
        peer: PeerInfo { instance: [7; 16], name: "attack".to_owned(), roles: Vec::new() },
        credential: Credential::None,
        peer_rights: Rights::all(),
        session: [9; 16],
        wire: WireConfig::default(),
    }
}

/// What the victim's handlers do with a cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handlers {
    /// End at once, as a dropped future does.
    Yield,
    /// Go on for ever.
    Stuck,
}

/// See the module.
pub(crate) struct Victim {
    pub(crate) engine: Engine,
    pub(crate) now: Time,
    inbox: BytesMut,
    handlers: Handlers,
    /// Whether the attacker reads what is sent to it.
    pub(crate) reads: bool,
    /// Calls and streams whose handler lives; a task each.
    pub(crate) live: BTreeSet<u64>,
    pub(crate) live_most: usize,
    pub(crate) notifications: usize,
    /// All that the attacker has read, unless it reads nothing.
    pub(crate) read: Vec<u8>,
    /// Other events, kept when asked for.
    pub(crate) events: Option<Vec<Event>>,
    pub(crate) closed: Option<Option<Status>>,
}

impl Victim {
    /// A session that is ready between a victim with these limits and an attacker that declared
    /// those. The attacker has used the id 1.
    pub(crate) fn with(ours: Limits, attackers: Limits, rights: Rights) -> Self {
        let now = Time::from_micros(1_000_000);
        let mut attacker = Engine::new(config(attackers), Role::Dialer, now);
        let mut victim = Self::fresh(ours);
        attacker.handle_link_up(now);
        victim.events = Some(Vec::new());
        let mut batch = Vec::new();
        attacker.poll_transmit(&mut batch);
        victim.feed(&batch);
        victim.engine.accept(now, Identity::new("attacker", rights));
        victim.transmit();
        let mut answer = BytesMut::from(&std::mem::take(&mut victim.read)[..]);
        attacker.handle_bytes(now, &mut answer);
        batch.clear();
        attacker.poll_transmit(&mut batch);
        victim.feed(&batch);
        assert_eq!(victim.engine.phase(), Phase::Ready);
        victim.events = None;
        victim
    }

    /// Default limits, every right.
    pub(crate) fn ready() -> Self {
        Self::with(Limits::default(), Limits::default(), Rights::all())
    }

    /// Before any HELLO.
    pub(crate) fn fresh(limits: Limits) -> Self {
        let now = Time::from_micros(1_000_000);
        let mut engine = Engine::new(config(limits), Role::Acceptor, now);
        engine.handle_link_up(now);
        Self {
            engine,
            now,
            inbox: BytesMut::with_capacity(READ_BYTES),
            handlers: Handlers::Yield,
            reads: true,
            live: BTreeSet::new(),
            live_most: 0,
            notifications: 0,
            read: Vec::new(),
            events: None,
            closed: None,
        }
    }

    pub(crate) fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    pub(crate) fn stalled(mut self) -> Self {
        self.reads = false;
        self
    }

    /// Bytes arrive, as many reads as they need; the driver does its round after each.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for read in bytes.chunks(READ_BYTES) {
            if self.closed.is_some() {
                return;
            }
            self.inbox.extend_from_slice(read);
            self.engine.handle_bytes(self.now, &mut self.inbox);
            self.round();
        }
    }

    /// Time passes, timer by timer.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.closed.is_none() {
            let due = self.engine.poll_timeout().filter(|due| *due <= end);
            self.now = due.unwrap_or(end).max(self.now);
            self.engine.handle_timeout(self.now);
            self.round();
            if due.is_none() {
                break;
            }
        }
    }

    /// Takes the events, then sends if the attacker reads.
    pub(crate) fn round(&mut self) {
        self.drain();
        if self.reads || self.closed.is_some() {
            self.transmit();
        }
    }

    pub(crate) fn transmit(&mut self) {
        let mut batch = Vec::new();
        while self.engine.poll_transmit(&mut batch) {
            self.read.extend_from_slice(&batch);
            batch.clear();
            self.drain();
        }
    }

    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            assert!(self.closed.is_none(), "{event:?} after Closed");
            match &event {
                Event::Call { id: Some(id), .. } | Event::Stream { id, .. } => {
                    self.live.insert(*id);
                    self.live_most = self.live_most.max(self.live.len());
                }
                Event::Call { id: None, .. } => self.notifications += 1,
                Event::Cancelled { id, .. } => self.cancelled(*id),
                Event::Subscribe { id, .. } => self.engine.grant(self.now, *id),
                Event::Closed { reason } => self.closed = Some(reason.clone()),
                _ => {}
            }
            if let Some(events) = &mut self.events {
                events.push(event);
            }
        }
    }

    fn cancelled(&mut self, id: u64) {
        if self.handlers == Handlers::Stuck {
            return;
        }
        let cancelled = Status::new(Code::Cancelled, "dropped");
        if self.live.remove(&id) {
            self.engine.respond(self.now, id, Err(&cancelled));
            self.engine.end_stream(self.now, id, Err(&cancelled));
        }
    }

    /// Every live handler of a call answers with `payload`.
    pub(crate) fn answer_all(&mut self, payload: &[u8]) {
        for id in std::mem::take(&mut self.live) {
            self.engine.respond(self.now, id, Ok(payload));
        }
        self.round();
    }

    /// What the attacker was told when the session ended: the code and the text of the goodbye.
    pub(crate) fn goodbye(&self) -> Option<(Code, String)> {
        self.messages().into_iter().find_map(|envelope| {
            let envelope = Envelope::decode(&envelope).expect("the victim speaks the protocol");
            let goodbye = envelope.kind == Kind::Cancel && envelope.reference.is_none();
            let error = envelope.error.filter(|_| goodbye)?;
            Some((error.code, error.message.to_owned()))
        })
    }

    /// The attacker was told, by the rule and its code, and the session is over.
    #[track_caller]
    pub(crate) fn assert_closed_by(&self, code: Code, rule: &str) {
        let told = self.goodbye();
        let (told_code, text) =
            told.as_ref().map_or((None, ""), |(code, text)| (Some(*code), text));
        assert_eq!(told_code, Some(code), "expected {rule}, got {text:?}");
        assert!(text.starts_with(&format!("[{rule}] ")), "expected {rule}, got {text:?}");
        assert!(text.len() > rule.len() + 12, "says what is wrong");
        assert!(matches!(&self.closed, Some(Some(status)) if status.message() == text));
        assert_eq!(self.engine.phase(), Phase::Closed);
    }

    /// The envelopes that the attacker has read, put together.
    pub(crate) fn messages(&self) -> Vec<Bytes> {
        let mut messages = Vec::new();
        let mut groups = std::collections::BTreeMap::<u64, Vec<u8>>::new();
        let mut rest = &self.read[..];
        while let Ok(Some(whole)) = frame::whole_len(rest, u32::MAX) {
            let (one, after) = rest.split_at(whole);
            rest = after;
            let frame = frame::decode(&one[frame::LEN_BYTES..]).expect("the victim's frames");
            let Some(group) = frame.group else {
                messages.push(Bytes::copy_from_slice(frame.body));
                continue;
            };
            groups.entry(group).or_default().extend_from_slice(frame.body);
            if frame.flags & frame::MORE == 0 {
                messages.push(groups.remove(&group).unwrap_or_default().into());
            }
        }
        messages
    }
}

pub(crate) fn all_rights() -> Rights {
    Rights::all()
}
