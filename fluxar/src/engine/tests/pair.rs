//! Two engines, virtual time, and a link that tests hold in their hands.

use crate::config::Limits;
use crate::engine::event::{Event, Request};
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::session::resume::LinkFacts;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role, WireConfig};
use crate::error::{Code, Status};
use bytes::BytesMut;
use std::time::Duration;

pub(crate) fn config(limits: Limits) -> EngineConfig {
    EngineConfig {
        limits,
        peer: PeerInfo { instance: [7; 16], name: "test".into(), roles: vec![] },
        credential: Credential::None,
        peer_rights: Rights::all(),
        session: [9; 16],
        wire: WireConfig::default(),
    }
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    inbox: BytesMut,
}

impl End {
    fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }

    /// The events so far, which are then forgotten.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.drain();
        std::mem::take(&mut self.events)
    }

    pub(crate) fn feed(&mut self, now: Time, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        self.engine.handle_bytes(now, &mut self.inbox);
        self.drain();
    }

    pub(crate) fn transmit(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        self.engine.poll_transmit(&mut batch);
        self.drain();
        batch
    }
}

#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) dialer: End,
    pub(crate) acceptor: End,
}

impl Pair {
    pub(crate) fn connecting(dialer: Limits, acceptor: Limits) -> Self {
        Self::made_of(config(dialer), config(acceptor))
    }

    pub(crate) fn made_of(dialer: EngineConfig, acceptor: EngineConfig) -> Self {
        Self::linked((dialer, LinkFacts::default()), (acceptor, LinkFacts::default()))
    }

    pub(crate) fn linked(
        dialer: (EngineConfig, LinkFacts),
        acceptor: (EngineConfig, LinkFacts),
    ) -> Self {
        let now = Time::from_micros(1_000_000);
        let end = |(config, facts), role| {
            let mut engine = Engine::new(config, role, now);
            engine.handle_link_up_with(now, facts);
            End { engine, events: Vec::new(), inbox: BytesMut::new() }
        };
        Self { now, dialer: end(dialer, Role::Dialer), acceptor: end(acceptor, Role::Acceptor) }
    }

    /// Two sides that may do everything, ready.
    pub(crate) fn ready() -> Self {
        Self::with(Limits::default(), Limits::default(), Identity::anonymous())
    }

    pub(crate) fn with(dialer: Limits, acceptor: Limits, identity: Identity) -> Self {
        Self::connecting(dialer, acceptor).made_ready(identity)
    }

    /// Two sides whose session outlives its link.
    pub(crate) fn resumable() -> Self {
        Self::resumable_with(Limits::default(), Limits::default())
    }

    pub(crate) fn resumable_with(dialer: Limits, acceptor: Limits) -> Self {
        Self::linked(
            (config(dialer), LinkFacts::random([1; 32])),
            (config(acceptor), LinkFacts::random([2; 32])),
        )
        .made_ready(Identity::anonymous())
    }

    pub(crate) fn made_ready(mut self, identity: Identity) -> Self {
        self.run();
        let asked = self.acceptor.take();
        assert!(matches!(asked[..], [Event::Authenticate { .. }]), "{asked:?}");
        self.acceptor.engine.accept(self.now, identity);
        self.run();
        assert!(matches!(self.dialer.take()[..], [Event::Ready { .. }]));
        assert!(matches!(self.acceptor.take()[..], [Event::Ready { .. }]));
        self
    }

    /// Carries everything over until both sides are quiet.
    pub(crate) fn run(&mut self) {
        loop {
            let there = self.dialer.transmit();
            let back = self.acceptor.transmit();
            if there.is_empty() && back.is_empty() {
                break;
            }
            self.reach_acceptor(&there);
            self.reach_dialer(&back);
        }
    }

    pub(crate) fn reach_acceptor(&mut self, bytes: &[u8]) {
        self.acceptor.feed(self.now, bytes);
    }

    pub(crate) fn reach_dialer(&mut self, bytes: &[u8]) {
        self.dialer.feed(self.now, bytes);
    }

    /// The link breaks, at both ends, and what was under way is lost.
    pub(crate) fn cut(&mut self) {
        let reason = Status::new(Code::Unavailable, "cut");
        for end in [&mut self.dialer, &mut self.acceptor] {
            end.engine.handle_link_down(self.now, &reason);
            end.inbox.clear();
            end.drain();
        }
    }

    /// The first two HELLOs of another link: gives the acceptor's engine for it, and the answer.
    pub(crate) fn offer_again(&mut self) -> (End, Vec<u8>) {
        self.dialer.engine.handle_link_up_with(self.now, LinkFacts::random([3; 32]));
        let offer = self.dialer.transmit();
        let mut fresh = self.gate();
        fresh.feed(self.now, &offer);
        let asked = fresh.take();
        assert!(matches!(asked[..], [Event::Resume { .. }]), "{asked:?}");
        let ticket = self.acceptor.engine.ticket().expect("it can be resumed");
        fresh.engine.accept_resume(self.now, ticket);
        let answer = fresh.transmit();
        (fresh, answer)
    }

    /// An acceptor's engine for a link of which nothing is known yet.
    pub(crate) fn gate(&self) -> End {
        let config = config(self.acceptor.engine.limits().clone());
        let mut engine = Engine::new(config, Role::Acceptor, self.now);
        engine.handle_link_up_with(self.now, LinkFacts::random([4; 32]));
        End { engine, events: Vec::new(), inbox: BytesMut::new() }
    }

    /// Another link takes over; says whether both sides go on.
    pub(crate) fn resume(&mut self) -> bool {
        let (mut fresh, answer) = self.offer_again();
        self.reach_dialer(&answer);
        let confirm = self.dialer.transmit();
        fresh.feed(self.now, &confirm);
        self.take_over(fresh)
    }

    /// The link goes from the engine that took its HELLOs to the session's.
    pub(crate) fn take_over(&mut self, mut fresh: End) -> bool {
        let events = fresh.take();
        let [Event::Handover { attachment }] = &events[..] else { return false };
        let goes_on = self.acceptor.engine.attach(self.now, attachment);
        let rest = fresh.inbox.split();
        self.acceptor.inbox.clear();
        self.reach_acceptor(&rest);
        goes_on
    }

    /// Time passes for both, and what it sets off is carried over.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = [&self.dialer, &self.acceptor];
            let next = due.iter().filter_map(|end| end.engine.poll_timeout()).min();
            self.now = next.unwrap_or(end).clamp(self.now, end);
            self.dialer.engine.handle_timeout(self.now);
            self.acceptor.engine.handle_timeout(self.now);
            self.run();
            if self.now == end {
                break;
            }
        }
    }
}

pub(crate) fn request<'a>(target: &'a str, payload: &'a [u8]) -> Request<'a> {
    Request { target, payload: Some(payload), ..Request::default() }
}
