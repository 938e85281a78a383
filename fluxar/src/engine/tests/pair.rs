//! Two engines, virtual time, and a link that tests hold in their hands.

use crate::config::Limits;
use crate::engine::event::{Event, Request};
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role, WireConfig};
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
        let now = Time::from_micros(1_000_000);
        let end = |config, role| {
            let mut engine = Engine::new(config, role, now);
            engine.handle_link_up(now);
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
        self.acceptor.inbox.extend_from_slice(bytes);
        self.acceptor.engine.handle_bytes(self.now, &mut self.acceptor.inbox);
        self.acceptor.drain();
    }

    pub(crate) fn reach_dialer(&mut self, bytes: &[u8]) {
        self.dialer.inbox.extend_from_slice(bytes);
        self.dialer.engine.handle_bytes(self.now, &mut self.dialer.inbox);
        self.dialer.drain();
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
