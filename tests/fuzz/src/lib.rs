//! What the targets share: sessions that are ready, and two engines joined by hand.

use bytes::BytesMut;
use fluxar::Limits;
use fluxar::engine::event::Event;
use fluxar::engine::session::auth::{Credential, Identity, Rights};
use fluxar::engine::session::handshake::PeerInfo;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::session::resume::LinkFacts;
use fluxar::engine::time::Time;
use fluxar::engine::wire::seal::{Psk, SealConfig, SealKey, Suite};
use fluxar::engine::{Engine, EngineConfig, Role, WireConfig};

/// The moment at which every run begins.
pub const START: Time = Time::from_micros(1_000_000);

/// What an engine of the targets is made of.
#[must_use]
pub fn config(limits: Limits) -> EngineConfig {
    EngineConfig {
        limits,
        peer: PeerInfo { instance: [7; 16], name: "fuzz".to_owned(), roles: Vec::new() },
        credential: Credential::None,
        peer_rights: Rights::all(),
        session: [9; 16],
        wire: WireConfig::default(),
    }
}

/// One engine with what has come for it.
#[derive(Debug)]
pub struct End {
    /// The engine.
    pub engine: Engine,
    /// Bytes that it has not taken yet.
    pub inbox: BytesMut,
}

impl End {
    /// An engine whose link is up.
    #[must_use]
    pub fn new(limits: Limits, role: Role) -> Self {
        Self::linked(limits, role, START, LinkFacts::default())
    }

    /// An engine whose link is up, and of which something is known.
    #[must_use]
    pub fn linked(limits: Limits, role: Role, now: Time, facts: LinkFacts) -> Self {
        let mut engine = Engine::new(config(limits), role, now);
        engine.handle_link_up_with(now, facts);
        Self { engine, inbox: BytesMut::new() }
    }

    /// One end of a link that is to be sealed: the dialer pins the acceptor, and presents a token.
    #[must_use]
    pub fn sealed(suite: Suite, role: Role) -> Self {
        let is_dialer = role == Role::Dialer;
        let own = SealKey::from_bytes(&[if is_dialer { 1 } else { 2 }; 32]);
        let mut config = config(Limits::default());
        config.credential = Credential::Bearer("token".to_owned());
        config.wire.seal = Some(SealConfig {
            suite,
            key: (!is_dialer || suite.pattern.is_mutual()).then_some(own),
            pinned: is_dialer.then(|| SealKey::from_bytes(&[2; 32]).public()),
            psk: suite.has_psk.then(|| Psk::from_bytes(&[3; 32])),
            required: true,
        });
        let random = [if is_dialer { 4 } else { 5 }; 32];
        let mut engine = Engine::new(config, role, START);
        engine.handle_link_up_with(START, LinkFacts::default().sealing(random));
        Self { engine, inbox: BytesMut::new() }
    }

    /// Takes every event, and says yes to whoever asks.
    pub fn settle(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.engine.poll_event() {
            if matches!(event, Event::Authenticate { .. }) {
                self.engine.accept(START, Identity::anonymous());
            }
            events.push(event);
        }
        events
    }

    /// Bytes come over the link.
    pub fn receive(&mut self, now: Time, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        self.engine.handle_bytes(now, &mut self.inbox);
    }

    /// What it has to send now; empty when nothing.
    pub fn transmit(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        self.engine.poll_transmit(&mut batch);
        batch
    }
}

/// A dialer and an acceptor, both ready, each of which may do everything at the other.
///
/// # Panics
/// The handshake of two engines fails.
#[must_use]
pub fn ready(limits: &Limits) -> (End, End) {
    let new = |role| End::new(limits.clone(), role);
    shake_hands(new(Role::Dialer), new(Role::Acceptor))
}

/// As `ready`, on a session that outlives its links.
///
/// # Panics
/// As `ready`.
#[must_use]
pub fn resumable(limits: &Limits) -> (End, End) {
    let new =
        |role, random| End::linked(limits.clone(), role, START, LinkFacts::random([random; 32]));
    shake_hands(new(Role::Dialer, 1), new(Role::Acceptor, 2))
}

fn shake_hands(mut dialer: End, mut acceptor: End) -> (End, End) {
    acceptor.receive(START, &dialer.transmit());
    while acceptor.engine.poll_event().is_some() {}
    acceptor.engine.accept(START, Identity::anonymous());
    dialer.receive(START, &acceptor.transmit());
    acceptor.receive(START, &dialer.transmit());
    for end in [&mut dialer, &mut acceptor] {
        assert_eq!(end.engine.phase(), Phase::Ready);
        while end.engine.poll_event().is_some() {}
    }
    (dialer, acceptor)
}

/// All events that wait, written down.
#[must_use]
pub fn events(engine: &mut Engine) -> Vec<String> {
    std::iter::from_fn(|| engine.poll_event()).map(|event: Event| format!("{event:?}")).collect()
}
